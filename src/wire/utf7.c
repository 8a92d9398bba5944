/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
/* Modified UTF-7: printable ASCII stands for itself, everything else is UTF-16 in base64 between
 * `&` and `-`. A name could be written in many ways; the decoder takes only the one that the
 * encoder makes, by encoding its result again and comparing. */
#include "wire/utf7.h"

#include <string.h>

#define SPELT_MAX 1000 /* octets; of a longer name the first hundred are spelt */
#define LONG_HEAD 100

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static gboolean
is_direct(gunichar c)
{
    return c >= 0x20 && c <= 0x7e;
}

/* Bits on their way between units of 16 and digits of 6. */
typedef struct {
    guint32 bits;
    guint n_bits;
} Shift;

static void
append_unit(GString *out, Shift *shift, gunichar unit)
{
    shift->bits = (shift->bits << 16) | unit;
    shift->n_bits += 16;
    while (shift->n_bits >= 6) {
        shift->n_bits -= 6;
        g_string_append_c(out, digits[(shift->bits >> shift->n_bits) & 63]);
    }
}

/* Writes the characters from @name on up to a direct one. Returns: that one, or the end. */
static const char *
append_run(GString *out, const char *name)
{
    Shift shift = {0};

    g_string_append_c(out, '&');
    for (; *name != '\0' && !is_direct(g_utf8_get_char(name)); name = g_utf8_next_char(name)) {
        gunichar c = g_utf8_get_char(name);

        if (c > 0xffff) {
            append_unit(out, &shift, 0xd800 + ((c - 0x10000) >> 10));
            c = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        append_unit(out, &shift, c);
    }
    if (shift.n_bits > 0)
        g_string_append_c(out, digits[(shift.bits << (6 - shift.n_bits)) & 63]);
    g_string_append_c(out, '-');
    return name;
}

char *
ims_utf7_encode(const char *name)
{
    GString *out = g_string_new(NULL);

    while (*name != '\0') {
        if (!is_direct(g_utf8_get_char(name))) {
            name = append_run(out, name);
            continue;
        }
        g_string_append_c(out, *name);
        if (*name == '&')
            g_string_append_c(out, '-');
        name++;
    }
    return g_string_free(out, FALSE);
}

/* Appends one UTF-16 unit, of which a pair may be split between calls: @inout_high is the first
 * half or 0. */
static gboolean
append_utf16(GString *out, gunichar unit, gunichar *inout_high)
{
    gunichar high = *inout_high;
    gboolean is_low = unit >= 0xdc00 && unit <= 0xdfff;

    if (is_low != (high != 0))
        return FALSE;
    *inout_high = 0;
    if (is_low)
        g_string_append_unichar(out, 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00));
    else if (unit >= 0xd800 && unit <= 0xdbff)
        *inout_high = unit;
    else
        g_string_append_unichar(out, unit);
    return TRUE;
}

static gboolean
decode_run(GString *out, const char *run, gsize len)
{
    Shift shift = {0};
    gunichar high = 0;

    for (gsize i = 0; i < len; i++) {
        const char *digit = memchr(digits, run[i], sizeof digits - 1);

        if (digit == NULL)
            return FALSE;
        shift.bits = (shift.bits << 6) | (guint32)(digit - digits);
        shift.n_bits += 6;
        if (shift.n_bits < 16)
            continue;
        shift.n_bits -= 16;
        if (!append_utf16(out, (shift.bits >> shift.n_bits) & 0xffff, &high))
            return FALSE;
    }
    return high == 0;
}

static gboolean
decode(GString *out, const char *wire, gsize len)
{
    const char *end = wire + len;

    while (wire < end) {
        const char *minus;

        if (*wire != '&') {
            g_string_append_c(out, *wire++);
            continue;
        }
        wire++;
        minus = memchr(wire, '-', (gsize)(end - wire));
        if (minus == NULL)
            return FALSE;
        if (minus == wire)
            g_string_append_c(out, '&');
        else if (!decode_run(out, wire, (gsize)(minus - wire)))
            return FALSE;
        wire = minus + 1;
    }
    return TRUE;
}

char *
ims_utf7_decode(const char *wire, gsize len)
{
    g_autoptr(GString) name = g_string_new(NULL);
    g_autofree char *again = NULL;

    if (!decode(name, wire, len) || !g_utf8_validate(name->str, (gssize)name->len, NULL))
        return NULL;
    again = ims_utf7_encode(name->str);
    if (strlen(again) != len || memcmp(again, wire, len) != 0)
        return NULL;
    return g_string_free(g_steal_pointer(&name), FALSE);
}

char *
ims_utf7_spell(const char *wire, gsize len)
{
    GString *out = g_string_new(NULL);
    gsize n = len > SPELT_MAX ? LONG_HEAD : len;

    for (gsize i = 0; i < n; i++) {
        if (is_direct((guchar)wire[i]) && wire[i] != '\\')
            g_string_append_c(out, wire[i]);
        else
            g_string_append_printf(out, "\\x%02x", (guint)(guchar)wire[i]);
    }
    if (n < len) {
        g_autofree char *digest =
            g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)wire, len);

        g_string_append_printf(out, "… %s", digest);
    }
    g_string_append(out, "\xef\xbf\xbd");
    return g_string_free(out, FALSE);
}
