/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The command monitor: a line for each thing that happens in the service, as it happens. It only
 * listens: no call of the service is made, so that it is neither started nor kept from ending when
 * nobody needs it. */

#include <glib/gi18n.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "cli/bus.h"
#include "cli/command.h"
#include "cli/fault.h"
#include "cli/message.h"
#include "cli/progress.h"
#include "cli/show.h"
#include "util/error.h"
#include "util/log.h"
#include "util/names.h"

typedef struct {
    sd_bus *bus;
    sd_event *event;
    GHashTable *told; /* job's path → set of the phases that a line was written for */
} Monitor;

typedef struct {
    const char *word, *sentence;
} Words;

/* The sentence for @word, or @otherwise if this program is too old to know it. */
static const char *
sentence_of(const Words *table, const char *word, const char *otherwise)
{
    gsize i = 0;

    while (table[i].word != NULL && !g_str_equal(table[i].word, word))
        i++;

    return table[i].word != NULL ? _(table[i].sentence) : otherwise;
}

/* GLib hands each line on at once, also to a pipe. */
static void
say(const char *account, const char *what)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%d %H:%M:%S");

    if (account != NULL)
        g_print("%s  %s: %s\n", time, account, what);
    else
        g_print("%s  %s\n", time, what);
}

static void
tell_job_new(Monitor *self, const char *account, GVariant *args)
{
    static const Words triggers[] = {
        {"client", N_("a job was asked for")},
        {"user", N_("a job follows, now that the password can be had")},
        {NULL, NULL},
    };
    const char *trigger;

    g_variant_get_child(args, 2, "&s", &trigger);
    say(account, sentence_of(triggers, trigger, _("a job was queued")));
}

/* A job may come back to a phase many times; once is enough. */
static gboolean
is_new_phase(Monitor *self, const char *job, const char *phase)
{
    GHashTable *phases = g_hash_table_lookup(self->told, job);

    if (phases == NULL) {
        phases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_hash_table_insert(self->told, g_strdup(job), phases);
    }

    return g_hash_table_add(phases, g_strdup(phase));
}

static void
tell_progress(Monitor *self, const char *account, GVariant *args)
{
    ImsProgressView view = {.mailbox = "", .fraction = -1};
    g_autoptr(GVariant) progress = g_variant_get_child_value(args, 3);
    g_autofree char *words = NULL;
    const char *job;

    g_variant_get_child(args, 0, "&o", &job);
    g_variant_get_child(args, 2, "&s", &view.phase);
    if (!is_new_phase(self, job, view.phase))
        return;

    ims_progress_read(&view, progress);
    words = ims_progress_begun(&view);
    say(account, words);
}

static void
tell_ended(Monitor *self, const char *account, GVariant *args)
{
    g_autoptr(GVariant) counts = g_variant_get_child_value(args, 3);
    g_auto(GStrv) work = ims_show_work(counts);
    g_autofree char *all_work = g_strjoinv("; ", work);
    g_autofree char *head = NULL;
    g_autofree char *line = NULL;
    const char *job, *result;

    g_variant_get_child(args, 0, "&o", &job);
    g_variant_get_child(args, 2, "&s", &result);
    g_hash_table_remove(self->told, job);

    head = ims_show_result(result, counts);
    line = *all_work != '\0' ? g_strconcat(head, "; ", all_work, NULL) : g_strdup(head);
    say(account, line);
}

static void
tell_mailbox(Monitor *self, const char *account, GVariant *args)
{
    g_autoptr(GVariant) counts = g_variant_get_child_value(args, 1);
    g_auto(GStrv) work = ims_show_work(counts);
    g_autofree char *all_work = g_strjoinv("; ", work);
    g_autofree char *mailbox = NULL;
    g_autofree char *line = NULL;
    const char *name;

    g_variant_get_child(args, 0, "&s", &name);
    mailbox = ims_text_escape(name, strlen(name));
    line = *all_work != '\0' ? g_strdup_printf(_("“%s”: %s"), mailbox, all_work)
                             : g_strdup_printf(_("“%s” has changed"), mailbox);
    say(account, line);
}

