#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Installs the build below a temporary directory, as packagers do, looks at what is there, and runs
it from there: the installed activation file starts the installed service on a private bus.

Usage: staged.py MESON BUILD SESSION_CONF TOP
"""

import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

DEADLINE = 60  # seconds; a sanitized service on a busy machine has to fit
DYING_WITH_US = ["setpriv", "--pdeathsig", "TERM", "--"]
LICENCE = ("SPDX-License-Identifier: GPL-3.0-or-later", "Copyright the imapsyncd authors")

# Below the prefix, with the names of the directory options in braces.
INSTALLED = """
{bindir}/imapsyncctl
{libexecdir}/imapsyncd
lib/systemd/user/imapsyncd.service
{datadir}/bash-completion/completions/imapsyncctl
{datadir}/dbus-1/interfaces/org.imapsync1.xml
{datadir}/dbus-1/services/org.imapsync1.service
{datadir}/zsh/site-functions/_imapsyncctl
{mandir}/man1/imapsyncctl.1
{mandir}/man5/imapsync.conf.5
{mandir}/man8/imapsyncd.8
"""


def run(command, **kwargs):
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=DEADLINE, **kwargs
    )


class Stage:
    """What `meson install` put below a directory."""

    def __init__(self, meson, build, place):
        told = run([meson, "introspect", "--buildoptions", build]).stdout
        self.options = {option["name"]: option["value"] for option in json.loads(told)}
        self.prefix = self.options["prefix"]
        self.place = place
        done = run([meson, "install", "-C", build, "--no-rebuild", "--destdir", place])
        assert done.returncode == 0, done.stderr

    def path(self, name):
        """The place of a file that is told by its path below the prefix."""
        return self.place / self.prefix.lstrip("/") / name.format(**self.options)

    def examples(self, top):
        folder = "{datadir}/doc/imapsyncd/examples/"
        return [folder + path.name for path in (top / "data/examples").iterdir()]

    def files(self):
        return [path for path in self.place.rglob("*") if not path.is_dir()]


def what_is_installed_is_what_should_be(stage, top):
    wanted = {stage.path(name) for name in INSTALLED.split() + stage.examples(top)}
    found = set(stage.files())
    assert found == wanted, (sorted(found - wanted), sorted(wanted - found))


def modes_are_those_of_programs_and_files(stage, top):
    programs = {stage.path("{bindir}/imapsyncctl"), stage.path("{libexecdir}/imapsyncd")}
    for path in stage.files():
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert path.is_file() and not path.is_symlink(), path
        assert mode == (0o755 if path in programs else 0o644), (path, oct(mode))


def texts_name_their_licence_and_not_where_they_were_built(stage, top):
    for path in stage.files():
        data = path.read_bytes()
        if data.startswith(b"\x7fELF"):
            continue
        text = data.decode()
        for line in LICENCE:
            assert line in text, f"{path} has no line {line!r}"
        for place in (str(top), str(stage.place)):
            assert place not in text, f"{path} names {place}"
        assert "@" + "libexecdir@" not in text, path


def value(path, key):
    return re.search(f"^{key}=(.*)$", path.read_text(), re.MULTILINE).group(1)


def activation_file_and_unit_agree(stage, top):
    activation = stage.path("{datadir}/dbus-1/services/org.imapsync1.service")
    unit = stage.path("lib/systemd/user/imapsyncd.service")
    command = value(activation, "Exec")
    assert command == value(unit, "ExecStart"), command
    program, *arguments = command.split()
    assert pathlib.Path(str(stage.place) + program).exists(), program
    assert arguments == ["--idle-exit=60"], arguments
    assert value(activation, "SystemdService") == unit.name
    assert value(activation, "Name") == value(unit, "BusName") == "org.imapsync1"


def unit_is_free_of_faults(stage, top):
    """A bad value or an unknown key is no failure to systemd-analyze, only a line on stderr."""
    if shutil.which("systemd-analyze") is None:
        return "systemd-analyze is not installed"
    with tempfile.TemporaryDirectory() as home:
        unit = pathlib.Path(home) / "imapsyncd.service"
        text = stage.path("lib/systemd/user/imapsyncd.service").read_text()
        unit.write_text(text.replace("ExecStart=", f"ExecStart={stage.place}"))
        done = run(
            ["systemd-analyze", "--user", "--man=no", "verify", unit],
            env=dict(os.environ, XDG_RUNTIME_DIR=home, HOME=home),
        )
    assert (done.returncode, done.stderr) == (0, ""), done
    return None


def manuals_and_completions_are_found(stage, top):
    if shutil.which("man") is not None:
        done = run(["man", "-M", stage.path("{mandir}"), "-w", "imapsyncctl", "imapsyncd", "imapsync.conf"])
        assert len(done.stdout.split()) == 3, done
    completion = stage.path("{datadir}/bash-completion/completions/imapsyncctl")
    done = run(["bash", "--norc", "-c", 'source "$1" && complete -p imapsyncctl', "bash", completion])
    assert "_imapsyncctl" in done.stdout, done


class Session:
    """A private bus that knows the installed activation file only, at its place below the stage."""

    def __init__(self, stage, session_conf):
        self.home = tempfile.TemporaryDirectory()
        top = pathlib.Path(self.home.name)
        activation = stage.path("{datadir}/dbus-1/services/org.imapsync1.service").read_text()
        services = top / "services"
        services.mkdir()
        (services / "org.imapsync1.service").write_text(
            activation.replace("Exec=", f"Exec={stage.place}")
        )
        conf = pathlib.Path(session_conf).read_text()
        (top / "bus.conf").write_text(
            conf.replace("</busconfig>", f"<servicedir>{services}</servicedir></busconfig>")
        )
        self.config = top / "config/imapsync"
        self.environment = dict(
            os.environ,
            HOME=str(top),
            XDG_CONFIG_HOME=str(top / "config"),
            XDG_DATA_HOME=str(top / "data"),
            XDG_STATE_HOME=str(top / "state"),
            XDG_RUNTIME_DIR=str(top),
        )
        self.process = subprocess.Popen(
            DYING_WITH_US + ["dbus-daemon", "--nofork", "--print-address=1", f"--config-file={top}/bus.conf"],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = self.process.stdout.readline().strip()
        self.program = stage.path("{bindir}/imapsyncctl")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pid = self.service()
        if pid:
            os.kill(pid, signal.SIGTERM)
            self.wait_until_gone()
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        self.home.cleanup()

    def ctl(self, *arguments):
        return run([self.program, *arguments], env=self.environment)

    def service(self):
        """The service's process, or None if there is none."""
        done = run(
            ["dbus-send", f"--bus={self.environment['DBUS_SESSION_BUS_ADDRESS']}",
             "--print-reply=literal", "--dest=org.freedesktop.DBus", "/",
             "org.freedesktop.DBus.GetConnectionUnixProcessID", "string:org.imapsync1"]
        )
        return int(done.stdout.split()[1]) if done.returncode == 0 else None

    def wait_until_gone(self):
        deadline = time.monotonic() + DEADLINE
        while self.service():
            assert time.monotonic() < deadline, "the service does not end"
            time.sleep(0.02)


