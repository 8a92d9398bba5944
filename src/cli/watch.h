/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

#include "cli/command.h"

/* Following jobs to their end, with a progress bar or a line for each phase, and cancelling them
 * when the user wants to stop. */
typedef struct ImsWatch ImsWatch;

/* What the jobs are, and so what is told of their end. */
typedef enum {
    IMS_WATCH_SYNC,    /* what was done */
    IMS_WATCH_DRY_RUN, /* what would be done, mailbox by mailbox */
    IMS_WATCH_TEST,    /* whether both sides let us in */
    IMS_WATCH_FACTS,   /* and what was found there */
    IMS_WATCH_FACTS_JSON,
} ImsWatchKind;

/**
 * ims_watch_new:
 * @bus: (transfer none): outlives the watch
 * @kind: of all jobs
 *
 * Subscribes to the jobs' signals. To be called before the jobs are asked for, since a job may end
 * before the answer is read.
 *
 * Errors: IMS_ERROR_NOT_RUNNING if the bus does not let us.
 */
ImsWatch *ims_watch_new(sd_bus *bus, ImsWatchKind kind, GError **error);
void ims_watch_free(ImsWatch *self);

/**
 * ims_watch_run:
 * @jobs: an `ao`
 *
 * Waits until all of @jobs have ended, and tells for each what it did. Ctrl-C cancels the jobs, a
 * second one leaves at once.
 *
 * Returns: what stands for the worst of the results.
 */
ImsExit ims_watch_run(ImsWatch *self, GVariant *jobs);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsWatch, ims_watch_free)
