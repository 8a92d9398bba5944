/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Servers that say too much: for the memory, for a wait, for the journal. Octets go straight into
 * a session, since a script would have to hold them all. */
#include <string.h>

#include "imap/cmd.h"
#include "imap/session.h"
#include "util/error.h"

#define MIB ((guint64)1024 * 1024)

static gboolean
feed(ImsSession *session, const char *text, GError **error)
{
    gsize len = strlen(text), used = 0;

    if (!ims_session_client.feed(session, (const guint8 *)text, len, &used, error))
        return FALSE;
    g_assert_cmpuint(used, ==, len);
    return TRUE;
}

static void
must_feed(ImsSession *session, const char *text)
{
    g_autoptr(GError) error = NULL;

    feed(session, text, &error);
    g_assert_no_error(error);
}

/* Feeds @text until @octets were fed, or until an error. Returns: (transfer full) (nullable). */
static GError *
feed_many(ImsSession *session, const char *text, guint64 octets)
{
    GError *error = NULL;

    for (guint64 n = 0; n < octets && error == NULL; n += strlen(text))
        feed(session, text, &error);
    return error;
}

static char *
long_line(const char *head, const char *tail)
{
    g_autofree char *filling = g_strnfill(512 * 1024, 'x');

    return g_strconcat(head, filling, tail, NULL);
}

/* -- waits -- */

typedef struct {
    const char *name;
    guint wants;
    const char *head, *tail;
} UnaskedCase;

static const UnaskedCase unasked_cases[] = {
    {"ok", IMS_WANT_DELTA, "* OK ", "\r\n"},
    {"go-on", 0, "+ ", "\r\n"},
    {"unknown-response", IMS_WANT_LISTINGS, "* XANADU ", "\r\n"},
    {"no-command", 0, "* 3 FETCH (UID 3 X ", ")\r\n"},
    {"no-uid", IMS_WANT_MESSAGES, "* 3 FETCH (X ", ")\r\n"},
    {"body", IMS_WANT_MESSAGES, "* 3 FETCH (UID 3 BODY[] {524288}\r\n", ")\r\n"},
    {"spooled-body", IMS_WANT_BODIES, "* 3 FETCH (BODY[] {524288}\r\n", " UID 3)\r\n"},
    {"same-again", IMS_WANT_LISTINGS, "* STATUS a (MESSAGES 1 X ", ")\r\n"},
};

static void
test_unasked(gconstpointer data)
{
    const UnaskedCase *c = data;
    g_autofree char *line = long_line(c->head, c->tail);
    g_autoptr(ImsCmd) cmd = ims_cmd_new("TEST", c->wants);
    g_autoptr(GError) none = NULL;
    g_autoptr(GError) error = NULL;
    ImsSession session;

    cmd->asked = ims_uidset_new();
    ims_session_init(&session);
    ims_session_send(&session, cmd, "TEST");
    none = feed_many(&session, line, 63 * MIB);
    g_assert_no_error(none);
    error = feed_many(&session, line, 2 * MIB);
    g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
    g_assert_nonnull(strstr(error->message, "sends what nobody asked for"));
    ims_session_clear(&session);
}

/* Each of these lines was asked for; so was what came before a tagged reply. */
static void
test_asked(void)
{
    g_autofree char *noise = long_line("* OK ", "\r\n");
    g_autoptr(ImsCmd) first = ims_cmd_new("FIRST", IMS_WANT_MESSAGES);
    g_autoptr(ImsCmd) second = ims_cmd_new("SECOND", 0);
    g_autoptr(ImsCmd) third = ims_cmd_new("THIRD", 0);
    static const char *const signs[] = {
        "* 1 FETCH (UID 1)\r\n", "* 1 FETCH (UID 1)\r\n", "a1 OK done\r\n", "a2 OK done\r\n"};
    ImsSession session;

    ims_session_init(&session);
    ims_session_send(&session, first, "FIRST");
    ims_session_send(&session, second, "SECOND");
    ims_session_send(&session, third, "THIRD");
    for (gsize i = 0; i < G_N_ELEMENTS(signs); i++) {
        g_autoptr(GError) error = feed_many(&session, noise, 40 * MIB);

        g_assert_no_error(error);
        must_feed(&session, signs[i]);
    }
    ims_session_clear(&session);
}

