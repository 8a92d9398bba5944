/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Addresses as people type them after `add`. GUri is not used, since it ends the user info at the
 * first `@` and would refuse the user names that most providers hand out. A password in the address
 * is refused: it would stand in the shell's history and in the list of processes. */

#include "cli/address.h"

#include <glib/gi18n.h>
#include <string.h>

#include "util/error.h"

static const struct {
    const char *start, *type;
} schemes[] = {{"imaps://", "imaps"}, {"imap://", "imap"}};

/* The address itself is not repeated: a password that was typed into it by mistake would end in
 * logs. */
static gboolean
fail(const char *reason, GError **error)
{
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CONFIG,
        _("the address %s; it looks like imaps://user@host or imaps://user@host:port (imap:// for "
          "STARTTLS), or like user@example.net, whose server is looked up"),
        reason);

    return FALSE;
}

/* Whether @text has no control character and no space: neither belongs in a name or a host. */
static gboolean
is_plain(const char *text)
{
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        if (g_unichar_iscntrl(c) || g_unichar_isspace(c))
            return FALSE;
    }

    return TRUE;
}

static gboolean
parse_username(ImsAddress *self, const char *user, gsize len, GError **error)
{
    g_autofree char *escaped = g_strndup(user, len);

    if (len == 0)
        return fail(_("has no user name"), error);
    if (strchr(escaped, ':') != NULL)
        return fail(
            /* xgettext:no-c-format */
            _("must not hold a password (a colon in a user name is typed as %3A)"),
            error);

    self->username = g_uri_unescape_string(escaped, NULL);
    if (self->username == NULL || !g_utf8_validate(self->username, -1, NULL))
        return fail(_("has a percent-escape that is wrong"), error);
    if (!is_plain(self->username))
        return fail(_("has a space or a control character in its user name"), error);

    return TRUE;
}

static gboolean
parse_port(ImsAddress *self, const char *port, GError **error)
{
    guint64 value;

    if (!g_ascii_string_to_unsigned(port, 10, 1, G_MAXUINT16, &value, NULL))
        return fail(_("has a port that is no number from 1 to 65535"), error);
    self->port = (guint16)value;

    return TRUE;
}

/* @host is what follows the last `@`, without a closing slash. */
static gboolean
parse_host(ImsAddress *self, const char *host, GError **error)
{
    const char *end;

    if (*host == '[') {
        end = strchr(++host, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return fail(_("has a bracket that is not closed"), error);
        self->host = g_strndup(host, (gsize)(end++ - host));
        if (!g_hostname_is_ip_address(self->host))
            return fail(_("has no IP address in its brackets"), error);
    } else {
        end = host + strcspn(host, ":");
        self->host = g_strndup(host, (gsize)(end - host));
    }

    if (*self->host == '\0')
        return fail(_("has no host"), error);
    if (!is_plain(self->host) || strpbrk(self->host, "/?#%") != NULL)
        return fail(_("has something behind its host"), error);

    return *end == '\0' || parse_port(self, end + 1, error);
}

/* Returns: what follows the scheme; NULL if it is none of ours. */
static const char *
parse_scheme(ImsAddress *self, const char *text)
{
    for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++) {
        gsize len = strlen(schemes[i].start);

        if (g_ascii_strncasecmp(text, schemes[i].start, len) == 0) {
            self->type = schemes[i].type;
            return text + len;
        }
    }
    return NULL;
}

/* @at: its last `@` */
static gboolean
parse_mail(ImsAddress *self, const char *text, const char *at, GError **error)
{
    if (at == text)
        return fail(_("has no user name"), error);
    if (!is_plain(text))
        return fail(_("has a space or a control character"), error);
    if (at[1] == '\0' || strpbrk(at, ":/?#%[]") != NULL || g_hostname_is_ip_address(at + 1))
        return fail(_("has no domain behind its @"), error);
    self->username = g_strdup(text);
    self->host = g_strdup(at + 1);

    return TRUE;
}

static gboolean
is_mail(const char *text)
{
    gsize len = strcspn(text, ":");

    return strchr(text, '@') != NULL && text[len] == '\0';
}

ImsAddress *
ims_address_parse(const char *text, GError **error)
{
    g_autoptr(ImsAddress) self = g_new0(ImsAddress, 1);
    g_autofree char *rest = NULL;
    const char *body;
    char *at;

    if (!g_utf8_validate(text, -1, NULL)) {
        g_set_error(error, IMS_ERROR, IMS_ERROR_CONFIG, _("the address is not valid UTF-8"));
        return NULL;
    }
    body = parse_scheme(self, text);
    if (body == NULL && is_mail(text))
        return parse_mail(self, text, strrchr(text, '@'), error) ? g_steal_pointer(&self) : NULL;
    if (body == NULL) {
        fail(_("does not start with imaps:// or imap://"), error);
        return NULL;
    }

    rest = g_strdup(body);
    if (g_str_has_suffix(rest, "/"))
        rest[strlen(rest) - 1] = '\0';
    at = strrchr(rest, '@');
    if (at == NULL) {
        fail(_("has no user name"), error);
        return NULL;
    }
    if (!parse_username(self, rest, (gsize)(at - rest), error) || !parse_host(self, at + 1, error))
        return NULL;

    return g_steal_pointer(&self);
}

void
ims_address_free(ImsAddress *self)
{
    if (self == NULL)
        return;

    g_free(self->username);
    g_free(self->host);
    g_free(self);
}
