/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* A value that imap fills, state keeps, and the engine carries between them. */

#include "model/offers.h"

gboolean
ims_offers_equal(const ImsOffers *self, const ImsOffers *other)
{
    return g_strcmp0(self->before, other->before) == 0 && g_strcmp0(self->after, other->after) == 0;
}

void
ims_offers_clear(ImsOffers *self)
{
    g_clear_pointer(&self->before, g_free);
    g_clear_pointer(&self->after, g_free);
}
