#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Other clients write to both sides while they are synced, and no change of theirs is lost (S6).

Each writer owns some flags on all messages, which only it changes, and the messages that it has
delivered, which only it expunges. So whatever the interleaving, it is known what must be there at
the end.
"""

import os
import random
import re
import threading

import mail
from harness import Session
from tap import comment, equal, holds, run

SYNCS = int(os.environ.get("IMAPSYNC_E2E_SYNCS", "40"))
FIRST_MESSAGES = 60
KEEP = 15  # of one's own messages, before any is expunged
ANY_NUMBER = 1_000_000
FLAGS = [(r"\Seen", "Red"), (r"\Flagged", "Green"), (r"\Answered", "Blue"), (r"\Draft", "White")]


def serial_of(header):
    return re.search(rb"Message-ID: <([^>]*)>", header).group(1).decode()


class Writer(threading.Thread):
    """One mail client at INBOX of one side."""

    def __init__(self, number, conn):
        super().__init__(daemon=True)
        self.random = random.Random(number)
        self.conn, self.flags = conn, FLAGS[number]
        self.corpus = mail.Corpus(f"writer{number}")
        self.stopping = threading.Event()
        self.uids = {}  # serial of each message seen here: its UID
        self.wanted = {}  # (serial, flag): whether it is to be set, for each flag that was changed
        self.mine = []  # serials of messages of ours that stand
        self.gone = []  # and of those that we expunged
        self.failure = None

    def run(self):
        try:
            mail.select(self.conn, "INBOX")
            while not self.stopping.wait(self.random.uniform(0, 0.03)):
                self.look()
                self.random.choice([self.deliver, self.flag, self.flag, self.flag, self.remove])()
        except Exception as failure:
            self.failure = failure

    def look(self):
        """Learns of what has come since, and forgets what has gone."""
        first = max(self.uids.values(), default=0) + 1
        items = "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"
        for line in mail.must(self.conn.uid("FETCH", f"{first}:*", items)):
            if isinstance(line, tuple):
                uid = int(re.search(rb"UID (\d+)", line[0]).group(1))
                self.uids[serial_of(line[1])] = uid
        standing = set(mail.uids(self.conn))
        self.uids = {serial: uid for serial, uid in self.uids.items() if uid in standing}

    def deliver(self):
        message = self.corpus.small()._replace(flags=())
        mail.fill(self.conn, "INBOX", [message])
        self.mine.append(serial_of(message.body))

    def flag(self):
        serial = self.random.choice(sorted(self.uids))
        flag = self.random.choice(self.flags)
        want = self.random.random() < 0.5
        mail.store(self.conn, self.uids[serial], "+FLAGS" if want else "-FLAGS", flag)
        self.wanted[serial, flag] = want

    def remove(self):
        known = [serial for serial in self.mine if serial in self.uids]
        if len(known) > KEEP:
            serial = self.random.choice(known)
            mail.expunge(self.conn, self.uids.pop(serial))
            self.mine.remove(serial)
            self.gone.append(serial)

    def stop(self):
        self.stopping.set()
        self.join(30)
        if self.failure:
            raise self.failure


def flags_by_serial(conn):
    """What INBOX holds: serials with their flags. No serial may be there twice."""
    mail.select(conn, "INBOX", readonly=True)
    items = "(FLAGS BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"
    found = {}
    for line in mail.must(conn.fetch("1:*", items)):
        if isinstance(line, tuple):
            serial = serial_of(line[1])
            holds(serial not in found, f"{serial} is there twice")
            flags = re.search(rb"FLAGS \(([^)]*)\)", line[0]).group(1).decode().lower()
            found[serial] = set(flags.split())
    return found


def lost_changes(found, first, writers):
    """Changes of the writers, and first messages, that cannot be seen in what a side holds."""
    lost = [f"{serial} is lost" for serial in first if serial not in found]
    for writer in writers:
        lost += [f"{serial} is lost" for serial in writer.mine if serial not in found]
        lost += [f"{serial} is back" for serial in writer.gone if serial in found]
        for (serial, flag), want in writer.wanted.items():
            if serial in found and (flag.lower() in found[serial]) != want:
                lost.append(f"{serial} has {'no ' if want else ''}{flag}")
    return lost


def settle(session):
    """Syncs until nothing is left to do, which must not take long."""
    for _ in range(3):
        if not session.steps(session.sync(max_deletions=ANY_NUMBER)):
            return
    raise AssertionError("still something to do after three syncs in peace")


def disturbed(syncs):
    """Returns how many changes were made, and which are lost."""
    with Session() as session:
        corpus = mail.Corpus("first")
        messages = [corpus.small()._replace(flags=()) for _ in range(FIRST_MESSAGES)]
        mail.fill(session.remote_connection(), "INBOX", messages)
        session.add()
        session.sync()
        sides = [session.local_connection, session.remote_connection] * 2
        writers = [Writer(number, connect()) for number, connect in enumerate(sides)]
        for writer in writers:
            writer.start()
        for _ in range(syncs):
            session.sync(max_deletions=ANY_NUMBER)
        for writer in writers:
            writer.stop()
        settle(session)
        session.assert_equal()
        changes = sum(len(w.wanted) + len(w.mine) + 2 * len(w.gone) for w in writers)
        first = [serial_of(message.body) for message in messages]
        lost = []
        for connect in (session.local_connection, session.remote_connection):
            lost += lost_changes(flags_by_serial(connect()), first, writers)
        return changes, lost


def no_change_of_four_writers_is_lost():
    changes, lost = disturbed(SYNCS)
    comment(f"{SYNCS} syncs, {changes} changes of others")
    holds(changes > SYNCS, "the writers hardly wrote")
    equal(lost[:10], [], f"{len(lost)} lost changes")


if __name__ == "__main__":
    run("writers", [no_change_of_four_writers_is_lost])
