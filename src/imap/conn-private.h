/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "imap/conn.h"
#include "imap/session.h"
#include "net/deflate.h"

struct ImsConn {
    ImsPump *pump;
    const ImsClock *clock;
    ImsLink *link;      /* NULL: closed */
    ImsLinkCount count; /* of the link when it was closed */
    ImsSession session;
    ImsOffers remembered; /* by which the login was sent ahead; not known: it was not */
    ImsCmd *login;        /* LOGIN or AUTHENTICATE, if nobody has looked at its reply; or NULL */
    ImsCmd *enable;       /* ENABLE, likewise */
    gboolean refused;     /* the login was answered NO */
    gboolean confirmed;   /* we are in */
    gint64 patience_us;   /* how long this server may still keep us waiting */
    guint64 n_replies, n_octets; /* when that was reckoned */
    ImsCompress compress;        /* as the endpoint has it; NO once it was asked for */
    ImsCmd *asked;               /* COMPRESS, unanswered or not heeded yet; NULL: none */
    ImsDeflate *deflate;         /* NULL: octets are what they mean */
    const char *way;             /* by which it logs in; NULL: by none, or not yet */
    gboolean logged_in;          /* and what it offers then is known */
    ImsFacts *facts;             /* to be told of it when the link closes; NULL: nobody asks */
};

/** ims_conn_heed_compress: waits for the answer to COMPRESS, if it was sent, and does as it says.
 * Before that nothing can be sent, and nothing that stands behind the answer is heard. */
gboolean ims_conn_heed_compress(ImsConn *self, GError **error);
/** ims_conn_wants_compress: whether the endpoint does; FALSE once it was asked for. */
gboolean ims_conn_wants_compress(const ImsConn *self);
/** ims_conn_tell: what is known of the connection, whose link must be there. */
void ims_conn_tell(const ImsConn *self, ImsFacts *facts);

/** ims_conn_usable: Returns: whether the connection lives; else FALSE with the error that ended it.
 */
gboolean ims_conn_usable(ImsConn *self, GError **error);
/** ims_conn_fail: closes the connection at once. @fault: (transfer full): why; later verbs give it
 * again. Returns: FALSE, with @error set to it. */
gboolean ims_conn_fail(ImsConn *self, GError *fault, GError **error);
/** ims_conn_pump: ims_pump_until() on this connection, the session being what @ready is asked
 * about; any error of it ends the connection. */
gboolean ims_conn_pump(
    ImsConn *self, ImsReady ready, gint64 deadline_us, gint64 stall_us, GError **error);
/** ims_conn_pump_for: the same for a question about @what. */
gboolean ims_conn_pump_for(
    ImsConn *self,
    ImsReady ready,
    gconstpointer what,
    gint64 deadline_us,
    gint64 stall_us,
    GError **error);
/** ims_conn_wait_until: ims_conn_wait() with a deadline instead of a stall limit. */
gboolean ims_conn_wait_until(ImsConn *self, ImsCmd *cmd, gint64 deadline_us, GError **error);
/** ims_conn_await_go_on: waits until the server lets the literal come, or answers @cmd instead. */
gboolean ims_conn_await_go_on(ImsConn *self, const ImsCmd *cmd, gint64 deadline_us, GError **error);

/** ims_conn_make_room: waits while too much is on its way. To be called before each command. */
gboolean ims_conn_make_room(ImsConn *self, GError **error);
/** ims_conn_issue: sends a command that is @text. Returns: (transfer full) (nullable). */
ImsCmd *ims_conn_issue(
    ImsConn *self, const char *name, guint wants, const char *text, GError **error);
/** ims_conn_issue_named: sends "@name @mailbox@tail". A name that cannot be sent is answered by a
 * NO of our own: it fails this mailbox, not the connection. */
ImsCmd *ims_conn_issue_named(
    ImsConn *self,
    const char *name,
    guint wants,
    const char *mailbox,
    const char *tail,
    GError **error);
/** ims_conn_issue_set: sends @cmd as one or more commands "@head set@tail", none of them long; as
 * none if @uids is empty. @cmd: (transfer full). Returns: (transfer full) (nullable). */
ImsCmd *ims_conn_issue_set(
    ImsConn *self,
    ImsCmd *cmd,
    const char *head,
    const ImsUidSet *uids,
    const char *tail,
    GError **error);

#define IMS_CONNECT_US (20 * G_USEC_PER_SEC)  /* for the network's part of opening */
#define IMS_CONTROL_US (120 * G_USEC_PER_SEC) /* without an octet, while a command is answered */
#define IMS_STALL_US   (60 * G_USEC_PER_SEC)  /* without an octet, in a literal */

/** ims_conn_stage_end: Returns: the deadline of a stage of the login that begins now. */
gint64 ims_conn_stage_end(const ImsConn *self);
/** ims_conn_ask_capabilities: unless those of this stage are known. */
gboolean ims_conn_ask_capabilities(ImsConn *self, GError **error);
/** ims_conn_start_tls: from a greeting in the clear to a session that knows nothing of it. */
gboolean ims_conn_start_tls(ImsConn *self, const ImsTlsPolicy *policy, GError **error);
/** ims_conn_authenticate: sends @cmd as an AUTHENTICATE by @way and waits until it is answered.
 * Errors: also IMS_ERROR_AUTH_FAILED, if the mechanism cannot send name or password, or if the
 * server does not know the password. */
gboolean ims_conn_authenticate(
    ImsConn *self, ImsCmd *cmd, ImsAuth way, const ImsEndpoint *endpoint, GError **error);
/** ims_conn_login: sends what ims_conn_open() says, and waits for what it has to. @offers: not
 * known: nothing goes ahead. */
gboolean ims_conn_login(
    ImsConn *self, const ImsEndpoint *endpoint, const ImsOffers *offers, GError **error);

/** ims_conn_await_greeting: of a server that talks to us, and is not logged in unless @may_preauth.
 */
gboolean ims_conn_await_greeting(ImsConn *self, gboolean may_preauth, GError **error);
/** ims_conn_sent_login: @cmd, which logs in, is on its way: what is asked for from now on is asked
 * for by us. */
void ims_conn_sent_login(ImsConn *self, ImsCmd *cmd);
/** ims_conn_enable: issues ENABLE QRESYNC. */
gboolean ims_conn_enable(ImsConn *self, GError **error);
/** ims_conn_identify: issues ID (RFC 2971), with our name and version only, if the server has it.
 * Nobody waits for its reply. */
gboolean ims_conn_identify(ImsConn *self, GError **error);
/** ims_conn_heed_login: waits for the reply to the login, if nobody has looked at it. Errors: as
 * ims_conn_open(). */
gboolean ims_conn_heed_login(ImsConn *self, GError **error);
