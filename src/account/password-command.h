/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* A password from a command of the user's, for those who have no keyring, or a token. On the main
 * thread; nothing waits. One run; lives until its callback has been called, or until it is
 * cancelled. */
typedef struct ImsPasswordCommand ImsPasswordCommand;

/**
 * ImsPasswordGiven:
 * @password: (transfer none) (nullable): valid during the call, wiped after it
 * @message: (transfer none) (nullable): why there is none: whole words for people
 */
typedef void (*ImsPasswordGiven)(const char *password, const char *message, gpointer data);

/**
 * ims_password_command_run:
 * @argv: found by PATH; no shell
 *
 * Takes the first line that it prints, if it then ends well, within 60 seconds. @callback is called
 * once, from the main loop, and not before this returns.
 */
ImsPasswordCommand *ims_password_command_run(char **argv, ImsPasswordGiven callback, gpointer data);
/** ims_password_command_cancel: @callback will not be called; the command is ended. Takes NULL. */
void ims_password_command_cancel(ImsPasswordCommand *self);
