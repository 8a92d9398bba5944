/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Reads the state file without a worker, which is only made when there is a job. Until it has ended
 * no job may start: the file is open to one at a time. */

#include "account/recall.h"

#include <gio/gio.h>

#include "account/dovecot.h"
#include "account/identity.h"
#include "account/order.h"
#include "engine/pass.h"

struct ImsRecall {
    ImsRecalled callback;
    gpointer data;
    GCancellable *cancel;
};

/* What the thread works on. */
typedef struct {
    char *state_path;
    char *identity[IMS_N_SIDES];
} Files;

static void
files_free(gpointer data)
{
    Files *self = data;

    for (guint side = 0; side < IMS_N_SIDES; side++)
        g_free(self->identity[side]);
    g_free(self->state_path);
    g_free(self);
}

static void
recall_free(ImsRecall *self)
{
    g_object_unref(self->cancel);
    g_free(self);
}

static void
read_state(GTask *task, gpointer source, gpointer data, GCancellable *cancel)
{
    const Files *files = data;
    const char *const identity[] = {files->identity[IMS_LOCAL], files->identity[IMS_REMOTE]};
    GError *error = NULL;
    ImsReport *report = ims_pass_recall(files->state_path, identity, &error);

    if (report == NULL)
        g_task_return_error(task, error);
    else
        g_task_return_pointer(task, report, (GDestroyNotify)ims_report_unref);
}

static void
state_read(GObject *source, GAsyncResult *result, gpointer data)
{
    ImsRecall *self = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsReport) report = g_task_propagate_pointer(G_TASK(result), &error);

    if (!g_cancellable_is_cancelled(self->cancel))
        self->callback(report, self->data);
    recall_free(self);
}

ImsRecall *
ims_recall_new(const ImsConfig *config, ImsRecalled callback, gpointer data)
{
    ImsRecall *self = g_new0(ImsRecall, 1);
    g_autofree char *store = ims_dovecot_store(config->name);
    g_autoptr(GTask) task = NULL;
    Files *files = g_new0(Files, 1);

    self->callback = callback;
    self->data = data;
    self->cancel = g_cancellable_new();
    files->state_path = ims_order_state_path(config->name);
    for (guint side = 0; side < IMS_N_SIDES; side++)
        files->identity[side] = ims_side_config_identity(&config->side[side], store);

    task = g_task_new(NULL, NULL, state_read, self);
    g_task_set_task_data(task, files, files_free);
    g_task_run_in_thread(task, read_state);
    return self;
}

void
ims_recall_cancel(ImsRecall *self)
{
    if (self != NULL)
        g_cancellable_cancel(self->cancel);
}
