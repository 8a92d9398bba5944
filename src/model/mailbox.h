/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "model/delta.h"
#include "model/side.h"

/* Whether a side was subscribed when the subscriptions of both were last made equal. Unknown: they
 * never were. */
typedef enum {
    IMS_SUBSCRIPTION_UNKNOWN,
    IMS_SUBSCRIPTION_NO,
    IMS_SUBSCRIPTION_YES,
} ImsSubscription;

/* What is remembered of a mailbox. */
typedef struct {
    gint64 id;
    char *name;                        /* our UTF-8 name; unique */
    gboolean valid;                    /* whether rows and points may be applied */
    gboolean known[IMS_N_SIDES];       /* was there at the last listing */
    ImsPoint point[IMS_N_SIDES];       /* uidnext: our cursor; messages: EXISTS of that reply; if
                                          not valid: uidvalidity is that of held_uidnext */
    char *identity[IMS_N_SIDES];       /* MAILBOXID or NULL */
    guint32 held_uidnext[IMS_N_SIDES]; /* of one that is held or excluded: UIDNEXT up to which it
                                          was looked at; else 0 */
    ImsSubscription subscribed[IMS_N_SIDES];
    gboolean excluded;            /* the patterns left it out since it was last compared */
    guint64 refused[IMS_N_SIDES]; /* ims_tree_signature() of the listings under which the side
                                     refused to make it; 0: it did not */
    gint64 compared_us;           /* last full comparison; 0: never */
    gint64 last_sync_us;
} ImsMailbox;

ImsMailbox *ims_mailbox_new(const char *name);
void ims_mailbox_free(ImsMailbox *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsMailbox, ims_mailbox_free)
