/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* What a server says that it can do, before a login and after it: the words of its CAPABILITY with
 * spaces between. Worth remembering, since who knows it need not wait for being told again. Zero is
 * "not known"; then both are NULL. */
typedef struct {
    char *before, *after;
} ImsOffers;

gboolean ims_offers_equal(const ImsOffers *self, const ImsOffers *other);
void ims_offers_clear(ImsOffers *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImsOffers, ims_offers_clear)
