/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Mail that a pass does not sync: in mailboxes that are held, excluded or have failed, cannot be
 * created on the other side, or were not asked for. What vanished from a synced mailbox may have
 * been moved there; then its twin must not be expunged. What was there before an earlier pass, and
 * whose vanishing elsewhere that pass must have seen, is not looked at again. */

#include "engine/lists.h"

static gboolean
is_synced(const ImsBox *box)
{
    if (box->planned)
        return TRUE;
    return !box->left && !box->again && !box->put_off && box->mailbox->valid &&
           box->there[IMS_LOCAL] && box->there[IMS_REMOTE];
}

/* From which UID on the mailbox that the base knows by this name has mail that nobody looked at. */
static guint32
next_unseen(const ImsBox *box, ImsSide side)
{
    const ImsMailbox *mailbox = box->mailbox;

    if (!mailbox->valid || (box->excluded && mailbox->held_uidnext[side] > 0))
        return MAX(1, mailbox->held_uidnext[side]);
    return MAX(1, mailbox->point[side].uidnext);
}

/* Returns: (transfer full): UIDVALIDITY -> the first such UID. Cyrus gives one UIDVALIDITY to all
 * that is made in a second, and those mailboxes may have changed names; so each is looked at as
 * any of them must be. */
static GHashTable *
find_firsts(const ImsPass *self, ImsSide side)
{
    GPtrArray *lists[] = {self->boxes, self->alone};
    GHashTable *firsts = g_hash_table_new(NULL, NULL);

    for (gsize l = 0; l < G_N_ELEMENTS(lists); l++) {
        for (guint i = 0; i < lists[l]->len; i++) {
            const ImsBox *box = g_ptr_array_index(lists[l], i);
            gpointer key = GUINT_TO_POINTER(box->mailbox->point[side].uidvalidity);
            guint32 known = GPOINTER_TO_UINT(g_hash_table_lookup(firsts, key));
            guint32 next = next_unseen(box, side);

            if (known == 0 || next < known)
                g_hash_table_insert(firsts, key, GUINT_TO_POINTER(next));
        }
    }
    return firsts;
}

/* From which UID on the mailbox has mail that nobody looked at. */
static guint32
first_unseen(GHashTable *firsts, const ImsBox *box, ImsSide side)
{
    guint32 uidvalidity = box->mailbox->point[side].uidvalidity;

    if (uidvalidity != box->listed[side].uidvalidity)
        return 1;
    return GPOINTER_TO_UINT(g_hash_table_lookup(firsts, GUINT_TO_POINTER(uidvalidity)));
}

gboolean
ims_unseen_select(ImsPass *self, ImsBox *box, ImsSide side, ImsCmd **out, GError **error)
{
    self->selected[side] = NULL;
    self->opened = TRUE;
    self->at = box;
    *out = ims_conn_select_listed(self->conn[side], box->spelling[side], box->wire[side], error);
    return *out != NULL;
}

/* Of another user's mailbox, or a shared one, that is shown and not opened to us nothing is known,
 * and nothing will be. Of any other: not today. */
static gboolean
note_closed(
    ImsPass *self, ImsBox *box, ImsSide side, const ImsCmd *cmd, gboolean *out, GError **error)
{
    gboolean foreign = box->excluded && *box->mailbox->name == '/';

    if (foreign && !ims_reply_may_pass(ims_cmd_code(cmd)))
        return TRUE;
    *out = TRUE;
    return ims_pass_leave(self, box, side, ims_cmd_text(cmd), error);
}

static gboolean
look_into(
    ImsPass *self,
    ImsBox *box,
    ImsSide side,
    guint32 first,
    GArray *found,
    gboolean *out_unknown,
    GError **error)
{
    g_autoptr(ImsCmd) select = NULL;
    g_autoptr(ImsCmd) fetch = NULL;
    g_autoptr(ImsDelta) delta = NULL;
    g_autoptr(GArray) messages = NULL;

    if (g_hash_table_contains(self->avoided, box->mailbox->name)) {
        *out_unknown = TRUE;
        return TRUE;
    }
    box->looked[side] = box->listed[side];
    if (!ims_unseen_select(self, box, side, &select, error))
        return FALSE;
    fetch = ims_conn_fetch_meta(self->conn[side], first, error);
    if (fetch == NULL || !ims_conn_wait(self->conn[side], select, error) ||
        !ims_conn_wait(self->conn[side], fetch, error))
        return FALSE;
    if (ims_cmd_reply(select) == IMS_REPLY_NO)
        return note_closed(self, box, side, select, out_unknown, error);
    if (ims_cmd_reply(fetch) == IMS_REPLY_NO)
        return note_closed(self, box, side, fetch, out_unknown, error);
    delta = ims_cmd_take_delta(select); /* replaced since it was listed: next time, from 1 on */
    *out_unknown |= first > 1 && delta->point.uidvalidity != box->mailbox->point[side].uidvalidity;
    messages = ims_cmd_take_messages(fetch);
    for (guint i = 0; i < messages->len; i++) {
        const ImsMessage *message = &g_array_index(messages, ImsMessage, i);
        ImsUnseen unseen = {
            .box = box,
            .message =
                {.have = message->have & ~(guint)IMS_HAVE_FLAGS,
                 .uid = message->uid,
                 .size = message->size,
                 .date = message->date},
        };

        g_array_append_val(found, unseen);
    }
    return ims_pass_settle_failure(self, box, side, error);
}

