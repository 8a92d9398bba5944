/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The fake server's APPEND, with MULTIAPPEND: all members or none. */

#include <string.h>

#include "fake-private.h"

typedef struct {
    ImsFlags flags;
    gint64 date;
    GBytes *body;
} Member;

static void
member_clear(gpointer data)
{
    Member *member = data;

    ims_flags_clear(&member->flags);
    g_clear_pointer(&member->body, g_bytes_unref);
}

static Member
take_member(FakeCursor *in)
{
    Member member = {.date = g_get_real_time() / G_USEC_PER_SEC};

    fake_expect(in, ' ');
    if (in->p < in->end && *in->p == '(') {
        member.flags = fake_flags_arg(in);
        fake_expect(in, ' ');
    }
    if (in->p < in->end && *in->p == '"') {
        member.date = fake_date_arg(in);
        fake_expect(in, ' ');
    }
    in->bad |= in->p >= in->end || *in->p != '{';
    member.body = fake_string(in);
    return member;
}

/* Returns: (nullable): why this member, and with it the whole command, is refused. */
static const char *
find_objection(const FakeConn *conn, const Member *member)
{
    const char *marker = conn->server->faults.refuse_marker;
    gsize len;
    const char *text = g_bytes_get_data(member->body, &len);

    if (len == 0)
        return "Can't save a zero byte message";
    if (marker != NULL && memmem(text, len, marker, strlen(marker)) != NULL)
        return "[LIMIT] Refused by the test";
    return NULL;
}

/* One MODSEQ for all members, as Dovecot does it. */
static void
store_members(FakeConn *conn, FakeMailbox *mailbox, GArray *members)
{
    guint32 first = mailbox->uidnext;
    guint64 modseq = mailbox->modseq + 1;
    g_autoptr(ImsUidSet) uids = ims_uidset_new();
    g_autoptr(GString) list = g_string_new(NULL);

    for (guint i = 0; i < members->len; i++) {
        Member *member = &g_array_index(members, Member, i);
        ImsFlags flags = member->flags;
        FakeMessage *message;

        member->flags = (ImsFlags){0};
        if (conn->server->faults.no_new_keywords)
            g_clear_pointer(&flags.keywords, g_strfreev);
        message = fake_mailbox_add(mailbox, member->body, flags, member->date);
        message->modseq = mailbox->modseq = modseq;
    }
    conn->server->count.appended += members->len;
    ims_uidset_add_range(uids, first, mailbox->uidnext - 1);
    fake_put_uids(list, uids);
    if (g_strcmp0(conn->selected, mailbox->name) == 0 && conn->uidvalidity == mailbox->uidvalidity)
        fake_tell_changes(conn, NULL);
    if (!conn->server->faults.no_appenduid)
        fake_answer(
            conn, "OK [APPENDUID %u %s] Append completed.", mailbox->uidvalidity, list->str);
    else
        fake_answer(conn, "OK Append completed.");
}

void
fake_do_append(FakeConn *conn, FakeCursor *in)
{
    g_autoptr(GArray) members = g_array_new(FALSE, FALSE, sizeof(Member));
    g_autofree char *name = NULL;
    FakeMailbox *mailbox;

    g_array_set_clear_func(members, member_clear);
    fake_expect(in, ' ');
    name = fake_mailbox_arg(in);
    do {
        Member member = take_member(in);

        g_array_append_val(members, member);
    } while (!in->bad && in->p < in->end);
    in->bad |= name == NULL;
    in->bad |= members->len > 1 && strstr(conn->server->capabilities, "MULTIAPPEND") == NULL;
    if (in->bad || fake_refused(conn, "APPEND", name))
        return;

    mailbox = fake_state_mailbox(conn->server->state, name);
    if (mailbox == NULL) {
        fake_answer(conn, "NO [TRYCREATE] Mailbox doesn't exist: %s", name);
        return;
    }
    for (guint i = 0; i < members->len; i++) {
        const Member *member = &g_array_index(members, Member, i);
        const char *why = find_objection(conn, member);

        if (why != NULL) {
            if (conn->server->faults.refuse_words != NULL)
                fake_answer(conn, "%s", conn->server->faults.refuse_words);
            else
                fake_answer(conn, "NO %s", why);
            return;
        }
        if (fake_overflows(conn, mailbox, &member->flags))
            return;
    }
    store_members(conn, mailbox, members);
}
