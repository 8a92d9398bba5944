/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "model/auth.h"
#include "model/delta.h"
#include "model/facts.h"
#include "model/naming.h"
#include "model/offers.h"
#include "model/side.h"
#include "net/pump.h"
#include "util/clock.h"
#include "wire/parse.h"

/* One connection to one server, as the engine sees it: straight-line verbs over a sans-I/O session
 * and the pump. Verbs *issue* a command and return without waiting (but for room in the window of
 * 64 commands or 64 KiB outstanding); ims_conn_wait() collects. Mailbox names are UTF-8 in the
 * server's spelling. Untagged data belongs to the oldest unanswered command that asks for such
 * data, FETCH lines to each one that asks for such UIDs, up to the next SELECT: Dovecot holds
 * tagged replies back. What no command asked for is dropped, since the closing SELECT (QRESYNC)
 * tells it again; over 64 MiB of it without anything new that one asked for is an error, as are
 * results of one command over 16 MiB, or, of a mailbox that was said to be larger, over 256 octets
 * for each of its messages and 256 MiB in all. Behind a SELECT that was answered NO, a BAD to what
 * needs a mailbox counts as a NO.
 *
 * Errors of all functions that take a GError: IMS_ERROR_CANCELLED; IMS_ERROR_OFFLINE (gone, BYE,
 * silent); IMS_ERROR_PROTOCOL (a BAD, or bytes that are no IMAP). After any of them the connection
 * is dead, and its pending commands stay IMS_REPLY_PENDING: what they did is unknown. */

typedef enum {
    IMS_ENDPOINT_TLS,
    IMS_ENDPOINT_STARTTLS, /* TLS begins behind a STARTTLS, or nobody logs in */
    IMS_ENDPOINT_LOOPBACK, /* in the clear, on this computer only */
    IMS_ENDPOINT_COMMAND
} ImsEndpointType;

/* COMPRESS=DEFLATE (RFC 4978), where the server has it. */
typedef enum {
    IMS_COMPRESS_AUTO, /* over a network, but not on this computer */
    IMS_COMPRESS_YES,
    IMS_COMPRESS_NO,
} ImsCompress;

/* How to reach a server, and as whom. */
typedef struct {
    ImsEndpointType type;
    const char *side; /* (nullable): static: of the account, as ims_side_name() has it */
    ImsCompress compress;
    char *host;
    guint16 port;
    ImsProxy proxy;   /* TLS, STARTTLS */
    ImsTlsPolicy tls; /* TLS, STARTTLS */
    char *username;   /* COMMAND: NULL if PREAUTH is expected */
    char *password;   /* wiped when freed */
    ImsAuthList auth; /* how to log in */
    char **argv;      /* COMMAND */
    char **envp;      /* COMMAND: NULL to inherit */
} ImsEndpoint;

ImsEndpoint *ims_endpoint_new(ImsEndpointType type);
ImsEndpoint *ims_endpoint_copy(const ImsEndpoint *self);
void ims_endpoint_free(ImsEndpoint *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsEndpoint, ims_endpoint_free)

typedef struct ImsConn ImsConn;

/* A command; refcounted. Its results may be taken after its reply. */
typedef struct ImsCmd ImsCmd;
typedef enum { IMS_REPLY_PENDING, IMS_REPLY_OK, IMS_REPLY_NO } ImsReply;

void ims_cmd_unref(ImsCmd *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsCmd, ims_cmd_unref)
ImsReply ims_cmd_reply(const ImsCmd *self);
/** ims_cmd_code: Returns: (transfer none): the code of the tagged reply; type NONE if it had none.
 */
const ImsCode *ims_cmd_code(const ImsCmd *self);
/** ims_cmd_text: Returns: (transfer none): the tagged reply's code and text, escaped for people. */
const char *ims_cmd_text(const ImsCmd *self);

