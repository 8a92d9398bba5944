/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Host and user name are no part of the D-Bus interface, so they are read where the user wrote
 * them. */

#include "cli/account-file.h"

#include <glib/gi18n.h>
#include <string.h>

#include "util/error.h"
#include "util/names.h"

#define MAX_NAME 64

gboolean
ims_account_file_is_name(const char *account)
{
    gsize len = strlen(account);

    if (len == 0 || len > MAX_NAME || !g_ascii_isalnum(account[0]))
        return FALSE;
    for (gsize i = 0; i < len; i++) {
        if (!g_ascii_isalnum(account[i]) && strchr("._@-", account[i]) == NULL)
            return FALSE;
    }

    return TRUE;
}

char *
ims_account_file_path(const char *account)
{
    g_autofree char *base = g_strconcat(account, ".conf", NULL);

    return g_build_filename(g_get_user_config_dir(), IMS_DIRECTORY, base, NULL);
}

/* A FIFO would be waited for, for ever. */
static gboolean
load_regular(GKeyFile *file, const char *path, GError **error)
{
    if (g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, _("it is no regular file"));
        return FALSE;
    }

    return g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error);
}

GKeyFile *
ims_account_file_load(const char *account, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) failure = NULL;
    g_autofree char *path = ims_account_file_path(account);

    if (ims_account_file_is_name(account) && load_regular(file, path, &failure))
        return g_steal_pointer(&file);

    if (failure == NULL || g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        g_set_error(
            error, IMS_ERROR, IMS_ERROR_NO_SUCH_ACCOUNT, _("there is no account “%s”"), account);
    else if (failure->domain == G_KEY_FILE_ERROR) /* its words may show a password */
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("%s is broken: \"imapsyncctl reload\" says where"),
            path);
    else
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("%s cannot be read: %s. Correct the file"),
            path,
            failure->message);

    return NULL;
}

char *
ims_account_file_get(GKeyFile *file, const char *side, const char *key)
{
    g_autofree char *value = g_key_file_get_string(file, side, key, NULL);

    if (value == NULL && g_str_equal(key, "type"))
        return g_strdup(g_str_equal(side, "local") ? "dovecot" : "imaps");
    if (value != NULL)
        g_strchomp(value); /* as the service does */

    return g_steal_pointer(&value);
}
