/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Names between namespaces: both ways by table, and for random names that both ways undo each
 * other. */
#include "model/naming.h"

typedef struct {
    const char *personal, *foreign, *folder;
    const char *spelling;
    const char *name; /* NULL: @kind says why */
    ImsNameKind kind;
} FromCase;

static const FromCase from_cases[] = {
    {"", NULL, NULL, "iNbOx", "INBOX", IMS_NAME_OURS},
    {"", NULL, NULL, "INBOX.Foo", "INBOX/Foo", IMS_NAME_OURS},
    {"INBOX.", NULL, NULL, "inbox", "INBOX", IMS_NAME_OURS},
    {"INBOX.", NULL, NULL, "INBOX.Foo", "Foo", IMS_NAME_OURS},
    {"INBOX.", NULL, NULL, "INBOX.INBOX.Foo", "INBOX/Foo", IMS_NAME_OURS},
    {"INBOX.", NULL, NULL, "INBOX.INBOX", NULL, IMS_NAME_NONE},
    {"INBOX.", NULL, NULL, "INBOX.inbox", NULL, IMS_NAME_NONE},
    {"INBOX.", NULL, NULL, "INBOX.a/b", NULL, IMS_NAME_NONE},
    {"INBOX.", NULL, NULL, "INBOX.", NULL, IMS_NAME_FOREIGN},
    {"INBOX.", NULL, NULL, "Foo", NULL, IMS_NAME_FOREIGN},
    {"INBOX.", "", NULL, "Foo", NULL, IMS_NAME_FOREIGN},
    {"INBOX.", "", NULL, "INBOX.Foo", "Foo", IMS_NAME_OURS},
    {"INBOX.", "user.", NULL, "user.bob", NULL, IMS_NAME_FOREIGN},
    {"", "Other Users.", NULL, "Other Users.bob", NULL, IMS_NAME_FOREIGN},
    {"", "Other Users.", NULL, "Other Users", NULL, IMS_NAME_FOREIGN},
    {"", "Other Users.", NULL, "Other Users 2", "Other Users 2", IMS_NAME_OURS},
    {"", "", NULL, "Foo", "Foo", IMS_NAME_OURS},
    {"", NULL, "Work", "INBOX", NULL, IMS_NAME_OUTSIDE},
    {"", NULL, "Work", "Work", NULL, IMS_NAME_OUTSIDE},
    {"", NULL, "Work", "Workshop.a", NULL, IMS_NAME_OUTSIDE},
    {"", NULL, "Work", "Work.INBOX", "INBOX", IMS_NAME_OURS},
    {"", NULL, "Work", "Work.A.B", "A/B", IMS_NAME_OURS},
    {"", NULL, "A/B", "A.B.c", "c", IMS_NAME_OURS},
    {"INBOX.", NULL, "Work", "INBOX.Work.INBOX", "INBOX", IMS_NAME_OURS},
    {"INBOX.", NULL, "Work", "INBOX.Work.x", "x", IMS_NAME_OURS},
    {"INBOX.", NULL, "Work", "Work.x", NULL, IMS_NAME_OUTSIDE},
};

static void
naming_init(ImsNaming *self, const FromCase *c)
{
    g_autoptr(GPtrArray) spaces = g_ptr_array_new_with_free_func((GDestroyNotify)ims_space_free);

    g_ptr_array_add(spaces, ims_space_new(IMS_SPACE_PERSONAL, c->personal, '.'));
    if (c->foreign != NULL)
        g_ptr_array_add(spaces, ims_space_new(IMS_SPACE_SHARED, c->foreign, '.'));
    ims_naming_set_spaces(self, spaces);
    self->folder = g_strdup(c->folder);
}

static void
test_from_server(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(from_cases); i++) {
        const FromCase *c = &from_cases[i];
        g_auto(ImsNaming) naming = {0};
        g_autofree char *name = NULL;
        g_autofree char *again = NULL;

        naming_init(&naming, c);
        g_test_message("case %" G_GSIZE_FORMAT, i);
        g_assert_cmpint(ims_naming_from_server(&naming, c->spelling, '.', &name), ==, c->kind);
        g_assert_cmpstr(name, ==, c->name);
        if (name == NULL || g_ascii_strcasecmp(c->spelling, "INBOX") == 0)
            continue;
        again = ims_naming_to_server(&naming, name);
        g_assert_cmpstr(again, ==, c->spelling);
    }
}

