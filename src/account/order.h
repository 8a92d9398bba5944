/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <gio/gio.h>

#include "account/account.h"
#include "account/config.h"
#include "account/credentials.h"
#include "imap/conn.h"

/* One thing for a worker to do; owns all it points to, a password among it. */
typedef struct {
    ImsJobKind kind;
    ImsEndpoint *endpoint[IMS_N_SIDES];
    char *identity[IMS_N_SIDES];
    char *state_path;
    char *folder[IMS_N_SIDES]; /* see ImsSideConfig */
    ImsPatterns *patterns;     /* see ImsConfig */
    ImsPatterns *ignore;
    char **mailboxes; /* NULL: all */
    gboolean has_max_deletions;
    guint max_deletions;
    gboolean dry_run;
    GCancellable *cancel;
} ImsOrder;

/**
 * ims_order_new:
 * @password: (nullable) where none is needed
 *
 * Makes the folder of the state file (mode 0700) and, for the embedded store, what it needs.
 *
 * Errors: IMS_ERROR_STATE; those of ims_dovecot_new().
 *
 * Returns: (transfer full)
 */
ImsOrder *ims_order_new(
    const ImsConfig *config,
    ImsJobKind kind,
    const ImsSyncOptions *options,
    const char *const password[IMS_N_PASSWORDS],
    GCancellable *cancel,
    GError **error);
/** ims_order_state_path: Returns: (transfer full): where @account's state file stands, or would. */
char *ims_order_state_path(const char *account);
void ims_order_free(ImsOrder *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsOrder, ims_order_free)
