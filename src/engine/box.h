/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "engine/pass.h"
#include "model/mailbox.h"
#include "model/naming.h"
#include "state/store.h"
#include "sync/decide.h"
#include "util/error.h"

/* What a pass holds while it runs. Shared by the files of this floor, seen by no other. */

/* One mailbox in a pass. */
typedef struct {
    ImsMailbox *mailbox;         /* as in the state file */
    char *spelling[IMS_N_SIDES]; /* as each server writes the name */
    char *wire[IMS_N_SIDES];     /* of the listing: mostly NULL */
    gboolean there[IMS_N_SIDES];
    guint have[IMS_N_SIDES]; /* IMS_STATUS_* of the last listing */
    ImsPoint listed[IMS_N_SIDES];
    ImsPoint first[IMS_N_SIDES];  /* of the first listing of this pass */
    ImsPoint looked[IMS_N_SIDES]; /* as listed when it was last looked into: see unseen.c */
    gboolean subscribed[IMS_N_SIDES];
    gboolean carries; /* its subscription travels, if it stands on both sides */
    const char *role; /* static */

    ImsDelta *delta[IMS_N_SIDES]; /* of this round */
    GPtrArray *rows;              /* ImsRow, owned; the plan points into them */
    ImsPlan *plan;
    gboolean full;     /* compare all messages in the next gather */
    gboolean unite;    /* and trust no flag of the base */
    gboolean again;    /* another round is needed */
    gboolean waits;    /* something here waits for what could not be looked at */
    gboolean left;     /* left alone for the rest of the pass */
    gboolean excluded; /* the patterns, or its namespace, leave it out */
    gboolean planned;  /* in a dry run: would be created, and all its mail be copied there */
    gboolean selected; /* some round opened it */
    gboolean put_off;  /* what would be copied, but for trouble.c */
    guint miscounts;
    guint troubles[IMS_N_SIDES];        /* refusals of that side in a row, see trouble.c */
    gboolean plain[IMS_N_SIDES];        /* takes no new keywords any more: see copy.c */
    GPtrArray *doubted[IMS_N_SIDES];    /* ImsRow, owned: see copy.c */
    ImsUidSet *unread[IMS_N_SIDES];     /* asked for and not given, in this round */
    ImsUidSet *unreadable[IMS_N_SIDES]; /* in an earlier round of this pass */
    ImsUidSet *awaited[IMS_N_SIDES];    /* copies, perhaps, of open intents; in this round */
} ImsBox;

/* What a mailbox has cost this pass so far; it outlives the connections. */
typedef struct {
    guint breaks;                     /* connections that ended at it */
    ImsUidSet *suspects[IMS_N_SIDES]; /* messages of that side that were on their way then: each
                                         goes alone */
    ImsUidSet *put_off[IMS_N_SIDES];  /* messages of that side that are not tried any more */
    ImsSide side;                     /* which side refused the last of them */
    char *detail;                     /* and its words; NULL: none is put off */
} ImsTrouble;

typedef struct {
    const ImsPassOrder *order;
    ImsPump *pump;
    ImsStore *store;
    ImsConn *conn[IMS_N_SIDES];
    ImsOffers offers[IMS_N_SIDES]; /* what each server is remembered to offer */
    gboolean misled[IMS_N_SIDES];  /* and it is not to be used any more */
    ImsBox *selected[IMS_N_SIDES]; /* what each connection has open, its identity seen */
    ImsBox *at;                    /* what the commands on their way are about; NULL: no mailbox */
    ImsUidSet *risk;               /* and which messages of it are being copied */
    ImsSide risk_from;             /* from this side */
    guint breaks;                  /* connections that ended in this pass */
    GHashTable *avoided;           /* names of mailboxes that ended connections in this pass */
    GHashTable *troubles;          /* name of a mailbox -> ImsTrouble */
    GPtrArray *boxes;              /* ImsBox: those on both sides, by name */
    GPtrArray *alone;              /* ImsBox: those on one side that stay there */
    ImsNaming naming[IMS_N_SIDES];
    GPtrArray *silent[IMS_N_SIDES];  /* spellings without STATUS in the last listing: see list.c */
    gboolean surprised[IMS_N_SIDES]; /* the late listing had a mailbox that the first had not */
    gboolean listed_again;
    gboolean opened;    /* a mailbox was, since the last listing */
    GHashTable *issues; /* keys of the open ones, so that settling what is not costs nothing */
    GHashTable *raised; /* keys of those raised in this pass */
    GHashTable *done;   /* name of a mailbox -> ImsSummary: what was done in it */
    guint64 n_removed;  /* that the guard has let through in this pass, in all its turns */
    gint64 alert_us[IMS_N_SIDES]; /* since when an alert is open; 0: none is */
    ImsProgress progress;
    ImsReport *report;
} ImsPass;

