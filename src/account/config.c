/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What an account's file says. It is strict, because a misspelt key that is passed
 * over is a wish that nobody hears: whatever is not known, or means nothing with the chosen type,
 * is refused with file, group, key and the way out. What a key may be stands in one table; from it
 * follow the check, the hints and the order of writing. */

#include "account/config.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <string.h>

#include "account/hint.h"
#include "account/identity.h"
#include "model/mailbox-name.h"
#include "util/error.h"
#include "util/log.h"
#include "util/pin.h"

#define NAME_MAX_LENGTH 64
#define EXAMPLE_HOST    "host = imap.example.net"

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
    {"auth", IN_SIDES, WITH_NETWORK | WITH(IMS_TYPE_TUNNEL)},
    {"ca-file", IN_SIDES, WITH_NETWORK},
    {"tls-min", IN_SIDES, WITH_NETWORK},
    {"tls-pin", IN_SIDES, WITH_NETWORK},
    {"tls-host", IN_SIDES, WITH_NETWORK},
    {"client-cert", IN_SIDES, WITH_NETWORK},
    {"client-key", IN_SIDES, WITH_NETWORK},
    {"starttls", IN_SIDES, WITH(IMS_TYPE_IMAP)},
    {"command", IN_SIDES, WITH(IMS_TYPE_TUNNEL)},
    {"compress", IN_SIDES, WITH_NETWORK | WITH(IMS_TYPE_TUNNEL)},
    {"prefix", IN_SIDES, 0},
};

static const char *const type_names[] = {
    "imaps", "imap", "tunnel", "dovecot", NULL}; /* by ImsSideType */
static const char *const bool_names[] = {"yes", "no", "true", "false", NULL};
static const char *const tls_keys[] = {
    "ca-file", "tls-min", "tls-pin", "tls-host", "client-cert", "client-key", NULL};
static const char *const secret_words[] = {"pass", "secret", "token", NULL};

/* Where in which file something is; prefixes every error. */
typedef struct {
    GKeyFile *file;
    const char *name, *path, *group;
} Place;

static gboolean G_GNUC_PRINTF(4, 5)
    refuse(const Place *at, const char *key, GError **error, const char *format, ...)
{
    g_autofree char *why = NULL;
    va_list args;

    va_start(args, format);
    why = g_strdup_vprintf(format, args);
    va_end(args);

    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CONFIG,
        "%s: [%s]%s%s: %s",
        at->path,
        at->group,
        key != NULL ? " " : "",
        key != NULL ? key : "",
        why);
    return FALSE;
}

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
refuse_secret(const Place *at, guint group, const char *key, GError **error)
{
    g_autofree char *command =
        g_strdup_printf("imapsyncctl password %s%s", at->name, group == IN_LOCAL ? " local" : "");

    return refuse(
        at,
        key,
        error,
        _("passwords live in the keyring, never here: remove this key and run '%s'"),
        command);
}

static gboolean
refuse_unknown_key(const Place *at, guint group, const char *key, GError **error)
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
    return refuse(at, shown, error, _("there is no such key; %s"), help);
}

static gboolean
check_keys(const Place *at, guint group, GError **error)
{
    g_auto(GStrv) keys = g_key_file_get_keys(at->file, at->group, NULL, NULL);

    for (gsize i = 0; keys != NULL && keys[i] != NULL; i++) {
        if (find_rule(keys[i], group) == NULL)
            return refuse_unknown_key(at, group, keys[i], error);
    }
    return TRUE;
}

static gboolean
check_group(Place *at, const char *group, guint *out_bit, GError **error)
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
    return refuse(at, NULL, error, _("there is no such group; %s"), help);
}

/* Every group and key of the file, before any value: a misspelt key is the likeliest reason for one
 * that is missing. */
