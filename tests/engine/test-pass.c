/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What a pass is for: mail, flags, deletions and mailboxes travel both ways, what stands alone
 * stops nothing else, and then there is nothing left to do. */

#include <string.h>

#include "scene.h"

/* -- both sides become equal -- */

static void
test_first_sync(gconstpointer data)
{
    ImsSide from = GPOINTER_TO_UINT(data), to = ims_side_other(from);
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene_add(scene, from, "INBOX", "one", NULL);
    scene_add(scene, from, "INBOX", "two", "3 $Label");
    scene_add(scene, from, "INBOX", "three", "8");
    scene_start(scene);
    g_assert_cmpuint(fake_count(scene->server[to], "INBOX"), ==, 3);
    scene_assert_flags(scene, to, "INBOX", "two", "3 $Label");
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_COPIED_LOCAL + to), ==, 3);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_COPIED_LOCAL + from), ==, 0);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

static void
test_empty(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene_start(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* Three pairs in INBOX: one, two (\Answered) and three. */
static Scene *
scene_of_three(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene_add(scene, IMS_LOCAL, "INBOX", "one", NULL);
    scene_add(scene, IMS_LOCAL, "INBOX", "two", "2");
    scene_add(scene, IMS_LOCAL, "INBOX", "three", NULL);
    scene_start(scene);
    return g_steal_pointer(&scene);
}

static void
test_new_mail(void)
{
    g_autoptr(Scene) scene = scene_of_three();

    scene_add(scene, IMS_LOCAL, "INBOX", "here", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "there", "1");
    scene_start(scene);
    g_assert_cmpuint(scene_appended(scene), ==, 2);
    g_assert_cmpuint(fake_count(scene->server[IMS_LOCAL], "INBOX"), ==, 5);
    scene_assert_flags(scene, IMS_LOCAL, "INBOX", "there", "1");
    scene_assert_quiet(scene);
}

static const struct {
    const char *name, *local, *remote, *want; /* of `two`; NULL: untouched */
} flag_cases[] = {
    {"gains-here", "3", NULL, "3"},
    {"gains-there", NULL, "6", "6"},
    {"loses", NULL, "0", "0"},
    {"gains-and-loses", "1", NULL, "1"},
    {"keyword", "2 $work", NULL, "2 $work"},
    {"both-gain", "3", "6 $x", "7 $x"},
    {"one-gains-one-loses", "3", "0", "1"},
    {"both-gain-and-lose", "1", "4", "5"},
    {"deleted", "10", NULL, "10"},
};

static void
test_flags(gconstpointer data)
{
    g_autoptr(Scene) scene = scene_of_three();
    gsize i = GPOINTER_TO_SIZE(data);

    if (flag_cases[i].local != NULL)
        scene_set_flags(scene, IMS_LOCAL, "INBOX", "two", flag_cases[i].local);
    if (flag_cases[i].remote != NULL)
        scene_set_flags(scene, IMS_REMOTE, "INBOX", "two", flag_cases[i].remote);
    scene_start(scene);
    scene_assert_flags(scene, IMS_LOCAL, "INBOX", "two", flag_cases[i].want);
    g_assert_cmpuint(scene_appended(scene) + scene_expunged(scene), ==, 0);
    scene_assert_quiet(scene);
}

static void
test_expunge(void)
{
    g_autoptr(Scene) scene = scene_of_three();

    scene_expunge(scene, IMS_LOCAL, "INBOX", "one");
    scene_expunge(scene, IMS_REMOTE, "INBOX", "three");
    scene_start(scene);
    g_assert_cmpuint(fake_count(scene->server[IMS_LOCAL], "INBOX"), ==, 1);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_EXPUNGED_LOCAL), ==, 1);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_EXPUNGED_REMOTE), ==, 1);
    g_assert_cmpuint(scene_appended(scene), ==, 0);
    scene_assert_quiet(scene);
}

static void
test_expunged_on_both(void)
{
    g_autoptr(Scene) scene = scene_of_three();

    scene_expunge(scene, IMS_LOCAL, "INBOX", "two");
    scene_expunge(scene, IMS_REMOTE, "INBOX", "two");
    scene_start(scene);
    g_assert_cmpuint(scene_expunged(scene), ==, 0);
    scene_assert_quiet(scene);
}

