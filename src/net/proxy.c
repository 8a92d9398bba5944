/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* SOCKS5 by GIO's own client, but without its URIs: a GProxyResolver would take the password as a
 * part of one, which GIO shows in some of its errors. It also could not be told from its errors
 * whether proxy or server was at fault. */

#include "net/proxy.h"

#include <glib/gi18n.h>

#include "net/attempt.h"
#include "util/error.h"

char *
ims_proxy_title(const ImsProxy *proxy)
{
    g_autofree char *name = ims_proxy_name(proxy);

    return g_strdup_printf(_("the proxy %s"), name);
}

/* Returns: (transfer full) (nullable) */
static GProxyAddress *
address_through(
    const ImsProxy *proxy, GSocketConnection *tcp, const char *host, guint16 port, GError **error)
{
    g_autoptr(GSocketAddress) peer = g_socket_connection_get_remote_address(tcp, error);
    GInetSocketAddress *inet = peer != NULL ? G_INET_SOCKET_ADDRESS(peer) : NULL;

    if (inet == NULL)
        return NULL;
    return G_PROXY_ADDRESS(g_proxy_address_new(
        g_inet_socket_address_get_address(inet),
        g_inet_socket_address_get_port(inet),
        "socks5",
        host,
        port,
        proxy->username,
        proxy->password));
}

static void
set_failure(const ImsAttempt *attempt, const char *target, const GError *problem, GError **error)
{
    if (g_cancellable_is_cancelled(attempt->inner))
        ims_attempt_set_failure(attempt, FALSE, problem, error);
    else if (g_error_matches(problem, G_IO_ERROR, G_IO_ERROR_PROXY_AUTH_FAILED))
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_AUTH_FAILED,
            _("%s refuses the user name or the password"),
            attempt->name);
    else if (g_error_matches(problem, G_IO_ERROR, G_IO_ERROR_PROXY_NEED_AUTH))
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("%s wants a user name: put it into %s in the account's file, such as '%s'"),
            attempt->name,
            "proxy",
            "proxy = socks5://me@proxy.example.net");
    else
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            _("%s does not connect to %s: %s"),
            attempt->name,
            target,
            problem->message);
}

gboolean
ims_proxy_reach(
    const ImsProxy *proxy,
    GSocketConnection *tcp,
    const char *host,
    guint16 port,
    gint64 deadline_us,
    GCancellable *cancel,
    GError **error)
{
    g_autofree char *title = ims_proxy_title(proxy);
    g_autofree char *target = g_strdup_printf("%s:%u", host, port);
    g_autoptr(GProxy) socks5 = g_proxy_get_default_for_protocol("socks5");
    g_autoptr(GProxyAddress) address = NULL;
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GIOStream) stream = NULL;
    g_autoptr(GError) problem = NULL;
    g_auto(ImsAttempt) attempt;

    ims_attempt_init(&attempt, title, deadline_us, cancel);
    address = address_through(proxy, tcp, host, port, &problem);
    if (address != NULL) {
        g_proxy_connect_async(
            socks5, G_IO_STREAM(tcp), address, attempt.inner, ims_attempt_keep, &attempt);
        result = ims_attempt_await(&attempt);
        stream = g_proxy_connect_finish(socks5, result, &problem);
    }
    if (stream != NULL)
        return TRUE;
    set_failure(&attempt, target, problem, error);
    return FALSE;
}
