/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What a user is told, and asked, of a server that the DNS names. Whoever can forge its answers can
 * name a server of his own, with a certificate that is right for it: so one of another domain needs
 * somebody who knows it. */

#include "cli/find.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/error.h"

/* Returns: (transfer full): a command that adds @account without looking anything up. */
static char *
explicit_command(const char *account, const char *username, const ImsDiscovery *found)
{
    if (found == NULL)
        return g_strdup_printf("imapsyncctl add %s imaps://%s@HOST", account, username);
    return g_strdup_printf(
        "imapsyncctl add %s %s://%s@%s:%u",
        account,
        found->type,
        username,
        found->host,
        found->port);
}

static void
tell(const char *username, const char *domain, const ImsDiscovery *found)
{
    g_print(
        _("The DNS of %s says that its mail is at %s://%s:%u. Nobody vouches for that, so the "
          "server must have a certificate for %s. The user name is %s; if the server wants another "
          "one, correct username in the account's file.\n"),
        domain,
        found->type,
        found->host,
        found->port,
        found->host,
        username);
}

/* In the words of the user's language, as far as the C library knows them. */
static gboolean
confirm(const char *domain, const ImsDiscovery *found, GError **error)
{
    char answer[64];

    g_printerr(
        _("%s is not in the domain %s. Is it the right server? [y/N] "), found->host, domain);
    if (fgets(answer, sizeof answer, stdin) != NULL && rpmatch(answer) == 1)
        return TRUE;
    g_set_error_literal(error, IMS_ERROR, IMS_ERROR_CANCELLED, _("nothing was added"));

    return FALSE;
}

static gboolean
check_domain(
    const char *account,
    const char *username,
    const char *domain,
    const ImsDiscovery *found,
    GError **error)
{
    g_autofree char *command = NULL;

    if (ims_discovery_is_in_domain(found->host, domain))
        return TRUE;
    if (isatty(STDIN_FILENO))
        return confirm(domain, found, error);

    command = explicit_command(account, username, found);
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CONFIG,
        _("%s is not in the domain %s, and there is no terminal to ask at whether it is the right "
          "server; if it is, run '%s'"),
        found->host,
        domain,
        command);
    return FALSE;
}

ImsDiscovery *
ims_find_server(const char *account, const char *username, const char *domain, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(ImsDiscovery) found = ims_discover(domain, &failure);

    if (found == NULL) {
        g_autofree char *command = explicit_command(account, username, NULL);

        g_set_error(error, IMS_ERROR, failure->code, "%s: '%s'", failure->message, command);
        return NULL;
    }
    tell(username, domain, found);
    if (!check_domain(account, username, domain, found, error))
        return NULL;

    return g_steal_pointer(&found);
}
