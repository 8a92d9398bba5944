/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "imap/caps.h"
#include "imap/cmd.h"
#include "model/fingerprint.h"
#include "net/pump.h"
#include "util/buf.h"
#include "util/error.h"
#include "util/spool.h"
#include "wire/parse.h"

/* The protocol of one connection without its I/O: bytes in, bytes out, the commands in flight. The
 * pump moves the bytes through ims_session_client; nothing here waits. After an error no more bytes
 * go out: they might be a message that the server would take for commands. */

#define IMS_BODY_MAX  (64 * 1024)  /* octets of a body that wait for their reader */
#define IMS_SPOOL_MAX (256 * 1024) /* octets of a spooled body that stay in memory */

/* Whether what comes is the server's. */
typedef enum {
    IMS_CHANNEL_SAFE,   /* TLS, a command, or loopback */
    IMS_CHANNEL_CLEAR,  /* anybody may speak: only what leads to TLS is heard, and nothing shown */
    IMS_CHANNEL_SEALED, /* the OK to STARTTLS has come: not an octet may follow */
    IMS_CHANNEL_PACKED, /* the OK to COMPRESS has come: what follows is not for this parser yet */
} ImsChannel;

/* How far the login is: what the server is asked for, and what it tells its capabilities of. */
typedef enum {
    IMS_STAGE_ANYBODY, /* not begun */
    IMS_STAGE_AHEAD,   /* sent before the greeting was read: capabilities told before its OK are
                          still those of anybody */
    IMS_STAGE_US,      /* sent, or not needed */
} ImsStage;

/* One body: handed out while it comes in, or, if what belongs to it has not come before it, spooled
 * until the end of its line. */
typedef struct {
    gboolean open; /* begun, and its end not yet seen by the reader */
    gboolean told; /* given out by ims_session_take_body() */
    ImsMessage message;
    guint64 size;
    guint64 to_come;   /* octets that the stream still holds */
    ImsSpool *spool;   /* NULL: it is not spooled; not open: its line has not ended */
    guint64 n_unasked; /* of the session, before the spooled body */
    gboolean quoted; /* not in the stream: a quoted string inside the parser, which must not move */
    gboolean quoted_lent;
    ImsBuf arriving; /* taken from the stream, not given out */
    ImsBuf lent;     /* given out by the last ims_session_read_body() */
} ImsBody;

/* An APPEND that is being sent. */
typedef struct {
    ImsCmd *cmd; /* NULL: none */
    guint n_messages;
    guint64 left; /* announced octets that have not been written yet */
} ImsAppend;

/* The line that is being sent, as the trace shows it. */
typedef struct {
    GString *line;    /* NULL: none yet */
    guint64 n_hidden; /* octets behind @line that are not shown */
} ImsTrace;

typedef struct {
    const char *side; /* (nullable): static: of the account, for the trace */
    ImsTrace trace;
    ImsParser *parser;
    ImsBuf output;
    GQueue sent; /* commands that are unanswered, the oldest first */
    guint last_tag;
    GError *error; /* why the session is dead; NULL while it lives */

    ImsChannel channel;
    gboolean greeted;
    ImsCondition greeting; /* OK, PREAUTH or BYE */
    char *bye;             /* text of a BYE, escaped; NULL if none came */
    ImsError bye_error;    /* and what it means */
    ImsStage stage;
    ImsCaps offered;       /* to anybody */
    ImsCaps caps;          /* to us, once we are in; while it is AHEAD, as they are remembered */
    ImsCaps early;         /* told behind the greeting while it is AHEAD: to us, if it lets us in */
    char *server;          /* its name and version, escaped; NULL: it has not told */
    gboolean logged_in;    /* what is said now is said to us, and not to anybody */
    gboolean qresync;      /* the server said that it is enabled */
    gboolean selected;     /* as of the last reply */
    guint32 n_exists;      /* messages of the mailbox that is selected, or about to be */
    gboolean awaits_go_on; /* a literal, or SASL, waits for its "+" */
    char *challenge;       /* what stood behind the last "+" that was waited for; or NULL */

    GPtrArray *secrets; /* what logs us in, in each form in which it was sent; wiped */

    guint64 n_replies; /* that were tagged */
    guint64 n_useful;  /* octets up to the last that somebody had asked for */
    guint64 n_unasked; /* octets since then */
    char *alert;       /* the first ALERT since the login, escaped; NULL if none came */

    ImsBody body;
    gboolean held;          /* the parser stands at a body whose turn has not come */
    ImsFingerprint *header; /* eats the section that is coming in */
    ImsAppend append;
} ImsSession;

extern const ImsPumpClient ims_session_client;

void ims_session_init(ImsSession *self);
void ims_session_clear(ImsSession *self);
/** ims_session_fail: ends the session. @error: (transfer full). */
void ims_session_fail(ImsSession *self, GError *error);
/** ims_session_closed: sets the error that the end of the stream means here: OFFLINE, with the text
 * of a BYE; before the login is accepted also AUTH_FAILED and SERVER_REJECTED, if a BYE says so. */
void ims_session_closed(const ImsSession *self, GError **error);
/** ims_session_secured: TLS has begun: all that came before is forgotten, but for there having been
 * a greeting. No command may be unanswered. */
