/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <gio/gio.h>

#include "model/report.h"
#include "util/clock.h"

/* Accounts and their jobs, as the main thread sees them. All calls and callbacks are on the main
 * thread; none waits. Behind each account one worker thread (account/worker) runs one job at a
 * time; only orders and immutable reports cross. D-Bus is not known here: the bus floor listens. */

typedef enum {
    IMS_ACCOUNT_IDLE,
    IMS_ACCOUNT_QUEUED,
    IMS_ACCOUNT_SYNCING,
    IMS_ACCOUNT_OFFLINE,
    IMS_ACCOUNT_BLOCKED, /* waits for the user: see attention */
} ImsAccountState;

typedef enum {
    IMS_ATTENTION_NONE,
    IMS_ATTENTION_CREDENTIALS,
    IMS_ATTENTION_KEYRING_LOCKED,
    IMS_ATTENTION_CERTIFICATE,
    IMS_ATTENTION_ISSUES,
    IMS_ATTENTION_SERVER,
} ImsAttention;

typedef enum {
    IMS_TRIGGER_USER,
    IMS_TRIGGER_CLIENT,
    IMS_TRIGGER_TIMER
} ImsTrigger; /* user: a job that waited resumes too */

typedef enum { IMS_JOB_SYNC, IMS_JOB_TEST } ImsJobKind;

typedef struct ImsAccounts ImsAccounts;
typedef struct ImsAccount ImsAccount;
typedef struct ImsJob ImsJob;

/* What may be asked of a Sync. Two jobs with equal options may be one. */
typedef struct {
    char **mailboxes; /* sorted, canonical; NULL: all */
    gboolean has_max_deletions;
    guint max_deletions;
    gboolean dry_run; /* plan only */
} ImsSyncOptions;

/* What the bus floor wants to be told; every function is set. */
typedef struct {
    void (*account_added)(ImsAccount *account, gpointer data);   /* it can be found already */
    void (*account_changed)(ImsAccount *account, gpointer data); /* state, attention, error, … */
    void (*account_removed)(
        ImsAccount *account, gpointer data); /* its jobs were before; can still be found */
    void (*issues_changed)(ImsAccount *account, gpointer data);
    void (*mailbox_changed)(ImsAccount *account, const ImsMailboxReport *mailbox, gpointer data);
    void (*job_added)(ImsJob *job, gpointer data);
    void (*job_progress)(ImsJob *job, gpointer data); /* at most 4 a second for each job */
    void (*job_ended)(ImsJob *job, gpointer data);
    void (*job_removed)(
        ImsJob *job,
        gpointer data); /* 60 s after its end, or with its account; can still be found */
} ImsListener;

/**
 * ims_accounts_new:
 * @config_dir: (nullable): NULL: `imapsync` below the user's configuration directory
 *
 * Reads every NAME.conf of the directory. A file that cannot be used is an account in state blocked
 * whose error is IMS_ERROR_CONFIG and says file, group, key and the nearest right spelling.
 */
ImsAccounts *ims_accounts_new(const char *config_dir, const ImsListener *listener, gpointer data);
/** ims_accounts_free: cancels all jobs, joins all workers (at most 5 seconds), frees all. */
void ims_accounts_free(ImsAccounts *self);
/** ims_accounts_all: Returns: (transfer none) (element-type ImsAccount): by name. */
GPtrArray *ims_accounts_all(ImsAccounts *self);
/** ims_accounts_jobs: Returns: (transfer none) (element-type ImsJob): by id; ended ones too. */
GPtrArray *ims_accounts_jobs(ImsAccounts *self);
ImsAccount *ims_accounts_find(ImsAccounts *self, const char *name); /* nullable */
ImsJob *ims_accounts_find_job(ImsAccounts *self, guint64 id);       /* nullable */
/**
 * ims_accounts_add:
 * @settings: keys `remote.host`, `account.enabled`, …
 *
 * Validates, writes NAME.conf (mode 0600, whole or not at all) and adds the account.
 *
 * Errors: IMS_ERROR_CONFIG: bad name, key or value (a password too); it exists already; its local
 * side is another account's too. IMS_ERROR_BUSY: one of that name is going.
 */
ImsAccount *ims_accounts_add(
    ImsAccounts *self, const char *name, GHashTable *settings, GError **error);

/** ImsRemoved: @error: (nullable): why the account is still there. Called once, from the main loop
 * or while the accounts are freed. */
typedef void (*ImsRemoved)(const GError *error, gpointer data);
/**
 * ims_accounts_remove:
 * @delete_store: the embedded local store too, with all mail in it
 *
 * Cancels the account's jobs; when they have ended removes its passwords in the keyring, its state
 * file, the store if wished, at last its file. If one of these fails the account stays, and all of
 * it can be tried again.
 *
 * A keyring that is absent or broken does not hold the removal up: what it has stays there.
 *
 * Errors of @done: IMS_ERROR_KEYRING_LOCKED (then nothing was removed), IMS_ERROR_STATE,
 * IMS_ERROR_CONFIG (its file cannot be removed); IMS_ERROR_CANCELLED if the accounts are freed.
 *
 * Errors: IMS_ERROR_BUSY: it goes already; IMS_ERROR_CONFIG: @delete_store, but its local side is
 * not, or may not be, the embedded store.
 */
gboolean ims_accounts_remove(
    ImsAccounts *self,
    ImsAccount *account,
    gboolean delete_store,
    ImsRemoved done,
    gpointer data,
    GError **error);
