# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""The built service in a language that nobody speaks (see pseudo.py): its errors, as callers get them.

Usage: dbus-run-session ... translation.py IMAPSYNCD INTERFACE.xml TOP LOCALE_DIR [TEST...]

The servers are commands that know only what leads to an error; no message passes.
"""

import contextlib
import os
import re
import pathlib
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import unittest

import service
from service import ACCOUNT, DEADLINE_S, GONE, JOB, MANAGER, ROOT, GLib

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from pseudo import LANGUAGE, make_translation, translated

TOP, LOCALE_DIR = map(pathlib.Path, sys.argv[3:5])
CAPABILITIES = 'IMAP4rev1 ENABLE QRESYNC UIDPLUS LIST-EXTENDED LIST-STATUS'
INBOX = r'* LIST () \"/\" INBOX'
REMOTE = {'remote.type': 'tunnel', 'remote.command': 'false'}
NETWORK = {'remote.host': 'h', 'remote.username': 'me', 'local.type': 'tunnel', 'local.command': 'false'}

# What AddAccount is given beside or instead of REMOTE, and what of the answer is not for translation.
REFUSED = [
    ({'remote.tpye': 'imaps'}, '[remote] tpye', 'type'),
    ({'remote.frobnicate': 'x'}, '[remote] frobnicate',
     'type, host, port, username, password-command, token-command, auth, ca-file, tls-min, tls-pin, tls-host, '
     'client-cert, client-key, proxy, starttls, command, compress, connections, prefix'),
    ({'remtoe.type': 'imaps'}, '[remtoe]', 'remote'),
    ({'frobnicate': 'x'}, 'frobnicate', 'remote.host'),
    ({'remote.password': 'x'}, '[remote] password', 'imapsyncctl password work'),
    ({'local.token': 'x'}, '[local] token', 'imapsyncctl password work local'),
    ({'account.enabled': 'maybe'}, '[account] enabled', 'maybe', 'yes, no, true, false'),
    ({'account.mailboxes': '  '}, '[account] mailboxes'),
    ({'account.mailboxes': 'A;;B'}, '[account] mailboxes'),
    ({'account.mailboxes': '!Trash;*'}, '[account] mailboxes', '!Trash'),
    ({'account.ignore': 'role:spam'}, '[account] ignore', 'role:spam',
     'all, archive, drafts, flagged, inbox, junk, sent, trash'),
    ({'account.ignore': '/A/'}, '[account] ignore', '/A/'),
    ({'remote.type': 'dovecot'}, '[remote] type', 'dovecot', '[local]', 'imaps', 'imap', 'tunnel'),
    ({'remote.type': 'imaps', 'remote.command': 'false'}, '[remote] command', 'type = imaps', 'type', 'tunnel'),
    ({'local.prefix': 'A//B'}, '[local] prefix', 'prefix = Work/'),
    ({'remote.command': ''}, '[remote] command'),
    ({'remote.command': 'a\tb'}, '[remote] command'),
    ({'remote.command': "a 'b"}, '[remote] command',
     "Text ended before matching quote was found for '. (The text was “a 'b”)"),
    ({'local.type': 'tunnel', 'local.command': 'false'}, '[local]', '[remote]'),
    ({'remote.type': 'tunnel'}, '[remote] command', 'command = ssh -T me@mail.example.net'),
    ({'remote.username': 'me'}, '[remote] host', 'host = imap.example.net'),
    ({'remote.host': 'h'}, '[remote] username', 'username = me'),
    ({**NETWORK, 'remote.host': 'me@h'}, '[remote] host', 'host = imap.example.net', 'port', 'username'),
    ({**NETWORK, 'remote.port': '0'}, '[remote] port'),
    ({**NETWORK, 'remote.ca-file': 'mine.pem'}, '[remote] ca-file', '/etc/ssl/certs/mine.pem'),
    ({**NETWORK, 'remote.type': 'imap', 'remote.starttls': 'no'}, '[remote] starttls', "'no'"),
    ({**NETWORK, 'remote.type': 'imap', 'remote.host': '::1', 'remote.starttls': 'no',
      'remote.ca-file': '/x.pem'}, '[remote] ca-file', 'starttls = no'),
]


def server(greeting, **replies):
    """A command that greets, and answers each command that it is told of; all others with OK. In a
    reply, $t is the tag."""
    arms = ''.join(r'%s*) printf "%s\r\n";; ' % arm for arm in replies.items())
    script = (r'printf "* %s\r\n"; while read -r t verb; do case $verb in %s*) printf "$t OK\r\n";; '
              r'esac; done' % (greeting, arms))
    return 'sh -c ' + shlex.quote(script)


GREETING = f'PREAUTH [CAPABILITY {CAPABILITIES}] hello'
ENABLED = r'* ENABLED QRESYNC\r\n$t OK'

# A command of the local side, and what of the job's error is not for translation.
BROKEN_SERVERS = [
    ('/nonexistent/program',
     'Failed to execute child process “/nonexistent/program” (No such file or directory)',
     '/nonexistent/program'),
    ('false',),
    ('sh -c "echo Out of luck >&2; exit 1"', 'Out of luck'),
    (r'printf "* BYE gone to lunch\r\n"', 'gone to lunch'),
    (r'printf "hello\r\n"',),
    (r'printf "* LIST () 7 INBOX\r\n"',),
    (server(f'OK [CAPABILITY {CAPABILITIES}] hello'),),
    (server('PREAUTH hello'),),
    (server('PREAUTH hello', CAPABILITY='$t BAD what is that'), 'CAPABILITY', 'what is that'),
    (server('PREAUTH [CAPABILITY IMAP4rev1] hello'), 'QRESYNC, UIDPLUS, LIST-EXTENDED, LIST-STATUS'),
    (server(GREETING),),
    (server(GREETING, ENABLE=r'a9 OK done'),),
]


@contextlib.contextmanager
def serving(talk):
    """A port at which whoever connects is talked to, until he leaves."""
    def serve():
        with contextlib.suppress(OSError), listener.accept()[0] as connection:
            talk(connection)
            connection.recv(1)

    with socket.create_server(('127.0.0.1', 0)) as listener:
        if talk is not None:
            threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


class Translated(service.ServiceTest):
    def refusal(self, name, *call):
        """The text of an error reply, without the name that GLib puts before it."""
        return self.refused(name, *call).split(name + ': ', 1)[-1]

    def ours(self, name, *call):
        return self.refusal('org.imapsync1.Error.' + name, *call)

    def error_of(self, name, **options):
        """The last part of the name of a job's error, and its text; both also the account's."""
        job = self.sync([name], **options)[0]
        self.assertIn(self.wait(job)[0], ('failed', 'offline'))
        error = self.get(job, JOB, 'Error')
        path = self.ask(ROOT, MANAGER, 'GetAccount', '(s)', name)
        self.assertEqual(self.get(path, ACCOUNT, 'LastError'), error)
        return error[0].rsplit('.', 1)[1], error[1]


class Settings(Translated):
    def test_what_add_account_refuses(self):
        for settings, *untranslated in REFUSED:
            with self.subTest(settings):
                alone = any(key in settings for key in ('remote.type', 'remote.host', 'remote.username'))
                given = settings if alone else {**REMOTE, **settings}
                text = self.ours('Config', ROOT, MANAGER, 'AddAccount', '(sa{ss})', 'work', given)
                translated(text, self.home.config + '/work.conf', *untranslated)

    def test_file_that_is_empty_broken_or_none(self):
        self.add('work', GONE)
        path = self.home.config + '/work.conf'
        os.truncate(path, 0)
        translated(self.sync_refused(), path, '[remote] host', 'host = imap.example.net')
        os.unlink(path)
        os.mkdir(path)
        translated(self.sync_refused(), path)

    def sync_refused(self):
        return self.ours('Config', ROOT, MANAGER, 'Sync', '(asa{sv})', ['work'], {})


class Calls(Translated):
    def test_names_of_accounts(self):
        add = (ROOT, MANAGER, 'AddAccount', '(sa{ss})')
        translated(self.ours('Config', *add, '!', GONE), '._@-', "'work'")
        self.add('work', GONE)
        translated(self.ours('Config', *add, 'work', GONE), ' work ', self.home.config + '/work.conf')
        for call in ('Sync', '(asa{sv})', ['nobody'], {}), ('RemoveAccount', '(sa{sv})', 'nobody', {}):
            text = self.ours('NoSuchAccount', ROOT, MANAGER, *call)
            translated(text, 'nobody', 'imapsyncctl list')

    def test_account_that_is_disabled(self):
        self.add('work', {**GONE, 'account.enabled': 'no'})
        translated(self.ours('Config', ROOT, MANAGER, 'Sync', '(asa{sv})', ['work'], {}),
                   'work', 'enabled = no', '[account]')

    def test_options(self):
        self.add('work', GONE)
        path = self.ask(ROOT, MANAGER, 'GetAccount', '(s)', 'work')
        for option, value, *untranslated in (
                ('dry-rum', GLib.Variant('b', True),
                 'mailboxes, max-deletions, dry-run, cancel-on-disconnect'),
                ('dry-run', GLib.Variant('s', 'yes'), '“s”', '“b”')):
            text = self.refusal(service.INVALID_ARGS, path, ACCOUNT, 'Sync', '(a{sv})', {option: value})
            translated(text, option, *untranslated)
        text = self.refusal(service.INVALID_ARGS, path, ACCOUNT, 'Test', '(a{sv})', {'x': GLib.Variant('u', 1)})
        translated(text)
        mailboxes = {'mailboxes': GLib.Variant('as', ['A//B'])}
        translated(self.ours('NoSuchMailbox', path, ACCOUNT, 'Sync', '(a{sv})', mailboxes),
                   'A//B', 'ListMailboxes')

    def test_jobs_that_have_not_ended_or_have(self):
        job = self.silent_job()
        translated(self.ours('Busy', job, JOB, 'GetReport', '(a{sv})', {}), 'Wait')
        self.call(job, JOB, 'Cancel')
        self.assertEqual(self.wait(job)[0], 'cancelled')
        translated(self.get(job, JOB, 'Error')[1])
        translated(self.ours('NotRunning', job, JOB, 'Cancel'))

    def test_second_service_and_missing_bus(self):
        for status, env in ((3, {}), (1, {'DBUS_SESSION_BUS_ADDRESS': 'unix:path=/nonexistent/bus'})):
            process = self.home.start(**env)
            _, err = process.communicate(timeout=DEADLINE_S)
            self.assertEqual(process.returncode, status)
            translated(err, 'imapsyncd: ', 'No such file or directory', 'dbus-run-session')


class Jobs(Translated):
    def test_servers_that_are_broken(self):
        for number, (command, *untranslated) in enumerate(BROKEN_SERVERS):
            with self.subTest(command):
                name = f'work{number}'
                other = server(GREETING) + ' remote'  # whose login is not looked at any more
                self.add(name, {**GONE, 'local.command': command, 'remote.command': other})
                translated(self.error_of(name)[1], 'local: ', *untranslated)

    def test_mailboxes_that_are_not_listed(self):
        command = server(GREETING, ENABLE=ENABLED, LIST='$t NO not today')
        self.add('work', {**GONE, 'local.command': command, 'remote.command': command + ' remote'})
        name, text = self.error_of('work')
        self.assertEqual(name, 'ServerRejected')
        translated(text, 'local: ', 'not today')

    def test_mailbox_that_is_not_there(self):
        listed = rf'{INBOX}\r\n$t OK'
        command = server(GREETING, ENABLE=ENABLED, LIST=listed)
        self.add('work', {**GONE, 'local.command': command, 'remote.command': command + ' remote'})
        mailboxes = GLib.Variant('as', ['Nowhere'])
        name, text = self.error_of('work', mailboxes=mailboxes)
        self.assertEqual(name, 'NoSuchMailbox')
        translated(text, 'Nowhere')

    def test_state_file_that_is_damaged(self):
        self.add('work', GONE)
        folder = os.path.join(self.home.path, 'state', 'imapsync')
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, 'work.db')
        with open(path, 'w') as file:
            file.write('no database ' * 1000)
        name, text = self.error_of('work')
        self.assertEqual(name, 'State')
        translated(text, path, 'file is not a database')

    def test_store_that_cannot_be_made(self):
        self.add('work', REMOTE)
        os.rmdir(os.path.join(self.home.path, 'data'))
        with open(os.path.join(self.home.path, 'data'), 'w'):
            pass
        name, text = self.error_of('work')
        self.assertIn(name, ('Config', 'State'))  # the former: Dovecot refuses to serve root
        translated(text, os.path.join(self.home.path, 'data', 'imapsync', 'work'), 'Not a directory',
                   'type = dovecot')


@unittest.skipUnless(shutil.which('gnome-keyring-daemon') and shutil.which('secret-tool'), 'no keyring')
class Passwords(Translated):
    def start_keyring(self):
        keyring = subprocess.Popen(
            ['gnome-keyring-daemon', '--foreground', '--unlock', '--components=secrets'],
            env=self.home.env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(keyring.wait, DEADLINE_S)
        self.addCleanup(keyring.terminate)
        keyring.stdin.write(b'master')
        keyring.stdin.close()
        service.turn_until(lambda: self.seen('NameOwnerChanged', name='org.freedesktop.secrets'), 'a keyring')

    def store(self, **attributes):
        words = [word for pair in attributes.items() for word in pair]
        subprocess.run(
            ['secret-tool', 'store', '--label=test', 'xdg:schema', 'org.imapsync1.Password', *words],
            env=self.home.env, input=b'secret', check=True, stderr=subprocess.DEVNULL)

    def add_network(self, name, port, **settings):
        self.add(name, {**NETWORK, 'remote.host': '127.0.0.1', 'remote.port': str(port), **settings,
                        'local.command': server(GREETING, ENABLE=ENABLED)})
        self.store(account=name, side='remote', host='127.0.0.1', username='me')

    def test_password_that_cannot_be_had(self):
        self.add('work', {**NETWORK, 'local.username': 'somebody'})
        name, text = self.error_of('work')
        self.assertEqual(name, 'CredentialsMissing')
        translated(text, 'local: ', 'The name org.freedesktop.secrets was not provided by any .service files')
        self.start_keyring()
        translated(self.error_of('work')[1], 'local: ', 'somebody', 'imapsyncctl password work local')
        self.store(account='work', side='local', host='', username='somebody')
        translated(self.error_of('work')[1], 'remote: ', ' me ', 'imapsyncctl password work')

    def test_password_that_the_server_refuses(self):
        self.start_keyring()
        self.store(account='work', side='local', host='', username='me')
        refusal = '$t NO [AUTHENTICATIONFAILED] go away'
        command = server(f'OK [CAPABILITY {CAPABILITIES}] hello', LOGIN=refusal)
        self.add('work', {**GONE, 'local.username': 'me', 'local.command': command})
        name, text = self.error_of('work')
        self.assertEqual(name, 'AuthFailed')
        translated(text, 'local: ', '[AUTHENTICATIONFAILED] go away', 'imapsyncctl password work local', 'username')

    def test_server_without_tls(self):
        self.start_keyring()
        with serving(lambda connection: connection.sendall(b'hello')) as port:
            self.add_network('work', port)
            text = self.error_of('work')[1]
        ours, reason = text.split('fáiléd: ')  # the reason is in the words of GLib
        translated(text.replace(reason, '⟧'), 'remote: ', f'127.0.0.1:{port}')

    @unittest.skipUnless(shutil.which('openssl'), 'no openssl')
    def test_certificate_that_is_not_trusted(self):
        self.start_keyring()
        pem = os.path.join(self.home.path, 'own.pem')
        subprocess.run(
            ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
             '-subj', '/CN=other', '-addext', 'subjectAltName=DNS:other', '-keyout', pem + '.key', '-out', pem],
            check=True, stderr=subprocess.DEVNULL)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem, pem + '.key')
        with serving(lambda connection: context.wrap_socket(connection, server_side=True)) as port:
            self.add_network('work', port)
            name, text = self.error_of('work')
        self.assertEqual(name, 'CertificateRejected')
        self.assertIn('; ', text)  # neither its authority nor its name
        pin = re.search(r'tls-pin = [^\']+', text).group()
        translated(text, 'remote: ', f'127.0.0.1:{port}', pin)

    def test_server_that_is_not_there(self):
        self.start_keyring()
        with serving(None) as port:
            pass
        self.add_network('work', port)
        translated(self.error_of('work')[1], 'remote: ', f'127.0.0.1:{port}',
                   'Could not connect to 127.0.0.1: Connection refused')

    def test_authorities_that_are_none(self):
        self.start_keyring()
        self.add_network('work', 1, **{'remote.ca-file': '/dev/null'})
        translated(self.error_of('work')[1], 'remote: ', '/dev/null')


if __name__ == '__main__':
    os.environ.update(LANGUAGE=LANGUAGE, LC_ALL='C.UTF-8')
    make_translation(TOP, LOCALE_DIR)
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]])
