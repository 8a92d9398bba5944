/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* An IMAP server that keeps its mailboxes in memory and speaks as Dovecot does, with everything a
 * test needs to be nasty: changes by "another client" at any moment, faults, lies, and a fuse that
 * cuts the connection at any step. All functions may be called from any thread. Names of mailboxes
 * are UTF-8 in the server's spelling; flags are keys of ims_flags_to_key(), NULL for none. */
typedef struct FakeServer FakeServer;

/* A mailbox with this name is written in a modified UTF-7 that nobody else would make of it. */
#define FAKE_ODD      "\xc3\xa4\xc3\xb6"
#define FAKE_ODD_WIRE "&AOQ-&APY-"

/** fake_server_new: @without: (nullable): capabilities to leave out, such as "LITERAL+
 * MULTIAPPEND". The server has an INBOX. */
FakeServer *fake_server_new(char delimiter, const char *without);
void fake_server_free(FakeServer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeServer, fake_server_free)
/** fake_server_argv: Returns: (transfer none): the command whose stdin and stdout are a connection,
 * greeted by PREAUTH. */
char **fake_server_argv(const FakeServer *self);

/** fake_hang_up: closes all connections, and waits until what had come on them is dealt with. */
void fake_hang_up(FakeServer *self);

/* -- what another client does -- */

guint32 fake_add(
    FakeServer *self, const char *mailbox, const char *body, const char *flags, gint64 date);
void fake_set_flags(FakeServer *self, const char *mailbox, guint32 uid, const char *flags);
void fake_expunge(FakeServer *self, const char *mailbox, guint32 uid);
/** fake_move: Returns: the UID in @to. */
guint32 fake_move(FakeServer *self, const char *from, guint32 uid, const char *to);
void fake_create(FakeServer *self, const char *mailbox);
void fake_delete(FakeServer *self, const char *mailbox);
/** fake_rename: with its children. */
void fake_rename(FakeServer *self, const char *from, const char *to);
/** fake_set_uidvalidity: a new UIDVALIDITY, all messages numbered anew from 1. */
void fake_set_uidvalidity(FakeServer *self, const char *mailbox, guint32 uidvalidity);
/** fake_set_last: as a mailbox that has lived long: what comes next gets @uidnext, and
 * mod-sequences above @modseq. */
void fake_set_last(FakeServer *self, const char *mailbox, guint32 uidnext, guint64 modseq);
void fake_subscribe(FakeServer *self, const char *mailbox);
void fake_unsubscribe(FakeServer *self, const char *mailbox);
/** fake_lose_modseqs: as a server that lost its index: all mod-sequences begin anew, below those
 * told before; UIDVALIDITY and UIDs stay. */
void fake_lose_modseqs(FakeServer *self, const char *mailbox);
/** fake_forget_expunges: from now on VANISHED (EARLIER) over-reports: all UIDs that do not stand.
 */
void fake_forget_expunges(FakeServer *self, const char *mailbox);

/** fake_set_namespaces: @personal: prefix of the personal namespace, "" if none; @shared:
 * (nullable): prefix of the shared one. CREATE is answered NO outside of the personal one. */
void fake_set_namespaces(FakeServer *self, const char *personal, const char *shared);

/* -- looking -- */

/** fake_dump: Returns: (transfer full): mailboxes by name, without the personal namespace's prefix
 * and those of the shared one, with `/` between levels, and for each of
 * its messages digest, date and flags, sorted: equal for two servers that hold the same. */
char *fake_dump(FakeServer *self);
gboolean fake_exists(FakeServer *self, const char *mailbox);
gboolean fake_is_subscribed(FakeServer *self, const char *mailbox);
guint fake_count(FakeServer *self, const char *mailbox);
/** fake_find: Returns: the first message whose text contains @marker; 0 if there is none. */
guint32 fake_find(FakeServer *self, const char *mailbox, const char *marker);
/** fake_flags: Returns: (transfer full): the key. */
char *fake_flags(FakeServer *self, const char *mailbox, guint32 uid);
/** fake_mail: Returns: (transfer full): a message with a header of its own for each @name. */
char *fake_mail(const char *name);

