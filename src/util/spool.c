/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The file is never in the file system's tree where there is O_TMPFILE, and at once taken out of it
 * where there is not: so that nobody finds mail in it, and nothing is left behind by a crash. The
 * cache directory rather than /tmp, which may be memory. */
#include "util/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "util/error.h"
#include "util/names.h"

#define CHUNK 65536 /* octets of the file that are read at a time */

struct ImsSpool {
    gsize max_memory;
    GByteArray *memory; /* the first octets */
    int fd;             /* the others; -1: there are none */
    guint64 in_file;
    guint64 n_read;
    guint8 *chunk; /* NULL: nothing was read from the file */
};

ImsSpool *
ims_spool_new(gsize max_memory)
{
    ImsSpool *self = g_new0(ImsSpool, 1);

    self->max_memory = max_memory;
    self->memory = g_byte_array_new();
    self->fd = -1;
    return self;
}

void
ims_spool_free(ImsSpool *self)
{
    if (self == NULL)
        return;

    if (self->fd >= 0)
        close(self->fd);
    g_byte_array_unref(self->memory);
    g_free(self->chunk);
    g_free(self);
}

static gboolean
fail(const char *what, int reason, GError **error)
{
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_STATE,
        _("%s: %s; make room in %s"),
        what,
        g_strerror(reason),
        g_get_user_cache_dir());
    return FALSE;
}

static gboolean
open_file(ImsSpool *self, GError **error)
{
    g_autofree char *folder = g_build_filename(g_get_user_cache_dir(), IMS_DIRECTORY, NULL);
    g_autofree char *path = g_build_filename(folder, "message-XXXXXX", NULL);

    if (g_mkdir_with_parents(folder, 0700) != 0)
        return fail(_("cannot make a temporary file for a message"), errno, error);
    self->fd = g_open(folder, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (self->fd >= 0)
        return TRUE;

    /* Overlays and network file systems may have no O_TMPFILE. */
    self->fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
    if (self->fd < 0)
        return fail(_("cannot make a temporary file for a message"), errno, error);
    g_unlink(path);
    return TRUE;
}

static gboolean
write_file(ImsSpool *self, const guint8 *data, gsize len, GError **error)
{
    while (len > 0) {
        gssize n = write(self->fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(
                _("cannot write a temporary file for a message"), n < 0 ? errno : ENOSPC, error);
        self->in_file += (guint64)n;
        data += n;
        len -= (gsize)n;
    }
    return TRUE;
}

gboolean
ims_spool_write(ImsSpool *self, const guint8 *data, gsize len, GError **error)
{
    gsize n = MIN(len, self->max_memory - self->memory->len);

    g_byte_array_append(self->memory, data, (guint)n);
    if (n == len)
        return TRUE;

    return (self->fd >= 0 || open_file(self, error)) && write_file(self, data + n, len - n, error);
}

guint64
ims_spool_size(const ImsSpool *self)
{
    return self->memory->len + self->in_file;
}

gboolean
ims_spool_at_end(const ImsSpool *self)
{
    return self->n_read == ims_spool_size(self);
}

static gboolean
read_file(ImsSpool *self, const guint8 **out_data, gsize *out_len, GError **error)
{
    guint64 at = self->n_read - self->memory->len;
    gssize n;

    if (self->chunk == NULL)
        self->chunk = g_malloc(CHUNK);
    do {
        n = pread(self->fd, self->chunk, (gsize)MIN(CHUNK, self->in_file - at), (off_t)at);
    } while (n < 0 && errno == EINTR);
    if (n <= 0)
        return fail(_("cannot read a temporary file for a message"), n < 0 ? errno : EIO, error);

    self->n_read += (guint64)n;
    *out_data = self->chunk;
    *out_len = (gsize)n;
    return TRUE;
}

gboolean
ims_spool_read(ImsSpool *self, const guint8 **out_data, gsize *out_len, GError **error)
{
    if (!ims_spool_at_end(self) && self->n_read >= self->memory->len)
        return read_file(self, out_data, out_len, error);

    *out_data = self->memory->data;
    *out_len = self->n_read == 0 ? self->memory->len : 0;
    self->n_read += *out_len;
    return TRUE;
}
