/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <systemd/sd-bus.h>

#include "account/account.h"
#include "bus/idle.h"
#include "bus/service.h"

/* What the objects of the service share. Account and job objects stand beside the accounts and jobs
 * of the account floor and live as long as these can be found: from its `added` call to its
 * `removed` call. */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_message, sd_bus_message_unref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(sd_bus_error, sd_bus_error_free)

typedef struct ImsAccountObject ImsAccountObject;
typedef struct ImsJobObject ImsJobObject;

struct ImsService {
    sd_bus *bus;
    GSource *source;
    ImsIdle *idle;               /* NULL: it stays, whoever calls or not */
    ImsAccounts *accounts;       /* NULL while they are loaded, and freed */
    GHashTable *account_objects; /* path → ImsAccountObject */
    GHashTable *job_objects;     /* path → ImsJobObject */
    gboolean stopping;
    guint stop_timer;
    ImsServiceDone done; /* NULL once called */
    gpointer data;
};

/* service */

/** ims_service_account_path: Returns: (transfer full): the path of its object. */
char *ims_service_account_path(const ImsAccount *account);
/** ims_service_job_path: Returns: (transfer full): the path of its object. */
char *ims_service_job_path(const ImsJob *job);
/** ims_service_paths: Returns: (transfer full): all keys of @objects, for sd-bus: both the array
 * and its strings are for free(). */
char **ims_service_paths(GHashTable *objects);
/** ims_service_find_job: Returns: (transfer none): makes and announces the object if needed. */
ImsJobObject *ims_service_find_job(ImsService *self, ImsJob *job);

/* manager: one object, which is the service itself */

int ims_manager_register(ImsService *self);
void ims_manager_emit_changed(ImsService *self, const char *property);
void ims_manager_emit_job_new(ImsService *self, const ImsJob *job);
void ims_manager_emit_job_progress(ImsService *self, const ImsJob *job);
void ims_manager_emit_job_ended(ImsService *self, const ImsJob *job);

/* account objects */

int ims_account_object_register(ImsService *service);
ImsAccountObject *ims_account_object_new(ImsService *service, ImsAccount *account);
void ims_account_object_free(ImsAccountObject *self);
/** ims_account_object_refresh: emits PropertiesChanged for what moved since the last time. */
void ims_account_object_refresh(ImsAccountObject *self);
void ims_account_object_emit_issues_changed(ImsAccountObject *self);
void ims_account_object_emit_mailbox(ImsAccountObject *self, const ImsMailboxReport *mailbox);

/* job objects */

int ims_job_object_register(ImsService *service);
ImsJobObject *ims_job_object_new(ImsService *service, ImsJob *job);
/** ims_job_object_free: leaves calls of Wait without an answer: end the job before. */
void ims_job_object_free(ImsJobObject *self);
const char *ims_job_object_path(const ImsJobObject *self);
/**
 * ims_job_object_own:
 * @m: the call that asked for the job
 * @until_disconnect: FALSE: the job need not end when the caller leaves the bus
 *
 * Adds the caller to those for whom the job runs.
 */
void ims_job_object_own(ImsJobObject *self, sd_bus_message *m, gboolean until_disconnect);
void ims_job_object_progress(ImsJobObject *self);
/** ims_job_object_ended: tells of the end and answers all calls of Wait. */
void ims_job_object_ended(ImsJobObject *self);

/* sync requests: what Manager.Sync and Account.Sync have in common */

typedef struct {
    ImsSyncOptions options;
    gboolean cancel_on_disconnect;
} ImsSyncRequest;

/** ims_sync_request_names: Returns: (transfer full): of all options, as property Features. */
char **ims_sync_request_names(void);
/** ims_sync_request_read: @m: at the options. Clear @out on failure too. */
int ims_sync_request_read(ImsSyncRequest *out, sd_bus_message *m, sd_bus_error *ret_error);
void ims_sync_request_clear(ImsSyncRequest *self);
/**
 * ims_sync_request_start:
 * @m: the call
 *
 * Returns: negative on failure, with @ret_error set
 */
int ims_sync_request_start(
    const ImsSyncRequest *self,
    ImsService *service,
    ImsAccount *account,
    sd_bus_message *m,
    ImsJob **out_job,
    sd_bus_error *ret_error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImsSyncRequest, ims_sync_request_clear)
