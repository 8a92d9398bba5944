/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The decision for one mailbox. It looks at each message in turn: known and vanished, known and
 * changed, or new. It never decides to expunge; it notes in the row that one side's message is
 * gone, and what becomes of the twin is decided when the account's new mail is safe
 * (engine/remove). */

#include "sync/decide.h"

#include "model/message.h"

/* The view, indexed. */
typedef struct {
    ImsView *view;
    ImsPlan *plan;
    GHashTable *row_of[IMS_N_SIDES]; /* UID -> ImsRow */
    GHashTable *seen[IMS_N_SIDES];   /* UID -> ImsMessage of the delta */
    GArray *unknown[IMS_N_SIDES];    /* ImsMessage*, ascending, no row has them */
    gint64 n_vanished[IMS_N_SIDES];  /* rows newly gone, less those that turned out to stand */
    GHashTable *dirty;               /* ImsRow */
} Decision;

static void
flag_step_free(gpointer data)
{
    ImsFlagStep *step = data;

    ims_flags_clear(&step->add);
    ims_flags_clear(&step->del);
    g_free(step);
}

static ImsPlan *
plan_new(void)
{
    ImsPlan *plan = g_new0(ImsPlan, 1);

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        plan->copies[side] = ims_messages_new();
    plan->flags = g_ptr_array_new_with_free_func(flag_step_free);
    plan->changed = g_ptr_array_new();
    plan->dropped = g_ptr_array_new();
    plan->restored = g_ptr_array_new();
    plan->strangers = g_ptr_array_new_with_free_func((GDestroyNotify)ims_row_free);
    return plan;
}

void
ims_plan_free(ImsPlan *self)
{
    if (self == NULL)
        return;
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        g_array_unref(self->copies[side]);
    g_ptr_array_unref(self->flags);
    g_ptr_array_unref(self->changed);
    g_ptr_array_unref(self->dropped);
    g_ptr_array_unref(self->restored);
    g_ptr_array_unref(self->strangers);
    g_free(self);
}

gboolean
ims_plan_is_empty(const ImsPlan *self)
{
    return !self->miscounted && self->copies[IMS_LOCAL]->len == 0 &&
           self->copies[IMS_REMOTE]->len == 0 && self->flags->len == 0;
}

static gpointer
key(guint32 uid)
{
    return GUINT_TO_POINTER(uid);
}

/* A message that arrived after the SELECT is not in its count nor below its UIDNEXT: the next
 * SELECT tells of it. The largest UIDNEXT may stand for one that cannot be written. */
static gboolean
in_reply(const ImsDelta *delta, guint32 uid)
{
    guint32 next = delta->point.uidnext;

    return next == 0 || next == G_MAXUINT32 || uid < next;
}

static void
index_messages(Decision *d, ImsSide side)
{
    const ImsDelta *delta = d->view->delta[side];
    GArray *lists[] = {delta->changed, delta->fresh};

    for (gsize l = 0; l < G_N_ELEMENTS(lists); l++) {
        for (guint i = 0; i < lists[l]->len; i++) {
            ImsMessage *message = &g_array_index(lists[l], ImsMessage, i);

            if (in_reply(delta, message->uid))
                g_hash_table_insert(d->seen[side], key(message->uid), message);
        }
    }
    for (guint i = 0; i < delta->fresh->len; i++) {
        ImsMessage *message = &g_array_index(delta->fresh, ImsMessage, i);

        if (in_reply(delta, message->uid) &&
            !g_hash_table_contains(d->row_of[side], key(message->uid)))
            g_array_append_val(d->unknown[side], message);
    }
}

static void
index_view(Decision *d)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        d->row_of[side] = g_hash_table_new(NULL, NULL);
        d->seen[side] = g_hash_table_new(NULL, NULL);
        d->unknown[side] = g_array_new(FALSE, FALSE, sizeof(ImsMessage *));
        for (guint i = 0; i < d->view->rows->len; i++) {
            ImsRow *row = g_ptr_array_index(d->view->rows, i);

            if (row->uid[side] != 0)
                g_hash_table_insert(d->row_of[side], key(row->uid[side]), row);
        }
        index_messages(d, side);
    }
    d->dirty = g_hash_table_new(NULL, NULL);
}

static void
decision_clear(Decision *d)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        g_hash_table_unref(d->row_of[side]);
        g_hash_table_unref(d->seen[side]);
        g_array_unref(d->unknown[side]);
    }
    g_hash_table_unref(d->dirty);
}

/* VANISHED may over-report, and a FETCH line of the same reply shows that a message stands. From
 * the cursor on (where copies of ours may be) VANISHED is silent, but there the delta lists all
 * that stands. */