void ims_session_secured(ImsSession *self);
/** ims_session_unpacked: somebody inflates what comes from now on. */
void ims_session_unpacked(ImsSession *self);
/** ims_session_is_idle: Returns: whether the session lives and nothing is on its way. */
gboolean ims_session_is_idle(const ImsSession *self);

/** ims_session_hide: words that hold @secret will not be shown, as a server, or a command on the
 * way to one, may repeat what it was sent. */
void ims_session_hide(ImsSession *self, const char *secret);
/** ims_session_repeats: Returns: whether @text holds one of the secrets, or eight octets of it. */
gboolean ims_session_repeats(const ImsSession *self, const char *text);
/** ims_session_words: Returns: (transfer full): what @response says, escaped, for people; or why
 * that is not shown. */
char *ims_session_words(const ImsSession *self, const ImsResponse *response);

/** ims_session_begin: sends a tag and @text, which a trace shows, without the end of the line. */
void ims_session_begin(ImsSession *self, ImsCmd *cmd, const char *text);
/** ims_session_send: sends a whole command. */
void ims_session_send(ImsSession *self, ImsCmd *cmd, const char *text);
/** ims_session_has: whether the server can do what is asked for at this stage. @word: in capitals.
 */
gboolean ims_session_has(const ImsSession *self, const char *word);
/** ims_session_put: sends octets of a login or a message, of which a trace shows the number only.
 * What passes the maximum of unsent octets ends the session. */
void ims_session_put(ImsSession *self, gconstpointer data, gsize len);
/** ims_session_put_text: sends what a trace may show, which it does once the line ends. */
void ims_session_put_text(ImsSession *self, const char *text);
/** ims_session_put_literal: sends the announcement of a literal. If the server has to be asked
 * (no LITERAL+, nor LITERAL- and a small size), awaits_go_on is set until it answers. */
void ims_session_put_literal(ImsSession *self, guint64 size);

/** ims_session_oldest: Returns: (transfer none) (nullable): the oldest unanswered command that
 * wants one of @wants. */
ImsCmd *ims_session_oldest(const ImsSession *self, guint wants);

/** ims_session_has_body: Returns: whether a body has begun that was not told yet. */
gboolean ims_session_has_body(const ImsSession *self);
/** ims_session_take_body: tells of it. @out: (out): (transfer full). */
void ims_session_take_body(ImsSession *self, ImsMessage *out, guint64 *out_size);
/** ims_session_body_at_end: Returns: whether all octets of the body have been given out. */
gboolean ims_session_body_at_end(const ImsSession *self);
/** ims_session_body_ready: Returns: whether ims_session_read_body() has octets to give, or the end.
 */
gboolean ims_session_body_ready(const ImsSession *self);
/** ims_session_read_body: Returns: the number of octets at @out_data, which stay until the next
 * call; 0 if the body is at its end, if no octet is there yet, or if a spooled one cannot be read:
 * then the session has ended. */
gsize ims_session_read_body(ImsSession *self, const guint8 **out_data);
/** ims_session_close_body: the reader is through with the body; the next one may begin. */
void ims_session_close_body(ImsSession *self);

/* Between session.c and trace.c: to be called only if IMS_LOG_IMAP is on, but for the last. */
void ims_session_trace_text(ImsSession *self, const char *text);
void ims_session_trace_hidden(ImsSession *self, gsize len);
/** ims_session_trace_response: the parser has just come to the end of one. */
void ims_session_trace_response(const ImsSession *self);
void ims_session_trace_clear(ImsSession *self);

/* Between session.c, stream.c and flood.c. */
/** ims_session_asked: what came now was asked for. */
void ims_session_asked(ImsSession *self);
/** ims_session_count: @len octets came. Errors: IMS_ERROR_PROTOCOL, if too many have come that
 * nobody asked for. */
gboolean ims_session_count(ImsSession *self, gsize len, GError **error);
/** ims_session_collect: ims_cmd_collect() of data that counts as asked for if it was new. */
gboolean ims_session_collect(
    ImsSession *self, ImsCmd *cmd, const ImsResponse *response, GError **error);
/** ims_session_collect_message: likewise ims_cmd_collect_message(). */
gboolean ims_session_collect_message(
    ImsSession *self, ImsCmd *cmd, const ImsMessage *message, GError **error);
/** ims_session_take_alert: keeps and logs the first ALERT since the login. */
void ims_session_take_alert(ImsSession *self, const ImsResponse *response);
/** ims_session_body_begins: the parser stands at a body. Errors: IMS_ERROR_PROTOCOL. */
gboolean ims_session_body_begins(ImsSession *self, GError **error);
/** ims_session_body_line_ends: a FETCH line told @message; a body of it that was spooled opens. */
void ims_session_body_line_ends(ImsSession *self, const ImsMessage *message);
/** ims_session_body_stalls: Returns: whether nothing more can be taken until the reader has read.
 */
gboolean ims_session_body_stalls(const ImsSession *self);
/** ims_session_body_feed: Returns: how many octets of the body were taken. */
gsize ims_session_body_feed(ImsSession *self, const guint8 *data, gsize len);
/** ims_session_reader: ims_session_oldest() among those that the data of the selected mailbox may
 * be for: not behind an unanswered SELECT. */
ImsCmd *ims_session_reader(const ImsSession *self, guint wants);
