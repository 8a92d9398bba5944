/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What the trace of the protocol shows, and what it does not, at every cut of what a server sends.
 */
#include <string.h>

#include "script.h"
#include "util/error.h"
#include "util/log.h"

#define ALL "IMAP4rev1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS LITERAL+"
/* The same, as a code of a reply is kept. */
#define CAPS  "IMAP4REV1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS LITERAL+"
#define FRONT "imap - remote "
#define HELLO "S: * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+] hello"
#define DATE  "INTERNALDATE \"01-Jan-1970 00:00:10 +0000\""

/* The trace of SCRIPT_OPEN. */
#define OPEN_LINES 5

static GPtrArray *lines;

static GLogWriterOutput
keep(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    const char *message = NULL, *side = NULL, *topic = NULL;

    for (gsize i = 0; i < n; i++) {
        if (g_str_equal(fields[i].key, "MESSAGE"))
            message = fields[i].value;
        if (g_str_equal(fields[i].key, "IMAPSYNC_SIDE"))
            side = fields[i].value;
        if (g_str_equal(fields[i].key, "IMAPSYNC_TOPIC"))
            topic = fields[i].value;
    }
    if (topic == NULL)
        return g_log_writer_default(level, fields, n, data);

    g_assert_cmpstr(topic, ==, "imap");
    g_assert_cmpstr(side, ==, "remote");
    g_assert_true(g_str_has_prefix(message, FRONT));
    g_ptr_array_add(lines, g_strdup(message + strlen(FRONT)));
    return G_LOG_WRITER_HANDLED;
}

static void
assert_lines(guint from, const char *const *want)
{
    g_autofree char *wanted = g_strjoinv("\n", (char **)want);
    g_autofree char *got = NULL;

    g_ptr_array_add(lines, NULL);
    got = g_strjoinv("\n", (char **)lines->pdata + from);
    g_assert_cmpstr(got, ==, wanted);
}

static ImsConn *
connect_to(ImsEndpointType type, const char *username, const char *password)
{
    g_autoptr(ImsEndpoint) endpoint = ims_endpoint_new(type);

    endpoint->side = "remote";
    endpoint->username = g_strdup(username);
    endpoint->password = g_strdup(password);
    g_ptr_array_set_size(lines, 0);
    return script_connect(endpoint, NULL);
}

/* -- logins -- */

typedef struct {
    const char *name, *username, *password;
    const char *script[12], *want[16];
} Login;

static const Login logins[] = {
    {"login",
     "me",
     "sec\"ret",
     {HELLO,
      "C: a1 LOGIN \"me\" \"sec\\\"ret\"",
      "C: a2 ENABLE QRESYNC",
      "S: * CAPABILITY " ALL,
      "S: a1 OK welcome, sec",
      "S: * ENABLED QRESYNC",
      "S: a2 OK done"},
     {"< * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+] hello",
      "> a1 LOGIN [4 octets] [10 octets]",
      "> a2 ENABLE QRESYNC",
      "< * CAPABILITY " ALL,
      "< a1 OK [12 octets]",
      "< * ENABLED QRESYNC",
      "< a2 OK done"}},
    {"literal",
     "me",
     "s\xc3\xa9"
     "cret",
     {HELLO,
      "C: a1 LOGIN \"me\" {7+}",
      "c: s\xc3\xa9"
      "cret",
      "C: ",
      "C: a2 ENABLE QRESYNC",
      "S: a1 OK [CAPABILITY " ALL "] in",
      "S: * ENABLED QRESYNC",
      "S: a2 OK done"},
     {"< * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+] hello",
      "> a1 LOGIN [4 octets] {7+}",
      "> [7 octets]",
      "> a2 ENABLE QRESYNC",
      "< a1 OK [CAPABILITY " CAPS "] [2 octets]",
      "< * ENABLED QRESYNC",
      "< a2 OK done"}},
    {"initial-response",
     "me",
     "secret",
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE SASL-IR LOGINDISABLED AUTH=PLAIN] hello",
      "C: a1 AUTHENTICATE PLAIN AG1lAHNlY3JldA==",
      "S: a1 OK [CAPABILITY " ALL "] in",
      "C: a2 ENABLE QRESYNC",
      "S: * ENABLED QRESYNC",
      "S: a2 OK done"},
     {"< * OK [CAPABILITY IMAP4rev1 ENABLE SASL-IR LOGINDISABLED AUTH=PLAIN] hello",
      "> a1 AUTHENTICATE PLAIN [16 octets]",
      "< a1 OK [CAPABILITY " CAPS "] [2 octets]",
      "> a2 ENABLE QRESYNC",
      "< * ENABLED QRESYNC",
      "< a2 OK done"}},
    {"response",
     "me",
     "secret",
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE LOGINDISABLED AUTH=PLAIN] hello",
      "C: a1 AUTHENTICATE PLAIN",
      "S: + c2VjcmV0",
      "C: AG1lAHNlY3JldA==",
      "S: a1 OK [CAPABILITY " ALL "] in",
      "C: a2 ENABLE QRESYNC",
      "S: * ENABLED QRESYNC",
      "S: a2 OK done"},
     {"< * OK [CAPABILITY IMAP4rev1 ENABLE LOGINDISABLED AUTH=PLAIN] hello",
      "> a1 AUTHENTICATE PLAIN",
      "< + [8 octets]",
      "> [16 octets]",
      "< a1 OK [CAPABILITY " CAPS "] [2 octets]",
      "> a2 ENABLE QRESYNC",
      "< * ENABLED QRESYNC",
      "< a2 OK done"}},
    {"a-server-that-repeats-it",
     "me",
     "secret",
     {HELLO,
      "C: a1 LOGIN \"me\" \"secret\"",
      "C: a2 ENABLE QRESYNC",
      "S: * secret \"secret\"",
      "S: * X-HEARD LOGIN me secret",
      "S: * LIST () \"/\" secret",
      "S: * 3 secret",
      "S: * 4 FETCH (secret secret)",
      "S: * BAD [secret] secret",
      "S: a1 NO [PRIVACYREQUIRED secret] a1 LOGIN me secret"},
     {"< * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+] hello",
      "> a1 LOGIN [4 octets] [8 octets]",
      "> a2 ENABLE QRESYNC",
      "< * [15 octets]",
      "< * [23 octets]",
      "< * LIST [13 octets]",
      "< * [8 octets]",
      "< * 4 FETCH [15 octets]",
      "< * BAD [6 octets]",
      "< a1 NO [PRIVACYREQUIRED] [18 octets]"}},
};

