/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Sets of UIDs against a plain bitmap, and at the ends of the range of UIDs. */
#include "model/uidset.h"

#include <string.h>

#define N 64 /* UIDs of the bitmap: small, so that ranges meet often */

typedef struct {
    ImsUidSet *set;
    gboolean bits[N + 1]; /* by UID */
} Pair;

static char *
to_text(const ImsUidSet *set)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < ims_uidset_n_ranges(set); i++) {
        const ImsUidRange *range = ims_uidset_range(set, i);

        g_string_append_printf(out, "%u:%u ", range->first, range->last);
    }
    return g_string_free(out, FALSE);
}

static void
assert_text(const ImsUidSet *set, const char *want)
{
    g_autofree char *got = to_text(set);

    g_assert_cmpstr(got, ==, want);
}

/* Ranges are ordered and apart, and hold just what the bitmap does. */
static void
assert_like_bits(const Pair *pair)
{
    guint64 count = 0;
    guint64 before = 0;

    for (guint32 uid = 1; uid <= N; uid++) {
        g_assert_cmpint(ims_uidset_contains(pair->set, uid), ==, pair->bits[uid]);
        count += pair->bits[uid] ? 1 : 0;
    }
    for (guint i = 0; i < ims_uidset_n_ranges(pair->set); i++) {
        const ImsUidRange *range = ims_uidset_range(pair->set, i);

        g_assert_cmpuint(range->first, >, i == 0 ? 0 : before + 1);
        g_assert_cmpuint(range->last, >=, range->first);
        before = range->last;
    }
    g_assert_cmpuint(ims_uidset_count(pair->set), ==, count);
    g_assert_cmpint(ims_uidset_is_empty(pair->set), ==, count == 0);
}

static ImsUidRange
random_range(void)
{
    guint32 first = (guint32)g_test_rand_int_range(1, N + 1);
    guint32 last = first + (guint32)g_test_rand_int_range(0, 9);

    return (ImsUidRange){first, MIN(last, N)};
}

static void
add(Pair *pair, ImsUidRange range)
{
    ims_uidset_add_range(pair->set, range.first, range.last);
    for (guint32 uid = range.first; uid <= range.last; uid++)
        pair->bits[uid] = TRUE;
}

static void
remove_range(Pair *pair, ImsUidRange range)
{
    ims_uidset_remove_range(pair->set, range.first, range.last);
    for (guint32 uid = range.first; uid <= range.last; uid++)
        pair->bits[uid] = FALSE;
}

static void
clear_pair(Pair *pair)
{
    ims_uidset_free(pair->set);
    *pair = (Pair){.set = ims_uidset_new()};
}

static void
test_add_remove(void)
{
    for (guint i = 0; i < 400; i++) {
        Pair pair = {.set = ims_uidset_new()};

        for (guint n = 0; n < 40; n++) {
            if (g_test_rand_int_range(0, 3) > 0)
                add(&pair, random_range());
            else
                remove_range(&pair, random_range());
            assert_like_bits(&pair);
        }
        ims_uidset_free(pair.set);
    }
}

static void
test_sets(void)
{
    Pair a = {.set = ims_uidset_new()}, b = {.set = ims_uidset_new()};

    for (guint i = 0; i < 4000; i++) {
        gboolean is_union = g_test_rand_bit();

        clear_pair(&a);
        clear_pair(&b);
        for (gint n = g_test_rand_int_range(0, i % 2 == 0 ? 8 : 80); n > 0; n--)
            add(&a, random_range());
        for (gint n = g_test_rand_int_range(0, 8); n > 0; n--)
            add(&b, random_range());
        if (is_union)
            ims_uidset_add_set(a.set, b.set);
        else
            ims_uidset_remove_set(a.set, b.set);
        for (guint32 uid = 1; uid <= N; uid++)
            a.bits[uid] = is_union ? a.bits[uid] || b.bits[uid] : a.bits[uid] && !b.bits[uid];
        assert_like_bits(&a);
        assert_like_bits(&b);
    }
    ims_uidset_free(a.set);
    ims_uidset_free(b.set);
}

