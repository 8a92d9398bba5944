/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The fake server of the engine's tests, asked in raw IMAP: what the engine's tests rely on. */

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake-server.h"

#define DATE 1600000000 /* 13-Sep-2020 12:26:40 +0000 */

/* A connection, and all that came on it. */
typedef struct {
    int fd;
    GString *in;
} Talk;

static gboolean
hear(Talk *talk)
{
    char piece[4096];
    gssize len = recv(talk->fd, piece, sizeof piece, 0);

    if (len <= 0)
        return FALSE;
    g_string_append_len(talk->in, piece, len);
    return TRUE;
}

static Talk *
talk_new(FakeServer *server)
{
    Talk *talk = g_new0(Talk, 1);
    int pair[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    g_assert_true(g_spawn_async_with_fds(
        NULL,
        fake_server_argv(server),
        NULL,
        G_SPAWN_DEFAULT,
        NULL,
        NULL,
        NULL,
        pair[1],
        -1,
        -1,
        NULL));
    close(pair[1]);
    talk->fd = pair[0];
    talk->in = g_string_new(NULL);
    while (strstr(talk->in->str, "\r\n") == NULL)
        g_assert_true(hear(talk));
    return talk;
}

static void
talk_free(Talk *talk)
{
    close(talk->fd);
    g_string_free(talk->in, TRUE);
    g_free(talk);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Talk, talk_free)

static void
say(Talk *talk, const char *text)
{
    g_assert_cmpint(send(talk->fd, text, strlen(text), MSG_NOSIGNAL), ==, (gssize)strlen(text));
}

/* Sends @command behind the tag `t`. Returns: (transfer full): all that is answered; without a
 * tagged line if the connection has closed. */
static char *
ask(Talk *talk, const char *command)
{
    g_autofree char *line = g_strconcat("t ", command, "\r\n", NULL);

    g_string_truncate(talk->in, 0);
    say(talk, line);
    while (!g_str_has_suffix(talk->in->str, "\r\n") ||
           (strstr(talk->in->str, "\r\nt ") == NULL && !g_str_has_prefix(talk->in->str, "t ")))
        if (!hear(talk))
            break;
    return g_strdup(talk->in->str);
}

static void
expect(Talk *talk, const char *command, const char *reply)
{
    g_autofree char *got = ask(talk, command);

    g_assert_cmpstr(got, ==, reply);
}

/* The answer has @part in it. */
static void
expect_part(Talk *talk, const char *command, const char *part)
{
    g_autofree char *got = ask(talk, command);

    if (strstr(got, part) == NULL)
        g_assert_cmpstr(got, ==, part);
}

static void
test_greeting(void)
{
    g_autoptr(FakeServer) server = fake_server_new('/', "LITERAL+ MULTIAPPEND");
    g_autoptr(Talk) talk = talk_new(server);

    g_assert_true(g_str_has_prefix(talk->in->str, "* PREAUTH [CAPABILITY IMAP4rev1 ENABLE "));
    g_assert_null(strstr(talk->in->str, "LITERAL+"));
    g_assert_null(strstr(talk->in->str, "MULTIAPPEND"));
    expect(talk, "ENABLE QRESYNC", "* ENABLED QRESYNC\r\nt OK Enabled.\r\n");
    expect_part(talk, "LOGOUT", "* BYE");
}

static void
test_tree(void)
{
    g_autoptr(FakeServer) server = fake_server_new('/', NULL);
    g_autoptr(Talk) talk = talk_new(server);

    expect(talk, "CREATE Sent", "t OK Create completed.\r\n");
    expect(talk, "CREATE \"a/b&AOQ-\"", "t OK Create completed.\r\n");
    expect_part(talk, "CREATE Sent", "t NO [ALREADYEXISTS]");
    expect_part(talk, "SUBSCRIBE nowhere", "t NO [NONEXISTENT]");
    expect_part(talk, "SUBSCRIBE Sent", "t OK");
    expect_part(talk, "DELETE inbox", "t NO");
    expect(
        talk,
        "LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY "
        "HIGHESTMODSEQ))",
        "* LIST (\\Noselect \\HasChildren) \"/\" \"a\"\r\n"
        "* LIST (\\HasNoChildren) \"/\" \"INBOX\"\r\n"
        "* STATUS \"INBOX\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1001 HIGHESTMODSEQ 1)\r\n"
        "* LIST (\\HasNoChildren \\Subscribed \\Sent) \"/\" \"Sent\"\r\n"
        "* STATUS \"Sent\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1002 HIGHESTMODSEQ 1)\r\n"
        "* LIST (\\HasNoChildren) \"/\" \"a/b&AOQ-\"\r\n"
        "* STATUS \"a/b&AOQ-\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1003 HIGHESTMODSEQ 1)\r\n"
        "t OK List completed.\r\n");
    g_assert_true(fake_exists(server, "a/bä"));

    expect_part(talk, "RENAME \"a/b&AOQ-\" c", "t OK");
    expect_part(talk, "DELETE Sent", "t OK");
    g_assert_true(fake_exists(server, "c"));
    g_assert_false(fake_exists(server, "Sent"));
}

static void
test_append(void)
{
    g_autoptr(FakeServer) server = fake_server_new('/', NULL);
    g_autoptr(Talk) talk = talk_new(server);
    g_autofree char *flags = NULL;

    expect(
        talk,
        "APPEND INBOX (\\Seen $Forwarded) \"13-Sep-2020 12:26:40 +0000\" {5+}\r\nhello",
        "t OK [APPENDUID 1001 1] Append completed.\r\n");
    expect(
        talk,
        "APPEND INBOX {3+}\r\none () \" 1-Feb-2020 00:00:00 +0100\" {3+}\r\ntwo",
        "t OK [APPENDUID 1001 2:3] Append completed.\r\n");
    flags = fake_flags(server, "INBOX", 1);
    g_assert_cmpstr(flags, ==, "1 $Forwarded");
    g_assert_cmpuint(fake_find(server, "INBOX", "two"), ==, 3);
    g_assert_cmpuint(fake_server_count(server).appended, ==, 3);
    expect_part(talk, "APPEND nowhere {1+}\r\nx", "t NO [TRYCREATE]");
    expect_part(talk, "APPEND INBOX (\\Recent) {1+}\r\nx", "t BAD");
    expect_part(talk, "APPEND INBOX \"yesterday\" {1+}\r\nx", "t BAD");
    expect_part(talk, "APPEND INBOX {1+}\r\nx {0+}\r\n", "t NO");
    g_assert_cmpuint(fake_count(server, "INBOX"), ==, 3);
}

static void
test_synchronising_literal(void)
{
    g_autoptr(FakeServer) server = fake_server_new('/', "LITERAL+");
    g_autoptr(Talk) talk = talk_new(server);

    g_string_truncate(talk->in, 0);
    say(talk, "t APPEND INBOX {5}\r\n");
    while (!g_str_has_suffix(talk->in->str, "\r\n"))
        g_assert_true(hear(talk));
    g_assert_cmpstr(talk->in->str, ==, "+ OK\r\n");
    g_string_truncate(talk->in, 0);
    say(talk, "hello\r\n");
    while (!g_str_has_suffix(talk->in->str, "\r\n"))
        g_assert_true(hear(talk));
    g_assert_cmpstr(talk->in->str, ==, "t OK [APPENDUID 1001 1] Append completed.\r\n");

    expect_part(talk, "APPEND nowhere {5}", "t NO [TRYCREATE]");
    expect(talk, "NOOP", "t OK NOOP completed.\r\n");
    expect(talk, "APPEND INBOX {5+}\r\nhello", "");
}

static void
add_three(FakeServer *server)
{
    fake_add(server, "INBOX", "Subject: one\r\nX-A: b\r\n c\r\n\r\nbody", "1 Work", DATE);
    fake_add(server, "INBOX", "two", NULL, DATE + 1);
    fake_add(server, "INBOX", "three", NULL, DATE + 2);
}

static void
test_select(void)
{
    g_autoptr(FakeServer) server = fake_server_new('/', NULL);
    g_autoptr(Talk) talk = talk_new(server);

    add_three(server);
    expect_part(talk, "SELECT INBOX (QRESYNC (1001 1))", "t BAD");
    expect_part(talk, "ENABLE QRESYNC", "t OK");
    fake_set_flags(server, "INBOX", 3, "4");
    fake_expunge(server, "INBOX", 2);
    expect(
        talk,
        "SELECT INBOX (QRESYNC (1001 4 1:3))",
        "* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft Work)\r\n"
        "* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft Work \\*)] "
        "Flags permitted.\r\n"
        "* 2 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 1001] UIDs valid\r\n"
        "* OK [UIDNEXT 4] Predicted next UID\r\n* OK [HIGHESTMODSEQ 6] Highest\r\n"
        "* VANISHED (EARLIER) 2\r\n* 2 FETCH (UID 3 FLAGS (\\Flagged) MODSEQ (5))\r\n"
        "t OK [READ-WRITE] Select completed.\r\n");
    expect_part(talk, "SELECT INBOX (QRESYNC (1001 4 1:*))", "t BAD");
    expect_part(talk, "SELECT INBOX (QRESYNC (1001 4 1:1))", "HIGHESTMODSEQ 6] Highest\r\nt OK");
    expect_part(talk, "SELECT INBOX (QRESYNC (7 4 1:3))", "HIGHESTMODSEQ 6] Highest\r\nt OK");
    expect_part(talk, "EXAMINE INBOX", "* OK [CLOSED]");
    expect_part(talk, "UID STORE 1 +FLAGS (\\Seen)", "t NO [READ-ONLY]");
    expect_part(talk, "SELECT nowhere", "t NO [NONEXISTENT]");
    expect_part(talk, "UID FETCH 1 (UID)", "t BAD");
    g_assert_cmpuint(fake_server_count(server).selects, ==, 7);
}

static void
test_fetch(void)
{
    g_autoptr(FakeServer) server = fake_server_new('/', NULL);
    g_autoptr(Talk) talk = talk_new(server);

    add_three(server);
    expect_part(talk, "SELECT INBOX", "t OK");
    expect(
        talk,
        "UID FETCH 2:* (UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ BODY.PEEK[])",
        "* 2 FETCH (UID 2 FLAGS () INTERNALDATE \"13-Sep-2020 12:26:41 +0000\" RFC822.SIZE 3 "
        "MODSEQ (3) BODY[] {3}\r\ntwo)\r\n"
        "* 3 FETCH (UID 3 FLAGS () INTERNALDATE \"13-Sep-2020 12:26:42 +0000\" RFC822.SIZE 5 "
        "MODSEQ (4) BODY[] {5}\r\nthree)\r\nt OK Fetch completed.\r\n");
    expect(
        talk,
        "UID FETCH 1 (UID BODY.PEEK[HEADER.FIELDS (X-A To)])",
        "* 1 FETCH (UID 1 BODY[HEADER.FIELDS (X-A To)] {14}\r\nX-A: b\r\n c\r\n\r\n)\r\n"
        "t OK Fetch completed.\r\n");
    expect(talk, "UID FETCH 9:* UID", "* 3 FETCH (UID 3)\r\nt OK Fetch completed.\r\n");
    expect_part(talk, "UID FETCH 1 (ENVELOPE)", "t BAD");
    expect(talk, "UID SEARCH UID 2:9", "* SEARCH 2 3\r\nt OK Search completed.\r\n");
    expect(
        talk,
        "UID SEARCH RETURN (ALL) UID 2:9",
        "* ESEARCH (TAG \"t\") UID ALL 2:3\r\nt OK Search completed.\r\n");
    expect(talk, "UID SEARCH UID 9", "* SEARCH\r\nt OK Search completed.\r\n");
}

static void
test_store(void)
{
    g_autoptr(FakeServer) server = fake_server_new('/', NULL);
    g_autoptr(Talk) talk = talk_new(server);

    add_three(server);
    expect_part(talk, "SELECT INBOX", "t OK");
    expect(
        talk,
        "UID STORE 1,2 +FLAGS (\\Flagged work)",
        "* 1 FETCH (UID 1 FLAGS (\\Seen \\Flagged Work) MODSEQ (5))\r\n"
        "* 2 FETCH (UID 2 FLAGS (\\Flagged work) MODSEQ (6))\r\nt OK Store completed.\r\n");
    expect(talk, "UID STORE 1 +FLAGS (WORK)", "t OK Store completed.\r\n");
    expect(
        talk,
        "UID STORE 2,3 (UNCHANGEDSINCE 5) -FLAGS.SILENT (\\Flagged)",
        "t OK [MODIFIED 2] Conditional store failed\r\n");
    expect(
        talk,
        "UID STORE 2 FLAGS.SILENT (\\Deleted)",
        "* 2 FETCH (UID 2 MODSEQ (7))\r\nt OK Store completed.\r\n");
    expect_part(talk, "UID STORE 2 +FLAGS (\\Recent)", "t BAD");
    expect(
        talk, "UID EXPUNGE 1:3", "* VANISHED 2\r\nt OK [HIGHESTMODSEQ 8] Expunge completed.\r\n");
    expect(talk, "UID EXPUNGE 1:3", "t OK Expunge completed.\r\n");
    g_assert_cmpuint(fake_server_count(server).expunged, ==, 1);
}

static void
test_other_clients_changes_are_told(void)
{
    g_autoptr(FakeServer) server = fake_server_new('/', NULL);
    g_autoptr(Talk) talk = talk_new(server);

    add_three(server);
    fake_create(server, "Other");
    expect_part(talk, "SELECT INBOX", "t OK");
    fake_set_flags(server, "INBOX", 1, "2");
    fake_move(server, "INBOX", 2, "Other");
    fake_add(server, "INBOX", "four", NULL, DATE);
    expect(
        talk,
        "NOOP",
        "* VANISHED 2\r\n* 3 EXISTS\r\n* 1 FETCH (UID 1 FLAGS (\\Answered) MODSEQ (5))\r\n"
        "t OK NOOP completed.\r\n");
    expect(talk, "NOOP", "t OK NOOP completed.\r\n");
    fake_rename(server, "INBOX", "Elsewhere");
    expect_part(talk, "UID FETCH 1 UID", "* BYE");
}

static void
test_lies_and_forgets(void)
{
    g_autoptr(FakeServer) server = fake_server_new('/', NULL);
    g_autoptr(Talk) talk = talk_new(server);
    FakeFaults faults = {.lie_mailbox = "INBOX", .lie_uids = "3", .no_new_keywords = TRUE};

    add_three(server);
    fake_expunge(server, "INBOX", 2);
    expect_part(talk, "ENABLE QRESYNC", "t OK");
    fake_forget_expunges(server, "INBOX");
    expect_part(talk, "SELECT INBOX (QRESYNC (1001 1 1:9))", "* VANISHED (EARLIER) 2\r\n");
    fake_set_faults(server, &faults);
    expect_part(talk, "SELECT INBOX (QRESYNC (1001 5 1:3))", "* VANISHED (EARLIER) 3\r\n");
    expect_part(talk, "SELECT INBOX", "\\Draft Work)] Flags permitted");
    expect(talk, "UID STORE 3 +FLAGS (other)", "t OK Store completed.\r\n");
}

static const char *
refuse_stores(const char *verb, const char *mailbox, gpointer data)
{
    return g_str_equal(verb, "UID STORE") && g_str_equal(mailbox, "INBOX") ? "[NOPERM] no" : NULL;
}

static void
test_refusals(void)
{
    g_autoptr(FakeServer) server = fake_server_new('/', NULL);
    g_autoptr(Talk) talk = talk_new(server);
    FakeFaults faults = {.refuse_marker = "VIRUS", .refuse = refuse_stores};

    add_three(server);
    fake_set_faults(server, &faults);
    expect_part(talk, "APPEND INBOX {4+}\r\ngood {8+}\r\na VIRUS!", "t NO [LIMIT]");
    g_assert_cmpuint(fake_count(server, "INBOX"), ==, 3);
    expect_part(talk, "SELECT INBOX", "t OK");
    expect(talk, "UID STORE 1 +FLAGS (\\Seen)", "t NO [NOPERM] no\r\n");
}

/* A fuse that blows the first time that a command with @text is in @phase. */
typedef struct {
    FakePhase phase;
    const char *text;
    guint blown, hooked;
} Fuse;

static gboolean
cut(FakePhase phase, const char *command, gpointer data)
{
    Fuse *fuse = data;

    if (phase != fuse->phase || !g_str_has_prefix(command, fuse->text))
        return FALSE;
    fuse->blown++;
    return TRUE;
}

static void
add_one(FakeServer *server, const char *command, gpointer data)
{
    Fuse *fuse = data;

    fuse->hooked++;
    if (g_str_has_prefix(command, "UID FETCH"))
        fake_add(server, "INBOX", "raced", NULL, DATE);
}

static const struct {
    FakePhase phase;
    const char *command;
    guint count; /* of messages afterwards */
    gsize least; /* octets that came before the cut */
} cuts[] = {
    {FAKE_BEFORE, "APPEND INBOX {3+}\r\nabc", 3, 0},
    {FAKE_LITERAL, "APPEND INBOX {3+}\r\nabc", 3, 0},
    {FAKE_AFTER, "APPEND INBOX {3+}\r\nabc", 4, 0},
    {FAKE_BODY, "UID FETCH 2 BODY.PEEK[]", 3, 10},
};

static void
test_cuts(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cuts); i++) {
        g_autoptr(FakeServer) server = fake_server_new('/', NULL);
        g_autoptr(Talk) talk = talk_new(server);
        g_autofree char *text = g_strndup(cuts[i].command, 6);
        g_autofree char *got = NULL;
        Fuse fuse = {.phase = cuts[i].phase, .text = text};
        FakeFaults faults = {.cut = cut, .data = &fuse};

        add_three(server);
        expect_part(talk, "SELECT INBOX", "t OK");
        fake_set_faults(server, &faults);
        got = ask(talk, cuts[i].command);
        g_assert_null(strstr(got, "t OK"));
        g_assert_cmpuint(strlen(got), >=, cuts[i].least);
        g_assert_false(hear(talk));
        g_assert_cmpuint(fuse.blown, ==, 1);
        g_assert_cmpuint(fake_count(server, "INBOX"), ==, cuts[i].count);
    }
}

