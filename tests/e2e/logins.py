#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""The ways to log in, each to a real server: by passwords of any letters, and by tokens that grow
old. The tokens are JWTs, which the server checks by itself."""

import base64
import hashlib
import hmac
import itertools
import json
import ssl
import time
import unicodedata

import mail
from front import Front
from harness import Session, wait_for
from servers import Dovecot
from tap import equal, holds, run
from transport import add, by_starttls, fails, fill, syncs_both_ways

KEY = b"a key that only this server knows"

OAUTH2 = """\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={top}/keys/
username_attribute = sub
username_format = %u
"""
SETTINGS = """\
auth_mechanisms = plain login xoauth2 oauthbearer
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {top}/oauth2.conf
}}
"""
COMMAND = """\
echo >>{top}/runs
cat {top}/token
if test -e {top}/next; then mv {top}/next {top}/token; fi
"""


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


# Both composed; the same, decomposed, is what SASLprep makes of what somebody may type.
USERNAME, PASSWORD = "jörg@exämple", "gehéim 密码"
DECOMPOSED = [unicodedata.normalize("NFD", text) for text in (USERNAME, PASSWORD)]
MECHANISMS = "auth_mechanisms = plain login scram-sha-1 scram-sha-256\nauth_username_chars =\n"


def by_password(way, method, username=Dovecot.USER, password=Dovecot.PASSWORD, settings="", right=True):
    """Logs in by just one way, as the server's log has to name it."""
    with Session(settings=MECHANISMS + settings) as session:
        with open(session.remote.top / "users", "a", encoding="utf-8") as file:
            file.write(f"{USERNAME}:{{PLAIN}}{PASSWORD}\n")
        session.remote.stop()
        session.remote.start()
        fill(session, 3)
        words = [*session.remote.settings("remote"), f"remote.username={username}", f"remote.auth={way}"]
        before = session.remote.log().count(f"method={method},")
        add(session, None, *words, password=password, status=0 if right else 1)
        if not right:
            fails(session, "AuthFailed")
            return
        session.sync()
        holds(session.remote.log().count(f"method={method},") >= before + 2, f"no logins by {method}")


def of_any_letters(way, method):
    by_password(way, method, USERNAME, PASSWORD)


def name_and_password_are_enough_login():
    by_password("login", "PLAIN")  # so it calls the command


def name_and_password_are_enough_plain():
    by_password("plain", "PLAIN")


def name_and_password_are_enough_scram_sha_1():
    by_password("scram-sha-1", "SCRAM-SHA-1")


def name_and_password_are_enough_scram_sha_256():
    by_password("scram-sha-256", "SCRAM-SHA-256")


def the_mechanism_login_will_do_where_the_command_is_disabled():
    by_password("login", "LOGIN", settings="imap_capability = +LOGINDISABLED\n")


def of_any_letters_login():
    of_any_letters("login", "PLAIN")


def of_any_letters_mechanism_login():
    by_password("login", "LOGIN", USERNAME, PASSWORD, "imap_capability = +LOGINDISABLED\n")


def of_any_letters_plain():
    of_any_letters("plain", "PLAIN")


def of_any_letters_scram_sha_1():
    of_any_letters("scram-sha-1", "SCRAM-SHA-1")


def of_any_letters_scram_sha_256():
    of_any_letters("scram-sha-256", "SCRAM-SHA-256")


def decomposed_letters_are_composed_scram_sha_1():
    by_password("scram-sha-1", "SCRAM-SHA-1", *DECOMPOSED)


def decomposed_letters_are_composed_scram_sha_256():
    by_password("scram-sha-256", "SCRAM-SHA-256", *DECOMPOSED)


def other_letters_are_others_scram_sha_256():
    by_password("scram-sha-256", "SCRAM-SHA-256", USERNAME, "geheim 密码", right=False)


def bound(kind, *settings, used, version=ssl.TLSVersion.TLSv1_2):
    """Logs in at a server that knows the binding; `used`: the mechanism that has to be."""
    with Session() as session:
        fill(session)
        front = Front(session.remote, kind, version)
        add(session, None, *front.settings(), *settings)
        syncs_both_ways(session)
        equal(set(front.logins), {(used, True)}, "logins")


def a_login_is_bound_to_its_tls_scram_sha_256_plus():
    bound("SHA-256", used="SCRAM-SHA-256-PLUS")


def a_login_is_bound_to_its_tls_scram_sha_1_plus():
    bound("SHA-1", "remote.auth=scram-sha-1-plus", used="SCRAM-SHA-1-PLUS")


