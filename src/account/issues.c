/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* An account's issues: those of its state file, as the last report has them, and those about
 * certificates; and what the user's answers do. */

#include <glib/gi18n.h>

#include "account/account-private.h"
#include "account/verdict.h"
#include "util/error.h"

static gboolean
same_facts(GVariant *a, GVariant *b)
{
    return a == b || (a != NULL && b != NULL && g_variant_equal(a, b));
}

static gboolean
same_issues(const GPtrArray *a, const GPtrArray *b)
{
    if (a->len != b->len)
        return FALSE;
    for (guint i = 0; i < a->len; i++) {
        const ImsIssue *x = a->pdata[i], *y = b->pdata[i];

        if (x->id != y->id || x->count != y->count || g_strcmp0(x->detail, y->detail) != 0 ||
            !same_facts(x->facts, y->facts))
            return FALSE;
    }
    return TRUE;
}

gboolean
ims_account_list_issues(ImsAccount *self)
{
    g_autoptr(GPtrArray) before = self->open;

    self->open = g_ptr_array_new_with_free_func((GDestroyNotify)ims_issue_free);
    for (guint i = 0; i < self->issues->issues->len; i++)
        g_ptr_array_add(self->open, ims_issue_copy(self->issues->issues->pdata[i]));
    for (guint side = 0; side < IMS_N_SIDES; side++) {
        if (self->trust.issue[side] != NULL)
            g_ptr_array_add(self->open, ims_issue_copy(self->trust.issue[side]));
    }
    return before == NULL || !same_issues(before, self->open);
}

static gboolean
is_refused_by_proxy(const ImsAccount *self, ImsSide side, const GError *error)
{
    return g_error_matches(error, IMS_ERROR, IMS_ERROR_AUTH_FAILED) &&
           ims_proxy_is_named(&self->config->side[side].proxy, error->message);
}

/* A test goes to both sides, whichever fails. */
void
ims_account_learn_trust(
    ImsAccount *self, const ImsJob *job, const GError *error, const ImsReport *report)
{
    if (report == NULL)
        return;
    if (error == NULL || !is_refused_by_proxy(self, ims_verdict_side(error), error))
        ims_trust_learn(&self->trust, error, job->progress.phase);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        const ImsFacts *facts = report->facts[side];

        if (facts != NULL && !is_refused_by_proxy(self, side, facts->error))
            ims_trust_learn_side(&self->trust, side, facts->error);
    }
}

GPtrArray *
ims_account_issues(const ImsAccount *self)
{
    return self->open;
}

/* A certificate is one of the settings that the file had: a job that has started with them keeps
 * them, and so its issues. */
const ImsIssue *
ims_account_find_issue(ImsAccount *self, guint64 id, GError **error)
{
    ims_account_reload(self);
    for (guint i = 0; i < self->open->len; i++) {
        const ImsIssue *issue = self->open->pdata[i];

        if (issue->id == id && (issue->kind != IMS_ISSUE_CERTIFICATE || !self->stale))
            return issue;
    }
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_NO_SUCH_ISSUE,
        _("%s has no issue of this number any more: '%s' lists those that are open"),
        self->name,
        "imapsyncctl issues");
    return NULL;
}

gboolean
ims_account_resolve(ImsAccount *self, const ImsIssue *issue, GError **error)
{
    const ImsSyncOptions all = {NULL};

    g_return_val_if_fail(issue->kind == IMS_ISSUE_CERTIFICATE, FALSE);

    if (!ims_config_add_pin(self->path, self->name, issue->side, ims_trust_pin(issue), error))
        return FALSE;
    ims_account_sync(
        self, &all, IMS_TRIGGER_USER, NULL); /* which reads the file; @issue has gone */
    return TRUE;
}
