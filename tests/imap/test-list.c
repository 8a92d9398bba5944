/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The tree of mailboxes as LIST and STATUS tell it. */
#include "script.h"
#include "util/error.h"

#define LIST_STATUS "STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))"

static const ImsListing *
get_listing(const ImsCmd *cmd, guint i)
{
    g_assert_cmpuint(i, <, ims_cmd_listings(cmd)->len);
    return g_ptr_array_index(ims_cmd_listings(cmd), i);
}

static void
run_list(gconstpointer data)
{
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsCmd) cmd = ims_conn_list(conn, &error);

    g_assert_cmpint(ims_cmd_reply(cmd), ==, IMS_REPLY_PENDING);
    g_assert_true(ims_conn_wait(conn, cmd, &error));
    g_assert_cmpint(ims_cmd_reply(cmd), ==, IMS_REPLY_OK);
    g_assert_cmpuint(ims_cmd_listings(cmd)->len, ==, 4);

    g_assert_cmpstr(get_listing(cmd, 0)->name, ==, "INBOX");
    g_assert_cmpint(get_listing(cmd, 0)->delimiter, ==, '/');
    g_assert_cmphex(get_listing(cmd, 0)->attributes, ==, IMS_LIST_SUBSCRIBED);
    g_assert_cmpuint(get_listing(cmd, 0)->point.uidvalidity, ==, 7);
    g_assert_cmpuint(get_listing(cmd, 0)->point.uidnext, ==, 12);
    g_assert_cmpuint(get_listing(cmd, 0)->point.messages, ==, 3);
    g_assert_cmpuint(get_listing(cmd, 0)->point.modseq, ==, 99);

    g_assert_cmpstr(get_listing(cmd, 1)->name, ==, "Gesendet/\xc3\xa4lter");
    g_assert_cmpstr(get_listing(cmd, 1)->role, ==, "sent");
    g_assert_cmphex(get_listing(cmd, 1)->have, ==, 0);

    g_assert_cmphex(get_listing(cmd, 2)->attributes & IMS_LIST_NOSELECT, !=, 0);
    g_assert_cmpstr(get_listing(cmd, 2)->role, ==, "");

    g_assert_cmpstr(get_listing(cmd, 3)->name, ==, "early");
    g_assert_cmphex(get_listing(cmd, 3)->have, ==, IMS_STATUS_MESSAGES);
    g_assert_cmpuint(get_listing(cmd, 3)->point.messages, ==, 4);
}

static void
test_list(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        "C: a2 LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE " LIST_STATUS,
        "S: * LIST (\\Subscribed) \"/\" INBOX",
        "S: * STATUS inbox (MESSAGES 3 UIDNEXT 12 UIDVALIDITY 7 HIGHESTMODSEQ 99)",
        "S: * STATUS early (MESSAGES 4)",
        "S: * STATUS never-listed (MESSAGES 5)",
        "S: * LIST (\\Sent) \"/\" \"Gesendet/&AOQ-lter\"",
        "S: * LIST (\\NoSelect) \"/\" Gesendet",
        "S: * NO Mailbox doesn't exist: Gesendet",
        "S: * LIST () NIL {5}",
        "S: early",
        "S: * LIST () NIL early",
        "S: a2 OK done",
        NULL};

    script_each(lines, run_list, NULL);
}

static void
test_without_special_use(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN_PLAIN,
        "C: a2 LIST \"\" \"*\" RETURN (SUBSCRIBED " LIST_STATUS,
        "S: a2 OK done",
        NULL};
    g_autoptr(ImsConn) conn = NULL;
    g_autoptr(ImsCmd) cmd = NULL;

    script_begin(lines, 0);
    conn = script_open();
    cmd = ims_conn_list(conn, NULL);
    g_assert_true(ims_conn_wait(conn, cmd, NULL));
    g_clear_pointer(&conn, ims_conn_free);
    script_end();
}

