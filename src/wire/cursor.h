/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "model/flags.h"
#include "model/uidset.h"
#include "wire/lex.h"

/* Tokens -> values, read one after the other. Within wire only. Errors name @what was expected, a
 * text marked for translation, and where; they are IMS_ERROR_PROTOCOL and leave out parameters
 * untouched. */
typedef struct {
    const ImsLex *lex;
    guint i; /* of the next token */
} ImsCursor;

#define IMS_MODSEQ_MAX ((guint64)G_MAXINT64) /* RFC 7162 section 7 */

/** ims_octets_to_number: Returns: FALSE if they are not digits alone, or not in @min..@max. */
gboolean ims_octets_to_number(const char *text, gsize len, guint64 min, guint64 max, guint64 *out);
/**
 * ims_octets_to_uidset:
 * @out_ordered: (out): whether the ranges came ascending and apart, so that sets which belong
 * together can be matched
 *
 * Reads `1:3,5,9:*`; `*` is 2^32-1, and the ends of a range come in either order.
 *
 * Returns: (transfer full) (nullable): NULL if it is none.
 */
ImsUidSet *ims_octets_to_uidset(const char *text, gsize len, gboolean *out_ordered);
/** ims_octets_to_date: `01-Feb-2020 10:00:00 +0200` to seconds since the epoch. Returns: FALSE if
 * it is no date that ever was. */
gboolean ims_octets_to_date(const char *text, gsize len, gint64 *out);

/** ims_token_is: Returns: whether @token is the word @word, without case. */
gboolean ims_token_is(const ImsLex *lex, const ImsToken *token, const char *word);

/** ims_cursor_peek: Returns: (transfer none) (nullable): the next token; NULL at the end. */
const ImsToken *ims_cursor_peek(const ImsCursor *self);
/** ims_cursor_text: Returns: (transfer none): the octets of @token; not nul-terminated. */
const char *ims_cursor_text(const ImsCursor *self, const ImsToken *token);
gboolean ims_cursor_fail(const ImsCursor *self, const char *what, GError **error);
/** ims_cursor_accept: takes the next token if it is of @type. */
gboolean ims_cursor_accept(ImsCursor *self, ImsTokenType type);
/** ims_cursor_next: takes a word or string; no parenthesis. */
const ImsToken *ims_cursor_next(ImsCursor *self, const char *what, GError **error);
gboolean ims_cursor_open(ImsCursor *self, const char *what, GError **error);
gboolean ims_cursor_number(
    ImsCursor *self, const char *what, guint64 min, guint64 max, guint64 *out, GError **error);
ImsUidSet *ims_cursor_uidset(
    ImsCursor *self, const char *what, gboolean *out_ordered, GError **error);
/**
 * ims_cursor_flags:
 * @max_keywords: of more, those are left out that sort behind them
 * @out_any: (out) (optional): whether `\*` was among them
 *
 * Reads a parenthesised list of flags. `\Recent`, unknown system flags and what is no keyword are
 * left out, as are keywords over 255 octets.
 */
gboolean ims_cursor_flags(
    ImsCursor *self, guint max_keywords, ImsFlags *out, gboolean *out_any, GError **error);

/* The keywords that are kept of one message; and of a mailbox, where Cyrus has 128 of them, and
 * one that was missing would count as one that the mailbox does not keep. */
#define IMS_MESSAGE_KEYWORDS_MAX 100
#define IMS_MAILBOX_KEYWORDS_MAX 1000

/** ims_cursor_words: Returns: (transfer full): all words that follow, in capitals. */
char **ims_cursor_words(ImsCursor *self);
/** ims_cursor_skip: takes one word, string, body, or list with all in it. */
gboolean ims_cursor_skip(ImsCursor *self, const char *what, GError **error);
/** ims_cursor_end: Returns: FALSE, with an error, if tokens are left. */
gboolean ims_cursor_end(const ImsCursor *self, GError **error);
