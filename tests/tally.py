#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Counts the test cases of a `meson test` run: each point of a test that speaks TAP, and each other
test as one.

Usage: tally.py LOG.json TITLE

Prints a line for each floor (the first part of a test's name) on stderr, and `PASSED FAILED` on
stdout. A test that crashed, hung or broke off counts as a failure, whatever it had reached.
"""

import collections
import json
import re
import sys

POINT = re.compile(r"^(not ok|ok)\b([^\n]*)", re.MULTILINE)


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.seconds = 0.0

    def add(self, test):
        self.seconds += test["duration"]
        points = POINT.findall(test.get("stdout") or "")
        for verdict, rest in points:
            if verdict == "not ok":
                self.failed += 1
            elif re.search(r"# skip", rest, re.IGNORECASE):
                self.skipped += 1
            else:
                self.passed += 1
        whole = test["result"]
        if whole == "SKIP" and not points:
            self.skipped += 1
        elif whole in ("OK", "EXPECTEDFAIL") and not points:
            self.passed += 1
        elif whole not in ("OK", "SKIP", "EXPECTEDFAIL"):
            self.failed += not any(verdict == "not ok" for verdict, _ in points)


def tally(lines):
    floors = collections.defaultdict(Tally)
    for line in lines:
        test = json.loads(line)
        floors[test["name"].split(" / ")[-1].split("/")[0]].add(test)
    return floors


def main(path, title):
    try:
        with open(path) as log:
            floors = tally(log)
    except FileNotFoundError:
        floors = {}
    for floor, t in floors.items():
        skipped = f", {t.skipped} skipped" if t.skipped else ""
        counts = f"{t.passed:5} passed, {t.failed} failed{skipped}"
        print(f"{title:<9} {floor:<8} {t.seconds:7.1f} s {counts}", file=sys.stderr)
    if not floors:
        print(f"{title}: no test was run", file=sys.stderr)
        print(0, 1)
        return
    print(sum(t.passed for t in floors.values()), sum(t.failed for t in floors.values()))


if __name__ == "__main__":
    main(*sys.argv[1:])
