/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "account/config.h"

/* What config.c, config-keys.c, config-side.c and config-value.c share. Errors of all that take a
 * GError: IMS_ERROR_CONFIG. */

/* Where in which file something is; prefixes every error. */
typedef struct {
    GKeyFile *file;
    const char *name, *path, *group;
} ImsPlace;

/* by ImsSideType, as in the key `type` */
extern const char *const ims_side_type_names[];

/* values: of key @key at @at; @out stays as it is if the key is not there */

/** ims_place_refuse: Returns: FALSE. @key: (nullable): NULL: the group itself. */
gboolean ims_place_refuse(
    const ImsPlace *at, const char *key, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
gboolean ims_place_refuse_missing(
    const ImsPlace *at, const char *key, const char *example, GError **error);
/** ims_place_text: @out: (transfer full): not empty, no controls, no spaces at its end. */
gboolean ims_place_text(const ImsPlace *at, const char *key, char **out, GError **error);
/** ims_place_word: @out: the index of @word in @known. */
gboolean ims_place_word(
    const ImsPlace *at,
    const char *key,
    const char *const *known,
    const char *word,
    guint *out,
    GError **error);
/** ims_place_choice: ims_place_word() of the value. */
gboolean ims_place_choice(
    const ImsPlace *at, const char *key, const char *const *known, guint *out, GError **error);
/** ims_place_bool: @out: TRUE if the key is not there. */
gboolean ims_place_bool(const ImsPlace *at, const char *key, gboolean *out, GError **error);
gboolean ims_place_patterns(const ImsPlace *at, const char *key, ImsPatterns **out, GError **error);
/** ims_place_path: a whole path, or a PKCS#11 URI. */
gboolean ims_place_path(
    const ImsPlace *at, const char *key, const char *example, char **out, GError **error);
/** ims_place_pins: see ims_pin_parse(). */
gboolean ims_place_pins(const ImsPlace *at, char ***out, GError **error);
/** ims_place_argv: splits @text, the value, as a shell would. */
gboolean ims_place_argv(
    const ImsPlace *at, const char *key, const char *text, char ***out, GError **error);

/* keys */

/** ims_keys_check: every group and key of the file. */
gboolean ims_keys_check(ImsPlace *at, GError **error);
/** ims_keys_check_meaning: those of the group that mean nothing with @type. */
gboolean ims_keys_check_meaning(const ImsPlace *at, ImsSideType type, GError **error);
/** ims_keys_check_setting: @full: such as `remote.host`. */
gboolean ims_keys_check_setting(ImsPlace *at, const char *full, GError **error);
/** ims_keys_copy: @settings: checked; into @file, in the order of the table of keys. */
void ims_keys_copy(GHashTable *settings, GKeyFile *file);

/* sides */

/** ims_config_read_side: @side: all 0. */
gboolean ims_config_read_side(ImsPlace *at, ImsSide which, ImsSideConfig *side, GError **error);
void ims_config_clear_side(ImsSideConfig *side);
