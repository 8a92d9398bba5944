/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Names sides by what makes them the servers that they are, and compares them. These texts stand in
 * the state files of all users: to change one is to forget what they know. */

#include "account/identity.h"

#include <string.h>

#define PORT_IMAPS 993
#define PORT_IMAP  143

guint16
ims_side_type_port(ImsSideType type)
{
    return type == IMS_TYPE_IMAP ? PORT_IMAP : PORT_IMAPS;
}

static char *
server_identity(const ImsSideConfig *self, const char *store)
{
    g_autofree char *host = NULL;

    switch (self->type) {
    case IMS_TYPE_DOVECOT:
        return g_strdup_printf("dovecot %s", store);
    case IMS_TYPE_TUNNEL:
        return g_strdup_printf(
            "tunnel %s%s%s",
            self->command,
            self->username != NULL ? "\n" : "",
            self->username != NULL ? self->username : "");
    case IMS_TYPE_IMAPS:
    case IMS_TYPE_IMAP:
        break;
    }
    host = g_ascii_strdown(self->host, -1);
    if (self->port == ims_side_type_port(self->type))
        return g_strdup_printf("imaps %s %s", host, self->username);
    return g_strdup_printf("imaps %s %u %s", host, self->port, self->username);
}

char *
ims_side_config_identity(const ImsSideConfig *self, const char *store)
{
    g_autofree char *server = server_identity(self, store);

    return self->folder != NULL ? g_strdup_printf("%s\nprefix %s/", server, self->folder)
                                : g_steal_pointer(&server);
}

char *
ims_side_config_server(const ImsSideConfig *self)
{
    g_autofree char *host = self->host != NULL ? g_ascii_strdown(self->host, -1) : NULL;

    if (self->type == IMS_TYPE_DOVECOT)
        return NULL;
    if (self->type == IMS_TYPE_TUNNEL)
        return g_strdup_printf("tunnel %s", self->command);
    if (self->port == ims_side_type_port(self->type))
        return g_strdup_printf("imaps %s", host);
    return g_strdup_printf("imaps %s %u", host, self->port);
}

gboolean
ims_side_config_is_same_server(const ImsSideConfig *a, const ImsSideConfig *b)
{
    g_autofree char *one = NULL, *other = NULL;

    if (a->type == IMS_TYPE_DOVECOT || b->type == IMS_TYPE_DOVECOT)
        return FALSE;
    one = server_identity(a, NULL);
    other = server_identity(b, NULL);
    return g_str_equal(one, other);
}

/* @folder: (nullable): NULL: the whole server */
static gboolean
holds(const char *folder, const char *inner)
{
    gsize len;

    if (folder == NULL)
        return TRUE;
    len = strlen(folder);
    return inner != NULL && strncmp(inner, folder, len) == 0 &&
           (inner[len] == '\0' || inner[len] == '/');
}

gboolean
ims_side_config_overlaps(const ImsSideConfig *a, const ImsSideConfig *b)
{
    return ims_side_config_is_same_server(a, b) &&
           (holds(a->folder, b->folder) || holds(b->folder, a->folder));
}
