/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Service and client both read a proxy from an account's file: the one connects by it, the other
 * stores the password of its user. */

#include "util/proxy.h"

#include <string.h>

#define SCHEME       "socks5://"
#define DEFAULT_PORT 1080
#define MAX_LEN      255 /* of user name and host, RFC 1928 and 1929 */

static gboolean
is_plain(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (g_ascii_iscntrl(*c) || g_ascii_isspace(*c))
            return FALSE;
    }
    return *text != '\0' && strlen(text) <= MAX_LEN;
}

static gboolean
read_username(ImsProxy *self, const char *text, gsize len, gboolean *out_password)
{
    g_autofree char *escaped = g_strndup(text, len);

    *out_password = strchr(escaped, ':') != NULL;
    if (!*out_password)
        self->username = g_uri_unescape_string(escaped, NULL);
    return self->username != NULL && is_plain(self->username) &&
           g_utf8_validate(self->username, -1, NULL);
}

static gboolean
read_port(ImsProxy *self, const char *text)
{
    guint64 port = DEFAULT_PORT;

    if (*text != '\0' &&
        (*text != ':' || !g_ascii_string_to_unsigned(text + 1, 10, 1, G_MAXUINT16, &port, NULL)))
        return FALSE;
    self->port = (guint16)port;
    return TRUE;
}

static gboolean
read_host(ImsProxy *self, const char *text)
{
    gboolean bracket = *text == '[';
    const char *end = bracket ? strchr(text, ']') : text + strcspn(text, ":");

    if (end == NULL)
        return FALSE;
    self->host = g_strndup(text + bracket, (gsize)(end - text) - bracket);
    if (!is_plain(self->host) || strpbrk(self->host, "/?#%@[]") != NULL)
        return FALSE;
    return read_port(self, end + bracket);
}

static gboolean
read_socks5(ImsProxy *self, const char *text, gboolean *out_password)
{
    g_autofree char *rest = NULL;
    const char *at;

    if (g_ascii_strncasecmp(text, SCHEME, strlen(SCHEME)) != 0)
        return FALSE;
    rest = g_strdup(text + strlen(SCHEME));
    if (g_str_has_suffix(rest, "/"))
        rest[strlen(rest) - 1] = '\0';
    at = strrchr(rest, '@');
    self->kind = IMS_PROXY_SOCKS5;
    if (at != NULL && !read_username(self, rest, (gsize)(at - rest), out_password))
        return FALSE;
    return read_host(self, at != NULL ? at + 1 : rest);
}

gboolean
ims_proxy_parse(ImsProxy *self, const char *text, gboolean *out_password)
{
    *self = (ImsProxy){0};
    *out_password = FALSE;
    if (g_str_equal(text, "none")) {
        self->kind = IMS_PROXY_NONE;
        return TRUE;
    }
    if (read_socks5(self, text, out_password))
        return TRUE;
    ims_proxy_clear(self);
    return FALSE;
}

char *
ims_proxy_name(const ImsProxy *self)
{
    gboolean bracket = strchr(self->host, ':') != NULL;

    return g_strdup_printf(
        SCHEME "%s%s%s:%u", bracket ? "[" : "", self->host, bracket ? "]" : "", self->port);
}

gboolean
ims_proxy_is_named(const ImsProxy *self, const char *words)
{
    g_autofree char *name = self->kind == IMS_PROXY_SOCKS5 ? ims_proxy_name(self) : NULL;

    return name != NULL && strstr(words, name) != NULL;
}

void
ims_proxy_copy(ImsProxy *self, const ImsProxy *from)
{
    self->kind = from->kind;
    self->host = g_strdup(from->host);
    self->port = from->port;
    self->username = g_strdup(from->username);
    self->password = g_strdup(from->password);
}

void
ims_proxy_clear(ImsProxy *self)
{
    if (self->password != NULL)
        explicit_bzero(self->password, strlen(self->password));
    g_free(self->password);
    g_free(self->username);
    g_free(self->host);
    *self = (ImsProxy){0};
}
