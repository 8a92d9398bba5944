/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The fake server's commands on the connection and on the tree of mailboxes; and who does the
 * others. */

#include <string.h>

#include "fake-private.h"

void
fake_untagged(FakeConn *conn, const char *format, ...)
{
    va_list args;

    g_string_append(conn->reply, "* ");
    va_start(args, format);
    g_string_append_vprintf(conn->reply, format, args);
    va_end(args);
    g_string_append(conn->reply, "\r\n");
}

void
fake_answer(FakeConn *conn, const char *format, ...)
{
    va_list args;

    g_string_append_printf(conn->reply, "%s ", conn->tag);
    va_start(args, format);
    g_string_append_vprintf(conn->reply, format, args);
    va_end(args);
    g_string_append(conn->reply, "\r\n");
}

gboolean
fake_refused(FakeConn *conn, const char *verb, const char *mailbox)
{
    const FakeFaults *faults = &conn->server->faults;
    const char *why = faults->refuse != NULL ? faults->refuse(verb, mailbox, faults->data) : NULL;

    if (why == NULL)
        return FALSE;
    fake_answer(conn, "NO %s", why);
    return TRUE;
}

static gboolean
has_capability(const FakeConn *conn, const char *name)
{
    g_auto(GStrv) all = g_strsplit(conn->server->capabilities, " ", 0);

    return g_strv_contains((const char *const *)all, name);
}

static void
do_capability(FakeConn *conn, FakeCursor *in)
{
    fake_untagged(conn, "CAPABILITY %s", conn->server->capabilities);
    fake_answer(conn, "OK Capability completed.");
}

static void
do_login(FakeConn *conn, FakeCursor *in)
{
    fake_answer(conn, "BAD Already logged in.");
}

static void
do_enable(FakeConn *conn, FakeCursor *in)
{
    gboolean asked = FALSE;

    while (fake_skip(in, ' ')) {
        g_autofree char *word = fake_verb(in);

        asked |= g_str_equal(word, "QRESYNC");
    }
    conn->qresync |= asked && has_capability(conn, "QRESYNC");
    fake_untagged(conn, conn->qresync ? "ENABLED QRESYNC" : "ENABLED");
    fake_answer(conn, "OK Enabled.");
}

static void
do_noop(FakeConn *conn, FakeCursor *in)
{
    if (conn->selected != NULL && fake_selected(conn) == NULL)
        return;
    if (conn->selected != NULL)
        fake_tell_changes(conn, NULL);
    fake_answer(conn, "OK NOOP completed.");
}

static void
do_logout(FakeConn *conn, FakeCursor *in)
{
    fake_untagged(conn, "BYE Logging out");
    fake_answer(conn, "OK Logout completed.");
    conn->closing = TRUE;
}

/* -- the tree -- */

/* The names above mailboxes that are no mailboxes themselves, each once. */
static GPtrArray *
find_bare_parents(FakeConn *conn)
{
    GPtrArray *parents = g_ptr_array_new_with_free_func(g_free);
    FakeSnapshot *state = conn->server->state;

    for (guint i = 0; i < state->mailboxes->len; i++) {
        FakeMailbox *mailbox = g_ptr_array_index(state->mailboxes, i);

        for (char *p = mailbox->name + 1; *p != '\0'; p++) {
            g_autofree char *above = NULL;

            if (*p != conn->server->delimiter)
                continue;
            above = g_strndup(mailbox->name, (gsize)(p - mailbox->name));
            if (fake_state_mailbox(state, above) == NULL &&
                !g_ptr_array_find_with_equal_func(parents, above, g_str_equal, NULL))
                g_ptr_array_add(parents, g_steal_pointer(&above));
        }
    }
    return parents;
}

static const char *
role_of(const FakeConn *conn, const char *name)
{
    static const char *const roles[] = {"Sent", "Drafts", "Trash", "Junk", "Archive"};

    for (guint i = 0; has_capability(conn, "SPECIAL-USE") && i < G_N_ELEMENTS(roles); i++)
        if (g_str_equal(name, roles[i]))
            return roles[i];
    return NULL;
}

static void
put_list(FakeConn *conn, const char *name, gboolean bare)
{
    const char *role = role_of(conn, name);
    GString *out = conn->reply;

    g_string_append(out, "* LIST (");
    g_string_append(out, bare ? "\\Noselect \\HasChildren" : "\\HasNoChildren");
    if (g_hash_table_contains(conn->server->state->subscribed, name))
        g_string_append(out, " \\Subscribed");
    if (role != NULL)
        g_string_append_printf(out, " \\%s", role);
    g_string_append_printf(out, ") \"%c\" ", conn->server->delimiter);
    fake_put_mailbox(out, name);
    g_string_append(out, "\r\n");
}

