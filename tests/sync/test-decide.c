/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The decision for one mailbox, case by case: a base of one pair (local 1, remote 1), one thing
 * that happened, and what follows. Histories of many things are test-histories.c's. */

#include "sync/decide.h"

typedef struct {
    GPtrArray *rows;
    ImsDelta *delta[IMS_N_SIDES];
    ImsView view;
} Scene;

static ImsRow *
add_pair(Scene *scene, guint32 local, guint32 remote, guint system)
{
    ImsRow *row = ims_row_new();

    row->id = scene->rows->len + 1;
    row->uid[IMS_LOCAL] = local;
    row->uid[IMS_REMOTE] = remote;
    row->flags[IMS_LOCAL].system = row->flags[IMS_REMOTE].system = system;
    row->hash[IMS_LOCAL] = row->hash[IMS_REMOTE] = ims_message_hash(100, 1000);
    g_ptr_array_add(scene->rows, row);
    return row;
}

static void
scene_init(Scene *scene, guint system)
{
    *scene = (Scene){0};
    scene->rows = g_ptr_array_new_with_free_func((GDestroyNotify)ims_row_free);
    add_pair(scene, 1, 1, system);
    scene->view.rows = scene->rows;
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        scene->delta[side] = ims_delta_new();
        scene->delta[side]->point = (ImsPoint){7, 2, 10, 1};
        scene->delta[side]->permanent.system = IMS_FLAG_ALL;
        scene->delta[side]->any_keyword = TRUE;
        scene->view.delta[side] = scene->delta[side];
        scene->view.cursor[side] = 2;
        scene->view.n_rows[side] = 1;
    }
}

