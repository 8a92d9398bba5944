/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* FETCH responses. Items come in any order, also behind the body, and each server leaves out what
 * it likes; ImsMessage.have says what was there. An item that comes twice counts as it came last.
 */
#include <glib/gi18n.h>
#include <string.h>

#include "wire/cursor.h"
#include "wire/response.h"

static gboolean
read_uid(ImsMessage *self, ImsCursor *cursor, GError **error)
{
    guint64 uid;

    if (!ims_cursor_number(cursor, N_("UID is no number in range"), 1, G_MAXUINT32, &uid, error))
        return FALSE;
    self->uid = (guint32)uid;
    return TRUE;
}

static gboolean
read_flags(ImsMessage *self, ImsCursor *cursor, GError **error)
{
    ImsFlags flags;

    if (!ims_cursor_flags(cursor, IMS_MESSAGE_KEYWORDS_MAX, &flags, NULL, error))
        return FALSE;
    ims_flags_clear(&self->flags);
    self->flags = flags;
    self->have |= IMS_HAVE_FLAGS;
    return TRUE;
}

static gboolean
read_size(ImsMessage *self, ImsCursor *cursor, GError **error)
{
    self->have |= IMS_HAVE_SIZE;
    return ims_cursor_number(
        cursor, N_("RFC822.SIZE is no number in range"), 0, G_MAXINT64, &self->size, error);
}

static gboolean
read_modseq(ImsMessage *self, ImsCursor *cursor, GError **error)
{
    self->have |= IMS_HAVE_MODSEQ;
    return ims_cursor_open(cursor, N_("MODSEQ has no parenthesis"), error) &&
           ims_cursor_number(
               cursor,
               N_("MODSEQ is no number in range"),
               0,
               IMS_MODSEQ_MAX,
               &self->modseq,
               error) &&
           (ims_cursor_accept(cursor, IMS_TOKEN_CLOSE) ||
            ims_cursor_fail(cursor, N_("MODSEQ has more than one number"), error));
}

/* A date that cannot be read is none: one odd message must not stop its mailbox. */
static gboolean
read_date(ImsMessage *self, ImsCursor *cursor, GError **error)
{
    const ImsToken *token = ims_cursor_peek(cursor);

    if (token != NULL && token->type == IMS_TOKEN_STRING &&
        ims_octets_to_date(ims_cursor_text(cursor, token), token->len, &self->date))
        self->have |= IMS_HAVE_DATE;
    return ims_cursor_skip(cursor, N_("INTERNALDATE has no value"), error);
}

typedef gboolean (*ReadFunc)(ImsMessage *self, ImsCursor *cursor, GError **error);

static ReadFunc
find_read(const ImsLex *lex, const ImsToken *item)
{
    static const struct {
        const char *item;
        ReadFunc read;
    } known[] = {
        {"UID", read_uid},
        {"FLAGS", read_flags},
        {"MODSEQ", read_modseq},
        {"RFC822.SIZE", read_size},
        {"INTERNALDATE", read_date},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        if (ims_token_is(lex, item, known[i].item))
            return known[i].read;
    }
    return NULL;
}

/* Returns: (transfer full) (nullable): what stands between the brackets of `BODY[…]<0>`; NULL if
 * @item is none. */
static char *
section_of(const ImsCursor *cursor, const ImsToken *item)
{
    const char *text = ims_cursor_text(cursor, item);
    const char *close;

    if (item->len <= 5 || g_ascii_strncasecmp(text, "BODY[", 5) != 0)
        return NULL;
    close = memrchr(text, ']', item->len);
    return close == NULL ? NULL : g_strndup(text + 5, (gsize)(close - text) - 5);
}

static gboolean
read_item(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    const ImsToken *item = ims_cursor_peek(cursor);
    g_autofree char *section = NULL;
    ReadFunc read;

    if (item->type != IMS_TOKEN_WORD)
        return ims_cursor_fail(cursor, N_("the name of a FETCH item is missing"), error);
    cursor->i++;
    read = find_read(cursor->lex, item);
    if (read != NULL)
        return read(&self->fetch, cursor, error);

    section = section_of(cursor, item);
    if (section != NULL) {
        g_free(self->section);
        self->section = g_steal_pointer(&section);
        self->body_nil = !ims_cursor_accept(cursor, IMS_TOKEN_BODY);
        if (!self->body_nil)
            return TRUE;
    }
    return ims_cursor_skip(cursor, N_("the value of a FETCH item is missing"), error);
}

/* Takes `* n FETCH (`. */
static gboolean
read_head(ImsResponse *self, ImsCursor *cursor, GError **error)
{
    guint64 sequence;

    self->type = IMS_RESPONSE_FETCH;
    cursor->i = 1;
    if (!ims_cursor_number(
            cursor, N_("FETCH has no number in range"), 1, G_MAXUINT32, &sequence, error))
        return FALSE;
    cursor->i++;
    return ims_cursor_open(cursor, N_("FETCH has no list"), error);
}

gboolean
ims_response_read_fetch(
    ImsResponse *self, const ImsLex *lex, guint *inout_next, gboolean whole, GError **error)
{
    ImsCursor cursor = {.lex = lex, .i = *inout_next};

    if (cursor.i == 0 && !read_head(self, &cursor, error))
        return FALSE;
    while (ims_cursor_peek(&cursor) != NULL && !ims_cursor_accept(&cursor, IMS_TOKEN_CLOSE)) {
        if (!read_item(self, &cursor, error))
            return FALSE;
    }
    *inout_next = cursor.i;
    return !whole || ims_cursor_end(&cursor, error);
}
