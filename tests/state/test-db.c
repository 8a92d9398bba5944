/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The file itself: who may read it, who may open it, and which files are refused. */

#include "state/db.h"

#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"
#include "state/statement.h"
#include "util/error.h"

static guint
mode_of(const char *path)
{
    struct stat st;

    g_assert_cmpint(stat(path, &st), ==, 0);
    return st.st_mode & 0777;
}

static ImsDb *
open_db(const Scratch *scratch)
{
    g_autoptr(GError) error = NULL;
    ImsDb *db = ims_db_open(scratch->path, &error);

    g_assert_no_error(error);
    return db;
}

static void
assert_open_refused(const Scratch *scratch, const char *words)
{
    GError *error = NULL;

    g_assert_null(ims_db_open(scratch->path, &error));
    g_assert_nonnull(strstr(error->message, scratch->path));
    scratch_assert_refused(error, words);
}

static void
test_private(void)
{
    g_auto(Scratch) scratch = {0};
    g_autofree char *directory = NULL, *inner = NULL, *path = NULL, *log = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsDb) db = NULL;
    mode_t before = umask(0);

    scratch_init(&scratch);
    directory = g_build_filename(scratch.directory, "a", NULL);
    inner = g_build_filename(directory, "b", NULL);
    path = g_build_filename(inner, "x.db", NULL);
    log = g_strconcat(path, "-wal", NULL);

    db = ims_db_open(path, &error);
    umask(before);
    g_assert_no_error(error);
    g_assert_cmphex(mode_of(directory), ==, 0700);
    g_assert_cmphex(mode_of(inner), ==, 0700);
    g_assert_cmphex(mode_of(path), ==, 0600);
    g_assert_cmphex(mode_of(log), ==, 0600);

    g_clear_pointer(&db, ims_db_free);
    g_assert_false(g_file_test(log, G_FILE_TEST_EXISTS));
    g_assert_cmpint(g_unlink(path) + g_rmdir(inner) + g_rmdir(directory), ==, 0);
}

static void
test_made_private(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsDb) db = NULL;

    scratch_init(&scratch);
    db = open_db(&scratch);
    g_clear_pointer(&db, ims_db_free);
    g_assert_cmpint(g_chmod(scratch.path, 0644), ==, 0);

    db = open_db(&scratch);
    g_assert_cmphex(mode_of(scratch.path), ==, 0600);
}

static void
test_no_shared_memory_file(void)
{
    g_auto(Scratch) scratch = {0};
    g_autofree char *shared = NULL;
    g_autoptr(ImsDb) db = NULL;

    scratch_init(&scratch);
    db = open_db(&scratch);
    shared = g_strconcat(scratch.path, "-shm", NULL);
    g_assert_false(g_file_test(shared, G_FILE_TEST_EXISTS));
}

/* Also what a crash leaves beside the file; and there may be none. */
static void
test_deleted(void)
{
    g_auto(Scratch) scratch = {0};
    g_autofree char *log = NULL;
    g_autoptr(GError) error = NULL;

    scratch_init(&scratch);
    log = g_strconcat(scratch.path, "-wal", NULL);
    ims_db_free(open_db(&scratch));
    g_assert_true(g_file_set_contents(log, "x", -1, NULL));
    g_assert_true(ims_db_delete(scratch.path, &error));
    g_assert_no_error(error);
    g_assert_false(g_file_test(scratch.path, G_FILE_TEST_EXISTS));
    g_assert_false(g_file_test(log, G_FILE_TEST_EXISTS));
    g_assert_true(ims_db_delete(scratch.path, &error));
    g_assert_no_error(error);
}

