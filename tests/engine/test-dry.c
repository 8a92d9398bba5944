/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* A dry run tells what a sync would do, and does none of it: not one writing command reaches a
 * server, both hold what they held, and so does the state file. */

#include <glib/gstdio.h>
#include <string.h>

#include "scene.h"

/* In the connections' threads, one at a time. */
static void
assert_reading(FakeServer *server, const char *command, gpointer data)
{
    static const char *const writing[] = {
        "CREATE",
        "DELETE",
        "RENAME",
        "SUBSCRIBE",
        "UNSUBSCRIBE",
        "APPEND",
        "UID STORE",
        "STORE",
        "UID COPY",
        "UID MOVE",
        "EXPUNGE",
        "UID EXPUNGE",
        "CLOSE",
        NULL};

    for (gsize i = 0; writing[i] != NULL; i++) {
        if (g_str_has_prefix(command, writing[i]))
            g_error("a dry run sent: %s", command);
    }
}

static char *
read_state(Scene *scene, gsize *out_len)
{
    char *bytes = NULL;

    *out_len = 0;
    g_file_get_contents(scene->state_path, &bytes, out_len, NULL);
    return bytes;
}

/* A dry run, with everything as before after it. */
static void
dry_run(Scene *scene)
{
    gsize len = 0, len_after = 0;
    g_autofree char *state = read_state(scene, &len), *state_after = NULL;
    g_autofree char *local = fake_dump(scene->server[IMS_LOCAL]), *local_after = NULL;
    g_autofree char *remote = fake_dump(scene->server[IMS_REMOTE]), *remote_after = NULL;

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        scene->faults[side].on_command = assert_reading;
    scene_arm(scene);
    scene->order.dry_run = TRUE;
    scene_pass(scene);
    scene->order.dry_run = FALSE;
    scene_disarm(scene);

    local_after = fake_dump(scene->server[IMS_LOCAL]);
    remote_after = fake_dump(scene->server[IMS_REMOTE]);
    state_after = read_state(scene, &len_after);
    g_assert_cmpstr(local_after, ==, local);
    g_assert_cmpstr(remote_after, ==, remote);
    g_assert_cmpint(state != NULL, ==, state_after != NULL);
    g_assert_cmpmem(state_after, len_after, state, len);
}

static const ImsMailboxReport *
find_plan(const Scene *scene, const char *name)
{
    for (guint i = 0; i < scene->report->mailboxes->len; i++) {
        const ImsMailboxReport *mailbox = g_ptr_array_index(scene->report->mailboxes, i);

        if (g_str_equal(mailbox->name, name))
            return mailbox;
    }
    g_assert_not_reached();
}

/* The counts of steps are those that the sync itself then has. */
static void
assert_comes_true(Scene *scene)
{
    ImsSummary plan = scene->report->summary;

    scene_pass(scene);
    for (ImsCount count = 0; count <= IMS_COUNT_MAILBOXES_CREATED; count++) {
        g_test_message("%s", ims_count_name(count));
        g_assert_cmpuint(scene_count(scene, count), ==, plan.n[count]);
    }
}

static void
test_first(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    const ImsMailboxReport *plan;

    fake_create(scene->server[IMS_LOCAL], "Work");
    fake_subscribe(scene->server[IMS_LOCAL], "Work");
    scene_add(scene, IMS_LOCAL, "Work", "one", NULL);
    scene_add(scene, IMS_LOCAL, "Work", "two", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "three", "1");
    dry_run(scene);
    g_assert_false(g_file_test(scene->state_path, G_FILE_TEST_EXISTS));

    plan = find_plan(scene, "Work");
    g_assert_cmpuint(plan->done.n[IMS_COUNT_MAILBOXES_CREATED], ==, 1);
    g_assert_cmpuint(plan->done.n[IMS_COUNT_COPIED_REMOTE], ==, 2);
    g_assert_cmpint(plan->state, ==, IMS_MAILBOX_PENDING);
    plan = find_plan(scene, "INBOX");
    g_assert_cmpuint(plan->done.n[IMS_COUNT_COPIED_LOCAL], ==, 1);
    g_assert_cmpint(plan->state, ==, IMS_MAILBOX_PENDING);
    assert_comes_true(scene);
    scene_assert_quiet(scene);
}

static Scene *
scene_of(guint n)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene_create(scene, "Work");
    for (guint i = 0; i < n; i++) {
        g_autofree char *name = g_strdup_printf("number%03u", i);

        scene_add(scene, IMS_LOCAL, "INBOX", name, NULL);
    }
    scene_start(scene);
    return g_steal_pointer(&scene);
}

static void
test_changes(void)
{
    g_autoptr(Scene) scene = scene_of(9);
    const ImsMailboxReport *plan;

    scene_add(scene, IMS_LOCAL, "INBOX", "new", NULL);
    scene_set_flags(scene, IMS_REMOTE, "INBOX", "number001", "1");
    scene_expunge(scene, IMS_REMOTE, "INBOX", "number002");
    dry_run(scene);
    plan = find_plan(scene, "INBOX");
    g_assert_cmpuint(plan->done.n[IMS_COUNT_COPIED_REMOTE], ==, 1);
    g_assert_cmpuint(plan->done.n[IMS_COUNT_FLAGS_LOCAL], ==, 1);
    g_assert_cmpuint(plan->done.n[IMS_COUNT_EXPUNGED_LOCAL], ==, 1);
    g_assert_cmpint(find_plan(scene, "Work")->state, ==, IMS_MAILBOX_SYNCED);
    assert_comes_true(scene);
    scene_assert_quiet(scene);
}

