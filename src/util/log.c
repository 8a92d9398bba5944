/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Logging goes through GLib's structured log, whose default writer already does what a service
 * needs: the journal with all fields if stderr is the journal, text otherwise, and no debug
 * messages unless asked for. What it lacks is that stdout stays free for answers, that a message
 * tells its account, and topics: a trace is a debug message that has been asked for already. */
#include "util/log.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>

#include "util/error.h"

#define TEXT_MAX   200  /* characters, the ellipsis among them */
#define TRACE_MAX  1000 /* likewise */
#define FIELDS_MAX 16

static const struct {
    const char *name;
    ImsLogTopic topic;
} topics[] = {
    {"imap", IMS_LOG_IMAP},
    {"pump", IMS_LOG_PUMP},
    {"engine", IMS_LOG_ENGINE},
};

#define TOPICS_ALL (IMS_LOG_IMAP | IMS_LOG_PUMP | IMS_LOG_ENGINE)

static guint topics_on; /* atomic */
static GPrivate account_of_thread = G_PRIVATE_INIT(g_free);

/* -- topics -- */

gboolean
ims_log_is_on(ImsLogTopic topic)
{
    return (g_atomic_int_get(&topics_on) & topic) != 0;
}

static gboolean
read_topic(const char *word, guint *inout)
{
    if (g_str_equal(word, "all")) {
        *inout |= TOPICS_ALL;
        return TRUE;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(topics); i++) {
        if (g_str_equal(word, topics[i].name)) {
            *inout |= topics[i].topic;
            return TRUE;
        }
    }
    return *word == '\0';
}

static char *
names_of(guint chosen, const char *separator)
{
    GString *text = g_string_new(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(topics); i++) {
        if (chosen & topics[i].topic)
            g_string_append_printf(text, "%s%s", text->len > 0 ? separator : "", topics[i].name);
    }
    return g_string_free(text, FALSE);
}

gboolean
ims_log_set_topics(const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    guint chosen = 0;

    for (gsize i = 0; words[i] != NULL; i++) {
        g_autofree char *known = NULL, *shown = NULL;

        if (read_topic(g_strstrip(words[i]), &chosen))
            continue;
        known = names_of(TOPICS_ALL, ", ");
        shown = ims_text_escape(words[i], strlen(words[i]));
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("“%s” is nothing that can be traced; there are %s, and all"),
            shown,
            known);
        return FALSE;
    }
    g_atomic_int_set(&topics_on, chosen);
    return TRUE;
}

char *
ims_log_topics(void)
{
    return names_of(g_atomic_int_get(&topics_on), ",");
}

/* -- writing -- */

void
ims_log_set_account(const char *name)
{
    g_private_replace(&account_of_thread, g_strdup(name));
}

static gboolean
is_trace(const GLogField *fields, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        if (g_str_equal(fields[i].key, "IMAPSYNC_TOPIC"))
            return TRUE;
    }
    return FALSE;
}

static GLogWriterOutput
write_trace(GLogLevelFlags level, const GLogField *fields, gsize n)
{
    if (g_log_writer_is_journald(fileno(stderr)) &&
        g_log_writer_journald(level, fields, n, NULL) == G_LOG_WRITER_HANDLED)
        return G_LOG_WRITER_HANDLED;
    return g_log_writer_standard_streams(level, fields, n, NULL);
}

/* Libraries print addresses as they are; that of a proxy may hold a password. Returns: (transfer
 * full) */
static char *
hide_userinfo(const char *message)
{
    static gsize regex;

    if (g_once_init_enter(&regex))
        g_once_init_leave(&regex, (gsize)g_regex_new("://\\S*@", 0, 0, NULL));
    return g_regex_replace_literal((GRegex *)regex, message, -1, 0, "://[hidden]@", 0, NULL);
}

static gboolean
is_of_library(const GLogField *fields, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        if (g_str_equal(fields[i].key, "GLIB_DOMAIN"))
            return !g_str_equal(fields[i].value, G_LOG_DOMAIN);
    }
    return FALSE;
}

static GLogWriterOutput
write_entry(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    GLogField more[FIELDS_MAX];
    const char *account = g_private_get(&account_of_thread);
    g_autofree char *hidden = NULL;

    if (n >= FIELDS_MAX)
        return g_log_writer_default(level, fields, n, data);
    memcpy(more, fields, n * sizeof *fields);
    for (gsize i = 0; i < n && hidden == NULL && is_of_library(fields, n); i++) {
        if (g_str_equal(more[i].key, "MESSAGE"))
            more[i].value = hidden = hide_userinfo(more[i].value);
        if (hidden != NULL)
            more[i].length = -1;
    }
    if (account != NULL)
        more[n++] = (GLogField){"IMAPSYNC_ACCOUNT", account, -1};
    return is_trace(more, n) ? write_trace(level, more, n)
                             : g_log_writer_default(level, more, n, data);
}

void
ims_log_init(void)
{
    const char *wanted = g_getenv(IMS_LOG_VARIABLE);
    g_autoptr(GError) error = NULL;

    g_log_writer_default_set_use_stderr(TRUE);
    g_log_set_writer_func(write_entry, NULL, NULL);
    if (wanted != NULL && !ims_log_set_topics(wanted, &error))
        g_message(IMS_LOG_VARIABLE ": %s", error->message);
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

static char *
escape(const char *text, gsize len, guint max)
{
    GString *out = g_string_new(NULL);
    gsize last_start = 0;
    gsize i = 0;

    for (guint n = 0; i < len && n < max; n++) {
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

char *
ims_text_escape(const char *text, gsize len)
{
    return escape(text, len, TEXT_MAX);
}

/* Where a trace is read as text, its fields do not show: what tells the lines of connections apart
 * stands in front. */
void
ims_log_trace(ImsLogTopic topic, const char *side, const char *format, ...)
{
    const char *account = g_private_get(&account_of_thread);
    g_autofree char *name = names_of(topic, ",");
    g_autofree char *raw = NULL, *text = NULL, *message = NULL;
    GLogField fields[5] = {
        {"PRIORITY", "7", -1},
        {"GLIB_DOMAIN", G_LOG_DOMAIN, -1},
        {"IMAPSYNC_TOPIC", name, -1},
    };
    gsize n = 3;
    va_list arguments;

    va_start(arguments, format);
    raw = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    text = escape(raw, strlen(raw), TRACE_MAX);
    message = g_strjoin(
        " ", name, account != NULL ? account : "-", side != NULL ? side : "-", text, NULL);
    fields[n++] = (GLogField){"MESSAGE", message, -1};
    if (side != NULL)
        fields[n++] = (GLogField){"IMAPSYNC_SIDE", side, -1};
    g_log_structured_array(G_LOG_LEVEL_DEBUG, fields, n);
}
