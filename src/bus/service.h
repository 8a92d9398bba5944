/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* The whole service on the session bus, with the accounts behind it. Belongs to the main thread,
 * and owns its default main context from _new to _free. */
typedef struct ImsService ImsService;

/**
 * ImsServiceDone:
 * @error: (nullable): why, if nobody asked it to stop
 *
 * The service has stopped, or lost the bus: free it. Called once at most, from the main loop.
 */
typedef void (*ImsServiceDone)(const GError *error, gpointer data);

/**
 * ims_service_new:
 * @config_dir: (nullable): see ims_accounts_new()
 *
 * Connects to the session bus, takes the name org.imapsync1 and loads the accounts. Waits for the
 * bus only.
 *
 * Errors: IMS_ERROR_BUSY if the name is taken; IMS_ERROR_OFFLINE if there is no session bus.
 */
ImsService *ims_service_new(
    const char *config_dir, ImsServiceDone done, gpointer data, GError **error);

/**
 * ims_service_end_when_idle:
 * @seconds: at least 1
 *
 * From now on it is done, without an error, when there is no account and no method has been called
 * for @seconds. No call is lost by that.
 *
 * Errors: IMS_ERROR_OFFLINE if the bus cannot be listened to.
 */
gboolean ims_service_end_when_idle(ImsService *self, guint seconds, GError **error);

/**
 * ims_service_stop:
 *
 * Takes no more work, cancels all jobs, and is done when they have ended, but after 3 seconds at
 * the latest. Never waits.
 */
void ims_service_stop(ImsService *self);

/** ims_service_n_accounts: Returns: how many are configured. */
guint ims_service_n_accounts(const ImsService *self);

/** ims_service_free: see ims_accounts_free() for how long it waits. */
void ims_service_free(ImsService *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsService, ims_service_free)
