/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* COMPRESS=DEFLATE (RFC 4978). Nothing may stand behind the command until its OK has come (Dovecot
 * hangs on it), so it ends a flight and the next one waits for it: it costs no flight of its own.
 * On a tunnel it is the command's business whether to compress; on this computer it is a waste. */
#include "imap/conn-private.h"

#include <glib/gi18n.h>

#include "util/error.h"

gboolean
ims_conn_wants_compress(const ImsConn *self)
{
    if (self->compress == IMS_COMPRESS_AUTO)
        return ims_link_is_remote(self->link);
    return self->compress == IMS_COMPRESS_YES;
}

gboolean
ims_conn_compress(ImsConn *self, GError **error)
{
    if (!ims_conn_usable(self, error))
        return FALSE;
    if (self->asked != NULL || !ims_conn_wants_compress(self) ||
        !ims_conn_has(self, "COMPRESS=DEFLATE"))
        return TRUE;

    self->compress = IMS_COMPRESS_NO;
    self->asked = ims_conn_issue(self, "COMPRESS", IMS_ENDS_PLAIN, "COMPRESS DEFLATE", error);
    return self->asked != NULL;
}

/* A NO costs nothing but octets. */
gboolean
ims_conn_heed_compress(ImsConn *self, GError **error)
{
    g_autoptr(ImsCmd) cmd = g_steal_pointer(&self->asked);

    if (cmd == NULL)
        return TRUE;
    if (!ims_conn_wait(self, cmd, error))
        return FALSE;
    if (ims_cmd_reply(cmd) == IMS_REPLY_NO)
        return TRUE;

    if (ims_buf_len(&self->session.output) > 0)
        return ims_conn_fail(
            self,
            g_error_new(
                IMS_ERROR, IMS_ERROR_PROTOCOL, _("the server answers COMPRESS before it was sent")),
            error);
    self->deflate = ims_deflate_new(&ims_session_client, &self->session);
    ims_pump_replace(self->pump, self->link, &ims_deflate_client, self->deflate);
    ims_session_unpacked(&self->session);
    return TRUE;
}
