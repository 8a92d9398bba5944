#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""What stands between an account and its servers: passwords, certificates, capabilities."""

import concurrent.futures
import json
import re
import shutil
import time

import dbus

import mail
from harness import HERE, Session, options, wait_for
from servers import NO_QRESYNC, Authority, Dovecot
from tap import equal, holds, run

PROMPTER = "org.gnome.keyring.SystemPrompter"


def add_without_password(session):
    settings = {
        "remote.type": "imaps",
        "remote.host": "127.0.0.1",
        "remote.port": str(session.remote.port),
        "remote.username": Dovecot.USER,
        "remote.ca-file": str(session.authority.certificate),
    }
    session.manager("AddAccount", "work", dbus.Dictionary(settings, signature="ss"))


def fails(session, error, attention):
    """Syncs, which has to fail so; returns the error's message."""
    job = session.start_sync()
    equal(job.wait(60)[0], "failed", "the result")
    equal(job.error(), error, "the error")
    equal(str(session.account_property("Attention")), attention, "what is asked for")
    return str(job.get("Error")[1])


def goes_on(session):
    """Waits until the account has synced without being asked again."""
    wait_for(lambda: session.account_property("LastSuccess") > 0, "the account to go on by itself")
    equal(str(session.account_property("Attention")), "none", "what is asked for then")
    session.assert_equal()


def one_message(session):
    mail.fill(session.remote_connection(), "INBOX", mail.Corpus(1).messages(1))


def without_a_password_the_account_waits_for_one():
    with Session() as session:
        one_message(session)
        add_without_password(session)
        words = fails(session, "CredentialsMissing", "credentials")
        holds("imapsyncctl password work" in words, f"no fix in: {words}")
        session.ctl("password", "work", stdin=Dovecot.PASSWORD + "\n")
        goes_on(session)


def with_a_locked_keyring_the_account_waits_for_its_unlocking():
    with Session() as session:
        one_message(session)
        session.add()
        session.keyring.lock()
        fails(session, "KeyringLocked", "keyring-locked")
        session.keyring.unlock()
        goes_on(session)


def fails_at_once(session, error, attention, words):
    """And another account, which does not need the keyring, syncs."""
    begin = time.monotonic()
    told = fails(session, error, attention)
    holds(time.monotonic() - begin < 5, f"told after {time.monotonic() - begin:.1f} s only")
    holds(words in told, f"not told: {told}")
    equal(str(session.account_property("State")), "blocked", "the state")
    session.sync("other")


def prompts_in_vain(session):
    """Whoever asked is told in time; returns how long that took."""
    begin = time.monotonic()
    try:
        session.account().Unlock(
            options(timeout=dbus.UInt64(3_000_000)),
            dbus_interface="org.imapsync1.Account",
            timeout=20,
        )
    except dbus.DBusException as refusal:
        holds(refusal.get_dbus_name().endswith(".KeyringLocked"), str(refusal))
        return time.monotonic() - begin
    raise AssertionError("it was unlocked")


def each_state_of_the_keyring_is_told_at_once_and_stops_nobody_else():
    with Session() as session:
        one_message(session)
        session.add()
        secret = session.top / "secret"
        secret.write_text(Dovecot.PASSWORD + "\n")
        words = [*session.remote.settings("remote"), f"remote.password-command=cat {secret}"]
        session.ctl("add", "other", *(w for word in words for w in ("--set", word)))
        session.sync()
        session.sync("other")

        session.keyring.lock()
        fails_at_once(session, "KeyringLocked", "keyring-locked", "imapsyncctl unlock work")

        session.spawn(["/usr/bin/python3", HERE / "prompter.py"], "prompter.log")
        wait_for(lambda: session.bus.name_has_owner(PROMPTER), "the prompter")
        asked = session.top / "prompter.log"
        fails_at_once(session, "KeyringLocked", "keyring-locked", "imapsyncctl unlock work")
        equal(asked.read_text(), "", "what the user was asked without being told")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            prompt = pool.submit(prompts_in_vain, session.for_a_thread())
            wait_for(lambda: "BeginPrompting" in asked.read_text(), "the user to be asked")
            fails_at_once(session, "KeyringLocked", "keyring-locked", "imapsyncctl unlock work")
            holds(not prompt.done(), "the prompt was over before")
            holds(2.5 < prompt.result() < 6, f"told after {prompt.result():.1f} s")
        session.keyring.unlock()
        wait_for(lambda: session.account_property("State") == "idle", "the account to go on")
        session.ctl("unlock", "work")

        session.keyring.stop()
        fails_at_once(session, "CredentialsMissing", "credentials", "no keyring")
        told = session.ctl("unlock", "work", status=1).stderr
        holds("no keyring" in told, f"not told: {told}")
        session.keyring.start()
        wait_for(lambda: session.account_property("State") == "idle", "the account to go on")

        session.keyring.stop()
        keyrings = session.top / "data" / "keyrings"
        keyrings.rename(session.top / "keyrings")
        session.keyring.start(collection=False)
        fails_at_once(session, "CredentialsMissing", "credentials", "imapsyncctl password work")
        session.keyring.stop()
        shutil.rmtree(keyrings, ignore_errors=True)
        (session.top / "keyrings").rename(keyrings)
        session.keyring.start()
        wait_for(lambda: session.account_property("State") == "idle", "the account to go on")


