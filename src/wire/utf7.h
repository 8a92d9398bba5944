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
