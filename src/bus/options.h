/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* One option that a method knows, and where its value goes in the method's own struct. A table of
 * them ends with an entry whose name is NULL. */
typedef struct {
    const char *name;
    const char *type; /* "b": gboolean, "u": guint, "t": guint64, "as": char **, for g_strfreev() */
    gsize value;      /* offset */
    gssize given;     /* offset of a gboolean that becomes TRUE; -1: none */
} ImsOption;

/* What most methods know for now: nothing. */
extern const ImsOption ims_no_options[];

/**
 * ims_options_read:
 * @m: at a dictionary `a{sv}`
 * @known: a table
 * @out: the struct to fill in, which has the defaults; free its lists on failure too
 *
 * Reads all options. One that is not known is an error, and so is one of a wrong type: a misspelt
 * option must not let a method do something else than what was meant.
 *
 * Returns: negative on failure; then @ret_error is `InvalidArgs` and says what is known
 */
int ims_options_read(
    sd_bus_message *m, const ImsOption *known, gpointer out, sd_bus_error *ret_error);
