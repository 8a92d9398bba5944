/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <gio/gio.h>

#include "model/tls-policy.h"

/* Certificates: those of a policy, loaded; and what is wrong with a server's. */

/** ims_certificate_load: the files of @policy. @out_authorities: (out) (transfer full): NULL: the
 * system's; @out_ours: (out) (transfer full): NULL: none. Errors: IMS_ERROR_CONFIG. */
gboolean ims_certificate_load(
    const ImsTlsPolicy *policy,
    GTlsDatabase **out_authorities,
    GTlsCertificate **out_ours,
    GError **error);
/** ims_certificate_pin: Returns: (transfer full) (nullable): of its key, see ims_pin_parse(). */
char *ims_certificate_pin(GTlsCertificate *certificate);
/** ims_certificate_is_pinned: @certificate: (nullable). Returns: whether a pin of @policy is its.
 */
gboolean ims_certificate_is_pinned(const ImsTlsPolicy *policy, GTlsCertificate *certificate);
/**
 * ims_certificate_set_rejected:
 * @server: host and port
 * @certificate: (nullable): the server's
 * @flags: what is wrong with it; 0: that its key is not pinned
 * @problem: (nullable): GIO's words, if there are no flags
 *
 * Sets IMS_ERROR_CERTIFICATE_REJECTED, with the reasons and the key; and, if the certificate can be
 * read, with facts (see ims_error_facts()) for an issue.
 */
void ims_certificate_set_rejected(
    const char *server,
    GTlsCertificate *certificate,
    GTlsCertificateFlags flags,
    const GError *problem,
    GError **error);
