/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The command connect: turns into the program that serves an account's local side on stdio, so that
 * a mail client that can run a command instead of opening a connection reads the same mail. Nothing
 * but IMAP may come out of stdout. The service is not asked: mail can be read while it is not
 * running. */

#include <errno.h>
#include <glib/gi18n.h>
#include <unistd.h>

#include "cli/account-file.h"
#include "cli/bus.h"
#include "cli/command.h"
#include "cli/fault.h"
#include "util/error.h"
#include "util/names.h"

/* Returns only on failure. */
static void
become(char **argv, char **envp, GError **error)
{
    execvpe(argv[0], argv, envp);
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CONFIG,
        _("%s cannot be started: %s"),
        argv[0],
        g_strerror(errno));
}

/* A process of the embedded store's own; several of them see each other's changes. Dovecot wants a
 * user and a home, and takes orders from variables of its own that another Dovecot may have left.
 * What it tells of each session goes to stderr. */
static void
become_dovecot(const char *account, GError **error)
{
    g_autofree char *store = g_build_filename(g_get_user_data_dir(), IMS_DIRECTORY, account, NULL);
    g_autofree char *config = g_build_filename(store, "dovecot.conf", NULL);
    const char *const argv[] = {IMS_DOVECOT_IMAP, "-c", config, NULL};
    g_auto(GStrv) envp = g_environ_setenv(NULL, "HOME", store, TRUE);

    envp = g_environ_setenv(envp, "USER", g_get_user_name(), TRUE);
    if (g_getenv("PATH") != NULL)
        envp = g_environ_setenv(envp, "PATH", g_getenv("PATH"), TRUE);
    if (g_getenv("TZ") != NULL)
        envp = g_environ_setenv(envp, "TZ", g_getenv("TZ"), TRUE);

    if (geteuid() == 0)
        g_set_error_literal(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("Dovecot refuses to serve root's mail. Run this as an ordinary user"));
    else if (!g_file_test(config, G_FILE_TEST_EXISTS))
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("%s has no mail yet. Run \"imapsyncctl sync %s\" first"),
            account,
            account);
    else
        become((char **)argv, envp, error);
}

static void
become_tunnel(GKeyFile *file, GError **error)
{
    g_autofree char *command = ims_account_file_get(file, "local", "command");
    g_auto(GStrv) argv = NULL;
    g_auto(GStrv) envp = g_get_environ();

    if (command == NULL)
        g_set_error_literal(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("the account's file has no command in its group [local]"));
    else if (g_shell_parse_argv(command, NULL, &argv, error))
        become(argv, envp, error);
}

/* Returns only on failure. */
static void
connect_local(const char *account, GKeyFile *file, GError **error)
{
    g_autofree char *type = ims_account_file_get(file, "local", "type");
    g_autofree char *host = ims_account_file_get(file, "local", "host");

    if (g_str_equal(type, "dovecot"))
        become_dovecot(account, error);
    else if (g_str_equal(type, "tunnel"))
        become_tunnel(file, error);
    else
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("the local side of %s is a server that mail clients reach by themselves. Point yours "
              "at "
              "%s"),
            account,
            host != NULL ? host : "?");
}

ImsExit
ims_command_connect(const ImsArgs *args)
{
    const char *name = ims_args_word(args, 0);
    g_autoptr(GError) error = NULL;
    g_autoptr(GKeyFile) file = ims_account_file_load(name, &error);
    g_autoptr(sd_bus) bus = NULL;

    if (file != NULL)
        connect_local(name, file, &error);
    else
        bus = ims_bus_open(NULL);

    return ims_fault_report(bus, name, error);
}
