/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Commands on accounts themselves: add, list, test. A password goes from here into the keyring and
 * never over the service's interface. */

#include <glib/gi18n.h>
#include <string.h>

#include "cli/account-file.h"
#include "cli/address.h"
#include "cli/bus.h"
#include "cli/command.h"
#include "cli/fault.h"
#include "cli/find.h"
#include "cli/keep.h"
#include "cli/watch.h"
#include "util/error.h"
#include "util/names.h"

static const char *const sides[] = {N_("remote"), N_("local")};

static const char *
setting(GHashTable *settings, const char *side, const char *key)
{
    g_autofree char *name = g_strconcat(side, ".", key, NULL);

    return g_hash_table_lookup(settings, name);
}

static void
put(GHashTable *settings, const char *key, const char *value)
{
    g_hash_table_insert(settings, g_strdup(key), g_strdup(value));
}

static void
put_server(GHashTable *settings, const char *type, const char *host, guint16 port)
{
    char digits[sizeof "65535"];

    put(settings, "remote.type", type);
    put(settings, "remote.host", host);
    if (port != 0) {
        g_snprintf(digits, sizeof digits, "%u", port);
        put(settings, "remote.port", digits);
    }
}

/* @out_domain: (out) (transfer full): of a mail address, whose server is to be looked up */
static gboolean
put_address(GHashTable *settings, const char *text, char **out_domain, GError **error)
{
    g_autoptr(ImsAddress) address = ims_address_parse(text, error);

    if (address == NULL)
        return FALSE;

    put(settings, "remote.username", address->username);
    if (address->type != NULL)
        put_server(settings, address->type, address->host, address->port);
    else
        *out_domain = g_strdup(address->host);

    return TRUE;
}

static gboolean
put_assignment(GHashTable *settings, const char *text, GError **error)
{
    const char *equals = strchr(text, '=');
    g_autofree char *key = g_strndup(text, strcspn(text, "="));

    if (equals == NULL || strchr(key, '.') == NULL) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("--set %s: a setting looks like remote.ca-file=/etc/ssl/my-ca.pem"),
            key);
        return FALSE;
    }
    if (g_str_has_suffix(key, ".password")) {
        g_set_error_literal(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("a password is no setting: it is asked for, or read from standard input"));
        return FALSE;
    }
    if (!g_utf8_validate(text, -1, NULL)) {
        g_set_error(error, IMS_ERROR, IMS_ERROR_CONFIG, _("--set %s: not valid UTF-8"), key);
        return FALSE;
    }
    put(settings, key, equals + 1);

    return TRUE;
}

/* What is set explicitly wins over what the address says. @out_domain: (out) (transfer full): where
 * the server is to be looked up; stays NULL if it is known. */
static GHashTable *
collect_settings(const ImsArgs *args, char **out_domain, GError **error)
{
    g_autofree char *domain = NULL;
    g_autoptr(GHashTable) settings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    const GPtrArray *assignments = ims_args_values(args, "set");

    if (ims_args_word(args, 1) != NULL &&
        !put_address(settings, ims_args_word(args, 1), &domain, error))
        return NULL;
    for (guint i = 0; assignments != NULL && i < assignments->len; i++) {
        if (!put_assignment(settings, g_ptr_array_index(assignments, i), error))
            return NULL;
    }
    if (setting(settings, "remote", "host") != NULL ||
        setting(settings, "remote", "command") != NULL)
        return g_steal_pointer(&settings);
    if (domain == NULL) {
        g_set_error_literal(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("the remote server is missing: give an address such as imaps://user@host"));
        return NULL;
    }
    *out_domain = g_steal_pointer(&domain);

    return g_steal_pointer(&settings);
}

/* FALSE if this side wants no password: an embedded store, a tunnel that is logged in already, a
 * server that knows us by a certificate, or one whose password or token a command gives. */
