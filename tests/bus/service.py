# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""The built service on a real bus: dbus-run-session ... service.py IMAPSYNCD INTERFACE.xml [TEST...]

No server is needed: an account's sides are commands ("tunnel"), of which one ends at once and another
one never says a word.
"""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ET

from gi.repository import Gio, GLib

DAEMON, INTERFACE_FILE = sys.argv[1:3]
HERE = os.path.dirname(os.path.abspath(__file__))
NAME = 'org.imapsync1'
ROOT = '/org/imapsync1'
MANAGER = 'org.imapsync1.Manager'
ACCOUNT = 'org.imapsync1.Account'
JOB = 'org.imapsync1.Job'
PROPERTIES = 'org.freedesktop.DBus.Properties'
INVALID_ARGS = 'org.freedesktop.DBus.Error.InvalidArgs'
DEADLINE_S = 20

SILENT = {'local.type': 'tunnel', 'local.command': 'sleep 1000',
          'remote.type': 'tunnel', 'remote.command': 'sleep 1001'}
GONE = {'local.type': 'tunnel', 'local.command': 'false',
        'remote.type': 'tunnel', 'remote.command': 'false x'}

# An IMAP server with just what a test asks of it.
SERVER = r"""
printf '* PREAUTH [CAPABILITY IMAP4rev1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS LITERAL- ESEARCH] hello\r\n'
read -r enable
printf '* ENABLED QRESYNC\r\na1 OK\r\n'
read -r list
printf '* LIST () "." INBOX\r\n* LIST () "." A.B\r\n* LIST (\\Noselect) "." A\r\n'
printf '* STATUS INBOX (MESSAGES 7 UIDNEXT 8 UIDVALIDITY 1 HIGHESTMODSEQ 9)\r\n'
printf '* STATUS A.B (MESSAGES 0 UIDNEXT 8 UIDVALIDITY 2 HIGHESTMODSEQ 9)\r\na2 OK\r\n'
read -r logout
"""


class Failure(Exception):
    """An error reply: its D-Bus name and message."""

    def __init__(self, error):
        self.name = Gio.DBusError.get_remote_error(error)
        Gio.DBusError.strip_remote_error(error)
        super().__init__(error.message)


def connect(address=None):
    address = address or os.environ['DBUS_SESSION_BUS_ADDRESS']
    flags = (Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
             | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
    bus = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
    bus.set_exit_on_close(False)
    return bus


def turn_until(ready, what):
    """Runs the main loop until ready() is true."""
    late = []
    timer = GLib.timeout_add_seconds(DEADLINE_S, lambda: late.append(1) or GLib.SOURCE_CONTINUE)
    try:
        while not ready():
            if late:
                raise AssertionError('waited in vain for ' + what)
            GLib.MainContext.default().iteration(True)
    finally:
        GLib.source_remove(timer)


class Home:
    """A private home for one run of the service."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix='ims-bus-')
        self.config = os.path.join(self.path, 'config', 'imapsync')
        self.env = dict(os.environ, HOME=self.path)
        self.env.setdefault('LSAN_OPTIONS', 'print_suppressions=0:suppressions=' + os.path.join(HERE, '..', 'lsan.supp'))
        for name in ('config', 'data', 'state', 'cache', 'runtime'):
            os.mkdir(os.path.join(self.path, name), 0o700)
            key = 'XDG_RUNTIME_DIR' if name == 'runtime' else 'XDG_%s_HOME' % name.upper()
            self.env[key] = os.path.join(self.path, name)

    def write(self, file, text):
        os.makedirs(self.config, exist_ok=True)
        with open(os.path.join(self.config, file), 'w') as out:
            out.write(text)

    def start(self, *args, **env):
        return subprocess.Popen([DAEMON, *args], env=dict(self.env, **env),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def remove(self):
        shutil.rmtree(self.path)


class ServiceTest(unittest.TestCase):
    files = {}

    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.remove)
        for file, text in self.files.items():
            self.home.write(file, text)
        self.bus = connect()
        self.addCleanup(self.bus.close_sync)
        self.signals = []
        self.bus.signal_subscribe(None, None, None, None, None, Gio.DBusSignalFlags.NONE, self.on_signal)
        self.daemon = self.home.start()
        self.addCleanup(self.end_daemon)
        turn_until(lambda: self.seen('NameOwnerChanged', name=NAME) or self.daemon.poll() is not None,
                   'the service')
        self.assertIsNone(self.daemon.poll())

    def end_daemon(self):
        if self.daemon.poll() is None:
            self.daemon.terminate()
        _, err = self.daemon.communicate(timeout=DEADLINE_S)
        self.assertEqual(self.daemon.returncode, 0, err)
        turn_until(lambda: not self.owned(), 'the name to be free')

    def owned(self):
        return self.bus.call_sync(
            'org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'NameHasOwner',
            GLib.Variant('(s)', (NAME,)), None, 0, -1, None).unpack()[0]

    def on_signal(self, bus, sender, path, interface, member, args):
        self.signals.append((path, interface, member, args.unpack()))

    def seen(self, member, path=None, name=None):
        """The arguments of all signals of this kind that came so far."""
        return [args for p, _, m, args in self.signals
                if m == member and path in (None, p) and name in (None, args[0])]

    def changes(self, path, interface, prop):
        return [args[1][prop] for args in self.seen('PropertiesChanged', path, interface) if prop in args[1]]

    def call(self, path, interface, member, types='()', *args, bus=None):
        try:
            return (bus or self.bus).call_sync(
                NAME, path, interface, member, GLib.Variant(types, args), None, 0, -1, None)
        except GLib.Error as error:
            raise Failure(error) from None

    def ask(self, *args, **kwargs):
        """The only value of the answer."""
        return self.call(*args, **kwargs).unpack()[0]

    def get(self, path, interface, prop):
        return self.ask(path, PROPERTIES, 'Get', '(ss)', interface, prop)

    def add(self, name, settings):
        return self.ask(ROOT, MANAGER, 'AddAccount', '(sa{ss})', name, settings)

    def sync(self, names, bus=None, **options):
        options = {key.replace('_', '-'): value for key, value in options.items()}
        return self.ask(ROOT, MANAGER, 'Sync', '(asa{sv})', names, options, bus=bus)

    def wait(self, job, **options):
        return self.call(job, JOB, 'Wait', '(a{sv})', options).unpack()

    def refused(self, name, *args, **kwargs):
        with self.assertRaises(Failure) as caught:
            self.call(*args, **kwargs)
        self.assertEqual(caught.exception.name, name, str(caught.exception))
        return str(caught.exception)

    def silent_job(self, **options):
        """A job that is at work and does not end by itself."""
        self.add('mute', SILENT)
        return self.sync(['mute'], **options)[0]

    def turn_until_at_work(self, account):
        path = self.ask(ROOT, MANAGER, 'GetAccount', '(s)', account)
        turn_until(lambda: self.changes(path, ACCOUNT, 'State')[-1:] == ['syncing'], 'the job to be at work')
        return path


