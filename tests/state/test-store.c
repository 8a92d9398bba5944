/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* Transactions: what is committed stays, what is not leaves no trace, whatever ends it. */

#include "state/store.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"
#include "util/error.h"

static void
test_rollback(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsRow) kept = pair_new(1, 1);
    g_autoptr(ImsRow) dropped = pair_new(2, 2);
    gint64 inbox;

    scratch_init(&scratch);
    scratch_open(&scratch);
    inbox = scratch_mailbox(&scratch, "INBOX");
    scratch_begin(&scratch);
    scratch_save(&scratch, inbox, kept);
    scratch_commit(&scratch);

    scratch_begin(&scratch);
    scratch_save(&scratch, inbox, dropped);
    g_assert_true(ims_store_delete_row(scratch.store, kept->id, NULL));
    g_assert_cmpuint(scratch_count(&scratch, inbox), ==, 1);
    ims_store_rollback(scratch.store);
    ims_store_rollback(scratch.store);
    g_assert_cmpuint(scratch_count(&scratch, inbox), ==, 1);

    scratch_open(&scratch);
    g_assert_cmpuint(scratch_count(&scratch, inbox), ==, 1);
}

static void
test_closing_rolls_back(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsRow) row = pair_new(1, 1);
    gint64 inbox;

    scratch_init(&scratch);
    scratch_open(&scratch);
    inbox = scratch_mailbox(&scratch, "INBOX");
    scratch_begin(&scratch);
    scratch_save(&scratch, inbox, row);

    scratch_open(&scratch);
    g_assert_cmpuint(scratch_count(&scratch, inbox), ==, 0);
}

static void
test_no_transaction(void)
{
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsRow) row = pair_new(1, 1);
    GError *error = NULL;
    gint64 inbox;

    scratch_init(&scratch);
    scratch_open(&scratch);
    inbox = scratch_mailbox(&scratch, "INBOX");

    g_assert_false(ims_store_save_row(scratch.store, inbox, row, &error));
    scratch_assert_refused(g_steal_pointer(&error), "no open transaction");
    g_assert_cmpint(row->id, ==, 0);
    g_assert_false(ims_store_commit(scratch.store, &error));
    scratch_assert_refused(g_steal_pointer(&error), "no open transaction");

    scratch_begin(&scratch);
    g_assert_false(ims_store_begin(scratch.store, &error));
    scratch_assert_refused(g_steal_pointer(&error), "transaction");
}

static gboolean
burn(gpointer data)
{
    guint *commits_left = data;

    return (*commits_left)-- > 0;
}

static void
test_fuse(void)
{
    g_auto(Scratch) scratch = {0};
    GError *error = NULL;
    guint commits_left = 1;
    gint64 inbox;

    scratch_init(&scratch);
    scratch_open(&scratch);
    inbox = scratch_mailbox(&scratch, "INBOX");
    ims_store_set_fuse(scratch.store, burn, &commits_left);
    for (guint32 uid = 1; uid <= 2; uid++) {
        g_autoptr(ImsRow) row = pair_new(uid, uid);

        scratch_begin(&scratch);
        scratch_save(&scratch, inbox, row);
        if (uid == 1)
            scratch_commit(&scratch);
    }
    g_assert_false(ims_store_commit(scratch.store, &error));
    scratch_assert_refused(error, "fuse");
    g_assert_cmpuint(scratch_count(&scratch, inbox), ==, 1);

    ims_store_set_fuse(scratch.store, NULL, NULL);
    scratch_begin(&scratch);
    scratch_commit(&scratch);
}

/* One of each kind of thing. */
static void
fill(Scratch *scratch)
{
    gint64 inbox = scratch_mailbox(scratch, "INBOX");
    g_autoptr(ImsRow) row = pair_new(1, 1);
    g_autoptr(ImsIntent) intent = ims_intent_new();
    g_autoptr(ImsIssue) issue = ims_issue_new(IMS_ISSUE_NAME, "a/b", IMS_REMOTE);

    intent->mailbox = inbox;
    scratch_begin(scratch);
    scratch_save(scratch, inbox, row);
    g_assert_true(ims_store_save_intent(scratch->store, intent, NULL));
    g_assert_true(ims_store_raise(scratch->store, issue, NULL));
    g_assert_true(ims_store_log_deletions(scratch->store, inbox, 7, 1000, NULL));
    scratch_commit(scratch);
}

