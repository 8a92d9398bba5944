#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""The ways to a server: STARTTLS, the clear on this computer, commands with and without a login; and
what is said of a command that ends too early."""

import base64
import hashlib
import imaplib
import json
import shlex
import subprocess
import time

import mail
from harness import Session
from servers import Dovecot, openssl
from tap import equal, holds, run

UMLAUTS = "gehéim 密码"  # LOGIN cannot be relied on for it


class Plain(Dovecot):
    """A Dovecot without TLS. It takes passwords in the clear, as both ends are on one computer."""

    def __init__(self, session):
        super().__init__(session.top, "plain", session.authority, session.spawn, "ssl = no\n")

    def connect(self):
        return self.log_in(imaplib.IMAP4("127.0.0.1", self.starttls_port, timeout=120))


COMPRESSING = "protocol imap {\n  mail_plugins = $mail_plugins imap_zlib\n}\nmail_plugins = $mail_plugins zlib\n"


def fill(session, n=20):
    conn = session.remote_connection()
    mail.create(conn, "Sub")
    corpus = mail.Corpus(3)
    for name in ("INBOX", "Sub"):
        mail.fill(conn, name, corpus.messages(n))
    conn.logout()


def add(session, url, *settings, password=Dovecot.PASSWORD, status=0):
    """Adds an account whose remote side is at `url`, or, if that is None, as the settings say."""
    words = [word for setting in settings for word in ("--set", setting)]
    address = [] if url is None else [url]
    return session.ctl("add", "work", *address, *words, stdin=password + "\n", status=status)


def by_starttls(session, *settings, **more):
    authority = f"remote.ca-file={session.authority.certificate}"
    return add(session, session.remote.url(scheme="imap"), authority, *settings, **more)


def tunnel(script):
    return f"remote.command=sh -c {shlex.quote(script)}"


def syncs_both_ways(session):
    session.sync()
    session.assert_equal()
    local = session.local_connection()
    mail.fill(local, "Sub", mail.Corpus(4).messages(3))
    equal(session.sync()["copied-remote"], 3, "messages that went back")
    session.assert_equal()
    equal(session.steps(session.sync()), {}, "steps of a sync with nothing to do")


def fails(session, error):
    """Syncs, which has to fail so; returns the error's message."""
    job = session.start_sync()
    result, _ = job.wait(60)
    holds(result in ("failed", "offline"), f"the sync ended {result}")
    equal(job.error(), error, "the error")
    return str(job.get("Error")[1])


def by_starttls_all_is_synced():
    with Session() as session:
        fill(session)
        by_starttls(session)
        syncs_both_ways(session)
        logins = [line for line in session.remote.log().splitlines() if "Login:" in line]
        holds(all("TLS" in line for line in logins), "a login without TLS")


def a_password_of_any_letters_will_do():
    with Session(password=UMLAUTS) as session:
        fill(session)
        by_starttls(session, password=UMLAUTS)
        syncs_both_ways(session)
        holds(UMLAUTS not in (session.top / "daemon.log").read_text(), "it stands in the log")


def a_wrong_password_of_any_letters_is_told():
    with Session() as session:
        told = by_starttls(session, password=UMLAUTS, status=1)
        holds("imapsyncctl password work" in told.stderr, f"no fix in: {told.stderr}")
        fails(session, "AuthFailed")


def an_unknown_authority_gets_no_login():
    with Session() as session:
        add(session, session.remote.url(scheme="imap"), status=1)
        fails(session, "CertificateRejected")


def without_starttls_nobody_logs_in():
    with Session() as session:
        session.remote = Plain(session)
        logins = session.remote.log().count("Login:")
        by_starttls(session, status=1)
        words = fails(session, "ServerUnsupported")
        holds("STARTTLS" in words, f"not named in: {words}")
        log = session.remote.log()
        equal(log.count("Login:"), logins, "log-ins")
        for trace in ("auth failed", "disallowed plaintext auth"):
            holds(trace not in log, "a login was tried")


MECHANISMS = "auth_mechanisms = plain scram-sha-1 scram-sha-256\n"


