/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* What is asked of a server before it gets a byte of ours, beyond a handshake that succeeds. All 0
 * is a policy: the system's authorities, the name that was connected to, TLS 1.2 or later. */

typedef enum { IMS_TLS_1_2, IMS_TLS_1_3 } ImsTlsVersion;

typedef struct {
    char *ca_file;  /* PEM of the authorities to trust instead of the system's; or NULL */
    char *identity; /* whom the certificate has to name; NULL: the host */
    ImsTlsVersion minimum;
    char **pins;       /* see ims_pin_parse(): one of them is the server's key, whoever has
                          signed its certificate, and whatever else is wrong with it; or NULL */
    char *certificate; /* of ours: a PEM file or a PKCS#11 URI; NULL: none is shown */
    char *key;         /* of @certificate, in the same form; NULL: in the same file */
} ImsTlsPolicy;

/** ims_tls_policy_copy: fills in @self, which is all 0. */
void ims_tls_policy_copy(ImsTlsPolicy *self, const ImsTlsPolicy *from);
/** ims_tls_policy_clear: makes it all 0. */
void ims_tls_policy_clear(ImsTlsPolicy *self);
