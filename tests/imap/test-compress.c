/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* COMPRESS=DEFLATE: when it is asked for, and what is sent and heard in which form around its
 * answer, at every cut of what the server sends. */
#include <string.h>

#include "script.h"
#include "util/error.h"

#define ALL "IMAP4rev1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS"
#define OPEN(more)                                                                                 \
    "S: * PREAUTH [CAPABILITY " ALL more "] hello", "C: a1 ENABLE QRESYNC",                        \
        "S: * ENABLED QRESYNC", "S: a1 OK done"
#define OFFERED OPEN(" COMPRESS=DEFLATE")
#define LIST                                                                                       \
    "C: a2 LIST \"\" \"*\" RETURN (SUBSCRIBED STATUS (MESSAGES UIDNEXT UIDVALIDITY "               \
    "HIGHESTMODSEQ))"
#define LISTED    "S: * LIST () \"/\" INBOX", "S: a2 OK done"
#define ASK       "C: a3 COMPRESS DEFLATE"
#define CREATE(a) "C: " a " CREATE \"x\"", "S: " a " OK done"

#define NO_ERROR (-1)

typedef struct {
    const char *name;
    ImsCompress wanted;
    gint want; /* an ImsError, or NO_ERROR */
    const char *lines[20];
} Case;

static const Case cases[] = {
    {"is-asked-for-behind-the-list",
     IMS_COMPRESS_YES,
     NO_ERROR,
     {OFFERED, LIST, ASK, LISTED, "S: a3 OK now", "Z: ", CREATE("a4")}},
    {"begins-right-behind-the-ok",
     IMS_COMPRESS_YES,
     NO_ERROR,
     {OFFERED, LIST, ASK, LISTED, "S: a3 OK now", "Z: ", "S: * OK I am still here", CREATE("a4")}},
    {"its-answer-may-come-first",
     IMS_COMPRESS_YES,
     NO_ERROR,
     {OFFERED, LIST, ASK, "S: a3 OK now", "Z: ", LISTED, CREATE("a4")}},
    {"a-no-changes-nothing",
     IMS_COMPRESS_YES,
     NO_ERROR,
     {OFFERED, LIST, ASK, LISTED, "S: a3 NO [COMPRESSIONACTIVE] below", CREATE("a4")}},
    {"not-offered-is-not-asked-for",
     IMS_COMPRESS_YES,
     NO_ERROR,
     {OPEN(""), LIST, LISTED, CREATE("a3")}},
    {"not-wanted-is-not-asked-for",
     IMS_COMPRESS_NO,
     NO_ERROR,
     {OFFERED, LIST, LISTED, CREATE("a3")}},
    {"on-this-computer-only-if-wanted",
     IMS_COMPRESS_AUTO,
     NO_ERROR,
     {OFFERED, LIST, LISTED, CREATE("a3")}},
    {"a-bad-ends-the-connection",
     IMS_COMPRESS_YES,
     IMS_ERROR_PROTOCOL,
     {OFFERED, LIST, ASK, LISTED, "S: a3 BAD what"}},
};

static gboolean
list_and_create(ImsConn *conn, GError **error)
{
    g_autoptr(ImsCmd) list = ims_conn_list(conn, error);
    g_autoptr(ImsCmd) create = NULL;

    if (list == NULL || !ims_conn_compress(conn, error) || !ims_conn_compress(conn, error) ||
        !ims_conn_wait(conn, list, error))
        return FALSE;
    g_assert_cmpuint(ims_cmd_listings(list)->len, ==, 1);
    create = ims_conn_create(conn, "x", error);
    return create != NULL && ims_conn_wait(conn, create, error);
}

static void
play(gconstpointer data)
{
    const Case *c = data;
    g_autoptr(ImsEndpoint) endpoint = ims_endpoint_new(IMS_ENDPOINT_COMMAND);
    g_autoptr(ImsConn) conn = NULL;
    g_autoptr(GError) error = NULL;

    endpoint->compress = c->wanted;
    conn = script_connect(endpoint, &error);
    g_assert_no_error(error);
    g_assert_true(list_and_create(conn, &error) == (c->want == NO_ERROR));
    if (c->want != NO_ERROR)
        g_assert_error(error, IMS_ERROR, c->want);
}

static void
test_case(gconstpointer data)
{
    const Case *c = data;

    script_each(c->lines, play, c);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/imap/compress/", cases[i].name, NULL);

        g_test_add_data_func(path, &cases[i], test_case);
    }
    return g_test_run();
}
