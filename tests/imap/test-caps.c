/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Numbers among the capabilities, and the one that is used: APPENDLIMIT (RFC 7889). */
#include "imap/caps.h"
#include "script.h"

#define NEEDED "IMAP4rev1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS"

typedef struct {
    const char *words;
    guint64 want;
} NumberCase;

static const NumberCase cases[] = {
    {NEEDED " APPENDLIMIT=123", 123},
    {"appendlimit=123 " NEEDED, 123},
    {NEEDED " APPENDLIMIT=0", 0},
    {NEEDED " APPENDLIMIT", G_MAXUINT64}, /* each mailbox has its own */
    {NEEDED, G_MAXUINT64},
    {NEEDED " APPENDLIMIT=", G_MAXUINT64},
    {NEEDED " APPENDLIMIT=-1", G_MAXUINT64},
    {NEEDED " APPENDLIMIT=12k", G_MAXUINT64},
    {NEEDED " APPENDLIMIT=18446744073709551616", G_MAXUINT64},
    {NEEDED " APPENDLIMITS=5 XAPPENDLIMIT=6", G_MAXUINT64},
    {NEEDED " APPENDLIMIT APPENDLIMIT=7", 7},
};

static void
test_number(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(GStrv) words = g_strsplit(cases[i].words, " ", -1);
        ImsCaps caps = {0};

        g_test_message("%s", cases[i].words);
        ims_caps_set(&caps, words);
        g_assert_cmpuint(ims_caps_number(&caps, "APPENDLIMIT", G_MAXUINT64), ==, cases[i].want);
        ims_caps_clear(&caps);
    }
}

static void
test_untold(void)
{
    const ImsCaps caps = {0};

    g_assert_cmpuint(ims_caps_number(&caps, "APPENDLIMIT", 77), ==, 77);
}

static void
test_append_limit(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *greeting =
            g_strdup_printf("S: * PREAUTH [CAPABILITY %s] hello", cases[i].words);
        const char *const lines[] = {
            greeting, "C: a1 ENABLE QRESYNC", "S: * ENABLED QRESYNC", "S: a1 OK done", NULL};
        g_autoptr(ImsConn) conn = NULL;

        script_begin(lines, 0);
        conn = script_open();
        g_assert_cmpuint(ims_conn_append_limit(conn), ==, cases[i].want);
        g_clear_pointer(&conn, ims_conn_free);
        script_end();
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/imap/caps/number-or-fallback", test_number);
    g_test_add_func("/imap/caps/number-of-what-was-not-told", test_untold);
    g_test_add_func("/imap/caps/append-limit-is-that-of-the-greeting", test_append_limit);
    return g_test_run();
}
