/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The account's tree: both listings in one flight, what to create, and where each mailbox stands. A
 * mailbox whose points did not move is not opened at all. */

#include "engine/box.h"
#include "model/mailbox-name.h"
#include "sync/tree.h"

typedef struct {
    GPtrArray *listings[IMS_N_SIDES]; /* ImsListing, borrowed from the commands */
    GPtrArray *names[IMS_N_SIDES];    /* char *: ours, owned; NULL if it has none */
    GHashTable *by_name[IMS_N_SIDES]; /* our name -> ImsListing */
    ImsCmd *cmd[IMS_N_SIDES];
} Lists;

static void
lists_clear(Lists *lists)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        g_clear_pointer(&lists->by_name[side], g_hash_table_unref);
        g_clear_pointer(&lists->names[side], g_ptr_array_unref);
        g_clear_pointer(&lists->cmd[side], ims_cmd_unref);
    }
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Lists, lists_clear)

static gboolean
selectable(const ImsListing *listing)
{
    return (listing->attributes & (IMS_LIST_NOSELECT | IMS_LIST_NONEXISTENT)) == 0;
}

static gboolean
fetch_lists(ImsPass *self, Lists *lists, GError **error)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        lists->cmd[side] = ims_conn_list(self->conn[side], error);
        if (lists->cmd[side] == NULL)
            return FALSE;
    }
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        if (!ims_conn_wait(self->conn[side], lists->cmd[side], error))
            return FALSE;
        if (ims_cmd_reply(lists->cmd[side]) == IMS_REPLY_NO) {
            g_set_error(
                error,
                IMS_ERROR,
                IMS_ERROR_SERVER_REJECTED,
                "%s: the server refused to list its mailboxes: %s",
                ims_side_name(side),
                ims_cmd_text(lists->cmd[side]));
            return FALSE;
        }
    }
    return TRUE;
}

static void
index_lists(ImsPass *self, Lists *lists)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        GPtrArray *listings = ims_cmd_listings(lists->cmd[side]);

        lists->listings[side] = listings;
        lists->names[side] = g_ptr_array_new_with_free_func(g_free);
        lists->by_name[side] = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint i = 0; i < listings->len; i++) {
            ImsListing *listing = g_ptr_array_index(listings, i);
            char *name = ims_mailbox_name_from_server(listing->name, listing->delimiter);

            if (listing->delimiter != 0)
                self->delimiter[side] = listing->delimiter;
            g_ptr_array_add(lists->names[side], name);
            if (name != NULL && selectable(listing))
                g_hash_table_insert(lists->by_name[side], name, listing);
        }
    }
}

static GArray *
tree_names(const Lists *lists, ImsSide side)
{
    GArray *names = g_array_new(FALSE, TRUE, sizeof(ImsTreeName));

    for (guint i = 0; i < lists->listings[side]->len; i++) {
        const ImsListing *listing = g_ptr_array_index(lists->listings[side], i);
        ImsTreeName name = {
            .name = g_ptr_array_index(lists->names[side], i),
            .selectable = selectable(listing),
        };

        g_array_append_val(names, name);
    }
    return names;
}

static GPtrArray *
decide_tree(ImsPass *self, const Lists *lists, GPtrArray *known)
{
    g_autoptr(GArray) local = tree_names(lists, IMS_LOCAL);
    g_autoptr(GArray) remote = tree_names(lists, IMS_REMOTE);
    const ImsTree tree[] = {
        {(const ImsTreeName *)(gpointer)local->data, local->len, self->delimiter[IMS_LOCAL]},
        {(const ImsTreeName *)(gpointer)remote->data, remote->len, self->delimiter[IMS_REMOTE]},
    };

    return ims_tree_decide(tree, known);
}

static ImsMailbox *
take_known(GPtrArray *known, const char *name)
{
    for (guint i = 0; i < known->len; i++) {
        ImsMailbox *mailbox = g_ptr_array_index(known, i);

        if (g_str_equal(mailbox->name, name))
            return g_ptr_array_steal_index_fast(known, i);
    }
    return ims_mailbox_new(name);
}

