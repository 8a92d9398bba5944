/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Runs the command and keeps the first octets that it prints, in one buffer of fixed size, which is
 * wiped; what comes behind them is read and dropped, so that the command need not wait. Its end is
 * what counts, not that of the pipe, which a child that it leaves may hold. What it says on stderr
 * goes to a file and is told if it fails; its output never is. */

#include "account/password-command.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "util/log.h"

#define DEADLINE_S 60
#define OUTPUT_MAX 8192
#define GRACE_MS   200
#define FLOOD_MAX  (1024 * 1024)
#define WORDS_MAX  1024 /* of stderr */

struct ImsPasswordCommand {
    ImsPasswordGiven callback; /* NULL: answered, or cancelled */
    gpointer data;
    GSubprocess *process; /* NULL: it could not be started */
    GError *broken;       /* why; or how it ended, if not well */
    int words;            /* descriptor of what it says on stderr */
    GCancellable *cancel; /* of the reading */
    gboolean reading, ended;
    guint timer, grace, idle;
    gsize len, total; /* kept, and printed in all */
    char output[OUTPUT_MAX];
    char more[OUTPUT_MAX];
};

static void
command_free(ImsPasswordCommand *self)
{
    explicit_bzero(self->output, sizeof self->output);
    explicit_bzero(self->more, sizeof self->more);
    g_clear_handle_id(&self->grace, g_source_remove);
    if (self->words >= 0)
        close(self->words);
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

/* Returns: (transfer full) (nullable): the first of what it said. */
static char *
read_words(const ImsPasswordCommand *self)
{
    char words[WORDS_MAX];
    gssize len = pread(self->words, words, sizeof words, 0);

    while (len > 0 && g_ascii_isspace(words[len - 1]))
        len--;
    return len > 0 ? ims_text_escape(words, (gsize)len) : NULL;
}

static void
answer_failure(ImsPasswordCommand *self, const char *why)
{
    g_autofree char *words = read_words(self);
    g_autofree char *both = words != NULL ? g_strdup_printf("%s (%s)", why, words) : NULL;

    answer(self, NULL, both != NULL ? both : why);
}

static gboolean
deadline_passed(gpointer data)
{
    ImsPasswordCommand *self = data;

    self->timer = 0;
    answer_failure(self, _("it did not end in time"));
    g_subprocess_force_exit(self->process);
    return G_SOURCE_REMOVE;
}

static void
keep(ImsPasswordCommand *self, const char *octets, gsize len)
{
    gsize kept = MIN(len, sizeof self->output - 1 - self->len);

    memcpy(self->output + self->len, octets, kept);
    self->len += kept;
    self->total += len;
}

static void
conclude(ImsPasswordCommand *self)
{
    gsize len = strcspn(self->output, "\r\n");

    if (self->broken != NULL) {
        answer_failure(self, self->broken->message);
    } else if (len == 0) {
        answer_failure(self, _("it printed nothing"));
    } else if (len == sizeof self->output - 1) {
        answer_failure(self, _("what it printed is too long"));
    } else {
        self->output[len] = '\0';
        answer(self, self->output, NULL);
    }
    command_free(self);
}

static void read_on(ImsPasswordCommand *self);

static void
some_read(GObject *source, GAsyncResult *result, gpointer data)
{
    ImsPasswordCommand *self = data;
    gssize len = g_input_stream_read_finish(G_INPUT_STREAM(source), result, NULL);

    self->reading = FALSE;
    if (len > 0)
        keep(self, self->more, (gsize)len);
    if (len > 0 && self->total < FLOOD_MAX)
        read_on(self);
    else if (self->ended)
        conclude(self);
    else if (len > 0)
        g_subprocess_force_exit(self->process); /* it prints anything but a password */
}

static void
read_on(ImsPasswordCommand *self)
{
    self->reading = TRUE;
    g_input_stream_read_async(
        g_subprocess_get_stdout_pipe(self->process),
        self->more,
        sizeof self->more,
        G_PRIORITY_DEFAULT,
        self->cancel,
        some_read,
        self);
}

static gboolean
grace_passed(gpointer data)
{
    ImsPasswordCommand *self = data;

    self->grace = 0;
    g_cancellable_cancel(self->cancel); /* a child has the pipe */
    return G_SOURCE_REMOVE;
}

/* What it printed last may still stand in the pipe. */
static void
ended(GObject *source, GAsyncResult *result, gpointer data)
{
    ImsPasswordCommand *self = data;

    g_subprocess_wait_check_finish(self->process, result, &self->broken);
    self->ended = TRUE;
    if (self->reading)
        self->grace = g_timeout_add(GRACE_MS, grace_passed, self);
    else
        conclude(self);
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

/* Returns: a file that is nowhere to be found; -1 if there is no room for one. */
static int
open_words(GError **error)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("imapsyncd-XXXXXX", &path, error);

    if (fd >= 0)
        g_unlink(path);
    return fd;
}

static GSubprocess *
spawn(char **argv, int words, GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE);

    g_subprocess_launcher_take_stderr_fd(launcher, dup(words));
    return g_subprocess_launcher_spawnv(launcher, (const char *const *)argv, error);
}

ImsPasswordCommand *
ims_password_command_run(char **argv, ImsPasswordGiven callback, gpointer data)
{
    ImsPasswordCommand *self = g_new0(ImsPasswordCommand, 1);

    self->callback = callback;
    self->data = data;
    self->cancel = g_cancellable_new();
    self->words = open_words(&self->broken);
    if (self->words >= 0)
        self->process = spawn(argv, self->words, &self->broken);
    if (self->process == NULL) {
        self->idle = g_idle_add(tell_broken, self);
        return self;
    }
    self->timer = g_timeout_add_seconds(DEADLINE_S, deadline_passed, self);
    g_subprocess_wait_check_async(self->process, NULL, ended, self);
    read_on(self);
    return self;
}

/* What runs is ended: its callbacks find nobody to tell. */
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
}
