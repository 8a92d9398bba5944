/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* GIO tries several addresses of a host side by side only in its asynchronous calls; one inner
 * cancellable stands for both the deadline and the user's cancel. */

#include "net/attempt.h"

#include <glib-unix.h>
#include <glib/gi18n.h>

#include "util/error.h"

void
ims_attempt_init(ImsAttempt *self, const char *name, gint64 deadline_us, GCancellable *cancel)
{
    *self = (ImsAttempt){
        .name = name,
        .cancel = cancel != NULL ? g_object_ref(cancel) : g_cancellable_new(),
        .deadline_us = deadline_us,
        .inner = g_cancellable_new(),
        .context = g_main_context_ref_thread_default(),
    };
}

void
ims_attempt_clear(ImsAttempt *self)
{
    g_clear_object(&self->cancel);
    g_clear_object(&self->inner);
    g_clear_pointer(&self->context, g_main_context_unref);
}

void
ims_attempt_keep(GObject *source, GAsyncResult *result, gpointer data)
{
    ImsAttempt *attempt = data;

    attempt->result = g_object_ref(result);
}

static gboolean
time_is_up(gpointer inner)
{
    g_cancellable_cancel(inner);
    return G_SOURCE_REMOVE;
}

static gboolean
user_cancelled(int fd, GIOCondition condition, gpointer inner)
{
    g_cancellable_cancel(inner);
    return G_SOURCE_REMOVE;
}

/* Returns: (transfer full). */
static GSource *
start_timer(const ImsAttempt *attempt)
{
    GSource *source = g_timeout_source_new(0);

    g_source_set_ready_time(source, attempt->deadline_us == G_MAXINT64 ? -1 : attempt->deadline_us);
    g_source_set_callback(source, time_is_up, attempt->inner, NULL);
    g_source_attach(source, attempt->context);
    return source;
}

/* Returns: (transfer full). The cancel comes from another thread, by its descriptor, so that the
 * inner cancellable is a matter of this thread alone. */
static GSource *
start_cancel_watch(const ImsAttempt *attempt)
{
    GSource *source = g_unix_fd_source_new(g_cancellable_get_fd(attempt->cancel), G_IO_IN);

    g_source_set_callback(source, G_SOURCE_FUNC(user_cancelled), attempt->inner, NULL);
    g_source_attach(source, attempt->context);
    return source;
}

GAsyncResult *
ims_attempt_await(ImsAttempt *attempt)
{
    g_autoptr(GSource) timer = start_timer(attempt);
    g_autoptr(GSource) watch = start_cancel_watch(attempt);

    while (attempt->result == NULL)
        g_main_context_iteration(attempt->context, TRUE);

    g_source_destroy(watch);
    g_source_destroy(timer);
    g_cancellable_release_fd(attempt->cancel);
    return g_steal_pointer(&attempt->result);
}

void
ims_attempt_set_failure(
    const ImsAttempt *attempt, gboolean in_tls, const GError *problem, GError **error)
{
    if (g_cancellable_is_cancelled(attempt->cancel))
        g_set_error_literal(error, IMS_ERROR, IMS_ERROR_CANCELLED, _("cancelled"));
    else if (g_cancellable_is_cancelled(attempt->inner))
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            in_tls ? _("%s did not answer in time in the TLS handshake")
                   : _("%s did not answer in time while connecting"),
            attempt->name);
    else
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            in_tls ? _("%s cannot be reached: the TLS handshake failed: %s")
                   : _("%s cannot be reached: connecting failed: %s"),
            attempt->name,
            problem->message);
}
