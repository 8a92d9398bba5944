/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Data responses. What we do not know, response or item, is left alone as long as its tokens could
 * be told apart: servers add what they like. What we do know has to be right. */
#include "wire/response.h"

#include <glib/gi18n.h>
#include <string.h>

#include "wire/cursor.h"
#include "wire/encode.h"
#include "wire/utf7.h"

static void
clear_code(ImsCode *self)
{
    g_free(self->name);
    g_strfreev(self->words);
    g_free(self->string);
    ims_flags_clear(&self->flags);
    ims_uidset_free(self->uids);
    ims_uidset_free(self->uids_to);
}

void
ims_response_clear(ImsResponse *self)
{
    clear_code(&self->code);
    g_free(self->tag);
    g_free(self->text);
    g_strfreev(self->words);
    g_free(self->mailbox);
    g_free(self->wire);
    g_clear_pointer(&self->spaces, g_ptr_array_unref);
    ims_flags_clear(&self->flags);
    ims_uidset_free(self->uids);
    g_free(self->correlator);
    ims_message_clear(&self->fetch);
    g_free(self->section);
    *self = (ImsResponse){.role = ""};
}

/* -- words -- */

static gboolean
read_capability(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    self->type = IMS_RESPONSE_CAPABILITY;
    self->words = ims_cursor_words(cursor);
    return ims_cursor_end(cursor, error);
}

static gboolean
read_enabled(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    self->type = IMS_RESPONSE_ENABLED;
    self->words = ims_cursor_words(cursor);
    return ims_cursor_end(cursor, error);
}

/* RFC 2971 section 3.2. It is for people only: what has another form is passed over. */
static gboolean
read_id(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    const ImsToken *token;

    if (!ims_cursor_accept(cursor, IMS_TOKEN_OPEN))
        return TRUE;
    while ((token = ims_cursor_peek(cursor)) != NULL && token->type != IMS_TOKEN_CLOSE) {
        if (token->type != IMS_TOKEN_STRING && token->type != IMS_TOKEN_WORD)
            return TRUE;
        g_ptr_array_add(words, g_strndup(ims_cursor_text(cursor, token), token->len));
        cursor->i++;
    }
    if (words->len % 2 != 0)
        return TRUE;
    g_ptr_array_add(words, NULL);
    self->type = IMS_RESPONSE_ID;
    self->words = (char **)g_ptr_array_steal(words, NULL);
    return TRUE;
}

static gboolean
read_flags(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    self->type = IMS_RESPONSE_FLAGS;
    return ims_cursor_flags(cursor, IMS_MAILBOX_KEYWORDS_MAX, &self->flags, NULL, error) &&
           ims_cursor_end(cursor, error);
}

/* -- LIST and STATUS -- */

