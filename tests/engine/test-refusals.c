/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What a server refuses stands alone: a message, a mailbox, a command. It becomes an issue, the
 * rest goes on, and what can be tried again later is. */

#include <string.h>

#include "scene.h"

/* What of a server's commands the test counts and refuses. */
typedef struct {
    const char *verb, *mailbox, *why; /* what is answered NO; @mailbox NULL: all */
    guint times;                      /* and how often; 0: always */
    guint appends;
} Watch;

static const char *
refuse(const char *verb, const char *mailbox, gpointer data)
{
    Watch *watch = data;

    if (g_strcmp0(verb, watch->verb) != 0 ||
        (watch->mailbox != NULL && g_strcmp0(mailbox, watch->mailbox) != 0))
        return NULL;
    if (watch->times > 0 && --watch->times == 0)
        watch->verb = NULL;
    return watch->why;
}

static void
count_appends(FakeServer *server, const char *command, gpointer data)
{
    ((Watch *)data)->appends += g_str_has_prefix(command, "APPEND ");
}

static void
watch_remote(Scene *scene, Watch *watch)
{
    scene->faults[IMS_REMOTE] = (FakeFaults){
        .refuse_marker = "This is poison.",
        .refuse = refuse,
        .on_command = count_appends,
        .data = watch,
    };
    scene_arm(scene);
}

static void
test_refused_message(gconstpointer without)
{
    g_autoptr(Scene) scene = scene_new(NULL, without);
    Watch watch = {0};
    const ImsIssue *issue;

    watch_remote(scene, &watch);
    for (guint i = 0; i < 7; i++) {
        g_autofree char *name = g_strdup_printf("good%u", i);

        if (i == 2)
            scene_add(scene, IMS_LOCAL, "INBOX", "poison", "1");
        scene_add(scene, IMS_LOCAL, "INBOX", name, "1");
    }
    scene_pass(scene);
    issue = scene_issue(scene, IMS_ISSUE_REFUSED, "INBOX", IMS_REMOTE);
    g_assert_nonnull(issue);
    g_assert_cmpuint(issue->count, ==, 1);
    g_assert_nonnull(strstr(issue->detail, "Refused by the test"));
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "INBOX"), ==, 7);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_REFUSED), ==, 1);

    watch.appends = 0;
    scene_add(scene, IMS_LOCAL, "INBOX", "next", NULL);
    scene_pass(scene);
    g_assert_cmpuint(watch.appends, ==, 1);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_REFUSED), ==, 0);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "INBOX"), ==, 8);

    scene_expunge(scene, IMS_LOCAL, "INBOX", "poison");
    scene_start(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

static void
test_unreadable(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene->faults[IMS_LOCAL].no_body_marker = "This is broken.";
    scene_arm(scene);
    scene_add(scene, IMS_LOCAL, "INBOX", "one", NULL);
    scene_add(scene, IMS_LOCAL, "INBOX", "broken", NULL);
    scene_add(scene, IMS_LOCAL, "INBOX", "two", NULL);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_REFUSED, "INBOX", IMS_REMOTE));
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "INBOX"), ==, 2);
    scene_pass(scene);
    g_assert_cmpuint(scene_steps(scene) + scene_selects(scene), ==, 0);
}

static void
add_around_poison(Scene *scene, ImsSide side)
{
    scene_add(scene, side, "INBOX", "first", NULL);
    scene_add(scene, side, "INBOX", "poison", NULL);
    for (guint i = 0; i < 10; i++) {
        g_autofree char *name = g_strdup_printf("m%u", i);

        scene_add(scene, side, "INBOX", name, NULL);
    }
}

