/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* An account: a queue of jobs, of which one runs. The first of the queue is queued while its
 * passwords are looked up, and syncing while the worker has it; its end decides state, attention
 * and error (account/verdict). A job that was cancelled taught nothing, so it leaves them as they
 * were. All on the main thread, by callbacks; what waits is the worker. */

#include "account/account-private.h"

#include <glib/gi18n.h>
#include <string.h>

#include "account/verdict.h"
#include "util/error.h"

static const char *const state_names[] = {
    "idle", "queued", "syncing", "offline", "blocked"}; /* by ImsAccountState */
static const char *const attention_names[] = {
    "none", "credentials", "keyring-locked", "certificate", "issues", "server"}; /* ImsAttention */

void
ims_account_tell_changed(ImsAccount *self)
{
    self->accounts->listener->account_changed(self, self->accounts->data);
}

/* -- the end of a job -- */

/* Keeps of @report what it knows: a pass that ended early may know neither tree nor issues. */
static void
keep_report(ImsAccount *self, ImsReport *report)
{
    if (report->listed) {
        g_clear_pointer(&self->listing, ims_report_unref);
        self->listing = ims_report_ref(report);
    } else if (report->issues->len == 0) {
        return;
    }
    ims_report_unref(self->issues);
    self->issues = ims_report_ref(report);
}

static void
tell_mailboxes(ImsAccount *self, const ImsReport *report)
{
    for (guint i = 0; i < report->mailboxes->len; i++) {
        const ImsMailboxReport *mailbox = report->mailboxes->pdata[i];
        gboolean moved = FALSE;

        for (guint n = 0; n < IMS_N_COUNTS; n++)
            moved = moved || mailbox->done.n[n] > 0;
        if (moved)
            self->accounts->listener->mailbox_changed(self, mailbox, self->accounts->data);
    }
}

void
ims_account_settle(ImsAccount *self, ImsVerdict verdict, const GError *error)
{
    self->settled = verdict.state;
    self->attention = verdict.attention;
    g_clear_error(&self->error);
    self->error = error != NULL ? g_error_copy(error) : NULL;
}

gboolean
ims_account_waits_for_keyring(const ImsAccount *self)
{
    return self->settled == IMS_ACCOUNT_BLOCKED && ims_verdict_waits_for_keyring(self->error);
}

/* @report: (nullable) */
static void
end_job(ImsAccount *self, ImsJob *job, const GError *error, ImsReport *report)
{
    const ImsListener *listener = self->accounts->listener;
    gboolean acted = report != NULL && job->kind == IMS_JOB_SYNC && !job->options.dry_run;
    gboolean issues_changed;
    ImsVerdict verdict;

    if (acted)
        keep_report(self, report);
    ims_account_learn_trust(self, job, error, report);
    issues_changed = ims_account_list_issues(self);
    verdict = ims_verdict(error, report, job->options.mailboxes, self->open->len);
    job->result = verdict.result;
    job->error = error != NULL ? g_error_copy(error) : NULL;
    job->report = report != NULL ? ims_report_ref(report) : NULL;
    if (job == g_queue_peek_head(&self->queue)) {
        g_clear_pointer(&self->order, ims_order_free);
        ims_account_end_turn(self);
    }
    g_queue_remove(&self->queue, job);
    if (verdict.result != IMS_RESULT_CANCELLED)
        ims_account_settle(self, verdict, error);
    if (error == NULL || ims_account_was_let_in(self, report))
        ims_account_forget_refusal(self);
    ims_account_note_outcome(self, job);
    if (error == NULL && job->kind == IMS_JOB_SYNC && !job->options.dry_run)
        self->last_success_us = g_get_real_time();

    if (issues_changed)
        listener->issues_changed(self, self->accounts->data);
    if (acted)
        tell_mailboxes(self, report);
    ims_account_tell_changed(self);
    listener->job_ended(job, self->accounts->data);
    ims_accounts_expire_job(self->accounts, job);
    ims_account_schedule(self);
}

