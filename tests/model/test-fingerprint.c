/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Which headers have the same fingerprint, and which have not. */
#include "model/fingerprint.h"

#include <string.h>

#define BASE                                                                                       \
    "From: Ann <ann@example.org>\r\n"                                                              \
    "To: bob@example.org\r\n"                                                                      \
    "Date: Sat, 1 Feb 2020 10:00:00 +0200\r\n"                                                     \
    "Subject: a long subject\r\n"                                                                  \
    "Message-ID: <1@example.org>\r\n"

static guint64
fingerprint_n(const char *header, gsize len, gsize chunk)
{
    g_autoptr(ImsFingerprint) self = ims_fingerprint_new();

    for (gsize i = 0; i < len; i += chunk)
        ims_fingerprint_feed(self, (const guint8 *)header + i, MIN(chunk, len - i));
    return ims_fingerprint_end(self);
}

static guint64
fingerprint(const char *header)
{
    return fingerprint_n(header, strlen(header), G_MAXINT32);
}

/* Stands in state files: a change here breaks them. The digest of "subject:x\n". */
static void
test_constant(void)
{
    g_assert_cmphex(fingerprint("Subject: x\r\n\r\n"), ==, G_GUINT64_CONSTANT(0xaf88de71357db31f));
}

typedef struct {
    const char *name, *header;
} Case;

static const Case same_cases[] = {
    {"an end", BASE "\r\n"},
    {"a body", BASE "\r\nSubject: of the body\r\n"},
    {"other fields",
     "Received: from x\r\n\tby y\r\n" BASE "X-Subject: b\r\nTo-Do: c\r\nSubjec: d\r\n\r\n"},
    {"another order",
     "Message-ID: <1@example.org>\r\nSubject: a long subject\r\n"
     "Date: Sat, 1 Feb 2020 10:00:00 +0200\r\nTo: bob@example.org\r\n"
     "From: Ann <ann@example.org>\r\n\r\n"},
    {"bare LF",
     "From: Ann <ann@example.org>\nTo: bob@example.org\nDate: Sat, 1 Feb 2020 10:00:00 +0200\n"
     "Subject: a long subject\nMessage-ID: <1@example.org>\n\nx"},
    {"folding",
     "From:\r\n Ann\r\n\t<ann@example.org>\r\nTo: bob@example.org\r\n"
     "Date: Sat, 1 Feb 2020\r\n 10:00:00 +0200\r\nSubject: a\r\n \r\n long subject\r\n"
     "Message-ID:\r\n <1@example.org>\r\n\r\n"},
    {"white space",
     "From :Ann  <ann@example.org>  \r\nTo:\tbob@example.org\r\n"
     "Date: Sat, 1 Feb 2020 10:00:00 +0200\r\nSubject:   a  long\t subject \r\n"
     "Message-ID: <1@example.org>\r\n\r\n"},
    {"names in another case",
     "FROM: Ann <ann@example.org>\r\nto: bob@example.org\r\n"
     "dATE: Sat, 1 Feb 2020 10:00:00 +0200\r\nsubject: a long subject\r\n"
     "Message-Id: <1@example.org>\r\n\r\n"},
    {"a field twice", BASE "Subject: another\r\nTo: c@example.org\r\n\r\n"},
    {"a line that is no field", "From bob Sat Feb  1 10:00:00 2020\r\nnonsense\r\n" BASE "\r\n"},
};

static void
test_same(void)
{
    guint64 want = fingerprint(BASE);

    for (gsize i = 0; i < G_N_ELEMENTS(same_cases); i++) {
        g_test_message("%s", same_cases[i].name);
        g_assert_cmphex(fingerprint(same_cases[i].header), ==, want);
    }
}

