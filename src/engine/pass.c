/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* One sync of one account. In rounds: gather what both sides say, decide, copy, carry flags, commit
 * what those SELECTs said; and again, until a round finds both sides equal: its SELECTs are the
 * ones that close. Then, once no new mail is left anywhere in the account, removals, and a last
 * round. Whatever ends a pass in the middle, the next one starts from the last commit and finds the
 * rest. */

#include "engine/pass.h"

#include "engine/box.h"
#include "util/log.h"

/* With busy other clients a pass leaves the rest to the next one. */
#define ROUNDS_MAX   6
#define LATE_ROUNDS  3
#define REMOVALS_MAX 3

/* How many mailboxes may end connections before the account is given up, how often each of them by
 * its messages, and how often in all. */
#define AVOIDED_MAX    3
#define BOX_BREAKS_MAX 5
#define BREAKS_MAX     8

/* -- rounds -- */

static void
announce_copies(ImsPass *self, GPtrArray *boxes)
{
    for (guint i = 0; i < boxes->len; i++) {
        const ImsBox *box = g_ptr_array_index(boxes, i);

        for (ImsSide to = IMS_LOCAL; to < IMS_N_SIDES && box->plan != NULL; to++) {
            for (guint m = 0; m < box->plan->copies[to]->len; m++)
                self->progress.bytes_total +=
                    g_array_index(box->plan->copies[to], ImsMessage, m).size;
            self->progress.messages_total += box->plan->copies[to]->len;
        }
    }
}

/* What @boxes have to have done. */
static void
trace_plan(const ImsPass *self, GPtrArray *boxes)
{
    for (guint i = 0; i < boxes->len; i++) {
        const ImsBox *box = g_ptr_array_index(boxes, i);

        if (box->left || box->plan == NULL)
            continue;
        ims_log_trace(
            IMS_LOG_ENGINE,
            NULL,
            "plan for %s: %u copies to local, %u to remote, equal: %s",
            box->mailbox->name,
            box->plan->copies[IMS_LOCAL]->len,
            box->plan->copies[IMS_REMOTE]->len,
            ims_plan_is_empty(box->plan) ? "yes" : "no");
    }
}

static gboolean
one_round(ImsPass *self, GPtrArray *boxes, GError **error)
{
    if (!ims_gather(self, boxes, error) || !ims_recover(self, boxes, error) ||
        !ims_decide_all(self, boxes, error))
        return FALSE;
    if (ims_log_is_on(IMS_LOG_ENGINE))
        trace_plan(self, boxes);
    if (self->order->dry_run) {
        ims_plan_work(self, boxes);
        return ims_commit(self, boxes, error);
    }
    announce_copies(self, boxes);
    return ims_copy(self, boxes, IMS_LOCAL, error) && ims_copy(self, boxes, IMS_REMOTE, error) &&
           ims_carry_flags(self, boxes, error) && ims_commit(self, boxes, error);
}

/* A dry run plans once. */
static gboolean
is_finished(const ImsPass *self, const ImsBox *box)
{
    return box->left || (!box->again && box->plan != NULL &&
                         (self->order->dry_run || ims_plan_is_empty(box->plan)));
}

/* Rounds over @boxes until both sides of each are equal; it is left empty, or with what was too
 * busy. */
static gboolean
run_rounds(ImsPass *self, GPtrArray *boxes, guint max, GError **error)
{
    for (guint round = 0; round < max && boxes->len > 0; round++) {
        if (ims_log_is_on(IMS_LOG_ENGINE))
            ims_log_trace(
                IMS_LOG_ENGINE, NULL, "round %u over %u mailboxes", round + 1, boxes->len);
        if (!one_round(self, boxes, error))
            return FALSE;
        for (guint i = boxes->len; i > 0; i--) {
            if (is_finished(self, g_ptr_array_index(boxes, i - 1)))
                g_ptr_array_remove_index(boxes, i - 1);
        }
    }
    return TRUE;
}

/* -- removals -- */

/* The deletions known by now; see ims_remove(). */
static GHashTable *
known_removals(ImsPass *self, GPtrArray *boxes, GError **error)
{
    g_autoptr(GHashTable) ids = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);

    for (guint i = 0; i < boxes->len; i++) {
        const ImsBox *box = g_ptr_array_index(boxes, i);
        g_autoptr(GPtrArray) rows = NULL;

        if (box->left)
            continue;
        rows = ims_store_rows_pending(self->store, box->mailbox->id, error);
        if (rows == NULL)
            return NULL;
        for (guint r = 0; r < rows->len; r++) {
            const ImsRow *row = g_ptr_array_index(rows, r);

            if (row->gone != 0 && (!row->held || self->order->has_max_deletions))
                g_hash_table_add(ids, g_memdup2(&row->id, sizeof row->id));
        }
    }
    return g_steal_pointer(&ids);
}

