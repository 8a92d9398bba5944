/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors
 *
 * The objects /org/imapsync1/job/N. Beside what the job itself knows, one of them holds the calls
 * that wait for its end, and its owners: a job ends early when all who asked for it have left the
 * bus, unless one of them did not ask for that. */
#include <errno.h>
#include <glib/gi18n.h>

#include "bus/fault.h"
#include "bus/options.h"
#include "bus/service-private.h"
#include "bus/values.h"
#include "util/names.h"

/* Most clients give up on an answer after 25 seconds. */
#define WAIT_DEFAULT_US (20 * G_USEC_PER_SEC)

struct ImsJobObject {
    ImsService *service;
    ImsJob *job;
    char *path;
    GPtrArray *waiters; /* Waiter */
    sd_bus_track
        *owners;   /* those who want it to end when they leave; NULL if there never was one */
    gboolean kept; /* whether somebody wants it in any case */
};

/* A call of Wait without its answer. */
typedef struct {
    ImsJobObject *object;
    sd_bus_message *call;
    sd_bus_track *caller;
    guint timer;
} Waiter;

static void
waiter_free(gpointer data)
{
    Waiter *self = data;

    if (self->timer != 0)
        g_source_remove(self->timer);
    sd_bus_track_unref(self->caller);
    sd_bus_message_unref(self->call);
    g_free(self);
}

/* Nobody is left to be answered. sd-bus takes 0 or less for an error, and calls again. */
static int
on_waiter_gone(sd_bus_track *track, void *userdata)
{
    Waiter *self = userdata;

    g_ptr_array_remove_fast(self->object->waiters, self);
    return 1;
}

