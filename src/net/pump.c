/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Moves bytes on all links of a thread until a question is answered. Blocking reads and writes
 * would hang as soon as two servers each wait for us to read; callbacks would lose the order of
 * events. So this goes round all links, one read and one write each, asks, and goes round again; it
 * sleeps only when a whole round has moved nothing, which also means that every stream it reads
 * from has been drained. The laws that its users rely on stand in the header. */

#include "net/pump.h"

#include <glib-unix.h>
#include <glib/gi18n.h>

#include "net/link-private.h"
#include "util/error.h"
#include "util/log.h"

#define INPUT_SIZE (64 * 1024)

/* An attached link. */
typedef struct {
    ImsLink *link;
    const ImsPumpClient *client;
    gpointer self_of_client;
    guint8 *input; /* @start..@end: what the client has not taken yet */
    gsize start, end;
    gsize again;     /* octets that the last write was blocked with; 0 if it was not */
    gint64 moved_us; /* when an octet last moved, or a wait began */
    GError *fault;   /* the link is dead; given to every wait on it */
} Port;

struct ImsPump {
    GMainContext *context;
    GCancellable *cancel;
    int cancel_fd; /* readable once it is cancelled */
    GPtrArray *ports;
};

static void
port_free(gpointer data)
{
    Port *port = data;

    g_clear_error(&port->fault);
    g_free(port->input);
    g_free(port);
}

ImsPump *
ims_pump_new(GCancellable *cancel)
{
    ImsPump *self = g_new0(ImsPump, 1);

    self->context = g_main_context_new();
    g_main_context_push_thread_default(self->context);
    self->cancel = cancel != NULL ? g_object_ref(cancel) : g_cancellable_new();
    self->cancel_fd = g_cancellable_get_fd(self->cancel);
    self->ports = g_ptr_array_new_with_free_func(port_free);
    return self;
}

void
ims_pump_free(ImsPump *self)
{
    if (self == NULL)
        return;

    g_ptr_array_unref(self->ports);
    g_main_context_pop_thread_default(self->context);
    g_main_context_unref(self->context);
    g_cancellable_release_fd(self->cancel);
    g_object_unref(self->cancel);
    g_free(self);
}

GCancellable *
ims_pump_cancellable(const ImsPump *self)
{
    return self->cancel;
}

static Port *
find_port(const ImsPump *self, const ImsLink *link)
{
    for (guint i = 0; i < self->ports->len; i++) {
        Port *port = g_ptr_array_index(self->ports, i);

        if (port->link == link)
            return port;
    }
    return NULL;
}

void
ims_pump_attach(ImsPump *self, ImsLink *link, const ImsPumpClient *client, gpointer self_of_client)
{
    Port *port;

    g_return_if_fail(find_port(self, link) == NULL);

    port = g_new0(Port, 1);
    port->link = link;
    port->client = client;
    port->self_of_client = self_of_client;
    port->input = g_malloc(INPUT_SIZE);
    g_ptr_array_add(self->ports, port);
}

static void
trace_end(const Port *port)
{
    ImsLinkCount count = ims_link_count(port->link);

    ims_log_trace(
        IMS_LOG_PUMP,
        NULL,
        "closes %s: %" G_GUINT64_FORMAT " octets sent, %" G_GUINT64_FORMAT
        " received, %" G_GUINT64_FORMAT " flights",
        port->link->name,
        count.sent,
        count.received,
        count.flights);
}

void
ims_pump_detach(ImsPump *self, ImsLink *link)
{
    Port *port = find_port(self, link);

    if (port == NULL)
        return;
    if (ims_log_is_on(IMS_LOG_PUMP))
        trace_end(port);
    g_ptr_array_remove(self->ports, port);
}

void
ims_pump_replace(ImsPump *self, ImsLink *link, const ImsPumpClient *client, gpointer self_of_client)
{
    Port *port = find_port(self, link);

    g_return_if_fail(port != NULL && port->again == 0);

    port->client = client;
    port->self_of_client = self_of_client;
}

/* The functions below return whether something moved; a trouble is left in the port's @fault. */