/* All but the poison has come over, and it is tried again in each pass. */
static void
assert_put_off(Scene *scene, ImsSide from, ImsSide at)
{
    for (guint i = 0; i < 2; i++) {
        scene_pass(scene);
        g_assert_cmpuint(fake_count(scene->server[ims_side_other(from)], "INBOX"), ==, 11);
        g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "INBOX", at));
        g_assert_null(scene_issue(scene, IMS_ISSUE_REFUSED, "INBOX", at));
        g_assert_cmpuint(scene_count(scene, IMS_COUNT_REFUSED), ==, 0);
    }
    g_assert_cmpuint(scene_steps(scene), ==, 0);
    scene_set_flags(scene, from, "INBOX", "m1", "1");
    scene_expunge(scene, from, "INBOX", "m2");
    scene_pass(scene);
    scene_assert_flags(scene, ims_side_other(from), "INBOX", "m1", "1");
    g_assert_cmpuint(scene_find(scene, ims_side_other(from), "INBOX", "m2"), ==, 0);
    scene_disarm(scene);
    scene_start(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* A server that calls its own trouble what comes of one message. */
static void
test_trouble_with_body(gconstpointer without)
{
    g_autoptr(Scene) scene = scene_new(without, NULL);

    add_around_poison(scene, IMS_REMOTE);
    scene->faults[IMS_REMOTE].no_body_marker = "This is poison.";
    scene->faults[IMS_REMOTE].no_body_words = "[SERVERBUG] Internal error";
    scene_arm(scene);
    assert_put_off(scene, IMS_REMOTE, IMS_REMOTE);
}

static void
test_trouble_with_append(gconstpointer without)
{
    g_autoptr(Scene) scene = scene_new(NULL, without);

    add_around_poison(scene, IMS_LOCAL);
    scene->faults[IMS_REMOTE].refuse_marker = "This is poison.";
    scene->faults[IMS_REMOTE].refuse_words = "NO [SERVERBUG] Internal error";
    scene_arm(scene);
    assert_put_off(scene, IMS_LOCAL, IMS_REMOTE);
}

/* Whoever is in trouble with everything is not asked message by message. */
static void
test_trouble_with_all(gconstpointer verb)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    Watch watch = {.verb = verb, .why = "System I/O error"};
    ImsSide from = g_str_equal(verb, "APPEND") ? IMS_LOCAL : IMS_REMOTE;
    Trap trap = {.command = verb};

    for (guint i = 0; i < 100; i++) {
        g_autofree char *name = g_strdup_printf("m%u", i);

        scene_add(scene, from, "INBOX", name, NULL);
    }
    if (from == IMS_LOCAL) {
        watch_remote(scene, &watch);
        scene_pass(scene);
        g_assert_cmpuint(watch.appends, <, 50);
    } else {
        scene->faults[IMS_REMOTE].no_body_marker = "This is";
        scene->faults[IMS_REMOTE].no_body_words = watch.why;
        scene_set_trap(scene, IMS_REMOTE, &trap);
        scene_pass(scene);
        g_assert_cmpuint(trap.seen, <, 50);
    }
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "INBOX", IMS_REMOTE));
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_REFUSED), ==, 0);

    scene_disarm(scene);
    scene_start(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* S9: what was moved to where it cannot be copied from keeps its twin. */
static void
test_trouble_with_moved(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene_create(scene, "Work");
    add_around_poison(scene, IMS_REMOTE);
    scene_start(scene);
    scene_move(scene, IMS_REMOTE, "INBOX", "poison", "Work");
    scene->faults[IMS_REMOTE].no_body_marker = "This is poison.";
    scene->faults[IMS_REMOTE].no_body_words = "[SERVERBUG] Internal error";
    scene_arm(scene);
    for (guint i = 0; i < 2; i++) {
        scene_pass(scene);
        g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "INBOX", "poison"), !=, 0);
    }
    scene_disarm(scene);
    scene_start(scene);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "Work", "poison"), !=, 0);
    scene_assert_quiet(scene);
}

/* Two mailboxes with a pair each, and something to do in both. */
static Scene *
scene_of_two_mailboxes(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene_create(scene, "Work");
    scene_add(scene, IMS_LOCAL, "INBOX", "one", NULL);
    scene_add(scene, IMS_LOCAL, "Work", "two", NULL);
    scene_start(scene);
    scene_add(scene, IMS_LOCAL, "INBOX", "three", NULL);
    scene_set_flags(scene, IMS_LOCAL, "INBOX", "one", "1");
    scene_add(scene, IMS_LOCAL, "Work", "four", NULL);
    scene_set_flags(scene, IMS_LOCAL, "Work", "two", "1");
    return g_steal_pointer(&scene);
}

