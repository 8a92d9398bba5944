#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Accounts that come, change and go while the service runs, several at a time."""

import imaplib
import select
import signal
import subprocess

import dbus

import mail
from harness import HERE, Session, options, wait_for
from servers import Dovecot
from tap import equal, holds, run
from tree import tunnel

# Two full mailboxes that nobody has compared stay as they are: nothing travels, nothing is deleted.
UNTOUCHED = "needs-adoption"


def file_of(session, name="work"):
    return session.top / "config" / "imapsync" / f"{name}.conf"


def edit(session, *changes, name="work"):
    """Changes lines of an account's file: pairs of a key and its new value."""
    lines = file_of(session, name).read_text().splitlines()
    for key, value in changes:
        holds(any(line.startswith(key + "=") for line in lines), f"no {key} in {lines}")
        lines = [f"{key}={value}" if line.startswith(key + "=") else line for line in lines]
    file_of(session, name).write_text("\n".join(lines) + "\n")


def filled(session, n=5):
    """An account that has synced some mail."""
    mail.fill(session.remote_connection(), "INBOX", mail.Corpus(7).messages(n))
    session.add()
    session.sync()
    return session.assert_equal()


def remove(session, name="work", **wanted):
    session.manager("RemoveAccount", name, options(**wanted))


def passwords(session):
    """How many items of ours the keyring holds."""
    service = session.bus.get_object("org.freedesktop.secrets", "/org/freedesktop/secrets", introspect=False)
    attributes = dbus.Dictionary({"xdg:schema": "org.imapsync1.Password"}, signature="ss")
    return sum(map(len, service.SearchItems(attributes, dbus_interface="org.freedesktop.Secret.Service")))


def second_server(session, n):
    """Another server with as many messages, all of them others."""
    server = Dovecot(session.top, "second", session.authority, session.spawn)
    conn = server.connect()
    mail.fill(conn, "INBOX", mail.Corpus(8).messages(n))
    session.connections.append(conn)
    return server, conn


def connection_of(session, user):
    """None if the server does not know the user yet: it looks at the file once a second."""
    try:
        conn = session.remote.connect(user)
    except imaplib.IMAP4.error:
        return None
    session.connections.append(conn)
    return conn


def assert_untouched(session, local, others):
    """Neither the local mail nor that of the other server has changed, and the reason is told."""
    session.sync(result="partial")
    equal([issue["kind"] for issue in session.issues()], [UNTOUCHED], "issues")
    equal(mail.snapshot(session.local_connection()), local, "the local side")
    equal(mail.snapshot(others), others.before, "the other server")


def another_host_gets_no_base_of_the_first():
    with Session() as session:
        local = filled(session)
        server, conn = second_server(session, 5)
        conn.before = mail.snapshot(conn)
        edit(session, ("port", server.port))
        assert_untouched(session, local, conn)


def another_user_gets_no_base_of_the_first():
    with Session() as session:
        local = filled(session)
        with open(session.remote.top / "users", "a", encoding="utf-8") as file:
            file.write(f"another:{{PLAIN}}{Dovecot.PASSWORD}\n")
        conn = wait_for(lambda: connection_of(session, "another"), "the server to know them")
        mail.fill(conn, "INBOX", mail.Corpus(8).messages(5))
        conn.before = mail.snapshot(conn)
        edit(session, ("username", "another"))
        session.ctl("password", "work", stdin=Dovecot.PASSWORD + "\n")
        assert_untouched(session, local, conn)


def another_store_is_filled_and_deletes_nothing():
    """An empty store in place of a full one must not look like mail that was deleted there."""
    with Session() as session:
        before = filled(session)
        command = tunnel(session, "elsewhere")
        with open(file_of(session), "a", encoding="utf-8") as file:
            file.write(f"[local]\ntype=tunnel\ncommand={command}\n")
        session.sync()
        held = session.assert_equal(lambda: session.local_command(command.split()))
        equal(held, before, "the mail on both sides")
        equal(mail.snapshot(session.local_connection()), before, "the former store")


def going_back_is_another_change():
    """What is known was thrown away with the first change: nothing is doubled, lost or guessed."""
    with Session() as session:
        local = filled(session)
        server, conn = second_server(session, 5)
        remote = mail.snapshot(session.remote_connection())
        first = session.remote.port
        edit(session, ("port", server.port))
        session.sync(result="partial")
        edit(session, ("port", first))
        session.sync(result="partial")
        equal([issue["kind"] for issue in session.issues()], [UNTOUCHED], "issues")
        equal(mail.snapshot(session.local_connection()), local, "the local side")
        equal(mail.snapshot(session.remote_connection()), remote, "the remote side")


def accounts_sync_at_the_same_time():
    with Session() as session:
        server, conn = second_server(session, 300)
        remote = session.remote_connection()
        mail.fill(remote, "INBOX", mail.Corpus(9).messages(300))
        session.add()
        words = [word for setting in server.settings("remote") for word in ("--set", setting)]
        session.ctl("add", "second", *words, stdin=Dovecot.PASSWORD + "\n")
        jobs = [session.start_sync(name) for name in ("work", "second")]
        wait_for(lambda: all(job.messages_done() > 0 for job in jobs), "both to be copying")
        equal([job.wait()[0] for job in jobs], ["done", "done"], "results")
        session.assert_equal()
        lines = mail.differences(mail.snapshot(session.local_connection("second")), mail.snapshot(conn))
        equal(lines, [], "what differs in the second account")


