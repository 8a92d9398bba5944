/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The safety rules about copies whose end nobody saw, about what is new, and about the guard
 * against mass deletion. Each test is named after the rule and fails without it. */

#include "scene.h"

/* -- S13 -- */

typedef struct {
    FakePhase phase;
    const char *command;
    gint blown; /* then the connection stays cut */
} Fuse;

static gboolean
cut_at(FakePhase phase, const char *command, gpointer data)
{
    Fuse *fuse = data;

    if (phase == fuse->phase && g_str_has_prefix(command, fuse->command))
        fuse->blown = TRUE;
    return fuse->blown;
}

static void
nothing(Scene *scene)
{
}

static void
move_copy(Scene *scene)
{
    scene_move(scene, IMS_REMOTE, "INBOX", "two", "Work");
}

static void
flag_copy(Scene *scene)
{
    scene_set_flags(scene, IMS_REMOTE, "INBOX", "two", "4");
}

static void
expunge_source(Scene *scene)
{
    scene_expunge(scene, IMS_LOCAL, "INBOX", "two");
}

static void
move_source(Scene *scene)
{
    scene_move(scene, IMS_LOCAL, "INBOX", "two", "Work");
}

static void
move_both(Scene *scene)
{
    move_copy(scene);
    move_source(scene);
}

static void
deliver_likeness(Scene *scene)
{
    g_autofree char *body = fake_mail("two");

    fake_add(scene->server[IMS_REMOTE], "Work", body, NULL, 12345);
}

static const struct {
    const char *name;
    void (*meanwhile)(Scene *scene);
    guint inbox, work; /* how often `two` is there in the end */
    const char *flags; /* of the one in INBOX */
} lost_cases[] = {
    {"nothing-meanwhile", nothing, 1, 0, "0"},
    {"copy-moved-meanwhile", move_copy, 0, 1, NULL},
    {"copy-flagged-meanwhile", flag_copy, 1, 0, "4"},
    {"source-expunged-meanwhile", expunge_source, 0, 0, NULL},
    {"source-moved-meanwhile", move_source, 0, 1, NULL},
    {"likeness-elsewhere-is-not-it", deliver_likeness, 1, 1, "0"},
};

static void
assert_there(Scene *scene, const char *mailbox, const char *name, guint want)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        g_assert_cmpuint(scene_find(scene, side, mailbox, name) != 0, ==, want);
}

/* The server has stored the copies, and nobody heard of it. */
static Scene *
scene_with_lost_reply(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    Fuse fuse = {FAKE_AFTER, "APPEND", FALSE};

    scene_create(scene, "Work");
    scene_start(scene);
    scene_add(scene, IMS_LOCAL, "INBOX", "one", NULL);
    scene_add(scene, IMS_LOCAL, "INBOX", "two", NULL);
    scene->faults[IMS_REMOTE] = (FakeFaults){.cut = cut_at, .data = &fuse};
    scene_arm(scene);
    g_assert_false(scene_run(scene));
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "INBOX"), ==, 2);
    scene_disarm(scene);
    return g_steal_pointer(&scene);
}

static void
check_lost(Scene *scene, gsize i)
{
    scene_assert_equal(scene);
    assert_there(scene, "INBOX", "one", 1);
    assert_there(scene, "INBOX", "two", lost_cases[i].inbox);
    assert_there(scene, "Work", "two", lost_cases[i].work);
    g_assert_cmpuint(fake_count(scene->server[IMS_LOCAL], "INBOX"), ==, 1 + lost_cases[i].inbox);
    g_assert_cmpuint(fake_count(scene->server[IMS_LOCAL], "Work"), ==, lost_cases[i].work);
    if (lost_cases[i].flags != NULL)
        scene_assert_flags(scene, IMS_LOCAL, "INBOX", "two", lost_cases[i].flags);
    scene_assert_quiet(scene);
}

