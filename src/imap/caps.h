/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "model/facts.h"

/* What a server says that it can do. Embedded; zero is "not told yet". */
typedef struct {
    char **words; /* NULL: not told */
} ImsCaps;

void ims_caps_clear(ImsCaps *self);
/** ims_caps_set: @words: a whole new list; what was told before is forgotten. */
void ims_caps_set(ImsCaps *self, char **words);
/** ims_caps_parse: as ims_caps_set(). @text: the words, with spaces between. */
void ims_caps_parse(ImsCaps *self, const char *text);
/** ims_caps_text: Returns: (transfer full) (nullable): what ims_caps_parse() takes; NULL if nothing
 * was told. */
char *ims_caps_text(const ImsCaps *self);
gboolean ims_caps_known(const ImsCaps *self);
/** ims_caps_has: compares without case. */
gboolean ims_caps_has(const ImsCaps *self, const char *word);
/** ims_caps_number: Returns: N of the word `NAME=N`; @fallback if there is none. */
guint64 ims_caps_number(const ImsCaps *self, const char *name, guint64 fallback);
/** ims_caps_mechanisms: Returns: (transfer full) (nullable): all words AUTH=…, as "AUTH=GSSAPI,
 * AUTH=X", escaped; NULL if there is none. */
char *ims_caps_mechanisms(const ImsCaps *self);
/** ims_caps_missing: Returns: (transfer full) (nullable): those of the capabilities we cannot do
 * without that were not told, as "QRESYNC, UIDPLUS"; NULL if all are there. */
char *ims_caps_missing(const ImsCaps *self);
/** ims_caps_tell: fills in which are used, which are lacking, and which are required and not there.
 * @compress: whether COMPRESS=DEFLATE counts; it does not where nobody wants it. */
void ims_caps_tell(const ImsCaps *self, gboolean compress, ImsFacts *facts);
