/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* Between sd-bus messages and GVariants: the commands look up values by name in dictionaries, for
 * which sd-bus alone would need a loop each. File descriptors are not carried. */

/**
 * ims_message_append_all:
 * @value: (transfer none): a tuple; its members become the arguments of @m
 *
 * Returns: negative errno on failure.
 */
int ims_message_append_all(sd_bus_message *m, GVariant *value);

/**
 * ims_message_read_all:
 * @out_value: (out): (transfer full): a tuple of all that @m holds; not floating
 *
 * Returns: negative errno on failure.
 */
int ims_message_read_all(sd_bus_message *m, GVariant **out_value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_message, sd_bus_message_unref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(sd_bus_error, sd_bus_error_free)
