/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "imap/conn.h"

/* A server that says what it was given and hears nothing, in place of net/pump and net/link: this
 * file defines their functions. It speaks whenever the client waits, in pieces of 1 to 64 octets
 * that depend on the octets alone, and hangs up when all is said. What the client sends before TLS
 * is kept. */

/** server_begin: @data: borrowed until server_end(). */
void server_begin(const guint8 *data, gsize len);
/** server_in_the_clear: Returns: (transfer none): what the client has sent without TLS. */
const GString *server_in_the_clear(void);
void server_end(void);
/** server_connect: opens a connection to it with @endpoint; @offers: see ims_conn_open(). */
ImsConn *server_connect(const ImsEndpoint *endpoint, const ImsOffers *offers, GError **error);
