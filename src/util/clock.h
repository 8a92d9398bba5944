/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* Time as a parameter, so that tests can drive it. Borrowed by everything that has a deadline. */
typedef struct {
    gint64 (*monotonic_us)(gpointer data);
    gint64 (*real_us)(gpointer data); /* microseconds since the epoch */
    gpointer data;
} ImsClock;

/** ims_clock_system: Returns: (transfer none): the machine's own clock; lives for ever. */
const ImsClock *ims_clock_system(void);

static inline gint64
ims_clock_monotonic(const ImsClock *self)
{
    return self->monotonic_us(self->data);
}

static inline gint64
ims_clock_real(const ImsClock *self)
{
    return self->real_us(self->data);
}
