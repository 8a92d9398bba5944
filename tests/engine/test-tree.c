/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The tree between two servers: namespaces, names that one side cannot hold, creations that are
 * refused or come out otherwise, subscriptions, patterns, and an account under a folder. */

#include <string.h>

#include "scene.h"

static const ImsMailboxReport *
find_mailbox(const Scene *scene, const char *name)
{
    for (guint i = 0; i < scene->report->mailboxes->len; i++) {
        const ImsMailboxReport *mailbox = g_ptr_array_index(scene->report->mailboxes, i);

        if (g_str_equal(mailbox->name, name))
            return mailbox;
    }
    return NULL;
}

static ImsPatterns *
patterns_of(const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, ";", -1);
    ImsPatterns *patterns = ims_patterns_new(words, NULL);

    g_assert_nonnull(patterns);
    return patterns;
}

/* -- names -- */

static void
test_namespace(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    fake_set_namespaces(scene->server[IMS_REMOTE], "INBOX.", "Public.");
    fake_create(scene->server[IMS_REMOTE], "INBOX.Work.2020");
    fake_create(scene->server[IMS_REMOTE], "Public.news");
    fake_create(scene->server[IMS_LOCAL], "Private");
    fake_create(scene->server[IMS_LOCAL], "INBOX/kid");
    scene_add(scene, IMS_REMOTE, "INBOX.Work.2020", "one", NULL);
    scene_add(scene, IMS_REMOTE, "Public.news", "news", NULL);
    scene_add(scene, IMS_LOCAL, "INBOX/kid", "two", NULL);
    scene_start(scene);
    g_assert_true(fake_exists(scene->server[IMS_LOCAL], "Work/2020"));
    g_assert_true(fake_exists(scene->server[IMS_REMOTE], "INBOX.Private"));
    g_assert_true(fake_exists(scene->server[IMS_REMOTE], "INBOX.INBOX.kid"));
    g_assert_cmpint(find_mailbox(scene, "/Public.news")->state, ==, IMS_MAILBOX_EXCLUDED);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* A server that will not tell its namespaces might be taken for one with other names. */
static const char *
refuse_namespace(const char *verb, const char *mailbox, gpointer data)
{
    return g_str_equal(verb, "NAMESPACE") ? "[UNAVAILABLE] not now" : NULL;
}

static void
test_namespace_refused(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    fake_create(scene->server[IMS_LOCAL], "Work");
    scene->faults[IMS_REMOTE].refuse = refuse_namespace;
    scene_arm(scene);
    g_assert_false(scene_run(scene));
    g_assert_error(scene->error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_assert_false(fake_exists(scene->server[IMS_REMOTE], "Work"));
}

static const char *const hard_names[] = {
    "two words",
    " leading and trailing ",
    "a \"quoted\" one",
    "back\\slash",
    "50% off",
    "%",
    "*",
    "a*b%c",
    "(parentheses) [brackets] {5}",
    "&",
    "& Co",
    "~tilde",
    "#hash",
    "\xf0\x9f\x93\xac post", /* outside of the basic plane */
    "\xc3\xa4",              /* composed */
    "a\xcc\x88",             /* and decomposed: another one */
    "spam\xe2\x80\xaetxt",   /* a bidi control */
    "NIL",
    "inbox2",
};

static void
test_hard_names(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    g_autofree char *longest = g_strnfill(255, 'n');

    for (gsize i = 0; i < G_N_ELEMENTS(hard_names); i++) {
        ImsSide side = i % 2 == 0 ? IMS_LOCAL : IMS_REMOTE;

        fake_create(scene->server[side], hard_names[i]);
        scene_add(scene, side, hard_names[i], "mail", NULL);
    }
    fake_create(scene->server[IMS_REMOTE], longest);
    scene_start(scene);
    g_assert_cmpuint(
        scene_count(scene, IMS_COUNT_MAILBOXES_CREATED), ==, G_N_ELEMENTS(hard_names) + 1);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* Local has levels by "/", remote by ".". */
static void
test_unnamable(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    fake_create(scene->server[IMS_LOCAL], "v1.2");
    fake_create(scene->server[IMS_REMOTE], "and/or");
    scene_add(scene, IMS_LOCAL, "v1.2", "one", NULL);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_NAME, "v1.2", IMS_REMOTE));
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_NAME, "/and/or", IMS_LOCAL));
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_MAILBOXES_CREATED), ==, 0);

    fake_rename(scene->server[IMS_LOCAL], "v1.2", "v1-2");
    fake_delete(scene->server[IMS_REMOTE], "and/or");
    scene_start(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

static void
test_made_otherwise(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    Trap creates = {.command = "CREATE "};

    scene->faults[IMS_REMOTE].folds_case = TRUE;
    fake_create(scene->server[IMS_LOCAL], "Work");
    scene_add(scene, IMS_LOCAL, "Work", "one", NULL);
    scene_set_trap(scene, IMS_REMOTE, &creates);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_NAME, "Work", IMS_REMOTE));
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "work"), ==, 0);
    g_assert_cmpuint(creates.seen, ==, 1);
    for (guint i = 0; i < 3; i++)
        scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_NAME, "Work", IMS_REMOTE));
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "work"), ==, 0);
    g_assert_cmpuint(creates.seen, <=, 2); /* again once, since "work" came to the local side */
    g_assert_cmpuint(scene_steps(scene), ==, 0);
}

