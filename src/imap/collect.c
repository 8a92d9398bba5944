/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What commands collect from untagged data: the tree of mailboxes, the delta of a SELECT, the
 * messages of FETCH lines, the UIDs of a SEARCH. Servers repeat themselves and mix unasked lines
 * in, so that doubles are merged here, the later word winning. A server must not make us hold more
 * than a real account could need. */
#include "imap/cmd.h"

#include <glib/gi18n.h>
#include <string.h>

#include "util/error.h"

#define MESSAGES_MAX (4u << 20) /* FETCH lines of one command */
#define LISTINGS_MAX (1u << 18)
#define STRING_COST  24 /* of a string beside its octets: a pointer, and what malloc() adds */

/* A mailbox that LIST or STATUS told of. STATUS may come first. */
typedef struct {
    ImsListing listing; /* first: @listings points to it */
    gboolean listed;
} Listed;

static void
listed_free(gpointer data)
{
    Listed *listed = data;

    g_free(listed->listing.name);
    g_free(listed->listing.wire);
    g_free(listed);
}

/* Sets twice, as for one that takes in another there is a third until that is done. */
guint64
ims_cmd_size(const ImsCmd *self)
{
    guint64 n_ranges =
        (guint64)ims_uidset_n_ranges(self->delta->vanished) + ims_uidset_n_ranges(self->uids);

    return self->collected + 2 * n_ranges * sizeof(ImsUidRange);
}

static gboolean
check_size(const ImsCmd *self, GError **error)
{
    g_autofree char *limit = NULL;

    if (ims_cmd_size(self) <= self->max_size)
        return TRUE;

    limit = g_format_size_full(self->max_size, G_FORMAT_SIZE_IEC_UNITS);
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_PROTOCOL,
        _("the server answers %s with over %s"),
        self->name,
        limit);
    return FALSE;
}

static char *
fold_inbox(const char *name)
{
    return g_ascii_strcasecmp(name, "INBOX") == 0 ? g_strdup("INBOX") : g_strdup(name);
}

static Listed *
get_listed(ImsCmd *self, const ImsResponse *response, GError **error)
{
    const char *name = response->mailbox;
    g_autofree char *key = fold_inbox(name);
    Listed *listed = g_hash_table_lookup(self->by_name, key);

    if (listed != NULL)
        return listed;
    if (g_hash_table_size(self->by_name) >= LISTINGS_MAX) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_PROTOCOL,
            ngettext(
                "the server lists over %u mailbox",
                "the server lists over %u mailboxes",
                LISTINGS_MAX),
            LISTINGS_MAX);
        return NULL;
    }

    listed = g_new0(Listed, 1);
    listed->listing.name = g_strdup(name);
    listed->listing.wire = g_strdup(response->wire);
    listed->listing.role = "";
    self->collected += sizeof *listed + 2 * (STRING_COST + strlen(name));
    g_hash_table_insert(self->by_name, g_steal_pointer(&key), listed);
    return listed;
}

static gboolean
collect_list(ImsCmd *self, const ImsResponse *response, GError **error)
{
    Listed *listed = get_listed(self, response, error);

    if (listed == NULL)
        return FALSE;

    listed->listing.delimiter = response->delimiter;
    listed->listing.attributes = response->attributes;
    listed->listing.role = response->role != NULL ? response->role : "";
    if (!listed->listed)
        g_ptr_array_add(self->listings, &listed->listing);
    listed->listed = TRUE;
    return TRUE;
}

static gboolean
collect_status(ImsCmd *self, const ImsResponse *response, GError **error)
{
    Listed *listed = get_listed(self, response, error);

    if (listed == NULL)
        return FALSE;

    listed->listing.have = response->have;
    listed->listing.point = (ImsPoint){
        .uidvalidity = response->uidvalidity,
        .uidnext = response->uidnext,
        .modseq = response->modseq,
        .messages = response->messages,
    };
    return TRUE;
}