static void
test_lost_reply(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autoptr(Scene) scene = scene_with_lost_reply();

    lost_cases[i].meanwhile(scene);
    scene_pass(scene);
    check_lost(scene, i);
}

/* A copy that was moved away is found although the job names another mailbox. */
static void
test_lost_reply_named(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autoptr(Scene) scene = scene_with_lost_reply();
    char *names[] = {(char *)"INBOX", NULL};

    lost_cases[i].meanwhile(scene);
    scene->order.mailboxes = names;
    scene_pass(scene);
    scene->order.mailboxes = NULL;
    scene_pass(scene);
    check_lost(scene, i);
}

static void
test_moved_on_both(void)
{
    g_autoptr(Scene) scene = scene_with_lost_reply();

    move_both(scene);
    scene_pass(scene);
    scene_assert_equal(scene);
    assert_there(scene, "Work", "two", 1);
    assert_there(scene, "INBOX", "two", 0);
}

static const char *
refuse_work(const char *verb, const char *mailbox, gpointer data)
{
    return g_str_equal(verb, "SELECT") && g_strcmp0(mailbox, "Work") == 0 ? "Not today" : NULL;
}

/* Where the copy was moved to cannot be looked into today. */
static void
test_lost_reply_hidden(gconstpointer garbled)
{
    g_autoptr(Scene) scene = scene_with_lost_reply();

    move_copy(scene);
    scene->faults[IMS_REMOTE] = (FakeFaults){.garbled = garbled};
    if (garbled == NULL)
        scene->faults[IMS_REMOTE].refuse = refuse_work;
    scene_arm(scene);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "Work", IMS_REMOTE));
    g_assert_cmpuint(scene_find(scene, IMS_REMOTE, "INBOX", "two"), ==, 0);

    scene_disarm(scene);
    scene_pass(scene);
    check_lost(scene, 1);
}

static ImsPatterns *
patterns_of(const char *word)
{
    char *words[] = {(char *)word, NULL};

    return ims_patterns_new(words, NULL);
}

/* In a mailbox that is not synced, a copy is found and not made again. */
static void
test_lost_reply_excluded(void)
{
    g_autoptr(Scene) scene = scene_with_lost_reply();
    g_autoptr(ImsPatterns) ignore = patterns_of("Work");

    move_copy(scene);
    scene->order.ignore = ignore;
    scene_pass(scene);
    scene_pass(scene);
    g_assert_cmpuint(scene_find(scene, IMS_REMOTE, "INBOX", "two"), ==, 0);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "INBOX", "two"), !=, 0);
    scene->order.ignore = NULL;
    scene_pass(scene);
    check_lost(scene, 1);
}

/* And what is of the same size and second there is not taken for it. */
static void
test_likeness_excluded(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    g_autoptr(ImsPatterns) ignore = patterns_of("Work");
    g_autofree char *likeness = fake_mail("six");
    Fuse fuse = {FAKE_BEFORE, "APPEND", FALSE};

    scene_create(scene, "Work");
    scene->order.ignore = ignore;
    scene_start(scene);
    scene_add(scene, IMS_LOCAL, "INBOX", "one", NULL);
    scene->faults[IMS_REMOTE] = (FakeFaults){.cut = cut_at, .data = &fuse};
    scene_arm(scene);
    g_assert_false(scene_run(scene));
    scene_disarm(scene);
    fake_add(scene->server[IMS_REMOTE], "Work", likeness, NULL, SCENE_DATE);
    scene_pass(scene);
    g_assert_cmpuint(scene_find(scene, IMS_REMOTE, "INBOX", "one"), !=, 0);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "INBOX", "one"), !=, 0);
}

static const char *
refuse_home(const char *verb, const char *mailbox, gpointer data)
{
    return g_str_equal(verb, "SELECT") && g_strcmp0(mailbox, "INBOX") == 0 ? "[INUSE] Not today"
                                                                           : NULL;
}

static const ImsSide home_sides[] = {IMS_LOCAL, IMS_REMOTE};

