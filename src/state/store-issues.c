/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What waits for the user, and what the guard has let through. Issues go by the name of their
 * mailbox, since some are about mailboxes that are not in the file. */

#include "state/store-private.h"

/* The file holds kinds as numbers: a new one goes to the end. */
G_STATIC_ASSERT(IMS_ISSUE_NEEDS_ADOPTION == 0 && IMS_ISSUE_NAME == 5);

static void
read_raised(ImsStatement *statement, gpointer data)
{
    ImsIssue *issue = data;

    issue->id = (guint64)ims_statement_read_int(statement, 1, G_MAXINT64);
    issue->since_us = ims_statement_read_int(statement, 0, G_MAXINT64);
}

gboolean
ims_store_raise(ImsStore *self, ImsIssue *issue, GError **error)
{
    g_autoptr(ImsStatement) raise = ims_store_write(
        self,
        "INSERT INTO issue (kind, mailbox, side, count, since_us, detail)"
        " VALUES (?, ?, ?, ?, ?, coalesce(?, ''))"
        " ON CONFLICT (kind, mailbox, side)"
        " DO UPDATE SET count = excluded.count, detail = excluded.detail"
        " RETURNING id, since_us",
        error);

    if (raise == NULL)
        return FALSE;
    ims_statement_bind_int(raise, issue->kind);
    ims_statement_bind_text(raise, issue->mailbox);
    ims_statement_bind_int(raise, issue->side);
    ims_statement_bind_int(raise, (gint64)issue->count);
    ims_statement_bind_int(raise, issue->since_us);
    ims_statement_bind_text(raise, issue->detail);
    return ims_statement_each(raise, read_raised, issue, error);
}

gboolean
ims_store_settle_issue(
    ImsStore *self, ImsIssueKind kind, const char *mailbox, ImsSide side, GError **error)
{
    g_autoptr(ImsStatement) settle = ims_store_write(
        self, "DELETE FROM issue WHERE kind = ? AND mailbox = ? AND side = ?", error);

    if (settle == NULL)
        return FALSE;
    ims_statement_bind_int(settle, kind);
    ims_statement_bind_text(settle, mailbox);
    ims_statement_bind_int(settle, side);
    return ims_statement_run(settle, error);
}

static void
read_issue(ImsStatement *statement, gpointer data)
{
    GPtrArray *issues = data;
    guint64 id = (guint64)ims_statement_read_int(statement, 1, G_MAXINT64);
    ImsIssueKind kind = (ImsIssueKind)ims_statement_read_int(statement, 0, IMS_N_ISSUES - 1);
    g_autofree char *mailbox = ims_statement_read_text(statement);
    ImsSide side = (ImsSide)ims_statement_read_int(statement, IMS_LOCAL, IMS_REMOTE);
    ImsIssue *issue;

    if (mailbox == NULL)
        return;

    issue = ims_issue_new(kind, mailbox, side);
    g_ptr_array_add(issues, issue);
    issue->id = id;
    issue->count = (guint64)ims_statement_read_int(statement, 0, G_MAXINT64);
    issue->since_us = ims_statement_read_int(statement, 0, G_MAXINT64);
    g_free(issue->detail);
    issue->detail = ims_statement_read_text(statement);
}

GPtrArray *
ims_store_issues(ImsStore *self, GError **error)
{
    g_autoptr(GPtrArray) issues = g_ptr_array_new_with_free_func((GDestroyNotify)ims_issue_free);
    g_autoptr(ImsStatement) ask = ims_db_statement(
        self->db,
        "SELECT id, kind, mailbox, side, count, since_us, detail FROM issue ORDER BY id",
        error);

    if (ask == NULL || !ims_statement_each(ask, read_issue, issues, error))
        return NULL;
    return g_steal_pointer(&issues);
}

gboolean
ims_store_log_deletions(ImsStore *self, gint64 mailbox, guint64 count, gint64 at_us, GError **error)
{
    g_autoptr(ImsStatement) log = ims_store_write(
        self, "INSERT INTO deletion (mailbox, count, at_us) VALUES (nullif(?, 0), ?, ?)", error);

    if (log == NULL)
        return FALSE;
    ims_statement_bind_int(log, mailbox);
    ims_statement_bind_int(log, (gint64)count);
    ims_statement_bind_int(log, at_us);
    return ims_statement_run(log, error);
}

static gboolean
forget_deletions(ImsStore *self, gint64 before_us, GError **error)
{
    g_autoptr(ImsStatement) forget =
        ims_db_statement(self->db, "DELETE FROM deletion WHERE at_us < ?", error);

    if (forget == NULL)
        return FALSE;
    ims_statement_bind_int(forget, before_us);
    return ims_statement_run(forget, error);
}

gboolean
ims_store_count_deletions(
    ImsStore *self, gint64 mailbox, gint64 since_us, guint64 *out, GError **error)
{
    g_autoptr(ImsStatement) ask = NULL;

    if (!forget_deletions(self, since_us, error))
        return FALSE;

    ask = ims_db_statement(
        self->db,
        "SELECT coalesce(sum(count), 0) FROM deletion WHERE ?1 = 0 OR mailbox = ?1",
        error);
    if (ask == NULL)
        return FALSE;
    ims_statement_bind_int(ask, mailbox);
    return ims_statement_count(ask, out, error);
}
