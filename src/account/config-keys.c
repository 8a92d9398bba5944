/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Which keys there are. What one may be stands in one table; from it follow the check, the hints
 * and the order of writing. */

#include "account/config-private.h"

#include <glib/gi18n.h>
#include <string.h>

#include "account/hint.h"
#include "util/error.h"
#include "util/log.h"

enum { IN_ACCOUNT = 1 << 0, IN_LOCAL = 1 << 1, IN_REMOTE = 1 << 2 };

#define IN_SIDES     (IN_LOCAL | IN_REMOTE)
#define WITH(type)   (1u << (type))
#define WITH_NETWORK (WITH(IMS_TYPE_IMAPS) | WITH(IMS_TYPE_IMAP))

typedef struct {
    const char *key;
    guint groups; /* IN_*: where it may stand */
    guint types;  /* WITH(): the types of side with which it means something; 0: all */
} KeyRule;

static const char *const groups[] = {"account", "local", "remote", NULL}; /* by bit of IN_* */

static const KeyRule rules[] = {
    {"enabled", IN_ACCOUNT, 0},
    {"mailboxes", IN_ACCOUNT, 0},
    {"ignore", IN_ACCOUNT, 0},
    {"type", IN_SIDES, 0},
    {"host", IN_SIDES, WITH_NETWORK},
    {"port", IN_SIDES, WITH_NETWORK},
    {"username", IN_SIDES, WITH_NETWORK | WITH(IMS_TYPE_TUNNEL)},
    {"password-command", IN_SIDES, WITH_NETWORK | WITH(IMS_TYPE_TUNNEL)},
    {"token-command", IN_SIDES, WITH_NETWORK | WITH(IMS_TYPE_TUNNEL)},
    {"auth", IN_SIDES, WITH_NETWORK | WITH(IMS_TYPE_TUNNEL)},
    {"ca-file", IN_SIDES, WITH_NETWORK},
    {"tls-min", IN_SIDES, WITH_NETWORK},
    {"tls-pin", IN_SIDES, WITH_NETWORK},
    {"tls-host", IN_SIDES, WITH_NETWORK},
    {"client-cert", IN_SIDES, WITH_NETWORK},
    {"client-key", IN_SIDES, WITH_NETWORK},
    {"proxy", IN_SIDES, WITH_NETWORK},
    {"starttls", IN_SIDES, WITH(IMS_TYPE_IMAP)},
    {"command", IN_SIDES, WITH(IMS_TYPE_TUNNEL)},
    {"compress", IN_SIDES, WITH_NETWORK | WITH(IMS_TYPE_TUNNEL)},
    {"connections", IN_SIDES, WITH_NETWORK | WITH(IMS_TYPE_TUNNEL)},
    {"prefix", IN_SIDES, 0},
};

static const char *const secret_words[] = {"pass", "secret", "token", NULL};

static const KeyRule *
find_rule(const char *key, guint group)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
        if (g_str_equal(rules[i].key, key) && (rules[i].groups & group) != 0)
            return &rules[i];
    }
    return NULL;
}

static gboolean
sounds_secret(const char *key)
{
    g_autofree char *lower = g_ascii_strdown(key, -1);

    for (gsize i = 0; secret_words[i] != NULL; i++) {
        if (strstr(lower, secret_words[i]) != NULL)
            return TRUE;
    }
    return FALSE;
}

static gboolean
refuse_secret(const ImsPlace *at, guint group, const char *key, GError **error)
{
    g_autofree char *command =
        g_strdup_printf("imapsyncctl password %s%s", at->name, group == IN_LOCAL ? " local" : "");

    return ims_place_refuse(
        at,
        key,
        error,
        _("passwords live in the keyring, never here: remove this key and run '%s'"),
        command);
}

static gboolean
refuse_unknown_key(const ImsPlace *at, guint group, const char *key, GError **error)
{
    const char *known[G_N_ELEMENTS(rules) + 1] = {NULL};
    g_autofree char *shown = ims_text_escape(key, strlen(key));
    g_autofree char *help = NULL;
    gsize n = 0;

    if (sounds_secret(key))
        return refuse_secret(at, group, shown, error);

    for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
        if ((rules[i].groups & group) != 0)
            known[n++] = rules[i].key;
    }
    help = ims_hint(key, known);
    return ims_place_refuse(at, shown, error, _("there is no such key; %s"), help);
}

static gboolean
check_keys(const ImsPlace *at, guint group, GError **error)
{
    g_auto(GStrv) keys = g_key_file_get_keys(at->file, at->group, NULL, NULL);

    for (gsize i = 0; keys != NULL && keys[i] != NULL; i++) {
        if (find_rule(keys[i], group) == NULL)
            return refuse_unknown_key(at, group, keys[i], error);
    }
    return TRUE;
}

static gboolean
check_group(ImsPlace *at, const char *group, guint *out_bit, GError **error)
{
    g_autofree char *help = NULL, *shown = NULL;

    for (guint i = 0; groups[i] != NULL; i++) {
        if (g_str_equal(groups[i], group)) {
            at->group = groups[i];
            *out_bit = 1u << i;
            return TRUE;
        }
    }
    help = ims_hint(group, groups);
    shown = ims_text_escape(group, strlen(group));
    at->group = shown;
    return ims_place_refuse(at, NULL, error, _("there is no such group; %s"), help);
}

/* Every group and key of the file, before any value: a misspelt key is the likeliest reason for one
 * that is missing. */
gboolean
ims_keys_check(ImsPlace *at, GError **error)
{
    g_auto(GStrv) found = g_key_file_get_groups(at->file, NULL);

    for (gsize i = 0; found[i] != NULL; i++) {
        guint bit;

        if (!check_group(at, found[i], &bit, error) || !check_keys(at, bit, error))
            return FALSE;
    }
    return TRUE;
}

/* A key that is right elsewhere but means nothing with this type. */
gboolean
ims_keys_check_meaning(const ImsPlace *at, ImsSideType type, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
        const KeyRule *rule = &rules[i];

        if (rule->types != 0 && (rule->types & WITH(type)) == 0 &&
            g_key_file_has_key(at->file, at->group, rule->key, NULL))
            return ims_place_refuse(
                at,
                rule->key,
                error,
                _("means nothing with '%s = %s'; remove it, or set %s to %s"),
                "type",
                ims_side_type_names[type],
                "type",
                ims_side_type_names[g_bit_nth_lsf(rule->types, -1)]);
    }
    return TRUE;
}

gboolean
ims_keys_check_setting(ImsPlace *at, const char *full, GError **error)
{
    g_auto(GStrv) part = g_strsplit(full, ".", 2);
    g_autofree char *shown = NULL;
    guint bit;

    if (g_strv_length(part) == 2) {
        if (!check_group(at, part[0], &bit, error))
            return FALSE;
        return find_rule(part[1], bit) != NULL || refuse_unknown_key(at, bit, part[1], error);
    }
    shown = ims_text_escape(full, strlen(full));
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CONFIG,
        _("%s: '%s' is no key; write group and key, for example '%s'"),
        at->path,
        shown,
        "remote.host");
    return FALSE;
}

void
ims_keys_copy(GHashTable *settings, GKeyFile *file)
{
    for (guint group = 0; groups[group] != NULL; group++) {
        for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
            g_autofree char *full = g_strdup_printf("%s.%s", groups[group], rules[i].key);
            const char *value = g_hash_table_lookup(settings, full);

            if (value != NULL)
                g_key_file_set_string(file, groups[group], rules[i].key, value);
        }
    }
}
