# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Many mailboxes, and many messages in one: how long they take, and how large the daemon gets."""

import collections
import time

import mail
from harness import Session
from tap import comment, equal

Scale = collections.namedtuple("Scale", "initial_s again_s peak")


def _timed_sync(session):
    begin = time.monotonic()
    summary = session.sync(seconds=3600)
    return summary, time.monotonic() - begin


def many_mailboxes(number):
    """Syncs that many mailboxes of two messages each, and once more, which must take no step."""
    with Session() as session:
        corpus = mail.Corpus(3)
        remote = session.remote_connection()
        for i in range(number):
            name = f"Folder {i // 50:03}/Mailbox {i:04}"
            mail.create(remote, name)
            mail.fill(remote, name, [corpus.small(), corpus.small()])
        remote.logout()
        session.add()
        _, initial_s = _timed_sync(session)
        equal(mail.count(session.assert_equal()), 2 * number, "messages")
        again, again_s = _timed_sync(session)
        equal(session.steps(again), {}, "steps of another sync")
        return Scale(initial_s, again_s, session.memory("VmHWM"))


def _change_flags(conn, share, criterion, change, flag):
    """Changes a flag of so many messages of INBOX that meet the criterion, spread over it."""
    total = mail.select(conn, "INBOX")
    wanted = int(total * share)
    found = mail.uids(conn, criterion)
    chosen = found[:: len(found) // wanted][:wanted]
    for begin in range(0, wanted, 500):
        mail.store(conn, ",".join(map(str, chosen[begin : begin + 500])), change, flag)
    conn.logout()
    return wanted


def many_messages(number, share=0.01):
    """Syncs an INBOX of that many messages, and again when flags of a share of them have changed on
    each side."""
    with Session() as session:
        corpus = mail.Corpus(4)
        remote = session.remote_connection()
        mail.fill(remote, "INBOX", (corpus.small() for _ in range(number)))
        remote.logout()
        session.add()
        _, initial_s = _timed_sync(session)
        comment(f"{number} messages: {initial_s:.1f} s, peak {session.memory('VmHWM') / 2**20:.1f} MiB")
        there = _change_flags(session.remote_connection(), share, "UNFLAGGED", "+FLAGS", r"\Flagged")
        here = _change_flags(session.local_connection(), share, "SEEN", "-FLAGS", r"\Seen")
        again, again_s = _timed_sync(session)
        peak = session.memory("VmHWM")
        equal((again["flags-local"], again["flags-remote"]), (there, here), "flags changed")
        equal(mail.count(session.assert_equal()), number, "messages")
        equal(session.steps(session.sync()), {}, "steps of another sync")
        return Scale(initial_s, again_s, peak)
