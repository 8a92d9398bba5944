/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "fake-cursor.h"
#include "fake-server.h"
#include "model/flags.h"
#include "model/uidset.h"

/* The inside of the fake server: fake-state.c keeps the mail, fake-server.c the connections,
 * fake-commands.c, -select.c, -append.c and -messages.c speak IMAP in the words of fake-cursor.c.
 * All of the state is under @mutex. */

typedef struct {
    guint32 uid;
    guint64 modseq;
    ImsFlags flags;
    gint64 date;
    GBytes *body;
} FakeMessage;

typedef struct {
    guint32 uid;
    guint64 modseq;
} FakeExpunge;

typedef struct {
    char *name, *id;
    guint32 uidvalidity, uidnext;
    guint64 modseq;      /* HIGHESTMODSEQ */
    guint64 forgotten;   /* the log of expunges begins behind this */
    GPtrArray *messages; /* FakeMessage by UID */
    GArray *expunged;    /* FakeExpunge */
} FakeMailbox;

struct FakeSnapshot {
    GPtrArray *mailboxes; /* FakeMailbox */
    GHashTable *subscribed;
    guint32 last_uidvalidity;
};

struct FakeServer {
    GMutex mutex;
    FakeSnapshot *state;
    guint generation; /* of restores */
    FakeFaults faults;
    FakeCount count;
    char delimiter;
    char *personal, *shared; /* shared: NULL: none */
    char *capabilities;
    char *directory;
    char *argv[3];
    int listener;
    GThread *acceptor;
    GPtrArray *conns; /* FakeConn */
};

typedef struct {
    FakeServer *server;
    int fd;
    GThread *thread;
    GByteArray *input;
    char *tag;
    GString *reply;
    GArray *bodies; /* gsize: offsets in @reply of the middle of each body */
    gboolean closing;
    gboolean qresync;
    /* the selected mailbox, and how much of it has been told */
    char *selected;
    guint32 uidvalidity, uidnext;
    guint64 modseq;
    guint generation;
    gboolean read_only;
} FakeConn;

/* State; call with the mutex held. */
FakeSnapshot *fake_state_new(void);
FakeMailbox *fake_state_mailbox(FakeSnapshot *self, const char *name);
FakeMailbox *fake_state_create(FakeSnapshot *self, const char *name);
void fake_state_delete(FakeSnapshot *self, const char *name);
void fake_state_rename(FakeSnapshot *self, const char *from, const char *to, char delimiter);
/** fake_mailbox_add: @flags: (transfer full). */
FakeMessage *fake_mailbox_add(FakeMailbox *self, GBytes *body, ImsFlags flags, gint64 date);
FakeMessage *fake_mailbox_message(const FakeMailbox *self, guint32 uid);
void fake_mailbox_expunge(FakeMailbox *self, guint32 uid);
/** fake_mailbox_set_flags: @flags: (transfer full): changes nothing if they are the same. */
void fake_mailbox_set_flags(FakeMailbox *self, FakeMessage *message, ImsFlags flags);

/* IMAP; call with the mutex held. */

/** fake_execute: @command: (array length=len): whole, with its tag and literals. */
void fake_execute(FakeConn *conn, const char *command, gsize len);
/** fake_rejects: Returns: whether @line is an APPEND that needs no literal to be answered NO, which
 * is then in the reply. */
gboolean fake_rejects(FakeConn *conn, const char *line, gsize len);

void fake_untagged(FakeConn *conn, const char *format, ...) G_GNUC_PRINTF(2, 3);
/** fake_answer: the tagged reply. */
void fake_answer(FakeConn *conn, const char *format, ...) G_GNUC_PRINTF(2, 3);
/** fake_refused: Returns: whether the test wants @verb to be refused, which is then answered. */
gboolean fake_refused(FakeConn *conn, const char *verb, const char *mailbox);
/** fake_is: Returns: whether @mailbox is the one that a fault names. */
gboolean fake_is(const FakeMailbox *mailbox, const char *named);
/** fake_keywords: Returns: (transfer full): all keywords in use in the mailbox. */
ImsFlags fake_keywords(const FakeMailbox *mailbox);
/** fake_overflows: Returns: whether @flags would be keywords too many for the mailbox, which is
 * then answered. */
gboolean fake_overflows(FakeConn *conn, const FakeMailbox *mailbox, const ImsFlags *flags);
/** fake_selected: Returns: (nullable): NULL if nothing is selected any more, which is then
 * answered.
 */
FakeMailbox *fake_selected(FakeConn *conn);
/** fake_tell_changes: what the client has not been told of the selected mailbox; of @silent:
 * (nullable) without flags. */
void fake_tell_changes(FakeConn *conn, const ImsUidSet *silent);

/** fake_tell_since: VANISHED (EARLIER) and FETCH of what changed in @known since @modseq. */
void fake_tell_since(
    FakeConn *conn, const FakeMailbox *mailbox, guint64 modseq, const ImsUidSet *known);
/** fake_take_mailbox: Returns: (transfer full) (nullable): the mailbox that a command names; NULL
 * if it is bad, or answered. */
char *fake_take_mailbox(FakeConn *conn, FakeCursor *in, const char *verb);
/** fake_answer_missing: Returns: whether there is no such mailbox, which is then answered. */
gboolean fake_answer_missing(FakeConn *conn, const char *name);

/* Commands of the other files; @in stands behind the verb. */
void fake_do_select(FakeConn *conn, FakeCursor *in);
void fake_do_examine(FakeConn *conn, FakeCursor *in);
void fake_do_unselect(FakeConn *conn, FakeCursor *in);
void fake_do_close(FakeConn *conn, FakeCursor *in);
void fake_do_append(FakeConn *conn, FakeCursor *in);
void fake_do_uid(FakeConn *conn, FakeCursor *in);
