/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Logging goes through GLib's structured log, whose default writer already does what a service
 * needs: the journal with all fields if stderr is the journal, text otherwise, and no debug
 * messages unless asked for. What it lacks is that stdout stays free for answers. */
#include "util/log.h"

#define TEXT_MAX 200 /* characters, the ellipsis among them */

void
ims_log_init(void)
{
    g_log_writer_default_set_use_stderr(TRUE);
}

static gboolean
is_fit(gunichar c)
{
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_UNASSIGNED:
        return FALSE;
    default:
        return TRUE;
    }
}

/* Returns: the octets of the character at @text, which may be none. */
static gsize
next_character(const char *text, gsize len, gunichar *out)
{
    gunichar c = g_utf8_get_char_validated(text, (gssize)len);

    if (c == (gunichar)-1 || c == (gunichar)-2) {
        *out = '?';
        return 1;
    }
    *out = is_fit(c) ? c : '?';
    return (gsize)(g_utf8_next_char(text) - text);
}

char *
ims_text_escape(const char *text, gsize len)
{
    GString *out = g_string_new(NULL);
    gsize last_start = 0;
    gsize i = 0;

    for (guint n = 0; i < len && n < TEXT_MAX; n++) {
        gunichar c;

        last_start = out->len;
        i += next_character(text + i, len - i, &c);
        g_string_append_unichar(out, c);
    }
    if (i < len) {
        g_string_truncate(out, last_start);
        g_string_append(out, "…");
    }
    return g_string_free(out, FALSE);
}
