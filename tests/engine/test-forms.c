/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Servers of every form: what one of them lacks, leaves out, tells in another order or has no more
 * room for. Between any two of them both sides become equal, or as equal as they can, and stay so
 * without anything being written again. */

#include <string.h>

#include "scene.h"

/* One mailbox, on both sides, with a pair of each. */
static void
start_work(Scene *scene)
{
    scene_create(scene, "Work");
    scene_add(scene, IMS_LOCAL, "Work", "one", "1 Red");
    scene_start(scene);
    scene_add(scene, IMS_REMOTE, "Work", "two", "4");
    scene_start(scene);
}

/* New mail, flags and expunges, on both sides. */
static void
change_work(Scene *scene)
{
    scene_add(scene, IMS_LOCAL, "Work", "three", "2 Blue");
    scene_add(scene, IMS_REMOTE, "Work", "four", NULL);
    scene_add(scene, IMS_REMOTE, "Work", "five", "1");
    scene_set_flags(scene, IMS_LOCAL, "Work", "one", "0 Red");
    scene_set_flags(scene, IMS_REMOTE, "Work", "two", "5");
}

static void
assert_work(Scene *scene)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        scene_assert_flags(scene, side, "Work", "three", "2 Blue");
        scene_assert_flags(scene, side, "Work", "one", "0 Red");
        scene_assert_flags(scene, side, "Work", "two", "5");
        g_assert_cmpuint(fake_count(scene->server[side], "Work"), ==, 5);
    }
}

/* A pass that opens what it must, and does nothing; neither does it write. */
static void
assert_does_nothing(Scene *scene)
{
    Trap stores = {.command = "UID STORE"};

    scene_set_trap(scene, IMS_LOCAL, &stores);
    scene_set_trap(scene, IMS_REMOTE, &stores);
    scene_pass(scene);
    g_assert_cmpuint(scene_steps(scene), ==, 0);
    g_assert_cmpuint(scene_appended(scene) + scene_expunged(scene) + stores.seen, ==, 0);
    scene_assert_equal(scene);
}

/* -- what a server does not have -- */

static void
test_without(gconstpointer without)
{
    g_autoptr(Scene) scene = scene_new(without, without);

    start_work(scene);
    change_work(scene);
    scene_start(scene);
    assert_work(scene);
    scene_expunge(scene, IMS_LOCAL, "Work", "four");
    scene_start(scene);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "Work"), ==, 4);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* -- what it leaves out -- */

typedef struct {
    const char *name;
    FakeFaults faults;
    gboolean opens; /* a pass without anything to do has to open the mailbox */
} FormCase;

static const FormCase form_cases[] = {
    {"items-behind-the-body", {.body_first = TRUE}, FALSE},
    {"no-uidnext", {.no_uidnext = TRUE}, FALSE},
    {"no-status", {.no_status = "Work"}, TRUE},
    {"no-status-nor-uidnext", {.no_status = "Work", .no_uidnext = TRUE}, TRUE},
    {"no-mod-sequences", {.no_modseqs = "Work"}, TRUE},
    {"nothing-of-all", {.no_status = "Work", .no_uidnext = TRUE, .no_modseqs = "Work"}, TRUE},
};

static void
arm_both(Scene *scene, const FakeFaults *faults)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        scene->faults[side] = *faults;
    scene_arm(scene);
}

static void
test_form(gconstpointer data)
{
    const FormCase *c = data;
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    arm_both(scene, &c->faults);
    start_work(scene);
    change_work(scene);
    scene_start(scene);
    assert_work(scene);

    scene_expunge(scene, IMS_REMOTE, "Work", "five");
    scene_expunge(scene, IMS_REMOTE, "Work", "one");
    scene_start(scene);
    g_assert_cmpuint(fake_count(scene->server[IMS_LOCAL], "Work"), ==, 3);
    scene_assert_no_issues(scene);
    assert_does_nothing(scene);
    g_assert_cmpint(scene_selects(scene) > 0, ==, c->opens);
}

/* A removal of a keyword there is seen by comparing, and no flag comes back. */
static void
test_flag_without_modseqs(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene->faults[IMS_REMOTE].no_modseqs = "Work";
    scene_arm(scene);
    start_work(scene);
    scene_set_flags(scene, IMS_REMOTE, "Work", "one", "0");
    scene_start(scene);
    scene_assert_flags(scene, IMS_LOCAL, "Work", "one", "0");
    scene_set_flags(scene, IMS_LOCAL, "Work", "two", "0 Green");
    scene_start(scene);
    scene_assert_flags(scene, IMS_REMOTE, "Work", "two", "0 Green");
    assert_does_nothing(scene);
}

