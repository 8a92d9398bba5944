/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The command resolve: the user's answer to one issue, which the command issues has shown with its
 * number. */

#include <glib/gi18n.h>

#include "cli/bus.h"
#include "cli/command.h"
#include "cli/fault.h"
#include "util/error.h"
#include "util/names.h"

static gboolean
resolve(sd_bus *bus, const char *account, guint64 id, const char *action, GError **error)
{
    g_autofree char *path = ims_bus_account_path(bus, account, error);
    g_autoptr(GVariant) reply = NULL;

    if (path != NULL)
        reply = ims_bus_call(
            bus,
            path,
            IMS_ACCOUNT_INTERFACE ".Resolve",
            g_variant_new("(ts@a{sv})", id, action, ims_bus_no_options()),
            "()",
            error);

    return reply != NULL;
}

ImsExit
ims_command_resolve(const ImsArgs *args)
{
    const char *name = ims_args_word(args, 0);
    const char *number = ims_args_word(args, 1);
    const char *action = ims_args_word(args, 2);
    g_autoptr(GError) error = NULL;
    g_autoptr(sd_bus) bus = NULL;
    guint64 id = 0;

    if (!g_ascii_string_to_unsigned(number, 10, 1, G_MAXUINT64, &id, NULL)) {
        g_set_error(
            &error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("“%s” is no number of an issue: see \"imapsyncctl issues %s\""),
            number,
            name);
        return ims_fault_usage("resolve", error);
    }
    bus = ims_bus_open(&error);
    if (bus == NULL || !resolve(bus, name, id, action, &error))
        return ims_fault_report(bus, name, error);

    g_print(_("Done; %s goes on by itself.\n"), name);

    return IMS_EXIT_DONE;
}
