/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* A response as a trace may show it. It is made of what the parser has told apart, so that nothing
 * depends on finding what is secret: a string is shown only where a mailbox has its name, the value
 * of an item only if the item is known to hold nothing of a message, and what we know nothing of
 * not at all. */
#include <string.h>

#include "wire/cursor.h"
#include "wire/response.h"

#define SHOWN_MAX 4096 /* octets: the log shows less */

typedef struct {
    const ImsLex *lex;
    GString *out;
    gboolean shows_strings;
    gboolean shows_words; /* of the item at hand */
    gboolean is_named;    /* FETCH: the item at hand has told its name */
    guint depth;
} Tracer;

static void
put_space(GString *out)
{
    if (out->len > 0 && out->str[out->len - 1] != '(')
        g_string_append_c(out, ' ');
}

static void
put_length(GString *out, gsize len)
{
    put_space(out);
    g_string_append_printf(out, "[%zu octets]", len);
}

/* A literal may hold a NUL. */
static void
put_octets(GString *out, const char *octets, gsize len)
{
    for (gsize i = 0; i < len; i++)
        g_string_append_c(out, octets[i] == '\0' ? '?' : octets[i]);
}

static gsize
line_len(const ImsLex *lex)
{
    gsize len = lex->line->len;

    while (len > 0 && strchr("\r\n", lex->line->str[len - 1]) != NULL)
        len--;
    return len;
}

/* -- replies -- */

/* Returns: the octets of the first @n words. */
static gsize
head_len(const ImsLex *lex, guint n)
{
    const char *line = lex->line->str;
    gsize at = 0;

    for (guint i = 0; i < n; i++) {
        at += strspn(line + at, " ");
        at += strcspn(line + at, " \r\n");
    }
    return at;
}

/* A code may be any word: those of RFC 5530 that a login can meet are shown, and capabilities. */
static gboolean
is_known_code(const ImsCode *code)
{
    static const char *const names[] = {
        "ALERT",
        "AUTHENTICATIONFAILED",
        "AUTHORIZATIONFAILED",
        "CAPABILITY",
        "CLIENTBUG",
        "CONTACTADMIN",
        "EXPIRED",
        "INUSE",
        "LIMIT",
        "PRIVACYREQUIRED",
        "SERVERBUG",
        "UNAVAILABLE",
        NULL};

    return code->name != NULL && g_strv_contains(names, code->name);
}

static void
put_code(GString *out, const ImsCode *code)
{
    g_autofree char *words = NULL;

    if (code->type == IMS_CODE_CAPABILITY && code->words != NULL)
        words = g_strjoinv(" ", code->words);
    g_string_append_printf(
        out, " [%s%s%s]", code->name, words != NULL ? " " : "", words != NULL ? words : "");
}

static void
trace_reply(const ImsResponse *self, const ImsLex *lex, gboolean in_login, GString *out)
{
    if (!in_login) {
        g_string_append_len(out, lex->line->str, (gssize)line_len(lex));
        return;
    }
    g_string_append_len(
        out, lex->line->str, (gssize)head_len(lex, self->type == IMS_RESPONSE_CONTINUE ? 1 : 2));
    if (is_known_code(&self->code))
        put_code(out, &self->code);
    if (self->text != NULL && *self->text != '\0')
        put_length(out, strlen(self->text));
}

/* -- data -- */

/* How many words say what kind of response it is. */
static guint
kind_words(const ImsLex *lex)
{
    return g_ascii_isdigit(lex->line->str[head_len(lex, 1) + 1]) ? 3 : 2;
}

/* The first @n_words, and how much there is behind them. */
static void
trace_head(const ImsLex *lex, guint n_words, GString *out)
{
    const char *line = lex->line->str;
    gsize head = head_len(lex, n_words);
    gsize rest = head + strspn(line + head, " ");

    g_string_append_len(out, line, (gssize)head);
    if (line_len(lex) > rest)
        put_length(out, line_len(lex) - rest);
}

static gboolean
tells_no_content(const ImsLex *lex, const ImsToken *item)
{
    static const char *const names[] = {"UID", "FLAGS", "MODSEQ", "RFC822.SIZE"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (ims_token_is(lex, item, names[i]))
            return TRUE;
    }
    return FALSE;
}

static void
put_token(Tracer *self, const ImsToken *token, gboolean shown)
{
    const char *text = self->lex->line->str + token->start;

    if (!shown) {
        put_length(self->out, token->len);
        return;
    }
    if (token->type != IMS_TOKEN_CLOSE)
        put_space(self->out);
    if (token->type == IMS_TOKEN_STRING)
        g_string_append_c(self->out, '"');
    put_octets(self->out, text, token->len);
    if (token->type == IMS_TOKEN_STRING)
        g_string_append_c(self->out, '"');
}

static gboolean
is_shown(const Tracer *self, const ImsToken *token)
{
    switch (token->type) {
    case IMS_TOKEN_WORD:
        return self->shows_words || ims_token_is(self->lex, token, "NIL");
    case IMS_TOKEN_STRING:
        return self->shows_strings;
    case IMS_TOKEN_BODY:
        return FALSE;
    case IMS_TOKEN_OPEN:
    case IMS_TOKEN_CLOSE:
    default:
        return TRUE;
    }
}

/* In the list of a FETCH names and values take turns. */
static void
trace_item(Tracer *self, const ImsToken *token)
{
    gboolean is_name = self->depth == 1 && !self->is_named && token->type == IMS_TOKEN_WORD;

    if (is_name)
        self->shows_words = tells_no_content(self->lex, token);
    self->depth -= token->type == IMS_TOKEN_CLOSE ? 1 : 0;
    put_token(self, token, is_name || is_shown(self, token));
    self->depth += token->type == IMS_TOKEN_OPEN ? 1 : 0;
    if (self->depth == 1)
        self->is_named = is_name;
}

static void
trace_tokens(const ImsResponse *self, const ImsLex *lex, GString *out)
{
    Tracer tracer = {
        .lex = lex,
        .out = out,
        .shows_words = TRUE,
        .shows_strings = self->type == IMS_RESPONSE_LIST || self->type == IMS_RESPONSE_STATUS ||
                         self->type == IMS_RESPONSE_NAMESPACE || self->type == IMS_RESPONSE_SEARCH,
    };

    for (guint i = 0; i < lex->tokens->len && out->len < SHOWN_MAX; i++) {
        const ImsToken *token = &g_array_index(lex->tokens, ImsToken, i);

        if (self->type == IMS_RESPONSE_FETCH && i >= 3)
            trace_item(&tracer, token);
        else
            put_token(&tracer, token, is_shown(&tracer, token));
    }
}

void
ims_response_trace(const ImsResponse *self, const ImsLex *lex, gboolean in_login, GString *out)
{
    switch (self->type) {
    case IMS_RESPONSE_TAGGED:
    case IMS_RESPONSE_STATE:
    case IMS_RESPONSE_CONTINUE:
        trace_reply(self, lex, in_login, out);
        break;
    case IMS_RESPONSE_CAPABILITY:
    case IMS_RESPONSE_ENABLED:
        trace_tokens(self, lex, out);
        break;
    case IMS_RESPONSE_OTHER:
        trace_head(lex, in_login ? 1 : kind_words(lex), out);
        break;
    default:
        if (in_login)
            trace_head(lex, kind_words(lex), out);
        else
            trace_tokens(self, lex, out);
        break;
    }
}
