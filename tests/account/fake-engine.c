/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The linker takes these functions instead of those in the libraries of the floors below. What the
 * test says comes through one queue; a cancel is one more item in it. */

#include "fake-engine.h"

#include <gio/gio.h>

#include "engine/pass.h"
#include "net/pump.h"

typedef enum { PROGRESS, END, CANCEL, SYNC, RENEW } Verb;

typedef struct {
    Verb verb;
    ImsPhase phase;
    guint64 done;
    int code;
    ImsReport *report;
    GError *error; /* NULL: @code says all */
} Step;

struct ImsPump {
    GCancellable *cancel;
    gulong handler;
};

static GAsyncQueue *
steps(void)
{
    static GAsyncQueue *queue;

    if (g_once_init_enter(&queue))
        g_once_init_leave(&queue, g_async_queue_new());
    return queue;
}

static GAsyncQueue *
synced(void)
{
    static GAsyncQueue *queue;

    if (g_once_init_enter(&queue))
        g_once_init_leave(&queue, g_async_queue_new());
    return queue;
}

static gint deaf; /* atomic */
static GMutex order_lock;
static char *last_order;
static ImsReport *remembered;

static void
push(Step step)
{
    g_async_queue_push(steps(), g_memdup2(&step, sizeof step));
}

void
fake_engine_progress(ImsPhase phase, guint64 done)
{
    push((Step){.verb = PROGRESS, .phase = phase, .done = done});
}

void
fake_engine_end(int code, ImsReport *report)
{
    push((Step){.verb = END, .code = code, .report = report});
}

void
fake_engine_reject(ImsSide side, const char *pin)
{
    GError *error =
        g_error_new(IMS_ERROR, IMS_ERROR_CERTIFICATE_REJECTED, "%s: rejected", ims_side_name(side));

    ims_error_set_facts(error, g_variant_new_parsed("{'pin': <%s>}", pin));
    fake_engine_fail(error);
}

void
fake_engine_fail(GError *error)
{
    push((Step){.verb = END, .code = -1, .error = error});
}

void
fake_engine_renew(void)
{
    push((Step){.verb = RENEW});
}

void
fake_engine_deaf(gboolean is_deaf)
{
    g_atomic_int_set(&deaf, is_deaf);
}

void
fake_engine_sync(void)
{
    push((Step){.verb = SYNC});
    g_async_queue_pop(synced());
}

void
fake_engine_remember(ImsReport *report)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&order_lock);

    g_clear_pointer(&remembered, ims_report_unref);
    remembered = report;
}

char *
fake_engine_order(void)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&order_lock);

    return g_steal_pointer(&last_order);
}

static void
remember(const char *kind, const ImsPassOrder *order)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&order_lock);
    g_autofree char *mailboxes =
        order->mailboxes != NULL ? g_strjoinv(",", order->mailboxes) : g_strdup("all");

    g_free(last_order);
    last_order = g_strdup_printf(
        "%s %s | %s | %s",
        kind,
        order->identity[IMS_LOCAL],
        order->identity[IMS_REMOTE],
        mailboxes);
}

static void
cancelled(GCancellable *cancel, gpointer data)
{
    push((Step){.verb = CANCEL});
}

ImsPump *
ims_pump_new(GCancellable *cancel)
{
    ImsPump *self = g_new0(ImsPump, 1);

    self->cancel = g_object_ref(cancel);
    if (!g_atomic_int_get(&deaf))
        self->handler = g_cancellable_connect(cancel, G_CALLBACK(cancelled), NULL, NULL);
    return self;
}

void
ims_pump_free(ImsPump *self)
{
    g_cancellable_disconnect(self->cancel, self->handler);
    g_object_unref(self->cancel);
    g_free(self);
}

/* Returns: whether there was a token. */
static gboolean
renew(const ImsPassOrder *order, GError **error)
{
    gboolean other = FALSE;

    if (!order->renew(IMS_REMOTE, &other, order->data, error))
        return FALSE;
    g_mutex_lock(&order_lock);
    g_free(last_order);
    last_order = g_strdup_printf(
        "%s %s", other ? "another" : "the same", order->endpoint[IMS_REMOTE]->password);
    g_mutex_unlock(&order_lock);
    return TRUE;
}

/* Follows the steps until the end. */
static ImsReport *
follow(const ImsPassOrder *order, GError **error)
{
    ImsReport *report = NULL;
    gboolean ended = FALSE;

    while (!ended) {
        g_autofree Step *step = g_async_queue_pop(steps());
        ImsProgress progress = {
            .phase = step->phase, .mailbox = "INBOX", .messages_done = step->done};

        switch (step->verb) {
        case PROGRESS:
            order->progress(&progress, order->data);
            break;
        case SYNC:
            g_async_queue_push(synced(), (gpointer)order);
            break;
        case RENEW:
            ended = !renew(order, error);
            break;
        case CANCEL:
            g_set_error_literal(error, IMS_ERROR, IMS_ERROR_CANCELLED, "cancelled");
            ended = TRUE;
            break;
        case END:
            if (step->error != NULL)
                g_propagate_error(error, step->error);
            else if (step->code >= 0)
                g_set_error_literal(error, IMS_ERROR, step->code, "as told");
            report = step->report;
            ended = TRUE;
            break;
        }
    }
    return report != NULL ? report : ims_report_new();
}

ImsReport *
ims_pass_run(ImsPump *pump, const ImsPassOrder *order, GError **error)
{
    remember("sync", order);
    return follow(order, error);
}

ImsReport *
ims_pass_recall(const char *state_path, const char *const identity[2], GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&order_lock);

    return remembered != NULL ? ims_report_ref(remembered) : ims_report_new();
}

ImsReport *
ims_pass_test(ImsPump *pump, const ImsPassOrder *order, GError **error)
{
    remember("test", order);
    return follow(order, error);
}

ImsEndpoint *
ims_endpoint_new(ImsEndpointType type)
{
    ImsEndpoint *self = g_new0(ImsEndpoint, 1);

    self->type = type;
    return self;
}

void
ims_endpoint_free(ImsEndpoint *self)
{
    if (self == NULL)
        return;
    g_free(self->host);
    ims_proxy_clear(&self->proxy);
    ims_tls_policy_clear(&self->tls);
    g_free(self->username);
    g_free(self->password);
    g_strfreev(self->argv);
    g_strfreev(self->envp);
    g_free(self);
}