/* As copy-moved-meanwhile, but the mailbox from which the copy was moved cannot be opened, on
 * either side, or is not synced for a while. What is in the other one goes on all the same. */
static void
test_home_away(gconstpointer data)
{
    const ImsSide *closed = data;
    g_autoptr(Scene) scene = scene_with_lost_reply();
    g_autoptr(ImsPatterns) ignore = patterns_of("INBOX");

    move_copy(scene);
    scene_add(scene, IMS_REMOTE, "Work", "other", NULL);
    scene_add(scene, IMS_LOCAL, "Work", "another", NULL);
    if (closed == NULL)
        scene->order.ignore = ignore;
    else
        scene->faults[*closed].refuse = refuse_home;
    scene_arm(scene);
    for (guint i = 0; i < 2; i++) {
        scene_pass(scene);
        assert_there(scene, "Work", "other", 1);
        assert_there(scene, "Work", "another", 1);
        g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "Work", "two"), ==, 0);
        g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "Work", IMS_REMOTE));
    }
    g_assert_cmpuint(scene_steps(scene), ==, 0);

    scene_disarm(scene);
    scene->order.ignore = NULL;
    scene_pass(scene);
    scene_assert_equal(scene);
    assert_there(scene, "INBOX", "one", 1);
    assert_there(scene, "INBOX", "two", 0);
    assert_there(scene, "Work", "two", 1);
    g_assert_cmpuint(fake_count(scene->server[IMS_LOCAL], "Work"), ==, 3);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

static void
move_copy_to_work(Scene *scene)
{
    if (scene_find(scene, IMS_REMOTE, "INBOX", "two") != 0)
        move_copy(scene);
}

/* The server does not say where it stored the copy, and another client moves it in the same pass.
 */
static void
test_home_left(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    Trap trap = {.command = "SELECT \"Work\"", .nth = 1, .spring = move_copy_to_work};

    scene_create(scene, "Work");
    scene_start(scene);
    scene->faults[IMS_REMOTE].no_appenduid = TRUE;
    scene_add(scene, IMS_LOCAL, "INBOX", "two", NULL);
    scene_add(scene, IMS_REMOTE, "Work", "other", NULL);
    scene_set_trap(scene, IMS_REMOTE, &trap);
    scene_pass(scene);
    g_assert_cmpuint(trap.seen, >, 1);
    scene_disarm(scene);
    scene_start(scene);
    assert_there(scene, "Work", "two", 1);
    assert_there(scene, "INBOX", "two", 0);
    scene_assert_quiet(scene);
}

static void
move_copy_to_new(Scene *scene)
{
    if (scene_find(scene, IMS_REMOTE, "INBOX", "two") == 0)
        return;
    fake_create(scene->server[IMS_REMOTE], "New");
    scene_move(scene, IMS_REMOTE, "INBOX", "two", "New");
}

static const struct {
    const char *name, *mailbox;
    void (*spring)(Scene *scene);
} astray_cases[] = {
    {"into-one-that-stood-still", "Work", move_copy_to_work},
    {"into-a-new-one", "New", move_copy_to_new},
};

/* As copy-moved-meanwhile, but after the pass has listed: by that there is nothing to do where the
 * copy goes, and no round looks there. */
static void
test_astray(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autoptr(Scene) scene = scene_with_lost_reply();
    Trap trap = {.command = "SELECT \"INBOX\"", .spring = astray_cases[i].spring};
    const char *mailbox = astray_cases[i].mailbox;

    scene_set_trap(scene, IMS_REMOTE, &trap);
    scene_pass(scene);
    g_assert_cmpuint(trap.seen, >, 0);
    g_assert_cmpuint(scene_find(scene, IMS_REMOTE, "INBOX", "two"), ==, 0);
    scene_disarm(scene);
    scene_start(scene);
    assert_there(scene, mailbox, "two", 1);
    assert_there(scene, "INBOX", "two", 0);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], mailbox), ==, 1);
    scene_assert_quiet(scene);
}

