/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* An issue is about one key of one side. The same key again is the same issue; another one is
 * another, so that nobody who has looked at one key trusts the next by his answer. */

#include "account/trust.h"

#include <string.h>

#include "account/verdict.h"
#include "util/error.h"

/* State files number their issues from 1, one for each that was ever raised: they will not come as
 * far as that. */
#define FIRST_ID ((guint64)1 << 62)
#define N_DIGITS 16 /* in base 16, of a guint64 */

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

/* Says which key it is to whoever comes with it, also after a restart. */
static guint64
number(ImsSide side, const char *pin)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    const char *name = ims_side_name(side);
    char digits[N_DIGITS + 1];

    g_checksum_update(sum, (const guchar *)name, (gssize)strlen(name) + 1);
    g_checksum_update(sum, (const guchar *)pin, (gssize)strlen(pin));
    g_strlcpy(digits, g_checksum_get_string(sum), sizeof digits);
    return FIRST_ID | g_ascii_strtoull(digits, NULL, 16) >> 3;
}

static void
raise_issue(ImsTrust *self, ImsSide side, GVariant *facts)
{
    const ImsIssue *old = self->issue[side];
    ImsIssue *issue = ims_issue_new(IMS_ISSUE_CERTIFICATE, "", side);

    issue->facts = g_variant_ref(facts);
    issue->id = number(side, ims_trust_pin(issue));
    issue->since_us = old != NULL && old->id == issue->id ? old->since_us : g_get_real_time();
    settle(self, side);
    self->issue[side] = issue;
}

void
ims_trust_learn_side(ImsTrust *self, ImsSide side, const GError *error)
{
    GVariant *facts = error != NULL ? ims_error_facts(error) : NULL;

    if (error == NULL || g_error_matches(error, IMS_ERROR, IMS_ERROR_AUTH_FAILED))
        settle(self, side);
    else if (facts != NULL && g_error_matches(error, IMS_ERROR, IMS_ERROR_CERTIFICATE_REJECTED))
        raise_issue(self, side, facts);
}

void
ims_trust_learn(ImsTrust *self, const GError *error, ImsPhase phase)
{
    guint n_passed = count_passed(error, phase);

    for (guint side = 0; side < n_passed; side++)
        settle(self, (ImsSide)side);
    if (g_error_matches(error, IMS_ERROR, IMS_ERROR_CERTIFICATE_REJECTED))
        ims_trust_learn_side(self, ims_verdict_side(error), error);
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
