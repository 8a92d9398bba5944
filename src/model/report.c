/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Reports and the closed lists of names in them. A report crosses threads, so its count of
 * references is atomic; nothing else in it changes once it has been handed out. */
#include "model/report.h"

static const char *const phases[] = {
    [IMS_PHASE_CONNECTING] = "connecting",
    [IMS_PHASE_LISTING] = "listing",
    [IMS_PHASE_COMPARING] = "comparing",
    [IMS_PHASE_COPYING] = "copying",
    [IMS_PHASE_MARKING] = "marking",
    [IMS_PHASE_REMOVING] = "removing",
    [IMS_PHASE_COMMITTING] = "committing",
};

static const char *const results[] = {
    [IMS_RESULT_RUNNING] = "running",
    [IMS_RESULT_DONE] = "done",
    [IMS_RESULT_PARTIAL] = "partial",
    [IMS_RESULT_CANCELLED] = "cancelled",
    [IMS_RESULT_FAILED] = "failed",
    [IMS_RESULT_OFFLINE] = "offline",
};

static const char *const counts[] = {
    [IMS_COUNT_COPIED_LOCAL] = "copied-local",
    [IMS_COUNT_COPIED_REMOTE] = "copied-remote",
    [IMS_COUNT_FLAGS_LOCAL] = "flags-local",
    [IMS_COUNT_FLAGS_REMOTE] = "flags-remote",
    [IMS_COUNT_EXPUNGED_LOCAL] = "expunged-local",
    [IMS_COUNT_EXPUNGED_REMOTE] = "expunged-remote",
    [IMS_COUNT_REFUSED] = "refused",
    [IMS_COUNT_HELD] = "held",
    [IMS_COUNT_SUBSCRIPTIONS_LOCAL] = "subscriptions-local",
    [IMS_COUNT_SUBSCRIPTIONS_REMOTE] = "subscriptions-remote",
    [IMS_COUNT_MAILBOXES_CREATED] = "mailboxes-created",
    [IMS_COUNT_MAILBOXES_CHANGED] = "mailboxes-changed",
    [IMS_COUNT_MAILBOXES_SELECTED] = "mailboxes-selected",
    [IMS_COUNT_BYTES_SENT] = "bytes-sent",
    [IMS_COUNT_BYTES_RECEIVED] = "bytes-received",
    [IMS_COUNT_FLIGHTS] = "flights",
    [IMS_COUNT_DURATION] = "duration",
};

static const char *const mailbox_states[] = {
    [IMS_MAILBOX_SYNCED] = "synced",
    [IMS_MAILBOX_PENDING] = "pending",
    [IMS_MAILBOX_HELD] = "held",
    [IMS_MAILBOX_EXCLUDED] = "excluded",
};

G_STATIC_ASSERT(G_N_ELEMENTS(phases) == IMS_N_PHASES);
G_STATIC_ASSERT(G_N_ELEMENTS(results) == IMS_N_RESULTS);
G_STATIC_ASSERT(G_N_ELEMENTS(counts) == IMS_N_COUNTS);
G_STATIC_ASSERT(G_N_ELEMENTS(mailbox_states) == IMS_N_MAILBOX_STATES);

const char *
ims_phase_name(ImsPhase phase)
{
    g_assert(phase < IMS_N_PHASES);

    return phases[phase];
}

const char *
ims_result_name(ImsResult result)
{
    g_assert(result < IMS_N_RESULTS);

    return results[result];
}

const char *
ims_count_name(ImsCount count)
{
    g_assert(count < IMS_N_COUNTS);

    return counts[count];
}

const char *
ims_mailbox_state_name(ImsMailboxState state)
{
    g_assert(state < IMS_N_MAILBOX_STATES);

    return mailbox_states[state];
}

ImsMailboxReport *
ims_mailbox_report_new(const char *name)
{
    ImsMailboxReport *self = g_new0(ImsMailboxReport, 1);

    self->name = g_strdup(name);
    self->role = g_strdup("");
    return self;
}

void
ims_mailbox_report_free(ImsMailboxReport *self)
{
    if (self == NULL)
        return;
    g_free(self->name);
    g_free(self->role);
    g_free(self);
}

static void
free_mailbox(gpointer mailbox)
{
    ims_mailbox_report_free(mailbox);
}

static void
free_issue(gpointer issue)
{
    ims_issue_free(issue);
}

ImsReport *
ims_report_new(void)
{
    ImsReport *self = g_new0(ImsReport, 1);

    self->refs = 1;
    self->mailboxes = g_ptr_array_new_with_free_func(free_mailbox);
    self->issues = g_ptr_array_new_with_free_func(free_issue);
    return self;
}

ImsReport *
ims_report_ref(ImsReport *self)
{
    g_atomic_int_inc(&self->refs);
    return self;
}

void
ims_report_unref(ImsReport *self)
{
    if (self == NULL || !g_atomic_int_dec_and_test(&self->refs))
        return;
    g_ptr_array_unref(self->mailboxes);
    g_ptr_array_unref(self->issues);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        ims_facts_free(self->facts[side]);
    g_free(self);
}
