/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "engine/box.h"

/* The deletions of one mailbox that wait on one side. */
typedef struct {
    ImsBox *box;
    ImsSide side;    /* where the messages vanished */
    GPtrArray *rows; /* ImsRow, owned */
} ImsRemoval;

/**
 * ims_find_removals:
 * @boxes: (element-type ImsBox)
 * @known: see ims_remove()
 *
 * Asks the state file which deletions wait, and looks for each message among those that stand
 * elsewhere on its side. What the guard does not let through is held, and an issue.
 *
 * Returns: (transfer full) (nullable) (element-type ImsRemoval): those that may be carried out now
 */
GPtrArray *ims_find_removals(ImsPass *self, GPtrArray *boxes, GHashTable *known, GError **error);
