/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <gio/gio.h>

#include "net/link.h"

/* The inside of a link: seen by the two ways of opening one and by the pump. */

#define IMS_LINK_STDERR_MAX 2048

struct ImsLink {
    char *name;                  /* for messages: "host:port", or the command's name */
    GSocketConnectable *address; /* of TCP: whom the certificate has to name; else NULL */
    gboolean proxied;            /* the peer of @socket is not the server */
    char *peer;                  /* of TCP: what was connected to, in digits; else NULL */
    GIOStream *stream;
    GTlsConnection *tls; /* NULL: it was not begun; it may have failed */
    GSocket *socket;
    GPollableInputStream *input;
    GPollableOutputStream *output;
    gboolean blocked; /* the last write found no room */
    gboolean heard;   /* bytes have come since the last that went */
    ImsLinkCount count;
    GPid pid;      /* of a command; 0 if there is none */
    int stderr_fd; /* of the file that its stderr is; -1 if there is none */
};

typedef enum { IMS_LINK_MOVED, IMS_LINK_BLOCKED, IMS_LINK_CLOSED } ImsLinkStep;

/** ims_link_new: @stream: (transfer full): pollable both ways. @socket: (transfer none): below it.
 */
ImsLink *ims_link_new(const char *name, GIOStream *stream, GSocket *socket);
/** ims_link_set_stream: @stream: (transfer full): above the one before, which it has to keep. */
void ims_link_set_stream(ImsLink *self, GIOStream *stream);

/**
 * ims_link_read:
 * @out_len: (out): how many octets came; only set if IMS_LINK_MOVED
 *
 * Never waits. A peer that went without a goodbye has closed too: what that means is decided by
 * what it owed us, not by how TCP ended.
 *
 * Errors: IMS_ERROR_OFFLINE.
 */
gboolean ims_link_read(
    ImsLink *self, guint8 *data, gsize size, gsize *out_len, ImsLinkStep *out_step, GError **error);
/** ims_link_write: as ims_link_read(). After IMS_LINK_BLOCKED the same octets have to come again.
 */
gboolean ims_link_write(
    ImsLink *self,
    const guint8 *data,
    gsize len,
    gsize *out_len,
    ImsLinkStep *out_step,
    GError **error);

/** ims_link_add_sources: adds to @sources, not attached yet, what wakes a context when @self can
 * move: input if @reading, output if @writing. */
void ims_link_add_sources(ImsLink *self, gboolean reading, gboolean writing, GPtrArray *sources);

/** ims_link_bound_stderr: keeps a talkative command from filling the memory; never waits. */
void ims_link_bound_stderr(ImsLink *self);
/** ims_link_end_command: ends the command and reaps it, which takes a second at most. */
void ims_link_end_command(ImsLink *self);
