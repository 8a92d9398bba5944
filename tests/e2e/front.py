# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
"""Stands before a Dovecot, which has no SCRAM with channel binding: does that login itself, by an
implementation that shares nothing with ours, and passes on what comes behind it."""

import base64
import contextlib
import hashlib
import hmac
import secrets
import select
import socket
import ssl
import threading

OFFERS = "IMAP4rev1 ENABLE SASL-IR LOGINDISABLED AUTH=SCRAM-{0} AUTH=SCRAM-{0}-PLUS"


def encode(text):
    return base64.b64encode(text.encode()).decode()


def fields(text):
    return dict(part.split("=", 1) for part in text.split(",") if "=" in part)


class Front:
    """`logins`: the mechanisms that were asked for, and whether they led in; `fake`: it says that
    it knows another TLS, as one would at the other side of somebody in the middle."""

    def __init__(self, dovecot, kind="SHA-256", version=ssl.TLSVersion.TLSv1_2):
        self.dovecot, self.kind, self.hash = dovecot, kind, kind.replace("-", "").lower()
        self.logins, self.fake = [], False
        self.trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.trust.load_cert_chain(dovecot.top / "server.pem", dovecot.top / "server.key")
        self.trust.minimum_version = self.trust.maximum_version = version
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def settings(self):
        """As Dovecot.settings() of the remote side."""
        port = [f"remote.port={self.port}"]
        return [line for line in self.dovecot.settings("remote") if ".port=" not in line] + port

    def _accept(self):
        while True:
            conn, _ = self.listener.accept()
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn):
        with contextlib.suppress(OSError), self.trust.wrap_socket(conn, server_side=True) as tls:
            lines = tls.makefile("rb", buffering=0)
            tls.sendall(f"* OK [CAPABILITY {OFFERS.format(self.kind)}] front\r\n".encode())
            tag, _, mechanism, first = lines.readline().decode().split()
            led_in = self._scram(tls, lines, mechanism, base64.b64decode(first).decode())
            self.logins.append((mechanism, led_in))
            if not led_in:
                tls.sendall(f"{tag} NO [AUTHENTICATIONFAILED] front refuses\r\n".encode())
                return
            self._pass_on(tls, tag)

    def _hmac(self, key, text):
        return hmac.new(key, text, self.hash).digest()

    def _bound_to(self, tls, header):
        """What the client has to say that it is bound to."""
        if header == "n,,":
            return header.encode()
        return header.encode() + (b"another" if self.fake else tls.get_channel_binding("tls-unique"))

    def _scram(self, tls, lines, mechanism, first):
        """RFC 5802, from the client's first message; returns whether all was right."""
        at = first.index(",,") + 2
        header, bare = first[:at], first[at:]
        if header != ("p=tls-unique,," if mechanism.endswith("-PLUS") else "n,,"):
            return False
        salt, nonce = secrets.token_bytes(16), fields(bare)["r"] + secrets.token_hex(8)
        answer = f"r={nonce},s={base64.b64encode(salt).decode()},i=4096"
        tls.sendall(f"+ {encode(answer)}\r\n".encode())
        final = base64.b64decode(lines.readline()).decode()
        without = final[: final.index(",p=")]
        salted = hashlib.pbkdf2_hmac(self.hash, self.dovecot.password.encode(), salt, 4096)
        signed = f"{bare},{answer},{without}".encode()
        key = self._hmac(salted, b"Client Key")
        proof = bytes(
            a ^ b for a, b in zip(key, self._hmac(hashlib.new(self.hash, key).digest(), signed))
        )
        told = fields(final)
        bound = base64.b64decode(told["c"]) == self._bound_to(tls, header)
        if not bound or told["r"] != nonce or base64.b64decode(told["p"]) != proof:
            return False
        signature = base64.b64encode(self._hmac(self._hmac(salted, b"Server Key"), signed)).decode()
        tls.sendall(f"+ {encode('v=' + signature)}\r\n".encode())
        return lines.readline() == b"\r\n"

    def _pass_on(self, tls, tag):
        with socket.create_connection(("127.0.0.1", self.dovecot.port)) as tcp:
            with self.dovecot.trust().wrap_socket(tcp, server_hostname="127.0.0.1") as behind:
                behind.recv(4096)  # the greeting
                message = encode(f"\0{self.dovecot.USER}\0{self.dovecot.password}")
                behind.sendall(f"{tag} AUTHENTICATE PLAIN {message}\r\n".encode())
                while True:
                    ready = [end for end in (tls, behind) if end.pending()]
                    for end in ready or select.select([tls, behind], [], [])[0]:
                        octets = end.recv(65536)
                        if not octets:
                            return
                        (behind if end is tls else tls).sendall(octets)