static void
run_login(gconstpointer data)
{
    const Login *c = data;
    g_autoptr(ImsConn) conn = connect_to(IMS_ENDPOINT_TLS, c->username, c->password);

    assert_lines(0, c->want);
}

static void
test_login(gconstpointer data)
{
    const Login *c = data;

    script_each(c->script, run_login, c);
}

static void
run_starttls(gconstpointer data)
{
    static const char *const want[] = {
        "< * OK [CAPABILITY STARTTLS] [5 octets]",
        "> a1 STARTTLS",
        "< a1 OK [5 octets]",
        "> a2 CAPABILITY",
        "< * CAPABILITY IMAP4rev1 LITERAL+",
        "< a2 OK [4 octets]",
        "> a3 LOGIN [4 octets] [8 octets]",
        "< a3 NO [2 octets]",
        "> a4 LOGOUT",
        NULL};
    g_autoptr(ImsConn) conn = connect_to(IMS_ENDPOINT_STARTTLS, "me", "secret");

    g_assert_null(conn);
    assert_lines(0, want);
}

static void
test_starttls(void)
{
    static const char *const script[] = {
        "S: * OK [CAPABILITY STARTTLS] hello",
        "C: a1 STARTTLS",
        "S: a1 OK begin",
        "T: ",
        "C: a2 CAPABILITY",
        "S: * CAPABILITY IMAP4rev1 LITERAL+",
        "S: a2 OK done",
        "C: a3 LOGIN \"me\" \"secret\"",
        "S: a3 NO no",
        NULL};

    script_each(script, run_starttls, NULL);
}

static void
run_repeated_later(gconstpointer data)
{
    g_autoptr(ImsConn) conn = connect_to(IMS_ENDPOINT_TLS, "me", "secret");
    g_autoptr(ImsCmd) cmd = ims_conn_create(conn, "A", NULL);

    g_assert_true(ims_conn_wait(conn, cmd, NULL));
    g_assert_cmpstr(lines->pdata[lines->len - 2], ==, "< [16 octets that repeat the login]");
    g_assert_cmpstr(lines->pdata[lines->len - 1], ==, "< [18 octets that repeat the login]");
}

static void
test_repeated_later(void)
{
    static const char *const script[] = {
        HELLO,
        "C: a1 LOGIN \"me\" \"secret\"",
        "C: a2 ENABLE QRESYNC",
        "S: a1 OK [CAPABILITY " ALL "] in",
        "S: * ENABLED QRESYNC",
        "S: a2 OK done",
        "C: a3 CREATE \"A\"",
        "S: * FLAGS (secret)",
        "S: a3 NO it is secret",
        NULL};

    script_each(script, run_repeated_later, NULL);
}

/* -- messages -- */

static ImsConn *
open_traced(void)
{
    ImsConn *conn = connect_to(IMS_ENDPOINT_COMMAND, NULL, NULL);

    g_assert_nonnull(conn);
    g_assert_cmpuint(lines->len, ==, OPEN_LINES - 1);
    return conn;
}