/* Names with wildcards of our own command line are none: a job names mailboxes as they are. */
static gboolean
names_exist(const ImsPass *self, GPtrArray *steps, GError **error)
{
    for (char **name = self->order->mailboxes; name != NULL && *name != NULL; name++) {
        gboolean found = FALSE;

        for (guint i = 0; i < steps->len && !found; i++)
            found = g_str_equal(((ImsTreeStep *)g_ptr_array_index(steps, i))->name, *name);
        if (!found) {
            g_set_error(
                error,
                IMS_ERROR,
                IMS_ERROR_NO_SUCH_MAILBOX,
                "There is no mailbox “%s” on either side; names are written with “/” between "
                "levels",
                *name);
            return FALSE;
        }
    }
    return TRUE;
}

static void
update_box(ImsBox *box, const Lists *lists)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        const ImsListing *listing = g_hash_table_lookup(lists->by_name[side], box->mailbox->name);

        box->there[side] = listing != NULL;
        box->subscribed[side] = listing != NULL && (listing->attributes & IMS_LIST_SUBSCRIBED) != 0;
        if (listing == NULL) {
            box->have[side] = 0;
            continue;
        }
        g_free(box->spelling[side]);
        box->spelling[side] = g_strdup(listing->name);
        box->have[side] = listing->have;
        box->listed[side] = listing->point;
        if (*box->role == '\0')
            box->role = listing->role;
    }
}

/* The CREATEs of all that is missing go out together; the answers tell what stands alone. */
static gboolean
create_missing(ImsPass *self, GPtrArray *steps, GPtrArray *boxes, GError **error)
{
    g_autoptr(GPtrArray) creates = g_ptr_array_new_with_free_func((GDestroyNotify)ims_cmd_unref);
    g_autoptr(GArray) indexes = g_array_new(FALSE, FALSE, sizeof(guint));

    for (guint i = 0; i < steps->len; i++) {
        const ImsTreeStep *step = g_ptr_array_index(steps, i);
        ImsBox *box = g_ptr_array_index(boxes, i);
        ImsCmd *cmd;

        if (step->verb != IMS_TREE_CREATE || !ims_pass_orders(self, step->name))
            continue;
        box->spelling[step->side] =
            ims_mailbox_name_to_server(step->name, self->delimiter[step->side]);
        if (self->order->dry_run) {
            if (!ims_plan_creation(self, box, step->side, error))
                return FALSE;
            continue;
        }
        cmd = ims_conn_create(self->conn[step->side], box->spelling[step->side], error);
        if (cmd == NULL)
            return FALSE;
        g_ptr_array_add(creates, cmd);
        g_array_append_val(indexes, i);
    }
    for (guint i = 0; i < creates->len; i++) {
        guint index = g_array_index(indexes, guint, i);
        const ImsTreeStep *step = g_ptr_array_index(steps, index);
        ImsBox *box = g_ptr_array_index(boxes, index);
        ImsCmd *cmd = g_ptr_array_index(creates, i);

        if (!ims_conn_wait(self->conn[step->side], cmd, error))
            return FALSE;
        if (ims_cmd_reply(cmd) == IMS_REPLY_NO) {
            if (!ims_pass_leave(self, box, step->side, ims_cmd_text(cmd), error))
                return FALSE;
            continue;
        }
        box->there[step->side] = TRUE;
        ims_pass_count(self, box, IMS_COUNT_MAILBOXES_CREATED, 1);
    }
    return TRUE;
}

/* What stays on one side becomes an issue; what has come back settles it. */
static gboolean
settle_step(ImsPass *self, const ImsTreeStep *step, GError **error)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        if (step->there[side] &&
            (!ims_pass_settle_issue(self, IMS_ISSUE_MAILBOX_VANISHED, step->name, side, error) ||
             !ims_pass_settle_issue(self, IMS_ISSUE_NAME, step->name, side, error)))
            return FALSE;
    }
    if (step->verb == IMS_TREE_VANISHED)
        return ims_pass_raise(
            self, IMS_ISSUE_MAILBOX_VANISHED, step->name, step->side, 0, NULL, error);
    if (step->verb == IMS_TREE_UNNAMABLE)
        return ims_pass_raise(self, IMS_ISSUE_NAME, step->name, step->side, 0, NULL, error);
    return TRUE;
}

