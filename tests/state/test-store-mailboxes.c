/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Mailboxes: every field comes back, and what belongs to one goes with it. */

#include "state/store.h"

#include "scratch.h"
#include "util/error.h"

static void
assert_same_point(const ImsPoint *a, const ImsPoint *b)
{
    g_assert_cmpuint(a->uidvalidity, ==, b->uidvalidity);
    g_assert_cmpuint(a->uidnext, ==, b->uidnext);
    g_assert_cmpuint(a->modseq, ==, b->modseq);
    g_assert_cmpuint(a->messages, ==, b->messages);
}

static void
assert_same(const ImsMailbox *a, const ImsMailbox *b)
{
    g_assert_cmpint(a->id, ==, b->id);
    g_assert_cmpstr(a->name, ==, b->name);
    g_assert_cmpint(a->valid, ==, b->valid);
    g_assert_cmpint(a->excluded, ==, b->excluded);
    g_assert_cmpint(a->compared_us, ==, b->compared_us);
    g_assert_cmpint(a->last_sync_us, ==, b->last_sync_us);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        g_assert_cmpint(a->known[side], ==, b->known[side]);
        g_assert_cmpuint(a->refused[side], ==, b->refused[side]);
        g_assert_cmpint(a->subscribed[side], ==, b->subscribed[side]);
        g_assert_cmpstr(a->identity[side], ==, b->identity[side]);
        g_assert_cmpuint(a->held_uidnext[side], ==, b->held_uidnext[side]);
        assert_same_point(&a->point[side], &b->point[side]);
    }
}

/* No two fields are alike. */
static ImsMailbox *
full_mailbox(void)
{
    ImsMailbox *mailbox = ims_mailbox_new("Straße/日本");

    mailbox->valid = TRUE;
    mailbox->known[IMS_REMOTE] = TRUE;
    mailbox->subscribed[IMS_LOCAL] = IMS_SUBSCRIPTION_NO;
    mailbox->subscribed[IMS_REMOTE] = IMS_SUBSCRIPTION_YES;
    mailbox->point[IMS_LOCAL] = (ImsPoint){G_MAXUINT32, 2, G_MAXUINT64, 4};
    mailbox->point[IMS_REMOTE] = (ImsPoint){5, G_MAXUINT32, 7, 8};
    mailbox->identity[IMS_LOCAL] = g_strdup("F42");
    mailbox->held_uidnext[IMS_LOCAL] = 9;
    mailbox->held_uidnext[IMS_REMOTE] = 10;
    mailbox->excluded = TRUE;
    mailbox->refused[IMS_LOCAL] = G_MAXUINT64;
    mailbox->refused[IMS_REMOTE] = 12;
    mailbox->compared_us = 11;
    mailbox->last_sync_us = G_MAXINT64;
    return mailbox;
}

static void
save(Scratch *scratch, ImsMailbox *mailbox)
{
    g_autoptr(GError) error = NULL;

    scratch_begin(scratch);
    ims_store_save_mailbox(scratch->store, mailbox, &error);
    g_assert_no_error(error);
    scratch_commit(scratch);
}

static GPtrArray *
load(Scratch *scratch)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *mailboxes = ims_store_mailboxes(scratch->store, &error);

    g_assert_no_error(error);
    return mailboxes;
}

static void
test_round_trip(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsMailbox) full = full_mailbox();
    g_autoptr(ImsMailbox) empty = ims_mailbox_new("INBOX");
    g_autoptr(GPtrArray) first = NULL;
    g_autoptr(GPtrArray) second = NULL;

    scratch_init(&scratch);
    scratch_open(&scratch);
    save(&scratch, full);
    save(&scratch, empty);
    g_assert_cmpint(full->id, !=, empty->id);

    scratch_open(&scratch);
    first = load(&scratch);
    g_assert_cmpuint(first->len, ==, 2);
    assert_same(g_ptr_array_index(first, 0), empty);
    assert_same(g_ptr_array_index(first, 1), full);

    g_free(full->name);
    full->name = g_strdup("Archive");
    full->valid = FALSE;
    g_clear_pointer(&full->identity[IMS_LOCAL], g_free);
    full->identity[IMS_REMOTE] = g_strdup("G7");
    full->point[IMS_REMOTE].uidnext = 1;
    save(&scratch, full);
    second = load(&scratch);
    g_assert_cmpuint(second->len, ==, 2);
    assert_same(g_ptr_array_index(second, 0), full);
    assert_same(g_ptr_array_index(second, 1), empty);
}

static void
test_refused(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsMailbox) twin = ims_mailbox_new("INBOX");
    g_autoptr(ImsMailbox) stale = ims_mailbox_new("Sent");
    GError *error = NULL;

    scratch_init(&scratch);
    scratch_open(&scratch);
    scratch_mailbox(&scratch, "INBOX");
    stale->id = 99;

    scratch_begin(&scratch);
    g_assert_false(ims_store_save_mailbox(scratch.store, twin, &error));
    scratch_assert_refused(g_steal_pointer(&error), "UNIQUE");
    g_assert_cmpint(twin->id, ==, 0);
    g_assert_false(ims_store_save_mailbox(scratch.store, stale, &error));
    scratch_assert_refused(g_steal_pointer(&error), "no longer there");
}

