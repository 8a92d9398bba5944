/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The scripted server. There is one script at a time, and one connection to it. */
#include "script.h"

#include <string.h>
#include <zlib.h>

#include "net/link.h"
#include "net/pump.h"
#include "util/error.h"

struct ImsLink {
    guint unused;
};

struct ImsPump {
    const ImsPumpClient *client;
    gpointer self_of_client;
    GError *fault;
};

static struct {
    const char *const *next;
    gssize split;
    gsize n_told;      /* octets that the client has been fed */
    GString *incoming; /* what the server has said and the client was not fed yet */
    GString *sent;     /* what the client has sent and the script has not matched yet */
    gboolean saying;   /* the server has begun its turn */
    const char *said;
    const guint8 *bound; /* 4 octets; NULL: the link gives none */
    ImsPump pump;
    gint64 now_us;
    gboolean packs;            /* the server compresses */
    gboolean client_packs;     /* the client does */
    z_stream packed, unpacked; /* of the server; of the client */
} script;

/* -- compressing -- */

static void
begin_packing(void)
{
    script.packed = script.unpacked = (z_stream){0};
    g_assert_cmpint(
        deflateInit2(&script.packed, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), ==, Z_OK);
    g_assert_cmpint(inflateInit2(&script.unpacked, -15), ==, Z_OK);
    script.packs = TRUE;
}

static void
end_packing(void)
{
    g_assert_true(script.packs == script.client_packs);
    if (script.packs) {
        deflateEnd(&script.packed);
        inflateEnd(&script.unpacked);
    }
    script.packs = script.client_packs = FALSE;
}

/* Appends what deflate() or inflate() makes of @data. */
static void
move(z_stream *stream, int (*step)(z_stream *, int), gconstpointer data, gsize len, GString *to)
{
    guint8 some[256];

    stream->next_in = (Bytef *)data;
    stream->avail_in = (uInt)len;
    do {
        stream->next_out = some;
        stream->avail_out = sizeof some;
        step(stream, Z_SYNC_FLUSH);
        g_string_append_len(to, (const char *)some, (gssize)(sizeof some - stream->avail_out));
    } while (stream->avail_out == 0);
}

/* -- matching -- */

static GString *
line_bytes(const char *line)
{
    GString *bytes = g_string_new(line + 3);

    g_assert_cmpuint(strlen(line), >=, 3);
    if (g_ascii_isupper(line[0]))
        g_string_append(bytes, "\r\n");
    return bytes;
}

static gboolean
is_at(char kind)
{
    return *script.next != NULL && g_ascii_toupper((*script.next)[0]) == kind;
}

static gboolean
match_client(void)
{
    g_autoptr(GString) want = NULL;
    g_autofree char *got = NULL;

    if (script.incoming->len > 0 || !is_at('C'))
        return FALSE;

    want = line_bytes(*script.next);
    if (script.sent->len < want->len) {
        g_assert_cmpint(strncmp(script.sent->str, want->str, script.sent->len), ==, 0);
        return FALSE;
    }
    got = g_strndup(script.sent->str, want->len);
    g_assert_cmpstr(got, ==, want->str);
    g_string_erase(script.sent, 0, (gssize)want->len);
    script.next++;
    script.saying = FALSE;
    return TRUE;
}

static void
take_output(void)
{
    const guint8 *data;
    gsize len;

    if (script.pump.client == NULL)
        return;
    while ((len = script.pump.client->output(script.pump.self_of_client, &data)) > 0) {
        if (script.client_packs)
            move(&script.unpacked, inflate, data, len, script.sent);
        else
            g_string_append_len(script.sent, (const char *)data, (gssize)len);
        script.pump.client->sent(script.pump.self_of_client, len);
    }
    while (match_client())
        continue;
}

/* -- the server's turn -- */

static void
say(void)
{
    if (script.incoming->len > 0 || !is_at('S'))
        return;

    if (!script.saying)
        g_assert_cmpstr(script.sent->str, ==, "");
    script.saying = TRUE;
    for (; is_at('S') || is_at('Z'); script.next++) {
        g_autoptr(GString) bytes = line_bytes(*script.next);

        if (is_at('Z'))
            begin_packing();
        else if (script.packs)
            move(&script.packed, deflate, bytes->str, bytes->len, script.incoming);
        else
            g_string_append_len(script.incoming, bytes->str, (gssize)bytes->len);
    }
}

/* Returns: whether time has passed. */
static gboolean
pass_time(void)
{
    if (script.incoming->len > 0 || !is_at('W'))
        return FALSE;

    script.now_us += g_ascii_strtoll(*script.next + 3, NULL, 10) * G_USEC_PER_SEC;
    script.next++;
    return TRUE;
}