static gboolean
feed(Port *port)
{
    gsize used = 0;

    if (port->fault != NULL || port->start == port->end)
        return FALSE;
    if (!port->client->feed(
            port->self_of_client,
            port->input + port->start,
            port->end - port->start,
            &used,
            &port->fault))
        return FALSE;

    port->start += used;
    return used > 0;
}

static void
meet_eof(Port *port)
{
    if (port->client->eof != NULL)
        port->client->eof(port->self_of_client, &port->fault);
    if (port->fault == NULL)
        g_set_error(
            &port->fault,
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            _("%s closed the connection"),
            port->link->name);
}

/* Nothing is read behind octets that the client has not taken yet: that is what keeps the memory
 * for a body bounded, and what makes its server wait. */
static gboolean
receive(Port *port)
{
    ImsLinkStep step;
    gsize len = 0;

    if (port->fault != NULL || port->start < port->end)
        return FALSE;
    if (!ims_link_read(port->link, port->input, INPUT_SIZE, &len, &step, &port->fault))
        return FALSE;
    if (step == IMS_LINK_CLOSED)
        meet_eof(port);
    if (step != IMS_LINK_MOVED)
        return FALSE;

    port->start = 0;
    port->end = len;
    port->moved_us = g_get_monotonic_time();
    feed(port);
    return TRUE;
}

/* A peer that closes may have said why (a BYE): it is heard before the link counts as closed. */
static void
meet_closed_output(Port *port)
{
    while (receive(port))
        continue;
    if (port->fault == NULL)
        meet_eof(port);
}

static gboolean
transmit(Port *port)
{
    const guint8 *data = NULL;
    ImsLinkStep step;
    gsize len, gone = 0;

    if (port->fault != NULL)
        return FALSE;
    len = port->client->output(port->self_of_client, &data);
    if (len == 0)
        return FALSE;
    if (port->again > 0)
        len = port->again;
    if (!ims_link_write(port->link, data, len, &gone, &step, &port->fault))
        return FALSE;
    port->again = step == IMS_LINK_BLOCKED ? len : 0;
    if (step == IMS_LINK_CLOSED)
        meet_closed_output(port);
    if (step != IMS_LINK_MOVED)
        return FALSE;

    port->client->sent(port->self_of_client, gone);
    port->moved_us = g_get_monotonic_time();
    return TRUE;
}

static gboolean
transmit_all(ImsPump *self)
{
    gboolean moved = FALSE;

    for (guint i = 0; i < self->ports->len; i++) {
        Port *port = g_ptr_array_index(self->ports, i);

        moved |= feed(port);
        moved |= transmit(port);
    }
    return moved;
}

static gboolean
receive_all(ImsPump *self)
{
    gboolean moved = FALSE;

    for (guint i = 0; i < self->ports->len; i++) {
        Port *port = g_ptr_array_index(self->ports, i);

        moved |= receive(port);
        ims_link_bound_stderr(port->link);
    }
    return moved;
}

static gboolean
wake_by_time(gpointer data)
{
    return G_SOURCE_REMOVE;
}

static gboolean
wake_by_cancel(int fd, GIOCondition condition, gpointer data)
{
    return G_SOURCE_REMOVE;
}

static void
end_source(gpointer data)
{
    g_source_destroy(data);
    g_source_unref(data);
}

/* What ends a wait: time, the user, or a link that can move. The user's cancel is watched by its
 * descriptor, as a GCancellable's own source may leak if another thread cancels while it is being
 * freed (GLib 2.74). */
static GPtrArray *
make_sources(ImsPump *self, gint64 until_us)
{
    GPtrArray *sources = g_ptr_array_new_with_free_func(end_source);
    GSource *timer = g_timeout_source_new(0);
    GSource *cancel = g_unix_fd_source_new(self->cancel_fd, G_IO_IN);

    g_source_set_ready_time(timer, until_us == G_MAXINT64 ? -1 : until_us);
    g_source_set_callback(timer, wake_by_time, NULL, NULL);
    g_ptr_array_add(sources, timer);
    g_source_set_callback(cancel, G_SOURCE_FUNC(wake_by_cancel), NULL, NULL);
    g_ptr_array_add(sources, cancel);

    for (guint i = 0; i < self->ports->len; i++) {
        Port *port = g_ptr_array_index(self->ports, i);
        const guint8 *data;

        if (port->fault == NULL)
            ims_link_add_sources(
                port->link,
                port->start == port->end,
                port->client->output(port->self_of_client, &data) > 0,
                sources);
    }
    return sources;
}

