/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The account's tree: both listings in one flight, what to do about them, and where each mailbox
 * stands. A mailbox whose points did not move is not opened at all.
 *
 * Not all that is listed is there: of a mailbox that was deleted, while one below it was not,
 * Dovecot 2.3 with Maildir lists the name as if it could be opened, and has no STATUS of it. But a
 * server may also leave a STATUS out for a trouble of the moment. So a name without STATUS is asked
 * for by itself, and then the LIST is made again: if the one says that there is no such mailbox,
 * and the other still has no STATUS, it is a mere level. In that order, since one that was renamed
 * before it was asked for stands in the LIST under its other name. */

#include <glib/gi18n.h>
#include <string.h>

#include "engine/lists.h"
#include "imap/refusal.h"

/* -- listings -- */

void
ims_lists_clear(ImsLists *self)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        g_clear_pointer(&self->by_name[side], g_hash_table_unref);
        g_clear_pointer(&self->names[side], g_ptr_array_unref);
        g_clear_pointer(&self->listed[side], g_array_unref);
        g_clear_pointer(&self->cmd[side], ims_cmd_unref);
        g_clear_pointer(&self->probes[side], g_hash_table_unref);
        g_clear_pointer(&self->spaces[side], ims_cmd_unref);
    }
}

/* Of what the listing before had no STATUS of. */
static gboolean
ask_probes(ImsPass *pass, ImsLists *self, ImsSide side, GError **error)
{
    const GPtrArray *silent = pass->silent[side];

    self->probes[side] =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)ims_cmd_unref);
    for (guint i = 0; i < silent->len; i++) {
        const char *spelling = g_ptr_array_index(silent, i);
        ImsCmd *probe = ims_conn_status(pass->conn[side], spelling, error);

        if (probe == NULL)
            return FALSE;
        g_hash_table_insert(self->probes[side], g_strdup(spelling), probe);
    }
    return TRUE;
}

gboolean
ims_lists_ask(ImsPass *pass, ImsLists *self, ImsSide side, gboolean with_spaces, GError **error)
{
    if (!ask_probes(pass, self, side, error))
        return FALSE;
    if (with_spaces) {
        self->spaces[side] = ims_conn_namespace(pass->conn[side], error);
        if (self->spaces[side] == NULL)
            return FALSE;
    }
    self->cmd[side] = ims_conn_list(pass->conn[side], error);
    return self->cmd[side] != NULL && ims_conn_compress(pass->conn[side], error);
}

static gboolean
wait_for(ImsPass *pass, ImsSide side, ImsCmd *cmd, const char *what, GError **error)
{
    if (!ims_conn_wait(pass->conn[side], cmd, error))
        return FALSE;
    if (ims_cmd_reply(cmd) != IMS_REPLY_NO)
        return TRUE;
    g_set_error(
        error,
        IMS_ERROR,
        (gint)ims_refusal_error(ims_cmd_code(cmd), ims_cmd_text(cmd), IMS_ERROR_SERVER_REJECTED),
        "%s: %s: %s",
        ims_side_name(side),
        what,
        ims_cmd_text(cmd));
    return FALSE;
}

/* Some servers tell the delimiter with some names only. */
static void
learn_delimiter(ImsNaming *naming, GPtrArray *listings)
{
    for (guint i = 0; i < listings->len && naming->delimiter == 0; i++)
        naming->delimiter = ((const ImsListing *)g_ptr_array_index(listings, i))->delimiter;
}

/* Whether a name is but a level, though the LIST does not say so. */
static gboolean
is_bare(const ImsLists *self, ImsSide side, const ImsListing *listing)
{
    const ImsCmd *probe = g_hash_table_lookup(self->probes[side], listing->name);

    return listing->have == 0 && probe != NULL && ims_cmd_reply(probe) == IMS_REPLY_NO &&
           ims_reply_is_nonexistent(ims_cmd_code(probe), ims_cmd_text(probe));
}

