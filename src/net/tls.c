/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Begins TLS on a link: at once, or later (STARTTLS).
 *
 * GIO (glib-networking 2.74) still accepts TLS 1.0 and 1.1, and offers no way to refuse them
 * beforehand: the version is looked at after the handshake, before a byte of ours has gone. Its
 * signal `accept-certificate` asks only about certificates with an error, so that a pin is looked
 * at after each handshake as well; without pins nobody listens to it, and no certificate is ever
 * accepted in spite of an error. */

#include "net/link-private.h"

#include <glib/gi18n.h>

#include "net/attempt.h"
#include "net/certificate.h"
#include "util/error.h"

static const char *const version_names[] = {"1.2", "1.3"}; /* by ImsTlsVersion */
static const GTlsProtocolVersion versions[] = {
    G_TLS_PROTOCOL_VERSION_TLS_1_2, G_TLS_PROTOCOL_VERSION_TLS_1_3};

static gboolean
check_version(const ImsAttempt *attempt, GTlsConnection *tls, ImsTlsVersion minimum, GError **error)
{
    if (g_tls_connection_get_protocol_version(tls) >= versions[minimum])
        return TRUE;

    if (minimum == IMS_TLS_1_2)
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_SERVER_UNSUPPORTED,
            _("%s offers no version of TLS later than 1.1; it has to be upgraded"),
            attempt->name);
    else
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_SERVER_UNSUPPORTED,
            _("%s does not offer TLS %s, which %s wants: remove that, or upgrade the server"),
            attempt->name,
            version_names[minimum],
            "tls-min");
    return FALSE;
}

static gboolean
check_pin(
    const ImsAttempt *attempt, GTlsConnection *tls, const ImsTlsPolicy *policy, GError **error)
{
    GTlsCertificate *certificate = g_tls_connection_get_peer_certificate(tls);

    if (policy->pins == NULL || ims_certificate_is_pinned(policy, certificate))
        return TRUE;
    ims_certificate_set_rejected(attempt->name, certificate, 0, NULL, error);
    return FALSE;
}

static gboolean
accept_pinned(
    GTlsConnection *tls, GTlsCertificate *certificate, GTlsCertificateFlags errors, gpointer data)
{
    return ims_certificate_is_pinned(data, certificate);
}

static gboolean
shake_hands(ImsAttempt *attempt, GTlsConnection *tls, const ImsTlsPolicy *policy, GError **error)
{
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) problem = NULL;

    g_tls_connection_handshake_async(
        tls, G_PRIORITY_DEFAULT, attempt->inner, ims_attempt_keep, attempt);
    result = ims_attempt_await(attempt);
    if (g_tls_connection_handshake_finish(tls, result, &problem))
        return check_version(attempt, tls, policy->minimum, error) &&
               check_pin(attempt, tls, policy, error);

    if (!g_error_matches(problem, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE))
        ims_attempt_set_failure(attempt, TRUE, problem, error);
    else if (policy->pins != NULL)
        ims_certificate_set_rejected(
            attempt->name, g_tls_connection_get_peer_certificate(tls), 0, NULL, error);
    else
        ims_certificate_set_rejected(
            attempt->name,
            g_tls_connection_get_peer_certificate(tls),
            g_tls_connection_get_peer_certificate_errors(tls),
            problem,
            error);
    return FALSE;
}

/* Over the bare streams, GIO does not know whom it talks to and resumes no session: a resumed one
 * would not be verified, also if another account with other authorities had opened it. */
static GIOStream *
make_bare(GIOStream *tcp)
{
    GIOStream *bare = g_simple_io_stream_new(
        g_io_stream_get_input_stream(tcp), g_io_stream_get_output_stream(tcp));

    g_object_set_data_full(
        G_OBJECT(bare), "tcp", g_object_ref(tcp), g_object_unref); /* stays open */
    return bare;
}

/* Returns: (transfer full): whom the certificate has to name. */
static GSocketConnectable *
identity_of(const ImsLink *self, const ImsTlsPolicy *policy)
{
    if (policy->identity == NULL)
        return g_object_ref(self->address);
    return g_network_address_new(
        policy->identity, g_network_address_get_port(G_NETWORK_ADDRESS(self->address)));
}

