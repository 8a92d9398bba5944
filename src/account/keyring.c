/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Listens to the signals of the Secret Service on the session bus, so that an account that waits
 * for its password goes on by itself and nothing polls. It says "something changed" and not what:
 * who waits searches again, which costs little and cannot miss a kind of change. */

#include "account/keyring.h"

#include <gio/gio.h>

#define SERVICE     "org.freedesktop.secrets"
#define DEBOUNCE_MS 200

struct ImsKeyringWatch {
    GDBusConnection *bus; /* NULL until it is there */
    GCancellable *cancel;
    GArray *subscriptions; /* guint */
    void (*changed)(gpointer data);
    gpointer data;
    guint timer; /* 0: no change is waiting to be told */
};

typedef struct {
    const char *sender, *interface, *member, *arg0;
} Signal;

/* NULL members mean any; the signals of a collection are about items, of the service about
 * collections, and properties tell of Locked. */
static const Signal signals[] = {
    {"org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", SERVICE},
    {SERVICE, "org.freedesktop.Secret.Service", NULL, NULL},
    {SERVICE, "org.freedesktop.Secret.Collection", NULL, NULL},
    {SERVICE, "org.freedesktop.DBus.Properties", "PropertiesChanged", NULL},
};

static gboolean
tell(gpointer data)
{
    ImsKeyringWatch *self = data;

    self->timer = 0;
    self->changed(self->data);
    return G_SOURCE_REMOVE;
}

static void
heard(
    GDBusConnection *bus,
    const char *sender,
    const char *path,
    const char *interface,
    const char *member,
    GVariant *parameters,
    gpointer data)
{
    ImsKeyringWatch *self = data;

    if (self->timer == 0)
        self->timer = g_timeout_add(DEBOUNCE_MS, tell, self);
}

static void
subscribe(ImsKeyringWatch *self)
{
    for (gsize i = 0; i < G_N_ELEMENTS(signals); i++) {
        guint id = g_dbus_connection_signal_subscribe(
            self->bus,
            signals[i].sender,
            signals[i].interface,
            signals[i].member,
            NULL,
            signals[i].arg0,
            G_DBUS_SIGNAL_FLAGS_NONE,
            heard,
            self,
            NULL);

        g_array_append_val(self->subscriptions, id);
    }
}

static void
bus_came(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) bus = g_bus_get_finish(result, &error);
    ImsKeyringWatch *self = data;

    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return; /* @self has been freed */
    if (bus == NULL) {
        g_message("keyring: changes will not be noticed: %s", error->message);
        return;
    }
    self->bus = g_steal_pointer(&bus);
    subscribe(self);
}

ImsKeyringWatch *
ims_keyring_watch_new(void (*changed)(gpointer data), gpointer data)
{
    ImsKeyringWatch *self = g_new0(ImsKeyringWatch, 1);

    self->cancel = g_cancellable_new();
    self->subscriptions = g_array_new(FALSE, FALSE, sizeof(guint));
    self->changed = changed;
    self->data = data;
    g_bus_get(G_BUS_TYPE_SESSION, self->cancel, bus_came, self);
    return self;
}

void
ims_keyring_watch_free(ImsKeyringWatch *self)
{
    if (self == NULL)
        return;
    g_cancellable_cancel(self->cancel);
    for (guint i = 0; i < self->subscriptions->len; i++)
        g_dbus_connection_signal_unsubscribe(
            self->bus, g_array_index(self->subscriptions, guint, i));
    g_clear_handle_id(&self->timer, g_source_remove);
    g_clear_object(&self->bus);
    g_array_unref(self->subscriptions);
    g_object_unref(self->cancel);
    g_free(self);
}
