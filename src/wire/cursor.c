/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* The one place where octets of a server become numbers, sets, dates and flags: every range is
 * checked here, and nothing depends on the locale. */
#include "wire/cursor.h"

#include <glib/gi18n.h>
#include <string.h>

#define KEYWORD_MAX 255 /* octets; Cyrus allows 200 */

gboolean
ims_octets_to_number(const char *text, gsize len, guint64 min, guint64 max, guint64 *out)
{
    guint64 value = 0;

    for (gsize i = 0; i < len; i++) {
        guint digit = (guint)(guchar)text[i] - '0';

        if (digit > 9 || digit > max || value > (max - digit) / 10)
            return FALSE;
        value = value * 10 + digit;
    }
    if (len == 0 || value < min)
        return FALSE;

    *out = value;
    return TRUE;
}

static gboolean
to_uid(const char *text, gsize len, guint32 *out)
{
    guint64 value;

    if (len == 1 && *text == '*') {
        *out = G_MAXUINT32;
        return TRUE;
    }
    if (!ims_octets_to_number(text, len, 1, G_MAXUINT32, &value))
        return FALSE;
    *out = (guint32)value;
    return TRUE;
}

static gboolean
to_range(const char *text, gsize len, ImsUidRange *out)
{
    const char *colon = memchr(text, ':', len);
    gsize first_len = colon == NULL ? len : (gsize)(colon - text);
    guint32 first, last;

    if (!to_uid(text, first_len, &first))
        return FALSE;
    last = first;
    if (colon != NULL && !to_uid(colon + 1, len - first_len - 1, &last))
        return FALSE;

    *out = (ImsUidRange){MIN(first, last), MAX(first, last)};
    return TRUE;
}

ImsUidSet *
ims_octets_to_uidset(const char *text, gsize len, gboolean *out_ordered)
{
    g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(ImsUidRange));
    const char *end = text + len;
    gboolean ordered = TRUE;
    guint32 before = 0;

    while (text <= end) {
        const char *comma = memchr(text, ',', (gsize)(end - text));
        gsize range_len = (gsize)((comma == NULL ? end : comma) - text);
        ImsUidRange range;

        if (!to_range(text, range_len, &range))
            return NULL;
        ordered = ordered && range.first > before;
        before = range.last;
        g_array_append_val(ranges, range);
        text += range_len + 1;
    }
    *out_ordered = ordered;
    return ims_uidset_new_from_ranges(ranges);
}

/* Reads @len digits at @text as a part of a date. */
static gboolean
to_part(const char *text, gsize len, guint max, guint *out)
{
    guint64 value;

    if (!ims_octets_to_number(text, len, 0, max, &value))
        return FALSE;
    *out = (guint)value;
    return TRUE;
}

static gboolean
to_month(const char *text, guint *out)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (guint i = 0; i < 12; i++) {
        if (g_ascii_strncasecmp(text, months + 3 * i, 3) == 0) {
            *out = i + 1;
            return TRUE;
        }
    }
    return FALSE;
}

/* "dd-Mon-yyyy" of 11 octets to days since the epoch; the day may be padded with a space. */
static gboolean
to_days(const char *text, gint64 *out)
{
    gsize pad = text[0] == ' ' ? 1 : 0;
    guint day, month, year;
    GDate date;

    if (!to_part(text + pad, 2 - pad, 31, &day) || text[2] != '-' || !to_month(text + 3, &month) ||
        text[6] != '-' || !to_part(text + 7, 4, 9999, &year) ||
        !g_date_valid_dmy((GDateDay)day, (GDateMonth)month, (GDateYear)year))
        return FALSE;

    g_date_clear(&date, 1);
    g_date_set_dmy(&date, (GDateDay)day, (GDateMonth)month, (GDateYear)year);
    *out = (gint64)g_date_get_julian(&date) - 719163; /* of 1-Jan-1970 */
    return TRUE;
}

