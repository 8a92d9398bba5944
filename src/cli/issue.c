/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright the imapsyncd authors */

/* What the service holds back, in sentences. Each kind has two: what is the matter, and what ends
 * it. A mailbox's name comes from the service as the server gave it, and is escaped here; a
 * server's words come escaped. */

#include "cli/issue.h"

#include <glib/gi18n.h>
#include <inttypes.h>
#include <string.h>

#include "cli/show.h"
#include "util/log.h"

typedef struct {
    const char *account, *kind, *mailbox, *detail;
    const char *side, *other; /* for people */
    guint64 id, count, since;
    GVariant *dict; /* all of it */
} Issue;

static Issue
read_issue(const char *account, GVariant *dict)
{
    Issue issue = {
        .account = account, .kind = "", .mailbox = "", .detail = "", .side = "", .dict = dict};

    g_variant_lookup(dict, "id", "t", &issue.id);
    g_variant_lookup(dict, "kind", "&s", &issue.kind);
    g_variant_lookup(dict, "mailbox", "&s", &issue.mailbox);
    g_variant_lookup(dict, "detail", "&s", &issue.detail);
    g_variant_lookup(dict, "side", "&s", &issue.side);
    g_variant_lookup(dict, "count", "t", &issue.count);
    g_variant_lookup(dict, "since", "t", &issue.since);

    if (g_str_equal(issue.side, "remote")) {
        issue.side = _("remote");
        issue.other = _("local");
    } else {
        issue.side = _("local");
        issue.other = _("remote");
    }

    return issue;
}

static void
add_needs_adoption(GString *text, const Issue *issue)
{
    g_string_append_printf(
        text,
        _("“%s” has mail on both sides, and it is not known which messages are the same. It is "
          "left "
          "alone."),
        issue->mailbox);
    g_string_append(text, "\n  → ");
    g_string_append(text, _("empty or remove this mailbox on one side, then sync again"));
}

static void
add_vanished(GString *text, const Issue *issue)
{
    g_string_append_printf(
        text,
        _("“%s” is gone from the %s side. Nothing was removed on the %s side."),
        issue->mailbox,
        issue->side,
        issue->other);
    g_string_append(text, "\n  → ");
    g_string_append_printf(
        text, _("if it is not wanted any more, remove it on the %s side too"), issue->other);
}

/* Without a mailbox it is about the account as a whole. */
static void
add_deletions(GString *text, const Issue *issue)
{
    if (*issue->mailbox == '\0')
        g_string_append_printf(
            text,
            ngettext(
                "%" PRIu64 " message is gone from the %s side. It was not removed on the %s side.",
                "%" PRIu64
                " messages, of all mailboxes together, are gone from the %s side. They were not "
                "removed on the %s side.",
                (gulong)issue->count),
            issue->count,
            issue->side,
            issue->other);
    else
        g_string_append_printf(
            text,
            ngettext(
                "%" PRIu64
                " message of “%s” is gone from the %s side. It was not removed on the %s side.",
                "%" PRIu64
                " messages of “%s” are gone from the %s side. They were not removed on the %s "
                "side.",
                (gulong)issue->count),
            issue->count,
            issue->mailbox,
            issue->side,
            issue->other);
    g_string_append(text, "\n  → ");
    g_string_append_printf(
        text,
        _("if this is meant: \"imapsyncctl sync %s --max-deletions %" PRIu64 "\""),
        issue->account,
        issue->count);
}

static void
add_refused(GString *text, const Issue *issue)
{
    g_string_append_printf(
        text,
        ngettext(
            "The %s side refused %" PRIu64 " message of “%s”; it stays on the %s side.",
            "The %s side refused %" PRIu64 " messages of “%s”; they stay on the %s side.",
            (gulong)issue->count),
        issue->side,
        issue->count,
        issue->mailbox,
        issue->other);
    g_string_append(text, "\n  → ");
    g_string_append(
        text, _("nothing is lost; a size limit or a damaged message is the usual reason"));
}

static void
add_failed(GString *text, const Issue *issue)
{
    g_string_append_printf(
        text,
        _("The %s side fails with “%s”: the mailbox, or a message of it, cannot be made, opened, "
          "read or stored there now."),
        issue->side,
        issue->mailbox);
    g_string_append(text, "\n  → ");
    g_string_append(text, _("act on the server's words, then sync again"));
}

static void
add_name(GString *text, const Issue *issue)
{
    g_string_append_printf(
        text,
        _("The %s side cannot hold a mailbox with the name “%s”."),
        issue->side,
        issue->mailbox);
    g_string_append(text, "\n  → ");
    g_string_append_printf(text, _("rename it on the %s side"), issue->other);
}

