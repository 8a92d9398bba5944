/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "model/mailbox.h"
#include "model/naming.h"
#include "model/pattern.h"
#include "model/side.h"

/* What to do about the tree: a pure function of both listings, of what the account is to hold and
 * of what was known. */

/* One name as one side lists it. */
typedef struct {
    const char *spelling; /* UTF-8, the server's */
    char delimiter;
    gboolean selectable;
    gboolean nameless; /* @spelling only stands for what the server writes */
    gboolean subscribed;
    const char *role; /* "" if none */
} ImsTreeName;

typedef struct {
    const ImsTreeName *names;
    gsize n_names;
    const ImsNaming *naming;
} ImsTree;

typedef struct {
    const ImsPatterns *mailboxes; /* NULL: all */
    const ImsPatterns *ignore;    /* NULL: none */
    const char *const *asked;     /* names that a user asked for; NULL: none */
} ImsTreeRules;

typedef enum {
    IMS_TREE_SYNC,      /* stands on both sides: compare it */
    IMS_TREE_CREATE,    /* create it on @side, then compare it */
    IMS_TREE_REFUSED,   /* @side refused to create it, and no listing has changed since */
    IMS_TREE_VANISHED,  /* was on both sides, is missing on @side: leave it alone */
    IMS_TREE_UNNAMABLE, /* @side cannot hold this name */
    IMS_TREE_EXCLUDED,  /* not to be synced: @excluded_by says why */
} ImsTreeVerb;

typedef struct {
    char *name; /* see ims_tree_names() */
    ImsTreeVerb verb;
    ImsSide side;
    gboolean there[IMS_N_SIDES];
    char *spelling[IMS_N_SIDES]; /* where it stands or is to be created; else NULL */
    gboolean subscribed;         /* on either side, once subscriptions have travelled */
    gboolean carries;            /* its subscription travels, if it stands on both sides */
    const char *excluded_by;     /* static: the key "mailboxes" or "ignore", or "namespace" */
} ImsTreeStep;

/**
 * ims_tree_names:
 *
 * Returns: (transfer full) (element-type utf8): for each listed name ours, or `/` and the server's
 * spelling for a mailbox that has none here or is not the account's own: no name of ours begins so.
 * NULL for what is no mailbox, or somebody else's. No two are the same.
 */
GPtrArray *ims_tree_names(const ImsTree *tree);

/**
 * ims_tree_decide:
 * @tree: (array fixed-size=2): both listings
 * @rules: which mailboxes are wanted
 * @known: (element-type ImsMailbox): what the state file knows
 *
 * Only selectable names count: a name that is a mere level comes into being with its children. A
 * mailbox that is gone on both sides has no step.
 *
 * Returns: (transfer full) (element-type ImsTreeStep): by name, so that parents come before
 * children.
 */
GPtrArray *ims_tree_decide(
    const ImsTree tree[IMS_N_SIDES], const ImsTreeRules *rules, GPtrArray *known);

/** ims_tree_signature: Returns: a number that is another one, but for chance, when a mailbox comes
 * or goes on either side; never 0. The order of the listings makes no difference. */
guint64 ims_tree_signature(const ImsTree tree[IMS_N_SIDES]);

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
