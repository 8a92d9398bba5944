/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Sizes, times, tables, JSON and what a job did. Nothing is written here, so that
 * tests can compare. A server's words were escaped by the service, and are only ever an argument of
 * a format; names of mailboxes were not, so whoever shows one escapes it. */

#include "cli/show.h"

#include <glib/gi18n.h>
#include <inttypes.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "util/log.h"

#define ELLIPSIS "…"

char *
ims_show_duration(guint64 us)
{
    guint64 s = us / G_USEC_PER_SEC;

    if (us < 10 * G_USEC_PER_SEC)
        return g_strdup_printf(_("%.1f s"), (double)us / G_USEC_PER_SEC);
    if (s < 60)
        return g_strdup_printf(_("%" PRIu64 " s"), s);
    if (s < 60 * 60)
        return g_strdup_printf(_("%" PRIu64 " min %02" PRIu64 " s"), s / 60, s % 60);

    return g_strdup_printf(_("%" PRIu64 " h %02" PRIu64 " min"), s / 3600, s / 60 % 60);
}

char *
ims_show_size(guint64 bytes)
{
    static const char *const units[] = {N_("kB"), N_("MB"), N_("GB"), N_("TB"), N_("PB"), N_("EB")};
    double value = (double)bytes / 1000;
    gsize unit = 0;

    if (bytes < 1000)
        return g_strdup_printf(_("%u B"), (guint)bytes);
    while (value >= 999.95 && unit + 1 < G_N_ELEMENTS(units)) {
        value /= 1000;
        unit++;
    }

    return g_strdup_printf("%.1f %s", value, _(units[unit]));
}

char *
ims_show_time(guint64 us)
{
    g_autoptr(GDateTime) time = NULL;

    if (us == 0)
        return g_strdup(_("never"));
    time = g_date_time_new_from_unix_local((gint64)(us / G_USEC_PER_SEC));

    return time == NULL ? g_strdup("?") : g_date_time_format(time, "%Y-%m-%d %H:%M");
}

static guint
char_width(gunichar c)
{
    if (g_unichar_iszerowidth(c))
        return 0;

    return g_unichar_iswide(c) ? 2 : 1;
}

guint
ims_show_width(const char *text)
{
    guint width = 0;

    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
        width += char_width(g_utf8_get_char(p));

    return width;
}

char *
ims_show_fit(const char *text, guint width)
{
    const char *end = text;
    guint used = 0;

    if (ims_show_width(text) <= width)
        return g_strdup(text);
    if (width == 0)
        return g_strdup("");

    while (used + char_width(g_utf8_get_char(end)) <= width - 1) {
        used += char_width(g_utf8_get_char(end));
        end = g_utf8_next_char(end);
    }

    return g_strdup_printf("%.*s" ELLIPSIS, (int)(end - text), text);
}

static guint
column_width(const GPtrArray *rows, guint column)
{
    guint width = 0;

    for (guint i = 0; i < rows->len; i++) {
        char **row = g_ptr_array_index(rows, i);

        width = MAX(width, ims_show_width(row[column]));
    }

    return width;
}

static GArray *
column_widths(const GPtrArray *rows)
{
    GArray *widths = g_array_new(FALSE, FALSE, sizeof(guint));
    char **heading = g_ptr_array_index(rows, 0);

    for (guint column = 0; heading[column] != NULL; column++) {
        guint width = column_width(rows, column);

        g_array_append_val(widths, width);
    }

    return widths;
}

char *
ims_show_table(const GPtrArray *rows)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GArray) widths = column_widths(rows);

    for (guint i = 0; i < rows->len; i++) {
        char **row = g_ptr_array_index(rows, i);

        for (guint column = 0; row[column] != NULL; column++) {
            guint pad = g_array_index(widths, guint, column) - ims_show_width(row[column]) + 2;

            g_string_append(text, row[column]);
            if (row[column + 1] != NULL)
                g_string_append_printf(text, "%*s", (int)pad, "");
        }
        while (g_str_has_suffix(text->str, " ")) /* of an empty last column */
            g_string_truncate(text, text->len - 1);
        g_string_append_c(text, '\n');
    }

    return g_string_free(g_steal_pointer(&text), FALSE);
}

