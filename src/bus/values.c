/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors
 *
 * The dictionaries of the interface: which keys they have and of which types is written in
 * data/dbus/org.imapsync1.xml. */
#include "bus/values.h"

#include "bus/fault.h"

static int
append_nonzero(sd_bus_message *m, const ImsSummary *summary)
{
    int r = 0;

    for (ImsCount count = 0; r >= 0 && count < IMS_N_COUNTS; count++) {
        if (summary->n[count] != 0)
            r = sd_bus_message_append(m, "{sv}", ims_count_name(count), "t", summary->n[count]);
    }
    return r;
}

int
ims_values_append_summary(sd_bus_message *m, const ImsSummary *summary)
{
    int r = sd_bus_message_open_container(m, 'a', "{sv}");

    for (ImsCount count = 0; r >= 0 && count < IMS_N_COUNTS; count++)
        r = sd_bus_message_append(m, "{sv}", ims_count_name(count), "t", summary->n[count]);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

int
ims_values_append_counts(sd_bus_message *m, const ImsSummary *summary)
{
    int r = sd_bus_message_open_container(m, 'a', "{sv}");

    if (r >= 0)
        r = append_nonzero(m, summary);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Bytes tell more than messages, of which one may be as big as all others. */
static gboolean
progress_fraction(const ImsProgress *progress, double *out_fraction)
{
    guint64 done = progress->bytes_total > 0 ? progress->bytes_done : progress->messages_done;
    guint64 total = progress->bytes_total > 0 ? progress->bytes_total : progress->messages_total;

    if (total == 0)
        return FALSE;

    *out_fraction = MIN((double)done / (double)total, 1.0);
    return TRUE;
}

int
ims_values_append_progress(sd_bus_message *m, const ImsProgress *progress)
{
    double fraction;
    int r = sd_bus_message_open_container(m, 'a', "{sv}");

    if (r >= 0 && progress_fraction(progress, &fraction))
        r = sd_bus_message_append(m, "{sv}", "fraction", "d", fraction);
    if (r < 0)
        return r;

    /* clang-format off */
    r = sd_bus_message_append(
        m, "{sv}{sv}{sv}{sv}{sv}",
        "mailbox", "s", progress->mailbox,
        "messages-done", "t", progress->messages_done,
        "messages-total", "t", progress->messages_total,
        "bytes-done", "t", progress->bytes_done,
        "bytes-total", "t", progress->bytes_total);
    /* clang-format on */
    return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Opens `(sa{sv})` for the entries of one mailbox, or one side. */
static int
open_named(sd_bus_message *m, const char *name)
{
    int r = sd_bus_message_open_container(m, 'r', "sa{sv}");

    if (r >= 0)
        r = sd_bus_message_append(m, "s", name);
    return r < 0 ? r : sd_bus_message_open_container(m, 'a', "{sv}");
}

static int
close_named(sd_bus_message *m)
{
    int r = sd_bus_message_close_container(m);

    return r < 0 ? r : sd_bus_message_close_container(m);
}

int
ims_values_append_mailbox(sd_bus_message *m, const ImsMailboxReport *mailbox)
{
    int r = open_named(m, mailbox->name);

    if (r < 0)
        return r;

    /* clang-format off */
    r = sd_bus_message_append(
        m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}",
        "local", "b", mailbox->there[IMS_LOCAL],
        "remote", "b", mailbox->there[IMS_REMOTE],
        "subscribed", "b", mailbox->subscribed,
        "role", "s", mailbox->role,
        "messages", "t", mailbox->messages,
        "last-sync", "t", (guint64)mailbox->last_sync_us,
        "state", "s", ims_mailbox_state_name(mailbox->state));
    /* clang-format on */
    return r < 0 ? r : close_named(m);
}

int
ims_values_append_outcome(sd_bus_message *m, const ImsMailboxReport *mailbox)
{
    int r = open_named(m, mailbox->name);

    if (r >= 0)
        r = sd_bus_message_append(m, "{sv}", "state", "s", ims_mailbox_state_name(mailbox->state));
    if (r >= 0)
        r = append_nonzero(m, &mailbox->done);
    return r < 0 ? r : close_named(m);
}

static int
append_text(sd_bus_message *m, const char *key, const char *text)
{
    return text == NULL ? 0 : sd_bus_message_append(m, "{sv}", key, "s", text);
}

static int
append_number(sd_bus_message *m, const char *key, guint64 n)
{
    return n == 0 ? 0 : sd_bus_message_append(m, "{sv}", key, "t", n);
}

static int
append_words(sd_bus_message *m, const char *key, char **words)
{
    int r;

    if (words == NULL)
        return 0;
    r = sd_bus_message_open_container(m, 'e', "sv");
    if (r >= 0)
        r = sd_bus_message_append(m, "s", key);
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'v', "as");
    if (r >= 0)
        r = sd_bus_message_append_strv(m, words);
    if (r >= 0)
        r = sd_bus_message_close_container(m);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static int
append_link(sd_bus_message *m, const ImsFacts *facts)
{
    const struct {
        const char *key, *text;
    } texts[] = {
        {"host", facts->host},
        {"address", facts->address},
        {"program", facts->program},
        {"tls", facts->tls},
        {"cipher", facts->cipher},
        {"pin", facts->pin},
        {"subject", facts->subject},
    };
    int r = append_number(m, "port", facts->port);

    for (gsize i = 0; r >= 0 && i < G_N_ELEMENTS(texts); i++)
        r = append_text(m, texts[i].key, texts[i].text);
    return r < 0 ? r : append_number(m, "expires", (guint64)MAX(facts->expires_us, 0));
}

static int
append_login(sd_bus_message *m, const ImsFacts *facts)
{
    int r = append_text(m, "mechanism", facts->mechanism);

    if (r >= 0)
        r = append_text(m, "server", facts->server);
    if (r >= 0)
        r = append_words(m, "used", facts->used);
    if (r >= 0)
        r = append_words(m, "lacking", facts->lacking);
    return r < 0 ? r : append_words(m, "required", facts->required);
}

static int
append_listing(sd_bus_message *m, const ImsFacts *facts)
{
    if (!facts->listed)
        return 0;

    /* clang-format off */
    return sd_bus_message_append(
        m, "{sv}{sv}{sv}{sv}{sv}",
        "delimiter", "s", facts->delimiter,
        "prefix", "s", facts->prefix,
        "mailboxes", "t", facts->n_mailboxes,
        "filled", "t", facts->n_filled,
        "messages", "t", facts->n_messages);
    /* clang-format on */
}

static int
append_fact(sd_bus_message *m, const char *key, GVariant *value)
{
    g_autofree const char **words = NULL;

    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return append_text(m, key, g_variant_get_string(value, NULL));
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_UINT64))
        return sd_bus_message_append(m, "{sv}", key, "t", g_variant_get_uint64(value));
    words = g_variant_get_strv(value, NULL);
    return append_words(m, key, (char **)words);
}

