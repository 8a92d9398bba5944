/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The connections of the fake server. A helper (fake-connect.c) hands over the socket that our link
 * gave it as stdin; a thread for each then reads commands with their literals, asks the test's
 * fuse, has the command executed under the mutex, and sends the reply in blocking writes, as a real
 * server's process does. */

#include "fake-private.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const all_capabilities[] = {
    "IMAP4rev1",
    "LITERAL+",
    "ENABLE",
    "UNSELECT",
    "UIDPLUS",
    "ESEARCH",
    "LIST-EXTENDED",
    "LIST-STATUS",
    "NAMESPACE",
    "SPECIAL-USE",
    "MULTIAPPEND",
    "CONDSTORE",
    "QRESYNC",
};

/* The test's functions run one at a time, so that they need no lock of their own. */
static GMutex hooks;

static gboolean
fuse(FakeConn *conn, FakePhase phase, const char *command)
{
    FakeFaults faults;
    gboolean blown;

    g_mutex_lock(&conn->server->mutex);
    faults = conn->server->faults;
    g_mutex_unlock(&conn->server->mutex);
    if (faults.cut == NULL)
        return FALSE;
    g_mutex_lock(&hooks);
    blown = faults.cut(phase, command, faults.data);
    g_mutex_unlock(&hooks);
    return blown;
}

static void
call_hook(FakeConn *conn, const char *command)
{
    FakeFaults faults;

    g_mutex_lock(&conn->server->mutex);
    faults = conn->server->faults;
    g_mutex_unlock(&conn->server->mutex);
    if (faults.on_command == NULL)
        return;
    g_mutex_lock(&hooks);
    faults.on_command(conn->server, command, faults.data);
    g_mutex_unlock(&hooks);
}

static gboolean
send_all(int fd, const char *data, gsize len)
{
    while (len > 0) {
        gssize gone = send(fd, data, len, MSG_NOSIGNAL);

        if (gone <= 0)
            return FALSE;
        data += gone;
        len -= (gsize)gone;
    }
    return TRUE;
}

/* Sends the reply, asking the fuse in the middle of each body. */
static gboolean
flush(FakeConn *conn, const char *command)
{
    gsize gone = 0;

    for (guint i = 0; i < conn->bodies->len; i++) {
        gsize middle = g_array_index(conn->bodies, gsize, i);

        if (!send_all(conn->fd, conn->reply->str + gone, middle - gone))
            return FALSE;
        gone = middle;
        if (fuse(conn, FAKE_BODY, command))
            return FALSE;
    }
    if (!send_all(conn->fd, conn->reply->str + gone, conn->reply->len - gone))
        return FALSE;
    g_string_set_size(conn->reply, 0);
    g_array_set_size(conn->bodies, 0);
    return TRUE;
}

static gboolean
receive(FakeConn *conn)
{
    guint8 piece[16384];
    gssize len = recv(conn->fd, piece, sizeof piece, 0);

    if (len <= 0)
        return FALSE;
    g_byte_array_append(conn->input, piece, (guint)len);
    return TRUE;
}

/* Waits for the line at @from; @out_end: behind its CRLF. */
static gboolean
receive_line(FakeConn *conn, gsize from, gsize *out_end)
{
    for (;;) {
        const char *data = (const char *)conn->input->data;
        const char *end = conn->input->len > from
                              ? memmem(data + from, conn->input->len - from, "\r\n", 2)
                              : NULL;

        if (end != NULL) {
            *out_end = (gsize)(end - data) + 2;
            return TRUE;
        }
        if (!receive(conn))
            return FALSE;
    }
}

/* Whether a line, CRLF included, announces a literal. */
static gboolean
ends_in_literal(const guint8 *line, gsize len, guint64 *out_size, gboolean *out_waits)
{
    g_autofree char *text = g_strndup((const char *)line, len - 2);
    char *brace = strrchr(text, '{');
    char *end;

    if (brace == NULL || !g_ascii_isdigit(brace[1]))
        return FALSE;
    *out_size = g_ascii_strtoull(brace + 1, &end, 10);
    *out_waits = *end != '+';
    return g_str_equal(end, "}") || g_str_equal(end, "+}");
}

