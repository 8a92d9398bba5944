/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Accounts, jobs and the real worker thread, over a fake engine that does what it is told. */

#include "account/account.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "account/account-private.h"
#include "account/worker.h"
#include "fake-engine.h"
#include "util/error.h"

#define TUNNELS       "[remote]\ntype=tunnel\ncommand=far\n[local]\ntype=tunnel\ncommand=near\n"
#define OTHER_TUNNELS "[remote]\ntype=tunnel\ncommand=farther\n[local]\ntype=tunnel\ncommand=near\n"
#define OWN_TUNNELS   "[remote]\ntype=tunnel\ncommand=far\n[local]\ntype=tunnel\ncommand=own\n"
#define NEW_TUNNELS   "[remote]\ntype=tunnel\ncommand=far\n[local]\ntype=tunnel\ncommand=new\n"
#define EMBEDDED      "[remote]\ntype=tunnel\ncommand=far\n"
#define PATIENCE      10 /* seconds until a test that waits has failed */
#define LOG_START     "log:"

typedef struct {
    char *dir;
    ImsAccounts *accounts;
    GString *log; /* one word for each call of the listener */
    guint n_progress;
} Fixture;

static const ImsSyncOptions all = {NULL};

static void
log_account(Fixture *self, const char *what, ImsAccount *account)
{
    g_string_append_printf(
        self->log, " %s=%s", what, ims_account_state_name(ims_account_state(account)));
}

static void
account_added(ImsAccount *account, gpointer data)
{
    Fixture *self = data;

    g_assert_true(ims_accounts_find(self->accounts, ims_account_name(account)) == account);
    log_account(self, "added", account);
}

static void
account_changed(ImsAccount *account, gpointer data)
{
    log_account(data, "account", account);
}

static void
account_removed(ImsAccount *account, gpointer data)
{
    Fixture *self = data;

    g_assert_true(ims_accounts_find(self->accounts, ims_account_name(account)) == account);
    g_string_append_printf(self->log, " removed=%s", ims_account_name(account));
}

static void
issues_changed(ImsAccount *account, gpointer data)
{
    Fixture *self = data;

    g_string_append_printf(self->log, " issues=%u", ims_account_issues(account)->len);
}

static void
mailbox_changed(ImsAccount *account, const ImsMailboxReport *mailbox, gpointer data)
{
    Fixture *self = data;

    g_string_append_printf(self->log, " mailbox=%s", mailbox->name);
}

static void
job_added(ImsJob *job, gpointer data)
{
    Fixture *self = data;

    g_assert_true(ims_accounts_find_job(self->accounts, ims_job_id(job)) == job);
    g_string_append_printf(self->log, " job%u", (guint)ims_job_id(job));
}

static void
job_progress(ImsJob *job, gpointer data)
{
    Fixture *self = data;

    self->n_progress++;
    g_string_append_printf(self->log, " %s", ims_phase_name(ims_job_progress(job)->phase));
}

static void
job_ended(ImsJob *job, gpointer data)
{
    Fixture *self = data;

    g_string_append_printf(
        self->log, " job%u=%s", (guint)ims_job_id(job), ims_result_name(ims_job_result(job)));
}

static void
job_removed(ImsJob *job, gpointer data)
{
    Fixture *self = data;

    g_assert_true(ims_accounts_find_job(self->accounts, ims_job_id(job)) == job);
    g_string_append_printf(self->log, " job%u=removed", (guint)ims_job_id(job));
}

static const ImsListener listener = {
    account_added,
    account_changed,
    account_removed,
    issues_changed,
    mailbox_changed,
    job_added,
    job_progress,
    job_ended,
    job_removed,
};

static void
write_file(Fixture *self, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(self->dir, name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
set_up(Fixture *self, gconstpointer data)
{
    self->dir = g_dir_make_tmp("ims-account-XXXXXX", NULL);
    self->log = g_string_new(LOG_START);
    write_file(self, "work.conf", TUNNELS);
    write_file(self, "broken.conf", "[remote]\nhots=x\n");
    write_file(self, "off.conf", "[account]\nenabled=no\n" TUNNELS);
    write_file(self, "two words.conf", TUNNELS);
    write_file(self, "work.conf~", TUNNELS);
    self->accounts = ims_accounts_new(self->dir, &listener, self);
}

static void
tear_down(Fixture *self, gconstpointer data)
{
    g_autoptr(GDir) dir = g_dir_open(self->dir, 0, NULL);
    const char *name;

    ims_accounts_free(self->accounts);
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(self->dir, name, NULL);

        g_assert_cmpint(g_unlink(path), ==, 0);
    }
    g_assert_cmpint(g_rmdir(self->dir), ==, 0);
    g_free(self->dir);
    g_string_free(self->log, TRUE);
    fake_engine_deaf(FALSE);
}

static gboolean G_GNUC_NORETURN
out_of_patience(gpointer data)
{
    g_test_fail_printf("waited in vain");
    g_abort();
}

static void
wait_for_end(ImsJob *job)
{
    guint timer = g_timeout_add_seconds(PATIENCE, out_of_patience, NULL);

    while (ims_job_result(job) == IMS_RESULT_RUNNING)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}

static void
wait_for_state(ImsAccount *account, ImsAccountState state)
{
    guint timer = g_timeout_add_seconds(PATIENCE, out_of_patience, NULL);

    while (ims_account_state(account) != state)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}

static ImsJob *
start_sync(Fixture *self, const ImsSyncOptions *options)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    g_autoptr(GError) error = NULL;
    ImsJob *job = ims_account_sync(account, options, IMS_TRIGGER_CLIENT, &error);

    g_assert_no_error(error);
    return job;
}

static ImsJob *
sync_to_end(Fixture *self, int code, ImsReport *report)
{
    ImsJob *job = start_sync(self, &all);

    fake_engine_end(code, report);
    wait_for_end(job);
    return job;
}

static void
test_one_job(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    ImsJob *job = start_sync(self, &all);
    g_autofree char *order = NULL;

    g_assert_cmpint(ims_account_state(account), ==, IMS_ACCOUNT_QUEUED);
    g_assert_true(ims_account_job(account) == job);
    fake_engine_progress(IMS_PHASE_CONNECTING, 0);
    fake_engine_progress(IMS_PHASE_LISTING, 0);
    fake_engine_end(-1, NULL);
    wait_for_end(job);

    order = fake_engine_order();
    g_assert_cmpstr(order, ==, "sync tunnel near | tunnel far | all");
    g_assert_cmpstr(
        self->log->str,
        ==,
        LOG_START " job1 account=queued account=syncing connecting listing account=idle job1=done");
    g_assert_cmpint(ims_account_last_success_us(account), >, 0);
    g_assert_null(ims_account_job(account));
    g_assert_true(ims_accounts_find_job(self->accounts, 1) == job);
}

static void
test_connect_test(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    ImsJob *job = ims_account_test(account, NULL);
    g_autofree char *order = NULL;

    fake_engine_end(-1, NULL);
    wait_for_end(job);

    order = fake_engine_order();
    g_assert_cmpstr(order, ==, "test tunnel near | tunnel far | all");
    g_assert_cmpint(ims_job_result(job), ==, IMS_RESULT_DONE);
    g_assert_cmpint(ims_account_last_success_us(account), ==, 0); /* nothing was synced */
}

static ImsFacts *
refused_facts(void)
{
    ImsFacts *facts = ims_facts_new();

    g_set_error_literal(&facts->error, IMS_ERROR, IMS_ERROR_AUTH_FAILED, "no.");
    return facts;
}

/* Each side's error names its own fix. */
static void
test_connect_test_refused(Fixture *self, gconstpointer data)
{
    static const char *const fixes[] = {
        "no: store the right password with 'imapsyncctl password work local'",
        "no: store the right password with 'imapsyncctl password work'"};
    ImsJob *job = ims_account_test(ims_accounts_find(self->accounts, "work"), NULL);
    ImsReport *report = ims_report_new();

    report->facts[IMS_LOCAL] = refused_facts();
    report->facts[IMS_REMOTE] = refused_facts();
    fake_engine_end(IMS_ERROR_AUTH_FAILED, report);
    wait_for_end(job);

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        const GError *error = ims_job_report(job)->facts[side]->error;

        g_assert_error(error, IMS_ERROR, IMS_ERROR_AUTH_FAILED);
        g_assert_true(g_str_has_prefix(error->message, fixes[side]));
    }
}

