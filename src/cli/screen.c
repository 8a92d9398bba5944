/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Cursor movement by the three sequences that every terminal of the last decades knows. A frame is
 * written in one go, so that it does not flicker. */

#include "cli/screen.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define UP           "\033[A"
#define CLEAR_LINE   "\r\033[K"
#define USUAL_WIDTH  80
#define USUAL_HEIGHT 24

struct ImsScreen {
    FILE *file;
    guint drawn; /* lines; the cursor is at the end of the last one */
};

ImsScreen *
ims_screen_new(void)
{
    const char *term = g_getenv("TERM");
    ImsScreen *self;

    if (term == NULL || *term == '\0' || strcmp(term, "dumb") == 0)
        return NULL;
    if (!isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO))
        return NULL;

    self = g_new0(ImsScreen, 1);
    self->file = isatty(STDERR_FILENO) ? stderr : stdout;

    return self;
}

void
ims_screen_free(ImsScreen *self)
{
    if (self == NULL)
        return;

    ims_screen_clear(self);
    g_free(self);
}

static struct winsize
size_of(const ImsScreen *self)
{
    struct winsize size = {0};

    if (ioctl(fileno(self->file), TIOCGWINSZ, &size) < 0 || size.ws_col == 0 || size.ws_row == 0)
        size = (struct winsize){.ws_col = USUAL_WIDTH, .ws_row = USUAL_HEIGHT};

    return size;
}

guint
ims_screen_width(const ImsScreen *self)
{
    return size_of(self).ws_col - 1u; /* a full line would wrap on some terminals */
}

/* Through GLib, which converts to the locale's character set. */
static void
put(ImsScreen *self, const char *text)
{
    if (self->file == stderr)
        g_printerr("%s", text);
    else
        g_print("%s", text);
}

static void
append_clear(const ImsScreen *self, GString *frame)
{
    for (guint i = 0; i < self->drawn; i++) {
        if (i > 0)
            g_string_append(frame, UP);
        g_string_append(frame, CLEAR_LINE);
    }
}

void
ims_screen_draw(ImsScreen *self, const GPtrArray *lines)
{
    guint n = MIN(lines->len, size_of(self).ws_row);
    g_autoptr(GString) frame = g_string_new(NULL);

    append_clear(self, frame);
    for (guint i = 0; i < n; i++) {
        if (i > 0)
            g_string_append_c(frame, '\n');
        g_string_append(frame, g_ptr_array_index(lines, i));
    }
    put(self, frame->str);
    self->drawn = n;
}

void
ims_screen_clear(ImsScreen *self)
{
    g_autoptr(GString) frame = g_string_new(NULL);

    append_clear(self, frame);
    put(self, frame->str);
    self->drawn = 0;
}