static void
put_status(FakeConn *conn, const FakeMailbox *mailbox)
{
    gboolean has_modseqs = !fake_is(mailbox, conn->server->faults.no_modseqs);

    g_string_append(conn->reply, "* STATUS ");
    fake_put_mailbox(conn->reply, mailbox->name);
    g_string_append_printf(
        conn->reply,
        " (MESSAGES %u UIDNEXT %u UIDVALIDITY %u HIGHESTMODSEQ %" G_GUINT64_FORMAT ")\r\n",
        mailbox->messages->len,
        mailbox->uidnext,
        mailbox->uidvalidity,
        has_modseqs ? mailbox->modseq : 0);
}

/* A listing is no snapshot: other clients are at work meanwhile. */
static void
let_others_work(FakeConn *conn, const char *mailbox)
{
    const FakeFaults faults = conn->server->faults;

    if (faults.on_status == NULL)
        return;
    g_mutex_unlock(&conn->server->mutex);
    faults.on_status(conn->server, mailbox, faults.data);
    g_mutex_lock(&conn->server->mutex);
}

static void
do_list(FakeConn *conn, FakeCursor *in)
{
    g_autofree char *rest = g_strndup(in->p, (gsize)(in->end - in->p));
    g_autoptr(GPtrArray) parents = find_bare_parents(conn);
    FakeSnapshot *state = conn->server->state;

    in->bad |= !g_str_has_prefix(rest, " \"\" \"*\"") && !g_str_has_prefix(rest, " \"\" *");
    in->bad |= strstr(rest, "SPECIAL-USE") != NULL && !has_capability(conn, "SPECIAL-USE");
    if (in->bad || fake_refused(conn, "LIST", NULL))
        return;
    for (guint i = 0; i < parents->len; i++)
        put_list(conn, g_ptr_array_index(parents, i), TRUE);
    for (guint i = 0; i < state->mailboxes->len; i++) {
        FakeMailbox *mailbox = g_ptr_array_index(state->mailboxes, i);

        let_others_work(conn, mailbox->name);
        put_list(conn, mailbox->name, FALSE);
        if (strstr(rest, "STATUS") != NULL && !fake_is(mailbox, conn->server->faults.no_status))
            put_status(conn, mailbox);
    }
    if (conn->server->faults.alert != NULL)
        fake_answer(conn, "OK [ALERT] %s", conn->server->faults.alert);
    else
        fake_answer(conn, "OK List completed.");
}

static void
do_namespace(FakeConn *conn, FakeCursor *in)
{
    const FakeServer *server = conn->server;
    g_autofree char *shared = NULL;

    in->bad |= !has_capability(conn, "NAMESPACE");
    if (in->bad || fake_refused(conn, "NAMESPACE", NULL))
        return;
    if (server->shared != NULL)
        shared = g_strdup_printf("((\"%s\" \"%c\"))", server->shared, server->delimiter);
    fake_untagged(
        conn,
        "NAMESPACE ((\"%s\" \"%c\")) NIL %s",
        server->personal,
        server->delimiter,
        shared != NULL ? shared : "NIL");
    fake_answer(conn, "OK Namespace completed.");
}

char *
fake_take_mailbox(FakeConn *conn, FakeCursor *in, const char *verb)
{
    g_autofree char *name = NULL;

    fake_expect(in, ' ');
    name = fake_mailbox_arg(in);
    if (in->bad)
        return NULL;
    if (name == NULL) {
        fake_answer(conn, "NO [CANNOT] Invalid mailbox name");
        return NULL;
    }
    return fake_refused(conn, verb, name) ? NULL : g_steal_pointer(&name);
}

gboolean
fake_answer_missing(FakeConn *conn, const char *name)
{
    if (fake_state_mailbox(conn->server->state, name) != NULL)
        return FALSE;
    fake_answer(conn, "NO [NONEXISTENT] Mailbox doesn't exist: %s", name);
    return TRUE;
}

static gboolean
answer_existing(FakeConn *conn, const char *name)
{
    if (fake_state_mailbox(conn->server->state, name) == NULL)
        return FALSE;
    fake_answer(conn, "NO [ALREADYEXISTS] Mailbox already exists");
    return TRUE;
}

static void
do_status(FakeConn *conn, FakeCursor *in)
{
    g_autofree char *name = fake_take_mailbox(conn, in, "STATUS");

    FakeMailbox *mailbox;

    if (name == NULL || fake_answer_missing(conn, name))
        return;
    mailbox = fake_state_mailbox(conn->server->state, name);
    if (fake_is(mailbox, conn->server->faults.no_status)) {
        fake_answer(conn, "NO [SERVERBUG] No status today");
        return;
    }
    put_status(conn, mailbox);
    fake_answer(conn, "OK Status completed.");
}

static void
do_create(FakeConn *conn, FakeCursor *in)
{
    g_autofree char *name = fake_take_mailbox(conn, in, "CREATE");
    const char twice[] = {conn->server->delimiter, conn->server->delimiter, '\0'};

    if (name == NULL)
        return;
    if (conn->server->faults.folds_case) {
        char *folded = g_ascii_strdown(name, -1);

        g_free(name);
        name = folded;
    }
    if (answer_existing(conn, name))
        return;
    if (!g_str_has_prefix(name, conn->server->personal)) {
        fake_answer(conn, "NO Permission denied");
        return;
    }
    if (g_str_has_suffix(name, twice + 1) || strstr(name, twice) != NULL) {
        fake_answer(conn, "NO [CANNOT] Invalid mailbox name");
        return;
    }
    fake_state_create(conn->server->state, name);
    fake_answer(conn, "OK Create completed.");
}

