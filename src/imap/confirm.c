/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What was sent on the way in, and what the server says to it. A server that is known from last
 * time is sent the login, ENABLE and what the engine asks for first in one flight, before it has
 * said a word; one that is new to us tells at each stage what it can do. Either way nothing that a
 * server says is used before all of this has been looked at. */
#include "imap/conn-private.h"

#include <glib/gi18n.h>
#include <string.h>

#include "imap/refusal.h"
#include "util/error.h"

#define OFFERS_MAX 4096 /* octets; servers tell less than 1,000 */

static gboolean
is_greeted(gconstpointer what)
{
    const ImsSession *session = what;

    return session->greeted;
}

gboolean
ims_conn_await_greeting(ImsConn *self, gboolean may_preauth, GError **error)
{
    ImsSession *session = &self->session;

    if (!session->greeted && !ims_conn_pump(self, is_greeted, ims_conn_stage_end(self), 0, error))
        return FALSE;
    if (session->greeting == IMS_BYE) {
        ims_session_closed(session, error);
        return FALSE;
    }
    /* Somebody on the way could pretend that we are logged in, as another user. */
    if (session->greeting == IMS_PREAUTH && !may_preauth) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_PROTOCOL,
            _("the server greets with PREAUTH, which is refused on a network connection: correct "
              "host and port, or reach it by a tunnel"));
        return FALSE;
    }
    return TRUE;
}

gboolean
ims_conn_ask_capabilities(ImsConn *self, GError **error)
{
    ImsSession *session = &self->session;
    const ImsCaps *caps = session->stage == IMS_STAGE_ANYBODY ? &session->offered : &session->caps;
    g_autoptr(ImsCmd) cmd = NULL;

    if (ims_caps_known(caps))
        return TRUE;

    cmd = ims_conn_issue(self, "CAPABILITY", 0, "CAPABILITY", error);
    if (cmd == NULL || !ims_conn_wait_until(self, cmd, ims_conn_stage_end(self), error))
        return FALSE;
    if (!ims_caps_known(caps)) {
        g_set_error(
            error, IMS_ERROR, IMS_ERROR_PROTOCOL, _("the server does not tell its capabilities"));
        return FALSE;
    }
    return TRUE;
}

/* -- sending -- */

void
ims_conn_sent_login(ImsConn *self, ImsCmd *cmd)
{
    self->session.stage =
        self->remembered.before != NULL && self->session.stage == IMS_STAGE_ANYBODY
            ? IMS_STAGE_AHEAD
            : IMS_STAGE_US;
    self->login = ims_cmd_ref(cmd);
}

gboolean
ims_conn_enable(ImsConn *self, GError **error)
{
    self->enable = ims_conn_issue(self, "ENABLE", 0, "ENABLE QRESYNC", error);
    return self->enable != NULL;
}

gboolean
ims_conn_identify(ImsConn *self, GError **error)
{
    g_autoptr(ImsCmd) cmd = NULL;

    if (!ims_conn_has(self, "ID"))
        return TRUE;
    cmd = ims_conn_issue(
        self, "ID", 0, "ID (\"name\" \"imapsyncd\" \"version\" \"" IMS_VERSION "\")", error);
    return cmd != NULL;
}

/* -- looking at the replies -- */

static gboolean
check_accepted(ImsConn *self, const ImsCmd *cmd, GError **error)
{
    ImsError refusal =
        ims_refusal_error(ims_cmd_code(cmd), ims_cmd_text(cmd), IMS_ERROR_AUTH_FAILED);

    if (ims_cmd_reply(cmd) != IMS_REPLY_NO)
        return TRUE;

    self->refused = TRUE;
    g_set_error(
        error,
        IMS_ERROR,
        (gint)refusal,
        refusal == IMS_ERROR_OFFLINE ? _("the server refuses the login for now: %s")
        : refusal == IMS_ERROR_SERVER_REJECTED
            ? _("the server refuses the login, and another password would not help: ask those who "
                "run it; it says: %s")
            : _("the server refuses the login: %s"),
        ims_cmd_text(cmd));
    return FALSE;
}

