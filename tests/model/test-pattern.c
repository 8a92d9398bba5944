/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Patterns: by table, by what is refused, and against a matcher that tries everything. */
#include "model/pattern.h"

#include <string.h>

#include "util/error.h"

typedef struct {
    const char *patterns; /* separated by ";" */
    const char *name, *role;
    gboolean subscribed;
    gboolean want;
} MatchCase;

static const MatchCase cases[] = {
    {"*", "INBOX", "", FALSE, TRUE},
    {"*", "a/b/c", "", FALSE, TRUE},
    {"%", "a", "", FALSE, TRUE},
    {"%", "a/b", "", FALSE, FALSE},
    {"a/%", "a/b", "", FALSE, TRUE},
    {"a/%", "a/b/c", "", FALSE, FALSE},
    {"a/%", "a", "", FALSE, FALSE},
    {"a/*", "a/b/c", "", FALSE, TRUE},
    {"a*", "a", "", FALSE, TRUE},
    {"%/x", "a/x", "", FALSE, TRUE},
    {"*/x", "a/b/x", "", FALSE, TRUE},
    {"inbox", "INBOX", "", FALSE, TRUE},
    {"inbox/*", "INBOX/a", "", FALSE, TRUE},
    {"a", "A", "", FALSE, FALSE},
    {"Entwürfe", "Entwürfe", "", FALSE, TRUE},
    {"%bersicht", "Übersicht", "", FALSE, TRUE},
    {"a;b", "b", "", FALSE, TRUE},
    {"*;!a/*", "a/b", "", FALSE, FALSE},
    {"*;!a/*;a/b", "a/b", "", FALSE, TRUE},
    {"*;!a/*;a/b", "a/c", "", FALSE, FALSE},
    {"a/b;!a/*", "a/b", "", FALSE, FALSE},
    {"*;!role:junk", "Spam", "junk", FALSE, FALSE},
    {"*;!role:junk", "Spam", "", FALSE, TRUE},
    {"role:inbox", "INBOX", "", FALSE, TRUE},
    {"role:sent;role:inbox", "x", "sent", FALSE, TRUE},
    {"subscribed", "x", "", TRUE, TRUE},
    {"subscribed", "x", "", FALSE, FALSE},
    {"*;!subscribed", "x", "", TRUE, FALSE},
    {"INBOX;subscribed", "INBOX", "", FALSE, TRUE},
};

static void
test_table(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        const MatchCase *c = &cases[i];
        g_auto(GStrv) words = g_strsplit(c->patterns, ";", -1);
        g_autoptr(ImsPatterns) patterns = ims_patterns_new(words, NULL);

        g_test_message("“%s” and “%s”", c->patterns, c->name);
        g_assert_nonnull(patterns);
        g_assert_cmpint(ims_patterns_match(patterns, c->name, c->role, c->subscribed), ==, c->want);
    }
}

static const struct {
    const char *patterns, *words;
} refused[] = {
    {"", "is empty"},
    {"a;;b", "is empty"},
    {"*;!", "is empty"},
    {"/a", "can match no mailbox"},
    {"a/", "can match no mailbox"},
    {"a//b", "can match no mailbox"},
    {"a\tb", "can match no mailbox"},
    {"a\xff", "can match no mailbox"},
    {"role:spam", "roles are all, archive, drafts, flagged, inbox, junk, sent, trash"},
    {"role:", "names no role"},
    {"!Spam", "for example '*;!Spam'"},
};

static void
test_refused(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_auto(GStrv) words = g_strsplit(refused[i].patterns, ";", -1);
        g_autoptr(GError) error = NULL;

        g_test_message("case %" G_GSIZE_FORMAT, i);
        g_assert_null(ims_patterns_new(words, &error));
        g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
        g_assert_nonnull(strstr(error->message, refused[i].words));
    }
}

/* All ways of letting the wildcards stand for something. */
static gboolean
matches_somehow(const char *glob, const char *name)
{
    if (*glob == '\0')
        return *name == '\0';
    if (*glob != '*' && *glob != '%')
        return *glob == *name && matches_somehow(glob + 1, name + 1);
    return matches_somehow(glob + 1, name) ||
           (*name != '\0' && (*glob == '*' || *name != '/') && matches_somehow(glob, name + 1));
}

static char *
random_text(const char *letters, gint max)
{
    gint len = g_test_rand_int_range(1, max);
    char *text = g_malloc0((gsize)len + 1);

    for (gint i = 0; i < len; i++)
        text[i] = letters[g_test_rand_int_range(0, (gint)strlen(letters))];
    return text;
}

static void
test_like_trying_all(void)
{
    guint n_matched = 0;

    for (guint i = 0; i < 20000; i++) {
        char *words[] = {random_text("ab/*%", 8), NULL};
        g_autofree char *glob = words[0];
        g_autofree char *name = random_text("aab/", 8);
        g_autoptr(ImsPatterns) patterns = ims_patterns_new(words, NULL);
        gboolean got;

        if (patterns == NULL)
            continue;
        got = ims_patterns_match(patterns, name, "", FALSE);
        g_assert_cmpint(got, ==, matches_somehow(glob, name));
        n_matched += got;
    }
    g_assert_cmpuint(n_matched, >, 500);
}

static void
test_many_wildcards(void)
{
    g_autofree char *glob = g_strnfill(900, '*');
    g_autofree char *name = g_strnfill(1000, 'a');
    g_autofree char *whole = g_strconcat(glob, "b", NULL);
    char *words[] = {whole, NULL};
    g_autoptr(ImsPatterns) patterns = ims_patterns_new(words, NULL);

    g_assert_false(ims_patterns_match(patterns, name, "", FALSE));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model/pattern/table", test_table);
    g_test_add_func("/model/pattern/refused", test_refused);
    g_test_add_func("/model/pattern/like-trying-all", test_like_trying_all);
    g_test_add_func("/model/pattern/many-wildcards-take-no-longer", test_many_wildcards);
    return g_test_run();
}
