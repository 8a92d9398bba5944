/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Recovery of copies whose end nobody saw: the process was killed, or the reply was lost. An intent
 * is evidence only. Its messages are looked for among all new messages of the destination's side;
 * what is found becomes a pair, what is not found is copied again, and nothing is stored twice. */

#include "engine/box.h"

/* A message on the destination that no row knows. */
typedef struct {
    ImsBox *box;
    ImsMessage *message; /* of the delta; its fingerprint is fetched when first needed */
    gboolean taken;
} Candidate;

static gboolean
row_exists(
    ImsPass *self, const ImsBox *box, ImsSide side, guint32 uid, gboolean *out, GError **error)
{
    g_autoptr(ImsUidSet) uids = ims_uidset_new();
    g_autoptr(GPtrArray) rows = NULL;

    ims_uidset_add(uids, uid);
    rows = ims_store_rows(self->store, box->mailbox->id, side, uids, error);
    if (rows == NULL)
        return FALSE;
    *out = rows->len > 0;
    return TRUE;
}

static gboolean
add_candidates(ImsPass *self, ImsBox *box, ImsSide side, GArray *candidates, GError **error)
{
    GArray *fresh = box->delta[side]->fresh;

    for (guint i = 0; i < fresh->len; i++) {
        Candidate candidate = {box, &g_array_index(fresh, ImsMessage, i), FALSE};
        gboolean known = FALSE;

        if (!row_exists(self, box, side, candidate.message->uid, &known, error))
            return FALSE;
        if (!known)
            g_array_append_val(candidates, candidate);
    }
    return TRUE;
}

/* The fingerprints of those of @box that @wanted names, as far as the server gives them. */
static gboolean
fetch_fingerprints(
    ImsPass *self,
    ImsBox *box,
    ImsSide side,
    const ImsUidSet *wanted,
    GArray *candidates,
    GError **error)
{
    g_autoptr(ImsCmd) cmd = NULL;
    g_autoptr(GArray) messages = NULL;
    gboolean open = FALSE;

    if (ims_uidset_is_empty(wanted))
        return TRUE;
    if (!ims_box_select(self, box, side, &open, error))
        return FALSE;
    if (!open)
        return TRUE;
    cmd = ims_conn_fetch_headers(self->conn[side], wanted, error);
    if (cmd == NULL || !ims_conn_wait(self->conn[side], cmd, error))
        return FALSE;
    if (ims_cmd_reply(cmd) == IMS_REPLY_NO)
        return ims_pass_leave(self, box, side, ims_cmd_text(cmd), error);
    messages = ims_cmd_take_messages(cmd);
    for (guint i = 0; i < messages->len; i++) {
        const ImsMessage *got = &g_array_index(messages, ImsMessage, i);

        for (guint c = 0; c < candidates->len; c++) {
            Candidate *candidate = &g_array_index(candidates, Candidate, c);

            if (candidate->box == box && candidate->message->uid == got->uid) {
                candidate->message->fingerprint = got->fingerprint;
                candidate->message->have |= got->have & IMS_HAVE_FINGERPRINT;
            }
        }
    }
    return TRUE;
}

/* Which candidates may be messages of the intent at all: in its own mailbox those from its floor
 * on, elsewhere those of the same date. */
static gboolean
may_be(const Candidate *candidate, const ImsIntent *intent, gint64 home)
{
    if (candidate->box->mailbox->id == home)
        return candidate->message->uid >= intent->floor;
    for (guint i = 0; i < intent->messages->len; i++) {
        if (g_array_index(intent->messages, ImsIntentMessage, i).date == candidate->message->date)
            return TRUE;
    }
    return FALSE;
}

static gboolean
identify_candidates(
    ImsPass *self, GPtrArray *boxes, const ImsIntent *intent, GArray *candidates, GError **error)
{
    for (guint b = 0; b < boxes->len; b++) {
        ImsBox *box = g_ptr_array_index(boxes, b);
        g_autoptr(ImsUidSet) wanted = ims_uidset_new();

        for (guint i = 0; i < candidates->len; i++) {
            const Candidate *candidate = &g_array_index(candidates, Candidate, i);

            if (candidate->box == box && may_be(candidate, intent, intent->mailbox) &&
                (candidate->message->have & IMS_HAVE_FINGERPRINT) == 0)
                ims_uidset_add(wanted, candidate->message->uid);
        }
        if (!fetch_fingerprints(self, box, intent->to, wanted, candidates, error))
            return FALSE;
    }
    return TRUE;
}

