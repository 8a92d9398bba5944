/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Modified UTF-7 with any octets: what the decoder takes is UTF-8 that encodes to just these octets
 * again, and whatever valid UTF-8 is encoded decodes to itself. */
#include <string.h>

#include "fuzz.h"
#include "wire/utf7.h"

static void
check_decoding(const char *octets, gsize len)
{
    g_autofree char *name = ims_utf7_decode(octets, len);
    g_autofree char *again = NULL;

    if (name == NULL)
        return;
    g_assert_true(g_utf8_validate(name, -1, NULL));
    again = ims_utf7_encode(name);
    g_assert_cmpmem(again, strlen(again), octets, len);
}

static void
check_encoding(const char *octets, gsize len)
{
    g_autofree char *name = g_utf8_make_valid(octets, (gssize)len);
    g_autofree char *wire = ims_utf7_encode(name);
    g_autofree char *again = ims_utf7_decode(wire, strlen(wire));

    for (const char *c = wire; *c != '\0'; c++)
        g_assert_true(g_ascii_isprint(*c));
    g_assert_cmpstr(again, ==, name);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
    check_decoding((const char *)data, len);
    check_encoding((const char *)data, len);
    return 0;
}
