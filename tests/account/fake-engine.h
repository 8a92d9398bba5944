/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "model/report.h"
#include "util/error.h"

/* Stands in for engine, imap and net below the account's floor: a pass that does, in the worker
 * thread, what the test tells it, and else ends when it is cancelled. */

/** fake_engine_progress: the pass tells progress; @done: of messages. */
void fake_engine_progress(ImsPhase phase, guint64 done);
/** fake_engine_end: the pass ends with @report (transfer full) (nullable: an empty one). @code: -1:
 * without an error. */
void fake_engine_end(int code, ImsReport *report);
/** fake_engine_reject: the pass ends at the connecting, since the certificate of @side was
 * rejected, whose key is @pin. */
void fake_engine_reject(ImsSide side, const char *pin);
/** fake_engine_fail: the pass ends with @error (transfer full). */
void fake_engine_fail(GError *error);
/** fake_engine_renew: the pass wants another token of its remote side, and ends if there is none;
 * fake_engine_order() then tells which it got. */
void fake_engine_renew(void);
/** fake_engine_deaf: passes that start from now on do not hear that they are cancelled. */
void fake_engine_deaf(gboolean deaf);
/** fake_engine_sync: waits until the pass has done all that it was told. */
void fake_engine_sync(void);
/** fake_engine_remember: @report: (transfer full) (nullable): what the state file of each account
 * holds when it is read. */
void fake_engine_remember(ImsReport *report);
/** fake_engine_order: Returns: (transfer full): in words what the last pass was given. */
char *fake_engine_order(void);
