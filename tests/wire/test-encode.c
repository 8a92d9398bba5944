/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* What goes into commands. Most of it is read back by the parser, since that is its law. */
#include "wire/encode.h"

#include <string.h>

#include "wire/cursor.h"
#include "wire/utf7.h"

static void
test_quoted(void)
{
    g_autoptr(GString) out = g_string_new("LOGIN ");

    ims_encode_quoted(out, "a \"b\\c\" \x01");
    g_assert_cmpstr(out->str, ==, "LOGIN \"a \\\"b\\\\c\\\" \x01\"");
}

static void
test_quotable(void)
{
    g_autofree char *longest = g_strnfill(1000, 'a'), *longer = g_strnfill(1001, 'a');

    g_assert_true(ims_encode_quotable(""));
    g_assert_true(ims_encode_quotable("a b\t{5}"));
    g_assert_true(ims_encode_quotable(longest));
    g_assert_false(ims_encode_quotable(longer));
    g_assert_false(ims_encode_quotable("a\rb"));
    g_assert_false(ims_encode_quotable("a\nb"));
    g_assert_false(ims_encode_quotable("\xc3\xbc"));
}

static void
test_mailbox(void)
{
    g_autoptr(GString) out = g_string_new(NULL);

    g_assert_true(ims_encode_mailbox(out, "Entwürfe/\"x\" & \\y"));
    g_assert_cmpstr(out->str, ==, "\"Entw&APw-rfe/\\\"x\\\" &- \\\\y\"");
}

static void
test_mailbox_refused(void)
{
    g_autofree char *longer = g_strnfill(1001, 'a');
    const char *const refused[] = {"a\nb", "a\rb", "a\tb", "\x7f", "\xc2\x85", "\xff", longer};
    g_autoptr(GString) out = g_string_new("x");

    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++)
        g_assert_false(ims_encode_mailbox(out, refused[i]));
    g_assert_cmpstr(out->str, ==, "x");
}

