/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Sets of flags: keywords without case, the laws of sets, and the key that stands in state files.
 */
#include "model/flags.h"

#include <string.h>

/* "5 a b" to flags; @key need not be in order. */
static ImsFlags
make(const char *key)
{
    g_auto(GStrv) parts = g_strsplit(key, " ", -1);
    ImsFlags flags = {.system = (guint)g_ascii_strtoull(parts[0], NULL, 10)};

    for (guint i = 1; parts[i] != NULL; i++)
        ims_flags_add_keyword(&flags, parts[i]);
    return flags;
}

static void
assert_key(const ImsFlags *flags, const char *want)
{
    g_autofree char *key = ims_flags_to_key(flags);

    g_assert_cmpstr(key, ==, want);
}

static void
test_keywords(void)
{
    g_auto(ImsFlags) flags = {0};

    g_assert_true(ims_flags_is_empty(&flags));
    ims_flags_add_keyword(&flags, "work");
    ims_flags_add_keyword(&flags, "$Forwarded");
    ims_flags_add_keyword(&flags, "WORK");
    assert_key(&flags, "0 $Forwarded work");
    g_assert_true(ims_flags_has_keyword(&flags, "Work"));
    g_assert_false(ims_flags_has_keyword(&flags, "wor"));
    g_assert_false(ims_flags_is_empty(&flags));
}

static void
test_many_at_once(void)
{
    g_auto(ImsFlags) flags = make("0 b");
    g_autoptr(GPtrArray) keywords = g_ptr_array_new();

    g_ptr_array_add(keywords, (gpointer) "Cc");
    g_ptr_array_add(keywords, (gpointer) "B");
    g_ptr_array_add(keywords, (gpointer) "cc");
    g_ptr_array_add(keywords, (gpointer) "a");
    ims_flags_add_keywords(&flags, keywords);
    assert_key(&flags, "0 a b Cc");
}

typedef struct {
    const char *a, *b, *both, *minus, *either;
} SetCase;

static const SetCase set_cases[] = {
    {"0", "0", "0", "0", "0"},
    {"3 a b", "6 B c", "2 b", "1 a", "7 a b c"},
    {"1 a", "0", "0", "1 a", "1 a"},
    {"0", "1 a", "0", "0", "1 a"},
    {"31 x", "31 X", "31 x", "0", "31 x"},
    {"0 a c e", "0 b d f", "0", "0 a c e", "0 a b c d e f"},
};

static void
test_sets(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(set_cases); i++) {
        const SetCase *c = &set_cases[i];
        g_auto(ImsFlags) a = make(c->a), b = make(c->b);
        g_auto(ImsFlags) both = ims_flags_both(&a, &b);
        g_auto(ImsFlags) minus = ims_flags_minus(&a, &b);
        g_auto(ImsFlags) either = ims_flags_union(&a, &b);

        g_test_message("%s, %s", c->a, c->b);
        assert_key(&both, c->both);
        assert_key(&minus, c->minus);
        assert_key(&either, c->either);
    }
}

static ImsFlags
random_flags(void)
{
    static const char *const keywords[] = {"a", "A", "b", "c", "C", "$d", "e"};
    ImsFlags flags = {.system = (guint)g_test_rand_int_range(0, IMS_FLAG_ALL + 1)};

    for (gint n = g_test_rand_int_range(0, 5); n > 0; n--)
        ims_flags_add_keyword(&flags, keywords[g_test_rand_int_range(0, 7)]);
    return flags;
}

/* a = (a & b) + (a - b), a + b = (a - b) + b, and the order of a union does not matter. */
static void
test_laws(void)
{
    for (guint i = 0; i < 1000; i++) {
        g_auto(ImsFlags) a = random_flags(), b = random_flags();
        g_auto(ImsFlags) both = ims_flags_both(&a, &b), minus = ims_flags_minus(&a, &b);
        g_auto(ImsFlags) either = ims_flags_union(&a, &b), other = ims_flags_union(&b, &a);
        g_auto(ImsFlags) again = ims_flags_union(&both, &minus);
        g_auto(ImsFlags) rest = ims_flags_both(&minus, &b);
        g_auto(ImsFlags) joined = ims_flags_union(&minus, &b);

        g_assert_true(ims_flags_equal(&again, &a));
        g_assert_true(ims_flags_equal(&either, &other));
        g_assert_true(ims_flags_equal(&joined, &either));
        g_assert_true(ims_flags_is_empty(&rest));
    }
}

static void
test_equal(void)
{
    g_auto(ImsFlags) a = make("1 a b"), same = make("1 B A"), shorter = make("1 a");
    g_auto(ImsFlags) other = make("3 a b"), none = {0};

    g_assert_true(ims_flags_equal(&a, &same));
    g_assert_false(ims_flags_equal(&a, &shorter));
    g_assert_false(ims_flags_equal(&shorter, &a));
    g_assert_false(ims_flags_equal(&a, &other));
    g_assert_true(ims_flags_equal(&none, &none));
}

static void
test_copy(void)
{
    g_auto(ImsFlags) flags = make("1 a");
    g_auto(ImsFlags) copy = ims_flags_copy(&flags);

    ims_flags_add_keyword(&copy, "b");
    assert_key(&flags, "1 a");
    assert_key(&copy, "1 a b");
    ims_flags_clear(&copy);
    g_assert_true(ims_flags_is_empty(&copy));
}

static void
test_key_round_trip(void)
{
    for (guint i = 0; i < 500; i++) {
        g_auto(ImsFlags) flags = random_flags(), again = {0};
        g_autofree char *key = ims_flags_to_key(&flags);

        g_assert_true(ims_flags_from_key(key, &again));
        g_assert_true(ims_flags_equal(&again, &flags));
        assert_key(&again, key);
    }
}

static void
test_no_key(void)
{
    static const char *const bad[] = {
        "",
        " ",
        "a",
        "-1",
        "32",
        "1 ",
        "1  a",
        "1 b a",
        "1 a A",
        "1 a\n",
        " 1",
        "1 \xc3\xbc",
        "4294967296"};

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_auto(ImsFlags) out = {.system = IMS_FLAG_DRAFT};

        g_test_message("bad key %" G_GSIZE_FORMAT, i);
        g_assert_false(ims_flags_from_key(bad[i], &out));
        g_assert_cmpuint(out.system, ==, IMS_FLAG_DRAFT);
        g_assert_null(out.keywords);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model/flags/keywords-keep-the-first-spelling", test_keywords);
    g_test_add_func("/model/flags/many-keywords-at-once", test_many_at_once);
    g_test_add_func("/model/flags/both-minus-union", test_sets);
    g_test_add_func("/model/flags/laws-of-sets", test_laws);
    g_test_add_func("/model/flags/equal-without-case", test_equal);
    g_test_add_func("/model/flags/a-copy-is-its-own", test_copy);
    g_test_add_func("/model/flags/key-round-trips", test_key_round_trip);
    g_test_add_func("/model/flags/no-key-leaves-out-untouched", test_no_key);
    return g_test_run();
}