/* A directory in its place cannot be unlinked, by root either. */
static void
test_not_deleted(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(GError) error = NULL;

    scratch_init(&scratch);
    g_assert_cmpint(g_mkdir(scratch.path, 0700), ==, 0);
    g_assert_false(ims_db_delete(scratch.path, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_STATE);
    g_assert_nonnull(strstr(error->message, scratch.path));
    g_assert_cmpint(g_rmdir(scratch.path), ==, 0);
}

static void
test_no_directory(void)
{
    g_auto(Scratch) scratch = {0};
    g_autofree char *below = NULL;
    GError *error = NULL;

    scratch_init(&scratch);
    g_assert_true(g_file_set_contents(scratch.path, "", 0, NULL));
    below = g_build_filename(scratch.path, "x.db", NULL);
    g_assert_null(ims_db_open(below, &error));
    scratch_assert_refused(error, "directory");
}

/* Runs in a child: whether the file could be opened there. */
/* Whether another process can do it. */
static gboolean
elsewhere(const Scratch *scratch, gboolean (*can)(const Scratch *scratch))
{
    pid_t child = fork();
    int status = 0;

    g_assert_cmpint(child, >=, 0);
    if (child == 0)
        _exit(can(scratch) ? 0 : 1);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) == 0;
}

static gboolean
can_open(const Scratch *scratch)
{
    return ims_db_open(scratch->path, NULL) != NULL;
}

static gboolean
can_delete(const Scratch *scratch)
{
    return ims_db_delete(scratch->path, NULL);
}

/* Another process that works with it would go on with a file that nobody sees any more. */
static void
test_used_is_not_deleted(void)
{
    g_auto(Scratch) scratch = {0};
    ImsDb *db;

    scratch_init(&scratch);
    db = open_db(&scratch);
    g_assert_false(elsewhere(&scratch, can_delete));
    g_assert_true(g_file_test(scratch.path, G_FILE_TEST_EXISTS));
    ims_db_free(db);
    g_assert_true(elsewhere(&scratch, can_delete));
    g_assert_false(g_file_test(scratch.path, G_FILE_TEST_EXISTS));
}

static void
test_in_use(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsDb) db = NULL;

    scratch_init(&scratch);
    db = open_db(&scratch);
    g_assert_false(elsewhere(&scratch, can_open));
    assert_open_refused(&scratch, "in use by another process");
    /* The refused attempt in this process has not dropped the locks of the first. */
    g_assert_false(elsewhere(&scratch, can_open));

    g_clear_pointer(&db, ims_db_free);
    g_assert_true(elsewhere(&scratch, can_open));
}

typedef struct {
    const char *name, *sql, *words;
} RefusedCase;

static const RefusedCase refused_cases[] = {
    {"newer", "PRAGMA user_version = 1000", "newer version"},
    {"version none", "PRAGMA user_version = -1", "aside"},
    {"another program's", "PRAGMA application_id = 7", "another program's"},
    {"tables without an id",
     "PRAGMA application_id = 0; PRAGMA user_version = 0",
     "another program's"},
};

static void
test_refused(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(refused_cases); i++) {
        const RefusedCase *c = &refused_cases[i];
        g_auto(Scratch) scratch = {0};

        g_test_message("%s", c->name);
        scratch_init(&scratch);
        scratch_open(&scratch);
        scratch_alter(&scratch, c->sql);
        assert_open_refused(&scratch, c->words);
    }
}

static void
test_garbage(void)
{
    g_auto(Scratch) scratch = {0};
    g_autofree char *garbage = g_strnfill(8192, '#');
    g_autofree char *after = NULL;

    scratch_init(&scratch);
    g_assert_true(g_file_set_contents(scratch.path, garbage, -1, NULL));
    assert_open_refused(&scratch, "move it aside");
    assert_open_refused(&scratch, "loses no message");

    g_assert_true(g_file_get_contents(scratch.path, &after, NULL, NULL));
    g_assert_cmpstr(after, ==, garbage);
}

