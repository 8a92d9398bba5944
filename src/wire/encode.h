/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "model/flags.h"
#include "model/uidset.h"

/* Values -> bytes of a command. Nothing that came from a server goes out unchecked: a bad flag or
 * date makes a real server (Dovecot 2.3) execute the message's text as commands. */

#define IMS_QUOTED_MAX 1000

/** ims_encode_quotable: Returns: whether @text may stand in a quoted string: ASCII without CR, LF
 * and NUL, at most 1000 octets. Everything else has to go as a literal. */
gboolean ims_encode_quotable(const char *text);
/** ims_encode_quoted: appends @text, which must be quotable, as a quoted string. */
void ims_encode_quoted(GString *out, const char *text);
/** ims_encode_mailbox: appends the UTF-8 name in the server's spelling as a quoted string of
 * modified UTF-7. Returns: FALSE, with @out unchanged, if it has a control character or over 1000
 * octets. */
gboolean ims_encode_mailbox(GString *out, const char *name) G_GNUC_WARN_UNUSED_RESULT;
/** ims_encode_keyword_valid: Returns: whether @keyword is an atom of at most 50 octets, without
 * `]`, that starts with no backslash. */
gboolean ims_encode_keyword_valid(const char *keyword);
/** ims_encode_flags: appends a parenthesised flag list: system flags, and those keywords that are
 * valid. */
void ims_encode_flags(GString *out, const ImsFlags *flags);
/** ims_encode_date: appends a quoted date-time in +0000 (RFC 9051 `date-time`); years outside 1970
 * to 9999 are clamped. */
void ims_encode_date(GString *out, gint64 seconds);
/**
 * ims_encode_uidset:
 * @inout_range: (inout): index of the first range to write; afterwards of the first that did not
 * fit
 * @max: octets that may be appended; a range needs at most 21
 *
 * Appends `1:3,5,…`. Call until @inout_range is the number of ranges, one command each time.
 */
void ims_encode_uidset(GString *out, const ImsUidSet *set, guint *inout_range, gsize max);
