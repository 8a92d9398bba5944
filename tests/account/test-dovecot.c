/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The embedded store with the real imap program of Dovecot, as an ordinary user: root becomes
 * nobody where Dovecot must not be root. */

#include "account/dovecot.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"

#define NOBODY 65534

/* Each character that some layer of Dovecot's configuration takes for something else. */
#define AWKWARD "a:b %u $HOME #c \"d' \\e ~"

typedef struct {
    GSubprocess *process;
    GOutputStream *in;
    GDataInputStream *out;
    guint n_commands;
} Server;

static char *top; /* a folder of the ordinary user's */

static void
become_ordinary(gpointer data)
{
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
        _exit(99);
}

static gboolean
skip_without_dovecot(void)
{
    gboolean missing = !g_file_test(IMS_DOVECOT_IMAP, G_FILE_TEST_IS_EXECUTABLE);

    if (missing)
        g_test_skip("the package dovecot-imapd is not installed");
    return missing;
}

/* The files are to be the ordinary user's, too. */
static ImsDovecot *
new_as_ordinary(const char *account, GError **error)
{
    gboolean was_root = geteuid() == 0;
    ImsDovecot *dovecot;

    if (was_root)
        g_assert_cmpint(seteuid(NOBODY), ==, 0);
    dovecot = ims_dovecot_new(account, error);
    if (was_root)
        g_assert_cmpint(seteuid(0), ==, 0);
    return dovecot;
}

static char *
read_line(Server *self)
{
    g_autoptr(GError) error = NULL;
    char *line = g_data_input_stream_read_line(self->out, NULL, NULL, &error);

    g_assert_no_error(error);
    g_assert_nonnull(line);
    return line;
}

static void
server_start(Server *self, const ImsDovecot *dovecot, char **out_greeting)
{
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);
    g_autoptr(GError) error = NULL;

    g_subprocess_launcher_set_environ(launcher, dovecot->envp);
    g_subprocess_launcher_set_child_setup(launcher, become_ordinary, NULL, NULL);
    self->process =
        g_subprocess_launcher_spawnv(launcher, (const char *const *)dovecot->argv, &error);
    g_assert_no_error(error);
    self->in = g_subprocess_get_stdin_pipe(self->process);
    self->out = g_data_input_stream_new(g_subprocess_get_stdout_pipe(self->process));
    self->n_commands = 0;
    *out_greeting = read_line(self);
}

/* Returns: all lines of the answer. */
static char *
ask(Server *self, const char *command)
{
    g_autofree char *tag = g_strdup_printf("t%u ", ++self->n_commands);
    g_autofree char *text = g_strconcat(tag, command, "\r\n", NULL);
    g_autoptr(GString) answer = g_string_new(NULL);
    gboolean done = FALSE;

    g_assert_true(g_output_stream_write_all(self->in, text, strlen(text), NULL, NULL, NULL));
    while (!done) {
        g_autofree char *line = read_line(self);

        done = g_str_has_prefix(line, tag);
        g_string_append_printf(answer, "%s\n", line);
    }
    g_test_message("%s%s", text, answer->str);
    return g_string_free(g_steal_pointer(&answer), FALSE);
}

#define ASSERT_ANSWER(server, command, part)                                                       \
    do {                                                                                           \
        g_autofree char *answer = ask(server, command);                                            \
                                                                                                   \
        g_assert_nonnull(strstr(answer, part));                                                    \
    } while (0)

static void
server_end(Server *self)
{
    g_autofree char *bye = ask(self, "LOGOUT");

    g_assert_true(g_subprocess_wait_check(self->process, NULL, NULL));
    g_object_unref(self->out);
    g_object_unref(self->process);
}

