/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Every limit of the parser, at it and one above; and that a hostile server makes it neither slow
 * nor deep: the large cases here would outlast the time that a test is given. */
#include <string.h>

#include "util/error.h"
#include "wire/parse.h"

static const ImsLimits small = {.max_line = 40, .max_inline = 5, .max_body = 9, .max_depth = 3};

/* Pushes all of @text, up to a body or an error. Returns: (transfer full) (nullable): the error. */
static GError *
push_text(ImsParser *parser, const char *text, gsize len)
{
    ImsParseStep step = IMS_PARSE_MORE;

    for (gsize i = 0; i < len && step != IMS_PARSE_BODY;) {
        GError *error = NULL;
        gsize used = 0;

        if (!ims_parser_push(parser, (const guint8 *)text + i, len - i, &used, &step, &error))
            return error;
        i += used;
    }
    return NULL;
}

typedef struct {
    const char *name, *at, *above, *message;
} LimitCase;

static const LimitCase limit_cases[] = {
    {"a line",
     "* OK 345678901234567890123456789012345\r\n",
     "* OK 3456789012345678901234567890123456\r\n",
     "a line above the limit"},
    {"a line without an end",
     "* OK 34567890123456789012345678901234567",
     "* OK 345678901234567890123456789012345678",
     "a line above the limit"},
    {"the lines around a literal",
     "* LIST () \"/\" {5}\r\n12345 (0123456789012345)\r\n",
     "* LIST () \"/\" {5}\r\n12345 (01234567890123456)\r\n",
     "a line above the limit"},
    {"a literal",
     "* LIST () \"/\" {5}\r\n12345\r\n",
     "* LIST () \"/\" {6}\r\n123456\r\n",
     "a literal above the limit"},
    {"a literal of an unknown response",
     "* X {5}\r\n12345\r\n",
     "* X {6}\r\n123456\r\n",
     "a literal above the limit"},
    {"a body", "* 1 FETCH (BODY[] {9}\r\n", "* 1 FETCH (BODY[] {10}\r\n", "a body above the limit"},
    {"nesting", "* X (((a)) ((b)))\r\n", "* X (((a)) (((b))))\r\n", "too deep nesting"},
    {"nesting of a code",
     "* OK [PERMANENTFLAGS (a)] x\r\n",
     "* OK [PERMANENTFLAGS ((((a\r\n",
     "too deep nesting"},
};

static void
test_limits(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(limit_cases); i++) {
        const LimitCase *c = &limit_cases[i];
        g_autoptr(ImsParser) at = ims_parser_new(&small), above = ims_parser_new(&small);
        g_autoptr(GError) none = push_text(at, c->at, strlen(c->at));
        g_autoptr(GError) error = push_text(above, c->above, strlen(c->above));

        g_test_message("%s", c->name);
        g_assert_no_error(none);
        g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
        g_assert_nonnull(strstr(error->message, c->message));
    }
}

/* The LF that is given back behind a quoted body is counted once. */
static void
test_quoted_body(void)
{
    g_autoptr(ImsParser) parser = ims_parser_new(&small);
    const char *in = "* 1 FETCH (BODY[] \"78901234567890123\")\r\n";
    g_autoptr(GError) body = push_text(parser, in, strlen(in));
    g_autoptr(GError) rest = push_text(parser, "\n", 1);

    g_assert_cmpuint(strlen(in), ==, small.max_line);
    g_assert_no_error(body);
    g_assert_no_error(rest);
    g_assert_cmpint(ims_parser_response(parser)->type, ==, IMS_RESPONSE_FETCH);
}

static void
test_dead(void)
{
    g_autoptr(ImsParser) parser = ims_parser_new(&small);
    g_autoptr(GError) first = push_text(parser, "\r\n", 2);
    g_autoptr(GError) second = push_text(parser, "a OK\r\n", 6);

    g_assert_error(first, IMS_ERROR, IMS_ERROR_PROTOCOL);
    g_assert_error(second, IMS_ERROR, IMS_ERROR_PROTOCOL);
}

/* Each word takes more than its octet. */
static void
test_many_words(void)
{
    g_autoptr(ImsParser) parser = ims_parser_new(&ims_limits_default);
    g_autoptr(GString) in = g_string_new("* X");
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < 300 * 1000; i++)
        g_string_append(in, " x");
    g_string_append(in, "\r\n");
    error = push_text(parser, in->str, in->len);
    g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
    g_assert_nonnull(strstr(error->message, "too many words"));
}

/* As a server tells of a mailbox whose expunges it has forgotten: each hole, in one line. */
static void
test_many_holes(void)
{
    g_autoptr(ImsParser) parser = ims_parser_new(&ims_limits_default);
    g_autoptr(GString) in = g_string_new("* VANISHED (EARLIER) 1");
    g_autoptr(GError) error = NULL;

    for (guint i = 1; i < 400 * 1000; i++)
        g_string_append_printf(in, ",%u", 6 * i + 1);
    g_string_append(in, "\r\n");
    error = push_text(parser, in->str, in->len);
    g_assert_no_error(error);
    g_assert_cmpuint(ims_uidset_count(ims_parser_response(parser)->uids), ==, 400 * 1000);
}

