/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* The plain values: copies that share nothing, and names that are the bus's. */
#include "model/delta.h"
#include "model/issue.h"
#include "model/mailbox.h"
#include "model/message.h"
#include "model/report.h"
#include "model/row.h"

/* Stands in state files: a change here breaks them. */
static void
test_message_hash(void)
{
    g_assert_cmphex(ims_message_hash(0, 0), ==, G_GUINT64_CONSTANT(0x1cc140088f3b6bec));
    g_assert_cmphex(ims_message_hash(4900, 1580544000), ==, G_GUINT64_CONSTANT(0x5b421de1e94eec1f));
}

static void
test_message_hash_spreads(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

    for (guint64 size = 0; size < 100; size++) {
        for (gint64 date = -50; date < 50; date++) {
            guint64 hash = ims_message_hash(size, date);

            g_assert_cmphex(hash, !=, 0);
            g_assert_true(g_hash_table_add(seen, g_memdup2(&hash, sizeof hash)));
        }
    }
}

static void
test_message_copy(void)
{
    g_auto(ImsMessage) message = {.uid = 3, .have = IMS_HAVE_FLAGS, .size = 5};
    g_auto(ImsMessage) copy = {0};

    ims_flags_add_keyword(&message.flags, "a");
    copy = ims_message_copy(&message);
    ims_flags_add_keyword(&copy.flags, "b");
    g_assert_cmpuint(copy.uid, ==, 3);
    g_assert_cmpuint(copy.size, ==, 5);
    g_assert_false(ims_flags_has_keyword(&message.flags, "b"));
    g_assert_true(ims_flags_has_keyword(&copy.flags, "a"));
}

static void
test_row_copy(void)
{
    g_autoptr(ImsRow) row = ims_row_new();
    g_autoptr(ImsRow) copy = NULL;

    row->uid[IMS_REMOTE] = 7;
    row->detail = g_strdup("no");
    ims_flags_add_keyword(&row->flags[IMS_REMOTE], "a");
    copy = ims_row_copy(row);
    ims_flags_add_keyword(&copy->flags[IMS_REMOTE], "b");
    g_assert_cmpuint(copy->uid[IMS_REMOTE], ==, 7);
    g_assert_cmpstr(copy->detail, ==, "no");
    g_assert_true(copy->detail != row->detail);
    g_assert_true(ims_flags_has_keyword(&copy->flags[IMS_REMOTE], "a"));
    g_assert_false(ims_flags_has_keyword(&row->flags[IMS_REMOTE], "b"));
}

static void
test_issue_copy(void)
{
    g_autoptr(ImsIssue) issue = ims_issue_new(IMS_ISSUE_REFUSED, "a/b", IMS_REMOTE);
    g_autoptr(ImsIssue) copy = NULL;

    g_assert_cmpstr(issue->detail, ==, "");
    issue->count = 4;
    copy = ims_issue_copy(issue);
    g_assert_cmpint(copy->kind, ==, IMS_ISSUE_REFUSED);
    g_assert_cmpint(copy->side, ==, IMS_REMOTE);
    g_assert_cmpuint(copy->count, ==, 4);
    g_assert_cmpstr(copy->mailbox, ==, "a/b");
    g_assert_true(copy->mailbox != issue->mailbox);
    g_assert_null(copy->facts);

    g_clear_pointer(&copy, ims_issue_free);
    issue->facts = g_variant_ref_sink(g_variant_new_parsed("{'pin': <'x'>}"));
    copy = ims_issue_copy(issue);
    g_assert_true(g_variant_equal(copy->facts, issue->facts));
}

static void
test_issue_actions(void)
{
    g_assert_null(*ims_issue_actions(IMS_ISSUE_REFUSED));
    g_assert_cmpstr(*ims_issue_actions(IMS_ISSUE_CERTIFICATE), ==, "pin");
}

