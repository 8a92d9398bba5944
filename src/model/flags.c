/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Sets of flags. The keywords are a sorted vector, so union, difference and intersection are one
 * merge that differs only in what it keeps. */
#include "model/flags.h"

#include <string.h>

/* What a merge keeps. */
enum {
    KEEP_FIRST = 1 << 0,  /* what is only in the first */
    KEEP_SECOND = 1 << 1, /* what is only in the second */
    KEEP_BOTH = 1 << 2,   /* what is in both, in the first one's spelling */
};

static char *const no_keywords[] = {NULL};

static char *const *
keywords_of(const ImsFlags *self)
{
    return self->keywords == NULL ? no_keywords : self->keywords;
}

void
ims_flags_clear(ImsFlags *self)
{
    g_strfreev(self->keywords);
    *self = (ImsFlags){0};
}

ImsFlags
ims_flags_copy(const ImsFlags *self)
{
    return (ImsFlags){.system = self->system, .keywords = g_strdupv(self->keywords)};
}

/* Returns: what of the smaller of two heads is to be kept, having moved on behind it. */
static const char *
merge_next(char *const **a, char *const **b, guint keep)
{
    const char *from_a = **a, *from_b = **b;
    int order = 0;

    if (from_a == NULL || from_b == NULL)
        order = from_a == NULL ? 1 : -1;
    else
        order = g_ascii_strcasecmp(from_a, from_b);

    if (order <= 0)
        ++*a;
    if (order >= 0)
        ++*b;
    if (order == 0)
        return keep & KEEP_BOTH ? from_a : NULL;
    if (order < 0)
        return keep & KEEP_FIRST ? from_a : NULL;
    return keep & KEEP_SECOND ? from_b : NULL;
}

static char **
merge(char *const *a, char *const *b, guint keep)
{
    g_autoptr(GPtrArray) kept = g_ptr_array_new();

    while (*a != NULL || *b != NULL) {
        const char *keyword = merge_next(&a, &b, keep);

        if (keyword != NULL)
            g_ptr_array_add(kept, g_strdup(keyword));
    }
    if (kept->len == 0)
        return NULL;
    g_ptr_array_add(kept, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&kept), FALSE);
}

static int
compare_keywords(gconstpointer a, gconstpointer b)
{
    return g_ascii_strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

void
ims_flags_add_keywords(ImsFlags *self, GPtrArray *keywords)
{
    g_autoptr(GPtrArray) distinct = g_ptr_array_new();
    char **merged;

    /* A stable sort: of two spellings the first one stays first. */
    g_ptr_array_sort(keywords, compare_keywords);
    for (guint i = 0; i < keywords->len; i++) {
        char *keyword = g_ptr_array_index(keywords, i);

        if (distinct->len == 0 ||
            g_ascii_strcasecmp(g_ptr_array_index(distinct, distinct->len - 1), keyword) != 0)
            g_ptr_array_add(distinct, keyword);
    }
    g_ptr_array_add(distinct, NULL);

    merged = merge(
        keywords_of(self), (char *const *)distinct->pdata, KEEP_FIRST | KEEP_SECOND | KEEP_BOTH);
    g_strfreev(self->keywords);
    self->keywords = merged;
}

void
ims_flags_add_keyword(ImsFlags *self, const char *keyword)
{
    g_autoptr(GPtrArray) one = g_ptr_array_new();

    g_ptr_array_add(one, (gpointer)keyword);
    ims_flags_add_keywords(self, one);
}

gboolean
ims_flags_has_keyword(const ImsFlags *self, const char *keyword)
{
    for (char *const *k = keywords_of(self); *k != NULL; k++) {
        if (g_ascii_strcasecmp(*k, keyword) == 0)
            return TRUE;
    }
    return FALSE;
}

gboolean
ims_flags_equal(const ImsFlags *a, const ImsFlags *b)
{
    char *const *x = keywords_of(a);
    char *const *y = keywords_of(b);

    while (*x != NULL && *y != NULL && g_ascii_strcasecmp(*x, *y) == 0) {
        x++;
        y++;
    }
    return a->system == b->system && *x == NULL && *y == NULL;
}

gboolean
ims_flags_is_empty(const ImsFlags *self)
{
    return self->system == 0 && self->keywords == NULL;
}

ImsFlags
ims_flags_union(const ImsFlags *a, const ImsFlags *b)
{
    return (ImsFlags){
        .system = a->system | b->system,
        .keywords = merge(keywords_of(a), keywords_of(b), KEEP_FIRST | KEEP_SECOND | KEEP_BOTH),
    };
}

ImsFlags
ims_flags_minus(const ImsFlags *a, const ImsFlags *b)
{
    return (ImsFlags){
        .system = a->system & ~b->system,
        .keywords = merge(keywords_of(a), keywords_of(b), KEEP_FIRST),
    };
}

ImsFlags
ims_flags_both(const ImsFlags *a, const ImsFlags *b)
{
    return (ImsFlags){
        .system = a->system & b->system,
        .keywords = merge(keywords_of(a), keywords_of(b), KEEP_BOTH),
    };
}

char *
ims_flags_to_key(const ImsFlags *self)
{
    GString *key = g_string_new(NULL);

    g_string_printf(key, "%u", self->system);
    for (char *const *k = keywords_of(self); *k != NULL; k++) {
        g_string_append_c(key, ' ');
        g_string_append(key, *k);
    }
    return g_string_free(key, FALSE);
}

static gboolean
is_keyword(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (!g_ascii_isgraph(*c))
            return FALSE;
    }
    return *text != '\0';
}

/* Whether @keywords could stand in an ImsFlags: sorted, no doubles, no white space within. */
static gboolean
are_keywords(char *const *keywords)
{
    for (char *const *k = keywords; *k != NULL; k++) {
        if (!is_keyword(*k) || (k > keywords && g_ascii_strcasecmp(k[-1], *k) >= 0))
            return FALSE;
    }
    return TRUE;
}

gboolean
ims_flags_from_key(const char *key, ImsFlags *out)
{
    g_auto(GStrv) parts = g_strsplit(key, " ", -1);
    guint64 system;

    if (parts[0] == NULL ||
        !g_ascii_string_to_unsigned(parts[0], 10, 0, IMS_FLAG_ALL, &system, NULL) ||
        !are_keywords(parts + 1))
        return FALSE;

    *out = (ImsFlags){
        .system = (guint)system,
        .keywords = parts[1] == NULL ? NULL : g_strdupv(parts + 1),
    };
    return TRUE;
}
