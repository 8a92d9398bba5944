/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Octets -> tokens (RFC 9051 section 9), as far as it does not depend on the kind of response. The
 * one exception are bodies: BODY[…] in the list of a FETCH has spaces and parentheses in its name,
 * and its value must never be stored here. A keyword may look the same, so it is looked for only
 * where the name of an item stands. Each octet is looked at once; nesting is counted, not recursed
 * into. */
#include "wire/lex.h"

#include <glib/gi18n.h>
#include <string.h>

#include "util/error.h"
#include "wire/cursor.h"

/* Of one response: a line of nothing but words would take twelve times its octets. Only a SEARCH
 * has more than a few hundred: a word for each message. */
#define TOKENS_MAX (256 * 1024)

#define KEEP_MAX ((gsize)64 * 1024) /* of storage between responses */

void
ims_lex_init(ImsLex *self, guint max_depth)
{
    *self = (ImsLex){
        .line = g_string_new(NULL),
        .tokens = g_array_new(FALSE, FALSE, sizeof(ImsToken)),
        .max_depth = max_depth,
    };
}

void
ims_lex_clear(ImsLex *self)
{
    g_string_free(self->line, TRUE);
    g_array_unref(self->tokens);
    *self = (ImsLex){0};
}

void
ims_lex_reset(ImsLex *self)
{
    guint max_depth = self->max_depth;

    if (self->line->allocated_len > KEEP_MAX || self->tokens->len > KEEP_MAX / sizeof(ImsToken)) {
        ims_lex_clear(self);
        ims_lex_init(self, max_depth);
        return;
    }
    g_string_truncate(self->line, 0);
    g_array_set_size(self->tokens, 0);
    *self = (ImsLex){.line = self->line, .tokens = self->tokens, .max_depth = max_depth};
}

gboolean
ims_lex_fail(GError **error, gsize at, const char *what)
{
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_PROTOCOL,
        _("the server broke the protocol: %s at byte %zu of a response"),
        _(what),
        at);
    return FALSE;
}

static void
add(ImsLex *self, ImsTokenType type, gsize start, gsize len)
{
    ImsToken token = {.type = type, .start = (guint32)start, .len = (guint32)len};

    g_array_append_val(self->tokens, token);
    if (self->is_fetch && self->depth == 1 && type != IMS_TOKEN_OPEN)
        self->n_items++;
}

void
ims_lex_add_literal(ImsLex *self, gsize len)
{
    add(self, IMS_TOKEN_STRING, self->at, len);
    self->at += len;
}

void
ims_lex_add_body(ImsLex *self, gsize len)
{
    add(self, IMS_TOKEN_BODY, self->at, len);
    self->want_body = FALSE;
}

gboolean
ims_lex_is_fetch(const ImsLex *self)
{
    const ImsToken *tokens = (const ImsToken *)(gpointer)self->tokens->data;

    return self->tokens->len >= 3 && g_ascii_isdigit(self->line->str[tokens[1].start]) &&
           ims_token_is(self, &tokens[2], "FETCH");
}

static gboolean
open_list(ImsLex *self, GError **error)
{
    if (self->want_body)
        return ims_lex_fail(error, self->at, N_("a body is a list"));
    if (self->depth == self->max_depth)
        return ims_lex_fail(error, self->at, N_("too deep nesting"));
    if (self->depth == 0 && self->tokens->len == 3 && ims_lex_is_fetch(self))
        self->is_fetch = TRUE;
    add(self, IMS_TOKEN_OPEN, self->at++, 1);
    self->depth++;
    return TRUE;
}

static gboolean
close_list(ImsLex *self, GError **error)
{
    if (self->depth == 0)
        return ims_lex_fail(error, self->at, N_("a parenthesis too many"));
    if (self->want_body)
        return ims_lex_fail(error, self->at, N_("a body is missing"));
    self->depth--;
    if (self->depth == 0)
        self->is_fetch = FALSE;
    add(self, IMS_TOKEN_CLOSE, self->at++, 1);
    return TRUE;
}

/* Undoes the escapes in place: the octets in front of the token's end are not needed again. */
static gboolean
quoted(ImsLex *self, ImsLexStep *out, GError **error)
{
    char *line = self->line->str;
    gsize start = self->at + 1, to = start, from = start;

    for (; line[from] != '"'; from++) {
        if (line[from] == '\\')
            from++;
        if (line[from] == '\r' || line[from] == '\n')
            return ims_lex_fail(error, self->at, N_("an unfinished quoted string"));
        line[to++] = line[from];
    }
    self->at = from + 1;
    if (self->want_body) {
        add(self, IMS_TOKEN_BODY, start, to - start);
        self->want_body = FALSE;
        *out = IMS_LEX_QUOTED;
        return TRUE;
    }
    add(self, IMS_TOKEN_STRING, start, to - start);
    return TRUE;
}

