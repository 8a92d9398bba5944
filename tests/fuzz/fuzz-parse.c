/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* The response parser with any octets: however they are cut the same comes out, nothing passes a
 * limit, and what comes out keeps the promises of parse.h, so that it may be shown and sent. */
#include <string.h>

#include "../wire/dump.h"
#include "fuzz.h"
#include "util/log.h"
#include "wire/encode.h"

/* Low enough to be reached by small inputs. */
static const ImsLimits limits = {
    .max_line = 1000,
    .max_inline = 100,
    .max_body = 200,
    .max_depth = 4,
};

#define MODSEQ_MAX   ((guint64)G_MAXINT64)
#define KEYWORD_MAX  255
#define KEYWORDS_MAX 1000
#define DAY          (24 * 60 * 60)
#define FIRST_DATE   (G_GINT64_CONSTANT(-62135596800) - DAY) /* of year 1; a day for the zone */
#define LAST_DATE    (G_GINT64_CONSTANT(253402300800) + DAY) /* of year 9999 */

/* -- what comes out -----------------------------------------------------------------------------
 */

/* No text of a response is longer than what it was read from. */
static void
check_text(const char *text)
{
    g_autofree char *shown = NULL;

    if (text == NULL)
        return;
    g_assert_cmpuint(strlen(text), <=, limits.max_line + limits.max_inline);
    shown = ims_text_escape(text, strlen(text));
    g_assert_true(g_utf8_validate(shown, -1, NULL));
    for (const char *c = shown; *c != '\0'; c = g_utf8_next_char(c))
        g_assert_false(g_unichar_iscntrl(g_utf8_get_char(c)));
}

static void
check_words(char **words)
{
    for (; words != NULL && *words != NULL; words++) {
        g_assert_cmpuint(strlen(*words), >, 0);
        for (const char *c = *words; *c != '\0'; c++)
            g_assert_false(g_ascii_iscntrl(*c) || g_ascii_islower(*c) || *c == ' ');
    }
}

static void
check_uids(const ImsUidSet *uids)
{
    guint32 before = 0;

    for (guint i = 0; uids != NULL && i < ims_uidset_n_ranges(uids); i++) {
        const ImsUidRange *range = ims_uidset_range(uids, i);

        g_assert_cmpuint(range->first, >, before);
        g_assert_cmpuint(range->first, <=, range->last);
        g_assert_true(i == 0 || range->first > before + 1);
        before = range->last;
    }
}

static void
check_sendable(const GString *sent)
{
    for (gsize i = 0; i < sent->len; i++)
        g_assert_true(g_ascii_isprint(sent->str[i]));
}

static void
check_flags(const ImsFlags *flags)
{
    g_autoptr(GString) sent = g_string_new(NULL);
    char **keywords = flags->keywords;

    g_assert_cmphex(flags->system & ~(guint)IMS_FLAG_ALL, ==, 0);
    for (guint i = 0; keywords != NULL && keywords[i] != NULL; i++) {
        g_assert_cmpuint(i, <, KEYWORDS_MAX);
        g_assert_cmpuint(strlen(keywords[i]), >, 0);
        g_assert_cmpuint(strlen(keywords[i]), <=, KEYWORD_MAX);
        for (const char *c = keywords[i]; *c != '\0'; c++)
            g_assert_true(g_ascii_isgraph(*c) && strchr("(){%*\"\\", *c) == NULL);
        if (i > 0)
            g_assert_cmpint(g_ascii_strcasecmp(keywords[i - 1], keywords[i]), <, 0);
    }
    ims_encode_flags(sent, flags);
    check_sendable(sent);
}

static void
check_mailbox(const char *mailbox, const char *wire)
{
    g_autoptr(GString) sent = g_string_new(NULL);

    g_assert_true(wire == NULL || ims_encode_quotable(wire));
    if (mailbox == NULL)
        return;
    g_assert_true(g_utf8_validate(mailbox, -1, NULL));
    if (ims_encode_mailbox(sent, mailbox))
        check_sendable(sent);
    else
        g_assert_cmpuint(sent->len, ==, 0);
}

static void
check_code(const ImsCode *code)
{
    guint64 max = code->type == IMS_CODE_HIGHESTMODSEQ ? MODSEQ_MAX : G_MAXUINT32;

    g_assert_true((code->type == IMS_CODE_NONE) == (code->name == NULL));
    g_assert_cmpuint(code->number, <=, max);
    if (code->type == IMS_CODE_UIDVALIDITY || code->type == IMS_CODE_UIDNEXT ||
        code->type == IMS_CODE_APPENDUID || code->type == IMS_CODE_COPYUID)
        g_assert_cmpuint(code->number, >, 0);
    if (code->type == IMS_CODE_COPYUID)
        g_assert_cmpuint(ims_uidset_count(code->uids), ==, ims_uidset_count(code->uids_to));
    if (code->type == IMS_CODE_APPENDUID || code->type == IMS_CODE_MODIFIED)
        g_assert_cmpuint(ims_uidset_count(code->uids), >, 0);
    g_assert_true(code->type != IMS_CODE_MAILBOXID || code->string != NULL);
    check_text(code->name);
    check_words(code->words);
    check_text(code->string);
    check_flags(&code->flags);
    check_uids(code->uids);
    check_uids(code->uids_to);
}

