/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Servers that take their time: as long as each octet comes before anybody calls it late, but not
 * for ever. The clock is the script's. */
#include <string.h>

#include "script.h"
#include "util/error.h"

#define LIST                                                                                       \
    "LIST \"\" \"*\" RETURN (SUBSCRIBED STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))"
#define FETCH "UID FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"
#define BODY                                                                                       \
    "S: * 1 FETCH (UID 1 FLAGS () INTERNALDATE \" 1-Jan-2020 00:00:00 +0000\" RFC822.SIZE 99 "     \
    "BODY[] {99}"
#define STILL_HERE     "W: 99", "S: * OK Still here"
#define THINKING       STILL_HERE, STILL_HERE, STILL_HERE, STILL_HERE, STILL_HERE, "W: 99"
#define DRIP(text)     text, "W: 50"
#define DRIPS(text)    DRIP(text), DRIP(text), DRIP(text), DRIP(text), DRIP(text), DRIP(text)
#define DRIPPING(text) DRIPS(text), DRIPS(text)

/* -- opening -- */

static void
test_login(gconstpointer lines)
{
    g_autoptr(ImsEndpoint) endpoint = ims_endpoint_new(IMS_ENDPOINT_TLS);
    g_autoptr(GError) error = NULL;

    endpoint->username = g_strdup("me");
    endpoint->password = g_strdup("secret");
    script_begin(lines, 0);
    g_assert_null(script_connect(endpoint, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    script_end();
}

static const char *const slow_greeting[] = {
    "s: * OK h", "W: 10", "s: e", "W: 10", "s: l", "W: 11", NULL};
static const char *const slow_greetings[] = {
    "S: * NO a", "W: 10", "S: * NO b", "W: 10", "S: * NO c", "W: 11", NULL};
static const char *const slow_reply[] = {
    "S: * OK [CAPABILITY IMAP4rev1] hello",
    "C: a1 LOGIN \"me\" \"secret\"",
    "s: a1 OK w",
    "W: 20",
    "s: elcome",
    "W: 11",
    NULL};

/* -- a listing -- */

typedef struct {
    const char *name;
    gboolean ends; /* in an error */
    const char *lines[40];
} ListCase;

static char padding[64 * 1024];

static const ListCase list_cases[] = {
    {"still-here-is-no-news",
     TRUE,
     {SCRIPT_OPEN_PLAIN, "C: a2 " LIST, THINKING, "S: * OK So am I", "W: 11"}},
    {"mailbox-by-mailbox",
     TRUE,
     {SCRIPT_OPEN_PLAIN,
      "C: a2 " LIST,
      DRIP("S: * STATUS a (MESSAGES 1)"),
      DRIP("S: * STATUS b (MESSAGES 1)"),
      DRIPS("S: * LIST () \"/\" c"),
      DRIP("S: * LIST () \"/\" d"),
      DRIP("S: * LIST () \"/\" d"),
      DRIP("S: * LIST () \"/\" d"),
      DRIP("S: * LIST () \"/\" d"),
      DRIP("S: * LIST () \"/\" d")}},
    {"octet-by-octet", TRUE, {SCRIPT_OPEN_PLAIN, "C: a2 " LIST, "s: * OK ", DRIPPING("s: x")}},
    {"slow-but-large",
     FALSE,
     {SCRIPT_OPEN_PLAIN,
      "C: a2 " LIST,
      THINKING,
      padding,
      "S: * LIST () \"/\" a",
      THINKING,
      "S: a2 OK done"}},
};

static void
test_list(gconstpointer data)
{
    const ListCase *c = data;
    g_autoptr(ImsConn) conn = NULL;
    g_autoptr(ImsCmd) cmd = NULL;
    g_autoptr(GError) error = NULL;

    script_begin(c->lines, 0);
    conn = script_open();
    cmd = ims_conn_list(conn, NULL);
    g_assert_true(ims_conn_wait(conn, cmd, &error) == !c->ends);
    if (c->ends)
        g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_clear_pointer(&conn, ims_conn_free);
    script_end();
}

/* Each reply is worth the time for another. */
static void
test_replies(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN_PLAIN,
        "C: a2 CREATE \"a\"",
        "C: a3 CREATE \"b\"",
        THINKING,
        "S: a2 OK done",
        THINKING,
        "S: a3 OK done",
        NULL};
    g_autoptr(ImsConn) conn = NULL;
    g_autoptr(ImsCmd) first = NULL;
    g_autoptr(ImsCmd) second = NULL;
    g_autoptr(GError) error = NULL;

    script_begin(lines, 0);
    conn = script_open();
    first = ims_conn_create(conn, "a", NULL);
    second = ims_conn_create(conn, "b", NULL);
    g_assert_true(ims_conn_wait(conn, second, &error));
    g_assert_no_error(error);
    g_clear_pointer(&conn, ims_conn_free);
    script_end();
}

/* -- bodies -- */

static void
test_body(gconstpointer lines)
{
    g_autoptr(ImsUidSet) uids = ims_uidset_new();
    g_autoptr(ImsConn) conn = NULL;
    g_autoptr(ImsCmd) cmd = NULL;
    g_autoptr(GError) error = NULL;
    g_auto(ImsMessage) message = {0};
    gboolean more = FALSE;
    guint64 size = 0;
    gsize len = 1;

    ims_uidset_add(uids, 1);
    script_begin(lines, 0);
    conn = script_open();
    cmd = ims_conn_fetch_bodies(conn, uids, NULL);
    if (ims_conn_next_body(conn, cmd, &message, &size, &more, &error)) {
        const guint8 *octets;

        g_assert_true(more);
        while (ims_conn_read_body(conn, &octets, &len, &error))
            g_assert_cmpuint(len, >, 0);
    }
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_clear_pointer(&conn, ims_conn_free);
    script_end();
}

static const char *const slow_body[] = {
    SCRIPT_OPEN_PLAIN, "C: a2 " FETCH, BODY, DRIPPING("s: x"), "W: 5", NULL};
static const char *const no_body[] = {
    SCRIPT_OPEN_PLAIN, "C: a2 " FETCH, DRIPPING("S: * 1 FETCH (UID 1)"), NULL};

/* -- going up -- */

static void
test_append(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN_PLAIN,
        "C: a2 APPEND \"A\" () \" 1-Jan-2020 00:00:00 +0000\" {3}",
        DRIPPING("S: * OK wait"),
        NULL};
    const ImsFlags none = {0};
    g_autoptr(ImsConn) conn = NULL;
    g_autoptr(ImsCmd) cmd = NULL;
    g_autoptr(GError) error = NULL;
    gboolean refused;

    script_begin(lines, 0);
    conn = script_open();
    cmd = ims_conn_append_begin(conn, "A", NULL);
    g_assert_false(ims_conn_append_message(conn, cmd, &none, 1577836800, 3, &refused, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_clear_pointer(&conn, ims_conn_free);
    script_end();
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    memset(padding, 'x', sizeof padding - 1);
    memcpy(padding, "S: * OK ", strlen("S: * OK "));
    g_test_add_data_func("/imap/pace/greeting-octet-by-octet", slow_greeting, test_login);
    g_test_add_data_func("/imap/pace/greeting-that-is-none", slow_greetings, test_login);
    g_test_add_data_func("/imap/pace/reply-to-the-login", slow_reply, test_login);
    for (gsize i = 0; i < G_N_ELEMENTS(list_cases); i++) {
        g_autofree char *path = g_strdup_printf("/imap/pace/list/%s", list_cases[i].name);

        g_test_add_data_func(path, &list_cases[i], test_list);
    }
    g_test_add_func("/imap/pace/reply-by-reply", test_replies);
    g_test_add_data_func("/imap/pace/body-octet-by-octet", slow_body, test_body);
    g_test_add_data_func("/imap/pace/body-that-never-comes", no_body, test_body);
    g_test_add_func("/imap/pace/append-that-never-goes-on", test_append);
    return g_test_run();
}
