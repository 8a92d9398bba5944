/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Issues, of which there is one for each cause, and the guard's memory. */

#include "state/store.h"

#include "scratch.h"
#include "util/error.h"

static ImsIssue *
raise_issue(
    Scratch *scratch, ImsIssueKind kind, const char *mailbox, guint64 count, gint64 since_us)
{
    g_autoptr(GError) error = NULL;
    ImsIssue *issue = ims_issue_new(kind, mailbox, IMS_REMOTE);

    issue->count = count;
    issue->since_us = since_us;
    g_free(issue->detail);
    issue->detail = g_strdup_printf("%" G_GUINT64_FORMAT " times", count);
    scratch_begin(scratch);
    ims_store_raise(scratch->store, issue, &error);
    g_assert_no_error(error);
    scratch_commit(scratch);
    return issue;
}

static void
settle(Scratch *scratch, const ImsIssue *issue)
{
    g_autoptr(GError) error = NULL;

    scratch_begin(scratch);
    ims_store_settle_issue(scratch->store, issue->kind, issue->mailbox, issue->side, &error);
    g_assert_no_error(error);
    scratch_commit(scratch);
}

static GPtrArray *
load(Scratch *scratch)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *issues = ims_store_issues(scratch->store, &error);

    g_assert_no_error(error);
    return issues;
}

static void
assert_same(const ImsIssue *a, const ImsIssue *b)
{
    g_assert_cmpuint(a->id, ==, b->id);
    g_assert_cmpint(a->kind, ==, b->kind);
    g_assert_cmpstr(a->mailbox, ==, b->mailbox);
    g_assert_cmpint(a->side, ==, b->side);
    g_assert_cmpuint(a->count, ==, b->count);
    g_assert_cmpint(a->since_us, ==, b->since_us);
    g_assert_cmpstr(a->detail, ==, b->detail);
}

static void
test_round_trip(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(GPtrArray) raised = g_ptr_array_new_with_free_func((GDestroyNotify)ims_issue_free);
    g_autoptr(GPtrArray) issues = NULL;

    scratch_init(&scratch);
    scratch_open(&scratch);
    for (int kind = IMS_N_ISSUES - 1; kind >= 0; kind--)
        g_ptr_array_add(raised, raise_issue(&scratch, (ImsIssueKind)kind, "Grüße", 5, G_MAXINT64));

    scratch_open(&scratch);
    issues = load(&scratch);
    g_assert_cmpuint(issues->len, ==, IMS_N_ISSUES);
    for (guint i = 0; i < issues->len; i++)
        assert_same(g_ptr_array_index(issues, i), g_ptr_array_index(raised, i));
}

static void
test_raised_again(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsIssue) first = NULL;
    g_autoptr(ImsIssue) other = NULL;
    g_autoptr(ImsIssue) again = NULL;
    g_autoptr(GPtrArray) issues = NULL;

    scratch_init(&scratch);
    scratch_open(&scratch);
    first = raise_issue(&scratch, IMS_ISSUE_REFUSED, "INBOX", 1, 1000);
    other = raise_issue(&scratch, IMS_ISSUE_REFUSED, "Sent", 2, 2000);
    again = raise_issue(&scratch, IMS_ISSUE_REFUSED, "INBOX", 3, 3000);
    g_assert_cmpuint(again->id, ==, first->id);
    g_assert_cmpint(again->since_us, ==, 1000);

    issues = load(&scratch);
    g_assert_cmpuint(issues->len, ==, 2);
    assert_same(g_ptr_array_index(issues, 0), again);
    assert_same(g_ptr_array_index(issues, 1), other);
}

/* A client that answers late must not answer another issue. */
static void
test_ids_not_reused(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsIssue) first = NULL;
    g_autoptr(ImsIssue) second = NULL;

    scratch_init(&scratch);
    scratch_open(&scratch);
    first = raise_issue(&scratch, IMS_ISSUE_DELETIONS, "INBOX", 1, 1);
    settle(&scratch, first);
    scratch_open_as(&scratch, "here", "elsewhere");
    second = raise_issue(&scratch, IMS_ISSUE_DELETIONS, "Sent", 1, 1);
    g_assert_cmpuint(second->id, >, first->id);
}

