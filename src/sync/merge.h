/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "model/flags.h"
#include "model/side.h"

/* What one side can store, from its PERMANENTFLAGS. */
typedef struct {
    const ImsFlags *permanent; /* NULL: everything */
    gboolean any_keyword;
} ImsKeeps;

/** ims_keeps_mask: Returns: (transfer full): what of @flags the side can store. */
ImsFlags ims_keeps_mask(const ImsKeeps *self, const ImsFlags *flags);

/* What has to be done to a message on each side so that both agree. */
typedef struct {
    ImsFlags add[IMS_N_SIDES];
    ImsFlags del[IMS_N_SIDES];
} ImsFlagMerge;

/**
 * ims_merge_flags:
 * @base: (array fixed-size=2): what was last seen on each side
 * @now: (array fixed-size=2): what stands there
 * @keeps: (array fixed-size=2): what each side can store
 * @unite: the base cannot be trusted (a mod-sequence went backwards): nothing is taken away
 *
 * Three-way merge. A change is what a side shows now against its own base; it is carried to the
 * other side if that can store it. A removal wins over an addition elsewhere. With nothing changed,
 * nothing is carried, even if both sides differ: that is what one of them could not keep.
 */
ImsFlagMerge ims_merge_flags(
    const ImsFlags *const base[IMS_N_SIDES],
    const ImsFlags *const now[IMS_N_SIDES],
    const ImsKeeps keeps[IMS_N_SIDES],
    gboolean unite);
void ims_flag_merge_clear(ImsFlagMerge *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImsFlagMerge, ims_flag_merge_clear)