static void
replace_work(Scene *scene)
{
    fake_delete(scene->server[IMS_REMOTE], "Work");
    fake_create(scene->server[IMS_REMOTE], "Work");
}

static void
test_stray(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    Trap trap = {.command = "APPEND", .spring = replace_work};

    scene_create(scene, "Work");
    scene_start(scene);
    scene_add(scene, IMS_LOCAL, "Work", "one", NULL);
    scene_set_trap(scene, IMS_REMOTE, &trap);
    scene_pass(scene);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "Work"), ==, 0);
    g_assert_cmpuint(fake_count(scene->server[IMS_LOCAL], "Work"), ==, 1);
    scene_disarm(scene);
    scene_start(scene);
    g_assert_cmpuint(fake_count(scene->server[IMS_LOCAL], "Work"), ==, 1);
    scene_assert_quiet(scene);
}

/* -- S16 -- */

static void
flag_copies(Scene *scene)
{
    scene_set_flags(scene, IMS_REMOTE, "INBOX", "here", "4");
}

static void
test_own_copies(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    Trap trap = {.command = "SELECT", .nth = 1, .spring = flag_copies};

    scene_start(scene);
    scene_add(scene, IMS_LOCAL, "INBOX", "here", "1");
    scene_add(scene, IMS_REMOTE, "INBOX", "there", NULL);
    scene_set_trap(scene, IMS_REMOTE, &trap);
    scene_start(scene);
    g_assert_cmpuint(trap.seen, >, 1);
    g_assert_cmpuint(scene_appended(scene), ==, 2);
    scene_assert_flags(scene, IMS_LOCAL, "INBOX", "here", "4");
    scene_assert_quiet(scene);
}

static void
flag_source(Scene *scene)
{
    scene_set_flags(scene, IMS_LOCAL, "INBOX", "here", "4");
}

static void
test_feeding_fetch(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    Trap trap = {.command = "APPEND", .spring = flag_source};

    scene_start(scene);
    scene_add(scene, IMS_LOCAL, "INBOX", "here", "1");
    scene_set_trap(scene, IMS_REMOTE, &trap);
    scene_start(scene);
    scene_assert_flags(scene, IMS_REMOTE, "INBOX", "here", "4");
    scene_assert_quiet(scene);
}

static void
deliver_more(Scene *scene)
{
    scene_add(scene, IMS_LOCAL, "INBOX", "more", NULL);
}

static void
test_between_select_and_fetch(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    Trap whole = {.command = "UID FETCH", .spring = deliver_more};

    scene_start(scene);
    scene_add(scene, IMS_LOCAL, "INBOX", "here", NULL);
    scene_set_trap(scene, IMS_LOCAL, &whole);
    scene_pass(scene);
    scene_start(scene);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "INBOX"), ==, 2);
    scene_assert_quiet(scene);
}

/* -- S17 -- */

static void
fill(Scene *scene, const char *mailbox, guint n)
{
    for (guint i = 0; i < n; i++) {
        g_autofree char *name = g_strdup_printf("%s%u", mailbox, i);

        scene_add(scene, IMS_LOCAL, mailbox, name, NULL);
    }
}

static void
expunge_some(Scene *scene, const char *mailbox, guint first, guint n)
{
    for (guint i = first; i < first + n; i++) {
        g_autofree char *name = g_strdup_printf("%s%u", mailbox, i);

        scene_expunge(scene, IMS_LOCAL, mailbox, name);
    }
}

/* @n messages in @mailbox, and @others in INBOX. */
static Scene *
scene_of_many(const char *mailbox, guint n, guint others)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene_create(scene, mailbox);
    fill(scene, mailbox, n);
    fill(scene, "INBOX", others);
    scene_start(scene);
    return g_steal_pointer(&scene);
}

