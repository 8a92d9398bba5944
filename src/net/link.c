/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What TCP and command links have in common: non-blocking octets, counted, in the errors of this
 * program. TLS may hold octets that the socket below no longer shows, therefore everything goes
 * through GIO's pollable streams and nothing polls the socket itself. How a link is opened stands
 * in tls.c and command.c; when it is waited for, in pump.c. */

#include "net/link-private.h"

#include <glib-unix.h>
#include <glib/gi18n.h>

#include "util/error.h"

ImsLink *
ims_link_new(const char *name, GIOStream *stream, GSocket *socket)
{
    ImsLink *self = g_new0(ImsLink, 1);

    self->name = g_strdup(name);
    self->socket = g_object_ref(socket);
    self->stderr_fd = -1;
    ims_link_set_stream(self, stream);

    return self;
}

void
ims_link_set_stream(ImsLink *self, GIOStream *stream)
{
    g_clear_object(&self->stream);
    self->stream = stream;
    self->input = G_POLLABLE_INPUT_STREAM(g_io_stream_get_input_stream(stream));
    self->output = G_POLLABLE_OUTPUT_STREAM(g_io_stream_get_output_stream(stream));
}

/* A goodbye must not wait: it is said only if there is room for it, and not into the middle of a
 * record that TLS could not finish. */
static void
close_stream(ImsLink *self)
{
    if (!self->blocked && g_pollable_output_stream_is_writable(self->output))
        g_io_stream_close(self->stream, NULL, NULL);
    g_socket_close(self->socket, NULL);
}

void
ims_link_free(ImsLink *self)
{
    if (self == NULL)
        return;

    close_stream(self);
    ims_link_end_command(self);
    g_clear_object(&self->stream);
    g_clear_object(&self->tls);
    g_clear_object(&self->socket);
    g_clear_object(&self->address);
    g_free(self->peer);
    g_free(self->name);
    g_free(self);
}

ImsLinkCount
ims_link_count(const ImsLink *self)
{
    return self->count;
}

gboolean
ims_link_is_remote(const ImsLink *self)
{
    g_autoptr(GSocketAddress) peer = g_socket_get_remote_address(self->socket, NULL);

    return self->proxied || (G_IS_INET_SOCKET_ADDRESS(peer) &&
                             !g_inet_address_get_is_loopback(
                                 g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(peer))));
}

static gboolean
is_closing(const GError *error)
{
    return g_error_matches(error, G_TLS_ERROR, G_TLS_ERROR_EOF) ||
           g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED) ||
           g_error_matches(error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE) ||
           g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

/* What a movement that moved nothing means. */
static gboolean
judge(const ImsLink *self, const GError *problem, ImsLinkStep *out_step, GError **error)
{
    if (g_error_matches(problem, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
        *out_step = IMS_LINK_BLOCKED;
        return TRUE;
    }
    if (is_closing(problem)) {
        *out_step = IMS_LINK_CLOSED;
        return TRUE;
    }
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_OFFLINE,
        _("%s: connection lost: %s"),
        self->name,
        problem->message);
    return FALSE;
}

gboolean
ims_link_read(
    ImsLink *self, guint8 *data, gsize size, gsize *out_len, ImsLinkStep *out_step, GError **error)
{
    g_autoptr(GError) problem = NULL;
    gssize len = g_pollable_input_stream_read_nonblocking(self->input, data, size, NULL, &problem);

    if (len < 0)
        return judge(self, problem, out_step, error);
    if (len == 0) {
        *out_step = IMS_LINK_CLOSED;
        return TRUE;
    }

    self->count.received += (guint64)len;
    self->heard = TRUE;
    *out_len = (gsize)len;
    *out_step = IMS_LINK_MOVED;
    return TRUE;
}

gboolean
ims_link_write(
    ImsLink *self,
    const guint8 *data,
    gsize len,
    gsize *out_len,
    ImsLinkStep *out_step,
    GError **error)
{
    g_autoptr(GError) problem = NULL;
    gssize gone =
        g_pollable_output_stream_write_nonblocking(self->output, data, len, NULL, &problem);

    self->blocked = gone < 0;
    if (gone < 0)
        return judge(self, problem, out_step, error);

    self->count.sent += (guint64)gone;
    self->count.flights += self->heard;
    self->heard = FALSE;
    *out_len = (gsize)gone;
    *out_step = IMS_LINK_MOVED;
    return TRUE;
}

static gboolean
wake_by_stream(GObject *stream, gpointer data)
{
    return G_SOURCE_REMOVE;
}

static void
add_source(GSource *source, GSourceFunc wake, GPtrArray *sources)
{
    g_source_set_callback(source, wake, NULL, NULL);
    g_ptr_array_add(sources, source);
}

void
ims_link_add_sources(ImsLink *self, gboolean reading, gboolean writing, GPtrArray *sources)
{
    if (reading)
        add_source(
            g_pollable_input_stream_create_source(self->input, NULL),
            G_SOURCE_FUNC(wake_by_stream),
            sources);
    if (writing)
        add_source(
            g_pollable_output_stream_create_source(self->output, NULL),
            G_SOURCE_FUNC(wake_by_stream),
            sources);
}
