/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* The embedded local store of an account: mail in mdbox, served by Dovecot's own `imap` program,
 * one process for each client, over a socket pair. No Dovecot has to run, and none is asked.
 *
 * All of it stands below $XDG_DATA_HOME/imapsync/NAME/: `dovecot.conf`, which names the store by
 * its whole path, and `mail/`. Anybody may open the store with `imap -c …/dovecot.conf` on stdio,
 * with USER and HOME set to anything and without variables whose names begin with DOVECOT_; that is
 * what `imapsyncctl connect` does. Such processes see each other's changes. */

typedef struct {
    char *store; /* $XDG_DATA_HOME/imapsync/NAME */
    char **argv;
    char **envp;
} ImsDovecot;

/**
 * ims_dovecot_new:
 * @account: a valid name
 *
 * Makes the store's folder (mode 0700) and writes its configuration, if it is not there as it
 * should be.
 *
 * Errors: IMS_ERROR_CONFIG: run by root, whom Dovecot refuses; Dovecot is not installed.
 * IMS_ERROR_STATE: the folder cannot be written.
 *
 * Returns: (transfer full): how to start the store's server.
 */
ImsDovecot *ims_dovecot_new(const char *account, GError **error);
void ims_dovecot_free(ImsDovecot *self);

/** ims_dovecot_store: Returns: (transfer full): where @account's store stands, or would. */
char *ims_dovecot_store(const char *account);

/** ims_dovecot_check_deletable: FALSE if ims_dovecot_delete_store() would refuse before it begins.
 */
gboolean ims_dovecot_check_deletable(const char *store, GError **error);
/**
 * ims_dovecot_delete_store:
 * @store: what ims_dovecot_store() says
 *
 * Removes the folder with all mail in it; follows no symbolic link and leaves no file system. It
 * waits for the disk, so not on the main thread. It is no error if there is none.
 *
 * Errors: IMS_ERROR_STATE: something cannot be removed; part of it may be gone.
 */
gboolean ims_dovecot_delete_store(const char *store, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsDovecot, ims_dovecot_free)