static void
test_serves(void)
{
    static const char *const needed[] = {
        "* PREAUTH ",
        "QRESYNC",
        "UIDPLUS",
        "LIST-EXTENDED",
        "LIST-STATUS",
        "MULTIAPPEND",
        "LITERAL+",
        "SPECIAL-USE",
        "ENABLE"};
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsDovecot) dovecot = NULL;
    g_autofree char *greeting = NULL, *again = NULL, *storage = NULL;
    Server server;

    if (skip_without_dovecot())
        return;
    dovecot = new_as_ordinary("serves", &error);
    g_assert_no_error(error);
    server_start(&server, dovecot, &greeting);
    for (gsize i = 0; i < G_N_ELEMENTS(needed); i++)
        g_assert_nonnull(strstr(greeting, needed[i]));
    ASSERT_ANSWER(&server, "APPEND INBOX (kw) {5+}\r\nhello", "APPENDUID");
    ASSERT_ANSWER(&server, "CREATE Sent", " OK ");
    ASSERT_ANSWER(&server, "CREATE a/b", " OK ");
    server_end(&server);

    server_start(&server, dovecot, &again);
    ASSERT_ANSWER(&server, "ENABLE QRESYNC", "* ENABLED QRESYNC");
    ASSERT_ANSWER(&server, "LIST \"\" * RETURN (SPECIAL-USE)", "(\\Sent) \"/\" Sent");
    ASSERT_ANSWER(&server, "LIST \"\" * RETURN (STATUS (MESSAGES HIGHESTMODSEQ))", "a/b (MESSAGES");
    ASSERT_ANSWER(&server, "SELECT INBOX", "* 1 EXISTS");
    server_end(&server);

    storage = g_build_filename(dovecot->store, "mail", "storage", NULL);
    g_assert_true(g_file_test(storage, G_FILE_TEST_IS_DIR)); /* mdbox, where we said */
}

static void
test_two_see_each_other(void)
{
    g_autoptr(ImsDovecot) dovecot = NULL;
    g_autofree char *greeting_a = NULL, *greeting_b = NULL;
    Server a, b;

    if (skip_without_dovecot())
        return;
    dovecot = new_as_ordinary("two", NULL);
    server_start(&a, dovecot, &greeting_a);
    server_start(&b, dovecot, &greeting_b);
    ASSERT_ANSWER(&a, "ENABLE QRESYNC", "ENABLED");
    ASSERT_ANSWER(&a, "SELECT INBOX", "* 0 EXISTS");
    ASSERT_ANSWER(&b, "APPEND INBOX {5+}\r\nhello", "APPENDUID");
    ASSERT_ANSWER(&a, "NOOP", "* 1 EXISTS");
    ASSERT_ANSWER(&b, "SELECT INBOX", "* 1 EXISTS");
    ASSERT_ANSWER(&b, "UID STORE 1 +FLAGS (\\Seen \\Deleted)", "FETCH");
    ASSERT_ANSWER(&a, "NOOP", "\\Seen");
    ASSERT_ANSWER(&b, "UID EXPUNGE 1", "EXPUNGE");
    ASSERT_ANSWER(&a, "NOOP", "* VANISHED 1");
    server_end(&a);
    server_end(&b);
}

