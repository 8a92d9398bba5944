#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""While everything is traced, no secret gets out: neither what logs in, by whatever mechanism, nor
what messages say, into no log, no message of the bus, no process, no file and no core dump."""

import base64
import dataclasses
import json
import os
import pathlib
import random
import shlex
import socket
import string
import subprocess
import urllib.parse

import dbus
import dbus.lowlevel

import mail
from front import Front
from harness import wait_for
from logins import Tokens, make_token
from servers import Dovecot
from sinks import JOURNAL, Processes, Search, Watched, enter_own_run, has_own_run
from tap import Skip, equal, holds, run
from transport import COMPRESSING

chance = random.SystemRandom()

# All that takes part in some quoting or escaping, but for the separator of Dovecot's file of users.
ASCII = string.ascii_letters + string.digits + "\"\\%$'{}()=+/&*?! "
ANY = ASCII + "éßñ密码ж"
WORD = string.ascii_letters + string.digits


def some(letters, n=24):
    """New, without spaces at its ends, as these do not survive every file, and with what tells the
    letters apart: of those beyond ASCII there is always one."""
    others = [letter for letter in letters if not letter.isascii()]
    middle = [chance.choice(letters) for _ in range(n - 2)]
    if others:
        middle[chance.randrange(len(middle))] = chance.choice(others)
    return "".join([chance.choice(WORD), *middle, chance.choice(WORD)])


# -- the mechanisms ------------------------------------------------------------------------------

CAPABILITY = (
    "IMAP4rev1 LITERAL+ ENABLE CONDSTORE QRESYNC UIDPLUS MULTIAPPEND NAMESPACE ESEARCH MOVE "
    "LIST-EXTENDED LIST-STATUS SPECIAL-USE"
)
NO_INITIAL_RESPONSE = f"imap_capability = {CAPABILITY}\n"
NO_LITERAL_PLUS = NO_INITIAL_RESPONSE.replace(" LITERAL+", "")


@dataclasses.dataclass
class Way:
    """One way to log in. `traced`: what the trace has to hold, so that one knows it was gone;
    `markers`: what else of the exchange must not be seen, if it is known."""

    name: str
    traced: str
    auth: str = ""
    server: str = ""
    letters: str = ASCII
    scheme: str = "imaps"
    settings: tuple = ()
    command: str = ""  # the key that names a command which prints the secret
    make: object = None  # a function that returns a new secret
    tunnel: bool = False
    wrong: bool = False  # the server has another one
    tokens: bool = False  # the secret is a token
    front: str = ""  # the server stands behind one that binds SCRAM with this hash to its TLS
    certificate: bool = False
    journal: bool = True
    markers: tuple = ()


OFFERED = "auth_mechanisms = plain login scram-sha-1 scram-sha-256\n"
SCRAM = (b"c=biws,r=", b"n,,n=someone,r=")
BOUND = (b"p=tls-unique,,n=someone,r=",)

NO_COMMAND = "imap_capability = +LOGINDISABLED\n"


def by_token(mechanism, setting):
    """From the keyring and from a command, and one that has become too old."""
    traced = f"AUTHENTICATE {mechanism.upper()} ["
    good, old = lambda: make_token(3600), lambda: make_token(-60)
    return [
        Way(f"{mechanism}-of-the-keyring", traced, mechanism, make=good, tokens=True),
        Way(mechanism, traced, settings=(setting,), command="token-command", make=good, tokens=True),
        Way(
            *(f"{mechanism}-refused", traced),
            settings=(setting,),
            command="token-command",
            make=old,
            wrong=True,
            tokens=True,
        ),
    ]


WAYS = [
    Way("login", "LOGIN [9 octets] [", "login"),
    Way("login-in-a-file", "LOGIN [9 octets] [", "login", journal=False),
    Way("login-by-a-literal", "LOGIN [9 octets] {", "login", letters=ANY),
    Way("login-by-a-literal-that-waits", "LOGIN [9 octets] {", "login", NO_LITERAL_PLUS, ANY),
    Way("login-refused", "LOGIN [9 octets] [", "login", wrong=True),
    Way("plain", "AUTHENTICATE PLAIN [", "plain", letters=ANY),
    Way("plain-without-an-initial-response", "AUTHENTICATE PLAIN", "plain", NO_INITIAL_RESPONSE, ANY),
    Way("plain-refused", "AUTHENTICATE PLAIN [", "plain", letters=ANY, wrong=True),
    Way("scram-sha-1", "AUTHENTICATE SCRAM-SHA-1 [", "scram-sha-1", OFFERED, markers=SCRAM),
    Way("scram-sha-256", "AUTHENTICATE SCRAM-SHA-256 [", "scram-sha-256", OFFERED, markers=SCRAM),
    Way(
        *("scram-sha-256-without-an-initial-response", "AUTHENTICATE SCRAM-SHA-256"),
        *("scram-sha-256", OFFERED + NO_INITIAL_RESPONSE),
        markers=SCRAM,
    ),
    Way(
        *("scram-sha-256-refused", "AUTHENTICATE SCRAM-SHA-256 [", "scram-sha-256", OFFERED),
        wrong=True,
        markers=SCRAM,
    ),
    Way("scram-sha-1-plus", "AUTHENTICATE SCRAM-SHA-1-PLUS [", front="SHA-1", markers=BOUND),
    Way("scram-sha-256-plus", "AUTHENTICATE SCRAM-SHA-256-PLUS [", front="SHA-256", markers=BOUND),
    Way("mechanism-login", "AUTHENTICATE LOGIN", "login", OFFERED + NO_COMMAND, ANY),
    Way("mechanism-login-refused", "AUTHENTICATE LOGIN", "login", OFFERED + NO_COMMAND, wrong=True),
    *by_token("oauthbearer", "remote.compress=no"),
    *by_token("xoauth2", "remote.auth=xoauth2"),
    Way("external", "AUTHENTICATE EXTERNAL", "external", certificate=True),
    Way("starttls", "STARTTLS", scheme="imap"),
    Way("compressed", "COMPRESS DEFLATE", server=COMPRESSING, settings=("remote.compress=yes",)),
    Way("password-command", "LOGIN [9 octets] [", "login", command="password-command"),
    Way("password-command-refused", "LOGIN [9 octets] [", "login", command="password-command", wrong=True),
    Way("tunnel", "LOGIN [9 octets] [", "login", tunnel=True),
]

BY_CERTIFICATE = """\
ssl_ca = <{authority}
ssl_verify_client_cert = yes
ssl_require_crl = no
auth_ssl_username_from_cert = yes
auth_mechanisms = plain external
passdb {{
  driver = static
  mechanisms = external
  args = nopassword=y
}}
"""


def serve_certificates(session):
    person = session.top / "person"
    session.authority.issue_person(person, Dovecot.USER)
    session.remote.stop()
    with open(session.remote.top / "dovecot.conf", "a", encoding="utf-8") as file:
        file.write(BY_CERTIFICATE.format(authority=session.authority.certificate))
    session.remote.start()
    return [f"remote.client-cert={person}.pem", f"remote.client-key={person}.key"]


def place(way, session):
    """The settings that say where the remote side is."""
    remote = session.remote
    if way.tunnel:
        command = (
            f"openssl s_client -quiet -verify_quiet -verify_return_error "
            f"-CAfile {session.authority.certificate} -connect 127.0.0.1:{remote.port}"
        )
        return ["remote.type=tunnel", f"remote.command={command}", f"remote.username={remote.USER}"]
    if way.front:
        return Front(remote, way.front).settings()
    port = remote.port if way.scheme == "imaps" else remote.starttls_port
    return [*remote.settings("remote"), f"remote.type={way.scheme}", f"remote.port={port}"]


def add(way, session, password):
    settings = [*place(way, session), *way.settings]
    if way.auth:
        settings.append(f"remote.auth={way.auth}")
    if way.certificate:
        settings += serve_certificates(session)
    if way.command:
        # Where the search does not look; it is slow, so that it is seen.
        kept = session.remote.top / "password"
        kept.write_text(password + "\n", encoding="utf-8")
        script = f"sleep 0.2; cat {kept}"
        settings.append(f"remote.{way.command}=sh -c {shlex.quote(script)}")
    words = [word for setting in settings for word in ("--set", setting)]
    typed = "" if way.command or way.certificate else password + "\n"
    session.ctl("add", "work", *words, stdin=typed, status=1 if way.wrong else 0)


# -- what messages say ---------------------------------------------------------------------------


def message():
    """A message all of whose words are secret, and these."""
    words = [some(WORD) for _ in range(6)]
    sender, recipient, subject, number, header, body = words
    text = (
        f"From: {sender} <{sender}@example.net>\r\nTo: {recipient}@example.net\r\n"
        f"Subject: {subject}\r\nMessage-ID: <{number}@example.net>\r\nX-Word: {header}\r\n"
        f"Date: Mon, 2 Nov 2026 10:00:00 +0000\r\n\r\n{body}\r\n"
    )
    return mail.Message(text.encode(), (), chance.randrange(10**9)), [word.encode() for word in words]


def exchange(session):
    """Syncs mail that goes both ways, and returns all its words."""
    secret = []
    for connect in (session.remote_connection, session.local_connection):
        for _ in range(3):
            held, words = message()
            mail.fill(connect(), "INBOX", [held])
            secret += words
        session.sync()
    equal(mail.select(session.remote_connection(), "INBOX"), 6, "messages at the end")
    return secret


# -- the claims ----------------------------------------------------------------------------------


def check_trace(way, session):
    text = session.log().decode("utf-8", "replace")
    holds("imap work remote > a" in text, "nothing of the protocol is traced")
    holds(way.traced in text, f"no {way.traced!r} in the trace")
    if not way.wrong:
        holds("imap work local > " in text, "nothing of the local side is traced")
        holds("BODY[] [" in text and "> [" in text, "no body in the trace")
        holds("engine work - round 1" in text, "no step of a pass is traced")
    holds("pump work - waited " in text and "pump work - closes " in text, "no wait is traced")
    if session.journal:
        entries = [entry for entry in session.journal.entries if entry.get("IMAPSYNC_TOPIC") == b"imap"]
        for entry in entries:
            equal(entry["IMAPSYNC_ACCOUNT"], b"work", "account of a line")
            holds(entry["IMAPSYNC_SIDE"] in (b"local", b"remote"), "the side of a line")


def check_processes(way, session):
    names = session.watched[-1].names
    for name in [*["sleep"] * bool(way.command), *["openssl"] * way.tunnel]:
        holds(name in names, f"{name} was not looked at, but {names}")
    try:
        pathlib.Path(f"/proc/{session.daemon.pid}/environ").read_bytes()
    except PermissionError:
        return
    raise AssertionError("the daemon's memory can be read")


def check_core(session):
    """It may dump core as much as it likes."""
    limits = pathlib.Path(f"/proc/{session.daemon.pid}/limits").read_text()
    line = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    equal(line.split()[4:6], ["0", "0"], "limits of a core dump")
    holds(not session.dumps(session.daemon), "the daemon has dumped core")


def secrets_stay(way):
    make = way.make or (lambda: some(way.letters))
    password, other = make(), make()
    known = Dovecot.PASSWORD if way.tokens else other if way.wrong else password
    with Watched(way.journal, settings=way.server, password=known) as session:
        if way.tokens:
            Tokens(session)
        add(way, session, password)
        words = [] if way.wrong else exchange(session)
        if way.wrong:
            job = session.start_sync()
            equal(job.wait(60)[0], "failed", "the sync with a wrong password")
            equal(job.error(), "AuthFailed", "its error")
        check_processes(way, session)
        check_core(session)
        equal(session.hits(Search([password.encode(), other.encode()]), of_mail=True), [], "the password")
        equal(session.hits(Search(words)), [], "words of messages")
        for marker in way.markers:
            for form in (marker, base64.b64encode(marker)[: len(marker) * 8 // 6]):
                holds(form not in session.log(), "a response of the login is in the log")
        check_trace(way, session)


def claim(way):
    def scenario():
        secrets_stay(way)

    scenario.__name__ = f"secrets_stay_with_{way.name.replace('-', '_')}"
    return scenario


def words_of_headers_stay():
    """They are looked at when a copy was interrupted."""
    with Watched() as session:
        session.add()
        session.sync()
        held, words = message()
        local = session.local_connection()
        mail.fill(local, "INBOX", [held._replace(epoch=epoch) for epoch in range(2000)])
        job = session.start_sync()
        wait_for(lambda: job.messages_done() > 0, "the first message")
        session.kill_daemon()
        session.start_daemon()
        session.sync()
        log = session.log()
        holds(b"< * " in log and b"BODY[HEADER.FIELDS" in log, "no header was asked for")
        equal(session.hits(Search(words)), [], "words of messages")


# -- the test itself -----------------------------------------------------------------------------


def each_place(session):
    """Ways to put octets where they must not be: name, and function."""

    def in_a_field(octets):
        entry = b"MESSAGE=hello\nFIELD\n" + len(octets).to_bytes(8, "little") + octets + b"\n"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(str(JOURNAL / "socket"))
            sender.send(entry)

    def in_words(octets):
        with session.journal.connect() as stream:
            stream.sendall(octets)

    def on_the_bus(octets):
        sent = dbus.lowlevel.SignalMessage("/", "org.example", "Told")
        sent.append(dbus.ByteArray(octets), signature="ay")
        session.bus.send_message(sent)
        session.bus.flush()

    def in_a_file(octets):
        (session.top / "state" / "planted.db-wal").write_bytes(octets)

    def in_a_command_line(octets):
        look_at(["sh", "-c", "sleep 1; exit", "sh", octets])

    def in_an_environment(octets):
        look_at(["sh", "-c", "sleep 1; exit"], {**os.environb, b"PLANTED": octets})

    def look_at(command, environment=None):
        with subprocess.Popen(command, env=environment) as child:
            session.watched.append(Processes(child.pid))

    in_the_journal = [in_a_field, in_words] if session.journal else []
    return [*in_the_journal, on_the_bus, in_a_file, in_a_command_line, in_an_environment]


def what_is_planted_is_found():
    with Watched(keyring=False) as session:
        for plant in each_place(session):
            secret = some(ANY).encode()
            search = Search([secret])
            equal(session.hits(search), [], "found before it was planted")
            plant(b"words " + secret + b" words")
            holds(session.hits(search), f"not found {plant.__name__}")


def the_journal_is_watched():
    if not has_own_run():
        raise Skip("no mount namespace can be had here: the other claims hold for a file")


def each_form_is_found():
    """Also a part, as lines are cut, and whatever stands around it before it is encoded."""
    for letters in (ASCII, ANY):
        text = some(letters)
        secret, search = text.encode(), Search([text.encode()])
        around = [b"", b"\0someone\0", b"n,a=someone,\1auth=Bearer ", b"x", b"yz"]
        written = [base64.b64encode(before + secret + b"\1\1") for before in around]
        written += [base64.urlsafe_b64encode(before + secret) for before in around]
        written += [secret[:12], secret[-12:], secret.hex().encode(), json.dumps(text).encode()]
        written += [urllib.parse.quote(text).encode(), repr(secret).encode(), repr(text).encode()]
        written += [secret.replace(b"\\", b"\\\\").replace(b'"', b'\\"')]
        for octets in written:
            holds(search.hits("it", b"before " + octets + b" behind"), f"{octets} was not found")
        equal(search.hits("it", some(letters, 2000).encode()), [], "found in other octets")


def what_may_dump_core_does():
    with Watched(keyring=False) as session:
        other = session.dumping(["sleep", "60"])
        wait_for(lambda: pathlib.Path(f"/proc/{other.pid}/comm").read_text() == "sleep\n", "sleep")
        if not session.dumps(other):
            raise Skip("nobody dumps core here")
        holds(not session.dumps(session.daemon), "the daemon has dumped core")


if __name__ == "__main__":
    enter_own_run()
    run(
        "secrecy",
        [
            *map(claim, WAYS),
            words_of_headers_stay,
            the_journal_is_watched,
            what_is_planted_is_found,
            each_form_is_found,
            what_may_dump_core_does,
        ],
    )
