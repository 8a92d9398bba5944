/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The only loop of this program. It is systemd's sd-event, which brings the bus, signals and the
 * end of the connection together without a thread. Signals of the bus that arrive while a call
 * waits for its answer are kept by sd-bus and handled by the loop, so a job that ends early is not
 * missed. */

#include "cli/watch.h"

#include <glib/gi18n.h>
#include <signal.h>
#include <systemd/sd-event.h>

#include "cli/bus.h"
#include "cli/facts.h"
#include "cli/fault.h"
#include "cli/message.h"
#include "cli/progress.h"
#include "cli/screen.h"
#include "cli/show.h"
#include "util/error.h"
#include "util/names.h"

typedef struct {
    char *path, *account;
    GVariant *progress; /* a{sv} */
    GHashTable *told;   /* phases that a line was written for */
    char *phase;        /* of @progress; "" before the first */
    ImsRate rate;
    char *result; /* NULL: it runs */
    GError *error;
} Job;

struct ImsWatch {
    sd_bus *bus;
    sd_event *event;
    ImsScreen *screen; /* NULL: no terminal */
    GPtrArray *jobs;
    ImsWatchKind kind;
    gboolean cancelled;
    gboolean left; /* by a second Ctrl-C */
};

static Job *
job_new(const char *path)
{
    Job *job = g_new0(Job, 1);

    job->path = g_strdup(path);
    job->phase = g_strdup("");
    job->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    return job;
}

static void
job_free(Job *job)
{
    g_free(job->path);
    g_free(job->account);
    g_free(job->phase);
    g_hash_table_unref(job->told);
    g_free(job->result);
    g_clear_pointer(&job->progress, g_variant_unref);
    g_clear_error(&job->error);
    g_free(job);
}

static Job *
find_job(ImsWatch *self, const char *path)
{
    for (guint i = 0; i < self->jobs->len; i++) {
        Job *job = g_ptr_array_index(self->jobs, i);

        if (g_str_equal(job->path, path))
            return job;
    }

    return NULL;
}

static guint
n_running(const ImsWatch *self)
{
    guint n = 0;

    for (guint i = 0; i < self->jobs->len; i++) {
        const Job *job = g_ptr_array_index(self->jobs, i);

        n += job->result == NULL;
    }

    return n;
}

/* Borrows from @job. */
static ImsProgressView
view_of(const ImsWatch *self, const Job *job)
{
    ImsProgressView view = {
        .account = self->jobs->len > 1 ? job->account : NULL,
        .phase = job->phase,
        .mailbox = "",
        .fraction = -1,
        .bytes_per_second = job->rate.per_second,
    };

    if (job->progress != NULL)
        ims_progress_read(&view, job->progress);

    return view;
}

static void
draw(ImsWatch *self)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < self->jobs->len; i++) {
        const Job *job = g_ptr_array_index(self->jobs, i);
        ImsProgressView view = view_of(self, job);

        if (job->result == NULL && *job->phase != '\0')
            g_ptr_array_add(lines, ims_progress_line(&view, ims_screen_width(self->screen)));
    }
    ims_screen_draw(self->screen, lines);
}

/* A line for each phase, for logs and pipes. A job may come back to a phase many times; once is
 * enough. */
static void
tell_phase(const ImsWatch *self, Job *job)
{
    ImsProgressView view = view_of(self, job);
    g_autofree char *words = ims_progress_begun(&view);

    if (g_hash_table_add(job->told, g_strdup(job->phase)))
        g_printerr("%s: %s\n", job->account, words);
}

static void
job_moved(ImsWatch *self, Job *job, const char *phase, GVariant *progress)
{
    guint64 bytes = 0;

    g_clear_pointer(&job->progress, g_variant_unref);
    job->progress = g_variant_ref(progress);
    g_free(job->phase);
    job->phase = g_strdup(phase);
    g_variant_lookup(progress, "bytes-done", "t", &bytes);
    ims_rate_sample(&job->rate, bytes, g_get_monotonic_time());

    if (self->screen != NULL)
        draw(self);
    else
        tell_phase(self, job);
}

/* The error that ended @job, which the service keeps with the job for a while. */
static GError *
fetch_error(ImsWatch *self, const Job *job)
{
    const char *name, *message;
    g_autoptr(GVariant) value =
        ims_bus_get(self->bus, job->path, IMS_JOB_INTERFACE ".Error", "(ss)", NULL);

    if (value == NULL)
        return NULL;
    g_variant_get(value, "(&s&s)", &name, &message);

    return ims_bus_error(name, message);
}

/* The report, which the service keeps with the job for a while; or NULL. */
static GVariant *
fetch_report(ImsWatch *self, const Job *job)
{
    g_autoptr(GVariant) reply = ims_bus_call(
        self->bus,
        job->path,
        IMS_JOB_INTERFACE ".GetReport",
        g_variant_new("(@a{sv})", ims_bus_no_options()),
        "(a(sa{sv}))",
        NULL);

    return reply != NULL ? g_variant_get_child_value(reply, 0) : NULL;
}

