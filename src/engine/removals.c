/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Which deletions may be carried out: no message that could be the vanished one under another name
 * waits to be copied, or stands where nobody looks, and the guard has let it through. What it has
 * not is held, and one issue says how many. */

#include "engine/removals.h"
#include "sync/guard.h"

#define GUARD_WINDOW_US G_TIME_SPAN_DAY

typedef struct {
    GHashTable *known; /* ids of the rows that may go at all */
    GArray *found;     /* ImsUnseen */
    GHashTable *hashes;
    gboolean identified; /* whether the headers of @found have been fetched */
    gboolean unknown;
} Unseen;

static void
removal_free(gpointer data)
{
    ImsRemoval *removal = data;

    g_ptr_array_unref(removal->rows);
    g_free(removal);
}

static ImsRemoval *
removal_new(ImsBox *box, ImsSide side)
{
    ImsRemoval *removal = g_new0(ImsRemoval, 1);

    removal->box = box;
    removal->side = side;
    removal->rows = g_ptr_array_new_with_free_func((GDestroyNotify)ims_row_free);
    return removal;
}

static gboolean
is_exempt(const ImsBox *box)
{
    return g_str_equal(box->role, "trash") || g_str_equal(box->role, "junk");
}

/* Whether one of the unseen may be the copy of @row by its header; one without, or whose header did
 * not come, may be any. */
static gboolean
find_header(
    ImsPass *self, const ImsRow *row, ImsSide side, Unseen *unseen, gboolean *out, GError **error)
{
    if (!unseen->identified && !ims_unseen_identify(self, side, unseen->found, error))
        return FALSE;
    unseen->identified = TRUE;
    for (guint i = 0; i < unseen->found->len && !*out; i++) {
        const ImsMessage *message = &g_array_index(unseen->found, ImsUnseen, i).message;

        *out = row->fingerprint == 0 || row->fingerprint == message->fingerprint ||
               (message->have & IMS_HAVE_FINGERPRINT) == 0;
    }
    return TRUE;
}

/* Whether the vanished message may stand elsewhere on its side, where it is not yet, or will not
 * be, copied. A copy of ours that went before anybody looked at it has no hash; its twin's is the
 * same, unless the server counts or dates in a way of its own. */
static gboolean
may_stand_elsewhere(
    ImsPass *self, const ImsRow *row, ImsSide side, Unseen *unseen, gboolean *out, GError **error)
{
    gboolean seen = row->hash[side] != 0;
    const guint64 *hash = &row->hash[seen ? side : ims_side_other(side)];

    if (unseen->unknown || g_hash_table_contains(unseen->hashes, hash)) {
        *out = TRUE;
        return TRUE;
    }
    if (!ims_store_single_exists(self->store, side, *hash, seen ? 0 : row->fingerprint, out, error))
        return FALSE;
    return seen || *out || find_header(self, row, side, unseen, out, error);
}

/* The deletions of @box that vanished on @side and may go on. */
static gboolean
split_pending(ImsPass *self, ImsRemoval *removal, Unseen *unseen, GError **error)
{
    ImsSide side = removal->side;
    g_autoptr(GPtrArray) rows =
        ims_store_rows_pending(self->store, removal->box->mailbox->id, error);

    if (rows == NULL)
        return FALSE;
    for (guint i = 0; i < rows->len; i++) {
        ImsRow *row = g_ptr_array_index(rows, i);
        gboolean due = row->gone == ims_side_bit(side) && row->uid[ims_side_other(side)] != 0;
        gboolean elsewhere = FALSE;

        if (!due || !g_hash_table_contains(unseen->known, &row->id))
            continue;
        if (!may_stand_elsewhere(self, row, side, unseen, &elsewhere, error))
            return FALSE;
        if (elsewhere) {
            removal->box->waits = TRUE;
            continue;
        }
        g_ptr_array_add(removal->rows, row);
        g_ptr_array_index(rows, i) = NULL;
    }
    return TRUE;
}

static gboolean
find_removals_of(
    ImsPass *self,
    GPtrArray *boxes,
    GHashTable *known,
    ImsSide side,
    GPtrArray *removals,
    GError **error)
{
    g_autoptr(GHashTable) hashes = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(ImsUnseen));
    Unseen unseen = {.known = known, .found = found, .hashes = hashes};

    if (!ims_unseen_mail(self, side, found, &unseen.unknown, error))
        return FALSE;
    for (guint i = 0; i < found->len; i++) {
        const ImsMessage *message = &g_array_index(found, ImsUnseen, i).message;
        guint64 hash = ims_message_hash(message->size, message->date);

        g_hash_table_add(hashes, g_memdup2(&hash, sizeof hash));
    }
    for (guint i = 0; i < boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(boxes, i);
        ImsRemoval *removal;

        /* What needs another round may have been taken back. */
        if (box->left || box->again || !box->mailbox->valid)
            continue;
        removal = removal_new(box, side);
        g_ptr_array_add(removals, removal);
        if (!split_pending(self, removal, &unseen, error))
            return FALSE;
        if (removal->rows->len == 0)
            g_ptr_array_remove(removals, removal);
    }
    return TRUE;
}

static guint64
count_rows(const GPtrArray *removals)
{
    guint64 n = 0;

    for (guint i = 0; i < removals->len; i++)
        n += ((ImsRemoval *)g_ptr_array_index(removals, i))->rows->len;
    return n;
}

