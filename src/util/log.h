/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* Logging, and the one way to show text that came from outside. */

/* What can be traced, beside messages for people. A trace goes where those go, with the fields
 * IMAPSYNC_TOPIC, IMAPSYNC_ACCOUNT and IMAPSYNC_SIDE. It holds no credential, no token and nothing
 * of a message: whoever traces gives their lengths. */
typedef enum {
    IMS_LOG_IMAP = 1 << 0,   /* each line of the protocol */
    IMS_LOG_PUMP = 1 << 1,   /* what is waited for, how long, and octets */
    IMS_LOG_ENGINE = 1 << 2, /* the steps of a pass */
} ImsLogTopic;

/* The environment variable that names the topics at the start. */
#define IMS_LOG_VARIABLE "IMAPSYNC_DEBUG"

/**
 * ims_log_init:
 *
 * Sends GLib's structured log to the journal if stderr is the journal, else to stderr. Debug
 * messages are written if G_MESSAGES_DEBUG asks for them, traces if IMAPSYNC_DEBUG does. Call once,
 * before any thread is started.
 */
void ims_log_init(void);

/**
 * ims_log_set_topics:
 * @text: topics, separated by commas; `all` for each; empty for none
 *
 * Traces these from now on, and no others. May be called by any thread.
 *
 * Errors: IMS_ERROR_CONFIG, for a word that is no topic; then nothing changes.
 */
gboolean ims_log_set_topics(const char *text, GError **error);
/** ims_log_topics: Returns: (transfer full): what is traced, as ims_log_set_topics() takes it. */
char *ims_log_topics(void);
/** ims_log_is_on: Returns: whether @topic is traced: one load, for any thread. */
gboolean ims_log_is_on(ImsLogTopic topic);

/** ims_log_set_account: names the account that this thread works for, in all that it logs. */
void ims_log_set_account(const char *name);

/**
 * ims_log_trace:
 * @topic: must be on
 * @side: (nullable): of the account, as ims_side_name() has it
 *
 * Writes a line to the trace, escaped, and cut at 1000 characters.
 */
void ims_log_trace(ImsLogTopic topic, const char *side, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

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