/**
 * ims_conn_open:
 *
 * @offers: of the server as it was last time, by ims_conn_offers(); or not known
 *
 * Connects, reads the greeting, begins TLS if that is due (what came before is forgotten), logs in
 * unless a COMMAND is PREAUTH, learns the capabilities from wherever they come, says by ID who we
 * are, ENABLEs QRESYNC and requires its `* ENABLED`; the last is left to ims_conn_confirm(), so
 * that what is asked for first goes in the same flight. It logs in by the first of the endpoint's
 * ways that the server offers: by LOGIN, in whose flight others may go, only if name and password
 * are plain ASCII or there is no other way.
 *
 * If @offers is known, the login goes ahead of the greeting (behind the handshake, always); by
 * LOGIN its reply is left to ims_conn_confirm() as well, so that all goes in one flight. What fails
 * then may be the fault of @offers: see ims_conn_was_misled(); where this still waits for the login
 * it tries again by itself without them.
 *
 * A PREAUTH on a network link, a STARTTLS that is missing, refused or followed by more octets, a
 * server that offers no such login, and a missing QRESYNC, UIDPLUS, LIST-EXTENDED or LIST-STATUS
 * are refused, and so is iCloud, whose QRESYNC is known to be broken. Waits; each stage has a
 * deadline of 30 seconds (20 for connect and handshake, each if TLS begins later).
 *
 * Errors: also IMS_ERROR_AUTH_FAILED, IMS_ERROR_CREDENTIALS_MISSING,
 * IMS_ERROR_CERTIFICATE_REJECTED, IMS_ERROR_SERVER_UNSUPPORTED, IMS_ERROR_SERVER_REJECTED,
 * IMS_ERROR_CONFIG.
 */
ImsConn *ims_conn_open(
    ImsPump *pump,
    const ImsEndpoint *endpoint,
    const ImsOffers *offers,
    const ImsClock *clock,
    GError **error);
/**
 * ims_conn_open_told:
 * @facts: empty, and there for as long as the connection: when that ends, or does not
 * come about, it is told all that was learnt of it, but for the listing and the error
 *
 * As ims_conn_open(), of a server of which nothing is known yet.
 */
ImsConn *ims_conn_open_told(
    ImsPump *pump,
    const ImsEndpoint *endpoint,
    const ImsClock *clock,
    ImsFacts *facts,
    GError **error);
/** ims_conn_confirm: waits until we are in and QRESYNC is enabled; ims_conn_wait() does so first.
 * Errors: those of ims_conn_open(). */
gboolean ims_conn_confirm(ImsConn *self, GError **error);
/** ims_conn_was_misled: Returns: whether what has failed may not have if the connection had been
 * opened without its @offers: it ended before it was confirmed, or the server is not any more as it
 * is remembered. */
gboolean ims_conn_was_misled(const ImsConn *self);
/** ims_conn_went_ahead: Returns: whether it was opened with @offers that were not confirmed as they
 * are, and not because somebody has cancelled it. */
gboolean ims_conn_went_ahead(const ImsConn *self);
/** ims_conn_offers: @out: (out) (transfer full): of a confirmed connection: what to remember; not
 * known if the server has not told, or too much. */
void ims_conn_offers(const ImsConn *self, ImsOffers *out);
/** ims_conn_free: closes at once; sends LOGOUT first only if the connection is alive and idle, and
 * does not wait for the answer. */
void ims_conn_free(ImsConn *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsConn, ims_conn_free)

/** ims_conn_fault: Returns: (transfer none) (nullable): what ended the connection. */
const GError *ims_conn_fault(const ImsConn *self);
/** ims_conn_alert: Returns: (transfer none) (nullable): the first ALERT since the login, escaped:
 * it has to be shown (RFC 9051 section 7.1). */
const char *ims_conn_alert(const ImsConn *self);
ImsLinkCount ims_conn_count(const ImsConn *self);
/** ims_conn_has: @capability: in capitals, such as "MULTIAPPEND". */
gboolean ims_conn_has(const ImsConn *self, const char *capability);
/** ims_conn_server: Returns: (transfer none) (nullable): name and version of the server by ID (RFC
 * 2971), escaped; NULL if it has not told. */
const char *ims_conn_server(const ImsConn *self);
/** ims_conn_append_limit: Returns: octets of the greatest message that the server takes (RFC 7889);
 * G_MAXUINT64 if it does not say. */
guint64 ims_conn_append_limit(const ImsConn *self);

/** ims_conn_wait: waits for @cmd's reply. A NO is TRUE, see ims_cmd_reply(); a BAD is an error.
 * 120 seconds without an octet are an error. So is, for this and every other wait, a server that
 * lets us wait for more than 600 seconds since its last reply, and a hundredth of a second for each
 * octet that was sent, or came and that any command asked for. */
