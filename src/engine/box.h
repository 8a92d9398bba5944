/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "engine/pass.h"
#include "model/mailbox.h"
#include "state/store.h"
#include "sync/decide.h"
#include "util/error.h"

/* What a pass holds while it runs. Shared by the files of this floor, seen by no other. */

/* One mailbox in a pass. */
typedef struct {
    ImsMailbox *mailbox;         /* as in the state file */
    char *spelling[IMS_N_SIDES]; /* as each server writes the name */
    gboolean there[IMS_N_SIDES];
    guint have[IMS_N_SIDES]; /* IMS_STATUS_* of the last listing */
    ImsPoint listed[IMS_N_SIDES];
    gboolean subscribed;
    const char *role; /* static */

    ImsDelta *delta[IMS_N_SIDES]; /* of this round */
    GPtrArray *rows;              /* ImsRow, owned; the plan points into them */
    ImsPlan *plan;
    gboolean full;      /* compare all messages in the next gather */
    gboolean unite;     /* and trust no flag of the base */
    gboolean again;     /* another round is needed */
    gboolean postponed; /* a step could not be settled: the points must stay where they are */
    gboolean left;      /* left alone for the rest of the pass */
    gboolean selected;  /* some round opened it */
    guint miscounts;
    ImsUidSet *unread[IMS_N_SIDES];     /* asked for and not given, in this round */
    ImsUidSet *unreadable[IMS_N_SIDES]; /* in an earlier round of this pass */
    ImsSummary done;
} ImsBox;

typedef struct {
    const ImsPassOrder *order;
    ImsPump *pump;
    ImsStore *store;
    ImsConn *conn[IMS_N_SIDES];
    ImsBox *selected[IMS_N_SIDES]; /* what each connection has open, its identity seen */
    GPtrArray *boxes;              /* ImsBox: those on both sides, by name */
    GPtrArray *alone;              /* ImsBox: those on one side that stay there */
    char delimiter[IMS_N_SIDES];
    GHashTable
        *issues; /* keys of the open issues, so that settling one costs nothing if there is none */
    ImsProgress progress;
    ImsReport *report;
} ImsPass;

ImsBox *ims_box_new(ImsMailbox *mailbox);
void ims_box_free(ImsBox *self);
/** ims_box_clear_round: drops deltas, rows and plan. */
void ims_box_clear_round(ImsBox *self);

/** ims_pass_tell: reports @phase and, if not NULL, @box. */
void ims_pass_tell(ImsPass *self, ImsPhase phase, const ImsBox *box);
/** ims_pass_count: adds to the pass's and the mailbox's summary. */
void ims_pass_count(ImsPass *self, ImsBox *box, ImsCount count, guint64 n);

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
/** ims_pass_leave: an issue mailbox-failed; @box is left alone for the rest of the pass. */
gboolean ims_pass_leave(
    ImsPass *self, ImsBox *box, ImsSide side, const char *detail, GError **error);

/**
 * ims_box_select:
 * @out_open: (out): FALSE: refused, or another mailbox by that name by now; @box is then left alone
 *
 * Opens @box on @side, unless it is open there, and compares its identity with the base's. Waits.
 */
gboolean ims_box_select(
    ImsPass *self, ImsBox *box, ImsSide side, gboolean *out_open, GError **error);
/** ims_box_identity_holds: whether @delta is of the mailbox that the base knows. */
gboolean ims_box_identity_holds(const ImsBox *box, ImsSide side, const ImsDelta *delta);

/** ims_uidset_cut: Returns: (transfer full) (element-type ImsUidSet): @uids in parts that each fit
 * into a command line. */
GPtrArray *ims_uidset_cut(const ImsUidSet *uids);

/* The stages of a round, each over all @boxes (element-type ImsBox), in this order. */
/** ims_hold_for_adoption: both sides hold mail and no base says what belongs together. */
gboolean ims_hold_for_adoption(ImsPass *self, ImsBox *box, GError **error);
gboolean ims_gather(ImsPass *self, GPtrArray *boxes, GError **error);
gboolean ims_recover(ImsPass *self, GPtrArray *boxes, GError **error);
gboolean ims_decide_all(ImsPass *self, GPtrArray *boxes, GError **error);
gboolean ims_copy(ImsPass *self, GPtrArray *boxes, ImsSide to, GError **error);
gboolean ims_carry_flags(ImsPass *self, GPtrArray *boxes, GError **error);
/* And last, once no new mail is left anywhere: */
gboolean ims_remove(ImsPass *self, GPtrArray *boxes, GError **error);
/** ims_list: lists both sides and brings @boxes up to date; creates what is missing only if @first.
 */
gboolean ims_list(ImsPass *self, gboolean first, GError **error);
