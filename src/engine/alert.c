/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What a server wants its user to read. It is an issue, so that a desktop shows it, and it goes by
 * itself: servers say it again as long as it matters, but not all of them each time. So it stays
 * for a day, and then until a pass does not hear it. */

#include "engine/box.h"

#define STAYS_US ((gint64)24 * 60 * 60 * G_USEC_PER_SEC)

/* That it cannot be stored stops nothing: it is in the journal too. */
static void
note_alert(ImsPass *self, ImsSide side)
{
    const char *words = ims_conn_alert(self->conn[side]);
    gint64 now_us = ims_clock_real(self->order->clock);

    if (words != NULL) {
        ims_pass_raise(self, IMS_ISSUE_ALERT, "", side, 0, words, NULL);
        self->alert_us[side] = now_us;
    } else if (now_us - self->alert_us[side] >= STAYS_US) {
        ims_pass_settle_issue(self, IMS_ISSUE_ALERT, "", side, NULL);
    }
}

void
ims_pass_note_alerts(ImsPass *self)
{
    if (self->store == NULL)
        return;
    ims_store_rollback(self->store);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        if (self->conn[side] != NULL)
            note_alert(self, side);
    }
}
