/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Creating mailboxes. A server may create something else than it was asked for (Cyrus strips,
 * others fold case), so the answer to a CREATE proves nothing: a LIST behind all of them, in the
 * same flight, tells what stands now. */

#include "engine/lists.h"

typedef struct {
    guint index; /* of step and box */
    ImsCmd *cmd;
} Creation;

static void
creation_clear(gpointer data)
{
    ims_cmd_unref(((Creation *)data)->cmd);
}

/* All CREATEs go out at once. In a dry run they are only counted. */
static gboolean
issue_creates(ImsPass *self, GPtrArray *steps, GPtrArray *boxes, GArray *creations, GError **error)
{
    for (guint i = 0; i < steps->len; i++) {
        const ImsTreeStep *step = g_ptr_array_index(steps, i);
        ImsBox *box = g_ptr_array_index(boxes, i);
        Creation creation = {i, NULL};

        if (step->verb != IMS_TREE_CREATE || !ims_pass_orders(self, step->name))
            continue;
        g_free(box->spelling[step->side]);
        box->spelling[step->side] = g_strdup(step->spelling[step->side]);
        if (self->order->dry_run) {
            if (!ims_plan_creation(self, box, step->side, error))
                return FALSE;
            continue;
        }
        creation.cmd = ims_conn_create(self->conn[step->side], box->spelling[step->side], error);
        if (creation.cmd == NULL)
            return FALSE;
        g_array_append_val(creations, creation);
    }
    return TRUE;
}

/* A server that folds case says so of a name that it does not list. */
static gboolean
stands_otherwise(const ImsCmd *cmd)
{
    return g_strcmp0(ims_cmd_code(cmd)->name, "ALREADYEXISTS") == 0;
}

static gboolean
refuse(ImsPass *self, ImsBox *box, ImsSide side, const ImsCmd *cmd, guint64 now, GError **error)
{
    const char *name = box->mailbox->name;

    if (ims_cmd_reply(cmd) == IMS_REPLY_NO && !stands_otherwise(cmd)) {
        if (!ims_pass_leave(self, box, side, ims_cmd_text(cmd), error))
            return FALSE;
        if (ims_reply_may_pass(ims_cmd_code(cmd)))
            return TRUE;
    } else {
        box->left = TRUE;
        if (!ims_pass_raise(self, IMS_ISSUE_NAME, name, side, 0, NULL, error))
            return FALSE;
    }
    box->mailbox->refused[side] = now;
    return ims_save_mailbox(self, box->mailbox, error);
}

static gboolean
settle(
    ImsPass *self,
    const ImsTreeStep *step,
    ImsBox *box,
    const ImsCmd *cmd,
    const ImsLists *after,
    guint64 now,
    GError **error)
{
    if (!g_hash_table_contains(after->by_name[step->side], step->name))
        return refuse(self, box, step->side, cmd, now, error);
    ims_lists_update_box(after, box, step->side);
    box->mailbox->refused[step->side] = 0;
    if (ims_cmd_reply(cmd) == IMS_REPLY_OK)
        ims_pass_count(self, box, IMS_COUNT_MAILBOXES_CREATED, 1);
    return TRUE;
}

/* The listings as they are now: a side on which nothing was created was not asked again. */
static guint64
signature_after(const ImsLists *before, const ImsLists *after)
{
    ImsTree tree[IMS_N_SIDES];

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        tree[side] = after->cmd[side] != NULL ? after->tree[side] : before->tree[side];
    return ims_tree_signature(tree);
}

static gboolean
list_again(
    ImsPass *self, GPtrArray *steps, const GArray *creations, ImsLists *after, GError **error)
{
    for (guint i = 0; i < creations->len; i++) {
        guint index = g_array_index(creations, Creation, i).index;
        ImsSide side = ((const ImsTreeStep *)g_ptr_array_index(steps, index))->side;

        if (after->cmd[side] == NULL && !ims_lists_ask(self, after, side, FALSE, error))
            return FALSE;
    }
    for (guint i = 0; i < creations->len; i++) {
        const Creation *creation = &g_array_index(creations, Creation, i);
        const ImsTreeStep *step = g_ptr_array_index(steps, creation->index);

        if (!ims_conn_wait(self->conn[step->side], creation->cmd, error))
            return FALSE;
    }
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        if (after->cmd[side] != NULL && !ims_lists_take(self, after, side, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
ims_create_missing(
    ImsPass *self, const ImsLists *lists, GPtrArray *steps, GPtrArray *boxes, GError **error)
{
    g_autoptr(GArray) creations = g_array_new(FALSE, FALSE, sizeof(Creation));
    g_auto(ImsLists) after = {0};
    guint64 now;

    g_array_set_clear_func(creations, creation_clear);
    if (!issue_creates(self, steps, boxes, creations, error) ||
        !list_again(self, steps, creations, &after, error))
        return FALSE;
    now = signature_after(lists, &after);
    for (guint i = 0; i < creations->len; i++) {
        const Creation *creation = &g_array_index(creations, Creation, i);

        if (!settle(
                self,
                g_ptr_array_index(steps, creation->index),
                g_ptr_array_index(boxes, creation->index),
                creation->cmd,
                &after,
                now,
                error))
            return FALSE;
    }
    return TRUE;
}
