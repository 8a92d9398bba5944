/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What is told of a connection, wherever it ends. */
#include "script.h"
#include "util/error.h"

#define NEEDED   "IMAP4rev1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS"
#define REQUIRED "QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS"
#define HELLO    "S: * OK [CAPABILITY IMAP4rev1 ENABLE] hello"
#define FLIGHT   "C: a1 LOGIN \"me\" \"secret\"", "C: a2 ENABLE QRESYNC"
#define ENABLED  "S: * ENABLED QRESYNC", "S: a2 OK done"

typedef struct {
    const char *name;
    ImsEndpointType type;
    ImsCompress compress;
    gboolean want; /* whether it opens */
    const char *mechanism;
    const char *used, *lacking, *required; /* NULL: not told */
    const char *lines[12];
} Case;

static const Case cases[] = {
    {"all",
     IMS_ENDPOINT_TLS,
     IMS_COMPRESS_AUTO,
     TRUE,
     "LOGIN",
     REQUIRED " LITERAL+ MULTIAPPEND ESEARCH NAMESPACE SPECIAL-USE APPENDLIMIT",
     "",
     "",
     {HELLO,
      FLIGHT,
      "S: a1 OK [CAPABILITY " NEEDED " LITERAL+ MULTIAPPEND COMPRESS=DEFLATE ESEARCH NAMESPACE "
      "SPECIAL-USE APPENDLIMIT=9 MOVE X] in",
      ENABLED}},
    {"only-what-is-needed",
     IMS_ENDPOINT_TLS,
     IMS_COMPRESS_YES,
     TRUE,
     "LOGIN",
     REQUIRED,
     "LITERAL+ LITERAL- MULTIAPPEND COMPRESS=DEFLATE ESEARCH NAMESPACE SPECIAL-USE APPENDLIMIT",
     "",
     {HELLO, FLIGHT, "S: a1 OK [CAPABILITY " NEEDED "] in", ENABLED}},
    {"small-literals-and-a-limit-of-each-mailbox",
     IMS_ENDPOINT_TLS,
     IMS_COMPRESS_NO,
     TRUE,
     "LOGIN",
     REQUIRED " LITERAL-",
     "LITERAL+ MULTIAPPEND ESEARCH NAMESPACE SPECIAL-USE APPENDLIMIT",
     "",
     {HELLO, FLIGHT, "S: a1 OK [CAPABILITY " NEEDED " LITERAL- APPENDLIMIT] in", ENABLED}},
    {"compressed",
     IMS_ENDPOINT_TLS,
     IMS_COMPRESS_YES,
     TRUE,
     "LOGIN",
     REQUIRED " LITERAL+ MULTIAPPEND COMPRESS=DEFLATE ESEARCH NAMESPACE SPECIAL-USE APPENDLIMIT",
     "",
     "",
     {HELLO,
      FLIGHT,
      "S: a1 OK [CAPABILITY " NEEDED " LITERAL+ MULTIAPPEND COMPRESS=DEFLATE ESEARCH NAMESPACE "
      "SPECIAL-USE APPENDLIMIT=9] in",
      ENABLED,
      "C: a3 COMPRESS DEFLATE",
      "S: a3 OK go on",
      "Z: "}},
    {"compression-refused",
     IMS_ENDPOINT_TLS,
     IMS_COMPRESS_YES,
     TRUE,
     "LOGIN",
     REQUIRED " LITERAL+ MULTIAPPEND ESEARCH NAMESPACE SPECIAL-USE APPENDLIMIT",
     "",
     "",
     {HELLO,
      FLIGHT,
      "S: a1 OK [CAPABILITY " NEEDED " LITERAL+ MULTIAPPEND COMPRESS=DEFLATE ESEARCH NAMESPACE "
      "SPECIAL-USE APPENDLIMIT=9] in",
      ENABLED,
      "C: a3 COMPRESS DEFLATE",
      "S: a3 NO not now"}},
    {"required-ones-are-missing",
     IMS_ENDPOINT_TLS,
     IMS_COMPRESS_AUTO,
     FALSE,
     "LOGIN",
     "LIST-EXTENDED LIST-STATUS LITERAL+",
     "MULTIAPPEND ESEARCH NAMESPACE SPECIAL-USE APPENDLIMIT",
     "QRESYNC UIDPLUS",
     {HELLO,
      FLIGHT,
      "S: a1 OK [CAPABILITY IMAP4rev1 QRESYNC LIST-EXTENDED LIST-STATUS LITERAL+] in"}},
    {"a-login-refused",
     IMS_ENDPOINT_TLS,
     IMS_COMPRESS_AUTO,
     FALSE,
     "LOGIN",
     NULL,
     NULL,
     NULL,
     {HELLO, FLIGHT, "S: a1 NO [AUTHENTICATIONFAILED] wrong"}},
    {"a-mechanism",
     IMS_ENDPOINT_TLS,
     IMS_COMPRESS_AUTO,
     FALSE,
     "PLAIN",
     NULL,
     NULL,
     NULL,
     {"S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=PLAIN SASL-IR " REQUIRED "] hello",
      "C: a1 AUTHENTICATE PLAIN AG1lAHNlY3JldA==",
      "S: a1 NO [AUTHENTICATIONFAILED] wrong"}},
    {"no-way-to-log-in",
     IMS_ENDPOINT_TLS,
     IMS_COMPRESS_AUTO,
     FALSE,
     NULL,
     NULL,
     NULL,
     NULL,
     {"S: * OK [CAPABILITY " NEEDED " LOGINDISABLED] hello"}},
    {"a-bye",
     IMS_ENDPOINT_TLS,
     IMS_COMPRESS_AUTO,
     FALSE,
     NULL,
     NULL,
     NULL,
     NULL,
     {"S: * BYE too many"}},
    {"a-handshake-that-fails",
     IMS_ENDPOINT_STARTTLS,
     IMS_COMPRESS_AUTO,
     FALSE,
     NULL,
     NULL,
     NULL,
     NULL,
     {"S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hello", "C: a1 STARTTLS", "S: a1 OK go", "t: "}},
    {"preauth",
     IMS_ENDPOINT_COMMAND,
     IMS_COMPRESS_AUTO,
     TRUE,
     "PREAUTH",
     REQUIRED " LITERAL+",
     "MULTIAPPEND ESEARCH NAMESPACE SPECIAL-USE APPENDLIMIT",
     "",
     {"S: * PREAUTH [CAPABILITY " NEEDED " LITERAL+ COMPRESS=DEFLATE] hello",
      "C: a1 ENABLE QRESYNC",
      "S: * ENABLED QRESYNC",
      "S: a1 OK done"}},
};

