/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* Modified UTF-7, the wire form of mailbox names (RFC 3501 section 5.1.3). */

/** ims_utf7_encode: @name: valid UTF-8. Returns: (transfer full). */
char *ims_utf7_encode(const char *name);
/** ims_utf7_decode: Returns: (transfer full) (nullable): NULL if @wire is not what
 * ims_utf7_encode() makes of some name: an alias would be two names for one mailbox. */
char *ims_utf7_decode(const char *wire, gsize len);
/** ims_utf7_spell: Returns: (transfer full): UTF-8 for a name that ims_utf7_decode() does not take:
 * its octets, those that are no printable ASCII as `\xNN`, and U+FFFD at the end. A digest stands
 * for most of one that is very long. No two have the same. */
char *ims_utf7_spell(const char *wire, gsize len);
