/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Names between our form and a server's. Both directions are component by component, and both
 * refuse rather than invent: two mailboxes must never come to share one name. */
#include "model/mailbox-name.h"

#include <string.h>

static gboolean
is_text(const char *name)
{
    if (!g_utf8_validate(name, -1, NULL))
        return FALSE;
    for (const char *c = name; *c != '\0'; c = g_utf8_next_char(c)) {
        if (g_unichar_iscntrl(g_utf8_get_char(c)))
            return FALSE;
    }
    return TRUE;
}

/* Splits without interpreting: with no delimiter the whole name is one component. */
static char **
split(const char *name, char delimiter)
{
    char separator[] = {delimiter, '\0'};

    return delimiter == '\0' ? g_strsplit(name, "/", 1) : g_strsplit(name, separator, -1);
}

static gboolean
are_components(char *const *components, char forbidden)
{
    for (char *const *c = components; *c != NULL; c++) {
        if (**c == '\0' || (forbidden != '\0' && strchr(*c, forbidden) != NULL))
            return FALSE;
    }
    return *components != NULL;
}

char *
ims_mailbox_name_from_server(const char *name, char delimiter)
{
    g_auto(GStrv) components = NULL;

    if (!is_text(name))
        return NULL;
    components = split(name, delimiter);
    if (!are_components(components, '/'))
        return NULL;
    if (g_ascii_strcasecmp(components[0], "INBOX") == 0)
        memcpy(components[0], "INBOX", strlen("INBOX"));
    return g_strjoinv("/", components);
}

char *
ims_mailbox_name_to_server(const char *name, char delimiter)
{
    g_auto(GStrv) components = g_strsplit(name, "/", -1);
    char separator[] = {delimiter, '\0'};

    if (!are_components(components, delimiter == '/' ? '\0' : delimiter))
        return NULL;
    if (delimiter == '\0' && components[1] != NULL)
        return NULL;
    return g_strjoinv(separator, components);
}

char *
ims_mailbox_name_canonical(const char *name)
{
    return ims_mailbox_name_from_server(name, '/');
}