def by(way):
    """Logs in by just one way, which the server's log has to name."""
    with Session(settings=MECHANISMS) as session:
        fill(session)
        by_starttls(session, "remote.auth=" + way)
        logins = session.remote.log().count(f"method={way.upper()}")
        syncs_both_ways(session)
        holds(session.remote.log().count(f"method={way.upper()}") > logins, f"no login by {way}")


def a_password_need_not_be_shown_scram_sha_256():
    by("scram-sha-256")


def a_password_need_not_be_shown_scram_sha_1():
    by("scram-sha-1")


def a_wrong_password_is_told_by_scram_too():
    with Session(settings=MECHANISMS) as session:
        told = by_starttls(session, "remote.auth=scram-sha-256", password="wrong", status=1)
        holds("imapsyncctl password work" in told.stderr, f"no fix in: {told.stderr}")
        fails(session, "AuthFailed")


def a_way_that_is_not_offered_is_told():
    with Session() as session:
        by_starttls(session, "remote.auth=scram-sha-256", status=1)
        words = fails(session, "ServerUnsupported")
        holds("auth" in words and "AUTH=PLAIN" in words, f"not named in: {words}")


def knows_people_by_their_certificates(session):
    session.remote.stop()
    with open(session.remote.top / "dovecot.conf", "a", encoding="utf-8") as file:
        file.write(
            f"ssl_ca = <{session.authority.certificate}\nssl_verify_client_cert = yes\n"
            "ssl_require_crl = no\nauth_ssl_username_from_cert = yes\n"
            "auth_mechanisms = plain external\n"
            "passdb {\n  driver = static\n  mechanisms = external\n  args = nopassword=y\n}\n"
        )
    session.remote.start()


def add_by_certificate(session, certificate, key, status=0):
    words = [
        *session.remote.settings("remote"),
        *("remote.auth=external", f"remote.client-cert={certificate}", f"remote.client-key={key}"),
    ]
    settings = (word for setting in words for word in ("--set", setting))
    return session.ctl("add", "work", *settings, status=status)


def a_certificate_may_say_who_we_are():
    """Without a password anywhere."""
    with Session(settings=MECHANISMS) as session:
        fill(session)
        person = session.top / "person"
        session.authority.issue_person(person, Dovecot.USER)
        knows_people_by_their_certificates(session)
        add_by_certificate(session, f"{person}.pem", f"{person}.key")
        syncs_both_ways(session)
        holds("method=EXTERNAL" in session.remote.log(), "no login by the certificate")


class Token:
    """A PKCS#11 token in software, with one certificate and its key. Its PIN stands in a file."""

    PIN = "2468"
    URI = "pkcs11:token=person;object=me"

    def __init__(self, session, person):
        self.session = session
        (session.top / "tokens").mkdir()
        conf, self.pin = session.top / "softhsm2.conf", session.top / "pin"
        conf.write_text(f"directories.tokendir = {session.top}/tokens\n")
        self.pin.write_text(self.PIN)
        session.environment["SOFTHSM2_CONF"] = str(conf)
        of_token = ("--token", "person", "--label", "me", "--id", "01", "--pin", self.PIN)
        self._run(
            *("softhsm2-util", "--init-token", "--free", "--label", "person"),
            *("--pin", self.PIN, "--so-pin", self.PIN),
        )
        self._run("softhsm2-util", "--import", f"{person}.key", *of_token)
        self._run(
            *("p11tool", "--batch", "--login", "--set-pin", self.PIN, "--write"),
            *("--load-certificate", f"{person}.pem", "--label", "me", "--id", "01"),
            "pkcs11:token=person",
        )
        for kind in (".pem", ".key"):
            person.with_suffix(kind).unlink()

    def _run(self, *command):
        subprocess.run(command, check=True, capture_output=True, env=self.session.environment)

    def key(self):
        return f"{self.URI};type=private?pin-source={self.pin}"