static void
read_all(ImsConn *conn, ImsCmd *cmd)
{
    gboolean more = TRUE;

    while (more) {
        g_auto(ImsMessage) message = {0};
        const guint8 *octets;
        guint64 size;
        gsize len = 1;

        g_assert_true(ims_conn_next_body(conn, cmd, &message, &size, &more, NULL));
        while (more && len > 0)
            g_assert_true(ims_conn_read_body(conn, &octets, &len, NULL));
    }
}

static void
run_bodies(gconstpointer data)
{
    static const char *const want[] = {
        "> a2 UID FETCH 1:9 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])",
        "< * 1 FETCH (UID 1 FLAGS (\\Seen key) INTERNALDATE [26 octets] RFC822.SIZE 6 BODY[] "
        "[6 octets])",
        "< * 2 FETCH (UID 2 FLAGS () INTERNALDATE [26 octets] RFC822.SIZE 6 BODY[] [6 octets])",
        "< * 3 FETCH (BODY[] [6 octets] UID 3 FLAGS () INTERNALDATE [26 octets] RFC822.SIZE 6)",
        "< * 4 FETCH (UID 4 BODY[] NIL)",
        "< * 5 FETCH (RFC822 [6 octets] ENVELOPE ([6 octets] [6 octets] ([6 octets]) NIL) X [6 "
        "octets] UID 5)",
        "< * X-NEWS [13 octets]",
        "< * OK over",
        "< a2 OK done",
        NULL};
    g_autoptr(ImsUidSet) uids = ims_uidset_new();
    g_autoptr(ImsConn) conn = open_traced();
    g_autoptr(ImsCmd) cmd = NULL;

    ims_uidset_add_range(uids, 1, 9);
    cmd = ims_conn_fetch_bodies(conn, uids, NULL);
    read_all(conn, cmd);
    assert_lines(OPEN_LINES - 1, want);
}

static void
test_bodies(void)
{
    static const char *const script[] = {
        SCRIPT_OPEN,
        "C: a2 UID FETCH 1:9 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])",
        "s: * 1 FETCH (UID 1 FLAGS (\\Seen key) " DATE " RFC822.SIZE 6 BODY[] {6}\r\nsecret",
        "S: )",
        "S: * 2 FETCH (UID 2 FLAGS () " DATE " RFC822.SIZE 6 BODY[] \"secret\")",
        "s: * 3 FETCH (BODY[] {6}\r\nsecret",
        "S:  UID 3 FLAGS () " DATE " RFC822.SIZE 6)",
        "S: * 4 FETCH (UID 4 BODY[] NIL)",
        "s: * 5 FETCH (RFC822 {6}\r\nsecret",
        "S:  ENVELOPE (\"secret\" secret (\"secret\") NIL) X secret UID 5)",
        "S: * X-NEWS secret secret",
        "S: * OK over",
        "S: a2 OK done",
        NULL};

    script_each(script, run_bodies, NULL);
}

static void
run_headers(gconstpointer data)
{
    static const char *const want[] = {
        "> a2 UID FETCH 1 (UID BODY.PEEK[HEADER.FIELDS (FROM TO DATE SUBJECT MESSAGE-ID)])",
        "< * 1 FETCH (UID 1 BODY[HEADER.FIELDS (FROM)] [17 octets])",
        "< a2 OK done",
        NULL};
    g_autoptr(ImsUidSet) uids = ims_uidset_new();
    g_autoptr(ImsConn) conn = open_traced();
    g_autoptr(ImsCmd) cmd = NULL;

    ims_uidset_add_range(uids, 1, 1);
    cmd = ims_conn_fetch_headers(conn, uids, NULL);
    g_assert_true(ims_conn_wait(conn, cmd, NULL));
    assert_lines(OPEN_LINES - 1, want);
}

static void
test_headers(void)
{
    static const char *const script[] = {
        SCRIPT_OPEN,
        "C: a2 UID FETCH 1 (UID BODY.PEEK[HEADER.FIELDS (FROM TO DATE SUBJECT MESSAGE-ID)])",
        "s: * 1 FETCH (UID 1 BODY[HEADER.FIELDS (FROM)] {17}\r\nFrom: secret@a\r\n\n",
        "S: )",
        "S: a2 OK done",
        NULL};

    script_each(script, run_headers, NULL);
}