char *
ims_show_json(GVariant *value)
{
    g_autoptr(JsonNode) root = json_gvariant_serialize(value);

    return json_to_string(root, TRUE);
}

/* Returns: (transfer floating): an `a{sv}`. */
static GVariant *
with_name(const char *name, GVariant *fields)
{
    GVariantBuilder builder;

    g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&builder, "{sv}", "name", g_variant_new_string(name));
    for (gsize i = 0; i < g_variant_n_children(fields); i++) {
        g_autoptr(GVariant) field = g_variant_get_child_value(fields, i);

        g_variant_builder_add_value(&builder, field);
    }

    return g_variant_builder_end(&builder);
}

char *
ims_show_named_json(GVariant *named)
{
    g_autoptr(GVariant) objects = NULL;
    GVariantBuilder builder;

    g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
    for (gsize i = 0; i < g_variant_n_children(named); i++) {
        g_autoptr(GVariant) fields = NULL;
        const char *name;

        g_variant_get_child(named, i, "(&s@a{sv})", &name, &fields);
        g_variant_builder_add_value(&builder, with_name(name, fields));
    }
    objects = g_variant_ref_sink(g_variant_builder_end(&builder));

    return ims_show_json(objects);
}

static guint64
count(GVariant *counts, const char *name)
{
    guint64 n = 0;

    g_variant_lookup(counts, name, "t", &n);

    return n;
}

/* A cell that says how many, and on which side; empty for none. */
static char *
both_ways(GVariant *counts, const char *local, const char *remote)
{
    guint64 to_local = count(counts, local), to_remote = count(counts, remote);

    if (to_local > 0 && to_remote > 0)
        return g_strdup_printf(_("%" PRIu64 " local, %" PRIu64 " remote"), to_local, to_remote);
    if (to_local > 0)
        return g_strdup_printf(_("%" PRIu64 " local"), to_local);
    if (to_remote > 0)
        return g_strdup_printf(_("%" PRIu64 " remote"), to_remote);

    return g_strdup("");
}

/* What is to be known of a mailbox besides the numbers. */
static char *
plan_note(GVariant *fields, gboolean held)
{
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    guint64 n_held = count(fields, "held"), n_refused = count(fields, "refused");

    if (count(fields, "mailboxes-created") > 0)
        g_ptr_array_add(notes, g_strdup(_("to be created")));
    if (n_held > 0)
        g_ptr_array_add(
            notes, g_strdup_printf(_("%" PRIu64 " deletions would be held back"), n_held));
    else if (held)
        g_ptr_array_add(notes, g_strdup(_("held back")));
    if (n_refused > 0)
        g_ptr_array_add(notes, g_strdup_printf(_("%" PRIu64 " too large"), n_refused));
    g_ptr_array_add(notes, NULL);

    return g_strjoinv(", ", (char **)notes->pdata);
}

/* NULL if nothing would happen to the mailbox. */
static char **
plan_row(const char *name, GVariant *fields)
{
    g_autoptr(GStrvBuilder) row = g_strv_builder_new();
    g_autofree char *mailbox = ims_text_escape(name, strlen(name));
    g_autofree char *copies = both_ways(fields, "copied-local", "copied-remote");
    g_autofree char *flags = both_ways(fields, "flags-local", "flags-remote");
    g_autofree char *expunges = both_ways(fields, "expunged-local", "expunged-remote");
    const char *state = "synced";
    g_autofree char *note = NULL;

    g_variant_lookup(fields, "state", "&s", &state);
    if (g_str_equal(state, "synced"))
        return NULL;
    note = plan_note(fields, g_str_equal(state, "held"));
    g_strv_builder_add_many(row, "", mailbox, copies, flags, expunges, note, NULL);

    return g_strv_builder_end(row);
}

