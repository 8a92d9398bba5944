/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* One batch: its messages stream from a FETCH of one side into one APPEND of the other, chunk by
 * chunk, up to the octets that make the server store them.
 *
 * A message that one side refuses, or does not give out, becomes a single and is not tried again.
 * But a server in trouble refuses message after message, and has no code for it: the verdict waits
 * until one behind them has passed, or the mailbox has ended. Too many in a row and none of them is
 * believed: the mailbox is left, and they stay new. If the server itself calls it its trouble, the
 * message is put off: see trouble.c. */

#include "engine/batch.h"

#include <glib/gi18n.h>

#include "model/fingerprint.h"

#define DOUBTED_MAX 16 /* messages in a row; then it is hardly the messages */

void
ims_batch_free(gpointer data)
{
    ImsBatch *self = data;

    g_array_unref(self->messages);
    ims_intent_free(self->intent);
    g_clear_pointer(&self->append, ims_cmd_unref);
    ims_uidset_free(self->all);
    g_free(self->trouble);
    g_free(self);
}
ImsBatch *
ims_batch_new(ImsBox *box, ImsSide to)
{
    ImsBatch *self = g_new0(ImsBatch, 1);
    ImsSide from = ims_side_other(to);

    self->box = box;
    self->to = to;
    self->plain = box->plain[to];
    self->messages = ims_messages_new();
    self->intent = ims_intent_new();
    self->intent->mailbox = box->mailbox->id;
    self->intent->to = to;
    self->intent->from_uidvalidity = box->mailbox->point[from].uidvalidity;
    self->intent->to_uidvalidity = box->mailbox->point[to].uidvalidity;
    self->intent->to_id = g_strdup(box->mailbox->identity[to]);
    self->intent->floor = MAX(1, box->delta[to]->point.uidnext);
    return self;
}

void
ims_batch_add(ImsBatch *self, const ImsMessage *message)
{
    ImsMessage copy = ims_message_copy(message);

    g_array_append_val(self->messages, copy);
    self->bytes += (message->have & IMS_HAVE_SIZE) != 0 ? message->size : 0;
}

/* With which of @flags a message of the batch is stored. */
ImsFlags
ims_batch_flags_sent(const ImsBatch *self, const ImsFlags *flags)
{
    ImsKeeps keeps = ims_box_keeps(self->box, self->to);

    keeps.any_keyword &= !self->plain;
    return ims_keeps_mask(&keeps, flags);
}

static gboolean
save_intent(ImsPass *self, ImsBatch *batch, GError **error)
{
    GArray *out = batch->intent->messages;

    g_array_set_size(out, 0);
    for (guint i = 0; i < batch->messages->len; i++) {
        const ImsMessage *message = &g_array_index(batch->messages, ImsMessage, i);
        ImsIntentMessage item = {
            .uid = message->uid,
            .size = message->size,
            .date = message->date,
            .fingerprint = message->fingerprint,
            .flags = ims_flags_copy(&message->flags),
        };

        g_array_append_val(out, item);
    }
    return ims_store_begin(self->store, error) &&
           ims_store_save_intent(self->store, batch->intent, error) &&
           ims_store_commit(self->store, error);
}

/* Streams the current body; if the APPEND was refused already, the octets are only taken away. */
static gboolean
pass_body(ImsPass *self, ImsBatch *batch, gboolean wanted, guint64 *out_fingerprint, GError **error)
{
    g_autoptr(ImsFingerprint) fingerprint = ims_fingerprint_new();
    ImsConn *from = self->conn[ims_side_other(batch->to)], *to = self->conn[batch->to];

    for (;;) {
        const guint8 *data = NULL;
        gsize len = 0;

        if (!ims_conn_read_body(from, &data, &len, error))
            return FALSE;
        if (len == 0)
            break;
        ims_fingerprint_feed(fingerprint, data, len);
        if (wanted && !ims_conn_append_write(to, data, len, error))
            return FALSE;
        self->progress.bytes_done += len;
        ims_pass_tell(self, IMS_PHASE_COPYING, batch->box);
    }
    *out_fingerprint = ims_fingerprint_end(fingerprint);
    return TRUE;
}

