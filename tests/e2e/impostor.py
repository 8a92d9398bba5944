# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""A scripted IMAP server for the end-to-end tests: it behaves, but for what a subclass of Talk does
at one place. It writes down all that it is sent."""

import re
import socket
import ssl
import threading
import zlib

MESSAGE = (
    b"From: Ann <ann@example.net>\r\nDate: Wed, 1 Jan 2020 00:00:00 +0000\r\n"
    b"Subject: number %d\r\nMessage-ID: <%d@example.net>\r\n\r\nText of number %d.\r\n"
)
DATE = " 1-Jan-2020 00:00:00 +0000"


class Message:
    def __init__(self, uid, body=None, flags=r"\Seen", date=DATE):
        self.uid, self.flags = uid, flags
        self.body = MESSAGE % (uid, uid, uid) if body is None else body
        self.date = f'"{date}"'


class Impostor:
    """Listens on a loopback port, and lets `talk`, a subclass of Talk, answer there. One INBOX of a
    few messages."""

    USER, PASSWORD = "someone", "open sesame 42"
    UIDVALIDITY = 7

    def __init__(self, directory, authority, implicit=True):
        directory.mkdir()
        authority.issue(directory)
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(directory / "server.pem", directory / "server.key")
        self.implicit, self.authority = implicit, authority
        self.talk = Talk
        self.received = bytearray()
        self.failures = []
        self.messages = [Message(uid) for uid in range(1, 7)]
        self.modseq = 10
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def url(self):
        return f"{'imaps' if self.implicit else 'imap'}://{self.USER}@127.0.0.1:{self.port}"

    def deliver(self, **more):
        """One more message, so that INBOX has to be looked into."""
        self.messages.append(Message(self.uidnext(), **more))
        self.modseq += 1

    def uidnext(self):
        return self.messages[-1].uid + 1

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            sock.settimeout(300)
            with self.talk(self, sock) as talk:
                talk.run()
        except OSError:
            pass  # the client has hung up, as it should on most of this
        except Exception as fault:
            self.failures.append(fault)


class Talk:
    """One connection. `on_VERB` answers a command; the hooks above them say more than is right."""

    CAPABILITIES = (
        "IMAP4rev1 ENABLE CONDSTORE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS LITERAL+ ESEARCH"
    )

    def __init__(self, server, sock):
        self.server, self.sock = server, sock
        self.secure, self.pending = False, b""
        self.deflater = self.inflater = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    # -- octets ----------------------------------------------------------------------------------

    def send(self, data):
        if self.deflater:
            data = self.deflater.compress(data) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        self.sock.sendall(data)

    def say(self, *lines):
        self.send(b"".join(b"%b\r\n" % (line if isinstance(line, bytes) else line.encode()) for line in lines))

    def ok(self, tag, text="done"):
        self.say(f"{tag} OK {text}")

    def for_ever(self, piece):
        """Until the client hangs up."""
        while True:
            self.send(piece)

    def line(self):
        while b"\n" not in self.pending:
            data = self.sock.recv(65536)
            if not data:
                return None
            if self.inflater:
                data = self.inflater.decompress(data)
            self.server.received += data
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode().rstrip("\r")

    def begin_tls(self):
        self.sock = self.server.context.wrap_socket(self.sock, server_side=True)
        self.secure = True

    def capabilities(self):
        if not self.secure:
            return "IMAP4rev1 STARTTLS LOGINDISABLED"
        return self.CAPABILITIES

    # -- commands --------------------------------------------------------------------------------

    def run(self):
        if self.server.implicit:
            self.begin_tls()
        self.greet()
        while (line := self.line()) is not None:
            tag, verb, rest = (line.split(" ", 2) + ["", ""])[:3]
            if verb == "UID":
                verb, _, rest = rest.partition(" ")
                verb = "UID_" + verb
            getattr(self, "on_" + verb.lower(), self.on_other)(tag, rest)

    def greet(self):
        self.say(f"* OK [CAPABILITY {self.capabilities()}] ready")

    def on_other(self, tag, _):
        self.say(f"{tag} NO not here")

    def on_capability(self, tag, _):
        self.say(f"* CAPABILITY {self.capabilities()}")
        self.ok(tag)

    def on_starttls(self, tag, _):
        self.ok(tag)
        self.begin_tls()

    def on_login(self, tag, _):
        self.ok(tag, f"[CAPABILITY {self.capabilities()}] welcome")

    def on_enable(self, tag, _):
        self.say("* ENABLED QRESYNC")
        self.ok(tag)

    def on_compress(self, tag, _):
        self.ok(tag)
        self.deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.inflater = zlib.decompressobj(-15)

    def on_list(self, tag, _):
        self.in_list()
        self.say(r'* LIST (\Subscribed) "/" INBOX', self.status("INBOX"))
        self.ok(tag)

    def status(self, name, **other):
        told = {
            "MESSAGES": len(self.server.messages),
            "UIDNEXT": self.server.uidnext(),
            "UIDVALIDITY": self.server.UIDVALIDITY,
            "HIGHESTMODSEQ": self.server.modseq,
            **other,
        }
        return f"* STATUS {name} ({' '.join(f'{key} {value}' for key, value in told.items())})"

    def on_select(self, tag, _):
        told = {
            "UIDVALIDITY": self.server.UIDVALIDITY,
            "UIDNEXT": self.server.uidnext(),
            "HIGHESTMODSEQ": self.server.modseq,
            **self.select_codes(),
        }
        self.say(r"* FLAGS (\Answered \Flagged \Deleted \Seen \Draft)")
        self.say(r"* OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)] kept")
        self.say(f"* {self.exists()} EXISTS")
        self.say(*(f"* OK [{code} {value}] told" for code, value in told.items()))
        self.in_select()
        self.ok(tag, "[READ-WRITE] open")

    def exists(self):
        return len(self.server.messages)

    def on_unselect(self, tag, _):
        self.ok(tag)

    on_logout = on_close = on_noop = on_uid_store = on_uid_expunge = on_unselect

    def chosen(self, numbers):
        """The messages of a UID set."""
        chosen = []
        for part in numbers.split(","):
            first, _, last = part.partition(":")
            low = int(first)
            high = low if not last else max(low, 1 << 32) if last == "*" else int(last)
            chosen += [m for m in self.server.messages if low <= m.uid <= high]
        if numbers.endswith("*") and not chosen:
            chosen = self.server.messages[-1:]
        return chosen

    def on_uid_search(self, tag, rest):
        numbers = re.search(r"UID ([\d,:*]+)", rest).group(1)
        found = ",".join(str(m.uid) for m in self.searched(numbers))
        self.say(f'* ESEARCH (TAG "{tag}") UID' + (f" ALL {found}" if found else ""))
        self.ok(tag)

    def searched(self, numbers):
        return self.chosen(numbers)

    def on_uid_fetch(self, tag, rest):
        numbers, _, items = rest.partition(" ")
        self.in_fetch(items)
        for message in self.chosen(numbers):
            self.say_message(message, items)
        self.ok(tag)

    def facts(self, message):
        """What a FETCH line says but for the body."""
        return (
            f"UID {message.uid} FLAGS ({message.flags}) INTERNALDATE {message.date} "
            f"RFC822.SIZE {len(message.body)}"
        )

    def say_message(self, message, items):
        number = self.server.messages.index(message) + 1
        line = f"* {number} FETCH ({self.facts(message)}"
        if "HEADER" in items:
            header = message.body.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            name = re.search(r"BODY\.PEEK(\[[^\]]*\])", items).group(1)
            line = f"* {number} FETCH (UID {message.uid} BODY{name}"
            self.send(f"{line} {{{len(header)}}}\r\n".encode() + header + b")\r\n")
        elif "BODY" in items:
            self.send(self.body_line(line, message) + message.body + b")\r\n")
        else:
            self.say(line + ")")

    def body_line(self, line, message):
        return f"{line} BODY[] {{{len(message.body)}}}\r\n".encode()

    # -- where a subclass says more --------------------------------------------------------------

    def in_list(self):
        pass

    def in_select(self):
        pass

    def in_fetch(self, items):
        pass

    def select_codes(self):
        return {}