ImsBox *ims_box_new(ImsMailbox *mailbox);
void ims_box_free(ImsBox *self);
/** ims_box_clear_round: drops deltas, rows and plan. */
void ims_box_clear_round(ImsBox *self);

/** ims_pass_renew: a login has ended in @refusal: gets another token, if it went by a token that
 * the server refused. Returns: whether there is one; if not, @error is @refusal, or why there is
 * none. */
gboolean ims_pass_renew(
    const ImsPassOrder *order, ImsSide side, const GError *refusal, GError **error);
/** ims_pass_connect: opens both connections; see ims_conn_open(). */
gboolean ims_pass_connect(ImsPass *self, GError **error);
/** ims_pass_confirm: waits until both servers have let us in, and remembers what they offer. May be
 * called again. */
gboolean ims_pass_confirm(ImsPass *self, GError **error);
/** ims_pass_was_misled: Returns: whether a connection has ended because a server may not be any
 * more what it is remembered to be, and the pass can begin anew. What was remembered of one that
 * has ended before it let us in is forgotten in any case. */
gboolean ims_pass_was_misled(ImsPass *self);
/** ims_pass_disconnect: closes both. */
void ims_pass_disconnect(ImsPass *self);

/** ims_pass_tell: reports @phase and, if not NULL, @box. */
void ims_pass_tell(ImsPass *self, ImsPhase phase, const ImsBox *box);
/** ims_pass_orders: whether the mailbox @name is to be synced. */
gboolean ims_pass_orders(const ImsPass *self, const char *name);
/** ims_pass_count: adds to the pass's and the mailbox's summary. */
void ims_pass_count(ImsPass *self, ImsBox *box, ImsCount count, guint64 n);
/** ims_box_done: Returns: (transfer none): the mailbox's summary. */
ImsSummary *ims_box_done(ImsPass *self, const ImsBox *box);
/** ims_pass_count_link: adds what the connection has carried. To be called before it is closed. */
void ims_pass_count_link(ImsPass *self, ImsSide side);

/** ims_pass_note_issue: it is open in the state file. */
void ims_pass_note_issue(ImsPass *self, ImsIssueKind kind, const char *mailbox, ImsSide side);
/** ims_pass_raise: raises an issue in a transaction of its own. @detail: (nullable): escaped server
 * text. */
gboolean ims_pass_raise(
    ImsPass *self,
    ImsIssueKind kind,
    const char *mailbox,
    ImsSide side,
    guint64 count,
    const char *detail,
    GError **error);
gboolean ims_pass_has_issue(
    const ImsPass *self, ImsIssueKind kind, const char *mailbox, ImsSide side);
gboolean ims_pass_settle_issue(
    ImsPass *self, ImsIssueKind kind, const char *mailbox, ImsSide side, GError **error);
/** ims_pass_settle_failure: settles mailbox-failed of earlier passes on @side. */
gboolean ims_pass_settle_failure(ImsPass *self, const ImsBox *box, ImsSide side, GError **error);
/** ims_pass_settle_failures: settles mailbox-failed of earlier passes. */
gboolean ims_pass_settle_failures(ImsPass *self, const ImsBox *box, GError **error);
/** ims_box_awaits_rights: flags wait until @side may be written. */
gboolean ims_box_awaits_rights(const ImsPass *self, const ImsBox *box, ImsSide side);
/** ims_pass_leave: an issue mailbox-failed; @box is left alone for the rest of the pass. */
gboolean ims_pass_leave(
    ImsPass *self, ImsBox *box, ImsSide side, const char *detail, GError **error);

