/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* TLS links against a server thread in this process, with certificates made by openssl at test
 * time; and against openssl's own server for what GLib's cannot do (speak only TLS 1.1). */

#include <glib/gstdio.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include "byte-client.h"
#include "net/link-private.h"
#include "net/pump.h"
#include "util/error.h"

/* A name that would colour the terminal. */
#define SUBJECT       "/CN=test/O=a\033[1mb"
#define SHOWN_SUBJECT "CN=test,O=a?[1mb"

#define LOAD   (8 * 1024 * 1024)
#define BURST  (4 * 1024 * 1024)
#define SECOND G_USEC_PER_SEC

static const ImsProxy no_proxy = {.kind = IMS_PROXY_NONE};

static char *directory;

static char *
in_directory(const char *name)
{
    return g_build_filename(directory, name, NULL);
}

/* Makes NAME.pem and NAME.key, self-signed, for localhost. */
static gboolean
make_certificate(const char *name)
{
    g_autofree char *command = g_strdup_printf(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj '" SUBJECT
        "' -addext subjectAltName=DNS:localhost -keyout '%s/%s.key' -out '%s/%s.pem'",
        directory,
        name,
        directory,
        name);
    g_autofree char *out = NULL;
    g_autofree char *noise = NULL;
    int status = -1;

    return g_spawn_command_line_sync(command, &out, &noise, &status, NULL) && status == 0;
}

/* -- a server in a thread: says a burst, then echoes until the client closes -- */

typedef struct {
    GSocketListener *listener;
    guint16 port;
    gsize burst;
    const char *prologue;   /* said in the clear, before TLS; may be NULL */
    gboolean handshake;     /* FALSE: hears the client's hello, and says nothing for ever */
    GCancellable *on_hello; /* then cancelled; may be NULL */
    gint64 cancelled_us;
    GByteArray *bound; /* what binds a login to the connection, at this end */
    GCancellable *stop;
    GThread *thread;
} Server;

static GTlsConnection *
accept_tls(Server *server, GSocketConnection *tcp)
{
    g_autofree char *pem = in_directory("good.pem");
    g_autofree char *key = in_directory("good.key");
    g_autoptr(GTlsCertificate) certificate = g_tls_certificate_new_from_files(pem, key, NULL);
    GIOStream *tls = g_tls_server_connection_new(G_IO_STREAM(tcp), certificate, NULL);

    return G_TLS_CONNECTION(tls);
}

static void
echo(GIOStream *stream, gsize burst, GCancellable *stop)
{
    GInputStream *in = g_io_stream_get_input_stream(stream);
    GOutputStream *out = g_io_stream_get_output_stream(stream);
    g_autofree guint8 *data = g_malloc0(MAX(burst, 65536));
    gssize len;

    if (!g_output_stream_write_all(out, data, burst, NULL, stop, NULL))
        return;
    while ((len = g_input_stream_read(in, data, 65536, stop, NULL)) > 0)
        if (!g_output_stream_write_all(out, data, (gsize)len, NULL, stop, NULL))
            return;
}

static void
stay_silent(Server *server, GSocketConnection *tcp)
{
    GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(tcp));
    char octet;

    g_input_stream_read(in, &octet, 1, server->stop, NULL);
    server->cancelled_us = g_get_monotonic_time();
    g_cancellable_cancel(server->on_hello);
    while (g_input_stream_read(in, &octet, 1, server->stop, NULL) > 0)
        continue;
}

static void
say(GSocketConnection *tcp, const char *text)
{
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(tcp));

    g_output_stream_write_all(out, text, strlen(text), NULL, NULL, NULL);
}

static gpointer
serve(gpointer data)
{
    Server *server = data;
    g_autoptr(GSocketConnection) tcp =
        g_socket_listener_accept(server->listener, NULL, server->stop, NULL);
    g_autoptr(GTlsConnection) tls = NULL;

    if (tcp != NULL && !server->handshake)
        stay_silent(server, tcp);
    if (tcp == NULL || !server->handshake)
        return NULL;
    if (server->prologue != NULL)
        say(tcp, server->prologue);
    tls = accept_tls(server, tcp);
    if (!g_tls_connection_handshake(tls, server->stop, NULL))
        return NULL;
    g_tls_connection_get_channel_binding_data(
        tls, G_TLS_CHANNEL_BINDING_TLS_EXPORTER, server->bound, NULL);
    echo(G_IO_STREAM(tls), server->burst, server->stop);
    return NULL;
}

