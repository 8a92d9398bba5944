/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Commands on jobs: sync and cancel. */

#include <glib/gi18n.h>

#include "cli/bus.h"
#include "cli/command.h"
#include "cli/fault.h"
#include "cli/watch.h"
#include "util/error.h"
#include "util/names.h"

/* Returns: (transfer floating): the options of Manager.Sync; NULL if a value is wrong. */
static GVariant *
read_options(const ImsArgs *args, GError **error)
{
    const GPtrArray *mailboxes = ims_args_values(args, "mailbox");
    const char *max_deletions = ims_args_value(args, "max-deletions");
    guint64 max = 0;
    GVariantBuilder builder;

    if (max_deletions != NULL &&
        !g_ascii_string_to_unsigned(max_deletions, 10, 0, G_MAXUINT32, &max, NULL)) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("--max-deletions %s: a number from 0 to 4294967295 is needed"),
            max_deletions);
        return NULL;
    }

    g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
    if (mailboxes != NULL)
        g_variant_builder_add(&builder, "{sv}", "mailboxes", ims_bus_strv(mailboxes));
    if (max_deletions != NULL)
        g_variant_builder_add(
            &builder, "{sv}", "max-deletions", g_variant_new_uint32((guint32)max));
    if (ims_args_has(args, "dry-run"))
        g_variant_builder_add(&builder, "{sv}", "dry-run", g_variant_new_boolean(TRUE));

    return g_variant_builder_end(&builder);
}

static ImsExit
start_and_watch(sd_bus *bus, const ImsArgs *args, GVariant *options, GError **error)
{
    ImsWatchKind kind = ims_args_has(args, "dry-run") ? IMS_WATCH_DRY_RUN : IMS_WATCH_SYNC;
    g_autoptr(ImsWatch) watch = ims_watch_new(bus, kind, error);
    g_autoptr(GVariant) reply = NULL;
    g_autoptr(GVariant) jobs = NULL;

    if (watch != NULL)
        reply = ims_bus_call(
            bus,
            IMS_ROOT_PATH,
            IMS_MANAGER_INTERFACE ".Sync",
            g_variant_new("(@as@a{sv})", ims_bus_strv(args->words), options),
            "(ao)",
            error);
    if (reply == NULL)
        return IMS_EXIT_FAILED;

    jobs = g_variant_get_child_value(reply, 0);
    if (g_variant_n_children(jobs) == 0)
        g_printerr(_("There is no account to sync. See \"imapsyncctl status\"\n"));

    return ims_watch_run(watch, jobs);
}

ImsExit
ims_command_sync(const ImsArgs *args)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) options = read_options(args, &error);
    g_autoptr(sd_bus) bus = NULL;
    ImsExit status = IMS_EXIT_FAILED;

    if (options == NULL)
        return ims_fault_usage("sync", error);
    g_variant_ref_sink(options);

    bus = ims_bus_open(&error);
    if (bus != NULL)
        status = start_and_watch(bus, args, options, &error);
    if (error != NULL)
        return ims_fault_report(bus, NULL, error);

    return status;
}

ImsExit
ims_command_cancel(const ImsArgs *args)
{
    guint32 n;
    g_autoptr(GError) error = NULL;
    g_autoptr(sd_bus) bus = ims_bus_open(&error);
    g_autoptr(GVariant) reply = NULL;

    if (bus != NULL)
        reply = ims_bus_call(
            bus,
            IMS_ROOT_PATH,
            IMS_MANAGER_INTERFACE ".Cancel",
            g_variant_new("(@as)", ims_bus_strv(args->words)),
            "(u)",
            &error);
    if (reply == NULL)
        return ims_fault_report(bus, NULL, error);

    g_variant_get(reply, "(u)", &n);
    if (n == 0)
        g_print(_("Nothing was running.\n"));
    else
        g_print(ngettext("%u job cancelled.\n", "%u jobs cancelled.\n", n), n);

    return IMS_EXIT_DONE;
}
