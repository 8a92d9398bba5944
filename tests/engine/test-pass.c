/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What a pass is for: mail, flags, deletions and mailboxes travel both ways, what stands alone
 * stops nothing else, and then there is nothing left to do. */

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
assert_subscribed(Scene *scene, gboolean subscribed)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        g_assert_cmpint(fake_is_subscribed(scene->server[side], "Work"), ==, subscribed);
}

static void
test_subscriptions(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene_create(scene, "Work");
    fake_subscribe(scene->server[IMS_LOCAL], "Work");
    scene_start(scene);
    assert_subscribed(scene, TRUE);
    fake_unsubscribe(scene->server[IMS_LOCAL], "Work");
    scene_start(scene);
    assert_subscribed(scene, FALSE);
    fake_subscribe(scene->server[IMS_REMOTE], "Work");
    scene_start(scene);
    assert_subscribed(scene, TRUE);
    fake_unsubscribe(scene->server[IMS_REMOTE], "Work");
    scene_start(scene);
    assert_subscribed(scene, FALSE);
    scene_assert_quiet(scene);
}

/* A server forgets the subscription with the mailbox: nobody has taken it back. */
static void
test_subscription_restored(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene_create(scene, "Work");
    fake_subscribe(scene->server[IMS_LOCAL], "Work");
    scene_start(scene);
    fake_unsubscribe(scene->server[IMS_REMOTE], "Work");
    fake_delete(scene->server[IMS_REMOTE], "Work");
    scene_pass(scene);
    fake_create(scene->server[IMS_REMOTE], "Work");
    scene_start(scene);
    assert_subscribed(scene, TRUE);
    scene_assert_quiet(scene);
}

static gboolean
cut_at_subscribe(FakePhase phase, const char *command, gpointer data)
{
    return phase == FAKE_BEFORE && g_str_has_prefix(command, "SUBSCRIBE");
}

static void
test_cut_before_subscribe(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    fake_create(scene->server[IMS_LOCAL], "Work");
    fake_subscribe(scene->server[IMS_LOCAL], "Work");
    scene->faults[IMS_REMOTE].cut = cut_at_subscribe;
    scene_arm(scene);
    g_assert_false(scene_run(scene));
    g_assert_true(fake_exists(scene->server[IMS_REMOTE], "Work"));
    scene_disarm(scene);
    scene_start(scene);
    assert_subscribed(scene, TRUE);
    scene_assert_quiet(scene);
}

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

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

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
    g_test_add_func("/engine/pass/S19-subscriptions-follow", test_subscriptions);
    g_test_add_func("/engine/pass/S19-restored-mailbox", test_subscription_restored);
    g_test_add_func("/engine/pass/S19-cut-before-subscribe", test_cut_before_subscribe);
    g_test_add_func("/engine/pass/vanished-mailbox-stops-nothing-else", test_vanished);
    g_test_add_func("/engine/pass/unnamable-mailbox-stops-nothing-else", test_unnamable);
    g_test_add_func("/engine/pass/only-named-mailboxes", test_named);
    g_test_add_func("/engine/pass/report", test_report);
    g_test_add_func("/engine/pass/mail-on-both-sides-needs-adoption", test_needs_adoption);
    return g_test_run();
}
