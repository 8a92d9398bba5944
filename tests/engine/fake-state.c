/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* The mail of the fake server, and what a test may do to it as another client. */

#include "fake-private.h"

#include <string.h>

static void
message_free(gpointer data)
{
    FakeMessage *message = data;

    ims_flags_clear(&message->flags);
    g_bytes_unref(message->body);
    g_free(message);
}

static gpointer
message_copy(gconstpointer data, gpointer unused)
{
    const FakeMessage *message = data;
    FakeMessage *copy = g_new(FakeMessage, 1);

    *copy = *message;
    copy->flags = ims_flags_copy(&message->flags);
    g_bytes_ref(copy->body);
    return copy;
}

static void
mailbox_free(gpointer data)
{
    FakeMailbox *mailbox = data;

    g_free(mailbox->name);
    g_free(mailbox->id);
    g_ptr_array_unref(mailbox->messages);
    g_array_unref(mailbox->expunged);
    g_free(mailbox);
}

static gpointer
mailbox_copy(gconstpointer data, gpointer unused)
{
    const FakeMailbox *mailbox = data;
    FakeMailbox *copy = g_new(FakeMailbox, 1);

    *copy = *mailbox;
    copy->name = g_strdup(mailbox->name);
    copy->id = g_strdup(mailbox->id);
    copy->messages = g_ptr_array_copy(mailbox->messages, message_copy, NULL);
    g_ptr_array_set_free_func(copy->messages, message_free);
    copy->expunged = g_array_copy(mailbox->expunged);
    return copy;
}

FakeSnapshot *
fake_state_new(void)
{
    FakeSnapshot *self = g_new0(FakeSnapshot, 1);

    self->mailboxes = g_ptr_array_new_with_free_func(mailbox_free);
    self->subscribed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->last_uidvalidity = 1000;
    return self;
}

void
fake_snapshot_free(FakeSnapshot *self)
{
    if (self == NULL)
        return;

    g_ptr_array_unref(self->mailboxes);
    g_hash_table_unref(self->subscribed);
    g_free(self);
}

static FakeSnapshot *
snapshot_copy(const FakeSnapshot *self)
{
    FakeSnapshot *copy = fake_state_new();
    GHashTableIter iter;
    gpointer name;

    g_ptr_array_extend(copy->mailboxes, self->mailboxes, mailbox_copy, NULL);
    g_hash_table_iter_init(&iter, self->subscribed);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        g_hash_table_add(copy->subscribed, g_strdup(name));
    copy->last_uidvalidity = self->last_uidvalidity;
    return copy;
}

FakeMailbox *
fake_state_mailbox(FakeSnapshot *self, const char *name)
{
    for (guint i = 0; i < self->mailboxes->len; i++) {
        FakeMailbox *mailbox = g_ptr_array_index(self->mailboxes, i);

        if (g_str_equal(mailbox->name, name))
            return mailbox;
    }
    return NULL;
}

FakeMailbox *
fake_state_create(FakeSnapshot *self, const char *name)
{
    FakeMailbox *mailbox = g_new0(FakeMailbox, 1);

    mailbox->name = g_strdup(name);
    mailbox->uidvalidity = ++self->last_uidvalidity;
    mailbox->id = g_strdup_printf("id%u", mailbox->uidvalidity);
    mailbox->uidnext = 1;
    mailbox->modseq = 1;
    mailbox->messages = g_ptr_array_new_with_free_func(message_free);
    mailbox->expunged = g_array_new(FALSE, FALSE, sizeof(FakeExpunge));
    g_ptr_array_add(self->mailboxes, mailbox);
    return mailbox;
}

void
fake_state_delete(FakeSnapshot *self, const char *name)
{
    FakeMailbox *mailbox = fake_state_mailbox(self, name);

    g_assert_nonnull(mailbox);
    g_ptr_array_remove(self->mailboxes, mailbox);
}

void
fake_state_rename(FakeSnapshot *self, const char *from, const char *to, char delimiter)
{
    gsize len = strlen(from);

    for (guint i = 0; i < self->mailboxes->len; i++) {
        FakeMailbox *mailbox = g_ptr_array_index(self->mailboxes, i);
        const char *rest = mailbox->name + len;
        char *name;

        if (!g_str_has_prefix(mailbox->name, from) || (*rest != '\0' && *rest != delimiter))
            continue;
        name = g_strconcat(to, rest, NULL);
        g_free(mailbox->name);
        mailbox->name = name;
    }
}