static void
assert_inbox_is_done(Scene *scene)
{
    scene_assert_flags(scene, IMS_REMOTE, "INBOX", "one", "1");
    scene_assert_flags(scene, IMS_REMOTE, "INBOX", "three", "0");
}

static void
test_select_refused(void)
{
    g_autoptr(Scene) scene = scene_of_two_mailboxes();
    Watch watch = {.verb = "SELECT", .mailbox = "Work", .why = "[NOPERM] Not for you"};
    const ImsIssue *issue;

    watch_remote(scene, &watch);
    scene_pass(scene);
    issue = scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "Work", IMS_REMOTE);
    g_assert_nonnull(issue);
    g_assert_nonnull(strstr(issue->detail, "Not for you"));
    assert_inbox_is_done(scene);

    scene_disarm(scene);
    scene_start(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

static void
test_create_refused(void)
{
    g_autoptr(Scene) scene = scene_of_two_mailboxes();
    Watch watch = {.verb = "CREATE", .mailbox = "New", .why = "[NOPERM] Not here"};

    watch_remote(scene, &watch);
    fake_create(scene->server[IMS_LOCAL], "New");
    scene_add(scene, IMS_LOCAL, "New", "new", NULL);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "New", IMS_REMOTE));
    assert_inbox_is_done(scene);
    scene_assert_flags(scene, IMS_REMOTE, "Work", "four", "0");

    /* S10: not asked again while the listings are the same. */
    scene_disarm(scene);
    scene_pass(scene);
    g_assert_false(fake_exists(scene->server[IMS_REMOTE], "New"));
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "New", IMS_REMOTE));
    g_assert_cmpuint(scene_steps(scene), ==, 0);
    scene_create(scene, "Other");
    scene_start(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

static void
test_store_refused(void)
{
    g_autoptr(Scene) scene = scene_of_two_mailboxes();
    Watch watch = {.verb = "UID STORE", .mailbox = "Work", .why = "[NOPERM] Only to be read"};

    watch_remote(scene, &watch);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "Work", IMS_REMOTE));
    assert_inbox_is_done(scene);
    scene_assert_flags(scene, IMS_REMOTE, "Work", "two", "0");
    scene_assert_flags(scene, IMS_REMOTE, "Work", "four", "0");

    scene_pass(scene);
    g_assert_cmpuint(scene_steps(scene) + scene_selects(scene), ==, 0);
}

static void
test_expunge_refused(void)
{
    g_autoptr(Scene) scene = scene_of_two_mailboxes();
    Watch watch = {.verb = "UID EXPUNGE", .mailbox = "Work", .why = "[NOPERM] Keep it"};

    scene_start(scene);
    watch_remote(scene, &watch);
    scene_expunge(scene, IMS_LOCAL, "Work", "two");
    scene_expunge(scene, IMS_LOCAL, "INBOX", "one");
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "Work", IMS_REMOTE));
    g_assert_cmpuint(scene_find(scene, IMS_REMOTE, "INBOX", "one"), ==, 0);
    g_assert_cmpuint(scene_find(scene, IMS_REMOTE, "Work", "two"), !=, 0);

    scene_disarm(scene);
    scene_start(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* Answers that are no IMAP end the connection, and stop no other mailbox. */
static void
test_garbled(void)
{
    g_autoptr(Scene) scene = scene_of_two_mailboxes();
    const ImsIssue *issue;

    scene_create(scene, "Zoo");
    scene_add(scene, IMS_LOCAL, "Zoo", "ape", NULL);
    scene_add(scene, IMS_REMOTE, "Work", "five", NULL);
    scene->faults[IMS_REMOTE].garbled = "Work";
    scene_arm(scene);
    scene_pass(scene);
    issue = scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "Work", IMS_REMOTE);
    g_assert_nonnull(issue);
    g_assert_cmpstr(issue->detail, !=, "");
    g_assert_null(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "INBOX", IMS_REMOTE));
    assert_inbox_is_done(scene);
    g_assert_cmpuint(scene_find(scene, IMS_REMOTE, "Zoo", "ape"), !=, 0);

    scene_disarm(scene);
    scene_start(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* The message that the garbled mailbox cannot show may be the one that vanished. */
static void
test_garbled_removal(void)
{
    g_autoptr(Scene) scene = scene_of_two_mailboxes();

    scene_start(scene);
    scene_move(scene, IMS_REMOTE, "INBOX", "one", "Work");
    scene->faults[IMS_REMOTE].garbled = "Work";
    scene_arm(scene);
    scene_pass(scene);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "INBOX", "one"), !=, 0);

    scene_disarm(scene);
    scene_start(scene);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "Work", "one"), !=, 0);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* In the only mailbox with anything to do, and in the last of several: it is open already when its
 * bodies are asked for. */