/* -- creations -- */

static const char *
refuse_create(const char *verb, const char *mailbox, gpointer data)
{
    return g_str_equal(verb, "CREATE") ? "[NOPERM] not here" : NULL;
}

static void
test_refused_remembered(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    Trap creates = {.command = "CREATE "};
    const char *asked[] = {"Work", NULL};

    scene->faults[IMS_REMOTE].refuse = refuse_create;
    fake_create(scene->server[IMS_LOCAL], "Work");
    scene_set_trap(scene, IMS_REMOTE, &creates);
    for (guint i = 0; i < 3; i++)
        scene_pass(scene);
    g_assert_cmpuint(creates.seen, ==, 1);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "Work", IMS_REMOTE));

    /* Who asks for it by name is taken at his word. */
    scene->order.mailboxes = (char **)asked;
    scene_pass(scene);
    g_assert_cmpuint(creates.seen, ==, 2);
    scene->order.mailboxes = NULL;

    scene_create(scene, "Other");
    scene_pass(scene);
    g_assert_cmpuint(creates.seen, ==, 3);
    scene_pass(scene);
    g_assert_cmpuint(creates.seen, ==, 3);

    /* With the mailbox goes its issue. */
    fake_delete(scene->server[IMS_LOCAL], "Work");
    scene_pass(scene);
    scene_assert_no_issues(scene);
}

/* -- subscriptions -- */

static void
assert_subscribed(Scene *scene, const char *mailbox, gboolean want)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        g_assert_cmpint(fake_is_subscribed(scene->server[side], mailbox), ==, want);
}

static void
test_subscriptions(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene_create(scene, "A");
    scene_create(scene, "B");
    fake_create(scene->server[IMS_REMOTE], "New");
    fake_subscribe(scene->server[IMS_LOCAL], "A");
    fake_subscribe(scene->server[IMS_REMOTE], "B");
    fake_subscribe(scene->server[IMS_REMOTE], "New");
    scene_start(scene);
    assert_subscribed(scene, "A", TRUE);
    assert_subscribed(scene, "B", TRUE);
    assert_subscribed(scene, "New", TRUE);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_SUBSCRIPTIONS_LOCAL), ==, 2);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_SUBSCRIPTIONS_REMOTE), ==, 1);
    scene_assert_quiet(scene);

    fake_unsubscribe(scene->server[IMS_LOCAL], "A");
    fake_unsubscribe(scene->server[IMS_REMOTE], "B");
    fake_subscribe(scene->server[IMS_LOCAL], "INBOX");
    scene_pass(scene);
    assert_subscribed(scene, "A", FALSE);
    assert_subscribed(scene, "B", FALSE);
    assert_subscribed(scene, "INBOX", TRUE);
    assert_subscribed(scene, "New", TRUE);
    scene_assert_quiet(scene);
}

