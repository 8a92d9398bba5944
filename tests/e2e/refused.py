#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Servers that say no for a while: what is tried again by itself, and what is not."""

import shlex
import time

import dbus
import mail
from harness import Session, wait_for
from tap import equal, holds, run

RETRY = 60  # seconds; the first one comes after 33 at most


def one_message(session):
    mail.fill(session.remote_connection(), "INBOX", mail.Corpus(1).messages(1))


def is_offline(session, words):
    """Syncs, which has to end offline, and checks that the account says when it goes on."""
    job = session.start_sync()
    equal(job.wait(60)[0], "offline", "the result")
    told = str(job.get("Error")[1])
    holds(words in told, f"{words} is not in: {told}")
    equal(str(session.account_property("State")), "offline", "the state")
    equal(str(session.account_property("Attention")), "none", "what is asked for")
    seconds = int(session.account_property("NextSync")) / 1e6 - time.time()
    holds(20 < seconds < 34, f"it is tried again in {seconds} s")
    holds("tried again at" in session.ctl("status").stdout, "the status does not say so")


def goes_on(session):
    wait_for(
        lambda: session.account_property("LastSuccess") > 0,
        "the account to go on by itself",
        RETRY,
    )
    equal(int(session.account_property("NextSync")), 0, "the next sync")
    equal(str(session.account_property("State")), "idle", "the state")
    session.assert_equal()


def a_server_that_comes_back_is_found_again():
    with Session() as session:
        session.add()
        one_message(session)
        session.remote.stop()
        is_offline(session, "refused")
        session.remote.start()
        goes_on(session)


def a_server_that_is_full_is_tried_again():
    with Session(settings="mail_max_userip_connections = 1\n") as session:
        session.add()
        one_message(session)  # its connection stays
        is_offline(session, "[LIMIT]")
        session.connections.pop().logout()
        goes_on(session)


def a_refused_password_is_sent_once():
    with Session() as session:
        session.add(password="wrong", status=1)
        for _ in range(3):
            job = session.start_sync()
            equal(job.wait(60)[0], "failed", "the result")
            equal(job.error(), "AuthFailed", "the error")
        told = str(job.get("Error")[1])
        holds("imapsyncctl test work" in told, f"no way out in: {told}")
        equal(session.remote.log().count("auth failed, 1 attempts"), 1, "logins that failed")
        session.ctl("test", "work", status=1)
        equal(session.remote.log().count("auth failed, 1 attempts"), 2, "logins that failed")


def accounts_of_one_server_share_its_connections():
    with Session(settings="mail_max_userip_connections = 2\n") as session:
        conn = session.remote_connection()
        mail.fill(conn, "INBOX", mail.Corpus(1).messages(200))
        conn.logout()
        names = ["one", "two", "three"]
        for name in names:
            session.add(name)
        jobs = [session.start_sync(name) for name in names]
        states = [str(session.account_property("State", name)) for name in names]
        equal(states[2], "queued", "the state of the third")
        for job in jobs:
            result, summary = job.wait(120)
            equal(result, "done", f"the result ({job.get('Error')[1]})")
            equal(summary["copied-local"], 200, "what was copied")
        holds("Maximum number of connections" not in session.remote.log(), "one was refused")


def add_by_command(session, name, script):
    """Without the login that `add` tries."""
    command = {"remote.password-command": f"sh -c {shlex.quote(script)}"}
    settings = dict(line.split("=", 1) for line in session.remote.settings("remote"))
    session.manager("AddAccount", name, dbus.Dictionary({**settings, **command}, signature="ss"))


def commands_that_hang_hold_up_nobody():
    with Session() as session:
        session.add()
        for name in ("slow", "slower"):
            add_by_command(session, name, "sleep 300")
            session.start_sync(name)
        begin = time.monotonic()
        session.sync()
        holds(time.monotonic() - begin < 20, "it waited for their turn")
        for name in ("slow", "slower"):
            equal(str(session.account_property("State", name)), "queued", f"the state of {name}")


def a_command_that_changes_the_keyring_is_not_run_for_ever():
    """Each change of the keyring may be what a command needs, but not its own."""
    with Session() as session:
        runs = session.top / "runs"
        stores = "echo x | secret-tool store --label=x number"
        for name, then in (("missing", "false"), ("refused", "echo wrong")):
            runs.write_text("")
            add_by_command(session, name, f"echo >>{runs}; {stores} $$; {then}")
            equal(session.start_sync(name).wait(60)[0], "failed", "the result")
            time.sleep(3)
            holds(len(runs.read_text()) <= 2, f"{len(runs.read_text())} runs of the command")
        holds(session.remote.log().count("auth failed, 1 attempts") <= 1, "logins that failed")


if __name__ == "__main__":
    run(
        "refused",
        [
            commands_that_hang_hold_up_nobody,
            a_command_that_changes_the_keyring_is_not_run_for_ever,
            a_server_that_comes_back_is_found_again,
            a_server_that_is_full_is_tried_again,
            a_refused_password_is_sent_once,
            accounts_of_one_server_share_its_connections,
        ],
    )
