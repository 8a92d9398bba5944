/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The guard against mass deletion: an emptied server, an unmounted mail store or a wrong account
 * must not empty the other side before a person has looked. */

#include "sync/guard.h"

#define GUARD_FEW        20 /* messages; so many may always go */
#define GUARD_SMALLEST   5  /* messages; a mailbox this small may lose all */
#define GUARD_BOX_PART   4  /* a quarter of a mailbox */
#define GUARD_TOTAL_PART 20 /* a twentieth of the account */

ImsGuardVerdict
ims_guard_judge(const ImsGuardCount *count)
{
    gboolean many_of_box = count->box_deletions > GUARD_FEW &&
                           count->box_deletions > count->box_total / GUARD_BOX_PART;
    gboolean all_of_box =
        count->box_total >= GUARD_SMALLEST && count->box_deletions >= count->box_total;

    if (count->account_deletions > GUARD_FEW &&
        count->account_deletions > count->account_total / GUARD_TOTAL_PART)
        return IMS_GUARD_HOLD_ACCOUNT;
    if (!count->exempt && (many_of_box || all_of_box))
        return IMS_GUARD_HOLD_MAILBOX;
    return IMS_GUARD_PASS;
}