static void
note_silent(ImsPass *pass, const ImsLists *self, ImsSide side)
{
    const guint none = IMS_LIST_NOSELECT | IMS_LIST_NONEXISTENT;
    GPtrArray *listings = ims_cmd_listings(self->cmd[side]);

    g_ptr_array_set_size(pass->silent[side], 0);
    for (guint i = 0; i < listings->len; i++) {
        ImsListing *listing = g_ptr_array_index(listings, i);

        if (listing->have != 0 || listing->wire != NULL || (listing->attributes & none) != 0)
            continue;
        g_ptr_array_add(pass->silent[side], g_strdup(listing->name));
        if (is_bare(self, side, listing))
            listing->attributes |= IMS_LIST_NONEXISTENT;
    }
}

static GArray *
tree_names(GPtrArray *listings)
{
    GArray *names = g_array_new(FALSE, TRUE, sizeof(ImsTreeName));

    for (guint i = 0; i < listings->len; i++) {
        const ImsListing *listing = g_ptr_array_index(listings, i);
        ImsTreeName name = {
            .spelling = listing->name,
            .delimiter = listing->delimiter,
            .nameless = listing->wire != NULL,
            .selectable = (listing->attributes & (IMS_LIST_NOSELECT | IMS_LIST_NONEXISTENT)) == 0,
            .subscribed = (listing->attributes & IMS_LIST_SUBSCRIBED) != 0,
            .role = listing->role,
        };

        g_array_append_val(names, name);
    }
    return names;
}

static void
index_listings(ImsPass *pass, ImsLists *self, ImsSide side)
{
    GPtrArray *listings = ims_cmd_listings(self->cmd[side]);

    note_silent(pass, self, side);
    learn_delimiter(&pass->naming[side], listings);
    self->listed[side] = tree_names(listings);
    self->tree[side] = (ImsTree){
        (const ImsTreeName *)(gpointer)self->listed[side]->data,
        self->listed[side]->len,
        &pass->naming[side],
    };
    self->names[side] = ims_tree_names(&self->tree[side]);
    self->by_name[side] = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < listings->len; i++) {
        char *name = g_ptr_array_index(self->names[side], i);

        if (name != NULL)
            g_hash_table_insert(self->by_name[side], name, g_ptr_array_index(listings, i));
    }
}

