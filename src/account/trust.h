/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "model/report.h"

/* The issues about certificates that were rejected: at most one for each side. They stand in no
 * state file, since a login fails before one is of use, and a test has none; as the error of the
 * last job they are gone when the service is. All 0: none. */
typedef struct {
    ImsIssue *issue[IMS_N_SIDES]; /* NULL: none */
} ImsTrust;

/**
 * ims_trust_learn:
 * @error: (nullable): that a job ended with which has connected
 * @phase: the last one that it came to
 *
 * Raises the issue that @error is about, and settles those of sides that let us in.
 */
void ims_trust_learn(ImsTrust *self, const GError *error, ImsPhase phase);
/** ims_trust_learn_side: the same of one side alone. @error: (nullable): that the login there ended
 * with; not one of a proxy, which refuses before there is a certificate. */
void ims_trust_learn_side(ImsTrust *self, ImsSide side, const GError *error);
/** ims_trust_forget: all of them: they were about other settings. */
void ims_trust_forget(ImsTrust *self);
/** ims_trust_pin: Returns: (transfer none): of the key that @issue is about. */
const char *ims_trust_pin(const ImsIssue *issue);
