/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* From a greeting in the clear to a login under TLS, or to none: each server at every cut of what
 * it sends. */
#include <string.h>

#include "script.h"
#include "util/error.h"

#define ALL    "IMAP4rev1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS LITERAL+"
#define HELLO  "S: * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hello"
#define BEGIN  HELLO, "C: a1 STARTTLS", "S: a1 OK go"
#define ASK(a) "C: " a " CAPABILITY"
#define LOG_IN                                                                                     \
    "C: a2 CAPABILITY", "S: * CAPABILITY IMAP4rev1 ENABLE", "S: a2 OK done",                       \
        "C: a3 LOGIN \"me\" \"secret\"", "C: a4 ENABLE QRESYNC",                                   \
        "S: a3 OK [CAPABILITY " ALL "] in", "S: * ENABLED QRESYNC", "S: a4 OK done"

#define NO_ERROR (-1)

typedef struct {
    const char *name;
    gint want;         /* an ImsError, or NO_ERROR */
    const char *words; /* in the error's message */
    const char *lines[20];
} Case;

static const Case cases[] = {
    {"capabilities-in-the-greeting", NO_ERROR, NULL, {BEGIN, "T: ", LOG_IN}},
    {"capabilities-asked-for",
     NO_ERROR,
     NULL,
     {"S: * OK hello",
      ASK("a1"),
      "S: * CAPABILITY STARTTLS",
      "S: a1 OK done",
      "C: a2 STARTTLS",
      "S: a2 OK go",
      "T: ",
      ASK("a3"),
      "S: * CAPABILITY IMAP4rev1",
      "S: a3 OK done",
      "C: a4 LOGIN \"me\" \"secret\"",
      "S: a4 OK [CAPABILITY " ALL "] in",
      "C: a5 ENABLE QRESYNC",
      "S: * ENABLED QRESYNC",
      "S: a5 OK done"}},
    {"capabilities-in-the-ok-are-forgotten",
     NO_ERROR,
     NULL,
     {HELLO,
      "C: a1 STARTTLS",
      "S: a1 OK [CAPABILITY " ALL " AUTH=X LOGINDISABLED] go",
      "T: ",
      LOG_IN}},
    {"qresync-offered-in-the-clear-only",
     IMS_ERROR_SERVER_UNSUPPORTED,
     "does not offer QRESYNC, UIDPLUS",
     {"S: * OK [CAPABILITY STARTTLS " ALL "] hello",
      "C: a1 STARTTLS",
      "S: a1 OK go",
      "T: ",
      ASK("a2"),
      "S: * CAPABILITY IMAP4rev1",
      "S: a2 OK done",
      "C: a3 LOGIN \"me\" \"secret\"",
      "S: a3 OK [CAPABILITY IMAP4rev1 ENABLE] in"}},
    {"qresync-enabled-in-the-clear-only",
     IMS_ERROR_SERVER_UNSUPPORTED,
     "does not enable it",
     {"S: * OK [CAPABILITY STARTTLS] hello",
      "S: * ENABLED QRESYNC",
      "C: a1 STARTTLS",
      "S: a1 OK go",
      "T: ",
      ASK("a2"),
      "S: * CAPABILITY IMAP4rev1",
      "S: a2 OK done",
      "C: a3 LOGIN \"me\" \"secret\"",
      "S: a3 OK [CAPABILITY " ALL "] in",
      "C: a4 ENABLE QRESYNC",
      "S: a4 OK done"}},
    {"login-disabled-under-tls-too",
     IMS_ERROR_SERVER_UNSUPPORTED,
     "it offers AUTH=GSSAPI",
     {"S: * OK [CAPABILITY STARTTLS AUTH=PLAIN] hello",
      "C: a1 STARTTLS",
      "S: a1 OK go",
      "T: ",
      ASK("a2"),
      "S: * CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=GSSAPI",
      "S: a2 OK done"}},
    {"missing",
     IMS_ERROR_SERVER_UNSUPPORTED,
     "does not offer STARTTLS",
     {"S: * OK [CAPABILITY " ALL " AUTH=PLAIN] hello"}},
    {"missing-when-asked-for",
     IMS_ERROR_SERVER_UNSUPPORTED,
     "set type = imaps",
     {"S: * OK hello", ASK("a1"), "S: * CAPABILITY IMAP4rev1", "S: a1 OK done"}},
    {"no",
     IMS_ERROR_SERVER_REJECTED,
     "refuses STARTTLS",
     {HELLO, "C: a1 STARTTLS", "S: a1 NO call-this-number"}},
    {"bad",
     IMS_ERROR_PROTOCOL,
     "calls STARTTLS bad: (its words came without TLS)",
     {HELLO, "C: a1 STARTTLS", "S: a1 BAD call-this-number"}},
    {"preauth",
     IMS_ERROR_PROTOCOL,
     "PREAUTH",
     {"S: * PREAUTH [CAPABILITY STARTTLS " ALL "] call-this-number"}},
    {"bye",
     IMS_ERROR_OFFLINE,
     "closed the connection: (its words came without TLS)",
     {"S: * BYE call-this-number"}},
    {"eof", IMS_ERROR_OFFLINE, "closed the connection", {HELLO, "C: a1 STARTTLS", "X: "}},
    {"a-response-behind-the-ok",
     IMS_ERROR_PROTOCOL,
     "octets came in the clear where TLS begins",
     {BEGIN, "S: * CAPABILITY " ALL}},
    {"an-octet-behind-the-ok",
     IMS_ERROR_PROTOCOL,
     "octets came in the clear where TLS begins",
     {BEGIN, "s: *"}},
    {"an-answer-to-the-next-behind-the-ok",
     IMS_ERROR_PROTOCOL,
     "octets came in the clear where TLS begins",
     {BEGIN, "S: a2 OK injected"}},
    {"certificate-rejected", IMS_ERROR_CERTIFICATE_REJECTED, "rejected", {BEGIN, "t: "}},
    {"alerts-in-the-clear-are-not-told",
     NO_ERROR,
     NULL,
     {"S: * OK [ALERT] call-this-number",
      ASK("a1"),
      "S: * OK [ALERT] call-this-number",
      "S: * CAPABILITY STARTTLS",
      "S: a1 OK done",
      "C: a2 STARTTLS",
      "S: a2 OK [ALERT] call-this-number",
      "T: ",
      ASK("a3"),
      "S: * CAPABILITY IMAP4rev1",
      "S: a3 OK done",
      "C: a4 LOGIN \"me\" \"secret\"",
      "S: a4 OK [CAPABILITY " ALL "] in",
      "C: a5 ENABLE QRESYNC",
      "S: * ENABLED QRESYNC",
      "S: a5 OK done"}},
};

