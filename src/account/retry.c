/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* An account that was offline tries again by itself: what somebody asked for is still wanted. Only
 * what may pass without the user is tried again, so never a password that was refused; and only a
 * real sync, as a test or a dry run tells what it has found and is over. */

#include "account/account-private.h"
#include "util/error.h"

static void
stop(ImsAccount *self)
{
    g_clear_handle_id(&self->retry, g_source_remove);
}

static gboolean
retry(gpointer data)
{
    ImsAccount *self = data;
    const ImsSyncOptions all = {NULL};

    self->retry = 0;
    ims_backoff_take(&self->backoff);
    /* a job that is there says how it goes on */
    if (!g_queue_is_empty(&self->queue) ||
        ims_account_sync(self, &all, IMS_TRIGGER_TIMER, NULL) == NULL)
        self->accounts->listener->account_changed(self, self->accounts->data);
    return G_SOURCE_REMOVE;
}

void
ims_account_cancel_retry(ImsAccount *self)
{
    stop(self);
    ims_backoff_reset(&self->backoff);
}

void
ims_account_note_outcome(ImsAccount *self, const ImsJob *job)
{
    const ImsClock *clock = ims_clock_system();

    if (job->kind != IMS_JOB_SYNC || job->options.dry_run || job->result == IMS_RESULT_CANCELLED)
        return;
    if (job->result != IMS_RESULT_OFFLINE || self->left != NULL) {
        ims_account_cancel_retry(self);
        return;
    }
    stop(self);
    ims_backoff_fail(&self->backoff, clock, g_random_double());
    self->retry =
        g_timeout_add((guint)(ims_backoff_left(&self->backoff, clock) / 1000) + 1, retry, self);
}

gint64
ims_account_next_sync_us(const ImsAccount *self)
{
    return self->backoff.shown_us;
}
