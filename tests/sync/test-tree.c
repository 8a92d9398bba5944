/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The decision about the tree, as a table of small trees. */

#include "sync/tree.h"

typedef struct {
    const char *name;
    const char *local, *remote; /* names, comma-separated; "-x" is a mere level */
    const char *known;          /* on both sides */
    char delimiter[2];
    const char *want;
} TreeCase;

static const TreeCase cases[] = {
    {"both have it", "INBOX", "INBOX", "", {'/', '/'}, "sync INBOX"},
    {"new on the remote side",
     "INBOX",
     "INBOX,Work",
     "INBOX",
     {'/', '/'},
     "sync INBOX; create-local Work"},
    {"new on the local side",
     "INBOX,A/B",
     "INBOX",
     "",
     {'/', '/'},
     "create-remote A/B; sync INBOX"},
    {"gone on the remote side is left alone",
     "INBOX,Work",
     "INBOX",
     "INBOX,Work",
     {'/', '/'},
     "sync INBOX; vanished-remote Work"},
    {"gone on both sides needs nothing", "INBOX", "INBOX", "INBOX,Work", {'/', '/'}, "sync INBOX"},
    {"a mere level is no mailbox",
     "INBOX",
     "INBOX,-A,A/B",
     "",
     {'/', '/'},
     "create-local A/B; sync INBOX"},
    {"a component with the other's delimiter",
     "INBOX",
     "INBOX,a.b",
     "",
     {'.', '/'},
     "sync INBOX; unnamable-local a.b"},
    {"a side without levels",
     "INBOX",
     "INBOX,a/b",
     "",
     {0, '/'},
     "sync INBOX; unnamable-local a/b"},
};

static GArray *
names_of(const char *text, char ***out_words)
{
    GArray *names = g_array_new(FALSE, TRUE, sizeof(ImsTreeName));
    char **words = g_strsplit(text, ",", -1);

    for (char **word = words; *word != NULL && **word != '\0'; word++) {
        ImsTreeName name = {
            .name = *word + (**word == '-'),
            .selectable = **word != '-',
        };

        g_array_append_val(names, name);
    }
    *out_words = words;
    return names;
}

static char *
describe(GPtrArray *steps)
{
    static const char *const verbs[] = {"sync", "create", "vanished", "unnamable"};
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < steps->len; i++) {
        const ImsTreeStep *step = g_ptr_array_index(steps, i);

        g_string_append_printf(out, "%s%s", i > 0 ? "; " : "", verbs[step->verb]);
        if (step->verb != IMS_TREE_SYNC)
            g_string_append_printf(out, "-%s", ims_side_name(step->side));
        g_string_append_printf(out, " %s", step->name);
    }
    return g_string_free(out, FALSE);
}

static void
test_table(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const TreeCase *c = &cases[i];
        g_auto(GStrv) local_words = NULL;
        g_auto(GStrv) remote_words = NULL;
        g_auto(GStrv) known_words = g_strsplit(c->known, ",", -1);
        g_autoptr(GArray) local = names_of(c->local, &local_words);
        g_autoptr(GArray) remote = names_of(c->remote, &remote_words);
        g_autoptr(GPtrArray) known =
            g_ptr_array_new_with_free_func((GDestroyNotify)ims_mailbox_free);
        ImsTree tree[] = {
            {(const ImsTreeName *)(gpointer)local->data, local->len, c->delimiter[0]},
            {(const ImsTreeName *)(gpointer)remote->data, remote->len, c->delimiter[1]},
        };
        g_autoptr(GPtrArray) steps = NULL;
        g_autofree char *got = NULL;

        g_test_message("%s", c->name);
        for (char **word = known_words; *word != NULL && **word != '\0'; word++) {
            ImsMailbox *mailbox = ims_mailbox_new(*word);

            mailbox->known[IMS_LOCAL] = mailbox->known[IMS_REMOTE] = TRUE;
            g_ptr_array_add(known, mailbox);
        }
        steps = ims_tree_decide(tree, known);
        got = describe(steps);
        g_assert_cmpstr(got, ==, c->want);
    }
}

/* In each text local comes first: '?' unknown, '-' not subscribed, '+' subscribed. */
static const struct {
    const char *base, *now;
    const char *toggles; /* which side; "" for none */
} subscription_cases[] = {
    {"??", "++", ""},
    {"??", "--", ""},
    {"??", "+-", "remote"},
    {"??", "-+", "local"},
    {"+?", "-+", "local"},
    {"--", "+-", "remote"},
    {"--", "-+", "local"},
    {"++", "-+", "remote"},
    {"++", "+-", "local"},
    {"++", "--", ""},
    {"+-", "+-", ""}, /* one side refused to follow */
    {"+-", "--", ""},
    {"+-", "-+", "remote"}, /* both toggled: local's wish */
};

static void
test_subscription(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(subscription_cases); i++) {
        ImsSubscription base[IMS_N_SIDES];
        gboolean now[IMS_N_SIDES];
        ImsSide toggles = IMS_LOCAL;
        const char *got = "";

        for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
            char c = subscription_cases[i].base[side];

            base[side] = c == '?'   ? IMS_SUBSCRIPTION_UNKNOWN
                         : c == '+' ? IMS_SUBSCRIPTION_YES
                                    : IMS_SUBSCRIPTION_NO;
            now[side] = subscription_cases[i].now[side] == '+';
        }
        if (ims_tree_subscription(base, now, &toggles))
            got = ims_side_name(toggles);
        g_test_message("%s %s", subscription_cases[i].base, subscription_cases[i].now);
        g_assert_cmpstr(got, ==, subscription_cases[i].toggles);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sync/tree/table", test_table);
    g_test_add_func("/sync/tree/S19-subscription", test_subscription);
    return g_test_run();
}