static int
append_facts(sd_bus_message *m, const ImsIssue *issue)
{
    GVariantIter iter;
    const char *key;
    GVariant *value;
    int r = append_words(m, "actions", (char **)ims_issue_actions(issue->kind));

    if (r < 0 || issue->facts == NULL)
        return r;

    g_variant_iter_init(&iter, issue->facts);
    while (g_variant_iter_loop(&iter, "{&sv}", &key, &value) && r >= 0)
        r = append_fact(m, key, value);
    return r;
}

int
ims_values_append_facts(sd_bus_message *m, ImsSide side, const ImsFacts *facts)
{
    g_autofree char *message = ims_fault_message(facts->error);
    int r = open_named(m, ims_side_name(side));

    if (r >= 0)
        r = append_link(m, facts);
    if (r >= 0)
        r = append_login(m, facts);
    if (r >= 0)
        r = append_listing(m, facts);
    if (r >= 0)
        r = append_text(m, "error-name", ims_fault_name(facts->error));
    if (r >= 0)
        r = append_text(m, "error-message", message);
    return r < 0 ? r : close_named(m);
}

int
ims_values_append_issue(sd_bus_message *m, const ImsIssue *issue)
{
    int r = sd_bus_message_open_container(m, 'a', "{sv}");

    if (r < 0)
        return r;

    /* clang-format off */
    r = sd_bus_message_append(
        m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}",
        "id", "t", issue->id,
        "kind", "s", ims_issue_kind_name(issue->kind),
        "mailbox", "s", issue->mailbox,
        "side", "s", ims_side_name(issue->side),
        "count", "t", issue->count,
        "since", "t", (guint64)issue->since_us,
        "detail", "s", issue->detail);
    /* clang-format on */
    if (r >= 0)
        r = append_facts(m, issue);
    return r < 0 ? r : sd_bus_message_close_container(m);
}
