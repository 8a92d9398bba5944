/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* From the greeting to a session in which QRESYNC is enabled. LOGIN and ENABLE go in one flight
 * where the server told before login that it knows ENABLE. Capabilities from before login are
 * forgotten when LOGIN is sent. A password passes through here only into the session's output,
 * which wipes what has gone; a copy made on the way is wiped here. How TLS begins stands in
 * starttls.c, AUTHENTICATE in authenticate.c. */
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

static gboolean
is_greeted(gconstpointer what)
{
    const ImsSession *session = what;

    return session->greeted;
}

static gboolean
await_greeting(ImsConn *self, ImsEndpointType type, GError **error)
{
    ImsSession *session = &self->session;

    if (!ims_conn_pump(self, is_greeted, ims_conn_stage_end(self), 0, error))
        return FALSE;
    if (session->greeting == IMS_BYE) {
        ims_session_closed(session, error);
        return FALSE;
    }
    /* Somebody on the way could pretend that we are logged in, as another user. */
    if (session->greeting == IMS_PREAUTH && type != IMS_ENDPOINT_COMMAND) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_PROTOCOL,
            _("the server greets with PREAUTH, which is refused on a network connection: correct "
              "host and port, or reach it by a tunnel"));
        return FALSE;
    }
    return TRUE;
}

gboolean
ims_conn_ask_capabilities(ImsConn *self, GError **error)
{
    g_autoptr(ImsCmd) cmd = NULL;

    if (ims_caps_known(&self->session.caps))
        return TRUE;

    cmd = ims_conn_issue(self, "CAPABILITY", 0, "CAPABILITY", error);
    if (cmd == NULL || !ims_conn_wait_until(self, cmd, ims_conn_stage_end(self), error))
        return FALSE;
    if (!ims_caps_known(&self->session.caps)) {
        g_set_error(
            error, IMS_ERROR, IMS_ERROR_PROTOCOL, _("the server does not tell its capabilities"));
        return FALSE;
    }
    return TRUE;
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

    ims_session_put(session, " ", 1);
    hide_password(session, endpoint->password);
    if (!put_string(self, cmd, endpoint->password, error))
        return FALSE;
    if (!ims_cmd_answered(cmd))
        ims_session_put(session, "\r\n", 2);
    return TRUE;
}

static ImsError
refusal_error(const ImsCode *code)
{
    static const struct {
        const char *name;
        ImsError error;
    } table[] = {
        {"UNAVAILABLE", IMS_ERROR_OFFLINE},
        {"INUSE", IMS_ERROR_OFFLINE},
        {"LIMIT", IMS_ERROR_OFFLINE},
        {"SERVERBUG", IMS_ERROR_SERVER_REJECTED},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        if (g_strcmp0(code->name, table[i].name) == 0)
            return table[i].error;
    }
    return IMS_ERROR_AUTH_FAILED;
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
    g_autofree char *mechanisms = ims_caps_mechanisms(&self->session.caps);
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
            ? _("the server offers none of the ways to log in that %s names; it offers %s")
            : _("the server offers no way to log in by a password that is known here (%s); it "
                "offers %s"),
        endpoint->auth.n > 0 ? "auth" : "LOGIN, PLAIN, SCRAM",
        *offered != '\0' ? offered : _("none at all"));
    return FALSE;
}

/* LOGIN with other letters is tried only if nothing else is there. */
static gboolean
is_open(const ImsConn *self, const ImsEndpoint *endpoint, ImsAuth way)
{
    g_autofree char *word = NULL;

    if (way == IMS_AUTH_LOGIN)
        return can_login(self) && endpoint->password != NULL && is_ascii_text(endpoint->username) &&
               is_ascii_text(endpoint->password);
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
    if (!ims_auth_list_has(&endpoint->auth, IMS_AUTH_LOGIN) || !can_login(self) ||
        endpoint->password == NULL)
        return refuse_ways(self, endpoint, error);
    *out = IMS_AUTH_LOGIN;
    return TRUE;
}

