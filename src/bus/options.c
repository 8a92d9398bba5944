/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors
 *
 * Reads the option dictionaries of methods by table. */
#include "bus/options.h"

#include <errno.h>
#include <glib/gi18n.h>

const ImsOption ims_no_options[] = {{NULL, NULL, 0, -1}};

static const ImsOption *
find_option(const ImsOption *known, const char *name)
{
    for (const ImsOption *option = known; option->name != NULL; option++) {
        if (g_str_equal(option->name, name))
            return option;
    }
    return NULL;
}

static int
refuse_unknown(const ImsOption *known, const char *name, sd_bus_error *ret_error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autofree char *list = NULL;

    for (const ImsOption *option = known; option->name != NULL; option++)
        g_ptr_array_add(names, (gpointer)option->name);
    g_ptr_array_add(names, NULL);
    list = g_strjoinv(", ", (char **)names->pdata);

    if (list[0] == '\0')
        return sd_bus_error_setf(
            ret_error,
            SD_BUS_ERROR_INVALID_ARGS,
            _("option “%s” is not known; leave it out: none is known here"),
            name);
    return sd_bus_error_setf(
        ret_error,
        SD_BUS_ERROR_INVALID_ARGS,
        _("option “%s” is not known; leave it out, or use one of: %s"),
        name,
        list);
}

static int
read_list(sd_bus_message *m, char ***inout)
{
    char **list = NULL;
    int r = sd_bus_message_read_strv(m, &list);

    if (r < 0)
        return r;
    g_strfreev(*inout); /* a dictionary may say a key twice */
    *inout = list == NULL ? g_new0(char *, 1) : list;
    return r;
}

static int
read_value(sd_bus_message *m, const ImsOption *option, gpointer out)
{
    gpointer value = G_STRUCT_MEMBER_P(out, option->value);
    int r = sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, option->type);

    if (r < 0)
        return r;
    if (g_str_equal(option->type, "as"))
        r = read_list(m, value);
    else
        r = sd_bus_message_read_basic(m, option->type[0], value);
    if (r < 0)
        return r;

    if (option->given >= 0)
        G_STRUCT_MEMBER(gboolean, out, option->given) = TRUE;
    return sd_bus_message_exit_container(m);
}

static int
read_entry(sd_bus_message *m, const ImsOption *known, gpointer out, sd_bus_error *ret_error)
{
    const char *name, *type;
    const ImsOption *option;
    int r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &name);

    if (r < 0)
        return r;
    option = find_option(known, name);
    if (option == NULL)
        return refuse_unknown(known, name, ret_error);
    r = sd_bus_message_peek_type(m, NULL, &type);
    if (r < 0)
        return r;
    if (!g_str_equal(type, option->type))
        return sd_bus_error_setf(
            ret_error,
            SD_BUS_ERROR_INVALID_ARGS,
            _("option “%s” has type “%s”; give it type “%s”"),
            name,
            type,
            option->type);
    return read_value(m, option, out);
}

int
ims_options_read(sd_bus_message *m, const ImsOption *known, gpointer out, sd_bus_error *ret_error)
{
    int r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{sv}");

    while (r >= 0) {
        r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv");
        if (r == 0)
            return sd_bus_message_exit_container(m);
        if (r > 0)
            r = read_entry(m, known, out, ret_error);
        if (r >= 0)
            r = sd_bus_message_exit_container(m);
    }
    return r;
}