/* Returns: (transfer full): the first line of what has come, without tag and CRLF. */
static char *
command_text(FakeConn *conn)
{
    const char *data = (const char *)conn->input->data;
    const char *end = memmem(data, conn->input->len, "\r\n", 2);
    const char *space = memchr(data, ' ', (gsize)(end - data));

    return space != NULL ? g_strndup(space + 1, (gsize)(end - space - 1)) : g_strdup("");
}

/* Returns: whether the octets of the literal may be read. */
static gboolean
admit_literal(FakeConn *conn, gboolean waits)
{
    g_autofree char *command = command_text(conn);

    if (fuse(conn, FAKE_LITERAL, command))
        return FALSE;
    if (waits)
        return send_all(conn->fd, "+ OK\r\n", 6);
    return strstr(conn->server->capabilities, "LITERAL+") != NULL;
}

/* A server that knows better says NO instead of asking for the octets. */
static gboolean
rejects_append(FakeConn *conn, gsize line_len)
{
    gboolean rejected = FALSE;

    g_mutex_lock(&conn->server->mutex);
    rejected = fake_rejects(conn, (const char *)conn->input->data, line_len);
    g_mutex_unlock(&conn->server->mutex);
    return rejected;
}

/* Waits for a whole command at the beginning of the input. @out_rejected: it has been answered. */
static gboolean
receive_command(FakeConn *conn, gsize *out_len, gboolean *out_rejected)
{
    gsize end = 0;

    *out_rejected = FALSE;
    for (;;) {
        gsize line = end;
        guint64 size;
        gboolean waits;

        if (!receive_line(conn, line, &end))
            return FALSE;
        *out_len = end;
        if (!ends_in_literal(conn->input->data + line, end - line, &size, &waits))
            return TRUE;
        if (waits && line == 0 && rejects_append(conn, end)) {
            *out_rejected = TRUE;
            return TRUE;
        }
        if (!admit_literal(conn, waits))
            return FALSE;
        end += size;
        while (conn->input->len < end)
            if (!receive(conn))
                return FALSE;
    }
}

static gboolean
execute(FakeConn *conn, gsize len, const char *command)
{
    if (fuse(conn, FAKE_BEFORE, command))
        return FALSE;
    call_hook(conn, command);

    g_mutex_lock(&conn->server->mutex);
    conn->server->count.commands++;
    fake_execute(conn, (const char *)conn->input->data, len);
    g_mutex_unlock(&conn->server->mutex);

    if (fuse(conn, FAKE_AFTER, command))
        return FALSE;
    return TRUE;
}

static gboolean
serve_command(FakeConn *conn)
{
    g_autofree char *command = NULL;
    gboolean rejected;
    gsize len;

    if (!receive_command(conn, &len, &rejected))
        return FALSE;
    command = command_text(conn);
    if (!rejected && !execute(conn, len, command))
        return FALSE;
    g_byte_array_remove_range(conn->input, 0, (guint)len);
    return flush(conn, command) && !conn->closing;
}

static gpointer
serve(gpointer data)
{
    FakeConn *conn = data;

    g_string_printf(
        conn->reply,
        "* PREAUTH [CAPABILITY %s] Logged in as fake.\r\n",
        conn->server->capabilities);
    if (flush(conn, ""))
        while (serve_command(conn))
            continue;

    g_mutex_lock(&conn->server->mutex);
    close(conn->fd);
    conn->fd = -1;
    g_mutex_unlock(&conn->server->mutex);
    return NULL;
}

