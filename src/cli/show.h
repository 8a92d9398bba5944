/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/* Text for people. All of it is pure: the same values give the same text. Widths are in columns of
 * a terminal, where East Asian letters take two and combining marks none. */

/** ims_show_duration: Returns: (transfer full): such as `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10
 * min`. */
char *ims_show_duration(guint64 us);
/** ims_show_size: Returns: (transfer full): such as `12.3 MB`; units of 1000. */
char *ims_show_size(guint64 bytes);
/** ims_show_time: @us: since the epoch, 0 for never. Returns: (transfer full): local date and time.
 */
char *ims_show_time(guint64 us);

/** ims_show_width: Returns: how many columns @text takes. */
guint ims_show_width(const char *text);
/**
 * ims_show_fit:
 *
 * Returns: (transfer full): @text, cut before the first character that does not fit in @width
 * columns; what is cut ends in an ellipsis.
 */
char *ims_show_fit(const char *text, guint width);

/**
 * ims_show_table:
 * @rows: (element-type GStrv): at least one, all of the same length; the first one is the heading
 *
 * Returns: (transfer full): the rows as lines, their columns aligned.
 */
char *ims_show_table(const GPtrArray *rows);

/** ims_show_json: Returns: (transfer full): a value of the bus as JSON on several lines. */
char *ims_show_json(GVariant *value);
/**
 * ims_show_named_json:
 * @named: an `a(sa{sv})`
 *
 * Returns: (transfer full): @named as a JSON array of objects, each with its name under `name` in
 * front of its fields; on several lines.
 */
char *ims_show_named_json(GVariant *named);

/**
 * ims_show_plan:
 * @mailboxes: an `a(sa{sv})` as Job.GetReport of a dry run
 *
 * Returns: (transfer full): what a sync would do, as a table of the mailboxes that it concerns;
 * whole lines.
 */
char *ims_show_plan(const char *account, GVariant *mailboxes);

/**
 * ims_show_test:
 * @result: as Job.Result
 *
 * Returns: (transfer full): how a test of an account's log-ins ended; a whole line.
 */
char *ims_show_test(const char *account, const char *result);

/**
 * ims_show_work:
 * @counts: an `a{sv}` as Job.Summary; a count that is not there is 0
 *
 * Returns: (transfer full): what was done, in plain words; a string for each kind of work, none for
 * what was not done.
 */
char **ims_show_work(GVariant *counts);

/**
 * ims_show_result:
 * @result: as Job.Result
 * @counts: as of ims_show_work()
 *
 * Returns: (transfer full): how a job ended, and what it took; one line, without its end.
 */
char *ims_show_result(const char *result, GVariant *counts);

/**
 * ims_show_summary:
 * @result: as Job.Result
 * @counts: as of ims_show_work()
 *
 * Returns: (transfer full): what a sync did, in plain words; whole lines.
 */
char *ims_show_summary(const char *account, const char *result, GVariant *counts);
