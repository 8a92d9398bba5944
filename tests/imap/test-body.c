/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Bodies streamed out of FETCH. */
#include <glib/gstdio.h>
#include <string.h>

#include "imap/session.h"
#include "script.h"
#include "util/error.h"

#define FETCH(set) "C: a2 UID FETCH " set " (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"
#define DATE       "INTERNALDATE \"01-Jan-1970 00:00:10 +0000\""

static ImsUidSet *
make_set(guint32 first, guint32 last)
{
    ImsUidSet *set = ims_uidset_new();

    ims_uidset_add_range(set, first, last);
    return set;
}

static gboolean
next(ImsConn *conn, ImsCmd *cmd, ImsMessage *out, guint64 *out_size)
{
    g_autoptr(GError) error = NULL;
    gboolean more = FALSE;

    ims_message_clear(out);
    g_assert_true(ims_conn_next_body(conn, cmd, out, out_size, &more, &error));
    g_assert_no_error(error);
    return more;
}

static char *
read_all(ImsConn *conn)
{
    GString *body = g_string_new(NULL);
    const guint8 *data;
    gsize len;

    do {
        g_assert_true(ims_conn_read_body(conn, &data, &len, NULL));
        g_string_append_len(body, (const char *)data, (gssize)len);
    } while (len > 0);
    return g_string_free(body, FALSE);
}

static void
assert_body(ImsConn *conn, ImsCmd *cmd, guint32 uid, const char *want)
{
    g_auto(ImsMessage) message = {0};
    g_autofree char *body = NULL;
    guint64 size = 0;

    g_assert_true(next(conn, cmd, &message, &size));
    g_assert_cmpuint(message.uid, ==, uid);
    g_assert_cmphex(message.have & IMS_HAVE_FLAGS, !=, 0);
    g_assert_cmpint(message.date, ==, 10);
    g_assert_cmpuint(size, ==, strlen(want));
    body = read_all(conn);
    g_assert_cmpstr(body, ==, want);
}

static void
run_bodies(gconstpointer data)
{
    g_autoptr(ImsUidSet) uids = make_set(1, 9);
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_fetch_bodies(conn, uids, NULL);
    g_auto(ImsMessage) message = {0};
    guint64 size;

    assert_body(conn, cmd, 1, "From: a\r\n\r\na1 BAD\r\n");
    assert_body(conn, cmd, 3, "");
    assert_body(conn, cmd, 4, "say \"hi\"");
    assert_body(conn, cmd, 5, "x");
    assert_body(conn, cmd, 6, "y");
    g_assert_false(next(conn, cmd, &message, &size));
    g_assert_cmpint(ims_cmd_reply(cmd), ==, IMS_REPLY_OK);
}

static void
test_bodies(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        FETCH("1:9"),
        "S: * 1 FETCH (UID 1 FLAGS (\\Seen) " DATE " RFC822.SIZE 19 BODY[] {19}",
        "S: From: a",
        "S: ",
        "s: a1 BAD\r\n",
        "S: )",
        "S: * 2 FETCH (UID 2 FLAGS () " DATE " BODY[] NIL)",
        "S: * 9 FETCH (UID 9 FLAGS (\\Seen))",
        "S: * 3 FETCH (UID 3 FLAGS () " DATE " RFC822.SIZE 0 BODY[] {0}",
        "S: )",
        "S: * 4 FETCH (UID 4 FLAGS () " DATE " RFC822.SIZE 8 BODY[] \"say \\\"hi\\\"\")",
        "S: * 5 FETCH (UID 5 FLAGS () " DATE " RFC822.SIZE 1 BODY[] ~{1}",
        "S: x)",
        "S: * 5 FETCH (UID 5 FLAGS () " DATE " BODY[] {6}",
        "S: again!)",
        "S: * 77 FETCH (UID 77 FLAGS () " DATE " BODY[] \"never asked for\")",
        "S: * 6 FETCH (UID 6 FLAGS () " DATE " BODY[] \"y\")",
        "S: * VANISHED 2",
        "S: a2 OK [EXPUNGEISSUED] some are gone",
        NULL};

    script_each(lines, run_bodies, NULL);
}