static void
take_removed(GPtrArray *boxes, GPtrArray *work)
{
    g_ptr_array_set_size(work, 0);
    for (guint i = 0; i < boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(boxes, i);

        if (box->again && !box->left)
            g_ptr_array_add(work, box);
    }
}

static void
touch_all(GPtrArray *touched, GPtrArray *boxes)
{
    for (guint i = 0; i < boxes->len; i++) {
        if (!g_ptr_array_find(touched, g_ptr_array_index(boxes, i), NULL))
            g_ptr_array_add(touched, g_ptr_array_index(boxes, i));
    }
}

/* Removals, each time only of what was known to have vanished before the listing that all mailboxes
 * were then brought up to; what those rounds find on top is the next turn's. */
static gboolean
run_removals(ImsPass *self, GPtrArray *touched, GError **error)
{
    g_autoptr(GPtrArray) work = g_ptr_array_new();

    for (guint i = 0; i < REMOVALS_MAX; i++) {
        g_autoptr(GHashTable) known = known_removals(self, touched, error);

        if (known == NULL)
            return FALSE;
        if (self->order->dry_run)
            return ims_remove(self, touched, known, error);
        g_ptr_array_set_size(work, 0);
        if (g_hash_table_size(known) > 0 && !ims_choose_late(self, work, error))
            return FALSE;
        touch_all(touched, work);
        if (!run_rounds(self, work, LATE_ROUNDS, error) || !ims_remove(self, touched, known, error))
            return FALSE;
        take_removed(touched, work);
        if (work->len == 0)
            return TRUE;
        if (!run_rounds(self, work, ROUNDS_MAX, error))
            return FALSE;
    }
    return TRUE;
}

static void
leave_avoided(ImsPass *self)
{
    for (guint i = 0; i < self->boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(self->boxes, i);

        box->left |= g_hash_table_contains(self->avoided, box->mailbox->name);
    }
}

static gboolean
run_all(ImsPass *self, GError **error)
{
    g_autoptr(GPtrArray) work = g_ptr_array_new();
    g_autoptr(GPtrArray) touched = g_ptr_array_new();

    if (!ims_list(self, TRUE, error))
        return FALSE;
    leave_avoided(self);
    if (!ims_choose(self, work, error))
        return FALSE;
    for (guint i = 0; i < work->len; i++)
        g_ptr_array_add(touched, g_ptr_array_index(work, i));
    return run_rounds(self, work, ROUNDS_MAX, error) && run_removals(self, touched, error) &&
           ims_remember_unseen(self, error);
}

/* -- the whole -- */

static gboolean
avoid(ImsPass *self, ImsBox *box, ImsSide side, const GError *fault)
{
    if (g_hash_table_size(self->avoided) == AVOIDED_MAX ||
        !g_hash_table_add(self->avoided, g_strdup(box->mailbox->name)))
        return FALSE;
    return ims_pass_leave(self, box, side, fault->message, NULL);
}

/* One bad thing stops one thing: the pass begins anew without the message, or the mailbox, whose
 * answers ended a connection. One that was merely lost may have been lost by the network: that
 * counts the second time. Returns: FALSE: the error is not about a mailbox, or it is one too many.
 */
static gboolean
avoid_culprit(ImsPass *self, const GError *fault)
{
    gboolean lost = g_error_matches(fault, IMS_ERROR, IMS_ERROR_OFFLINE);
    const GError *local = ims_conn_fault(self->conn[IMS_LOCAL]);
    ImsSide side = local != NULL && local->code == fault->code ? IMS_LOCAL : IMS_REMOTE;
    ImsTrouble *trouble;

    if (self->at == NULL || (!lost && !g_error_matches(fault, IMS_ERROR, IMS_ERROR_PROTOCOL)) ||
        self->breaks++ == BREAKS_MAX)
        return FALSE;
    ims_store_rollback(self->store);
    trouble = ims_box_trouble(self, self->at);
    trouble->breaks++;
    if (!ims_uidset_is_empty(self->risk) && trouble->breaks < BOX_BREAKS_MAX)
        return ims_box_note_risk(self, self->at, side, fault->message, NULL);
    return (lost && trouble->breaks == 1) || avoid(self, self->at, side, fault);
}

