/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "util/clock.h"

/* When to try again what failed by something that may pass. A value; all 0 is its beginning. */
typedef struct {
    guint n_failures; /* in a row, each when its time had come */
    gint64 due_us;    /* monotonic; 0: nothing is waited for */
    gint64 shown_us;  /* the same since the epoch, as it was told when it was set */
} ImsBackoff;

/**
 * ims_backoff_fail:
 * @random: 0 to 1
 *
 * Takes a failure: the next try is due 30 s after the first one, twice that after each further one,
 * 30 minutes at most, and a tenth more or less by @random, so that not all who lost a server come
 * back to it at once. One that failed before its time, since somebody did not want to wait, leaves
 * the time as it was. Never waits.
 */
void ims_backoff_fail(ImsBackoff *self, const ImsClock *clock, double random);
/** ims_backoff_left: Returns: microseconds until it is due; 0 if it is, or nothing is waited for.
 */
gint64 ims_backoff_left(const ImsBackoff *self, const ImsClock *clock);
/** ims_backoff_take: its time has come: nothing is waited for, and the next failure counts. */
void ims_backoff_take(ImsBackoff *self);
/** ims_backoff_reset: after a success, or when there is nothing to try any more. */
void ims_backoff_reset(ImsBackoff *self);
