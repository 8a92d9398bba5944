/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* All accounts and all jobs: finds the files, adds, reloads and removes, hands out jobs' numbers,
 * and forgets jobs some time after their end, so that who comes late can still read how they went.
 */

#include "account/account-private.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>

#include "account/dovecot.h"
#include "account/identity.h"
#include "util/error.h"
#include "util/names.h"

#define SUFFIX        ".conf"
#define JOB_KEPT_S    60
#define STOP_LIMIT_US (5 * G_USEC_PER_SEC)

static int
by_name(gconstpointer a, gconstpointer b)
{
    const ImsAccount *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static char *
path_of(const ImsAccounts *self, const char *name)
{
    return g_strdup_printf("%s/%s" SUFFIX, self->config_dir, name);
}

static ImsAccount *
insert(ImsAccounts *self, const char *name)
{
    g_autofree char *path = path_of(self, name);
    ImsAccount *account = ims_account_new(self, name, path);

    g_ptr_array_add(self->all, account);
    g_ptr_array_sort(self->all, by_name);
    return account;
}

/* Returns: (transfer full) (nullable): the account whose file this is. */
static char *
name_of(const ImsAccounts *self, const char *file)
{
    g_autofree char *name = NULL;

    if (!g_str_has_suffix(file, SUFFIX))
        return NULL;
    name = g_strndup(file, strlen(file) - strlen(SUFFIX));
    if (ims_config_name_is_valid(name))
        return g_steal_pointer(&name);
    g_message(
        "%s/%s: passed over: an account's name is up to 64 letters, digits and ._@-",
        self->config_dir,
        file);
    return NULL;
}

/* Makes an account of each file that has none. Returns: (transfer container): these. */
static GPtrArray *
read_new(ImsAccounts *self)
{
    g_autoptr(GDir) dir = g_dir_open(self->config_dir, 0, NULL);
    GPtrArray *added = g_ptr_array_new();
    const char *file;

    while (dir != NULL && (file = g_dir_read_name(dir)) != NULL) {
        g_autofree char *name = name_of(self, file);

        if (name != NULL && ims_accounts_find(self, name) == NULL)
            g_ptr_array_add(added, insert(self, name));
    }
    return added;
}

static void
keyring_changed(gpointer data)
{
    ImsAccounts *self = data;

    for (guint i = 0; i < self->all->len; i++)
        ims_account_keyring_changed(self->all->pdata[i]);
}

ImsAccounts *
ims_accounts_new(const char *config_dir, const ImsListener *listener, gpointer data)
{
    ImsAccounts *self = g_new0(ImsAccounts, 1);

    self->config_dir = config_dir != NULL
                           ? g_strdup(config_dir)
                           : g_build_filename(g_get_user_config_dir(), IMS_DIRECTORY, NULL);
    self->listener = listener;
    self->data = data;
    self->all = g_ptr_array_new();
    self->jobs = g_ptr_array_new_with_free_func((GDestroyNotify)ims_job_free);
    self->turns = ims_turns_new();
    g_ptr_array_unref(read_new(self)); /* who asked for all need not be told */
    self->watch = ims_keyring_watch_new(keyring_changed, self);
    return self;
}

void
ims_accounts_free(ImsAccounts *self)
{
    gint64 deadline_us = g_get_monotonic_time() + STOP_LIMIT_US;

    if (self == NULL)
        return;
    ims_keyring_watch_free(self->watch);
    g_clear_pointer(&self->turns, g_ptr_array_unref); /* nobody is woken any more */
    for (guint i = 0; i < self->all->len; i++)
        ims_account_stop(self->all->pdata[i]);
    for (guint i = 0; i < self->all->len; i++)
        ims_account_free(self->all->pdata[i], deadline_us);
    g_ptr_array_unref(self->jobs);
    g_ptr_array_unref(self->all);
    g_free(self->config_dir);
    g_free(self);
}

GPtrArray *
ims_accounts_all(ImsAccounts *self)
{
    return self->all;
}

GPtrArray *
ims_accounts_jobs(ImsAccounts *self)
{
    return self->jobs;
}

ImsAccount *
ims_accounts_find(ImsAccounts *self, const char *name)
{
    for (guint i = 0; i < self->all->len; i++) {
        ImsAccount *account = self->all->pdata[i];

        if (g_str_equal(account->name, name))
            return account;
    }
    return NULL;
}

ImsJob *
ims_accounts_find_job(ImsAccounts *self, guint64 id)
{
    for (guint i = 0; i < self->jobs->len; i++) {
        ImsJob *job = self->jobs->pdata[i];

        if (job->id == id)
            return job;
    }
    return NULL;
}

static gboolean
refuse_leaving(const ImsAccount *account, GError **error)
{
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_BUSY,
        _("%s is just being removed: wait until it has gone"),
        account->name);
    return FALSE;
}

static gboolean
check_new_name(ImsAccounts *self, const char *name, const char *path, GError **error)
{
    const ImsAccount *account = ims_accounts_find(self, name);

    if (!ims_config_name_is_valid(name)) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("an account's name is up to 64 letters, digits and ._@- and begins with a letter or "
              "a digit; for example '%s'"),
            "work");
        return FALSE;
    }
    if (account != NULL && account->left != NULL)
        return refuse_leaving(account, error);
    if (account != NULL || g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("the account %s exists already: choose another name, or edit %s"),
            name,
            path);
        return FALSE;
    }
    return TRUE;
}