static void
do_delete(FakeConn *conn, FakeCursor *in)
{
    g_autofree char *name = fake_take_mailbox(conn, in, "DELETE");

    if (name == NULL || fake_answer_missing(conn, name))
        return;
    if (g_str_equal(name, "INBOX")) {
        fake_answer(conn, "NO [CANNOT] INBOX can't be deleted.");
        return;
    }
    fake_state_delete(conn->server->state, name);
    fake_answer(conn, "OK Delete completed.");
    if (g_strcmp0(conn->selected, name) == 0) {
        fake_untagged(conn, "BYE Selected mailbox was deleted, have to disconnect.");
        conn->closing = TRUE;
    }
}

static void
do_rename(FakeConn *conn, FakeCursor *in)
{
    g_autofree char *from = fake_take_mailbox(conn, in, "RENAME");
    g_autofree char *to = NULL;

    if (from == NULL)
        return;
    fake_expect(in, ' ');
    to = fake_mailbox_arg(in);
    if (in->bad || to == NULL || fake_answer_missing(conn, from) || answer_existing(conn, to))
        return;
    if (g_str_equal(from, "INBOX")) {
        fake_answer(conn, "NO [CANNOT] INBOX can't be renamed.");
        return;
    }
    fake_state_rename(conn->server->state, from, to, conn->server->delimiter);
    fake_answer(conn, "OK Rename completed.");
}

static void
do_subscribe(FakeConn *conn, FakeCursor *in)
{
    g_autofree char *name = fake_take_mailbox(conn, in, "SUBSCRIBE");

    if (name == NULL || fake_answer_missing(conn, name))
        return;
    g_hash_table_add(conn->server->state->subscribed, g_steal_pointer(&name));
    fake_answer(conn, "OK Subscribe completed.");
}

static void
do_unsubscribe(FakeConn *conn, FakeCursor *in)
{
    g_autofree char *name = fake_take_mailbox(conn, in, "UNSUBSCRIBE");

    if (name == NULL)
        return;
    g_hash_table_remove(conn->server->state->subscribed, name);
    fake_answer(conn, "OK Unsubscribe completed.");
}

static const struct {
    const char *verb;
    void (*run)(FakeConn *conn, FakeCursor *in);
} commands[] = {
    {"CAPABILITY", do_capability},
    {"LOGIN", do_login},
    {"ENABLE", do_enable},
    {"NOOP", do_noop},
    {"LOGOUT", do_logout},
    {"LIST", do_list},
    {"NAMESPACE", do_namespace},
    {"STATUS", do_status},
    {"CREATE", do_create},
    {"DELETE", do_delete},
    {"RENAME", do_rename},
    {"SUBSCRIBE", do_subscribe},
    {"UNSUBSCRIBE", do_unsubscribe},
    {"SELECT", fake_do_select},
    {"EXAMINE", fake_do_examine},
    {"UNSELECT", fake_do_unselect},
    {"CLOSE", fake_do_close},
    {"APPEND", fake_do_append},
    {"UID", fake_do_uid},
};

static void
take_tag(FakeConn *conn, FakeCursor *in)
{
    g_free(conn->tag);
    conn->tag = fake_word(in);
    fake_expect(in, ' ');
}

/* A command that turns out to be bad has answered nothing yet; its untagged lines may stand. */
void
fake_execute(FakeConn *conn, const char *command, gsize len)
{
    FakeCursor in = {command, command + len - 2, FALSE};
    g_autofree char *verb = NULL;

    take_tag(conn, &in);
    verb = fake_verb(&in);
    if (conn->generation != conn->server->generation) {
        fake_untagged(conn, "BYE Server was restored.");
        conn->closing = TRUE;
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(commands) && !in.bad; i++) {
        if (!g_str_equal(verb, commands[i].verb))
            continue;
        commands[i].run(conn, &in);
        if (in.bad)
            fake_answer(conn, "BAD Invalid arguments.");
        return;
    }
    fake_answer(conn, "BAD Unknown command.");
}

gboolean
fake_rejects(FakeConn *conn, const char *line, gsize len)
{
    FakeCursor in = {line, line + len - 2, FALSE};
    g_autofree char *verb = NULL;
    g_autofree char *name = NULL;

    take_tag(conn, &in);
    verb = fake_verb(&in);
    fake_expect(&in, ' ');
    if (in.bad || !g_str_equal(verb, "APPEND") || *in.p == '{')
        return FALSE;
    name = fake_mailbox_arg(&in);
    if (name == NULL || fake_state_mailbox(conn->server->state, name) != NULL)
        return FALSE;
    fake_answer(conn, "NO [TRYCREATE] Mailbox doesn't exist: %s", name);
    return TRUE;
}