/* A mailbox that is gone on both sides is forgotten, with its issues. */
static gboolean
forget_gone(ImsPass *self, GPtrArray *known, GError **error)
{
    for (guint i = 0; i < known->len; i++) {
        const ImsMailbox *mailbox = g_ptr_array_index(known, i);

        if (!ims_store_begin(self->store, error) ||
            !ims_store_forget_mailbox(self->store, mailbox->id, error) ||
            !ims_store_commit(self->store, error))
            return FALSE;
        for (ImsIssueKind kind = 0; kind < IMS_N_ISSUES; kind++) {
            for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
                if (!ims_pass_settle_issue(self, kind, mailbox->name, side, error))
                    return FALSE;
            }
        }
    }
    return TRUE;
}

static gboolean
remember_known(ImsPass *self, ImsBox *box, GError **error)
{
    ImsMailbox *mailbox = box->mailbox;

    if (mailbox->id != 0 && mailbox->known[IMS_LOCAL] && mailbox->known[IMS_REMOTE])
        return TRUE;
    mailbox->known[IMS_LOCAL] = mailbox->known[IMS_REMOTE] = TRUE;
    return ims_store_begin(self->store, error) &&
           ims_store_save_mailbox(self->store, mailbox, error) &&
           ims_store_commit(self->store, error);
}

static gboolean
sort_boxes(ImsPass *self, GPtrArray *steps, GPtrArray *boxes, GError **error)
{
    for (guint i = 0; i < steps->len; i++) {
        const ImsTreeStep *step = g_ptr_array_index(steps, i);
        ImsBox *box = g_steal_pointer(&g_ptr_array_index(boxes, i));
        gboolean both = box->there[IMS_LOCAL] && box->there[IMS_REMOTE];

        g_ptr_array_add(both ? self->boxes : self->alone, box);
        if (!settle_step(self, step, error) || (both && !remember_known(self, box, error)))
            return FALSE;
    }
    return TRUE;
}

static gboolean
make_boxes(ImsPass *self, const Lists *lists, GError **error)
{
    g_autoptr(GPtrArray) known = ims_store_mailboxes(self->store, error);
    g_autoptr(GPtrArray) steps = NULL;
    g_autoptr(GPtrArray) boxes = g_ptr_array_new_with_free_func((GDestroyNotify)ims_box_free);

    if (known == NULL)
        return FALSE;
    steps = decide_tree(self, lists, known);
    if (!names_exist(self, steps, error))
        return FALSE;
    for (guint i = 0; i < steps->len; i++) {
        const ImsTreeStep *step = g_ptr_array_index(steps, i);
        ImsBox *box = ims_box_new(take_known(known, step->name));

        update_box(box, lists);
        g_ptr_array_add(boxes, box);
    }
    return create_missing(self, steps, boxes, error) && forget_gone(self, known, error) &&
           sort_boxes(self, steps, boxes, error) && ims_carry_subscriptions(self, error);
}

/* Takes what is known out of the index; what is left is news. */
static void
update_boxes(ImsPass *self, GPtrArray *boxes, Lists *lists)
{
    for (guint i = 0; i < boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(boxes, i);

        update_box(box, lists);
        for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
            g_hash_table_remove(lists->by_name[side], box->mailbox->name);
    }
}

gboolean
ims_list(ImsPass *self, gboolean first, GError **error)
{
    g_auto(Lists) lists = {0};

    ims_pass_tell(self, IMS_PHASE_LISTING, NULL);
    self->at = NULL;
    if (!fetch_lists(self, &lists, error))
        return FALSE;
    index_lists(self, &lists);
    if (first)
        return make_boxes(self, &lists, error);

    update_boxes(self, self->boxes, &lists);
    update_boxes(self, self->alone, &lists);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        self->surprised[side] = g_hash_table_size(lists.by_name[side]) > 0;
    return TRUE;
}
