#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""What a hostile server says ends in a typed error, or is passed over, within its deadline and in
little memory. Nothing changes on the other side, no file comes to be outside of the account's
folders, and before TLS and login no secret is sent.

The local side is the embedded store, with mail that was synced while the server still behaved."""

import base64
import contextlib
import hashlib
import os
import pathlib
import re
import time
import zlib

import mail
from harness import Session
from impostor import Impostor, Message, Talk
from tap import comment, equal, holds, run

NAME = "victim"
DEADLINE = 60
PEAK = 64 << 20
HUGE = 1 << 30


def exactly(conn):
    """All that a side holds, UIDs as well."""
    held = {}
    for name in sorted(mail.names(conn)):
        held[name] = []
        if mail.select(conn, name, readonly=True) == 0:
            continue
        for line in mail.must(conn.fetch("1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")):
            if isinstance(line, tuple):
                held[name].append((line[0], hashlib.sha256(line[1]).hexdigest()))
    conn.logout()
    return held


def paths(top):
    """All files under a directory, but for what the account's own folders hold."""
    found = set()
    for folder, folders, files in os.walk(top):
        inside = pathlib.Path(folder)
        folders[:] = [name for name in folders if (inside / name) != top / "data/imapsync" / NAME]
        found |= {str(inside / name) for name in folders + files if not name.startswith(NAME)}
    return {path for path in found if "/remote/" not in path and "/runtime/" not in path}


class Stage:
    """A session with a good account, and one on an impostor that has behaved until now."""

    def __init__(self, implicit=True, settings=()):
        self.implicit, self.settings = implicit, settings
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        self.session = self.stack.enter_context(Session())
        try:
            self._set_up()
        except BaseException:
            self.stack.close()
            raise
        return self

    def _set_up(self):
        session = self.session
        conn = session.remote_connection()
        mail.fill(conn, "INBOX", mail.Corpus(7).messages(3))
        conn.logout()
        session.add()
        session.sync()
        authority = session.authority
        self.server = self.stack.enter_context(
            Impostor(session.top / "impostor", authority, self.implicit)
        )
        settings = [f"remote.ca-file={authority.certificate}", *self.settings]
        words = [word for setting in settings for word in ("--set", setting)]
        session.ctl("add", NAME, self.server.url(), *words, stdin=Impostor.PASSWORD + "\n")
        session.sync(NAME)
        self.before = self.local()
        equal(len(self.before["INBOX"]), len(self.server.messages), "messages before")

    def __exit__(self, *_):
        self.stack.close()

    def local(self):
        return exactly(self.session.local_connection(NAME))

    def log(self):
        return (self.session.top / "daemon.log").read_bytes()

    def attack(self, talk):
        """Syncs with a server that talks so; returns the job, which has ended in time, and its
        result. Until now the daemon never took much memory."""
        session, server = self.session, self.server
        session.forget_offers(NAME)  # else the login goes ahead, and is not talked into anything
        there = paths(session.top)
        del server.received[:]
        server.talk = talk
        begin = time.monotonic()
        job = session.start_sync(NAME)
        result, _ = job.wait(DEADLINE)
        took, peak = time.monotonic() - begin, session.memory("VmHWM")
        words = f"{job.error()} {job.get('Error')[1]}"
        comment(f"{talk.__name__}: {result} {words} {took:.1f} s, {peak / 2**20:.1f} MiB")
        holds(took < DEADLINE, f"{took:.0f} s")
        holds(peak < PEAK, f"a peak of {peak >> 20} MiB")
        holds(Impostor.PASSWORD not in words, "the password is told")
        equal(server.failures, [], "failures of the script")
        equal(sorted(paths(session.top) - there), [], "files outside")
        return job, result

    def ends(self, talk, *errors):
        """The sync ends in one of these errors, and nothing has changed."""
        job, result = self.attack(talk)
        holds(result in ("failed", "offline"), f"{talk.__name__} ended {result}")
        holds(job.error() in errors, f"{talk.__name__} ended in {job.error()}")
        self.is_unharmed()

    def fails_alone(self, talk):
        """One mailbox fails with an issue, and nothing has changed."""
        _, result = self.attack(talk)
        equal(result, "partial", f"the end of {talk.__name__}")
        issues = self.session.issues(NAME)
        holds(any(issue["kind"] == "mailbox-failed" for issue in issues), f"no issue in {issues}")
        self.is_unharmed()

    def is_unharmed(self):
        equal(self.local(), self.before, "what the local side holds")
        self.works_on()

    def works_on(self):
        """The daemon lives, and serves others and this account once the server behaves."""
        equal(self.session.daemon.poll(), None, "the daemon's exit status")
        self.session.sync()
        self.session.assert_equal()

    def recovers(self):
        self.server.talk = Talk
        self.session.sync(NAME)
        equal(len(self.local()["INBOX"]), len(self.server.messages), "messages in the end")

    def keeps_secret(self):
        login = f"\0{Impostor.USER}\0{Impostor.PASSWORD}".encode()
        password = Impostor.PASSWORD.encode()
        for secret in (password, base64.b64encode(password), base64.b64encode(login)):
            holds(secret not in self.server.received, "the password was sent")
        holds(password not in self.log(), "the password stands in the log")


