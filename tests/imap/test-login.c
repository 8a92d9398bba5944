/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* From greeting to ENABLE: a matrix of servers, each at every cut of what it sends. */
#include <string.h>

#include "script.h"
#include "util/error.h"

#define ALL     "IMAP4rev1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS LITERAL+"
#define HELLO   "S: * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+] hello"
#define FLIGHT  "C: a1 LOGIN \"me\" \"secret\"", "C: a2 ENABLE QRESYNC"
#define ENABLED "S: * ENABLED QRESYNC", "S: a2 OK done"

#define TEN "abcdefghij"

#define NO_ERROR (-1)

typedef struct {
    const char *name;
    ImsEndpointType type;
    const char *username, *password;
    gint want;         /* an ImsError, or NO_ERROR */
    const char *words; /* in the error's message */
    const char *lines[16];
} Case;

static const Case cases[] = {
    {"capabilities-in-the-reply",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     NO_ERROR,
     NULL,
     {HELLO, FLIGHT, "S: a1 OK [CAPABILITY " ALL "] in", ENABLED}},
    {"capabilities-untagged",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     NO_ERROR,
     NULL,
     {HELLO, FLIGHT, "S: * CAPABILITY " ALL, "S: a1 OK in", ENABLED}},
    {"capabilities-asked-for",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     NO_ERROR,
     NULL,
     {HELLO,
      FLIGHT,
      "S: a1 OK in",
      ENABLED,
      "C: a3 CAPABILITY",
      "S: * CAPABILITY " ALL,
      "S: a3 OK done"}},
    {"capabilities-asked-for-before-login",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     NO_ERROR,
     NULL,
     {"S: * OK hello",
      "C: a1 CAPABILITY",
      "S: * CAPABILITY IMAP4rev1",
      "S: a1 OK done",
      "C: a2 LOGIN \"me\" \"secret\"",
      "S: a2 OK [CAPABILITY " ALL "] in",
      "C: a3 ENABLE QRESYNC",
      "S: * ENABLED QRESYNC CONDSTORE",
      "S: a3 OK done"}},
    {"capabilities-of-before-login-are-forgotten",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_SERVER_UNSUPPORTED,
     "does not offer QRESYNC, UIDPLUS, LIST-EXTENDED, LIST-STATUS",
     {"S: * OK [CAPABILITY " ALL "] hello",
      FLIGHT,
      "S: a1 OK [CAPABILITY IMAP4rev1] in",
      "S: a2 OK done"}},
    {"missing-are-named",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_SERVER_UNSUPPORTED,
     "does not offer UIDPLUS, LIST-STATUS",
     {HELLO, FLIGHT, "S: a1 OK [CAPABILITY ENABLE QRESYNC LIST-EXTENDED] in"}},
    {"qresync-needs-enable",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_SERVER_UNSUPPORTED,
     "does not offer QRESYNC",
     {HELLO, FLIGHT, "S: a1 OK [CAPABILITY QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS] in"}},
    {"enable-without-enabled",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_SERVER_UNSUPPORTED,
     "does not enable it",
     {HELLO,
      FLIGHT,
      "S: a1 OK [CAPABILITY " ALL "] in",
      "S: * ENABLED CONDSTORE",
      "S: a2 OK done"}},
    {"no-tells-the-server's-words",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_AUTH_FAILED,
     "refuses the login: [AUTHENTICATIONFAILED] wrong",
     {HELLO, FLIGHT, "S: a1 NO [AUTHENTICATIONFAILED] wrong"}},
    {"no-that-repeats-the-password",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_AUTH_FAILED,
     "not shown",
     {HELLO, FLIGHT, "S: a1 NO unknown pair me/secret"}},
    {"bad-that-repeats-the-line",
     IMS_ENDPOINT_TLS,
     "me",
     "sec\"ret",
     IMS_ERROR_PROTOCOL,
     "not shown",
     {HELLO,
      "C: a1 LOGIN \"me\" \"sec\\\"ret\"",
      "C: a2 ENABLE QRESYNC",
      "S: a1 BAD unknown: a1 LOGIN \"me\" \"sec\\\"ret\""}},
    {"bye-that-repeats-the-line",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_OFFLINE,
     "not shown",
     {HELLO, FLIGHT, "S: * BYE a1 LOGIN \"me\" \"secret\"", "X: "}},
    {"no-that-repeats-the-response",
     IMS_ENDPOINT_TLS,
     "m\xc3\xa9",
     "secret",
     IMS_ERROR_AUTH_FAILED,
     "not shown",
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE AUTH=PLAIN SASL-IR] hello",
      "C: a1 AUTHENTICATE PLAIN AG3DqQBzZWNyZXQ=",
      "S: a1 NO not AG3DqQBzZWNyZXQ="}},
    {"no-without-a-code",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_AUTH_FAILED,
     "Login failed",
     {HELLO, FLIGHT, "S: a1 NO Login failed", "S: a2 BAD Please login first"}},
    {"no-for-now",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_OFFLINE,
     "[UNAVAILABLE] later",
     {HELLO, FLIGHT, "S: a1 NO [UNAVAILABLE] later"}},
    {"no-for-too-many",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_OFFLINE,
     "[LIMIT]",
     {HELLO, FLIGHT, "S: a1 NO [LIMIT] too many"}},
    {"no-for-a-broken-server",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_OFFLINE,
     "[SERVERBUG]",
     {HELLO, FLIGHT, "S: a1 NO [SERVERBUG] oops"}},
    {"no-for-too-many-of-dovecot",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_OFFLINE,
     "for now: [LIMIT] Maximum number of connections from user+IP exceeded",
     {HELLO,
      FLIGHT,
      "S: a1 NO [LIMIT] Maximum number of connections from user+IP exceeded "
      "(mail_max_userip_connections=10)"}},
    {"no-for-too-many-by-words-alone",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_OFFLINE,
     "Too many open connections (2 of 2 for me)",
     {HELLO,
      FLIGHT,
      "S: a1 NO Too many open connections (2 of 2 for me)",
      "S: a2 BAD Please login first"}},
    {"no-for-too-many-in-an-alert",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_OFFLINE,
     "Too many simultaneous",
     {HELLO, FLIGHT, "S: a1 NO [ALERT] Too many simultaneous connections. (Failure)"}},
    {"no-that-a-password-cannot-help",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_SERVER_REJECTED,
     "ask those who run it; it says: [CONTACTADMIN] account closed",
     {HELLO, FLIGHT, "S: a1 NO [CONTACTADMIN] account closed"}},
    {"no-for-a-password-that-has-expired",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_AUTH_FAILED,
     "[EXPIRED] renew it",
     {HELLO, FLIGHT, "S: a1 NO [EXPIRED] renew it"}},
    {"bye-as-a-greeting",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_OFFLINE,
     "closed the connection: [UNAVAILABLE] too busy",
     {"S: * BYE [UNAVAILABLE] too busy"}},
    {"bye-as-a-greeting-is-not-about-the-password",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_OFFLINE,
     "Login failed too often",
     {"S: * BYE Login failed too often"}},
    {"bye-in-place-of-an-answer",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_OFFLINE,
     "closed the connection: [ALERT] going down",
     {HELLO, FLIGHT, "S: * BYE [ALERT] going down", "X: "}},
    {"bye-that-refuses-the-login",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_AUTH_FAILED,
     "closed the connection: [AUTHENTICATIONFAILED] wrong",
     {HELLO, FLIGHT, "S: * BYE [AUTHENTICATIONFAILED] wrong", "X: "}},
    {"bye-that-refuses-the-login-by-words-alone",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_AUTH_FAILED,
     "Login failed",
     {HELLO, FLIGHT, "S: * BYE Login failed", "X: "}},
    {"bye-behind-the-login",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_OFFLINE,
     "closed the connection: [UNAVAILABLE] later",
     {HELLO, FLIGHT, "S: a1 OK [CAPABILITY " ALL "] in", "S: * BYE [UNAVAILABLE] later", "X: "}},
    {"words-are-cut-and-escaped",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_AUTH_FAILED,
     "refuses the login: ?]0;x " TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
         TEN TEN "abc…",
     {HELLO,
      FLIGHT,
      "S: a1 NO \x1b]0;x " TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
          TEN TEN}},
    {"bad",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_PROTOCOL,
     "calls LOGIN bad: what",
     {HELLO, FLIGHT, "S: a1 BAD what"}},
    {"login-disabled",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_SERVER_UNSUPPORTED,
     "no way to log in by a password that is known here (LOGIN, PLAIN, SCRAM); it offers "
     "AUTH=GSSAPI, AUTH=X",
     {"S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=GSSAPI AUTH=X] hello"}},
    {"nothing-enabled",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_SERVER_UNSUPPORTED,
     "none at all",
     {"S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hello"}},
    {"login-where-it-will-do",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     NO_ERROR,
     NULL,
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+ SASL-IR AUTH=PLAIN] hello",
      FLIGHT,
      "S: a1 OK [CAPABILITY " ALL "] in",
      ENABLED}},
    {"authenticate-where-login-is-disabled",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     NO_ERROR,
     NULL,
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE SASL-IR LOGINDISABLED AUTH=PLAIN] hello",
      "C: a1 AUTHENTICATE PLAIN AG1lAHNlY3JldA==",
      "S: a1 OK [CAPABILITY " ALL "] in",
      "C: a2 ENABLE QRESYNC",
      ENABLED}},
    {"authenticate-for-more-than-ascii",
     IMS_ENDPOINT_TLS,
     "me",
     "gehe\xc3\xafm",
     NO_ERROR,
     NULL,
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+ SASL-IR AUTH=PLAIN] hello",
      "C: a1 AUTHENTICATE PLAIN AG1lAGdlaGXDr20=",
      "S: a1 OK [CAPABILITY " ALL "] in",
      "C: a2 ENABLE QRESYNC",
      ENABLED}},
    {"authenticate-for-a-name-of-more-than-ascii",
     IMS_ENDPOINT_TLS,
     "j\xc3\xb6",
     "gehe\xc3\xafm",
     NO_ERROR,
     NULL,
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+ SASL-IR AUTH=PLAIN] hello",
      "C: a1 AUTHENTICATE PLAIN AGrDtgBnZWhlw69t",
      "S: a1 OK [CAPABILITY " ALL "] in",
      "C: a2 ENABLE QRESYNC",
      ENABLED}},
    {"authenticate-for-a-control-character",
     IMS_ENDPOINT_TLS,
     "me",
     "a\tb",
     NO_ERROR,
     NULL,
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+ SASL-IR AUTH=PLAIN] hello",
      "C: a1 AUTHENTICATE PLAIN AG1lAGEJYg==",
      "S: a1 OK [CAPABILITY " ALL "] in",
      "C: a2 ENABLE QRESYNC",
      ENABLED}},
    {"authenticate-without-an-initial-response",
     IMS_ENDPOINT_TLS,
     "me",
     "gehe\xc3\xafm",
     NO_ERROR,
     NULL,
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+ AUTH=PLAIN] hello",
      "C: a1 AUTHENTICATE PLAIN",
      "S: + ",
      "C: AG1lAGdlaGXDr20=",
      "S: a1 OK [CAPABILITY " ALL "] in",
      "C: a2 ENABLE QRESYNC",
      ENABLED}},
    {"words-behind-the-plus-are-no-challenge",
     IMS_ENDPOINT_TLS,
     "me",
     "gehe\xc3\xafm",
     NO_ERROR,
     NULL,
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+ AUTH=PLAIN] hello",
      "C: a1 AUTHENTICATE PLAIN",
      "S: + go ahead, please!",
      "C: AG1lAGdlaGXDr20=",
      "S: a1 OK [CAPABILITY " ALL "] in",
      "C: a2 ENABLE QRESYNC",
      ENABLED}},
    {"authenticate-then-capabilities-asked-for",
     IMS_ENDPOINT_TLS,
     "me",
     "gehe\xc3\xafm",
     NO_ERROR,
     NULL,
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+ SASL-IR AUTH=PLAIN] hello",
      "C: a1 AUTHENTICATE PLAIN AG1lAGdlaGXDr20=",
      "S: a1 OK in",
      "C: a2 CAPABILITY",
      "S: * CAPABILITY " ALL,
      "S: a2 OK done",
      "C: a3 ENABLE QRESYNC",
      "S: * ENABLED QRESYNC",
      "S: a3 OK done"}},
    {"capabilities-of-before-authenticate-are-forgotten",
     IMS_ENDPOINT_TLS,
     "me",
     "gehe\xc3\xafm",
     IMS_ERROR_SERVER_UNSUPPORTED,
     "does not offer QRESYNC, UIDPLUS",
     {"S: * OK [CAPABILITY " ALL " SASL-IR AUTH=PLAIN] hello",
      "C: a1 AUTHENTICATE PLAIN AG1lAGdlaGXDr20=",
      "S: a1 OK [CAPABILITY IMAP4rev1] in"}},
    {"authenticate-over-a-command",
     IMS_ENDPOINT_COMMAND,
     "me",
     "gehe\xc3\xafm",
     NO_ERROR,
     NULL,
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+ SASL-IR AUTH=PLAIN] hello",
      "C: a1 AUTHENTICATE PLAIN AG1lAGdlaGXDr20=",
      "S: a1 OK [CAPABILITY " ALL "] in",
      "C: a2 ENABLE QRESYNC",
      ENABLED}},
    {"authenticate-refused",
     IMS_ENDPOINT_TLS,
     "me",
     "gehe\xc3\xafm",
     IMS_ERROR_AUTH_FAILED,
     "refuses the login: [AUTHENTICATIONFAILED] wrong",
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+ SASL-IR AUTH=PLAIN] hello",
      "C: a1 AUTHENTICATE PLAIN AG1lAGdlaGXDr20=",
      "S: a1 NO [AUTHENTICATIONFAILED] wrong"}},
    {"authenticate-refused-before-the-password",
     IMS_ENDPOINT_TLS,
     "me",
     "gehe\xc3\xafm",
     IMS_ERROR_AUTH_FAILED,
     "not here",
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+ AUTH=PLAIN] hello",
      "C: a1 AUTHENTICATE PLAIN",
      "S: a1 NO not here"}},
    {"authenticate-no-for-now",
     IMS_ENDPOINT_TLS,
     "me",
     "gehe\xc3\xafm",
     IMS_ERROR_OFFLINE,
     "[UNAVAILABLE] later",
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+ SASL-IR AUTH=PLAIN] hello",
      "C: a1 AUTHENTICATE PLAIN AG1lAGdlaGXDr20=",
      "S: a1 NO [UNAVAILABLE] later"}},
    {"authenticate-bad",
     IMS_ENDPOINT_TLS,
     "me",
     "gehe\xc3\xafm",
     IMS_ERROR_PROTOCOL,
     "calls AUTHENTICATE bad: what",
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+ SASL-IR AUTH=PLAIN] hello",
      "C: a1 AUTHENTICATE PLAIN AG1lAGdlaGXDr20=",
      "S: a1 BAD what"}},
    {"authenticate-asks-without-end",
     IMS_ENDPOINT_TLS,
     "me",
     "gehe\xc3\xafm",
     IMS_ERROR_PROTOCOL,
     "has no answer",
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+ SASL-IR AUTH=PLAIN] hello",
      "C: a1 AUTHENTICATE PLAIN AG1lAGdlaGXDr20=",
      "S: + more"}},
    {"authenticate-cut",
     IMS_ENDPOINT_TLS,
     "me",
     "gehe\xc3\xafm",
     IMS_ERROR_OFFLINE,
     "closed the connection",
     {"S: * OK [CAPABILITY IMAP4rev1 ENABLE LITERAL+ AUTH=PLAIN] hello",
      "C: a1 AUTHENTICATE PLAIN",
      "S: + ",
      "C: AG1lAGdlaGXDr20=",
      "X: "}},
    {"no-password",
     IMS_ENDPOINT_TLS,
     "me",
     NULL,
     IMS_ERROR_CREDENTIALS_MISSING,
     "no password is stored for me",
     {HELLO}},
    {"no-username", IMS_ENDPOINT_COMMAND, NULL, NULL, IMS_ERROR_CONFIG, "no username", {HELLO}},
    {"preauth-on-the-network",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_PROTOCOL,
     "PREAUTH",
     {"S: * PREAUTH [CAPABILITY " ALL "] hello"}},
    {"preauth-of-a-command",
     IMS_ENDPOINT_COMMAND,
     NULL,
     NULL,
     NO_ERROR,
     NULL,
     {"S: * PREAUTH hello",
      "C: a1 CAPABILITY",
      "S: * CAPABILITY " ALL,
      "S: a1 OK done",
      "C: a2 ENABLE QRESYNC",
      "S: * ENABLED QRESYNC",
      "S: a2 OK done"}},
    {"a-command-may-want-a-login",
     IMS_ENDPOINT_COMMAND,
     "me",
     "secret",
     NO_ERROR,
     NULL,
     {HELLO, FLIGHT, "S: a1 OK [CAPABILITY " ALL "] in", ENABLED}},
    {"bye",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_OFFLINE,
     "closed the connection: come back later",
     {"S: * BYE come back later"}},
    {"eof", IMS_ENDPOINT_TLS, "me", "secret", IMS_ERROR_OFFLINE, "closed the connection", {"X: "}},
    {"no-imap",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     IMS_ERROR_PROTOCOL,
     "",
     {"S: SSH-2.0-OpenSSH_9.2"}},
    {"two-greetings",
     IMS_ENDPOINT_TLS,
     "me",
     "secret",
     NO_ERROR,
     NULL,
     {"S: * OK Waiting for authentication process to respond..",
      "C: a1 CAPABILITY",
      HELLO,
      "S: * CAPABILITY IMAP4rev1",
      "S: a1 OK done",
      "C: a2 LOGIN \"me\" \"secret\"",
      "S: a2 OK [CAPABILITY " ALL "] in",
      "C: a3 ENABLE QRESYNC",
      "S: * ENABLED QRESYNC",
      "S: a3 OK done"}},
    {"quotes-are-escaped",
     IMS_ENDPOINT_TLS,
     "m\"e",
     "sec\\ret",
     NO_ERROR,
     NULL,
     {HELLO,
      "C: a1 LOGIN \"m\\\"e\" \"sec\\\\ret\"",
      "C: a2 ENABLE QRESYNC",
      "S: a1 OK [CAPABILITY " ALL "] in",
      ENABLED}},
    {"literal-at-once",
     IMS_ENDPOINT_TLS,
     "me",
     "gehe\xc3\xafm",
     NO_ERROR,
     NULL,
     {HELLO,
      "C: a1 LOGIN \"me\" {7+}",
      "C: gehe\xc3\xafm",
      "C: a2 ENABLE QRESYNC",
      "S: a1 OK [CAPABILITY " ALL "] in",
      ENABLED}},
    {"literals-that-wait",
     IMS_ENDPOINT_TLS,
     "j\xc3\xb6",
     "gehe\xc3\xafm",
     NO_ERROR,
     NULL,
     {"S: * OK [CAPABILITY IMAP4rev1] hello",
      "C: a1 LOGIN {3}",
      "S: + go on",
      "c: j\xc3\xb6",
      "C:  {7}",
      "S: +",
      "C: gehe\xc3\xafm",
      "S: a1 OK [CAPABILITY " ALL "] in",
      "C: a2 ENABLE QRESYNC",
      ENABLED}},
    {"literal-refused",
     IMS_ENDPOINT_TLS,
     "j\xc3\xb6",
     "secret",
     IMS_ERROR_AUTH_FAILED,
     "ASCII only",
     {"S: * OK [CAPABILITY IMAP4rev1] hello", "C: a1 LOGIN {3}", "S: a1 NO ASCII only"}},
};

