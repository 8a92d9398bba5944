/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Random histories against two model servers. After any history, rounds of deciding and carrying
 * out converge: both sides hold the same messages with the same flags, a further round has nothing
 * to do, nothing is there twice, and what is gone is what somebody expunged. Steps may be left
 * undone at random, as a crash leaves them. */

#include "sync/decide.h"

#ifdef __SANITIZE_ADDRESS__ /* which unwinds the stack for each allocation */
#define N_HISTORIES 40
#else
#define N_HISTORIES 400
#endif
#define N_EVENTS 30
#define N_FLAGS  3

typedef struct {
    guint32 uid;
    guint content; /* who it is: the same on both sides */
    guint flags;
    guint64 modseq;
} Mail;

typedef struct {
    GArray *mails; /* Mail, ascending UID */
    GArray *log;   /* of expunges: Mail with the modseq of the expunge */
    guint32 uidnext;
    guint64 modseq;
} Server;

typedef struct {
    Server server[IMS_N_SIDES];
    ImsPoint point[IMS_N_SIDES];
    GPtrArray *rows;
    gint64 last_row;
    guint last_content;
    GHashTable *expunged; /* content that a user expunged */
    GRand *rand;
} World;

static void
world_init(World *world, guint32 seed)
{
    *world = (World){.rand = g_rand_new_with_seed(seed)};
    world->rows = g_ptr_array_new_with_free_func((GDestroyNotify)ims_row_free);
    world->expunged = g_hash_table_new(NULL, NULL);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        world->server[side] = (Server){
            g_array_new(FALSE, FALSE, sizeof(Mail)), g_array_new(FALSE, FALSE, sizeof(Mail)), 1, 1};
        world->point[side] = (ImsPoint){1, 1, 1, 0};
    }
}

static void
world_clear(World *world)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        g_array_unref(world->server[side].mails);
        g_array_unref(world->server[side].log);
    }
    g_ptr_array_unref(world->rows);
    g_hash_table_unref(world->expunged);
    g_rand_free(world->rand);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, world_clear)

static guint
pick(World *world, guint n)
{
    return (guint)g_rand_int_range(world->rand, 0, (gint32)n);
}

static guint32
deliver(Server *server, guint content, guint flags)
{
    Mail mail = {server->uidnext++, content, flags, ++server->modseq};

    g_array_append_val(server->mails, mail);
    return mail.uid;
}

static Mail *
find_mail(const Server *server, guint32 uid)
{
    for (guint i = 0; i < server->mails->len; i++) {
        Mail *mail = &g_array_index(server->mails, Mail, i);

        if (mail->uid == uid)
            return mail;
    }
    return NULL;
}

static void
expunge(Server *server, guint32 uid)
{
    for (guint i = 0; i < server->mails->len; i++) {
        Mail mail = g_array_index(server->mails, Mail, i);

        if (mail.uid != uid)
            continue;
        mail.modseq = ++server->modseq;
        g_array_append_val(server->log, mail);
        g_array_remove_index(server->mails, i);
        return;
    }
}

/* What a user does on one side. */
static void
happen(World *world)
{
    Server *server = &world->server[pick(world, 2)];
    Mail *mail = server->mails->len == 0
                     ? NULL
                     : &g_array_index(server->mails, Mail, pick(world, server->mails->len));
    guint what = pick(world, 10);

    if (what < 4 || mail == NULL) {
        deliver(server, ++world->last_content, pick(world, 1 << N_FLAGS));
    } else if (what < 9) {
        mail->flags ^= 1u << pick(world, N_FLAGS);
        mail->modseq = ++server->modseq;
    } else {
        g_hash_table_add(world->expunged, GUINT_TO_POINTER(mail->content));
        expunge(server, mail->uid);
    }
}

