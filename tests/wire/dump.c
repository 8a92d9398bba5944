/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Writes what a parser says as text, so that tests can be tables, and compares of different cuts a
 * comparison of strings. Only what a response has is written. */
#include "dump.h"

#include "wire/encode.h"

static void
dump_flags(GString *out, const ImsFlags *flags)
{
    ims_encode_flags(out, flags);
}

static void
dump_uids(GString *out, const char *label, const ImsUidSet *uids)
{
    guint range = 0;

    if (uids == NULL)
        return;
    g_string_append_printf(out, " %s=", label);
    ims_encode_uidset(out, uids, &range, 1000);
    if (range < ims_uidset_n_ranges(uids))
        g_string_append(out, ",…");
}

static void
dump_words(GString *out, char **words)
{
    g_autofree char *joined = words == NULL ? NULL : g_strjoinv(",", words);

    if (joined != NULL)
        g_string_append_printf(out, " words=%s", joined);
}

static void
dump_code(GString *out, const ImsCode *code)
{
    if (code->type == IMS_CODE_NONE)
        return;
    g_string_append_printf(out, " [%s%s", code->type == IMS_CODE_OTHER ? "?" : "", code->name);
    if (code->number != 0)
        g_string_append_printf(out, " %" G_GUINT64_FORMAT, code->number);
    if (code->type == IMS_CODE_PERMANENTFLAGS) {
        g_string_append_c(out, ' ');
        dump_flags(out, &code->flags);
        for (char **k = code->flags.keywords; k != NULL && *k != NULL; k++)
            g_string_append_printf(out, " %s", *k);
        g_string_append(out, code->any_keyword ? " any" : "");
    }
    if (code->string != NULL)
        g_string_append_printf(out, " '%s'", code->string);
    dump_words(out, code->words);
    dump_uids(out, "uids", code->uids);
    dump_uids(out, "to", code->uids_to);
    g_string_append_c(out, ']');
}

static void
dump_condition(GString *out, const ImsResponse *r)
{
    static const char *const names[] = {"OK", "NO", "BAD", "BYE", "PREAUTH"};

    g_string_append_printf(out, " %s", names[r->condition]);
    dump_code(out, &r->code);
    g_string_append_printf(out, " '%s'", r->text);
}

static void
dump_list(GString *out, const ImsResponse *r)
{
    g_string_append_printf(out, " '%s'", r->mailbox);
    if (r->delimiter != 0)
        g_string_append_printf(out, " delimiter=%c", r->delimiter);
    g_string_append(out, r->attributes & IMS_LIST_NOSELECT ? " noselect" : "");
    g_string_append(out, r->attributes & IMS_LIST_NONEXISTENT ? " nonexistent" : "");
    g_string_append(out, r->attributes & IMS_LIST_SUBSCRIBED ? " subscribed" : "");
    g_string_append(out, r->attributes & IMS_LIST_NOINFERIORS ? " noinferiors" : "");
    if (*r->role != '\0')
        g_string_append_printf(out, " role=%s", r->role);
    if (r->wire != NULL)
        g_string_append_printf(out, " wire=%s", r->wire);
}

static void
dump_status(GString *out, const ImsResponse *r)
{
    g_string_append_printf(out, " '%s'", r->mailbox);
    if (r->have & IMS_STATUS_MESSAGES)
        g_string_append_printf(out, " messages=%u", r->messages);
    if (r->have & IMS_STATUS_UIDNEXT)
        g_string_append_printf(out, " uidnext=%u", r->uidnext);
    if (r->have & IMS_STATUS_UIDVALIDITY)
        g_string_append_printf(out, " uidvalidity=%u", r->uidvalidity);
    if (r->have & IMS_STATUS_HIGHESTMODSEQ)
        g_string_append_printf(out, " modseq=%" G_GUINT64_FORMAT, r->modseq);
}

static void
dump_fetch(GString *out, const ImsResponse *r)
{
    const ImsMessage *m = &r->fetch;

    if (m->uid != 0)
        g_string_append_printf(out, " uid=%u", m->uid);
    if (m->have & IMS_HAVE_FLAGS) {
        g_string_append(out, " flags=");
        dump_flags(out, &m->flags);
    }
    if (m->have & IMS_HAVE_SIZE)
        g_string_append_printf(out, " size=%" G_GUINT64_FORMAT, m->size);
    if (m->have & IMS_HAVE_DATE)
        g_string_append_printf(out, " date=%" G_GINT64_FORMAT, m->date);
    if (m->have & IMS_HAVE_MODSEQ)
        g_string_append_printf(out, " modseq=%" G_GUINT64_FORMAT, m->modseq);
    if (r->section != NULL)
        g_string_append_printf(out, " section='%s'%s", r->section, r->body_nil ? " nil" : "");
}

