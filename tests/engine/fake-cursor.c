/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Words of IMAP as a server reads and writes them. Written apart from src/wire, whose mistakes it
 * would otherwise share; only modified UTF-7 is taken from there. */

#include "fake-cursor.h"

#include <stdio.h>
#include <string.h>

#include "fake-server.h"
#include "wire/utf7.h"

static const char *const months[] = {
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
};

static const struct {
    const char *name;
    guint bit;
} system_flags[] = {
    {"\\Seen", IMS_FLAG_SEEN},
    {"\\Answered", IMS_FLAG_ANSWERED},
    {"\\Flagged", IMS_FLAG_FLAGGED},
    {"\\Deleted", IMS_FLAG_DELETED},
    {"\\Draft", IMS_FLAG_DRAFT},
};

gboolean
fake_skip(FakeCursor *self, char c)
{
    if (self->bad || self->p == self->end || *self->p != c)
        return FALSE;
    self->p++;
    return TRUE;
}

void
fake_expect(FakeCursor *self, char c)
{
    if (!fake_skip(self, c))
        self->bad = TRUE;
}

char *
fake_word(FakeCursor *self)
{
    const char *begin = self->p;

    while (!self->bad && self->p < self->end && strchr(" ()", *self->p) == NULL)
        self->p++;
    if (self->p == begin)
        self->bad = TRUE;
    return g_strndup(begin, (gsize)(self->p - begin));
}

char *
fake_verb(FakeCursor *self)
{
    g_autofree char *word = fake_word(self);

    return g_ascii_strup(word, -1);
}

static GBytes *
take_literal(FakeCursor *self)
{
    char *rest;
    guint64 size = g_ascii_strtoull(self->p + 1, &rest, 10);
    const char *data;

    if (*rest == '+')
        rest++;
    data = rest + strlen("}\r\n");
    if (*rest != '}' || data > self->end || size > (guint64)(self->end - data)) {
        self->bad = TRUE;
        return g_bytes_new(NULL, 0);
    }
    self->p = data + size;
    return g_bytes_new(data, size);
}

static GBytes *
take_quoted(FakeCursor *self)
{
    GString *text = g_string_new(NULL);

    fake_expect(self, '"');
    while (self->p < self->end && *self->p != '"') {
        if (*self->p == '\\' && self->p + 1 < self->end)
            self->p++;
        g_string_append_c(text, *self->p++);
    }
    fake_expect(self, '"');
    return g_string_free_to_bytes(text);
}

GBytes *
fake_string(FakeCursor *self)
{
    char *word;

    if (!self->bad && self->p < self->end && *self->p == '{')
        return take_literal(self);
    if (!self->bad && self->p < self->end && *self->p == '"')
        return take_quoted(self);
    word = fake_word(self);
    return g_bytes_new_take(word, strlen(word));
}

char *
fake_mailbox_arg(FakeCursor *self)
{
    g_autoptr(GBytes) wire = fake_string(self);
    gsize len;
    const char *text = g_bytes_get_data(wire, &len);

    if (text == NULL || len == 0)
        return NULL;
    if (len == strlen("INBOX") && g_ascii_strncasecmp(text, "INBOX", len) == 0)
        return g_strdup("INBOX");
    if (len == strlen(FAKE_ODD_WIRE) && memcmp(text, FAKE_ODD_WIRE, len) == 0)
        return g_strdup(FAKE_ODD);
    return ims_utf7_decode(text, len);
}

char *
fake_parens(FakeCursor *self)
{
    const char *begin = self->p + 1;
    guint depth = 1;

    fake_expect(self, '(');
    if (self->bad)
        return g_strdup("");
    for (; self->p < self->end; self->p++) {
        depth += *self->p == '(';
        depth -= *self->p == ')';
        if (depth == 0) {
            self->p++;
            return g_strndup(begin, (gsize)(self->p - begin - 1));
        }
    }
    self->bad = TRUE;
    return g_strdup("");
}

static gboolean
add_flag(ImsFlags *flags, const char *name)
{
    if (*name != '\\') {
        ims_flags_add_keyword(flags, name);
        return *name != '\0';
    }
    for (gsize i = 0; i < G_N_ELEMENTS(system_flags); i++) {
        if (g_ascii_strcasecmp(name, system_flags[i].name) == 0) {
            flags->system |= system_flags[i].bit;
            return TRUE;
        }
    }
    return FALSE;
}

