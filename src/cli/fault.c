/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The service's messages name their own fix; what is added here is the command of this program that
 * does it, and the names that could have been meant. */

#include "cli/fault.h"

#include <glib/gi18n.h>
#include <string.h>

#include "cli/account-file.h"
#include "cli/bus.h"
#include "util/error.h"

/* By a command of this program, or by a key of the account's file. */
static gboolean
names_its_fix(const char *message)
{
    return strstr(message, "imapsyncctl") != NULL || strstr(message, "password-command") != NULL ||
           strstr(message, "token-command") != NULL;
}

char *
ims_fault_advice(const GError *error, const char *account)
{
    const char *name = account != NULL ? account : "NAME";
    g_autofree char *file = ims_account_file_path(name);

    if (error->domain != IMS_ERROR || names_its_fix(error->message))
        return NULL;
    switch (error->code) {
    case IMS_ERROR_CREDENTIALS_MISSING:
        return g_strdup_printf(_("store the password with \"imapsyncctl password %s\""), name);
    case IMS_ERROR_AUTH_FAILED:
        return g_strdup_printf(
            _("store the right password with \"imapsyncctl password %s\""), name);
    case IMS_ERROR_OFFLINE:
        return g_strdup_printf(_("if host or port is wrong, correct %s"), file);
    case IMS_ERROR_CERTIFICATE_REJECTED:
        return g_strdup_printf(
            _("see it with \"imapsyncctl issues %s\"; host, port and ca-file are in %s"),
            name,
            file);
    default:
        return NULL;
    }
}

static ImsExit
exit_status(const GError *error)
{
    if (g_error_matches(error, IMS_ERROR, IMS_ERROR_OFFLINE))
        return IMS_EXIT_OFFLINE;
    if (g_error_matches(error, IMS_ERROR, IMS_ERROR_CANCELLED))
        return IMS_EXIT_CANCELLED;

    return IMS_EXIT_FAILED;
}

void
ims_fault_no_accounts(void)
{
    g_printerr(
        _("There are no accounts. Add one with \"imapsyncctl add NAME imaps://user@host\"\n"));
}

static void
list_accounts(sd_bus *bus)
{
    g_autoptr(GVariant) accounts = ims_bus_status(bus, NULL);
    g_autoptr(GString) names = g_string_new(NULL);

    if (accounts == NULL)
        return;

    for (gsize i = 0; i < g_variant_n_children(accounts); i++) {
        g_autoptr(GVariant) account = g_variant_get_child_value(accounts, i);
        const char *name;

        if (g_variant_lookup(account, "name", "&s", &name))
            g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", name);
    }

    if (names->len > 0)
        g_printerr(_("The accounts are: %s\n"), names->str);
    else
        ims_fault_no_accounts();
}

ImsExit
ims_fault_report(sd_bus *bus, const char *account, const GError *error)
{
    g_autofree char *advice = ims_fault_advice(error, account);

    if (account != NULL && strstr(error->message, account) == NULL)
        g_printerr("imapsyncctl: %s: %s\n", account, error->message);
    else
        g_printerr("imapsyncctl: %s\n", error->message);

    if (advice != NULL)
        g_printerr("  → %s\n", advice);
    if (bus != NULL && g_error_matches(error, IMS_ERROR, IMS_ERROR_NO_SUCH_ACCOUNT))
        list_accounts(bus);

    return exit_status(error);
}

ImsExit
ims_fault_usage(const char *command, const GError *error)
{
    g_printerr("imapsyncctl: %s\n", error->message);
    if (command != NULL)
        g_printerr(_("Try \"imapsyncctl help %s\".\n"), command);
    else
        g_printerr(_("Try \"imapsyncctl help\".\n"));

    return IMS_EXIT_USAGE;
}
