/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Opens a link over TCP and TLS. GIO tries several addresses of a host side by side only in its
 * asynchronous calls, so this starts them on the thread's own context and iterates that until they
 * answer; one inner cancellable stands for both the deadline and the user's cancel.
 *
 * GIO (glib-networking 2.74) still accepts TLS 1.0 and 1.1, and offers no way to refuse them
 * beforehand: the version is looked at after the handshake, before a byte of ours has gone. The
 * signal `accept-certificate` is left alone, so no certificate is ever accepted in spite of an
 * error.
 */

#include "net/link-private.h"

#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "util/error.h"

/* One attempt at opening. */
typedef struct {
    const char *name;     /* host:port */
    GCancellable *cancel; /* the user's */
    gint64 deadline_us;
    GCancellable *inner;
    GMainContext *context;
    GAsyncResult *result;
} Attempt;

static void
keep_result(GObject *source, GAsyncResult *result, gpointer data)
{
    Attempt *attempt = data;

    attempt->result = g_object_ref(result);
}

static gboolean
time_is_up(gpointer inner)
{
    g_cancellable_cancel(inner);
    return G_SOURCE_REMOVE;
}

static gboolean
user_cancelled(int fd, GIOCondition condition, gpointer inner)
{
    g_cancellable_cancel(inner);
    return G_SOURCE_REMOVE;
}

/* Returns: (transfer full). */
static GSource *
start_timer(const Attempt *attempt)
{
    GSource *source = g_timeout_source_new(0);

    g_source_set_ready_time(source, attempt->deadline_us == G_MAXINT64 ? -1 : attempt->deadline_us);
    g_source_set_callback(source, time_is_up, attempt->inner, NULL);
    g_source_attach(source, attempt->context);
    return source;
}

/* Returns: (transfer full). The cancel comes from another thread, by its descriptor, so that the
 * inner cancellable is a matter of this thread alone. */
static GSource *
start_cancel_watch(const Attempt *attempt)
{
    GSource *source = g_unix_fd_source_new(g_cancellable_get_fd(attempt->cancel), G_IO_IN);

    g_source_set_callback(source, G_SOURCE_FUNC(user_cancelled), attempt->inner, NULL);
    g_source_attach(source, attempt->context);
    return source;
}

/* Returns: (transfer full): the result of the call that was just started with keep_result(). */
static GAsyncResult *
await(Attempt *attempt)
{
    g_autoptr(GSource) timer = start_timer(attempt);
    g_autoptr(GSource) watch = start_cancel_watch(attempt);

    while (attempt->result == NULL)
        g_main_context_iteration(attempt->context, TRUE);

    g_source_destroy(watch);
    g_source_destroy(timer);
    g_cancellable_release_fd(attempt->cancel);
    return g_steal_pointer(&attempt->result);
}

static void
set_failure(const Attempt *attempt, const char *doing, const GError *problem, GError **error)
{
    if (g_cancellable_is_cancelled(attempt->cancel))
        g_set_error_literal(error, IMS_ERROR, IMS_ERROR_CANCELLED, "cancelled");
    else if (g_cancellable_is_cancelled(attempt->inner))
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            "%s did not answer in time while %s",
            attempt->name,
            doing);
    else
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            "%s cannot be reached: %s failed: %s",
            attempt->name,
            doing,
            problem->message);
}

static void
tune(GSocket *socket)
{
    g_socket_set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
    g_socket_set_keepalive(socket, TRUE);
    g_socket_set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 120, NULL);
    g_socket_set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 30, NULL);
}

static GSocketConnection *
connect_tcp(Attempt *attempt, GSocketConnectable *address, GError **error)
{
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) problem = NULL;
    GSocketConnection *tcp;

    g_socket_client_connect_async(client, address, attempt->inner, keep_result, attempt);
    result = await(attempt);
    tcp = g_socket_client_connect_finish(client, result, &problem);
    if (tcp == NULL) {
        set_failure(attempt, "connecting", problem, error);
        return NULL;
    }
    tune(g_socket_connection_get_socket(tcp));
    return tcp;
}

static const struct {
    GTlsCertificateFlags flag;
    const char *text;
} reasons[] = {
    {G_TLS_CERTIFICATE_UNKNOWN_CA,
     "it is signed by an authority that is not trusted here (if that is your own, name its PEM "
     "file "
     "as ca-file)"},
    {G_TLS_CERTIFICATE_BAD_IDENTITY, "it was issued for another name (check the host setting)"},
    {G_TLS_CERTIFICATE_NOT_ACTIVATED, "it is not valid yet (check this computer's clock)"},
    {G_TLS_CERTIFICATE_EXPIRED, "it has expired (its server's administrator has to renew it)"},
    {G_TLS_CERTIFICATE_REVOKED, "it has been revoked"},
    {G_TLS_CERTIFICATE_INSECURE, "it uses an algorithm that is no longer secure"},
    {G_TLS_CERTIFICATE_GENERIC_ERROR, "it could not be checked"},
};

