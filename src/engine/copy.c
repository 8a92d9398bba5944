/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Copying, one way at a time: bodies stream from a FETCH of one side into an APPEND of the other,
 * chunk by chunk, in batches of one MULTIAPPEND. The order that keeps this safe: the intent is
 * stored; the bodies pass; the intent learns their fingerprints; the octets that make the server
 * store go out; its reply turns the intent into pairs and moves the source's cursor.
 *
 * A message goes with the flags that the destination can store, and the base says so. Where a
 * mailbox takes no keyword more than it has (Cyrus 3.6: 100 of them, then NO to the whole APPEND),
 * the new ones are left out rather than the message. */

#include <glib/gi18n.h>

#include "engine/batch.h"

#define BATCH_BYTES   (1024 * 1024) /* a batch ends once it holds so many octets */
#define BATCHES_AHEAD 4             /* unanswered batches; singles if there is no MULTIAPPEND */
#define SINGLES_AHEAD 32

/* The source's cursor passes what has been dealt with, batch by batch, so that an interrupted copy
 * of a million messages goes on where it stopped. Nothing unread or awaited is passed. */
static void
advance_cursor(ImsBatch *batch)
{
    ImsSide from = ims_side_other(batch->to);
    ImsPoint *point = &batch->box->mailbox->point[from];
    guint32 last = 0;

    if (batch->box->left)
        return; /* a batch before this one was not stored */
    for (guint i = 0; i < batch->messages->len; i++)
        last = MAX(last, g_array_index(batch->messages, ImsMessage, i).uid);
    if (ims_uidset_is_empty(batch->box->unread[from]) &&
        ims_uidset_is_empty(batch->box->awaited[from]) && last < G_MAXUINT32 &&
        last >= point->uidnext)
        point->uidnext = last + 1;
}

static gboolean
close_intent(ImsPass *self, ImsBatch *batch, GError **error)
{
    advance_cursor(batch);
    return ims_store_delete_intent(self->store, batch->intent->id, error) &&
           ims_store_save_mailbox(self->store, batch->box->mailbox, error) &&
           ims_store_commit(self->store, error);
}

static gboolean
settle_pairs(ImsPass *self, ImsBatch *batch, const ImsUidSet *uids, GError **error)
{
    ImsSide to = batch->to, from = ims_side_other(to);
    guint next = 0;

    if (!ims_judge_doubted(self, batch->box, from, to, error) ||
        !ims_store_begin(self->store, error))
        return FALSE;
    for (guint r = 0; r < ims_uidset_n_ranges(uids); r++) {
        const ImsUidRange *range = ims_uidset_range(uids, r);

        for (guint64 uid = range->first; uid <= range->last; uid++, next++) {
            const ImsMessage *message = &g_array_index(batch->messages, ImsMessage, next);
            g_autoptr(ImsRow) row = ims_row_new();

            row->uid[from] = message->uid;
            row->uid[to] = (guint32)uid;
            row->flags[to] = ims_batch_flags_sent(batch, &message->flags);
            /* What could not be sent for want of rights is a change that waits for them. */
            row->flags[from] = batch->box->delta[to]->read_only ? ims_flags_copy(&row->flags[to])
                                                                : ims_flags_copy(&message->flags);
            row->fingerprint = message->fingerprint;
            if ((message->have & IMS_HAVE_SIZE) != 0)
                row->hash[from] = ims_message_hash(message->size, message->date);
            if (!ims_save_copied(self, batch->box, from, row, error))
                return FALSE;
        }
    }
    ims_pass_count(self, batch->box, IMS_COUNT_COPIED_LOCAL + to, batch->messages->len);
    return close_intent(self, batch, error);
}

/* The mailbox was replaced between our SELECT and the APPEND: what we put into the new one is taken
 * back, and only what we put there. The intent stays until the next run. */
static gboolean
take_back(ImsPass *self, ImsBatch *batch, const ImsCode *code, GError **error)
{
    ImsConn *to = self->conn[batch->to];
    const ImsFlags deleted = {.system = IMS_FLAG_DELETED};
    g_autoptr(ImsCmd) select = NULL;
    g_autoptr(ImsCmd) mark = NULL;
    g_autoptr(ImsCmd) expunge = NULL;
    g_autoptr(ImsDelta) delta = NULL;

    batch->box->left = TRUE;
    self->selected[batch->to] = NULL;
    select = ims_conn_select(to, batch->box->spelling[batch->to], NULL, error);
    if (select == NULL || !ims_conn_wait(to, select, error))
        return FALSE;
    if (ims_cmd_reply(select) == IMS_REPLY_NO)
        return TRUE;
    delta = ims_cmd_take_delta(select);
    if (delta->point.uidvalidity != code->number)
        return TRUE;
    mark = ims_conn_store(to, code->uids, IMS_STORE_ADD, &deleted, 0, error);
    expunge = mark == NULL ? NULL : ims_conn_expunge(to, code->uids, error);
    return expunge != NULL && ims_conn_wait(to, expunge, error);
}

