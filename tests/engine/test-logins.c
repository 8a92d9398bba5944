/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Passes over two small servers on loopback, which count what they are sent: whatever a server that
 * is known from the pass before answers to a login that went ahead of its greeting, a password goes
 * out once in a pass, and what was remembered keeps nobody out. */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "engine/pass.h"
#include "util/error.h"

#define BEFORE "IMAP4REV1 ENABLE LITERAL+ AUTH=PLAIN SASL-IR"
#define AFTER  "IMAP4REV1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS"

/* How a server behaves; $ stands for the tag. */
typedef struct {
    const char *greeting, *offers; /* offers: what CAPABILITY answers before the login */
    const char *login;             /* the answer to LOGIN */
    gulong delay_us;               /* before the greeting */
    const char *spaces;            /* the answer to NAMESPACE; NULL: a mere OK */
} Mood;

static const Mood good = {
    "* OK [CAPABILITY " BEFORE "] hello", BEFORE, "$ OK [CAPABILITY " AFTER "] in"};
static const Mood refusing = {
    "* OK [CAPABILITY " BEFORE "] hello", BEFORE, "$ NO [AUTHENTICATIONFAILED] wrong"};
static const Mood ending = {
    "* OK [CAPABILITY " BEFORE "] hello", BEFORE, "* BYE [AUTHENTICATIONFAILED] wrong"};
static const Mood full = {"* OK [CAPABILITY " BEFORE "] hello", BEFORE, "$ NO [LIMIT] too many"};
static const Mood untagged = {
    "* OK [CAPABILITY " BEFORE "] hello", BEFORE, "* CAPABILITY " AFTER "\r\n$ OK in"};
static const Mood mute = {"* OK hello", BEFORE, "$ OK [CAPABILITY " AFTER "] in"};
static const Mood disabled = {"* OK hello", BEFORE " LOGINDISABLED", "$ NO LOGIN is disabled"};
/* Of which nothing is ever remembered, as it offers too much. */
static char much[5000];
static const Mood slow = {much, BEFORE, "$ OK [CAPABILITY " AFTER "] in", G_USEC_PER_SEC / 3};

static const Mood spacious = {
    "* OK [CAPABILITY " BEFORE "] hello", BEFORE, "$ OK [CAPABILITY " AFTER " NAMESPACE] in"};
static const Mood cramped = {
    "* OK [CAPABILITY " BEFORE "] hello", BEFORE, "$ OK [CAPABILITY " AFTER "] in", 0, "$ NO what"};
static const Mood puzzled = {
    "* OK [CAPABILITY " BEFORE "] hello",
    BEFORE,
    "$ OK [CAPABILITY " AFTER "] in",
    0,
    "$ BAD what"};

typedef struct {
    GSocketListener *listener;
    GCancellable *stop;
    GThread *thread;
    guint16 port;
    const Mood *mood;      /* changes only between passes */
    gint logins, openings; /* atomic */
} Server;

static void
say(GOutputStream *out, const char *text, const char *tag)
{
    g_auto(GStrv) parts = g_strsplit(text, "$", -1);
    g_autofree char *joined = g_strjoinv(tag, parts);
    g_autofree char *line = g_strconcat(joined, "\r\n", NULL);

    g_output_stream_write_all(out, line, strlen(line), NULL, NULL, NULL);
}

