/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What may stand under `proxy`, and what it means. */

#include "util/proxy.h"

typedef struct {
    const char *text;
    const char *name, *username; /* of a SOCKS5 proxy */
} Case;

static const Case good[] = {
    {"socks5://proxy.example.net", "socks5://proxy.example.net:1080", NULL},
    {"socks5://proxy.example.net:9050", "socks5://proxy.example.net:9050", NULL},
    {"SOCKS5://127.0.0.1:9050/", "socks5://127.0.0.1:9050", NULL},
    {"socks5://[::1]:9050", "socks5://[::1]:9050", NULL},
    {"socks5://[::1]", "socks5://[::1]:1080", NULL},
    {"socks5://me@proxy", "socks5://proxy:1080", "me"},
    {"socks5://me@example.net@proxy:1", "socks5://proxy:1", "me@example.net"},
    {"socks5://a%3Ab%40@proxy", "socks5://proxy:1080", "a:b@"},
};

static const char *const bad[] = {
    "",
    "None",
    "proxy.example.net",
    "http://proxy.example.net",
    "socks4://proxy",
    "socks://proxy",
    "socks5://",
    "socks5://@proxy",
    "socks5://me@",
    "socks5://proxy:",
    "socks5://proxy:0",
    "socks5://proxy:65536",
    "socks5://proxy/path",
    "socks5://proxy?x",
    "socks5://[::1",
    "socks5://[::1]x",
    "socks5://a%zz@proxy",
    "socks5://a%00b@proxy",
    "socks5://a%0Ab@proxy",
    "socks5://%ff@proxy",
};

static void
test_good(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_auto(ImsProxy) proxy = {0}, copy = {0};
        g_autofree char *name = NULL;
        gboolean password;

        g_assert_true(ims_proxy_parse(&proxy, good[i].text, &password));
        g_assert_cmpint(proxy.kind, ==, IMS_PROXY_SOCKS5);
        ims_proxy_copy(&copy, &proxy);
        name = ims_proxy_name(&copy);
        g_assert_cmpstr(name, ==, good[i].name);
        g_assert_cmpstr(copy.username, ==, good[i].username);
        g_assert_null(copy.password);
    }
}

static void
test_none(void)
{
    g_auto(ImsProxy) proxy = {0};
    gboolean password;

    g_assert_true(ims_proxy_parse(&proxy, "none", &password));
    g_assert_cmpint(proxy.kind, ==, IMS_PROXY_NONE);
}

static void
test_bad(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_auto(ImsProxy) proxy = {0};
        gboolean password;

        g_test_message("%s", bad[i]);
        g_assert_false(ims_proxy_parse(&proxy, bad[i], &password));
        g_assert_false(password);
        g_assert_null(proxy.host);
    }
}

static void
test_password(void)
{
    static const char *const with[] = {"socks5://me:secret@proxy", "socks5://me:@proxy"};

    for (gsize i = 0; i < G_N_ELEMENTS(with); i++) {
        g_auto(ImsProxy) proxy = {0};
        gboolean password;

        g_assert_false(ims_proxy_parse(&proxy, with[i], &password));
        g_assert_true(password);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/util/proxy/socks5", test_good);
    g_test_add_func("/util/proxy/none", test_none);
    g_test_add_func("/util/proxy/anything-else-is-refused", test_bad);
    g_test_add_func("/util/proxy/a-password-is-refused", test_password);
    return g_test_run();
}