def describe(interface):
    """What an <interface> promises, without its comments."""
    promises = {}
    for member in interface:
        if member.tag not in ('method', 'signal', 'property'):
            continue
        notes = {note.get('name'): note.get('value') for note in member.findall('annotation')}
        promises[member.tag, member.get('name')] = (
            member.get('type'),
            member.get('access'),
            notes.get('org.freedesktop.DBus.Property.EmitsChangedSignal', 'true'),
            [(arg.get('name'), arg.get('type'), arg.get('direction', 'out')) for arg in member.findall('arg')],
        )
    return promises


class Introspection(ServiceTest):
    maxDiff = None

    def introspect(self, path):
        return ET.fromstring(self.ask(path, 'org.freedesktop.DBus.Introspectable', 'Introspect'))

    def test_objects_are_what_the_interface_file_says(self):
        account = self.add('mute', SILENT)
        job = self.sync(['mute'])[0]
        for interface in ET.parse(INTERFACE_FILE).getroot().findall('interface'):
            name = interface.get('name')
            path = {MANAGER: ROOT, ACCOUNT: account, JOB: job}[name]
            with self.subTest(name):
                found = [i for i in self.introspect(path).findall('interface') if i.get('name') == name]
                self.assertEqual(len(found), 1)
                self.assertEqual(describe(found[0]), describe(interface))

    def test_no_interface_is_missing_from_the_interface_file(self):
        account = self.add('mute', SILENT)
        job = self.sync(['mute'])[0]
        known = {i.get('name') for i in ET.parse(INTERFACE_FILE).getroot().findall('interface')}
        for path in (ROOT, account, job):
            names = {i.get('name') for i in self.introspect(path).findall('interface')}
            self.assertLessEqual({n for n in names if n.startswith(NAME)}, known)

    def test_accounts_and_jobs_stand_in_the_tree(self):
        self.add('a.b@x-y', SILENT)
        self.sync([])
        nodes = [n.get('name') for n in self.introspect(ROOT + '/account').findall('node')]
        self.assertEqual(nodes, ['a_2eb_40x_2dy'])
        nodes = [n.get('name') for n in self.introspect(ROOT + '/job').findall('node')]
        self.assertEqual(nodes, ['1'])

    def test_object_manager_has_all_objects(self):
        account = self.add('mute', SILENT)
        job = self.sync(['mute'])[0]
        objects = self.ask(ROOT, 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects')
        self.assertEqual(set(objects), {account, job})
        self.assertEqual(objects[account][ACCOUNT]['Name'], 'mute')
        self.assertEqual(objects[job][JOB]['Account'], account)


class InterfaceFile(unittest.TestCase):
    def test_every_member_and_argument_is_explained(self):
        parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))
        for interface in ET.parse(INTERFACE_FILE, parser).getroot().findall('interface'):
            comment = ''
            for element in interface:
                if element.tag is ET.Comment:
                    comment = element.text.strip()
                    continue
                with self.subTest(interface.get('name') + '.' + element.get('name')):
                    self.assertTrue(comment.startswith(element.get('name') + ':'))
                    for arg in element.findall('arg'):
                        self.assertIn('@%s: ' % arg.get('name'), comment)
                comment = ''


