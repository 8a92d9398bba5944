/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Copying, one way at a time: bodies stream from a FETCH of one side into an APPEND of the other,
 * chunk by chunk, in batches of one MULTIAPPEND. The order that keeps this safe: the intent is
 * stored; the bodies pass; the intent learns their fingerprints; the octets that make the server
 * store go out; its reply turns the intent into pairs and moves the source's cursor.
 *
 * A message goes with the flags that the destination can store, and the base says so. Where a
 * mailbox takes no keyword more than it has (Cyrus 3.6: 100 of them, then NO to the whole APPEND),
 * the new ones are left out rather than the message.
 *
 * A message that one side refuses, or does not give out, becomes a single and is not tried again.
 * But a server in trouble refuses message after message, and has no code for it: the verdict waits
 * until one behind them has passed, or the mailbox has ended. Too many in a row and none of them is
 * believed: the mailbox is left, and they stay new. */

#include <string.h>

#include "engine/box.h"
#include "model/fingerprint.h"

#define BATCH_BYTES   (1024 * 1024) /* a batch ends once it holds so many octets */
#define BATCHES_AHEAD 4             /* unanswered batches; singles if there is no MULTIAPPEND */
#define SINGLES_AHEAD 32
#define DOUBTED_MAX   16 /* messages in a row; then it is hardly the messages */

/* Messages of one intent and one APPEND. */
typedef struct {
    ImsBox *box;
    ImsSide to;
    GArray
        *messages; /* ImsMessage: those asked for; once streamed, those that came, in that order */
    guint64 bytes;
    ImsIntent *intent;
    ImsCmd *append;  /* NULL if nothing came */
    gboolean plain;  /* without keywords that the mailbox does not know */
    gboolean moment; /* the FETCH was refused for a reason that may pass */
} Batch;

static void
batch_free(gpointer data)
{
    Batch *self = data;

    g_array_unref(self->messages);
    ims_intent_free(self->intent);
    g_clear_pointer(&self->append, ims_cmd_unref);
    g_free(self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Batch, batch_free)

static Batch *
batch_new(ImsBox *box, ImsSide to)
{
    Batch *self = g_new0(Batch, 1);
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

static void
batch_add(Batch *self, const ImsMessage *message)
{
    ImsMessage copy = ims_message_copy(message);

    g_array_append_val(self->messages, copy);
    self->bytes += (message->have & IMS_HAVE_SIZE) != 0 ? message->size : 0;
}

/* With which of @flags a message of the batch is stored. */
static ImsFlags
flags_sent(const Batch *self, const ImsFlags *flags)
{
    ImsKeeps keeps = ims_box_keeps(self->box, self->to);

    keeps.any_keyword &= !self->plain;
    return ims_keeps_mask(&keeps, flags);
}

static gboolean
save_intent(ImsPass *self, Batch *batch, GError **error)
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
pass_body(ImsPass *self, Batch *batch, gboolean wanted, guint64 *out_fingerprint, GError **error)
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

static ImsRow *
single(const Batch *batch, guint32 uid, const ImsMessage *message, const char *detail)
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
static gboolean
save_copied(ImsPass *self, const ImsBox *box, ImsSide from, ImsRow *row, GError **error)
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
static gboolean
doubt(ImsPass *self, ImsBox *box, ImsSide side, ImsRow *row, GError **error)
{
    g_autofree char *detail = g_strdup(row->detail);

    g_ptr_array_add(box->doubted[side], row);
    if (box->left || box->doubted[side]->len < DOUBTED_MAX)
        return TRUE;
    return ims_pass_leave(self, box, side, detail, error);
}

/* The verdict on those that @side has refused, or not given out. */
static gboolean
judge_doubted(ImsPass *self, ImsBox *box, ImsSide from, ImsSide side, GError **error)
{
    GPtrArray *doubted = box->doubted[side];

    if (doubted->len == 0 || box->left)
        return TRUE;
    if (!ims_store_begin(self->store, error))
        return FALSE;
    for (guint i = 0; i < doubted->len; i++) {
        if (!save_copied(self, box, from, g_ptr_array_index(doubted, i), error))
            return FALSE;
    }
    ims_pass_count(self, box, IMS_COUNT_REFUSED, doubted->len);
    g_ptr_array_set_size(doubted, 0);
    return ims_store_commit(self->store, error);
}

/* -- streaming -- */

static gboolean
pass_message(ImsPass *self, Batch *batch, ImsMessage *message, guint64 size, GError **error)
{
    ImsConn *to = self->conn[batch->to];
    g_auto(ImsFlags) flags = flags_sent(batch, &message->flags);
    gboolean refused = FALSE;

    if (batch->append == NULL)
        batch->append = ims_conn_append_begin(to, batch->box->spelling[batch->to], error);
    if (batch->append == NULL)
        return FALSE;
    if (!ims_conn_append_message(to, batch->append, &flags, message->date, size, &refused, error))
        return FALSE;
    return pass_body(self, batch, !refused, &message->fingerprint, error);
}

/* Refusals that are about the mailbox or the moment, not about the message. Cyrus 3.6 has no code
 * for its quota, nor for its troubles. */
static gboolean
is_about_mailbox(const ImsCode *code, const char *text)
{
    static const char *const names[] = {
        "TRYCREATE", "OVERQUOTA", "SERVERBUG", "NOPERM", "READ-ONLY", "CONTACTADMIN", NULL};
    static const char *const words[] = {"over quota", "i/o error", "internal error", "temporar"};
    g_autofree char *lower = g_ascii_strdown(text, -1);

    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strstr(lower, words[i]) != NULL)
            return TRUE;
    }
    return ims_reply_may_pass(code) || (code->name != NULL && g_strv_contains(names, code->name));
}

