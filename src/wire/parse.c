/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Cuts the stream into responses: lines, and the literals between them. A line is lexed when its LF
 * has come, a literal is copied behind its line, and the octets of a body never come here at all.
 * Every octet is stored once and lexed once, however it was cut; what may be stored is limited
 * before it is. lex.c makes tokens, response.c, fetch.c and state.c make values of them. */
#include "wire/parse.h"

#include <glib/gi18n.h>
#include <string.h>

#include "util/error.h"
#include "wire/lex.h"
#include "wire/response.h"

#define INLINE_TOTAL                                                                               \
    ((gsize)1024 * 1024) /* octets of all literals of a response, bodies left out */

const ImsLimits ims_limits_default = {
    .max_line = (gsize)4 * 1024 * 1024, /* a VANISHED of half a million single messages */
    .max_inline = (gsize)64 * 1024,
    .max_body = (guint64)2 * 1024 * 1024 * 1024,
    .max_depth = 20,
};

struct ImsParser {
    ImsLimits limits;
    ImsLex lex;
    ImsResponse response;
    guint next_token;   /* of a FETCH: see ims_response_read_fetch() */
    gsize n_line;       /* octets of this response's lines */
    gsize n_inline;     /* octets of its literals */
    gsize literal_left; /* octets of a literal that are still to be copied */
    guint64 body_left;  /* octets of a body that the caller is still to take */
    gboolean is_inline; /* the current body came as a quoted string: the last token */
    gboolean is_lexed;  /* the first line of this response has been told apart */
    gboolean is_done;   /* the next push begins a new response */
    gboolean is_dead;
};

ImsParser *
ims_parser_new(const ImsLimits *limits)
{
    ImsParser *self = g_new0(ImsParser, 1);

    g_assert(limits->max_line <= G_MAXINT32);

    self->limits = *limits;
    ims_lex_init(&self->lex, limits->max_depth);
    ims_response_clear(&self->response);
    return self;
}

void
ims_parser_free(ImsParser *self)
{
    if (self == NULL)
        return;
    ims_response_clear(&self->response);
    ims_lex_clear(&self->lex);
    g_free(self);
}

static void
begin_response(ImsParser *self)
{
    ims_response_clear(&self->response);
    ims_lex_reset(&self->lex);
    self->next_token = 0;
    self->n_line = 0;
    self->n_inline = 0;
    self->is_lexed = FALSE;
    self->is_done = FALSE;
}

static gboolean
begin_literal(ImsParser *self, guint64 size, GError **error)
{
    if (size > self->limits.max_inline || size > INLINE_TOTAL - self->n_inline)
        return ims_lex_fail(error, self->lex.at, N_("a literal above the limit"));
    self->literal_left = (gsize)size;
    self->n_inline += (gsize)size;
    ims_lex_add_literal(&self->lex, (gsize)size);
    return TRUE;
}

static gboolean
begin_body(ImsParser *self, guint64 size, GError **error)
{
    if (size > self->limits.max_body)
        return ims_lex_fail(error, self->lex.at, N_("a body above the limit"));
    self->body_left = size;
    ims_lex_add_body(&self->lex, (gsize)size);
    return ims_response_read_fetch(&self->response, &self->lex, &self->next_token, FALSE, error);
}

static gboolean
begin_quoted_body(ImsParser *self, GError **error)
{
    self->is_inline = TRUE;
    return ims_response_read_fetch(&self->response, &self->lex, &self->next_token, FALSE, error);
}

static gboolean
end_response(ImsParser *self, GError **error)
{
    self->is_done = TRUE;
    if (ims_lex_is_fetch(&self->lex))
        return ims_response_read_fetch(&self->response, &self->lex, &self->next_token, TRUE, error);
    return ims_response_read_data(&self->response, &self->lex, error);
}