static ImsEndpoint *
endpoint_of(const Case *c)
{
    static const char *const argv[] = {"/usr/bin/tunnel", "--password=secret", NULL};
    ImsEndpoint *endpoint = ims_endpoint_new(c->type);

    endpoint->compress = c->compress;
    endpoint->username = g_strdup("me");
    endpoint->password = g_strdup("secret");
    if (c->type == IMS_ENDPOINT_COMMAND) {
        endpoint->argv = g_strdupv((char **)argv);
        return endpoint;
    }
    endpoint->host = g_strdup("imap.example.net");
    endpoint->port = 993;
    return endpoint;
}

static void
assert_words(char **words, const char *want)
{
    g_autofree char *joined = words != NULL ? g_strjoinv(" ", words) : NULL;

    g_assert_cmpstr(joined, ==, want);
}

static void
test_case(gconstpointer data)
{
    const Case *c = data;
    gboolean command = c->type == IMS_ENDPOINT_COMMAND;
    g_autoptr(ImsEndpoint) endpoint = endpoint_of(c);
    g_autoptr(ImsFacts) facts = ims_facts_new();
    g_autoptr(ImsConn) conn = NULL;

    script_begin(c->lines, 0);
    conn = script_connect_told(endpoint, facts, NULL);
    g_assert_true((conn != NULL) == c->want);
    if (conn != NULL) {
        g_assert_true(ims_conn_compress(conn, NULL));
        g_assert_true(ims_conn_heed_compress(conn, NULL));
        g_assert_null(facts->mechanism);
    }
    g_clear_pointer(&conn, ims_conn_free);
    script_end();

    g_assert_cmpstr(facts->host, ==, command ? NULL : "imap.example.net");
    g_assert_cmpuint(facts->port, ==, command ? 0 : 993);
    g_assert_cmpstr(facts->program, ==, command ? "/usr/bin/tunnel" : NULL);
    g_assert_cmpstr(facts->address, ==, SCRIPT_ADDRESS);
    g_assert_cmpstr(facts->mechanism, ==, c->mechanism);
    assert_words(facts->used, c->used);
    assert_words(facts->lacking, c->lacking);
    assert_words(facts->required, c->required);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/imap/tell/%s", cases[i].name);

        g_test_add_data_func(path, &cases[i], test_case);
    }
    return g_test_run();
}
