/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/**
 * ImsBusLost:
 * @errnum: an errno value
 *
 * The connection has ended; the source is removed after this call.
 */
typedef void (*ImsBusLost)(int errnum, gpointer data);

/**
 * ims_bus_source_new:
 * @bus: a started connection; the source keeps a reference
 *
 * Lets a GLib main context move the messages of @bus: attach it with g_source_attach(), on the
 * thread that makes all calls on @bus.
 *
 * Returns: (transfer full): destroy it before closing @bus
 */
GSource *ims_bus_source_new(sd_bus *bus, ImsBusLost lost, gpointer data);
