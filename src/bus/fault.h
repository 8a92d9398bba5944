/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

#include "util/error.h"

/* The one bridge from GError to D-Bus errors. */

/**
 * ims_fault_name:
 * @error: (nullable)
 *
 * Returns: (transfer none): its D-Bus error name; `org.freedesktop.DBus.Error.Failed` for an error
 * of another domain than IMS_ERROR, "" for NULL
 */
const char *ims_fault_name(const GError *error);

/**
 * ims_fault_message:
 * @error: (nullable)
 *
 * Returns: (transfer full): its message in valid UTF-8, "" for NULL
 */
char *ims_fault_message(const GError *error);

/**
 * ims_fault_set:
 * @ret_error: as handed to a method handler
 * @error: what to answer
 *
 * Returns: the negative number that the handler returns
 */
int ims_fault_set(sd_bus_error *ret_error, const GError *error);

/**
 * ims_fault_append:
 * @error: (nullable)
 *
 * Appends name and message as `(ss)`, both "" for NULL.
 *
 * Returns: negative on failure
 */
int ims_fault_append(sd_bus_message *m, const GError *error);

/**
 * ims_fault_answer:
 * @error: (nullable): NULL: it went well
 * @message: (transfer full): the call that was held, which has no result
 *
 * Answers it.
 */
void ims_fault_answer(const GError *error, gpointer message);
