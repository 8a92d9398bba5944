#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Holds the manual pages to the sources: whatever command, option, key or exit status there is has
its place in its page, the pages promise nothing else, and they are free of faults.

Usage: manuals.py TOP
"""

import pathlib
import re
import subprocess
import sys

CTL, DAEMON, CONF = (
    f"data/man/{name}" for name in ("imapsyncctl.1", "imapsyncd.8", "imapsync.conf.5")
)

# Where in the sources a thing gets its name. A group that holds several of them holds them quoted.
TABLES = {
    ("src/cli/main.c", "command"): r'^    \{"([a-z-]+)", "',
    ("src/cli/main.c", "option"): r'_options\[\] = \{("[^}]*)NULL\}',
    ("src/cli/command.h", "exit status"): r"^    IMS_EXIT_\w+ = (\d+)",
    ("src/daemon/main.c", "option"): r'^        \{"([a-z-]+)", 0,',
    ("src/daemon/main.c", "exit status"): r"^#define EXIT_\w+ +(\d+)",
    ("src/account/config-keys.c", "key"): r'^    \{"([a-z-]+)", IN_',
    ("src/account/config-side.c", "type"): r"\bims_side_type_names\[\] = \{([^}]*)NULL\}",
}

PAGES = {"src/cli": CTL, "src/daemon": DAEMON, "src/account": CONF}

# Where in a page it is explained.
PLACES = {
    "command": r"^\.It Ic {}( |$)",
    "option": r"\bFl -{}( |$)",
    "exit status": r"^\.It {}$",
    "key": r"^\.It Cm {}$",
    "type": r"^\.It Cm {}$",
}


def names_in(source, pattern):
    found = re.findall(pattern, source, re.MULTILINE)
    return [n for text in found for n in (re.findall(r'"([a-z-]+)=?"', text) or [text])]


def missing(page, kind, names):
    place = PLACES[kind]
    return [n for n in names if not re.search(place.format(re.escape(n)), page, re.MULTILINE)]


def undocumented(top):
    for (source, kind), pattern in TABLES.items():
        page = PAGES[str(pathlib.Path(source).parent)]
        names = names_in((top / source).read_text(), pattern)
        for name in missing((top / page).read_text(), kind, names):
            yield f"{page}: says nothing of the {kind} {name} of {source}"


def promised(top):
    """What a page explains and the sources do not have."""
    for page, kinds, place in (
        (CTL, ("command",), r"^\.It Ic ([a-z-]+)"),
        (CONF, ("key", "type"), r"^\.It Cm ([a-z-]+)$"),
    ):
        known = [
            name
            for (source, kind), pattern in TABLES.items()
            if kind in kinds
            for name in names_in((top / source).read_text(), pattern)
        ]
        for name in re.findall(place, (top / page).read_text(), re.MULTILINE):
            if name not in known:
                yield f"{page}: explains {name}, which there is not"


def lint(top):
    """What mandoc finds wrong. Other manuals need not be installed, so these are not asked for."""
    command = ["mandoc", "-T", "lint", "-W", "style", *(str(top / p) for p in (CTL, DAEMON, CONF))]
    told = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return [line for line in told.splitlines() if "referenced manual not found" not in line]


def main(top):
    top = pathlib.Path(top)
    faults = [*undocumented(top), *promised(top), *lint(top)]
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except FileNotFoundError as absent:
        print(absent)
        sys.exit(77 if absent.filename == "mandoc" else 1)
