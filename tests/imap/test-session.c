/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The life of a connection: what ends it, what does not, the window, the goodbye. */
#include <string.h>

#include "imap/session.h"
#include "script.h"
#include "util/error.h"

typedef struct {
    const char *name;
    ImsError want;
    const char *words;
    const char *lines[12];
} EndCase;

static const EndCase end_cases[] = {
    {"bad",
     IMS_ERROR_PROTOCOL,
     "calls CREATE bad: [CLIENTBUG] no",
     {SCRIPT_OPEN, "C: a2 CREATE \"A\"", "S: a2 BAD [CLIENTBUG] no"}},
    {"unknown-tag",
     IMS_ERROR_PROTOCOL,
     "never sent",
     {SCRIPT_OPEN, "C: a2 CREATE \"A\"", "S: a02 OK done"}},
    {"eof", IMS_ERROR_OFFLINE, "closed the connection", {SCRIPT_OPEN, "C: a2 CREATE \"A\"", "X: "}},
    {"bye-is-told-with-its-code",
     IMS_ERROR_OFFLINE,
     "closed the connection: [ALERT] Server?shutting down",
     {SCRIPT_OPEN, "C: a2 CREATE \"A\"", "S: * BYE [ALERT] Server\tshutting down", "X: "}},
    {"bye-does-not-blame-the-login",
     IMS_ERROR_OFFLINE,
     "closed the connection: [AUTHENTICATIONFAILED] Login failed",
     {SCRIPT_OPEN, "C: a2 CREATE \"A\"", "S: * BYE [AUTHENTICATIONFAILED] Login failed", "X: "}},
    {"no-imap", IMS_ERROR_PROTOCOL, "", {SCRIPT_OPEN, "C: a2 CREATE \"A\"", "S: \x01"}},
};

static void
run_end(gconstpointer data)
{
    const EndCase *c = data;
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_create(conn, "A", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) again = NULL;

    g_assert_false(ims_conn_wait(conn, cmd, &error));
    g_assert_error(error, IMS_ERROR, (gint)c->want);
    if (strstr(error->message, c->words) == NULL)
        g_error("\"%s\" does not hold \"%s\"", error->message, c->words);
    g_assert_cmpint(ims_cmd_reply(cmd), ==, IMS_REPLY_PENDING);

    g_assert_null(ims_conn_list(conn, &again));
    g_assert_error(again, IMS_ERROR, (gint)c->want);
    g_assert_cmpstr(again->message, ==, error->message);
}

static void
test_end(gconstpointer data)
{
    const EndCase *c = data;

    script_each(c->lines, run_end, c);
}

static void
run_survive(gconstpointer data)
{
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_create(conn, "A", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(ims_conn_wait(conn, cmd, &error));
    g_assert_no_error(error);
}

static void
test_survive(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        "C: a2 CREATE \"A\"",
        "S: * BAD Invalid tag",
        "S: * NO [ALERT] disk is nearly full",
        "S: * OK Still here",
        "S: + idling",
        "S: * 7 EXISTS",
        "S: * 3 FETCH (UID 3 BODY[] {3}",
        "S: abc)",
        "S: * STATUS A (MESSAGES 3)",
        "S: * VANISHED (EARLIER) 1:4294967295",
        "S: * SEARCH 1",
        "S: * XANADU (a (b) \"c\")",
        "S: a2 OK done",
        NULL};

    script_each(lines, run_survive, NULL);
}