static gboolean
key_of_settings(
    GHashTable *settings, const char *account, const char *side, ImsPasswordKey *out_key)
{
    const char *host = setting(settings, side, "host");
    const char *username = setting(settings, side, "username");

    if (username == NULL || setting(settings, side, "password-command") != NULL ||
        setting(settings, side, "token-command") != NULL ||
        g_strcmp0(setting(settings, side, "auth"), "external") == 0)
        return FALSE;
    *out_key = (ImsPasswordKey){account, side, host != NULL ? host : "", username};

    return TRUE;
}

static gboolean
check_name(const char *name, GError **error)
{
    if (ims_account_file_is_name(name))
        return TRUE;

    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CONFIG,
        _("“%s” is no name for an account: use 1 to 64 of A-Z a-z 0-9 . _ @ -, with a letter or "
          "digit in front"),
        name);
    return FALSE;
}

static gboolean
check_is_new(sd_bus *bus, const char *name, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autofree char *path = ims_bus_account_path(bus, name, &failure);

    if (path != NULL) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("there is an account “%s” already; choose another name"),
            name);
        return FALSE;
    }
    if (g_error_matches(failure, IMS_ERROR, IMS_ERROR_NO_SUCH_ACCOUNT))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&failure));

    return FALSE;
}

static char *
add_account(sd_bus *bus, const char *name, GHashTable *settings, GError **error)
{
    GVariantBuilder builder;
    GHashTableIter iter;
    gpointer key, value;
    char *path = NULL;
    g_autoptr(GVariant) reply = NULL;

    g_variant_builder_init(&builder, G_VARIANT_TYPE("a{ss}"));
    g_hash_table_iter_init(&iter, settings);
    while (g_hash_table_iter_next(&iter, &key, &value))
        g_variant_builder_add(&builder, "{ss}", key, value);

    reply = ims_bus_call(
        bus,
        IMS_ROOT_PATH,
        IMS_MANAGER_INTERFACE ".AddAccount",
        g_variant_new("(sa{ss})", name, &builder),
        "(o)",
        error);
    if (reply == NULL)
        return NULL;
    g_variant_get(reply, "(o)", &path);

    return path;
}

#define MAX_KEYS (2 * G_N_ELEMENTS(sides)) /* of the login and of the proxy */

/* Fills in @keys with what each side needs. Returns: how many. */
static guint
collect_keys(GHashTable *settings, const char *name, ImsPasswordKey keys[MAX_KEYS])
{
    guint n = 0;

    for (guint i = 0; i < G_N_ELEMENTS(sides); i++) {
        n += key_of_settings(settings, name, sides[i], &keys[n]);
        n += ims_keep_key_of_proxy(setting(settings, sides[i], "proxy"), name, sides[i], &keys[n]);
    }

    return n;
}

/* Asks for and stores what each side needs; @out_n says for how many of @keys it was done, also on
 * failure. */
static gboolean
store_passwords(
    GHashTable *settings, const char *name, ImsPasswordKey *keys, guint *out_n, GError **error)
{
    guint n = collect_keys(settings, name, keys);

    for (*out_n = 0; *out_n < n; ++*out_n) {
        if (!ims_keep_password(&keys[*out_n], error))
            return FALSE;
    }

    return TRUE;
}

/* The passwords come first, so that the account has them from its first moment; they are taken away
 * again if there will be no account. */
static char *
add_with_passwords(sd_bus *bus, const char *name, GHashTable *settings, GError **error)
{
    ImsPasswordKey keys[MAX_KEYS];
    guint n = 0;
    char *path = NULL;

    if (store_passwords(settings, name, keys, &n, error))
        path = add_account(bus, name, settings, error);
    for (guint i = 0; i < n && path == NULL; i++)
        ims_password_forget(&keys[i]);

    return path;
}