def each(attacks, *errors, deliver=True, **stage):
    """Each of these ends in one of the errors."""
    with Stage(**stage) as at:
        if deliver:
            at.server.deliver()
        for attack in attacks:
            at.ends(attack, *errors)
        at.recovers()


# -- before TLS ----------------------------------------------------------------------------------


class DataBehindStarttls(Talk):
    def on_starttls(self, tag, _):
        self.send(f"{tag} OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n".encode())
        self.begin_tls()


class PreauthInClear(Talk):
    def greet(self):
        self.say(f"* PREAUTH [CAPABILITY {Talk.CAPABILITIES}] welcome")


class CapabilitiesBeforeTls(Talk):
    """What is offered in the clear is not what counts."""

    def capabilities(self):
        if not self.secure:
            return f"{Talk.CAPABILITIES} STARTTLS AUTH=PLAIN SASL-IR"
        return f"{Talk.CAPABILITIES} LOGINDISABLED"


class LoginInClear(Talk):
    def capabilities(self):
        return f"{Talk.CAPABILITIES} AUTH=PLAIN SASL-IR"


def before_tls(talk, error):
    with Stage(implicit=False) as at:
        at.ends(talk, error)
        at.keeps_secret()
        at.recovers()


def data_behind_the_ok_to_starttls_ends_the_connection():
    before_tls(DataBehindStarttls, "Protocol")


def preauth_in_the_clear_is_refused():
    before_tls(PreauthInClear, "Protocol")


def preauth_over_a_network_is_refused():
    with Stage() as at:
        at.ends(PreauthInClear, "Protocol")
        at.keeps_secret()


def capabilities_in_the_clear_are_forgotten():
    before_tls(CapabilitiesBeforeTls, "ServerUnsupported")


def without_starttls_no_password_is_sent():
    before_tls(LoginInClear, "ServerUnsupported")


# -- too much ------------------------------------------------------------------------------------

PIECE = b"x" * 65536


class EndlessGreeting(Talk):
    def greet(self):
        self.send(b"* OK ")
        self.for_ever(PIECE)


class EndlessLine(Talk):
    def in_list(self):
        self.send(b'* LIST () "/" ')
        self.for_ever(PIECE)


class EndlessReply(Talk):
    def on_enable(self, tag, _):
        self.send(f"{tag} OK ".encode())
        self.for_ever(PIECE)


class EndlessKeyword(Talk):
    def in_select(self):
        self.send(b"* FLAGS (")
        self.for_ever(PIECE)


def endless_lines_end():
    each([EndlessGreeting, EndlessLine, EndlessReply], "Protocol")
    with Stage() as at:
        at.server.deliver()
        at.fails_alone(EndlessKeyword)
        at.recovers()


