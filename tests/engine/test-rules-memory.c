/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The safety rules about what is remembered: whose mailbox, which message, whose flags, and up to
 * where. Each test is named after the rule and fails without it; those named P are of servers'
 * habits. */

#include "scene.h"

#define WORK_UIDVALIDITY 1002 /* of the mailbox that a fake server makes behind INBOX */
#define DAY_US           G_TIME_SPAN_DAY

/* Pairs in Work: one, two. */
static Scene *
scene_of_work(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        scene->faults[side].mailbox_ids = TRUE;
    scene_arm(scene);
    scene_create(scene, "Work");
    scene_add(scene, IMS_LOCAL, "Work", "one", NULL);
    scene_add(scene, IMS_LOCAL, "Work", "two", NULL);
    scene_start(scene);
    return g_steal_pointer(&scene);
}

static void
recreate_work(Scene *scene)
{
    fake_delete(scene->server[IMS_REMOTE], "Work");
    fake_create(scene->server[IMS_REMOTE], "Work");
    fake_set_uidvalidity(scene->server[IMS_REMOTE], "Work", WORK_UIDVALIDITY);
}

/* -- S1 -- */

static void
test_recreated(void)
{
    g_autoptr(Scene) scene = scene_of_work();
    g_autofree char *local = fake_dump(scene->server[IMS_LOCAL]), *after = NULL;

    recreate_work(scene);
    scene_add(scene, IMS_REMOTE, "Work", "alien1", "4");
    scene_add(scene, IMS_REMOTE, "Work", "alien2", NULL);
    scene_add(scene, IMS_REMOTE, "Work", "alien3", NULL);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_NEEDS_ADOPTION, "Work", IMS_LOCAL));
    after = fake_dump(scene->server[IMS_LOCAL]);
    g_assert_cmpstr(after, ==, local);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "Work"), ==, 3);
}

static void
test_recreated_empty(void)
{
    g_autoptr(Scene) scene = scene_of_work();

    recreate_work(scene);
    scene_start(scene);
    g_assert_cmpuint(fake_count(scene->server[IMS_LOCAL], "Work"), ==, 2);
    scene_assert_quiet(scene);
}

static void
test_uidvalidity(void)
{
    g_autoptr(Scene) scene = scene_of_work();
    g_autofree char *local = fake_dump(scene->server[IMS_LOCAL]), *after = NULL;

    scene_expunge(scene, IMS_REMOTE, "Work", "one");
    fake_set_uidvalidity(scene->server[IMS_REMOTE], "Work", 4711);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_NEEDS_ADOPTION, "Work", IMS_LOCAL));
    after = fake_dump(scene->server[IMS_LOCAL]);
    g_assert_cmpstr(after, ==, local);
}

/* Two mailboxes of one UIDVALIDITY change names, and by what STATUS tells the one that has grown
 * looks as the other did. */
static void
test_swapped(gconstpointer asked)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    FakeServer *here = scene->server[IMS_LOCAL];
    const char *names[] = {"A", "INBOX", NULL};

    scene_create(scene, "A");
    scene_create(scene, "B");
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        fake_set_uidvalidity(scene->server[side], "A", 77);
        fake_set_uidvalidity(scene->server[side], "B", 77);
        scene->faults[side].mailbox_ids = TRUE;
    }
    scene_arm(scene);
    scene_add(scene, IMS_LOCAL, "A", "a1", NULL);
    scene_add(scene, IMS_LOCAL, "B", "b1", NULL);
    scene_add(scene, IMS_LOCAL, "B", "b2", NULL);
    scene_add(scene, IMS_LOCAL, "INBOX", "x", NULL);
    scene_add(scene, IMS_LOCAL, "INBOX", "y", NULL);
    scene_start(scene);
    scene_assert_quiet(scene);

    fake_rename(here, "A", "T");
    fake_rename(here, "B", "A");
    fake_rename(here, "T", "B");
    scene_move(scene, IMS_LOCAL, "INBOX", "x", "B");
    scene->order.mailboxes = asked != NULL ? (char **)names : NULL;
    scene_pass(scene);
    scene->order.mailboxes = NULL;
    scene_pass(scene);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "B", "x"), !=, 0);
    g_assert_cmpuint(scene_find(scene, IMS_REMOTE, "INBOX", "x"), !=, 0);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_NEEDS_ADOPTION, "B", IMS_LOCAL));
}

