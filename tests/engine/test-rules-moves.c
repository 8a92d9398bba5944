/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The safety rule about moves: what vanished here may have gone to another mailbox, of which the
 * listing told nothing yet. Its twin is not expunged before the message is there, too. */

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

/* Watches that no twin is expunged before the moved message has arrived there. */
static void
watch_expunge(Scene *scene)
{
    g_assert_true(
        is_on(scene, IMS_REMOTE, "Work", "two") || is_on(scene, IMS_REMOTE, "New", "two"));
}

static void
move_two(Scene *scene)
{
    scene_move(scene, IMS_LOCAL, "INBOX", "two", "Work");
}

static void
move_two_into_new(Scene *scene)
{
    fake_create(scene->server[IMS_LOCAL], "New");
    scene_move(scene, IMS_LOCAL, "INBOX", "two", "New");
}

static const struct {
    const char *name, *command;
    guint nth;
    void (*spring)(Scene *scene);
    gboolean named; /* the job names INBOX only */
} move_cases[] = {
    {"before-the-pass", NULL, 0, move_two, TRUE},
    {"after-the-listing", "SELECT \"INBOX\" (QRESYNC", 0, move_two, TRUE},
    {"in-the-second-round", "SELECT \"INBOX\" (QRESYNC", 1, move_two, TRUE},
    {"into-a-new-mailbox", "SELECT \"INBOX\" (QRESYNC", 0, move_two_into_new, FALSE},
};

static void
test_moved(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autoptr(Scene) scene = scene_of_three();
    char *names[] = {(char *)"INBOX", NULL};
    Trap here = {
        .command = move_cases[i].command, .nth = move_cases[i].nth, .spring = move_cases[i].spring};
    Trap there = {.command = "UID EXPUNGE", .spring = watch_expunge};

    if (move_cases[i].command == NULL)
        move_cases[i].spring(scene);
    else
        scene_set_trap(scene, IMS_LOCAL, &here);
    scene_set_trap(scene, IMS_REMOTE, &there);
    scene_set_flags(scene, IMS_LOCAL, "INBOX", "one", "1");
    scene->order.mailboxes = move_cases[i].named ? names : NULL;
    scene_pass(scene);
    scene->order.mailboxes = NULL;
    scene_pass(scene);
    scene_pass(scene);
    scene_assert_quiet(scene);
    g_assert_false(is_on(scene, IMS_REMOTE, "INBOX", "two"));
    g_assert_cmpuint(there.seen, ==, 1);
}

/* The mailbox that the message went to was never synced, and the job does not name it. */
static void
test_moved_into_unknown(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    char *names[] = {(char *)"INBOX", NULL};
    Trap there = {.command = "UID EXPUNGE", .spring = watch_expunge};

    scene_create(scene, "Work");
    scene_add(scene, IMS_LOCAL, "INBOX", "one", NULL);
    scene_add(scene, IMS_LOCAL, "INBOX", "two", NULL);
    scene->order.mailboxes = names;
    scene_pass(scene);
    move_two(scene);
    scene_set_trap(scene, IMS_REMOTE, &there);
    scene_pass(scene);
    scene->order.mailboxes = NULL;
    scene_pass(scene);
    scene_assert_quiet(scene);
    g_assert_true(is_on(scene, IMS_REMOTE, "Work", "two"));
}

static void
test_target_refused(void)
{
    g_autoptr(Scene) scene = scene_of_three();

    scene->faults[IMS_REMOTE].refuse_marker = "This is two.";
    scene_arm(scene);
    move_two(scene);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_REFUSED, "Work", IMS_REMOTE));
    g_assert_true(is_on(scene, IMS_REMOTE, "INBOX", "two"));
    scene_pass(scene);
    g_assert_true(is_on(scene, IMS_REMOTE, "INBOX", "two"));
}

static void
test_target_held(void)
{
    g_autoptr(Scene) scene = scene_of_three();

    scene_create(scene, "Held");
    scene_add(scene, IMS_LOCAL, "Held", "here", NULL);
    scene_add(scene, IMS_REMOTE, "Held", "there", NULL);
    scene_pass(scene);
    scene_move(scene, IMS_LOCAL, "INBOX", "two", "Held");
    scene_pass(scene);
    g_assert_true(is_on(scene, IMS_REMOTE, "INBOX", "two"));
}

static void
test_target_vanished(void)
{
    g_autoptr(Scene) scene = scene_of_three();

    fake_delete(scene->server[IMS_REMOTE], "Work");
    move_two(scene);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_VANISHED, "Work", IMS_REMOTE));
    g_assert_true(is_on(scene, IMS_REMOTE, "INBOX", "two"));
}

