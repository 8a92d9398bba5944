/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* A key's fingerprint as people write it: the SHA-256 of its public part (SubjectPublicKeyInfo). */

/**
 * ims_pin_parse:
 * @text: base64 as in RFC 7469, also behind `sha256/` or `sha256//`; or 64 hexadecimal digits, also
 * with colons between each two
 *
 * Returns: (transfer full) (nullable): it in base64, so that equal keys are equal texts; NULL if it
 * is no such fingerprint.
 */
char *ims_pin_parse(const char *text);
/** ims_pin_format: @digest: (array fixed-size=32). Returns: (transfer full): as ims_pin_parse(). */
char *ims_pin_format(const guint8 *digest);
