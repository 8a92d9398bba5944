/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* A plain value. */

#include "model/tls-policy.h"

void
ims_tls_policy_copy(ImsTlsPolicy *self, const ImsTlsPolicy *from)
{
    self->ca_file = g_strdup(from->ca_file);
    self->identity = g_strdup(from->identity);
    self->minimum = from->minimum;
    self->pins = g_strdupv(from->pins);
    self->certificate = g_strdup(from->certificate);
    self->key = g_strdup(from->key);
}

void
ims_tls_policy_clear(ImsTlsPolicy *self)
{
    g_free(self->ca_file);
    g_free(self->identity);
    g_strfreev(self->pins);
    g_free(self->certificate);
    g_free(self->key);
    *self = (ImsTlsPolicy){0};
}
