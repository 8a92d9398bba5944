/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What the group of a side says: how it is reached, and who logs in how. */

#include "account/config-private.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <string.h>

#include "account/identity.h"
#include "model/mailbox-name.h"

#define CONNECTIONS     2
#define CONNECTIONS_MAX 10

#define EXAMPLE_HOST "host = imap.example.net"

const char *const ims_side_type_names[] = {"imaps", "imap", "tunnel", "dovecot", NULL};

/* What means nothing on a line that stays in the clear, and so on this computer. */
static const char *const network_keys[] = {
    "ca-file", "tls-min", "tls-pin", "tls-host", "client-cert", "client-key", "proxy", NULL};

static gboolean
read_prefix(const ImsPlace *at, ImsSideConfig *side, GError **error)
{
    g_autofree char *text = NULL;

    if (!ims_place_text(at, "prefix", &text, error))
        return FALSE;
    if (text == NULL)
        return TRUE;

    if (g_str_has_suffix(text, "/"))
        text[strlen(text) - 1] = '\0';
    side->folder = ims_mailbox_name_canonical(text);
    return side->folder != NULL ||
           ims_place_refuse(
               at,
               "prefix",
               error,
               _("is no name of a folder; write it with '/' between levels, for example '%s'"),
               "prefix = Work/");
}

