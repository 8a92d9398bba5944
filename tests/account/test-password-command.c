/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Commands that give a password, and all that they may do instead. */

#include "account/password-command.h"

#include <string.h>

typedef struct {
    char *password, *message;
    gboolean called;
} Answer;

static void
given(const char *password, const char *message, gpointer data)
{
    Answer *self = data;

    g_assert_false(self->called);
    self->called = TRUE;
    self->password = g_strdup(password);
    self->message = g_strdup(message);
}

typedef struct {
    const char *name, *command;
    const char *password; /* NULL: none */
    const char *words;    /* in the message, if there is none */
} Case;

static const Case cases[] = {
    {"first-line", "printf 'pa ss\\nuser: me\\n'", "pa ss", NULL},
    {"without-a-line-end", "printf geheim", "geheim", NULL},
    {"carriage-return", "printf 'geheim\\r\\n'", "geheim", NULL},
    {"no-shell", "echo $HOME;", "$HOME;", NULL},
    {"nothing", "true", NULL, "printed nothing"},
    {"empty-line", "echo", NULL, "printed nothing"},
    {"fails", "sh -c 'echo secret; echo no such entry >&2; exit 1'", NULL, "no such entry"},
    {"fails-in-silence", "sh -c 'echo secret; exit 3'", NULL, "code 3"},
    {"is-not-there", "/nonexistent/pass", NULL, "/nonexistent/pass"},
    {"floods", "yes", NULL, "signal"},
    {"too-long", "head -c 100000 /dev/zero", NULL, "nothing"},
    {"too-long-a-line", "sh -c 'yes | head -c 20000 | tr -d \"\\n\"'", NULL, "too long"},
    {"says-much", "sh -c 'head -c 100000 /dev/zero >&2; echo geheim'", "geheim", NULL},
    {"more-lines", "sh -c 'echo geheim; head -c 200000 /dev/zero'", "geheim", NULL},
    {"leaves-a-child-with-the-pipe", "sh -c 'echo geheim; sleep 3 & exit 0'", "geheim", NULL},
    {"leaves-a-child", "sh -c 'sleep 3 >/dev/null & echo oops >&2; exit 1'", NULL, "oops"},
};

static void
test_case(gconstpointer data)
{
    const Case *c = data;
    g_auto(GStrv) argv = NULL;
    Answer answer = {NULL};

    g_assert_true(g_shell_parse_argv(c->command, NULL, &argv, NULL));
    ims_password_command_run(argv, given, &answer);
    g_assert_false(answer.called);
    while (!answer.called)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpstr(answer.password, ==, c->password);
    if (c->password == NULL) {
        g_assert_nonnull(strstr(answer.message, c->words));
        g_assert_null(strstr(answer.message, "secret"));
    }
    g_free(answer.password);
    g_free(answer.message);
}

static void
test_cancel(void)
{
    char *argvs[][3] = {
        {(char *)"sleep", (char *)"100", NULL}, {(char *)"/nonexistent/pass", NULL, NULL}};
    Answer answer = {NULL};

    for (gsize i = 0; i < G_N_ELEMENTS(argvs); i++)
        ims_password_command_cancel(ims_password_command_run(argvs[i], given, &answer));
    for (guint i = 0; i < 100; i++) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(1000);
    }
    g_assert_false(answer.called);
    ims_password_command_cancel(NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/account/password-command/", cases[i].name, NULL);

        g_test_add_data_func(path, &cases[i], test_case);
    }
    g_test_add_func("/account/password-command/cancelled-tells-nobody", test_cancel);
    return g_test_run();
}