/* What grows is not taken for another one, unless the numbers allow it: on a server that gives one
 * UIDVALIDITY to all, each new message would open every mailbox. */
static void
test_growth(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    static const char *const names[] = {"A", "B", "C"};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        scene_create(scene, names[i]);
        for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
            fake_set_uidvalidity(scene->server[side], names[i], 77);
    }
    scene->faults[IMS_LOCAL].mailbox_ids = scene->faults[IMS_REMOTE].mailbox_ids = TRUE;
    scene_arm(scene);
    scene_add(scene, IMS_LOCAL, "A", "a1", NULL);
    scene_add(scene, IMS_LOCAL, "B", "b1", NULL);
    scene_add(scene, IMS_LOCAL, "B", "b2", NULL);
    for (guint i = 0; i < 5; i++) {
        g_autofree char *name = g_strdup_printf("c%u", i);

        scene_add(scene, IMS_LOCAL, "C", name, NULL);
    }
    scene_start(scene);
    scene_assert_quiet(scene);

    scene_add(scene, IMS_LOCAL, "C", "new", NULL);
    scene_pass(scene);
    g_assert_cmpuint(scene->report->summary.n[IMS_COUNT_MAILBOXES_SELECTED], ==, 1);
    g_assert_cmpuint(scene_find(scene, IMS_REMOTE, "C", "new"), !=, 0);
}

/* -- S2 -- */

static void
test_wrong_count(void)
{
    g_autoptr(Scene) scene = scene_of_work();
    Trap trap = {.command = "UID FETCH 1:*"};

    scene->faults[IMS_REMOTE].lie_mailbox = "Work";
    scene->faults[IMS_REMOTE].lie_missing = 1;
    scene_set_trap(scene, IMS_REMOTE, &trap);
    scene_set_flags(scene, IMS_REMOTE, "Work", "one", "1");
    scene_pass(scene);
    g_assert_cmpuint(trap.seen, >, 0);
    scene_assert_equal(scene);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "Work"), ==, 2);
}

static void
test_single_counts(void)
{
    g_autoptr(Scene) scene = scene_of_work();
    Trap trap = {.command = "UID FETCH 1:*"};

    scene->faults[IMS_REMOTE].refuse_marker = "This is poison.";
    scene_arm(scene);
    scene_add(scene, IMS_LOCAL, "Work", "poison", NULL);
    scene_pass(scene);
    scene_set_trap(scene, IMS_LOCAL, &trap);
    scene_add(scene, IMS_LOCAL, "Work", "next", NULL);
    scene_pass(scene);
    g_assert_cmpuint(trap.seen, ==, 0);
    g_assert_cmpuint(scene_appended(scene), ==, 1);
}

/* -- S3 -- */

static void
test_restored(void)
{
    g_autoptr(Scene) scene = scene_of_work();
    g_autoptr(FakeSnapshot) backup = fake_snapshot(scene->server[IMS_REMOTE]);
    g_autofree char *local = NULL, *after = NULL;

    scene_add(scene, IMS_LOCAL, "Work", "three", NULL);
    scene_add(scene, IMS_REMOTE, "Work", "four", NULL);
    scene_start(scene);
    local = fake_dump(scene->server[IMS_LOCAL]);
    fake_restore(scene->server[IMS_REMOTE], backup);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_NEEDS_ADOPTION, "Work", IMS_LOCAL));
    after = fake_dump(scene->server[IMS_LOCAL]);
    g_assert_cmpstr(after, ==, local);
}

