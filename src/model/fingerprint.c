/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* The digest of a header, computed byte by byte so that the pieces in which it comes do not matter.
 * Values are collected normalised, one for each field, and hashed at the end in a fixed order: the
 * order of fields in the header does not matter either. Of a field that comes twice, the first
 * counts. Only collected bytes count towards the limit, so a whole message and a fetched
 * HEADER.FIELDS of it have the same fingerprint. The normal form stands in state files: changing
 * it breaks every stored fingerprint. */
#include "model/fingerprint.h"

#include <string.h>

#define COLLECT_MAX  ((gsize)256 * 1024)
#define NAME_MAX_LEN 16 /* octets; longer than any name below */

static const char *const fields[] = {"from", "to", "date", "subject", "message-id"};

typedef enum {
    AT_LINE_START,
    IN_NAME,
    IN_VALUE, /* of a field of ours */
    IN_OTHER, /* the rest of a line that does not matter */
    AT_END,
} State;

struct ImsFingerprint {
    State state;
    char name[NAME_MAX_LEN];
    gsize name_len;
    GString *values[G_N_ELEMENTS(fields)]; /* NULL: not seen */
    GString *value;                        /* the one being read, and continued by folded lines */
    gboolean space;                        /* white space was seen and not yet written */
    gsize collected;
};

ImsFingerprint *
ims_fingerprint_new(void)
{
    return g_new0(ImsFingerprint, 1);
}

void
ims_fingerprint_free(ImsFingerprint *self)
{
    if (self == NULL)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (self->values[i] != NULL)
            g_string_free(self->values[i], TRUE);
    }
    g_free(self);
}

/* Servers replace bytes of the upper half by X (Cyrus 3.6.1) and NUL by 0x80 (Dovecot 2.3.19). */
static char
unmunged(guint8 byte)
{
    return byte >= 0x80 || byte == 0 ? 'X' : (char)byte;
}

static void
collect(ImsFingerprint *self, guint8 byte)
{
    if (g_ascii_isspace(byte)) {
        self->space = TRUE;
        return;
    }
    if (self->collected + 2 > COLLECT_MAX) {
        self->state = AT_END;
        return;
    }
    if (self->space && self->value->len > 0) {
        g_string_append_c(self->value, ' ');
        self->collected++;
    }
    self->space = FALSE;
    g_string_append_c(self->value, unmunged(byte));
    self->collected++;
}

/* The name is complete: opens its value if it is the first of ours. */
static void
begin_value(ImsFingerprint *self)
{
    self->state = IN_OTHER;
    while (self->name_len > 0 && g_ascii_isspace(self->name[self->name_len - 1]))
        self->name_len--;

    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (strlen(fields[i]) != self->name_len || self->values[i] != NULL ||
            g_ascii_strncasecmp(fields[i], self->name, self->name_len) != 0)
            continue;
        self->value = self->values[i] = g_string_new(NULL);
        self->space = FALSE;
        self->state = IN_VALUE;
    }
}

static void
feed_name(ImsFingerprint *self, guint8 byte)
{
    if (byte == ':')
        begin_value(self);
    else if (byte == '\n')
        self->state = AT_LINE_START;
    else if (self->name_len == NAME_MAX_LEN)
        self->state = IN_OTHER;
    else
        self->name[self->name_len++] = (char)byte;
}

static void
feed_line_start(ImsFingerprint *self, guint8 byte)
{
    if (byte == '\r')
        return;
    if (byte == '\n') {
        self->state = AT_END;
        return;
    }
    if (byte == ' ' || byte == '\t') {
        self->space = TRUE;
        self->state = self->value == NULL ? IN_OTHER : IN_VALUE;
        return;
    }
    self->value = NULL;
    self->name_len = 0;
    self->state = IN_NAME;
    feed_name(self, byte);
}

static void
feed_byte(ImsFingerprint *self, guint8 byte)
{
    switch (self->state) {
    case AT_LINE_START:
        feed_line_start(self, byte);
        break;
    case IN_NAME:
        feed_name(self, byte);
        break;
    case IN_VALUE:
        if (byte == '\n')
            self->state = AT_LINE_START;
        collect(self, byte);
        break;
    case IN_OTHER:
        if (byte == '\n')
            self->state = AT_LINE_START;
        break;
    case AT_END:
        break;
    }
}

void
ims_fingerprint_feed(ImsFingerprint *self, const guint8 *data, gsize len)
{
    for (gsize i = 0; i < len && self->state != AT_END; i++)
        feed_byte(self, data[i]);
}

static void
digest_field(GChecksum *sum, gsize i, const GString *value)
{
    g_checksum_update(sum, (const guint8 *)fields[i], -1);
    g_checksum_update(sum, (const guint8 *)":", 1);
    g_checksum_update(sum, (const guint8 *)value->str, (gssize)value->len);
    g_checksum_update(sum, (const guint8 *)"\n", 1);
}

static guint64
first_bits(GChecksum *sum)
{
    guint8 digest[32];
    gsize len = sizeof digest;
    guint64 bits;

    g_checksum_get_digest(sum, digest, &len);
    memcpy(&bits, digest, sizeof bits);
    return GUINT64_FROM_BE(bits);
}

guint64
ims_fingerprint_end(ImsFingerprint *self)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    gboolean usable = FALSE;
    guint64 bits;

    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (self->values[i] == NULL || self->values[i]->len == 0)
            continue;
        digest_field(sum, i, self->values[i]);
        usable = TRUE;
    }
    self->state = AT_END;
    bits = first_bits(sum);
    return usable ? MAX(bits, 1) : 0;
}
