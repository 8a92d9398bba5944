# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""A language that nobody speaks, made of the program's own English: each text stands in brackets,
with an accent on each a, e and o. What is shown without them was not marked for translation, or was
put together from pieces.

The locale is C.UTF-8, in which glibc (2.36 of Debian 12) heeds LANGUAGE as in any other; it is only
"C" itself that is never translated. So no locale has to be generated.
"""

import re
import subprocess

LANGUAGE = "qps"
# No conversion has one of these letters: %s, %u, %.1f, %<PRIu64> stay what they are.
PLAIN, ACCENTED = "aeoAEO", "áéóÁÉÓ"
# The line breaks around a text stay outside of the brackets: msgfmt insists on them.
FILTER = rf"y/{PLAIN}/{ACCENTED}/; s/^(\n*)(.*[^\n])(\n*)$/\1⟦\2⟧\3/"
XGETTEXT = ["xgettext", "--language=C", "--from-code=UTF-8", "--keyword=_", "--keyword=N_"]


def run(command, given=None):
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True, text=True)
    return done.stdout


def make_translation(top, folder):
    """Translates all that po/POTFILES names; folder: of translations, as for bindtextdomain()."""
    sources = (top / "po/POTFILES").read_text().split()
    template = run([*XGETTEXT, "--output=-", f"--directory={top}", *sources])
    english = run(["msgen", "--lang=en", "-"], template)
    pseudo = run(["msgfilter", "--keep-header", "sed", "-E", "-z", FILTER], english)
    pseudo = re.sub(
        r"Plural-Forms: [^\\]*", "Plural-Forms: nplurals=2; plural=(n != 1);", pseudo, count=1
    )
    messages = folder / LANGUAGE / "LC_MESSAGES"
    messages.mkdir(parents=True, exist_ok=True)
    run(["msgfmt", "--check-format", "--check-domain", f"--output-file={messages}/imapsyncd.mo", "-"], pseudo)


def translated(text, *untranslated):
    """Sees to it that each line is in the language, but for some words."""
    for word in sorted(untranslated, key=len, reverse=True):
        text = text.replace(word, "")
    for line in text.splitlines():
        left = re.search(f"[{PLAIN}]", line)
        assert left is None, f"not translated: {line!r}"
    assert text.count("⟦") == text.count("⟧") > 0, text
