/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The worker thread: takes an order, runs the engine's pass over a pump of its own, tells the
 * outcome. What crosses between the threads is a queue of orders, sources that carry copies to the
 * main context, the answers to what was asked, and one word that says whether the LIST has gone;
 * nothing else is shared. The
 * worker is counted, since a tale may be on its way when the main thread lets go. */

#include "account/worker.h"

#include <glib/gi18n.h>
#include <string.h>

#include "account/secret.h"
#include "engine/pass.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/log.h"

#define PROGRESS_INTERVAL_US (G_USEC_PER_SEC / 4)

struct ImsWorker {
    char *name;
    GThread *thread;
    GMainContext *context;
    GAsyncQueue *orders; /* ImsOrder, or @orders itself for the end */
    GAsyncQueue *ended;  /* one item, when the thread has come to its end */
    gint listed;         /* atomic */

    /* of the main thread alone */
    const ImsWorkerListener *listener; /* NULL once stopped */
    gpointer data;
    GAsyncQueue *question; /* Answer: where the one goes that is waited for; NULL: none is */
};

/* A message to the main thread. */
typedef struct {
    ImsWorker *worker; /* a reference */
    gboolean has_progress, is_end;
    ImsProgress progress; /* its mailbox is owned */
    ImsReport *report;
    GError *error;
    GAsyncQueue *question; /* a reference; NULL: it asks nothing */
    ImsSide side;          /* that it asks about */
} Tale;

typedef struct {
    char *token; /* NULL: there is none */
    GError *error;
} Answer;

/* What one order's progress has told already; of the worker thread alone. */
typedef struct {
    ImsWorker *worker;
    const ImsOrder *order;
    ImsProgress latest; /* its mailbox is owned */
    gboolean started, untold;
    gint64 told_us;
} Teller;

static void
worker_clear(gpointer data)
{
    ImsWorker *self = data;

    g_free(self->name);
    g_main_context_unref(self->context);
    g_async_queue_unref(self->orders);
    g_async_queue_unref(self->ended);
    g_clear_pointer(&self->question, g_async_queue_unref);
}

static void
worker_unref(ImsWorker *self)
{
    g_atomic_rc_box_release_full(self, worker_clear);
}

static void
tale_free(gpointer data)
{
    Tale *self = data;

    worker_unref(self->worker);
    g_free((char *)self->progress.mailbox);
    g_clear_pointer(&self->report, ims_report_unref);
    g_clear_error(&self->error);
    g_clear_pointer(&self->question, g_async_queue_unref);
    g_free(self);
}

static void
tell_question(const Tale *self)
{
    g_clear_pointer(&self->worker->question, g_async_queue_unref);
    self->worker->question = g_async_queue_ref(self->question);
    self->worker->listener->asks(self->side, self->worker->data);
}

static gboolean
tale_tell(gpointer data)
{
    const Tale *self = data;
    const ImsWorkerListener *listener = self->worker->listener;
    const ImsProgress *progress = self->has_progress ? &self->progress : NULL;

    if (listener == NULL)
        return G_SOURCE_REMOVE;
    if (self->question != NULL)
        tell_question(self);
    else if (self->is_end)
        listener->ended(progress, self->report, self->error, self->worker->data);
    else
        listener->progress(progress, self->worker->data);
    return G_SOURCE_REMOVE;
}

static Tale *
tale_new(ImsWorker *worker)
{
    Tale *self = g_new0(Tale, 1);

    self->worker = g_atomic_rc_box_acquire(worker);
    return self;
}

/* Never g_main_context_invoke(): it would run the function in this thread if the main thread is
 * outside of its loop at that moment. */
static void
tale_send(Tale *self)
{
    g_autoptr(GSource) source = g_idle_source_new();

    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, tale_tell, self, tale_free);
    g_source_attach(source, self->worker->context);
}

static void
copy_progress(ImsProgress *to, const ImsProgress *from)
{
    char *old = (char *)to->mailbox;

    *to = *from;
    to->mailbox = g_strdup(from->mailbox != NULL ? from->mailbox : "");
    g_free(old);
}

static void
teller_tell(Teller *self, gint64 now_us)
{
    Tale *tale = tale_new(self->worker);

    tale->has_progress = TRUE;
    copy_progress(&tale->progress, &self->latest);
    tale_send(tale);
    self->told_us = now_us;
    self->untold = FALSE;
}

static void
progressed(const ImsProgress *progress, gpointer data)
{
    Teller *self = data;
    gint64 now_us = g_get_monotonic_time();
    gboolean new_phase = !self->started || self->latest.phase != progress->phase;

    if (progress->phase >= IMS_PHASE_LISTING)
        g_atomic_int_set(&self->worker->listed, TRUE);

    copy_progress(&self->latest, progress);
    self->started = TRUE;
    self->untold = TRUE;
    if (new_phase || now_us - self->told_us >= PROGRESS_INTERVAL_US)
        teller_tell(self, now_us);
}

/* -- asking -- */

static Answer *
answer_new(const char *token, const GError *error)
{
    Answer *self = g_new0(Answer, 1);

    self->token = g_strdup(token);
    self->error = token == NULL ? g_error_copy(error) : NULL;
    return self;
}

