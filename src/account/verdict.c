/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The one table from errors to results, states and attention, so that a user is always told the
 * same thing for the same trouble. */

#include "account/verdict.h"

#include "util/error.h"

static gboolean
concerns(char *const *mailboxes, const char *name)
{
    return mailboxes == NULL || *name == '\0' ||
           g_strv_contains((const char *const *)mailboxes, name);
}

/* Whether something that was asked for stands alone: by this job, or since an earlier one. A script
 * that sees "done" may rely on both sides being equal. */
static gboolean
is_partial(const ImsReport *report, char *const *mailboxes)
{
    if (report->summary.n[IMS_COUNT_REFUSED] > 0 || report->summary.n[IMS_COUNT_HELD] > 0)
        return TRUE;
    for (guint i = 0; i < report->mailboxes->len; i++) {
        const ImsMailboxReport *mailbox = report->mailboxes->pdata[i];

        if (mailbox->state == IMS_MAILBOX_HELD && concerns(mailboxes, mailbox->name))
            return TRUE;
    }
    for (guint i = 0; i < report->issues->len; i++) {
        const ImsIssue *issue = report->issues->pdata[i];

        if (issue->kind != IMS_ISSUE_ALERT && concerns(mailboxes, issue->mailbox))
            return TRUE;
    }
    return FALSE;
}

static ImsVerdict
blocked(ImsAttention attention)
{
    return (ImsVerdict){IMS_RESULT_FAILED, IMS_ACCOUNT_BLOCKED, attention};
}

ImsVerdict
ims_verdict(const GError *error, const ImsReport *report, char *const *mailboxes, guint n_issues)
{
    ImsVerdict verdict = {
        IMS_RESULT_DONE,
        IMS_ACCOUNT_IDLE,
        n_issues > 0 ? IMS_ATTENTION_ISSUES : IMS_ATTENTION_NONE,
    };

    if (error == NULL) {
        if (report != NULL && is_partial(report, mailboxes))
            verdict.result = IMS_RESULT_PARTIAL;
        return verdict;
    }

    verdict.result = IMS_RESULT_FAILED;
    if (error->domain != IMS_ERROR)
        return verdict;
    switch ((ImsError)error->code) {
    case IMS_ERROR_CANCELLED:
        verdict.result = IMS_RESULT_CANCELLED;
        return verdict;
    case IMS_ERROR_OFFLINE:
        verdict.result = IMS_RESULT_OFFLINE;
        verdict.state = IMS_ACCOUNT_OFFLINE;
        return verdict;
    case IMS_ERROR_AUTH_FAILED:
    case IMS_ERROR_CREDENTIALS_MISSING:
        return blocked(IMS_ATTENTION_CREDENTIALS);
    case IMS_ERROR_KEYRING_LOCKED:
        return blocked(IMS_ATTENTION_KEYRING_LOCKED);
    case IMS_ERROR_CERTIFICATE_REJECTED:
        return blocked(IMS_ATTENTION_CERTIFICATE);
    case IMS_ERROR_SERVER_UNSUPPORTED:
    case IMS_ERROR_SERVER_REJECTED:
        return blocked(IMS_ATTENTION_SERVER);
    case IMS_ERROR_CONFIG:
        return blocked(verdict.attention);
    default: /* the next run may do better */
        return verdict;
    }
}

ImsSide
ims_verdict_side(const GError *error)
{
    return g_str_has_prefix(error->message, "local: ") ? IMS_LOCAL : IMS_REMOTE;
}

gboolean
ims_verdict_waits_for_keyring(const GError *error)
{
    return g_error_matches(error, IMS_ERROR, IMS_ERROR_CREDENTIALS_MISSING) ||
           g_error_matches(error, IMS_ERROR, IMS_ERROR_KEYRING_LOCKED) ||
           g_error_matches(error, IMS_ERROR, IMS_ERROR_AUTH_FAILED);
}
