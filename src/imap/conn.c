/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The life of a connection: a link, a session, and the pump between them. Whatever ends it closes
 * the link at once and is given again to every later verb, so that callers may issue many commands
 * and look at errors where they wait. */
#include "imap/conn-private.h"

#include <glib/gi18n.h>
#include <string.h>

#include "util/error.h"
#include "util/log.h"

#define PATIENCE_US (600 * G_USEC_PER_SEC) /* for a command, */
#define OCTET_US    (10 * 1000)            /* and for each octet that was asked for, or sent */
#define LOGOUT_US   (1 * G_USEC_PER_SEC)

static void
close_link(ImsConn *self)
{
    if (self->link == NULL)
        return;

    if (self->facts != NULL)
        ims_conn_tell(self, self->facts);
    self->count = ims_link_count(self->link);
    ims_pump_detach(self->pump, self->link);
    g_clear_pointer(&self->link, ims_link_free);
}

/* A command may be told to print all that passes through it. Its lines are cut, so that a part of
 * the password may stand there too. */
static gboolean
shows_login(const ImsConn *self, const char *said)
{
    return ims_session_repeats(&self->session, said) || strstr(said, "LOGIN \"") != NULL ||
           strstr(said, "AUTHENTICATE ") != NULL;
}

/* A lost peer may have said why: in a BYE, or, if it is a command, on its stderr. */
static GError *
explain(ImsConn *self, GError *fault)
{
    g_autofree char *said = NULL;
    g_autoptr(GError) bare = fault;
    GError *explained = NULL;

    if (!g_error_matches(fault, IMS_ERROR, IMS_ERROR_OFFLINE))
        return g_steal_pointer(&bare);
    if (self->session.bye != NULL) {
        g_clear_error(&bare);
        ims_session_closed(&self->session, &bare);
    }
    said = self->link != NULL ? ims_link_stderr(self->link) : NULL;
    if (said == NULL)
        return g_steal_pointer(&bare);

    if (shows_login(self, said))
        g_set_error(
            &explained,
            IMS_ERROR,
            bare->code,
            _("%s; what the command says repeats the login and is not shown"),
            bare->message);
    else
        g_set_error(
            &explained, IMS_ERROR, bare->code, _("%s; the command says: %s"), bare->message, said);
    return explained;
}

gboolean
ims_conn_fail(ImsConn *self, GError *fault, GError **error)
{
    GError *explained = explain(self, fault);

    if (ims_log_is_on(IMS_LOG_IMAP))
        ims_log_trace(IMS_LOG_IMAP, self->session.side, "ended: %s", explained->message);
    g_clear_error(&self->session.error);
    ims_session_fail(&self->session, explained);
    close_link(self);
    g_propagate_error(error, g_error_copy(explained));
    return FALSE;
}

gboolean
ims_conn_usable(ImsConn *self, GError **error)
{
    if (self->session.error == NULL)
        return TRUE;
    if (self->link != NULL)
        return ims_conn_fail(self, g_error_copy(self->session.error), error);

    g_propagate_error(error, g_error_copy(self->session.error));
    return FALSE;
}

/* -- waiting -- */

static guint64
octets_of(const ImsConn *self)
{
    return self->session.n_useful + ims_conn_count(self).sent;
}

/* A server may think about a command for a while, but what comes then has to come at a pace: else
 * octet by octet, each in time, it could keep us for years. */
static void
renew_patience(ImsConn *self)
{
    guint64 octets = octets_of(self);
    gint64 earned_us = (gint64)MIN(octets - self->n_octets, PATIENCE_US / OCTET_US) * OCTET_US;

    if (self->n_replies == self->session.n_replies)
        self->patience_us = MIN(PATIENCE_US, self->patience_us + earned_us);
    else
        self->patience_us = PATIENCE_US;
    self->n_replies = self->session.n_replies;
    self->n_octets = octets;
}

typedef struct {
    ImsReady ready;
    gconstpointer what;
    const ImsConn *conn;
} News;

static gboolean
has_news(gconstpointer data)
{
    const News *news = data;

    return news->ready(news->what) || octets_of(news->conn) != news->conn->n_octets ||
           news->conn->session.n_replies != news->conn->n_replies;
}