static void
tell(GArray *list, const Mail *mail)
{
    ImsMessage message = {
        .uid = mail->uid,
        .have = IMS_HAVE_FLAGS | IMS_HAVE_SIZE | IMS_HAVE_DATE,
        .size = mail->content,
        .date = mail->content,
        .flags = {.system = mail->flags},
    };

    g_array_append_val(list, message);
}

/* SELECT (QRESYNC …) and the FETCH behind it. */
static ImsDelta *
answer(const Server *server, const ImsPoint *since)
{
    ImsDelta *delta = ims_delta_new();

    delta->point = (ImsPoint){1, server->uidnext, server->modseq, server->mails->len};
    delta->permanent.system = IMS_FLAG_ALL;
    for (guint i = 0; i < server->log->len; i++) {
        const Mail *gone = &g_array_index(server->log, Mail, i);

        if (gone->modseq > since->modseq && gone->uid < since->uidnext)
            ims_uidset_add(delta->vanished, gone->uid);
    }
    for (guint i = 0; i < server->mails->len; i++) {
        const Mail *mail = &g_array_index(server->mails, Mail, i);

        if (mail->uid >= since->uidnext)
            tell(delta->fresh, mail);
        else if (mail->modseq > since->modseq)
            tell(delta->changed, mail);
    }
    return delta;
}

static void
drop_row(World *world, const ImsRow *row)
{
    g_assert_true(g_ptr_array_remove(world->rows, (gpointer)row));
}

static void
carry_copy(World *world, ImsPlan *plan, ImsSide to, const ImsMessage *message)
{
    ImsSide from = ims_side_other(to);
    const Mail *mail = find_mail(&world->server[from], message->uid);
    ImsRow *row = ims_row_new();

    g_assert_nonnull(mail);
    for (guint i = 0; i < plan->restored->len; i++) {
        const ImsRow *old = g_ptr_array_index(plan->restored, i);

        if (old->uid[from] == message->uid) {
            drop_row(world, old);
            break;
        }
    }
    row->id = ++world->last_row;
    row->uid[from] = mail->uid;
    row->uid[to] = deliver(&world->server[to], mail->content, mail->flags);
    row->flags[from].system = row->flags[to].system = mail->flags;
    row->hash[from] = ims_message_hash(mail->content, mail->content);
    g_ptr_array_add(world->rows, row);
}

static void
carry_flags(World *world, ImsFlagStep *step)
{
    Server *server = &world->server[step->side];
    Mail *mail = find_mail(server, step->row->uid[step->side]);
    ImsFlags shown = {0};

    if (mail == NULL)
        return;
    mail->flags = (mail->flags | step->add.system) & ~step->del.system;
    mail->modseq = ++server->modseq;
    shown.system = mail->flags;
    ims_flag_step_settle(step, &shown);
}

static void
carry_removals(World *world)
{
    for (guint i = world->rows->len; i > 0; i--) {
        const ImsRow *row = g_ptr_array_index(world->rows, i - 1);

        for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
            if (row->gone != ims_side_bit(side))
                continue;
            expunge(&world->server[ims_side_other(side)], row->uid[ims_side_other(side)]);
            drop_row(world, row);
            break;
        }
    }
}

static ImsPlan *
decide(World *world, ImsDelta *const delta[])
{
    ImsView view = {.rows = world->rows};

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        view.delta[side] = delta[side];
        view.cursor[side] = world->point[side].uidnext;
        for (guint i = 0; i < world->rows->len; i++) {
            const ImsRow *row = g_ptr_array_index(world->rows, i);

            view.n_rows[side] += row->uid[side] != 0 && (row->gone & ims_side_bit(side)) == 0;
        }
    }
    return ims_decide(&view);
}

/* One round; if @crash, it ends after some of its steps, before points and rows are committed: what
 * was settled, and only that, is in the base. */
