# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""All places into which a secret might fall while the daemon works, and a search that finds it there
in whatever form: its log, the journal, the bus, its processes, its files, a core dump."""

import array
import base64
import json
import os
import pathlib
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.parse

from harness import DYING_WITH_US, HERE, Session, wait_for

JOURNAL = pathlib.Path("/run/systemd/journal")
PART, STEP = 10, 3  # lines are cut: of PART + STEP - 1 octets in a row one part is found

# A /run of its own, and in it the user who ran it: nobody becomes root for that.
OWN_RUN = (
    "mount -t tmpfs none /run && mkdir -p /run/systemd/journal && "
    'user=$1 group=$2 && shift 2 && exec unshare --user --map-user="$user" --map-group="$group" -- "$@"'
)


def in_own_run(command):
    user, group = str(os.getuid()), str(os.getgid())
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", OWN_RUN, "sh", user, group, *command]


def enter_own_run():
    """Starts the script anew where it may play the journal, unless that is forbidden here."""
    if "IN_OWN_RUN" in os.environ:
        return
    probe = subprocess.run(in_own_run(["true"]), capture_output=True, check=False)
    os.environ["IN_OWN_RUN"] = "yes" if probe.returncode == 0 else "no"
    if probe.returncode == 0:
        command = in_own_run([sys.executable, "-B", *sys.argv])
        os.execvp(command[0], command)


def has_own_run():
    return os.environ.get("IN_OWN_RUN") == "yes"


# -- the search ----------------------------------------------------------------------------------


def base64_parts(secret, encode):
    """What base64 of anything around the secret has in it, at each alignment."""
    for before, skipped in ((0, 0), (1, 2), (2, 3)):
        whole = (before + len(secret)) * 8 // 6
        yield encode(b"\0" * before + secret)[skipped:whole]


def escaped(secret, form):
    return "".join(chr(c) if 32 <= c < 127 else form % c for c in secret).encode()


def forms(secret):
    """The secret as it is, and as it may be written."""
    text = secret.decode("utf-8", "replace")
    return {
        secret,
        secret.replace(b"\\", b"\\\\").replace(b'"', b'\\"'),  # a quoted string
        json.dumps(text)[1:-1].encode(),
        repr(text)[1:-1].encode(),
        repr(secret)[2:-1].encode(),
        escaped(secret, "\\%03o"),
        escaped(secret, "\\x%02x"),
        escaped(secret, "%%%02X"),
        urllib.parse.quote(secret, safe="").encode(),
        urllib.parse.quote(secret, safe="").lower().encode(),
        urllib.parse.quote_plus(secret).encode(),
        "".join(f"%{c:02X}" for c in secret).encode(),
        secret.hex().encode(),
        secret.hex().upper().encode(),
        secret.hex(" ").encode(),
        secret.lower(),
        secret.upper(),
        text.encode("utf-16-le"),
        *base64_parts(secret, base64.b64encode),
        *base64_parts(secret, base64.urlsafe_b64encode),
    }


def parts(form):
    return {form[at : at + PART] for at in range(0, len(form) - PART + 1, STEP)}


class Search:
    """For any of the secrets; they must be long enough for parts of them to be nobody else's."""

    def __init__(self, secrets):
        self.needles = set()
        for secret in secrets:
            assert len(secret) >= 2 * PART, secret
            for form in forms(secret):
                self.needles |= parts(form)

    def hits(self, place, octets):
        """Where in there, or nothing; without what stands there."""
        places = [octets.find(needle) for needle in self.needles]
        found = [at for at in places if at >= 0]
        return [f"{place}, at octet {min(found)} of {len(octets)}"] if found else []


# -- the places ----------------------------------------------------------------------------------


class Journal:
    """What the daemon takes for the journal: the socket for messages with fields, and the one that
    is its standard error."""

    def __init__(self):
        self.entries, self.raw, self.text = [], [], []
        self.lock = threading.Lock()
        for name in ("socket", "stdout"):
            (JOURNAL / name).unlink(missing_ok=True)
        self.native = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.native.bind(str(JOURNAL / "socket"))
        self.stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.stream.bind(str(JOURNAL / "stdout"))
        self.stream.listen()
        self._start(self._read_native)

    @staticmethod
    def _start(function, *arguments):
        threading.Thread(target=function, args=arguments, daemon=True).start()

    def _read_native(self):
        size = array.array("i").itemsize
        while True:
            octets, control, _, _ = self.native.recvmsg(1 << 20, socket.CMSG_SPACE(size))
            for _, _, data in control:  # a long one comes as a file
                handle = array.array("i", data[:size])[0]
                octets += os.pread(handle, 1 << 24, 0)
                os.close(handle)
            with self.lock:
                self.raw.append(octets)
                self.entries.append(self.fields(octets))

    @staticmethod
    def fields(octets):
        found = {}
        while octets:
            line, _, octets = octets.partition(b"\n")
            name, equals, value = line.partition(b"=")
            if not equals:
                (size,) = struct.unpack("<Q", octets[:8])
                value, octets = octets[8 : 8 + size], octets[8 + size + 1 :]
            found[name.decode()] = value
        return found

    def connect(self):
        """The other end of a standard error; what comes through it is kept."""
        ours = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.connect(str(JOURNAL / "stdout"))
        self._start(self._read_text, self.stream.accept()[0])
        return ours

    def _read_text(self, conn):
        while octets := conn.recv(1 << 16):
            with self.lock:
                self.text.append(octets)

    def octets(self):
        with self.lock:
            return b"\n".join(self.raw) + b"".join(self.text)

    def close(self):
        self.native.close()
        self.stream.close()


