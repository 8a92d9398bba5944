/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The decision about the tree. A mailbox that stands on one side only is new there, unless the
 * state file knows that it stood on both: then somebody took it away, and only ids that this
 * version does not follow could say whether it was renamed or deleted. It is left alone. */

#include "sync/tree.h"

#include <string.h>

typedef struct {
    gboolean there[IMS_N_SIDES];
    char *spelling[IMS_N_SIDES];
    gboolean subscribed[IMS_N_SIDES];
    const char *role;        /* local's, if both have one */
    gboolean foreign;        /* on some side */
    const ImsMailbox *known; /* NULL: not at all */
} Presence;

/* -- names -- */

static char *
own_spelling(const ImsTreeName *name)
{
    return g_strconcat("/", name->spelling, NULL);
}

/* Returns: (transfer full) (nullable): as ims_tree_names(), regardless of other names. */
static char *
name_of(const ImsTree *tree, const ImsTreeName *name)
{
    char *ours = NULL;

    if (!name->selectable)
        return NULL;
    switch (ims_naming_from_server(tree->naming, name->spelling, name->delimiter, &ours)) {
    case IMS_NAME_OURS:
        if (!name->nameless)
            return ours;
        g_free(ours);
        return own_spelling(name);
    case IMS_NAME_NONE:
    case IMS_NAME_FOREIGN:
        return own_spelling(name);
    case IMS_NAME_OUTSIDE:
    default:
        return NULL;
    }
}

static gboolean
is_spelled_as_ours(const ImsTree *tree, const ImsTreeName *name, const char *ours)
{
    g_autofree char *spelling = ims_naming_to_server(tree->naming, ours);

    return g_strcmp0(spelling, name->spelling) == 0;
}

static void
give_own_name(const ImsTree *tree, GPtrArray *names, gsize i)
{
    g_free(g_ptr_array_index(names, i));
    g_ptr_array_index(names, i) = own_spelling(&tree->names[i]);
}

/* A server to which `inbox/a` and `INBOX/a` are two makes one name of two mailboxes: it is that
 * one's which we would spell so, and else none's. */
GPtrArray *
ims_tree_names(const ImsTree *tree)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    for (gsize i = 0; i < tree->n_names; i++) {
        char *name = name_of(tree, &tree->names[i]);
        gpointer first = NULL;

        g_ptr_array_add(names, name);
        if (name == NULL)
            continue;
        if (g_hash_table_lookup_extended(seen, name, NULL, &first)) {
            gsize other = GPOINTER_TO_SIZE(first);
            gboolean ours = is_spelled_as_ours(tree, &tree->names[i], name);

            if (!is_spelled_as_ours(tree, &tree->names[other], name))
                give_own_name(tree, names, other);
            if (!ours) {
                give_own_name(tree, names, i);
                continue;
            }
        }
        g_hash_table_insert(seen, g_strdup(name), GSIZE_TO_POINTER(i));
    }
    return names;
}

/* -- who stands where -- */

static void
presence_free(gpointer data)
{
    Presence *p = data;

    g_free(p->spelling[IMS_LOCAL]);
    g_free(p->spelling[IMS_REMOTE]);
    g_free(p);
}

static Presence *
presence(GHashTable *table, const char *name)
{
    Presence *p = g_hash_table_lookup(table, name);

    if (p == NULL) {
        p = g_new0(Presence, 1);
        p->role = "";
        g_hash_table_insert(table, g_strdup(name), p);
    }
    return p;
}

static gboolean
is_foreign(const ImsTree *tree, const ImsTreeName *name)
{
    g_autofree char *ours = NULL;

    return ims_naming_from_server(tree->naming, name->spelling, name->delimiter, &ours) ==
           IMS_NAME_FOREIGN;
}

static void
note_listing(GHashTable *table, const ImsTree *tree, ImsSide side)
{
    g_autoptr(GPtrArray) names = ims_tree_names(tree);

    for (gsize i = 0; i < tree->n_names; i++) {
        const ImsTreeName *listed = &tree->names[i];
        const char *name = g_ptr_array_index(names, i);
        Presence *p;

        if (name == NULL)
            continue;
        p = presence(table, name);
        p->there[side] = TRUE;
        p->spelling[side] = g_strdup(listed->spelling);
        p->subscribed[side] = listed->subscribed;
        p->foreign |= *name == '/' && is_foreign(tree, listed);
        if (*p->role == '\0')
            p->role = listed->role;
    }
}

static void
note_known(GHashTable *table, GPtrArray *known)
{
    for (guint i = 0; i < known->len; i++) {
        const ImsMailbox *mailbox = g_ptr_array_index(known, i);
        Presence *p = g_hash_table_lookup(table, mailbox->name);

        if (p != NULL)
            p->known = mailbox;
    }
}

/* -- steps -- */

static void
step_free(gpointer data)
{
    ImsTreeStep *step = data;

    g_free(step->spelling[IMS_LOCAL]);
    g_free(step->spelling[IMS_REMOTE]);
    g_free(step->name);
    g_free(step);
}

