/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Gathering: for all mailboxes of a round, on both sides at once, SELECT (QRESYNC …) and the FETCH
 * of what is new, in one pipeline; then the base's rows that the answers name, and the decision.
 * The same SELECT closes what the round before has written, so nothing is ever committed but a
 * SELECT's reply. */

#include "engine/box.h"

#define COMPARE_EVERY_US (30 * G_TIME_SPAN_DAY) /* a full comparison in any case */

typedef struct {
    ImsBox *box;
    ImsCmd *select[IMS_N_SIDES];
    ImsCmd *fetch[IMS_N_SIDES];
} Question;

static void
question_free(gpointer data)
{
    Question *question = data;

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        g_clear_pointer(&question->select[side], ims_cmd_unref);
        g_clear_pointer(&question->fetch[side], ims_cmd_unref);
    }
    g_free(question);
}

/* Without mod-sequences (NOMODSEQ) only a full comparison shows what has changed. */
static gboolean
tells_no_changes(const ImsBox *box)
{
    const ImsPoint *point = box->mailbox->point;

    return box->mailbox->valid && (point[IMS_LOCAL].modseq == 0 || point[IMS_REMOTE].modseq == 0);
}

static gboolean
ask(ImsPass *self, Question *question, GError **error)
{
    ImsBox *box = question->box;
    gboolean whole;

    box->full |= tells_no_changes(box);
    whole = box->full || !box->mailbox->valid;
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        const ImsPoint *point = whole ? NULL : &box->mailbox->point[side];
        guint32 cursor = whole ? 1 : MAX(1, point->uidnext);

        question->select[side] =
            ims_conn_select(self->conn[side], box->spelling[side], point, error);
        if (question->select[side] == NULL)
            return FALSE;
        question->fetch[side] = ims_conn_fetch_meta(self->conn[side], cursor, error);
        if (question->fetch[side] == NULL)
            return FALSE;
    }
    box->selected = TRUE;
    self->opened = TRUE;
    return TRUE;
}

/* Some servers leave UIDNEXT out; what the FETCH of all new messages gave says as much, but for
 * what has been expunged since: that the listing knows. */
static void
supply_uidnext(ImsBox *box, ImsSide side)
{
    const GArray *fresh = box->delta[side]->fresh;
    const ImsPoint *listed = &box->listed[side];
    guint32 next = MAX(1, box->mailbox->point[side].uidnext);

    if (fresh->len > 0 && g_array_index(fresh, ImsMessage, fresh->len - 1).uid < G_MAXUINT32)
        next = MAX(next, g_array_index(fresh, ImsMessage, fresh->len - 1).uid + 1);
    else if (fresh->len > 0)
        next = G_MAXUINT32;
    if (listed->uidvalidity == box->delta[side]->point.uidvalidity)
        next = MAX(next, listed->uidnext);
    box->delta[side]->point.uidnext = next;
}

/* A FETCH behind a refused SELECT is refused as well, and that is all it says. */
static gboolean
take_answer(ImsPass *self, Question *question, ImsSide side, GError **error)
{
    ImsBox *box = question->box;

    if (!ims_conn_wait(self->conn[side], question->select[side], error) ||
        !ims_conn_wait(self->conn[side], question->fetch[side], error))
        return FALSE;
    if (ims_cmd_reply(question->select[side]) == IMS_REPLY_NO) {
        self->selected[side] = NULL;
        return ims_pass_leave(self, box, side, ims_cmd_text(question->select[side]), error);
    }
    self->selected[side] = box;
    box->delta[side] = ims_cmd_take_delta(question->select[side]);
    if (ims_reply_is_stale(question->fetch[side])) {
        box->again = TRUE;
        return TRUE;
    }
    if (ims_cmd_reply(question->fetch[side]) == IMS_REPLY_NO)
        return ims_pass_leave(self, box, side, ims_cmd_text(question->fetch[side]), error);
    g_array_unref(box->delta[side]->fresh);
    box->delta[side]->fresh = ims_cmd_take_messages(question->fetch[side]);
    if (box->delta[side]->point.uidnext == 0)
        supply_uidnext(box, side);
    return TRUE;
}