static void
test_hook(void)
{
    g_autoptr(FakeServer) server = fake_server_new('/', NULL);
    g_autoptr(Talk) talk = talk_new(server);
    Fuse fuse = {0};
    FakeFaults faults = {.on_command = add_one, .data = &fuse};

    expect_part(talk, "SELECT INBOX", "t OK");
    fake_set_faults(server, &faults);
    expect(
        talk, "UID FETCH 1:* UID", "* 1 EXISTS\r\n* 1 FETCH (UID 1)\r\nt OK Fetch completed.\r\n");
    g_assert_cmpuint(fuse.hooked, ==, 1);
}

static void
test_dump_and_restore(void)
{
    g_autoptr(FakeServer) a = fake_server_new('/', NULL);
    g_autoptr(FakeServer) b = fake_server_new('.', NULL);
    g_autoptr(Talk) talk = talk_new(a);
    g_autoptr(FakeSnapshot) snapshot = NULL;
    g_autofree char *one = NULL;
    g_autofree char *two = NULL;
    g_autofree char *three = NULL;

    fake_create(a, "x/y");
    fake_create(b, "x.y");
    fake_add(a, "x/y", "hello", "1 Work", DATE);
    fake_add(b, "x.y", "gone", NULL, DATE);
    fake_expunge(b, "x.y", 1);
    fake_add(b, "x.y", "hello", "1 work", DATE);
    one = fake_dump(a);
    two = fake_dump(b);
    g_assert_cmpstr(one, ==, two);

    snapshot = fake_snapshot(a);
    fake_add(a, "x/y", "more", NULL, DATE);
    fake_delete(a, "INBOX");
    fake_restore(a, snapshot);
    three = fake_dump(a);
    g_assert_cmpstr(one, ==, three);
    g_assert_cmpuint(fake_add(a, "x/y", "other", NULL, DATE), ==, 2);
    expect_part(talk, "NOOP", "* BYE");
}

