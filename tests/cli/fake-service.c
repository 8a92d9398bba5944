/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* A service that speaks org.imapsync1 and does nothing else, so that the client can be tested
 * without servers. How a job of an account goes is in the account's name; see `accounts` below. It
 * is written against the XML, not against our own service. */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "util/names.h"

#define HOLD_US (500 * 1000) /* before a removal is answered */

typedef struct {
    const char *name;
    const char *result;     /* of its jobs; NULL: they run until they are cancelled */
    const char *error_name; /* last component */
    const char *error_message;
} Account;

/* The job of account N has the path …/job/N. */
static const Account accounts[] = {
    {"away", "offline", "Offline", "no route to imap.example.net"},
    {"broken", "failed", "AuthFailed", "the server refused user name or password"},
    {"fine", "done"},
    {"gone", NULL}, /* the service ends as soon as it has answered */
    {"partly", "partial"},
    {"slow", NULL},
};

/* What is wrong with the file of account N, as of the last Reload; NULL for nothing. */
static char *misread[G_N_ELEMENTS(accounts)];

static sd_event *loop;
static gboolean tested; /* the last job was a test */

static const Account *
find_account(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(accounts); i++) {
        if (g_str_equal(accounts[i].name, name))
            return &accounts[i];
    }

    return NULL;
}

/* By the last component of an object path: a name, or for jobs a number. */
static const Account *
of_path(const char *path)
{
    const char *last = strrchr(path, '/') + 1;

    return g_ascii_isdigit(*last) ? &accounts[g_ascii_strtoull(last, NULL, 10)]
                                  : find_account(last);
}

static char *
job_path(const Account *account)
{
    return g_strdup_printf(IMS_JOB_PATH "/%u", (guint)(account - accounts));
}

static char *
account_path(const Account *account)
{
    return g_strdup_printf(IMS_ACCOUNT_PATH "/%s", account->name);
}

static int
no_such_account(sd_bus_error *error, const char *name)
{
    return sd_bus_error_setf(error, IMS_ERROR_PREFIX "NoSuchAccount", "no account '%s'", name);
}

/* Tells all that may change of an account. */
static void
emit_changed(sd_bus *bus, const Account *account, const char *state)
{
    gboolean failed = g_str_equal(state, "blocked");
    g_autofree char *path = account_path(account);
    g_autofree char *name =
        failed ? g_strconcat(IMS_ERROR_PREFIX, account->error_name, NULL) : g_strdup("");

    /* clang-format off */
    sd_bus_emit_signal(
        bus, path, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as",
        IMS_ACCOUNT_INTERFACE, 3,
        "State", "s", state,
        "Attention", "s", failed ? "credentials" : "none",
        "LastError", "(ss)", name, failed ? account->error_message : "",
        0);
    /* clang-format on */
}

static void
emit_new(sd_bus *bus, const Account *account)
{
    g_autofree char *job = job_path(account);
    g_autofree char *path = account_path(account);

    sd_bus_emit_signal(
        bus, IMS_ROOT_PATH, IMS_MANAGER_INTERFACE, "JobNew", "oos", job, path, "client");
}

static void
emit_mailbox(sd_bus *bus, const Account *account)
{
    g_autofree char *path = account_path(account);

    sd_bus_emit_signal(
        bus,
        path,
        IMS_ACCOUNT_INTERFACE,
        "MailboxChanged",
        "sa{sv}",
        "Entwürfe\033[2J",
        1,
        "copied-local",
        "t",
        (guint64)40);
    sd_bus_emit_signal(bus, path, IMS_ACCOUNT_INTERFACE, "IssuesChanged", "");
}

static void
emit_account(sd_bus *bus, const char *name, gboolean there)
{
    g_autofree char *path = account_path(find_account(name));
    const char *interface = "org.freedesktop.DBus.ObjectManager", *ours = IMS_ACCOUNT_INTERFACE;

    if (there)
        sd_bus_emit_signal(
            bus, IMS_ROOT_PATH, interface, "InterfacesAdded", "oa{sa{sv}}", path, 1, ours, 0);
    else
        sd_bus_emit_signal(
            bus, IMS_ROOT_PATH, interface, "InterfacesRemoved", "oas", path, 1, ours);
}

