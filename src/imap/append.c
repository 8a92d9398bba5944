/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* APPEND, streamed. What was announced is sent to the octet, or the connection is closed: a server
 * takes what comes behind a literal for the next command, and stores what was padded. So octets go
 * on even after an early NO: Dovecot says it at once, and skips the literal that was announced.
 * Flags and date are written by wire/encode, never passed through. */
#include "imap/conn-private.h"

#include <glib/gi18n.h>

#include "util/error.h"
#include "wire/encode.h"

#define UNSENT_MAX (256 * 1024)

static gboolean
break_off(ImsConn *self, const char *why, GError **error)
{
    return ims_conn_fail(self, g_error_new_literal(IMS_ERROR, IMS_ERROR_PROTOCOL, why), error);
}

static void
leave_append(ImsSession *session)
{
    g_clear_pointer(&session->append.cmd, ims_cmd_unref);
    session->append = (ImsAppend){0};
}

static void
end_line(ImsSession *session)
{
    ims_session_put_text(session, "\r\n");
    leave_append(session);
}

ImsCmd *
ims_conn_append_begin(ImsConn *self, const char *mailbox, GError **error)
{
    ImsSession *session = &self->session;
    g_autoptr(GString) text = g_string_new("APPEND ");
    ImsCmd *cmd;

    if (!ims_conn_make_room(self, error))
        return NULL;
    if (!ims_encode_mailbox(text, mailbox))
        return ims_cmd_new_refused("APPEND", _("the name of the mailbox cannot be sent"));

    cmd = ims_cmd_new("APPEND", 0);
    ims_session_begin(session, cmd, text->str);
    session->append.cmd = ims_cmd_ref(cmd);
    return cmd;
}

static void
put_message(ImsSession *session, const ImsFlags *flags, gint64 date, guint64 size)
{
    g_autoptr(GString) text = g_string_new(" ");

    ims_encode_flags(text, flags);
    g_string_append_c(text, ' ');
    ims_encode_date(text, date);
    g_string_append_c(text, ' ');
    ims_session_put_text(session, text->str);
    ims_session_put_literal(session, size);
    session->append.n_messages++;
    session->append.left = size;
}

gboolean
ims_conn_append_message(
    ImsConn *self,
    ImsCmd *cmd,
    const ImsFlags *flags,
    gint64 date,
    guint64 size,
    gboolean *out_refused,
    GError **error)
{
    ImsSession *session = &self->session;

    if (!ims_conn_usable(self, error))
        return FALSE;
    if (session->append.left > 0)
        return break_off(self, _("a message is shorter than was announced"), error);
    if (session->append.cmd != cmd || ims_cmd_answered(cmd)) {
        if (session->append.cmd == cmd)
            end_line(session);
        *out_refused = TRUE;
        return TRUE;
    }

    put_message(session, flags, date, size);
    if (!ims_conn_await_go_on(self, cmd, G_MAXINT64, error))
        return FALSE;
    *out_refused = session->awaits_go_on;
    if (session->awaits_go_on)
        leave_append(session);
    session->awaits_go_on = FALSE;
    return TRUE;
}

static gboolean
has_room(gconstpointer what)
{
    const ImsSession *session = what;

    return ims_buf_len(&session->output) < UNSENT_MAX;
}

gboolean
ims_conn_append_write(ImsConn *self, const guint8 *data, gsize len, GError **error)
{
    ImsSession *session = &self->session;

    if (!ims_conn_usable(self, error))
        return FALSE;
    if (len > session->append.left)
        return break_off(self, _("a message is longer than was announced"), error);

    while (len > 0) {
        gsize n;

        if (!has_room(session) && !ims_conn_pump(self, has_room, G_MAXINT64, IMS_STALL_US, error))
            return FALSE;
        n = MIN(len, UNSENT_MAX - ims_buf_len(&session->output));
        ims_session_put(session, data, n);
        session->append.left -= n;
        data += n;
        len -= n;
    }
    return TRUE;
}

gboolean
ims_conn_append_end(ImsConn *self, ImsCmd *cmd, GError **error)
{
    ImsSession *session = &self->session;

    if (!ims_conn_usable(self, error))
        return FALSE;
    if (session->append.left > 0)
        return break_off(self, _("a message is shorter than was announced"), error);
    if (session->append.cmd != cmd)
        return TRUE;
    if (session->append.n_messages == 0)
        return break_off(self, _("an APPEND has no message"), error);

    end_line(session);
    return ims_conn_usable(self, error);
}