static void
test_joins_before_the_list(Fixture *self, gconstpointer data)
{
    char *inbox[] = {(char *)"INBOX", NULL};
    const ImsSyncOptions some = {.mailboxes = inbox};
    ImsJob *first = start_sync(self, &all);

    g_assert_true(start_sync(self, &all) == first);
    wait_for_state(ims_job_account(first), IMS_ACCOUNT_SYNCING);
    fake_engine_progress(IMS_PHASE_CONNECTING, 0);
    fake_engine_sync();
    g_assert_true(start_sync(self, &some) == first);

    fake_engine_end(-1, NULL);
    wait_for_end(first);
}

/* The main thread has not yet heard of the LIST when it is asked again. */
static void
test_follows_after_the_list(Fixture *self, gconstpointer data)
{
    ImsJob *first = start_sync(self, &all), *second;

    wait_for_state(ims_job_account(first), IMS_ACCOUNT_SYNCING);
    fake_engine_progress(IMS_PHASE_LISTING, 0);
    fake_engine_sync();
    g_assert_cmpint(ims_job_progress(first)->phase, ==, IMS_PHASE_CONNECTING);
    second = start_sync(self, &all);
    g_assert_true(second != first);
    g_assert_true(start_sync(self, &all) == second);

    fake_engine_end(-1, NULL);
    wait_for_end(first);
    g_assert_cmpint(ims_account_state(ims_job_account(second)), ==, IMS_ACCOUNT_QUEUED);
    fake_engine_end(-1, NULL);
    wait_for_end(second);
}

static void
test_other_options_follow(Fixture *self, gconstpointer data)
{
    const ImsSyncOptions limited = {.has_max_deletions = TRUE, .max_deletions = 7};
    ImsJob *first = start_sync(self, &all);
    ImsJob *second = start_sync(self, &limited);

    g_assert_true(second != first);
    g_assert_true(start_sync(self, &all) == first);
    g_assert_true(start_sync(self, &limited) == second);
    fake_engine_end(-1, NULL);
    fake_engine_end(-1, NULL);
    wait_for_end(second);
    g_assert_cmpint(ims_job_result(first), ==, IMS_RESULT_DONE);
}

static void
test_error_is_told(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    ImsJob *job = sync_to_end(self, IMS_ERROR_CERTIFICATE_REJECTED, NULL);

    g_assert_cmpint(ims_job_result(job), ==, IMS_RESULT_FAILED);
    g_assert_error(ims_job_error(job), IMS_ERROR, IMS_ERROR_CERTIFICATE_REJECTED);
    g_assert_error(ims_account_error(account), IMS_ERROR, IMS_ERROR_CERTIFICATE_REJECTED);
    g_assert_cmpint(ims_account_state(account), ==, IMS_ACCOUNT_BLOCKED);
    g_assert_cmpint(ims_account_attention(account), ==, IMS_ATTENTION_CERTIFICATE);

    sync_to_end(self, -1, NULL);
    g_assert_null(ims_account_error(account));
    g_assert_cmpint(ims_account_state(account), ==, IMS_ACCOUNT_IDLE);
    g_assert_cmpint(ims_account_attention(account), ==, IMS_ATTENTION_NONE);
}

/* Half a minute after what may pass; never after what the user has to put right. */
static void
test_offline_is_tried_again(Fixture *self, gconstpointer data)
{
    static const int for_the_user[] = {
        IMS_ERROR_CREDENTIALS_MISSING,
        IMS_ERROR_CERTIFICATE_REJECTED,
        IMS_ERROR_SERVER_UNSUPPORTED,
        IMS_ERROR_SERVER_REJECTED,
        IMS_ERROR_CONFIG,
        IMS_ERROR_AUTH_FAILED, /* the last: see below */
    };
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    gint64 due_us;

    for (gsize i = 0; i < G_N_ELEMENTS(for_the_user); i++) {
        sync_to_end(self, IMS_ERROR_OFFLINE, NULL);
        due_us = ims_account_next_sync_us(account) - g_get_real_time();
        g_assert_cmpint(due_us, >, 20 * G_USEC_PER_SEC);
        g_assert_cmpint(due_us, <, 34 * G_USEC_PER_SEC);
        sync_to_end(self, for_the_user[i], NULL);
        g_assert_cmpint(ims_account_next_sync_us(account), ==, 0);
    }
}

static void
test_retry_waits_for_what_was_asked(Fixture *self, gconstpointer data)
{
    const ImsSyncOptions dry = {.dry_run = TRUE};
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    gint64 due_us;
    ImsJob *job = ims_account_test(account, NULL);

    fake_engine_end(IMS_ERROR_OFFLINE, NULL);
    wait_for_end(job);
    job = start_sync(self, &dry);
    fake_engine_end(IMS_ERROR_OFFLINE, NULL);
    wait_for_end(job);
    g_assert_cmpint(ims_account_state(account), ==, IMS_ACCOUNT_OFFLINE);
    g_assert_cmpint(ims_account_next_sync_us(account), ==, 0);

    sync_to_end(self, IMS_ERROR_OFFLINE, NULL);
    due_us = ims_account_next_sync_us(account);
    sync_to_end(self, IMS_ERROR_OFFLINE, NULL); /* at once, and early */
    g_assert_cmpint(ims_account_next_sync_us(account), ==, due_us);
    job = ims_account_test(account, NULL);
    fake_engine_end(-1, NULL);
    wait_for_end(job);
    g_assert_cmpint(ims_account_next_sync_us(account), ==, due_us);

    sync_to_end(self, -1, NULL);
    g_assert_cmpint(ims_account_next_sync_us(account), ==, 0);
    sync_to_end(self, IMS_ERROR_OFFLINE, NULL);
    g_assert_cmpuint(ims_account_cancel(account), ==, 0);
    g_assert_cmpint(ims_account_next_sync_us(account), ==, 0);
}

#define BY_PASSWORD                                                                                \
    "[remote]\nhost=far.example\nusername=u\n"                                                     \
    "[local]\ntype=tunnel\ncommand=near\n"

/* There is a keyring, or something in its place; that may pass. */
static void
test_failing_keyring_is_tried_again(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    g_autofree char *bus = g_strdup(g_getenv("DBUS_SESSION_BUS_ADDRESS"));

    write_file(self, "work.conf", BY_PASSWORD);
    wait_for_end(start_sync(self, &all)); /* there is none */
    g_assert_cmpint(ims_account_state(account), ==, IMS_ACCOUNT_BLOCKED);
    g_assert_cmpint(ims_account_next_sync_us(account), ==, 0);

    g_setenv("DBUS_SESSION_BUS_ADDRESS", "nonsense:", TRUE);
    do /* GLib may still have the connection that failed before */
        wait_for_end(start_sync(self, &all));
    while (g_error_matches(ims_account_error(account), IMS_ERROR, IMS_ERROR_CREDENTIALS_MISSING));
    g_setenv("DBUS_SESSION_BUS_ADDRESS", bus, TRUE);
    g_assert_error(ims_account_error(account), IMS_ERROR, IMS_ERROR_OFFLINE);
    g_assert_nonnull(strstr(ims_account_error(account)->message, "remote: the keyring failed: "));
    g_assert_cmpint(ims_account_state(account), ==, IMS_ACCOUNT_OFFLINE);
    g_assert_cmpint(ims_account_next_sync_us(account), >, g_get_real_time());
}

/* As if half a minute had gone by. */
static void
come_due(ImsAccount *account)
{
    account->backoff.due_us = 1;
    account->backoff.shown_us = 1;
    g_source_set_ready_time(g_main_context_find_source_by_id(NULL, account->retry), 0);
}

static void
iterate(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        continue;
}

/* The retry: until it has begun. */
static ImsJob *
wait_for_retry(ImsAccount *account)
{
    guint timer = g_timeout_add_seconds(PATIENCE, out_of_patience, NULL);

    while (ims_account_job(account) == NULL)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
    g_assert_cmpint(ims_job_trigger(ims_account_job(account)), ==, IMS_TRIGGER_TIMER);
    return ims_account_job(account);
}

/* @job, which runs when the time comes, puts it off. */
static void
check_put_off(ImsAccount *account, ImsJob *job, gboolean cancel)
{
    wait_for_state(account, IMS_ACCOUNT_SYNCING);
    come_due(account);
    iterate();
    g_assert_true(ims_account_job(account) == job);
    g_assert_cmpint(ims_account_next_sync_us(account), ==, 0);
    if (cancel)
        ims_job_cancel(job);
    else
        fake_engine_end(-1, NULL);
    wait_for_end(job);
    job = wait_for_retry(account);
    fake_engine_end(IMS_ERROR_OFFLINE, NULL);
    wait_for_end(job);
    g_assert_cmpint(ims_account_next_sync_us(account), >, g_get_real_time());
}