static void
test_literals_together(void)
{
    g_autoptr(ImsParser) parser = ims_parser_new(&ims_limits_default);
    g_autofree char *literal = g_strnfill(64 * 1024, 'a');
    g_autoptr(GError) error = NULL;
    guint n = 0;

    error = push_text(parser, "* X", 3);
    while (error == NULL) {
        error = push_text(parser, " {65536}\r\n", 10);
        if (error == NULL)
            error = push_text(parser, literal, 64 * 1024);
        n++;
    }
    g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
    g_assert_cmpuint(n, ==, 17);
}

static void
test_no_content_in_errors(void)
{
    const char *in = "* 1 FETCH (BODY[] \"secret\" UID x)\r\n";
    g_autoptr(ImsParser) parser = ims_parser_new(&ims_limits_default);
    g_autoptr(GError) none = push_text(parser, in, strlen(in));
    g_autoptr(GError) error = push_text(parser, "\n", 1);

    g_assert_no_error(none);
    g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
    g_assert_null(strstr(error->message, "secret"));
}

#define LONG_LINE (128 * 1024)

/* Returns: (transfer full): @head, then n, n-2, n-4, … */
static GString *
long_line(const char *head, const char *tail, char separator)
{
    GString *line = g_string_new(head);

    for (guint n = 1000000; line->len < LONG_LINE; n -= 2) {
        if (line->len > strlen(head))
            g_string_append_c(line, separator);
        g_string_append_printf(line, "%u", n);
    }
    g_string_append(line, tail);
    return line;
}

typedef struct {
    const char *head, *tail;
    char separator;
} LongCase;

static const LongCase long_cases[] = {
    {"* VANISHED ", "\r\n", ','},
    {"* SEARCH ", "\r\n", ' '},
    {"* ESEARCH ALL ", "\r\n", ','},
    {"a OK [MODIFIED ", "] x\r\n", ','},
    {"* FLAGS (", ")\r\n", ' '},
    {"* OK [PERMANENTFLAGS (", ")] x\r\n", ' '},
    {"* CAPABILITY ", "\r\n", ' '},
    {"* X (", ")\r\n", ' '},
};

static void
test_long_lines(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(long_cases); i++) {
        const LongCase *c = &long_cases[i];
        g_autoptr(ImsParser) parser = ims_parser_new(&ims_limits_default);
        g_autoptr(GString) line = long_line(c->head, c->tail, c->separator);

        for (gsize at = 0; at < line->len; at += 50) {
            g_autoptr(GError) error = push_text(parser, line->str + at, MIN(50, line->len - at));

            g_assert_no_error(error);
        }
        g_assert_cmpint(ims_parser_response(parser)->type, !=, IMS_RESPONSE_CONTINUE);
    }
}

static void
test_vanished_range(void)
{
    g_autoptr(ImsParser) parser = ims_parser_new(&ims_limits_default);
    const char *in = "* VANISHED (EARLIER) 1:4294967295\r\n";
    g_autoptr(GError) error = push_text(parser, in, strlen(in));
    const ImsUidSet *uids = ims_parser_response(parser)->uids;

    g_assert_no_error(error);
    g_assert_cmpuint(ims_uidset_n_ranges(uids), ==, 1);
    g_assert_cmpuint(ims_uidset_count(uids), ==, G_MAXUINT32);
}

static void
test_many_literals(void)
{
    g_autoptr(ImsParser) parser = ims_parser_new(&ims_limits_default);
    g_autoptr(GError) error = push_text(parser, "* X", 3);

    for (guint i = 0; i < 150000 && error == NULL; i++)
        error = push_text(parser, " {0}\r\n", 6);
    g_assert_no_error(error);
    error = push_text(parser, "\r\n", 2);
    g_assert_no_error(error);
    g_assert_cmpint(ims_parser_response(parser)->type, ==, IMS_RESPONSE_OTHER);
}

/* Returns: (transfer full): "k001 k002 …", backwards, since the order must not matter. */
static char *
many_keywords(guint n)
{
    GString *text = g_string_new(NULL);

    for (; n > 0; n--)
        g_string_append_printf(text, "%sk%04u", text->len > 0 ? " " : "", n);
    return g_string_free(text, FALSE);
}

static void
check_keywords(const ImsFlags *flags, guint want)
{
    g_assert_cmpuint(g_strv_length(flags->keywords), ==, want);
    for (guint i = 0; i < want; i++) {
        g_autofree char *keyword = g_strdup_printf("k%04u", i + 1);

        g_assert_cmpstr(flags->keywords[i], ==, keyword);
    }
}

