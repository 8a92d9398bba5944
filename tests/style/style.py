#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Holds the sources to what a compiler does not check: floors, licence lines, the list of files
with text to translate, errors that are not marked for translation, formatting.

Usage: style.py floors|licence|potfiles|messages|format TOP
"""

import pathlib
import re
import subprocess
import sys

# The folders of src/ from the ground up, and what each may include beside itself. "cli" stands
# beside the others: it knows the daemon by D-Bus only.
MAY_INCLUDE = {
    "util": set(),
    "model": {"util"},
    "wire": {"model", "util"},
    "net": {"model", "util"},
    "state": {"model", "util"},
    "sync": {"model", "util"},
    "imap": {"wire", "net", "model", "util"},
    "engine": {"imap", "sync", "state", "model", "util"},
    "account": {"engine", "imap", "state", "model", "util"},
    "bus": {"account", "model", "util"},
    "daemon": {"bus", "account", "model", "util"},
    "cli": {"util"},
}

# The libraries that only some floors may know.
LIBRARY_FLOORS = {
    "systemd/": {"bus", "daemon", "cli"},
    "libsecret/": {"account", "cli"},
    "json-glib/": {"cli"},
    "sqlite3.h": {"state"},
    "gsasl.h": {"imap"},
    "gio/": {"net", "imap", "account", "bus", "daemon", "cli"},
}

# A cancellable is all that these may take of GIO.
GIO_EXCEPTIONS = {("engine", "gio/gio.h")}

LICENCE = ("SPDX-License-Identifier: GPL-3.0-or-later", "Copyright the imapsyncd authors")
LICENSED = {".c", ".h", ".py", ".sh", ".build", ".sql", ".xml"}
TRANSLATED = re.compile(r"(\b_|\bN_|\bngettext)\(")
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])+\'|\w+|[(),;{}]|\n|[^\s]', re.S)
MARKS = {"_", "N_", "ngettext"}
# GLib's functions that make an error, and which of their arguments is its text.
GERRORS = {
    "g_set_error": 3, "g_set_error_literal": 3, "g_error_new": 2, "g_error_new_literal": 2,
    "g_prefix_error": 1, "g_propagate_prefixed_error": 2,
}
# Functions of ours that are given text for people without a place for an error.
TELLERS = {"ims_batch_single", "ims_cmd_new_refused", "sd_bus_reply_method_errorf"}
ERROR_ARGUMENT = re.compile(r"&?(error|ret_error|fault|local|broken|problem)")
# What reads as words, but for commands to be typed; what has a letter.
WORDS = re.compile(r'"(?!imapsyncctl ).*[a-z] [a-z]{2}')
LETTERS = re.compile(r'".*[A-Za-z]')
CONVERSION = re.compile(r"%[-+ #0-9.*]*(?:hh|h|ll|l|z|j|t)?[a-zA-Z%]")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def include_fault(floor, line):
    """Says what is wrong with a line of a file of src/FLOOR, or None."""
    match = INCLUDE.match(line)
    if match is None:
        return None
    quote, name = match.groups()
    if quote == "<":
        return library_fault(floor, name)
    if "/" not in name:
        return f'"{name}" is not named by its floor'
    target = name.split("/")[0]
    if target != floor and target not in MAY_INCLUDE[floor]:
        return f'{floor} may not include "{name}"'
    return None


def library_fault(floor, name):
    for library, floors in LIBRARY_FLOORS.items():
        if name.startswith(library) and floor not in floors:
            if (floor, name) not in GIO_EXCEPTIONS:
                return f"{floor} may not include <{name}>"
    return None


def licence_fault(text):
    """Says which of the two lines is missing from the head of a file, or None."""
    head = text.split("\n")[:6]
    for line in LICENCE:
        if not any(line in candidate for candidate in head):
            return f"no line '{line}' at its head"
    return None


def check_floors(top):
    for path in sorted((top / "src").rglob("*.[ch]")):
        floor = path.relative_to(top / "src").parts[0]
        if floor not in MAY_INCLUDE:
            yield path, 1, f"src/{floor} is no floor"
            continue
        for number, line in enumerate(path.read_text().split("\n"), 1):
            fault = include_fault(floor, line)
            if fault:
                yield path, number, fault


def check_licence(top):
    scripts = [top / name for name in ("check", "quickstart", ".ci/run", "meson.build")]
    files = [path for folder in ("src", "tests") for path in (top / folder).rglob("*")]
    files = [path for path in files if path.suffix in LICENSED]
    files += [path for path in (top / "data").rglob("*") if path.is_file()]
    for path in sorted(files) + scripts:
        fault = licence_fault(path.read_text()) if path.exists() else "does not exist"
        if fault:
            yield path, 1, fault


def potfiles_faults(listed, texts):
    """Says how a list of files differs from the names of those texts that have something to
    translate."""
    wanted = [name for name, text in sorted(texts.items()) if TRANSLATED.search(text)]
    for name in wanted:
        if name not in listed:
            yield f"{name} is missing"
    for name in listed:
        if name not in wanted:
            yield f"{name} has nothing to translate"
    if listed != sorted(listed):
        yield "not in alphabetical order"


def check_potfiles(top):
    path = top / "po/POTFILES"
    sources = {str(p.relative_to(top)): p.read_text() for p in (top / "src").rglob("*.[ch]")}
    for fault in potfiles_faults(path.read_text().split(), sources):
        yield path, 1, fault


def calls(text):
    """The calls in a C source, innermost first, as (name, arguments); an argument is a list of
    (line, token). What stands in parentheses without a name belongs to the call around them."""
    line, before, around = 1, "", []
    for token in TOKEN.findall(text):
        if token == "(":
            around.append((before if re.match(r"\w", before) else "", [[]]))
        elif token == ")" and around:
            name, arguments = around.pop()
            if name:
                yield name, arguments
            elif around:
                around[-1][1][-1].extend(item for argument in arguments for item in argument)
        elif token in ";{}":
            around.clear()
        elif token == "," and around:
            around[-1][1].append([])
        elif token.strip() and not token.startswith("/*") and around:
            around[-1][1][-1].append((line, token))
        before = token if token.strip() else before
        line += token.count("\n")


def tells(name, arguments):
    """Whether a call is given an error to set, or is known to tell people something."""
    return name in TELLERS or any(
        ERROR_ARGUMENT.fullmatch("".join(token for _, token in argument)) for argument in arguments
    )


def message_faults(text):
    """Names the texts of errors in a C source that are not marked for translation, as (line, fault):
    of GLib's functions whatever has a letter, of all others that tell something what reads as words."""
    for name, arguments in calls(text):
        if name in MARKS or not (name in GERRORS or tells(name, arguments)):
            continue
        for position, argument in enumerate(arguments):
            text_like = LETTERS if GERRORS.get(name) == position else WORDS
            for line, token in argument:
                if text_like.match(CONVERSION.sub("", token)):
                    yield line, f"{token} is not marked for translation"


def check_messages(top):
    for path in sorted((top / "src").rglob("*.c")):
        for line, fault in message_faults(path.read_text()):
            yield path, line, fault


def check_format(top):
    sources = [str(p) for folder in ("src", "tests") for p in sorted((top / folder).rglob("*.[ch]"))]
    command = ["clang-format-14", "--dry-run", "-Werror", "--style=file", *sources]
    try:
        return subprocess.run(command, cwd=top).returncode
    except FileNotFoundError:
        print("clang-format-14 is not installed")
        return 77


def main(check, top):
    top = pathlib.Path(top)
    if check == "format":
        return check_format(top)
    checks = {
        "floors": check_floors,
        "licence": check_licence,
        "potfiles": check_potfiles,
        "messages": check_messages,
    }
    faults = list(checks[check](top))
    for path, line, fault in faults:
        print(f"{path.relative_to(top)}:{line}: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
