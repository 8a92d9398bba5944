#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Reaching a server: by a SOCKS5 proxy."""

import mail
from harness import Session, wait_for
from servers import Dovecot, Socks5
from tap import equal, holds, run

NAME = "mail.example.test"  # only the proxy knows where it is
SECRET = "pr0xy: %41@"


def fill(session, n=20):
    conn = session.remote_connection()
    mail.fill(conn, "INBOX", mail.Corpus(3).messages(n))
    conn.logout()


def words(*settings):
    return [word for setting in settings for word in ("--set", setting)]


def add(session, proxy, *settings, user=None, given="", scheme="imaps", status=0):
    """Adds an account whose remote side is NAME, through the proxy."""
    port = session.remote.port if scheme == "imaps" else session.remote.starttls_port
    login = f"{user}@" if user else ""
    options = words(
        f"remote.ca-file={session.authority.certificate}",
        "remote.tls-host=localhost",
        f"remote.proxy=socks5://{login}127.0.0.1:{proxy.port}",
        *settings,
    )
    url = f"{scheme}://{Dovecot.USER}@{NAME}:{port}"
    return session.ctl(
        *("add", "work", url, *options), stdin=Dovecot.PASSWORD + "\n" + given, status=status
    )


def proxy_of(session, users=None):
    ports = session.remote.port, session.remote.starttls_port
    return Socks5({(NAME, port): ("127.0.0.1", port) for port in ports}, users)


def syncs(session):
    session.sync()
    session.assert_equal()
    equal(session.steps(session.sync()), {}, "steps of a sync with nothing to do")


def told_nowhere(session, *said):
    for text in [(session.top / "daemon.log").read_text(), *said]:
        holds(SECRET not in text, f"the proxy's password is told: {text}")


def the_proxy_looks_up_the_name():
    with Session() as session:
        fill(session)
        proxy = proxy_of(session)
        add(session, proxy)
        syncs(session)
        equal(set(proxy.asked), {(NAME, session.remote.port)}, "what the proxy was asked for")


def starttls_goes_through_a_proxy_too():
    with Session() as session:
        fill(session)
        proxy = proxy_of(session)
        add(session, proxy, scheme="imap")
        syncs(session)
        equal(set(proxy.asked), {(NAME, session.remote.starttls_port)}, "what the proxy was asked for")


def a_proxy_may_want_a_login():
    with Session() as session:
        fill(session)
        proxy = proxy_of(session, {"me": SECRET})
        done = add(session, proxy, user="me", given=SECRET + "\n")
        syncs(session)
        text = (session.top / "config" / "imapsync" / "work.conf").read_text()
        told_nowhere(session, done.stdout, done.stderr, text)


def a_wrong_password_of_the_proxy_is_told_and_can_be_put_right():
    with Session() as session:
        fill(session)
        proxy = proxy_of(session, {"me": SECRET})
        told = add(session, proxy, user="me", given="wrong\n", status=1)
        holds("imapsyncctl password work --proxy" in told.stderr, f"no fix in: {told.stderr}")
        holds(f"socks5://127.0.0.1:{proxy.port}" in told.stderr, f"no proxy in: {told.stderr}")
        equal(proxy.asked, [], "what the proxy was asked for")
        done = session.ctl("password", "work", "--proxy", stdin=SECRET + "\n")
        wait_for(lambda: session.account_property("LastSuccess"), "the account to go on by itself")
        session.assert_equal()
        told_nowhere(session, told.stdout, told.stderr, done.stdout, done.stderr)


def a_missing_password_of_the_proxy_is_told():
    with Session() as session:
        proxy = proxy_of(session, {"me": SECRET})
        told = add(session, proxy, status=1)
        holds("wants a user name" in told.stderr, f"not said in: {told.stderr}")
        path = session.top / "config" / "imapsync" / "work.conf"
        text = path.read_text().replace("socks5://", "socks5://me@")
        path.write_text(text)
        told = session.ctl("test", "work", status=1)
        holds("imapsyncctl password work --proxy" in told.stderr + told.stdout, f"no fix in: {told}")
        path.write_text(text.replace("me@", f"me:{SECRET.replace(' ', '')}@"))
        told = session.ctl("test", "work", status=1)
        holds("--proxy" in told.stderr + told.stdout, f"no fix in: {told}")
        told_nowhere(session, told.stdout.replace(" ", ""), told.stderr)
        none = session.ctl("password", "work", "local", "--proxy", stdin="x\n", status=1)
        holds("socks5://USER@" in none.stderr, f"no fix in: {none.stderr}")


def a_proxy_that_fails_is_named():
    with Session() as session:
        proxy = Socks5({})
        told = add(session, proxy, status=1)
        holds(f"the proxy socks5://127.0.0.1:{proxy.port} does not connect to {NAME}" in told.stderr, told.stderr)
        proxy.listener.close()
        job = session.start_sync()
        equal(job.wait(60)[0], "offline", "the result")
        holds("socks5://" in job.get("Error")[1], "the proxy is not named")


if __name__ == "__main__":
    run(
        "reach",
        [
            the_proxy_looks_up_the_name,
            starttls_goes_through_a_proxy_too,
            a_proxy_may_want_a_login,
            a_wrong_password_of_the_proxy_is_told_and_can_be_put_right,
            a_missing_password_of_the_proxy_is_told,
            a_proxy_that_fails_is_named,
        ],
    )
