/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors
 *
 * The objects /org/imapsync1/account/NAME. Each remembers what it last told of its properties, so
 * that any number of refreshes emits each change once. */
#include <errno.h>
#include <glib/gi18n.h>

#include "bus/fault.h"
#include "bus/options.h"
#include "bus/service-private.h"
#include "bus/values.h"
#include "util/names.h"

struct ImsAccountObject {
    ImsService *service;
    ImsAccount *account;
    char *path;

    /* As last told. */
    ImsAccountState state;
    ImsAttention attention;
    gint64 last_success_us;
    gint64 next_sync_us;
    guint n_issues;
    char *job_path;
    char *error; /* name and message */
};

static char *
current_job_path(const ImsAccountObject *self)
{
    const ImsJob *job = ims_account_job(self->account);

    return job == NULL ? g_strdup("/") : ims_service_job_path(job);
}

static char *
current_error(const ImsAccountObject *self)
{
    const GError *error = ims_account_error(self->account);

    return error == NULL ? g_strdup("")
                         : g_strconcat(ims_fault_name(error), " ", error->message, NULL);
}

static int
method_sync(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsAccountObject *self = userdata;
    g_auto(ImsSyncRequest) request = {0};
    g_autofree char *path = NULL;
    ImsJob *job;
    int r = ims_sync_request_read(&request, m, ret_error);

    if (r >= 0)
        r = ims_sync_request_start(&request, self->service, self->account, m, &job, ret_error);
    if (r < 0)
        return r;

    path = ims_service_job_path(job);
    return sd_bus_reply_method_return(m, "o", path);
}

static int
method_cancel(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsAccountObject *self = userdata;

    return sd_bus_reply_method_return(m, "u", ims_account_cancel(self->account));
}

static int
method_test(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsAccountObject *self = userdata;
    g_autoptr(GError) error = NULL;
    ImsJobObject *object;
    ImsJob *job = NULL;
    int r = ims_options_read(m, ims_no_options, NULL, ret_error);

    if (r < 0)
        return r;
    if (self->service->stopping)
        g_set_error(
            &error, IMS_ERROR, IMS_ERROR_BUSY, _("the service is stopping: ask again in a moment"));
    else
        job = ims_account_test(self->account, &error);
    if (job == NULL)
        return ims_fault_set(ret_error, error);

    object = ims_service_find_job(self->service, job);
    ims_job_object_own(object, m, FALSE);
    return sd_bus_reply_method_return(m, "o", ims_job_object_path(object));
}

