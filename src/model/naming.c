/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Names between a server's namespaces and ours, as whole strings: what stands before a name is
 * taken off here, and the name itself is mailbox-name's. */
#include "model/naming.h"

#include <string.h>

#include "model/mailbox-name.h"

ImsSpace *
ims_space_new(ImsSpaceKind kind, const char *prefix, char delimiter)
{
    ImsSpace *self = g_new0(ImsSpace, 1);

    self->kind = kind;
    self->prefix = g_strdup(prefix);
    self->delimiter = delimiter;
    return self;
}

void
ims_space_free(ImsSpace *self)
{
    if (self == NULL)
        return;
    g_free(self->prefix);
    g_free(self);
}

void
ims_naming_clear(ImsNaming *self)
{
    g_free(self->personal);
    g_clear_pointer(&self->foreign, g_ptr_array_unref);
    g_free(self->folder);
    *self = (ImsNaming){0};
}

void
ims_naming_set_spaces(ImsNaming *self, const GPtrArray *spaces)
{
    const ImsSpace *personal = NULL;

    g_clear_pointer(&self->personal, g_free);
    g_clear_pointer(&self->foreign, g_ptr_array_unref);
    self->foreign = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < spaces->len; i++) {
        const ImsSpace *space = g_ptr_array_index(spaces, i);

        if (space->kind != IMS_SPACE_PERSONAL)
            g_ptr_array_add(self->foreign, g_strdup(space->prefix));
        else if (personal == NULL || (*space->prefix == '\0' && *personal->prefix != '\0'))
            personal = space;
    }
    if (personal != NULL) {
        self->personal = g_strdup(personal->prefix);
        self->delimiter = personal->delimiter;
    }
}

static const char *
personal_of(const ImsNaming *self)
{
    return self->personal != NULL ? self->personal : "";
}

static gboolean
is_inbox(const char *name)
{
    return g_ascii_strcasecmp(name, "INBOX") == 0;
}

/* Whether @spelling is in the namespace, or is the level that its prefix names. */
static gboolean
is_within(const char *spelling, const char *prefix)
{
    gsize len = strlen(prefix);

    return g_str_has_prefix(spelling, prefix) ||
           (len > 1 && strlen(spelling) == len - 1 && strncmp(spelling, prefix, len - 1) == 0);
}

/* The longest prefix decides: Cyrus may have `INBOX.` as the personal and none as the shared one.
 */
static gboolean
is_foreign(const ImsNaming *self, const char *spelling)
{
    const char *personal = personal_of(self);

    if (is_inbox(spelling))
        return FALSE;
    if (!g_str_has_prefix(spelling, personal) || strlen(spelling) == strlen(personal))
        return TRUE;
    for (guint i = 0; self->foreign != NULL && i < self->foreign->len; i++) {
        const char *prefix = g_ptr_array_index(self->foreign, i);

        if (strlen(prefix) > strlen(personal) && is_within(spelling, prefix))
            return TRUE;
    }
    return FALSE;
}

/* Returns: (transfer full) (nullable): what stands before all names of the account; NULL if the
 * server cannot have that folder. */
static char *
folder_prefix(const ImsNaming *self)
{
    const char delimiter[] = {self->delimiter, '\0'};
    g_autofree char *folder = NULL;

    if (self->folder == NULL)
        return g_strdup(personal_of(self));
    folder = ims_mailbox_name_to_server(self->folder, self->delimiter);
    if (folder == NULL || self->delimiter == '\0')
        return NULL;
    return g_strconcat(personal_of(self), folder, delimiter, NULL);
}

ImsNameKind
ims_naming_from_server(const ImsNaming *self, const char *spelling, char delimiter, char **out_name)
{
    g_autofree char *prefix = folder_prefix(self);
    g_autofree char *name = NULL;

    if (self->folder == NULL && is_inbox(spelling)) {
        *out_name = g_strdup("INBOX");
        return IMS_NAME_OURS;
    }
    if (self->folder != NULL && (prefix == NULL || !g_str_has_prefix(spelling, prefix)))
        return IMS_NAME_OUTSIDE;
    if (is_foreign(self, spelling))
        return IMS_NAME_FOREIGN;
    name = ims_mailbox_name_from_server(spelling + strlen(prefix), delimiter);
    /* A mailbox called INBOX inside of the namespace would share the real one's name. */
    if (name == NULL || (self->folder == NULL && g_str_equal(name, "INBOX")))
        return IMS_NAME_NONE;

    *out_name = g_steal_pointer(&name);
    return IMS_NAME_OURS;
}

char *
ims_naming_to_server(const ImsNaming *self, const char *name)
{
    g_autofree char *prefix = folder_prefix(self);
    g_autofree char *rest = ims_mailbox_name_to_server(name, self->delimiter);
    g_autofree char *spelling = NULL;
    g_autofree char *again = NULL;

    if (prefix == NULL || rest == NULL)
        return NULL;
    spelling = self->folder == NULL && g_str_equal(name, "INBOX") ? g_strdup(name)
                                                                  : g_strconcat(prefix, rest, NULL);
    /* What does not come back as it went would be another mailbox, or somebody else's. */
    if (ims_naming_from_server(self, spelling, self->delimiter, &again) != IMS_NAME_OURS ||
        !g_str_equal(again, name))
        return NULL;
    return g_steal_pointer(&spelling);
}
