/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* One mailbox: the deltas of SELECTs, the messages of FETCH lines, SEARCH, STORE and EXPUNGE. */
#include <string.h>

#include "imap/conn-private.h"
#include "model/fingerprint.h"
#include "script.h"
#include "util/error.h"

static void
assert_set(const ImsUidSet *set, guint n_ranges, guint32 first, guint32 last)
{
    g_assert_cmpuint(ims_uidset_n_ranges(set), ==, n_ranges);
    if (n_ranges == 0)
        return;
    g_assert_cmpuint(ims_uidset_range(set, 0)->first, ==, first);
    g_assert_cmpuint(ims_uidset_range(set, n_ranges - 1)->last, ==, last);
}

static const ImsMessage *
get_message(const GArray *messages, guint i)
{
    g_assert_cmpuint(i, <, messages->len);
    return &g_array_index(messages, ImsMessage, i);
}

static ImsUidSet *
make_set(guint32 first, guint32 last)
{
    ImsUidSet *set = ims_uidset_new();

    ims_uidset_add_range(set, first, last);
    return set;
}

static void
must_wait(ImsConn *conn, ImsCmd *cmd, ImsReply want)
{
    g_autoptr(GError) error = NULL;
    gboolean ok = ims_conn_wait(conn, cmd, &error);

    g_assert_no_error(error);
    g_assert_true(ok);
    g_assert_cmpint(ims_cmd_reply(cmd), ==, want);
}

/* -- SELECT -- */

static void
run_pipelined_selects(gconstpointer data)
{
    ImsPoint since = {.uidvalidity = 5, .uidnext = 7, .modseq = 20};
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) first = ims_conn_select(conn, "A", &since, NULL);
    g_autoptr(ImsCmd) second = ims_conn_select(conn, "B", NULL, NULL);
    g_autoptr(ImsDelta) a = NULL;
    g_autoptr(ImsDelta) b = NULL;

    must_wait(conn, second, IMS_REPLY_OK);
    must_wait(conn, first, IMS_REPLY_OK);
    a = ims_cmd_take_delta(first);
    b = ims_cmd_take_delta(second);

    g_assert_cmpuint(a->point.messages, ==, 5);
    g_assert_cmpuint(a->point.uidvalidity, ==, 5);
    g_assert_cmpuint(a->point.uidnext, ==, 9);
    g_assert_cmpuint(a->point.modseq, ==, 31);
    g_assert_cmpstr(a->id, ==, "abc");
    g_assert_false(a->read_only);
    g_assert_cmphex(a->permanent.system, ==, IMS_FLAG_SEEN | IMS_FLAG_DELETED);
    g_assert_true(a->any_keyword);
    assert_set(a->vanished, 2, 2, 4);
    g_assert_cmpuint(a->changed->len, ==, 2);
    g_assert_cmpuint(get_message(a->changed, 0)->uid, ==, 1);
    g_assert_cmphex(get_message(a->changed, 0)->flags.system, ==, IMS_FLAG_FLAGGED);
    g_assert_cmpuint(get_message(a->changed, 0)->modseq, ==, 30);
    g_assert_cmpuint(get_message(a->changed, 1)->uid, ==, 6);
    g_assert_cmpuint(a->fresh->len, ==, 0);

    g_assert_cmpuint(b->point.messages, ==, 1);
    g_assert_cmpuint(b->point.uidvalidity, ==, 6);
    g_assert_cmpuint(b->point.modseq, ==, 0);
    g_assert_null(b->id);
    g_assert_true(b->read_only);
    assert_set(b->vanished, 0, 0, 0);
    g_assert_cmpuint(b->changed->len, ==, 0);
}