static GError *
cancelled_error(void)
{
    return g_error_new_literal(IMS_ERROR, IMS_ERROR_CANCELLED, _("the job was cancelled"));
}

static void
end_cancelled(ImsAccount *self, ImsJob *job)
{
    g_autoptr(GError) error = cancelled_error();

    end_job(self, job, error, NULL);
}

/* -- the file -- */

/* Whether the first of the queue has what it needs of the configuration. */
static gboolean
has_started(const ImsAccount *self)
{
    return self->running || self->credentials != NULL;
}

/* A file that is broken in the same way is the same: it was told already. */
static gboolean
is_known(const ImsAccount *self, const ImsConfig *config, const GError *error)
{
    if (config == NULL)
        return self->config == NULL && g_str_equal(error->message, self->error->message);
    return self->config != NULL && g_str_equal(config->text, self->config->text);
}

/* The user may have changed it, and is not to restart the service for that. What the last job found
 * out was about other settings, but an account that waits for the keyring goes on waiting. A job
 * that has started keeps what it began with: its passwords belong to it.
 * Returns: whether a job that is there has, or will have, what the file says now. */
gboolean
ims_account_reread(ImsAccount *self)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsConfig) config = ims_config_load(self->path, self->name, &error);
    gboolean known = is_known(self, config, error), moved;

    self->stale = !known && has_started(self);
    if (known || self->stale)
        return known;

    g_clear_pointer(&self->probe, ims_credentials_cancel); /* it borrows the configuration */
    g_clear_pointer(&self->config, ims_config_free);
    self->config = g_steal_pointer(&config);
    if (self->order != NULL) { /* it is of another file */
        g_clear_pointer(&self->order, ims_order_free);
        ims_account_end_turn(self);
        ims_account_schedule(self);
    }
    ims_turns_wake(self->accounts); /* the numbers may be others */
    ims_account_forget_refusal(self);
    moved = ims_account_review_retry(self);
    ims_trust_forget(&self->trust);
    if (ims_account_list_issues(self))
        self->accounts->listener->issues_changed(self, self->accounts->data);
    if (error != NULL || !ims_account_waits_for_keyring(self))
        ims_account_settle(self, ims_verdict(error, NULL, NULL, self->open->len), error);
    else if (!moved)
        return TRUE;
    ims_account_tell_changed(self);
    return TRUE;
}

gboolean
ims_account_check_usable(const ImsAccount *self, GError **error)
{
    if (self->left != NULL) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_BUSY,
            _("%s is just being removed: add it again when it has gone"),
            self->name);
        return FALSE;
    }
    if (self->config == NULL) {
        if (error != NULL)
            *error = g_error_copy(self->error);
        return FALSE;
    }
    if (!self->config->enabled) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("%s is disabled: remove '%s' from [%s] in its file"),
            self->name,
            "enabled = no",
            "account");
        return FALSE;
    }
    return ims_accounts_check_apart(self->accounts, self->config, error);
}

/* -- a job's run -- */

static void
worker_progressed(const ImsProgress *progress, gpointer data)
{
    ImsAccount *self = data;
    ImsJob *job = g_queue_peek_head(&self->queue);

    ims_job_set_progress(job, progress);
    self->accounts->listener->job_progress(job, self->accounts->data);
}

/* @facts: (nullable) */
static void
tell_missing(const GError *missing, ImsFacts *facts)
{
    const char *words = strstr(missing->message, ": "); /* the side is in front */

    if (facts == NULL || facts->error == NULL)
        return;
    g_clear_error(&facts->error);
    facts->error =
        g_error_new_literal(missing->domain, missing->code, words != NULL ? words + 2 : "");
}

static void
advise_of_facts(const ImsAccount *self, const ImsJob *job, ImsReport *report)
{
    if (job->missing != NULL)
        tell_missing(job->missing, report->facts[ims_verdict_side(job->missing)]);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        ImsFacts *facts = report->facts[side];
        GError *bare = facts != NULL ? facts->error : NULL;

        if (!g_error_matches(bare, IMS_ERROR, IMS_ERROR_AUTH_FAILED))
            continue;
        facts->error = ims_account_explain_refusal(self, side, bare);
        g_error_free(bare);
    }
}

