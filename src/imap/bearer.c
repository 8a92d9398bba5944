/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The mechanisms by a token, which GNU SASL 2.2 does not have. A server that refuses a token says
 * why in a challenge, for programs and the same whatever is wrong, and waits to be answered before
 * its NO comes: by one octet in OAUTHBEARER (RFC 7628 section 3.2.3), by nothing in XOAUTH2. */
#include "imap/bearer.h"

#include <glib/gi18n.h>
#include <string.h>

#include "imap/sasl.h"
#include "util/error.h"

#define SEPARATOR "\001"

struct ImsBearer {
    ImsAuth way;
    char *message; /* NULL: it was said */
    gboolean over;
};

/* No more than what a token is made of; services differ in whether they keep to base64. */
static gboolean
check_token(const char *token, GError **error)
{
    for (const char *c = token; *c != '\0'; c++) {
        if (!g_ascii_isgraph(*c)) {
            g_set_error(
                error,
                IMS_ERROR,
                IMS_ERROR_AUTH_FAILED,
                _("what stands in place of the token holds letters that no token has"));
            return FALSE;
        }
    }
    return TRUE;
}

/* A name in GS2's header (RFC 5801 section 4). */
static void
append_saslname(GString *text, const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        if (*c == '=')
            g_string_append(text, "=3D");
        else if (*c == ',')
            g_string_append(text, "=2C");
        else
            g_string_append_c(text, *c);
    }
}

/* Of a server behind a command, neither host nor port is known. */
static void
append_oauthbearer(GString *text, const ImsEndpoint *endpoint)
{
    g_string_append(text, "n,a=");
    append_saslname(text, endpoint->username);
    g_string_append(text, "," SEPARATOR);
    if (endpoint->host != NULL)
        g_string_append_printf(
            text, "host=%s" SEPARATOR "port=%u" SEPARATOR, endpoint->host, endpoint->port);
}

static char *
make_message(ImsAuth way, const ImsEndpoint *endpoint)
{
    const char *host = endpoint->host != NULL ? endpoint->host : "";
    /* Room for all of it: a buffer that moved would leave a copy behind. */
    GString *text = g_string_sized_new(
        3 * strlen(endpoint->username) + strlen(host) + strlen(endpoint->password) + 64);

    if (way == IMS_AUTH_OAUTHBEARER)
        append_oauthbearer(text, endpoint);
    else
        g_string_append_printf(text, "user=%s" SEPARATOR, endpoint->username);
    g_string_append(text, "auth=Bearer ");
    g_string_append(text, endpoint->password);
    g_string_append(text, SEPARATOR SEPARATOR);
    return g_string_free(text, FALSE);
}

ImsBearer *
ims_bearer_new(ImsAuth way, const ImsEndpoint *endpoint, GError **error)
{
    ImsBearer *self;

    if (!check_token(endpoint->password, error))
        return NULL;

    self = g_new0(ImsBearer, 1);
    self->way = way;
    self->message = make_message(way, endpoint);
    return self;
}

void
ims_bearer_free(ImsBearer *self)
{
    if (self == NULL)
        return;

    ims_sasl_wipe(self->message);
    g_free(self);
}

char *
ims_bearer_next(ImsBearer *self)
{
    if (self->message != NULL)
        return g_steal_pointer(&self->message);
    if (self->over)
        return NULL;

    self->over = TRUE;
    return g_strdup(self->way == IMS_AUTH_OAUTHBEARER ? SEPARATOR : "");
}
