/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <gio/gio.h>

#include "net/link.h"

/* The only place of this program that waits for servers. One per worker thread; it moves bytes on
 * all attached links, whichever of them its caller waits for, since two servers may each block on
 * us while we wait for the other. Its laws:
 * 1. Whatever arrives is fed to its client at once; only the unread bytes of a streamed body stay.
 * 2. (its users') A connection that is taking an APPEND has no body FETCH outstanding.
 * 3. It never calls up: a client's functions only parse and hand out bytes.
 * 4. After WOULD_BLOCK the same bytes are written again; a stream is drained until WOULD_BLOCK
 *    before anything waits, because TLS may hold bytes that the socket no longer shows. */
typedef struct ImsPump ImsPump;

/* What a protocol core offers to the pump. None of them waits. */
typedef struct {
    /* takes @len bytes or fewer; fewer means "no more until asked again". An error kills the link.
     */
    gboolean (*feed)(gpointer self, const guint8 *data, gsize len, gsize *out_used, GError **error);
    /* (transfer none) the bytes to send next; 0 if none */
    gsize (*output)(gpointer self, const guint8 **out_data);
    /* @len of those have gone */
    void (*sent)(gpointer self, gsize len);
    /* the peer closed; returns FALSE with an error that says what that means here */
    gboolean (*eof)(gpointer self, GError **error);
} ImsPumpClient;

/* A pure question: looks, never acts. */
typedef gboolean (*ImsReady)(gconstpointer what);

/** ims_pump_new: @cancel: (transfer none): ends every wait with IMS_ERROR_CANCELLED. The pump makes
 * a GMainContext of its own and pushes it as this thread's default until it is freed. */
ImsPump *ims_pump_new(GCancellable *cancel);
void ims_pump_free(ImsPump *self);
GCancellable *ims_pump_cancellable(const ImsPump *self);
/** ims_pump_attach: @link, @client and @self_of_client are borrowed until ims_pump_detach(). */
void ims_pump_attach(
    ImsPump *self, ImsLink *link, const ImsPumpClient *client, gpointer self_of_client);
void ims_pump_detach(ImsPump *self, ImsLink *link);
/** ims_pump_replace: from now on @client speaks on @link; what has come and the one before did not
 * take is fed to it. That one must have nothing left to send. */
void ims_pump_replace(
    ImsPump *self, ImsLink *link, const ImsPumpClient *client, gpointer self_of_client);

/**
 * ims_pump_until:
 * @link: whose trouble is the caller's: an error on it ends the wait
 * @deadline_us: monotonic; G_MAXINT64 for none
 * @stall_us: longest time without a byte on @link in either direction; 0 for no limit
 *
 * Moves bytes on all attached links until @ready holds. An error on another link is kept, and given
 * to the first wait on that link.
 *
 * Errors: IMS_ERROR_CANCELLED; IMS_ERROR_OFFLINE for a lost or silent peer and a passed deadline;
 * what feed and eof gave. After any of them but CANCELLED the link is dead.
 *
 * Returns: whether @ready holds.
 */
gboolean ims_pump_until(
    ImsPump *self,
    ImsLink *link,
    ImsReady ready,
    gconstpointer what,
    gint64 deadline_us,
    gint64 stall_us,
    GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsPump, ims_pump_free)
