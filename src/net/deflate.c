/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Two raw deflate streams between the pump and a protocol core. Each lot of octets that goes out is
 * flushed, so that the server can read what it is to answer; level 1, as going up costs us more
 * than it spares. What comes in is inflated into one buffer of fixed size, and only when the core
 * has taken what was there: so a bomb is no more than a long stream, which the core's own limits
 * end. */

#include "net/deflate.h"

#include <glib/gi18n.h>
#include <zlib.h>

#include "util/error.h"

#define PLAIN_SIZE   (64 * 1024) /* octets that wait for the core */
#define PACK_AT_ONCE (32 * 1024) /* octets of the core's in one lot */
#define FLUSH_SIZE   16          /* more than a flush adds */
#define WINDOW_BITS  (-15)       /* no header: RFC 1951 */
#define MEMORY       8

struct ImsDeflate {
    const ImsPumpClient *inner;
    gpointer self_of_inner;

    z_stream in;
    guint8 *plain; /* @start..@end: inflated, and not taken by the core yet */
    gsize start, end;
    gboolean more;  /* inflate() was short of room: it may give more without an octet more */
    gboolean ended; /* the server has ended its stream */
    gsize held;     /* 1: the first octet to come was inflated already, see feed() */

    z_stream out;
    guint8 *packed; /* @gone..@n_packed: deflated, and not sent yet */
    gsize packed_size, gone, n_packed;
};

static void
set_damaged(const char *why, GError **error)
{
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_PROTOCOL,
        _("the compressed stream of the server is damaged: %s"),
        why);
}

static gboolean
hand_over(ImsDeflate *self, GError **error)
{
    gsize taken = 0;

    if (self->start == self->end)
        return TRUE;
    if (!self->inner->feed(
            self->self_of_inner, self->plain + self->start, self->end - self->start, &taken, error))
        return FALSE;

    self->start += taken;
    return TRUE;
}

/* Fills the buffer, which is empty. */
static gboolean
inflate_some(ImsDeflate *self, const guint8 *data, gsize len, gsize *used, GError **error)
{
    int result;

    self->in.next_in = (Bytef *)data + *used; /* zlib does not write there */
    self->in.avail_in = (uInt)(len - *used);
    self->in.next_out = self->plain;
    self->in.avail_out = PLAIN_SIZE;
    result = inflate(&self->in, Z_SYNC_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        set_damaged(self->in.msg != NULL ? self->in.msg : zError(result), error);
        return FALSE;
    }

    *used = len - self->in.avail_in;
    self->start = 0;
    self->end = PLAIN_SIZE - self->in.avail_out;
    self->ended = result == Z_STREAM_END;
    self->more = self->in.avail_out == 0 && !self->ended;
    return TRUE;
}

/* The pump asks again only for octets that were not taken. So the last one is not called taken
 * while something of it, or of those before it, stands here. */
static gboolean
feed(gpointer data, const guint8 *octets, gsize len, gsize *out_used, GError **error)
{
    ImsDeflate *self = data;
    gsize used = self->held;

    for (;;) {
        if (!hand_over(self, error))
            return FALSE;
        if (self->start < self->end || (used == len && !self->more))
            break;
        if (self->ended) {
            set_damaged(_("octets stand behind its end"), error);
            return FALSE;
        }
        if (!inflate_some(self, octets, len, &used, error))
            return FALSE;
    }
    self->held = self->start < self->end ? 1 : 0;
    *out_used = used - self->held;
    return TRUE;
}

/* One lot: all of it is in the buffer afterwards, which is why there is room for the worst case. */
static void
pack(ImsDeflate *self)
{
    const guint8 *data = NULL;
    gsize len = self->inner->output(self->self_of_inner, &data);
    int result;

    self->gone = self->n_packed = 0;
    if (len == 0)
        return;
    len = MIN(len, PACK_AT_ONCE);
    self->out.next_in = (Bytef *)data;
    self->out.avail_in = (uInt)len;
    self->out.next_out = self->packed;
    self->out.avail_out = (uInt)self->packed_size;
    result = deflate(&self->out, Z_SYNC_FLUSH);
    g_assert(result == Z_OK && self->out.avail_in == 0 && self->out.avail_out > 0);

    self->n_packed = self->packed_size - self->out.avail_out;
    self->inner->sent(self->self_of_inner, len);
}

static gsize
output(gpointer data, const guint8 **out_data)
{
    ImsDeflate *self = data;

    if (self->gone == self->n_packed)
        pack(self);
    *out_data = self->packed + self->gone;
    return self->n_packed - self->gone;
}

static void
sent(gpointer data, gsize len)
{
    ImsDeflate *self = data;

    self->gone += len;
}

/* A server need not end its stream before it hangs up. */
static gboolean
eof(gpointer data, GError **error)
{
    ImsDeflate *self = data;

    return self->inner->eof == NULL || self->inner->eof(self->self_of_inner, error);
}

const ImsPumpClient ims_deflate_client = {feed, output, sent, eof};

ImsDeflate *
ims_deflate_new(const ImsPumpClient *inner, gpointer self_of_inner)
{
    ImsDeflate *self = g_new0(ImsDeflate, 1);
    int result;

    self->inner = inner;
    self->self_of_inner = self_of_inner;
    result = inflateInit2(&self->in, WINDOW_BITS);
    g_assert(result == Z_OK); /* else memory is out, which ends a program of GLib anyway */
    result =
        deflateInit2(&self->out, Z_BEST_SPEED, Z_DEFLATED, WINDOW_BITS, MEMORY, Z_DEFAULT_STRATEGY);
    g_assert(result == Z_OK);
    self->plain = g_malloc(PLAIN_SIZE);
    self->packed_size = deflateBound(&self->out, PACK_AT_ONCE) + FLUSH_SIZE;
    self->packed = g_malloc(self->packed_size);
    return self;
}

void
ims_deflate_free(ImsDeflate *self)
{
    if (self == NULL)
        return;
    inflateEnd(&self->in);
    deflateEnd(&self->out);
    g_free(self->plain);
    g_free(self->packed);
    g_free(self);
}