static void
read_attribute(ImsResponse *self, const ImsLex *lex, const ImsToken *token)
{
    static const struct {
        const char *name;
        guint attributes;
        const char *role;
    } known[] = {
        {"\\Noselect", IMS_LIST_NOSELECT, NULL},
        {"\\NonExistent", IMS_LIST_NONEXISTENT | IMS_LIST_NOSELECT, NULL},
        {"\\Subscribed", IMS_LIST_SUBSCRIBED, NULL},
        {"\\Noinferiors", IMS_LIST_NOINFERIORS, NULL},
        {"\\All", 0, "all"},
        {"\\Archive", 0, "archive"},
        {"\\Drafts", 0, "drafts"},
        {"\\Flagged", 0, "flagged"},
        {"\\Junk", 0, "junk"},
        {"\\Sent", 0, "sent"},
        {"\\Trash", 0, "trash"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        if (!ims_token_is(lex, token, known[i].name))
            continue;
        self->attributes |= known[i].attributes;
        if (known[i].role != NULL)
            self->role = known[i].role;
    }
}

static gboolean
read_attributes(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    if (!ims_cursor_open(cursor, N_("a list of attributes is missing"), error))
        return FALSE;
    while (!ims_cursor_accept(cursor, IMS_TOKEN_CLOSE)) {
        const ImsToken *token = ims_cursor_next(cursor, N_("an attribute is missing"), error);

        if (token == NULL)
            return FALSE;
        read_attribute(self, cursor->lex, token);
    }
    return TRUE;
}

static gboolean
read_delimiter(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    const ImsToken *token = ims_cursor_peek(cursor);

    if (token != NULL && ims_token_is(cursor->lex, token, "NIL"))
        self->delimiter = '\0';
    else if (
        token != NULL && token->type == IMS_TOKEN_STRING && token->len == 1 &&
        g_ascii_isgraph(*ims_cursor_text(cursor, token)))
        self->delimiter = *ims_cursor_text(cursor, token);
    else
        return ims_cursor_fail(cursor, N_("the delimiter is neither NIL nor one character"), error);
    cursor->i++;
    return TRUE;
}

static gboolean
read_mailbox(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    const ImsToken *token = ims_cursor_next(cursor, N_("the name of a mailbox is missing"), error);
    g_autofree char *wire = NULL;

    if (token == NULL)
        return FALSE;
    if (token->len <= IMS_QUOTED_MAX) /* a longer one could not be sent */
        self->mailbox = ims_utf7_decode(ims_cursor_text(cursor, token), token->len);
    if (self->mailbox != NULL)
        return TRUE;
    self->mailbox = ims_utf7_spell(ims_cursor_text(cursor, token), token->len);
    wire = g_strndup(ims_cursor_text(cursor, token), token->len);
    self->wire = g_strdup(strlen(wire) == token->len && ims_encode_quotable(wire) ? wire : "");
    return TRUE;
}

static gboolean
read_list(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    self->type = IMS_RESPONSE_LIST;
    if (!read_attributes(self, cursor, error) || !read_delimiter(self, cursor, error) ||
        !read_mailbox(self, cursor, error))
        return FALSE;

    /* Extended data (RFC 5258), such as CHILDINFO and OLDNAME. */
    if (ims_cursor_peek(cursor) != NULL &&
        !ims_cursor_skip(cursor, N_("extended data is missing"), error))
        return FALSE;
    return ims_cursor_end(cursor, error);
}

/* -- NAMESPACE, RFC 2342 section 6 -- */

#define SPACES_MAX 1000

static gboolean
read_space(ImsResponse *self, ImsCursor *cursor, ImsSpaceKind kind, GError **error)
{
    const ImsToken *token;
    g_autofree char *prefix = NULL;

    if (!ims_cursor_open(cursor, N_("a namespace is missing"), error))
        return FALSE;
    if (self->spaces->len == SPACES_MAX)
        return ims_cursor_fail(cursor, N_("a namespace too many"), error);
    token = ims_cursor_next(cursor, N_("the prefix of a namespace is missing"), error);
    if (token == NULL)
        return FALSE;
    prefix = ims_utf7_decode(ims_cursor_text(cursor, token), token->len);
    if (!read_delimiter(self, cursor, error))
        return FALSE;
    if (prefix != NULL)
        g_ptr_array_add(self->spaces, ims_space_new(kind, prefix, self->delimiter));
    while (!ims_cursor_accept(cursor, IMS_TOKEN_CLOSE)) { /* extensions */
        if (!ims_cursor_skip(cursor, N_("the end of a namespace is missing"), error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
read_namespace(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    self->type = IMS_RESPONSE_NAMESPACE;
    self->spaces = g_ptr_array_new_with_free_func((GDestroyNotify)ims_space_free);
    for (ImsSpaceKind kind = 0; kind < IMS_N_SPACES; kind++) {
        const ImsToken *token = ims_cursor_peek(cursor);

        if (token != NULL && ims_token_is(cursor->lex, token, "NIL")) {
            cursor->i++;
            continue;
        }
        if (!ims_cursor_open(cursor, N_("a list of namespaces is missing"), error))
            return FALSE;
        while (!ims_cursor_accept(cursor, IMS_TOKEN_CLOSE)) {
            if (!read_space(self, cursor, kind, error))
                return FALSE;
        }
    }
    return ims_cursor_end(cursor, error);
}

static gboolean
read_status_item(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    const struct {
        const char *item;
        guint have;
        guint32 *value;
    } numbers[] = {
        {"MESSAGES", IMS_STATUS_MESSAGES, &self->messages},
        {"UIDNEXT", IMS_STATUS_UIDNEXT, &self->uidnext},
        {"UIDVALIDITY", IMS_STATUS_UIDVALIDITY, &self->uidvalidity},
    };
    const char *what = N_("a STATUS item is no number in range");
    const ImsToken *item = ims_cursor_next(cursor, N_("an item of STATUS is missing"), error);

    if (item == NULL)
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        guint64 value;

        if (!ims_token_is(cursor->lex, item, numbers[i].item))
            continue;
        if (!ims_cursor_number(cursor, what, 0, G_MAXUINT32, &value, error))
            return FALSE;
        *numbers[i].value = (guint32)value;
        self->have |= numbers[i].have;
        return TRUE;
    }
    if (!ims_token_is(cursor->lex, item, "HIGHESTMODSEQ"))
        return ims_cursor_skip(cursor, N_("the value of a STATUS item is missing"), error);
    self->have |= IMS_STATUS_HIGHESTMODSEQ;
    return ims_cursor_number(cursor, what, 0, IMS_MODSEQ_MAX, &self->modseq, error);
}

static gboolean
read_status(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    self->type = IMS_RESPONSE_STATUS;
    if (!read_mailbox(self, cursor, error) ||
        !ims_cursor_open(cursor, N_("a list of STATUS items is missing"), error))
        return FALSE;
    while (!ims_cursor_accept(cursor, IMS_TOKEN_CLOSE)) {
        if (!read_status_item(self, cursor, error))
            return FALSE;
    }
    return ims_cursor_end(cursor, error);
}

/* -- sets of UIDs -- */

static gboolean
read_vanished(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    gboolean ordered;

    self->type = IMS_RESPONSE_VANISHED;
    if (ims_cursor_accept(cursor, IMS_TOKEN_OPEN)) {
        const ImsToken *token = ims_cursor_next(cursor, N_("EARLIER is missing"), error);

        if (token == NULL)
            return FALSE;
        if (!ims_token_is(cursor->lex, token, "EARLIER") ||
            !ims_cursor_accept(cursor, IMS_TOKEN_CLOSE))
            return ims_cursor_fail(cursor, N_("VANISHED has something else than EARLIER"), error);
        self->earlier = TRUE;
    }
    self->uids = ims_cursor_uidset(cursor, N_("VANISHED has no set of UIDs"), &ordered, error);
    return self->uids != NULL && ims_cursor_end(cursor, error);
}

static gboolean
read_search(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    g_autoptr(GArray) uids = g_array_new(FALSE, FALSE, sizeof(ImsUidRange));
    const ImsToken *token;

    self->type = IMS_RESPONSE_SEARCH;
    while ((token = ims_cursor_peek(cursor)) != NULL && token->type == IMS_TOKEN_WORD) {
        guint64 uid;
        ImsUidRange range;

        if (!ims_cursor_number(
                cursor, N_("SEARCH has something that is no UID"), 1, G_MAXUINT32, &uid, error))
            return FALSE;
        range = (ImsUidRange){(guint32)uid, (guint32)uid};
        g_array_append_val(uids, range);
    }
    self->uids = ims_uidset_new_from_ranges(uids);

    /* (MODSEQ n), RFC 7162 section 3.1.5. */
    if (token != NULL && !ims_cursor_skip(cursor, N_("MODSEQ is missing"), error))
        return FALSE;
    return ims_cursor_end(cursor, error);
}

/* (TAG "a1"), RFC 4466 section 2.6.1. */
static gboolean
read_correlator(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    const ImsToken *token;

    if (!ims_cursor_accept(cursor, IMS_TOKEN_OPEN))
        return TRUE;
    if (ims_cursor_next(cursor, N_("TAG is missing"), error) == NULL)
        return FALSE;
    token = ims_cursor_next(cursor, N_("a tag is missing"), error);
    if (token == NULL)
        return FALSE;
    self->correlator = g_strndup(ims_cursor_text(cursor, token), token->len);
    return ims_cursor_accept(cursor, IMS_TOKEN_CLOSE) ||
           ims_cursor_fail(cursor, N_("more than one tag"), error);
}

static gboolean
read_esearch_item(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    const ImsToken *item = ims_cursor_next(cursor, N_("an item of ESEARCH is missing"), error);
    gboolean ordered;

    if (item == NULL)
        return FALSE;
    if (ims_token_is(cursor->lex, item, "UID"))
        return TRUE;
    if (!ims_token_is(cursor->lex, item, "ALL"))
        return ims_cursor_skip(cursor, N_("the value of an ESEARCH item is missing"), error);
    if (self->uids != NULL)
        return ims_cursor_fail(cursor, N_("a second ALL in ESEARCH"), error);
    self->uids = ims_cursor_uidset(cursor, N_("ESEARCH ALL has no set of UIDs"), &ordered, error);
    return self->uids != NULL;
}

static gboolean
read_esearch(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    self->type = IMS_RESPONSE_SEARCH;
    if (!read_correlator(self, cursor, error))
        return FALSE;
    while (ims_cursor_peek(cursor) != NULL) {
        if (!read_esearch_item(self, cursor, error))
            return FALSE;
    }
    /* Nothing found: no ALL. */
    if (self->uids == NULL)
        self->uids = ims_uidset_new();
    return TRUE;
}

/* -- the whole -- */

typedef gboolean (*ReadFunc)(ImsResponse *self, ImsCursor *cursor, GError **error);

static ReadFunc
find_read(const ImsLex *lex, const ImsToken *keyword)
{
    static const struct {
        const char *keyword;
        ReadFunc read;
    } known[] = {
        {"CAPABILITY", read_capability},
        {"ENABLED", read_enabled},
        {"ESEARCH", read_esearch},
        {"FLAGS", read_flags},
        {"ID", read_id},
        {"LIST", read_list},
        {"NAMESPACE", read_namespace},
        {"SEARCH", read_search},
        {"STATUS", read_status},
        {"VANISHED", read_vanished},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        if (ims_token_is(lex, keyword, known[i].keyword))
            return known[i].read;
    }
    return NULL;
}

/* `5 EXISTS` and its like. */
static gboolean
read_numbered(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    guint64 number;
    const ImsToken *keyword;

    if (!ims_cursor_number(cursor, N_("a number is out of range"), 0, G_MAXUINT32, &number, error))
        return FALSE;
    keyword = ims_cursor_peek(cursor);
    if (keyword == NULL || !ims_token_is(cursor->lex, keyword, "EXISTS"))
        return TRUE;
    cursor->i++;
    self->type = IMS_RESPONSE_EXISTS;
    self->number = number;
    return ims_cursor_end(cursor, error);
}

gboolean
ims_response_read_data(ImsResponse *self, const ImsLex *lex, GError **error)
{
    ImsCursor cursor = {.lex = lex, .i = 1}; /* behind the `*` */
    const ImsToken *keyword = ims_cursor_peek(&cursor);
    ReadFunc read;

    if (keyword == NULL || keyword->type != IMS_TOKEN_WORD)
        return ims_cursor_fail(&cursor, N_("a keyword is missing"), error);
    if (g_ascii_isdigit(*ims_cursor_text(&cursor, keyword)))
        return read_numbered(self, &cursor, error);
    read = find_read(lex, keyword);
    cursor.i++;
    return read == NULL || read(self, &cursor, error);
}