static void
test_retry_is_put_off(Fixture *self, gconstpointer data)
{
    char *inbox[] = {(char *)"INBOX", NULL};
    const ImsSyncOptions dry = {.dry_run = TRUE}, some = {.mailboxes = inbox};
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    ImsJob *job;

    sync_to_end(self, IMS_ERROR_OFFLINE, NULL);
    check_put_off(account, ims_account_test(account, NULL), FALSE);
    check_put_off(account, ims_account_test(account, NULL), TRUE);
    check_put_off(account, start_sync(self, &dry), FALSE);
    check_put_off(account, start_sync(self, &some), FALSE);
    check_put_off(account, start_sync(self, &all), TRUE);

    job = start_sync(self, &some);
    fake_engine_end(-1, NULL);
    wait_for_end(job);
    g_assert_cmpint(ims_account_next_sync_us(account), !=, 0);
    sync_to_end(self, -1, NULL);
    g_assert_cmpint(ims_account_next_sync_us(account), ==, 0);
}

/* By the job that is the retry, or by the account, also while another job runs. */
static void
test_retry_is_cancelled(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    ImsJob *job;

    sync_to_end(self, IMS_ERROR_OFFLINE, NULL);
    come_due(account);
    job = wait_for_retry(account);
    ims_job_cancel(job);
    wait_for_end(job);
    iterate();
    g_assert_null(ims_account_job(account));
    g_assert_cmpint(ims_account_next_sync_us(account), ==, 0);

    sync_to_end(self, IMS_ERROR_OFFLINE, NULL);
    job = ims_account_test(account, NULL);
    wait_for_state(account, IMS_ACCOUNT_SYNCING);
    come_due(account);
    iterate();
    ims_account_cancel(account);
    wait_for_end(job);
    iterate();
    g_assert_null(ims_account_job(account));
    g_assert_cmpint(ims_account_next_sync_us(account), ==, 0);
}

#define BROKEN   "[remote]\nhots=x\n"
#define DISABLED "[account]\nenabled=no\n" TUNNELS

/* It is not promised while the file is broken, but it is owed. */
static void
test_retry_outlasts_a_broken_file(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    gint64 due_us;
    ImsJob *job;

    sync_to_end(self, IMS_ERROR_OFFLINE, NULL);
    due_us = ims_account_next_sync_us(account);
    write_file(self, "work.conf", BROKEN);
    ims_accounts_reload(self->accounts);
    g_assert_cmpint(ims_account_next_sync_us(account), ==, 0);
    write_file(self, "work.conf", TUNNELS);
    ims_accounts_reload(self->accounts);
    g_assert_cmpint(ims_account_next_sync_us(account), ==, due_us);

    write_file(self, "work.conf", BROKEN); /* and nobody tells */
    come_due(account);
    wait_for_state(account, IMS_ACCOUNT_BLOCKED);
    iterate();
    g_assert_cmpint(ims_account_next_sync_us(account), ==, 0);
    write_file(self, "work.conf", OTHER_TUNNELS);
    ims_accounts_reload(self->accounts);
    job = wait_for_retry(account);
    write_file(self, "work.conf", BROKEN); /* before it has begun */
    wait_for_end(job);
    write_file(self, "work.conf", TUNNELS);
    ims_accounts_reload(self->accounts);
    job = wait_for_retry(account);
    fake_engine_end(-1, NULL);
    wait_for_end(job);
}

static void
test_disabled_owes_nothing(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");

    sync_to_end(self, IMS_ERROR_OFFLINE, NULL);
    write_file(self, "work.conf", DISABLED);
    ims_accounts_reload(self->accounts);
    g_assert_cmpint(ims_account_next_sync_us(account), ==, 0);
    write_file(self, "work.conf", TUNNELS);
    ims_accounts_reload(self->accounts);
    g_assert_cmpint(ims_account_next_sync_us(account), ==, 0);
}

/* A refused password is sent again by a test, or when the file is another. */
static void
test_refused_is_spared(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    ImsJob *job;

    sync_to_end(self, IMS_ERROR_AUTH_FAILED, NULL);
    job = start_sync(self, &all);
    wait_for_end(job); /* the engine was told nothing */
    g_assert_error(ims_job_error(job), IMS_ERROR, IMS_ERROR_AUTH_FAILED);
    g_assert_nonnull(strstr(ims_job_error(job)->message, "'imapsyncctl test work'"));
    g_assert_cmpint(ims_account_state(account), ==, IMS_ACCOUNT_BLOCKED);

    job = ims_account_test(account, NULL);
    fake_engine_end(-1, NULL);
    wait_for_end(job);
    g_assert_cmpint(ims_job_result(job), ==, IMS_RESULT_DONE);
    sync_to_end(self, IMS_ERROR_AUTH_FAILED, NULL);

    write_file(self, "work.conf", OTHER_TUNNELS);
    job = sync_to_end(self, -1, NULL);
    g_assert_cmpint(ims_job_result(job), ==, IMS_RESULT_DONE);
}

static void
remove_file(Fixture *self, const char *name)
{
    g_autofree char *path = g_build_filename(self->dir, name, NULL);

    g_assert_cmpint(g_unlink(path), ==, 0);
}

/* -- turns -- */

#define FAR_AND(command)                                                                           \
    "[remote]\ntype=tunnel\ncommand=far\n[local]\ntype=tunnel\ncommand=" command "\n"
#define ONE "[remote]\nconnections=1\n"
#define TWICE                                                                                      \
    "[remote]\ntype=tunnel\ncommand=far\nusername=a\nauth=external\nconnections=1\n"               \
    "[local]\ntype=tunnel\ncommand=far\nusername=b\nauth=external\n"

static ImsAccount *
start_account(Fixture *self, const char *name)
{
    ImsAccount *account = ims_accounts_find(self->accounts, name);
    g_autoptr(GError) error = NULL;

    ims_account_sync(account, &all, IMS_TRIGGER_CLIENT, &error);
    g_assert_no_error(error);
    return account;
}

/* The other accounts lead to the server of work, too. Each has synced once, so that none is still
 * reading its state file when the order counts. */
static void
add_accounts(Fixture *self, const char *two, const char *three)
{
    write_file(self, "two.conf", two);
    write_file(self, "three.conf", three);
    ims_accounts_reload(self->accounts);
    for (guint i = 0; i < 3; i++) {
        static const char *const names[] = {"work", "two", "three"};
        ImsAccount *account = start_account(self, names[i]);

        fake_engine_end(-1, NULL);
        wait_for_state(account, IMS_ACCOUNT_IDLE);
    }
}

/* Long enough for a turn to have begun, if one could. */
static void
assert_stays_queued(ImsAccount *account)
{
    gint64 end_us = g_get_monotonic_time() + G_USEC_PER_SEC / 2;

    while (g_get_monotonic_time() < end_us) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(5000);
        g_assert_cmpint(ims_account_state(account), ==, IMS_ACCOUNT_QUEUED);
    }
}

static void
test_accounts_take_turns(Fixture *self, gconstpointer data)
{
    ImsAccount *work, *two, *three;

    add_accounts(self, FAR_AND("2"), FAR_AND("3"));
    work = start_account(self, "work");
    two = start_account(self, "two");
    three = start_account(self, "three");
    wait_for_state(work, IMS_ACCOUNT_SYNCING);
    wait_for_state(two, IMS_ACCOUNT_SYNCING);
    assert_stays_queued(three);

    fake_engine_end(-1, NULL);
    wait_for_state(three, IMS_ACCOUNT_SYNCING);
    fake_engine_end(-1, NULL);
    fake_engine_end(-1, NULL);
    wait_for_state(work, IMS_ACCOUNT_IDLE);
    wait_for_state(two, IMS_ACCOUNT_IDLE);
    wait_for_state(three, IMS_ACCOUNT_IDLE);
}

/* The smallest number holds for all, and who waits longest is next. */
static void
test_turns_are_in_order(Fixture *self, gconstpointer data)
{
    ImsAccount *work, *two, *three;

    add_accounts(self, FAR_AND("2"), FAR_AND("3") ONE);
    work = start_account(self, "work");
    wait_for_state(work, IMS_ACCOUNT_SYNCING);
    three = start_account(self, "three");
    assert_stays_queued(three);
    two = start_account(self, "two");
    assert_stays_queued(two);
    g_assert_cmpint(ims_account_state(three), ==, IMS_ACCOUNT_QUEUED);

    fake_engine_end(-1, NULL);
    wait_for_state(three, IMS_ACCOUNT_SYNCING);
    g_assert_cmpint(ims_account_state(work), ==, IMS_ACCOUNT_IDLE);
    assert_stays_queued(two);
    fake_engine_end(-1, NULL);
    wait_for_state(two, IMS_ACCOUNT_SYNCING);
    fake_engine_end(-1, NULL);
    wait_for_state(two, IMS_ACCOUNT_IDLE);
}

