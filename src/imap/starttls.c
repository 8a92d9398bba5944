/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* From a greeting in the clear to TLS (RFC 9051 section 6.2.1). Whoever stands between us and the
 * server can say anything up to the handshake, so that nothing of it may have a lasting effect: the
 * session hears only what leads to TLS, nothing may stand behind the OK, and with TLS all is
 * forgotten. There is no way on without TLS. Nothing is sent behind STARTTLS before the handshake:
 * Dovecot then ends it, Cyrus loses the octets. */
#include "imap/conn-private.h"

#include <glib/gi18n.h>

#include "util/error.h"

static gboolean
check_offered(const ImsConn *self, GError **error)
{
    if (ims_conn_has(self, "STARTTLS"))
        return TRUE;

    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_SERVER_UNSUPPORTED,
        _("the server does not offer STARTTLS, and without TLS nobody logs in; if it has a port "
          "for TLS from the first byte (usually 993), set %s"),
        "type = imaps");
    return FALSE;
}

static gboolean
ask_for_tls(ImsConn *self, GError **error)
{
    g_autoptr(ImsCmd) cmd = ims_conn_issue(self, "STARTTLS", IMS_ENDS_CLEAR, "STARTTLS", error);

    if (cmd == NULL || !ims_conn_wait_until(self, cmd, ims_conn_stage_end(self), error))
        return FALSE;
    if (ims_cmd_reply(cmd) == IMS_REPLY_NO) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_SERVER_REJECTED,
            _("the server refuses STARTTLS, and without TLS nobody logs in; if it has a port for "
              "TLS from the first byte (usually 993), set %s"),
            "type = imaps");
        return FALSE;
    }
    return ims_conn_usable(self, error); /* it is not, if more came with the OK */
}

gboolean
ims_conn_start_tls(ImsConn *self, const ImsTlsPolicy *policy, GError **error)
{
    gint64 deadline_us;
    GError *fault = NULL;

    if (!ims_conn_ask_capabilities(self, error) || !check_offered(self, error) ||
        !ask_for_tls(self, error))
        return FALSE;

    deadline_us = ims_clock_monotonic(self->clock) + IMS_CONNECT_US;
    if (!ims_link_start_tls(
            self->link, policy, deadline_us, ims_pump_cancellable(self->pump), &fault))
        return ims_conn_fail(self, fault, error);

    ims_session_secured(&self->session);
    return TRUE;
}