static void
collect_spaces(ImsCmd *self, const ImsResponse *response)
{
    for (guint i = 0; i < response->spaces->len; i++) {
        const ImsSpace *space = g_ptr_array_index(response->spaces, i);

        self->collected += sizeof *space + 2 * STRING_COST + strlen(space->prefix);
        g_ptr_array_add(self->spaces, ims_space_new(space->kind, space->prefix, space->delimiter));
    }
}

/* A server that says nothing of PERMANENTFLAGS keeps every flag (RFC 3501 section 7.1): so does a
 * new delta. */
static void
collect_permanent(ImsCmd *self, const ImsFlags *flags, gboolean any_keyword)
{
    ims_flags_clear(&self->delta->permanent);
    self->delta->permanent = ims_flags_copy(flags);
    self->delta->any_keyword = any_keyword;
}

static void
collect_select_code(ImsCmd *self, const ImsCode *code)
{
    ImsDelta *delta = self->delta;

    switch (code->type) {
    case IMS_CODE_CLOSED: /* what came before was of the mailbox selected until now */
        ims_cmd_clear_results(self);
        break;
    case IMS_CODE_UIDVALIDITY:
        delta->point.uidvalidity = (guint32)code->number;
        break;
    case IMS_CODE_UIDNEXT:
        delta->point.uidnext = (guint32)code->number;
        break;
    case IMS_CODE_HIGHESTMODSEQ:
        delta->point.modseq = code->number;
        break;
    case IMS_CODE_NOMODSEQ:
        delta->point.modseq = 0;
        break;
    case IMS_CODE_PERMANENTFLAGS:
        collect_permanent(self, &code->flags, code->any_keyword);
        break;
    case IMS_CODE_READ_ONLY:
        delta->read_only = TRUE;
        break;
    case IMS_CODE_MAILBOXID:
        g_free(delta->id);
        delta->id = g_strdup(code->string);
        break;
    default:
        break;
    }
}

static void
merge_message(ImsMessage *into, ImsMessage *later)
{
    if (later->have & IMS_HAVE_FLAGS) {
        ims_flags_clear(&into->flags);
        into->flags = later->flags;
        later->flags = (ImsFlags){0};
    }
    if (later->have & IMS_HAVE_SIZE)
        into->size = later->size;
    if (later->have & IMS_HAVE_DATE)
        into->date = later->date;
    if (later->have & IMS_HAVE_MODSEQ)
        into->modseq = later->modseq;
    if (later->have & IMS_HAVE_FINGERPRINT)
        into->fingerprint = later->fingerprint;
    into->have |= later->have;
}

static gint
compare_uid(gconstpointer a, gconstpointer b)
{
    guint32 left = ((const ImsMessage *)a)->uid;
    guint32 right = ((const ImsMessage *)b)->uid;

    return (left > right) - (left < right);
}

static gboolean
is_ascending(const GArray *lines)
{
    for (guint i = 1; i < lines->len; i++) {
        if (g_array_index(lines, ImsMessage, i - 1).uid >= g_array_index(lines, ImsMessage, i).uid)
            return FALSE;
    }
    return TRUE;
}

/* Takes @lines; g_array_sort() keeps the order of equal UIDs, so that the later line wins. */
static GArray *
merge_lines(GArray *lines)
{
    GArray *merged;

    if (is_ascending(lines))
        return lines;

    merged = ims_messages_new();
    g_array_sort(lines, compare_uid);
    for (guint i = 0; i < lines->len; i++) {
        ImsMessage *line = &g_array_index(lines, ImsMessage, i);
        ImsMessage *last =
            merged->len > 0 ? &g_array_index(merged, ImsMessage, merged->len - 1) : NULL;

        if (last != NULL && last->uid == line->uid) {
            merge_message(last, line);
        } else {
            g_array_append_val(merged, *line);
            *line = (ImsMessage){0};
        }
    }
    g_array_unref(lines);
    return merged;
}