static void
emit_progress(sd_bus *bus, const Account *account, const char *phase, guint64 done)
{
    g_autofree char *job = job_path(account);
    g_autofree char *path = account_path(account);

    sd_bus_emit_signal(
        bus,
        IMS_ROOT_PATH,
        IMS_MANAGER_INTERFACE,
        "JobProgress",
        "oosa{sv}",
        job,
        path,
        phase,
        5,
        "mailbox",
        "s",
        "Entwürfe",
        "messages-done",
        "t",
        done,
        "messages-total",
        "t",
        (guint64)40,
        "bytes-done",
        "t",
        done * 1000,
        "bytes-total",
        "t",
        (guint64)40000);
}

static void
emit_ended(sd_bus *bus, const Account *account, const char *result)
{
    g_autofree char *job = job_path(account);
    g_autofree char *path = account_path(account);

    sd_bus_emit_signal(
        bus,
        IMS_ROOT_PATH,
        IMS_MANAGER_INTERFACE,
        "JobEnded",
        "oosa{sv}",
        job,
        path,
        result,
        2,
        "copied-local",
        "t",
        (guint64)40,
        "duration",
        "t",
        (guint64)1500000);
}

/* A job that ends does so before Sync is answered: clients must have subscribed by then. */
static void
run_job(sd_bus *bus, const Account *account)
{
    gboolean failed = account->result != NULL && g_str_equal(account->result, "failed");

    emit_new(bus, account);
    emit_changed(bus, account, "syncing");
    emit_progress(bus, account, "connecting", 0);
    emit_progress(bus, account, "comparing", 0);
    emit_progress(bus, account, "copying", 10);
    emit_progress(bus, account, "comparing", 10);
    emit_progress(bus, account, "copying", 20);
    if (account->result == NULL)
        return;
    emit_mailbox(bus, account);
    emit_changed(bus, account, failed ? "blocked" : "idle");
    emit_ended(bus, account, account->result);
}

/* A test's job only connects. There is no partial success of it. */
static void
run_test(sd_bus *bus, const Account *account)
{
    emit_progress(bus, account, "connecting", 0);
    if (account->result != NULL)
        emit_ended(
            bus, account, g_str_equal(account->result, "partial") ? "done" : account->result);
}

static int
append_job(sd_bus_message *reply, const char *name)
{
    g_autofree char *path = job_path(find_account(name));

    return sd_bus_message_append(reply, "o", path);
}

/* Options are told on stderr, where the test looks for them. Returns: whether one was on. */
static gboolean
read_options(sd_bus_message *m)
{
    const char *key, *contents;
    gboolean on = FALSE;
    guint32 number;
    int r = sd_bus_message_enter_container(m, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
        sd_bus_message_read(m, "s", &key);
        sd_bus_message_peek_type(m, NULL, &contents);
        if (g_str_equal(contents, "u")) {
            sd_bus_message_read(m, "v", "u", &number);
            g_printerr("%s=%u\n", key, number);
        } else if (g_str_equal(contents, "b")) {
            int boolean = 0;

            sd_bus_message_read(m, "v", "b", &boolean);
            g_printerr("%s=%d\n", key, boolean);
            on = on || boolean;
        } else {
            g_auto(GStrv) words = NULL;
            g_autofree char *joined = NULL;

            sd_bus_message_enter_container(m, 'v', "as");
            sd_bus_message_read_strv(m, &words);
            sd_bus_message_exit_container(m);
            joined = g_strjoinv(",", words);
            g_printerr("%s=%s\n", key, joined);
        }
        r = sd_bus_message_exit_container(m);
    }

    return on;
}

static int
method_sync(sd_bus_message *m, void *data, sd_bus_error *error)
{
    sd_bus *bus = sd_bus_message_get_bus(m);
    sd_bus_message *reply = NULL;
    g_auto(GStrv) names = NULL;

    sd_bus_message_read_strv(m, &names);
    read_options(m);
    tested = FALSE;
    sd_bus_message_new_method_return(m, &reply);
    sd_bus_message_open_container(reply, 'a', "o");
    for (gsize i = 0; names != NULL && names[i] != NULL; i++) {
        const Account *account = find_account(names[i]);

        if (account == NULL) {
            sd_bus_message_unref(reply);
            return no_such_account(error, names[i]);
        }
        run_job(bus, account);
        append_job(reply, names[i]);
        if (g_str_equal(names[i], "gone"))
            sd_event_exit(loop, 0);
    }
    sd_bus_message_close_container(reply);
    sd_bus_send(bus, reply, NULL);
    sd_bus_message_unref(reply);

    return 1;
}

