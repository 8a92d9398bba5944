/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* A server that is known from last time is sent all in one flight, before its greeting; and what
 * comes of it if it has changed since then. */
#include <string.h>

#include "script.h"
#include "util/error.h"

#define BEFORE "IMAP4REV1 ENABLE LITERAL+ AUTH=PLAIN SASL-IR"
#define AFTER  "IMAP4REV1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS ID"
#define OTHER  "IMAP4REV1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS SPECIAL-USE"

#define LIST                                                                                       \
    "LIST \"\" \"*\" RETURN (SUBSCRIBED STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))"
#define ID "ID (\"name\" \"imapsyncd\" \"version\" \"" IMS_VERSION "\")"

#define FLIGHT   "C: a1 LOGIN \"me\" \"secret\"", "C: a2 ENABLE QRESYNC", "C: a3 " ID, "C: a4 " LIST
#define GREETING "S: * OK [CAPABILITY " BEFORE "] hello"
#define ENABLED  "S: * ENABLED QRESYNC", "S: a2 OK done"
#define LISTED   "S: * LIST () \"/\" INBOX", "S: a4 OK done"

#define NO_ERROR (-1)

typedef struct {
    const char *name;
    gint want; /* an ImsError, or NO_ERROR */
    gboolean misled;
    const char *after; /* what is to be remembered then */
    const char *lines[16];
} Case;

static const Case cases[] = {
    {"all-in-one-flight",
     NO_ERROR,
     FALSE,
     AFTER,
     {FLIGHT, GREETING, "S: a1 OK [CAPABILITY " AFTER "] in", ENABLED, "S: a3 OK", LISTED}},
    {"id-is-told-and-not-heeded",
     NO_ERROR,
     FALSE,
     AFTER,
     {FLIGHT,
      GREETING,
      "S: a1 OK [CAPABILITY " AFTER "] in",
      ENABLED,
      "S: * ID (\"name\" \"x\")",
      "S: a3 NO no",
      LISTED}},
    {"what-changed-is-remembered",
     NO_ERROR,
     TRUE,
     OTHER,
     {FLIGHT, GREETING, "S: a1 OK [CAPABILITY " OTHER "] in", ENABLED, "S: a3 OK", LISTED}},
    {"what-is-remembered-is-not-believed",
     NO_ERROR,
     TRUE,
     OTHER,
     {FLIGHT,
      "S: * OK [CAPABILITY " AFTER "] of anybody",
      "S: a1 OK in",
      ENABLED,
      "S: a3 OK",
      LISTED,
      "C: a5 CAPABILITY",
      "S: * CAPABILITY " OTHER,
      "S: a5 OK"}},
    {"what-anybody-can-is-not-what-we-can",
     IMS_ERROR_SERVER_UNSUPPORTED,
     TRUE,
     NULL,
     {FLIGHT, "S: * OK [CAPABILITY " AFTER "] of anybody", "S: a1 OK [CAPABILITY ENABLE] in"}},
    {"login-that-is-bad-now",
     IMS_ERROR_PROTOCOL,
     TRUE,
     NULL,
     {FLIGHT, "S: * OK [CAPABILITY IMAP4REV1 LOGINDISABLED] hello", "S: a1 BAD no"}},
    {"refused-by-the-same-server",
     IMS_ERROR_AUTH_FAILED,
     FALSE,
     NULL,
     {FLIGHT, GREETING, "S: a1 NO wrong", "S: a2 BAD log in first"}},
    {"refused-without-a-word-of-capabilities",
     IMS_ERROR_AUTH_FAILED,
     FALSE,
     NULL,
     {FLIGHT, "S: * OK hello", "S: a1 NO wrong"}},
    {"refused-by-a-server-that-has-changed",
     IMS_ERROR_AUTH_FAILED,
     TRUE,
     NULL,
     {FLIGHT, "S: * OK [CAPABILITY IMAP4REV1 LOGINDISABLED] hello", "S: a1 NO not so"}},
    {"server-that-hears-nothing-before-it-speaks",
     IMS_ERROR_OFFLINE,
     TRUE,
     NULL,
     {FLIGHT, "S: * BYE you talk too early", "X: "}},
    {"server-that-hangs-up", IMS_ERROR_OFFLINE, TRUE, NULL, {FLIGHT, "X: "}},
    {"server-that-is-silent", IMS_ERROR_OFFLINE, TRUE, NULL, {FLIGHT, "W: 31"}},
    {"preauth",
     IMS_ERROR_PROTOCOL,
     TRUE,
     NULL,
     {FLIGHT, "S: * PREAUTH [CAPABILITY " AFTER "] hello", "S: a1 OK already", ENABLED}},
    {"command-that-is-bad-now",
     IMS_ERROR_PROTOCOL,
     TRUE,
     NULL,
     {FLIGHT, GREETING, "S: a1 OK [CAPABILITY " OTHER "] in", "S: a2 BAD what"}},
    {"qresync-that-is-not-enabled",
     IMS_ERROR_SERVER_UNSUPPORTED,
     TRUE,
     NULL,
     {FLIGHT, GREETING, "S: a1 OK [CAPABILITY " AFTER "] in", "S: a2 OK", "S: a3 OK", LISTED}},
};