static gboolean
forget_base(ImsPass *self, ImsBox *box, GError **error)
{
    ImsMailbox *mailbox = box->mailbox;

    mailbox->valid = FALSE;
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        mailbox->point[side] = (ImsPoint){0};
        g_clear_pointer(&mailbox->identity[side], g_free);
    }
    return ims_store_begin(self->store, error) &&
           ims_store_reset_mailbox(self->store, mailbox->id, error) &&
           ims_store_save_mailbox(self->store, mailbox, error) &&
           ims_store_commit(self->store, error) &&
           ims_update_deletions(self, box, IMS_LOCAL, error) &&
           ims_update_deletions(self, box, IMS_REMOTE, error) &&
           ims_pass_settle_issue(self, IMS_ISSUE_READ_ONLY, mailbox->name, IMS_LOCAL, error) &&
           ims_pass_settle_issue(self, IMS_ISSUE_READ_ONLY, mailbox->name, IMS_REMOTE, error);
}

gboolean
ims_hold_for_adoption(ImsPass *self, ImsBox *box, GError **error)
{
    guint64 count = box->listed[IMS_LOCAL].messages + box->listed[IMS_REMOTE].messages;

    box->left = TRUE;
    return ims_pass_raise(
        self, IMS_ISSUE_NEEDS_ADOPTION, box->mailbox->name, IMS_LOCAL, count, NULL, error);
}

/* The first base of a mailbox: nothing is known, and all that stands is new. It is stored before
 * anything is copied, so that from here on the mod-sequences tell what others change. */
static gboolean
found_base(ImsPass *self, ImsBox *box, GError **error)
{
    ImsMailbox *mailbox = box->mailbox;

    mailbox->valid = TRUE;
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        mailbox->point[side] = box->delta[side]->point;
        mailbox->point[side].uidnext = 1;
        mailbox->point[side].messages = 0;
        g_free(mailbox->identity[side]);
        mailbox->identity[side] = g_strdup(box->delta[side]->id);
        mailbox->held_uidnext[side] = 0;
    }
    mailbox->compared_us = ims_clock_real(self->order->clock);
    return ims_store_begin(self->store, error) &&
           ims_store_reset_mailbox(self->store, mailbox->id, error) &&
           ims_store_save_mailbox(self->store, mailbox, error) &&
           ims_store_commit(self->store, error) &&
           ims_pass_settle_issue(self, IMS_ISSUE_NEEDS_ADOPTION, mailbox->name, IMS_LOCAL, error);
}

gboolean
ims_box_is_overdue(const ImsPass *self, const ImsBox *box)
{
    return box->mailbox->valid &&
           ims_clock_real(self->order->clock) - box->mailbox->compared_us > COMPARE_EVERY_US;
}

/* Whether the base and the answers belong together. If not, another round asks again, for
 * everything. */
static gboolean
check_base(ImsPass *self, ImsBox *box, GError **error)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        const ImsPoint *told = &box->delta[side]->point;
        guint64 known = box->mailbox->point[side].modseq;
        gboolean freed = ims_box_awaits_rights(self, box, side) && !box->delta[side]->read_only;

        if (!ims_box_identity_holds(box, side, box->delta[side])) {
            box->again = TRUE;
            return forget_base(self, box, error);
        }
        if (box->full || (told->modseq >= known && told->modseq != 0 &&
                          !ims_box_is_overdue(self, box) && !freed))
            continue;
        box->again = TRUE;
        box->full = TRUE;
        box->unite |= told->modseq < known;
    }
    return TRUE;
}

static gboolean
check_box(ImsPass *self, ImsBox *box, GError **error)
{
    guint64 local = box->delta[IMS_LOCAL]->point.messages;
    guint64 remote = box->delta[IMS_REMOTE]->point.messages;

    if (box->mailbox->valid)
        return check_base(self, box, error);
    if (local > 0 && remote > 0)
        return ims_hold_for_adoption(self, box, error);
    return found_base(self, box, error);
}

/* The UIDs of one side whose rows matter: those named, and those from the cursor on. */
static ImsUidSet *
named_uids(const ImsBox *box, ImsSide side)
{
    const ImsDelta *delta = box->delta[side];
    ImsUidSet *uids = ims_uidset_copy(delta->vanished);
    GArray *lists[] = {delta->changed, delta->fresh};

    for (gsize l = 0; l < G_N_ELEMENTS(lists); l++) {
        for (guint i = 0; i < lists[l]->len; i++)
            ims_uidset_add(uids, g_array_index(lists[l], ImsMessage, i).uid);
    }
    ims_uidset_add_range(uids, MAX(1, box->mailbox->point[side].uidnext), G_MAXUINT32);
    return uids;
}

