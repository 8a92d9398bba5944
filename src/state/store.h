/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */
#pragma once

#include <glib.h>

#include "model/delta.h"
#include "model/issue.h"
#include "model/mailbox.h"
#include "model/offers.h"
#include "model/row.h"
#include "model/uidset.h"

/* The memory of one account: an SQLite file (WAL, FULL, EXCLUSIVE, mode 0600). Values in, values
 * out; it knows no live object. One owning thread. Every writing call belongs to a transaction that
 * the caller opens and commits: what belongs together is committed together.
 *
 * Errors of all calls: IMS_ERROR_STATE, with what to do (disk full, damaged, in use by another
 * process, made by a newer version). After a failed commit nothing of the transaction is stored. */
typedef struct ImsStore ImsStore;

/**
 * ims_store_open:
 * @identity: (array fixed-size=2): who each side is: type, host, user name, store. If one differs
 * from the file's, all rows, points, intents and issues are dropped: state is never applied to
 * another server.
 */
ImsStore *ims_store_open(const char *path, const char *const identity[2], GError **error);
/**
 * ims_store_open_dry:
 *
 * As ims_store_open(), for a look at what would be: whatever is committed can be read back until
 * the store is freed, and is then gone. The file is left as it is, and not made if it is not there.
 */
ImsStore *ims_store_open_dry(const char *path, const char *const identity[2], GError **error);
void ims_store_free(ImsStore *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImsStore, ims_store_free)

gboolean ims_store_begin(ImsStore *self, GError **error);
gboolean ims_store_commit(ImsStore *self, GError **error);
/** ims_store_rollback: ends the transaction, if one is open, without a trace. */
void ims_store_rollback(ImsStore *self);
/** ims_store_set_fuse: for tests: asked before each commit; FALSE makes it fail. */
void ims_store_set_fuse(ImsStore *self, gboolean (*fuse)(gpointer data), gpointer data);

/** ims_store_offers: @out: (out) (transfer full): what @side was last seen to offer; or not known.
 */
gboolean ims_store_offers(ImsStore *self, ImsSide side, ImsOffers *out, GError **error);
gboolean ims_store_save_offers(
    ImsStore *self, ImsSide side, const ImsOffers *offers, GError **error);

/** ims_store_mailboxes: Returns: (transfer full) (element-type ImsMailbox): by name. */
GPtrArray *ims_store_mailboxes(ImsStore *self, GError **error);
/** ims_store_save_mailbox: inserts (and sets @mailbox->id) or updates. */
gboolean ims_store_save_mailbox(ImsStore *self, ImsMailbox *mailbox, GError **error);
/** ims_store_reset_mailbox: drops its rows and intents; the caller saves the mailbox itself. */
gboolean ims_store_reset_mailbox(ImsStore *self, gint64 mailbox, GError **error);
/** ims_store_forget_mailbox: drops the mailbox with all that belongs to it, but its issues, which
 * go by name, and the deletions let through, which still count for the account. */
gboolean ims_store_forget_mailbox(ImsStore *self, gint64 mailbox, GError **error);

/** ims_store_rows: Returns: (transfer full) (element-type ImsRow): rows of @mailbox whose UID on
 * @side is in @uids, in ascending UID; read by range. */
GPtrArray *ims_store_rows(
    ImsStore *self, gint64 mailbox, ImsSide side, const ImsUidSet *uids, GError **error);
/** ims_store_rows_pending: those with gone or marked set (held ones too). */
GPtrArray *ims_store_rows_pending(ImsStore *self, gint64 mailbox, GError **error);
GPtrArray *ims_store_rows_all(ImsStore *self, gint64 mailbox, GError **error);
/** ims_store_count_rows: @out: (out): rows with a UID on @side that is not gone there. */
gboolean ims_store_count_rows(
    ImsStore *self, gint64 mailbox, ImsSide side, guint64 *out, GError **error);
/** ims_store_mailboxes_pending: Returns: (transfer full) (element-type gint64): a GArray of ids of
 * the mailboxes that have rows marked, or gone and not held, or open intents. */
GArray *ims_store_mailboxes_pending(ImsStore *self, gboolean with_held, GError **error);
/** ims_store_count_held: @mailbox: 0 for the whole account; deletions that vanished on @side and
 * wait for the user. */
gboolean ims_store_count_held(
    ImsStore *self, gint64 mailbox, ImsSide side, guint64 *out, GError **error);
/** ims_store_count_refused: singles of @side that the other side refused. @out_detail: (out)
 * (transfer full) (nullable): the words of one of them. */
gboolean ims_store_count_refused(
    ImsStore *self, gint64 mailbox, ImsSide side, guint64 *out, char **out_detail, GError **error);
/** ims_store_count_pairs: over the whole account. */
gboolean ims_store_count_pairs(ImsStore *self, guint64 *out, GError **error);
/** ims_store_single_exists: whether a single with that hash on @side, or with that fingerprint,
 * stands there in any mailbox; 0 is like none. */
gboolean ims_store_single_exists(
    ImsStore *self, ImsSide side, guint64 hash, guint64 fingerprint, gboolean *out, GError **error);
/** ims_store_save_row: inserts (and sets @row->id) or updates. */
gboolean ims_store_save_row(ImsStore *self, gint64 mailbox, ImsRow *row, GError **error);
gboolean ims_store_delete_row(ImsStore *self, gint64 row, GError **error);

/** ims_store_save_intent: inserts (and sets @intent->id) or replaces. */
gboolean ims_store_save_intent(ImsStore *self, ImsIntent *intent, GError **error);
gboolean ims_store_delete_intent(ImsStore *self, gint64 intent, GError **error);
/** ims_store_intents: Returns: (transfer full) (element-type ImsIntent): all that are open, by id.
 */
GPtrArray *ims_store_intents(ImsStore *self, GError **error);

/** ims_store_raise: inserts @issue (and sets its id), or updates count and detail of the one with
 * its kind, mailbox and side. */
gboolean ims_store_raise(ImsStore *self, ImsIssue *issue, GError **error);
gboolean ims_store_settle_issue(
    ImsStore *self, ImsIssueKind kind, const char *mailbox, ImsSide side, GError **error);
/** ims_store_issues: Returns: (transfer full) (element-type ImsIssue): by id. */
GPtrArray *ims_store_issues(ImsStore *self, GError **error);

/** ims_store_log_deletions: remembers, for the guard, that @count deletions were let through. */
gboolean ims_store_log_deletions(
    ImsStore *self, gint64 mailbox, guint64 count, gint64 at_us, GError **error);
/** ims_store_count_deletions: @mailbox: 0 for the whole account; forgets what is older than
 * @since_us, within a transaction or not. */
gboolean ims_store_count_deletions(
    ImsStore *self, gint64 mailbox, gint64 since_us, guint64 *out, GError **error);
