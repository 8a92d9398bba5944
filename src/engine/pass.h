/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "imap/conn.h"
#include "model/pattern.h"
#include "model/report.h"
#include "util/clock.h"

/* One sync of one account, from connecting to the last commit. */

typedef struct {
    const ImsEndpoint *endpoint[IMS_N_SIDES];
    const char *identity[IMS_N_SIDES]; /* see ims_store_open() */
    const char *state_path;
    const char
        *folder[IMS_N_SIDES];    /* our form: where the account stands there; NULL: everywhere */
    const ImsPatterns *patterns; /* mailboxes to sync; NULL: all */
    const ImsPatterns *ignore;   /* and of them not these; NULL: none */
    char **mailboxes;            /* our names; NULL: all */
    gboolean has_max_deletions;
    guint max_deletions; /* deletions let through without asking, if has_max_deletions */
    gboolean dry_run;    /* only reading commands, and nothing is remembered */
    const ImsClock *clock;
    /* Called in this thread, between waits; must not wait. */
    void (*progress)(const ImsProgress *progress, gpointer data);
    /* Called in this thread where the token of @side was refused, which may have become too old:
     * puts a new one into its endpoint. May wait, for as long as the pump's cancel allows.
     * @out_other: whether it is another one. NULL: there is none to be had. Errors are told as they
     * are. */
    gboolean (*renew)(ImsSide side, gboolean *out_other, gpointer data, GError **error);
    gboolean (*fuse)(gpointer data); /* for tests, else NULL: see ims_store_set_fuse() */
    gpointer data;
} ImsPassOrder;

/**
 * ims_pass_run:
 * @pump: the calling thread's
 * @error: (out) (optional): why the pass ended before its end; what it had settled stays settled
 *
 * Makes both sides equal. Whatever stands alone (a refused message, a held mailbox) is an issue in
 * the report and no error. In a dry run the report is the plan: its counts are of what would be
 * done, and its issues those that would be open then.
 *
 * Errors: all of ims_conn_open()'s and IMS_ERROR_STATE, prefixed with the side.
 *
 * Returns: (transfer full): never NULL: what was done, also beside an error.
 */
ImsReport *ims_pass_run(ImsPump *pump, const ImsPassOrder *order, GError **error);

/**
 * ims_pass_test:
 * @error: (out) (optional): of the first side that has one
 *
 * Connects and logs in to one side after the other, lists its mailboxes, and disconnects. Changes
 * nothing, opens no mailbox, and remembers nothing. A side that fails does not keep the other from
 * being tested.
 *
 * Errors: those of ims_conn_open(), and IMS_ERROR_SERVER_REJECTED, prefixed with the side.
 *
 * Returns: (transfer full): never NULL: the facts of both sides, also beside an error.
 */
ImsReport *ims_pass_test(ImsPump *pump, const ImsPassOrder *order, GError **error);

/**
 * ims_pass_recall:
 * @identity: (array fixed-size=2): see ims_store_open()
 *
 * Reads what the last passes have left: mailboxes (without their roles, which are not remembered)
 * and issues. Changes nothing.
 *
 * Errors: IMS_ERROR_STATE.
 *
 * Returns: (transfer full): a report, empty if there is no state file, or one of other servers.
 */
ImsReport *ims_pass_recall(const char *state_path, const char *const identity[2], GError **error);
