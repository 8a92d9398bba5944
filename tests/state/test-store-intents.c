/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Intents: evidence must come back to the bit, whatever happened in between. */

#include "state/store.h"

#include "scratch.h"
#include "util/error.h"

static void
add_message(
    ImsIntent *intent, guint32 uid, guint64 size, gint64 date, guint64 fingerprint, guint system)
{
    ImsIntentMessage message = {
        .uid = uid, .size = size, .date = date, .fingerprint = fingerprint, .flags = {system}};

    g_array_append_val(intent->messages, message);
}

static ImsIntent *
full_intent(gint64 mailbox)
{
    ImsIntent *intent = ims_intent_new();

    intent->mailbox = mailbox;
    intent->to = IMS_REMOTE;
    intent->from_uidvalidity = G_MAXUINT32;
    intent->to_uidvalidity = 2;
    intent->to_id = g_strdup("F42");
    intent->floor = 3;
    add_message(intent, 4, 0, -1, 0, 0);
    add_message(intent, G_MAXUINT32, G_MAXUINT64, G_MAXINT64, G_MAXUINT64, IMS_FLAG_ALL);
    ims_flags_add_keyword(&g_array_index(intent->messages, ImsIntentMessage, 0).flags, "$MDNSent");
    return intent;
}

static void
assert_same(const ImsIntent *a, const ImsIntent *b)
{
    g_assert_cmpint(a->id, ==, b->id);
    g_assert_cmpint(a->mailbox, ==, b->mailbox);
    g_assert_cmpint(a->to, ==, b->to);
    g_assert_cmpuint(a->from_uidvalidity, ==, b->from_uidvalidity);
    g_assert_cmpuint(a->to_uidvalidity, ==, b->to_uidvalidity);
    g_assert_cmpstr(a->to_id, ==, b->to_id);
    g_assert_cmpuint(a->floor, ==, b->floor);
    g_assert_cmpuint(a->messages->len, ==, b->messages->len);
    for (guint i = 0; i < a->messages->len; i++) {
        const ImsIntentMessage *m = &g_array_index(a->messages, ImsIntentMessage, i);
        const ImsIntentMessage *n = &g_array_index(b->messages, ImsIntentMessage, i);

        g_assert_cmpuint(m->uid, ==, n->uid);
        g_assert_cmpuint(m->size, ==, n->size);
        g_assert_cmpint(m->date, ==, n->date);
        g_assert_cmpuint(m->fingerprint, ==, n->fingerprint);
        g_assert_true(ims_flags_equal(&m->flags, &n->flags));
    }
}

static void
save(Scratch *scratch, ImsIntent *intent)
{
    g_autoptr(GError) error = NULL;

    scratch_begin(scratch);
    ims_store_save_intent(scratch->store, intent, &error);
    g_assert_no_error(error);
    scratch_commit(scratch);
    g_assert_cmpint(intent->id, >, 0);
}

static GPtrArray *
load(Scratch *scratch)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *intents = ims_store_intents(scratch->store, &error);

    g_assert_no_error(error);
    return intents;
}

static void
test_round_trip(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsIntent) full = NULL;
    g_autoptr(ImsIntent) empty = ims_intent_new();
    g_autoptr(GPtrArray) intents = NULL;

    scratch_init(&scratch);
    scratch_open(&scratch);
    full = full_intent(scratch_mailbox(&scratch, "INBOX"));
    empty->mailbox = full->mailbox;
    save(&scratch, full);
    save(&scratch, empty);

    scratch_open(&scratch);
    intents = load(&scratch);
    g_assert_cmpuint(intents->len, ==, 2);
    assert_same(g_ptr_array_index(intents, 0), full);
    assert_same(g_ptr_array_index(intents, 1), empty);
}

static void
test_replace(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsIntent) intent = NULL;
    g_autoptr(GPtrArray) intents = NULL;
    gint64 id;

    scratch_init(&scratch);
    scratch_open(&scratch);
    intent = full_intent(scratch_mailbox(&scratch, "INBOX"));
    save(&scratch, intent);
    id = intent->id;

    g_array_remove_index(intent->messages, 0);
    g_array_index(intent->messages, ImsIntentMessage, 0).fingerprint = 77;
    g_clear_pointer(&intent->to_id, g_free);
    intent->floor = 1000;
    save(&scratch, intent);
    g_assert_cmpint(intent->id, ==, id);
    intents = load(&scratch);
    g_assert_cmpuint(intents->len, ==, 1);
    assert_same(g_ptr_array_index(intents, 0), intent);
}

static void
test_delete(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsIntent) first = NULL;
    g_autoptr(ImsIntent) second = NULL;
    g_autoptr(GPtrArray) intents = NULL;
    gint64 inbox;

    scratch_init(&scratch);
    scratch_open(&scratch);
    inbox = scratch_mailbox(&scratch, "INBOX");
    first = full_intent(inbox);
    second = full_intent(inbox);
    save(&scratch, first);
    save(&scratch, second);

    scratch_begin(&scratch);
    g_assert_true(ims_store_delete_intent(scratch.store, first->id, NULL));
    scratch_commit(&scratch);
    intents = load(&scratch);
    g_assert_cmpuint(intents->len, ==, 1);
    assert_same(g_ptr_array_index(intents, 0), second);
}

static void
test_refused(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsIntent) astray = full_intent(99);
    g_autoptr(ImsIntent) twice = NULL;
    GError *error = NULL;

    scratch_init(&scratch);
    scratch_open(&scratch);
    twice = full_intent(scratch_mailbox(&scratch, "INBOX"));
    add_message(twice, 4, 1, 1, 1, 0);

    scratch_begin(&scratch);
    g_assert_false(ims_store_save_intent(scratch.store, astray, &error));
    scratch_assert_refused(g_steal_pointer(&error), "FOREIGN KEY");
    g_assert_false(ims_store_save_intent(scratch.store, twice, &error));
    scratch_assert_refused(g_steal_pointer(&error), "UNIQUE");
    g_assert_cmpint(twice->id, ==, 0);
}

static const char *const damages[] = {
    "UPDATE intent SET to_side = 2",
    "UPDATE intent SET floor = -1",
    "UPDATE intent SET to_id = CAST(x'80' AS TEXT)",
    "UPDATE intent_message SET uid = 0 WHERE uid = 4",
    "UPDATE intent_message SET flags = 'x'",
};

static void
test_damaged(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(damages); i++) {
        g_auto(Scratch) scratch = {0};
        g_autoptr(ImsIntent) intent = NULL;
        GError *error = NULL;

        g_test_message("%s", damages[i]);
        scratch_init(&scratch);
        scratch_open(&scratch);
        intent = full_intent(scratch_mailbox(&scratch, "INBOX"));
        save(&scratch, intent);
        scratch_alter(&scratch, damages[i]);
        scratch_open(&scratch);
        g_assert_null(ims_store_intents(scratch.store, &error));
        scratch_assert_refused(error, "damaged");
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/state/store-intents/S13-round-trip", test_round_trip);
    g_test_add_func("/state/store-intents/saving-again-replaces", test_replace);
    g_test_add_func("/state/store-intents/delete-drops-that-one", test_delete);
    g_test_add_func("/state/store-intents/impossible-ones-are-refused", test_refused);
    g_test_add_func("/state/store-intents/damaged-values-are-errors", test_damaged);
    return g_test_run();
}