/* Whether fill() is still there, all of it or nothing. */
static gboolean
is_filled(Scratch *scratch)
{
    g_autoptr(GPtrArray) mailboxes = ims_store_mailboxes(scratch->store, NULL);
    g_autoptr(GPtrArray) intents = ims_store_intents(scratch->store, NULL);
    g_autoptr(GPtrArray) issues = ims_store_issues(scratch->store, NULL);
    guint64 n_pairs = G_MAXUINT64;

    g_assert_true(ims_store_count_pairs(scratch->store, &n_pairs, NULL));
    g_assert_cmpuint(mailboxes->len, ==, n_pairs);
    g_assert_cmpuint(intents->len, ==, n_pairs);
    g_assert_cmpuint(issues->len, ==, n_pairs);
    return n_pairs == 1;
}

typedef struct {
    const char *name, *local, *remote;
    gboolean kept;
} IdentityCase;

static const IdentityCase identity_cases[] = {
    {"same", "here", "there", TRUE},
    {"other local", "HERE", "there", FALSE},
    {"other remote", "here", "elsewhere", FALSE},
    {"changed places", "there", "here", FALSE},
};

static void
test_identity(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(identity_cases); i++) {
        const IdentityCase *c = &identity_cases[i];
        g_auto(Scratch) scratch = {0};
        guint64 n_deletions = 0;

        g_test_message("%s", c->name);
        scratch_init(&scratch);
        scratch_open_as(&scratch, "here", "there");
        fill(&scratch);
        g_assert_true(is_filled(&scratch));

        scratch_open_as(&scratch, c->local, c->remote);
        g_assert_cmpint(is_filled(&scratch), ==, c->kept);
        g_assert_true(ims_store_count_deletions(scratch.store, 0, 0, &n_deletions, NULL));
        g_assert_cmpuint(n_deletions, ==, 7);

        scratch_open_as(&scratch, c->local, c->remote);
        g_assert_cmpint(is_filled(&scratch), ==, c->kept);
    }
}

static void
assert_offers(Scratch *scratch, const char *before, const char *after)
{
    g_auto(ImsOffers) offers = {0};

    g_assert_true(ims_store_offers(scratch->store, IMS_REMOTE, &offers, NULL));
    g_assert_cmpstr(offers.before, ==, before);
    g_assert_cmpstr(offers.after, ==, after);
}

static void
save_offers(Scratch *scratch, const ImsOffers *offers)
{
    scratch_begin(scratch);
    g_assert_true(ims_store_save_offers(scratch->store, IMS_REMOTE, offers, NULL));
    scratch_commit(scratch);
}

static void
test_offers(void)
{
    const ImsOffers offers = {(char *)"IMAP4REV1 AUTH=PLAIN", (char *)"IMAP4REV1 QRESYNC"};
    const ImsOffers none = {0};
    g_auto(Scratch) scratch = {0};

    scratch_init(&scratch);
    scratch_open_as(&scratch, "here", "there");
    assert_offers(&scratch, NULL, NULL);
    save_offers(&scratch, &offers);
    scratch_open_as(&scratch, "here", "there");
    assert_offers(&scratch, offers.before, offers.after);
    save_offers(&scratch, &none);
    assert_offers(&scratch, NULL, NULL);

    save_offers(&scratch, &offers);
    scratch_open_as(&scratch, "here", "elsewhere");
    assert_offers(&scratch, NULL, NULL);
}

static void
test_offers_damaged(void)
{
    g_auto(Scratch) scratch = {0};
    g_auto(ImsOffers) offers = {0};
    GError *error = NULL;

    scratch_init(&scratch);
    scratch_open(&scratch);
    scratch_close(&scratch);
    scratch_alter(&scratch, "UPDATE side SET offered = 'IMAP4REV1'");
    scratch_open(&scratch);
    g_assert_false(ims_store_offers(scratch.store, IMS_REMOTE, &offers, &error));
    scratch_assert_refused(g_steal_pointer(&error), "damaged");
    g_assert_null(offers.before);
}

/* Lets no file of this process grow past its size and a little more; 0 lifts the limit again. */
static void
limit_files(Scratch *scratch, guint64 more)
{
    g_autofree char *log = g_strconcat(scratch->path, "-wal", NULL);
    struct rlimit limit;
    GStatBuf st;

    g_assert_cmpint(g_stat(log, &st), ==, 0);
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    limit.rlim_cur = more != 0 ? (rlim_t)st.st_size + more : limit.rlim_max;
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
}

