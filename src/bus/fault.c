/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors
 *
 * Errors on their way to the bus. Each code of IMS_ERROR has the D-Bus error of the same name,
 * which data/dbus/org.imapsync1.xml explains. The name is always set by hand: a bare errno of our
 * own would reach the client as "Unknown error". What has not been turned into an IMS_ERROR by the
 * floor that knows what it means is shown as a plain failure, with its message. */
#include "bus/fault.h"

#include "util/names.h"

const char *
ims_fault_name(const GError *error)
{
    g_autofree char *name = NULL;

    if (error == NULL)
        return "";
    if (error->domain != IMS_ERROR || error->code < 0 || error->code >= IMS_N_ERRORS)
        return SD_BUS_ERROR_FAILED;

    name = g_strconcat(IMS_ERROR_PREFIX, ims_error_name((ImsError)error->code), NULL);
    return g_intern_string(name);
}

char *
ims_fault_message(const GError *error)
{
    return error == NULL ? g_strdup("") : g_utf8_make_valid(error->message, -1);
}

int
ims_fault_set(sd_bus_error *ret_error, const GError *error)
{
    g_autofree char *message = ims_fault_message(error);

    return sd_bus_error_set(ret_error, ims_fault_name(error), message);
}

int
ims_fault_append(sd_bus_message *m, const GError *error)
{
    g_autofree char *message = ims_fault_message(error);

    return sd_bus_message_append(m, "(ss)", ims_fault_name(error), message);
}

void
ims_fault_answer(const GError *error, gpointer message)
{
    sd_bus_error fault = SD_BUS_ERROR_NULL;

    if (error == NULL) {
        sd_bus_reply_method_return(message, NULL);
    } else {
        ims_fault_set(&fault, error);
        sd_bus_reply_method_error(message, &fault);
    }
    sd_bus_error_free(&fault);
    sd_bus_message_unref(message);
}
