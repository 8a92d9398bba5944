/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* The spool: what was written comes back, what passes the bound is in a file that nobody finds, and
 * a disk without room is an error. */
#include "util/spool.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "util/error.h"

#define MEMORY 1000 /* octets that stay in memory here */

static void
write_octets(ImsSpool *spool, gsize len)
{
    g_autoptr(GError) error = NULL;

    for (gsize i = 0; i < len; i++) {
        guint8 octet = (guint8)(i % 251);

        ims_spool_write(spool, &octet, 1, &error);
        g_assert_no_error(error);
    }
}

static void
assert_reads(ImsSpool *spool, gsize len)
{
    const guint8 *data = NULL;
    gsize n = 0, got = 0;

    do {
        g_assert_cmpint(ims_spool_at_end(spool), ==, got == len);
        g_assert_true(ims_spool_read(spool, &data, &n, NULL));
        for (gsize i = 0; i < n; i++, got++)
            g_assert_cmpuint(data[i], ==, got % 251);
    } while (n > 0);
    g_assert_cmpuint(got, ==, len);
}

static void
assert_is_empty(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);

    g_assert_true(dir == NULL || g_dir_read_name(dir) == NULL);
}

static void
test_round_trip(void)
{
    static const gsize sizes[] = {0, 1, MEMORY - 1, MEMORY, MEMORY + 1, 3 * 65536 + 5};
    g_autofree char *folder = g_build_filename(g_get_user_cache_dir(), "imapsync", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(ImsSpool) spool = ims_spool_new(MEMORY);

        write_octets(spool, sizes[i]);
        g_assert_cmpuint(ims_spool_size(spool), ==, sizes[i]);
        g_assert_cmpint(g_file_test(folder, G_FILE_TEST_IS_DIR), ==, sizes[i] > MEMORY);
        assert_is_empty(folder);
        assert_reads(spool, sizes[i]);
    }
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

/* In a process of its own, since the limit stays. */
static void
test_no_room(void)
{
    struct rlimit limit = {.rlim_cur = 4096, .rlim_max = 4096};
    g_autoptr(ImsSpool) spool = ims_spool_new(MEMORY);
    g_autoptr(GError) error = NULL;
    guint8 octets[MEMORY + 4096] = {0};

    if (!g_test_subprocess()) {
        g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
        g_test_trap_assert_passed();
        return;
    }
    signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    g_assert_true(ims_spool_write(spool, octets, sizeof octets, NULL));
    g_assert_false(ims_spool_write(spool, octets, 1, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_STATE);
    g_assert_nonnull(strstr(error->message, "make room in"));
}

static void
test_no_folder(void)
{
    g_autofree char *path = g_build_filename(g_get_user_cache_dir(), "imapsync", NULL);
    g_autoptr(ImsSpool) spool = ims_spool_new(1);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(g_mkdir_with_parents(g_get_user_cache_dir(), 0700), ==, 0);
    g_assert_true(g_file_set_contents(path, "", 0, NULL));
    g_assert_true(ims_spool_write(spool, (const guint8 *)"a", 1, NULL));
    g_assert_false(ims_spool_write(spool, (const guint8 *)"b", 1, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_STATE);
    g_assert_cmpint(g_unlink(path), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
    g_test_add_func("/util/spool/what-was-written-is-read", test_round_trip);
    g_test_add_func("/util/spool/no-room-is-an-error", test_no_room);
    g_test_add_func("/util/spool/no-folder-is-an-error", test_no_folder);
    return g_test_run();
}