static int
method_status(sd_bus_message *m, void *data, sd_bus_error *error)
{
    sd_bus_message *reply = NULL;

    sd_bus_message_new_method_return(m, &reply);
    sd_bus_message_open_container(reply, 'a', "a{sv}");
    for (gsize i = 0; i < G_N_ELEMENTS(accounts); i++) {
        const Account *account = &accounts[i];
        const char *error_name = misread[i] != NULL ? "Config" : account->error_name;
        const char *message = misread[i] != NULL ? misread[i] : account->error_message;
        g_autofree char *path = account_path(account);
        g_autofree char *name =
            error_name == NULL ? g_strdup("") : g_strconcat(IMS_ERROR_PREFIX, error_name, NULL);

        sd_bus_message_append(
            reply,
            "a{sv}",
            9,
            "name",
            "s",
            account->name,
            "path",
            "o",
            path,
            "state",
            "s",
            misread[i] != NULL ? "blocked" : "idle",
            "attention",
            "s",
            account->error_name == NULL ? "none" : "server",
            "error-name",
            "s",
            name,
            "error-message",
            "s",
            error_name == NULL ? "" : message,
            "last-success",
            "t",
            (guint64)0,
            "job",
            "o",
            "/",
            "issues",
            "u",
            (guint32)(account->result != NULL && g_str_equal(account->result, "partial")));
    }
    sd_bus_message_close_container(reply);
    sd_bus_send(sd_bus_message_get_bus(m), reply, NULL);
    sd_bus_message_unref(reply);

    return 1;
}

static int
method_cancel(sd_bus_message *m, void *data, sd_bus_error *error)
{
    g_auto(GStrv) names = NULL;

    sd_bus_message_read_strv(m, &names);

    return sd_bus_reply_method_return(m, "u", names != NULL ? g_strv_length(names) : 0);
}

/* Looks only whether each file there is can be parsed; if so, tells of its account as a new one. */
static int
method_reload(sd_bus_message *m, void *data, sd_bus_error *error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(accounts); i++) {
        g_autofree char *base = g_strconcat(accounts[i].name, ".conf", NULL);
        g_autofree char *path =
            g_build_filename(g_get_user_config_dir(), IMS_DIRECTORY, base, NULL);
        g_autoptr(GKeyFile) file = g_key_file_new();
        g_autoptr(GError) fault = NULL;

        g_clear_pointer(&misread[i], g_free);
        g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &fault);
        if (fault != NULL && fault->domain == G_KEY_FILE_ERROR)
            misread[i] = g_strdup_printf("%s: %s", path, fault->message);
        if (fault == NULL)
            emit_account(sd_bus_message_get_bus(m), accounts[i].name, TRUE);
    }

    return sd_bus_reply_method_return(m, "");
}

static int
answer(sd_event_source *source, uint64_t usec, void *data)
{
    sd_bus_message *m = data;

    sd_bus_reply_method_return(m, "");
    sd_bus_message_unref(m);

    return 0;
}

/* What an account that is none of these fails with. */
static int
refuse_removal(const char *name, sd_bus_error *error)
{
    if (g_str_equal(name, "broken"))
        return sd_bus_error_set(error, IMS_ERROR_PREFIX "KeyringLocked", "the keyring is locked");
    if (g_str_equal(name, "away"))
        return sd_bus_error_set(error, IMS_ERROR_PREFIX "State", "away.db cannot be removed");
    if (g_str_equal(name, "slow"))
        return sd_bus_error_set(error, IMS_ERROR_PREFIX "Busy", "it is being removed already");

    return 0;
}