/* The same UIDs are given out again, to other messages. */
static void
test_restored_and_refilled(void)
{
    g_autoptr(Scene) scene = scene_of_work();
    g_autoptr(FakeSnapshot) backup = fake_snapshot(scene->server[IMS_REMOTE]);
    g_autofree char *local = NULL, *after = NULL;

    scene_add(scene, IMS_LOCAL, "Work", "three", NULL);
    scene_start(scene);
    scene_set_flags(scene, IMS_REMOTE, "Work", "three", "1");
    scene_set_flags(scene, IMS_REMOTE, "Work", "three", "2");
    scene_start(scene);
    local = fake_dump(scene->server[IMS_LOCAL]);
    fake_restore(scene->server[IMS_REMOTE], backup);
    scene_add(scene, IMS_REMOTE, "Work", "alien", "4");
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_NEEDS_ADOPTION, "Work", IMS_LOCAL));
    after = fake_dump(scene->server[IMS_LOCAL]);
    g_assert_cmpstr(after, ==, local);
    scene_assert_flags(scene, IMS_REMOTE, "Work", "alien", "4");
}

/* -- S4 -- */

/* @promises: whether the server says that it keeps them. */
static void
test_masked_keyword(gconstpointer promises)
{
    g_autoptr(Scene) scene = scene_of_work();

    scene->faults[IMS_REMOTE].no_new_keywords = TRUE;
    scene->faults[IMS_REMOTE].promises_keywords = promises != NULL;
    scene_arm(scene);
    scene_add(scene, IMS_LOCAL, "Work", "labelled", "0 $label");
    scene_pass(scene);
    scene_assert_flags(scene, IMS_REMOTE, "Work", "labelled", "0");
    scene_set_flags(scene, IMS_REMOTE, "Work", "labelled", "1");
    scene_pass(scene);
    scene_assert_flags(scene, IMS_LOCAL, "Work", "labelled", "1 $label");
    scene_pass(scene);
    g_assert_cmpuint(scene_steps(scene) + scene_selects(scene), ==, 0);
}

static void
test_lost_modseqs(void)
{
    g_autoptr(Scene) scene = scene_of_work();

    scene_set_flags(scene, IMS_LOCAL, "Work", "one", "1");
    scene_start(scene);
    scene_set_flags(scene, IMS_REMOTE, "Work", "one", "0");
    scene_set_flags(scene, IMS_LOCAL, "Work", "two", "4");
    fake_lose_modseqs(scene->server[IMS_REMOTE], "Work");
    scene_start(scene);
    scene_assert_flags(scene, IMS_LOCAL, "Work", "one", "1");
    scene_assert_flags(scene, IMS_REMOTE, "Work", "two", "4");
    scene_assert_quiet(scene);
}

static const char *
refuse_stores(const char *verb, const char *mailbox, gpointer data)
{
    return g_str_equal(verb, "UID STORE") ? "[NOPERM] Only to be read" : NULL;
}

static void
test_refused_store(void)
{
    g_autoptr(Scene) scene = scene_of_work();
    Trap trap = {.command = "UID STORE"};

    scene->faults[IMS_REMOTE].refuse = refuse_stores;
    scene_set_trap(scene, IMS_REMOTE, &trap);
    scene_set_flags(scene, IMS_LOCAL, "Work", "one", "1");
    scene_pass(scene);
    g_assert_cmpuint(trap.seen, ==, 1);
    scene_add(scene, IMS_REMOTE, "Work", "three", NULL);
    scene_pass(scene);
    g_assert_cmpuint(trap.seen, ==, 1);
    scene_assert_flags(scene, IMS_LOCAL, "Work", "one", "1");
    scene_assert_flags(scene, IMS_LOCAL, "Work", "three", "0");
}

static void
set_read_only(Scene *scene, gboolean read_only)
{
    scene->faults[IMS_REMOTE].read_only = read_only;
    scene_arm(scene);
}

