/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* One SASL exchange (RFC 4422) as a client, over GNU SASL and without I/O: challenges in, responses
 * out. Holds a password, which is wiped with it. Never waits. */
typedef struct ImsSasl ImsSasl;

/**
 * ims_sasl_new_plain:
 *
 * Begins PLAIN (RFC 4616), in which the client speaks first. Name and password go as they are: to
 * prepare them for being compared is the server's part.
 *
 * Errors: IMS_ERROR_AUTH_FAILED, if GNU SASL cannot do it here.
 *
 * Returns: (transfer full): the exchange.
 */
ImsSasl *ims_sasl_new_plain(const char *username, const char *password, GError **error);
void ims_sasl_free(ImsSasl *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsSasl, ims_sasl_free)

/** ims_sasl_mechanism: Returns: (transfer none): its name, such as "PLAIN". */
const char *ims_sasl_mechanism(const ImsSasl *self);

/**
 * ims_sasl_step:
 * @challenge: base64; "" for the first step of a mechanism in which the client speaks first
 * @out_response: (out) (transfer full): base64, to be wiped by ims_sasl_wipe()
 *
 * Errors: IMS_ERROR_PROTOCOL, if the mechanism has no answer to this challenge.
 */
gboolean ims_sasl_step(ImsSasl *self, const char *challenge, char **out_response, GError **error);
/** ims_sasl_wipe: wipes and frees a response. Takes NULL. */
void ims_sasl_wipe(char *response);
