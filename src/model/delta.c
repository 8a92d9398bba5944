/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* A delta is filled by imap and read by sync; here it is made and freed, with its sets never NULL.
 */
#include "model/delta.h"

ImsDelta *
ims_delta_new(void)
{
    ImsDelta *self = g_new0(ImsDelta, 1);

    self->permanent.system = IMS_FLAG_ALL;
    self->any_keyword = TRUE;
    self->vanished = ims_uidset_new();
    self->changed = ims_messages_new();
    self->fresh = ims_messages_new();
    return self;
}

void
ims_delta_free(ImsDelta *self)
{
    if (self == NULL)
        return;
    g_free(self->id);
    ims_flags_clear(&self->permanent);
    ims_uidset_free(self->vanished);
    g_array_unref(self->changed);
    g_array_unref(self->fresh);
    g_free(self);
}
