/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The list of capabilities, which of them this program cannot do without, and which it makes use
 * of. Only what was told after login counts, so the owner clears the list when it logs in. */
#include "imap/caps.h"

#include <string.h>

#include "util/log.h"

static const char *const required[] = {"QRESYNC", "UIDPLUS", "LIST-EXTENDED", "LIST-STATUS"};

/* Without these it does the same, at a cost that imapsyncctl tells: a name that is added here goes
 * there and into the description of the D-Bus interface too. */
static const char *const optional[] = {
    "LITERAL+",
    "LITERAL-",
    "MULTIAPPEND",
    "COMPRESS=DEFLATE",
    "ESEARCH",
    "NAMESPACE",
    "SPECIAL-USE",
    "APPENDLIMIT",
};

/* QRESYNC can only be used after ENABLE, so that one without the other is as good as none. */
static gboolean
has_required(const ImsCaps *self, const char *word)
{
    if (g_str_equal(word, "QRESYNC") && !ims_caps_has(self, "ENABLE"))
        return FALSE;

    return ims_caps_has(self, word);
}

void
ims_caps_clear(ImsCaps *self)
{
    g_clear_pointer(&self->words, g_strfreev);
}

void
ims_caps_set(ImsCaps *self, char **words)
{
    static char *none[] = {NULL};
    char **copy = g_strdupv(words != NULL ? words : none);

    g_strfreev(self->words);
    self->words = copy;
}

void
ims_caps_parse(ImsCaps *self, const char *text)
{
    g_strfreev(self->words);
    self->words = g_strsplit(text, " ", -1);
}

char *
ims_caps_text(const ImsCaps *self)
{
    return self->words != NULL ? g_strjoinv(" ", self->words) : NULL;
}

gboolean
ims_caps_known(const ImsCaps *self)
{
    return self->words != NULL;
}

gboolean
ims_caps_has(const ImsCaps *self, const char *word)
{
    for (gsize i = 0; self->words != NULL && self->words[i] != NULL; i++) {
        if (g_ascii_strcasecmp(self->words[i], word) == 0)
            return TRUE;
    }
    return FALSE;
}

guint64
ims_caps_number(const ImsCaps *self, const char *name, guint64 fallback)
{
    gsize len = strlen(name);
    guint64 number;

    for (gsize i = 0; self->words != NULL && self->words[i] != NULL; i++) {
        const char *word = self->words[i];

        if (g_ascii_strncasecmp(word, name, len) == 0 && word[len] == '=' &&
            g_ascii_string_to_unsigned(word + len + 1, 10, 0, G_MAXUINT64, &number, NULL))
            return number;
    }
    return fallback;
}

char *
ims_caps_mechanisms(const ImsCaps *self)
{
    g_autoptr(GString) all = g_string_new(NULL);

    for (gsize i = 0; self->words != NULL && self->words[i] != NULL; i++) {
        if (g_ascii_strncasecmp(self->words[i], "AUTH=", strlen("AUTH=")) == 0)
            g_string_append_printf(all, "%s%s", all->len > 0 ? ", " : "", self->words[i]);
    }
    return all->len > 0 ? ims_text_escape(all->str, all->len) : NULL;
}

char *
ims_caps_missing(const ImsCaps *self)
{
    g_autoptr(GPtrArray) missing = g_ptr_array_new();

    for (gsize i = 0; i < G_N_ELEMENTS(required); i++) {
        if (!has_required(self, required[i]))
            g_ptr_array_add(missing, (gpointer)required[i]);
    }
    if (missing->len == 0)
        return NULL;

    g_ptr_array_add(missing, NULL);
    return g_strjoinv(", ", (char **)missing->pdata);
}

/* APPENDLIMIT without a number is one that nobody here asks for. */
static gboolean
has_optional(const ImsCaps *self, const char *word)
{
    if (g_str_equal(word, "APPENDLIMIT"))
        return ims_caps_number(self, word, G_MAXUINT64) != G_MAXUINT64;
    return ims_caps_has(self, word);
}

/* LITERAL- is a part of LITERAL+. */
static gboolean
is_moot(const ImsCaps *self, const char *word, gboolean compress)
{
    if (g_str_equal(word, "COMPRESS=DEFLATE"))
        return !compress;
    return g_str_equal(word, "LITERAL-") && ims_caps_has(self, "LITERAL+");
}

void
ims_caps_tell(const ImsCaps *self, gboolean compress, ImsFacts *facts)
{
    g_autoptr(GStrvBuilder) used = g_strv_builder_new();
    g_autoptr(GStrvBuilder) lacking = g_strv_builder_new();
    g_autoptr(GStrvBuilder) missing = g_strv_builder_new();

    for (gsize i = 0; i < G_N_ELEMENTS(required); i++)
        g_strv_builder_add(has_required(self, required[i]) ? used : missing, required[i]);
    for (gsize i = 0; i < G_N_ELEMENTS(optional); i++) {
        if (!is_moot(self, optional[i], compress))
            g_strv_builder_add(has_optional(self, optional[i]) ? used : lacking, optional[i]);
    }
    facts->used = g_strv_builder_end(used);
    facts->lacking = g_strv_builder_end(lacking);
    facts->required = g_strv_builder_end(missing);
}
