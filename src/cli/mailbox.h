/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* Mailboxes as Account.ListMailboxes has them, an `a(sa{sv})`. Pure. */

/** ims_mailbox_table: Returns: (transfer full): @mailboxes as a table for people; whole lines. */
char *ims_mailbox_table(GVariant *mailboxes);
