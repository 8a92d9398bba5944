/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The decision about the tree, as a table of small trees; and for random ones that acting on it
 * makes both sides alike, in any order, and never mistakes one mailbox for another. */

#include "sync/tree.h"

#include <string.h>

typedef struct {
    const char *name;
    const char *local, *remote; /* names, comma-separated; "-x" is a mere level, "+x" subscribed */
    const char *known; /* on both sides; "+x" was subscribed there, "?x" refused by remote, "=x"
                          never adopted */
    char delimiter[2];
    const char *want;
    const char *patterns, *ignore;  /* separated by ";" */
    const char *personal, *foreign; /* of the local side */
    const char *folder;             /* of the local side */
} TreeCase;

static const TreeCase cases[] = {
    {"both have it", "INBOX", "INBOX", "", {'/', '/'}, "sync INBOX"},
    {"new on the remote side",
     "INBOX",
     "INBOX,+Work",
     "INBOX",
     {'/', '/'},
     "sync INBOX; create-local Work subscribed"},
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
    {"gone before it was adopted: the other side's is wanted",
     "INBOX,Work",
     "INBOX",
     "INBOX,=Work",
     {'/', '/'},
     "sync INBOX; create-remote Work"},
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
    {"refused under these listings",
     "INBOX,A",
     "INBOX",
     "?A",
     {'/', '/'},
     "refused-remote A; sync INBOX"},
    {"a delimiter that the listing did not tell",
     "INBOX",
     "INBOX,a.b",
     "",
     {'/', 0},
     "sync INBOX; create-local a.b"},
    {"excluded by ignore",
     "INBOX,Spam,A",
     "INBOX,Spam/x",
     "",
     {'/', '/'},
     "create-remote A; sync INBOX; excluded-remote Spam ignore; excluded-local Spam/x ignore",
     NULL,
     "Spam;Spam/*"},
    {"excluded, though it was known and vanished",
     "INBOX,Spam",
     "INBOX",
     "Spam",
     {'/', '/'},
     "sync INBOX; excluded-remote Spam mailboxes",
     "*;!Spam"},
    {"by subscription, of either side at the first meeting",
     "A,+B",
     "+A,B,C",
     "",
     {'/', '/'},
     "sync A subscribed; sync B subscribed; excluded-local C mailboxes",
     "subscribed"},
    {"by subscription, which local has taken back",
     "A",
     "+A",
     "+A",
     {'/', '/'},
     "excluded-remote A mailboxes",
     "subscribed"},
    {"a prefix on one side",
     "INBOX,INBOX.a,INBOX.INBOX.b",
     "INBOX,a,INBOX/b,c",
     "",
     {'.', '/'},
     "sync INBOX; sync INBOX/b; sync a; create-local c",
     NULL,
     NULL,
     "INBOX."},
    {"an INBOX inside of the prefix has no name",
     "INBOX,INBOX.INBOX",
     "INBOX",
     "",
     {'.', '/'},
     "unnamable-remote /INBOX.INBOX; sync INBOX",
     NULL,
     NULL,
     "INBOX."},
    {"shared mailboxes, and one of that name of our own",
     "INBOX,Public/a",
     "INBOX,Public/a,Public/b",
     "",
     {'/', '/'},
     "excluded-remote /Public/a namespace; sync INBOX; unnamable-local Public/a; "
     "unnamable-local Public/b",
     NULL,
     NULL,
     NULL,
     "Public/"},
    {"under a folder, and others beside it",
     "INBOX,Work,Work/INBOX,Work/a,Home/b",
     "INBOX,c",
     "",
     {'/', '/'},
     "sync INBOX; create-remote a; create-local c",
     NULL,
     NULL,
     NULL,
     NULL,
     "Work"},
    {"two spellings of one name",
     "INBOX,inbox/a,INBOX/a",
     "INBOX,INBOX/a",
     "",
     {'/', '/'},
     "unnamable-remote /inbox/a; sync INBOX; sync INBOX/a"},
    {"two spellings of one name, and neither is ours",
     "INBOX,Inbox/a,inbox/a",
     "INBOX",
     "",
     {'/', '/'},
     "unnamable-remote /Inbox/a; unnamable-remote /inbox/a; sync INBOX"},
    {"a component with our delimiter",
     "INBOX,a/b",
     "INBOX",
     "",
     {'.', '/'},
     "unnamable-remote /a/b; sync INBOX"},
    {"composed and decomposed are two",
     "\xc3\xa4",
     "a\xcc\x88",
     "",
     {'/', '/'},
     "create-local a\xcc\x88; create-remote \xc3\xa4"},
};

