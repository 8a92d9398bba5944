/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Opens a link over TCP, without TLS. */

#include "net/link-private.h"

#include <glib/gi18n.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "net/attempt.h"
#include "net/proxy.h"
#include "util/error.h"

/* How long what we sent may stay without an acknowledgement; Linux's own limit is a quarter of an
 * hour. It is the least that RFC 1122 (4.2.3.5) asks for, and less than the silence that is borne
 * in a command, so that a peer which has vanished is told from one that thinks. */
#define UNACKNOWLEDGED_S 100

/* On a line where nothing is said: after two minutes the peer is asked whether it is there, and is
 * lost half a minute later, as TCP_USER_TIMEOUT also holds for that question; without it after
 * three questions. */
#define KEEP_IDLE_S     120
#define KEEP_INTERVAL_S 30
#define KEEP_COUNT      3

static void
tune(GSocket *socket)
{
    g_socket_set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
    g_socket_set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_S * 1000, NULL);
    g_socket_set_keepalive(socket, TRUE);
    g_socket_set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S, NULL);
    g_socket_set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL_S, NULL);
    g_socket_set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT, NULL);
}

static GSocketConnection *
connect_tcp(ImsAttempt *attempt, GSocketClient *client, GSocketConnectable *address, GError **error)
{
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) problem = NULL;
    GSocketConnection *tcp;

    g_socket_client_connect_async(client, address, attempt->inner, ims_attempt_keep, attempt);
    result = ims_attempt_await(attempt);
    tcp = g_socket_client_connect_finish(client, result, &problem);
    if (tcp == NULL) {
        ims_attempt_set_failure(attempt, FALSE, problem, error);
        return NULL;
    }
    tune(g_socket_connection_get_socket(tcp));
    return tcp;
}

/* A proxy is where the link ends for us. */
static char *
peer_of(GSocketConnection *tcp)
{
    g_autoptr(GSocketAddress) peer = g_socket_connection_get_remote_address(tcp, NULL);

    if (!G_IS_INET_SOCKET_ADDRESS(peer))
        return NULL;
    return g_inet_address_to_string(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(peer)));
}

static void
note_proxy(
    GSocketClient *client,
    GSocketClientEvent event,
    GSocketConnectable *address,
    GIOStream *stream,
    gboolean *proxied)
{
    *proxied |= event == G_SOCKET_CLIENT_PROXY_NEGOTIATING;
}

/* To the server itself or, if @client may, through what the desktop has set up. */
static GSocketConnection *
connect_direct(
    GSocketClient *client,
    const char *name,
    GSocketConnectable *address,
    gboolean *out_proxied,
    gint64 deadline_us,
    GCancellable *cancel,
    GError **error)
{
    GSocketConnection *tcp;
    g_auto(ImsAttempt) attempt;

    g_signal_connect(client, "event", G_CALLBACK(note_proxy), out_proxied);
    ims_attempt_init(&attempt, name, deadline_us, cancel);
    tcp = connect_tcp(&attempt, client, address, error);
    g_signal_handlers_disconnect_by_data(client, out_proxied);
    return tcp;
}

/* Nobody but the proxy learns the server's name. */
static GSocketConnection *
connect_by_socks5(
    const ImsProxy *proxy,
    const char *host,
    guint16 port,
    gint64 deadline_us,
    GCancellable *cancel,
    GError **error)
{
    g_autofree char *title = ims_proxy_title(proxy);
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GSocketConnectable) address = g_network_address_new(proxy->host, proxy->port);
    g_autoptr(GSocketConnection) tcp = NULL;
    g_auto(ImsAttempt) attempt;

    g_socket_client_set_enable_proxy(client, FALSE);
    ims_attempt_init(&attempt, title, deadline_us, cancel);
    tcp = connect_tcp(&attempt, client, address, error);
    if (tcp == NULL || !ims_proxy_reach(proxy, tcp, host, port, deadline_us, cancel, error))
        return NULL;
    return g_steal_pointer(&tcp);
}

ImsLink *
ims_link_open_tcp(
    const char *host,
    guint16 port,
    const ImsProxy *proxy,
    gint64 deadline_us,
    GCancellable *cancel,
    GError **error)
{
    g_autofree char *name = g_strdup_printf("%s:%u", host, port);
    g_autoptr(GSocketConnectable) address = g_network_address_new(host, port);
    g_autoptr(GSocketClient) client = g_socket_client_new();
    gboolean proxied = proxy->kind == IMS_PROXY_SOCKS5;
    GSocketConnection *tcp;
    ImsLink *self;

    g_socket_client_set_enable_proxy(client, proxy->kind == IMS_PROXY_DESKTOP);
    if (proxy->kind == IMS_PROXY_SOCKS5)
        tcp = connect_by_socks5(proxy, host, port, deadline_us, cancel, error);
    else
        tcp = connect_direct(client, name, address, &proxied, deadline_us, cancel, error);
    if (tcp == NULL)
        return NULL;

    self = ims_link_new(name, G_IO_STREAM(tcp), g_socket_connection_get_socket(tcp));
    self->address = g_steal_pointer(&address);
    self->proxied = proxied;
    self->peer = peer_of(tcp);
    return self;
}

static gboolean
check_loopback(const ImsLink *self, GError **error)
{
    g_autoptr(GSocketAddress) peer = g_socket_get_remote_address(self->socket, NULL);
    g_autofree char *text = NULL;
    GInetAddress *inet;

    if (!G_IS_INET_SOCKET_ADDRESS(peer)) {
        g_set_error(error, IMS_ERROR, IMS_ERROR_OFFLINE, _("%s closed the connection"), self->name);
        return FALSE;
    }
    inet = g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(peer));
    if (g_inet_address_get_is_loopback(inet))
        return TRUE;

    text = g_inet_address_to_string(inet);
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CONFIG,
        _("%s is at %s, which is not on this computer, so nobody logs in there without TLS; remove "
          "'%s', or correct host"),
        self->name,
        text,
        "starttls = no");
    return FALSE;
}

/* A proxy would say by its own address nothing of where it connects to. */
ImsLink *
ims_link_open_loopback(
    const char *host, guint16 port, gint64 deadline_us, GCancellable *cancel, GError **error)
{
    const ImsProxy none = {.kind = IMS_PROXY_NONE};
    g_autoptr(ImsLink) self = ims_link_open_tcp(host, port, &none, deadline_us, cancel, error);

    if (self == NULL || !check_loopback(self, error))
        return NULL;

    return g_steal_pointer(&self);
}