static gboolean
drop_intent(ImsPass *self, ImsBatch *batch, GError **error)
{
    return batch->intent->id == 0 ||
           (ims_store_begin(self->store, error) &&
            ims_store_delete_intent(self->store, batch->intent->id, error) &&
            ims_store_commit(self->store, error));
}

static gboolean
settle_refused(ImsPass *self, ImsBatch *batch, GError **error)
{
    const ImsMessage *message = &g_array_index(batch->messages, ImsMessage, 0);
    const char *text = ims_cmd_text(batch->append);
    ImsSide from = ims_side_other(batch->to);
    ImsRow *row;

    if (ims_reply_is_trouble(ims_cmd_code(batch->append), text))
        return ims_box_put_off(self, batch->box, from, message->uid, batch->to, text, error) &&
               ims_box_count_trouble(self, batch->box, batch->to, text, error);
    row = ims_batch_single(batch, message->uid, message, text);
    return ims_doubt(self, batch->box, batch->to, row, error);
}

/* Sent to Cyrus all the same, it would cost the connection, and all that is behind it. */
static gboolean
refuse_unsent(ImsPass *self, ImsBatch *batch, const ImsMessage *message, GError **error)
{
    g_autoptr(ImsRow) row = ims_batch_single(
        batch, message->uid, message, _("it is larger than what the server takes"));

    ims_pass_count(self, batch->box, IMS_COUNT_REFUSED, 1);
    return ims_store_begin(self->store, error) &&
           ims_save_copied(self, batch->box, ims_side_other(batch->to), row, error) &&
           ims_store_commit(self->store, error);
}

static gboolean copy_again(
    ImsPass *self, const ImsBatch *batch, guint first, guint n, gboolean plain, GError **error);

/* A MULTIAPPEND stores all or nothing and does not say which message it was: halve until it stands
 * alone. The depth is the logarithm of a batch. */
static gboolean
bisect(ImsPass *self, ImsBatch *batch, GError **error)
{
    guint n = batch->messages->len, half = n / 2;
    gboolean plain = batch->plain;

    return copy_again(self, batch, 0, half, plain, error) &&
           (batch->box->left || copy_again(self, batch, half, n - half, plain, error));
}

static gboolean
has_new_keywords(const ImsBatch *batch)
{
    const ImsKeeps known = {ims_box_keeps(batch->box, batch->to).permanent, FALSE};

    for (guint i = 0; i < batch->messages->len; i++) {
        const ImsMessage *message = &g_array_index(batch->messages, ImsMessage, i);
        g_auto(ImsFlags) sent = ims_batch_flags_sent(batch, &message->flags);
        g_auto(ImsFlags) rest = ims_keeps_mask(&known, &sent);

        if (!ims_flags_equal(&rest, &sent))
            return TRUE;
    }
    return FALSE;
}

/* A message that is taken without its new keywords tells of a mailbox that takes no more of them;
 * what is still to come goes without them at once. */
static gboolean
try_plain(ImsPass *self, ImsBatch *batch, GError **error)
{
    const guint64 *stored = &self->report->summary.n[IMS_COUNT_COPIED_LOCAL + batch->to];
    guint64 before = *stored;

    if (!copy_again(self, batch, 0, batch->messages->len, TRUE, error))
        return FALSE;
    if (batch->box->plain[batch->to] || *stored == before)
        return TRUE;
    batch->box->plain[batch->to] = TRUE;
    return ims_pass_raise(
        self,
        IMS_ISSUE_MAILBOX_FAILED,
        batch->box->mailbox->name,
        batch->to,
        0,
        ims_cmd_text(batch->append),
        error);
}

static gboolean
settle_stored(ImsPass *self, ImsBatch *batch, GError **error)
{
    const ImsCode *code = ims_cmd_code(batch->append);

    /* The intent stays, and the next pass finds them by it. */
    if (code->type != IMS_CODE_APPENDUID || code->uids == NULL ||
        ims_uidset_count(code->uids) != batch->messages->len)
        return ims_pass_leave(
            self,
            batch->box,
            batch->to,
            _("the server stored messages and did not say under which UIDs"),
            error);
    if (code->number != batch->intent->to_uidvalidity)
        return take_back(self, batch, code, error);
    return settle_pairs(self, batch, code->uids, error);
}

/* Refused for what is in it, or the server failed with it. */
static gboolean
settle_no(ImsPass *self, ImsBatch *batch, GError **error)
{
    gboolean single = batch->messages->len == 1;
    gboolean maybe_plain = !batch->plain && (single || batch->box->plain[batch->to]);

    if (!drop_intent(self, batch, error))
        return FALSE;
    if (batch->box->left)
        return TRUE;
    if (maybe_plain && has_new_keywords(batch))
        return try_plain(self, batch, error);
    return single ? settle_refused(self, batch, error) : bisect(self, batch, error);
}

