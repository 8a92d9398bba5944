/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* How long a server is left alone, by a clock that the test drives. */

#include "account/backoff.h"

#define SECOND ((gint64)G_USEC_PER_SEC)
#define EPOCH  (1700000000 * SECOND)

static gint64
monotonic_us(gpointer data)
{
    return *(const gint64 *)data;
}

static gint64
real_us(gpointer data)
{
    return EPOCH + *(const gint64 *)data;
}

static void
test_doubles(void)
{
    static const gint64 want[] = {30, 60, 120, 240, 480, 960, 1800, 1800, 1800};
    gint64 now_us = 5 * SECOND;
    const ImsClock clock = {monotonic_us, real_us, &now_us};
    ImsBackoff backoff = {0};

    g_assert_cmpint(ims_backoff_left(&backoff, &clock), ==, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(want); i++) {
        ims_backoff_fail(&backoff, &clock, 0.5);
        g_assert_cmpint(ims_backoff_left(&backoff, &clock), ==, want[i] * SECOND);
        g_assert_cmpint(backoff.shown_us, ==, EPOCH + now_us + want[i] * SECOND);
        now_us += want[i] * SECOND;
        g_assert_cmpint(ims_backoff_left(&backoff, &clock), ==, 0);
        if (i % 2 == 0)
            ims_backoff_take(&backoff);
    }

    ims_backoff_reset(&backoff);
    ims_backoff_fail(&backoff, &clock, 0.5);
    g_assert_cmpint(ims_backoff_left(&backoff, &clock), ==, 30 * SECOND);
}

typedef struct {
    gint64 monotonic_us, real_us;
} Times;

static gint64
own_monotonic_us(gpointer data)
{
    return ((const Times *)data)->monotonic_us;
}

static gint64
own_real_us(gpointer data)
{
    return ((const Times *)data)->real_us;
}

/* The time that was told holds after a sleep, too; and a clock that is put back delays nothing. */
static void
test_sleep(void)
{
    Times now = {5 * SECOND, EPOCH};
    const ImsClock clock = {own_monotonic_us, own_real_us, &now};
    ImsBackoff backoff = {0};

    ims_backoff_fail(&backoff, &clock, 0.5);
    now.real_us += 10 * SECOND;
    g_assert_cmpint(ims_backoff_left(&backoff, &clock), ==, 20 * SECOND);
    now.real_us += 3600 * SECOND;
    g_assert_cmpint(ims_backoff_left(&backoff, &clock), ==, 0);
    now.real_us = 0;
    g_assert_cmpint(ims_backoff_left(&backoff, &clock), ==, 30 * SECOND);
}

/* Who does not want to wait changes nothing for the others. */
static void
test_impatient(void)
{
    gint64 now_us = 5 * SECOND;
    const ImsClock clock = {monotonic_us, real_us, &now_us};
    ImsBackoff backoff = {0};

    ims_backoff_fail(&backoff, &clock, 0.5);
    now_us += 10 * SECOND;
    ims_backoff_fail(&backoff, &clock, 0.5);
    g_assert_cmpint(ims_backoff_left(&backoff, &clock), ==, 20 * SECOND);
    g_assert_cmpuint(backoff.n_failures, ==, 1);
}

static void
test_random(void)
{
    gint64 now_us = 5 * SECOND;
    const ImsClock clock = {monotonic_us, real_us, &now_us};
    ImsBackoff early = {0}, late = {.n_failures = 100};

    ims_backoff_fail(&early, &clock, 0);
    ims_backoff_fail(&late, &clock, 1);
    g_assert_cmpint(ims_backoff_left(&early, &clock), ==, 27 * SECOND);
    g_assert_cmpint(ims_backoff_left(&late, &clock), ==, 33 * 60 * SECOND);
    g_assert_cmpuint(late.n_failures, ==, 101);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/account/backoff/doubles-up-to-half-an-hour", test_doubles);
    g_test_add_func("/account/backoff/early-failure-leaves-the-time", test_impatient);
    g_test_add_func("/account/backoff/goes-on-in-a-sleep", test_sleep);
    g_test_add_func("/account/backoff/varies-by-a-tenth", test_random);
    return g_test_run();
}
