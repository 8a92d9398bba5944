/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Commands that only look: status, issues and mailboxes. */

#include <glib/gi18n.h>

#include "cli/bus.h"
#include "cli/command.h"
#include "cli/fault.h"
#include "cli/issue.h"
#include "cli/mailbox.h"
#include "cli/show.h"
#include "util/error.h"
#include "util/names.h"

static const char *
text_of(GVariant *account, const char *key)
{
    const char *text = "";

    g_variant_lookup(account, key, "&s", &text);

    return text;
}

static const char *
state_words(const char *state)
{
    static const struct {
        const char *state, *words;
    } table[] = {
        {"idle", N_("idle")},
        {"queued", N_("waiting")},
        {"syncing", N_("syncing")},
        {"offline", N_("offline")},
        {"blocked", N_("blocked")},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        if (g_str_equal(state, table[i].state))
            return _(table[i].words);
    }

    return state;
}

/* What the user may want to know or do, on one line. */
static char *
note_of(GVariant *account)
{
    const char *name = text_of(account, "name");
    g_autoptr(GError) error =
        ims_bus_error(text_of(account, "error-name"), text_of(account, "error-message"));
    guint64 next_sync = 0;
    guint32 issues = 0;

    g_variant_lookup(account, "next-sync", "t", &next_sync);
    if (error != NULL) {
        g_autofree char *advice = ims_fault_advice(error, name);
        g_autofree char *time = ims_show_time(next_sync);
        g_autoptr(GString) note = g_string_new(error->message);

        if (advice != NULL)
            g_string_append_printf(note, " → %s", advice);
        if (next_sync > 0)
            g_string_append_printf(note, _("; tried again at %s"), time);
        return g_string_free(g_steal_pointer(&note), FALSE);
    }

    g_variant_lookup(account, "issues", "u", &issues);
    if (issues > 0)
        return g_strdup_printf(_("see \"imapsyncctl issues %s\""), name);

    return g_strdup("");
}

static char **
status_row(GVariant *account)
{
    char **row = g_new0(char *, 6);
    guint64 last_success = 0;
    guint32 issues = 0;

    g_variant_lookup(account, "last-success", "t", &last_success);
    g_variant_lookup(account, "issues", "u", &issues);

    row[0] = g_strdup(text_of(account, "name"));
    row[1] = g_strdup(state_words(text_of(account, "state")));
    row[2] = ims_show_time(last_success);
    row[3] = g_strdup_printf("%u", issues);
    row[4] = note_of(account);

    return row;
}

static char **
status_heading(void)
{
    const char *heading[] = {
        _("ACCOUNT"), _("STATE"), _("LAST SYNC"), _("ISSUES"), _("NOTE"), NULL};

    return g_strdupv((char **)heading);
}

static void
print_status(GVariant *accounts)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    g_autofree char *table = NULL;

    g_ptr_array_add(rows, status_heading());
    for (gsize i = 0; i < g_variant_n_children(accounts); i++) {
        g_autoptr(GVariant) account = g_variant_get_child_value(accounts, i);

        g_ptr_array_add(rows, status_row(account));
    }
    table = ims_show_table(rows);
    g_print("%s", table);
}

ImsExit
ims_command_status(const ImsArgs *args)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) accounts = NULL;
    g_autoptr(sd_bus) bus = ims_bus_open(&error);

    if (bus != NULL)
        accounts = ims_bus_status(bus, &error);
    if (accounts == NULL)
        return ims_fault_report(NULL, NULL, error);

    if (ims_args_has(args, "json")) {
        g_autofree char *json = ims_show_json(accounts);

        g_print("%s\n", json);
    } else if (g_variant_n_children(accounts) == 0) {
        ims_fault_no_accounts();
    } else {
        print_status(accounts);
    }

    return IMS_EXIT_DONE;
}

/* Prints the issues of one account, and adds their number to @n. */
static gboolean
print_issues(sd_bus *bus, const char *account, guint *n, GError **error)
{
    g_autofree char *path = ims_bus_account_path(bus, account, error);
    g_autoptr(GVariant) reply = NULL;
    g_autoptr(GVariant) issues = NULL;

    if (path != NULL)
        reply = ims_bus_call(
            bus,
            path,
            IMS_ACCOUNT_INTERFACE ".ListIssues",
            g_variant_new("(@a{sv})", ims_bus_no_options()),
            "(aa{sv})",
            error);
    if (reply == NULL)
        return FALSE;

    issues = g_variant_get_child_value(reply, 0);
    for (gsize i = 0; i < g_variant_n_children(issues); i++) {
        g_autoptr(GVariant) issue = g_variant_get_child_value(issues, i);
        g_autofree char *text = ims_issue_text(account, issue);

        g_print("%s%s", *n > 0 ? "\n" : "", text);
        ++*n;
    }

    return TRUE;
}

static gboolean
print_all_issues(sd_bus *bus, guint *n, GError **error)
{
    g_autoptr(GVariant) accounts = ims_bus_status(bus, error);

    if (accounts == NULL)
        return FALSE;

    for (gsize i = 0; i < g_variant_n_children(accounts); i++) {
        g_autoptr(GVariant) account = g_variant_get_child_value(accounts, i);

        if (!print_issues(bus, text_of(account, "name"), n, error))
            return FALSE;
    }

    return TRUE;
}

ImsExit
ims_command_issues(const ImsArgs *args)
{
    const char *name = ims_args_word(args, 0);
    g_autoptr(GError) error = NULL;
    g_autoptr(sd_bus) bus = ims_bus_open(&error);
    guint n = 0;

    if (bus == NULL ||
        !(name != NULL ? print_issues(bus, name, &n, &error) : print_all_issues(bus, &n, &error)))
        return ims_fault_report(bus, name, error);
    if (n == 0)
        g_print(_("Nothing waits for you.\n"));

    return IMS_EXIT_DONE;
}

static GVariant *
list_mailboxes(sd_bus *bus, const char *account, GError **error)
{
    g_autofree char *path = ims_bus_account_path(bus, account, error);
    g_autoptr(GVariant) reply = NULL;

    if (path != NULL)
        reply = ims_bus_call(
            bus,
            path,
            IMS_ACCOUNT_INTERFACE ".ListMailboxes",
            g_variant_new("(@a{sv})", ims_bus_no_options()),
            "(a(sa{sv}))",
            error);

    return reply == NULL ? NULL : g_variant_get_child_value(reply, 0);
}

ImsExit
ims_command_mailboxes(const ImsArgs *args)
{
    const char *name = ims_args_word(args, 0);
    g_autoptr(GError) error = NULL;
    g_autoptr(sd_bus) bus = ims_bus_open(&error);
    g_autoptr(GVariant) mailboxes = bus != NULL ? list_mailboxes(bus, name, &error) : NULL;
    g_autofree char *text = NULL;

    if (mailboxes == NULL)
        return ims_fault_report(bus, name, error);

    if (ims_args_has(args, "json")) {
        text = ims_show_named_json(mailboxes);
        g_print("%s\n", text);
    } else if (g_variant_n_children(mailboxes) == 0) {
        g_printerr(
            _("No sync has listed the mailboxes of %s since the service started. Run "
              "\"imapsyncctl sync %s\", then look again\n"),
            name,
            name);
    } else {
        text = ims_mailbox_table(mailboxes);
        g_print("%s", text);
    }

    return IMS_EXIT_DONE;
}
