/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Collects an account's passwords and tokens from the keyring or from commands, and says in words
 * what to do where one cannot be had. Which attributes an item has is account/secret's matter. */

#include "account/credentials.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "account/password-command.h"
#include "util/error.h"

struct ImsCredentials {
    const ImsConfig *config;
    ImsCredentialsFound callback;
    gpointer data;
    char *password[IMS_N_PASSWORDS];
    guint slot;      /* being looked up */
    guint end;       /* the slot behind the last to be looked up */
    GError *missing; /* the first that is not there; NULL: none */
    ImsSecretSearch *search;
    ImsPasswordCommand *command;
    guint idle;
};

static void
credentials_free(ImsCredentials *self)
{
    ims_secret_search_cancel(self->search);
    g_clear_error(&self->missing);
    ims_password_command_cancel(self->command);
    g_clear_handle_id(&self->idle, g_source_remove);
    for (guint slot = 0; slot < IMS_N_PASSWORDS; slot++)
        ims_secret_wipe(self->password[slot]);
    g_free(self);
}

/* Ends @self. */
static void
answer(ImsCredentials *self, const GError *error)
{
    self->callback((const char *const *)self->password, error, self->data);
    credentials_free(self);
}

static ImsSide
side_of(const ImsCredentials *self)
{
    return (ImsSide)(self->slot % IMS_N_SIDES);
}

static const ImsSideConfig *
config_of(const ImsCredentials *self)
{
    return &self->config->side[side_of(self)];
}

static gboolean
is_of_proxy(const ImsCredentials *self)
{
    return self->slot >= IMS_N_SIDES;
}

/* Returns: (transfer full): what stands in the attribute `host`. */
static char *
host_of(const ImsCredentials *self)
{
    const ImsSideConfig *side = config_of(self);

    if (is_of_proxy(self))
        return ims_proxy_name(&side->proxy);
    return g_strdup(side->host != NULL ? side->host : "");
}

static const char *
username_of(const ImsCredentials *self)
{
    const ImsSideConfig *side = config_of(self);

    return is_of_proxy(self) ? side->proxy.username : side->username;
}

static GError *
explain_none(const ImsCredentials *self)
{
    const char *side_name = ims_side_name(side_of(self));
    g_autofree char *host = host_of(self);
    g_autofree char *command = g_strconcat(
        "imapsyncctl password ",
        self->config->name,
        side_of(self) == IMS_LOCAL ? " local" : "",
        is_of_proxy(self) ? " --proxy" : "",
        NULL);

    if (!is_of_proxy(self) && ims_auth_list_by_token(&config_of(self)->auth))
        return g_error_new(
            IMS_ERROR,
            IMS_ERROR_CREDENTIALS_MISSING,
            _("%s: no token of %s is in the keyring: run '%s' and give it, or set '%s'"),
            side_name,
            username_of(self),
            command,
            "token-command");
    if (*host == '\0')
        return g_error_new(
            IMS_ERROR,
            IMS_ERROR_CREDENTIALS_MISSING,
            _("%s: no password of %s is in the keyring: run '%s'"),
            side_name,
            username_of(self),
            command);
    return g_error_new(
        IMS_ERROR,
        IMS_ERROR_CREDENTIALS_MISSING,
        _("%s: no password of %s at %s is in the keyring: run '%s'"),
        side_name,
        username_of(self),
        host,
        command);
}

GError *
ims_credentials_explain(const char *who, ImsSecretOutcome outcome, const char *message)
{
    if (outcome == IMS_SECRET_ABSENT)
        return g_error_new(
            IMS_ERROR,
            IMS_ERROR_CREDENTIALS_MISSING,
            _("%s: no keyring (Secret Service) is running on the session bus: start one, for "
              "example gnome-keyring or KWallet (%s)"),
            who,
            message);
    if (outcome == IMS_SECRET_ERROR)
        return g_error_new(
            IMS_ERROR,
            IMS_ERROR_CREDENTIALS_MISSING,
            _("%s: the keyring failed: %s; try again, or restart the keyring"),
            who,
            message);
    return NULL;
}

static GError *
explain(const ImsCredentials *self, ImsSecretOutcome outcome, const char *message)
{
    const char *side_name = ims_side_name(side_of(self));
    const char *name = self->config->name;

    if (outcome == IMS_SECRET_NONE)
        return explain_none(self);
    if (outcome == IMS_SECRET_LOCKED)
        return g_error_new(
            IMS_ERROR,
            IMS_ERROR_KEYRING_LOCKED,
            _("%s: the keyring is locked: unlock it by 'imapsyncctl unlock %s', by logging in or "
              "with a program that shows passwords; %s then goes on by itself"),
            side_name,
            name,
            name);
    if (outcome == IMS_SECRET_ERROR) /* this may pass, as with a server */
        return g_error_new(
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            _("%s: the keyring failed: %s; %s tries again by itself, and if that does not help, "
              "restart the keyring"),
            side_name,
            message,
            name);
    return ims_credentials_explain(side_name, outcome, message);
}

static gboolean
wants_login(const ImsSideConfig *side)
{
    return side->username != NULL && ims_auth_list_needs_password(&side->auth);
}

