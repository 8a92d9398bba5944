/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "engine/box.h"

/* Messages of one intent and one APPEND. */
typedef struct {
    ImsBox *box;
    ImsSide to;
    GArray
        *messages; /* ImsMessage: those asked for; once streamed, those that came, in that order */
    guint64 bytes;
    gboolean alone; /* it is a suspect: nothing else may be on its way */
    ImsUidSet *all; /* once it is sent: all that were asked for */
    ImsIntent *intent;
    ImsCmd *append;  /* NULL if nothing came */
    gboolean plain;  /* without keywords that the mailbox does not know */
    gboolean moment; /* the FETCH was refused for a reason that may pass */
    char *trouble;   /* or for a trouble of the server's: its words; else NULL */
} ImsBatch;

ImsBatch *ims_batch_new(ImsBox *box, ImsSide to);
void ims_batch_free(gpointer self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsBatch, ims_batch_free)
void ims_batch_add(ImsBatch *self, const ImsMessage *message);
/** ims_batch_flags_sent: Returns: (transfer full): with which of @flags a message is stored. */
ImsFlags ims_batch_flags_sent(const ImsBatch *self, const ImsFlags *flags);
/** ims_batch_send: streams the bodies, stores the intent and sends what makes the server store.
 * What did not come is noted as unread, or doubted. Waits, but not for the reply. */
gboolean ims_batch_send(ImsPass *self, ImsBatch *batch, GError **error);
/** ims_batch_single: Returns: (transfer full): a row for a message that stays on its side. */
ImsRow *ims_batch_single(
    const ImsBatch *batch, guint32 uid, const ImsMessage *message, const char *detail);

/** ims_save_copied: within a transaction: stores what became of a message of @from. */
gboolean ims_save_copied(
    ImsPass *self, const ImsBox *box, ImsSide from, ImsRow *row, GError **error);
/** ims_doubt: @side has refused a message, or not given it out. @row: (transfer full): for the case
 * that it is right. */
gboolean ims_doubt(ImsPass *self, ImsBox *box, ImsSide side, ImsRow *row, GError **error);
/** ims_judge_doubted: a message has passed @side: those that it refused before are singles. */
gboolean ims_judge_doubted(ImsPass *self, ImsBox *box, ImsSide from, ImsSide side, GError **error);
