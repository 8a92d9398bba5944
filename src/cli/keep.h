/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "cli/password.h"

/** ims_keep_key_of_proxy: @text: (nullable): the setting. Returns: FALSE if there is no proxy that
 * wants a password, or @text is wrong, which the service says. The strings of @out_key stay. */
gboolean ims_keep_key_of_proxy(
    const char *text, const char *account, const char *side, ImsPasswordKey *out_key);
/** ims_keep_password: asks for it, and stores it in the keyring. Errors: those of
 * ims_password_read() and ims_password_store(). */
gboolean ims_keep_password(const ImsPasswordKey *key, GError **error);
