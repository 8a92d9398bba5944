/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* What goes out is built here from values alone: flags from a list, dates from an integer, names
 * and texts only if they cannot end their own string. */
#include "wire/encode.h"

#include <string.h>

#include "wire/utf7.h"

#define KEYWORD_MAX 50
#define RANGE_MAX   21 /* octets of "4294967294:4294967295" */

#define DATE_MAX G_GINT64_CONSTANT(253402300799) /* 31-Dec-9999 23:59:59 */

gboolean
ims_encode_quotable(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((guchar)*c >= 0x80 || *c == '\r' || *c == '\n' || c - text >= IMS_QUOTED_MAX)
            return FALSE;
    }
    return TRUE;
}

void
ims_encode_quoted(GString *out, const char *text)
{
    g_assert(ims_encode_quotable(text));

    g_string_append_c(out, '"');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *c);
    }
    g_string_append_c(out, '"');
}

static gboolean
has_control(const char *name)
{
    for (const char *c = name; *c != '\0'; c = g_utf8_next_char(c)) {
        if (g_unichar_iscntrl(g_utf8_get_char(c)))
            return TRUE;
    }
    return FALSE;
}

gboolean
ims_encode_mailbox(GString *out, const char *name)
{
    g_autofree char *wire = NULL;

    if (!g_utf8_validate(name, -1, NULL) || has_control(name))
        return FALSE;
    wire = ims_utf7_encode(name);
    if (!ims_encode_quotable(wire))
        return FALSE;
    ims_encode_quoted(out, wire);
    return TRUE;
}

gboolean
ims_encode_keyword_valid(const char *keyword)
{
    gsize len = 0;

    for (; keyword[len] != '\0'; len++) {
        if (len == KEYWORD_MAX || !g_ascii_isgraph(keyword[len]) ||
            strchr("(){%*\"\\]", keyword[len]) != NULL)
            return FALSE;
    }
    return len > 0;
}

void
ims_encode_flags(GString *out, const ImsFlags *flags)
{
    static const struct {
        guint bit;
        const char *name;
    } names[] = {
        {IMS_FLAG_SEEN, "\\Seen"},
        {IMS_FLAG_ANSWERED, "\\Answered"},
        {IMS_FLAG_FLAGGED, "\\Flagged"},
        {IMS_FLAG_DELETED, "\\Deleted"},
        {IMS_FLAG_DRAFT, "\\Draft"},
    };
    const char *space = "";

    g_string_append_c(out, '(');
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (!(flags->system & names[i].bit))
            continue;
        g_string_append_printf(out, "%s%s", space, names[i].name);
        space = " ";
    }
    for (char **k = flags->keywords; k != NULL && *k != NULL; k++) {
        if (!ims_encode_keyword_valid(*k))
            continue;
        g_string_append_printf(out, "%s%s", space, *k);
        space = " ";
    }
    g_string_append_c(out, ')');
}

void
ims_encode_date(GString *out, gint64 seconds)
{
    static const char *const months[] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(CLAMP(seconds, 0, DATE_MAX));

    g_string_append_printf(
        out,
        "\"%2d-%s-%04d %02d:%02d:%02d +0000\"",
        g_date_time_get_day_of_month(date),
        months[g_date_time_get_month(date) - 1],
        g_date_time_get_year(date),
        g_date_time_get_hour(date),
        g_date_time_get_minute(date),
        g_date_time_get_second(date));
}

void
ims_encode_uidset(GString *out, const ImsUidSet *set, guint *inout_range, gsize max)
{
    gsize limit = out->len + max;
    const char *comma = "";

    g_assert(max >= RANGE_MAX);

    for (; *inout_range < ims_uidset_n_ranges(set); ++*inout_range) {
        const ImsUidRange *range = ims_uidset_range(set, *inout_range);
        gsize before = out->len;

        g_string_append_printf(out, "%s%u", comma, range->first);
        if (range->last != range->first)
            g_string_append_printf(out, ":%u", range->last);
        if (out->len > limit) {
            g_string_truncate(out, before);
            return;
        }
        comma = ",";
    }
}
