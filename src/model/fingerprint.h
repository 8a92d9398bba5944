/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* Who a message is, across servers: a digest over From, To, Date, Subject and Message-ID of its
 * header, unfolded, white space squeezed, field names without case, with bytes >= 0x80, NUL and `X`
 * mapped to one symbol, because servers munge them. Fed chunk by chunk while a body streams by, and
 * from a fetched header alike; stops at the empty line, and after 256 KiB of these fields. */
typedef struct ImsFingerprint ImsFingerprint;

ImsFingerprint *ims_fingerprint_new(void);
void ims_fingerprint_free(ImsFingerprint *self);
void ims_fingerprint_feed(ImsFingerprint *self, const guint8 *data, gsize len);
/** ims_fingerprint_end: Returns: the first 64 bits of the SHA-256, never 0; 0 if the header has
 * none of these fields, or only empty ones ("no usable header"). No more may be fed. */
guint64 ims_fingerprint_end(ImsFingerprint *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsFingerprint, ims_fingerprint_free)