static gboolean
has_vanished(const Decision *d, ImsSide side, guint32 uid)
{
    const ImsDelta *delta = d->view->delta[side];

    if (g_hash_table_contains(d->seen[side], key(uid)))
        return FALSE;
    if (d->view->full[side] || uid >= d->view->cursor[side])
        return in_reply(delta, uid);
    return ims_uidset_contains(delta->vanished, uid);
}

static void
note_vanished(Decision *d, ImsRow *row)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        guint bit = ims_side_bit(side);

        if (row->uid[side] == 0)
            continue;
        if ((row->gone & bit) != 0 && g_hash_table_contains(d->seen[side], key(row->uid[side]))) {
            row->gone &= ~bit;
            row->held = FALSE;
            d->n_vanished[side]--;
        } else if ((row->gone & bit) == 0 && has_vanished(d, side, row->uid[side])) {
            row->gone |= bit;
            d->n_vanished[side]++;
        } else {
            continue;
        }
        g_hash_table_add(d->dirty, row);
    }
}

/* Law 5, on SELECT replies only: what the server counts is what we know plus what is new. */
static gboolean
counts_fit(const Decision *d, ImsSide side)
{
    gint64 known = (gint64)d->view->n_rows[side] - d->n_vanished[side];

    return d->view->full[side] ||
           d->view->delta[side]->point.messages == known + (gint64)d->unknown[side]->len;
}

static gboolean
stands(const ImsRow *row, ImsSide side)
{
    return row->uid[side] != 0 && (row->gone & ims_side_bit(side)) == 0;
}

static const ImsMessage *
seen(const Decision *d, const ImsRow *row, ImsSide side)
{
    return row->uid[side] == 0 ? NULL : g_hash_table_lookup(d->seen[side], key(row->uid[side]));
}

static gboolean
has_deleted(const ImsFlags *flags)
{
    return (flags->system & IMS_FLAG_DELETED) != 0;
}

/* The flags of a pair's message now. A \Deleted that we set ourselves is nobody's wish. */
static ImsFlags
flags_now(const Decision *d, const ImsRow *row, ImsSide side)
{
    const ImsMessage *message = seen(d, row, side);
    ImsFlags now = {0};

    if (message == NULL || (message->have & IMS_HAVE_FLAGS) == 0)
        return ims_flags_copy(&row->flags[side]);

    now = ims_flags_copy(&message->flags);
    if ((row->marked & ims_side_bit(side)) != 0 && !has_deleted(&row->flags[side]))
        now.system &= ~(guint)IMS_FLAG_DELETED;
    return now;
}

/* A keyword that is missing when our copy is first seen was never stored: it was not removed. */
static void
forgive_masked(ImsRow *row, ImsSide side, const ImsFlags *now)
{
    ImsFlags kept = {0};

    if (row->hash[side] != 0)
        return;
    kept = ims_flags_both(&row->flags[side], now);
    kept.system = row->flags[side].system;
    ims_flags_clear(&row->flags[side]);
    row->flags[side] = kept;
}

static gboolean
take_flags(ImsRow *row, ImsSide side, const ImsFlags *now)
{
    if (ims_flags_equal(&row->flags[side], now))
        return FALSE;
    ims_flags_clear(&row->flags[side]);
    row->flags[side] = ims_flags_copy(now);
    return TRUE;
}

static gboolean
take_hash(const Decision *d, ImsRow *row, ImsSide side)
{
    const ImsMessage *message = seen(d, row, side);
    guint wanted = IMS_HAVE_SIZE | IMS_HAVE_DATE;

    if (message == NULL || (message->have & wanted) != wanted || row->hash[side] != 0)
        return FALSE;
    row->hash[side] = ims_message_hash(message->size, message->date);
    return TRUE;
}

static ImsFlagStep *
flag_step(ImsRow *row, ImsSide side, ImsFlagMerge *merge)
{
    ImsFlagStep *step = g_new0(ImsFlagStep, 1);

    step->row = row;
    step->side = side;
    step->add = merge->add[side];
    step->del = merge->del[side];
    merge->add[side] = (ImsFlags){0};
    merge->del[side] = (ImsFlags){0};
    return step;
}

/* Which flags the steps of @merge touch. */
static ImsFlags
touched(const ImsFlagMerge *merge)
{
    ImsFlags all = {0};

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        g_auto(ImsFlags) change = ims_flags_union(&merge->add[side], &merge->del[side]);
        ImsFlags sum = ims_flags_union(&all, &change);

        ims_flags_clear(&all);
        all = sum;
    }
    return all;
}

/* What the base says once everything but the steps has been agreed: a flag that has yet to be
 * carried stays as it was, so that a crash before its STORE leaves it a change. */
static ImsFlags
rebase(const ImsFlags *base, const ImsFlags *now, const ImsFlags *steps)
{
    g_auto(ImsFlags) agreed = ims_flags_minus(now, steps);
    g_auto(ImsFlags) waiting = ims_flags_both(base, steps);

    return ims_flags_union(&agreed, &waiting);
}