/* "hh:mm:ss" of 8 octets. A leap second is the first one of the next minute. */
static gboolean
to_seconds(const char *text, guint *out)
{
    guint hour, minute, second;

    if (!to_part(text, 2, 23, &hour) || text[2] != ':' || !to_part(text + 3, 2, 59, &minute) ||
        text[5] != ':' || !to_part(text + 6, 2, 60, &second))
        return FALSE;
    *out = (hour * 60 + minute) * 60 + second;
    return TRUE;
}

/* "+hhmm" of 5 octets. */
static gboolean
to_offset(const char *text, gint64 *out)
{
    guint hour, minute;

    if ((text[0] != '+' && text[0] != '-') || !to_part(text + 1, 2, 23, &hour) ||
        !to_part(text + 3, 2, 59, &minute))
        return FALSE;
    *out = (text[0] == '-' ? -60 : 60) * (gint64)(hour * 60 + minute);
    return TRUE;
}

gboolean
ims_octets_to_date(const char *text, gsize len, gint64 *out)
{
    char padded[] = " d-Mon-yyyy hh:mm:ss +zzzz";
    gint64 days, offset;
    guint seconds;

    /* Some servers leave the padding of a day of one digit away. */
    if (len != sizeof padded - 1 && len != sizeof padded - 2)
        return FALSE;
    memcpy(padded + (sizeof padded - 1 - len), text, len);

    if (!to_days(padded, &days) || padded[11] != ' ' || !to_seconds(padded + 12, &seconds) ||
        padded[20] != ' ' || !to_offset(padded + 21, &offset))
        return FALSE;
    *out = days * 24 * 60 * 60 + seconds - offset;
    return TRUE;
}

gboolean
ims_token_is(const ImsLex *lex, const ImsToken *token, const char *word)
{
    return token->type == IMS_TOKEN_WORD && token->len == strlen(word) &&
           g_ascii_strncasecmp(lex->line->str + token->start, word, token->len) == 0;
}

const ImsToken *
ims_cursor_peek(const ImsCursor *self)
{
    const GArray *tokens = self->lex->tokens;

    return self->i < tokens->len ? &g_array_index(tokens, ImsToken, self->i) : NULL;
}

const char *
ims_cursor_text(const ImsCursor *self, const ImsToken *token)
{
    return self->lex->line->str + token->start;
}

gboolean
ims_cursor_fail(const ImsCursor *self, const char *what, GError **error)
{
    const ImsToken *token = ims_cursor_peek(self);

    return ims_lex_fail(error, token == NULL ? self->lex->at : token->start, what);
}

gboolean
ims_cursor_accept(ImsCursor *self, ImsTokenType type)
{
    const ImsToken *token = ims_cursor_peek(self);

    if (token == NULL || token->type != type)
        return FALSE;
    self->i++;
    return TRUE;
}

const ImsToken *
ims_cursor_next(ImsCursor *self, const char *what, GError **error)
{
    const ImsToken *token = ims_cursor_peek(self);

    if (token == NULL || (token->type != IMS_TOKEN_WORD && token->type != IMS_TOKEN_STRING)) {
        ims_cursor_fail(self, what, error);
        return NULL;
    }
    self->i++;
    return token;
}

gboolean
ims_cursor_open(ImsCursor *self, const char *what, GError **error)
{
    return ims_cursor_accept(self, IMS_TOKEN_OPEN) || ims_cursor_fail(self, what, error);
}

gboolean
ims_cursor_number(
    ImsCursor *self, const char *what, guint64 min, guint64 max, guint64 *out, GError **error)
{
    const ImsToken *token = ims_cursor_peek(self);

    if (token == NULL || token->type != IMS_TOKEN_WORD ||
        !ims_octets_to_number(ims_cursor_text(self, token), token->len, min, max, out))
        return ims_cursor_fail(self, what, error);
    self->i++;
    return TRUE;
}

ImsUidSet *
ims_cursor_uidset(ImsCursor *self, const char *what, gboolean *out_ordered, GError **error)
{
    const ImsToken *token = ims_cursor_peek(self);
    ImsUidSet *set = NULL;

    if (token != NULL && token->type == IMS_TOKEN_WORD)
        set = ims_octets_to_uidset(ims_cursor_text(self, token), token->len, out_ordered);
    if (set == NULL) {
        ims_cursor_fail(self, what, error);
        return NULL;
    }
    self->i++;
    return set;
}

