/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* Where a domain says that its mail is (RFC 6186). */
typedef struct {
    const char *type; /* static: `imaps` or `imap` */
    char *host;       /* without a dot at its end */
    guint16 port;
} ImsDiscovery;

/**
 * ims_discover:
 * @domain: of a mail address
 *
 * Asks the DNS for `_imaps._tcp` and, if the domain has none, for `_imap._tcp`; takes the target
 * that priorities and weights put first. The answer is unsigned, and so only a hint. Waits, 10
 * seconds at most.
 *
 * Errors: IMS_ERROR_CONFIG: the domain has neither; IMS_ERROR_OFFLINE: the DNS does not answer.
 *
 * Returns: (transfer full)
 */
ImsDiscovery *ims_discover(const char *domain, GError **error);
void ims_discovery_free(ImsDiscovery *self);

/** ims_discovery_is_in_domain: Returns: whether @host is @domain, or below it. */
gboolean ims_discovery_is_in_domain(const char *host, const char *domain);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsDiscovery, ims_discovery_free)