static void
worker_ended(const ImsProgress *last, ImsReport *report, const GError *error, gpointer data)
{
    ImsAccount *self = data;
    ImsJob *job = g_queue_peek_head(&self->queue);
    g_autoptr(GError) told = NULL;

    self->running = FALSE;
    if (last != NULL)
        ims_job_set_progress(job, last);
    if (error != NULL && g_cancellable_is_cancelled(job->cancel))
        told = cancelled_error(); /* whatever the connections made of it */
    else if (job->missing != NULL && error != NULL)
        told = g_error_copy(job->missing);
    else if (g_error_matches(error, IMS_ERROR, IMS_ERROR_AUTH_FAILED))
        told = ims_account_explain_refusal(self, ims_verdict_side(error), error);
    if (g_error_matches(told, IMS_ERROR, IMS_ERROR_AUTH_FAILED))
        ims_account_remember_refusal(self, told);
    advise_of_facts(self, job, report);
    end_job(self, job, told != NULL ? told : error, report);
}

static void
token_found(const char *const password[IMS_N_PASSWORDS], const GError *missing, gpointer data)
{
    ImsAccount *self = data;
    const char *local = password[IMS_LOCAL], *token = local != NULL ? local : password[IMS_REMOTE];

    self->credentials = NULL;
    ims_worker_answer(self->worker, token, missing);
}

static void
worker_asks(ImsSide side, gpointer data)
{
    ImsAccount *self = data;
    ImsJob *job = g_queue_peek_head(&self->queue);

    if (!g_cancellable_is_cancelled(job->cancel))
        self->credentials = ims_credentials_find_again(self->config, side, token_found, self);
}

static const ImsWorkerListener worker_listener = {worker_progressed, worker_asks, worker_ended};

/* What a job needs is looked up before it takes its turn: a command that hangs, or a keyring, must
 * not hold up others. */
static void
give_in_turn(ImsAccount *self)
{
    if (!ims_account_take_turn(self))
        return;
    if (self->worker == NULL)
        self->worker = ims_worker_new(self->name, &worker_listener, self);
    self->running = TRUE;
    ims_worker_give(self->worker, g_steal_pointer(&self->order));
    ims_account_tell_changed(self);
}

static void
credentials_found(const char *const password[IMS_N_PASSWORDS], const GError *missing, gpointer data)
{
    ImsAccount *self = data;
    ImsJob *job = g_queue_peek_head(&self->queue);
    g_autoptr(GError) error = missing != NULL ? g_error_copy(missing) : NULL;

    self->credentials = NULL;
    if (error != NULL && job->kind == IMS_JOB_TEST)
        job->missing = g_steal_pointer(&error); /* the other side can be looked at */
    if (error == NULL)
        error = ims_account_spare(self, job, password);
    if (error == NULL)
        self->order =
            ims_order_new(self->config, job->kind, &job->options, password, job->cancel, &error);
    if (error != NULL) {
        end_job(self, job, error, NULL);
        return;
    }
    ims_account_note_offered(self, password);
    give_in_turn(self);
}

static gboolean
start(gpointer data)
{
    ImsAccount *self = data;
    g_autoptr(GError) error = NULL;

    ims_account_reread(self); /* which need not start it: it is being started */
    self->starter = 0;
    if (!ims_account_check_usable(self, &error))
        end_job(self, g_queue_peek_head(&self->queue), error, NULL);
    else if (self->order != NULL)
        give_in_turn(self);
    else
        self->credentials = ims_credentials_find(self->config, credentials_found, self);
    return G_SOURCE_REMOVE;
}

static gboolean
leave(gpointer data)
{
    ImsAccount *self = data;

    self->starter = 0;
    self->left(self);
    return G_SOURCE_REMOVE;
}