class Literal(Talk):
    SIZE = 1 << 63

    def in_list(self):
        self.send(b'* LIST () "/" {%d}\r\n' % self.SIZE)
        self.for_ever(PIECE)


class LiteralOf4GiB(Literal):
    SIZE = 1 << 32


class LiteralJustTooLarge(Literal):
    SIZE = (64 << 10) + 1


class Body(Talk):
    SIZE = 1 << 63

    def body_line(self, line, message):
        return line.encode() + b" BODY[] {%d}\r\n" % self.SIZE


class BodyOf4GiB(Body):
    SIZE = 1 << 32


class BodyThatEnds(Body):
    """Announced larger than it is."""

    SIZE = 1 << 20

    def say_message(self, message, items):
        super().say_message(message, items)
        if "BODY.PEEK[]" in items:
            self.sock.close()


def literals_of_any_size_end():
    each([Literal, LiteralOf4GiB, LiteralJustTooLarge], "Protocol")


def a_body_of_any_size_fails_its_mailbox():
    with Stage() as at:
        at.server.deliver()
        for attack in (Body, BodyOf4GiB, BodyThatEnds):
            at.fails_alone(attack)
        at.recovers()


DEEP = b"(" * 10_000


class DeepList(Talk):
    def in_list(self):
        self.say(b"* LIST " + DEEP + b")" * 10_000 + b' "/" INBOX')


class DeepFetch(Talk):
    def in_list(self):
        self.say(b"* 1 FETCH (UID 1 ENVELOPE " + DEEP + b")" * 10_000 + b")")


class DeepWithoutEnd(Talk):
    def in_list(self):
        self.send(b"* XANADU ")
        self.for_ever(DEEP)


def nesting_ends():
    each([DeepList, DeepFetch, DeepWithoutEnd], "Protocol")


class ManyMailboxes(Talk):
    def in_list(self):
        for first in range(0, 1 << 22, 1000):
            lines = [f'* LIST () "/" box{number}\r\n' for number in range(first, first + 1000)]
            self.send("".join(lines).encode())


class ManyStatuses(Talk):
    def in_list(self):
        for first in range(0, 1 << 22, 1000):
            lines = [f"* STATUS box{number} (MESSAGES 1)\r\n" for number in range(first, first + 1000)]
            self.send("".join(lines).encode())


class ManySpaces(Talk):
    CAPABILITIES = Talk.CAPABILITIES + " NAMESPACE"

    def on_namespace(self, tag, _):
        self.say(b"* NAMESPACE (" + b'("" "/")' * 100_000 + b") NIL NIL")
        for _ in range(1000):
            self.say(b"* NAMESPACE (" + b'("" "/")' * 100_000 + b") NIL NIL")
        self.ok(tag)


def more_mailboxes_than_anybody_has_end():
    each([ManyMailboxes, ManyStatuses, ManySpaces], "Protocol")


class ManyMessages(Talk):
    """More than are said to be there."""

    def in_fetch(self, items):
        for first in range(1000, 1 << 22, 1000):
            lines = [
                f"* 1 FETCH (UID {uid} FLAGS () INTERNALDATE {Message(1).date} RFC822.SIZE 1)\r\n"
                for uid in range(first, first + 1000)
            ]
            self.send("".join(lines).encode())


class ManyKeywords(Talk):
    def in_fetch(self, items):
        words = " ".join(f"{number:03}{'k' * 250}" for number in range(1000))
        for uid in range(1000, 1 << 20):
            self.say(f"* 1 FETCH (UID {uid} FLAGS ({words}))")


class ManyVanished(Talk):
    def in_select(self):
        for first in range(1, 1 << 32, 200_000):
            self.say("* VANISHED (EARLIER) " + ",".join(map(str, range(first, first + 200_000, 2))))


class ManyFound(Talk):
    CAPABILITIES = Talk.CAPABILITIES.replace(" ESEARCH", "")

    def in_select(self):
        for first in range(1, 1 << 32, 200_000):
            self.say("* SEARCH " + " ".join(map(str, range(first, first + 200_000, 2))))


