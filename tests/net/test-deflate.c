/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The compressing client by itself, against zlib as the server; the pump is played by the tests. */

#include "net/deflate.h"

#include <string.h>
#include <zlib.h>

#include "byte-client.h"
#include "util/error.h"

#define N_OCTETS (300 * 1000)

/* What a server would send. */
static GByteArray *
compress_all(gconstpointer data, gsize len, int flush)
{
    GByteArray *packed = g_byte_array_new();
    z_stream stream = {0};

    g_assert_cmpint(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), ==, Z_OK);
    g_byte_array_set_size(packed, (guint)deflateBound(&stream, len) + 64);
    stream.next_in = (Bytef *)data;
    stream.avail_in = (uInt)len;
    stream.next_out = packed->data;
    stream.avail_out = packed->len;
    deflate(&stream, flush);
    g_assert_cmpuint(stream.avail_in, ==, 0);
    g_byte_array_set_size(packed, (guint)stream.total_out);
    deflateEnd(&stream);
    return packed;
}

/* Half of it repeats itself, half does not. */
static guint8 *
make_octets(void)
{
    guint8 *data = byte_client_pattern(N_OCTETS);

    memset(data, 'x', N_OCTETS / 2);
    return data;
}

/* Feeds as the pump does: octets that were not taken come again, with those behind them; nothing
 * comes when all were taken. */
static gboolean
feed_in_pieces(
    ImsDeflate *deflate, ByteClient *inner, const GByteArray *packed, gsize piece, GError **error)
{
    gsize start = 0, end = 0;

    while (start < packed->len) {
        gsize used = 0;

        end = MIN(MAX(end, start + piece), packed->len);
        inner->appetite = inner->in->len + 1 + inner->in->len % 5000; /* it is never in a hurry */
        if (!ims_deflate_client.feed(deflate, packed->data + start, end - start, &used, error))
            return FALSE;
        g_assert_cmpuint(used, <=, end - start);
        start += used;
    }
    return TRUE;
}

static void
test_inflates(void)
{
    static const gsize pieces[] = {1, 2, 3, 7, 100, 4096, 65536, G_MAXSIZE / 2};
    g_autofree guint8 *data = make_octets();
    g_autoptr(GByteArray) packed = compress_all(data, N_OCTETS, Z_SYNC_FLUSH);

    for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_auto(ByteClient) inner = {0};
        g_autoptr(ImsDeflate) deflate = ims_deflate_new(&byte_client_functions, &inner);
        g_autoptr(GError) error = NULL;

        byte_client_init(&inner, NULL, 0, N_OCTETS);
        g_assert_true(feed_in_pieces(deflate, &inner, packed, pieces[i], &error));
        g_assert_no_error(error);
        g_assert_cmpmem(inner.in->data, inner.in->len, data, N_OCTETS);
    }
}

static void
test_deflates(void)
{
    g_autofree guint8 *data = make_octets();
    g_autofree guint8 *got = g_malloc(N_OCTETS);
    g_auto(ByteClient) inner = {0};
    g_autoptr(ImsDeflate) deflate = ims_deflate_new(&byte_client_functions, &inner);
    z_stream stream = {.next_out = got, .avail_out = N_OCTETS};
    const guint8 *packed;
    gsize len;

    byte_client_init(&inner, data, N_OCTETS, 0);
    g_assert_cmpint(inflateInit2(&stream, -15), ==, Z_OK);
    while ((len = ims_deflate_client.output(deflate, &packed)) > 0) {
        const guint8 *again;
        gsize part = 1 + len / 3;

        g_assert_cmpuint(ims_deflate_client.output(deflate, &again), ==, len);
        g_assert_true(again == packed); /* TLS wants the same buffer again */
        stream.next_in = (Bytef *)packed;
        stream.avail_in = (uInt)part;
        g_assert_cmpint(inflate(&stream, Z_SYNC_FLUSH), ==, Z_OK);
        ims_deflate_client.sent(deflate, part);
    }
    inflateEnd(&stream);
    g_assert_cmpuint(inner.out_len, ==, 0);
    g_assert_cmpmem(got, stream.total_out, data, N_OCTETS);
}

