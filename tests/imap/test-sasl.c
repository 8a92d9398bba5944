/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* One exchange of PLAIN, without a server. */
#include "imap/sasl.h"

#include "util/error.h"

typedef struct {
    const char *name, *username, *password, *message; /* with | for NUL */
} PlainCase;

static const PlainCase plain_cases[] = {
    {"ascii", "me", "secret", "|me|secret"},
    {"utf-8-as-it-is",
     "j\xc3\xb6",
     "gehe\xc3\xafm \xef\xac\x81",
     "|j\xc3\xb6|gehe\xc3\xafm \xef\xac\x81"},
    {"controls", "me", "a\r\n\tb", "|me|a\r\n\tb"},
    {"quotes", "m\"e", "\\", "|m\"e|\\"},
};

static void
test_plain(gconstpointer data)
{
    const PlainCase *c = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsSasl) sasl = ims_sasl_new_plain(c->username, c->password, &error);
    g_autofree char *want = g_strdelimit(g_strdup(c->message), "|", '\0');
    g_autofree guchar *got = NULL;
    char *response = NULL;
    gsize len;

    g_assert_no_error(error);
    g_assert_cmpstr(ims_sasl_mechanism(sasl), ==, "PLAIN");
    g_assert_true(ims_sasl_step(sasl, "", &response, &error));
    got = g_base64_decode(response, &len);
    g_assert_cmpmem(got, len, want, strlen(c->message));
    ims_sasl_wipe(response);
}

static void
test_second_challenge(void)
{
    g_autoptr(ImsSasl) sasl = ims_sasl_new_plain("me", "secret", NULL);
    g_autoptr(GError) error = NULL;
    char *response = NULL;

    g_assert_true(ims_sasl_step(sasl, "", &response, NULL));
    ims_sasl_wipe(response);
    response = NULL;
    g_assert_false(ims_sasl_step(sasl, "", &response, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
    g_assert_null(response);
}

static void
test_no_base64(void)
{
    g_autoptr(ImsSasl) sasl = ims_sasl_new_plain("me", "secret", NULL);
    g_autoptr(GError) error = NULL;
    char *response = NULL;

    g_assert_false(ims_sasl_step(sasl, "!", &response, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
    g_assert_null(response);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(plain_cases); i++) {
        g_autofree char *path = g_strconcat("/imap/sasl/plain/", plain_cases[i].name, NULL);

        g_test_add_data_func(path, &plain_cases[i], test_plain);
    }
    g_test_add_func("/imap/sasl/plain-answers-once", test_second_challenge);
    g_test_add_func("/imap/sasl/a-challenge-is-base64", test_no_base64);
    ims_sasl_free(NULL);
    return g_test_run();
}
