/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* Passwords: from the user's fingers or a pipe into the keyring, and nowhere else. */
typedef char ImsPassword;

/**
 * ims_password_read:
 * @prompt: shown if stdin is a terminal
 *
 * Reads a password from the terminal without showing it or, if stdin is none, one line from stdin;
 * what stands behind that line is left there. A signal that ends the program meanwhile leaves the
 * terminal as it was.
 *
 * Errors: IMS_ERROR_CONFIG if it is empty, too long, or the input ended; IMS_ERROR_CANCELLED.
 *
 * Returns: (transfer full): the password, or NULL.
 */
ImsPassword *ims_password_read(const char *prompt, GError **error);
/** ims_password_free: wipes it. */
void ims_password_free(ImsPassword *password);

/* Whose password it is; the attributes of the keyring's item. */
typedef struct {
    const char *account, *side, *host, *username;
} ImsPasswordKey;

/**
 * ims_password_store:
 *
 * Stores @password in the keyring in place of any older one. On a terminal the keyring may ask the
 * user to unlock it, and is given a minute; without one a locked keyring is an error at once.
 *
 * Errors: IMS_ERROR_KEYRING_LOCKED; IMS_ERROR_NOT_RUNNING if there is no keyring service. Each says
 * what to do.
 */
gboolean ims_password_store(const ImsPasswordKey *key, const ImsPassword *password, GError **error);

/** ims_password_forget: removes what was stored for @key, as far as the keyring lets us. */
void ims_password_forget(const ImsPasswordKey *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsPassword, ims_password_free)