static gboolean
merge_rows(GHashTable *known, GPtrArray *into, GPtrArray *rows)
{
    if (rows == NULL)
        return FALSE;
    for (guint i = 0; i < rows->len; i++) {
        ImsRow *row = g_ptr_array_index(rows, i);

        if (g_hash_table_contains(known, &row->id))
            continue;
        g_hash_table_add(known, &row->id);
        g_ptr_array_add(into, row);
        g_ptr_array_index(rows, i) = NULL;
    }
    g_ptr_array_unref(rows);
    return TRUE;
}

/* A row may be named by both sides, and is one row. */
static GPtrArray *
named_rows(ImsPass *self, ImsBox *box, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)ims_row_free);
    g_autoptr(GHashTable) known = g_hash_table_new(g_int64_hash, g_int64_equal);
    gint64 id = box->mailbox->id;

    if (box->full)
        return ims_store_rows_all(self->store, id, error);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        g_autoptr(ImsUidSet) uids = named_uids(box, side);

        if (!merge_rows(known, all, ims_store_rows(self->store, id, side, uids, error)))
            return NULL;
    }
    if (!merge_rows(known, all, ims_store_rows_pending(self->store, id, error)))
        return NULL;
    return g_steal_pointer(&all);
}

static gboolean
decide(ImsPass *self, ImsBox *box, GError **error)
{
    ImsView view = {.unite = box->unite};

    box->rows = named_rows(self, box, error);
    if (box->rows == NULL)
        return FALSE;
    view.rows = box->rows;
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        view.delta[side] = box->delta[side];
        view.cursor[side] = box->mailbox->point[side].uidnext;
        view.full[side] = box->full;
        view.awaited[side] = box->awaited[side];
        if (!ims_store_count_rows(self->store, box->mailbox->id, side, &view.n_rows[side], error))
            return FALSE;
    }
    box->plan = ims_decide(&view);
    if (box->plan->miscounted) {
        box->again = TRUE;
        box->full = ++box->miscounts > 1; /* once may be a race: a message went while we asked */
    }
    return ims_box_spare_put_off(self, box, error);
}

static gboolean
is_pending(const ImsCmd *cmd)
{
    return cmd != NULL && ims_cmd_reply(cmd) == IMS_REPLY_PENDING;
}

/* Answers come in order: what broke a connection stands in the answers to the first question that
 * has none. */
static gboolean
blame(ImsPass *self, GPtrArray *questions)
{
    for (guint i = 0; i < questions->len; i++) {
        const Question *question = g_ptr_array_index(questions, i);

        for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
            if (ims_conn_fault(self->conn[side]) != NULL &&
                (is_pending(question->select[side]) || is_pending(question->fetch[side]))) {
                self->at = question->box;
                return FALSE;
            }
        }
    }
    return FALSE;
}

static gboolean
ask_all(ImsPass *self, GPtrArray *boxes, GPtrArray *questions, GError **error)
{
    for (guint i = 0; i < boxes->len; i++) {
        Question *question = g_new0(Question, 1);

        question->box = g_ptr_array_index(boxes, i);
        g_ptr_array_add(questions, question);
        if (!ask(self, question, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
ims_gather(ImsPass *self, GPtrArray *boxes, GError **error)
{
    g_autoptr(GPtrArray) questions = g_ptr_array_new_with_free_func(question_free);

    ims_pass_tell(self, IMS_PHASE_COMPARING, NULL);
    for (guint i = 0; i < boxes->len; i++)
        ims_box_clear_round(g_ptr_array_index(boxes, i));
    self->at = NULL;
    if (!ask_all(self, boxes, questions, error))
        return blame(self, questions);
    for (guint i = 0; i < questions->len; i++) {
        Question *question = g_ptr_array_index(questions, i);
        ImsBox *box = question->box;

        if (!take_answer(self, question, IMS_LOCAL, error) ||
            !take_answer(self, question, IMS_REMOTE, error))
            return blame(self, questions);
        if (box->left || box->again)
            continue;
        if (!ims_pass_settle_failures(self, box, error) || !check_box(self, box, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
ims_decide_all(ImsPass *self, GPtrArray *boxes, GError **error)
{
    for (guint i = 0; i < boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(boxes, i);

        if (!box->left && !box->again && !decide(self, box, error))
            return FALSE;
    }
    return TRUE;
}
