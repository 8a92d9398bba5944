/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* The machine's clock as an ImsClock. Tests bring their own. */
#include "util/clock.h"

static gint64
system_monotonic_us(gpointer data)
{
    return g_get_monotonic_time();
}

static gint64
system_real_us(gpointer data)
{
    return g_get_real_time();
}

const ImsClock *
ims_clock_system(void)
{
    static const ImsClock clock = {.monotonic_us = system_monotonic_us, .real_us = system_real_us};

    return &clock;
}
