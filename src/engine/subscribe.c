/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Carrying subscriptions: of mailboxes that stand on both sides, by the listing alone. The base
 * says how both sides were when they were last equal; it is stored behind the reply, so that a
 * crash leaves a difference to be found again. */

#include "engine/box.h"
#include "sync/tree.h"

typedef struct {
    ImsBox *box;
    ImsSide side;
    ImsCmd *cmd;
} Toggle;

static void
toggle_clear(gpointer data)
{
    ims_cmd_unref(((Toggle *)data)->cmd);
}

/* Also of one that only its subscription excludes: else it would never come in again. */
static gboolean
travels(const ImsPass *self, const ImsBox *box)
{
    return box->carries && box->there[IMS_LOCAL] && box->there[IMS_REMOTE] &&
           ims_pass_orders(self, box->mailbox->name);
}

static GPtrArray *
travelling(const ImsPass *self)
{
    GPtrArray *lists[] = {self->boxes, self->alone};
    GPtrArray *boxes = g_ptr_array_new();

    for (gsize l = 0; l < G_N_ELEMENTS(lists); l++) {
        for (guint i = 0; i < lists[l]->len; i++) {
            if (travels(self, g_ptr_array_index(lists[l], i)))
                g_ptr_array_add(boxes, g_ptr_array_index(lists[l], i));
        }
    }
    return boxes;
}

static void
count_toggle(ImsPass *self, ImsBox *box, ImsSide side)
{
    ims_pass_count(self, box, IMS_COUNT_SUBSCRIPTIONS_LOCAL + side, 1);
}

/* In a dry run: of what stands on both sides, and of what would be made on one. */
static void
plan_toggles(ImsPass *self, GPtrArray *boxes)
{
    for (guint i = 0; i < boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(boxes, i);
        ImsSide side;

        if (ims_tree_subscription(box->mailbox->subscribed, box->subscribed, &side))
            count_toggle(self, box, side);
    }
    for (guint i = 0; i < self->alone->len; i++) {
        ImsBox *box = g_ptr_array_index(self->alone, i);
        ImsSide side = box->there[IMS_LOCAL] ? IMS_REMOTE : IMS_LOCAL;

        if (box->planned && box->carries && box->subscribed[ims_side_other(side)])
            count_toggle(self, box, side);
    }
}

static gboolean
send_toggles(ImsPass *self, GPtrArray *boxes, GArray *toggles, GError **error)
{
    for (guint i = 0; i < boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(boxes, i);
        Toggle toggle = {.box = box};

        if (!ims_tree_subscription(box->mailbox->subscribed, box->subscribed, &toggle.side))
            continue;
        toggle.cmd = ims_conn_subscribe(
            self->conn[toggle.side],
            box->spelling[toggle.side],
            !box->subscribed[toggle.side],
            error);
        if (toggle.cmd == NULL)
            return FALSE;
        g_array_append_val(toggles, toggle);
    }
    return TRUE;
}

/* A refusal of the moment leaves @boxes: its base stays, so that the next pass tries again. */
static gboolean
collect_toggles(ImsPass *self, GPtrArray *boxes, const GArray *toggles, GError **error)
{
    for (guint i = 0; i < toggles->len; i++) {
        const Toggle *toggle = &g_array_index(toggles, Toggle, i);

        if (!ims_conn_wait(self->conn[toggle->side], toggle->cmd, error))
            return FALSE;
        if (ims_cmd_reply(toggle->cmd) == IMS_REPLY_NO) {
            if (ims_reply_may_pass(ims_cmd_code(toggle->cmd)))
                g_ptr_array_remove(boxes, toggle->box);
            continue;
        }
        toggle->box->subscribed[toggle->side] = !toggle->box->subscribed[toggle->side];
        count_toggle(self, toggle->box, toggle->side);
    }
    return TRUE;
}

/* Returns: whether that changes the base. */
static gboolean
take_base(ImsBox *box)
{
    gboolean dirty = FALSE;

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        ImsSubscription now = box->subscribed[side] ? IMS_SUBSCRIPTION_YES : IMS_SUBSCRIPTION_NO;

        dirty |= box->mailbox->subscribed[side] != now;
        box->mailbox->subscribed[side] = now;
    }
    return dirty;
}

static gboolean
save_bases(ImsPass *self, GPtrArray *boxes, GError **error)
{
    if (!ims_store_begin(self->store, error))
        return FALSE;
    for (guint i = 0; i < boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(boxes, i);

        if (take_base(box) && !ims_store_save_mailbox(self->store, box->mailbox, error))
            return FALSE;
    }
    return ims_store_commit(self->store, error);
}

gboolean
ims_carry_subscriptions(ImsPass *self, GError **error)
{
    g_autoptr(GPtrArray) boxes = travelling(self);
    g_autoptr(GArray) toggles = g_array_new(FALSE, FALSE, sizeof(Toggle));

    g_array_set_clear_func(toggles, toggle_clear);
    if (self->order->dry_run) {
        plan_toggles(self, boxes);
        return TRUE;
    }
    return send_toggles(self, boxes, toggles, error) &&
           collect_toggles(self, boxes, toggles, error) && save_bases(self, boxes, error);
}