/* Overwrites all pages but the first, one at a time. */
static void
test_damaged_pages(void)
{
    g_auto(Scratch) scratch = {0};
    g_autofree char *whole = NULL;
    gsize len = 0;
    guint n_refused = 0;

    scratch_init(&scratch);
    scratch_open(&scratch);
    scratch_mailbox(&scratch, "INBOX");
    scratch_close(&scratch);
    g_assert_true(g_file_get_contents(scratch.path, &whole, &len, NULL));

    for (gsize page = 4096; page < len; page += 4096) {
        g_autofree char *damaged = g_memdup2(whole, len);
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) mailboxes = NULL;
        g_autoptr(ImsStore) store = NULL;

        memset(damaged + page, 0xa5, 4096);
        g_assert_true(g_file_set_contents(scratch.path, damaged, (gssize)len, NULL));
        store = ims_store_open(scratch.path, (const char *[]){"here", "there"}, &error);
        if (store != NULL)
            mailboxes = ims_store_mailboxes(store, &error);
        if (mailboxes == NULL) {
            n_refused++;
            g_assert_nonnull(strstr(error->message, "move it aside"));
        }
    }
    g_assert_cmpuint(n_refused, >=, 4); /* the tables side, mailbox and point, and an index */
}

static gboolean
fill(ImsDb *db, GError **error)
{
    g_autoptr(ImsStatement) insert = ims_db_statement(
        db,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
        " INSERT INTO mailbox (name, valid, compared_us, last_sync_us)"
        " SELECT hex(zeroblob(200)) || i, 0, 0, 0 FROM n",
        error);

    return insert != NULL && ims_statement_run(insert, error);
}

static void
test_full(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(GError) error = NULL;
    GError *refusal = NULL;
    g_autoptr(ImsDb) db = NULL;

    scratch_init(&scratch);
    db = open_db(&scratch);
    g_assert_true(ims_db_exec(db, "PRAGMA max_page_count = 40", NULL));

    g_assert_true(ims_db_exec(db, "BEGIN", NULL));
    g_assert_false(fill(db, &refusal));
    scratch_assert_refused(refusal, "disk is full");
    if (ims_db_in_transaction(db))
        g_assert_true(ims_db_exec(db, "ROLLBACK", NULL));

    g_assert_true(ims_db_exec(db, "PRAGMA max_page_count = 4000", NULL));
    g_assert_true(fill(db, &error));
    g_assert_no_error(error);
}

static void
test_statement_kept(void)
{
    g_auto(Scratch) scratch = {0};
    g_autofree char *same = g_strdup("SELECT 1");
    g_autoptr(ImsDb) db = NULL;

    scratch_init(&scratch);
    db = open_db(&scratch);
    g_assert_true(ims_db_statement(db, "SELECT 1", NULL) == ims_db_statement(db, same, NULL));
}

static void
test_bad_sql(void)
{
    g_auto(Scratch) scratch = {0};
    GError *error = NULL;
    g_autoptr(ImsDb) db = NULL;

    scratch_init(&scratch);
    db = open_db(&scratch);
    g_assert_null(ims_db_statement(db, "SELECT nonsense", &error));
    scratch_assert_refused(error, "nonsense");
}

static void
add_column(ImsStatement *statement, gpointer data)
{
    g_autofree char *line = ims_statement_read_text(statement);

    g_string_append_printf(data, "%s\n", line);
}

/* Returns: (transfer full): all columns, in no order that a change of the schema could not keep. */
static char *
columns_of(ImsDb *db)
{
    GString *out = g_string_new(NULL);
    g_autoptr(ImsStatement) ask = ims_db_statement(
        db,
        "SELECT format('%s.%s %s %d %s', t.name, c.name, c.type, c.\"notnull\", c.dflt_value)"
        " FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'"
        " ORDER BY t.name, c.name",
        NULL);

    g_assert_nonnull(ask);
    g_assert_true(ims_statement_each(ask, add_column, out, NULL));
    return g_string_free(out, FALSE);
}

static void
make_version_1(Scratch *scratch)
{
    g_autofree char *sql = NULL;

    scratch_init(scratch);
    g_assert_true(g_file_get_contents(VERSION_1, &sql, NULL, NULL));
    scratch_alter(scratch, sql);
}

