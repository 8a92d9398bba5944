/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Three-way merge of flags. Each side is compared with what was last seen on that same side, never
 * with the other: servers differ in what they keep, and a keyword that one of them drops must not
 * look like a removal on every run. */

#include "sync/merge.h"

ImsFlags
ims_keeps_mask(const ImsKeeps *self, const ImsFlags *flags)
{
    ImsFlags out = {0};

    if (self->permanent == NULL)
        return ims_flags_copy(flags);
    if (!self->any_keyword)
        return ims_flags_both(flags, self->permanent);

    out = ims_flags_copy(flags);
    out.system &= self->permanent->system;
    return out;
}

/* What @a has over @b, as far as the side can store it at all. */
static ImsFlags
change(const ImsFlags *a, const ImsFlags *b, const ImsKeeps *keeps)
{
    g_auto(ImsFlags) difference = ims_flags_minus(a, b);

    return ims_keeps_mask(keeps, &difference);
}

ImsFlagMerge
ims_merge_flags(
    const ImsFlags *const base[IMS_N_SIDES],
    const ImsFlags *const now[IMS_N_SIDES],
    const ImsKeeps keeps[IMS_N_SIDES],
    gboolean unite)
{
    ImsFlagMerge merge = {0};
    const ImsFlags none = {0};

    for (ImsSide to = IMS_LOCAL; to < IMS_N_SIDES; to++) {
        ImsSide from = ims_side_other(to);
        const ImsFlags *origin = unite ? &none : base[from];
        g_auto(ImsFlags) added = change(now[from], origin, &keeps[from]);
        g_auto(ImsFlags) removed_here = change(base[to], now[to], &keeps[to]);
        g_auto(ImsFlags) wanted =
            unite ? ims_flags_copy(&added) : ims_flags_minus(&added, &removed_here);
        g_auto(ImsFlags) missing = ims_flags_minus(&wanted, now[to]);
        g_auto(ImsFlags) removed = change(base[from], now[from], &keeps[from]);

        merge.add[to] = ims_keeps_mask(&keeps[to], &missing);
        if (!unite)
            merge.del[to] = ims_flags_both(now[to], &removed);
    }
    return merge;
}

void
ims_flag_merge_clear(ImsFlagMerge *self)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        ims_flags_clear(&self->add[side]);
        ims_flags_clear(&self->del[side]);
    }
}
