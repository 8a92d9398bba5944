/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "imap/conn.h"

/* What a client says in OAUTHBEARER (RFC 7628) and XOAUTH2 (Google's, older), without I/O. Holds a
 * token, which is wiped with it. Never waits. */
typedef struct ImsBearer ImsBearer;

/**
 * ims_bearer_new:
 * @way: one by a token
 * @endpoint: borrowed for the call; its password is the token
 *
 * Errors: IMS_ERROR_AUTH_FAILED, if what should be a token cannot be one (RFC 6750 section 2.1): it
 * could otherwise say more than a token.
 *
 * Returns: (transfer full)
 */
ImsBearer *ims_bearer_new(ImsAuth way, const ImsEndpoint *endpoint, GError **error);
void ims_bearer_free(ImsBearer *self);
/** ims_bearer_next: Returns: (transfer full) (nullable): what is to be said next, to be wiped:
 * first who we are; and then, as the server refuses that by saying why, what makes it answer NO.
 * NULL: there is no more to say. */
char *ims_bearer_next(ImsBearer *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsBearer, ims_bearer_free)
