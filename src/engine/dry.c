/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* A dry run is a pass that goes as far as the plan: it lists, gathers, recovers, decides and guards
 * as any other, in a store that forgets all of it (ims_store_open_dry()). Where a pass would write
 * to a server, it counts. It sees each mailbox once, so what others change meanwhile is not in the
 * plan. */

#include "engine/box.h"

/* What a mailbox holds, by its listing, or by opening it where the server leaves that out. */
static gboolean
count_messages(ImsPass *self, ImsBox *box, ImsSide side, guint64 *out, GError **error)
{
    g_autoptr(ImsCmd) select = NULL;
    g_autoptr(ImsDelta) delta = NULL;

    *out = box->listed[side].messages;
    if ((box->have[side] & IMS_STATUS_MESSAGES) != 0)
        return TRUE;
    self->selected[side] = NULL;
    select = ims_conn_select(self->conn[side], box->spelling[side], NULL, error);
    if (select == NULL || !ims_conn_wait(self->conn[side], select, error))
        return FALSE;
    box->selected = TRUE;
    if (ims_cmd_reply(select) == IMS_REPLY_NO)
        return ims_pass_leave(self, box, side, ims_cmd_text(select), error);
    delta = ims_cmd_take_delta(select);
    *out = delta->point.messages;
    return TRUE;
}

gboolean
ims_plan_creation(ImsPass *self, ImsBox *box, ImsSide side, GError **error)
{
    guint64 n = 0;

    if (!count_messages(self, box, ims_side_other(side), &n, error))
        return FALSE;
    if (box->left)
        return TRUE;
    box->planned = TRUE;
    ims_pass_count(self, box, IMS_COUNT_MAILBOXES_CREATED, 1);
    ims_pass_count(self, box, IMS_COUNT_COPIED_LOCAL + side, n);
    return TRUE;
}

static void
plan_copies(ImsPass *self, ImsBox *box, ImsSide to)
{
    const GArray *copies = box->plan->copies[to];
    guint64 limit = ims_conn_append_limit(self->conn[to]);
    guint64 refused = 0;

    for (guint i = 0; i < copies->len; i++)
        refused += g_array_index(copies, ImsMessage, i).size > limit;
    ims_pass_count(self, box, IMS_COUNT_COPIED_LOCAL + to, copies->len - refused);
    ims_pass_count(self, box, IMS_COUNT_REFUSED, refused);
}

void
ims_plan_work(ImsPass *self, GPtrArray *boxes)
{
    for (guint i = 0; i < boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(boxes, i);

        if (box->left || box->plan == NULL || box->plan->miscounted)
            continue;
        plan_copies(self, box, IMS_LOCAL);
        plan_copies(self, box, IMS_REMOTE);
        for (guint f = 0; f < box->plan->flags->len; f++) {
            const ImsFlagStep *step = g_ptr_array_index(box->plan->flags, f);

            ims_pass_count(self, box, IMS_COUNT_FLAGS_LOCAL + step->side, 1);
        }
    }
}

guint64
ims_planned_pairs(const ImsPass *self, const ImsSummary *summary)
{
    return self->order->dry_run
               ? summary->n[IMS_COUNT_COPIED_LOCAL] + summary->n[IMS_COUNT_COPIED_REMOTE]
               : 0;
}