class Options(ServiceTest):
    def test_unknown_option_is_refused_and_nothing_starts(self):
        account = self.add('mute', SILENT)
        options = {'dryrun': GLib.Variant('b', True)}
        message = self.refused(INVALID_ARGS, ROOT, MANAGER, 'Sync', '(asa{sv})', [], options)
        self.assertIn('dryrun', message)
        for known in self.get(ROOT, MANAGER, 'Features'):
            self.assertIn(known, message)
        self.refused(INVALID_ARGS, account, ACCOUNT, 'Sync', '(a{sv})', options)
        self.assertEqual(self.get(ROOT, MANAGER, 'Jobs'), [])

    def test_option_of_another_type_is_refused_and_nothing_starts(self):
        self.add('mute', SILENT)
        for key, value in (('max-deletions', GLib.Variant('s', '5')),
                           ('max-deletions', GLib.Variant('i', 5)),
                           ('mailboxes', GLib.Variant('s', 'INBOX')),
                           ('mailboxes', GLib.Variant('au', [1])),
                           ('cancel-on-disconnect', GLib.Variant('u', 1))):
            with self.subTest(key + ' ' + value.get_type_string()):
                message = self.refused(INVALID_ARGS, ROOT, MANAGER, 'Sync', '(asa{sv})', [], {key: value})
                self.assertIn(key, message)
        self.assertEqual(self.get(ROOT, MANAGER, 'Jobs'), [])

    def test_each_method_with_options_refuses_an_unknown_one(self):
        account = self.add('mute', SILENT)
        job = self.sync(['mute'])[0]
        for path, interface, member in (
                (account, ACCOUNT, 'Test'), (account, ACCOUNT, 'ListMailboxes'),
                (account, ACCOUNT, 'ListIssues'), (account, ACCOUNT, 'Unlock'), (job, JOB, 'Wait'), (job, JOB, 'GetReport')):
            with self.subTest(member):
                self.refused(INVALID_ARGS, path, interface, member, '(a{sv})', {'x': GLib.Variant('b', True)})

    def test_every_known_option_is_accepted(self):
        self.add('mute', SILENT)
        jobs = self.sync(['mute'], mailboxes=GLib.Variant('as', ['inbox', 'A/B', 'INBOX']),
                         max_deletions=GLib.Variant('u', 5), cancel_on_disconnect=GLib.Variant('b', False))
        self.assertEqual(len(jobs), 1)

    def test_a_mailbox_that_no_mailbox_can_be_called_is_refused(self):
        self.add('mute', SILENT)
        self.refused('org.imapsync1.Error.NoSuchMailbox', ROOT, MANAGER, 'Sync', '(asa{sv})', ['mute'],
                     {'mailboxes': GLib.Variant('as', ['A//B'])})


