/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* The names of errors are the bus's: each code has one, and only one. */
#include "util/error.h"

#include "util/clock.h"

static void
test_names(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint code = 0; code < IMS_N_ERRORS; code++) {
        const char *name = ims_error_name((ImsError)code);

        g_assert_nonnull(name);
        g_assert_true(g_ascii_isupper(*name));
        g_assert_true(g_hash_table_add(seen, (gpointer)name));
    }
    g_assert_cmpstr(ims_error_name(IMS_ERROR_AUTH_FAILED), ==, "AuthFailed");
    g_assert_cmpstr(ims_error_name(IMS_ERROR_BUSY), ==, "Busy");
}

static void
test_clock(void)
{
    const ImsClock *clock = ims_clock_system();
    gint64 before = g_get_monotonic_time(), real_before = g_get_real_time();

    g_assert_cmpint(ims_clock_monotonic(clock), >=, before);
    g_assert_cmpint(ims_clock_monotonic(clock), <=, g_get_monotonic_time());
    g_assert_cmpint(ims_clock_real(clock), >=, real_before);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/util/error/each-code-has-its-own-name", test_names);
    g_test_add_func("/util/clock/system-clock-is-the-machine's", test_clock);
    return g_test_run();
}