def a_token_may_have_the_certificate_and_its_key():
    """Nothing but the token has the key then."""
    with Session(settings=MECHANISMS) as session:
        fill(session)
        person = session.top / "person"
        session.authority.issue_person(person, Dovecot.USER)
        token = Token(session, person)
        session.stop_daemon()
        session.start_daemon()
        knows_people_by_their_certificates(session)
        add_by_certificate(session, f"{Token.URI};type=cert", token.key())
        syncs_both_ways(session)
        holds("method=EXTERNAL" in session.remote.log(), "no login by the certificate")
        token.pin.write_text("1357")
        session.stop_daemon()
        session.start_daemon()
        logins = session.remote.log().count("Login:")
        words = fails(session, "Config")
        holds("PIN" in words and "pin-source" in words, f"not named in: {words}")
        equal(session.remote.log().count("Login:"), logins, "log-ins with a wrong PIN")
        path = session.top / "config" / "imapsync" / "work.conf"
        path.write_text(path.read_text().replace("object=me", "object=nobody"))
        words = fails(session, "Config")
        holds("object=nobody" in words, f"not named in: {words}")


def what_goes_over_the_line_is_compressed_if_wanted():
    """A message that repeats itself, so that its size on the line tells."""
    with Session(settings=COMPRESSING) as session:
        text = b"Subject: same\r\n\r\n" + b"the same line again and again\r\n" * 30_000
        mail.must(session.remote_connection().append("INBOX", None, None, text))
        by_starttls(session)
        plain = session.sync()["bytes-received"]
        words = [f"remote.ca-file={session.authority.certificate}", "remote.compress=yes"]
        words = [word for setting in words for word in ("--set", setting)]
        session.ctl("add", "packed", session.remote.url(), *words, stdin=Dovecot.PASSWORD + "\n")
        fewer = session.sync("packed")["bytes-received"]
        holds(plain > len(text) > 10 * fewer, f"{plain} octets, and compressed {fewer}")
        local = session.local_connection("packed")
        mail.must(local.append("INBOX", None, None, text.replace(b"again", b"anew")))
        session.sync("packed")
        equal(session.steps(session.sync("packed")), {}, "steps of a sync with nothing to do")
        lines = mail.differences(mail.snapshot(local), mail.snapshot(session.remote_connection()))
        equal(lines, [], "what differs")


def in_the_clear_on_this_computer():
    with Session() as session:
        session.remote = Plain(session)
        fill(session)
        add(session, session.remote.url(scheme="imap"), "remote.starttls=no")
        syncs_both_ways(session)


def in_the_clear_to_no_other_computer():
    with Session() as session:
        for host in ("imap.example.net", "192.0.2.1"):
            told = add(session, f"imap://me@{host}", "remote.starttls=no", status=1)
            holds("on this computer" in told.stderr, f"not said in: {told.stderr}")
        equal(session.ctl("list").stdout, "", "accounts")


def a_command_may_want_a_login():
    """With LOGIN, and with AUTHENTICATE PLAIN where the password asks for it."""
    for password in (Dovecot.PASSWORD, UMLAUTS):
        with Session(password=password) as session:
            fill(session, 5)
            command = (
                f"openssl s_client -quiet -verify_quiet -verify_return_error "
                f"-CAfile {session.authority.certificate} -connect 127.0.0.1:{session.remote.port}"
            )
            settings = [f"remote.command={command}", f"remote.username={Dovecot.USER}"]
            add(session, None, "remote.type=tunnel", *settings, password=password)
            syncs_both_ways(session)


def dies(script, *settings):
    """Adds a tunnel that ends too early; returns what a sync says of it."""
    with Session() as session:
        add(session, None, "remote.type=tunnel", tunnel(script), *settings, status=1)
        return fails(session, "Offline")


def a_command_that_ends_at_its_start_is_told_by_its_words():
    words = dies("seq 5 >&2; printf 'no \\033[1mroute\\n' >&2; exit 3")
    holds("4 / 5 / no ?[1mroute" in words, f"not told in: {words}")


def a_command_that_says_much_is_told_briefly():
    words = dies("head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 1")
    holds(len(words) < 1000, f"{len(words)} characters are told")


