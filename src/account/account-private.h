/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "account/account.h"
#include "account/backoff.h"
#include "account/config.h"
#include "account/credentials.h"
#include "account/keyring.h"
#include "account/recall.h"
#include "account/trust.h"
#include "account/unlock.h"
#include "account/verdict.h"
#include "account/worker.h"

/* What accounts.c, account.c, job.c and removal.c share. Life: the accounts own all accounts and
 * all jobs; a job stands in its account's queue until its end, and in the list of jobs for 60 s
 * more, or until its account goes. */

typedef struct ImsRemoval ImsRemoval;
typedef struct ImsTurn ImsTurn;

struct ImsAccounts {
    char *config_dir;
    const ImsListener *listener;
    gpointer data;
    GPtrArray *all;   /* ImsAccount, by name */
    GPtrArray *jobs;  /* ImsJob, by id */
    GPtrArray *turns; /* ImsTurn, as they were asked for */
    guint64 last_job;
    ImsKeyringWatch *watch;
};

struct ImsAccount {
    ImsAccounts *accounts;
    char *name;
    char *path;        /* of its file */
    ImsConfig *config; /* NULL: the file is broken, @error says why */
    GQueue queue;      /* ImsJob, not ended; the first is running or the next to */
    guint starter;     /* source that starts the first of the queue; 0: none */
    ImsTurn *turn;     /* of the first of the queue; NULL: not asked for */
    ImsCredentials
        *credentials;  /* being looked up for the first of the queue, or once more for it */
    ImsOrder *order;   /* for the first of the queue, which waits for its turn; or NULL */
    ImsWorker *worker; /* NULL until the first job */
    gboolean running;  /* the worker has the first of the queue */

    /* as the last job left it */
    ImsAccountState settled;
    ImsAttention attention;
    GError *error;
    gboolean stale; /* its file was to be read anew while a job ran */
    gint64 last_success_us;
    ImsReport *listing; /* the last report with a whole tree */
    ImsReport *issues;  /* the last report that knew the issues */
    ImsTrust trust;     /* the issues that no report has */
    GPtrArray *open;    /* ImsIssue: all of both */
    ImsRecall *recall;  /* these, as earlier runs left them, are being read; else NULL */

    /* how it goes: see ims_account_leave() */
    void (*left)(ImsAccount *account);
    ImsRemoval *removal; /* NULL: it is not being removed */

    /* how a waiting account goes on */
    ImsBackoff backoff;
    gboolean owed;                  /* a sync of all: what was asked for met what may pass */
    guint retry;                    /* source that syncs when the back-off ends; 0: none */
    char *offered[IMS_N_PASSWORDS]; /* prints of what the last pass had */
    char *refused;                  /* print of that which was refused last; NULL: none */
    guint refused_slot;             /* where it stands */
    GError *refusal;                /* of it */
    gint64 refused_us;              /* monotonic: when */
    gboolean keyring_changed;       /* while a job was there */
    guint calm;                     /* source that asks a command again; 0: none */
    gint64 probed_us; /* monotonic: when it was asked last since the keyring changed */
    ImsCredentials *probe;
    ImsUnlock *unlock; /* NULL: nobody has asked for it */
};

struct ImsJob {
    guint64 id;
    ImsAccount *account;
    ImsJobKind kind;
    ImsTrigger trigger;
    ImsSyncOptions options; /* its mailboxes are owned */
    ImsResult result;
    GError *error;
    GError *missing;      /* a test goes on without a password that cannot be had; NULL: none */
    ImsProgress progress; /* its mailbox is owned */
    ImsReport *report;    /* NULL until its end */
    GCancellable *cancel;
    guint expiry; /* source; 0 until its end */
};

/** ims_account_new: reads @path. Never fails: a broken file makes a blocked account. */
ImsAccount *ims_account_new(ImsAccounts *accounts, const char *name, const char *path);
/** ims_account_stop: cancels what runs and is queued, without telling anybody. */
void ims_account_stop(ImsAccount *self);
/** ims_account_free: waits for the worker until @deadline_us, monotonic. Needs a stop before. */
void ims_account_free(ImsAccount *self, gint64 deadline_us);
/**
 * ims_account_leave:
 *
 * Cancels all jobs, and takes no more of them. @left is called from the main loop as soon as the
 * worker has come to its end; until then, and until it is told to stay, the account is there.
 */
void ims_account_leave(ImsAccount *self, void (*left)(ImsAccount *account));
/** ims_account_stay: takes jobs again; only after @left was called. */
void ims_account_stay(ImsAccount *self);
/** ims_account_reload: takes the file as it is now, unless a job runs: then the next one will. */
void ims_account_reload(ImsAccount *self);
/** ims_account_keyring_stirred: the keyring changed: if @self waits for it, looks again, and syncs
 * if all passwords are there now. */
void ims_account_keyring_stirred(ImsAccount *self);
/** ims_account_keyring_changed: as ims_account_keyring_stirred(), but a command that is waited for
 * is asked at most once a minute. */
void ims_account_keyring_changed(ImsAccount *self);
/** ims_account_settle: it stands as @verdict says, because of @error (nullable). */
void ims_account_settle(ImsAccount *self, ImsVerdict verdict, const GError *error);
void ims_account_tell_changed(ImsAccount *self);
/** ims_account_waits_for_keyring: Returns: whether another password may let it go on. */
gboolean ims_account_waits_for_keyring(const ImsAccount *self);
/** ims_account_reread: takes the file as it is now, unless a job has started. Returns: whether a
 * job that is there has, or will have, what the file says now. */
