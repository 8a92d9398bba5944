/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What a connection was, told at its end: then all is known, however it ended. */
#include "imap/conn-private.h"

/* It is made use of, or would be. */
static gboolean
compress_counts(const ImsConn *self)
{
    return self->deflate != NULL ||
           (ims_conn_wants_compress(self) && !ims_conn_has(self, "COMPRESS=DEFLATE"));
}

void
ims_conn_tell(const ImsConn *self, ImsFacts *facts)
{
    ims_link_tell(self->link, facts);
    facts->server = g_strdup(self->session.server);
    facts->mechanism = self->session.greeting == IMS_PREAUTH ? "PREAUTH" : self->way;
    if (self->logged_in)
        ims_caps_tell(&self->session.caps, compress_counts(self), facts);
}