class Accounts(ServiceTest):
    files = {'broken.conf': '[remote]\nhots = imap.example.net\n'}

    def test_unknown_account_is_refused(self):
        error = 'org.imapsync1.Error.NoSuchAccount'
        self.add('mute', SILENT)
        self.refused(error, ROOT, MANAGER, 'GetAccount', '(s)', 'nobody')
        self.refused(error, ROOT, MANAGER, 'Cancel', '(as)', ['mute', 'nobody'])
        self.refused(error, ROOT, MANAGER, 'Sync', '(asa{sv})', ['mute', 'nobody'], {})
        self.assertEqual(self.get(ROOT, MANAGER, 'Jobs'), [])

    def test_added_account_is_written_found_and_announced(self):
        path = self.add('work', GONE)
        file = os.path.join(self.home.config, 'work.conf')
        self.assertEqual(stat.S_IMODE(os.stat(file).st_mode), 0o600)
        self.assertEqual(self.ask(ROOT, MANAGER, 'GetAccount', '(s)', 'work'), path)
        self.assertIn(path, self.get(ROOT, MANAGER, 'Accounts'))
        turn_until(lambda: self.seen('InterfacesAdded', name=path), 'InterfacesAdded')
        self.assertEqual(self.seen('InterfacesAdded', name=path)[0][1][ACCOUNT]['State'], 'idle')
        turn_until(lambda: self.changes(ROOT, MANAGER, 'Accounts'), 'the change of Accounts')
        self.assertIn(path, self.changes(ROOT, MANAGER, 'Accounts')[-1])

    def test_account_that_cannot_be_is_refused_and_not_written(self):
        self.add('work', GONE)
        for name, settings in (('work', SILENT), ('a/b', SILENT), ('', SILENT),
                               ('x', dict(SILENT, **{'remote.password': 'secret'})),
                               ('x', dict(SILENT, **{'remote.hots': 'a'})), ('x', {})):
            with self.subTest(name):
                self.refused('org.imapsync1.Error.Config', ROOT, MANAGER, 'AddAccount', '(sa{ss})', name, settings)
        self.assertEqual(sorted(os.listdir(self.home.config)), ['broken.conf', 'work.conf'])

    def test_status_has_all_fields_of_the_interface(self):
        path = self.add('work', GONE)
        answer = self.call(ROOT, MANAGER, 'Status')
        fields = answer.get_child_value(0).get_child_value(1)
        entries = [fields.get_child_value(i) for i in range(fields.n_children())]
        types = {entry.get_child_value(0).get_string(): entry.get_child_value(1).get_variant().get_type_string()
                 for entry in entries}
        self.assertEqual(types, {
            'name': 's', 'path': 'o', 'state': 's', 'attention': 's', 'error-name': 's', 'error-message': 's',
            'last-success': 't', 'next-sync': 't', 'job': 'o', 'issues': 'u'})
        self.assertEqual(answer.unpack()[0][1], {
            'name': 'work', 'path': path, 'state': 'idle', 'attention': 'none', 'error-name': '',
            'error-message': '', 'last-success': 0, 'next-sync': 0, 'job': '/', 'issues': 0})

    def test_broken_file_blocks_its_own_account_only(self):
        self.add('work', GONE)
        broken = self.ask(ROOT, MANAGER, 'Status')[0]
        self.assertEqual((broken['name'], broken['state']), ('broken', 'blocked'))
        self.assertEqual(broken['error-name'], 'org.imapsync1.Error.Config')
        self.assertIn('hots', broken['error-message'])
        self.refused('org.imapsync1.Error.Config', ROOT, MANAGER, 'Sync', '(asa{sv})', ['broken'], {})
        self.refused('org.imapsync1.Error.Config', broken['path'], ACCOUNT, 'Test', '(a{sv})', {})
        self.assertEqual(len(self.sync([])), 1)

    def test_repaired_file_is_read_by_the_next_sync(self):
        self.home.write('broken.conf', '[remote]\ntype=tunnel\ncommand=false\n'
                                       '[local]\ntype=tunnel\ncommand=false\nusername=\n')
        told = self.refused('org.imapsync1.Error.Config', ROOT, MANAGER, 'Sync', '(asa{sv})', ['broken'], {})
        self.assertIn('broken.conf: [local] username', told)
        self.assertIn('username', self.ask(ROOT, MANAGER, 'Status')[0]['error-message'])
        self.home.write('broken.conf', '[remote]\ntype=tunnel\ncommand=false\n'
                                       '[local]\ntype=tunnel\ncommand=false far\n')
        self.assertEqual(len(self.sync(['broken'])), 1)

    def remove(self, name, **options):
        options = {key.replace('_', '-'): value for key, value in options.items()}
        self.call(ROOT, MANAGER, 'RemoveAccount', '(sa{sv})', name, options)

    def test_removed_account_has_gone_when_the_answer_comes(self):
        job = self.silent_job()
        path = self.turn_until_at_work('mute')
        self.remove('mute')
        self.assertNotIn('mute.conf', os.listdir(self.home.config))
        self.assertEqual([a['name'] for a in self.ask(ROOT, MANAGER, 'Status')], ['broken'])
        self.assertNotIn(path, self.get(ROOT, MANAGER, 'Accounts'))
        self.assertEqual(self.get(ROOT, MANAGER, 'Jobs'), [])
        for gone, interface in ((path, ACCOUNT), (job, JOB)):
            turn_until(lambda: self.seen('InterfacesRemoved', name=gone), 'InterfacesRemoved of ' + gone)
            self.assertIn(interface, self.seen('InterfacesRemoved', name=gone)[0][1])
        self.assertEqual([args[2] for args in self.seen('JobEnded')], ['cancelled'])
        self.assertNotIn(path, self.changes(ROOT, MANAGER, 'Accounts')[-1])
        self.assertEqual(self.add('mute', GONE), path)

    def test_account_that_is_not_there_or_wrong_options_remove_nothing(self):
        self.add('work', GONE)
        self.refused('org.imapsync1.Error.NoSuchAccount', ROOT, MANAGER, 'RemoveAccount', '(sa{sv})', 'x', {})
        for options in ({'delete-stroe': GLib.Variant('b', True)}, {'delete-store': GLib.Variant('s', 'no')}):
            self.refused(INVALID_ARGS, ROOT, MANAGER, 'RemoveAccount', '(sa{sv})', 'work', options)
        self.assertIn('work.conf', os.listdir(self.home.config))

    def test_account_is_removed_once_and_takes_no_job_meanwhile(self):
        self.silent_job()
        answers = []
        for _ in range(2):
            self.bus.call(NAME, ROOT, MANAGER, 'RemoveAccount', GLib.Variant('(sa{sv})', ('mute', {})), None, 0, -1,
                          None, lambda bus, result: answers.append(self.outcome(result)))
        self.refused('org.imapsync1.Error.Busy', ROOT, MANAGER, 'Sync', '(asa{sv})', ['mute'], {})
        turn_until(lambda: len(answers) == 2, 'both answers')
        self.assertEqual(sorted(answers), ['', 'org.imapsync1.Error.Busy'])

    def outcome(self, result):
        try:
            self.bus.call_finish(result)
            return ''
        except GLib.Error as error:
            return Gio.DBusError.get_remote_error(error)

    def test_removal_that_the_end_of_the_service_meets_is_answered(self):
        self.silent_job()
        answers = []
        self.bus.call(NAME, ROOT, MANAGER, 'RemoveAccount', GLib.Variant('(sa{sv})', ('mute', {})), None, 0, -1,
                      None, lambda bus, result: answers.append(self.outcome(result)))
        self.daemon.terminate()
        turn_until(lambda: answers, 'the answer')
        there = 'mute.conf' in os.listdir(self.home.config)
        self.assertEqual(answers, ['org.imapsync1.Error.Cancelled' if there else ''])

    def test_store_is_deleted_if_that_is_asked_for(self):
        for name, deleted in (('a', False), ('b', True)):
            self.add(name, {'remote.type': 'tunnel', 'remote.command': 'false'})
            store = os.path.join(self.home.path, 'data', 'imapsync', name)
            os.makedirs(os.path.join(store, 'mail'))
            self.remove(name, delete_store=GLib.Variant('b', deleted))
            self.assertEqual(os.path.exists(store), not deleted)

    def test_no_other_store_is_deleted(self):
        """Not even one that the account had in earlier times."""
        self.add('work', GONE)
        store = os.path.join(self.home.path, 'data', 'imapsync', 'work')
        os.makedirs(os.path.join(store, 'mail'))
        for name in ('work', 'broken'):
            told = self.refused('org.imapsync1.Error.Config', ROOT, MANAGER, 'RemoveAccount', '(sa{sv})', name,
                                {'delete-store': GLib.Variant('b', True)})
            self.assertIn('without its store', told)
        self.assertTrue(os.path.exists(store))
        self.assertIn('work.conf', os.listdir(self.home.config))

    def test_two_accounts_do_not_share_a_folder(self):
        """The mail of one provider would go to the other."""
        shared = {'remote.type': 'tunnel', 'local.type': 'tunnel', 'local.command': 'false near'}
        self.add('one', dict(shared, **{'remote.command': 'false one', 'local.prefix': 'Work/'}))
        for prefix in (None, 'Work/', 'Work/Old/'):
            settings = dict(shared, **{'remote.command': 'false two'})
            settings.update({'local.prefix': prefix} if prefix else {})
            told = self.refused('org.imapsync1.Error.Config', ROOT, MANAGER, 'AddAccount', '(sa{ss})', 'two', settings)
            self.assertIn('prefix = ', told)
        self.add('two', dict(shared, **{'remote.command': 'false two', 'local.prefix': 'Workshop/'}))
        file = os.path.join(self.home.config, 'two.conf')
        with open(file) as lines:
            text = lines.read()
        self.home.write('two.conf', text.replace('Workshop/', 'Work/'))
        self.call(ROOT, MANAGER, 'Reload')
        for name in ('one', 'two'):
            self.refused('org.imapsync1.Error.Config', ROOT, MANAGER, 'Sync', '(asa{sv})', [name], {})

    def test_reload_takes_new_changed_and_vanished_files(self):
        other = self.silent_job()
        gone = self.add('gone', GONE)
        self.turn_until_at_work('mute')
        os.unlink(os.path.join(self.home.config, 'gone.conf'))
        self.home.write('new.conf', '[remote]\ntype=tunnel\ncommand=false\n')
        self.home.write('broken.conf', '[remote]\ntype=tunnel\ncommand=false\n')
        self.call(ROOT, MANAGER, 'Reload')
        turn_until(lambda: self.seen('InterfacesRemoved', name=gone), 'the account to be let go')
        status = {account['name']: account['state'] for account in self.ask(ROOT, MANAGER, 'Status')}
        self.assertEqual(status, {'broken': 'idle', 'mute': 'syncing', 'new': 'idle'})
        self.assertEqual(self.get(other, JOB, 'Result'), 'running')

    def test_account_without_a_sync_lists_nothing(self):
        path = self.add('work', GONE)
        self.assertEqual(self.ask(path, ACCOUNT, 'ListMailboxes', '(a{sv})', {}), [])
        limits = {'offset': GLib.Variant('u', 4294967295), 'limit': GLib.Variant('u', 4294967295)}
        self.assertEqual(self.ask(path, ACCOUNT, 'ListIssues', '(a{sv})', limits), [])

    def test_nothing_is_to_be_unlocked_without_a_password(self):
        path = self.add('work', GONE)
        self.call(path, ACCOUNT, 'Unlock', '(a{sv})', {'timeout': GLib.Variant('t', 2**64 - 1)})

    def test_unlocking_without_a_keyring_is_told(self):
        path = self.add('work', dict(GONE, **{'remote.username': 'me'}))
        told = self.refused('org.imapsync1.Error.CredentialsMissing', path, ACCOUNT, 'Unlock', '(a{sv})', {})
        self.assertIn('no keyring', told)

    def test_issue_that_is_not_there_is_not_resolved(self):
        path = self.add('work', GONE)
        args = (path, ACCOUNT, 'Resolve', '(tsa{sv})', 1)
        self.refused('org.imapsync1.Error.NoSuchIssue', *args, 'pin', {})
        self.refused(INVALID_ARGS, *args, 'pin', {'forec': GLib.Variant('b', True)})


