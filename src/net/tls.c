/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Opens a link over TCP, and begins TLS on it: at once, or later (STARTTLS). GIO tries several
 * addresses of a host side by side only in its asynchronous calls, so this starts them on the
 * thread's own context and iterates that until they answer; one inner cancellable stands for both
 * the deadline and the user's cancel.
 *
 * GIO (glib-networking 2.74) still accepts TLS 1.0 and 1.1, and offers no way to refuse them
 * beforehand: the version is looked at after the handshake, before a byte of ours has gone. The
 * signal `accept-certificate` is left alone, so no certificate is ever accepted in spite of an
 * error.
 */

#include "net/link-private.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
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
attempt_init(Attempt *self, const char *name, gint64 deadline_us, GCancellable *cancel)
{
    *self = (Attempt){
        .name = name,
        .cancel = cancel != NULL ? g_object_ref(cancel) : g_cancellable_new(),
        .deadline_us = deadline_us,
        .inner = g_cancellable_new(),
        .context = g_main_context_ref_thread_default(),
    };
}

static void
attempt_clear(Attempt *self)
{
    g_clear_object(&self->cancel);
    g_clear_object(&self->inner);
    g_clear_pointer(&self->context, g_main_context_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Attempt, attempt_clear)

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
set_failure(const Attempt *attempt, gboolean in_tls, const GError *problem, GError **error)
{
    if (g_cancellable_is_cancelled(attempt->cancel))
        g_set_error_literal(error, IMS_ERROR, IMS_ERROR_CANCELLED, _("cancelled"));
    else if (g_cancellable_is_cancelled(attempt->inner))
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            in_tls ? _("%s did not answer in time in the TLS handshake")
                   : _("%s did not answer in time while connecting"),
            attempt->name);
    else
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            in_tls ? _("%s cannot be reached: the TLS handshake failed: %s")
                   : _("%s cannot be reached: connecting failed: %s"),
            attempt->name,
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
connect_tcp(Attempt *attempt, GSocketClient *client, GSocketConnectable *address, GError **error)
{
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) problem = NULL;
    GSocketConnection *tcp;

    g_socket_client_connect_async(client, address, attempt->inner, keep_result, attempt);
    result = await(attempt);
    tcp = g_socket_client_connect_finish(client, result, &problem);
    if (tcp == NULL) {
        set_failure(attempt, FALSE, problem, error);
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
     N_("it is signed by an authority that is not trusted here (if that is your own, name its PEM "
        "file as ca-file)")},
    {G_TLS_CERTIFICATE_BAD_IDENTITY, N_("it was issued for another name (check the host setting)")},
    {G_TLS_CERTIFICATE_NOT_ACTIVATED, N_("it is not valid yet (check this computer's clock)")},
    {G_TLS_CERTIFICATE_EXPIRED, N_("it has expired (its server's administrator has to renew it)")},
    {G_TLS_CERTIFICATE_REVOKED, N_("it has been revoked")},
    {G_TLS_CERTIFICATE_INSECURE, N_("it uses an algorithm that is no longer secure")},
    {G_TLS_CERTIFICATE_GENERIC_ERROR, N_("it could not be checked")},
};

static void
set_rejected(
    const Attempt *attempt, GTlsCertificateFlags flags, const GError *problem, GError **error)
{
    g_autoptr(GString) why = g_string_new(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++)
        if (flags & reasons[i].flag)
            g_string_append_printf(why, "%s%s", why->len > 0 ? "; " : "", _(reasons[i].text));
    if (why->len == 0)
        g_string_append(why, problem->message);

    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CERTIFICATE_REJECTED,
        _("the certificate of %s was rejected: %s"),
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
            set_failure(attempt, TRUE, problem, error);
        return FALSE;
    }
    if (g_tls_connection_get_protocol_version(tls) < G_TLS_PROTOCOL_VERSION_TLS_1_2) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_SERVER_UNSUPPORTED,
            _("%s offers no version of TLS later than 1.1; it has to be upgraded"),
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
            _("the ca-file %s cannot be used: %s"),
            ca_file,
            problem != NULL ? problem->message : _("it holds no PEM certificate"));
    return database;
}

static ImsLink *
open_tcp(
    GSocketClient *client,
    const char *host,
    guint16 port,
    gint64 deadline_us,
    GCancellable *cancel,
    GError **error)
{
    g_autofree char *name = g_strdup_printf("%s:%u", host, port);
    g_autoptr(GSocketConnectable) address = g_network_address_new(host, port);
    GSocketConnection *tcp;
    g_auto(Attempt) attempt;
    ImsLink *self;

    attempt_init(&attempt, name, deadline_us, cancel);
    tcp = connect_tcp(&attempt, client, address, error);
    if (tcp == NULL)
        return NULL;

    self = ims_link_new(name, G_IO_STREAM(tcp), g_socket_connection_get_socket(tcp));
    self->address = g_steal_pointer(&address);
    return self;
}

/* Over the bare streams, GIO does not know whom it talks to and resumes no session: a resumed one
 * would not be verified, also if another account with other authorities had opened it. */
