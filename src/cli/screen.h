/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* The lines at the bottom of a terminal that are drawn over and over. */
typedef struct ImsScreen ImsScreen;

/**
 * ims_screen_new:
 *
 * Returns: (transfer full) (nullable): stderr's terminal, else stdout's; NULL if neither is one
 * that can move its cursor.
 */
ImsScreen *ims_screen_new(void);
/** ims_screen_free: clears what was drawn last. */
void ims_screen_free(ImsScreen *self);
/** ims_screen_width: Returns: how many columns a line may take. */
guint ims_screen_width(const ImsScreen *self);
/**
 * ims_screen_draw:
 * @lines: (element-type utf8): none is wider than the screen; what is too many for its height is
 * left out
 *
 * Draws the lines in the place of those drawn before.
 */
void ims_screen_draw(ImsScreen *self, const GPtrArray *lines);
/** ims_screen_clear: removes what was drawn; the cursor stands where the first line was. */
void ims_screen_clear(ImsScreen *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsScreen, ims_screen_free)