/* From the main loop, never at once: who asked for a job is to know it before it can end, and who
 * frees an account must not be called by it. */
void
ims_account_schedule(ImsAccount *self)
{
    gboolean busy = self->starter != 0 || self->recall != NULL || has_started(self);

    if (busy)
        return;
    if (!g_queue_is_empty(&self->queue))
        self->starter = g_idle_add(start, self);
    else if (self->left != NULL)
        self->starter = g_idle_add(leave, self);
    else if (self->stale)
        ims_account_reload(self);
    else if (self->keyring_changed)
        ims_account_keyring_stirred(self);
}

ImsJob *
ims_account_queue_job(
    ImsAccount *self, ImsJobKind kind, const ImsSyncOptions *options, ImsTrigger trigger)
{
    ImsJob *job = ims_job_new(self, kind, options, trigger);

    g_clear_pointer(&self->probe, ims_credentials_cancel);
    g_queue_push_tail(&self->queue, job);
    ims_accounts_take_job(self->accounts, job);
    ims_account_tell_changed(self);
    ims_account_schedule(self);
    return job;
}

ImsJob *
ims_account_sync(
    ImsAccount *self, const ImsSyncOptions *options, ImsTrigger trigger, GError **error)
{
    gboolean current = ims_account_reread(self);

    if (!ims_account_check_usable(self, error))
        return NULL;

    for (GList *item = self->queue.tail; item != NULL; item = item->prev) {
        gboolean started = has_started(self) && item == self->queue.head;
        gboolean listed = self->running && started && ims_worker_has_listed(self->worker);

        if (started && !current)
            continue;
        if (ims_job_may_join(item->data, listed, options))
            return item->data;
    }
    return ims_account_queue_job(self, IMS_JOB_SYNC, options, trigger);
}

ImsJob *
ims_account_test(ImsAccount *self, GError **error)
{
    const ImsSyncOptions none = {NULL};

    ims_account_reread(self);
    if (!ims_account_check_usable(self, error))
        return NULL;
    return ims_account_queue_job(self, IMS_JOB_TEST, &none, IMS_TRIGGER_CLIENT);
}

gboolean
ims_account_cancel_job(ImsAccount *self, ImsJob *job)
{
    if (job->result != IMS_RESULT_RUNNING)
        return FALSE;

    g_cancellable_cancel(job->cancel);
    if (job != g_queue_peek_head(&self->queue)) {
        end_cancelled(self, job);
        return TRUE;
    }
    g_clear_pointer(&self->credentials, ims_credentials_cancel);
    if (!self->running) {
        g_clear_handle_id(&self->starter, g_source_remove);
        end_cancelled(self, job);
    }
    return TRUE;
}

guint
ims_account_cancel(ImsAccount *self)
{
    guint n = g_queue_get_length(&self->queue);

    if (self->owed) {
        ims_account_cancel_retry(self);
        ims_account_tell_changed(self);
    }
    for (guint i = n; i > 0; i--) /* the followers first, so that none of them is started */
        ims_account_cancel_job(self, g_queue_peek_nth(&self->queue, i - 1));
    return n;
}

/* -- life -- */

/* As the last run of the service has left it. What a job has found out meanwhile would be newer,
 * but none starts before. */
static void
recalled(ImsReport *report, gpointer data)
{
    ImsAccount *self = data;
    gboolean issues_changed;

    self->recall = NULL;
    if (report != NULL && report->listed) {
        keep_report(self, report);
        for (guint i = 0; i < report->mailboxes->len; i++) {
            const ImsMailboxReport *mailbox = report->mailboxes->pdata[i];

            self->last_success_us = MAX(self->last_success_us, mailbox->last_sync_us);
        }
        issues_changed = ims_account_list_issues(self);
        if (self->config != NULL)
            ims_account_settle(self, ims_verdict(NULL, NULL, NULL, self->open->len), NULL);
        if (issues_changed)
            self->accounts->listener->issues_changed(self, self->accounts->data);
        ims_account_tell_changed(self);
    }
    ims_account_schedule(self);
}

