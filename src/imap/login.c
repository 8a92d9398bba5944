/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* From the greeting to the flight in which QRESYNC is enabled, by the way that the endpoint and the
 * server agree on. A password passes through here only into the session's output, which wipes what
 * has gone; a copy made on the way is wiped here. How TLS begins stands in starttls.c, AUTHENTICATE
 * in authenticate.c; what is made of the replies, in confirm.c. */
#include "imap/conn-private.h"

#include <glib/gi18n.h>
#include <string.h>

#include "util/error.h"
#include "wire/encode.h"

#define STAGE_US (30 * G_USEC_PER_SEC)

gint64
ims_conn_stage_end(const ImsConn *self)
{
    return ims_clock_monotonic(self->clock) + STAGE_US;
}

/* -- LOGIN -- */

static void
put_quoted(ImsSession *session, const char *text)
{
    /* Room for every octet to be escaped: a buffer that moved would leave a copy behind. */
    GString *quoted = g_string_sized_new(2 * strlen(text) + 3);

    ims_encode_quoted(quoted, text);
    ims_session_put(session, quoted->str, quoted->len);
    explicit_bzero(quoted->str, quoted->allocated_len);
    g_string_free(quoted, TRUE);
}

/* If the server refuses the literal, @cmd is answered. */
static gboolean
put_string(ImsConn *self, const ImsCmd *cmd, const char *text, GError **error)
{
    ImsSession *session = &self->session;

    if (ims_encode_quotable(text)) {
        put_quoted(session, text);
        return TRUE;
    }
    ims_session_put_literal(session, strlen(text));
    if (!ims_conn_await_go_on(self, cmd, ims_conn_stage_end(self), error))
        return FALSE;
    if (!ims_cmd_answered(cmd))
        ims_session_put(session, text, strlen(text));
    return TRUE;
}

/* As it is, and as it stands in a quoted string. */
static void
hide_password(ImsSession *session, const char *password)
{
    GString *quoted = g_string_sized_new(2 * strlen(password) + 3);

    ims_session_hide(session, password);
    if (ims_encode_quotable(password)) {
        ims_encode_quoted(quoted, password);
        ims_session_hide(session, quoted->str);
    }
    explicit_bzero(quoted->str, quoted->allocated_len);
    g_string_free(quoted, TRUE);
}

static gboolean
send_login(ImsConn *self, ImsCmd *cmd, const ImsEndpoint *endpoint, GError **error)
{
    ImsSession *session = &self->session;

    ims_session_begin(session, cmd, "LOGIN ");
    if (!put_string(self, cmd, endpoint->username, error))
        return FALSE;
    if (ims_cmd_answered(cmd))
        return TRUE;

    ims_session_put_text(session, " ");
    hide_password(session, endpoint->password);
    if (!put_string(self, cmd, endpoint->password, error))
        return FALSE;
    if (!ims_cmd_answered(cmd))
        ims_session_put_text(session, "\r\n");
    return TRUE;
}

static gboolean
check_credentials(const ImsEndpoint *endpoint, GError **error)
{
    if (endpoint->username == NULL) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("the server wants a login, but no username is set: add one to the account's file"));
        return FALSE;
    }
    if (endpoint->password == NULL && ims_auth_list_needs_password(&endpoint->auth)) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CREDENTIALS_MISSING,
            _("no password is stored for %s"),
            endpoint->username);
        return FALSE;
    }
    return TRUE;
}

/* Servers do not agree on what LOGIN means with other octets, nor on the quoting of controls. */
static gboolean
is_ascii_text(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (!g_ascii_isprint(*c))
            return FALSE;
    }
    return ims_encode_quotable(text);
}

static gboolean
can_login(const ImsConn *self)
{
    return !ims_conn_has(self, "LOGINDISABLED");
}

static gboolean
refuse_ways(const ImsConn *self, const ImsEndpoint *endpoint, GError **error)
{
    g_autofree char *mechanisms = ims_caps_mechanisms(&self->session.offered);
    g_autofree char *offered = g_strdup_printf(
        "%s%s%s",
        can_login(self) ? "LOGIN" : "",
        can_login(self) && mechanisms != NULL ? ", " : "",
        mechanisms != NULL ? mechanisms : "");

    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_SERVER_UNSUPPORTED,
        endpoint->auth.n > 0
            ? _("the server offers none of the ways to log in that %s names: correct that; it "
                "offers %s")
            : _("the server offers no way to log in by a password that is known here (%s); it "
                "offers %s"),
        endpoint->auth.n > 0 ? "auth" : "LOGIN, PLAIN, SCRAM",
        *offered != '\0' ? offered : _("none at all"));
    return FALSE;
}

/* Servers agree on the binding of TLS 1.2. That of 1.3 is refused by Cyrus 3.6, so it is only used
 * where somebody wants it by name. */
static gboolean
can_bind(const ImsConn *self, const ImsEndpoint *endpoint)
{
    ImsBinding binding;
    g_autoptr(GByteArray) data = ims_link_binding(self->link, &binding);

    return data != NULL && (binding == IMS_BINDING_UNIQUE || endpoint->auth.n > 0);
}