/* The twin of what we marked stands after all: the mark is taken away. But where \Deleted is a
 * user's wish by now, on either side, it is none of ours any more. */
static void
decide_marks(Decision *d, ImsRow *row, const ImsFlags *const now[], ImsFlagMerge *merge)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        if ((row->marked & ims_side_bit(side)) == 0)
            continue;
        if (!has_deleted(&row->flags[side]) && !has_deleted(now[ims_side_other(side)])) {
            merge->del[side].system |= IMS_FLAG_DELETED;
            continue;
        }
        row->marked &= ~ims_side_bit(side);
        g_hash_table_add(d->dirty, row);
    }
}

/* What a side that may only be read shows is what stands there, and what it would keep is not
 * known: nothing is masked, and what has to be set there waits. */
static ImsKeeps
keeps_of(const ImsDelta *delta)
{
    return (ImsKeeps){delta->read_only ? NULL : &delta->permanent, delta->any_keyword};
}

static void
add_step(Decision *d, ImsRow *row, ImsSide side, ImsFlagMerge *merge)
{
    if (ims_flags_is_empty(&merge->add[side]) && ims_flags_is_empty(&merge->del[side]))
        return;
    if (d->view->delta[side]->read_only)
        d->plan->waiting[side] = TRUE;
    else
        g_ptr_array_add(d->plan->flags, flag_step(row, side, merge));
}

/* A pair of which a side reported something. */
static void
decide_pair(Decision *d, ImsRow *row)
{
    ImsKeeps keeps[IMS_N_SIDES];
    g_auto(ImsFlags) local = flags_now(d, row, IMS_LOCAL);
    g_auto(ImsFlags) remote = flags_now(d, row, IMS_REMOTE);
    const ImsFlags *const now[] = {&local, &remote};
    const ImsFlags *const base[] = {&row->flags[IMS_LOCAL], &row->flags[IMS_REMOTE]};
    g_auto(ImsFlagMerge) merge = {0};
    g_auto(ImsFlags) steps = {0};
    gboolean dirty = FALSE;

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        keeps[side] = keeps_of(d->view->delta[side]);
        if (seen(d, row, side) != NULL)
            forgive_masked(row, side, now[side]);
    }
    merge = ims_merge_flags(base, now, keeps, d->view->unite);
    decide_marks(d, row, now, &merge);
    steps = touched(&merge);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        g_auto(ImsFlags) agreed = rebase(base[side], now[side], &steps);

        dirty |= take_hash(d, row, side);
        dirty |= take_flags(row, side, &agreed);
        add_step(d, row, side, &merge);
    }
    if (dirty)
        g_hash_table_add(d->dirty, row);
}

static void
plan_copy(Decision *d, ImsSide from, const ImsMessage *message)
{
    ImsMessage copy = ims_message_copy(message);

    g_array_append_val(d->plan->copies[ims_side_other(from)], copy);
}

static gboolean
is_shown_without_deleted(const Decision *d, const ImsRow *row, ImsSide side)
{
    const ImsMessage *message = seen(d, row, side);

    return message != NULL && (message->have & IMS_HAVE_FLAGS) != 0 &&
           !has_deleted(&message->flags);
}

/* One side's message is gone. Its twin goes too, whatever its flags, unless a user has taken a
 * \Deleted away from it, his own or ours: then it is wanted. Of a mark whose STORE nobody heard the
 * end of it cannot be known whether it was ever set: in doubt the message is wanted. Of a held one,
 * whether it was not us who took it away: about that the user is being asked. */
static void
decide_deletion(Decision *d, ImsRow *row)
{
    ImsSide standing = stands(row, IMS_LOCAL) ? IMS_LOCAL : IMS_REMOTE;
    g_auto(ImsFlags) now = flags_now(d, row, standing);
    gboolean unset = is_shown_without_deleted(d, row, standing);

    if (unset && (has_deleted(&row->flags[standing]) || (row->marked != 0 && !row->held))) {
        g_auto(ImsMessage) message = {.uid = row->uid[standing], .have = IMS_HAVE_FLAGS};

        message.flags = ims_flags_copy(&now);
        plan_copy(d, standing, &message);
        g_ptr_array_add(d->plan->restored, row);
        g_hash_table_remove(d->dirty, row);
        return;
    }
    if (take_flags(row, standing, &now) || (unset && row->marked != 0))
        g_hash_table_add(d->dirty, row);
    if (unset)
        row->marked = 0;
    if (!row->held)
        d->plan->pending++;
}

/* A UID that shows another size and date than it had is another message: a restored server gave it
 * out again. Only full comparisons see all of them. */
