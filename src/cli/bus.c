/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Everything that is the same for each call: the connection, the error names, and what to do when
 * the service is not there. A call blocks, for nothing else happens meanwhile in this program; only
 * watching jobs has a loop (cli/watch). */

#include "cli/bus.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <string.h>

#include "cli/message.h"
#include "util/error.h"
#include "util/names.h"

sd_bus *
ims_bus_open(GError **error)
{
    sd_bus *bus = NULL;
    int r = sd_bus_open_user(&bus);

    if (r < 0) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_NOT_RUNNING,
            _("there is no session bus (%s). Log in to a desktop, or put \"dbus-run-session\" in "
              "front "
              "of the command"),
            g_strerror(-r));
        return NULL;
    }

    return bus;
}

static gboolean
means_absent(const char *name)
{
    return g_str_equal(name, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
           g_str_equal(name, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
}

static gboolean
means_not_started(const char *name)
{
    return g_str_has_prefix(name, "org.freedesktop.DBus.Error.Spawn.") ||
           g_str_has_prefix(name, "org.freedesktop.systemd1.") ||
           g_str_equal(name, SD_BUS_ERROR_NO_REPLY) || g_str_equal(name, SD_BUS_ERROR_TIMEOUT) ||
           g_str_equal(name, SD_BUS_ERROR_DISCONNECTED);
}

GError *
ims_bus_error(const char *name, const char *message)
{
    if (*name == '\0')
        return NULL;

    if (g_str_has_prefix(name, IMS_ERROR_PREFIX)) {
        const char *ours = name + strlen(IMS_ERROR_PREFIX);

        for (int code = 0; code < IMS_N_ERRORS; code++) {
            if (g_str_equal(ours, ims_error_name((ImsError)code)))
                return g_error_new_literal(IMS_ERROR, code, message);
        }
    }
    if (means_absent(name))
        return g_error_new_literal(
            IMS_ERROR,
            IMS_ERROR_NOT_RUNNING,
            _("the service imapsyncd is not known on this bus. Install it (meson install), or "
              "start "
              "it by hand on the same bus"));
    if (means_not_started(name))
        return g_error_new(
            IMS_ERROR,
            IMS_ERROR_NOT_RUNNING,
            _("the service imapsyncd does not answer: %s. See what it says with \"journalctl "
              "--user -u "
              "imapsyncd\""),
            message);

    return g_error_new(IMS_ERROR, IMS_ERROR_PROTOCOL, "%s (%s)", message, name);
}

static void
set_from_bus(int r, const sd_bus_error *from, GError **error)
{
    if (sd_bus_error_is_set(from))
        g_propagate_error(
            error, ims_bus_error(from->name, from->message != NULL ? from->message : from->name));
    else
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_NOT_RUNNING,
            _("the session bus cannot be used: %s. Is it still running?"),
            g_strerror(-r));
}

static GVariant *
read_reply(sd_bus_message *reply, const char *type, GError **error)
{
    g_autoptr(GVariant) value = NULL;
    int r = ims_message_read_all(reply, &value);

    if (r < 0 || !g_variant_is_of_type(value, G_VARIANT_TYPE(type))) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_PROTOCOL,
            _("the service gave an answer of type %s where %s was expected; is it of another "
              "version "
              "than this program?"),
            sd_bus_message_get_signature(reply, TRUE),
            type);
        return NULL;
    }

    return g_steal_pointer(&value);
}

GVariant *
ims_bus_call(
    sd_bus *bus,
    const char *path,
    const char *method,
    GVariant *args,
    const char *reply_type,
    GError **error)
{
    const char *dot = strrchr(method, '.');
    g_autofree char *interface = g_strndup(method, (gsize)(dot - method));
    g_autoptr(GVariant) owned_args = g_variant_ref_sink(args);
    g_auto(sd_bus_error) failure = SD_BUS_ERROR_NULL;
    g_autoptr(sd_bus_message) call = NULL;
    g_autoptr(sd_bus_message) reply = NULL;
    int r = sd_bus_message_new_method_call(bus, &call, IMS_BUS_NAME, path, interface, dot + 1);

    if (r >= 0)
        r = ims_message_append_all(call, owned_args);
    if (r >= 0)
        r = sd_bus_call(bus, call, 0, &failure, &reply);
    if (r < 0) {
        set_from_bus(r, &failure, error);
        return NULL;
    }

    return read_reply(reply, reply_type, error);
}

GVariant *
ims_bus_get(sd_bus *bus, const char *path, const char *property, const char *type, GError **error)
{
    const char *dot = strrchr(property, '.');
    g_autofree char *interface = g_strndup(property, (gsize)(dot - property));
    g_autoptr(GVariant) value = NULL;
    g_autoptr(GVariant) reply = ims_bus_call(
        bus,
        path,
        "org.freedesktop.DBus.Properties.Get",
        g_variant_new("(ss)", interface, dot + 1),
        "(v)",
        error);

    if (reply == NULL)
        return NULL;

    g_variant_get(reply, "(v)", &value);
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE(type))) {
        g_set_error(
            error, IMS_ERROR, IMS_ERROR_PROTOCOL, _("the service gave %s another type"), property);
        return NULL;
    }

    return g_steal_pointer(&value);
}

char *
ims_bus_account_path(sd_bus *bus, const char *name, GError **error)
{
    char *path = NULL;
    g_autoptr(GVariant) reply = ims_bus_call(
        bus,
        IMS_ROOT_PATH,
        IMS_MANAGER_INTERFACE ".GetAccount",
        g_variant_new("(s)", name),
        "(o)",
        error);

    if (reply == NULL)
        return NULL;

    g_variant_get(reply, "(o)", &path);

    return path;
}

char *
ims_bus_account_name(const char *path)
{
    g_autofree char *name = NULL; /* GLib's allocator is the system's */

    if (sd_bus_path_decode(path, IMS_ACCOUNT_PATH, &name) <= 0)
        return g_strdup(path);

    return g_steal_pointer(&name);
}

GVariant *
ims_bus_status(sd_bus *bus, GError **error)
{
    GVariant *accounts = NULL;
    g_autoptr(GVariant) reply = ims_bus_call(
        bus,
        IMS_ROOT_PATH,
        IMS_MANAGER_INTERFACE ".Status",
        g_variant_new("()"),
        "(aa{sv})",
        error);

    if (reply == NULL)
        return NULL;

    g_variant_get(reply, "(@aa{sv})", &accounts);

    return accounts;
}

GVariant *
ims_bus_strv(const GPtrArray *words)
{
    GVariantBuilder builder;

    g_variant_builder_init(&builder, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; words != NULL && i < words->len; i++)
        g_variant_builder_add(&builder, "s", g_ptr_array_index(words, i));

    return g_variant_builder_end(&builder);
}

GVariant *
ims_bus_no_options(void)
{
    return g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0);
}
