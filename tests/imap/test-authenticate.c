/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The ways to log in that have to be named, each at every cut of what the server sends. */
#include <string.h>

#include "script.h"
#include "util/error.h"

#define ALL          "IMAP4rev1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS"
#define HELLO(words) "S: * OK [CAPABILITY IMAP4rev1 ENABLE " words "] hello"
#define IN           "S: a1 OK [CAPABILITY " ALL "] in"
#define ENABLED      "C: a2 ENABLE QRESYNC", "S: * ENABLED QRESYNC", "S: a2 OK done"
#define REFUSED      "S: a1 NO [AUTHENTICATIONFAILED] expired"

#define USERNAME "m=e,@x"
#define TOKEN    "t0k.en-_~+/=="
/* user=…, and n,a=… with the name escaped; ^A between */
#define XOAUTH2 "dXNlcj1tPWUsQHgBYXV0aD1CZWFyZXIgdDBrLmVuLV9+Ky89PQEB"
#define OAUTHBEARER                                                                                \
    "bixhPW09M0RlPTJDQHgsAWhvc3Q9aW1hcC5leGFtcGxlLm5ldAFwb3J0PTk5MwFhdXRoPUJlYXJlciB0MGsuZW4tX34r" \
    "Lz09AQE="
#define OAUTHBEARER_BARE "bixhPW09M0RlPTJDQHgsAWF1dGg9QmVhcmVyIHQway5lbi1ffisvPT0BAQ=="
#define PLAIN            "AG09ZSxAeAB0MGsuZW4tX34rLz09"
#define WHY              "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJtYWlsIn0="

#define NO_ERROR (-1)

typedef struct {
    const char *name;
    ImsEndpointType type;
    ImsAuthList auth;
    gint want;         /* an ImsError, or NO_ERROR */
    const char *words; /* in the error's message */
    const char *lines[12];
} Case;

#define BY_OAUTHBEARER                                                                             \
    {                                                                                              \
        {IMS_AUTH_OAUTHBEARER}, 1                                                                  \
    }
#define BY_XOAUTH2                                                                                 \
    {                                                                                              \
        {IMS_AUTH_XOAUTH2}, 1                                                                      \
    }
#define BY_TOKEN                                                                                   \
    {                                                                                              \
        {IMS_AUTH_OAUTHBEARER, IMS_AUTH_XOAUTH2}, 2                                                \
    }

#define BY_LOGIN                                                                                   \
    {                                                                                              \
        {IMS_AUTH_LOGIN}, 1                                                                        \
    }
#define BY_DEFAULT                                                                                 \
    {                                                                                              \
        {0}, 0                                                                                     \
    }
/* username and secret, each alone */
#define WHO  "bT1lLEB4"
#define WHAT "dDBrLmVuLV9+Ky89PQ=="