static void
answer(Server *self, GOutputStream *out, const char *line, gboolean *inout_in)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 3);
    const char *tag = words[0], *verb = words[1] != NULL ? words[1] : "";
    g_autofree char *offers =
        g_strconcat("* CAPABILITY ", self->mood->offers, "\r\n$ OK done", NULL);

    if (g_str_equal(verb, "LOGIN")) {
        g_atomic_int_inc(&self->logins);
        *inout_in = strstr(self->mood->login, "$ OK") != NULL;
        say(out, self->mood->login, tag);
    } else if (g_str_equal(verb, "AUTHENTICATE")) {
        *inout_in = TRUE;
        say(out, "$ OK [CAPABILITY " AFTER "] in", tag);
    } else if (g_str_equal(verb, "CAPABILITY")) {
        say(out, *inout_in ? "* CAPABILITY " AFTER "\r\n$ OK done" : offers, tag);
    } else if (*inout_in && g_str_equal(verb, "NAMESPACE") && self->mood->spaces != NULL) {
        say(out, self->mood->spaces, tag);
    } else if (!*inout_in) {
        say(out, "$ BAD log in first", tag);
    } else {
        say(out, g_str_equal(verb, "ENABLE") ? "* ENABLED QRESYNC\r\n$ OK done" : "$ OK done", tag);
    }
}

static void
serve(Server *self, GSocketConnection *conn)
{
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(conn));
    g_autoptr(GDataInputStream) in =
        g_data_input_stream_new(g_io_stream_get_input_stream(G_IO_STREAM(conn)));
    gboolean is_in = FALSE, ended = FALSE;

    g_data_input_stream_set_newline_type(in, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
    g_usleep(self->mood->delay_us);
    say(out, self->mood->greeting, "");
    while (!ended) {
        g_autofree char *line = g_data_input_stream_read_line(in, NULL, self->stop, NULL);

        if (line == NULL)
            break;
        answer(self, out, line, &is_in);
        ended = self->mood == &ending && strstr(line, " LOGIN ") != NULL;
    }
    g_io_stream_close(G_IO_STREAM(conn), NULL, NULL);
}

/* One connection after the other. */
static gpointer
serve_all(gpointer data)
{
    Server *self = data;
    GSocketConnection *conn;

    while ((conn = g_socket_listener_accept(self->listener, NULL, self->stop, NULL)) != NULL) {
        g_atomic_int_inc(&self->openings);
        serve(self, conn);
        g_object_unref(conn);
    }
    return NULL;
}

static void
server_start(Server *self)
{
    *self = (Server){.listener = g_socket_listener_new(), .stop = g_cancellable_new()};
    self->port = g_socket_listener_add_any_inet_port(self->listener, NULL, NULL);
    g_assert_cmpuint(self->port, !=, 0);
    self->thread = g_thread_new("server", serve_all, self);
}

static void
server_stop(Server *self)
{
    g_cancellable_cancel(self->stop);
    g_thread_join(self->thread);
    g_object_unref(self->listener);
    g_object_unref(self->stop);
}

static ImsEndpoint *
endpoint_of(const Server *server)
{
    ImsEndpoint *endpoint = ims_endpoint_new(IMS_ENDPOINT_LOOPBACK);

    endpoint->host = g_strdup("127.0.0.1");
    endpoint->port = server->port;
    endpoint->username = g_strdup("me");
    endpoint->password = g_strdup("open sesame");
    return endpoint;
}

typedef struct {
    const char *name;
    const Mood *first[IMS_N_SIDES], *then[IMS_N_SIDES];
    gint want;         /* an ImsError, of the pass behind the first */
    const char *words; /* in its message; NULL: it goes well */
    gboolean recovers; /* a third pass goes well */
} Case;

static const Case cases[] = {
    {"wrong-here", {&good, &good}, {&refusing, &good}, IMS_ERROR_AUTH_FAILED, "local: "},
    {"wrong-there", {&good, &good}, {&good, &refusing}, IMS_ERROR_AUTH_FAILED, "remote: "},
    {"full-here", {&good, &good}, {&full, &good}, IMS_ERROR_OFFLINE, "local: "},
    {"ended-by-bye", {&good, &good}, {&good, &ending}, IMS_ERROR_AUTH_FAILED, "remote: "},
    {"told-untagged", {&good, &untagged}, {&good, &refusing}, IMS_ERROR_AUTH_FAILED, "remote: "},
    {"answered-before-it-is-asked-for-more",
     {&good, &slow},
     {&refusing, &slow},
     IMS_ERROR_AUTH_FAILED,
     "local: "},
    {"command-that-is-gone", {&good, &spacious}, {&good, &cramped}},
    {"command-that-is-bad", {&good, &spacious}, {&good, &puzzled}},
    {"memory-is-forgotten",
     {&good, &mute},
     {&good, &disabled},
     IMS_ERROR_AUTH_FAILED,
     "disabled",
     TRUE},
};

