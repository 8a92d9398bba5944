#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Completes command lines with the real bash and zsh, the built imapsyncctl, and a service that only
pretends (fake-service.c).

zsh's function is run outside of its line editor: the two functions by which it hands over what it
found print it instead.

Usage: completions.py IMAPSYNCCTL FAKE_SERVICE MAIN_C BASH_COMPLETION ZSH_COMPLETION
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from commands import DEADLINE, Bus

BASH = """\
source "$1"
COMP_LINE=$2 COMP_POINT=${3:-${#2}}
$(complete -p imapsyncctl | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
echo "LEAKED: $(compgen -A variable | grep -x -e line -e current -e words -e usage)"
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """\
compadd() { shift; print -rl -- $@ }
_describe() { print -rl -- ${(P)2} }
words=(${(z)2}) CURRENT=$#words
[[ $2 == *' ' ]] && { words+=('') CURRENT=$((CURRENT + 1)) }
PREFIX=$words[CURRENT]
complete_it() { source $1 }
complete_it $1
"""
ACCOUNTS = {"away", "broken", "fine", "partly"}  # some of the pretended ones
OTHER_PROGRAM = """\
#!/bin/sh
[ "$1" = list ] && echo me@home || exec '{program}' "$@"
"""
COMMANDS = re.compile(r'^    \{"([a-z-]+)", "([^"]*)"', re.MULTILINE)


def bash(bus, line):
    done = subprocess.run(
        ["bash", "--norc", "-c", BASH, "bash", BASH_COMPLETION, line],
        env=bus.environment, capture_output=True, text=True, timeout=DEADLINE,
    )
    leaked, *found = done.stdout.split("\n")
    assert (leaked, done.stderr) == ("LEAKED: ", ""), (leaked, done.stderr)
    return {word for word in found if word}


def zsh(bus, line):
    done = subprocess.run(
        ["zsh", "-f", "-c", ZSH, "zsh", ZSH_COMPLETION, line],
        env=bus.environment, capture_output=True, text=True, timeout=DEADLINE,
    )
    assert done.stderr == "", done.stderr
    return set(done.stdout.splitlines())


def equal(got, want):
    assert got == want, f"{sorted(got)}, not {sorted(want)}"


def table():
    """Name and arguments of each command, as the program has them."""
    found = COMMANDS.findall(pathlib.Path(MAIN_C).read_text())
    assert found
    return found


def bash_offers_each_command_of_the_program(bus):
    names = {name for name, _ in table()}
    equal(bash(bus, "imapsyncctl "), names | {"--help", "--version"})
    equal(bash(bus, "imapsyncctl help "), names | {"--help"})
    equal(bash(bus, "imapsyncctl st"), {"status"})
    equal(bash(bus, "imapsyncctl nothing"), set())


def bash_offers_each_option_of_a_command(bus):
    for name, usage in table():
        equal(bash(bus, f"imapsyncctl {name} --"), {"--help", *re.findall("--[a-z-]+", usage)})


def bash_offers_accounts_where_one_is_named(bus):
    for name in ("sync ", "sync fine ", "cancel ", "password ", "test ", "remove ", "issues ", "mailboxes ", "connect ", "resolve ", "unlock "):
        offered = bash(bus, "imapsyncctl " + name)
        assert ACCOUNTS <= offered, (name, offered)
    for name in ("list ", "add ", "test fine ", "issues fine ", "resolve fine ", "unlock fine ", "connect fine ", "sync --mailbox "):
        offered = bash(bus, "imapsyncctl " + name)
        assert not ACCOUNTS & offered, (name, offered)


def bash_offers_the_sides(bus):
    equal(bash(bus, "imapsyncctl password fine "), {"remote", "local", "--proxy", "--help"})
    equal(bash(bus, "imapsyncctl password fine r"), {"remote"})


def bash_goes_on_behind_an_at_sign(bus):
    program = bus.top / "imapsyncctl"
    program.write_text(OTHER_PROGRAM.format(program=PROGRAM))
    program.chmod(0o755)
    bus.environment["PATH"] = f"{bus.top}:{bus.environment['PATH']}"
    equal(bash(bus, "imapsyncctl sync me"), {"me@home"})
    equal(bash(bus, "imapsyncctl sync me@h"), {"home"})


def bash_completes_at_a_terminal(bus):
    """What a person sees who types and presses the tabulator."""
    typed = f"source {BASH_COMPLETION}\necho imap; imapsyncctl pass\tbrok\trem\tx\nexit\n"
    done = subprocess.run(
        ["script", "-qec", "exec bash --norc --noprofile -i", "/dev/null"],
        env=dict(bus.environment, TERM="dumb"),
        input=typed, capture_output=True, text=True, timeout=DEADLINE,
    )
    assert "imapsyncctl password broken remote x" in done.stdout, done.stdout


def zsh_offers_the_same(bus):
    names = {name for name, _ in table()}
    first_words = {line.split(":")[0] for line in zsh(bus, "imapsyncctl ")}
    equal(first_words, names | {"--help", "--version"})
    equal({line.split(":")[0] for line in zsh(bus, "imapsyncctl help ")}, names)
    for name, usage in table():
        equal(zsh(bus, f"imapsyncctl {name} --"), {"--help", *re.findall("--[a-z-]+", usage)})
    for name in ("sync ", "sync fine ", "password ", "test ", "remove ", "issues ", "mailboxes ", "connect ", "resolve ", "unlock "):
        assert ACCOUNTS <= zsh(bus, "imapsyncctl " + name), name
    equal(zsh(bus, "imapsyncctl password fine "), {"remote", "local"})
    equal(zsh(bus, "imapsyncctl sync --mailbox "), set())
    equal(zsh(bus, "imapsyncctl add "), set())


SCENARIOS = [
    bash_offers_each_command_of_the_program,
    bash_offers_each_option_of_a_command,
    bash_offers_accounts_where_one_is_named,
    bash_offers_the_sides,
    bash_goes_on_behind_an_at_sign,
    bash_completes_at_a_terminal,
    zsh_offers_the_same,
]


def run(number, scenario, top):
    name = "/cli/completions/" + scenario.__name__.replace("_", "-")
    if scenario.__name__.startswith("zsh") and shutil.which("zsh") is None:
        print(f"ok {number} - {name} # SKIP zsh is not installed")
        return True
    try:
        with Bus(top, FAKE_SERVICE) as bus:
            bus.environment["PATH"] = f"{pathlib.Path(PROGRAM).parent}:{os.environ['PATH']}"
            scenario(bus)
    except Exception as fault:
        print("#", repr(fault))
        print(f"not ok {number} - {name}", flush=True)
        return False
    print(f"ok {number} - {name}", flush=True)
    return True


def main():
    print(f"1..{len(SCENARIOS)}")
    results = []
    for number, scenario in enumerate(SCENARIOS, 1):
        with tempfile.TemporaryDirectory() as top:
            results.append(run(number, scenario, pathlib.Path(top)))
    return 0 if all(results) else 1


if __name__ == "__main__":
    PROGRAM, FAKE_SERVICE, MAIN_C, BASH_COMPLETION, ZSH_COMPLETION = map(
        os.path.abspath, sys.argv[1:]
    )
    sys.exit(main())
