/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

/**
 * ims_issue_text:
 * @account: whose issue it is
 * @issue: an `a{sv}` as ListIssues gives it
 *
 * Pure. An issue of a kind that is not known here is shown with what the service tells of it.
 *
 * Returns: (transfer full): what is the matter and what to do about it; whole lines.
 */
char *ims_issue_text(const char *account, GVariant *issue);