def more_messages_than_anybody_has_fail_their_mailbox():
    with Stage() as at:
        at.server.deliver()
        for attack in (ManyMessages, ManyKeywords, ManyVanished, ManyFound):
            at.fails_alone(attack)
        at.recovers()


class BombOfALine(Talk):
    CAPABILITIES = Talk.CAPABILITIES + " COMPRESS=DEFLATE"
    HEAD = b"* OK "
    FILLING = b"x" * (1 << 20)

    def on_select(self, tag, rest):
        holds(self.deflater is not None, "nothing is compressed")
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.sock.sendall(packer.compress(self.HEAD))
        for _ in range(HUGE // len(self.FILLING)):
            self.sock.sendall(packer.compress(self.FILLING))
        self.sock.sendall(packer.flush(zlib.Z_FULL_FLUSH))
        while self.sock.recv(65536):
            pass


class BombOfLines(BombOfALine):
    FILLING = b"* OK hello\r\n" * 10_000


class BombOfGarbage(BombOfALine):
    """No deflated stream at all."""

    def on_select(self, tag, rest):
        self.sock.sendall(b"\xff" * 100_000)


def bombs_of_deflate_end():
    with Stage(settings=["remote.compress=yes"]) as at:
        at.server.deliver()
        for attack in (BombOfALine, BombOfLines, BombOfGarbage):
            at.fails_alone(attack)
        at.recovers()


# -- numbers -------------------------------------------------------------------------------------


class VanishedAll(Talk):
    """All has vanished, says the delta; all is there, says the rest."""

    def in_select(self):
        self.say("* VANISHED (EARLIER) 1:4294967295")


class VanishedAllAndGone(VanishedAll):
    """One lie that holds together: the mailbox is empty."""

    def exists(self):
        return 0

    def chosen(self, numbers):
        return []

    def status(self, name):
        return super().status(name, MESSAGES=0)


def all_vanished_is_not_believed_against_the_rest():
    with Stage() as at:
        at.server.modseq += 1
        _, result = at.attack(VanishedAll)
        equal(result, "done", "the end")
        at.is_unharmed()


def all_vanished_waits_for_the_user():
    with Stage() as at:
        at.server.modseq += 1
        _, result = at.attack(VanishedAllAndGone)
        holds(result in ("done", "partial"), f"ended {result}")
        kinds = [str(issue["kind"]) for issue in at.session.issues(NAME)]
        equal(kinds, ["deletions"], "the issues")
        at.is_unharmed()


class UidZeroFetched(Talk):
    def facts(self, message):
        return re.sub(r"UID \d+", "UID 0", super().facts(message))


class UidZeroVanished(Talk):
    def in_select(self):
        self.say("* VANISHED (EARLIER) 0:7")


class UidZeroNext(Talk):
    def select_codes(self):
        return {"UIDNEXT": 0}


class UidZeroValidity(Talk):
    def select_codes(self):
        return {"UIDVALIDITY": 0}


class UidZeroListed(Talk):
    def status(self, name):
        return super().status(name, UIDNEXT=0)


class ModseqSelected(Talk):
    def select_codes(self):
        return {"HIGHESTMODSEQ": 2**64 - 1}


class ModseqFetched(Talk):
    def facts(self, message):
        return f"{super().facts(message)} MODSEQ ({2**64 - 1})"


class ModseqListed(Talk):
    def status(self, name):
        return super().status(name, HIGHESTMODSEQ=2**64 - 1)


def a_uid_of_0_ends():
    with Stage() as at:
        _, result = at.attack(UidZeroListed)  # as good as none
        equal(result, "done", "the end")
        at.is_unharmed()
        at.server.deliver()
        for attack in (UidZeroFetched, UidZeroVanished, UidZeroNext, UidZeroValidity):
            at.fails_alone(attack)
        at.recovers()


def a_modseq_of_64_bits_ends():
    each([ModseqListed], "Protocol")
    with Stage() as at:
        at.server.deliver()
        for attack in (ModseqSelected, ModseqFetched):
            at.fails_alone(attack)
        at.recovers()


# -- octets --------------------------------------------------------------------------------------


class NulInName(Talk):
    def in_list(self):
        self.say(b'* LIST () "/" {3}\r\na\0b')


class NulInLine(Talk):
    def in_list(self):
        self.say(b'* LIST () "/" "a\0b"')


class NulInAlert(Talk):
    def in_list(self):
        self.say(b"* NO [ALERT] a\0b")


class NulInKeyword(Talk):
    def facts(self, message):
        return super().facts(message).replace("FLAGS (", "FLAGS (a\0b ")


class Controls(Talk):
    """In an ALERT, in the names of mailboxes, in keywords."""

    def in_list(self):
        self.say(b"* NO [ALERT] \x1b[31mred\x07\x08 \x9b31m \xc2\x9b31m \xe2\x80\xaenrut")
        self.say(b'* LIST () "/" "a\x1b[31mred"', b'* LIST () "/" {4}\r\nb\r\nc')
        self.say(b'* LIST () "/" "&ABs-escape"', b'* LIST () "/" "\xff\xfe"')

    def facts(self, message):
        return super().facts(message).replace("FLAGS (", "FLAGS (a\x1b[31m \x7f ok ")


def nul_ends():
    each([NulInLine, NulInAlert], "Protocol")


def nul_in_a_name_names_nothing():
    with Stage() as at:
        at.server.deliver()
        for attack in (NulInName, NulInKeyword):
            at.attack(attack)
            at.works_on()


def controls_are_never_shown():
    with Stage() as at:
        at.server.deliver()
        at.attack(Controls)
        held = at.local()
        equal(held["INBOX"][:6], at.before["INBOX"], "what was there")
        holds(set(held) == {"INBOX"}, f"mailboxes {set(held)}")
        issues = at.session.issues(NAME)
        shown = repr(issues) + at.session.ctl("issue", "list", NAME, status=None).stdout
        for text in (shown, at.log().decode(errors="surrogateescape")):
            bad = re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\udc00-\udfff]", text)
            equal(bad, [], "control characters")
        at.works_on()