/**
 * ims_accounts_reload:
 *
 * Looks at the files again. New ones become accounts. A changed one is taken by its account at
 * once, or by the next job if one runs. An account whose file has gone is let go as soon as its
 * job, which is cancelled, has ended; what it has on disk and in the keyring stays. Others are not
 * disturbed.
 */
void ims_accounts_reload(ImsAccounts *self);

const char *ims_account_name(const ImsAccount *self);
ImsAccountState ims_account_state(const ImsAccount *self);
ImsAttention ims_account_attention(const ImsAccount *self);
const char *ims_account_state_name(ImsAccountState state);
const char *ims_attention_name(ImsAttention attention);
/** ims_account_error: Returns: (transfer none) (nullable): of the last job; NULL after a success.
 */
const GError *ims_account_error(const ImsAccount *self);
gint64 ims_account_last_success_us(const ImsAccount *self); /* since the epoch; 0: never */
/** ims_account_next_sync_us: Returns: when it syncs by itself, since the epoch; 0: not at all. */
gint64 ims_account_next_sync_us(const ImsAccount *self);
ImsJob *ims_account_job(const ImsAccount *self); /* the running one, else the queued; nullable */
/** ims_account_report: Returns: (transfer none) (nullable): the last one with a listing. */
const ImsReport *ims_account_report(const ImsAccount *self);
/** ims_account_issues: Returns: (transfer none) (element-type ImsIssue): all that are open, by id;
 * valid until the next change. */
GPtrArray *ims_account_issues(const ImsAccount *self);

/**
 * ims_account_sync:
 *
 * Asks for a sync: joins the newest job that has not yet sent its LIST, has equal options, at
 * least these mailboxes and the settings of the file as it is now, or queues a new one. A job for
 * an account whose credentials are not there fails with that error at once, and when they come is
 * not started again by itself, but the account is.
 *
 * The account's file is read anew, here and when the job starts, so that a change of it is heard.
 *
 * Errors: IMS_ERROR_CONFIG (a broken file, or a disabled account); IMS_ERROR_BUSY (it is being
 * removed).
 *
 * Returns: (transfer none): the job.
 */
ImsJob *ims_account_sync(
    ImsAccount *self, const ImsSyncOptions *options, ImsTrigger trigger, GError **error);
/** ims_account_test: queues a job that connects and logs in to both sides; reads the file and fails
 * as ims_account_sync() does. */
ImsJob *ims_account_test(ImsAccount *self, GError **error);
/** ims_account_find_issue: reads the file, which settles what was about other settings. Returns:
 * (transfer none): valid until the next change. Errors: IMS_ERROR_NO_SUCH_ISSUE. */
const ImsIssue *ims_account_find_issue(ImsAccount *self, guint64 id, GError **error);
/**
 * ims_account_resolve:
 * @issue: of ims_account_find_issue(), of the kind certificate
 *
 * Trusts exactly the key that @issue is about, by writing it into the account's file, and lets the
 * account go on with a sync.
 *
 * Errors: IMS_ERROR_CONFIG (the file is broken, or cannot be written).
 */
gboolean ims_account_resolve(ImsAccount *self, const ImsIssue *issue, GError **error);
/** ImsUnlocked: @error: (nullable): why the keyring is not unlocked. Called once, from the main
 * loop or while the account goes. */
typedef void (*ImsUnlocked)(const GError *error, gpointer data);
/**
 * ims_account_unlock:
 *
 * Lets the keyring ask the user to unlock it: the one call that may prompt. An account that waits
 * for the keyring goes on by itself, also if the user answers after @done was called.
 *
 * Errors of @done: IMS_ERROR_KEYRING_LOCKED, after @timeout_us at the latest, or if the user has
 * turned it down; IMS_ERROR_CREDENTIALS_MISSING (no keyring, or none of its passwords there);
 * IMS_ERROR_CANCELLED if the account goes; IMS_ERROR_BUSY if it is asked for again meanwhile: then
 * the last is answered alone. No @timeout_us is longer than 10 minutes.
 *
 * Errors: IMS_ERROR_BUSY (the account is going);
 * IMS_ERROR_CONFIG (its file is broken).
 */
gboolean ims_account_unlock(
    ImsAccount *self, guint64 timeout_us, ImsUnlocked done, gpointer data, GError **error);
/** ims_account_cancel: Also what it would try again by itself. Returns: how many jobs, running or
 * queued, were cancelled. */
guint ims_account_cancel(ImsAccount *self);

guint64 ims_job_id(const ImsJob *self);
ImsAccount *ims_job_account(const ImsJob *self);
ImsTrigger ims_job_trigger(const ImsJob *self);
const char *ims_trigger_name(ImsTrigger trigger);
ImsResult ims_job_result(const ImsJob *self);
/** ims_job_error: Returns: (transfer none) (nullable). */
const GError *ims_job_error(const ImsJob *self);
/** ims_job_progress: Returns: (transfer none): the latest. */
const ImsProgress *ims_job_progress(const ImsJob *self);
/** ims_job_summary: Returns: (transfer none): all 0 until its end. */
const ImsSummary *ims_job_summary(const ImsJob *self);
/** ims_job_report: Returns: (transfer none) (nullable): NULL until its end, and if it did not
 * come to ask a server. */
const ImsReport *ims_job_report(const ImsJob *self);
/** ims_job_cancel: FALSE if it has ended. */
gboolean ims_job_cancel(ImsJob *self);
