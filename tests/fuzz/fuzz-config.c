/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* An account's file with any octets: it is refused in one line that can be shown, or what it says
 * keeps the promises of config.h and is said again by a copy of it. */
#include <string.h>

#include "account/config.h"
#include "fuzz.h"
#include "util/error.h"

#define PATH "/home/me/.config/imapsync/work.conf"

static void
check_message(const GError *error)
{
    g_assert_true(error->domain == IMS_ERROR && error->code == IMS_ERROR_CONFIG);
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
    for (const char *c = error->message; *c != '\0'; c = g_utf8_next_char(c))
        g_assert_false(g_unichar_iscntrl(g_utf8_get_char(c)));
}

static void
check_side(const ImsSideConfig *side)
{
    switch (side->type) {
    case IMS_TYPE_IMAPS:
    case IMS_TYPE_IMAP:
        g_assert_true(side->host != NULL && *side->host != '\0');
        g_assert_true(side->username != NULL && *side->username != '\0');
        g_assert_cmpuint(side->port, >, 0);
        break;
    case IMS_TYPE_TUNNEL:
        g_assert_nonnull(side->command);
        g_assert_true(side->argv != NULL && side->argv[0] != NULL);
        break;
    case IMS_TYPE_DOVECOT:
        g_assert_null(side->password_argv);
        break;
    }
    g_assert_true(side->type == IMS_TYPE_IMAP || !side->clear);
    g_assert_cmpuint(side->auth.n, <=, IMS_N_AUTHS);
}

static void
check_copy(GKeyFile *file)
{
    g_autoptr(GKeyFile) copy = g_key_file_new();
    g_autofree char *text = g_key_file_to_data(file, NULL, NULL);
    g_autoptr(ImsConfig) config = NULL;
    g_autoptr(GError) error = NULL;

    g_key_file_load_from_data(copy, text, strlen(text), G_KEY_FILE_NONE, &error);
    g_assert_no_error(error);
    config = ims_config_parse(copy, "work", PATH, &error);
    g_assert_no_error(error);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize len)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(ImsConfig) config = NULL;
    g_autoptr(GError) error = NULL;

    if (!g_key_file_load_from_data(file, (const char *)data, len, G_KEY_FILE_NONE, NULL))
        return 0;
    config = ims_config_parse(file, "work", PATH, &error);
    g_assert_true((config == NULL) == (error != NULL));
    if (config == NULL) {
        check_message(error);
        return 0;
    }
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        check_side(&config->side[side]);
    check_copy(file);
    return 0;
}
