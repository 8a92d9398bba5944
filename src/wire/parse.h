/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "model/flags.h"
#include "model/message.h"
#include "model/naming.h"
#include "model/uidset.h"

/* Bytes of a server -> values. Incremental, without I/O: pushed any pieces of the stream, the same
 * responses come out. Every line, literal, number and nesting has a limit; what passes one is an
 * IMS_ERROR_PROTOCOL that names it, and the parser is dead. Unknown responses, items and codes are
 * skipped structurally (IMS_RESPONSE_OTHER). */

typedef enum {
    IMS_RESPONSE_OTHER,
    IMS_RESPONSE_TAGGED,   /* tag, condition, code, text */
    IMS_RESPONSE_STATE,    /* untagged OK, NO, BAD, BYE, PREAUTH: condition, code, text */
    IMS_RESPONSE_CONTINUE, /* "+": text */
    IMS_RESPONSE_CAPABILITY,
    IMS_RESPONSE_ENABLED,
    IMS_RESPONSE_ID,
    IMS_RESPONSE_LIST,
    IMS_RESPONSE_NAMESPACE,
    IMS_RESPONSE_STATUS,
    IMS_RESPONSE_EXISTS,
    IMS_RESPONSE_FLAGS,
    IMS_RESPONSE_VANISHED,
    IMS_RESPONSE_FETCH,
    IMS_RESPONSE_SEARCH, /* SEARCH and ESEARCH alike */
} ImsResponseType;

typedef enum { IMS_OK, IMS_NO, IMS_BAD, IMS_BYE, IMS_PREAUTH } ImsCondition;

typedef enum {
    IMS_CODE_NONE,
    IMS_CODE_OTHER,
    IMS_CODE_ALERT,
    IMS_CODE_CAPABILITY,     /* words */
    IMS_CODE_UIDVALIDITY,    /* number */
    IMS_CODE_UIDNEXT,        /* number */
    IMS_CODE_HIGHESTMODSEQ,  /* number */
    IMS_CODE_NOMODSEQ,       /* */
    IMS_CODE_PERMANENTFLAGS, /* flags, any_keyword */
    IMS_CODE_READ_ONLY,      /* */
    IMS_CODE_READ_WRITE,     /* */
    IMS_CODE_CLOSED,         /* */
    IMS_CODE_APPENDUID,      /* number (UIDVALIDITY), uids; OTHER if they were out of order */
    IMS_CODE_COPYUID,        /* number (UIDVALIDITY), uids, uids_to: as many; else OTHER */
    IMS_CODE_MODIFIED,       /* uids */
    IMS_CODE_MAILBOXID,      /* string */
} ImsCodeType;

typedef struct {
    ImsCodeType type;
    char *name; /* in capitals, also of unknown codes; NULL for NONE */
    guint64 number;
    char **words;
    char *string;
    ImsFlags flags;
    gboolean any_keyword;
    ImsUidSet *uids, *uids_to;
} ImsCode;

/* LIST attributes we look at; compared without case. NONEXISTENT comes with NOSELECT. */
enum {
    IMS_LIST_NOSELECT = 1 << 0,
    IMS_LIST_NONEXISTENT = 1 << 1,
    IMS_LIST_SUBSCRIBED = 1 << 2,
    IMS_LIST_NOINFERIORS = 1 << 3,
};

/* STATUS items that were there. */
enum {
    IMS_STATUS_MESSAGES = 1 << 0,
    IMS_STATUS_UIDNEXT = 1 << 1,
    IMS_STATUS_UIDVALIDITY = 1 << 2,
    IMS_STATUS_HIGHESTMODSEQ = 1 << 3,
};