static const struct {
    const char *name, *mailbox;
    guint n, others, deleted;
    const char *held; /* the issue's mailbox; NULL: let through */
} guard_cases[] = {
    {"few-may-go", "Work", 40, 0, 20, NULL},
    {"small-mailbox-may-lose-all", "Work", 4, 0, 4, NULL},
    {"mailbox-that-loses-all", "Work", 5, 10, 5, "Work"},
    {"quarter-may-go", "Work", 84, 400, 21, NULL},
    {"more-than-a-quarter", "Work", 83, 400, 21, "Work"},
    {"twentieth-of-the-account", "Work", 200, 218, 21, ""},
    {"trash-may-be-emptied", "Trash", 20, 10, 20, NULL},
    {"emptied-trash-counts-for-the-account", "Trash", 30, 10, 30, ""},
};

static void
test_guard(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    const char *mailbox = guard_cases[i].mailbox, *held = guard_cases[i].held;
    g_autoptr(Scene) scene = scene_of_many(mailbox, guard_cases[i].n, guard_cases[i].others);
    const ImsIssue *issue;

    expunge_some(scene, mailbox, 0, guard_cases[i].deleted);
    scene_add(scene, IMS_LOCAL, "INBOX", "new", NULL);
    scene_pass(scene);
    g_assert_cmpuint(scene_find(scene, IMS_REMOTE, "INBOX", "new"), !=, 0);
    if (held == NULL) {
        scene_assert_no_issues(scene);
        scene_assert_quiet(scene);
        return;
    }
    issue = scene_issue(scene, IMS_ISSUE_DELETIONS, held, IMS_LOCAL);
    g_assert_nonnull(issue);
    g_assert_cmpuint(issue->count, ==, guard_cases[i].deleted);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_HELD), ==, guard_cases[i].deleted);
    g_assert_cmpuint(scene_expunged(scene), ==, 0);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], mailbox), ==, guard_cases[i].n);
    scene_pass(scene);
    g_assert_cmpuint(scene_steps(scene) + scene_selects(scene), ==, 0);
}

static void
test_released(void)
{
    g_autoptr(Scene) scene = scene_of_many("Work", 6, 10);

    expunge_some(scene, "Work", 0, 6);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_DELETIONS, "Work", IMS_LOCAL));
    scene->order.has_max_deletions = TRUE;
    scene->order.max_deletions = 5;
    scene_pass(scene);
    g_assert_cmpuint(scene_expunged(scene), ==, 0);
    scene->order.max_deletions = 6;
    scene_start(scene);
    scene_assert_no_issues(scene);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "Work"), ==, 0);
    scene->order.has_max_deletions = FALSE;
    scene_assert_quiet(scene);
}

static void
expunge_two_more(Scene *scene)
{
    expunge_some(scene, "Work", 2, 2);
}

/* A pass removes in turns, since more may vanish meanwhile; the number is for all of them. */
static void
test_max_of_all_turns(void)
{
    g_autoptr(Scene) scene = scene_of_many("Work", 10, 0);
    Trap trap = {.command = "LIST", .nth = 1, .spring = expunge_two_more};
    const ImsIssue *issue;

    expunge_some(scene, "Work", 0, 2);
    scene->order.has_max_deletions = TRUE;
    scene->order.max_deletions = 2;
    scene_set_trap(scene, IMS_LOCAL, &trap);
    scene_pass(scene);
    scene_disarm(scene);
    g_assert_cmpuint(trap.seen, >=, 2);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "Work"), ==, 8);
    issue = scene_issue(scene, IMS_ISSUE_DELETIONS, "Work", IMS_LOCAL);
    g_assert_nonnull(issue);
    g_assert_cmpuint(issue->count, ==, 2);

    scene_start(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

static void
test_rest_goes_on(void)
{
    g_autoptr(Scene) scene = scene_of_many("Work", 6, 10);

    expunge_some(scene, "Work", 0, 6);
    expunge_some(scene, "INBOX", 0, 2);
    scene_pass(scene);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "INBOX"), ==, 8);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "Work"), ==, 6);
}