/** ims_pass_note_alerts: raises what the servers that are connected have told, and settles what
 * they have not told for a day. Before they are closed, and outside of a transaction. */
void ims_pass_note_alerts(ImsPass *self);

/** ims_troubles_new: Returns: (transfer full): for ImsPass. */
GHashTable *ims_troubles_new(void);
/** ims_box_trouble: Returns: (transfer none). */
ImsTrouble *ims_box_trouble(ImsPass *self, const ImsBox *box);
/** ims_box_count_trouble: @side has refused all messages of a command for a trouble of its own.
 * After too many in a row @box is left. */
gboolean ims_box_count_trouble(
    ImsPass *self, ImsBox *box, ImsSide side, const char *detail, GError **error);
/** ims_box_put_off: the message @uid of @from is not tried any more in this pass: @side has refused
 * it alone, for a trouble of its own. It stays new. */
gboolean ims_box_put_off(
    ImsPass *self,
    ImsBox *box,
    ImsSide from,
    guint32 uid,
    ImsSide side,
    const char *detail,
    GError **error);
/** ims_box_note_risk: a connection to @side has ended while messages of @box were being copied.
 * Each of them goes alone from now on; one that did is put off. */
gboolean ims_box_note_risk(
    ImsPass *self, ImsBox *box, ImsSide side, const char *detail, GError **error);
/** ims_box_spare_put_off: takes what is put off out of a new plan; if it still would be copied, the
 * issue is open. */
gboolean ims_box_spare_put_off(ImsPass *self, ImsBox *box, GError **error);

/**
 * ims_box_select:
 * @out_open: (out): FALSE: refused, or another mailbox by that name by now; @box is then left alone
 *
 * Opens @box on @side, unless it is open there, and compares its identity with the base's. Waits.
 */
gboolean ims_box_select(
    ImsPass *self, ImsBox *box, ImsSide side, gboolean *out_open, GError **error);
/** ims_box_is_gathered: whether both deltas are there, and hold. */
gboolean ims_box_is_gathered(const ImsBox *box);
/** ims_box_keeps: Returns: what @side can store; it borrows from the delta of this round. */
ImsKeeps ims_box_keeps(const ImsBox *box, ImsSide side);
/** ims_box_identity_holds: whether @delta is of the mailbox that the base knows. */
gboolean ims_box_identity_holds(const ImsBox *box, ImsSide side, const ImsDelta *delta);

/** ims_reply_may_pass: whether a NO is about the moment: asking again later makes sense. */
gboolean ims_reply_may_pass(const ImsCode *code);
/** ims_reply_is_trouble: whether a NO says that the server itself failed. It may fail so with one
 * message only, again and again. */
gboolean ims_reply_is_trouble(const ImsCode *code, const char *text);
/** ims_reply_is_about_mailbox: whether a NO is about the mailbox or the moment, not about a
 * message. Cyrus 3.6 has no code for its quota: @text. */
gboolean ims_reply_is_about_mailbox(const ImsCode *code, const char *text);
/** ims_reply_is_nonexistent: whether a NO says that there is no such mailbox. Neither Dovecot 2.3
 * nor Cyrus 3.6 always have a code for that: @text. */
gboolean ims_reply_is_nonexistent(const ImsCode *code, const char *text);
/** ims_reply_is_stale: whether a NO says that messages have gone meanwhile: what was decided does
 * not hold any more, and a new round will see. */
gboolean ims_reply_is_stale(const ImsCmd *cmd);
/** ims_hold_for_adoption: both sides hold mail and no base says what belongs together. */
gboolean ims_hold_for_adoption(ImsPass *self, ImsBox *box, GError **error);
/** ims_box_has_moved: whether the last listing shows it elsewhere than the base, or does not tell.
 */
gboolean ims_box_has_moved(const ImsBox *box);
/** ims_box_is_overdue: whether its last full comparison is a month ago. */
gboolean ims_box_is_overdue(const ImsPass *self, const ImsBox *box);
/** ims_update_deletions: after held deletions on @side may have gone: the issues' counts go down,
 * and with the last one an issue goes. */
