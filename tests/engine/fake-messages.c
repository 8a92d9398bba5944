/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The fake server's UID commands on the selected mailbox. As in Dovecot, what other clients did is
 * told around every command. */

#include <string.h>

#include "fake-private.h"

static guint32
largest_uid(const FakeMailbox *mailbox)
{
    guint len = mailbox->messages->len;

    return len > 0 ? ((FakeMessage *)g_ptr_array_index(mailbox->messages, len - 1))->uid : 0;
}

/* Returns: (transfer full): the messages in @uids, in their order. */
static GPtrArray *
choose(const FakeMailbox *mailbox, const ImsUidSet *uids)
{
    GPtrArray *chosen = g_ptr_array_new();

    for (guint i = 0; i < mailbox->messages->len; i++) {
        FakeMessage *message = g_ptr_array_index(mailbox->messages, i);

        if (ims_uidset_contains(uids, message->uid))
            g_ptr_array_add(chosen, message);
    }
    return chosen;
}

static guint
sequence_of(const FakeMailbox *mailbox, const FakeMessage *message)
{
    guint i = 0;

    g_ptr_array_find(mailbox->messages, message, &i);
    return i + 1;
}

/* -- telling -- */

static void
put_changed(FakeConn *conn, const FakeMailbox *mailbox, const FakeMessage *message, gboolean flags)
{
    GString *out = conn->reply;

    g_string_append_printf(out, "* %u FETCH (UID %u ", sequence_of(mailbox, message), message->uid);
    if (flags) {
        g_string_append(out, "FLAGS ");
        fake_put_flags(out, &message->flags);
        g_string_append_c(out, ' ');
    }
    g_string_append_printf(out, "MODSEQ (%" G_GUINT64_FORMAT "))\r\n", message->modseq);
}

static void
put_vanished(FakeConn *conn, const ImsUidSet *uids, const char *earlier)
{
    if (ims_uidset_is_empty(uids))
        return;
    g_string_append_printf(conn->reply, "* VANISHED %s", earlier);
    fake_put_uids(conn->reply, uids);
    g_string_append(conn->reply, "\r\n");
}

void
fake_tell_changes(FakeConn *conn, const ImsUidSet *silent)
{
    FakeMailbox *mailbox = fake_state_mailbox(conn->server->state, conn->selected);
    g_autoptr(ImsUidSet) vanished = ims_uidset_new();

    for (guint i = 0; i < mailbox->expunged->len; i++) {
        FakeExpunge *expunge = &g_array_index(mailbox->expunged, FakeExpunge, i);

        if (expunge->modseq > conn->modseq && expunge->uid < conn->uidnext)
            ims_uidset_add(vanished, expunge->uid);
    }
    put_vanished(conn, vanished, "");
    if (mailbox->uidnext != conn->uidnext)
        fake_untagged(conn, "%u EXISTS", mailbox->messages->len);
    for (guint i = 0; i < mailbox->messages->len; i++) {
        FakeMessage *message = g_ptr_array_index(mailbox->messages, i);

        if (message->modseq > conn->modseq && message->uid < conn->uidnext)
            put_changed(
                conn,
                mailbox,
                message,
                silent == NULL || !ims_uidset_contains(silent, message->uid));
    }
    conn->modseq = mailbox->modseq;
    conn->uidnext = mailbox->uidnext;
}

/* Returns: (transfer full): the UIDs that do not stand; beyond the log of expunges, all of them. */
static ImsUidSet *
find_vanished(const FakeMailbox *mailbox, guint64 modseq)
{
    ImsUidSet *vanished = ims_uidset_new();

    if (modseq < mailbox->forgotten && mailbox->uidnext > 1) {
        ims_uidset_add_range(vanished, 1, mailbox->uidnext - 1);
        for (guint i = 0; i < mailbox->messages->len; i++) {
            FakeMessage *message = g_ptr_array_index(mailbox->messages, i);

            ims_uidset_remove_range(vanished, message->uid, message->uid);
        }
    }
    for (guint i = 0; i < mailbox->expunged->len; i++) {
        FakeExpunge *expunge = &g_array_index(mailbox->expunged, FakeExpunge, i);

        if (expunge->modseq > modseq)
            ims_uidset_add(vanished, expunge->uid);
    }
    return vanished;
}

