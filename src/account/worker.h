/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <gio/gio.h>

#include "account/order.h"
#include "model/report.h"

/* The thread behind an account. It owns the connections and the state file; orders go in, and
 * copies of progress and reports come out, in the main context of the thread that made it. Only
 * for a token to replace a refused one does it ask, and wait for the answer, or a cancel. All
 * functions here are for that thread, and none but the stop waits. */
typedef struct ImsWorker ImsWorker;

/* What the worker tells; all are called in the main context. */
typedef struct {
    /* at each new phase, and else at most 4 a second; @progress is valid during the call */
    void (*progress)(const ImsProgress *progress, gpointer data);
    /* wants the token of @side once more; to be answered by ims_worker_answer() */
    void (*asks)(ImsSide side, gpointer data);
    /* @last: (nullable): progress that was not told yet; @report: of a sync or a test */
    void (*ended)(const ImsProgress *last, ImsReport *report, const GError *error, gpointer data);
} ImsWorkerListener;

/** ims_worker_new: starts the thread. @name: of the account, shown as the thread's. */
ImsWorker *ims_worker_new(const char *name, const ImsWorkerListener *listener, gpointer data);

/** ims_worker_give: @order: (transfer full): run at once; the one before must have ended. */
void ims_worker_give(ImsWorker *self, ImsOrder *order);

/** ims_worker_answer: @token: (nullable): NULL: there is none, as @error says. Does nothing if
 * nothing was asked. */
void ims_worker_answer(ImsWorker *self, const char *token, const GError *error);

/**
 * ims_worker_has_listed:
 *
 * Whether the order that runs may have sent its LIST: TRUE is set before the LIST leaves, so that
 * after a FALSE what a client has written until now will be seen. Progress would tell it too late.
 */
gboolean ims_worker_has_listed(const ImsWorker *self);

/**
 * ims_worker_stop:
 * @deadline_us: monotonic; until then it waits for the thread
 *
 * Ends the thread and frees the worker; nothing is told any more. The order that runs should have
 * been cancelled before. A thread that does not come to its end in time is left behind, with what
 * it owns: to wait on would be worse.
 */
void ims_worker_stop(ImsWorker *self, gint64 deadline_us);