def a_login_is_not_bound_where_that_does_not_work():
    bound("SHA-256", used="SCRAM-SHA-256", version=ssl.TLSVersion.TLSv1_3)


def somebody_in_the_middle_gets_no_login():
    """Who cannot have the binding must not get a login without it either."""
    with Session() as session:
        front = Front(session.remote)
        front.fake = True
        add(session, None, *front.settings(), status=1)
        fails(session, "AuthFailed")
        equal(set(front.logins), {("SCRAM-SHA-256-PLUS", False)}, "logins")


numbers = itertools.count()


def make_token(seconds):
    """One that is good for so long; each is another one."""
    now = int(time.time())
    claims = {"sub": Dovecot.USER, "iat": now - 3600, "nbf": now - 3600, "exp": now + seconds}
    claims["jti"] = str(next(numbers))
    header = {"alg": "HS256", "typ": "JWT", "kid": "default"}
    text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    proof = hmac.new(KEY, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64url(proof)}"


class Tokens:
    """Makes the session's server take tokens, and is what gives them."""

    def __init__(self, session):
        self.session, self.top = session, session.top / "tokens"
        key = self.top / "keys" / "default" / "HS256" / "default"
        key.parent.mkdir(parents=True)
        key.write_bytes(base64.b64encode(KEY))
        (self.top / "oauth2.conf").write_text(OAUTH2.format(top=self.top))
        (self.top / "get").write_text(COMMAND.format(top=self.top))
        session.remote.stop()
        with open(session.remote.top / "dovecot.conf", "a", encoding="utf-8") as file:
            file.write(SETTINGS.format(top=self.top))
        session.remote.start()
        self.made = []

    def make(self, seconds):
        self.made.append(make_token(seconds))
        return self.made[-1]

    def offer(self, first, *then):
        """What the command prints from now on, which is given by how long it is good for."""
        (self.top / "runs").write_text("")
        (self.top / "token").write_text(self.make(first) + "\n")
        for seconds in then:
            (self.top / "next").write_text(self.make(seconds) + "\n")

    def runs(self):
        return len((self.top / "runs").read_text())

    def add(self, *settings):
        """The account, by the command, with a token that is good."""
        self.offer(3600)
        by_starttls(self.session, f"remote.token-command=sh {self.top}/get", *settings)

    def refusals(self):
        return self.session.remote.log().count("(auth failed")

    def logins(self, way):
        return self.session.remote.log().count(f"method={way.upper()}")

    def assert_unseen(self, *texts):
        for text in ((self.session.top / "daemon.log").read_text(), *texts):
            for token in self.made:
                holds(token not in text and token[-20:] not in text, f"a token is told: {text}")


def by_token(way, *settings):
    with Session() as session:
        tokens = Tokens(session)
        fill(session)
        tokens.add(*settings)
        syncs_both_ways(session)
        holds(tokens.logins(way) > 0, f"no login by {way}")
        equal(tokens.refusals(), 0, "refused logins")
        tokens.assert_unseen()


def a_token_is_enough_oauthbearer():
    by_token("oauthbearer")


def a_token_is_enough_xoauth2():
    by_token("xoauth2", "remote.auth=xoauth2")


def a_token_may_be_in_the_keyring():
    with Session() as session:
        tokens = Tokens(session)
        fill(session)
        by_starttls(session, "remote.auth=xoauth2", password=tokens.make(3600))
        syncs_both_ways(session)
        holds(tokens.logins("xoauth2") > 0, "no login by the token")
        session.ctl("password", "work", stdin=tokens.make(-60) + "\n")
        refused = tokens.refusals()
        words = fails(session, "AuthFailed")
        holds("imapsyncctl password work" in words, f"no fix in: {words}")
        equal(tokens.refusals() - refused, 1, "refused logins")
        tokens.assert_unseen(words)
        session.ctl("password", "work", stdin=tokens.make(3600) + "\n")
        wait_for(lambda: session.account_property("Attention") == "none", "it to go on by itself")


def refreshed(*settings):
    with Session() as session:
        tokens = Tokens(session)
        fill(session)
        tokens.add(*settings)
        told = session.ctl("password", "work", stdin="x\n", status=1).stderr
        holds("token-command" in told, f"a password for nobody was stored: {told}")
        session.sync()
        tokens.offer(-60, 3600)
        refused = tokens.refusals()
        equal(session.steps(session.sync()), {}, "steps")
        equal(tokens.runs(), 2, "runs of the command")
        equal(tokens.refusals() - refused, 1, "refused logins")
        tokens.offer(-60, 3600)
        tokens.assert_unseen(session.ctl("test", "work").stdout)
        equal(tokens.runs(), 2, "runs of the command for a test")


