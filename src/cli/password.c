/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The only file of the client that knows the keyring and the terminal's echo. The daemon never
 * prompts; this program may, since somebody is sitting in front of it. libsecret 0.20.5 never calls
 * back if a call is cancelled while the keyring asks the user, so a deadline leaves the loop and
 * lets the call be; the program ends soon after. */

#include "cli/password.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <libsecret/secret.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "util/error.h"
#include "util/names.h"

#define MAX_PASSWORD 8192 /* bytes: a token is long */
#define PROMPT_S     60   /* how long the keyring may ask the user to unlock it */

static const SecretSchema schema = {
    .name = IMS_SECRET_SCHEMA,
    .flags = SECRET_SCHEMA_NONE,
    .attributes =
        {
            {"account", SECRET_SCHEMA_ATTRIBUTE_STRING},
            {"side", SECRET_SCHEMA_ATTRIBUTE_STRING},
            {"host", SECRET_SCHEMA_ATTRIBUTE_STRING},
            {"username", SECRET_SCHEMA_ATTRIBUTE_STRING},
        },
};

void
ims_password_free(ImsPassword *password)
{
    if (password == NULL)
        return;

    explicit_bzero(password, strlen(password));
    g_free(password);
}

static gboolean
refuse(const char *reason, GError **error)
{
    g_set_error_literal(error, IMS_ERROR, IMS_ERROR_CONFIG, reason);

    return FALSE;
}

/* Waits until stdin can be read, unless @signals (-1 for none) becomes readable first; the signal
 * itself is left pending. */
static gboolean
wait_for_input(int signals, GError **error)
{
    struct pollfd fds[] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = signals, .events = POLLIN},
    };

    while (poll(fds, G_N_ELEMENTS(fds), -1) < 0 && errno == EINTR)
        continue;
    if (fds[1].revents != 0) {
        g_set_error_literal(error, IMS_ERROR, IMS_ERROR_CANCELLED, _("cancelled"));
        return FALSE;
    }

    return TRUE;
}

/* Reads a line into @line of MAX_PASSWORD + 1 bytes, byte by byte: another password may follow, and
 * no buffer of stdio shall keep a copy. */
static gboolean
read_line(char *line, int signals, GError **error)
{
    gsize len = 0;

    while (len <= MAX_PASSWORD) {
        if (!wait_for_input(signals, error))
            return FALSE;
        if (read(STDIN_FILENO, line + len, 1) != 1 || line[len] == '\n')
            break;
        len++;
    }
    if (len > MAX_PASSWORD)
        return refuse(_("the password is longer than 8192 bytes"), error);
    line[len] = '\0';

    if (strlen(line) != len)
        return refuse(_("the password has a zero byte, which no server takes"), error);
    if (len == 0)
        return refuse(
            _("no password was given: type it, or hand it in as one line on standard input"),
            error);

    return TRUE;
}

/* As read_line(), with the terminal's echo off. Signals that end the program are held back until
 * the terminal is as it was; then they do their work. */
static gboolean
read_hidden(char *line, GError **error)
{
    struct termios shown, hidden;
    sigset_t stop, before;
    gboolean ok;
    int signals;

    if (tcgetattr(STDIN_FILENO, &shown) < 0)
        return refuse(_("the terminal's echo cannot be switched off"), error);

    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGHUP);
    sigaddset(&stop, SIGQUIT);
    sigprocmask(SIG_BLOCK, &stop, &before);
    signals = signalfd(-1, &stop, SFD_CLOEXEC);

    hidden = shown;
    hidden.c_lflag = (hidden.c_lflag & ~(tcflag_t)ECHO) | ECHONL;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    ok = read_line(line, signals, error);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);

    close(signals);
    sigprocmask(SIG_SETMASK, &before, NULL);

    return ok;
}

ImsPassword *
ims_password_read(const char *prompt, GError **error)
{
    char line[MAX_PASSWORD + 1];
    ImsPassword *password = NULL;
    gboolean ok;

    if (isatty(STDIN_FILENO)) {
        g_printerr("%s", prompt);
        ok = read_hidden(line, error);
    } else {
        ok = read_line(line, -1, error);
    }
    if (ok)
        password = g_strdup(line);
    explicit_bzero(line, sizeof line);

    return password;
}

