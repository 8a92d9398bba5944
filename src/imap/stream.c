/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Bodies, handed on while they come in. One at a time: while the reader has not come to the end of
 * one, the next waits in the server. One buffer fills while the other is lent to the reader, since
 * the pump goes on feeding while the reader waits for another connection. Header sections are eaten
 * here; their line tells the UID to which the fingerprint belongs. */
#include "imap/session.h"

#include "util/error.h"

/* The APPEND on the other side is begun with these; a server that tells them later would need the
 * body to be kept first. Dovecot and Cyrus tell them before. */
static gboolean
check_message(const ImsMessage *message, GError **error)
{
    const char *lacks = message->uid == 0                   ? "UID"
                        : !(message->have & IMS_HAVE_FLAGS) ? "FLAGS"
                        : !(message->have & IMS_HAVE_DATE)  ? "INTERNALDATE"
                                                            : NULL;

    if (lacks == NULL)
        return TRUE;

    g_set_error(
        error, IMS_ERROR, IMS_ERROR_PROTOCOL, "the server sends a body before its %s", lacks);
    return FALSE;
}

static void
open_body(ImsSession *self, const ImsMessage *message)
{
    ImsBody *body = &self->body;
    gsize len;

    ims_message_clear(&body->message);
    body->message = ims_message_copy(message);
    body->quoted = ims_parser_body_inline(self->parser, &len) != NULL;
    body->to_come = body->quoted ? 0 : ims_parser_body_left(self->parser);
    body->size = body->quoted ? len : body->to_come;
    body->quoted_lent = FALSE;
    body->told = FALSE;
    body->open = TRUE;
    ims_session_asked(self);
}

static gboolean
stream(ImsSession *self, ImsCmd *cmd, const ImsMessage *message, GError **error)
{
    if (!check_message(message, error))
        return FALSE;
    /* Not asked for, or a second time: a message must not be copied twice. */
    if (!ims_uidset_contains(cmd->asked, message->uid))
        return TRUE;

    self->held = self->body.open;
    if (self->held)
        return TRUE;

    ims_uidset_remove_range(cmd->asked, message->uid, message->uid);
    open_body(self, message);
    return TRUE;
}

static void
eat_header(ImsSession *self)
{
    const char *text;
    gsize len = 0;

    ims_fingerprint_free(self->header);
    self->header = ims_fingerprint_new();
    text = ims_parser_body_inline(self->parser, &len);
    if (text != NULL)
        ims_fingerprint_feed(self->header, (const guint8 *)text, len);
}

gboolean
ims_session_body_begins(ImsSession *self, GError **error)
{
    const ImsResponse *response = ims_parser_response(self->parser);
    const char *section = response->section != NULL ? response->section : "";
    ImsCmd *bodies = ims_session_reader(self, IMS_WANT_BODIES);
    ImsCmd *headers = ims_session_reader(self, IMS_WANT_HEADERS);

    if (bodies != NULL && *section == '\0')
        return stream(self, bodies, &response->fetch, error);
    if (headers != NULL && g_ascii_strncasecmp(section, "HEADER", 6) == 0)
        eat_header(self);
    return TRUE;
}

gboolean
ims_session_body_stalls(const ImsSession *self)
{
    const ImsBody *body = &self->body;

    return self->held || body->quoted || (body->to_come > 0 && ims_buf_room(&body->arriving) == 0);
}

gsize
ims_session_body_feed(ImsSession *self, const guint8 *data, gsize len)
{
    ImsBody *body = &self->body;
    gsize n = (gsize)MIN(ims_parser_body_left(self->parser), len);

    if (body->to_come > 0) {
        n = MIN(n, ims_buf_room(&body->arriving));
        if (n > 0 && !ims_buf_append(&body->arriving, data, n))
            return 0;
        body->to_come -= n;
        ims_session_asked(self);
    } else if (self->header != NULL) {
        ims_fingerprint_feed(self->header, data, n);
    }
    ims_parser_body_taken(self->parser, n);
    return n;
}

gboolean
ims_session_has_body(const ImsSession *self)
{
    return self->body.open && !self->body.told;
}

void
ims_session_take_body(ImsSession *self, ImsMessage *out, guint64 *out_size)
{
    ImsBody *body = &self->body;

    body->told = TRUE;
    *out = body->message;
    body->message = (ImsMessage){0};
    *out_size = body->size;
}

gboolean
ims_session_body_at_end(const ImsSession *self)
{
    const ImsBody *body = &self->body;

    return body->to_come == 0 && ims_buf_len(&body->arriving) == 0 &&
           (!body->quoted || body->quoted_lent);
}

gboolean
ims_session_body_ready(const ImsSession *self)
{
    return ims_session_body_at_end(self) || self->body.quoted ||
           ims_buf_len(&self->body.arriving) > 0;
}

static gsize
lend_quoted(ImsSession *self, const guint8 **out_data)
{
    gsize len = 0;

    *out_data = (const guint8 *)ims_parser_body_inline(self->parser, &len);
    self->body.quoted_lent = TRUE;
    return len;
}

gsize
ims_session_read_body(ImsSession *self, const guint8 **out_data)
{
    ImsBody *body = &self->body;
    ImsBuf spent = body->lent;

    if (body->quoted && !body->quoted_lent)
        return lend_quoted(self, out_data);

    ims_buf_consume(&spent, ims_buf_len(&spent));
    body->lent = body->arriving;
    body->arriving = spent;
    *out_data = ims_buf_head(&body->lent);
    return ims_buf_len(&body->lent);
}

void
ims_session_close_body(ImsSession *self)
{
    GError *local = NULL;
    gboolean held = self->held;

    self->body.open = FALSE;
    self->body.told = FALSE;
    self->body.quoted = FALSE;
    self->held = FALSE;
    if (held && !ims_session_body_begins(self, &local))
        ims_session_fail(self, local);
}