static void
set_rejected(
    const Attempt *attempt, GTlsCertificateFlags flags, const GError *problem, GError **error)
{
    g_autoptr(GString) why = g_string_new(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++)
        if (flags & reasons[i].flag)
            g_string_append_printf(why, "%s%s", why->len > 0 ? "; " : "", reasons[i].text);
    if (why->len == 0)
        g_string_append(why, problem->message);

    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CERTIFICATE_REJECTED,
        "the certificate of %s was rejected: %s",
        attempt->name,
        why->str);
}

static gboolean
shake_hands(Attempt *attempt, GTlsConnection *tls, GError **error)
{
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) problem = NULL;

    g_tls_connection_handshake_async(tls, G_PRIORITY_DEFAULT, attempt->inner, keep_result, attempt);
    result = await(attempt);
    if (!g_tls_connection_handshake_finish(tls, result, &problem)) {
        if (g_error_matches(problem, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE))
            set_rejected(
                attempt, g_tls_connection_get_peer_certificate_errors(tls), problem, error);
        else
            set_failure(attempt, "the TLS handshake", problem, error);
        return FALSE;
    }
    if (g_tls_connection_get_protocol_version(tls) < G_TLS_PROTOCOL_VERSION_TLS_1_2) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_SERVER_UNSUPPORTED,
            "%s offers no version of TLS later than 1.1; it has to be upgraded",
            attempt->name);
        return FALSE;
    }
    return TRUE;
}

/* A file without a certificate would make a database that rejects every server and says not why. */
static GTlsDatabase *
load_authorities(const char *ca_file, GError **error)
{
    g_autofree char *path = g_canonicalize_filename(ca_file, NULL);
    g_autolist(GTlsCertificate) list = NULL;
    g_autoptr(GError) problem = NULL;
    GTlsDatabase *database = NULL;

    list = g_tls_certificate_list_new_from_file(path, &problem);
    if (list != NULL)
        database = g_tls_file_database_new(path, &problem);
    if (database == NULL)
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_CONFIG,
            "the ca-file %s cannot be used: %s",
            ca_file,
            problem != NULL ? problem->message : "it holds no PEM certificate");
    return database;
}

static ImsLink *
open_link(Attempt *attempt, GSocketConnectable *address, GTlsDatabase *authorities, GError **error)
{
    g_autoptr(GSocketConnection) tcp = connect_tcp(attempt, address, error);
    g_autoptr(GIOStream) bare = NULL;
    g_autoptr(GIOStream) tls = NULL;
    g_autoptr(GError) problem = NULL;

    if (tcp == NULL)
        return NULL;
    /* Over the bare streams, GIO does not know whom it talks to and resumes no session: a resumed
     * one would not be verified, also if another account with other authorities had opened it. */
    bare = g_simple_io_stream_new(
        g_io_stream_get_input_stream(G_IO_STREAM(tcp)),
        g_io_stream_get_output_stream(G_IO_STREAM(tcp)));
    g_object_set_data_full(
        G_OBJECT(bare), "tcp", g_object_ref(tcp), g_object_unref); /* stays open */
    tls = g_tls_client_connection_new(bare, address, &problem);
    if (tls == NULL) {
        set_failure(attempt, "starting TLS", problem, error);
        return NULL;
    }
    if (authorities != NULL)
        g_tls_connection_set_database(G_TLS_CONNECTION(tls), authorities);
    if (!shake_hands(attempt, G_TLS_CONNECTION(tls), error)) {
        g_socket_close(g_socket_connection_get_socket(tcp), NULL);
        return NULL;
    }
    return ims_link_new(attempt->name, g_steal_pointer(&tls), g_socket_connection_get_socket(tcp));
}

ImsLink *
ims_link_open_tls(
    const char *host,
    guint16 port,
    const char *ca_file,
    gint64 deadline_us,
    GCancellable *cancel,
    GError **error)
{
    g_autofree char *name = g_strdup_printf("%s:%u", host, port);
    g_autoptr(GSocketConnectable) address = g_network_address_new(host, port);
    g_autoptr(GMainContext) context = g_main_context_ref_thread_default();
    g_autoptr(GCancellable) inner = g_cancellable_new();
    g_autoptr(GCancellable) outer = cancel != NULL ? g_object_ref(cancel) : g_cancellable_new();
    g_autoptr(GTlsDatabase) authorities = NULL;
    Attempt attempt = {
        .name = name,
        .cancel = outer,
        .deadline_us = deadline_us,
        .inner = inner,
        .context = context,
    };

    if (ca_file != NULL) {
        authorities = load_authorities(ca_file, error);
        if (authorities == NULL)
            return NULL;
    }
    return open_link(&attempt, address, authorities, error);
}
