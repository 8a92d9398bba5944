/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "model/side.h"

/* Passwords of the keyring (the Secret Service): found, and removed. On the main thread; nothing
 * waits, and nothing but ims_secret_unlock() ever prompts: a locked keyring is an outcome. An item
 * is found by the schema IMS_SECRET_SCHEMA and the string attributes `account`, `side` (local or
 * remote), `host` and `username`. `host` is what the account's file says under `host`, letter for
 * letter, and empty for a tunnel, so that a password never goes to another server than the one it
 * was stored for. That of a proxy has the proxy's name there, see ims_proxy_name(), and its own
 * user name. */

typedef enum {
    IMS_SECRET_FOUND,
    IMS_SECRET_NONE,
    IMS_SECRET_LOCKED,
    IMS_SECRET_ABSENT, /* no keyring is running */
    IMS_SECRET_ERROR,  /* it answered with an error, or not in time */
} ImsSecretOutcome;

/* One search, or the removal or unlocking of what it finds; lives until its callback has been
 * called, or until it is cancelled. */
typedef struct ImsSecretSearch ImsSecretSearch;

/**
 * ImsSecretFound:
 * @password: (transfer none) (nullable): if FOUND; valid during the call, wiped after it
 * @message: (transfer none) (nullable): what the keyring said, if ABSENT or ERROR
 */
typedef void (*ImsSecretFound)(
    ImsSecretOutcome outcome, const char *password, const char *message, gpointer data);

/** ims_secret_find: searches without unlocking; @callback is called once, from the main loop, and
 * not before this returns. */
ImsSecretSearch *ims_secret_find(
    const char *account,
    ImsSide side,
    const char *host,
    const char *username,
    ImsSecretFound callback,
    gpointer data);
/**
 * ims_secret_erase:
 *
 * Removes all passwords of @account, of whichever side, host and user name. @callback gets
 * IMS_SECRET_NONE when none is left. If one is locked the outcome is IMS_SECRET_LOCKED, and none
 * was removed.
 */
ImsSecretSearch *ims_secret_erase(const char *account, ImsSecretFound callback, gpointer data);
/**
 * ims_secret_unlock:
 *
 * Lets the keyring ask the user to unlock what it has of @account. @callback gets, within
 * @timeout_ms, IMS_SECRET_FOUND, without a password, when none of it is locked; IMS_SECRET_NONE if
 * there is nothing; IMS_SECRET_LOCKED if the user has not answered, or not as was hoped. The prompt
 * then stays, and an answer that comes later counts too.
 */
ImsSecretSearch *ims_secret_unlock(
    const char *account, guint timeout_ms, ImsSecretFound callback, gpointer data);
/** ims_secret_search_prolong: lets it take @timeout_ms from now on. Not after @callback. */
void ims_secret_search_prolong(ImsSecretSearch *self, guint timeout_ms);
/** ims_secret_search_cancel: @callback will not be called. Takes NULL. */
void ims_secret_search_cancel(ImsSecretSearch *self);

/** ims_secret_wipe: overwrites and frees @password. Takes NULL. */
void ims_secret_wipe(char *password);
