/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* How many deletions stand against how much mail, in one mailbox and in the whole account.
 * Deletions are those of the last 24 hours and those now wanted; totals are as they were before
 * them. */
typedef struct {
    guint64 box_deletions, box_total;
    guint64 account_deletions, account_total;
    gboolean exempt; /* trash and junk: emptying them is their purpose */
} ImsGuardCount;

typedef enum {
    IMS_GUARD_PASS,
    IMS_GUARD_HOLD_MAILBOX,
    IMS_GUARD_HOLD_ACCOUNT,
} ImsGuardVerdict;

/**
 * ims_guard_judge:
 *
 * Held are: more than 20 messages and more than a quarter of a mailbox; a mailbox of 5 or more that
 * loses all; more than 20 messages and 5 % of the account.
 */
ImsGuardVerdict ims_guard_judge(const ImsGuardCount *count);