static void
move_one(Scene *scene)
{
    scene_move(scene, IMS_LOCAL, "Work", "one", "INBOX");
}

/* A message that is moved, in the middle of a pass, into a mailbox whose UIDNEXT nobody tells, is
 * copied before its twin goes. */
static void
test_moved_without_status(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    Trap trap = {.command = "UID EXPUNGE"};

    start_work(scene);
    scene->faults[IMS_LOCAL].no_status = "INBOX";
    scene_set_trap(scene, IMS_REMOTE, &trap);
    move_one(scene);
    scene_start(scene);
    g_assert_cmpuint(scene_find(scene, IMS_REMOTE, "INBOX", "one"), !=, 0);
    g_assert_cmpuint(trap.seen, ==, 1);
    assert_does_nothing(scene);
}

static void
test_no_appenduid(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene->faults[IMS_REMOTE].no_appenduid = TRUE;
    scene_arm(scene);
    scene_create(scene, "Work");
    scene_add(scene, IMS_LOCAL, "Work", "one", NULL);
    scene_add(scene, IMS_LOCAL, "Work", "two", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "three", NULL);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "Work", IMS_REMOTE));
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "INBOX", "three"), !=, 0);

    scene_pass(scene);
    g_assert_cmpuint(scene_appended(scene), ==, 0);
    scene_assert_equal(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* -- what it has no room for -- */

/* Beside the one with a keyword that it knows, and the one without any. */
static void
test_keywords_of_appends(gconstpointer without)
{
    g_autoptr(Scene) scene = scene_new(NULL, without);
    const ImsIssue *issue;

    scene->faults[IMS_REMOTE].keywords_max = 1;
    scene_arm(scene);
    start_work(scene);
    for (guint i = 0; i < 40; i++) {
        g_autofree char *name = g_strdup_printf("new%u", i);
        g_autofree char *flags = g_strdup_printf("1 K%u Red", i);

        scene_add(scene, IMS_LOCAL, "Work", name, flags);
    }
    scene_add(scene, IMS_LOCAL, "Work", "plain", "4");
    scene_pass(scene);
    issue = scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "Work", IMS_REMOTE);
    g_assert_nonnull(issue);
    g_assert_nonnull(strstr(issue->detail, "Too many user flags"));
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_REFUSED), ==, 0);
    g_assert_cmpuint(fake_count(scene->server[IMS_REMOTE], "Work"), ==, 43);
    scene_assert_flags(scene, IMS_REMOTE, "Work", "new0", "1 Red");
    scene_assert_flags(scene, IMS_REMOTE, "Work", "new39", "1 Red");
    scene_assert_flags(scene, IMS_LOCAL, "Work", "new39", "1 K39 Red");

    scene_pass(scene);
    g_assert_cmpuint(scene_steps(scene) + scene_selects(scene), ==, 0);
    scene_set_flags(scene, IMS_REMOTE, "Work", "new0", "0 Red");
    scene_pass(scene);
    scene_assert_flags(scene, IMS_LOCAL, "Work", "new0", "0 K0 Red");
}

static void
test_keywords_of_stores(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    scene->faults[IMS_REMOTE].keywords_max = 1;
    scene_arm(scene);
    start_work(scene);
    scene_set_flags(scene, IMS_LOCAL, "Work", "two", "5 Blue Red");
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "Work", IMS_REMOTE));
    scene_assert_flags(scene, IMS_REMOTE, "Work", "two", "5 Red");
    scene_assert_flags(scene, IMS_LOCAL, "Work", "two", "5 Blue Red");
    scene_pass(scene);
    g_assert_cmpuint(scene_steps(scene) + scene_selects(scene), ==, 0);
    scene_assert_flags(scene, IMS_LOCAL, "Work", "two", "5 Blue Red");
}

typedef struct {
    const char *verb, *why;
    guint times; /* and how often; 0: always */
    guint seen;
} Refusal;