char *
ims_show_plan(const char *account, GVariant *mailboxes)
{
    const char *heading[] = {
        "", _("MAILBOX"), _("COPY TO"), _("FLAGS ON"), _("EXPUNGE ON"), _("NOTE"), NULL};
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    g_autofree char *table = NULL;

    g_ptr_array_add(rows, g_strdupv((char **)heading));
    for (gsize i = 0; i < g_variant_n_children(mailboxes); i++) {
        g_autoptr(GVariant) fields = NULL;
        const char *name;
        char **row;

        g_variant_get_child(mailboxes, i, "(&s@a{sv})", &name, &fields);
        row = plan_row(name, fields);
        if (row != NULL)
            g_ptr_array_add(rows, row);
    }
    if (rows->len == 1)
        return g_strdup_printf(_("%s: a sync would change nothing\n"), account);
    table = ims_show_table(rows);

    return g_strdup_printf(_("%s: a sync would do this; nothing was changed\n%s"), account, table);
}

static const char *
result_words(const char *result)
{
    static const struct {
        const char *result, *words;
    } table[] = {
        {"done", N_("done")},
        {"partial", N_("done, but for what is held back")},
        {"cancelled", N_("cancelled")},
        {"offline", N_("offline")},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        if (g_str_equal(result, table[i].result))
            return _(table[i].words);
    }

    return _("failed");
}

char *
ims_show_test(const char *account, const char *result)
{
    const char *words =
        g_str_equal(result, "done") ? _("both sides let us in") : result_words(result);

    return g_strdup_printf("%s: %s\n", account, words);
}

static void
add_sides(GStrvBuilder *lines, const char *what, guint64 local, guint64 remote)
{
    g_autofree char *line =
        g_strdup_printf(_("%s: %" PRIu64 " on local, %" PRIu64 " on remote"), what, local, remote);

    if (local > 0 || remote > 0)
        g_strv_builder_add(lines, line);
}

static void
add_count(GStrvBuilder *lines, const char *what, guint64 n)
{
    g_autofree char *line = g_strdup_printf("%s: %" PRIu64, what, n);

    if (n > 0)
        g_strv_builder_add(lines, line);
}

char **
ims_show_work(GVariant *n)
{
    g_autoptr(GStrvBuilder) lines = g_strv_builder_new();

    add_count(lines, _("mailboxes created"), count(n, "mailboxes-created"));
    add_sides(
        lines,
        _("subscriptions changed"),
        count(n, "subscriptions-local"),
        count(n, "subscriptions-remote"));
    add_sides(lines, _("messages copied"), count(n, "copied-local"), count(n, "copied-remote"));
    add_sides(lines, _("flags changed"), count(n, "flags-local"), count(n, "flags-remote"));
    add_sides(
        lines, _("messages expunged"), count(n, "expunged-local"), count(n, "expunged-remote"));
    add_count(lines, _("messages refused"), count(n, "refused"));
    add_count(lines, _("messages held back"), count(n, "held"));

    return g_strv_builder_end(lines);
}

char *
ims_show_result(const char *result, GVariant *counts)
{
    g_autofree char *took = ims_show_duration(count(counts, "duration"));
    g_autofree char *sent = ims_show_size(count(counts, "bytes-sent"));
    g_autofree char *received = ims_show_size(count(counts, "bytes-received"));

    return g_strdup_printf(
        _("%s (%s, %s sent, %s received)"), result_words(result), took, sent, received);
}

char *
ims_show_summary(const char *account, const char *result, GVariant *counts)
{
    g_autofree char *head = ims_show_result(result, counts);
    g_auto(GStrv) work = ims_show_work(counts);
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_append_printf(text, "%s: %s\n", account, head);
    for (gsize i = 0; work[i] != NULL; i++)
        g_string_append_printf(text, "  %s\n", work[i]);
    if (work[0] == NULL && g_str_equal(result, "done"))
        g_string_append(text, _("  nothing had changed\n"));
    if (g_str_equal(result, "partial"))
        g_string_append_printf(text, _("  → see \"imapsyncctl issues %s\"\n"), account);

    return g_string_free(g_steal_pointer(&text), FALSE);
}
