/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What a server has refused is not offered again and again: too many tries lock accounts. A program
 * that asks for a sync each minute does not know that; a person who has put things right on the
 * server does not want to wait, and has the test. */

#include "account/account-private.h"

#include <glib/gi18n.h>

#include "util/error.h"

#define PAUSE_US (15 * 60 * (gint64)G_USEC_PER_SEC)

void
ims_account_forget_refusal(ImsAccount *self)
{
    g_clear_pointer(&self->refused, g_free);
    g_clear_error(&self->refusal);
}

void
ims_account_remember_refusal(ImsAccount *self, const GError *error)
{
    ims_account_forget_refusal(self);
    self->refused = g_strdup(self->offered);
    self->refusal = g_error_copy(error);
    self->refused_us = g_get_monotonic_time();
}

GError *
ims_account_spare(const ImsAccount *self, const ImsJob *job, const char *print)
{
    if (job->kind == IMS_JOB_TEST || g_strcmp0(print, self->refused) != 0 ||
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