class Jobs(ServiceTest):
    def test_unreachable_servers_end_the_job_with_a_result(self):
        account = self.add('work', GONE)
        job = self.sync(['work'])[0]
        result, summary = self.wait(job)
        self.assertEqual(result, 'offline')
        self.assertEqual(summary['copied-local'], 0)
        self.assertEqual(self.get(job, JOB, 'Error')[0], 'org.imapsync1.Error.Offline')
        self.assertEqual(self.get(account, ACCOUNT, 'LastError'), self.get(job, JOB, 'Error'))
        self.assertEqual(self.get(account, ACCOUNT, 'State'), 'offline')
        self.assertEqual(self.ask(job, JOB, 'GetReport', '(a{sv})', {}), [])
        self.assertEqual(self.wait(job)[0], 'offline')

    def test_signals_tell_the_whole_life_of_a_job_in_order(self):
        account = self.add('work', GONE)
        job = self.sync(['work'])[0]
        turn_until(lambda: self.seen('JobEnded'), 'JobEnded')
        self.assertEqual(self.seen('JobNew'), [(job, account, 'client')])
        self.assertEqual(self.seen('JobEnded')[0][:3], (job, account, 'offline'))
        self.assertEqual(self.changes(job, JOB, 'Result'), ['offline'])
        states = self.changes(account, ACCOUNT, 'State')
        self.assertEqual((states[0], states[-1]), ('queued', 'offline'))
        self.assertEqual(self.changes(account, ACCOUNT, 'Job'), [job, '/'])

        def place(member, path, name):
            return next(i for i, (p, _, m, args) in enumerate(self.signals)
                        if m == member and p == path and args[0] == name)

        self.assertLess(place('InterfacesAdded', ROOT, job), place('JobNew', ROOT, job))
        self.assertLess(place('JobNew', ROOT, job), place('PropertiesChanged', job, JOB))
        self.assertLess(place('PropertiesChanged', job, JOB), place('JobEnded', ROOT, job))

    def test_test_is_a_job_too(self):
        account = self.add('work', GONE)
        job = self.ask(account, ACCOUNT, 'Test', '(a{sv})', {})
        self.assertEqual(self.wait(job)[0], 'offline')

    def test_report_of_a_failed_test_has_both_sides(self):
        account = self.add('work', GONE)
        job = self.ask(account, ACCOUNT, 'Test', '(a{sv})', {})
        self.wait(job)
        report = dict(self.ask(job, JOB, 'GetReport', '(a{sv})', {}))
        self.assertEqual(list(report), ['local', 'remote'])
        for side in report:
            self.assertEqual(report[side]['program'], 'false')
            self.assertEqual(report[side]['error-name'], 'org.imapsync1.Error.Offline')
            self.assertNotIn('mechanism', report[side])
            self.assertNotIn('mailboxes', report[side])
        self.assertEqual(self.get(job, JOB, 'Error')[1], 'local: ' + report['local']['error-message'])

    def test_report_of_a_test_has_what_was_found(self):
        script = os.path.join(self.home.path, 'server.sh')
        with open(script, 'w', encoding='utf-8') as file:
            file.write(SERVER)
        account = self.add('work', dict(GONE, **{'remote.command': f'sh {script}'}))
        job = self.ask(account, ACCOUNT, 'Test', '(a{sv})', {})
        self.assertEqual(self.wait(job)[0], 'offline')
        report = dict(self.ask(job, JOB, 'GetReport', '(a{sv})', {}))
        self.assertEqual(report['remote'], {
            'program': 'sh', 'mechanism': 'PREAUTH',
            'used': ['QRESYNC', 'UIDPLUS', 'LIST-EXTENDED', 'LIST-STATUS', 'LITERAL-', 'ESEARCH'],
            'lacking': ['LITERAL+', 'MULTIAPPEND', 'NAMESPACE', 'SPECIAL-USE', 'APPENDLIMIT'],
            'required': [], 'delimiter': '.', 'prefix': '', 'mailboxes': 2, 'filled': 1, 'messages': 7,
            'error-name': '', 'error-message': '',
        })

    def test_report_of_a_cancelled_test_has_no_second_side(self):
        account = self.add('mute', SILENT)
        job = self.ask(account, ACCOUNT, 'Test', '(a{sv})', {})
        self.call(job, JOB, 'Cancel')
        self.assertEqual(self.wait(job)[0], 'cancelled')
        self.assertNotIn('remote', dict(self.ask(job, JOB, 'GetReport', '(a{sv})', {})))

    def test_wait_answers_running_after_its_timeout(self):
        job = self.silent_job()
        for timeout_us in (0, 50000):
            result, summary = self.wait(job, timeout=GLib.Variant('t', timeout_us))
            self.assertEqual(result, 'running')
            self.assertEqual(set(summary.values()), {0})

    def test_report_of_a_running_job_is_refused(self):
        job = self.silent_job()
        self.refused('org.imapsync1.Error.Busy', job, JOB, 'GetReport', '(a{sv})', {})

    def test_cancelled_job_ends_with_that_result(self):
        job = self.silent_job()
        self.call(job, JOB, 'Cancel')
        self.assertEqual(self.wait(job)[0], 'cancelled')
        self.refused('org.imapsync1.Error.NotRunning', job, JOB, 'Cancel')

    def test_cancel_counts_the_jobs(self):
        account = self.add('mute', SILENT)
        self.add('other', dict(SILENT, **{'local.command': 'sleep 1002'}))
        self.sync([])
        self.sync(['mute'], max_deletions=GLib.Variant('u', 1))
        self.assertEqual(self.ask(account, ACCOUNT, 'Cancel'), 2)
        self.assertEqual(self.ask(ROOT, MANAGER, 'Cancel', '(as)', ['other']), 1)
        turn_until(lambda: len(self.seen('JobEnded')) == 3, 'three ends')
        self.assertEqual(self.ask(ROOT, MANAGER, 'Cancel', '(as)', []), 0)

    def test_waiting_call_is_answered_at_the_end(self):
        job = self.silent_job()
        answers = []
        self.bus.call(NAME, job, JOB, 'Wait', GLib.Variant('(a{sv})', ({},)), None, 0, -1, None,
                      lambda bus, result: answers.append(bus.call_finish(result).unpack()))
        self.assertEqual(self.wait(job, timeout=GLib.Variant('t', 0))[0], 'running')
        self.assertEqual(answers, [])
        self.call(job, JOB, 'Cancel')
        turn_until(lambda: answers, 'the answer')
        self.assertEqual(answers[0][0], 'cancelled')

    def test_dry_run_shares_no_job_with_a_sync(self):
        job = self.silent_job()
        dry = self.sync(['mute'], dry_run=GLib.Variant('b', True))[0]
        self.assertNotEqual(dry, job)
        self.assertEqual(self.sync(['mute'], dry_run=GLib.Variant('b', True))[0], dry)
        self.assertNotIn(self.sync(['mute'], mailboxes=GLib.Variant('as', ['A']))[0], (dry,))

    def test_equal_syncs_share_a_job_and_others_do_not(self):
        job = self.silent_job()
        self.assertEqual(self.sync(['mute'])[0], job)
        self.assertEqual(self.sync(['mute'], mailboxes=GLib.Variant('as', ['A']))[0], job)
        self.assertNotEqual(self.sync(['mute'], max_deletions=GLib.Variant('u', 1))[0], job)


