/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* An issue is about one key of one side. The same key again is the same issue; another one is
 * another, so that nobody who has looked at one key trusts the next by his answer. */

#include "account/trust.h"

#include "account/verdict.h"
#include "util/error.h"

/* State files number their issues from 1, one for each that was ever raised: they will not come as
 * far as that. */
#define FIRST_ID 1000000001

/* How many of the sides, of which the local one is connected to first, have passed. */
static guint
count_passed(const GError *error, ImsPhase phase)
{
    if (g_error_matches(error, IMS_ERROR, IMS_ERROR_CERTIFICATE_REJECTED))
        return ims_verdict_side(error);
    if (error == NULL || phase >= IMS_PHASE_LISTING)
        return IMS_N_SIDES;
    if (g_error_matches(error, IMS_ERROR, IMS_ERROR_AUTH_FAILED))
        return ims_verdict_side(error) + 1;
    return 0;
}

static void
settle(ImsTrust *self, ImsSide side)
{
    g_clear_pointer(&self->issue[side], ims_issue_free);
}

static void
raise_issue(ImsTrust *self, ImsSide side, GVariant *facts)
{
    const ImsIssue *old = self->issue[side];
    ImsIssue *issue = ims_issue_new(IMS_ISSUE_CERTIFICATE, "", side);

    issue->facts = g_variant_ref(facts);
    if (old != NULL && g_str_equal(ims_trust_pin(old), ims_trust_pin(issue))) {
        issue->id = old->id;
        issue->since_us = old->since_us;
    } else {
        issue->id = FIRST_ID + self->n_raised++;
        issue->since_us = g_get_real_time();
    }
    settle(self, side);
    self->issue[side] = issue;
}

void
ims_trust_learn(ImsTrust *self, const GError *error, ImsPhase phase)
{
    GVariant *facts = error != NULL ? ims_error_facts(error) : NULL;
    guint n_passed = count_passed(error, phase);

    for (guint side = 0; side < n_passed; side++)
        settle(self, (ImsSide)side);
    if (facts != NULL && g_error_matches(error, IMS_ERROR, IMS_ERROR_CERTIFICATE_REJECTED))
        raise_issue(self, ims_verdict_side(error), facts);
}

void
ims_trust_forget(ImsTrust *self)
{
    for (guint side = 0; side < IMS_N_SIDES; side++)
        settle(self, (ImsSide)side);
}

const char *
ims_trust_pin(const ImsIssue *issue)
{
    const char *pin = "";

    g_variant_lookup(issue->facts, "pin", "&s", &pin);
    return pin;
}