/* Whether the octets are a keyword that may be kept. `]` may be in it: Cyrus 3.6.1 stores such
 * ones.
 */
static gboolean
is_keyword(const char *text, gsize len)
{
    for (gsize i = 0; i < len; i++) {
        if (!g_ascii_isgraph(text[i]) || strchr("(){%*\"\\", text[i]) != NULL)
            return FALSE;
    }
    return len > 0 && len <= KEYWORD_MAX;
}

static guint
system_flag(const ImsLex *lex, const ImsToken *token)
{
    static const char *const names[] = {
        "\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft"};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (ims_token_is(lex, token, names[i]))
            return 1u << i;
    }
    return 0;
}

G_STATIC_ASSERT(IMS_FLAG_SEEN == 1 << 0);
G_STATIC_ASSERT(IMS_FLAG_ANSWERED == 1 << 1);
G_STATIC_ASSERT(IMS_FLAG_FLAGGED == 1 << 2);
G_STATIC_ASSERT(IMS_FLAG_DELETED == 1 << 3);
G_STATIC_ASSERT(IMS_FLAG_DRAFT == 1 << 4);

/* Those that sort first stay, so that two servers with the same keywords keep the same. */
static void
limit_keywords(ImsFlags *flags, guint max)
{
    guint n = flags->keywords != NULL ? g_strv_length(flags->keywords) : 0;

    if (n <= max)
        return;

    for (guint i = max; i < n; i++)
        g_free(flags->keywords[i]);
    flags->keywords[max] = NULL;
    flags->keywords = g_renew(char *, flags->keywords, max + 1);
}

gboolean
ims_cursor_flags(
    ImsCursor *self, guint max_keywords, ImsFlags *out, gboolean *out_any, GError **error)
{
    g_autoptr(GPtrArray) keywords = g_ptr_array_new_with_free_func(g_free);
    ImsFlags flags = {0};
    gboolean any = FALSE;

    if (!ims_cursor_open(self, N_("a list of flags is missing"), error))
        return FALSE;
    while (!ims_cursor_accept(self, IMS_TOKEN_CLOSE)) {
        const ImsToken *token = ims_cursor_next(self, N_("a flag is missing"), error);

        if (token == NULL)
            return FALSE;
        flags.system |= system_flag(self->lex, token);
        any = any || ims_token_is(self->lex, token, "\\*");
        if (token->type == IMS_TOKEN_WORD && is_keyword(ims_cursor_text(self, token), token->len))
            g_ptr_array_add(keywords, g_strndup(ims_cursor_text(self, token), token->len));
    }
    ims_flags_add_keywords(&flags, keywords);
    limit_keywords(&flags, max_keywords);
    *out = flags;
    if (out_any != NULL)
        *out_any = any;
    return TRUE;
}

char **
ims_cursor_words(ImsCursor *self)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    const ImsToken *token;

    while ((token = ims_cursor_peek(self)) != NULL && token->type == IMS_TOKEN_WORD) {
        g_ptr_array_add(words, g_ascii_strup(ims_cursor_text(self, token), token->len));
        self->i++;
    }
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

gboolean
ims_cursor_skip(ImsCursor *self, const char *what, GError **error)
{
    guint depth = 0;

    do {
        const ImsToken *token = ims_cursor_peek(self);

        if (token == NULL || (depth == 0 && token->type == IMS_TOKEN_CLOSE))
            return ims_cursor_fail(self, what, error);
        if (token->type == IMS_TOKEN_OPEN)
            depth++;
        else if (token->type == IMS_TOKEN_CLOSE)
            depth--;
        self->i++;
    } while (depth > 0);
    return TRUE;
}

gboolean
ims_cursor_end(const ImsCursor *self, GError **error)
{
    return ims_cursor_peek(self) == NULL ||
           ims_cursor_fail(self, N_("more than the response may hold"), error);
}
