/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* What this program must know of an account's configuration file: whose password to store, and how
 * to reach the local side. The file belongs to the service, which checks it. */

/** ims_account_file_is_name: Returns: whether an account can have this name, and a file be so
 * called. */
gboolean ims_account_file_is_name(const char *account);

/** ims_account_file_path: Returns: (transfer full): where the file of @account is. */
char *ims_account_file_path(const char *account);

/**
 * ims_account_file_load:
 *
 * Errors: IMS_ERROR_NO_SUCH_ACCOUNT if there is no file for @account or no account can have this
 * name; IMS_ERROR_CONFIG if it is no regular file or no key file.
 *
 * Returns: (transfer full): the file, or NULL.
 */
GKeyFile *ims_account_file_load(const char *account, GError **error);

/**
 * ims_account_file_get:
 * @side: `local` or `remote`
 *
 * Returns: (transfer full) (nullable): a setting of one side; the type if it is left out is what
 * the service takes it for.
 */
char *ims_account_file_get(GKeyFile *file, const char *side, const char *key);
