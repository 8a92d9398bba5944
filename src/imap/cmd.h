/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "imap/conn.h"

/* A command on its way: what untagged data it collects, what it has collected, and its reply. One
 * ImsCmd may be sent as several commands of the protocol, if its UID set is too long for one; it is
 * answered when all of them are. Never waits. */

enum {
    IMS_WANT_LISTINGS = 1 << 0, /* LIST and STATUS */
    IMS_WANT_DELTA = 1 << 1,    /* all that a SELECT tells */
    IMS_WANT_MESSAGES = 1 << 2, /* FETCH lines without a section */
    IMS_WANT_HEADERS = 1 << 3,  /* FETCH lines with a section of the header */
    IMS_WANT_BODIES = 1 << 4,   /* BODY[], streamed */
    IMS_WANT_SEARCH = 1 << 5,   /* SEARCH and ESEARCH */
    IMS_WANT_SPACES = 1 << 8,   /* NAMESPACE */
    IMS_NEEDS_MAILBOX = 1 << 6, /* makes no sense unless a mailbox is selected */
    IMS_ENDS_CLEAR = 1 << 7,    /* STARTTLS: TLS begins behind its OK */
    IMS_LOGS_IN = 1 << 10,      /* LOGIN and AUTHENTICATE */
    IMS_ENDS_PLAIN = 1 << 9,    /* COMPRESS: compressed octets begin behind its OK */
};

/* Octets of memory that the results of a command may take: of any, and of one on a mailbox that is
 * said to be so large that it needs more. */
#define IMS_RESULTS_MAX       ((guint64)16 * 1024 * 1024)
#define IMS_RESULTS_MAX_LARGE ((guint64)256 * 1024 * 1024)

struct ImsCmd {
    guint refs;
    const char *name; /* static: for error messages */
    guint wants;      /* IMS_WANT_* */
    gboolean alone;   /* SEARCH: no other may be unanswered meanwhile */
    guint n_pending;  /* commands of the protocol that are unanswered */
    ImsReply reply;   /* meaningful when n_pending is 0: a NO of any part stays */
    ImsCode code;
    char *text;

    guint64 max_size;  /* of what it may collect: see ims_cmd_size() */
    guint64 collected; /* octets of FETCH lines and listings, roughly */

    ImsDelta *delta;     /* DELTA */
    GArray *messages;    /* MESSAGES, HEADERS, DELTA: FETCH lines in the order of their coming */
    guint32 first;       /* MESSAGES: lower UIDs are of no interest */
    ImsUidSet *asked;    /* NULL: all UIDs; else others are of no interest. BODIES: those whose
                            body has not come */
    ImsUidSet *uids;     /* SEARCH results; MODIFIED */
    GPtrArray *listings; /* LISTINGS: (element-type ImsListing), borrowed from @by_name */
    GPtrArray *spaces;   /* SPACES: ImsSpace */
    GHashTable *by_name; /* LISTINGS: INBOX folded -> Listed */
};

/** ims_cmd_new: Returns: (transfer full): a command that is not sent yet: it reads as OK. */
ImsCmd *ims_cmd_new(const char *name, guint wants);
/** ims_cmd_new_refused: Returns: (transfer full): a command that is never sent, since it cannot be;
 * it reads as answered by NO with @text. */
ImsCmd *ims_cmd_new_refused(const char *name, const char *text);
ImsCmd *ims_cmd_ref(ImsCmd *self);
gboolean ims_cmd_answered(const ImsCmd *self);
/** ims_cmd_answer: takes the tagged reply to one part of the command. @reply: OK or NO; @text:
 * (transfer full): for people. */
void ims_cmd_answer(ImsCmd *self, ImsReply reply, const ImsCode *code, char *text);
/** ims_reply_text: Returns: (transfer full): code and text, escaped. */
char *ims_reply_text(const ImsResponse *response);

/** ims_cmd_collect: takes untagged data of a kind that the command wants (FETCH lines: see
 * ims_cmd_collect_message()). Errors: IMS_ERROR_PROTOCOL, if it is more than we hold. */
gboolean ims_cmd_collect(ImsCmd *self, const ImsResponse *response, GError **error);
/** ims_cmd_collect_message: takes what a FETCH line told, if it is of interest. Errors: likewise.
 */
gboolean ims_cmd_collect_message(ImsCmd *self, const ImsMessage *message, GError **error);
/** ims_cmd_size: Returns: the octets of memory that the results take, roughly. */
guint64 ims_cmd_size(const ImsCmd *self);
void ims_cmd_clear_results(ImsCmd *self);
