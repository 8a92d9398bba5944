/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "state/db.h"

/* A compiled statement, borrowed from its ImsDb: parameters are bound from the first to the last,
 * then it runs, and each line's columns are read from the first to the last. A column that is not
 * what it should be reads as 0 or NULL and makes the running call fail: the file is damaged. */

ImsStatement *ims_statement_new(ImsDb *db, sqlite3_stmt *handle);
void ims_statement_free(ImsStatement *self);
/** ims_statement_release: makes it ready to be used again. */
void ims_statement_release(ImsStatement *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsStatement, ims_statement_release)

void ims_statement_bind_int(ImsStatement *self, gint64 value);
/** ims_statement_bind_bits: any 64 bits; SQLite's integers are signed. */
void ims_statement_bind_bits(ImsStatement *self, guint64 value);
/** ims_statement_bind_uid: 0 is bound as NULL. */
void ims_statement_bind_uid(ImsStatement *self, guint32 uid);
/** ims_statement_bind_text: @text: (nullable): copied. */
void ims_statement_bind_text(ImsStatement *self, const char *text);

/**
 * ims_statement_each:
 * @read: called for each line of the result; reads its columns
 */
gboolean ims_statement_each(
    ImsStatement *self,
    void (*read)(ImsStatement *self, gpointer data),
    gpointer data,
    GError **error);
/** ims_statement_run: for a statement without a result. */
gboolean ims_statement_run(ImsStatement *self, GError **error);
/** ims_statement_count: for a statement whose result is one number, 0 or greater. */
gboolean ims_statement_count(ImsStatement *self, guint64 *out, GError **error);

gint64 ims_statement_read_int(ImsStatement *self, gint64 min, gint64 max);
guint64 ims_statement_read_bits(ImsStatement *self);
guint32 ims_statement_read_uint32(ImsStatement *self);
gboolean ims_statement_read_bool(ImsStatement *self);
/** ims_statement_read_uid: NULL reads as 0; 0 is damage. */
guint32 ims_statement_read_uid(ImsStatement *self);
/** ims_statement_read_text: Returns: (transfer full): NULL is damage. */
char *ims_statement_read_text(ImsStatement *self);
/** ims_statement_read_nullable_text: Returns: (transfer full) (nullable). */
char *ims_statement_read_nullable_text(ImsStatement *self);
/** ims_statement_set_bad: for a reader that finds the line impossible. */
void ims_statement_set_bad(ImsStatement *self);