static ImsEndpoint *
make_endpoint(ImsEndpointType type)
{
    ImsEndpoint *endpoint = ims_endpoint_new(type);

    endpoint->host = g_strdup("mail.example.net");
    endpoint->port = 993;
    endpoint->username = g_strdup("me");
    endpoint->password = g_strdup("secret");
    return endpoint;
}

static const ImsOffers known = {(char *)BEFORE, (char *)AFTER};

static gboolean
log_in_and_list(ImsConn *conn, GError **error)
{
    g_autoptr(ImsCmd) list = ims_conn_list(conn, error);

    if (list == NULL || !ims_conn_wait(conn, list, error))
        return FALSE;
    g_assert_cmpuint(ims_cmd_listings(list)->len, ==, 1);
    return TRUE;
}

static void
assert_remembered(const ImsConn *conn, const char *before, const char *after)
{
    g_auto(ImsOffers) offers = {0};

    ims_conn_offers(conn, &offers);
    g_assert_cmpstr(offers.before, ==, before);
    g_assert_cmpstr(offers.after, ==, after);
}

static void
run_case(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(ImsEndpoint) endpoint = make_endpoint(IMS_ENDPOINT_TLS);
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsConn) conn = script_connect_ahead(endpoint, &known, &error);
    gboolean done;

    g_assert_no_error(error);
    done = log_in_and_list(conn, &error);
    g_assert_true(ims_conn_was_misled(conn) == c->misled);
    if (c->want != NO_ERROR) {
        g_assert_error(error, IMS_ERROR, c->want);
        g_assert_false(done);
        g_assert_null(strstr(error->message, "secret"));
        g_clear_error(&error);
        g_assert_false(ims_conn_confirm(conn, &error));
        g_assert_error(error, IMS_ERROR, c->want);
        return;
    }
    g_assert_no_error(error);
    g_assert_true(ims_conn_has(conn, "SPECIAL-USE") == (strstr(c->after, "SPECIAL-USE") != NULL));
    if (g_str_equal(c->name, "what-is-remembered-is-not-believed"))
        assert_remembered(conn, AFTER, c->after);
    else
        assert_remembered(conn, BEFORE, c->after);
}

static void
test_case(gconstpointer data)
{
    const Case *c = data;

    script_each(c->lines, run_case, c);
}

/* AUTHENTICATE goes before the greeting, the rest behind its reply. */
static void
run_authenticate(gconstpointer data)
{
    g_autoptr(ImsEndpoint) endpoint = make_endpoint(IMS_ENDPOINT_TLS);
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsConn) conn = NULL;

    endpoint->auth = (ImsAuthList){{IMS_AUTH_PLAIN}, 1};
    conn = script_connect_ahead(endpoint, &known, &error);
    g_assert_no_error(error);
    g_assert_true(log_in_and_list(conn, &error));
    g_assert_no_error(error);
    assert_remembered(conn, BEFORE, AFTER);
}

static void
test_authenticate(void)
{
    static const char *const lines[] = {
        "C: a1 AUTHENTICATE PLAIN AG1lAHNlY3JldA==",
        GREETING,
        "S: a1 OK [CAPABILITY " AFTER "] in",
        "C: a2 ENABLE QRESYNC",
        "C: a3 " ID,
        "C: a4 " LIST,
        ENABLED,
        "S: a3 OK",
        LISTED,
        NULL};

    script_each(lines, run_authenticate, NULL);
}

/* Then it goes the long way, on another connection. */
static void
test_authenticate_misled(void)
{
    static const char *const lines[] = {
        "C: a1 AUTHENTICATE PLAIN AG1lAHNlY3JldA==",
        "S: * BYE you talk too early",
        "X: ",
        GREETING,
        "C: a1 AUTHENTICATE PLAIN AG1lAHNlY3JldA==",
        "S: a1 OK [CAPABILITY " AFTER "] in",
        "C: a2 ENABLE QRESYNC",
        "C: a3 " ID,
        "C: a4 " LIST,
        ENABLED,
        "S: a3 OK",
        LISTED,
        NULL};

    script_begin(lines, 0);
    run_authenticate(NULL);
    script_end();
}

