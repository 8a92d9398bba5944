/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The pump over spawned commands: what moves, and each way in which a wait ends. */

#include "net/pump.h"

#include <time.h>

#include "byte-client.h"
#include "util/error.h"

#define LOAD (8 * 1024 * 1024)

static ImsLink *
open_shell(const char *script)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    g_autoptr(GError) error = NULL;
    ImsLink *link = ims_link_open_command((char **)argv, NULL, &error);

    g_assert_no_error(error);
    return link;
}

static gboolean
never(gconstpointer what)
{
    return FALSE;
}

/* Both peers block on us before they read: whoever waited for one only would hang. */
static void
test_two_stubborn_peers(void)
{
    g_autofree guint8 *pattern = byte_client_pattern(LOAD);
    g_autoptr(ImsPump) pump = ims_pump_new(NULL);
    ImsLink *link[2];
    ByteClient client[2];

    for (guint i = 0; i < 2; i++) {
        link[i] = open_shell("head -c 4000000 /dev/zero; exec cat");
        byte_client_init(&client[i], pattern, LOAD, 4000000 + LOAD);
        ims_pump_attach(pump, link[i], &byte_client_functions, &client[i]);
    }
    for (guint i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;

        ims_pump_until(pump, link[i], byte_client_is_full, &client[i], in_us(LONG_US), 0, &error);
        g_assert_no_error(error);
        g_assert_cmpmem(client[i].in->data + 4000000, client[i].in->len - 4000000, pattern, LOAD);
        g_assert_cmpuint(ims_link_count(link[i]).sent, ==, LOAD);
        g_assert_cmpuint(ims_link_count(link[i]).received, ==, 4000000 + LOAD);
    }
    for (guint i = 0; i < 2; i++) {
        ims_pump_detach(pump, link[i]);
        ims_link_free(link[i]);
        byte_client_clear(&client[i]);
    }
}

/* One link to a shell, with its pump and client. */
typedef struct {
    GCancellable *cancel;
    ImsPump *pump;
    ImsLink *link;
    ByteClient client;
} Fixture;

static void
set_up(Fixture *f, const char *script, const char *out, gsize want)
{
    f->cancel = g_cancellable_new();
    f->pump = ims_pump_new(f->cancel);
    f->link = open_shell(script);
    byte_client_init(&f->client, out, strlen(out), want);
    ims_pump_attach(f->pump, f->link, &byte_client_functions, &f->client);
}

static void
tear_down(Fixture *f)
{
    ims_pump_detach(f->pump, f->link);
    ims_link_free(f->link);
    ims_pump_free(f->pump);
    byte_client_clear(&f->client);
    g_object_unref(f->cancel);
}

static gboolean
wait_until(Fixture *f, ImsReady ready, gint64 deadline_us, gint64 stall_us, GError **error)
{
    return ims_pump_until(f->pump, f->link, ready, &f->client, deadline_us, stall_us, error);
}

/* Cancels while the other thread waits; Returns: (transfer full): when. */
static gpointer
cancel_soon(gpointer cancel)
{
    gint64 *when;

    g_usleep(20000);
    when = g_new(gint64, 1);
    *when = g_get_monotonic_time();
    g_cancellable_cancel(cancel);
    return when;
}

/* Half a second is far below any deadline that could have ended the wait instead. */
static void
assert_prompt(GThread *thread)
{
    gint64 now = g_get_monotonic_time();
    g_autofree gint64 *when = g_thread_join(thread);

    g_assert_cmpint(now - *when, <, G_USEC_PER_SEC / 2);
}

