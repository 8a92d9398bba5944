/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* Octets that are written first and read once, from the beginning: up to a bound in memory, the
 * rest in a file without a name in the user's cache directory, which nobody else can open and which
 * is gone with the process. Never waits but for the disk.
 *
 * Errors: IMS_ERROR_STATE, if the file cannot be made, written (a full disk) or read; then the
 * spool is of no more use. */
typedef struct ImsSpool ImsSpool;

/** ims_spool_new: @max_memory: how many octets may stay in memory. */
ImsSpool *ims_spool_new(gsize max_memory);
void ims_spool_free(ImsSpool *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsSpool, ims_spool_free)

/** ims_spool_write: not after a read. */
gboolean ims_spool_write(ImsSpool *self, const guint8 *data, gsize len, GError **error);
/** ims_spool_size: Returns: how many octets were written. */
guint64 ims_spool_size(const ImsSpool *self);
/** ims_spool_at_end: Returns: whether all octets have been read. */
gboolean ims_spool_at_end(const ImsSpool *self);
/** ims_spool_read: @out_data: (transfer none): valid until the next call; @out_len: (out): 0 at the
 * end. */
gboolean ims_spool_read(ImsSpool *self, const guint8 **out_data, gsize *out_len, GError **error);
