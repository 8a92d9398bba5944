/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The safety rules about writing, with other clients at work at the worst moment. Each test is
 * named after the rule and fails without it. */

#include <stdlib.h>

#include "scene.h"

/* Pairs in INBOX: one, two (\Answered), three; and an empty Work. */
static Scene *
scene_of_three(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene_create(scene, "Work");
    scene_add(scene, IMS_LOCAL, "INBOX", "one", NULL);
    scene_add(scene, IMS_LOCAL, "INBOX", "two", "2");
    scene_add(scene, IMS_LOCAL, "INBOX", "three", NULL);
    scene_start(scene);
    return g_steal_pointer(&scene);
}

static gboolean
is_on(Scene *scene, ImsSide side, const char *mailbox, const char *name)
{
    return fake_exists(scene->server[side], mailbox) && scene_find(scene, side, mailbox, name) != 0;
}

/* -- S6 -- */

typedef struct {
    const char *name;
    ImsSide side;
    void (*meddle)(Scene *scene);
    void (*check)(Scene *scene);
} Meddling;

static void
flag_here(Scene *scene)
{
    scene_set_flags(scene, IMS_LOCAL, "INBOX", "three", "4 $mine");
}

static void
check_flag(Scene *scene)
{
    scene_assert_flags(scene, IMS_LOCAL, "INBOX", "three", "4 $mine");
}

static void
flag_there(Scene *scene)
{
    scene_set_flags(scene, IMS_REMOTE, "INBOX", "three", "4 $mine");
}

static void
flag_written(Scene *scene)
{
    g_autofree char *now = NULL;
    guint32 uid = scene_find(scene, IMS_REMOTE, "INBOX", "one");
    g_autofree char *key = NULL;

    now = fake_flags(scene->server[IMS_REMOTE], "INBOX", uid);
    key = g_strdup_printf("%d", atoi(now) | IMS_FLAG_FLAGGED);
    fake_set_flags(scene->server[IMS_REMOTE], "INBOX", uid, key);
}

static void
check_written(Scene *scene)
{
    scene_assert_flags(scene, IMS_LOCAL, "INBOX", "one", "5");
}

static void
deliver_here(Scene *scene)
{
    scene_add(scene, IMS_LOCAL, "INBOX", "late", NULL);
}

static void
check_delivered(Scene *scene)
{
    g_assert_true(is_on(scene, IMS_REMOTE, "INBOX", "late"));
}

static void
expunge_there(Scene *scene)
{
    scene_expunge(scene, IMS_REMOTE, "INBOX", "three");
}

static void
check_expunged(Scene *scene)
{
    g_assert_false(is_on(scene, IMS_LOCAL, "INBOX", "three"));
}

static const Meddling meddlings[] = {
    {"S6-closing-select-loses-no-flag-here", IMS_LOCAL, flag_here, check_flag},
    {"S6-closing-select-loses-no-flag-there", IMS_REMOTE, flag_there, check_flag},
    {"S6-closing-select-loses-no-flag-of-a-written-message",
     IMS_REMOTE,
     flag_written,
     check_written},
    {"P4-new-mail-in-mid-pass-is-found", IMS_LOCAL, deliver_here, check_delivered},
    {"S6-closing-select-loses-no-expunge", IMS_REMOTE, expunge_there, check_expunged},
};

typedef struct {
    Scene *scene;
    guint selects;
} Race;

/* Another client does to "one" what we are about to do, so that our STORE changes nothing, and then
 * takes it back. */
static void
race_the_store(FakeServer *server, const char *command, gpointer data)
{
    Race *race = data;

    if (!g_str_has_prefix(command, "SELECT \"INBOX\""))
        return;
    race->selects++;
    if (race->selects == 2)
        scene_set_flags(race->scene, IMS_REMOTE, "INBOX", "one", "4");
    else if (race->selects == 3)
        scene_set_flags(race->scene, IMS_REMOTE, "INBOX", "one", NULL);
}

static void
test_store_that_changes_nothing(void)
{
    g_autoptr(Scene) scene = scene_of_three();
    Race race = {scene, 0};

    scene_add(scene, IMS_LOCAL, "Work", "task", NULL);
    scene_start(scene);
    scene_set_flags(scene, IMS_LOCAL, "INBOX", "one", "4");
    scene_set_flags(scene, IMS_LOCAL, "Work", "task", "1"); /* so that INBOX is opened again */
    scene->faults[IMS_REMOTE] = (FakeFaults){.on_command = race_the_store, .data = &race};
    scene_arm(scene);
    scene_pass(scene);
    g_assert_cmpuint(race.selects, >=, 3);
    scene_disarm(scene);
    scene_start(scene);
    scene_assert_flags(scene, IMS_LOCAL, "INBOX", "one", "0");
    scene_assert_quiet(scene);
}