FakeMessage *
fake_mailbox_add(FakeMailbox *self, GBytes *body, ImsFlags flags, gint64 date)
{
    FakeMessage *message = g_new0(FakeMessage, 1);

    message->uid = self->uidnext++;
    message->modseq = ++self->modseq;
    message->flags = flags;
    message->date = date;
    message->body = g_bytes_ref(body);
    g_ptr_array_add(self->messages, message);
    return message;
}

FakeMessage *
fake_mailbox_message(const FakeMailbox *self, guint32 uid)
{
    guint low = 0;
    guint high = self->messages->len;

    while (low < high) {
        guint middle = (low + high) / 2;
        FakeMessage *message = g_ptr_array_index(self->messages, middle);

        if (message->uid == uid)
            return message;
        if (message->uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void
fake_mailbox_expunge(FakeMailbox *self, guint32 uid)
{
    FakeExpunge expunge = {uid, ++self->modseq};

    g_array_append_val(self->expunged, expunge);
    g_ptr_array_remove(self->messages, fake_mailbox_message(self, uid));
}

void
fake_mailbox_set_flags(FakeMailbox *self, FakeMessage *message, ImsFlags flags)
{
    if (!ims_flags_equal(&message->flags, &flags))
        message->modseq = ++self->modseq;
    ims_flags_clear(&message->flags);
    message->flags = flags;
}

/* -- the test's side; from here on every function takes the mutex -- */

static ImsFlags
parse_key(const char *key)
{
    ImsFlags flags = {0};

    if (key != NULL)
        g_assert_true(ims_flags_from_key(key, &flags));
    return flags;
}

/* Returns: (transfer none): the mailbox, which must be there. */
static FakeMailbox *
the_mailbox(FakeServer *self, const char *name)
{
    FakeMailbox *mailbox = fake_state_mailbox(self->state, name);

    g_assert_nonnull(mailbox);
    return mailbox;
}

static FakeMessage *
the_message(FakeServer *self, const char *mailbox, guint32 uid)
{
    FakeMessage *message = fake_mailbox_message(the_mailbox(self, mailbox), uid);

    g_assert_nonnull(message);
    return message;
}

guint32
fake_add(FakeServer *self, const char *mailbox, const char *body, const char *flags, gint64 date)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);
    g_autoptr(GBytes) bytes = g_bytes_new(body, strlen(body));

    return fake_mailbox_add(the_mailbox(self, mailbox), bytes, parse_key(flags), date)->uid;
}

void
fake_set_flags(FakeServer *self, const char *mailbox, guint32 uid, const char *flags)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);

    fake_mailbox_set_flags(
        the_mailbox(self, mailbox), the_message(self, mailbox, uid), parse_key(flags));
}

void
fake_expunge(FakeServer *self, const char *mailbox, guint32 uid)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);

    the_message(self, mailbox, uid);
    fake_mailbox_expunge(the_mailbox(self, mailbox), uid);
}

guint32
fake_move(FakeServer *self, const char *from, guint32 uid, const char *to)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);
    FakeMessage *message = the_message(self, from, uid);
    FakeMessage *moved = fake_mailbox_add(
        the_mailbox(self, to), message->body, ims_flags_copy(&message->flags), message->date);

    fake_mailbox_expunge(the_mailbox(self, from), uid);
    return moved->uid;
}

void
fake_create(FakeServer *self, const char *mailbox)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);

    g_assert_null(fake_state_mailbox(self->state, mailbox));
    fake_state_create(self->state, mailbox);
}

void
fake_delete(FakeServer *self, const char *mailbox)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);

    fake_state_delete(self->state, mailbox);
}

void
fake_rename(FakeServer *self, const char *from, const char *to)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);

    g_assert_null(fake_state_mailbox(self->state, to));
    fake_state_rename(self->state, from, to, self->delimiter);
}

void
fake_set_uidvalidity(FakeServer *self, const char *mailbox, guint32 uidvalidity)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);
    FakeMailbox *box = the_mailbox(self, mailbox);

    box->uidvalidity = uidvalidity;
    box->uidnext = 1;
    box->modseq++;
    g_array_set_size(box->expunged, 0);
    for (guint i = 0; i < box->messages->len; i++) {
        FakeMessage *message = g_ptr_array_index(box->messages, i);

        message->uid = box->uidnext++;
        message->modseq = box->modseq;
    }
}

void
fake_set_last(FakeServer *self, const char *mailbox, guint32 uidnext, guint64 modseq)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);
    FakeMailbox *box = the_mailbox(self, mailbox);

    box->uidnext = uidnext;
    box->modseq = modseq;
}

void
fake_subscribe(FakeServer *self, const char *mailbox)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);

    g_hash_table_add(self->state->subscribed, g_strdup(mailbox));
}

