/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Searches the keyring by libsecret, without unlocking it, unless just that is asked for:
 * secret_password_lookup() would call a locked password "not there", secret_password_clear()
 * unlocks, and to unlock is to prompt, which a daemon must not do by itself (besides, libsecret
 * 0.20 never answers when a prompt is cancelled).
 * A search whose time has passed or that was cancelled stays until libsecret comes back, and then
 * ends without a word. */

#include "account/secret.h"

#include <glib/gi18n.h>
#include <libsecret/secret.h>
#include <string.h>

#include "util/names.h"

#define DEADLINE_MS 10000

typedef enum { FIND, ERASE, UNLOCK } Purpose;

struct ImsSecretSearch {
    GHashTable *attributes;
    Purpose purpose;
    GList *left;             /* SecretItem: to be removed, or unlocked */
    ImsSecretFound callback; /* NULL: answered, or cancelled */
    gpointer data;
    GCancellable *cancel;
    guint timer;
};

static const SecretSchema schema = {
    IMS_SECRET_SCHEMA,
    SECRET_SCHEMA_NONE,
    {
        {"account", SECRET_SCHEMA_ATTRIBUTE_STRING},
        {"side", SECRET_SCHEMA_ATTRIBUTE_STRING},
        {"host", SECRET_SCHEMA_ATTRIBUTE_STRING},
        {"username", SECRET_SCHEMA_ATTRIBUTE_STRING},
        {NULL, 0},
    },
};

static void
search_free(ImsSecretSearch *self)
{
    g_list_free_full(self->left, g_object_unref);
    g_hash_table_unref(self->attributes);
    g_object_unref(self->cancel);
    g_free(self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsSecretSearch, search_free)

static void
answer(ImsSecretSearch *self, ImsSecretOutcome outcome, const char *password, const char *message)
{
    ImsSecretFound callback = self->callback;

    g_clear_handle_id(&self->timer, g_source_remove);
    self->callback = NULL;
    if (callback != NULL)
        callback(outcome, password, message, self->data);
}

static gboolean
deadline_passed(gpointer data)
{
    ImsSecretSearch *self = data;

    self->timer = 0; /* this source ends by itself */
    g_cancellable_cancel(self->cancel);
    if (self->purpose == UNLOCK)
        answer(self, IMS_SECRET_LOCKED, NULL, NULL);
    else
        answer(self, IMS_SECRET_ERROR, NULL, _("it does not answer"));
    return G_SOURCE_REMOVE;
}

/* Whether @error says that there is nobody to ask. */
static gboolean
is_absence(const GError *error)
{
    return g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
           g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
           g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SPAWN_SERVICE_NOT_FOUND) ||
           g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SPAWN_EXEC_FAILED) ||
           g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SPAWN_CHILD_EXITED) ||
           g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) || /* no session bus */
           g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
}

static void
answer_error(ImsSecretSearch *self, GError *error)
{
    g_dbus_error_strip_remote_error(error);
    answer(self, is_absence(error) ? IMS_SECRET_ABSENT : IMS_SECRET_ERROR, NULL, error->message);
}

/* An item that is being made may not tell yet, which libsecret finds critical. */
static gboolean
tells(SecretItem *item, const char *property)
{
    g_autoptr(GVariant) told = g_dbus_proxy_get_cached_property(G_DBUS_PROXY(item), property);

    return told != NULL;
}

static guint64
modified_of(SecretItem *item)
{
    return tells(item, "Modified") ? secret_item_get_modified(item) : 0;
}

static gboolean
is_locked(SecretItem *item)
{
    return tells(item, "Locked") && secret_item_get_locked(item);
}

/* The newest of the items whose secret came; several may match if another program stored one. */
static SecretItem *
newest_with_secret(GList *items)
{
    SecretItem *newest = NULL;
    guint64 latest = 0;

    for (; items != NULL; items = items->next) {
        g_autoptr(SecretValue) value = secret_item_get_secret(items->data);
        guint64 modified = modified_of(items->data);

        if (value != NULL && secret_value_get_text(value) != NULL &&
            (newest == NULL || modified > latest)) {
            newest = items->data;
            latest = modified;
        }
    }
    return newest;
}

static gboolean
any_locked(GList *items)
{
    for (; items != NULL; items = items->next) {
        if (is_locked(items->data))
            return TRUE;
    }
    return FALSE;
}

static void
answer_found(ImsSecretSearch *self, GList *items)
{
    SecretItem *item = newest_with_secret(items);
    g_autoptr(SecretValue) value = NULL;

    if (item == NULL) {
        answer(self, any_locked(items) ? IMS_SECRET_LOCKED : IMS_SECRET_NONE, NULL, NULL);
        return;
    }
    value = secret_item_get_secret(item);
    answer(self, IMS_SECRET_FOUND, secret_value_get_text(value), NULL);
}

static void erase_next(ImsSecretSearch *self);

static void
erased(GObject *item, GAsyncResult *result, gpointer data)
{
    g_autoptr(ImsSecretSearch) self = data;
    g_autoptr(GError) error = NULL;

    if (!secret_item_delete_finish(SECRET_ITEM(item), result, &error))
        answer_error(self, error);
    else
        erase_next(g_steal_pointer(&self));
}

