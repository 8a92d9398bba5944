/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "account/config.h"

/* Who a side is: whether what is known of one mail server holds for another one. */

/** ims_side_type_port: Returns: the usual port of imap; else that of imaps. */
guint16 ims_side_type_port(ImsSideType type);

/**
 * ims_side_config_identity:
 * @store: (nullable): of type dovecot: the path of its store
 *
 * Two sides that are equal in this are the same mail, and a base made with one holds for the other.
 * So imaps and imap are one here, and TLS does not matter: they lead to the same server, if each is
 * at its usual port. At other ports there may well be other servers (forwarded ones, for example).
 *
 * Returns: (transfer full): who this side is, see ims_store_open(): `imaps` for both types, then
 * host, port if it is not the usual one of the type (993, 143), and user name; or the type, the
 * command and the user name; or the type and the store; and the prefix, if it has one.
 */
char *ims_side_config_identity(const ImsSideConfig *self, const char *store);

/** ims_side_config_server: Returns: (transfer full) (nullable): the server alone, whoever logs in:
 * host and port, where imaps and imap at their usual ports are one; or the command; NULL for an
 * embedded store. */
char *ims_side_config_server(const ImsSideConfig *self);

/** ims_side_config_is_same_server: Returns: whether both log in to the same server as the same
 * user, under whatever prefix. An embedded store is its account's own, and never the same. */
gboolean ims_side_config_is_same_server(const ImsSideConfig *a, const ImsSideConfig *b);

/** ims_side_config_overlaps: Returns: whether they are the same server, and one stands in the
 * folder of the other, or both in the same one. */
gboolean ims_side_config_overlaps(const ImsSideConfig *a, const ImsSideConfig *b);
