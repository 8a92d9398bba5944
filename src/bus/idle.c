/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors
 *
 * How a service that is started by its first call can end itself and lose none. A call that the bus
 * has already handed to us must be answered by us; one that comes later must start the service
 * anew. The bus keeps the order of its messages: what it delivered before it took the name back
 * arrives before its answer to that. So the name is given back first, without waiting, and the end
 * comes with the answer. A call that arrives in between is taken as a sign that we are wanted: the
 * name is asked for again before the call is served. Should a new process have the name by then,
 * this one must not act on the accounts beside it, and tells the caller to repeat. */
#include "bus/idle.h"

#include <glib/gi18n.h>

#include "util/error.h"
#include "util/names.h"

typedef enum {
    IDLE_COUNTING,  /* or waiting for a call, without a timer */
    IDLE_RELEASING, /* the bus has not answered yet */
    IDLE_RETAKEN,   /* neither yet, but the name is ours again */
    IDLE_REPLACED,  /* neither yet, and another process has the name */
    IDLE_ENDED,
} IdleState;

struct ImsIdle {
    sd_bus *bus;
    const char *name;
    guint seconds;
    const ImsIdleEvents *events;
    gpointer data;
    sd_bus_slot *filter;
    sd_bus_slot *release; /* the answer that is waited for */
    guint timer;
    IdleState state;
};

static gboolean on_time_up(gpointer data);

static void
restart_timer(ImsIdle *self)
{
    if (self->timer != 0)
        g_source_remove(self->timer);
    self->timer = g_timeout_add_seconds(self->seconds, on_time_up, self);
}

static int
on_released(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsIdle *self = userdata;

    if (self->state == IDLE_RETAKEN) {
        self->state = IDLE_COUNTING;
        restart_timer(self);
        return 0;
    }
    self->state = IDLE_ENDED;
    self->events->ended(self->data);
    return 0;
}

static gboolean
on_time_up(gpointer data)
{
    ImsIdle *self = data;
    int r;

    self->timer = 0;
    if (self->events->wanted(self->data))
        return G_SOURCE_REMOVE;

    self->release = sd_bus_slot_unref(self->release);
    r = sd_bus_release_name_async(self->bus, &self->release, self->name, on_released, self);
    if (r >= 0) /* else the bus has gone, and whoever moves its messages finds out */
        self->state = IDLE_RELEASING;
    return G_SOURCE_REMOVE;
}

static void
retake(ImsIdle *self)
{
    int r = sd_bus_request_name(self->bus, self->name, 0);

    self->state = r < 0 ? IDLE_REPLACED : IDLE_RETAKEN;
}

/* Sees each message before the objects do. */
static int
on_message(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsIdle *self = userdata;

    if (!sd_bus_message_is_method_call(m, NULL, NULL))
        return 0;
    if (self->state == IDLE_RELEASING)
        retake(self);
    if (self->state == IDLE_REPLACED) {
        sd_bus_reply_method_errorf(
            m, IMS_ERROR_PREFIX "Busy", _("the service was just started anew: call it again"));
        return 1;
    }
    if (self->state == IDLE_COUNTING)
        restart_timer(self);
    return 0;
}

ImsIdle *
ims_idle_new(
    sd_bus *bus,
    const char *name,
    guint seconds,
    const ImsIdleEvents *events,
    gpointer data,
    GError **error)
{
    g_autoptr(ImsIdle) self = g_new0(ImsIdle, 1);
    int r;

    *self = (ImsIdle){.bus = bus, .name = name, .seconds = seconds, .events = events, .data = data};
    r = sd_bus_add_filter(bus, &self->filter, on_message, self);
    if (r < 0) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            _("the session bus cannot be listened to (%s): start again in a new session"),
            g_strerror(-r));
        return NULL;
    }
    restart_timer(self);
    return g_steal_pointer(&self);
}

gboolean
ims_idle_is_releasing(const ImsIdle *self)
{
    return self->state != IDLE_COUNTING;
}

void
ims_idle_free(ImsIdle *self)
{
    if (self == NULL)
        return;
    if (self->timer != 0)
        g_source_remove(self->timer);
    sd_bus_slot_unref(self->release);
    sd_bus_slot_unref(self->filter);
    g_free(self);
}
