/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What a test found on each side. What is not known has no line. A server's words were escaped by
 * the service. The names of capabilities are the same in each language; what their lack costs is
 * told here. */

#include "cli/facts.h"

#include <glib/gi18n.h>
#include <inttypes.h>

#include "cli/show.h"

/* The lines of one side. */
typedef struct {
    GVariant *facts; /* a{sv} */
    const char *side;
    GPtrArray *rows;
} Lines;

static const char *
word(const Lines *self, const char *key)
{
    const char *value = "";

    g_variant_lookup(self->facts, key, "&s", &value);

    return value;
}

static guint64
number(const Lines *self, const char *key)
{
    guint64 value = 0;

    g_variant_lookup(self->facts, key, "t", &value);

    return value;
}

/* Nothing is added if @value is empty. The side's name stands on its first line only. */
static void
add(Lines *self, const char *label, const char *value)
{
    const char *row[] = {self->side, label, value, NULL};

    if (*value == '\0')
        return;
    g_ptr_array_add(self->rows, g_strdupv((char **)row));
    self->side = "";
}

static G_GNUC_PRINTF(3, 4) void add_format(Lines *self, const char *label, const char *format, ...)
{
    g_autofree char *value = NULL;
    va_list args;

    va_start(args, format);
    value = g_strdup_vprintf(format, args);
    va_end(args);
    add(self, label, value);
}

static void
add_link(Lines *self)
{
    const char *host = word(self, "host"), *address = word(self, "address");
    const char *tls = word(self, "tls"), *cipher = word(self, "cipher");
    g_autofree char *port = g_strdup_printf("%" PRIu64, number(self, "port"));

    add(self, _("program"), word(self, "program"));
    if (*host != '\0' && *address != '\0' && !g_str_equal(host, address))
        add_format(self, _("address"), _("%s, port %s (%s)"), host, port, address);
    else if (*host != '\0')
        add_format(self, _("address"), _("%s, port %s"), host, port);
    if (*tls != '\0')
        add_format(self, _("TLS"), "%s%s%s", tls, *cipher != '\0' ? ", " : "", cipher);
    else if (*host != '\0' && *word(self, "mechanism") != '\0')
        add(self, _("TLS"), _("none: it does not leave this computer"));
}

static void
add_certificate(Lines *self)
{
    guint64 expires = number(self, "expires");
    g_autofree char *until = ims_show_time(expires);

    if (expires > 0)
        add_format(self, _("certificate"), _("%s, valid until %s"), word(self, "subject"), until);
    else
        add(self, _("certificate"), word(self, "subject"));
    add(self, _("pin"), word(self, "pin"));
}

static void
add_login(Lines *self)
{
    const char *mechanism = word(self, "mechanism");

    if (g_str_equal(mechanism, "PREAUTH"))
        add_format(self, _("login"), _("%s: none was needed"), mechanism);
    else
        add(self, _("login"), mechanism);
    add(self, _("server"), word(self, "server"));
}

static const char *
cost_of(const char *capability)
{
    static const struct {
        const char *capability, *cost;
    } table[] = {
        {"LITERAL+", N_("a wait before each message of more than 4 kB that is copied there")},
        {"LITERAL-", N_("and before each smaller one")},
        {"MULTIAPPEND", N_("a command for each message that is copied there")},
        {"COMPRESS=DEFLATE", N_("more goes over the line")},
        {"ESEARCH", N_("nothing else is asked while it searches")},
        {"NAMESPACE", N_("other users' mailboxes are taken for yours")},
        {"SPECIAL-USE", N_("only INBOX has a role")},
        {"APPENDLIMIT", N_("a message that is too large is sent before it is refused")},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        if (g_str_equal(capability, table[i].capability))
            return _(table[i].cost);
    }

    return NULL;
}

static void
add_capabilities(Lines *self)
{
    g_autofree const char **used = NULL;
    g_autofree const char **lacking = NULL;
    g_autofree const char **required = NULL;
    g_autofree char *all = NULL;

    g_variant_lookup(self->facts, "used", "^a&s", &used);
    g_variant_lookup(self->facts, "lacking", "^a&s", &lacking);
    g_variant_lookup(self->facts, "required", "^a&s", &required);
    if (used != NULL)
        all = g_strjoinv(", ", (char **)used);

    add(self, _("uses"), all != NULL ? all : "");
    for (gsize i = 0; required != NULL && required[i] != NULL; i++)
        add_format(self, _("lacks"), _("%s: without it nothing can be synced"), required[i]);
    for (gsize i = 0; lacking != NULL && lacking[i] != NULL; i++) {
        const char *cost = cost_of(lacking[i]);

        add_format(
            self,
            _("lacks"),
            "%s%s%s",
            lacking[i],
            cost != NULL ? ": " : "",
            cost != NULL ? cost : "");
    }
}

static void
add_listing(Lines *self)
{
    g_autoptr(GVariant) mailboxes =
        g_variant_lookup_value(self->facts, "mailboxes", G_VARIANT_TYPE_UINT64);
    const char *delimiter = word(self, "delimiter");

    if (mailboxes == NULL)
        return;
    add(self, _("delimiter"), *delimiter != '\0' ? delimiter : _("none"));
    add(self, _("prefix"), word(self, "prefix"));
    add_format(
        self,
        _("mailboxes"),
        _("%" PRIu64 ", with messages: %" PRIu64),
        g_variant_get_uint64(mailboxes),
        number(self, "filled"));
    add_format(self, _("messages"), "%" PRIu64, number(self, "messages"));
}

static const char *
side_words(const char *side)
{
    return g_str_equal(side, "local") ? _("local") : _("remote");
}

char *
ims_facts_table(GVariant *sides)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);

    for (gsize i = 0; i < g_variant_n_children(sides); i++) {
        g_autoptr(GVariant) facts = NULL;
        Lines lines = {.rows = rows};

        g_variant_get_child(sides, i, "(&s@a{sv})", &lines.side, &facts);
        lines.side = side_words(lines.side);
        lines.facts = facts;
        add_link(&lines);
        add_certificate(&lines);
        add_login(&lines);
        add_capabilities(&lines);
        add_listing(&lines);
        add(&lines, _("failed"), word(&lines, "error-message"));
    }

    return rows->len > 0 ? ims_show_table(rows) : g_strdup("");
}
