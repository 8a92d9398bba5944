#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Passwords out of a real gnome-keyring on a bus of its own: every outcome of a search, and what
makes a waiting account go on. Usage: test-secret.py KEYRING-TOOL. Prints TAP."""

import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

from gi.repository import Gio, GLib

PATIENCE = 15  # seconds until something that must come has not come
QUIET = 1.5  # seconds in which nothing may come; the watch waits 0.2
AUTH_FAILED = 2  # of ImsError
MASTER = "master"
SECRETS = "org.freedesktop.secrets"
COLLECTION = "/org/freedesktop/secrets/collection/login"
BUS_CONFIG = """<busconfig><type>session</type><listen>unix:path={}/bus</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"""
PROMPTER = "org.gnome.keyring.SystemPrompter"
PROMPTER_INTERFACE = """<node><interface name="org.gnome.keyring.internal.Prompter">
<method name="BeginPrompting"><arg type="o" direction="in"/></method>
<method name="PerformPrompt"><arg type="o" direction="in"/><arg type="s" direction="in"/>
<arg type="a{sv}" direction="in"/><arg type="s" direction="in"/></method>
<method name="StopPrompting"><arg type="o" direction="in"/></method>
</interface></node>"""
IMAPS = "[remote]\nhost=h\nusername=u\n[local]\ntype=tunnel\ncommand=near\n"
LOCAL_IMAPS = "[remote]\ntype=tunnel\ncommand=far\n[local]\ntype=imaps\nhost=h\nusername=u\n"


class Session:
    """A private home with a bus, and a keyring if one is started."""

    def __init__(self, tool):
        self.tool = tool
        self.home = tempfile.mkdtemp(prefix="ims-secret-")
        self.keyring = None
        self.env = {
            **os.environ,
            "HOME": self.home,
            "XDG_RUNTIME_DIR": self.home,
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.home}/bus",
        }
        # gnome-keyring warns when it replaces a password; fatal warnings are for our own program
        self.env_of_tool = {**self.env, "G_DEBUG": "fatal-warnings"}
        self.env.pop("G_DEBUG", None)
        for name in "DATA", "CONFIG", "STATE", "CACHE":
            self.env[f"XDG_{name}_HOME"] = f"{self.home}/{name.lower()}"
        self.accounts = f"{self.home}/accounts"
        os.mkdir(self.accounts)
        self._write("bus.conf", BUS_CONFIG.format(self.home))
        self._write("accounts/work.conf", IMAPS)
        self.bus = self._spawn(
            ["dbus-daemon", "--nofork", "--print-address", f"--config-file={self.home}/bus.conf"],
            stdout=subprocess.PIPE,
        )
        self.bus.stdout.readline()
        try:
            self.connection = Gio.DBusConnection.new_for_address_sync(
                self.env["DBUS_SESSION_BUS_ADDRESS"],
                Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
                | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION,
                None,
                None,
            )
        except GLib.Error:
            self.bus.kill()
            raise

    def _write(self, name, text):
        with open(f"{self.home}/{name}", "w", encoding="utf-8") as file:
            file.write(text)

    def _spawn(self, argv, **kwargs):
        kwargs.setdefault("env", self.env)
        return subprocess.Popen(argv, stderr=subprocess.DEVNULL, **kwargs)

    def start_keyring(self, unlock=True):
        owned = []
        unlocking = ["--unlock"] if unlock else []
        watch = Gio.bus_watch_name_on_connection(
            self.connection, SECRETS, Gio.BusNameWatcherFlags.NONE, lambda *_: owned.append(1), None
        )
        self.keyring = self._spawn(
            ["gnome-keyring-daemon", "--foreground", *unlocking, "--components=secrets"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        self.keyring.stdin.write(MASTER.encode() if unlock else b"")
        self.keyring.stdin.close()
        deadline = GLib.get_monotonic_time() + PATIENCE * 1000000
        while not owned:
            if GLib.get_monotonic_time() > deadline:
                raise AssertionError("gnome-keyring did not come to the bus")
            GLib.timeout_add(50, lambda: False)
            GLib.MainContext.default().iteration(True)
        Gio.bus_unwatch_name(watch)

    def stop_keyring(self):
        self.keyring.terminate()
        self.keyring.wait(PATIENCE)
        self.keyring = None

    def end(self):
        self.connection.close_sync(None)
        if self.keyring is not None:
            self.stop_keyring()
        self.bus.terminate()
        self.bus.wait(PATIENCE)
        self.bus.stdout.close()
        shutil.rmtree(self.home)

    def _call(self, path, interface, method, parameters):
        return self.connection.call_sync(
            SECRETS, path, interface, method, parameters, None, 0, PATIENCE * 1000, None
        )

    def lock(self):
        self._call(
            "/org/freedesktop/secrets",
            "org.freedesktop.Secret.Service",
            "Lock",
            GLib.Variant("(ao)", ([COLLECTION],)),
        )

    def unlock(self):
        service = "org.freedesktop.Secret.Service"
        algorithm = GLib.Variant("(sv)", ("plain", GLib.Variant("s", "")))
        _, path = self._call("/org/freedesktop/secrets", service, "OpenSession", algorithm).unpack()
        secret = (path, b"", MASTER.encode(), "text/plain")
        self._call(
            "/org/freedesktop/secrets",
            "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface",
            "UnlockWithMasterPassword",
            GLib.Variant("(o(oayays))", (COLLECTION, secret)),
        )

    def start_prompter(self):
        """One that is asked and never answers. Returns who asked, as that goes on."""
        asked = []

        def on_call(connection, sender, path, interface, method, parameters, invocation):
            asked.append(method)
            invocation.return_value(None)

        interface = Gio.DBusNodeInfo.new_for_xml(PROMPTER_INTERFACE).interfaces[0]
        self.connection.register_object("/org/gnome/keyring/Prompter", interface, on_call, None, None)
        Gio.bus_own_name_on_connection(
            self.connection, PROMPTER, Gio.BusNameOwnerFlags.NONE, None, None
        )
        return asked

    def store(self, password, account="work", side="remote", host="h", username="u"):
        attributes = ["account", account, "side", side, "host", host, "username", username]
        subprocess.run(
            ["secret-tool", "store", "--label=test", "xdg:schema", "org.imapsync1.Password"]
            + attributes,
            input=password.encode(),
            env=self.env,
            check=True,
            timeout=PATIENCE,
        )

    def find(self, account="work", side="remote", host="h", username="u"):
        return subprocess.run(
            [self.tool, "find", account, side, host, username],
            env=self.env_of_tool,
            check=True,
            timeout=PATIENCE,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout.strip()

    def erase(self, account="work"):
        return subprocess.run(
            [self.tool, "erase", account],
            env=self.env_of_tool,
            check=True,
            timeout=PATIENCE,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout.split()[0]

    def waiting(self, prompts=False):
        """`prompts`: libsecret then loses a few octets, and more when the keyring goes meanwhile."""
        env = dict(self.env_of_tool)
        if prompts:
            env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        return Accounts(self._spawn(
            [self.tool, "accounts", self.accounts],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ))


class Accounts:
    """The accounts in a process of their own, seen by what they print."""

    def __init__(self, process):
        self.process = process
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        if exc[0] is None:
            equal(status, 0)

    def say(self, line):
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def line(self, seconds=PATIENCE):
        """The next line, or None if none comes in time."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self.rest:
            while GLib.MainContext.default().iteration(False):  # the prompter may be called
                pass
            if time.monotonic() > deadline:
                return None
            if not select.select([self.process.stdout], [], [], 0.01)[0]:
                continue
            self.rest += os.read(self.process.stdout.fileno(), 4096) or b"(it has ended)\n"
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def expect(self, *starts):
        for start in starts:
            line = self.line()
            if line is None or not line.startswith(start):
                raise AssertionError(f"{line!r} does not begin with {start!r}")
        return line


