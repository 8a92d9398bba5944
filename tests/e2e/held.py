#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""What only the user can decide is left alone and told as an issue; everything else goes on."""

import mail
from harness import Session, options, wait_for
from servers import SIZE_LIMIT, Dovecot
from tap import equal, holds, run

ENOUGH = 1000  # messages elsewhere, so that 30 deletions are few for the account


def issue(session, kind):
    """The one open issue, which has to be of this kind."""
    found = session.issues()
    equal([str(one["kind"]) for one in found], [kind], "the kinds of open issues")
    return found[0]


def told(session, kind, mailbox, **fields):
    one = issue(session, kind)
    equal(str(one["mailbox"]), mailbox, "its mailbox")
    for key, want in fields.items():
        equal(type(want)(one[key]), want, "its " + key)


def mail_on_both_sides_without_a_base_waits_for_adoption():
    with Session() as session:
        corpus = mail.Corpus(1)
        session.add()
        local, remote = session.local_connection(), session.remote_connection()
        mail.fill(local, "INBOX", corpus.messages(3))
        mail.fill(remote, "INBOX", corpus.messages(4))
        mail.create(remote, "Other")
        mail.fill(remote, "Other", corpus.messages(2))
        before = mail.contents(local, "INBOX"), mail.contents(remote, "INBOX")
        session.sync(result="partial")
        told(session, "needs-adoption", "INBOX")
        equal((mail.contents(local, "INBOX"), mail.contents(remote, "INBOX")), before, "INBOX")
        equal(mail.contents(local, "Other"), mail.contents(remote, "Other"), "Other")
        session.ctl("sync", "work", status=3)


def a_mailbox_made_anew_on_one_side_is_never_taken_for_the_old_one():
    with Session() as session:
        corpus = mail.Corpus(2)
        remote = session.remote_connection()
        mail.create(remote, "Box")
        mail.fill(remote, "Box", corpus.messages(5))
        session.add()
        session.sync()
        mail.delete(remote, "Box")
        mail.create(remote, "Box")
        mail.fill(remote, "Box", corpus.messages(5))
        local = session.local_connection()
        before = mail.contents(local, "Box"), mail.contents(remote, "Box")
        session.sync(result="partial")
        told(session, "needs-adoption", "Box")
        equal((mail.contents(local, "Box"), mail.contents(remote, "Box")), before, "Box")


def a_lost_state_file_costs_no_message():
    with Session() as session:
        mail.fill(session.remote_connection(), "INBOX", mail.Corpus(3).messages(5))
        session.add()
        session.sync()
        before = session.assert_equal()
        session.stop_daemon()
        for path in (session.top / "state").rglob("work.db*"):
            path.unlink()
        session.start_daemon()
        session.sync(result="partial")
        told(session, "needs-adoption", "INBOX")
        equal(session.snapshots(), [before, before], "both sides")


def fill_and_sync(session, number, elsewhere=0):
    remote = session.remote_connection()
    mail.fill(remote, "INBOX", mail.Corpus(4).messages(number))
    if elsewhere:
        corpus = mail.Corpus(9)
        mail.create(remote, "Else")
        mail.fill(remote, "Else", [corpus.small() for _ in range(elsewhere)])
    session.add()
    session.sync()
    mail.select(remote, "INBOX")
    return remote


def many_deletions_wait_until_they_are_let_through():
    with Session() as session:
        remote = fill_and_sync(session, 40, elsewhere=ENOUGH)
        mail.expunge(remote, *range(1, 31))
        mail.fill(remote, "INBOX", mail.Corpus(5).messages(1))
        for _ in range(2):
            session.sync(result="partial")
            told(session, "deletions", "INBOX", count=30, side="remote")
            equal(mail.select(session.local_connection(), "INBOX"), 41, "local messages")
        session.ctl("sync", "work", "--max-deletions", "30")
        equal(session.issues(), [], "open issues")
        equal(mail.count(session.assert_equal()), 11 + ENOUGH, "messages")


def what_waits_is_known_after_a_restart():
    with Session() as session:
        mail.expunge(fill_and_sync(session, 40, elsewhere=ENOUGH), *range(1, 31))
        session.sync(result="partial")
        issues, then = session.issues(), session.account_property("LastSuccess")
        names = {str(name) for name, _ in mailboxes(session)}
        session.stop_daemon()
        session.start_daemon()
        wait_for(session.issues, "the issues")
        equal(session.issues(), issues, "issues")
        equal(str(session.account_property("Attention")), "issues", "what is asked for")
        holds(0 < session.account_property("LastSuccess") <= then, "the last success is not known")
        equal({str(name) for name, _ in mailboxes(session)}, names, "mailboxes")
        session.sync(max_deletions=30)
        session.assert_equal()


