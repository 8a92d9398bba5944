/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Carrying flags: steps with the same change share a STORE. Additions and removals need no
 * condition, since one bit cannot be changed two ways; a message that gains and loses gets the
 * whole list, and only if nobody touched it since it was looked at. What counts as carried is what
 * the server showed. */

#include "engine/box.h"

/* Steps of one mailbox and side that make the same change. */
typedef struct {
    ImsStoreVerb verb;
    ImsFlags flags;
    ImsUidSet *uids;
    GPtrArray *steps; /* ImsFlagStep, borrowed from the plan */
} Group;

typedef struct {
    Group *group;
    ImsCmd *cmd;
} Sent;

static void
group_free(gpointer data)
{
    Group *group = data;

    ims_flags_clear(&group->flags);
    ims_uidset_free(group->uids);
    g_ptr_array_unref(group->steps);
    g_free(group);
}

static void
sent_clear(gpointer data)
{
    ims_cmd_unref(((Sent *)data)->cmd);
}

static ImsStoreVerb
verb_of(const ImsFlagStep *step)
{
    if (ims_flags_is_empty(&step->del))
        return IMS_STORE_ADD;
    return ims_flags_is_empty(&step->add) ? IMS_STORE_REMOVE : IMS_STORE_REPLACE;
}

static ImsFlags
list_of(const ImsFlagStep *step, ImsStoreVerb verb)
{
    g_auto(ImsFlags) more = {0};

    if (verb == IMS_STORE_ADD)
        return ims_flags_copy(&step->add);
    if (verb == IMS_STORE_REMOVE)
        return ims_flags_copy(&step->del);
    more = ims_flags_union(&step->now, &step->add);
    return ims_flags_minus(&more, &step->del);
}

static void
group_step(GHashTable *groups, ImsFlagStep *step)
{
    ImsStoreVerb verb = verb_of(step);
    ImsFlags flags = list_of(step, verb);
    g_autofree char *list = ims_flags_to_key(&flags);
    char *key = g_strdup_printf("%d %s", verb, list);
    Group *group = g_hash_table_lookup(groups, key);

    if (group == NULL) {
        group = g_new0(Group, 1);
        group->verb = verb;
        group->flags = flags;
        group->uids = ims_uidset_new();
        group->steps = g_ptr_array_new();
        g_hash_table_insert(groups, key, group);
    } else {
        ims_flags_clear(&flags);
        g_free(key);
    }
    ims_uidset_add(group->uids, step->row->uid[step->side]);
    g_ptr_array_add(group->steps, step);
}

static GHashTable *
group_steps(const ImsBox *box, ImsSide side)
{
    GHashTable *groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, group_free);

    for (guint i = 0; i < box->plan->flags->len; i++) {
        ImsFlagStep *step = g_ptr_array_index(box->plan->flags, i);

        if (step->side == side)
            group_step(groups, step);
    }
    return groups;
}

static gboolean
send_group(ImsPass *self, ImsBox *box, ImsSide side, Group *group, GArray *sent, GError **error)
{
    g_autoptr(GPtrArray) parts = ims_uidset_cut(group->uids);
    guint64 unchanged = group->verb == IMS_STORE_REPLACE ? box->delta[side]->point.modseq : 0;

    for (guint i = 0; i < parts->len; i++) {
        Sent item = {.group = group};

        item.cmd = ims_conn_store(
            self->conn[side],
            g_ptr_array_index(parts, i),
            group->verb,
            &group->flags,
            unchanged,
            error);
        if (item.cmd == NULL)
            return FALSE;
        g_array_append_val(sent, item);
    }
    return TRUE;
}

/* What the server showed of each message in answer to all the STOREs. */
static void
note_answers(GHashTable *shown, ImsUidSet *modified, ImsCmd *cmd, GPtrArray *keep)
{
    GArray *messages = ims_cmd_take_messages(cmd);

    for (guint i = 0; i < messages->len; i++) {
        ImsMessage *message = &g_array_index(messages, ImsMessage, i);

        if ((message->have & IMS_HAVE_FLAGS) != 0)
            g_hash_table_insert(shown, GUINT_TO_POINTER(message->uid), message);
    }
    g_ptr_array_add(keep, messages);
    ims_uidset_add_set(modified, ims_cmd_uids(cmd));
}

