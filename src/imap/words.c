/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What a server says, for people: not what it repeats of a login, which some do, and not what
 * anybody may have said. */
#include "imap/session.h"

#include <glib/gi18n.h>
#include <string.h>

#include "imap/sasl.h"
#include "util/log.h"

#define SECRET_PART 8 /* octets of a secret that are not shown */

/* Also as it would be shown. */
void
ims_session_hide(ImsSession *self, const char *secret)
{
    char *shown;

    if (*secret == '\0')
        return;
    shown = ims_text_escape(secret, strlen(secret));
    g_ptr_array_add(self->secrets, g_strdup(secret));
    if (g_str_equal(shown, secret))
        ims_sasl_wipe(shown);
    else
        g_ptr_array_add(self->secrets, shown);
}

/* Words are cut, so that a part is enough. */
static gboolean
repeats_part(const char *text, const char *secret)
{
    gsize len = strlen(secret), part = MIN(len, SECRET_PART);

    for (gsize at = 0; at + part <= len; at++) {
        if (memmem(text, strlen(text), secret + at, part) != NULL)
            return TRUE;
    }
    return FALSE;
}

gboolean
ims_session_repeats(const ImsSession *self, const char *text)
{
    for (guint i = 0; i < self->secrets->len; i++) {
        if (repeats_part(text, self->secrets->pdata[i]))
            return TRUE;
    }
    return FALSE;
}

/* What came in the clear may be anybody's words. */
char *
ims_session_words(const ImsSession *self, const ImsResponse *response)
{
    if (self->channel != IMS_CHANNEL_SAFE)
        return g_strdup(_("(its words came without TLS)"));
    if (response->text != NULL && ims_session_repeats(self, response->text))
        return g_strdup(_("(its words repeat the login and are not shown)"));
    return ims_reply_text(response);
}