class Owners(ServiceTest):
    leave = {'cancel_on_disconnect': GLib.Variant('b', True)}

    def setUp(self):
        super().setUp()
        self.add('mute', SILENT)
        self.first, self.second = connect(), connect()

    def results(self):
        return [args[2] for args in self.seen('JobEnded')]

    def assert_runs(self, job):
        self.assertEqual(self.wait(job, timeout=GLib.Variant('t', 100000))[0], 'running')

    def test_job_ends_when_its_owner_leaves(self):
        self.sync(['mute'], bus=self.first, **self.leave)
        self.first.close_sync()
        turn_until(self.results, 'the end')
        self.assertEqual(self.results(), ['cancelled'])

    def test_shared_job_ends_with_its_last_owner(self):
        job = self.sync(['mute'], bus=self.first, **self.leave)[0]
        self.assertEqual(self.sync(['mute'], bus=self.second, **self.leave)[0], job)
        self.first.close_sync()
        self.assert_runs(job)
        self.second.close_sync()
        turn_until(self.results, 'the end')

    def test_owner_without_the_option_keeps_the_job(self):
        job = self.sync(['mute'], bus=self.first, **self.leave)[0]
        self.assertEqual(self.sync(['mute'], bus=self.second)[0], job)
        self.first.close_sync()
        self.second.close_sync()
        self.assert_runs(job)


