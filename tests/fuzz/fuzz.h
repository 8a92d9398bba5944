/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/**
 * LLVMFuzzerTestOneInput:
 * @data: (array length=len): any octets
 *
 * What each fuzz target defines, by the name under which libFuzzer calls it: aborts if a promise
 * does not hold for @data.
 *
 * Returns: 0.
 */
int LLVMFuzzerTestOneInput(const guint8 *data, gsize len);