static void
add_lies(FakeConn *conn, const FakeMailbox *mailbox, ImsUidSet *vanished)
{
    const FakeFaults *faults = &conn->server->faults;
    g_autoptr(ImsUidSet) lies = NULL;

    if (g_strcmp0(faults->lie_mailbox, mailbox->name) != 0 || faults->lie_uids == NULL)
        return;
    lies = fake_uids_parse(faults->lie_uids, 1);
    ims_uidset_add_set(vanished, lies);
}

/* Keeps of @uids what is in @known. */
static void
intersect(ImsUidSet *uids, const ImsUidSet *known)
{
    g_autoptr(ImsUidSet) unknown = ims_uidset_copy(uids);

    ims_uidset_remove_set(unknown, known);
    ims_uidset_remove_set(uids, unknown);
}

void
fake_tell_since(FakeConn *conn, const FakeMailbox *mailbox, guint64 modseq, const ImsUidSet *known)
{
    g_autoptr(ImsUidSet) vanished = find_vanished(mailbox, modseq);

    add_lies(conn, mailbox, vanished);
    if (known != NULL)
        intersect(vanished, known);
    put_vanished(conn, vanished, "(EARLIER) ");
    for (guint i = 0; i < mailbox->messages->len; i++) {
        FakeMessage *message = g_ptr_array_index(mailbox->messages, i);

        if (message->modseq > modseq && (known == NULL || ims_uidset_contains(known, message->uid)))
            put_changed(conn, mailbox, message, TRUE);
    }
}

/* -- FETCH -- */

/* What is asked for. */
typedef struct {
    gboolean flags, date, size, modseq;
    char *section; /* of a body; NULL if none */
    gboolean bad;
} Items;