class Process(ServiceTest):
    def test_second_service_says_that_one_is_running(self):
        second = self.home.start()
        _, err = second.communicate(timeout=DEADLINE_S)
        self.assertEqual(second.returncode, 3)
        self.assertIn('already running', err)

    def test_stop_cancels_jobs_and_tells(self):
        self.silent_job()
        self.daemon.send_signal(signal.SIGTERM)
        turn_until(lambda: self.seen('JobEnded'), 'JobEnded')
        self.assertEqual(self.seen('JobEnded')[0][2], 'cancelled')
        self.assertEqual(self.daemon.wait(timeout=5), 0)

    def test_process_can_not_be_dumped(self):
        with open('/proc/%d/limits' % self.daemon.pid) as limits:
            core = next(line for line in limits if line.startswith('Max core file size'))
        self.assertEqual(core.split()[4:6], ['0', '0'])

    def set_debug(self, topics):
        value = GLib.Variant('(ssv)', (MANAGER, 'Debug', GLib.Variant('s', topics)))
        self.bus.call_sync(
            NAME, ROOT, 'org.freedesktop.DBus.Properties', 'Set', value, None, 0, DEADLINE_S * 1000, None)

    def test_what_is_traced_can_be_changed(self):
        self.assertEqual(self.get(ROOT, MANAGER, 'Debug'), '')
        self.set_debug('pump,imap')
        self.assertEqual(self.get(ROOT, MANAGER, 'Debug'), 'imap,pump')
        turn_until(lambda: self.changes(ROOT, MANAGER, 'Debug') == ['imap,pump'], 'the change to be told')
        with self.assertRaises(GLib.Error) as caught:
            self.set_debug('smtp')
        self.assertIn('org.freedesktop.DBus.Error.InvalidArgs', str(caught.exception))
        self.assertIn('imap, pump, engine', str(caught.exception))
        self.assertEqual(self.get(ROOT, MANAGER, 'Debug'), 'imap,pump')

    def test_version_is_a_property_and_an_option(self):
        out, _ = self.home.start('--version').communicate(timeout=DEADLINE_S)
        self.assertEqual(out.split(), ['imapsyncd', self.get(ROOT, MANAGER, 'Version')])