/* A job that failed has no plan. */
static char *
plan_of(ImsWatch *self, const Job *job, const char *result)
{
    g_autoptr(GVariant) report = fetch_report(self, job);

    if (report == NULL || !g_strv_contains((const char *const[]){"done", "partial", NULL}, result))
        return NULL;

    return ims_show_plan(job->account, report);
}

static char *
facts_of(ImsWatch *self, const Job *job, const char *result)
{
    g_autoptr(GVariant) report = fetch_report(self, job);
    g_autofree char *head = ims_show_test(job->account, result);
    g_autofree char *facts = report != NULL ? ims_facts_table(report) : NULL;
    g_autofree char *json = NULL;

    if (self->kind == IMS_WATCH_FACTS)
        return g_strconcat(head, facts, NULL);
    json = report != NULL ? ims_show_named_json(report) : g_strdup("[]");

    return g_strconcat(json, "\n", NULL);
}

static char *
outcome_of(ImsWatch *self, const Job *job, const char *result, GVariant *counts)
{
    char *plan = self->kind == IMS_WATCH_DRY_RUN ? plan_of(self, job, result) : NULL;

    if (plan != NULL)
        return plan;
    if (self->kind == IMS_WATCH_FACTS || self->kind == IMS_WATCH_FACTS_JSON)
        return facts_of(self, job, result);
    if (self->kind == IMS_WATCH_TEST)
        return ims_show_test(job->account, result);

    return ims_show_summary(job->account, result, counts);
}

static void
job_ended(ImsWatch *self, Job *job, const char *result, GVariant *counts)
{
    g_autofree char *outcome = outcome_of(self, job, result, counts);

    job->result = g_strdup(result);
    job->error = fetch_error(self, job);

    if (self->screen != NULL)
        ims_screen_clear(self->screen);
    g_print("%s", outcome);
    if (job->error != NULL && !g_error_matches(job->error, IMS_ERROR, IMS_ERROR_CANCELLED))
        ims_fault_report(NULL, job->account, job->error);
    if (self->screen != NULL)
        draw(self);

    if (n_running(self) == 0)
        sd_event_exit(self->event, 0);
}

/* Reads a signal that is about one of our jobs; NULL if it is not, or is not of @type. */
static GVariant *
read_signal(ImsWatch *self, sd_bus_message *m, const char *type, Job **out_job)
{
    g_autoptr(GVariant) args = NULL;
    const char *path;
    Job *job;

    if (ims_message_read_all(m, &args) < 0 || !g_variant_is_of_type(args, G_VARIANT_TYPE(type)))
        return NULL;
    g_variant_get_child(args, 0, "&o", &path);
    job = find_job(self, path);
    if (job == NULL || job->result != NULL)
        return NULL;
    *out_job = job;

    return g_steal_pointer(&args);
}

static int
on_progress(sd_bus_message *m, void *data, sd_bus_error *failure)
{
    ImsWatch *self = data;
    g_autoptr(GVariant) progress = NULL;
    const char *phase;
    Job *job;
    g_autoptr(GVariant) args = read_signal(self, m, "(oosa{sv})", &job);

    if (args == NULL)
        return 0;
    g_variant_get_child(args, 2, "&s", &phase);
    g_variant_get_child(args, 3, "@a{sv}", &progress);
    job_moved(self, job, phase, progress);

    return 0;
}

static int
on_ended(sd_bus_message *m, void *data, sd_bus_error *failure)
{
    ImsWatch *self = data;
    g_autoptr(GVariant) counts = NULL;
    const char *result;
    Job *job;
    g_autoptr(GVariant) args = read_signal(self, m, "(oosa{sv})", &job);

    if (args == NULL)
        return 0;
    g_variant_get_child(args, 2, "&s", &result);
    g_variant_get_child(args, 3, "@a{sv}", &counts);
    job_ended(self, job, result, counts);

    return 0;
}

static int
on_owner_changed(sd_bus_message *m, void *data, sd_bus_error *failure)
{
    ImsWatch *self = data;
    const char *name, *old_owner, *new_owner;
    int r = sd_bus_message_read(m, "sss", &name, &old_owner, &new_owner);

    if (r >= 0 && *old_owner != '\0') {
        sd_event_exit(self->event, 0);
    }

    return 0;
}

static void
cancel_jobs(ImsWatch *self)
{
    for (guint i = 0; i < self->jobs->len; i++) {
        Job *job = g_ptr_array_index(self->jobs, i);
        g_autoptr(GVariant) reply = NULL;

        /* A job that has just ended says so, which is as good. */
        if (job->result == NULL)
            reply = ims_bus_call(
                self->bus, job->path, IMS_JOB_INTERFACE ".Cancel", g_variant_new("()"), "()", NULL);
    }
}

static int
on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
    ImsWatch *self = data;

    if (self->cancelled) {
        self->left = TRUE;
        return sd_event_exit(self->event, 0);
    }

    self->cancelled = TRUE;
    if (self->screen != NULL)
        ims_screen_clear(self->screen);
    g_printerr(_("Cancelling. Press Ctrl-C again to leave at once.\n"));
    cancel_jobs(self);

    return 0;
}

