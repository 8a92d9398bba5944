/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "state/store.h"

/* A state file in a directory of its own, both gone at the end of the test. */
typedef struct {
    char *directory;
    char *path;
    ImsStore *store; /* NULL until it is opened */
} Scratch;

/** scratch_init: makes the directory, not the file. */
void scratch_init(Scratch *self);
void scratch_clear(Scratch *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scratch, scratch_clear)

/** scratch_open: opens the store, after closing it if it was open. */
void scratch_open(Scratch *self);
void scratch_open_as(Scratch *self, const char *local, const char *remote);
void scratch_close(Scratch *self);
void scratch_begin(Scratch *self);
void scratch_commit(Scratch *self);
/** scratch_alter: runs @sql on the closed file behind the store's back, without its checks. */
void scratch_alter(Scratch *self, const char *sql);
/** scratch_mailbox: commits a mailbox of that name. Returns: its id. */
gint64 scratch_mailbox(Scratch *self, const char *name);
/** scratch_assert_refused: whether @error is this floor's and says @words; frees it. */
void scratch_assert_refused(GError *error, const char *words);

/** pair_new: Returns: (transfer full): a row that is not stored. */
ImsRow *pair_new(guint32 local, guint32 remote);
/** scratch_save: stores @row, which must succeed. */
void scratch_save(Scratch *self, gint64 mailbox, ImsRow *row);
/** scratch_count: Returns: rows on the local side of @mailbox. */
guint64 scratch_count(Scratch *self, gint64 mailbox);
