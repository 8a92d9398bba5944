/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Rows: every field comes back, every question finds exactly its rows, and impossible ones are
 * refused on the way in and on the way out. */

#include "state/store.h"

#include "scratch.h"
#include "util/error.h"

static void
assert_same(const ImsRow *a, const ImsRow *b)
{
    g_assert_cmpint(a->id, ==, b->id);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        g_assert_cmpuint(a->uid[side], ==, b->uid[side]);
        g_assert_true(ims_flags_equal(&a->flags[side], &b->flags[side]));
        g_assert_cmpuint(a->hash[side], ==, b->hash[side]);
    }
    g_assert_cmpuint(a->fingerprint, ==, b->fingerprint);
    g_assert_cmphex(a->gone, ==, b->gone);
    g_assert_cmphex(a->marked, ==, b->marked);
    g_assert_cmpint(a->held, ==, b->held);
    g_assert_cmpint(a->reason, ==, b->reason);
    g_assert_cmpstr(a->detail, ==, b->detail);
}

static ImsRow *
single_new(ImsSide side, guint32 uid, guint64 hash)
{
    ImsRow *row = ims_row_new();

    row->uid[side] = uid;
    row->hash[side] = hash;
    row->reason = IMS_REASON_REFUSED;
    return row;
}

/* No two fields are alike. */
static ImsRow *
full_row(void)
{
    ImsRow *row = pair_new(G_MAXUINT32, 1);

    row->flags[IMS_LOCAL].system = IMS_FLAG_ALL;
    ims_flags_add_keyword(&row->flags[IMS_REMOTE], "$Forwarded");
    ims_flags_add_keyword(&row->flags[IMS_REMOTE], "a]b");
    row->hash[IMS_LOCAL] = G_MAXUINT64;
    row->hash[IMS_REMOTE] = G_GUINT64_CONSTANT(1) << 63;
    row->fingerprint = G_GUINT64_CONSTANT(0xdeadbeefcafef00d);
    row->gone = ims_side_bit(IMS_LOCAL);
    row->marked = ims_side_bit(IMS_REMOTE);
    row->held = TRUE;
    row->reason = IMS_REASON_HELD;
    row->detail = g_strdup("NO \"it's\" too large");
    return row;
}

static ImsRow *
only_row(Scratch *scratch, gint64 mailbox)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) rows = ims_store_rows_all(scratch->store, mailbox, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(rows->len, ==, 1);
    return ims_row_copy(g_ptr_array_index(rows, 0));
}

static void
test_round_trip(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsRow) row = full_row();
    g_autoptr(ImsRow) first = NULL;
    g_autoptr(ImsRow) second = NULL;
    gint64 inbox, sent;

    scratch_init(&scratch);
    scratch_open(&scratch);
    inbox = scratch_mailbox(&scratch, "INBOX");
    sent = scratch_mailbox(&scratch, "Sent");
    scratch_begin(&scratch);
    scratch_save(&scratch, inbox, row);
    scratch_commit(&scratch);

    scratch_open(&scratch);
    first = only_row(&scratch, inbox);
    assert_same(first, row);

    /* A row may change anything, its mailbox too. */
    row->uid[IMS_LOCAL] = 0;
    ims_flags_clear(&row->flags[IMS_REMOTE]);
    row->hash[IMS_LOCAL] = row->fingerprint = row->gone = row->marked = 0;
    row->held = FALSE;
    row->reason = IMS_REASON_REFUSED;
    g_clear_pointer(&row->detail, g_free);
    scratch_begin(&scratch);
    scratch_save(&scratch, sent, row);
    scratch_commit(&scratch);
    second = only_row(&scratch, sent);
    assert_same(second, row);
    g_assert_cmpuint(scratch_count(&scratch, inbox), ==, 0);
}

static void
test_delete(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsRow) first = pair_new(1, 11);
    g_autoptr(ImsRow) second = pair_new(2, 12);
    g_autoptr(ImsRow) left = NULL;
    gint64 inbox;

    scratch_init(&scratch);
    scratch_open(&scratch);
    inbox = scratch_mailbox(&scratch, "INBOX");
    scratch_begin(&scratch);
    scratch_save(&scratch, inbox, first);
    scratch_save(&scratch, inbox, second);
    g_assert_true(ims_store_delete_row(scratch.store, first->id, NULL));
    scratch_commit(&scratch);

    left = only_row(&scratch, inbox);
    assert_same(left, second);
}