/* Returns: whether there was an @nth command. */
static gboolean
meddle_at(const Meddling *meddling, guint nth)
{
    g_autoptr(Scene) scene = scene_of_three();
    Trap trap = {.nth = nth, .spring = meddling->meddle};

    scene_set_flags(scene, IMS_LOCAL, "INBOX", "one", "1");
    scene_expunge(scene, IMS_LOCAL, "INBOX", "two");
    scene_add(scene, IMS_LOCAL, "INBOX", "new", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "other", "1");
    scene_set_trap(scene, meddling->side, &trap);
    scene_pass(scene);
    if (trap.seen <= nth)
        return FALSE;

    scene_disarm(scene);
    scene_start(scene);
    meddling->check(scene);
    scene_assert_quiet(scene);
    return TRUE;
}

static void
test_meddling(gconstpointer data)
{
    guint nth = 0;

    while (meddle_at(data, nth))
        nth++;
    g_assert_cmpuint(nth, >, 8);
}

/* -- S7 -- */

static void
replace_work(Scene *scene)
{
    fake_delete(scene->server[IMS_REMOTE], "Work");
    fake_create(scene->server[IMS_REMOTE], "Work");
    scene_add(scene, IMS_REMOTE, "Work", "alien1", NULL);
    scene_add(scene, IMS_REMOTE, "Work", "alien2", NULL);
}

/* Whatever SELECT it is before which the mailbox is replaced, nothing is marked in the new one. */
static void
test_no_blind_mark(void)
{
    gboolean any = TRUE;

    for (guint nth = 0; any; nth++) {
        g_autoptr(Scene) scene = scene_of_three();
        Trap trap = {.command = "SELECT \"Work\"", .nth = nth, .spring = replace_work};

        scene_add(scene, IMS_LOCAL, "Work", "w1", NULL);
        scene_add(scene, IMS_LOCAL, "Work", "w2", NULL);
        scene_start(scene);
        scene_expunge(scene, IMS_LOCAL, "Work", "w1");
        scene_set_trap(scene, IMS_REMOTE, &trap);
        scene_pass(scene);
        any = trap.seen > nth;
        if (!any)
            break;
        scene_assert_flags(scene, IMS_REMOTE, "Work", "alien1", "0");
        scene_assert_flags(scene, IMS_REMOTE, "Work", "alien2", "0");
    }
}

/* -- S8 -- */

static void
test_lying_vanished(void)
{
    g_autoptr(Scene) scene = scene_of_three();

    scene->faults[IMS_LOCAL].lie_mailbox = "INBOX";
    scene->faults[IMS_LOCAL].lie_uids = "2";
    scene->faults[IMS_LOCAL].lie_missing = 1;
    scene_arm(scene);
    scene_set_flags(scene, IMS_LOCAL, "INBOX", "one", "1");
    scene_pass(scene);
    g_assert_cmpuint(scene_expunged(scene), ==, 0);
    scene_assert_flags(scene, IMS_REMOTE, "INBOX", "two", "2");

    scene_disarm(scene);
    scene_start(scene);
    scene_assert_flags(scene, IMS_REMOTE, "INBOX", "two", "2");
    scene_assert_quiet(scene);
}

static void
test_over_reporting(void)
{
    g_autoptr(Scene) scene = scene_of_three();

    scene_expunge(scene, IMS_LOCAL, "INBOX", "two");
    fake_forget_expunges(scene->server[IMS_LOCAL], "INBOX");
    scene_start(scene);
    g_assert_cmpuint(scene_expunged(scene), ==, 1);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "INBOX"), ==, 2);
}

static void
test_users_mark(void)
{
    g_autoptr(Scene) scene = scene_of_three();

    scene_set_flags(scene, IMS_LOCAL, "INBOX", "one", "8");
    scene_expunge(scene, IMS_LOCAL, "INBOX", "three");
    scene_start(scene);
    g_assert_cmpuint(scene_expunged(scene), ==, 1);
    scene_assert_flags(scene, IMS_REMOTE, "INBOX", "one", "8");
    scene_assert_quiet(scene);
}

