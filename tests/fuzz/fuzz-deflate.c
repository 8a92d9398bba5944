/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* COMPRESS with any octets: however they are cut the same comes out, it is what zlib makes of them,
 * and no more of it than the core takes; and what is sent inflates to itself. */
#include <string.h>
#include <zlib.h>

#include "../net/byte-client.h"
#include "fuzz.h"
#include "net/deflate.h"

#define APPETITE (256 * 1024) /* of the core: what is inflated and not taken has to wait */

/* Returns: (transfer full): what comes out. */
static GByteArray *
unpack(const guint8 *data, gsize len, gsize piece, gboolean *out_ok)
{
    g_auto(ByteClient) inner = {0};
    g_autoptr(ImsDeflate) deflate = ims_deflate_new(&byte_client_functions, &inner);
    g_autoptr(GError) error = NULL;
    gsize start = 0, end = 0;

    byte_client_init(&inner, NULL, 0, 0);
    inner.appetite = APPETITE;
    *out_ok = TRUE;
    while (*out_ok && end < len && inner.in->len < APPETITE) {
        gsize used = 0;

        end = MIN(len, end + piece);
        *out_ok = ims_deflate_client.feed(deflate, data + start, end - start, &used, &error);
        g_assert_true(*out_ok == (error == NULL));
        g_assert_cmpuint(used, <=, end - start);
        g_assert_cmpuint(inner.in->len, <=, APPETITE);
        start += used;
    }
    return g_byte_array_ref(inner.in);
}

/* Returns: (transfer full): what zlib makes of it, up to the appetite of the core. */
static GByteArray *
inflate_all(const guint8 *data, gsize len)
{
    z_stream stream = {.next_in = (Bytef *)data, .avail_in = (uInt)len};
    GByteArray *out = g_byte_array_new();
    guint8 some[1024];
    int result;

    g_assert_cmpint(inflateInit2(&stream, -15), ==, Z_OK);
    do {
        stream.next_out = some;
        stream.avail_out = sizeof some;
        result = inflate(&stream, Z_SYNC_FLUSH);
        g_byte_array_append(out, some, sizeof some - stream.avail_out);
    } while (result == Z_OK && stream.avail_out == 0 && out->len < APPETITE);
    inflateEnd(&stream);
    g_byte_array_set_size(out, MIN(out->len, APPETITE));
    return out;
}

/* Damage is looked for no further than the core takes, and a part of what stands before it may be
 * held back. */
static void
check_unpacking(const guint8 *data, gsize len)
{
    gboolean whole_ok, bytewise_ok;
    g_autoptr(GByteArray) whole = unpack(data, len, MAX(len, 1), &whole_ok);
    g_autoptr(GByteArray) bytewise = unpack(data, len, 1, &bytewise_ok);
    g_autoptr(GByteArray) want = inflate_all(data, len);

    g_assert_cmpuint(MAX(whole->len, bytewise->len), <=, want->len);
    if (want->len < APPETITE)
        g_assert_true(whole_ok == bytewise_ok);
    if (whole_ok)
        g_assert_cmpmem(whole->data, whole->len, want->data, want->len);
    if (bytewise_ok)
        g_assert_cmpmem(bytewise->data, bytewise->len, want->data, want->len);
}

static void
check_packing(const guint8 *data, gsize len)
{
    g_auto(ByteClient) inner = {0};
    g_autoptr(ImsDeflate) deflate = ims_deflate_new(&byte_client_functions, &inner);
    g_autoptr(GByteArray) packed = g_byte_array_new();
    g_autoptr(GByteArray) back = NULL;
    const guint8 *some;
    gsize n;

    byte_client_init(&inner, data, len, 0);
    while ((n = ims_deflate_client.output(deflate, &some)) > 0) {
        n = 1 + n / 2;
        g_byte_array_append(packed, some, (guint)n);
        ims_deflate_client.sent(deflate, n);
    }
    back = inflate_all(packed->data, packed->len);
    g_assert_cmpmem(back->data, back->len, data, len);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
    check_unpacking(data, len);
    check_packing(data, len);
    return 0;
}
