/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "imap/conn.h"

/* A server that plays a script, in place of net/pump and net/link: this file defines their
 * functions. A script is a NULL-terminated array of lines:
 *
 *   "S: text"  the server sends text and CRLF      "s: text"  the same without CRLF
 *   "C: text"  the client must send text and CRLF  "c: text"  the same without CRLF
 *   "X: "       the server closes the connection
 *   "T: "       the client must begin TLS            "t: "       the same, and it fails
 *   "Z: "       both sides compress from here on     "W: n"     n seconds pass
 *
 * What the server says is sent only after the client has sent all that stands before it, and the
 * client must not have sent more than that by then. A closing LOGOUT need not stand there. */

/* A greeting of a server that is logged in and can do everything, up to the ENABLE (a1). */
#define SCRIPT_OPEN                                                                                \
    "S: * PREAUTH [CAPABILITY IMAP4rev1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS "         \
    "SPECIAL-USE LITERAL+ MULTIAPPEND ESEARCH] hello",                                             \
        "C: a1 ENABLE QRESYNC", "S: * ENABLED QRESYNC", "S: a1 OK done"
/* The same of a server that has only what is needed. */
#define SCRIPT_OPEN_PLAIN                                                                          \
    "S: * PREAUTH [CAPABILITY IMAP4rev1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS] hello",  \
        "C: a1 ENABLE QRESYNC", "S: * ENABLED QRESYNC", "S: a1 OK done"

/** script_begin: @split: the server's octets come in one piece but for a cut at this offset; 0: no
 * cut; -1: each octet alone. */
void script_begin(const char *const *lines, gssize split);
/** script_end: checks that the whole script was played. */
void script_end(void);
/** script_stderr: what ims_link_stderr() shall tell until script_end(). */
void script_stderr(const char *text);
/** script_binding: what ims_link_binding() shall tell until script_end(): 4 octets, of TLS 1.3. */
void script_binding(const guint8 *octets);
/** script_connect_ahead: opens a connection to the script with @endpoint; it is not confirmed. */
ImsConn *script_connect_ahead(const ImsEndpoint *endpoint, const ImsOffers *offers, GError **error);
/** script_connect: opens a connection to the script with @endpoint, and confirms it. */
ImsConn *script_connect(const ImsEndpoint *endpoint, GError **error);
/** script_connect_told: the same by ims_conn_open_told(). */
ImsConn *script_connect_told(const ImsEndpoint *endpoint, ImsFacts *facts, GError **error);

#define SCRIPT_ADDRESS "192.0.2.1" /* that a link tells of */
/** script_open: opens a connection to the script as a command; must succeed. */
ImsConn *script_open(void);
/** script_each: runs @run with @lines for each way to cut what the server sends. */
void script_each(const char *const *lines, void (*run)(gconstpointer data), gconstpointer data);