static void
test_settle(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsIssue) settled = NULL;
    g_autoptr(ImsIssue) other_kind = NULL;
    g_autoptr(ImsIssue) other_mailbox = NULL;
    g_autoptr(GPtrArray) issues = NULL;

    scratch_init(&scratch);
    scratch_open(&scratch);
    settled = raise_issue(&scratch, IMS_ISSUE_NAME, "a", 1, 1);
    other_kind = raise_issue(&scratch, IMS_ISSUE_REFUSED, "a", 1, 1);
    other_mailbox = raise_issue(&scratch, IMS_ISSUE_NAME, "b", 1, 1);

    settle(&scratch, settled);
    settle(&scratch, settled);
    other_kind->side = IMS_LOCAL; /* not this side's: nothing is settled */
    settle(&scratch, other_kind);
    other_kind->side = IMS_REMOTE;

    issues = load(&scratch);
    g_assert_cmpuint(issues->len, ==, 2);
    assert_same(g_ptr_array_index(issues, 0), other_kind);
    assert_same(g_ptr_array_index(issues, 1), other_mailbox);
}

static const char *const damages[] = {
    "UPDATE issue SET kind = 99",
    "UPDATE issue SET kind = -1",
    "UPDATE issue SET side = 2",
    "UPDATE issue SET count = -1",
    "UPDATE issue SET mailbox = CAST(x'ff' AS TEXT)",
    "UPDATE issue SET detail = CAST(x'ff' AS TEXT)",
};

static void
test_damaged(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(damages); i++) {
        g_auto(Scratch) scratch = {0};
        g_autoptr(ImsIssue) issue = NULL;
        GError *error = NULL;

        g_test_message("%s", damages[i]);
        scratch_init(&scratch);
        scratch_open(&scratch);
        issue = raise_issue(&scratch, IMS_ISSUE_NAME, "a", 1, 1);
        scratch_alter(&scratch, damages[i]);
        scratch_open(&scratch);
        g_assert_null(ims_store_issues(scratch.store, &error));
        scratch_assert_refused(error, "damaged");
    }
}

static void
log_deletions(Scratch *scratch, gint64 mailbox, guint64 count, gint64 at_us)
{
    g_autoptr(GError) error = NULL;

    scratch_begin(scratch);
    ims_store_log_deletions(scratch->store, mailbox, count, at_us, &error);
    g_assert_no_error(error);
    scratch_commit(scratch);
}

static guint64
count_deletions(Scratch *scratch, gint64 mailbox, gint64 since_us)
{
    g_autoptr(GError) error = NULL;
    guint64 count = G_MAXUINT64;

    ims_store_count_deletions(scratch->store, mailbox, since_us, &count, &error);
    g_assert_no_error(error);
    return count;
}

static void
test_deletions(void)
{
    g_auto(Scratch) scratch = {0};
    gint64 inbox, sent;

    scratch_init(&scratch);
    scratch_open(&scratch);
    inbox = scratch_mailbox(&scratch, "INBOX");
    sent = scratch_mailbox(&scratch, "Sent");
    g_assert_cmpuint(count_deletions(&scratch, 0, 0), ==, 0);
    log_deletions(&scratch, inbox, 1, 100);
    log_deletions(&scratch, inbox, 10, 200);
    log_deletions(&scratch, sent, 100, 300);

    scratch_open(&scratch);
    g_assert_cmpuint(count_deletions(&scratch, inbox, 100), ==, 11);
    g_assert_cmpuint(count_deletions(&scratch, sent, 100), ==, 100);
    g_assert_cmpuint(count_deletions(&scratch, 0, 100), ==, 111);
    g_assert_cmpuint(count_deletions(&scratch, inbox, 101), ==, 10);
    g_assert_cmpuint(count_deletions(&scratch, 0, 0), ==, 110); /* the older one is forgotten */
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/state/store-issues/round-trip", test_round_trip);
    g_test_add_func("/state/store-issues/raised-again-keeps-id-and-since", test_raised_again);
    g_test_add_func("/state/store-issues/ids-are-not-reused", test_ids_not_reused);
    g_test_add_func("/state/store-issues/settle-drops-that-one", test_settle);
    g_test_add_func("/state/store-issues/damaged-values-are-errors", test_damaged);
    g_test_add_func("/state/store-issues/S17-deletions-add-up-and-are-forgotten", test_deletions);
    return g_test_run();
}