static void
test_from_ranges(void)
{
    for (guint i = 0; i < 1000; i++) {
        g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(ImsUidRange));
        Pair pair = {.set = ims_uidset_new()};
        g_autoptr(ImsUidSet) one_by_one = NULL;

        for (gint n = g_test_rand_int_range(0, 10); n > 0; n--) {
            ImsUidRange range = random_range();

            g_array_append_val(ranges, range);
            add(&pair, range);
        }
        one_by_one = g_steal_pointer(&pair.set);
        pair.set = ims_uidset_new_from_ranges(ranges);
        assert_like_bits(&pair);
        g_assert_true(ims_uidset_equal(pair.set, one_by_one));
        ims_uidset_free(pair.set);
    }
}

static void
test_borders(void)
{
    g_autoptr(ImsUidSet) set = ims_uidset_new(), all = ims_uidset_new();

    ims_uidset_add(set, G_MAXUINT32);
    ims_uidset_add(set, 1);
    ims_uidset_add(set, G_MAXUINT32 - 1);
    ims_uidset_add(set, G_MAXUINT32);
    assert_text(set, "1:1 4294967294:4294967295 ");
    g_assert_false(ims_uidset_contains(set, 0));

    ims_uidset_add_range(all, 1, G_MAXUINT32);
    g_assert_cmpuint(ims_uidset_count(all), ==, G_MAXUINT32);
    ims_uidset_add_set(set, all);
    g_assert_true(ims_uidset_equal(set, all));
    ims_uidset_remove_range(set, 1, 1);
    ims_uidset_remove_range(set, G_MAXUINT32, G_MAXUINT32);
    assert_text(set, "2:4294967294 ");
    ims_uidset_remove_set(all, set);
    assert_text(all, "1:1 4294967295:4294967295 ");
    ims_uidset_remove_range(all, 1, G_MAXUINT32);
    g_assert_true(ims_uidset_is_empty(all));
}

static void
test_touching(void)
{
    g_autoptr(ImsUidSet) set = ims_uidset_new();

    ims_uidset_add(set, 5);
    ims_uidset_add(set, 7);
    assert_text(set, "5:5 7:7 ");
    ims_uidset_add(set, 6);
    assert_text(set, "5:7 ");
    ims_uidset_add_range(set, 1, 3);
    assert_text(set, "1:3 5:7 ");
    ims_uidset_add(set, 4);
    assert_text(set, "1:7 ");
}

static void
test_copy(void)
{
    g_autoptr(ImsUidSet) set = ims_uidset_new(), copy = NULL;

    ims_uidset_add_range(set, 3, 5);
    copy = ims_uidset_copy(set);
    ims_uidset_add(copy, 9);
    assert_text(set, "3:5 ");
    assert_text(copy, "3:5 9:9 ");
    g_assert_false(ims_uidset_equal(set, copy));
}

/* A quadratic union would outlast the time that a test is given. */
static void
test_many(void)
{
    g_autoptr(ImsUidSet) odd = ims_uidset_new(), even = ims_uidset_new();

    for (guint32 uid = 1; uid < 2000000; uid += 4) {
        ims_uidset_add(odd, uid);
        ims_uidset_add(even, uid + 2);
    }
    ims_uidset_add_set(odd, even);
    g_assert_cmpuint(ims_uidset_n_ranges(odd), ==, 1000000);
    ims_uidset_remove_set(odd, even);
    g_assert_cmpuint(ims_uidset_n_ranges(odd), ==, 500000);
    g_assert_true(ims_uidset_contains(odd, 1));
    g_assert_false(ims_uidset_contains(odd, 3));

    for (guint32 uid = 3000001; uid < 4000000; uid += 2) { /* as a server may list them */
        g_autoptr(ImsUidSet) one = ims_uidset_new();

        ims_uidset_add(one, uid);
        ims_uidset_add_set(odd, one);
    }
    g_assert_cmpuint(ims_uidset_n_ranges(odd), ==, 1000000);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model/uidset/adds-and-removes-like-a-bitmap", test_add_remove);
    g_test_add_func("/model/uidset/unites-and-subtracts-like-a-bitmap", test_sets);
    g_test_add_func("/model/uidset/ranges-in-any-order-make-the-same-set", test_from_ranges);
    g_test_add_func("/model/uidset/first-and-last-uid", test_borders);
    g_test_add_func("/model/uidset/touching-ranges-become-one", test_touching);
    g_test_add_func("/model/uidset/a-copy-is-its-own", test_copy);
    g_test_add_func("/model/uidset/a-million-ranges-unite-at-once", test_many);
    return g_test_run();
}
