/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "model/flags.h"
#include "model/side.h"

/* Why a message stands on one side only. */
typedef enum {
    IMS_REASON_NONE,    /* a pair */
    IMS_REASON_REFUSED, /* the other side answered NO to its APPEND; @detail has its words */
    IMS_REASON_HELD,    /* waits for the user */
    IMS_REASON_MOVED, /* our copy of it was moved away before we knew its UID: a deletion on its way
                       */
} ImsReason;

/* What the state file knows of one message: a pair (two UIDs) or a single (one UID and a reason).
 * Impossible: both UIDs 0; a single without a reason. A pair with a bit in @gone is a deletion on
 * its way: that side's message has vanished and its twin has not yet been expunged. */
typedef struct {
    gint64 id;                   /* 0: not stored yet */
    guint32 uid[IMS_N_SIDES];    /* 0: none on this side */
    ImsFlags flags[IMS_N_SIDES]; /* as last seen there */
    guint64 hash[IMS_N_SIDES];   /* ims_message_hash() as last seen there; 0: unknown */
    guint64 fingerprint;         /* 0: unknown */
    guint gone;                  /* ims_side_bit()s: vanished there */
    guint marked;                /* ims_side_bit()s: \Deleted there is ours, or is about to be */
    gboolean held;               /* its deletion waits for the user */
    ImsReason reason;
    char *detail; /* server text, escaped; NULL if none */
} ImsRow;

ImsRow *ims_row_new(void);
ImsRow *ims_row_copy(const ImsRow *self);
void ims_row_free(ImsRow *self);

/* A copy that was begun: evidence for pairing after a crash, never executed again. */
typedef struct {
    guint32 uid; /* on the source */
    guint64 size;
    gint64 date;
    guint64 fingerprint; /* 0: the crash came before the body had passed, or no usable header */
    ImsFlags flags;      /* of the FETCH that fed the APPEND */
} ImsIntentMessage;

typedef struct {
    gint64 id;
    gint64 mailbox; /* its id in the state file */
    ImsSide to;
    guint32 from_uidvalidity, to_uidvalidity;
    char *to_id;      /* MAILBOXID of the destination, or NULL */
    guint32 floor;    /* UIDNEXT of the destination before */
    GArray *messages; /* ImsIntentMessage, ascending UID, at most IMS_INTENT_MAX */
} ImsIntent;

#define IMS_INTENT_MAX 128

ImsIntent *ims_intent_new(void);
void ims_intent_free(ImsIntent *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsRow, ims_row_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsIntent, ims_intent_free)
