/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* A store's life: whose memory it is, and its transactions. A commit that fails leaves nothing of
 * itself and the store usable, so that a pass can end in order when the disk is full. The tables
 * are dealt with in store-mailboxes, store-rows, store-intents and store-issues. */

#include "state/store.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "state/store-private.h"

static gboolean
is_same_identity(ImsStore *self, const char *const identity[2], gboolean *out, GError **error)
{
    guint64 n_equal = 0;
    g_autoptr(ImsStatement) ask = ims_db_statement(
        self->db,
        "SELECT count(*) FROM side WHERE identity = CASE side WHEN 0 THEN ? ELSE ? END",
        error);

    if (ask == NULL)
        return FALSE;
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        ims_statement_bind_text(ask, identity[side]);
    if (!ims_statement_count(ask, &n_equal, error))
        return FALSE;

    *out = n_equal == IMS_N_SIDES;
    return TRUE;
}

static gboolean
save_identity(ImsStore *self, ImsSide side, const char *identity, GError **error)
{
    g_autoptr(ImsStatement) save =
        ims_store_write(self, "INSERT INTO side (side, identity) VALUES (?, ?)", error);

    if (save == NULL)
        return FALSE;
    ims_statement_bind_int(save, side);
    ims_statement_bind_text(save, identity);
    return ims_statement_run(save, error);
}

static void
read_offers(ImsStatement *statement, gpointer data)
{
    ImsOffers *offers = data;

    offers->before = ims_statement_read_nullable_text(statement);
    offers->after = ims_statement_read_nullable_text(statement);
    if ((offers->before == NULL) != (offers->after == NULL))
        ims_statement_set_bad(statement);
}

gboolean
ims_store_offers(ImsStore *self, ImsSide side, ImsOffers *out, GError **error)
{
    g_auto(ImsOffers) offers = {0};
    g_autoptr(ImsStatement) ask =
        ims_db_statement(self->db, "SELECT offered, granted FROM side WHERE side = ?", error);

    if (ask == NULL)
        return FALSE;
    ims_statement_bind_int(ask, side);
    if (!ims_statement_each(ask, read_offers, &offers, error))
        return FALSE;

    *out = offers;
    offers = (ImsOffers){0};
    return TRUE;
}

gboolean
ims_store_save_offers(ImsStore *self, ImsSide side, const ImsOffers *offers, GError **error)
{
    g_autoptr(ImsStatement) save =
        ims_store_write(self, "UPDATE side SET offered = ?, granted = ? WHERE side = ?", error);

    if (save == NULL)
        return FALSE;
    ims_statement_bind_text(save, offers->before);
    ims_statement_bind_text(save, offers->after);
    ims_statement_bind_int(save, side);
    return ims_statement_run(save, error);
}

/* The deletions that the guard has let through stay: a server that only changed its name is no
 * reason to let more through. */
static gboolean
take_over(ImsStore *self, const char *const identity[2], GError **error)
{
    const char *drop = "DELETE FROM mailbox; DELETE FROM issue; DELETE FROM side";
    gboolean done = ims_store_begin(self, error) && ims_db_exec(self->db, drop, error);

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        done = done && save_identity(self, side, identity[side], error);

    return done && ims_store_commit(self, error);
}

/* Whose file it is; a file of others is made ours. */
static gboolean
settle_identity(ImsStore *self, const char *const identity[2], GError **error)
{
    gboolean same = FALSE;

    return is_same_identity(self, identity, &same, error) &&
           (same || take_over(self, identity, error));
}

ImsStore *
ims_store_open(const char *path, const char *const identity[2], GError **error)
{
    g_autoptr(ImsStore) self = g_new0(ImsStore, 1);

    self->db = ims_db_open(path, error);
    if (self->db == NULL || !settle_identity(self, identity, error))
        return NULL;

    return g_steal_pointer(&self);
}

/* A file that was made and never written to is as good as none. */
static gboolean
has_content(const char *path)
{
    GStatBuf info;

    return g_stat(path, &info) == 0 && info.st_size > 0;
}

ImsStore *
ims_store_open_dry(const char *path, const char *const identity[2], GError **error)
{
    g_autoptr(ImsStore) self = g_new0(ImsStore, 1);

    self->dry = TRUE;
    self->db = has_content(path) ? ims_db_open(path, error) : ims_db_open_blank(path, error);
    if (self->db == NULL || !ims_db_exec(self->db, "BEGIN IMMEDIATE", error) ||
        !settle_identity(self, identity, error))
        return NULL;

    return g_steal_pointer(&self);
}

void
ims_store_free(ImsStore *self)
{
    if (self == NULL)
        return;

    ims_db_free(self->db);
    g_free(self);
}

gboolean
ims_store_begin(ImsStore *self, GError **error)
{
    return ims_db_exec(self->db, self->dry ? "SAVEPOINT step" : "BEGIN IMMEDIATE", error);
}

static gboolean
check_transaction(ImsStore *self, GError **error)
{
    if (ims_db_in_transaction(self->db))
        return TRUE;

    ims_db_set_fault(self->db, _("there is no open transaction, or an error has undone it"), error);
    return FALSE;
}

gboolean
ims_store_commit(ImsStore *self, GError **error)
{
    gboolean done;

    if (!check_transaction(self, error))
        return FALSE;

    if (self->fuse != NULL && !self->fuse(self->fuse_data)) {
        ims_db_set_fault(self->db, _("the test's fuse has blown"), error);
        done = FALSE;
    } else {
        done = ims_db_exec(self->db, self->dry ? "RELEASE step" : "COMMIT", error);
    }
    if (!done)
        ims_store_rollback(self);
    return done;
}

void
ims_store_rollback(ImsStore *self)
{
    /* On a full disk SQLite has undone the transaction already. */
    if (ims_db_in_transaction(self->db))
        (void)ims_db_exec(
            self->db, self->dry ? "ROLLBACK TO step; RELEASE step" : "ROLLBACK", NULL);
}

void
ims_store_set_fuse(ImsStore *self, gboolean (*fuse)(gpointer data), gpointer data)
{
    self->fuse = fuse;
    self->fuse_data = data;
}

ImsStatement *
ims_store_write(ImsStore *self, const char *sql, GError **error)
{
    return check_transaction(self, error) ? ims_db_statement(self->db, sql, error) : NULL;
}

gboolean
ims_store_write_id(ImsStore *self, const char *sql, gint64 id, GError **error)
{
    g_autoptr(ImsStatement) statement = ims_store_write(self, sql, error);

    if (statement == NULL)
        return FALSE;
    ims_statement_bind_int(statement, id);
    return ims_statement_run(statement, error);
}

gboolean
ims_store_expect_one(ImsStore *self, GError **error)
{
    if (ims_db_n_changed(self->db) > 0)
        return TRUE;

    ims_db_set_fault(self->db, _("what was to be updated is no longer there"), error);
    return FALSE;
}

void
ims_store_bind_flags(ImsStatement *statement, const ImsFlags *flags)
{
    g_autofree char *key = ims_flags_to_key(flags);

    ims_statement_bind_text(statement, key);
}

void
ims_store_read_flags(ImsStatement *statement, ImsFlags *out)
{
    g_autofree char *key = ims_statement_read_text(statement);

    if (key == NULL || !ims_flags_from_key(key, out))
        ims_statement_set_bad(statement);
}
