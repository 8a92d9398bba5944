/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Fingerprints in all their spellings. */

#include "util/pin.h"

#define BASE64 "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" /* of nothing */
#define HEX    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct {
    const char *text, *want;
} cases[] = {
    {BASE64, BASE64},
    {"sha256/" BASE64, BASE64},
    {"sha256//" BASE64, BASE64},
    {HEX, BASE64},
    {"E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:"
     "55",
     BASE64},
    {"", NULL},
    {"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", NULL},   /* cut */
    {"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=", NULL},  /* bits beyond the end */
    {"47DEQpj8HBSa+/TImW+5JCeuQeRk m5NMpJWZG3hSuFU=", NULL}, /* a space */
    {HEX "00", NULL},
    {"2jmj7l5rSw0yVb/vlWAYkK/YBwk=", NULL}, /* a SHA-1 */
    {"sha1/2jmj7l5rSw0yVb/vlWAYkK/YBwk=", NULL},
};

static void
test_parse(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *got = ims_pin_parse(cases[i].text);

        g_assert_cmpstr(got, ==, cases[i].want);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/util/pin/is-one-text-in-every-spelling", test_parse);
    return g_test_run();
}