static GIOStream *
make_bare(GIOStream *tcp)
{
    GIOStream *bare = g_simple_io_stream_new(
        g_io_stream_get_input_stream(tcp), g_io_stream_get_output_stream(tcp));

    g_object_set_data_full(
        G_OBJECT(bare), "tcp", g_object_ref(tcp), g_object_unref); /* stays open */
    return bare;
}

static gboolean
start_tls(
    ImsLink *self,
    GTlsDatabase *authorities,
    gint64 deadline_us,
    GCancellable *cancel,
    GError **error)
{
    g_autoptr(GIOStream) bare = make_bare(self->stream);
    g_autoptr(GIOStream) tls = NULL;
    g_autoptr(GError) problem = NULL;
    g_auto(Attempt) attempt;

    attempt_init(&attempt, self->name, deadline_us, cancel);
    tls = g_tls_client_connection_new(bare, self->address, &problem);
    if (tls == NULL) {
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            _("%s cannot be reached: starting TLS failed: %s"),
            self->name,
            problem->message);
        return FALSE;
    }
    if (authorities != NULL)
        g_tls_connection_set_database(G_TLS_CONNECTION(tls), authorities);
    if (!shake_hands(&attempt, G_TLS_CONNECTION(tls), error)) {
        g_socket_close(self->socket, NULL);
        return FALSE;
    }
    ims_link_set_stream(self, g_steal_pointer(&tls));
    return TRUE;
}

/* @out: (transfer full): NULL: the system's. */
static gboolean
find_authorities(const char *ca_file, GTlsDatabase **out, GError **error)
{
    if (ca_file != NULL)
        *out = load_authorities(ca_file, error);
    return ca_file == NULL || *out != NULL;
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
    g_autoptr(GTlsDatabase) authorities = NULL;
    g_autoptr(ImsLink) self = NULL;

    if (!find_authorities(ca_file, &authorities, error))
        return NULL;
    self = ims_link_open_tcp(host, port, deadline_us, cancel, error);
    if (self == NULL || !start_tls(self, authorities, deadline_us, cancel, error))
        return NULL;

    return g_steal_pointer(&self);
}

ImsLink *
ims_link_open_tcp(
    const char *host, guint16 port, gint64 deadline_us, GCancellable *cancel, GError **error)
{
    g_autoptr(GSocketClient) client = g_socket_client_new();

    return open_tcp(client, host, port, deadline_us, cancel, error);
}

static gboolean
check_loopback(const ImsLink *self, GError **error)
{
    g_autoptr(GSocketAddress) peer = g_socket_get_remote_address(self->socket, NULL);
    g_autofree char *text = NULL;
    GInetAddress *inet;

    if (!G_IS_INET_SOCKET_ADDRESS(peer)) {
        g_set_error(error, IMS_ERROR, IMS_ERROR_OFFLINE, _("%s closed the connection"), self->name);
        return FALSE;
    }
    inet = g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(peer));
    if (g_inet_address_get_is_loopback(inet))
        return TRUE;

    text = g_inet_address_to_string(inet);
    g_set_error(
        error,
        IMS_ERROR,
        IMS_ERROR_CONFIG,
        _("%s is at %s, which is not on this computer, so nobody logs in there without TLS; remove "
          "'%s', or correct host"),
        self->name,
        text,
        "starttls = no");
    return FALSE;
}

/* A proxy would say by its own address nothing of where it connects to. */
ImsLink *
ims_link_open_loopback(
    const char *host, guint16 port, gint64 deadline_us, GCancellable *cancel, GError **error)
{
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(ImsLink) self = NULL;

    g_socket_client_set_enable_proxy(client, FALSE);
    self = open_tcp(client, host, port, deadline_us, cancel, error);
    if (self == NULL || !check_loopback(self, error))
        return NULL;

    return g_steal_pointer(&self);
}

static gboolean
check_silence(ImsLink *self, GError **error)
{
    ImsLinkStep step;
    guint8 octet;
    gsize len;

    if (!ims_link_read(self, &octet, 1, &len, &step, error))
        return FALSE;
    switch (step) {
    case IMS_LINK_BLOCKED:
        return TRUE;
    case IMS_LINK_MOVED:
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_PROTOCOL,
            _("%s: octets came in the clear where TLS begins"),
            self->name);
        break;
    case IMS_LINK_CLOSED:
        g_set_error(
            error,
            IMS_ERROR,
            IMS_ERROR_OFFLINE,
            _("%s closed the connection where TLS begins"),
            self->name);
        break;
    }
    return FALSE;
}

gboolean
ims_link_start_tls(
    ImsLink *self, const char *ca_file, gint64 deadline_us, GCancellable *cancel, GError **error)
{
    g_autoptr(GTlsDatabase) authorities = NULL;

    g_return_val_if_fail(self->address != NULL, FALSE);

    return find_authorities(ca_file, &authorities, error) && check_silence(self, error) &&
           start_tls(self, authorities, deadline_us, cancel, error);
}
