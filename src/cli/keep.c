/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The command password, and whose password it is that is asked for. */

#include "cli/keep.h"

#include <glib/gi18n.h>
#include <string.h>

#include "cli/account-file.h"
#include "cli/bus.h"
#include "cli/command.h"
#include "cli/fault.h"
#include "util/error.h"
#include "util/proxy.h"

gboolean
ims_keep_key_of_proxy(
    const char *text, const char *account, const char *side, ImsPasswordKey *out_key)
{
    g_auto(ImsProxy) proxy = {0};
    g_autofree char *name = NULL;
    gboolean has_password;

    if (text == NULL || !ims_proxy_parse(&proxy, text, &has_password) || proxy.username == NULL)
        return FALSE;
    name = ims_proxy_name(&proxy);
    *out_key =
        (ImsPasswordKey){account, side, g_intern_string(name), g_intern_string(proxy.username)};

    return TRUE;
}

static ImsPassword *
ask(const ImsPasswordKey *key, GError **error)
{
    g_autofree char *prompt =
        *key->host == '\0'
            ? g_strdup_printf(_("Password of %s (%s side): "), key->username, _(key->side))
            : g_strdup_printf(_("Password of %s at %s: "), key->username, key->host);

    return ims_password_read(prompt, error);
}

gboolean
ims_keep_password(const ImsPasswordKey *key, GError **error)
{
    g_autoptr(ImsPassword) password = ask(key, error);

    return password != NULL && ims_password_store(key, password, error);
}

static ImsExit
refuse_side(const char *side)
{
    g_autoptr(GError) error =
        g_error_new(IMS_ERROR, IMS_ERROR_CONFIG, _("“%s” is no side: it is remote or local"), side);

    return ims_fault_usage("password", error);
}

static ImsExit
report_missing_file(const char *name, const GError *error)
{
    g_autoptr(sd_bus) bus = ims_bus_open(NULL);

    return ims_fault_report(bus, name, error);
}

static gboolean
key_of_file(
    GKeyFile *file,
    const char *account,
    const char *side,
    gboolean of_proxy,
    ImsPasswordKey *out_key)
{
    g_autofree char *host = ims_account_file_get(file, side, "host");
    g_autofree char *username = ims_account_file_get(file, side, "username");
    g_autofree char *proxy = ims_account_file_get(file, side, "proxy");

    if (of_proxy)
        return ims_keep_key_of_proxy(proxy, account, side, out_key);
    if (username == NULL)
        return FALSE;
    *out_key = (ImsPasswordKey){
        account, side, g_intern_string(host != NULL ? host : ""), g_intern_string(username)};

    return TRUE;
}

/* What the keyring holds would never be looked at. */
static gboolean
check_no_command(GKeyFile *file, const char *account, const char *side)
{
    static const char *const keys[] = {"password-command", "token-command"};

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *command = ims_account_file_get(file, side, keys[i]);

        if (command == NULL)
            continue;
        g_printerr(
            _("imapsyncctl: what logs in to the %s side of %s comes from the key %s in its file, "
              "and not from the keyring; remove that key first\n"),
            _(side),
            account,
            keys[i]);
        return FALSE;
    }
    return TRUE;
}

ImsExit
ims_command_password(const ImsArgs *args)
{
    const char *name = ims_args_word(args, 0);
    const char *side = ims_args_word(args, 1) != NULL ? ims_args_word(args, 1) : "remote";
    gboolean of_proxy = ims_args_has(args, "proxy");
    g_autoptr(GError) error = NULL;
    g_autoptr(GKeyFile) file = NULL;
    ImsPasswordKey key;

    if (!g_strv_contains((const char *const[]){"remote", "local", NULL}, side))
        return refuse_side(side);
    file = ims_account_file_load(name, &error);
    if (file == NULL)
        return report_missing_file(name, error);

    if (!key_of_file(file, name, side, of_proxy, &key)) {
        g_printerr(
            of_proxy
                ? _("imapsyncctl: nobody logs in to a proxy on the %s side of %s; write its "
                    "user name into the account's file: proxy = socks5://USER@HOST:PORT\n")
                : _("imapsyncctl: nobody logs in to the %s side of %s, so it has no password\n"),
            _(side),
            name);
        return IMS_EXIT_FAILED;
    }
    if (!of_proxy && !check_no_command(file, name, side))
        return IMS_EXIT_FAILED;
    if (!ims_keep_password(&key, &error))
        return ims_fault_report(NULL, NULL, error);

    g_print(
        _("Stored in the keyring, for %s. If the account was waiting for it, it goes on by "
          "itself.\n"),
        name);

    return IMS_EXIT_DONE;
}