static ImsEndpoint *
make_endpoint(const Case *c)
{
    ImsEndpoint *endpoint = ims_endpoint_new(c->type);

    endpoint->username = g_strdup(c->username);
    endpoint->password = g_strdup(c->password);
    return endpoint;
}

static void
run_case(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(ImsEndpoint) endpoint = make_endpoint(c);
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsConn) conn = script_connect(endpoint, &error);

    if (c->want == NO_ERROR) {
        g_assert_no_error(error);
        g_assert_true(ims_conn_has(conn, "QRESYNC"));
        return;
    }
    g_assert_error(error, IMS_ERROR, c->want);
    g_assert_null(conn);
    if (strstr(error->message, c->words) == NULL)
        g_error("\"%s\" does not hold \"%s\"", error->message, c->words);
    if (c->password != NULL)
        g_assert_null(strstr(error->message, c->password));
}

static void
test_case(gconstpointer data)
{
    const Case *c = data;

    script_each(c->lines, run_case, c);
}

static void
test_stderr(void)
{
    static const char *const lines[] = {"X: ", NULL};
    g_autoptr(ImsEndpoint) endpoint = ims_endpoint_new(IMS_ENDPOINT_COMMAND);
    g_autoptr(GError) error = NULL;

    script_begin(lines, 0);
    script_stderr("no such host");
    g_assert_null(script_connect(endpoint, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_assert_nonnull(strstr(error->message, "no such host"));
    script_end();
}

/* A command that prints what passes through it prints the login too, whole or cut. */
static void
test_stderr_that_shows_the_login(void)
{
    static const char *const lines[] = {
        "S: * OK [CAPABILITY IMAP4rev1 LITERAL+] hello",
        "C: a1 LOGIN \"me\" \"secret\"",
        "X: ",
        NULL};
    static const char *const said[] = {
        "> a1 LOGIN \"me\" \"secret\"", "length=23 / secret", "> a1 LOGIN \"me\" \"secr"};

    for (gsize i = 0; i < G_N_ELEMENTS(said); i++) {
        g_autoptr(ImsEndpoint) endpoint = ims_endpoint_new(IMS_ENDPOINT_COMMAND);
        g_autoptr(GError) error = NULL;

        endpoint->username = g_strdup("me");
        endpoint->password = g_strdup("secret");
        script_begin(lines, 0);
        script_stderr(said[i]);
        g_assert_null(script_connect(endpoint, &error));
        g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
        g_assert_null(strstr(error->message, "secr"));
        g_assert_nonnull(strstr(error->message, "not shown"));
        script_end();
    }
}

/* Under TLS 1.3 a login is bound if that is wanted by name, and TLS tells by what. */
static void
test_bound(void)
{
    static const guint8 octets[] = {1, 2, 3, 4};
    static const ImsAuthList named = {{IMS_AUTH_SCRAM_SHA_256_PLUS, IMS_AUTH_SCRAM_SHA_256}, 2};
    const struct {
        ImsAuthList auth;
        const guint8 *bound;
        const char *line;
    } bound_cases[] = {
        {named, octets, "C: a1 AUTHENTICATE SCRAM-SHA-256-PLUS"},
        {named, NULL, "C: a1 AUTHENTICATE SCRAM-SHA-256"},
        {{{0}, 0}, octets, "C: a1 AUTHENTICATE SCRAM-SHA-256"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bound_cases); i++) {
        const char *const lines[] = {
            "S: * OK [CAPABILITY LOGINDISABLED AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-256-PLUS] hello",
            bound_cases[i].line,
            "S: a1 NO no",
            NULL};
        g_autoptr(ImsEndpoint) endpoint = ims_endpoint_new(IMS_ENDPOINT_TLS);
        g_autoptr(GError) error = NULL;

        endpoint->username = g_strdup("me");
        endpoint->password = g_strdup("secret");
        endpoint->auth = bound_cases[i].auth;
        script_begin(lines, 0);
        script_binding(bound_cases[i].bound);
        g_assert_null(script_connect(endpoint, &error));
        g_assert_error(error, IMS_ERROR, IMS_ERROR_AUTH_FAILED);
        script_end();
    }
}

static void
check_alert(gconstpointer data)
{
    g_autoptr(ImsEndpoint) endpoint = ims_endpoint_new(IMS_ENDPOINT_TLS);
    g_autoptr(ImsConn) conn = NULL;

    endpoint->username = g_strdup("me");
    endpoint->password = g_strdup("secret");
    conn = script_connect(endpoint, NULL);
    g_assert_nonnull(conn);
    g_assert_cmpstr(ims_conn_alert(conn), ==, "[ALERT] pay");
}

/* Before the login it may be meant for nobody, or come from anybody. */
static void
test_alert(void)
{
    static const char *const lines[] = {
        "S: * OK [ALERT] hello",
        "C: a1 CAPABILITY",
        "S: * OK [ALERT] not yet",
        "S: * CAPABILITY IMAP4rev1",
        "S: a1 OK [ALERT] nor now",
        "C: a2 LOGIN \"me\" \"secret\"",
        "S: * CAPABILITY " ALL,
        "S: a2 OK [ALERT] pay",
        "C: a3 ENABLE QRESYNC",
        "S: * ENABLED QRESYNC",
        "S: a3 OK [ALERT] pay again",
        NULL};

    script_each(lines, check_alert, NULL);
}

static void
test_endpoint_copy(void)
{
    g_autoptr(ImsEndpoint) endpoint = ims_endpoint_new(IMS_ENDPOINT_TLS);
    g_autoptr(ImsEndpoint) copy = NULL;

    endpoint->host = g_strdup("mail.example.net");
    endpoint->port = 993;
    endpoint->password = g_strdup("secret");
    copy = ims_endpoint_copy(endpoint);
    g_clear_pointer(&endpoint, ims_endpoint_free);

    g_assert_cmpstr(copy->host, ==, "mail.example.net");
    g_assert_cmpuint(copy->port, ==, 993);
    g_assert_cmpstr(copy->password, ==, "secret");
    g_assert_null(copy->username);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/imap/login/", cases[i].name, NULL);

        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/imap/login/stderr-of-a-command-is-told", test_stderr);
    g_test_add_func(
        "/imap/login/stderr-that-shows-the-login-is-not", test_stderr_that_shows_the_login);
    g_test_add_func("/imap/login/bound-where-tls-tells-by-what", test_bound);
    g_test_add_func("/imap/login/alert-is-heard-from-the-login-on", test_alert);
    g_test_add_func("/imap/endpoint/copy-is-deep", test_endpoint_copy);
    return g_test_run();
}
