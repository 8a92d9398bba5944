/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors
 *
 * sd-bus in a GLib main loop. A connection tells which poll events it waits for and when it wants
 * to be called next; both change with every message (and while it authenticates), so they are asked
 * for before each poll. A turn handles a bounded number of messages, so that one chatty client
 * starves nobody.
 *
 * libsystemd has no locks and does not notice calls from a wrong thread. Calls come either from
 * below this source, which asserts that its thread owns the context, or from the accounts through
 * bus/service, which does the same. */
#include "bus/source.h"

#include <errno.h>
#include <poll.h>

#define MESSAGES_PER_TURN 32

typedef struct {
    GSource base;
    sd_bus *bus;
    gpointer tag; /* of the file descriptor */
    GIOCondition mask;
    guint64 until_us; /* monotonic; UINT64_MAX for none */
    ImsBusLost lost;
    gpointer data;
} BusSource;

static GIOCondition
condition_from_poll(int events)
{
    GIOCondition condition = G_IO_ERR | G_IO_HUP;

    if (events & POLLIN)
        condition |= G_IO_IN;
    if (events & POLLOUT)
        condition |= G_IO_OUT;
    return condition;
}

static gboolean
source_prepare(GSource *source, int *timeout_ms)
{
    BusSource *self = (BusSource *)source;
    int events = sd_bus_get_events(self->bus);
    guint64 now_us = (guint64)g_get_monotonic_time();

    /* Closed: dispatch finds out why. */
    if (events < 0 || sd_bus_get_timeout(self->bus, &self->until_us) < 0)
        return TRUE;

    if (condition_from_poll(events) != self->mask) {
        self->mask = condition_from_poll(events);
        g_source_modify_unix_fd(source, self->tag, self->mask);
    }
    *timeout_ms = -1;
    if (self->until_us != UINT64_MAX && self->until_us > now_us)
        *timeout_ms = (int)MIN((self->until_us - now_us + 999) / 1000, (guint64)G_MAXINT);
    return self->until_us <= now_us;
}

static gboolean
source_check(GSource *source)
{
    BusSource *self = (BusSource *)source;

    return g_source_query_unix_fd(source, self->tag) != 0 ||
           self->until_us <= (guint64)g_get_monotonic_time();
}

static gboolean
source_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    BusSource *self = (BusSource *)source;
    int r = 1;

    g_assert(g_main_context_is_owner(g_source_get_context(source)));
    for (guint n = 0; r > 0 && n < MESSAGES_PER_TURN && !g_source_is_destroyed(source); n++)
        r = sd_bus_process(self->bus, NULL);
    if (r >= 0)
        return G_SOURCE_CONTINUE;

    self->lost(-r, self->data);
    return G_SOURCE_REMOVE;
}

static void
source_finalize(GSource *source)
{
    sd_bus_unref(((BusSource *)source)->bus);
}

static GSourceFuncs source_funcs = {
    .prepare = source_prepare,
    .check = source_check,
    .dispatch = source_dispatch,
    .finalize = source_finalize,
};

GSource *
ims_bus_source_new(sd_bus *bus, ImsBusLost lost, gpointer data)
{
    GSource *source = g_source_new(&source_funcs, sizeof(BusSource));
    BusSource *self = (BusSource *)source;

    g_source_set_static_name(source, "imapsyncd bus");
    self->bus = sd_bus_ref(bus);
    self->mask = G_IO_IN | G_IO_ERR | G_IO_HUP;
    self->tag = g_source_add_unix_fd(source, sd_bus_get_fd(bus), self->mask);
    self->until_us = UINT64_MAX;
    self->lost = lost;
    self->data = data;
    return source;
}
