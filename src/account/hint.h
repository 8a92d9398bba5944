/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/**
 * ims_hint:
 * @known: (array zero-terminated=1): the right words
 *
 * Returns: (transfer full): "did you mean 'x'?" if one of @known is up to two letters away from
 * @word, in any case, else a list of all.
 */
char *ims_hint(const char *word, const char *const *known);