static void
test_nothing(void)
{
    g_autoptr(Scene) scene = scene_of(3);

    dry_run(scene);
    g_assert_cmpuint(scene_steps(scene), ==, 0);
    g_assert_cmpuint(scene_selects(scene), ==, 0);
    scene_assert_quiet(scene);
}

/* What would be held is said, and no issue is left behind. */
static void
test_held(void)
{
    g_autoptr(Scene) scene = scene_of(9);

    for (guint i = 0; i < 9; i++) {
        g_autofree char *name = g_strdup_printf("number%03u", i);

        scene_expunge(scene, IMS_REMOTE, "INBOX", name);
    }
    dry_run(scene);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_HELD), ==, 9);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_EXPUNGED_LOCAL), ==, 0);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_DELETIONS, "INBOX", IMS_REMOTE));
    assert_comes_true(scene);
    dry_run(scene);
    g_assert_cmpuint(scene_issue(scene, IMS_ISSUE_DELETIONS, "INBOX", IMS_REMOTE)->count, ==, 9);
}

/* What would be copied counts for the guard as in the sync, where it is there by then. */
static void
test_guard(void)
{
    g_autoptr(Scene) scene = scene_of(60);

    for (guint i = 0; i < 21; i++) {
        g_autofree char *gone = g_strdup_printf("number%03u", i);

        scene_expunge(scene, IMS_REMOTE, "INBOX", gone);
    }
    for (guint i = 0; i < 360; i++) {
        g_autofree char *fresh = g_strdup_printf("fresh%03u", i);

        scene_add(scene, IMS_REMOTE, "INBOX", fresh, NULL);
    }
    dry_run(scene);
    assert_comes_true(scene);
}

/* What moved into a mailbox that is not there on the other side yet is one copy and one expunge. */
static void
test_moved(void)
{
    g_autoptr(Scene) scene = scene_of(9);

    fake_create(scene->server[IMS_LOCAL], "New");
    scene_move(scene, IMS_LOCAL, "INBOX", "number003", "New");
    dry_run(scene);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_COPIED_REMOTE), ==, 1);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_EXPUNGED_REMOTE), ==, 1);
    assert_comes_true(scene);
    scene_assert_quiet(scene);
}

static void
test_adoption(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene_add(scene, IMS_LOCAL, "INBOX", "one", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "two", NULL);
    dry_run(scene);
    g_assert_cmpint(find_plan(scene, "INBOX")->state, ==, IMS_MAILBOX_HELD);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_NEEDS_ADOPTION, "INBOX", IMS_LOCAL));
    assert_comes_true(scene);
}

/* The state of other servers is not applied, and is there when its own come back. */
static void
test_other_server(void)
{
    g_autoptr(Scene) scene = scene_of(3);
    const char *identity = scene->order.identity[IMS_REMOTE];

    scene->order.identity[IMS_REMOTE] = "another";
    dry_run(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_NEEDS_ADOPTION, "INBOX", IMS_LOCAL));
    scene->order.identity[IMS_REMOTE] = identity;
    scene_assert_quiet(scene);
}

static gboolean
cut_append(FakePhase phase, const char *command, gpointer data)
{
    gboolean *dead = data;

    *dead |= phase == FAKE_AFTER && g_str_has_prefix(command, "APPEND");
    return *dead;
}

/* An interrupted copy is found again, and neither settled nor repeated. */
static void
test_intent(void)
{
    g_autoptr(Scene) scene = scene_of(3);
    gboolean dead = FALSE;

    scene_add(scene, IMS_LOCAL, "INBOX", "lost", NULL);
    scene->faults[IMS_REMOTE].cut = cut_append;
    scene->faults[IMS_REMOTE].data = &dead;
    scene_arm(scene);
    g_assert_false(scene_run(scene));
    scene_disarm(scene);
    scene->faults[IMS_REMOTE].cut = NULL;
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "INBOX"), ==, 4);

    dry_run(scene);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_COPIED_REMOTE), ==, 0);
    scene_start(scene);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "INBOX"), ==, 4);
    scene_assert_quiet(scene);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/engine/dry/first-sync", test_first);
    g_test_add_func("/engine/dry/changes-on-both-sides", test_changes);
    g_test_add_func("/engine/dry/nothing-to-do", test_nothing);
    g_test_add_func("/engine/dry/deletions-that-would-be-held", test_held);
    g_test_add_func("/engine/dry/guard-counts-what-would-be-copied", test_guard);
    g_test_add_func("/engine/dry/moved-into-a-new-mailbox", test_moved);
    g_test_add_func("/engine/dry/mail-on-both-sides", test_adoption);
    g_test_add_func("/engine/dry/state-of-another-server", test_other_server);
    g_test_add_func("/engine/dry/interrupted-copy", test_intent);
    return g_test_run();
}
