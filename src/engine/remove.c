/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Removing, last of all. A row with a side gone is the order to expunge its twin. Before that
 * happens the guard has let it through; no message that could be the vanished one under another
 * name waits to be copied; the mailbox was opened afresh and is the one the base knows; and a
 * search there did not find the UID. The mark is in the state file before it is set, and set only
 * on what nobody touched since. */

#include "engine/removals.h"

static ImsUidSet *
uids_of(const ImsRemoval *removal, ImsSide side)
{
    ImsUidSet *uids = ims_uidset_new();

    for (guint i = 0; i < removal->rows->len; i++) {
        const ImsRow *row = g_ptr_array_index(removal->rows, i);

        if (row->uid[side] != 0)
            ims_uidset_add(uids, row->uid[side]);
    }
    return uids;
}

/* Which of the vanished stand after all. */
static gboolean
search_standing(ImsPass *self, const ImsRemoval *removal, ImsUidSet *standing, GError **error)
{
    g_autoptr(ImsUidSet) uids = uids_of(removal, removal->side);
    g_autoptr(ImsCmd) cmd = ims_conn_search_uids(self->conn[removal->side], uids, error);

    if (cmd == NULL || !ims_conn_wait(self->conn[removal->side], cmd, error))
        return FALSE;
    if (ims_cmd_reply(cmd) == IMS_REPLY_NO)
        return ims_pass_leave(self, removal->box, removal->side, ims_cmd_text(cmd), error);
    ims_uidset_add_set(standing, ims_cmd_uids(cmd));
    return TRUE;
}

static gboolean
save_row(ImsPass *self, const ImsRemoval *removal, ImsRow *row, GError **error)
{
    return ims_store_begin(self->store, error) &&
           ims_store_save_row(self->store, removal->box->mailbox->id, row, error) &&
           ims_store_commit(self->store, error);
}

/* The server had reported as vanished what stands. Nothing happens to the twin, and a mark of ours
 * is taken away; not before it is known that there is no deletion any more, or its absence would
 * look like a user's wish. */
static gboolean
spare(ImsPass *self, ImsRemoval *removal, const ImsUidSet *standing, GError **error)
{
    ImsSide twin = ims_side_other(removal->side);
    const ImsFlags deleted = {.system = IMS_FLAG_DELETED};

    for (guint i = removal->rows->len; i > 0; i--) {
        ImsRow *row = g_ptr_array_index(removal->rows, i - 1);
        g_autoptr(ImsUidSet) uids = ims_uidset_new();
        g_autoptr(ImsCmd) cmd = NULL;

        if (row->uid[removal->side] == 0 || !ims_uidset_contains(standing, row->uid[removal->side]))
            continue;
        row->gone = 0;
        row->held = FALSE;
        if (!save_row(self, removal, row, error))
            return FALSE;
        ims_uidset_add(uids, row->uid[twin]);
        if (row->marked != 0 && (row->flags[twin].system & IMS_FLAG_DELETED) == 0) {
            cmd = ims_conn_store(self->conn[twin], uids, IMS_STORE_REMOVE, &deleted, 0, error);
            if (cmd == NULL || !ims_conn_wait(self->conn[twin], cmd, error))
                return FALSE;
        }
        row->marked = 0;
        if (!save_row(self, removal, row, error))
            return FALSE;
        g_ptr_array_remove_index(removal->rows, i - 1);
    }
    return TRUE;
}

static gboolean
save_marks(ImsPass *self, const ImsRemoval *removal, guint marked, GError **error)
{
    if (!ims_store_begin(self->store, error))
        return FALSE;
    for (guint i = 0; i < removal->rows->len; i++) {
        ImsRow *row = g_ptr_array_index(removal->rows, i);

        row->marked = marked;
        row->held = FALSE;
        if (!ims_store_save_row(self->store, removal->box->mailbox->id, row, error))
            return FALSE;
    }
    return ims_store_commit(self->store, error);
}