static const char *
refuse_subscribe(const char *verb, const char *mailbox, gpointer data)
{
    return g_str_equal(verb, "SUBSCRIBE") ? "[NOPERM] not here" : NULL;
}

static void
test_subscription_refused(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    Trap subscribes = {.command = "SUBSCRIBE "};

    fake_subscribe(scene->server[IMS_LOCAL], "INBOX");
    scene->faults[IMS_REMOTE].refuse = refuse_subscribe;
    scene_set_trap(scene, IMS_REMOTE, &subscribes);
    scene_pass(scene);
    scene_pass(scene);
    g_assert_cmpuint(subscribes.seen, ==, 1);
    g_assert_true(fake_is_subscribed(scene->server[IMS_LOCAL], "INBOX"));
}

static gboolean
cut_before_subscribe(FakePhase phase, const char *command, gpointer data)
{
    return phase == FAKE_BEFORE && g_str_has_prefix(command, "SUBSCRIBE ");
}

static void
test_subscription_after_kill(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    fake_create(scene->server[IMS_REMOTE], "New");
    fake_subscribe(scene->server[IMS_REMOTE], "New");
    scene->faults[IMS_LOCAL].cut = cut_before_subscribe;
    scene_arm(scene);
    g_assert_false(scene_run(scene));
    g_assert_true(fake_exists(scene->server[IMS_LOCAL], "New"));
    g_assert_false(fake_is_subscribed(scene->server[IMS_LOCAL], "New"));

    scene_disarm(scene);
    scene_start(scene);
    assert_subscribed(scene, "New", TRUE);
    scene_assert_quiet(scene);
}

/* A mailbox that was removed and made again meets the other one anew. */
static void
test_subscription_of_remade(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene_create(scene, "A");
    fake_subscribe(scene->server[IMS_LOCAL], "A");
    scene_start(scene);
    fake_delete(scene->server[IMS_REMOTE], "A");
    fake_unsubscribe(scene->server[IMS_REMOTE], "A");
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_VANISHED, "A", IMS_REMOTE));
    fake_create(scene->server[IMS_REMOTE], "A");
    scene_start(scene);
    assert_subscribed(scene, "A", TRUE);
}

/* -- patterns -- */

static void
test_excluded(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    g_autoptr(ImsPatterns) ignore = patterns_of("Spam;Junk");

    scene->order.ignore = ignore;
    fake_create(scene->server[IMS_LOCAL], "Spam");
    fake_create(scene->server[IMS_REMOTE], "Junk");
    scene_add(scene, IMS_LOCAL, "Spam", "one", NULL);
    scene_pass(scene);
    g_assert_false(fake_exists(scene->server[IMS_REMOTE], "Spam"));
    g_assert_false(fake_exists(scene->server[IMS_LOCAL], "Junk"));
    g_assert_cmpint(find_mailbox(scene, "Spam")->state, ==, IMS_MAILBOX_EXCLUDED);
    scene_assert_no_issues(scene);
    g_assert_cmpuint(scene_selects(scene), ==, 2); /* INBOX */
}

static void
test_excluded_asked_for(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    g_autoptr(ImsPatterns) patterns = patterns_of("*;!Spam");
    const char *asked[] = {"Spam", NULL};

    scene->order.patterns = patterns;
    scene->order.mailboxes = (char **)asked;
    scene_create(scene, "Spam");
    g_assert_false(scene_run(scene));
    g_assert_error(scene->error, IMS_ERROR, IMS_ERROR_NO_SUCH_MAILBOX);
    g_assert_nonnull(strstr(scene->error->message, "“mailboxes” in [account]"));
}

