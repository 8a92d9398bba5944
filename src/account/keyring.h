/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* Tells when it may be worth searching the keyring again: a password was stored or changed, the
 * keyring was unlocked, or came to the bus. Asks and starts nothing; it only listens. */
typedef struct ImsKeyringWatch ImsKeyringWatch;

/** ims_keyring_watch_new: @changed is called from the main loop, once for a burst of changes. */
ImsKeyringWatch *ims_keyring_watch_new(void (*changed)(gpointer data), gpointer data);
void ims_keyring_watch_free(ImsKeyringWatch *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsKeyringWatch, ims_keyring_watch_free)