static void
test_cancelled_gives_its_place(Fixture *self, gconstpointer data)
{
    ImsAccount *work, *two, *three;

    add_accounts(self, FAR_AND("2"), FAR_AND("3") ONE);
    work = start_account(self, "work");
    wait_for_state(work, IMS_ACCOUNT_SYNCING);
    two = start_account(self, "two");
    assert_stays_queued(two);
    three = start_account(self, "three");
    g_assert_cmpuint(ims_account_cancel(two), ==, 1);
    fake_engine_end(-1, NULL);
    wait_for_state(three, IMS_ACCOUNT_SYNCING);
    fake_engine_end(-1, NULL);
    wait_for_state(three, IMS_ACCOUNT_IDLE);
}

/* One account with both sides there needs two connections, whatever the number says: it waits for
 * all others, and those that come later for it. */
static void
test_both_sides_on_one_server(Fixture *self, gconstpointer data)
{
    ImsAccount *work, *two, *three;

    add_accounts(self, TWICE, FAR_AND("3"));
    work = start_account(self, "work");
    wait_for_state(work, IMS_ACCOUNT_SYNCING);
    two = start_account(self, "two");
    assert_stays_queued(two);
    three = start_account(self, "three");

    fake_engine_end(-1, NULL);
    wait_for_state(two, IMS_ACCOUNT_SYNCING);
    assert_stays_queued(three);
    fake_engine_end(-1, NULL);
    wait_for_state(three, IMS_ACCOUNT_SYNCING);
    fake_engine_end(-1, NULL);
    wait_for_state(three, IMS_ACCOUNT_IDLE);
}

/* An account that goes while it waits is not woken. */
static void
test_waiting_account_may_go(Fixture *self, gconstpointer data)
{
    ImsAccount *work, *two;

    add_accounts(self, FAR_AND("2") ONE, FAR_AND("3"));
    work = start_account(self, "work");
    wait_for_state(work, IMS_ACCOUNT_SYNCING);
    two = start_account(self, "two");
    assert_stays_queued(two);
    remove_file(self, "two.conf");
    ims_accounts_reload(self->accounts);
    while (ims_accounts_find(self->accounts, "two") != NULL)
        g_main_context_iteration(NULL, TRUE);
    fake_engine_end(-1, NULL);
    wait_for_state(work, IMS_ACCOUNT_IDLE);
    start_account(self, "three");
    fake_engine_end(-1, NULL);
    wait_for_state(ims_accounts_find(self->accounts, "three"), IMS_ACCOUNT_IDLE);
}

/* Who asks again for what waits, when its file has changed, waits for a job that goes on. */
static void
test_waiting_account_takes_its_new_file(Fixture *self, gconstpointer data)
{
    ImsAccount *work, *two;

    add_accounts(self, FAR_AND("2") ONE, FAR_AND("3"));
    work = start_account(self, "work");
    wait_for_state(work, IMS_ACCOUNT_SYNCING);
    two = start_account(self, "two");
    assert_stays_queued(two);
    write_file(self, "two.conf", FAR_AND("4") ONE);
    g_assert_true(ims_account_sync(two, &all, IMS_TRIGGER_USER, NULL) == ims_account_job(two));
    assert_stays_queued(two);
    fake_engine_end(-1, NULL);
    wait_for_state(work, IMS_ACCOUNT_IDLE);
    wait_for_state(two, IMS_ACCOUNT_SYNCING);
    fake_engine_end(-1, NULL);
    wait_for_state(two, IMS_ACCOUNT_IDLE);
}

/* A number that was raised lets in who waited for it. */
static void
test_waiting_account_hears_of_more(Fixture *self, gconstpointer data)
{
    ImsAccount *work, *two;

    add_accounts(self, FAR_AND("2") ONE, FAR_AND("3"));
    work = start_account(self, "work");
    wait_for_state(work, IMS_ACCOUNT_SYNCING);
    two = start_account(self, "two");
    assert_stays_queued(two);
    write_file(self, "two.conf", FAR_AND("2"));
    ims_accounts_reload(self->accounts);
    wait_for_state(two, IMS_ACCOUNT_SYNCING);
    fake_engine_end(-1, NULL);
    fake_engine_end(-1, NULL);
    wait_for_state(work, IMS_ACCOUNT_IDLE);
    wait_for_state(two, IMS_ACCOUNT_IDLE);
}

static const ImsIssue *
only_issue(ImsAccount *account)
{
    g_assert_cmpuint(ims_account_issues(account)->len, ==, 1);
    return ims_account_issues(account)->pdata[0];
}

static const ImsIssue *
reject(Fixture *self, ImsSide side, const char *pin)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");

    fake_engine_reject(side, pin);
    wait_for_end(start_sync(self, &all));
    return only_issue(account);
}

/* One issue for each key, until the server's passes. */
static void
test_rejected_certificate(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    const ImsIssue *issue = reject(self, IMS_REMOTE, "x");
    guint64 id = issue->id;

    g_assert_nonnull(strstr(self->log->str, " issues=1"));
    g_assert_cmpint(issue->kind, ==, IMS_ISSUE_CERTIFICATE);
    g_assert_cmpint(issue->side, ==, IMS_REMOTE);
    g_assert_cmpstr(issue->mailbox, ==, "");
    g_assert_cmpint(issue->since_us, >, 0);
    g_assert_cmpint(ims_account_attention(account), ==, IMS_ATTENTION_CERTIFICATE);

    g_string_assign(self->log, LOG_START);
    g_assert_cmpuint(reject(self, IMS_REMOTE, "x")->id, ==, id);
    g_assert_null(strstr(self->log->str, "issues="));
    issue = reject(self, IMS_REMOTE, "y");
    g_assert_cmpuint(issue->id, !=, id);
    g_assert_nonnull(strstr(self->log->str, " issues=1"));

    sync_to_end(self, IMS_ERROR_OFFLINE, NULL); /* it says nothing about the certificate */
    only_issue(account);
    sync_to_end(self, -1, NULL);
    g_assert_cmpuint(ims_account_issues(account)->len, ==, 0);
    g_assert_nonnull(strstr(self->log->str, " issues=0"));
}

/* The local side comes first, so that one is settled when the other is at fault. */
static void
test_certificates_of_both_sides(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    guint64 id = reject(self, IMS_REMOTE, "x")->id;
    GPtrArray *issues;

    fake_engine_reject(IMS_LOCAL, "y");
    wait_for_end(start_sync(self, &all));
    issues = ims_account_issues(account);
    g_assert_cmpuint(issues->len, ==, 2);
    g_assert_cmpint(((ImsIssue *)issues->pdata[0])->side, ==, IMS_LOCAL);
    g_assert_cmpuint(((ImsIssue *)issues->pdata[1])->id, ==, id);

    g_assert_cmpuint(reject(self, IMS_REMOTE, "x")->id, ==, id);
    sync_to_end(self, IMS_ERROR_AUTH_FAILED, NULL);
    g_assert_cmpuint(ims_account_issues(account)->len, ==, 0);
}

/* An answer for one key is never one for another, whichever process has asked. */
static void
test_certificate_keeps_its_number(Fixture *self, gconstpointer data)
{
    guint64 id = reject(self, IMS_REMOTE, "x")->id;

    for (guint i = 0; i < 2; i++) {
        ims_accounts_free(self->accounts);
        self->accounts = ims_accounts_new(self->dir, &listener, self);
        if (i == 0)
            g_assert_cmpuint(reject(self, IMS_REMOTE, "y")->id, !=, id);
        else
            g_assert_cmpuint(reject(self, IMS_LOCAL, "x")->id, !=, id);
    }
    ims_accounts_free(self->accounts);
    self->accounts = ims_accounts_new(self->dir, &listener, self);
    g_assert_cmpuint(reject(self, IMS_REMOTE, "x")->id, ==, id);
}

/* A job that is spared has not connected. */
static void
test_certificate_of_a_spared_job(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    ImsJob *job;

    sync_to_end(self, IMS_ERROR_AUTH_FAILED, NULL);
    job = ims_account_test(account, NULL);
    fake_engine_reject(IMS_REMOTE, "x");
    wait_for_end(job);
    only_issue(account);
    job = start_sync(self, &all);
    wait_for_end(job);
    g_assert_error(ims_job_error(job), IMS_ERROR, IMS_ERROR_AUTH_FAILED);
    only_issue(account);
}

#define BEHIND_A_PROXY                                                                             \
    "[remote]\nhost=mail.example.net\nusername=me\npassword-command=echo x\n"                      \
    "proxy=socks5://proxy.example.net\n[local]\ntype=tunnel\ncommand=near\n"

