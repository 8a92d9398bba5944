/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The one table from a server's refusal to what can be done about it. The codes of RFC 5530 decide.
 * Where there is none, or only ALERT, the words do, and as they are no standard only those that
 * real servers are known to send: Cyrus has no codes at all here, and Gmail puts ALERT before them.
 * To take a wrong password for a server that is busy would lock the user out by trying again; the
 * other mistake costs a retry. */
#include "imap/refusal.h"

#include <string.h>

typedef struct {
    const char *sign;
    ImsError error;
} Refusal;

/* Dovecot means by SERVERBUG what waiting seldom mends; but so does nothing that the user can do.
 */
static const Refusal codes[] = {
    {"UNAVAILABLE", IMS_ERROR_OFFLINE},
    {"INUSE", IMS_ERROR_OFFLINE},
    {"LIMIT", IMS_ERROR_OFFLINE},
    {"SERVERBUG", IMS_ERROR_OFFLINE},
    {"AUTHENTICATIONFAILED", IMS_ERROR_AUTH_FAILED},
    {"AUTHORIZATIONFAILED", IMS_ERROR_AUTH_FAILED},
    {"EXPIRED", IMS_ERROR_AUTH_FAILED},
    {"PRIVACYREQUIRED", IMS_ERROR_SERVER_REJECTED},
    {"CONTACTADMIN", IMS_ERROR_SERVER_REJECTED},
    {"NOPERM", IMS_ERROR_SERVER_REJECTED},
};

/* In small letters; the first that is found decides. */
static const Refusal words[] = {
    {"too many connections", IMS_ERROR_OFFLINE},
    {"too many open connections", IMS_ERROR_OFFLINE},         /* Cyrus */
    {"too many simultaneous connections", IMS_ERROR_OFFLINE}, /* Gmail */
    {"maximum number of connections", IMS_ERROR_OFFLINE},     /* Dovecot */
    {"command or bandwidth limits", IMS_ERROR_OFFLINE},       /* Gmail */
    {"temporary authentication failure", IMS_ERROR_OFFLINE},  /* Dovecot */
    {"authentication fail", IMS_ERROR_AUTH_FAILED},
    {"login fail", IMS_ERROR_AUTH_FAILED},
    {"invalid credentials", IMS_ERROR_AUTH_FAILED},
};

ImsError
ims_refusal_error(const ImsCode *code, const char *text, ImsError otherwise)
{
    g_autofree char *lower = text != NULL ? g_ascii_strdown(text, -1) : NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
        if (g_strcmp0(code->name, codes[i].sign) == 0)
            return codes[i].error;
    }
    for (gsize i = 0; lower != NULL && i < G_N_ELEMENTS(words); i++) {
        if (strstr(lower, words[i].sign) != NULL)
            return words[i].error;
    }
    return otherwise;
}