static void
test_pipelined_selects(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        "C: a2 SELECT \"A\" (QRESYNC (5 20 1:6))",
        "C: a3 SELECT \"B\"",
        "S: * FLAGS (\\Seen \\Deleted work)",
        "S: * OK [PERMANENTFLAGS (\\Seen \\Deleted \\*)] limited",
        "S: * 5 EXISTS",
        "S: * OK [UIDVALIDITY 5] valid",
        "S: * OK [UIDNEXT 9] next",
        "S: * OK [HIGHESTMODSEQ 31] highest",
        "S: * OK [MAILBOXID (abc)] ok",
        "S: * VANISHED (EARLIER) 2,4",
        "S: * VANISHED 3",
        "S: * 3 FETCH (UID 6 FLAGS (\\Seen) MODSEQ (25))",
        "S: * 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (24))",
        "S: * 1 FETCH (FLAGS (\\Flagged) UID 1 MODSEQ (30))",
        "S: a2 OK [READ-WRITE] done",
        "S: * 4 EXISTS",
        "S: * 2 FETCH (UID 2 FLAGS () MODSEQ (32))",
        "S: * OK [CLOSED] closed",
        "S: * 1 EXISTS",
        "S: * OK [UIDVALIDITY 6] valid",
        "S: * OK [HIGHESTMODSEQ 8] highest",
        "S: * OK [NOMODSEQ] none",
        "S: a3 OK [READ-ONLY] done",
        NULL};

    script_each(lines, run_pipelined_selects, NULL);
}

typedef struct {
    const char *name;
    ImsPoint since;
} PlainCase;

static const PlainCase plain_cases[] = {
    {"without-a-modseq", {.uidvalidity = 5, .uidnext = 7, .modseq = 0}},
    {"without-known-uids", {.uidvalidity = 5, .uidnext = 1, .modseq = 4}},
    {"without-a-uidvalidity", {.uidvalidity = 0, .uidnext = 7, .modseq = 4}},
};

static void
run_plain(gconstpointer data)
{
    const PlainCase *c = data;
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_select(conn, "A", &c->since, NULL);
    g_autoptr(ImsDelta) delta = NULL;

    must_wait(conn, cmd, IMS_REPLY_OK);
    delta = ims_cmd_take_delta(cmd);
    /* No PERMANENTFLAGS: all are permanent (RFC 3501 section 7.1). */
    g_assert_cmphex(delta->permanent.system, ==, IMS_FLAG_ALL);
    g_assert_true(delta->any_keyword);
}

static void
test_plain(gconstpointer data)
{
    static const char *const lines[] = {
        SCRIPT_OPEN, "C: a2 SELECT \"A\"", "S: * FLAGS (\\Seen work)", "S: a2 OK done", NULL};

    script_begin(lines, 0);
    run_plain(data);
    script_end();
}

/* Behind a refused SELECT nothing is selected: a server may call what follows bad. */
static void
run_refused_select(gconstpointer data)
{
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) select = ims_conn_select(conn, "gone", NULL, NULL);
    g_autoptr(ImsCmd) fetch = ims_conn_fetch_meta(conn, 1, NULL);
    g_autoptr(ImsCmd) next = ims_conn_select(conn, "B", NULL, NULL);
    g_autoptr(ImsDelta) delta = NULL;

    must_wait(conn, select, IMS_REPLY_NO);
    g_assert_cmpstr(ims_cmd_text(select), ==, "[NONEXISTENT] no such mailbox");
    must_wait(conn, fetch, IMS_REPLY_NO);
    must_wait(conn, next, IMS_REPLY_OK);
    delta = ims_cmd_take_delta(select);
    g_assert_cmpuint(delta->point.messages, ==, 0);
}

static void
test_refused_select(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        "C: a2 SELECT \"gone\"",
        "C: a3 UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)",
        "C: a4 SELECT \"B\"",
        "S: * 7 EXISTS",
        "S: a2 NO [NONEXISTENT] no such mailbox",
        "S: a3 BAD No mailbox selected",
        "S: a4 OK done",
        NULL};

    script_each(lines, run_refused_select, NULL);
}