static void
test_keywords(void)
{
    static const char *const valid[] = {"$Forwarded", "a", "NonJunk", "a[b", "a+b", "~", "+X-"};
    static const char *const invalid[] = {
        "",
        "\\Seen",
        "a b",
        "a]b",
        "a(b",
        "a)b",
        "a{b",
        "a%b",
        "a*b",
        "a\"b",
        "a\\",
        "a\n",
        "\x7f",
        "\xc3\xbc",
        "a\rb"};
    g_autofree char *longest = g_strnfill(50, 'a'), *longer = g_strnfill(51, 'a');

    for (gsize i = 0; i < G_N_ELEMENTS(valid); i++)
        g_assert_true(ims_encode_keyword_valid(valid[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(invalid); i++)
        g_assert_false(ims_encode_keyword_valid(invalid[i]));
    g_assert_true(ims_encode_keyword_valid(longest));
    g_assert_false(ims_encode_keyword_valid(longer));
}

static void
test_flags(void)
{
    g_auto(ImsFlags) flags = {.system = IMS_FLAG_ALL | 1 << 9};
    g_autoptr(GString) out = g_string_new(NULL);

    ims_flags_add_keyword(&flags, "b");
    ims_flags_add_keyword(&flags, "evil) {3+}\r\n");
    ims_flags_add_keyword(&flags, "\\Recent");
    ims_flags_add_keyword(&flags, "A");
    ims_encode_flags(out, &flags);
    g_assert_cmpstr(out->str, ==, "(\\Seen \\Answered \\Flagged \\Deleted \\Draft A b)");
}

static void
test_no_flags(void)
{
    ImsFlags none = {0};
    g_autoptr(GString) out = g_string_new(NULL);

    ims_encode_flags(out, &none);
    g_assert_cmpstr(out->str, ==, "()");
}

typedef struct {
    gint64 in;
    const char *want;
} DateCase;

static const DateCase date_cases[] = {
    {0, "\" 1-Jan-1970 00:00:00 +0000\""},
    {-1, "\" 1-Jan-1970 00:00:00 +0000\""},
    {G_MININT64, "\" 1-Jan-1970 00:00:00 +0000\""},
    {1580544000, "\" 1-Feb-2020 08:00:00 +0000\""},
    {1609459199, "\"31-Dec-2020 23:59:59 +0000\""},
    {G_GINT64_CONSTANT(253402300799), "\"31-Dec-9999 23:59:59 +0000\""},
    {G_GINT64_CONSTANT(253402300800), "\"31-Dec-9999 23:59:59 +0000\""},
    {G_MAXINT64, "\"31-Dec-9999 23:59:59 +0000\""},
};

static void
test_dates(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(date_cases); i++) {
        g_autoptr(GString) out = g_string_new(NULL);

        ims_encode_date(out, date_cases[i].in);
        g_assert_cmpstr(out->str, ==, date_cases[i].want);
    }
}

static void
test_date_round_trip(void)
{
    for (gint64 date = 0; date < G_GINT64_CONSTANT(253402300799); date += 9999999937) {
        g_autoptr(GString) out = g_string_new(NULL);
        gint64 again;

        ims_encode_date(out, date);
        g_assert_true(ims_octets_to_date(out->str + 1, out->len - 2, &again));
        g_assert_cmpint(again, ==, date);
    }
}

/* Reads all pieces of @set back, each at most @max long. */
static ImsUidSet *
encode_and_read(const ImsUidSet *set, gsize max)
{
    g_autoptr(ImsUidSet) again = ims_uidset_new();
    guint range = 0;

    while (range < ims_uidset_n_ranges(set)) {
        g_autoptr(GString) out = g_string_new("UID ");
        g_autoptr(ImsUidSet) piece = NULL;
        gboolean ordered;

        ims_encode_uidset(out, set, &range, max);
        g_assert_cmpuint(out->len - 4, <=, max);
        piece = ims_octets_to_uidset(out->str + 4, out->len - 4, &ordered);
        g_assert_nonnull(piece);
        g_assert_true(ordered);
        ims_uidset_add_set(again, piece);
    }
    return g_steal_pointer(&again);
}

static void
test_uidset_round_trip(void)
{
    for (guint i = 0; i < 500; i++) {
        g_autoptr(ImsUidSet) set = ims_uidset_new(), again = NULL;

        for (gint n = g_test_rand_int_range(0, 40); n > 0; n--) {
            guint32 first = (guint32)g_test_rand_int() >> g_test_rand_int_range(0, 24);

            first = MAX(first, 1);
            ims_uidset_add_range(set, first, first + MIN(G_MAXUINT32 - first, i));
        }
        again = encode_and_read(set, (gsize)g_test_rand_int_range(21, 200));
        g_assert_true(ims_uidset_equal(again, set));
    }
}

static void
test_uidset(void)
{
    g_autoptr(ImsUidSet) set = ims_uidset_new();
    g_autoptr(GString) out = g_string_new(NULL);
    guint range = 0;

    ims_uidset_add_range(set, 1, 3);
    ims_uidset_add(set, 5);
    ims_uidset_add_range(set, 4294967294, 4294967295);
    ims_encode_uidset(out, set, &range, 26);
    g_assert_cmpstr(out->str, ==, "1:3,5");
    g_assert_cmpuint(range, ==, 2);
    g_string_truncate(out, 0);
    ims_encode_uidset(out, set, &range, 21);
    g_assert_cmpstr(out->str, ==, "4294967294:4294967295");
    g_assert_cmpuint(range, ==, 3);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/encode/quoted-strings-are-escaped", test_quoted);
    g_test_add_func("/wire/encode/what-cannot-be-quoted", test_quotable);
    g_test_add_func("/wire/encode/mailbox-names", test_mailbox);
    g_test_add_func("/wire/encode/mailbox-refused-leaves-no-trace", test_mailbox_refused);
    g_test_add_func("/wire/encode/keywords-are-atoms", test_keywords);
    g_test_add_func("/wire/encode/flags-go-through-a-whitelist", test_flags);
    g_test_add_func("/wire/encode/no-flags", test_no_flags);
    g_test_add_func("/wire/encode/dates-are-clamped", test_dates);
    g_test_add_func("/wire/encode/dates-round-trip", test_date_round_trip);
    g_test_add_func("/wire/encode/uidset-is-cut-at-the-maximum", test_uidset);
    g_test_add_func("/wire/encode/uidset-round-trips-in-pieces", test_uidset_round_trip);
    return g_test_run();
}
