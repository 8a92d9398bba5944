/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "account/account.h"

/* The one thing that may prompt: the keyring is unlocked because somebody asked for it. */
typedef struct ImsUnlock ImsUnlock;

/** ims_unlock_start: see ims_account_unlock(). The account has it until @done is called.
 * If it has one already, that goes on for @done, and who asked first is told. */
void ims_unlock_start(ImsAccount *account, guint64 timeout_us, ImsUnlocked done, gpointer data);
/** ims_unlock_end: answers, whatever comes of the prompt. @error: (nullable): NULL: all that the
 * account needs is there. */
void ims_unlock_end(ImsUnlock *self, const GError *error);
/** ims_unlock_abandon: tells that it came to nothing. Takes NULL. */
void ims_unlock_abandon(ImsUnlock *self);
