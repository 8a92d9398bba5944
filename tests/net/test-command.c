/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Links to spawned commands: what starts, what is heard, and that nothing is left behind. */

#include <errno.h>
#include <sys/wait.h>

#include "byte-client.h"
#include "net/pump.h"
#include "util/error.h"

static ImsLink *
open_shell(const char *script, char **envp)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    g_autoptr(GError) error = NULL;
    ImsLink *link = ims_link_open_command((char **)argv, envp, &error);

    g_assert_no_error(error);
    return link;
}

/* Returns: (transfer full): all that @link says until it closes. */
static char *
read_to_end(ImsLink *link)
{
    g_autoptr(ImsPump) pump = ims_pump_new(NULL);
    g_auto(ByteClient) client;
    g_autoptr(GError) error = NULL;

    byte_client_init(&client, NULL, 0, G_MAXUINT);
    ims_pump_attach(pump, link, &byte_client_functions, &client);
    g_assert_false(
        ims_pump_until(pump, link, byte_client_is_full, &client, in_us(LONG_US), 0, &error));
    g_assert_true(client.closed);
    ims_pump_detach(pump, link);
    g_byte_array_append(client.in, (const guint8 *)"", 1);
    return g_strdup((const char *)client.in->data);
}

static void
test_missing_is_config(void)
{
    const char *argv[] = {"no-such-command-anywhere", NULL};
    const char *empty[] = {NULL};
    g_autoptr(GError) error = NULL;

    g_assert_null(ims_link_open_command((char **)argv, NULL, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
    g_assert_nonnull(strstr(error->message, argv[0]));
    g_clear_error(&error);

    g_assert_null(ims_link_open_command((char **)empty, NULL, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
}

static void
test_stderr_of_exited(void)
{
    g_autoptr(ImsLink) link =
        open_shell("echo first >&2; echo >&2; echo 'no such \033[1muser' >&2; exit 1", NULL);
    g_autofree char *out = read_to_end(link);
    g_autofree char *said = ims_link_stderr(link);

    g_assert_cmpstr(out, ==, "");
    g_assert_cmpstr(said, ==, "first / no such ?[1muser");
}

static void
test_last_lines_of_many(void)
{
    g_autoptr(ImsLink) link = open_shell("seq 9 >&2; printf 'unfinished' >&2", NULL);
    g_autofree char *out = read_to_end(link);
    g_autofree char *said = ims_link_stderr(link);

    g_assert_cmpstr(out, ==, "");
    g_assert_cmpstr(said, ==, "8 / 9 / unfinished");
}

static void
test_silent_has_no_stderr(void)
{
    g_autoptr(ImsLink) link = open_shell("exit 0", NULL);
    g_autofree char *out = read_to_end(link);

    g_assert_cmpstr(out, ==, "");
    g_assert_null(ims_link_stderr(link));
}

/* A pipe would hold 64 KiB: unless somebody listened, the command would hang before its end. */
static void
test_talkative_command_goes_on(void)
{
    g_autoptr(ImsLink) link =
        open_shell("head -c 1000000 /dev/zero >&2; echo >&2; echo last >&2; echo done", NULL);
    g_autofree char *out = read_to_end(link);
    g_autofree char *said = ims_link_stderr(link);

    g_assert_cmpstr(out, ==, "done\n");
    g_assert_true(g_str_has_suffix(said, "… / last"));
    g_assert_cmpuint(strlen(said), <, 300);
}

static void
test_environment(void)
{
    const char *envp[] = {"GREETING=hello", NULL};
    g_autoptr(ImsLink) link = open_shell("echo $GREETING", (char **)envp);
    g_autofree char *out = read_to_end(link);

    g_assert_cmpstr(out, ==, "hello\n");
}

static void
test_no_descriptor_leaks(void)
{
    g_autoptr(ImsLink) neighbour = open_shell("exec cat", NULL);
    g_autoptr(ImsLink) link = open_shell("cd /proc/self/fd && echo *", NULL);
    g_autofree char *out = read_to_end(link);
    g_auto(GStrv) fds = g_strsplit(g_strchomp(out), " ", 0);

    /* The shell itself holds one more: the directory that it lists. */
    g_assert_cmpuint(g_strv_length(fds), <=, 4);
}

/* @script says something once it is ready to be ended. */
static void
test_free_reaps(gconstpointer script)
{
    g_autoptr(ImsPump) pump = ims_pump_new(NULL);
    g_auto(ByteClient) client;
    ImsLink *link = open_shell(script, NULL);
    gint64 begin;

    byte_client_init(&client, NULL, 0, 1);
    ims_pump_attach(pump, link, &byte_client_functions, &client);
    g_assert_true(
        ims_pump_until(pump, link, byte_client_is_full, &client, in_us(LONG_US), 0, NULL));
    ims_pump_detach(pump, link);

    begin = g_get_monotonic_time();
    ims_link_free(link);
    g_assert_cmpint(g_get_monotonic_time() - begin, <, 1500000);
    g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
    g_assert_cmpint(errno, ==, ECHILD);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net/command/missing-is-config", test_missing_is_config);
    g_test_add_func("/net/command/stderr-of-exited-is-there", test_stderr_of_exited);
    g_test_add_func("/net/command/stderr-is-told-by-its-last-lines", test_last_lines_of_many);
    g_test_add_func("/net/command/silent-has-no-stderr", test_silent_has_no_stderr);
    g_test_add_func("/net/command/talkative-command-goes-on", test_talkative_command_goes_on);
    g_test_add_func("/net/command/environment-is-passed", test_environment);
    g_test_add_func("/net/command/no-descriptor-leaks", test_no_descriptor_leaks);
    g_test_add_data_func("/net/command/free-reaps", "echo; exec cat", test_free_reaps);
    g_test_add_data_func(
        "/net/command/free-reaps-the-stubborn",
        "trap '' TERM; echo; exec sleep 30",
        test_free_reaps);
    ims_link_free(NULL);
    return g_test_run();
}
