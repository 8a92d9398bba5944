/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Which server is in which domain. What the DNS says, discovery.py shows. */

#include "cli/discover.h"

static const struct {
    const char *host, *domain;
    gboolean want;
} cases[] = {
    {"imap.example.net", "example.net", TRUE},
    {"IMAP.Example.Net.", "example.net", TRUE},
    {"imap.example.net", "Example.NET.", TRUE},
    {"example.net", "example.net", TRUE},
    {"a.b.example.net", "example.net", TRUE},
    {"xn--jrg-sna.example", "j\xc3\xb6rg.example", TRUE},
    {"imap.xn--jrg-sna.example", "j\xc3\xb6rg.example", TRUE},
    {"imap.example.org", "example.net", FALSE},
    {"badexample.net", "example.net", FALSE},
    {"example.net.evil.example", "example.net", FALSE},
    {"net", "example.net", FALSE},
    {"example.net", "imap.example.net", FALSE},
    {"imap.example.net", "", FALSE},
};

static void
test_domain(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s in %s", cases[i].host, cases[i].domain);
        g_assert_true(ims_discovery_is_in_domain(cases[i].host, cases[i].domain) == cases[i].want);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cli/discover/a-host-is-in-its-domain-only", test_domain);
    return g_test_run();
}