static ImsUidSet *
marked_uids(const ImsRemoval *removal, ImsSide side)
{
    ImsUidSet *uids = ims_uidset_new();

    for (guint i = 0; i < removal->rows->len; i++) {
        const ImsRow *row = g_ptr_array_index(removal->rows, i);

        if (row->marked != 0)
            ims_uidset_add(uids, row->uid[side]);
    }
    return uids;
}

/* Takes the rows whose twin is in @uids out of the removal; their mark was not set, unless it is of
 * @earlier: then what another client has done may be that it took the mark away. */
static gboolean
unmark(
    ImsPass *self,
    ImsRemoval *removal,
    const ImsUidSet *uids,
    const ImsUidSet *earlier,
    GError **error)
{
    ImsSide twin = ims_side_other(removal->side);

    for (guint i = removal->rows->len; i > 0; i--) {
        ImsRow *row = g_ptr_array_index(removal->rows, i - 1);

        if (!ims_uidset_contains(uids, row->uid[twin]))
            continue;
        if (!ims_uidset_contains(earlier, row->uid[twin])) {
            row->marked = 0;
            if (!save_row(self, removal, row, error))
                return FALSE;
        }
        g_ptr_array_remove_index(removal->rows, i - 1);
    }
    return TRUE;
}

/* A STORE that was refused may have been done in part: what the server showed as marked is. */
static gboolean
unmark_refused(
    ImsPass *self, ImsRemoval *removal, ImsCmd *cmd, const ImsUidSet *earlier, GError **error)
{
    ImsSide twin = ims_side_other(removal->side);
    g_autoptr(ImsUidSet) uids = uids_of(removal, twin);
    g_autoptr(GArray) shown = ims_cmd_take_messages(cmd);

    for (guint i = 0; i < shown->len; i++) {
        const ImsMessage *message = &g_array_index(shown, ImsMessage, i);

        if ((message->flags.system & IMS_FLAG_DELETED) != 0)
            ims_uidset_remove_range(uids, message->uid, message->uid);
    }
    return unmark(self, removal, uids, earlier, error) &&
           ims_pass_leave(self, removal->box, twin, ims_cmd_text(cmd), error);
}

static gboolean
mark(ImsPass *self, ImsRemoval *removal, GError **error)
{
    ImsSide twin = ims_side_other(removal->side);
    const ImsFlags deleted = {.system = IMS_FLAG_DELETED};
    guint64 unchanged = removal->box->mailbox->point[twin].modseq;
    g_autoptr(ImsUidSet) uids = uids_of(removal, twin);
    g_autoptr(ImsUidSet) earlier = marked_uids(removal, twin);
    g_autoptr(ImsCmd) cmd = NULL;

    if (!save_marks(self, removal, ims_side_bit(twin), error))
        return FALSE;
    cmd = ims_conn_store(self->conn[twin], uids, IMS_STORE_ADD, &deleted, unchanged, error);
    if (cmd == NULL || !ims_conn_wait(self->conn[twin], cmd, error))
        return FALSE;
    if (ims_cmd_reply(cmd) == IMS_REPLY_NO)
        return unmark_refused(self, removal, cmd, earlier, error);
    return unmark(self, removal, ims_cmd_uids(cmd), earlier, error);
}

static gboolean
settle_expunged(ImsPass *self, ImsRemoval *removal, const ImsUidSet *uids, GError **error)
{
    ImsSide twin = ims_side_other(removal->side);
    gint64 now = ims_clock_real(self->order->clock);
    guint64 n = 0;

    if (!ims_store_begin(self->store, error))
        return FALSE;
    for (guint i = 0; i < removal->rows->len; i++) {
        const ImsRow *row = g_ptr_array_index(removal->rows, i);

        if (!ims_uidset_contains(uids, row->uid[twin]))
            continue;
        n++;
        if (!ims_store_delete_row(self->store, row->id, error))
            return FALSE;
    }
    ims_pass_count(self, removal->box, IMS_COUNT_EXPUNGED_LOCAL + twin, n);
    self->n_removed += n;
    return ims_store_log_deletions(self->store, removal->box->mailbox->id, n, now, error) &&
           ims_store_commit(self->store, error);
}

