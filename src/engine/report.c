/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What a pass leaves behind for people: each mailbox as it now stands, the sums, the open issues.
 */

#include <string.h>

#include "engine/box.h"

static gboolean
is_zero(const ImsSummary *done)
{
    for (ImsCount count = 0; count < IMS_N_COUNTS; count++) {
        if (done->n[count] > 0)
            return FALSE;
    }
    return TRUE;
}

static ImsMailboxState
state_of(const ImsPass *self, const ImsBox *box, const ImsSummary *done)
{
    if (box->excluded)
        return IMS_MAILBOX_EXCLUDED;
    if (self->order->dry_run && !box->left && !is_zero(done))
        return IMS_MAILBOX_PENDING;
    if (box->left || !box->there[IMS_LOCAL] || !box->there[IMS_REMOTE])
        return IMS_MAILBOX_HELD;
    if (ims_box_awaits_rights(self, box, IMS_LOCAL) || ims_box_awaits_rights(self, box, IMS_REMOTE))
        return IMS_MAILBOX_PENDING;
    return box->mailbox->valid && !box->again && !box->waits && !box->put_off ? IMS_MAILBOX_SYNCED
                                                                              : IMS_MAILBOX_PENDING;
}

static ImsMailboxReport *
report_box(ImsPass *self, const ImsBox *box)
{
    ImsMailboxReport *report = ims_mailbox_report_new(box->mailbox->name);

    memcpy(report->there, box->there, sizeof report->there);
    report->subscribed = box->subscribed[box->there[IMS_LOCAL] ? IMS_LOCAL : IMS_REMOTE];
    g_free(report->role);
    report->role = g_strdup(g_str_equal(box->mailbox->name, "INBOX") ? "inbox" : box->role);
    report->messages = box->mailbox->valid
                           ? box->mailbox->point[IMS_REMOTE].messages
                           : MAX(box->listed[IMS_LOCAL].messages, box->listed[IMS_REMOTE].messages);
    report->last_sync_us = box->mailbox->last_sync_us;
    report->done = *ims_box_done(self, box);
    report->state = state_of(self, box, &report->done);
    return report;
}

static gint
report_by_name(gconstpointer a, gconstpointer b)
{
    const ImsMailboxReport *x = *(ImsMailboxReport *const *)a, *y = *(ImsMailboxReport *const *)b;

    return strcmp(x->name, y->name);
}

void
ims_pass_count_link(ImsPass *self, ImsSide side)
{
    ImsSummary *summary = &self->report->summary;
    ImsLinkCount count = {0};

    if (self->conn[side] == NULL)
        return;
    count = ims_conn_count(self->conn[side]);
    summary->n[IMS_COUNT_BYTES_SENT] += count.sent;
    summary->n[IMS_COUNT_BYTES_RECEIVED] += count.received;
    summary->n[IMS_COUNT_FLIGHTS] += count.flights;
}

static void
fill_report(ImsPass *self)
{
    GPtrArray *lists[] = {self->boxes, self->alone};
    ImsSummary *summary = &self->report->summary;

    for (gsize l = 0; l < G_N_ELEMENTS(lists); l++) {
        for (guint i = 0; i < lists[l]->len; i++) {
            const ImsBox *box = g_ptr_array_index(lists[l], i);
            ImsMailboxReport *report = report_box(self, box);

            summary->n[IMS_COUNT_MAILBOXES_SELECTED] += box->selected;
            summary->n[IMS_COUNT_MAILBOXES_CHANGED] += !is_zero(&report->done);
            g_ptr_array_add(self->report->mailboxes, report);
        }
    }
    g_ptr_array_sort(self->report->mailboxes, report_by_name);
    self->report->listed = self->boxes->len + self->alone->len > 0;
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        ims_pass_count_link(self, side);
}

static void
report_issues(ImsPass *self)
{
    g_autoptr(GPtrArray) issues = NULL;

    if (self->store == NULL)
        return;
    ims_store_rollback(self->store);
    issues = ims_store_issues(self->store, NULL);
    if (issues == NULL)
        return;
    g_ptr_array_unref(self->report->issues);
    self->report->issues = g_steal_pointer(&issues);
}

void
ims_pass_report(ImsPass *self)
{
    fill_report(self);
    report_issues(self);
}

static ImsMailboxState
remembered_state(const ImsMailbox *mailbox)
{
    if (mailbox->excluded)
        return IMS_MAILBOX_EXCLUDED;
    if (!mailbox->known[IMS_LOCAL] || !mailbox->known[IMS_REMOTE])
        return IMS_MAILBOX_HELD;
    return mailbox->valid ? IMS_MAILBOX_SYNCED : IMS_MAILBOX_PENDING;
}

static ImsMailboxReport *
report_remembered(const ImsMailbox *mailbox)
{
    ImsMailboxReport *report = ims_mailbox_report_new(mailbox->name);

    memcpy(report->there, mailbox->known, sizeof report->there);
    report->subscribed = mailbox->subscribed[mailbox->known[IMS_LOCAL] ? IMS_LOCAL : IMS_REMOTE] ==
                         IMS_SUBSCRIPTION_YES;
    if (g_str_equal(mailbox->name, "INBOX")) {
        g_free(report->role);
        report->role = g_strdup("inbox");
    }
    report->messages =
        mailbox->point[mailbox->valid || mailbox->known[IMS_REMOTE] ? IMS_REMOTE : IMS_LOCAL]
            .messages;
    report->last_sync_us = mailbox->last_sync_us;
    report->state = remembered_state(mailbox);
    return report;
}

ImsReport *
ims_pass_recall(const char *state_path, const char *const identity[2], GError **error)
{
    g_autoptr(ImsReport) report = ims_report_new();
    g_autoptr(ImsStore) store = NULL;
    g_autoptr(GPtrArray) mailboxes = NULL, issues = NULL;

    if (!g_file_test(state_path, G_FILE_TEST_EXISTS))
        return g_steal_pointer(&report);
    store = ims_store_open_dry(state_path, identity, error);
    if (store == NULL)
        return NULL;
    mailboxes = ims_store_mailboxes(store, error);
    if (mailboxes == NULL)
        return NULL;
    issues = ims_store_issues(store, error);
    if (issues == NULL)
        return NULL;

    for (guint i = 0; i < mailboxes->len; i++) {
        const ImsMailbox *mailbox = mailboxes->pdata[i];

        if (mailbox->known[IMS_LOCAL] || mailbox->known[IMS_REMOTE])
            g_ptr_array_add(report->mailboxes, report_remembered(mailbox));
    }
    g_ptr_array_sort(report->mailboxes, report_by_name);
    report->listed = report->mailboxes->len > 0;
    g_ptr_array_unref(report->issues);
    report->issues = g_steal_pointer(&issues);
    return g_steal_pointer(&report);
}
