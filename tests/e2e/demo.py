#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""What ./quickstart shows: a filled remote server and an empty local store become the same, both
ways, and it is proved message by message. Fails if anything of it fails."""

import subprocess
import sys
import time

import mail
from harness import HERE, Job, Session

MESSAGES = 2100
LARGE = 20 << 20
NEW_MAILBOX = "Reisen/Zürich"


def say(text=""):
    print(text, flush=True)


def step(number, text):
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    say(f"\n{bold}{number}. {text}{plain}")


def fill(session):
    """The remote account; returns how many messages and bytes it holds, and their maker."""
    corpus = mail.Corpus("quickstart")
    conn = session.remote_connection()
    each = MESSAGES // len(mail.MAILBOXES)
    number = size = 0
    for name in mail.MAILBOXES:
        if name != "INBOX":
            mail.create(conn, name)
        messages = corpus.messages(each)
        if name == "INBOX":
            messages += [corpus.message("empty"), corpus.large(LARGE)]
        mail.fill(conn, name, messages)
        number += len(messages)
        size += sum(len(message.body) for message in messages)
    conn.logout()
    return corpus, number, size


def ctl(session, *arguments, stdin=None):
    """Runs imapsyncctl before the eyes of the user."""
    say("   $ imapsyncctl " + " ".join(map(str, arguments)))
    subprocess.run(
        [HERE / "imapsyncctl", *arguments],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        env=session.environment,
        check=True,
    )


def sync(session):
    """Syncs as a user does; returns the counts of what was done."""
    ctl(session, "sync", session.ACCOUNT)
    jobs = session.manager_property("Jobs")
    return session.steps(Job(session, jobs[-1]).wait()[1])


def change(session, corpus):
    """Changes both sides, and says what has to cross."""
    local, remote = session.local_connection(), session.remote_connection()
    mail.fill(remote, "INBOX", corpus.messages(3))
    say("   remote: 3 new messages in INBOX")
    mail.select(remote, "Sent")
    mail.expunge(remote, mail.uids(remote)[0])
    say("   remote: a message of Sent expunged")
    mail.select(remote, "日本語")
    mail.store(remote, mail.uids(remote)[0], "FLAGS", r"\Flagged", "Receipts")
    say("   remote: a message of 日本語 flagged, with the keyword Receipts")
    mail.create(local, NEW_MAILBOX)
    mail.fill(local, NEW_MAILBOX, corpus.messages(2))
    say(f"   local:  a new mailbox {NEW_MAILBOX} with 2 messages")
    mail.select(local, "Reçus")
    mail.store(local, mail.uids(local)[0], "FLAGS", r"\Answered", r"\Seen")
    say("   local:  a message of Reçus answered")
    for conn in (local, remote):
        conn.logout()


def expect(got, want, what):
    if got != want:
        raise AssertionError(f"{what}: {got}, not {want}")


def verify(session, number):
    """Compares the sides message by message."""
    local, remote = session.snapshots()
    lines = mail.differences(local, remote)
    for line in lines[:20]:
        say("   " + line)
    expect(lines, [], "differences")
    expect((len(local), mail.count(local)), (len(mail.MAILBOXES) + 1, number), "what there is")
    say(f"   {len(local)} mailboxes, {number:,} messages: body (SHA-256), flags and date of each")
    say("   are the same on both sides.")


def show(session):
    step(1, "A remote server: Dovecot, with TLS under a private authority")
    corpus, number, size = fill(session)
    say(f"   {number:,} messages in {len(mail.MAILBOXES)} mailboxes, {size / 2**20:.0f} MiB")
    step(2, "An account for it, with an embedded local store")
    authority = f"remote.ca-file={session.authority.certificate}"
    ctl(
        *(session, "add", session.ACCOUNT, session.remote.url(), "--set", authority),
        stdin=f"{session.remote.PASSWORD}\n".encode(),
    )
    step(3, "The first sync: all of the mail comes")
    steps = sync(session)
    expect(steps.get("copied-local"), number, "messages copied")
    step(4, "Changes on both sides")
    change(session, corpus)
    step(5, "The second sync: they cross")
    steps = sync(session)
    crossed = {key: value for key, value in steps.items() if not key.startswith("mailboxes-")}
    want = {"copied-local": 3, "copied-remote": 2, "expunged-local": 1}
    expect(crossed, want | {"flags-local": 1, "flags-remote": 1}, "what crossed")
    step(6, "The third sync: nothing is left to do")
    expect(sync(session), {}, "steps")
    step(7, "The verdict")
    verify(session, number + 3 + 2 - 1)


def main():
    begin = time.monotonic()
    try:
        with Session(activation=True) as session:
            show(session)
    except (AssertionError, subprocess.CalledProcessError) as failure:
        say(f"\nFAILED: {failure}")
        return 1
    say(f"\nEqual. That took {time.monotonic() - begin:.0f} s; nothing of it is left behind.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
