/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The list of an account's mailboxes. Their names come as the servers gave them, and are escaped
 * for people. Roles are words of the account's file (role:junk),
 * and so the same in each language. */

#include "cli/mailbox.h"

#include <glib/gi18n.h>
#include <inttypes.h>
#include <string.h>

#include "cli/show.h"
#include "util/log.h"

static gboolean
flag(GVariant *fields, const char *key)
{
    gboolean value = FALSE;

    g_variant_lookup(fields, key, "b", &value);

    return value;
}

static guint64
number(GVariant *fields, const char *key)
{
    guint64 value = 0;

    g_variant_lookup(fields, key, "t", &value);

    return value;
}

static const char *
word(GVariant *fields, const char *key)
{
    const char *value = "";

    g_variant_lookup(fields, key, "&s", &value);

    return value;
}

static const char *
state_words(const char *state)
{
    static const struct {
        const char *state, *words;
    } table[] = {
        {"synced", N_("synced")},
        {"pending", N_("to be synced")},
        {"held", N_("held back")},
        {"excluded", N_("left out")},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        if (g_str_equal(state, table[i].state))
            return _(table[i].words);
    }

    return state;
}

static const char *
sides_words(gboolean local, gboolean remote)
{
    if (local && remote)
        return _("both");
    if (local)
        return _("local");

    return remote ? _("remote") : "";
}

static char **
row_of(const char *name, GVariant *fields)
{
    g_autofree char *shown = ims_text_escape(name, strlen(name));
    g_autofree char *messages = g_strdup_printf("%" PRIu64, number(fields, "messages"));
    g_autofree char *last_sync = ims_show_time(number(fields, "last-sync"));
    const char *row[] = {
        shown,
        state_words(word(fields, "state")),
        sides_words(flag(fields, "local"), flag(fields, "remote")),
        word(fields, "role"),
        messages,
        flag(fields, "subscribed") ? _("yes") : _("no"),
        last_sync,
        NULL,
    };

    return g_strdupv((char **)row);
}

char *
ims_mailbox_table(GVariant *mailboxes)
{
    const char *heading[] = {
        _("MAILBOX"),
        _("STATE"),
        _("SIDES"),
        _("ROLE"),
        _("MESSAGES"),
        _("SUBSCRIBED"),
        _("LAST SYNC"),
        NULL,
    };
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);

    g_ptr_array_add(rows, g_strdupv((char **)heading));
    for (gsize i = 0; i < g_variant_n_children(mailboxes); i++) {
        g_autoptr(GVariant) fields = NULL;
        const char *name;

        g_variant_get_child(mailboxes, i, "(&s@a{sv})", &name, &fields);
        g_ptr_array_add(rows, row_of(name, fields));
    }

    return ims_show_table(rows);
}
