/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "model/flags.h"
#include "model/uidset.h"

/* Reads the words of a command, and writes those of a reply, for the fake server. */
typedef struct {
    const char *p, *end; /* the command without its last CRLF */
    gboolean bad;        /* something was not as it has to be; everything taken is then empty */
} FakeCursor;

gboolean fake_skip(FakeCursor *self, char c);
void fake_expect(FakeCursor *self, char c);
/** fake_word: Returns: (transfer full): up to a space or parenthesis. */
char *fake_word(FakeCursor *self);
/** fake_verb: fake_word() in capitals. */
char *fake_verb(FakeCursor *self);
/** fake_string: Returns: (transfer full): an atom, quoted string or literal. */
GBytes *fake_string(FakeCursor *self);
/** fake_mailbox_arg: Returns: (transfer full) (nullable): its UTF-8 name; NULL if it is no name. */
char *fake_mailbox_arg(FakeCursor *self);
/** fake_parens: Returns: (transfer full): what stands between two parentheses. */
char *fake_parens(FakeCursor *self);
/** fake_flags_arg: a parenthesised list. `\Recent` and unknown system flags are bad. */
ImsFlags fake_flags_arg(FakeCursor *self);
/** fake_date_arg: a quoted date-time. */
gint64 fake_date_arg(FakeCursor *self);
/** fake_uids_arg: Returns: (transfer full): @largest stands for `*`. */
ImsUidSet *fake_uids_arg(FakeCursor *self, guint32 largest);

ImsUidSet *fake_uids_parse(const char *text, guint32 largest);
void fake_put_flags(GString *out, const ImsFlags *flags);
void fake_put_date(GString *out, gint64 date);
void fake_put_uids(GString *out, const ImsUidSet *uids);
void fake_put_mailbox(GString *out, const char *name);