class Start(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.remove)

    def test_unknown_argument_is_a_usage_error(self):
        for argument in ('--frobnicate', 'sync'):
            process = self.home.start(argument)
            _, err = process.communicate(timeout=DEADLINE_S)
            self.assertEqual(process.returncode, 2)
            self.assertIn(argument.strip('-'), err)

    def test_missing_bus_is_told_with_its_fix(self):
        process = self.home.start(DBUS_SESSION_BUS_ADDRESS='unix:path=/nonexistent/bus')
        _, err = process.communicate(timeout=DEADLINE_S)
        self.assertEqual(process.returncode, 1)
        self.assertIn('dbus-run-session', err)

    def test_readiness_is_told_to_the_service_manager(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(os.path.join(self.home.path, 'notify'))
            manager.settimeout(DEADLINE_S)
            process = self.home.start(NOTIFY_SOCKET=manager.getsockname())
            self.assertIn(b'READY=1', manager.recv(4096).split(b'\n'))
            process.terminate()
            self.assertIn(b'STOPPING=1', manager.recv(4096).split(b'\n'))
            process.communicate(timeout=DEADLINE_S)
        self.assertEqual(process.returncode, 0)

    def own_bus(self, servicedir=''):
        config = os.path.join(self.home.path, 'bus.conf')
        with open(os.path.join(HERE, 'session.conf')) as template:
            text = template.read().replace('</busconfig>', servicedir + '</busconfig>')
        with open(config, 'w') as out:
            out.write(text)
        process = subprocess.Popen(
            ['dbus-daemon', '--nofork', '--print-address', '--config-file', config],
            env=self.home.env, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return process, process.stdout.readline().strip()

    def test_end_of_the_bus_ends_the_service(self):
        bus_process, address = self.own_bus()
        process = self.home.start(DBUS_SESSION_BUS_ADDRESS=address, GIO_USE_VFS='local')
        bus = connect(address)
        owned = []
        Gio.bus_watch_name_on_connection(bus, NAME, 0, lambda *args: owned.append(1), None)
        turn_until(lambda: owned, 'the service')
        bus_process.terminate()
        _, err = process.communicate(timeout=DEADLINE_S)
        self.assertEqual(process.returncode, 1)
        self.assertIn('session bus', err)

    def test_first_call_starts_the_service(self):
        with open(os.path.join(self.home.path, NAME + '.service'), 'w') as out:
            out.write('[D-BUS Service]\nName=%s\nExec=%s\n' % (NAME, DAEMON))
        _, address = self.own_bus('<servicedir>%s</servicedir>' % self.home.path)
        bus = connect(address)
        answer = bus.call_sync(NAME, ROOT, MANAGER, 'Status', None, None, 0, -1, None)
        self.assertEqual(answer.unpack(), ([],))
        pid = bus.call_sync('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus',
                            'GetConnectionUnixProcessID', GLib.Variant('(s)', (NAME,)), None, 0, -1, None)
        gone = []
        Gio.bus_watch_name_on_connection(bus, NAME, 0, None, lambda *args: gone.append(1))
        os.kill(pid.unpack()[0], signal.SIGTERM)
        turn_until(lambda: gone, 'the end of the service')
        bus.close_sync()

    def test_without_accounts_and_calls_it_ends_itself(self):
        process = self.home.start('--idle-exit=1')
        _, err = process.communicate(timeout=DEADLINE_S)
        self.assertEqual((process.returncode, err), (0, ''))

    def test_with_an_account_it_stays(self):
        self.home.write('off.conf', '[account]\nenabled=no\n[remote]\ntype=tunnel\ncommand=false\n')
        process = self.home.start('--idle-exit=1')
        self.addCleanup(process.communicate)
        self.addCleanup(process.terminate)
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(timeout=3)

    def test_it_ends_itself_after_the_last_account_was_removed(self):
        self.home.write('last.conf', '[remote]\ntype=tunnel\ncommand=false\n')
        _, address = self.own_bus()
        process = self.home.start('--idle-exit=1', DBUS_SESSION_BUS_ADDRESS=address)
        bus = connect(address)
        owners = []
        Gio.bus_watch_name_on_connection(bus, NAME, 0, lambda *_: owners.append(1), None)
        turn_until(lambda: owners, 'the service')
        bus.call_sync(NAME, ROOT, MANAGER, 'RemoveAccount', GLib.Variant('(sa{sv})', ('last', {})), None, 0, -1, None)
        _, err = process.communicate(timeout=DEADLINE_S)
        self.assertEqual(process.returncode, 0)
        self.assertIn('last: passwords in the keyring, if any, were not removed', err)
        bus.close_sync()

    def test_time_that_is_none_is_a_usage_error(self):
        for value in ('-1', 'soon', '99999999999'):
            process = self.home.start('--idle-exit=' + value)
            _, err = process.communicate(timeout=DEADLINE_S)
            self.assertEqual(process.returncode, 2)
            self.assertIn('idle-exit', err)

    def test_no_call_is_lost_to_an_idle_end(self):
        with open(os.path.join(self.home.path, NAME + '.service'), 'w') as out:
            out.write('[D-BUS Service]\nName=%s\nExec=%s --idle-exit=1\n' % (NAME, DAEMON))
        _, address = self.own_bus('<servicedir>%s</servicedir>' % self.home.path)
        bus = connect(address)
        owners = set()
        Gio.bus_watch_name_on_connection(bus, NAME, 0, lambda _, name, owner: owners.add(owner), None)
        for pause_ms in (990, 1010, 1030, 1050, 1090, 1150, 2000):
            GLib.timeout_add(pause_ms, owners.add, '')
            turn_until(lambda: '' in owners, 'the pause')
            owners.remove('')
            answer = bus.call_sync(NAME, ROOT, MANAGER, 'Status', None, None, 0, -1, None)
            self.assertEqual(answer.unpack(), ([],))
        turn_until(lambda: len(owners) > 1, 'a second start')
        bus.close_sync()


if __name__ == '__main__':
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
