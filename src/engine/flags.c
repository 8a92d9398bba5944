/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Carrying flags: steps with the same change share a STORE. Additions and removals need no
 * condition, since one bit cannot be changed two ways; a message that both gains and loses gains
 * first and loses in the next flight, so that no list is ever replaced and no flag of another
 * client's is overwritten. What counts as carried is what the server showed.
 *
 * A STORE that changes nothing is answered by no FETCH line. So a FETCH goes before each in the
 * same flight: what it shows and what the STORE changes together are what stands, and a flag that
 * was there already is known to have been, when another client takes it away again. */

#include "engine/box.h"

/* Messages of one mailbox and side that gain, or lose, the same. */
typedef struct {
    ImsFlags flags;
    ImsUidSet *uids;
    char *refusal;  /* the server's words if it said NO */
    gboolean stale; /* the NO said that messages have gone: what was done is not known */
    gboolean later; /* the NO was about the moment */
} Group;

typedef struct {
    Group *group;
    ImsCmd *fetch;
    ImsCmd *store;
} Sent;

static void
group_free(gpointer data)
{
    Group *group = data;

    ims_flags_clear(&group->flags);
    ims_uidset_free(group->uids);
    g_free(group->refusal);
    g_free(group);
}

static void
sent_clear(gpointer data)
{
    Sent *sent = data;

    ims_cmd_unref(sent->fetch);
    ims_cmd_unref(sent->store);
}

static GArray *
sent_new(void)
{
    GArray *sent = g_array_new(FALSE, TRUE, sizeof(Sent));

    g_array_set_clear_func(sent, sent_clear);
    return sent;
}

static Group *
group_for(GHashTable *groups, const ImsFlags *flags)
{
    char *key = ims_flags_to_key(flags);
    Group *group = g_hash_table_lookup(groups, key);

    if (group != NULL) {
        g_free(key);
        return group;
    }
    group = g_new0(Group, 1);
    group->flags = ims_flags_copy(flags);
    group->uids = ims_uidset_new();
    g_hash_table_insert(groups, key, group);
    return group;
}

static GHashTable *
group_steps(const ImsBox *box, ImsSide side, ImsStoreVerb verb)
{
    GHashTable *groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, group_free);

    for (guint i = 0; i < box->plan->flags->len; i++) {
        const ImsFlagStep *step = g_ptr_array_index(box->plan->flags, i);
        const ImsFlags *flags = verb == IMS_STORE_ADD ? &step->add : &step->del;

        if (step->side == side && !ims_flags_is_empty(flags))
            ims_uidset_add(group_for(groups, flags)->uids, step->row->uid[side]);
    }
    return groups;
}

static gboolean
send_group(
    ImsPass *self,
    ImsSide side,
    ImsStoreVerb verb,
    Group *group,
    const ImsFlags *flags,
    GArray *sent,
    GError **error)
{
    Sent item = {.group = group};

    item.fetch = ims_conn_fetch_flags(self->conn[side], group->uids, error);
    if (item.fetch == NULL)
        return FALSE;
    item.store = ims_conn_store(self->conn[side], group->uids, verb, flags, 0, error);
    g_array_append_val(sent, item);
    return item.store != NULL;
}

/* What the server showed of each message; later words win. */
static void
note_shown(GHashTable *shown, ImsCmd *cmd)
{
    g_autoptr(GArray) messages = ims_cmd_take_messages(cmd);

    for (guint i = 0; i < messages->len; i++) {
        const ImsMessage *message = &g_array_index(messages, ImsMessage, i);
        ImsFlags *flags;

        if ((message->have & IMS_HAVE_FLAGS) == 0)
            continue;
        flags = g_new(ImsFlags, 1);
        *flags = ims_flags_copy(&message->flags);
        g_hash_table_replace(shown, GUINT_TO_POINTER(message->uid), flags);
    }
}

static void
shown_free(gpointer data)
{
    ims_flags_clear(data);
    g_free(data);
}

/* Waits for all of @sent. A refusal of the moment leaves the mailbox; what was refused is kept in
 * the group. */
