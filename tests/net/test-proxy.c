/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Links through a SOCKS5 proxy, which is a thread of this process that does as it is told; and who
 * else is asked for a proxy. */

#include <gio/gio.h>
#include <string.h>

#include "byte-client.h"
#include "net/link-private.h"
#include "util/error.h"

#define SECOND G_USEC_PER_SEC
#define TARGET "mail.example.net" /* nobody here could look it up */
#define PORT   993
#define SECRET "geh:eim%20@"

/* -- the proxy -- */

typedef enum { SILENT, CLOSES, OPEN, WANTS_LOGIN } Manner;

typedef struct {
    Manner manner;
    guint8 reply; /* to CONNECT; 0: it is done, and what comes is echoed */
    GSocketListener *listener;
    guint16 port;
    GCancellable *stop;
    GThread *thread;
    GInputStream *in;
    GOutputStream *out;
    char *username, *password, *host; /* that it was told */
    guint16 host_port;
} Proxy;

static gboolean
read_all(Proxy *self, gpointer data, gsize len)
{
    gsize n = 0;

    return g_input_stream_read_all(self->in, data, len, &n, self->stop, NULL) && n == len;
}

static void
write_all(Proxy *self, gconstpointer data, gsize len)
{
    g_output_stream_write_all(self->out, data, len, NULL, self->stop, NULL);
}

/* Returns: (transfer full) (nullable): what stands behind its length. */
static char *
read_counted(Proxy *self)
{
    g_autofree char *text = g_malloc0(256);
    guint8 len;

    return read_all(self, &len, 1) && read_all(self, text, len) ? g_steal_pointer(&text) : NULL;
}

static gboolean
log_in(Proxy *self)
{
    g_autofree char *methods = NULL;
    guint8 version;
    gboolean right;

    if (!read_all(self, &version, 1) || (methods = read_counted(self)) == NULL)
        return FALSE;
    if (self->manner == OPEN) {
        write_all(self, "\5\0", 2);
        return TRUE;
    }
    if (strchr(methods + (*methods == '\0'), 2) == NULL) {
        write_all(self, "\5\xff", 2);
        return FALSE;
    }
    write_all(self, "\5\2", 2);
    if (!read_all(self, &version, 1) || (self->username = read_counted(self)) == NULL ||
        (self->password = read_counted(self)) == NULL)
        return FALSE;
    right = g_str_equal(self->username, "me") && g_str_equal(self->password, SECRET);
    write_all(self, right ? "\1\0" : "\1\1", 2);
    return right;
}

static void
connect_and_echo(Proxy *self)
{
    guint8 head[4], answer[] = {5, self->reply, 0, 1, 127, 0, 0, 1, 0, 0}, port[2], octet;

    if (!read_all(self, head, 4) || head[1] != 1 || head[3] != 3)
        return;
    self->host = read_counted(self);
    if (self->host == NULL || !read_all(self, port, 2))
        return;
    self->host_port = (guint16)(port[0] << 8 | port[1]);
    write_all(self, answer, sizeof answer);
    while (self->reply == 0 && read_all(self, &octet, 1))
        write_all(self, &octet, 1);
}

static gpointer
serve(gpointer data)
{
    Proxy *self = data;
    g_autoptr(GSocketConnection) tcp =
        g_socket_listener_accept(self->listener, NULL, self->stop, NULL);
    char octet;

    if (tcp == NULL)
        return NULL;
    self->in = g_io_stream_get_input_stream(G_IO_STREAM(tcp));
    self->out = g_io_stream_get_output_stream(G_IO_STREAM(tcp));
    if (self->manner == SILENT)
        while (read_all(self, &octet, 1))
            continue;
    else if (self->manner != CLOSES && log_in(self))
        connect_and_echo(self);
    return NULL;
}

static void
proxy_start(Proxy *self, Manner manner, guint8 reply)
{
    g_autoptr(GError) error = NULL;

    *self = (Proxy){.manner = manner, .reply = reply};
    self->listener = g_socket_listener_new();
    self->stop = g_cancellable_new();
    self->port = g_socket_listener_add_any_inet_port(self->listener, NULL, &error);
    g_assert_no_error(error);
    self->thread = g_thread_new("proxy", serve, self);
}

/* Waits until the client has gone. */
static void
proxy_join(Proxy *self)
{
    if (self->thread != NULL)
        g_thread_join(self->thread);
    self->thread = NULL;
}