/* Piece by piece within a day is as much as at once. */
static void
test_day(void)
{
    g_autoptr(Scene) scene = scene_of_many("Work", 60, 0);

    expunge_some(scene, "Work", 0, 15);
    scene_start(scene);
    scene->now_us += 23 * G_TIME_SPAN_HOUR;
    expunge_some(scene, "Work", 15, 10);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_DELETIONS, "", IMS_LOCAL));
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "Work"), ==, 45);
}

static void
test_next_day(void)
{
    g_autoptr(Scene) scene = scene_of_many("Work", 60, 0);

    expunge_some(scene, "Work", 0, 15);
    scene_start(scene);
    scene->now_us += 25 * G_TIME_SPAN_HOUR;
    expunge_some(scene, "Work", 15, 10);
    scene_start(scene);
    scene_assert_no_issues(scene);
}

static const char *
refuse_expunge(const char *verb, const char *mailbox, gpointer data)
{
    return g_str_has_suffix(verb, "EXPUNGE") ? "[UNAVAILABLE] Not today" : NULL;
}

/* Work0 has vanished and its twin is marked, but was not expunged. */
static Scene *
scene_with_mark(guint n, guint others)
{
    g_autoptr(Scene) scene = scene_of_many("Work", n, others);

    expunge_some(scene, "Work", 0, 1);
    scene->faults[IMS_REMOTE].refuse = refuse_expunge;
    scene_arm(scene);
    scene_pass(scene);
    scene_disarm(scene);
    scene_assert_flags(scene, IMS_REMOTE, "Work", "Work0", "8");
    return g_steal_pointer(&scene);
}

/* While the user is asked, no client's CLOSE must carry it out. */
static void
test_held_unmarked(void)
{
    g_autoptr(Scene) scene = scene_with_mark(6, 10);

    expunge_some(scene, "Work", 1, 5);
    scene_pass(scene);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_HELD), ==, 6);
    scene_assert_flags(scene, IMS_REMOTE, "Work", "Work0", "0");
    scene_pass(scene);
    g_assert_cmpuint(scene_steps(scene) + scene_selects(scene), ==, 0);
    scene->order.has_max_deletions = TRUE;
    scene->order.max_deletions = 6;
    scene_start(scene);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "Work"), ==, 0);
}

/* The same for one that waits, since it may stand where nobody can look. */
static void
test_waiting_unmarked(void)
{
    g_autoptr(Scene) scene = scene_with_mark(6, 10);
    char *words[] = {(char *)"Spam", NULL};
    g_autoptr(ImsPatterns) ignore = ims_patterns_new(words, NULL);

    scene->order.ignore = ignore;
    fake_create(scene->server[IMS_LOCAL], "Spam");
    scene_add(scene, IMS_LOCAL, "Spam", "spam", NULL);
    scene->faults[IMS_LOCAL].garbled = "Spam";
    scene_arm(scene);
    scene_pass(scene);
    scene_assert_flags(scene, IMS_REMOTE, "Work", "Work0", "0");
    scene_disarm(scene);
    scene_pass(scene);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "Work"), ==, 5);
}

/* The server was restored, and the message is there again: its twin is not marked any more. */
static void
test_standing_unmarked(void)
{
    g_autoptr(Scene) scene = scene_of_many("Work", 6, 10);
    g_autoptr(FakeSnapshot) before = fake_snapshot(scene->server[IMS_LOCAL]);

    expunge_some(scene, "Work", 0, 1);
    scene->faults[IMS_REMOTE].refuse = refuse_expunge;
    scene_arm(scene);
    scene_pass(scene);
    scene_disarm(scene);
    scene_assert_flags(scene, IMS_REMOTE, "Work", "Work0", "8");
    fake_restore(scene->server[IMS_LOCAL], before);
    scene_start(scene);
    scene_assert_flags(scene, IMS_REMOTE, "Work", "Work0", "0");
    scene_assert_flags(scene, IMS_LOCAL, "Work", "Work0", "0");
    scene_assert_quiet(scene);
}