static int
append_mailboxes(sd_bus_message *m, const ImsReport *report)
{
    int r = sd_bus_message_open_container(m, 'a', "(sa{sv})");

    for (guint i = 0; r >= 0 && report != NULL && i < report->mailboxes->len; i++)
        r = ims_values_append_mailbox(m, report->mailboxes->pdata[i]);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static int
method_list_mailboxes(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsAccountObject *self = userdata;
    g_autoptr(sd_bus_message) reply = NULL;
    int r = ims_options_read(m, ims_no_options, NULL, ret_error);

    if (r >= 0)
        r = sd_bus_message_new_method_return(m, &reply);
    if (r >= 0)
        r = append_mailboxes(reply, ims_account_report(self->account));
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

typedef struct {
    guint offset, limit;
} ListOptions;

static const ImsOption list_options[] = {
    {"offset", "u", offsetof(ListOptions, offset), -1},
    {"limit", "u", offsetof(ListOptions, limit), -1},
    {NULL, NULL, 0, -1},
};

static int
append_issues(sd_bus_message *m, const GPtrArray *issues, const ListOptions *options)
{
    int r = sd_bus_message_open_container(m, 'a', "a{sv}");

    for (guint i = options->offset;
         r >= 0 && i < issues->len && i - options->offset < options->limit;
         i++)
        r = ims_values_append_issue(m, issues->pdata[i]);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static int
method_list_issues(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsAccountObject *self = userdata;
    ListOptions options = {.limit = G_MAXUINT};
    g_autoptr(sd_bus_message) reply = NULL;
    int r = ims_options_read(m, list_options, &options, ret_error);

    if (r >= 0)
        r = sd_bus_message_new_method_return(m, &reply);
    if (r >= 0)
        r = append_issues(reply, ims_account_issues(self->account), &options);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int
refuse_action(const char *action, const ImsIssue *issue, sd_bus_error *ret_error)
{
    const char *const *offered = ims_issue_actions(issue->kind);
    g_autofree char *list = g_strjoinv(", ", (char **)offered);

    if (*offered == NULL)
        return sd_bus_error_setf(
            ret_error,
            SD_BUS_ERROR_INVALID_ARGS,
            _("this issue takes no answer; act on what it says, and the next sync settles it"));
    return sd_bus_error_setf(
        ret_error,
        SD_BUS_ERROR_INVALID_ARGS,
        _("“%s” is no answer to this issue; use one of: %s"),
        action,
        list);
}

static int
method_resolve(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsAccountObject *self = userdata;
    g_autoptr(GError) error = NULL;
    const ImsIssue *issue;
    const char *action;
    guint64 id;
    int r = sd_bus_message_read(m, "ts", &id, &action);

    if (r >= 0)
        r = ims_options_read(m, ims_no_options, NULL, ret_error);
    if (r < 0)
        return r;
    issue = ims_account_find_issue(self->account, id, &error);
    if (issue == NULL)
        return ims_fault_set(ret_error, error);
    if (!g_strv_contains(ims_issue_actions(issue->kind), action))
        return refuse_action(action, issue, ret_error);
    if (!ims_account_resolve(self->account, issue, &error))
        return ims_fault_set(ret_error, error);
    return sd_bus_reply_method_return(m, NULL);
}

static int
get_property(
    sd_bus *bus,
    const char *path,
    const char *interface,
    const char *property,
    sd_bus_message *reply,
    void *userdata,
    sd_bus_error *ret_error)
{
    ImsAccountObject *self = userdata;
    g_autofree char *job_path = NULL;

    if (g_str_equal(property, "Name"))
        return sd_bus_message_append(reply, "s", ims_account_name(self->account));
    if (g_str_equal(property, "State"))
        return sd_bus_message_append(
            reply, "s", ims_account_state_name(ims_account_state(self->account)));
    if (g_str_equal(property, "Attention"))
        return sd_bus_message_append(
            reply, "s", ims_attention_name(ims_account_attention(self->account)));
    if (g_str_equal(property, "LastError"))
        return ims_fault_append(reply, ims_account_error(self->account));
    if (g_str_equal(property, "LastSuccess"))
        return sd_bus_message_append(
            reply, "t", (guint64)ims_account_last_success_us(self->account));
    if (g_str_equal(property, "NextSync"))
        return sd_bus_message_append(reply, "t", (guint64)ims_account_next_sync_us(self->account));
    if (g_str_equal(property, "IssueCount"))
        return sd_bus_message_append(reply, "u", ims_account_issues(self->account)->len);

    job_path = current_job_path(self); /* Job */
    return sd_bus_message_append(reply, "o", job_path);
}

/* The user has to find the prompt, and his password. */
#define UNLOCK_DEFAULT_US (60 * G_USEC_PER_SEC)

typedef struct {
    guint64 timeout_us;
} UnlockOptions;

static const ImsOption unlock_options[] = {
    {"timeout", "t", offsetof(UnlockOptions, timeout_us), -1},
    {NULL, NULL, 0, -1},
};

static int
method_unlock(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsAccountObject *self = userdata;
    UnlockOptions options = {.timeout_us = UNLOCK_DEFAULT_US};
    g_autoptr(GError) error = NULL;
    int r = ims_options_read(m, unlock_options, &options, ret_error);

    if (r < 0)
        return r;
    if (!ims_account_unlock(self->account, options.timeout_us, ims_fault_answer, m, &error))
        return ims_fault_set(ret_error, error);

    sd_bus_message_ref(m);
    return 1;
}

/* clang-format off */
static const sd_bus_vtable account_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Sync",
        SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("o", job),
        method_sync, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Cancel",
        SD_BUS_NO_ARGS, SD_BUS_RESULT("u", jobs),
        method_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Test",
        SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("o", job),
        method_test, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ListMailboxes",
        SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("a(sa{sv})", mailboxes),
        method_list_mailboxes, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ListIssues",
        SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("aa{sv}", issues),
        method_list_issues, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Resolve",
        SD_BUS_ARGS("t", issue, "s", action, "a{sv}", options), SD_BUS_NO_RESULT,
        method_resolve, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Unlock",
        SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
        method_unlock, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_SIGNAL_WITH_ARGS("MailboxChanged",
        SD_BUS_ARGS("s", mailbox, "a{sv}", counts), 0),
    SD_BUS_SIGNAL_WITH_ARGS("IssuesChanged", SD_BUS_NO_ARGS, 0),
    SD_BUS_PROPERTY("Name", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("State", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Attention", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("LastError", "(ss)", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("LastSuccess", "t", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("NextSync", "t", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Job", "o", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("IssueCount", "u", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_VTABLE_END,
};
/* clang-format on */

static int
find_object(
    sd_bus *bus,
    const char *path,
    const char *interface,
    void *userdata,
    void **ret_found,
    sd_bus_error *ret_error)
{
    ImsService *service = userdata;

    *ret_found = g_hash_table_lookup(service->account_objects, path);
    return *ret_found != NULL;
}

static int
list_objects(
    sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes, sd_bus_error *ret_error)
{
    ImsService *service = userdata;

    *ret_nodes = ims_service_paths(service->account_objects);
    return *ret_nodes == NULL ? -ENOMEM : 0;
}

int
ims_account_object_register(ImsService *service)
{
    int r = sd_bus_add_fallback_vtable(
        service->bus,
        NULL,
        IMS_ACCOUNT_PATH,
        IMS_ACCOUNT_INTERFACE,
        account_vtable,
        find_object,
        service);

    if (r < 0)
        return r;
    return sd_bus_add_node_enumerator(service->bus, NULL, IMS_ACCOUNT_PATH, list_objects, service);
}

/* Takes the present values as told. Returns the names of the properties that differ. */
static GPtrArray *
tell(ImsAccountObject *self)
{
    g_autoptr(GPtrArray) moved = g_ptr_array_new();
    g_autofree char *error = current_error(self);
    g_autofree char *job_path = current_job_path(self);

    if (self->state != ims_account_state(self->account))
        g_ptr_array_add(moved, (gpointer) "State");
    if (self->attention != ims_account_attention(self->account))
        g_ptr_array_add(moved, (gpointer) "Attention");
    if (g_strcmp0(self->error, error) != 0)
        g_ptr_array_add(moved, (gpointer) "LastError");
    if (self->last_success_us != ims_account_last_success_us(self->account))
        g_ptr_array_add(moved, (gpointer) "LastSuccess");
    if (self->next_sync_us != ims_account_next_sync_us(self->account))
        g_ptr_array_add(moved, (gpointer) "NextSync");
    if (g_strcmp0(self->job_path, job_path) != 0)
        g_ptr_array_add(moved, (gpointer) "Job");
    if (self->n_issues != ims_account_issues(self->account)->len)
        g_ptr_array_add(moved, (gpointer) "IssueCount");

    self->state = ims_account_state(self->account);
    self->attention = ims_account_attention(self->account);
    self->last_success_us = ims_account_last_success_us(self->account);
    self->next_sync_us = ims_account_next_sync_us(self->account);
    self->n_issues = ims_account_issues(self->account)->len;
    g_free(self->error);
    self->error = g_steal_pointer(&error);
    g_free(self->job_path);
    self->job_path = g_steal_pointer(&job_path);
    return g_steal_pointer(&moved);
}

ImsAccountObject *
ims_account_object_new(ImsService *service, ImsAccount *account)
{
    ImsAccountObject *self = g_new0(ImsAccountObject, 1);

    self->service = service;
    self->account = account;
    self->path = ims_service_account_path(account);
    g_ptr_array_unref(tell(self));
    return self;
}

void
ims_account_object_free(ImsAccountObject *self)
{
    if (self == NULL)
        return;
    g_free(self->error);
    g_free(self->job_path);
    g_free(self->path);
    g_free(self);
}

void
ims_account_object_refresh(ImsAccountObject *self)
{
    g_autoptr(GPtrArray) moved = tell(self);

    if (moved->len == 0)
        return;
    g_ptr_array_add(moved, NULL);
    sd_bus_emit_properties_changed_strv(
        self->service->bus, self->path, IMS_ACCOUNT_INTERFACE, (char **)moved->pdata);
}

void
ims_account_object_emit_issues_changed(ImsAccountObject *self)
{
    sd_bus_emit_signal(
        self->service->bus, self->path, IMS_ACCOUNT_INTERFACE, "IssuesChanged", NULL);
}

void
ims_account_object_emit_mailbox(ImsAccountObject *self, const ImsMailboxReport *mailbox)
{
    g_autoptr(sd_bus_message) m = NULL;
    int r = sd_bus_message_new_signal(
        self->service->bus, &m, self->path, IMS_ACCOUNT_INTERFACE, "MailboxChanged");

    if (r >= 0)
        r = sd_bus_message_append(m, "s", mailbox->name);
    if (r >= 0)
        r = ims_values_append_counts(m, &mailbox->done);
    if (r >= 0)
        sd_bus_send(self->service->bus, m, NULL);
}
