/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What a link is, for people who want to know where their mail goes. */

#include "net/link-private.h"

#include <string.h>

#include "net/certificate.h"
#include "util/log.h"

/* Returns: (nullable): also of those that are refused. */
static const char *
version_name(GTlsProtocolVersion version)
{
    switch (version) {
    case G_TLS_PROTOCOL_VERSION_TLS_1_0:
        return "1.0";
    case G_TLS_PROTOCOL_VERSION_TLS_1_1:
        return "1.1";
    case G_TLS_PROTOCOL_VERSION_TLS_1_2:
        return "1.2";
    case G_TLS_PROTOCOL_VERSION_TLS_1_3:
        return "1.3";
    default:
        return NULL;
    }
}

static void
tell_certificate(GTlsCertificate *certificate, ImsFacts *facts)
{
    g_autofree char *pin = ims_certificate_pin(certificate);
    g_autofree char *subject = g_tls_certificate_get_subject_name(certificate);
    g_autoptr(GDateTime) expires = g_tls_certificate_get_not_valid_after(certificate);

    if (pin != NULL)
        facts->pin = g_strconcat("sha256//", pin, NULL);
    if (subject != NULL)
        facts->subject = ims_text_escape(subject, strlen(subject));
    if (expires != NULL)
        facts->expires_us = g_date_time_to_unix(expires) * G_USEC_PER_SEC;
}

void
ims_link_tell(const ImsLink *self, ImsFacts *facts)
{
    GTlsCertificate *certificate;

    facts->address = g_strdup(self->peer);
    if (self->tls == NULL)
        return;
    facts->tls = g_strdup(version_name(g_tls_connection_get_protocol_version(self->tls)));
    facts->cipher = g_tls_connection_get_ciphersuite_name(self->tls);
    certificate = g_tls_connection_get_peer_certificate(self->tls);
    if (certificate != NULL)
        tell_certificate(certificate, facts);
}