/* By the last listing, compared with what the mailbox was seen to hold. One without STATUS cannot
 * be compared. */
static gboolean
has_grown(GHashTable *firsts, const ImsBox *box, ImsSide side)
{
    const ImsPoint *listed = &box->listed[side], *looked = &box->looked[side];
    const ImsPoint *seen =
        ims_box_is_gathered(box) ? &box->delta[side]->point : &box->mailbox->point[side];
    guint32 first = first_unseen(firsts, box, side);

    if (box->planned || !box->there[side] || (box->have[side] & IMS_STATUS_UIDNEXT) == 0)
        return FALSE;
    if (is_synced(box))
        return listed->uidvalidity != seen->uidvalidity || listed->uidnext > seen->uidnext;
    if (looked->uidvalidity == listed->uidvalidity)
        first = MAX(first, looked->uidnext);
    return listed->uidnext > first;
}

static gboolean
has_any_grown(const ImsPass *self, ImsSide side)
{
    GPtrArray *lists[] = {self->boxes, self->alone};
    g_autoptr(GHashTable) firsts = find_firsts(self, side);

    for (gsize l = 0; l < G_N_ELEMENTS(lists); l++) {
        for (guint i = 0; i < lists[l]->len; i++) {
            if (has_grown(firsts, g_ptr_array_index(lists[l], i), side))
                return TRUE;
        }
    }
    return self->surprised[side];
}

static gboolean
look_around(ImsPass *self, ImsSide side, GArray *found, gboolean *out_unknown, GError **error)
{
    GPtrArray *lists[] = {self->boxes, self->alone};
    g_autoptr(GHashTable) firsts = find_firsts(self, side);

    for (gsize l = 0; l < G_N_ELEMENTS(lists); l++) {
        for (guint i = 0; i < lists[l]->len; i++) {
            ImsBox *box = g_ptr_array_index(lists[l], i);
            gboolean told = (box->have[side] & IMS_STATUS_UIDNEXT) != 0;
            guint32 first = first_unseen(firsts, box, side);

            if (is_synced(box) || !box->there[side] || (told && box->listed[side].uidnext <= first))
                continue;
            if (!look_into(self, box, side, first, found, out_unknown, error))
                return FALSE;
        }
    }
    return TRUE;
}

/* Mailboxes are seen one after the other, and a message may move behind the back of that; but
 * whatever has come, UIDNEXT is past it. So it is a listing made after all were seen that tells
 * whether that was all. A dry run need not be sure, and does not gather what came late. */
gboolean
ims_unseen_mail(ImsPass *self, ImsSide side, GArray *found, gboolean *out_unknown, GError **error)
{
    *out_unknown = FALSE;
    if (!look_around(self, side, found, out_unknown, error))
        return FALSE;
    if (self->order->dry_run)
        return TRUE;
    if (self->opened && !ims_list(self, FALSE, error))
        return FALSE;
    *out_unknown |= has_any_grown(self, side);
    return TRUE;
}

/* @first, @end: those of @found that stand in one mailbox. */
static gboolean
identify(ImsPass *self, ImsSide side, GArray *found, guint first, guint end, GError **error)
{
    ImsBox *box = g_array_index(found, ImsUnseen, first).box;
    g_autoptr(ImsUidSet) uids = ims_uidset_new();
    g_autoptr(ImsCmd) select = NULL;
    g_autoptr(ImsCmd) fetch = NULL;
    g_autoptr(GArray) messages = NULL;

    for (guint i = first; i < end; i++)
        ims_uidset_add(uids, g_array_index(found, ImsUnseen, i).message.uid);
    if (!ims_unseen_select(self, box, side, &select, error))
        return FALSE;
    fetch = ims_conn_fetch_headers(self->conn[side], uids, error);
    if (fetch == NULL || !ims_conn_wait(self->conn[side], select, error) ||
        !ims_conn_wait(self->conn[side], fetch, error))
        return FALSE;
    messages = ims_cmd_take_messages(fetch);
    for (guint m = 0, i = first; m < messages->len; m++) {
        const ImsMessage *got = &g_array_index(messages, ImsMessage, m);
        ImsMessage *message;

        while (i < end && g_array_index(found, ImsUnseen, i).message.uid < got->uid)
            i++;
        if (i == end)
            break;
        message = &g_array_index(found, ImsUnseen, i).message;
        if (message->uid == got->uid) {
            message->fingerprint = got->fingerprint;
            message->have |= got->have & IMS_HAVE_FINGERPRINT;
        }
    }
    return TRUE;
}

