/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "account/config.h"
#include "model/report.h"

/* What an account's state file remembers, so that it can be told before the first sync after a
 * start. Read in a thread of its own; all else is on the main thread, and nothing waits. */
typedef struct ImsRecall ImsRecall;

/** ImsRecalled: @report: (nullable): NULL if there is nothing, or nothing that can be read: the
 * next sync tells why. */
typedef void (*ImsRecalled)(ImsReport *report, gpointer data);

/** ims_recall_new: @callback is called once, from the main loop. */
ImsRecall *ims_recall_new(const ImsConfig *config, ImsRecalled callback, gpointer data);
/** ims_recall_cancel: @callback will not be called. Takes NULL. */
void ims_recall_cancel(ImsRecall *self);
