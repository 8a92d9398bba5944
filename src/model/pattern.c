/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Patterns for names of mailboxes. They are the user's own, and checked when they are read: one
 * that can match no name at all is a mistake that would else be seen only by what is missing. */
#include "model/pattern.h"

#include <glib/gi18n.h>
#include <string.h>

#include "model/mailbox-name.h"
#include "util/error.h"
#include "util/log.h"

typedef enum { GLOB, ROLE, SUBSCRIBED } Kind;

typedef struct {
    Kind kind;
    gboolean takes_away;
    char *text; /* GLOB, ROLE */
} Pattern;

struct ImsPatterns {
    gint refs;
    GArray *all; /* Pattern */
};

static const char *const roles[] = {
    "all", "archive", "drafts", "flagged", "inbox", "junk", "sent", "trash", NULL};

static gboolean
refuse_empty(const char *shown, GError **error)
{
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CONFIG,
        _("the pattern '%s' is empty; write names or '*', with one ';' between two"),
        shown);
    return FALSE;
}

static gboolean
read_role(const char *shown, const char *role, Pattern *out, GError **error)
{
    g_autofree char *known = g_strjoinv(", ", (char **)roles);

    if (!g_strv_contains(roles, role)) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("the pattern '%s' names no role; roles are %s"),
            shown,
            known);
        return FALSE;
    }
    out->kind = ROLE;
    out->text = g_strdup(role);
    return TRUE;
}

static gboolean
read_glob(const char *shown, const char *glob, Pattern *out, GError **error)
{
    g_autofree char *name = ims_mailbox_name_canonical(glob);

    if (*glob == '\0')
        return refuse_empty(shown, error);
    if (name == NULL) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("the pattern '%s' can match no mailbox; a name is UTF-8 without control characters, "
              "with one '/' between two levels, for example 'Lists/*'"),
            shown);
        return FALSE;
    }
    out->kind = GLOB;
    out->text = g_steal_pointer(&name);
    return TRUE;
}

static gboolean
read_pattern(const char *word, Pattern *out, GError **error)
{
    const char *rest = *word == '!' ? word + 1 : word;
    g_autofree char *shown = ims_text_escape(word, strlen(word));

    out->takes_away = rest != word;
    if (g_str_equal(rest, "subscribed")) {
        out->kind = SUBSCRIBED;
        return TRUE;
    }
    if (g_str_has_prefix(rest, "role:"))
        return read_role(shown, rest + strlen("role:"), out, error);
    return read_glob(shown, rest, out, error);
}

static void
refuse_first(const char *word, GError **error)
{
    g_autofree char *shown = ims_text_escape(word, strlen(word));

    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CONFIG,
        _("the pattern '%s' comes first, so that there is nothing to take away; begin with what is "
          "meant, for example '*;%s'"),
        shown,
        shown);
}

static void
pattern_clear(gpointer data)
{
    g_free(((Pattern *)data)->text);
}

ImsPatterns *
ims_patterns_new(char *const *words, GError **error)
{
    g_autoptr(ImsPatterns) self = g_new0(ImsPatterns, 1);

    self->refs = 1;
    self->all = g_array_new(FALSE, TRUE, sizeof(Pattern));
    g_array_set_clear_func(self->all, pattern_clear);
    for (gsize i = 0; words[i] != NULL; i++) {
        Pattern pattern = {0};

        if (!read_pattern(words[i], &pattern, error))
            return NULL;
        g_array_append_val(self->all, pattern);
        if (i == 0 && pattern.takes_away) {
            refuse_first(words[i], error);
            return NULL;
        }
    }
    if (self->all->len == 0) {
        refuse_empty("", error);
        return NULL;
    }
    return g_steal_pointer(&self);
}

ImsPatterns *
ims_patterns_ref(ImsPatterns *self)
{
    g_atomic_int_inc(&self->refs);
    return self;
}

void
ims_patterns_unref(ImsPatterns *self)
{
    if (self == NULL || !g_atomic_int_dec_and_test(&self->refs))
        return;
    g_array_unref(self->all);
    g_free(self);
}

/* Which beginnings of the name the pattern up to here matches, kept for each further character of
 * the pattern: the time is the product of both lengths, whatever the pattern is. */
static gboolean
glob_matches(const char *glob, const char *name)
{
    gsize len = strlen(name);
    g_autofree guint8 *fits = g_malloc0(len + 1);

    fits[0] = TRUE;
    for (; *glob != '\0'; glob++) {
        if (*glob == '*' || *glob == '%') {
            for (gsize i = 1; i <= len; i++)
                fits[i] |= fits[i - 1] && (*glob == '*' || name[i - 1] != '/');
            continue;
        }
        for (gsize i = len; i > 0; i--)
            fits[i] = fits[i - 1] && name[i - 1] == *glob;
        fits[0] = FALSE;
    }
    return fits[len];
}

static gboolean
matches(const Pattern *pattern, const char *name, const char *role, gboolean subscribed)
{
    switch (pattern->kind) {
    case ROLE:
        return g_str_equal(pattern->text, g_str_equal(name, "INBOX") ? "inbox" : role);
    case SUBSCRIBED:
        return subscribed;
    case GLOB:
    default:
        return glob_matches(pattern->text, name);
    }
}

gboolean
ims_patterns_match(const ImsPatterns *self, const char *name, const char *role, gboolean subscribed)
{
    for (guint i = self->all->len; i > 0; i--) {
        const Pattern *pattern = &g_array_index(self->all, Pattern, i - 1);

        if (matches(pattern, name, role, subscribed))
            return !pattern->takes_away;
    }
    return FALSE;
}