static gboolean
round_once(World *world, gboolean crash)
{
    ImsDelta *delta[] = {
        answer(&world->server[0], &world->point[0]), answer(&world->server[1], &world->point[1])};
    g_autoptr(ImsPlan) plan = decide(world, delta);
    gboolean empty = ims_plan_is_empty(plan);

    g_assert_false(plan->miscounted);
    for (ImsSide to = IMS_LOCAL; to < IMS_N_SIDES; to++) {
        for (guint i = 0; i < plan->copies[to]->len && !(crash && pick(world, 3) == 0); i++)
            carry_copy(world, plan, to, &g_array_index(plan->copies[to], ImsMessage, i));
    }
    for (guint i = 0; i < plan->flags->len && !(crash && pick(world, 3) == 0); i++)
        carry_flags(world, g_ptr_array_index(plan->flags, i));
    for (guint i = 0; i < plan->dropped->len; i++)
        drop_row(world, g_ptr_array_index(plan->dropped, i));
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        if (!crash)
            world->point[side] = delta[side]->point;
        ims_delta_free(delta[side]);
    }
    return empty;
}

static void
settle(World *world)
{
    guint rounds = 0;

    while (!round_once(world, FALSE))
        g_assert_cmpuint(++rounds, <, 8);
    carry_removals(world);
    while (!round_once(world, FALSE))
        g_assert_cmpuint(++rounds, <, 8);
}

static void
assert_equal(const World *world)
{
    const Server *a = &world->server[0], *b = &world->server[1];
    g_autoptr(GHashTable) flags = g_hash_table_new(NULL, NULL);

    g_assert_cmpuint(a->mails->len, ==, b->mails->len);
    g_assert_cmpuint(a->mails->len, ==, world->rows->len);
    for (guint i = 0; i < a->mails->len; i++) {
        const Mail *mail = &g_array_index(a->mails, Mail, i);

        g_assert_true(g_hash_table_insert(
            flags, GUINT_TO_POINTER(mail->content), GUINT_TO_POINTER(mail->flags)));
    }
    for (guint i = 0; i < b->mails->len; i++) {
        const Mail *mail = &g_array_index(b->mails, Mail, i);
        gpointer other = NULL;

        g_assert_true(
            g_hash_table_lookup_extended(flags, GUINT_TO_POINTER(mail->content), NULL, &other));
        g_assert_cmphex(GPOINTER_TO_UINT(other), ==, mail->flags);
    }
}

static void
assert_nothing_lost(const World *world)
{
    const Server *server = &world->server[0];
    g_autoptr(GHashTable) there = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < server->mails->len; i++)
        g_hash_table_add(there, GUINT_TO_POINTER(g_array_index(server->mails, Mail, i).content));
    for (guint content = 1; content <= world->last_content; content++) {
        gboolean stands = g_hash_table_contains(there, GUINT_TO_POINTER(content));
        gboolean expunged = g_hash_table_contains(world->expunged, GUINT_TO_POINTER(content));

        g_assert_true(stands || expunged);
    }
}

static void
run_history(guint32 seed, gboolean crashes)
{
    g_auto(World) world = {0};

    g_test_message("seed %u", seed);
    world_init(&world, seed);
    for (guint i = 0; i < N_EVENTS; i++) {
        happen(&world);
        if (pick(&world, 4) == 0)
            round_once(&world, crashes && pick(&world, 2) == 0);
        if (pick(&world, 6) == 0)
            settle(&world);
    }
    settle(&world);
    assert_equal(&world);
    assert_nothing_lost(&world);
    g_assert_true(round_once(&world, FALSE));
}

static void
test_histories(void)
{
    for (guint32 seed = 1; seed <= N_HISTORIES; seed++)
        run_history(seed, FALSE);
}

static void
test_crashes(void)
{
    for (guint32 seed = 1; seed <= N_HISTORIES; seed++)
        run_history(seed, TRUE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sync/histories/converge-and-lose-nothing", test_histories);
    g_test_add_func("/sync/histories/converge-after-interrupted-rounds", test_crashes);
    return g_test_run();
}
