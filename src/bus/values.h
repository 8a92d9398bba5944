/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <systemd/sd-bus.h>

#include "model/report.h"

/* Values of the program as D-Bus values. Each function appends one whole value and returns a
 * negative number on failure. */

/** ims_values_append_summary: `a{sv}`: all counts. */
int ims_values_append_summary(sd_bus_message *m, const ImsSummary *summary);
/** ims_values_append_counts: `a{sv}`: the counts that are not 0. */
int ims_values_append_counts(sd_bus_message *m, const ImsSummary *summary);
/** ims_values_append_progress: `a{sv}`: without `fraction` while it is unknown. */
int ims_values_append_progress(sd_bus_message *m, const ImsProgress *progress);
/** ims_values_append_mailbox: `(sa{sv})`: how the mailbox is. */
int ims_values_append_mailbox(sd_bus_message *m, const ImsMailboxReport *mailbox);
/** ims_values_append_outcome: `(sa{sv})`: what was done in the mailbox. */
int ims_values_append_outcome(sd_bus_message *m, const ImsMailboxReport *mailbox);
/** ims_values_append_facts: `(sa{sv})`: what a test found on @side; what is not known is left out.
 */
int ims_values_append_facts(sd_bus_message *m, ImsSide side, const ImsFacts *facts);
/** ims_values_append_issue: `a{sv}` */
int ims_values_append_issue(sd_bus_message *m, const ImsIssue *issue);
