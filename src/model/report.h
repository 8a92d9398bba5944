/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "model/facts.h"
#include "model/issue.h"

/* What a pass tells while it runs and when it ends. Immutable once handed out, so it may cross
 * threads. */
typedef enum {
    IMS_PHASE_CONNECTING,
    IMS_PHASE_LISTING,
    IMS_PHASE_COMPARING,
    IMS_PHASE_COPYING,
    IMS_PHASE_MARKING,
    IMS_PHASE_REMOVING,
    IMS_PHASE_COMMITTING,
    IMS_N_PHASES
} ImsPhase;

typedef enum {
    IMS_RESULT_RUNNING,
    IMS_RESULT_DONE,
    IMS_RESULT_PARTIAL, /* done, but something stands alone: see the issues */
    IMS_RESULT_CANCELLED,
    IMS_RESULT_FAILED,
    IMS_RESULT_OFFLINE,
    IMS_N_RESULTS
} ImsResult;

typedef enum {
    IMS_COUNT_COPIED_LOCAL, /* copied to the local side; each of these pairs is indexed by + ImsSide
                             */
    IMS_COUNT_COPIED_REMOTE,
    IMS_COUNT_FLAGS_LOCAL,
    IMS_COUNT_FLAGS_REMOTE,
    IMS_COUNT_EXPUNGED_LOCAL,
    IMS_COUNT_EXPUNGED_REMOTE,
    IMS_COUNT_REFUSED,
    IMS_COUNT_HELD,
    IMS_COUNT_SUBSCRIPTIONS_LOCAL,
    IMS_COUNT_SUBSCRIPTIONS_REMOTE,
    IMS_COUNT_MAILBOXES_CREATED,
    IMS_COUNT_MAILBOXES_CHANGED,
    IMS_COUNT_MAILBOXES_SELECTED,
    IMS_COUNT_BYTES_SENT,
    IMS_COUNT_BYTES_RECEIVED,
    IMS_COUNT_FLIGHTS,
    IMS_COUNT_DURATION, /* microseconds */
    IMS_N_COUNTS
} ImsCount;

typedef struct {
    guint64 n[IMS_N_COUNTS];
} ImsSummary;

typedef struct {
    ImsPhase phase;
    const char *mailbox; /* UTF-8, or "" */
    guint64 messages_done, messages_total;
    guint64 bytes_done, bytes_total;
} ImsProgress;

typedef enum {
    IMS_MAILBOX_SYNCED,
    IMS_MAILBOX_PENDING,
    IMS_MAILBOX_HELD,
    IMS_MAILBOX_EXCLUDED,
    IMS_N_MAILBOX_STATES
} ImsMailboxState;

/* One mailbox as the last pass left it. */
typedef struct {
    char *name;
    gboolean there[IMS_N_SIDES];
    gboolean subscribed;
    char *role; /* "inbox", "sent", "drafts", "trash", "junk", "archive", "flagged", "all" or "" */
    guint64 messages;
    gint64 last_sync_us;
    ImsMailboxState state;
    ImsSummary done; /* by this pass; only the message counts are set */
} ImsMailboxReport;

typedef struct {
    gint refs;
    ImsSummary summary;
    gboolean listed;      /* whether @mailboxes is the whole tree; FALSE if the pass ended before */
    GPtrArray *mailboxes; /* ImsMailboxReport, by name */
    GPtrArray *issues;    /* ImsIssue: all that are open, by id */
    ImsFacts *facts[IMS_N_SIDES]; /* of a test; else NULL */
} ImsReport;

const char *ims_phase_name(ImsPhase phase);
const char *ims_result_name(ImsResult result);
/** ims_count_name: Returns: (transfer none): as on the bus, such as `copied-local`. */
const char *ims_count_name(ImsCount count);
const char *ims_mailbox_state_name(ImsMailboxState state);

ImsMailboxReport *ims_mailbox_report_new(const char *name);
void ims_mailbox_report_free(ImsMailboxReport *self);
ImsReport *ims_report_new(void);
ImsReport *ims_report_ref(ImsReport *self);
void ims_report_unref(ImsReport *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsReport, ims_report_unref)
