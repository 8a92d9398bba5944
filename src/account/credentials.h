/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "account/config.h"
#include "account/secret.h"

/* All passwords and tokens that an account needs, looked up one after the other: of each side of
 * type imaps or imap, of a tunnel that has a username, and of a proxy that has one. On the main
 * thread; nothing waits. */

/* Where a password stands: first those of the logins, by side, then those of the proxies. */
#define IMS_N_PASSWORDS    (2 * IMS_N_SIDES)
#define IMS_PROXY_OF(side) (IMS_N_SIDES + (side))

typedef struct ImsCredentials ImsCredentials;

/**
 * ImsCredentialsFound:
 * @password: (transfer none): NULL where none is needed; wiped after the call
 * @error: (nullable): IMS_ERROR_CREDENTIALS_MISSING, IMS_ERROR_KEYRING_LOCKED, or, if the keyring
 * failed in a way that may pass, IMS_ERROR_OFFLINE, with the fix
 */
typedef void (*ImsCredentialsFound)(
    const char *const password[IMS_N_PASSWORDS], const GError *error, gpointer data);

/** ims_credentials_find: @config: borrowed until the end; @callback is called once, from the main
 * loop, and not before this returns. */
ImsCredentials *ims_credentials_find(
    const ImsConfig *config, ImsCredentialsFound callback, gpointer data);
/** ims_credentials_find_again: that of @side alone, which may have changed since. */
ImsCredentials *ims_credentials_find_again(
    const ImsConfig *config, ImsSide side, ImsCredentialsFound callback, gpointer data);
/** ims_credentials_cancel: @callback will not be called. Takes NULL. */
void ims_credentials_cancel(ImsCredentials *self);

/** ims_credentials_need_keyring: whether a password of the account is, or should be, there. */
gboolean ims_credentials_need_keyring(const ImsConfig *config);
/** ims_credentials_missing_command: Returns: (transfer full): that puts the first of those there.
 */
char *ims_credentials_missing_command(const ImsConfig *config);
/** ims_credentials_explain: Returns: (transfer full) (nullable): what @outcome means, if it is
 * ABSENT or ERROR, as an error about @who; else NULL. */
GError *ims_credentials_explain(const char *who, ImsSecretOutcome outcome, const char *message);
/** ims_credentials_print: Returns: (transfer full): a fingerprint of @password (nullable) that is
 * equal for equal ones in this process, and of no use outside of it. */
char *ims_credentials_print(const char *password);
