/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* A link to a spawned command. It speaks over one socket pair, so that its input and output look
 * like any other connection; its stderr is heard whenever the pump runs, so that a talkative
 * command never blocks on it. This runs in worker threads: the child is waited for by its pid,
 * without SIGCHLD and without a main loop, and never for long. */

#include "net/link-private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/error.h"
#include "util/log.h"

#define REAP_STEP_US  2000
#define REAP_PATIENCE (G_USEC_PER_SEC / 2)

/* The ends of what connects us to the command; -1 once closed or handed on. */
typedef struct {
    int ours, theirs;          /* the socket pair */
    int stderr_in, stderr_out; /* the pipe */
} Ends;

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void
ends_clear(Ends *self)
{
    close_fd(&self->ours);
    close_fd(&self->theirs);
    close_fd(&self->stderr_in);
    close_fd(&self->stderr_out);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Ends, ends_clear)

static gboolean
config_error(const char *command, const char *why, GError **error)
{
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CONFIG,
        "cannot start the command “%s”: %s; check the account's command setting",
        command,
        why);
    return FALSE;
}

static gboolean
make_ends(Ends *out, const char *command, GError **error)
{
    g_auto(Ends) ends = {-1, -1, -1, -1};
    int pair[2], tube[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return config_error(command, g_strerror(errno), error);
    ends.ours = pair[0];
    ends.theirs = pair[1];
    if (pipe2(tube, O_CLOEXEC) < 0)
        return config_error(command, g_strerror(errno), error);
    ends.stderr_in = tube[0];
    ends.stderr_out = tube[1];
    if (fcntl(ends.stderr_in, F_SETFL, O_NONBLOCK) < 0)
        return config_error(command, g_strerror(errno), error);

    *out = ends;
    ends = (Ends){-1, -1, -1, -1};
    return TRUE;
}

/* GLib closes every descriptor but these three in the child. */
static gboolean
spawn(char **argv, char **envp, const Ends *ends, GPid *out_pid, GError **error)
{
    g_autoptr(GError) problem = NULL;
    GSpawnFlags flags = G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD;

    if (!g_spawn_async_with_pipes_and_fds(
            NULL,
            (const char *const *)argv,
            (const char *const *)envp,
            flags,
            NULL,
            NULL,
            ends->theirs,
            ends->theirs,
            ends->stderr_out,
            NULL,
            NULL,
            0,
            out_pid,
            NULL,
            NULL,
            NULL,
            &problem))
        return config_error(argv[0], problem->message, error);
    return TRUE;
}

/* Takes over our end of the socket pair. */
static GSocket *
make_socket(Ends *ends, const char *command, GError **error)
{
    g_autoptr(GError) problem = NULL;
    GSocket *socket = g_socket_new_from_fd(ends->ours, &problem);

    if (socket == NULL) {
        config_error(command, problem->message, error);
        return NULL;
    }
    ends->ours = -1;
    return socket;
}

ImsLink *
ims_link_open_command(char **argv, char **envp, GError **error)
{
    g_auto(Ends) ends = {-1, -1, -1, -1};
    g_autoptr(GSocket) socket = NULL;
    ImsLink *self;
    GPid pid;

    if (argv == NULL || argv[0] == NULL) {
        config_error("", "it is empty", error);
        return NULL;
    }
    if (!make_ends(&ends, argv[0], error))
        return NULL;
    socket = make_socket(&ends, argv[0], error);
    if (socket == NULL || !spawn(argv, envp, &ends, &pid, error))
        return NULL;

    self = ims_link_new(
        argv[0], G_IO_STREAM(g_socket_connection_factory_create_connection(socket)), socket);
    self->pid = pid;
    self->said = g_string_new(NULL);
    self->stderr_fd = ends.stderr_in;
    ends.stderr_in = -1;
    return self;
}

void
ims_link_hear_stderr(ImsLink *self)
{
    char piece[IMS_LINK_STDERR_MAX];

    while (self->stderr_fd >= 0) {
        gssize len = read(self->stderr_fd, piece, sizeof piece);

        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0 && errno == EAGAIN)
            return;
        if (len <= 0) {
            close_fd(&self->stderr_fd);
            return;
        }
        g_string_append_len(self->said, piece, len);
        if (self->said->len > IMS_LINK_STDERR_MAX)
            g_string_erase(self->said, 0, (gssize)self->said->len - IMS_LINK_STDERR_MAX);
    }
}

/* The last line: programs put the reason for giving up there. */
char *
ims_link_stderr(ImsLink *self)
{
    const char *begin, *newline;
    gsize len;

    ims_link_hear_stderr(self);
    if (self->said == NULL)
        return NULL;
    begin = self->said->str;
    len = self->said->len;
    while (len > 0 && g_ascii_isspace(begin[len - 1]))
        len--;
    if (len == 0)
        return NULL;

    newline = memrchr(begin, '\n', len);
    return newline != NULL ? ims_text_escape(newline + 1, len - (gsize)(newline + 1 - begin))
                           : ims_text_escape(begin, len);
}

static gboolean
reaped_in_time(GPid pid)
{
    gint64 until = g_get_monotonic_time() + REAP_PATIENCE;

    do {
        pid_t got = waitpid(pid, NULL, WNOHANG);

        if (got == pid || (got < 0 && errno != EINTR))
            return TRUE;
        g_usleep(REAP_STEP_US);
    } while (g_get_monotonic_time() < until);

    return FALSE;
}

void
ims_link_end_command(ImsLink *self)
{
    close_fd(&self->stderr_fd);
    if (self->said != NULL)
        g_string_free(self->said, TRUE);
    self->said = NULL;
    if (self->pid == 0)
        return;

    kill(self->pid, SIGTERM);
    if (!reaped_in_time(self->pid)) {
        kill(self->pid, SIGKILL);
        reaped_in_time(self->pid);
    }
    self->pid = 0;
}