static const Case other_cases[] = {
    {"another subject", "Subject: b\r\n\r\n"},
    {"a subject in another case", "Subject: A\r\n\r\n"},
    {"one more field", "Subject: a\r\nTo: x\r\n\r\n"},
    {"the value in another field", "To: a\r\n\r\n"},
    {"white space within", "Subject: a a\r\n\r\n"},
    {"a folded line more", "Subject: a\r\n b\r\n\r\n"},
};

static void
test_other(void)
{
    guint64 base = fingerprint("Subject: a\r\n\r\n");

    g_assert_cmphex(base, !=, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(other_cases); i++) {
        g_test_message("%s", other_cases[i].name);
        g_assert_cmphex(fingerprint(other_cases[i].header), !=, base);
    }
}

static void
test_munged(void)
{
    const char with_nul[] = "Subject: a\0b\r\n\r\n";
    guint64 want = fingerprint("Subject: aXb\r\n\r\n");

    g_assert_cmphex(
        fingerprint("Subject: a\x80"
                    "b\r\n\r\n"),
        ==,
        want);
    g_assert_cmphex(fingerprint_n(with_nul, sizeof with_nul - 1, 100), ==, want);
    g_assert_cmphex(
        fingerprint("Subject: M\xc3\xbcller\r\n\r\n"), ==, fingerprint("Subject: MXXller\r\n\r\n"));
    g_assert_cmphex(fingerprint("Subject: axb\r\n\r\n"), !=, want);
}

static void
test_unusable(void)
{
    static const char *const unusable[] = {
        "",
        "\r\n",
        "\n" BASE,
        "Received: x\r\n\r\n",
        "Subject:\r\nTo: \r\n \r\n\r\n",
        "no header at all",
        "Subject",
        "\r\nSubject: a\r\n",
        " Subject: a\r\n"};

    for (gsize i = 0; i < G_N_ELEMENTS(unusable); i++) {
        g_test_message("case %" G_GSIZE_FORMAT, i);
        g_assert_cmphex(fingerprint(unusable[i]), ==, 0);
    }
}

static void
test_chunks(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(same_cases); i++) {
        const char *header = same_cases[i].header;

        for (gsize chunk = 1; chunk < 20; chunk++)
            g_assert_cmphex(fingerprint_n(header, strlen(header), chunk), ==, fingerprint(header));
    }
}

/* A whole message and its HEADER.FIELDS agree, however much stands between the fields. */
static void
test_long_header(void)
{
    g_autoptr(GString) header = g_string_new("From: Ann <ann@example.org>\r\n");

    while (header->len < 600 * 1024)
        g_string_append(header, "Received: from somewhere by somewhere else\r\n");
    g_string_append(header, strstr(BASE, "To:"));
    g_assert_cmphex(fingerprint(header->str), ==, fingerprint(BASE));
}

static void
test_limit(void)
{
    g_autoptr(GString) a = g_string_new("Subject: "), b = NULL;

    while (a->len < 256 * 1024 + 100)
        g_string_append_c(a, 's');
    b = g_string_new(a->str);
    g_string_append(a, "\r\nTo: x\r\n\r\n");
    g_string_append(b, "tttttt\r\nTo: y\r\n\r\n");
    g_assert_cmphex(fingerprint(a->str), ==, fingerprint(b->str));
    g_assert_cmphex(fingerprint_n(a->str, a->len, 4096), ==, fingerprint(b->str));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/model/fingerprint/never-changes", test_constant);
    g_test_add_func("/model/fingerprint/same-for-the-same-message", test_same);
    g_test_add_func("/model/fingerprint/other-for-another", test_other);
    g_test_add_func("/model/fingerprint/blind-to-munged-bytes", test_munged);
    g_test_add_func("/model/fingerprint/zero-without-a-usable-header", test_unusable);
    g_test_add_func("/model/fingerprint/pieces-do-not-matter", test_chunks);
    g_test_add_func("/model/fingerprint/other-fields-do-not-count", test_long_header);
    g_test_add_func("/model/fingerprint/stops-at-its-limit", test_limit);
    return g_test_run();
}
