/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* APPEND, streamed: what was announced goes out to the octet, or the connection ends. */
#include <string.h>

#include "script.h"
#include "util/error.h"

#define FIRST  "C: a2 APPEND \"A\" (\\Seen) \" 1-Jan-1970 00:00:10 +0000\" "
#define SECOND "C:  (\\Seen) \" 1-Jan-1970 00:00:10 +0000\" "

static gboolean
add(ImsConn *conn, ImsCmd *cmd, const char *text, gboolean *out_refused, GError **error)
{
    g_auto(ImsFlags) flags = {.system = IMS_FLAG_SEEN};
    gsize len = strlen(text);

    ims_flags_add_keyword(&flags, "bad]keyword");
    if (!ims_conn_append_message(conn, cmd, &flags, 10, len, out_refused, error))
        return FALSE;
    return *out_refused || ims_conn_append_write(conn, (const guint8 *)text, len, error);
}

static void
must_add(ImsConn *conn, ImsCmd *cmd, const char *text)
{
    g_autoptr(GError) error = NULL;
    gboolean refused = TRUE;
    gboolean ok = add(conn, cmd, text, &refused, &error);

    g_assert_no_error(error);
    g_assert_true(ok);
    g_assert_false(refused);
}

static void
must_end(ImsConn *conn, ImsCmd *cmd, ImsReply want)
{
    g_autoptr(GError) error = NULL;
    gboolean ok = ims_conn_append_end(conn, cmd, &error) && ims_conn_wait(conn, cmd, &error);

    g_assert_no_error(error);
    g_assert_true(ok);
    g_assert_cmpint(ims_cmd_reply(cmd), ==, want);
}

static void
run_two(gconstpointer data)
{
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_append_begin(conn, "A", NULL);

    must_add(conn, cmd, "one");
    must_add(conn, cmd, "second");
    must_end(conn, cmd, IMS_REPLY_OK);
    g_assert_cmpint(ims_cmd_code(cmd)->type, ==, IMS_CODE_APPENDUID);
    g_assert_cmpuint(ims_cmd_code(cmd)->number, ==, 7);
    g_assert_cmpuint(ims_uidset_count(ims_cmd_code(cmd)->uids), ==, 2);
}

static void
test_literal_plus(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        FIRST "{3+}",
        "c: one",
        SECOND "{6+}",
        "C: second",
        "S: a2 OK [APPENDUID 7 4:5] done",
        NULL};

    script_each(lines, run_two, NULL);
}

static void
test_synchronising(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN_PLAIN,
        FIRST "{3}",
        "S: + go on",
        "c: one",
        SECOND "{6}",
        "S: * 4 EXISTS",
        "S: + go on",
        "C: second",
        "S: a2 OK [APPENDUID 7 4,5] done",
        NULL};

    script_each(lines, run_two, NULL);
}

static void
test_literal_minus(void)
{
    static const char *const lines[] = {
        "S: * PREAUTH [CAPABILITY ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS LITERAL-] hi",
        "C: a1 ENABLE QRESYNC",
        "S: * ENABLED QRESYNC",
        "S: a1 OK done",
        FIRST "{4096+}",
        NULL,
        SECOND "{4097}",
        "S: + go on",
        NULL,
        "S: a2 OK done",
        NULL};
    g_autofree char *small = g_strnfill(4096, 's');
    g_autofree char *large = g_strnfill(4097, 'l');
    g_autofree char *small_line = g_strconcat("c: ", small, NULL);
    g_autofree char *large_line = g_strconcat("C: ", large, NULL);
    const char *whole[G_N_ELEMENTS(lines)];
    g_autoptr(ImsConn) conn = NULL;
    g_autoptr(ImsCmd) cmd = NULL;

    memcpy(whole, lines, sizeof lines);
    whole[5] = small_line;
    whole[8] = large_line;
    script_begin(whole, 0);
    conn = script_open();
    cmd = ims_conn_append_begin(conn, "A", NULL);
    must_add(conn, cmd, small);
    must_add(conn, cmd, large);
    must_end(conn, cmd, IMS_REPLY_OK);
    g_clear_pointer(&conn, ims_conn_free);
    script_end();
}

/* -- refusals -- */

