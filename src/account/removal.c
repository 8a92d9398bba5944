/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Takes an account away for good. The order is such that a failure or a crash anywhere leaves an
 * account that is whole or can be removed again: the passwords first, since a locked keyring must
 * stop it before anything is lost; the state file before the store, since a base must never outlive
 * the mail that it speaks of; the account's file last. */

#include <errno.h>
#include <gio/gio.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "account/account-private.h"
#include "account/dovecot.h"
#include "account/order.h"
#include "account/secret.h"
#include "state/db.h"
#include "util/error.h"

struct ImsRemoval {
    ImsAccount *account;
    gboolean delete_store;
    ImsRemoved done;
    gpointer data;
    ImsSecretSearch *search;
    GCancellable *cancel;
};

/* What the thread that deletes works on. */
typedef struct {
    char *state, *store, *config; /* @store: NULL: it stays */
} Files;

static void
files_free(gpointer data)
{
    Files *self = data;

    g_free(self->state);
    g_free(self->store);
    g_free(self->config);
    g_free(self);
}

static void
removal_free(ImsRemoval *self)
{
    ims_secret_search_cancel(self->search);
    g_cancellable_cancel(self->cancel);
    g_object_unref(self->cancel);
    g_free(self);
}

/* Ends @self: the account has gone by then, or stays. */
static void
finish(ImsRemoval *self, const GError *error)
{
    ImsAccount *account = self->account;
    ImsRemoved done = self->done;
    gpointer data = self->data;

    account->removal = NULL;
    removal_free(self);
    if (error != NULL)
        ims_account_stay(account);
    else
        ims_accounts_drop(account->accounts, account);
    done(error, data);
}

static gboolean
delete_config(const char *path, GError **error)
{
    if (g_unlink(path) == 0 || errno == ENOENT)
        return TRUE;
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CONFIG,
        _("%s: cannot be removed: %s: correct the permissions of its directory, then remove the "
          "account again"),
        path,
        g_strerror(errno));
    return FALSE;
}

static void
delete_files(GTask *task, gpointer source, gpointer data, GCancellable *cancel)
{
    const Files *files = data;
    GError *error = NULL;
    gboolean done = ims_db_delete(files->state, &error) &&
                    (files->store == NULL || ims_dovecot_delete_store(files->store, &error)) &&
                    delete_config(files->config, &error);

    if (done)
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
}

static void
files_deleted(GObject *source, GAsyncResult *result, gpointer data)
{
    ImsRemoval *self = data;
    g_autoptr(GError) error = NULL;

    g_task_propagate_boolean(G_TASK(result), &error);
    if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) /* else @self has been freed */
        finish(self, error);
}

static void
begin_files(ImsRemoval *self)
{
    const char *name = self->account->name;
    g_autoptr(GTask) task = g_task_new(NULL, self->cancel, files_deleted, self);
    Files *files = g_new0(Files, 1);

    files->state = ims_order_state_path(name);
    files->store = self->delete_store ? ims_dovecot_store(name) : NULL;
    files->config = g_strdup(self->account->path);
    g_task_set_task_data(task, files, files_free);
    g_task_run_in_thread(task, delete_files);
}

static GError *
explain(const ImsRemoval *self, ImsSecretOutcome outcome, const char *message)
{
    const char *name = self->account->name;

    if (outcome == IMS_SECRET_LOCKED)
        return g_error_new(
            IMS_ERROR,
            IMS_ERROR_KEYRING_LOCKED,
            _("the keyring that holds the passwords of %s is locked: unlock it, for example by "
              "logging in or with a program that shows passwords; then remove %s again"),
            name,
            name);
    if (outcome == IMS_SECRET_ABSENT || outcome == IMS_SECRET_ERROR)
        g_message("%s: passwords in the keyring, if any, were not removed: %s", name, message);
    return NULL;
}

/* Who has no keyring, or a broken one, must be able to get rid of an account all the same. */
static void
passwords_erased(ImsSecretOutcome outcome, const char *password, const char *message, gpointer data)
{
    ImsRemoval *self = data;
    g_autoptr(GError) error = explain(self, outcome, message);

    self->search = NULL;
    if (error != NULL)
        finish(self, error);
    else
        begin_files(self);
}

static void
account_left(ImsAccount *account)
{
    ImsRemoval *self = account->removal;

    self->search = ims_secret_erase(account->name, passwords_erased, self);
}

void
ims_removal_start(ImsAccount *account, gboolean delete_store, ImsRemoved done, gpointer data)
{
    ImsRemoval *self = g_new0(ImsRemoval, 1);

    self->account = account;
    self->delete_store = delete_store;
    self->done = done;
    self->data = data;
    self->cancel = g_cancellable_new();
    account->removal = self;
    ims_account_leave(account, account_left);
}

void
ims_removal_abandon(ImsRemoval *self)
{
    g_autoptr(GError) error = NULL;
    ImsRemoved done;
    gpointer data;

    if (self == NULL)
        return;
    error = g_error_new(
        IMS_ERROR,
        IMS_ERROR_CANCELLED,
        _("%s was not removed, since the service is stopping: remove it again"),
        self->account->name);
    done = self->done;
    data = self->data;
    self->account->removal = NULL;
    removal_free(self);
    done(error, data);
}