/* Such a name is opened as the server wrote it, if that can be sent. */
static void
run_bad_names(gconstpointer data)
{
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) list = ims_conn_list(conn, NULL);
    g_autoptr(ImsCmd) select = NULL;
    g_autoptr(ImsCmd) refused = NULL;
    const ImsListing *listing;

    g_assert_true(ims_conn_wait(conn, list, NULL));
    g_assert_cmpuint(ims_cmd_listings(list)->len, ==, 3);
    g_assert_cmpstr(get_listing(list, 2)->name, ==, "good");
    g_assert_null(get_listing(list, 2)->wire);
    listing = get_listing(list, 0);
    g_assert_cmpstr(listing->name, ==, "bad&name\xef\xbf\xbd");
    g_assert_cmpuint(listing->point.messages, ==, 3);
    select = ims_conn_select_listed(conn, listing->name, listing->wire, NULL);
    g_assert_true(ims_conn_wait(conn, select, NULL));
    g_assert_cmpint(ims_cmd_reply(select), ==, IMS_REPLY_OK);
    listing = get_listing(list, 1);
    g_assert_cmpstr(listing->name, ==, "b\\xe4d\xef\xbf\xbd");
    refused = ims_conn_select_listed(conn, listing->name, listing->wire, NULL);
    g_assert_cmpint(ims_cmd_reply(refused), ==, IMS_REPLY_NO);
}

static void
test_bad_names(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        "C: a2 LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE " LIST_STATUS,
        "S: * LIST () \"/\" \"bad&name\"",
        "S: * LIST () \"/\" \"b\xe4"
        "d\"",
        "S: * STATUS \"bad&name\" (MESSAGES 3)",
        "S: * LIST () \"/\" good",
        "S: a2 OK done",
        "C: a3 SELECT \"bad&name\"",
        "S: a3 OK done",
        NULL};

    script_each(lines, run_bad_names, NULL);
}

static void
run_names(gconstpointer data)
{
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) create = ims_conn_create(conn, "\xc3\xa4/\"b\"", NULL);
    g_autoptr(ImsCmd) subscribe = ims_conn_subscribe(conn, "Sent", TRUE, NULL);

    g_assert_true(ims_conn_wait(conn, subscribe, NULL));
    g_assert_true(ims_conn_wait(conn, create, NULL));
    g_assert_cmpint(ims_cmd_reply(create), ==, IMS_REPLY_NO);
    g_assert_cmpstr(ims_cmd_text(create), ==, "[ALREADYEXISTS] it?is there");
    g_assert_cmpstr(ims_cmd_code(create)->name, ==, "ALREADYEXISTS");
    g_assert_cmpint(ims_cmd_code(create)->type, ==, IMS_CODE_OTHER);
    g_assert_cmpint(ims_cmd_reply(subscribe), ==, IMS_REPLY_OK);
    g_assert_cmpint(ims_cmd_code(subscribe)->type, ==, IMS_CODE_NONE);
    g_assert_cmpstr(ims_cmd_text(subscribe), ==, "done");
}

static void
test_names(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        "C: a2 CREATE \"&AOQ-/\\\"b\\\"\"",
        "C: a3 SUBSCRIBE \"Sent\"",
        "S: a2 NO [ALREADYEXISTS] it\tis there",
        "S: a3 OK done",
        NULL};

    script_each(lines, run_names, NULL);
}

static void
test_unsendable_name(void)
{
    static const char *const lines[] = {SCRIPT_OPEN, NULL};
    g_autoptr(ImsConn) conn = NULL;
    g_autoptr(ImsCmd) cmd = NULL;

    script_begin(lines, 0);
    conn = script_open();
    cmd = ims_conn_create(conn, "a\r\nb", NULL);
    g_assert_true(ims_conn_wait(conn, cmd, NULL));
    g_assert_cmpint(ims_cmd_reply(cmd), ==, IMS_REPLY_NO);
    g_clear_pointer(&conn, ims_conn_free);
    script_end();
}

static void
run_namespace(gconstpointer data)
{
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) spaces = ims_conn_namespace(conn, NULL);
    g_autoptr(ImsCmd) list = ims_conn_list(conn, NULL);
    const ImsSpace *first;

    g_assert_true(ims_conn_wait(conn, spaces, NULL));
    g_assert_true(ims_conn_wait(conn, list, NULL));
    g_assert_cmpuint(ims_cmd_spaces(spaces)->len, ==, 2);
    g_assert_cmpuint(ims_cmd_listings(list)->len, ==, 1);
    first = g_ptr_array_index(ims_cmd_spaces(spaces), 0);
    g_assert_cmpint(first->kind, ==, IMS_SPACE_PERSONAL);
    g_assert_cmpstr(first->prefix, ==, "INBOX.");
    g_assert_cmpint(first->delimiter, ==, '.');
}

