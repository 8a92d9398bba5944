/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Two spellings are usual, that of browsers (base64) and that of openssl (hexadecimal). */

#include "util/pin.h"

#include <string.h>

#define N_OCTETS 32

static gboolean
read_hex(const char *text, guint8 *digest)
{
    for (guint i = 0; i < N_OCTETS; i++) {
        if (i > 0 && *text == ':')
            text++;
        if (!g_ascii_isxdigit(text[0]) || !g_ascii_isxdigit(text[1]))
            return FALSE;
        digest[i] = (guint8)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));
        text += 2;
    }
    return *text == '\0';
}

/* What is no base64 is passed over in silence by the decoder: only what it would write itself is
 * taken. */
static gboolean
read_base64(const char *text, guint8 *digest)
{
    gsize len = 0;
    g_autofree guchar *octets = g_base64_decode(text, &len);
    g_autofree char *again = g_base64_encode(octets, len);

    if (len != N_OCTETS || !g_str_equal(again, text))
        return FALSE;
    memcpy(digest, octets, len);
    return TRUE;
}

char *
ims_pin_parse(const char *text)
{
    guint8 digest[N_OCTETS];

    if (g_str_has_prefix(text, "sha256/"))
        text += strlen(g_str_has_prefix(text, "sha256//") ? "sha256//" : "sha256/");
    return read_hex(text, digest) || read_base64(text, digest) ? ims_pin_format(digest) : NULL;
}

char *
ims_pin_format(const guint8 *digest)
{
    return g_base64_encode(digest, N_OCTETS);
}
