/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Bodies, handed on while they come in. One at a time: while the reader has not come to the end of
 * one, the next waits in the server. One buffer fills while the other is lent to the reader, since
 * the pump goes on feeding while the reader waits for another connection. Header sections are eaten
 * here; their line tells the UID to which the fingerprint belongs.
 *
 * A server may tell flags, date, size or UID behind the body. Then the body is spooled, since the
 * APPEND on the other side begins with them, and handed out once its line has ended. */
#include "imap/session.h"

#include "util/error.h"

/* With these the APPEND on the other side is begun, and the row of the pair is made. Dovecot and
 * Cyrus tell them before the body. */
static gboolean
is_whole(const ImsMessage *message)
{
    const guint all = IMS_HAVE_FLAGS | IMS_HAVE_SIZE | IMS_HAVE_DATE;

    return message->uid != 0 && (message->have & all) == all;
}

static void
open_body(ImsSession *self, const ImsMessage *message, guint64 size)
{
    ImsBody *body = &self->body;

    ims_message_clear(&body->message);
    body->message = ims_message_copy(message);
    body->size = size;
    body->told = FALSE;
    body->open = TRUE;
    ims_session_asked(self);
}

static void
open_stream(ImsSession *self, const ImsMessage *message)
{
    ImsBody *body = &self->body;
    gsize len;

    g_clear_pointer(&body->spool, ims_spool_free);
    body->quoted = ims_parser_body_inline(self->parser, &len) != NULL;
    body->to_come = body->quoted ? 0 : ims_parser_body_left(self->parser);
    body->quoted_lent = FALSE;
    open_body(self, message, body->quoted ? len : body->to_come);
}

static gboolean
begin_spool(ImsSession *self, GError **error)
{
    ImsBody *body = &self->body;
    gsize len = 0;
    const char *text = ims_parser_body_inline(self->parser, &len);

    ims_spool_free(body->spool);
    body->spool = ims_spool_new(IMS_SPOOL_MAX);
    body->to_come = ims_parser_body_left(self->parser);
    body->n_unasked = self->n_unasked;
    return text == NULL || ims_spool_write(body->spool, (const guint8 *)text, len, error);
}

static gboolean
stream(ImsSession *self, ImsCmd *cmd, const ImsMessage *message, GError **error)
{
    /* Not asked for, or a second time: a message must not be copied twice. */
    if (message->uid != 0 && !ims_uidset_contains(cmd->asked, message->uid))
        return TRUE;

    self->held = self->body.open;
    if (self->held)
        return TRUE;
    if (!is_whole(message))
        return begin_spool(self, error);

    ims_uidset_remove_range(cmd->asked, message->uid, message->uid);
    open_stream(self, message);
    return TRUE;
}

/* What was not asked for counts as such after all. */
static void
drop_spool(ImsSession *self)
{
    self->n_unasked = self->body.n_unasked + ims_spool_size(self->body.spool);
    g_clear_pointer(&self->body.spool, ims_spool_free);
}

/* A message without flags or date cannot be stored as it is: it is passed over, as if it had not
 * come. */
void
ims_session_body_line_ends(ImsSession *self, const ImsMessage *message)
{
    const guint needed = IMS_HAVE_FLAGS | IMS_HAVE_DATE;
    ImsCmd *cmd = ims_session_reader(self, IMS_WANT_BODIES);
    ImsBody *body = &self->body;

    if (body->spool == NULL || body->open)
        return;
    if (cmd == NULL || (message->have & needed) != needed ||
        !ims_uidset_contains(cmd->asked, message->uid)) {
        drop_spool(self);
        return;
    }
    ims_uidset_remove_range(cmd->asked, message->uid, message->uid);
    open_body(self, message, ims_spool_size(body->spool));
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
    GError *local = NULL;

    if (body->to_come > 0 && body->spool != NULL) {
        if (!ims_spool_write(body->spool, data, n, &local))
            ims_session_fail(self, local);
        body->to_come -= n;
        ims_session_asked(self);
    } else if (body->to_come > 0) {
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
           (!body->quoted || body->quoted_lent) &&
           (body->spool == NULL || ims_spool_at_end(body->spool));
}

gboolean
ims_session_body_ready(const ImsSession *self)
{
    return ims_session_body_at_end(self) || self->body.quoted || self->body.spool != NULL ||
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

static gsize
read_spool(ImsSession *self, const guint8 **out_data)
{
    GError *local = NULL;
    gsize len = 0;

    if (!ims_spool_read(self->body.spool, out_data, &len, &local))
        ims_session_fail(self, local);
    return len;
}

gsize
ims_session_read_body(ImsSession *self, const guint8 **out_data)
{
    ImsBody *body = &self->body;
    ImsBuf spent = body->lent;

    if (body->spool != NULL)
        return read_spool(self, out_data);
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
    g_clear_pointer(&self->body.spool, ims_spool_free);
    self->held = FALSE;
    if (held && !ims_session_body_begins(self, &local))
        ims_session_fail(self, local);
}
