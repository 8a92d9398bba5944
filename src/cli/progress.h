/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* How far a job is, as one line of a terminal. Pure: time and width are parameters. */

/* How fast bytes move, smoothed over some seconds. Zero is a valid start. */
typedef struct {
    gint64 at_us; /* of the last sample; 0: none yet */
    guint64 bytes;
    double per_second; /* 0: not known */
} ImsRate;

/**
 * ims_rate_sample:
 * @bytes: moved so far; less than at the last sample starts anew
 * @now_us: monotonic, above 0
 */
void ims_rate_sample(ImsRate *self, guint64 bytes, gint64 now_us);

typedef struct {
    const char *account; /* shown in front; NULL: not shown */
    const char *phase;   /* as on the bus */
    const char *mailbox; /* or "" */
    guint64 messages_done, messages_total;
    guint64 bytes_done, bytes_total;
    double fraction;         /* of the whole; below 0: unknown */
    double bytes_per_second; /* 0: unknown */
} ImsProgressView;

/**
 * ims_progress_read:
 * @view: (inout): borrows from @progress
 * @progress: an `a{sv}` as Job.Progress; what is not there is left as it is in @view
 */
void ims_progress_read(ImsProgressView *view, GVariant *progress);

/** ims_progress_phase: Returns: (transfer none): a phase in the user's language. */
const char *ims_progress_phase(const char *phase);

/** ims_progress_begun: Returns: (transfer full): that the view's phase has begun; for logs. */
char *ims_progress_begun(const ImsProgressView *view);

/**
 * ims_progress_line:
 * @width: of the line in columns
 *
 * What does not fit is left out, the least telling first, and the mailbox's name is cut.
 *
 * Returns: (transfer full): one line, at most @width columns wide, without a line's end.
 */
char *ims_progress_line(const ImsProgressView *view, guint width);