/* At home a message with a usable header is known by it; servers change sizes and bytes, and even
 * dates in the future. Without one, size and date have to do. Elsewhere all of it must agree, as
 * the source is then expunged: a message sent to oneself has a twin in another mailbox. In doubt it
 * is copied. */
static gboolean
is_same(const ImsIntentMessage *wanted, const ImsMessage *message, gboolean at_home)
{
    gboolean same_copy = wanted->date == message->date && wanted->size == message->size;
    gboolean same_header = wanted->fingerprint != 0 && wanted->fingerprint == message->fingerprint;

    if (!at_home)
        return same_header && same_copy;
    return wanted->fingerprint != 0 ? same_header : same_copy;
}

/* An intent is settled only by one who could look. */
static gboolean
has_looked(const ImsIntent *intent, const GArray *candidates)
{
    for (guint i = 0; i < candidates->len; i++) {
        const Candidate *candidate = &g_array_index(candidates, Candidate, i);

        if (may_be(candidate, intent, intent->mailbox) &&
            (candidate->message->have & IMS_HAVE_FINGERPRINT) == 0)
            return FALSE;
    }
    return TRUE;
}

static Candidate *
find(const ImsIntent *intent, const ImsIntentMessage *wanted, GArray *candidates, gboolean at_home)
{
    for (guint i = 0; i < candidates->len; i++) {
        Candidate *candidate = &g_array_index(candidates, Candidate, i);
        gboolean is_home = candidate->box->mailbox->id == intent->mailbox;

        if (candidate->taken || is_home != at_home ||
            (at_home && candidate->message->uid < intent->floor) ||
            !is_same(wanted, candidate->message, at_home))
            continue;
        return candidate;
    }
    return NULL;
}

/* Below the cursor the delta lists changes only, and VANISHED speaks for what is gone. */
static gboolean
stands(const ImsBox *home, ImsSide side, guint32 uid)
{
    const ImsDelta *delta = home->delta[side];

    for (guint i = 0; i < delta->fresh->len; i++) {
        if (g_array_index(delta->fresh, ImsMessage, i).uid == uid)
            return TRUE;
    }
    return !home->full && uid < home->mailbox->point[side].uidnext &&
           !ims_uidset_contains(delta->vanished, uid);
}

/* Where a copy was found: under @uid at home, or, if that is 0, in another mailbox. */
typedef struct {
    guint32 uid;
    guint64 hash;
} Found;

/* A row that says what became of one message. Found, and the source gone meanwhile: the copy goes
 * too, as a deletion does. Found in another mailbox: somebody moved our copy at once; the source
 * goes as a deletion, and the copy is new mail where it now is. If that mailbox is not synced, the
 * deletion waits for it as any other (S9). */
static gboolean
settle_message(
    ImsPass *self,
    const ImsIntent *intent,
    const ImsIntentMessage *wanted,
    Found found,
    gboolean source_stands,
    GError **error)
{
    ImsSide to = intent->to, from = ims_side_other(to);
    g_autoptr(ImsRow) row = ims_row_new();

    if (found.uid == 0 && !source_stands)
        return TRUE;
    row->uid[from] = wanted->uid;
    row->flags[from] = ims_flags_copy(&wanted->flags);
    row->hash[from] = wanted->size != 0 ? ims_message_hash(wanted->size, wanted->date) : 0;
    row->flags[to] = ims_flags_copy(&wanted->flags);
    row->fingerprint = wanted->fingerprint;
    row->uid[to] = found.uid;
    if (found.uid == 0) {
        row->reason = IMS_REASON_MOVED;
        row->gone |= ims_side_bit(to);
        row->hash[to] = found.hash;
    }
    if (!source_stands)
        row->gone |= ims_side_bit(from);
    return ims_store_save_row(self->store, intent->mailbox, row, error);
}

/* An open intent and a row of the same source: it was the copy for a deletion that was taken back,
 * and the row is of the pair before it. */
static gboolean
make_way(ImsPass *self, const ImsBox *home, ImsSide from, guint32 uid, GError **error)
{
    g_autoptr(ImsUidSet) uids = ims_uidset_new();
    g_autoptr(GPtrArray) rows = NULL;

    ims_uidset_add(uids, uid);
    rows = ims_store_rows(self->store, home->mailbox->id, from, uids, error);
    if (rows == NULL)
        return FALSE;
    return rows->len == 0 ||
           ims_store_delete_row(self->store, ((ImsRow *)g_ptr_array_index(rows, 0))->id, error);
}

/* What is new in mailboxes that this pass does not sync. */
typedef struct {
    GHashTable *hashes;
    gboolean unknown; /* nobody could look into some */
} Unseen;

