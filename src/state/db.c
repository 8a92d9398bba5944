/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Opening the file so that what has been committed stays: write-ahead log, synced at each commit,
 * held by this process alone (which also spares the shared memory file, so a home directory on NFS
 * works). SQLite's results are told as errors that name their own fix. What is in the tables is
 * left to the store. */

#include "state/db.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "state/schema.h"
#include "state/statement.h"
#include "util/error.h"

#define APPLICATION_ID  0x494d5359 /* "IMSY" */
#define BUSY_TIMEOUT_MS 200

/* EXCLUSIVE must come before the log is first used, else SQLite makes its shared memory file. */
#define PRAGMAS                                                                                    \
    "PRAGMA locking_mode = EXCLUSIVE;"                                                             \
    "PRAGMA journal_mode = WAL;"                                                                   \
    "PRAGMA synchronous = FULL;"                                                                   \
    "PRAGMA foreign_keys = ON;"

/* steps[n - 1] makes a file of version n one of version n + 1; schema.sql makes one of the last
 * version at once. A released step is never changed: files that it has made exist. */
static const char *const steps[] = {
    "ALTER TABLE point ADD COLUMN"
    " subscribed INTEGER NOT NULL DEFAULT 0 CHECK (subscribed BETWEEN 0 AND 2);",
    "ALTER TABLE mailbox ADD COLUMN"
    " excluded INTEGER NOT NULL DEFAULT 0 CHECK (excluded IN (0, 1));"
    "ALTER TABLE point ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE side ADD COLUMN offered TEXT;"
    "ALTER TABLE side ADD COLUMN granted TEXT;",
};

#define SCHEMA_VERSION ((int)G_N_ELEMENTS(steps) + 1)

struct ImsDb {
    char *path;
    sqlite3 *handle;
    GHashTable *statements; /* SQL to ImsStatement */
};

void
ims_db_set_fault(ImsDb *self, const char *what, GError **error)
{
    g_set_error(error, IMS_ERROR, IMS_ERROR_STATE, _("state file '%s': %s"), self->path, what);
}

void
ims_db_set_damaged(ImsDb *self, const char *what, GError **error)
{
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_STATE,
        _("state file '%s' is damaged (%s): move it aside; the next sync compares all mailboxes "
          "anew, which takes time but loses no message"),
        self->path,
        what);
}

/* What to do about a primary result code; NULL if only SQLite's own words help. */
static const char *
remedy(int code)
{
    switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return _("it is in use by another process: end that one first");
    case SQLITE_FULL:
        return _("the disk is full: free some space, then sync again");
    case SQLITE_IOERR:
        return _("it cannot be read or written: check the disk and its quota");
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return _("it cannot be opened for writing: check who owns it and its directory");
    default:
        return NULL;
    }
}

void
ims_db_set_error(ImsDb *self, GError **error)
{
    int code = sqlite3_errcode(self->handle) & 0xff;
    const char *words = sqlite3_errmsg(self->handle);
    g_autofree char *what = NULL;

    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
        ims_db_set_damaged(self, words, error);
        return;
    }

    what = remedy(code) != NULL ? g_strdup_printf("%s (%s)", remedy(code), words) : g_strdup(words);
    ims_db_set_fault(self, what, error);
}

static gboolean
set_errno(ImsDb *self, const char *what, GError **error)
{
    g_autofree char *why = g_strdup_printf("%s: %s", what, g_strerror(errno));

    ims_db_set_fault(self, why, error);
    return FALSE;
}

/* SQLite would create the file as the umask says. An existing file is not opened here: closing it
 * again would drop the locks that this process may hold on it. */
