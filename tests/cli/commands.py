#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Runs imapsyncctl as people and scripts do: on a private bus, against a service that only pretends
(fake-service.c), with and without a terminal. What it does with the real service, the end-to-end
tests show.

Usage: commands.py IMAPSYNCCTL FAKE_SERVICE
"""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

DEADLINE = 20  # seconds; nothing here takes longer than one
DYING_WITH_US = ["setpriv", "--pdeathsig", "TERM", "--"]
BUS_CONFIGURATION = """\
<busconfig>
  <type>session</type>
  <listen>unix:path={top}/bus</listen>
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
Exec=/bin/sh -c 'exec "{program}" 2>>"{top}/options"'
"""


class Bus:
    """A private bus that starts the service when it is called."""

    def __init__(self, top, service):
        self.top = top
        (top / "services").mkdir()
        (top / "bus.conf").write_text(BUS_CONFIGURATION.format(top=top))
        if service is not None:
            activation = ACTIVATION.format(program=service, top=top)
            (top / "services/org.imapsync1.service").write_text(activation)
        self.environment = dict(
            os.environ,
            DBUS_SESSION_BUS_ADDRESS=f"unix:path={top}/bus",
            XDG_CONFIG_HOME=str(top / "config"),
            XDG_DATA_HOME=str(top / "data"),
            HOME=str(top),
            TERM="xterm",
            LC_ALL="C.UTF-8",
        )
        self.process = subprocess.Popen(
            DYING_WITH_US
            + ["dbus-daemon", "--nofork", "--print-address=1", f"--config-file={top}/bus.conf"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self.environment,  # which it hands on to the service
        )
        self.process.stdout.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def ctl(bus, *arguments, given="", **environment):
    """Runs a command without a terminal."""
    return subprocess.run(
        [PROGRAM, *arguments],
        env=dict(bus.environment, **environment),
        input=given,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )


class Terminal:
    """A command on a terminal of 100 columns."""

    def __init__(self, bus, *arguments):
        self.seen = ""
        self.echoed = None  # whether it did at the end
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(PROGRAM, [PROGRAM, *arguments], bus.environment)
        termios.tcsetwinsize(self.fd, (24, 100))

    def read_until(self, text):
        deadline = time.monotonic() + DEADLINE
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], deadline - time.monotonic())
            if not ready:
                raise AssertionError(f"no {text!r} in {self.seen!r}")
            try:
                self.seen += os.read(self.fd, 4096).decode(errors="replace")
            except OSError as end:
                raise AssertionError(f"ended without {text!r}: {self.seen!r}") from end

    def write(self, text):
        os.write(self.fd, text.encode())

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def end(self):
        """Waits for the end; returns the exit status, negative for a signal."""
        while True:
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                break
            if not data:
                break
            self.seen += data.decode(errors="replace")
        _, status = os.waitpid(self.pid, 0)
        self.echoed = self.echoes()
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


class Monitor:
    """The command monitor, with a small pipe behind it."""

    def __init__(self, bus):
        reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        self.output = os.fdopen(reading, "rb", buffering=0)
        self.process = subprocess.Popen(
            DYING_WITH_US + [PROGRAM, "monitor"], env=bus.environment, stdout=writing,
            stderr=subprocess.PIPE, text=True,
        )
        os.close(writing)

    def line(self):
        """The next one, without its time."""
        ready, _, _ = select.select([self.output], [], [], DEADLINE)
        assert ready, "nothing is told"
        line = self.output.readline().decode()
        assert re.match(r"\d{4}(-\d\d){2} \d\d(:\d\d){2}  ", line), line
        return line[21:].rstrip("\n")

    def waiting(self):
        """How many bytes there are to read."""
        return struct.unpack("i", fcntl.ioctl(self.output, termios.FIONREAD, b"    "))[0]

    def end(self, signal_number=None):
        """Returns the exit status and what was said of it."""
        if signal_number is not None:
            self.process.send_signal(signal_number)
        _, errors = self.process.communicate(timeout=DEADLINE)
        self.output.close()
        return self.process.returncode, errors


def check(done, status, *said):
    """The exit status, and what must be in stdout or stderr."""
    words = done.stdout + done.stderr
    if done.returncode != status:
        raise AssertionError(f"exit status {done.returncode}, not {status}:\n{words}")
    for text in said:
        if text not in words:
            raise AssertionError(f"{text!r} is not in:\n{words}")


def write_account(bus, name, text):
    directory = bus.top / "config/imapsync"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.conf").write_text(text)


# Usage


def version_and_help(bus):
    check(ctl(bus, "--version"), 0, "imapsyncctl 0.")
    check(ctl(bus, "--help"), 0, "password", "Exit status")
    check(ctl(bus, "help", "sync"), 0, "--max-deletions")
    check(ctl(bus, "sync", "--help"), 0, "--max-deletions")


def wrong_usage_is_2(bus):
    check(ctl(bus), 2, "a command is missing")
    check(ctl(bus, "snyc"), 2, "did you mean sync?")
    check(ctl(bus, "help", "snyc"), 2, "did you mean sync?")
    check(ctl(bus, "sync", "--mailbx", "x"), 2, "did you mean --mailbox?")
    check(ctl(bus, "sync", "--max-deletions", "many"), 2, "a number")
    check(ctl(bus, "list", "all"), 2, "takes fewer arguments")
    check(ctl(bus, "connect"), 2, "needs more arguments")
    check(ctl(bus, "password", "fine", "left"), 2, "remote or local")
    check(ctl(bus, "add", "new", "pop3://me@h"), 2, "does not start with imaps://")
    check(ctl(bus, "add", "a/b", "imaps://me@h"), 2, "is no name for an account")
    check(ctl(bus, "add", "new"), 2, "the remote server is missing")
    check(ctl(bus, "add", "new", "imaps://me@h", "--set", "port=1"), 2, "remote.ca-file")
    secret = ctl(bus, "add", "new", "imaps://me@h", "--set", "remote.password=hunter2")
    check(secret, 2, "a password is no setting")
    assert "hunter2" not in secret.stderr


def no_bus_and_no_service_are_told_apart(bus):
    no_bus = ctl(bus, "status", DBUS_SESSION_BUS_ADDRESS="unix:path=/nonexistent")
    check(no_bus, 1, "there is no session bus")
    with tempfile.TemporaryDirectory() as top, Bus(pathlib.Path(top), None) as empty:
        check(ctl(empty, "status"), 1, "is not known on this bus. Install it")


# Looking


def list_and_status(bus):
    check(ctl(bus, "list"), 0, "away\nbroken\nfine\n")
    status = ctl(bus, "status")
    check(status, 0, "ACCOUNT", "no route to imap.example.net", "imapsyncctl issues partly")
    assert "→ store the right password with \"imapsyncctl password broken\"" in status.stdout


def status_as_json(bus):
    done = ctl(bus, "status", "--json")
    check(done, 0)
    accounts = {account["name"]: account for account in json.loads(done.stdout)}
    assert accounts["partly"]["issues"] == 1
    assert accounts["fine"]["path"] == "/org/imapsync1/account/fine"
    assert accounts["away"]["error-name"] == "org.imapsync1.Error.Offline"


def issues_say_what_to_do(bus):
    check(ctl(bus, "issues", "fine"), 0, "Nothing waits for you")
    check(ctl(bus, "issues"), 0, "77 messages of “Entwürfe”", "sync partly --max-deletions 77")
    check(ctl(bus, "issues", "nobody"), 1, "no account", "The accounts are: away, broken")
    for number in ("x", "0", "1.5", "18446744073709551616"):
        done = ctl(bus, "resolve", "fine", number, "pin")
        check(done, 2, f"“{number}” is no number of an issue", "imapsyncctl issues fine")
    check(ctl(bus, "resolve", "nobody", "1", "pin"), 1, "no account")
    check(ctl(bus, "unlock", "nobody"), 1, "no account")


def mailboxes_as_a_table(bus):
    done = ctl(bus, "mailboxes", "fine")
    check(done, 0)
    heading, *rows = (re.split("  +", line) for line in done.stdout.splitlines())
    assert heading[:4] == ["MAILBOX", "STATE", "SIDES", "ROLE"], heading
    assert rows[0][:6] == ["Entwürfe", "synced", "both", "drafts", "3000000000", "yes"], rows
    assert rows[1] == ['a?[2J "b"', "held back", "remote", "0", "no", "never"], rows
    check(ctl(bus, "mailboxes", "nobody"), 1, "no account", "The accounts are: away, broken")
    check(ctl(bus, "mailboxes"), 2, "needs more arguments")


def mailboxes_as_json(bus):
    done = ctl(bus, "mailboxes", "fine", "--json")
    check(done, 0)
    drafts, other = json.loads(done.stdout)
    assert list(drafts)[0] == "name", drafts
    assert (drafts["name"], drafts["messages"]) == ("Entwürfe", 3000000000), drafts
    assert (drafts["local"], other["local"]) == (True, False), other
    assert (other["name"], other["state"]) == ('a\033[2J "b"', "held"), other


def without_a_list_of_mailboxes_a_sync_is_named(bus):
    done = ctl(bus, "mailboxes", "partly")
    check(done, 0, "imapsyncctl sync partly")
    assert done.stdout == "", done.stdout
    done = ctl(bus, "mailboxes", "partly", "--json")
    assert (json.loads(done.stdout), done.stderr) == ([], ""), done


def cancel_counts(bus):
    check(ctl(bus, "cancel"), 0, "Nothing was running")
    check(ctl(bus, "cancel", "slow"), 0, "1 job cancelled")
    check(ctl(bus, "cancel", "slow", "fine"), 0, "2 jobs cancelled")


# Syncing


def results_become_exit_statuses(bus):
    check(ctl(bus, "sync", "fine"), 0, "fine: done (1.5 s", "messages copied: 40 on local")
    check(ctl(bus, "sync", "partly"), 3, 'see "imapsyncctl issues partly"')
    away = str(bus.top / "config/imapsync/away.conf")
    check(ctl(bus, "sync", "away"), 4, "no route to imap.example.net", away)
    check(ctl(bus, "sync", "broken"), 1, "imapsyncctl password broken")
    check(ctl(bus, "sync", "fine", "partly", "away"), 4)
    check(ctl(bus, "sync", "away", "broken"), 1)
    check(ctl(bus, "sync", "nobody"), 1, "The accounts are: away, broken")
    misspelt = ctl(bus, "sync", "fine", "nobody")
    check(misspelt, 1, "no account")
    assert "fine: " not in misspelt.stderr, misspelt.stderr
    check(ctl(bus, "sync"), 0, "no account to sync")


def without_a_terminal_a_line_for_each_phase(bus):
    done = ctl(bus, "sync", "fine")
    phases = "fine: connecting\nfine: comparing\nfine: copying 40 messages (40.0 kB)\n"
    assert done.stderr == phases, done.stderr
    assert "\033" not in done.stdout


def options_reach_the_service(bus):
    check(ctl(bus, "sync", "fine", "--mailbox", "A", "--mailbox=B/C", "--max-deletions", "7"), 0)
    told = (bus.top / "options").read_text()
    assert told.endswith("mailboxes=A,B/C\nmax-deletions=7\n"), told


def a_dry_run_shows_the_plan(bus):
    done = ctl(bus, "sync", "fine", "--dry-run")
    check(done, 0, "fine: a sync would do this; nothing was changed", "Entwürfe  40 local")
    assert "copied" not in done.stdout, done.stdout
    told = (bus.top / "options").read_text()
    assert told.endswith("dry-run=1\n"), told
    check(ctl(bus, "sync", "partly", "--dry-run"), 3, "a sync would do this")
    away = ctl(bus, "sync", "away", "--dry-run")
    check(away, 4, "away: offline")
    assert "would" not in away.stdout, away.stdout
    check(ctl(bus, "sync", "--dry-rum"), 2, "did you mean --dry-run?")


def the_service_of_these_tests_ends_with_its_bus(bus):
    check(ctl(bus, "list"), 0)
    owner = subprocess.run(
        ["busctl", f"--address={bus.environment['DBUS_SESSION_BUS_ADDRESS']}", "--json=short",
         "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
         "GetConnectionUnixProcessID", "s", "org.imapsync1"],
        capture_output=True, text=True, check=True, timeout=DEADLINE,
    )
    pid = json.loads(owner.stdout)["data"][0]
    bus.process.kill()
    deadline = time.monotonic() + DEADLINE
    while pathlib.Path(f"/proc/{pid}/stat").exists():
        if pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            break
        assert time.monotonic() < deadline, "it outlives its bus"
        time.sleep(0.01)


def a_service_that_goes_is_a_failure(bus):
    check(ctl(bus, "sync", "gone"), 1, "the service has gone")


def ctrl_c_cancels_the_job(bus):
    terminal = Terminal(bus, "sync", "slow")
    terminal.read_until("20/40")
    terminal.write("\x03")
    terminal.read_until("slow: cancelled")
    status = terminal.end()
    assert status == 130, status
    assert "Cancelling." in terminal.seen


def the_bar_is_drawn_in_place_and_removed(bus):
    terminal = Terminal(bus, "sync", "fine")
    status = terminal.end()
    assert status == 0, status
    assert "copying  Entwürfe  [##########..........]  20/40  20.0 kB/40.0 kB" in terminal.seen
    before_summary = terminal.seen[: terminal.seen.index("fine: done")]
    assert "\n" not in before_summary, terminal.seen
    assert before_summary.endswith("\r\033[K"), terminal.seen


# Monitoring


def owns_its_name(bus):
    done = subprocess.run(
        ["busctl", f"--address={bus.environment['DBUS_SESSION_BUS_ADDRESS']}",
         "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
         "NameHasOwner", "s", "org.imapsync1"],
        capture_output=True, text=True, check=True, timeout=DEADLINE,
    )
    return done.stdout == "b true\n"


def monitor_tells_what_happens(bus):
    monitor = Monitor(bus)
    assert monitor.line() == "the service is not running; whoever calls it starts it"
    assert not owns_its_name(bus)
    check(ctl(bus, "sync", "fine"), 0)
    copied = "messages copied: 40 on local, 0 on remote"
    for wanted in (
        "the service has started",
        "fine: a job was asked for",
        "fine: is at work",
        "fine: needs your attention no more",
        "fine: connecting",
        "fine: comparing",
        "fine: copying 40 messages (40.0 kB)",
        f"fine: “Entwürfe?[2J”: {copied}",
        'fine: what waits for your decision has changed: see "imapsyncctl issues fine"',
        "fine: is idle",
        "fine: needs your attention no more",
        f"fine: done (1.5 s, 0 B sent, 0 B received); {copied}",
    ):
        told = monitor.line()
        assert told == wanted, (told, wanted)
    check(ctl(bus, "sync", "gone"), 1)
    while monitor.line() != "the service has ended":
        pass
    assert monitor.end(signal.SIGINT) == (0, "")


def monitor_tells_of_trouble_and_of_accounts(bus):
    check(ctl(bus, "list"), 0)
    monitor = Monitor(bus)
    assert monitor.line() == "the service is running"
    check(ctl(bus, "sync", "broken"), 1)
    while (told := monitor.line()) != "broken: is blocked: nothing goes on before you act":
        pass
    assert monitor.line() == "broken: needs your attention: the password is missing or wrong"
    told = monitor.line()
    refusal = "broken: the server refused user name or password → store the right password with "
    assert told == refusal + '"imapsyncctl password broken"', told
    assert monitor.line().startswith("broken: failed (1.5 s, ")

    write_account(bus, "fine", "")
    check(ctl(bus, "reload"), 0)
    assert monitor.line() == "fine: the account was taken up"
    check(ctl(bus, "remove", "fine", "--yes"), 0)
    assert monitor.line() == "fine: the account is gone"
    assert monitor.end(signal.SIGINT) == (0, "")


def monitor_tells_each_job_of_its_own(bus):
    """The phases of one are not those of the next, though it has the same path here."""
    monitor = Monitor(bus)
    monitor.line()  # it listens
    for _ in range(2):
        check(ctl(bus, "sync", "fine"), 0)
        while monitor.line() != "fine: connecting":
            pass
    assert monitor.end(signal.SIGINT) == (0, "")


def monitor_ends_with_its_reader(bus):
    monitor = Monitor(bus)
    monitor.line()
    monitor.output.close()
    assert monitor.end() == (0, "")


def monitor_ends_with_its_bus(bus):
    monitor = Monitor(bus)
    monitor.line()
    bus.process.kill()
    status, errors = monitor.end()
    assert status == 1 and "the session bus has gone" in errors, (status, errors)


def ctrl_c_ends_a_monitor_that_nobody_reads(bus):
    monitor = Monitor(bus)
    for _ in range(10):
        check(ctl(bus, "sync", "fine"), 0)
    deadline = time.monotonic() + DEADLINE
    while monitor.waiting() < 4096 - 200:  # less than a line has room
        assert time.monotonic() < deadline, "the pipe does not get full"
        time.sleep(0.01)
    assert monitor.end(signal.SIGINT) == (0, "")


# Accounts


def passwords_name_what_is_missing(bus):
    write_account(bus, "fine", "[remote]\nhost=imap.example.net\nusername=me\n")
    check(ctl(bus, "password", "nobody", given="x\n"), 1, "no account", "The accounts are:")
    check(ctl(bus, "password", "../../etc/x", given="x\n"), 1, "no account")
    check(ctl(bus, "password", "fine", "local", given="x\n"), 1, "it has no password")
    check(ctl(bus, "password", "fine", "--proxy", given="x\n"), 1, "socks5://USER@HOST:PORT")
    check(ctl(bus, "password", "fine", given=""), 1, "no password was given")
    check(ctl(bus, "password", "fine", given="a\0b\n"), 1, "zero byte")
    check(ctl(bus, "password", "fine", given="x" * 8193), 1, "longer than 8192 bytes")
    os.mkfifo(bus.top / "config/imapsync/pipe.conf")
    check(ctl(bus, "password", "pipe", given="x\n"), 1, "it is no regular file")
    check(ctl(bus, "password", "fine", given="x\n"), 1, "Start gnome-keyring or KWallet")


def add_refuses_what_is_there_before_it_asks(bus):
    check(ctl(bus, "add", "fine", "imaps://me@h"), 1, "there is an account “fine” already")
    check(ctl(bus, "add", "-x", "imaps://me@h"), 2)


def a_test_says_whether_both_sides_let_us_in(bus):
    fine = ctl(bus, "test", "fine")
    check(fine, 0)
    assert fine.stdout.startswith("fine: both sides let us in\n"), fine
    assert fine.stderr == "fine: connecting\n", fine
    check(ctl(bus, "test", "partly"), 0, "partly: both sides let us in")
    check(ctl(bus, "test", "broken"), 1, "broken: failed", "imapsyncctl password broken")
    away = str(bus.top / "config/imapsync/away.conf")
    check(ctl(bus, "test", "away"), 4, "no route to imap.example.net", away)
    check(ctl(bus, "test", "nobody"), 1, "The accounts are: away, broken")
    check(ctl(bus, "test", "gone"), 1, "the service has gone")
    check(ctl(bus, "test"), 2, "needs more arguments")


def a_test_tells_what_it_found(bus):
    lines = [
        "local   program    /usr/lib/dovecot/imap",
        "        login      PREAUTH: none was needed",
        "        uses       QRESYNC, LITERAL+",
        "        lacks      MULTIAPPEND: a command for each message that is copied there",
        "        delimiter  /",
        "        mailboxes  7, with messages: 5",
        "        messages   3000000000",
        "remote  address    imap.example.net, port 993",
    ]
    fine = ctl(bus, "test", "fine")
    assert fine.stdout.splitlines() == ["fine: both sides let us in", *lines], fine
    away = ctl(bus, "test", "away")
    failed = "        failed     no route to imap.example.net"
    assert away.stdout.splitlines() == ["away: offline", *lines, failed], away
    assert ctl(bus, "test", "broken").stdout == "broken: failed\n"


def a_test_tells_scripts_too(bus):
    fine = ctl(bus, "test", "fine", "--json")
    check(fine, 0)
    local, remote = json.loads(fine.stdout)
    assert (local["name"], remote["name"]) == ("local", "remote"), fine
    assert local["messages"] == 3000000000 and local["used"] == ["QRESYNC", "LITERAL+"], local
    away = ctl(bus, "test", "away", "--json")
    check(away, 4, "no route to imap.example.net")
    assert json.loads(away.stdout)[1]["error-message"] == "no route to imap.example.net", away
    broken = ctl(bus, "test", "--json", "broken")
    check(broken, 1)
    assert json.loads(broken.stdout) == [], broken


def ctrl_c_cancels_a_test(bus):
    terminal = Terminal(bus, "test", "slow")
    terminal.read_until("connecting")
    terminal.write("\x03")
    terminal.read_until("slow: cancelled")
    status = terminal.end()
    assert status == 130, status


def reload_says_what_is_wrong_with_a_file(bus):
    write_account(bus, "fine", "[remote]\nhost=imap.example.net\nusername=me\n")
    check(ctl(bus, "reload"), 0, "there are 6 accounts.")
    write_account(bus, "fine", "[remote\n")
    write_account(bus, "slow", "host\n")
    done = ctl(bus, "reload")
    check(done, 1, f"imapsyncctl: {bus.top}/config/imapsync/fine.conf: ", "slow.conf: ")
    assert len(done.stderr.splitlines()) == 2 and done.stdout == "", done
    write_account(bus, "fine", "")
    write_account(bus, "slow", "")
    check(ctl(bus, "reload"), 0, "there are 6 accounts")
    check(ctl(bus, "reload", "fine"), 2, "takes fewer arguments")


def make_store(bus, name):
    store = bus.top / "data/imapsync" / name
    store.mkdir(parents=True)
    return store


def remove_keeps_the_mail_unless_told_otherwise(bus):
    store = make_store(bus, "fine")
    check(ctl(bus, "remove", "fine", "--yes"), 0, "fine was removed", f"is kept in {store},")
    assert "delete-store" not in (bus.top / "options").read_text()
    done = ctl(bus, "remove", "fine", "--delete-store", "--yes")
    check(done, 0, "Its local mail was deleted. The mail on the remote side stays.")
    assert (bus.top / "options").read_text().endswith("delete-store=1\n")
    check(ctl(bus, "remove", "fine", "--yes"), 0, "No mail was deleted, on either side.")


def remove_asks_and_says_what_will_go(bus):
    write_account(bus, "fine", "[remote]\nhost=imap.example.net\nusername=me\n")
    store = make_store(bus, "fine")
    terminal = Terminal(bus, "remove", "fine")
    terminal.read_until("[y/N] ")
    for text in (f"{bus.top}/config/imapsync/fine.conf", f"local mail stays in {store},"):
        assert text in terminal.seen, terminal.seen
    terminal.write("\n")
    assert terminal.end() == 130
    assert "Nothing was removed." in terminal.seen

    terminal = Terminal(bus, "remove", "--delete-store", "fine")
    terminal.read_until("[y/N] ")
    for text in (f"ITS LOCAL MAIL, all that is in {store}\r", "not synced yet is then lost"):
        assert text in terminal.seen, terminal.seen
    assert store.exists()
    terminal.write("y\n")
    assert terminal.end() == 0, terminal.seen
    assert "Its local mail was deleted." in terminal.seen and not store.exists()


def remove_knows_a_local_side_that_is_no_store(bus):
    write_account(bus, "fine", "[local]\ntype=imaps\nhost=h\nusername=me\n")
    make_store(bus, "fine")  # of an earlier account of this name
    terminal = Terminal(bus, "remove", "fine", "--delete-store")
    terminal.read_until("No private local store is to be found")
    terminal.read_until("[y/N] ")
    terminal.write("\x04")
    assert terminal.end() == 130


def remove_fails_as_the_service_says(bus):
    told = ctl(bus, "remove", "fine", given="y\n")
    check(told, 2, "say --yes")
    check(ctl(bus, "remove", "broken", "--yes"), 1, "broken: the keyring is locked")
    check(ctl(bus, "remove", "away", "--yes"), 1, "away.db cannot be removed")
    check(ctl(bus, "remove", "slow", "--yes"), 1, "slow: it is being removed already")
    check(ctl(bus, "remove", "gone", "--yes"), 1, "gone: the service imapsyncd does not answer")
    check(ctl(bus, "remove", "nobody", "--yes"), 1, "The accounts are: away, broken")
    check(ctl(bus, "remove", "fine", "--delete-stroe"), 2, "did you mean --delete-store?")
    assert not (bus.top / "options").read_text()


def remove_waits_longer_than_other_calls(bus):
    check(ctl(bus, "list"), 0)
    check(ctl(bus, "remove", "fine", "--yes", SYSTEMD_BUS_TIMEOUT="100ms"), 0, "was removed")


def a_typed_password_is_not_shown(bus):
    write_account(bus, "fine", "[remote]\nhost=imap.example.net\nusername=me\n")
    terminal = Terminal(bus, "password", "fine")
    terminal.read_until("Password of me at imap.example.net: ")
    while terminal.echoes():
        time.sleep(0.01)
    terminal.write("hunter2\n")
    assert terminal.end() == 1  # there is no keyring
    assert "hunter2" not in terminal.seen


def ctrl_c_at_a_password_leaves_the_terminal_as_it_was(bus):
    write_account(bus, "fine", "[remote]\nhost=imap.example.net\nusername=me\n")
    terminal = Terminal(bus, "password", "fine")
    terminal.read_until("Password of")
    while terminal.echoes():
        time.sleep(0.01)
    terminal.write("hunt\x03")
    assert terminal.end() == -signal.SIGINT
    assert terminal.echoed


def connect_becomes_the_local_side(bus):
    write_account(bus, "tunnel", "[local]\ntype=tunnel\ncommand=printf '%s' 'a b' c\n")
    done = ctl(bus, "connect", "tunnel")
    check(done, 0)
    assert done.stdout == "a bc", done.stdout

    write_account(bus, "own", "[local]\ntype=imaps\nhost=mail.example.net\nusername=me\n")
    check(ctl(bus, "connect", "own"), 1, "Point yours at mail.example.net")
    check(ctl(bus, "connect", "nobody"), 1, "no account")
    write_account(bus, "embedded", "[remote]\nhost=h\nusername=me\n")
    embedded = ctl(bus, "connect", "embedded")
    check(embedded, 1, "ordinary user" if os.geteuid() == 0 else "sync embedded")
    assert embedded.stdout == ""


SCENARIOS = [
    version_and_help,
    wrong_usage_is_2,
    no_bus_and_no_service_are_told_apart,
    list_and_status,
    status_as_json,
    issues_say_what_to_do,
    mailboxes_as_a_table,
    mailboxes_as_json,
    without_a_list_of_mailboxes_a_sync_is_named,
    cancel_counts,
    results_become_exit_statuses,
    without_a_terminal_a_line_for_each_phase,
    options_reach_the_service,
    a_dry_run_shows_the_plan,
    the_service_of_these_tests_ends_with_its_bus,
    a_service_that_goes_is_a_failure,
    ctrl_c_cancels_the_job,
    the_bar_is_drawn_in_place_and_removed,
    monitor_tells_what_happens,
    monitor_tells_of_trouble_and_of_accounts,
    monitor_tells_each_job_of_its_own,
    monitor_ends_with_its_reader,
    monitor_ends_with_its_bus,
    ctrl_c_ends_a_monitor_that_nobody_reads,
    passwords_name_what_is_missing,
    add_refuses_what_is_there_before_it_asks,
    a_test_says_whether_both_sides_let_us_in,
    a_test_tells_what_it_found,
    a_test_tells_scripts_too,
    ctrl_c_cancels_a_test,
    reload_says_what_is_wrong_with_a_file,
    remove_keeps_the_mail_unless_told_otherwise,
    remove_asks_and_says_what_will_go,
    remove_knows_a_local_side_that_is_no_store,
    remove_fails_as_the_service_says,
    remove_waits_longer_than_other_calls,
    a_typed_password_is_not_shown,
    ctrl_c_at_a_password_leaves_the_terminal_as_it_was,
    connect_becomes_the_local_side,
]


def run(number, scenario, service, group="commands"):
    name = f"/cli/{group}/" + scenario.__name__.replace("_", "-")
    try:
        with tempfile.TemporaryDirectory() as top, Bus(pathlib.Path(top), service) as bus:
            scenario(bus)
    except Exception as fault:
        for line in repr(fault).replace("\\n", "\n").splitlines():
            print("#", line)
        print(f"not ok {number} - {name}", flush=True)
        return False
    print(f"ok {number} - {name}", flush=True)
    return True


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv[1])
    print(f"1..{len(SCENARIOS)}")
    service = os.path.abspath(sys.argv[2])
    results = [run(number, s, service) for number, s in enumerate(SCENARIOS, 1)]
    sys.exit(0 if all(results) else 1)
