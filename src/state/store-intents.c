/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Intents: a line for the copy that was begun and one for each of its messages. What is read into
 * them after a crash is the engine's business. */

#include "state/store-private.h"

static void
read_intent(ImsStatement *statement, gpointer data)
{
    GPtrArray *intents = data;
    ImsIntent *intent = ims_intent_new();

    g_ptr_array_add(intents, intent);
    intent->id = ims_statement_read_int(statement, 1, G_MAXINT64);
    intent->mailbox = ims_statement_read_int(statement, 1, G_MAXINT64);
    intent->to = (ImsSide)ims_statement_read_int(statement, IMS_LOCAL, IMS_REMOTE);
    intent->from_uidvalidity = ims_statement_read_uint32(statement);
    intent->to_uidvalidity = ims_statement_read_uint32(statement);
    intent->to_id = ims_statement_read_nullable_text(statement);
    intent->floor = ims_statement_read_uint32(statement);
}

static gboolean
save_itself(ImsStore *self, const ImsIntent *intent, GError **error)
{
    g_autoptr(ImsStatement) save = ims_store_write(
        self,
        "INSERT INTO intent"
        " (id, mailbox, to_side, from_uidvalidity, to_uidvalidity, to_id, floor)"
        " VALUES (nullif(?, 0), ?, ?, ?, ?, ?, ?)",
        error);

    if (save == NULL)
        return FALSE;
    ims_statement_bind_int(save, intent->id);
    ims_statement_bind_int(save, intent->mailbox);
    ims_statement_bind_int(save, intent->to);
    ims_statement_bind_int(save, intent->from_uidvalidity);
    ims_statement_bind_int(save, intent->to_uidvalidity);
    ims_statement_bind_text(save, intent->to_id);
    ims_statement_bind_int(save, intent->floor);
    return ims_statement_run(save, error);
}

static void
read_message(ImsStatement *statement, gpointer data)
{
    GArray *messages = data;
    ImsIntentMessage message = {0};

    message.uid = (guint32)ims_statement_read_int(statement, 1, G_MAXUINT32);
    message.size = ims_statement_read_bits(statement);
    message.date = ims_statement_read_int(statement, G_MININT64, G_MAXINT64);
    message.fingerprint = ims_statement_read_bits(statement);
    ims_store_read_flags(statement, &message.flags);
    g_array_append_val(messages, message);
}

static gboolean
save_message(ImsStore *self, gint64 intent, const ImsIntentMessage *message, GError **error)
{
    g_autoptr(ImsStatement) save = ims_store_write(
        self,
        "INSERT INTO intent_message (intent, uid, size, date, fingerprint, flags)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        error);

    if (save == NULL)
        return FALSE;
    ims_statement_bind_int(save, intent);
    ims_statement_bind_int(save, message->uid);
    ims_statement_bind_bits(save, message->size);
    ims_statement_bind_int(save, message->date);
    ims_statement_bind_bits(save, message->fingerprint);
    ims_store_bind_flags(save, &message->flags);
    return ims_statement_run(save, error);
}

gboolean
ims_store_save_intent(ImsStore *self, ImsIntent *intent, GError **error)
{
    gint64 id;

    g_assert(intent->messages->len <= IMS_INTENT_MAX);

    if (intent->id != 0 && !ims_store_delete_intent(self, intent->id, error))
        return FALSE;
    if (!save_itself(self, intent, error))
        return FALSE;

    id = ims_db_last_id(self->db);
    for (guint i = 0; i < intent->messages->len; i++) {
        if (!save_message(self, id, &g_array_index(intent->messages, ImsIntentMessage, i), error))
            return FALSE;
    }

    intent->id = id;
    return TRUE;
}

gboolean
ims_store_delete_intent(ImsStore *self, gint64 intent, GError **error)
{
    return ims_store_write_id(self, "DELETE FROM intent WHERE id = ?", intent, error);
}

static gboolean
add_messages(ImsStore *self, ImsIntent *intent, GError **error)
{
    g_autoptr(ImsStatement) ask = ims_db_statement(
        self->db,
        "SELECT uid, size, date, fingerprint, flags FROM intent_message WHERE intent = ?"
        " ORDER BY uid",
        error);

    if (ask == NULL)
        return FALSE;
    ims_statement_bind_int(ask, intent->id);
    return ims_statement_each(ask, read_message, intent->messages, error);
}

GPtrArray *
ims_store_intents(ImsStore *self, GError **error)
{
    g_autoptr(GPtrArray) intents = g_ptr_array_new_with_free_func((GDestroyNotify)ims_intent_free);
    g_autoptr(ImsStatement) ask = ims_db_statement(
        self->db,
        "SELECT id, mailbox, to_side, from_uidvalidity, to_uidvalidity, to_id, floor"
        " FROM intent ORDER BY id",
        error);

    if (ask == NULL || !ims_statement_each(ask, read_intent, intents, error))
        return NULL;
    for (guint i = 0; i < intents->len; i++) {
        if (!add_messages(self, g_ptr_array_index(intents, i), error))
            return NULL;
    }
    return g_steal_pointer(&intents);
}