static void
test_twins_gone(void)
{
    g_autoptr(Scene) scene = scene_of_many("Work", 6, 10);

    expunge_some(scene, "Work", 0, 6);
    scene_pass(scene);
    for (guint i = 0; i < 6; i++) {
        g_autofree char *name = g_strdup_printf("Work%u", i);

        scene_expunge(scene, IMS_REMOTE, "Work", name);
    }
    scene_start(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

static void
add_lost_cases(const char *prefix, GTestDataFunc test)
{
    for (gsize i = 0; i < G_N_ELEMENTS(lost_cases); i++) {
        g_autofree char *path = g_strconcat(prefix, lost_cases[i].name, NULL);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    add_lost_cases("/engine/rules/S13-lost-reply/", test_lost_reply);
    add_lost_cases("/engine/rules/S13-lost-reply-and-named-job/", test_lost_reply_named);
    g_test_add_func("/engine/rules/S13-moved-on-both-after-lost-reply", test_moved_on_both);
    g_test_add_data_func(
        "/engine/rules/S13-moved-where-the-protocol-breaks", "Work", test_lost_reply_hidden);
    g_test_add_data_func(
        "/engine/rules/S13-moved-where-nobody-may-look", NULL, test_lost_reply_hidden);
    g_test_add_func("/engine/rules/S13-moved-into-an-excluded-one", test_lost_reply_excluded);
    g_test_add_func("/engine/rules/S13-likeness-in-an-excluded-one", test_likeness_excluded);
    g_test_add_data_func(
        "/engine/rules/S13-home-refused/local", &home_sides[IMS_LOCAL], test_home_away);
    g_test_add_data_func(
        "/engine/rules/S13-home-refused/remote", &home_sides[IMS_REMOTE], test_home_away);
    g_test_add_data_func("/engine/rules/S13-home-ignored", NULL, test_home_away);
    g_test_add_func("/engine/rules/S13-home-left-in-the-same-pass", test_home_left);
    for (gsize i = 0; i < G_N_ELEMENTS(astray_cases); i++) {
        g_autofree char *path =
            g_strdup_printf("/engine/rules/S13-moved-in-the-pass-%s", astray_cases[i].name);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_astray);
    }
    g_test_add_func("/engine/rules/S13-stray-append-is-taken-back", test_stray);
    g_test_add_func("/engine/rules/S16-our-own-copies-are-not-new", test_own_copies);
    g_test_add_func("/engine/rules/S16-flags-of-the-feeding-fetch", test_feeding_fetch);
    g_test_add_func("/engine/rules/S16-mail-behind-the-select", test_between_select_and_fetch);
    for (gsize i = 0; i < G_N_ELEMENTS(guard_cases); i++) {
        g_autofree char *path = g_strconcat("/engine/rules/S17-", guard_cases[i].name, NULL);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_guard);
    }
    g_test_add_func("/engine/rules/S17-max-deletions-releases", test_released);
    g_test_add_func("/engine/rules/S17-max-deletions-of-all-turns", test_max_of_all_turns);
    g_test_add_func("/engine/rules/S17-the-rest-goes-on", test_rest_goes_on);
    g_test_add_func("/engine/rules/S17-piece-by-piece-counts", test_day);
    g_test_add_func("/engine/rules/S17-yesterday-does-not-count", test_next_day);
    g_test_add_func("/engine/rules/S8-held-is-not-marked", test_held_unmarked);
    g_test_add_func("/engine/rules/S8-waiting-is-not-marked", test_waiting_unmarked);
    g_test_add_func("/engine/rules/S8-standing-again-is-not-marked", test_standing_unmarked);
    g_test_add_func("/engine/rules/S18-no-twin-left-no-issue", test_twins_gone);
    return g_test_run();
}