typedef struct {
    const char *personal, *foreign, *folder;
    char delimiter;
    const char *name;
    const char *spelling; /* NULL: it cannot be held */
} ToCase;

static const ToCase to_cases[] = {
    {"INBOX.", NULL, NULL, '.', "INBOX", "INBOX"},
    {"INBOX.", NULL, NULL, '.', "a.b", NULL},
    {"", "Public/", NULL, '/', "Public/x", NULL},
    {"", "Public/", NULL, '/', "Public", NULL},
    {"", NULL, NULL, 0, "a/b", NULL},
    {"", NULL, "Work", 0, "a", NULL},
    {"", NULL, "W.x", '.', "a", NULL},
    {"", NULL, "Work", '/', "INBOX", "Work/INBOX"},
    {"", NULL, "INBOX", '/', "a", "INBOX/a"},
    {"", NULL, NULL, '/', "a//b", NULL},
};

static void
test_to_server(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(to_cases); i++) {
        const ToCase *c = &to_cases[i];
        const FromCase spaces = {c->personal, c->foreign, c->folder, NULL, NULL, 0};
        g_auto(ImsNaming) naming = {0};
        g_autofree char *spelling = NULL;

        naming_init(&naming, &spaces);
        naming.delimiter = c->delimiter;
        g_test_message("case %" G_GSIZE_FORMAT, i);
        spelling = ims_naming_to_server(&naming, c->name);
        g_assert_cmpstr(spelling, ==, c->spelling);
    }
}

static char *
random_name(void)
{
    static const char *const parts[] = {"INBOX", "inbox", "a", "b", ".", "/", "/", "P", "F"};
    GString *name = g_string_new(NULL);

    for (gint n = g_test_rand_int_range(1, 7); n > 0; n--)
        g_string_append(name, parts[g_test_rand_int_range(0, G_N_ELEMENTS(parts))]);
    return g_string_free(name, FALSE);
}

static void
test_undo(void)
{
    static const char *const prefixes[] = {"", "INBOX.", "P/", "INBOX/", "a."};
    static const char *const folders[] = {NULL, NULL, "F", "a/b", "INBOX"};

    for (guint i = 0; i < 20000; i++) {
        const FromCase c = {
            prefixes[g_test_rand_int_range(0, G_N_ELEMENTS(prefixes))],
            g_test_rand_bit() ? NULL : prefixes[g_test_rand_int_range(0, 4)],
            folders[g_test_rand_int_range(0, G_N_ELEMENTS(folders))],
            NULL,
            NULL,
            0};
        g_auto(ImsNaming) naming = {0};
        g_autofree char *name = random_name();
        g_autofree char *spelling = NULL;
        g_autofree char *again = NULL;

        naming_init(&naming, &c);
        naming.delimiter = "./"[g_test_rand_int_range(0, 2)];
        spelling = ims_naming_to_server(&naming, name);
        if (spelling == NULL)
            continue;
        g_assert_cmpint(
            ims_naming_from_server(&naming, spelling, naming.delimiter, &again), ==, IMS_NAME_OURS);
        g_assert_cmpstr(again, ==, name);
    }
}

static void
test_which_personal(void)
{
    g_autoptr(GPtrArray) spaces = g_ptr_array_new_with_free_func((GDestroyNotify)ims_space_free);
    g_auto(ImsNaming) naming = {0};

    g_ptr_array_add(spaces, ims_space_new(IMS_SPACE_PERSONAL, "#mh/", '/'));
    g_ptr_array_add(spaces, ims_space_new(IMS_SPACE_PERSONAL, "", '.'));
    ims_naming_set_spaces(&naming, spaces);
    g_assert_cmpstr(naming.personal, ==, "");
    g_assert_cmpint(naming.delimiter, ==, '.');
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model/naming/from-server", test_from_server);
    g_test_add_func("/model/naming/to-server", test_to_server);
    g_test_add_func("/model/naming/both-ways-undo-each-other", test_undo);
    g_test_add_func(
        "/model/naming/of-several-personal-ones-that-without-prefix", test_which_personal);
    return g_test_run();
}
