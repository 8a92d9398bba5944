/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Finds a domain's mail server by its SRV records. TLS from the first byte is preferred whatever
 * the priorities say (RFC 8314); a domain that cannot be asked for it now is not taken for one that
 * does not have it, or whoever drops that question would choose for us. */

#include "cli/discover.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <string.h>

#include "util/error.h"

#define DEADLINE_S 10

static const struct {
    const char *service, *type;
} services[] = {{"imaps", "imaps"}, {"imap", "imap"}};

typedef struct {
    GMainLoop *loop;
    GCancellable *cancel;
    GList *targets; /* in the order in which they are to be tried */
    GError *error;
} Lookup;

static void
looked_up(GObject *resolver, GAsyncResult *result, gpointer data)
{
    Lookup *lookup = data;

    lookup->targets =
        g_resolver_lookup_service_finish(G_RESOLVER(resolver), result, &lookup->error);
    g_main_loop_quit(lookup->loop);
}

static gboolean
time_is_up(gpointer cancel)
{
    g_cancellable_cancel(cancel);

    return G_SOURCE_CONTINUE;
}

/* A target "." means that there is no such service. GLib (2.74) calls it "", since it has no label.
 */
static gboolean
offers_nothing(const Lookup *lookup)
{
    const char *host;

    if (lookup->error != NULL || lookup->targets == NULL)
        return lookup->error == NULL ||
               g_error_matches(lookup->error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND);
    host = g_srv_target_get_hostname(lookup->targets->data);

    return g_str_equal(host, "") || g_str_equal(host, ".");
}

/* @out: (out) (transfer full): stays NULL if the domain does not have the service */
static gboolean
take_first(
    const Lookup *lookup, const char *domain, const char *type, ImsDiscovery **out, GError **error)
{
    const char *host;
    gsize len;

    if (offers_nothing(lookup))
        return TRUE;
    if (lookup->error != NULL) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            _("the DNS cannot be asked now where the mail of %s is (%s); try again, or name the "
              "server yourself"),
            domain,
            g_cancellable_is_cancelled(lookup->cancel) ? _("it does not answer")
                                                       : lookup->error->message);
        return FALSE;
    }

    host = g_srv_target_get_hostname(lookup->targets->data);
    len = strlen(host);
    *out = g_new0(ImsDiscovery, 1);
    (*out)->type = type;
    (*out)->host = g_strndup(host, len > 0 && host[len - 1] == '.' ? len - 1 : len);
    (*out)->port = g_srv_target_get_port(lookup->targets->data);

    return TRUE;
}

static gboolean
ask(const char *domain, gsize which, GCancellable *cancel, ImsDiscovery **out, GError **error)
{
    g_autoptr(GResolver) resolver = g_resolver_get_default();
    Lookup lookup = {.loop = g_main_loop_new(NULL, FALSE), .cancel = cancel};
    gboolean done;

    g_resolver_lookup_service_async(
        resolver, services[which].service, "tcp", domain, cancel, looked_up, &lookup);
    g_main_loop_run(lookup.loop);
    done = take_first(&lookup, domain, services[which].type, out, error);

    g_resolver_free_targets(lookup.targets);
    g_clear_error(&lookup.error);
    g_main_loop_unref(lookup.loop);

    return done;
}

/* What would not go into the account's file, or not onto the screen, is no name of a host. */
static gboolean
check_host(const ImsDiscovery *found, const char *domain, GError **error)
{
    for (const char *c = found->host; *c != '\0'; c++) {
        if (!g_ascii_isalnum(*c) && strchr("-._", *c) == NULL) {
            g_set_error(
                error,
                IMS_ERROR,
                IMS_ERROR_CONFIG,
                _("what the DNS of %s names is no name of a server; name the server yourself"),
                domain);
            return FALSE;
        }
    }

    return TRUE;
}

ImsDiscovery *
ims_discover(const char *domain, GError **error)
{
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    g_autoptr(ImsDiscovery) found = NULL;
    guint timer = g_timeout_add_seconds(DEADLINE_S, time_is_up, cancel);
    gboolean answered = TRUE;

    for (gsize i = 0; i < G_N_ELEMENTS(services) && answered && found == NULL; i++)
        answered = ask(domain, i, cancel, &found, error);
    g_source_remove(timer);
    if (!answered || (found != NULL && !check_host(found, domain, error)))
        return NULL;

    if (found == NULL)
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            _("the DNS of %s does not say where its mail is; name the server yourself"),
            domain);

    return g_steal_pointer(&found);
}

void
ims_discovery_free(ImsDiscovery *self)
{
    if (self == NULL)
        return;

    g_free(self->host);
    g_free(self);
}

/* Returns: (transfer full): as it stands in the DNS, in lower case. */
static char *
plain_name(const char *name)
{
    g_autofree char *ascii = g_hostname_to_ascii(name);
    char *lower = g_ascii_strdown(ascii != NULL ? ascii : name, -1);

    if (g_str_has_suffix(lower, "."))
        lower[strlen(lower) - 1] = '\0';

    return lower;
}

gboolean
ims_discovery_is_in_domain(const char *host, const char *domain)
{
    g_autofree char *below = plain_name(host), *above = plain_name(domain);
    g_autofree char *tail = g_strconcat(".", above, NULL);

    return *above != '\0' && (g_str_equal(below, above) || g_str_has_suffix(below, tail));
}