static gboolean
make_private_file(ImsDb *self, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(self->path);
    int fd;

    if (g_mkdir_with_parents(directory, 0700) < 0)
        return set_errno(self, _("cannot make its directory"), error);

    fd = g_open(self->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        return g_close(fd, NULL) || set_errno(self, _("cannot create it"), error);
    if (errno != EEXIST)
        return set_errno(self, _("cannot create it"), error);
    if (g_chmod(self->path, 0600) < 0)
        return set_errno(self, _("cannot make it private"), error);
    return TRUE;
}

static gboolean
open_handle(ImsDb *self, const char *path, GError **error)
{
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

    if (sqlite3_open_v2(path, &self->handle, flags, NULL) != SQLITE_OK) {
        ims_db_set_error(self, error);
        return FALSE;
    }
    sqlite3_busy_timeout(self->handle, BUSY_TIMEOUT_MS);

    return ims_db_exec(self, PRAGMAS, error) && ims_db_exec(self, "BEGIN EXCLUSIVE; COMMIT", error);
}

static void
read_version(ImsStatement *statement, gpointer data)
{
    gint64 *out = data;

    for (int i = 0; i < 3; i++)
        out[i] = ims_statement_read_int(statement, G_MININT64, G_MAXINT64);
}

static gboolean
create_schema(ImsDb *self, GError **error)
{
    g_autofree char *sql = g_strdup_printf(
        "BEGIN; %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
        IMS_SCHEMA,
        APPLICATION_ID,
        SCHEMA_VERSION);

    return ims_db_exec(self, sql, error);
}

/* All steps or none: a file in between would be of no version. */
static gboolean
migrate(ImsDb *self, gint64 version, GError **error)
{
    g_autoptr(GString) sql = g_string_new("BEGIN IMMEDIATE;");

    for (gint64 n = version; n < SCHEMA_VERSION; n++)
        g_string_append(sql, steps[n - 1]);
    g_string_append_printf(sql, "PRAGMA user_version = %d; COMMIT", SCHEMA_VERSION);
    if (ims_db_exec(self, sql->str, error))
        return TRUE;
    if (ims_db_in_transaction(self))
        (void)ims_db_exec(self, "ROLLBACK", NULL);
    return FALSE;
}

static gboolean
check_schema(ImsDb *self, GError **error)
{
    enum { APPLICATION, VERSION, N_TABLES, N_FACTS };
    gint64 fact[N_FACTS] = {0};
    g_autoptr(ImsStatement) ask = ims_db_statement(
        self,
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
        " FROM pragma_application_id, pragma_user_version",
        error);

    if (ask == NULL || !ims_statement_each(ask, read_version, fact, error))
        return FALSE;

    if (fact[APPLICATION] == 0 && fact[VERSION] == 0 && fact[N_TABLES] == 0)
        return create_schema(self, error);
    if (fact[APPLICATION] != APPLICATION_ID) {
        ims_db_set_fault(self, _("it is another program's database: move it aside"), error);
        return FALSE;
    }
    if (fact[VERSION] > SCHEMA_VERSION) {
        ims_db_set_fault(
            self,
            _("a newer version of imapsyncd has made it: install that one again, or move the file "
              "aside; the next sync then compares all mailboxes anew"),
            error);
        return FALSE;
    }
    if (fact[VERSION] < 1) {
        ims_db_set_damaged(self, _("its version is none"), error);
        return FALSE;
    }
    return fact[VERSION] == SCHEMA_VERSION || migrate(self, fact[VERSION], error);
}

static ImsDb *
db_new(const char *path)
{
    ImsDb *self = g_new0(ImsDb, 1);

    self->path = g_strdup(path);
    self->statements =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)ims_statement_free);
    return self;
}

ImsDb *
ims_db_open(const char *path, GError **error)
{
    g_autoptr(ImsDb) self = db_new(path);

    if (!make_private_file(self, error) || !open_handle(self, path, error) ||
        !check_schema(self, error))
        return NULL;

    return g_steal_pointer(&self);
}

ImsDb *
ims_db_open_blank(const char *path, GError **error)
{
    g_autoptr(ImsDb) self = db_new(path);

    if (!open_handle(self, ":memory:", error) || !check_schema(self, error))
        return NULL;

    return g_steal_pointer(&self);
}

void
ims_db_free(ImsDb *self)
{
    if (self == NULL)
        return;

    g_hash_table_unref(self->statements);
    /* Undoes an open transaction; cannot be refused once all statements have gone. */
    (void)sqlite3_close(self->handle);
    g_free(self->path);
    g_free(self);
}

/* The file comes first: a log whose file is gone or empty is thrown away by SQLite, but a file
 * without its log would be an older state. */
static gboolean
unlink_all(const char *path, GError **error)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

    for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        g_autofree char *file = g_strconcat(path, suffixes[i], NULL);

        if (g_unlink(file) != 0 && errno != ENOENT) {
            g_set_error(
                error,
                IMS_ERROR,
                IMS_ERROR_STATE,
                _("state file '%s': cannot be removed: %s: correct the permissions of its "
                  "directory"),
                file,
                g_strerror(errno));
            return FALSE;
        }
    }
    return TRUE;
}

/* Holds the file while it is removed. What cannot be opened for another reason than somebody who
 * has it is removed all the same. */
gboolean
ims_db_delete(const char *path, GError **error)
{
    sqlite3 *handle = NULL;
    int result = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, NULL);
    gboolean done = FALSE;

    if (result == SQLITE_OK) {
        sqlite3_busy_timeout(handle, BUSY_TIMEOUT_MS);
        result = sqlite3_exec(
            handle, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL, NULL);
    }
    if (result == SQLITE_BUSY)
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_STATE,
            _("state file '%s': is in use by another process: end the other imapsyncd first"),
            path);
    else
        done = unlink_all(path, error);
    sqlite3_close(handle);
    return done;
}

gboolean
ims_db_exec(ImsDb *self, const char *sql, GError **error)
{
    if (sqlite3_exec(self->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
        return TRUE;

    ims_db_set_error(self, error);
    return FALSE;
}

ImsStatement *
ims_db_statement(ImsDb *self, const char *sql, GError **error)
{
    ImsStatement *statement = g_hash_table_lookup(self->statements, sql);
    sqlite3_stmt *handle = NULL;

    if (statement != NULL)
        return statement;

    if (sqlite3_prepare_v3(self->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL) !=
        SQLITE_OK) {
        ims_db_set_error(self, error);
        return NULL;
    }
    statement = ims_statement_new(self, handle);
    g_hash_table_insert(self->statements, g_strdup(sql), statement);
    return statement;
}

gboolean
ims_db_in_transaction(ImsDb *self)
{
    return !sqlite3_get_autocommit(self->handle);
}

gint64
ims_db_last_id(ImsDb *self)
{
    return sqlite3_last_insert_rowid(self->handle);
}

gint64
ims_db_n_changed(ImsDb *self)
{
    return sqlite3_changes64(self->handle);
}
