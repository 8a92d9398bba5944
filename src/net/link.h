/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <gio/gio.h>

#include "model/facts.h"
#include "model/tls-policy.h"
#include "util/proxy.h"

/* A stream of bytes to one server: TCP, mostly under TLS, or a spawned command over a socket pair.
 * Belongs to the thread, and to the thread-default main context, that opened it. No IMAP is known
 * here. */
typedef struct ImsLink ImsLink;

typedef struct {
    guint64 sent, received; /* octets above TLS, and those before it */
    guint64 flights;        /* times that bytes went up after some had come down */
} ImsLinkCount;

/**
 * ims_link_open_tls:
 * @proxy: by what the server is reached; one of SOCKS5 also looks up the address of @host
 * @deadline_us: monotonic; over all of name look-up, connect and handshake
 * @facts: (nullable): told of a link that was closed for an error, as by ims_link_tell()
 *
 * Connects (Happy Eyeballs) and shakes hands; TCP_NODELAY and keep-alive are on, and a peer that
 * does not acknowledge what it is sent is lost after 100 seconds. What does not fulfil @policy is
 * closed before a byte of ours is sent. Waits.
 *
 * Errors: IMS_ERROR_OFFLINE, IMS_ERROR_CERTIFICATE_REJECTED, IMS_ERROR_SERVER_UNSUPPORTED (only
 * older versions of TLS), IMS_ERROR_CANCELLED, IMS_ERROR_CONFIG (a file of the policy, or the proxy
 * wants a user name), IMS_ERROR_AUTH_FAILED (of the proxy).
 */
ImsLink *ims_link_open_tls(
    const char *host,
    guint16 port,
    const ImsProxy *proxy,
    const ImsTlsPolicy *policy,
    gint64 deadline_us,
    GCancellable *cancel,
    ImsFacts *facts,
    GError **error);

/**
 * ims_link_open_tcp:
 *
 * The same without TLS, which ims_link_start_tls() can begin later: whatever is read before that
 * may have been said by anybody. Waits.
 *
 * Errors: IMS_ERROR_OFFLINE, IMS_ERROR_CANCELLED; of the proxy also IMS_ERROR_AUTH_FAILED and
 * IMS_ERROR_CONFIG.
 */
ImsLink *ims_link_open_tcp(
    const char *host,
    guint16 port,
    const ImsProxy *proxy,
    gint64 deadline_us,
    GCancellable *cancel,
    GError **error);

/**
 * ims_link_open_loopback:
 *
 * ims_link_open_tcp() for links that stay in the clear: no proxy is asked, and if the address that
 * was connected to is none of this computer's loopback addresses, whatever @host is called, the
 * link is closed before a byte of ours is sent. Waits.
 *
 * Errors: also IMS_ERROR_CONFIG, for another address.
 */
ImsLink *ims_link_open_loopback(
    const char *host, guint16 port, gint64 deadline_us, GCancellable *cancel, GError **error);

/**
 * ims_link_start_tls:
 * @self: of ims_link_open_tcp(); all that was read from it must have been looked at
 * @deadline_us: over the handshake
 *
 * Shakes hands as ims_link_open_tls() does. In TLS the client speaks first, so that an octet which
 * is there before the handshake was sent to be taken for one of the server's under TLS: it ends the
 * link. After an error the link is only to be freed. Waits.
 *
 * Errors: those of ims_link_open_tls(); IMS_ERROR_PROTOCOL, for octets before the handshake.
 */
gboolean ims_link_start_tls(
    ImsLink *self,
    const ImsTlsPolicy *policy,
    gint64 deadline_us,
    GCancellable *cancel,
    GError **error);

/**
 * ims_link_open_command:
 * @argv: found by PATH; no shell
 * @envp: (nullable): NULL to inherit
 *
 * Spawns @argv with a socket pair as stdin and stdout; the last 2 KiB of its stderr are kept. The
 * child gets SIGTERM, and is reaped, when the link is freed; it holds no other descriptor of ours.
 *
 * Errors: IMS_ERROR_CONFIG, if it cannot be spawned.
 */
ImsLink *ims_link_open_command(char **argv, char **envp, GError **error);

/** ims_link_free: closes at once, without TLS's goodbye if bytes are still queued. Takes NULL. */
void ims_link_free(ImsLink *self);
ImsLinkCount ims_link_count(const ImsLink *self);
/* What is the same at both ends of a TLS connection, and nowhere else. */
typedef enum {
    IMS_BINDING_UNIQUE,   /* tls-unique (RFC 5929), under TLS 1.2 */
    IMS_BINDING_EXPORTER, /* tls-exporter (RFC 9266), under TLS 1.3 */
} ImsBinding;

/** ims_link_binding: Returns: (transfer full) (nullable): its octets; NULL without TLS, or if TLS
 * does not tell. */
GByteArray *ims_link_binding(const ImsLink *self, ImsBinding *out_binding);
/** ims_link_is_remote: Returns: whether another computer is at its end, as it is behind a proxy;
 * FALSE for a command. */
gboolean ims_link_is_remote(const ImsLink *self);
/** ims_link_stderr: Returns: (transfer full) (nullable): the last three lines of what a command
 * said, each escaped and cut as ims_text_escape() does, with slashes between; NULL if nothing. */
char *ims_link_stderr(ImsLink *self);
/** ims_link_tell: the address of who is at its end; the version of TLS, the cipher and the
 * certificate, also if that was rejected. @facts: they must not stand there yet. */
void ims_link_tell(const ImsLink *self, ImsFacts *facts);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsLink, ims_link_free)