static const Case cases[] = {
    {"login-where-the-command-is-disabled",
     IMS_ENDPOINT_TLS,
     BY_DEFAULT,
     NO_ERROR,
     NULL,
     {HELLO("SASL-IR LOGINDISABLED AUTH=LOGIN"),
      "C: a1 AUTHENTICATE LOGIN",
      "S: + VXNlciBOYW1lAA==",
      "C: " WHO,
      "S: + UGFzc3dvcmQA",
      "C: " WHAT,
      IN,
      ENABLED}},
    {"login-behind-words-for-people",
     IMS_ENDPOINT_TLS,
     BY_LOGIN,
     NO_ERROR,
     NULL,
     {HELLO("LOGINDISABLED AUTH=LOGIN AUTH=PLAIN"),
      "C: a1 AUTHENTICATE LOGIN",
      "S: + who are you?",
      "C: " WHO,
      "S: +",
      "C: " WHAT,
      IN,
      ENABLED}},
    {"login-refused",
     IMS_ENDPOINT_TLS,
     BY_LOGIN,
     IMS_ERROR_AUTH_FAILED,
     "refuses the login: wrong",
     {HELLO("LOGINDISABLED AUTH=LOGIN"),
      "C: a1 AUTHENTICATE LOGIN",
      "S: + VXNlciBOYW1lAA==",
      "C: " WHO,
      "S: + UGFzc3dvcmQA",
      "C: " WHAT,
      "S: a1 NO wrong"}},
    {"login-that-repeats-the-password",
     IMS_ENDPOINT_TLS,
     BY_LOGIN,
     IMS_ERROR_AUTH_FAILED,
     "not shown",
     {HELLO("LOGINDISABLED AUTH=LOGIN"),
      "C: a1 AUTHENTICATE LOGIN",
      "S: + VXNlciBOYW1lAA==",
      "C: " WHO,
      "S: + UGFzc3dvcmQA",
      "C: " WHAT,
      "S: a1 NO not " WHAT}},
    {"login-asked-without-end",
     IMS_ENDPOINT_TLS,
     BY_LOGIN,
     IMS_ERROR_PROTOCOL,
     "has no answer",
     {HELLO("LOGINDISABLED AUTH=LOGIN"),
      "C: a1 AUTHENTICATE LOGIN",
      "S: + VXNlciBOYW1lAA==",
      "C: " WHO,
      "S: + UGFzc3dvcmQA",
      "C: " WHAT,
      "S: + UGFzc3dvcmQA"}},
    {"plain-before-the-mechanism-login",
     IMS_ENDPOINT_TLS,
     BY_DEFAULT,
     NO_ERROR,
     NULL,
     {HELLO("SASL-IR LOGINDISABLED AUTH=LOGIN AUTH=PLAIN"),
      "C: a1 AUTHENTICATE PLAIN " PLAIN,
      IN,
      ENABLED}},
    {"oauthbearer",
     IMS_ENDPOINT_TLS,
     BY_TOKEN,
     NO_ERROR,
     NULL,
     {HELLO("SASL-IR AUTH=XOAUTH2 AUTH=OAUTHBEARER"),
      "C: a1 AUTHENTICATE OAUTHBEARER " OAUTHBEARER,
      IN,
      ENABLED}},
    {"oauthbearer-without-an-initial-response",
     IMS_ENDPOINT_TLS,
     BY_TOKEN,
     NO_ERROR,
     NULL,
     {HELLO("AUTH=OAUTHBEARER"),
      "C: a1 AUTHENTICATE OAUTHBEARER",
      "S: + ",
      "C: " OAUTHBEARER,
      IN,
      ENABLED}},
    {"oauthbearer-over-a-command",
     IMS_ENDPOINT_COMMAND,
     BY_TOKEN,
     NO_ERROR,
     NULL,
     {HELLO("SASL-IR AUTH=OAUTHBEARER"),
      "C: a1 AUTHENTICATE OAUTHBEARER " OAUTHBEARER_BARE,
      IN,
      ENABLED}},
    {"xoauth2",
     IMS_ENDPOINT_TLS,
     BY_TOKEN,
     NO_ERROR,
     NULL,
     {HELLO("SASL-IR AUTH=PLAIN AUTH=XOAUTH2"),
      "C: a1 AUTHENTICATE XOAUTH2 " XOAUTH2,
      IN,
      ENABLED}},
    {"xoauth2-without-an-initial-response",
     IMS_ENDPOINT_TLS,
     BY_TOKEN,
     NO_ERROR,
     NULL,
     {HELLO("AUTH=XOAUTH2"), "C: a1 AUTHENTICATE XOAUTH2", "S: +", "C: " XOAUTH2, IN, ENABLED}},
    {"oauthbearer-refused",
     IMS_ENDPOINT_TLS,
     BY_OAUTHBEARER,
     IMS_ERROR_AUTH_FAILED,
     "refuses the login: [AUTHENTICATIONFAILED] expired",
     {HELLO("SASL-IR AUTH=OAUTHBEARER"),
      "C: a1 AUTHENTICATE OAUTHBEARER " OAUTHBEARER,
      "S: + " WHY,
      "C: AQ==",
      REFUSED}},
    {"oauthbearer-refused-without-an-initial-response",
     IMS_ENDPOINT_TLS,
     BY_OAUTHBEARER,
     IMS_ERROR_AUTH_FAILED,
     "expired",
     {HELLO("AUTH=OAUTHBEARER"),
      "C: a1 AUTHENTICATE OAUTHBEARER",
      "S: + ",
      "C: " OAUTHBEARER,
      "S: + " WHY,
      "C: AQ==",
      REFUSED}},
    {"xoauth2-refused",
     IMS_ENDPOINT_TLS,
     BY_XOAUTH2,
     IMS_ERROR_AUTH_FAILED,
     "expired",
     {HELLO("SASL-IR AUTH=XOAUTH2"),
      "C: a1 AUTHENTICATE XOAUTH2 " XOAUTH2,
      "S: + " WHY,
      "C: ",
      REFUSED}},
    {"refused-without-a-reason",
     IMS_ENDPOINT_TLS,
     BY_XOAUTH2,
     IMS_ERROR_AUTH_FAILED,
     "expired",
     {HELLO("SASL-IR AUTH=XOAUTH2"), "C: a1 AUTHENTICATE XOAUTH2 " XOAUTH2, REFUSED}},
    {"refused-with-the-token",
     IMS_ENDPOINT_TLS,
     BY_XOAUTH2,
     IMS_ERROR_AUTH_FAILED,
     "not shown",
     {HELLO("SASL-IR AUTH=XOAUTH2"),
      "C: a1 AUTHENTICATE XOAUTH2 " XOAUTH2,
      "S: a1 NO Bearer " TOKEN " is no good"}},
    {"refused-without-end",
     IMS_ENDPOINT_TLS,
     BY_OAUTHBEARER,
     IMS_ERROR_PROTOCOL,
     "has no answer",
     {HELLO("SASL-IR AUTH=OAUTHBEARER"),
      "C: a1 AUTHENTICATE OAUTHBEARER " OAUTHBEARER,
      "S: + " WHY,
      "C: AQ==",
      "S: + " WHY}},
    {"no-token-where-only-passwords-are-wanted",
     IMS_ENDPOINT_TLS,
     BY_TOKEN,
     IMS_ERROR_SERVER_UNSUPPORTED,
     "AUTH=PLAIN",
     {HELLO("SASL-IR AUTH=PLAIN")}},
};