/* A mark that another client took away in between keeps its message; so it is asked for what still
 * stands, which is no deletion done; what the next SELECT shows of it decides. Not in the same
 * flight: Dovecot 2.3 answers pipelined commands before it shows their expunges. */
static gboolean
expunge(ImsPass *self, ImsRemoval *removal, GError **error)
{
    ImsSide twin = ims_side_other(removal->side);
    ImsConn *conn = self->conn[twin];
    g_autoptr(ImsUidSet) uids = uids_of(removal, twin);
    g_autoptr(ImsCmd) cmd = ims_conn_expunge(conn, uids, error);
    g_autoptr(ImsCmd) search = NULL;

    if (cmd == NULL || !ims_conn_wait(conn, cmd, error))
        return FALSE;
    if (ims_cmd_reply(cmd) == IMS_REPLY_NO)
        return ims_pass_leave(self, removal->box, twin, ims_cmd_text(cmd), error);
    search = ims_conn_search_uids(conn, uids, error);
    if (search == NULL || !ims_conn_wait(conn, search, error))
        return FALSE;
    if (ims_cmd_reply(search) == IMS_REPLY_NO)
        return ims_pass_leave(self, removal->box, twin, ims_cmd_text(search), error);
    ims_uidset_remove_set(uids, ims_cmd_uids(search));
    return settle_expunged(self, removal, uids, error) &&
           ims_update_deletions(self, removal->box, removal->side, error);
}

/* In a dry run, in place of what follows: what still stands on the other side is spared. */
static void
plan_removal(ImsPass *self, ImsRemoval *removal, const ImsUidSet *standing)
{
    guint64 n = 0;

    for (guint i = 0; i < removal->rows->len && !removal->box->left; i++) {
        const ImsRow *row = g_ptr_array_index(removal->rows, i);

        n += !ims_uidset_contains(standing, row->uid[removal->side]);
    }
    ims_pass_count(self, removal->box, IMS_COUNT_EXPUNGED_LOCAL + ims_side_other(removal->side), n);
}

static gboolean
remove_messages(ImsPass *self, ImsRemoval *removal, GError **error)
{
    g_autoptr(ImsUidSet) standing = ims_uidset_new();

    if (!self->order->dry_run)
        ims_pass_tell(self, IMS_PHASE_REMOVING, removal->box);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        gboolean open = FALSE;

        self->selected[side] =
            NULL; /* afresh: what was seen before may have been a rename's shadow */
        if (!ims_box_select(self, removal->box, side, &open, error))
            return FALSE;
        if (!open)
            return TRUE;
    }
    if (!search_standing(self, removal, standing, error))
        return FALSE;
    if (self->order->dry_run) {
        plan_removal(self, removal, standing);
        return TRUE;
    }
    return removal->box->left || (spare(self, removal, standing, error) &&
                                  mark(self, removal, error) && expunge(self, removal, error));
}

/* -- marks of deletions that do not happen -- */

static GHashTable *
ids_of(const GPtrArray *removals)
{
    g_autoptr(GHashTable) ids = g_hash_table_new(g_int64_hash, g_int64_equal);

    for (guint i = 0; i < removals->len; i++) {
        const ImsRemoval *removal = g_ptr_array_index(removals, i);

        for (guint r = 0; r < removal->rows->len; r++)
            g_hash_table_add(ids, &((ImsRow *)g_ptr_array_index(removal->rows, r))->id);
    }
    return g_steal_pointer(&ids);
}