static void
test_cancel_from_thread(void)
{
    Fixture f;
    g_autoptr(GError) error = NULL;
    GThread *thread;

    set_up(&f, "exec cat", "", 1);
    thread = g_thread_new("cancel", cancel_soon, f.cancel);
    g_assert_false(wait_until(&f, byte_client_is_full, G_MAXINT64, 0, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CANCELLED);
    assert_prompt(thread);
    tear_down(&f);
}

static void
test_link_survives_cancel(void)
{
    Fixture f;
    g_autoptr(GError) error = NULL;

    set_up(&f, "exec cat", "hello", 5);
    g_cancellable_cancel(f.cancel);
    g_assert_false(wait_until(&f, byte_client_is_full, G_MAXINT64, 0, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CANCELLED);
    g_clear_error(&error);

    g_cancellable_reset(f.cancel);
    g_assert_true(wait_until(&f, byte_client_is_full, in_us(LONG_US), 0, &error));
    g_assert_no_error(error);
    tear_down(&f);
}

static void
test_deadline_kills(void)
{
    Fixture f;
    g_autoptr(GError) error = NULL;
    gint64 begin = g_get_monotonic_time();

    set_up(&f, "exec cat", "", 1);
    g_assert_false(wait_until(&f, byte_client_is_full, in_us(50000), 0, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_assert_cmpint(g_get_monotonic_time() - begin, >=, 50000);
    g_clear_error(&error);

    g_assert_false(wait_until(&f, byte_client_is_full, G_MAXINT64, 0, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    tear_down(&f);
}

static void
test_stall_kills(void)
{
    Fixture f;
    g_autoptr(GError) error = NULL;

    set_up(&f, "exec cat", "hello", 6);
    g_assert_false(wait_until(&f, byte_client_is_full, G_MAXINT64, 100000, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_assert_nonnull(strstr(error->message, "silent"));
    g_assert_cmpuint(f.client.in->len, ==, 5);
    tear_down(&f);
}

/* In thread time, which other programs do not lengthen: a pump that asked again and again would use
 * up all of the wait. */
static void
test_quiet_wait_is_idle(void)
{
    Fixture f;
    struct timespec begin, end;
    g_autoptr(GError) error = NULL;

    set_up(&f, "exec cat", "hello", 6);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
    g_assert_false(wait_until(&f, byte_client_is_full, g_get_monotonic_time() + 500000, 0, &error));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_assert_cmpfloat(
        (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9, <, 0.1);
    tear_down(&f);
}

static void
test_slow_is_not_stalled(void)
{
    Fixture f;
    g_autoptr(GError) error = NULL;

    set_up(&f, "for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done", "", 12);
    g_assert_true(wait_until(&f, byte_client_is_full, in_us(LONG_US), 400000, &error));
    g_assert_no_error(error);
    tear_down(&f);
}

static void
test_eof_is_offline(void)
{
    Fixture f;
    g_autoptr(GError) error = NULL;

    set_up(&f, "echo bye", "", 100);
    g_assert_false(wait_until(&f, byte_client_is_full, in_us(LONG_US), 0, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_assert_true(f.client.closed);
    g_assert_cmpmem(f.client.in->data, f.client.in->len, "bye\n", 4);
    tear_down(&f);
}

static gboolean
strict_eof(gpointer data, GError **error)
{
    g_set_error_literal(error, IMS_ERROR, IMS_ERROR_PROTOCOL, "in the middle of a body");
    return FALSE;
}

static void
test_client_says_what_eof_means(void)
{
    ImsPumpClient functions = byte_client_functions;
    Fixture f;
    g_autoptr(GError) error = NULL;

    functions.eof = strict_eof;
    set_up(&f, "exit 0", "", 1);
    ims_pump_detach(f.pump, f.link);
    ims_pump_attach(f.pump, f.link, &functions, &f.client);
    g_assert_false(wait_until(&f, byte_client_is_full, in_us(LONG_US), 0, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
    tear_down(&f);
}

static gboolean
reject(gpointer data, const guint8 *octets, gsize len, gsize *out_used, GError **error)
{
    g_set_error_literal(error, IMS_ERROR, IMS_ERROR_PROTOCOL, "no IMAP");
    return FALSE;
}

static void
test_feed_error_kills(void)
{
    ImsPumpClient functions = byte_client_functions;
    Fixture f;

    functions.feed = reject;
    set_up(&f, "echo hello; exec cat", "", 1);
    ims_pump_detach(f.pump, f.link);
    ims_pump_attach(f.pump, f.link, &functions, &f.client);
    for (guint i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(wait_until(&f, never, in_us(LONG_US), 0, &error));
        g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
    }
    tear_down(&f);
}

static void
test_answer_before_eof_counts(void)
{
    Fixture f;
    g_autoptr(GError) error = NULL;

    set_up(&f, "echo bye", "", 4);
    g_assert_true(wait_until(&f, byte_client_is_full, in_us(LONG_US), 0, &error));
    g_assert_no_error(error);
    g_assert_false(wait_until(&f, never, in_us(LONG_US), 0, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    tear_down(&f);
}

/* The peer is gone before we write: what it said first must still arrive. */
static void
test_last_words_outlive_a_closed_output(void)
{
    g_autofree guint8 *pattern = byte_client_pattern(LOAD);
    Fixture f;
    g_autoptr(GError) error = NULL;

    set_up(&f, "echo bye", "", LOAD);
    f.client.out = pattern;
    f.client.out_len = LOAD;
    g_assert_false(wait_until(&f, byte_client_is_full, in_us(LONG_US), 0, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_assert_cmpmem(f.client.in->data, f.client.in->len, "bye\n", 4);
    tear_down(&f);
}

static gboolean
has_ended(gconstpointer data)
{
    return ((const ByteClient *)data)->closed;
}

static void
test_other_links_trouble_is_kept(void)
{
    Fixture f;
    ByteClient other;
    ImsLink *link = open_shell("exit 0");
    g_autoptr(GError) error = NULL;

    set_up(&f, "exec cat", "", 1);
    byte_client_init(&other, NULL, 0, 1);
    ims_pump_attach(f.pump, link, &byte_client_functions, &other);
    g_assert_true(ims_pump_until(f.pump, f.link, has_ended, &other, in_us(LONG_US), 0, &error));
    g_assert_no_error(error);

    f.client.out = (const guint8 *)"x";
    f.client.out_len = 1;
    g_assert_true(wait_until(&f, byte_client_is_full, in_us(LONG_US), 0, &error));
    g_assert_no_error(error);
    g_assert_false(
        ims_pump_until(f.pump, link, byte_client_is_full, &other, G_MAXINT64, 0, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);

    ims_pump_detach(f.pump, link);
    ims_link_free(link);
    byte_client_clear(&other);
    tear_down(&f);
}

/* What a client has not taken makes the peer wait, and is there when it asks again. */
static void
test_untaken_octets_stay(void)
{
    Fixture f;
    g_autoptr(GError) error = NULL;

    set_up(&f, "exec head -c 8388608 /dev/zero", "", 10);
    f.client.appetite = 10;
    g_assert_true(wait_until(&f, byte_client_is_full, in_us(LONG_US), 0, &error));
    f.client.want = 11;
    g_assert_false(wait_until(&f, byte_client_is_full, in_us(50000), 0, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_assert_cmpuint(ims_link_count(f.link).received, <=, 64 * 1024);
    tear_down(&f);

    g_clear_error(&error);
    set_up(&f, "exec head -c 8388608 /dev/zero", "", 10);
    f.client.appetite = 10;
    g_assert_true(wait_until(&f, byte_client_is_full, in_us(LONG_US), 0, &error));
    f.client.appetite = f.client.want = LOAD;
    g_assert_true(wait_until(&f, byte_client_is_full, in_us(LONG_US), 0, &error));
    g_assert_cmpuint(f.client.in->len, ==, LOAD);
    tear_down(&f);
}

static void
test_flights(void)
{
    Fixture f;
    g_autoptr(GError) error = NULL;

    set_up(&f, "echo hello; exec cat", "", 6);
    for (guint i = 1; i <= 3; i++) {
        g_assert_true(wait_until(&f, byte_client_is_full, in_us(LONG_US), 0, &error));
        f.client.out = (const guint8 *)"abc";
        f.client.out_len = 3;
        f.client.want += 3;
        g_assert_true(wait_until(&f, byte_client_is_full, in_us(LONG_US), 0, &error));
        g_assert_cmpuint(ims_link_count(f.link).flights, ==, i);
    }
    tear_down(&f);
}

static void
test_pushes_its_context(void)
{
    g_autoptr(GMainContext) before = g_main_context_ref_thread_default();
    ImsPump *pump = ims_pump_new(NULL);
    g_autoptr(GMainContext) within = g_main_context_ref_thread_default();
    g_autoptr(GMainContext) after = NULL;

    ims_pump_free(pump);
    after = g_main_context_ref_thread_default();
    g_assert_true(within != before);
    g_assert_true(after == before);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net/pump/two-stubborn-peers-do-not-hang", test_two_stubborn_peers);
    g_test_add_func("/net/pump/cancel-from-a-thread-is-prompt", test_cancel_from_thread);
    g_test_add_func("/net/pump/link-survives-cancel", test_link_survives_cancel);
    g_test_add_func("/net/pump/deadline-kills-the-link", test_deadline_kills);
    g_test_add_func("/net/pump/silence-kills-the-link", test_stall_kills);
    g_test_add_func("/net/pump/quiet-wait-is-idle", test_quiet_wait_is_idle);
    g_test_add_func("/net/pump/slow-is-not-stalled", test_slow_is_not_stalled);
    g_test_add_func("/net/pump/eof-is-offline", test_eof_is_offline);
    g_test_add_func("/net/pump/client-says-what-eof-means", test_client_says_what_eof_means);
    g_test_add_func("/net/pump/feed-error-kills-the-link", test_feed_error_kills);
    g_test_add_func("/net/pump/answer-before-eof-counts", test_answer_before_eof_counts);
    g_test_add_func(
        "/net/pump/last-words-outlive-a-closed-output", test_last_words_outlive_a_closed_output);
    g_test_add_func("/net/pump/trouble-of-another-link-is-kept", test_other_links_trouble_is_kept);
    g_test_add_func("/net/pump/untaken-octets-stay", test_untaken_octets_stay);
    g_test_add_func("/net/pump/counts-flights", test_flights);
    g_test_add_func("/net/pump/pushes-and-pops-its-context", test_pushes_its_context);
    return g_test_run();
}
