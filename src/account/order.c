/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Turns an account's configuration, its passwords and what a job asks for into an order that a
 * worker can run without knowing any of them: the endpoints, who they are, and where the state file
 * stands. */

#include "account/order.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "account/dovecot.h"
#include "account/identity.h"
#include "util/error.h"
#include "util/names.h"

static ImsEndpointType
endpoint_type(const ImsSideConfig *side)
{
    if (side->type == IMS_TYPE_IMAPS)
        return IMS_ENDPOINT_TLS;
    return side->clear ? IMS_ENDPOINT_LOOPBACK : IMS_ENDPOINT_STARTTLS;
}

static void
set_network(ImsOrder *self, ImsSide which, const ImsSideConfig *side)
{
    ImsEndpoint *endpoint = ims_endpoint_new(endpoint_type(side));

    endpoint->host = g_strdup(side->host);
    endpoint->port = side->port;
    ims_proxy_copy(&endpoint->proxy, &side->proxy);
    ims_tls_policy_copy(&endpoint->tls, &side->tls);
    endpoint->auth = side->auth;
    endpoint->username = g_strdup(side->username);
    endpoint->compress = side->compress;
    self->endpoint[which] = endpoint;
    self->identity[which] = ims_side_config_identity(side, NULL);
}

static void
set_tunnel(ImsOrder *self, ImsSide which, const ImsSideConfig *side)
{
    ImsEndpoint *endpoint = ims_endpoint_new(IMS_ENDPOINT_COMMAND);

    endpoint->argv = g_strdupv(side->argv);
    endpoint->auth = side->auth;
    endpoint->username = g_strdup(side->username);
    endpoint->compress = side->compress;
    self->endpoint[which] = endpoint;
    self->identity[which] = ims_side_config_identity(side, NULL);
}

static gboolean
set_dovecot(
    ImsOrder *self, ImsSide which, const ImsSideConfig *side, const char *account, GError **error)
{
    g_autoptr(ImsDovecot) dovecot = ims_dovecot_new(account, error);
    ImsEndpoint *endpoint;

    if (dovecot == NULL)
        return FALSE;

    endpoint = ims_endpoint_new(IMS_ENDPOINT_COMMAND);
    endpoint->argv = g_steal_pointer(&dovecot->argv);
    endpoint->envp = g_steal_pointer(&dovecot->envp);
    self->endpoint[which] = endpoint;
    self->identity[which] = ims_side_config_identity(side, dovecot->store);
    return TRUE;
}

static gboolean
set_side(
    ImsOrder *self,
    ImsSide which,
    const ImsConfig *config,
    const char *const password[IMS_N_PASSWORDS],
    GError **error)
{
    const ImsSideConfig *side = &config->side[which];

    switch (side->type) {
    case IMS_TYPE_IMAPS:
    case IMS_TYPE_IMAP:
        set_network(self, which, side);
        break;
    case IMS_TYPE_TUNNEL:
        set_tunnel(self, which, side);
        break;
    case IMS_TYPE_DOVECOT:
        if (!set_dovecot(self, which, side, config->name, error))
            return FALSE;
        break;
    }
    self->folder[which] = g_strdup(side->folder);
    self->endpoint[which]->side = ims_side_name(which);
    self->endpoint[which]->password = g_strdup(password[which]);
    self->endpoint[which]->proxy.password = g_strdup(password[IMS_PROXY_OF(which)]);
    return TRUE;
}

char *
ims_order_state_path(const char *account)
{
    return g_strdup_printf("%s/%s/%s.db", g_get_user_state_dir(), IMS_DIRECTORY, account);
}

static gboolean
set_state_path(ImsOrder *self, const char *account, GError **error)
{
    g_autofree char *path = ims_order_state_path(account);
    g_autofree char *folder = g_path_get_dirname(path);

    if (g_mkdir_with_parents(folder, 0700) != 0) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_STATE,
            _("%s: cannot be made: %s"),
            folder,
            g_strerror(errno));
        return FALSE;
    }
    self->state_path = g_steal_pointer(&path);
    return TRUE;
}

ImsOrder *
ims_order_new(
    const ImsConfig *config,
    ImsJobKind kind,
    const ImsSyncOptions *options,
    const char *const password[IMS_N_PASSWORDS],
    GCancellable *cancel,
    GError **error)
{
    g_autoptr(ImsOrder) self = g_new0(ImsOrder, 1);

    self->kind = kind;
    self->mailboxes = g_strdupv(options->mailboxes);
    if (config->mailboxes != NULL)
        self->patterns = ims_patterns_ref(config->mailboxes);
    if (config->ignore != NULL)
        self->ignore = ims_patterns_ref(config->ignore);
    self->has_max_deletions = options->has_max_deletions;
    self->max_deletions = options->max_deletions;
    self->dry_run = options->dry_run;
    self->cancel = g_object_ref(cancel);
    if (!set_state_path(self, config->name, error) ||
        !set_side(self, IMS_LOCAL, config, password, error) ||
        !set_side(self, IMS_REMOTE, config, password, error))
        return NULL;

    return g_steal_pointer(&self);
}

void
ims_order_free(ImsOrder *self)
{
    if (self == NULL)
        return;
    for (guint side = 0; side < IMS_N_SIDES; side++) {
        g_clear_pointer(&self->endpoint[side], ims_endpoint_free);
        g_free(self->identity[side]);
        g_free(self->folder[side]);
    }
    g_free(self->state_path);
    ims_patterns_unref(self->patterns);
    ims_patterns_unref(self->ignore);
    g_strfreev(self->mailboxes);
    g_clear_object(&self->cancel);
    g_free(self);
}