static void
test_files_are_private(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsDovecot) dovecot = NULL;
    g_autofree char *store = ims_dovecot_store("private");
    g_autofree char *path = g_build_filename(store, "dovecot.conf", NULL);
    GStatBuf info, again;

    if (skip_without_dovecot())
        return;
    dovecot = new_as_ordinary("private", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(dovecot->store, ==, store);
    g_assert_cmpint(g_stat(store, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0700);
    g_assert_cmpint(g_stat(path, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0600);

    g_clear_pointer(&dovecot, ims_dovecot_free);
    dovecot = new_as_ordinary("private", &error);
    g_assert_no_error(error);
    g_assert_cmpint(g_stat(path, &again), ==, 0);
    g_assert_cmpint(info.st_ino, ==, again.st_ino); /* not written again */
}

static void
test_environment_is_clean(void)
{
    g_autoptr(ImsDovecot) dovecot = NULL;

    if (skip_without_dovecot())
        return;
    g_setenv("DOVECOT_PRESERVE_ENVS", "X", TRUE);
    dovecot = new_as_ordinary("clean", NULL);
    g_unsetenv("DOVECOT_PRESERVE_ENVS");
    g_assert_null(g_environ_getenv(dovecot->envp, "DOVECOT_PRESERVE_ENVS"));
    g_assert_cmpstr(g_environ_getenv(dovecot->envp, "USER"), ==, g_get_user_name());
    g_assert_cmpstr(g_environ_getenv(dovecot->envp, "HOME"), ==, dovecot->store);
}

static char *
make_file(const char *folder, const char *name)
{
    char *path = g_build_filename(folder, name, NULL);

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_true(g_file_set_contents(path, "mail", -1, NULL));
    return path;
}

static void
test_deleted_store(void)
{
    g_autofree char *store = ims_dovecot_store("gone");
    g_autofree char *inner = g_build_filename(store, "mail", "storage", NULL);
    g_autofree char *link = g_build_filename(store, "mail", "link", NULL);
    g_autofree char *mail = make_file(inner, "m.1");
    g_autofree char *other = g_build_filename(top, "other", NULL);
    g_autofree char *kept = make_file(other, "m.1");
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(symlink(other, link), ==, 0);
    g_assert_true(ims_dovecot_delete_store(store, &error));
    g_assert_no_error(error);
    g_assert_false(g_file_test(store, G_FILE_TEST_EXISTS));
    g_assert_true(g_file_test(kept, G_FILE_TEST_EXISTS));
    g_assert_true(ims_dovecot_delete_store(store, &error)); /* there is none */
    g_assert_no_error(error);
}

static void
test_linked_store_is_kept(void)
{
    g_autofree char *store = ims_dovecot_store("linked");
    g_autofree char *folder = g_path_get_dirname(store);
    g_autofree char *other = g_build_filename(top, "elsewhere", NULL);
    g_autofree char *kept = make_file(other, "m.1");
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_cmpint(symlink(other, store), ==, 0);
    g_assert_false(ims_dovecot_delete_store(store, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_STATE);
    g_assert_true(g_file_test(kept, G_FILE_TEST_EXISTS));
    g_assert_cmpint(g_unlink(store), ==, 0);
}

static void
test_root_is_refused(void)
{
    g_autoptr(GError) error = NULL;

    if (geteuid() != 0) {
        g_test_skip("only root can try");
        return;
    }
    g_assert_null(ims_dovecot_new("root", &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
    g_assert_nonnull(strstr(error->message, "ordinary user"));
}

static void
remove_all(void)
{
    const char *argv[] = {"rm", "-rf", "--", top, NULL};

    g_assert_true(g_spawn_sync(
        NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
}

int
main(int argc, char **argv)
{
    g_autofree char *data_dir = NULL;
    int result;

    g_test_init(&argc, &argv, NULL);
    top = g_dir_make_tmp("ims-dovecot-XXXXXX", NULL);
    data_dir = g_build_filename(top, AWKWARD, NULL);
    g_assert_cmpint(g_mkdir(data_dir, 0700), ==, 0);
    if (geteuid() == 0) {
        g_assert_cmpint(chown(top, NOBODY, NOBODY), ==, 0);
        g_assert_cmpint(chown(data_dir, NOBODY, NOBODY), ==, 0);
    }
    g_setenv("XDG_DATA_HOME", data_dir, TRUE);

    g_test_add_func("/account/dovecot/serves-what-we-need-and-keeps-mail", test_serves);
    g_test_add_func("/account/dovecot/two-processes-see-each-other", test_two_see_each_other);
    g_test_add_func("/account/dovecot/files-are-private", test_files_are_private);
    g_test_add_func("/account/dovecot/environment-is-clean", test_environment_is_clean);
    g_test_add_func("/account/dovecot/deleted-store-is-gone-and-no-more", test_deleted_store);
    g_test_add_func("/account/dovecot/linked-store-is-not-deleted", test_linked_store_is_kept);
    g_test_add_func("/account/dovecot/root-is-refused", test_root_is_refused);
    result = g_test_run();
    remove_all();
    g_free(top);
    return result;
}