static void
test_nothing_is_null(void)
{
    g_autoptr(ImsDelta) delta = ims_delta_new();
    g_autoptr(ImsIntent) intent = ims_intent_new();
    g_autoptr(ImsMailbox) mailbox = ims_mailbox_new("a");
    ImsIntentMessage message = {.uid = 1};

    g_assert_true(ims_uidset_is_empty(delta->vanished));
    g_assert_cmpuint(delta->changed->len + delta->fresh->len, ==, 0);
    g_assert_cmpstr(mailbox->name, ==, "a");
    g_assert_false(mailbox->valid);
    ims_flags_add_keyword(&message.flags, "freed with the array");
    g_array_append_val(intent->messages, message);
}

static void
test_report_refs(void)
{
    ImsReport *report = ims_report_new();
    ImsReport *second = ims_report_ref(report);

    g_assert_true(second == report);
    g_ptr_array_add(report->mailboxes, ims_mailbox_report_new("a"));
    g_ptr_array_add(report->issues, ims_issue_new(IMS_ISSUE_NAME, "a", IMS_LOCAL));
    ims_report_unref(report);
    g_assert_cmpuint(second->mailboxes->len, ==, 1);
    ims_report_unref(second);
    ims_report_unref(NULL);
}

/* Each of @n names is there, once, and of lower case letters and dashes. */
static void
assert_names(const char *(*name)(guint), guint n)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < n; i++) {
        const char *text = name(i);

        g_assert_nonnull(text);
        g_assert_true(g_hash_table_add(seen, (gpointer)text));
        for (const char *c = text; *c != '\0'; c++)
            g_assert_true(g_ascii_islower(*c) || *c == '-');
    }
}

static const char *
issue_name(guint i)
{
    return ims_issue_kind_name((ImsIssueKind)i);
}

static const char *
phase_name(guint i)
{
    return ims_phase_name((ImsPhase)i);
}

static const char *
result_name(guint i)
{
    return ims_result_name((ImsResult)i);
}

static const char *
count_name(guint i)
{
    return ims_count_name((ImsCount)i);
}

static const char *
mailbox_state_name(guint i)
{
    return ims_mailbox_state_name((ImsMailboxState)i);
}

static void
test_names(void)
{
    assert_names(issue_name, IMS_N_ISSUES);
    assert_names(phase_name, IMS_N_PHASES);
    assert_names(result_name, IMS_N_RESULTS);
    assert_names(count_name, IMS_N_COUNTS);
    assert_names(mailbox_state_name, IMS_N_MAILBOX_STATES);
}

static void
test_counts_by_side(void)
{
    g_assert_cmpstr(ims_count_name(IMS_COUNT_COPIED_LOCAL + IMS_REMOTE), ==, "copied-remote");
    g_assert_cmpstr(ims_count_name(IMS_COUNT_FLAGS_LOCAL + IMS_REMOTE), ==, "flags-remote");
    g_assert_cmpstr(ims_count_name(IMS_COUNT_EXPUNGED_LOCAL + IMS_REMOTE), ==, "expunged-remote");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model/message/hash-never-changes", test_message_hash);
    g_test_add_func("/model/message/hash-tells-sizes-and-dates-apart", test_message_hash_spreads);
    g_test_add_func("/model/message/a-copy-is-its-own", test_message_copy);
    g_test_add_func("/model/row/a-copy-is-its-own", test_row_copy);
    g_test_add_func("/model/issue/a-copy-is-its-own", test_issue_copy);
    g_test_add_func("/model/issue/only-some-can-be-answered", test_issue_actions);
    g_test_add_func("/model/values/new-ones-are-empty", test_nothing_is_null);
    g_test_add_func("/model/report/lives-until-its-last-reference", test_report_refs);
    g_test_add_func("/model/values/each-name-is-its-own", test_names);
    g_test_add_func("/model/report/counts-are-indexed-by-side", test_counts_by_side);
    return g_test_run();
}
