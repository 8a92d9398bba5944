/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* An account's file as a file: read whole, and written whole or not at all. What its keys mean is
 * account/config's matter, but for one thing: GKeyFile keeps the last of several lines with the
 * same key, and a list that somebody wrote in two lines would lose its first half in silence. */

#include "account/config.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/error.h"

/* @line: trimmed. Returns: (transfer full) (nullable): its key with its group. */
static char *
key_of(const char *line, char **inout_group)
{
    g_auto(GStrv) parts = NULL;

    if (*line == '[') {
        g_free(*inout_group);
        *inout_group = g_strdup(line);
        return NULL;
    }
    parts = g_strsplit(line, "=", 2);
    if (*line == '#' || g_strv_length(parts) < 2)
        return NULL;
    return g_strdup_printf("%s %s", *inout_group, g_strchomp(parts[0]));
}

/* @text: what GKeyFile has taken. */
static gboolean
check_single_keys(const char *text, const char *path, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *group = g_strdup("");
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        g_autofree char *key = key_of(g_strstrip(*line), &group);

        if (key != NULL && g_hash_table_contains(seen, key)) {
            g_set_error(
                error,
                IMS_ERROR,
                IMS_ERROR_CONFIG,
                _("%s: %s: stands there twice: keep one of the lines; the values of a list are "
                  "separated by '%s'"),
                path,
                key,
                ";");
            return FALSE;
        }
        if (key != NULL)
            g_hash_table_add(seen, g_steal_pointer(&key));
    }
    return TRUE;
}

/* Returns: the number of the first line that is nothing of what a key file has; 0: none. */
static guint
find_odd_line(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (guint i = 0; lines[i] != NULL; i++) {
        const char *line = g_strstrip(lines[i]);

        if (*line != '\0' && *line != '#' && *line != '[' && strchr(line, '=') == NULL)
            return i + 1;
    }
    return 0;
}

/* GLib's words would show the line, and a password may stand in it. @text: (nullable): NULL: it
 * could not be read. */
static void
set_unreadable(const char *path, const char *text, const GError *broken, GError **error)
{
    guint line = text != NULL ? find_odd_line(text) : 0;

    if (line > 0) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("%s: line %u is no '%s', no '%s' and no comment: correct it"),
            path,
            line,
            "key = value",
            "[group]");
        return;
    }
    if (text != NULL) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("%s: is not written as such files are: each '%s' stands below its '%s'"),
            path,
            "key = value",
            "[group]");
        return;
    }
    if (g_error_matches(broken, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("%s has gone: put it back, or run '%s' to let the account go"),
            path,
            "imapsyncctl reload");
    else
        g_set_error(error, IMS_ERROR, IMS_ERROR_CONFIG, "%s: %s", path, broken->message);
}

/* @text: (transfer full) (nullable): NULL: @problem says why it could not be read. */
static ImsConfig *
parse_text(
    char *text,
    gsize len,
    const GError *problem,
    const char *path,
    const char *name,
    GError **error)
{
    g_autofree char *owned = text;
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) broken = NULL;
    ImsConfig *self;

    /* without the flag a key such as host[de] would be dropped in silence */
    if (text == NULL ||
        !g_key_file_load_from_data(file, text, len, G_KEY_FILE_KEEP_TRANSLATIONS, &broken)) {
        set_unreadable(path, text, text != NULL ? broken : problem, error);
        return NULL;
    }
    if (!check_single_keys(text, path, error))
        return NULL;
    self = ims_config_parse(file, name, path, error);
    if (self != NULL)
        self->text = g_steal_pointer(&owned);
    return self;
}

ImsConfig *
ims_config_load(const char *path, const char *name, GError **error)
{
    g_autoptr(GError) problem = NULL;
    char *text = NULL;
    gsize len = 0;

    /* to open a FIFO would wait for ever */
    if (g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("%s: is no regular file; move it away, or put a file in its place"),
            path);
        return NULL;
    }
    g_file_get_contents(path, &text, &len, &problem);
    return parse_text(text, len, problem, path, name, error);
}

static gboolean
replace(const char *path, const char *text, gsize len, GError **error)
{
    g_autoptr(GError) broken = NULL;

    if (g_file_set_contents_full(
            path,
            text,
            (gssize)len,
            G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
            0600,
            &broken))
        return TRUE;
    g_set_error(error, IMS_ERROR, IMS_ERROR_CONFIG, "%s: %s", path, broken->message);
    return FALSE;
}

gboolean
ims_config_write(GKeyFile *file, const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *text = NULL;
    gsize len;

    if (g_mkdir_with_parents(folder, 0700) != 0) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("%s: cannot be made: %s"),
            folder,
            g_strerror(errno));
        return FALSE;
    }
    text = g_key_file_to_data(file, &len, NULL);
    return replace(path, text, len, error);
}

/* Returns: the index of the line of @key in @group, else of the group's head; -1:
 * there is no such group. @group: in brackets. */
static gint
find_line(char **lines, const char *group, const char *key, gboolean *out_has_key)
{
    g_autofree char *wanted = g_strdup_printf("%s %s", group, key);
    g_autofree char *at = g_strdup("");
    gint head = -1;

    for (gint i = 0; lines[i] != NULL; i++) {
        g_autofree char *line = g_strstrip(g_strdup(lines[i]));
        g_autofree char *found = key_of(line, &at);

        *out_has_key = found != NULL && g_str_equal(found, wanted);
        if (*out_has_key)
            return i;
        if (head < 0 && g_str_equal(line, group))
            head = i;
    }
    return head;
}

/* Returns: (transfer full): @text with one more value, all else letter by letter. */
static char *
add_to_list(const char *text, const char *group, const char *key, const char *value)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    gboolean has_key = FALSE;
    gint i = find_line(lines, group, key, &has_key);
    char *line;

    if (i < 0)
        return g_strdup_printf("%s\n%s\n%s = %s\n", text, group, key, value);
    g_strchomp(lines[i]);
    if (!has_key)
        line = g_strdup_printf("%s\n%s = %s", lines[i], key, value);
    else if (g_str_has_suffix(lines[i], ";"))
        line = g_strconcat(lines[i], value, NULL);
    else
        line = g_strconcat(lines[i], ";", value, NULL);
    g_free(lines[i]);
    lines[i] = line;
    return g_strjoinv("\n", lines);
}

gboolean
ims_config_add_pin(
    const char *path, const char *name, ImsSide side, const char *pin, GError **error)
{
    g_autoptr(ImsConfig) before = ims_config_load(path, name, error);
    g_autoptr(ImsConfig) after = NULL;
    g_autofree char *group = g_strdup_printf("[%s]", ims_side_name(side));
    g_autofree char *target = NULL;
    const char *const *pins;
    char *text;

    if (before == NULL)
        return FALSE;
    pins = (const char *const *)before->side[side].tls.pins;
    if (pins != NULL && g_strv_contains(pins, pin))
        return TRUE;
    text = add_to_list(before->text, group, "tls-pin", pin);
    after = parse_text(text, strlen(text), NULL, path, name, error);
    if (after == NULL)
        return FALSE;
    target = realpath(path, NULL); /* a link stays one */
    return replace(target != NULL ? target : path, after->text, strlen(after->text), error);
}
