/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors
 *
 * The bridge between sd-bus and the GLib main loop, with both ends of one connection in one loop
 * and no bus daemon. */
#include "bus/source.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define MANY_CALLS 1000

typedef struct {
    GMainContext *context;
    sd_bus *server, *client;
    GSource *server_source, *client_source;
    guint n_answers;
    gboolean timed_out;
    int server_lost, client_lost; /* errno; -1: not lost */
    guint turns;                  /* of an idle source beside them */
} Fixture;

static int
method_echo(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    const char *text;
    int r = sd_bus_message_read(m, "s", &text);

    return r < 0 ? r : sd_bus_reply_method_return(m, "s", text);
}

static int
method_ignore(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    return 1;
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Echo", "s", "s", method_echo, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Ignore", "", "", method_ignore, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static void
on_lost(int errnum, gpointer data)
{
    *(int *)data = errnum;
}

static GSource *
attach(Fixture *f, sd_bus *bus, int *lost)
{
    GSource *source = ims_bus_source_new(bus, on_lost, lost);

    g_source_attach(source, f->context);
    return source;
}

static void
set_up(Fixture *f, gconstpointer data)
{
    sd_id128_t id = {0};
    int fds[2];

    f->context = g_main_context_new();
    f->server_lost = f->client_lost = -1;
    g_assert_true(g_main_context_acquire(f->context));
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), ==, 0);

    g_assert_cmpint(sd_bus_new(&f->server), >=, 0);
    g_assert_cmpint(sd_bus_set_fd(f->server, fds[0], fds[0]), >=, 0);
    g_assert_cmpint(sd_bus_set_server(f->server, 1, id), >=, 0);
    g_assert_cmpint(sd_bus_set_anonymous(f->server, 1), >=, 0);
    g_assert_cmpint(sd_bus_add_object_vtable(f->server, NULL, "/x", "x.Y", vtable, f), >=, 0);
    g_assert_cmpint(sd_bus_start(f->server), >=, 0);

    g_assert_cmpint(sd_bus_new(&f->client), >=, 0);
    g_assert_cmpint(sd_bus_set_fd(f->client, fds[1], fds[1]), >=, 0);
    g_assert_cmpint(sd_bus_set_anonymous(f->client, 1), >=, 0);
    g_assert_cmpint(sd_bus_start(f->client), >=, 0);

    f->server_source = attach(f, f->server, &f->server_lost);
    f->client_source = attach(f, f->client, &f->client_lost);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    g_source_destroy(f->server_source);
    g_source_destroy(f->client_source);
    g_source_unref(f->server_source);
    g_source_unref(f->client_source);
    sd_bus_flush_close_unref(f->client);
    sd_bus_flush_close_unref(f->server);
    g_main_context_release(f->context);
    g_main_context_unref(f->context);
}

static int
on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    Fixture *f = userdata;

    if (sd_bus_message_is_method_error(m, NULL))
        f->timed_out = sd_bus_message_get_errno(m) == ETIMEDOUT;
    else
        f->n_answers++;
    return 0;
}

static void
call(Fixture *f, const char *member, const char *types, const char *argument)
{
    int r = sd_bus_call_method_async(
        f->client, NULL, NULL, "/x", "x.Y", member, on_answer, f, types, argument);

    g_assert_cmpint(r, >=, 0);
}

static void
test_call_is_answered(Fixture *f, gconstpointer data)
{
    call(f, "Echo", "s", "hello");
    while (f->n_answers == 0)
        g_main_context_iteration(f->context, TRUE);
}

/* More than a socket buffer, so that writing has to wait for reading on both ends. */
static void
test_large_messages_pass(Fixture *f, gconstpointer data)
{
    g_autofree char *text = g_strnfill(2 * 1024 * 1024, 'x');

    call(f, "Echo", "s", text);
    while (f->n_answers == 0)
        g_main_context_iteration(f->context, TRUE);
}

static gboolean
on_idle(gpointer data)
{
    Fixture *f = data;

    f->turns++;
    return G_SOURCE_CONTINUE;
}

static void
test_chatty_client_starves_nobody(Fixture *f, gconstpointer data)
{
    GSource *beside = g_idle_source_new();

    g_source_set_priority(beside, G_PRIORITY_DEFAULT);
    g_source_set_callback(beside, on_idle, f, NULL);
    g_source_attach(beside, f->context);

    for (guint i = 0; i < MANY_CALLS; i++)
        call(f, "Echo", "s", "again");
    while (f->n_answers < MANY_CALLS)
        g_main_context_iteration(f->context, TRUE);
    g_assert_cmpuint(f->turns, >=, MANY_CALLS / 32);

    g_source_destroy(beside);
    g_source_unref(beside);
}

static void
test_timeout_wakes_the_loop(Fixture *f, gconstpointer data)
{
    g_assert_cmpint(sd_bus_set_method_call_timeout(f->client, 20000), >=, 0);
    call(f, "Ignore", NULL, NULL);
    while (!f->timed_out)
        g_main_context_iteration(f->context, TRUE);
    g_assert_cmpuint(f->n_answers, ==, 0);
}

static void
test_lost_peer_is_told_once(Fixture *f, gconstpointer data)
{
    call(f, "Echo", "s", "hello");
    while (f->n_answers == 0)
        g_main_context_iteration(f->context, TRUE);
    g_assert_cmpint(f->client_lost, ==, -1);

    sd_bus_close(f->server);
    while (f->client_lost == -1)
        g_main_context_iteration(f->context, TRUE);
    g_assert_cmpint(f->client_lost, >, 0);
    g_assert_true(g_source_is_destroyed(f->client_source));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, test) g_test_add("/bus/source/" name, Fixture, NULL, set_up, test, tear_down)
    ADD("call-is-answered", test_call_is_answered);
    ADD("large-messages-pass", test_large_messages_pass);
    ADD("chatty-client-starves-nobody", test_chatty_client_starves_nobody);
    ADD("timeout-wakes-the-loop", test_timeout_wakes_the_loop);
    ADD("lost-peer-is-told-once", test_lost_peer_is_told_once);
#undef ADD
    return g_test_run();
}