static gsize
piece(void)
{
    gsize len = script.incoming->len;

    if (script.split < 0)
        return 1;
    if ((gsize)script.split > script.n_told)
        return MIN(len, (gsize)script.split - script.n_told);
    return len;
}

/* Returns: whether something has moved. */
static gboolean
feed(void)
{
    ImsPump *pump = &script.pump;
    gsize used = 0;

    if (script.incoming->len == 0 || pump->fault != NULL || pump->client == NULL)
        return FALSE;
    if (!pump->client->feed(
            pump->self_of_client,
            (const guint8 *)script.incoming->str,
            piece(),
            &used,
            &pump->fault)) {
        g_string_truncate(script.incoming, 0);
        return TRUE;
    }

    g_string_erase(script.incoming, 0, (gssize)used);
    script.n_told += used;
    return used > 0;
}

static gboolean
hang_up(void)
{
    if (!is_at('X') || script.incoming->len > 0 || script.pump.fault != NULL)
        return FALSE;

    script.next++;
    script.pump.client->eof(script.pump.self_of_client, &script.pump.fault);
    return TRUE;
}

/* -- net/pump and net/link -- */

ImsPump *
ims_pump_new(GCancellable *cancel)
{
    return &script.pump;
}

GCancellable *
ims_pump_cancellable(const ImsPump *self)
{
    return NULL;
}

void
ims_pump_attach(ImsPump *self, ImsLink *link, const ImsPumpClient *client, gpointer self_of_client)
{
    if (self->client == NULL)
        g_clear_error(&self->fault); /* another connection */
    self->client = client;
    self->self_of_client = self_of_client;
}

void
ims_pump_detach(ImsPump *self, ImsLink *link)
{
    self->client = NULL;
}

void
ims_pump_replace(ImsPump *self, ImsLink *link, const ImsPumpClient *client, gpointer self_of_client)
{
    g_assert_true(script.packs && !script.client_packs);
    g_assert_cmpstr(script.sent->str, ==, "");
    script.client_packs = TRUE;
    ims_pump_attach(self, link, client, self_of_client);
}

gboolean
ims_pump_until(
    ImsPump *self,
    ImsLink *link,
    ImsReady ready,
    gconstpointer what,
    gint64 deadline_us,
    gint64 stall_us,
    GError **error)
{
    gint64 moved_us = script.now_us;

    take_output();
    while (!ready(what)) {
        gboolean moved;

        if (self->fault != NULL) {
            g_propagate_error(error, g_error_copy(self->fault));
            return FALSE;
        }
        say();
        moved = feed() || hang_up();
        if (moved)
            moved_us = script.now_us;
        else
            moved = pass_time();
        if (script.now_us >= deadline_us && self->fault == NULL)
            g_set_error(&self->fault, IMS_ERROR, IMS_ERROR_OFFLINE, "it did not answer in time");
        if (stall_us > 0 && script.now_us - moved_us >= stall_us && self->fault == NULL)
            g_set_error(&self->fault, IMS_ERROR, IMS_ERROR_OFFLINE, "it has been silent too long");
        take_output();
        if (!moved && !ready(what))
            g_error(
                "both wait: the script stands at \"%s\", the client has sent \"%s\"",
                *script.next != NULL ? *script.next : "its end",
                script.sent->str);
    }
    return TRUE;
}

ImsLink *
ims_link_open_tls(
    const char *host,
    guint16 port,
    const ImsProxy *proxy,
    const ImsTlsPolicy *policy,
    gint64 deadline_us,
    GCancellable *cancel,
    ImsFacts *facts,
    GError **error)
{
    return g_new0(ImsLink, 1);
}

ImsLink *
ims_link_open_tcp(
    const char *host,
    guint16 port,
    const ImsProxy *proxy,
    gint64 deadline_us,
    GCancellable *cancel,
    GError **error)
{
    return g_new0(ImsLink, 1);
}

ImsLink *
ims_link_open_loopback(
    const char *host, guint16 port, gint64 deadline_us, GCancellable *cancel, GError **error)
{
    return g_new0(ImsLink, 1);
}

