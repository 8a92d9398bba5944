/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

#include "cli/command.h"

/* How failures are told: what went wrong, and what to do about it. */

/**
 * ims_fault_advice:
 * @account: (nullable): whose error it is
 *
 * Returns: (transfer full) (nullable): what to do, as a sentence's part; NULL if the error's own
 * message must say it.
 */
char *ims_fault_advice(const GError *error, const char *account);

/**
 * ims_fault_report:
 * @bus: (nullable): where to ask which accounts there are
 * @account: (nullable): whose error it is
 *
 * Writes the error to stderr, with its fix.
 *
 * Returns: the exit status that stands for it.
 */
ImsExit ims_fault_report(sd_bus *bus, const char *account, const GError *error);

/**
 * ims_fault_usage:
 * @command: (nullable): whose usage was not kept to; NULL: the program's
 *
 * Writes the error to stderr, and where help is.
 *
 * Returns: IMS_EXIT_USAGE.
 */
ImsExit ims_fault_usage(const char *command, const GError *error);

/** ims_fault_no_accounts: tells on stderr that there is no account yet, and how to add one. */
void ims_fault_no_accounts(void);
