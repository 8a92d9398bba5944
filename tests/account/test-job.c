/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The two pure decisions about jobs: may a Sync join one, and what does an end mean. */

#include "account/account-private.h"
#include "account/verdict.h"
#include "util/error.h"

typedef struct {
    const char *name;
    const char *mine, *wanted; /* mailboxes by comma; NULL: all */
    gint my_max, wanted_max;   /* max-deletions; -1: not given */
    gboolean joins;
} JoinCase;

static const JoinCase join_cases[] = {
    {"equal", NULL, NULL, -1, -1, TRUE},
    {"all-covers-some", NULL, "A,B", -1, -1, TRUE},
    {"some-does-not-cover-all", "A,B", NULL, -1, -1, FALSE},
    {"more-covers-less", "A,B", "B", -1, -1, TRUE},
    {"same-mailboxes", "A,B", "A,B", -1, -1, TRUE},
    {"less-does-not-cover-more", "B", "A,B", -1, -1, FALSE},
    {"other-mailbox", "A", "B", -1, -1, FALSE},
    {"same-limit", NULL, NULL, 5, 5, TRUE},
    {"other-limit", NULL, NULL, 5, 6, FALSE},
    {"limit-not-given", NULL, NULL, -1, 0, FALSE},
    {"limit-given", NULL, NULL, 0, -1, FALSE},
};

static ImsSyncOptions
options_of(const char *mailboxes, gint max)
{
    return (ImsSyncOptions){
        .mailboxes = mailboxes != NULL ? g_strsplit(mailboxes, ",", -1) : NULL,
        .has_max_deletions = max >= 0,
        .max_deletions = max >= 0 ? (guint)max : 0,
    };
}

static void
test_join(gconstpointer data)
{
    const JoinCase *c = data;
    ImsSyncOptions mine = options_of(c->mine, c->my_max);
    ImsSyncOptions wanted = options_of(c->wanted, c->wanted_max);
    ImsJob *job = ims_job_new(NULL, IMS_JOB_SYNC, &mine, IMS_TRIGGER_CLIENT);

    g_assert_cmpint(ims_job_may_join(job, FALSE, &wanted), ==, c->joins);
    g_assert_false(ims_job_may_join(job, TRUE, &wanted));

    ims_job_free(job);
    g_strfreev(mine.mailboxes);
    g_strfreev(wanted.mailboxes);
}

static void
test_join_never(void)
{
    const ImsSyncOptions all = {NULL};
    ImsJob *test = ims_job_new(NULL, IMS_JOB_TEST, &all, IMS_TRIGGER_CLIENT);
    ImsJob *ended = ims_job_new(NULL, IMS_JOB_SYNC, &all, IMS_TRIGGER_CLIENT);
    ImsJob *cancelled = ims_job_new(NULL, IMS_JOB_SYNC, &all, IMS_TRIGGER_CLIENT);

    ended->result = IMS_RESULT_DONE;
    g_cancellable_cancel(cancelled->cancel);
    g_assert_false(ims_job_may_join(test, FALSE, &all));
    g_assert_false(ims_job_may_join(ended, FALSE, &all));
    g_assert_false(ims_job_may_join(cancelled, FALSE, &all));

    ims_job_free(test);
    ims_job_free(ended);
    ims_job_free(cancelled);
}

typedef struct {
    const char *name;
    int code; /* -1: no error */
    guint n_issues;
    ImsVerdict want;
} VerdictCase;

#define BLOCKED(attention)                                                                         \
    {                                                                                              \
        IMS_RESULT_FAILED, IMS_ACCOUNT_BLOCKED, attention                                          \
    }

