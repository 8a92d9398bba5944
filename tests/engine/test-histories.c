/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Random histories: clients on both sides do as they like, between passes and in the middle of
 * them, connections break and the program dies at any step. In the end both sides are equal, what
 * nobody expunged is there once, and what somebody expunged is gone. A seed fixes what is done; in
 * which order the two servers' threads get to it is the machine's choice.
 *
 * Two things the clients leave alone, since no answer to them is right: a message is moved on one
 * side only, and a mailbox that is not yet on both sides is filled on one of them only. A message
 * whose copy is expunged before anybody heard that it was stored comes back; one that is moved here
 * while there a \Deleted is taken from it may stand twice: both are wishes. */

#include <string.h>

#include "scene.h"

#define SEEDS     40
#define EPISODES  6
#define NAMES_MAX 400

typedef struct {
    gboolean expunged, moved, unmarked;
    gboolean surely; /* expunged while everything had been settled */
} Life;

typedef struct {
    char *name;
    gboolean shared; /* on both sides from the beginning */
    ImsSide owner;   /* else: who made it */
} Place;

typedef struct {
    Scene *scene;
    GRand *rand;
    GArray *lives;  /* Life, of the message `mI` */
    GArray *places; /* Place */
    gint steps, cut_at, kill_at;
    gint dead;
    gboolean meddling; /* clients are at work during the pass */
    gboolean settled;  /* between two passes, and the last one came to its end */
} World;

static guint
below(World *world, guint n)
{
    return (guint)g_rand_int_range(world->rand, 0, (gint32)n);
}

static void
place_clear(gpointer data)
{
    g_free(((Place *)data)->name);
}

static void
add_place(World *world, const char *name, gboolean shared, ImsSide owner)
{
    Place place = {g_strdup(name), shared, owner};

    g_array_append_val(world->places, place);
}

static World *
world_new(guint seed)
{
    World *world = g_new0(World, 1);
    const char *const names[] = {"INBOX", "A", "B"};

    world->scene = scene_new(NULL, seed % 4 == 3 ? "MULTIAPPEND LITERAL+" : NULL);
    world->scene->order.has_max_deletions = TRUE;
    world->scene->order.max_deletions = NAMES_MAX;
    world->rand = g_rand_new_with_seed(seed);
    world->lives = g_array_new(FALSE, TRUE, sizeof(Life));
    world->places = g_array_new(FALSE, FALSE, sizeof(Place));
    g_array_set_clear_func(world->places, place_clear);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        add_place(world, names[i], TRUE, IMS_LOCAL);
    scene_create(world->scene, "A");
    scene_create(world->scene, "B");
    scene_start(world->scene);
    return world;
}