static gboolean
check_accepted(const ImsCmd *cmd, GError **error)
{
    if (ims_cmd_reply(cmd) != IMS_REPLY_NO)
        return TRUE;

    g_set_error(
        error,
        IMS_ERROR,
        (gint)refusal_error(ims_cmd_code(cmd)),
        _("the server refuses the login: %s"),
        ims_cmd_text(cmd));
    return FALSE;
}

/* @out_enable: (out): ENABLE, if it could go in the same flight. */
static gboolean
login_by_login(ImsConn *self, const ImsEndpoint *endpoint, ImsCmd **out_enable, GError **error)
{
    g_autoptr(ImsCmd) cmd = ims_cmd_new("LOGIN", 0);
    g_autoptr(ImsCmd) enable = NULL;
    gboolean knows_enable;

    if (!send_login(self, cmd, endpoint, error))
        return FALSE;

    knows_enable = ims_conn_has(self, "ENABLE") && !ims_cmd_answered(cmd);
    ims_caps_clear(&self->session.caps);
    if (knows_enable) {
        enable = ims_conn_issue(self, "ENABLE", 0, "ENABLE QRESYNC", error);
        if (enable == NULL)
            return FALSE;
    }
    if (!ims_conn_wait_until(self, cmd, ims_conn_stage_end(self), error) ||
        !check_accepted(cmd, error))
        return FALSE;

    *out_enable = g_steal_pointer(&enable);
    return TRUE;
}

static gboolean
login(ImsConn *self, const ImsEndpoint *endpoint, ImsCmd **out_enable, GError **error)
{
    g_autoptr(ImsCmd) authenticate = NULL;
    ImsAuth way;

    if (!ims_conn_ask_capabilities(self, error) || !check_credentials(endpoint, error) ||
        !choose_way(self, endpoint, &way, error))
        return FALSE;
    if (way == IMS_AUTH_LOGIN)
        return login_by_login(self, endpoint, out_enable, error);

    authenticate = ims_cmd_new("AUTHENTICATE", 0);
    return ims_conn_authenticate(self, authenticate, way, endpoint, error) &&
           check_accepted(authenticate, error);
}

/* -- ENABLE -- */

static gboolean
check_capabilities(const ImsConn *self, GError **error)
{
    g_autofree char *missing = ims_caps_missing(&self->session.caps);

    if (missing == NULL)
        return TRUE;

    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_SERVER_UNSUPPORTED,
        _("the server does not offer %s: enable that there, or use another server"),
        missing);
    return FALSE;
}

/* Servers answer OK to an ENABLE of what they do not know; only the untagged ENABLED tells. */
static gboolean
enable_qresync(ImsConn *self, ImsCmd *issued, GError **error)
{
    g_autoptr(ImsCmd) cmd = issued;

    if (cmd == NULL)
        cmd = ims_conn_issue(self, "ENABLE", 0, "ENABLE QRESYNC", error);
    if (cmd == NULL || !ims_conn_wait_until(self, cmd, ims_conn_stage_end(self), error))
        return FALSE;
    if (!self->session.qresync) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_SERVER_UNSUPPORTED,
            _("the server offers QRESYNC but does not enable it: use another server"));
        return FALSE;
    }
    return TRUE;
}

gboolean
ims_conn_login(ImsConn *self, const ImsEndpoint *endpoint, GError **error)
{
    g_autoptr(ImsCmd) enable = NULL;

    if (!await_greeting(self, endpoint->type, error))
        return FALSE;
    if (endpoint->type == IMS_ENDPOINT_STARTTLS && !ims_conn_start_tls(self, &endpoint->tls, error))
        return FALSE;
    if (self->session.greeting != IMS_PREAUTH && !login(self, endpoint, &enable, error))
        return FALSE;
    if (!ims_conn_ask_capabilities(self, error) || !check_capabilities(self, error))
        return FALSE;

    return enable_qresync(self, g_steal_pointer(&enable), error);
}
