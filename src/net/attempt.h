/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <gio/gio.h>

/* One asynchronous call of GIO, waited for by iterating the thread's own context, with a deadline
 * and a cancel from another thread. The only wait outside of the pump: before a link is open there
 * is nothing else to move. */
typedef struct {
    const char *name;     /* host:port */
    GCancellable *cancel; /* the user's */
    gint64 deadline_us;
    GCancellable *inner; /* to be given to the call */
    GMainContext *context;
    GAsyncResult *result;
} ImsAttempt;

/** ims_attempt_init: @name, borrowed: in messages; @cancel: (nullable). */
void ims_attempt_init(ImsAttempt *self, const char *name, gint64 deadline_us, GCancellable *cancel);
void ims_attempt_clear(ImsAttempt *self);
/** ims_attempt_keep: the callback of the call, with the attempt as its data. */
void ims_attempt_keep(GObject *source, GAsyncResult *result, gpointer attempt);
/** ims_attempt_await: Returns: (transfer full): the result of the call that was just started. */
GAsyncResult *ims_attempt_await(ImsAttempt *self);
/** ims_attempt_set_failure: why the call failed, in our words. @in_tls: else while connecting. */
void ims_attempt_set_failure(
    const ImsAttempt *self, gboolean in_tls, const GError *problem, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImsAttempt, ims_attempt_clear)