static gboolean
check_all_keys(Place *at, GError **error)
{
    g_auto(GStrv) found = g_key_file_get_groups(at->file, NULL);

    for (gsize i = 0; found[i] != NULL; i++) {
        guint bit;

        if (!check_group(at, found[i], &bit, error) || !check_keys(at, bit, error))
            return FALSE;
    }
    return TRUE;
}

/* @out: (transfer full) (nullable): NULL if the key is not there */
static gboolean
read_text(const Place *at, const char *key, char **out, GError **error)
{
    g_autoptr(GError) broken = NULL;
    g_autofree char *value = NULL;

    if (!g_key_file_has_key(at->file, at->group, key, NULL))
        return TRUE;

    value = g_key_file_get_string(at->file, at->group, key, &broken);
    if (broken != NULL) /* the value may be there all the same */
        return refuse(
            at,
            key,
            error,
            _("the value must be UTF-8, and a backslash in it is written twice (\\\\)"));
    g_strchomp(value);
    if (*value == '\0')
        return refuse(at, key, error, _("the value is empty; remove the key or give it a value"));
    for (const char *c = value; *c != '\0'; c++) {
        if (g_ascii_iscntrl(*c))
            return refuse(at, key, error, _("the value holds a control character"));
    }

    *out = g_steal_pointer(&value);
    return TRUE;
}

static gboolean
find_word(
    const Place *at,
    const char *key,
    const char *const *known,
    const char *word,
    guint *out,
    GError **error)
{
    g_autofree char *help = NULL, *shown = NULL;

    for (guint i = 0; known[i] != NULL; i++) {
        if (g_str_equal(known[i], word)) {
            *out = i;
            return TRUE;
        }
    }
    help = ims_hint(word, known);
    shown = ims_text_escape(word, strlen(word));
    return refuse(at, key, error, _("'%s' is no value for it; %s"), shown, help);
}

/* @inout: what it is if the key is not there */
static gboolean
read_choice(
    const Place *at, const char *key, const char *const *known, guint *inout, GError **error)
{
    g_autofree char *value = NULL;

    if (!read_text(at, key, &value, error))
        return FALSE;
    return value == NULL || find_word(at, key, known, value, inout, error);
}

/* @out: yes if the key is not there */
static gboolean
read_bool(const Place *at, const char *key, gboolean *out, GError **error)
{
    guint choice = 0;

    if (!read_choice(at, key, bool_names, &choice, error))
        return FALSE;

    *out = choice % 2 == 0; /* yes and true */
    return TRUE;
}

/* @out: NULL if the key is not there. Spaces around a pattern do not count. */
static gboolean
read_patterns(const Place *at, const char *key, ImsPatterns **out, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) broken = NULL;
    g_auto(GStrv) words = NULL;

    if (!read_text(at, key, &text, error))
        return FALSE;
    if (text == NULL)
        return TRUE;

    words = g_key_file_get_string_list(at->file, at->group, key, NULL, &broken);
    if (broken != NULL)
        return refuse(at, key, error, "%s", broken->message);
    for (char **word = words; *word != NULL; word++)
        g_strstrip(*word);
    *out = ims_patterns_new(words, &broken);
    return *out != NULL || refuse(at, key, error, "%s", broken->message);
}

static gboolean
read_prefix(const Place *at, ImsSideConfig *side, GError **error)
{
    g_autofree char *text = NULL;

    if (!read_text(at, "prefix", &text, error))
        return FALSE;
    if (text == NULL)
        return TRUE;

    if (g_str_has_suffix(text, "/"))
        text[strlen(text) - 1] = '\0';
    side->folder = ims_mailbox_name_canonical(text);
    return side->folder != NULL ||
           refuse(
               at,
               "prefix",
               error,
               _("is no name of a folder; write it with '/' between levels, for example '%s'"),
               "prefix = Work/");
}

static gboolean
refuse_missing(const Place *at, const char *key, const char *example, GError **error)
{
    return refuse(at, key, error, _("is missing; for example '%s'"), example);
}

