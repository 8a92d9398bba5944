/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* Logging, and the one way to show text that came from outside. */

/**
 * ims_log_init:
 *
 * Sends GLib's structured log to the journal if stderr is the journal, else to stderr. Debug
 * messages are written if G_MESSAGES_DEBUG asks for them. Call once, before any thread is started.
 */
void ims_log_init(void);

/**
 * ims_text_escape:
 * @text: (array length=len): bytes from a server, any bytes
 * @len: in bytes
 *
 * Makes server text fit for people: invalid UTF-8, control and formatting characters become `?`,
 * and what is over 200 characters is cut and ends in `…`.
 *
 * Returns: (transfer full): valid UTF-8 on one line.
 */
char *ims_text_escape(const char *text, gsize len);
