/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Numbers, sets and dates of a server, at the borders of what they may be. */
#include <string.h>

#include "wire/cursor.h"

typedef struct {
    const char *in;
    guint64 min, max;
    gint64 want; /* -1: refused */
} NumberCase;

static const NumberCase number_cases[] = {
    {"0", 0, 10, 0},
    {"10", 0, 10, 10},
    {"11", 0, 10, -1},
    {"0", 1, 10, -1},
    {"007", 1, 10, 7},
    {"", 0, 10, -1},
    {"+1", 0, 10, -1},
    {"-1", 0, 10, -1},
    {" 1", 0, 10, -1},
    {"1 ", 0, 10, -1},
    {"0x1", 0, 10, -1},
    {"7", 0, 5, -1},
    {"4294967295", 1, G_MAXUINT32, G_MAXUINT32},
    {"4294967296", 1, G_MAXUINT32, -1},
    {"9223372036854775807", 0, G_MAXINT64, G_MAXINT64},
    {"9223372036854775808", 0, G_MAXINT64, -1},
    {"18446744073709551617", 0, G_MAXUINT64, -1},
    {"99999999999999999999999999", 0, G_MAXUINT64, -1},
};

static void
test_numbers(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(number_cases); i++) {
        const NumberCase *c = &number_cases[i];
        guint64 got = 77;

        g_test_message("'%s'", c->in);
        g_assert_cmpint(
            ims_octets_to_number(c->in, strlen(c->in), c->min, c->max, &got), ==, c->want >= 0);
        g_assert_cmpuint(got, ==, c->want >= 0 ? (guint64)c->want : 77);
    }
}

static void
test_number_length(void)
{
    guint64 got;

    g_assert_true(ims_octets_to_number("1234", 2, 0, 100, &got));
    g_assert_cmpuint(got, ==, 12);
}

typedef struct {
    const char *in;
    const char *want; /* NULL: refused */
    gboolean ordered;
} SetCase;

static const SetCase set_cases[] = {
    {"1", "1:1 ", TRUE},
    {"1:3,5,7:9", "1:3 5:5 7:9 ", TRUE},
    {"3:1", "1:3 ", TRUE},
    {"4294967295", "4294967295:4294967295 ", TRUE},
    {"*", "4294967295:4294967295 ", TRUE},
    {"*:7", "7:4294967295 ", TRUE},
    {"7:*", "7:4294967295 ", TRUE},
    {"1,2,3", "1:3 ", TRUE},
    {"3,2,1", "1:3 ", FALSE},
    {"5,5", "5:5 ", FALSE},
    {"1:5,3", "1:5 ", FALSE},
    {"9,1:2,4294967295,3", "1:3 9:9 4294967295:4294967295 ", FALSE},
    {"", NULL, FALSE},
    {"0", NULL, FALSE},
    {"0:5", NULL, FALSE},
    {"1,", NULL, FALSE},
    {",1", NULL, FALSE},
    {"1,,2", NULL, FALSE},
    {"1:", NULL, FALSE},
    {":1", NULL, FALSE},
    {"1:2:3", NULL, FALSE},
    {"4294967296", NULL, FALSE},
    {"1 2", NULL, FALSE},
    {"$", NULL, FALSE},
    {"1-2", NULL, FALSE},
};

static char *
set_to_text(const ImsUidSet *set)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < ims_uidset_n_ranges(set); i++) {
        const ImsUidRange *range = ims_uidset_range(set, i);

        g_string_append_printf(out, "%u:%u ", range->first, range->last);
    }
    return g_string_free(out, FALSE);
}

static void
test_sets(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(set_cases); i++) {
        const SetCase *c = &set_cases[i];
        gboolean ordered = FALSE;
        g_autoptr(ImsUidSet) set = ims_octets_to_uidset(c->in, strlen(c->in), &ordered);
        g_autofree char *got = set == NULL ? NULL : set_to_text(set);

        g_test_message("'%s'", c->in);
        g_assert_cmpstr(got, ==, c->want);
        g_assert_cmpint(ordered, ==, c->ordered);
    }
}

#define REFUSED G_MININT64

typedef struct {
    const char *in;
    gint64 want;
} DateCase;

static const DateCase date_cases[] = {
    {"01-Jan-1970 00:00:00 +0000", 0},
    {" 1-Jan-1970 00:00:00 +0000", 0},
    {"1-Jan-1970 00:00:00 +0000", 0},
    {"31-Dec-1969 23:59:59 +0000", -1},
    {"01-Feb-2020 10:00:00 +0200", 1580544000},
    {"01-FEB-2020 10:00:00 -0230", 1580560200},
    {"29-feb-2020 23:59:59 +0000", 1583020799},
    {"30-Jun-2015 23:59:60 +0000", 1435708800},
    {"31-Dec-9999 23:59:59 +0000", G_GINT64_CONSTANT(253402300799)},
    {"01-Jan-0001 00:00:00 +0000", -G_GINT64_CONSTANT(62135596800)},
    {"29-Feb-2021 00:00:00 +0000", REFUSED},
    {"31-Apr-2021 00:00:00 +0000", REFUSED},
    {"00-Jan-2021 00:00:00 +0000", REFUSED},
    {"32-Jan-2021 00:00:00 +0000", REFUSED},
    {"01-Jan-0000 00:00:00 +0000", REFUSED},
    {"01-Foo-2021 00:00:00 +0000", REFUSED},
    {"01-Jan-2021 24:00:00 +0000", REFUSED},
    {"01-Jan-2021 00:60:00 +0000", REFUSED},
    {"01-Jan-2021 00:00:61 +0000", REFUSED},
    {"01-Jan-2021 00:00:00 +2400", REFUSED},
    {"01-Jan-2021 00:00:00 0000 ", REFUSED},
    {"01-Jan-2021 00:00:00 +00:0", REFUSED},
    {"01-Jan-2021T00:00:00 +0000", REFUSED},
    {"01 Jan 2021 00:00:00 +0000", REFUSED},
    {"01-Jan-2021 00:00:00 +000", REFUSED},
    {"01-Jan-2021 00:00:00 +00000", REFUSED},
    {"  1-Jan-2021 00:00:00 +000", REFUSED},
    {"", REFUSED},
};

static void
test_dates(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(date_cases); i++) {
        const DateCase *c = &date_cases[i];
        gint64 got = REFUSED;

        g_test_message("'%s'", c->in);
        g_assert_cmpint(ims_octets_to_date(c->in, strlen(c->in), &got), ==, c->want != REFUSED);
        g_assert_cmpint(got, ==, c->want);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/cursor/numbers-stay-in-their-range", test_numbers);
    g_test_add_func("/wire/cursor/numbers-end-at-their-length", test_number_length);
    g_test_add_func("/wire/cursor/sets-are-normalised", test_sets);
    g_test_add_func("/wire/cursor/dates-that-never-were-are-refused", test_dates);
    return g_test_run();
}
