/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors
 *
 * The service as a whole: its connection, its name, the accounts behind it, and an object on the
 * bus for each account and job. What happens below arrives here through the listener and is handed
 * to the object that it concerns. The objects themselves are in manager, account-object and
 * job-object. */
#include "bus/service.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <stdlib.h>
#include <string.h>

#include "bus/fault.h"
#include "bus/service-private.h"
#include "bus/source.h"
#include "util/names.h"

/* A cancelled job ends within a second; this is for one that cannot. */
#define STOP_LIMIT_MS 3000

char *
ims_service_account_path(const ImsAccount *account)
{
    char *path = NULL;
    int r = sd_bus_path_encode(IMS_ACCOUNT_PATH, ims_account_name(account), &path);

    g_assert(r >= 0);
    return path;
}

char *
ims_service_job_path(const ImsJob *job)
{
    return g_strdup_printf("%s/%" G_GUINT64_FORMAT, IMS_JOB_PATH, ims_job_id(job));
}

char **
ims_service_paths(GHashTable *objects)
{
    char **paths = calloc(g_hash_table_size(objects) + 1, sizeof *paths);
    GHashTableIter iter;
    gpointer path;
    gsize n = 0;

    if (paths == NULL)
        return NULL;
    g_hash_table_iter_init(&iter, objects);
    while (g_hash_table_iter_next(&iter, &path, NULL))
        paths[n++] = strdup(path);
    return paths;
}

static void
service_done(ImsService *self, const GError *error)
{
    ImsServiceDone done = g_steal_pointer(&self->done);

    if (done != NULL)
        done(error, self->data);
}

static gboolean
has_running_job(const ImsService *self)
{
    GPtrArray *jobs = ims_accounts_jobs(self->accounts);

    for (guint i = 0; i < jobs->len; i++) {
        if (ims_job_result(jobs->pdata[i]) == IMS_RESULT_RUNNING)
            return TRUE;
    }
    return FALSE;
}

static ImsAccountObject *
find_account(ImsService *self, ImsAccount *account)
{
    g_autofree char *path = ims_service_account_path(account);
    ImsAccountObject *object = g_hash_table_lookup(self->account_objects, path);

    if (object != NULL)
        return object;

    object = ims_account_object_new(self, account);
    g_hash_table_insert(self->account_objects, g_strdup(path), object);
    sd_bus_emit_object_added(self->bus, path);
    ims_manager_emit_changed(self, "Accounts");
    return object;
}

ImsJobObject *
ims_service_find_job(ImsService *self, ImsJob *job)
{
    g_autofree char *path = ims_service_job_path(job);
    ImsJobObject *object = g_hash_table_lookup(self->job_objects, path);

    if (object != NULL)
        return object;

    object = ims_job_object_new(self, job);
    g_hash_table_insert(self->job_objects, g_strdup(path), object);
    sd_bus_emit_object_added(self->bus, path);
    ims_manager_emit_changed(self, "Jobs");
    ims_account_object_refresh(find_account(self, ims_job_account(job)));
    ims_manager_emit_job_new(self, job);
    return object;
}

/* All that comes from below passes here: a worker's thread must never get as far as sd-bus. */
static ImsService *
on_main_thread(gpointer data)
{
    g_assert(g_main_context_is_owner(NULL));
    return data;
}

static void
on_account_added(ImsAccount *account, gpointer data)
{
    find_account(on_main_thread(data), account);
}

static void
on_account_removed(ImsAccount *account, gpointer data)
{
    ImsService *self = on_main_thread(data);
    g_autofree char *path = ims_service_account_path(account);

    sd_bus_emit_object_removed(self->bus, path);
    g_hash_table_remove(self->account_objects, path);
    ims_manager_emit_changed(self, "Accounts");
}

static void
on_account_changed(ImsAccount *account, gpointer data)
{
    ims_account_object_refresh(find_account(on_main_thread(data), account));
}

static void
on_issues_changed(ImsAccount *account, gpointer data)
{
    ImsAccountObject *object = find_account(on_main_thread(data), account);

    ims_account_object_refresh(object);
    ims_account_object_emit_issues_changed(object);
}

static void
on_mailbox_changed(ImsAccount *account, const ImsMailboxReport *mailbox, gpointer data)
{
    ims_account_object_emit_mailbox(find_account(on_main_thread(data), account), mailbox);
}

static void
on_job_added(ImsJob *job, gpointer data)
{
    ims_service_find_job(on_main_thread(data), job);
}

static void
on_job_progress(ImsJob *job, gpointer data)
{
    ims_job_object_progress(ims_service_find_job(on_main_thread(data), job));
}

static void
on_job_ended(ImsJob *job, gpointer data)
{
    ImsService *self = on_main_thread(data);
    ImsJobObject *object = ims_service_find_job(self, job);

    ims_account_object_refresh(find_account(self, ims_job_account(job)));
    ims_job_object_ended(object);
    if (self->stopping && self->done != NULL && !has_running_job(self))
        service_done(self, NULL);
}

static void
on_job_removed(ImsJob *job, gpointer data)
{
    ImsService *self = on_main_thread(data);
    g_autofree char *path = ims_service_job_path(job);

    sd_bus_emit_object_removed(self->bus, path);
    g_hash_table_remove(self->job_objects, path);
    ims_manager_emit_changed(self, "Jobs");
}

