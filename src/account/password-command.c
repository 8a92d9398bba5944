/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Runs the command and reads what it prints into one buffer of fixed size, which is wiped. What it
 * says on stderr is told if it fails; its output never is. */

#include "account/password-command.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <string.h>

#include "util/log.h"

#define DEADLINE_S 60
#define OUTPUT_MAX 8192
#define WORDS_MAX  1024 /* of stderr */

struct ImsPasswordCommand {
    ImsPasswordGiven callback; /* NULL: answered, or cancelled */
    gpointer data;
    GSubprocess *process; /* NULL: it could not be started */
    GError *broken;       /* why */
    GCancellable *cancel;
    guint timer, idle;
    char output[OUTPUT_MAX];
};

static void
command_free(ImsPasswordCommand *self)
{
    explicit_bzero(self->output, sizeof self->output);
    g_clear_error(&self->broken);
    g_clear_object(&self->process);
    g_object_unref(self->cancel);
    g_free(self);
}

static void
answer(ImsPasswordCommand *self, const char *password, const char *message)
{
    ImsPasswordGiven callback = self->callback;

    g_clear_handle_id(&self->timer, g_source_remove);
    self->callback = NULL;
    if (callback != NULL)
        callback(password, message, self->data);
}

static gboolean
deadline_passed(gpointer data)
{
    ImsPasswordCommand *self = data;

    self->timer = 0;
    g_subprocess_force_exit(self->process);
    g_cancellable_cancel(self->cancel);
    answer(self, NULL, _("it did not end in time"));
    return G_SOURCE_REMOVE;
}

/* What is there already: a child of it may have the pipe, and stay. */
static char *
read_words(GSubprocess *process)
{
    GPollableInputStream *stream = G_POLLABLE_INPUT_STREAM(g_subprocess_get_stderr_pipe(process));
    char words[WORDS_MAX];
    gssize len = g_pollable_input_stream_read_nonblocking(stream, words, sizeof words, NULL, NULL);

    while (len > 0 && g_ascii_isspace(words[len - 1]))
        len--;
    return len > 0 ? ims_text_escape(words, (gsize)len) : NULL;
}

static void
answer_failure(ImsPasswordCommand *self, const GError *error)
{
    g_autofree char *words = read_words(self->process);

    answer(self, NULL, words != NULL ? words : error->message);
}

static void
ended(GObject *source, GAsyncResult *result, gpointer data)
{
    ImsPasswordCommand *self = data;
    g_autoptr(GError) error = NULL;
    gsize len = strcspn(self->output, "\r\n");

    if (!g_subprocess_wait_check_finish(self->process, result, &error)) {
        if (self->callback != NULL)
            answer_failure(self, error);
    } else if (len == 0) {
        answer(self, NULL, _("it printed nothing"));
    } else {
        self->output[len] = '\0';
        answer(self, self->output, NULL);
    }
    command_free(self);
}

static void
output_read(GObject *source, GAsyncResult *result, gpointer data)
{
    ImsPasswordCommand *self = data;
    gsize len = 0;

    g_input_stream_read_all_finish(G_INPUT_STREAM(source), result, &len, NULL);
    if (len == sizeof self->output - 1)
        g_subprocess_force_exit(self->process); /* it prints anything but a password */
    g_subprocess_wait_check_async(self->process, NULL, ended, self);
}

static gboolean
tell_broken(gpointer data)
{
    ImsPasswordCommand *self = data;

    self->idle = 0;
    answer(self, NULL, self->broken->message);
    command_free(self);
    return G_SOURCE_REMOVE;
}

ImsPasswordCommand *
ims_password_command_run(char **argv, ImsPasswordGiven callback, gpointer data)
{
    ImsPasswordCommand *self = g_new0(ImsPasswordCommand, 1);

    self->callback = callback;
    self->data = data;
    self->cancel = g_cancellable_new();
    self->process = g_subprocess_newv(
        (const char *const *)argv,
        G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE,
        &self->broken);
    if (self->process == NULL) {
        self->idle = g_idle_add(tell_broken, self);
        return self;
    }
    self->timer = g_timeout_add_seconds(DEADLINE_S, deadline_passed, self);
    g_input_stream_read_all_async(
        g_subprocess_get_stdout_pipe(self->process),
        self->output,
        sizeof self->output - 1,
        G_PRIORITY_DEFAULT,
        self->cancel,
        output_read,
        self);
    return self;
}

/* What runs ends by itself: its callbacks find nobody to tell. */
void
ims_password_command_cancel(ImsPasswordCommand *self)
{
    if (self == NULL)
        return;
    self->callback = NULL;
    g_clear_handle_id(&self->timer, g_source_remove);
    if (self->idle != 0) {
        g_source_remove(self->idle);
        command_free(self);
        return;
    }
    g_subprocess_force_exit(self->process);
    g_cancellable_cancel(self->cancel);
}