/* Removes nothing but the account's store, which must be empty; the answer takes a while. */
static int
method_remove_account(sd_bus_message *m, void *data, sd_bus_error *error)
{
    g_autofree char *store = NULL;
    const char *name;
    int r;

    sd_bus_message_read(m, "s", &name);
    if (find_account(name) == NULL)
        return no_such_account(error, name);
    r = refuse_removal(name, error);
    if (r < 0)
        return r;

    store = g_build_filename(g_get_user_data_dir(), IMS_DIRECTORY, name, NULL);
    if (read_options(m))
        g_rmdir(store);
    emit_account(sd_bus_message_get_bus(m), name, FALSE);
    if (g_str_equal(name, "gone"))
        sd_event_exit(loop, 0);
    else
        sd_event_add_time_relative(
            loop, NULL, CLOCK_MONOTONIC, HOLD_US, 0, answer, sd_bus_message_ref(m));

    return 1;
}

static int
method_get_account(sd_bus_message *m, void *data, sd_bus_error *error)
{
    g_autofree char *path = NULL;
    const char *name;

    sd_bus_message_read(m, "s", &name);
    if (find_account(name) == NULL)
        return no_such_account(error, name);
    path = account_path(find_account(name));

    return sd_bus_reply_method_return(m, "o", path);
}

static int
method_list_issues(sd_bus_message *m, void *data, sd_bus_error *error)
{
    const Account *account = of_path(sd_bus_message_get_path(m));

    if (account->result == NULL || !g_str_equal(account->result, "partial"))
        return sd_bus_reply_method_return(m, "aa{sv}", 0);

    return sd_bus_reply_method_return(
        m,
        "aa{sv}",
        1,
        5,
        "id",
        "t",
        (guint64)1,
        "kind",
        "s",
        "deletions",
        "mailbox",
        "s",
        "Entwürfe",
        "side",
        "s",
        "remote",
        "count",
        "t",
        (guint64)77);
}

static int
method_test(sd_bus_message *m, void *data, sd_bus_error *error)
{
    const Account *account = of_path(sd_bus_message_get_path(m));
    g_autofree char *job = job_path(account);

    tested = TRUE;
    run_test(sd_bus_message_get_bus(m), account);
    if (g_str_equal(account->name, "gone"))
        sd_event_exit(loop, 0);

    return sd_bus_reply_method_return(m, "o", job);
}

/* Only of "fine" any are known. */
static int
method_list_mailboxes(sd_bus_message *m, void *data, sd_bus_error *error)
{
    const Account *account = of_path(sd_bus_message_get_path(m));

    if (!g_str_equal(account->name, "fine"))
        return sd_bus_reply_method_return(m, "a(sa{sv})", 0);

    /* clang-format off */
    return sd_bus_reply_method_return(
        m, "a(sa{sv})", 2,
        "Entwürfe", 7,
        "local", "b", TRUE, "remote", "b", TRUE, "subscribed", "b", TRUE, "role", "s", "drafts",
        "messages", "t", (guint64)3000000000, "last-sync", "t", (guint64)1700000000000000,
        "state", "s", "synced",
        "a\033[2J \"b\"", 7,
        "local", "b", FALSE, "remote", "b", TRUE, "subscribed", "b", FALSE, "role", "s", "",
        "messages", "t", (guint64)0, "last-sync", "t", (guint64)0,
        "state", "s", "held");
    /* clang-format on */
}

static int
method_job_cancel(sd_bus_message *m, void *data, sd_bus_error *error)
{
    emit_ended(sd_bus_message_get_bus(m), of_path(sd_bus_message_get_path(m)), "cancelled");

    return sd_bus_reply_method_return(m, "");
}

/* "away" came as far as one side, "broken" to none. */
static int
reply_facts(sd_bus_message *m)
{
    const Account *account = of_path(sd_bus_message_get_path(m));
    gboolean away = g_str_equal(account->name, "away");

    if (away || g_str_equal(account->name, "fine"))
        /* clang-format off */
        return sd_bus_reply_method_return(
            m, "a(sa{sv})", 2,
            "local", 9,
            "program", "s", "/usr/lib/dovecot/imap", "mechanism", "s", "PREAUTH",
            "used", "as", 2, "QRESYNC", "LITERAL+", "lacking", "as", 1, "MULTIAPPEND",
            "delimiter", "s", "/", "prefix", "s", "", "mailboxes", "t", (guint64)7,
            "filled", "t", (guint64)5, "messages", "t", (guint64)3000000000,
            "remote", 3,
            "host", "s", "imap.example.net", "port", "t", (guint64)993,
            "error-message", "s", away ? account->error_message : "");
    /* clang-format on */
    return sd_bus_reply_method_return(m, "a(sa{sv})", 0);
}

