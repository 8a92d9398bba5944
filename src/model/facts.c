/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

#include "model/facts.h"

ImsFacts *
ims_facts_new(void)
{
    return g_new0(ImsFacts, 1);
}

void
ims_facts_free(ImsFacts *self)
{
    if (self == NULL)
        return;
    g_free(self->host);
    g_free(self->address);
    g_free(self->program);
    g_free(self->tls);
    g_free(self->cipher);
    g_free(self->pin);
    g_free(self->subject);
    g_free(self->server);
    g_strfreev(self->used);
    g_strfreev(self->lacking);
    g_strfreev(self->required);
    g_free(self->delimiter);
    g_free(self->prefix);
    g_clear_error(&self->error);
    g_free(self);
}
