#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""`imapsyncctl add NAME user@domain` against a DNS of its own, in namespaces of its own: network, so
that nobody else is asked, and mounts, for /etc/resolv.conf. The service is the real one.

Usage: discovery.py IMAPSYNCCTL IMAPSYNCD
"""

import configparser
import fcntl
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading

import commands
from commands import Bus, Terminal, check, ctl

IN_NAMESPACES = "IMS_TEST_IN_NAMESPACES"
SRV = 33
# (name, of SRV) → (priority, weight, port, target); None: the server does not answer
RECORDS = {
    "_imaps._tcp.example.net": [(20, 0, 993, "late.example.net"), (10, 0, 1993, "imap.example.net")],
    "_imap._tcp.example.net": [(0, 0, 143, "clear.example.net")],
    "_imaps._tcp.old.example": [(0, 0, 0, "")],
    "_imap._tcp.old.example": [(0, 0, 1143, "mail.old.example")],
    "_imaps._tcp.hosted.example": [(0, 0, 993, "imap.provider.example")],
    "_imaps._tcp.none.example": [(0, 0, 0, "")],
    "_imap._tcp.none.example": [(0, 0, 0, "")],
    "_imaps._tcp.bad.example": [(0, 0, 993, "im ap\x1b.bad.example")],
    "_imaps._tcp.dropped.example": None,
    "_imap._tcp.dropped.example": [(0, 0, 143, "imap.dropped.example")],
    "_imaps._tcp.xn--jrg-sna.example": [(0, 0, 993, "imap.xn--jrg-sna.example")],
}


def encode(name):
    labels = [label.encode("latin-1") for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def decode(data):
    labels = []
    while data[0]:
        labels.append(data[1 : 1 + data[0]].decode("latin-1"))
        data = data[1 + data[0] :]
    return ".".join(labels), data[1:5]


class Dns:
    """Answers SRV questions by UDP; `asked` are their names."""

    def __init__(self):
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            question, peer = self.socket.recvfrom(4096)
            name, kind = decode(question[12:])
            if struct.unpack("!HH", kind)[0] != SRV:
                continue
            self.asked.append(name)
            answers = RECORDS.get(name.lower(), [])
            if answers is not None:
                self.socket.sendto(self._answer(question, name, kind, answers), peer)

    @staticmethod
    def _answer(question, name, kind, answers):
        status = 0x8180 if answers else 0x8183
        text = question[:2] + struct.pack("!HHHHH", status, 1, len(answers), 0, 0) + encode(name) + kind
        for priority, weight, port, target in answers:
            data = struct.pack("!HHH", priority, weight, port) + encode(target)
            text += encode(name) + kind + struct.pack("!IH", 60, len(data)) + data
        return text


# Nobody is asked for a password, and nothing of the private store is started.
OPTIONS = [
    *("--set", "remote.password-command=echo x"),
    *("--set", "local.type=tunnel"),
    *("--set", "local.command=false"),
]


def add(bus, address, *more):
    return ctl(bus, "add", "new", address, *OPTIONS, *more)


def settings(bus):
    """Of the account that was added, its remote side; None if none was."""
    file = configparser.ConfigParser(interpolation=None)
    path = bus.top / "config/imapsync/new.conf"
    if not file.read(path):
        return None
    return {key: file["remote"].get(key) for key in ("type", "host", "port", "username")}


def is_added(bus, kind, host, port, username):
    got = settings(bus)
    assert got == {"type": kind, "host": host, "port": port, "username": username}, got


def tls_is_preferred_and_the_first_by_priority_taken(bus):
    done = add(bus, "me@example.net")
    check(done, 1, "imaps://imap.example.net:1993", "a certificate for imap.example.net", "me@example.net")
    is_added(bus, "imaps", "imap.example.net", "1993", "me@example.net")


def starttls_if_there_is_nothing_else(bus):
    check(add(bus, "me@old.example"), 1, "imap://mail.old.example:1143")
    is_added(bus, "imap", "mail.old.example", "1143", "me@old.example")


def another_domain_needs_somebody_who_says_so(bus):
    done = add(bus, "me@hosted.example")
    check(done, 1, "imap.provider.example is not in the domain hosted.example")
    check(done, 1, "'imapsyncctl add new imaps://me@hosted.example@imap.provider.example:993'")
    assert settings(bus) is None


def another_domain_is_asked_for_at_a_terminal(bus):
    for answer, status in (("n", 130), ("", 130), ("y", 1)):
        terminal = Terminal(bus, "add", "new", "me@hosted.example", *OPTIONS)
        terminal.read_until("Is it the right server? [y/N] ")
        assert settings(bus) is None
        terminal.write(answer + "\n")
        assert terminal.end() == status, terminal.seen
    is_added(bus, "imaps", "imap.provider.example", "993", "me@hosted.example")


def a_domain_without_a_server_is_told(bus):
    for domain in ("none.example", "unknown.example"):
        done = add(bus, f"me@{domain}")
        check(done, 1, f"the DNS of {domain} does not say", f"imapsyncctl add new imaps://me@{domain}@HOST")
    assert settings(bus) is None


def a_target_that_is_no_name_is_refused(bus):
    done = add(bus, "me@bad.example")
    check(done, 1, "is no name of a server")
    assert "\x1b" not in done.stdout + done.stderr
    assert settings(bus) is None


def a_dns_that_drops_one_question_does_not_choose(bus):
    """It takes the ten seconds that are waited for it."""
    check(add(bus, "me@dropped.example"), 4, "cannot be asked now", "imaps://me@dropped.example@HOST")
    assert settings(bus) is None


def a_domain_of_any_letters_will_do(bus):
    check(add(bus, "me@jörg.example"), 1, "imaps://imap.xn--jrg-sna.example:993")
    is_added(bus, "imaps", "imap.xn--jrg-sna.example", "993", "me@jörg.example")


def nobody_is_asked_where_the_host_is_known(bus):
    before = len(DNS.asked)
    add(bus, "me@example.net", "--set", "remote.host=imap.other.example")
    add(bus, "imaps://me@example.net@imap.example.net")
    assert len(DNS.asked) == before, DNS.asked[before:]
    is_added(bus, None, "imap.other.example", None, "me@example.net")


def nobody_is_asked_for_an_account_that_is_there(bus):
    add(bus, "imaps://me@imap.example.net")
    before = len(DNS.asked)
    check(add(bus, "me@example.net"), 1, "there is an account “new” already")
    assert len(DNS.asked) == before, DNS.asked[before:]


SCENARIOS = [
    tls_is_preferred_and_the_first_by_priority_taken,
    starttls_if_there_is_nothing_else,
    another_domain_needs_somebody_who_says_so,
    another_domain_is_asked_for_at_a_terminal,
    a_domain_without_a_server_is_told,
    a_target_that_is_no_name_is_refused,
    a_dns_that_drops_one_question_does_not_choose,
    a_domain_of_any_letters_will_do,
    nobody_is_asked_where_the_host_is_known,
    nobody_is_asked_for_an_account_that_is_there,
]


def enter_namespaces():
    """Starts this script again in namespaces of its own, or skips."""
    unshare = ["unshare", "--net", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode != 0:
        print("1..0 # SKIP no namespaces of its own may be made here")
        sys.exit(0)
    os.environ[IN_NAMESPACES] = "yes"
    os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as some:
        request = struct.pack("16sH14x", b"lo", 0x41)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(some, 0x8914, request)  # SIOCSIFFLAGS


def hide(path, text, top):
    """Has `text` stand in the file, for this namespace."""
    ours = top / path.replace("/", "-")
    ours.write_text(text)
    subprocess.run(["mount", "--bind", ours, path], check=True)


def main():
    print(f"1..{len(SCENARIOS)}")
    commands.PROGRAM = os.path.abspath(sys.argv[1])
    os.environ.update(GIO_USE_NETWORK_MONITOR="base", GIO_USE_PROXY_RESOLVER="dummy")
    with tempfile.TemporaryDirectory() as top:
        hide("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n", pathlib.Path(top))
        service = os.path.abspath(sys.argv[2])
        results = [commands.run(n, s, service, "discovery") for n, s in enumerate(SCENARIOS, 1)]
        subprocess.run(["umount", "/etc/resolv.conf"], check=True)
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    if IN_NAMESPACES not in os.environ:
        enter_namespaces()
    raise_loopback()
    DNS = Dns()
    main()
