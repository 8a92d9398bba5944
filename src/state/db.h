/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>
#include <sqlite3.h>

/* One SQLite file of ours, held exclusively, with its schema made. Used by one thread. All errors
 * of this floor are IMS_ERROR_STATE; their messages name the file and what to do. */
typedef struct ImsDb ImsDb;
typedef struct ImsStatement ImsStatement;

/**
 * ims_db_open:
 * @path: created (mode 0600) with its directories (mode 0700) if it is not there
 *
 * A file of an older version becomes one of this version, whole or not at all.
 * Waits a fraction of a second for another process to let the file go.
 */
ImsDb *ims_db_open(const char *path, GError **error);
/** ims_db_open_blank: a database in memory, with the schema; @path: what errors call it. */
ImsDb *ims_db_open_blank(const char *path, GError **error);
void ims_db_free(ImsDb *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsDb, ims_db_free)
/** ims_db_delete: removes the file, with what SQLite keeps beside it. It is no error if there is
 * none, nor if it is no database; it is one if another process has it open. */
gboolean ims_db_delete(const char *path, GError **error);

/** ims_db_exec: runs statements that take and return nothing. */
gboolean ims_db_exec(ImsDb *self, const char *sql, GError **error);
/**
 * ims_db_statement:
 * @sql: one statement; kept compiled for the life of @self
 *
 * Returns: (transfer none): ready to be bound; to be released before it is asked for again.
 */
ImsStatement *ims_db_statement(ImsDb *self, const char *sql, GError **error);
/** ims_db_in_transaction: FALSE also if an error has made SQLite undo the transaction by itself. */
gboolean ims_db_in_transaction(ImsDb *self);
/** ims_db_last_id: Returns: the id of the line inserted last. */
gint64 ims_db_last_id(ImsDb *self);
/** ims_db_n_changed: Returns: how many lines the last statement that writes has met. */
gint64 ims_db_n_changed(ImsDb *self);

/** ims_db_set_error: describes SQLite's last failure. */
void ims_db_set_error(ImsDb *self, GError **error);
/** ims_db_set_damaged: says that the file holds what cannot be; @what: for people. */
void ims_db_set_damaged(ImsDb *self, const char *what, GError **error);
/** ims_db_set_fault: any other reason; @what: for people. */
void ims_db_set_fault(ImsDb *self, const char *what, GError **error);
