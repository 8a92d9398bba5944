# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Runs scenarios and reports them in TAP. A scenario is a function whose name reads as a claim; it
raises if the claim does not hold."""

import sys
import time
import traceback


class Skip(Exception):
    """Raised by a scenario that cannot be run here; its text says why."""


def comment(text):
    for line in str(text).rstrip().splitlines():
        print("# " + line, flush=True)


def chosen(scenarios):
    """Those that are named on the command line, or all."""
    return [s for s in scenarios if not sys.argv[1:] or s.__name__ in sys.argv[1:]]


def report(group, scenarios):
    """Runs them and tells how it went; returns how many failed."""
    print(f"1..{len(scenarios)}", flush=True)
    failed = 0
    for number, scenario in enumerate(scenarios, 1):
        name = f"/e2e/{group}/{scenario.__name__.replace('_', '-')}"
        begin = time.monotonic()
        try:
            scenario()
            print(f"ok {number} - {name}", flush=True)
        except Skip as why:
            print(f"ok {number} - {name} # SKIP {why}", flush=True)
        except Exception:
            failed += 1
            traceback.print_exc()
            print(f"not ok {number} - {name}", flush=True)
        comment(f"{time.monotonic() - begin:.1f} s")
    return failed


def run(group, scenarios):
    sys.exit(1 if report(group, chosen(scenarios)) else 0)


def equal(got, want, what):
    if got != want:
        raise AssertionError(f"{what}: {got!r}, not {want!r}")


def holds(condition, what):
    if not condition:
        raise AssertionError(what)