/* Returns: (transfer full) (nullable) */
static GTlsConnection *
new_connection(
    const ImsLink *self,
    const ImsTlsPolicy *policy,
    GTlsDatabase *authorities,
    GTlsCertificate *ours,
    GError **error)
{
    g_autoptr(GIOStream) bare = make_bare(self->stream);
    g_autoptr(GSocketConnectable) identity = identity_of(self, policy);
    g_autoptr(GError) problem = NULL;
    GIOStream *tls = g_tls_client_connection_new(bare, identity, &problem);

    if (tls == NULL) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            _("%s cannot be reached: starting TLS failed: %s"),
            self->name,
            problem->message);
        return NULL;
    }
    if (authorities != NULL)
        g_tls_connection_set_database(G_TLS_CONNECTION(tls), authorities);
    if (ours != NULL)
        g_tls_connection_set_certificate(G_TLS_CONNECTION(tls), ours);
    if (policy->pins != NULL)
        g_signal_connect(tls, "accept-certificate", G_CALLBACK(accept_pinned), (gpointer)policy);
    return G_TLS_CONNECTION(tls);
}

static gboolean
start_tls(
    ImsLink *self,
    const ImsTlsPolicy *policy,
    GTlsConnection *tls,
    gint64 deadline_us,
    GCancellable *cancel,
    GError **error)
{
    g_auto(ImsAttempt) attempt;
    gboolean done;

    self->tls = g_object_ref(tls);
    ims_attempt_init(&attempt, self->name, deadline_us, cancel);
    done = shake_hands(&attempt, tls, policy, error);
    g_signal_handlers_disconnect_by_data(tls, (gpointer)policy); /* it is borrowed */
    if (!done) {
        g_socket_close(self->socket, NULL);
        return FALSE;
    }
    ims_link_set_stream(self, G_IO_STREAM(g_object_ref(tls)));
    return TRUE;
}

ImsLink *
ims_link_open_tls(
    const char *host,
    guint16 port,
    const ImsProxy *proxy,
    const ImsTlsPolicy *policy,
    gint64 deadline_us,
    GCancellable *cancel,
    ImsFacts *facts,
    GError **error)
{
    g_autoptr(GTlsDatabase) authorities = NULL;
    g_autoptr(GTlsCertificate) ours = NULL;
    g_autoptr(GTlsConnection) tls = NULL;
    g_autoptr(ImsLink) self = NULL;

    if (!ims_certificate_load(policy, &authorities, &ours, error))
        return NULL;
    self = ims_link_open_tcp(host, port, proxy, deadline_us, cancel, error);
    if (self == NULL)
        return NULL;
    tls = new_connection(self, policy, authorities, ours, error);
    if (tls != NULL && start_tls(self, policy, tls, deadline_us, cancel, error))
        return g_steal_pointer(&self);

    if (facts != NULL)
        ims_link_tell(self, facts);
    return NULL;
}

/* A session is never resumed here, which tls-unique would not be safe with. */
GByteArray *
ims_link_binding(const ImsLink *self, ImsBinding *out_binding)
{
    static const GTlsChannelBindingType types[] = {
        G_TLS_CHANNEL_BINDING_TLS_UNIQUE, G_TLS_CHANNEL_BINDING_TLS_EXPORTER};
    g_autoptr(GByteArray) data = g_byte_array_new();
    GTlsConnection *tls;

    if (!G_IS_TLS_CONNECTION(self->stream))
        return NULL;
    tls = G_TLS_CONNECTION(self->stream);
    *out_binding = g_tls_connection_get_protocol_version(tls) >= G_TLS_PROTOCOL_VERSION_TLS_1_3
                       ? IMS_BINDING_EXPORTER
                       : IMS_BINDING_UNIQUE;
    if (!g_tls_connection_get_channel_binding_data(tls, types[*out_binding], data, NULL) ||
        data->len == 0)
        return NULL;
    return g_steal_pointer(&data);
}

static gboolean
check_silence(ImsLink *self, GError **error)
{
    ImsLinkStep step;
    guint8 octet;
    gsize len;

    if (!ims_link_read(self, &octet, 1, &len, &step, error))
        return FALSE;
    switch (step) {
    case IMS_LINK_BLOCKED:
        return TRUE;
    case IMS_LINK_MOVED:
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_PROTOCOL,
            _("%s: octets came in the clear where TLS begins"),
            self->name);
        break;
    case IMS_LINK_CLOSED:
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            _("%s closed the connection where TLS begins"),
            self->name);
        break;
    }
    return FALSE;
}

gboolean
ims_link_start_tls(
    ImsLink *self,
    const ImsTlsPolicy *policy,
    gint64 deadline_us,
    GCancellable *cancel,
    GError **error)
{
    g_autoptr(GTlsDatabase) authorities = NULL;
    g_autoptr(GTlsCertificate) ours = NULL;
    g_autoptr(GTlsConnection) tls = NULL;

    g_return_val_if_fail(self->address != NULL, FALSE);

    if (!ims_certificate_load(policy, &authorities, &ours, error) || !check_silence(self, error))
        return FALSE;
    tls = new_connection(self, policy, authorities, ours, error);
    return tls != NULL && start_tls(self, policy, tls, deadline_us, cancel, error);
}