/* What has happened meanwhile on either side is found by a full comparison, even if no
 * mod-sequence tells it; rows are kept, so nothing is copied twice. */
static void
test_excluded_comes_in_again(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    g_autoptr(ImsPatterns) ignore = patterns_of("Work");

    scene_create(scene, "Work");
    scene_add(scene, IMS_LOCAL, "Work", "one", NULL);
    scene_add(scene, IMS_LOCAL, "Work", "two", NULL);
    scene_start(scene);

    scene->order.ignore = ignore;
    scene_add(scene, IMS_REMOTE, "Work", "three", NULL);
    scene_set_flags(scene, IMS_LOCAL, "Work", "one", "1");
    scene_pass(scene);
    scene_pass(scene);
    g_assert_cmpuint(scene_steps(scene), ==, 0);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "Work", "three"), ==, 0);
    scene_assert_no_issues(scene);

    scene->order.ignore = NULL;
    scene_start(scene);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_COPIED_LOCAL), ==, 1);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_COPIED_REMOTE), ==, 0);
    scene_assert_flags(scene, IMS_REMOTE, "Work", "one", "1");
    scene_assert_quiet(scene);
}

/* A full comparison also if nothing has moved since. */
static void
test_excluded_is_compared(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    g_autoptr(ImsPatterns) ignore = patterns_of("Work");

    scene_create(scene, "Work");
    scene_add(scene, IMS_LOCAL, "Work", "one", NULL);
    scene_start(scene);
    scene->order.ignore = ignore;
    scene_pass(scene);
    scene->order.ignore = NULL;
    scene_start(scene);
    g_assert_cmpuint(scene_selects(scene), >, 0);
    scene_assert_quiet(scene);
}

/* S9: what was moved into an excluded mailbox is not removed from the other side. */
static void
test_moved_into_excluded(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    g_autoptr(ImsPatterns) ignore = patterns_of("Spam");

    scene->order.ignore = ignore;
    fake_create(scene->server[IMS_REMOTE], "Spam");
    scene_add(scene, IMS_REMOTE, "INBOX", "one", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "two", NULL);
    scene_pass(scene);
    scene_move(scene, IMS_REMOTE, "INBOX", "one", "Spam");
    scene_pass(scene);
    g_assert_cmpuint(scene_expunged(scene), ==, 0);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "INBOX", "one"), !=, 0);
}

/* What a server answers NO to: SELECT of @mailbox. */
static const char *
refuse_select(const char *verb, const char *mailbox, gpointer data)
{
    return g_str_equal(verb, "SELECT") && g_strcmp0(mailbox, data) == 0 ? "Not today" : NULL;
}

static void
refuse_selects(Scene *scene, ImsSide side, const char *mailbox)
{
    scene->faults[side] =
        (FakeFaults){.refuse = refuse_select, .no_status = mailbox, .data = (gpointer)mailbox};
    scene_arm(scene);
}

#define ODD "/" FAKE_ODD_WIRE "\xef\xbf\xbd" /* as we call it */

/* S9: a name that is no modified UTF-7, or not as anybody else would write it, is one that the
 * other side cannot hold. What was moved there is looked for there. */
static void
test_odd_name(gconstpointer closed)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    fake_create(scene->server[IMS_REMOTE], FAKE_ODD);
    scene_add(scene, IMS_REMOTE, "INBOX", "one", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "two", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "three", NULL);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_NAME, ODD, IMS_LOCAL));
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_MAILBOXES_CREATED), ==, 0);
    scene_expunge(scene, IMS_REMOTE, "INBOX", "three");
    scene_pass(scene);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "INBOX", "three"), ==, 0);
    scene_pass(scene);
    g_assert_cmpuint(scene_steps(scene) + scene_selects(scene), ==, 0);

    scene_move(scene, IMS_REMOTE, "INBOX", "one", FAKE_ODD);
    if (closed != NULL)
        refuse_selects(scene, IMS_REMOTE, FAKE_ODD);
    scene_pass(scene);
    scene_pass(scene);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "INBOX", "one"), !=, 0);

    scene_disarm(scene);
    fake_rename(scene->server[IMS_REMOTE], FAKE_ODD, "Even");
    scene_start(scene);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "Even", "one"), !=, 0);
    scene_pass(scene);
    scene_assert_no_issues(scene);
}

