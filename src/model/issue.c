/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Issues as values, and the names of their kinds: a closed list on the bus. */
#include "model/issue.h"

static const char *const kinds[] = {
    [IMS_ISSUE_NEEDS_ADOPTION] = "needs-adoption",
    [IMS_ISSUE_MAILBOX_VANISHED] = "mailbox-vanished",
    [IMS_ISSUE_DELETIONS] = "deletions",
    [IMS_ISSUE_REFUSED] = "refused",
    [IMS_ISSUE_MAILBOX_FAILED] = "mailbox-failed",
    [IMS_ISSUE_NAME] = "name",
    [IMS_ISSUE_READ_ONLY] = "read-only",
    [IMS_ISSUE_ALERT] = "alert",
    [IMS_ISSUE_CERTIFICATE] = "certificate",
};

G_STATIC_ASSERT(G_N_ELEMENTS(kinds) == IMS_N_ISSUES);

const char *
ims_issue_kind_name(ImsIssueKind kind)
{
    g_assert(kind < IMS_N_ISSUES);

    return kinds[kind];
}

const char *const *
ims_issue_actions(ImsIssueKind kind)
{
    static const char *const none[] = {NULL};
    static const char *const certificate[] = {"pin", NULL};

    return kind == IMS_ISSUE_CERTIFICATE ? certificate : none;
}

ImsIssue *
ims_issue_new(ImsIssueKind kind, const char *mailbox, ImsSide side)
{
    ImsIssue *self = g_new0(ImsIssue, 1);

    self->kind = kind;
    self->mailbox = g_strdup(mailbox);
    self->side = side;
    self->detail = g_strdup("");
    return self;
}

ImsIssue *
ims_issue_copy(const ImsIssue *self)
{
    ImsIssue *copy = g_memdup2(self, sizeof *self);

    copy->mailbox = g_strdup(self->mailbox);
    copy->detail = g_strdup(self->detail);
    copy->facts = self->facts != NULL ? g_variant_ref(self->facts) : NULL;
    return copy;
}

void
ims_issue_free(ImsIssue *self)
{
    if (self == NULL)
        return;
    g_free(self->mailbox);
    g_free(self->detail);
    g_clear_pointer(&self->facts, g_variant_unref);
    g_free(self);
}
