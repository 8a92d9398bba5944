/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* A job: what was asked, how far it is, how it ended. It does nothing by itself; its account moves
 * it. */

#include "account/account-private.h"

static const char *const trigger_names[] = {"user", "client", "timer"}; /* by ImsTrigger */

static const ImsSummary no_summary;

ImsJob *
ims_job_new(ImsAccount *account, ImsJobKind kind, const ImsSyncOptions *options, ImsTrigger trigger)
{
    ImsJob *self = g_new0(ImsJob, 1);

    self->account = account;
    self->kind = kind;
    self->trigger = trigger;
    self->options = *options;
    self->options.mailboxes = g_strdupv(options->mailboxes);
    self->progress.mailbox = g_strdup("");
    self->cancel = g_cancellable_new();
    return self;
}

void
ims_job_free(ImsJob *self)
{
    if (self == NULL)
        return;
    g_clear_handle_id(&self->expiry, g_source_remove);
    g_strfreev(self->options.mailboxes);
    g_clear_error(&self->error);
    g_clear_error(&self->missing);
    g_free((char *)self->progress.mailbox);
    g_clear_pointer(&self->report, ims_report_unref);
    g_object_unref(self->cancel);
    g_free(self);
}

void
ims_job_set_progress(ImsJob *self, const ImsProgress *progress)
{
    char *old = (char *)self->progress.mailbox;

    self->progress = *progress;
    self->progress.mailbox = g_strdup(progress->mailbox);
    g_free(old);
}

static gboolean
covers(char *const *mailboxes, char *const *wanted)
{
    if (mailboxes == NULL)
        return TRUE;
    if (wanted == NULL)
        return FALSE;
    for (; *wanted != NULL; wanted++) {
        if (!g_strv_contains((const char *const *)mailboxes, *wanted))
            return FALSE;
    }
    return TRUE;
}

gboolean
ims_job_may_join(const ImsJob *self, gboolean listed, const ImsSyncOptions *options)
{
    const ImsSyncOptions *mine = &self->options;

    if (self->kind != IMS_JOB_SYNC || self->result != IMS_RESULT_RUNNING || listed ||
        g_cancellable_is_cancelled(self->cancel))
        return FALSE;
    if (mine->dry_run != options->dry_run ||
        mine->has_max_deletions != options->has_max_deletions ||
        (mine->has_max_deletions && mine->max_deletions != options->max_deletions))
        return FALSE;
    return covers(mine->mailboxes, options->mailboxes);
}

const char *
ims_trigger_name(ImsTrigger trigger)
{
    return trigger_names[trigger];
}

guint64
ims_job_id(const ImsJob *self)
{
    return self->id;
}

ImsAccount *
ims_job_account(const ImsJob *self)
{
    return self->account;
}

ImsTrigger
ims_job_trigger(const ImsJob *self)
{
    return self->trigger;
}

ImsResult
ims_job_result(const ImsJob *self)
{
    return self->result;
}

const GError *
ims_job_error(const ImsJob *self)
{
    return self->error;
}

const ImsProgress *
ims_job_progress(const ImsJob *self)
{
    return &self->progress;
}

const ImsSummary *
ims_job_summary(const ImsJob *self)
{
    return self->report != NULL ? &self->report->summary : &no_summary;
}

const ImsReport *
ims_job_report(const ImsJob *self)
{
    return self->report;
}

gboolean
ims_job_cancel(ImsJob *self)
{
    return ims_account_cancel_job(self->account, self);
}