static gboolean
check_capabilities(const ImsConn *self, GError **error)
{
    g_autofree char *missing = ims_caps_missing(&self->session.caps);

    if (missing == NULL)
        return TRUE;

    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_SERVER_UNSUPPORTED,
        _("the server does not offer %s: enable that there, or use another server"),
        missing);
    return FALSE;
}

gboolean
ims_conn_heed_login(ImsConn *self, GError **error)
{
    g_autoptr(ImsCmd) login = g_steal_pointer(&self->login);

    if (login != NULL &&
        (!ims_conn_wait_until(self, login, ims_conn_stage_end(self), error) ||
         !ims_conn_await_greeting(self, FALSE, error) || !check_accepted(self, login, error)))
        return FALSE;
    if (!ims_conn_ask_capabilities(self, error))
        return FALSE;
    self->logged_in = TRUE;
    return check_capabilities(self, error);
}

/* Servers answer OK to an ENABLE of what they do not know; only the untagged ENABLED tells. */
static gboolean
heed_enable(ImsConn *self, ImsCmd *enable, GError **error)
{
    if (!ims_conn_wait_until(self, enable, ims_conn_stage_end(self), error))
        return FALSE;
    if (!self->session.qresync) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_SERVER_UNSUPPORTED,
            _("the server offers QRESYNC but does not enable it: use another server"));
        return FALSE;
    }
    return TRUE;
}

/* If not, what was asked for in the first flight may be what this server does not know. */
static gboolean
is_as_remembered(const ImsConn *self)
{
    g_autofree char *told = ims_caps_text(&self->session.caps);

    return g_strcmp0(told, self->remembered.after) == 0;
}

gboolean
ims_conn_confirm(ImsConn *self, GError **error)
{
    g_autoptr(ImsCmd) enable = g_steal_pointer(&self->enable);
    GError *fault = NULL;

    if (enable == NULL)
        return ims_conn_usable(self, error);
    if (ims_conn_heed_login(self, &fault) && heed_enable(self, enable, &fault)) {
        self->confirmed = TRUE;
        if (is_as_remembered(self))
            ims_offers_clear(&self->remembered);
        return TRUE;
    }
    if (self->link != NULL)
        return ims_conn_fail(self, fault, error);
    g_propagate_error(error, fault);
    return FALSE;
}

/* Also if nobody has looked at the reply yet. */
static gboolean
is_refused(const ImsConn *self)
{
    return self->refused || (self->login != NULL && ims_cmd_reply(self->login) == IMS_REPLY_NO);
}

gboolean
ims_conn_went_ahead(const ImsConn *self)
{
    return self->remembered.before != NULL &&
           !g_error_matches(self->session.error, IMS_ERROR, IMS_ERROR_CANCELLED);
}

/* A login that was refused was refused, unless the server now offers other ways than it did. */
gboolean
ims_conn_was_misled(const ImsConn *self)
{
    g_autofree char *offered = ims_caps_text(&self->session.offered);

    if (!ims_conn_went_ahead(self))
        return FALSE;
    if (self->confirmed || self->session.error == NULL)
        return self->confirmed;
    if (self->session.bye != NULL && self->session.bye_error != IMS_ERROR_OFFLINE)
        return FALSE;
    return !is_refused(self) || g_strcmp0(offered, self->remembered.before) != 0;
}

static gboolean
is_fit_to_remember(const char *text)
{
    return text != NULL && *text != '\0' && strlen(text) <= OFFERS_MAX;
}

void
ims_conn_offers(const ImsConn *self, ImsOffers *out)
{
    *out = (ImsOffers){
        ims_caps_text(&self->session.offered),
        ims_caps_text(&self->session.caps),
    };
    if (!is_fit_to_remember(out->before) || !is_fit_to_remember(out->after))
        ims_offers_clear(out);
}
