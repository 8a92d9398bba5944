/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* A link to a spawned command. It speaks over one socket pair, so that its input and output look
 * like any other connection. Its stderr is a file in memory and no pipe: writing to it neither
 * blocks nor fails, also when we have gone. (Dovecot 2.3.19 logs that its client has gone before it
 * rolls back that client's APPEND, and ends at once if it cannot: half a message is left in the
 * store, whose repair then brings back others twice.) This runs in worker threads: the child is
 * waited for by its pid, without SIGCHLD and without a main loop, and never for long. */

#include "net/link-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/error.h"
#include "util/log.h"

#define STDERR_LIMIT  (1024 * 1024) /* then what was said is forgotten */
#define STDERR_LINES  3
#define STDERR_BREAK  " / "
#define REAP_STEP_US  2000
#define REAP_PATIENCE (G_USEC_PER_SEC / 2)

/* The ends of what connects us to the command; -1 once closed or handed on. */
typedef struct {
    int ours, theirs; /* the socket pair */
    int said;         /* the file that is its stderr */
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
    close_fd(&self->said);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Ends, ends_clear)

static gboolean
config_error(const char *command, const char *why, GError **error)
{
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CONFIG,
        _("cannot start the command “%s”: %s; check the account's command setting"),
        command,
        why);
    return FALSE;
}

static gboolean
make_ends(Ends *out, const char *command, GError **error)
{
    g_auto(Ends) ends = {-1, -1, -1};
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return config_error(command, g_strerror(errno), error);
    ends.ours = pair[0];
    ends.theirs = pair[1];
    ends.said = memfd_create("stderr", MFD_CLOEXEC);
    if (ends.said < 0 || fcntl(ends.said, F_SETFL, O_APPEND) < 0)
        return config_error(command, g_strerror(errno), error);

    *out = ends;
    ends = (Ends){-1, -1, -1};
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
            ends->said,
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
    g_auto(Ends) ends = {-1, -1, -1};
    g_autoptr(GSocket) socket = NULL;
    ImsLink *self;
    GPid pid;

    if (argv == NULL || argv[0] == NULL) {
        config_error("", _("it is empty"), error);
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
    self->stderr_fd = ends.said;
    ends.said = -1;
    return self;
}

static off_t
length_of(int fd)
{
    struct stat file;

    return fstat(fd, &file) == 0 ? file.st_size : 0;
}

void
ims_link_bound_stderr(ImsLink *self)
{
    if (self->stderr_fd < 0 || length_of(self->stderr_fd) <= STDERR_LIMIT)
        return;
    if (ftruncate(self->stderr_fd, 0) < 0)
        close_fd(&self->stderr_fd);
}

static gsize
last_line(const char *text, gsize len)
{
    const char *newline = memrchr(text, '\n', len);

    return newline != NULL ? (gsize)(text + len - (newline + 1)) : len;
}

static gsize
trimmed(const char *text, gsize len)
{
    while (len > 0 && g_ascii_isspace(text[len - 1]))
        len--;
    return len;
}

/* The last lines: programs put the reason for giving up there, and what led to it before. */
static char *
join_lines(const char *text, gsize len)
{
    g_autoptr(GString) joined = g_string_new(NULL);

    for (guint n = 0; n < STDERR_LINES && (len = trimmed(text, len)) > 0; n++) {
        gsize line = last_line(text, len);
        g_autofree char *shown = ims_text_escape(text + len - line, line);

        g_string_prepend(joined, n > 0 ? STDERR_BREAK : "");
        g_string_prepend(joined, shown);
        len -= line;
    }
    return joined->len > 0 ? g_strdup(joined->str) : NULL;
}

char *
ims_link_stderr(ImsLink *self)
{
    char tail[IMS_LINK_STDERR_MAX];
    off_t end = self->stderr_fd >= 0 ? length_of(self->stderr_fd) : 0;
    gssize len = 0;

    if (end > 0)
        len = pread(self->stderr_fd, tail, sizeof tail, MAX(end - (off_t)sizeof tail, 0));
    return len > 0 ? join_lines(tail, (gsize)len) : NULL;
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
    if (self->pid == 0)
        return;

    kill(self->pid, SIGTERM);
    if (!reaped_in_time(self->pid)) {
        kill(self->pid, SIGKILL);
        reaped_in_time(self->pid);
    }
    self->pid = 0;
}
