/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* AUTHENTICATE (RFC 9051 section 6.2.2), with the first response in the command where the server
 * knows SASL-IR (RFC 4959). Nothing is sent behind it before its reply: Cyrus loses octets that
 * come in one read with a response, and parses old ones again. */
#include "imap/conn-private.h"

#include <glib/gi18n.h>
#include <string.h>

#include "imap/sasl.h"
#include "util/error.h"

static gboolean
put_response(ImsConn *self, ImsSasl *sasl, const char *challenge, GError **error)
{
    ImsSession *session = &self->session;
    char *response;

    if (!ims_sasl_step(sasl, challenge, &response, error))
        return FALSE;

    ims_session_put(session, response, strlen(response));
    ims_session_hide(session, response);
    ims_sasl_wipe(response);
    return TRUE;
}

static gboolean
send_command(ImsConn *self, ImsCmd *cmd, ImsSasl *sasl, gboolean *out_begun, GError **error)
{
    ImsSession *session = &self->session;

    ims_session_begin(session, cmd, "AUTHENTICATE ");
    ims_session_put_text(session, ims_sasl_mechanism(sasl));
    if (ims_conn_has(self, "SASL-IR") && ims_sasl_begins(sasl)) {
        ims_session_put_text(session, " ");
        if (!put_response(self, sasl, "", error))
            return FALSE;
        *out_begun = TRUE;
    }
    ims_session_put_text(session, "\r\n");
    ims_conn_sent_login(self, cmd);
    return TRUE;
}

/* What the server says to be answered; the first "+" asks for the first response, unless that has
 * gone with the command. Servers put words for people where the mechanism has no challenge. */
static const char *
challenge_of(const ImsSession *session, const ImsSasl *sasl, gboolean begun)
{
    return begun && ims_sasl_answers(sasl) && session->challenge != NULL ? session->challenge : "";
}

/* A server that does not prove that it knows the password may be anybody. */
static gboolean
check_proof(const ImsCmd *cmd, const ImsSasl *sasl, GError **error)
{
    if (ims_cmd_reply(cmd) == IMS_REPLY_NO || ims_sasl_has_ended(sasl))
        return TRUE;

    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_PROTOCOL,
        _("the server accepts the login by %s before its end, and has not proved who it is"),
        ims_sasl_mechanism(sasl));
    return FALSE;
}

static void
bind(const ImsConn *self, ImsSasl *sasl)
{
    ImsBinding binding;
    g_autoptr(GByteArray) data = ims_link_binding(self->link, &binding);

    if (data != NULL)
        ims_sasl_bind(sasl, binding, data);
}

gboolean
ims_conn_authenticate(
    ImsConn *self, ImsCmd *cmd, ImsAuth way, const ImsEndpoint *endpoint, GError **error)
{
    ImsSession *session = &self->session;
    g_autoptr(ImsSasl) sasl = ims_sasl_new(way, endpoint, error);
    gboolean begun = FALSE;

    if (endpoint->password != NULL)
        ims_session_hide(session, endpoint->password);
    if (sasl != NULL && ims_auth_is_bound(way))
        bind(self, sasl);
    if (sasl == NULL || !send_command(self, cmd, sasl, &begun, error))
        return FALSE;
    for (;;) {
        session->awaits_go_on = TRUE;
        if (!ims_conn_await_go_on(self, cmd, ims_conn_stage_end(self), error))
            return FALSE;
        if (ims_cmd_answered(cmd))
            break;
        if (!put_response(self, sasl, challenge_of(session, sasl, begun), error))
            return FALSE;
        begun = TRUE;
        ims_session_put_text(session, "\r\n");
    }
    session->awaits_go_on = FALSE;
    return check_proof(cmd, sasl, error);
}
