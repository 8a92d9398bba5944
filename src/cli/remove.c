/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The command remove. The service removes; what is done here is to say before what will go and what
 * will stay, and to have it confirmed. */

#include <glib/gi18n.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/account-file.h"
#include "cli/bus.h"
#include "cli/command.h"
#include "cli/fault.h"
#include "util/error.h"
#include "util/names.h"

/* The answer is held until the running job has been cancelled and all is removed. */
#define REMOVE_US (10 * 60 * G_USEC_PER_SEC)

/* Returns: (transfer full) (nullable): where the private store of @account is, if it has one. If
 * the account's file cannot be read, what is there is taken for it. */
static char *
find_store(const char *account)
{
    g_autofree char *path = g_build_filename(g_get_user_data_dir(), IMS_DIRECTORY, account, NULL);
    g_autoptr(GKeyFile) file = ims_account_file_load(account, NULL);
    g_autofree char *type = file != NULL ? ims_account_file_get(file, "local", "type") : NULL;

    if (!ims_account_file_is_name(account) || !g_file_test(path, G_FILE_TEST_IS_DIR))
        return NULL;
    if (type != NULL && !g_str_equal(type, "dovecot"))
        return NULL;

    return g_steal_pointer(&path);
}

static void
tell_before(const char *account, const char *store, gboolean delete_store)
{
    g_autofree char *file = ims_account_file_path(account);

    g_printerr(
        _("This removes the account %s:\n"
          "  its settings, %s\n"
          "  its passwords in the keyring\n"
          "  the memory of what both sides agreed on last\n"),
        account,
        file);
    if (store == NULL && delete_store)
        g_printerr(_("No private local store is to be found that could be deleted.\n"));
    else if (store == NULL)
        g_printerr(_("No mail is deleted, on either side.\n"));
    else if (delete_store)
        g_printerr(
            _("  ITS LOCAL MAIL, all that is in %s\n"
              "What of that mail was not synced yet is then lost. The mail on the remote side "
              "stays.\n"),
            store);
    else
        g_printerr(
            _("No mail is deleted. The local mail stays in %s, the other on the remote side.\n"),
            store);
}

/* In the words of the user's language, as far as the C library knows them. */
static gboolean
confirmed(void)
{
    char answer[64];

    g_printerr(_("Remove it? [y/N] "));

    return fgets(answer, sizeof answer, stdin) != NULL && rpmatch(answer) == 1;
}

static void
tell_after(const char *account, const char *store)
{
    g_print(_("The account %s was removed.\n"), account);
    if (store == NULL)
        g_print(_("No mail was deleted, on either side.\n"));
    else if (g_file_test(store, G_FILE_TEST_EXISTS))
        g_print(
            _("No mail was deleted. The local mail is kept in %s, the other on the remote side.\n"),
            store);
    else
        g_print(_("Its local mail was deleted. The mail on the remote side stays.\n"));
}

static gboolean
remove_account(sd_bus *bus, const char *account, gboolean delete_store, GError **error)
{
    g_autoptr(GVariant) reply = NULL;
    GVariantBuilder options;

    g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
    if (delete_store)
        g_variant_builder_add(&options, "{sv}", "delete-store", g_variant_new_boolean(TRUE));

    sd_bus_set_method_call_timeout(bus, REMOVE_US);
    reply = ims_bus_call(
        bus,
        IMS_ROOT_PATH,
        IMS_MANAGER_INTERFACE ".RemoveAccount",
        g_variant_new("(sa{sv})", account, &options),
        "()",
        error);

    return reply != NULL;
}

static ImsExit
refuse_to_guess(void)
{
    g_autoptr(GError) error = g_error_new_literal(
        IMS_ERROR,
        IMS_ERROR_CONFIG,
        _("there is no terminal to ask at whether the account shall be removed: say --yes if it "
          "shall"));

    return ims_fault_usage("remove", error);
}

ImsExit
ims_command_remove(const ImsArgs *args)
{
    const char *name = ims_args_word(args, 0);
    gboolean delete_store = ims_args_has(args, "delete-store");
    g_autofree char *store = find_store(name);
    g_autoptr(GError) error = NULL;
    g_autoptr(sd_bus) bus = NULL;
    g_autofree char *path = NULL;

    if (!ims_args_has(args, "yes") && !isatty(STDIN_FILENO))
        return refuse_to_guess();

    bus = ims_bus_open(&error);
    if (bus != NULL)
        path = ims_bus_account_path(bus, name, &error);
    if (path == NULL)
        return ims_fault_report(bus, name, error);

    if (!ims_args_has(args, "yes")) {
        tell_before(name, store, delete_store);
        if (!confirmed()) {
            g_printerr(_("Nothing was removed.\n"));
            return IMS_EXIT_CANCELLED;
        }
    }
    if (!remove_account(bus, name, delete_store, &error))
        return ims_fault_report(bus, name, error);
    tell_after(name, store);

    return IMS_EXIT_DONE;
}