static gint
by_name(gconstpointer a, gconstpointer b)
{
    const ImsTreeStep *x = *(ImsTreeStep *const *)a, *y = *(ImsTreeStep *const *)b;

    return strcmp(x->name, y->name);
}

/* Returns: (nullable): the key that leaves it out. */
static const char *
excluded_by(const ImsTreeRules *rules, const char *name, const char *role, gboolean subscribed)
{
    if (rules->mailboxes != NULL && !ims_patterns_match(rules->mailboxes, name, role, subscribed))
        return "mailboxes";
    if (rules->ignore != NULL && ims_patterns_match(rules->ignore, name, role, subscribed))
        return "ignore";
    return NULL;
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

/* Whether it is subscribed once that has travelled. */
static gboolean
will_be_subscribed(const Presence *p)
{
    static const ImsSubscription unknown[IMS_N_SIDES] = {
        IMS_SUBSCRIPTION_UNKNOWN, IMS_SUBSCRIPTION_UNKNOWN};
    ImsSide follower;

    if (p->there[IMS_LOCAL] && p->there[IMS_REMOTE] &&
        ims_tree_subscription(
            p->known != NULL ? p->known->subscribed : unknown, p->subscribed, &follower))
        return p->subscribed[ims_side_other(follower)];
    return p->subscribed[IMS_LOCAL] || p->subscribed[IMS_REMOTE];
}

static gboolean
was_refused(const ImsTreeStep *step, const Presence *p, const ImsTreeRules *rules, guint64 now)
{
    return p->known != NULL && p->known->refused[step->side] == now &&
           (rules->asked == NULL || !g_strv_contains(rules->asked, step->name));
}

/* What to do about one that stands on one side only. */
static ImsTreeVerb
verb_for_missing(
    ImsTreeStep *step,
    const Presence *p,
    const ImsTree tree[IMS_N_SIDES],
    const ImsTreeRules *rules,
    guint64 signature)
{
    if (p->known != NULL && p->known->valid && p->known->known[IMS_LOCAL] &&
        p->known->known[IMS_REMOTE])
        return IMS_TREE_VANISHED;
    if (was_refused(step, p, rules, signature))
        return IMS_TREE_REFUSED;
    step->spelling[step->side] = ims_naming_to_server(tree[step->side].naming, step->name);
    return step->spelling[step->side] != NULL ? IMS_TREE_CREATE : IMS_TREE_UNNAMABLE;
}

static ImsTreeStep *
step_for(
    const char *name,
    const Presence *p,
    const ImsTree tree[IMS_N_SIDES],
    const ImsTreeRules *rules,
    guint64 signature)
{
    ImsTreeStep *step = g_new0(ImsTreeStep, 1);

    step->name = g_strdup(name);
    step->side = p->there[IMS_LOCAL] ? IMS_REMOTE : IMS_LOCAL;
    memcpy(step->there, p->there, sizeof step->there);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        step->spelling[side] = g_strdup(p->spelling[side]);
    step->subscribed = will_be_subscribed(p);
    if (*name == '/') {
        step->verb = p->foreign ? IMS_TREE_EXCLUDED : IMS_TREE_UNNAMABLE;
        step->excluded_by = p->foreign ? "namespace" : NULL;
        return step;
    }

    /* Else one that `subscribed` has left out would never learn that it is subscribed again. */
    step->carries = excluded_by(rules, name, p->role, TRUE) == NULL ||
                    excluded_by(rules, name, p->role, FALSE) == NULL;
    step->excluded_by = excluded_by(rules, name, p->role, step->subscribed);
    if (step->excluded_by != NULL)
        step->verb = IMS_TREE_EXCLUDED;
    else if (p->there[IMS_LOCAL] && p->there[IMS_REMOTE])
        step->verb = IMS_TREE_SYNC;
    else
        step->verb = verb_for_missing(step, p, tree, rules, signature);
    return step;
}

GPtrArray *
ims_tree_decide(const ImsTree tree[IMS_N_SIDES], const ImsTreeRules *rules, GPtrArray *known)
{
    g_autoptr(GHashTable) table =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, presence_free);
    GPtrArray *steps = g_ptr_array_new_with_free_func(step_free);
    guint64 signature = ims_tree_signature(tree);
    GHashTableIter iter;
    gpointer name, value;

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        note_listing(table, &tree[side], side);
    note_known(table, known);
    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, &name, &value))
        g_ptr_array_add(steps, step_for(name, value, tree, rules, signature));
    g_ptr_array_sort(steps, by_name);
    return steps;
}

/* -- signature -- */

/* FNV-1a, 64 bits. */
static guint64
hash_name(guint64 hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (guint8)*text) * G_GUINT64_CONSTANT(0x100000001b3);
    return hash;
}

guint64
ims_tree_signature(const ImsTree tree[IMS_N_SIDES])
{
    guint64 sum = 0;

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        for (gsize i = 0; i < tree[side].n_names; i++) {
            const ImsTreeName *name = &tree[side].names[i];
            guint64 start =
                G_GUINT64_CONSTANT(0xcbf29ce484222325) ^ (guint64)side ^ (name->selectable ? 2 : 0);

            sum += hash_name(start, name->spelling);
        }
    }
    return sum != 0 ? sum : 1;
}