static void
run_refused_at_end(gconstpointer data)
{
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_append_begin(conn, "A", NULL);
    g_autoptr(ImsCmd) after = NULL;

    must_add(conn, cmd, "one");
    must_add(conn, cmd, "");
    must_end(conn, cmd, IMS_REPLY_NO);
    g_assert_cmpstr(ims_cmd_text(cmd), ==, "Zero-length message");

    after = ims_conn_create(conn, "B", NULL);
    g_assert_true(ims_conn_wait(conn, after, NULL));
}

static void
test_refused_at_end(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        FIRST "{3+}",
        "c: one",
        SECOND "{0+}",
        "C: ",
        "S: a2 NO Zero-length message",
        "S: * BAD Invalid tag",
        "C: a3 CREATE \"B\"",
        "S: a3 OK done",
        NULL};

    script_each(lines, run_refused_at_end, NULL);
}

static void
run_refused_literal(gconstpointer data)
{
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_append_begin(conn, "A", NULL);
    g_autoptr(ImsCmd) after = NULL;
    gboolean refused = FALSE;

    g_assert_true(add(conn, cmd, "one", &refused, NULL));
    g_assert_true(refused);
    g_assert_cmpint(ims_cmd_reply(cmd), ==, IMS_REPLY_NO);

    after = ims_conn_create(conn, "B", NULL);
    g_assert_true(ims_conn_wait(conn, after, NULL));
}

static void
test_refused_literal(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN_PLAIN,
        FIRST "{3}",
        "S: a2 NO [TRYCREATE] no such mailbox",
        "C: a3 CREATE \"B\"",
        "S: a3 OK done",
        NULL};

    script_each(lines, run_refused_literal, NULL);
}

/* Dovecot says NO before it has read the literal, and skips what was announced. */
static void
run_early_no(gconstpointer data)
{
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_append_begin(conn, "A", NULL);
    g_autoptr(ImsCmd) after = NULL;
    g_auto(ImsFlags) flags = {.system = IMS_FLAG_SEEN};
    gboolean refused = TRUE;

    g_assert_true(ims_conn_append_message(conn, cmd, &flags, 10, 3, &refused, NULL));
    g_assert_false(refused);
    g_assert_true(ims_conn_append_write(conn, (const guint8 *)"o", 1, NULL));
    g_assert_true(ims_conn_wait(conn, cmd, NULL));
    g_assert_cmpint(ims_cmd_reply(cmd), ==, IMS_REPLY_NO);
    g_assert_true(ims_conn_append_write(conn, (const guint8 *)"ne", 2, NULL));
    g_assert_true(ims_conn_append_message(conn, cmd, &flags, 10, 6, &refused, NULL));
    g_assert_true(refused);

    after = ims_conn_create(conn, "B", NULL);
    g_assert_true(ims_conn_wait(conn, after, NULL));
}

static void
test_early_no(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        FIRST "{3+}",
        "c: o",
        "S: a2 NO [TRYCREATE] no such mailbox",
        "C: ne",
        "C: a3 CREATE \"B\"",
        "S: a3 OK done",
        NULL};

    script_each(lines, run_early_no, NULL);
}

/* -- what ends the connection -- */

static void
assert_dead(ImsConn *conn, ImsCmd *cmd, ImsError code)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(ims_conn_wait(conn, cmd, &error));
    g_assert_error(error, IMS_ERROR, (gint)code);
    g_assert_cmpint(ims_cmd_reply(cmd), ==, IMS_REPLY_PENDING);
}