/* Returns: (transfer full): names that borrow from @out_words. */
static GArray *
names_of(const char *text, char delimiter, char ***out_words)
{
    GArray *names = g_array_new(FALSE, TRUE, sizeof(ImsTreeName));
    char **words = g_strsplit(text, ",", -1);

    for (char **word = words; *word != NULL && **word != '\0'; word++) {
        ImsTreeName name = {
            .spelling = *word + (**word == '-' || **word == '+'),
            .delimiter = delimiter,
            .selectable = **word != '-',
            .subscribed = **word == '+',
            .role = "",
        };

        g_array_append_val(names, name);
    }
    *out_words = words;
    return names;
}

static ImsPatterns *
patterns_of(const char *text)
{
    g_auto(GStrv) words = text != NULL ? g_strsplit(text, ";", -1) : NULL;

    return words != NULL ? ims_patterns_new(words, NULL) : NULL;
}

static char *
describe(GPtrArray *steps)
{
    static const char *const verbs[] = {
        "sync", "create", "refused", "vanished", "unnamable", "excluded"};
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < steps->len; i++) {
        const ImsTreeStep *step = g_ptr_array_index(steps, i);

        g_string_append_printf(out, "%s%s", i > 0 ? "; " : "", verbs[step->verb]);
        if (step->verb != IMS_TREE_SYNC)
            g_string_append_printf(out, "-%s", ims_side_name(step->side));
        g_string_append_printf(out, " %s%s", step->name, step->subscribed ? " subscribed" : "");
        if (step->excluded_by != NULL)
            g_string_append_printf(out, " %s", step->excluded_by);
    }
    return g_string_free(out, FALSE);
}

static GPtrArray *
known_of(const char *text, guint64 signature)
{
    GPtrArray *known = g_ptr_array_new_with_free_func((GDestroyNotify)ims_mailbox_free);
    g_auto(GStrv) words = g_strsplit(text, ",", -1);

    for (char **word = words; *word != NULL && **word != '\0'; word++) {
        ImsMailbox *mailbox = ims_mailbox_new(*word + (strchr("+?=", **word) != NULL));

        mailbox->valid = **word != '?' && **word != '=';

        for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
            mailbox->known[side] = **word != '?';
            if (**word == '+')
                mailbox->subscribed[side] = IMS_SUBSCRIPTION_YES;
        }
        if (**word == '?')
            mailbox->refused[IMS_REMOTE] = signature;
        g_ptr_array_add(known, mailbox);
    }
    return known;
}

static void
run_case(const TreeCase *c)
{
    g_auto(GStrv) local_words = NULL;
    g_auto(GStrv) remote_words = NULL;
    g_autoptr(GArray) local = names_of(c->local, c->delimiter[0], &local_words);
    g_autoptr(GArray) remote = names_of(c->remote, c->delimiter[1], &remote_words);
    g_autoptr(ImsPatterns) patterns = patterns_of(c->patterns);
    g_autoptr(ImsPatterns) ignore = patterns_of(c->ignore);
    g_auto(ImsNaming) local_naming = {.delimiter = c->delimiter[0]};
    g_auto(ImsNaming) remote_naming = {.delimiter = c->delimiter[1]};
    const ImsTree tree[] = {
        {(const ImsTreeName *)(gpointer)local->data, local->len, &local_naming},
        {(const ImsTreeName *)(gpointer)remote->data, remote->len, &remote_naming},
    };
    const ImsTreeRules rules = {patterns, ignore, NULL};
    g_autoptr(GPtrArray) known = known_of(c->known, ims_tree_signature(tree));
    g_autoptr(GPtrArray) steps = NULL;
    g_autofree char *got = NULL;

    local_naming.personal = g_strdup(c->personal);
    local_naming.folder = g_strdup(c->folder);
    if (c->foreign != NULL) {
        local_naming.foreign = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(local_naming.foreign, g_strdup(c->foreign));
    }
    steps = ims_tree_decide(tree, &rules, known);
    got = describe(steps);
    g_assert_cmpstr(got, ==, c->want);
}

static void
test_table(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].name);
        run_case(&cases[i]);
    }
}

/* -- signature -- */

