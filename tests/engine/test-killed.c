/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* A pass is killed at each of its steps: before a command is executed, after it and before its
 * reply, in the middle of a body, before the octets of a literal, at a commit. From then on nothing
 * reaches the servers nor the state file. The passes that follow must bring about what a pass
 * without any accident does: nothing is lost, nothing is doubled, and then there is nothing left to
 * do. */

#include <string.h>

#include "scene.h"

/* The fuse: counts steps, and at one of them everything stops. */
typedef struct {
    gint steps, kill_at; /* -1: never */
    gint dead;
} Death;

static gboolean
is_dead(Death *death)
{
    gint step = g_atomic_int_add(&death->steps, 1);

    if (step == death->kill_at)
        g_atomic_int_set(&death->dead, TRUE);
    return g_atomic_int_get(&death->dead);
}

static gboolean
cut(FakePhase phase, const char *command, gpointer data)
{
    return is_dead(data);
}

static gboolean
may_commit(gpointer data)
{
    return !is_dead(data);
}

typedef struct {
    const char *name, *without;
    const char *refuse_marker;
    void (*prepare)(Scene *scene); /* what both sides agree on before */
    void (*change)(Scene *scene);  /* what the pass finds */
} Story;

static void
prepare_nothing(Scene *scene)
{
}

/* Three mailboxes: mail on the left, mail on the right, and one that stands on one side only. */
static void
fill_both(Scene *scene)
{
    fake_create(scene->server[IMS_LOCAL], "Work");
    fake_create(scene->server[IMS_REMOTE], "Sent");
    for (guint i = 0; i < 5; i++) {
        g_autofree char *here = g_strdup_printf("here%u", i);
        g_autofree char *there = g_strdup_printf("there%u", i);

        scene_add(scene, IMS_LOCAL, i < 2 ? "INBOX" : "Work", here, i % 2 ? "1 $label" : NULL);
        scene_add(scene, IMS_REMOTE, "Sent", there, i % 2 ? "4" : NULL);
    }
}

static void
add_large(Scene *scene, const char *name)
{
    g_autofree char *text = fake_mail(name);
    g_autoptr(GString) body = g_string_new(text);

    while (body->len < 400 * 1024)
        g_string_append(body, "and so on, and so on, and so on, and so on, and so on\r\n");
    fake_add(scene->server[IMS_LOCAL], "INBOX", body->str, NULL, SCENE_DATE + scene->n_added++);
}

/* A batch ends with a mebibyte: three batches, of which two are ahead. */
static void
fill_batches(Scene *scene)
{
    add_large(scene, "large1");
    add_large(scene, "large2");
    add_large(scene, "large3");
    add_large(scene, "large4");
    scene_add(scene, IMS_LOCAL, "INBOX", "small1", NULL);
    add_large(scene, "large5");
    add_large(scene, "large6");
    scene_add(scene, IMS_LOCAL, "INBOX", "small2", "1");
}

static void
prepare_pairs(Scene *scene)
{
    scene_create(scene, "Work");
    for (guint i = 0; i < 10; i++) {
        g_autofree char *name = g_strdup_printf("pair%u", i);

        scene_add(scene, IMS_LOCAL, i < 6 ? "INBOX" : "Work", name, i == 3 ? "2" : NULL);
    }
}

static void
change_both(Scene *scene)
{
    scene_set_flags(scene, IMS_LOCAL, "INBOX", "pair0", "1");
    scene_set_flags(scene, IMS_REMOTE, "INBOX", "pair0", "4 $work");
    scene_set_flags(scene, IMS_REMOTE, "INBOX", "pair3", "1");
    scene_set_flags(scene, IMS_LOCAL, "Work", "pair6", "8");
    scene_expunge(scene, IMS_LOCAL, "INBOX", "pair1");
    scene_expunge(scene, IMS_REMOTE, "INBOX", "pair2");
    scene_expunge(scene, IMS_REMOTE, "Work", "pair7");
    scene_expunge(scene, IMS_LOCAL, "INBOX", "pair5");
    scene_expunge(scene, IMS_REMOTE, "INBOX", "pair5");
    scene_move(scene, IMS_REMOTE, "INBOX", "pair4", "Work");
    scene_add(scene, IMS_LOCAL, "INBOX", "new1", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "new2", "1");
    scene_add(scene, IMS_LOCAL, "Work", "new3", NULL);
}

static void
fill_with_bad_one(Scene *scene)
{
    for (guint i = 0; i < 5; i++) {
        g_autofree char *name = g_strdup_printf("good%u", i);

        if (i == 3)
            scene_add(scene, IMS_LOCAL, "INBOX", "poison", NULL);
        scene_add(scene, IMS_LOCAL, "INBOX", name, NULL);
    }
}