static int
subscribe(ImsWatch *self)
{
    static const char owner_rule[] =
        "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
        "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" IMS_BUS_NAME "'";
    sd_bus *bus = self->bus;
    int r = sd_bus_add_match(bus, NULL, owner_rule, on_owner_changed, self);

    if (r >= 0)
        r = sd_bus_match_signal(
            bus,
            NULL,
            IMS_BUS_NAME,
            IMS_ROOT_PATH,
            IMS_MANAGER_INTERFACE,
            "JobProgress",
            on_progress,
            self);
    if (r >= 0)
        r = sd_bus_match_signal(
            bus,
            NULL,
            IMS_BUS_NAME,
            IMS_ROOT_PATH,
            IMS_MANAGER_INTERFACE,
            "JobEnded",
            on_ended,
            self);

    return r;
}

/* Ctrl-C must reach the loop and nothing else, so the signals are blocked for the whole process. */
static int
listen_to_signals(ImsWatch *self)
{
    sigset_t set;
    int r;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);

    r = sd_event_add_signal(self->event, NULL, SIGINT, on_stop, self);

    return r < 0 ? r : sd_event_add_signal(self->event, NULL, SIGTERM, on_stop, self);
}

ImsWatch *
ims_watch_new(sd_bus *bus, ImsWatchKind kind, GError **error)
{
    g_autoptr(ImsWatch) self = g_new0(ImsWatch, 1);
    int r;

    self->bus = bus;
    self->kind = kind;
    self->jobs = g_ptr_array_new_with_free_func((GDestroyNotify)job_free);
    self->screen = ims_screen_new();

    r = sd_event_new(&self->event);
    if (r >= 0)
        r = sd_bus_attach_event(bus, self->event, SD_EVENT_PRIORITY_NORMAL);
    if (r >= 0)
        r = sd_bus_set_exit_on_disconnect(bus, TRUE);
    if (r >= 0)
        r = subscribe(self);
    if (r >= 0)
        r = listen_to_signals(self);
    if (r < 0) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_NOT_RUNNING,
            _("the service's signals cannot be received: %s. Is the session bus still running?"),
            g_strerror(-r));
        return NULL;
    }

    return g_steal_pointer(&self);
}

void
ims_watch_free(ImsWatch *self)
{
    if (self == NULL)
        return;

    sd_bus_detach_event(self->bus);
    sd_event_unref(self->event);
    g_clear_pointer(&self->screen, ims_screen_free);
    g_ptr_array_unref(self->jobs);
    g_free(self);
}

static void
add_jobs(ImsWatch *self, GVariant *paths)
{
    for (gsize i = 0; i < g_variant_n_children(paths); i++) {
        const char *path;
        Job *job;
        g_autoptr(GVariant) account = NULL;

        g_variant_get_child(paths, i, "&o", &path);
        if (find_job(self, path) != NULL)
            continue;
        job = job_new(path);
        account = ims_bus_get(self->bus, path, IMS_JOB_INTERFACE ".Account", "o", NULL);
        job->account =
            ims_bus_account_name(account != NULL ? g_variant_get_string(account, NULL) : path);
        g_ptr_array_add(self->jobs, job);
    }
}

static ImsExit
exit_of(const Job *job)
{
    static const struct {
        const char *result;
        ImsExit status;
    } table[] = {
        {"done", IMS_EXIT_DONE},
        {"partial", IMS_EXIT_PARTIAL},
        {"offline", IMS_EXIT_OFFLINE},
        {"cancelled", IMS_EXIT_CANCELLED},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        if (g_str_equal(job->result, table[i].result))
            return table[i].status;
    }

    return IMS_EXIT_FAILED;
}

/* The worst result of several: what a script must look at first. */
static ImsExit
worst(const ImsWatch *self)
{
    static const ImsExit order[] = {
        IMS_EXIT_CANCELLED, IMS_EXIT_FAILED, IMS_EXIT_OFFLINE, IMS_EXIT_PARTIAL};

    for (gsize i = 0; i < G_N_ELEMENTS(order); i++) {
        for (guint j = 0; j < self->jobs->len; j++) {
            if (exit_of(g_ptr_array_index(self->jobs, j)) == order[i])
                return order[i];
        }
    }

    return IMS_EXIT_DONE;
}

ImsExit
ims_watch_run(ImsWatch *self, GVariant *jobs)
{
    add_jobs(self, jobs);
    if (self->jobs->len > 0)
        sd_event_loop(self->event);

    g_clear_pointer(&self->screen, ims_screen_free);
    if (self->left) {
        g_printerr(_("Left; the service ends the jobs by itself.\n"));
        return IMS_EXIT_CANCELLED;
    }
    if (n_running(self) > 0) {
        g_printerr(_("imapsyncctl: the service has gone while it worked. Nothing is lost: the next "
                     "sync goes on from there\n"));
        return IMS_EXIT_FAILED;
    }

    return worst(self);
}