static const ImsListener listener = {
    .account_added = on_account_added,
    .account_changed = on_account_changed,
    .account_removed = on_account_removed,
    .issues_changed = on_issues_changed,
    .mailbox_changed = on_mailbox_changed,
    .job_added = on_job_added,
    .job_progress = on_job_progress,
    .job_ended = on_job_ended,
    .job_removed = on_job_removed,
};

static void
on_bus_lost(int errnum, gpointer data)
{
    g_autoptr(GError) error = g_error_new(
        IMS_ERROR,
        IMS_ERROR_OFFLINE,
        _("the session bus has gone (%s): start again in a new session"),
        g_strerror(errnum));

    service_done(data, error);
}

static int
on_name_lost(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsService *self = userdata;
    g_autoptr(GError) error = NULL;
    const char *name;

    if (sd_bus_message_read(m, "s", &name) < 0 || !g_str_equal(name, IMS_BUS_NAME))
        return 0;
    if (self->idle != NULL && ims_idle_is_releasing(self->idle))
        return 0;
    error = g_error_new(
        IMS_ERROR,
        IMS_ERROR_BUSY,
        _("the bus name %s was taken away: stop the program that owns it"),
        IMS_BUS_NAME);
    service_done(self, error);
    return 0;
}

static int
register_all(ImsService *self)
{
    int r = ims_manager_register(self);

    if (r >= 0)
        r = ims_account_object_register(self);
    if (r >= 0)
        r = ims_job_object_register(self);
    if (r >= 0)
        r = sd_bus_match_signal(
            self->bus,
            NULL,
            "org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus",
            "NameLost",
            on_name_lost,
            self);
    return r;
}

/* The name is the first guard against a second service on the same files: it is taken before any
 * file is opened. */
static gboolean
connect_bus(ImsService *self, GError **error)
{
    int r = sd_bus_open_user(&self->bus);

    if (r >= 0)
        r = register_all(self);
    if (r < 0) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            _("there is no session bus (%s): run this in a user session, or below %s"),
            g_strerror(-r),
            "dbus-run-session");
        return FALSE;
    }
    r = sd_bus_request_name(self->bus, IMS_BUS_NAME, 0);
    if (r < 0) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_BUSY,
            r == -EEXIST
                ? _("imapsyncd is already running in this session: use that one")
                : _("the bus name cannot be taken: correct the policy of the session bus"));
        return FALSE;
    }
    return TRUE;
}

ImsService *
ims_service_new(const char *config_dir, ImsServiceDone done, gpointer data, GError **error)
{
    g_autoptr(ImsService) self = g_new0(ImsService, 1);
    gboolean owner = g_main_context_acquire(NULL);
    GPtrArray *accounts;

    g_assert(owner); /* reports of the workers must never run on their own threads */
    self->account_objects = g_hash_table_new_full(
        g_str_hash, g_str_equal, g_free, (GDestroyNotify)ims_account_object_free);
    self->job_objects =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)ims_job_object_free);
    if (!connect_bus(self, error))
        return NULL;

    self->accounts = ims_accounts_new(config_dir, &listener, self);
    accounts = ims_accounts_all(self->accounts);
    for (guint i = 0; i < accounts->len; i++)
        find_account(self, accounts->pdata[i]);

    self->done = done;
    self->data = data;
    self->source = ims_bus_source_new(self->bus, on_bus_lost, self);
    g_source_attach(self->source, NULL);
    return g_steal_pointer(&self);
}

/* A job may outlive its account for a moment. */
static gboolean
is_wanted(gpointer data)
{
    const ImsService *self = data;

    return self->stopping || ims_service_n_accounts(self) > 0 || has_running_job(self);
}

static void
on_idle_ended(gpointer data)
{
    service_done(data, NULL);
}

gboolean
ims_service_end_when_idle(ImsService *self, guint seconds, GError **error)
{
    static const ImsIdleEvents events = {.wanted = is_wanted, .ended = on_idle_ended};

    self->idle = ims_idle_new(self->bus, IMS_BUS_NAME, seconds, &events, self, error);
    return self->idle != NULL;
}

static gboolean
on_stop_limit(gpointer data)
{
    ImsService *self = data;

    self->stop_timer = 0;
    service_done(self, NULL);
    return G_SOURCE_REMOVE;
}

void
ims_service_stop(ImsService *self)
{
    GPtrArray *accounts = ims_accounts_all(self->accounts);

    if (self->stopping)
        return;
    self->stopping = TRUE;
    self->stop_timer = g_timeout_add(STOP_LIMIT_MS, on_stop_limit, self);
    for (guint i = 0; i < accounts->len; i++)
        ims_account_cancel(accounts->pdata[i]);
    if (!has_running_job(self))
        service_done(self, NULL);
}

guint
ims_service_n_accounts(const ImsService *self)
{
    return ims_accounts_all(self->accounts)->len;
}

void
ims_service_free(ImsService *self)
{
    if (self == NULL)
        return;
    self->done = NULL;
    if (self->stop_timer != 0)
        g_source_remove(self->stop_timer);
    g_clear_pointer(&self->idle, ims_idle_free);
    g_clear_pointer(&self->accounts, ims_accounts_free);
    g_clear_pointer(&self->job_objects, g_hash_table_unref);
    g_clear_pointer(&self->account_objects, g_hash_table_unref);
    if (self->source != NULL) {
        g_source_destroy(self->source);
        g_source_unref(self->source);
    }
    sd_bus_flush_close_unref(self->bus);
    g_main_context_release(NULL);
    g_free(self);
}
