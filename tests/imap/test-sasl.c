/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Exchanges without a connection. */
#include "imap/sasl.h"

#include <gsasl.h>
#include <string.h>

#include "util/error.h"

static ImsSasl *
start(ImsAuth way, const char *username, const char *password, GError **error)
{
    const ImsEndpoint endpoint = {.username = (char *)username, .password = (char *)password};

    return ims_sasl_new(way, &endpoint, error);
}

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
    g_autoptr(ImsSasl) sasl = start(IMS_AUTH_PLAIN, c->username, c->password, &error);
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
    g_autoptr(ImsSasl) sasl = start(IMS_AUTH_PLAIN, "me", "secret", NULL);
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
    g_autoptr(ImsSasl) sasl = start(IMS_AUTH_PLAIN, "me", "secret", NULL);
    g_autoptr(GError) error = NULL;
    char *response = NULL;

    g_assert_false(ims_sasl_step(sasl, "!", &response, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
    g_assert_null(response);
}

/* -- SCRAM against GNU SASL as the server -- */

static int
tell_password(Gsasl *library, Gsasl_session *session, Gsasl_property property)
{
    if (property != GSASL_PASSWORD)
        return GSASL_NO_CALLBACK;
    return gsasl_property_set(session, property, gsasl_session_hook_get(session));
}

/* Returns: (transfer full) (nullable): what the server says to @response, in base64. */
static char *
server_step(Gsasl_session *server, const char *response)
{
    char *said = NULL;
    int result = gsasl_step64(server, response, &said);

    return result == GSASL_OK || result == GSASL_NEEDS_MORE ? said : NULL;
}

static char *
client_step(ImsSasl *client, const char *challenge)
{
    g_autoptr(GError) error = NULL;
    char *response = NULL;

    g_assert_true(ims_sasl_step(client, challenge, &response, &error));
    g_assert_no_error(error);
    return response;
}

static void
test_scram(gconstpointer data)
{
    ImsAuth way = (ImsAuth)GPOINTER_TO_INT(data);
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsSasl) client = start(way, "j\xc3\xb6", "p\xc3\xa4ss", &error);
    g_autofree char *first = NULL, *final = NULL, *last = NULL;
    char *challenge, *proof;
    Gsasl *library;
    Gsasl_session *server;

    g_assert_no_error(error);
    g_assert_true(ims_sasl_answers(client));
    g_assert_cmpint(gsasl_init(&library), ==, GSASL_OK);
    gsasl_callback_set(library, tell_password);
    g_assert_cmpint(gsasl_server_start(library, ims_sasl_mechanism(client), &server), ==, GSASL_OK);
    gsasl_session_hook_set(server, (gpointer) "p\xc3\xa4ss");

    first = client_step(client, "");
    challenge = server_step(server, first);
    final = client_step(client, challenge);
    g_assert_false(ims_sasl_has_ended(client)); /* the server has proved nothing yet */
    proof = server_step(server, final);
    g_assert_nonnull(proof);
    last = client_step(client, proof);
    g_assert_cmpstr(last, ==, "");
    g_assert_true(ims_sasl_has_ended(client));
    gsasl_free(challenge);
    gsasl_free(proof);
    gsasl_finish(server);
    gsasl_done(library);
}

/* -- bound to TLS -- */

static int
tell_password_and_binding(Gsasl *library, Gsasl_session *session, Gsasl_property property)
{
    if (property == GSASL_CB_TLS_UNIQUE || property == GSASL_CB_TLS_EXPORTER)
        return gsasl_property_set(session, property, "AAECAw==");
    return tell_password(library, session, property);
}

typedef struct {
    const char *name;
    ImsAuth way;
    ImsBinding binding;
    const char *octets; /* the server's are "\x00\x01\x02\x03" */
    gboolean want;
} BoundCase;

static const BoundCase bound_cases[] = {
    {"sha-256-unique", IMS_AUTH_SCRAM_SHA_256_PLUS, IMS_BINDING_UNIQUE, "\0\1\2\3", TRUE},
    {"sha-256-exporter", IMS_AUTH_SCRAM_SHA_256_PLUS, IMS_BINDING_EXPORTER, "\0\1\2\3", TRUE},
    {"sha-1-unique", IMS_AUTH_SCRAM_SHA_1_PLUS, IMS_BINDING_UNIQUE, "\0\1\2\3", TRUE},
    {"of-another-connection", IMS_AUTH_SCRAM_SHA_256_PLUS, IMS_BINDING_UNIQUE, "\0\1\2\4", FALSE},
};