def a_changed_file_is_taken_without_disturbing_others():
    with Session() as session:
        server, conn = second_server(session, 3)
        mail.fill(session.remote_connection(), "INBOX", mail.Corpus(9).messages(3000))
        session.add()
        words = [word for setting in server.settings("remote") for word in ("--set", setting)]
        session.ctl("add", "second", *words, stdin=Dovecot.PASSWORD + "\n")
        session.sync("second")
        mail.create(conn, "Spam")
        mail.fill(conn, "Spam", mail.Corpus(10).messages(2))
        job = session.start_sync("work")
        wait_for(lambda: job.messages_done() > 0, "the first account to be copying")
        with open(file_of(session, "second"), "a", encoding="utf-8") as file:
            file.write("[account]\nignore=Spam\n")
        with session.remote.paused():
            session.manager("Reload")
            session.sync("second")
            equal(str(job.get("Result")), "running", "the other account's job")
        equal(mail.names(session.local_connection("second")), {"INBOX"}, "what is synced")
        equal(job.wait()[0], "done", "its result")
        session.assert_equal()


def a_file_that_appears_is_an_account_and_one_that_goes_was_one():
    with Session() as session:
        before = filled(session)
        text = file_of(session).read_text()
        file_of(session).unlink()
        session.manager("Reload")
        wait_for(lambda: not session.manager_property("Accounts"), "the account to be let go")
        equal(passwords(session), 1, "passwords")
        file_of(session).write_text(text)
        session.manager("Reload")
        equal(session.steps(session.sync()), {}, "steps of the account that is back")
        equal(session.assert_equal(), before, "the mail on both sides")


def a_removed_account_leaves_its_mail_and_nothing_else():
    with Session() as session:
        before = filled(session)
        state = session.top / "state" / "imapsync"
        holds(list(state.iterdir()), "no state file")
        remove(session)
        equal(list(session.manager_property("Accounts")), [], "accounts")
        equal(passwords(session), 0, "passwords")
        equal(list(state.iterdir()), [], "what is remembered")
        holds(not file_of(session).exists(), "the file is still there")
        store = session.top / "data" / "imapsync" / "work"
        held = session.local_command(["/usr/lib/dovecot/imap", "-c", store / "dovecot.conf"])
        equal(mail.snapshot(held), before, "the local store")
        equal(mail.snapshot(session.remote_connection()), before, "the remote side")


def a_removed_store_is_gone_and_comes_back_from_the_server():
    with Session() as session:
        before = filled(session)
        remove(session, delete_store=True)
        holds(not (session.top / "data" / "imapsync" / "work").exists(), "the store is still there")
        equal(mail.snapshot(session.remote_connection()), before, "the remote side")
        session.add()
        session.sync()
        equal(session.assert_equal(), before, "the mail on both sides")


def the_command_line_does_the_same():
    with Session() as session:
        before = filled(session)
        monitor = subprocess.Popen(
            [HERE / "imapsyncctl", "monitor"], env=session.environment, stdout=subprocess.PIPE, text=True
        )
        session.children.append(monitor)
        wait_for(lambda: session.ctl("test", "work") and select.select([monitor.stdout], [], [], 0)[0], "a line")
        session.ctl("sync", "work")
        file_of(session, "broken").write_text("[remote]\nhots=x\n")
        told = session.ctl("reload", status=1)
        holds("hots" in told.stdout + told.stderr, f"the fault is not named: {told}")
        file_of(session, "broken").unlink()
        session.ctl("reload")
        session.ctl("remove", "work", status=2)
        session.ctl("remove", "nobody", "--yes", status=1)
        told = session.ctl("remove", "work", "--yes").stdout
        store = session.top / "data" / "imapsync" / "work"
        holds(str(store) in told, f"where the mail stays is not said: {told}")
        equal(session.ctl("list").stdout, "", "accounts")
        equal(passwords(session), 0, "passwords")
        monitor.send_signal(signal.SIGINT)
        seen, _ = monitor.communicate(timeout=20)
        equal(monitor.returncode, 0, "the monitor's exit status")
        lines = [line for line in seen.splitlines() if "work" in line]
        holds(len(lines) > 3, f"too little was seen: {seen}")
        equal(mail.snapshot(session.remote_connection()), before, "the remote side")


def an_account_can_be_removed_in_the_middle_of_a_copy():
    with Session() as session:
        mail.fill(session.remote_connection(), "INBOX", mail.Corpus(9).messages(3000))
        before = mail.snapshot(session.remote_connection())
        connections = session.open_connections()
        session.add()
        job = session.start_sync()
        wait_for(lambda: job.messages_done() > 0, "the copy")
        with session.remote.paused():
            equal(str(job.get("Result")), "running", "the job")
            remove(session, delete_store=True)
            equal(session.open_connections(), connections, "connections")
        equal(passwords(session), 0, "passwords")
        equal(list((session.top / "data" / "imapsync").iterdir()), [], "stores")
        equal(mail.snapshot(session.remote_connection()), before, "the remote side")


if __name__ == "__main__":
    run(
        "settings",
        [
            another_host_gets_no_base_of_the_first,
            another_user_gets_no_base_of_the_first,
            another_store_is_filled_and_deletes_nothing,
            going_back_is_another_change,
            accounts_sync_at_the_same_time,
            a_changed_file_is_taken_without_disturbing_others,
            a_file_that_appears_is_an_account_and_one_that_goes_was_one,
            a_removed_account_leaves_its_mail_and_nothing_else,
            a_removed_store_is_gone_and_comes_back_from_the_server,
            the_command_line_does_the_same,
            an_account_can_be_removed_in_the_middle_of_a_copy,
        ],
    )