gboolean
ims_conn_pump_for(
    ImsConn *self,
    ImsReady ready,
    gconstpointer what,
    gint64 deadline_us,
    gint64 stall_us,
    GError **error)
{
    const News news = {ready, what, self};
    GError *fault = NULL;

    if (!ims_conn_usable(self, error))
        return FALSE;
    do {
        gint64 begin_us = ims_clock_monotonic(self->clock);
        gint64 until_us;

        renew_patience(self);
        until_us = MIN(deadline_us, begin_us + self->patience_us);
        if (!ims_pump_until(self->pump, self->link, has_news, &news, until_us, stall_us, &fault))
            return ims_conn_fail(self, fault, error);
        self->patience_us -= ims_clock_monotonic(self->clock) - begin_us;
    } while (!ready(what));
    return TRUE;
}

gboolean
ims_conn_pump(ImsConn *self, ImsReady ready, gint64 deadline_us, gint64 stall_us, GError **error)
{
    return ims_conn_pump_for(self, ready, &self->session, deadline_us, stall_us, error);
}

static gboolean
is_answered(gconstpointer what)
{
    return ims_cmd_answered(what);
}

/* What was answered stays answered, even if the connection ended behind it: some servers say NO and
 * hang up. @waited: whether the wait went well. */
static gboolean
check_answered(const ImsCmd *cmd, gboolean waited, GError *local, GError **error)
{
    if (waited || ims_cmd_answered(cmd)) {
        g_clear_error(&local);
        return TRUE;
    }
    g_propagate_error(error, local);
    return FALSE;
}

gboolean
ims_conn_wait(ImsConn *self, ImsCmd *cmd, GError **error)
{
    GError *local = NULL;
    gboolean waited;

    if (self->enable != NULL && !ims_conn_confirm(self, error))
        return FALSE;
    if (!ims_cmd_answered(cmd) && ims_log_is_on(IMS_LOG_PUMP))
        ims_log_trace(IMS_LOG_PUMP, self->session.side, "waits for the answer to %s", cmd->name);

    waited = ims_cmd_answered(cmd) ||
             (ims_conn_heed_compress(self, &local) &&
              ims_conn_pump_for(self, is_answered, cmd, G_MAXINT64, IMS_CONTROL_US, &local));
    return check_answered(cmd, waited, local, error);
}

gboolean
ims_conn_wait_until(ImsConn *self, ImsCmd *cmd, gint64 deadline_us, GError **error)
{
    GError *local = NULL;
    gboolean waited =
        ims_cmd_answered(cmd) || ims_conn_pump_for(self, is_answered, cmd, deadline_us, 0, &local);

    return check_answered(cmd, waited, local, error);
}

typedef struct {
    const ImsSession *session;
    const ImsCmd *cmd;
} GoOn;

static gboolean
may_go_on(gconstpointer what)
{
    const GoOn *go_on = what;

    return !go_on->session->awaits_go_on || ims_cmd_answered(go_on->cmd);
}

gboolean
ims_conn_await_go_on(ImsConn *self, const ImsCmd *cmd, gint64 deadline_us, GError **error)
{
    GoOn go_on = {&self->session, cmd};

    if (may_go_on(&go_on))
        return ims_conn_usable(self, error);
    return ims_conn_pump_for(self, may_go_on, &go_on, deadline_us, IMS_CONTROL_US, error);
}

/* -- life -- */

static ImsLink *
open_link(
    ImsPump *pump,
    const ImsEndpoint *endpoint,
    const ImsClock *clock,
    ImsFacts *facts,
    GError **error)
{
    gint64 deadline_us = ims_clock_monotonic(clock) + IMS_CONNECT_US;
    GCancellable *cancel = ims_pump_cancellable(pump);
    const char *host = endpoint->host;
    guint16 port = endpoint->port;

    switch (endpoint->type) {
    case IMS_ENDPOINT_TLS:
        return ims_link_open_tls(
            host, port, &endpoint->proxy, &endpoint->tls, deadline_us, cancel, facts, error);
    case IMS_ENDPOINT_STARTTLS:
        return ims_link_open_tcp(host, port, &endpoint->proxy, deadline_us, cancel, error);
    case IMS_ENDPOINT_LOOPBACK:
        return ims_link_open_loopback(host, port, deadline_us, cancel, error);
    case IMS_ENDPOINT_COMMAND:
        break;
    }
    return ims_link_open_command(endpoint->argv, endpoint->envp, error);
}

static void
tell_endpoint(const ImsEndpoint *endpoint, ImsFacts *facts)
{
    facts->host = g_strdup(endpoint->host);
    facts->port = endpoint->port;
    if (endpoint->argv != NULL)
        facts->program = g_strdup(endpoint->argv[0]);
}

