#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""The tree of mailboxes between servers that write it differently, and what is to be synced of it."""

import re

import mail
from harness import Session, options
from tap import equal, holds, run

MAILDIR = "mail_location = maildir:~/Maildir\nnamespace inbox {\n  separator = .\n}\n"
PREFIXED = MAILDIR + "namespace inbox {\n  prefix = INBOX.\n}\n"
SHARED = PREFIXED + (
    "namespace public {\n  type = public\n  separator = .\n  prefix = Public.\n"
    "  location = maildir:~/public\n  subscriptions = no\n  list = yes\n}\n"
)

HARD_NAMES = [
    "two words",
    'a "quoted" one',
    "back\\slash",
    "50% off",
    "%",
    "*",
    "a*b%c",
    "(round) [square] {5}",
    "& Co",
    "#hash",
    "\U0001f4ec post",
    "ä",  # composed
    "a\u0308",  # and decomposed: another one
    "spam\u202etxt",
    "NIL",
    "inbox2",
    "n" * 255,
    "INBOX/kid",
    "inboxes/INBOX",
]


def ours(name, prefix, delimiter):
    """A server's spelling as the other side has it."""
    name = name if name == "INBOX" else name.removeprefix(prefix)
    return name.replace(delimiter, "/")


def assert_alike(session, prefix, delimiter):
    local, remote = session.snapshots()
    remote = {ours(name, prefix, delimiter): held for name, held in remote.items()}
    lines = mail.differences(local, remote)
    holds(not lines, "the sides differ:\n" + "\n".join(lines[:20]))
    return local


def subscribed(conn):
    lines = mail.must(conn.lsub('""', '"*"'))
    return {re.search(rb'"?([^" ]+)"?$', line).group(1).decode() for line in lines if line}


def states(session, name="work"):
    proxy = session.account(name)
    listed = proxy.ListMailboxes(options(), dbus_interface="org.imapsync1.Account")
    return {str(box): str(fields["state"]) for box, fields in listed}


def configure(session, text, name="work"):
    with open(session.top / "config" / "imapsync" / f"{name}.conf", "a", encoding="utf-8") as file:
        file.write(text)


def tunnel(session, name):
    """The command of a server of its own."""
    store = session.top / name
    store.mkdir()
    (store / "conf").write_text(
        f"mail_location = mdbox:{store}/mail\nbase_dir = {store}\nlog_path = /dev/stderr\n"
        "namespace inbox {\n  inbox = yes\n  separator = /\n}\nfirst_valid_uid = 1\n"
    )
    return f"/usr/lib/dovecot/imap -c {store}/conf"


def dots_and_slashes():
    with Session(settings=MAILDIR) as session:
        corpus = mail.Corpus(31)
        remote = session.remote_connection()
        for name in ("Work.2020.May", "Projekte.Übersicht", "INBOX.kid"):
            mail.create(remote, name)
            mail.fill(remote, name, corpus.messages(2))
        session.add()
        session.sync()
        local = session.local_connection()
        mail.create(local, "Lists/a/b")
        mail.fill(local, "Lists/a/b", corpus.messages(2))
        session.sync()
        held = assert_alike(session, "", ".")
        equal(mail.count(held), 8, "messages")
        equal(session.steps(session.sync()), {}, "steps of another sync")


def a_namespace_with_a_prefix():
    with Session(settings=SHARED) as session:
        corpus = mail.Corpus(32)
        remote = session.remote_connection()
        mail.create(remote, "INBOX.Work.2020")
        mail.fill(remote, "INBOX.Work.2020", corpus.messages(2))
        mail.create(remote, "Public.news")
        mail.fill(remote, "Public.news", corpus.messages(1))
        session.add()
        session.sync()
        local = session.local_connection()
        equal(mail.names(local), {"INBOX", "Work/2020"}, "mailboxes of the local side")
        mail.create(local, "Private")
        mail.fill(local, "Private", corpus.messages(1))
        session.sync()
        holds("INBOX.Private" in mail.names(remote), "INBOX.Private was not made")
        equal(states(session)["/Public.news"], "excluded", "the state of the shared mailbox")
        equal(session.issues(), [], "issues")
        equal(session.steps(session.sync()), {}, "steps of another sync")


def hard_names_travel_both_ways():
    with Session() as session:
        session.add()
        session.sync()
        local, remote = session.local_connection(), session.remote_connection()
        corpus = mail.Corpus(33)
        for number, name in enumerate(HARD_NAMES):
            conn = (local, remote)[number % 2]
            mail.create(conn, name)
            mail.fill(conn, name, corpus.messages(1))
        session.sync()
        held = session.assert_equal()
        equal(set(held), {"INBOX", *HARD_NAMES}, "mailboxes")
        equal(mail.count(held), len(HARD_NAMES), "messages")
        equal(session.steps(session.sync()), {}, "steps of another sync")


def a_name_that_the_other_side_cannot_hold_is_an_issue():
    with Session(settings=MAILDIR) as session:
        session.add()
        session.sync()
        local = session.local_connection()
        mail.create(local, "v1.2")
        mail.fill(local, "v1.2", mail.Corpus(34).messages(1))
        session.sync(result="partial")
        found = [(str(i["kind"]), str(i["mailbox"]), str(i["side"])) for i in session.issues()]
        equal(found, [("name", "v1.2", "remote")], "issues")
        equal(session.steps(session.sync(result="partial")), {}, "steps of another sync")
        mail.delete(local, "v1.2")
        session.sync()
        equal(session.issues(), [], "issues at the end")