static void
run_bad_fetch(gconstpointer data)
{
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) select = ims_conn_select(conn, "A", NULL, NULL);
    g_autoptr(ImsCmd) fetch = ims_conn_fetch_meta(conn, 1, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_false(ims_conn_wait(conn, fetch, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
    g_assert_cmpint(ims_cmd_reply(fetch), ==, IMS_REPLY_PENDING);
}

static void
test_bad_fetch(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        "C: a2 SELECT \"A\"",
        "C: a3 UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)",
        "S: a2 OK done",
        "S: a3 BAD what",
        NULL};

    script_each(lines, run_bad_fetch, NULL);
}

/* -- FETCH -- */

static void
run_meta(gconstpointer data)
{
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) select = ims_conn_select(conn, "A", NULL, NULL);
    g_autoptr(ImsCmd) cmd = ims_conn_fetch_meta(conn, 7, NULL);
    g_autoptr(GArray) messages = NULL;
    guint all = IMS_HAVE_FLAGS | IMS_HAVE_SIZE | IMS_HAVE_DATE;

    must_wait(conn, cmd, IMS_REPLY_OK);
    messages = ims_cmd_take_messages(cmd);
    g_assert_cmpuint(messages->len, ==, 2);
    g_assert_cmpuint(get_message(messages, 0)->uid, ==, 7);
    g_assert_cmphex(get_message(messages, 0)->have & all, ==, all);
    g_assert_cmpuint(get_message(messages, 0)->size, ==, 120);
    g_assert_cmpint(get_message(messages, 0)->date, ==, 86400);
    g_assert_cmphex(get_message(messages, 0)->flags.system, ==, IMS_FLAG_SEEN);
    g_assert_cmpuint(get_message(messages, 0)->modseq, ==, 9);
    g_assert_cmpuint(get_message(messages, 1)->uid, ==, 8);
    g_assert_cmphex(get_message(messages, 1)->have & all, ==, all);
    g_assert_true(ims_flags_has_keyword(&get_message(messages, 1)->flags, "work"));
}

static void
test_meta(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        "C: a2 SELECT \"A\"",
        "C: a3 UID FETCH 7:* (UID FLAGS INTERNALDATE RFC822.SIZE)",
        "S: a2 OK done",
        "S: * 2 FETCH (UID 8 FLAGS (work) INTERNALDATE \"01-Jan-1970 00:00:00 +0000\" "
        "RFC822.SIZE 5)",
        "S: * 1 FETCH (UID 7 FLAGS () INTERNALDATE \" 2-Jan-1970 02:00:00 +0200\" "
        "RFC822.SIZE 120)",
        "S: * 1 FETCH (UID 7 FLAGS (\\Seen) MODSEQ (9))",
        "S: * 3 FETCH (FLAGS (\\Seen))",
        "S: * 1 FETCH (UID 6 FLAGS (\\Seen))",
        "S: * 4 EXISTS",
        "S: a3 OK done",
        NULL};

    script_each(lines, run_meta, NULL);
}

static void
run_headers(gconstpointer data)
{
    static const char header[] = "Subject: hello\r\nFrom: me@example.net\r\n\r\n";
    g_autoptr(ImsFingerprint) fingerprint = ims_fingerprint_new();
    g_autoptr(ImsUidSet) uids = make_set(3, 5);
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_fetch_headers(conn, uids, NULL);
    g_autoptr(GArray) messages = NULL;
    guint64 want;

    ims_fingerprint_feed(fingerprint, (const guint8 *)header, strlen(header));
    want = ims_fingerprint_end(fingerprint);

    must_wait(conn, cmd, IMS_REPLY_OK);
    messages = ims_cmd_take_messages(cmd);
    g_assert_cmpuint(messages->len, ==, 3);
    g_assert_cmphex(get_message(messages, 0)->have & IMS_HAVE_FINGERPRINT, !=, 0);
    g_assert_cmphex(get_message(messages, 0)->fingerprint, ==, want);
    g_assert_cmphex(get_message(messages, 1)->have & IMS_HAVE_FINGERPRINT, ==, 0);
    g_assert_cmpuint(get_message(messages, 2)->uid, ==, 5);
    g_assert_cmphex(get_message(messages, 2)->fingerprint, ==, want);
}