static gboolean
needs_password(const ImsCredentials *self)
{
    const ImsSideConfig *side = config_of(self);

    return is_of_proxy(self) ? side->proxy.username != NULL : wants_login(side);
}

gboolean
ims_credentials_need_keyring(const ImsConfig *config)
{
    for (guint i = 0; i < IMS_N_SIDES; i++) {
        const ImsSideConfig *side = &config->side[i];

        if ((wants_login(side) && side->password_argv == NULL) || side->proxy.username != NULL)
            return TRUE;
    }
    return FALSE;
}

char *
ims_credentials_missing_command(const ImsConfig *config)
{
    gboolean needed[IMS_N_SIDES], proxy;
    ImsSide side;

    for (guint i = 0; i < IMS_N_SIDES; i++)
        needed[i] = wants_login(&config->side[i]) && config->side[i].password_argv == NULL;
    proxy = !needed[IMS_LOCAL] && !needed[IMS_REMOTE];
    for (guint i = 0; proxy && i < IMS_N_SIDES; i++)
        needed[i] = config->side[i].proxy.username != NULL;
    side = needed[IMS_REMOTE] ? IMS_REMOTE : IMS_LOCAL;
    return g_strconcat(
        "imapsyncctl password ",
        config->name,
        side == IMS_LOCAL ? " local" : "",
        proxy ? " --proxy" : "",
        NULL);
}

static void look_up_next(ImsCredentials *self);

static void
looked_up(ImsSecretOutcome outcome, const char *password, const char *message, gpointer data)
{
    ImsCredentials *self = data;
    g_autoptr(GError) error = explain(self, outcome, message);

    self->search = NULL;
    if (error != NULL && outcome != IMS_SECRET_NONE && outcome != IMS_SECRET_LOCKED) {
        answer(self, error);
        return;
    }
    if (self->missing == NULL)
        self->missing = g_steal_pointer(&error); /* but the next may be there */
    self->password[self->slot++] = g_strdup(password);
    look_up_next(self);
}

static void
given(const char *password, const char *message, gpointer data)
{
    ImsCredentials *self = data;
    const ImsSideConfig *side = config_of(self);
    g_autoptr(GError) error = NULL;

    self->command = NULL;
    if (password == NULL) {
        error = g_error_new(
            IMS_ERROR,
            IMS_ERROR_CREDENTIALS_MISSING,
            ims_auth_list_by_token(&side->auth)
                ? _("%s: the command '%s' gives no token: %s: correct %s in the account's file")
                : _("%s: the command '%s' gives no password: %s: correct %s in the account's file"),
            ims_side_name(side_of(self)),
            side->password_argv[0],
            message,
            ims_side_config_command_key(side));
        answer(self, error);
        return;
    }
    self->password[self->slot++] = g_strdup(password);
    look_up_next(self);
}

static void
look_up_next(ImsCredentials *self)
{
    g_autofree char *host = NULL;

    while (self->slot < self->end && !needs_password(self))
        self->slot++;
    if (self->slot == self->end) {
        answer(self, self->missing);
        return;
    }
    if (!is_of_proxy(self) && config_of(self)->password_argv != NULL) {
        self->command = ims_password_command_run(config_of(self)->password_argv, given, self);
        return;
    }
    host = host_of(self);
    self->search = ims_secret_find(
        self->config->name, side_of(self), host, username_of(self), looked_up, self);
}

static gboolean
begin(gpointer data)
{
    ImsCredentials *self = data;

    self->idle = 0;
    look_up_next(self);
    return G_SOURCE_REMOVE;
}

static ImsCredentials *
find(const ImsConfig *config, guint slot, guint end, ImsCredentialsFound callback, gpointer data)
{
    ImsCredentials *self = g_new0(ImsCredentials, 1);

    self->config = config;
    self->slot = slot;
    self->end = end;
    self->callback = callback;
    self->data = data;
    self->idle = g_idle_add(begin, self);
    return self;
}

ImsCredentials *
ims_credentials_find(const ImsConfig *config, ImsCredentialsFound callback, gpointer data)
{
    return find(config, 0, IMS_N_PASSWORDS, callback, data);
}

ImsCredentials *
ims_credentials_find_again(
    const ImsConfig *config, ImsSide side, ImsCredentialsFound callback, gpointer data)
{
    return find(config, side, side + 1, callback, data);
}

void
ims_credentials_cancel(ImsCredentials *self)
{
    if (self != NULL)
        credentials_free(self);
}

/* A digest with a key that dies with the process: it cannot be looked up in a table. GLib does not
 * wipe the block that it works on, so that a block of nothing has to come behind the password. */
char *
ims_credentials_print(const char *password)
{
    static const guint8 nothing[64]; /* octets of a block */
    static guint8 key[32];
    static gboolean has_key;
    const char *text = password != NULL ? password : "";
    g_autoptr(GHmac) hmac = NULL;

    if (!has_key)
        has_key = getentropy(key, sizeof key) == 0;
    hmac = g_hmac_new(G_CHECKSUM_SHA256, key, sizeof key);
    g_hmac_update(hmac, (const guchar *)text, (gssize)strlen(text) + 1);
    g_hmac_update(hmac, nothing, sizeof nothing);
    return g_strdup(g_hmac_get_string(hmac));
}