def without_a_keyring_the_reason_is_said():
    with Session(keyring=False) as session:
        add_without_password(session)
        words = fails(session, "CredentialsMissing", "credentials")
        holds("keyring" in words.lower() or "secret" in words.lower(), f"not said in: {words}")


def a_command_may_give_the_password():
    with Session(keyring=False) as session:
        one_message(session)
        secret = session.top / "secret"
        secret.write_text("wrong\n")
        words = [*session.remote.settings("remote"), f"remote.password-command=cat {secret}"]
        told = session.ctl("add", "work", *(w for word in words for w in ("--set", word)), status=1)
        holds("password-command" in told.stderr, f"no fix in: {told.stderr}")
        secret.write_text(Dovecot.PASSWORD + "\n")
        session.sync()
        session.assert_equal()
        secret.unlink()
        words = fails(session, "CredentialsMissing", "credentials")
        holds("No such file" in words, f"what the command says is not in: {words}")


def a_wrong_password_is_told_and_can_be_corrected():
    with Session() as session:
        one_message(session)
        told = session.add(password="wrong", status=1)
        holds("imapsyncctl password work" in told.stderr, f"no fix in: {told.stderr}")
        fails(session, "AuthFailed", "credentials")
        session.ctl("password", "work", stdin=Dovecot.PASSWORD + "\n")
        session.sync()
        session.assert_equal()


def an_unknown_authority_gets_not_a_byte():
    with Session() as session:
        other = Authority(session.top / "other")
        logins = session.remote.log().count("Login:")
        session.add(ca_file=other.certificate, status=1)
        fails(session, "CertificateRejected", "certificate")
        equal(session.remote.log().count("Login:"), logins, "log-ins seen by the server")


def a_key_may_be_trusted_whoever_has_signed_it():
    with Session() as session:
        one_message(session)
        other = Authority(session.top / "other")
        told = session.add(ca_file=other.certificate, status=1).stderr
        pin = re.search(r"tls-pin = ([A-Za-z0-9+/=]+)", told)
        holds(pin, f"the key is not shown: {told}")
        path = session.top / "config" / "imapsync" / "work.conf"
        text = path.read_text()
        path.write_text(text.replace("[remote]\n", f"[remote]\ntls-pin={pin.group(1)}\n"))
        session.sync()
        session.assert_equal()
        path.write_text(text.replace("[remote]\n", "[remote]\ntls-pin=" + "0" * 64 + "\n"))
        fails(session, "CertificateRejected", "certificate")


def resolve(session, issue, action):
    number = dbus.UInt64(issue["id"])
    session.account().Resolve(number, action, options(), dbus_interface="org.imapsync1.Account")


def a_rejected_certificate_is_an_issue_and_its_key_can_be_pinned():
    """Another key than the one that was looked at gets nothing for it."""
    with Session() as session:
        one_message(session)
        other = Authority(session.top / "other")
        session.add(ca_file=other.certificate, status=1)
        path = session.top / "config" / "imapsync" / "work.conf"
        path.write_text("# mine\n" + path.read_text())
        fails(session, "CertificateRejected", "certificate")
        (issue,) = session.issues()
        equal((issue["kind"], issue["side"], issue["mailbox"]), ("certificate", "remote", ""), "it")
        equal(list(issue["reasons"]), ["unknown-authority"], "reasons")
        equal(list(issue["actions"]), ["pin"], "actions")
        equal(issue["subject"], "CN=localhost", "subject")
        equal(issue["issuer"], "CN=Private authority", "issuer")
        holds(issue["not-before"] <= time.time() * 1e6 < issue["not-after"], "it is not valid now")
        pem = (session.remote.top / "server.pem").read_text()
        equal(issue["pem"], pem, "PEM")
        shown = session.ctl("issues", "work").stdout
        command = re.search(r'"imapsyncctl (resolve work \d+ pin)"', shown)
        holds(command and issue["pin"] in shown and pem.splitlines()[1] in shown, shown)
        try:
            resolve(session, issue, "trust")
        except dbus.DBusException as refusal:
            name = refusal.get_dbus_name()
            equal(name, "org.freedesktop.DBus.Error.InvalidArgs", "the error")
            holds("pin" in refusal.get_dbus_message(), f"no fix in: {refusal}")
        else:
            raise AssertionError("it was taken")

        session.authority.issue(session.remote.top)
        session.remote.stop()
        session.remote.start()
        logins = session.remote.log().count("Login:")
        session.ctl(*command.group(1).split())
        text = path.read_text()
        holds(text.startswith("# mine\n") and f"tls-pin = {issue['pin']}\n" in text, text)
        wait_for(
            lambda: [other["reasons"] for other in session.issues()] == [["not-pinned"]],
            "the other key to be an issue",
        )
        equal(session.remote.log().count("Login:"), logins, "log-ins with the first key alone")
        told = session.ctl(*command.group(1).split(), status=1).stderr
        holds("imapsyncctl issues" in told, f"no fix in: {told}")
        resolve(session, session.issues()[0], "pin")
        goes_on(session)
        equal(session.issues(), [], "issues")
        equal(path.read_text().count("tls-pin"), 1, "lines of keys")


