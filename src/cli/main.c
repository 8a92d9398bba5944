/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* imapsyncctl: the service's client for people and scripts. This file knows which commands there
 * are and what they take; what they do stands in the files that command.h names. */

#include <glib/gi18n.h>
#include <locale.h>
#include <string.h>

#include "cli/command.h"
#include "cli/fault.h"
#include "cli/show.h"
#include "util/error.h"
#include "util/names.h"

#define ANY G_MAXUINT

static ImsExit run_help(const ImsArgs *args);

static const char *const no_options[] = {NULL};
static const char *const add_options[] = {"set=", NULL};
static const char *const sync_options[] = {"dry-run", "mailbox=", "max-deletions=", NULL};
static const char *const mailboxes_options[] = {"json", NULL};
static const char *const password_options[] = {"proxy", NULL};
static const char *const remove_options[] = {"delete-store", "yes", NULL};
static const char *const status_options[] = {"json", NULL};
static const char *const test_options[] = {"json", NULL};

/* clang-format off */
static const ImsCommand commands[] = {
    {"add", "NAME USER@DOMAIN|imaps://USER@HOST[:PORT] [--set KEY=VALUE]…",
     N_("Add an account: store its password, and try to log in. (imap:// for STARTTLS.)"),
     add_options, 1, 2, ims_command_add},
    {"list", "",
     N_("List the names of all accounts."),
     no_options, 0, 0, ims_command_list},
    {"password", "NAME [remote|local] [--proxy]",
     N_("Store an account's password in the keyring, or that of a side's proxy."),
     password_options, 1, 2, ims_command_password},
    {"unlock", "NAME",
     N_("Let the keyring ask you to unlock it."),
     no_options, 1, 1, ims_command_unlock},
    {"test", "NAME [--json]",
     N_("Try to log in to both sides, and tell what is found there."),
     test_options, 1, 1, ims_command_test},
    {"reload", "",
     N_("Read the files of all accounts again."),
     no_options, 0, 0, ims_command_reload},
    {"remove", "NAME [--delete-store] [--yes]",
     N_("Remove an account; its mail stays, unless the local store is to be deleted."),
     remove_options, 1, 1, ims_command_remove},
    {"sync", "[NAME]… [--mailbox MAILBOX]… [--max-deletions N] [--dry-run]",
     N_("Make both sides the same, and wait for it."),
     sync_options, 0, ANY, ims_command_sync},
    {"status", "[--json]",
     N_("Show how all accounts are."),
     status_options, 0, 0, ims_command_status},
    {"issues", "[NAME]",
     N_("Show what waits for your decision."),
     no_options, 0, 1, ims_command_issues},
    {"resolve", "NAME ISSUE ACTION",
     N_("Answer an issue, as \"issues\" says."),
     no_options, 3, 3, ims_command_resolve},
    {"mailboxes", "NAME [--json]",
     N_("Show the mailboxes of an account as the last sync left them."),
     mailboxes_options, 1, 1, ims_command_mailboxes},
    {"monitor", "",
     N_("Show what happens, as it happens, until Ctrl-C."),
     no_options, 0, 0, ims_command_monitor},
    {"cancel", "[NAME]…",
     N_("Cancel what is running."),
     no_options, 0, ANY, ims_command_cancel},
    {"connect", "NAME",
     N_("Speak IMAP with the local side on standard input and output."),
     no_options, 1, 1, ims_command_connect},
    {"help", "[COMMAND]",
     N_("Show this, or a command's arguments."),
     no_options, 0, 1, run_help},
};
/* clang-format on */

static const ImsCommand *
find_command(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (g_str_equal(commands[i].name, name))
            return &commands[i];
    }

    return NULL;
}

