/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* A set of UIDs as ordered, disjoint, non-adjacent ranges: `1:4294967295` costs one range. UIDs are
 * 1..2^32-1; 0 is never in a set. */
typedef struct {
    guint32 first, last; /* first <= last */
} ImsUidRange;

typedef struct ImsUidSet ImsUidSet;

ImsUidSet *ims_uidset_new(void);
/** ims_uidset_new_from_ranges: @ranges: (element-type ImsUidRange): in any order, may overlap; each
 * needs 1 <= first <= last; they are sorted. O(n log n), where adding them singly is quadratic. */
ImsUidSet *ims_uidset_new_from_ranges(GArray *ranges);
ImsUidSet *ims_uidset_copy(const ImsUidSet *self);
void ims_uidset_free(ImsUidSet *self);
void ims_uidset_add(ImsUidSet *self, guint32 uid);
/** ims_uidset_add_range: needs 1 <= @first <= @last. Amortised constant at the tail. */
void ims_uidset_add_range(ImsUidSet *self, guint32 first, guint32 last);
void ims_uidset_add_set(ImsUidSet *self, const ImsUidSet *other);
void ims_uidset_remove_range(ImsUidSet *self, guint32 first, guint32 last);
void ims_uidset_remove_set(ImsUidSet *self, const ImsUidSet *other);
gboolean ims_uidset_contains(const ImsUidSet *self, guint32 uid);
gboolean ims_uidset_is_empty(const ImsUidSet *self);
gboolean ims_uidset_equal(const ImsUidSet *a, const ImsUidSet *b);
/** ims_uidset_count: Returns: the number of UIDs. */
guint64 ims_uidset_count(const ImsUidSet *self);
guint ims_uidset_n_ranges(const ImsUidSet *self);
/** ims_uidset_range: Returns: (transfer none): range @i, ascending. */
const ImsUidRange *ims_uidset_range(const ImsUidSet *self, guint i);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsUidSet, ims_uidset_free)