static void
test_headers(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        "C: a2 UID FETCH 3:5 (UID BODY.PEEK[HEADER.FIELDS (FROM TO DATE SUBJECT MESSAGE-ID)])",
        "S: * 1 FETCH (UID 3 BODY[HEADER.FIELDS (FROM TO DATE SUBJECT MESSAGE-ID)] {40}",
        "S: Subject: hello",
        "S: From: me@example.net",
        "S: ",
        "S: )",
        "S: * 2 FETCH (UID 4 BODY[HEADER.FIELDS (FROM TO DATE SUBJECT MESSAGE-ID)] NIL)",
        "S: * 3 FETCH (BODY[HEADER.FIELDS (FROM TO DATE SUBJECT MESSAGE-ID)] {40}",
        "S: Subject: hello",
        "S: From: me@example.net",
        "S: ",
        "S:  UID 5)",
        "S: a2 OK done",
        NULL};

    script_each(lines, run_headers, NULL);
}

/* Dovecot holds tagged replies back: data of later commands comes before the replies to earlier
 * ones. */
static void
run_late_replies(gconstpointer data)
{
    g_autoptr(ImsUidSet) uids = make_set(7, 7);
    g_auto(ImsFlags) flags = {.system = IMS_FLAG_SEEN};
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) meta = ims_conn_fetch_meta(conn, 7, NULL);
    g_autoptr(ImsCmd) headers = ims_conn_fetch_headers(conn, uids, NULL);
    g_autoptr(ImsCmd) store = ims_conn_store(conn, uids, IMS_STORE_ADD, &flags, 0, NULL);
    g_autoptr(ImsCmd) select = ims_conn_select(conn, "B", NULL, NULL);
    g_autoptr(ImsCmd) other = ims_conn_fetch_meta(conn, 1, NULL);
    g_autoptr(GArray) of_meta = NULL;
    g_autoptr(GArray) of_headers = NULL;
    g_autoptr(GArray) of_store = NULL;
    g_autoptr(GArray) of_other = NULL;
    g_autoptr(ImsDelta) delta = NULL;

    must_wait(conn, other, IMS_REPLY_OK);
    of_meta = ims_cmd_take_messages(meta);
    g_assert_cmpuint(of_meta->len, ==, 2);
    g_assert_cmpuint(get_message(of_meta, 0)->size, ==, 5);
    g_assert_cmphex(get_message(of_meta, 0)->flags.system, ==, IMS_FLAG_SEEN);
    g_assert_cmphex(get_message(of_meta, 0)->have & IMS_HAVE_FINGERPRINT, ==, 0);
    of_headers = ims_cmd_take_messages(headers);
    g_assert_cmpuint(of_headers->len, ==, 1);
    g_assert_cmphex(get_message(of_headers, 0)->have & IMS_HAVE_FINGERPRINT, !=, 0);
    of_store = ims_cmd_take_messages(store);
    g_assert_cmpuint(of_store->len, ==, 1);
    g_assert_cmpuint(get_message(of_store, 0)->uid, ==, 7);
    g_assert_cmpuint(get_message(of_store, 0)->modseq, ==, 9);
    delta = ims_cmd_take_delta(select);
    g_assert_cmpuint(delta->changed->len, ==, 0);
    of_other = ims_cmd_take_messages(other);
    g_assert_cmpuint(of_other->len, ==, 1);
    g_assert_cmpuint(get_message(of_other, 0)->uid, ==, 2);
}