def mailboxes(session):
    return session.account().ListMailboxes(options(), dbus_interface="org.imapsync1.Account")


def many_deletions_on_the_local_side_wait_too():
    with Session() as session:
        fill_and_sync(session, 40, elsewhere=ENOUGH)
        local = session.local_connection()
        mail.select(local, "INBOX")
        mail.expunge(local, *mail.uids(local)[:30])
        session.sync(result="partial")
        told(session, "deletions", "INBOX", count=30, side="local")
        equal(mail.select(session.remote_connection(), "INBOX"), 40, "remote messages")


def many_deletions_all_over_the_account_wait_as_one():
    with Session() as session:
        remote = fill_and_sync(session, 100, elsewhere=100)
        mail.expunge(remote, *range(1, 16))
        mail.select(remote, "Else")
        mail.expunge(remote, *range(1, 16))
        session.sync(result="partial")
        told(session, "deletions", "", count=30, side="remote")
        equal(mail.count(session.snapshots()[0]), 200, "local messages")


def few_deletions_do_not_wait():
    with Session() as session:
        mail.expunge(fill_and_sync(session, 40), *range(1, 21))
        session.sync()
        equal(mail.count(session.assert_equal()), 20, "messages")


def a_mailbox_emptied_on_one_side_is_not_emptied_on_the_other():
    with Session() as session:
        mail.expunge(fill_and_sync(session, 6), *range(1, 7))
        session.sync(result="partial")
        told(session, "deletions", "INBOX", count=6)
        equal(mail.select(session.local_connection(), "INBOX"), 6, "local messages")


def a_mailbox_that_vanished_is_left_alone_on_the_other_side():
    with Session() as session:
        remote = fill_and_sync(session, 3)
        mail.create(remote, "Gone")
        mail.fill(remote, "Gone", mail.Corpus(6).messages(4))
        session.sync()
        mail.delete(remote, "Gone")
        mail.fill(remote, "INBOX", mail.Corpus(7).messages(1))
        session.sync(result="partial")
        told(session, "mailbox-vanished", "Gone", side="remote")
        local = session.local_connection()
        equal(mail.count({"": mail.contents(local, "Gone")}), 4, "messages that stay")
        equal(mail.select(local, "INBOX"), 4, "messages in INBOX")
        holds("Gone" not in mail.names(session.remote_connection()), "it was made again")


def a_refused_message_is_told_and_not_tried_again():
    with Session() as session:
        limited = Dovecot(session.top, "limited", session.authority, session.spawn, SIZE_LIMIT)
        corpus = mail.Corpus(8)
        remote = session.remote_connection()
        mail.fill(remote, "INBOX", corpus.messages(3) + [corpus.large(200_000)])
        mail.fill(remote, "INBOX", corpus.messages(3))
        session.add(local=limited.settings("local"), password="\n".join([Dovecot.PASSWORD] * 2))
        session.sync(result="partial")
        told(session, "refused", "INBOX", count=1, side="local")
        equal(mail.select(limited.connect(), "INBOX"), 6, "messages that were taken")
        again = session.sync(result="partial")
        equal(again["copied-local"], 0, "messages copied again")
        holds(again["bytes-sent"] < 20_000, "it was sent again")
        mail.fill(remote, "INBOX", corpus.messages(1))
        equal(session.sync(result="partial")["copied-local"], 1, "messages copied then")
        told(session, "refused", "INBOX", count=1, side="local")


if __name__ == "__main__":
    run(
        "held",
        [
            mail_on_both_sides_without_a_base_waits_for_adoption,
            a_mailbox_made_anew_on_one_side_is_never_taken_for_the_old_one,
            a_lost_state_file_costs_no_message,
            many_deletions_wait_until_they_are_let_through,
            what_waits_is_known_after_a_restart,
            many_deletions_on_the_local_side_wait_too,
            many_deletions_all_over_the_account_wait_as_one,
            few_deletions_do_not_wait,
            a_mailbox_emptied_on_one_side_is_not_emptied_on_the_other,
            a_mailbox_that_vanished_is_left_alone_on_the_other_side,
            a_refused_message_is_told_and_not_tried_again,
        ],
    )
