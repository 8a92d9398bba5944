/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* AUTHENTICATE (RFC 9051 section 6.2.2), with the first response in the command where the server
 * knows SASL-IR (RFC 4959). Nothing is sent behind it before its reply: Cyrus loses octets that
 * come in one read with a response, and parses old ones again. */
#include "imap/conn-private.h"

#include <string.h>

#include "imap/sasl.h"

/* PLAIN answers no challenge: servers put words for people behind the "+". */
static gboolean
put_response(ImsConn *self, ImsSasl *sasl, GError **error)
{
    ImsSession *session = &self->session;
    char *response;

    if (!ims_sasl_step(sasl, "", &response, error))
        return FALSE;

    ims_session_put(session, response, strlen(response));
    ims_session_hide(session, response);
    ims_sasl_wipe(response);
    return TRUE;
}

static gboolean
send_command(ImsConn *self, ImsCmd *cmd, ImsSasl *sasl, GError **error)
{
    ImsSession *session = &self->session;

    ims_session_begin(session, cmd, "AUTHENTICATE ");
    ims_session_put(session, ims_sasl_mechanism(sasl), strlen(ims_sasl_mechanism(sasl)));
    if (ims_conn_has(self, "SASL-IR")) {
        ims_session_put(session, " ", 1);
        if (!put_response(self, sasl, error))
            return FALSE;
    }
    ims_session_put(session, "\r\n", 2);
    ims_caps_clear(&session->caps);
    return TRUE;
}

gboolean
ims_conn_authenticate(ImsConn *self, ImsCmd *cmd, const ImsEndpoint *endpoint, GError **error)
{
    ImsSession *session = &self->session;
    g_autoptr(ImsSasl) sasl = ims_sasl_new_plain(endpoint->username, endpoint->password, error);

    ims_session_hide(session, endpoint->password);
    if (sasl == NULL || !send_command(self, cmd, sasl, error))
        return FALSE;
    for (;;) {
        session->awaits_go_on = TRUE;
        if (!ims_conn_await_go_on(self, cmd, ims_conn_stage_end(self), error))
            return FALSE;
        if (ims_cmd_answered(cmd))
            break;
        if (!put_response(self, sasl, error))
            return FALSE;
        ims_session_put(session, "\r\n", 2);
    }
    session->awaits_go_on = FALSE;
    return TRUE;
}
