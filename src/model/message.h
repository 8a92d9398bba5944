/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "model/flags.h"

/* What a FETCH line told of one message. */
enum {
    IMS_HAVE_FLAGS = 1 << 0,
    IMS_HAVE_SIZE = 1 << 1,
    IMS_HAVE_DATE = 1 << 2,
    IMS_HAVE_MODSEQ = 1 << 3,
    IMS_HAVE_FINGERPRINT = 1 << 4,
};

typedef struct {
    guint32 uid;  /* 0: the line had none */
    guint have;   /* which of the following are known */
    guint64 size; /* RFC822.SIZE, octets */
    gint64 date;  /* INTERNALDATE, seconds since the epoch */
    guint64 modseq;
    guint64 fingerprint; /* of the header, by ims_fingerprint_* */
    ImsFlags flags;
} ImsMessage;

void ims_message_clear(ImsMessage *self);
ImsMessage ims_message_copy(const ImsMessage *self);
/** ims_messages_new: Returns: (transfer full): an empty GArray of ImsMessage that clears its items.
 */
GArray *ims_messages_new(void);
/** ims_message_hash: Returns: the short hash of size and date that rows keep per side; never 0
 * (0 stands for unknown). Needs both SIZE and DATE. */
guint64 ims_message_hash(guint64 size, gint64 date);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImsMessage, ims_message_clear)