static void
tell_issues(Monitor *self, const char *account, GVariant *args)
{
    g_autofree char *line = g_strdup_printf(
        _("what waits for your decision has changed: see \"imapsyncctl issues %s\""), account);

    say(account, line);
}

static void
tell_error(const char *account, GVariant *properties)
{
    const char *name, *message;
    g_autoptr(GError) error = NULL;
    g_autofree char *advice = NULL;
    g_autofree char *line = NULL;

    if (!g_variant_lookup(properties, "LastError", "(&s&s)", &name, &message) || *name == '\0')
        return;

    error = ims_bus_error(name, message);
    advice = ims_fault_advice(error, account);
    line = advice != NULL ? g_strdup_printf("%s → %s", error->message, advice)
                          : g_strdup(error->message);
    say(account, line);
}

/* The properties that are left out say nothing that another signal does not. */
static void
tell_properties(Monitor *self, const char *account, GVariant *args)
{
    static const Words states[] = {
        {"idle", N_("is idle")},
        {"queued", N_("waits for its turn")},
        {"syncing", N_("is at work")},
        {"offline", N_("is offline")},
        {"blocked", N_("is blocked: nothing goes on before you act")},
        {NULL, NULL},
    };
    static const Words attentions[] = {
        {"none", N_("needs your attention no more")},
        {"credentials", N_("needs your attention: the password is missing or wrong")},
        {"keyring-locked", N_("needs your attention: the keyring is locked")},
        {"certificate", N_("needs your attention: a server's certificate was rejected")},
        {"issues", N_("needs your attention: something is held back")},
        {"server", N_("needs your attention: a server cannot be worked with")},
        {NULL, NULL},
    };
    g_autoptr(GVariant) properties = g_variant_get_child_value(args, 1);
    const char *state, *attention;

    if (g_variant_lookup(properties, "State", "&s", &state))
        say(account, sentence_of(states, state, state));
    if (g_variant_lookup(properties, "Attention", "&s", &attention))
        say(account, sentence_of(attentions, attention, _("needs your attention")));
    tell_error(account, properties);
}

static void
tell_added(Monitor *self, const char *account, GVariant *args)
{
    say(account, _("the account was taken up"));
}

static void
tell_removed(Monitor *self, const char *account, GVariant *args)
{
    say(account, _("the account is gone"));
}

/* What is known, and where the path of the account stands whose it is: an argument's index, or -1
 * for the object that the signal comes from. */
static const struct {
    const char *interface, *member, *type;
    int account;
    void (*tell)(Monitor *self, const char *account, GVariant *args);
} events[] = {
    {IMS_MANAGER_INTERFACE, "JobNew", "(oos)", 1, tell_job_new},
    {IMS_MANAGER_INTERFACE, "JobProgress", "(oosa{sv})", 1, tell_progress},
    {IMS_MANAGER_INTERFACE, "JobEnded", "(oosa{sv})", 1, tell_ended},
    {IMS_ACCOUNT_INTERFACE, "MailboxChanged", "(sa{sv})", -1, tell_mailbox},
    {IMS_ACCOUNT_INTERFACE, "IssuesChanged", "()", -1, tell_issues},
    {"org.freedesktop.DBus.Properties", "PropertiesChanged", "(sa{sv}as)", -1, tell_properties},
    {"org.freedesktop.DBus.ObjectManager", "InterfacesAdded", "(oa{sa{sv}})", 0, tell_added},
    {"org.freedesktop.DBus.ObjectManager", "InterfacesRemoved", "(oas)", 0, tell_removed},
};

