"""A mail server on loopback that speaks the real protocol, in every mood a real one has."""

import asyncio
import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wellspring.notify.smtp import SmtpMail, SmtpServer

FROM = "Wellspring <desk@wellspring.test>"
USER, SECRET = "desk@wellspring.test", "a pass:word/with wéird signs"


class Mood:
    """What the server does: an answer to RCPT or DATA, or what happens instead of one."""

    def __init__(self, *, rcpt: str = "", data: str = "", hang: bool = False, drop: bool = False) -> None:
        self.rcpt, self.data, self.hang, self.drop = rcpt, data, hang, drop
        self.envelopes: list[Envelope] = []
        self.sessions: list[Session] = []

    async def handle_RCPT(  # noqa: N802 - the name is the protocol library's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt == "drop":
            break_off(server)
        if self.rcpt:
            return self.rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name is the protocol library's
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.envelopes.append(envelope)
        self.sessions.append(session)
        if self.hang:
            await asyncio.sleep(30)
        if self.drop:
            break_off(server)
        return self.data or "250 2.0.0 queued as 4711"


def break_off(server: SMTP) -> None:
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()


def authenticate(server: SMTP, session: Session, envelope: Envelope, kind: str, given: Any) -> AuthResult:
    right = isinstance(given, LoginPassword) and (given.login, given.password) == (USER.encode(), SECRET.encode())
    return AuthResult(success=right, handled=False)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def serving(mood: Mood, **options: Any) -> Iterator[SmtpServer]:
    """Serve on a free port of loopback; `ssl_context` speaks TLS from the first byte."""
    port = free_port()
    controller = Controller(mood, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield SmtpServer("127.0.0.1", port, tls="ssl_context" in options)
    finally:
        controller.stop(no_assert=True)


def client(server: SmtpServer, **patience: float) -> SmtpMail:
    return SmtpMail(server, FROM, **{"step_s": 2.0, "data_s": 0.5, "whole_s": 4.0, **patience})


def certificate(folder: Path) -> ssl.SSLContext:
    """Return the TLS side of a server that nobody vouches for, as small mail servers come."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    return context