/* -- backups -- */

typedef struct FakeSnapshot FakeSnapshot;

FakeSnapshot *fake_snapshot(FakeServer *self);
/** fake_restore: puts the whole server back to @snapshot, which stays usable; open connections get
 * a BYE. */
void fake_restore(FakeServer *self, const FakeSnapshot *snapshot);
void fake_snapshot_free(FakeSnapshot *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeSnapshot, fake_snapshot_free)

/* -- faults -- */

typedef enum {
    FAKE_BEFORE,  /* the command has come and is not executed */
    FAKE_AFTER,   /* it is executed and the reply is not sent */
    FAKE_BODY,    /* a body is about to be sent: half of it goes */
    FAKE_LITERAL, /* the octets of a literal are about to be read */
} FakePhase;

/* @command is a command's line without its tag and the octets of literals, such as
 * `UID FETCH 1:3 (UID BODY.PEEK[])`. @cut and @on_command run in a connection's thread, one at a
 * time over all servers, and may call the functions above. */
typedef struct {
    const char *refuse_marker; /* NO to an APPEND whose text contains it */
    const char *refuse_words;  /* or this answer, such as "BAD What?" */
    /* what to answer NO with; NULL to go on. @mailbox may be NULL. Must not call back. */
    const char *(*refuse)(const char *verb, const char *mailbox, gpointer data);
    gboolean no_new_keywords;   /* PERMANENTFLAGS without \*; keywords are dropped */
    gboolean promises_keywords; /* and yet PERMANENTFLAGS has \* */
    guint keywords_max;         /* of a mailbox; NO to a STORE or APPEND of more; 0: no limit */
    gboolean folds_case;        /* CREATE makes the name lower case */
    gboolean read_only;     /* SELECT is READ-ONLY, STORE and EXPUNGE are answered NO; APPEND not */
    gboolean mailbox_ids;   /* MAILBOXID in SELECT */
    guint size_more;        /* RFC822.SIZE is so much more than the octets of the body */
    gboolean body_first;    /* FETCH tells everything else behind the body */
    gboolean no_uidnext;    /* SELECT leaves UIDNEXT out */
    gboolean no_appenduid;  /* the reply to an APPEND has no code */
    const char *no_status;  /* LIST gives no STATUS of this mailbox, nor does STATUS */
    const char *no_modseqs; /* this mailbox is NOMODSEQ */
    const char *lie_mailbox; /* here VANISHED (EARLIER) also names @lie_uids */
    const char *lie_uids;
    guint lie_missing; /* and there EXISTS is so many too low */
    /* `BODY[] NIL` for a message whose text contains it */
    const char *no_body_marker;
    const char *no_body_words; /* or NO with these words, to a FETCH of bodies that comes to it */
    gboolean garbles_bodies;   /* of what follows, only lines with a whole body */
    const char *garbled; /* all FETCH lines of mailboxes whose names begin with it are no IMAP */
    const char *alert;   /* what a LIST is answered with */
    /* whether to drop the connection now */
    gboolean (*cut)(FakePhase phase, const char *command, gpointer data);
    /* before the command is executed */
    void (*on_command)(FakeServer *server, const char *command, gpointer data);
    /* before LIST tells of @mailbox; may move messages, but make and remove no mailbox */
    void (*on_status)(FakeServer *server, const char *mailbox, gpointer data);
    gpointer data;
} FakeFaults;

/** fake_set_faults: @faults: (nullable): NULL for none; its strings are borrowed. */
void fake_set_faults(FakeServer *self, const FakeFaults *faults);

typedef struct {
    guint connections, commands, selects, appended, expunged;
} FakeCount;

FakeCount fake_server_count(FakeServer *self);
void fake_server_reset_count(FakeServer *self);