static int
method_get_report(sd_bus_message *m, void *data, sd_bus_error *error)
{
    if (tested)
        return reply_facts(m);

    return sd_bus_reply_method_return(
        m,
        "a(sa{sv})",
        1,
        "Entwürfe",
        2,
        "state",
        "s",
        "pending",
        "copied-local",
        "t",
        (guint64)40);
}

static int
get_account(
    sd_bus *bus,
    const char *path,
    const char *interface,
    const char *property,
    sd_bus_message *reply,
    void *data,
    sd_bus_error *error)
{
    g_autofree char *account = account_path(of_path(path));

    return sd_bus_message_append(reply, "o", account);
}

static int
get_error(
    sd_bus *bus,
    const char *path,
    const char *interface,
    const char *property,
    sd_bus_message *reply,
    void *data,
    sd_bus_error *error)
{
    const Account *account = of_path(path);
    g_autofree char *name = NULL;

    if (account->error_name == NULL)
        return sd_bus_message_append(reply, "(ss)", "", "");
    name = g_strconcat(IMS_ERROR_PREFIX, account->error_name, NULL);

    return sd_bus_message_append(reply, "(ss)", name, account->error_message);
}

/* clang-format off */
static const sd_bus_vtable manager_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Sync", "asa{sv}", "ao", method_sync, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Status", "", "aa{sv}", method_status, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Cancel", "as", "u", method_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("GetAccount", "s", "o", method_get_account, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD(
        "RemoveAccount", "sa{sv}", "", method_remove_account, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Reload", "", "", method_reload, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static const sd_bus_vtable account_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Test", "a{sv}", "o", method_test, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("ListIssues", "a{sv}", "aa{sv}", method_list_issues, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD(
        "ListMailboxes", "a{sv}", "a(sa{sv})", method_list_mailboxes, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static const sd_bus_vtable job_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Cancel", "", "", method_job_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD(
        "GetReport", "a{sv}", "a(sa{sv})", method_get_report, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("Account", "o", get_account, 0, 0),
    SD_BUS_PROPERTY("Error", "(ss)", get_error, 0, 0),
    SD_BUS_VTABLE_END,
};
/* clang-format on */

/* Any path below the prefix will do. */
static int
find_any(
    sd_bus *bus,
    const char *path,
    const char *interface,
    void *data,
    void **found,
    sd_bus_error *error)
{
    *found = (void *)manager_vtable;

    return 1;
}

int
main(void)
{
    sd_bus *bus = NULL;
    int r = sd_event_new(&loop);

    if (r >= 0)
        r = sd_bus_open_user(&bus);
    if (r >= 0)
        r = sd_bus_attach_event(bus, loop, SD_EVENT_PRIORITY_NORMAL);
    if (r >= 0) /* a test that was interrupted leaves nobody behind */
        r = sd_bus_set_exit_on_disconnect(bus, TRUE);
    if (r >= 0)
        r = sd_bus_add_object_vtable(
            bus, NULL, IMS_ROOT_PATH, IMS_MANAGER_INTERFACE, manager_vtable, NULL);
    if (r >= 0)
        r = sd_bus_add_fallback_vtable(
            bus, NULL, IMS_ACCOUNT_PATH, IMS_ACCOUNT_INTERFACE, account_vtable, find_any, NULL);
    if (r >= 0)
        r = sd_bus_add_fallback_vtable(
            bus, NULL, IMS_JOB_PATH, IMS_JOB_INTERFACE, job_vtable, find_any, NULL);
    if (r >= 0)
        r = sd_bus_request_name(bus, IMS_BUS_NAME, 0);
    if (r >= 0)
        r = sd_event_loop(loop);
    sd_bus_flush_close_unref(bus);
    sd_event_unref(loop);

    return r < 0;
}
