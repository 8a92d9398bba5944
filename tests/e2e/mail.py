# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Mail for the end-to-end tests: messages that look like real ones, and functions over imaplib
connections to store them, to change them, and to say what a server holds.

Mailbox names are in Unicode here, with "/" between levels.
"""

import base64
import collections
import datetime
import email.header
import hashlib
import random
import re

Message = collections.namedtuple("Message", "body flags epoch")

MULTIAPPEND_BYTES = 4 << 20
MULTIAPPEND_COUNT = 500


# -- what goes over the wire ---------------------------------------------------------------------


def encode_name(name):
    """A name in modified UTF-7 (RFC 3501 section 5.1.3)."""
    out = []
    for part in re.findall(r"[\x20-\x7e]+|[^\x20-\x7e]+", name):
        if part.isascii():
            out.append(part.replace("&", "&-"))
        else:
            digits = base64.b64encode(part.encode("utf-16-be")).decode()
            out.append("&" + digits.rstrip("=").replace("/", ",") + "-")
    return "".join(out)


def decode_name(name):
    def decode(match):
        digits = match.group(1).replace(",", "/")
        if not digits:
            return "&"
        return base64.b64decode(digits + "=" * (-len(digits) % 4)).decode("utf-16-be")

    return re.sub(r"&([^-]*)-", decode, name)


def quote(name):
    return '"' + encode_name(name).replace("\\", "\\\\").replace('"', '\\"') + '"'


def date_time(epoch):
    moment = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
    return moment.strftime('"%d-%b-%Y %H:%M:%S +0000"')


def epoch_of(date):
    return int(datetime.datetime.strptime(date.strip(), "%d-%b-%Y %H:%M:%S %z").timestamp())


def must(reply):
    """The data of an imaplib reply, which has to be OK."""
    status, data = reply
    if status != "OK":
        raise AssertionError(f"the server answered {status}: {data}")
    return data


# -- verbs ---------------------------------------------------------------------------------------


def names(conn):
    """The names of all mailboxes that can be selected."""
    found = set()
    for line in must(conn.list('""', "*")):
        if isinstance(line, tuple):
            head, name = line[0], line[1].decode()
        else:
            head, name = line, re.search(rb'(?:"((?:[^"\\]|\\.)*)"|(\S+))$', line)
            name = re.sub(r"\\(.)", r"\1", (name.group(1) or name.group(2)).decode())
        if not re.search(rb"\\(NonExistent|Noselect)\b", head, re.IGNORECASE):
            name = decode_name(name)
            found.add("INBOX" if name.upper() == "INBOX" else name)
    return found


def create(conn, name):
    must(conn.create(quote(name)))


def delete(conn, name):
    must(conn.delete(quote(name)))


def select(conn, name, readonly=False):
    """Opens a mailbox and tells how many messages it has."""
    return int(must(conn.select(quote(name), readonly))[0])


def uids(conn, *criteria):
    """UIDs in the selected mailbox, in ascending order."""
    data = must(conn.uid("SEARCH", *(criteria or ("ALL",))))[0]
    return [int(uid) for uid in data.split()]


def store(conn, uid, change, *flags):
    """`change` is "+FLAGS", "-FLAGS" or "FLAGS"."""
    must(conn.uid("STORE", str(uid), change + ".SILENT", "(" + " ".join(flags) + ")"))


def expunge(conn, *gone):
    numbers = ",".join(map(str, gone))
    must(conn.uid("STORE", numbers, "+FLAGS.SILENT", r"(\Deleted)"))
    must(conn.uid("EXPUNGE", numbers))


def _batches(messages):
    batch, size = [], 0
    for message in messages:
        batch.append(message)
        size += len(message.body)
        if size > MULTIAPPEND_BYTES or len(batch) >= MULTIAPPEND_COUNT:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def fill(conn, name, messages):
    """Appends messages in as few round trips as MULTIAPPEND and LITERAL+ allow."""
    for batch in _batches(messages):
        parts = [quote(name).encode()]
        for body, flags, epoch in batch:
            head = f"({' '.join(flags)}) {date_time(epoch)} {{{len(body)}+}}\r\n"
            parts.append(head.encode() + body)
        tag = conn._new_tag()
        conn.send(tag + b" APPEND " + b" ".join(parts) + b"\r\n")
        must(conn._command_complete("APPEND", tag))


# -- what a server holds -------------------------------------------------------------------------

ITEMS = "(FLAGS INTERNALDATE BODY.PEEK[])"


def _fetched(line):
    """A FETCH reply as the sides are compared by it."""
    head, body = line
    flags = re.search(rb"FLAGS \(([^)]*)\)", head).group(1).decode().lower().split()
    date = re.search(rb'INTERNALDATE "([^"]*)"', head).group(1).decode()
    kept = tuple(sorted(flag for flag in flags if flag != r"\recent"))
    return hashlib.sha256(body).hexdigest(), kept, epoch_of(date)


def expected(message):
    """A message of ours as a server should show it."""
    flags = tuple(sorted(flag.lower() for flag in message.flags))
    return hashlib.sha256(message.body).hexdigest(), flags, message.epoch


def contents(conn, name):
    """The messages of one mailbox as a multiset of (digest, flags, date)."""
    count = select(conn, name, readonly=True)
    if count == 0:
        return collections.Counter()
    replies = [line for line in must(conn.fetch("1:*", ITEMS)) if isinstance(line, tuple)]
    if len(replies) != count:
        raise AssertionError(f"{name}: {count} messages, but {len(replies)} bodies")
    return collections.Counter(map(_fetched, replies))


def snapshot(conn):
    return {name: contents(conn, name) for name in names(conn)}


def count(snap):
    return sum(sum(messages.values()) for messages in snap.values())


def differences(local, remote):
    """What two snapshots do not share, as lines for people."""
    lines = []
    for name in sorted(local.keys() | remote.keys()):
        for here, there, side in ((local, remote, "local"), (remote, local, "remote")):
            if name not in there:
                lines.append(f"{name}: on the {side} side only")
            elif name in here:
                lines += [
                    f"{name}: {times} x {digest[:12]} {' '.join(flags)} {epoch}: {side} only"
                    for (digest, flags, epoch), times in (here[name] - there[name]).items()
                ]
    return lines


def bodies(snap):
    """Digests alone, to find what is lost or doubled whatever became of the flags."""
    total = collections.Counter()
    for messages in snap.values():
        for (digest, _, _), times in collections.Counter(messages).items():
            total[digest] += times
    return total


# -- messages ------------------------------------------------------------------------------------

MAILBOXES = """
INBOX
Archive/2019
Archive/2020
Archive/2021/First half
Archive/2021/Second half
Drafts
Sent
Trash
Lists/imap-protocol
Lists/R&D "open"
Projekte/Übersicht
Projekte/Übersicht/März
Reçus
Mañana
Входящие/Счета
Входящие/Письма
日本語
日本語/会議
Ελληνικά
Zażółć gęślą jaźń
""".split("\n")[1:-1]

WORDS = (
    "about account after agreement amount answer attached before between budget change contract "
    "copy customer date delivery department detail draft enclosed estimate figure forward harbour "
    "invoice letter list meeting minutes monday number office order payment phone please project "
    "question receipt regards reminder reply report request response schedule send server summary "
    "ticket today tomorrow train update version week winter"
).split()
ACCENTED = ["Übersicht", "Größe", "déjà", "façade", "señal", "Ångström", "зима", "会議", "смета"]
KEYWORDS = ["$Forwarded", "$MDNSent", "$Label1", "Work", "Receipts"]
SYSTEM_FLAGS = [r"\Seen", r"\Answered", r"\Flagged", r"\Draft"]
NEWEST = 1700000000
OLDEST = 1050000000


class Corpus:
    """An endless, reproducible supply of messages."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.seed = seed
        self.serial = 0

    def _text(self, words):
        lines, line = [], ""
        for _ in range(words):
            word = self.random.choice(WORDS if self.random.random() < 0.97 else ACCENTED)
            if len(line) + len(word) > 70:
                lines.append(line)
                line = ""
            line += (" " if line else "") + word
        return "\r\n".join(lines + [line]) + "\r\n"

    def _subject(self):
        words = self.random.choices(WORDS, k=self.random.randint(1, 7))
        if self.random.random() < 0.3:
            words.append(self.random.choice(ACCENTED))
            return email.header.Header(" ".join(words), "utf-8").encode(linesep="\r\n")
        return " ".join(words)

    def _head(self, epoch, extra):
        self.serial += 1
        moment = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
        sender, recipient = self.random.randrange(40), self.random.randrange(40)
        lines = [
            f"Return-Path: <sender{sender}@example.net>",
            f"From: Sender {sender} <sender{sender}@example.net>",
            f"To: Recipient {recipient} <recipient{recipient}@example.org>",
            f"Subject: {self._subject()}",
            f"Date: {moment.strftime('%a, %d %b %Y %H:%M:%S +0000')}",
            f"Message-ID: <{self.seed}.{self.serial}.{epoch}@example.net>",
            "MIME-Version: 1.0",
        ]
        return "\r\n".join(lines + extra) + "\r\n\r\n"

    def _attachment(self, size):
        digits = base64.b64encode(self.random.randbytes(size)).decode()
        return "\r\n".join(digits[i : i + 76] for i in range(0, len(digits), 76)) + "\r\n"

    def _parts(self, kind, boundary, parts):
        head = f'Content-Type: multipart/{kind}; boundary="{boundary}"'
        body = "".join(f"--{boundary}\r\n{part}" for part in parts) + f"--{boundary}--\r\n"
        return head, body

    def _nested(self, size):
        """Text and HTML as alternatives, beside an attachment."""
        text = self._text(80)
        kinds = [
            f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}",
            f"Content-Type: text/html; charset=utf-8\r\n\r\n<html><p>{text}</p></html>\r\n",
        ]
        head, inner = self._parts("alternative", f"in-{self.serial}", kinds)
        attached = (
            "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
            f'Content-Disposition: attachment; filename="{self.random.choice(WORDS)}.bin"\r\n\r\n'
        )
        parts = [f"{head}\r\n\r\n{inner}", attached + self._attachment(size)]
        return self._parts("mixed", f"out-{self.serial}", parts)

    def _body(self, epoch, kind):
        plain = ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
        if kind == "empty":
            return self._head(epoch, [])
        if kind == "nested":
            head, body = self._nested(self.random.randint(500, 30000))
            return self._head(epoch, [head]) + body
        return self._head(epoch, plain) + self._text(self.random.randint(5, 400))

    def _flags(self):
        flags = [flag for flag in SYSTEM_FLAGS[:3] if self.random.random() < 0.4]
        flags += [word for word in KEYWORDS if self.random.random() < 0.08]
        if self.random.random() < 0.02:
            flags.append(SYSTEM_FLAGS[3])
        return tuple(flags)

    def message(self, kind=None):
        """`kind` is "plain", "nested" or "empty" (a header and no body)."""
        epoch = self.random.randrange(OLDEST, NEWEST)
        kind = kind or self.random.choices(["plain", "nested"], [4, 1])[0]
        return Message(self._body(epoch, kind).encode(), self._flags(), epoch)

    def messages(self, number):
        return [self.message() for _ in range(number)]

    def small(self):
        """About 1.2 kB, as a list or a notification sends them."""
        epoch = self.random.randrange(OLDEST, NEWEST)
        text = self._text(self.random.randint(60, 180))
        return Message((self._head(epoch, []) + text).encode(), self._flags(), epoch)

    def large(self, size):
        """A message of exactly `size` bytes."""
        epoch = self.random.randrange(OLDEST, NEWEST)
        line = base64.b64encode(self.random.randbytes(57)) + b"\r\n"
        body = self._head(epoch, ["Content-Type: application/octet-stream"]).encode()
        body += line * ((size - len(body)) // len(line))
        return Message(body + b"x" * (size - len(body) - 2) + b"\r\n", (r"\Seen",), epoch)
