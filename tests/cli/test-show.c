/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Text for people. */

#include "cli/show.h"

#include <string.h>

#include "cli/facts.h"
#include "cli/issue.h"
#include "cli/mailbox.h"

#define S ((guint64)G_USEC_PER_SEC)

static void
test_durations(void)
{
    static const struct {
        guint64 us;
        const char *want;
    } cases[] = {
        {0, "0.0 s"},
        {400000, "0.4 s"},
        {9940000, "9.9 s"},
        {10 * S, "10 s"},
        {60 * S - 1, "59 s"},
        {60 * S, "1 min 00 s"},
        {185 * S, "3 min 05 s"},
        {3600 * S, "1 h 00 min"},
        {100 * 3600 * S, "100 h 00 min"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *got = ims_show_duration(cases[i].us);

        g_assert_cmpstr(got, ==, cases[i].want);
    }
}

static void
test_sizes(void)
{
    static const struct {
        guint64 bytes;
        const char *want;
    } cases[] = {
        {0, "0 B"},
        {999, "999 B"},
        {1000, "1.0 kB"},
        {12345678, "12.3 MB"},
        {999949, "999.9 kB"},
        {999950, "1.0 MB"},
        {G_MAXUINT64, "18.4 EB"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *got = ims_show_size(cases[i].bytes);

        g_assert_cmpstr(got, ==, cases[i].want);
    }
}

static void
test_never(void)
{
    g_autofree char *never = ims_show_time(0);
    g_autofree char *absurd = ims_show_time(G_MAXUINT64);

    g_assert_cmpstr(never, ==, "never");
    g_assert_cmpstr(absurd, ==, "?");
}

static void
test_fit(void)
{
    static const struct {
        const char *text;
        guint width;
        const char *want;
    } cases[] = {
        {"INBOX", 5, "INBOX"},
        {"INBOX", 4, "INB…"},
        {"INBOX", 1, "…"},
        {"INBOX", 0, ""},
        {"", 0, ""},
        {"Entwürfe", 8, "Entwürfe"},
        {"Entwürfe", 6, "Entwü…"},
        {"邮件邮件", 8, "邮件邮件"},
        {"邮件邮件", 7, "邮件邮…"},
        {"邮件邮件", 6, "邮件…"},
        {"邮件邮件", 2, "…"},
        {"e\xcc\x81t\xc3\xa9s", 4, "e\xcc\x81t\xc3\xa9s"},
        {"e\xcc\x81t\xc3\xa9s", 3, "e\xcc\x81t…"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *got = ims_show_fit(cases[i].text, cases[i].width);

        g_assert_cmpstr(got, ==, cases[i].want);
        g_assert_cmpuint(ims_show_width(got), <=, cases[i].width);
    }
}

static void
test_table(void)
{
    const char *heading[] = {"NAME", "STATE", "NOTE", NULL};
    const char *wide[] = {"邮件", "idle", "", NULL};
    const char *plain[] = {"w", "offline", "no route", NULL};
    g_autoptr(GPtrArray) rows = g_ptr_array_new();
    g_autofree char *got = NULL;

    g_ptr_array_add(rows, heading);
    g_ptr_array_add(rows, wide);
    g_ptr_array_add(rows, plain);
    got = ims_show_table(rows);

    g_assert_cmpstr(
        got,
        ==,
        "NAME  STATE    NOTE\n"
        "邮件  idle\n"
        "w     offline  no route\n");
}

static void
test_json(void)
{
    g_autoptr(GVariant) value = g_variant_ref_sink(g_variant_new_parsed(
        "[{'name': <'a\"b'>, 'last-success': <uint64 1700000000000000>, 'issues': <uint32 2>,"
        " 'job': <objectpath '/'>}]"));
    g_autofree char *got = ims_show_json(value);

    g_assert_nonnull(strstr(got, "\"name\" : \"a\\\"b\""));
    g_assert_nonnull(strstr(got, "\"last-success\" : 1700000000000000"));
    g_assert_nonnull(strstr(got, "\"issues\" : 2"));
    g_assert_nonnull(strstr(got, "\"job\" : \"/\""));
    g_assert_cmpint(got[0], ==, '[');
}

static char *
summary(const char *result, const char *counts)
{
    g_autoptr(GVariant) value = g_variant_ref_sink(g_variant_new_parsed(counts));

    return ims_show_summary("work", result, value);
}

static void
test_summary_says_what_was_done(void)
{
    g_autofree char *got = summary(
        "partial",
        "{'copied-local': <uint64 12>, 'copied-remote': <uint64 0>, 'flags-remote': <uint64 3>,"
        " 'held': <uint64 7>, 'duration': <uint64 12300000>, 'bytes-sent': <uint64 1500>,"
        " 'bytes-received': <uint64 2000000>}");

    g_assert_cmpstr(
        got,
        ==,
        "work: done, but for what is held back (12 s, 1.5 kB sent, 2.0 MB received)\n"
        "  messages copied: 12 on local, 0 on remote\n"
        "  flags changed: 0 on local, 3 on remote\n"
        "  messages held back: 7\n"
        "  → see \"imapsyncctl issues work\"\n");
}

static void
test_summary_of_nothing(void)
{
    g_autofree char *done = summary("done", "@a{sv} {}");
    g_autofree char *failed = summary("failed", "@a{sv} {}");

    g_assert_cmpstr(
        done, ==, "work: done (0.0 s, 0 B sent, 0 B received)\n  nothing had changed\n");
    g_assert_cmpstr(failed, ==, "work: failed (0.0 s, 0 B sent, 0 B received)\n");
}

static char *
issue(const char *fields)
{
    g_autoptr(GVariant) value = g_variant_ref_sink(g_variant_new_parsed(fields));

    return ims_issue_text("work", value);
}

static void
test_issue_names_the_way_out(void)
{
    static const struct {
        const char *kind, *side, *want;
    } cases[] = {
        {"needs-adoption", "local", "empty or remove this mailbox"},
        {"mailbox-vanished", "remote", "remove it on the local side too"},
        {"mailbox-vanished", "local", "remove it on the remote side too"},
        {"deletions", "remote", "imapsyncctl sync work --max-deletions 1234"},
        {"refused", "remote", "they stay on the local side"},
        {"mailbox-failed", "local", "act on the server's words"},
        {"name", "remote", "rename it on the local side"},
        {"read-only", "remote", "may be written on the remote side"},
        {"of-tomorrow", "remote", "of-tomorrow"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *fields = g_strdup_printf(
            "{'kind': <'%s'>, 'side': <'%s'>, 'mailbox': <'100%%s'>, 'count': <uint64 1234>,"
            " 'detail': <'no %%n quota'>}",
            cases[i].kind,
            cases[i].side);
        g_autofree char *got = issue(fields);

        g_test_message("%s", cases[i].kind);
        g_assert_nonnull(strstr(got, cases[i].want));
        g_assert_nonnull(strstr(got, "“100%s”"));
        g_assert_nonnull(strstr(got, "the server said: no %n quota\n"));
        g_assert_true(g_str_has_prefix(got, "work: "));
    }
}

static void
test_issue_of_a_server(void)
{
    g_autofree char *got =
        issue("{'kind': <'alert'>, 'side': <'remote'>, 'mailbox': <''>, 'detail': <'pay %s'>}");

    g_assert_nonnull(strstr(got, "The server of the remote side wants you to read this"));
    g_assert_nonnull(strstr(got, "the server said: pay %s\n"));
}

static void
test_issue_escapes_the_mailbox(void)
{
    g_autofree char *got =
        issue("{'kind': <'name'>, 'side': <'local'>, 'mailbox': <'a\\u001b[2Jb\\u202ec'>}");

    g_assert_nonnull(strstr(got, "“a?[2Jb?c”"));
}

static void
test_issue_of_one_message(void)
{
    g_autofree char *got =
        issue("{'kind': <'deletions'>, 'side': <'local'>, 'mailbox': <'A'>, 'count': <uint64 1>}");

    g_assert_nonnull(strstr(got, "1 message of “A” is gone"));
    g_assert_null(strstr(got, "the server said"));
}

static void
test_issue_of_the_account(void)
{
    g_autofree char *got =
        issue("{'kind': <'deletions'>, 'side': <'remote'>, 'count': <uint64 30>}");

    g_assert_nonnull(strstr(got, "30 messages, of all mailboxes together, are gone"));
    g_assert_null(strstr(got, "“”"));
}

static void
test_issue_of_a_certificate(void)
{
    static const char *const wanted[] = {
        "work: The certificate of the remote server was rejected, and nothing was sent there:\n"
        "  - it has expired\n"
        "  - of-tomorrow\n"
        "  it is for CN=mail\n"
        "  signed by CN=authority\n"
        "  valid from ",
        "\n  its key, as tls-pin has it: abc=\n"
        "  -----BEGIN\n"
        "  -----END\n"
        "  → ",
        "\"imapsyncctl resolve work 5132760519163907841 pin\"\n",
    };
    g_autofree char *got =
        issue("{'id': <uint64 5132760519163907841>, 'kind': <'certificate'>, 'side': <'remote'>, "
              "'mailbox': <''>,"
              " 'reasons': <['expired', 'of-tomorrow']>, 'subject': <'CN=mail'>,"
              " 'issuer': <'CN=authority'>, 'not-before': <uint64 1700000000000000>,"
              " 'not-after': <uint64 1700000000000001>, 'pin': <'abc='>,"
              " 'pem': <'-----BEGIN\\n-----END\\n'>, 'actions': <['pin']>}");

    for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++)
        g_assert_nonnull(strstr(got, wanted[i]));
}

static void
test_plan(void)
{
    g_autoptr(GVariant) mailboxes = g_variant_ref_sink(g_variant_new_parsed(
        "[('A', {'state': <'pending'>, 'copied-local': <uint64 3>, 'copied-remote': <uint64 1>}),"
        " ('B', {'state': <'synced'>}),"
        " ('C\\u202e', {'state': <'pending'>, 'mailboxes-created': <uint64 1>}),"
        " ('D', {'state': <'held'>}),"
        " ('E', {'state': <'pending'>, 'held': <uint64 9>, 'flags-remote': <uint64 2>})]"));
    g_autofree char *got = ims_show_plan("work", mailboxes);

    g_assert_cmpstr(
        got,
        ==,
        "work: a sync would do this; nothing was changed\n"
        "  MAILBOX  COPY TO            FLAGS ON  EXPUNGE ON  NOTE\n"
        "  A        3 local, 1 remote\n"
        "  C?                                                to be created\n"
        "  D                                                 held back\n"
        "  E                           2 remote              9 deletions would be held back\n");
}

static void
test_plan_of_nothing(void)
{
    g_autoptr(GVariant) mailboxes =
        g_variant_ref_sink(g_variant_new_parsed("[('A', {'state': <'synced'>})]"));
    g_autofree char *got = ims_show_plan("work", mailboxes);

    g_assert_cmpstr(got, ==, "work: a sync would change nothing\n");
}

static void
test_mailboxes(void)
{
    g_autoptr(GVariant) mailboxes = g_variant_ref_sink(g_variant_new_parsed(
        "[('INBOX', {'local': <true>, 'remote': <true>, 'subscribed': <true>, 'role': <'inbox'>,"
        "            'messages': <uint64 12>, 'state': <'synced'>}),"
        " ('A\\u202eB', {'remote': <true>, 'messages': <uint64 3>, 'state': <'pending'>}),"
        " ('C', {'local': <true>, 'state': <'excluded'>}),"
        " ('D', {'state': <'of-tomorrow'>})]"));
    g_autofree char *got = ims_mailbox_table(mailboxes);

    g_assert_cmpstr(
        got,
        ==,
        "MAILBOX  STATE         SIDES   ROLE   MESSAGES  SUBSCRIBED  LAST SYNC\n"
        "INBOX    synced        both    inbox  12        yes         never\n"
        "A?B      to be synced  remote         3         no          never\n"
        "C        left out      local          0         no          never\n"
        "D        of-tomorrow                  0         no          never\n");
}

static void
test_mailboxes_as_json(void)
{
    g_autoptr(GVariant) mailboxes = g_variant_ref_sink(
        g_variant_new_parsed("[('A', {'messages': <uint64 3>, 'local': <true>})]"));
    g_autofree char *got = ims_show_named_json(mailboxes);

    g_assert_cmpstr(
        got,
        ==,
        "[\n"
        "  {\n"
        "    \"name\" : \"A\",\n"
        "    \"messages\" : 3,\n"
        "    \"local\" : true\n"
        "  }\n"
        "]");
}

/* Each of the cases has a side of its own, so that nothing but its own lines can be missing. */
static void
test_facts(void)
{
    static const struct {
        const char *facts, *want;
    } cases[] = {
        {"{}", ""},
        {"{'host': <'h'>, 'port': <uint64 993>, 'address': <'192.0.2.7'>, 'tls': <'1.3'>,"
         " 'cipher': <'AES'>, 'pin': <'sha256//abc='>, 'subject': <'CN=h'>,"
         " 'expires': <uint64 1700000000000000>, 'mechanism': <'SCRAM-SHA-256'>,"
         " 'server': <'Dovecot 2.3'>}",
         "remote  address      h, port 993 (192.0.2.7)\n"
         "        TLS          1.3, AES\n"
         "        certificate  CN=h, valid until 2023-11-14 22:13\n"
         "        pin          sha256//abc=\n"
         "        login        SCRAM-SHA-256\n"
         "        server       Dovecot 2.3\n"},
        {"{'host': <'192.0.2.7'>, 'port': <uint64 993>, 'address': <'192.0.2.7'>}",
         "remote  address  192.0.2.7, port 993\n"},
        {"{'host': <'h'>, 'port': <uint64 143>, 'error-message': <'nobody there'>}",
         "remote  address  h, port 143\n"
         "        failed   nobody there\n"},
        {"{'host': <'localhost'>, 'port': <uint64 143>, 'mechanism': <'LOGIN'>}",
         "remote  address  localhost, port 143\n"
         "        TLS      none: it does not leave this computer\n"
         "        login    LOGIN\n"},
        {"{'subject': <'CN=h'>}", "remote  certificate  CN=h\n"},
        {"{'used': <['UIDPLUS']>, 'required': <['QRESYNC', 'LIST-STATUS']>,"
         " 'lacking': <['APPENDLIMIT', 'OF-TOMORROW']>}",
         "remote  uses   UIDPLUS\n"
         "        lacks  QRESYNC: without it nothing can be synced\n"
         "        lacks  LIST-STATUS: without it nothing can be synced\n"
         "        lacks  APPENDLIMIT: a message that is too large is sent before it is refused\n"
         "        lacks  OF-TOMORROW\n"},
        {"{'used': <@as []>, 'lacking': <@as []>, 'required': <@as []>}", ""},
        {"{'mailboxes': <uint64 0>, 'delimiter': <''>, 'prefix': <'INBOX.'>}",
         "remote  delimiter  none\n"
         "        prefix     INBOX.\n"
         "        mailboxes  0, with messages: 0\n"
         "        messages   0\n"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf("[('remote', @a{sv} %s)]", cases[i].facts);
        g_autoptr(GVariant) sides = g_variant_ref_sink(g_variant_new_parsed(text));
        g_autofree char *got = ims_facts_table(sides);

        g_assert_cmpstr(got, ==, cases[i].want);
    }
}

int
main(int argc, char **argv)
{
    g_setenv("TZ", "UTC", TRUE);
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/cli/show/durations", test_durations);
    g_test_add_func("/cli/show/sizes", test_sizes);
    g_test_add_func("/cli/show/facts", test_facts);
    g_test_add_func("/cli/show/no-time-is-never", test_never);
    g_test_add_func("/cli/show/cut-by-columns-not-bytes", test_fit);
    g_test_add_func("/cli/show/table-aligns-wide-letters", test_table);
    g_test_add_func("/cli/show/json-keeps-large-numbers", test_json);
    g_test_add_func("/cli/show/summary-says-what-was-done", test_summary_says_what_was_done);
    g_test_add_func("/cli/show/summary-of-nothing", test_summary_of_nothing);
    g_test_add_func("/cli/show/plan-lists-what-would-change", test_plan);
    g_test_add_func("/cli/show/plan-of-nothing", test_plan_of_nothing);
    g_test_add_func("/cli/issue/names-the-way-out", test_issue_names_the_way_out);
    g_test_add_func("/cli/issue/says-that-a-server-speaks", test_issue_of_a_server);
    g_test_add_func("/cli/issue/escapes-the-mailbox", test_issue_escapes_the_mailbox);
    g_test_add_func("/cli/issue/one-message-is-singular", test_issue_of_one_message);
    g_test_add_func("/cli/issue/of-the-whole-account", test_issue_of_the_account);
    g_test_add_func("/cli/issue/certificate-is-shown-in-full", test_issue_of_a_certificate);

    g_test_add_func("/cli/mailbox/table", test_mailboxes);
    g_test_add_func("/cli/mailbox/json-has-the-name-in-the-object", test_mailboxes_as_json);

    return g_test_run();
}