static void
no_progress(const ImsProgress *progress, gpointer data)
{
}

typedef struct {
    Server server[IMS_N_SIDES];
    ImsPassOrder order;
    char *folder, *path;
} Two;

static void
two_start(Two *self)
{
    static const char *const identity[] = {"local", "remote"};

    *self = (Two){.folder = g_dir_make_tmp("ims-logins-XXXXXX", NULL)};
    self->path = g_build_filename(self->folder, "work.db", NULL);
    self->order = (ImsPassOrder){
        .clock = ims_clock_system(), .progress = no_progress, .state_path = self->path};
    for (guint side = 0; side < IMS_N_SIDES; side++) {
        server_start(&self->server[side]);
        self->order.endpoint[side] = endpoint_of(&self->server[side]);
        self->order.identity[side] = identity[side];
    }
}

static void
two_stop(Two *self)
{
    for (guint side = 0; side < IMS_N_SIDES; side++) {
        ims_endpoint_free((ImsEndpoint *)self->order.endpoint[side]);
        server_stop(&self->server[side]);
    }
    g_unlink(self->path);
    g_rmdir(self->folder);
    g_free(self->path);
    g_free(self->folder);
}

static GError *
pass(Two *self, const Mood *const moods[IMS_N_SIDES])
{
    ImsPump *pump = ims_pump_new(NULL);
    GError *error = NULL;

    for (guint side = 0; side < IMS_N_SIDES; side++) {
        self->server[side].mood = moods[side];
        self->server[side].logins = self->server[side].openings = 0;
    }
    ims_report_unref(ims_pass_run(pump, &self->order, &error));
    ims_pump_free(pump);
    return error;
}

static void
assert_sent_once(const Two *self)
{
    for (guint side = 0; side < IMS_N_SIDES; side++) {
        g_assert_cmpint(self->server[side].openings, ==, 1);
        g_assert_cmpint(self->server[side].logins, ==, 1);
    }
}

static void
assert_refused(Two *two, const Case *c)
{
    g_autoptr(GError) error = pass(two, c->then);

    g_assert_error(error, IMS_ERROR, c->want);
    g_assert_nonnull(strstr(error->message, c->words));
    assert_sent_once(two);
    if (c->recovers)
        g_assert_no_error(pass(two, c->then));
}

static void
test_case(gconstpointer data)
{
    const Case *c = data;
    Two two;

    two_start(&two);
    g_assert_no_error(pass(&two, c->first));
    g_assert_no_error(pass(&two, c->first));
    if (c->words != NULL)
        assert_refused(&two, c);
    else
        g_assert_no_error(pass(&two, c->then));
    two_stop(&two);
}

static guint n_full; /* commits that are still to fail */

static gboolean
has_room(gpointer data)
{
    if (n_full == 0)
        return TRUE;
    n_full--;
    return FALSE;
}

/* What cannot be remembered costs flights, and nothing else. */
static void
test_full_disk(void)
{
    static const Mood *const both[] = {&good, &good}, *const changed[] = {&spacious, &spacious};
    Two two;

    two_start(&two);
    g_assert_no_error(pass(&two, both));
    two.order.fuse = has_room;
    n_full = IMS_N_SIDES;
    g_assert_no_error(pass(&two, changed));
    assert_sent_once(&two);
    g_assert_cmpuint(n_full, ==, 0);
    two_stop(&two);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_snprintf(much, sizeof much, "* OK [CAPABILITY " BEFORE " %04200d] hello", 0);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/engine/logins/", cases[i].name, NULL);

        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/engine/logins/nothing-can-be-remembered", test_full_disk);
    return g_test_run();
}