static void
flag_two_there(Scene *scene)
{
    scene_set_flags(scene, IMS_REMOTE, "INBOX", "two", "4");
}

static void
test_deletion_beats_flags(void)
{
    g_autoptr(Scene) scene = scene_of_three();
    Trap trap = {.command = "UID STORE", .spring = flag_two_there};

    scene_expunge(scene, IMS_LOCAL, "INBOX", "two");
    scene_set_trap(scene, IMS_REMOTE, &trap);
    scene_start(scene);
    g_assert_cmpuint(trap.seen, >, 1);
    g_assert_false(is_on(scene, IMS_REMOTE, "INBOX", "two"));
    scene_assert_quiet(scene);
}

static void
unmark_two_there(Scene *scene)
{
    scene_set_flags(scene, IMS_REMOTE, "INBOX", "two", "2");
}

static void
test_mark_removed(void)
{
    g_autoptr(Scene) scene = scene_of_three();
    Trap trap = {.command = "UID EXPUNGE", .spring = unmark_two_there};

    scene_expunge(scene, IMS_LOCAL, "INBOX", "two");
    scene_expunge(scene, IMS_LOCAL, "INBOX", "three");
    scene_add(scene, IMS_LOCAL, "INBOX", "new", NULL);
    scene_set_trap(scene, IMS_REMOTE, &trap);
    scene_start(scene);
    g_assert_cmpuint(trap.seen, ==, 1);
    g_assert_cmpuint(fake_count(scene->server[IMS_LOCAL], "INBOX"), ==, 3);
    scene_assert_flags(scene, IMS_LOCAL, "INBOX", "two", "2");
    g_assert_false(is_on(scene, IMS_REMOTE, "INBOX", "three"));
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

static const char *
refuse_verb(const char *verb, const char *mailbox, gpointer data)
{
    return g_str_equal(verb, data) ? "[UNAVAILABLE] Not today" : NULL;
}

static void
pass_refusing(Scene *scene, const char *verb)
{
    scene->faults[IMS_REMOTE] = (FakeFaults){.refuse = refuse_verb, .data = (gpointer)verb};
    scene_arm(scene);
    scene_pass(scene);
    scene_disarm(scene);
    scene->faults[IMS_REMOTE] = (FakeFaults){0};
}

/* Our mark is on "two", and the expunge was refused. @before: what both sides agreed on, with the
 * user's own \Deleted or without. */
static Scene *
scene_with_mark(const char *before)
{
    g_autoptr(Scene) scene = scene_of_three();

    scene_set_flags(scene, IMS_LOCAL, "INBOX", "two", before);
    scene_start(scene);
    scene_expunge(scene, IMS_LOCAL, "INBOX", "two");
    pass_refusing(scene, "UID EXPUNGE");
    scene_assert_flags(scene, IMS_REMOTE, "INBOX", "two", "10");
    return g_steal_pointer(&scene);
}

static void
test_mark_taken_back(gconstpointer before)
{
    g_autoptr(Scene) scene = scene_with_mark(before);

    unmark_two_there(scene);
    scene_start(scene);
    scene_assert_flags(scene, IMS_LOCAL, "INBOX", "two", "2");
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* The other client comes between our SELECT and the STORE that sets the mark once more. */
static void
test_mark_taken_back_late(void)
{
    g_autoptr(Scene) scene = scene_with_mark("2");
    Trap trap = {.command = "UID STORE", .spring = unmark_two_there};

    scene_set_trap(scene, IMS_REMOTE, &trap);
    scene_start(scene);
    g_assert_cmpuint(trap.seen, ==, 1);
    scene_assert_flags(scene, IMS_LOCAL, "INBOX", "two", "2");
    scene_assert_quiet(scene);
}

/* A mark that was refused was never there for anybody to take away. */
static void
test_mark_refused(void)
{
    g_autoptr(Scene) scene = scene_of_three();

    scene_expunge(scene, IMS_LOCAL, "INBOX", "two");
    pass_refusing(scene, "UID STORE");
    scene_set_flags(scene, IMS_REMOTE, "INBOX", "two", "3");
    scene_start(scene);
    g_assert_false(is_on(scene, IMS_REMOTE, "INBOX", "two"));
    scene_assert_quiet(scene);
}

static void
test_taken_back(void)
{
    g_autoptr(Scene) scene = scene_of_three();

    scene_set_flags(scene, IMS_LOCAL, "INBOX", "two", "10");
    scene_start(scene);
    scene_expunge(scene, IMS_LOCAL, "INBOX", "two");
    scene_set_flags(scene, IMS_REMOTE, "INBOX", "two", "2");
    scene_start(scene);
    scene_assert_flags(scene, IMS_LOCAL, "INBOX", "two", "2");
    g_assert_cmpuint(fake_count(scene->server[IMS_LOCAL], "INBOX"), ==, 3);
    scene_assert_quiet(scene);
}

static const char *
refuse_spam(const char *verb, const char *mailbox, gpointer data)
{
    return g_str_equal(verb, "SELECT") && g_strcmp0(mailbox, "Spam") == 0 ? "[INUSE] Not today"
                                                                          : NULL;
}

/* The deletion waits, since nobody can look whether the message stands in an ignored mailbox. */
static void
delete_and_wait(Scene *scene)
{
    fake_create(scene->server[IMS_LOCAL], "Spam");
    scene_expunge(scene, IMS_LOCAL, "INBOX", "two");
    scene->faults[IMS_LOCAL] = (FakeFaults){.refuse = refuse_spam, .no_status = "Spam"};
    scene_arm(scene);
    scene_pass(scene);
    scene_disarm(scene);
    scene->faults[IMS_LOCAL] = (FakeFaults){0};
}

static void
delete_and_be_held(Scene *scene)
{
    scene_add(scene, IMS_LOCAL, "INBOX", "four", NULL);
    scene_add(scene, IMS_LOCAL, "INBOX", "five", NULL);
    scene_start(scene);
    scene_expunge(scene, IMS_LOCAL, "INBOX", "one");
    scene_expunge(scene, IMS_LOCAL, "INBOX", "two");
    scene_expunge(scene, IMS_LOCAL, "INBOX", "three");
    scene_expunge(scene, IMS_LOCAL, "INBOX", "four");
    scene_expunge(scene, IMS_LOCAL, "INBOX", "five");
    scene_pass(scene);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_HELD), ==, 5);
}

