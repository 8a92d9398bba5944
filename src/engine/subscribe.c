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

static gboolean
send_toggles(ImsPass *self, GArray *toggles, GError **error)
{
    for (guint i = 0; i < self->boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(self->boxes, i);
        Toggle toggle = {.box = box};

        if (!ims_pass_orders(self, box->mailbox->name) ||
            !ims_tree_subscription(box->mailbox->subscribed, box->subscribed, &toggle.side))
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

static gboolean
collect_toggles(ImsPass *self, const GArray *toggles, GError **error)
{
    for (guint i = 0; i < toggles->len; i++) {
        const Toggle *toggle = &g_array_index(toggles, Toggle, i);

        if (!ims_conn_wait(self->conn[toggle->side], toggle->cmd, error))
            return FALSE;
        if (ims_cmd_reply(toggle->cmd) == IMS_REPLY_OK)
            toggle->box->subscribed[toggle->side] = !toggle->box->subscribed[toggle->side];
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
save_bases(ImsPass *self, GError **error)
{
    if (!ims_store_begin(self->store, error))
        return FALSE;
    for (guint i = 0; i < self->boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(self->boxes, i);

        if (ims_pass_orders(self, box->mailbox->name) && take_base(box) &&
            !ims_store_save_mailbox(self->store, box->mailbox, error))
            return FALSE;
    }
    return ims_store_commit(self->store, error);
}

gboolean
ims_carry_subscriptions(ImsPass *self, GError **error)
{
    g_autoptr(GArray) toggles = g_array_new(FALSE, FALSE, sizeof(Toggle));

    g_array_set_clear_func(toggles, toggle_clear);
    return self->order->dry_run ||
           (send_toggles(self, toggles, error) && collect_toggles(self, toggles, error) &&
            save_bases(self, error));
}
