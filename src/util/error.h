/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* The one error domain. A GError means that *this call did not do its job*; what a caller must
 * expect (a NO reply, a locked keyring) is an out value instead. The codes are what a user of the
 * bus can tell apart: bus/fault maps each to the D-Bus error of the same name. Messages are for
 * people and name their own fix; they never hold a password, a token or a message's content. */
typedef enum {
    IMS_ERROR_CANCELLED,
    IMS_ERROR_OFFLINE,             /* a peer cannot be reached, has gone, or is silent: try later */
    IMS_ERROR_AUTH_FAILED,         /* the server refused name or password */
    IMS_ERROR_CREDENTIALS_MISSING, /* no password is stored */
    IMS_ERROR_KEYRING_LOCKED,
    IMS_ERROR_CERTIFICATE_REJECTED,
    IMS_ERROR_SERVER_UNSUPPORTED, /* names the missing capabilities */
    IMS_ERROR_SERVER_REJECTED,    /* a NO where the work cannot go on without an OK */
    IMS_ERROR_PROTOCOL,           /* a peer broke IMAP, or passed one of our limits */
    IMS_ERROR_STATE,              /* a file of ours cannot be read or written */
    IMS_ERROR_CONFIG,
    IMS_ERROR_NO_SUCH_ACCOUNT,
    IMS_ERROR_NO_SUCH_MAILBOX,
    IMS_ERROR_NO_SUCH_ISSUE,
    IMS_ERROR_NOT_RUNNING,
    IMS_ERROR_BUSY,
    IMS_N_ERRORS
} ImsError;

#define IMS_ERROR (ims_error_quark())

/**
 * ims_error_quark:
 *
 * Returns: the domain of all errors of this program.
 */
GQuark ims_error_quark(void);

/**
 * ims_error_set_facts:
 * @error: of this domain
 * @facts: (transfer floating): an `a{sv}`
 *
 * Lets @error, and each copy of it, carry what programs can use beside the message for people.
 */
void ims_error_set_facts(GError *error, GVariant *facts);
/** ims_error_facts: @error: of any domain. Returns: (transfer none) (nullable). */
GVariant *ims_error_facts(const GError *error);

/**
 * ims_error_name:
 * @code: an #ImsError
 *
 * Returns: (transfer none): the last component of its D-Bus name, such as `AuthFailed`.
 */
const char *ims_error_name(ImsError code);