static void (*const deletions[])(Scene *scene) = {delete_and_wait, delete_and_be_held};

/* The body comes the second time it is asked for. */
static void
heal(FakeServer *server, const char *command, gpointer data)
{
    guint *selects = data;

    if (g_str_has_prefix(command, "SELECT") && ++*selects == 2)
        fake_set_faults(server, NULL);
}

static void
test_taken_back_unread(gconstpointer data)
{
    void (*const *delete)(Scene * scene) = data;
    g_autoptr(Scene) scene = scene_of_three();
    char *words[] = {(char *)"Spam", NULL};
    g_autoptr(ImsPatterns) ignore = ims_patterns_new(words, NULL);
    guint selects = 0;

    scene->order.ignore = ignore;
    scene_set_flags(scene, IMS_LOCAL, "INBOX", "two", "10");
    scene_start(scene);
    (*delete)(scene);
    scene_assert_flags(scene, IMS_REMOTE, "INBOX", "two", "10");
    scene_set_flags(scene, IMS_REMOTE, "INBOX", "two", "2");
    scene->faults[IMS_REMOTE] =
        (FakeFaults){.no_body_marker = "This is two.", .on_command = heal, .data = &selects};
    scene_arm(scene);
    scene_pass(scene);
    g_assert_cmpuint(selects, >=, 2);
    scene_disarm(scene);
    scene_assert_flags(scene, IMS_LOCAL, "INBOX", "two", "2");
    scene_assert_flags(scene, IMS_REMOTE, "INBOX", "two", "2");
    scene_pass(scene);
    g_assert_cmpuint(scene_steps(scene), ==, 0);
}

/* -- S11 -- */

typedef struct {
    FakePhase phase;
    guint left;    /* such moments to let by */
    gboolean dead; /* the server is gone for good */
} Scissors;

static gboolean
cut(FakePhase phase, const char *command, gpointer data)
{
    Scissors *scissors = data;

    scissors->dead |= phase == scissors->phase && scissors->left-- == 0;
    return scissors->dead;
}