PATHS = ("../x", "~x", "/etc/passwd", "../../../escape", "a/../../../b", "~/y", ".", "..", "a//b")


class PathNames(Talk):
    def in_list(self):
        for name in PATHS:
            self.say(f'* LIST () "/" "{name}"', self.status(f'"{name}"', MESSAGES=0, UIDNEXT=1))

    def on_select(self, tag, rest):
        if rest.startswith("INBOX") or rest.startswith('"INBOX'):
            super().on_select(tag, rest)
        else:
            self.say("* 0 EXISTS", "* OK [UIDVALIDITY 7] told", "* OK [UIDNEXT 1] told")
            self.say("* OK [HIGHESTMODSEQ 1] told")
            self.ok(tag)

    def chosen(self, numbers):
        return []


def names_are_no_paths():
    with Stage() as at:
        there = set(pathlib.Path("/etc").iterdir()), pathlib.Path("/etc/passwd").read_bytes()
        _, result = at.attack(PathNames)
        equal(result, "partial", "the end")
        equal(len(at.session.issues(NAME)), len(PATHS), "issues")
        now = set(pathlib.Path("/etc").iterdir()), pathlib.Path("/etc/passwd").read_bytes()
        equal(now, there, "what is in /etc")
        at.is_unharmed()


# -- order ---------------------------------------------------------------------------------------


class UntaggedBad(Talk):
    def in_list(self):
        self.say("* BAD you", "* NO never")

    in_select = in_list

    def in_fetch(self, items):
        self.in_list()


def untagged_bad_is_passed_over():
    with Stage() as at:
        at.server.deliver()
        _, result = at.attack(UntaggedBad)
        equal(result, "done", "the end")
        at.recovers()
        at.works_on()


class GarbageBehindBye(Talk):
    def in_list(self):
        self.say(b"* BYE go away")
        self.for_ever(bytes(range(1, 256)) * 256)


