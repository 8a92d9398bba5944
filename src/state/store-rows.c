/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Rows, which are most of the file: a mailbox may have a million. Every question that a pass asks
 * each time is answered from an index; only ims_store_rows_all() reads a mailbox whole. */

#include "state/store-private.h"

/* In the order of read_row() and bind_row(). */
#define COLUMNS                                                                                    \
    "mailbox, local_uid, remote_uid, local_flags, remote_flags, local_hash, remote_hash,"          \
    " fingerprint, gone, marked, held, reason, detail, id"

#define INSERT_ROW                                                                                 \
    "INSERT INTO row (" COLUMNS ")"                                                                \
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0))"
#define UPDATE_ROW                                                                                 \
    "UPDATE row SET mailbox = ?, local_uid = ?, remote_uid = ?, local_flags = ?,"                  \
    " remote_flags = ?, local_hash = ?, remote_hash = ?, fingerprint = ?, gone = ?, marked = ?,"   \
    " held = ?, reason = ?, detail = ? WHERE id = ?"

/* INDEXED BY, for SQLite knows no numbers and guesses that all rows are pending; it refuses the
 * statement if this is not the index's own condition. */
#define FROM_PENDING "FROM row INDEXED BY row_pending WHERE (gone | marked) <> 0"

#define SELECT_RANGE(uid)                                                                          \
    "SELECT " COLUMNS " FROM row WHERE mailbox = ? AND " uid " BETWEEN ? AND ? ORDER BY " uid
#define COUNT_ROWS(uid, bit)                                                                       \
    "SELECT (SELECT count(*) FROM row WHERE mailbox = ?1 AND " uid " > 0)"                         \
    " - (SELECT count(*) " FROM_PENDING " AND mailbox = ?1 AND gone & " bit " AND " uid " > 0)"
#define FIND_SINGLE(index, hash, other_uid)                                                        \
    "SELECT EXISTS (SELECT 1 FROM row INDEXED BY " index " WHERE ?1 <> 0 AND " hash                \
    " = ?1 AND " other_uid " IS NULL) OR EXISTS (SELECT 1 FROM row INDEXED BY " index              \
    " WHERE ?2 <> 0 AND fingerprint = ?2 AND " other_uid " IS NULL)"

#define SELECT_REFUSED(index, other_uid)                                                           \
    "SELECT detail FROM row INDEXED BY " index " WHERE " other_uid                                 \
    " IS NULL AND mailbox = ? AND reason = ? ORDER BY id"

static const char *const select_refused[] = {
    SELECT_REFUSED("row_single_local", "remote_uid"),
    SELECT_REFUSED("row_single_remote", "local_uid")};
static const char *const select_range[] = {SELECT_RANGE("local_uid"), SELECT_RANGE("remote_uid")};
static const char *const count_rows[] = {
    COUNT_ROWS("local_uid", "1"), COUNT_ROWS("remote_uid", "2")};
static const char *const find_single[] = {
    FIND_SINGLE("row_single_local", "local_hash", "remote_uid"),
    FIND_SINGLE("row_single_remote", "remote_hash", "local_uid")};

static gboolean
is_possible(const ImsRow *row)
{
    guint n_uids = (row->uid[IMS_LOCAL] != 0) + (row->uid[IMS_REMOTE] != 0);

    return n_uids == IMS_N_SIDES || (n_uids == 1 && row->reason != IMS_REASON_NONE);
}

static void
read_row(ImsStatement *statement, gpointer data)
{
    GPtrArray *rows = data;
    ImsRow *row = ims_row_new();

    g_ptr_array_add(rows, row);
    (void)ims_statement_read_int(statement, 1, G_MAXINT64); /* the mailbox: the caller knows it */
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        row->uid[side] = ims_statement_read_uid(statement);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        ims_store_read_flags(statement, &row->flags[side]);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        row->hash[side] = ims_statement_read_bits(statement);
    row->fingerprint = ims_statement_read_bits(statement);
    row->gone = (guint)ims_statement_read_int(statement, 0, 3);
    row->marked = (guint)ims_statement_read_int(statement, 0, 3);
    row->held = ims_statement_read_bool(statement);
    row->reason = (ImsReason)ims_statement_read_int(statement, IMS_REASON_NONE, IMS_REASON_MOVED);
    row->detail = ims_statement_read_nullable_text(statement);
    row->id = ims_statement_read_int(statement, 1, G_MAXINT64);
    if (!is_possible(row))
        ims_statement_set_bad(statement);
}

