/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Guesses what somebody who misspelt a word meant. */

#include "account/hint.h"

#include <glib/gi18n.h>
#include <string.h>

#define LONGEST 64 /* bytes of a word that are looked at; the known ones are shorter */

/* Levenshtein's distance over bytes, one row at a time. */
static guint
distance(const char *a, const char *b)
{
    gsize len = strlen(b);
    g_autofree guint *row = g_new(guint, len + 1);

    for (gsize j = 0; j <= len; j++)
        row[j] = (guint)j;
    for (gsize i = 0; a[i] != '\0'; i++) {
        guint diagonal = row[0];

        row[0] = (guint)i + 1;
        for (gsize j = 0; j < len; j++) {
            guint swap = diagonal + (a[i] != b[j]);

            diagonal = row[j + 1];
            row[j + 1] = MIN(swap, MIN(row[j], row[j + 1]) + 1);
        }
    }
    return row[len];
}

char *
ims_hint(const char *word, const char *const *known)
{
    g_autofree char *lower = g_ascii_strdown(word, MIN(strlen(word), LONGEST));
    g_autofree char *all = g_strjoinv(", ", (char **)known);
    const char *nearest = NULL;
    guint least = 3; /* farther than two letters is another word */

    for (; *known != NULL; known++) {
        guint far = distance(lower, *known);

        if (far < least && far < strlen(*known)) {
            least = far;
            nearest = *known;
        }
    }
    return nearest != NULL ? g_strdup_printf(_("did you mean '%s'?"), nearest)
                           : g_strdup_printf(_("known are: %s"), all);
}
