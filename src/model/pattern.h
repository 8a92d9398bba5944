/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* Which mailboxes a list of patterns means. A pattern is UTF-8 with `/` between levels; `*` stands
 * for anything, `%` for anything but `/`; `role:junk` is the mailbox with that role, `subscribed`
 * every one that is subscribed to. `!` before a pattern takes away what it matches. The last
 * pattern of the list that matches a mailbox decides. */
typedef struct ImsPatterns ImsPatterns;

/**
 * ims_patterns_new:
 * @words: (array zero-terminated=1): the patterns
 *
 * Errors: IMS_ERROR_CONFIG: what is wrong with which pattern, and what to write instead.
 *
 * Returns: (transfer full): never empty, and the first takes nothing away.
 */
ImsPatterns *ims_patterns_new(char *const *words, GError **error);
ImsPatterns *ims_patterns_ref(ImsPatterns *self);
void ims_patterns_unref(ImsPatterns *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsPatterns, ims_patterns_unref)

/**
 * ims_patterns_match:
 * @name: ours
 * @role: "" if it has none
 */
gboolean ims_patterns_match(
    const ImsPatterns *self, const char *name, const char *role, gboolean subscribed);