static void
world_free(World *world)
{
    scene_free(world->scene);
    g_rand_free(world->rand);
    g_array_unref(world->lives);
    g_array_unref(world->places);
    g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

/* -- what clients do -- */

/* Returns: (transfer none) (nullable): a mailbox that @side may fill. */
static const char *
some_place(World *world, ImsSide side)
{
    const Place *place = &g_array_index(world->places, Place, below(world, world->places->len));
    gboolean may = place->shared || place->owner == side;

    return may && fake_exists(world->scene->server[side], place->name) ? place->name : NULL;
}

/* Returns: its UID; 0 if it is not where we looked. */
static guint32
some_message(World *world, ImsSide side, guint *out_index, const char **out_place)
{
    g_autofree char *name = NULL;

    if (world->lives->len == 0)
        return 0;
    *out_index = below(world, world->lives->len);
    name = g_strdup_printf("m%u", *out_index);
    for (guint i = 0; i < world->places->len; i++) {
        const char *place = g_array_index(world->places, Place, i).name;
        guint32 uid = 0;

        if (fake_exists(world->scene->server[side], place))
            uid = scene_find(world->scene, side, place, name);
        if (uid != 0) {
            *out_place = place;
            return uid;
        }
    }
    return 0;
}

static void
deliver(World *world, ImsSide side)
{
    const char *place = some_place(world, side);
    g_autofree char *name = g_strdup_printf("m%u", world->lives->len);
    const Life life = {0};

    if (place == NULL || world->lives->len == NAMES_MAX)
        return;
    scene_add(world->scene, side, place, name, below(world, 2) ? "1" : NULL);
    g_array_append_val(world->lives, life);
}

/* A keyword that another client takes away between our APPEND and our next look cannot be told from
 * one that the server does not keep (S4); so keywords are taken away only while all is settled. */
static void
flag(World *world, ImsSide side)
{
    static const guint systems[] = {0, 1, 4, 3, 5, 0, 8, 9};
    static const char *const keywords[] = {"", "", " $label", " $label $other"};
    guint system = systems[below(world, G_N_ELEMENTS(systems))];
    const char *more = keywords[below(world, G_N_ELEMENTS(keywords))];
    const char *place = NULL;
    guint index = 0;
    guint32 uid = some_message(world, side, &index, &place);
    g_autofree char *now = NULL;
    g_autofree char *key = NULL;

    if (uid == 0)
        return;
    now = fake_flags(world->scene->server[side], place, uid);
    if (!world->settled && strchr(now, ' ') != NULL)
        more = strchr(now, ' ');
    key = g_strdup_printf("%u%s", system, more);
    if ((system & IMS_FLAG_DELETED) == 0)
        g_array_index(world->lives, Life, index).unmarked = TRUE;
    fake_set_flags(world->scene->server[side], place, uid, key);
}

static void
expunge(World *world, ImsSide side)
{
    const char *place = NULL;
    guint index = 0;
    guint32 uid = some_message(world, side, &index, &place);

    if (uid == 0)
        return;
    g_array_index(world->lives, Life, index).expunged = TRUE;
    g_array_index(world->lives, Life, index).surely |= world->settled;
    fake_expunge(world->scene->server[side], place, uid);
}

static void
move(World *world, ImsSide side)
{
    const char *from = NULL, *to = some_place(world, side);
    guint index = 0;
    guint32 uid = some_message(world, side, &index, &from);

    if (uid == 0 || to == NULL || to == from || index % 2 != side)
        return;
    g_array_index(world->lives, Life, index).moved = TRUE;
    fake_move(world->scene->server[side], from, uid, to);
}

static void
create(World *world, ImsSide side)
{
    g_autofree char *name = g_strdup_printf("N%u", world->places->len);

    if (world->places->len > 6)
        return;
    fake_create(world->scene->server[side], name);
    add_place(world, name, FALSE, side);
}

static void
do_something(World *world, ImsSide side)
{
    static void (*const deeds[])(World * world, ImsSide side) = {
        deliver,
        deliver,
        deliver,
        flag,
        flag,
        flag,
        expunge,
        move,
        move,
        create,
    };

    deeds[below(world, G_N_ELEMENTS(deeds))](world, side);
}

/* -- what happens to a pass -- */

static gboolean
has_failed(World *world)
{
    gint step = g_atomic_int_add(&world->steps, 1);

    if (step == world->kill_at)
        g_atomic_int_set(&world->dead, TRUE);
    return g_atomic_int_get(&world->dead) || step == world->cut_at;
}

static gboolean
cut(FakePhase phase, const char *command, gpointer data)
{
    return has_failed(data);
}

static gboolean
may_commit(gpointer data)
{
    World *world = data;

    return !g_atomic_int_get(&world->dead);
}

/* Only on the server whose connection calls: its messages stand still meanwhile. */
static void
meddle(FakeServer *server, const char *command, gpointer data)
{
    World *world = data;
    ImsSide side = server == world->scene->server[IMS_LOCAL] ? IMS_LOCAL : IMS_REMOTE;

    if (world->meddling && below(world, 4) == 0)
        do_something(world, side);
}

static void
run_troubled_pass(World *world)
{
    guint kind = below(world, 4);
    gint at = (gint)below(world, 120);

    world->steps = 0;
    world->dead = FALSE;
    world->cut_at = kind == 1 ? at : -1;
    world->kill_at = kind == 2 ? at : -1;
    world->meddling = below(world, 2) == 0;
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        world->scene->faults[side] = (FakeFaults){.cut = cut, .on_command = meddle, .data = world};
    world->scene->order.fuse = may_commit;
    world->scene->order.data = world;
    scene_arm(world->scene);
    world->settled = FALSE;
    world->settled = scene_run(world->scene);
    if (!world->settled)
        g_test_message("the pass ended: %s", world->scene->error->message);
    scene_disarm(world->scene);
    world->scene->order.fuse = NULL;
}

/* -- the end -- */

static void
settle(World *world)
{
    guint passes = 0;

    do {
        scene_pass(world->scene);
        g_assert_cmpuint(++passes, <=, 5);
    } while (scene_steps(world->scene) > 0);
}

static guint
count_places(World *world, ImsSide side, guint index)
{
    g_autofree char *name = g_strdup_printf("m%u", index);
    guint n = 0;

    for (guint i = 0; i < world->places->len; i++)
        n += scene_find(world->scene, side, g_array_index(world->places, Place, i).name, name) != 0;
    return n;
}

static guint
count_all(World *world, ImsSide side)
{
    guint n = 0;

    for (guint i = 0; i < world->places->len; i++)
        n += fake_count(world->scene->server[side], g_array_index(world->places, Place, i).name);
    return n;
}

static void
check_end(World *world, ImsSide side)
{
    guint standing = 0, may_be_doubled = 0;

    for (guint i = 0; i < world->lives->len; i++) {
        const Life *life = &g_array_index(world->lives, Life, i);
        guint n = count_places(world, side, i);

        g_test_message("m%u is in %u mailboxes", i, n);
        if (life->moved && life->unmarked)
            may_be_doubled++;
        else
            g_assert_cmpuint(n, <=, 1);
        if (!life->expunged)
            g_assert_cmpuint(n, >=, 1);
        else if (life->surely && !life->moved && !life->unmarked)
            g_assert_cmpuint(n, ==, 0);
        standing += n;
    }
    if (may_be_doubled == 0)
        g_assert_cmpuint(count_all(world, side), ==, standing);
}

static void
test_history(gconstpointer data)
{
    g_autoptr(World) world = world_new(GPOINTER_TO_UINT(data));

    for (guint episode = 0; episode < EPISODES; episode++) {
        guint n = 1 + below(world, 8);

        for (guint i = 0; i < n; i++)
            do_something(world, below(world, 2) ? IMS_LOCAL : IMS_REMOTE);
        run_troubled_pass(world);
    }
    settle(world);
    scene_assert_equal(world->scene);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        check_end(world, side);
    scene_assert_no_issues(world->scene);
    scene_assert_quiet(world->scene);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (guint seed = 0; seed < SEEDS; seed++) {
        g_autofree char *path = g_strdup_printf("/engine/histories/seed-%u", seed);

        g_test_add_data_func(path, GUINT_TO_POINTER(seed), test_history);
    }
    return g_test_run();
}