/* A body of any size was asked for. */
static void
test_large_body(void)
{
    g_autofree char *octets = g_strnfill(32 * 1024, 'x');
    g_autoptr(ImsCmd) cmd = ims_cmd_new("FETCH", IMS_WANT_BODIES);
    const guint8 *data;
    ImsSession session;

    cmd->asked = ims_uidset_new();
    ims_uidset_add(cmd->asked, 3);
    ims_session_init(&session);
    ims_session_send(&session, cmd, "FETCH");
    must_feed(
        &session,
        "* 1 FETCH (UID 3 FLAGS () INTERNALDATE \" 1-Jan-2020 00:00:00 +0000\" "
        "RFC822.SIZE 104857600 BODY[] {104857600}\r\n");
    for (guint64 n = 0; n < 100 * MIB; n += strlen(octets)) {
        must_feed(&session, octets);
        g_assert_cmpuint(ims_session_read_body(&session, &data), ==, strlen(octets));
    }
    ims_session_clear(&session);
}

/* -- memory -- */

typedef struct {
    const char *name;
    guint wants;
    const char *head, *tail; /* of a line; a number stands between */
} MemoryCase;

static const MemoryCase memory_cases[] = {
    {"list", IMS_WANT_LISTINGS, "* LIST () \"/\" box", "\r\n"},
    {"status", IMS_WANT_LISTINGS, "* STATUS box", " (MESSAGES 1)\r\n"},
    {"messages", IMS_WANT_MESSAGES, "* 1 FETCH (UID ", " FLAGS (keyword))\r\n"},
    {"vanished", IMS_WANT_DELTA, "* VANISHED (EARLIER) 1", "0\r\n"},
};

static void
test_memory(gconstpointer data)
{
    const MemoryCase *c = data;
    g_autoptr(ImsCmd) cmd = ims_cmd_new("TEST", c->wants);
    g_autoptr(GError) error = NULL;
    ImsSession session;
    guint n = 0;

    g_assert_cmpuint(cmd->max_size, ==, IMS_RESULTS_MAX);
    cmd->max_size = 64 * 1024;
    ims_session_init(&session);
    ims_session_send(&session, cmd, "TEST");
    while (error == NULL && n < 64 * 1024) {
        char line[100];

        g_snprintf(line, sizeof line, "%s%u%s", c->head, ++n, c->tail);
        feed(&session, line, &error);
    }
    g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
    g_assert_cmpstr(error->message, ==, "the server answers TEST with over 64.0\xc2\xa0KiB");
    g_assert_cmpuint(n, >, 100);
    ims_session_clear(&session);
}

/* Feeds @n FETCH lines, with @flags each, of a mailbox that is said to hold @exists messages. */
static GError *
feed_messages(ImsCmd *cmd, guint exists, guint n, const char *flags)
{
    GError *error = NULL;
    ImsSession session;
    char line[100];

    ims_session_init(&session);
    ims_session_send(&session, cmd, "FETCH");
    g_snprintf(line, sizeof line, "* %u EXISTS\r\n", exists);
    must_feed(&session, line);
    for (guint uid = 1; uid <= n && error == NULL; uid++) {
        g_autofree char *fetch = g_strdup_printf("* 1 FETCH (UID %u FLAGS (%s))\r\n", uid, flags);

        feed(&session, fetch, &error);
    }
    ims_session_clear(&session);
    return error;
}

/* Returns: (transfer full): flags that take about 16 KiB. */
static char *
many_flags(void)
{
    GString *flags = g_string_new("\\Seen");

    for (guint i = 0; i < 80; i++)
        g_string_append_printf(flags, " %0200u", i);
    return g_string_free(flags, FALSE);
}

