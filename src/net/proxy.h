/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <gio/gio.h>

#include "util/proxy.h"

/**
 * ims_proxy_reach:
 * @tcp: to the proxy, which is of kind IMS_PROXY_SOCKS5
 *
 * Has the proxy connect @tcp to @host, whose address the proxy looks up. Waits.
 *
 * Errors: IMS_ERROR_OFFLINE, IMS_ERROR_AUTH_FAILED, IMS_ERROR_CONFIG (it wants a user name),
 * IMS_ERROR_CANCELLED; each names the proxy.
 */
gboolean ims_proxy_reach(
    const ImsProxy *proxy,
    GSocketConnection *tcp,
    const char *host,
    guint16 port,
    gint64 deadline_us,
    GCancellable *cancel,
    GError **error);
/** ims_proxy_title: Returns: (transfer full): "the proxy …", for messages. */
char *ims_proxy_title(const ImsProxy *proxy);