typedef struct {
    const char *name;
    guint32 local, remote;
    ImsReason reason;
    const char *words; /* NULL: it is allowed */
} SaveCase;

/* Against a pair of 5 and 50 in the same mailbox. */
static const SaveCase save_cases[] = {
    {"another pair", 6, 60, IMS_REASON_NONE, NULL},
    {"same local UID", 5, 60, IMS_REASON_NONE, "UNIQUE"},
    {"same remote UID", 6, 50, IMS_REASON_NONE, "UNIQUE"},
    {"UIDs of a pair crosswise", 50, 5, IMS_REASON_NONE, NULL},
    {"single of a known UID", 5, 0, IMS_REASON_HELD, "UNIQUE"},
    {"local single", 6, 0, IMS_REASON_HELD, NULL},
    {"remote single", 0, 60, IMS_REASON_REFUSED, NULL},
    {"no UID", 0, 0, IMS_REASON_HELD, "CHECK"},
    {"single without a reason", 6, 0, IMS_REASON_NONE, "CHECK"},
};

static void
test_save(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsRow) pair = pair_new(5, 50);
    gint64 inbox;

    scratch_init(&scratch);
    scratch_open(&scratch);
    inbox = scratch_mailbox(&scratch, "INBOX");
    scratch_begin(&scratch);
    scratch_save(&scratch, inbox, pair);
    scratch_commit(&scratch);

    for (gsize i = 0; i < G_N_ELEMENTS(save_cases); i++) {
        const SaveCase *c = &save_cases[i];
        g_autoptr(ImsRow) row = pair_new(c->local, c->remote);
        GError *error = NULL;

        g_test_message("%s", c->name);
        row->reason = c->reason;
        scratch_begin(&scratch);
        if (c->words == NULL) {
            scratch_save(&scratch, inbox, row);
        } else {
            g_assert_false(ims_store_save_row(scratch.store, inbox, row, &error));
            g_assert_cmpint(row->id, ==, 0);
            scratch_assert_refused(error, c->words);
        }
        ims_store_rollback(scratch.store);
    }
}

static void
test_stale(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsRow) stale = pair_new(1, 1);
    g_autoptr(ImsRow) astray = pair_new(2, 2);
    GError *error = NULL;
    gint64 inbox;

    scratch_init(&scratch);
    scratch_open(&scratch);
    inbox = scratch_mailbox(&scratch, "INBOX");
    scratch_begin(&scratch);
    stale->id = 99;
    g_assert_false(ims_store_save_row(scratch.store, inbox, stale, &error));
    scratch_assert_refused(g_steal_pointer(&error), "no longer there");
    g_assert_false(ims_store_save_row(scratch.store, inbox + 1, astray, &error));
    scratch_assert_refused(g_steal_pointer(&error), "FOREIGN KEY");
}

/* A mailbox of each kind of row, 1..8, remote UIDs descending from 108. */
static gint64
add_zoo(Scratch *scratch)
{
    gint64 inbox = scratch_mailbox(scratch, "INBOX");

    scratch_begin(scratch);
    for (guint32 uid = 1; uid <= 8; uid++) {
        g_autoptr(ImsRow) row = pair_new(uid, 109 - uid);

        row->gone = uid == 2 ? 1 : uid == 3 ? 2 : 0;
        row->marked = uid == 4 ? 1 : 0;
        row->held = uid == 3;
        if (uid == 7)
            row->uid[IMS_REMOTE] = 0;
        if (uid == 8)
            row->uid[IMS_LOCAL] = 0;
        row->reason = uid > 6 ? IMS_REASON_HELD : IMS_REASON_NONE;
        scratch_save(scratch, inbox, row);
    }
    scratch_commit(scratch);
    return inbox;
}

/* Returns: (transfer full): the UIDs on @side as text, in the order of @rows; takes @rows. */
static char *
uids_of(GPtrArray *rows, ImsSide side)
{
    g_autoptr(GPtrArray) owned = rows;
    GString *text = g_string_new(NULL);

    g_assert_nonnull(rows);
    for (guint i = 0; i < rows->len; i++) {
        const ImsRow *row = g_ptr_array_index(rows, i);

        g_string_append_printf(text, "%s%u", i > 0 ? " " : "", row->uid[side]);
    }
    return g_string_free(text, FALSE);
}

typedef struct {
    const char *name;
    ImsSide side;
    ImsUidRange ranges[3];
    const char *want;
} RangeCase;

