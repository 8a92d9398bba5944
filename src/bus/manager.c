/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors
 *
 * The object /org/imapsync1: all accounts at once, and news of all jobs, so that most clients need
 * no other object. */
#include <errno.h>
#include <glib/gi18n.h>

#include "bus/fault.h"
#include "bus/options.h"
#include "bus/service-private.h"
#include "bus/values.h"
#include "util/log.h"
#include "util/names.h"

static ImsAccount *
find_account(ImsService *self, const char *name, GError **error)
{
    ImsAccount *account = ims_accounts_find(self->accounts, name);

    if (account == NULL)
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_NO_SUCH_ACCOUNT,
            _("no account is called “%s”: see “%s” for those there are"),
            name,
            "imapsyncctl list");
    return account;
}

/* Reads names of accounts: all must be there, so that nothing is done for a misspelt one. */
static int
read_accounts(
    ImsService *self, sd_bus_message *m, GPtrArray **out_accounts, sd_bus_error *ret_error)
{
    g_autoptr(GPtrArray) accounts = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) names = NULL;
    int r = sd_bus_message_read_strv(m, &names);

    if (r < 0)
        return r;
    for (char **name = names; name != NULL && *name != NULL; name++) {
        ImsAccount *account = find_account(self, *name, &error);

        if (account == NULL)
            return ims_fault_set(ret_error, error);
        g_ptr_array_add(accounts, account);
    }

    *out_accounts = g_steal_pointer(&accounts);
    return 0;
}

static int
start_all(
    ImsService *self,
    const ImsSyncRequest *request,
    GPtrArray *named,
    sd_bus_message *m,
    GPtrArray *jobs,
    sd_bus_error *ret_error)
{
    GPtrArray *accounts = named->len > 0 ? named : ims_accounts_all(self->accounts);

    for (guint i = 0; i < accounts->len; i++) {
        ImsJob *job;
        int r = ims_sync_request_start(request, self, accounts->pdata[i], m, &job, ret_error);

        if (r < 0 && named->len > 0)
            return r;
        if (r < 0)
            sd_bus_error_free(ret_error);
        else
            g_ptr_array_add(jobs, job);
    }
    return 0;
}