static void
test_uidvalidity(void)
{
    g_autoptr(FakeServer) server = fake_server_new('/', NULL);
    g_autoptr(Talk) talk = talk_new(server);

    add_three(server);
    fake_expunge(server, "INBOX", 1);
    fake_set_uidvalidity(server, "INBOX", 5);
    g_assert_cmpuint(fake_find(server, "INBOX", "two"), ==, 1);
    expect_part(talk, "SELECT INBOX", "* OK [UIDVALIDITY 5]");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/engine/fake-server/greets-and-enables", test_greeting);
    g_test_add_func("/engine/fake-server/keeps-a-tree", test_tree);
    g_test_add_func("/engine/fake-server/append-is-atomic", test_append);
    g_test_add_func("/engine/fake-server/synchronising-literals-wait", test_synchronising_literal);
    g_test_add_func("/engine/fake-server/select-tells-what-changed", test_select);
    g_test_add_func("/engine/fake-server/fetches-and-searches", test_fetch);
    g_test_add_func("/engine/fake-server/stores-and-expunges", test_store);
    g_test_add_func(
        "/engine/fake-server/tells-other-clients-changes", test_other_clients_changes_are_told);
    g_test_add_func("/engine/fake-server/lies-and-forgets", test_lies_and_forgets);
    g_test_add_func("/engine/fake-server/refuses", test_refusals);
    g_test_add_func("/engine/fake-server/cuts-at-every-phase", test_cuts);
    g_test_add_func("/engine/fake-server/hook-may-change-mail", test_hook);
    g_test_add_func("/engine/fake-server/dumps-and-restores", test_dump_and_restore);
    g_test_add_func("/engine/fake-server/uidvalidity-numbers-anew", test_uidvalidity);
    return g_test_run();
}
