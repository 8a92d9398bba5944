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
    return !box->left && !box->again && box->mailbox->valid && box->there[IMS_LOCAL] &&
           box->there[IMS_REMOTE];
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

static gboolean
look_into(
    ImsPass *self,
    ImsBox *box,
    ImsSide side,
    GHashTable *hashes,
    gboolean *out_unknown,
    GError **error)
{
    g_autoptr(ImsCmd) select = NULL;
    g_autoptr(ImsCmd) fetch = NULL;
    g_autoptr(GArray) messages = NULL;

    if (g_hash_table_contains(self->avoided, box->mailbox->name)) {
        *out_unknown = TRUE;
        return TRUE;
    }
    self->selected[side] = NULL;
    self->at = box;
    select = ims_conn_select(self->conn[side], box->spelling[side], NULL, error);
    fetch = select == NULL ? NULL
                           : ims_conn_fetch_meta(self->conn[side], first_unseen(box, side), error);
    if (fetch == NULL || !ims_conn_wait(self->conn[side], select, error) ||
        !ims_conn_wait(self->conn[side], fetch, error))
        return FALSE;
    if (ims_cmd_reply(select) == IMS_REPLY_NO || ims_cmd_reply(fetch) == IMS_REPLY_NO) {
        *out_unknown = TRUE;
        return TRUE;
    }
    messages = ims_cmd_take_messages(fetch);
    for (guint i = 0; i < messages->len; i++) {
        const ImsMessage *message = &g_array_index(messages, ImsMessage, i);
        guint64 hash = ims_message_hash(message->size, message->date);

        g_hash_table_add(hashes, g_memdup2(&hash, sizeof hash));
    }
    return TRUE;
}

gboolean
ims_unseen_mail(
    ImsPass *self, ImsSide side, GHashTable *hashes, gboolean *out_unknown, GError **error)
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
            if (!look_into(self, box, side, hashes, out_unknown, error))
                return FALSE;
        }
    }
    return TRUE;
}

gboolean
ims_remember_unseen(ImsPass *self, GError **error)
{
    GPtrArray *lists[] = {self->boxes, self->alone};

    if (self->order->mailboxes != NULL || self->waiting[IMS_LOCAL] || self->waiting[IMS_REMOTE])
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