/* The mailbox that it came from cannot be opened for a while: what was seen where it went to must
 * not be taken for old by then. */
static void
test_moved_while_closed(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    g_autoptr(ImsPatterns) ignore = patterns_of("Spam");

    scene->order.ignore = ignore;
    scene_create(scene, "Work");
    fake_create(scene->server[IMS_REMOTE], "Spam");
    scene_add(scene, IMS_REMOTE, "Work", "one", NULL);
    scene_add(scene, IMS_REMOTE, "Work", "two", NULL);
    scene_pass(scene);
    scene_move(scene, IMS_REMOTE, "Work", "one", "Spam");
    refuse_selects(scene, IMS_LOCAL, "Work");
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "Work", IMS_LOCAL));
    scene_disarm(scene);
    scene_pass(scene);
    scene_pass(scene);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "Work", "one"), !=, 0);
}

/* Dovecot's Maildir lists the name of a mailbox that was deleted, while one below it was not, as if
 * it could be opened. */
static const char *
refuse_ghost(const char *verb, const char *mailbox, gpointer data)
{
    gboolean asked = g_str_equal(verb, "SELECT") || g_str_equal(verb, "STATUS");

    return asked && g_strcmp0(mailbox, "Ghost") == 0 ? "Mailbox doesn't exist: Ghost" : NULL;
}

static void
haunt(Scene *scene)
{
    fake_create(scene->server[IMS_REMOTE], "Ghost");
    scene->faults[IMS_REMOTE] = (FakeFaults){.refuse = refuse_ghost, .no_status = "Ghost"};
    scene_arm(scene);
}

static void
test_ghost(gconstpointer ignored)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    g_autoptr(ImsPatterns) ignore = patterns_of("Ghost");

    scene->order.ignore = ignored != NULL ? ignore : NULL;
    haunt(scene);
    scene_add(scene, IMS_REMOTE, "INBOX", "one", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "two", NULL);
    scene_pass(scene);
    g_assert_false(fake_exists(scene->server[IMS_LOCAL], "Ghost"));
    scene_assert_no_issues(scene);

    scene_expunge(scene, IMS_REMOTE, "INBOX", "one");
    scene_pass(scene);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "INBOX", "one"), ==, 0);
    scene_pass(scene);
    g_assert_cmpuint(scene_steps(scene) + scene_selects(scene), ==, 0);
    scene_assert_no_issues(scene);
}

static gboolean
cut_after_append(FakePhase phase, const char *command, gpointer data)
{
    gboolean *blown = data;

    *blown |= phase == FAKE_AFTER && g_str_has_prefix(command, "APPEND");
    return *blown;
}

/* S13: what an interrupted sync has left is not looked for where nothing can be. */
static void
test_ghost_recover(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    gboolean blown = FALSE;

    haunt(scene);
    scene_pass(scene);
    scene_add(scene, IMS_LOCAL, "INBOX", "one", NULL);
    scene->faults[IMS_REMOTE].cut = cut_after_append;
    scene->faults[IMS_REMOTE].data = &blown;
    scene_arm(scene);
    g_assert_false(scene_run(scene));

    scene->faults[IMS_REMOTE].cut = NULL;
    scene_arm(scene);
    scene_add(scene, IMS_REMOTE, "INBOX", "two", NULL);
    scene_pass(scene);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "INBOX", "two"), !=, 0);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "INBOX"), ==, 2);
    scene_assert_no_issues(scene);
}