static void
test_authenticate_refused(void)
{
    static const char *const lines[] = {
        "C: a1 AUTHENTICATE PLAIN AG1lAHNlY3JldA==", GREETING, "S: a1 NO wrong", NULL};
    g_autoptr(ImsEndpoint) endpoint = make_endpoint(IMS_ENDPOINT_TLS);
    g_autoptr(GError) error = NULL;

    endpoint->auth = (ImsAuthList){{IMS_AUTH_PLAIN}, 1};
    script_begin(lines, 0);
    g_assert_null(script_connect_ahead(endpoint, &known, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_AUTH_FAILED);
    script_end();
}

/* A command may greet with PREAUTH: nothing goes ahead. */
static void
test_command(void)
{
    static const char *const lines[] = {SCRIPT_OPEN_PLAIN, NULL};
    g_autoptr(ImsEndpoint) endpoint = make_endpoint(IMS_ENDPOINT_COMMAND);
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsConn) conn = NULL;

    script_begin(lines, 0);
    conn = script_connect_ahead(endpoint, &known, &error);
    g_assert_no_error(error);
    g_assert_true(ims_conn_confirm(conn, &error));
    assert_remembered(conn, NULL, NULL);
    g_clear_pointer(&conn, ims_conn_free);
    script_end();
}

/* Behind STARTTLS nobody greets; nothing of before it is remembered. */
static void
run_starttls(gconstpointer data)
{
    g_autoptr(ImsEndpoint) endpoint = make_endpoint(IMS_ENDPOINT_STARTTLS);
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsConn) conn = script_connect_ahead(endpoint, &known, &error);

    g_assert_no_error(error);
    g_assert_true(log_in_and_list(conn, &error));
    g_assert_no_error(error);
    assert_remembered(conn, BEFORE, AFTER);
}

static void
test_starttls(void)
{
    static const char *const lines[] = {
        "S: * OK [CAPABILITY STARTTLS LOGINDISABLED] hello",
        "C: a1 STARTTLS",
        "S: a1 OK go",
        "T: ",
        "C: a2 LOGIN \"me\" \"secret\"",
        "C: a3 ENABLE QRESYNC",
        "C: a4 " ID,
        "C: a5 " LIST,
        "S: a2 OK [CAPABILITY " AFTER "] in",
        "S: * ENABLED QRESYNC",
        "S: a3 OK done",
        "S: a4 OK",
        "S: * LIST () \"/\" INBOX",
        "S: a5 OK done",
        NULL};

    script_begin(lines, 0);
    run_starttls(NULL);
    script_end();
}

static void
run_id(gconstpointer want)
{
    g_autoptr(ImsEndpoint) endpoint = make_endpoint(IMS_ENDPOINT_TLS);
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsConn) conn = script_connect_ahead(endpoint, &known, &error);

    g_assert_no_error(error);
    g_assert_true(log_in_and_list(conn, &error));
    g_assert_cmpstr(ims_conn_server(conn), ==, want);
}

static void
test_id(void)
{
    static const struct {
        const char *said, *want;
    } cases_of_id[] = {
        {"S: * ID (\"name\" \"Dovecot\" \"os\" \"x\" \"VERSION\" \"2\")", "Dovecot 2"},
        {"S: * ID (\"version\" \"2\x1b[1m\" \"name\" NIL)", "2?[1m"},
        {"S: * ID NIL", NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases_of_id); i++) {
        const char *const lines[] = {
            FLIGHT,
            GREETING,
            "S: a1 OK [CAPABILITY " AFTER "] in",
            ENABLED,
            cases_of_id[i].said,
            "S: a3 OK",
            LISTED,
            NULL};

        script_each(lines, run_id, cases_of_id[i].want);
    }
}

static void
test_icloud(gconstpointer host)
{
    static const char *const of_host[] = {GREETING, NULL};
    static const char *const of_mechanism[] = {
        "S: * OK [CAPABILITY IMAP4REV1 AUTH=ATOKEN AUTH=PLAIN SASL-IR] hello", NULL};
    const char *imap = host;
    g_autoptr(ImsEndpoint) endpoint = make_endpoint(IMS_ENDPOINT_TLS);
    g_autoptr(GError) error = NULL;

    g_free(endpoint->host);
    endpoint->host = g_strdup(imap);
    script_begin(strstr(imap, "example") != NULL ? of_mechanism : of_host, 0);
    g_assert_null(script_connect(endpoint, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_SERVER_UNSUPPORTED);
    g_assert_nonnull(strstr(error->message, "iCloud"));
    script_end();
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/imap/ahead/", cases[i].name, NULL);

        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/imap/ahead/authenticate-goes-alone", test_authenticate);
    g_test_add_func("/imap/ahead/authenticate-tries-the-long-way", test_authenticate_misled);
    g_test_add_func("/imap/ahead/authenticate-is-not-tried-again", test_authenticate_refused);
    g_test_add_func("/imap/ahead/nothing-to-a-command", test_command);
    g_test_add_func("/imap/ahead/behind-starttls", test_starttls);
    g_test_add_func("/imap/ahead/who-the-server-is", test_id);
    g_test_add_data_func("/imap/ahead/icloud-by-host", "IMAP.mail.me.com", test_icloud);
    g_test_add_data_func("/imap/ahead/icloud-by-mechanism", "imap.example.net", test_icloud);
    return g_test_run();
}
