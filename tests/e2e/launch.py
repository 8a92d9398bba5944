#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Runs an end-to-end script on a fresh copy of what was built, never as root.

Usage: launch.py BUILD SCRIPT [ARGUMENT...]

Dovecot serves no mail as uid 0, and a build in root's home is nothing that others can read. So the
two programs and the scripts are copied into a new directory, and root becomes nobody.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

PROGRAMS = ("src/daemon/imapsyncd", "src/cli/imapsyncctl")
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def install(build, place):
    for program in PROGRAMS:
        shutil.copy2(pathlib.Path(build) / program, place)
    for script in pathlib.Path(__file__).parent.glob("*.py"):
        shutil.copy2(script, place)
    for path in [place, *place.iterdir()]:
        path.chmod(0o755)


def main(build, script, *arguments):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="imapsync-") as name:
        place = pathlib.Path(name)
        install(build, place)
        command = ["/usr/bin/python3", "-B", str(place / script), *arguments]
        if os.getuid() == 0:
            command = AS_NOBODY + command
        with subprocess.Popen(command, cwd=place) as process:
            try:
                return process.wait()
            except BaseException:
                process.terminate()
                raise


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
