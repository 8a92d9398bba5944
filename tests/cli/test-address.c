/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Addresses as people type them. */

#include "cli/address.h"

#include <string.h>

#include "util/error.h"

typedef struct {
    const char *text;
    const char *username, *host; /* NULL: refused */
    guint port;
    const char *reason; /* a part of the error's message */
    gboolean mail;
} Case;

static const Case cases[] = {
    {"imaps://me@imap.example.net", "me", "imap.example.net", 0},
    {"imaps://me@imap.example.net/", "me", "imap.example.net", 0},
    {"IMAPS://me@imap.example.net:1993", "me", "imap.example.net", 1993},
    {"imaps://me@example.net@imap.example.net", "me@example.net", "imap.example.net", 0},
    {"imaps://me%40example.net@imap.example.net", "me@example.net", "imap.example.net", 0},
    {"imaps://a%2Fb%3Ac%25d@h", "a/b:c%d", "h", 0},
    {"imaps://a/b@h", "a/b", "h", 0},
    {"imaps://j%C3%B6rg@h", "jörg", "h", 0},
    {"imaps://jörg@h", "jörg", "h", 0},
    {"imaps://me@192.0.2.1:143", "me", "192.0.2.1", 143},
    {"imaps://me@[2001:db8::1]", "me", "2001:db8::1", 0},
    {"imaps://me@[2001:db8::1]:65535", "me", "2001:db8::1", 65535},
    {"imap://me@imap.example.net", "me", "imap.example.net", 0},
    {"Imap://me@[::1]:1143/", "me", "::1", 1143},
    {"me@example.net", "me@example.net", "example.net", 0, NULL, TRUE},
    {"a%40b@Example.net", "a%40b@Example.net", "Example.net", 0, NULL, TRUE},
    {"a@b@jörg.example", "a@b@jörg.example", "jörg.example", 0, NULL, TRUE},
    {"@example.net", NULL, NULL, 0, "no user name"},
    {"me@", NULL, NULL, 0, "no domain"},
    {"me@192.0.2.1", NULL, NULL, 0, "no domain"},
    {"me@example.net/x", NULL, NULL, 0, "no domain"},
    {"m e@example.net", NULL, NULL, 0, "control character"},
    {"me@example.net:993", NULL, NULL, 0, "does not start with imaps://"},
    {"me:secret@example.net", NULL, NULL, 0, "does not start with imaps://"},
    {"imap.example.net", NULL, NULL, 0, "does not start with imaps://"},
    {"imap:me@imap.example.net", NULL, NULL, 0, "does not start with imaps:// or imap://"},
    {"smtp://me@imap.example.net", NULL, NULL, 0, "does not start with imaps:// or imap://"},
    {"", NULL, NULL, 0, "does not start with imaps://"},
    {"imaps://imap.example.net", NULL, NULL, 0, "no user name"},
    {"imaps://@imap.example.net", NULL, NULL, 0, "no user name"},
    {"imaps://me:secret@imap.example.net", NULL, NULL, 0, "must not hold a password"},
    {"imaps://me@", NULL, NULL, 0, "no host"},
    {"imaps://me@:993", NULL, NULL, 0, "no host"},
    {"imaps://me@h:0", NULL, NULL, 0, "port"},
    {"imaps://me@h:65536", NULL, NULL, 0, "port"},
    {"imaps://me@h:", NULL, NULL, 0, "port"},
    {"imaps://me@h:99x", NULL, NULL, 0, "port"},
    {"imaps://me@h:+99", NULL, NULL, 0, "port"},
    {"imaps://me@2001:db8::1", NULL, NULL, 0, "port"},
    {"imaps://me@h/INBOX", NULL, NULL, 0, "behind its host"},
    {"imaps://me@h?x", NULL, NULL, 0, "behind its host"},
    {"imaps://me@h h", NULL, NULL, 0, "behind its host"},
    {"imaps://me@[2001:db8::1", NULL, NULL, 0, "bracket"},
    {"imaps://me@[2001:db8::1]x", NULL, NULL, 0, "bracket"},
    {"imaps://me@[imap.example.net]", NULL, NULL, 0, "no IP address"},
    {"imaps://m%4@h", NULL, NULL, 0, "percent-escape"},
    {"imaps://m%zz@h", NULL, NULL, 0, "percent-escape"},
    {"imaps://m%00e@h", NULL, NULL, 0, "percent-escape"},
    {"imaps://m%FF@h", NULL, NULL, 0, "percent-escape"},
    {"imaps://m%0Ae@h", NULL, NULL, 0, "control character"},
    {"imaps://m e@h", NULL, NULL, 0, "control character"},
    {"imaps://m\xff@h", NULL, NULL, 0, "UTF-8"},
};

static void
test_table(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Case *c = &cases[i];
        g_autoptr(GError) error = NULL;
        g_autoptr(ImsAddress) got = ims_address_parse(c->text, &error);

        g_test_message("%s", c->reason != NULL ? c->reason : c->text);
        if (c->host == NULL) {
            g_assert_null(got);
            g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
            g_assert_nonnull(strstr(error->message, c->reason));
        } else {
            g_assert_no_error(error);
            if (c->mail)
                g_assert_null(got->type);
            else
                g_assert_cmpstr(got->type, ==, strchr("sS", c->text[4]) != NULL ? "imaps" : "imap");
            g_assert_cmpstr(got->username, ==, c->username);
            g_assert_cmpstr(got->host, ==, c->host);
            g_assert_cmpuint(got->port, ==, c->port);
        }
    }
}

/* Whatever the user name is: escaped into an address it comes out as it was. */
static void
test_round_trip(void)
{
    static const char *const letters[] = {"a", "@", ":", "/", "%", "[", "ö", "邮", "?", "#", "+"};

    for (guint n = 0; n < 500; n++) {
        g_autoptr(GString) username = g_string_new(NULL);
        g_autofree char *escaped = NULL;
        g_autofree char *text = NULL;
        g_autoptr(ImsAddress) got = NULL;

        for (gint len = g_test_rand_int_range(1, 12); len > 0; len--)
            g_string_append(
                username, letters[g_test_rand_int_range(0, (gint)G_N_ELEMENTS(letters))]);
        escaped = g_uri_escape_string(username->str, NULL, FALSE);
        text = g_strdup_printf("imaps://%s@h:1", escaped);
        got = ims_address_parse(text, NULL);

        g_assert_nonnull(got);
        g_assert_cmpstr(got->username, ==, username->str);
    }
}

static void
test_password_is_not_repeated(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(ims_address_parse("imaps://me:hunter2@h", &error));
    g_assert_null(strstr(error->message, "hunter2"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/cli/address/parsed-or-refused-with-a-reason", test_table);
    g_test_add_func("/cli/address/any-user-name-survives-escaping", test_round_trip);
    g_test_add_func("/cli/address/a-typed-password-is-not-repeated", test_password_is_not_repeated);

    return g_test_run();
}
