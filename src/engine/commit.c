/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Committing, at the end of a round: what was planned for a mailbox goes into the base, and each
 * side's point moves to what its SELECT said. */

#include "engine/box.h"

static gboolean
save_plan(ImsPass *self, ImsBox *box, GError **error)
{
    const ImsPlan *plan = box->plan;
    gint64 id = box->mailbox->id;

    for (guint i = 0; i < plan->dropped->len; i++) {
        const ImsRow *row = g_ptr_array_index(plan->dropped, i);

        if (!ims_store_delete_row(self->store, row->id, error))
            return FALSE;
    }
    for (guint i = 0; i < plan->changed->len; i++) {
        if (!ims_store_save_row(self->store, id, g_ptr_array_index(plan->changed, i), error))
            return FALSE;
    }
    for (guint i = 0; i < plan->strangers->len; i++) {
        if (!ims_store_save_row(self->store, id, g_ptr_array_index(plan->strangers, i), error))
            return FALSE;
    }
    return TRUE;
}

/* A side's point moves to what its SELECT said, now that the whole of that SELECT's delta has been
 * dealt with. */
static void
move_points(const ImsPass *self, ImsBox *box)
{
    ImsMailbox *mailbox = box->mailbox;

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        const ImsPoint *told = &box->delta[side]->point;
        guint32 cursor = mailbox->point[side].uidnext;

        mailbox->point[side] = *told;
        if (told->uidnext == 0 || !ims_uidset_is_empty(box->unread[side]) ||
            !ims_uidset_is_empty(box->awaited[side]))
            mailbox->point[side].uidnext = cursor;
        if (mailbox->identity[side] == NULL)
            mailbox->identity[side] = g_strdup(box->delta[side]->id);
    }
    mailbox->last_sync_us = ims_clock_real(self->order->clock);
    if (box->full)
        mailbox->compared_us = mailbox->last_sync_us;
    mailbox->excluded = FALSE;
    box->full = FALSE;
    box->unite = FALSE;
    box->miscounts = 0;
}

/* Flags that wait for rights stand in the base only, and no delta tells of them again; so the issue
 * is what remembers them: as long as it is open the mailbox is opened by each pass, and once it may
 * be written, it is compared in full. */
static gboolean
settle_rights(ImsPass *self, ImsBox *box, ImsSide side, GError **error)
{
    const char *name = box->mailbox->name;

    if (box->plan->waiting[side])
        return ims_pass_raise(self, IMS_ISSUE_READ_ONLY, name, side, 0, NULL, error);
    return !box->full || ims_pass_settle_issue(self, IMS_ISSUE_READ_ONLY, name, side, error);
}

static gboolean
commit_box(ImsPass *self, ImsBox *box, GError **error)
{
    guint strangers = box->plan->strangers->len;

    if (!settle_rights(self, box, IMS_LOCAL, error) ||
        !settle_rights(self, box, IMS_REMOTE, error) || !ims_store_begin(self->store, error) ||
        !save_plan(self, box, error))
        return FALSE;
    move_points(self, box);
    if (!ims_store_save_mailbox(self->store, box->mailbox, error) ||
        !ims_store_commit(self->store, error))
        return FALSE;
    if (!ims_update_deletions(self, box, IMS_LOCAL, error) ||
        !ims_update_deletions(self, box, IMS_REMOTE, error))
        return FALSE;
    return strangers == 0 || ims_pass_raise(
                                 self,
                                 IMS_ISSUE_NEEDS_ADOPTION,
                                 box->mailbox->name,
                                 IMS_LOCAL,
                                 strangers,
                                 NULL,
                                 error);
}

static gboolean
settle_refused(ImsPass *self, ImsBox *box, GError **error)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        const char *name = box->mailbox->name;
        g_autofree char *detail = NULL;
        guint64 n = 0;

        if (!ims_store_count_refused(
                self->store, box->mailbox->id, ims_side_other(side), &n, &detail, error))
            return FALSE;
        if (n == 0 ? !ims_pass_settle_issue(self, IMS_ISSUE_REFUSED, name, side, error)
                   : !ims_pass_raise(self, IMS_ISSUE_REFUSED, name, side, n, detail, error))
            return FALSE;
    }
    return TRUE;
}

/* A message is wanted back and its body has not come. That it is wanted stands in this delta alone:
 * with the point past it, what is left would be a deletion. */
static gboolean
wants_back(const ImsBox *box)
{
    const GPtrArray *restored = box->plan->restored;

    for (guint i = 0; i < restored->len; i++) {
        const ImsRow *row = g_ptr_array_index(restored, i);

        if (ims_uidset_contains(box->unread[IMS_LOCAL], row->uid[IMS_LOCAL]) ||
            ims_uidset_contains(box->unread[IMS_REMOTE], row->uid[IMS_REMOTE]))
            return TRUE;
    }
    return FALSE;
}

/* What the union of flags found to set must not look like a removal to the next comparison. */
static gboolean
waits_to_unite(const ImsBox *box)
{
    return box->unite && (box->plan->waiting[IMS_LOCAL] || box->plan->waiting[IMS_REMOTE]);
}

static gboolean
may_commit(const ImsBox *box)
{
    return !box->left && box->plan != NULL && !box->plan->miscounted && !wants_back(box) &&
           !waits_to_unite(box);
}

gboolean
ims_commit(ImsPass *self, GPtrArray *boxes, GError **error)
{
    if (!self->order->dry_run)
        ims_pass_tell(self, IMS_PHASE_COMMITTING, NULL);
    for (guint i = 0; i < boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(boxes, i);

        if (may_commit(box) && (!commit_box(self, box, error) || !settle_refused(self, box, error)))
            return FALSE;
    }
    return TRUE;
}
