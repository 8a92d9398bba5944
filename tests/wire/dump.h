/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "wire/parse.h"

/** dump_stream: feeds @len octets to a new parser, cut in front of each index of @cuts (ascending,
 * ended by a 0) and at the end of each body, and writes down all that comes out: one line for each
 * step, and at last one for an error. Returns: (transfer full). */
char *dump_stream(const char *octets, gsize len, const ImsLimits *limits, const gsize *cuts);
/** dump_bytewise: the same, octet by octet. */
char *dump_bytewise(const char *octets, gsize len, const ImsLimits *limits);
