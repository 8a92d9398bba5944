#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Neither a large message nor a large mailbox makes the daemon large."""

import mail
import scale
from harness import Session
from tap import comment, equal, holds, run

LARGE = 64 << 20
ALLOWED = 24 << 20
MANY = 10_000
PEAK = 64 << 20


def peak_above_idle(session):
    """Syncs, and tells how far the resident set rose above what it was."""
    idle = session.memory("VmRSS")
    session.sync()
    rise = session.memory("VmHWM") - idle
    comment(f"idle {idle / 2**20:.1f} MiB, peak {rise / 2**20:.1f} MiB above")
    return rise


def copy_large(upload):
    """Copies one large message; returns the rise in memory."""
    with Session() as session:
        session.add()
        session.sync()
        source = session.local_connection() if upload else session.remote_connection()
        mail.fill(source, "INBOX", [mail.Corpus(1).large(LARGE)])
        source.logout()
        rise = peak_above_idle(session)
        equal(mail.count(session.assert_equal()), 1, "messages")
        return rise


def copy_many():
    """Copies many small messages; returns the rise in memory and the steps of another sync."""
    with Session() as session:
        corpus = mail.Corpus(2)
        remote = session.remote_connection()
        mail.fill(remote, "INBOX", (corpus.small() for _ in range(MANY)))
        remote.logout()
        session.add()
        rise = peak_above_idle(session)
        equal(mail.count(session.assert_equal()), MANY, "messages")
        return rise, session.steps(session.sync())


def a_large_message_is_downloaded_in_little_memory():
    holds(copy_large(upload=False) <= ALLOWED, "too much memory")


def a_large_message_is_uploaded_in_little_memory():
    holds(copy_large(upload=True) <= ALLOWED, "too much memory")


def ten_thousand_messages_are_copied_in_little_memory():
    rise, steps = copy_many()
    holds(rise <= ALLOWED, "too much memory")
    equal(steps, {}, "steps of another sync")


def a_hundred_thousand_messages_would_fit_in_64_mib():
    """Told from how the peak grows, since so many take minutes; figures.py measures it."""
    few, many = 5_000, 20_000
    peak_few, peak_many = scale.many_messages(few).peak, scale.many_messages(many).peak
    each = (peak_many - peak_few) / (many - few)
    comment(f"{each:.0f} bytes for each message")
    holds(peak_many + each * (100_000 - many) <= PEAK, "too much memory")


def two_hundred_mailboxes_are_opened_once():
    holds(scale.many_mailboxes(200).peak <= PEAK, "too much memory")


if __name__ == "__main__":
    run(
        "memory",
        [
            a_large_message_is_downloaded_in_little_memory,
            a_large_message_is_uploaded_in_little_memory,
            ten_thousand_messages_are_copied_in_little_memory,
            a_hundred_thousand_messages_would_fit_in_64_mib,
            two_hundred_mailboxes_are_opened_once,
        ],
    )
