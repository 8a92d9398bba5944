/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* A pass whose token was refused asks for another one: from its thread, of the main thread. */

#include <glib/gstdio.h>
#include <string.h>

#include "account/account.h"
#include "fake-engine.h"
#include "util/error.h"

#define PATIENCE 10 /* seconds until a test that waits has failed */

typedef struct {
    char *dir, *file, *count; /* of the account; where its command counts its runs */
    ImsAccounts *accounts;
} Fixture;

static void
ignore_account(ImsAccount *account, gpointer data)
{
}

static void
ignore_mailbox(ImsAccount *account, const ImsMailboxReport *mailbox, gpointer data)
{
}

static void
ignore_job(ImsJob *job, gpointer data)
{
}

static const ImsListener listener = {
    ignore_account,
    ignore_account,
    ignore_account,
    ignore_account,
    ignore_mailbox,
    ignore_job,
    ignore_job,
    ignore_job,
    ignore_job,
};

/* @data: what the command does behind writing an x; `$n` is how often it has run. */
static void
set_up(Fixture *self, gconstpointer data)
{
    g_autofree char *text = NULL;

    self->dir = g_dir_make_tmp("ims-token-XXXXXX", NULL);
    self->file = g_build_filename(self->dir, "work.conf", NULL);
    self->count = g_build_filename(self->dir, "count", NULL);
    text = g_strdup_printf(
        "[local]\ntype=tunnel\ncommand=near\n[remote]\ntype=tunnel\ncommand=far\nusername=me\n"
        "token-command=sh -c 'printf x >>%s; n=$(wc -c <%s); %s'\n",
        self->count,
        self->count,
        (const char *)data);
    g_assert_true(g_file_set_contents(self->file, text, -1, NULL));
    self->accounts = ims_accounts_new(self->dir, &listener, self);
}

static void
tear_down(Fixture *self, gconstpointer data)
{
    if (self->accounts != NULL)
        ims_accounts_free(self->accounts);
    g_unlink(self->file);
    g_unlink(self->count);
    g_assert_cmpint(g_rmdir(self->dir), ==, 0);
    g_free(self->dir);
    g_free(self->file);
    g_free(self->count);
    fake_engine_deaf(FALSE);
}

static gboolean G_GNUC_NORETURN
out_of_patience(gpointer data)
{
    g_test_fail_printf("waited in vain");
    g_abort();
}

static ImsJob *
start_sync(Fixture *self)
{
    const ImsSyncOptions all = {NULL};
    ImsAccount *account = ims_accounts_find(self->accounts, "work");
    g_autoptr(GError) error = NULL;
    ImsJob *job = ims_account_sync(account, &all, IMS_TRIGGER_CLIENT, &error);

    g_assert_no_error(error);
    return job;
}

static void
wait_for_end(ImsJob *job)
{
    guint timer = g_timeout_add_seconds(PATIENCE, out_of_patience, NULL);

    while (ims_job_result(job) == IMS_RESULT_RUNNING)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}

static gsize
count_runs(Fixture *self)
{
    g_autofree char *text = NULL;
    gsize len = 0;

    g_file_get_contents(self->count, &text, &len, NULL);
    return len;
}

static gboolean
look_again(gpointer data)
{
    return G_SOURCE_CONTINUE;
}

static void
wait_for_runs(Fixture *self, gsize n)
{
    guint timer = g_timeout_add_seconds(PATIENCE, out_of_patience, NULL);
    guint look = g_timeout_add(10, look_again, NULL);

    while (count_runs(self) < n)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(look);
    g_source_remove(timer);
}

static void
test_another(Fixture *self, gconstpointer data)
{
    ImsJob *job = start_sync(self);
    g_autofree char *got = NULL;

    fake_engine_renew();
    fake_engine_renew();
    fake_engine_end(-1, NULL);
    wait_for_end(job);
    got = fake_engine_order();
    g_assert_cmpint(ims_job_result(job), ==, IMS_RESULT_DONE);
    g_assert_cmpstr(got, ==, "another token3");
    g_assert_cmpuint(count_runs(self), ==, 3);
}

static void
test_the_same(Fixture *self, gconstpointer data)
{
    ImsJob *job = start_sync(self);
    g_autofree char *got = NULL;

    fake_engine_renew();
    fake_engine_end(-1, NULL);
    wait_for_end(job);
    got = fake_engine_order();
    g_assert_cmpstr(got, ==, "the same token");
}

static void
test_none(Fixture *self, gconstpointer data)
{
    ImsJob *job = start_sync(self);
    ImsAccount *account = ims_accounts_find(self->accounts, "work");

    fake_engine_renew();
    wait_for_end(job);
    g_assert_error(ims_job_error(job), IMS_ERROR, IMS_ERROR_CREDENTIALS_MISSING);
    g_assert_true(g_str_has_prefix(ims_job_error(job)->message, "remote: "));
    g_assert_nonnull(strstr(ims_job_error(job)->message, "ask again"));
    g_assert_null(strstr(ims_job_error(job)->message, "token1"));
    g_assert_cmpint(ims_account_attention(account), ==, IMS_ATTENTION_CREDENTIALS);
}

/* Nothing but the question itself may hear of it. */
static void
test_cancel(Fixture *self, gconstpointer data)
{
    ImsJob *job;

    fake_engine_deaf(TRUE);
    job = start_sync(self);
    fake_engine_renew();
    wait_for_runs(self, 2);
    g_assert_true(ims_job_cancel(job));
    wait_for_end(job);
    g_assert_cmpint(ims_job_result(job), ==, IMS_RESULT_CANCELLED);
}

static void
test_stop(Fixture *self, gconstpointer data)
{
    gint64 begin_us = g_get_monotonic_time();

    fake_engine_deaf(TRUE);
    start_sync(self);
    fake_engine_renew();
    wait_for_runs(self, 2);
    g_clear_pointer(&self->accounts, ims_accounts_free);
    g_assert_cmpint(g_get_monotonic_time() - begin_us, <, 2 * G_USEC_PER_SEC);
}

static void
add(const char *path, const char *command, void (*test)(Fixture *self, gconstpointer data))
{
    g_test_add(path, Fixture, command, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
    add("/account/token/another-each-time", "echo token$n", test_another);
    add("/account/token/the-same-is-told-as-such", "echo token", test_the_same);
    add("/account/token/none-ends-the-pass",
        "echo token$n; test $n = 1 || { echo ask again >&2; exit 1; }",
        test_none);
    add("/account/token/a-cancel-ends-the-question",
        "test $n = 1 || exec sleep 60; echo t",
        test_cancel);
    add("/account/token/an-end-ends-the-question",
        "test $n = 1 || exec sleep 60; echo t",
        test_stop);
    return g_test_run();
}
