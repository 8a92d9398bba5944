/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* How an account that waits for a password goes on by itself: the keyring has changed, or was asked
 * to be unlocked. */

#include "account/account-private.h"
#include "account/verdict.h"
#include "util/error.h"

#define CALM_US (60 * (gint64)G_USEC_PER_SEC) /* before a command is asked again unasked */

static void
probed(const char *const password[IMS_N_PASSWORDS], const GError *error, gpointer data)
{
    ImsAccount *self = data;
    const ImsSyncOptions all = {NULL};

    self->probe = NULL;
    /* libsecret does not come back from a keyring that went while it asked */
    if (self->unlock != NULL && !g_error_matches(error, IMS_ERROR, IMS_ERROR_KEYRING_LOCKED))
        ims_unlock_end(self->unlock, error);
    if (error != NULL) {
        if (!g_error_matches(self->error, IMS_ERROR, IMS_ERROR_AUTH_FAILED) &&
            !g_str_equal(self->error->message, error->message)) {
            ims_account_settle(self, ims_verdict(error, NULL, NULL, self->open->len), error);
            if (self->settled == IMS_ACCOUNT_OFFLINE) /* and waits for the keyring no more */
                ims_account_owe(self);
            ims_account_tell_changed(self);
        }
        return;
    }
    /* What a server has refused is not offered again: too many tries lock accounts. The keyring may
     * have been locked since, and asked for. */
    if (ims_account_was_refused(self, password)) {
        if (!g_error_matches(self->error, IMS_ERROR, IMS_ERROR_AUTH_FAILED)) {
            ims_account_settle(
                self, ims_verdict(self->refusal, NULL, NULL, self->open->len), self->refusal);
            ims_account_tell_changed(self);
        }
        return;
    }
    ims_account_queue_job(self, IMS_JOB_SYNC, &all, IMS_TRIGGER_USER);
}

void
ims_account_keyring_stirred(ImsAccount *self)
{
    self->keyring_changed = !g_queue_is_empty(&self->queue);
    if (self->keyring_changed || !ims_account_waits_for_keyring(self))
        return;
    ims_account_reread(self);
    g_clear_pointer(&self->probe, ims_credentials_cancel);
    if (ims_account_check_usable(self, NULL))
        self->probe = ims_credentials_find(self->config, probed, self);
}

/* Whether what is missing, or was refused, comes from a command and not from the keyring. */
static gboolean
waits_for_command(const ImsAccount *self)
{
    const ImsSideConfig *side;

    if (self->config == NULL || self->error == NULL)
        return FALSE;
    side = &self->config->side[ims_verdict_side(self->error)];
    return side->password_argv != NULL && !ims_proxy_is_named(&side->proxy, self->error->message);
}

static gboolean
calmed(gpointer data)
{
    ImsAccount *self = data;

    self->calm = 0;
    ims_account_keyring_changed(self);
    return G_SOURCE_REMOVE;
}

/* A command may need the keyring too, and fail until it is unlocked. But it may also change the
 * keyring itself each time: that must not make it run again and again, and least of all if what it
 * gave was refused. */
void
ims_account_keyring_changed(ImsAccount *self)
{
    gint64 now_us = g_get_monotonic_time(), wait_us = self->probed_us + CALM_US - now_us;

    if (waits_for_command(self)) {
        if (self->calm == 0 && wait_us > 0 &&
            !g_error_matches(self->error, IMS_ERROR, IMS_ERROR_AUTH_FAILED))
            self->calm = g_timeout_add((guint)(wait_us / 1000) + 1, calmed, self);
        if (wait_us > 0 || g_error_matches(self->error, IMS_ERROR, IMS_ERROR_AUTH_FAILED))
            return;
        self->probed_us = now_us;
    }
    ims_account_keyring_stirred(self);
}

gboolean
ims_account_unlock(
    ImsAccount *self, guint64 timeout_us, ImsUnlocked done, gpointer data, GError **error)
{
    ims_account_reread(self);
    if (!ims_account_check_usable(self, error))
        return FALSE;
    ims_unlock_start(self, timeout_us, done, data);
    return TRUE;
}
