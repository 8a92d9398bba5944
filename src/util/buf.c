/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* A byte queue in one block. The storage is at most twice the maximum: it is compacted only when
 * half of it lies consumed before the head, so that each byte is moved a constant number of times.
 * All bytes may be secrets, so every place that they leave is wiped. */
#include "util/buf.h"

#include <string.h>

#define BUF_MIN 256

void
ims_buf_init(ImsBuf *self, gsize max)
{
    *self = (ImsBuf){.max = max};
}

void
ims_buf_clear(ImsBuf *self)
{
    if (self->data != NULL)
        explicit_bzero(self->data, self->size);
    g_free(self->data);
    ims_buf_init(self, self->max);
}

gsize
ims_buf_len(const ImsBuf *self)
{
    return self->end - self->start;
}

gsize
ims_buf_room(const ImsBuf *self)
{
    return self->max - ims_buf_len(self);
}

const guint8 *
ims_buf_head(const ImsBuf *self)
{
    return self->data == NULL ? NULL : self->data + self->start;
}

static void
compact(ImsBuf *self)
{
    gsize len = ims_buf_len(self);

    memmove(self->data, self->data + self->start, len);
    explicit_bzero(self->data + len, self->end - len);
    self->start = 0;
    self->end = len;
}

static void
grow(ImsBuf *self, gsize need)
{
    gsize size = MAX(need * 2, BUF_MIN);
    gsize len = ims_buf_len(self);
    guint8 *data = g_malloc(size);

    if (self->data != NULL) {
        memcpy(data, self->data + self->start, len);
        explicit_bzero(self->data, self->size);
        g_free(self->data);
    }
    *self = (ImsBuf){.data = data, .end = len, .size = size, .max = self->max};
}

gboolean
ims_buf_append(ImsBuf *self, gconstpointer data, gsize len)
{
    gsize need;

    if (len > ims_buf_room(self))
        return FALSE;
    if (len == 0)
        return TRUE;

    need = ims_buf_len(self) + len;
    if (len > self->size - self->end) {
        if (need <= self->size / 2)
            compact(self);
        else
            grow(self, need);
    }
    memcpy(self->data + self->end, data, len);
    self->end += len;
    return TRUE;
}

void
ims_buf_consume(ImsBuf *self, gsize len)
{
    g_assert(len <= ims_buf_len(self));

    if (len == 0)
        return;
    explicit_bzero(self->data + self->start, len);
    self->start += len;
    if (self->start == self->end)
        self->start = self->end = 0;
}
