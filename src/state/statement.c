/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Binding and reading in order, so that a list of columns in SQL and the lines of C beside it are
 * compared by eye, and one check for all that a damaged file may hold. The values' meaning is left
 * to the store. */

#include "state/statement.h"

#include <glib/gi18n.h>

struct ImsStatement {
    ImsDb *db;
    sqlite3_stmt *handle;
    int n_bound;
    int n_read;   /* of the current line */
    gboolean bad; /* a column of the current line was not what it should be */
};

ImsStatement *
ims_statement_new(ImsDb *db, sqlite3_stmt *handle)
{
    ImsStatement *self = g_new0(ImsStatement, 1);

    self->db = db;
    self->handle = handle;
    return self;
}

void
ims_statement_free(ImsStatement *self)
{
    sqlite3_finalize(self->handle);
    g_free(self);
}

void
ims_statement_release(ImsStatement *self)
{
    /* The result repeats the failure of the step, which has been told. */
    (void)sqlite3_reset(self->handle);
    (void)sqlite3_clear_bindings(self->handle);
    self->n_bound = 0;
}

void
ims_statement_bind_int(ImsStatement *self, gint64 value)
{
    int rc = sqlite3_bind_int64(self->handle, ++self->n_bound, value);

    g_assert(rc == SQLITE_OK);
}

void
ims_statement_bind_bits(ImsStatement *self, guint64 value)
{
    ims_statement_bind_int(self, (gint64)value);
}

void
ims_statement_bind_uid(ImsStatement *self, guint32 uid)
{
    if (uid == 0)
        self->n_bound++; /* NULL is what an unbound parameter is */
    else
        ims_statement_bind_int(self, uid);
}

void
ims_statement_bind_text(ImsStatement *self, const char *text)
{
    int rc = sqlite3_bind_text(self->handle, ++self->n_bound, text, -1, SQLITE_TRANSIENT);

    g_assert(rc == SQLITE_OK);
}

gboolean
ims_statement_each(
    ImsStatement *self,
    void (*read)(ImsStatement *self, gpointer data),
    gpointer data,
    GError **error)
{
    int rc;

    g_assert(self->n_bound == sqlite3_bind_parameter_count(self->handle));

    self->bad = FALSE;
    while ((rc = sqlite3_step(self->handle)) == SQLITE_ROW) {
        self->n_read = 0;
        read(self, data);
        if (self->bad) {
            ims_db_set_damaged(self->db, _("a value is out of its range"), error);
            return FALSE;
        }
    }
    if (rc != SQLITE_DONE) {
        ims_db_set_error(self->db, error);
        return FALSE;
    }
    return TRUE;
}

static void
read_nothing(ImsStatement *self, gpointer data)
{
}

gboolean
ims_statement_run(ImsStatement *self, GError **error)
{
    return ims_statement_each(self, read_nothing, NULL, error);
}

static void
read_count(ImsStatement *self, gpointer data)
{
    guint64 *out = data;

    *out = (guint64)ims_statement_read_int(self, 0, G_MAXINT64);
}

gboolean
ims_statement_count(ImsStatement *self, guint64 *out, GError **error)
{
    guint64 count = 0;

    if (!ims_statement_each(self, read_count, &count, error))
        return FALSE;

    *out = count;
    return TRUE;
}

gint64
ims_statement_read_int(ImsStatement *self, gint64 min, gint64 max)
{
    int column = self->n_read++;
    gint64 value = sqlite3_column_int64(self->handle, column);

    if (sqlite3_column_type(self->handle, column) == SQLITE_INTEGER && min <= value && value <= max)
        return value;

    self->bad = TRUE;
    return 0;
}

guint64
ims_statement_read_bits(ImsStatement *self)
{
    return (guint64)ims_statement_read_int(self, G_MININT64, G_MAXINT64);
}

guint32
ims_statement_read_uint32(ImsStatement *self)
{
    return (guint32)ims_statement_read_int(self, 0, G_MAXUINT32);
}

gboolean
ims_statement_read_bool(ImsStatement *self)
{
    return ims_statement_read_int(self, 0, 1) != 0;
}

static gboolean
skip_null(ImsStatement *self)
{
    if (sqlite3_column_type(self->handle, self->n_read) != SQLITE_NULL)
        return FALSE;

    self->n_read++;
    return TRUE;
}

guint32
ims_statement_read_uid(ImsStatement *self)
{
    return skip_null(self) ? 0 : (guint32)ims_statement_read_int(self, 1, G_MAXUINT32);
}

char *
ims_statement_read_text(ImsStatement *self)
{
    int column = self->n_read++;
    gboolean is_text = sqlite3_column_type(self->handle, column) == SQLITE_TEXT;
    const char *text = (const char *)sqlite3_column_text(self->handle, column);
    int len = sqlite3_column_bytes(self->handle, column);

    if (is_text && text != NULL && g_utf8_validate(text, len, NULL))
        return g_strndup(text, (gsize)len);

    self->bad = TRUE;
    return NULL;
}

char *
ims_statement_read_nullable_text(ImsStatement *self)
{
    return skip_null(self) ? NULL : ims_statement_read_text(self);
}

void
ims_statement_set_bad(ImsStatement *self)
{
    self->bad = TRUE;
}
