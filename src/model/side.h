/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* The two servers of an account. Code is written for a side, never twice. */
typedef enum { IMS_LOCAL, IMS_REMOTE, IMS_N_SIDES } ImsSide;

static inline ImsSide
ims_side_other(ImsSide side)
{
    return side == IMS_LOCAL ? IMS_REMOTE : IMS_LOCAL;
}

static inline guint
ims_side_bit(ImsSide side)
{
    return 1u << side;
}

static inline const char *
ims_side_name(ImsSide side)
{
    return side == IMS_LOCAL ? "local" : "remote";
}