static void
run_bad(gconstpointer data)
{
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_append_begin(conn, "A", NULL);
    g_autoptr(GError) error = NULL;

    must_add(conn, cmd, "one");
    g_assert_true(ims_conn_append_end(conn, cmd, NULL));
    assert_dead(conn, cmd, IMS_ERROR_PROTOCOL);
    g_assert_null(ims_conn_append_begin(conn, "A", &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
}

static void
test_bad(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN, FIRST "{3+}", "C: one", "S: a2 BAD Invalid system flag", NULL};

    script_each(lines, run_bad, NULL);
}

/* An OK to what was not ended: the server must have taken the message's text for its end. */
static void
run_early_ok(gconstpointer data)
{
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_append_begin(conn, "A", NULL);

    must_add(conn, cmd, "one");
    assert_dead(conn, cmd, IMS_ERROR_PROTOCOL);
}

static void
test_early_ok(void)
{
    static const char *const lines[] = {SCRIPT_OPEN, FIRST "{3+}", "c: one", "S: a2 OK done", NULL};

    script_each(lines, run_early_ok, NULL);
}

typedef enum { SHORT_END, SHORT_NEXT, LONG, EMPTY, OTHER_COMMAND } Misuse;

static gboolean
misuse(ImsConn *conn, ImsCmd *cmd, Misuse how, GError **error)
{
    const guint8 octets[] = "12345";
    g_auto(ImsFlags) flags = {0};
    gboolean refused;

    if (how == EMPTY)
        return ims_conn_append_end(conn, cmd, error);
    g_assert_true(ims_conn_append_message(conn, cmd, &flags, 10, 4, &refused, NULL));
    if (how == LONG)
        return ims_conn_append_write(conn, octets, 5, error);
    g_assert_true(ims_conn_append_write(conn, octets, 3, NULL));
    if (how == SHORT_END)
        return ims_conn_append_end(conn, cmd, error);
    if (how == SHORT_NEXT)
        return ims_conn_append_message(conn, cmd, &flags, 10, 4, &refused, error);
    return ims_conn_list(conn, error) != NULL;
}

static void
test_misuse(gconstpointer data)
{
    static const char *const lines[] = {SCRIPT_OPEN, NULL};
    g_autoptr(ImsConn) conn = NULL;
    g_autoptr(ImsCmd) cmd = NULL;
    g_autoptr(GError) error = NULL;

    script_begin(lines, 0);
    conn = script_open();
    cmd = ims_conn_append_begin(conn, "A", NULL);
    g_assert_false(misuse(conn, cmd, GPOINTER_TO_UINT(data), &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
    assert_dead(conn, cmd, IMS_ERROR_PROTOCOL);
    g_clear_pointer(&conn, ims_conn_free);
    script_end();
}

static void
test_unsendable_name(void)
{
    static const char *const lines[] = {SCRIPT_OPEN, NULL};
    g_autoptr(ImsConn) conn = NULL;
    g_autoptr(ImsCmd) cmd = NULL;
    gboolean refused = FALSE;

    script_begin(lines, 0);
    conn = script_open();
    cmd = ims_conn_append_begin(conn, "a\nb", NULL);
    g_assert_true(add(conn, cmd, "one", &refused, NULL));
    g_assert_true(refused);
    g_assert_cmpint(ims_cmd_reply(cmd), ==, IMS_REPLY_NO);
    g_clear_pointer(&conn, ims_conn_free);
    script_end();
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/imap/append/literal-plus-is-one-flight", test_literal_plus);
    g_test_add_func("/imap/append/synchronising-waits", test_synchronising);
    g_test_add_func("/imap/append/literal-minus-up-to-4096", test_literal_minus);
    g_test_add_func("/imap/append/no-to-all-of-a-multiappend", test_refused_at_end);
    g_test_add_func("/imap/append/no-instead-of-go-on", test_refused_literal);
    g_test_add_func("/imap/append/early-no-still-gets-its-octets", test_early_no);
    g_test_add_func("/imap/append/bad-ends-the-connection", test_bad);
    g_test_add_func("/imap/append/ok-before-the-end-is-refused", test_early_ok);
    g_test_add_func("/imap/append/name-that-cannot-be-sent-is-refused", test_unsendable_name);
    g_test_add_data_func(
        "/imap/append/short-is-not-ended", GUINT_TO_POINTER(SHORT_END), test_misuse);
    g_test_add_data_func(
        "/imap/append/short-gets-no-next", GUINT_TO_POINTER(SHORT_NEXT), test_misuse);
    g_test_add_data_func("/imap/append/long-is-not-sent", GUINT_TO_POINTER(LONG), test_misuse);
    g_test_add_data_func("/imap/append/empty-is-not-ended", GUINT_TO_POINTER(EMPTY), test_misuse);
    g_test_add_data_func(
        "/imap/append/no-command-inside", GUINT_TO_POINTER(OTHER_COMMAND), test_misuse);
    return g_test_run();
}