gboolean ims_update_deletions(ImsPass *self, ImsBox *box, ImsSide side, GError **error);

/** ims_choose: adds to @work those mailboxes that the first listing, or what waits in them, gives a
 * reason to open. */
gboolean ims_choose(ImsPass *self, GPtrArray *work, GError **error);
/** ims_choose_late: lists again, and adds to @work those that have got mail since they were seen.
 */
gboolean ims_choose_late(ImsPass *self, GPtrArray *work, GError **error);

/* The stages of a round, each over all @boxes (element-type ImsBox), in this order. */
gboolean ims_gather(ImsPass *self, GPtrArray *boxes, GError **error);
gboolean ims_recover(ImsPass *self, GPtrArray *boxes, GError **error);
gboolean ims_decide_all(ImsPass *self, GPtrArray *boxes, GError **error);
gboolean ims_copy(ImsPass *self, GPtrArray *boxes, ImsSide to, GError **error);
gboolean ims_carry_flags(ImsPass *self, GPtrArray *boxes, GError **error);
/** ims_commit: what was planned goes into the base, and the points move to what their SELECTs said;
 * not in a mailbox that was left, or is wanted in full by the next round. */
gboolean ims_commit(ImsPass *self, GPtrArray *boxes, GError **error);
/** ims_plan_work: in a dry run, in place of the copies and flags: counts them. */
void ims_plan_work(ImsPass *self, GPtrArray *boxes);
/* And last, once no new mail is left anywhere: */
/** ims_remove: @known: (element-type gint64): ids of rows whose deletion was known before the
 * listing that all mailboxes have been brought up to: what vanished later may stand where nobody
 * has looked yet. Marks of deletions that do not happen now are taken away. */
gboolean ims_remove(ImsPass *self, GPtrArray *boxes, GHashTable *known, GError **error);
/* A message in a mailbox that this pass does not sync: UID, size and date, and the fingerprint once
 * it has been asked for. */
typedef struct {
    ImsBox *box;
    ImsMessage message;
} ImsUnseen;

/**
 * ims_unseen_mail:
 * @found: (inout) (element-type ImsUnseen)
 * @out_unknown: (out): there may be more, which nobody could look at
 *
 * What has come, on @side, into mailboxes that this pass does not sync: what vanished from one that
 * it does may have gone there. Opens only those that grew since the last pass, and lists once more
 * if any mailbox was opened since the last listing.
 */
gboolean ims_unseen_mail(
    ImsPass *self, ImsSide side, GArray *found, gboolean *out_unknown, GError **error);
/** ims_unseen_identify: fetches the fingerprints of all @found, as far as the server gives them. */
gboolean ims_unseen_identify(ImsPass *self, ImsSide side, GArray *found, GError **error);
/** ims_unseen_select: opens such a mailbox, of which no base says what it should be. @out: (out)
 * (transfer full). Does not wait. */
gboolean ims_unseen_select(ImsPass *self, ImsBox *box, ImsSide side, ImsCmd **out, GError **error);
/** ims_remember_unseen: after a whole pass: up to where nothing need be looked for in such
 * mailboxes any more. May list both sides again. */
gboolean ims_remember_unseen(ImsPass *self, GError **error);
/** ims_list: lists both sides and brings @boxes up to date; creates what is missing only if @first.
 */
gboolean ims_list(ImsPass *self, gboolean first, GError **error);
/** ims_carry_subscriptions: toggles what has to follow the other side, in one flight. A refusal is
 * remembered like a success, since asking again would be in vain. */
gboolean ims_carry_subscriptions(ImsPass *self, GError **error);
/** ims_plan_creation: in a dry run, in place of a CREATE on @side: counts it and the messages that
 * would be copied there. */
gboolean ims_plan_creation(ImsPass *self, ImsBox *box, ImsSide side, GError **error);
/** ims_planned_pairs: Returns: pairs that what a dry run planned, so far and of @summary, would
 * make; 0 in any other run, where they are in the state file. */
guint64 ims_planned_pairs(const ImsPass *self, const ImsSummary *summary);
/** ims_pass_report: fills the report, at the end of a pass, however it ended. */
void ims_pass_report(ImsPass *self);