gboolean
ims_accounts_check_apart(const ImsAccounts *self, const ImsConfig *config, GError **error)
{
    for (guint i = 0; i < self->all->len; i++) {
        const ImsConfig *other = ((const ImsAccount *)self->all->pdata[i])->config;

        if (other == NULL || !other->enabled || g_str_equal(other->name, config->name) ||
            !ims_side_config_overlaps(&other->side[IMS_LOCAL], &config->side[IMS_LOCAL]))
            continue;
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("%s and %s have the same local server, so the mail of each would be copied to the "
              "other's: give each a folder of its own there, such as '%s' in %s"),
            config->name,
            other->name,
            "prefix = Work/",
            "[local]");
        return FALSE;
    }
    return TRUE;
}

ImsAccount *
ims_accounts_add(ImsAccounts *self, const char *name, GHashTable *settings, GError **error)
{
    g_autofree char *path = path_of(self, name);
    g_autoptr(GKeyFile) file = NULL;
    g_autoptr(ImsConfig) config = NULL;
    ImsAccount *account;

    if (!check_new_name(self, name, path, error))
        return NULL;
    file = ims_config_from_settings(settings, name, path, error);
    if (file == NULL)
        return NULL;
    config = ims_config_parse(file, name, path, error);
    if (config == NULL || !ims_accounts_check_apart(self, config, error) ||
        !ims_config_write(file, path, error))
        return NULL;

    account = insert(self, name);
    self->listener->account_added(account, self->data);
    return account;
}

/* A folder where a store would be may hold mail of earlier times that is nowhere else. */
static gboolean
check_has_store(const ImsAccount *account, GError **error)
{
    g_autofree char *store = ims_dovecot_store(account->name);

    if (account->config != NULL && account->config->side[IMS_LOCAL].type == IMS_TYPE_DOVECOT)
        return ims_dovecot_check_deletable(store, error);
    if (account->config == NULL)
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("whether %s has a store of its own cannot be known, since its file is broken: "
              "correct the file, or remove the account without its store, and then %s yourself"),
            account->name,
            store);
    else
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("the local side of %s is another server, on which nothing is deleted: remove the "
              "account without its store"),
            account->name);
    return FALSE;
}

gboolean
ims_accounts_remove(
    ImsAccounts *self,
    ImsAccount *account,
    gboolean delete_store,
    ImsRemoved done,
    gpointer data,
    GError **error)
{
    if (account->left != NULL)
        return refuse_leaving(account, error);
    if (delete_store && !check_has_store(account, error))
        return FALSE;
    ims_removal_start(account, delete_store, done, data);
    return TRUE;
}

/* Only if it is certain: a folder that cannot be read for a moment must not end all accounts. */
static gboolean
has_no_file(const ImsAccount *account)
{
    GStatBuf info;

    return g_lstat(account->path, &info) != 0 && errno == ENOENT;
}

static void
take_new(ImsAccounts *self)
{
    g_autoptr(GPtrArray) added = read_new(self);

    for (guint i = 0; i < added->len; i++)
        self->listener->account_added(added->pdata[i], self->data);
}

/* The file may be back by now. */
static void
let_go(ImsAccount *account)
{
    ImsAccounts *self = account->accounts;

    ims_accounts_drop(self, account);
    take_new(self);
}

static gboolean
is_to_go(const ImsAccount *account)
{
    return account->left == NULL && has_no_file(account);
}

/* One without a job goes at once, so that nobody sees it once this has been answered. */
void
ims_accounts_reload(ImsAccounts *self)
{
    for (guint i = 0; i < self->all->len; i++) {
        ImsAccount *account = self->all->pdata[i];

        if (!has_no_file(account))
            ims_account_reload(account);
        else if (is_to_go(account) && ims_account_job(account) != NULL)
            ims_account_leave(account, let_go);
    }
    for (guint i = self->all->len; i > 0; i--) {
        ImsAccount *account = self->all->pdata[i - 1];

        if (is_to_go(account) && ims_account_job(account) == NULL)
            ims_accounts_drop(self, account);
    }
    take_new(self);
}

static void
forget_job(ImsAccounts *self, ImsJob *job)
{
    self->listener->job_removed(job, self->data);
    g_ptr_array_remove(self->jobs, job);
}

void
ims_accounts_drop(ImsAccounts *self, ImsAccount *account)
{
    for (guint i = self->jobs->len; i > 0; i--) {
        ImsJob *job = self->jobs->pdata[i - 1];

        if (job->account == account)
            forget_job(self, job);
    }
    self->listener->account_removed(account, self->data);
    g_ptr_array_remove(self->all, account);
    ims_account_stop(account);
    ims_account_free(account, g_get_monotonic_time() + STOP_LIMIT_US);
}

void
ims_accounts_take_job(ImsAccounts *self, ImsJob *job)
{
    job->id = ++self->last_job;
    g_ptr_array_add(self->jobs, job);
    self->listener->job_added(job, self->data);
}

static gboolean
job_expired(gpointer data)
{
    ImsJob *job = data;

    job->expiry = 0;
    forget_job(job->account->accounts, job);
    return G_SOURCE_REMOVE;
}

void
ims_accounts_expire_job(ImsAccounts *self, ImsJob *job)
{
    job->expiry = g_timeout_add_seconds(JOB_KEPT_S, job_expired, job);
}
