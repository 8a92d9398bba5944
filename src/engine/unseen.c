/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Mail that a pass does not sync: in mailboxes that are held, excluded or have failed, cannot be
 * created on the other side, or were not asked for. What vanished from a synced mailbox may have
 * been moved there; then its twin must not be expunged. What was there at the end of the last pass
 * is not looked at again. */

#include "engine/box.h"

static gboolean
is_synced(const ImsBox *box)
{
    if (box->planned)
        return TRUE;
    return !box->left && !box->again && !box->put_off && box->mailbox->valid &&
           box->there[IMS_LOCAL] && box->there[IMS_REMOTE];
}

/* From which UID on the mailbox has mail that nobody looked at. */
static guint32
first_unseen(const ImsBox *box, ImsSide side)
{
    const ImsPoint *known = &box->mailbox->point[side];

    if (!box->mailbox->valid || (box->excluded && box->mailbox->held_uidnext[side] > 0))
        return MAX(1, box->mailbox->held_uidnext[side]);
    return known->uidvalidity == box->listed[side].uidvalidity ? MAX(1, known->uidnext) : 1;
}

gboolean
ims_unseen_select(ImsPass *self, ImsBox *box, ImsSide side, ImsCmd **out, GError **error)
{
    self->selected[side] = NULL;
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
    ImsPass *self, ImsBox *box, ImsSide side, GArray *found, gboolean *out_unknown, GError **error)
{
    g_autoptr(ImsCmd) select = NULL;
    g_autoptr(ImsCmd) fetch = NULL;
    g_autoptr(GArray) messages = NULL;

    if (g_hash_table_contains(self->avoided, box->mailbox->name)) {
        *out_unknown = TRUE;
        return TRUE;
    }
    if (!ims_unseen_select(self, box, side, &select, error))
        return FALSE;
    fetch = ims_conn_fetch_meta(self->conn[side], first_unseen(box, side), error);
    if (fetch == NULL || !ims_conn_wait(self->conn[side], select, error) ||
        !ims_conn_wait(self->conn[side], fetch, error))
        return FALSE;
    if (ims_cmd_reply(select) == IMS_REPLY_NO)
        return note_closed(self, box, side, select, out_unknown, error);
    if (ims_cmd_reply(fetch) == IMS_REPLY_NO)
        return note_closed(self, box, side, fetch, out_unknown, error);
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

gboolean
ims_unseen_mail(ImsPass *self, ImsSide side, GArray *found, gboolean *out_unknown, GError **error)
{
    GPtrArray *lists[] = {self->boxes, self->alone};

    *out_unknown = self->surprised[side];
    for (gsize l = 0; l < G_N_ELEMENTS(lists); l++) {
        for (guint i = 0; i < lists[l]->len; i++) {
            ImsBox *box = g_ptr_array_index(lists[l], i);
            gboolean told = (box->have[side] & IMS_STATUS_UIDNEXT) != 0;

            if (is_synced(box) || !box->there[side] ||
                (told && box->listed[side].uidnext <= first_unseen(box, side)))
                continue;
            if (!look_into(self, box, side, found, out_unknown, error))
                return FALSE;
        }
    }
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

gboolean
ims_remember_unseen(ImsPass *self, GError **error)
{
    GPtrArray *lists[] = {self->boxes, self->alone};
    gboolean settled = FALSE;

    if (!is_all_settled(self, &settled, error))
        return FALSE;
    if (self->order->mailboxes != NULL || !settled)
        return TRUE;
    for (gsize l = 0; l < G_N_ELEMENTS(lists); l++) {
        for (guint i = 0; i < lists[l]->len; i++) {
            ImsBox *box = g_ptr_array_index(lists[l], i);
            ImsMailbox *mailbox = box->mailbox;
            gboolean grown = FALSE;

            for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES && (!mailbox->valid || box->excluded);
                 side++) {
                grown |= mailbox->held_uidnext[side] != box->listed[side].uidnext;
                mailbox->held_uidnext[side] = box->listed[side].uidnext;
            }
            if (grown && (!ims_store_begin(self->store, error) ||
                          !ims_store_save_mailbox(self->store, mailbox, error) ||
                          !ims_store_commit(self->store, error)))
                return FALSE;
        }
    }
    return TRUE;
}