static void
test_bound(gconstpointer data)
{
    const BoundCase *c = data;
    g_autoptr(ImsSasl) client = start(c->way, "me", "secret", NULL);
    g_autoptr(GByteArray) octets = g_byte_array_new();
    g_autofree char *first = NULL, *final = NULL, *last = NULL;
    char *challenge, *proof;
    Gsasl *library;
    Gsasl_session *server;

    g_byte_array_append(octets, (const guint8 *)c->octets, 4);
    ims_sasl_bind(client, c->binding, octets);
    g_assert_cmpint(gsasl_init(&library), ==, GSASL_OK);
    gsasl_callback_set(library, tell_password_and_binding);
    g_assert_cmpint(gsasl_server_start(library, ims_sasl_mechanism(client), &server), ==, GSASL_OK);
    gsasl_session_hook_set(server, (gpointer) "secret");

    first = client_step(client, "");
    challenge = server_step(server, first);
    g_assert_nonnull(challenge);
    final = client_step(client, challenge);
    proof = server_step(server, final);
    g_assert_true((proof != NULL) == c->want);
    if (proof != NULL)
        last = client_step(client, proof);
    g_assert_true(ims_sasl_has_ended(client) == c->want);
    gsasl_free(challenge);
    gsasl_free(proof);
    gsasl_finish(server);
    gsasl_done(library);
}

/* A server that does not know the password cannot prove that it does. */
static void
test_scram_liar(void)
{
    g_autoptr(ImsSasl) client = start(IMS_AUTH_SCRAM_SHA_256, "me", "secret", NULL);
    g_autofree char *first = client_step(client, ""), *final = NULL, *response = NULL;
    g_autofree guchar *opening = NULL;
    g_autofree char *hello = NULL, *nonce = NULL, *text = NULL, *challenge = NULL;
    g_autofree char *proof = g_base64_encode((const guchar *)"v=AAAA", 6);
    g_autoptr(GError) error = NULL;
    gsize len;

    opening = g_base64_decode(first, &len);
    hello = g_strndup((const char *)opening, len);
    nonce = g_strdup(strstr(hello, ",r=") + 3);
    text = g_strdup_printf("r=%sX,s=c2FsdA==,i=4096", nonce);
    challenge = g_base64_encode((const guchar *)text, strlen(text));
    final = client_step(client, challenge);
    g_assert_false(ims_sasl_step(client, proof, &response, &error));
    g_assert_false(ims_sasl_has_ended(client));
    g_assert_nonnull(error);
}

static void
check_bomb(const char *text, gsize len)
{
    g_autoptr(ImsSasl) client = start(IMS_AUTH_SCRAM_SHA_256, "me", "secret", NULL);
    g_autofree char *first = client_step(client, ""), *response = NULL;
    g_autofree char *challenge = g_base64_encode((const guchar *)text, len);
    g_autoptr(GError) error = NULL;

    g_assert_false(ims_sasl_step(client, challenge, &response, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
    g_assert_nonnull(strstr(error->message, "reasonable"));
}

/* The work is the server's to choose, within reason, and where it can be seen. */
static void
test_scram_bomb(void)
{
    static const char hidden[] = "r=x\0,s=c2FsdA==,i=4000000000";
    static const char *const texts[] = {
        "r=x,s=c2FsdA==,i=1000001",
        "r=x,s=c2FsdA==,i=4000000000",
        "r=x,s=c2FsdA==,i=4294967297",
        "r=x,s=c2FsdA==,i=18446744073709551617",
        "r=x,s=c2FsdA==,i= 4000000000",
        "r=x,s=c2FsdA==,i=1,i=4000000000",
        "r=x,s=c2FsdA==,i=-1",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        check_bomb(texts[i], strlen(texts[i]));
    check_bomb(hidden, sizeof hidden - 1);
}

static void
test_external(void)
{
    g_autoptr(ImsSasl) client = start(IMS_AUTH_EXTERNAL, "me", NULL, NULL);
    g_autofree char *response = client_step(client, "");

    g_assert_cmpstr(response, ==, "bWU=");
    g_assert_true(ims_sasl_has_ended(client));
    g_assert_false(ims_sasl_answers(client));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(plain_cases); i++) {
        g_autofree char *path = g_strconcat("/imap/sasl/plain/", plain_cases[i].name, NULL);

        g_test_add_data_func(path, &plain_cases[i], test_plain);
    }
    g_test_add_data_func(
        "/imap/sasl/scram-sha-1", GINT_TO_POINTER(IMS_AUTH_SCRAM_SHA_1), test_scram);
    g_test_add_data_func(
        "/imap/sasl/scram-sha-256", GINT_TO_POINTER(IMS_AUTH_SCRAM_SHA_256), test_scram);
    for (gsize i = 0; i < G_N_ELEMENTS(bound_cases); i++) {
        g_autofree char *path = g_strconcat("/imap/sasl/bound/", bound_cases[i].name, NULL);

        g_test_add_data_func(path, &bound_cases[i], test_bound);
    }
    g_test_add_func("/imap/sasl/scram-with-a-liar", test_scram_liar);
    g_test_add_func("/imap/sasl/scram-with-endless-work", test_scram_bomb);
    g_test_add_func("/imap/sasl/external-names-whom-to-act-as", test_external);
    g_test_add_func("/imap/sasl/plain-answers-once", test_second_challenge);
    g_test_add_func("/imap/sasl/a-challenge-is-base64", test_no_base64);
    ims_sasl_free(NULL);
    return g_test_run();
}
