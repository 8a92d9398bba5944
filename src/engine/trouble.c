/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* One bad thing stops one thing, also if it takes the connection with it: a message that is too
 * much for a server, today or always. The server may call it its own trouble (Dovecot with a
 * damaged index, Cyrus with a file that cannot be read), call the APPEND bad, or just go away. Such
 * a message is put off: it stays new and is tried again in the next pass, and all others go on.
 * Nothing is written off by that, so it needs no proof but that it happened to the message alone:
 * as a network may fail at any moment, for a lost connection that means in a batch, and then alone.
 * Where it happens to one after another it is the server, and the mailbox is left as a whole. */

#include "engine/box.h"

#define PUT_OFF_MAX 16 /* refusals in a row */

static void
trouble_free(gpointer data)
{
    ImsTrouble *self = data;

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        ims_uidset_free(self->suspects[side]);
        ims_uidset_free(self->put_off[side]);
    }
    g_free(self->detail);
    g_free(self);
}

GHashTable *
ims_troubles_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, trouble_free);
}

ImsTrouble *
ims_box_trouble(ImsPass *self, const ImsBox *box)
{
    const char *name = box->mailbox->name;
    ImsTrouble *trouble = g_hash_table_lookup(self->troubles, name);

    if (trouble == NULL) {
        trouble = g_new0(ImsTrouble, 1);
        for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
            trouble->suspects[side] = ims_uidset_new();
            trouble->put_off[side] = ims_uidset_new();
        }
        g_hash_table_insert(self->troubles, g_strdup(name), trouble);
    }
    return trouble;
}

gboolean
ims_box_count_trouble(ImsPass *self, ImsBox *box, ImsSide side, const char *detail, GError **error)
{
    return box->left || ++box->troubles[side] < PUT_OFF_MAX ||
           ims_pass_leave(self, box, side, detail, error);
}

gboolean
ims_box_put_off(
    ImsPass *self,
    ImsBox *box,
    ImsSide from,
    guint32 uid,
    ImsSide side,
    const char *detail,
    GError **error)
{
    ImsTrouble *trouble = ims_box_trouble(self, box);

    ims_uidset_add(trouble->put_off[from], uid);
    trouble->side = side;
    g_free(trouble->detail);
    trouble->detail = g_strdup(detail);
    ims_uidset_add(box->unread[from], uid);
    box->again = TRUE;
    return ims_pass_raise(
        self, IMS_ISSUE_MAILBOX_FAILED, box->mailbox->name, side, 0, detail, error);
}

/* A BAD, or the end of a connection, does not say which message it was. */
gboolean
ims_box_note_risk(ImsPass *self, ImsBox *box, ImsSide side, const char *detail, GError **error)
{
    ImsSide from = self->risk_from;
    ImsUidSet *suspects = ims_box_trouble(self, box)->suspects[from];
    guint32 first = ims_uidset_range(self->risk, 0)->first;

    if (ims_uidset_count(self->risk) == 1 && ims_uidset_contains(suspects, first))
        return ims_box_put_off(self, box, from, first, side, detail, error);
    ims_uidset_add_set(suspects, self->risk);
    return TRUE;
}

static void
spare_copies(ImsBox *box, ImsSide from, const ImsUidSet *put_off)
{
    GArray *copies = box->plan->copies[ims_side_other(from)];

    for (guint i = copies->len; i > 0; i--) {
        guint32 uid = g_array_index(copies, ImsMessage, i - 1).uid;

        if (!ims_uidset_contains(put_off, uid))
            continue;
        ims_uidset_add(box->unread[from], uid);
        box->put_off = TRUE;
        g_array_remove_index(copies, i - 1);
    }
}

gboolean
ims_box_spare_put_off(ImsPass *self, ImsBox *box, GError **error)
{
    const char *name = box->mailbox->name;
    const ImsTrouble *trouble = g_hash_table_lookup(self->troubles, name);

    box->put_off = FALSE;
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES && trouble != NULL; side++)
        spare_copies(box, side, trouble->put_off[side]);
    if (!box->put_off || ims_pass_has_issue(self, IMS_ISSUE_MAILBOX_FAILED, name, trouble->side))
        return TRUE;
    return ims_pass_raise(
        self, IMS_ISSUE_MAILBOX_FAILED, name, trouble->side, 0, trouble->detail, error);
}