static gboolean
read_host(const ImsPlace *at, ImsSideConfig *side, GError **error)
{
    if (!ims_place_text(at, "host", &side->host, error))
        return FALSE;
    if (side->host == NULL)
        return ims_place_refuse_missing(at, "host", EXAMPLE_HOST, error);
    if (strpbrk(side->host, " /@[]") != NULL ||
        (strchr(side->host, ':') != NULL && !g_hostname_is_ip_address(side->host)))
        return ims_place_refuse(
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
read_port(const ImsPlace *at, ImsSideConfig *side, GError **error)
{
    g_autofree char *value = NULL;
    guint64 port = ims_side_type_port(side->type);

    if (!ims_place_text(at, "port", &value, error))
        return FALSE;
    if (value != NULL && !g_ascii_string_to_unsigned(value, 10, 1, G_MAXUINT16, &port, NULL))
        return ims_place_refuse(
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
read_starttls(const ImsPlace *at, ImsSideConfig *side, GError **error)
{
    gboolean starttls;

    if (!ims_place_bool(at, "starttls", &starttls, error))
        return FALSE;
    if (!starttls && !is_loopback(side->host))
        return ims_place_refuse(
            at,
            "starttls",
            error,
            _("only with a host on this computer (localhost, 127.0.0.1 or ::1) may it be '%s', "
              "since the password would go in the clear; remove it"),
            "no");
    for (guint i = 0; !starttls && network_keys[i] != NULL; i++) {
        if (g_key_file_has_key(at->file, at->group, network_keys[i], NULL))
            return ims_place_refuse(
                at,
                network_keys[i],
                error,
                _("means nothing with '%s'; remove one of them"),
                "starttls = no");
    }
    side->clear = !starttls;
    return TRUE;
}

/* What is in the keyring, or what a command prints, is either a password or a token. */
static gboolean
check_one_secret(const ImsPlace *at, const ImsAuthList *list, GError **error)
{
    for (guint i = 0; i < list->n; i++) {
        if (ims_auth_is_by_token(list->way[i]) != ims_auth_list_by_token(list))
            return ims_place_refuse(
                at,
                "auth",
                error,
                _("names ways by a token (%s, %s) beside others; leave only those, or only the "
                  "others"),
                ims_auth_names()[IMS_AUTH_OAUTHBEARER],
                ims_auth_names()[IMS_AUTH_XOAUTH2]);
    }
    return TRUE;
}

static gboolean
read_auth(const ImsPlace *at, ImsAuthList *out, GError **error)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) words = NULL;

    if (!ims_place_text(at, "auth", &text, error))
        return FALSE;
    words =
        text != NULL ? g_key_file_get_string_list(at->file, at->group, "auth", NULL, NULL) : NULL;
    for (char **word = words; word != NULL && *word != NULL; word++) {
        guint way;

        if (!ims_place_word(at, "auth", ims_auth_names(), g_strstrip(*word), &way, error))
            return FALSE;
        if (out->n == 0 || !ims_auth_list_has(out, (ImsAuth)way))
            out->way[out->n++] = (ImsAuth)way;
    }
    return check_one_secret(at, out, error);
}

static gboolean
read_compress(const ImsPlace *at, ImsSideConfig *side, GError **error)
{
    gboolean compress;

    if (!g_key_file_has_key(at->file, at->group, "compress", NULL))
        return TRUE;
    if (!ims_place_bool(at, "compress", &compress, error))
        return FALSE;

    side->compress = compress ? IMS_COMPRESS_YES : IMS_COMPRESS_NO;
    return TRUE;
}

static gboolean
read_connections(const ImsPlace *at, ImsSideConfig *side, GError **error)
{
    g_autofree char *value = NULL;
    guint64 connections = CONNECTIONS;

    if (!ims_place_text(at, "connections", &value, error))
        return FALSE;
    if (value != NULL &&
        !g_ascii_string_to_unsigned(value, 10, 1, CONNECTIONS_MAX, &connections, NULL))
        return ims_place_refuse(
            at,
            "connections",
            error,
            _("must be a number from 1 to %u; left out it is %u"),
            CONNECTIONS_MAX,
            CONNECTIONS);

    side->connections = (guint)connections;
    return TRUE;
}

static gboolean
read_tls(const ImsPlace *at, ImsTlsPolicy *tls, GError **error)
{
    static const char *const versions[] = {"1.2", "1.3", NULL}; /* by ImsTlsVersion */
    guint minimum = IMS_TLS_1_2;

    if (!ims_place_path(at, "ca-file", "/etc/ssl/certs/mine.pem", &tls->ca_file, error) ||
        !ims_place_choice(at, "tls-min", versions, &minimum, error) ||
        !ims_place_pins(at, &tls->pins, error) ||
        !ims_place_text(at, "tls-host", &tls->identity, error) ||
        !ims_place_path(at, "client-cert", "/home/me/mine.pem", &tls->certificate, error) ||
        !ims_place_path(at, "client-key", "/home/me/mine.key", &tls->key, error))
        return FALSE;
    tls->minimum = (ImsTlsVersion)minimum;
    if (tls->key != NULL && tls->certificate == NULL)
        return ims_place_refuse_missing(
            at, "client-cert", "client-cert = /home/me/mine.pem", error);
    return TRUE;
}

static gboolean
refuse_proxy_password(const ImsPlace *at, GError **error)
{
    g_autofree char *command = g_strdup_printf(
        "imapsyncctl password %s%s --proxy",
        at->name,
        g_str_equal(at->group, ims_side_name(IMS_LOCAL)) ? " local" : "");

    return ims_place_refuse(
        at,
        "proxy",
        error,
        _("passwords live in the keyring, never here: leave the user name alone before the '@', "
          "and run '%s'"),
        command);
}

/* The value is not repeated: a password may stand in it. */
static gboolean
read_proxy(const ImsPlace *at, ImsProxy *proxy, GError **error)
{
    g_autofree char *text = NULL;
    gboolean has_password;

    if (!ims_place_text(at, "proxy", &text, error))
        return FALSE;
    if (text == NULL || ims_proxy_parse(proxy, text, &has_password))
        return TRUE;
    if (has_password)
        return refuse_proxy_password(at, error);
    return ims_place_refuse(
        at,
        "proxy",
        error,
        _("must be '%s', '%s' or '%s'; left out, what the desktop has set up holds"),
        "none",
        "socks5://proxy.example.net:1080",
        "socks5://me@proxy.example.net:1080");
}

static gboolean
read_network(const ImsPlace *at, ImsSideConfig *side, GError **error)
{
    if (!read_host(at, side, error) || !read_port(at, side, error) ||
        !ims_place_text(at, "username", &side->username, error) ||
        !read_proxy(at, &side->proxy, error) || !read_tls(at, &side->tls, error))
        return FALSE;
    if (side->username == NULL)
        return ims_place_refuse_missing(at, "username", "username = me", error);
    return side->type != IMS_TYPE_IMAP || read_starttls(at, side, error);
}

static gboolean
refuse_command(const ImsPlace *at, gboolean by_token, GError **error)
{
    if (by_token)
        return ims_place_refuse(
            at,
            "password-command",
            error,
            _("gives a password, but this side logs in by a token: remove it, or write '%s'"),
            "token-command");
    return ims_place_refuse(
        at,
        "token-command",
        error,
        _("gives a token, but '%s' names ways by a password: remove one of them, or write '%s'"),
        "auth",
        "auth = oauthbearer;xoauth2");
}

/* A command for a token says by itself how to log in. */
static gboolean
read_password_command(const ImsPlace *at, ImsSideConfig *side, GError **error)
{
    static const ImsAuthList by_tokens = {{IMS_AUTH_OAUTHBEARER, IMS_AUTH_XOAUTH2}, 2};
    g_autofree char *text = NULL;
    gboolean by_token;

    if (side->auth.n == 0 && g_key_file_has_key(at->file, at->group, "token-command", NULL))
        side->auth = by_tokens;
    by_token = ims_auth_list_by_token(&side->auth);
    if (g_key_file_has_key(
            at->file, at->group, by_token ? "password-command" : "token-command", NULL))
        return refuse_command(at, by_token, error);
    if (!ims_place_text(at, ims_side_config_command_key(side), &text, error))
        return FALSE;
    return text == NULL ||
           ims_place_argv(at, ims_side_config_command_key(side), text, &side->password_argv, error);
}

const char *
ims_side_config_command_key(const ImsSideConfig *self)
{
    return ims_auth_list_by_token(&self->auth) ? "token-command" : "password-command";
}

static gboolean
read_tunnel(const ImsPlace *at, ImsSideConfig *side, GError **error)
{
    if (!ims_place_text(at, "command", &side->command, error) ||
        !ims_place_text(at, "username", &side->username, error))
        return FALSE;
    if (side->command == NULL)
        return ims_place_refuse_missing(
            at, "command", "command = ssh -T me@mail.example.net", error);
    return ims_place_argv(at, "command", side->command, &side->argv, error);
}

gboolean
ims_config_read_side(ImsPlace *at, ImsSide which, ImsSideConfig *side, GError **error)
{
    guint type = which == IMS_LOCAL ? IMS_TYPE_DOVECOT : IMS_TYPE_IMAPS;

    at->group = ims_side_name(which);
    if (!ims_place_choice(at, "type", ims_side_type_names, &type, error))
        return FALSE;
    side->type = (ImsSideType)type;
    if (side->type == IMS_TYPE_DOVECOT && which == IMS_REMOTE)
        return ims_place_refuse(
            at,
            "type",
            error,
            _("'%s' is for [%s] only; here it is '%s', '%s' or '%s'"),
            ims_side_type_names[IMS_TYPE_DOVECOT],
            ims_side_name(IMS_LOCAL),
            ims_side_type_names[IMS_TYPE_IMAPS],
            ims_side_type_names[IMS_TYPE_IMAP],
            ims_side_type_names[IMS_TYPE_TUNNEL]);
    if (!ims_keys_check_meaning(at, side->type, error) || !read_prefix(at, side, error) ||
        !read_compress(at, side, error) || !read_connections(at, side, error) ||
        !read_auth(at, &side->auth, error) || !read_password_command(at, side, error))
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

void
ims_config_clear_side(ImsSideConfig *self)
{
    g_free(self->host);
    g_free(self->username);
    ims_proxy_clear(&self->proxy);
    ims_tls_policy_clear(&self->tls);
    g_free(self->command);
    g_free(self->folder);
    g_strfreev(self->argv);
    g_strfreev(self->password_argv);
}
