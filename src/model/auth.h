/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* A way to log in: a SASL mechanism; LOGIN is the command or, where that is disabled, the
 * mechanism. */
typedef enum {
    IMS_AUTH_LOGIN,
    IMS_AUTH_PLAIN,
    IMS_AUTH_SCRAM_SHA_256_PLUS, /* the login holds for this TLS connection only */
    IMS_AUTH_SCRAM_SHA_256,
    IMS_AUTH_SCRAM_SHA_1_PLUS,
    IMS_AUTH_SCRAM_SHA_1,
    IMS_AUTH_EXTERNAL,    /* the certificate of ours says who we are */
    IMS_AUTH_OAUTHBEARER, /* by a token; see ims_auth_list_by_token() */
    IMS_AUTH_XOAUTH2,
    IMS_N_AUTHS
} ImsAuth;

/* Those that may be used, the one to be preferred first. */
typedef struct {
    ImsAuth way[IMS_N_AUTHS];
    guint n; /* 0: all that need a password, in the order above */
} ImsAuthList;

/** ims_auth_names: Returns: (transfer none) (array zero-terminated=1): by ImsAuth, as in the key
 * `auth`. */
const char *const *ims_auth_names(void);
/** ims_auth_mechanism: Returns: its name in SASL, as in `AUTH=…`. */
const char *ims_auth_mechanism(ImsAuth self);
/** ims_auth_is_bound: Returns: whether @self binds the login to the TLS connection. */
gboolean ims_auth_is_bound(ImsAuth self);
/** ims_auth_is_scram: Returns: whether @self is of the SCRAM family (RFC 5802). */
gboolean ims_auth_is_scram(ImsAuth self);
/** ims_auth_list_default: Returns: @self, or what it stands for if it is empty. */
ImsAuthList ims_auth_list_default(const ImsAuthList *self);
/** ims_auth_list_has: Returns: whether @self, which may be empty, holds @way. */
gboolean ims_auth_list_has(const ImsAuthList *self, ImsAuth way);
/** ims_auth_list_needs_password: FALSE if each of them does without. */
gboolean ims_auth_list_needs_password(const ImsAuthList *self);
/** ims_auth_is_by_token: Returns: whether it wants a token (OAuth 2.0) in place of a password. */
gboolean ims_auth_is_by_token(ImsAuth self);
/** ims_auth_list_by_token: Returns: whether each of them wants a token; if one does, all have to.
 */
gboolean ims_auth_list_by_token(const ImsAuthList *self);
