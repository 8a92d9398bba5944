/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* A mailbox as a value. One that was just made is known nowhere, and nothing of it may be applied.
 */

#include "model/mailbox.h"

ImsMailbox *
ims_mailbox_new(const char *name)
{
    ImsMailbox *self = g_new0(ImsMailbox, 1);

    self->name = g_strdup(name);
    return self;
}

void
ims_mailbox_free(ImsMailbox *self)
{
    if (self == NULL)
        return;

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        g_free(self->identity[side]);
    g_free(self->name);
    g_free(self);
}
