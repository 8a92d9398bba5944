/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The trace of the protocol: a line for each that is put into the output, when it is put there, and
 * for each response, when it is parsed; so it shows what goes through TLS and compression. What
 * logs in and what messages consist of is counted, and never comes here: see ims_session_put(),
 * wire/trace.c and ims_session_body_feed(). Until QRESYNC is enabled, that is in the login, a
 * server's words may be an answer to what it was sent; later ones are looked through in addition,
 * as it may repeat that at any time. */
#include "imap/session.h"

#include <string.h>

#include "util/log.h"

#define SHOWN_MAX 4096 /* octets of a line: the log shows less */

static void
tell_hidden(ImsTrace *trace)
{
    if (trace->n_hidden == 0)
        return;

    if (trace->line->len > 0 && trace->line->str[trace->line->len - 1] != ' ')
        g_string_append_c(trace->line, ' ');
    g_string_append_printf(trace->line, "[%" G_GUINT64_FORMAT " octets]", trace->n_hidden);
    trace->n_hidden = 0;
}

void
ims_session_trace_text(ImsSession *self, const char *text)
{
    ImsTrace *trace = &self->trace;
    gsize len = strlen(text);
    gboolean ends = g_str_has_suffix(text, "\r\n");

    if (trace->line == NULL)
        trace->line = g_string_new(NULL);
    tell_hidden(trace);
    if (trace->line->len < SHOWN_MAX)
        g_string_append_len(trace->line, text, (gssize)(ends ? len - 2 : len));
    if (!ends)
        return;

    ims_log_trace(IMS_LOG_IMAP, self->side, "> %s", trace->line->str);
    g_string_truncate(trace->line, 0);
}

void
ims_session_trace_hidden(ImsSession *self, gsize len)
{
    if (self->trace.line == NULL)
        self->trace.line = g_string_new(NULL);
    self->trace.n_hidden += len;
}

void
ims_session_trace_response(const ImsSession *self)
{
    g_autoptr(GString) line = g_string_new(NULL);
    gboolean in_login = (self->greeted && !self->qresync) || self->channel != IMS_CHANNEL_SAFE;

    ims_parser_trace(self->parser, in_login, line);
    if (ims_session_repeats(self, line->str))
        g_string_printf(line, "[%zu octets that repeat the login]", line->len);
    ims_log_trace(IMS_LOG_IMAP, self->side, "< %s", line->str);
}

void
ims_session_trace_clear(ImsSession *self)
{
    if (self->trace.line != NULL)
        g_string_free(self->trace.line, TRUE);
    self->trace = (ImsTrace){0};
}