/* `{12}`, `{12+}` and `~{12}`, which must end the line. */
static gboolean
literal(ImsLex *self, ImsLexStep *out, guint64 *out_size, GError **error)
{
    const char *line = self->line->str;
    gsize start = strchr(line + self->at, '{') - line + 1;
    gsize len = strspn(line + start, "0123456789");
    gsize end = start + len + (line[start + len] == '+' ? 1 : 0);
    guint64 size;

    if (line[end] != '}' || !ims_octets_to_number(line + start, len, 0, G_MAXINT64, &size))
        return ims_lex_fail(error, self->at, N_("a malformed size of a literal"));
    end += line[end + 1] == '\r' ? 2 : 1;
    if (line[end] != '\n')
        return ims_lex_fail(error, self->at, N_("a literal that does not end its line"));

    self->at = end + 1;
    *out_size = size;
    *out = self->want_body ? IMS_LEX_BODY : IMS_LEX_LITERAL;
    return TRUE;
}

static gboolean
is_word_end(const ImsLex *self, char c, char stop)
{
    return c == ' ' || c == '(' || c == ')' || c == '\r' || c == '\n' ||
           (c == stop && stop != '\0' && self->depth == 0);
}

/* Returns: whether the name of a body item stands at @at. */
static gboolean
is_body_name(const ImsLex *self)
{
    return self->is_fetch && self->depth == 1 && self->n_items % 2 == 0 &&
           g_ascii_strncasecmp(self->line->str + self->at, "BODY[", 5) == 0;
}

/* Returns: the length of `BODY[…]` at @at without its origin, or 0. */
static gsize
section_len(const ImsLex *self)
{
    const char *start = self->line->str + self->at;
    gboolean in_quotes = FALSE;

    for (const char *c = start; *c != '\r' && *c != '\n'; c++) {
        if (*c == '"')
            in_quotes = !in_quotes;
        else if (*c == ']' && !in_quotes)
            return (gsize)(c - start) + 1;
    }
    return 0;
}

static gboolean
word(ImsLex *self, char stop, GError **error)
{
    const char *line = self->line->str;
    gsize start = self->at, end = start;

    if (is_body_name(self)) {
        end += section_len(self);
        if (end == start)
            return ims_lex_fail(error, start, N_("an unfinished section"));
        self->want_body = TRUE;
    } else if (self->want_body) {
        if (g_ascii_strncasecmp(line + start, "NIL", 3) != 0 ||
            !is_word_end(self, line[start + 3], stop))
            return ims_lex_fail(error, start, N_("a body is neither a string nor NIL"));
        self->want_body = FALSE;
    }
    for (; !is_word_end(self, line[end], stop); end++) {
        if (g_ascii_iscntrl(line[end]) || line[end] == '{')
            return ims_lex_fail(error, end, N_("a character that no word may hold"));
    }
    add(self, IMS_TOKEN_WORD, start, end - start);
    self->at = end;
    return TRUE;
}

static gboolean
end_of_line(ImsLex *self, GError **error)
{
    gsize lf = self->at + (self->line->str[self->at] == '\r' ? 1 : 0);

    if (self->line->str[lf] != '\n')
        return ims_lex_fail(error, self->at, N_("a bare CR"));
    if (self->depth > 0)
        return ims_lex_fail(error, self->at, N_("an unfinished list"));
    self->at = lf + 1;
    return TRUE;
}

static gboolean
token(ImsLex *self, char stop, ImsLexStep *out, guint64 *out_size, GError **error)
{
    const char *c = self->line->str + self->at;

    switch (*c) {
    case ' ':
        self->at++;
        return TRUE;
    case '(':
        return open_list(self, error);
    case ')':
        return close_list(self, error);
    case '"':
        return quoted(self, out, error);
    case '{':
        return literal(self, out, out_size, error);
    case '~':
        if (c[1] == '{')
            return literal(self, out, out_size, error);
        return word(self, stop, error);
    default:
        return word(self, stop, error);
    }
}

gboolean
ims_lex_run(ImsLex *self, char stop, ImsLexStep *out, guint64 *out_size, GError **error)
{
    ImsLexStep step = IMS_LEX_END;
    guint64 size = 0;

    while (step == IMS_LEX_END) {
        char c = self->line->str[self->at];

        if (c == stop && stop != '\0' && self->depth == 0)
            break;
        if (c == '\r' || c == '\n') {
            if (!end_of_line(self, error))
                return FALSE;
            break;
        }
        if (self->tokens->len == TOKENS_MAX)
            return ims_lex_fail(error, self->at, N_("too many words"));
        if (!token(self, stop, &step, &size, error))
            return FALSE;
    }
    *out = step;
    *out_size = size;
    return TRUE;
}