static gboolean
read_host(const Place *at, ImsSideConfig *side, GError **error)
{
    if (!read_text(at, "host", &side->host, error))
        return FALSE;
    if (side->host == NULL)
        return refuse_missing(at, "host", EXAMPLE_HOST, error);
    if (strpbrk(side->host, " /@[]") != NULL ||
        (strchr(side->host, ':') != NULL && !g_hostname_is_ip_address(side->host)))
        return refuse(
            at,
            "host",
            error,
            _("must be a name or an address alone, for example '%s'; %s and %s are keys of their "
              "own"),
            EXAMPLE_HOST,
            "port",
            "username");
    return TRUE;
}

static gboolean
read_port(const Place *at, ImsSideConfig *side, GError **error)
{
    g_autofree char *value = NULL;
    guint64 port = ims_side_type_port(side->type);

    if (!read_text(at, "port", &value, error))
        return FALSE;
    if (value != NULL && !g_ascii_string_to_unsigned(value, 10, 1, G_MAXUINT16, &port, NULL))
        return refuse(
            at,
            "port",
            error,
            _("must be a number from 1 to 65535; left out it is %u"),
            ims_side_type_port(side->type));

    side->port = (guint16)port;
    return TRUE;
}

static gboolean
is_loopback(const char *host)
{
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(host);

    return address != NULL ? g_inet_address_get_is_loopback(address)
                           : g_ascii_strcasecmp(host, "localhost") == 0;
}

static gboolean
read_starttls(const Place *at, ImsSideConfig *side, GError **error)
{
    gboolean starttls;

    if (!read_bool(at, "starttls", &starttls, error))
        return FALSE;
    if (!starttls && !is_loopback(side->host))
        return refuse(
            at,
            "starttls",
            error,
            _("only with a host on this computer (localhost, 127.0.0.1 or ::1) may it be '%s', "
              "since the password would go in the clear; remove it"),
            "no");
    for (guint i = 0; !starttls && tls_keys[i] != NULL; i++) {
        if (g_key_file_has_key(at->file, at->group, tls_keys[i], NULL))
            return refuse(
                at,
                tls_keys[i],
                error,
                _("means nothing with '%s'; remove one of them"),
                "starttls = no");
    }
    side->clear = !starttls;
    return TRUE;
}

static gboolean
read_auth(const Place *at, ImsAuthList *out, GError **error)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) words = NULL;

    if (!read_text(at, "auth", &text, error))
        return FALSE;
    words =
        text != NULL ? g_key_file_get_string_list(at->file, at->group, "auth", NULL, NULL) : NULL;
    for (char **word = words; word != NULL && *word != NULL; word++) {
        guint way;

        if (!find_word(at, "auth", ims_auth_names(), g_strstrip(*word), &way, error))
            return FALSE;
        if (out->n == 0 || !ims_auth_list_has(out, (ImsAuth)way))
            out->way[out->n++] = (ImsAuth)way;
    }
    return TRUE;
}

static gboolean
read_compress(const Place *at, ImsSideConfig *side, GError **error)
{
    gboolean compress;

    if (!g_key_file_has_key(at->file, at->group, "compress", NULL))
        return TRUE;
    if (!read_bool(at, "compress", &compress, error))
        return FALSE;

    side->compress = compress ? IMS_COMPRESS_YES : IMS_COMPRESS_NO;
    return TRUE;
}

static gboolean
read_path(const Place *at, const char *key, const char *example, char **out, GError **error)
{
    if (!read_text(at, key, out, error))
        return FALSE;
    if (*out == NULL || g_path_is_absolute(*out) || g_str_has_prefix(*out, "pkcs11:"))
        return TRUE;
    return refuse(at, key, error, _("must be a whole path; for example '%s'"), example);
}

