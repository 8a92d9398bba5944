/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* What a FETCH line told of a message, and the short hash that recognises it again on the same
 * server. The hash stands in state files: its constants must not change. */
#include "model/message.h"

void
ims_message_clear(ImsMessage *self)
{
    ims_flags_clear(&self->flags);
    *self = (ImsMessage){0};
}

ImsMessage
ims_message_copy(const ImsMessage *self)
{
    ImsMessage copy = *self;

    copy.flags = ims_flags_copy(&self->flags);
    return copy;
}

static void
clear_message(gpointer message)
{
    ims_message_clear(message);
}

GArray *
ims_messages_new(void)
{
    GArray *messages = g_array_new(FALSE, TRUE, sizeof(ImsMessage));

    g_array_set_clear_func(messages, clear_message);
    return messages;
}

/* A bijection in which each bit of @x reaches each bit of the result. */
static guint64
mix(guint64 x)
{
    x = (x ^ (x >> 32)) * G_GUINT64_CONSTANT(0xd6e8feb86659fd93);
    x = (x ^ (x >> 32)) * G_GUINT64_CONSTANT(0xd6e8feb86659fd93);
    return x ^ (x >> 32);
}

guint64
ims_message_hash(guint64 size, gint64 date)
{
    guint64 hash = mix(mix(size + 1) ^ (guint64)date);

    return hash == 0 ? 1 : hash;
}