def what_a_name_holds_is_shown_escaped():
    with Session(settings=MAILDIR) as session:
        session.add()
        session.sync()
        mail.create(session.local_connection(), "a.\u202etxt")
        session.sync(result="partial")
        told = session.ctl("issues", "work", status=None).stdout
        holds("a.?txt" in told and "\u202e" not in told, f"not escaped: {told!r}")


def a_name_that_is_listed_and_not_there_holds_nothing():
    """Dovecot's Maildir lists what was deleted while a mailbox below it was not."""
    with Session(settings=MAILDIR) as session:
        corpus = mail.Corpus(37)
        remote = session.remote_connection()
        for name in ("D", "D.E"):
            mail.create(remote, name)
        mail.delete(remote, "D")
        holds("D" in mail.names(remote), "D is not listed any more: there is nothing to test")
        mail.fill(remote, "INBOX", corpus.messages(3))
        session.add()
        session.sync()
        local = session.local_connection()
        equal(mail.names(local), {"INBOX", "D/E"}, "mailboxes of the local side")
        equal(session.issues(), [], "issues")

        mail.select(remote, "INBOX")
        mail.expunge(remote, 1)
        session.sync()
        equal(mail.select(local, "INBOX"), 2, "messages")
        equal(session.steps(session.sync()), {}, "steps of another sync")

        mail.create(local, "D")
        mail.fill(local, "D", corpus.messages(1))
        session.sync()
        equal(mail.select(remote, "D"), 1, "messages of the one made again")
        equal(session.issues(), [], "issues")
        equal(session.steps(session.sync()), {}, "steps of another sync")


def subscriptions_follow_who_toggled():
    with Session(settings=PREFIXED) as session:
        remote = session.remote_connection()
        for name in ("A", "B"):
            mail.create(remote, "INBOX." + name)
        mail.must(remote.subscribe('"INBOX.A"'))
        session.add()
        session.sync()
        local = session.local_connection()
        equal(subscribed(local), {"A"}, "subscriptions of the local side")
        mail.must(local.unsubscribe('"A"'))
        mail.must(remote.subscribe('"INBOX.B"'))
        summary = session.sync()
        done = summary["subscriptions-local"], summary["subscriptions-remote"]
        equal(done, (1, 1), "subscriptions changed")
        equal(subscribed(local), {"B"}, "subscriptions of the local side")
        equal(subscribed(remote), {"INBOX.B"}, "subscriptions of the remote side")
        equal(session.steps(session.sync()), {}, "steps of another sync")


def patterns_say_what_is_synced():
    with Session() as session:
        corpus = mail.Corpus(35)
        remote = session.remote_connection()
        for name in ("Lists/a", "Lists/b", "Spam"):
            mail.create(remote, name)
            mail.fill(remote, name, corpus.messages(2))
        session.add()
        configure(session, "\n[account]\nmailboxes=*;!Lists/*;Lists/b\nignore=Spam\n")
        session.sync()
        local = session.local_connection()
        equal(mail.names(local), {"INBOX", "Lists/b"}, "mailboxes of the local side")
        equal(states(session)["Spam"], "excluded", "the state of Spam")
        told = session.ctl("sync", "work", "--mailbox", "Spam", status=1).stderr
        holds("ignore" in told, f"the key is not named: {told}")
        equal(session.steps(session.sync()), {}, "steps of another sync")
        path = session.top / "config" / "imapsync" / "work.conf"
        path.write_text(path.read_text().partition("[account]")[0])
        session.sync()
        session.assert_equal()


def two_accounts_share_a_local_server():
    with Session() as session:
        corpus = mail.Corpus(36)
        shared, other = tunnel(session, "shared"), tunnel(session, "other")
        remote, far = session.remote_connection(), session.local_command(other.split())
        for conn, name in ((remote, "A"), (far, "B/C")):
            mail.create(conn, name)
            mail.fill(conn, name, corpus.messages(2))
            mail.fill(conn, "INBOX", corpus.messages(3))
        beside = session.local_command(shared.split())
        mail.create(beside, "Mine")
        mail.fill(beside, "Mine", corpus.messages(1))
        place = ["local.type=tunnel", f"local.command={shared}"]
        session.add(local=[*place, "local.prefix=Work/"])
        words = [*place, "local.prefix=Home/", "remote.type=tunnel", f"remote.command={other}"]
        session.ctl("add", "home", *(word for setting in words for word in ("--set", setting)))
        for name in ("work", "home"):
            session.sync(name)
            equal(session.steps(session.sync(name)), {}, f"steps of another sync of {name}")
        want = {"INBOX", "Mine", "Work/INBOX", "Work/A", "Home/INBOX", "Home/B/C"}
        equal(mail.names(beside), want, "mailboxes of the local side")
        equal(mail.names(remote), {"INBOX", "A"}, "mailboxes of the first account")
        equal(mail.names(far), {"INBOX", "B/C"}, "mailboxes of the second account")
        mail.fill(beside, "Home/INBOX", corpus.messages(1))
        session.sync("home")
        equal(mail.select(far, "INBOX"), 4, "messages")
        equal(mail.select(remote, "INBOX"), 3, "messages")


if __name__ == "__main__":
    run(
        "tree",
        [
            dots_and_slashes,
            a_namespace_with_a_prefix,
            hard_names_travel_both_ways,
            a_name_that_the_other_side_cannot_hold_is_an_issue,
            what_a_name_holds_is_shown_escaped,
            a_name_that_is_listed_and_not_there_holds_nothing,
            subscriptions_follow_who_toggled,
            patterns_say_what_is_synced,
            two_accounts_share_a_local_server,
        ],
    )