/* A and B, each with a pair to keep and one to lose, and Spam, which is not synced. */
static Scene *
scene_of_two_and_spam(const ImsPatterns *ignore)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene->order.ignore = ignore;
    scene_create(scene, "A");
    scene_create(scene, "B");
    scene_create(scene, "Spam");
    scene_add(scene, IMS_LOCAL, "A", "ham", NULL);
    scene_add(scene, IMS_LOCAL, "A", "ham2", NULL);
    scene_add(scene, IMS_LOCAL, "B", "old", NULL);
    scene_add(scene, IMS_LOCAL, "B", "old2", NULL);
    scene_start(scene);
    return g_steal_pointer(&scene);
}

static ImsPatterns *
spam_pattern(void)
{
    char *words[] = {(char *)"Spam", NULL};

    return ims_patterns_new(words, NULL);
}

static void
move_ham(Scene *scene)
{
    scene_move(scene, IMS_LOCAL, "A", "ham", "Spam");
}

static void
assert_ham_survives(Scene *scene)
{
    scene_disarm(scene);
    for (guint i = 0; i < 3; i++)
        scene_pass(scene);
    g_assert_true(is_on(scene, IMS_LOCAL, "Spam", "ham"));
    g_assert_true(is_on(scene, IMS_REMOTE, "A", "ham"));
}

/* Moved when A has been seen as it was, and before the listing that comes with the removal of
 * another message: that listing shows Spam with it, and A is not opened any more. */
static void
test_moved_before_late_listing(void)
{
    g_autoptr(ImsPatterns) ignore = spam_pattern();
    g_autoptr(Scene) scene = scene_of_two_and_spam(ignore);
    Trap trap = {.command = "LIST", .nth = 1, .spring = move_ham};

    scene_expunge(scene, IMS_LOCAL, "B", "old");
    scene_set_trap(scene, IMS_LOCAL, &trap);
    scene_pass(scene);
    g_assert_cmpuint(trap.seen, >=, 2);
    g_assert_false(is_on(scene, IMS_REMOTE, "B", "old"));
    assert_ham_survives(scene);
}

static void
move_ham_once(FakeServer *server, const char *mailbox, gpointer data)
{
    Scene *scene = data;

    if (g_str_equal(mailbox, "Spam") && scene_find(scene, IMS_LOCAL, "A", "ham") != 0)
        move_ham(scene);
}

/* The listing tells of A as it was, and of Spam as it then is. */
static void
test_moved_within_listing(void)
{
    g_autoptr(ImsPatterns) ignore = spam_pattern();
    g_autoptr(Scene) scene = scene_of_two_and_spam(ignore);

    scene_expunge(scene, IMS_LOCAL, "B", "old");
    scene->faults[IMS_LOCAL] = (FakeFaults){.on_status = move_ham_once, .data = scene};
    scene_arm(scene);
    scene_pass(scene);
    g_assert_false(is_on(scene, IMS_REMOTE, "B", "old"));
    assert_ham_survives(scene);
}

/* The mailbox by that name is another one by now, and has fewer messages than were looked at. */
static void
test_moved_into_remade(void)
{
    g_autoptr(ImsPatterns) ignore = spam_pattern();
    g_autoptr(Scene) scene = scene_of_two_and_spam(ignore);

    scene_add(scene, IMS_LOCAL, "Spam", "junk", NULL);
    scene_add(scene, IMS_LOCAL, "Spam", "junk2", NULL);
    scene_expunge(scene, IMS_LOCAL, "B", "old");
    scene_pass(scene);
    fake_delete(scene->server[IMS_LOCAL], "Spam");
    fake_create(scene->server[IMS_LOCAL], "Spam");
    move_ham(scene);
    assert_ham_survives(scene);
}

/* Two that are not synced, of one UIDVALIDITY, have changed names: each is counted by the other's
 * UIDs. */
static void
test_moved_into_renamed(void)
{
    char *words[] = {(char *)"Spam", (char *)"Junk", NULL};
    g_autoptr(ImsPatterns) ignore = ims_patterns_new(words, NULL);
    g_autoptr(Scene) scene = scene_of_two_and_spam(ignore);
    FakeServer *here = scene->server[IMS_LOCAL];

    fake_create(here, "Junk");
    fake_set_uidvalidity(here, "Junk", 77);
    fake_set_uidvalidity(here, "Spam", 77);
    scene_add(scene, IMS_LOCAL, "Spam", "one", NULL);
    scene_add(scene, IMS_LOCAL, "Spam", "two", NULL);
    scene_add(scene, IMS_LOCAL, "Spam", "three", NULL);
    scene_expunge(scene, IMS_LOCAL, "B", "old");
    scene_pass(scene);
    g_assert_false(is_on(scene, IMS_REMOTE, "B", "old"));
    fake_rename(here, "Junk", "Nobody");
    fake_rename(here, "Spam", "Junk");
    fake_rename(here, "Nobody", "Spam");
    move_ham(scene);
    assert_ham_survives(scene);
}

