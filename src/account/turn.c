/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Servers take only so many connections from one user or one address, and refuse the next. So all
 * accounts that lead to one server take turns, in the order in which they ask: a job takes what it
 * needs on both sides at once, or waits and holds nothing; and nobody passes one who waits for the
 * same server, so that each comes to its turn. A job that needs more than the server's number, as
 * both of its sides are there, goes alone. A server knows a moment later than we do that a
 * connection has ended, so a turn lingers for that moment. */

#include "account/account-private.h"
#include "account/identity.h"

#define LINGER_MS 300

struct ImsTurn {
    ImsAccounts *accounts;
    ImsAccount *account; /* NULL: it has ended, and lingers */
    char *server[IMS_N_SIDES];
    gboolean granted;
    guint linger; /* source; 0: none */
};

static void
clear_servers(ImsTurn *self)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        g_clear_pointer(&self->server[side], g_free);
}

static void
turn_free(gpointer data)
{
    ImsTurn *self = data;

    g_clear_handle_id(&self->linger, g_source_remove);
    clear_servers(self);
    g_free(self);
}

GPtrArray *
ims_turns_new(void)
{
    return g_ptr_array_new_with_free_func(turn_free);
}

/* How many connections to @server it is about. */
static guint
count(const ImsTurn *self, const char *server)
{
    return (g_strcmp0(self->server[IMS_LOCAL], server) == 0) +
           (g_strcmp0(self->server[IMS_REMOTE], server) == 0);
}

/* The least that any account which leads there says. */
static guint
limit_of(const ImsAccounts *accounts, const char *server)
{
    guint limit = G_MAXUINT;

    for (guint i = 0; i < accounts->all->len; i++) {
        const ImsConfig *config = ((const ImsAccount *)accounts->all->pdata[i])->config;

        for (ImsSide side = IMS_LOCAL; config != NULL && config->enabled && side < IMS_N_SIDES;
             side++) {
            g_autofree char *other = ims_side_config_server(&config->side[side]);

            if (g_strcmp0(other, server) == 0)
                limit = MIN(limit, config->side[side].connections);
        }
    }
    return limit;
}

static gboolean
fits_on(const ImsTurn *self, const char *server)
{
    const GPtrArray *turns = self->accounts->turns;
    gboolean is_ahead = TRUE;
    guint used = 0;

    for (guint i = 0; i < turns->len; i++) {
        const ImsTurn *other = turns->pdata[i];

        if (other == self)
            is_ahead = FALSE;
        else if (other->granted)
            used += count(other, server);
        else if (is_ahead && count(other, server) > 0)
            return FALSE;
    }
    return used == 0 || used + count(self, server) <= limit_of(self->accounts, server);
}

static gboolean
fits(const ImsTurn *self)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        if (self->server[side] != NULL && !fits_on(self, self->server[side]))
            return FALSE;
    }
    return TRUE;
}

/* In the order in which they wait; each asks again. */
void
ims_turns_wake(ImsAccounts *accounts)
{
    for (guint i = 0; accounts->turns != NULL && i < accounts->turns->len; i++) {
        const ImsTurn *turn = accounts->turns->pdata[i];

        if (!turn->granted)
            ims_account_schedule(turn->account);
    }
}

gboolean
ims_account_take_turn(ImsAccount *self)
{
    if (self->turn == NULL) {
        self->turn = g_new0(ImsTurn, 1);
        self->turn->accounts = self->accounts;
        self->turn->account = self;
        g_ptr_array_add(self->accounts->turns, self->turn);
    }
    clear_servers(self->turn); /* the file may be another since it began to wait */
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        self->turn->server[side] = ims_side_config_server(&self->config->side[side]);
    if (!fits(self->turn))
        return FALSE;

    self->turn->granted = TRUE;
    ims_turns_wake(self->accounts);
    return TRUE;
}

static void
drop(ImsTurn *self)
{
    ImsAccounts *accounts = self->accounts;

    g_ptr_array_remove(accounts->turns, self);
    ims_turns_wake(accounts);
}

static gboolean
lingered(gpointer data)
{
    ImsTurn *self = data;

    self->linger = 0;
    drop(self);
    return G_SOURCE_REMOVE;
}

void
ims_account_end_turn(ImsAccount *self)
{
    ImsTurn *turn = g_steal_pointer(&self->turn);

    if (turn == NULL || self->accounts->turns == NULL)
        return;
    turn->account = NULL;
    if (turn->granted)
        turn->linger = g_timeout_add(LINGER_MS, lingered, turn);
    else
        drop(turn);
}