static gboolean
settle_batch(ImsPass *self, ImsBatch *batch, GError **error)
{
    if (batch->append == NULL)
        return drop_intent(self, batch, error);
    if (!ims_conn_wait(self->conn[batch->to], batch->append, error))
        return FALSE;
    self->progress.messages_done += batch->messages->len;
    ims_pass_tell(self, IMS_PHASE_COPYING, batch->box);
    if (ims_cmd_reply(batch->append) == IMS_REPLY_OK)
        return settle_stored(self, batch, error);
    if (ims_reply_is_about_mailbox(ims_cmd_code(batch->append), ims_cmd_text(batch->append)))
        return drop_intent(self, batch, error) &&
               ims_pass_leave(self, batch->box, batch->to, ims_cmd_text(batch->append), error);
    return settle_no(self, batch, error);
}

static gboolean
copy_again(
    ImsPass *self, const ImsBatch *refused, guint first, guint n, gboolean plain, GError **error)
{
    g_autoptr(ImsBatch) batch = ims_batch_new(refused->box, refused->to);

    batch->plain = plain;
    for (guint i = first; i < first + n; i++)
        ims_batch_add(batch, &g_array_index(refused->messages, ImsMessage, i));
    return ims_batch_send(self, batch, error) && settle_batch(self, batch, error);
}

static gboolean
settle_until(ImsPass *self, GQueue *ahead, guint left, GError **error)
{
    while (g_queue_get_length(ahead) > left) {
        g_autoptr(ImsBatch) batch = g_queue_pop_head(ahead);

        if (!settle_batch(self, batch, error))
            return FALSE;
        ims_uidset_remove_set(self->risk, batch->all);
    }
    return TRUE;
}

static gboolean
fill_batch(
    ImsPass *self,
    ImsBatch *batch,
    const GArray *copies,
    guint max,
    guint *inout_next,
    GError **error)
{
    const ImsUidSet *suspects =
        ims_box_trouble(self, batch->box)->suspects[ims_side_other(batch->to)];
    guint64 limit = ims_conn_append_limit(self->conn[batch->to]);

    while (*inout_next < copies->len && batch->messages->len < max && batch->bytes < BATCH_BYTES &&
           !batch->alone) {
        const ImsMessage *message = &g_array_index(copies, ImsMessage, *inout_next);
        gboolean suspect = ims_uidset_contains(suspects, message->uid);

        if (message->size > limit) {
            if (!refuse_unsent(self, batch, message, error))
                return FALSE;
        } else if (suspect && batch->messages->len > 0) {
            break;
        } else {
            ims_batch_add(batch, message);
            batch->alone = suspect;
        }
        ++*inout_next;
    }
    return TRUE;
}

/* Cuts what is to be copied into batches and keeps a few of them on their way. */
static gboolean
copy_batches(ImsPass *self, ImsBox *box, ImsSide to, GQueue *ahead, GError **error)
{
    const GArray *copies = box->plan->copies[to];
    gboolean multi = ims_conn_has(self->conn[to], "MULTIAPPEND");
    gboolean wary = !ims_uidset_is_empty(box->unreadable[ims_side_other(to)]);
    guint max = multi && !wary ? IMS_INTENT_MAX : 1, next = 0;

    while (next < copies->len && !box->left) {
        g_autoptr(ImsBatch) batch = ims_batch_new(box, to);
        guint most = multi ? BATCHES_AHEAD : SINGLES_AHEAD;

        if (!fill_batch(self, batch, copies, max, &next, error))
            return FALSE;
        if (batch->messages->len == 0)
            continue;
        if (batch->alone)
            most = 0;
        if (batch->alone && !settle_until(self, ahead, 0, error))
            return FALSE;
        if (!ims_batch_send(self, batch, error))
            return FALSE;
        g_queue_push_tail(ahead, g_steal_pointer(&batch));
        if (!settle_until(self, ahead, most, error))
            return FALSE;
    }
    return settle_until(self, ahead, 0, error);
}

static gboolean
copy_box(ImsPass *self, ImsBox *box, ImsSide to, GError **error)
{
    GQueue *ahead;
    gboolean open = FALSE, ok;

    if (!ims_box_select(self, box, ims_side_other(to), &open, error))
        return FALSE;
    if (!open)
        return TRUE;
    self->risk_from = ims_side_other(to);
    ahead = g_queue_new();
    ok = copy_batches(self, box, to, ahead, error);
    g_queue_free_full(ahead, ims_batch_free);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        ok = ok && ims_judge_doubted(self, box, ims_side_other(to), side, error);
        g_ptr_array_set_size(box->doubted[side], 0);
    }
    return ok;
}

gboolean
ims_copy(ImsPass *self, GPtrArray *boxes, ImsSide to, GError **error)
{
    for (guint i = 0; i < boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(boxes, i);

        if (!box->left && box->plan != NULL && box->plan->copies[to]->len > 0 &&
            !copy_box(self, box, to, error))
            return FALSE;
    }
    return TRUE;
}
