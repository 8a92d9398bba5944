/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "cli/args.h"

/* What the program ends with. Scripts rely on these numbers. */
typedef enum {
    IMS_EXIT_DONE = 0,
    IMS_EXIT_FAILED = 1,
    IMS_EXIT_USAGE = 2,
    IMS_EXIT_PARTIAL = 3,
    IMS_EXIT_OFFLINE = 4,
    IMS_EXIT_CANCELLED = 130,
} ImsExit;

typedef struct {
    const char *name;
    const char *usage;          /* its arguments, as in a synopsis */
    const char *help;           /* one sentence, marked for translation */
    const char *const *options; /* as ims_args_parse() wants them */
    guint min_words, max_words;
    ImsExit (*run)(const ImsArgs *args);
} ImsCommand;

/* accounts.c */
ImsExit ims_command_add(const ImsArgs *args);
ImsExit ims_command_list(const ImsArgs *args);
ImsExit ims_command_password(const ImsArgs *args);
ImsExit ims_command_test(const ImsArgs *args);
/* monitor.c */
ImsExit ims_command_monitor(const ImsArgs *args);
/* reload.c */
ImsExit ims_command_reload(const ImsArgs *args);
/* remove.c */
ImsExit ims_command_remove(const ImsArgs *args);
/* resolve.c */
ImsExit ims_command_resolve(const ImsArgs *args);
/* sync.c */
ImsExit ims_command_sync(const ImsArgs *args);
ImsExit ims_command_cancel(const ImsArgs *args);
/* status.c */
ImsExit ims_command_status(const ImsArgs *args);
ImsExit ims_command_issues(const ImsArgs *args);
ImsExit ims_command_mailboxes(const ImsArgs *args);
/* unlock.c */
ImsExit ims_command_unlock(const ImsArgs *args);
/* connect.c */
ImsExit ims_command_connect(const ImsArgs *args);