def a_command_that_ends_during_the_login_is_told_by_its_words():
    script = "echo '* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello'; read x; echo 'line cut' >&2"
    words = dies(script, f"remote.username={Dovecot.USER}")
    holds("line cut" in words, f"not told in: {words}")
    holds(Dovecot.PASSWORD not in words, "the password is told")


def a_command_that_ends_during_a_sync_is_told_by_its_words():
    """In the middle of the listing. Without the cat, Dovecot would make the socket that dd reads from
    non-blocking."""
    with Session() as session:
        fill(session)
        store = session.top / "tunnel"
        store.mkdir()
        (store / "conf").write_text(
            f"mail_location = mdbox:{store}/mail\nbase_dir = {store}\nlog_path = {store}/log\n"
            "namespace inbox {\n  inbox = yes\n  separator = /\n}\nfirst_valid_uid = 1\n"
        )
        imap = f"/usr/lib/dovecot/imap -c {store}/conf"
        cut = "dd bs=1 count=30 status=none"
        script = f"if test -e {store}/whole; then exec {imap}; fi; {cut} | {imap} | cat; echo 'cut' >&2"
        local = f"local.command=sh -c {shlex.quote(script)}"
        (store / "whole").touch()
        session.add(local=["local.type=tunnel", local])
        (store / "whole").unlink()
        words = fails(session, "Offline")
        holds("cut" in words, f"not told in: {words}")
        (store / "whole").touch()
        session.sync()
        session.assert_equal(lambda: session.local_command(imap.split()))


NARROW = "imap_capability = IMAP4rev1 ENABLE UIDPLUS LIST-EXTENDED LIST-STATUS QRESYNC NAMESPACE LITERAL-\n"


def found(session, status=0):
    """What a test finds on both sides."""
    sides = json.loads(session.ctl("test", "work", "--json", status=status).stdout)
    return {side.pop("name"): side for side in sides}


def a_test_tells_what_it_found_behind_tls():
    """And in a text for people, too. A server that lacks much shows what that costs."""
    with Session(settings=NARROW) as session:
        fill(session, 7)
        key = openssl("pkey", "-in", session.remote.top / "server.key", "-pubout", "-outform", "DER")
        pin = "sha256//" + base64.b64encode(hashlib.sha256(key).digest()).decode()
        session.add(local=["remote.compress=yes"])
        remote = found(session)["remote"]
        holds(0 < remote.pop("expires") / 1e6 - time.time() < 2 * 24 * 3600, "not the certificate's end")
        holds(remote.pop("cipher").startswith("TLS_"), "no cipher")
        needed = ["QRESYNC", "UIDPLUS", "LIST-EXTENDED", "LIST-STATUS"]
        equal(
            remote,
            {
                **{"host": "127.0.0.1", "port": session.remote.port, "address": "127.0.0.1"},
                **{"tls": "1.3", "pin": pin, "subject": "CN=localhost", "mechanism": "LOGIN"},
                **{"used": [*needed, "LITERAL-", "NAMESPACE"], "required": []},
                "lacking": ["LITERAL+", "MULTIAPPEND", "COMPRESS=DEFLATE", "ESEARCH", "SPECIAL-USE", "APPENDLIMIT"],
                **{"delimiter": "/", "prefix": "", "mailboxes": 2, "filled": 2, "messages": 14},
                **{"error-name": "", "error-message": ""},
            },
            "what was found",
        )
        text = session.ctl("test", "work").stdout
        for line in (
            f"        pin          {pin}",
            "        lacks        MULTIAPPEND: a command for each message that is copied there",
            "        mailboxes    2, with messages: 2",
        ):
            holds(line in text.splitlines(), f"{line} is missing in:\n{text}")