/* From A to Spam when that has been told as it was, and on to INBOX before anybody looks there. */
static void
hop(FakeServer *server, const char *command, gpointer data)
{
    Scene *scene = data;

    if (g_str_has_prefix(command, "SELECT \"A\"") && is_on(scene, IMS_LOCAL, "A", "ham"))
        scene_move(scene, IMS_LOCAL, "A", "ham", "Spam");
    if (g_str_has_prefix(command, "SELECT \"Spam\"") && is_on(scene, IMS_LOCAL, "Spam", "ham"))
        scene_move(scene, IMS_LOCAL, "Spam", "ham", "INBOX");
}

/* Its twin stays until it has come after it; by way of a mailbox that is synced, or is not. */
static void
test_moved_on(gconstpointer synced)
{
    g_autoptr(ImsPatterns) ignore = spam_pattern();
    g_autoptr(Scene) scene = scene_of_two_and_spam(synced != NULL ? NULL : ignore);

    scene_set_flags(scene, IMS_LOCAL, "A", "ham2", "1");
    scene->faults[IMS_LOCAL] = (FakeFaults){.on_command = hop, .data = scene};
    scene_arm(scene);
    scene_pass(scene);
    g_assert_true(is_on(scene, IMS_LOCAL, "INBOX", "ham"));
    g_assert_true(is_on(scene, IMS_REMOTE, "A", "ham") || is_on(scene, IMS_REMOTE, "INBOX", "ham"));
    scene_disarm(scene);
    scene_pass(scene);
    g_assert_true(is_on(scene, IMS_REMOTE, "INBOX", "ham"));
    g_assert_false(is_on(scene, IMS_REMOTE, "A", "ham"));
}

static void
move_new(Scene *scene)
{
    scene_move(scene, IMS_LOCAL, "INBOX", "new", "Spam");
}

static void
expunge_new(Scene *scene)
{
    scene_expunge(scene, IMS_LOCAL, "INBOX", "new");
    scene_add(scene, IMS_LOCAL, "Spam", "another", NULL);
}

static const struct {
    const char *name;
    guint size_more; /* of the side that it was copied to */
    void (*spring)(Scene *scene);
    gboolean stays;
} unseen_cases[] = {
    {"moved", 0, move_new, TRUE},
    {"moved-and-counted-otherwise", 7, move_new, TRUE},
    {"expunged-while-another-came", 0, expunge_new, FALSE},
};

/* Our copy of a message leaves its mailbox before any SELECT has shown it to us. */
static void
test_moved_unseen(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    g_autoptr(ImsPatterns) ignore = spam_pattern();
    Trap trap = {
        .command = "SELECT \"INBOX\" (QRESYNC", .nth = 1, .spring = unseen_cases[i].spring};

    scene->order.ignore = ignore;
    scene->faults[IMS_LOCAL].size_more = unseen_cases[i].size_more;
    scene_arm(scene);
    scene_create(scene, "Spam");
    scene_add(scene, IMS_LOCAL, "INBOX", "one", NULL);
    scene_add(scene, IMS_LOCAL, "INBOX", "two", NULL);
    scene_start(scene);
    scene_add(scene, IMS_REMOTE, "INBOX", "new", NULL);
    scene_set_trap(scene, IMS_LOCAL, &trap);
    scene_pass(scene);
    g_assert_cmpuint(trap.seen, >=, 2);
    scene_pass(scene);
    scene_pass(scene);
    g_assert_false(is_on(scene, IMS_LOCAL, "INBOX", "new"));
    g_assert_cmpint(is_on(scene, IMS_REMOTE, "INBOX", "new"), ==, unseen_cases[i].stays);
    scene_pass(scene);
    g_assert_cmpuint(scene_steps(scene), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(move_cases); i++) {
        g_autofree char *path =
            g_strconcat("/engine/rules/S9-moved-message-survives/", move_cases[i].name, NULL);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_moved);
    }
    g_test_add_func(
        "/engine/rules/S9-moved-message-survives/into-one-never-synced", test_moved_into_unknown);
    g_test_add_func("/engine/rules/S9-refused-target-holds-the-expunge", test_target_refused);
    g_test_add_func("/engine/rules/S9-held-target-holds-the-expunge", test_target_held);
    g_test_add_func("/engine/rules/S9-vanished-target-holds-the-expunge", test_target_vanished);
    g_test_add_func(
        "/engine/rules/S9-moved-before-the-late-listing", test_moved_before_late_listing);
    g_test_add_func("/engine/rules/S9-moved-within-the-listing", test_moved_within_listing);
    g_test_add_func("/engine/rules/S9-moved-into-one-made-anew", test_moved_into_remade);
    g_test_add_func("/engine/rules/S9-moved-into-one-renamed", test_moved_into_renamed);
    g_test_add_data_func("/engine/rules/S9-moved-on-through/synced", "", test_moved_on);
    g_test_add_data_func("/engine/rules/S9-moved-on-through/ignored", NULL, test_moved_on);
    for (gsize i = 0; i < G_N_ELEMENTS(unseen_cases); i++) {
        g_autofree char *path =
            g_strconcat("/engine/rules/S9-copy-that-nobody-saw/", unseen_cases[i].name, NULL);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_moved_unseen);
    }
    return g_test_run();
}
