/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors
 *
 * The end of an idle service, on a real bus. The test moves the service's messages itself, so that
 * calls stand where the bus put them: before the time is up, between the name's release and the
 * bus's answer to that, and after. */
#include "bus/idle.h"

#include "util/error.h"

#define NAME "org.imapsync.Test"

typedef struct {
    sd_bus *service, *client, *rival;
    ImsIdle *idle;
    gboolean wanted;
    guint n_asked, n_ended, n_served;
    guint n_answers;
    char *fault; /* the name of the last error reply */
} Fixture;

static int
method_hello(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    ((Fixture *)userdata)->n_served++;
    return sd_bus_reply_method_return(m, "");
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Hello", "", "", method_hello, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

static gboolean
wanted(gpointer data)
{
    Fixture *f = data;

    f->n_asked++;
    return f->wanted;
}

static void
ended(gpointer data)
{
    ((Fixture *)data)->n_ended++;
}

static const ImsIdleEvents events = {.wanted = wanted, .ended = ended};

static void
set_up(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(sd_bus_open_user(&f->service), >=, 0);
    g_assert_cmpint(sd_bus_open_user(&f->client), >=, 0);
    g_assert_cmpint(sd_bus_open_user(&f->rival), >=, 0);
    g_assert_cmpint(sd_bus_add_object_vtable(f->service, NULL, "/x", "x.Y", vtable, f), >=, 0);
    g_assert_cmpint(sd_bus_request_name(f->service, NAME, 0), >=, 0);
    f->idle = ims_idle_new(f->service, NAME, 1, &events, f, &error);
    g_assert_no_error(error);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    ims_idle_free(f->idle);
    sd_bus_flush_close_unref(f->service);
    sd_bus_flush_close_unref(f->client);
    sd_bus_flush_close_unref(f->rival);
    g_free(f->fault);
}

static int
on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    Fixture *f = userdata;
    const sd_bus_error *error = sd_bus_message_get_error(m);

    f->n_answers++;
    g_free(f->fault);
    f->fault = g_strdup(error != NULL ? error->name : NULL);
    return 0;
}

/* A call that the bus has handed on when this returns: it keeps the order of one client's messages,
 * so it has seen the call when it answers the next. */
static void
call(Fixture *f)
{
    sd_bus_message *reply = NULL;

    g_assert_cmpint(
        sd_bus_call_method_async(f->client, NULL, NAME, "/x", "x.Y", "Hello", on_answer, f, ""),
        >=,
        0);
    g_assert_cmpint(
        sd_bus_call_method(
            f->client,
            "org.freedesktop.DBus",
            "/",
            "org.freedesktop.DBus",
            "GetId",
            NULL,
            &reply,
            ""),
        >=,
        0);
    sd_bus_message_unref(reply);
}

static void
move(sd_bus *bus)
{
    int r;

    while ((r = sd_bus_process(bus, NULL)) > 0)
        continue;
    g_assert_cmpint(r, ==, 0);
}

static void
move_until(Fixture *f, const guint *counter, guint value)
{
    gint64 deadline_us = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;

    while (*counter < value) {
        g_assert_cmpint(g_get_monotonic_time(), <, deadline_us);
        sd_bus_wait(f->service, 10000);
        move(f->service);
        move(f->client);
    }
}

static void
let_time_pass(Fixture *f)
{
    guint n_asked = f->n_asked;

    while (f->n_asked == n_asked)
        g_main_context_iteration(NULL, TRUE);
    sd_bus_flush(f->service);
}

static gboolean
has_owner(Fixture *f)
{
    return sd_bus_get_name_creds(f->client, NAME, 0, NULL) >= 0;
}

static void
test_ends_without_a_call(Fixture *f, gconstpointer data)
{
    let_time_pass(f);
    g_assert_cmpuint(f->n_ended, ==, 0);
    move_until(f, &f->n_ended, 1);
    g_assert_false(has_owner(f));
}

static void
test_each_call_starts_the_time_anew(Fixture *f, gconstpointer data)
{
    gint64 before_us = g_get_monotonic_time();

    g_usleep(700 * 1000);
    call(f);
    move_until(f, &f->n_answers, 1);
    let_time_pass(f);
    g_assert_cmpint(g_get_monotonic_time() - before_us, >=, 1500 * 1000);
}

static void
test_a_wanted_service_stays_until_the_next_silence(Fixture *f, gconstpointer data)
{
    f->wanted = TRUE;
    let_time_pass(f);
    move(f->service);
    g_assert_true(has_owner(f));

    f->wanted = FALSE;
    call(f);
    move_until(f, &f->n_answers, 1);
    let_time_pass(f);
    move_until(f, &f->n_ended, 1);
}

static void
test_a_call_before_the_release_keeps_the_service(Fixture *f, gconstpointer data)
{
    call(f);
    let_time_pass(f);
    move_until(f, &f->n_answers, 1);
    g_assert_null(f->fault);
    g_assert_cmpuint(f->n_served, ==, 1);
    move(f->service);
    g_assert_cmpuint(f->n_ended, ==, 0);
    g_assert_true(has_owner(f));
    g_assert_false(ims_idle_is_releasing(f->idle));

    let_time_pass(f); /* and it counts again */
    move_until(f, &f->n_ended, 1);
}

static void
test_a_replaced_service_serves_nobody(Fixture *f, gconstpointer data)
{
    int r = -1;

    call(f);
    let_time_pass(f);
    while (r < 0)
        r = sd_bus_request_name(f->rival, NAME, 0);
    move_until(f, &f->n_answers, 1);
    g_assert_cmpstr(f->fault, ==, "org.imapsync1.Error.Busy");
    g_assert_cmpuint(f->n_served, ==, 0);
    move_until(f, &f->n_ended, 1);
}

static void
add(const char *name, void (*test)(Fixture *, gconstpointer))
{
    g_test_add(name, Fixture, NULL, set_up, test, tear_down);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/bus/idle/ends-without-a-call", test_ends_without_a_call);
    add("/bus/idle/each-call-starts-the-time-anew", test_each_call_starts_the_time_anew);
    add("/bus/idle/a-wanted-service-stays-until-the-next-silence",
        test_a_wanted_service_stays_until_the_next_silence);
    add("/bus/idle/a-call-before-the-release-keeps-the-service",
        test_a_call_before_the_release_keeps_the_service);
    add("/bus/idle/a-replaced-service-serves-nobody", test_a_replaced_service_serves_nobody);

    return g_test_run();
}
