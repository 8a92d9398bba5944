/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* See the header. Its end of file is no error of its own, so that the pump's default is seen. */

#include "byte-client.h"

static gboolean
take(gpointer data, const guint8 *octets, gsize len, gsize *out_used, GError **error)
{
    ByteClient *self = data;
    gsize used = MIN(len, self->appetite - self->in->len);

    g_byte_array_append(self->in, octets, used);
    *out_used = used;
    return TRUE;
}

static gsize
output(gpointer data, const guint8 **out_data)
{
    ByteClient *self = data;

    *out_data = self->out;
    return self->out_len;
}

static void
sent(gpointer data, gsize len)
{
    ByteClient *self = data;

    g_assert_cmpuint(len, <=, self->out_len);
    self->out += len;
    self->out_len -= len;
}

static gboolean
eof(gpointer data, GError **error)
{
    ByteClient *self = data;

    self->closed = TRUE;
    return TRUE;
}

const ImsPumpClient byte_client_functions = {take, output, sent, eof};

void
byte_client_init(ByteClient *self, gconstpointer out, gsize out_len, gsize want)
{
    *self = (ByteClient){
        .out = out,
        .out_len = out_len,
        .in = g_byte_array_new(),
        .want = want,
        .appetite = G_MAXUINT,
    };
}

void
byte_client_clear(ByteClient *self)
{
    g_clear_pointer(&self->in, g_byte_array_unref);
}

gboolean
byte_client_is_full(gconstpointer data)
{
    const ByteClient *self = data;

    return self->in->len >= self->want;
}

guint8 *
byte_client_pattern(gsize len)
{
    guint8 *data = g_malloc(len);

    for (gsize i = 0; i < len; i++)
        data[i] = (guint8)(i ^ (i >> 8) * 31 ^ (i >> 16) * 7);
    return data;
}

gint64
in_us(gint64 us)
{
    return g_get_monotonic_time() + us;
}