static void
bind_row(ImsStatement *statement, gint64 mailbox, const ImsRow *row)
{
    ims_statement_bind_int(statement, mailbox);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        ims_statement_bind_uid(statement, row->uid[side]);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        ims_store_bind_flags(statement, &row->flags[side]);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        ims_statement_bind_bits(statement, row->hash[side]);
    ims_statement_bind_bits(statement, row->fingerprint);
    ims_statement_bind_int(statement, row->gone);
    ims_statement_bind_int(statement, row->marked);
    ims_statement_bind_int(statement, row->held ? 1 : 0);
    ims_statement_bind_int(statement, row->reason);
    ims_statement_bind_text(statement, row->detail);
    ims_statement_bind_int(statement, row->id);
}

static GPtrArray *
rows_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)ims_row_free);
}

static gboolean
add_range(
    ImsStore *self,
    gint64 mailbox,
    ImsSide side,
    const ImsUidRange *range,
    GPtrArray *rows,
    GError **error)
{
    g_autoptr(ImsStatement) ask = ims_db_statement(self->db, select_range[side], error);

    if (ask == NULL)
        return FALSE;
    ims_statement_bind_int(ask, mailbox);
    ims_statement_bind_int(ask, range->first);
    ims_statement_bind_int(ask, range->last);
    return ims_statement_each(ask, read_row, rows, error);
}

GPtrArray *
ims_store_rows(ImsStore *self, gint64 mailbox, ImsSide side, const ImsUidSet *uids, GError **error)
{
    g_autoptr(GPtrArray) rows = rows_new();

    for (guint i = 0; i < ims_uidset_n_ranges(uids); i++) {
        if (!add_range(self, mailbox, side, ims_uidset_range(uids, i), rows, error))
            return NULL;
    }
    return g_steal_pointer(&rows);
}

static GPtrArray *
select_rows(ImsStore *self, const char *sql, gint64 mailbox, GError **error)
{
    g_autoptr(GPtrArray) rows = rows_new();
    g_autoptr(ImsStatement) ask = ims_db_statement(self->db, sql, error);

    if (ask == NULL)
        return NULL;
    ims_statement_bind_int(ask, mailbox);
    if (!ims_statement_each(ask, read_row, rows, error))
        return NULL;
    return g_steal_pointer(&rows);
}

GPtrArray *
ims_store_rows_pending(ImsStore *self, gint64 mailbox, GError **error)
{
    return select_rows(
        self, "SELECT " COLUMNS " " FROM_PENDING " AND mailbox = ? ORDER BY id", mailbox, error);
}

GPtrArray *
ims_store_rows_all(ImsStore *self, gint64 mailbox, GError **error)
{
    return select_rows(
        self, "SELECT " COLUMNS " FROM row WHERE mailbox = ? ORDER BY id", mailbox, error);
}

gboolean
ims_store_count_rows(ImsStore *self, gint64 mailbox, ImsSide side, guint64 *out, GError **error)
{
    g_autoptr(ImsStatement) ask = ims_db_statement(self->db, count_rows[side], error);

    if (ask == NULL)
        return FALSE;
    ims_statement_bind_int(ask, mailbox);
    return ims_statement_count(ask, out, error);
}

static void
read_id(ImsStatement *statement, gpointer data)
{
    GArray *ids = data;
    gint64 id = ims_statement_read_int(statement, 1, G_MAXINT64);

    g_array_append_val(ids, id);
}