static void
test_late_replies(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        "C: a2 UID FETCH 7:* (UID FLAGS INTERNALDATE RFC822.SIZE)",
        "C: a3 UID FETCH 7 (UID BODY.PEEK[HEADER.FIELDS (FROM TO DATE SUBJECT MESSAGE-ID)])",
        "C: a4 UID STORE 7 +FLAGS (\\Seen)",
        "C: a5 SELECT \"B\"",
        "C: a6 UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)",
        "S: * 1 FETCH (UID 7 FLAGS () RFC822.SIZE 5)",
        "S: * 2 FETCH (UID 8 FLAGS () RFC822.SIZE 6)",
        "S: * 1 FETCH (UID 7 BODY[HEADER.FIELDS (FROM TO DATE SUBJECT MESSAGE-ID)] {2}",
        "S: ",
        "S: )",
        "S: * 1 FETCH (UID 7 FLAGS (\\Seen) MODSEQ (9))",
        "S: a4 OK done",
        "S: a3 OK done",
        "S: a2 OK done",
        "S: * OK [CLOSED] closed",
        "S: a5 OK done",
        "S: * 1 FETCH (UID 2 FLAGS () RFC822.SIZE 6)",
        "S: a6 OK done",
        NULL};

    script_each(lines, run_late_replies, NULL);
}

static void
run_closed(gconstpointer data)
{
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) meta = ims_conn_fetch_meta(conn, 1, NULL);
    g_autoptr(ImsCmd) select = ims_conn_select(conn, "B", NULL, NULL);
    g_autoptr(GArray) messages = NULL;
    g_autoptr(ImsDelta) delta = NULL;

    must_wait(conn, meta, IMS_REPLY_OK);
    must_wait(conn, select, IMS_REPLY_OK);
    messages = ims_cmd_take_messages(meta);
    g_assert_cmpuint(messages->len, ==, 1);
    g_assert_cmpuint(get_message(messages, 0)->uid, ==, 7);
    delta = ims_cmd_take_delta(select);
    g_assert_cmpuint(delta->changed->len, ==, 1);
    g_assert_cmpuint(get_message(delta->changed, 0)->uid, ==, 9);
}

static void
test_closed(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        "C: a2 UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)",
        "C: a3 SELECT \"B\"",
        "S: * 1 FETCH (UID 7 FLAGS ())",
        "S: * OK [CLOSED] closed",
        "S: * 1 FETCH (UID 9 FLAGS ())",
        "S: a3 OK done",
        "S: a2 OK done",
        NULL};

    script_each(lines, run_closed, NULL);
}

/* -- SEARCH, STORE, EXPUNGE -- */

typedef struct {
    const char *name;
    const char *lines[12];
    guint n_ranges;
    guint32 first, last;
} SearchCase;

static const SearchCase search_cases[] = {
    {"esearch",
     {SCRIPT_OPEN,
      "C: a2 UID SEARCH RETURN (ALL) UID 1:9",
      "S: * ESEARCH (TAG \"a2\") UID ALL 2:3,9",
      "S: a2 OK done"},
     2,
     2,
     9},
    {"esearch-of-nothing",
     {SCRIPT_OPEN,
      "C: a2 UID SEARCH RETURN (ALL) UID 1:9",
      "S: * ESEARCH (TAG \"a2\") UID",
      "S: a2 OK done"},
     0,
     0,
     0},
    {"search",
     {SCRIPT_OPEN_PLAIN, "C: a2 UID SEARCH UID 1:9", "S: * SEARCH 9 2 3", "S: a2 OK done"},
     2,
     2,
     9},
    {"search-of-nothing",
     {SCRIPT_OPEN_PLAIN, "C: a2 UID SEARCH UID 1:9", "S: * SEARCH", "S: a2 OK done"},
     0,
     0,
     0},
};

static void
run_search(gconstpointer data)
{
    const SearchCase *c = data;
    g_autoptr(ImsUidSet) uids = make_set(1, 9);
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_search_uids(conn, uids, NULL);

    must_wait(conn, cmd, IMS_REPLY_OK);
    assert_set(ims_cmd_uids(cmd), c->n_ranges, c->first, c->last);
}

static void
test_search(gconstpointer data)
{
    const SearchCase *c = data;

    script_each(c->lines, run_search, c);
}