/* A reader that knows the size need not ask for the end. */
static void
run_without_end(gconstpointer data)
{
    g_autoptr(ImsUidSet) uids = make_set(1, 2);
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_fetch_bodies(conn, uids, NULL);
    g_auto(ImsMessage) message = {0};
    guint64 size = 0, n_bodies = 0;
    const guint8 *octets;
    gsize len;

    while (next(conn, cmd, &message, &size)) {
        n_bodies++;
        for (; size > 0; size -= len)
            g_assert_true(ims_conn_read_body(conn, &octets, &len, NULL));
    }
    g_assert_cmpuint(n_bodies, ==, 2);
}

static void
test_without_end(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        FETCH("1:2"),
        "S: * 1 FETCH (UID 1 FLAGS () " DATE " BODY[] {3}",
        "S: abc)",
        "S: * 2 FETCH (UID 2 FLAGS () " DATE " BODY[] \"def\")",
        "S: a2 OK done",
        NULL};

    script_each(lines, run_without_end, NULL);
}

/* The reply to the FETCH before is held back. */
static void
run_behind_another(gconstpointer data)
{
    g_autoptr(ImsUidSet) uids = make_set(1, 1);
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) meta = ims_conn_fetch_meta(conn, 1, NULL);
    g_autoptr(ImsCmd) cmd = ims_conn_fetch_bodies(conn, uids, NULL);
    g_auto(ImsMessage) message = {0};
    guint64 size;

    assert_body(conn, cmd, 1, "abc");
    g_assert_false(next(conn, cmd, &message, &size));
}

static void
test_behind_another(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        "C: a2 UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)",
        "C: a3 UID FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])",
        "S: * 1 FETCH (UID 1 FLAGS () " DATE " RFC822.SIZE 3)",
        "S: * 1 FETCH (UID 1 FLAGS () " DATE " BODY[] {3}",
        "S: abc)",
        "S: a2 OK done",
        "S: a3 OK done",
        NULL};

    script_each(lines, run_behind_another, NULL);
}

/* -- items behind the body -- */

static void
run_late_items(gconstpointer data)
{
    g_autoptr(ImsUidSet) uids = make_set(1, 9);
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_fetch_bodies(conn, uids, NULL);
    g_auto(ImsMessage) message = {0};
    guint64 size = 0;

    for (guint32 uid = 1; uid <= 6; uid++) {
        g_autofree char *body = NULL;

        g_assert_true(next(conn, cmd, &message, &size));
        g_assert_cmpuint(message.uid, ==, uid);
        g_assert_cmphex(message.flags.system, ==, IMS_FLAG_SEEN);
        g_assert_cmpint(message.date, ==, 10);
        g_assert_cmpuint(message.size, ==, uid == 6 ? 0 : 3);
        g_assert_cmpuint(size, ==, 3);
        body = read_all(conn);
        g_assert_cmpstr(body, ==, "abc");
    }
    g_assert_false(next(conn, cmd, &message, &size));
    g_assert_cmpint(ims_cmd_reply(cmd), ==, IMS_REPLY_OK);
}

/* In all orders; and what lacks something even then is passed over. */
static void
test_late_items(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        FETCH("1:9"),
        "S: * 1 FETCH (UID 1 FLAGS (\\Seen) " DATE " BODY[] {3}",
        "S: abc RFC822.SIZE 3)",
        "S: * 2 FETCH (UID 2 RFC822.SIZE 3 BODY[] {3}",
        "S: abc FLAGS (\\Seen) " DATE ")",
        "S: * 3 FETCH (BODY[] {3}",
        "S: abc RFC822.SIZE 3 FLAGS (\\Seen) " DATE " UID 3)",
        "S: * 4 FETCH (BODY[] \"abc\" RFC822.SIZE 3 " DATE " UID 4 FLAGS (\\Seen))",
        "S: * 3 FETCH (BODY[] {5}",
        "S: again FLAGS () " DATE " UID 3)",
        "S: * 77 FETCH (BODY[] {1}",
        "S: x FLAGS () " DATE " UID 77)",
        "S: * 7 FETCH (UID 7 BODY[] {1}",
        "S: x " DATE ")",
        "S: * 8 FETCH (UID 8 FLAGS () BODY[] {1}",
        "S: x INTERNALDATE \"never\")",
        "S: * 9 FETCH (BODY[] {1}",
        "S: x FLAGS () " DATE ")",
        "S: * 5 FETCH (UID 5 FLAGS (\\Seen) " DATE " RFC822.SIZE 3 BODY[] {3}",
        "S: abc)",
        "S: * 6 FETCH (UID 6 FLAGS (\\Seen) " DATE " BODY[] {3}",
        "S: abc)",
        "S: a2 OK done",
        NULL};

    script_each(lines, run_late_items, NULL);
}