void
ims_cmd_clear_results(ImsCmd *self)
{
    self->collected = 0;
    ims_delta_free(self->delta);
    self->delta = ims_delta_new();
    g_clear_pointer(&self->messages, g_array_unref);
    self->messages = ims_messages_new();
    ims_uidset_free(self->uids);
    self->uids = ims_uidset_new();
    g_clear_pointer(&self->listings, g_ptr_array_unref);
    self->listings = g_ptr_array_new();
    g_clear_pointer(&self->spaces, g_ptr_array_unref);
    self->spaces = g_ptr_array_new_with_free_func((GDestroyNotify)ims_space_free);
    g_clear_pointer(&self->by_name, g_hash_table_unref);
    self->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, listed_free);
}

gboolean
ims_cmd_collect(ImsCmd *self, const ImsResponse *response, GError **error)
{
    switch (response->type) {
    case IMS_RESPONSE_LIST:
        return collect_list(self, response, error) && check_size(self, error);
    case IMS_RESPONSE_STATUS:
        return collect_status(self, response, error) && check_size(self, error);
    case IMS_RESPONSE_NAMESPACE:
        collect_spaces(self, response);
        break;
    case IMS_RESPONSE_TAGGED:
    case IMS_RESPONSE_STATE:
        collect_select_code(self, &response->code);
        break;
    case IMS_RESPONSE_EXISTS:
        self->delta->point.messages = (guint32)response->number;
        break;
    case IMS_RESPONSE_VANISHED:
        if (response->earlier && response->uids != NULL)
            ims_uidset_add_set(self->delta->vanished, response->uids);
        break;
    case IMS_RESPONSE_SEARCH:
        if (response->uids != NULL)
            ims_uidset_add_set(self->uids, response->uids);
        break;
    default:
        break;
    }
    return check_size(self, error);
}

static guint64
message_size(const ImsMessage *message)
{
    guint64 size = sizeof *message;

    for (char **k = message->flags.keywords; k != NULL && *k != NULL; k++)
        size += STRING_COST + strlen(*k);
    return size;
}

static gboolean
is_of_interest(const ImsCmd *self, guint32 uid)
{
    return uid > 0 && uid >= self->first &&
           (self->asked == NULL || ims_uidset_contains(self->asked, uid));
}

gboolean
ims_cmd_collect_message(ImsCmd *self, const ImsMessage *message, GError **error)
{
    ImsMessage copy;

    if (!is_of_interest(self, message->uid))
        return TRUE;
    if (self->messages->len >= MESSAGES_MAX) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_PROTOCOL,
            ngettext(
                "the server answers %s with over %u FETCH line",
                "the server answers %s with over %u FETCH lines",
                MESSAGES_MAX),
            self->name,
            MESSAGES_MAX);
        return FALSE;
    }

    copy = ims_message_copy(message);
    g_array_append_val(self->messages, copy);
    self->collected += message_size(&copy);
    return check_size(self, error);
}

GPtrArray *
ims_cmd_listings(const ImsCmd *self)
{
    return self->listings;
}

const GPtrArray *
ims_cmd_spaces(const ImsCmd *self)
{
    return self->spaces;
}

ImsDelta *
ims_cmd_take_delta(ImsCmd *self)
{
    ImsDelta *delta = g_steal_pointer(&self->delta);

    g_array_unref(delta->changed);
    delta->changed = ims_cmd_take_messages(self);
    self->delta = ims_delta_new();
    return delta;
}

GArray *
ims_cmd_take_messages(ImsCmd *self)
{
    GArray *messages = merge_lines(g_steal_pointer(&self->messages));

    self->messages = ims_messages_new();
    return messages;
}

const ImsUidSet *
ims_cmd_uids(const ImsCmd *self)
{
    return self->uids;
}
