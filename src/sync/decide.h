/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "model/delta.h"
#include "model/row.h"
#include "sync/merge.h"

/* What to do about one mailbox: a pure function of the base and what both sides say. */

typedef struct {
    GPtrArray *rows; /* ImsRow: every one that a delta names or that is pending */
    const ImsDelta *delta[IMS_N_SIDES];    /* since the base's points */
    guint32 cursor[IMS_N_SIDES];           /* all below it has been dealt with */
    guint64 n_rows[IMS_N_SIDES];           /* rows that stand on that side, before these deltas */
    const ImsUidSet *awaited[IMS_N_SIDES]; /* unknown ones that are no new mail yet; NULL: none */
    gboolean full[IMS_N_SIDES];            /* the delta's fresh are *all* messages of that side */
    gboolean unite;                        /* flags of the base cannot be trusted */
} ImsView;

/* Flags to be changed on one side of a pair. */
typedef struct {
    ImsRow *row; /* of the view */
    ImsSide side;
    ImsFlags add, del;
} ImsFlagStep;

typedef struct {
    gboolean
        miscounted; /* law 5: what the server counts is not what we know: nothing else is set */
    GArray *copies[IMS_N_SIDES];   /* [to]: ImsMessage of the other side, ascending UID */
    GPtrArray *flags;              /* ImsFlagStep */
    gboolean waiting[IMS_N_SIDES]; /* flags could not be set there, as it may only be read; they are
                                      still a change in the base */
    GPtrArray *changed;            /* ImsRow of the view to be saved as they now stand */
    GPtrArray *dropped;  /* ImsRow of the view to be deleted: gone on every side they had */
    GPtrArray *restored; /* ImsRow of the view: gone on one side, wanted back by the other;
                            deleted once the copy (it is among the copies) has a row */
    GPtrArray
        *strangers;  /* new ImsRow: singles that a full comparison found on both sides, and the
                        ends of pairs that turned out to be two messages: only adoption can tell */
    guint64 pending; /* rows whose deletion is on its way, held ones not counted */
} ImsPlan;

/**
 * ims_decide:
 * @view: its rows are updated in place: @gone, @hash, and @flags where nothing has to be carried
 *
 * Expunges are no part of the plan: a row with a bit in @gone is the order to expunge its twin, and
 * it lives in the state file until that is settled.
 */
ImsPlan *ims_decide(ImsView *view);
/**
 * ims_flag_step_settle:
 * @fetched: (nullable): the flags that the server showed in answer to the STORE
 *
 * Notes in the step's row that the change has been carried: for the flags of the step, and for no
 * others. Without
 * @fetched (a STORE that changed nothing, or that was refused) the written side keeps its base.
 */
void ims_flag_step_settle(ImsFlagStep *step, const ImsFlags *fetched);
void ims_plan_free(ImsPlan *self);
/** ims_plan_is_empty: Returns: whether both sides agree: there is nothing to copy and no flag to
 * set. */
gboolean ims_plan_is_empty(const ImsPlan *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsPlan, ims_plan_free)