/* Attaching a source wakes the context by itself, so one iteration may have dispatched nothing: it
 * is asked until one of ours has. Once a second is often enough for bounding what commands say. */
static void
wait_for_bytes(ImsPump *self, gint64 until_us)
{
    gint64 soon_us = g_get_monotonic_time() + G_USEC_PER_SEC;
    g_autoptr(GPtrArray) sources = make_sources(self, MIN(until_us, soon_us));

    for (guint i = 0; i < sources->len; i++)
        g_source_attach(g_ptr_array_index(sources, i), self->context);
    while (!g_main_context_iteration(self->context, TRUE))
        continue;
}

/* A link is dead once it has been late: an answer that comes after its caller has given up would be
 * taken for the next one's. */
static void
check_time(Port *port, gint64 deadline_us, gint64 stall_us)
{
    gint64 now = g_get_monotonic_time();

    if (now >= deadline_us)
        g_set_error(
            &port->fault,
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            _("%s did not answer in time"),
            port->link->name);
    else if (stall_us > 0 && now - port->moved_us >= stall_us)
        g_set_error(
            &port->fault,
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            _("%s has been silent for too long"),
            port->link->name);
}

static gboolean
set_cancelled(GError **error)
{
    g_set_error_literal(error, IMS_ERROR, IMS_ERROR_CANCELLED, _("cancelled"));
    return FALSE;
}

static gboolean
set_fault(const Port *port, GError **error)
{
    g_propagate_error(error, g_error_copy(port->fault));
    return FALSE;
}

static void
trace_wait(const Port *port, const ImsLinkCount *before, gint64 begin_us)
{
    ImsLinkCount now = ims_link_count(port->link);

    ims_log_trace(
        IMS_LOG_PUMP,
        NULL,
        "waited %.1f ms for %s: %" G_GUINT64_FORMAT " octets sent, %" G_GUINT64_FORMAT
        " received%s%s",
        (double)(g_get_monotonic_time() - begin_us) / 1000,
        port->link->name,
        now.sent - before->sent,
        now.received - before->received,
        port->fault != NULL ? "; " : "",
        port->fault != NULL ? port->fault->message : "");
}

/* An answer that came before the trouble counts, so @ready is asked before the fault is looked at.
 */
static gboolean
move_until(
    ImsPump *self,
    Port *port,
    ImsReady ready,
    gconstpointer what,
    gint64 deadline_us,
    gint64 stall_us,
    GError **error)
{
    port->moved_us = g_get_monotonic_time();
    while (!g_cancellable_is_cancelled(self->cancel)) {
        gboolean moved = transmit_all(self);

        if (ready(what))
            return TRUE;
        moved |= receive_all(self);
        if (ready(what))
            return TRUE;
        if (port->fault == NULL)
            check_time(port, deadline_us, stall_us);
        if (port->fault != NULL)
            return set_fault(port, error);
        if (!moved)
            wait_for_bytes(
                self, stall_us > 0 ? MIN(deadline_us, port->moved_us + stall_us) : deadline_us);
    }
    return set_cancelled(error);
}

gboolean
ims_pump_until(
    ImsPump *self,
    ImsLink *link,
    ImsReady ready,
    gconstpointer what,
    gint64 deadline_us,
    gint64 stall_us,
    GError **error)
{
    Port *port = find_port(self, link);
    ImsLinkCount before = ims_link_count(link);
    gint64 begin_us = g_get_monotonic_time();
    gboolean is_ready;

    g_return_val_if_fail(port != NULL, FALSE);

    is_ready = move_until(self, port, ready, what, deadline_us, stall_us, error);
    if (ims_log_is_on(IMS_LOG_PUMP))
        trace_wait(port, &before, begin_us);
    return is_ready;
}