/* What the server says before the handshake is found there, as in net/tls. */
gboolean
ims_link_start_tls(
    ImsLink *self,
    const ImsTlsPolicy *policy,
    gint64 deadline_us,
    GCancellable *cancel,
    GError **error)
{
    gboolean fails = *script.next != NULL && (*script.next)[0] == 't';

    take_output();
    say();
    if (script.incoming->len > 0) {
        g_string_truncate(script.incoming, 0);
        g_set_error(
            error, IMS_ERROR, IMS_ERROR_PROTOCOL, "octets came in the clear where TLS begins");
        return FALSE;
    }
    g_assert_true(is_at('T'));
    g_assert_cmpstr(script.sent->str, ==, "");
    script.next++;
    script.saying = FALSE;
    if (fails)
        g_set_error(error, IMS_ERROR, IMS_ERROR_CERTIFICATE_REJECTED, "rejected");
    return !fails;
}

ImsLink *
ims_link_open_command(char **argv, char **envp, GError **error)
{
    return g_new0(ImsLink, 1);
}

void
ims_link_free(ImsLink *self)
{
    g_free(self);
}

ImsLinkCount
ims_link_count(const ImsLink *self)
{
    return (ImsLinkCount){.received = script.n_told};
}

gboolean
ims_link_is_remote(const ImsLink *self)
{
    return FALSE;
}

GByteArray *
ims_link_binding(const ImsLink *self, ImsBinding *out_binding)
{
    if (script.bound == NULL)
        return NULL;
    *out_binding = IMS_BINDING_EXPORTER;
    return g_byte_array_append(g_byte_array_new(), script.bound, 4);
}

char *
ims_link_stderr(ImsLink *self)
{
    return g_strdup(script.said);
}

void
ims_link_tell(const ImsLink *self, ImsFacts *facts)
{
    g_assert_null(facts->address);
    facts->address = g_strdup(SCRIPT_ADDRESS);
}

/* -- the tests' side -- */

void
script_begin(const char *const *lines, gssize split)
{
    script.next = lines;
    script.split = split;
    script.n_told = 0;
    script.incoming = g_string_new(NULL);
    script.sent = g_string_new(NULL);
    script.saying = FALSE;
    script.said = NULL;
    script.bound = NULL;
    script.now_us = 0;
    script.pump = (ImsPump){0};
}

void
script_end(void)
{
    const char *logout = strstr(script.sent->str, " LOGOUT\r\n");

    g_assert_cmpstr(*script.next, ==, NULL);
    if (logout == NULL)
        g_assert_cmpstr(script.sent->str, ==, "");
    g_assert_null(script.pump.client);
    end_packing();
    g_string_free(script.incoming, TRUE);
    g_string_free(script.sent, TRUE);
    g_clear_error(&script.pump.fault);
}

void
script_stderr(const char *text)
{
    script.said = text;
}

void
script_binding(const guint8 *octets)
{
    script.bound = octets;
}

static gint64
script_time(gpointer data)
{
    return script.now_us;
}

ImsConn *
script_connect_ahead(const ImsEndpoint *endpoint, const ImsOffers *offers, GError **error)
{
    static const ImsClock clock = {script_time, script_time, NULL};

    return ims_conn_open(&script.pump, endpoint, offers, &clock, error);
}

ImsConn *
script_connect_told(const ImsEndpoint *endpoint, ImsFacts *facts, GError **error)
{
    static const ImsClock clock = {script_time, script_time, NULL};
    g_autoptr(ImsConn) conn = ims_conn_open_told(&script.pump, endpoint, &clock, facts, error);

    return conn != NULL && ims_conn_confirm(conn, error) ? g_steal_pointer(&conn) : NULL;
}

ImsConn *
script_connect(const ImsEndpoint *endpoint, GError **error)
{
    const ImsOffers unknown = {0};
    g_autoptr(ImsConn) conn = script_connect_ahead(endpoint, &unknown, error);

    return conn != NULL && ims_conn_confirm(conn, error) ? g_steal_pointer(&conn) : NULL;
}

ImsConn *
script_open(void)
{
    g_autoptr(ImsEndpoint) endpoint = ims_endpoint_new(IMS_ENDPOINT_COMMAND);
    g_autoptr(GError) error = NULL;
    ImsConn *conn = script_connect(endpoint, &error);

    g_assert_no_error(error);
    g_assert_nonnull(conn);
    return conn;
}

static gsize
count_server_octets(const char *const *lines)
{
    gsize n = 0;

    for (; *lines != NULL; lines++) {
        g_autoptr(GString) bytes = line_bytes(*lines);

        if (g_ascii_toupper((*lines)[0]) == 'S')
            n += bytes->len;
    }
    return n;
}

void
script_each(const char *const *lines, void (*run)(gconstpointer data), gconstpointer data)
{
    gssize n = (gssize)count_server_octets(lines);

    for (gssize split = -1; split < n; split++) {
        script_begin(lines, split);
        run(data);
        script_end();
    }
}
