/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* A whole session with any octets of a server: the first of them chooses how it is reached, the
 * others are what it says while one verb after the other is tried. Nothing crashes or waits for
 * ever, each error is one of those that conn.h names, and no secret goes out in the clear or stands
 * in what is shown. */
#include <string.h>

#include "fuzz.h"
#include "server.h"
#include "util/error.h"

#define PASSWORD "open sesame 42"
#define ENCODED  "AG1lAG9wZW4gc2VzYW1lIDQy" /* of PLAIN */
#define PART     "en sesame"

static const struct {
    ImsEndpointType type;
    ImsCompress compress;
    ImsAuth auth;
} ways[] = {
    {IMS_ENDPOINT_COMMAND, IMS_COMPRESS_NO, IMS_AUTH_LOGIN},
    {IMS_ENDPOINT_TLS, IMS_COMPRESS_NO, IMS_AUTH_LOGIN},
    {IMS_ENDPOINT_STARTTLS, IMS_COMPRESS_NO, IMS_AUTH_PLAIN},
    {IMS_ENDPOINT_TLS, IMS_COMPRESS_YES, IMS_AUTH_LOGIN},
};

/* By which a login goes ahead of the greeting; see ims_conn_open(). */
static const ImsOffers unknown;
static const ImsOffers known = {
    (char *)"IMAP4REV1 ENABLE LITERAL+ SASL-IR AUTH=PLAIN",
    (char *)"IMAP4REV1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS LITERAL+ NAMESPACE ID",
};

static void
check_shown(const char *text)
{
    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_null(strstr(text, PART));
    for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c))
        g_assert_false(g_unichar_iscntrl(g_utf8_get_char(c)));
}

static void
check_error(const GError *error)
{
    g_assert_true(error->domain == IMS_ERROR);
    g_assert_true(error->code != IMS_ERROR_CANCELLED && error->code != IMS_ERROR_STATE);
    check_shown(error->message);
}

/* Takes @cmd. Returns: (transfer full) (nullable): it, if it was answered. */
static ImsCmd *
wait_for(ImsConn *conn, ImsCmd *cmd)
{
    g_autoptr(ImsCmd) owned = cmd;
    g_autoptr(GError) error = NULL;

    if (cmd == NULL)
        return NULL;
    if (!ims_conn_wait(conn, cmd, &error)) {
        check_error(error);
        return NULL;
    }
    check_shown(ims_cmd_text(cmd));
    return g_steal_pointer(&owned);
}

static void
list_all(ImsConn *conn)
{
    g_autoptr(ImsCmd) list = ims_conn_list(conn, NULL);
    g_autoptr(ImsCmd) listed = NULL;

    ims_cmd_unref(wait_for(conn, ims_conn_namespace(conn, NULL)));
    listed = wait_for(conn, g_steal_pointer(&list));
    ims_conn_compress(conn, NULL);
    for (guint i = 0; listed != NULL && i < ims_cmd_listings(listed)->len; i++) {
        const ImsListing *listing = g_ptr_array_index(ims_cmd_listings(listed), i);

        g_assert_true(g_utf8_validate(listing->name, -1, NULL));
    }
}

static void
check_messages(const GArray *messages, guint32 first)
{
    guint32 before = 0;

    for (guint i = 0; i < messages->len; i++) {
        guint32 uid = g_array_index(messages, ImsMessage, i).uid;

        g_assert_cmpuint(uid, >, before);
        g_assert_cmpuint(uid, >=, first);
        before = uid;
    }
}

static void
open_mailbox(ImsConn *conn)
{
    const ImsPoint since = {.uidvalidity = 7, .uidnext = 3, .modseq = 5, .messages = 2};
    g_autoptr(ImsCmd) select = ims_conn_select(conn, "INBOX", &since, NULL);
    g_autoptr(ImsCmd) fetch = ims_conn_fetch_meta(conn, 3, NULL);
    g_autoptr(ImsCmd) selected = wait_for(conn, g_steal_pointer(&select));
    g_autoptr(ImsCmd) fetched = wait_for(conn, g_steal_pointer(&fetch));

    if (selected != NULL) {
        g_autoptr(ImsDelta) delta = ims_cmd_take_delta(selected);

        g_assert_cmpuint(delta->point.modseq, <=, G_MAXINT64);
        check_messages(delta->changed, 1);
    }
    if (fetched != NULL) {
        g_autoptr(GArray) messages = ims_cmd_take_messages(fetched);

        check_messages(messages, 3);
    }
}