/* Sets @error only if it cannot be asked for, or followed. */
static ImsExit
test_account(sd_bus *bus, const char *path, ImsWatchKind kind, GError **error)
{
    g_autoptr(ImsWatch) watch = ims_watch_new(bus, kind, error);
    g_autoptr(GVariant) reply = NULL;
    g_autoptr(GVariant) job = NULL;
    g_autoptr(GVariant) jobs = NULL;

    if (watch != NULL)
        reply = ims_bus_call(
            bus,
            path,
            IMS_ACCOUNT_INTERFACE ".Test",
            g_variant_new("(@a{sv})", ims_bus_no_options()),
            "(o)",
            error);
    if (reply == NULL)
        return IMS_EXIT_FAILED;

    job = g_variant_get_child_value(reply, 0);
    jobs = g_variant_ref_sink(g_variant_new_array(G_VARIANT_TYPE_OBJECT_PATH, &job, 1));

    return ims_watch_run(watch, jobs);
}

/* @domain: (nullable): NULL: the server is known. Settings of the kind of server or of its port go
 * with a host, so that what was set of them is written over. */
static gboolean
find_server(GHashTable *settings, const char *name, const char *domain, GError **error)
{
    g_autoptr(ImsDiscovery) found = NULL;

    if (domain == NULL)
        return TRUE;
    found = ims_find_server(name, setting(settings, "remote", "username"), domain, error);
    if (found == NULL)
        return FALSE;
    put_server(settings, found->type, found->host, found->port);

    return TRUE;
}

ImsExit
ims_command_add(const ImsArgs *args)
{
    const char *name = ims_args_word(args, 0);
    g_autoptr(GError) error = NULL;
    g_autofree char *domain = NULL;
    g_autoptr(GHashTable) settings = collect_settings(args, &domain, &error);
    g_autoptr(sd_bus) bus = NULL;
    g_autofree char *path = NULL;
    ImsExit status;

    if (settings == NULL || !check_name(name, &error))
        return ims_fault_usage("add", error);

    bus = ims_bus_open(&error);
    if (bus == NULL || !check_is_new(bus, name, &error) ||
        !find_server(settings, name, domain, &error))
        return ims_fault_report(NULL, NULL, error);
    path = add_with_passwords(bus, name, settings, &error);
    if (path == NULL)
        return ims_fault_report(NULL, NULL, error);

    g_print(_("The account %s was added. Trying to log in…\n"), name);
    status = test_account(bus, path, IMS_WATCH_TEST, &error);
    if (error != NULL)
        status = ims_fault_report(NULL, name, error);
    if (status != IMS_EXIT_DONE) {
        g_autofree char *file = ims_account_file_path(name);

        g_printerr(
            _("The account stays; its settings are in %s.\n"
              "When this is put right: \"imapsyncctl test %s\"\n"),
            file,
            name);
        return status == IMS_EXIT_CANCELLED ? status : IMS_EXIT_FAILED;
    }
    g_print(_("Next: \"imapsyncctl sync %s\"\n"), name);

    return IMS_EXIT_DONE;
}

ImsExit
ims_command_test(const ImsArgs *args)
{
    const char *name = ims_args_word(args, 0);
    g_autoptr(GError) error = NULL;
    g_autoptr(sd_bus) bus = ims_bus_open(&error);
    g_autofree char *path = bus != NULL ? ims_bus_account_path(bus, name, &error) : NULL;
    ImsWatchKind kind = ims_args_has(args, "json") ? IMS_WATCH_FACTS_JSON : IMS_WATCH_FACTS;
    ImsExit status = IMS_EXIT_FAILED;

    if (path != NULL)
        status = test_account(bus, path, kind, &error);
    if (error != NULL)
        return ims_fault_report(bus, name, error);

    return status;
}

ImsExit
ims_command_list(const ImsArgs *args)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) accounts = NULL;
    g_autoptr(sd_bus) bus = ims_bus_open(&error);

    if (bus != NULL)
        accounts = ims_bus_status(bus, &error);
    if (accounts == NULL)
        return ims_fault_report(NULL, NULL, error);

    for (gsize i = 0; i < g_variant_n_children(accounts); i++) {
        g_autoptr(GVariant) account = g_variant_get_child_value(accounts, i);
        const char *name;

        if (g_variant_lookup(account, "name", "&s", &name))
            g_print("%s\n", name);
    }
    if (g_variant_n_children(accounts) == 0)
        ims_fault_no_accounts();

    return IMS_EXIT_DONE;
}
