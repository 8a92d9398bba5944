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

/* They go where the error goes, from thread to thread, and into its copies. */
static void
test_facts(void)
{
    g_autoptr(GError) error = g_error_new(IMS_ERROR, IMS_ERROR_OFFLINE, "gone");
    g_autoptr(GError) other = g_error_new(G_FILE_ERROR, G_FILE_ERROR_NOENT, "none");
    g_autoptr(GError) copy = NULL;
    guint64 count = 0;

    g_assert_null(ims_error_facts(error));
    g_assert_null(ims_error_facts(other));
    ims_error_set_facts(error, g_variant_new_parsed("{'count': <uint64 3>}"));
    ims_error_set_facts(error, g_variant_new_parsed("{'count': <uint64 4>}"));
    g_prefix_error(&error, "remote: ");
    copy = g_error_copy(error);
    g_clear_error(&error);
    g_assert_true(g_variant_lookup(ims_error_facts(copy), "count", "t", &count));
    g_assert_cmpuint(count, ==, 4);
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
    g_test_add_func("/util/error/facts-go-with-it", test_facts);
    g_test_add_func("/util/clock/system-clock-is-the-machine's", test_clock);
    return g_test_run();
}
