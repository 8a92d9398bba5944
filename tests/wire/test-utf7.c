/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Modified UTF-7: the encoder's results by table, and that the decoder takes exactly these. */
#include <string.h>

#include "wire/utf7.h"

typedef struct {
    const char *name, *wire;
} Case;

static const Case cases[] = {
    {"INBOX", "INBOX"},
    {"", ""},
    {"a & b", "a &- b"},
    {"&", "&-"},
    {"&&", "&-&-"},
    {"Entwürfe", "Entw&APw-rfe"},
    {"~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"},
    {"ü&ü", "&APw-&-&APw-"},
    {"😀", "&2D3eAA-"},
    {"a😀b😀", "a&2D3eAA-b&2D3eAA-"},
    {"\x7f", "&AH8-"},
    {"\n", "&AAo-"},
    {"~", "~"},
    {"é-", "&AOk--"},
};

static void
test_table(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *wire = ims_utf7_encode(cases[i].name);
        g_autofree char *name = ims_utf7_decode(cases[i].wire, strlen(cases[i].wire));

        g_assert_cmpstr(wire, ==, cases[i].wire);
        g_assert_cmpstr(name, ==, cases[i].name);
    }
}

static const char *const aliases[] = {
    "&AGE-",           /* "a" needs no base64 */
    "&AOk-&AOk-",      /* two runs for one */
    "&APx-",           /* other bits behind the last unit */
    "&APwA-",          /* half a unit behind it */
    "&APw",            /* no end */
    "&",               /* no end */
    "&A-",             /* less than a unit */
    "&AP/-",           /* `/` is no digit here */
    "&2D0-",           /* half a pair */
    "&3gA-",           /* the second half first */
    "&2D3YPQ-",        /* the first half twice */
    "&2D0AYQ-",        /* half a pair and a letter */
    "Entw\xc3\xbcrfe", /* raw UTF-8 */
    "a\nb",            /* a raw control character */
    "&AAA-",           /* NUL */
    "&AAAAAA-x",       /* NULs */
};

static void
test_aliases(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(aliases); i++) {
        g_autofree char *name = ims_utf7_decode(aliases[i], strlen(aliases[i]));

        g_autofree char *spelt = ims_utf7_spell(aliases[i], strlen(aliases[i]));

        g_test_message("alias %" G_GSIZE_FORMAT, i);
        g_assert_null(name);
        g_assert_true(g_utf8_validate(spelt, -1, NULL));
        g_assert_true(g_str_has_suffix(spelt, "\xef\xbf\xbd"));
    }
    g_assert_null(ims_utf7_decode("a\0b", 3));
}

static void
test_spell(void)
{
    g_autofree char *head = g_strnfill(2000, 'n');
    g_autofree char *one = g_strconcat(head, "1", NULL);
    g_autofree char *two = g_strconcat(head, "2", NULL);
    g_autofree char *spelt = ims_utf7_spell("a\0\\&\xe4", 5);
    g_autofree char *spelt_one = ims_utf7_spell(one, strlen(one));
    g_autofree char *spelt_two = ims_utf7_spell(two, strlen(two));

    g_assert_cmpstr(spelt, ==, "a\\x00\\x5c&\\xe4\xef\xbf\xbd");
    g_assert_cmpuint(strlen(spelt_one), <, 200);
    g_assert_cmpstr(spelt_one, !=, spelt_two);
}

static void
test_length(void)
{
    g_autofree char *name = ims_utf7_decode("INBOX\"", 5);

    g_assert_cmpstr(name, ==, "INBOX");
}

/* Characters at the borders of all lengths of UTF-8 and UTF-16, and ASCII. */
static gunichar
random_character(void)
{
    static const gunichar borders[] = {
        0x7f,
        0x80,
        0x7ff,
        0x800,
        0xd7ff,
        0xe000,
        0xffff,
        0x10000,
        0x10ffff,
        '&',
        '-',
        '+',
        ',',
        '/',
        ' ',
        'a'};

    return borders[g_test_rand_int_range(0, G_N_ELEMENTS(borders))];
}

static void
test_round_trip(void)
{
    for (guint i = 0; i < 5000; i++) {
        g_autoptr(GString) name = g_string_new(NULL);
        g_autofree char *wire = NULL, *again = NULL;

        for (gint n = g_test_rand_int_range(0, 12); n > 0; n--)
            g_string_append_unichar(name, random_character());
        wire = ims_utf7_encode(name->str);
        again = ims_utf7_decode(wire, strlen(wire));
        g_assert_cmpstr(again, ==, name->str);
    }
}

static void
test_one_to_one(void)
{
    for (guint i = 0; i < 20000; i++) {
        static const char octets[] = "&&&&----AOkwxyz23DYPQ,/+\xc3";
        char wire[10] = {0};
        gsize len = (gsize)g_test_rand_int_range(0, sizeof wire);
        g_autofree char *name = NULL, *again = NULL;

        for (gsize j = 0; j < len; j++)
            wire[j] = octets[g_test_rand_int_range(0, sizeof octets - 1)];
        name = ims_utf7_decode(wire, len);
        if (name == NULL)
            continue;
        again = ims_utf7_encode(name);
        g_assert_cmpstr(again, ==, wire);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/utf7/table", test_table);
    g_test_add_func("/wire/utf7/an-alias-is-no-name", test_aliases);
    g_test_add_func("/wire/utf7/a-spelling-for-what-is-no-name", test_spell);
    g_test_add_func("/wire/utf7/decoding-stops-at-the-length", test_length);
    g_test_add_func("/wire/utf7/round-trips", test_round_trip);
    g_test_add_func("/wire/utf7/what-decodes-encodes-to-the-same", test_one_to_one);
    return g_test_run();
}
