/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* Gives a name of the bus back when nobody has called for a while, without losing a call. */
typedef struct ImsIdle ImsIdle;

typedef struct {
    gboolean (*wanted)(gpointer data); /* asked when the time is up: whether to stay all the same */
    void (*ended)(gpointer data);      /* the name is given back and all calls to it are answered */
} ImsIdleEvents;

/**
 * ims_idle_new:
 * @bus: (transfer none): outlives it; its messages are moved by somebody else
 * @name: (transfer none): owned on @bus; outlives it
 * @seconds: at least 1: for how long no method must have been called
 * @events: (transfer none): outlives it; called from the default main context
 *
 * Starts to count. If @wanted says yes, the count starts again with the next call of a method.
 *
 * Errors: IMS_ERROR_OFFLINE if the bus cannot be listened to.
 *
 * Returns: (transfer full): free it before @bus
 */
ImsIdle *ims_idle_new(
    sd_bus *bus,
    const char *name,
    guint seconds,
    const ImsIdleEvents *events,
    gpointer data,
    GError **error);

/** ims_idle_is_releasing: Returns: whether a NameLost that arrives now is its own doing. */
gboolean ims_idle_is_releasing(const ImsIdle *self);

void ims_idle_free(ImsIdle *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsIdle, ims_idle_free)
