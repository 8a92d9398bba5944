/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What a server has refused is not offered again and again: too many tries lock accounts. A program
 * that asks for a sync each minute does not know that; a person who has put things right on the
 * server does not want to wait, and has the test. */

#include "account/account-private.h"

#include <glib/gi18n.h>
#include <string.h>

#include "account/verdict.h"
#include "util/error.h"

#define PAUSE_US (15 * 60 * (gint64)G_USEC_PER_SEC)

/* Only here are the account's name and its command known. */
GError *
ims_account_explain_refusal(const ImsAccount *self, ImsSide side, const GError *error)
{
    g_autofree char *command =
        g_strdup_printf("imapsyncctl password %s%s", self->name, side == IMS_LOCAL ? " local" : "");
    g_autofree char *proxy_command = g_strconcat(command, " --proxy", NULL);
    g_autofree char *words = g_strdup(error->message);

    if (g_str_has_suffix(words, ".")) /* servers end their sentences */
        words[strlen(words) - 1] = '\0';
    if (ims_proxy_is_named(&self->config->side[side].proxy, words))
        return g_error_new(
            IMS_ERROR,
            IMS_ERROR_AUTH_FAILED,
            _("%s: store the right password with '%s', or correct %s in its file"),
            words,
            proxy_command,
            "proxy");
    if (self->config->side[side].password_argv != NULL)
        return g_error_new(
            IMS_ERROR,
            IMS_ERROR_AUTH_FAILED,
            _("%s: correct what %s prints, or %s in the account's file"),
            words,
            ims_side_config_command_key(&self->config->side[side]),
            "username");
    if (ims_auth_list_by_token(&self->config->side[side].auth))
        return g_error_new(
            IMS_ERROR,
            IMS_ERROR_AUTH_FAILED,
            _("%s: store a new token with '%s', or set '%s' in its file"),
            words,
            command,
            "token-command");
    return g_error_new(
        IMS_ERROR,
        IMS_ERROR_AUTH_FAILED,
        _("%s: store the right password with '%s', or correct %s in its file"),
        words,
        command,
        "username");
}

void
ims_account_forget_refusal(ImsAccount *self)
{
    g_clear_pointer(&self->refused, g_free);
    g_clear_error(&self->refusal);
}

void
ims_account_note_offered(ImsAccount *self, const char *const password[IMS_N_PASSWORDS])
{
    for (guint slot = 0; slot < IMS_N_PASSWORDS; slot++) {
        g_free(self->offered[slot]);
        self->offered[slot] = ims_credentials_print(password[slot]);
    }
}

void
ims_account_remember_refusal(ImsAccount *self, const GError *error)
{
    ImsSide side = ims_verdict_side(error);
    gboolean by_proxy = ims_proxy_is_named(&self->config->side[side].proxy, error->message);

    ims_account_forget_refusal(self);
    self->refused_slot = by_proxy ? IMS_PROXY_OF(side) : side;
    self->refused = g_strdup(self->offered[self->refused_slot]);
    self->refusal = g_error_copy(error);
    self->refused_us = g_get_monotonic_time();
}

/* Of the other side the password may be another each time, as a token is. */
gboolean
ims_account_was_refused(const ImsAccount *self, const char *const password[IMS_N_PASSWORDS])
{
    g_autofree char *print = ims_credentials_print(password[self->refused_slot]);

    return g_strcmp0(print, self->refused) == 0;
}

gboolean
ims_account_was_let_in(const ImsAccount *self, const ImsReport *report)
{
    const ImsFacts *facts;

    if (report == NULL || self->refused == NULL)
        return FALSE;
    facts = report->facts[self->refused_slot % IMS_N_SIDES];
    return facts != NULL && facts->used != NULL; /* which is told behind a login */
}

GError *
ims_account_spare(
    const ImsAccount *self, const ImsJob *job, const char *const password[IMS_N_PASSWORDS])
{
    if (job->kind == IMS_JOB_TEST || !ims_account_was_refused(self, password) ||
        g_get_monotonic_time() - self->refused_us >= PAUSE_US)
        return NULL;
    return g_error_new(
        IMS_ERROR,
        IMS_ERROR_AUTH_FAILED,
        _("%s (the same password is not sent again for a while, since that could lock the account; "
          "'imapsyncctl test %s' sends it at once)"),
        self->refusal->message,
        self->name);
}
