/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "model/flags.h"
#include "model/message.h"
#include "model/uidset.h"

/* Where a mailbox stands on one side. In the state file @uidnext is our own cursor: all below it
 * has been dealt with. In a reply it is the server's. */
typedef struct {
    guint32 uidvalidity; /* 0: unknown */
    guint32 uidnext;     /* 0: the server did not say */
    guint64 modseq;      /* HIGHESTMODSEQ; 0: unknown, or a NOMODSEQ mailbox */
    guint32 messages;    /* EXISTS */
} ImsPoint;

/* What one SELECT (QRESYNC …), and the FETCH of new messages behind it, told of a mailbox. */
typedef struct {
    ImsPoint point;
    char *id;             /* MAILBOXID; NULL where not offered */
    gboolean read_only;   /* [READ-ONLY] */
    ImsFlags permanent;   /* PERMANENTFLAGS */
    gboolean any_keyword; /* PERMANENTFLAGS had \* */
    ImsUidSet *vanished;  /* never NULL; may over-report */
    GArray *changed; /* ImsMessage in ascending UID, without doubles: FETCH lines of the SELECT */
    GArray
        *fresh; /* ImsMessage in ascending UID: those from the cursor on; empty if none was asked */
} ImsDelta;

/** ims_delta_new: nothing changed, and, as long as nobody says otherwise, all flags are permanent.
 */
ImsDelta *ims_delta_new(void);
void ims_delta_free(ImsDelta *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsDelta, ims_delta_free)