static void
add_read_only(GString *text, const Issue *issue)
{
    g_string_append_printf(
        text,
        _("“%s” may only be read on the %s side. Flags that were changed on the %s side wait."),
        issue->mailbox,
        issue->side,
        issue->other);
    g_string_append(text, "\n  → ");
    g_string_append_printf(
        text, _("see that it may be written on the %s side; they are carried then"), issue->side);
}

static const char *
reason_words(const char *reason)
{
    static const struct {
        const char *reason, *words;
    } table[] = {
        {"unknown-authority", N_("it is signed by an authority that is not trusted here")},
        {"wrong-name", N_("it was issued for another name")},
        {"not-yet-valid", N_("it is not valid yet")},
        {"expired", N_("it has expired")},
        {"revoked", N_("it has been revoked")},
        {"insecure", N_("it uses an algorithm that is no longer secure")},
        {"unverifiable", N_("it could not be checked")},
        {"not-pinned", N_("its key is none of those that tls-pin names")},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        if (g_str_equal(reason, table[i].reason))
            return _(table[i].words);
    }
    return reason;
}

static void
add_reasons(GString *text, GVariant *dict)
{
    g_autofree const char **reasons = NULL;

    if (!g_variant_lookup(dict, "reasons", "^a&s", &reasons))
        return;
    for (const char **reason = reasons; *reason != NULL; reason++)
        g_string_append_printf(text, "\n  - %s", reason_words(*reason));
}

static void
add_pem(GString *text, const char *pem)
{
    g_auto(GStrv) lines = g_strsplit(pem, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        if (**line != '\0')
            g_string_append_printf(text, "\n  %s", *line);
    }
}

static void
add_certificate(GString *text, const Issue *issue)
{
    const char *subject = "", *issuer = "", *pin = "", *pem = "";
    guint64 not_before = 0, not_after = 0;
    g_autofree char *from = NULL, *to = NULL;

    g_variant_lookup(issue->dict, "subject", "&s", &subject);
    g_variant_lookup(issue->dict, "issuer", "&s", &issuer);
    g_variant_lookup(issue->dict, "pin", "&s", &pin);
    g_variant_lookup(issue->dict, "pem", "&s", &pem);
    g_variant_lookup(issue->dict, "not-before", "t", &not_before);
    g_variant_lookup(issue->dict, "not-after", "t", &not_after);
    from = ims_show_time(not_before);
    to = ims_show_time(not_after);

    g_string_append_printf(
        text,
        _("The certificate of the %s server was rejected, and nothing was sent there:"),
        issue->side);
    add_reasons(text, issue->dict);
    g_string_append_printf(text, _("\n  it is for %s\n  signed by %s"), subject, issuer);
    g_string_append_printf(text, _("\n  valid from %s to %s"), from, to);
    g_string_append_printf(text, _("\n  its key, as tls-pin has it: %s"), pin);
    add_pem(text, pem);
    g_string_append(text, "\n  → ");
    g_string_append_printf(
        text,
        _("if somebody you trust has told you that this is the server's key: \"imapsyncctl resolve "
          "%s %" PRIu64 " pin\""),
        issue->account,
        issue->id);
}

static void
add_alert(GString *text, const Issue *issue)
{
    g_string_append_printf(
        text, _("The server of the %s side wants you to read this:"), issue->side);
    g_string_append(text, "\n  → ");
    g_string_append(text, _("it goes a day after it came, once the server says it no more"));
}

static void
add_other(GString *text, const Issue *issue)
{
    g_string_append_printf(
        text,
        _("“%s”: %s, on the %s side. This program is older than the service and knows no more."),
        issue->mailbox,
        issue->kind,
        issue->side);
}

static void
add_sentences(GString *text, const Issue *issue)
{
    static const struct {
        const char *kind;
        void (*add)(GString *text, const Issue *issue);
    } kinds[] = {
        {"needs-adoption", add_needs_adoption},
        {"mailbox-vanished", add_vanished},
        {"deletions", add_deletions},
        {"refused", add_refused},
        {"mailbox-failed", add_failed},
        {"name", add_name},
        {"read-only", add_read_only},
        {"alert", add_alert},
        {"certificate", add_certificate},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (g_str_equal(issue->kind, kinds[i].kind)) {
            kinds[i].add(text, issue);
            return;
        }
    }
    add_other(text, issue);
}

char *
ims_issue_text(const char *account, GVariant *dict)
{
    Issue issue = read_issue(account, dict);
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *since = ims_show_time(issue.since);
    g_autofree char *mailbox = ims_text_escape(issue.mailbox, strlen(issue.mailbox));

    issue.mailbox = mailbox;
    g_string_append_printf(text, "%s: ", account);
    add_sentences(text, &issue);
    if (*issue.detail != '\0')
        g_string_append_printf(text, _("\n  the server said: %s"), issue.detail);
    g_string_append_printf(text, _("\n  since %s\n"), since);

    return g_string_free(g_steal_pointer(&text), FALSE);
}
