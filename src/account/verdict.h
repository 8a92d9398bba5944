/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "account/account.h"

/* What a job's end means: for the job, and for its account. */
typedef struct {
    ImsResult result;
    ImsAccountState state; /* of a cancelled job, state and attention say nothing */
    ImsAttention attention;
} ImsVerdict;

/**
 * ims_verdict:
 * @error: (nullable): why the pass ended before its end
 * @report: (nullable): of a sync or a test
 * @mailboxes: (nullable): those that were asked for; NULL: all
 * @n_issues: how many issues of the account are open now
 *
 * A pure function.
 */
ImsVerdict ims_verdict(
    const GError *error, const ImsReport *report, char *const *mailboxes, guint n_issues);

/** ims_verdict_side: Returns: of whose server @error, of a login, speaks: the engine has put the
 * side in front of its message. */
ImsSide ims_verdict_side(const GError *error);
/** ims_verdict_waits_for_keyring: whether, after @error, another password or an unlocked keyring is
 * all that is needed. @error: (nullable). */
gboolean ims_verdict_waits_for_keyring(const GError *error);
