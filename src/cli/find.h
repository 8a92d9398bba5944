/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "cli/discover.h"

/**
 * ims_find_server:
 * @account: to be added; @username: a mail address, with @domain behind its last `@`
 *
 * Looks up the server and says what was found. One outside of @domain is taken only if the user
 * says so at the terminal (RFC 6186 section 6). Waits.
 *
 * Errors: those of ims_discover(), with what to type instead; IMS_ERROR_CONFIG: the server is in
 * another domain, and there is no terminal; IMS_ERROR_CANCELLED: the user does not want it.
 *
 * Returns: (transfer full)
 */
ImsDiscovery *ims_find_server(
    const char *account, const char *username, const char *domain, GError **error);
