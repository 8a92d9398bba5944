/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The parser of options, and the guess at what was meant. */

#include "cli/args.h"

#include <string.h>

#include "util/error.h"

static const char *const known[] = {"mailbox=", "max-deletions=", "json", NULL};

static char *
join(const GPtrArray *words)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; words != NULL && i < words->len; i++)
        g_string_append_printf(
            text, "%s%s", i > 0 ? "," : "", (const char *)g_ptr_array_index(words, i));

    return g_string_free(g_steal_pointer(&text), FALSE);
}

typedef struct {
    const char *line; /* split at spaces; an underscore stands for an empty word */
    const char *words, *mailboxes;
    gboolean json, help;
} Case;

static const Case cases[] = {
    {"", "", "", FALSE, FALSE},
    {"a b", "a,b", "", FALSE, FALSE},
    {"--mailbox INBOX a", "a", "INBOX", FALSE, FALSE},
    {"a --mailbox=INBOX --mailbox Sent b", "a,b", "INBOX,Sent", FALSE, FALSE},
    {"--mailbox=x=y", "", "x=y", FALSE, FALSE},
    {"--mailbox= --json", "", "", TRUE, FALSE},
    {"--mailbox --json", "", "--json", FALSE, FALSE},
    {"-- --json -x", "--json,-x", "", FALSE, FALSE},
    {"-", "-", "", FALSE, FALSE},
    {"-h", "", "", FALSE, TRUE},
    {"a --help", "a", "", FALSE, TRUE},
};

static void
test_table(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Case *c = &cases[i];
        g_auto(GStrv) argv = g_strsplit(c->line, " ", -1);
        g_autoptr(ImsArgs) args = ims_args_parse(argv, known, NULL);
        g_autofree char *words = NULL;
        g_autofree char *mailboxes = NULL;

        g_test_message("%s", c->line);
        g_assert_nonnull(args);
        words = join(args->words);
        mailboxes = join(ims_args_values(args, "mailbox"));
        g_assert_cmpstr(words, ==, c->words);
        g_assert_cmpstr(mailboxes, ==, c->mailboxes);
        g_assert_cmpint(ims_args_has(args, "json"), ==, c->json);
        g_assert_cmpint(ims_args_has(args, "help"), ==, c->help);
    }
}

static void
test_refused(void)
{
    static const struct {
        const char *line, *reason;
    } refused[] = {
        {"--mailbx INBOX", "did you mean --mailbox?"},
        {"--frobnicate", "unknown option --frobnicate"},
        {"--mail", "unknown option --mail"},
        {"--mailbox", "needs a value"},
        {"--json=yes", "takes no value"},
        {"-j", "unknown option -j"},
        {"--=x", "unknown option --"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autoptr(GError) error = NULL;
        g_auto(GStrv) argv = g_strsplit(refused[i].line, " ", -1);

        g_test_message("%s", refused[i].line);
        g_assert_null(ims_args_parse(argv, known, &error));
        g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
        g_assert_nonnull(strstr(error->message, refused[i].reason));
    }
}

static void
test_last_value_wins(void)
{
    const char *argv[] = {"--max-deletions", "1", "--max-deletions=2", NULL};
    g_autoptr(ImsArgs) args = ims_args_parse((char **)argv, known, NULL);

    g_assert_cmpstr(ims_args_value(args, "max-deletions"), ==, "2");
    g_assert_null(ims_args_value(args, "mailbox"));
    g_assert_null(ims_args_word(args, 0));
}

static void
test_nearest(void)
{
    static const char *const commands[] = {"add", "list", "sync", "status", "issues", NULL};
    static const struct {
        const char *word, *want;
    } guesses[] = {
        {"snyc", "sync"},
        {"statsu", "status"},
        {"isues", "issues"},
        {"sync", "sync"},
        {"frobnicate", NULL},
        {"xx", NULL},
        {"", NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(guesses); i++)
        g_assert_cmpstr(ims_args_nearest(guesses[i].word, commands), ==, guesses[i].want);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/cli/args/words-and-options-apart", test_table);
    g_test_add_func("/cli/args/wrong-options-refused", test_refused);
    g_test_add_func("/cli/args/last-value-wins", test_last_value_wins);
    g_test_add_func("/cli/args/nearest-word-guessed", test_nearest);

    return g_test_run();
}
