/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The value that says how to reach a server. Its passwords are the only secrets that this floor
 * keeps; they are wiped with the value. */
#include "imap/conn.h"

#include <string.h>

ImsEndpoint *
ims_endpoint_new(ImsEndpointType type)
{
    ImsEndpoint *self = g_new0(ImsEndpoint, 1);

    self->type = type;
    return self;
}

ImsEndpoint *
ims_endpoint_copy(const ImsEndpoint *self)
{
    ImsEndpoint *copy = ims_endpoint_new(self->type);

    copy->side = self->side;
    copy->compress = self->compress;
    copy->auth = self->auth;
    copy->host = g_strdup(self->host);
    copy->port = self->port;
    ims_proxy_copy(&copy->proxy, &self->proxy);
    ims_tls_policy_copy(&copy->tls, &self->tls);
    copy->username = g_strdup(self->username);
    copy->password = g_strdup(self->password);
    copy->argv = g_strdupv(self->argv);
    copy->envp = g_strdupv(self->envp);
    return copy;
}

void
ims_endpoint_free(ImsEndpoint *self)
{
    if (self == NULL)
        return;

    if (self->password != NULL)
        explicit_bzero(self->password, strlen(self->password));
    g_free(self->password);
    g_free(self->host);
    ims_proxy_clear(&self->proxy);
    ims_tls_policy_clear(&self->tls);
    g_free(self->username);
    g_strfreev(self->argv);
    g_strfreev(self->envp);
    g_free(self);
}