static void
server_listen(Server *self, GInetAddress *inet)
{
    g_autoptr(GSocketAddress) any = g_inet_socket_address_new(inet, 0);
    g_autoptr(GSocketAddress) address = NULL;
    g_autoptr(GError) error = NULL;

    self->listener = g_socket_listener_new();
    self->stop = g_cancellable_new();
    self->bound = g_byte_array_new();
    g_socket_listener_add_address(
        self->listener, any, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &address, &error);
    g_assert_no_error(error);
    self->port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address));
    self->thread = g_thread_new("server", serve, self);
}

static void
server_start(Server *self, gsize burst, gboolean handshake, GCancellable *on_hello)
{
    g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);

    *self = (Server){.burst = burst, .handshake = handshake, .on_hello = on_hello};
    server_listen(self, loopback);
}

/* Speaks in the clear before it does in TLS. */
static void
server_start_clear(Server *self, const char *prologue)
{
    g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);

    *self = (Server){.handshake = TRUE, .prologue = prologue};
    server_listen(self, loopback);
}

static void
server_stop(Server *self)
{
    g_cancellable_cancel(self->stop);
    g_thread_join(self->thread);
    g_object_unref(self->listener);
    g_object_unref(self->stop);
    g_byte_array_unref(self->bound);
}

static ImsLink *
open_link(const Server *server, const char *host, const char *ca_file, GError **error)
{
    return ims_link_open_tls(
        host,
        server->port,
        &no_proxy,
        &(const ImsTlsPolicy){.ca_file = (char *)ca_file},
        in_us(20 * SECOND),
        NULL,
        NULL,
        error);
}

/* -- tests -- */

static void
test_two_stubborn_peers(void)
{
    g_autofree char *ca_file = in_directory("good.pem");
    g_autofree guint8 *pattern = byte_client_pattern(LOAD);
    g_autoptr(ImsPump) pump = ims_pump_new(NULL);
    Server server[2];
    ImsLink *link[2];
    ByteClient client[2];

    for (guint i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;

        server_start(&server[i], BURST, TRUE, NULL);
        link[i] = open_link(&server[i], "localhost", ca_file, &error);
        g_assert_no_error(error);
        byte_client_init(&client[i], pattern, LOAD, BURST + LOAD);
        ims_pump_attach(pump, link[i], &byte_client_functions, &client[i]);
    }
    for (guint i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;

        ims_pump_until(pump, link[i], byte_client_is_full, &client[i], in_us(LONG_US), 0, &error);
        g_assert_no_error(error);
        g_assert_cmpmem(client[i].in->data + BURST, client[i].in->len - BURST, pattern, LOAD);
    }
    for (guint i = 0; i < 2; i++) {
        ims_pump_detach(pump, link[i]);
        ims_link_free(link[i]);
        byte_client_clear(&client[i]);
        server_stop(&server[i]);
    }
}

/* Octets that TLS has deciphered and the socket no longer shows must not be waited for. */
static void
test_deciphered_octets_are_found(void)
{
    g_autofree char *ca_file = in_directory("good.pem");
    g_autoptr(ImsPump) pump = ims_pump_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsLink) link = NULL;
    g_auto(ByteClient) client;
    Server server;

    server_start(&server, 0, TRUE, NULL);
    link = open_link(&server, "localhost", ca_file, &error);
    g_assert_no_error(error);
    byte_client_init(&client, "0123456789", 10, 1);
    client.appetite = 1;
    ims_pump_attach(pump, link, &byte_client_functions, &client);
    while (client.want <= 10) {
        g_assert_true(ims_pump_until(
            pump, link, byte_client_is_full, &client, in_us(LONG_US), 2 * SECOND, &error));
        client.want++;
        client.appetite++;
    }
    g_assert_cmpmem(client.in->data, client.in->len, "0123456789", 10);
    ims_pump_detach(pump, link);
    ims_link_free(g_steal_pointer(&link));
    server_stop(&server);
}

typedef struct {
    const char *host, *ca, *reason, *word;
} RejectCase;