static const struct {
    const char *name, *without;
    ImsSide side;
    Scissors scissors;
    guint stored; /* messages that came over whole */
} cut_cases[] = {
    {"source-in-first-body", NULL, IMS_LOCAL, {FAKE_BODY, 0}, 0},
    {"source-in-second-body", NULL, IMS_LOCAL, {FAKE_BODY, 1}, 0},
    {"source-in-second-body-singly", "MULTIAPPEND", IMS_LOCAL, {FAKE_BODY, 1}, 1},
    {"source-in-body-with-waiting-literal", "LITERAL+", IMS_LOCAL, {FAKE_BODY, 1}, 0},
    {"target-in-first-literal", NULL, IMS_REMOTE, {FAKE_LITERAL, 0}, 0},
    {"target-in-second-literal", NULL, IMS_REMOTE, {FAKE_LITERAL, 1}, 0},
};

static void
test_cut(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autoptr(Scene) scene = scene_new(NULL, cut_cases[i].without);
    Scissors scissors = cut_cases[i].scissors;

    scene_add(scene, IMS_LOCAL, "INBOX", "one", NULL);
    scene_add(scene, IMS_LOCAL, "INBOX", "two", NULL);
    scene_add(scene, IMS_LOCAL, "INBOX", "three", NULL);
    scene->faults[cut_cases[i].side] = (FakeFaults){.cut = cut, .data = &scissors};
    scene_arm(scene);
    g_assert_false(scene_run(scene));
    g_assert_error(scene->error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "INBOX"), ==, cut_cases[i].stored);

    scene_disarm(scene);
    scene_start(scene);
    g_assert_cmpuint(scene_appended(scene), ==, 3 - cut_cases[i].stored);
    scene_assert_quiet(scene);
}

/* -- S12 -- */

static void
set_foreign_flag(Scene *scene)
{
    scene_set_flags(scene, IMS_REMOTE, "INBOX", "two", "6 $mine");
}

static void
test_gain_and_loss(void)
{
    g_autoptr(Scene) scene = scene_of_three();
    Trap trap = {.command = "UID STORE", .spring = set_foreign_flag};

    scene_set_flags(scene, IMS_LOCAL, "INBOX", "two", "1");
    scene_set_trap(scene, IMS_REMOTE, &trap);
    scene_start(scene);
    scene_assert_flags(scene, IMS_LOCAL, "INBOX", "two", "5 $mine");
    scene_assert_quiet(scene);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(meddlings); i++) {
        g_autofree char *path = g_strconcat("/engine/rules/", meddlings[i].name, NULL);

        g_test_add_data_func(path, &meddlings[i], test_meddling);
    }
    g_test_add_func("/engine/rules/S6-store-that-changes-nothing", test_store_that_changes_nothing);
    g_test_add_func("/engine/rules/S7-mark-waits-for-the-identity", test_no_blind_mark);
    g_test_add_func("/engine/rules/S8-lying-vanished-expunges-nothing", test_lying_vanished);
    g_test_add_func("/engine/rules/S8-over-reported-vanished", test_over_reporting);
    g_test_add_func("/engine/rules/S8-users-mark-travels-and-expunges-nothing", test_users_mark);
    g_test_add_func("/engine/rules/S8-deletion-beats-flags", test_deletion_beats_flags);
    g_test_add_func("/engine/rules/S8-our-mark-was-removed-before-the-expunge", test_mark_removed);
    g_test_add_data_func(
        "/engine/rules/S8-our-mark-taken-back-restores", "2", test_mark_taken_back);
    g_test_add_data_func(
        "/engine/rules/S8-our-mark-over-a-users-taken-back-restores", "10", test_mark_taken_back);
    g_test_add_func(
        "/engine/rules/S8-our-mark-taken-back-before-it-is-set-again", test_mark_taken_back_late);
    g_test_add_func("/engine/rules/S8-mark-refused-is-not-taken-back", test_mark_refused);
    g_test_add_func("/engine/rules/S8-users-mark-taken-back-restores", test_taken_back);
    g_test_add_data_func(
        "/engine/rules/S8-taken-back-with-a-body-that-comes-late/waiting",
        &deletions[0],
        test_taken_back_unread);
    g_test_add_data_func(
        "/engine/rules/S8-taken-back-with-a-body-that-comes-late/held",
        &deletions[1],
        test_taken_back_unread);
    for (gsize i = 0; i < G_N_ELEMENTS(cut_cases); i++) {
        g_autofree char *path =
            g_strconcat("/engine/rules/S11-cut-stores-nothing/", cut_cases[i].name, NULL);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_cut);
    }
    g_test_add_func("/engine/rules/S12-gain-and-loss-keep-a-foreign-flag", test_gain_and_loss);
    return g_test_run();
}
