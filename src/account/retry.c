/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* An account that was offline tries again by itself: what somebody asked for is still wanted. It
 * owes a sync of all from then on until one has ended otherwise; what else runs meanwhile may put
 * it off and does not pay it. Only what may pass without the user is tried again, so never a
 * password that was refused; and only a real sync, as a test or a dry run tells what it has found
 * and is over. */

#include "account/account-private.h"
#include "util/error.h"

#define LOOK_US (30 * (gint64)G_USEC_PER_SEC)

static void
stop(ImsAccount *self)
{
    g_clear_handle_id(&self->retry, g_source_remove);
}

static gboolean
may_sync(const ImsAccount *self)
{
    return self->left == NULL && self->config != NULL && self->config->enabled;
}

static void arm(ImsAccount *self);

static gboolean
retry(gpointer data)
{
    ImsAccount *self = data;
    const ImsSyncOptions all = {NULL};

    self->retry = 0;
    if (ims_backoff_left(&self->backoff, ims_clock_system()) > 0) {
        arm(self);
        return G_SOURCE_REMOVE;
    }
    ims_backoff_take(&self->backoff);
    if (g_queue_is_empty(&self->queue) && /* else when that has ended */
        ims_account_sync(self, &all, IMS_TRIGGER_TIMER, NULL) == NULL && may_sync(self))
        ims_account_owe(self); /* what is wrong may be in another's file */
    self->accounts->listener->account_changed(self, self->accounts->data);
    return G_SOURCE_REMOVE;
}

/* A source's time stands still while the machine sleeps, so it is looked at more often. */
static void
arm(ImsAccount *self)
{
    gint64 left_us = ims_backoff_left(&self->backoff, ims_clock_system());

    if (!self->owed || !may_sync(self))
        stop(self);
    else if (self->retry == 0)
        self->retry = g_timeout_add((guint)(MIN(left_us, LOOK_US) / 1000) + 1, retry, self);
}

void
ims_account_owe(ImsAccount *self)
{
    self->owed = TRUE;
    stop(self);
    ims_backoff_fail(&self->backoff, ims_clock_system(), g_random_double());
    arm(self);
}

void
ims_account_cancel_retry(ImsAccount *self)
{
    stop(self);
    self->owed = FALSE;
    ims_backoff_reset(&self->backoff);
}

gboolean
ims_account_review_retry(ImsAccount *self)
{
    gint64 before_us = ims_account_next_sync_us(self);

    if (self->config != NULL && !self->config->enabled)
        ims_account_cancel_retry(self);
    arm(self);
    return ims_account_next_sync_us(self) != before_us;
}

/* Who cancels a sync of his own does not mean the one that is owed; and one that ended since the
 * file is broken was not even tried. */
static gboolean
pays(const ImsAccount *self, const ImsJob *job)
{
    if (job->result == IMS_RESULT_CANCELLED)
        return job->trigger == IMS_TRIGGER_TIMER;
    return job->options.mailboxes == NULL && self->config != NULL;
}

void
ims_account_note_outcome(ImsAccount *self, const ImsJob *job)
{
    gboolean real = job->kind == IMS_JOB_SYNC && !job->options.dry_run;

    if (real && job->result == IMS_RESULT_OFFLINE)
        ims_account_owe(self);
    else if (real && pays(self, job))
        ims_account_cancel_retry(self);
    arm(self);
}

gint64
ims_account_next_sync_us(const ImsAccount *self)
{
    return self->retry != 0 ? self->backoff.shown_us : 0;
}
