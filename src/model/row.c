/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Rows and intents are plain values; this file only makes, copies and frees them. What they mean,
 * and when they change, is sync's and the engine's. */
#include "model/row.h"

ImsRow *
ims_row_new(void)
{
    return g_new0(ImsRow, 1);
}

ImsRow *
ims_row_copy(const ImsRow *self)
{
    ImsRow *copy = g_memdup2(self, sizeof *self);

    for (guint side = 0; side < IMS_N_SIDES; side++)
        copy->flags[side] = ims_flags_copy(&self->flags[side]);
    copy->detail = g_strdup(self->detail);
    return copy;
}

void
ims_row_free(ImsRow *self)
{
    if (self == NULL)
        return;
    for (guint side = 0; side < IMS_N_SIDES; side++)
        ims_flags_clear(&self->flags[side]);
    g_free(self->detail);
    g_free(self);
}

static void
clear_intent_message(gpointer data)
{
    ImsIntentMessage *message = data;

    ims_flags_clear(&message->flags);
}

ImsIntent *
ims_intent_new(void)
{
    ImsIntent *self = g_new0(ImsIntent, 1);

    self->messages = g_array_new(FALSE, TRUE, sizeof(ImsIntentMessage));
    g_array_set_clear_func(self->messages, clear_intent_message);
    return self;
}

void
ims_intent_free(ImsIntent *self)
{
    if (self == NULL)
        return;
    g_array_unref(self->messages);
    g_free(self->to_id);
    g_free(self);
}
