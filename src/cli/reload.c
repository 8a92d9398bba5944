/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The command reload. The service answers before it has used what it read, but what is wrong with a
 * file it knows at once. */

#include <glib/gi18n.h>

#include "cli/bus.h"
#include "cli/command.h"
#include "cli/fault.h"
#include "util/error.h"
#include "util/names.h"

static GVariant *
reload(sd_bus *bus, GError **error)
{
    g_autoptr(GVariant) reply = ims_bus_call(
        bus, IMS_ROOT_PATH, IMS_MANAGER_INTERFACE ".Reload", g_variant_new("()"), "()", error);

    return reply != NULL ? ims_bus_status(bus, error) : NULL;
}

/* Tells what is wrong with the file of @account, an `a{sv}` of Manager.Status. Returns: whether
 * anything is. */
static gboolean
report_file(GVariant *account)
{
    const char *name = "", *state = "", *error_name = "", *message = "";
    g_autoptr(GError) error = NULL;

    g_variant_lookup(account, "name", "&s", &name);
    g_variant_lookup(account, "state", "&s", &state);
    g_variant_lookup(account, "error-name", "&s", &error_name);
    g_variant_lookup(account, "error-message", "&s", &message);

    error = ims_bus_error(error_name, message);
    if (!g_str_equal(state, "blocked") || !g_error_matches(error, IMS_ERROR, IMS_ERROR_CONFIG))
        return FALSE;
    ims_fault_report(NULL, name, error);

    return TRUE;
}

static guint
report_files(GVariant *accounts)
{
    guint n = 0;

    for (gsize i = 0; i < g_variant_n_children(accounts); i++) {
        g_autoptr(GVariant) account = g_variant_get_child_value(accounts, i);

        n += report_file(account) ? 1 : 0;
    }

    return n;
}

ImsExit
ims_command_reload(const ImsArgs *args)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(sd_bus) bus = ims_bus_open(&error);
    g_autoptr(GVariant) accounts = bus != NULL ? reload(bus, &error) : NULL;
    guint n;

    if (accounts == NULL)
        return ims_fault_report(NULL, NULL, error);
    if (report_files(accounts) > 0)
        return IMS_EXIT_FAILED;

    n = (guint)g_variant_n_children(accounts);
    if (n == 0)
        ims_fault_no_accounts();
    else
        g_print(
            ngettext(
                "The files were read again; there is %u account.\n",
                "The files were read again; there are %u accounts.\n",
                n),
            n);

    return IMS_EXIT_DONE;
}
