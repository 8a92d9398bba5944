/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include "net/pump.h"

/* COMPRESS=DEFLATE (RFC 4978) without I/O: a client of the pump in front of another one, which goes
 * on speaking as if nothing were compressed. At most 64 KiB stand here in either direction, however
 * much a few compressed octets may stand for: what the other one does not take yet is not inflated.
 * Never waits. */
typedef struct ImsDeflate ImsDeflate;

/** For ims_pump_replace(), with an ImsDeflate. Errors of feed: IMS_ERROR_PROTOCOL, if the stream is
 * damaged or goes on behind its end; those of the inner client. */
extern const ImsPumpClient ims_deflate_client;

/** ims_deflate_new: @inner, @self_of_inner: borrowed: they outlive it. */
ImsDeflate *ims_deflate_new(const ImsPumpClient *inner, gpointer self_of_inner);
void ims_deflate_free(ImsDeflate *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsDeflate, ims_deflate_free)
