#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Each storage of a server by each transport by each way in which it takes messages: whatever the
remote side is, both sides become equal and stay so.

One Dovecot for each storage and each way serves a user for each transport. It tells less than it
can do, and keeps what is said to it: this shows whether we take it at its word. The local side is
the embedded store; where the remote side is a tunnel it is a tunnel too, to a server of the next
storage that takes messages in the same way.
"""

import collections
import concurrent.futures
import imaplib
import itertools
import re
import sys
import time

import mail
from harness import Session
from servers import Dovecot
from tap import chosen, comment, equal, holds, report

AT_ONCE = 4

STORAGES = {  # what it is called: where the mail is, and what stands between levels
    "mdbox": ("mdbox:~/mdbox", "/"),
    "sdbox": ("sdbox:~/sdbox", "/"),
    "maildir-dots": ("maildir:~/Maildir", "."),
    "maildir-slashes": ("maildir:~/Maildir", "/"),
}
TRANSPORTS = ("imaps", "starttls", "tunnel")
WAYS = {  # what the server does not tell
    "full": (),
    "no-literal-plus": ("LITERAL+",),
    "no-multiappend": ("MULTIAPPEND",),
    "neither": ("LITERAL+", "MULTIAPPEND"),
}

SETTINGS = """\
mail_location = {location}
namespace inbox {{
  separator = {delimiter}
}}
imap_capability = {capability}
rawlog_dir = {home}/%n/rawlog
login_log_format_elements = user=<%u> port=<%a> %c
"""

# No "." in a name: Maildir cannot hold it, whatever stands between levels.
THERE = ("INBOX", "Archive/2019", "Projekte/Übersicht/März")
HERE = ("Sent", "Входящие/Счета", 'Lists/R&D "open"/日本語')
LARGE = 300_000
MARKED = (r"\Flagged", "$Forwarded", "Work")
EACH = 7  # messages that come into a mailbox
MORE = 2  # and later into one that was there

APPEND = re.compile(rb"^[\d.]+ a\d+ APPEND ", re.MULTILINE)
ANNOUNCED = re.compile(rb'\+0000" \{\d+(\+?)\}\r\n')
Heard = collections.namedtuple("Heard", "appends messages at_once")


class Server(Dovecot):
    """It tells less than it can, and keeps what is said to it."""

    BESIDE = "beside"
    USERS = (Dovecot.USER, *TRANSPORTS, BESIDE)

    def __init__(self, session, storage, way, words):
        location, self.delimiter = STORAGES[storage]
        self.folder = location.rpartition("/")[2]
        self.words = [word for word in words if word not in WAYS[way]]
        name = f"{storage}-{way}"
        settings = SETTINGS.format(
            location=location,
            delimiter=self.delimiter,
            capability=" ".join(self.words),
            home=session.top / name / "home",
        )
        super().__init__(session.top, name, session.authority, session.spawn, settings)
        for user in self.USERS:  # Dovecot writes no log where there is no directory for it
            (self.top / "home" / user / "rawlog").mkdir(parents=True, exist_ok=True)


class Embedded:
    """The local side, unless it is said where that is."""

    delimiter = "/"

    def __init__(self, session, account):
        self.session, self.account = session, account

    def settings(self, _side):
        return []

    def connect(self):
        return self.session.local_connection(self.account)

    def check(self, _appended):
        pass


class Place:
    """The mail of a user of a server, and the way there."""

    def __init__(self, session, server, user):
        self.session, self.server, self.user = session, server, user
        self.delimiter = server.delimiter
        self.transport = user if user in TRANSPORTS else "tunnel"
        self.home = server.top / "home" / user
        # Without a login HOME alone says where "~" is.
        self.command = (
            f"env USER={user} HOME={self.home} /usr/lib/dovecot/imap -c {server.top}/dovecot.conf"
        )

    def settings(self, side):
        if self.transport == "tunnel":
            return [f"{side}.type=tunnel", f"{side}.command={self.command}"]
        kind, port = "imaps", self.server.port
        if self.transport == "starttls":
            kind, port = "imap", self.server.starttls_port
        return [
            f"{side}.type={kind}",
            f"{side}.host=127.0.0.1",
            f"{side}.port={port}",
            f"{side}.username={self.user}",
            f"{side}.ca-file={self.server.authority.certificate}",
        ]

    def connect(self):
        if self.transport == "tunnel":
            return self.session.local_command(self.command.split())
        if self.transport == "imaps":
            return self.server.connect(self.user)
        conn = imaplib.IMAP4("127.0.0.1", self.server.starttls_port, timeout=120)
        conn.starttls(self.server.trust())
        return self.server.log_in(conn, self.user)

    def _check_logins(self):
        logins = {line for line in self.server.log().splitlines() if f"user=<{self.user}>" in line}
        port = {"imaps": self.server.port, "starttls": self.server.starttls_port}
        if self.transport == "tunnel":
            equal(logins, set(), "logins")
        else:
            holds(logins, "nobody logged in")
            want = f"user=<{self.user}>, port=<{port[self.transport]}>, TLS"
            holds(all(want in line for line in logins), f"{want} is not in: {logins}")

    def _heard(self):
        """What the daemon said. Connections of ours are logged too, and enable nothing."""
        texts = [path.read_bytes() for path in self.home.glob("rawlog/*.in")]
        text = b"".join(text for text in texts if b" ENABLE QRESYNC" in text)
        announced = ANNOUNCED.findall(text)
        return Heard(len(APPEND.findall(text)), len(announced), announced.count(b"+"))

    def check(self, appended):
        """Whether the server was what it is called, and `appended` messages came accordingly."""
        holds((self.home / self.server.folder).is_dir(), f"no mail of {self.user} is there")
        self._check_logins()
        conn = self.connect()
        told = mail.must(conn.capability())[0].decode().split()
        conn.logout()
        equal(told, self.server.words, f"capabilities of {self.user}")
        heard = self._heard()
        equal(heard.messages, appended, "messages that were appended")
        equal(heard.at_once, appended if "LITERAL+" in told else 0, "literals sent unasked")
        if "MULTIAPPEND" in told:
            holds(heard.appends < appended / 2, f"{heard.appends} APPENDs of {appended} messages")
        else:
            equal(heard.appends, appended, "APPENDs")


class Side:
    """One side of a cell. Names have "/" between levels."""

    def __init__(self, place, seed):
        self.place, self.conn = place, place.connect()
        self.corpus = mail.Corpus(seed)

    def spelt(self, name):
        return name.replace("/", self.place.delimiter)

    def deliver(self, names):
        """Fills mailboxes, which it makes; returns what is in them then."""
        want = {}
        for name in names:
            messages = self.corpus.messages(EACH - 1)
            messages.append(self.corpus.message()._replace(flags=MARKED))
            if name in ("INBOX", "Sent"):
                messages[:2] = [self.corpus.large(LARGE), self.corpus.message("empty")]
            if self.spelt(name) not in mail.names(self.conn):
                mail.create(self.conn, self.spelt(name))
            mail.fill(self.conn, self.spelt(name), messages)
            want[name] = collections.Counter(map(mail.expected, messages))
        return want

    def change(self, new, gone, flag):
        """What somebody does in a day: mail, a mailbox, flags, and one message less."""
        self.deliver([new])
        mail.select(self.conn, gone)
        mail.expunge(self.conn, mail.uids(self.conn)[2])
        mail.select(self.conn, "Sent")
        mail.store(self.conn, "1:*", "+FLAGS", flag)
        seen = mail.uids(self.conn, "KEYWORD", "Work", "FLAGGED")
        mail.store(self.conn, seen[0], "-FLAGS", "Work")
        mail.fill(self.conn, "Sent", self.corpus.messages(MORE))

    def snapshot(self):
        held = mail.snapshot(self.conn)
        return {name.replace(self.place.delimiter, "/"): mails for name, mails in held.items()}


class Cell:
    """A scenario that runs in a thread of its own."""

    def __init__(self, session, servers, storage, transport, way):
        self.__name__ = f"{storage}-{transport}-{way}"
        self.session = session
        self.remote = Place(session, servers[storage, way], transport)
        self.local = Embedded(session, self.__name__)
        if transport == "tunnel":
            storages = list(STORAGES)
            following = storages[(storages.index(storage) + 1) % len(storages)]
            self.local = Place(session, servers[following, way], Server.BESIDE)

    def start(self, pool):
        self.future = pool.submit(self._pass)

    def __call__(self):
        self.future.result()

    def _pass(self):
        self.session = self.session.for_a_thread()
        self._add()
        local = Side(self.local, self.__name__ + "-here")
        remote = Side(self.remote, self.__name__ + "-there")
        self._become_equal(local, remote)
        self._stay_equal(local, remote)
        equal(self.session.issues(self.__name__), [], "issues")
        for side, names in ((local, THERE), (remote, HERE)):
            side.conn.logout()
            side.place.check(EACH * len(names) + EACH + MORE)

    def _add(self):
        settings = self.remote.settings("remote") + self.local.settings("local")
        words = [word for setting in settings for word in ("--set", setting)]
        self.session.ctl("add", self.__name__, *words, stdin=Dovecot.PASSWORD + "\n")

    def _sync(self, **want):
        """Syncs; returns what was done, of which `want` is known."""
        done = self.session.steps(self.session.sync(self.__name__))
        for key, number in want.items():
            key = key.replace("_", "-")
            equal(done.get(key, 0), number, key)
        return done

    def _become_equal(self, local, remote):
        want = local.deliver(HERE) | remote.deliver(THERE)
        self._sync(copied_local=EACH * len(THERE), copied_remote=EACH * len(HERE))
        for side in (local, remote):
            assert_alike(side.snapshot(), want)

    def _stay_equal(self, local, remote):
        local.change("Lists/new", "INBOX", "Later")
        remote.change("Neues/Ä", "Sent", r"\Answered")
        copied = EACH + MORE
        gone = {"expunged_local": 1, "expunged_remote": 1}
        self._sync(copied_local=copied, copied_remote=copied, **gone)
        held = local.snapshot()
        assert_alike(held, remote.snapshot())
        equal(mail.count(held), EACH * len(THERE + HERE) - 2 + 2 * copied, "messages")
        flags = [set(kept) for _, kept, _ in held["Sent"].elements()]
        both = sum({"later", r"\answered"} <= kept for kept in flags)
        holds(both >= EACH - 1, f"{both} messages with the flags of both sides")
        equal(self._sync(), {}, "steps of another sync")


def assert_alike(one, other):
    lines = mail.differences(one, other)
    holds(not lines, "they differ:\n" + "\n".join(lines[:20]))


def capabilities(session):
    """What a Dovecot has if nothing is taken away."""
    conn = session.remote_connection()
    words = mail.must(conn.capability())[0].decode().split()
    conn.logout()
    return words


def main():
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool, Session() as session:
        words = capabilities(session)
        which = list(itertools.product(STORAGES, WAYS))
        servers = {(storage, way): Server(session, storage, way, words) for storage, way in which}
        comment(f"{len(servers)} servers after {time.monotonic() - begin:.1f} s")
        which = itertools.product(STORAGES, TRANSPORTS, WAYS)
        cells = chosen([Cell(session, servers, *cell) for cell in which])
        for cell in cells:
            cell.start(pool)
        failed = report("matrix", cells)
        for server in servers.values():  # all at once, as each takes a second to end
            server.process.terminate()
    comment(f"{len(cells)} cells in {time.monotonic() - begin:.1f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