gboolean ims_account_reread(ImsAccount *self);
/** ims_account_check_usable: Errors: IMS_ERROR_CONFIG, IMS_ERROR_BUSY (it is going). */
gboolean ims_account_check_usable(const ImsAccount *self, GError **error);
/** ims_account_queue_job: Returns: (transfer none). */
ImsJob *ims_account_queue_job(
    ImsAccount *self, ImsJobKind kind, const ImsSyncOptions *options, ImsTrigger trigger);
/** ims_account_learn_trust: what a job's end says of the certificates. @report: (nullable): nothing
 * was connected to. */
void ims_account_learn_trust(
    ImsAccount *self, const ImsJob *job, const GError *error, const ImsReport *report);
/** ims_account_schedule: does, from the main loop, what is next to do. */
void ims_account_schedule(ImsAccount *self);

/** ims_account_explain_refusal: Returns: (transfer full): @error, a refusal of @side, with what to
 * do about it. */
GError *ims_account_explain_refusal(const ImsAccount *self, ImsSide side, const GError *error);
/** ims_account_note_offered: these go to servers and proxies now. */
void ims_account_note_offered(ImsAccount *self, const char *const password[IMS_N_PASSWORDS]);
/** ims_account_remember_refusal: a server, or a proxy, has refused what it was offered last, by
 * @error. */
void ims_account_remember_refusal(ImsAccount *self, const GError *error);
void ims_account_forget_refusal(ImsAccount *self);
/** ims_account_was_refused: Returns: whether one of these is what was refused last. */
gboolean ims_account_was_refused(
    const ImsAccount *self, const char *const password[IMS_N_PASSWORDS]);
/** ims_account_was_let_in: Returns: whether @report (nullable), of a test, shows that what was
 * refused is taken now. */
gboolean ims_account_was_let_in(const ImsAccount *self, const ImsReport *report);
/** ims_account_spare: Returns: (transfer full) (nullable): IMS_ERROR_AUTH_FAILED, if one of these
 * was refused a short while ago and @job is not to send it again. */
GError *ims_account_spare(
    const ImsAccount *self, const ImsJob *job, const char *const password[IMS_N_PASSWORDS]);

/** ims_turns_new: Returns: (transfer full): for ImsAccounts. */
GPtrArray *ims_turns_new(void);
/** ims_account_take_turn: asks for a connection to each of its servers. Returns: whether it has
 * them; if not, it is scheduled again when it may be its turn. */
gboolean ims_account_take_turn(ImsAccount *self);
/** ims_turns_wake: those who wait ask again. */
void ims_turns_wake(ImsAccounts *accounts);
/** ims_account_end_turn: gives them back, or waits no more. */
void ims_account_end_turn(ImsAccount *self);

/** ims_account_note_outcome: @job has ended: tries again later by itself, if that makes sense. */
void ims_account_note_outcome(ImsAccount *self, const ImsJob *job);
/** ims_account_owe: something that may pass kept it from a sync: tries again later by itself. */
void ims_account_owe(ImsAccount *self);
/** ims_account_review_retry: its configuration is another: without a usable one nothing is tried;
 * a broken file puts off what is owed, and a disabled account owes nothing. Returns: whether the
 * time is another now. */
gboolean ims_account_review_retry(ImsAccount *self);
/** ims_account_cancel_retry: does not try again by itself. */
void ims_account_cancel_retry(ImsAccount *self);
/** ims_account_list_issues: makes anew the list of all that are open. Returns: whether they are
 * others now. */
gboolean ims_account_list_issues(ImsAccount *self);
/** ims_account_cancel_job: FALSE if it has ended. */
gboolean ims_account_cancel_job(ImsAccount *self, ImsJob *job);

/** ims_accounts_check_apart: FALSE if another enabled account has its local side where @config has
 * it: two remote servers would be filled with each other's mail. Errors: IMS_ERROR_CONFIG. */
gboolean ims_accounts_check_apart(const ImsAccounts *self, const ImsConfig *config, GError **error);
/** ims_accounts_drop: forgets @account, which has left, with its jobs, and frees it. */
void ims_accounts_drop(ImsAccounts *self, ImsAccount *account);
/** ims_accounts_take_job: owns it from now on, and tells the listener. */
void ims_accounts_take_job(ImsAccounts *self, ImsJob *job);
/** ims_accounts_expire_job: forgets @job in 60 s. */
void ims_accounts_expire_job(ImsAccounts *self, ImsJob *job);

/** ims_job_new: @options: (transfer none). */
ImsJob *ims_job_new(
    ImsAccount *account, ImsJobKind kind, const ImsSyncOptions *options, ImsTrigger trigger);
void ims_job_free(ImsJob *self);
/** ims_job_set_progress: @progress: (transfer none). */
void ims_job_set_progress(ImsJob *self, const ImsProgress *progress);
/**
 * ims_job_may_join:
 * @listed: whether @self may have sent its LIST already
 *
 * Whether a Sync with @options is covered by @self: a sync that has not ended nor been cancelled,
 * has not listed, is dry or not as wanted, has the same limit of deletions and at least the same
 * mailboxes.
 */
gboolean ims_job_may_join(const ImsJob *self, gboolean listed, const ImsSyncOptions *options);

/** ims_removal_start: as ims_accounts_remove(); ends with the account's drop, or with its staying.
 */
void ims_removal_start(ImsAccount *account, gboolean delete_store, ImsRemoved done, gpointer data);
/** ims_removal_abandon: tells that it was not finished, and leaves things as they are. Takes NULL.
 */
void ims_removal_abandon(ImsRemoval *self);
