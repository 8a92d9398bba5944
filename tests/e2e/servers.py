# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Real Dovecots for the end-to-end tests: TLS on a loopback port under a private authority, run by
whoever runs the tests (who must not be root), with nothing outside of one directory."""

import contextlib
import grp
import imaplib
import os
import pathlib
import pwd
import random
import signal
import socket
import ssl
import subprocess
import threading
import time

CONFIGURATION = """\
base_dir = {top}/run
state_dir = {top}/state
log_path = {top}/dovecot.log
instance_name = {name}
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
ssl = required
ssl_cert = <{top}/server.pem
ssl_key = <{top}/server.key
auth_mechanisms = plain
auth_failure_delay = 0
mail_home = {top}/home/%n
mail_location = mdbox:~/mdbox
mail_fsync = never
passdb {{
  driver = passwd-file
  args = {top}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid}
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  service_count = 0
  inet_listener imap {{
    port = {starttls_port}
  }}
  inet_listener imaps {{
    port = {port}
  }}
}}
"""


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


class Authority:
    """A certificate authority that nobody else trusts."""

    KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    def __init__(self, top):
        self.top = pathlib.Path(top)
        self.top.mkdir()
        self.key, self.certificate = self.top / "ca.key", self.top / "ca.pem"
        openssl(
            *("req", "-x509", *self.KEY, "-days", "2", "-subj", "/CN=Private authority"),
            *("-addext", "keyUsage=critical,keyCertSign", "-keyout", self.key),
            *("-out", self.certificate),
        )

    def issue(self, directory):
        """Writes server.key and server.pem, valid for the loopback address."""
        self._sign(directory / "server", "localhost", "subjectAltName=IP:127.0.0.1,DNS:localhost")

    def issue_person(self, path, name):
        """Writes path.key and path.pem, for somebody of that name."""
        self._sign(path, name, "extendedKeyUsage=clientAuth")

    def _sign(self, path, name, extension):
        request, extensions = self.top / "request", self.top / "extensions"
        extensions.write_text(extension + "\n")
        openssl("req", *self.KEY, "-subj", f"/CN={name}", "-keyout", f"{path}.key", "-out", request)
        openssl(
            *("x509", "-req", "-in", request, "-days", "2", "-extfile", extensions),
            *("-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial"),
            *("-out", f"{path}.pem"),
        )


def free_port():
    """Below those that the kernel gives out by itself, so that none of these takes it meanwhile."""
    while True:
        port = random.SystemRandom().randrange(10000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Dovecot:
    """One server. `settings` is configuration put after ours; all users have the same password."""

    USER, PASSWORD = "someone", "correct horse"
    USERS = (USER,)

    def __init__(self, top, name, authority, spawn, settings="", password=PASSWORD):
        self.top, self.authority, self.spawn = pathlib.Path(top) / name, authority, spawn
        self.password = password
        self.port, self.starttls_port = free_port(), free_port()
        for folder in ("", "run", "state", "home"):
            (self.top / folder).mkdir()
        authority.issue(self.top)
        users = [f"{user}:{{PLAIN}}{password}\n" for user in self.USERS]
        (self.top / "users").write_text("".join(users))
        person = pwd.getpwuid(os.getuid())
        text = CONFIGURATION.format(
            top=self.top,
            name=name,
            port=self.port,
            starttls_port=self.starttls_port,
            user=person.pw_name,
            group=grp.getgrgid(os.getgid()).gr_name,
            uid=os.getuid(),
            gid=os.getgid(),
        )
        (self.top / "dovecot.conf").write_text(text + settings)
        self.start()

    def start(self, connect=None):
        """`connect`: how to see that it is up, if not by logging in."""
        command = ["/usr/sbin/dovecot", "-F", "-c", self.top / "dovecot.conf"]
        self.process = self.spawn(command, f"{self.top.name}.out")
        deadline = time.monotonic() + 20
        while True:
            try:
                (connect or self.connect)().logout()
                return
            except (OSError, imaplib.IMAP4.abort):
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise RuntimeError(f"{self.top.name} does not start:\n{self.log()}") from None
                time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def _sessions(self):
        """The processes that serve its connections now."""
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                text = path.read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            number, rest = text.split(" (", 1)
            name, fields = rest.rsplit(") ", 1)
            if name == "imap" and int(fields.split()[1]) == self.process.pid:
                yield int(number)

    def cut(self):
        """Ends all its sessions in the middle of whatever they do, as a crash would."""
        for number in self._sessions():
            os.kill(number, signal.SIGKILL)

    @contextlib.contextmanager
    def paused(self):
        """Holds all its sessions in the middle of whatever they do, for a while."""
        held = list(self._sessions())
        for number in held:
            os.kill(number, signal.SIGSTOP)
        try:
            yield
        finally:
            for number in held:
                with contextlib.suppress(ProcessLookupError):  # it was cut meanwhile
                    os.kill(number, signal.SIGCONT)

    def log(self):
        texts = [self.top / "dovecot.log", self.top.parent / f"{self.top.name}.out"]
        return "".join(path.read_text() for path in texts if path.exists())

    def url(self, user=USER, scheme="imaps"):
        port = self.port if scheme == "imaps" else self.starttls_port
        return f"{scheme}://{user}@127.0.0.1:{port}"

    def settings(self, side):
        """The account settings with which it is this side."""
        return [
            f"{side}.type=imaps",
            f"{side}.host=127.0.0.1",
            f"{side}.port={self.port}",
            f"{side}.username={self.USER}",
            f"{side}.ca-file={self.authority.certificate}",
        ]

    def trust(self):
        """What a client needs to believe its certificate."""
        return ssl.create_default_context(cafile=self.authority.certificate)

    def connect(self, user=USER):
        """An imaplib connection, logged in."""
        return self.log_in(self.greet(), user)

    def greet(self):
        """One that is not."""
        return imaplib.IMAP4_SSL("127.0.0.1", self.port, ssl_context=self.trust(), timeout=120)

    def log_in(self, conn, user=USER):
        message = f"\0{user}\0{self.password}"  # LOGIN would take ASCII only
        conn.authenticate("PLAIN", lambda _: message.encode())
        return conn


class Socks5:
    """A SOCKS5 proxy (RFC 1928, 1929) that knows where one host is; `users`: their passwords, or
    None if nobody has to log in."""

    def __init__(self, known, users=None):
        self.known, self.users, self.asked = known, users, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):  # it has been closed
            while True:
                conn, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, client):
        with client, contextlib.suppress(OSError):
            server = self._log_in(client) and self._connect(client)
            if server:
                with server:
                    back = threading.Thread(target=self._copy, args=(server, client), daemon=True)
                    back.start()
                    self._copy(client, server)
                    back.join()

    def _log_in(self, client):
        methods = self._read(client, self._read(client, 2)[1])
        if self.users is None:
            client.sendall(b"\5\0")
            return True
        if 2 not in methods:
            client.sendall(b"\5\xff")
            return False
        client.sendall(b"\5\2")
        user = self._read(client, self._read(client, 2)[1]).decode()
        password = self._read(client, self._read(client, 1)[0]).decode()
        right = self.users.get(user) == password
        client.sendall(b"\1\0" if right else b"\1\1")
        return right

    def _connect(self, client):
        kind = self._read(client, 4)[3]
        host = self._read(client, self._read(client, 1)[0]).decode() if kind == 3 else None
        port = int.from_bytes(self._read(client, 2), "big")
        self.asked.append((host, port))
        answer = b"\0\1" + bytes(6)
        if (host, port) not in self.known:
            client.sendall(b"\5\4" + answer)
            return None
        client.sendall(b"\5\0" + answer)
        return socket.create_connection(self.known[host, port])

    @staticmethod
    def _read(conn, n):
        data = b""
        while len(data) < n:
            more = conn.recv(n - len(data))
            if not more:
                raise ConnectionError("it has gone")
            data += more
        return data

    @staticmethod
    def _copy(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


# Refuses any message above 100 kB, as providers do.
SIZE_LIMIT = """\
mail_plugins = $mail_plugins quota
plugin {
  quota = count:User quota
  quota_vsizes = yes
  quota_max_mail_size = 100 k
}
"""

# All that Dovecot has but QRESYNC.
NO_QRESYNC = """\
imap_capability = IMAP4rev1 LITERAL+ ENABLE MULTIAPPEND UIDPLUS LIST-EXTENDED LIST-STATUS CONDSTORE
"""
