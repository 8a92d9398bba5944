/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/**
 * ims_facts_table:
 * @sides: an `a(sa{sv})` as Job.GetReport of a test
 *
 * Pure.
 *
 * Returns: (transfer full): what was found on each side, for people: a line for each thing,
 * aligned;
 * "" if no side was asked.
 */
char *ims_facts_table(GVariant *sides);
