/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Mailboxes and their points. A mailbox has one line in `mailbox` and one for each side in `point`;
 * all else that belongs to it goes by foreign keys. */

#include "state/store-private.h"

static void
read_point(ImsStatement *statement, ImsPoint *point)
{
    point->uidvalidity = ims_statement_read_uint32(statement);
    point->uidnext = ims_statement_read_uint32(statement);
    point->modseq = ims_statement_read_bits(statement);
    point->messages = ims_statement_read_uint32(statement);
}

static void
bind_point(ImsStatement *statement, const ImsPoint *point)
{
    ims_statement_bind_int(statement, point->uidvalidity);
    ims_statement_bind_int(statement, point->uidnext);
    ims_statement_bind_bits(statement, point->modseq);
    ims_statement_bind_int(statement, point->messages);
}

/* Two lines make a mailbox: the local one comes first and begins it. */
static void
read_mailbox_line(ImsStatement *statement, gpointer data)
{
    GPtrArray *mailboxes = data;
    ImsSide side = (ImsSide)ims_statement_read_int(statement, IMS_LOCAL, IMS_REMOTE);
    gint64 id = ims_statement_read_int(statement, 1, G_MAXINT64);
    g_autofree char *name = ims_statement_read_text(statement);
    ImsMailbox *mailbox = NULL;

    if (name != NULL && side == IMS_LOCAL)
        g_ptr_array_add(mailboxes, mailbox = ims_mailbox_new(name));
    else if (mailboxes->len > 0)
        mailbox = g_ptr_array_index(mailboxes, mailboxes->len - 1);
    if (mailbox == NULL || (side == IMS_REMOTE && mailbox->id != id)) {
        ims_statement_set_bad(statement);
        return;
    }

    mailbox->id = id;
    mailbox->valid = ims_statement_read_bool(statement);
    mailbox->excluded = ims_statement_read_bool(statement);
    mailbox->compared_us = ims_statement_read_int(statement, 0, G_MAXINT64);
    mailbox->last_sync_us = ims_statement_read_int(statement, 0, G_MAXINT64);
    mailbox->known[side] = ims_statement_read_bool(statement);
    mailbox->identity[side] = ims_statement_read_nullable_text(statement);
    mailbox->held_uidnext[side] = ims_statement_read_uint32(statement);
    read_point(statement, &mailbox->point[side]);
    mailbox->subscribed[side] = (ImsSubscription)ims_statement_read_int(
        statement, IMS_SUBSCRIPTION_UNKNOWN, IMS_SUBSCRIPTION_YES);
    mailbox->refused[side] = ims_statement_read_bits(statement);
}

GPtrArray *
ims_store_mailboxes(ImsStore *self, GError **error)
{
    g_autoptr(GPtrArray) mailboxes =
        g_ptr_array_new_with_free_func((GDestroyNotify)ims_mailbox_free);
    g_autoptr(ImsStatement) ask = ims_db_statement(
        self->db,
        "SELECT side, id, name, valid, excluded, compared_us, last_sync_us,"
        " known, identity, held_uidnext,"
        " uidvalidity, uidnext, modseq, messages, subscribed, refused"
        " FROM mailbox JOIN point ON mailbox = id ORDER BY name, side",
        error);

    if (ask == NULL || !ims_statement_each(ask, read_mailbox_line, mailboxes, error))
        return NULL;
    return g_steal_pointer(&mailboxes);
}

/* The parameters of both; @id is the last one. */
#define INSERT_MAILBOX                                                                             \
    "INSERT INTO mailbox (name, valid, excluded, compared_us, last_sync_us, id)"                   \
    " VALUES (?, ?, ?, ?, ?, nullif(?, 0))"
#define UPDATE_MAILBOX                                                                             \
    "UPDATE mailbox SET name = ?, valid = ?, excluded = ?, compared_us = ?, last_sync_us = ?"      \
    " WHERE id = ?"

static gboolean
save_itself(ImsStore *self, const ImsMailbox *mailbox, GError **error)
{
    g_autoptr(ImsStatement) save =
        ims_store_write(self, mailbox->id == 0 ? INSERT_MAILBOX : UPDATE_MAILBOX, error);

    if (save == NULL)
        return FALSE;
    ims_statement_bind_text(save, mailbox->name);
    ims_statement_bind_int(save, mailbox->valid ? 1 : 0);
    ims_statement_bind_int(save, mailbox->excluded ? 1 : 0);
    ims_statement_bind_int(save, mailbox->compared_us);
    ims_statement_bind_int(save, mailbox->last_sync_us);
    ims_statement_bind_int(save, mailbox->id);
    return ims_statement_run(save, error) && ims_store_expect_one(self, error);
}

static gboolean
save_side(ImsStore *self, const ImsMailbox *mailbox, gint64 id, ImsSide side, GError **error)
{
    g_autoptr(ImsStatement) save = ims_store_write(
        self,
        "INSERT OR REPLACE INTO point (mailbox, side, known, identity, held_uidnext,"
        " uidvalidity, uidnext, modseq, messages, subscribed, refused)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        error);

    if (save == NULL)
        return FALSE;
    ims_statement_bind_int(save, id);
    ims_statement_bind_int(save, side);
    ims_statement_bind_int(save, mailbox->known[side] ? 1 : 0);
    ims_statement_bind_text(save, mailbox->identity[side]);
    ims_statement_bind_int(save, mailbox->held_uidnext[side]);
    bind_point(save, &mailbox->point[side]);
    ims_statement_bind_int(save, mailbox->subscribed[side]);
    ims_statement_bind_bits(save, mailbox->refused[side]);
    return ims_statement_run(save, error);
}

gboolean
ims_store_save_mailbox(ImsStore *self, ImsMailbox *mailbox, GError **error)
{
    gint64 id;

    if (!save_itself(self, mailbox, error))
        return FALSE;

    id = mailbox->id != 0 ? mailbox->id : ims_db_last_id(self->db);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        if (!save_side(self, mailbox, id, side, error))
            return FALSE;
    }

    mailbox->id = id;
    return TRUE;
}

gboolean
ims_store_reset_mailbox(ImsStore *self, gint64 mailbox, GError **error)
{
    return ims_store_write_id(self, "DELETE FROM row WHERE mailbox = ?", mailbox, error) &&
           ims_store_write_id(self, "DELETE FROM intent WHERE mailbox = ?", mailbox, error);
}

gboolean
ims_store_forget_mailbox(ImsStore *self, gint64 mailbox, GError **error)
{
    return ims_store_write_id(self, "DELETE FROM mailbox WHERE id = ?", mailbox, error);
}
