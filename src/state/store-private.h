/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "state/statement.h"
#include "state/store.h"

/* What the files of the store share; not for other floors. */
struct ImsStore {
    ImsDb *db;
    gboolean dry; /* all is in one transaction that closing undoes; ours are steps of it */
    gboolean (*fuse)(gpointer data);
    gpointer fuse_data;
};

/**
 * ims_store_write:
 *
 * Returns: (transfer none): a statement that writes. Without an open transaction there is none:
 * SQLite may have undone it after an error, and what follows must not be committed one by one.
 */
ImsStatement *ims_store_write(ImsStore *self, const char *sql, GError **error);
/** ims_store_write_id: runs a statement that writes and takes nothing but @id. */
gboolean ims_store_write_id(ImsStore *self, const char *sql, gint64 id, GError **error);
/** ims_store_expect_one: fails if the last statement has met no line: its id is stale. */
gboolean ims_store_expect_one(ImsStore *self, GError **error);

void ims_store_bind_flags(ImsStatement *statement, const ImsFlags *flags);
/** ims_store_read_flags: @out: the empty set; to be cleared by the caller in any case. */
void ims_store_read_flags(ImsStatement *statement, ImsFlags *out);