/* Returns: whether there may be another. */
static gboolean
read_body(ImsConn *conn, ImsCmd *cmd, const ImsUidSet *uids)
{
    g_auto(ImsMessage) message = {0};
    g_autoptr(GError) error = NULL;
    guint64 size = 0, n = 0;
    gboolean more = FALSE;
    const guint8 *data;
    gsize len = 0;

    if (!ims_conn_next_body(conn, cmd, &message, &size, &more, &error)) {
        check_error(error);
        return FALSE;
    }
    if (!more)
        return FALSE;
    g_assert_true(ims_uidset_contains(uids, message.uid));
    do {
        if (!ims_conn_read_body(conn, &data, &len, &error)) {
            check_error(error);
            return FALSE;
        }
        n += len;
    } while (len > 0);
    g_assert_cmpuint(n, ==, size);
    return TRUE;
}

static void
read_bodies(ImsConn *conn, ImsUidSet *uids)
{
    g_autoptr(ImsCmd) cmd = ims_conn_fetch_bodies(conn, uids, NULL);
    guint n = 0;

    while (cmd != NULL && read_body(conn, cmd, uids))
        g_assert_cmpuint(++n, <=, ims_uidset_count(uids));
    ims_cmd_unref(wait_for(conn, g_steal_pointer(&cmd)));
}

static void
change(ImsConn *conn, ImsUidSet *uids)
{
    const ImsFlags seen = {.system = IMS_FLAG_SEEN};
    g_autoptr(ImsCmd) headers = ims_conn_fetch_headers(conn, uids, NULL);
    g_autoptr(ImsCmd) store = ims_conn_store(conn, uids, IMS_STORE_ADD, &seen, 5, NULL);
    g_autoptr(ImsCmd) search = ims_conn_search_uids(conn, uids, NULL);
    g_autoptr(ImsCmd) expunge = ims_conn_expunge(conn, uids, NULL);
    ImsCmd **all[] = {&headers, &store, &search, &expunge};

    for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
        ims_cmd_unref(wait_for(conn, g_steal_pointer(all[i])));
}

static void
append(ImsConn *conn)
{
    static const char body[] = "Subject: x\r\n\r\nx1 CREATE Injected\r\n";
    const ImsFlags seen = {.system = IMS_FLAG_SEEN};
    g_autoptr(ImsCmd) cmd = ims_conn_append_begin(conn, "Box", NULL);
    gboolean refused = FALSE;

    if (cmd == NULL ||
        !ims_conn_append_message(conn, cmd, &seen, 1577836800, strlen(body), &refused, NULL))
        return;
    if (!refused && (!ims_conn_append_write(conn, (const guint8 *)body, strlen(body), NULL) ||
                     !ims_conn_append_end(conn, cmd, NULL)))
        return;
    ims_cmd_unref(wait_for(conn, g_steal_pointer(&cmd)));
}

static void
talk(ImsConn *conn)
{
    g_autoptr(ImsUidSet) uids = ims_uidset_new();

    ims_uidset_add_range(uids, 1, 9);
    list_all(conn);
    ims_cmd_unref(wait_for(conn, ims_conn_create(conn, "Box", NULL)));
    open_mailbox(conn);
    read_bodies(conn, uids);
    change(conn, uids);
    append(conn);
    if (ims_conn_fault(conn) != NULL)
        check_error(ims_conn_fault(conn));
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
    g_autoptr(ImsEndpoint) endpoint = NULL;
    g_autoptr(ImsConn) conn = NULL;
    g_autoptr(GError) error = NULL;
    gboolean ahead;
    guint way;

    if (len == 0 || memmem(data, len, PART, strlen(PART)) != NULL)
        return 0; /* who knows it may say it before it was sent */
    way = data[0] % G_N_ELEMENTS(ways);
    ahead = data[0] >= 0x80;
    endpoint = ims_endpoint_new(ways[way].type);
    endpoint->compress = ways[way].compress;
    endpoint->auth = (ImsAuthList){{ways[way].auth}, 1};
    endpoint->username = g_strdup("me");
    endpoint->password = g_strdup(PASSWORD);
    server_begin(data + 1, len - 1);
    conn = server_connect(endpoint, ahead ? &known : &unknown, &error);
    if (conn != NULL)
        talk(conn);
    else
        check_error(error);
    g_clear_pointer(&conn, ims_conn_free);
    g_assert_null(strstr(server_in_the_clear()->str, PASSWORD));
    g_assert_null(strstr(server_in_the_clear()->str, ENCODED));
    server_end();
    return 0;
}
