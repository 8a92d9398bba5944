/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What the stages of a pass share: the life of a box, progress, issues, and opening a mailbox for
 * writing with its identity looked at. */

#include "engine/box.h"

#include <string.h>

#include "util/log.h"

ImsBox *
ims_box_new(ImsMailbox *mailbox)
{
    ImsBox *self = g_new0(ImsBox, 1);

    self->mailbox = mailbox;
    self->role = "";
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        self->unread[side] = ims_uidset_new();
        self->unreadable[side] = ims_uidset_new();
        self->awaited[side] = ims_uidset_new();
        self->doubted[side] = g_ptr_array_new_with_free_func((GDestroyNotify)ims_row_free);
    }
    return self;
}

void
ims_box_clear_round(ImsBox *self)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        g_clear_pointer(&self->delta[side], ims_delta_free);
        ims_uidset_add_set(self->unreadable[side], self->unread[side]);
        ims_uidset_remove_range(self->unread[side], 1, G_MAXUINT32);
        ims_uidset_remove_range(self->awaited[side], 1, G_MAXUINT32);
    }
    g_clear_pointer(&self->plan, ims_plan_free);
    g_clear_pointer(&self->rows, g_ptr_array_unref);
    self->again = FALSE;
}

void
ims_box_free(ImsBox *self)
{
    if (self == NULL)
        return;
    ims_box_clear_round(self);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        ims_uidset_free(self->unread[side]);
        ims_uidset_free(self->unreadable[side]);
        ims_uidset_free(self->awaited[side]);
        g_ptr_array_unref(self->doubted[side]);
        g_free(self->spelling[side]);
        g_free(self->wire[side]);
    }
    ims_mailbox_free(self->mailbox);
    g_free(self);
}

void
ims_pass_tell(ImsPass *self, ImsPhase phase, const ImsBox *box)
{
    self->progress.phase = phase;
    self->progress.mailbox = box != NULL ? box->mailbox->name : "";
    if (ims_log_is_on(IMS_LOG_ENGINE))
        ims_log_trace(
            IMS_LOG_ENGINE,
            NULL,
            "%s%s%s",
            ims_phase_name(phase),
            box != NULL ? ": " : "",
            self->progress.mailbox);
    self->order->progress(&self->progress, self->order->data);
}

ImsSummary *
ims_box_done(ImsPass *self, const ImsBox *box)
{
    ImsSummary *done = g_hash_table_lookup(self->done, box->mailbox->name);

    if (done == NULL) {
        done = g_new0(ImsSummary, 1);
        g_hash_table_insert(self->done, g_strdup(box->mailbox->name), done);
    }
    return done;
}

void
ims_pass_count(ImsPass *self, ImsBox *box, ImsCount count, guint64 n)
{
    self->report->summary.n[count] += n;
    ims_box_done(self, box)->n[count] += n;
}

gboolean
ims_pass_orders(const ImsPass *self, const char *name)
{
    return self->order->mailboxes == NULL ||
           g_strv_contains((const char *const *)self->order->mailboxes, name);
}

static char *
issue_key(ImsIssueKind kind, const char *mailbox, ImsSide side)
{
    return g_strdup_printf("%d %d %s", kind, side, mailbox);
}

void
ims_pass_note_issue(ImsPass *self, ImsIssueKind kind, const char *mailbox, ImsSide side)
{
    g_hash_table_add(self->issues, issue_key(kind, mailbox, side));
}

gboolean
ims_pass_raise(
    ImsPass *self,
    ImsIssueKind kind,
    const char *mailbox,
    ImsSide side,
    guint64 count,
    const char *detail,
    GError **error)
{
    g_autoptr(ImsIssue) issue = ims_issue_new(kind, mailbox, side);

    issue->count = count;
    issue->since_us = ims_clock_real(self->order->clock);
    g_free(issue->detail);
    issue->detail = g_strdup(detail != NULL ? detail : "");
    if (!ims_store_begin(self->store, error) || !ims_store_raise(self->store, issue, error) ||
        !ims_store_commit(self->store, error))
        return FALSE;

    ims_pass_note_issue(self, kind, mailbox, side);
    g_hash_table_add(self->raised, issue_key(kind, mailbox, side));
    return TRUE;
}

gboolean
ims_pass_has_issue(const ImsPass *self, ImsIssueKind kind, const char *mailbox, ImsSide side)
{
    g_autofree char *key = issue_key(kind, mailbox, side);

    return g_hash_table_contains(self->issues, key);
}

gboolean
ims_pass_settle_issue(
    ImsPass *self, ImsIssueKind kind, const char *mailbox, ImsSide side, GError **error)
{
    g_autofree char *key = issue_key(kind, mailbox, side);

    if (!g_hash_table_remove(self->issues, key))
        return TRUE;
    return ims_store_begin(self->store, error) &&
           ims_store_settle_issue(self->store, kind, mailbox, side, error) &&
           ims_store_commit(self->store, error);
}