static void
run_cut(gconstpointer data)
{
    g_autoptr(ImsUidSet) uids = make_set(1, 1);
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_fetch_bodies(conn, uids, NULL);
    g_autoptr(GError) error = NULL;
    g_auto(ImsMessage) message = {0};
    guint64 size = 0, got = 0;
    const guint8 *octets;
    gsize len;

    g_assert_true(next(conn, cmd, &message, &size));
    g_assert_cmpuint(size, ==, 10);
    while (ims_conn_read_body(conn, &octets, &len, &error)) {
        g_assert_cmpuint(len, >, 0);
        got += len;
    }
    g_assert_cmpuint(got, ==, 7);
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_assert_cmpint(ims_cmd_reply(cmd), ==, IMS_REPLY_PENDING);
}

static void
test_cut(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        FETCH("1"),
        "S: * 1 FETCH (UID 1 FLAGS () " DATE " RFC822.SIZE 10 BODY[] {10}",
        "s: 1234567",
        "X: ",
        NULL};

    script_each(lines, run_cut, NULL);
}

static void
run_unread(gconstpointer data)
{
    g_autoptr(ImsUidSet) uids = make_set(1, 2);
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_fetch_bodies(conn, uids, NULL);
    g_autoptr(GError) error = NULL;
    g_auto(ImsMessage) message = {0};
    guint64 size;
    gboolean more;

    g_assert_true(next(conn, cmd, &message, &size));
    g_assert_false(ims_conn_next_body(conn, cmd, &message, &size, &more, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
}

static void
test_unread(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        FETCH("1:2"),
        "S: * 1 FETCH (UID 1 FLAGS () " DATE " RFC822.SIZE 10 BODY[] {10}",
        "S: 1234567890)",
        "S: a2 OK done",
        NULL};

    script_each(lines, run_unread, NULL);
}

/* -- the session alone -- */

static gsize
feed(ImsSession *session, const char *data, gsize len)
{
    g_autoptr(GError) error = NULL;
    gsize used = 0;

    ims_session_client.feed(session, (const guint8 *)data, len, &used, &error);
    g_assert_no_error(error);
    return used;
}

/* The first of two bodies is larger than the buffer; the second waits for its turn. */
static void
test_bounded(void)
{
    const gsize size = IMS_BODY_MAX + 1000;
    g_autoptr(ImsCmd) cmd = ims_cmd_new("UID FETCH", IMS_WANT_BODIES);
    g_autofree char *octets = g_strnfill(size, 'x');
    g_autofree char *stream = NULL;
    g_auto(ImsMessage) message = {0};
    ImsSession session;
    const guint8 *lent;
    guint64 got;
    gsize head, len;

    stream = g_strdup_printf(
        "* OK hi\r\n* 1 FETCH (UID 1 FLAGS () " DATE " RFC822.SIZE 9 BODY[] {%zu}\r\n%s)\r\n"
        "* 2 FETCH (UID 2 FLAGS () " DATE " RFC822.SIZE 2 BODY[] {2}\r\nab)\r\na1 OK done\r\n",
        size,
        octets);
    head = (gsize)(strchr(stream, 'x') - stream);
    cmd->asked = make_set(1, 2);
    ims_session_init(&session);
    ims_session_send(&session, cmd, "UID FETCH 1:2 (…)");

    len = feed(&session, stream, strlen(stream));
    g_assert_cmpuint(len, ==, head + IMS_BODY_MAX);
    g_assert_cmpuint(feed(&session, stream + len, strlen(stream + len)), ==, 0);
    ims_session_take_body(&session, &message, &got);
    g_assert_cmpuint(got, ==, size);

    /* What is lent stays while more comes in, up to one more buffer. */
    g_assert_cmpuint(ims_session_read_body(&session, &lent), ==, IMS_BODY_MAX);
    len += feed(&session, stream + len, strlen(stream + len));
    g_assert_cmpint(lent[0], ==, 'x');
    g_assert_cmpint(lent[IMS_BODY_MAX - 1], ==, 'x');
    g_assert_false(ims_session_body_at_end(&session));
    g_assert_cmpuint(ims_session_read_body(&session, &lent), ==, 1000);
    g_assert_true(ims_session_body_at_end(&session));
    g_assert_true(g_str_has_prefix(stream + len, "ab)"));

    ims_session_close_body(&session);
    g_assert_true(ims_session_has_body(&session));
    len += feed(&session, stream + len, strlen(stream + len));
    g_assert_cmpuint(len, ==, strlen(stream));
    g_assert_true(ims_cmd_answered(cmd));
    g_assert_cmpuint(ims_session_read_body(&session, &lent), ==, 2);
    ims_session_clear(&session);
}

/* Beyond the bound of the memory. */
static void
test_spooled(void)
{
    const gsize size = IMS_SPOOL_MAX + 100000;
    g_autoptr(ImsCmd) cmd = ims_cmd_new("UID FETCH", IMS_WANT_BODIES);
    g_autofree char *octets = g_strnfill(size, 'x');
    g_autofree char *line = NULL;
    g_auto(ImsMessage) message = {0};
    ImsSession session;
    const guint8 *lent;
    guint64 told;
    gsize got = 0, len;

    line = g_strdup_printf(
        "* OK hi\r\n* 1 FETCH (BODY[] {%zu}\r\n%s UID 1 FLAGS () " DATE ")\r\n", size, octets);
    cmd->asked = make_set(1, 1);
    ims_session_init(&session);
    ims_session_send(&session, cmd, "UID FETCH 1 (…)");

    len = strlen(line);
    g_assert_cmpuint(feed(&session, line, len - 3), ==, len - 3);
    g_assert_false(ims_session_has_body(&session));
    g_assert_cmpuint(feed(&session, line + len - 3, 3), ==, 3);
    g_assert_true(ims_session_has_body(&session));
    ims_session_take_body(&session, &message, &told);
    g_assert_cmpuint(told, ==, size);
    g_assert_cmpuint(message.uid, ==, 1);
    while ((len = ims_session_read_body(&session, &lent)) > 0) {
        g_assert_cmpmem(lent, len, octets + got, len);
        got += len;
    }
    g_assert_cmpuint(got, ==, size);
    g_assert_true(ims_session_body_at_end(&session));
    ims_session_close_body(&session);
    g_assert_null(session.error);
    ims_session_clear(&session);
}

static void
test_spool_fails(void)
{
    g_autofree char *folder = g_build_filename(g_get_user_cache_dir(), "imapsync", NULL);
    g_autoptr(ImsCmd) cmd = ims_cmd_new("UID FETCH", IMS_WANT_BODIES);
    g_autofree char *octets = g_strnfill(IMS_SPOOL_MAX + 1, 'x');
    g_autofree char *line = NULL;
    g_autoptr(GError) error = NULL;
    ImsSession session;
    gsize used = 0;

    g_assert_cmpint(g_mkdir_with_parents(g_get_user_cache_dir(), 0700), ==, 0);
    g_assert_true(g_file_set_contents(folder, "", 0, NULL));
    line = g_strdup_printf("* OK hi\r\n* 1 FETCH (BODY[] {%zu}\r\n%s", strlen(octets) + 5, octets);
    cmd->asked = make_set(1, 1);
    ims_session_init(&session);
    ims_session_send(&session, cmd, "UID FETCH 1 (…)");
    g_assert_false(
        ims_session_client.feed(&session, (const guint8 *)line, strlen(line), &used, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_STATE);
    ims_session_clear(&session);
    g_assert_cmpint(g_unlink(folder), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
    g_test_add_func("/imap/body/each-comes-once-and-whole", test_bodies);
    g_test_add_func("/imap/body/behind-a-late-reply", test_behind_another);
    g_test_add_func("/imap/body/end-need-not-be-asked-for", test_without_end);
    g_test_add_func("/imap/body/items-behind-it", test_late_items);
    g_test_add_func("/imap/body/cut-inside-is-offline", test_cut);
    g_test_add_func("/imap/body/unread-rest-is-an-error", test_unread);
    g_test_add_func("/imap/body/memory-is-bounded", test_bounded);
    g_test_add_func("/imap/body/spooled-until-its-line-ends", test_spooled);
    g_test_add_func("/imap/body/no-room-for-the-spool-is-an-error", test_spool_fails);
    return g_test_run();
}