static void
run_append(gconstpointer data)
{
    static const char *const want[] = {
        "> a2 APPEND \"A\" () \" 1-Jan-1970 00:00:10 +0000\" {6+}",
        "> [6 octets] () \" 1-Jan-1970 00:00:10 +0000\" {12+}",
        "> [12 octets]",
        "< a2 OK [APPENDUID 1 2:3] done",
        NULL};
    g_autoptr(ImsConn) conn = open_traced();
    g_autoptr(ImsCmd) cmd = ims_conn_append_begin(conn, "A", NULL);
    g_auto(ImsFlags) flags = {0};
    gboolean refused = TRUE;

    g_assert_true(ims_conn_append_message(conn, cmd, &flags, 10, 6, &refused, NULL));
    g_assert_true(ims_conn_append_write(conn, (const guint8 *)"secret", 6, NULL));
    g_assert_true(ims_conn_append_message(conn, cmd, &flags, 10, 12, &refused, NULL));
    g_assert_true(ims_conn_append_write(conn, (const guint8 *)"secret", 6, NULL));
    g_assert_true(ims_conn_append_write(conn, (const guint8 *)"secret", 6, NULL));
    g_assert_true(ims_conn_append_end(conn, cmd, NULL));
    g_assert_true(ims_conn_wait(conn, cmd, NULL));
    assert_lines(OPEN_LINES - 1, want);
}

static void
test_append(void)
{
    static const char *const script[] = {
        SCRIPT_OPEN,
        "C: a2 APPEND \"A\" () \" 1-Jan-1970 00:00:10 +0000\" {6+}",
        "c: secret",
        "C:  () \" 1-Jan-1970 00:00:10 +0000\" {12+}",
        "C: secretsecret",
        "S: a2 OK [APPENDUID 1 2:3] done",
        NULL};

    script_each(script, run_append, NULL);
}

/* -- what is shown -- */

static void
run_tree(gconstpointer data)
{
    static const char *const want[] = {
        "> a2 CREATE \"A \\\" B\"",
        "< * LIST (\\HasNoChildren) \"/\" \"A \" B\"",
        "< * STATUS \"A?B\" (MESSAGES 3)",
        "< * NO [INUSE] full?[1m",
        "< a2 NO [ALREADYEXISTS] there",
        NULL};
    g_autoptr(ImsConn) conn = open_traced();
    g_autoptr(ImsCmd) cmd = ims_conn_create(conn, "A \" B", NULL);

    g_assert_true(ims_conn_wait(conn, cmd, NULL));
    assert_lines(OPEN_LINES - 1, want);
}

static void
test_tree(void)
{
    static const char *const script[] = {
        SCRIPT_OPEN,
        "C: a2 CREATE \"A \\\" B\"",
        "S: * LIST (\\HasNoChildren) \"/\" \"A \\\" B\"",
        "s: * STATUS {3}\r\nA\tB",
        "S:  (MESSAGES 3)",
        "S: * NO [INUSE] full\x1b[1m",
        "S: a2 NO [ALREADYEXISTS] there",
        NULL};

    script_each(script, run_tree, NULL);
}

static void
run_end(gconstpointer data)
{
    g_autoptr(ImsConn) conn = open_traced();
    g_autoptr(ImsCmd) cmd = ims_conn_create(conn, "A", NULL);

    g_assert_false(ims_conn_wait(conn, cmd, NULL));
    g_assert_cmpuint(lines->len, ==, OPEN_LINES + 1);
    g_assert_true(g_str_has_prefix(lines->pdata[OPEN_LINES], "ended: the server broke"));
}

static void
test_end(void)
{
    static const char *const script[] = {
        SCRIPT_OPEN, "C: a2 CREATE \"A\"", "S: * 1 FETCH (BODY[] secret)", NULL};

    script_each(script, run_end, NULL);
}

static void
run_off(gconstpointer data)
{
    g_autoptr(ImsConn) conn = connect_to(IMS_ENDPOINT_COMMAND, NULL, NULL);

    g_assert_cmpuint(lines->len, ==, 0);
}

static void
test_off(void)
{
    static const char *const script[] = {SCRIPT_OPEN, NULL};

    ims_log_set_topics("pump", NULL);
    script_each(script, run_off, NULL);
    ims_log_set_topics("imap", NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_writer_func(keep, NULL, NULL);
    lines = g_ptr_array_new_with_free_func(g_free);
    ims_log_set_topics("imap", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(logins); i++) {
        g_autofree char *path = g_strconcat("/imap/trace/login/", logins[i].name, NULL);

        g_test_add_data_func(path, &logins[i], test_login);
    }
    g_test_add_func("/imap/trace/words-in-the-clear-are-not-shown", test_starttls);
    g_test_add_func("/imap/trace/words-that-repeat-the-login-are-not-shown", test_repeated_later);
    g_test_add_func("/imap/trace/bodies-are-not-shown", test_bodies);
    g_test_add_func("/imap/trace/headers-are-not-shown", test_headers);
    g_test_add_func("/imap/trace/what-is-appended-is-not-shown", test_append);
    g_test_add_func("/imap/trace/names-and-words-are-shown-escaped", test_tree);
    g_test_add_func("/imap/trace/the-end-is-told", test_end);
    g_test_add_func("/imap/trace/nothing-is-told-of-another-topic", test_off);
    return g_test_run();
}
