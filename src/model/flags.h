/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* The flags of a message: the five system flags that travel, and keywords. `\Recent` is no flag
 * here: it is never stored nor sent. Keywords compare without case and keep the spelling first
 * seen. */
enum {
    IMS_FLAG_SEEN = 1 << 0,
    IMS_FLAG_ANSWERED = 1 << 1,
    IMS_FLAG_FLAGGED = 1 << 2,
    IMS_FLAG_DELETED = 1 << 3,
    IMS_FLAG_DRAFT = 1 << 4,
    IMS_FLAG_ALL = (1 << 5) - 1,
};

/* A value; zero is the empty set. @keywords is NULL if there are none, else NULL-terminated, sorted
 * by g_ascii_strcasecmp and without doubles; owned. */
typedef struct {
    guint system;
    char **keywords;
} ImsFlags;

void ims_flags_clear(ImsFlags *self);
ImsFlags ims_flags_copy(const ImsFlags *self);
/** ims_flags_add_keyword: adds @keyword if it is not there in any case. */
void ims_flags_add_keyword(ImsFlags *self, const char *keyword);
/** ims_flags_add_keywords: adds all of @keywords (element-type utf8), which are borrowed, those
 * first in the array first; sorts the array. O(n log n), where adding them singly is quadratic. */
void ims_flags_add_keywords(ImsFlags *self, GPtrArray *keywords);
gboolean ims_flags_has_keyword(const ImsFlags *self, const char *keyword);
gboolean ims_flags_equal(const ImsFlags *a, const ImsFlags *b);
gboolean ims_flags_is_empty(const ImsFlags *self);
/** ims_flags_union: Returns: (transfer full): what is in either. */
ImsFlags ims_flags_union(const ImsFlags *a, const ImsFlags *b);
/** ims_flags_minus: Returns: (transfer full): what is in @a and not in @b. */
ImsFlags ims_flags_minus(const ImsFlags *a, const ImsFlags *b);
/** ims_flags_both: Returns: (transfer full): what is in @a and in @b. */
ImsFlags ims_flags_both(const ImsFlags *a, const ImsFlags *b);
/**
 * ims_flags_to_key:
 *
 * Returns: (transfer full): one line that is equal for equal sets up to the spelling of keywords:
 * the system bits in decimal, then each keyword behind a space. Read back by ims_flags_from_key().
 */
char *ims_flags_to_key(const ImsFlags *self);
/** ims_flags_from_key: Returns: FALSE, with @out untouched, if @key is not of that form. */
gboolean ims_flags_from_key(const char *key, ImsFlags *out);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImsFlags, ims_flags_clear)