class Processes:
    """Command lines and environments of a process and all that it starts, looked at all the time."""

    def __init__(self, pid):
        self.pid, self.seen, self.ended = pid, set(), threading.Event()
        self.names = set()
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self):
        while not self.ended.wait(0.01):
            self._visit(self.pid)

    def _visit(self, pid):
        place = pathlib.Path(f"/proc/{pid}")
        for name in ("cmdline", "environ"):
            try:
                self.seen.add((name, (place / name).read_bytes()))
            except OSError:  # it has gone, or nobody may read it
                pass
        try:
            self.names.add((place / "comm").read_text().strip())
            children = " ".join(path.read_text() for path in place.glob("task/*/children"))
        except OSError:
            return
        for child in children.split():
            self._visit(int(child))

    def hits(self, search):
        found = []
        for name, octets in list(self.seen):
            found += search.hits(name, octets)
        return found

    def end(self):
        self.ended.set()
        self.thread.join()


class Watched(Session):
    """A session whose daemon traces everything, with an eye on each place. `journal`: what it says
    goes to the journal, else to a file."""

    def __init__(self, journal=True, **more):
        super().__init__(**more)
        self.journal = Journal() if journal and has_own_run() else None
        self.monitor = None
        self.watched = []  # Processes, for each daemon that was started

    def _environment(self):
        return {**super()._environment(), "IMAPSYNC_DEBUG": "all", "G_MESSAGES_DEBUG": "all"}

    def start_daemon(self):
        if self.monitor is None:
            self.watch_the_bus()
        log = self.journal.connect() if self.journal else open(self.top / "daemon.log", "ab")
        with log:
            self.daemon = self.dumping([HERE / "imapsyncd"], stderr=log)
        wait_for(self._is_up, "the daemon")
        self.watched.append(Processes(self.daemon.pid))

    def watch_the_bus(self):
        """Every message of everybody, with all its octets."""
        log = self.top / "monitor.log"
        with open(self.top / "bus.raw", "wb") as out, open(log, "wb") as errors:
            self.monitor = subprocess.Popen(
                [*DYING_WITH_US, "dbus-monitor", "--binary", "--session"],
                stdout=out,
                stderr=errors,
                env=self.environment,
            )
        self.children.append(self.monitor)
        wait_for(self._is_watched, "the monitor")

    def _is_watched(self):
        self.bus.list_names()
        return b"ListNames" in (self.top / "bus.raw").read_bytes()

    def dumping(self, command, **more):
        """Starts something that may dump core as much as it likes, into our folder."""

        def allow():
            _, hard = resource.getrlimit(resource.RLIMIT_CORE)
            resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

        child = subprocess.Popen(
            [*DYING_WITH_US, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=self.environment,
            cwd=self.top,
            preexec_fn=allow,
            **more,
        )
        self.children.append(child)
        return child

    @staticmethod
    def dumps(child):
        """Aborts it; returns whether the kernel has dumped its core, wherever to."""
        os.kill(child.pid, signal.SIGABRT)
        return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT).si_code == os.CLD_DUMPED

    def log(self):
        if self.journal is None:
            return (self.top / "daemon.log").read_bytes()
        return self.journal.octets()

    def _files(self, of_mail):
        """Of the session, but for the server's; `of_mail`: those too in which mail belongs."""
        for path in self.top.rglob("*"):
            if path.is_file() and self.remote.top not in path.parents:
                if of_mail or self.top / "data" / "imapsync" not in path.parents:
                    yield path

    def hits(self, search, of_mail=False):
        """Each place in which something of that was found."""
        time.sleep(0.2)  # what is on its way to the journal or the monitor
        found = search.hits("log", self.log())
        for processes in self.watched:
            found += processes.hits(search)
        given = "\0".join(f"{name}={value}" for name, value in self.environment.items())
        found += search.hits("environment of the daemon", given.encode())
        for path in self._files(of_mail):
            found += search.hits(str(path.relative_to(self.top)), path.read_bytes())
        return found

    def __exit__(self, *reason):
        for processes in self.watched:
            processes.end()
        super().__exit__(*reason)
        if self.journal:
            self.journal.close()
