/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Three-way merge of flags: a table of what people expect, and the laws over all small sets. */

#include "sync/merge.h"

static const ImsKeeps all[] = {{NULL, TRUE}, {NULL, TRUE}};

typedef struct {
    const char *name;
    const char *base[2], *now[2];
    const char *add[2], *del[2]; /* keys of ims_flags_to_key() */
} MergeCase;

static const MergeCase cases[] = {
    {"nothing changed", {"1", "1"}, {"1", "1"}, {"0", "0"}, {"0", "0"}},
    {"read on the local side", {"0", "0"}, {"1", "0"}, {"0", "1"}, {"0", "0"}},
    {"read on both", {"0", "0"}, {"1", "1"}, {"0", "0"}, {"0", "0"}},
    {"unflagged on the remote side", {"4", "4"}, {"4", "0"}, {"0", "0"}, {"4", "0"}},
    {"a keyword travels", {"0", "0"}, {"0 $Work", "0"}, {"0", "0 $Work"}, {"0", "0"}},
    {"keywords have no case", {"0", "0"}, {"0 WORK", "0 work"}, {"0", "0"}, {"0", "0"}},
    {"what one side dropped long ago is no removal",
     {"0 $Work", "0"},
     {"0 $Work", "0"},
     {"0", "0"},
     {"0", "0"}},
    {"a removal wins over an addition elsewhere", {"0", "4"}, {"4", "0"}, {"0", "0"}, {"4", "0"}},
    {"each side changes another flag", {"0", "0"}, {"1", "4"}, {"4", "1"}, {"0", "0"}},
};

static void
assert_key(const ImsFlags *flags, const char *want)
{
    g_autofree char *got = ims_flags_to_key(flags);

    g_assert_cmpstr(got, ==, want);
}

static void
test_table(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const MergeCase *c = &cases[i];
        ImsFlags base[2] = {{0}, {0}}, now[2] = {{0}, {0}};
        const ImsFlags *bases[] = {&base[0], &base[1]}, *nows[] = {&now[0], &now[1]};
        g_auto(ImsFlagMerge) merge = {0};

        g_test_message("%s", c->name);
        for (int s = 0; s < 2; s++) {
            g_assert_true(ims_flags_from_key(c->base[s], &base[s]));
            g_assert_true(ims_flags_from_key(c->now[s], &now[s]));
        }
        merge = ims_merge_flags(bases, nows, all, FALSE);
        for (int s = 0; s < 2; s++) {
            assert_key(&merge.add[s], c->add[s]);
            assert_key(&merge.del[s], c->del[s]);
            ims_flags_clear(&base[s]);
            ims_flags_clear(&now[s]);
        }
    }
}

/* Over all of base and now of three flags, bases equal: both sides end equal, and a second merge
 * has nothing to do. */
static void
test_converges(void)
{
    for (guint n = 0; n < 8 * 8 * 8; n++) {
        ImsFlags base = {.system = n & 7};
        ImsFlags now[] = {{.system = (n >> 3) & 7}, {.system = n >> 6}};
        const ImsFlags *bases[] = {&base, &base}, *nows[] = {&now[0], &now[1]};
        ImsFlagMerge merge = ims_merge_flags(bases, nows, all, FALSE);
        guint end[2];

        for (int s = 0; s < 2; s++)
            end[s] = (now[s].system | merge.add[s].system) & ~merge.del[s].system;
        g_assert_cmphex(end[0], ==, end[1]);
        g_assert_cmphex(merge.add[0].system & merge.del[0].system, ==, 0);
        /* what nobody touched stays, what somebody removed is gone */
        g_assert_cmphex(base.system & now[0].system & now[1].system & ~end[0], ==, 0);
        g_assert_cmphex(base.system & ~(now[0].system & now[1].system) & end[0], ==, 0);
    }
}

static void
test_unite_takes_nothing_away(void)
{
    ImsFlags base = {.system = 7}, local = {.system = 1}, remote = {.system = 2};
    const ImsFlags *bases[] = {&base, &base}, *nows[] = {&local, &remote};
    g_auto(ImsFlagMerge) merge = ims_merge_flags(bases, nows, all, TRUE);

    g_assert_cmphex(merge.add[IMS_LOCAL].system, ==, 2);
    g_assert_cmphex(merge.add[IMS_REMOTE].system, ==, 1);
    g_assert_cmphex(merge.del[IMS_LOCAL].system | merge.del[IMS_REMOTE].system, ==, 0);
}

/* A side without \* cannot take a keyword, and its not having it is no removal. */
static void
test_limits(void)
{
    ImsFlags system = {.system = IMS_FLAG_ALL}, none = {0};
    g_auto(ImsFlags) work = {0};
    const ImsKeeps keeps[] = {{NULL, TRUE}, {&system, FALSE}};
    const ImsFlags *bases[] = {&none, &none}, *nows[] = {&work, &none};
    g_auto(ImsFlagMerge) merge = {0};
    g_auto(ImsFlagMerge) again = {0};

    ims_flags_add_keyword(&work, "$Work");
    merge = ims_merge_flags(bases, nows, keeps, FALSE);
    g_assert_true(ims_flags_is_empty(&merge.add[IMS_REMOTE]));
    bases[IMS_LOCAL] = bases[IMS_REMOTE] = &work;
    again = ims_merge_flags(bases, nows, keeps, FALSE);
    g_assert_true(ims_flags_is_empty(&again.del[IMS_LOCAL]));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sync/merge/S4-changes-are-against-the-own-base", test_table);
    g_test_add_func("/sync/merge/converges-and-undoes-no-removal", test_converges);
    g_test_add_func("/sync/merge/unite-takes-nothing-away", test_unite_takes_nothing_away);
    g_test_add_func("/sync/merge/what-a-side-cannot-keep-is-no-change", test_limits);
    return g_test_run();
}