/* What is changed meanwhile waits, in an issue and without a step, and is carried in the end. */
static void
test_read_only(void)
{
    g_autoptr(Scene) scene = scene_of_work();

    scene_set_flags(scene, IMS_LOCAL, "Work", "two", "4 $label");
    scene_start(scene);
    set_read_only(scene, TRUE);
    scene_set_flags(scene, IMS_LOCAL, "Work", "one", "5 $label");
    scene_set_flags(scene, IMS_LOCAL, "Work", "two", "0");
    scene_add(scene, IMS_LOCAL, "Work", "new", "1");
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_READ_ONLY, "Work", IMS_REMOTE));
    scene_assert_flags(scene, IMS_LOCAL, "Work", "new", "1");
    scene_set_flags(scene, IMS_REMOTE, "Work", "one", "2"); /* by one who may */
    scene_pass(scene);
    scene_assert_flags(scene, IMS_LOCAL, "Work", "one", "7 $label");
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_READ_ONLY, "Work", IMS_REMOTE));
    g_assert_cmpuint(scene_steps(scene), ==, 0);

    set_read_only(scene, FALSE);
    scene_start(scene);
    scene_assert_flags(scene, IMS_REMOTE, "Work", "one", "7 $label");
    scene_assert_flags(scene, IMS_REMOTE, "Work", "two", "0");
    scene_assert_flags(scene, IMS_REMOTE, "Work", "new", "1");
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* What was changed is changed back: then nothing waits any more, as the next comparison finds. */
static void
test_read_only_undone(void)
{
    g_autoptr(Scene) scene = scene_of_work();

    set_read_only(scene, TRUE);
    scene_set_flags(scene, IMS_LOCAL, "Work", "one", "5");
    scene_pass(scene);
    scene_set_flags(scene, IMS_LOCAL, "Work", "one", "0");
    scene_pass(scene);
    scene->now_us += 31 * DAY_US;
    scene_start(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* Flags that are united, as the base cannot be trusted, are not taken for removed afterwards. */
static void
test_read_only_united(void)
{
    g_autoptr(Scene) scene = scene_of_work();

    scene_set_flags(scene, IMS_LOCAL, "Work", "one", "1");
    scene_start(scene);
    set_read_only(scene, TRUE);
    scene_set_flags(scene, IMS_REMOTE, "Work", "one", "0");
    fake_lose_modseqs(scene->server[IMS_REMOTE], "Work");
    scene_pass(scene);
    scene_pass(scene);
    set_read_only(scene, FALSE);
    scene_start(scene);
    scene_assert_flags(scene, IMS_REMOTE, "Work", "one", "1");
    scene_assert_quiet(scene);
}

/* -- S5 -- */

static gboolean
cut_in_body(FakePhase phase, const char *command, gpointer data)
{
    gboolean *dead = data;

    *dead |= phase == FAKE_BODY;
    return *dead;
}

static void
test_interrupted(void)
{
    g_autoptr(Scene) scene = scene_of_work();
    gboolean dead = FALSE;

    scene_set_flags(scene, IMS_REMOTE, "Work", "one", "1");
    scene_set_flags(scene, IMS_LOCAL, "Work", "two", "4");
    scene_add(scene, IMS_LOCAL, "Work", "three", NULL);
    scene->faults[IMS_LOCAL].cut = cut_in_body;
    scene->faults[IMS_LOCAL].data = &dead;
    scene_arm(scene);
    g_assert_false(scene_run(scene));
    g_assert_error(scene->error, IMS_ERROR, IMS_ERROR_OFFLINE);
    scene_disarm(scene);
    scene_start(scene);
    scene_assert_flags(scene, IMS_LOCAL, "Work", "one", "1");
    scene_assert_flags(scene, IMS_REMOTE, "Work", "two", "4");
}

static void
test_month(void)
{
    g_autoptr(Scene) scene = scene_of_work();
    Trap trap = {.command = "UID FETCH 1:*"};

    scene_set_trap(scene, IMS_LOCAL, &trap);
    scene->now_us += 29 * DAY_US;
    scene_pass(scene);
    g_assert_cmpuint(trap.seen, ==, 0);
    scene->now_us += 2 * DAY_US;
    scene_pass(scene);
    g_assert_cmpuint(trap.seen, >, 0);
    scene_assert_quiet(scene);
}

/* -- servers' habits -- */

static void
test_missed_expunge(void)
{
    g_autoptr(Scene) scene = scene_of_work();

    scene_expunge(scene, IMS_REMOTE, "Work", "one");
    fake_lose_modseqs(scene->server[IMS_REMOTE], "Work");
    scene_start(scene);
    g_assert_cmpuint(fake_count(scene->server[IMS_LOCAL], "Work"), ==, 1);
    scene_assert_quiet(scene);
}

static void
expunge_three(Scene *scene)
{
    scene_expunge(scene, IMS_LOCAL, "Work", "three");
}

static void
test_body_of_expunged(void)
{
    g_autoptr(Scene) scene = scene_of_work();
    Trap trap = {.command = "UID FETCH 3 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"};

    trap.spring = expunge_three;
    scene_add(scene, IMS_LOCAL, "Work", "three", NULL);
    scene_set_trap(scene, IMS_LOCAL, &trap);
    scene_start(scene);
    g_assert_cmpuint(trap.seen, ==, 1);
    g_assert_cmpuint(scene_appended(scene), ==, 0);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

static void
test_nil_body(void)
{
    g_autoptr(Scene) scene = scene_of_work();

    scene->faults[IMS_LOCAL].no_body_marker = "This is three.";
    scene_arm(scene);
    scene_add(scene, IMS_LOCAL, "Work", "three", NULL);
    scene_pass(scene);
    g_assert_cmpuint(scene_appended(scene), ==, 0);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "Work"), ==, 2);
}

static void
test_last_message(void)
{
    g_autoptr(Scene) scene = scene_of_work();

    scene_set_flags(scene, IMS_LOCAL, "Work", "two", "1");
    scene_start(scene);
    g_assert_cmpuint(scene_appended(scene), ==, 0);
    scene_assert_flags(scene, IMS_REMOTE, "Work", "two", "1");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/engine/rules/S1-growth-opens-no-other", test_growth);
    g_test_add_func("/engine/rules/S1-recreated-mailbox-is-not-the-old-one", test_recreated);
    g_test_add_func("/engine/rules/S1-recreated-empty-deletes-nothing", test_recreated_empty);
    g_test_add_func("/engine/rules/S1-new-uidvalidity-deletes-nothing", test_uidvalidity);
    g_test_add_data_func("/engine/rules/S1-swapped-mailboxes", NULL, test_swapped);
    g_test_add_data_func("/engine/rules/S1-swapped-mailboxes-one-asked-for", "", test_swapped);
    g_test_add_func("/engine/rules/S2-wrong-count-compares-all", test_wrong_count);
    g_test_add_func("/engine/rules/S2-single-is-counted-and-passed", test_single_counts);
    g_test_add_func("/engine/rules/S3-restored-server-deletes-nothing", test_restored);
    g_test_add_func("/engine/rules/S3-uid-of-another-message", test_restored_and_refilled);
    g_test_add_data_func(
        "/engine/rules/S4-masked-keyword-was-not-removed", NULL, test_masked_keyword);
    g_test_add_data_func(
        "/engine/rules/S4-masked-keyword-in-spite-of-a-promise", "", test_masked_keyword);
    g_test_add_func("/engine/rules/S4-lost-modseqs-unite-flags", test_lost_modseqs);
    g_test_add_func("/engine/rules/S4-refused-store-is-not-repeated", test_refused_store);
    g_test_add_func("/engine/rules/S4-read-only-for-a-while-loses-no-flag", test_read_only);
    g_test_add_func("/engine/rules/S4-read-only-and-changed-back", test_read_only_undone);
    g_test_add_func("/engine/rules/S4-read-only-with-lost-modseqs", test_read_only_united);
    g_test_add_func("/engine/rules/S5-interrupted-pass-loses-no-change", test_interrupted);
    g_test_add_func("/engine/rules/S5-all-is-compared-once-a-month", test_month);
    g_test_add_func("/engine/rules/P5-expunge-missed-by-lost-modseqs", test_missed_expunge);
    g_test_add_func("/engine/rules/P6-expunged-while-it-was-copied", test_body_of_expunged);
    g_test_add_func("/engine/rules/P6-nil-is-no-empty-message", test_nil_body);
    g_test_add_func("/engine/rules/P10-last-message-is-not-new-again", test_last_message);
    return g_test_run();
}
