#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Shows that the checks of style.py can fail."""

import pathlib
import unittest

import manuals
import style

TOP = pathlib.Path(__file__).parents[2]

INCLUDES = [
    ("imap", '#include "wire/parse.h"', True),
    ("imap", '#include "imap/conn.h"', True),
    ("imap", '#include "sync/decide.h"', False),
    ("wire", '#include "net/link.h"', False),
    ("wire", '#  include  "engine/pass.h"', False),
    ("model", '#include "wire/parse.h"', False),
    ("bus", '#include "engine/pass.h"', False),
    ("bus", '#include "account/account.h"', True),
    ("cli", '#include "model/report.h"', False),
    ("util", '#include "names.h"', False),
    ("net", "#include <gio/gio.h>", True),
    ("sync", "#include <gio/gio.h>", False),
    ("account", "#include <systemd/sd-bus.h>", False),
    ("engine", "#include <sqlite3.h>", False),
    ("engine", "/* an include in a comment is none */", True),
]

MESSAGES = [
    ('g_set_error(error, D, C, _("no %s"), "name = value");', []),
    ('g_set_error(error, D, C, _("run %s"), "imapsyncctl list");', []),
    ('g_set_error(error, D, C, _("no %s"), a ? b : "other word");', [1]),
    ('g_set_error(error, D, C, "%s: %s", a, b);', []),
    ('g_set_error(error, D, C, "no %s", a);', [1]),
    ('g_set_error(error, D, C, "%s", a ? _("b") : "bad luck");', [1]),
    ('g_set_error(error, D, C, (a ? "b" : _("c")));', [1]),
    ('g_set_error(error, D, C, ngettext("%u box", "%u boxes", n), n);', []),
    ('/* g_set_error(error, D, C, "no"); */', []),
    ('x = "g_set_error(error, D, C, \\"no\\");";', []),
    ('return g_error_new(D, C,\n    "a"\n    "b");', [2, 3]),
    ('g_prefix_error(error, "%s: ", name);', []),
    ('return refuse(at, "key", error, N_("is missing"));', []),
    ('return refuse(at, "key", error, "is missing");', [1]),
    ('return fail("is missing", &local);', [1]),
    ('sd_bus_error_setf(ret_error, NAME, "is missing");', [1]),
    ('send(self, "ENABLE QRESYNC", error); run(self, "SELECT a FROM b", error);', []),
    ('g_message("keyring: it failed: %s", error->message);', []),
    ('if (!f(error, g("is not for people"))) h(", error)");', []),
    ('ims_cmd_new_refused("APPEND", "cannot be sent");', [1]),
]


class Style(unittest.TestCase):
    def test_an_include_may_only_run_down(self):
        for floor, line, allowed in INCLUDES:
            with self.subTest(f"{floor}: {line}"):
                self.assertEqual(style.include_fault(floor, line) is None, allowed)

    def test_every_floor_is_below_all_that_include_it(self):
        for floor, below in style.MAY_INCLUDE.items():
            for other in below:
                self.assertNotIn(floor, style.MAY_INCLUDE[other])

    def test_a_missing_licence_line_is_seen(self):
        head = "\n".join("# " + line for line in style.LICENCE)
        self.assertIsNone(style.licence_fault("#!/bin/sh\n" + head))
        self.assertIsNotNone(style.licence_fault(head.split("\n")[0]))
        self.assertIsNotNone(style.licence_fault("\n" * 10 + head))

    def test_a_list_of_translated_files_that_is_not_true_is_seen(self):
        texts = {"a.c": 'f(_("x"))', "b.c": 'x_("y")', "c.c": 'N_("z")'}
        self.assertEqual(list(style.potfiles_faults(["a.c", "c.c"], texts)), [])
        for listed in (["a.c"], ["a.c", "b.c", "c.c"], ["a.c", "c.c", "d.c"], ["c.c", "a.c"]):
            with self.subTest(listed):
                self.assertEqual(len(list(style.potfiles_faults(listed, texts))), 1)

    def test_text_of_an_error_that_is_not_marked_for_translation_is_seen(self):
        for source, lines in MESSAGES:
            with self.subTest(source):
                self.assertEqual([line for line, _ in style.message_faults(source)], lines)

    def test_a_command_option_or_status_without_documentation_is_seen(self):
        page = ".It Ic sync Op Fl -json\n.It Cm host\n.It 0\n"
        documented = {"command": "sync", "option": "json", "key": "host", "exit status": "0"}
        for kind, name in documented.items():
            with self.subTest(kind):
                self.assertEqual(manuals.missing(page, kind, [name]), [])
                self.assertEqual(manuals.missing(page, kind, [name, "4x"]), ["4x"])

    def test_the_tables_in_the_sources_are_read(self):
        for (path, kind), pattern in manuals.TABLES.items():
            with self.subTest(f"{path}: {kind}"):
                self.assertTrue(manuals.names_in((TOP / path).read_text(), pattern))


if __name__ == "__main__":
    unittest.main()
