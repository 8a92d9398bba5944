/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* How TCP links are opened: what the socket is told, and addresses that do not answer. A listening
 * socket whose queue is full answers nothing, as a host behind a firewall that drops everything. */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "byte-client.h"
#include "net/link-private.h"
#include "util/error.h"

#define SECOND G_USEC_PER_SEC
#define NAME   "mail.example.net"

static const ImsProxy no_proxy = {.kind = IMS_PROXY_NONE};

/* -- addresses that do not answer -- */

typedef struct {
    GSocketAddress *address;
    GSocket *listener;
    GPtrArray *waiting; /* what fills its queue; NULL: it answers */
} Place;

static GSocket *
new_socket(const Place *self)
{
    g_autoptr(GError) error = NULL;
    GSocket *socket = g_socket_new(
        g_socket_address_get_family(self->address),
        G_SOCKET_TYPE_STREAM,
        G_SOCKET_PROTOCOL_TCP,
        &error);

    g_assert_no_error(error);
    g_socket_set_blocking(socket, FALSE);
    return socket;
}

/* Returns: whether this computer has that address. @port: 0 for any. */
static gboolean
place_open(Place *self, const char *text, guint16 port)
{
    g_autoptr(GSocketAddress) wanted = g_inet_socket_address_new_from_string(text, port);

    *self = (Place){.address = g_object_ref(wanted)};
    self->listener = new_socket(self);
    g_socket_set_listen_backlog(self->listener, 0);
    if (!g_socket_bind(self->listener, wanted, TRUE, NULL) ||
        !g_socket_listen(self->listener, NULL))
        return FALSE;
    g_object_unref(self->address);
    self->address = g_socket_get_local_address(self->listener, NULL);
    return TRUE;
}

static guint16
place_port(const Place *self)
{
    return g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(self->address));
}

static void
place_fill(Place *self)
{
    self->waiting = g_ptr_array_new_with_free_func(g_object_unref);
    for (guint i = 0; i < 4; i++) {
        GSocket *socket = new_socket(self);

        g_socket_connect(socket, self->address, NULL, NULL);
        g_ptr_array_add(self->waiting, socket);
    }
}

static void
place_close(Place *self)
{
    g_clear_pointer(&self->waiting, g_ptr_array_unref);
    g_object_unref(self->listener);
    g_object_unref(self->address);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_close)

/* -- a resolver that knows one name -- */

struct _TestResolver {
    GResolver parent;
    GList *addresses; /* of NAME */
};

G_DECLARE_FINAL_TYPE(TestResolver, test_resolver, TEST, RESOLVER, GResolver)
G_DEFINE_TYPE(TestResolver, test_resolver, G_TYPE_RESOLVER)

static gboolean
is_wanted(GInetAddress *address, GResolverNameLookupFlags flags)
{
    GSocketFamily family = g_inet_address_get_family(address);

    return !((flags & G_RESOLVER_NAME_LOOKUP_FLAGS_IPV4_ONLY) != 0 &&
             family != G_SOCKET_FAMILY_IPV4) &&
           !((flags & G_RESOLVER_NAME_LOOKUP_FLAGS_IPV6_ONLY) != 0 &&
             family != G_SOCKET_FAMILY_IPV6);
}

static void
free_addresses(gpointer list)
{
    g_resolver_free_addresses(list);
}

static void
look_up(
    GResolver *resolver,
    const char *name,
    GResolverNameLookupFlags flags,
    GCancellable *cancel,
    GAsyncReadyCallback callback,
    gpointer data)
{
    TestResolver *self = TEST_RESOLVER(resolver);
    g_autoptr(GTask) task = g_task_new(self, cancel, callback, data);
    GList *found = NULL;

    g_assert_cmpstr(name, ==, NAME);
    for (GList *item = self->addresses; item != NULL; item = item->next) {
        if (is_wanted(item->data, flags))
            found = g_list_append(found, g_object_ref(item->data));
    }
    if (found != NULL)
        g_task_return_pointer(task, found, free_addresses);
    else
        g_task_return_new_error(task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "none");
}

