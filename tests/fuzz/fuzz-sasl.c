/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Logins with any challenges: the first octet chooses the mechanism, each line behind it is a
 * challenge, in which `$` stands for our nonce. However the server asks, it does not prove that it
 * knows a password which it does not know, and nobody is told that. */
#include <string.h>

#include "fuzz.h"
#include "imap/sasl.h"
#include "util/error.h"

#define PASSWORD   "open sesame 42"
#define TOKEN      "open-sesame-42"
#define FAST_COUNT 5000    /* so many iterations take no time, */
#define SLOW_COUNT 1000000 /* and up to so many, which are allowed, more than there is here */

static const ImsAuth ways[] = {
    IMS_AUTH_PLAIN,
    IMS_AUTH_SCRAM_SHA_256,
    IMS_AUTH_SCRAM_SHA_1,
    IMS_AUTH_EXTERNAL,
    IMS_AUTH_OAUTHBEARER,
    IMS_AUTH_XOAUTH2,
};

static ImsAuth
way_of(guint8 octet)
{
    return ways[octet % G_N_ELEMENTS(ways)];
}

/* Returns: whether a count of iterations stands in @text that would keep the fuzzer from its work.
 */
static gboolean
is_slow(const char *text, gsize len)
{
    for (gsize i = 0; i + 2 < len; i++) {
        guint64 count = 0;

        if (text[i] != 'i' || text[i + 1] != '=')
            continue;
        count = g_ascii_strtoull(text + i + 2, NULL, 10);
        if (count > FAST_COUNT && count <= SLOW_COUNT)
            return TRUE;
    }
    return FALSE;
}

/* Returns: (transfer full): the nonce in a first response. */
static char *
nonce_of(const char *response)
{
    gsize len = 0;
    g_autofree guchar *text = g_base64_decode(response, &len);
    const char *nonce = g_strstr_len((const char *)text, (gssize)len, ",r=");

    return nonce == NULL ? g_strdup("")
                         : g_strndup(nonce + 3, len - (gsize)(nonce + 3 - (const char *)text));
}

static char *
make_challenge(const char *line, gsize len, const char *nonce)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (gsize i = 0; i < len; i++) {
        if (line[i] == '$')
            g_string_append(text, nonce);
        else
            g_string_append_c(text, line[i]);
    }
    return g_base64_encode((const guchar *)text->str, text->len);
}

/* Returns: whether it goes on. */
static gboolean
step(ImsSasl *sasl, const char *challenge, char **inout_nonce)
{
    g_autoptr(GError) error = NULL;
    char *response = NULL;

    if (!ims_sasl_step(sasl, challenge, &response, &error)) {
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
        g_assert_null(strstr(error->message, PASSWORD));
        g_assert_null(strstr(error->message, TOKEN));
        g_assert_true(
            g_error_matches(error, IMS_ERROR, IMS_ERROR_PROTOCOL) ||
            g_error_matches(error, IMS_ERROR, IMS_ERROR_AUTH_FAILED));
        g_assert_null(response);
        return FALSE;
    }
    g_assert_true(response == NULL || strpbrk(response, "\r\n") == NULL);
    g_assert_false(ims_sasl_answers(sasl) && ims_sasl_has_ended(sasl));
    if (*inout_nonce == NULL)
        *inout_nonce = nonce_of(response != NULL ? response : "");
    ims_sasl_wipe(response);
    return TRUE;
}

static void
exchange(ImsSasl *sasl, const char *text, gsize len)
{
    g_autofree char *nonce = NULL;
    gboolean on = step(sasl, "", &nonce);

    while (on && len > 0) {
        const char *lf = memchr(text, '\n', len);
        gsize n = lf == NULL ? len : (gsize)(lf - text);
        g_autofree char *challenge = make_challenge(text, n, nonce);

        on = step(sasl, challenge, &nonce);
        n += lf == NULL ? 0 : 1;
        text += n;
        len -= n;
    }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
    g_autofree char *text = g_strndup((const char *)data, len); /* ends in a NUL */
    g_autoptr(ImsEndpoint) endpoint = NULL;
    g_autoptr(ImsSasl) sasl = NULL;

    memcpy(text, data, len);
    if (len == 0 || is_slow(text + 1, len - 1))
        return 0;
    endpoint = ims_endpoint_new(IMS_ENDPOINT_TLS);
    endpoint->host = g_strdup("mail.example.net");
    endpoint->username = g_strdup("me");
    endpoint->password = g_strdup(ims_auth_is_by_token(way_of(data[0])) ? TOKEN : PASSWORD);
    sasl = ims_sasl_new(way_of(data[0]), endpoint, NULL);
    g_assert_nonnull(sasl);
    exchange(sasl, text + 1, len - 1);
    return 0;
}
