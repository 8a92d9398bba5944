/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* The octets of one response, and the tokens in them. Within wire only. A response comes as
 * segments: a line, or the lines between its literals; each is lexed when its LF has come. */

typedef enum {
    IMS_TOKEN_WORD,   /* whatever stands between spaces and parentheses */
    IMS_TOKEN_STRING, /* quoted, with its escapes undone, or a literal */
    IMS_TOKEN_OPEN,
    IMS_TOKEN_CLOSE,
    IMS_TOKEN_BODY, /* a literal or quoted string behind BODY[…]: not kept */
} ImsTokenType;

typedef struct {
    ImsTokenType type;
    guint32 start, len; /* in the line; a BODY's octets need not stand there */
} ImsToken;

typedef struct {
    GString *line;  /* the response so far, bodies left out */
    GArray *tokens; /* ImsToken */
    gsize at;       /* all before it has been lexed */
    guint depth, max_depth;
    gboolean is_fetch;  /* within the list of a FETCH */
    guint n_items;      /* in that list: names and values */
    gboolean want_body; /* a BODY[…] has come, and its value not yet */
} ImsLex;

typedef enum {
    IMS_LEX_END,     /* of the segment, and of the response; or the stop was met */
    IMS_LEX_LITERAL, /* the segment ends in the size of a literal */
    IMS_LEX_BODY,    /* likewise, of a body */
    IMS_LEX_QUOTED,  /* the last token is a quoted body; more of the segment follows */
} ImsLexStep;

void ims_lex_init(ImsLex *self, guint max_depth);
void ims_lex_clear(ImsLex *self);
/** ims_lex_reset: forgets the response. */
void ims_lex_reset(ImsLex *self);

/**
 * ims_lex_run:
 * @stop: `]` to end in front of one that stands outside all parentheses; 0 for none
 * @out_size: (out): octets of the literal; its token has to be added by ims_lex_add_literal()
 *
 * Lexes from @at to the end of the line, which must hold a whole segment.
 */
gboolean ims_lex_run(ImsLex *self, char stop, ImsLexStep *out, guint64 *out_size, GError **error);

/** ims_lex_is_fetch: Returns: whether the tokens so far begin with `* n FETCH`. */
gboolean ims_lex_is_fetch(const ImsLex *self);
/** ims_lex_add_literal: adds the token of a literal whose @len octets will be appended to the line;
 * lexing goes on behind them. */
void ims_lex_add_literal(ImsLex *self, gsize len);
/** ims_lex_add_body: adds the token of a body of @len octets that will not be kept. */
void ims_lex_add_body(ImsLex *self, gsize len);

/** ims_lex_fail: sets @error to "@what at byte @at of a response"; @what: marked for translation,
 * which is done here. Returns: FALSE. */
gboolean ims_lex_fail(GError **error, gsize at, const char *what);
