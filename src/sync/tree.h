/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "model/mailbox.h"
#include "model/side.h"

/* What to do about the tree: a pure function of both listings and of what was known. */

/* One name as one side lists it. */
typedef struct {
    const char *name; /* ours; NULL if it has none (see ims_mailbox_name_from_server()) */
    gboolean selectable;
} ImsTreeName;

typedef struct {
    const ImsTreeName *names;
    gsize n_names;
    char delimiter; /* 0: none */
} ImsTree;

typedef enum {
    IMS_TREE_SYNC,      /* stands on both sides: compare it */
    IMS_TREE_CREATE,    /* create it on @side, then compare it */
    IMS_TREE_VANISHED,  /* was on both sides, is missing on @side: leave it alone */
    IMS_TREE_UNNAMABLE, /* @side cannot hold this name */
} ImsTreeVerb;

typedef struct {
    char *name; /* ours */
    ImsTreeVerb verb;
    ImsSide side;
    gboolean there[IMS_N_SIDES];
} ImsTreeStep;

/**
 * ims_tree_decide:
 * @tree: (array fixed-size=2): both listings
 * @known: (element-type ImsMailbox): what the state file knows
 *
 * Only selectable names count: a name that is a mere level comes into being with its children. A
 * mailbox that is gone on both sides has no step.
 *
 * Returns: (transfer full) (element-type ImsTreeStep): by name, so that parents come before
 * children.
 */
GPtrArray *ims_tree_decide(const ImsTree tree[IMS_N_SIDES], GPtrArray *known);

/**
 * ims_tree_subscription:
 * @base: what the sides were when they were last equal
 * @now: whether each is subscribed
 * @out_side: (out): which side has to follow the other
 *
 * The subscription of a mailbox that stands on both sides: whichever side toggled is followed,
 * local's if both did; where nothing is known, a subscription is kept (S19).
 *
 * Returns: whether a side has to toggle.
 */
gboolean ims_tree_subscription(
    const ImsSubscription base[IMS_N_SIDES], const gboolean now[IMS_N_SIDES], ImsSide *out_side);