static const RejectCase unknown_authority = {
    "localhost", "other.pem", "authority", "unknown-authority"};
static const RejectCase systems_authorities = {"localhost", NULL, "ca-file", "unknown-authority"};
static const RejectCase wrong_name = {"127.0.0.1", "good.pem", "another name", "wrong-name"};

/* Returns: (transfer full): by openssl's own means. */
static char *
pin_of(const char *name)
{
    g_autofree char *command = g_strdup_printf(
        "sh -c \"openssl x509 -in '%s/%s' -pubkey -noout | openssl pkey -pubin -outform der | "
        "openssl dgst -sha256 -binary | openssl base64 -A\"",
        directory,
        name);
    char *pin = NULL;

    g_assert_true(g_spawn_command_line_sync(command, &pin, NULL, NULL, NULL));
    return pin;
}

/* @error: about good.pem. */
static void
check_facts(const GError *error, const char *reason)
{
    GVariant *facts = ims_error_facts(error);
    g_autofree char *path = in_directory("good.pem"), *pem = NULL, *pin = pin_of("good.pem");
    g_autofree const char **reasons = NULL;
    const char *text;
    guint64 not_before = 0, not_after = 0;

    g_assert_true(g_file_get_contents(path, &pem, NULL, NULL));
    g_assert_nonnull(facts);
    g_assert_true(g_variant_lookup(facts, "reasons", "^a&s", &reasons));
    g_assert_cmpstr(reasons[0], ==, reason);
    g_assert_null(reasons[1]);
    g_assert_true(g_variant_lookup(facts, "pem", "&s", &text));
    g_assert_cmpstr(text, ==, pem);
    g_assert_true(g_variant_lookup(facts, "pin", "&s", &text));
    g_assert_cmpstr(text, ==, pin);
    g_assert_true(g_variant_lookup(facts, "subject", "&s", &text));
    g_assert_cmpstr(text, ==, SHOWN_SUBJECT);
    g_assert_true(g_variant_lookup(facts, "issuer", "&s", &text));
    g_assert_cmpstr(text, ==, SHOWN_SUBJECT);
    g_assert_true(g_variant_lookup(facts, "not-before", "t", &not_before));
    g_assert_true(g_variant_lookup(facts, "not-after", "t", &not_after));
    g_assert_cmpuint(not_after - not_before, ==, 2 * 24 * 3600 * (guint64)SECOND);
    g_assert_cmpint(ABS((gint64)not_before - g_get_real_time()), <, 3600 * (gint64)SECOND);
}

static void
test_rejected(gconstpointer data)
{
    const RejectCase *c = data;
    g_autofree char *ca_file = c->ca != NULL ? in_directory(c->ca) : NULL;
    g_autoptr(GError) error = NULL;
    Server server;

    server_start(&server, 0, TRUE, NULL);
    g_assert_null(open_link(&server, c->host, ca_file, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CERTIFICATE_REJECTED);
    g_assert_nonnull(strstr(error->message, c->reason));
    g_assert_nonnull(strstr(error->message, c->host));
    check_facts(error, c->word);
    server_stop(&server);
}

static void
test_bad_ca_file(void)
{
    g_autofree char *missing = in_directory("missing.pem");
    g_autofree char *empty = in_directory("empty.pem");
    const char *files[] = {missing, empty};

    g_assert_true(g_file_set_contents(empty, "nothing\n", -1, NULL));
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(ims_link_open_tls(
            "localhost",
            1,
            &no_proxy,
            &(const ImsTlsPolicy){.ca_file = (char *)files[i]},
            in_us(SECOND),
            NULL,
            NULL,
            &error));
        g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
        g_assert_nonnull(strstr(error->message, files[i]));
    }
}

