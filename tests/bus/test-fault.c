/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors
 *
 * Errors on their way to the bus: names, messages, and that the interface explains each of them. */
#include "bus/fault.h"

#include <string.h>

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(sd_bus_error, sd_bus_error_free)

typedef struct {
    ImsError code;
    const char *name;
} NameCase;

static const NameCase name_cases[] = {
    {IMS_ERROR_CANCELLED, "org.imapsync1.Error.Cancelled"},
    {IMS_ERROR_OFFLINE, "org.imapsync1.Error.Offline"},
    {IMS_ERROR_AUTH_FAILED, "org.imapsync1.Error.AuthFailed"},
    {IMS_ERROR_CREDENTIALS_MISSING, "org.imapsync1.Error.CredentialsMissing"},
    {IMS_ERROR_KEYRING_LOCKED, "org.imapsync1.Error.KeyringLocked"},
    {IMS_ERROR_CERTIFICATE_REJECTED, "org.imapsync1.Error.CertificateRejected"},
    {IMS_ERROR_SERVER_UNSUPPORTED, "org.imapsync1.Error.ServerUnsupported"},
    {IMS_ERROR_SERVER_REJECTED, "org.imapsync1.Error.ServerRejected"},
    {IMS_ERROR_PROTOCOL, "org.imapsync1.Error.Protocol"},
    {IMS_ERROR_STATE, "org.imapsync1.Error.State"},
    {IMS_ERROR_CONFIG, "org.imapsync1.Error.Config"},
    {IMS_ERROR_NO_SUCH_ACCOUNT, "org.imapsync1.Error.NoSuchAccount"},
    {IMS_ERROR_NO_SUCH_MAILBOX, "org.imapsync1.Error.NoSuchMailbox"},
    {IMS_ERROR_NO_SUCH_ISSUE, "org.imapsync1.Error.NoSuchIssue"},
    {IMS_ERROR_NOT_RUNNING, "org.imapsync1.Error.NotRunning"},
    {IMS_ERROR_BUSY, "org.imapsync1.Error.Busy"},
};

static void
test_each_code_has_its_name(void)
{
    g_assert_cmpuint(G_N_ELEMENTS(name_cases), ==, IMS_N_ERRORS);

    for (gsize i = 0; i < G_N_ELEMENTS(name_cases); i++) {
        g_autoptr(GError) error = g_error_new(IMS_ERROR, name_cases[i].code, "do this");
        g_auto(sd_bus_error) got = SD_BUS_ERROR_NULL;

        g_assert_cmpint(ims_fault_set(&got, error), <, 0);
        g_assert_cmpstr(got.name, ==, name_cases[i].name);
        g_assert_cmpstr(got.message, ==, "do this");
        g_assert_cmpstr(ims_fault_name(error), ==, name_cases[i].name);
    }
}

static void
test_each_name_is_explained(void)
{
    g_autofree char *xml = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_get_contents(INTERFACE_FILE, &xml, NULL, &error));
    g_assert_no_error(error);
    for (gsize i = 0; i < G_N_ELEMENTS(name_cases); i++) {
        g_autofree char *entry =
            g_strconcat("\n      ", strrchr(name_cases[i].name, '.') + 1, "  ", NULL);

        g_test_message("%s", name_cases[i].name);
        g_assert_nonnull(strstr(xml, entry));
    }
}

static void
test_foreign_error_is_a_plain_failure(void)
{
    g_autoptr(GError) foreign = g_error_new(G_FILE_ERROR, G_FILE_ERROR_NOENT, "gone");
    g_autoptr(GError) unknown = g_error_new(IMS_ERROR, IMS_N_ERRORS, "new");
    g_auto(sd_bus_error) got = SD_BUS_ERROR_NULL;

    ims_fault_set(&got, foreign);
    g_assert_cmpstr(got.name, ==, SD_BUS_ERROR_FAILED);
    g_assert_cmpstr(got.message, ==, "gone");
    g_assert_cmpstr(ims_fault_name(unknown), ==, SD_BUS_ERROR_FAILED);
}

static void
test_no_error_is_empty(void)
{
    g_autofree char *message = ims_fault_message(NULL);

    g_assert_cmpstr(ims_fault_name(NULL), ==, "");
    g_assert_cmpstr(message, ==, "");
}

static void
test_invalid_utf8_is_mended(void)
{
    g_autoptr(GError) error = g_error_new_literal(IMS_ERROR, IMS_ERROR_STATE, "caf\xe9 full");
    g_auto(sd_bus_error) got = SD_BUS_ERROR_NULL;

    ims_fault_set(&got, error);
    g_assert_true(g_utf8_validate(got.message, -1, NULL));
    g_assert_true(g_str_has_suffix(got.message, " full"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bus/fault/each-code-has-its-name", test_each_code_has_its_name);
    g_test_add_func("/bus/fault/each-name-is-explained", test_each_name_is_explained);
    g_test_add_func(
        "/bus/fault/foreign-error-is-a-plain-failure", test_foreign_error_is_a_plain_failure);
    g_test_add_func("/bus/fault/no-error-is-empty", test_no_error_is_empty);
    g_test_add_func("/bus/fault/invalid-utf8-is-mended", test_invalid_utf8_is_mended);
    return g_test_run();
}