static void
prepare_marked(Scene *scene)
{
    scene_add(scene, IMS_LOCAL, "INBOX", "stays", NULL);
    scene_add(scene, IMS_LOCAL, "INBOX", "doomed", "8");
    scene_add(scene, IMS_LOCAL, "INBOX", "other", NULL);
}

/* Expunged here, and wanted back there. */
static void
change_restored(Scene *scene)
{
    scene_expunge(scene, IMS_LOCAL, "INBOX", "doomed");
    scene_set_flags(scene, IMS_REMOTE, "INBOX", "doomed", NULL);
    scene_add(scene, IMS_REMOTE, "INBOX", "new", NULL);
}

static const Story stories[] = {
    {"first-copy", NULL, NULL, prepare_nothing, fill_both},
    {"first-copy-in-batches", NULL, NULL, prepare_nothing, fill_batches},
    {"first-copy-singly", "MULTIAPPEND LITERAL+", NULL, prepare_nothing, fill_both},
    {"changes-both-ways", NULL, NULL, prepare_pairs, change_both},
    {"refused-message", NULL, "This is poison.", prepare_nothing, fill_with_bad_one},
    {"refused-message-singly",
     "MULTIAPPEND",
     "This is poison.",
     prepare_nothing,
     fill_with_bad_one},
    {"deletion-taken-back", NULL, NULL, prepare_marked, change_restored},
};

/* Where each pass of a story begins. */
typedef struct {
    FakeSnapshot *server[IMS_N_SIDES];
    char *state;
    gsize state_len;
    char *want[IMS_N_SIDES]; /* fake_dump() of the end */
} Start;

static void
start_clear(Start *start)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        fake_snapshot_free(start->server[side]);
        g_free(start->want[side]);
    }
    g_free(start->state);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Start, start_clear)

static void
burn(Scene *scene, const Story *story, Death *death)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        scene->faults[side] =
            (FakeFaults){.refuse_marker = story->refuse_marker, .cut = cut, .data = death};
    scene->order.fuse = may_commit;
    scene->order.data = death;
    scene_arm(scene);
}

static Scene *
scene_at(const Story *story, const Start *start)
{
    Scene *scene = scene_new(story->without, story->without);

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        fake_restore(scene->server[side], start->server[side]);
    g_assert_true(
        g_file_set_contents(scene->state_path, start->state, (gssize)start->state_len, NULL));
    return scene;
}

/* Passes until one of them finds nothing to do, and opens nothing for it. */
static void
settle(Scene *scene)
{
    guint passes = 0;

    do {
        scene_pass(scene);
        g_assert_cmpuint(++passes, <=, 4);
    } while (scene_steps(scene) + scene_selects(scene) > 0);
}

static void
prepare(const Story *story, Start *start)
{
    g_autoptr(Scene) scene = scene_new(story->without, story->without);

    story->prepare(scene);
    scene_start(scene);
    story->change(scene);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        start->server[side] = fake_snapshot(scene->server[side]);
    g_assert_true(g_file_get_contents(scene->state_path, &start->state, &start->state_len, NULL));
}

/* Returns: how many steps the story has. */
static gint
run_unharmed(const Story *story, Start *start)
{
    g_autoptr(Scene) scene = scene_at(story, start);
    Death death = {.kill_at = -1};

    burn(scene, story, &death);
    scene_pass(scene);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        start->want[side] = fake_dump(scene->server[side]);
    return death.steps;
}

static void
run_killed(const Story *story, const Start *start, gint kill_at)
{
    g_autoptr(Scene) scene = scene_at(story, start);
    Death death = {.kill_at = kill_at};

    g_test_message("killed at step %d", kill_at);
    burn(scene, story, &death);
    scene_run(scene);
    death = (Death){.kill_at = -1};
    settle(scene);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        g_autofree char *got = fake_dump(scene->server[side]);

        g_assert_cmpstr(got, ==, start->want[side]);
    }
}

/* The sanitizers look at memory, not at steps; under them all of the steps would take minutes. */
#ifdef __SANITIZE_ADDRESS__
#define STRIDE 7
#else
#define STRIDE 1
#endif

static void
test_story(gconstpointer data)
{
    const Story *story = data;
    g_auto(Start) start = {0};
    gint steps;

    prepare(story, &start);
    steps = run_unharmed(story, &start);
    g_assert_cmpint(steps, >, 20);
    for (gint kill_at = 0; kill_at < steps; kill_at += STRIDE)
        run_killed(story, &start, kill_at);
    g_test_message("killed at steps 0 to %d, %d apart", steps, STRIDE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(stories); i++) {
        g_autofree char *path = g_strconcat("/engine/killed/", stories[i].name, NULL);

        g_test_add_data_func(path, &stories[i], test_story);
    }
    return g_test_run();
}