static void
proxy_stop(Proxy *self)
{
    g_cancellable_cancel(self->stop);
    proxy_join(self);
    g_object_unref(self->listener);
    g_object_unref(self->stop);
    g_free(self->username);
    g_free(self->password);
    g_free(self->host);
}

/* -- a desktop that has set up a proxy -- */

static guint n_asked;
static char *desktops; /* what it says */

typedef struct {
    GObject parent;
} Desktop;
typedef struct {
    GObjectClass parent;
} DesktopClass;

static gboolean
is_supported(GProxyResolver *resolver)
{
    return TRUE;
}

static void
look_up(
    GProxyResolver *resolver,
    const char *uri,
    GCancellable *cancel,
    GAsyncReadyCallback callback,
    gpointer data)
{
    g_autoptr(GTask) task = g_task_new(resolver, cancel, callback, data);

    n_asked++;
    g_task_return_boolean(task, TRUE);
}

static char **
looked_up(GProxyResolver *resolver, GAsyncResult *result, GError **error)
{
    const char *const found[] = {desktops, NULL};

    return g_strdupv((char **)found);
}

static void
desktop_interface_init(GProxyResolverInterface *interface)
{
    interface->is_supported = is_supported;
    interface->lookup_async = look_up;
    interface->lookup_finish = looked_up;
}

GType desktop_get_type(void);
G_DEFINE_TYPE_WITH_CODE(
    Desktop,
    desktop,
    G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE(G_TYPE_PROXY_RESOLVER, desktop_interface_init))

static void
desktop_class_init(DesktopClass *class)
{
}

static void
desktop_init(Desktop *self)
{
}

/* -- tests -- */

static ImsLink *
open_link(const ImsProxy *proxy, gint64 deadline_us, GError **error)
{
    return ims_link_open_tcp(TARGET, PORT, proxy, deadline_us, NULL, error);
}

static ImsProxy
socks5(const Proxy *proxy, const char *username, const char *password)
{
    return (ImsProxy){
        IMS_PROXY_SOCKS5, (char *)"127.0.0.1", proxy->port, (char *)username, (char *)password};
}

static void
assert_echo(ImsPump *pump, ImsLink *link)
{
    g_auto(ByteClient) client;
    g_autoptr(GError) error = NULL;

    byte_client_init(&client, "hello", 5, 5);
    ims_pump_attach(pump, link, &byte_client_functions, &client);
    ims_pump_until(pump, link, byte_client_is_full, &client, in_us(LONG_US), 0, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(client.in->data, client.in->len, "hello", 5);
    ims_pump_detach(pump, link);
}

/* The proxy gets the name, letter by letter, and the link is one to another computer. */
static void
test_reached(gconstpointer data)
{
    gboolean login = GPOINTER_TO_INT(data);
    g_autoptr(ImsPump) pump = ims_pump_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsLink) link = NULL;
    ImsProxy through;
    Proxy proxy;

    proxy_start(&proxy, login ? WANTS_LOGIN : OPEN, 0);
    through = socks5(&proxy, login ? "me" : NULL, login ? SECRET : NULL);
    link = open_link(&through, in_us(20 * SECOND), &error);
    g_assert_no_error(error);
    assert_echo(pump, link);
    g_assert_true(ims_link_is_remote(link));
    ims_link_free(g_steal_pointer(&link));
    proxy_join(&proxy);
    g_assert_cmpstr(proxy.host, ==, TARGET);
    g_assert_cmpuint(proxy.host_port, ==, PORT);
    g_assert_cmpstr(proxy.username, ==, login ? "me" : NULL);
    g_assert_cmpstr(proxy.password, ==, login ? SECRET : NULL);
    proxy_stop(&proxy);
}

typedef struct {
    const char *name;
    Manner manner;
    guint8 reply;
    const char *username, *password;
    gint error; /* an ImsError */
    const char *said;
} Failure;