static int
answer_wait(sd_bus_message *call, const ImsJob *job)
{
    g_autoptr(sd_bus_message) reply = NULL;
    int r = sd_bus_message_new_method_return(call, &reply);

    if (r >= 0)
        r = sd_bus_message_append(reply, "s", ims_result_name(ims_job_result(job)));
    if (r >= 0)
        r = ims_values_append_summary(reply, ims_job_summary(job));
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static gboolean
on_wait_timeout(gpointer data)
{
    Waiter *self = data;

    self->timer = 0;
    answer_wait(self->call, self->object->job);
    g_ptr_array_remove_fast(self->object->waiters, self);
    return G_SOURCE_REMOVE;
}

static int
method_cancel(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsJobObject *self = userdata;
    g_autoptr(GError) error = NULL;

    if (ims_job_cancel(self->job))
        return sd_bus_reply_method_return(m, NULL);

    g_set_error(
        &error, IMS_ERROR, IMS_ERROR_NOT_RUNNING, _("the job has ended: nothing to cancel"));
    return ims_fault_set(ret_error, error);
}

typedef struct {
    guint64 timeout_us;
} WaitOptions;

static const ImsOption wait_options[] = {
    {"timeout", "t", offsetof(WaitOptions, timeout_us), -1},
    {NULL, NULL, 0, -1},
};

static int
method_wait(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsJobObject *self = userdata;
    WaitOptions options = {.timeout_us = WAIT_DEFAULT_US};
    sd_bus_track *caller = NULL;
    Waiter *waiter;
    int r = ims_options_read(m, wait_options, &options, ret_error);

    if (r < 0)
        return r;
    if (ims_job_result(self->job) != IMS_RESULT_RUNNING)
        return answer_wait(m, self->job);

    waiter = g_new0(Waiter, 1);
    r = sd_bus_track_new(self->service->bus, &caller, on_waiter_gone, waiter);
    if (r >= 0)
        r = sd_bus_track_add_sender(caller, m);
    if (r < 0) { /* the caller has left already */
        sd_bus_track_unref(caller);
        g_free(waiter);
        return r;
    }
    waiter->object = self;
    waiter->caller = caller;
    waiter->call = sd_bus_message_ref(m);
    waiter->timer = g_timeout_add(
        (guint)MIN(options.timeout_us / 1000, (guint64)G_MAXINT), on_wait_timeout, waiter);
    g_ptr_array_add(self->waiters, waiter);
    return 1;
}

static int
append_report(sd_bus_message *m, const ImsReport *report)
{
    int r = sd_bus_message_open_container(m, 'a', "(sa{sv})");

    for (guint i = 0; r >= 0 && report != NULL && i < report->mailboxes->len; i++)
        r = ims_values_append_outcome(m, report->mailboxes->pdata[i]);
    for (ImsSide side = IMS_LOCAL; r >= 0 && report != NULL && side < IMS_N_SIDES; side++) {
        if (report->facts[side] != NULL)
            r = ims_values_append_facts(m, side, report->facts[side]);
    }
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static int
method_get_report(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ImsJobObject *self = userdata;
    g_autoptr(GError) error = NULL;
    g_autoptr(sd_bus_message) reply = NULL;
    int r = ims_options_read(m, ims_no_options, NULL, ret_error);

    if (r < 0)
        return r;
    if (ims_job_result(self->job) == IMS_RESULT_RUNNING) {
        g_set_error(
            &error, IMS_ERROR, IMS_ERROR_BUSY, _("the job has not ended: call %s before"), "Wait");
        return ims_fault_set(ret_error, error);
    }

    r = sd_bus_message_new_method_return(m, &reply);
    if (r >= 0)
        r = append_report(reply, ims_job_report(self->job));
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
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
    ImsJobObject *self = userdata;
    g_autofree char *account_path = NULL;

    if (g_str_equal(property, "Trigger"))
        return sd_bus_message_append(reply, "s", ims_trigger_name(ims_job_trigger(self->job)));
    if (g_str_equal(property, "Phase"))
        return sd_bus_message_append(
            reply, "s", ims_phase_name(ims_job_progress(self->job)->phase));
    if (g_str_equal(property, "Result"))
        return sd_bus_message_append(reply, "s", ims_result_name(ims_job_result(self->job)));
    if (g_str_equal(property, "Error"))
        return ims_fault_append(reply, ims_job_error(self->job));
    if (g_str_equal(property, "Progress"))
        return ims_values_append_progress(reply, ims_job_progress(self->job));
    if (g_str_equal(property, "Summary"))
        return ims_values_append_summary(reply, ims_job_summary(self->job));

    account_path = ims_service_account_path(ims_job_account(self->job)); /* Account */
    return sd_bus_message_append(reply, "o", account_path);
}

/* clang-format off */
static const sd_bus_vtable job_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Cancel",
        SD_BUS_NO_ARGS, SD_BUS_NO_RESULT,
        method_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Wait",
        SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("s", result, "a{sv}", summary),
        method_wait, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("GetReport",
        SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("a(sa{sv})", mailboxes),
        method_get_report, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("Account", "o", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Trigger", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Phase", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Result", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Error", "(ss)", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Progress", "a{sv}", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Summary", "a{sv}", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
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

    *ret_found = g_hash_table_lookup(service->job_objects, path);
    return *ret_found != NULL;
}

static int
list_objects(
    sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes, sd_bus_error *ret_error)
{
    ImsService *service = userdata;

    *ret_nodes = ims_service_paths(service->job_objects);
    return *ret_nodes == NULL ? -ENOMEM : 0;
}

int
ims_job_object_register(ImsService *service)
{
    int r = sd_bus_add_fallback_vtable(
        service->bus, NULL, IMS_JOB_PATH, IMS_JOB_INTERFACE, job_vtable, find_object, service);

    if (r < 0)
        return r;
    return sd_bus_add_node_enumerator(service->bus, NULL, IMS_JOB_PATH, list_objects, service);
}

ImsJobObject *
ims_job_object_new(ImsService *service, ImsJob *job)
{
    ImsJobObject *self = g_new0(ImsJobObject, 1);

    self->service = service;
    self->job = job;
    self->path = ims_service_job_path(job);
    self->waiters = g_ptr_array_new_with_free_func(waiter_free);
    return self;
}

void
ims_job_object_free(ImsJobObject *self)
{
    if (self == NULL)
        return;
    sd_bus_track_unref(self->owners);
    g_ptr_array_unref(self->waiters);
    g_free(self->path);
    g_free(self);
}

const char *
ims_job_object_path(const ImsJobObject *self)
{
    return self->path;
}

static void
cancel_if_unowned(ImsJobObject *self)
{
    if (!self->kept && sd_bus_track_count(self->owners) == 0)
        ims_job_cancel(self->job);
}

/* sd-bus takes 0 or less for an error, and calls again. */
static int
on_owners_gone(sd_bus_track *track, void *userdata)
{
    cancel_if_unowned(userdata);
    return 1;
}

void
ims_job_object_own(ImsJobObject *self, sd_bus_message *m, gboolean until_disconnect)
{
    int r = 0;

    if (!until_disconnect) {
        self->kept = TRUE;
        return;
    }
    if (self->owners == NULL)
        r = sd_bus_track_new(self->service->bus, &self->owners, on_owners_gone, self);
    if (r >= 0)
        r = sd_bus_track_add_sender(self->owners, m);
    if (r < 0) /* the caller has left already */
        cancel_if_unowned(self);
}

void
ims_job_object_progress(ImsJobObject *self)
{
    sd_bus_emit_properties_changed(
        self->service->bus, self->path, IMS_JOB_INTERFACE, "Phase", "Progress", NULL);
    ims_manager_emit_job_progress(self->service, self->job);
}

void
ims_job_object_ended(ImsJobObject *self)
{
    sd_bus_emit_properties_changed(
        self->service->bus,
        self->path,
        IMS_JOB_INTERFACE,
        "Phase",
        "Progress",
        "Result",
        "Error",
        "Summary",
        NULL);
    ims_manager_emit_job_ended(self->service, self->job);

    for (guint i = 0; i < self->waiters->len; i++)
        answer_wait(((Waiter *)self->waiters->pdata[i])->call, self->job);
    g_ptr_array_set_size(self->waiters, 0);
    g_clear_pointer(&self->owners, sd_bus_track_unref);
}
