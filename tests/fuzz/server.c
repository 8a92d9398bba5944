/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The server of the fuzzer. There is one connection at a time. */
#include "server.h"

#include "net/link.h"
#include "net/pump.h"
#include "util/error.h"

#define UNSENT_MAX (512 * 1024) /* of session.c */

struct ImsLink {
    gboolean clear;
};

struct ImsPump {
    const ImsPumpClient *client;
    gpointer self_of_client;
    GError *fault;
};

static struct {
    const guint8 *data;
    gsize left;
    guint32 random;
    ImsLink link;
    ImsPump pump;
    GString *clear;
} server;

/* -- what it does -- */

static void
take_output(void)
{
    const guint8 *data;
    gsize len;

    if (server.pump.client == NULL)
        return;
    while ((len = server.pump.client->output(server.pump.self_of_client, &data)) > 0) {
        g_assert_cmpuint(len, <=, UNSENT_MAX);
        if (server.link.clear)
            g_string_append_len(server.clear, (const char *)data, (gssize)len);
        server.pump.client->sent(server.pump.self_of_client, len);
    }
}

static gsize
piece(void)
{
    server.random = server.random * 1664525u + 1013904223u;
    return MIN(server.left, 1 + (server.random >> 26));
}

/* Returns: whether the client took something. */
static gboolean
speak(void)
{
    ImsPump *pump = &server.pump;
    gsize used = 0, len = piece();

    if (len == 0 || pump->client == NULL)
        return FALSE;
    if (!pump->client->feed(pump->self_of_client, server.data, len, &used, &pump->fault)) {
        g_assert_nonnull(pump->fault);
        return TRUE;
    }
    g_assert_cmpuint(used, <=, len);
    server.data += used;
    server.left -= used;
    return used > 0;
}

static void
hang_up(void)
{
    ImsPump *pump = &server.pump;

    if (pump->fault == NULL && server.left > 0)
        g_set_error(&pump->fault, IMS_ERROR, IMS_ERROR_OFFLINE, "both wait");
    else if (pump->fault == NULL)
        pump->client->eof(pump->self_of_client, &pump->fault);
}

/* -- net/pump and net/link -- */

ImsPump *
ims_pump_new(GCancellable *cancel)
{
    return &server.pump;
}

GCancellable *
ims_pump_cancellable(const ImsPump *self)
{
    return NULL;
}

void
ims_pump_attach(ImsPump *self, ImsLink *link, const ImsPumpClient *client, gpointer self_of_client)
{
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
    take_output();
    while (!ready(what)) {
        if (self->fault == NULL && !speak())
            hang_up();
        take_output();
        if (self->fault != NULL && !ready(what)) {
            g_propagate_error(error, g_error_copy(self->fault));
            return FALSE;
        }
    }
    return TRUE;
}

static ImsLink *
open_link(gboolean clear)
{
    server.link.clear = clear;
    return &server.link;
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
    return open_link(FALSE);
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
    return open_link(TRUE);
}

ImsLink *
ims_link_open_loopback(
    const char *host, guint16 port, gint64 deadline_us, GCancellable *cancel, GError **error)
{
    return open_link(FALSE);
}

gboolean
ims_link_start_tls(
    ImsLink *self,
    const ImsTlsPolicy *policy,
    gint64 deadline_us,
    GCancellable *cancel,
    GError **error)
{
    take_output();
    self->clear = FALSE;
    return TRUE;
}

ImsLink *
ims_link_open_command(char **argv, char **envp, GError **error)
{
    return open_link(FALSE);
}

void
ims_link_free(ImsLink *self)
{
}

ImsLinkCount
ims_link_count(const ImsLink *self)
{
    return (ImsLinkCount){0};
}

gboolean
ims_link_is_remote(const ImsLink *self)
{
    return FALSE;
}

GByteArray *
ims_link_binding(const ImsLink *self, ImsBinding *out_binding)
{
    return NULL;
}

void
ims_link_tell(const ImsLink *self, ImsFacts *facts)
{
}

char *
ims_link_stderr(ImsLink *self)
{
    return NULL;
}

/* -- the target's side -- */

void
server_begin(const guint8 *data, gsize len)
{
    server.data = data;
    server.left = len;
    server.random = 2166136261u;
    for (gsize i = 0; i < len; i++)
        server.random = (server.random ^ data[i]) * 16777619u;
    server.pump = (ImsPump){0};
    server.clear = g_string_new(NULL);
}

const GString *
server_in_the_clear(void)
{
    return server.clear;
}

void
server_end(void)
{
    g_assert_null(server.pump.client);
    g_string_free(server.clear, TRUE);
    g_clear_error(&server.pump.fault);
}

static gint64
no_time(gpointer data)
{
    return 0;
}

ImsConn *
server_connect(const ImsEndpoint *endpoint, const ImsOffers *offers, GError **error)
{
    static const ImsClock clock = {no_time, no_time, NULL};

    return ims_conn_open(&server.pump, endpoint, offers, &clock, error);
}
