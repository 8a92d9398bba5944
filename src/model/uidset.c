/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* The set is a sorted array of ranges that neither overlap nor touch, so equal sets have equal
 * arrays. Unions and differences with a whole set are merges: no input makes them quadratic. */
#include "model/uidset.h"

#include <string.h>

struct ImsUidSet {
    GArray *ranges; /* ImsUidRange */
};

ImsUidSet *
ims_uidset_new(void)
{
    ImsUidSet *self = g_new0(ImsUidSet, 1);

    self->ranges = g_array_new(FALSE, FALSE, sizeof(ImsUidRange));
    return self;
}

static const ImsUidRange *
range_or_null(const ImsUidSet *self, guint i)
{
    return i < self->ranges->len ? &g_array_index(self->ranges, ImsUidRange, i) : NULL;
}

/* Appends a range that begins no earlier than the last one does. */
static void
append(GArray *ranges, ImsUidRange range)
{
    ImsUidRange *tail =
        ranges->len == 0 ? NULL : &g_array_index(ranges, ImsUidRange, ranges->len - 1);

    if (tail != NULL && range.first <= (guint64)tail->last + 1)
        tail->last = MAX(tail->last, range.last);
    else
        g_array_append_val(ranges, range);
}

static int
compare_first(gconstpointer a, gconstpointer b)
{
    const ImsUidRange *x = a, *y = b;

    return (x->first > y->first) - (x->first < y->first);
}

ImsUidSet *
ims_uidset_new_from_ranges(GArray *ranges)
{
    ImsUidSet *self = ims_uidset_new();

    g_array_sort(ranges, compare_first);
    for (guint i = 0; i < ranges->len; i++)
        append(self->ranges, g_array_index(ranges, ImsUidRange, i));
    return self;
}

ImsUidSet *
ims_uidset_copy(const ImsUidSet *self)
{
    ImsUidSet *copy = ims_uidset_new();

    g_array_append_vals(copy->ranges, self->ranges->data, self->ranges->len);
    return copy;
}

void
ims_uidset_free(ImsUidSet *self)
{
    if (self == NULL)
        return;
    g_array_unref(self->ranges);
    g_free(self);
}

