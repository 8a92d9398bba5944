/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Responses with free text: tagged replies, untagged conditions, `+`. The text may hold anything,
 * also what looks like the size of a literal, so it is never lexed. A code we know is lexed, since
 * a
 * `]` may stand within its list (keywords of Cyrus 3.6.1); one we do not know ends at the first
 * `]`, as the grammar of RFC 9051 has it. */
#include "wire/response.h"

#include <glib/gi18n.h>
#include <string.h>

#include "wire/cursor.h"

typedef gboolean (*ReadFunc)(ImsCode *self, ImsCursor *cursor, GError **error);

typedef struct {
    const char *name;
    ImsCodeType type;
    ReadFunc read; /* NULL: the code has no arguments */
} KnownCode;

static gboolean
read_number(ImsCode *self, ImsCursor *cursor, GError **error)
{
    return ims_cursor_number(
        cursor,
        N_("the number of a response code is missing or out of range"),
        1,
        G_MAXUINT32,
        &self->number,
        error);
}

static gboolean
read_modseq(ImsCode *self, ImsCursor *cursor, GError **error)
{
    return ims_cursor_number(
        cursor, N_("HIGHESTMODSEQ is no number in range"), 0, IMS_MODSEQ_MAX, &self->number, error);
}

static gboolean
read_words(ImsCode *self, ImsCursor *cursor, GError **error)
{
    self->words = ims_cursor_words(cursor);
    return TRUE;
}

static gboolean
read_flags(ImsCode *self, ImsCursor *cursor, GError **error)
{
    return ims_cursor_flags(
        cursor, IMS_MAILBOX_KEYWORDS_MAX, &self->flags, &self->any_keyword, error);
}

static gboolean
read_modified(ImsCode *self, ImsCursor *cursor, GError **error)
{
    gboolean ordered;

    self->uids = ims_cursor_uidset(cursor, N_("MODIFIED has no set of UIDs"), &ordered, error);
    return self->uids != NULL;
}

static gboolean
read_appenduid(ImsCode *self, ImsCursor *cursor, GError **error)
{
    gboolean ordered;

    if (!read_number(self, cursor, error))
        return FALSE;
    self->uids = ims_cursor_uidset(cursor, N_("APPENDUID has no set of UIDs"), &ordered, error);
    if (self->uids == NULL)
        return FALSE;

    /* The n-th UID stands for the n-th message. A set keeps no order, so one that came out of order
     * would couple the wrong messages: no code at all is safe. */
    if (!ordered)
        self->type = IMS_CODE_OTHER;
    return TRUE;
}

static gboolean
read_copyuid(ImsCode *self, ImsCursor *cursor, GError **error)
{
    gboolean from_ordered, to_ordered;

    if (!read_number(self, cursor, error))
        return FALSE;
    self->uids = ims_cursor_uidset(cursor, N_("COPYUID has no set of UIDs"), &from_ordered, error);
    if (self->uids == NULL)
        return FALSE;
    self->uids_to = ims_cursor_uidset(cursor, N_("COPYUID has one set only"), &to_ordered, error);
    if (self->uids_to == NULL)
        return FALSE;

    if (!from_ordered || !to_ordered ||
        ims_uidset_count(self->uids) != ims_uidset_count(self->uids_to))
        self->type = IMS_CODE_OTHER;
    return TRUE;
}

static gboolean
read_mailboxid(ImsCode *self, ImsCursor *cursor, GError **error)
{
    const ImsToken *id;

    if (!ims_cursor_open(cursor, N_("MAILBOXID has no parenthesis"), error))
        return FALSE;
    id = ims_cursor_next(cursor, N_("MAILBOXID is empty"), error);
    if (id == NULL)
        return FALSE;
    self->string = g_strndup(ims_cursor_text(cursor, id), id->len);
    return ims_cursor_accept(cursor, IMS_TOKEN_CLOSE) ||
           ims_cursor_fail(cursor, N_("MAILBOXID has more than one id"), error);
}

static const KnownCode known_codes[] = {
    {"ALERT", IMS_CODE_ALERT, NULL},
    {"APPENDUID", IMS_CODE_APPENDUID, read_appenduid},
    {"CAPABILITY", IMS_CODE_CAPABILITY, read_words},
    {"CLOSED", IMS_CODE_CLOSED, NULL},
    {"COPYUID", IMS_CODE_COPYUID, read_copyuid},
    {"HIGHESTMODSEQ", IMS_CODE_HIGHESTMODSEQ, read_modseq},
    {"MAILBOXID", IMS_CODE_MAILBOXID, read_mailboxid},
    {"MODIFIED", IMS_CODE_MODIFIED, read_modified},
    {"NOMODSEQ", IMS_CODE_NOMODSEQ, NULL},
    {"PERMANENTFLAGS", IMS_CODE_PERMANENTFLAGS, read_flags},
    {"READ-ONLY", IMS_CODE_READ_ONLY, NULL},
    {"READ-WRITE", IMS_CODE_READ_WRITE, NULL},
    {"UIDNEXT", IMS_CODE_UIDNEXT, read_number},
    {"UIDVALIDITY", IMS_CODE_UIDVALIDITY, read_number},
};

