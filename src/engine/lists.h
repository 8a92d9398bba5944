/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "engine/box.h"
#include "sync/tree.h"

/* Both listings of a pass, told apart by our names. Shared by list.c and create.c. */
typedef struct {
    ImsCmd *spaces[IMS_N_SIDES];      /* NULL: not asked for */
    GHashTable *probes[IMS_N_SIDES];  /* spelling -> ImsCmd: STATUS, before the LIST */
    ImsCmd *cmd[IMS_N_SIDES];         /* NULL: not asked for */
    GArray *listed[IMS_N_SIDES];      /* ImsTreeName, in the server's order */
    GPtrArray *names[IMS_N_SIDES];    /* of ims_tree_names() */
    GHashTable *by_name[IMS_N_SIDES]; /* our name -> ImsListing, borrowed from the command */
    ImsTree tree[IMS_N_SIDES];
} ImsLists;

void ims_lists_clear(ImsLists *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImsLists, ims_lists_clear)

/** ims_lists_ask: issues the LIST of @side; @with_spaces: behind a NAMESPACE, in one flight. Before
 * it goes a STATUS of each name that had none in the listing before: see list.c. */
gboolean ims_lists_ask(
    ImsPass *pass, ImsLists *self, ImsSide side, gboolean with_spaces, GError **error);
/** ims_lists_take: waits for what was asked of @side. */
gboolean ims_lists_take(ImsPass *pass, ImsLists *self, ImsSide side, GError **error);

/** ims_lists_update_box: takes over how @box stands on @side by the listing. */
void ims_lists_update_box(const ImsLists *self, ImsBox *box, ImsSide side);

/**
 * ims_create_missing:
 * @lists: what @steps was decided from
 * @boxes: (element-type ImsBox): as many as @steps
 *
 * Creates what is missing, and looks by another LIST at what has come of it. What was refused, or
 * came to be by another name, is an issue, and remembered until a listing changes.
 */
gboolean ims_create_missing(
    ImsPass *self, const ImsLists *lists, GPtrArray *steps, GPtrArray *boxes, GError **error);
/** ims_save_mailbox: in a transaction of its own. */
gboolean ims_save_mailbox(ImsPass *self, ImsMailbox *mailbox, GError **error);