static void
check_message(const ImsMessage *message)
{
    g_autoptr(GString) sent = g_string_new(NULL);

    g_assert_cmpuint(message->size, <=, G_MAXINT64);
    g_assert_cmpuint(message->modseq, <=, MODSEQ_MAX);
    if (message->have & IMS_HAVE_DATE) {
        g_assert_cmpint(message->date, >=, FIRST_DATE);
        g_assert_cmpint(message->date, <=, LAST_DATE);
    }
    ims_encode_date(sent, message->date);
    check_sendable(sent);
    check_flags(&message->flags);
}

static void
check_condition(const ImsResponse *r)
{
    if (r->type == IMS_RESPONSE_TAGGED) {
        g_assert_cmpuint(strlen(r->tag), >, 0);
        g_assert_cmpint(r->condition, <=, IMS_BAD);
    }
    if (r->type == IMS_RESPONSE_TAGGED || r->type == IMS_RESPONSE_STATE ||
        r->type == IMS_RESPONSE_CONTINUE)
        g_assert_null(strchr(r->text, '\n'));
}

static void
check_response(const ImsResponse *r)
{
    check_condition(r);
    check_code(&r->code);
    check_text(r->tag);
    check_text(r->text);
    check_text(r->correlator);
    check_text(r->section);
    check_words(r->words);
    check_mailbox(r->mailbox, r->wire);
    g_assert_true(r->delimiter == '\0' || g_ascii_isgraph(r->delimiter));
    g_assert_nonnull(r->role);
    g_assert_cmpuint(r->modseq, <=, MODSEQ_MAX);
    g_assert_cmpuint(r->number, <=, G_MAXUINT32);
    check_flags(&r->flags);
    check_uids(r->uids);
    g_assert_true(
        r->uids != NULL || (r->type != IMS_RESPONSE_VANISHED && r->type != IMS_RESPONSE_SEARCH));
    check_message(&r->fetch);
}

/* -- the whole ----------------------------------------------------------------------------------
 */

static gsize
take_body(ImsParser *parser, gsize len)
{
    gsize n = (gsize)MIN((guint64)len, ims_parser_body_left(parser));

    ims_parser_body_taken(parser, n);
    return n;
}

static void
check_step(const ImsParser *parser, ImsParseStep step)
{
    gsize quoted_len;

    if (step == IMS_PARSE_MORE)
        return;
    check_response(ims_parser_response(parser));
    if (step != IMS_PARSE_BODY) {
        g_assert_cmpuint(ims_parser_body_left(parser), ==, 0);
        return;
    }
    g_assert_cmpint(ims_parser_response(parser)->type, ==, IMS_RESPONSE_FETCH);
    g_assert_nonnull(ims_parser_response(parser)->section);
    g_assert_cmpuint(ims_parser_body_left(parser), <=, limits.max_body);
    if (ims_parser_body_inline(parser, &quoted_len) != NULL)
        g_assert_cmpuint(quoted_len, <=, limits.max_line);
}

/* Returns: how many octets there are at most before a line ends, as a parser has taken them. */
static gsize
longest_line(const guint8 *data, gsize len)
{
    gsize longest = 0, line = 0;

    for (gsize i = 0; i < len; i++) {
        line = data[i] == '\n' ? 0 : line + 1;
        longest = MAX(longest, line);
    }
    return longest;
}

static void
check_steps(const guint8 *data, gsize len)
{
    g_autoptr(ImsParser) parser = ims_parser_new(&limits);
    g_autoptr(GError) error = NULL;
    gsize used;

    for (gsize i = 0; i < len; i += used) {
        ImsParseStep step = IMS_PARSE_MORE;

        if (ims_parser_body_left(parser) > 0) {
            used = take_body(parser, len - i);
            continue;
        }
        if (!ims_parser_push(parser, data + i, len - i, &used, &step, &error)) {
            check_text(error->message);
            return;
        }
        g_assert_cmpuint(used, <=, len - i);
        g_assert_true(used == len - i || step != IMS_PARSE_MORE);
        g_assert_cmpuint(longest_line(data + i, used), <=, limits.max_line + limits.max_inline);
        check_step(parser, step);
    }
}

/* Pieces of 1 to 16 octets, which depend on the octets alone: a failure can be repeated. */
static char *
dump_pieces(const char *octets, gsize len)
{
    g_autofree gsize *cuts = g_new0(gsize, len + 1);
    guint32 random = 2166136261u;
    gsize n = 0, at = 0;

    for (gsize i = 0; i < len; i++)
        random = (random ^ (guint8)octets[i]) * 16777619u;
    while (at < len) {
        random = random * 1664525u + 1013904223u;
        at += 1 + (random >> 28);
        if (at < len)
            cuts[n++] = at;
    }
    return dump_stream(octets, len, &limits, cuts);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
    const char *octets = (const char *)data;
    g_autofree char *whole = dump_stream(octets, len, &limits, (gsize[]){0});
    g_autofree char *bytewise = dump_bytewise(octets, len, &limits);
    g_autofree char *pieces = dump_pieces(octets, len);

    g_assert_cmpstr(bytewise, ==, whole);
    g_assert_cmpstr(pieces, ==, whole);
    check_steps(data, len);
    return 0;
}
