/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* Through what a server is reached. All 0: whatever the desktop has set up. */

typedef enum {
    IMS_PROXY_DESKTOP,
    IMS_PROXY_NONE, /* directly; nobody is asked */
    IMS_PROXY_SOCKS5,
} ImsProxyKind;

typedef struct {
    ImsProxyKind kind;
    char *host; /* SOCKS5; an IPv6 address without brackets */
    guint16 port;
    char *username; /* NULL: it wants no login */
    char *password; /* wiped when cleared; never in a URI or a message */
} ImsProxy;

/**
 * ims_proxy_parse:
 * @self: (out): filled in if it is one
 * @out_password: (out): whether it is refused because a password stands in it
 *
 * Understands `none` and `socks5://[USER@]HOST[:PORT]`. The user name ends at the last `@`;
 * percent-escapes in it are decoded. Left out, the port is 1080.
 *
 * Returns: whether @text is one of them.
 */
gboolean ims_proxy_parse(ImsProxy *self, const char *text, gboolean *out_password);
/** ims_proxy_name: Returns: (transfer full): `socks5://HOST:PORT`: how a SOCKS5 proxy is called in
 * messages, and in the keyring's attribute `host`, where no server can have such a name. */
char *ims_proxy_name(const ImsProxy *self);
/** ims_proxy_is_named: Returns: whether @words, an error's, are about @self. */
gboolean ims_proxy_is_named(const ImsProxy *self, const char *words);
/** ims_proxy_copy: fills in @self, which is all 0. */
void ims_proxy_copy(ImsProxy *self, const ImsProxy *from);
/** ims_proxy_clear: makes it all 0. */
void ims_proxy_clear(ImsProxy *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImsProxy, ims_proxy_clear)
