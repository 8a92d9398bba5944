/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors
 *
 * A Sync as it was asked for over the bus: its options, and for whom the job runs. Whether a job
 * can be shared is decided below, by the account. */
#include <errno.h>
#include <glib/gi18n.h>
#include <string.h>

#include "bus/fault.h"
#include "bus/options.h"
#include "bus/service-private.h"
#include "model/mailbox-name.h"

/* clang-format off */
static const ImsOption sync_options[] = {
    {"mailboxes", "as", offsetof(ImsSyncRequest, options.mailboxes), -1},
    {"max-deletions", "u", offsetof(ImsSyncRequest, options.max_deletions),
     offsetof(ImsSyncRequest, options.has_max_deletions)},
    {"dry-run", "b", offsetof(ImsSyncRequest, options.dry_run), -1},
    {"cancel-on-disconnect", "b", offsetof(ImsSyncRequest, cancel_on_disconnect), -1},
    {NULL, NULL, 0, -1},
};
/* clang-format on */

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* As equal lists share a job, they get one form: sorted, each name once; NULL if empty. */
static gboolean
canonicalize(char ***inout_names, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    for (char **name = *inout_names; name != NULL && *name != NULL; name++) {
        char *canonical = ims_mailbox_name_canonical(*name);

        if (canonical == NULL) {
            g_set_error(
                error,
                IMS_ERROR,
                IMS_ERROR_NO_SUCH_MAILBOX,
                _("no mailbox can be called “%s”: use a name as listed by %s"),
                *name,
                "ListMailboxes");
            return FALSE;
        }
        g_ptr_array_add(names, canonical);
    }
    g_ptr_array_sort(names, compare_names);
    for (guint i = names->len; i > 1; i--) {
        if (g_str_equal(names->pdata[i - 1], names->pdata[i - 2]))
            g_ptr_array_remove_index(names, i - 1);
    }

    g_clear_pointer(inout_names, g_strfreev);
    if (names->len > 0) {
        g_ptr_array_add(names, NULL);
        *inout_names = (char **)g_ptr_array_steal(names, NULL);
    }
    return TRUE;
}

char **
ims_sync_request_names(void)
{
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();

    for (const ImsOption *option = sync_options; option->name != NULL; option++)
        g_strv_builder_add(names, option->name);
    return g_strv_builder_end(names);
}

int
ims_sync_request_read(ImsSyncRequest *out, sd_bus_message *m, sd_bus_error *ret_error)
{
    g_autoptr(GError) error = NULL;
    int r = ims_options_read(m, sync_options, out, ret_error);

    if (r < 0)
        return r;
    if (!canonicalize(&out->options.mailboxes, &error))
        return ims_fault_set(ret_error, error);
    return 0;
}

void
ims_sync_request_clear(ImsSyncRequest *self)
{
    g_clear_pointer(&self->options.mailboxes, g_strfreev);
}

int
ims_sync_request_start(
    const ImsSyncRequest *self,
    ImsService *service,
    ImsAccount *account,
    sd_bus_message *m,
    ImsJob **out_job,
    sd_bus_error *ret_error)
{
    g_autoptr(GError) error = NULL;
    ImsJob *job = NULL;

    if (service->stopping)
        g_set_error(
            &error, IMS_ERROR, IMS_ERROR_BUSY, _("the service is stopping: ask again in a moment"));
    else
        job = ims_account_sync(account, &self->options, IMS_TRIGGER_CLIENT, &error);
    if (job == NULL)
        return ims_fault_set(ret_error, error);

    ims_job_object_own(ims_service_find_job(service, job), m, self->cancel_on_disconnect);
    *out_job = job;
    return 0;
}