def an_unknown_authority_stays_one_when_another_account_trusts_it():
    with Session() as session:
        other = Authority(session.top / "other")
        session.add("other", ca_file=other.certificate, status=1)
        session.add("work")
        session.sync("work")
        words = session.ctl("sync", "other", status=1).stderr
        holds("certificate" in words, f"the reason is not named in: {words}")


def a_server_without_qresync_is_refused_by_that_name():
    with Session(settings=NO_QRESYNC) as session:
        session.add(status=1)
        words = fails(session, "ServerUnsupported", "server")
        holds("QRESYNC" in words, f"not named in: {words}")
        for there in ("UIDPLUS", "LIST-EXTENDED", "LIST-STATUS"):
            holds(there not in words, f"{there} is offered, yet named in: {words}")


def no_password_is_written_anywhere():
    with Session() as session:
        session.add()
        session.sync()
        session.ctl("password", "work", stdin="a second secret\n")
        session.stop_daemon()
        for path in session.top.rglob("*"):
            if path.is_file() and session.remote.top not in path.parents:
                found = path.read_bytes()
                for secret in (Dovecot.PASSWORD, "a second secret"):
                    holds(secret.encode() not in found, f"a password stands in {path.name}")


def a_local_side_may_be_any_command_that_speaks_imap():
    with Session() as session:
        one_message(session)
        store = session.top / "tunnel"
        store.mkdir()
        (store / "conf").write_text(
            f"mail_location = mdbox:{store}/mail\nbase_dir = {store}\nlog_path = /dev/stderr\n"
            "namespace inbox {\n  inbox = yes\n  separator = /\n}\nfirst_valid_uid = 1\n"
        )
        command = f"/usr/lib/dovecot/imap -c {store}/conf"
        session.add(local=["local.type=tunnel", f"local.command={command}"])
        session.sync()
        held = session.assert_equal(lambda: session.local_command(command.split()))
        equal(mail.count(held), 1, "messages")


def a_mail_client_can_open_the_local_store_while_it_is_synced():
    with Session() as session:
        one_message(session)
        session.add()
        first, second = session.local_connection(), session.local_connection()
        session.sync()
        for conn in (first, second):
            equal(mail.select(conn, "INBOX"), 1, "messages that a client sees")


def an_option_that_is_not_known_is_refused():
    with Session() as session:
        session.add()
        try:
            session.account().Sync(options(dry_rum=True), dbus_interface="org.imapsync1.Account")
        except dbus.DBusException as refusal:
            name = refusal.get_dbus_name()
            equal(name, "org.freedesktop.DBus.Error.InvalidArgs", "the error")
        else:
            raise AssertionError("it was taken")


def the_command_line_says_how_it_ended():
    with Session() as session:
        one_message(session)
        session.ctl("sync", "no-such-account", status=1)
        session.ctl("sink", status=2)
        session.add()
        session.ctl("test", "work", status=0)
        session.ctl("sync", "work", status=0)
        holds(json.loads(session.ctl("status", "--json").stdout), "an empty status")
        mailboxes = json.loads(session.ctl("mailboxes", "work", "--json").stdout)
        found = [box["messages"] for box in mailboxes if box["name"] == "INBOX"]
        equal(found, [1], "messages of INBOX in the list of mailboxes")
        holds("work" in session.ctl("list").stdout, "the account is not listed")
        session.remote.stop()
        session.ctl("sync", "work", status=4)
        session.ctl("test", "work", status=4)


if __name__ == "__main__":
    run(
        "accounts",
        [
            without_a_password_the_account_waits_for_one,
            with_a_locked_keyring_the_account_waits_for_its_unlocking,
            each_state_of_the_keyring_is_told_at_once_and_stops_nobody_else,
            without_a_keyring_the_reason_is_said,
            a_command_may_give_the_password,
            a_wrong_password_is_told_and_can_be_corrected,
            an_unknown_authority_gets_not_a_byte,
            a_key_may_be_trusted_whoever_has_signed_it,
            a_rejected_certificate_is_an_issue_and_its_key_can_be_pinned,
            an_unknown_authority_stays_one_when_another_account_trusts_it,
            a_server_without_qresync_is_refused_by_that_name,
            no_password_is_written_anywhere,
            a_local_side_may_be_any_command_that_speaks_imap,
            a_mail_client_can_open_the_local_store_while_it_is_synced,
            an_option_that_is_not_known_is_refused,
            the_command_line_says_how_it_ended,
        ],
    )
