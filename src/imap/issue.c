/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Sending commands without waiting for them, but for room: a server that is sent too much before
 * its replies are read would stop reading. */
#include "imap/conn-private.h"

#include <glib/gi18n.h>

#include "util/error.h"
#include "wire/encode.h"

#define WINDOW_COMMANDS 64
#define WINDOW_OCTETS   (64 * 1024)
#define SET_OCTETS      7000 /* of a UID set: the whole command below 8,000, RFC 7162 section 4 */

static gboolean
has_room(gconstpointer what)
{
    const ImsSession *session = what;

    return session->sent.length < WINDOW_COMMANDS && ims_buf_len(&session->output) <= WINDOW_OCTETS;
}

gboolean
ims_conn_make_room(ImsConn *self, GError **error)
{
    if (!ims_conn_usable(self, error))
        return FALSE;
    if (!ims_conn_heed_compress(self, error))
        return FALSE;
    if (self->session.append.cmd != NULL)
        return ims_conn_fail(
            self,
            g_error_new(IMS_ERROR, IMS_ERROR_PROTOCOL, _("a command was issued inside an APPEND")),
            error);

    return has_room(&self->session) ||
           ims_conn_pump(self, has_room, G_MAXINT64, IMS_CONTROL_US, error);
}

static gboolean
wait_alone(ImsConn *self, const ImsCmd *cmd, GError **error)
{
    while (cmd->alone) {
        ImsCmd *other = ims_session_oldest(&self->session, IMS_WANT_SEARCH);
        gboolean waited;

        if (other == NULL)
            break;
        ims_cmd_ref(other);
        waited = ims_conn_wait(self, other, error);
        ims_cmd_unref(other);
        if (!waited)
            return FALSE;
    }
    return TRUE;
}

ImsCmd *
ims_conn_issue(ImsConn *self, const char *name, guint wants, const char *text, GError **error)
{
    ImsCmd *cmd;

    if (!ims_conn_make_room(self, error))
        return NULL;

    cmd = ims_cmd_new(name, wants);
    ims_session_send(&self->session, cmd, text);
    return cmd;
}

ImsCmd *
ims_conn_issue_named(
    ImsConn *self,
    const char *name,
    guint wants,
    const char *mailbox,
    const char *tail,
    GError **error)
{
    g_autoptr(GString) text = g_string_new(name);

    if (!ims_conn_usable(self, error))
        return NULL;
    g_string_append_c(text, ' ');
    if (!ims_encode_mailbox(text, mailbox))
        return ims_cmd_new_refused(name, _("the name of the mailbox cannot be sent"));

    g_string_append(text, tail);
    return ims_conn_issue(self, name, wants, text->str, error);
}

ImsCmd *
ims_conn_issue_set(
    ImsConn *self,
    ImsCmd *cmd,
    const char *head,
    const ImsUidSet *uids,
    const char *tail,
    GError **error)
{
    g_autoptr(ImsCmd) owned = cmd;
    guint range = 0;

    cmd->asked = ims_uidset_copy(uids);
    if (!ims_conn_usable(self, error))
        return NULL;
    while (range < ims_uidset_n_ranges(uids)) {
        g_autoptr(GString) text = g_string_new(head);

        if (!wait_alone(self, cmd, error) || !ims_conn_make_room(self, error))
            return NULL;
        g_string_append_c(text, ' ');
        ims_encode_uidset(text, uids, &range, SET_OCTETS);
        g_string_append(text, tail);
        ims_session_send(&self->session, cmd, text->str);
    }
    return g_steal_pointer(&owned);
}