def equal(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


def absent_service_is_told(session):
    equal(session.find().split()[0], "absent")
    with session.waiting() as accounts:
        accounts.say("sync work")
        line = accounts.expect("job by client", "queued none: ", "blocked credentials: ")
        equal("no keyring (Secret Service) is running" in line, True)


def stored_password_is_found(session):
    session.start_keyring()
    session.store("pa ss wörd")
    equal(session.find(), "found pa ss wörd")


def password_of_a_tunnel_has_an_empty_host(session):
    session.start_keyring()
    session.store("x", side="local", host="")
    equal(session.find(side="local", host=""), "found x")


def password_is_for_one_place_only(session):
    session.start_keyring()
    session.store("x")
    equal(session.find(account="other"), "none")
    equal(session.find(side="local"), "none")
    equal(session.find(host="evil"), "none")
    equal(session.find(username="v"), "none")


def locked_keyring_is_told_without_a_prompt(session):
    session.start_keyring()
    session.store("x")
    session.lock()
    equal(session.find(), "locked")
    session.unlock()
    equal(session.find(), "found x")


def waiting_account_goes_on_when_a_password_is_stored(session):
    session.start_keyring()
    with session.waiting() as accounts:
        accounts.say("sync work")
        line = accounts.expect("job by client", "queued none: ", "blocked credentials: ")
        equal("'imapsyncctl password work'" in line, True)
        session.store("x")
        accounts.expect("job by user", "queued credentials: ", "syncing credentials: ")
        accounts.say("end -1")
        accounts.expect("idle none: ")


def waiting_account_goes_on_when_the_keyring_is_unlocked(session):
    session.start_keyring()
    session.store("x")
    session.lock()
    with session.waiting() as accounts:
        accounts.say("sync work")
        accounts.expect("job by client", "queued none: ", "blocked keyring-locked: ")
        session.unlock()
        accounts.expect("job by user", "queued keyring-locked: ", "syncing ")
        accounts.say("end -1")
        accounts.expect("idle none: ")


def waiting_account_goes_on_when_the_keyring_comes(session):
    session.start_keyring()
    session.store("x")
    session.stop_keyring()
    with session.waiting() as accounts:
        accounts.say("sync work")
        accounts.expect("job by client", "queued none: ", "blocked credentials: ")
        session.start_keyring()
        accounts.expect("job by user", "queued credentials: ", "syncing ")
        accounts.say("end -1")
        accounts.expect("idle none: ")


def search_survives_a_restart_of_the_keyring(session):
    session.start_keyring()
    session.store("x")
    with session.waiting() as accounts:
        for _ in range(2):
            accounts.say("sync work")
            accounts.expect("job by client", "queued ", "syncing ")
            accounts.say("end -1")
            accounts.expect("idle none: ")
            session.stop_keyring()
            session.start_keyring()


def refused_password_is_not_offered_again(session):
    session.start_keyring()
    session.store("wrong")
    with session.waiting() as accounts:
        accounts.say("sync work")
        accounts.expect("job by client", "queued none: ", "syncing none: ")
        accounts.say(f"end {AUTH_FAILED}")
        accounts.expect("blocked credentials: as told")
        session.store("x", account="other")
        equal(accounts.line(QUIET), None)
        session.store("right")
        accounts.expect("job by user", "queued credentials: ", "syncing credentials: ")
        accounts.say("end -1")
        accounts.expect("idle none: ")


def refused_password_is_not_offered_again_behind_a_locked_keyring(session):
    session.start_keyring()
    session.store("wrong")
    with session.waiting() as accounts:
        accounts.say("sync work")
        accounts.expect("job by client", "queued none: ", "syncing none: ")
        accounts.say(f"end {AUTH_FAILED}")
        accounts.expect("blocked credentials: as told")
        session.lock()
        accounts.say("sync work")
        accounts.expect("job by client", "queued credentials: ", "blocked keyring-locked: ")
        session.unlock()
        accounts.expect("blocked credentials: as told")
        equal(accounts.line(QUIET), None)


def password_stored_while_the_old_one_is_refused_is_noticed(session):
    session.start_keyring()
    session.store("wrong")
    with session.waiting() as accounts:
        accounts.say("sync work")
        accounts.expect("job by client", "queued none: ", "syncing none: ")
        session.store("right")
        equal(accounts.line(QUIET), None)
        accounts.say(f"end {AUTH_FAILED}")
        accounts.expect("blocked credentials: as told", "job by user", "queued ", "syncing ")
        accounts.say("end -1")
        accounts.expect("idle none: ")


def erased_are_all_of_the_account_and_no_other(session):
    equal(session.erase(), "absent")
    session.start_keyring()
    equal(session.erase(), "none")
    session.store("x")
    session.store("y", side="local", host="")
    session.store("z", host="former")
    session.store("x", account="other")
    equal(session.erase(), "none")
    equal(session.find(), "none")
    equal(session.find(side="local", host=""), "none")
    equal(session.find(host="former"), "none")
    equal(session.find(account="other"), "found x")


def nothing_is_erased_from_a_locked_keyring(session):
    session.start_keyring()
    session.store("x")
    session.lock()
    equal(session.erase(), "locked")
    session.unlock()
    equal(session.find(), "found x")


def account_is_not_removed_while_the_keyring_is_locked(session):
    session.start_keyring()
    session.store("x")
    session.lock()
    with session.waiting() as accounts:
        accounts.say("remove work")
        line = accounts.expect("removed: the keyring that holds the passwords of work is locked")
        equal("remove work again" in line, True)
        equal(os.path.exists(f"{session.accounts}/work.conf"), True)
        session.unlock()
        accounts.say("remove work")
        accounts.expect("removed: ")
        equal(os.path.exists(f"{session.accounts}/work.conf"), False)
    equal(session.find(), "none")


def waiting_account_goes_on_when_its_file_names_another_user(session):
    session.start_keyring()
    session.store("x", username="v")
    with session.waiting() as accounts:
        accounts.say("sync work")
        accounts.expect("job by client", "queued none: ", "blocked credentials: ")
        session._write("accounts/work.conf", IMAPS.replace("username=u", "username=w"))
        accounts.say("reload")
        line = accounts.expect("blocked credentials: ")
        equal("no password of w at h" in line, True)
        session._write("accounts/work.conf", IMAPS.replace("username=u", "username=v"))
        accounts.say("reload")
        accounts.expect("job by user", "queued credentials: ", "syncing credentials: ")
        accounts.say("end -1")
        accounts.expect("idle none: ")


def refused_password_may_be_right_for_another_user(session):
    session.start_keyring()
    session.store("x")
    session.store("x", username="v")
    with session.waiting() as accounts:
        accounts.say("sync work")
        accounts.expect("job by client", "queued none: ", "syncing none: ")
        accounts.say(f"end {AUTH_FAILED}")
        accounts.expect("blocked credentials: as told")
        accounts.say("reload")
        equal(accounts.line(QUIET), None)
        session._write("accounts/work.conf", IMAPS.replace("username=u", "username=v"))
        accounts.say("reload")
        accounts.expect("job by user", "queued credentials: ", "syncing credentials: ")
        accounts.say("end -1")
        accounts.expect("idle none: ")


def blocked_by_a_locked_keyring(session, accounts):
    session.start_keyring()
    session.store("x")
    session.lock()
    accounts.say("sync work")
    line = accounts.expect("job by client", "queued none: ", "blocked keyring-locked: ")
    equal("'imapsyncctl unlock work'" in line, True)


def prompt_that_nobody_answers_ends_in_time(session):
    asked = session.start_prompter()
    with session.waiting(prompts=True) as accounts:
        blocked_by_a_locked_keyring(session, accounts)
        equal(asked, [])
        begin = time.monotonic()
        accounts.say("unlock work 60000")
        accounts.say("unlock work 1500")
        accounts.expect("unlocked: work: somebody else has asked since")
        line = accounts.expect("unlocked: work: the keyring is still locked: ")
        equal("within 1 seconds" in line, True)
        equal(1.4 < time.monotonic() - begin < 5, True)
        equal(asked.count("BeginPrompting"), 1)
        accounts.say("sync work")
        accounts.expect("job by client", "queued keyring-locked: ", "blocked keyring-locked: ")


def no_time_at_all_is_told_as_locked(session):
    with session.waiting() as accounts:
        blocked_by_a_locked_keyring(session, accounts)
        accounts.say("unlock work 0")
        accounts.expect("unlocked: work: the keyring is still locked: ")


def late_answer_to_a_prompt_counts(session):
    session.start_prompter()
    with session.waiting(prompts=True) as accounts:
        blocked_by_a_locked_keyring(session, accounts)
        accounts.say("unlock work 300")
        accounts.expect("unlocked: work: the keyring is still locked: ")
        session.unlock()
        accounts.expect("job by user", "queued keyring-locked: ", "syncing ")
        accounts.say("end -1")
        accounts.expect("idle none: ")


def prompt_is_left_alone_when_the_service_ends(session):
    session.start_prompter()
    with session.waiting(prompts=True) as accounts:
        blocked_by_a_locked_keyring(session, accounts)
        accounts.say("unlock work 60000")
        equal(accounts.line(QUIET), None)
        accounts.process.stdin.close()
        accounts.expect("unlocked: work: it was not waited for the keyring")


def prompt_ends_when_the_keyring_is_unlocked_elsewhere(session):
    session.start_prompter()
    with session.waiting(prompts=True) as accounts:
        blocked_by_a_locked_keyring(session, accounts)
        accounts.say("unlock work 60000")
        equal(accounts.line(QUIET), None)
        session.unlock()
        equal(accounts.line(), "unlocked: ")
        accounts.expect("job by user", "queued keyring-locked: ", "syncing ")
        accounts.say("end -1")
        accounts.expect("idle none: ")


def prompt_dies_with_the_keyring(session):
    session.env_of_tool.pop("G_DEBUG")  # libsecret complains of itself then
    session.start_prompter()
    with session.waiting(prompts=True) as accounts:
        blocked_by_a_locked_keyring(session, accounts)
        accounts.say("unlock work 60000")
        equal(accounts.line(QUIET), None)
        session.stop_keyring()
        accounts.expect("unlocked: remote: no keyring", "blocked credentials: ")


def without_a_prompter_nothing_is_unlocked(session):
    with session.waiting(prompts=True) as accounts:
        blocked_by_a_locked_keyring(session, accounts)
        accounts.say("unlock work 30000")
        accounts.expect("unlocked: work: ")


def unlocking_what_is_not_locked_is_done_at_once(session):
    with session.waiting() as accounts:
        accounts.say("unlock work 30000")
        accounts.expect("unlocked: work: no keyring (Secret Service) is running")
        session.start_keyring()
        accounts.say("unlock work 30000")
        line = accounts.expect("unlocked: work: none of its passwords is in the keyring")
        equal("'imapsyncctl password work'" in line, True)
        session._write("accounts/work.conf", LOCAL_IMAPS)
        accounts.say("unlock work 30000")
        line = accounts.expect("idle none: ", "unlocked: work: none of its passwords is in the keyring")
        equal("'imapsyncctl password work local'" in line, True)
        session._write("accounts/work.conf", IMAPS)
        session.store("x")
        accounts.say("unlock work 30000")
        accounts.expect("idle none: ")
        equal(accounts.line(), "unlocked: ")
        by_command = IMAPS.replace("username=u", "username=u\npassword-command=echo x")
        session._write("accounts/work.conf", by_command)
        session.stop_keyring()
        accounts.say("unlock work 30000")
        accounts.expect("idle none: ")
        equal(accounts.line(), "unlocked: ")


def keyring_without_a_collection_has_no_password(session):
    session.start_keyring(unlock=False)
    equal(session.find(), "none")
    with session.waiting() as accounts:
        accounts.say("sync work")
        accounts.expect("job by client", "queued none: ", "blocked credentials: ")


TESTS = [
    absent_service_is_told,
    stored_password_is_found,
    password_of_a_tunnel_has_an_empty_host,
    password_is_for_one_place_only,
    locked_keyring_is_told_without_a_prompt,
    waiting_account_goes_on_when_a_password_is_stored,
    waiting_account_goes_on_when_the_keyring_is_unlocked,
    waiting_account_goes_on_when_the_keyring_comes,
    search_survives_a_restart_of_the_keyring,
    refused_password_is_not_offered_again,
    refused_password_is_not_offered_again_behind_a_locked_keyring,
    password_stored_while_the_old_one_is_refused_is_noticed,
    erased_are_all_of_the_account_and_no_other,
    nothing_is_erased_from_a_locked_keyring,
    account_is_not_removed_while_the_keyring_is_locked,
    waiting_account_goes_on_when_its_file_names_another_user,
    refused_password_may_be_right_for_another_user,
    prompt_that_nobody_answers_ends_in_time,
    no_time_at_all_is_told_as_locked,
    late_answer_to_a_prompt_counts,
    prompt_is_left_alone_when_the_service_ends,
    prompt_ends_when_the_keyring_is_unlocked_elsewhere,
    prompt_dies_with_the_keyring,
    without_a_prompter_nothing_is_unlocked,
    unlocking_what_is_not_locked_is_done_at_once,
    keyring_without_a_collection_has_no_password,
]


def run(number, test, tool):
    session = Session(tool)
    name = f"{number} - /account/secret/{test.__name__.replace('_', '-')}"
    try:
        test(session)
        print(f"ok {name}", flush=True)
        return True
    except Exception:  # whatever went wrong is this test's failure
        print(f"not ok {name}")
        for line in traceback.format_exc().splitlines():
            print(f"# {line}", flush=True)
        return False
    finally:
        session.end()


def main(tool):
    for program in "dbus-daemon", "gnome-keyring-daemon", "secret-tool":
        if shutil.which(program) is None:
            print(f"1..0 # SKIP {program} is not installed")
            return 0
    print(f"1..{len(TESTS)}", flush=True)
    results = [run(number, test, tool) for number, test in enumerate(TESTS, 1)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