/* Nothing that was said in the clear is told: neither in a log nor in an error. */
static GLogWriterOutput
check_log(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
    for (gsize i = 0; i < n_fields; i++) {
        if (g_str_equal(fields[i].key, "MESSAGE"))
            g_assert_null(strstr(fields[i].value, "call-this-number"));
    }
    return g_log_writer_default(level, fields, n_fields, data);
}

static void
run_case(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(ImsEndpoint) endpoint = ims_endpoint_new(IMS_ENDPOINT_STARTTLS);
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsConn) conn = NULL;

    endpoint->username = g_strdup("me");
    endpoint->password = g_strdup("secret");
    conn = script_connect(endpoint, &error);
    if (c->want == NO_ERROR) {
        g_assert_no_error(error);
        g_assert_true(ims_conn_has(conn, "QRESYNC"));
        g_assert_false(ims_conn_has(conn, "STARTTLS"));
        return;
    }
    g_assert_null(conn);
    g_assert_error(error, IMS_ERROR, c->want);
    if (strstr(error->message, c->words) == NULL)
        g_error("\"%s\" does not hold \"%s\"", error->message, c->words);
    g_assert_null(strstr(error->message, "call-this-number"));
}

static void
test_case(gconstpointer data)
{
    const Case *c = data;

    script_each(c->lines, run_case, c);
}

/* On this computer nobody stands between: it goes as under TLS, and STARTTLS is not asked for. */
static void
test_loopback(void)
{
    static const char *const lines[] = {
        "S: * OK [CAPABILITY IMAP4rev1 ENABLE STARTTLS] hello",
        "C: a1 LOGIN \"me\" \"secret\"",
        "C: a2 ENABLE QRESYNC",
        "S: a1 OK [CAPABILITY " ALL "] in",
        "S: * ENABLED QRESYNC",
        "S: a2 OK done",
        NULL};
    g_autoptr(ImsEndpoint) endpoint = ims_endpoint_new(IMS_ENDPOINT_LOOPBACK);
    g_autoptr(GError) error = NULL;

    endpoint->username = g_strdup("me");
    endpoint->password = g_strdup("secret");
    script_begin(lines, 0);
    ims_conn_free(script_connect(endpoint, &error));
    g_assert_no_error(error);
    script_end();
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_writer_func(check_log, NULL, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/imap/starttls/", cases[i].name, NULL);

        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/imap/starttls/loopback-may-stay-in-the-clear", test_loopback);
    return g_test_run();
}