/* Saves rows until one is refused or there are @n of them. */
static gboolean
save_many(Scratch *scratch, gint64 mailbox, guint32 first, guint32 n)
{
    for (guint32 uid = first; uid < first + n; uid++) {
        g_autoptr(ImsRow) row = pair_new(uid, uid);

        if (!ims_store_save_row(scratch->store, mailbox, row, NULL))
            return FALSE;
    }
    return TRUE;
}

/* The commit is the first to write here: the transaction fits into memory. */
static void
test_commit_without_space(void)
{
    g_auto(Scratch) scratch = {0};
    GError *error = NULL;
    gint64 inbox;

    scratch_init(&scratch);
    scratch_open(&scratch);
    inbox = scratch_mailbox(&scratch, "INBOX");
    scratch_begin(&scratch);
    g_assert_true(save_many(&scratch, inbox, 1, 10));
    scratch_commit(&scratch);

    limit_files(&scratch, 4096);
    scratch_begin(&scratch);
    g_assert_true(save_many(&scratch, inbox, 11, 1000));
    g_assert_false(ims_store_commit(scratch.store, &error));
    scratch_assert_refused(error, "check the disk");
    g_assert_cmpuint(scratch_count(&scratch, inbox), ==, 10);

    limit_files(&scratch, 0);
    scratch_begin(&scratch);
    g_assert_true(save_many(&scratch, inbox, 11, 1000));
    scratch_commit(&scratch);
    scratch_open(&scratch);
    g_assert_cmpuint(scratch_count(&scratch, inbox), ==, 1010);
}

/* Saves rows of 100 kB each until one is refused or there are @n of them. */
static gboolean
save_large(Scratch *scratch, gint64 mailbox, guint32 n)
{
    gboolean saved = TRUE;

    for (guint32 uid = 1; uid <= n && saved; uid++) {
        g_autoptr(ImsRow) row = pair_new(uid, uid);

        row->detail = g_strnfill(100000, 'x');
        saved = ims_store_save_row(scratch->store, mailbox, row, NULL);
    }
    return saved;
}

/* The transaction is too large for memory: SQLite gives it up in the middle, and what the caller
 * saves after that must not be committed without what came before. */
static void
test_transaction_undone(void)
{
    g_auto(Scratch) scratch = {0};
    GError *error = NULL;
    gint64 inbox;

    scratch_init(&scratch);
    scratch_open(&scratch);
    inbox = scratch_mailbox(&scratch, "INBOX");

    limit_files(&scratch, 4096);
    scratch_begin(&scratch);
    g_assert_false(save_large(&scratch, inbox, 100));
    limit_files(&scratch, 0);
    g_assert_false(save_many(&scratch, inbox, 200000, 1));
    g_assert_false(ims_store_commit(scratch.store, &error));
    scratch_assert_refused(error, "undone");
    g_assert_cmpuint(scratch_count(&scratch, inbox), ==, 0);

    scratch_begin(&scratch);
    g_assert_true(save_many(&scratch, inbox, 1, 10));
    scratch_commit(&scratch);
    g_assert_cmpuint(scratch_count(&scratch, inbox), ==, 10);
}

enum { BATCH = 10 };

/* Commits batches for ever, and tells of each. */
static G_GNUC_NORETURN void
commit_until_killed(Scratch *scratch, int told)
{
    gint64 inbox;

    scratch_open(scratch);
    inbox = scratch_mailbox(scratch, "INBOX");
    for (guint32 first = 1;; first += BATCH) {
        scratch_begin(scratch);
        g_assert_true(save_many(scratch, inbox, first, BATCH));
        scratch_commit(scratch);
        if (write(told, "+", 1) != 1)
            _exit(1);
    }
}

static void
assert_prefix(Scratch *scratch, guint n_told)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) mailboxes = NULL;
    g_autoptr(GPtrArray) rows = NULL;
    const ImsMailbox *inbox;

    scratch_open(scratch);
    mailboxes = ims_store_mailboxes(scratch->store, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(mailboxes->len, ==, 1);
    inbox = g_ptr_array_index(mailboxes, 0);
    rows = ims_store_rows_all(scratch->store, inbox->id, &error);
    g_assert_no_error(error);

    g_assert_cmpuint(rows->len % BATCH, ==, 0);
    g_assert_cmpuint(rows->len / BATCH, >=, n_told);
    for (guint i = 0; i < rows->len; i++) {
        const ImsRow *row = g_ptr_array_index(rows, i);

        g_assert_cmpuint(row->uid[IMS_LOCAL], ==, i + 1);
    }
    scratch_alter(scratch, "PRAGMA integrity_check");
}