/* "None stand" must be said, never concluded from silence. */
static void
run_silent_search(gconstpointer data)
{
    g_autoptr(ImsUidSet) uids = make_set(1, 9);
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) cmd = ims_conn_search_uids(conn, uids, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_false(ims_conn_wait(conn, cmd, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
}

static void
test_silent_search(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        "C: a2 UID SEARCH RETURN (ALL) UID 1:9",
        "S: * ESEARCH (TAG \"a1\") UID ALL 1:9",
        "S: a2 OK done",
        NULL};

    script_each(lines, run_silent_search, NULL);
}

static void
run_two_searches(gconstpointer data)
{
    g_autoptr(ImsUidSet) uids = make_set(1, 9);
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) first = ims_conn_search_uids(conn, uids, NULL);
    g_autoptr(ImsCmd) second = ims_conn_search_uids(conn, uids, NULL);

    must_wait(conn, first, IMS_REPLY_OK);
    must_wait(conn, second, IMS_REPLY_OK);
    assert_set(ims_cmd_uids(first), 1, 4, 4);
    assert_set(ims_cmd_uids(second), 1, 5, 5);
}

static void
test_two_esearches(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        "C: a2 UID SEARCH RETURN (ALL) UID 1:9",
        "C: a3 UID SEARCH RETURN (ALL) UID 1:9",
        "S: * ESEARCH (TAG \"a3\") UID ALL 5",
        "S: * ESEARCH (TAG \"a2\") UID ALL 4",
        "S: a2 OK done",
        "S: a3 OK done",
        NULL};

    script_each(lines, run_two_searches, NULL);
}

static void
test_two_searches(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN_PLAIN,
        "C: a2 UID SEARCH UID 1:9",
        "S: * SEARCH 4",
        "S: a2 OK done",
        "C: a3 UID SEARCH UID 1:9",
        "S: * SEARCH 5",
        "S: a3 OK done",
        NULL};

    script_each(lines, run_two_searches, NULL);
}

static void
run_store(gconstpointer data)
{
    g_autoptr(ImsUidSet) uids = make_set(2, 4);
    g_auto(ImsFlags) flags = {.system = IMS_FLAG_SEEN};
    g_autoptr(ImsConn) conn = script_open();
    g_autoptr(ImsCmd) remove = NULL;
    g_autoptr(ImsCmd) add = NULL;
    g_autoptr(ImsCmd) expunge = NULL;
    g_autoptr(GArray) messages = NULL;

    remove = ims_conn_store(conn, uids, IMS_STORE_REMOVE, &flags, 12, NULL);
    ims_flags_add_keyword(&flags, "work");
    add = ims_conn_store(conn, uids, IMS_STORE_ADD, &flags, 0, NULL);
    expunge = ims_conn_expunge(conn, uids, NULL);

    must_wait(conn, remove, IMS_REPLY_OK);
    must_wait(conn, add, IMS_REPLY_OK);
    must_wait(conn, expunge, IMS_REPLY_NO);
    messages = ims_cmd_take_messages(remove);
    g_assert_cmpuint(messages->len, ==, 1);
    g_assert_cmpuint(get_message(messages, 0)->uid, ==, 2);
    g_assert_cmpuint(get_message(messages, 0)->modseq, ==, 13);
    assert_set(ims_cmd_uids(remove), 1, 3, 4);
    assert_set(ims_cmd_uids(add), 0, 0, 0);
}

static void
test_store(void)
{
    static const char *const lines[] = {
        SCRIPT_OPEN,
        "C: a2 UID STORE 2:4 (UNCHANGEDSINCE 12) -FLAGS (\\Seen)",
        "C: a3 UID STORE 2:4 +FLAGS (\\Seen work)",
        "C: a4 UID EXPUNGE 2:4",
        "S: * 2 FETCH (UID 2 MODSEQ (13) FLAGS (\\Seen))",
        "S: a2 OK [MODIFIED 3:4] some",
        "S: a3 OK done",
        "S: * VANISHED 2",
        "S: a4 NO [NOPERM] no rights",
        NULL};

    script_each(lines, run_store, NULL);
}