static gboolean
read_pins(const Place *at, char ***out, GError **error)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) words = NULL;
    g_autoptr(GStrvBuilder) pins = g_strv_builder_new();

    if (!read_text(at, "tls-pin", &text, error))
        return FALSE;
    if (text == NULL)
        return TRUE;
    words = g_key_file_get_string_list(at->file, at->group, "tls-pin", NULL, NULL);
    for (char **word = words; word != NULL && *word != NULL; word++) {
        g_autofree char *pin = ims_pin_parse(g_strstrip(*word));

        if (pin == NULL)
            return refuse(
                at,
                "tls-pin",
                error,
                _("'%s' is not the SHA-256 of a key in base64 or hexadecimal; '%s' shows it when "
                  "the certificate is not trusted"),
                *word,
                "imapsyncctl test");
        g_strv_builder_add(pins, pin);
    }
    *out = g_strv_builder_end(pins);
    return TRUE;
}

static gboolean
read_tls(const Place *at, ImsTlsPolicy *tls, GError **error)
{
    static const char *const versions[] = {"1.2", "1.3", NULL}; /* by ImsTlsVersion */
    guint minimum = IMS_TLS_1_2;

    if (!read_path(at, "ca-file", "/etc/ssl/certs/mine.pem", &tls->ca_file, error) ||
        !read_choice(at, "tls-min", versions, &minimum, error) ||
        !read_pins(at, &tls->pins, error) || !read_text(at, "tls-host", &tls->identity, error) ||
        !read_path(at, "client-cert", "/home/me/mine.pem", &tls->certificate, error) ||
        !read_path(at, "client-key", "/home/me/mine.key", &tls->key, error))
        return FALSE;
    tls->minimum = (ImsTlsVersion)minimum;
    if (tls->key != NULL && tls->certificate == NULL)
        return refuse_missing(at, "client-cert", "client-cert = /home/me/mine.pem", error);
    return TRUE;
}

static gboolean
read_network(const Place *at, ImsSideConfig *side, GError **error)
{
    if (!read_host(at, side, error) || !read_port(at, side, error) ||
        !read_text(at, "username", &side->username, error) || !read_tls(at, &side->tls, error))
        return FALSE;
    if (side->username == NULL)
        return refuse_missing(at, "username", "username = me", error);
    return side->type != IMS_TYPE_IMAP || read_starttls(at, side, error);
}

static gboolean
split_words(const Place *at, const char *key, const char *text, char ***out, GError **error)
{
    g_autoptr(GError) broken = NULL;

    if (g_shell_parse_argv(text, NULL, out, &broken))
        return TRUE;
    return refuse(at, key, error, _("cannot be split into words: %s"), broken->message);
}

static gboolean
read_password_command(const Place *at, ImsSideConfig *side, GError **error)
{
    g_autofree char *text = NULL;

    if (!read_text(at, "password-command", &text, error))
        return FALSE;
    return text == NULL || split_words(at, "password-command", text, &side->password_argv, error);
}

static gboolean
read_tunnel(const Place *at, ImsSideConfig *side, GError **error)
{
    if (!read_text(at, "command", &side->command, error) ||
        !read_text(at, "username", &side->username, error))
        return FALSE;
    if (side->command == NULL)
        return refuse_missing(at, "command", "command = ssh -T me@mail.example.net", error);
    return split_words(at, "command", side->command, &side->argv, error);
}

/* A key that is right elsewhere but means nothing with this type. */
static gboolean
check_meaning(const Place *at, ImsSideType type, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
        const KeyRule *rule = &rules[i];

        if (rule->types != 0 && (rule->types & WITH(type)) == 0 &&
            g_key_file_has_key(at->file, at->group, rule->key, NULL))
            return refuse(
                at,
                rule->key,
                error,
                _("means nothing with '%s = %s'; remove it, or set %s to %s"),
                "type",
                type_names[type],
                "type",
                type_names[g_bit_nth_lsf(rule->types, -1)]);
    }
    return TRUE;
}

