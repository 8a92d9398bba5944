/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors
 *
 * The service's process: what must be so before anything runs (no core dumps, as they would hold
 * passwords; memory that is given back), the main loop, and an orderly end. All else is behind
 * bus/service.
 *
 * Exit status: 0 asked to stop, or idle; 1 failed; 2 usage; 3 another one is running already. */
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "bus/service.h"
#include "util/error.h"
#include "util/log.h"

#define EXIT_USAGE   2
#define EXIT_RUNNING 3
#define LARGE_BLOCK  (256 * 1024)

typedef struct {
    int idle_exit; /* seconds; 0: never */
    gboolean version;
} Options;

typedef struct {
    GMainLoop *loop;
    ImsService *service;
    int status;
} Daemon;

static gboolean
on_signal(gpointer data)
{
    Daemon *self = data;

    sd_notify(0, "STOPPING=1\nSTATUS=Stopping");
    ims_service_stop(self->service);
    return G_SOURCE_CONTINUE;
}

static void
on_done(const GError *error, gpointer data)
{
    Daemon *self = data;

    if (error != NULL) {
        g_message("%s", error->message);
        self->status = EXIT_FAILURE;
    }
    g_main_loop_quit(self->loop);
}

static void
protect_secrets(void)
{
    const struct rlimit none = {0, 0};

    umask(0077);
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        g_message("core dumps cannot be turned off: a crash may write passwords to the disk");
}

/* Large blocks go back to the system when they are freed. By default malloc() learns from the first
 * ones to keep all below 32 MiB among the small ones, and twice as much of what is free: one large
 * mailbox would keep a service large that runs for weeks. */
static void
stay_small(void)
{
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
#endif
}

static gboolean
parse_arguments(int argc, char **argv, Options *out)
{
    Options options = {0};
    /* clang-format off */
    const GOptionEntry entries[] = {
        {"idle-exit", 0, 0, G_OPTION_ARG_INT, &options.idle_exit,
         N_("While no account is configured, exit after so long without a call; 0: never"),
         N_("SECONDS")},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options.version,
         N_("Print the version and exit"), NULL},
        {NULL},
    };
    /* clang-format on */
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    g_option_context_set_summary(
        context,
        _("Keeps pairs of IMAP servers the same. Started by the session bus; use imapsyncctl."));
    g_option_context_add_main_entries(context, entries, GETTEXT_PACKAGE);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        g_printerr("imapsyncd: %s\n", error->message);
        return FALSE;
    }
    if (argc > 1) {
        g_printerr(_("imapsyncd: unexpected argument “%s”: see --help\n"), argv[1]);
        return FALSE;
    }
    if (options.idle_exit < 0) {
        g_printerr(_("imapsyncd: --idle-exit: a number of seconds is needed, or 0 for never\n"));
        return FALSE;
    }

    *out = options;
    return TRUE;
}

static gboolean
end_when_idle(ImsService *service, const Options *options, GError **error)
{
    return options->idle_exit == 0 ||
           ims_service_end_when_idle(service, (guint)options->idle_exit, error);
}

static int
serve(const Options *options)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GError) error = NULL;
    Daemon self = {.loop = loop, .status = EXIT_SUCCESS};

    /* Before the name is taken: from then on somebody may ask for an orderly end. */
    g_unix_signal_add(SIGTERM, on_signal, &self);
    g_unix_signal_add(SIGINT, on_signal, &self);
    self.service = ims_service_new(NULL, on_done, &self, &error);
    if (self.service == NULL || !end_when_idle(self.service, options, &error)) {
        g_printerr("imapsyncd: %s\n", error->message);
        ims_service_free(self.service);
        return g_error_matches(error, IMS_ERROR, IMS_ERROR_BUSY) ? EXIT_RUNNING : EXIT_FAILURE;
    }

    sd_notifyf(0, "READY=1\nSTATUS=Serving %u accounts", ims_service_n_accounts(self.service));
    g_main_loop_run(loop);

    ims_service_free(self.service);
    return self.status;
}

int
main(int argc, char **argv)
{
    Options options;

    setlocale(LC_ALL, "");
    bindtextdomain(GETTEXT_PACKAGE, IMS_LOCALEDIR);
    bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
    textdomain(GETTEXT_PACKAGE);
    ims_log_init();

    if (!parse_arguments(argc, argv, &options))
        return EXIT_USAGE;
    if (options.version) {
        g_print("imapsyncd %s\n", IMS_VERSION);
        return EXIT_SUCCESS;
    }

    protect_secrets();
    stay_small();
    return serve(&options);
}