/* LOGIN with other letters, or as a mechanism, is tried only if nothing else is there. */
static gboolean
is_open(const ImsConn *self, const ImsEndpoint *endpoint, ImsAuth way)
{
    g_autofree char *word = NULL;

    if (way == IMS_AUTH_LOGIN)
        return can_login(self) && endpoint->password != NULL && is_ascii_text(endpoint->username) &&
               is_ascii_text(endpoint->password);
    if (ims_auth_is_bound(way) && !can_bind(self, endpoint))
        return FALSE;
    word = g_strconcat("AUTH=", ims_auth_mechanism(way), NULL);
    return ims_conn_has(self, word) && (way == IMS_AUTH_EXTERNAL || endpoint->password != NULL);
}

static gboolean
choose_way(const ImsConn *self, const ImsEndpoint *endpoint, ImsAuth *out, GError **error)
{
    ImsAuthList list = ims_auth_list_default(&endpoint->auth);

    for (guint i = 0; i < list.n; i++) {
        if (is_open(self, endpoint, list.way[i])) {
            *out = list.way[i];
            return TRUE;
        }
    }
    if (!ims_auth_list_has(&endpoint->auth, IMS_AUTH_LOGIN) || endpoint->password == NULL ||
        !(can_login(self) || ims_conn_has(self, "AUTH=LOGIN")))
        return refuse_ways(self, endpoint, error);
    *out = IMS_AUTH_LOGIN;
    return TRUE;
}

/* A server that knows ENABLE before the login knows it in the same flight. */
static gboolean
login_by_login(ImsConn *self, const ImsEndpoint *endpoint, GError **error)
{
    g_autoptr(ImsCmd) cmd = ims_cmd_new("LOGIN", IMS_LOGS_IN);
    gboolean knows_enable;

    if (!send_login(self, cmd, endpoint, error))
        return FALSE;

    knows_enable = ims_conn_has(self, "ENABLE") && !ims_cmd_answered(cmd);
    ims_conn_sent_login(self, cmd);
    if (self->session.stage == IMS_STAGE_AHEAD)
        return TRUE;
    return (!knows_enable || ims_conn_enable(self, error)) && ims_conn_heed_login(self, error);
}

static gboolean
login(ImsConn *self, const ImsEndpoint *endpoint, GError **error)
{
    g_autoptr(ImsCmd) authenticate = NULL;
    ImsAuth way;

    if (!ims_conn_ask_capabilities(self, error) || !check_credentials(endpoint, error) ||
        !choose_way(self, endpoint, &way, error))
        return FALSE;
    self->way = ims_auth_mechanism(way);
    if (way == IMS_AUTH_LOGIN && can_login(self))
        return login_by_login(self, endpoint, error);

    authenticate = ims_cmd_new("AUTHENTICATE", IMS_LOGS_IN);
    return ims_conn_authenticate(self, authenticate, way, endpoint, error) &&
           ims_conn_heed_login(self, error);
}

/* Its VANISHED and its sequence numbers are wrong, so that mail seems deleted which is not. It goes
 * by its hosts, or by a mechanism that nobody else has. */
static gboolean
check_not_icloud(const ImsConn *self, const ImsEndpoint *endpoint, GError **error)
{
    static const char *const domains[] = {".mail.me.com", ".icloud.com"};
    gboolean is_icloud = ims_caps_has(&self->session.offered, "AUTH=ATOKEN");

    for (gsize i = 0; endpoint->host != NULL && i < G_N_ELEMENTS(domains); i++) {
        g_autofree char *dotted = g_strconcat(".", endpoint->host, NULL);
        g_autofree char *host = g_ascii_strdown(dotted, -1);

        is_icloud |= g_str_has_suffix(host, domains[i]);
    }
    if (!is_icloud)
        return TRUE;
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_SERVER_UNSUPPORTED,
        _("this is iCloud, whose QRESYNC is known to be broken: it reports mail as deleted that is "
          "not, so it is not synced; use another server"));
    return FALSE;
}

/* Over a network, or to this computer; a command may greet with PREAUTH, or not. */
static void
remember(ImsConn *self, const ImsOffers *offers)
{
    self->remembered = (ImsOffers){g_strdup(offers->before), g_strdup(offers->after)};
    ims_caps_parse(&self->session.offered, offers->before);
    ims_caps_parse(&self->session.caps, offers->after);
}

gboolean
ims_conn_login(ImsConn *self, const ImsEndpoint *endpoint, const ImsOffers *offers, GError **error)
{
    gboolean is_command = endpoint->type == IMS_ENDPOINT_COMMAND;
    gboolean is_starttls = endpoint->type == IMS_ENDPOINT_STARTTLS;
    gboolean known = offers->before != NULL && !is_command;

    if ((!known || is_starttls) && !ims_conn_await_greeting(self, is_command, error))
        return FALSE;
    if (is_starttls && !ims_conn_start_tls(self, &endpoint->tls, error))
        return FALSE;
    if (known)
        remember(self, offers);
    if (!check_not_icloud(self, endpoint, error))
        return FALSE;
    if (self->session.stage == IMS_STAGE_ANYBODY ? !login(self, endpoint, error)
                                                 : !ims_conn_heed_login(self, error))
        return FALSE;
    return (self->enable != NULL || ims_conn_enable(self, error)) && ims_conn_identify(self, error);
}