GArray *
ims_store_mailboxes_pending(ImsStore *self, gboolean with_held, GError **error)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_autoptr(ImsStatement) ask = ims_db_statement(
        self->db,
        "SELECT mailbox " FROM_PENDING " AND (held <= ? OR marked <> 0)"
        " UNION SELECT mailbox FROM intent ORDER BY mailbox",
        error);

    if (ask == NULL)
        return NULL;
    ims_statement_bind_int(ask, with_held ? 1 : 0);
    if (!ims_statement_each(ask, read_id, ids, error))
        return NULL;
    return g_steal_pointer(&ids);
}

gboolean
ims_store_count_held(ImsStore *self, gint64 mailbox, ImsSide side, guint64 *out, GError **error)
{
    g_autoptr(ImsStatement) ask = ims_db_statement(
        self->db,
        "SELECT count(*) " FROM_PENDING " AND held AND gone = ?1 AND (?2 = 0 OR mailbox = ?2)",
        error);

    if (ask == NULL)
        return FALSE;
    ims_statement_bind_int(ask, ims_side_bit(side));
    ims_statement_bind_int(ask, mailbox);
    return ims_statement_count(ask, out, error);
}

/* The first line's text stands for all. */
static void
read_refused(ImsStatement *statement, gpointer data)
{
    GPtrArray *details = data;

    g_ptr_array_add(details, ims_statement_read_nullable_text(statement));
}

gboolean
ims_store_count_refused(
    ImsStore *self, gint64 mailbox, ImsSide side, guint64 *out, char **out_detail, GError **error)
{
    g_autoptr(GPtrArray) details = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(ImsStatement) ask = ims_db_statement(self->db, select_refused[side], error);

    if (ask == NULL)
        return FALSE;
    ims_statement_bind_int(ask, mailbox);
    ims_statement_bind_int(ask, IMS_REASON_REFUSED);
    if (!ims_statement_each(ask, read_refused, details, error))
        return FALSE;

    *out = details->len;
    *out_detail = details->len > 0 ? g_strdup(g_ptr_array_index(details, 0)) : NULL;
    return TRUE;
}

gboolean
ims_store_count_pairs(ImsStore *self, guint64 *out, GError **error)
{
    /* Singles are few and indexed; counting pairs themselves would read every row. */
    g_autoptr(ImsStatement) ask = ims_db_statement(
        self->db,
        "SELECT (SELECT count(*) FROM row)"
        " - (SELECT count(*) FROM row INDEXED BY row_single_local WHERE remote_uid IS NULL)"
        " - (SELECT count(*) FROM row INDEXED BY row_single_remote WHERE local_uid IS NULL)",
        error);

    return ask != NULL && ims_statement_count(ask, out, error);
}

gboolean
ims_store_single_exists(
    ImsStore *self, ImsSide side, guint64 hash, guint64 fingerprint, gboolean *out, GError **error)
{
    guint64 found = 0;
    g_autoptr(ImsStatement) ask = ims_db_statement(self->db, find_single[side], error);

    if (ask == NULL)
        return FALSE;
    ims_statement_bind_bits(ask, hash);
    ims_statement_bind_bits(ask, fingerprint);
    if (!ims_statement_count(ask, &found, error))
        return FALSE;

    *out = found != 0;
    return TRUE;
}

gboolean
ims_store_save_row(ImsStore *self, gint64 mailbox, ImsRow *row, GError **error)
{
    g_autoptr(ImsStatement) save =
        ims_store_write(self, row->id == 0 ? INSERT_ROW : UPDATE_ROW, error);

    if (save == NULL)
        return FALSE;
    bind_row(save, mailbox, row);
    if (!ims_statement_run(save, error) || !ims_store_expect_one(self, error))
        return FALSE;

    if (row->id == 0)
        row->id = ims_db_last_id(self->db);
    return TRUE;
}

gboolean
ims_store_delete_row(ImsStore *self, gint64 row, GError **error)
{
    return ims_store_write_id(self, "DELETE FROM row WHERE id = ?", row, error);
}