static void
answer_free(gpointer data)
{
    Answer *self = data;

    ims_secret_wipe(self->token);
    g_clear_error(&self->error);
    g_free(self);
}

/* In the thread that cancels. */
static void
give_up(GCancellable *cancel, gpointer data)
{
    g_autoptr(GError) error =
        g_error_new_literal(IMS_ERROR, IMS_ERROR_CANCELLED, _("the job was cancelled"));

    g_async_queue_push(data, answer_new(NULL, error));
}

/* Each question has a queue of its own, so that an answer which comes too late is nobody's. */
static Answer *
ask(ImsWorker *self, ImsSide side, GCancellable *cancel)
{
    GAsyncQueue *question = g_async_queue_new_full(answer_free);
    Tale *tale = tale_new(self);
    Answer *answer;
    gulong handler;

    tale->question = g_async_queue_ref(question);
    tale->side = side;
    tale_send(tale);
    handler = g_cancellable_connect(cancel, G_CALLBACK(give_up), question, NULL);
    answer = g_async_queue_pop(question);
    g_cancellable_disconnect(cancel, handler);
    g_async_queue_unref(question);
    return answer;
}

static gboolean
renew(ImsSide side, gboolean *out_other, gpointer data, GError **error)
{
    const Teller *self = data;
    ImsEndpoint *endpoint = self->order->endpoint[side];
    Answer *answer = ask(self->worker, side, self->order->cancel);
    gboolean found = answer->token != NULL;
    char *old = endpoint->password;

    if (found) {
        *out_other = g_strcmp0(answer->token, old) != 0;
        endpoint->password = g_steal_pointer(&answer->token);
        answer->token = old;
    } else {
        g_propagate_error(error, g_steal_pointer(&answer->error));
    }
    answer_free(answer);
    return found;
}

/* -- the pass -- */

static ImsReport *
run_pass(const ImsOrder *order, Teller *teller, GError **error)
{
    ImsPump *pump = ims_pump_new(order->cancel);
    ImsReport *report;
    ImsPassOrder pass = {
        .endpoint = {order->endpoint[IMS_LOCAL], order->endpoint[IMS_REMOTE]},
        .identity = {order->identity[IMS_LOCAL], order->identity[IMS_REMOTE]},
        .state_path = order->state_path,
        .folder = {order->folder[IMS_LOCAL], order->folder[IMS_REMOTE]},
        .patterns = order->patterns,
        .ignore = order->ignore,
        .mailboxes = order->mailboxes,
        .has_max_deletions = order->has_max_deletions,
        .max_deletions = order->max_deletions,
        .dry_run = order->dry_run,
        .clock = ims_clock_system(),
        .progress = progressed,
        .renew = renew,
        .data = teller,
    };

    if (order->kind == IMS_JOB_SYNC)
        report = ims_pass_run(pump, &pass, error);
    else
        report = ims_pass_test(pump, &pass, error);
    ims_pump_free(pump);
    return report;
}

static void
run(ImsWorker *self, const ImsOrder *order)
{
    Teller teller = {.worker = self, .order = order};
    Tale *tale = tale_new(self);

    tale->is_end = TRUE;
    tale->report = run_pass(order, &teller, &tale->error);
    tale->has_progress = teller.untold;
    tale->progress = teller.latest;
    tale_send(tale);
}

static gpointer
work(gpointer data)
{
    ImsWorker *self = data;
    gpointer order;

    ims_log_set_account(self->name);
    while ((order = g_async_queue_pop(self->orders)) != self->orders) {
        run(self, order);
        ims_order_free(order);
    }
    g_async_queue_push(self->ended, self);
    worker_unref(self);
    return NULL;
}

ImsWorker *
ims_worker_new(const char *name, const ImsWorkerListener *listener, gpointer data)
{
    ImsWorker *self = g_atomic_rc_box_new0(ImsWorker);

    self->context = g_main_context_ref_thread_default();
    self->orders = g_async_queue_new_full((GDestroyNotify)ims_order_free);
    self->ended = g_async_queue_new();
    self->name = g_strdup(name);
    self->listener = listener;
    self->data = data;
    self->thread = g_thread_new(name, work, g_atomic_rc_box_acquire(self));
    return self;
}

void
ims_worker_give(ImsWorker *self, ImsOrder *order)
{
    g_atomic_int_set(&self->listed, FALSE);
    g_async_queue_push(self->orders, order);
}

void
ims_worker_answer(ImsWorker *self, const char *token, const GError *error)
{
    if (self->question != NULL)
        g_async_queue_push(self->question, answer_new(token, error));
    g_clear_pointer(&self->question, g_async_queue_unref);
}

gboolean
ims_worker_has_listed(const ImsWorker *self)
{
    return g_atomic_int_get(&self->listed);
}

void
ims_worker_stop(ImsWorker *self, gint64 deadline_us)
{
    gint64 left_us = MAX(deadline_us - g_get_monotonic_time(), 0);
    GThread *thread = self->thread;

    self->listener = NULL;
    g_async_queue_push(self->orders, self->orders);
    if (g_async_queue_timeout_pop(self->ended, (guint64)left_us) != NULL)
        g_thread_join(thread);
    else
        g_thread_unref(thread);
    worker_unref(self);
}