/* Streams what the FETCH gives into the APPEND. @asked is left with what did not come. */
static gboolean
stream_batch(ImsPass *self, Batch *batch, ImsUidSet *asked, GError **error)
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
            batch->moment = ims_cmd_reply(fetch) == IMS_REPLY_NO &&
                            is_about_mailbox(ims_cmd_code(fetch), ims_cmd_text(fetch));
            return TRUE;
        }
        if (!ims_uidset_contains(asked, message.uid)) {
            g_set_error(
                error,
                IMS_ERROR,
                IMS_ERROR_PROTOCOL,
                "the server sent a body that was not asked for");
            return FALSE;
        }
        if (!judge_doubted(
                self, batch->box, ims_side_other(batch->to), ims_side_other(batch->to), error) ||
            !pass_message(self, batch, &message, size, error))
            return FALSE;
        ims_uidset_remove_range(asked, message.uid, message.uid);
        copy = ims_message_copy(&message);
        g_array_append_val(batch->messages, copy);
    }
}

/* What did not come may have been expunged: it stays new, and the next round sees, message by
 * message. What stands and does not come then either cannot be read. */
static gboolean
note_unread(
    ImsPass *self, Batch *batch, const GArray *planned, const ImsUidSet *missing, GError **error)
{
    ImsSide from = ims_side_other(batch->to);
    ImsBox *box = batch->box;

    if (ims_uidset_is_empty(missing))
        return TRUE;
    box->again = TRUE;
    if (batch->moment)
        return ims_pass_leave(
            self, box, from, "the server does not give out its messages now", error);
    for (guint i = 0; i < planned->len; i++) {
        const ImsMessage *message = &g_array_index(planned, ImsMessage, i);

        if (!ims_uidset_contains(missing, message->uid))
            continue;
        if (!ims_uidset_contains(box->unreadable[from], message->uid))
            ims_uidset_add(box->unread[from], message->uid);
        else if (!doubt(
                     self,
                     box,
                     from,
                     single(batch, message->uid, message, "the server does not give out its body"),
                     error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
send_batch(ImsPass *self, Batch *batch, GError **error)
{
    g_autoptr(ImsUidSet) asked = ims_uidset_new();
    g_autoptr(GArray) planned = batch->messages;

    for (guint i = 0; i < planned->len; i++)
        ims_uidset_add(asked, g_array_index(planned, ImsMessage, i).uid);
    batch->messages = ims_messages_new();
    if (!stream_batch(self, batch, asked, error) ||
        !note_unread(self, batch, planned, asked, error))
        return FALSE;
    return batch->append == NULL ||
           (save_intent(self, batch, error) &&
            ims_conn_append_end(self->conn[batch->to], batch->append, error));
}

/* The source's cursor passes what has been dealt with, batch by batch, so that an interrupted copy
 * of a million messages goes on where it stopped. Nothing unread is passed. */
static void
advance_cursor(Batch *batch)
{
    ImsSide from = ims_side_other(batch->to);
    ImsPoint *point = &batch->box->mailbox->point[from];
    guint32 last = 0;

    if (batch->box->left)
        return; /* a batch before this one was not stored */
    for (guint i = 0; i < batch->messages->len; i++)
        last = MAX(last, g_array_index(batch->messages, ImsMessage, i).uid);
    if (ims_uidset_is_empty(batch->box->unread[from]) && last < G_MAXUINT32 &&
        last >= point->uidnext)
        point->uidnext = last + 1;
}

static gboolean
close_intent(ImsPass *self, Batch *batch, GError **error)
{
    advance_cursor(batch);
    return ims_store_delete_intent(self->store, batch->intent->id, error) &&
           ims_store_save_mailbox(self->store, batch->box->mailbox, error) &&
           ims_store_commit(self->store, error);
}

static gboolean
settle_pairs(ImsPass *self, Batch *batch, const ImsUidSet *uids, GError **error)
{
    ImsSide to = batch->to, from = ims_side_other(to);
    guint next = 0;

    if (!judge_doubted(self, batch->box, from, to, error) || !ims_store_begin(self->store, error))
        return FALSE;
    for (guint r = 0; r < ims_uidset_n_ranges(uids); r++) {
        const ImsUidRange *range = ims_uidset_range(uids, r);

        for (guint64 uid = range->first; uid <= range->last; uid++, next++) {
            const ImsMessage *message = &g_array_index(batch->messages, ImsMessage, next);
            g_autoptr(ImsRow) row = ims_row_new();

            row->uid[from] = message->uid;
            row->uid[to] = (guint32)uid;
            row->flags[from] = ims_flags_copy(&message->flags);
            row->flags[to] = flags_sent(batch, &message->flags);
            row->fingerprint = message->fingerprint;
            if ((message->have & IMS_HAVE_SIZE) != 0)
                row->hash[from] = ims_message_hash(message->size, message->date);
            if (!save_copied(self, batch->box, from, row, error))
                return FALSE;
        }
    }
    ims_pass_count(self, batch->box, IMS_COUNT_COPIED_LOCAL + to, batch->messages->len);
    return close_intent(self, batch, error);
}

/* The mailbox was replaced between our SELECT and the APPEND: what we put into the new one is taken
 * back, and only what we put there. The intent stays until the next run. */
static gboolean
take_back(ImsPass *self, Batch *batch, const ImsCode *code, GError **error)
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
drop_intent(ImsPass *self, Batch *batch, GError **error)
{
    return batch->intent->id == 0 ||
           (ims_store_begin(self->store, error) &&
            ims_store_delete_intent(self->store, batch->intent->id, error) &&
            ims_store_commit(self->store, error));
}

static gboolean
settle_refused(ImsPass *self, Batch *batch, GError **error)
{
    const ImsMessage *message = &g_array_index(batch->messages, ImsMessage, 0);
    ImsRow *row = single(batch, message->uid, message, ims_cmd_text(batch->append));

    return doubt(self, batch->box, batch->to, row, error);
}

/* Sent to Cyrus all the same, it would cost the connection, and all that is behind it. */
static gboolean
refuse_unsent(ImsPass *self, Batch *batch, const ImsMessage *message, GError **error)
{
    g_autoptr(ImsRow) row =
        single(batch, message->uid, message, "it is larger than what the server takes");

    ims_pass_count(self, batch->box, IMS_COUNT_REFUSED, 1);
    return ims_store_begin(self->store, error) &&
           save_copied(self, batch->box, ims_side_other(batch->to), row, error) &&
           ims_store_commit(self->store, error);
}

static gboolean copy_again(
    ImsPass *self, const Batch *batch, guint first, guint n, gboolean plain, GError **error);

/* A MULTIAPPEND stores all or nothing and does not say which message it was: halve until it stands
 * alone. The depth is the logarithm of a batch. */
static gboolean
bisect(ImsPass *self, Batch *batch, GError **error)
{
    guint n = batch->messages->len, half = n / 2;
    gboolean plain = batch->plain;

    return copy_again(self, batch, 0, half, plain, error) &&
           (batch->box->left || copy_again(self, batch, half, n - half, plain, error));
}

static gboolean
has_new_keywords(const Batch *batch)
{
    const ImsKeeps known = {ims_box_keeps(batch->box, batch->to).permanent, FALSE};

    for (guint i = 0; i < batch->messages->len; i++) {
        const ImsMessage *message = &g_array_index(batch->messages, ImsMessage, i);
        g_auto(ImsFlags) sent = flags_sent(batch, &message->flags);
        g_auto(ImsFlags) rest = ims_keeps_mask(&known, &sent);

        if (!ims_flags_equal(&rest, &sent))
            return TRUE;
    }
    return FALSE;
}

/* A message that is taken without its new keywords tells of a mailbox that takes no more of them;
 * what is still to come goes without them at once. */
static gboolean
try_plain(ImsPass *self, Batch *batch, GError **error)
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
settle_stored(ImsPass *self, Batch *batch, GError **error)
{
    const ImsCode *code = ims_cmd_code(batch->append);

    /* The intent stays, and the next pass finds them by it. */
    if (code->type != IMS_CODE_APPENDUID || code->uids == NULL ||
        ims_uidset_count(code->uids) != batch->messages->len)
        return ims_pass_leave(
            self,
            batch->box,
            batch->to,
            "the server stored messages and did not say under which UIDs",
            error);
    if (code->number != batch->intent->to_uidvalidity)
        return take_back(self, batch, code, error);
    return settle_pairs(self, batch, code->uids, error);
}

/* Refused for what is in it. */
static gboolean
settle_no(ImsPass *self, Batch *batch, GError **error)
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
settle_batch(ImsPass *self, Batch *batch, GError **error)
{
    if (batch->append == NULL)
        return drop_intent(self, batch, error);
    if (!ims_conn_wait(self->conn[batch->to], batch->append, error))
        return FALSE;
    self->progress.messages_done += batch->messages->len;
    ims_pass_tell(self, IMS_PHASE_COPYING, batch->box);
    if (ims_cmd_reply(batch->append) == IMS_REPLY_OK)
        return settle_stored(self, batch, error);
    if (is_about_mailbox(ims_cmd_code(batch->append), ims_cmd_text(batch->append)))
        return drop_intent(self, batch, error) &&
               ims_pass_leave(self, batch->box, batch->to, ims_cmd_text(batch->append), error);
    return settle_no(self, batch, error);
}

static gboolean
copy_again(
    ImsPass *self, const Batch *refused, guint first, guint n, gboolean plain, GError **error)
{
    g_autoptr(Batch) batch = batch_new(refused->box, refused->to);

    batch->plain = plain;
    for (guint i = first; i < first + n; i++)
        batch_add(batch, &g_array_index(refused->messages, ImsMessage, i));
    return send_batch(self, batch, error) && settle_batch(self, batch, error);
}

static gboolean
settle_until(ImsPass *self, GQueue *ahead, guint left, GError **error)
{
    while (g_queue_get_length(ahead) > left) {
        g_autoptr(Batch) batch = g_queue_pop_head(ahead);

        if (!settle_batch(self, batch, error))
            return FALSE;
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
    guint64 limit = ims_conn_append_limit(self->conn[to]);
    guint max = multi && !wary ? IMS_INTENT_MAX : 1, i = 0;

    while (i < copies->len && !box->left) {
        g_autoptr(Batch) batch = batch_new(box, to);

        for (; i < copies->len && batch->messages->len < max && batch->bytes < BATCH_BYTES; i++) {
            const ImsMessage *message = &g_array_index(copies, ImsMessage, i);

            if (message->size <= limit)
                batch_add(batch, message);
            else if (!refuse_unsent(self, batch, message, error))
                return FALSE;
        }
        if (batch->messages->len == 0)
            continue;
        if (!send_batch(self, batch, error))
            return FALSE;
        g_queue_push_tail(ahead, g_steal_pointer(&batch));
        if (!settle_until(self, ahead, multi ? BATCHES_AHEAD : SINGLES_AHEAD, error))
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
    ahead = g_queue_new();
    ok = copy_batches(self, box, to, ahead, error);
    g_queue_free_full(ahead, batch_free);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        ok = ok && judge_doubted(self, box, ims_side_other(to), side, error);
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
