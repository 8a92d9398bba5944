/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "wire/lex.h"
#include "wire/parse.h"

/* Tokens -> ImsResponse. Within wire only. */

/** ims_response_clear: frees what it holds; it is an OTHER then. */
void ims_response_clear(ImsResponse *self);

/**
 * ims_response_read_state:
 * @lex: holds one whole line
 * @out_is_state: (out): FALSE for an untagged data response, which needs lexing
 *
 * Reads what has free text: `+`, tagged replies, and untagged OK, NO, BAD, BYE and PREAUTH.
 */
gboolean ims_response_read_state(
    ImsResponse *self, ImsLex *lex, gboolean *out_is_state, GError **error);

/** ims_response_trace: see ims_parser_trace(). */
void ims_response_trace(
    const ImsResponse *self, const ImsLex *lex, gboolean in_login, GString *out);

/** ims_response_read_data: reads an untagged data response other than FETCH. */
gboolean ims_response_read_data(ImsResponse *self, const ImsLex *lex, GError **error);

/**
 * ims_response_read_fetch:
 * @inout_next: (inout): index of the first token that has not been read; 0 at first
 * @whole: FALSE if the last token is a body and more of the response follows
 *
 * Reads a FETCH, which may come in pieces, from where it stood.
 */
gboolean ims_response_read_fetch(
    ImsResponse *self, const ImsLex *lex, guint *inout_next, gboolean whole, GError **error);