static const VerdictCase verdict_cases[] = {
    {"done", -1, 0, {IMS_RESULT_DONE, IMS_ACCOUNT_IDLE, IMS_ATTENTION_NONE}},
    {"done-with-issues", -1, 2, {IMS_RESULT_DONE, IMS_ACCOUNT_IDLE, IMS_ATTENTION_ISSUES}},
    {"offline",
     IMS_ERROR_OFFLINE,
     0,
     {IMS_RESULT_OFFLINE, IMS_ACCOUNT_OFFLINE, IMS_ATTENTION_NONE}},
    {"cancelled",
     IMS_ERROR_CANCELLED,
     0,
     {IMS_RESULT_CANCELLED, IMS_ACCOUNT_IDLE, IMS_ATTENTION_NONE}},
    {"refused-password", IMS_ERROR_AUTH_FAILED, 1, BLOCKED(IMS_ATTENTION_CREDENTIALS)},
    {"no-password", IMS_ERROR_CREDENTIALS_MISSING, 0, BLOCKED(IMS_ATTENTION_CREDENTIALS)},
    {"locked", IMS_ERROR_KEYRING_LOCKED, 0, BLOCKED(IMS_ATTENTION_KEYRING_LOCKED)},
    {"certificate", IMS_ERROR_CERTIFICATE_REJECTED, 0, BLOCKED(IMS_ATTENTION_CERTIFICATE)},
    {"unsupported", IMS_ERROR_SERVER_UNSUPPORTED, 0, BLOCKED(IMS_ATTENTION_SERVER)},
    {"rejected", IMS_ERROR_SERVER_REJECTED, 0, BLOCKED(IMS_ATTENTION_SERVER)},
    {"config", IMS_ERROR_CONFIG, 0, BLOCKED(IMS_ATTENTION_NONE)},
    {"protocol", IMS_ERROR_PROTOCOL, 0, {IMS_RESULT_FAILED, IMS_ACCOUNT_IDLE, IMS_ATTENTION_NONE}},
    {"state", IMS_ERROR_STATE, 1, {IMS_RESULT_FAILED, IMS_ACCOUNT_IDLE, IMS_ATTENTION_ISSUES}},
};

static void
test_verdict(gconstpointer data)
{
    const VerdictCase *c = data;
    g_autoptr(GError) error = c->code >= 0 ? g_error_new(IMS_ERROR, c->code, "x") : NULL;
    g_autoptr(ImsReport) report = ims_report_new();
    ImsVerdict got = ims_verdict(error, report, NULL, c->n_issues);

    g_assert_cmpint(got.result, ==, c->want.result);
    g_assert_cmpint(got.state, ==, c->want.state);
    g_assert_cmpint(got.attention, ==, c->want.attention);
}

static ImsResult
result_of(const ImsReport *report, const char *mailboxes)
{
    g_auto(GStrv) asked = mailboxes != NULL ? g_strsplit(mailboxes, ",", -1) : NULL;

    return ims_verdict(NULL, report, asked, 0).result;
}

static void
test_partial(void)
{
    g_autoptr(ImsReport) refused = ims_report_new();
    g_autoptr(ImsReport) held = ims_report_new();
    g_autoptr(ImsReport) mailbox_held = ims_report_new();
    g_autoptr(ImsReport) mailbox_failed = ims_report_new();
    g_autoptr(ImsReport) alert = ims_report_new();
    ImsMailboxReport *mailbox = ims_mailbox_report_new("A");

    refused->summary.n[IMS_COUNT_REFUSED] = 1;
    held->summary.n[IMS_COUNT_HELD] = 1;
    mailbox->state = IMS_MAILBOX_HELD;
    g_ptr_array_add(mailbox_held->mailboxes, mailbox);
    g_ptr_array_add(
        mailbox_failed->issues, ims_issue_new(IMS_ISSUE_MAILBOX_FAILED, "A", IMS_LOCAL));

    g_ptr_array_add(alert->issues, ims_issue_new(IMS_ISSUE_ALERT, "", IMS_REMOTE));

    g_assert_cmpint(result_of(alert, NULL), ==, IMS_RESULT_DONE);
    g_assert_cmpint(result_of(refused, "B"), ==, IMS_RESULT_PARTIAL);
    g_assert_cmpint(result_of(held, "B"), ==, IMS_RESULT_PARTIAL);
    g_assert_cmpint(result_of(mailbox_held, NULL), ==, IMS_RESULT_PARTIAL);
    g_assert_cmpint(result_of(mailbox_held, "A,B"), ==, IMS_RESULT_PARTIAL);
    g_assert_cmpint(result_of(mailbox_held, "B"), ==, IMS_RESULT_DONE);
    g_assert_cmpint(result_of(mailbox_failed, NULL), ==, IMS_RESULT_PARTIAL);
    g_assert_cmpint(result_of(mailbox_failed, "B"), ==, IMS_RESULT_DONE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(join_cases); i++) {
        g_autofree char *path = g_strconcat("/account/job/join/", join_cases[i].name, NULL);

        g_test_add_data_func(path, &join_cases[i], test_join);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(verdict_cases); i++) {
        g_autofree char *path = g_strconcat("/account/verdict/", verdict_cases[i].name, NULL);

        g_test_add_data_func(path, &verdict_cases[i], test_verdict);
    }
    g_test_add_func("/account/job/join/never-a-test-an-ended-or-a-cancelled-one", test_join_never);
    g_test_add_func("/account/verdict/partial-if-something-asked-for-stands-alone", test_partial);
    return g_test_run();
}