static const RangeCase range_cases[] = {
    {"none", IMS_LOCAL, {{0}}, ""},
    {"all", IMS_LOCAL, {{1, G_MAXUINT32}}, "1 2 3 4 5 6 7"},
    {"ends are in", IMS_LOCAL, {{3, 5}}, "3 4 5"},
    {"several", IMS_LOCAL, {{1, 1}, {3, 4}, {7, 100}}, "1 3 4 7"},
    {"other side ascends too", IMS_REMOTE, {{1, G_MAXUINT32}}, "101 103 104 105 106 107 108"},
    {"singles of that side", IMS_REMOTE, {{101, 102}}, "101"},
    {"beyond", IMS_REMOTE, {{109, G_MAXUINT32}}, ""},
};

static void
test_ranges(void)
{
    g_auto(Scratch) scratch = {0};
    gint64 inbox;

    scratch_init(&scratch);
    scratch_open(&scratch);
    inbox = add_zoo(&scratch);
    for (gsize i = 0; i < G_N_ELEMENTS(range_cases); i++) {
        const RangeCase *c = &range_cases[i];
        g_autoptr(ImsUidSet) uids = ims_uidset_new();
        g_autofree char *got = NULL;
        g_autofree char *other = NULL;

        g_test_message("%s", c->name);
        for (gsize r = 0; r < G_N_ELEMENTS(c->ranges) && c->ranges[r].first != 0; r++)
            ims_uidset_add_range(uids, c->ranges[r].first, c->ranges[r].last);
        got = uids_of(ims_store_rows(scratch.store, inbox, c->side, uids, NULL), c->side);
        g_assert_cmpstr(got, ==, c->want);
        other = uids_of(ims_store_rows(scratch.store, inbox + 1, c->side, uids, NULL), c->side);
        g_assert_cmpstr(other, ==, "");
    }
}

static void
test_pending(void)
{
    g_auto(Scratch) scratch = {0};
    g_autofree char *pending = NULL;
    g_autofree char *all = NULL;
    gint64 inbox;

    scratch_init(&scratch);
    scratch_open(&scratch);
    inbox = add_zoo(&scratch);
    pending = uids_of(ims_store_rows_pending(scratch.store, inbox, NULL), IMS_LOCAL);
    g_assert_cmpstr(pending, ==, "2 3 4");
    all = uids_of(ims_store_rows_all(scratch.store, inbox, NULL), IMS_LOCAL);
    g_assert_cmpstr(all, ==, "1 2 3 4 5 6 7 0");
}

static void
test_counts(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsRow) elsewhere = pair_new(1, 1);
    guint64 remote = 0, pairs = 0;
    gint64 inbox, sent;

    scratch_init(&scratch);
    scratch_open(&scratch);
    inbox = add_zoo(&scratch);
    sent = scratch_mailbox(&scratch, "Sent");
    scratch_begin(&scratch);
    scratch_save(&scratch, sent, elsewhere);
    scratch_commit(&scratch);

    g_assert_cmpuint(scratch_count(&scratch, inbox), ==, 6); /* 7 less the one that is gone */
    g_assert_true(ims_store_count_rows(scratch.store, inbox, IMS_REMOTE, &remote, NULL));
    g_assert_cmpuint(remote, ==, 6);
    g_assert_true(ims_store_count_pairs(scratch.store, &pairs, NULL));
    g_assert_cmpuint(pairs, ==, 7); /* 6 here and the one elsewhere */
}

static void
test_mailboxes_pending(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(GArray) ids = NULL;
    gint64 want[4];

    scratch_init(&scratch);
    scratch_open(&scratch);
    scratch_mailbox(&scratch, "quiet");
    scratch_begin(&scratch);
    scratch_commit(&scratch);
    for (guint kind = 0; kind < 6; kind++) {
        const char *const names[] = {"gone", "marked", "intent", "held-and-marked", "held", "pair"};
        gint64 mailbox = scratch_mailbox(&scratch, names[kind]);
        g_autoptr(ImsRow) row = pair_new(1, 1);
        g_autoptr(ImsIntent) intent = ims_intent_new();

        row->gone = kind == 0 || kind == 3 || kind == 4 ? 1 : 0;
        row->marked = kind == 1 || kind == 3 ? 2 : 0;
        row->held = kind == 3 || kind == 4;
        intent->mailbox = mailbox;
        scratch_begin(&scratch);
        scratch_save(&scratch, mailbox, row);
        if (kind == 2)
            g_assert_true(ims_store_save_intent(scratch.store, intent, NULL));
        scratch_commit(&scratch);
        if (kind < 4)
            want[kind] = mailbox;
    }

    ids = ims_store_mailboxes_pending(scratch.store, FALSE, NULL);
    g_assert_nonnull(ids);
    g_assert_cmpmem(ids->data, ids->len * sizeof(gint64), want, sizeof want);
}