static guint64
signature_of(const char *local, const char *remote)
{
    g_auto(GStrv) local_words = NULL;
    g_auto(GStrv) remote_words = NULL;
    g_autoptr(GArray) locals = names_of(local, '/', &local_words);
    g_autoptr(GArray) remotes = names_of(remote, '/', &remote_words);
    const ImsNaming naming = {.delimiter = '/'};
    const ImsTree tree[] = {
        {(const ImsTreeName *)(gpointer)locals->data, locals->len, &naming},
        {(const ImsTreeName *)(gpointer)remotes->data, remotes->len, &naming},
    };

    return ims_tree_signature(tree);
}

static void
test_signature(void)
{
    guint64 first = signature_of("A,B", "C");

    g_assert_cmpuint(signature_of("", ""), !=, 0);
    g_assert_cmpuint(signature_of("B,A", "C"), ==, first);
    g_assert_cmpuint(signature_of("B,+A", "C"), ==, first);
    g_assert_cmpuint(signature_of("B,-A", "C"), !=, first);
    g_assert_cmpuint(signature_of("A,B", "C,D"), !=, first);
    g_assert_cmpuint(signature_of("A,B,C", ""), !=, first);
    g_assert_cmpuint(signature_of("A", "B,C"), !=, first);
    g_assert_cmpuint(signature_of("AB", "C"), !=, first);
}

/* -- subscriptions -- */

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

/* -- random trees -- */

/* A server that takes any name, as it is. */
typedef struct {
    ImsNaming naming;
    GPtrArray *spellings; /* char * */
} World;

static void
world_add(World *self, const char *spelling)
{
    if (!g_ptr_array_find_with_equal_func(self->spellings, spelling, g_str_equal, NULL))
        g_ptr_array_add(self->spellings, g_strdup(spelling));
}

static void
world_init(World *self)
{
    static const char *const prefixes[] = {"", "", "INBOX", "P"};
    static const char *const parts[] = {
        "a", "b", "INBOX", "inbox", "P", "F", "%x", "ä", "a.b", "/"};
    const char delimiter[] = {"./"[g_test_rand_int_range(0, 2)], '\0'};
    const char *prefix = prefixes[g_test_rand_int_range(0, G_N_ELEMENTS(prefixes))];
    gint n = g_test_rand_int_range(0, 12);

    self->naming.delimiter = *delimiter;
    self->naming.personal = *prefix != '\0' ? g_strconcat(prefix, delimiter, NULL) : g_strdup("");
    self->naming.folder = g_test_rand_int_range(0, 4) == 0 ? g_strdup("F") : NULL;
    self->naming.foreign = g_ptr_array_new_with_free_func(g_free);
    if (g_test_rand_bit())
        g_ptr_array_add(self->naming.foreign, g_strconcat("b", delimiter, NULL));
    self->spellings = g_ptr_array_new_with_free_func(g_free);
    world_add(self, "INBOX");
    while (n-- > 0) {
        GString *name = g_string_new(g_test_rand_bit() ? self->naming.personal : "");

        for (gint depth = g_test_rand_int_range(1, 4); depth > 0; depth--)
            g_string_append_printf(
                name,
                "%s%s",
                parts[g_test_rand_int_range(0, G_N_ELEMENTS(parts))],
                depth > 1 ? delimiter : "");
        world_add(self, g_ascii_strcasecmp(name->str, "INBOX") == 0 ? "INBOX" : name->str);
        g_string_free(name, TRUE);
    }
}

static void
world_clear(World *self)
{
    ims_naming_clear(&self->naming);
    g_ptr_array_unref(self->spellings);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, world_clear)

static GArray *
world_names(const World *self)
{
    GArray *names = g_array_new(FALSE, TRUE, sizeof(ImsTreeName));

    for (guint i = 0; i < self->spellings->len; i++) {
        ImsTreeName name = {
            .spelling = g_ptr_array_index(self->spellings, i),
            .delimiter = self->naming.delimiter,
            .selectable = TRUE,
            .role = "",
        };

        g_array_append_val(names, name);
    }
    return names;
}

static GPtrArray *
decide_worlds(World worlds[2], GPtrArray *known)
{
    const ImsTreeRules rules = {0};
    g_autoptr(GArray) local = world_names(&worlds[IMS_LOCAL]);
    g_autoptr(GArray) remote = world_names(&worlds[IMS_REMOTE]);
    const ImsTree tree[] = {
        {(const ImsTreeName *)(gpointer)local->data, local->len, &worlds[IMS_LOCAL].naming},
        {(const ImsTreeName *)(gpointer)remote->data, remote->len, &worlds[IMS_REMOTE].naming},
    };

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        g_autoptr(GPtrArray) names = ims_tree_names(&tree[side]);
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

        for (guint i = 0; i < names->len; i++) {
            char *name = g_ptr_array_index(names, i);

            g_assert_true(name == NULL || g_hash_table_add(seen, name));
        }
    }
    return ims_tree_decide(tree, &rules, known);
}