/* @self: (transfer full) */
static void
erase_next(ImsSecretSearch *self)
{
    g_autoptr(SecretItem) item = NULL;

    if (self->left == NULL) {
        answer(self, IMS_SECRET_NONE, NULL, NULL);
        search_free(self);
        return;
    }
    item = self->left->data;
    self->left = g_list_delete_link(self->left, self->left);
    secret_item_delete(item, self->cancel, erased, self);
}

static void
unlocked(GObject *service, GAsyncResult *result, gpointer data)
{
    g_autoptr(ImsSecretSearch) self = data;
    g_autoptr(GError) error = NULL;
    gint n = secret_service_unlock_finish(SECRET_SERVICE(service), result, NULL, &error);

    if (error != NULL)
        answer_error(self, error);
    else if (n < (gint)g_list_length(self->left)) /* the user does not want it */
        answer(self, IMS_SECRET_LOCKED, NULL, NULL);
    else
        answer(self, IMS_SECRET_FOUND, NULL, NULL);
}

/* The keyring is not to hear of a deadline, nor of a cancel: libsecret would withdraw the prompt,
 * and never come back. The user may answer it all the same. @self: (transfer full). */
static void
unlock(SecretService *service, ImsSecretSearch *self, GList *items)
{
    for (GList *item = items; item != NULL; item = item->next) {
        if (is_locked(item->data))
            self->left = g_list_prepend(self->left, g_object_ref(item->data));
    }
    if (self->left == NULL) {
        answer(self, items != NULL ? IMS_SECRET_FOUND : IMS_SECRET_NONE, NULL, NULL);
        search_free(self);
        return;
    }
    secret_service_unlock(service, self->left, NULL, unlocked, self);
}

static void
searched(GObject *service, GAsyncResult *result, gpointer data)
{
    g_autoptr(ImsSecretSearch) self = data;
    g_autoptr(GError) error = NULL;
    GList *items = secret_service_search_finish(SECRET_SERVICE(service), result, &error);

    if (error != NULL) {
        answer_error(self, error);
    } else if (self->callback == NULL) {
        /* nobody wants it any more */
    } else if (self->purpose == FIND) {
        answer_found(self, items);
    } else if (self->purpose == UNLOCK) {
        unlock(SECRET_SERVICE(service), g_steal_pointer(&self), items);
    } else if (any_locked(items)) {
        answer(self, IMS_SECRET_LOCKED, NULL, NULL);
    } else {
        self->left = g_steal_pointer(&items);
        erase_next(g_steal_pointer(&self));
    }
    g_list_free_full(items, g_object_unref);
}

static void
connected(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(ImsSecretSearch) self = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(SecretService) service = secret_service_get_finish(result, &error);

    if (service == NULL) {
        answer_error(self, error);
        return;
    }
    secret_service_search(
        service,
        &schema,
        self->attributes,
        self->purpose == FIND ? SECRET_SEARCH_ALL | SECRET_SEARCH_LOAD_SECRETS : SECRET_SEARCH_ALL,
        self->cancel,
        searched,
        self);
    g_steal_pointer(&self);
}

/* @attributes: (transfer full) */
static ImsSecretSearch *
search(
    GHashTable *attributes,
    Purpose purpose,
    guint timeout_ms,
    ImsSecretFound callback,
    gpointer data)
{
    ImsSecretSearch *self = g_new0(ImsSecretSearch, 1);

    self->attributes = attributes;
    self->purpose = purpose;
    self->callback = callback;
    self->data = data;
    self->cancel = g_cancellable_new();
    self->timer = g_timeout_add(timeout_ms, deadline_passed, self);
    secret_service_get(SECRET_SERVICE_OPEN_SESSION, self->cancel, connected, self);
    return self;
}

ImsSecretSearch *
ims_secret_find(
    const char *account,
    ImsSide side,
    const char *host,
    const char *username,
    ImsSecretFound callback,
    gpointer data)
{
    GHashTable *attributes = secret_attributes_build(
        &schema,
        "account",
        account,
        "side",
        ims_side_name(side),
        "host",
        host,
        "username",
        username,
        NULL);

    return search(attributes, FIND, DEADLINE_MS, callback, data);
}

ImsSecretSearch *
ims_secret_erase(const char *account, ImsSecretFound callback, gpointer data)
{
    GHashTable *attributes = secret_attributes_build(&schema, "account", account, NULL);

    return search(attributes, ERASE, DEADLINE_MS, callback, data);
}

ImsSecretSearch *
ims_secret_unlock(const char *account, guint timeout_ms, ImsSecretFound callback, gpointer data)
{
    GHashTable *attributes = secret_attributes_build(&schema, "account", account, NULL);

    return search(attributes, UNLOCK, timeout_ms, callback, data);
}

void
ims_secret_search_prolong(ImsSecretSearch *self, guint timeout_ms)
{
    g_clear_handle_id(&self->timer, g_source_remove);
    self->timer = g_timeout_add(timeout_ms, deadline_passed, self);
}

void
ims_secret_search_cancel(ImsSecretSearch *self)
{
    if (self == NULL)
        return;
    self->callback = NULL;
    g_clear_handle_id(&self->timer, g_source_remove);
    g_cancellable_cancel(self->cancel);
}

void
ims_secret_wipe(char *password)
{
    if (password == NULL)
        return;
    explicit_bzero(password, strlen(password));
    g_free(password);
}