static void
items_clear(Items *self)
{
    g_clear_pointer(&self->section, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Items, items_clear)

static const char *
parse_item(Items *items, const char *p)
{
    gsize len = strcspn(p, " [");
    g_autofree char *word = g_ascii_strup(p, (gssize)len);

    if (g_str_equal(word, "FLAGS"))
        items->flags = TRUE;
    else if (g_str_equal(word, "INTERNALDATE"))
        items->date = TRUE;
    else if (g_str_equal(word, "RFC822.SIZE"))
        items->size = TRUE;
    else if (g_str_equal(word, "MODSEQ"))
        items->modseq = TRUE;
    else if (g_str_equal(word, "BODY.PEEK") && p[len] == '[') {
        const char *end = strchr(p + len, ']');

        items->bad |= end == NULL;
        items->section = end != NULL ? g_strndup(p + len + 1, (gsize)(end - p - len - 1)) : NULL;
        return end != NULL ? end + 1 : p + len;
    } else if (!g_str_equal(word, "UID"))
        items->bad = TRUE;
    return p + len;
}

static void
parse_items(Items *items, const char *text)
{
    const char *p = text;

    do {
        p = parse_item(items, p);
    } while (!items->bad && *p++ == ' ');
}

static gboolean
is_wanted(const char *line, gsize len, char **names)
{
    for (guint i = 0; names[i] != NULL; i++) {
        gsize n = strlen(names[i]);

        if (n > 0 && len > n && line[n] == ':' && g_ascii_strncasecmp(line, names[i], n) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Appends the fields of @section, `HEADER.FIELDS (A B)`, folded lines and all. */
static void
put_fields(GString *out, const char *text, gsize len, const char *section)
{
    g_autofree char *list = g_strdup(strchr(section, '(') + 1);
    g_auto(GStrv) names = g_strsplit(g_strdelimit(list, ")", ' '), " ", 0);
    const char *end = text + len;
    gboolean wanted = FALSE;

    while (text < end) {
        const char *newline = memchr(text, '\n', (gsize)(end - text));
        const char *next = newline != NULL ? newline + 1 : end;

        if (*text == '\r' || *text == '\n')
            break;
        if (*text != ' ' && *text != '\t')
            wanted = is_wanted(text, (gsize)(next - text), names);
        if (wanted)
            g_string_append_len(out, text, next - text);
        text = next;
    }
    g_string_append(out, "\r\n");
}

static gboolean
is_withheld(const FakeConn *conn, const char *text, gsize len, const char *section)
{
    const char *marker = conn->server->faults.no_body_marker;

    return marker != NULL && *section == '\0' && memmem(text, len, marker, strlen(marker)) != NULL;
}

static void
put_body(FakeConn *conn, const FakeMessage *message, const char *section)
{
    g_autoptr(GString) body = g_string_new(NULL);
    gsize len, middle;
    const char *text = g_bytes_get_data(message->body, &len);

    if (is_withheld(conn, text, len, section)) {
        g_string_append(conn->reply, "BODY[] NIL");
        return;
    }
    if (strchr(section, '(') != NULL)
        put_fields(body, text, len, section);
    else
        g_string_append_len(body, text, (gssize)len);
    g_string_append_printf(conn->reply, "BODY[%s] {%zu}\r\n", section, body->len);
    middle = conn->reply->len + body->len / 2;
    if (*section == '\0')
        g_array_append_val(conn->bodies, middle);
    g_string_append_len(conn->reply, body->str, (gssize)body->len);
}

static void
put_items(FakeConn *conn, const FakeMessage *message, const Items *items)
{
    GString *out = conn->reply;

    g_string_append_printf(out, "UID %u", message->uid);
    if (items->flags) {
        g_string_append(out, " FLAGS ");
        fake_put_flags(out, &message->flags);
    }
    if (items->date) {
        g_string_append(out, " INTERNALDATE ");
        fake_put_date(out, message->date);
    }
    if (items->size)
        g_string_append_printf(
            out,
            " RFC822.SIZE %zu",
            g_bytes_get_size(message->body) + conn->server->faults.size_more);
    if (items->modseq)
        g_string_append_printf(out, " MODSEQ (%" G_GUINT64_FORMAT ")", message->modseq);
}

static void
put_message(
    FakeConn *conn, const FakeMailbox *mailbox, const FakeMessage *message, const Items *items)
{
    const char *garbled = conn->server->faults.garbled;
    GString *out = conn->reply;
    gboolean body_first = items->section != NULL && conn->server->faults.body_first;

    g_string_append_printf(out, "* %u FETCH (", sequence_of(mailbox, message));
    if (garbled != NULL && g_str_has_prefix(mailbox->name, garbled) &&
        (!conn->server->faults.garbles_bodies || items->section != NULL))
        g_string_append(out, "UID 0 ");
    if (!body_first)
        put_items(conn, message, items);
    if (items->section != NULL) {
        g_string_append(out, body_first ? "" : " ");
        put_body(conn, message, items->section);
        g_string_append(out, body_first ? " " : "");
    }
    if (body_first)
        put_items(conn, message, items);
    g_string_append(out, ")\r\n");
}

static void
do_fetch(FakeConn *conn, FakeMailbox *mailbox, const ImsUidSet *uids, FakeCursor *in)
{
    g_auto(Items) items = {0};
    g_autofree char *text = NULL;
    g_autoptr(GPtrArray) chosen = choose(mailbox, uids);

    text = in->p < in->end && *in->p == '(' ? fake_parens(in) : fake_word(in);
    parse_items(&items, text);
    in->bad |= items.bad || in->p != in->end;
    if (in->bad)
        return;
    for (guint i = 0; i < chosen->len; i++) {
        const FakeMessage *message = g_ptr_array_index(chosen, i);
        gsize len;
        const char *body = g_bytes_get_data(message->body, &len);

        if (items.section != NULL && conn->server->faults.no_body_words != NULL &&
            is_withheld(conn, body, len, items.section)) {
            fake_answer(conn, "NO %s", conn->server->faults.no_body_words);
            return;
        }
        put_message(conn, mailbox, message, &items);
    }
    fake_answer(conn, "OK Fetch completed.");
}

/* -- STORE -- */

typedef struct {
    guint64 unchangedsince;
    gboolean conditional, silent;
    char verb; /* '+', '-' or '=' */
    ImsFlags flags;
} Store;

static void
store_clear(Store *self)
{
    ims_flags_clear(&self->flags);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Store, store_clear)

static void
take_store(FakeCursor *in, Store *out)
{
    g_autofree char *verb = NULL;
    const char *name;

    if (in->p < in->end && *in->p == '(') {
        g_autofree char *modifier = fake_parens(in);

        in->bad |= g_ascii_strncasecmp(modifier, "UNCHANGEDSINCE ", 15) != 0;
        out->conditional = TRUE;
        out->unchangedsince = in->bad ? 0 : g_ascii_strtoull(modifier + 15, NULL, 10);
        fake_expect(in, ' ');
    }
    verb = fake_verb(in);
    out->verb = *verb == '+' || *verb == '-' ? *verb : '=';
    name = verb + (out->verb != '=');
    out->silent = g_str_equal(name, "FLAGS.SILENT");
    in->bad |= !out->silent && !g_str_equal(name, "FLAGS");
    fake_expect(in, ' ');
    out->flags = fake_flags_arg(in);
    in->bad |= in->p != in->end;
}

/* A server without \* in PERMANENTFLAGS drops the keywords that it does not know. */
static ImsFlags
result_of(FakeConn *conn, const FakeMessage *message, const Store *store)
{
    ImsFlags wanted = {store->flags.system, store->flags.keywords};

    if (conn->server->faults.no_new_keywords)
        wanted.keywords = NULL;
    if (store->verb == '+')
        return ims_flags_union(&message->flags, &wanted);
    if (store->verb == '-')
        return ims_flags_minus(&message->flags, &store->flags);
    return ims_flags_copy(&wanted);
}

static void
do_store(FakeConn *conn, FakeMailbox *mailbox, const ImsUidSet *uids, FakeCursor *in)
{
    g_auto(Store) store = {0};
    g_autoptr(ImsUidSet) modified = ims_uidset_new();
    g_autoptr(GPtrArray) chosen = choose(mailbox, uids);
    g_autoptr(GString) list = g_string_new(NULL);

    take_store(in, &store);
    if (in->bad)
        return;
    if (conn->read_only) {
        fake_answer(conn, "NO [READ-ONLY] Mailbox is read-only");
        return;
    }
    in->bad |= store.conditional && fake_is(mailbox, conn->server->faults.no_modseqs);
    if (in->bad || (store.verb != '-' && fake_overflows(conn, mailbox, &store.flags)))
        return;
    for (guint i = 0; i < chosen->len; i++) {
        FakeMessage *message = g_ptr_array_index(chosen, i);

        if (store.conditional && message->modseq > store.unchangedsince)
            ims_uidset_add(modified, message->uid);
        else
            fake_mailbox_set_flags(mailbox, message, result_of(conn, message, &store));
    }
    fake_tell_changes(conn, store.silent ? uids : NULL);
    fake_put_uids(list, modified);
    if (list->len > 0)
        fake_answer(conn, "OK [MODIFIED %s] Conditional store failed", list->str);
    else
        fake_answer(conn, "OK Store completed.");
}

/* -- EXPUNGE and SEARCH -- */

static void
do_expunge(FakeConn *conn, FakeMailbox *mailbox, const ImsUidSet *uids, FakeCursor *in)
{
    g_autoptr(GPtrArray) chosen = choose(mailbox, uids);
    guint before = mailbox->messages->len;

    if (conn->read_only) {
        fake_answer(conn, "NO [READ-ONLY] Mailbox is read-only");
        return;
    }
    for (guint i = 0; i < chosen->len; i++) {
        FakeMessage *message = g_ptr_array_index(chosen, i);

        if (message->flags.system & IMS_FLAG_DELETED)
            fake_mailbox_expunge(mailbox, message->uid);
    }
    conn->server->count.expunged += before - mailbox->messages->len;
    fake_tell_changes(conn, NULL);
    if (mailbox->messages->len < before)
        fake_answer(
            conn, "OK [HIGHESTMODSEQ %" G_GUINT64_FORMAT "] Expunge completed.", mailbox->modseq);
    else
        fake_answer(conn, "OK Expunge completed.");
}

/* `[RETURN (…) ]UID set`. */
static void
do_search(FakeConn *conn, FakeMailbox *mailbox, FakeCursor *in)
{
    g_autoptr(ImsUidSet) found = ims_uidset_new();
    g_autoptr(ImsUidSet) uids = NULL;
    g_autoptr(GPtrArray) chosen = NULL;
    g_autofree char *word = fake_verb(in);
    gboolean extended = g_str_equal(word, "RETURN");

    fake_expect(in, ' ');
    in->bad |= extended && strstr(conn->server->capabilities, "ESEARCH") == NULL;
    if (extended) {
        g_free(fake_parens(in));
        fake_expect(in, ' ');
        g_free(word);
        word = fake_verb(in);
        fake_expect(in, ' ');
    }
    uids = fake_uids_arg(in, largest_uid(mailbox));
    in->bad |= !g_str_equal(word, "UID") || in->p != in->end;
    if (in->bad)
        return;

    chosen = choose(mailbox, uids);
    g_string_append(conn->reply, extended ? "* ESEARCH" : "* SEARCH");
    for (guint i = 0; i < chosen->len; i++) {
        FakeMessage *message = g_ptr_array_index(chosen, i);

        ims_uidset_add(found, message->uid);
        if (!extended)
            g_string_append_printf(conn->reply, " %u", message->uid);
    }
    if (extended) {
        g_string_append_printf(conn->reply, " (TAG \"%s\") UID", conn->tag);
        g_string_append(conn->reply, chosen->len > 0 ? " ALL " : "");
        fake_put_uids(conn->reply, found);
    }
    g_string_append(conn->reply, "\r\n");
    fake_answer(conn, "OK Search completed.");
}

static const struct {
    const char *verb;
    void (*run)(FakeConn *conn, FakeMailbox *mailbox, const ImsUidSet *uids, FakeCursor *in);
} uid_commands[] = {
    {"FETCH", do_fetch},
    {"STORE", do_store},
    {"EXPUNGE", do_expunge},
};

static void
run_uid_command(FakeConn *conn, FakeMailbox *mailbox, const char *verb, FakeCursor *in)
{
    for (gsize i = 0; i < G_N_ELEMENTS(uid_commands); i++) {
        if (g_str_equal(verb, uid_commands[i].verb)) {
            g_autoptr(ImsUidSet) uids = fake_uids_arg(in, largest_uid(mailbox));

            fake_skip(in, ' ');
            if (!in->bad)
                uid_commands[i].run(conn, mailbox, uids, in);
            return;
        }
    }
    in->bad = TRUE;
}

void
fake_do_uid(FakeConn *conn, FakeCursor *in)
{
    FakeMailbox *mailbox = fake_selected(conn);
    g_autofree char *verb = NULL;
    g_autofree char *whole = NULL;

    if (mailbox == NULL)
        return;
    fake_expect(in, ' ');
    verb = fake_verb(in);
    fake_expect(in, ' ');
    whole = g_strconcat("UID ", verb, NULL);
    if (in->bad || fake_refused(conn, whole, conn->selected))
        return;
    fake_tell_changes(conn, NULL);
    if (g_str_equal(verb, "SEARCH"))
        do_search(conn, mailbox, in);
    else
        run_uid_command(conn, mailbox, verb, in);
}
