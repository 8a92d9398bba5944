/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The progress bar, drawn without a terminal. */

#include "cli/progress.h"

#include <string.h>

#include "cli/show.h"

static const ImsProgressView copying = {
    .phase = "copying",
    .mailbox = "Archive/2019",
    .messages_done = 500,
    .messages_total = 2000,
    .bytes_done = 25000000,
    .bytes_total = 100000000,
    .fraction = 0.25,
    .bytes_per_second = 5000000,
};

static void
check_line(const ImsProgressView *view, guint width, const char *want)
{
    g_autofree char *got = ims_progress_line(view, width);

    g_assert_cmpstr(got, ==, want);
}

static void
test_whole(void)
{
    check_line(
        &copying,
        120,
        "copying  Archive/2019  [#####...............]  500/2000  25.0 MB/100.0 MB  5.0 MB/s  15 s "
        "left");
}

static void
test_drops_by_rank(void)
{
    check_line(
        &copying,
        90,
        "copying  Archive/2019  [#####...............]  500/2000  25.0 MB/100.0 MB  15 s left");
    check_line(&copying, 70, "copying  Archive/2019  [#####...............]  500/2000  15 s left");
    check_line(&copying, 50, "copying  Archive/2019  500/2000  15 s left");
    check_line(&copying, 31, "copying  Archive/2019  500/2000");
    check_line(&copying, 21, "copying  Archive/2019");
    check_line(&copying, 14, "copying  Arch…");
    check_line(&copying, 5, "copy…");
    check_line(&copying, 0, "");
}

static void
test_name_takes_what_is_left(void)
{
    ImsProgressView view = copying;

    view.mailbox = "邮件邮件邮件邮件邮件邮件邮件邮件邮件邮件";
    check_line(&view, 70, "copying  邮件邮件邮件邮…  [#####...............]  500/2000  15 s left");
}

static void
test_nothing_known(void)
{
    ImsProgressView view = {.account = "work", .phase = "listing", .mailbox = "", .fraction = -1};

    check_line(&view, 80, "work: listing mailboxes");
    view.phase = "of-tomorrow";
    check_line(&view, 80, "work: working");
}

static void
test_odd_numbers(void)
{
    ImsProgressView view = copying;

    view.fraction = 7;
    view.bytes_done = 2 * view.bytes_total;
    check_line(
        &view,
        120,
        "copying  Archive/2019  [####################]  500/2000  200.0 MB/100.0 MB  5.0 MB/s");

    view = copying;
    view.bytes_per_second = 0.001; /* a time left of weeks helps nobody */
    view.fraction = -1;
    check_line(
        &view, 120, "copying  Archive/2019  [#####...............]  500/2000  25.0 MB/100.0 MB");
}

/* Whatever the width, the line is no wider. */
static void
test_never_wider(void)
{
    static const char *const names[] = {"", "I", "INBOX", "邮件/2019", "Entwürfe/sehr/tief/unten"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        ImsProgressView view = copying;

        view.account = "somebody@example.net";
        view.mailbox = names[i];
        for (guint width = 0; width < 150; width++) {
            g_autofree char *line = ims_progress_line(&view, width);

            g_assert_cmpuint(ims_show_width(line), <=, width);
            g_assert_null(strchr(line, '\n'));
        }
    }
}

static void
test_rate_settles(void)
{
    ImsRate rate = {0};

    for (gint64 tick = 0; tick <= 80; tick++)
        ims_rate_sample(&rate, (guint64)tick * 250, G_USEC_PER_SEC * (1000 + tick) / 4);
    g_assert_cmpfloat_with_epsilon(rate.per_second, 1000, 1);

    for (gint64 tick = 81; tick <= 160; tick++) /* the line gets four times as fast */
        ims_rate_sample(
            &rate, 20000 + (guint64)(tick - 80) * 1000, G_USEC_PER_SEC * (1000 + tick) / 4);
    g_assert_cmpfloat_with_epsilon(rate.per_second, 4000, 20);
}

static void
test_rate_survives_odd_samples(void)
{
    ImsRate rate = {0};

    ims_rate_sample(&rate, 1000, 1);
    g_assert_cmpfloat(rate.per_second, ==, 0);
    ims_rate_sample(&rate, 2000, 1); /* no time has passed */
    g_assert_cmpfloat(rate.per_second, ==, 0);
    ims_rate_sample(&rate, 2000, 1 + G_USEC_PER_SEC / 10); /* a burst out of a buffer */
    g_assert_cmpfloat(rate.per_second, ==, 0);
    ims_rate_sample(&rate, 2000, 1 + G_USEC_PER_SEC);
    g_assert_cmpfloat_with_epsilon(rate.per_second, 1000, 1);
    ims_rate_sample(&rate, 10, 1 + 2 * G_USEC_PER_SEC); /* another phase counts from 0 */
    g_assert_cmpfloat(rate.per_second, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/cli/progress/all-parts-if-there-is-room", test_whole);
    g_test_add_func("/cli/progress/least-telling-part-goes-first", test_drops_by_rank);
    g_test_add_func("/cli/progress/name-takes-what-is-left", test_name_takes_what_is_left);
    g_test_add_func("/cli/progress/unknown-is-left-out", test_nothing_known);
    g_test_add_func("/cli/progress/odd-numbers-do-no-harm", test_odd_numbers);
    g_test_add_func("/cli/progress/never-wider-than-the-terminal", test_never_wider);
    g_test_add_func("/cli/rate/settles-on-the-true-one", test_rate_settles);
    g_test_add_func("/cli/rate/survives-odd-samples", test_rate_survives_odd_samples);

    return g_test_run();
}