/* Some of what stands is known, and some that does not. */
static GPtrArray *
random_known(World worlds[2])
{
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autoptr(GPtrArray) steps = decide_worlds(worlds, none);
    GPtrArray *known = known_of("gone", 0);

    for (guint i = 0; i < steps->len; i++) {
        const ImsTreeStep *step = g_ptr_array_index(steps, i);
        ImsMailbox *mailbox;

        if (g_test_rand_int_range(0, 3) > 0 || *step->name == '/')
            continue;
        mailbox = ims_mailbox_new(step->name);
        mailbox->known[IMS_LOCAL] = mailbox->known[IMS_REMOTE] = TRUE;
        mailbox->valid = g_test_rand_bit();
        g_ptr_array_add(known, mailbox);
    }
    return known;
}

static void
act(World worlds[2], GPtrArray *steps, gboolean backwards)
{
    for (guint i = 0; i < steps->len; i++) {
        const ImsTreeStep *step = g_ptr_array_index(steps, backwards ? steps->len - 1 - i : i);

        if (step->verb == IMS_TREE_CREATE)
            world_add(&worlds[step->side], step->spelling[step->side]);
    }
}

static GPtrArray *
without_creations(GPtrArray *steps)
{
    for (guint i = 0; i < steps->len; i++) {
        ImsTreeStep *step = g_ptr_array_index(steps, i);

        if (step->verb == IMS_TREE_CREATE)
            step->verb = IMS_TREE_SYNC;
    }
    return steps;
}

static World
world_copy(const World *self)
{
    World copy = {
        .naming =
            {self->naming.delimiter,
             g_strdup(self->naming.personal),
             g_ptr_array_ref(self->naming.foreign),
             g_strdup(self->naming.folder)},
        .spellings = g_ptr_array_copy(self->spellings, (GCopyFunc)(gpointer)g_strdup, NULL),
    };

    g_ptr_array_set_free_func(copy.spellings, g_free);
    return copy;
}

static void
run_random(void)
{
    g_auto(World) local = {0};
    g_auto(World) remote = {0};
    World worlds[2];
    World backwards[2];
    g_autoptr(GPtrArray) known = NULL;
    g_autoptr(GPtrArray) first = NULL;
    g_autoptr(GPtrArray) second = NULL;
    g_autoptr(GPtrArray) third = NULL;
    g_autofree char *want = NULL;
    g_autofree char *got = NULL;
    g_autofree char *got_backwards = NULL;
    guint before[2];

    world_init(&local);
    world_init(&remote);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        worlds[side] = world_copy(side == IMS_LOCAL ? &local : &remote);
        backwards[side] = world_copy(side == IMS_LOCAL ? &local : &remote);
        before[side] = worlds[side].spellings->len;
    }
    known = random_known(worlds);
    first = decide_worlds(worlds, known);
    act(worlds, first, FALSE);
    act(backwards, first, TRUE);
    second = decide_worlds(worlds, known);
    third = decide_worlds(backwards, known);

    /* All that was to be created is what it was meant to be; nothing else has changed. */
    want = describe(without_creations(first));
    got = describe(second);
    got_backwards = describe(third);
    g_assert_cmpstr(got, ==, want);
    g_assert_cmpstr(got_backwards, ==, want);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        const World *start = side == IMS_LOCAL ? &local : &remote;

        g_assert_cmpuint(worlds[side].spellings->len, >=, before[side]);
        for (guint i = 0; i < before[side]; i++)
            g_assert_cmpstr(
                g_ptr_array_index(worlds[side].spellings, i),
                ==,
                g_ptr_array_index(start->spellings, i));
        world_clear(&worlds[side]);
        world_clear(&backwards[side]);
    }
}

static void
test_random(void)
{
    for (guint i = 0; i < 3000; i++)
        run_random();
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sync/tree/table", test_table);
    g_test_add_func("/sync/tree/signature-tells-what-comes-and-goes", test_signature);
    g_test_add_func("/sync/tree/S19-subscription", test_subscription);
    g_test_add_func("/sync/tree/random-trees-become-alike-without-aliases", test_random);
    return g_test_run();
}