/* Puts into our own words what libsecret says. */
static gboolean
fail(const GError *from, GError **error)
{
    if (g_error_matches(from, SECRET_ERROR, SECRET_ERROR_IS_LOCKED)) {
        g_set_error_literal(
            error,
            IMS_ERROR,
            IMS_ERROR_KEYRING_LOCKED,
            _("the keyring is locked. Unlock it (log in to the desktop, or open its password "
              "manager), "
              "then try again"));
    } else {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_NOT_RUNNING,
            _("the keyring cannot be used: %s. Start gnome-keyring or KWallet, then try again"),
            from->message);
    }

    return FALSE;
}

/* Whether storing can work: there is a default collection, and it is open or somebody can open it.
 */
static gboolean
check_keyring(GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(SecretService) service =
        secret_service_get_sync(SECRET_SERVICE_OPEN_SESSION, NULL, &failure);
    g_autoptr(SecretCollection) collection = NULL;

    if (service != NULL)
        collection = secret_collection_for_alias_sync(
            service, SECRET_COLLECTION_DEFAULT, SECRET_COLLECTION_NONE, NULL, &failure);
    if (failure != NULL) {
        g_dbus_error_strip_remote_error(failure);
        return fail(failure, error);
    }

    if (collection == NULL) {
        g_set_error_literal(
            error,
            IMS_ERROR,
            IMS_ERROR_NOT_RUNNING,
            _("there is no default keyring yet. Log in to the desktop once, or create one in its "
              "password manager"));
        return FALSE;
    }
    if (secret_collection_get_locked(collection) && !isatty(STDIN_FILENO)) {
        failure = g_error_new_literal(SECRET_ERROR, SECRET_ERROR_IS_LOCKED, "");
        return fail(failure, error);
    }

    return TRUE;
}

typedef struct {
    GMainLoop *loop;
    gboolean called_back;
    GError *error;
} Store;

static void
on_stored(GObject *source, GAsyncResult *result, gpointer data)
{
    Store *store = data;

    secret_password_store_finish(result, &store->error);
    store->called_back = TRUE;
    g_main_loop_quit(store->loop);
}

static gboolean
on_deadline(gpointer data)
{
    g_main_loop_quit(data);

    return G_SOURCE_CONTINUE;
}

/* Takes what came of @store; it is freed only if nothing can call back any more. */
static gboolean
finish_store(Store *store, GError **error)
{
    g_autoptr(GError) failure = NULL;

    if (!store->called_back) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_KEYRING_LOCKED,
            _("the keyring was not unlocked within %d seconds. Unlock it, then try again"),
            PROMPT_S);
        return FALSE;
    }

    failure = store->error;
    g_main_loop_unref(store->loop);
    g_free(store);

    return failure == NULL || fail(failure, error);
}

gboolean
ims_password_store(const ImsPasswordKey *key, const ImsPassword *password, GError **error)
{
    Store *store;
    g_autofree char *label = NULL;
    guint timer;

    if (!check_keyring(error))
        return FALSE;

    store = g_new0(Store, 1);
    store->loop = g_main_loop_new(NULL, FALSE);
    label = g_strdup_printf("imapsyncd: %s (%s)", key->account, _(key->side));
    timer = g_timeout_add_seconds(PROMPT_S, on_deadline, store->loop);
    secret_password_store(
        &schema,
        SECRET_COLLECTION_DEFAULT,
        label,
        password,
        NULL,
        on_stored,
        store,
        "account",
        key->account,
        "side",
        key->side,
        "host",
        key->host,
        "username",
        key->username,
        NULL);
    g_main_loop_run(store->loop);
    g_source_remove(timer);

    return finish_store(store, error);
}

void
ims_password_forget(const ImsPasswordKey *key)
{
    secret_password_clear_sync(
        &schema,
        NULL,
        NULL,
        "account",
        key->account,
        "side",
        key->side,
        "host",
        key->host,
        "username",
        key->username,
        NULL);
}