static void
test_many_keywords(void)
{
    static const struct {
        guint n, of_message, of_mailbox;
    } cases[] = {{100, 100, 100}, {101, 100, 101}, {1000, 100, 1000}, {2000, 100, 1000}};
    g_autoptr(ImsParser) parser = ims_parser_new(&ims_limits_default);

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *keywords = many_keywords(cases[i].n);
        g_autofree char *fetch = g_strdup_printf("* 1 FETCH (UID 1 FLAGS (%s))\r\n", keywords);
        g_autofree char *code = g_strdup_printf("* OK [PERMANENTFLAGS (%s)] x\r\n", keywords);

        g_assert_null(push_text(parser, fetch, strlen(fetch)));
        check_keywords(&ims_parser_response(parser)->fetch.flags, cases[i].of_message);
        g_assert_null(push_text(parser, code, strlen(code)));
        check_keywords(&ims_parser_response(parser)->code.flags, cases[i].of_mailbox);
    }
}

static void
test_long_keyword(void)
{
    g_autoptr(ImsParser) parser = ims_parser_new(&ims_limits_default);
    g_autofree char *above = g_strnfill(256, 'k');
    g_autofree char *line =
        g_strdup_printf("* 1 FETCH (UID 1 FLAGS (%s %s))\r\n", above, above + 1);
    const ImsFlags *flags = &ims_parser_response(parser)->fetch.flags;

    g_assert_null(push_text(parser, line, strlen(line)));
    g_assert_cmpuint(g_strv_length(flags->keywords), ==, 1);
    g_assert_cmpstr(flags->keywords[0], ==, above + 1);
}

static void
test_long_name(void)
{
    g_autoptr(ImsParser) parser = ims_parser_new(&ims_limits_default);
    g_autofree char *above = g_strnfill(1001, 'n');
    static const char *const formats[] = {
        "* LIST () \"/\" %s\r\n", "* STATUS \"%s\" (MESSAGES 1)\r\n"};

    for (gsize i = 0; i < G_N_ELEMENTS(formats); i++) {
        g_auto(GStrv) around = g_strsplit(formats[i], "%s", 2);
        g_autofree char *at_line = g_strconcat(around[0], above + 1, around[1], NULL);
        g_autofree char *above_line = g_strconcat(around[0], above, around[1], NULL);

        g_assert_null(push_text(parser, at_line, strlen(at_line)));
        g_assert_cmpstr(ims_parser_response(parser)->mailbox, ==, above + 1);
        g_assert_null(ims_parser_response(parser)->wire);
        g_assert_null(push_text(parser, above_line, strlen(above_line)));
        g_assert_cmpstr(ims_parser_response(parser)->wire, ==, "");
        g_assert_cmpuint(strlen(ims_parser_response(parser)->mailbox), <, 200);
    }
}

static GError *
push_namespaces(guint n)
{
    g_autoptr(ImsParser) parser = ims_parser_new(&ims_limits_default);
    g_autoptr(GString) line = g_string_new("* NAMESPACE NIL (");

    for (guint i = 0; i < n; i++)
        g_string_append(line, "(\"\" \"/\")");
    g_string_append(line, ") NIL\r\n");
    return push_text(parser, line->str, line->len);
}

static void
test_many_namespaces(void)
{
    g_autoptr(GError) none = push_namespaces(1000);
    g_autoptr(GError) error = push_namespaces(1001);

    g_assert_no_error(none);
    g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
    g_assert_nonnull(strstr(error->message, "a namespace too many"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/limits/what-passes-one-is-named", test_limits);
    g_test_add_func("/wire/limits/a-quoted-body-counts-once", test_quoted_body);
    g_test_add_func("/wire/limits/a-parser-is-dead-after-an-error", test_dead);
    g_test_add_func("/wire/limits/literals-are-counted-together", test_literals_together);
    g_test_add_func("/wire/limits/errors-quote-no-body", test_no_content_in_errors);
    g_test_add_func("/wire/limits/long-lines-take-linear-time", test_long_lines);
    g_test_add_func("/wire/limits/all-uids-cost-one-range", test_vanished_range);
    g_test_add_func("/wire/limits/many-literals-take-linear-time", test_many_literals);
    g_test_add_func("/wire/limits/keywords-that-sort-first-are-kept", test_many_keywords);
    g_test_add_func("/wire/limits/long-keyword-is-left-out", test_long_keyword);
    g_test_add_func("/wire/limits/long-name-is-none", test_long_name);
    g_test_add_func("/wire/limits/many-namespaces-are-an-error", test_many_namespaces);
    g_test_add_func("/wire/limits/many-words-are-an-error", test_many_words);
    g_test_add_func("/wire/limits/many-holes-are-none", test_many_holes);
    return g_test_run();
}
