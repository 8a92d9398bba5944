/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The program that test-secret.py drives against a real keyring. `find ACCOUNT SIDE HOST USERNAME`
 * and `erase ACCOUNT` print one outcome; `accounts DIRECTORY` runs the accounts of a directory over
 * the fake engine, prints what they tell, and takes `sync NAME`, `end CODE`, `reload`, `remove
 * NAME` and `unlock NAME MILLISECONDS` by line on stdin until it closes. */

#include <gio/gio.h>
#include <gio/gunixinputstream.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "account/account.h"
#include "account/secret.h"
#include "fake-engine.h"

static GMainLoop *loop;
static ImsAccounts *accounts;

static void G_GNUC_PRINTF(1, 2) say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

static void
found(ImsSecretOutcome outcome, const char *password, const char *message, gpointer data)
{
    static const char *const names[] = {"found", "none", "locked", "absent", "error"};

    say("%s %s", names[outcome], password != NULL ? password : message != NULL ? message : "");
    g_main_loop_quit(loop);
}

static void
account_told(ImsAccount *account, gpointer data)
{
    const GError *error = ims_account_error(account);

    say("%s %s: %s",
        ims_account_state_name(ims_account_state(account)),
        ims_attention_name(ims_account_attention(account)),
        error != NULL ? error->message : "");
}

static void
account_ignored(ImsAccount *account, gpointer data)
{
}

static void
mailbox_ignored(ImsAccount *account, const ImsMailboxReport *mailbox, gpointer data)
{
}

static void
job_added(ImsJob *job, gpointer data)
{
    say("job by %s", ims_trigger_name(ims_job_trigger(job)));
}

static void
job_ignored(ImsJob *job, gpointer data)
{
}

static const ImsListener listener = {
    account_ignored,
    account_told,
    account_ignored,
    account_ignored,
    mailbox_ignored,
    job_added,
    job_ignored,
    job_ignored,
    job_ignored,
};

static void
account_removed(const GError *error, gpointer data)
{
    say("removed: %s", error != NULL ? error->message : "");
}

static void
account_unlocked(const GError *error, gpointer data)
{
    say("unlocked: %s", error != NULL ? error->message : "");
}

static void
unlock(const char *arguments)
{
    g_auto(GStrv) words = g_strsplit(arguments, " ", 2);
    g_autoptr(GError) error = NULL;

    if (!ims_account_unlock(
            ims_accounts_find(accounts, words[0]),
            1000 * g_ascii_strtoull(words[1], NULL, 10),
            account_unlocked,
            NULL,
            &error))
        say("not asked: %s", error->message);
}

static void
obey(const char *line)
{
    const ImsSyncOptions all = {NULL};

    if (g_str_has_prefix(line, "sync "))
        ims_account_sync(
            ims_accounts_find(accounts, line + strlen("sync ")), &all, IMS_TRIGGER_CLIENT, NULL);
    else if (g_str_has_prefix(line, "end "))
        fake_engine_end(atoi(line + strlen("end ")), NULL);
    else if (g_str_has_prefix(line, "unlock "))
        unlock(line + strlen("unlock "));
    else if (g_str_equal(line, "reload"))
        ims_accounts_reload(accounts);
    else if (g_str_has_prefix(line, "remove "))
        ims_accounts_remove(
            accounts,
            ims_accounts_find(accounts, line + strlen("remove ")),
            FALSE,
            account_removed,
            NULL,
            NULL);
}

static void
line_came(GObject *source, GAsyncResult *result, gpointer data)
{
    GDataInputStream *in = G_DATA_INPUT_STREAM(source);
    g_autofree char *line = g_data_input_stream_read_line_finish(in, result, NULL, NULL);

    if (line == NULL) {
        g_main_loop_quit(loop);
        return;
    }
    obey(line);
    g_data_input_stream_read_line_async(in, G_PRIORITY_DEFAULT, NULL, line_came, NULL);
}

static void
run_accounts(const char *directory)
{
    g_autoptr(GInputStream) raw = g_unix_input_stream_new(STDIN_FILENO, FALSE);
    g_autoptr(GDataInputStream) in = g_data_input_stream_new(raw);

    accounts = ims_accounts_new(directory, &listener, NULL);
    g_data_input_stream_read_line_async(in, G_PRIORITY_DEFAULT, NULL, line_came, NULL);
    g_main_loop_run(loop);
    ims_accounts_free(accounts);
}

int
main(int argc, char **argv)
{
    loop = g_main_loop_new(NULL, FALSE);
    if (argc == 6 && g_str_equal(argv[1], "find")) {
        ImsSide side = g_str_equal(argv[3], "local") ? IMS_LOCAL : IMS_REMOTE;

        ims_secret_find(argv[2], side, argv[4], argv[5], found, NULL);
        g_main_loop_run(loop);
    } else if (argc == 3 && g_str_equal(argv[1], "erase")) {
        ims_secret_erase(argv[2], found, NULL);
        g_main_loop_run(loop);
    } else if (argc == 3 && g_str_equal(argv[1], "accounts")) {
        run_accounts(argv[2]);
    } else {
        return 2;
    }
    g_main_loop_unref(loop);
    return 0;
}