/* A proxy refuses before any server shows a certificate. */
static void
test_certificate_behind_a_proxy(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    ImsReport *report = ims_report_new();
    ImsJob *job;

    write_file(self, "work.conf", BEHIND_A_PROXY);
    reject(self, IMS_REMOTE, "x");
    fake_engine_fail(g_error_new_literal(
        IMS_ERROR, IMS_ERROR_AUTH_FAILED, "remote: socks5://proxy.example.net:1080: refused"));
    wait_for_end(start_sync(self, &all));
    only_issue(account);

    report->facts[IMS_REMOTE] = ims_facts_new();
    report->facts[IMS_REMOTE]->error = g_error_new_literal(
        IMS_ERROR, IMS_ERROR_AUTH_FAILED, "socks5://proxy.example.net:1080: refused");
    job = ims_account_test(account, NULL);
    fake_engine_end(IMS_ERROR_OFFLINE, report);
    wait_for_end(job);
    only_issue(account);
}

/* A test goes on to the other side when the first has failed. */
static void
test_certificate_of_the_second_side(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    ImsReport *report = ims_report_new();
    ImsJob *job = ims_account_test(account, NULL);
    ImsFacts *remote = ims_facts_new();
    g_autoptr(GError) rejected =
        g_error_new_literal(IMS_ERROR, IMS_ERROR_CERTIFICATE_REJECTED, "rejected");

    ims_error_set_facts(rejected, g_variant_new_parsed("{'pin': <'x'>}"));
    remote->error = g_error_copy(rejected);
    report->facts[IMS_LOCAL] = refused_facts();
    report->facts[IMS_REMOTE] = remote;
    fake_engine_end(IMS_ERROR_OFFLINE, report);
    wait_for_end(job);
    g_assert_cmpint(only_issue(account)->side, ==, IMS_REMOTE);

    job = ims_account_test(account, NULL);
    report = ims_report_new();
    report->facts[IMS_LOCAL] = refused_facts();
    report->facts[IMS_REMOTE] = ims_facts_new();
    fake_engine_end(IMS_ERROR_OFFLINE, report);
    wait_for_end(job);
    g_assert_cmpuint(ims_account_issues(account)->len, ==, 0);
}

static void
test_certificate_of_other_settings(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");

    reject(self, IMS_REMOTE, "x");
    write_file(self, "work.conf", OTHER_TUNNELS);
    ims_accounts_reload(self->accounts);
    g_assert_cmpuint(ims_account_issues(account)->len, ==, 0);
    g_assert_cmpint(ims_account_attention(account), ==, IMS_ATTENTION_NONE);
}

#define TUNNEL_TO_PIN                                                                              \
    "[remote]\n# keep\nhost=mail.example.net\nusername=me\npassword-command=echo x\n"              \
    "[local]\ntype=tunnel\ncommand=near\n"
