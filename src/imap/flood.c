/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What a server may say without being asked, in octets and in lines of the journal, and how much it
 * may answer. Each octet pushes the stall limit of a wait back, so that a server which never stops
 * talking could hold us for ever: what nobody asked for is counted until something comes that a
 * command wanted. */
#include "imap/session.h"

#include <glib/gi18n.h>

#include "util/error.h"

#define UNASKED_MAX ((guint64)64 * 1024 * 1024)
#define MESSAGE_MAX 256 /* octets of memory that a FETCH line takes, with a few keywords */

void
ims_session_asked(ImsSession *self)
{
    self->n_useful += self->n_unasked;
    self->n_unasked = 0;
}

gboolean
ims_session_count(ImsSession *self, gsize len, GError **error)
{
    self->n_unasked += len;
    if (self->n_unasked <= UNASKED_MAX)
        return TRUE;

    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_PROTOCOL,
        _("the server sends what nobody asked for: over %u MiB"),
        (guint)(UNASKED_MAX >> 20));
    return FALSE;
}

/* What tells nothing new was not wanted either: the same line could come again without end. */
gboolean
ims_session_collect(ImsSession *self, ImsCmd *cmd, const ImsResponse *response, GError **error)
{
    guint64 before = ims_cmd_size(cmd);

    if (!ims_cmd_collect(cmd, response, error))
        return FALSE;
    if (ims_cmd_size(cmd) > before)
        ims_session_asked(self);
    return TRUE;
}

/* A mailbox may be larger than most, but then its server says so before. */
static void
allow_messages(const ImsSession *self, ImsCmd *cmd)
{
    guint64 needed = MIN((guint64)self->n_exists * MESSAGE_MAX, IMS_RESULTS_MAX_LARGE);

    cmd->max_size = MAX(cmd->max_size, needed);
}

gboolean
ims_session_collect_message(
    ImsSession *self, ImsCmd *cmd, const ImsMessage *message, GError **error)
{
    guint64 before = ims_cmd_size(cmd);

    allow_messages(self, cmd);
    if (!ims_cmd_collect_message(cmd, message, error))
        return FALSE;
    if (ims_cmd_size(cmd) > before)
        ims_session_asked(self);
    return TRUE;
}

void
ims_session_take_alert(ImsSession *self, const ImsResponse *response)
{
    if (response->code.type != IMS_CODE_ALERT || !self->logged_in || self->alert != NULL)
        return;

    self->alert = ims_session_words(self, response);
    g_message("the server says: %s", self->alert);
}
