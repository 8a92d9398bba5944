/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Reading bodies: the waiting part of what stream.c does. */
#include "imap/conn-private.h"

#include <glib/gi18n.h>

#include "util/error.h"

ImsCmd *
ims_conn_fetch_bodies(ImsConn *self, const ImsUidSet *uids, GError **error)
{
    return ims_conn_issue_set(
        self,
        ims_cmd_new("UID FETCH", IMS_WANT_BODIES | IMS_NEEDS_MAILBOX),
        "UID FETCH",
        uids,
        " (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])",
        error);
}

typedef struct {
    const ImsSession *session;
    const ImsCmd *cmd;
} NextBody;

static gboolean
is_next_known(gconstpointer what)
{
    const NextBody *next = what;

    return ims_session_has_body(next->session) || ims_cmd_answered(next->cmd);
}

static gboolean
misuse(ImsConn *self, const char *what, GError **error)
{
    return ims_conn_fail(self, g_error_new_literal(IMS_ERROR, IMS_ERROR_PROTOCOL, what), error);
}

gboolean
ims_conn_next_body(
    ImsConn *self,
    ImsCmd *cmd,
    ImsMessage *out,
    guint64 *out_size,
    gboolean *out_more,
    GError **error)
{
    ImsSession *session = &self->session;
    NextBody next = {session, cmd};

    if (session->body.told && !ims_session_body_at_end(session))
        return misuse(self, _("the rest of a body was not read"), error);
    if (session->body.told)
        ims_session_close_body(session);
    if (!is_next_known(&next) &&
        !ims_conn_pump_for(self, is_next_known, &next, G_MAXINT64, IMS_STALL_US, error))
        return FALSE;

    *out_more = ims_session_has_body(session);
    if (*out_more)
        ims_session_take_body(session, out, out_size);
    return TRUE;
}

static gboolean
is_body_ready(gconstpointer what)
{
    return ims_session_body_ready(what);
}

gboolean
ims_conn_read_body(ImsConn *self, const guint8 **out_data, gsize *out_len, GError **error)
{
    ImsSession *session = &self->session;

    if (!session->body.told)
        return misuse(self, _("no body was begun"), error);
    if (!ims_session_body_ready(session) &&
        !ims_conn_pump(self, is_body_ready, G_MAXINT64, IMS_STALL_US, error))
        return FALSE;

    *out_len = ims_session_read_body(session, out_data);
    return ims_conn_usable(self, error);
}
