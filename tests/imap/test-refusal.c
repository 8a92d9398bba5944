/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What servers say when they refuse, each with what it asks for. */
#include "imap/refusal.h"

#define OTHERWISE IMS_ERROR_STATE /* what the table never says */

typedef struct {
    const char *code; /* NULL: none */
    const char *text;
    ImsError want;
} Case;

static const Case cases[] = {
    {"UNAVAILABLE", "Temporary authentication failure.", IMS_ERROR_OFFLINE},
    {"INUSE", "locked", IMS_ERROR_OFFLINE},
    {"LIMIT", "Maximum number of connections from user+IP exceeded", IMS_ERROR_OFFLINE},
    {"SERVERBUG", "Login failed", IMS_ERROR_OFFLINE},
    {"AUTHENTICATIONFAILED", "Too many connections", IMS_ERROR_AUTH_FAILED},
    {"AUTHORIZATIONFAILED", "not as him", IMS_ERROR_AUTH_FAILED},
    {"EXPIRED", "renew it", IMS_ERROR_AUTH_FAILED},
    {"PRIVACYREQUIRED", "use TLS", IMS_ERROR_SERVER_REJECTED},
    {"CONTACTADMIN", "closed", IMS_ERROR_SERVER_REJECTED},
    {"NOPERM", "not for you", IMS_ERROR_SERVER_REJECTED},

    {NULL, "Too many open connections (2 of 2 for alice)", IMS_ERROR_OFFLINE},
    {NULL, "Error: too many connections from your address", IMS_ERROR_OFFLINE},
    {NULL, "Temporary authentication failure.", IMS_ERROR_OFFLINE},
    {"ALERT", "Too many simultaneous connections. (Failure)", IMS_ERROR_OFFLINE},
    {"ALERT", "Account exceeded command or bandwidth limits. (Failure)", IMS_ERROR_OFFLINE},
    {NULL, "Login failed: authentication failure", IMS_ERROR_AUTH_FAILED},
    {NULL, "authentication failure", IMS_ERROR_AUTH_FAILED},
    {"ALERT", "Invalid credentials (Failure)", IMS_ERROR_AUTH_FAILED},

    {NULL, "Too many failed logins, too many sessions, too many tries", OTHERWISE},
    {NULL, "no", OTHERWISE},
    {NULL, "", OTHERWISE},
    {NULL, NULL, OTHERWISE},
    {"XANADU", "no", OTHERWISE},
};

static void
test_table(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        ImsCode code = {
            .type = cases[i].code != NULL ? IMS_CODE_OTHER : IMS_CODE_NONE,
            .name = (char *)cases[i].code,
        };
        ImsError got = ims_refusal_error(&code, cases[i].text, OTHERWISE);

        if (got != cases[i].want)
            g_error(
                "[%s] %s: %s, not %s",
                cases[i].code,
                cases[i].text,
                ims_error_name(got),
                ims_error_name(cases[i].want));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/imap/refusal/codes-and-words-say-who-can-help", test_table);
    return g_test_run();
}
