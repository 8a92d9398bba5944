/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What is installed as an example must be a file that the service takes as it is. */

#include "account/config.h"

#include <string.h>

static void
test_every_example_is_an_account(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) folder = g_dir_open(EXAMPLES_DIR, 0, &error);
    const char *base;
    guint n = 0;

    g_assert_no_error(error);
    while ((base = g_dir_read_name(folder)) != NULL) {
        g_autofree char *path = g_build_filename(EXAMPLES_DIR, base, NULL);
        g_autofree char *name = g_strndup(base, strcspn(base, "."));
        g_autoptr(ImsConfig) config = NULL;

        g_test_message("%s", base);
        g_assert_true(g_str_has_suffix(base, ".conf"));
        g_assert_true(ims_config_name_is_valid(name));
        config = ims_config_load(path, name, &error);
        g_assert_no_error(error);
        g_assert_nonnull(config);
        n++;
    }
    g_assert_cmpuint(n, >, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func(
        "/account/examples/every-example-is-an-account", test_every_example_is_an_account);

    return g_test_run();
}
