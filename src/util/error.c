/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* The error domain and the names of its codes. The names are the outward contract of the bus; the
 * table is ordered by code, and a code added behind its end does not compile. */
#include "util/error.h"

/* What an error of ours carries beside its message; copied with it. */
typedef struct {
    GVariant *facts; /* NULL: nothing */
} ImsErrorPrivate;

static void
ims_error_private_init(ImsErrorPrivate *self)
{
    self->facts = NULL;
}

static void
ims_error_private_copy(const ImsErrorPrivate *from, ImsErrorPrivate *to)
{
    to->facts = from->facts != NULL ? g_variant_ref(from->facts) : NULL;
}

static void
ims_error_private_clear(ImsErrorPrivate *self)
{
    g_clear_pointer(&self->facts, g_variant_unref);
}

/* clang-format off */
G_DEFINE_EXTENDED_ERROR(ImsError, ims_error)
/* clang-format on */

void
ims_error_set_facts(GError *error, GVariant *facts)
{
    ImsErrorPrivate *self = ims_error_get_private(error);

    ims_error_private_clear(self);
    self->facts = g_variant_ref_sink(facts);
}

GVariant *
ims_error_facts(const GError *error)
{
    return error->domain == IMS_ERROR ? ims_error_get_private(error)->facts : NULL;
}

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
