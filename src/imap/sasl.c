/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* SASL by GNU SASL 2.2. That library frees secrets without wiping them, so the response is encoded
 * here rather than there, and what was given to a session is wiped in place before the session
 * ends. */
#include "imap/sasl.h"

#include <glib/gi18n.h>
#include <gsasl.h>
#include <string.h>

#include "util/error.h"

struct ImsSasl {
    Gsasl *library;
    Gsasl_session *session;
    gboolean ended; /* the mechanism has said all it has to say */
};

static ImsSasl *
new_exchange(const char *mechanism, GError **error)
{
    g_autoptr(ImsSasl) self = g_new0(ImsSasl, 1);
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
        return NULL;
    }
    return g_steal_pointer(&self);
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
ims_sasl_new_plain(const char *username, const char *password, GError **error)
{
    g_autoptr(ImsSasl) self = new_exchange("PLAIN", error);

    if (self == NULL || !set_property(self, GSASL_AUTHID, username, error) ||
        !set_property(self, GSASL_PASSWORD, password, error))
        return NULL;

    return g_steal_pointer(&self);
}

/* The library hands its own copy out as constant. */
static void
wipe_password(Gsasl_session *session)
{
    char *password = (char *)gsasl_property_fast(session, GSASL_PASSWORD);

    if (password != NULL)
        explicit_bzero(password, strlen(password));
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
    g_free(self);
}

const char *
ims_sasl_mechanism(const ImsSasl *self)
{
    return gsasl_mechanism_name(self->session);
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

gboolean
ims_sasl_step(ImsSasl *self, const char *challenge, char **out_response, GError **error)
{
    char *input = NULL, *output = NULL;
    gsize in_len = 0, out_len = 0;
    int result = GSASL_MECHANISM_CALLED_TOO_MANY_TIMES;

    if (!self->ended)
        result = gsasl_base64_from(challenge, strlen(challenge), &input, &in_len);
    if (result == GSASL_OK)
        result = gsasl_step(self->session, input, in_len, &output, &out_len);
    gsasl_free(input);
    if (result != GSASL_OK && result != GSASL_NEEDS_MORE) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_PROTOCOL,
            _("the server asks in the login by %s what has no answer: %s"),
            ims_sasl_mechanism(self),
            gsasl_strerror(result));
        return FALSE;
    }

    self->ended = result == GSASL_OK;
    *out_response = encode_response(output, out_len);
    return TRUE;
}

void
ims_sasl_wipe(char *response)
{
    if (response != NULL)
        explicit_bzero(response, strlen(response));
    g_free(response);
}
