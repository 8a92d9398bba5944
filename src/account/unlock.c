/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Unlocks what an account has in the keyring, and says in words how that went. Who asked is
 * answered in time, whether the user has answered the keyring or not; if he does later, the watch
 * of the keyring tells, and the account goes on all the same. */

#include "account/unlock.h"

#include <glib/gi18n.h>

#include "account/account-private.h"
#include "account/secret.h"
#include "util/error.h"

#define LONGEST_US (10 * 60 * (guint64)G_USEC_PER_SEC)

struct ImsUnlock {
    ImsAccount *account;
    guint64 timeout_us;
    ImsUnlocked done;
    gpointer data;
    ImsSecretSearch *search;
    guint idle; /* source, if there is nothing to search for */
};

void
ims_unlock_end(ImsUnlock *self, const GError *error)
{
    ImsUnlocked done = self->done;
    gpointer data = self->data;

    self->account->unlock = NULL;
    ims_secret_search_cancel(self->search);
    g_clear_handle_id(&self->idle, g_source_remove);
    g_free(self);
    done(error, data);
}

static GError *
explain(const ImsUnlock *self, ImsSecretOutcome outcome, const char *message)
{
    const char *name = self->account->name;

    if (outcome == IMS_SECRET_LOCKED)
        return g_error_new(
            IMS_ERROR,
            IMS_ERROR_KEYRING_LOCKED,
            _("%s: the keyring is still locked: what it asked for was not given within %u seconds, "
              "or was turned down; unlock it in a program that shows passwords, or by logging in "
              "again; %s then goes on by itself"),
            name,
            (guint)(self->timeout_us / G_USEC_PER_SEC),
            name);
    if (outcome == IMS_SECRET_NONE) {
        g_autofree char *command = ims_credentials_missing_command(self->account->config);

        return g_error_new(
            IMS_ERROR,
            IMS_ERROR_CREDENTIALS_MISSING,
            _("%s: none of its passwords is in the keyring: run '%s'"),
            name,
            command);
    }
    return ims_credentials_explain(name, outcome, message);
}

static void
unlocked(ImsSecretOutcome outcome, const char *password, const char *message, gpointer data)
{
    ImsUnlock *self = data;
    g_autoptr(GError) error = explain(self, outcome, message);

    self->search = NULL;
    if (error == NULL)
        ims_account_keyring_stirred(self->account);
    ims_unlock_end(self, error);
}

static gboolean
needless(gpointer data)
{
    ImsUnlock *self = data;

    self->idle = 0;
    ims_unlock_end(self, NULL);
    return G_SOURCE_REMOVE;
}

/* The keyring goes on asking. The first may have left the bus, and is not to keep others away. */
static void
take_over(ImsUnlock *self, guint64 timeout_us, ImsUnlocked done, gpointer data)
{
    ImsUnlocked old_done = self->done;
    gpointer old_data = self->data;
    g_autoptr(GError) error = g_error_new(
        IMS_ERROR,
        IMS_ERROR_BUSY,
        _("%s: somebody else has asked since to unlock the keyring, and is answered instead: ask "
          "again to wait for it"),
        self->account->name);

    self->timeout_us = timeout_us;
    self->done = done;
    self->data = data;
    if (self->search != NULL)
        ims_secret_search_prolong(self->search, (guint)(timeout_us / 1000));
    old_done(error, old_data);
}

void
ims_unlock_start(ImsAccount *account, guint64 timeout_us, ImsUnlocked done, gpointer data)
{
    ImsUnlock *self;

    timeout_us = MIN(timeout_us, LONGEST_US);
    if (account->unlock != NULL) {
        take_over(account->unlock, timeout_us, done, data);
        return;
    }
    self = g_new0(ImsUnlock, 1);
    self->account = account;
    self->timeout_us = timeout_us;
    self->done = done;
    self->data = data;
    account->unlock = self;
    if (ims_credentials_need_keyring(account->config))
        self->search = ims_secret_unlock(account->name, (guint)(timeout_us / 1000), unlocked, self);
    else
        self->idle = g_idle_add(needless, self);
}

void
ims_unlock_abandon(ImsUnlock *self)
{
    g_autoptr(GError) error = NULL;

    if (self == NULL)
        return;
    error = g_error_new(
        IMS_ERROR,
        IMS_ERROR_CANCELLED,
        _("%s: it was not waited for the keyring, since the account or the service is going: ask "
          "again"),
        self->account->name);
    ims_unlock_end(self, error);
}