static ImsConn *
conn_new(ImsPump *pump, ImsLink *link, const ImsEndpoint *endpoint, const ImsClock *clock)
{
    ImsConn *self = g_new0(ImsConn, 1);

    self->pump = pump;
    self->clock = clock;
    self->link = link;
    self->patience_us = PATIENCE_US;
    self->compress = endpoint->compress;
    ims_session_init(&self->session);
    self->session.side = endpoint->side;
    if (endpoint->type == IMS_ENDPOINT_STARTTLS)
        self->session.channel = IMS_CHANNEL_CLEAR;
    ims_pump_attach(pump, link, &ims_session_client, &self->session);
    return self;
}

/* @out_misled: (out): it failed, and what was remembered may be why. */
static ImsConn *
open_by(
    ImsPump *pump,
    const ImsEndpoint *endpoint,
    const ImsOffers *offers,
    const ImsClock *clock,
    ImsFacts *facts,
    gboolean *out_misled,
    GError **error)
{
    g_autoptr(ImsConn) self = NULL;
    ImsLink *link;
    GError *fault = NULL;

    if (facts != NULL)
        tell_endpoint(endpoint, facts);
    link = open_link(pump, endpoint, clock, facts, error);
    if (link == NULL)
        return NULL;

    self = conn_new(pump, link, endpoint, clock);
    self->facts = facts;
    if (ims_conn_login(self, endpoint, offers, &fault))
        return g_steal_pointer(&self);
    *out_misled = ims_conn_was_misled(self);
    g_propagate_error(error, fault);
    return NULL;
}

ImsConn *
ims_conn_open(
    ImsPump *pump,
    const ImsEndpoint *endpoint,
    const ImsOffers *offers,
    const ImsClock *clock,
    GError **error)
{
    const ImsOffers unknown = {0};
    g_autoptr(GError) fault = NULL;
    gboolean misled = FALSE;
    ImsConn *self = open_by(pump, endpoint, offers, clock, NULL, &misled, &fault);

    if (self != NULL)
        return self;
    if (misled)
        return open_by(pump, endpoint, &unknown, clock, NULL, &misled, error);
    g_propagate_error(error, g_steal_pointer(&fault));
    return NULL;
}

ImsConn *
ims_conn_open_told(
    ImsPump *pump,
    const ImsEndpoint *endpoint,
    const ImsClock *clock,
    ImsFacts *facts,
    GError **error)
{
    const ImsOffers unknown = {0};
    gboolean misled;

    return open_by(pump, endpoint, &unknown, clock, facts, &misled, error);
}

static gboolean
is_all_sent(gconstpointer what)
{
    const ImsSession *session = what;

    return ims_buf_len(&session->output) == 0;
}

static void
say_goodbye(ImsConn *self)
{
    gint64 deadline_us = ims_clock_monotonic(self->clock) + LOGOUT_US;
    g_autoptr(ImsCmd) cmd = ims_cmd_new("LOGOUT", 0);

    ims_session_send(&self->session, cmd, "LOGOUT");
    ims_conn_pump(self, is_all_sent, deadline_us, 0, NULL);
}

void
ims_conn_free(ImsConn *self)
{
    if (self == NULL)
        return;

    if (self->link != NULL && ims_session_is_idle(&self->session) &&
        ims_conn_heed_compress(self, NULL))
        say_goodbye(self);
    close_link(self);
    g_clear_pointer(&self->asked, ims_cmd_unref);
    g_clear_pointer(&self->login, ims_cmd_unref);
    g_clear_pointer(&self->enable, ims_cmd_unref);
    ims_offers_clear(&self->remembered);
    ims_deflate_free(self->deflate);
    ims_session_clear(&self->session);
    g_free(self);
}

const GError *
ims_conn_fault(const ImsConn *self)
{
    return self->session.error;
}

const char *
ims_conn_alert(const ImsConn *self)
{
    return self->session.alert;
}

ImsLinkCount
ims_conn_count(const ImsConn *self)
{
    return self->link != NULL ? ims_link_count(self->link) : self->count;
}

gboolean
ims_conn_has(const ImsConn *self, const char *capability)
{
    return ims_session_has(&self->session, capability);
}

const char *
ims_conn_server(const ImsConn *self)
{
    return self->session.server;
}

guint64
ims_conn_append_limit(const ImsConn *self)
{
    return ims_caps_number(&self->session.caps, "APPENDLIMIT", G_MAXUINT64);
}
