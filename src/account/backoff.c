/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* How long to leave a server alone. */

#include "account/backoff.h"

#define FIRST_US   (30 * G_USEC_PER_SEC)
#define LONGEST_US (30 * 60 * (gint64)G_USEC_PER_SEC)

gint64
ims_backoff_left(const ImsBackoff *self, const ImsClock *clock)
{
    gint64 left_us = self->due_us - ims_clock_monotonic(clock);

    if (self->due_us == 0)
        return 0;
    /* the monotonic clock stops while the machine sleeps */
    return MAX(MIN(left_us, self->shown_us - ims_clock_real(clock)), 0);
}

void
ims_backoff_fail(ImsBackoff *self, const ImsClock *clock, double random)
{
    gint64 wait_us = FIRST_US;

    if (ims_backoff_left(self, clock) > 0)
        return;
    for (guint i = 0; i < self->n_failures && wait_us < LONGEST_US; i++)
        wait_us *= 2;
    wait_us = MIN(wait_us, LONGEST_US);
    wait_us += (gint64)((double)wait_us * (random - 0.5) / 5);

    self->n_failures++;
    self->due_us = ims_clock_monotonic(clock) + wait_us;
    self->shown_us = ims_clock_real(clock) + wait_us;
}

void
ims_backoff_take(ImsBackoff *self)
{
    self->due_us = 0;
    self->shown_us = 0;
}

void
ims_backoff_reset(ImsBackoff *self)
{
    *self = (ImsBackoff){0};
}