def an_old_token_is_refreshed_oauthbearer():
    refreshed()


def an_old_token_is_refreshed_xoauth2():
    refreshed("remote.auth=xoauth2")


def a_token_that_grows_old_in_the_middle_is_refreshed():
    life = 20
    with Session() as session:
        tokens = Tokens(session)
        corpus = mail.Corpus(11)
        messages = [corpus.large(20_000) for _ in range(3000)]  # more than is ever on its way
        tokens.add()
        mail.fill(session.remote_connection(), "INBOX", messages)
        tokens.offer(life, 3600)
        refused, end = tokens.refusals(), time.time() + life + 1
        job = session.start_sync()
        wait_for(lambda: job.messages_done() > 0, "the copy")
        with session.remote.paused():
            equal(str(job.get("Result")), "running", "the result so far")
            equal(tokens.runs(), 1, "runs of the command")
            wait_for(lambda: time.time() > end, "the token to grow old", life + 5)
            equal(str(job.get("Result")), "running", "the result so far")
            session.remote.cut()
        equal(job.wait(120)[0], "done", "the result")
        equal(tokens.runs(), 2, "runs of the command")
        equal(tokens.refusals() - refused, 1, "refused logins")
        session.assert_equal()
        equal(session.steps(session.sync()), {}, "steps of another sync")


def a_token_that_stays_old_is_told():
    """After two attempts with two tokens; and after one, if there is only one."""
    with Session() as session:
        tokens = Tokens(session)
        fill(session)
        tokens.add()
        session.sync()
        for offered, attempts in (((-60, -50), 2), ((-60,), 1)):
            tokens.offer(*offered)
            refused = tokens.refusals()
            words = fails(session, "AuthFailed")
            holds("token-command" in words, f"no fix in: {words}")
            equal(tokens.runs(), 2, "runs of the command")
            equal(tokens.refusals() - refused, attempts, "refused logins")
            equal(str(session.account_property("Attention")), "credentials", "the attention")
            status = session.ctl("status").stdout
            holds("imapsyncctl password" not in status, f"advice about a password: {status}")
            tokens.assert_unseen(words, status)
        tokens.offer(3600)
        session.sync()
        equal(str(session.account_property("Attention")), "none", "the attention")


def a_test_tells_of_the_side_that_lacks_nothing():
    with Session() as session:
        fill(session)
        add(session, None, *session.remote.settings("remote"))
        session.keyring.lock()
        told = session.ctl("test", "work", status=1)
        for words in ("PREAUTH", "keyring is locked"):
            holds(words in told.stdout + told.stderr, f"no {words} in: {told.stdout}{told.stderr}")
        equal(str(session.account_property("Attention")), "keyring-locked", "the attention")


def a_command_without_a_token_is_told():
    with Session() as session:
        tokens = Tokens(session)
        tokens.add()
        (tokens.top / "get").write_text("echo log in anew >&2; exit 1\n")
        words = fails(session, "CredentialsMissing")
        holds("log in anew" in words and "token-command" in words, f"not told in: {words}")
        equal(str(session.account_property("Attention")), "credentials", "the attention")


if __name__ == "__main__":
    run(
        "logins",
        [
            name_and_password_are_enough_login,
            name_and_password_are_enough_plain,
            name_and_password_are_enough_scram_sha_1,
            name_and_password_are_enough_scram_sha_256,
            the_mechanism_login_will_do_where_the_command_is_disabled,
            of_any_letters_login,
            of_any_letters_mechanism_login,
            of_any_letters_plain,
            of_any_letters_scram_sha_1,
            of_any_letters_scram_sha_256,
            decomposed_letters_are_composed_scram_sha_1,
            decomposed_letters_are_composed_scram_sha_256,
            other_letters_are_others_scram_sha_256,
            a_login_is_bound_to_its_tls_scram_sha_256_plus,
            a_login_is_bound_to_its_tls_scram_sha_1_plus,
            a_login_is_not_bound_where_that_does_not_work,
            somebody_in_the_middle_gets_no_login,
            a_token_is_enough_oauthbearer,
            a_token_is_enough_xoauth2,
            a_token_may_be_in_the_keyring,
            an_old_token_is_refreshed_oauthbearer,
            an_old_token_is_refreshed_xoauth2,
            a_token_that_grows_old_in_the_middle_is_refreshed,
            a_token_that_stays_old_is_told,
            a_test_tells_of_the_side_that_lacks_nothing,
            a_command_without_a_token_is_told,
        ],
    )
