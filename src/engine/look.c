/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* A look at both sides, one after the other, that goes as far as a sync does before it decides
 * anything: what would stop it there is found here, and the rest is told. */

#include <glib/gi18n.h>
#include <string.h>

#include "engine/box.h"
#include "util/error.h"
#include "util/log.h"

static gboolean
await(ImsConn *conn, ImsCmd *cmd, GError **error)
{
    if (!ims_conn_wait(conn, cmd, error))
        return FALSE;
    if (ims_cmd_reply(cmd) != IMS_REPLY_NO)
        return TRUE;
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_SERVER_REJECTED,
        _("the server refused to list its mailboxes: %s"),
        ims_cmd_text(cmd));
    return FALSE;
}

static void
count_listing(const ImsListing *listing, ImsFacts *facts)
{
    if (listing->attributes & (IMS_LIST_NOSELECT | IMS_LIST_NONEXISTENT))
        return;
    facts->n_mailboxes++;
    if ((listing->have & IMS_STATUS_MESSAGES) == 0)
        return;
    facts->n_messages += listing->point.messages;
    facts->n_filled += listing->point.messages > 0;
}

/* Some servers tell the delimiter with some names only. */
static void
tell_listings(const GPtrArray *spaces, const GPtrArray *listings, ImsFacts *facts)
{
    g_auto(ImsNaming) naming = {0};

    ims_naming_set_spaces(&naming, spaces);
    for (guint i = 0; i < listings->len; i++) {
        const ImsListing *listing = g_ptr_array_index(listings, i);

        if (naming.delimiter == 0)
            naming.delimiter = listing->delimiter;
        count_listing(listing, facts);
    }
    facts->delimiter = ims_text_escape(&naming.delimiter, naming.delimiter != 0 ? 1 : 0);
    facts->prefix = naming.personal != NULL
                        ? ims_text_escape(naming.personal, strlen(naming.personal))
                        : g_strdup("");
    facts->listed = TRUE;
}

static gboolean
list(ImsConn *conn, ImsFacts *facts, GError **error)
{
    g_autoptr(ImsCmd) spaces = ims_conn_namespace(conn, error);
    g_autoptr(ImsCmd) listings = spaces != NULL ? ims_conn_list(conn, error) : NULL;

    if (listings == NULL || !ims_conn_compress(conn, error) || !await(conn, spaces, error) ||
        !await(conn, listings, error) || !ims_conn_heed_compress(conn, error))
        return FALSE;
    tell_listings(ims_cmd_spaces(spaces), ims_cmd_listings(listings), facts);
    return TRUE;
}

static ImsFacts *
look_once(ImsPump *pump, const ImsPassOrder *order, ImsSide side)
{
    ImsFacts *facts = ims_facts_new();
    g_autoptr(ImsConn) conn =
        ims_conn_open_told(pump, order->endpoint[side], order->clock, facts, &facts->error);

    if (conn != NULL)
        list(conn, facts, &facts->error);
    return facts;
}

/* As in a pass, a token that was refused is tried a second time with another one. */
static ImsFacts *
look(ImsPump *pump, const ImsPassOrder *order, ImsSide side)
{
    ImsFacts *facts = look_once(pump, order, side);
    g_autoptr(GError) refusal = g_steal_pointer(&facts->error);

    if (refusal == NULL || !ims_pass_renew(order, side, refusal, &facts->error))
        return facts;
    ims_facts_free(facts);
    return look_once(pump, order, side);
}

ImsReport *
ims_pass_test(ImsPump *pump, const ImsPassOrder *order, GError **error)
{
    const ImsProgress connecting = {.phase = IMS_PHASE_CONNECTING, .mailbox = ""};
    ImsReport *report = ims_report_new();
    g_autoptr(GError) first = NULL;

    if (order->progress != NULL)
        order->progress(&connecting, order->data);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        report->facts[side] = look(pump, order, side);
        if (first == NULL && report->facts[side]->error != NULL) {
            first = g_error_copy(report->facts[side]->error);
            g_prefix_error(&first, "%s: ", ims_side_name(side));
        }
        if (g_error_matches(first, IMS_ERROR, IMS_ERROR_CANCELLED))
            break;
    }
    if (first != NULL)
        g_propagate_error(error, g_steal_pointer(&first));
    return report;
}
