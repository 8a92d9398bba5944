/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The stage of the engine's tests. Only the calendar is driven; deadlines run on the machine's
 * clock, since real bytes pass through real sockets. */

#include "scene.h"

#include <glib/gstdio.h>

static gint64
real_us(gpointer data)
{
    return ((Scene *)data)->now_us;
}

static gint64
monotonic_us(gpointer data)
{
    return g_get_monotonic_time();
}

static void
ignore_progress(const ImsProgress *progress, gpointer data)
{
}

Scene *
scene_new(const char *without_local, const char *without_remote)
{
    Scene *self = g_new0(Scene, 1);
    const char *const without[] = {without_local, without_remote};

    self->now_us = (gint64)SCENE_DATE * G_USEC_PER_SEC;
    self->clock = (ImsClock){monotonic_us, real_us, self};
    self->directory = g_dir_make_tmp("ims-scene-XXXXXX", NULL);
    g_assert_nonnull(self->directory);
    self->state_path = g_build_filename(self->directory, "account.db", NULL);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        self->server[side] = fake_server_new("/."[side], without[side]);
        self->endpoint[side] = ims_endpoint_new(IMS_ENDPOINT_COMMAND);
        self->endpoint[side]->argv = g_strdupv(fake_server_argv(self->server[side]));
        self->order.endpoint[side] = self->endpoint[side];
        self->order.identity[side] = ims_side_name(side);
    }
    self->order.state_path = self->state_path;
    self->order.clock = &self->clock;
    self->order.progress = ignore_progress;
    return self;
}

void
scene_free(Scene *self)
{
    if (self == NULL)
        return;

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        fake_server_free(self->server[side]);
        ims_endpoint_free(self->endpoint[side]);
    }
    g_clear_pointer(&self->report, ims_report_unref);
    g_clear_error(&self->error);
    scene_forget(self);
    g_assert_cmpint(g_rmdir(self->directory), ==, 0);
    g_free(self->state_path);
    g_free(self->directory);
    g_free(self);
}

void
scene_forget(Scene *self)
{
    g_autofree char *log = g_strconcat(self->state_path, "-wal", NULL);

    g_unlink(log);
    g_unlink(self->state_path);
}

void
scene_arm(Scene *self)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        fake_set_faults(self->server[side], &self->faults[side]);
}

void
scene_disarm(Scene *self)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        self->faults[side] = (FakeFaults){0};
        fake_set_faults(self->server[side], NULL);
    }
}

/* -- mail -- */

guint32
scene_add(Scene *self, ImsSide side, const char *mailbox, const char *name, const char *flags)
{
    g_autofree char *body = fake_mail(name);

    return fake_add(self->server[side], mailbox, body, flags, SCENE_DATE + self->n_added++);
}

void
scene_create(Scene *self, const char *mailbox)
{
    fake_create(self->server[IMS_LOCAL], mailbox);
    fake_create(self->server[IMS_REMOTE], mailbox);
}

guint32
scene_find(Scene *self, ImsSide side, const char *mailbox, const char *name)
{
    g_autofree char *marker = g_strdup_printf("This is %s.", name);

    return fake_find(self->server[side], mailbox, marker);
}

void
scene_set_flags(Scene *self, ImsSide side, const char *mailbox, const char *name, const char *flags)
{
    fake_set_flags(self->server[side], mailbox, scene_find(self, side, mailbox, name), flags);
}

void
scene_expunge(Scene *self, ImsSide side, const char *mailbox, const char *name)
{
    fake_expunge(self->server[side], mailbox, scene_find(self, side, mailbox, name));
}

void
scene_move(Scene *self, ImsSide side, const char *from, const char *name, const char *to)
{
    fake_move(self->server[side], from, scene_find(self, side, from, name), to);
}

void
scene_assert_flags(
    Scene *self, ImsSide side, const char *mailbox, const char *name, const char *flags)
{
    guint32 uid = scene_find(self, side, mailbox, name);
    g_autofree char *got = NULL;

    g_assert_cmpuint(uid, !=, 0);
    got = fake_flags(self->server[side], mailbox, uid);
    g_assert_cmpstr(got, ==, flags);
}