/* It can be created, and then is one; refused, it is not asked for again. */
static void
test_ghost_comes_to_life(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    Trap creates = {.command = "CREATE "};

    haunt(scene);
    fake_create(scene->server[IMS_LOCAL], "Ghost");
    scene_add(scene, IMS_LOCAL, "Ghost", "boo", NULL);
    scene_set_trap(scene, IMS_REMOTE, &creates);
    for (guint i = 0; i < 3; i++)
        scene_pass(scene);
    g_assert_cmpuint(creates.seen, ==, 1);

    scene_disarm(scene);
    scene_start(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

static void
rename_ghost(Scene *scene)
{
    scene_disarm(scene);
    scene_move(scene, IMS_REMOTE, "INBOX", "one", "Ghost");
    fake_rename(scene->server[IMS_REMOTE], "Ghost", "Back");
}

/* S9: one that was made meanwhile, filled, and renamed stands under its new name in the LIST. */
static void
test_ghost_renamed(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    Trap trap = {.command = "SELECT \"INBOX\"", .spring = rename_ghost};

    haunt(scene);
    scene_add(scene, IMS_REMOTE, "INBOX", "one", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "two", NULL);
    scene_pass(scene);
    scene_expunge(scene, IMS_REMOTE, "INBOX", "two");
    scene_set_trap(scene, IMS_REMOTE, &trap);
    scene_pass(scene);
    g_assert_cmpuint(trap.seen, >, 0);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "INBOX", "one"), !=, 0);
    scene_start(scene);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "Back", "one"), !=, 0);
}

/* One of our own that nobody can look into holds removals, and says so. */
static void
test_excluded_and_closed(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    g_autoptr(ImsPatterns) ignore = patterns_of("Spam");

    scene->order.ignore = ignore;
    fake_create(scene->server[IMS_REMOTE], "Spam");
    scene_add(scene, IMS_REMOTE, "INBOX", "one", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "two", NULL);
    scene_pass(scene);
    scene_expunge(scene, IMS_REMOTE, "INBOX", "one");
    refuse_selects(scene, IMS_REMOTE, "Spam");
    scene_pass(scene);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "INBOX", "one"), !=, 0);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "Spam", IMS_REMOTE));
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "Spam", IMS_REMOTE));
    scene_disarm(scene);
    scene_pass(scene);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "INBOX", "one"), ==, 0);
    scene_pass(scene);
    scene_assert_no_issues(scene);
}

/* A shared one that is shown and never opened holds nothing for ever. */
static void
test_foreign_and_closed(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    fake_set_namespaces(scene->server[IMS_REMOTE], "", "Public.");
    fake_create(scene->server[IMS_REMOTE], "Public.news");
    scene_add(scene, IMS_REMOTE, "INBOX", "one", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "two", NULL);
    scene_pass(scene);
    scene_expunge(scene, IMS_REMOTE, "INBOX", "one");
    refuse_selects(scene, IMS_REMOTE, "Public.news");
    scene_pass(scene);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "INBOX", "one"), ==, 0);
    scene_assert_no_issues(scene);
}

static void
test_by_subscription(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    g_autoptr(ImsPatterns) patterns = patterns_of("INBOX;subscribed");

    scene->order.patterns = patterns;
    scene_create(scene, "A");
    fake_subscribe(scene->server[IMS_REMOTE], "A");
    scene_add(scene, IMS_REMOTE, "A", "one", NULL);
    scene_start(scene);
    assert_subscribed(scene, "A", TRUE);

    fake_unsubscribe(scene->server[IMS_LOCAL], "A");
    scene_add(scene, IMS_REMOTE, "A", "two", NULL);
    scene_pass(scene);
    assert_subscribed(scene, "A", FALSE);
    g_assert_cmpint(find_mailbox(scene, "A")->state, ==, IMS_MAILBOX_EXCLUDED);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "A", "two"), ==, 0);

    fake_subscribe(scene->server[IMS_REMOTE], "A");
    scene_start(scene);
    assert_subscribed(scene, "A", TRUE);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "A", "two"), !=, 0);
    scene_assert_quiet(scene);
}