typedef struct {
    ImsResponseType type;
    char *tag;
    ImsCondition condition;
    ImsCode code;
    char *text;   /* TAGGED, STATE, CONTINUE: as the server sent it, not fit for people */
    char **words; /* CAPABILITY, ENABLED: in capitals. ID: fields and values by turns, as sent */
    /* LIST and STATUS */
    char *mailbox; /* UTF-8 in the server's spelling */
    char *wire; /* as the server wrote it, where @mailbox is but ims_utf7_spell(): it is no proper
                   modified UTF-7, or too long. "" if it cannot be sent as it is; else NULL */
    guint attributes;
    const char *role;  /* LIST: static, "" if none: "sent", "drafts", "trash", "junk", … */
    char delimiter;    /* LIST: 0 for NIL */
    GPtrArray *spaces; /* NAMESPACE: ImsSpace; left out is one whose prefix is no modified UTF-7 */
    guint have;        /* STATUS: IMS_STATUS_* */
    guint32 messages, uidnext, uidvalidity;
    guint64 modseq;
    guint64 number;    /* EXISTS */
    ImsFlags flags;    /* FLAGS */
    ImsUidSet *uids;   /* VANISHED, SEARCH */
    gboolean earlier;  /* VANISHED (EARLIER) */
    char *correlator;  /* ESEARCH: its tag; else NULL */
    ImsMessage fetch;  /* FETCH: what the line told, up to now for a body step */
    char *section;     /* FETCH: of the body item, e.g. "" or "HEADER.FIELDS (...)"; NULL if none */
    gboolean body_nil; /* FETCH: BODY[…] NIL: the message is gone, not empty */
} ImsResponse;

typedef struct ImsParser ImsParser;

typedef struct {
    gsize max_line;   /* octets of one response, literals left out */
    gsize max_inline; /* octets of a literal that is no body: names and texts */
    guint64 max_body; /* octets of a BODY[…] literal */
    guint max_depth;  /* open parentheses */
} ImsLimits;

extern const ImsLimits ims_limits_default; /* 4 MiB, 64 KiB, 2 GiB, 20 */

typedef enum {
    IMS_PARSE_MORE,     /* all bytes used */
    IMS_PARSE_RESPONSE, /* a whole response: ims_parser_response() */
    IMS_PARSE_BODY,     /* a BODY[…] literal (or quoted string) begins: ims_parser_response() has
                           the items before it, ims_parser_body_left() its size (maybe 0). The
                           rest of the response comes as IMS_PARSE_RESPONSE once it is taken. */
} ImsParseStep;

ImsParser *ims_parser_new(const ImsLimits *limits);
void ims_parser_free(ImsParser *self);

/**
 * ims_parser_push:
 * @data: (array length=len): what came next; not kept
 * @out_used: (out): how much of it was taken; the rest is to be pushed again
 * @out: (out): what it led to
 *
 * Must not be called while ims_parser_body_left() is not 0: body octets are taken by the caller
 * itself, straight from the stream (a quoted body: by ims_parser_body_inline()).
 *
 * Errors: IMS_ERROR_PROTOCOL.
 */
gboolean ims_parser_push(
    ImsParser *self,
    const guint8 *data,
    gsize len,
    gsize *out_used,
    ImsParseStep *out,
    GError **error);

/** ims_parser_response: Returns: (transfer none): valid until the next push. */
const ImsResponse *ims_parser_response(const ImsParser *self);
/** ims_parser_body_left: Returns: octets of the current body that are still to be taken. */
guint64 ims_parser_body_left(const ImsParser *self);
/** ims_parser_body_taken: the caller took @len octets of the body from the stream. */
void ims_parser_body_taken(ImsParser *self, gsize len);
/** ims_parser_body_inline: Returns: (transfer none) (nullable): the octets of a body that came as a
 * quoted string; body_left is then 0 and nothing is to be taken from the stream. The LF of its line
 * has not been used, so there is something left to push. Valid until the next push. */
const char *ims_parser_body_inline(const ImsParser *self, gsize *out_len);

/** ims_parser_trace: appends the whole response that the last push led to, as a trace may show it:
 * what comes from a message by its length, and names of mailboxes as they are. @in_login: it may
 * repeat what was sent: words that are not known by their length as well. */
void ims_parser_trace(const ImsParser *self, gboolean in_login, GString *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsParser, ims_parser_free)