ImsFlags
fake_flags_arg(FakeCursor *self)
{
    g_autofree char *list = fake_parens(self);
    g_auto(GStrv) names = g_strsplit(list, " ", 0);
    ImsFlags flags = {0};

    for (guint i = 0; names[i] != NULL; i++)
        if (!add_flag(&flags, names[i]))
            self->bad = TRUE;
    return flags;
}

gint64
fake_date_arg(FakeCursor *self)
{
    g_autoptr(GBytes) bytes = take_quoted(self);
    g_autofree char *text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    int day, year, hour, minute, second, zone;
    char month[4];

    if (sscanf(
            text,
            "%2d-%3s-%4d %2d:%2d:%2d %5d",
            &day,
            month,
            &year,
            &hour,
            &minute,
            &second,
            &zone) == 7) {
        for (int i = 0; i < 12; i++) {
            g_autoptr(GDateTime) date = NULL;

            if (g_ascii_strcasecmp(month, months[i]) != 0)
                continue;
            date = g_date_time_new_utc(year, i + 1, day, hour, minute, second);
            if (date != NULL)
                return g_date_time_to_unix(date) - (zone / 100 * 60 + zone % 100) * 60;
        }
    }
    self->bad = TRUE;
    return 0;
}

/* Returns: 0 if @text is no number. */
static guint32
parse_uid(const char *text, guint32 largest)
{
    guint64 number = 0;

    if (g_str_equal(text, "*"))
        return largest;
    if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT32, &number, NULL))
        return 0;
    return (guint32)number;
}

ImsUidSet *
fake_uids_parse(const char *text, guint32 largest)
{
    g_autoptr(ImsUidSet) uids = ims_uidset_new();
    g_auto(GStrv) parts = g_strsplit(text, ",", 0);

    for (guint i = 0; parts[i] != NULL; i++) {
        g_auto(GStrv) ends = g_strsplit(parts[i], ":", 2);
        guint32 a = ends[0] != NULL ? parse_uid(ends[0], largest) : 0;
        guint32 b = ends[0] != NULL && ends[1] != NULL ? parse_uid(ends[1], largest) : a;

        if (a == 0 || b == 0)
            return NULL;
        ims_uidset_add_range(uids, MIN(a, b), MAX(a, b));
    }
    return g_steal_pointer(&uids);
}

ImsUidSet *
fake_uids_arg(FakeCursor *self, guint32 largest)
{
    g_autofree char *text = fake_word(self);
    ImsUidSet *uids = fake_uids_parse(text, MAX(largest, 1));

    if (uids != NULL)
        return uids;
    self->bad = TRUE;
    return ims_uidset_new();
}

void
fake_put_flags(GString *out, const ImsFlags *flags)
{
    const char *space = "";

    g_string_append_c(out, '(');
    for (gsize i = 0; i < G_N_ELEMENTS(system_flags); i++) {
        if ((flags->system & system_flags[i].bit) == 0)
            continue;
        g_string_append_printf(out, "%s%s", space, system_flags[i].name);
        space = " ";
    }
    for (guint i = 0; flags->keywords != NULL && flags->keywords[i] != NULL; i++) {
        g_string_append_printf(out, "%s%s", space, flags->keywords[i]);
        space = " ";
    }
    g_string_append_c(out, ')');
}

void
fake_put_date(GString *out, gint64 date)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(date);

    g_string_append_printf(
        out,
        "\"%02d-%s-%04d %02d:%02d:%02d +0000\"",
        g_date_time_get_day_of_month(time),
        months[g_date_time_get_month(time) - 1],
        g_date_time_get_year(time),
        g_date_time_get_hour(time),
        g_date_time_get_minute(time),
        g_date_time_get_second(time));
}

void
fake_put_uids(GString *out, const ImsUidSet *uids)
{
    for (guint i = 0; i < ims_uidset_n_ranges(uids); i++) {
        const ImsUidRange *range = ims_uidset_range(uids, i);

        g_string_append_printf(out, "%s%u", i > 0 ? "," : "", range->first);
        if (range->last > range->first)
            g_string_append_printf(out, ":%u", range->last);
    }
}

void
fake_put_mailbox(GString *out, const char *name)
{
    g_autofree char *wire =
        g_str_equal(name, FAKE_ODD) ? g_strdup(FAKE_ODD_WIRE) : ims_utf7_encode(name);

    g_string_append_c(out, '"');
    for (const char *p = wire; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *p);
    }
    g_string_append_c(out, '"');
}
