#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Measures what the project promises of its main job, and prints it as a table.

Run it by `tests/e2e/launch.py BUILD figures.py`, on a build without sanitizers. It takes some
minutes.
"""

import time

import interrupted
import memory
import scale
import writers

SYNCS = 200


def many():
    begin = time.monotonic()
    rise, steps = memory.copy_many()
    took = time.monotonic() - begin
    return f"equal; then {steps or '0 steps, 0 mailboxes selected'}; {took:.0f} s with all checks"


def large(upload):
    return f"{memory.copy_large(upload) / 2**20:.1f} MiB above idle"


def killed(share, upload=False):
    return "{} lost, {} doubled".format(*interrupted.killed_at(share, upload))


def cancelled(cancel, *arguments):
    return f"ended in {cancel(*arguments):.3f} s, connections closed; resumed: 0 lost, 0 doubled"


def disturbed():
    changes, lost = writers.disturbed(SYNCS)
    return f"equal; {len(lost)} of {changes} changes lost"


def scaled(measure, number):
    initial_s, again_s, peak = measure(number)
    return f"equal; {initial_s:.1f} s, then {again_s:.2f} s; peak {peak / 2**20:.1f} MiB"


FIGURES = [
    ("10,000 small messages, remote to local", many, ()),
    ("100,000 messages, then 1 % flags on each side", scaled, (scale.many_messages, 100_000)),
    ("1,000 mailboxes of 2, then no step", scaled, (scale.many_mailboxes, 1_000)),
    ("64 MiB message to local, peak memory", large, (False,)),
    ("64 MiB message to remote, peak memory", large, (True,)),
    ("3,000 messages, SIGKILL at 30 %", killed, (0.3,)),
    ("3,000 messages, SIGKILL at 60 %", killed, (0.6,)),
    ("3,000 messages, SIGKILL at 90 %", killed, (0.9,)),
    ("cancel among 3,000 messages", cancelled, (interrupted.cancel_among_many,)),
    ("cancel in 64 MiB to local", cancelled, (interrupted.cancel_in_one_large, False)),
    ("cancel in 64 MiB to remote", cancelled, (interrupted.cancel_in_one_large, True)),
    (f"two other clients on each side, {SYNCS} syncs", disturbed, ()),
]


def main():
    for what, measure, arguments in FIGURES:
        try:
            figure = measure(*arguments)
        except AssertionError as failure:
            figure = f"FAILED: {failure}"
        print(f"{what:<48} {figure}", flush=True)


if __name__ == "__main__":
    main()
