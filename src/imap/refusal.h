/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "util/error.h"
#include "wire/parse.h"

/**
 * ims_refusal_error:
 * @text: (nullable): the words behind @code, escaped or not
 * @otherwise: what it means if neither code nor words are known
 *
 * What a NO or a BYE asks for: OFFLINE, if waiting helps; AUTH_FAILED, if another user name or
 * password does; SERVER_REJECTED, if only those who run the server can help (RFC 5530 section 3).
 * Never waits.
 */
ImsError ims_refusal_error(const ImsCode *code, const char *text, ImsError otherwise);