/* Returns: the index of the first range that ends at @uid or behind it. */
static guint
find(const ImsUidSet *self, guint32 uid)
{
    guint low = 0, high = self->ranges->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        if (g_array_index(self->ranges, ImsUidRange, middle).last < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void
ims_uidset_add(ImsUidSet *self, guint32 uid)
{
    ims_uidset_add_range(self, uid, uid);
}

/* Swallows the ranges that @range meets or touches, from index @i on, and puts it in their place.
 */
static void
insert(ImsUidSet *self, guint i, ImsUidRange range)
{
    guint end = i;

    while (end < self->ranges->len) {
        const ImsUidRange *next = &g_array_index(self->ranges, ImsUidRange, end);

        if (next->first > (guint64)range.last + 1)
            break;
        range.first = MIN(range.first, next->first);
        range.last = MAX(range.last, next->last);
        end++;
    }
    if (end == i) {
        g_array_insert_val(self->ranges, i, range);
        return;
    }
    g_array_index(self->ranges, ImsUidRange, i) = range;
    if (end > i + 1)
        g_array_remove_range(self->ranges, i + 1, end - i - 1);
}

void
ims_uidset_add_range(ImsUidSet *self, guint32 first, guint32 last)
{
    guint n = self->ranges->len;

    g_return_if_fail(first >= 1 && first <= last);

    if (n == 0 || first >= g_array_index(self->ranges, ImsUidRange, n - 1).first)
        append(self->ranges, (ImsUidRange){first, last});
    else
        insert(self, find(self, first == 1 ? 1 : first - 1), (ImsUidRange){first, last});
}

/* A server may send a long set in many short lines, which must not cost the whole set each. */
static gboolean
is_small_beside(const ImsUidSet *other, const ImsUidSet *self)
{
    return other->ranges->len < self->ranges->len / 16;
}

/* All the room is taken at once: growing in steps would leave as much again in pieces behind. */
static void
merge(ImsUidSet *self, const ImsUidSet *other)
{
    guint most = self->ranges->len + other->ranges->len;
    GArray *merged = g_array_sized_new(FALSE, FALSE, sizeof(ImsUidRange), most);
    const ImsUidRange *mine = range_or_null(self, 0), *theirs = range_or_null(other, 0);
    guint i = 0, j = 0;

    while (mine != NULL || theirs != NULL) {
        if (theirs == NULL || (mine != NULL && mine->first <= theirs->first)) {
            append(merged, *mine);
            mine = range_or_null(self, ++i);
        } else {
            append(merged, *theirs);
            theirs = range_or_null(other, ++j);
        }
    }
    g_array_unref(self->ranges);
    self->ranges = merged;
}

void
ims_uidset_add_set(ImsUidSet *self, const ImsUidSet *other)
{
    if (!is_small_beside(other, self)) {
        merge(self, other);
        return;
    }
    for (guint i = 0; i < other->ranges->len; i++) {
        ImsUidRange range = g_array_index(other->ranges, ImsUidRange, i);

        ims_uidset_add_range(self, range.first, range.last);
    }
}

/* Leaves of range @i what stands before @first, and splits off what stands behind @last. Returns:
 * the index of the first range that may still begin within first..last. */
static guint
cut_head(ImsUidSet *self, guint i, guint32 first, guint32 last)
{
    ImsUidRange *range = &g_array_index(self->ranges, ImsUidRange, i);
    guint32 old_last = range->last;

    if (range->first >= first)
        return i;
    range->last = first - 1;
    if (old_last > last) {
        ImsUidRange rest = {last + 1, old_last};

        g_array_insert_val(self->ranges, i + 1, rest);
    }
    return i + 1;
}

void
ims_uidset_remove_range(ImsUidSet *self, guint32 first, guint32 last)
{
    guint i, end;

    g_return_if_fail(first >= 1 && first <= last);

    i = find(self, first);
    if (i == self->ranges->len)
        return;
    i = cut_head(self, i, first, last);
    for (end = i; end < self->ranges->len; end++) {
        if (g_array_index(self->ranges, ImsUidRange, end).last > last)
            break;
    }
    if (end > i)
        g_array_remove_range(self->ranges, i, end - i);
    if (i < self->ranges->len && g_array_index(self->ranges, ImsUidRange, i).first <= last)
        g_array_index(self->ranges, ImsUidRange, i).first = last + 1;
}

/* Appends to @kept what of @range is not in @other, whose ranges before @inout_j lie below it. */
static void
keep_rest(GArray *kept, const ImsUidRange *range, const ImsUidSet *other, guint *inout_j)
{
    guint64 first = range->first;
    const ImsUidRange *cut;

    while ((cut = range_or_null(other, *inout_j)) != NULL && cut->first <= range->last) {
        if (cut->first > first)
            append(kept, (ImsUidRange){(guint32)first, cut->first - 1});
        first = MAX(first, (guint64)cut->last + 1);
        if (first > range->last)
            return;
        ++*inout_j;
    }
    append(kept, (ImsUidRange){(guint32)first, range->last});
}

void
ims_uidset_remove_set(ImsUidSet *self, const ImsUidSet *other)
{
    GArray *kept = g_array_new(FALSE, FALSE, sizeof(ImsUidRange));
    guint j = 0;

    for (guint i = 0; i < self->ranges->len; i++)
        keep_rest(kept, &g_array_index(self->ranges, ImsUidRange, i), other, &j);
    g_array_unref(self->ranges);
    self->ranges = kept;
}

gboolean
ims_uidset_contains(const ImsUidSet *self, guint32 uid)
{
    const ImsUidRange *range = range_or_null(self, find(self, uid));

    return range != NULL && range->first <= uid && uid != 0;
}

gboolean
ims_uidset_is_empty(const ImsUidSet *self)
{
    return self->ranges->len == 0;
}

gboolean
ims_uidset_equal(const ImsUidSet *a, const ImsUidSet *b)
{
    if (a->ranges->len != b->ranges->len)
        return FALSE;
    return a->ranges->len == 0 ||
           memcmp(a->ranges->data, b->ranges->data, a->ranges->len * sizeof(ImsUidRange)) == 0;
}

guint64
ims_uidset_count(const ImsUidSet *self)
{
    guint64 count = 0;

    for (guint i = 0; i < self->ranges->len; i++) {
        const ImsUidRange *range = &g_array_index(self->ranges, ImsUidRange, i);

        count += (guint64)range->last - range->first + 1;
    }
    return count;
}

guint
ims_uidset_n_ranges(const ImsUidSet *self)
{
    return self->ranges->len;
}

const ImsUidRange *
ims_uidset_range(const ImsUidSet *self, guint i)
{
    g_assert(i < self->ranges->len);

    return &g_array_index(self->ranges, ImsUidRange, i);
}