gboolean ims_conn_wait(ImsConn *self, ImsCmd *cmd, GError **error);

/**
 * ims_conn_compress:
 *
 * Ends a flight by asking for compression, if the endpoint wants it and the server has it; does
 * nothing if it has been asked before. What is issued next waits for the answer, which comes behind
 * those of this flight, and is compressed unless that was a NO.
 */
gboolean ims_conn_compress(ImsConn *self, GError **error);
/** ims_conn_heed_compress: waits for the answer to COMPRESS, if it was sent, and does as it says.
 * Before that nothing can be sent, and nothing that stands behind the answer is heard. */
gboolean ims_conn_heed_compress(ImsConn *self, GError **error);

/* -- the tree -- */

typedef struct {
    char *name; /* UTF-8, the server's spelling */
    char *wire; /* NULL; else @name only stands for it, and it has to be sent as it is: see
                   ims_conn_select_listed() */
    char delimiter;
    guint attributes; /* IMS_LIST_* */
    const char *role; /* static; "" if none */
    guint have;       /* IMS_STATUS_*: 0 if no STATUS came */
    ImsPoint point;
} ImsListing;

/** ims_conn_list: LIST "" "*" RETURN (SUBSCRIBED [SPECIAL-USE] STATUS (MESSAGES UIDNEXT UIDVALIDITY
 * HIGHESTMODSEQ)). Result: ims_cmd_listings(). */
ImsCmd *ims_conn_list(ImsConn *self, GError **error);
/** ims_conn_status: STATUS (UIDNEXT), for its reply: whether there is such a mailbox. What else it
 * tells goes to the LIST behind it. */
ImsCmd *ims_conn_status(ImsConn *self, const char *mailbox, GError **error);
/** ims_cmd_listings: Returns: (transfer none) (element-type ImsListing): in the server's order. */
GPtrArray *ims_cmd_listings(const ImsCmd *self);
/** ims_conn_namespace: NAMESPACE (RFC 2342); a server without it is taken to have none. Result:
 * ims_cmd_spaces(). */
ImsCmd *ims_conn_namespace(ImsConn *self, GError **error);
/** ims_cmd_spaces: Returns: (transfer none) (element-type ImsSpace): in the server's order. */
const GPtrArray *ims_cmd_spaces(const ImsCmd *self);
ImsCmd *ims_conn_create(ImsConn *self, const char *mailbox, GError **error);
/** ims_conn_subscribe: SUBSCRIBE, or UNSUBSCRIBE. */
ImsCmd *ims_conn_subscribe(ImsConn *self, const char *mailbox, gboolean subscribed, GError **error);

/* -- one mailbox -- */

/**
 * ims_conn_select:
 * @since: (nullable): the committed point; with a modseq: `(QRESYNC (uidvalidity modseq
 * 1:uidnext-1))`. NULL, a modseq of 0 or a uidnext of 1: a plain SELECT.
 *
 * Result: ims_cmd_take_delta() (fresh empty). A NO leaves nothing selected.
 */
ImsCmd *ims_conn_select(ImsConn *self, const char *mailbox, const ImsPoint *since, GError **error);
/** ims_conn_select_listed: a plain SELECT. @wire: (nullable): of the ImsListing that has @mailbox.
 */
ImsCmd *ims_conn_select_listed(
    ImsConn *self, const char *mailbox, const char *wire, GError **error);
ImsDelta *ims_cmd_take_delta(ImsCmd *self);

/** ims_conn_fetch_meta: UID FETCH @first:* (UID FLAGS INTERNALDATE RFC822.SIZE). Result:
 * ims_cmd_take_messages(): ascending, without doubles, without UIDs below @first. */
ImsCmd *ims_conn_fetch_meta(ImsConn *self, guint32 first, GError **error);
/** ims_conn_fetch_headers: the fields that the fingerprint needs; result: ims_cmd_take_messages(),
 * with IMS_HAVE_FINGERPRINT for those whose header came. */
