/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Servers that stop answering, one in each stage: it ends at the stage's limit, and not a second
 * before. Those of connect and handshake stand in tests/net. */
#include <string.h>

#include "script.h"
#include "util/error.h"

#define CAPABILITIES                                                                               \
    "[CAPABILITY IMAP4rev1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS STARTTLS]"
#define GREETING "S: * OK " CAPABILITIES " hello"
#define LOGIN    "C: a1 LOGIN \"me\" \"secret\"", "C: a2 ENABLE QRESYNC"
#define SELECT   "C: a2 SELECT \"INBOX\""
#define APPEND   "C: a2 APPEND \"INBOX\" () \" 1-Jan-1970 00:00:10 +0000\" {3}"
#define FETCH    "C: a2 UID FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"
#define BODY                                                                                       \
    "s: * 1 FETCH (UID 1 FLAGS () INTERNALDATE \" 1-Jan-1970 00:00:10 +0000\" RFC822.SIZE 9 "      \
    "BODY[] {9}\r\nabc"

/* What is done once the connection is open; a failure of it is the test's. */
typedef gboolean (*Act)(ImsConn *conn, GError **error);

typedef struct {
    const char *name;
    ImsEndpointType type;
    Act act; /* NULL: it does not come to it */
    guint limit_s;
    gboolean talks; /* it says that it is still there, and no more */
    const char *lines[12];
} Case;

#define TALK_S 10

static gboolean
select_inbox(ImsConn *conn, GError **error)
{
    g_autoptr(ImsCmd) cmd = ims_conn_select(conn, "INBOX", NULL, error);

    return cmd != NULL && ims_conn_wait(conn, cmd, error);
}

static gboolean
fetch_body(ImsConn *conn, GError **error)
{
    g_autoptr(ImsUidSet) uids = ims_uidset_new();
    g_autoptr(ImsCmd) cmd = NULL;
    g_auto(ImsMessage) message = {0};
    const guint8 *data;
    gboolean more;
    guint64 size;
    gsize len;

    ims_uidset_add_range(uids, 1, 1);
    cmd = ims_conn_fetch_bodies(conn, uids, error);
    if (cmd == NULL || !ims_conn_next_body(conn, cmd, &message, &size, &more, error))
        return FALSE;
    do {
        if (!ims_conn_read_body(conn, &data, &len, error))
            return FALSE;
    } while (len > 0);
    return TRUE;
}

static gboolean
append(ImsConn *conn, GError **error)
{
    g_autoptr(ImsCmd) cmd = ims_conn_append_begin(conn, "INBOX", error);
    const ImsFlags none = {0};
    gboolean refused;

    return cmd != NULL && ims_conn_append_message(conn, cmd, &none, 10, 3, &refused, error);
}

static gboolean
fill_the_window(ImsConn *conn, GError **error)
{
    for (guint i = 0; i < 65; i++) {
        g_autoptr(ImsCmd) cmd = ims_conn_create(conn, "x", error);

        if (cmd == NULL)
            return FALSE;
    }
    return TRUE;
}

#define TLS      IMS_ENDPOINT_TLS
#define STARTTLS IMS_ENDPOINT_STARTTLS
#define COMMAND  IMS_ENDPOINT_COMMAND

static const Case cases[] = {
    {"greeting", TLS, NULL, 30, FALSE, {NULL}},
    {"capability", TLS, NULL, 30, FALSE, {"S: * OK hello", "C: a1 CAPABILITY"}},
    {"starttls", STARTTLS, NULL, 30, FALSE, {GREETING, "C: a1 STARTTLS"}},
    {"login", TLS, NULL, 30, FALSE, {GREETING, LOGIN}},
    {"login-that-talks", TLS, NULL, 30, TRUE, {GREETING, LOGIN}},
    {"enable", TLS, NULL, 30, FALSE, {GREETING, LOGIN, "S: a1 OK " CAPABILITIES " in"}},
    {"select", COMMAND, select_inbox, 120, FALSE, {SCRIPT_OPEN, SELECT, "S: * 1 EXISTS"}},
    {"select-that-talks", COMMAND, select_inbox, 600, TRUE, {SCRIPT_OPEN, SELECT}},
    {"fetch", COMMAND, fetch_body, 60, FALSE, {SCRIPT_OPEN, FETCH}},
    {"fetch-that-talks", COMMAND, fetch_body, 600, TRUE, {SCRIPT_OPEN, FETCH}},
    {"literal", COMMAND, fetch_body, 60, FALSE, {SCRIPT_OPEN, FETCH, BODY}},
    {"append", COMMAND, append, 120, FALSE, {SCRIPT_OPEN_PLAIN, APPEND}},
    {"append-that-talks", COMMAND, append, 600, TRUE, {SCRIPT_OPEN_PLAIN, APPEND}},
    {"window", COMMAND, fill_the_window, 120, FALSE, {SCRIPT_OPEN, NULL}},
    {"window-that-talks", COMMAND, fill_the_window, 600, TRUE, {SCRIPT_OPEN, NULL}},
};

/* Returns: (transfer full) (element-type utf8): the script of @c, with @pass_s of its silence. */
static GPtrArray *
write_script(const Case *c, guint pass_s)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    guint step_s = c->talks ? TALK_S : pass_s;

    for (guint i = 0; c->lines[i] != NULL; i++)
        g_ptr_array_add(lines, g_strdup(c->lines[i]));
    for (guint i = 0; c->act == fill_the_window && i < 64; i++)
        g_ptr_array_add(lines, g_strdup_printf("C: a%u CREATE \"x\"", i + 2));
    for (guint past_s = 0; past_s < pass_s; past_s += step_s) {
        if (c->talks)
            g_ptr_array_add(lines, g_strdup("S: * OK Still here"));
        g_ptr_array_add(lines, g_strdup_printf("W: %u", MIN(step_s, pass_s - past_s)));
    }
    return lines;
}

/* Plays @lines; returns what ended it. */
static GError *
play(const Case *c, GPtrArray *lines)
{
    g_autoptr(ImsEndpoint) endpoint = ims_endpoint_new(c->type);
    g_autoptr(ImsConn) conn = NULL;
    GError *error = NULL;

    g_ptr_array_add(lines, NULL);
    endpoint->host = g_strdup("mail.example.net");
    endpoint->username = g_strdup("me");
    endpoint->password = g_strdup("secret");
    script_begin((const char *const *)lines->pdata, 0);
    conn = script_connect(endpoint, &error);
    g_assert_true((conn != NULL) == (c->act != NULL));
    if (conn != NULL)
        g_assert_false(c->act(conn, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_clear_pointer(&conn, ims_conn_free);
    script_end();
    return error;
}

static gboolean
is_late(const GError *error)
{
    return strstr(error->message, "in time") != NULL || strstr(error->message, "silent") != NULL;
}

static void
test_case(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(GPtrArray) before = write_script(c, c->limit_s - 1);
    g_autoptr(GPtrArray) at = write_script(c, c->limit_s);
    g_autoptr(GError) closed = NULL;
    g_autoptr(GError) late = NULL;

    g_ptr_array_add(before, g_strdup("X: "));
    closed = play(c, before);
    g_assert_false(is_late(closed));
    late = play(c, at);
    g_assert_true(is_late(late));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/imap/silence/", cases[i].name, NULL);

        g_test_add_data_func(path, &cases[i], test_case);
    }
    return g_test_run();
}