/* Returns: the descriptor that fake-connect hands over; -1 if there is none. */
static int
receive_fd(int connection)
{
    char octet;
    struct iovec data = {&octet, 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    struct cmsghdr *rights;
    int fd = -1;

    if (recvmsg(connection, &message, MSG_CMSG_CLOEXEC) != 1)
        return -1;
    rights = CMSG_FIRSTHDR(&message);
    if (rights != NULL && rights->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(rights), sizeof fd);
    return fd;
}

static void
add_conn(FakeServer *self, int fd)
{
    FakeConn *conn = g_new0(FakeConn, 1);

    conn->server = self;
    conn->fd = fd;
    conn->input = g_byte_array_new();
    conn->reply = g_string_new(NULL);
    conn->bodies = g_array_new(FALSE, FALSE, sizeof(gsize));
    g_mutex_lock(&self->mutex);
    conn->generation = self->generation;
    self->count.connections++;
    g_ptr_array_add(self->conns, conn);
    conn->thread = g_thread_new("fake-conn", serve, conn);
    g_mutex_unlock(&self->mutex);
}

static gpointer
accept_all(gpointer data)
{
    FakeServer *self = data;
    int connection;

    while ((connection = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        int fd = receive_fd(connection);

        close(connection);
        if (fd >= 0)
            add_conn(self, fd);
    }
    return NULL;
}

static int
listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpuint(strlen(path), <, sizeof address.sun_path);
    strcpy(address.sun_path, path);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(listen(fd, 64), ==, 0);
    return fd;
}

/* Returns: (transfer full): all capabilities but those that are words of @without. */
static char *
choose_capabilities(const char *without)
{
    g_auto(GStrv) out = g_strsplit(without != NULL ? without : "", " ", 0);
    g_autoptr(GPtrArray) chosen = g_ptr_array_new();

    for (guint i = 0; i < G_N_ELEMENTS(all_capabilities); i++)
        if (!g_strv_contains((const char *const *)out, all_capabilities[i]))
            g_ptr_array_add(chosen, (gpointer)all_capabilities[i]);
    g_ptr_array_add(chosen, NULL);
    return g_strjoinv(" ", (char **)chosen->pdata);
}

FakeServer *
fake_server_new(char delimiter, const char *without)
{
    FakeServer *self = g_new0(FakeServer, 1);

    g_mutex_init(&self->mutex);
    self->state = fake_state_new();
    fake_state_create(self->state, "INBOX");
    self->delimiter = delimiter;
    self->personal = g_strdup("");
    self->capabilities = choose_capabilities(without);
    self->directory = g_dir_make_tmp("ims-fake-XXXXXX", NULL);
    g_assert_nonnull(self->directory);
    self->argv[0] = g_strdup(FAKE_CONNECT);
    self->argv[1] = g_build_filename(self->directory, "socket", NULL);
    self->conns = g_ptr_array_new();
    self->listener = listen_at(self->argv[1]);
    self->acceptor = g_thread_new("fake-accept", accept_all, self);
    return self;
}

static void
end_conn(gpointer data, gpointer unused)
{
    FakeConn *conn = data;

    g_mutex_lock(&conn->server->mutex);
    if (conn->fd >= 0)
        shutdown(conn->fd, SHUT_RDWR);
    g_mutex_unlock(&conn->server->mutex);
    g_thread_join(conn->thread);
    g_byte_array_unref(conn->input);
    g_string_free(conn->reply, TRUE);
    g_array_unref(conn->bodies);
    g_free(conn->tag);
    g_free(conn->selected);
    g_free(conn);
}

void
fake_hang_up(FakeServer *self)
{
    g_autoptr(GPtrArray) conns = NULL;

    g_mutex_lock(&self->mutex);
    conns = g_steal_pointer(&self->conns);
    self->conns = g_ptr_array_new();
    g_mutex_unlock(&self->mutex);
    g_ptr_array_foreach(conns, end_conn, NULL);
}

void
fake_server_free(FakeServer *self)
{
    if (self == NULL)
        return;

    shutdown(self->listener, SHUT_RDWR);
    g_thread_join(self->acceptor);
    close(self->listener);
    g_ptr_array_foreach(self->conns, end_conn, NULL);
    g_ptr_array_unref(self->conns);
    g_unlink(self->argv[1]);
    g_rmdir(self->directory);
    fake_snapshot_free(self->state);
    g_free(self->argv[0]);
    g_free(self->argv[1]);
    g_free(self->directory);
    g_free(self->capabilities);
    g_free(self->personal);
    g_free(self->shared);
    g_mutex_clear(&self->mutex);
    g_free(self);
}

char **
fake_server_argv(const FakeServer *self)
{
    return (char **)self->argv;
}

void
fake_set_faults(FakeServer *self, const FakeFaults *faults)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);

    self->faults = faults != NULL ? *faults : (FakeFaults){0};
}

FakeCount
fake_server_count(FakeServer *self)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);

    return self->count;
}

void
fake_server_reset_count(FakeServer *self)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);

    self->count = (FakeCount){0};
}