/* A line with its LF stands in the lexer, or the rest of one behind a quoted body. */
static gboolean
read_line(ImsParser *self, ImsParseStep *out, GError **error)
{
    ImsLexStep step;
    gboolean is_state;
    guint64 size;

    if (!self->is_lexed) {
        if (!ims_response_read_state(&self->response, &self->lex, &is_state, error))
            return FALSE;
        self->is_lexed = TRUE;
        if (is_state) {
            self->is_done = TRUE;
            *out = IMS_PARSE_RESPONSE;
            return TRUE;
        }
    }
    if (!ims_lex_run(&self->lex, '\0', &step, &size, error))
        return FALSE;
    switch (step) {
    case IMS_LEX_LITERAL:
        *out = IMS_PARSE_MORE;
        return begin_literal(self, size, error);
    case IMS_LEX_BODY:
        *out = IMS_PARSE_BODY;
        return begin_body(self, size, error);
    case IMS_LEX_QUOTED:
        *out = IMS_PARSE_BODY;
        return begin_quoted_body(self, error);
    case IMS_LEX_END:
    default:
        *out = IMS_PARSE_RESPONSE;
        return end_response(self, error);
    }
}

static gsize
take_literal(ImsParser *self, const guint8 *data, gsize len)
{
    gsize n = MIN(len, self->literal_left);

    g_string_append_len(self->lex.line, (const char *)data, (gssize)n);
    self->literal_left -= n;
    return n;
}

/* Copies up to the LF and with it. What is wrong is told of the first octet that is, as it would be
 * if they came singly. */
static gboolean
take_line(
    ImsParser *self,
    const guint8 *data,
    gsize len,
    gsize *out_used,
    gboolean *out_ended,
    GError **error)
{
    const guint8 *lf = memchr(data, '\n', len);
    gsize n = lf == NULL ? len : (gsize)(lf - data) + 1;
    gsize room = self->limits.max_line - self->n_line;
    const guint8 *nul = memchr(data, '\0', MIN(n, room));

    if (nul != NULL)
        return ims_lex_fail(error, self->lex.line->len + (gsize)(nul - data), N_("a NUL"));
    if (n > room)
        return ims_lex_fail(error, self->lex.line->len + room, N_("a line above the limit"));

    g_string_append_len(self->lex.line, (const char *)data, (gssize)n);
    self->n_line += n;
    *out_used = n;
    *out_ended = lf != NULL;
    return TRUE;
}

/* Takes the LF back: what follows a quoted body is read when it comes again, so that the caller has
 * something to push. */
static void
give_back_lf(ImsParser *self)
{
    g_string_truncate(self->lex.line, self->lex.line->len - 1);
    self->n_line--;
}

static gboolean
push(
    ImsParser *self,
    const guint8 *data,
    gsize len,
    gsize *out_used,
    ImsParseStep *out,
    GError **error)
{
    ImsParseStep step = IMS_PARSE_MORE;
    gsize used = 0;

    while (used < len && step == IMS_PARSE_MORE) {
        gboolean ended = FALSE;
        gsize n = 0;

        if (self->literal_left > 0) {
            used += take_literal(self, data + used, len - used);
            continue;
        }
        if (!take_line(self, data + used, len - used, &n, &ended, error))
            return FALSE;
        used += n;
        if (ended && !read_line(self, &step, error))
            return FALSE;
    }
    if (self->is_inline) {
        give_back_lf(self);
        used--;
    }
    *out_used = used;
    *out = step;
    return TRUE;
}

gboolean
ims_parser_push(
    ImsParser *self,
    const guint8 *data,
    gsize len,
    gsize *out_used,
    ImsParseStep *out,
    GError **error)
{
    g_assert(self->body_left == 0);

    if (self->is_dead) {
        g_set_error(
            error, IMS_ERROR, IMS_ERROR_PROTOCOL, _("the server had broken the protocol before"));
        return FALSE;
    }
    if (self->is_done)
        begin_response(self);
    self->is_inline = FALSE;
    self->is_dead = !push(self, data, len, out_used, out, error);
    return !self->is_dead;
}

const ImsResponse *
ims_parser_response(const ImsParser *self)
{
    return &self->response;
}

guint64
ims_parser_body_left(const ImsParser *self)
{
    return self->body_left;
}

void
ims_parser_body_taken(ImsParser *self, gsize len)
{
    g_assert(len <= self->body_left);

    self->body_left -= len;
}

const char *
ims_parser_body_inline(const ImsParser *self, gsize *out_len)
{
    const ImsToken *token;

    if (!self->is_inline)
        return NULL;
    token = &g_array_index(self->lex.tokens, ImsToken, self->lex.tokens->len - 1);
    *out_len = token->len;
    return self->lex.line->str + token->start;
}

void
ims_parser_trace(const ImsParser *self, gboolean in_login, GString *out)
{
    ims_response_trace(&self->response, &self->lex, in_login, out);
}
