/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The connections of a pass. A server that is known from the last pass is not waited for before it
 * is asked for its mailboxes: whether it let us in is looked at when those come. What it offers is
 * remembered with the rest of what is known of it, and forgotten once it has proved wrong. A login
 * by a token is waited for, and tried a second time with another token: tokens grow old, also while
 * a pass runs. */

#include "engine/box.h"

#include "util/error.h"

static gboolean
recall(ImsPass *self, ImsSide side, GError **error)
{
    ims_offers_clear(&self->offers[side]);
    return self->store == NULL || self->misled[side] ||
           ims_store_offers(self->store, side, &self->offers[side], error);
}

static gboolean
open_conn(ImsPass *self, ImsSide side, GError **error)
{
    const ImsPassOrder *order = self->order;

    self->conn[side] =
        ims_conn_open(self->pump, order->endpoint[side], &self->offers[side], order->clock, error);
    if (self->conn[side] == NULL)
        g_prefix_error(error, "%s: ", ims_side_name(side));
    return self->conn[side] != NULL;
}

gboolean
ims_pass_renew(const ImsPassOrder *order, ImsSide side, const GError *refusal, GError **error)
{
    const ImsEndpoint *endpoint = order->endpoint[side];
    gboolean other = FALSE;

    if (order->renew != NULL && ims_auth_list_by_token(&endpoint->auth) &&
        !ims_proxy_is_named(&endpoint->proxy, refusal->message) &&
        g_error_matches(refusal, IMS_ERROR, IMS_ERROR_AUTH_FAILED) &&
        !order->renew(side, &other, order->data, error))
        return FALSE;
    if (!other)
        g_propagate_error(error, g_error_copy(refusal));
    return other;
}

static gboolean
connect_side(ImsPass *self, ImsSide side, GError **error)
{
    g_autoptr(GError) refusal = NULL;

    return open_conn(self, side, &refusal) ||
           (ims_pass_renew(self->order, side, refusal, error) && open_conn(self, side, error));
}

/* On a full disk it is not, which costs flights and no mail: whether a sync can go on there is told
 * by what it has to commit. */
static void
save(ImsPass *self, ImsSide side)
{
    gboolean saved = ims_store_begin(self->store, NULL) &&
                     ims_store_save_offers(self->store, side, &self->offers[side], NULL) &&
                     ims_store_commit(self->store, NULL);

    if (!saved)
        ims_store_rollback(self->store);
}

/* What was remembered may be why it failed: the next pass asks again. */
static void
forget(ImsPass *self, ImsSide side)
{
    if (self->store == NULL || self->offers[side].before == NULL)
        return;
    ims_store_rollback(self->store);
    ims_offers_clear(&self->offers[side]);
    save(self, side);
}

gboolean
ims_pass_connect(ImsPass *self, GError **error)
{
    ims_pass_tell(self, IMS_PHASE_CONNECTING, NULL);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        g_autoptr(GError) fault = NULL;

        if (recall(self, side, &fault) && connect_side(self, side, &fault))
            continue;
        if (g_error_matches(fault, IMS_ERROR, IMS_ERROR_AUTH_FAILED))
            forget(self, side);
        g_propagate_error(error, g_steal_pointer(&fault));
        return FALSE;
    }
    return TRUE;
}

static void
remember(ImsPass *self, ImsSide side)
{
    g_auto(ImsOffers) offers = {0};

    ims_conn_offers(self->conn[side], &offers);
    if (self->store == NULL || ims_offers_equal(&offers, &self->offers[side]))
        return;
    ims_offers_clear(&self->offers[side]);
    self->offers[side] = offers;
    offers = (ImsOffers){0};
    save(self, side);
}

gboolean
ims_pass_confirm(ImsPass *self, GError **error)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        if (!ims_conn_confirm(self->conn[side], error)) {
            g_prefix_error(error, "%s: ", ims_side_name(side));
            return FALSE;
        }
        remember(self, side);
    }
    return TRUE;
}

gboolean
ims_pass_was_misled(ImsPass *self)
{
    gboolean misled = FALSE;

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        const ImsConn *conn = self->conn[side];

        if (!ims_conn_went_ahead(conn))
            continue;
        if (!self->misled[side] && ims_conn_was_misled(conn))
            misled = self->misled[side] = TRUE;
        if (ims_conn_fault(conn) != NULL)
            forget(self, side);
    }
    return misled;
}

void
ims_pass_disconnect(ImsPass *self)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        ims_pass_count_link(self, side);
        g_clear_pointer(&self->conn[side], ims_conn_free);
        self->selected[side] = NULL;
    }
}