static const KnownCode *
find_code(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(known_codes); i++) {
        if (strcmp(known_codes[i].name, name) == 0)
            return &known_codes[i];
    }
    return NULL;
}

static gboolean
read_known_code(ImsCode *self, const KnownCode *known, ImsLex *lex, GError **error)
{
    ImsCursor cursor = {.lex = lex, .i = 1}; /* behind the name */
    ImsLexStep step;
    guint64 size;

    if (!ims_lex_run(lex, ']', &step, &size, error))
        return FALSE;
    if (step != IMS_LEX_END || lex->line->str[lex->at] != ']')
        return ims_lex_fail(error, lex->at, N_("an unfinished response code"));
    lex->at++;
    self->type = known->type;
    if (known->read == NULL)
        return TRUE;
    return known->read(self, &cursor, error) && ims_cursor_end(&cursor, error);
}

/* Reads the code at @at, if one stands there, and moves behind it and its space. A bracket that is
 * never closed, behind no name that we know, is text. */
static gboolean
read_code(ImsCode *self, ImsLex *lex, GError **error)
{
    const char *start = lex->line->str + lex->at;
    const char *end = strchr(start, ']');
    g_autofree char *name = NULL;
    const KnownCode *known;

    if (*start != '[')
        return TRUE;
    name = g_ascii_strup(start + 1, (gssize)strcspn(start + 1, " ]\r\n"));
    known = find_code(name);
    if (known == NULL && end == NULL)
        return TRUE;

    self->name = g_steal_pointer(&name);
    if (known == NULL) {
        self->type = IMS_CODE_OTHER;
        lex->at += (gsize)(end - start) + 1;
    } else {
        lex->at++;
        if (!read_known_code(self, known, lex, error))
            return FALSE;
    }
    if (lex->line->str[lex->at] == ' ')
        lex->at++;
    return TRUE;
}

/* Takes the rest of the line without its end. */
static char *
take_text(ImsLex *lex)
{
    const char *text = lex->line->str + lex->at;
    gsize len = lex->line->len - lex->at;

    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    lex->at = lex->line->len;
    return g_strndup(text, len);
}

static gboolean
read_condition(const char *word, gsize len, ImsCondition *out)
{
    static const char *const names[] = {
        [IMS_OK] = "OK",
        [IMS_NO] = "NO",
        [IMS_BAD] = "BAD",
        [IMS_BYE] = "BYE",
        [IMS_PREAUTH] = "PREAUTH",
    };

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strlen(names[i]) == len && g_ascii_strncasecmp(names[i], word, len) == 0) {
            *out = (ImsCondition)i;
            return TRUE;
        }
    }
    return FALSE;
}

/* Reads code and text behind a condition of @len octets. */
static gboolean
read_rest(ImsResponse *self, ImsLex *lex, gsize len, GError **error)
{
    lex->at += len;
    if (lex->line->str[lex->at] == ' ')
        lex->at++;
    if (!read_code(&self->code, lex, error))
        return FALSE;
    self->text = take_text(lex);
    return TRUE;
}

static gboolean
read_tagged(ImsResponse *self, ImsLex *lex, gsize tag_len, GError **error)
{
    const char *line = lex->line->str;
    gsize len;

    for (gsize i = 0; i < tag_len; i++) {
        if (!g_ascii_isgraph(line[i]))
            return ims_lex_fail(error, i, N_("a character that no tag may hold"));
    }
    lex->at = tag_len + strspn(line + tag_len, " ");
    len = strcspn(line + lex->at, " \r\n");
    if (tag_len == 0 || !read_condition(line + lex->at, len, &self->condition) ||
        self->condition > IMS_BAD)
        return ims_lex_fail(error, lex->at, N_("neither OK, NO nor BAD behind a tag"));

    self->type = IMS_RESPONSE_TAGGED;
    self->tag = g_strndup(line, tag_len);
    return read_rest(self, lex, len, error);
}

static gboolean
read_continue(ImsResponse *self, ImsLex *lex)
{
    self->type = IMS_RESPONSE_CONTINUE;
    lex->at = lex->line->str[1] == ' ' ? 2 : 1;
    self->text = take_text(lex);
    return TRUE;
}

gboolean
ims_response_read_state(ImsResponse *self, ImsLex *lex, gboolean *out_is_state, GError **error)
{
    const char *line = lex->line->str;
    gsize word_len = strcspn(line, " \r\n");
    gsize start, len;

    *out_is_state = TRUE;
    if (word_len == 1 && *line == '+')
        return read_continue(self, lex);
    if (word_len != 1 || *line != '*')
        return read_tagged(self, lex, word_len, error);

    start = 1 + strspn(line + 1, " ");
    len = strcspn(line + start, " \r\n");
    if (!read_condition(line + start, len, &self->condition)) {
        *out_is_state = FALSE;
        return TRUE;
    }
    self->type = IMS_RESPONSE_STATE;
    lex->at = start;
    return read_rest(self, lex, len, error);
}