gboolean
ims_pass_settle_failure(ImsPass *self, const ImsBox *box, ImsSide side, GError **error)
{
    const char *name = box->mailbox->name;
    g_autofree char *key = issue_key(IMS_ISSUE_MAILBOX_FAILED, name, side);

    return g_hash_table_contains(self->raised, key) ||
           ims_pass_settle_issue(self, IMS_ISSUE_MAILBOX_FAILED, name, side, error);
}

gboolean
ims_pass_settle_failures(ImsPass *self, const ImsBox *box, GError **error)
{
    return ims_pass_settle_failure(self, box, IMS_LOCAL, error) &&
           ims_pass_settle_failure(self, box, IMS_REMOTE, error);
}

gboolean
ims_pass_leave(ImsPass *self, ImsBox *box, ImsSide side, const char *detail, GError **error)
{
    box->left = TRUE;
    return ims_pass_raise(
        self, IMS_ISSUE_MAILBOX_FAILED, box->mailbox->name, side, 0, detail, error);
}

gboolean
ims_box_awaits_rights(const ImsPass *self, const ImsBox *box, ImsSide side)
{
    return ims_pass_has_issue(self, IMS_ISSUE_READ_ONLY, box->mailbox->name, side);
}

gboolean
ims_box_is_gathered(const ImsBox *box)
{
    return !box->left && !box->again && box->delta[IMS_LOCAL] != NULL &&
           box->delta[IMS_REMOTE] != NULL;
}

ImsKeeps
ims_box_keeps(const ImsBox *box, ImsSide side)
{
    return (ImsKeeps){&box->delta[side]->permanent, box->delta[side]->any_keyword};
}

gboolean
ims_box_identity_holds(const ImsBox *box, ImsSide side, const ImsDelta *delta)
{
    const char *known = box->mailbox->identity[side];
    const ImsPoint *point = &box->mailbox->point[side];

    return delta->point.uidvalidity == point->uidvalidity &&
           (delta->point.uidnext == 0 || delta->point.uidnext >= point->uidnext) &&
           (known == NULL || delta->id == NULL || g_str_equal(known, delta->id));
}

gboolean
ims_box_select(ImsPass *self, ImsBox *box, ImsSide side, gboolean *out_open, GError **error)
{
    g_autoptr(ImsCmd) select = NULL;
    g_autoptr(ImsDelta) delta = NULL;

    self->at = box;
    if (self->selected[side] == box) {
        *out_open = TRUE;
        return TRUE;
    }

    self->selected[side] = NULL;
    select = ims_conn_select(self->conn[side], box->spelling[side], NULL, error);
    if (select == NULL || !ims_conn_wait(self->conn[side], select, error))
        return FALSE;
    *out_open = FALSE;
    if (ims_cmd_reply(select) == IMS_REPLY_NO)
        return ims_pass_leave(self, box, side, ims_cmd_text(select), error);

    delta = ims_cmd_take_delta(select);
    if (!ims_box_identity_holds(box, side, delta)) {
        box->left = TRUE; /* somebody replaced it under our hands; the next run sees that */
        return TRUE;
    }
    self->selected[side] = box;
    *out_open = TRUE;
    return TRUE;
}

gboolean
ims_reply_may_pass(const ImsCode *code)
{
    static const char *const names[] = {"UNAVAILABLE", "INUSE", "NONEXISTENT", NULL};

    return code->name != NULL && g_strv_contains(names, code->name);
}

static gboolean
says(const char *text, const char *const *words)
{
    g_autofree char *lower = g_ascii_strdown(text, -1);

    for (; *words != NULL; words++) {
        if (strstr(lower, *words) != NULL)
            return TRUE;
    }
    return FALSE;
}

gboolean
ims_reply_is_trouble(const ImsCode *code, const char *text)
{
    static const char *const words[] = {"i/o error", "internal error", NULL};

    return g_strcmp0(code->name, "SERVERBUG") == 0 || says(text, words);
}

gboolean
ims_reply_is_about_mailbox(const ImsCode *code, const char *text)
{
    static const char *const names[] = {
        "TRYCREATE", "OVERQUOTA", "NOPERM", "READ-ONLY", "CONTACTADMIN", NULL};
    static const char *const words[] = {"over quota", "temporar", NULL};

    return says(text, words) || ims_reply_may_pass(code) ||
           (code->name != NULL && g_strv_contains(names, code->name));
}

gboolean
ims_reply_is_nonexistent(const ImsCode *code, const char *text)
{
    return g_strcmp0(code->name, "NONEXISTENT") == 0 ||
           (code->name == NULL && (strstr(text, "Mailbox doesn't exist") != NULL ||
                                   strstr(text, "Mailbox does not exist") != NULL));
}

gboolean
ims_reply_is_stale(const ImsCmd *cmd)
{
    const char *name = ims_cmd_code(cmd)->name;

    return ims_cmd_reply(cmd) == IMS_REPLY_NO && g_strcmp0(name, "EXPUNGEISSUED") == 0;
}
