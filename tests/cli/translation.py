#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Runs imapsyncctl in a language that nobody speaks (see pseudo.py).

Usage: translation.py IMAPSYNCCTL FAKE_SERVICE TOP LOCALE_DIR
"""

import os
import pathlib
import re
import signal
import sys
import tempfile

import commands

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from pseudo import LANGUAGE, make_translation, translated


def ctl(bus, *arguments):
    return commands.ctl(bus, *arguments, LANGUAGE=LANGUAGE)


def columns(line):
    """Where on a line a text in the language begins."""
    return [match.start() for match in re.finditer("⟦", line)]


def every_line_of_the_help_is_translated_and_aligned(bus):
    done = ctl(bus, "--help")
    commands.check(done, 0)
    table = [line for line in done.stdout.splitlines() if re.match("  [a-z]", line)]
    names = [line.split()[0] for line in table]
    assert len(names) > 5, names
    assert len({columns(line)[0] for line in table}) == 1, done.stdout
    translated(done.stdout, *(f"  {name} " for name in names))


def the_help_of_each_command_is_translated(bus):
    english = commands.ctl(bus, "help").stdout
    for name in re.findall("^  ([a-z][a-z-]*)  ", english, re.MULTILINE):
        usage = commands.ctl(bus, "help", name).stdout.splitlines()[0]
        done = ctl(bus, "help", name)
        commands.check(done, 0)
        translated(done.stdout, usage.split("imapsyncctl ")[1])


def errors_are_translated(bus):
    for arguments in (
        [], ["snyc"], ["frobnicate"], ["sync", "--jsno"], ["status", "--jsno"], ["status", "--json=x"],
        ["sync", "--mailbox"], ["sync", "--max-deletions", "x"], ["connect"],
        ["password", "x", "middle"], ["add", "x", "imaps://h"], ["add", "!", "imaps://u@h"],
        ["add", "x"], ["add", "x", "--set", "y"], ["connect", "x"], ["password", "x"], ["remove", "x"],
    ):
        done = ctl(bus, *arguments)
        assert done.returncode in (1, 2) and not done.stdout, (arguments, done)
        own = ("imapsyncctl: ", "json", "sync", "away, broken, fine", "connect NAME")
        accounts = commands.ctl(bus, "list").stdout.split()
        translated(done.stderr, *arguments, *own, ", ".join(accounts), "max-deletions", "mailbox", "add", "remove", "yes")


def the_end_of_a_test_is_translated(bus):
    for account in ("fine", "away"):
        done = ctl(bus, "test", account)
        words = ("/usr/lib/dovecot/imap", "PREAUTH", "QRESYNC, LITERAL+", "MULTIAPPEND", "imap.example.net", "no route to")
        translated(done.stdout, account, *words)
        translated(done.stderr.splitlines()[0], account)


def the_question_before_a_removal_is_translated(bus):
    bus.environment["LANGUAGE"] = "qps"
    for store in (False, True):
        for options in ([], ["--delete-store"]):
            terminal = commands.Terminal(bus, "remove", "fine", *options)
            terminal.read_until("[y/N] ⟧")
            terminal.write("y\n")
            assert terminal.end() == 0, terminal.seen
            translated(terminal.seen, "[y/N]", "y\r\n", str(bus.top), "/config/imapsync/fine.conf",
                       "/data/imapsync/fine", "fine")
        if not store:
            commands.make_store(bus, "fine")


def events_are_told_in_the_language(bus):
    bus.environment["LANGUAGE"] = "qps"
    monitor = commands.Monitor(bus)
    translated(monitor.line())
    for name, last in (("partly", "⟦dóné, but fór whát is héld báck⟧ "), ("broken", "⟦fáiléd⟧ ")):
        ctl(bus, "sync", name)
        told = ""
        while last not in told:
            told = monitor.line()
            own = ("the server refused user name or password", "Entwürfe")
            translated(told, *own, f"issues {name}", name)
    monitor.end(signal.SIGINT)


def tables_stay_aligned(bus):
    done = ctl(bus, "status")
    commands.check(done, 0)
    heading, *rows = done.stdout.splitlines()
    translated(heading)
    assert all(columns(row)[0] == columns(heading)[1] for row in rows), done.stdout


def mailboxes_are_shown_in_the_language(bus):
    done = ctl(bus, "mailboxes", "fine")
    commands.check(done, 0)
    heading, *rows = done.stdout.splitlines()
    translated(heading)
    for row in rows:
        translated(row, "Entwürfe", "drafts", 'a?[2J "b"')
    done = ctl(bus, "mailboxes", "partly")
    translated(done.stderr, "partly")


def numbers_stand_in_their_sentences(bus):
    done = ctl(bus, "issues")
    commands.check(done, 0)
    assert re.search(r"⟦\d+ mésságés óf “", done.stdout), done.stdout
    assert "PRI" not in done.stdout
    for arguments in (["cancel", "fine"], ["reload"]):
        done = ctl(bus, *arguments)
        commands.check(done, 0)
        translated(done.stdout)


SCENARIOS = [
    every_line_of_the_help_is_translated_and_aligned,
    the_help_of_each_command_is_translated,
    errors_are_translated,
    the_end_of_a_test_is_translated,
    the_question_before_a_removal_is_translated,
    events_are_told_in_the_language,
    tables_stay_aligned,
    mailboxes_are_shown_in_the_language,
    numbers_stand_in_their_sentences,
]


def main(program, service, top, folder):
    commands.PROGRAM = os.path.abspath(program)
    make_translation(pathlib.Path(top), pathlib.Path(folder))
    print(f"1..{len(SCENARIOS)}")
    failed = 0
    for number, scenario in enumerate(SCENARIOS, 1):
        name = "/cli/translation/" + scenario.__name__.replace("_", "-")
        try:
            with tempfile.TemporaryDirectory() as home:
                with commands.Bus(pathlib.Path(home), os.path.abspath(service)) as bus:
                    scenario(bus)
            print(f"ok {number} - {name}", flush=True)
        except Exception as fault:
            failed += 1
            print("#", repr(fault))
            print(f"not ok {number} - {name}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