/* -- mailboxes -- */

static void
test_created(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    fake_create(scene->server[IMS_LOCAL], "Projekte/Entwürfe & Müll");
    fake_subscribe(scene->server[IMS_LOCAL], "Projekte/Entwürfe & Müll");
    fake_create(scene->server[IMS_REMOTE], "受信.2024");
    scene_add(scene, IMS_LOCAL, "Projekte/Entwürfe & Müll", "draft", NULL);
    scene_start(scene);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "Projekte.Entwürfe & Müll"), ==, 1);
    g_assert_true(fake_is_subscribed(scene->server[IMS_REMOTE], "Projekte.Entwürfe & Müll"));
    g_assert_true(fake_exists(scene->server[IMS_LOCAL], "受信/2024"));
    g_assert_false(fake_is_subscribed(scene->server[IMS_LOCAL], "受信/2024"));
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_MAILBOXES_CREATED), ==, 2);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

static void
test_vanished(void)
{
    g_autoptr(Scene) scene = scene_of_three();

    scene_create(scene, "Work");
    scene_add(scene, IMS_LOCAL, "Work", "work", NULL);
    scene_start(scene);
    fake_delete(scene->server[IMS_REMOTE], "Work");
    scene_add(scene, IMS_LOCAL, "INBOX", "new", NULL);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_VANISHED, "Work", IMS_REMOTE));
    g_assert_cmpuint(fake_count(scene->server[IMS_LOCAL], "Work"), ==, 1);
    g_assert_false(fake_exists(scene->server[IMS_REMOTE], "Work"));
    g_assert_cmpuint(scene_find(scene, IMS_REMOTE, "INBOX", "new"), !=, 0);

    fake_delete(scene->server[IMS_LOCAL], "Work");
    scene_start(scene);
    scene_assert_no_issues(scene);
}

static void
test_unnamable(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    fake_create(scene->server[IMS_LOCAL], "v1.2");
    scene_add(scene, IMS_LOCAL, "INBOX", "one", NULL);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_NAME, "v1.2", IMS_REMOTE));
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "INBOX"), ==, 1);
}

static void
test_named(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    char *names[] = {(char *)"Work/Now", NULL};

    fake_create(scene->server[IMS_LOCAL], "Work/Now");
    scene_add(scene, IMS_LOCAL, "Work/Now", "one", NULL);
    scene_add(scene, IMS_LOCAL, "INBOX", "two", NULL);
    scene->order.mailboxes = names;
    scene_pass(scene);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "Work.Now"), ==, 1);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "INBOX"), ==, 0);

    names[0] = (char *)"Work.Now";
    g_assert_false(scene_run(scene));
    g_assert_error(scene->error, IMS_ERROR, IMS_ERROR_NO_SUCH_MAILBOX);
}

static void
test_report(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    const ImsMailboxReport *trash;

    fake_create(scene->server[IMS_REMOTE], "Trash");
    fake_subscribe(scene->server[IMS_REMOTE], "Trash");
    scene_add(scene, IMS_REMOTE, "Trash", "one", NULL);
    scene_start(scene);
    g_assert_true(scene->report->listed);
    g_assert_cmpuint(scene->report->mailboxes->len, ==, 2);
    trash = g_ptr_array_index(scene->report->mailboxes, 1);
    g_assert_cmpstr(trash->name, ==, "Trash");
    g_assert_cmpstr(trash->role, ==, "trash");
    g_assert_true(trash->there[IMS_LOCAL] && trash->there[IMS_REMOTE] && trash->subscribed);
    g_assert_cmpuint(trash->messages, ==, 1);
    g_assert_cmpint(trash->last_sync_us, ==, scene->now_us);
    g_assert_cmpint(trash->state, ==, IMS_MAILBOX_SYNCED);
    g_assert_cmpuint(trash->done.n[IMS_COUNT_COPIED_LOCAL], ==, 1);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_MAILBOXES_CHANGED), ==, 1);
}

/* -- adoption -- */