static gboolean
settle_group(
    ImsPass *self,
    ImsBox *box,
    Group *group,
    GHashTable *shown,
    const ImsUidSet *modified,
    GError **error)
{
    for (guint i = 0; i < group->steps->len; i++) {
        ImsFlagStep *step = g_ptr_array_index(group->steps, i);
        guint32 uid = step->row->uid[step->side];
        const ImsMessage *message = g_hash_table_lookup(shown, GUINT_TO_POINTER(uid));

        if (ims_uidset_contains(modified, uid)) {
            box->postponed = TRUE;
            continue;
        }
        ims_flag_step_settle(step, message != NULL ? &message->flags : NULL);
        ims_pass_count(self, box, IMS_COUNT_FLAGS_LOCAL + step->side, 1);
        if (!ims_store_save_row(self->store, box->mailbox->id, step->row, error))
            return FALSE;
    }
    return TRUE;
}

/* Collects the answers. A refusal by rights is remembered like a success, since asking again would
 * be in vain; it is shown as an issue. */
static gboolean
settle_side(
    ImsPass *self, ImsBox *box, ImsSide side, GArray *sent, GHashTable *groups, GError **error)
{
    g_autoptr(GHashTable) shown = g_hash_table_new(NULL, NULL);
    g_autoptr(ImsUidSet) modified = ims_uidset_new();
    g_autoptr(GPtrArray) keep = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    g_autofree char *refusal = NULL;
    GHashTableIter iter;
    gpointer group;

    for (guint i = 0; i < sent->len; i++) {
        ImsCmd *cmd = g_array_index(sent, Sent, i).cmd;

        if (!ims_conn_wait(self->conn[side], cmd, error))
            return FALSE;
        if (ims_cmd_reply(cmd) == IMS_REPLY_OK) {
            note_answers(shown, modified, cmd, keep);
        } else if (refusal == NULL) {
            refusal = g_strdup(ims_cmd_text(cmd));
        }
    }
    if (!ims_store_begin(self->store, error))
        return FALSE;
    g_hash_table_iter_init(&iter, groups);
    while (g_hash_table_iter_next(&iter, NULL, &group)) {
        if (!settle_group(self, box, group, shown, modified, error))
            return FALSE;
    }
    if (!ims_store_commit(self->store, error))
        return FALSE;
    return refusal == NULL ||
           ims_pass_raise(
               self, IMS_ISSUE_MAILBOX_FAILED, box->mailbox->name, side, 0, refusal, error);
}

static gboolean
carry_side(ImsPass *self, ImsBox *box, ImsSide side, GError **error)
{
    g_autoptr(GHashTable) groups = group_steps(box, side);
    g_autoptr(GArray) sent = g_array_new(FALSE, TRUE, sizeof(Sent));
    GHashTableIter iter;
    gpointer group;
    gboolean open = FALSE;

    g_array_set_clear_func(sent, sent_clear);
    if (g_hash_table_size(groups) == 0)
        return TRUE;
    if (!ims_box_select(self, box, side, &open, error))
        return FALSE;
    if (!open)
        return TRUE;
    ims_pass_tell(self, IMS_PHASE_MARKING, box);
    g_hash_table_iter_init(&iter, groups);
    while (g_hash_table_iter_next(&iter, NULL, &group)) {
        if (!send_group(self, box, side, group, sent, error))
            return FALSE;
    }
    return settle_side(self, box, side, sent, groups, error);
}

gboolean
ims_carry_flags(ImsPass *self, GPtrArray *boxes, GError **error)
{
    for (guint i = 0; i < boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(boxes, i);

        for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
            if (!box->left && box->plan != NULL && !carry_side(self, box, side, error))
                return FALSE;
        }
    }
    return TRUE;
}
