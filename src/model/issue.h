/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "model/side.h"

/* Something only the user can decide. One per (kind, mailbox, side): raising it again updates count
 * and detail and keeps id and since. */
typedef enum {
    IMS_ISSUE_NEEDS_ADOPTION,   /* both sides hold mail and no base says what belongs together */
    IMS_ISSUE_MAILBOX_VANISHED, /* known on both sides, now missing on @side */
    IMS_ISSUE_DELETIONS,        /* more deletions than the guard lets through; @side lost them */
    IMS_ISSUE_REFUSED,          /* messages that @side refused */
    IMS_ISSUE_MAILBOX_FAILED,   /* @side answered NO to CREATE or SELECT; @detail has its words */
    IMS_ISSUE_NAME,             /* @side cannot hold this name as it is */
    IMS_ISSUE_READ_ONLY,   /* flags changed on the other side wait until @side may be written */
    IMS_ISSUE_ALERT,       /* the server of @side has something to say; no mailbox */
    IMS_ISSUE_CERTIFICATE, /* @side's certificate was rejected; @facts describes it */
    IMS_N_ISSUES
} ImsIssueKind;

typedef struct {
    guint64 id; /* 0: not stored yet */
    ImsIssueKind kind;
    char *mailbox; /* UTF-8 name */
    ImsSide side;
    guint64 count;   /* messages concerned */
    gint64 since_us; /* microseconds since the epoch */
    char *detail;    /* server text, escaped, or "" */
    GVariant *facts; /* `a{sv}`: what more is known, see data/dbus/org.imapsync1.xml; or NULL */
} ImsIssue;

/** ims_issue_actions: Returns: (transfer none): what the user may answer to one of @kind; ends with
 * NULL. */
const char *const *ims_issue_actions(ImsIssueKind kind);

/** ims_issue_kind_name: Returns: (transfer none): as on the bus, such as `needs-adoption`. */
const char *ims_issue_kind_name(ImsIssueKind kind);
ImsIssue *ims_issue_new(ImsIssueKind kind, const char *mailbox, ImsSide side);
ImsIssue *ims_issue_copy(const ImsIssue *self);
void ims_issue_free(ImsIssue *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsIssue, ims_issue_free)
