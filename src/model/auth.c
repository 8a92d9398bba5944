/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* LOGIN comes first by default, as all up to the mailbox list may go in its flight; both it and
 * PLAIN show the password to the server, which under TLS is the right one. */

#include "model/auth.h"

static const char *const names[] = {
    "login",
    "plain",
    "scram-sha-256-plus",
    "scram-sha-256",
    "scram-sha-1-plus",
    "scram-sha-1",
    "external",
    "oauthbearer",
    "xoauth2",
    NULL,
};
static const char *const mechanisms[] = {
    "LOGIN",
    "PLAIN",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-1",
    "EXTERNAL",
    "OAUTHBEARER",
    "XOAUTH2",
};

const char *const *
ims_auth_names(void)
{
    return names;
}

const char *
ims_auth_mechanism(ImsAuth self)
{
    return mechanisms[self];
}

gboolean
ims_auth_is_bound(ImsAuth self)
{
    return self == IMS_AUTH_SCRAM_SHA_256_PLUS || self == IMS_AUTH_SCRAM_SHA_1_PLUS;
}

gboolean
ims_auth_is_scram(ImsAuth self)
{
    return ims_auth_is_bound(self) || self == IMS_AUTH_SCRAM_SHA_256 ||
           self == IMS_AUTH_SCRAM_SHA_1;
}

ImsAuthList
ims_auth_list_default(const ImsAuthList *self)
{
    static const ImsAuthList all = {
        {IMS_AUTH_LOGIN,
         IMS_AUTH_PLAIN,
         IMS_AUTH_SCRAM_SHA_256_PLUS,
         IMS_AUTH_SCRAM_SHA_256,
         IMS_AUTH_SCRAM_SHA_1_PLUS,
         IMS_AUTH_SCRAM_SHA_1},
        6};

    return self->n > 0 ? *self : all;
}

gboolean
ims_auth_list_has(const ImsAuthList *self, ImsAuth way)
{
    ImsAuthList list = ims_auth_list_default(self);

    for (guint i = 0; i < list.n; i++) {
        if (list.way[i] == way)
            return TRUE;
    }
    return FALSE;
}

gboolean
ims_auth_list_needs_password(const ImsAuthList *self)
{
    return self->n != 1 || self->way[0] != IMS_AUTH_EXTERNAL;
}

gboolean
ims_auth_is_by_token(ImsAuth self)
{
    return self == IMS_AUTH_OAUTHBEARER || self == IMS_AUTH_XOAUTH2;
}

gboolean
ims_auth_list_by_token(const ImsAuthList *self)
{
    return self->n > 0 && ims_auth_is_by_token(self->way[0]);
}