static void
test_namespace(void)
{
    static const char *const lines[] = {
        "S: * PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ ENABLE NAMESPACE UIDPLUS LIST-EXTENDED "
        "LIST-STATUS QRESYNC] ready",
        "C: a1 ENABLE QRESYNC",
        "S: * ENABLED QRESYNC",
        "S: a1 OK done",
        "C: a2 NAMESPACE",
        "C: a3 LIST \"\" \"*\" RETURN (SUBSCRIBED " LIST_STATUS,
        "S: * NAMESPACE ((\"INBOX.\" \".\")) NIL ((\"Public.\" \".\"))",
        "S: a2 OK done",
        "S: * LIST () \".\" INBOX",
        "S: a3 OK done",
        NULL};

    script_each(lines, run_namespace, NULL);
}

static void
test_without_namespace(void)
{
    static const char *const lines[] = {SCRIPT_OPEN_PLAIN, NULL};
    g_autoptr(ImsConn) conn = NULL;
    g_autoptr(ImsCmd) cmd = NULL;

    script_begin(lines, 0);
    conn = script_open();
    cmd = ims_conn_namespace(conn, NULL);
    g_assert_cmpint(ims_cmd_reply(cmd), ==, IMS_REPLY_OK);
    g_assert_cmpuint(ims_cmd_spaces(cmd)->len, ==, 0);
    g_clear_pointer(&conn, ims_conn_free);
    script_end();
}

static void
run_status(gconstpointer data)
{
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) gone = ims_conn_status(conn, "D", NULL);
    g_autoptr(ImsCmd) there = ims_conn_status(conn, "D/E", NULL);
    g_autoptr(ImsCmd) list = ims_conn_list(conn, NULL);

    g_assert_true(ims_conn_wait(conn, list, NULL));
    g_assert_cmpint(ims_cmd_reply(gone), ==, IMS_REPLY_NO);
    g_assert_cmpstr(ims_cmd_text(gone), ==, "Mailbox doesn't exist: D");
    g_assert_cmpint(ims_cmd_reply(there), ==, IMS_REPLY_OK);
    g_assert_cmpuint(ims_cmd_listings(list)->len, ==, 2);
    g_assert_cmpuint(get_listing(list, 0)->have, ==, 0);
    g_assert_cmpuint(get_listing(list, 1)->have, ==, IMS_STATUS_UIDNEXT);
    g_assert_cmpuint(get_listing(list, 1)->point.uidnext, ==, 4);
}

static void
test_status(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        "C: a2 STATUS \"D\" (UIDNEXT)",
        "C: a3 STATUS \"D/E\" (UIDNEXT)",
        "C: a4 LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE " LIST_STATUS,
        "S: a2 NO Mailbox doesn't exist: D",
        "S: * STATUS \"D/E\" (UIDNEXT 4)",
        "S: a3 OK done",
        "S: * LIST () \"/\" D",
        "S: * NO Mailbox doesn't exist: D",
        "S: * LIST () \"/\" D/E",
        "S: a4 OK done",
        NULL};

    script_each(lines, run_status, NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/imap/list/status-is-merged-by-name", test_list);
    g_test_add_func("/imap/list/special-use-only-if-offered", test_without_special_use);
    g_test_add_func("/imap/list/names-are-encoded-and-a-no-is-a-reply", test_names);
    g_test_add_func("/imap/list/name-that-cannot-be-sent-is-a-no", test_unsendable_name);
    g_test_add_func("/imap/list/namespaces-ride-in-the-flight-of-the-list", test_namespace);
    g_test_add_func("/imap/list/no-namespaces-unless-offered", test_without_namespace);
    g_test_add_func("/imap/list/status-goes-to-the-list-behind-it", test_status);
    g_test_add_func("/imap/list/name-that-is-no-utf7-is-sent-as-it-came", test_bad_names);
    return g_test_run();
}