/* A set of 1,000 ranges is cut into commands below 8,000 octets; a NO to one of them stays. */
static void
test_long_set(void)
{
    static const char replies[] = "* OK hi\r\na1 NO not these\r\na2 OK these\r\n";
    g_autoptr(ImsUidSet) uids = ims_uidset_new();
    g_autoptr(ImsCmd) cmd = NULL;
    g_autofree char *sent = NULL;
    g_auto(GStrv) lines = NULL;
    ImsConn conn = {0};
    const guint8 *data;
    gsize len, used;

    for (guint32 uid = 4000000001; uid < 4000002001; uid += 2)
        ims_uidset_add(uids, uid);
    ims_session_init(&conn.session);
    cmd = ims_conn_expunge(&conn, uids, NULL);
    len = ims_session_client.output(&conn.session, &data);
    sent = g_strndup((const char *)data, len);
    lines = g_strsplit(sent, "\r\n", -1);

    g_assert_cmpuint(g_strv_length(lines), ==, 3);
    g_assert_cmpuint(strlen(lines[0]), <, 8000);
    g_assert_true(g_str_has_prefix(lines[0], "a1 UID EXPUNGE 4000000001,4000000003,"));
    g_assert_true(g_str_has_suffix(lines[1], ",4000001997,4000001999"));
    g_assert_cmpuint(
        strlen(lines[0]) + strlen(lines[1]), ==, 2 * strlen("a1 UID EXPUNGE ") + 10998);

    g_assert_true(ims_session_client.feed(
        &conn.session, (const guint8 *)replies, strlen(replies), &used, NULL));
    g_assert_cmpint(ims_cmd_reply(cmd), ==, IMS_REPLY_NO);
    g_assert_cmpstr(ims_cmd_text(cmd), ==, "not these");
    ims_session_clear(&conn.session);
}

static void
test_empty_set(void)
{
    static const char *const lines[] = {SCRIPT_OPEN, NULL};
    g_autoptr(ImsUidSet) none = ims_uidset_new();
    g_autoptr(ImsConn) conn = NULL;
    g_autoptr(ImsCmd) cmd = NULL;

    script_begin(lines, 0);
    conn = script_open();
    cmd = ims_conn_search_uids(conn, none, NULL);
    must_wait(conn, cmd, IMS_REPLY_OK);
    assert_set(ims_cmd_uids(cmd), 0, 0, 0);
    g_clear_pointer(&conn, ims_conn_free);
    script_end();
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/imap/select/pipelined-keep-their-deltas-apart", test_pipelined_selects);
    g_test_add_func("/imap/select/no-fails-the-mailbox-only", test_refused_select);
    g_test_add_func("/imap/select/bad-in-a-selected-mailbox-is-fatal", test_bad_fetch);
    for (gsize i = 0; i < G_N_ELEMENTS(plain_cases); i++) {
        g_autofree char *path = g_strconcat("/imap/select/plain/", plain_cases[i].name, NULL);

        g_test_add_data_func(path, &plain_cases[i], test_plain);
    }
    g_test_add_func("/imap/fetch/meta-is-merged-sorted-and-bounded-below", test_meta);
    g_test_add_func("/imap/fetch/headers-become-fingerprints", test_headers);
    for (gsize i = 0; i < G_N_ELEMENTS(search_cases); i++) {
        g_autofree char *path = g_strconcat("/imap/search/", search_cases[i].name, NULL);

        g_test_add_data_func(path, &search_cases[i], test_search);
    }
    g_test_add_func("/imap/fetch/lines-reach-all-that-ask", test_late_replies);
    g_test_add_func("/imap/fetch/lines-behind-closed-are-of-the-next-mailbox", test_closed);
    g_test_add_func("/imap/search/esearches-are-told-apart-by-tag", test_two_esearches);
    g_test_add_func("/imap/search/searches-go-one-by-one", test_two_searches);
    g_test_add_func("/imap/search/silence-is-no-result", test_silent_search);
    g_test_add_func("/imap/store/lines-and-modified-are-kept", test_store);
    g_test_add_func("/imap/set/long-ones-are-cut", test_long_set);
    g_test_add_func("/imap/set/empty-one-sends-nothing", test_empty_set);
    return g_test_run();
}