static gboolean
is_somebody_else(const Decision *d, const ImsRow *row, ImsSide side)
{
    const ImsMessage *message = seen(d, row, side);
    guint wanted = IMS_HAVE_SIZE | IMS_HAVE_DATE;

    return message != NULL && (message->have & wanted) == wanted && row->hash[side] != 0 &&
           row->hash[side] != ims_message_hash(message->size, message->date);
}

static void
add_stranger(Decision *d, ImsSide side, guint32 uid, const ImsMessage *message)
{
    ImsRow *row = ims_row_new();

    row->uid[side] = uid;
    row->reason = IMS_REASON_HELD;
    if (message != NULL) {
        row->flags[side] = ims_flags_copy(&message->flags);
        row->hash[side] = ims_message_hash(message->size, message->date);
    }
    g_ptr_array_add(d->plan->strangers, row);
}

static gboolean
break_pair(Decision *d, ImsRow *row)
{
    if (!is_somebody_else(d, row, IMS_LOCAL) && !is_somebody_else(d, row, IMS_REMOTE))
        return FALSE;
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        if (stands(row, side))
            add_stranger(d, side, row->uid[side], seen(d, row, side));
    }
    g_ptr_array_add(d->plan->dropped, row);
    g_hash_table_remove(d->dirty, row);
    return TRUE;
}

/* What is known of one message meets what was reported of it. */
static void
decide_row(Decision *d, ImsRow *row)
{
    gboolean local = stands(row, IMS_LOCAL), remote = stands(row, IMS_REMOTE);

    if (break_pair(d, row))
        return;
    if (!local && !remote) {
        g_ptr_array_add(d->plan->dropped, row);
        g_hash_table_remove(d->dirty, row);
    } else if (local && remote) {
        decide_pair(d, row);
    } else if (row->gone != 0) {
        decide_deletion(d, row);
    }
}

static gint
by_uid(gconstpointer a, gconstpointer b)
{
    guint32 x = ((const ImsMessage *)a)->uid, y = ((const ImsMessage *)b)->uid;

    return x < y ? -1 : x > y;
}

/* Messages that no row knows are new, and are copied; but if a full comparison finds some below the
 * cursor on both sides, they may be the two ends of lost pairs, and copying would double them. */
static void
decide_unknown(Decision *d)
{
    gboolean strangers = d->view->full[IMS_LOCAL] && d->view->full[IMS_REMOTE] &&
                         d->unknown[IMS_LOCAL]->len > 0 && d->unknown[IMS_REMOTE]->len > 0;

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        for (guint i = 0; i < d->unknown[side]->len; i++) {
            const ImsMessage *message = g_array_index(d->unknown[side], ImsMessage *, i);
            const ImsUidSet *awaited = d->view->awaited[side];

            if (awaited != NULL && ims_uidset_contains(awaited, message->uid))
                continue;
            if (strangers && message->uid < d->view->cursor[side])
                add_stranger(d, side, message->uid, message);
            else
                plan_copy(d, side, message);
        }
    }
}

ImsPlan *
ims_decide(ImsView *view)
{
    Decision d = {.view = view, .plan = plan_new()};
    GHashTableIter iter;
    gpointer row;

    index_view(&d);
    for (guint i = 0; i < view->rows->len; i++)
        note_vanished(&d, g_ptr_array_index(view->rows, i));
    d.plan->miscounted = !counts_fit(&d, IMS_LOCAL) || !counts_fit(&d, IMS_REMOTE);
    if (!d.plan->miscounted) {
        for (guint i = 0; i < view->rows->len; i++)
            decide_row(&d, g_ptr_array_index(view->rows, i));
        decide_unknown(&d);
        for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
            g_array_sort(d.plan->copies[side], by_uid);
        g_hash_table_iter_init(&iter, d.dirty);
        while (g_hash_table_iter_next(&iter, &row, NULL))
            g_ptr_array_add(d.plan->changed, row);
    }
    decision_clear(&d);
    return d.plan;
}

void
ims_flag_step_settle(ImsFlagStep *step, const ImsFlags *fetched)
{
    ImsRow *row = step->row;
    ImsSide from = ims_side_other(step->side);
    g_auto(ImsFlags) touched = ims_flags_union(&step->add, &step->del);
    g_auto(ImsFlags) there = ims_flags_minus(&row->flags[from], &touched);
    ImsFlags carried = ims_flags_union(&there, &step->add);

    if (has_deleted(&touched))
        row->marked &= ~ims_side_bit(step->side);
    ims_flags_clear(&row->flags[from]);
    row->flags[from] = carried;
    if (fetched != NULL) {
        ImsFlags here = rebase(fetched, &row->flags[step->side], &touched);

        ims_flags_clear(&row->flags[step->side]);
        row->flags[step->side] = here;
    }
}