def the_first_call_starts_the_installed_service(stage, top):
    with Session(stage, SESSION_CONF) as session:
        version = session.ctl("--version")
        assert re.fullmatch(r"imapsyncctl \d+\.\d+\.\d+\n", version.stdout), version
        assert session.service() is None

        accounts = session.ctl("list")
        assert (accounts.returncode, accounts.stdout) == (0, ""), accounts
        assert "imapsyncctl add" in accounts.stderr, accounts

        running = os.readlink(f"/proc/{session.service()}/exe")
        assert running == str(stage.path("{libexecdir}/imapsyncd").resolve()), running


def an_installed_example_becomes_an_account(stage, top):
    with Session(stage, SESSION_CONF) as session:
        session.config.mkdir(parents=True)
        shutil.copy(stage.path("{datadir}/doc/imapsyncd/examples/simple.conf"), session.config)
        accounts = session.ctl("list")
        assert (accounts.returncode, accounts.stdout) == (0, "simple\n"), accounts
        status = session.ctl("status")
        assert status.returncode == 0 and "blocked" not in status.stdout, status


SCENARIOS = [
    what_is_installed_is_what_should_be,
    modes_are_those_of_programs_and_files,
    texts_name_their_licence_and_not_where_they_were_built,
    activation_file_and_unit_agree,
    unit_is_free_of_faults,
    manuals_and_completions_are_found,
    the_first_call_starts_the_installed_service,
    an_installed_example_becomes_an_account,
]


def check(number, scenario, stage, top):
    """A scenario that cannot be run here says why."""
    name = "/install/staged/" + scenario.__name__.replace("_", "-")
    try:
        skipped = scenario(stage, top)
    except Exception as fault:
        print("#", repr(fault))
        print(f"not ok {number} - {name}", flush=True)
        return False
    print(f"ok {number} - {name}" + (f" # SKIP {skipped}" if skipped else ""), flush=True)
    return True


def main(meson, build, top):
    os.umask(0o022)
    top = pathlib.Path(top)
    with tempfile.TemporaryDirectory(prefix="imapsync-") as place:
        stage = Stage(meson, build, pathlib.Path(place) / "stage")
        print(f"1..{len(SCENARIOS)}")
        results = [check(number, s, stage, top) for number, s in enumerate(SCENARIOS, 1)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    SESSION_CONF = sys.argv[3]
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[4]))