/* A mailbox with a row, an intent and a logged deletion. */
static gint64
add_filled(Scratch *scratch, const char *name)
{
    gint64 id = scratch_mailbox(scratch, name);
    g_autoptr(ImsRow) row = pair_new(1, 1);
    g_autoptr(ImsIntent) intent = ims_intent_new();
    ImsIntentMessage message = {.uid = 1};

    intent->mailbox = id;
    g_array_append_val(intent->messages, message);
    scratch_begin(scratch);
    scratch_save(scratch, id, row);
    g_assert_true(ims_store_save_intent(scratch->store, intent, NULL));
    g_assert_true(ims_store_log_deletions(scratch->store, id, 3, 1, NULL));
    scratch_commit(scratch);
    return id;
}

static guint64
count_deletions(Scratch *scratch, gint64 mailbox)
{
    guint64 count = 0;

    g_assert_true(ims_store_count_deletions(scratch->store, mailbox, 0, &count, NULL));
    return count;
}

/* What is left of two filled mailboxes after one of them was dealt with. */
static void
assert_left(Scratch *scratch, guint n_mailboxes, gint64 gone, gint64 kept)
{
    g_autoptr(GPtrArray) mailboxes = load(scratch);
    g_autoptr(GPtrArray) intents = ims_store_intents(scratch->store, NULL);

    g_assert_cmpuint(mailboxes->len, ==, n_mailboxes);
    g_assert_cmpuint(intents->len, ==, 1);
    g_assert_cmpint(((ImsIntent *)g_ptr_array_index(intents, 0))->mailbox, ==, kept);
    g_assert_cmpuint(scratch_count(scratch, gone), ==, 0);
    g_assert_cmpuint(scratch_count(scratch, kept), ==, 1);
    g_assert_cmpuint(count_deletions(scratch, 0), ==, 6);
}

static void
test_reset(void)
{
    g_auto(Scratch) scratch = {0};
    gint64 reset, kept;

    scratch_init(&scratch);
    scratch_open(&scratch);
    reset = add_filled(&scratch, "a");
    kept = add_filled(&scratch, "b");

    scratch_begin(&scratch);
    g_assert_true(ims_store_reset_mailbox(scratch.store, reset, NULL));
    scratch_commit(&scratch);
    assert_left(&scratch, 2, reset, kept);
    g_assert_cmpuint(count_deletions(&scratch, reset), ==, 3);
}

static void
test_forget(void)
{
    g_auto(Scratch) scratch = {0};
    gint64 forgotten, kept;

    scratch_init(&scratch);
    scratch_open(&scratch);
    kept = add_filled(&scratch, "a");
    forgotten = add_filled(&scratch, "b");

    scratch_begin(&scratch);
    g_assert_true(ims_store_forget_mailbox(scratch.store, forgotten, NULL));
    scratch_commit(&scratch);
    assert_left(&scratch, 1, forgotten, kept);
    g_assert_cmpuint(count_deletions(&scratch, forgotten), ==, 0);
}

static const char *const damages[] = {
    "UPDATE mailbox SET valid = 2",
    "UPDATE mailbox SET compared_us = -1",
    "UPDATE mailbox SET name = CAST(x'ff' AS TEXT)",
    "UPDATE mailbox SET name = 'a' || char(0) || 'b'",
    "UPDATE point SET uidvalidity = 4294967296",
    "UPDATE point SET uidnext = -1",
    "UPDATE point SET known = 7",
    "DELETE FROM point WHERE side = 0",
    "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'STRICT, ', '');"
    "PRAGMA writable_schema = RESET;"
    "UPDATE point SET messages = 1.5",
};

static void
test_damaged(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(damages); i++) {
        g_auto(Scratch) scratch = {0};
        GError *error = NULL;

        g_test_message("%s", damages[i]);
        scratch_init(&scratch);
        scratch_open(&scratch);
        scratch_mailbox(&scratch, "INBOX");
        scratch_alter(&scratch, damages[i]);
        scratch_open(&scratch);
        g_assert_null(ims_store_mailboxes(scratch.store, &error));
        scratch_assert_refused(error, "damaged");
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/state/store-mailboxes/round-trip", test_round_trip);
    g_test_add_func("/state/store-mailboxes/doubles-and-stale-ids-are-refused", test_refused);
    g_test_add_func("/state/store-mailboxes/reset-drops-rows-and-intents", test_reset);
    g_test_add_func("/state/store-mailboxes/forget-drops-all-but-deletions", test_forget);
    g_test_add_func("/state/store-mailboxes/damaged-values-are-errors", test_damaged);
    return g_test_run();
}
