/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* Calls of the service. Values go in and come back as GVariants. */

/**
 * ims_bus_open:
 *
 * Connects to the session bus.
 *
 * Errors: IMS_ERROR_NOT_RUNNING if there is none.
 *
 * Returns: (transfer full): free with sd_bus_flush_close_unref(); or NULL.
 */
sd_bus *ims_bus_open(GError **error);

/**
 * ims_bus_call:
 * @method: interface and member with a dot between them
 * @args: (transfer floating): a tuple
 * @reply_type: what must come back, as the type of a tuple
 *
 * Calls a method of the service, which the bus starts if need be; waits for the answer, at most the
 * 25 seconds that are usual on D-Bus.
 *
 * Errors: of the service, by their names; IMS_ERROR_NOT_RUNNING if the service cannot be reached or
 * started; IMS_ERROR_PROTOCOL if it answers anything else.
 *
 * Returns: (transfer full): the answer, or NULL.
 */
GVariant *ims_bus_call(
    sd_bus *bus,
    const char *path,
    const char *method,
    GVariant *args,
    const char *reply_type,
    GError **error);

/**
 * ims_bus_get:
 * @property: interface and property with a dot between them
 *
 * Errors: as ims_bus_call().
 *
 * Returns: (transfer full): the property's value, or NULL.
 */
GVariant *ims_bus_get(
    sd_bus *bus, const char *path, const char *property, const char *type, GError **error);

/**
 * ims_bus_error:
 * @name: of a D-Bus error
 *
 * Returns: (transfer full): the error that @name and @message stand for; NULL if @name is "".
 */
GError *ims_bus_error(const char *name, const char *message);

/**
 * ims_bus_account_path:
 *
 * Errors: IMS_ERROR_NO_SUCH_ACCOUNT, and as ims_bus_call().
 *
 * Returns: (transfer full): the object path of the account, or NULL.
 */
char *ims_bus_account_path(sd_bus *bus, const char *name, GError **error);

/** ims_bus_account_name: Returns: (transfer full): the name in an account's object path. */
char *ims_bus_account_name(const char *path);

/**
 * ims_bus_status:
 *
 * Errors: as ims_bus_call().
 *
 * Returns: (transfer full): Manager.Status, an `aa{sv}`; or NULL.
 */
GVariant *ims_bus_status(sd_bus *bus, GError **error);

/**
 * ims_bus_strv:
 * @words: (element-type utf8) (nullable)
 *
 * Returns: (transfer floating): them as an `as`.
 */
GVariant *ims_bus_strv(const GPtrArray *words);

/** ims_bus_no_options: Returns: (transfer floating): an empty `a{sv}`. */
GVariant *ims_bus_no_options(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus, sd_bus_flush_close_unref)
