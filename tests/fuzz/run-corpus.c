/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Feeds the files of a corpus to a fuzz target, one test each, so that builds without a fuzzer hold
 * what fuzzing found. */
#include "fuzz.h"

static void
test_file(gconstpointer path)
{
    g_autofree char *octets = NULL;
    g_autoptr(GError) error = NULL;
    gsize len;

    g_file_get_contents(path, &octets, &len, &error);
    g_assert_no_error(error);
    LLVMFuzzerTestOneInput((const guint8 *)octets, len);
}

static void
add_file(const char *corpus, const char *name)
{
    g_autofree char *target = g_path_get_basename(corpus);
    g_autofree char *test = g_strdup_printf("/fuzz/%s/%s", target, name);

    g_test_add_data_func_full(test, g_build_filename(corpus, name, NULL), test_file, g_free);
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) corpus = NULL;
    const char *name;

    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(argc, ==, 2);
    corpus = g_dir_open(argv[1], 0, &error);
    g_assert_no_error(error);
    while ((name = g_dir_read_name(corpus)) != NULL)
        add_file(argv[1], name);
    return g_test_run();
}
