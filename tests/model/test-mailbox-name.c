/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Names between servers: both ways by table, and no two names become one. */
#include "model/mailbox-name.h"

typedef struct {
    const char *server;
    char delimiter;
    const char *name; /* NULL: refused */
} FromCase;

static const FromCase from_cases[] = {
    {"INBOX", '/', "INBOX"},
    {"iNbOx", '.', "INBOX"},
    {"inbox.kid", '.', "INBOX/kid"},
    {"a.inbox", '.', "a/inbox"},
    {"inboxes", '.', "inboxes"},
    {"Entwürfe.2020", '.', "Entwürfe/2020"},
    {"a.b", '/', "a.b"},
    {"a/b", '/', "a/b"},
    {"a/b", '.', NULL},
    {"a.b/c", '.', NULL},
    {"a.b", '\0', "a.b"},
    {"a/b", '\0', NULL},
    {"a\\b", '\\', "a/b"},
    {"", '/', NULL},
    {"", '\0', NULL},
    {"/a", '/', NULL},
    {"a/", '/', NULL},
    {"a//b", '/', NULL},
    {"/", '/', NULL},
    {"a\nb", '/', NULL},
    {"a\x7f", '/', NULL},
    {"a\xc2\x85", '/', NULL},
    {"a\xff", '/', NULL},
    {"../x", '/', "../x"},
};

static void
test_from_server(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(from_cases); i++) {
        const FromCase *c = &from_cases[i];
        g_autofree char *name = ims_mailbox_name_from_server(c->server, c->delimiter);

        g_test_message("case %" G_GSIZE_FORMAT, i);
        g_assert_cmpstr(name, ==, c->name);
    }
}

typedef struct {
    const char *name;
    char delimiter;
    const char *server; /* NULL: refused */
} ToCase;

static const ToCase to_cases[] = {
    {"INBOX/kid", '.', "INBOX.kid"},
    {"a/b/c", '/', "a/b/c"},
    {"a.b", '/', "a.b"},
    {"a.b", '.', NULL},
    {"a/b.c", '.', NULL},
    {"a", '\0', "a"},
    {"a.b", '\0', "a.b"},
    {"a/b", '\0', NULL},
    {"", '/', NULL},
    {"a//b", '.', NULL},
};

static void
test_to_server(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(to_cases); i++) {
        const ToCase *c = &to_cases[i];
        g_autofree char *server = ims_mailbox_name_to_server(c->name, c->delimiter);

        g_test_message("case %" G_GSIZE_FORMAT, i);
        g_assert_cmpstr(server, ==, c->server);
    }
}

/* What comes from a server goes back to the same mailbox of it: INBOX apart, to the same octets. */
static void
test_round_trip(void)
{
    static const char octets[] = "ab./\\ ";
    static const char delimiters[] = {'.', '/', '\\', '\0'};

    for (guint i = 0; i < 5000; i++) {
        char server[8] = {0};
        char delimiter = delimiters[g_test_rand_int_range(0, 4)];
        g_autofree char *name = NULL, *again = NULL;

        for (gint n = g_test_rand_int_range(0, 7); n > 0; n--)
            server[n - 1] = octets[g_test_rand_int_range(0, sizeof octets - 1)];
        name = ims_mailbox_name_from_server(server, delimiter);
        if (name == NULL)
            continue;
        again = ims_mailbox_name_to_server(name, delimiter);
        g_assert_cmpstr(again, ==, server);
    }
}

static void
test_canonical(void)
{
    g_autofree char *inbox = ims_mailbox_name_canonical("inbox");
    g_autofree char *child = ims_mailbox_name_canonical("Inbox/a");
    g_autofree char *other = ims_mailbox_name_canonical("a/inbox");

    g_assert_cmpstr(inbox, ==, "INBOX");
    g_assert_cmpstr(child, ==, "INBOX/a");
    g_assert_cmpstr(other, ==, "a/inbox");
    g_assert_null(ims_mailbox_name_canonical(""));
    g_assert_null(ims_mailbox_name_canonical("a/"));
    g_assert_null(ims_mailbox_name_canonical("a\tb"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model/mailbox-name/from-server", test_from_server);
    g_test_add_func("/model/mailbox-name/to-server", test_to_server);
    g_test_add_func("/model/mailbox-name/goes-back-to-where-it-came-from", test_round_trip);
    g_test_add_func("/model/mailbox-name/what-a-user-types", test_canonical);
    return g_test_run();
}