def a_test_tells_what_it_found_behind_starttls_and_in_the_store():
    with Session(settings=MECHANISMS + COMPRESSING) as session:
        fill(session, 3)
        by_starttls(session, "remote.auth=scram-sha-256", "remote.compress=yes")
        session.sync()
        sides = found(session)
        holds(sides["remote"]["tls"] == "1.3" and "pin" in sides["remote"], f"no TLS: {sides['remote']}")
        equal(sides["remote"]["mechanism"], "SCRAM-SHA-256", "how it logged in")
        holds("COMPRESS=DEFLATE" in sides["remote"]["used"], f"not compressed: {sides['remote']}")
        equal(sides["local"]["program"], "/usr/lib/dovecot/imap", "the store's program")
        equal(sides["local"]["mechanism"], "PREAUTH", "how the store was opened")
        for key in ("host", "tls", "pin"):
            holds(key not in sides["local"], f"the store has a {key}")
        for key in ("delimiter", "mailboxes", "filled", "messages"):
            equal(sides["local"][key], sides["remote"][key], key)
        equal(session.steps(session.sync()), {}, "steps of a sync after it")


def a_test_tells_what_it_found_behind_a_tunnel():
    """Not the tunnel's arguments, which may hold a password."""
    with Session() as session:
        fill(session, 3)
        command = (
            f"openssl s_client -quiet -verify_quiet -verify_return_error "
            f"-CAfile {session.authority.certificate} -connect 127.0.0.1:{session.remote.port}"
        )
        add(session, None, "remote.type=tunnel", f"remote.command={command}", f"remote.username={Dovecot.USER}")
        remote = found(session)["remote"]
        equal((remote["program"], remote["mechanism"], remote["messages"]), ("openssl", "LOGIN", 6), "the tunnel")
        holds("s_client" not in session.ctl("test", "work").stdout, "an argument is told")


def a_test_tells_of_both_sides_whichever_fails():
    with Session() as session:
        session.add(password="wrong", status=1)
        sides = found(session, status=1)
        holds(sides["local"]["error-name"] == "" and "mailboxes" in sides["local"], f"no store: {sides['local']}")
        equal(sides["remote"]["error-name"], "org.imapsync1.Error.AuthFailed", "the error")
        holds("imapsyncctl password work" in sides["remote"]["error-message"], "it names no fix")
        equal((sides["remote"]["tls"], sides["remote"]["mechanism"]), ("1.3", "LOGIN"), "how far it came")
        holds("used" not in sides["remote"], "capabilities of before the login are told")

    with Session() as session:
        add(session, session.remote.url(), status=1)  # by an authority that nobody knows
        remote = found(session, status=1)["remote"]
        equal(remote["error-name"], "org.imapsync1.Error.CertificateRejected", "the error")
        equal((remote["subject"], remote["address"]), ("CN=localhost", "127.0.0.1"), "what was rejected")
        holds(remote["pin"].removeprefix("sha256//") in remote["error-message"], "another key")
        holds("mechanism" not in remote, "a login was tried")


if __name__ == "__main__":
    run(
        "transport",
        [
            by_starttls_all_is_synced,
            a_password_of_any_letters_will_do,
            a_wrong_password_of_any_letters_is_told,
            an_unknown_authority_gets_no_login,
            without_starttls_nobody_logs_in,
            a_password_need_not_be_shown_scram_sha_256,
            a_password_need_not_be_shown_scram_sha_1,
            a_wrong_password_is_told_by_scram_too,
            a_way_that_is_not_offered_is_told,
            a_certificate_may_say_who_we_are,
            a_token_may_have_the_certificate_and_its_key,
            what_goes_over_the_line_is_compressed_if_wanted,
            in_the_clear_on_this_computer,
            in_the_clear_to_no_other_computer,
            a_command_may_want_a_login,
            a_command_that_ends_at_its_start_is_told_by_its_words,
            a_command_that_says_much_is_told_briefly,
            a_command_that_ends_during_the_login_is_told_by_its_words,
            a_command_that_ends_during_a_sync_is_told_by_its_words,
            a_test_tells_what_it_found_behind_tls,
            a_test_tells_what_it_found_behind_starttls_and_in_the_store,
            a_test_tells_what_it_found_behind_a_tunnel,
            a_test_tells_of_both_sides_whichever_fails,
        ],
    )