/* Two held in one mailbox, one in another; one refused on the local side. */
static void
test_held_and_refused(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(GArray) ids = NULL;
    g_autofree char *detail = NULL;
    g_autoptr(ImsRow) refused = ims_row_new();
    gint64 first, second;
    guint64 n = 0;

    scratch_init(&scratch);
    scratch_open(&scratch);
    first = scratch_mailbox(&scratch, "first");
    second = scratch_mailbox(&scratch, "second");
    scratch_begin(&scratch);
    for (guint i = 0; i < 3; i++) {
        g_autoptr(ImsRow) row = pair_new(i + 1, i + 1);

        row->gone = ims_side_bit(IMS_LOCAL);
        row->held = TRUE;
        scratch_save(&scratch, i < 2 ? first : second, row);
    }
    refused->uid[IMS_LOCAL] = 9;
    refused->reason = IMS_REASON_REFUSED;
    refused->detail = g_strdup("too big");
    scratch_save(&scratch, first, refused);
    scratch_commit(&scratch);

    g_assert_true(ims_store_count_held(scratch.store, first, IMS_LOCAL, &n, NULL));
    g_assert_cmpuint(n, ==, 2);
    g_assert_true(ims_store_count_held(scratch.store, 0, IMS_LOCAL, &n, NULL));
    g_assert_cmpuint(n, ==, 3);
    g_assert_true(ims_store_count_held(scratch.store, 0, IMS_REMOTE, &n, NULL));
    g_assert_cmpuint(n, ==, 0);
    ids = ims_store_mailboxes_pending(scratch.store, TRUE, NULL);
    g_assert_cmpuint(ids->len, ==, 2);
    g_assert_true(ims_store_count_refused(scratch.store, first, IMS_LOCAL, &n, &detail, NULL));
    g_assert_cmpuint(n, ==, 1);
    g_assert_cmpstr(detail, ==, "too big");
}

typedef struct {
    const char *name;
    ImsSide side;
    guint64 hash, fingerprint;
    gboolean want;
} SingleCase;

/* A local single of 7 with a fingerprint of 70, a remote one of 2^64 - 1 in another mailbox, one of
 * unknown hash, and a pair of 9, 9 and 90. */
static const SingleCase single_cases[] = {
    {"that side", IMS_LOCAL, 7, 0, TRUE},
    {"other side", IMS_REMOTE, 7, 0, FALSE},
    {"other mailbox, greatest hash", IMS_REMOTE, G_MAXUINT64, 0, TRUE},
    {"a pair is no single", IMS_LOCAL, 9, 90, FALSE},
    {"unknown equals nothing", IMS_LOCAL, 0, 0, FALSE},
    {"either will do", IMS_LOCAL, 8, 70, TRUE},
    {"fingerprint of the other side", IMS_REMOTE, 8, 70, FALSE},
};

static void
test_singles(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsRow) local = single_new(IMS_LOCAL, 1, 7);
    g_autoptr(ImsRow) remote = single_new(IMS_REMOTE, 1, G_MAXUINT64);
    g_autoptr(ImsRow) unknown = single_new(IMS_LOCAL, 2, 0);
    g_autoptr(ImsRow) pair = pair_new(3, 3);
    gint64 inbox, sent;

    scratch_init(&scratch);
    scratch_open(&scratch);
    inbox = scratch_mailbox(&scratch, "INBOX");
    sent = scratch_mailbox(&scratch, "Sent");
    pair->hash[IMS_LOCAL] = pair->hash[IMS_REMOTE] = 9;
    pair->fingerprint = 90;
    local->fingerprint = 70;
    scratch_begin(&scratch);
    scratch_save(&scratch, inbox, local);
    scratch_save(&scratch, sent, remote);
    scratch_save(&scratch, inbox, unknown);
    scratch_save(&scratch, inbox, pair);
    scratch_commit(&scratch);

    for (gsize i = 0; i < G_N_ELEMENTS(single_cases); i++) {
        const SingleCase *c = &single_cases[i];
        gboolean got = !c->want;

        g_test_message("%s", c->name);
        g_assert_true(
            ims_store_single_exists(scratch.store, c->side, c->hash, c->fingerprint, &got, NULL));
        g_assert_cmpint(got, ==, c->want);
    }
}

