/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Verbs on the tree of mailboxes. */
#include "imap/cmd.h"
#include "imap/conn-private.h"

ImsCmd *
ims_conn_list(ImsConn *self, GError **error)
{
    g_autofree char *text = g_strdup_printf(
        "LIST \"\" \"*\" RETURN (SUBSCRIBED %sSTATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))",
        ims_conn_has(self, "SPECIAL-USE") ? "SPECIAL-USE " : "");

    return ims_conn_issue(self, "LIST", IMS_WANT_LISTINGS, text, error);
}

ImsCmd *
ims_conn_status(ImsConn *self, const char *mailbox, GError **error)
{
    return ims_conn_issue_named(self, "STATUS", 0, mailbox, " (UIDNEXT)", error);
}

ImsCmd *
ims_conn_namespace(ImsConn *self, GError **error)
{
    if (!ims_conn_usable(self, error))
        return NULL;
    if (!ims_conn_has(self, "NAMESPACE"))
        return ims_cmd_new("NAMESPACE", 0);
    return ims_conn_issue(self, "NAMESPACE", IMS_WANT_SPACES, "NAMESPACE", error);
}

ImsCmd *
ims_conn_create(ImsConn *self, const char *mailbox, GError **error)
{
    return ims_conn_issue_named(self, "CREATE", 0, mailbox, "", error);
}

ImsCmd *
ims_conn_subscribe(ImsConn *self, const char *mailbox, gboolean subscribed, GError **error)
{
    const char *verb = subscribed ? "SUBSCRIBE" : "UNSUBSCRIBE";

    return ims_conn_issue_named(self, verb, 0, mailbox, "", error);
}