static const char *
refuse(const char *verb, const char *mailbox, gpointer data)
{
    Refusal *refusal = data;

    if (!g_str_equal(verb, refusal->verb))
        return NULL;
    refusal->seen++;
    return refusal->times == 0 || refusal->seen <= refusal->times ? refusal->why : NULL;
}

static void
refuse_remote(Scene *scene, Refusal *refusal)
{
    scene->faults[IMS_REMOTE].refuse = refuse;
    scene->faults[IMS_REMOTE].data = refusal;
    scene_arm(scene);
}

/* A refusal of everything that does not say so is no reason to ask 500 times. */
static void
test_refuses_all(gconstpointer without)
{
    g_autoptr(Scene) scene = scene_new(NULL, without);
    Refusal refusal = {.verb = "APPEND", .why = "Not today"};

    for (guint i = 0; i < 500; i++) {
        g_autofree char *name = g_strdup_printf("m%u", i);

        scene_add(scene, IMS_LOCAL, "INBOX", name, NULL);
    }
    refuse_remote(scene, &refusal);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "INBOX", IMS_REMOTE));
    g_assert_cmpuint(refusal.seen, <, 100);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_REFUSED), ==, 0);

    scene_disarm(scene);
    scene_start(scene);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_COPIED_REMOTE), ==, 500);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

static void
refuse_bodies(FakeServer *server, const char *command, gpointer data)
{
    ((Refusal *)data)->verb = strstr(command, "BODY.PEEK[]") != NULL ? "UID FETCH" : "";
}

/* Nor does it write a mailbox off that its source does not give out today. */
static void
test_gives_nothing_out(gconstpointer why)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    Refusal refusal = {.verb = "", .why = why};

    for (guint i = 0; i < 60; i++) {
        g_autofree char *name = g_strdup_printf("m%u", i);

        scene_add(scene, IMS_REMOTE, "INBOX", name, NULL);
    }
    scene->faults[IMS_REMOTE].on_command = refuse_bodies;
    refuse_remote(scene, &refusal);
    scene_pass(scene);
    g_assert_nonnull(scene_issue(scene, IMS_ISSUE_MAILBOX_FAILED, "INBOX", IMS_REMOTE));
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_REFUSED), ==, 0);

    scene_disarm(scene);
    scene_start(scene);
    g_assert_cmpuint(scene_count(scene, IMS_COUNT_COPIED_LOCAL), ==, 60);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* -- what is gone meanwhile -- */

static void
test_expunge_issued(gconstpointer verb)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    Refusal refusal = {.verb = verb, .why = "[EXPUNGEISSUED] Some are gone", .times = 1};

    start_work(scene);
    change_work(scene);
    refuse_remote(scene, &refusal);
    scene_start(scene);
    g_assert_cmpuint(refusal.seen, >, 1);
    assert_work(scene);
    scene_assert_no_issues(scene);
    scene_assert_quiet(scene);
}

/* -- large numbers -- */

static void
test_last_numbers(gconstpointer data)
{
    const FakeFaults *faults = data;
    g_autoptr(Scene) scene = scene_new(NULL, NULL);

    arm_both(scene, faults);
    scene_create(scene, "Work");
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        fake_set_uidvalidity(scene->server[side], "Work", G_MAXUINT32);
        fake_set_last(scene->server[side], "Work", G_MAXUINT32 - 5, G_MAXINT64 - 40);
    }
    scene_add(scene, IMS_LOCAL, "Work", "one", "1 Red");
    scene_start(scene);
    scene_add(scene, IMS_REMOTE, "Work", "two", "4");
    scene_start(scene);
    change_work(scene);
    scene_start(scene);
    assert_work(scene);
    g_assert_cmpuint(scene_find(scene, IMS_LOCAL, "Work", "five"), ==, G_MAXUINT32 - 1);
    scene_set_flags(scene, IMS_LOCAL, "Work", "five", "0");
    scene_expunge(scene, IMS_REMOTE, "Work", "four");
    scene_start(scene);
    scene_assert_flags(scene, IMS_REMOTE, "Work", "five", "0");
    scene_assert_no_issues(scene);
    assert_does_nothing(scene);
    g_assert_cmpuint(scene_selects(scene), ==, 0);
}

typedef struct {
    Refusal refusal; /* first: refuse() takes it for its data */
    Scene *scene;
    gboolean stored, taken_back;
} Rival;