static gboolean
wait_for_probes(ImsPass *pass, const ImsLists *self, ImsSide side, GError **error)
{
    GHashTableIter iter;
    gpointer probe;

    g_hash_table_iter_init(&iter, self->probes[side]);
    while (g_hash_table_iter_next(&iter, NULL, &probe)) {
        if (!ims_conn_wait(pass->conn[side], probe, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
ims_lists_take(ImsPass *pass, ImsLists *self, ImsSide side, GError **error)
{
    if (self->spaces[side] != NULL) {
        if (!wait_for(
                pass,
                side,
                self->spaces[side],
                _("the server refused to list its namespaces"),
                error))
            return FALSE;
        ims_naming_set_spaces(&pass->naming[side], ims_cmd_spaces(self->spaces[side]));
    }
    if (!wait_for_probes(pass, self, side, error) ||
        !wait_for(
            pass, side, self->cmd[side], _("the server refused to list its mailboxes"), error))
        return FALSE;
    index_listings(pass, self, side);
    return TRUE;
}

static gboolean
ask_and_take(ImsPass *self, ImsLists *lists, gboolean with_spaces, GError **error)
{
    g_autoptr(GError) fault = NULL;

    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES && fault == NULL; side++)
        ims_lists_ask(self, lists, side, with_spaces, &fault);
    /* Why nothing can be asked may stand in the reply to a login. */
    if (!ims_pass_confirm(self, error))
        return FALSE;
    if (fault != NULL) {
        g_propagate_error(error, g_steal_pointer(&fault));
        return FALSE;
    }
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        if (!ims_lists_take(self, lists, side, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
fetch_lists(ImsPass *self, ImsLists *lists, gboolean first, GError **error)
{
    if (!ask_and_take(self, lists, first, error))
        return FALSE;
    if (!first || self->silent[IMS_LOCAL]->len + self->silent[IMS_REMOTE]->len == 0)
        return TRUE;
    ims_lists_clear(lists);
    return ask_and_take(self, lists, FALSE, error);
}

/* -- boxes -- */

gboolean
ims_save_mailbox(ImsPass *self, ImsMailbox *mailbox, GError **error)
{
    return ims_store_begin(self->store, error) &&
           ims_store_save_mailbox(self->store, mailbox, error) &&
           ims_store_commit(self->store, error);
}

static ImsMailbox *
take_known(GPtrArray *known, const char *name)
{
    for (guint i = 0; i < known->len; i++) {
        ImsMailbox *mailbox = g_ptr_array_index(known, i);

        if (g_str_equal(mailbox->name, name))
            return g_ptr_array_steal_index_fast(known, i);
    }
    return ims_mailbox_new(name);
}

void
ims_lists_update_box(const ImsLists *self, ImsBox *box, ImsSide side)
{
    const ImsListing *listing = g_hash_table_lookup(self->by_name[side], box->mailbox->name);

    box->there[side] = listing != NULL;
    box->subscribed[side] = listing != NULL && (listing->attributes & IMS_LIST_SUBSCRIBED) != 0;
    if (listing == NULL) {
        box->have[side] = 0;
        return;
    }
    g_free(box->spelling[side]);
    box->spelling[side] = g_strdup(listing->name);
    g_free(box->wire[side]);
    box->wire[side] = g_strdup(listing->wire);
    box->have[side] = listing->have;
    box->listed[side] = listing->point;
    if (*box->role == '\0')
        box->role = listing->role;
}

static const ImsTreeStep *
find_step(GPtrArray *steps, const char *name)
{
    for (guint i = 0; i < steps->len; i++) {
        const ImsTreeStep *step = g_ptr_array_index(steps, i);

        if (g_str_equal(step->name, name))
            return step;
    }
    return NULL;
}

/* Names with wildcards of our own command line are none: a job names mailboxes as they are. */
static gboolean
names_may_be_synced(const ImsPass *self, GPtrArray *steps, GError **error)
{
    for (char **name = self->order->mailboxes; name != NULL && *name != NULL; name++) {
        const ImsTreeStep *step = find_step(steps, *name);

        if (step == NULL) {
            g_set_error(
                error,
                IMS_ERROR,
                IMS_ERROR_NO_SUCH_MAILBOX,
                _("There is no mailbox “%s” on either side; names are written with “/” between "
                  "levels"),
                *name);
            return FALSE;
        }
        if (step->verb == IMS_TREE_EXCLUDED) {
            g_set_error(
                error,
                IMS_ERROR,
                IMS_ERROR_NO_SUCH_MAILBOX,
                _("The mailbox “%s” is not synced: the key “%s” in [%s] excludes it; change the "
                  "key first"),
                *name,
                step->excluded_by,
                "account");
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
remember_known(ImsPass *self, ImsBox *box, GError **error)
{
    ImsMailbox *mailbox = box->mailbox;

    if (mailbox->id != 0 && mailbox->known[IMS_LOCAL] && mailbox->known[IMS_REMOTE])
        return TRUE;
    mailbox->known[IMS_LOCAL] = mailbox->known[IMS_REMOTE] = TRUE;
    return ims_save_mailbox(self, mailbox, error);
}

/* One that stands on one side only will meet the other anew. */
static gboolean
forget_subscription(ImsPass *self, ImsBox *box, GError **error)
{
    ImsMailbox *mailbox = box->mailbox;

    if (mailbox->subscribed[IMS_LOCAL] == IMS_SUBSCRIPTION_UNKNOWN &&
        mailbox->subscribed[IMS_REMOTE] == IMS_SUBSCRIPTION_UNKNOWN)
        return TRUE;
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        mailbox->subscribed[side] = IMS_SUBSCRIPTION_UNKNOWN;
    return mailbox->id == 0 || ims_save_mailbox(self, mailbox, error);
}

/* Nobody looks into it, but for what may have been moved there. What the base knows stays, and is
 * compared in full once it comes in again. */
static gboolean
exclude(ImsPass *self, ImsBox *box, GError **error)
{
    ImsMailbox *mailbox = box->mailbox;

    box->excluded = TRUE;
    box->left = TRUE;
    if (mailbox->id == 0 || mailbox->excluded)
        return TRUE;
    mailbox->excluded = TRUE;
    return ims_save_mailbox(self, mailbox, error);
}

static void
include(ImsBox *box)
{
    if (!box->mailbox->excluded)
        return;
    box->full = TRUE;
    memset(box->mailbox->held_uidnext, 0, sizeof box->mailbox->held_uidnext);
}

static gboolean
sort_boxes(ImsPass *self, GPtrArray *steps, GPtrArray *boxes, GError **error)
{
    for (guint i = 0; i < steps->len; i++) {
        const ImsTreeStep *step = g_ptr_array_index(steps, i);
        ImsBox *box = g_steal_pointer(&g_ptr_array_index(boxes, i));
        gboolean both = box->there[IMS_LOCAL] && box->there[IMS_REMOTE];
        gboolean synced = both && step->verb != IMS_TREE_EXCLUDED && *step->name != '/';

        memcpy(box->first, box->listed, sizeof box->first);
        g_ptr_array_add(synced ? self->boxes : self->alone, box);
        if (step->verb == IMS_TREE_EXCLUDED && !exclude(self, box, error))
            return FALSE;
        if (synced)
            include(box);
        if ((synced && !remember_known(self, box, error)) ||
            (!both && !forget_subscription(self, box, error)))
            return FALSE;
    }
    return TRUE;
}

/* -- issues -- */

/* What stays on one side becomes an issue; what has come back settles it. */
static gboolean
settle_step(ImsPass *self, const ImsTreeStep *step, GError **error)
{
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
        gboolean missing = side == step->side;
        gboolean vanished = missing && step->verb == IMS_TREE_VANISHED;
        gboolean nameless = missing && step->verb == IMS_TREE_UNNAMABLE;
        gboolean excluded = step->verb == IMS_TREE_EXCLUDED;

        if (!vanished &&
            !ims_pass_settle_issue(self, IMS_ISSUE_MAILBOX_VANISHED, step->name, side, error))
            return FALSE;
        if (!nameless && step->verb != IMS_TREE_REFUSED &&
            !ims_pass_settle_issue(self, IMS_ISSUE_NAME, step->name, side, error))
            return FALSE;
        if (excluded &&
            (!ims_pass_settle_issue(self, IMS_ISSUE_MAILBOX_FAILED, step->name, side, error) ||
             !ims_pass_settle_issue(self, IMS_ISSUE_READ_ONLY, step->name, side, error)))
            return FALSE;
        if (step->verb != IMS_TREE_SYNC &&
            !ims_pass_settle_issue(self, IMS_ISSUE_NEEDS_ADOPTION, step->name, side, error))
            return FALSE;
    }
    if (step->verb == IMS_TREE_VANISHED)
        return ims_pass_raise(
            self, IMS_ISSUE_MAILBOX_VANISHED, step->name, step->side, 0, NULL, error);
    if (step->verb == IMS_TREE_UNNAMABLE)
        return ims_pass_raise(self, IMS_ISSUE_NAME, step->name, step->side, 0, NULL, error);
    return TRUE;
}

/* Issues of mailboxes that stand nowhere any more. */
static gboolean
settle_gone(ImsPass *self, GPtrArray *steps, GError **error)
{
    g_autoptr(GPtrArray) issues = NULL;

    if (g_hash_table_size(self->issues) == 0)
        return TRUE;
    issues = ims_store_issues(self->store, error);
    if (issues == NULL)
        return FALSE;
    for (guint i = 0; i < issues->len; i++) {
        const ImsIssue *issue = g_ptr_array_index(issues, i);

        if (*issue->mailbox != '\0' && find_step(steps, issue->mailbox) == NULL &&
            !ims_pass_settle_issue(self, issue->kind, issue->mailbox, issue->side, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
settle_issues(ImsPass *self, GPtrArray *steps, GError **error)
{
    for (guint i = 0; i < steps->len; i++) {
        if (!settle_step(self, g_ptr_array_index(steps, i), error))
            return FALSE;
    }
    return settle_gone(self, steps, error);
}

/* A mailbox that is gone on both sides is forgotten. */
static gboolean
forget_gone(ImsPass *self, GPtrArray *known, GError **error)
{
    for (guint i = 0; i < known->len; i++) {
        const ImsMailbox *mailbox = g_ptr_array_index(known, i);

        if (!ims_store_begin(self->store, error) ||
            !ims_store_forget_mailbox(self->store, mailbox->id, error) ||
            !ims_store_commit(self->store, error))
            return FALSE;
    }
    return TRUE;
}

/* -- the whole -- */

static GPtrArray *
decide_tree(const ImsPass *self, const ImsLists *lists, GPtrArray *known)
{
    const ImsTreeRules rules = {
        self->order->patterns,
        self->order->ignore,
        (const char *const *)self->order->mailboxes,
    };

    return ims_tree_decide(lists->tree, &rules, known);
}

static gboolean
make_boxes(ImsPass *self, const ImsLists *lists, GError **error)
{
    g_autoptr(GPtrArray) known = ims_store_mailboxes(self->store, error);
    g_autoptr(GPtrArray) steps = NULL;
    g_autoptr(GPtrArray) boxes = g_ptr_array_new_with_free_func((GDestroyNotify)ims_box_free);

    if (known == NULL)
        return FALSE;
    steps = decide_tree(self, lists, known);
    if (!names_may_be_synced(self, steps, error))
        return FALSE;
    for (guint i = 0; i < steps->len; i++) {
        const ImsTreeStep *step = g_ptr_array_index(steps, i);
        ImsBox *box = ims_box_new(take_known(known, step->name));

        for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
            ims_lists_update_box(lists, box, side);
        box->carries = step->carries;
        g_ptr_array_add(boxes, box);
    }
    return settle_issues(self, steps, error) &&
           ims_create_missing(self, lists, steps, boxes, error) &&
           forget_gone(self, known, error) && sort_boxes(self, steps, boxes, error) &&
           ims_carry_subscriptions(self, error);
}

/* Takes what is known out of the index; what is left is news. */
static void
update_boxes(GPtrArray *boxes, ImsLists *lists)
{
    for (guint i = 0; i < boxes->len; i++) {
        ImsBox *box = g_ptr_array_index(boxes, i);

        for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++) {
            ims_lists_update_box(lists, box, side);
            g_hash_table_remove(lists->by_name[side], box->mailbox->name);
        }
    }
}

gboolean
ims_list(ImsPass *self, gboolean first, GError **error)
{
    g_auto(ImsLists) lists = {0};

    ims_pass_tell(self, IMS_PHASE_LISTING, NULL);
    self->at = NULL;
    self->listed_again = !first;
    self->opened = FALSE;
    if (!fetch_lists(self, &lists, first, error))
        return FALSE;
    if (first)
        return make_boxes(self, &lists, error);

    update_boxes(self->boxes, &lists);
    update_boxes(self->alone, &lists);
    for (ImsSide side = IMS_LOCAL; side < IMS_N_SIDES; side++)
        self->surprised[side] = g_hash_table_size(lists.by_name[side]) > 0;
    return TRUE;
}
