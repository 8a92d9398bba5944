/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Server text made fit for people, and where log messages go. */
#include "util/log.h"

#include <string.h>

#include "util/error.h"

typedef struct {
    const char *name, *in, *want;
} Case;

static const Case cases[] = {
    {"plain text", "Mailbox doesn't exist: Entwürfe 😀", "Mailbox doesn't exist: Entwürfe 😀"},
    {"nothing", "", ""},
    {"control characters", "a\r\nb\x1b[31mc\x7f\xc2\x85", "a??b?[31mc??"},
    {"bytes that are no UTF-8", "a\xff\xc3 \xe2\x82", "a?? ??"},
    {"overlong and surrogates", "\xc0\xaf \xed\xa0\x80", "?? ???"},
    {"direction marks",
     "abc\xe2\x80\xae"
     "def\xe2\x81\xa6",
     "abc?def?"},
    {"line and paragraph separators",
     "a\xe2\x80\xa8"
     "b\xe2\x80\xa9",
     "a?b?"},
    {"markup is left alone", "<b>&", "<b>&"},
};

static void
test_escape(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *got = ims_text_escape(cases[i].in, strlen(cases[i].in));

        g_test_message("%s", cases[i].name);
        g_assert_cmpstr(got, ==, cases[i].want);
    }
}

static void
test_nul(void)
{
    g_autofree char *got = ims_text_escape("a\0b", 3);

    g_assert_cmpstr(got, ==, "a?b");
}

static void
test_length(void)
{
    g_autofree char *got = ims_text_escape("abc\xc3\xbc", 4);

    g_assert_cmpstr(got, ==, "abc?");
}

static void
test_cut(void)
{
    g_autoptr(GString) in = g_string_new(NULL);
    g_autofree char *whole = NULL, *cut = NULL;

    for (guint i = 0; i < 200; i++)
        g_string_append(in, "ü");
    whole = ims_text_escape(in->str, in->len);
    g_assert_cmpstr(whole, ==, in->str);

    g_string_append(in, "x");
    cut = ims_text_escape(in->str, in->len);
    g_assert_cmpint(g_utf8_strlen(cut, -1), ==, 200);
    g_assert_true(g_str_has_suffix(cut, "ü…"));
}

static void
test_any_bytes(void)
{
    for (guint i = 0; i < 5000; i++) {
        char in[64];
        gsize len = (gsize)g_test_rand_int_range(0, sizeof in);
        g_autofree char *got = NULL;

        for (gsize j = 0; j < len; j++)
            in[j] = (char)g_test_rand_int_range(0, 256);
        got = ims_text_escape(in, len);
        g_assert_true(g_utf8_validate(got, -1, NULL));
        for (const char *c = got; *c != '\0'; c = g_utf8_next_char(c))
            g_assert_false(g_unichar_iscntrl(g_utf8_get_char(c)));
    }
}

static void
test_stderr(void)
{
    if (g_test_subprocess()) {
        ims_log_init();
        g_message("to people");
        g_debug("to nobody");
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*to people*");
    g_test_trap_assert_stderr_unmatched("*to nobody*");
    g_test_trap_assert_stdout_unmatched("*to people*");
}

/* As libproxy says it of an address with a stray percent sign. */
static void
test_userinfo(void)
{
    if (g_test_subprocess()) {
        ims_log_init();
        g_log_structured(
            "GLib-Net",
            G_LOG_LEVEL_MESSAGE,
            "MESSAGE",
            "invalid URI %s from libproxy",
            "socks5://me:p@ss%word@proxy.example:1080");
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*://?hidden?@proxy.example:1080 from libproxy*");
    g_test_trap_assert_stderr_unmatched("*ss%word*");
}

/* -- topics -- */

static void
test_topics(void)
{
    static const struct {
        const char *in, *want;
    } table[] = {
        {"imap", "imap"},
        {"pump,imap", "imap,pump"},
        {" engine , pump ", "pump,engine"},
        {"all", "imap,pump,engine"},
        {"imap,all", "imap,pump,engine"},
        {"imap,", "imap"},
        {"", ""},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *got = NULL;

        g_assert_true(ims_log_set_topics(table[i].in, &error));
        g_assert_no_error(error);
        got = ims_log_topics();
        g_assert_cmpstr(got, ==, table[i].want);
    }
    g_assert_false(ims_log_is_on(IMS_LOG_IMAP));
    g_assert_true(ims_log_set_topics("engine", NULL));
    g_assert_true(ims_log_is_on(IMS_LOG_ENGINE));
    g_assert_false(ims_log_is_on(IMS_LOG_IMAP));
    g_assert_true(ims_log_set_topics("", NULL));
}

static void
test_no_topic(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *left = NULL;

    g_assert_true(ims_log_set_topics("pump", NULL));
    g_assert_false(ims_log_set_topics("imap,im\nap", &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
    g_assert_cmpstr(
        error->message,
        ==,
        "“im?ap” is nothing that can be traced; there are imap, pump, engine, and all");
    left = ims_log_topics();
    g_assert_cmpstr(left, ==, "pump");
    g_assert_true(ims_log_set_topics("", NULL));
}

static void
test_variable(void)
{
    if (g_test_subprocess()) {
        g_setenv(IMS_LOG_VARIABLE, "pump,imap", TRUE);
        ims_log_init();
        ims_log_set_account("work");
        ims_log_trace(IMS_LOG_IMAP, "remote", "> a1\r\n%s", "LOGIN");
        ims_log_trace(IMS_LOG_PUMP, NULL, "octets");
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*imap work remote > a1??LOGIN\n*pump work - octets\n");
    g_test_trap_assert_stdout_unmatched("*LOGIN*");
}

static void
test_wrong_variable(void)
{
    if (g_test_subprocess()) {
        g_setenv(IMS_LOG_VARIABLE, "imap,smtp", TRUE);
        ims_log_init();
        g_assert_false(ims_log_is_on(IMS_LOG_IMAP));
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*IMAPSYNC_DEBUG: *smtp*imap, pump, engine, and all*");
}

static void
test_trace_is_cut(void)
{
    g_autoptr(GString) more = g_string_new(NULL);

    if (g_test_subprocess()) {
        for (guint i = 0; i < 999; i++)
            g_string_append(more, "x");
        ims_log_init();
        ims_log_trace(IMS_LOG_IMAP, NULL, "%sqz", more->str);
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*xxx*");
    g_test_trap_assert_stderr_unmatched("*q*");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/util/log/escape-leaves-text-and-replaces-the-rest", test_escape);
    g_test_add_func("/util/log/escape-replaces-nul", test_nul);
    g_test_add_func("/util/log/escape-stops-at-the-length", test_length);
    g_test_add_func("/util/log/escape-cuts-at-200-characters", test_cut);
    g_test_add_func("/util/log/escape-is-valid-for-any-bytes", test_any_bytes);
    g_test_add_func("/util/log/messages-go-to-stderr", test_stderr);
    g_test_add_func("/util/log/what-libraries-say-of-a-proxy-shows-no-password", test_userinfo);
    g_test_add_func("/util/log/topics-are-named", test_topics);
    g_test_add_func("/util/log/what-is-no-topic-changes-nothing", test_no_topic);
    g_test_add_func("/util/log/the-environment-names-topics", test_variable);
    g_test_add_func("/util/log/a-wrong-word-there-is-told", test_wrong_variable);
    g_test_add_func("/util/log/a-trace-is-cut-at-1000-characters", test_trace_is_cut);
    return g_test_run();
}
