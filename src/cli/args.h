/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* What stands behind a command on the command line. The words are borrowed from argv. */
typedef struct {
    GPtrArray *words;   /* (element-type utf8): what is no option, in order */
    GHashTable *values; /* option name → GPtrArray of its values, in order; "" for a bare one */
} ImsArgs;

/**
 * ims_args_parse:
 * @argv: (array zero-terminated=1): what follows the command's name
 * @known: (array zero-terminated=1): option names without dashes; one that takes a value ends in
 * `=`
 *
 * Understands `--name`, `--name VALUE`, `--name=VALUE` and `--`, which ends the options. `--help`
 * and
 * `-h` are always known, as "help".
 *
 * Errors: IMS_ERROR_CONFIG for an unknown option (names the nearest one) and for a missing or
 * needless value.
 *
 * Returns: (transfer full): the arguments, or NULL.
 */
ImsArgs *ims_args_parse(char **argv, const char *const *known, GError **error);
void ims_args_free(ImsArgs *self);

/** ims_args_has: Returns: whether option @name was given. */
gboolean ims_args_has(const ImsArgs *self, const char *name);
/** ims_args_values: Returns: (transfer none) (nullable): all values of @name, NULL if not given. */
const GPtrArray *ims_args_values(const ImsArgs *self, const char *name);
/** ims_args_value: Returns: (transfer none) (nullable): the last value of @name. */
const char *ims_args_value(const ImsArgs *self, const char *name);
/** ims_args_word: Returns: (transfer none) (nullable): word @index, NULL if there are fewer. */
const char *ims_args_word(const ImsArgs *self, guint index);

/**
 * ims_args_nearest:
 * @candidates: (array zero-terminated=1)
 *
 * Returns: (transfer none) (nullable): the candidate that a typing error could have turned into
 * @word; NULL if none is near.
 */
const char *ims_args_nearest(const char *word, const char *const *candidates);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsArgs, ims_args_free)