static void
test_needs_adoption(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    g_autofree char *local = NULL, *remote = NULL, *local_after = NULL, *remote_after = NULL;
    const ImsIssue *issue;

    scene_create(scene, "Work");
    scene_add(scene, IMS_LOCAL, "INBOX", "one", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "two", NULL);
    scene_add(scene, IMS_LOCAL, "Work", "work", NULL);
    local = fake_dump(scene->server[IMS_LOCAL]);
    scene_pass(scene);
    issue = scene_issue(scene, IMS_ISSUE_NEEDS_ADOPTION, "INBOX", IMS_LOCAL);
    g_assert_nonnull(issue);
    g_assert_cmpuint(issue->count, ==, 2);
    g_assert_cmpuint(scene_find(scene, IMS_REMOTE, "Work", "work"), !=, 0);
    local_after = fake_dump(scene->server[IMS_LOCAL]);
    g_assert_cmpstr(local_after, ==, local);

    remote = fake_dump(scene->server[IMS_REMOTE]);
    scene_pass(scene);
    remote_after = fake_dump(scene->server[IMS_REMOTE]);
    g_assert_cmpstr(remote_after, ==, remote);

    scene_expunge(scene, IMS_REMOTE, "INBOX", "two");
    scene_start(scene);
    scene_assert_no_issues(scene);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "INBOX"), ==, 1);
    scene_assert_quiet(scene);
}

/* -- what stands alone -- */

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

    scene_disarm(scene);
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
    g_assert_error(scene->error, IMS_ERROR, IMS_ERROR_SERVER_REJECTED);
    g_assert_true(g_str_has_prefix(scene->error->message, "remote: "));
    g_assert_false(scene->report->listed);
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

    g_test_init(&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

    g_test_add_data_func(
        "/engine/pass/first-sync-to-remote", GUINT_TO_POINTER(IMS_LOCAL), test_first_sync);
    g_test_add_data_func(
        "/engine/pass/first-sync-to-local", GUINT_TO_POINTER(IMS_REMOTE), test_first_sync);
    g_test_add_func("/engine/pass/nothing-to-do", test_empty);
    g_test_add_func("/engine/pass/new-mail-both-ways", test_new_mail);
    for (gsize i = 0; i < G_N_ELEMENTS(flag_cases); i++) {
        g_autofree char *path = g_strconcat("/engine/pass/flags/", flag_cases[i].name, NULL);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_flags);
    }
    g_test_add_func("/engine/pass/expunges-both-ways", test_expunge);
    g_test_add_func("/engine/pass/expunged-on-both", test_expunged_on_both);
    g_test_add_func("/engine/pass/mailboxes-are-created", test_created);
    g_test_add_func("/engine/pass/vanished-mailbox-stops-nothing-else", test_vanished);
    g_test_add_func("/engine/pass/unnamable-mailbox-stops-nothing-else", test_unnamable);
    g_test_add_func("/engine/pass/only-named-mailboxes", test_named);
    g_test_add_func("/engine/pass/report", test_report);
    g_test_add_func("/engine/pass/mail-on-both-sides-needs-adoption", test_needs_adoption);
    for (gsize i = 0; i < G_N_ELEMENTS(refused_cases); i++) {
        g_autofree char *path =
            g_strconcat("/engine/pass/refused-message/", refused_cases[i].name, NULL);

        g_test_add_data_func(path, refused_cases[i].without, test_refused_message);
    }
    g_test_add_func("/engine/pass/unreadable-message-stops-nothing-else", test_unreadable);
    g_test_add_func("/engine/pass/select-refused", test_select_refused);
    g_test_add_func("/engine/pass/create-refused", test_create_refused);
    g_test_add_func("/engine/pass/store-refused", test_store_refused);
    g_test_add_func("/engine/pass/expunge-refused", test_expunge_refused);
    for (gsize i = 0; i < G_N_ELEMENTS(quota_cases); i++) {
        g_autofree char *path =
            g_strconcat("/engine/pass/append-refused/", quota_cases[i].name, NULL);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_append_refused);
    }
    g_test_add_func("/engine/pass/list-refused-ends-it", test_list_refused);
    return g_test_run();
}