#ifdef __SANITIZE_ADDRESS__
enum { MANY = 10000 }; /* each allocation's stack is unwound then, slowly */
#else
enum { MANY = 100000 };
#endif

static void
test_many(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsUidSet) odd = ims_uidset_new();
    g_autoptr(GPtrArray) rows = NULL;
    guint64 pairs = 0;
    gint64 inbox;

    scratch_init(&scratch);
    scratch_open(&scratch);
    inbox = scratch_mailbox(&scratch, "INBOX");
    scratch_begin(&scratch);
    for (guint32 uid = 1; uid <= MANY; uid++) {
        g_autoptr(ImsRow) row = pair_new(uid, 2 * uid);

        scratch_save(&scratch, inbox, row);
    }
    scratch_commit(&scratch);
    g_assert_true(ims_store_count_pairs(scratch.store, &pairs, NULL));
    g_assert_cmpuint(pairs, ==, MANY);

    ims_uidset_add_range(odd, MANY / 2 + 1, MANY / 2 + 1000);
    for (guint32 uid = MANY / 10 * 6 + 1; uid < MANY / 10 * 8; uid += 2)
        ims_uidset_add(odd, uid);
    rows = ims_store_rows(scratch.store, inbox, IMS_LOCAL, odd, NULL);
    g_assert_nonnull(rows);
    g_assert_cmpuint(rows->len, ==, 1000 + MANY / 10);
    for (guint i = 0; i < rows->len; i++) {
        const ImsRow *row = g_ptr_array_index(rows, i);

        g_assert_true(ims_uidset_contains(odd, row->uid[IMS_LOCAL]));
        g_assert_cmpuint(row->uid[IMS_REMOTE], ==, 2 * row->uid[IMS_LOCAL]);
    }
}

static const char *const damages[] = {
    "UPDATE row SET local_uid = 0",
    "UPDATE row SET local_uid = 4294967296",
    "UPDATE row SET local_uid = -1",
    "UPDATE row SET local_uid = NULL, remote_uid = NULL",
    "UPDATE row SET local_uid = NULL",
    "UPDATE row SET gone = 4",
    "UPDATE row SET marked = -1",
    "UPDATE row SET held = 2",
    "UPDATE row SET reason = 4",
    "UPDATE row SET local_flags = ''",
    "UPDATE row SET remote_flags = 'seen'",
    "UPDATE row SET detail = CAST(x'c328' AS TEXT)",
};

static void
test_damaged(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(damages); i++) {
        g_auto(Scratch) scratch = {0};
        g_autoptr(ImsRow) row = pair_new(1, 1);
        GError *error = NULL;
        gint64 inbox;

        g_test_message("%s", damages[i]);
        scratch_init(&scratch);
        scratch_open(&scratch);
        inbox = scratch_mailbox(&scratch, "INBOX");
        scratch_begin(&scratch);
        scratch_save(&scratch, inbox, row);
        scratch_commit(&scratch);
        scratch_alter(&scratch, damages[i]);
        scratch_open(&scratch);
        g_assert_null(ims_store_rows_all(scratch.store, inbox, &error));
        scratch_assert_refused(error, "damaged");
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/state/store-rows/round-trip", test_round_trip);
    g_test_add_func("/state/store-rows/delete-drops-that-one", test_delete);
    g_test_add_func("/state/store-rows/S2-impossible-rows-are-refused", test_save);
    g_test_add_func("/state/store-rows/stale-ids-are-refused", test_stale);
    g_test_add_func("/state/store-rows/ranges-find-exactly-theirs", test_ranges);
    g_test_add_func("/state/store-rows/S18-pending-has-held-ones-too", test_pending);
    g_test_add_func("/state/store-rows/counts-leave-out-the-gone", test_counts);
    g_test_add_func("/state/store-rows/held-and-refused-are-counted", test_held_and_refused);
    g_test_add_func("/state/store-rows/held-makes-no-mailbox-pending", test_mailboxes_pending);
    g_test_add_func("/state/store-rows/singles-are-found-anywhere", test_singles);
    g_test_add_func("/state/store-rows/many", test_many);
    g_test_add_func("/state/store-rows/damaged-values-are-errors", test_damaged);
    return g_test_run();
}
