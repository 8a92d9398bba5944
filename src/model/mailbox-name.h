/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* Names of mailboxes inside the program: UTF-8 with `/` between levels, INBOX in capitals. A
 * server's spelling (still UTF-8; modified UTF-7 is wire/utf7's) has its own delimiter. */

/**
 * ims_mailbox_name_from_server:
 * @name: UTF-8, as the server spells it
 * @delimiter: the server's, 0 if it has none
 *
 * Returns: (transfer full) (nullable): our name; NULL if it cannot be told apart from another one
 * (a `/` inside a component, an empty component, a control character).
 */
char *ims_mailbox_name_from_server(const char *name, char delimiter);

/**
 * ims_mailbox_name_to_server:
 *
 * Returns: (transfer full) (nullable): the server's spelling; NULL if a component holds the
 * delimiter, or if there are levels and no delimiter.
 */
char *ims_mailbox_name_to_server(const char *name, char delimiter);

/** ims_mailbox_name_canonical: what a user typed: INBOX in any case, as a whole or as the first
 * component, becomes INBOX. Returns: (transfer full) (nullable): NULL if it is no name. */
char *ims_mailbox_name_canonical(const char *name);
