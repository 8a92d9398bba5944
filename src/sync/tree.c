/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The decision about the tree. A mailbox that stands on one side only is new there, unless the
 * state file knows that it stood on both: then somebody took it away, and only ids that this
 * version does not follow could say whether it was renamed or deleted. It is left alone. */

#include "sync/tree.h"

#include <string.h>

#include "model/mailbox-name.h"

typedef struct {
    gboolean there[IMS_N_SIDES];
    gboolean known; /* on both sides */
} Presence;

static Presence *
presence(GHashTable *table, const char *name)
{
    Presence *p = g_hash_table_lookup(table, name);

    if (p == NULL) {
        p = g_new0(Presence, 1);
        g_hash_table_insert(table, g_strdup(name), p);
    }
    return p;
}

static void
step_free(gpointer data)
{
    ImsTreeStep *step = data;

    g_free(step->name);
    g_free(step);
}

static gint
by_name(gconstpointer a, gconstpointer b)
{
    const ImsTreeStep *x = *(ImsTreeStep *const *)a, *y = *(ImsTreeStep *const *)b;

    return strcmp(x->name, y->name);
}

static gboolean
can_hold(const ImsTree *tree, const char *name)
{
    g_autofree char *spelling = ims_mailbox_name_to_server(name, tree->delimiter);

    return spelling != NULL;
}

static ImsTreeStep *
step_for(const char *name, const Presence *p, const ImsTree tree[IMS_N_SIDES])
{
    ImsTreeStep *step = g_new0(ImsTreeStep, 1);
    ImsSide from = p->there[IMS_LOCAL] ? IMS_LOCAL : IMS_REMOTE;

    step->name = g_strdup(name);
    step->side = ims_side_other(from);
    memcpy(step->there, p->there, sizeof step->there);
    if (p->there[IMS_LOCAL] && p->there[IMS_REMOTE])
        step->verb = IMS_TREE_SYNC;
    else if (p->known)
        step->verb = IMS_TREE_VANISHED;
    else if (can_hold(&tree[step->side], name))
        step->verb = IMS_TREE_CREATE;
    else
        step->verb = IMS_TREE_UNNAMABLE;
    return step;
}

static void
note_listing(GHashTable *table, const ImsTree *tree, ImsSide side)
{
    for (gsize i = 0; i < tree->n_names; i++) {
        const ImsTreeName *name = &tree->names[i];

        if (name->name != NULL && name->selectable)
            presence(table, name->name)->there[side] = TRUE;
    }
}

GPtrArray *
ims_tree_decide(const ImsTree tree[IMS_N_SIDES], GPtrArray *known)
{
    g_autoptr(GHashTable) table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    GPtrArray *steps = g_ptr_array_new_with_free_func(step_free);
    GHashTableIter iter;
    gpointer name, value;

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        note_listing(table, &tree[side], side);
    for (guint i = 0; i < known->len; i++) {
        const ImsMailbox *mailbox = g_ptr_array_index(known, i);
        Presence *p = g_hash_table_lookup(table, mailbox->name);

        if (p != NULL)
            p->known = mailbox->known[IMS_LOCAL] && mailbox->known[IMS_REMOTE];
    }
    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, &name, &value))
        g_ptr_array_add(steps, step_for(name, value, tree));
    g_ptr_array_sort(steps, by_name);
    return steps;
}

gboolean
ims_tree_subscription(
    const ImsSubscription base[IMS_N_SIDES], const gboolean now[IMS_N_SIDES], ImsSide *out_side)
{
    gboolean known =
        base[IMS_LOCAL] != IMS_SUBSCRIPTION_UNKNOWN && base[IMS_REMOTE] != IMS_SUBSCRIPTION_UNKNOWN;

    if (now[IMS_LOCAL] == now[IMS_REMOTE])
        return FALSE;
    if (!known) {
        *out_side = now[IMS_LOCAL] ? IMS_REMOTE : IMS_LOCAL;
        return TRUE;
    }
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        if (now[side] != (base[side] == IMS_SUBSCRIPTION_YES)) {
            *out_side = ims_side_other(side);
            return TRUE;
        }
    }
    return FALSE;
}