static int
append_job_paths(sd_bus_message *m, GPtrArray *jobs)
{
    int r = sd_bus_message_open_container(m, 'a', "o");

    for (guint i = 0; r >= 0 && i < jobs->len; i++) {
        g_autofree char *path = ims_service_job_path(jobs->pdata[i]);

        r = sd_bus_message_append(m, "o", path);
    }
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static int
method_sync(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsService *self = userdata;
    g_auto(ImsSyncRequest) request = {0};
    g_autoptr(GPtrArray) accounts = NULL;
    g_autoptr(GPtrArray) jobs = g_ptr_array_new();
    g_autoptr(sd_bus_message) reply = NULL;
    int r = read_accounts(self, m, &accounts, ret_error);

    if (r >= 0)
        r = ims_sync_request_read(&request, m, ret_error);
    if (r >= 0)
        r = start_all(self, &request, accounts, m, jobs, ret_error);
    if (r >= 0)
        r = sd_bus_message_new_method_return(m, &reply);
    if (r >= 0)
        r = append_job_paths(reply, jobs);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int
append_status(sd_bus_message *m, ImsAccount *account)
{
    g_autofree char *path = ims_service_account_path(account);
    g_autofree char *message = ims_fault_message(ims_account_error(account));
    const ImsJob *job = ims_account_job(account);
    g_autofree char *job_path = job == NULL ? g_strdup("/") : ims_service_job_path(job);

    /* clang-format off */
    return sd_bus_message_append(
        m, "a{sv}", 10,
        "name", "s", ims_account_name(account),
        "path", "o", path,
        "state", "s", ims_account_state_name(ims_account_state(account)),
        "attention", "s", ims_attention_name(ims_account_attention(account)),
        "error-name", "s", ims_fault_name(ims_account_error(account)),
        "error-message", "s", message,
        "last-success", "t", (guint64)ims_account_last_success_us(account),
        "next-sync", "t", (guint64)ims_account_next_sync_us(account),
        "job", "o", job_path,
        "issues", "u", ims_account_issues(account)->len);
    /* clang-format on */
}

static int
method_status(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsService *self = userdata;
    GPtrArray *accounts = ims_accounts_all(self->accounts);
    g_autoptr(sd_bus_message) reply = NULL;
    int r = sd_bus_message_new_method_return(m, &reply);

    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "a{sv}");
    for (guint i = 0; r >= 0 && i < accounts->len; i++)
        r = append_status(reply, accounts->pdata[i]);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int
method_cancel(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsService *self = userdata;
    g_autoptr(GPtrArray) named = NULL;
    GPtrArray *accounts;
    guint n_jobs = 0;
    int r = read_accounts(self, m, &named, ret_error);

    if (r < 0)
        return r;
    accounts = named->len > 0 ? named : ims_accounts_all(self->accounts);
    for (guint i = 0; i < accounts->len; i++)
        n_jobs += ims_account_cancel(accounts->pdata[i]);

    return sd_bus_reply_method_return(m, "u", n_jobs);
}

static int
method_get_account(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    ImsAccount *account;
    const char *name;
    int r = sd_bus_message_read(m, "s", &name);

    if (r < 0)
        return r;
    account = find_account(userdata, name, &error);
    if (account == NULL)
        return ims_fault_set(ret_error, error);

    path = ims_service_account_path(account);
    return sd_bus_reply_method_return(m, "o", path);
}

static int
read_settings(sd_bus_message *m, GHashTable *settings)
{
    const char *key, *value;
    int r = sd_bus_message_enter_container(m, 'a', "{ss}");

    while (r >= 0) {
        r = sd_bus_message_read(m, "{ss}", &key, &value);
        if (r == 0)
            return sd_bus_message_exit_container(m);
        if (r > 0)
            g_hash_table_replace(settings, g_strdup(key), g_strdup(value));
    }
    return r;
}

static int
method_add_account(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsService *self = userdata;
    g_autoptr(GHashTable) settings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    ImsAccount *account;
    const char *name;
    int r = sd_bus_message_read(m, "s", &name);

    if (r >= 0)
        r = read_settings(m, settings);
    if (r < 0)
        return r;
    account = ims_accounts_add(self->accounts, name, settings, &error);
    if (account == NULL)
        return ims_fault_set(ret_error, error);

    path = ims_service_account_path(account);
    return sd_bus_reply_method_return(m, "o", path);
}

typedef struct {
    gboolean delete_store;
} RemoveOptions;

static const ImsOption remove_options[] = {
    {"delete-store", "b", offsetof(RemoveOptions, delete_store), -1},
    {NULL, NULL, 0, -1},
};

static int
method_remove_account(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsService *self = userdata;
    RemoveOptions options = {FALSE};
    g_autoptr(GError) error = NULL;
    ImsAccount *account;
    const char *name;
    int r = sd_bus_message_read(m, "s", &name);

    if (r >= 0)
        r = ims_options_read(m, remove_options, &options, ret_error);
    if (r < 0)
        return r;
    account = find_account(self, name, &error);
    if (account == NULL)
        return ims_fault_set(ret_error, error);
    if (!ims_accounts_remove(
            self->accounts, account, options.delete_store, ims_fault_answer, m, &error))
        return ims_fault_set(ret_error, error);

    sd_bus_message_ref(m);
    return 1;
}

static int
method_reload(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsService *self = userdata;

    ims_accounts_reload(self->accounts);
    return sd_bus_reply_method_return(m, NULL);
}

static int
get_version(
    sd_bus *bus,
    const char *path,
    const char *interface,
    const char *property,
    sd_bus_message *reply,
    void *userdata,
    sd_bus_error *ret_error)
{
    return sd_bus_message_append(reply, "s", IMS_VERSION);
}

static int
get_features(
    sd_bus *bus,
    const char *path,
    const char *interface,
    const char *property,
    sd_bus_message *reply,
    void *userdata,
    sd_bus_error *ret_error)
{
    g_auto(GStrv) names = ims_sync_request_names();

    return sd_bus_message_append_strv(reply, names);
}

/* Only those that have an object: while one is taken off the bus, the floor below still has it. */
static int
get_accounts(
    sd_bus *bus,
    const char *path,
    const char *interface,
    const char *property,
    sd_bus_message *reply,
    void *userdata,
    sd_bus_error *ret_error)
{
    ImsService *self = userdata;
    GPtrArray *accounts = ims_accounts_all(self->accounts);
    int r = sd_bus_message_open_container(reply, 'a', "o");

    for (guint i = 0; r >= 0 && i < accounts->len; i++) {
        g_autofree char *account_path = ims_service_account_path(accounts->pdata[i]);

        if (g_hash_table_contains(self->account_objects, account_path))
            r = sd_bus_message_append(reply, "o", account_path);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int
get_jobs(
    sd_bus *bus,
    const char *path,
    const char *interface,
    const char *property,
    sd_bus_message *reply,
    void *userdata,
    sd_bus_error *ret_error)
{
    ImsService *self = userdata;
    GPtrArray *jobs = ims_accounts_jobs(self->accounts);
    int r = sd_bus_message_open_container(reply, 'a', "o");

    for (guint i = 0; r >= 0 && i < jobs->len; i++) {
        g_autofree char *job_path = ims_service_job_path(jobs->pdata[i]);

        if (g_hash_table_contains(self->job_objects, job_path))
            r = sd_bus_message_append(reply, "o", job_path);
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int
get_debug(
    sd_bus *bus,
    const char *path,
    const char *interface,
    const char *property,
    sd_bus_message *reply,
    void *userdata,
    sd_bus_error *ret_error)
{
    g_autofree char *topics = ims_log_topics();

    return sd_bus_message_append(reply, "s", topics);
}

static int
set_debug(
    sd_bus *bus,
    const char *path,
    const char *interface,
    const char *property,
    sd_bus_message *value,
    void *userdata,
    sd_bus_error *ret_error)
{
    g_autoptr(GError) error = NULL;
    const char *topics;
    int r = sd_bus_message_read(value, "s", &topics);

    if (r < 0)
        return r;
    if (!ims_log_set_topics(topics, &error))
        return sd_bus_error_set(ret_error, SD_BUS_ERROR_INVALID_ARGS, error->message);

    ims_manager_emit_changed(userdata, property);
    return 0;
}

/* clang-format off */
static const sd_bus_vtable manager_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Sync",
        SD_BUS_ARGS("as", accounts, "a{sv}", options), SD_BUS_RESULT("ao", jobs),
        method_sync, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Status",
        SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", accounts),
        method_status, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Cancel",
        SD_BUS_ARGS("as", accounts), SD_BUS_RESULT("u", jobs),
        method_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("GetAccount",
        SD_BUS_ARGS("s", name), SD_BUS_RESULT("o", account),
        method_get_account, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("AddAccount",
        SD_BUS_ARGS("s", name, "a{ss}", settings), SD_BUS_RESULT("o", account),
        method_add_account, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("RemoveAccount",
        SD_BUS_ARGS("s", name, "a{sv}", options), SD_BUS_NO_RESULT,
        method_remove_account, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Reload",
        SD_BUS_NO_ARGS, SD_BUS_NO_RESULT,
        method_reload, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL_WITH_ARGS("JobNew",
        SD_BUS_ARGS("o", job, "o", account, "s", trigger), 0),
    SD_BUS_SIGNAL_WITH_ARGS("JobProgress",
        SD_BUS_ARGS("o", job, "o", account, "s", phase, "a{sv}", progress), 0),
    SD_BUS_SIGNAL_WITH_ARGS("JobEnded",
        SD_BUS_ARGS("o", job, "o", account, "s", result, "a{sv}", summary), 0),
    SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Features", "as", get_features, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Accounts", "ao", get_accounts, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Jobs", "ao", get_jobs, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_WRITABLE_PROPERTY("Debug", "s", get_debug, set_debug, 0,
        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE | SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};
/* clang-format on */

int
ims_manager_register(ImsService *self)
{
    int r = sd_bus_add_object_manager(self->bus, NULL, IMS_ROOT_PATH);

    if (r < 0)
        return r;
    return sd_bus_add_object_vtable(
        self->bus, NULL, IMS_ROOT_PATH, IMS_MANAGER_INTERFACE, manager_vtable, self);
}

void
ims_manager_emit_changed(ImsService *self, const char *property)
{
    if (self->accounts != NULL) /* else nobody is served yet, or any more */
        sd_bus_emit_properties_changed(
            self->bus, IMS_ROOT_PATH, IMS_MANAGER_INTERFACE, property, NULL);
}

/* A signal about a job, with all that these signals begin with. */
static int
new_job_signal(ImsService *self, const ImsJob *job, const char *member, sd_bus_message **out)
{
    g_autofree char *path = ims_service_job_path(job);
    g_autofree char *account_path = ims_service_account_path(ims_job_account(job));
    int r = sd_bus_message_new_signal(self->bus, out, IMS_ROOT_PATH, IMS_MANAGER_INTERFACE, member);

    return r < 0 ? r : sd_bus_message_append(*out, "oo", path, account_path);
}

void
ims_manager_emit_job_new(ImsService *self, const ImsJob *job)
{
    g_autoptr(sd_bus_message) m = NULL;
    int r = new_job_signal(self, job, "JobNew", &m);

    if (r >= 0)
        r = sd_bus_message_append(m, "s", ims_trigger_name(ims_job_trigger(job)));
    if (r >= 0)
        sd_bus_send(self->bus, m, NULL);
}

void
ims_manager_emit_job_progress(ImsService *self, const ImsJob *job)
{
    const ImsProgress *progress = ims_job_progress(job);
    g_autoptr(sd_bus_message) m = NULL;
    int r = new_job_signal(self, job, "JobProgress", &m);

    if (r >= 0)
        r = sd_bus_message_append(m, "s", ims_phase_name(progress->phase));
    if (r >= 0)
        r = ims_values_append_progress(m, progress);
    if (r >= 0)
        sd_bus_send(self->bus, m, NULL);
}

void
ims_manager_emit_job_ended(ImsService *self, const ImsJob *job)
{
    g_autoptr(sd_bus_message) m = NULL;
    int r = new_job_signal(self, job, "JobEnded", &m);

    if (r >= 0)
        r = sd_bus_message_append(m, "s", ims_result_name(ims_job_result(job)));
    if (r >= 0)
        r = ims_values_append_summary(m, ims_job_summary(job));
    if (r >= 0)
        sd_bus_send(self->bus, m, NULL);
}
