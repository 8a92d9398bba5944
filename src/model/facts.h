/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* What a test has found out about one side. NULL, 0 and FALSE: there is no such thing, or the test
 * did not come so far. A server's words are escaped, and nothing secret is among them. */
typedef struct {
    char *host; /* as the account names it; NULL: a command */
    guint16 port;
    char *address; /* of what was connected to, in digits */
    char *program; /* that was started; NULL: a host. Its arguments may hold secrets */

    char *tls; /* "1.2", "1.3" */
    char *cipher;
    char *pin; /* of the certificate's key, as `tls-pin` takes it */
    char *subject;
    gint64 expires_us; /* since the epoch */

    const char *mechanism; /* static: "LOGIN", "PREAUTH", or its name in SASL */
    char *server;          /* what it says that it is */

    /* Names of capabilities; NULL if it was not told after a login what there is. */
    char **used;     /* offered and made use of */
    char **lacking;  /* what would make a sync cheaper and is not offered */
    char **required; /* what a sync cannot do without and is not offered */

    gboolean listed; /* whether what follows is known */
    char *delimiter; /* "": none */
    char *prefix;    /* of the personal namespace; "": none */
    guint64 n_mailboxes, n_filled, n_messages;

    GError *error; /* why it went no further */
} ImsFacts;

ImsFacts *ims_facts_new(void);
void ims_facts_free(ImsFacts *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsFacts, ims_facts_free)
