/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Verbs on one mailbox: selecting it, and reading and changing its messages but for their bodies.
 */
#include "imap/conn-private.h"

#include <glib/gi18n.h>

#include "wire/encode.h"

#define HEADER_FIELDS "FROM TO DATE SUBJECT MESSAGE-ID"

static char *
qresync_argument(const ImsPoint *since)
{
    if (since == NULL || since->uidvalidity == 0 || since->modseq == 0 || since->uidnext <= 1)
        return g_strdup("");

    /* Known UIDs keep servers from reporting what vanished before our time. */
    return g_strdup_printf(
        " (QRESYNC (%u %" G_GUINT64_FORMAT " 1:%u))",
        since->uidvalidity,
        since->modseq,
        since->uidnext - 1);
}

ImsCmd *
ims_conn_select(ImsConn *self, const char *mailbox, const ImsPoint *since, GError **error)
{
    g_autofree char *qresync = qresync_argument(since);

    return ims_conn_issue_named(self, "SELECT", IMS_WANT_DELTA, mailbox, qresync, error);
}

ImsCmd *
ims_conn_select_listed(ImsConn *self, const char *mailbox, const char *wire, GError **error)
{
    g_autoptr(GString) text = g_string_new("SELECT ");

    if (wire == NULL)
        return ims_conn_select(self, mailbox, NULL, error);
    if (!ims_conn_usable(self, error))
        return NULL;
    if (*wire == '\0')
        return ims_cmd_new_refused("SELECT", _("the name of the mailbox cannot be sent"));
    ims_encode_quoted(text, wire);
    return ims_conn_issue(self, "SELECT", IMS_WANT_DELTA, text->str, error);
}

ImsCmd *
ims_conn_fetch_meta(ImsConn *self, guint32 first, GError **error)
{
    g_autofree char *text =
        g_strdup_printf("UID FETCH %u:* (UID FLAGS INTERNALDATE RFC822.SIZE)", first);
    ImsCmd *cmd =
        ims_conn_issue(self, "UID FETCH", IMS_WANT_MESSAGES | IMS_NEEDS_MAILBOX, text, error);

    /* N:* names the last message even if its UID is below N. */
    if (cmd != NULL)
        cmd->first = first;
    return cmd;
}

ImsCmd *
ims_conn_fetch_headers(ImsConn *self, const ImsUidSet *uids, GError **error)
{
    ImsCmd *cmd = ims_cmd_new("UID FETCH", IMS_WANT_HEADERS | IMS_NEEDS_MAILBOX);

    return ims_conn_issue_set(
        self, cmd, "UID FETCH", uids, " (UID BODY.PEEK[HEADER.FIELDS (" HEADER_FIELDS ")])", error);
}

ImsCmd *
ims_conn_search_uids(ImsConn *self, const ImsUidSet *uids, GError **error)
{
    ImsCmd *cmd = ims_cmd_new("UID SEARCH", IMS_WANT_SEARCH | IMS_NEEDS_MAILBOX);

    if (ims_conn_has(self, "ESEARCH"))
        return ims_conn_issue_set(self, cmd, "UID SEARCH RETURN (ALL) UID", uids, "", error);

    /* Nothing says whose result a SEARCH is, and messages are deleted by it. */
    cmd->alone = TRUE;
    return ims_conn_issue_set(self, cmd, "UID SEARCH UID", uids, "", error);
}

ImsCmd *
ims_conn_fetch_flags(ImsConn *self, const ImsUidSet *uids, GError **error)
{
    ImsCmd *cmd = ims_cmd_new("UID FETCH", IMS_WANT_MESSAGES | IMS_NEEDS_MAILBOX);

    return ims_conn_issue_set(self, cmd, "UID FETCH", uids, " (UID FLAGS)", error);
}

static char *
store_argument(ImsStoreVerb verb, const ImsFlags *flags, guint64 unchangedsince)
{
    static const char *const items[] = {
        [IMS_STORE_ADD] = "+FLAGS ",
        [IMS_STORE_REMOVE] = "-FLAGS ",
    };
    GString *text = g_string_new(" ");

    if (unchangedsince > 0)
        g_string_append_printf(text, "(UNCHANGEDSINCE %" G_GUINT64_FORMAT ") ", unchangedsince);
    g_string_append(text, items[verb]);
    ims_encode_flags(text, flags);
    return g_string_free(text, FALSE);
}

ImsCmd *
ims_conn_store(
    ImsConn *self,
    const ImsUidSet *uids,
    ImsStoreVerb verb,
    const ImsFlags *flags,
    guint64 unchangedsince,
    GError **error)
{
    ImsCmd *cmd = ims_cmd_new("UID STORE", IMS_WANT_MESSAGES | IMS_NEEDS_MAILBOX);
    g_autofree char *argument = store_argument(verb, flags, unchangedsince);

    return ims_conn_issue_set(self, cmd, "UID STORE", uids, argument, error);
}

ImsCmd *
ims_conn_expunge(ImsConn *self, const ImsUidSet *uids, GError **error)
{
    ImsCmd *cmd = ims_cmd_new("UID EXPUNGE", IMS_NEEDS_MAILBOX);

    return ims_conn_issue_set(self, cmd, "UID EXPUNGE", uids, "", error);
}