static int
on_signal(sd_bus_message *m, void *data, sd_bus_error *failure)
{
    Monitor *self = data;
    g_autoptr(GVariant) args = NULL;
    gsize i = 0;
    const char *path = sd_bus_message_get_path(m);
    g_autofree char *account = NULL;

    while (i < G_N_ELEMENTS(events) &&
           !sd_bus_message_is_signal(m, events[i].interface, events[i].member))
        i++;
    if (i == G_N_ELEMENTS(events) || ims_message_read_all(m, &args) < 0 ||
        !g_variant_is_of_type(args, G_VARIANT_TYPE(events[i].type)))
        return 0;

    if (events[i].account >= 0)
        g_variant_get_child(args, (gsize)events[i].account, "&o", &path);
    if (!g_str_has_prefix(path, IMS_ACCOUNT_PATH "/")) /* a job, or the service as a whole */
        return 0;
    account = ims_bus_account_name(path);
    events[i].tell(self, account, args);

    return 0;
}

static int
on_owner_changed(sd_bus_message *m, void *data, sd_bus_error *failure)
{
    Monitor *self = data;
    const char *name, *old_owner, *new_owner;

    if (sd_bus_message_read(m, "sss", &name, &old_owner, &new_owner) < 0)
        return 0;

    g_hash_table_remove_all(self->told);
    say(NULL, *new_owner != '\0' ? _("the service has started") : _("the service has ended"));

    return 0;
}

/* Nobody reads any more, as behind "| head". */
static int
on_output_closed(sd_event_source *source, int fd, uint32_t events_there, void *data)
{
    return sd_event_exit(sd_event_source_get_event(source), IMS_EXIT_DONE);
}

/* A file or a device is never closed by a reader, and not taken by epoll. */
static int
watch_output(Monitor *self)
{
    int r = sd_event_add_io(
        self->event, NULL, STDOUT_FILENO, EPOLLERR | EPOLLHUP, on_output_closed, self);

    return r == -EPERM ? 0 : r;
}

static int
subscribe(Monitor *self)
{
    static const char owner_rule[] =
        "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
        "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" IMS_BUS_NAME "'";
    int r = sd_bus_add_match(self->bus, NULL, owner_rule, on_owner_changed, self);

    return r < 0 ? r
                 : sd_bus_match_signal(
                       self->bus, NULL, IMS_BUS_NAME, NULL, NULL, NULL, on_signal, self);
}

static int
start(Monitor *self)
{
    int r = sd_event_new(&self->event);

    if (r >= 0)
        r = sd_bus_attach_event(self->bus, self->event, SD_EVENT_PRIORITY_NORMAL);
    if (r >= 0)
        r = sd_bus_set_exit_on_disconnect(self->bus, TRUE);
    if (r >= 0)
        r = watch_output(self);

    return r < 0 ? r : subscribe(self);
}

/* There is nothing to put in order, so this may happen anywhere: also in a write to a terminal that
 * was stopped by Ctrl-S, or to a pipe that is full. */
static void
on_stop(int number)
{
    _exit(IMS_EXIT_DONE);
}

static ImsExit
run(Monitor *self, GError **error)
{
    int r = start(self);

    if (r < 0) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_NOT_RUNNING,
            _("the service's signals cannot be received: %s. Is the session bus still running?"),
            g_strerror(-r));
        return IMS_EXIT_FAILED;
    }

    say(NULL,
        sd_bus_get_name_creds(self->bus, IMS_BUS_NAME, 0, NULL) >= 0
            ? _("the service is running")
            : _("the service is not running; whoever calls it starts it"));
    r = sd_event_loop(self->event);
    if (r != IMS_EXIT_DONE)
        g_set_error_literal(
            error,
            IMS_ERROR,
            IMS_ERROR_NOT_RUNNING,
            _("the session bus has gone. Start this again when there is one"));

    return r == IMS_EXIT_DONE ? IMS_EXIT_DONE : IMS_EXIT_FAILED;
}

ImsExit
ims_command_monitor(const ImsArgs *args)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(sd_bus) bus = ims_bus_open(&error);
    g_autoptr(GHashTable) told =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
    Monitor self = {.bus = bus, .told = told};
    ImsExit status = IMS_EXIT_FAILED;

    signal(SIGINT, on_stop);
    if (bus != NULL)
        status = run(&self, &error);
    if (self.event != NULL) {
        sd_bus_detach_event(bus);
        sd_event_unref(self.event);
    }
    if (error != NULL)
        return ims_fault_report(NULL, NULL, error);

    return status;
}
