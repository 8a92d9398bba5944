/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What the tests of this floor share: a file to work on, and the shortest way to fill it. */

#include "scratch.h"

#include <glib/gstdio.h>
#include <sqlite3.h>

#include "util/error.h"

void
scratch_init(Scratch *self)
{
    g_autoptr(GError) error = NULL;

    self->directory = g_dir_make_tmp("ims-state-XXXXXX", &error);
    g_assert_no_error(error);
    self->path = g_build_filename(self->directory, "account.db", NULL);
    self->store = NULL;
}

void
scratch_clear(Scratch *self)
{
    g_autofree char *log = g_strconcat(self->path, "-wal", NULL);

    scratch_close(self);
    g_unlink(log);
    g_unlink(self->path);
    g_assert_cmpint(g_rmdir(self->directory), ==, 0);
    g_free(self->path);
    g_free(self->directory);
}

void
scratch_open_as(Scratch *self, const char *local, const char *remote)
{
    g_autoptr(GError) error = NULL;
    const char *identity[] = {local, remote};

    scratch_close(self);
    self->store = ims_store_open(self->path, identity, &error);
    g_assert_no_error(error);
    g_assert_nonnull(self->store);
}

void
scratch_open(Scratch *self)
{
    scratch_open_as(self, "here", "there");
}

void
scratch_close(Scratch *self)
{
    g_clear_pointer(&self->store, ims_store_free);
}

void
scratch_begin(Scratch *self)
{
    g_autoptr(GError) error = NULL;

    ims_store_begin(self->store, &error);
    g_assert_no_error(error);
}

void
scratch_commit(Scratch *self)
{
    g_autoptr(GError) error = NULL;

    ims_store_commit(self->store, &error);
    g_assert_no_error(error);
}

void
scratch_alter(Scratch *self, const char *sql)
{
    sqlite3 *handle = NULL;
    char *fault = NULL;

    scratch_close(self);
    g_assert_cmpint(sqlite3_open(self->path, &handle), ==, SQLITE_OK);
    sqlite3_exec(handle, "PRAGMA ignore_check_constraints = ON", NULL, NULL, NULL);
    sqlite3_exec(handle, sql, NULL, NULL, &fault);
    g_assert_cmpstr(fault, ==, NULL);
    g_assert_cmpint(sqlite3_close(handle), ==, SQLITE_OK);
}

gint64
scratch_mailbox(Scratch *self, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsMailbox) mailbox = ims_mailbox_new(name);

    scratch_begin(self);
    ims_store_save_mailbox(self->store, mailbox, &error);
    g_assert_no_error(error);
    scratch_commit(self);
    return mailbox->id;
}

void
scratch_assert_refused(GError *error, const char *words)
{
    g_autoptr(GError) owned = error;

    g_assert_error(owned, IMS_ERROR, IMS_ERROR_STATE);
    g_test_message("%s", owned->message);
    g_assert_nonnull(strstr(owned->message, words));
}

ImsRow *
pair_new(guint32 local, guint32 remote)
{
    ImsRow *row = ims_row_new();

    row->uid[IMS_LOCAL] = local;
    row->uid[IMS_REMOTE] = remote;
    return row;
}

void
scratch_save(Scratch *self, gint64 mailbox, ImsRow *row)
{
    g_autoptr(GError) error = NULL;

    ims_store_save_row(self->store, mailbox, row, &error);
    g_assert_no_error(error);
    g_assert_cmpint(row->id, >, 0);
}

guint64
scratch_count(Scratch *self, gint64 mailbox)
{
    g_autoptr(GError) error = NULL;
    guint64 count = 0;

    ims_store_count_rows(self->store, mailbox, IMS_LOCAL, &count, &error);
    g_assert_no_error(error);
    return count;
}
