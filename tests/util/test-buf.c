/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* The queue of bytes: its order, its maximum, and that nothing stays behind in its storage. */
#include "util/buf.h"

#include <string.h>

static void
assert_holds(const ImsBuf *buf, const char *text)
{
    g_assert_cmpmem(ims_buf_head(buf), ims_buf_len(buf), text, strlen(text));
}

static void
test_queue(void)
{
    ImsBuf buf;

    ims_buf_init(&buf, 10);
    g_assert_true(ims_buf_append(&buf, "abc", 3));
    g_assert_true(ims_buf_append(&buf, "", 0));
    g_assert_true(ims_buf_append(&buf, "def", 3));
    assert_holds(&buf, "abcdef");
    ims_buf_consume(&buf, 2);
    assert_holds(&buf, "cdef");
    ims_buf_consume(&buf, 4);
    g_assert_cmpuint(ims_buf_len(&buf), ==, 0);
    ims_buf_clear(&buf);
}

static void
test_max(void)
{
    ImsBuf buf;

    ims_buf_init(&buf, 4);
    g_assert_true(ims_buf_append(&buf, "abc", 3));
    g_assert_cmpuint(ims_buf_room(&buf), ==, 1);
    g_assert_false(ims_buf_append(&buf, "de", 2));
    assert_holds(&buf, "abc");
    g_assert_true(ims_buf_append(&buf, "d", 1));
    g_assert_false(ims_buf_append(&buf, "e", 1));
    ims_buf_consume(&buf, 1);
    g_assert_true(ims_buf_append(&buf, "e", 1));
    assert_holds(&buf, "bcde");
    ims_buf_clear(&buf);
}

static void
test_zero(void)
{
    ImsBuf buf = {0};

    g_assert_cmpuint(ims_buf_len(&buf), ==, 0);
    g_assert_false(ims_buf_append(&buf, "a", 1));
    g_assert_true(ims_buf_append(&buf, "", 0));
    ims_buf_consume(&buf, 0);
    ims_buf_clear(&buf);
}

static void
test_clear(void)
{
    ImsBuf buf;

    ims_buf_init(&buf, 4);
    g_assert_true(ims_buf_append(&buf, "abcd", 4));
    ims_buf_clear(&buf);
    g_assert_true(ims_buf_append(&buf, "efgh", 4));
    assert_holds(&buf, "efgh");
    ims_buf_clear(&buf);
}

static gboolean
storage_has(const ImsBuf *buf, guint8 byte)
{
    return memchr(buf->data, byte, buf->size) != NULL;
}

static void
test_consume_wipes(void)
{
    ImsBuf buf;

    ims_buf_init(&buf, 1000);
    g_assert_true(ims_buf_append(&buf, "secret", 6));
    memset(buf.data + buf.end, 0, buf.size - buf.end);
    ims_buf_consume(&buf, 6);
    g_assert_false(storage_has(&buf, 's'));
    ims_buf_clear(&buf);
}

static void
test_compact_wipes(void)
{
    ImsBuf buf;
    char many[200];

    memset(many, 'm', sizeof many);
    ims_buf_init(&buf, 1000);
    g_assert_true(ims_buf_append(&buf, many, sizeof many));
    g_assert_true(ims_buf_append(&buf, many, 100));
    g_assert_true(ims_buf_append(&buf, "Z", 1));
    ims_buf_consume(&buf, 300);
    memset(buf.data + buf.end, 0, buf.size - buf.end);
    g_assert_true(ims_buf_append(&buf, many, 150));
    g_assert_cmpuint(buf.start, ==, 0);
    ims_buf_consume(&buf, 1);
    g_assert_false(storage_has(&buf, 'Z'));
    ims_buf_clear(&buf);
}

/* Against a plain string, with random pieces. */
static void
test_like_a_string(void)
{
    g_autoptr(GString) model = g_string_new(NULL);
    ImsBuf buf;

    ims_buf_init(&buf, 2000);
    for (guint i = 0; i < 20000; i++) {
        char piece[400];
        gsize len = (gsize)g_test_rand_int_range(0, sizeof piece);

        memset(piece, 'a' + (int)(i % 26), len);
        if (ims_buf_append(&buf, piece, len))
            g_string_append_len(model, piece, (gssize)len);
        else
            g_assert_cmpuint(model->len + len, >, 2000);
        len = (gsize)g_test_rand_int_range(0, 400);
        len = MIN(len, model->len);
        ims_buf_consume(&buf, len);
        g_string_erase(model, 0, (gssize)len);
        g_assert_cmpmem(ims_buf_head(&buf), ims_buf_len(&buf), model->str, model->len);
        g_assert_cmpuint(buf.size, <=, 4000);
    }
    ims_buf_clear(&buf);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/util/buf/first-in-first-out", test_queue);
    g_test_add_func("/util/buf/maximum-counts-unread-bytes", test_max);
    g_test_add_func("/util/buf/zero-is-empty-and-full", test_zero);
    g_test_add_func("/util/buf/usable-after-clear", test_clear);
    g_test_add_func("/util/buf/consume-wipes", test_consume_wipes);
    g_test_add_func("/util/buf/compaction-wipes", test_compact_wipes);
    g_test_add_func("/util/buf/behaves-like-a-string", test_like_a_string);
    return g_test_run();
}