/* What was done so far stays in the report; what was only planned will be planned again. */
static void
begin_anew(ImsPass *self)
{
    if (self->order->dry_run) {
        self->report->summary = (ImsSummary){0};
        g_hash_table_remove_all(self->done);
    }
    ims_pass_note_alerts(self);
    ims_pass_disconnect(self);
    self->at = NULL;
    ims_uidset_remove_range(self->risk, 1, G_MAXUINT32);
    g_hash_table_remove_all(self->raised); /* what has failed may do better now */
    self->progress.mailbox = "";
    self->progress.messages_total = self->progress.messages_done;
    self->progress.bytes_total = self->progress.bytes_done;
    g_ptr_array_set_size(self->boxes, 0);
    g_ptr_array_set_size(self->alone, 0);
}

static gboolean
run_around(ImsPass *self, GError **error)
{
    for (;;) {
        g_autoptr(GError) fault = NULL;

        if (!ims_pass_connect(self, error))
            return FALSE;
        if (run_all(self, &fault))
            return TRUE;
        if (!ims_pass_was_misled(self) && !avoid_culprit(self, fault)) {
            g_propagate_error(error, g_steal_pointer(&fault));
            return FALSE;
        }
        begin_anew(self);
    }
}

static gboolean
load_issues(ImsPass *self, GError **error)
{
    g_autoptr(GPtrArray) issues = ims_store_issues(self->store, error);

    if (issues == NULL)
        return FALSE;
    for (guint i = 0; i < issues->len; i++) {
        const ImsIssue *issue = g_ptr_array_index(issues, i);

        ims_pass_note_issue(self, issue->kind, issue->mailbox, issue->side);
        if (issue->kind == IMS_ISSUE_ALERT)
            self->alert_us[issue->side] = issue->since_us;
    }
    return TRUE;
}

static void
pass_init(ImsPass *self, ImsPump *pump, const ImsPassOrder *order)
{
    self->order = order;
    self->pump = pump;
    self->boxes = g_ptr_array_new_with_free_func((GDestroyNotify)ims_box_free);
    self->alone = g_ptr_array_new_with_free_func((GDestroyNotify)ims_box_free);
    self->issues = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->raised = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->done = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    self->risk = ims_uidset_new();
    self->troubles = ims_troubles_new();
    self->avoided = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->report = ims_report_new();
    self->progress.mailbox = "";
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        self->naming[side].folder = g_strdup(order->folder[side]);
        self->silent[side] = g_ptr_array_new_with_free_func(g_free);
    }
}

/* Connections with anything on the way are closed at once: a literal that is abandoned is never
 * stored. */
static void
pass_clear(ImsPass *self)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        g_clear_pointer(&self->conn[side], ims_conn_free);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        ims_offers_clear(&self->offers[side]);
        ims_naming_clear(&self->naming[side]);
        g_ptr_array_unref(self->silent[side]);
    }
    g_clear_pointer(&self->store, ims_store_free);
    g_ptr_array_unref(self->boxes);
    g_ptr_array_unref(self->alone);
    g_hash_table_unref(self->issues);
    g_hash_table_unref(self->raised);
    g_hash_table_unref(self->avoided);
    g_hash_table_unref(self->troubles);
    ims_uidset_free(self->risk);
    g_hash_table_unref(self->done);
    ims_report_unref(self->report);
}

ImsReport *
ims_pass_run(ImsPump *pump, const ImsPassOrder *order, GError **error)
{
    ImsPass self = {0};
    ImsReport *report;
    gint64 start = ims_clock_monotonic(order->clock);

    pass_init(&self, pump, order);
    self.store = order->dry_run ? ims_store_open_dry(order->state_path, order->identity, error)
                                : ims_store_open(order->state_path, order->identity, error);
    if (self.store != NULL && order->fuse != NULL)
        ims_store_set_fuse(self.store, order->fuse, order->data);
    if (self.store != NULL && load_issues(&self, error))
        run_around(&self, error);
    ims_pass_note_alerts(&self);
    ims_pass_report(&self);
    self.report->summary.n[IMS_COUNT_DURATION] =
        (guint64)(ims_clock_monotonic(order->clock) - start);
    report = ims_report_ref(self.report);
    pass_clear(&self);
    return report;
}
