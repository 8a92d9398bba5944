/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The embedded store: writes the configuration with which Dovecot's imap program serves one folder
 * of mdbox mail, pre-authenticated, without a master process. `doveadm exec imap` would pass over
 * the settings of imap; the program itself, given `-c`, reads them. Starting and talking to it is
 * net's and imap's part. */

#include "account/dovecot.h"

#include <errno.h>
#include <ftw.h>
#include <gio/gio.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "util/error.h"
#include "util/names.h"

#define SETTING      "type = dovecot"
#define OPEN_FOLDERS 16 /* at a time, while a store is deleted */

/* No socket of a running Dovecot must be found, so its folders are set to one that is not there.
 * Messages go to stderr, where who started the process can read them. Folders with a role get it by
 * their usual name, but are not made: which folders there are is decided by the other side. */
static const char template[] = "# Written by imapsyncd; changes are overwritten.\n"
                               "protocols = imap\n"
                               "base_dir = /nonexistent\n"
                               "state_dir = /nonexistent\n"
                               "log_path = /dev/stderr\n"
                               "ssl = no\n"
                               "first_valid_uid = 1\n"
                               "mail_location = \"mdbox:%s/mail\"\n"
                               "namespace inbox {\n"
                               "  inbox = yes\n"
                               "  separator = /\n"
                               "  mailbox Archive {\n"
                               "    special_use = \\Archive\n"
                               "  }\n"
                               "  mailbox Drafts {\n"
                               "    special_use = \\Drafts\n"
                               "  }\n"
                               "  mailbox Junk {\n"
                               "    special_use = \\Junk\n"
                               "  }\n"
                               "  mailbox Sent {\n"
                               "    special_use = \\Sent\n"
                               "  }\n"
                               "  mailbox Trash {\n"
                               "    special_use = \\Trash\n"
                               "  }\n"
                               "}\n";

/* A path inside a quoted mail_location: the file's own quoting, mail_location's `:` and the
 * variables' `%`. */
static char *
quote_path(const char *path)
{
    g_autoptr(GString) quoted = g_string_new(NULL);

    for (; *path != '\0'; path++) {
        if (*path == '\\' || *path == '"')
            g_string_append_c(quoted, '\\');
        if (*path == ':' || *path == '%')
            g_string_append_c(quoted, *path);
        g_string_append_c(quoted, *path);
    }
    return g_string_free(g_steal_pointer(&quoted), FALSE);
}

static char *
config_of(const char *store)
{
    g_autofree char *quoted = quote_path(store);

    return g_strdup_printf(template, quoted);
}

char *
ims_dovecot_store(const char *account)
{
    return g_build_filename(g_get_user_data_dir(), IMS_DIRECTORY, account, NULL);
}

static gboolean
check_can_serve(const char *store, GError **error)
{
    if (geteuid() == 0) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("the embedded store (%s) cannot be used by root, since Dovecot refuses to serve "
              "root: run imapsyncd as an ordinary user"),
            SETTING);
        return FALSE;
    }
    if (!g_file_test(IMS_DOVECOT_IMAP, G_FILE_TEST_IS_EXECUTABLE)) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("the embedded store (%s) needs %s: install the package %s"),
            SETTING,
            IMS_DOVECOT_IMAP,
            "dovecot-imapd");
        return FALSE;
    }
    if (strpbrk(store, "\n\r") != NULL) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("the embedded store (%s) cannot stand below a folder whose name has a line break: "
              "set %s to another one"),
            SETTING,
            "XDG_DATA_HOME");
        return FALSE;
    }
    return TRUE;
}

static gboolean
write_config(const char *store, const char *path, GError **error)
{
    g_autofree char *want = config_of(store);
    g_autofree char *have = NULL;
    g_autoptr(GError) broken = NULL;

    if (g_mkdir_with_parents(store, 0700) != 0) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_STATE,
            _("%s: cannot be made: %s"),
            store,
            g_strerror(errno));
        return FALSE;
    }
    if (g_file_get_contents(path, &have, NULL, NULL) && g_str_equal(have, want))
        return TRUE;
    if (!g_file_set_contents_full(path, want, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &broken)) {
        g_set_error(error, IMS_ERROR, IMS_ERROR_STATE, "%s: %s", path, broken->message);
        return FALSE;
    }
    return TRUE;
}

/* Only what the program needs: a leftover of another Dovecot (DOVECOT_*, CONFIG_FILE) would change
 * what it reads. */
static char **
make_environment(const char *store)
{
    static const char *const kept[] = {"PATH", "TZ", NULL};
    char **envp = g_environ_setenv(NULL, "USER", g_get_user_name(), TRUE);

    envp = g_environ_setenv(envp, "HOME", store, TRUE);
    for (gsize i = 0; kept[i] != NULL; i++) {
        if (g_getenv(kept[i]) != NULL)
            envp = g_environ_setenv(envp, kept[i], g_getenv(kept[i]), TRUE);
    }
    return envp;
}

ImsDovecot *
ims_dovecot_new(const char *account, GError **error)
{
    g_autofree char *store = ims_dovecot_store(account);
    g_autofree char *path = g_build_filename(store, "dovecot.conf", NULL);
    const char *argv[] = {IMS_DOVECOT_IMAP, "-c", path, NULL};
    ImsDovecot *self;

    if (!check_can_serve(store, error) || !write_config(store, path, error))
        return NULL;

    self = g_new0(ImsDovecot, 1);
    self->argv = g_strdupv((char **)argv);
    self->envp = make_environment(store);
    self->store = g_steal_pointer(&store);
    return self;
}

void
ims_dovecot_free(ImsDovecot *self)
{
    if (self == NULL)
        return;
    g_free(self->store);
    g_strfreev(self->argv);
    g_strfreev(self->envp);
    g_free(self);
}

static int
remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    return g_remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

gboolean
ims_dovecot_check_deletable(const char *store, GError **error)
{
    if (g_file_test(store, G_FILE_TEST_IS_SYMLINK)) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_STATE,
            _("%s: is a symbolic link, which is not followed to delete mail: remove it, and what "
              "it leads to, yourself"),
            store);
        return FALSE;
    }
    return TRUE;
}

gboolean
ims_dovecot_delete_store(const char *store, GError **error)
{
    if (!ims_dovecot_check_deletable(store, error))
        return FALSE;
    if (nftw(store, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 &&
        errno != ENOENT) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_STATE,
            _("%s: cannot be deleted: %s: close the programs that use it, or correct its "
              "permissions; then try again"),
            store,
            g_strerror(errno));
        return FALSE;
    }
    return TRUE;
}