/* -- traps -- */

static void
pass_by(FakeServer *server, const char *command, gpointer data)
{
    Trap *trap = data;

    if (trap->command != NULL && !g_str_has_prefix(command, trap->command))
        return;
    if (trap->seen++ == trap->nth && trap->spring != NULL)
        trap->spring(trap->scene);
}

void
scene_set_trap(Scene *self, ImsSide side, Trap *trap)
{
    trap->scene = self;
    self->faults[side].on_command = pass_by;
    self->faults[side].data = trap;
    scene_arm(self);
}

/* -- passes -- */

gboolean
scene_run(Scene *self)
{
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    g_autoptr(ImsPump) pump = ims_pump_new(cancel);

    g_clear_pointer(&self->report, ims_report_unref);
    g_clear_error(&self->error);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        fake_server_reset_count(self->server[side]);
    self->report = ims_pass_run(pump, &self->order, &self->error);
    g_assert_nonnull(self->report);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        fake_hang_up(self->server[side]);
    return self->error == NULL;
}

void
scene_pass(Scene *self)
{
    scene_run(self);
    g_assert_no_error(self->error);
}

void
scene_start(Scene *self)
{
    scene_pass(self);
    scene_assert_equal(self);
}

guint64
scene_count(const Scene *self, ImsCount count)
{
    return self->report->summary.n[count];
}

guint64
scene_steps(const Scene *self)
{
    static const ImsCount steps[] = {
        IMS_COUNT_COPIED_LOCAL,
        IMS_COUNT_COPIED_REMOTE,
        IMS_COUNT_FLAGS_LOCAL,
        IMS_COUNT_FLAGS_REMOTE,
        IMS_COUNT_EXPUNGED_LOCAL,
        IMS_COUNT_EXPUNGED_REMOTE,
        IMS_COUNT_REFUSED,
        IMS_COUNT_HELD,
        IMS_COUNT_SUBSCRIPTIONS_LOCAL,
        IMS_COUNT_SUBSCRIPTIONS_REMOTE,
        IMS_COUNT_MAILBOXES_CREATED,
        IMS_COUNT_MAILBOXES_CHANGED,
    };
    guint64 sum = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++)
        sum += scene_count(self, steps[i]);
    return sum;
}

guint
scene_selects(Scene *self)
{
    return fake_server_count(self->server[IMS_LOCAL]).selects +
           fake_server_count(self->server[IMS_REMOTE]).selects;
}

guint
scene_appended(Scene *self)
{
    return fake_server_count(self->server[IMS_LOCAL]).appended +
           fake_server_count(self->server[IMS_REMOTE]).appended;
}

guint
scene_expunged(Scene *self)
{
    return fake_server_count(self->server[IMS_LOCAL]).expunged +
           fake_server_count(self->server[IMS_REMOTE]).expunged;
}

const ImsIssue *
scene_issue(const Scene *self, ImsIssueKind kind, const char *mailbox, ImsSide side)
{
    for (guint i = 0; i < self->report->issues->len; i++) {
        const ImsIssue *issue = g_ptr_array_index(self->report->issues, i);

        if (issue->kind == kind && issue->side == side && g_str_equal(issue->mailbox, mailbox))
            return issue;
    }
    return NULL;
}

void
scene_assert_no_issues(const Scene *self)
{
    for (guint i = 0; i < self->report->issues->len; i++) {
        const ImsIssue *issue = g_ptr_array_index(self->report->issues, i);

        g_error("issue %s of “%s”", ims_issue_kind_name(issue->kind), issue->mailbox);
    }
}

void
scene_assert_equal(Scene *self)
{
    g_autofree char *local = fake_dump(self->server[IMS_LOCAL]);
    g_autofree char *remote = fake_dump(self->server[IMS_REMOTE]);

    g_assert_cmpstr(local, ==, remote);
}

void
scene_assert_quiet(Scene *self)
{
    scene_assert_equal(self);
    scene_pass(self);
    g_assert_cmpuint(scene_steps(self), ==, 0);
    g_assert_cmpuint(scene_selects(self), ==, 0);
    scene_assert_equal(self);
}