/* -- messages that stand alone -- */

ImsRow *
ims_batch_single(const ImsBatch *batch, guint32 uid, const ImsMessage *message, const char *detail)
{
    ImsRow *row = ims_row_new();
    ImsSide from = ims_side_other(batch->to);

    row->uid[from] = uid;
    row->reason = IMS_REASON_REFUSED;
    row->detail = g_strdup(detail);
    if (message != NULL) {
        row->flags[from] = ims_flags_copy(&message->flags);
        row->fingerprint = message->fingerprint;
        if ((message->have & IMS_HAVE_SIZE) != 0 && (message->have & IMS_HAVE_DATE) != 0)
            row->hash[from] = ims_message_hash(message->size, message->date);
    }
    return row;
}

/* A deletion that the other side took back has a row yet; the copy's row replaces it. */
gboolean
ims_save_copied(ImsPass *self, const ImsBox *box, ImsSide from, ImsRow *row, GError **error)
{
    GPtrArray *restored = box->plan->restored;

    for (guint i = 0; i < restored->len; i++) {
        const ImsRow *old = g_ptr_array_index(restored, i);

        if (old->uid[from] == row->uid[from] && !ims_store_delete_row(self->store, old->id, error))
            return FALSE;
    }
    return ims_store_save_row(self->store, box->mailbox->id, row, error);
}

/* @side: whose doing it is. @row: (transfer full). */
gboolean
ims_doubt(ImsPass *self, ImsBox *box, ImsSide side, ImsRow *row, GError **error)
{
    g_autofree char *detail = g_strdup(row->detail);

    g_ptr_array_add(box->doubted[side], row);
    if (box->left || box->doubted[side]->len < DOUBTED_MAX)
        return TRUE;
    return ims_pass_leave(self, box, side, detail, error);
}

/* The verdict on those that @side has refused, or not given out. */
gboolean
ims_judge_doubted(ImsPass *self, ImsBox *box, ImsSide from, ImsSide side, GError **error)
{
    GPtrArray *doubted = box->doubted[side];

    box->troubles[side] = 0;
    if (doubted->len == 0 || box->left)
        return TRUE;
    if (!ims_store_begin(self->store, error))
        return FALSE;
    for (guint i = 0; i < doubted->len; i++) {
        if (!ims_save_copied(self, box, from, g_ptr_array_index(doubted, i), error))
            return FALSE;
    }
    ims_pass_count(self, box, IMS_COUNT_REFUSED, doubted->len);
    g_ptr_array_set_size(doubted, 0);
    return ims_store_commit(self->store, error);
}

/* -- streaming -- */

static gboolean
pass_message(ImsPass *self, ImsBatch *batch, ImsMessage *message, guint64 size, GError **error)
{
    ImsConn *to = self->conn[batch->to];
    g_auto(ImsFlags) flags = ims_batch_flags_sent(batch, &message->flags);
    gboolean refused = FALSE;

    if (batch->append == NULL)
        batch->append = ims_conn_append_begin(to, batch->box->spelling[batch->to], error);
    if (batch->append == NULL)
        return FALSE;
    if (!ims_conn_append_message(to, batch->append, &flags, message->date, size, &refused, error))
        return FALSE;
    return pass_body(self, batch, !refused, &message->fingerprint, error);
}

static void
note_refusal(ImsBatch *batch, const ImsCmd *fetch)
{
    const char *text = ims_cmd_text(fetch);

    if (ims_cmd_reply(fetch) != IMS_REPLY_NO)
        return;
    batch->moment = ims_reply_is_about_mailbox(ims_cmd_code(fetch), text);
    if (ims_reply_is_trouble(ims_cmd_code(fetch), text))
        batch->trouble = g_strdup(text);
}