/* What is sent can be read at once: a server answers only what it has understood. */
static void
test_each_lot_is_whole(void)
{
    g_auto(ByteClient) inner = {0};
    g_autoptr(ImsDeflate) deflate = ims_deflate_new(&byte_client_functions, &inner);
    z_stream stream = {0};

    byte_client_init(&inner, NULL, 0, 0);
    g_assert_cmpint(inflateInit2(&stream, -15), ==, Z_OK);
    for (guint i = 0; i < 3; i++) {
        const guint8 *packed;
        guint8 got[64];
        gsize len;

        inner.out = (const guint8 *)"A1 NOOP\r\n";
        inner.out_len = 9;
        len = ims_deflate_client.output(deflate, &packed);
        stream.next_in = (Bytef *)packed;
        stream.avail_in = (uInt)len;
        stream.next_out = got;
        stream.avail_out = sizeof got;
        g_assert_cmpint(inflate(&stream, Z_SYNC_FLUSH), ==, Z_OK);
        g_assert_cmpmem(got, sizeof got - stream.avail_out, "A1 NOOP\r\n", 9);
        ims_deflate_client.sent(deflate, len);
    }
    inflateEnd(&stream);
}

/* 64 MiB of nothing, of which the core takes one octet. */
static void
test_bomb_waits(void)
{
    gsize size = 64 * 1024 * 1024, used = 0;
    g_autofree guint8 *nothing = g_malloc0(size);
    g_autoptr(GByteArray) packed = compress_all(nothing, size, Z_FINISH);
    g_auto(ByteClient) inner = {0};
    g_autoptr(ImsDeflate) deflate = ims_deflate_new(&byte_client_functions, &inner);
    g_autoptr(GError) error = NULL;

    byte_client_init(&inner, NULL, 0, 0);
    inner.appetite = 1;
    for (guint i = 0; i < 3; i++) {
        gsize taken = 0;

        g_assert_true(ims_deflate_client.feed(
            deflate, packed->data + used, packed->len - used, &taken, &error));
        used += taken;
    }
    g_assert_cmpuint(inner.in->len, ==, 1);
    g_assert_cmpuint(used, <, 1000); /* 64 KiB of nothing are that many at most */
}

static void
test_damage(void)
{
    g_autofree guint8 *data = make_octets();
    g_autoptr(GByteArray) packed = compress_all(data, N_OCTETS, Z_FINISH);
    g_autoptr(GByteArray) longer = g_byte_array_new();
    guint8 nonsense[] = {0xff, 0xff, 0xff, 0xff};
    const struct {
        gconstpointer data;
        gsize len;
        const char *words;
    } cases[] = {
        {nonsense, sizeof nonsense, "damaged"},
        {NULL, 0, "behind its end"},
    };

    g_byte_array_append(longer, packed->data, packed->len);
    g_byte_array_append(longer, nonsense, 1);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(ByteClient) inner = {0};
        g_autoptr(ImsDeflate) deflate = ims_deflate_new(&byte_client_functions, &inner);
        g_autoptr(GError) error = NULL;
        GByteArray part = {(guint8 *)cases[i].data, (guint)cases[i].len};

        byte_client_init(&inner, NULL, 0, 0);
        g_assert_false(
            feed_in_pieces(deflate, &inner, cases[i].data != NULL ? &part : longer, 512, &error));
        g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
        g_assert_nonnull(strstr(error->message, cases[i].words));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net/deflate/inflates-however-it-comes", test_inflates);
    g_test_add_func("/net/deflate/deflates-and-keeps-what-was-not-sent", test_deflates);
    g_test_add_func("/net/deflate/each-lot-can-be-read-at-once", test_each_lot_is_whole);
    g_test_add_func("/net/deflate/bomb-waits-for-the-core", test_bomb_waits);
    g_test_add_func("/net/deflate/damage-is-an-error", test_damage);
    return g_test_run();
}