static gboolean
read_side(Place *at, ImsSide which, ImsSideConfig *side, GError **error)
{
    guint type = which == IMS_LOCAL ? IMS_TYPE_DOVECOT : IMS_TYPE_IMAPS;

    at->group = ims_side_name(which);
    if (!read_choice(at, "type", type_names, &type, error))
        return FALSE;
    side->type = (ImsSideType)type;
    if (side->type == IMS_TYPE_DOVECOT && which == IMS_REMOTE)
        return refuse(
            at,
            "type",
            error,
            _("'%s' is for [%s] only; here it is '%s', '%s' or '%s'"),
            type_names[IMS_TYPE_DOVECOT],
            ims_side_name(IMS_LOCAL),
            type_names[IMS_TYPE_IMAPS],
            type_names[IMS_TYPE_IMAP],
            type_names[IMS_TYPE_TUNNEL]);
    if (!check_meaning(at, side->type, error) || !read_prefix(at, side, error) ||
        !read_compress(at, side, error) || !read_auth(at, &side->auth, error) ||
        !read_password_command(at, side, error))
        return FALSE;

    switch (side->type) {
    case IMS_TYPE_IMAPS:
    case IMS_TYPE_IMAP:
        return read_network(at, side, error);
    case IMS_TYPE_TUNNEL:
        return read_tunnel(at, side, error);
    case IMS_TYPE_DOVECOT:
        break;
    }
    return TRUE;
}

/* Syncing a server with itself would copy everything to where it is; into a folder of its own,
 * without an end. */
static gboolean
check_sides_differ(Place *at, const ImsConfig *config, GError **error)
{
    at->group = "local";
    if (ims_side_config_is_same_server(&config->side[IMS_LOCAL], &config->side[IMS_REMOTE]))
        return refuse(
            at, NULL, error, _("is the same server and user as [%s]"), ims_side_name(IMS_REMOTE));
    return TRUE;
}

static void
side_clear(ImsSideConfig *self)
{
    g_free(self->host);
    g_free(self->username);
    ims_tls_policy_clear(&self->tls);
    g_free(self->command);
    g_free(self->folder);
    g_strfreev(self->argv);
    g_strfreev(self->password_argv);
}

void
ims_config_free(ImsConfig *self)
{
    if (self == NULL)
        return;
    for (guint side = 0; side < IMS_N_SIDES; side++)
        side_clear(&self->side[side]);
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
    Place at = {.file = file, .name = name, .path = path};

    if (!check_all_keys(&at, error))
        return NULL;

    self->name = g_strdup(name);
    at.group = "account";
    if (!read_bool(&at, "enabled", &self->enabled, error) ||
        !read_patterns(&at, "mailboxes", &self->mailboxes, error) ||
        !read_patterns(&at, "ignore", &self->ignore, error) ||
        !read_side(&at, IMS_REMOTE, &self->side[IMS_REMOTE], error) ||
        !read_side(&at, IMS_LOCAL, &self->side[IMS_LOCAL], error) ||
        !check_sides_differ(&at, self, error))
        return NULL;

    return g_steal_pointer(&self);
}

static gboolean
check_setting(Place *at, const char *full, GError **error)
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

static void
copy_settings(GHashTable *settings, GKeyFile *file)
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

GKeyFile *
ims_config_from_settings(GHashTable *settings, const char *name, const char *path, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(ImsConfig) config = NULL;
    Place at = {.file = file, .name = name, .path = path};
    GHashTableIter iter;
    gpointer full;

    g_hash_table_iter_init(&iter, settings);
    while (g_hash_table_iter_next(&iter, &full, NULL)) {
        if (!check_setting(&at, full, error))
            return NULL;
    }
    copy_settings(settings, file);
    config = ims_config_parse(file, name, path, error);
    if (config == NULL)
        return NULL;

    return g_steal_pointer(&file);
}