/* As many messages as most have, and as many as a mailbox was said to hold: not more. */
static void
test_large_mailbox(void)
{
    const struct {
        guint exists, n;
        gboolean fat;
        const char *words; /* of the error; NULL: none */
    } table[] = {
        {1, 10 * 1000, FALSE, NULL},
        {1, 2000, TRUE, "the server answers FETCH with over 16.0\xc2\xa0MiB"},
        {300 * 1000, 2000, TRUE, NULL},
    };
    g_autofree char *flags = many_flags();
    g_autoptr(ImsCmd) endless = ims_cmd_new("FETCH", IMS_WANT_MESSAGES);

    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(ImsCmd) cmd = ims_cmd_new("FETCH", IMS_WANT_MESSAGES);
        g_autoptr(GError) error =
            feed_messages(cmd, table[i].exists, table[i].n, table[i].fat ? flags : "some keywords");

        g_assert_cmpstr(error != NULL ? error->message : NULL, ==, table[i].words);
        if (!table[i].fat) /* ten times as many are no trouble */
            g_assert_cmpuint(10 * ims_cmd_size(cmd), <, cmd->max_size);
    }
    g_assert_no_error(feed_messages(endless, G_MAXUINT32, 1, "some"));
    g_assert_cmpuint(endless->max_size, ==, IMS_RESULTS_MAX_LARGE);
}

/* What came of the mailbox before is forgotten, and counts no more. */
static void
test_closed(void)
{
    g_autoptr(ImsCmd) cmd = ims_cmd_new("SELECT", IMS_WANT_DELTA);
    ImsSession session;

    ims_session_init(&session);
    ims_session_send(&session, cmd, "SELECT a");
    must_feed(&session, "* 1 FETCH (UID 1 FLAGS (a b))\r\n");
    g_assert_cmpuint(ims_cmd_size(cmd), >, sizeof(ImsMessage));
    must_feed(&session, "* OK [CLOSED] next\r\n");
    g_assert_cmpuint(ims_cmd_size(cmd), ==, 0);
    ims_session_clear(&session);
}

/* One set takes in another by way of a third. */
static void
test_sets(void)
{
    g_autoptr(ImsCmd) cmd = ims_cmd_new("SELECT", IMS_WANT_DELTA);
    ImsSession session;

    ims_session_init(&session);
    ims_session_send(&session, cmd, "SELECT a");
    must_feed(&session, "* VANISHED (EARLIER) 1,3,5:4294967295\r\n");
    g_assert_cmpuint(ims_cmd_size(cmd), ==, 2 * 3 * sizeof(ImsUidRange));
    ims_session_clear(&session);
}

/* -- the journal -- */

static GLogWriterOutput
count_lines(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
    guint *n = data;

    *n += (level & (G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE)) != 0;
    return G_LOG_WRITER_HANDLED;
}

static void
test_journal(void)
{
    guint n_lines = 0;
    ImsSession session;

    g_log_set_writer_func(count_lines, &n_lines, NULL);
    ims_session_init(&session);
    must_feed(&session, "* OK hello\r\n* NO [ALERT] log in at our web site\r\n");
    g_assert_cmpuint(n_lines, ==, 0);
    g_assert_null(session.alert);

    session.logged_in = TRUE;
    must_feed(&session, "* NO [ALERT] full\t\r\n");
    g_assert_cmpuint(n_lines, ==, 1);
    g_assert_cmpstr(session.alert, ==, "[ALERT] full?");
    must_feed(&session, "* NO [ALERT] full\r\n* OK [ALERT] other\r\n");
    g_assert_cmpuint(n_lines, ==, 1);
    ims_session_clear(&session);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(unasked_cases); i++) {
        g_autofree char *path =
            g_strdup_printf("/imap/flood/nobody-asked-for/%s", unasked_cases[i].name);

        g_test_add_data_func(path, &unasked_cases[i], test_unasked);
    }
    g_test_add_func("/imap/flood/asked-for-begins-anew", test_asked);
    g_test_add_func("/imap/flood/large-body-was-asked-for", test_large_body);
    for (gsize i = 0; i < G_N_ELEMENTS(memory_cases); i++) {
        g_autofree char *path =
            g_strdup_printf("/imap/flood/memory-is-bounded/%s", memory_cases[i].name);

        g_test_add_data_func(path, &memory_cases[i], test_memory);
    }
    g_test_add_func("/imap/flood/large-mailbox-was-announced", test_large_mailbox);
    g_test_add_func("/imap/flood/closed-frees", test_closed);
    g_test_add_func("/imap/flood/sets-count-twice", test_sets);
    g_test_add_func("/imap/flood/journal-has-one-line-of-alerts", test_journal);
    return g_test_run();
}