class LinesBehindBye(Talk):
    def in_list(self):
        self.say(b"* BYE go away")
        self.for_ever(b"* OK and another thing\r\n" * 1000)


def garbage_behind_bye_ends():
    each([GarbageBehindBye, LinesBehindBye], "Protocol", "Offline")


class UnknownTag(Talk):
    def in_list(self):
        self.ok("a99")


class TagAgain(Talk):
    def on_enable(self, tag, _):
        super().on_enable(tag, _)
        self.ok(tag)


class TagOfNothing(Talk):
    def greet(self):
        super().greet()
        self.ok("a1")
        self.ok("a1")


def an_answer_to_what_was_not_sent_ends():
    each([UnknownTag, TagAgain, TagOfNothing], "Protocol")


# -- what goes on to the other side --------------------------------------------------------------

INJECTED = b"x1 CREATE Injected\r\nx2 DELETE INBOX\r\nx3 CREATE Injected2\r\n"


class Injecting(Talk):
    """Flags and dates that Dovecot calls bad without skipping the message, which it then takes for
    commands."""

    FLAGS, DATE = r"\Recent \Foo \Seen", None

    def facts(self, message):
        told = super().facts(message)
        if self.FLAGS:
            told = re.sub(r"FLAGS \([^)]*\)", lambda _: f"FLAGS ({self.FLAGS})", told)
        if self.DATE:
            told = re.sub('INTERNALDATE "[^"]*"', lambda _: f"INTERNALDATE {self.DATE}", told)
        return told


class InjectingKeyword(Injecting):
    FLAGS = "{34}\r\nx) {3+}\r\nabc\r\nx1 CREATE Injected\r\n ok"


class InjectingQuoted(Injecting):
    FLAGS = '"a) {5}" ok{5+} ]x'


class InjectingDate(Injecting):
    FLAGS, DATE = None, '"1-Jan-2020 00:00:00 +0000" {5+}'


class InjectingDateInside(Injecting):
    FLAGS, DATE = None, '"01-Jan-2020 00:00:00 +0000) {5+}"'


class InjectingDateOutOfRange(Injecting):
    FLAGS, DATE = None, '"99-Foo-99999 77:00:00 +9999"'


def a_message_is_never_run_as_commands():
    with Stage() as at:
        for attack in (
            *(Injecting, InjectingKeyword, InjectingQuoted),
            *(InjectingDate, InjectingDateInside, InjectingDateOutOfRange),
        ):
            at.server.deliver(body=INJECTED)
            at.attack(attack)
            held = at.local()
            equal(set(held), {"INBOX"}, f"mailboxes after {attack.__name__}")
            equal(held["INBOX"][:6], at.before["INBOX"], "what was there")
            for line, digest in held["INBOX"][6:]:
                holds(re.search(rb"FLAGS \((\\Seen|ok|)\)", line), f"flags of {line}")
                equal(digest, hashlib.sha256(INJECTED).hexdigest(), "the text")
            at.works_on()


if __name__ == "__main__":
    run(
        "hostile",
        [
            data_behind_the_ok_to_starttls_ends_the_connection,
            preauth_in_the_clear_is_refused,
            preauth_over_a_network_is_refused,
            capabilities_in_the_clear_are_forgotten,
            without_starttls_no_password_is_sent,
            endless_lines_end,
            literals_of_any_size_end,
            a_body_of_any_size_fails_its_mailbox,
            nesting_ends,
            more_mailboxes_than_anybody_has_end,
            more_messages_than_anybody_has_fail_their_mailbox,
            bombs_of_deflate_end,
            all_vanished_is_not_believed_against_the_rest,
            all_vanished_waits_for_the_user,
            a_uid_of_0_ends,
            a_modseq_of_64_bits_ends,
            nul_ends,
            nul_in_a_name_names_nothing,
            controls_are_never_shown,
            names_are_no_paths,
            untagged_bad_is_passed_over,
            garbage_behind_bye_ends,
            an_answer_to_what_was_not_sent_ends,
            a_message_is_never_run_as_commands,
        ],
    )
