/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* SASL: by GNU SASL 2.2, but for the mechanisms by a token (see bearer.c). That library frees
 * secrets without wiping them, so the response is encoded here rather than there, and what was
 * given to a session is wiped in place before the session ends. */
#include "imap/sasl.h"

#include <glib/gi18n.h>
#include <gsasl.h>
#include <string.h>

#include "imap/bearer.h"
#include "util/error.h"

#define ITERATIONS_MAX 1000000

struct ImsSasl {
    ImsAuth way;
    ImsBearer *bearer; /* NULL: GNU SASL does it */
    Gsasl *library;
    Gsasl_session *session;
    gboolean ended; /* the mechanism has said all it has to say */
};

static gboolean
begin_exchange(ImsSasl *self, GError **error)
{
    const char *mechanism = ims_auth_mechanism(self->way);
    int result = gsasl_init(&self->library);

    if (result == GSASL_OK)
        result = gsasl_client_start(self->library, mechanism, &self->session);
    if (result != GSASL_OK) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_AUTH_FAILED,
            _("GNU SASL cannot log in by %s: %s"),
            mechanism,
            gsasl_strerror(result));
        return FALSE;
    }
    return TRUE;
}

static gboolean
set_property(ImsSasl *self, Gsasl_property property, const char *value, GError **error)
{
    int result = gsasl_property_set(self->session, property, value);

    if (result == GSASL_OK)
        return TRUE;

    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_AUTH_FAILED,
        _("GNU SASL does not take name or password: %s"),
        gsasl_strerror(result));
    return FALSE;
}

ImsSasl *
ims_sasl_new(ImsAuth way, const ImsEndpoint *endpoint, GError **error)
{
    g_autoptr(ImsSasl) self = g_new0(ImsSasl, 1);
    Gsasl_property name = way == IMS_AUTH_EXTERNAL ? GSASL_AUTHZID : GSASL_AUTHID;
    const char *password = endpoint->password;

    self->way = way;
    if (ims_auth_is_by_token(way)) {
        self->bearer = ims_bearer_new(way, endpoint, error);
        return self->bearer != NULL ? g_steal_pointer(&self) : NULL;
    }
    if (!begin_exchange(self, error) || !set_property(self, name, endpoint->username, error))
        return NULL;
    if (password != NULL && !set_property(self, GSASL_PASSWORD, password, error))
        return NULL;

    return g_steal_pointer(&self);
}

/* To a mechanism that is not bound the octets must not be given: the library then says that both
 * ends could have bound the login, which servers take for an attack. */
void
ims_sasl_bind(ImsSasl *self, ImsBinding binding, const GByteArray *data)
{
    g_autofree char *encoded = g_base64_encode(data->data, data->len);
    Gsasl_property property =
        binding == IMS_BINDING_UNIQUE ? GSASL_CB_TLS_UNIQUE : GSASL_CB_TLS_EXPORTER;

    gsasl_property_set(self->session, property, encoded);
}

gboolean
ims_sasl_begins(const ImsSasl *self)
{
    return self->way != IMS_AUTH_LOGIN;
}

gboolean
ims_sasl_answers(const ImsSasl *self)
{
    return ims_auth_is_scram(self->way);
}

gboolean
ims_sasl_has_ended(const ImsSasl *self)
{
    return self->ended;
}

/* The library hands its own copies out as constant. What SCRAM makes of a password is as good. */
static void
wipe_password(Gsasl_session *session)
{
    static const Gsasl_property secrets[] = {GSASL_PASSWORD, GSASL_SCRAM_SALTED_PASSWORD};

    for (gsize i = 0; i < G_N_ELEMENTS(secrets); i++) {
        char *secret = (char *)gsasl_property_fast(session, secrets[i]);

        if (secret != NULL)
            explicit_bzero(secret, strlen(secret));
    }
}

void
ims_sasl_free(ImsSasl *self)
{
    if (self == NULL)
        return;

    if (self->session != NULL) {
        wipe_password(self->session);
        gsasl_finish(self->session);
    }
    if (self->library != NULL)
        gsasl_done(self->library);
    ims_bearer_free(self->bearer);
    g_free(self);
}

const char *
ims_sasl_mechanism(const ImsSasl *self)
{
    return ims_auth_mechanism(self->way);
}

/* Returns: (transfer full): base64 of @data, which is wiped and freed. */
static char *
encode_response(char *data, gsize len)
{
    char *encoded = g_base64_encode((const guchar *)data, len);

    if (data != NULL)
        explicit_bzero(data, len);
    gsasl_free(data);
    return encoded;
}

/* The iteration count of SCRAM (RFC 5802 section 5.1), which is the server's to choose: a large one
 * would keep us busy for hours, deaf to a cancel. The library reads on behind a NUL. */
static gboolean
asks_too_much(const char *input, gsize len)
{
    g_autofree char *text = g_strndup(input != NULL ? input : "", len);
    const char *count = strstr(text, ",i=");
    guint64 n = 0;

    if (strlen(text) < len)
        return TRUE;
    return count != NULL && !g_ascii_string_to_unsigned(count + 3, 10, 1, ITERATIONS_MAX, &n, NULL);
}

static gboolean
refuse_challenge(const ImsSasl *self, const char *why, GError **error)
{
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_PROTOCOL,
        _("the server asks in the login by %s what has no answer: %s"),
        ims_sasl_mechanism(self),
        why);
    return FALSE;
}

/* What a server says to a token is the same whatever is wrong with it. */
static gboolean
step_bearer(ImsSasl *self, char **out_response, GError **error)
{
    char *message = ims_bearer_next(self->bearer);

    if (message == NULL)
        return refuse_challenge(self, gsasl_strerror(GSASL_MECHANISM_CALLED_TOO_MANY_TIMES), error);

    *out_response = g_base64_encode((const guchar *)message, strlen(message));
    ims_sasl_wipe(message);
    self->ended = TRUE;
    return TRUE;
}

static gboolean
step_library(ImsSasl *self, const char *challenge, char **out_response, GError **error)
{
    char *input = NULL, *output = NULL;
    gsize in_len = 0, out_len = 0;
    int result = GSASL_MECHANISM_CALLED_TOO_MANY_TIMES;

    if (!self->ended)
        result = gsasl_base64_from(challenge, strlen(challenge), &input, &in_len);
    if (result == GSASL_OK && ims_auth_is_scram(self->way) && asks_too_much(input, in_len)) {
        gsasl_free(input);
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_PROTOCOL,
            _("the server asks in the login by %s for more work than is reasonable"),
            ims_sasl_mechanism(self));
        return FALSE;
    }
    if (result == GSASL_OK)
        result = gsasl_step(self->session, input, in_len, &output, &out_len);
    gsasl_free(input);
    if (result == GSASL_AUTHENTICATION_ERROR) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_AUTH_FAILED,
            _("the server does not know the password either: it may be another one than it says"));
        return FALSE;
    }
    if (result != GSASL_OK && result != GSASL_NEEDS_MORE)
        return refuse_challenge(self, gsasl_strerror(result), error);

    self->ended = result == GSASL_OK;
    *out_response = encode_response(output, out_len);
    return TRUE;
}

gboolean
ims_sasl_step(ImsSasl *self, const char *challenge, char **out_response, GError **error)
{
    if (self->bearer != NULL)
        return step_bearer(self, out_response, error);
    return step_library(self, challenge, out_response, error);
}

void
ims_sasl_wipe(char *response)
{
    if (response != NULL)
        explicit_bzero(response, strlen(response));
    g_free(response);
}