void
fake_unsubscribe(FakeServer *self, const char *mailbox)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);

    g_hash_table_remove(self->state->subscribed, mailbox);
}

void
fake_set_namespaces(FakeServer *self, const char *personal, const char *shared)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);

    g_free(self->personal);
    g_free(self->shared);
    self->personal = g_strdup(personal);
    self->shared = g_strdup(shared);
}

void
fake_lose_modseqs(FakeServer *self, const char *mailbox)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);
    FakeMailbox *box = the_mailbox(self, mailbox);

    box->modseq = 1;
    g_array_set_size(box->expunged, 0);
    for (guint i = 0; i < box->messages->len; i++)
        ((FakeMessage *)g_ptr_array_index(box->messages, i))->modseq = 1;
}

void
fake_forget_expunges(FakeServer *self, const char *mailbox)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);
    FakeMailbox *box = the_mailbox(self, mailbox);

    box->forgotten = box->modseq;
    g_array_set_size(box->expunged, 0);
}

static int
compare_strings(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *
describe_message(const FakeMessage *message)
{
    g_autofree char *sum = g_compute_checksum_for_bytes(G_CHECKSUM_SHA1, message->body);
    g_autofree char *key = ims_flags_to_key(&message->flags);
    g_autofree char *flags = g_ascii_strdown(key, -1);

    return g_strdup_printf("  %.12s %" G_GINT64_FORMAT " %s", sum, message->date, flags);
}

/* Returns: (transfer full): the name, and a line for each message. */
static char *
describe_mailbox(const FakeMailbox *mailbox, const char *spelling, char delimiter)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *name = g_strdelimit(g_strdup(spelling), (char[]){delimiter, '\0'}, '/');
    g_autofree char *all = NULL;

    for (guint i = 0; i < mailbox->messages->len; i++)
        g_ptr_array_add(lines, describe_message(g_ptr_array_index(mailbox->messages, i)));
    g_ptr_array_sort(lines, compare_strings);
    g_ptr_array_add(lines, NULL);
    all = g_strjoinv("\n", (char **)lines->pdata);
    return g_strconcat(name, *all != '\0' ? "\n" : "", all, NULL);
}

char *
fake_dump(FakeServer *self)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < self->state->mailboxes->len; i++) {
        const FakeMailbox *mailbox = g_ptr_array_index(self->state->mailboxes, i);
        const char *name = mailbox->name;

        if (self->shared != NULL && g_str_has_prefix(name, self->shared))
            continue;
        if (g_str_has_prefix(name, self->personal))
            name += strlen(self->personal);
        g_ptr_array_add(parts, describe_mailbox(mailbox, name, self->delimiter));
    }
    g_ptr_array_sort(parts, compare_strings);
    g_ptr_array_add(parts, g_strdup(""));
    g_ptr_array_add(parts, NULL);
    return g_strjoinv("\n", (char **)parts->pdata);
}

gboolean
fake_exists(FakeServer *self, const char *mailbox)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);

    return fake_state_mailbox(self->state, mailbox) != NULL;
}

gboolean
fake_is_subscribed(FakeServer *self, const char *mailbox)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);

    return g_hash_table_contains(self->state->subscribed, mailbox);
}

guint
fake_count(FakeServer *self, const char *mailbox)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);

    return the_mailbox(self, mailbox)->messages->len;
}

guint32
fake_find(FakeServer *self, const char *mailbox, const char *marker)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);
    FakeMailbox *box = the_mailbox(self, mailbox);

    for (guint i = 0; i < box->messages->len; i++) {
        FakeMessage *message = g_ptr_array_index(box->messages, i);
        gsize len;
        const char *text = g_bytes_get_data(message->body, &len);

        if (memmem(text, len, marker, strlen(marker)) != NULL)
            return message->uid;
    }
    return 0;
}

char *
fake_flags(FakeServer *self, const char *mailbox, guint32 uid)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);

    return ims_flags_to_key(&the_message(self, mailbox, uid)->flags);
}

char *
fake_mail(const char *name)
{
    return g_strdup_printf(
        "From: %s@example.org\r\nTo: you@example.org\r\nSubject: about %s\r\n"
        "Date: Mon, 2 Nov 2020 10:00:00 +0000\r\nMessage-ID: <%s@example.org>\r\n\r\n"
        "This is %s.\r\n",
        name,
        name,
        name,
        name);
}

FakeSnapshot *
fake_snapshot(FakeServer *self)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);

    return snapshot_copy(self->state);
}

void
fake_restore(FakeServer *self, const FakeSnapshot *snapshot)
{
    g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&self->mutex);

    fake_snapshot_free(self->state);
    self->state = snapshot_copy(snapshot);
    self->generation++;
}