void
ims_account_reload(ImsAccount *self)
{
    if (self->left != NULL)
        return;
    ims_account_reread(self);
    ims_account_keyring_stirred(self);
}

void
ims_account_leave(ImsAccount *self, void (*left)(ImsAccount *account))
{
    self->left = left;
    g_clear_pointer(&self->probe, ims_credentials_cancel);
    ims_account_cancel(self);
    ims_account_schedule(self);
}

void
ims_account_stay(ImsAccount *self)
{
    self->left = NULL;
    ims_account_reload(self); /* which was not heard meanwhile */
    ims_account_schedule(self);
}

ImsAccount *
ims_account_new(ImsAccounts *accounts, const char *name, const char *path)
{
    ImsAccount *self = g_new0(ImsAccount, 1);

    self->accounts = accounts;
    self->name = g_strdup(name);
    self->path = g_strdup(path);
    self->issues = ims_report_new();
    ims_account_list_issues(self);
    self->config = ims_config_load(path, name, &self->error);
    self->settled = self->config != NULL ? IMS_ACCOUNT_IDLE : IMS_ACCOUNT_BLOCKED;
    g_queue_init(&self->queue);
    if (self->config != NULL)
        self->recall = ims_recall_new(self->config, recalled, self);
    return self;
}

void
ims_account_stop(ImsAccount *self)
{
    g_clear_handle_id(&self->starter, g_source_remove);
    g_clear_handle_id(&self->calm, g_source_remove);
    ims_account_cancel_retry(self);
    ims_account_end_turn(self);
    g_clear_pointer(&self->credentials, ims_credentials_cancel);
    g_clear_pointer(&self->probe, ims_credentials_cancel);
    g_clear_pointer(&self->recall, ims_recall_cancel);
    ims_unlock_abandon(self->unlock);
    ims_removal_abandon(self->removal);
    for (GList *item = self->queue.head; item != NULL; item = item->next)
        g_cancellable_cancel(((ImsJob *)item->data)->cancel);
    g_queue_clear(&self->queue);
}

void
ims_account_free(ImsAccount *self, gint64 deadline_us)
{
    if (self->worker != NULL)
        ims_worker_stop(self->worker, deadline_us);
    g_clear_pointer(&self->config, ims_config_free);
    g_clear_error(&self->error);
    g_clear_pointer(&self->listing, ims_report_unref);
    ims_report_unref(self->issues);
    ims_trust_forget(&self->trust);
    g_ptr_array_unref(self->open);
    for (guint slot = 0; slot < IMS_N_PASSWORDS; slot++)
        g_free(self->offered[slot]);
    g_clear_pointer(&self->order, ims_order_free);
    ims_account_forget_refusal(self);
    g_free(self->path);
    g_free(self->name);
    g_free(self);
}

/* -- questions -- */

const char *
ims_account_name(const ImsAccount *self)
{
    return self->name;
}

ImsAccountState
ims_account_state(const ImsAccount *self)
{
    if (self->running)
        return IMS_ACCOUNT_SYNCING;
    if (self->queue.length > 0)
        return IMS_ACCOUNT_QUEUED;
    return self->settled;
}

ImsAttention
ims_account_attention(const ImsAccount *self)
{
    return self->attention;
}

const char *
ims_account_state_name(ImsAccountState state)
{
    return state_names[state];
}

const char *
ims_attention_name(ImsAttention attention)
{
    return attention_names[attention];
}

const GError *
ims_account_error(const ImsAccount *self)
{
    return self->error;
}

gint64
ims_account_last_success_us(const ImsAccount *self)
{
    return self->last_success_us;
}

ImsJob *
ims_account_job(const ImsAccount *self)
{
    return self->queue.head != NULL ? self->queue.head->data : NULL;
}

const ImsReport *
ims_account_report(const ImsAccount *self)
{
    return self->listing;
}
