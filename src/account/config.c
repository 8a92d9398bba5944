/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What an account's file says. It is strict, because a misspelt key that is passed over is a wish
 * that nobody hears: whatever is not known, or means nothing with the chosen type, is refused with
 * file, group, key and the way out. Keys, sides and single values are in files of their own. */

#include "account/config-private.h"

#include <glib/gi18n.h>
#include <string.h>

#include "account/identity.h"

#define NAME_MAX_LENGTH 64

/* Syncing a server with itself would copy everything to where it is; into a folder of its own,
 * without an end. */
static gboolean
check_sides_differ(ImsPlace *at, const ImsConfig *config, GError **error)
{
    at->group = "local";
    if (ims_side_config_is_same_server(&config->side[IMS_LOCAL], &config->side[IMS_REMOTE]))
        return ims_place_refuse(
            at, NULL, error, _("is the same server and user as [%s]"), ims_side_name(IMS_REMOTE));
    return TRUE;
}

void
ims_config_free(ImsConfig *self)
{
    if (self == NULL)
        return;
    for (guint side = 0; side < IMS_N_SIDES; side++)
        ims_config_clear_side(&self->side[side]);
    ims_patterns_unref(self->mailboxes);
    ims_patterns_unref(self->ignore);
    g_free(self->text);
    g_free(self->name);
    g_free(self);
}

gboolean
ims_config_name_is_valid(const char *name)
{
    gsize len = strlen(name);

    if (len == 0 || len > NAME_MAX_LENGTH || !g_ascii_isalnum(name[0]))
        return FALSE;
    for (gsize i = 1; i < len; i++) {
        if (!g_ascii_isalnum(name[i]) && strchr("._@-", name[i]) == NULL)
            return FALSE;
    }
    return TRUE;
}

ImsConfig *
ims_config_parse(GKeyFile *file, const char *name, const char *path, GError **error)
{
    g_autoptr(ImsConfig) self = g_new0(ImsConfig, 1);
    ImsPlace at = {.file = file, .name = name, .path = path};

    if (!ims_keys_check(&at, error))
        return NULL;

    self->name = g_strdup(name);
    at.group = "account";
    if (!ims_place_bool(&at, "enabled", &self->enabled, error) ||
        !ims_place_patterns(&at, "mailboxes", &self->mailboxes, error) ||
        !ims_place_patterns(&at, "ignore", &self->ignore, error) ||
        !ims_config_read_side(&at, IMS_REMOTE, &self->side[IMS_REMOTE], error) ||
        !ims_config_read_side(&at, IMS_LOCAL, &self->side[IMS_LOCAL], error) ||
        !check_sides_differ(&at, self, error))
        return NULL;

    return g_steal_pointer(&self);
}

GKeyFile *
ims_config_from_settings(GHashTable *settings, const char *name, const char *path, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(ImsConfig) config = NULL;
    ImsPlace at = {.file = file, .name = name, .path = path};
    GHashTableIter iter;
    gpointer full;

    g_hash_table_iter_init(&iter, settings);
    while (g_hash_table_iter_next(&iter, &full, NULL)) {
        if (!ims_keys_check_setting(&at, full, error))
            return NULL;
    }
    ims_keys_copy(settings, file);
    config = ims_config_parse(file, name, path, error);
    if (config == NULL)
        return NULL;

    return g_steal_pointer(&file);
}
