/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "imap/conn.h"
#include "model/pattern.h"
#include "model/side.h"

/* One account's file, NAME.conf: what may stand in it, and what it means. Never a password. */

typedef enum { IMS_TYPE_IMAPS, IMS_TYPE_IMAP, IMS_TYPE_TUNNEL, IMS_TYPE_DOVECOT } ImsSideType;

/* imaps and imap: host, port and username are set. tunnel: command and argv. dovecot: nothing. */
typedef struct {
    ImsSideType type;
    char *host; /* as it was written; also the keyring's attribute */
    guint16 port;
    char *username; /* NULL with a tunnel that greets PREAUTH */
    ImsProxy proxy; /* without its password */
    ImsTlsPolicy tls;
    ImsAuthList auth;
    char **password_argv; /* prints the password, or the token; NULL: the keyring has it */
    gboolean clear;       /* imap: no STARTTLS; host is localhost or a loopback address */
    ImsCompress compress;
    guint connections; /* that may be open to its server at a time */
    char *command;
    char **argv;
    char *folder; /* prefix without its last `/`; NULL: the account has the server for itself */
} ImsSideConfig;

typedef struct {
    char *name;
    char *text; /* the file, letter by letter; NULL if it was not read from one */
    gboolean enabled;
    ImsPatterns *mailboxes; /* a mailbox is synced if these match it (NULL: all), */
    ImsPatterns *ignore;    /* and these do not (NULL: none) */
    ImsSideConfig side[IMS_N_SIDES];
} ImsConfig;

void ims_config_free(ImsConfig *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsConfig, ims_config_free)

/** ims_side_config_command_key: Returns: (transfer none): the key of password_argv. */
const char *ims_side_config_command_key(const ImsSideConfig *self);

/** ims_config_name_is_valid: whether @name is of `[A-Za-z0-9][A-Za-z0-9._@-]{0,63}`. */
gboolean ims_config_name_is_valid(const char *name);

/**
 * ims_config_parse:
 * @path: where @file comes from or goes to; used in errors only
 *
 * Errors: IMS_ERROR_CONFIG, with file, group and key, and the nearest right spelling or an example.
 *
 * Returns: (transfer full): the account @name.
 */
ImsConfig *ims_config_parse(GKeyFile *file, const char *name, const char *path, GError **error);

/** ims_config_load: reads and parses @path. Errors: IMS_ERROR_CONFIG. */
ImsConfig *ims_config_load(const char *path, const char *name, GError **error);

/**
 * ims_config_from_settings:
 * @settings: keys `remote.host`, `account.enabled`, …
 * @path: where the account's file will stand
 *
 * Errors: IMS_ERROR_CONFIG: a key without a group, or what ims_config_parse() refuses.
 *
 * Returns: (transfer full): a file with these keys, in a fixed order, that parses.
 */
GKeyFile *ims_config_from_settings(
    GHashTable *settings, const char *name, const char *path, GError **error);

/**
 * ims_config_add_pin:
 * @pin: as ims_pin_format() has it
 *
 * Writes @pin among the keys that are trusted on @side into the file, durably and whole or not at
 * all. What else stands there, also comments, stays as it is.
 *
 * Errors: IMS_ERROR_CONFIG: what ims_config_load() refuses (a pin of a side that has no TLS among
 * it), or it cannot be written.
 */
gboolean ims_config_add_pin(
    const char *path, const char *name, ImsSide side, const char *pin, GError **error);

/** ims_config_write: replaces @path, durably and whole or not at all, with mode 0600; its folder is
 * made if need be, with mode 0700. Errors: IMS_ERROR_CONFIG. */
gboolean ims_config_write(GKeyFile *file, const char *path, GError **error);
