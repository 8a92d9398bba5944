/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The fake server's SELECT with QRESYNC, and how a selection ends. */

#include <string.h>

#include "fake-private.h"

FakeMailbox *
fake_selected(FakeConn *conn)
{
    FakeMailbox *mailbox = NULL;

    if (conn->selected == NULL) {
        fake_answer(conn, "BAD No mailbox selected.");
        return NULL;
    }
    mailbox = fake_state_mailbox(conn->server->state, conn->selected);
    if (mailbox != NULL && mailbox->uidvalidity == conn->uidvalidity)
        return mailbox;
    fake_untagged(conn, "BYE IMAP session state is inconsistent, please relogin.");
    conn->closing = TRUE;
    return NULL;
}

/* The parameters of SELECT. */
typedef struct {
    gboolean qresync;
    guint32 uidvalidity;
    guint64 modseq;
    ImsUidSet *known;
} Resync;

static void
resync_clear(Resync *self)
{
    g_clear_pointer(&self->known, ims_uidset_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Resync, resync_clear)

static guint64
take_number(FakeCursor *in, guint64 max)
{
    g_autofree char *word = fake_word(in);
    guint64 number = 0;

    if (!g_ascii_string_to_unsigned(word, 10, 1, max, &number, NULL))
        in->bad = TRUE;
    return number;
}

/* `(QRESYNC (uidvalidity modseq [uids]))` or `(CONDSTORE)`. Dovecot 2.3 takes no `*` here. */
static void
take_resync(FakeCursor *in, Resync *out)
{
    g_autofree char *word = NULL;

    fake_expect(in, '(');
    word = fake_verb(in);
    if (g_str_equal(word, "CONDSTORE")) {
        fake_expect(in, ')');
        return;
    }
    in->bad |= !g_str_equal(word, "QRESYNC");
    fake_expect(in, ' ');
    fake_expect(in, '(');
    out->qresync = TRUE;
    out->uidvalidity = (guint32)take_number(in, G_MAXUINT32);
    fake_expect(in, ' ');
    out->modseq = take_number(in, G_MAXINT64);
    if (fake_skip(in, ' ')) {
        in->bad |= memchr(in->p, '*', (gsize)(in->end - in->p)) != NULL;
        out->known = fake_uids_arg(in, 1);
    }
    fake_expect(in, ')');
    fake_expect(in, ')');
}

gboolean
fake_is(const FakeMailbox *mailbox, const char *named)
{
    return g_strcmp0(named, mailbox->name) == 0;
}

ImsFlags
fake_keywords(const FakeMailbox *mailbox)
{
    ImsFlags used = {0};

    for (guint i = 0; i < mailbox->messages->len; i++) {
        FakeMessage *message = g_ptr_array_index(mailbox->messages, i);

        for (char **word = message->flags.keywords; word != NULL && *word != NULL; word++)
            ims_flags_add_keyword(&used, *word);
    }
    return used;
}

gboolean
fake_overflows(FakeConn *conn, const FakeMailbox *mailbox, const ImsFlags *flags)
{
    g_auto(ImsFlags) used = fake_keywords(mailbox);
    g_auto(ImsFlags) all = ims_flags_union(&used, flags);
    guint max = conn->server->faults.keywords_max;

    if (max == 0 || all.keywords == NULL || g_strv_length(all.keywords) <= max ||
        (used.keywords != NULL && g_strv_length(used.keywords) == g_strv_length(all.keywords)))
        return FALSE;
    fake_answer(conn, "NO Too many user flags in mailbox");
    return TRUE;
}

static void
put_permanent_flags(FakeConn *conn, const FakeMailbox *mailbox)
{
    ImsFlags used = fake_keywords(mailbox);
    GString *out = conn->reply;

    used.system = IMS_FLAG_ALL;
    g_string_append(out, "* FLAGS ");
    fake_put_flags(out, &used);
    if (conn->read_only) {
        g_string_append(out, "\r\n");
        fake_untagged(conn, "OK [PERMANENTFLAGS ()] Read-only mailbox.");
        ims_flags_clear(&used);
        return;
    }
    g_string_append(out, "\r\n* OK [PERMANENTFLAGS ");
    fake_put_flags(out, &used);
    if (!conn->server->faults.no_new_keywords || conn->server->faults.promises_keywords) {
        g_string_truncate(out, out->len - 1);
        g_string_append(out, " \\*)");
    }
    g_string_append(out, "] Flags permitted.\r\n");
    ims_flags_clear(&used);
}

static void
put_mailbox_state(FakeConn *conn, const FakeMailbox *mailbox)
{
    const FakeFaults *faults = &conn->server->faults;
    guint missing = fake_is(mailbox, faults->lie_mailbox) ? faults->lie_missing : 0;

    put_permanent_flags(conn, mailbox);
    fake_untagged(conn, "%u EXISTS", mailbox->messages->len - missing);
    fake_untagged(conn, "0 RECENT");
    fake_untagged(conn, "OK [UIDVALIDITY %u] UIDs valid", mailbox->uidvalidity);
    if (!faults->no_uidnext)
        fake_untagged(conn, "OK [UIDNEXT %u] Predicted next UID", mailbox->uidnext);
    if (fake_is(mailbox, faults->no_modseqs))
        fake_untagged(conn, "OK [NOMODSEQ] No modseqs here");
    else
        fake_untagged(conn, "OK [HIGHESTMODSEQ %" G_GUINT64_FORMAT "] Highest", mailbox->modseq);
    if (conn->server->faults.mailbox_ids)
        fake_untagged(conn, "OK [MAILBOXID (%s)] Ok", mailbox->id);
}

static void
unselect(FakeConn *conn)
{
    g_clear_pointer(&conn->selected, g_free);
}

static void
open_mailbox(FakeConn *conn, const FakeMailbox *mailbox, const Resync *resync, gboolean read_only)
{
    conn->selected = g_strdup(mailbox->name);
    conn->uidvalidity = mailbox->uidvalidity;
    conn->uidnext = mailbox->uidnext;
    conn->modseq = mailbox->modseq;
    conn->read_only = read_only;
    put_mailbox_state(conn, mailbox);
    if (resync->qresync && resync->uidvalidity == mailbox->uidvalidity &&
        !fake_is(mailbox, conn->server->faults.no_modseqs))
        fake_tell_since(conn, mailbox, resync->modseq, resync->known);
    fake_answer(conn, "OK [%s] Select completed.", read_only ? "READ-ONLY" : "READ-WRITE");
}

static void
select_mailbox(FakeConn *conn, FakeCursor *in, gboolean read_only)
{
    g_autofree char *name = NULL;
    g_auto(Resync) resync = {0};

    conn->server->count.selects++;
    if (conn->selected != NULL)
        fake_untagged(conn, "OK [CLOSED] Previous mailbox closed.");
    unselect(conn);
    name = fake_take_mailbox(conn, in, "SELECT");
    if (name == NULL)
        return;
    if (fake_skip(in, ' '))
        take_resync(in, &resync);
    in->bad |= resync.qresync && !conn->qresync;
    if (in->bad || fake_answer_missing(conn, name))
        return;
    open_mailbox(
        conn,
        fake_state_mailbox(conn->server->state, name),
        &resync,
        read_only || conn->server->faults.read_only);
}

void
fake_do_select(FakeConn *conn, FakeCursor *in)
{
    select_mailbox(conn, in, FALSE);
}

void
fake_do_examine(FakeConn *conn, FakeCursor *in)
{
    select_mailbox(conn, in, TRUE);
}

void
fake_do_unselect(FakeConn *conn, FakeCursor *in)
{
    in->bad |= strstr(conn->server->capabilities, "UNSELECT") == NULL;
    if (in->bad || fake_selected(conn) == NULL)
        return;
    unselect(conn);
    fake_answer(conn, "OK Unselect completed.");
}

void
fake_do_close(FakeConn *conn, FakeCursor *in)
{
    FakeMailbox *mailbox = fake_selected(conn);

    if (mailbox == NULL)
        return;
    for (guint i = mailbox->messages->len; i > 0 && !conn->read_only; i--) {
        FakeMessage *message = g_ptr_array_index(mailbox->messages, i - 1);

        if (message->flags.system & IMS_FLAG_DELETED)
            fake_mailbox_expunge(mailbox, message->uid);
    }
    unselect(conn);
    fake_answer(conn, "OK Close completed.");
}
