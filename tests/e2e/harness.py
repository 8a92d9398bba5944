# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""A private desktop session for the end-to-end tests and the demonstration: bus, keyring, home and
XDG directories of its own, remote Dovecots, and our daemon, which can be killed and started again.

Nothing of the user's session is touched, and nothing is left behind. All helpers die with the
process that started them, even if it is killed.
"""

import contextlib
import copy
import imaplib
import os
import pathlib
import pwd
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import dbus
import dbus.bus

import mail
from servers import Authority, Dovecot

HERE = pathlib.Path(__file__).resolve().parent
BUS_NAME = "org.imapsync1"
SECRETS = "org.freedesktop.secrets"
KEYRING_PASSWORD = "keyring"
DYING_WITH_US = ["setpriv", "--pdeathsig", "TERM", "--"]
PASSED_ON = ("TERM", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "G_DEBUG", "G_SLICE")

BUS_CONFIGURATION = """\
<busconfig>
  <type>session</type>
  <listen>unix:path={top}/runtime/bus</listen>
  <servicedir>{top}/services</servicedir>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""

ACTIVATION = """\
[D-BUS Service]
Name=org.imapsync1
Exec={program}
"""


def wait_for(question, what, seconds=20.0):
    """Asks until the answer is true, and returns it."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what}")
        time.sleep(0.01)


def options(**values):
    """What a method takes as a{sv}."""
    named = {name.replace("_", "-"): value for name, value in values.items()}
    return dbus.Dictionary(named, signature="sv")


class Keyring:
    """A real gnome-keyring, unlocked when it starts."""

    COLLECTION = "/org/freedesktop/secrets/collection/login"

    def __init__(self, session):
        self.session, self.bus = session, session.bus
        self.start()

    def start(self, collection=True):
        """`collection`: made if there is none yet, and unlocked."""
        command = ["gnome-keyring-daemon", "--foreground", "--components=secrets"]
        if collection:
            command.append("--unlock")
        self.process = self.session.spawn(command, "keyring.log", stdin=subprocess.PIPE)
        self.process.stdin.write(KEYRING_PASSWORD.encode())
        self.process.stdin.close()
        if collection:
            wait_for(self._is_ready, "the keyring")
        else:
            wait_for(lambda: self.bus.name_has_owner(SECRETS), "the keyring")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        wait_for(lambda: not self.bus.name_has_owner(SECRETS), "the bus to notice")

    def _is_ready(self):
        if not self.bus.name_has_owner(SECRETS):
            return False
        try:
            return not self._get(self.COLLECTION, "org.freedesktop.Secret.Collection", "Locked")
        except dbus.DBusException:
            return False

    def _get(self, path, interface, name):
        proxy = self.bus.get_object(SECRETS, path, introspect=False)
        return proxy.Get(interface, name, dbus_interface=dbus.PROPERTIES_IFACE)

    def _service(self):
        return self.bus.get_object(SECRETS, "/org/freedesktop/secrets", introspect=False)

    def lock(self):
        collections = dbus.Array([dbus.ObjectPath(self.COLLECTION)], signature="o")
        self._service().Lock(collections, dbus_interface="org.freedesktop.Secret.Service")

    def unlock(self):
        """Unlocks without a prompt, by the interface that gnome-keyring keeps for its tests."""
        service = self._service()
        nothing = dbus.String("", variant_level=1)
        _, opened = service.OpenSession(
            "plain", nothing, dbus_interface="org.freedesktop.Secret.Service"
        )
        secret = (opened, dbus.ByteArray(), dbus.ByteArray(KEYRING_PASSWORD.encode()), "text/plain")
        service.UnlockWithMasterPassword(
            dbus.ObjectPath(self.COLLECTION),
            dbus.Struct(secret, signature="oayays"),
            dbus_interface="org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface",
        )


class LocalConnection(imaplib.IMAP4_stream):
    """imaplib over `imapsyncctl connect NAME`, as a mail client with a tunnel has it."""

    def __init__(self, command, environment):
        self.environment = environment
        super().__init__(command)

    def open(self, host=None, port=None, timeout=None):
        self.host, self.port, self.sock, self.file = None, None, None, None
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self.environment,
        )
        self.writefile, self.readfile = self.process.stdin, self.process.stdout


class Job:
    """One job of the daemon. It can be read for 60 s after its end."""

    def __init__(self, session, path):
        self.session, self.path = session, path
        self.proxy = session.bus.get_object(BUS_NAME, path, introspect=False)

    def get(self, name):
        return self.proxy.Get("org.imapsync1.Job", name, dbus_interface=dbus.PROPERTIES_IFACE)

    def error(self):
        """The last component of the error's name, or ""."""
        return str(self.get("Error")[0]).rpartition(".")[2]

    def wait(self, seconds=600):
        """Waits for the end; returns the result and the summary."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            result, summary = self.proxy.Wait(
                options(timeout=dbus.UInt64(5_000_000)), dbus_interface="org.imapsync1.Job", timeout=60
            )
            if result != "running":
                return str(result), {str(key): int(value) for key, value in summary.items()}
        raise AssertionError(f"the job did not end in {seconds} s")

    def cancel(self):
        self.proxy.Cancel(dbus_interface="org.imapsync1.Job")

    def messages_done(self):
        return int(self.get("Progress").get("messages-done", 0))

    def bytes_done(self):
        return int(self.get("Progress").get("bytes-done", 0))


class Session:
    """Use as a context manager. `activation`: the bus starts the daemon when it is called."""

    ACCOUNT = "work"

    def __init__(self, activation=False, keyring=True, settings="", password=Dovecot.PASSWORD):
        self.activation, self.with_keyring, self.settings = activation, keyring, settings
        self.password = password
        self.children, self.connections = [], []
        self.daemon = None

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="imapsync-"))
        try:
            self._set_up()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def _set_up(self):
        for folder in ("home", "config", "data", "state", "cache", "runtime", "services"):
            (self.top / folder).mkdir(mode=0o700)
        self.environment = self._environment()
        (self.top / "bus.conf").write_text(BUS_CONFIGURATION.format(top=self.top))
        if self.activation:
            text = ACTIVATION.format(program=HERE / "imapsyncd")
            (self.top / "services" / "org.imapsync1.service").write_text(text)
        self.spawn(["dbus-daemon", "--nofork", f"--config-file={self.top}/bus.conf"], "bus.log")
        wait_for((self.top / "runtime" / "bus").exists, "the bus")
        self.bus = wait_for(self._connect, "the bus to answer")
        self.keyring = Keyring(self) if self.with_keyring else None
        self.authority = Authority(self.top / "authority")
        self.remote = Dovecot(
            self.top, "remote", self.authority, self.spawn, self.settings, self.password
        )
        if not self.activation:
            self.start_daemon()

    def _connect(self):
        try:
            return dbus.bus.BusConnection(self.environment["DBUS_SESSION_BUS_ADDRESS"])
        except dbus.DBusException:  # bound, and not listening yet
            return None

    def for_a_thread(self):
        """The same session for a thread, which needs a connection of its own to the bus."""
        other = copy.copy(self)
        other.bus = self._connect()
        return other

    def _environment(self):
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment.update(
            PATH="/usr/local/bin:/usr/bin:/bin",
            LC_ALL="C.UTF-8",
            USER=pwd.getpwuid(os.getuid()).pw_name,
            HOME=str(self.top / "home"),
            XDG_RUNTIME_DIR=str(self.top / "runtime"),
            DBUS_SESSION_BUS_ADDRESS=f"unix:path={self.top}/runtime/bus",
            DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nonexistent",
            GIO_USE_PROXY_RESOLVER="dummy",
            GIO_USE_NETWORK_MONITOR="base",
            GIO_USE_VFS="local",
        )
        for kind in ("config", "data", "state", "cache"):
            environment[f"XDG_{kind.upper()}_HOME"] = str(self.top / kind)
        return environment

    def __exit__(self, kind, value, trace):
        for conn in self.connections:
            try:
                conn.shutdown()
            except (OSError, imaplib.IMAP4.error):
                pass
        if self.activation:
            self._end_activated()
        for child in reversed(self.children):
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(10)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
        if kind is not None and (self.top / "daemon.log").exists():
            log = (self.top / "daemon.log").read_text(errors="replace").splitlines()[-40:]
            print("\n".join("daemon: " + line for line in log), file=sys.stderr)
        shutil.rmtree(self.top, ignore_errors=True)

    def _end_activated(self):
        """Ends the daemon that the bus has started, while there is a bus that knows it."""
        try:
            os.kill(int(self.bus.get_unix_process_id(BUS_NAME)), signal.SIGTERM)
            wait_for(lambda: not self.bus.name_has_owner(BUS_NAME), "the daemon to end")
        except (AttributeError, dbus.DBusException):
            pass

    def spawn(self, command, log, stdin=subprocess.DEVNULL):
        """Starts a helper that is ended with the session; its output goes to a file there."""
        with open(self.top / log, "ab") as out:
            child = subprocess.Popen(
                [*DYING_WITH_US, *command],
                stdin=stdin,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self.environment,
            )
        self.children.append(child)
        return child

    # -- the daemon ------------------------------------------------------------------------------

    def start_daemon(self):
        self.daemon = self.spawn([HERE / "imapsyncd"], "daemon.log")
        wait_for(self._is_up, "the daemon")

    def _is_up(self):
        if self.daemon.poll() is not None:
            raise AssertionError(f"the daemon ended with {self.daemon.returncode} when it started")
        return self.bus.name_has_owner(BUS_NAME)

    def kill_daemon(self):
        """By SIGKILL, as a crash or the kernel would end it."""
        self.daemon.kill()
        self.daemon.wait()
        wait_for(lambda: not self.bus.name_has_owner(BUS_NAME), "the bus to notice")

    def stop_daemon(self):
        """By SIGTERM, as the session does at its end; returns the exit status."""
        self.daemon.terminate()
        return self.daemon.wait(30)

    def memory(self, figure):
        """`VmRSS`: the daemon's resident set in bytes; `VmHWM`: the greatest since its start."""
        status = pathlib.Path(f"/proc/{self.daemon.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(figure + ":"))
        return int(line.split()[1]) * 1024

    # -- the command line ------------------------------------------------------------------------

    def ctl(self, *arguments, stdin="", status=0):
        """Runs imapsyncctl; `status`: the exit status it must have, None for any."""
        done = subprocess.run(
            [HERE / "imapsyncctl", *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            env=self.environment,
            timeout=900,
        )
        if status is not None and done.returncode != status:
            said = done.stdout + done.stderr
            raise AssertionError(f"imapsyncctl {arguments} ended with {done.returncode}:\n{said}")
        return done

    def add(self, name=ACCOUNT, password=Dovecot.PASSWORD, local=(), status=0, ca_file=None):
        """Adds an account; `local`: KEY=VALUE settings of a local side other than the default."""
        settings = [f"remote.ca-file={ca_file or self.authority.certificate}", *local]
        options = [word for setting in settings for word in ("--set", setting)]
        return self.ctl(
            *("add", name, self.remote.url(), *options), stdin=password + "\n", status=status
        )

    # -- the bus ---------------------------------------------------------------------------------

    def manager(self, method, *arguments):
        proxy = self.bus.get_object(BUS_NAME, "/org/imapsync1", introspect=False)
        return getattr(proxy, method)(*arguments, dbus_interface="org.imapsync1.Manager")

    def manager_property(self, key):
        proxy = self.bus.get_object(BUS_NAME, "/org/imapsync1", introspect=False)
        return proxy.Get("org.imapsync1.Manager", key, dbus_interface=dbus.PROPERTIES_IFACE)

    def account(self, name=ACCOUNT):
        path = self.manager("GetAccount", name)
        return self.bus.get_object(BUS_NAME, path, introspect=False)

    def account_property(self, key, name=ACCOUNT):
        proxy = self.account(name)
        return proxy.Get("org.imapsync1.Account", key, dbus_interface=dbus.PROPERTIES_IFACE)

    def start_sync(self, name=ACCOUNT, max_deletions=None):
        wanted = {} if max_deletions is None else {"max_deletions": dbus.UInt32(max_deletions)}
        path = self.account(name).Sync(options(**wanted), dbus_interface="org.imapsync1.Account")
        return Job(self, path)

    def sync(self, name=ACCOUNT, result="done", seconds=600, max_deletions=None):
        """Syncs to the end, which has to be `result`; returns the summary."""
        job = self.start_sync(name, max_deletions)
        got, summary = job.wait(seconds)
        if got != result:
            words = job.get("Error")[1]
            kept = [f"{issue['kind']}: {issue['mailbox']}" for issue in self.issues(name)]
            raise AssertionError(f"the sync ended {got}, not {result}: {job.error()} {words} {kept}")
        return summary

    STEPS = (
        *("copied-local", "copied-remote", "flags-local", "flags-remote"),
        *("expunged-local", "expunged-remote", "refused", "held"),
        *("subscriptions-local", "subscriptions-remote"),
        *("mailboxes-created", "mailboxes-changed", "mailboxes-selected"),
    )

    def steps(self, summary):
        """What a sync did, or opened: the counts of its summary that are not 0."""
        return {key: summary[key] for key in self.STEPS if summary[key]}

    def issues(self, name=ACCOUNT):
        listed = self.account(name).ListIssues(options(), dbus_interface="org.imapsync1.Account")
        return [{str(key): value for key, value in issue.items()} for issue in listed]

    def forget_offers(self, name=ACCOUNT):
        """Makes servers that were never seen of the account's; none of its jobs may run."""
        with contextlib.closing(sqlite3.connect(self.top / "state/imapsync" / f"{name}.db")) as db:
            db.execute("UPDATE side SET offered = NULL, granted = NULL")
            db.commit()

    # -- both sides ------------------------------------------------------------------------------

    def remote_connection(self):
        conn = self.remote.connect()
        self.connections.append(conn)
        return conn

    def local_connection(self, name=ACCOUNT):
        """To the embedded store."""
        return self.local_command([HERE / "imapsyncctl", "connect", name])

    def local_command(self, command):
        conn = LocalConnection(command, self.environment)
        self.connections.append(conn)
        return conn

    def open_connections(self):
        """How many connections the daemon has to servers: TCP to the remote one, and children."""
        lines = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()]
        port, established = f":{self.remote.port:04X}", "01"
        connections = [line for line in lines if line[2].endswith(port) and line[3] == established]
        threads = pathlib.Path(f"/proc/{self.daemon.pid}/task").iterdir()
        children = [(thread / "children").read_text().split() for thread in threads]
        return len(connections) + sum(map(len, children))

    def stored_bytes(self, remote):
        """How much a side's store takes on disk, unfinished messages included."""
        store = self.remote.top / "home" if remote else self.top / "data"
        total = 0
        for folder, _, files in os.walk(store):
            for name in files:
                try:
                    total += os.stat(os.path.join(folder, name)).st_size
                except FileNotFoundError:
                    pass
        return total

    def snapshots(self, local=None):
        """What the two sides hold now; `local`: a function that connects to that side."""
        conns = (local or self.local_connection)(), self.remote_connection()
        held = [mail.snapshot(conn) for conn in conns]
        for conn in conns:
            conn.logout()
        return held

    def assert_equal(self, local=None):
        held = self.snapshots(local)
        lines = mail.differences(*held)
        if lines:
            raise AssertionError("the sides differ:\n" + "\n".join(lines[:20]))
        return held[0]
