/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Recovery of copies whose end nobody saw: the process was killed, or the reply was lost. An intent
 * is evidence only. Its messages are looked for among all new messages of the destination's side;
 * what is found becomes a pair, what is not found is copied again, and nothing is stored twice. */

#include <glib/gi18n.h>

#include "engine/box.h"

/* A message on the destination that no row knows. */
typedef struct {
    ImsBox *box;
    ImsMessage *message; /* its fingerprint is fetched when first needed */
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

static gboolean
open_box(ImsPass *self, ImsBox *box, ImsSide side, gboolean *out_open, GError **error)
{
    g_autoptr(ImsCmd) select = NULL;

    if (ims_box_is_gathered(box))
        return ims_box_select(self, box, side, out_open, error);
    if (!ims_unseen_select(self, box, side, &select, error) ||
        !ims_conn_wait(self->conn[side], select, error))
        return FALSE;
    *out_open = ims_cmd_reply(select) == IMS_REPLY_OK;
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
    if (!open_box(self, box, side, &open, error))
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

/* Candidates of one mailbox stand together. */
static gboolean
identify_candidates(ImsPass *self, const ImsIntent *intent, GArray *candidates, GError **error)
{
    for (guint i = 0; i < candidates->len;) {
        ImsBox *box = g_array_index(candidates, Candidate, i).box;
        g_autoptr(ImsUidSet) wanted = ims_uidset_new();

        for (; i < candidates->len; i++) {
            const Candidate *candidate = &g_array_index(candidates, Candidate, i);

            if (candidate->box != box)
                break;
            if (may_be(candidate, intent, intent->mailbox) &&
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

/* With which of its flags the copy was stored at least; as for copy.c, what may not have been sent
 * for want of rights is a change that waits for them. */
static ImsFlags
flags_sent(const ImsBox *home, ImsSide to, const ImsIntentMessage *wanted)
{
    ImsKeeps keeps = ims_box_keeps(home, to);

    return home->delta[to]->read_only ? ims_keeps_mask(&keeps, &wanted->flags)
                                      : ims_flags_copy(&wanted->flags);
}

static void
moved_away(ImsRow *row, ImsSide to, const ImsMessage *copy)
{
    row->reason = IMS_REASON_MOVED;
    row->gone |= ims_side_bit(to);
    row->hash[to] = ims_message_hash(copy->size, copy->date);
}

/* A row that says what became of one message. Found, and the source gone meanwhile: the copy goes
 * too, as a deletion does. Found in another mailbox: somebody moved our copy at once; the source
 * goes as a deletion, and the copy is new mail where it now is. If that mailbox is not synced, the
 * deletion waits for it as any other (S9). */
static gboolean
settle_message(
    ImsPass *self,
    const ImsBox *home,
    const ImsIntent *intent,
    const ImsIntentMessage *wanted,
    const Candidate *copy,
    gboolean source_stands,
    GError **error)
{
    ImsSide to = intent->to, from = ims_side_other(to);
    gboolean at_home = copy->box->mailbox->id == intent->mailbox;
    g_autoptr(ImsRow) row = ims_row_new();

    if (!at_home && !source_stands)
        return TRUE;
    row->uid[from] = wanted->uid;
    row->flags[from] = flags_sent(home, to, wanted);
    row->hash[from] = wanted->size != 0 ? ims_message_hash(wanted->size, wanted->date) : 0;
    row->flags[to] = ims_flags_copy(&row->flags[from]);
    row->fingerprint = wanted->fingerprint;
    if (at_home)
        row->uid[to] = copy->message->uid;
    else
        moved_away(row, to, copy->message);
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

/* Returns: (transfer container) (element-type Candidate): for each message of the intent the one
 * that it is, taken by now; NULL: none. They borrow from @candidates. */
static GPtrArray *
match(const ImsIntent *intent, GArray *candidates)
{
    GPtrArray *copies = g_ptr_array_new();

    for (guint i = 0; i < intent->messages->len; i++) {
        const ImsIntentMessage *wanted = &g_array_index(intent->messages, ImsIntentMessage, i);
        Candidate *copy = find(intent, wanted, candidates, TRUE);

        if (copy == NULL)
            copy = find(intent, wanted, candidates, FALSE);
        if (copy != NULL)
            copy->taken = TRUE;
        g_ptr_array_add(copies, copy);
    }
    return copies;
}

static void
release(GPtrArray *copies)
{
    for (guint i = 0; i < copies->len; i++) {
        Candidate *copy = g_ptr_array_index(copies, i);

        if (copy != NULL)
            copy->taken = FALSE;
    }
}

static gboolean
settle_intent(
    ImsPass *self, ImsBox *home, const ImsIntent *intent, GPtrArray *copies, GError **error)
{
    ImsSide from = ims_side_other(intent->to);

    if (!ims_store_begin(self->store, error))
        return FALSE;
    for (guint i = 0; i < copies->len; i++) {
        const ImsIntentMessage *wanted = &g_array_index(intent->messages, ImsIntentMessage, i);
        const Candidate *copy = g_ptr_array_index(copies, i);

        if (copy == NULL)
            continue;
        if (!make_way(self, home, from, wanted->uid, error) ||
            !settle_message(
                self, home, intent, wanted, copy, stands(home, from, wanted->uid), error))
            return FALSE;
    }
    return ims_store_delete_intent(self->store, intent->id, error) &&
           ims_store_commit(self->store, error);
}

static ImsBox *
find_home(GPtrArray *boxes, gint64 mailbox)
{
    for (guint i = 0; i < boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(boxes, i);

        if (box->mailbox->id == mailbox)
            return ims_box_is_gathered(box) ? box : NULL;
    }
    return NULL;
}

static GArray *
all_candidates(ImsPass *self, GPtrArray *boxes, ImsSide side, GError **error)
{
    g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));

    for (guint i = 0; i < boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(boxes, i);

        if (ims_box_is_gathered(box) && !add_candidates(self, box, side, candidates, error))
            return NULL;
    }
    return g_steal_pointer(&candidates);
}

static void
add_unseen(GArray *candidates, GArray *unseen)
{
    for (guint i = 0; i < unseen->len; i++) {
        ImsUnseen *found = &g_array_index(unseen, ImsUnseen, i);
        Candidate candidate = {found->box, &found->message, FALSE};

        g_array_append_val(candidates, candidate);
    }
}

/* @unknown: there is mail that nobody has looked at. Then what is not found may be there. */
static gboolean
recover_home(
    ImsPass *self,
    ImsBox *home,
    const ImsIntent *intent,
    GArray *candidates,
    gboolean unknown,
    GError **error)
{
    g_autoptr(GPtrArray) copies = NULL;

    if (!identify_candidates(self, intent, candidates, error))
        return FALSE;
    if (home->left)
        return TRUE;
    copies = match(intent, candidates);
    if (has_looked(intent, candidates) && !(unknown && g_ptr_array_find(copies, NULL, NULL)))
        return settle_intent(self, home, intent, copies, error);
    release(copies);
    return ims_pass_leave(
        self,
        home,
        intent->to,
        _("a copy of an interrupted sync may have been moved to where nobody can look now"),
        error);
}

/* Returns: (transfer container): those to @to whose mailbox is gathered, or is not. */
static GPtrArray *
choose_intents(GPtrArray *boxes, GPtrArray *intents, ImsSide to, gboolean gathered)
{
    GPtrArray *chosen = g_ptr_array_new();

    for (guint i = 0; i < intents->len; i++) {
        ImsIntent *intent = g_ptr_array_index(intents, i);

        if (intent->to == to && (find_home(boxes, intent->mailbox) != NULL) == gathered)
            g_ptr_array_add(chosen, intent);
    }
    return chosen;
}

static gboolean
recover_homes(
    ImsPass *self,
    GPtrArray *boxes,
    GPtrArray *intents,
    ImsSide to,
    GArray *candidates,
    GError **error)
{
    g_autoptr(GArray) unseen = g_array_new(FALSE, FALSE, sizeof(ImsUnseen));
    guint n_gathered = candidates->len;
    gboolean unknown = FALSE;

    if (!ims_unseen_mail(self, to, unseen, &unknown, error))
        return FALSE;
    add_unseen(candidates, unseen);
    for (guint i = 0; i < intents->len; i++) {
        const ImsIntent *intent = g_ptr_array_index(intents, i);
        ImsBox *home = find_home(boxes, intent->mailbox);

        if (home != NULL && !recover_home(self, home, intent, candidates, unknown, error))
            return FALSE;
    }
    g_array_set_size(candidates, n_gathered); /* the rest is freed with this */
    return TRUE;
}

/* A copy may have been moved out of a mailbox that cannot be looked into in this round, or that is
 * not synced any more. Copied as new mail now, it would have a row, and its source would be copied
 * again once that mailbox comes back; so what looks like it stays where it is until then. */
static gboolean
await_copies(ImsPass *self, const ImsIntent *intent, GArray *candidates, GError **error)
{
    if (!identify_candidates(self, intent, candidates, error))
        return FALSE;
    for (guint i = 0; i < intent->messages->len; i++) {
        Candidate *copy =
            find(intent, &g_array_index(intent->messages, ImsIntentMessage, i), candidates, FALSE);

        if (copy == NULL || copy->box->left)
            continue;
        copy->taken = TRUE;
        copy->box->waits = TRUE;
        ims_uidset_add(copy->box->awaited[intent->to], copy->message->uid);
        if (!ims_pass_raise(
                self,
                IMS_ISSUE_MAILBOX_FAILED,
                copy->box->mailbox->name,
                intent->to,
                0,
                _("a message may be the copy of an interrupted sync, moved here from a mailbox "
                  "that nobody can look into now"),
                error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
recover_side(ImsPass *self, GPtrArray *boxes, GPtrArray *intents, ImsSide to, GError **error)
{
    g_autoptr(GPtrArray) at_home = choose_intents(boxes, intents, to, TRUE);
    g_autoptr(GPtrArray) away = choose_intents(boxes, intents, to, FALSE);
    g_autoptr(GPtrArray) left = NULL;
    g_autoptr(GArray) candidates = NULL;

    if (at_home->len + away->len == 0)
        return TRUE;
    candidates = all_candidates(self, boxes, to, error);
    if (candidates == NULL ||
        (at_home->len > 0 && !recover_homes(self, boxes, at_home, to, candidates, error)))
        return FALSE;
    left = choose_intents(boxes, at_home, to, FALSE); /* by now */
    g_ptr_array_extend(away, left, NULL, NULL);
    for (guint i = 0; i < away->len; i++) {
        if (!await_copies(self, g_ptr_array_index(away, i), candidates, error))
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