/* Cyrus says NO and hangs up. */
static void
run_no_then_bye(gconstpointer data)
{
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_create(conn, "A", NULL);
    g_autoptr(ImsCmd) next = ims_conn_create(conn, "B", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_false(ims_conn_wait(conn, next, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_assert_true(ims_conn_wait(conn, cmd, NULL));
    g_assert_cmpint(ims_cmd_reply(cmd), ==, IMS_REPLY_NO);
}

static void
test_no_then_bye(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        "C: a2 CREATE \"A\"",
        "C: a3 CREATE \"B\"",
        "S: a2 NO [TOOBIG] no",
        "S: * BYE [TOOBIG] no",
        "X: ",
        NULL};

    script_each(lines, run_no_then_bye, NULL);
}

/* Nothing goes out any more, whatever was put before. */
static void
test_dead_is_silent(void)
{
    static const char bad[] = "* OK hi\r\na1 BAD no\r\n";
    g_autoptr(ImsCmd) cmd = ims_cmd_new("APPEND", 0);
    g_autoptr(GError) error = NULL;
    ImsSession session;
    const guint8 *data;
    gsize used;

    ims_session_init(&session);
    ims_session_send(&session, cmd, "APPEND A {30+}");
    g_assert_cmpuint(ims_session_client.output(&session, &data), >, 0);
    g_assert_false(
        ims_session_client.feed(&session, (const guint8 *)bad, strlen(bad), &used, &error));
    ims_session_put(&session, "x1 DELETE A\r\n", 13);
    g_assert_cmpuint(ims_session_client.output(&session, &data), ==, 0);
    ims_session_clear(&session);
}

/* A 65th command is not sent before the first is answered. */
static void
test_window(void)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) cmds = g_ptr_array_new_with_free_func((GDestroyNotify)ims_cmd_unref);
    const char *const head[] = {SCRIPT_OPEN};
    ImsConn *conn;

    for (gsize i = 0; i < G_N_ELEMENTS(head); i++)
        g_ptr_array_add(lines, g_strdup(head[i]));
    for (guint i = 0; i < 64; i++)
        g_ptr_array_add(lines, g_strdup_printf("C: a%u CREATE \"A\"", i + 2));
    g_ptr_array_add(lines, g_strdup("S: a2 OK done"));
    g_ptr_array_add(lines, g_strdup("C: a66 CREATE \"A\""));
    for (guint i = 1; i < 65; i++)
        g_ptr_array_add(lines, g_strdup_printf("S: a%u OK done", i + 2));
    g_ptr_array_add(lines, NULL);

    script_begin((const char *const *)lines->pdata, 0);
    conn = script_open();
    for (guint i = 0; i < 65; i++)
        g_ptr_array_add(cmds, ims_conn_create(conn, "A", NULL));
    g_assert_true(ims_conn_wait(conn, g_ptr_array_index(cmds, 64), NULL));
    ims_conn_free(conn);
    script_end();
}

static void
test_goodbye(void)
{
    static const char *const lines[] = {SCRIPT_OPEN, "C: a2 LOGOUT", NULL};
    ImsConn *conn;

    script_begin(lines, 0);
    conn = script_open();
    g_assert_cmpuint(ims_conn_count(conn).received, >, 0);
    ims_conn_free(conn);
    script_end();
}

static void
test_busy_goodbye(void)
{
    static const char *const lines[] = {SCRIPT_OPEN, NULL};
    ImsConn *conn;
    ImsCmd *cmd;

    script_begin(lines, 0);
    conn = script_open();
    cmd = ims_conn_create(conn, "A", NULL);
    ims_conn_free(conn);
    script_end();

    g_assert_cmpint(ims_cmd_reply(cmd), ==, IMS_REPLY_PENDING);
    ims_cmd_unref(cmd);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(end_cases); i++) {
        g_autofree char *path = g_strconcat("/imap/session/ended-by-", end_cases[i].name, NULL);

        g_test_add_data_func(path, &end_cases[i], test_end);
    }
    g_test_add_func("/imap/session/survives-what-nobody-asked-for", test_survive);
    g_test_add_func("/imap/session/what-was-answered-stays-answered", test_no_then_bye);
    g_test_add_func("/imap/session/dead-is-silent", test_dead_is_silent);
    g_test_add_func("/imap/session/window-is-64-commands", test_window);
    g_test_add_func("/imap/session/idle-says-goodbye", test_goodbye);
    g_test_add_func("/imap/session/busy-hangs-up", test_busy_goodbye);
    return g_test_run();
}