static gboolean
collect(ImsPass *self, ImsBox *box, ImsSide side, GArray *sent, GHashTable *shown, GError **error)
{
    for (guint i = 0; i < sent->len; i++) {
        const Sent *item = &g_array_index(sent, Sent, i);

        if (!ims_conn_wait(self->conn[side], item->fetch, error) ||
            !ims_conn_wait(self->conn[side], item->store, error))
            return FALSE;
        note_shown(shown, item->fetch);
        note_shown(shown, item->store);
        if (ims_cmd_reply(item->store) == IMS_REPLY_OK)
            continue;
        if (ims_reply_is_stale(item->store)) {
            item->group->stale = TRUE;
            continue;
        }
        if (item->group->refusal == NULL)
            item->group->refusal = g_strdup(ims_cmd_text(item->store));
        item->group->later |= ims_reply_may_pass(ims_cmd_code(item->store));
        if (item->group->later &&
            !ims_pass_leave(self, box, side, ims_cmd_text(item->store), error))
            return FALSE;
    }
    return TRUE;
}

/* One keyword too many must not keep the others, and the system flags, from travelling. Those that
 * the mailbox knows take no more room in it. */
static gboolean
send_without_new_keywords(
    ImsPass *self,
    ImsBox *box,
    ImsSide side,
    ImsStoreVerb verb,
    GHashTable *groups,
    GHashTable *shown,
    GError **error)
{
    const ImsKeeps known = {ims_box_keeps(box, side).permanent, FALSE};
    g_autoptr(GArray) sent = sent_new();
    GHashTableIter iter;
    gpointer data;

    g_hash_table_iter_init(&iter, groups);
    while (g_hash_table_iter_next(&iter, NULL, &data)) {
        Group *group = data;
        g_auto(ImsFlags) rest = ims_keeps_mask(&known, &group->flags);

        if (group->refusal != NULL && !ims_flags_is_empty(&rest) &&
            !ims_flags_equal(&rest, &group->flags) &&
            !send_group(self, side, verb, group, &rest, sent, error))
            return FALSE;
    }
    return collect(self, box, side, sent, shown, error);
}

/* The one half of @step. Returns: (transfer none): what it borrows is the step's. */
static ImsFlagStep
half(const ImsFlagStep *step, ImsStoreVerb verb)
{
    ImsFlagStep part = {.row = step->row, .side = step->side};

    if (verb == IMS_STORE_ADD)
        part.add = step->add;
    else
        part.del = step->del;
    return part;
}

/* Each half is settled by the answers to its own STORE: what another client does between the two is
 * a change. What is @open stays one. */
static gboolean
settle_verb(
    ImsPass *self,
    ImsBox *box,
    ImsSide side,
    ImsStoreVerb verb,
    GHashTable *shown,
    const ImsUidSet *open,
    GError **error)
{
    if (!ims_store_begin(self->store, error))
        return FALSE;
    for (guint i = 0; i < box->plan->flags->len; i++) {
        const ImsFlagStep *step = g_ptr_array_index(box->plan->flags, i);
        ImsFlagStep part = half(step, verb);

        if (step->side != side || ims_uidset_contains(open, step->row->uid[side]) ||
            (ims_flags_is_empty(&part.add) && ims_flags_is_empty(&part.del)))
            continue;
        ims_flag_step_settle(
            &part, g_hash_table_lookup(shown, GUINT_TO_POINTER(step->row->uid[side])));
        if (!ims_store_save_row(self->store, box->mailbox->id, step->row, error))
            return FALSE;
    }
    return ims_store_commit(self->store, error);
}

/* A refusal by rights or limits is remembered like a success, since asking again would be in vain;
 * it is shown as an issue. */
