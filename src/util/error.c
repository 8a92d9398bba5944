/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* The error domain and the names of its codes. The names are the outward contract of the bus; the
 * table is ordered by code, and a code added behind its end does not compile. */
#include "util/error.h"

/* clang-format off */
G_DEFINE_QUARK(ims-error-quark, ims_error)
/* clang-format on */

static const char *const names[] = {
    [IMS_ERROR_CANCELLED] = "Cancelled",
    [IMS_ERROR_OFFLINE] = "Offline",
    [IMS_ERROR_AUTH_FAILED] = "AuthFailed",
    [IMS_ERROR_CREDENTIALS_MISSING] = "CredentialsMissing",
    [IMS_ERROR_KEYRING_LOCKED] = "KeyringLocked",
    [IMS_ERROR_CERTIFICATE_REJECTED] = "CertificateRejected",
    [IMS_ERROR_SERVER_UNSUPPORTED] = "ServerUnsupported",
    [IMS_ERROR_SERVER_REJECTED] = "ServerRejected",
    [IMS_ERROR_PROTOCOL] = "Protocol",
    [IMS_ERROR_STATE] = "State",
    [IMS_ERROR_CONFIG] = "Config",
    [IMS_ERROR_NO_SUCH_ACCOUNT] = "NoSuchAccount",
    [IMS_ERROR_NO_SUCH_MAILBOX] = "NoSuchMailbox",
    [IMS_ERROR_NO_SUCH_ISSUE] = "NoSuchIssue",
    [IMS_ERROR_NOT_RUNNING] = "NotRunning",
    [IMS_ERROR_BUSY] = "Busy",
};

G_STATIC_ASSERT(G_N_ELEMENTS(names) == IMS_N_ERRORS);

const char *
ims_error_name(ImsError code)
{
    g_assert(code < IMS_N_ERRORS);

    return names[code];
}
