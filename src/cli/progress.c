/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The line has a fixed order (phase, mailbox, bar, messages, bytes, rate, time left) in which each
 * part may be missing. Parts are dropped by rank until the mailbox's name has room to be
 * recognised; the name then takes what is left. */

#include "cli/progress.h"

#include <glib/gi18n.h>
#include <inttypes.h>
#include <string.h>

#include "cli/show.h"
#include "util/log.h"

#define SMOOTHING_S  3.0 /* seconds over which the rate is smoothed */
#define FIRST_S      0.5 /* seconds before a first guess at the rate is worth showing */
#define BAR_WIDTH    20
#define MAILBOX_ROOM 12 /* columns that a mailbox's name is given before other parts are */
#define GAP          2  /* columns between two parts */

void
ims_rate_sample(ImsRate *self, guint64 bytes, gint64 now_us)
{
    double seconds = (double)(now_us - self->at_us) / G_USEC_PER_SEC;
    double weight, now;

    if (self->at_us == 0 || bytes < self->bytes) {
        *self = (ImsRate){.at_us = now_us, .bytes = bytes};
        return;
    }
    if (seconds <= 0 || (self->per_second <= 0 && seconds < FIRST_S))
        return;

    now = (double)(bytes - self->bytes) / seconds;
    weight = self->per_second > 0 ? seconds / (seconds + SMOOTHING_S) : 1;
    self->per_second += weight * (now - self->per_second);
    self->at_us = now_us;
    self->bytes = bytes;
}

const char *
ims_progress_phase(const char *phase)
{
    static const struct {
        const char *phase, *words;
    } table[] = {
        {"connecting", N_("connecting")},
        {"listing", N_("listing mailboxes")},
        {"comparing", N_("comparing")},
        {"copying", N_("copying")},
        {"marking", N_("setting flags")},
        {"removing", N_("removing")},
        {"committing", N_("finishing")},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        if (g_str_equal(phase, table[i].phase))
            return _(table[i].words);
    }

    return _("working");
}

void
ims_progress_read(ImsProgressView *view, GVariant *progress)
{
    g_variant_lookup(progress, "mailbox", "&s", &view->mailbox);
    g_variant_lookup(progress, "fraction", "d", &view->fraction);
    g_variant_lookup(progress, "messages-done", "t", &view->messages_done);
    g_variant_lookup(progress, "messages-total", "t", &view->messages_total);
    g_variant_lookup(progress, "bytes-done", "t", &view->bytes_done);
    g_variant_lookup(progress, "bytes-total", "t", &view->bytes_total);
}

char *
ims_progress_begun(const ImsProgressView *view)
{
    g_autofree char *size = ims_show_size(view->bytes_total);

    if (view->messages_total == 0 || !g_str_equal(view->phase, "copying"))
        return g_strdup(ims_progress_phase(view->phase));

    return g_strdup_printf(
        ngettext(
            "copying %" PRIu64 " message (%s)",
            "copying %" PRIu64 " messages (%s)",
            (gulong)view->messages_total),
        view->messages_total,
        size);
}

/* In the order in which they are shown. */
typedef enum { PART_BAR, PART_MESSAGES, PART_BYTES, PART_RATE, PART_LEFT, N_PARTS } Part;

static const Part drop_order[] = {PART_RATE, PART_BYTES, PART_BAR, PART_LEFT, PART_MESSAGES};

static double
fraction_of(const ImsProgressView *view)
{
    if (view->fraction >= 0)
        return MIN(view->fraction, 1);
    if (view->bytes_total > 0)
        return MIN((double)view->bytes_done / (double)view->bytes_total, 1);
    if (view->messages_total > 0)
        return MIN((double)view->messages_done / (double)view->messages_total, 1);

    return -1;
}

static char *
bar(const ImsProgressView *view)
{
    double fraction = fraction_of(view);
    int full = (int)(fraction * BAR_WIDTH);

    if (fraction < 0)
        return NULL;

    return g_strdup_printf(
        "[%.*s%.*s]", full, "####################", BAR_WIDTH - full, "....................");
}

static char *
messages(const ImsProgressView *view)
{
    if (view->messages_total == 0)
        return NULL;

    return g_strdup_printf("%" PRIu64 "/%" PRIu64, view->messages_done, view->messages_total);
}

static char *
bytes(const ImsProgressView *view)
{
    g_autofree char *done = ims_show_size(view->bytes_done);
    g_autofree char *total = ims_show_size(view->bytes_total);

    return view->bytes_total == 0 ? NULL : g_strdup_printf("%s/%s", done, total);
}

static char *
rate(const ImsProgressView *view)
{
    g_autofree char *size = NULL;

    if (view->bytes_per_second < 1)
        return NULL;
    size = ims_show_size((guint64)view->bytes_per_second);

    return g_strdup_printf(_("%s/s"), size);
}

static char *
left(const ImsProgressView *view)
{
    g_autofree char *time = NULL;
    double seconds;

    if (view->bytes_per_second < 1 || view->bytes_total <= view->bytes_done)
        return NULL;
    seconds = (double)(view->bytes_total - view->bytes_done) / view->bytes_per_second;
    if (seconds > 100 * 3600)
        return NULL;
    time = ims_show_duration((guint64)(seconds + 0.5) * G_USEC_PER_SEC);

    return g_strdup_printf(_("%s left"), time);
}

static guint
parts_width(char *const parts[N_PARTS])
{
    guint width = 0;

    for (guint i = 0; i < N_PARTS; i++) {
        if (parts[i] != NULL)
            width += GAP + ims_show_width(parts[i]);
    }

    return width;
}

/* Drops parts until what remains, beside a head of @head columns, leaves @room for the mailbox. */
static void
drop_parts(char *parts[N_PARTS], guint head, guint room, guint width)
{
    for (guint i = 0; i < N_PARTS && head + room + parts_width(parts) > width; i++)
        g_clear_pointer(&parts[drop_order[i]], g_free);
}

static char *
head(const ImsProgressView *view)
{
    if (view->account == NULL)
        return g_strdup(ims_progress_phase(view->phase));

    return g_strdup_printf("%s: %s", view->account, ims_progress_phase(view->phase));
}

char *
ims_progress_line(const ImsProgressView *view, guint width)
{
    char *parts[N_PARTS] = {bar(view), messages(view), bytes(view), rate(view), left(view)};
    g_autofree char *name = ims_text_escape(view->mailbox, strlen(view->mailbox));
    guint wanted = ims_show_width(name);
    guint room = wanted > 0 ? GAP + MIN(wanted, MAILBOX_ROOM) : 0;
    g_autofree char *start = head(view);
    g_autoptr(GString) line = g_string_new(start);
    guint used;

    drop_parts(parts, ims_show_width(start), room, width);
    used = ims_show_width(start) + parts_width(parts);
    if (wanted > 0 && used + GAP < width) {
        g_autofree char *mailbox = ims_show_fit(name, width - used - GAP);

        g_string_append_printf(line, "%*s%s", GAP, "", mailbox);
    }
    for (guint i = 0; i < N_PARTS; i++) {
        if (parts[i] != NULL)
            g_string_append_printf(line, "%*s%s", GAP, "", parts[i]);
        g_free(parts[i]);
    }

    return ims_show_fit(line->str, width);
}
