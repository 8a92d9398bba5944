#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Two sides become equal and stay so, whichever of them changes."""

import mail
from harness import Session
from tap import equal, holds, run


def fill_account(session, seed=1, each=15):
    """Mail of all kinds in the remote account's mailboxes."""
    corpus = mail.Corpus(seed)
    conn = session.remote_connection()
    for name in mail.MAILBOXES:
        if name != "INBOX":
            mail.create(conn, name)
        mail.fill(conn, name, corpus.messages(each))
    mail.fill(conn, "INBOX", [corpus.message("empty")])
    conn.logout()
    return corpus


def session_with(session, messages):
    """Syncs an account whose INBOX holds these, and connects to both sides."""
    remote = session.remote_connection()
    mail.fill(remote, "INBOX", messages)
    session.add()
    session.sync()
    return session.local_connection(), remote


def flags_of(conn, name, epoch):
    """The flags of the messages of a mailbox by their digests, if they have this date."""
    return {item[0]: item[1] for item in mail.contents(conn, name) if item[2] == epoch}


def the_first_sync_fills_an_empty_local_side():
    with Session() as session:
        fill_account(session)
        session.add()
        session.ctl("sync", "work")
        held = session.assert_equal()
        equal(mail.count(held), 15 * len(mail.MAILBOXES) + 1, "messages")
        equal(set(held), set(mail.MAILBOXES), "mailboxes")


def a_second_sync_does_nothing_and_opens_nothing():
    with Session() as session:
        fill_account(session)
        session.add()
        holds(session.sync()["copied-local"] > 0, "nothing was copied by the first")
        equal(session.steps(session.sync()), {}, "steps of the second")
        equal(session.stop_daemon(), 0, "exit status of the daemon")
        session.start_daemon()
        equal(session.steps(session.sync()), {}, "steps of the first after a restart")


def new_mail_travels_both_ways():
    with Session() as session:
        corpus = fill_account(session)
        session.add()
        session.sync()
        local, remote = session.local_connection(), session.remote_connection()
        mail.fill(local, "INBOX", [corpus.message("nested"), corpus.message("empty")])
        mail.fill(local, "日本語", [corpus.message()])
        mail.fill(remote, "INBOX", corpus.messages(4))
        summary = session.sync()
        equal((summary["copied-local"], summary["copied-remote"]), (4, 3), "copied")
        equal(mail.count(session.assert_equal()), 15 * len(mail.MAILBOXES) + 1 + 7, "messages")
        equal(session.steps(session.sync()), {}, "steps of another sync")


def flags_and_keywords_travel_both_ways():
    with Session() as session:
        corpus = mail.Corpus(2)
        local, remote = session_with(session, [corpus.small()._replace(epoch=10**9, flags=())])
        for conn in (local, remote):
            mail.select(conn, "INBOX")
        mail.store(local, 1, "+FLAGS", r"\Seen", "$Label1")
        mail.store(remote, 1, "+FLAGS", r"\Flagged", "Work")
        summary = session.sync()
        equal((summary["flags-local"], summary["flags-remote"]), (1, 1), "flag steps")
        for conn in (local, remote):
            got = list(flags_of(conn, "INBOX", 10**9).values())
            equal(got, [("$label1", r"\flagged", r"\seen", "work")], "flags")


def a_flag_taken_away_is_taken_away_on_the_other_side():
    with Session() as session:
        flags = (r"\Seen", r"\Flagged", "Work", "$Label1")
        message = mail.Corpus(3).small()._replace(epoch=10**9, flags=flags)
        local, remote = session_with(session, [message])
        for conn in (local, remote):
            mail.select(conn, "INBOX")
        mail.store(local, 1, "-FLAGS", r"\Seen", "Work")
        mail.store(remote, 1, "-FLAGS", r"\Flagged")
        session.sync()
        for conn in (local, remote):
            equal(list(flags_of(conn, "INBOX", 10**9).values()), [("$label1",)], "flags")


def an_expunge_on_either_side_is_one_on_both():
    with Session() as session:
        messages = mail.Corpus(4).messages(30)
        local, remote = session_with(session, messages)
        mail.select(local, "INBOX")
        mail.expunge(local, 3, 4)
        mail.select(remote, "INBOX")
        mail.expunge(remote, 4, 9)
        summary = session.sync()
        equal((summary["expunged-local"], summary["expunged-remote"]), (1, 1), "expunged")
        equal(mail.count(session.assert_equal()), 27, "messages")
        equal(session.steps(session.sync()), {}, "steps of another sync")


def a_deleted_flag_of_a_client_travels_and_expunges_nothing():
    with Session() as session:
        local, remote = session_with(session, mail.Corpus(6).messages(3))
        mail.select(local, "INBOX")
        mail.store(local, 2, "+FLAGS", r"\Deleted")
        session.sync()
        mail.select(remote, "INBOX")
        equal(mail.uids(remote, "DELETED"), [2], "UIDs that are marked on the remote side")
        equal(mail.count(session.assert_equal()), 3, "messages")


def a_mailbox_of_either_side_is_made_on_the_other():
    with Session() as session:
        corpus = mail.Corpus(7)
        local, remote = session_with(session, corpus.messages(2))
        mail.create(local, "Verträge/März/Ärger & Co")
        mail.fill(local, "Verträge/März/Ärger & Co", corpus.messages(3))
        mail.create(local, "leer")
        mail.create(remote, "Покупки/2023")
        mail.fill(remote, "Покупки/2023", corpus.messages(3))
        equal(session.sync()["mailboxes-created"] >= 3, True, "three mailboxes were made")
        held = session.assert_equal()
        equal(
            {name for name in held if mail.count({name: held[name]}) == 3},
            {"Verträge/März/Ärger & Co", "Покупки/2023"},
            "mailboxes of three messages",
        )
        holds("leer" in held, "the empty mailbox was not made")


def mail_that_waits_locally_is_uploaded_to_an_empty_remote_side():
    with Session() as session:
        session.add()
        session.sync()
        corpus = mail.Corpus(8)
        local = session.local_connection()
        mail.create(local, "Lists/Überall")
        mail.fill(local, "Lists/Überall", corpus.messages(60) + [corpus.large(300_000)])
        equal(session.sync()["copied-remote"], 61, "copied")
        equal(mail.count(session.assert_equal()), 61, "messages")


def the_bus_starts_the_daemon_when_it_is_called():
    with Session(activation=True) as session:
        fill_account(session, each=2)
        session.add()
        session.ctl("sync", "work")
        session.assert_equal()


if __name__ == "__main__":
    run(
        "basics",
        [
            the_first_sync_fills_an_empty_local_side,
            a_second_sync_does_nothing_and_opens_nothing,
            new_mail_travels_both_ways,
            flags_and_keywords_travel_both_ways,
            a_flag_taken_away_is_taken_away_on_the_other_side,
            an_expunge_on_either_side_is_one_on_both,
            a_deleted_flag_of_a_client_travels_and_expunges_nothing,
            a_mailbox_of_either_side_is_made_on_the_other,
            mail_that_waits_locally_is_uploaded_to_an_empty_remote_side,
            the_bus_starts_the_daemon_when_it_is_called,
        ],
    )
