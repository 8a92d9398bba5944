/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* How one server's names and ours belong together: its delimiter, the prefix of its personal
 * namespace (RFC 2342), and the folder under which the account was put there. Our names know none
 * of them: with the prefix `INBOX.` the server's `INBOX.Foo` is our `Foo`, and our `INBOX/Foo` is
 * its `INBOX.INBOX.Foo`; INBOX stays INBOX. Both directions undo each other, so no mailbox has two
 * names and no two mailboxes share one. */

typedef enum { IMS_SPACE_PERSONAL, IMS_SPACE_OTHERS, IMS_SPACE_SHARED, IMS_N_SPACES } ImsSpaceKind;

/* A namespace as a server tells of it. */
typedef struct {
    ImsSpaceKind kind;
    char *prefix;   /* UTF-8 in the server's spelling, "" if none */
    char delimiter; /* 0: none */
} ImsSpace;

ImsSpace *ims_space_new(ImsSpaceKind kind, const char *prefix, char delimiter);
void ims_space_free(ImsSpace *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsSpace, ims_space_free)

/* All zero is a server without namespaces and delimiter. */
typedef struct {
    char delimiter;     /* 0: none */
    char *personal;     /* prefix of the personal namespace; NULL: none */
    GPtrArray *foreign; /* char *: prefixes of other users' and shared namespaces; NULL: none */
    char *folder;       /* our form, such as `Work`; NULL: none */
} ImsNaming;

void ims_naming_clear(ImsNaming *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ImsNaming, ims_naming_clear)

/**
 * ims_naming_set_spaces:
 * @spaces: (element-type ImsSpace): in the server's order
 *
 * Takes over a server's namespaces. Of several personal ones it is that without a prefix, or else
 * the first; what stands in no personal namespace is foreign.
 */
void ims_naming_set_spaces(ImsNaming *self, const GPtrArray *spaces);

typedef enum {
    IMS_NAME_OURS,    /* it has a name */
    IMS_NAME_NONE,    /* a mailbox of the account that has none, see
                         ims_mailbox_name_from_server() */
    IMS_NAME_FOREIGN, /* in other users', shared or unknown namespaces */
    IMS_NAME_OUTSIDE, /* not below the folder: somebody else's */
} ImsNameKind;

/**
 * ims_naming_from_server:
 * @spelling: UTF-8, as the server spells it
 * @delimiter: as told with this name; 0 if it has none
 * @out_name: (out) (transfer full): our name, set with IMS_NAME_OURS only
 */
ImsNameKind ims_naming_from_server(
    const ImsNaming *self, const char *spelling, char delimiter, char **out_name);

/**
 * ims_naming_to_server:
 *
 * Returns: (transfer full) (nullable): the server's spelling; NULL if it cannot hold @name as it
 * is.
 */
char *ims_naming_to_server(const ImsNaming *self, const char *name);
