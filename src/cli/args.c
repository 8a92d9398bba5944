/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The one parser of options, shared by all commands. It knows long options only: with a dozen of
 * them in the whole program, single letters would save nobody anything and cost every reader. */

#include "cli/args.h"

#include <glib/gi18n.h>
#include <string.h>

#include "util/error.h"

#define MAX_DISTANCE 2 /* edits; more than that is another word, not a typing error */

/* Levenshtein's edit distance, by one row of the table at a time. */
static guint
distance(const char *a, const char *b)
{
    gsize n = strlen(b);
    g_autofree guint *row = g_new(guint, n + 1);

    for (gsize j = 0; j <= n; j++)
        row[j] = (guint)j;
    for (gsize i = 0; a[i] != '\0'; i++) {
        guint diagonal = row[0];

        row[0] = (guint)i + 1;
        for (gsize j = 0; j < n; j++) {
            guint above = row[j + 1];

            row[j + 1] = MIN(MIN(above, row[j]) + 1, diagonal + (a[i] != b[j]));
            diagonal = above;
        }
    }

    return row[n];
}

const char *
ims_args_nearest(const char *word, const char *const *candidates)
{
    const char *best = NULL;
    guint best_distance = MAX_DISTANCE + 1;

    for (gsize i = 0; candidates[i] != NULL; i++) {
        guint d = distance(word, candidates[i]);

        if (d < best_distance && d < strlen(word)) {
            best = candidates[i];
            best_distance = d;
        }
    }

    return best;
}

/* The entry of @known for @name, or NULL. */
static const char *
find_known(const char *const *known, const char *name)
{
    gsize len = strlen(name);

    for (gsize i = 0; known[i] != NULL; i++) {
        const char *rest = known[i] + len;

        if (strncmp(known[i], name, len) == 0 && (*rest == '\0' || strcmp(rest, "=") == 0))
            return known[i];
    }

    return NULL;
}

static void
set_unknown(const char *const *known, const char *name, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *nearest;

    for (gsize i = 0; known[i] != NULL; i++)
        g_ptr_array_add(names, g_strndup(known[i], strcspn(known[i], "=")));
    g_ptr_array_add(names, NULL);

    nearest = ims_args_nearest(name, (const char *const *)names->pdata);
    if (nearest != NULL)
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("unknown option --%s; did you mean --%s?"),
            name,
            nearest);
    else
        g_set_error(error, IMS_ERROR, IMS_ERROR_CONFIG, _("unknown option --%s"), name);
}

static void
add_value(ImsArgs *self, const char *name, const char *value)
{
    GPtrArray *values = g_hash_table_lookup(self->values, name);

    if (values == NULL) {
        values = g_ptr_array_new_with_free_func(g_free);
        g_hash_table_insert(self->values, g_strdup(name), values);
    }
    g_ptr_array_add(values, g_strdup(value));
}

/* Takes the option in `**argv`, and its value from the next argument if that is where it stands;
 * @argv is moved to the last argument that was used. */
static gboolean
take_option(ImsArgs *self, char ***argv, const char *const *known, GError **error)
{
    const char *option = **argv + strlen("--");
    const char *value = strchr(option, '=');
    g_autofree char *name = g_strndup(option, strcspn(option, "="));
    const char *entry = find_known(known, name);

    if (strcmp(option, "help") == 0) {
        add_value(self, "help", "");
        return TRUE;
    }
    if (entry == NULL) {
        set_unknown(known, name, error);
        return FALSE;
    }

    if (g_str_has_suffix(entry, "=")) {
        value = value != NULL ? value + 1 : *++*argv;
        if (value == NULL) {
            g_set_error(error, IMS_ERROR, IMS_ERROR_CONFIG, _("option --%s needs a value"), name);
            return FALSE;
        }
    } else if (value != NULL) {
        g_set_error(error, IMS_ERROR, IMS_ERROR_CONFIG, _("option --%s takes no value"), name);
        return FALSE;
    }
    add_value(self, name, value != NULL ? value : "");

    return TRUE;
}

ImsArgs *
ims_args_parse(char **argv, const char *const *known, GError **error)
{
    g_autoptr(ImsArgs) self = g_new0(ImsArgs, 1);
    gboolean only_words = FALSE;

    self->words = g_ptr_array_new();
    self->values =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);

    for (; *argv != NULL; argv++) {
        if (only_words || **argv != '-' || strcmp(*argv, "-") == 0) {
            g_ptr_array_add(self->words, *argv);
        } else if (strcmp(*argv, "--") == 0) {
            only_words = TRUE;
        } else if (strcmp(*argv, "-h") == 0) {
            add_value(self, "help", "");
        } else if (!g_str_has_prefix(*argv, "--")) {
            g_set_error(error, IMS_ERROR, IMS_ERROR_CONFIG, _("unknown option %s"), *argv);
            return NULL;
        } else if (!take_option(self, &argv, known, error)) {
            return NULL;
        }
    }

    return g_steal_pointer(&self);
}

void
ims_args_free(ImsArgs *self)
{
    if (self == NULL)
        return;

    g_ptr_array_unref(self->words);
    g_hash_table_unref(self->values);
    g_free(self);
}

gboolean
ims_args_has(const ImsArgs *self, const char *name)
{
    return g_hash_table_contains(self->values, name);
}

const GPtrArray *
ims_args_values(const ImsArgs *self, const char *name)
{
    return g_hash_table_lookup(self->values, name);
}

const char *
ims_args_value(const ImsArgs *self, const char *name)
{
    const GPtrArray *values = ims_args_values(self, name);

    return values == NULL ? NULL : g_ptr_array_index(values, values->len - 1);
}

const char *
ims_args_word(const ImsArgs *self, guint index)
{
    return index < self->words->len ? g_ptr_array_index(self->words, index) : NULL;
}
