/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The two directions are mirror images: the type strings of D-Bus and of GVariant are the same, so
 * a container is entered and left by the same text on both sides. Depth is bounded by D-Bus itself,
 * which refuses messages nested deeper than 64. */

#include "cli/message.h"

#include <errno.h>
#include <string.h>

static int append_value(sd_bus_message *m, GVariant *value);

static int
append_children(sd_bus_message *m, GVariant *value)
{
    for (gsize i = 0; i < g_variant_n_children(value); i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(value, i);
        int r = append_value(m, child);

        if (r < 0)
            return r;
    }

    return 0;
}

/* The type string of what is inside of a container: for arrays what follows the `a`, for tuples and
 * dictionary entries what stands between the brackets. */
static char *
inner_type(GVariant *value)
{
    const char *type = g_variant_get_type_string(value);
    g_autoptr(GVariant) child = NULL;

    switch (*type) {
    case 'v':
        child = g_variant_get_variant(value);
        return g_strdup(g_variant_get_type_string(child));
    case 'a':
        return g_strdup(type + 1);
    default:
        return g_strndup(type + 1, strlen(type) - 2);
    }
}

static int
append_container(sd_bus_message *m, GVariant *value)
{
    char kind = *g_variant_get_type_string(value);
    g_autofree char *inner = inner_type(value);
    int r;

    if (kind == '(')
        kind = SD_BUS_TYPE_STRUCT;
    else if (kind == '{')
        kind = SD_BUS_TYPE_DICT_ENTRY;

    r = sd_bus_message_open_container(m, kind, inner);
    if (r >= 0)
        r = append_children(m, value);

    return r < 0 ? r : sd_bus_message_close_container(m);
}

static int
append_value(sd_bus_message *m, GVariant *value)
{
    char type = *g_variant_get_type_string(value);
    int boolean;

    switch (type) {
    case 's':
    case 'o':
    case 'g':
        return sd_bus_message_append_basic(m, type, g_variant_get_string(value, NULL));
    case 'b': /* one byte in GVariant, an int in sd-bus */
        boolean = g_variant_get_boolean(value);
        return sd_bus_message_append_basic(m, type, &boolean);
    case 'h':
        return -EOPNOTSUPP;
    default:
        if (g_variant_is_container(value))
            return append_container(m, value);
        return sd_bus_message_append_basic(m, type, g_variant_get_data(value));
    }
}

int
ims_message_append_all(sd_bus_message *m, GVariant *value)
{
    g_return_val_if_fail(g_variant_is_of_type(value, G_VARIANT_TYPE_TUPLE), -EINVAL);

    return append_children(m, value);
}

static int
read_basic(sd_bus_message *m, char type, GVariant **out_value)
{
    union {
        const char *text;
        int boolean;
        guint8 y;
        gint16 n;
        guint16 q;
        gint32 i;
        guint32 u;
        gint64 x;
        guint64 t;
        double d;
    } v;
    const char gtype[] = {type, '\0'};
    int r;

    if (type == SD_BUS_TYPE_UNIX_FD)
        return -EOPNOTSUPP;
    r = sd_bus_message_read_basic(m, type, &v);
    if (r < 0)
        return r;

    switch (type) {
    case 'b':
        *out_value = g_variant_new_boolean(v.boolean);
        break;
    case 'y':
        *out_value = g_variant_new_byte(v.y);
        break;
    case 'n':
        *out_value = g_variant_new_int16(v.n);
        break;
    case 'q':
        *out_value = g_variant_new_uint16(v.q);
        break;
    case 'i':
        *out_value = g_variant_new_int32(v.i);
        break;
    case 'u':
        *out_value = g_variant_new_uint32(v.u);
        break;
    case 'x':
        *out_value = g_variant_new_int64(v.x);
        break;
    case 't':
        *out_value = g_variant_new_uint64(v.t);
        break;
    case 'd':
        *out_value = g_variant_new_double(v.d);
        break;
    default:
        *out_value = g_variant_new(gtype, v.text);
    }

    return 0;
}

static int read_value(sd_bus_message *m, GVariant **out_value);

static int
read_children(sd_bus_message *m, GVariantBuilder *builder)
{
    int r;

    while ((r = sd_bus_message_at_end(m, FALSE)) == 0) {
        GVariant *child = NULL;

        r = read_value(m, &child);
        if (r < 0)
            return r;
        g_variant_builder_add_value(builder, child);
    }

    return r;
}

static GVariantType *
container_type(char kind, const char *inner)
{
    g_autofree char *type = NULL;

    switch (kind) {
    case SD_BUS_TYPE_ARRAY:
        type = g_strconcat("a", inner, NULL);
        break;
    case SD_BUS_TYPE_STRUCT:
        type = g_strconcat("(", inner, ")", NULL);
        break;
    case SD_BUS_TYPE_DICT_ENTRY:
        type = g_strconcat("{", inner, "}", NULL);
        break;
    default:
        type = g_strdup("v");
    }

    return g_variant_type_new(type);
}

static int
read_container(sd_bus_message *m, char kind, const char *inner, GVariant **out_value)
{
    g_autoptr(GVariantType) type = container_type(kind, inner);
    GVariantBuilder builder;
    int r = sd_bus_message_enter_container(m, kind, inner);

    if (r < 0)
        return r;

    g_variant_builder_init(&builder, type);
    r = read_children(m, &builder);
    if (r >= 0)
        r = sd_bus_message_exit_container(m);
    if (r < 0) {
        g_variant_builder_clear(&builder);
        return r;
    }
    *out_value = g_variant_builder_end(&builder);

    return 0;
}

static int
read_value(sd_bus_message *m, GVariant **out_value)
{
    const char *inner;
    char type;
    int r = sd_bus_message_peek_type(m, &type, &inner);

    if (r <= 0)
        return r < 0 ? r : -ENXIO;

    return inner == NULL ? read_basic(m, type, out_value)
                         : read_container(m, type, inner, out_value);
}

int
ims_message_read_all(sd_bus_message *m, GVariant **out_value)
{
    GVariantBuilder builder;
    int r;

    g_variant_builder_init(&builder, G_VARIANT_TYPE_TUPLE);
    r = read_children(m, &builder);
    if (r < 0) {
        g_variant_builder_clear(&builder);
        return r;
    }
    *out_value = g_variant_ref_sink(g_variant_builder_end(&builder));

    return 0;
}