static gboolean
raise_refusals(
    ImsPass *self,
    ImsBox *box,
    ImsSide side,
    GHashTable *groups,
    ImsUidSet *refused,
    GError **error)
{
    const char *words = NULL;
    GHashTableIter iter;
    gpointer data;

    g_hash_table_iter_init(&iter, groups);
    while (g_hash_table_iter_next(&iter, NULL, &data)) {
        const Group *group = data;

        if (group->refusal == NULL || group->later)
            continue;
        ims_uidset_add_set(refused, group->uids);
        words = group->refusal;
    }
    return words == NULL ||
           ims_pass_raise(
               self, IMS_ISSUE_MAILBOX_FAILED, box->mailbox->name, side, 0, words, error);
}

/* Returns: (transfer full): the messages of which nobody knows what was done. */
static ImsUidSet *
find_open(GHashTable *groups, gboolean *out_stale)
{
    ImsUidSet *open = ims_uidset_new();
    GHashTableIter iter;
    gpointer data;

    g_hash_table_iter_init(&iter, groups);
    while (g_hash_table_iter_next(&iter, NULL, &data)) {
        const Group *group = data;

        *out_stale |= group->stale;
        if (group->stale || group->later)
            ims_uidset_add_set(open, group->uids);
    }
    return open;
}

/* A new round decides about what is open; nothing is committed before. */
static void
decide_anew(ImsBox *box)
{
    box->again = TRUE;
    g_clear_pointer(&box->plan, ims_plan_free);
}

static gboolean
carry_verb(
    ImsPass *self, ImsBox *box, ImsSide side, ImsStoreVerb verb, ImsUidSet *refused, GError **error)
{
    g_autoptr(GHashTable) groups = group_steps(box, side, verb);
    g_autoptr(GHashTable) shown = g_hash_table_new_full(NULL, NULL, NULL, shown_free);
    g_autoptr(GArray) sent = sent_new();
    g_autoptr(ImsUidSet) open = NULL;
    gboolean stale = FALSE;
    GHashTableIter iter;
    gpointer data;

    if (box->left || g_hash_table_size(groups) == 0)
        return TRUE;
    g_hash_table_iter_init(&iter, groups);
    while (g_hash_table_iter_next(&iter, NULL, &data)) {
        if (!send_group(self, side, verb, data, &((Group *)data)->flags, sent, error))
            return FALSE;
    }
    if (!collect(self, box, side, sent, shown, error) ||
        !send_without_new_keywords(self, box, side, verb, groups, shown, error))
        return FALSE;
    open = find_open(groups, &stale);
    if (!settle_verb(self, box, side, verb, shown, open, error) ||
        !raise_refusals(self, box, side, groups, refused, error))
        return FALSE;
    if (stale)
        decide_anew(box);
    return TRUE;
}

static gboolean
has_steps(const ImsBox *box, ImsSide side)
{
    gboolean any = FALSE;

    for (guint i = 0; i < box->plan->flags->len; i++)
        any |= ((const ImsFlagStep *)g_ptr_array_index(box->plan->flags, i))->side == side;
    return any;
}

static void
count_carried(ImsPass *self, ImsBox *box, ImsSide side, const ImsUidSet *refused)
{
    for (guint i = 0; i < box->plan->flags->len; i++) {
        const ImsFlagStep *step = g_ptr_array_index(box->plan->flags, i);

        if (step->side == side && !ims_uidset_contains(refused, step->row->uid[side]))
            ims_pass_count(self, box, IMS_COUNT_FLAGS_LOCAL + side, 1);
    }
}

static gboolean
carry_side(ImsPass *self, ImsBox *box, ImsSide side, GError **error)
{
    g_autoptr(ImsUidSet) refused = ims_uidset_new();
    gboolean open = FALSE;

    if (!has_steps(box, side))
        return TRUE;
    if (!ims_box_select(self, box, side, &open, error))
        return FALSE;
    if (!open)
        return TRUE;
    ims_pass_tell(self, IMS_PHASE_MARKING, box);
    if (!carry_verb(self, box, side, IMS_STORE_ADD, refused, error) ||
        (box->plan != NULL && !carry_verb(self, box, side, IMS_STORE_REMOVE, refused, error)))
        return FALSE;
    if (!box->left && box->plan != NULL)
        count_carried(self, box, side, refused);
    return TRUE;
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