static void
test_garbled_body(gconstpointer data)
{
    const char *garbled = data;
    g_autoptr(Scene) scene = scene_of_two_mailboxes();

    scene_start(scene);
    if (g_str_equal(garbled, "Work"))
        scene_add(scene, IMS_REMOTE, "INBOX", "five", NULL);
    scene_add(scene, IMS_REMOTE, garbled, "six", NULL);
    scene->faults[IMS_REMOTE].garbled = garbled;
    scene->faults[IMS_REMOTE].garbles_bodies = TRUE;
    scene_arm(scene);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, garbled, IMS_REMOTE));
    if (g_str_equal(garbled, "Work"))
        g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "INBOX", "five"), !=, 0);

    scene_disarm(scene);
    scene_start(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* A server that is beyond reason is not asked for ever. */
static void
test_garbled_account(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    for (guint i = 0; i < 9; i++) {
        g_autofree char *name = g_strdup_printf("Bad%u", i);

        scene_create(scene, name);
        scene_add(scene, IMS_REMOTE, name, name, NULL);
    }
    scene->faults[IMS_REMOTE].garbled = "Bad";
    scene_arm(scene);
    g_assert_false(scene_run(scene));
    g_assert_error(scene->error, IMS_ERROR, IMS_ERROR_PROTOCOL);
}

/* -- what takes the connection with it -- */

typedef struct {
    FakePhase phase;
    const char *command; /* the beginning of a command; NULL: any */
    guint let_by, times; /* how many such moments pass, and how many then cost the connection */
} Shears;

static gboolean
shear(FakePhase phase, const char *command, gpointer data)
{
    Shears *shears = data;

    if (phase != shears->phase || !g_str_has_prefix(command, shears->command))
        return FALSE;
    if (shears->let_by > 0) {
        shears->let_by--;
        return FALSE;
    }
    if (shears->times == 0)
        return FALSE;
    shears->times--;
    return TRUE;
}

static void
arm_shears(Scene *scene, ImsSide side, Shears *shears)
{
    scene->faults[side].cut = shear;
    scene->faults[side].data = shears;
    scene_arm(scene);
}

/* A mailbox that no server's process survives. */
static void
test_deadly_mailbox(void)
{
    g_autoptr(Scene) scene = scene_of_two_mailboxes();
    Shears shears = {FAKE_BEFORE, "SELECT \"Work\"", 0, G_MAXUINT};

    scene_start(scene);
    scene_add(scene, IMS_REMOTE, "Work", "worse", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "five", NULL);
    scene_expunge(scene, IMS_REMOTE, "INBOX", "one");
    arm_shears(scene, IMS_REMOTE, &shears);
    for (guint i = 0; i < 2; i++) {
        scene_pass(scene);
        g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "Work", IMS_REMOTE));
        g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "INBOX", "five"), !=, 0);
        /* S9: it may stand in Work */
        g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "INBOX", "one"), !=, 0);
    }
    scene_disarm(scene);
    scene_start(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* And a message; it is never written off for that. */
static void
test_deadly_body(gconstpointer without)
{
    g_autoptr(Scene) scene = scene_new(without, NULL);
    Shears shears = {FAKE_BODY, "UID FETCH 777", 0, G_MAXUINT};

    fake_set_last(scene->server[IMS_REMOTE], "INBOX", 777, 1);
    scene_add(scene, IMS_REMOTE, "INBOX", "poison", NULL);
    for (guint i = 0; i < 11; i++) {
        g_autofree char *name = g_strdup_printf("m%u", i);

        scene_add(scene, IMS_REMOTE, "INBOX", name, NULL);
    }
    scene_create(scene, "Work");
    scene_add(scene, IMS_REMOTE, "Work", "two", NULL);
    arm_shears(scene, IMS_REMOTE, &shears);
    for (guint i = 0; i < 2; i++) {
        /* in a batch, its own second connection, and the rest */
        scene_pass(scene);
        g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "Work", "two"), !=, 0);
        g_assert_cmpuint(fake_count(scene->server[IMS_LOCAL], "INBOX"), ==, 11);
        g_assert_cmpuint(fake_server_count(scene->server[IMS_REMOTE]).connections, <=, 3);
        g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "INBOX", IMS_REMOTE));
        g_assert_null(scene_issue(scene, IMS_ISSUE_REFUSED, "INBOX", IMS_LOCAL));
    }
    scene_disarm(scene);
    scene_start(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* S11: a BAD costs the connection, and says as little of whom it was meant for. */
static void
test_bad_append(gconstpointer without)
{
    g_autoptr(Scene) scene = scene_new(NULL, without);

    scene_create(scene, "Work");
    scene_add(scene, IMS_LOCAL, "Work", "one", NULL);
    scene_add(scene, IMS_LOCAL, "Work", "two", NULL);
    scene_start(scene);
    add_around_poison(scene, IMS_LOCAL);
    scene_expunge(scene, IMS_REMOTE, "Work", "one");
    scene->faults[IMS_REMOTE].refuse_marker = "This is poison.";
    scene->faults[IMS_REMOTE].refuse_words = "BAD What is this?";
    scene_arm(scene);
    scene_pass(scene);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "Work", "one"), ==, 0);
    assert_put_off(scene, IMS_LOCAL, IMS_REMOTE);
}