/* -- a folder -- */

static void
test_folder(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene->order.folder[IMS_LOCAL] = "Konto/Work";
    fake_create(scene->server[IMS_LOCAL], "Konto/Home/INBOX");
    fake_create(scene->server[IMS_REMOTE], "A.B");
    scene_add(scene, IMS_LOCAL, "INBOX", "local's own", NULL);
    scene_add(scene, IMS_LOCAL, "Konto/Home/INBOX", "another account's", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "one", NULL);
    scene_add(scene, IMS_REMOTE, "A.B", "two", NULL);
    scene_pass(scene);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "Konto/Work/INBOX", "one"), !=, 0);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "Konto/Work/A/B", "two"), !=, 0);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "INBOX"), ==, 1);
    g_assert_false(fake_exists(scene->server[IMS_REMOTE], "Konto.Home.INBOX"));
    g_assert_cmpuint(scene->report->mailboxes->len, ==, 2);
    scene_assert_no_issues(scene);
    scene_pass(scene);
    g_assert_cmpuint(scene_steps(scene), ==, 0);
    g_assert_cmpuint(scene_selects(scene), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/engine/tree/namespace-with-a-prefix", test_namespace);
    g_test_add_func("/engine/tree/namespace-untold-ends-the-pass", test_namespace_refused);
    g_test_add_func("/engine/tree/hard-names", test_hard_names);
    g_test_add_func("/engine/tree/name-that-a-side-cannot-hold", test_unnamable);
    g_test_add_func("/engine/tree/made-by-another-name", test_made_otherwise);
    g_test_add_func("/engine/tree/S10-refused-creation-is-remembered", test_refused_remembered);
    g_test_add_func("/engine/tree/S19-subscriptions-follow-who-toggled", test_subscriptions);
    g_test_add_func("/engine/tree/S19-refused-subscription", test_subscription_refused);
    g_test_add_func("/engine/tree/S19-subscription-after-a-kill", test_subscription_after_kill);
    g_test_add_func("/engine/tree/S19-mailbox-made-again", test_subscription_of_remade);
    g_test_add_func("/engine/tree/excluded-is-left-alone", test_excluded);
    g_test_add_func("/engine/tree/excluded-but-asked-for", test_excluded_asked_for);
    g_test_add_func("/engine/tree/S5-excluded-comes-in-again", test_excluded_comes_in_again);
    g_test_add_func("/engine/tree/S5-excluded-is-compared-in-full", test_excluded_is_compared);
    g_test_add_func("/engine/tree/S9-moved-into-an-excluded-one", test_moved_into_excluded);
    g_test_add_data_func("/engine/tree/S9-moved-into-an-odd-name", NULL, test_odd_name);
    g_test_add_data_func("/engine/tree/S9-moved-into-a-closed-odd-name", "closed", test_odd_name);
    g_test_add_func("/engine/tree/S9-moved-while-its-mailbox-is-closed", test_moved_while_closed);
    g_test_add_func("/engine/tree/S9-excluded-and-closed", test_excluded_and_closed);
    g_test_add_func("/engine/tree/S9-foreign-and-closed", test_foreign_and_closed);
    g_test_add_data_func("/engine/tree/S9-listed-and-not-there", NULL, test_ghost);
    g_test_add_data_func("/engine/tree/S9-listed-ignored-and-not-there", "ignored", test_ghost);
    g_test_add_func("/engine/tree/S13-listed-and-not-there", test_ghost_recover);
    g_test_add_func("/engine/tree/S10-listed-and-not-there-is-made", test_ghost_comes_to_life);
    g_test_add_func("/engine/tree/S9-listed-and-not-there-is-renamed", test_ghost_renamed);
    g_test_add_func("/engine/tree/by-subscription", test_by_subscription);
    g_test_add_func("/engine/tree/under-a-folder", test_folder);
    return g_test_run();
}