/* Those of @rows that keep a mark of ours on @side, and which of their messages show it. */
static GPtrArray *
marked_rows(const GPtrArray *rows, ImsSide side, GHashTable *going, ImsUidSet *shown)
{
    g_autoptr(GPtrArray) marked = g_ptr_array_new();
    guint bit = ims_side_bit(side);

    for (guint i = 0; i < rows->len; i++) {
        ImsRow *row = g_ptr_array_index(rows, i);

        if ((row->marked & bit) == 0 || g_hash_table_contains(going, &row->id))
            continue;
        g_ptr_array_add(marked, row);
        if ((row->gone & bit) == 0 && (row->flags[side].system & IMS_FLAG_DELETED) == 0)
            ims_uidset_add(shown, row->uid[side]);
    }
    return g_steal_pointer(&marked);
}

static gboolean
save_unmarked(ImsPass *self, ImsBox *box, ImsSide side, GPtrArray *rows, GError **error)
{
    if (!ims_store_begin(self->store, error))
        return FALSE;
    for (guint i = 0; i < rows->len; i++) {
        ImsRow *row = g_ptr_array_index(rows, i);

        row->marked &= ~ims_side_bit(side);
        if (!ims_store_save_row(self->store, box->mailbox->id, row, error))
            return FALSE;
    }
    return ims_store_commit(self->store, error);
}

/* First on the server and then in the state file: a mark that is known as ours is never taken for
 * the user's. */
static gboolean
take_marks(
    ImsPass *self,
    ImsBox *box,
    ImsSide side,
    GPtrArray *rows,
    const ImsUidSet *shown,
    GError **error)
{
    const ImsFlags deleted = {.system = IMS_FLAG_DELETED};
    g_autoptr(ImsCmd) cmd = NULL;
    gboolean open = FALSE;

    if (!ims_uidset_is_empty(shown)) {
        if (!ims_box_select(self, box, side, &open, error))
            return FALSE;
        if (!open)
            return TRUE;
        cmd = ims_conn_store(self->conn[side], shown, IMS_STORE_REMOVE, &deleted, 0, error);
        if (cmd == NULL || !ims_conn_wait(self->conn[side], cmd, error))
            return FALSE;
        if (ims_cmd_reply(cmd) == IMS_REPLY_NO)
            return ims_pass_leave(self, box, side, ims_cmd_text(cmd), error);
        box->again = TRUE;
    }
    return save_unmarked(self, box, side, rows, error);
}

/* A mark was set on the way to an expunge that did not come to its end. If the deletion is held by
 * now, or waits, or the message stands again, then it is nobody's wish any more, and any client's
 * CLOSE would carry it out. */
static gboolean
unmark_others(ImsPass *self, ImsBox *box, GHashTable *going, GError **error)
{
    g_autoptr(GPtrArray) rows = ims_store_rows_pending(self->store, box->mailbox->id, error);

    if (rows == NULL)
        return FALSE;
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES && !box->left; side++) {
        g_autoptr(ImsUidSet) shown = ims_uidset_new();
        g_autoptr(GPtrArray) marked = marked_rows(rows, side, going, shown);

        if (marked->len > 0 && !take_marks(self, box, side, marked, shown, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
unmark_all_others(ImsPass *self, GPtrArray *boxes, const GPtrArray *removals, GError **error)
{
    g_autoptr(GHashTable) going = ids_of(removals);

    for (guint i = 0; i < boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(boxes, i);

        if (!box->left && box->mailbox->valid && !unmark_others(self, box, going, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
ims_remove(ImsPass *self, GPtrArray *boxes, GHashTable *known, GError **error)
{
    g_autoptr(GPtrArray) removals = ims_find_removals(self, boxes, known, error);

    if (removals == NULL)
        return FALSE;
    if (!self->order->dry_run && !unmark_all_others(self, boxes, removals, error))
        return FALSE;
    for (guint i = 0; i < removals->len; i++) {
        ImsRemoval *removal = g_ptr_array_index(removals, i);

        removal->box->again = !self->order->dry_run;
        if (!remove_messages(self, removal, error))
            return FALSE;
    }
    return TRUE;
}
