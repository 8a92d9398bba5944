/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "imap/conn.h"

/* One SASL exchange (RFC 4422) as a client, without I/O: challenges in, responses out. Holds a
 * password or a token, which is wiped with it. Never waits. */
typedef struct ImsSasl ImsSasl;

/**
 * ims_sasl_new:
 * @endpoint: borrowed for the call; its password may be NULL with EXTERNAL
 *
 * Begins an exchange: PLAIN (RFC 4616) and LOGIN, where name and password go as they are, since to
 * prepare them for being compared is the server's part; SCRAM (RFC 5802), where they are prepared
 * here (SASLprep), and which needs ims_sasl_bind() if it is bound; EXTERNAL, with the name as whom
 * to act; OAUTHBEARER and XOAUTH2, with the password as the token.
 *
 * Errors: IMS_ERROR_AUTH_FAILED, if GNU SASL cannot do it here, or if that is no token.
 *
 * Returns: (transfer full): the exchange.
 */
ImsSasl *ims_sasl_new(ImsAuth way, const ImsEndpoint *endpoint, GError **error);
void ims_sasl_free(ImsSasl *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsSasl, ims_sasl_free)

/** ims_sasl_bind: binds the login to the TLS connection of which these are the octets. */
void ims_sasl_bind(ImsSasl *self, ImsBinding binding, const GByteArray *data);

/** ims_sasl_mechanism: Returns: (transfer none): its name, such as "PLAIN". */
const char *ims_sasl_mechanism(const ImsSasl *self);

/** ims_sasl_begins: Returns: whether the client speaks first; else the first step comes when the
 * server has asked. */
gboolean ims_sasl_begins(const ImsSasl *self);
/** ims_sasl_answers: Returns: whether it looks at challenges; else what the server says behind
 * its "+" are words for people. */
gboolean ims_sasl_answers(const ImsSasl *self);
/** ims_sasl_has_ended: Returns: whether all was said, and the server, if the mechanism makes it
 * prove that it knows the password, has done so. An OK before that is not to be believed. */
gboolean ims_sasl_has_ended(const ImsSasl *self);
/**
 * ims_sasl_step:
 * @challenge: base64; "" for the first step
 * @out_response: (out) (transfer full): base64, to be wiped by ims_sasl_wipe()
 *
 * Errors: IMS_ERROR_PROTOCOL, if the mechanism has no answer to this challenge;
 * IMS_ERROR_AUTH_FAILED, if the server does not prove that it knows the password.
 */
gboolean ims_sasl_step(ImsSasl *self, const char *challenge, char **out_response, GError **error);
/** ims_sasl_wipe: wipes and frees a response. Takes NULL. */
void ims_sasl_wipe(char *response);