static void
scene_clear(Scene *scene)
{
    g_ptr_array_unref(scene->rows);
    ims_delta_free(scene->delta[IMS_LOCAL]);
    ims_delta_free(scene->delta[IMS_REMOTE]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scene, scene_clear)

static void
report(GArray *list, guint32 uid, guint system)
{
    ImsMessage message = {
        .uid = uid,
        .have = IMS_HAVE_FLAGS | IMS_HAVE_SIZE | IMS_HAVE_DATE,
        .size = 100,
        .date = 1000,
        .flags = {.system = system},
    };

    g_array_append_val(list, message);
}

static void
vanish(Scene *scene, ImsSide side, guint32 uid)
{
    ims_uidset_add(scene->delta[side]->vanished, uid);
    scene->delta[side]->point.messages--;
}

static void
test_nothing(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;

    scene_init(&scene, 0);
    plan = ims_decide(&scene.view);
    g_assert_true(ims_plan_is_empty(plan));
    g_assert_cmpuint(plan->changed->len + plan->dropped->len, ==, 0);
}

static void
test_new(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;

    scene_init(&scene, 0);
    report(scene.delta[IMS_REMOTE]->fresh, 2, IMS_FLAG_SEEN);
    scene.delta[IMS_REMOTE]->point.uidnext = 3;
    scene.delta[IMS_REMOTE]->point.messages = 2;
    plan = ims_decide(&scene.view);
    g_assert_cmpuint(plan->copies[IMS_LOCAL]->len, ==, 1);
    g_assert_cmpuint(plan->copies[IMS_REMOTE]->len, ==, 0);
    g_assert_cmphex(
        g_array_index(plan->copies[IMS_LOCAL], ImsMessage, 0).flags.system, ==, IMS_FLAG_SEEN);
}

/* S16: what arrived between SELECT and FETCH is in neither count nor UIDNEXT: next round's. */
static void
test_later_than_reply(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;

    scene_init(&scene, 0);
    report(scene.delta[IMS_REMOTE]->fresh, 2, 0);
    plan = ims_decide(&scene.view);
    g_assert_true(ims_plan_is_empty(plan));
}

/* S16: a copy of ours above the cursor is no new mail, and its flags count. */
static void
test_own_pair_above_cursor(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;

    scene_init(&scene, 0);
    scene.view.cursor[IMS_LOCAL] = 1;
    report(scene.delta[IMS_LOCAL]->fresh, 1, IMS_FLAG_FLAGGED);
    plan = ims_decide(&scene.view);
    g_assert_cmpuint(plan->copies[IMS_REMOTE]->len, ==, 0);
    g_assert_cmpuint(plan->flags->len, ==, 1);
}

/* VANISHED is silent above the cursor; there, not being listed is being gone. */
static void
test_own_pair_above_cursor_vanished(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;
    const ImsRow *row;

    scene_init(&scene, 0);
    scene.view.cursor[IMS_LOCAL] = 1;
    scene.delta[IMS_LOCAL]->point.messages = 0;
    plan = ims_decide(&scene.view);
    row = g_ptr_array_index(scene.rows, 0);
    g_assert_false(plan->miscounted);
    g_assert_cmphex(row->gone, ==, ims_side_bit(IMS_LOCAL));
    g_assert_cmpuint(plan->pending, ==, 1);
}

static void
test_vanished(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;
    const ImsRow *row;

    scene_init(&scene, 0);
    vanish(&scene, IMS_LOCAL, 1);
    report(scene.delta[IMS_REMOTE]->changed, 1, IMS_FLAG_SEEN);
    plan = ims_decide(&scene.view);
    row = g_ptr_array_index(scene.rows, 0);
    g_assert_cmphex(row->gone, ==, ims_side_bit(IMS_LOCAL));
    g_assert_cmpuint(plan->changed->len, ==, 1);
    g_assert_cmpuint(plan->flags->len, ==, 0); /* deletion beats flag changes */
    g_assert_cmpuint(plan->dropped->len, ==, 0);
}

static void
test_vanished_on_both(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;

    scene_init(&scene, 0);
    vanish(&scene, IMS_LOCAL, 1);
    vanish(&scene, IMS_REMOTE, 1);
    plan = ims_decide(&scene.view);
    g_assert_cmpuint(plan->dropped->len, ==, 1);
    g_assert_cmpuint(plan->changed->len, ==, 0);
}

static void
test_vanished_but_undeleted(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;

    scene_init(&scene, IMS_FLAG_DELETED);
    vanish(&scene, IMS_LOCAL, 1);
    report(scene.delta[IMS_REMOTE]->changed, 1, 0);
    plan = ims_decide(&scene.view);
    g_assert_cmpuint(plan->restored->len, ==, 1);
    g_assert_cmpuint(plan->copies[IMS_LOCAL]->len, ==, 1);
    g_assert_cmpuint(plan->pending, ==, 0);
}

/* Servers over-report, and a line of the same reply shows that the message stands. */
static void
test_vanished_yet_reported(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;

    scene_init(&scene, 0);
    ims_uidset_add_range(scene.delta[IMS_LOCAL]->vanished, 1, G_MAXUINT32);
    report(scene.delta[IMS_LOCAL]->changed, 1, 0);
    plan = ims_decide(&scene.view);
    g_assert_true(ims_plan_is_empty(plan));
    g_assert_cmphex(((ImsRow *)g_ptr_array_index(scene.rows, 0))->gone, ==, 0);
}

/* S2: a count that does not fit stops everything about the mailbox. */
static void
test_miscount(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;

    scene_init(&scene, 0);
    scene.delta[IMS_REMOTE]->point.messages = 5;
    report(scene.delta[IMS_LOCAL]->changed, 1, IMS_FLAG_SEEN);
    plan = ims_decide(&scene.view);
    g_assert_true(plan->miscounted);
    g_assert_false(ims_plan_is_empty(plan));
    g_assert_cmpuint(plan->flags->len + plan->changed->len + plan->dropped->len, ==, 0);
}

static const struct {
    const char *name;
    guint base, shown; /* of the standing one; marked by us */
    gboolean held;
    guint restored, marked;
} mark_cases[] = {
    {"set", 0, IMS_FLAG_DELETED, FALSE, 0, 1},
    {"taken-back", 0, 0, FALSE, 1, 1},
    {"taken-back-and-read", 0, IMS_FLAG_SEEN, FALSE, 1, 1},
    {"over-the-users-own", IMS_FLAG_DELETED, IMS_FLAG_DELETED, FALSE, 0, 1},
    {"over-the-users-own-taken-back", IMS_FLAG_DELETED, 0, FALSE, 1, 1},
    {"held-and-set", 0, IMS_FLAG_DELETED, TRUE, 0, 1},
    {"held-and-taken-away-by-anybody", 0, 0, TRUE, 0, 0},
    {"held-over-the-users-own-taken-back", IMS_FLAG_DELETED, 0, TRUE, 1, 1},
};

/* S8: a \Deleted that we set is nobody's wish; but where it is gone, somebody who wants the message
 * has taken it away. */
static void
test_own_mark_of_a_deletion(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;
    ImsRow *row;

    scene_init(&scene, mark_cases[i].base);
    row = g_ptr_array_index(scene.rows, 0);
    row->gone = ims_side_bit(IMS_LOCAL);
    row->marked = ims_side_bit(IMS_REMOTE);
    row->held = mark_cases[i].held;
    scene.view.n_rows[IMS_LOCAL] = 0;
    scene.delta[IMS_LOCAL]->point.messages = 0;
    report(scene.delta[IMS_REMOTE]->changed, 1, mark_cases[i].shown);
    plan = ims_decide(&scene.view);
    g_assert_cmpuint(plan->restored->len, ==, mark_cases[i].restored);
    g_assert_cmpuint(plan->copies[IMS_LOCAL]->len, ==, mark_cases[i].restored);
    g_assert_cmpuint(row->marked != 0, ==, mark_cases[i].marked);
    g_assert_cmphex(row->flags[IMS_REMOTE].system, ==, mark_cases[i].base);
}

/* S8: a \Deleted that we set on the way to an expunge is nobody's wish, and where both ends stand
 * after all it is taken away. */
static void
test_own_mark_of_a_pair(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;
    ImsFlagStep *step;
    ImsRow *row;

    scene_init(&scene, IMS_FLAG_SEEN);
    row = g_ptr_array_index(scene.rows, 0);
    row->marked = ims_side_bit(IMS_REMOTE);
    report(scene.delta[IMS_REMOTE]->changed, 1, IMS_FLAG_SEEN | IMS_FLAG_DELETED);
    plan = ims_decide(&scene.view);
    g_assert_cmpuint(plan->flags->len, ==, 1);
    step = g_ptr_array_index(plan->flags, 0);
    g_assert_cmpuint(step->side, ==, IMS_REMOTE);
    g_assert_cmphex(step->del.system, ==, IMS_FLAG_DELETED);
    g_assert_true(ims_flags_is_empty(&step->add));
    g_assert_cmphex(row->marked, !=, 0);
    ims_flag_step_settle(step, NULL);
    g_assert_cmphex(row->marked, ==, 0);
    g_assert_cmphex(row->flags[IMS_LOCAL].system, ==, IMS_FLAG_SEEN);
    g_assert_cmphex(row->flags[IMS_REMOTE].system, ==, IMS_FLAG_SEEN);
}

/* S8: a user's \Deleted on the other end is carried: the mark is no more ours. */
static void
test_own_mark_meets_a_users(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;
    ImsFlagStep *step;
    ImsRow *row;

    scene_init(&scene, 0);
    row = g_ptr_array_index(scene.rows, 0);
    row->marked = ims_side_bit(IMS_REMOTE);
    report(scene.delta[IMS_LOCAL]->changed, 1, IMS_FLAG_DELETED);
    plan = ims_decide(&scene.view);
    g_assert_cmpuint(plan->flags->len, ==, 1);
    step = g_ptr_array_index(plan->flags, 0);
    g_assert_cmpuint(step->side, ==, IMS_REMOTE);
    g_assert_cmphex(step->add.system, ==, IMS_FLAG_DELETED);
    g_assert_cmphex(row->marked, ==, 0);
}

/* S4: until its STORE is settled, a carried flag stays a change in the base. */
static void
test_unsettled_stays_a_change(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;
    const ImsFlags fetched = {.system = IMS_FLAG_SEEN};
    ImsRow *row;

    scene_init(&scene, 0);
    report(scene.delta[IMS_LOCAL]->changed, 1, IMS_FLAG_SEEN);
    plan = ims_decide(&scene.view);
    row = g_ptr_array_index(scene.rows, 0);
    g_assert_cmpuint(plan->flags->len, ==, 1);
    g_assert_cmphex(row->flags[IMS_LOCAL].system, ==, 0);
    ims_flag_step_settle(g_ptr_array_index(plan->flags, 0), &fetched);
    g_assert_cmphex(row->flags[IMS_LOCAL].system, ==, IMS_FLAG_SEEN);
    g_assert_cmphex(row->flags[IMS_REMOTE].system, ==, IMS_FLAG_SEEN);
}

/* S4: what a side lets nobody set stays a change as well. */
static void
test_read_only(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;
    ImsRow *row;

    scene_init(&scene, 0);
    scene.delta[IMS_REMOTE]->read_only = TRUE;
    scene.delta[IMS_REMOTE]->permanent.system = 0;
    scene.delta[IMS_REMOTE]->any_keyword = FALSE;
    report(scene.delta[IMS_LOCAL]->changed, 1, IMS_FLAG_SEEN);
    report(scene.delta[IMS_REMOTE]->changed, 1, IMS_FLAG_FLAGGED);
    plan = ims_decide(&scene.view);
    row = g_ptr_array_index(scene.rows, 0);
    g_assert_cmpuint(plan->flags->len, ==, 1);
    g_assert_cmpuint(((ImsFlagStep *)g_ptr_array_index(plan->flags, 0))->side, ==, IMS_LOCAL);
    g_assert_true(plan->waiting[IMS_REMOTE]);
    g_assert_false(plan->waiting[IMS_LOCAL]);
    g_assert_cmphex(row->flags[IMS_LOCAL].system, ==, 0);
    g_assert_cmphex(row->flags[IMS_REMOTE].system, ==, 0);
}

/* Two flags travel in opposite ways; settling one leaves the other a change. */
static void
test_settling_one_way_keeps_the_other(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;
    const ImsFlags both = {.system = IMS_FLAG_SEEN | IMS_FLAG_FLAGGED};
    ImsFlagStep *step;
    ImsRow *row;

    scene_init(&scene, 0);
    report(scene.delta[IMS_LOCAL]->changed, 1, IMS_FLAG_SEEN);
    report(scene.delta[IMS_REMOTE]->changed, 1, IMS_FLAG_FLAGGED);
    plan = ims_decide(&scene.view);
    row = g_ptr_array_index(scene.rows, 0);
    g_assert_cmpuint(plan->flags->len, ==, 2);
    step = g_ptr_array_index(plan->flags, 0);
    if (step->side != IMS_REMOTE)
        step = g_ptr_array_index(plan->flags, 1);
    ims_flag_step_settle(step, &both);
    g_assert_cmphex(row->flags[IMS_LOCAL].system, ==, IMS_FLAG_SEEN);
    g_assert_cmphex(row->flags[IMS_REMOTE].system, ==, IMS_FLAG_SEEN);
}

/* S4: a keyword that is missing when our copy is first seen was never stored there. */
static void
test_masked_keyword(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;
    ImsRow *row;

    scene_init(&scene, 0);
    row = g_ptr_array_index(scene.rows, 0);
    ims_flags_add_keyword(&row->flags[IMS_LOCAL], "$Work");
    ims_flags_add_keyword(&row->flags[IMS_REMOTE], "$Work");
    row->hash[IMS_REMOTE] = 0;
    report(scene.delta[IMS_REMOTE]->fresh, 1, 0);
    plan = ims_decide(&scene.view);
    g_assert_true(ims_plan_is_empty(plan));
    g_assert_true(ims_flags_has_keyword(&row->flags[IMS_LOCAL], "$Work"));
    g_assert_false(ims_flags_has_keyword(&row->flags[IMS_REMOTE], "$Work"));
}

/* S3: a UID that was given out again belongs to somebody else; neither end is touched. */
static void
test_another_message_under_the_uid(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;

    scene_init(&scene, 0);
    scene.view.full[IMS_LOCAL] = scene.view.full[IMS_REMOTE] = TRUE;
    report(scene.delta[IMS_LOCAL]->fresh, 1, 0);
    report(scene.delta[IMS_REMOTE]->fresh, 1, 0);
    g_array_index(scene.delta[IMS_REMOTE]->fresh, ImsMessage, 0).size = 555;
    plan = ims_decide(&scene.view);
    g_assert_true(ims_plan_is_empty(plan));
    g_assert_cmpuint(plan->strangers->len, ==, 2);
    g_assert_cmpuint(plan->dropped->len, ==, 1);
}

/* S13: what may be a copy of ours is counted, and left alone. */
static void
test_awaited(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;
    g_autoptr(ImsUidSet) awaited = ims_uidset_new();

    scene_init(&scene, 0);
    ims_uidset_add(awaited, 2);
    scene.view.awaited[IMS_REMOTE] = awaited;
    report(scene.delta[IMS_REMOTE]->fresh, 2, 0);
    report(scene.delta[IMS_REMOTE]->fresh, 3, 0);
    scene.delta[IMS_REMOTE]->point.uidnext = 4;
    scene.delta[IMS_REMOTE]->point.messages = 3;
    plan = ims_decide(&scene.view);
    g_assert_false(plan->miscounted);
    g_assert_cmpuint(plan->copies[IMS_LOCAL]->len, ==, 1);
    g_assert_cmpuint(g_array_index(plan->copies[IMS_LOCAL], ImsMessage, 0).uid, ==, 3);
}

/* Law 3: below the cursor and unknown on both sides: perhaps a lost pair. Copying would double it.
 */
static void
test_unknown_on_both_sides(void)
{
    g_auto(Scene) scene = {0};
    g_autoptr(ImsPlan) plan = NULL;

    scene_init(&scene, 0);
    g_ptr_array_set_size(scene.rows, 0);
    scene.view.full[IMS_LOCAL] = scene.view.full[IMS_REMOTE] = TRUE;
    report(scene.delta[IMS_LOCAL]->fresh, 1, 0);
    report(scene.delta[IMS_REMOTE]->fresh, 1, 0);
    plan = ims_decide(&scene.view);
    g_assert_true(ims_plan_is_empty(plan));
    g_assert_cmpuint(plan->strangers->len, ==, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sync/decide/nothing-changed-nothing-to-do", test_nothing);
    g_test_add_func("/sync/decide/new-mail-is-copied", test_new);
    g_test_add_func("/sync/decide/S16-later-than-the-reply-waits", test_later_than_reply);
    g_test_add_func("/sync/decide/S16-own-pair-above-the-cursor", test_own_pair_above_cursor);
    g_test_add_func(
        "/sync/decide/own-pair-above-the-cursor-vanished", test_own_pair_above_cursor_vanished);
    g_test_add_func("/sync/decide/S8-vanished-is-noted-not-executed", test_vanished);
    g_test_add_func("/sync/decide/vanished-on-both-is-forgotten", test_vanished_on_both);
    g_test_add_func("/sync/decide/S8-removed-deleted-restores", test_vanished_but_undeleted);
    g_test_add_func("/sync/decide/over-reported-vanished", test_vanished_yet_reported);
    g_test_add_func("/sync/decide/S2-miscount-stops", test_miscount);
    for (gsize i = 0; i < G_N_ELEMENTS(mark_cases); i++) {
        g_autofree char *path =
            g_strconcat("/sync/decide/S8-own-mark-of-a-deletion/", mark_cases[i].name, NULL);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_own_mark_of_a_deletion);
    }
    g_test_add_func("/sync/decide/S8-own-mark-of-a-pair-is-no-wish", test_own_mark_of_a_pair);
    g_test_add_func("/sync/decide/S8-own-mark-meets-a-users", test_own_mark_meets_a_users);
    g_test_add_func("/sync/decide/S4-unsettled-stays-a-change", test_unsettled_stays_a_change);
    g_test_add_func("/sync/decide/S4-read-only-stays-a-change", test_read_only);
    g_test_add_func("/sync/decide/settling-one-way", test_settling_one_way_keeps_the_other);
    g_test_add_func("/sync/decide/S4-masked-keyword-was-not-removed", test_masked_keyword);
    g_test_add_func("/sync/decide/S3-another-message", test_another_message_under_the_uid);
    g_test_add_func("/sync/decide/S13-awaited-is-not-new", test_awaited);
    g_test_add_func("/sync/decide/unknown-on-both-sides", test_unknown_on_both_sides);
    return g_test_run();
}
