#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""A sync that was killed, cut or cancelled is finished by the next one: nothing is lost, nothing
doubled."""

import time

import mail
from harness import Session, wait_for
from tap import comment, equal, holds, run

MESSAGES = 3000
LARGE = 64 << 20
NEITHER = (0, 0)  # lost and doubled
PATIENCE = 1.0  # seconds in which a cancelled job has to have ended


def count_in(conn, name="INBOX"):
    text = mail.must(conn.status(name, "(MESSAGES)"))[0]
    return int(text.split()[-1].strip(b")"))


def faults(session, messages):
    """How many of these messages are lost and how many doubled, over both sides."""
    want = mail.bodies({"": [mail.expected(message) for message in messages]})
    lost = doubled = 0
    for held in session.snapshots():
        got = mail.bodies(held)
        lost += sum((want - got).values())
        doubled += sum((got - want).values())
    return lost, doubled


def start_copy(session, share, messages, upload=False):
    """Starts a sync of these messages and returns its job once a share of them has arrived."""
    session.add()
    session.sync()
    source, target = session.remote_connection(), session.local_connection()
    if upload:
        source, target = target, source
    mail.fill(source, "INBOX", messages)
    job = session.start_sync()
    wait_for(lambda: count_in(target) >= share * len(messages), f"{share:.0%} of the messages")
    equal(str(job.get("Result")), "running", "the result so far")
    for conn in (source, target):
        conn.logout()
    return job


def finish(session, messages):
    """Syncs again; returns how many messages are lost and doubled then."""
    session.sync()
    found = faults(session, messages)
    session.assert_equal()
    equal(session.steps(session.sync()), {}, "steps of another sync")
    return found


def small_messages(seed, number):
    corpus = mail.Corpus(seed)
    return [corpus.small() for _ in range(number)]


def killed_at(share, upload=False):
    messages = small_messages(round(share * 100), MESSAGES)
    with Session() as session:
        start_copy(session, share, messages, upload)
        session.kill_daemon()
        session.start_daemon()
        return finish(session, messages)


def killed_at_30_percent():
    equal(killed_at(0.3), NEITHER, "lost and doubled")


def killed_at_60_percent():
    equal(killed_at(0.6), NEITHER, "lost and doubled")


def killed_at_90_percent():
    equal(killed_at(0.9), NEITHER, "lost and doubled")


def killed_in_the_middle_of_an_upload():
    equal(killed_at(0.5, upload=True), NEITHER, "lost and doubled")


def killed_again_and_again():
    messages = small_messages(7, MESSAGES)
    with Session() as session:
        start_copy(session, 0.1, messages)
        for delay in (0.02, 0.1, 0.25, 0.4):
            session.kill_daemon()
            session.start_daemon()
            session.start_sync()
            time.sleep(delay)
        session.kill_daemon()
        session.start_daemon()
        equal(finish(session, messages), NEITHER, "lost and doubled")


def cut_in_the_middle():
    """The job connects anew and goes on; nobody has to ask again."""
    messages = small_messages(8, MESSAGES)
    with Session() as session:
        job = start_copy(session, 0.3, messages)
        session.remote.cut()
        equal(job.wait(60)[0], "done", "the result")
        equal(finish(session, messages), NEITHER, "lost and doubled")


def cancel(session, job):
    """Cancels a job, which has to leave no connection; returns in how many seconds it ended."""
    holds(session.open_connections() >= 2, "there are no two connections to close")
    begin = time.monotonic()
    job.cancel()
    result, _ = job.wait(30)
    took = time.monotonic() - begin
    comment(f"cancelled in {took:.3f} s")
    equal(result, "cancelled", "the result")
    wait_for(lambda: not session.open_connections(), "both connections to close", 1)
    return took


def cancel_among_many():
    messages = small_messages(9, MESSAGES)
    with Session() as session:
        took = cancel(session, start_copy(session, 0.3, messages))
        equal(finish(session, messages), NEITHER, "lost and doubled")
        return took


def cancel_in_one_large(upload):
    message = mail.Corpus(10).large(LARGE)
    with Session() as session:
        session.add()
        session.sync()
        source = session.local_connection() if upload else session.remote_connection()
        mail.fill(source, "INBOX", [message])
        source.logout()
        before = session.stored_bytes(upload)
        job = session.start_sync()
        wait_for(lambda: session.stored_bytes(upload) > before + LARGE // 8, "a part of it")
        took = cancel(session, job)
        equal(finish(session, [message]), NEITHER, "lost and doubled")
        return took


def cancelled_while_it_copies():
    holds(cancel_among_many() <= PATIENCE, "the job took too long to end")


def cancelled_in_a_large_download():
    holds(cancel_in_one_large(upload=False) <= PATIENCE, "the job took too long to end")


def cancelled_in_a_large_upload():
    holds(cancel_in_one_large(upload=True) <= PATIENCE, "the job took too long to end")


if __name__ == "__main__":
    run(
        "interrupted",
        [
            killed_at_30_percent,
            killed_at_60_percent,
            killed_at_90_percent,
            killed_in_the_middle_of_an_upload,
            killed_again_and_again,
            cut_in_the_middle,
            cancelled_while_it_copies,
            cancelled_in_a_large_download,
            cancelled_in_a_large_upload,
        ],
    )