static void
print_command_help(const ImsCommand *command)
{
    g_print(_("Usage: imapsyncctl %s %s\n\n%s\n"), command->name, command->usage, _(command->help));
    if (command->run == ims_command_add)
        g_print(
            "%s",
            _("\nOf a mail address, the server is looked up in the DNS of its domain. With "
              "imaps://\n"
              "the user name may be a mail address, too; it ends at the last @. KEY is a key of "
              "the\n"
              "account's file with its group, such as remote.ca-file or local.type. The password "
              "is\n"
              "asked for, or read as one line from standard input.\n"));
}

static void
print_help(void)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    g_autofree char *table = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        const char *row[] = {"", commands[i].name, _(commands[i].help), NULL};

        g_ptr_array_add(rows, g_strdupv((char **)row));
    }
    table = ims_show_table(rows);
    g_print(
        _("Usage: imapsyncctl COMMAND [ARGUMENT]…\n"
          "       imapsyncctl --help | --version\n\n"
          "Keeps two IMAP servers the same, through the service imapsyncd.\n\n"
          "%s\n"
          "Exit status: 0 done, 1 failed, 2 wrong usage, 3 done in part (see \"issues\"),\n"
          "4 offline, 130 cancelled.\n"),
        table);
}

static ImsExit
unknown_command(const char *name)
{
    const char *names[G_N_ELEMENTS(commands) + 1] = {NULL};
    g_autoptr(GError) error = NULL;
    const char *nearest;

    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        names[i] = commands[i].name;
    nearest = ims_args_nearest(name, names);
    if (nearest != NULL)
        g_set_error(
            &error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("unknown command %s; did you mean %s?"),
            name,
            nearest);
    else
        g_set_error(&error, IMS_ERROR, IMS_ERROR_CONFIG, _("unknown command %s"), name);

    return ims_fault_usage(NULL, error);
}

static ImsExit
run_help(const ImsArgs *args)
{
    const char *name = ims_args_word(args, 0);
    const ImsCommand *command = name != NULL ? find_command(name) : NULL;

    if (name != NULL && command == NULL)
        return unknown_command(name);
    if (command != NULL)
        print_command_help(command);
    else
        print_help();

    return IMS_EXIT_DONE;
}

static ImsArgs *
parse(const ImsCommand *command, char **argv, GError **error)
{
    g_autoptr(ImsArgs) args = ims_args_parse(argv, command->options, error);

    if (args == NULL || ims_args_has(args, "help"))
        return g_steal_pointer(&args);

    if (args->words->len < command->min_words || args->words->len > command->max_words) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            args->words->len < command->min_words
                ? _("%s needs more arguments: imapsyncctl %s %s")
                : _("%s takes fewer arguments: imapsyncctl %s %s"),
            command->name,
            command->name,
            command->usage);
        return NULL;
    }

    return g_steal_pointer(&args);
}

static ImsExit
run_command(const ImsCommand *command, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsArgs) args = parse(command, argv, &error);

    if (args == NULL)
        return ims_fault_usage(command->name, error);
    if (ims_args_has(args, "help")) {
        print_command_help(command);
        return IMS_EXIT_DONE;
    }

    return command->run(args);
}

static ImsExit
missing_command(void)
{
    g_autoptr(GError) error =
        g_error_new_literal(IMS_ERROR, IMS_ERROR_CONFIG, _("a command is missing"));

    return ims_fault_usage(NULL, error);
}

int
main(int argc, char **argv)
{
    const ImsCommand *command;

    setlocale(LC_ALL, "");
    bindtextdomain(IMS_DOMAIN, IMS_LOCALE_DIR);
    bind_textdomain_codeset(IMS_DOMAIN, "UTF-8");
    textdomain(IMS_DOMAIN);

    if (argc < 2)
        return missing_command();
    if (g_str_equal(argv[1], "--version")) {
        g_print("imapsyncctl %s\n", IMS_VERSION);
        return IMS_EXIT_DONE;
    }
    if (g_str_equal(argv[1], "--help") || g_str_equal(argv[1], "-h")) {
        print_help();
        return IMS_EXIT_DONE;
    }

    command = find_command(argv[1]);

    return command != NULL ? run_command(command, argv + 2) : unknown_command(argv[1]);
}
