/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* One value of the file: its text, and what it may be. Every error says file, group and key, and
 * the way out. */

#include "account/config-private.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <string.h>

#include "account/hint.h"
#include "util/error.h"
#include "util/log.h"
#include "util/pin.h"

static const char *const bool_names[] = {"yes", "no", "true", "false", NULL};

gboolean
ims_place_refuse(const ImsPlace *at, const char *key, GError **error, const char *format, ...)
{
    g_autofree char *why = NULL;
    va_list args;

    va_start(args, format);
    why = g_strdup_vprintf(format, args);
    va_end(args);

    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CONFIG,
        "%s: [%s]%s%s: %s",
        at->path,
        at->group,
        key != NULL ? " " : "",
        key != NULL ? key : "",
        why);
    return FALSE;
}

/* @out: (transfer full) (nullable): NULL if the key is not there */
gboolean
ims_place_text(const ImsPlace *at, const char *key, char **out, GError **error)
{
    g_autoptr(GError) broken = NULL;
    g_autofree char *value = NULL;

    if (!g_key_file_has_key(at->file, at->group, key, NULL))
        return TRUE;

    value = g_key_file_get_string(at->file, at->group, key, &broken);
    if (broken != NULL) /* the value may be there all the same */
        return ims_place_refuse(
            at,
            key,
            error,
            _("the value must be UTF-8, and a backslash in it is written twice (\\\\)"));
    g_strchomp(value);
    if (*value == '\0')
        return ims_place_refuse(
            at, key, error, _("the value is empty; remove the key or give it a value"));
    for (const char *c = value; *c != '\0'; c++) {
        if (g_ascii_iscntrl(*c))
            return ims_place_refuse(at, key, error, _("the value holds a control character"));
    }

    *out = g_steal_pointer(&value);
    return TRUE;
}

gboolean
ims_place_word(
    const ImsPlace *at,
    const char *key,
    const char *const *known,
    const char *word,
    guint *out,
    GError **error)
{
    g_autofree char *help = NULL, *shown = NULL;

    for (guint i = 0; known[i] != NULL; i++) {
        if (g_str_equal(known[i], word)) {
            *out = i;
            return TRUE;
        }
    }
    help = ims_hint(word, known);
    shown = ims_text_escape(word, strlen(word));
    return ims_place_refuse(at, key, error, _("'%s' is no value for it; %s"), shown, help);
}

/* @inout: what it is if the key is not there */
gboolean
ims_place_choice(
    const ImsPlace *at, const char *key, const char *const *known, guint *inout, GError **error)
{
    g_autofree char *value = NULL;

    if (!ims_place_text(at, key, &value, error))
        return FALSE;
    return value == NULL || ims_place_word(at, key, known, value, inout, error);
}

/* @out: yes if the key is not there */
gboolean
ims_place_bool(const ImsPlace *at, const char *key, gboolean *out, GError **error)
{
    guint choice = 0;

    if (!ims_place_choice(at, key, bool_names, &choice, error))
        return FALSE;

    *out = choice % 2 == 0; /* yes and true */
    return TRUE;
}

/* @out: NULL if the key is not there. Spaces around a pattern do not count. */
gboolean
ims_place_patterns(const ImsPlace *at, const char *key, ImsPatterns **out, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) broken = NULL;
    g_auto(GStrv) words = NULL;

    if (!ims_place_text(at, key, &text, error))
        return FALSE;
    if (text == NULL)
        return TRUE;

    words = g_key_file_get_string_list(at->file, at->group, key, NULL, &broken);
    if (broken != NULL)
        return ims_place_refuse(at, key, error, "%s", broken->message);
    for (char **word = words; *word != NULL; word++)
        g_strstrip(*word);
    *out = ims_patterns_new(words, &broken);
    return *out != NULL || ims_place_refuse(at, key, error, "%s", broken->message);
}

gboolean
ims_place_refuse_missing(const ImsPlace *at, const char *key, const char *example, GError **error)
{
    return ims_place_refuse(at, key, error, _("is missing; for example '%s'"), example);
}

gboolean
ims_place_path(const ImsPlace *at, const char *key, const char *example, char **out, GError **error)
{
    if (!ims_place_text(at, key, out, error))
        return FALSE;
    if (*out != NULL && g_str_has_prefix(*out, "pkcs11:") && strstr(*out, "pin-value=") != NULL)
        return ims_place_refuse(
            at,
            key,
            error,
            _("a PIN must not stand here: name the file that holds it by '%s'"),
            "pin-source=");
    if (*out == NULL || g_path_is_absolute(*out) || g_str_has_prefix(*out, "pkcs11:"))
        return TRUE;
    return ims_place_refuse(at, key, error, _("must be a whole path; for example '%s'"), example);
}

gboolean
ims_place_pins(const ImsPlace *at, char ***out, GError **error)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) words = NULL;
    g_autoptr(GStrvBuilder) pins = g_strv_builder_new();

    if (!ims_place_text(at, "tls-pin", &text, error))
        return FALSE;
    if (text == NULL)
        return TRUE;
    words = g_key_file_get_string_list(at->file, at->group, "tls-pin", NULL, NULL);
    for (char **word = words; word != NULL && *word != NULL; word++) {
        g_autofree char *pin = ims_pin_parse(g_strstrip(*word));

        if (pin == NULL)
            return ims_place_refuse(
                at,
                "tls-pin",
                error,
                _("'%s' is not the SHA-256 of a key in base64 or hexadecimal; '%s' shows it when "
                  "the certificate is not trusted"),
                *word,
                "imapsyncctl test");
        g_strv_builder_add(pins, pin);
    }
    *out = g_strv_builder_end(pins);
    return TRUE;
}

/* GLib's words would show it all, and a secret may stand in it. */
gboolean
ims_place_argv(const ImsPlace *at, const char *key, const char *text, char ***out, GError **error)
{
    if (g_shell_parse_argv(text, NULL, out, NULL))
        return TRUE;
    return ims_place_refuse(
        at, key, error, _("cannot be split into words: close all quotes in it"));
}
