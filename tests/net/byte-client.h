/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "net/pump.h"

/* The simplest client of a pump: sends the octets it was given and collects what comes. */
typedef struct {
    const guint8 *out; /* borrowed */
    gsize out_len;
    GByteArray *in;
    gsize want;     /* byte_client_is_full() from this length of @in on */
    gsize appetite; /* takes no more than this in all */
    gboolean closed;
} ByteClient;

extern const ImsPumpClient byte_client_functions;

void byte_client_init(ByteClient *self, gconstpointer out, gsize out_len, gsize want);
void byte_client_clear(ByteClient *self);
gboolean byte_client_is_full(gconstpointer self);
/** byte_client_pattern: Returns: (transfer full): @len octets without a short period. */
guint8 *byte_client_pattern(gsize len);
/** in_us: Returns: the deadline that is @us away. */
gint64 in_us(gint64 us);

#define LONG_US (60 * G_USEC_PER_SEC) /* a test that needs this long has failed */

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ByteClient, byte_client_clear)