static void
kill_after(guint n_commits)
{
    g_auto(Scratch) scratch = {0};
    int told[2], status = 0;
    pid_t child;
    char byte;

    scratch_init(&scratch);
    g_assert_cmpint(pipe(told), ==, 0);
    child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        close(told[0]);
        commit_until_killed(&scratch, told[1]);
    }
    close(told[1]);
    for (guint i = 0; i < n_commits; i++)
        g_assert_cmpint(read(told[0], &byte, 1), ==, 1);
    g_assert_cmpint(kill(child, SIGKILL), ==, 0);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFSIGNALED(status));
    close(told[0]);

    assert_prefix(&scratch, n_commits);
}

static void
test_killed(void)
{
    static const guint n_commits[] = {1, 7, 40, 100};

    for (gsize i = 0; i < G_N_ELEMENTS(n_commits); i++)
        kill_after(n_commits[i]);
}

/* What a dry store commits can be read back, and is gone when it is closed. */
static void
test_dry(void)
{
    static const char *const identity[] = {"local", "remote"};
    g_auto(Scratch) scratch = {0};
    g_autoptr(ImsRow) kept = pair_new(1, 1);
    g_autoptr(ImsRow) dry = pair_new(2, 2);
    g_autoptr(ImsRow) undone = pair_new(3, 3);
    gint64 inbox;

    scratch_init(&scratch);
    scratch_open_as(&scratch, identity[0], identity[1]);
    inbox = scratch_mailbox(&scratch, "INBOX");
    scratch_begin(&scratch);
    scratch_save(&scratch, inbox, kept);
    scratch_commit(&scratch);
    scratch_close(&scratch);

    scratch.store = ims_store_open_dry(scratch.path, identity, NULL);
    g_assert_nonnull(scratch.store);
    scratch_begin(&scratch);
    scratch_save(&scratch, inbox, dry);
    scratch_commit(&scratch);
    scratch_begin(&scratch);
    scratch_save(&scratch, inbox, undone);
    ims_store_rollback(scratch.store);
    g_assert_cmpuint(scratch_count(&scratch, inbox), ==, 2);
    scratch_close(&scratch);

    scratch_open_as(&scratch, identity[0], identity[1]);
    g_assert_cmpuint(scratch_count(&scratch, inbox), ==, 1);
}

static void
test_dry_makes_no_file(void)
{
    static const char *const identity[] = {"local", "remote"};
    g_auto(Scratch) scratch = {0};

    scratch_init(&scratch);
    scratch.store = ims_store_open_dry(scratch.path, identity, NULL);
    g_assert_nonnull(scratch.store);
    g_assert_cmpint(scratch_mailbox(&scratch, "INBOX"), !=, 0);
    scratch_close(&scratch);
    g_assert_false(g_file_test(scratch.path, G_FILE_TEST_EXISTS));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a write past the limit is to fail, not to kill */
    g_test_add_func("/state/store/rollback-leaves-no-trace", test_rollback);
    g_test_add_func("/state/store/closing-rolls-back", test_closing_rolls_back);
    g_test_add_func("/state/store/writing-needs-a-transaction", test_no_transaction);
    g_test_add_func("/state/store/blown-fuse-commits-nothing", test_fuse);
    g_test_add_func("/state/store/other-identity-drops-all-but-deletions", test_identity);
    g_test_add_func("/state/store/offers-are-of-one-server", test_offers);
    g_test_add_func("/state/store/half-offers-are-damage", test_offers_damaged);
    g_test_add_func(
        "/state/store/commit-without-space-loses-only-itself", test_commit_without_space);
    g_test_add_func("/state/store/undone-transaction-takes-no-more", test_transaction_undone);
    g_test_add_func("/state/store/killed-leaves-a-prefix", test_killed);
    g_test_add_func("/state/store/dry-store-forgets", test_dry);
    g_test_add_func("/state/store/dry-store-makes-no-file", test_dry_makes_no_file);
    return g_test_run();
}