static ImsEndpoint *
make_endpoint(const Case *c)
{
    ImsEndpoint *endpoint = ims_endpoint_new(c->type);

    if (c->type != IMS_ENDPOINT_COMMAND)
        endpoint->host = g_strdup("imap.example.net");
    endpoint->port = 993;
    endpoint->username = g_strdup(USERNAME);
    endpoint->password = g_strdup(TOKEN);
    endpoint->auth = c->auth;
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
    g_assert_null(strstr(error->message, TOKEN));
}

static void
test_case(gconstpointer data)
{
    const Case *c = data;

    script_each(c->lines, run_case, c);
}

/* It could say more than a token: who it is for, for instance. */
static void
test_no_token(void)
{
    static const char *const lines[] = {HELLO("SASL-IR AUTH=XOAUTH2"), NULL};
    static const char *const no_tokens[] = {"to ken", "to\001user=root", "tok\xc3\xa9n", "a\tb"};

    for (gsize i = 0; i < G_N_ELEMENTS(no_tokens); i++) {
        const Case c = {NULL, IMS_ENDPOINT_TLS, BY_XOAUTH2};
        g_autoptr(ImsEndpoint) endpoint = make_endpoint(&c);
        g_autoptr(GError) error = NULL;

        g_free(endpoint->password);
        endpoint->password = g_strdup(no_tokens[i]);
        script_begin(lines, 0);
        g_assert_null(script_connect(endpoint, &error));
        g_assert_error(error, IMS_ERROR, IMS_ERROR_AUTH_FAILED);
        g_assert_null(strstr(error->message, no_tokens[i]));
        script_end();
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/imap/authenticate/", cases[i].name, NULL);

        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/imap/authenticate/what-is-no-token-is-not-sent", test_no_token);
    return g_test_run();
}
