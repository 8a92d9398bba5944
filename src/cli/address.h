/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* Where a mail server is and who logs in there. All of it is set and checked. */
typedef struct {
    const char *type; /* static: `imaps` or `imap`; NULL: @host is the domain of a mail address */
    char *username;   /* UTF-8, not empty */
    char *host;       /* a name or an IP address, an IPv6 one without its brackets; not empty */
    guint16 port;     /* 0: the address names none */
} ImsAddress;

/**
 * ims_address_parse:
 * @text: as typed, `imaps://user@host[:port]` or `imap://…`, or a mail address
 *
 * The user info ends at the last `@`, so that a user name that is a mail address can be typed as it
 * is; percent-escapes in it are decoded. A single `/` may end the address. A mail address is the
 * user name as a whole, letter for letter.
 *
 * Errors: IMS_ERROR_CONFIG, saying what is wrong and what an address looks like.
 *
 * Returns: (transfer full): the address, or NULL.
 */
ImsAddress *ims_address_parse(const char *text, GError **error);
void ims_address_free(ImsAddress *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsAddress, ims_address_free)