/* The STORE of "two" is refused; that of "one" is not, and another client takes it back. */
static void
rival(FakeServer *server, const char *command, gpointer data)
{
    Rival *self = data;

    self->refusal.verb = strstr(command, "\\Flagged") != NULL ? "UID STORE" : "";
    self->stored |= g_str_has_prefix(command, "UID STORE");
    if (self->stored && !self->taken_back && g_str_has_prefix(command, "SELECT")) {
        self->taken_back = TRUE;
        scene_set_flags(self->scene, IMS_REMOTE, "INBOX", "one", NULL);
    }
}

static void
test_expunge_issued_for_some(void)
{
    g_autoptr(Scene) scene = scene_new(NULL, NULL);
    Rival self = {{.verb = "", .why = "[EXPUNGEISSUED] Some are gone", .times = 1}, scene};

    scene_add(scene, IMS_LOCAL, "INBOX", "one", NULL);
    scene_add(scene, IMS_LOCAL, "INBOX", "two", NULL);
    scene_start(scene);
    scene_set_flags(scene, IMS_LOCAL, "INBOX", "one", "1");
    scene_set_flags(scene, IMS_LOCAL, "INBOX", "two", "4");
    scene->faults[IMS_REMOTE] = (FakeFaults){.refuse = refuse, .on_command = rival, .data = &self};
    scene_arm(scene);
    scene_pass(scene);
    g_assert_true(self.taken_back && self.refusal.seen > 0);
    scene_disarm(scene);
    scene_start(scene);
    scene_assert_flags(scene, IMS_LOCAL, "INBOX", "one", "0");
    scene_assert_flags(scene, IMS_REMOTE, "INBOX", "two", "4");
    scene_assert_quiet(scene);
}

int
main(int argc, char **argv)
{
    static const FakeFaults no_fault = {0}, no_uidnext = {.no_uidnext = TRUE};
    static const struct {
        const char *name, *without;
    } without_cases[] = {
        {"literal+", "LITERAL+"},
        {"multiappend", "MULTIAPPEND"},
        {"either", "LITERAL+ MULTIAPPEND"},
        {"all-that-can-be", "LITERAL+ MULTIAPPEND UNSELECT ESEARCH SPECIAL-USE"},
    };

    g_test_init(&argc, &argv, NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(without_cases); i++) {
        g_autofree char *path = g_strconcat("/engine/forms/without/", without_cases[i].name, NULL);

        g_test_add_data_func(path, without_cases[i].without, test_without);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(form_cases); i++) {
        g_autofree char *path = g_strconcat("/engine/forms/", form_cases[i].name, NULL);

        g_test_add_data_func(path, &form_cases[i], test_form);
    }
    g_test_add_func(
        "/engine/forms/flag-taken-away-without-mod-sequences", test_flag_without_modseqs);
    g_test_add_func("/engine/forms/S9-moved-where-no-status-is-told", test_moved_without_status);
    g_test_add_func("/engine/forms/stored-without-saying-where", test_no_appenduid);
    g_test_add_data_func("/engine/forms/keywords-of-appends", NULL, test_keywords_of_appends);
    g_test_add_data_func(
        "/engine/forms/keywords-of-single-appends", "MULTIAPPEND", test_keywords_of_appends);
    g_test_add_func("/engine/forms/keywords-of-stores", test_keywords_of_stores);
    g_test_add_data_func("/engine/forms/refuses-all-batches", NULL, test_refuses_all);
    g_test_add_data_func("/engine/forms/refuses-all-singles", "MULTIAPPEND", test_refuses_all);
    g_test_add_data_func("/engine/forms/gives-nothing-out", "Not today", test_gives_nothing_out);
    g_test_add_data_func(
        "/engine/forms/gives-nothing-out-and-says-so", "[SERVERBUG] Sorry", test_gives_nothing_out);
    g_test_add_data_func("/engine/forms/gone-before-the-fetch", "UID FETCH", test_expunge_issued);
    g_test_add_data_func("/engine/forms/gone-before-the-store", "UID STORE", test_expunge_issued);
    g_test_add_data_func("/engine/forms/last-numbers", &no_fault, test_last_numbers);
    g_test_add_data_func(
        "/engine/forms/last-numbers-without-uidnext", &no_uidnext, test_last_numbers);
    g_test_add_func("/engine/forms/expunge-issued-for-some", test_expunge_issued_for_some);
    return g_test_run();
}