static const Failure failures[] = {
    {"refuses-to-connect", OPEN, 5, NULL, NULL, IMS_ERROR_OFFLINE, TARGET ":993"},
    {"cannot-reach-the-host", OPEN, 4, NULL, NULL, IMS_ERROR_OFFLINE, TARGET ":993"},
    {"wants-a-user", WANTS_LOGIN, 0, NULL, NULL, IMS_ERROR_CONFIG, "proxy = socks5://me@"},
    {"refuses-the-password", WANTS_LOGIN, 0, "me", "wr0ng", IMS_ERROR_AUTH_FAILED, "password"},
    {"refuses-the-user", WANTS_LOGIN, 0, "you", SECRET, IMS_ERROR_AUTH_FAILED, "user name"},
    {"is-silent", SILENT, 0, "me", SECRET, IMS_ERROR_OFFLINE, "in time"},
    {"hangs-up", CLOSES, 0, "me", SECRET, IMS_ERROR_OFFLINE, TARGET ":993"},
};

/* Each is told as the proxy's doing, and without the password. */
static void
test_failure(gconstpointer data)
{
    const Failure *c = data;
    g_autoptr(ImsPump) pump = ims_pump_new(NULL);
    g_autofree char *name = NULL;
    g_autoptr(GError) error = NULL;
    ImsProxy through;
    Proxy proxy;

    proxy_start(&proxy, c->manner, c->reply);
    through = socks5(&proxy, c->username, c->password);
    name = ims_proxy_name(&through);
    g_assert_null(open_link(&through, in_us(c->manner == SILENT ? SECOND / 5 : LONG_US), &error));
    g_assert_error(error, IMS_ERROR, c->error);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, name));
    g_assert_nonnull(strstr(error->message, c->said));
    if (c->password != NULL)
        g_assert_null(strstr(error->message, c->password));
    proxy_stop(&proxy);
}

static void
test_no_proxy_there(void)
{
    g_autoptr(ImsPump) pump = ims_pump_new(NULL);
    g_autofree char *name = NULL;
    g_autoptr(GError) error = NULL;
    ImsProxy through;
    Proxy proxy;

    proxy_start(&proxy, CLOSES, 0);
    through = socks5(&proxy, "me", SECRET);
    g_cancellable_cancel(proxy.stop);
    g_socket_listener_close(proxy.listener);
    g_assert_null(open_link(&through, in_us(LONG_US), &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    name = ims_proxy_name(&through);
    g_assert_nonnull(strstr(error->message, name));
    g_assert_null(strstr(error->message, SECRET));
    proxy_stop(&proxy);
}

/* Left out, it is the desktop's; by no other kind is the desktop asked. */
static void
test_desktop(void)
{
    const ImsProxy left_out = {0}, none = {.kind = IMS_PROXY_NONE};
    g_autoptr(ImsPump) pump = ims_pump_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsLink) link = NULL;
    ImsProxy through;
    Proxy proxy;

    proxy_start(&proxy, OPEN, 0);
    desktops = g_strdup_printf("socks5://127.0.0.1:%u", proxy.port);
    g_assert_null(ims_link_open_tcp("127.0.0.1", 1, &none, in_us(LONG_US), NULL, NULL));
    through = socks5(&proxy, NULL, NULL);
    through.port = 1;
    g_assert_null(open_link(&through, in_us(LONG_US), NULL));
    g_assert_cmpuint(n_asked, ==, 0);

    link = open_link(&left_out, in_us(LONG_US), &error);
    g_assert_no_error(error);
    g_assert_cmpuint(n_asked, ==, 1);
    assert_echo(pump, link);
    g_assert_true(ims_link_is_remote(link));
    ims_link_free(g_steal_pointer(&link));
    g_clear_pointer(&desktops, g_free);
    proxy_stop(&proxy);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_setenv("GIO_USE_PROXY_RESOLVER", "test", TRUE);
    g_tls_backend_get_default(); /* has the extension points registered */
    g_io_extension_point_implement(
        G_PROXY_RESOLVER_EXTENSION_POINT_NAME, desktop_get_type(), "test", 0);
    g_test_add_data_func("/net/proxy/no-login", GINT_TO_POINTER(FALSE), test_reached);
    g_test_add_data_func("/net/proxy/login", GINT_TO_POINTER(TRUE), test_reached);
    for (gsize i = 0; i < G_N_ELEMENTS(failures); i++) {
        g_autofree char *path = g_strconcat("/net/proxy/", failures[i].name, NULL);

        g_test_add_data_func(path, &failures[i], test_failure);
    }
    g_test_add_func("/net/proxy/is-not-there", test_no_proxy_there);
    g_test_add_func("/net/proxy/of-the-desktop", test_desktop);
    return g_test_run();
}
