/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* A queue of bytes with a maximum: appended at the tail, consumed at the head. No buffer of this
 * program grows without one. Embedded; zero is a valid empty buffer of maximum 0. What is
 * consumed, moved or freed is wiped, since login commands pass through it. */
typedef struct {
    guint8 *data; /* @start..@end are the unread bytes */
    gsize start, end, size;
    gsize max; /* of unread bytes */
} ImsBuf;

/** ims_buf_init: @max: greatest number of unread bytes. */
void ims_buf_init(ImsBuf *self, gsize max);
/** ims_buf_clear: wipes and frees the storage; the buffer is empty and usable again. */
void ims_buf_clear(ImsBuf *self);
/** ims_buf_len: Returns: the number of unread bytes. */
gsize ims_buf_len(const ImsBuf *self);
/** ims_buf_room: Returns: how many bytes may be appended before the maximum. */
gsize ims_buf_room(const ImsBuf *self);
/** ims_buf_head: Returns: (transfer none): the first unread byte, valid until the next call. */
const guint8 *ims_buf_head(const ImsBuf *self);
/**
 * ims_buf_append:
 * Returns: FALSE, and appends nothing, if the maximum would be passed.
 */
gboolean ims_buf_append(ImsBuf *self, gconstpointer data, gsize len) G_GNUC_WARN_UNUSED_RESULT;
/** ims_buf_consume: drops @len bytes at the head, and wipes them (a password may be among them). */
void ims_buf_consume(ImsBuf *self, gsize len);