static const struct {
    const char *name;
    ImsSide side;
    Shears shears;
} lost_cases[] = {
    {"select", IMS_REMOTE, {FAKE_BEFORE, "SELECT \"Work\"", 0, 1}},
    {"body", IMS_REMOTE, {FAKE_BODY, "UID FETCH", 5, 1}},
    {"literal", IMS_LOCAL, {FAKE_LITERAL, "APPEND", 5, 1}},
    {"reply-to-append", IMS_LOCAL, {FAKE_AFTER, "APPEND", 0, 1}},
    {"store", IMS_REMOTE, {FAKE_AFTER, "UID STORE", 0, 1}},
};

/* A connection that was lost once is nobody's fault. */
static void
test_lost_once(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autoptr(Scene) scene = scene_of_two_mailboxes();
    Shears shears = lost_cases[i].shears;

    add_around_poison(scene, IMS_REMOTE);
    scene_expunge(scene, IMS_REMOTE, "INBOX", "one");
    arm_shears(scene, lost_cases[i].side, &shears);
    scene_start(scene);
    g_assert_cmpuint(shears.times, ==, 0);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

typedef struct {
    guint refusals, cuts;
} Hiccup;

static const char *
refuse_once(const char *verb, const char *mailbox, gpointer data)
{
    Hiccup *hiccup = data;

    if (!g_str_equal(verb, "SELECT") || g_strcmp0(mailbox, "INBOX") != 0 || hiccup->refusals == 0)
        return NULL;
    hiccup->refusals--;
    return "[UNAVAILABLE] Not now";
}

static gboolean
cut_body_once(FakePhase phase, const char *command, gpointer data)
{
    Hiccup *hiccup = data;

    if (phase != FAKE_BODY || hiccup->cuts == 0)
        return FALSE;
    hiccup->cuts--;
    return TRUE;
}

/* What failed before the connection was lost, and went well behind it, is no issue any more. */
static void
test_lost_and_healed(void)
{
    g_autoptr(Scene) scene = scene_of_two_mailboxes();
    Hiccup hiccup = {1, 1};

    scene_add(scene, IMS_REMOTE, "Work", "five", NULL);
    scene->faults[IMS_REMOTE] =
        (FakeFaults){.refuse = refuse_once, .cut = cut_body_once, .data = &hiccup};
    scene_arm(scene);
    scene_start(scene);
    g_assert_cmpuint(hiccup.refusals + hiccup.cuts, ==, 0);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* A network that always fails is not tried for ever, and nothing is written off by it. */
static void
test_lost_always(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    Shears shears = {FAKE_BEFORE, "SELECT", 0, G_MAXUINT};

    for (guint i = 0; i < 30; i++) {
        g_autofree char *name = g_strdup_printf("Box%u", i);

        scene_create(scene, name);
        scene_add(scene, IMS_REMOTE, name, name, NULL);
    }
    arm_shears(scene, IMS_REMOTE, &shears);
    g_assert_false(scene_run(scene));
    g_assert_error(scene->error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_assert_cmpuint(fake_server_count(scene->server[IMS_REMOTE]).connections, <, 10);
    scene_disarm(scene);
    scene_start(scene);
    scene_assert_no_issues(scene);
}

static const struct {
    const char *name, *without, *why;
    guint times;
} quota_cases[] = {
    {"batch", NULL, "[OVERQUOTA] Full", 0},
    {"singly", "MULTIAPPEND", "[OVERQUOTA] Full", 0},
    /* the first is too large, and the smaller ones behind it fit */
    {"first-of-many", "MULTIAPPEND", "[OVERQUOTA] Full", 1},
    {"moment", NULL, "[UNAVAILABLE] Come back later", 1},
    {"create-it", NULL, "[TRYCREATE] No such mailbox", 1},
};

/* About the mailbox, not about a message: nothing is written off. */
static void
test_append_refused(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autoptr(Scene) scene = scene_new(NULL, quota_cases[i].without);
    Watch watch = {
        .verb = "APPEND",
        .mailbox = "Work",
        .why = quota_cases[i].why,
        .times = quota_cases[i].times};

    scene_create(scene, "Work");
    scene_start(scene);
    watch_remote(scene, &watch);
    scene_add(scene, IMS_LOCAL, "Work", "one", NULL);
    scene_add(scene, IMS_LOCAL, "Work", "two", NULL);
    scene_add(scene, IMS_LOCAL, "Work", "three", NULL);
    scene_add(scene, IMS_LOCAL, "INBOX", "four", NULL);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "Work", IMS_REMOTE));
    g_assert_null(scene_issue(scene, IMS_ISSUE_REFUSED, "Work", IMS_REMOTE));
    g_assert_cmpuint(scene_find(scene, IMS_REMOTE, "INBOX", "four"), !=, 0);

    scene_disarm(scene);
    scene_start(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

static void
test_list_refused(void)
{
    g_autoptr(Scene) scene = scene_of_two_mailboxes();
    Watch watch = {.verb = "LIST", .why = "[SERVERBUG] Sorry"};

    watch_remote(scene, &watch);
    g_assert_false(scene_run(scene));
    g_assert_error(scene->error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_assert_true(g_str_has_prefix(scene->error->message, "remote: "));
    g_assert_false(scene->report->listed);
}

/* A server says it once, or again and again; it is shown a day at least. */
static void
test_alert(void)
{
    g_autoptr(Scene) scene = scene_of_two_mailboxes();
    const gint64 hour_us = (gint64)60 * 60 * G_USEC_PER_SEC;
    const gint64 first_us = scene->now_us;
    const ImsIssue *issue;

    scene->faults[IMS_REMOTE].alert = "Password expires\x01 soon";
    scene_arm(scene);
    scene_pass(scene);
    issue = scene_issue(scene, IMS_ISSUE_ALERT, "", IMS_REMOTE);
    g_assert_nonnull(issue);
    g_assert_cmpstr(issue->detail, ==, "[ALERT] Password expires? soon");
    g_assert_null(scene_issue(scene, IMS_ISSUE_ALERT, "", IMS_LOCAL));

    scene->now_us += 23 * hour_us;
    scene_disarm(scene);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_ALERT, "", IMS_REMOTE));

    scene->now_us += hour_us;
    scene->faults[IMS_REMOTE].alert = "Password has expired";
    scene_arm(scene);
    scene_pass(scene);
    issue = scene_issue(scene, IMS_ISSUE_ALERT, "", IMS_REMOTE);
    g_assert_nonnull(issue);
    g_assert_cmpint(issue->since_us, ==, first_us);

    scene_disarm(scene);
    scene_pass(scene);
    scene_assert_no_issues(scene);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name, *without;
    } refused_cases[] = {
        {"bisected", NULL},
        {"singly", "MULTIAPPEND"},
        {"batch-that-waits", "LITERAL+"},
        {"singly-that-waits", "MULTIAPPEND LITERAL+"},
    };

    g_test_init(&argc, &argv, NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(refused_cases); i++) {
        g_autofree char *path =
            g_strconcat("/engine/refusals/refused-message/", refused_cases[i].name, NULL);

        g_test_add_data_func(path, refused_cases[i].without, test_refused_message);
    }
    g_test_add_func("/engine/refusals/alert-is-shown-and-goes-again", test_alert);
    g_test_add_func("/engine/refusals/unreadable-message-stops-nothing-else", test_unreadable);
    for (gsize i = 0; i < 2; i++) {
        const char *without = refused_cases[i].without;
        g_autofree char *body =
            g_strconcat("/engine/refusals/trouble-with-one-body/", refused_cases[i].name, NULL);
        g_autofree char *append =
            g_strconcat("/engine/refusals/trouble-with-one-append/", refused_cases[i].name, NULL);

        g_test_add_data_func(body, without, test_trouble_with_body);
        g_test_add_data_func(append, without, test_trouble_with_append);
    }
    g_test_add_data_func(
        "/engine/refusals/trouble-with-all/fetch", "UID FETCH", test_trouble_with_all);
    g_test_add_data_func(
        "/engine/refusals/trouble-with-all/append", "APPEND", test_trouble_with_all);
    g_test_add_func("/engine/refusals/S9-trouble-with-what-was-moved", test_trouble_with_moved);
    g_test_add_func("/engine/refusals/select-refused", test_select_refused);
    g_test_add_func("/engine/refusals/create-refused", test_create_refused);
    g_test_add_func("/engine/refusals/store-refused", test_store_refused);
    g_test_add_func("/engine/refusals/expunge-refused", test_expunge_refused);
    for (gsize i = 0; i < G_N_ELEMENTS(quota_cases); i++) {
        g_autofree char *path =
            g_strconcat("/engine/refusals/append-refused/", quota_cases[i].name, NULL);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_append_refused);
    }
    g_test_add_func("/engine/refusals/deadly-mailbox-stops-nothing-else", test_deadly_mailbox);
    for (gsize i = 0; i < 2; i++) {
        const char *without = refused_cases[i].without;
        g_autofree char *body =
            g_strconcat("/engine/refusals/deadly-body/", refused_cases[i].name, NULL);
        g_autofree char *append =
            g_strconcat("/engine/refusals/S11-bad-append/", refused_cases[i].name, NULL);

        g_test_add_data_func(body, without, test_deadly_body);
        g_test_add_data_func(append, without, test_bad_append);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(lost_cases); i++) {
        g_autofree char *path =
            g_strconcat("/engine/refusals/lost-once/", lost_cases[i].name, NULL);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_lost_once);
    }
    g_test_add_func("/engine/refusals/lost-once-and-healed", test_lost_and_healed);
    g_test_add_func("/engine/refusals/lost-always-is-given-up", test_lost_always);
    g_test_add_func("/engine/refusals/garbled-mailbox-stops-nothing-else", test_garbled);
    g_test_add_func("/engine/refusals/garbled-mailbox-holds-removals", test_garbled_removal);
    g_test_add_data_func("/engine/refusals/garbled-body-in-the-only", "INBOX", test_garbled_body);
    g_test_add_data_func("/engine/refusals/garbled-body-in-the-last", "Work", test_garbled_body);
    g_test_add_func("/engine/refusals/garbled-account-is-given-up", test_garbled_account);
    g_test_add_func("/engine/refusals/list-refused-ends-it", test_list_refused);
    return g_test_run();
}
