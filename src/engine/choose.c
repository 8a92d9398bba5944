/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Which mailboxes a pass opens, by what the listings tell of them: those that have moved, and those
 * that something waits in. */

#include "engine/box.h"

static gboolean
has_moved_on(const ImsBox *box, ImsSide side)
{
    const guint all = IMS_STATUS_MESSAGES | IMS_STATUS_UIDNEXT | IMS_STATUS_UIDVALIDITY |
                      IMS_STATUS_HIGHESTMODSEQ;
    const ImsPoint *listed = &box->listed[side], *known = &box->mailbox->point[side];

    return !box->mailbox->valid || box->have[side] != all || listed->modseq == 0 ||
           listed->uidvalidity != known->uidvalidity || listed->uidnext != known->uidnext ||
           listed->modseq != known->modseq || listed->messages != known->messages;
}

gboolean
ims_box_has_moved(const ImsBox *box)
{
    return has_moved_on(box, IMS_LOCAL) || has_moved_on(box, IMS_REMOTE);
}

/* Returns: (transfer container) (element-type ImsBox): those with a base that have moved, or are
 * gone, on @side. */
static GPtrArray *
movers_on(const ImsPass *self, ImsSide side)
{
    GPtrArray *lists[] = {self->boxes, self->alone};
    GPtrArray *movers = g_ptr_array_new();

    for (gsize l = 0; l < G_N_ELEMENTS(lists); l++) {
        for (guint i = 0; i < lists[l]->len; i++) {
            ImsBox *box = g_ptr_array_index(lists[l], i);

            if (box->mailbox->valid && has_moved_on(box, side))
                g_ptr_array_add(movers, box);
        }
    }
    return movers;
}

/* Whether @box, which looks as it did, may be in the place of @mover, or behind it in a circle of
 * them: then it was smaller once, and what it was stands under the name of @mover now, if that is
 * still there. */
static gboolean
may_be_behind(const ImsBox *box, const ImsBox *mover, ImsSide side)
{
    const ImsPoint *point = &box->mailbox->point[side], *before = &mover->mailbox->point[side];
    const ImsPoint *now = &mover->listed[side];

    if (box == mover || before->uidvalidity != point->uidvalidity ||
        before->uidnext > point->uidnext || before->modseq > point->modseq)
        return FALSE;
    if (!mover->there[side] || (mover->have[side] & IMS_STATUS_UIDNEXT) == 0)
        return TRUE;
    return now->uidnext >= point->uidnext && (now->modseq == 0 || now->modseq >= point->modseq);
}

/* Cyrus gives one UIDVALIDITY to all that is made in a second, and the listing tells no MAILBOXID.
 * If such mailboxes change names, one that has grown meanwhile may look as the other did. But not
 * all of them can: mod-sequences only rise, so at least one has moved, or is gone, by the listing.
 * Those that it may have changed names with, by the numbers, are opened, too, and their ids
 * compared. */
static gboolean
may_be_another(const ImsBox *box, GPtrArray *const movers[IMS_N_SIDES])
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        if (box->mailbox->identity[side] == NULL || !box->mailbox->valid)
            continue;
        for (guint i = 0; i < movers[side]->len; i++) {
            if (may_be_behind(box, g_ptr_array_index(movers[side], i), side))
                return TRUE;
        }
    }
    return FALSE;
}

static gboolean
is_pending(const GArray *pending, gint64 id)
{
    for (guint i = 0; i < pending->len; i++) {
        if (g_array_index(pending, gint64, i) == id)
            return TRUE;
    }
    return FALSE;
}

/* A copy of unknown end may be anywhere by now. */
static gboolean
must_find_copies(const ImsPass *self, GPtrArray *intents)
{
    for (guint i = 0; i < intents->len; i++) {
        const ImsIntent *intent = g_ptr_array_index(intents, i);

        for (guint b = 0; b < self->boxes->len; b++) {
            const ImsBox *box = g_ptr_array_index(self->boxes, b);

            if (box->mailbox->id == intent->mailbox && !box->left)
                return TRUE;
        }
    }
    return FALSE;
}

/* Known from the listing alone: no need to open what must be left untouched. */
static gboolean
needs_adoption(const ImsBox *box)
{
    return !box->mailbox->valid && (box->have[IMS_LOCAL] & IMS_STATUS_MESSAGES) != 0 &&
           (box->have[IMS_REMOTE] & IMS_STATUS_MESSAGES) != 0 &&
           box->listed[IMS_LOCAL].messages > 0 && box->listed[IMS_REMOTE].messages > 0;
}

gboolean
ims_choose(ImsPass *self, GPtrArray *work, GError **error)
{
    g_autoptr(GArray) pending =
        ims_store_mailboxes_pending(self->store, self->order->has_max_deletions, error);
    g_autoptr(GPtrArray) intents = ims_store_intents(self->store, error);
    g_autoptr(GPtrArray) local_movers = movers_on(self, IMS_LOCAL);
    g_autoptr(GPtrArray) remote_movers = movers_on(self, IMS_REMOTE);
    GPtrArray *const movers[] = {local_movers, remote_movers};
    gboolean all;

    if (pending == NULL || intents == NULL)
        return FALSE;
    all = must_find_copies(self, intents);
    for (guint i = 0; i < self->boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(self->boxes, i);

        gboolean doubtful = may_be_another(box, movers);

        if (box->left || (!all && !doubtful && !ims_pass_orders(self, box->mailbox->name)))
            continue;
        if (needs_adoption(box)) {
            if (!ims_hold_for_adoption(self, box, error))
                return FALSE;
        } else if (
            ims_box_has_moved(box) || doubtful || box->full ||
            is_pending(pending, box->mailbox->id) || ims_box_is_overdue(self, box) ||
            ims_box_awaits_rights(self, box, IMS_LOCAL) ||
            ims_box_awaits_rights(self, box, IMS_REMOTE)) {
            g_ptr_array_add(work, box);
        }
    }
    return TRUE;
}

/* The account's listing is no snapshot: what arrived anywhere since it was gathered may be what
 * vanished somewhere else. */
gboolean
ims_choose_late(ImsPass *self, GPtrArray *work, GError **error)
{
    g_autoptr(GPtrArray) local_movers = NULL;
    g_autoptr(GPtrArray) remote_movers = NULL;

    if (!ims_list(self, FALSE, error))
        return FALSE;
    local_movers = movers_on(self, IMS_LOCAL);
    remote_movers = movers_on(self, IMS_REMOTE);
    for (guint i = 0; i < self->boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(self->boxes, i);
        GPtrArray *const movers[] = {local_movers, remote_movers};
        gboolean late = may_be_another(box, movers);

        for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
            const ImsPoint *listed = &box->listed[side], *known = &box->mailbox->point[side];

            /* A mailbox without STATUS has to be opened. */
            late |= (box->there[side] && (box->have[side] & IMS_STATUS_UIDNEXT) == 0) ||
                    listed->uidnext > known->uidnext ||
                    (listed->uidvalidity != 0 && listed->uidvalidity != known->uidvalidity);
        }
        if (late && !box->left && box->mailbox->valid)
            g_ptr_array_add(work, box);
    }
    return TRUE;
}
