/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The command unlock: lets the service have the keyring ask the user. Only this makes it ask. */

#include <glib/gi18n.h>

#include "cli/bus.h"
#include "cli/command.h"
#include "cli/fault.h"
#include "util/error.h"
#include "util/names.h"

#define PROMPT_US (2 * 60 * G_USEC_PER_SEC) /* for the user */
#define MARGIN_US (10 * G_USEC_PER_SEC)     /* for the answer */

static gboolean
unlock(sd_bus *bus, const char *account, GError **error)
{
    g_autofree char *path = ims_bus_account_path(bus, account, error);
    g_autoptr(GVariant) reply = NULL;
    GVariantBuilder options;

    if (path == NULL)
        return FALSE;

    g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&options, "{sv}", "timeout", g_variant_new_uint64(PROMPT_US));
    sd_bus_set_method_call_timeout(bus, PROMPT_US + MARGIN_US);
    reply = ims_bus_call(
        bus,
        path,
        IMS_ACCOUNT_INTERFACE ".Unlock",
        g_variant_new("(a{sv})", &options),
        "()",
        error);

    return reply != NULL;
}

ImsExit
ims_command_unlock(const ImsArgs *args)
{
    const char *name = ims_args_word(args, 0);
    g_autoptr(GError) error = NULL;
    g_autoptr(sd_bus) bus = ims_bus_open(&error);

    if (bus == NULL || !unlock(bus, name, &error))
        return ims_fault_report(bus, name, error);

    g_print(_("The keyring is unlocked. If %s was waiting for it, it goes on by itself.\n"), name);

    return IMS_EXIT_DONE;
}