static void
test_closed_port_is_offline(void)
{
    g_autofree char *port = NULL;
    g_autoptr(GError) error = NULL;
    Server server;

    server_start(&server, 0, TRUE, NULL);
    server_stop(&server);
    port = g_strdup_printf("127.0.0.1:%u", server.port);
    g_assert_null(open_link(&server, "127.0.0.1", NULL, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_assert_nonnull(strstr(error->message, port));
}

static void
test_handshake_deadline(void)
{
    g_autofree char *ca_file = in_directory("good.pem");
    g_autoptr(GError) error = NULL;
    Server server;

    server_start(&server, 0, FALSE, NULL);
    g_assert_null(ims_link_open_tls(
        "localhost",
        server.port,
        &no_proxy,
        &(const ImsTlsPolicy){.ca_file = ca_file},
        in_us(SECOND / 5),
        NULL,
        NULL,
        &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_assert_nonnull(strstr(error->message, "in time"));
    server_stop(&server);
}

static void
test_handshake_cancel(void)
{
    g_autofree char *ca_file = in_directory("good.pem");
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    g_autoptr(GError) error = NULL;
    gint64 now;
    Server server;

    server_start(&server, 0, FALSE, cancel);
    g_assert_null(ims_link_open_tls(
        "localhost",
        server.port,
        &no_proxy,
        &(const ImsTlsPolicy){.ca_file = ca_file},
        G_MAXINT64,
        cancel,
        NULL,
        &error));
    now = g_get_monotonic_time();
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CANCELLED);
    server_stop(&server);
    g_assert_cmpint(now - server.cancelled_us, <, SECOND / 2);
}

/* -- TLS that begins later -- */

static ImsLink *
open_clear(const Server *server)
{
    g_autoptr(GError) error = NULL;
    ImsLink *link =
        ims_link_open_tcp("localhost", server->port, &no_proxy, in_us(20 * SECOND), NULL, &error);

    g_assert_no_error(error);
    return link;
}

static gboolean
start_tls(ImsLink *link, const char *ca, GError **error)
{
    g_autofree char *ca_file = in_directory(ca);

    return ims_link_start_tls(
        link, &(const ImsTlsPolicy){.ca_file = ca_file}, in_us(20 * SECOND), NULL, error);
}

/* Sends @out, and waits until @want octets have come in all. */
static void
converse(ImsPump *pump, ImsLink *link, ByteClient *client, const char *out, guint want)
{
    g_autoptr(GError) error = NULL;

    client->out = (const guint8 *)out;
    client->out_len = strlen(out);
    client->want = want;
    ims_pump_until(pump, link, byte_client_is_full, client, in_us(LONG_US), 0, &error);
    g_assert_no_error(error);
}

static void
test_later_tls(void)
{
    g_autoptr(ImsPump) pump = ims_pump_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsLink) link = NULL;
    g_auto(ByteClient) client;
    Server server;

    server_start_clear(&server, "clear ");
    link = open_clear(&server);
    byte_client_init(&client, NULL, 0, 0);
    ims_pump_attach(pump, link, &byte_client_functions, &client);
    converse(pump, link, &client, "", strlen("clear "));
    start_tls(link, "good.pem", &error);
    g_assert_no_error(error);
    converse(pump, link, &client, "secret", strlen("clear secret"));
    g_assert_cmpmem(client.in->data, client.in->len, "clear secret", strlen("clear secret"));
    g_assert_cmpuint(ims_link_count(link).received, ==, strlen("clear secret"));
    ims_pump_detach(pump, link);
    ims_link_free(g_steal_pointer(&link));
    server_stop(&server);
}

static void
test_later_rejected(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsPump) pump = ims_pump_new(NULL);
    g_autoptr(ImsLink) link = NULL;
    Server server;

    server_start_clear(&server, NULL);
    link = open_clear(&server);
    g_assert_false(start_tls(link, "other.pem", &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CERTIFICATE_REJECTED);
    ims_link_free(g_steal_pointer(&link));
    server_stop(&server);
}

/* What came before the handshake could be taken for what is said under TLS. */
static void
test_injected(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsPump) pump = ims_pump_new(NULL);
    g_autoptr(ImsLink) link = NULL;
    Server server;

    server_start_clear(&server, "* OK injected\r\n");
    link = open_clear(&server);
    g_assert_true(g_socket_condition_wait(link->socket, G_IO_IN, NULL, NULL));
    g_assert_false(start_tls(link, "good.pem", &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_PROTOCOL);
    g_assert_nonnull(strstr(error->message, "in the clear"));
    ims_link_free(g_steal_pointer(&link));
    server_stop(&server);
}

/* -- links that stay in the clear -- */

/* Returns: (transfer full) (nullable): an address of this computer that is none of its loopback's.
 */
static GInetAddress *
own_address(void)
{
    GInetAddress *found = NULL;
    struct ifaddrs *list;

    if (getifaddrs(&list) != 0)
        return NULL;
    for (struct ifaddrs *item = list; item != NULL && found == NULL; item = item->ifa_next) {
        const struct sockaddr_in *address = (const struct sockaddr_in *)item->ifa_addr;

        if (address != NULL && address->sin_family == AF_INET && !(item->ifa_flags & IFF_LOOPBACK))
            found = g_inet_address_new_from_bytes(
                (const guint8 *)&address->sin_addr, G_SOCKET_FAMILY_IPV4);
    }
    freeifaddrs(list);
    return found;
}

static ImsLink *
open_loopback(const Server *server, const char *host, GError **error)
{
    return ims_link_open_loopback(host, server->port, in_us(20 * SECOND), NULL, error);
}

static void
test_loopback(void)
{
    g_autoptr(GError) error = NULL;
    Server server;

    server_start_clear(&server, NULL);
    ims_link_free(open_loopback(&server, "localhost", &error));
    g_assert_no_error(error);
    server_stop(&server);
}

static void
test_elsewhere(void)
{
    g_autoptr(GInetAddress) own = own_address();
    g_autofree char *host = own != NULL ? g_inet_address_to_string(own) : NULL;
    g_autoptr(GError) error = NULL;
    Server server = {0};

    if (own == NULL) {
        g_test_skip("this computer has no address but its loopback's");
        return;
    }
    server_listen(&server, own);
    g_assert_null(open_loopback(&server, host, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_CONFIG);
    g_assert_nonnull(strstr(error->message, host));
    server_stop(&server);
}

/* -- openssl as the server -- */

/* Returns: the port that openssl says it listens on; 0 if it would not start. */
static guint16
read_port(GDataInputStream *out)
{
    for (;;) {
        g_autofree char *line = g_data_input_stream_read_line(out, NULL, NULL, NULL);
        const char *colon = line != NULL ? strrchr(line, ':') : NULL;

        if (line == NULL)
            return 0;
        if (g_str_has_prefix(line, "ACCEPT") && colon != NULL)
            return (guint16)g_ascii_strtoull(colon + 1, NULL, 10);
    }
}

/* Serves one connection with good.pem and @more. Returns: (transfer full): the port is 0 if openssl
 * does not do that here. */
static GSubprocess *
openssl_serve(const char *const *more, guint16 *out_port)
{
    g_autofree char *pem = in_directory("good.pem");
    g_autofree char *key = in_directory("good.key");
    const char *const start[] = {
        "openssl",
        "s_server",
        "-accept",
        "127.0.0.1:0",
        "-naccept",
        "1",
        "-cert",
        pem,
        "-key",
        key,
        NULL};
    g_autoptr(GStrvBuilder) argv = g_strv_builder_new();
    g_auto(GStrv) all = NULL;
    GSubprocess *openssl;
    g_autoptr(GDataInputStream) out = NULL;

    g_strv_builder_addv(argv, (const char **)start);
    g_strv_builder_addv(argv, (const char **)more);
    all = g_strv_builder_end(argv);
    openssl = g_subprocess_newv(
        (const char *const *)all,
        G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE |
            G_SUBPROCESS_FLAGS_STDERR_SILENCE,
        NULL);
    out = g_data_input_stream_new(g_subprocess_get_stdout_pipe(openssl));
    g_filter_input_stream_set_close_base_stream(G_FILTER_INPUT_STREAM(out), FALSE);
    *out_port = read_port(out);
    return openssl;
}

static void
openssl_end(GSubprocess *openssl)
{
    g_subprocess_force_exit(openssl);
    g_subprocess_wait(openssl, NULL, NULL);
    g_object_unref(openssl);
}

static void
test_old_tls(void)
{
    static const char *const old[] = {"-tls1_1", "-cipher", "ALL:@SECLEVEL=0", NULL};
    static const char *const middle[] = {"-tls1_2", NULL};
    g_autofree char *pem = in_directory("good.pem");
    const struct {
        const char *const *version;
        ImsTlsVersion minimum;
        gboolean want;
    } cases[] = {
        {old, IMS_TLS_1_2, FALSE}, {middle, IMS_TLS_1_2, TRUE}, {middle, IMS_TLS_1_3, FALSE}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        ImsTlsPolicy policy = {.ca_file = pem, .minimum = cases[i].minimum};
        g_autoptr(GError) error = NULL;
        g_autoptr(ImsLink) link = NULL;
        guint16 port;
        GSubprocess *openssl = openssl_serve(cases[i].version, &port);

        if (port != 0) {
            link = ims_link_open_tls(
                "localhost", port, &no_proxy, &policy, in_us(20 * SECOND), NULL, NULL, &error);
            g_assert_true((link != NULL) == cases[i].want);
            if (!cases[i].want)
                g_assert_error(error, IMS_ERROR, IMS_ERROR_SERVER_UNSUPPORTED);
        } else {
            g_test_message("openssl does not serve that version here");
        }
        openssl_end(openssl);
    }
}

/* It is the same at both ends, and another one on another connection. */
static void
test_binding(void)
{
    g_autofree char *ca_file = in_directory("good.pem");
    g_autoptr(ImsPump) pump = ims_pump_new(NULL);
    g_autoptr(GByteArray) before = NULL;

    for (guint i = 0; i < 2; i++) {
        Server server;
        ByteClient client;
        ImsBinding binding = IMS_BINDING_UNIQUE;
        g_autoptr(GError) error = NULL;
        g_autoptr(GByteArray) bound = NULL;
        g_autoptr(ImsLink) link = NULL;

        server_start(&server, 1, TRUE, NULL);
        link = open_link(&server, "localhost", ca_file, &error);
        g_assert_no_error(error);
        byte_client_init(&client, NULL, 0, 1);
        ims_pump_attach(pump, link, &byte_client_functions, &client);
        ims_pump_until(pump, link, byte_client_is_full, &client, in_us(LONG_US), 0, &error);
        g_assert_no_error(error);
        bound = ims_link_binding(link, &binding);
        g_assert_cmpint(binding, ==, IMS_BINDING_EXPORTER);
        g_assert_cmpmem(bound->data, bound->len, server.bound->data, server.bound->len);
        g_assert_true(before == NULL || memcmp(before->data, bound->data, bound->len) != 0);
        g_clear_pointer(&before, g_byte_array_unref);
        before = g_steal_pointer(&bound);
        ims_pump_detach(pump, link);
        byte_client_clear(&client);
        server_stop(&server);
    }
}

static void
test_binding_of_older_tls(void)
{
    static const char *const middle[] = {"-tls1_2", NULL};
    g_autofree char *pem = in_directory("good.pem");
    const ImsTlsPolicy policy = {.ca_file = pem};
    ImsBinding binding = IMS_BINDING_EXPORTER;
    g_autoptr(GByteArray) bound = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsLink) link = NULL;
    guint16 port;
    GSubprocess *openssl = openssl_serve(middle, &port);

    link = ims_link_open_tls(
        "localhost", port, &no_proxy, &policy, in_us(20 * SECOND), NULL, NULL, &error);
    g_assert_no_error(error);
    bound = ims_link_binding(link, &binding);
    g_assert_nonnull(bound);
    g_assert_cmpint(binding, ==, IMS_BINDING_UNIQUE);
    openssl_end(openssl);
}

static void
test_no_binding(void)
{
    static char *argv[] = {(char *)"cat", NULL};
    g_autoptr(ImsLink) link = ims_link_open_command(argv, NULL, NULL);
    ImsBinding binding;

    g_assert_null(ims_link_binding(link, &binding));
}

/* A server that wants a certificate of ours gets it. With TLS 1.3 it refuses only behind the
 * handshake, so it is 1.2 here. */
static void
test_own_certificate(void)
{
    g_autofree char *pem = in_directory("good.pem"), *other = in_directory("other.pem");
    g_autofree char *key = in_directory("other.key"), *missing = in_directory("missing.pem");
    const char *const more[] = {
        "-tls1_2", "-Verify", "1", "-verify_return_error", "-CAfile", other, NULL};
    const struct {
        const char *certificate, *key;
        gint want; /* an ImsError; -1: none */
    } cases[] = {
        {other, key, -1},
        {NULL, NULL, IMS_ERROR_OFFLINE},
        {other, NULL, IMS_ERROR_CONFIG},
        {missing, key, IMS_ERROR_CONFIG},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        ImsTlsPolicy policy = {
            .ca_file = pem,
            .certificate = (char *)cases[i].certificate,
            .key = (char *)cases[i].key};
        g_autoptr(GError) error = NULL;
        g_autoptr(ImsLink) link = NULL;
        guint16 port;
        GSubprocess *openssl = openssl_serve(more, &port);

        g_assert_cmpuint(port, !=, 0);
        link = ims_link_open_tls(
            "localhost", port, &no_proxy, &policy, in_us(20 * SECOND), NULL, NULL, &error);
        if (cases[i].want < 0)
            g_assert_no_error(error);
        else
            g_assert_error(error, IMS_ERROR, cases[i].want);
        openssl_end(openssl);
    }
}

/* A pin counts whatever else is right or wrong with the certificate. */
static void
test_pins(void)
{
    g_autofree char *good = pin_of("good.pem"), *other = pin_of("other.pem");
    g_autofree char *ca_good = in_directory("good.pem"), *ca_other = in_directory("other.pem");
    const struct {
        const char *host, *ca;
        const char *pins[3];
        gboolean want;
    } cases[] = {
        {"localhost", ca_good, {good, NULL}, TRUE},
        {"localhost", ca_good, {other, NULL}, FALSE},
        {"localhost", ca_good, {other, good, NULL}, TRUE},
        {"localhost", ca_other, {good, NULL}, TRUE},
        {"localhost", ca_other, {other, NULL}, FALSE},
        {"localhost", NULL, {good, NULL}, TRUE},
        {"127.0.0.1", ca_good, {good, NULL}, TRUE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        ImsTlsPolicy policy = {.ca_file = (char *)cases[i].ca, .pins = (char **)cases[i].pins};
        g_autoptr(GError) error = NULL;
        g_autoptr(ImsLink) link = NULL;
        Server server;

        server_start(&server, 0, TRUE, NULL);
        link = ims_link_open_tls(
            cases[i].host, server.port, &no_proxy, &policy, in_us(20 * SECOND), NULL, NULL, &error);
        g_assert_true((link != NULL) == cases[i].want);
        if (!cases[i].want) {
            g_assert_error(error, IMS_ERROR, IMS_ERROR_CERTIFICATE_REJECTED);
            g_assert_nonnull(strstr(error->message, good)); /* the key that it has */
            check_facts(error, "not-pinned");
        }
        g_clear_pointer(&link, ims_link_free);
        server_stop(&server);
    }
}

/* Returns: (transfer full): what is told of a link that was opened with @policy, or was not. */
static ImsFacts *
told_of(const ImsTlsPolicy *policy, gboolean want)
{
    ImsFacts *facts = ims_facts_new();
    g_autoptr(ImsLink) link = NULL;
    Server server;

    server_start(&server, 0, TRUE, NULL);
    link = ims_link_open_tls(
        "localhost", server.port, &no_proxy, policy, in_us(20 * SECOND), NULL, facts, NULL);
    g_assert_true((link != NULL) == want);
    if (link != NULL) {
        g_assert_null(facts->address);
        ims_link_tell(link, facts);
    }
    g_clear_pointer(&link, ims_link_free);
    server_stop(&server);
    return facts;
}

/* Above all of what was rejected. */
static void
test_tells(void)
{
    g_autofree char *good = pin_of("good.pem"), *pin = g_strconcat("sha256//", good, NULL);
    g_autofree char *ca_good = in_directory("good.pem"), *ca_other = in_directory("other.pem");
    char *const cas[] = {ca_good, ca_other};

    for (gsize i = 0; i < G_N_ELEMENTS(cas); i++) {
        g_autoptr(ImsFacts) facts = told_of(&(const ImsTlsPolicy){.ca_file = cas[i]}, i == 0);
        gint64 days = (facts->expires_us - g_get_real_time()) / G_USEC_PER_SEC / (24 * 60 * 60);

        g_assert_true(
            g_str_equal(facts->address, "127.0.0.1") || g_str_equal(facts->address, "::1"));
        g_assert_cmpstr(facts->pin, ==, pin);
        g_assert_cmpstr(facts->subject, ==, "CN=test,O=a?[1mb");
        g_assert_cmpint(days, ==, 1); /* of two */
        if (i == 0)
            g_assert_cmpstr(facts->tls, ==, "1.3");
        if (i == 0)
            g_assert_nonnull(facts->cipher);
    }
}

static void
test_tells_of_no_tls(void)
{
    g_autoptr(ImsFacts) facts = ims_facts_new();
    g_autoptr(ImsLink) link = NULL;
    Server server;

    server_start(&server, 0, TRUE, NULL);
    link = open_clear(&server);
    ims_link_tell(link, facts);
    g_assert_nonnull(facts->address);
    g_assert_null(facts->tls);
    g_assert_null(facts->pin);
    g_clear_pointer(&link, ims_link_free);
    server_stop(&server);
}

static void
test_identity(void)
{
    g_autofree char *pem = in_directory("good.pem");
    const struct {
        const char *host, *identity;
        gboolean want;
    } cases[] = {{"127.0.0.1", "localhost", TRUE}, {"localhost", "mail.example.net", FALSE}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        ImsTlsPolicy policy = {.ca_file = pem, .identity = (char *)cases[i].identity};
        g_autoptr(GError) error = NULL;
        g_autoptr(ImsLink) link = NULL;
        Server server;

        server_start(&server, 0, TRUE, NULL);
        link = ims_link_open_tls(
            cases[i].host, server.port, &no_proxy, &policy, in_us(20 * SECOND), NULL, NULL, &error);
        g_assert_true((link != NULL) == cases[i].want);
        g_clear_pointer(&link, ims_link_free);
        server_stop(&server);
    }
}

static void
remove_directory(void)
{
    static const char *const files[] = {
        "good.pem", "good.key", "other.pem", "other.key", "empty.pem"};

    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = in_directory(files[i]);

        g_unlink(path);
    }
    g_rmdir(directory);
    g_free(directory);
}

int
main(int argc, char **argv)
{
    int result;

    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("ims-test-tls-XXXXXX", NULL);
    if (!make_certificate("good") || !make_certificate("other")) {
        remove_directory();
        g_print("1..0 # SKIP openssl cannot make certificates here\n");
        return 0;
    }
    g_test_add_func("/net/tls/two-stubborn-peers-do-not-hang", test_two_stubborn_peers);
    g_test_add_func("/net/tls/deciphered-octets-are-found", test_deciphered_octets_are_found);
    g_test_add_data_func("/net/tls/unknown-authority-rejected", &unknown_authority, test_rejected);
    g_test_add_data_func(
        "/net/tls/private-authority-needs-ca-file", &systems_authorities, test_rejected);
    g_test_add_data_func("/net/tls/wrong-name-rejected", &wrong_name, test_rejected);
    g_test_add_func("/net/tls/pins-decide-alone", test_pins);
    g_test_add_func("/net/tls/identity-may-be-another-than-the-host", test_identity);
    g_test_add_func("/net/tls/certificate-of-ours-is-shown", test_own_certificate);
    g_test_add_func("/net/tls/bad-ca-file-is-config", test_bad_ca_file);
    g_test_add_func("/net/tls/closed-port-is-offline", test_closed_port_is_offline);
    g_test_add_func("/net/tls/handshake-has-a-deadline", test_handshake_deadline);
    g_test_add_func("/net/tls/handshake-can-be-cancelled", test_handshake_cancel);
    g_test_add_func("/net/tls/may-begin-later", test_later_tls);
    g_test_add_func("/net/tls/unknown-authority-rejected-later", test_later_rejected);
    g_test_add_func("/net/tls/octets-before-the-handshake-end-it", test_injected);
    g_test_add_func("/net/tls/loopback-may-stay-in-the-clear", test_loopback);
    g_test_add_func("/net/tls/nothing-else-may", test_elsewhere);
    g_test_add_func("/net/tls/tells-whom-it-met", test_tells);
    g_test_add_func("/net/tls/tells-of-no-tls", test_tells_of_no_tls);
    g_test_add_func("/net/tls/version-1.1-refused", test_old_tls);
    g_test_add_func("/net/tls/binding-is-the-same-at-both-ends", test_binding);
    g_test_add_func("/net/tls/binding-of-older-tls", test_binding_of_older_tls);
    g_test_add_func("/net/tls/no-binding-without-tls", test_no_binding);
    result = g_test_run();
    remove_directory();
    return result;
}