static void
dump_response(GString *out, const ImsResponse *r)
{
    switch (r->type) {
    case IMS_RESPONSE_OTHER:
        g_string_append(out, "OTHER");
        break;
    case IMS_RESPONSE_TAGGED:
        g_string_append_printf(out, "TAGGED %s", r->tag);
        dump_condition(out, r);
        break;
    case IMS_RESPONSE_STATE:
        g_string_append(out, "STATE");
        dump_condition(out, r);
        break;
    case IMS_RESPONSE_CONTINUE:
        g_string_append_printf(out, "CONTINUE '%s'", r->text);
        break;
    case IMS_RESPONSE_CAPABILITY:
        g_string_append(out, "CAPABILITY");
        dump_words(out, r->words);
        break;
    case IMS_RESPONSE_ENABLED:
        g_string_append(out, "ENABLED");
        dump_words(out, r->words);
        break;
    case IMS_RESPONSE_ID:
        g_string_append(out, "ID");
        dump_words(out, r->words);
        break;
    case IMS_RESPONSE_LIST:
        g_string_append(out, "LIST");
        dump_list(out, r);
        break;
    case IMS_RESPONSE_NAMESPACE:
        g_string_append(out, "NAMESPACE");
        for (guint i = 0; i < r->spaces->len; i++) {
            const ImsSpace *space = g_ptr_array_index(r->spaces, i);

            g_string_append_printf(out, " %d'%s'", space->kind, space->prefix);
            if (space->delimiter != 0)
                g_string_append_c(out, space->delimiter);
        }
        break;
    case IMS_RESPONSE_STATUS:
        g_string_append(out, "STATUS");
        dump_status(out, r);
        break;
    case IMS_RESPONSE_EXISTS:
        g_string_append_printf(out, "EXISTS %" G_GUINT64_FORMAT, r->number);
        break;
    case IMS_RESPONSE_FLAGS:
        g_string_append(out, "FLAGS ");
        dump_flags(out, &r->flags);
        break;
    case IMS_RESPONSE_VANISHED:
        g_string_append_printf(out, "VANISHED%s", r->earlier ? " earlier" : "");
        dump_uids(out, "uids", r->uids);
        break;
    case IMS_RESPONSE_FETCH:
        g_string_append(out, "FETCH");
        dump_fetch(out, r);
        break;
    case IMS_RESPONSE_SEARCH:
        g_string_append(out, "SEARCH");
        dump_uids(out, "uids", r->uids);
        if (r->correlator != NULL)
            g_string_append_printf(out, " tag=%s", r->correlator);
        break;
    }
    g_string_append_c(out, '\n');
}

typedef struct {
    ImsParser *parser;
    GString *out;
    gboolean in_body; /* a body is being written down */
} Dump;

static void
begin_body(Dump *self)
{
    gsize len;
    const char *quoted = ims_parser_body_inline(self->parser, &len);

    g_string_append(self->out, "BODY of ");
    dump_response(self->out, ims_parser_response(self->parser));
    if (quoted != NULL) {
        g_string_append_printf(self->out, "quoted <%.*s>\n", (int)len, quoted);
        return;
    }
    g_string_append_printf(
        self->out, "%" G_GUINT64_FORMAT " octets <", ims_parser_body_left(self->parser));
    self->in_body = TRUE;
}

/* A NUL must not end what is compared. */
static gsize
take_body(Dump *self, const char *octets, gsize len)
{
    gsize n = (gsize)MIN((guint64)len, ims_parser_body_left(self->parser));

    for (gsize i = 0; i < n; i++)
        g_string_append_c(self->out, octets[i] == '\0' ? '0' : octets[i]);
    ims_parser_body_taken(self->parser, n);
    return n;
}

static void
end_body(Dump *self)
{
    if (!self->in_body || ims_parser_body_left(self->parser) > 0)
        return;
    g_string_append(self->out, ">\n");
    self->in_body = FALSE;
}

/* Returns: FALSE after an error, which is written down. */
static gboolean
feed(Dump *self, const char *octets, gsize len)
{
    gsize used;

    for (gsize i = 0; i < len; i += used) {
        g_autoptr(GError) error = NULL;
        ImsParseStep step = IMS_PARSE_MORE;

        if (ims_parser_body_left(self->parser) > 0) {
            used = take_body(self, octets + i, len - i);
            end_body(self);
            continue;
        }
        if (!ims_parser_push(
                self->parser, (const guint8 *)octets + i, len - i, &used, &step, &error)) {
            g_string_append_printf(self->out, "ERROR %s\n", error->message);
            return FALSE;
        }
        if (step == IMS_PARSE_RESPONSE)
            dump_response(self->out, ims_parser_response(self->parser));
        if (step == IMS_PARSE_BODY)
            begin_body(self);
        end_body(self);
    }
    return TRUE;
}

char *
dump_stream(const char *octets, gsize len, const ImsLimits *limits, const gsize *cuts)
{
    g_autoptr(ImsParser) parser = ims_parser_new(limits);
    Dump self = {.parser = parser, .out = g_string_new(NULL)};
    gsize from = 0;

    for (; *cuts != 0; cuts++) {
        if (!feed(&self, octets + from, *cuts - from))
            return g_string_free(self.out, FALSE);
        from = *cuts;
    }
    feed(&self, octets + from, len - from);
    return g_string_free(self.out, FALSE);
}

char *
dump_bytewise(const char *octets, gsize len, const ImsLimits *limits)
{
    g_autofree gsize *cuts = g_new0(gsize, len + 1);

    for (gsize i = 1; i < len; i++)
        cuts[i - 1] = i;
    return dump_stream(octets, len, limits, cuts);
}