#define PIN "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void
test_pin(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(self->dir, "work.conf", NULL), *text = NULL;
    const ImsIssue *issue;
    guint64 id;

    write_file(self, "work.conf", TUNNEL_TO_PIN);
    id = reject(self, IMS_REMOTE, PIN)->id;
    g_assert_null(ims_account_find_issue(account, id + 1, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_NO_SUCH_ISSUE);
    g_clear_error(&error);

    issue = ims_account_find_issue(account, id, &error);
    g_assert_no_error(error);
    g_assert_true(ims_account_resolve(account, issue, &error));
    g_assert_no_error(error);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_true(g_str_has_prefix(text, "[remote]\ntls-pin = " PIN "\n# keep\n"));
    g_assert_cmpuint(ims_account_issues(account)->len, ==, 0);
    g_assert_cmpint(ims_account_state(account), ==, IMS_ACCOUNT_QUEUED);
    g_assert_cmpint(ims_job_trigger(ims_account_job(account)), ==, IMS_TRIGGER_USER);
    fake_engine_end(-1, NULL);
    wait_for_end(ims_account_job(account));
    g_assert_cmpint(ims_account_state(account), ==, IMS_ACCOUNT_IDLE);
}

/* The key of the old host is not one of the new host, be its file read or not. */
static void
test_pin_of_other_settings(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    g_autoptr(GError) error = NULL;
    guint64 id;
    ImsJob *job;

    write_file(self, "work.conf", TUNNEL_TO_PIN);
    id = reject(self, IMS_REMOTE, PIN)->id;
    job = start_sync(self, &all);
    wait_for_state(account, IMS_ACCOUNT_SYNCING);
    write_file(self, "work.conf", OTHER_TUNNELS);
    g_assert_null(ims_account_find_issue(account, id, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_NO_SUCH_ISSUE);
    g_clear_error(&error);
    fake_engine_end(IMS_ERROR_OFFLINE, NULL);
    wait_for_end(job);

    id = reject(self, IMS_REMOTE, PIN)->id;
    write_file(self, "work.conf", TUNNEL_TO_PIN);
    g_assert_null(ims_account_find_issue(account, id, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_NO_SUCH_ISSUE);
    g_assert_cmpuint(ims_account_issues(account)->len, ==, 0);
}

/* Its issue stays then. */
static void
test_pin_refused(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    g_autoptr(GError) error = NULL;
    const ImsIssue *issue = reject(self, IMS_REMOTE, PIN);

    write_file(self, "work.conf", "[remote]\nhots=x\n");
    g_assert_false(ims_account_resolve(account, issue, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
    only_issue(account);
    g_assert_null(ims_account_job(account));
}

static void
test_cancel_queued(Fixture *self, gconstpointer data)
{
    const ImsSyncOptions limited = {.has_max_deletions = TRUE};
    ImsJob *first = start_sync(self, &all);
    ImsJob *second = start_sync(self, &limited);

    g_assert_true(ims_job_cancel(second));
    g_assert_cmpint(ims_job_result(second), ==, IMS_RESULT_CANCELLED);
    g_assert_false(ims_job_cancel(second));
    g_assert_true(ims_job_cancel(first)); /* it has not reached the worker either */
    g_assert_cmpint(ims_job_result(first), ==, IMS_RESULT_CANCELLED);
    g_assert_cmpint(ims_account_state(ims_job_account(first)), ==, IMS_ACCOUNT_IDLE);
}

static void
test_cancel_running(Fixture *self, gconstpointer data)
{
    const ImsSyncOptions limited = {.has_max_deletions = TRUE};
    ImsJob *first = start_sync(self, &all);
    ImsJob *second = start_sync(self, &limited);
    ImsAccount *account = ims_job_account(first);

    wait_for_state(account, IMS_ACCOUNT_SYNCING);
    fake_engine_sync();
    g_assert_cmpuint(ims_account_cancel(account), ==, 2);
    g_assert_cmpint(ims_job_result(second), ==, IMS_RESULT_CANCELLED);
    g_assert_true(start_sync(self, &all) != first); /* a cancelled job covers nothing */
    wait_for_end(first);
    g_assert_cmpint(ims_job_result(first), ==, IMS_RESULT_CANCELLED);
    g_assert_error(ims_job_error(first), IMS_ERROR, IMS_ERROR_CANCELLED);

    fake_engine_end(-1, NULL);
    wait_for_end(ims_account_job(account));
}

static void
test_cancel_teaches_nothing(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    ImsJob *job;

    sync_to_end(self, IMS_ERROR_SERVER_UNSUPPORTED, NULL);
    job = start_sync(self, &all);
    ims_job_cancel(job);
    g_assert_cmpint(ims_job_result(job), ==, IMS_RESULT_CANCELLED);
    g_assert_cmpint(ims_account_state(account), ==, IMS_ACCOUNT_BLOCKED);
    g_assert_cmpint(ims_account_attention(account), ==, IMS_ATTENTION_SERVER);
}

static ImsReport *
report_with_issue(const char *mailbox, guint64 moved)
{
    ImsReport *report = ims_report_new();
    ImsMailboxReport *of = ims_mailbox_report_new(mailbox);
    ImsIssue *issue = ims_issue_new(IMS_ISSUE_MAILBOX_VANISHED, mailbox, IMS_LOCAL);

    issue->id = 1;
    of->done.n[IMS_COUNT_COPIED_LOCAL] = moved;
    report->listed = TRUE;
    report->summary.n[IMS_COUNT_COPIED_LOCAL] = moved;
    g_ptr_array_add(report->mailboxes, of);
    g_ptr_array_add(report->issues, issue);
    return report;
}

static void
test_report_is_kept(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    ImsJob *job = sync_to_end(self, -1, report_with_issue("A", 3));

    g_assert_cmpuint(ims_job_summary(job)->n[IMS_COUNT_COPIED_LOCAL], ==, 3);
    g_assert_true(ims_account_report(account) == ims_job_report(job));
    g_assert_cmpuint(ims_account_issues(account)->len, ==, 1);
    g_assert_cmpint(ims_account_attention(account), ==, IMS_ATTENTION_ISSUES);
    g_assert_nonnull(strstr(self->log->str, " issues=1 mailbox=A account=idle job1=partial"));

    g_string_assign(self->log, "");
    sync_to_end(self, -1, report_with_issue("A", 0));
    g_assert_null(strstr(self->log->str, "issues="));
    g_assert_null(strstr(self->log->str, "mailbox="));

    sync_to_end(self, IMS_ERROR_OFFLINE, NULL); /* knows neither tree nor issues */
    g_assert_nonnull(ims_account_report(account));
    g_assert_cmpuint(ims_account_issues(account)->len, ==, 1);
    g_assert_cmpint(ims_account_state(account), ==, IMS_ACCOUNT_OFFLINE);
}

/* What is known from before the service started is told before its first sync. */
static void
test_recalled(Fixture *self, gconstpointer data)
{
    ImsReport *report = report_with_issue("A", 0);
    ImsMailboxReport *mailbox = report->mailboxes->pdata[0];
    ImsAccount *account;
    ImsJob *job;

    mailbox->last_sync_us = 5;
    fake_engine_remember(report);
    ims_accounts_free(self->accounts);
    g_string_assign(self->log, "");
    self->accounts = ims_accounts_new(self->dir, &listener, self);
    account = ims_accounts_find(self->accounts, "work");
    g_assert_cmpuint(ims_account_issues(account)->len, ==, 0);
    job = start_sync(self, &all);
    wait_for_state(account, IMS_ACCOUNT_SYNCING);
    g_assert_cmpuint(ims_account_issues(account)->len, ==, 1);
    g_assert_cmpint(ims_account_attention(account), ==, IMS_ATTENTION_ISSUES);
    g_assert_cmpint(ims_account_last_success_us(account), ==, 5);
    g_assert_cmpuint(ims_account_report(account)->mailboxes->len, ==, 1);
    g_assert_nonnull(strstr(self->log->str, " issues=1"));
    fake_engine_remember(NULL);
    fake_engine_end(-1, NULL);
    wait_for_end(job);
}

static void
test_progress_is_rare(Fixture *self, gconstpointer data)
{
    gint64 begin_us = g_get_monotonic_time();
    ImsJob *job = start_sync(self, &all);
    guint most;

    for (guint64 i = 1; i <= 1000; i++)
        fake_engine_progress(IMS_PHASE_COPYING, i);
    fake_engine_progress(IMS_PHASE_MARKING, 1);
    fake_engine_progress(IMS_PHASE_MARKING, 2);
    fake_engine_end(-1, NULL);
    wait_for_end(job);

    most = 2 + (guint)((g_get_monotonic_time() - begin_us) * 4 / G_USEC_PER_SEC);
    g_assert_cmpuint(self->n_progress, >=, 2); /* each phase */
    g_assert_cmpuint(self->n_progress, <=, most);
    g_assert_cmpuint(ims_job_progress(job)->messages_done, ==, 2); /* the last, though untold */
}

static void
test_load(Fixture *self, gconstpointer data)
{
    GPtrArray *found = ims_accounts_all(self->accounts);
    ImsAccount *broken = ims_accounts_find(self->accounts, "broken");
    g_autoptr(GError) error = NULL, disabled = NULL;

    g_assert_cmpuint(found->len, ==, 3);
    g_assert_cmpstr(ims_account_name(found->pdata[0]), ==, "broken");
    g_assert_cmpstr(ims_account_name(found->pdata[1]), ==, "off");
    g_assert_cmpstr(ims_account_name(found->pdata[2]), ==, "work");

    g_assert_cmpint(ims_account_state(broken), ==, IMS_ACCOUNT_BLOCKED);
    g_assert_error(ims_account_error(broken), IMS_ERROR, IMS_ERROR_CONFIG);
    g_assert_null(ims_account_sync(broken, &all, IMS_TRIGGER_CLIENT, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
    g_assert_nonnull(strstr(error->message, "did you mean 'host'?"));

    g_assert_null(ims_account_test(ims_accounts_find(self->accounts, "off"), &disabled));
    g_assert_error(disabled, IMS_ERROR, IMS_ERROR_CONFIG);
}

/* The order that the worker gets for a sync of account @name. */
static char *
order_of(Fixture *self, const char *name)
{
    ImsAccount *account = ims_accounts_find(self->accounts, name);
    g_autoptr(GError) error = NULL;
    ImsJob *job = ims_account_sync(account, &all, IMS_TRIGGER_CLIENT, &error);

    g_assert_no_error(error);
    fake_engine_end(-1, NULL);
    wait_for_end(job);
    return fake_engine_order();
}

static void
test_corrected_file(Fixture *self, gconstpointer data)
{
    g_autofree char *before = order_of(self, "work"), *after = NULL;

    g_assert_cmpstr(before, ==, "sync tunnel near | tunnel far | all");
    write_file(self, "work.conf", OTHER_TUNNELS);
    after = order_of(self, "work");
    g_assert_cmpstr(after, ==, "sync tunnel near | tunnel farther | all");
}

static void
test_broken_file(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    g_autoptr(GError) error = NULL, again = NULL;

    write_file(self, "work.conf", "[remote]\nhots=x\n");
    g_assert_null(ims_account_test(account, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
    g_assert_nonnull(strstr(error->message, "work.conf: [remote] hots: "));
    g_assert_error(ims_account_error(account), IMS_ERROR, IMS_ERROR_CONFIG);
    g_assert_cmpint(ims_account_attention(account), ==, IMS_ATTENTION_NONE);

    g_assert_null(ims_account_sync(account, &all, IMS_TRIGGER_CLIENT, &again));
    g_assert_error(again, IMS_ERROR, IMS_ERROR_CONFIG);
    g_assert_cmpstr(self->log->str, ==, LOG_START " account=blocked"); /* told once */
}

static void
test_repaired_file(Fixture *self, gconstpointer data)
{
    ImsAccount *account = ims_accounts_find(self->accounts, "broken");
    g_autofree char *order = NULL;

    write_file(self, "broken.conf", OWN_TUNNELS);
    order = order_of(self, "broken");
    g_assert_cmpstr(order, ==, "sync tunnel own | tunnel far | all");
    g_assert_null(ims_account_error(account));
    g_assert_cmpint(ims_account_state(account), ==, IMS_ACCOUNT_IDLE);
}

/* Whoever has changed the file and asks for a sync means one with the change. */
static void
test_running_job_keeps_its_settings(Fixture *self, gconstpointer data)
{
    ImsJob *first = start_sync(self, &all), *second;
    g_autofree char *order = NULL;

    wait_for_state(ims_job_account(first), IMS_ACCOUNT_SYNCING);
    g_assert_true(start_sync(self, &all) == first);
    write_file(self, "work.conf", OTHER_TUNNELS);
    second = start_sync(self, &all);
    g_assert_true(second != first);
    fake_engine_end(-1, NULL);
    wait_for_end(first);
    g_assert_cmpint(ims_job_result(first), ==, IMS_RESULT_DONE);
    order = fake_engine_order();
    g_assert_cmpstr(order, ==, "sync tunnel near | tunnel far | all");

    fake_engine_end(-1, NULL);
    wait_for_end(second);
    g_free(order);
    order = fake_engine_order();
    g_assert_cmpstr(order, ==, "sync tunnel near | tunnel farther | all");
}

static void
test_reload_while_a_job_runs(Fixture *self, gconstpointer data)
{
    ImsJob *job = start_sync(self, &all);
    ImsAccount *account = ims_job_account(job);

    wait_for_state(account, IMS_ACCOUNT_SYNCING);
    write_file(self, "work.conf", "[remote]\nhots=x\n");
    ims_accounts_reload(self->accounts);
    fake_engine_end(-1, NULL);
    wait_for_end(job);
    g_assert_cmpint(ims_job_result(job), ==, IMS_RESULT_DONE);
    g_assert_cmpint(ims_account_state(account), ==, IMS_ACCOUNT_BLOCKED);
    g_assert_error(ims_account_error(account), IMS_ERROR, IMS_ERROR_CONFIG);
}

/* A job begins with the file as it is then, whatever it was when the job was asked for. */
static void
test_queued_job_takes_the_file(Fixture *self, gconstpointer data)
{
    ImsJob *job = start_sync(self, &all);
    g_autofree char *order = NULL;

    write_file(self, "work.conf", OTHER_TUNNELS);
    fake_engine_end(-1, NULL);
    wait_for_end(job);
    order = fake_engine_order();
    g_assert_cmpstr(order, ==, "sync tunnel near | tunnel farther | all");

    job = start_sync(self, &all);
    write_file(self, "work.conf", "[remote]\nhots=x\n");
    wait_for_end(job);
    g_assert_error(ims_job_error(job), IMS_ERROR, IMS_ERROR_CONFIG);
}

static void
test_reload_takes_what_changed(Fixture *self, gconstpointer data)
{
    ImsAccount *work = ims_accounts_find(self->accounts, "work");
    g_autofree char *order = NULL;

    sync_to_end(self, IMS_ERROR_AUTH_FAILED, NULL);
    g_string_assign(self->log, "");
    ims_accounts_reload(self->accounts);
    g_assert_cmpstr(self->log->str, ==, ""); /* nothing changed */

    write_file(self, "new.conf", NEW_TUNNELS);
    write_file(self, "broken.conf", OWN_TUNNELS);
    write_file(self, "off.conf", "[remote]\nhots=x\n");
    ims_accounts_reload(self->accounts);
    g_assert_cmpstr(self->log->str, ==, " account=idle account=blocked added=idle");
    g_assert_error(ims_account_error(work), IMS_ERROR, IMS_ERROR_AUTH_FAILED);
    g_assert_nonnull(ims_accounts_find(self->accounts, "new"));
    order = order_of(self, "broken");
    g_assert_cmpstr(order, ==, "sync tunnel own | tunnel far | all");
}

static GHashTable *
tunnel_settings(void)
{
    GHashTable *settings = g_hash_table_new(g_str_hash, g_str_equal);

    g_hash_table_insert(settings, (char *)"remote.type", (char *)"tunnel");
    g_hash_table_insert(settings, (char *)"remote.command", (char *)"ssh far");
    return settings;
}

static void
wait_for_removal(Fixture *self, const char *name)
{
    guint timer = g_timeout_add_seconds(PATIENCE, out_of_patience, NULL);

    while (ims_accounts_find(self->accounts, name) != NULL)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}

static void
test_reload_lets_go(Fixture *self, gconstpointer data)
{
    ImsJob *job = start_sync(self, &all);
    g_autoptr(GHashTable) settings = tunnel_settings();
    g_autoptr(GError) error = NULL;

    wait_for_state(ims_job_account(job), IMS_ACCOUNT_SYNCING);
    fake_engine_sync();
    g_string_assign(self->log, "");
    remove_file(self, "work.conf");
    remove_file(self, "off.conf");
    ims_accounts_reload(self->accounts);
    g_assert_null(ims_accounts_find(self->accounts, "off")); /* it has nothing to end */
    ims_accounts_reload(self->accounts);                     /* the other one goes already */
    g_assert_null(ims_account_sync(ims_job_account(job), &all, IMS_TRIGGER_USER, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_BUSY);
    g_clear_error(&error);
    g_assert_null(ims_accounts_add(self->accounts, "work", settings, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_BUSY);
    wait_for_removal(self, "work");
    g_assert_nonnull(strstr(self->log->str, " job1=cancelled"));
    g_assert_nonnull(strstr(self->log->str, " job1=removed removed=work"));
    g_assert_nonnull(strstr(self->log->str, " removed=off"));
    g_assert_nonnull(ims_accounts_find(self->accounts, "broken"));
    g_assert_cmpuint(ims_accounts_jobs(self->accounts)->len, ==, 0);
}

static void
test_reload_of_a_file_that_is_back(Fixture *self, gconstpointer data)
{
    ImsJob *job = start_sync(self, &all);

    wait_for_state(ims_job_account(job), IMS_ACCOUNT_SYNCING);
    fake_engine_sync();
    remove_file(self, "work.conf");
    ims_accounts_reload(self->accounts);
    write_file(self, "work.conf", OTHER_TUNNELS);
    ims_accounts_reload(self->accounts);
    g_string_assign(self->log, "");
    while (strstr(self->log->str, "added") == NULL)
        g_main_context_iteration(NULL, TRUE);
    g_assert_nonnull(strstr(self->log->str, " job1=removed removed=work added=idle"));
    g_assert_nonnull(ims_accounts_find(self->accounts, "work"));
}

/* What an account has on disk, made by a real sync or not. */
static char *
make_thing(const char *folder, const char *name)
{
    char *path = g_build_filename(folder, "imapsync", name, NULL);
    g_autofree char *parent = g_path_get_dirname(path);

    g_assert_cmpint(g_mkdir_with_parents(parent, 0700), ==, 0);
    g_assert_true(g_file_set_contents(path, "x", -1, NULL));
    return path;
}

static void
removed(const GError *error, gpointer data)
{
    Fixture *self = data;

    g_string_append_printf(self->log, " done=%s", error != NULL ? error->message : "");
}

static void
start_removal(Fixture *self, gboolean delete_store)
{
    g_autoptr(GError) error = NULL;
    ImsAccount *account = ims_accounts_find(self->accounts, "work");

    g_assert_true(
        ims_accounts_remove(self->accounts, account, delete_store, removed, self, &error));
    g_assert_no_error(error);
}

static void
wait_for_removed(Fixture *self)
{
    guint timer = g_timeout_add_seconds(PATIENCE, out_of_patience, NULL);

    while (strstr(self->log->str, " done=") == NULL)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}

static gboolean
exists(const char *path)
{
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void
test_remove(Fixture *self, gconstpointer data)
{
    g_autofree char *config = g_build_filename(self->dir, "work.conf", NULL);
    g_autofree char *state = make_thing(g_get_user_state_dir(), "work.db");
    g_autofree char *other = make_thing(g_get_user_state_dir(), "work2.db");
    g_autofree char *mail = make_thing(g_get_user_data_dir(), "work/mail/m.1");

    start_removal(self, FALSE);
    wait_for_removed(self);
    g_assert_cmpstr(self->log->str, ==, LOG_START " removed=work done=");
    g_assert_null(ims_accounts_find(self->accounts, "work"));
    g_assert_false(exists(config));
    g_assert_false(exists(state));
    g_assert_true(exists(other));
    g_assert_true(exists(mail));

    ims_accounts_reload(self->accounts);
    g_assert_null(ims_accounts_find(self->accounts, "work"));
}

static void
test_remove_with_store(Fixture *self, gconstpointer data)
{
    g_autofree char *store = g_build_filename(g_get_user_data_dir(), "imapsync", "work", NULL);
    g_autofree char *mail = make_thing(g_get_user_data_dir(), "work/mail/m.1");
    g_autofree char *other = make_thing(g_get_user_data_dir(), "other/mail/m.1");

    write_file(self, "work.conf", EMBEDDED);
    ims_accounts_reload(self->accounts);
    g_string_assign(self->log, "");
    start_removal(self, TRUE);
    wait_for_removed(self);
    g_assert_false(exists(store));
    g_assert_true(exists(other));
}

static void
test_remove_ends_the_job_before(Fixture *self, gconstpointer data)
{
    ImsJob *job = start_sync(self, &all);
    g_autoptr(GError) error = NULL;

    wait_for_state(ims_job_account(job), IMS_ACCOUNT_SYNCING);
    fake_engine_sync();
    g_string_assign(self->log, "");
    start_removal(self, FALSE);
    g_assert_false(
        ims_accounts_remove(self->accounts, ims_job_account(job), FALSE, removed, self, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_BUSY);
    wait_for_removed(self);
    g_assert_true(g_str_has_suffix(
        self->log->str, " account=idle job1=cancelled job1=removed removed=work done="));
}

/* A folder in place of a file cannot be unlinked, by root either. */
static void
test_remove_that_fails_can_be_repeated(Fixture *self, gconstpointer data)
{
    g_autofree char *state = make_thing(g_get_user_state_dir(), "work.db");
    g_autofree char *config = g_build_filename(self->dir, "work.conf", NULL);
    ImsJob *job;

    g_assert_cmpint(g_unlink(state), ==, 0);
    g_assert_cmpint(g_mkdir(state, 0700), ==, 0);
    start_removal(self, FALSE);
    wait_for_removed(self);
    g_assert_nonnull(strstr(self->log->str, state));
    g_assert_true(exists(config));
    job = start_sync(self, &all); /* it is an account as before */
    fake_engine_end(-1, NULL);
    wait_for_end(job);

    g_assert_cmpint(g_rmdir(state), ==, 0);
    g_string_assign(self->log, "");
    start_removal(self, FALSE);
    wait_for_removed(self);
    g_assert_cmpstr(self->log->str, ==, " job1=removed removed=work done=");
    g_assert_false(exists(config));
}

static void
test_free_tells_of_a_removal(Fixture *self, gconstpointer data)
{
    g_autofree char *config = g_build_filename(self->dir, "work.conf", NULL);

    start_removal(self, FALSE);
    ims_accounts_free(self->accounts);
    g_assert_nonnull(strstr(self->log->str, " done=work was not removed"));
    g_assert_true(exists(config));
    self->accounts = ims_accounts_new(self->dir, &listener, self);
}

static void
test_add(Fixture *self, gconstpointer data)
{
    g_autoptr(GHashTable) settings = tunnel_settings();
    g_autofree char *path = g_build_filename(self->dir, "me@x.conf", NULL);
    g_autoptr(GError) error = NULL;
    ImsAccount *account = ims_accounts_add(self->accounts, "me@x", settings, &error);
    GStatBuf info;

    g_assert_no_error(error);
    g_assert_cmpstr(ims_account_name(account), ==, "me@x");
    g_assert_cmpstr(self->log->str, ==, LOG_START " added=idle");
    g_assert_cmpint(g_stat(path, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0600);
}

static void
test_add_refused(Fixture *self, gconstpointer data)
{
    static const char *const names[] = {"work", "broken", "../x", "two words", ""};
    g_autoptr(GHashTable) settings = tunnel_settings();
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_assert_null(ims_accounts_add(self->accounts, names[i], settings, &error));
        g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
        g_clear_error(&error);
    }
    g_hash_table_insert(settings, (char *)"remote.hots", (char *)"x");
    g_assert_null(ims_accounts_add(self->accounts, "new", settings, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
    g_assert_null(ims_accounts_find(self->accounts, "new"));
    g_assert_cmpstr(self->log->str, ==, LOG_START);
}

static void
test_free_cancels(Fixture *self, gconstpointer data)
{
    ImsJob *job = start_sync(self, &all);

    wait_for_state(ims_job_account(job), IMS_ACCOUNT_SYNCING);
    fake_engine_sync();
    start_sync(self, &(const ImsSyncOptions){.has_max_deletions = TRUE});
    g_string_assign(self->log, "");
    ims_accounts_free(self->accounts); /* would wait for 5 s if the cancel were not heard */
    g_assert_cmpstr(self->log->str, ==, "");
    self->accounts = ims_accounts_new(self->dir, &listener, self);
}

static void
never_progress(const ImsProgress *progress, gpointer data)
{
    g_assert_not_reached();
}

static void
never_ended(const ImsProgress *last, ImsReport *report, const GError *error, gpointer data)
{
    g_assert_not_reached();
}

static void
test_stuck_worker_is_left(Fixture *self, gconstpointer data)
{
    static const ImsWorkerListener never = {never_progress, NULL, never_ended};
    ImsWorker *worker = ims_worker_new("stuck", &never, NULL);
    ImsOrder *order = g_new0(ImsOrder, 1);
    gint64 begin_us = g_get_monotonic_time();

    fake_engine_deaf(TRUE);
    order->cancel = g_cancellable_new();
    ims_worker_give(worker, order);
    fake_engine_sync();
    g_cancellable_cancel(order->cancel);
    ims_worker_stop(worker, begin_us);
    g_assert_cmpint(g_get_monotonic_time() - begin_us, <, G_USEC_PER_SEC);

    fake_engine_progress(IMS_PHASE_LISTING, 1); /* told to nobody */
    fake_engine_sync();
    fake_engine_end(-1, NULL);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
}

#define ADD(path, function) g_test_add(path, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
    g_setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent", TRUE);

    ADD("/account/sync/is-queued-then-syncing-then-done", test_one_job);
    ADD("/account/sync/joins-a-job-before-its-list", test_joins_before_the_list);
    ADD("/account/sync/follows-a-job-after-its-list", test_follows_after_the_list);
    ADD("/account/sync/other-options-follow", test_other_options_follow);
    ADD("/account/sync/error-is-told-until-a-success", test_error_is_told);
    ADD("/account/sync/report-is-kept", test_report_is_kept);
    ADD("/account/accounts/tell-what-is-remembered", test_recalled);
    ADD("/account/sync/progress-is-rare-and-the-last-is-true", test_progress_is_rare);
    ADD("/account/test/is-no-sync", test_connect_test);
    ADD("/account/certificate/is-an-issue-until-one-passes", test_rejected_certificate);
    ADD("/account/certificate/is-of-one-side", test_certificates_of_both_sides);
    ADD("/account/certificate/is-pinned-in-the-file", test_pin);
    ADD("/account/certificate/is-not-pinned-in-a-broken-file", test_pin_refused);
    ADD("/account/certificate/is-not-pinned-for-other-settings", test_pin_of_other_settings);
    ADD("/account/certificate/has-one-number-for-one-key", test_certificate_keeps_its_number);
    ADD("/account/certificate/stays-when-a-job-is-spared", test_certificate_of_a_spared_job);
    ADD("/account/certificate/stays-when-a-proxy-refuses", test_certificate_behind_a_proxy);
    ADD("/account/certificate/of-the-second-side-is-told", test_certificate_of_the_second_side);
    ADD("/account/certificate/is-forgotten-with-its-settings", test_certificate_of_other_settings);
    ADD("/account/test/says-of-each-side-how-to-be-let-in", test_connect_test_refused);
    ADD("/account/cancel/queued-ends-at-once", test_cancel_queued);
    ADD("/account/cancel/running-ends-cancelled", test_cancel_running);
    ADD("/account/cancel/teaches-nothing", test_cancel_teaches_nothing);
    ADD("/account/accounts/are-read-from-their-files", test_load);
    ADD("/account/file/corrected-is-used-by-the-next-sync", test_corrected_file);
    ADD("/account/file/broken-blocks-the-account", test_broken_file);
    ADD("/account/file/repaired-makes-the-account-usable", test_repaired_file);
    ADD("/account/file/running-job-keeps-its-settings", test_running_job_keeps_its_settings);
    ADD("/account/reload/is-heard-when-the-job-has-ended", test_reload_while_a_job_runs);
    ADD("/account/file/queued-job-takes-what-is-there", test_queued_job_takes_the_file);
    ADD("/account/reload/takes-what-changed-and-disturbs-no-other", test_reload_takes_what_changed);
    ADD("/account/reload/lets-go-whose-file-has-gone", test_reload_lets_go);
    ADD("/account/reload/takes-a-file-that-is-back", test_reload_of_a_file_that_is_back);
    ADD("/account/remove/leaves-the-mail", test_remove);
    ADD("/account/remove/with-the-store", test_remove_with_store);
    ADD("/account/remove/ends-the-job-before", test_remove_ends_the_job_before);
    ADD("/account/remove/that-fails-can-be-repeated", test_remove_that_fails_can_be_repeated);
    ADD("/account/remove/is-told-of-when-the-service-ends", test_free_tells_of_a_removal);
    ADD("/account/accounts/add-writes-a-file", test_add);
    ADD("/account/turn/accounts-of-one-server-take-turns", test_accounts_take_turns);
    ADD("/account/turn/in-order-and-the-smallest-number-holds", test_turns_are_in_order);
    ADD("/account/turn/cancelled-gives-its-place", test_cancelled_gives_its_place);
    ADD("/account/turn/both-sides-on-one-server-go-alone", test_both_sides_on_one_server);
    ADD("/account/turn/waiting-account-may-go", test_waiting_account_may_go);
    ADD("/account/turn/waiting-account-takes-its-new-file",
        test_waiting_account_takes_its_new_file);
    ADD("/account/turn/waiting-account-hears-of-more", test_waiting_account_hears_of_more);
    ADD("/account/sync/offline-is-tried-again", test_offline_is_tried_again);
    ADD("/account/sync/only-an-awaited-sync-is-tried-again", test_retry_waits_for_what_was_asked);
    ADD("/account/retry/is-put-off-by-other-jobs", test_retry_is_put_off);
    ADD("/account/retry/of-a-failing-keyring", test_failing_keyring_is_tried_again);
    ADD("/account/retry/is-cancelled", test_retry_is_cancelled);
    ADD("/account/retry/outlasts-a-broken-file", test_retry_outlasts_a_broken_file);
    ADD("/account/retry/ends-with-a-disabled-account", test_disabled_owes_nothing);
    ADD("/account/sync/refused-password-is-spared", test_refused_is_spared);
    ADD("/account/accounts/add-refused-writes-nothing", test_add_refused);
    ADD("/account/accounts/free-cancels-and-is-silent", test_free_cancels);
    ADD("/account/worker/stuck-one-is-left-behind", test_stuck_worker_is_left);
    return g_test_run();
}