gboolean
ims_unseen_identify(ImsPass *self, ImsSide side, GArray *found, GError **error)
{
    guint end;

    for (guint first = 0; first < found->len; first = end) {
        const ImsBox *box = g_array_index(found, ImsUnseen, first).box;

        for (end = first; end < found->len; end++) {
            if (g_array_index(found, ImsUnseen, end).box != box)
                break;
        }
        if (!identify(self, side, found, first, end, error))
            return FALSE;
    }
    return TRUE;
}

/* What may still be looked for in those mailboxes: a deletion that waits or was not looked at, a
 * copy of unknown end. */
static gboolean
is_all_settled(ImsPass *self, gboolean *out, GError **error)
{
    g_autoptr(GArray) pending = ims_store_mailboxes_pending(self->store, FALSE, error);
    g_autoptr(GPtrArray) intents = ims_store_intents(self->store, error);

    if (pending == NULL || intents == NULL)
        return FALSE;
    *out = pending->len == 0 && intents->len == 0;
    for (guint i = 0; i < self->boxes->len; i++) {
        const ImsBox *box = g_ptr_array_index(self->boxes, i);

        *out &= !box->mailbox->valid || (!box->left && !box->again && !box->put_off);
    }
    return TRUE;
}

/* A listing goes from mailbox to mailbox, and a message may move behind its back: gone from one
 * that had been told as it was, and come into one that was told later. So what a first listing
 * showed is done with only if every mailbox has been opened since, or a second listing tells it
 * unmoved. */
static gboolean
is_all_known(const ImsPass *self)
{
    if (!self->listed_again)
        return FALSE;
    for (guint i = 0; i < self->boxes->len; i++) {
        const ImsBox *box = g_ptr_array_index(self->boxes, i);

        if (box->mailbox->valid && !box->selected && ims_box_has_moved(box))
            return FALSE;
    }
    return TRUE;
}

/* Whether a mailbox is not known at all, by that UIDVALIDITY. What merely came into one since is
 * looked at when something vanishes: that is worth no listing of its own. */
static gboolean
is_any_new(const ImsPass *self)
{
    GPtrArray *lists[] = {self->boxes, self->alone};

    for (gsize l = 0; l < G_N_ELEMENTS(lists); l++) {
        for (guint i = 0; i < lists[l]->len; i++) {
            const ImsBox *box = g_ptr_array_index(lists[l], i);

            for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES && !box->mailbox->valid; side++) {
                const ImsPoint *first = &box->first[side];

                if (first->uidnext > 1 &&
                    first->uidvalidity != box->mailbox->point[side].uidvalidity)
                    return TRUE;
            }
        }
    }
    return FALSE;
}

/* Up to where it was told by the first listing. Of a mailbox without a base, UIDVALIDITY is
 * remembered with it; of one that has a base, it must be the base's. Returns: whether that is news.
 */
static gboolean
look_up_to(ImsBox *box, ImsSide side)
{
    ImsMailbox *mailbox = box->mailbox;
    ImsPoint *known = &mailbox->point[side];
    const ImsPoint *first = &box->first[side];

    if (first->uidvalidity == 0 ||
        (mailbox->valid && (!box->excluded || first->uidvalidity != known->uidvalidity)))
        return FALSE;
    if (first->uidvalidity == known->uidvalidity && first->uidnext == mailbox->held_uidnext[side])
        return FALSE;
    known->uidvalidity = first->uidvalidity;
    mailbox->held_uidnext[side] = first->uidnext;
    return TRUE;
}

gboolean
ims_remember_unseen(ImsPass *self, GError **error)
{
    GPtrArray *lists[] = {self->boxes, self->alone};
    gboolean settled = FALSE;

    if (self->order->mailboxes != NULL || self->order->dry_run)
        return TRUE;
    if (!is_all_settled(self, &settled, error))
        return FALSE;
    if (settled && !self->listed_again && is_any_new(self) && !ims_list(self, FALSE, error))
        return FALSE;
    if (!settled || !is_all_known(self))
        return TRUE;
    for (gsize l = 0; l < G_N_ELEMENTS(lists); l++) {
        for (guint i = 0; i < lists[l]->len; i++) {
            ImsBox *box = g_ptr_array_index(lists[l], i);
            gboolean local = look_up_to(box, IMS_LOCAL), remote = look_up_to(box, IMS_REMOTE);

            if ((local || remote) && !ims_save_mailbox(self, box->mailbox, error))
                return FALSE;
        }
    }
    return TRUE;
}
