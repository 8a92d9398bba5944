/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What is installed as an example must be a file that the service takes as it is. */

#include "account/config.h"

#include <string.h>

static GPtrArray *
load_all(void)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)ims_config_free);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) folder = g_dir_open(EXAMPLES_DIR, 0, &error);
    const char *base;

    g_assert_no_error(error);
    while ((base = g_dir_read_name(folder)) != NULL) {
        g_autofree char *path = g_build_filename(EXAMPLES_DIR, base, NULL);
        g_autofree char *name = g_strndup(base, strcspn(base, "."));
        ImsConfig *config;

        g_test_message("%s", base);
        g_assert_true(g_str_has_suffix(base, ".conf"));
        g_assert_true(ims_config_name_is_valid(name));
        config = ims_config_load(path, name, &error);
        g_assert_no_error(error);
        g_ptr_array_add(all, config);
    }
    return g_steal_pointer(&all);
}

static void
test_every_example_is_an_account(void)
{
    g_autoptr(GPtrArray) all = load_all();

    g_assert_cmpuint(all->len, >, 0);
}

static void
test_every_way_to_a_server_has_one(void)
{
    g_autoptr(GPtrArray) all = load_all();
    guint n[IMS_TYPE_DOVECOT + 1] = {0};

    for (guint i = 0; i < all->len; i++) {
        const ImsConfig *config = g_ptr_array_index(all, i);

        for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
            n[config->side[side].type]++;
    }
    for (guint type = 0; type < G_N_ELEMENTS(n); type++) {
        g_test_message("type %u", type);
        g_assert_cmpuint(n[type], >, 0);
    }
}

/* They have a prefix, and differ in nothing else of that side. */
static void
test_those_that_share_have_one_server(void)
{
    g_autoptr(GPtrArray) all = load_all();
    g_autoptr(GHashTable) folders = g_hash_table_new(g_str_hash, g_str_equal);
    const ImsSideConfig *first = NULL;

    for (guint i = 0; i < all->len; i++) {
        const ImsConfig *config = g_ptr_array_index(all, i);
        const ImsSideConfig *local = &config->side[IMS_LOCAL];

        if (local->folder == NULL)
            continue;
        first = first == NULL ? local : first;
        g_assert_cmpint(local->type, ==, first->type);
        g_assert_cmpstr(local->host, ==, first->host);
        g_assert_cmpint(local->port, ==, first->port);
        g_assert_cmpstr(local->username, ==, first->username);
        g_assert_true(g_hash_table_add(folders, local->folder));
    }
    g_assert_cmpuint(g_hash_table_size(folders), >=, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func(
        "/account/examples/every-example-is-an-account", test_every_example_is_an_account);
    g_test_add_func(
        "/account/examples/every-way-to-a-server-has-one", test_every_way_to_a_server_has_one);
    g_test_add_func(
        "/account/examples/those-that-share-have-one-server",
        test_those_that_share_have_one_server);

    return g_test_run();
}