static void
test_old_version(void)
{
    g_auto(Scratch) old = {0};
    g_auto(Scratch) new = {0};
    g_autofree char *got = NULL;
    g_autofree char *want = NULL;
    g_autoptr(ImsDb) old_db = NULL;
    g_autoptr(ImsDb) new_db = NULL;

    make_version_1(&old);
    scratch_init(&new);
    old_db = open_db(&old);
    new_db = open_db(&new);
    got = columns_of(old_db);
    want = columns_of(new_db);
    g_assert_cmpstr(got, ==, want);
    g_clear_pointer(&old_db, ims_db_free);
    old_db = open_db(&old); /* it is of this version now */
}

static void
test_old_version_keeps(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(GPtrArray) mailboxes = NULL;
    g_autoptr(GPtrArray) issues = NULL;
    const ImsMailbox *mailbox;

    make_version_1(&scratch);
    scratch_open_as(&scratch, "local", "remote");
    mailboxes = ims_store_mailboxes(scratch.store, NULL);
    issues = ims_store_issues(scratch.store, NULL);
    g_assert_cmpuint(mailboxes->len, ==, 1);
    g_assert_cmpuint(issues->len, ==, 1);
    mailbox = g_ptr_array_index(mailboxes, 0);
    g_assert_cmpstr(mailbox->name, ==, "Work");
    g_assert_true(mailbox->valid);
    g_assert_false(mailbox->excluded);
    g_assert_cmpuint(mailbox->point[IMS_LOCAL].modseq, ==, 9);
    g_assert_cmpint(mailbox->subscribed[IMS_REMOTE], ==, IMS_SUBSCRIPTION_UNKNOWN);
    g_assert_cmpuint(mailbox->refused[IMS_REMOTE], ==, 0);
    g_assert_cmpuint(scratch_count(&scratch, 3), ==, 1);
}

static void
test_old_version_whole_or_not(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsDb) db = NULL;
    GError *error = NULL;

    make_version_1(&scratch);
    scratch_alter(&scratch, "ALTER TABLE point ADD COLUMN refused INTEGER");
    g_assert_null(ims_db_open(scratch.path, &error));
    scratch_assert_refused(error, "refused");
    /* Nothing of the step was left behind, so it goes through once what was in its way has gone. */
    scratch_alter(&scratch, "ALTER TABLE point DROP COLUMN refused");
    db = open_db(&scratch);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/state/db/file-and-directories-are-private", test_private);
    g_test_add_func("/state/db/existing-file-is-made-private", test_made_private);
    g_test_add_func("/state/db/no-shared-memory-file", test_no_shared_memory_file);
    g_test_add_func("/state/db/deleted-with-what-stands-beside", test_deleted);
    g_test_add_func("/state/db/used-by-another-is-not-deleted", test_used_is_not_deleted);
    g_test_add_func("/state/db/deletion-that-fails-is-an-error", test_not_deleted);
    g_test_add_func("/state/db/no-directory-is-an-error", test_no_directory);
    g_test_add_func("/state/db/second-open-is-refused", test_in_use);
    g_test_add_func("/state/db/foreign-and-newer-are-refused", test_refused);
    g_test_add_func("/state/db/old-version-becomes-a-new-one", test_old_version);
    g_test_add_func("/state/db/old-version-keeps-what-it-holds", test_old_version_keeps);
    g_test_add_func("/state/db/old-version-changes-whole-or-not", test_old_version_whole_or_not);
    g_test_add_func("/state/db/garbage-is-refused-and-kept", test_garbage);
    g_test_add_func("/state/db/damaged-pages-are-errors", test_damaged_pages);
    g_test_add_func("/state/db/usable-after-full", test_full);
    g_test_add_func("/state/db/statements-are-kept", test_statement_kept);
    g_test_add_func("/state/db/bad-sql-is-an-error", test_bad_sql);
    return g_test_run();
}
