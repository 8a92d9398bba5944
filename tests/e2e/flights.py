#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""How many round trips a login takes: the daemon reaches its server by a relay that holds each octet
for a while, as a far network would, and counts how often the client spoke after it had heard."""

import asyncio
import contextlib
import threading

import mail
from harness import Session, wait_for
from servers import Dovecot, free_port
from tap import comment, equal, holds, run

DELAY_S = 0.1  # each way: longer than anybody needs to answer
MECHANISMS = "auth_mechanisms = plain scram-sha-256\n"
COMPRESSING = "protocol imap {\n  mail_plugins = $mail_plugins imap_zlib\n}\nmail_plugins = $mail_plugins zlib\n"


class Connection:
    """`flights`: that of TCP is among them, and so is the last one, in which the client says
    goodbye."""

    def __init__(self):
        self.flights, self.heard, self.ended = 1, True, False

    def client_spoke(self):
        self.flights += self.heard
        self.heard = False

    def client_heard(self):
        self.heard = True


class Relay:
    """Use as a context manager; `connections` are in the order of their coming."""

    def __init__(self, port):
        self.target, self.port, self.connections = port, free_port(), []

    def __enter__(self):
        self.loop, ready = asyncio.new_event_loop(), threading.Event()
        self.thread = threading.Thread(target=self._run, args=(ready,))
        self.thread.start()
        ready.wait()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def _run(self, ready):
        listening = asyncio.start_server(self._serve, "127.0.0.1", self.port)
        server = self.loop.run_until_complete(listening)
        ready.set()
        self.loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    async def _serve(self, client_reader, client_writer):
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target)
        connection = Connection()
        self.connections.append(connection)
        await asyncio.gather(
            self._carry(client_reader, server_writer, connection.client_spoke, None),
            self._carry(server_reader, client_writer, None, connection.client_heard),
        )
        connection.ended = True

    async def _carry(self, reader, writer, on_arrival, on_delivery):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if on_arrival is not None:
                    on_arrival()
                self.loop.call_later(DELAY_S, self._deliver, writer, data, on_delivery)
        self.loop.call_later(DELAY_S, writer.close)

    def _deliver(self, writer, data, on_delivery):
        if not writer.is_closing():
            writer.write(data)
            if on_delivery is not None:
                on_delivery()


@contextlib.contextmanager
def far_account(settings="", *more, scheme="imaps"):
    """A session whose account `work` is in sync, and the relay to its server."""
    with Session(settings=MECHANISMS + COMPRESSING + settings) as session:
        port = session.remote.port if scheme == "imaps" else session.remote.starttls_port
        with Relay(port) as relay:
            conn = session.remote_connection()
            mail.fill(conn, "INBOX", mail.Corpus(1).messages(3))
            words = [f"remote.ca-file={session.authority.certificate}", "remote.compress=yes", *more]
            options = [word for setting in words for word in ("--set", setting)]
            url = f"{scheme}://{Dovecot.USER}@127.0.0.1:{relay.port}"
            session.ctl("add", "work", url, *options, stdin=Dovecot.PASSWORD + "\n")
            session.sync()
            yield session, relay


def to_the_list(session, relay):
    """The flights of a sync with nothing to do, without the goodbye."""
    before = len(relay.connections)
    summary = session.sync()
    equal(session.steps(summary), {}, "steps of a sync with nothing to do")
    equal(len(relay.connections), before + 1, "connections")
    wait_for(lambda: relay.connections[-1].ended, "the connection to end")
    flights = relay.connections[-1].flights - 1
    comment(f"{flights} flights, {summary['duration'] / 1e6:.2f} s")
    return flights


def by_login_it_takes_three():
    with far_account() as (session, relay):
        equal(to_the_list(session, relay), 3, "flights")
        equal(to_the_list(session, relay), 3, "flights")


def by_plain_it_takes_four():
    with far_account("", "remote.auth=plain") as (session, relay):
        equal(to_the_list(session, relay), 4, "flights")


def by_scram_it_takes_six():
    with far_account("", "remote.auth=scram-sha-256") as (session, relay):
        equal(to_the_list(session, relay), 6, "flights")


def by_starttls_it_takes_four():
    with far_account(scheme="imap") as (session, relay):
        equal(to_the_list(session, relay), 4, "flights")


def at_first_contact_it_takes_five():
    for way in ("login", "plain"):
        with far_account("", "remote.auth=" + way) as (session, relay):
            session.forget_offers()
            equal(to_the_list(session, relay), 5, f"flights by {way}")
            holds(to_the_list(session, relay) < 5, f"{way} is not remembered")


def it_is_remembered_over_a_restart():
    with far_account() as (session, relay):
        equal(session.stop_daemon(), 0, "exit status")
        session.start_daemon()
        equal(to_the_list(session, relay), 3, "flights")


def what_proves_wrong_is_forgotten():
    """The server takes no login by LOGIN or PLAIN any more: the flight fails, another connection
    goes the long way, and what that finds is remembered in its place."""
    with far_account() as (session, relay):
        session.remote.stop()
        file = session.remote.top / "dovecot.conf"
        text = file.read_text().replace(MECHANISMS, "auth_mechanisms = scram-sha-256\n")
        file.write_text(text)
        session.remote.start(session.remote.greet)
        before = len(relay.connections)
        equal(session.steps(session.sync()), {}, "steps of a sync with nothing to do")
        equal(len(relay.connections), before + 2, "connections")
        equal(to_the_list(session, relay), 6, "flights")


def a_wrong_password_is_sent_once():
    with far_account() as (session, relay):
        session.ctl("password", "work", stdin="wrong\n")
        tried = session.remote.log().count("auth failed")
        job = session.start_sync()
        equal(job.wait(60)[0], "failed", "result")
        equal(job.error(), "AuthFailed", "error")
        wait_for(lambda: session.remote.log().count("auth failed") > tried, "the log")
        equal(session.remote.log().count("auth failed, 1 attempts"), tried + 1, "attempts")


run(
    "flights",
    [
        by_login_it_takes_three,
        by_plain_it_takes_four,
        by_scram_it_takes_six,
        by_starttls_it_takes_four,
        at_first_contact_it_takes_five,
        it_is_remembered_over_a_restart,
        what_proves_wrong_is_forgotten,
        a_wrong_password_is_sent_once,
    ],
)