ImsCmd *ims_conn_fetch_headers(ImsConn *self, const ImsUidSet *uids, GError **error);
GArray *ims_cmd_take_messages(ImsCmd *self);
/** ims_conn_search_uids: UID SEARCH UID @uids: which of them stand. Result: ims_cmd_uids(). */
ImsCmd *ims_conn_search_uids(ImsConn *self, const ImsUidSet *uids, GError **error);
/** ims_cmd_uids: Returns: (transfer none): of SEARCH, those found; of STORE, those MODIFIED. */
const ImsUidSet *ims_cmd_uids(const ImsCmd *self);

/** ims_conn_fetch_flags: UID FETCH @uids (UID FLAGS); result: ims_cmd_take_messages(). */
ImsCmd *ims_conn_fetch_flags(ImsConn *self, const ImsUidSet *uids, GError **error);

typedef enum { IMS_STORE_ADD, IMS_STORE_REMOVE } ImsStoreVerb;

/** ims_conn_store: UID STORE, not silent. @unchangedsince: 0 for none. Results:
 * ims_cmd_take_messages() (the FETCH lines: UID, FLAGS, MODSEQ) and ims_cmd_uids() (MODIFIED). Like
 * all verbs that take a set, it becomes several commands if the set does not fit in 8,000 octets;
 * its reply is NO if one of theirs was. */
ImsCmd *ims_conn_store(
    ImsConn *self,
    const ImsUidSet *uids,
    ImsStoreVerb verb,
    const ImsFlags *flags,
    guint64 unchangedsince,
    GError **error);
/** ims_conn_expunge: UID EXPUNGE @uids. */
ImsCmd *ims_conn_expunge(ImsConn *self, const ImsUidSet *uids, GError **error);

/* -- bodies -- */

/** ims_conn_fetch_bodies: UID FETCH @uids (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[]); read
 * by ims_conn_next_body() and ims_conn_read_body(). One at a time on a connection. */
ImsCmd *ims_conn_fetch_bodies(ImsConn *self, const ImsUidSet *uids, GError **error);
/**
 * ims_conn_next_body:
 * @out: (out): UID, flags and date; RFC822.SIZE if the line has it
 * @out_size: (out): octets of the body
 * @out_more: (out): FALSE: the command has ended, @out is untouched
 *
 * Waits for the next body; one whose line has any of these behind it is spooled first. Messages
 * that are gone (NIL, or never answered) or have no flags or date are passed over; what is left of
 * the body before is an error of the caller's.
 *
 * Errors: also IMS_ERROR_STATE: a body could not be spooled, for want of room.
 */
gboolean ims_conn_next_body(
    ImsConn *self,
    ImsCmd *cmd,
    ImsMessage *out,
    guint64 *out_size,
    gboolean *out_more,
    GError **error);
/** ims_conn_read_body: waits for octets of the body. @out_data: (transfer none): valid until the
 * next call on this connection; @out_len: 0 at its end. Stall limit 60 seconds. */
gboolean ims_conn_read_body(ImsConn *self, const guint8 **out_data, gsize *out_len, GError **error);

/**
 * ims_conn_append_begin:
 *
 * Begins an APPEND. Then for each message (several only with MULTIAPPEND) ims_conn_append_message()
 * and its octets by ims_conn_append_write(); then ims_conn_append_end(). Nothing is stored by a
 * server before the end. Nothing else may be issued on the connection in between.
 */
ImsCmd *ims_conn_append_begin(ImsConn *self, const char *mailbox, GError **error);
/** ims_conn_append_message: flags by whitelist, date re-formatted, `{size+}` by LITERAL+ or
 * LITERAL-, else a synchronising literal, for which it waits. @out_refused: (out): the server
 * answered NO instead of `+`; the command has ended. */
gboolean ims_conn_append_message(
    ImsConn *self,
    ImsCmd *cmd,
    const ImsFlags *flags,
    gint64 date,
    guint64 size,
    gboolean *out_refused,
    GError **error);
/** ims_conn_append_write: takes all @len octets; waits while more than 256 KiB are unsent. */
gboolean ims_conn_append_write(ImsConn *self, const guint8 *data, gsize len, GError **error);
/** ims_conn_append_end: sends what makes the server store; the octets of each message must be
 * complete. Result: the code APPENDUID. */
gboolean ims_conn_append_end(ImsConn *self, ImsCmd *cmd, GError **error);