/* Streams what the FETCH gives into the APPEND. @asked is left with what did not come. */
static gboolean
stream_batch(ImsPass *self, ImsBatch *batch, ImsUidSet *asked, GError **error)
{
    ImsConn *from = self->conn[ims_side_other(batch->to)];
    g_autoptr(ImsCmd) fetch = ims_conn_fetch_bodies(from, asked, error);

    if (fetch == NULL)
        return FALSE;
    for (;;) {
        g_auto(ImsMessage) message = {0};
        ImsMessage copy;
        guint64 size = 0;
        gboolean more = FALSE;

        if (!ims_conn_next_body(from, fetch, &message, &size, &more, error))
            return FALSE;
        if (!more) {
            note_refusal(batch, fetch);
            return TRUE;
        }
        if (!ims_uidset_contains(asked, message.uid)) {
            g_set_error(
                error,
                IMS_ERROR,
                IMS_ERROR_PROTOCOL,
                _("the server sent a body that was not asked for"));
            return FALSE;
        }
        if (!ims_judge_doubted(
                self, batch->box, ims_side_other(batch->to), ims_side_other(batch->to), error) ||
            !pass_message(self, batch, &message, size, error))
            return FALSE;
        ims_uidset_remove_range(asked, message.uid, message.uid);
        copy = ims_message_copy(&message);
        g_array_append_val(batch->messages, copy);
    }
}

static gboolean
note_unreadable(ImsPass *self, ImsBatch *batch, const ImsMessage *message, GError **error)
{
    ImsSide from = ims_side_other(batch->to);

    if (batch->trouble != NULL)
        return ims_box_put_off(self, batch->box, from, message->uid, from, batch->trouble, error);
    return ims_doubt(
        self,
        batch->box,
        from,
        ims_batch_single(batch, message->uid, message, _("the server does not give out its body")),
        error);
}

/* What did not come may have been expunged: it stays new, and the next round sees, message by
 * message. What stands and does not come then either cannot be read. */
static gboolean
note_unread(
    ImsPass *self, ImsBatch *batch, const GArray *planned, const ImsUidSet *missing, GError **error)
{
    ImsSide from = ims_side_other(batch->to);
    ImsBox *box = batch->box;

    if (ims_uidset_is_empty(missing))
        return TRUE;
    box->again = TRUE;
    if (batch->moment)
        return ims_pass_leave(
            self, box, from, _("the server does not give out its messages now"), error);
    for (guint i = 0; i < planned->len; i++) {
        const ImsMessage *message = &g_array_index(planned, ImsMessage, i);

        if (!ims_uidset_contains(missing, message->uid))
            continue;
        if (!ims_uidset_contains(box->unreadable[from], message->uid))
            ims_uidset_add(box->unread[from], message->uid);
        else if (!note_unreadable(self, batch, message, error))
            return FALSE;
    }
    return batch->trouble == NULL || batch->messages->len > 0 ||
           ims_box_count_trouble(self, box, from, batch->trouble, error);
}

gboolean
ims_batch_send(ImsPass *self, ImsBatch *batch, GError **error)
{
    g_autoptr(ImsUidSet) asked = ims_uidset_new();
    g_autoptr(GArray) planned = batch->messages;

    for (guint i = 0; i < planned->len; i++)
        ims_uidset_add(asked, g_array_index(planned, ImsMessage, i).uid);
    batch->all = ims_uidset_copy(asked);
    ims_uidset_add_set(self->risk, asked);
    batch->messages = ims_messages_new();
    if (!stream_batch(self, batch, asked, error) ||
        !note_unread(self, batch, planned, asked, error))
        return FALSE;
    return batch->append == NULL ||
           (save_intent(self, batch, error) &&
            ims_conn_append_end(self->conn[batch->to], batch->append, error));
}