static gboolean
judge(
    ImsPass *self, const ImsRemoval *removal, guint64 wanted, ImsGuardVerdict *out, GError **error)
{
    gint64 since = ims_clock_real(self->order->clock) - GUARD_WINDOW_US;
    gint64 id = removal->box->mailbox->id;
    ImsSide twin = ims_side_other(removal->side);
    ImsGuardCount count = {.exempt = is_exempt(removal->box)};
    guint64 box_done = 0, account_done = 0, box_held = 0, account_held = 0;

    if (self->order->has_max_deletions) {
        wanted += self->n_removed;
        *out = wanted <= self->order->max_deletions ? IMS_GUARD_PASS : IMS_GUARD_HOLD_MAILBOX;
        return TRUE;
    }
    if (!ims_store_count_deletions(self->store, id, since, &box_done, error) ||
        !ims_store_count_deletions(self->store, 0, since, &account_done, error) ||
        !ims_store_count_rows(self->store, id, twin, &count.box_total, error) ||
        !ims_store_count_pairs(self->store, &count.account_total, error) ||
        !ims_store_count_held(self->store, id, removal->side, &box_held, error) ||
        !ims_store_count_held(self->store, 0, removal->side, &account_held, error))
        return FALSE;
    count.box_deletions = removal->rows->len + box_done + box_held;
    count.box_total += box_done + ims_planned_pairs(self, ims_box_done(self, removal->box));
    count.account_deletions = wanted + account_done + account_held;
    count.account_total += account_done + ims_planned_pairs(self, &self->report->summary);
    *out = ims_guard_judge(&count);
    return TRUE;
}

static gboolean
set_held(ImsPass *self, const ImsRemoval *removal, gboolean held, GError **error)
{
    if (!ims_store_begin(self->store, error))
        return FALSE;
    for (guint i = 0; i < removal->rows->len; i++) {
        ImsRow *row = g_ptr_array_index(removal->rows, i);

        row->held = held;
        if (!ims_store_save_row(self->store, removal->box->mailbox->id, row, error))
            return FALSE;
    }
    return ims_store_commit(self->store, error);
}

/* All that one cause holds is one issue: the mailbox's, or, once the whole account was the cause,
 * the account's (it has no mailbox). It says how many are held now, those of earlier runs included.
 */
static gboolean
raise_deletions(ImsPass *self, ImsBox *box, ImsSide side, gboolean whole_account, GError **error)
{
    const char *name = whole_account ? "" : box->mailbox->name;
    gint64 id = whole_account ? 0 : box->mailbox->id;
    guint64 held = 0;

    if (!ims_store_count_held(self->store, id, side, &held, error))
        return FALSE;
    if (held == 0)
        return ims_pass_settle_issue(self, IMS_ISSUE_DELETIONS, name, side, error);
    return ims_pass_raise(self, IMS_ISSUE_DELETIONS, name, side, held, NULL, error);
}

gboolean
ims_update_deletions(ImsPass *self, ImsBox *box, ImsSide side, GError **error)
{
    const char *names[] = {box->mailbox->name, ""};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (ims_pass_has_issue(self, IMS_ISSUE_DELETIONS, names[i], side) &&
            !raise_deletions(self, box, side, i == 1, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
hold(ImsPass *self, const ImsRemoval *removal, gboolean whole_account, GError **error)
{
    gboolean account =
        whole_account || ims_pass_has_issue(self, IMS_ISSUE_DELETIONS, "", removal->side);

    ims_pass_count(self, removal->box, IMS_COUNT_HELD, removal->rows->len);
    return set_held(self, removal, TRUE, error) &&
           raise_deletions(self, removal->box, removal->side, account, error);
}

/* Takes the held ones out of @removals. All are judged before any is held, since what is held
 * counts. */
static gboolean
guard(ImsPass *self, GPtrArray *removals, GError **error)
{
    g_autofree ImsGuardVerdict *verdicts = g_new0(ImsGuardVerdict, removals->len + 1);
    guint64 wanted = count_rows(removals);

    for (guint i = 0; i < removals->len; i++) {
        if (!judge(self, g_ptr_array_index(removals, i), wanted, &verdicts[i], error))
            return FALSE;
    }
    for (guint i = removals->len; i > 0; i--) {
        if (verdicts[i - 1] == IMS_GUARD_PASS)
            continue;
        if (!hold(
                self,
                g_ptr_array_index(removals, i - 1),
                verdicts[i - 1] == IMS_GUARD_HOLD_ACCOUNT,
                error))
            return FALSE;
        g_ptr_array_remove_index(removals, i - 1);
    }
    return TRUE;
}

GPtrArray *
ims_find_removals(ImsPass *self, GPtrArray *boxes, GHashTable *known, GError **error)
{
    g_autoptr(GPtrArray) removals = g_ptr_array_new_with_free_func(removal_free);

    if (g_hash_table_size(known) > 0 &&
        (!find_removals_of(self, boxes, known, IMS_LOCAL, removals, error) ||
         !find_removals_of(self, boxes, known, IMS_REMOTE, removals, error)))
        return NULL;
    return guard(self, removals, error) ? g_steal_pointer(&removals) : NULL;
}