static GList *
looked_up(GResolver *resolver, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

static void
test_resolver_class_init(TestResolverClass *class)
{
    G_RESOLVER_CLASS(class)->lookup_by_name_with_flags_async = look_up;
    G_RESOLVER_CLASS(class)->lookup_by_name_with_flags_finish = looked_up;
}

static void
test_resolver_init(TestResolver *self)
{
}

static void
add_address(TestResolver *self, const char *text)
{
    self->addresses = g_list_append(self->addresses, g_inet_address_new_from_string(text));
}

static void
forget_addresses(TestResolver *self)
{
    g_list_free_full(self->addresses, g_object_unref);
    self->addresses = NULL;
}

/* -- tests -- */

static int
option(const ImsLink *link, int level, int name)
{
    g_autoptr(GError) error = NULL;
    int value = -1;

    g_socket_get_option(link->socket, level, name, &value, &error);
    g_assert_no_error(error);
    return value;
}

/* As the kernel has them. */
static void
test_options(void)
{
    g_autoptr(ImsPump) pump = ims_pump_new(NULL);
    g_auto(Place) place = {0};
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsLink) link = NULL;

    g_assert_true(place_open(&place, "127.0.0.1", 0));
    link = ims_link_open_tcp(
        "127.0.0.1", place_port(&place), &no_proxy, in_us(20 * SECOND), NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(option(link, IPPROTO_TCP, TCP_NODELAY), !=, 0);
    g_assert_cmpint(option(link, IPPROTO_TCP, TCP_USER_TIMEOUT), ==, 100 * 1000);
    g_assert_cmpint(option(link, SOL_SOCKET, SO_KEEPALIVE), !=, 0);
    g_assert_cmpint(option(link, IPPROTO_TCP, TCP_KEEPIDLE), ==, 120);
    g_assert_cmpint(option(link, IPPROTO_TCP, TCP_KEEPINTVL), ==, 30);
    g_assert_cmpint(option(link, IPPROTO_TCP, TCP_KEEPCNT), ==, 3);
}

static void
test_connect_deadline(void)
{
    g_autoptr(ImsPump) pump = ims_pump_new(NULL);
    g_auto(Place) hole = {0};
    g_autoptr(GError) error = NULL;
    gint64 begin = g_get_monotonic_time();

    g_assert_true(place_open(&hole, "127.0.0.1", 0));
    place_fill(&hole);
    g_assert_null(ims_link_open_tcp(
        "127.0.0.1", place_port(&hole), &no_proxy, in_us(SECOND / 5), NULL, &error));
    g_assert_error(error, IMS_ERROR, IMS_ERROR_OFFLINE);
    g_assert_nonnull(strstr(error->message, "in time while connecting"));
    g_assert_cmpint(g_get_monotonic_time() - begin, >=, SECOND / 5);
}

/* A host whose first address leads nowhere is reached by the second, well before the first has
 * failed. */
static void
test_happy_eyeballs(gconstpointer dead)
{
    g_autoptr(ImsPump) pump = ims_pump_new(NULL);
    g_autoptr(TestResolver) resolver = g_object_new(test_resolver_get_type(), NULL);
    g_autoptr(GResolver) usual = g_resolver_get_default();
    g_auto(Place) place = {0}, hole = {0};
    g_autoptr(GError) error = NULL;
    g_autoptr(ImsLink) link = NULL;
    g_autoptr(GSocketAddress) peer = NULL;
    gint64 begin;

    g_assert_true(place_open(&place, "127.0.0.1", 0));
    if (!place_open(&hole, dead, place_port(&place))) {
        g_test_skip("this computer has no such address");
        return;
    }
    place_fill(&hole);
    add_address(resolver, dead);
    add_address(resolver, "127.0.0.1");
    g_resolver_set_default(G_RESOLVER(resolver));
    begin = g_get_monotonic_time();
    link = ims_link_open_tcp(NAME, place_port(&place), &no_proxy, in_us(20 * SECOND), NULL, &error);
    g_resolver_set_default(usual);
    g_assert_no_error(error);
    g_assert_cmpint(g_get_monotonic_time() - begin, <, SECOND * 9 / 10);
    peer = g_socket_get_remote_address(link->socket, NULL);
    g_assert_cmpint(g_socket_address_get_family(peer), ==, G_SOCKET_FAMILY_IPV4);
    forget_addresses(resolver);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net/tcp/socket-is-told", test_options);
    g_test_add_func("/net/tcp/connect-has-a-deadline", test_connect_deadline);
    g_test_add_data_func("/net/tcp/ipv6-that-leads-nowhere", "::1", test_happy_eyeballs);
    g_test_add_data_func("/net/tcp/ipv4-that-leads-nowhere", "127.0.0.2", test_happy_eyeballs);
    return g_test_run();
}