/* Returns: whether the copy of @wanted was found. */
static gboolean
look_for(
    const ImsIntent *intent,
    const ImsIntentMessage *wanted,
    GArray *candidates,
    const Unseen *unseen,
    Found *out)
{
    guint64 hash = ims_message_hash(wanted->size, wanted->date);
    Candidate *copy = find(intent, wanted, candidates, TRUE);
    gboolean at_home = copy != NULL;

    if (copy == NULL)
        copy = find(intent, wanted, candidates, FALSE);
    if (copy == NULL) {
        *out = (Found){0, hash};
        return wanted->size != 0 && g_hash_table_contains(unseen->hashes, &hash);
    }
    copy->taken = TRUE;
    *out = (Found){
        at_home ? copy->message->uid : 0,
        ims_message_hash(copy->message->size, copy->message->date),
    };
    return TRUE;
}

static gboolean
settle_intent(
    ImsPass *self,
    ImsBox *home,
    const ImsIntent *intent,
    GArray *candidates,
    const Unseen *unseen,
    GError **error)
{
    ImsSide from = ims_side_other(intent->to);

    if (!ims_store_begin(self->store, error))
        return FALSE;
    for (guint i = 0; i < intent->messages->len; i++) {
        const ImsIntentMessage *wanted = &g_array_index(intent->messages, ImsIntentMessage, i);
        Found found;

        if (look_for(intent, wanted, candidates, unseen, &found) &&
            (!make_way(self, home, from, wanted->uid, error) ||
             !settle_message(self, intent, wanted, found, stands(home, from, wanted->uid), error)))
            return FALSE;
    }
    return ims_store_delete_intent(self->store, intent->id, error) &&
           ims_store_commit(self->store, error);
}

static gboolean
is_gathered(const ImsBox *box)
{
    return !box->left && !box->again && box->delta[IMS_LOCAL] != NULL &&
           box->delta[IMS_REMOTE] != NULL;
}

static ImsBox *
find_home(GPtrArray *boxes, gint64 mailbox)
{
    for (guint i = 0; i < boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(boxes, i);

        if (box->mailbox->id == mailbox)
            return is_gathered(box) ? box : NULL;
    }
    return NULL;
}

static GArray *
all_candidates(ImsPass *self, GPtrArray *boxes, ImsSide side, GError **error)
{
    g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));

    for (guint i = 0; i < boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(boxes, i);

        if (is_gathered(box) && !add_candidates(self, box, side, candidates, error))
            return NULL;
    }
    return g_steal_pointer(&candidates);
}

static gboolean
recover_side(ImsPass *self, GPtrArray *boxes, GPtrArray *intents, ImsSide to, GError **error)
{
    g_autoptr(GArray) candidates = all_candidates(self, boxes, to, error);
    g_autoptr(GHashTable) hashes = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    Unseen unseen = {hashes, FALSE};

    if (candidates == NULL || !ims_unseen_mail(self, to, hashes, &unseen.unknown, error))
        return FALSE;
    for (guint i = 0; i < intents->len; i++) {
        const ImsIntent *intent = g_ptr_array_index(intents, i);
        ImsBox *home = find_home(boxes, intent->mailbox);

        if (home == NULL || intent->to != to)
            continue;
        if (!identify_candidates(self, boxes, intent, candidates, error))
            return FALSE;
        home->left |= unseen.unknown || !has_looked(intent, candidates);
        if (!home->left && !settle_intent(self, home, intent, candidates, &unseen, error))
            return FALSE;
    }
    return TRUE;
}

/* Whether every mailbox could be gathered as it should; a copy may be in any of them. If not, none
 * of them goes on before the next round has asked again. */
static gboolean
all_gathered(GPtrArray *boxes)
{
    gboolean again = FALSE;

    for (guint i = 0; i < boxes->len; i++)
        again |= ((ImsBox *)g_ptr_array_index(boxes, i))->again;
    for (guint i = 0; i < boxes->len && again; i++)
        ((ImsBox *)g_ptr_array_index(boxes, i))->again = TRUE;
    return !again;
}

gboolean
ims_recover(ImsPass *self, GPtrArray *boxes, GError **error)
{
    g_autoptr(GPtrArray) intents = ims_store_intents(self->store, error);

    if (intents == NULL)
        return FALSE;
    if (intents->len == 0 || !all_gathered(boxes))
        return TRUE;
    return recover_side(self, boxes, intents, IMS_LOCAL, error) &&
           recover_side(self, boxes, intents, IMS_REMOTE, error);
}
