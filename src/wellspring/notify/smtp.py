"""Mail over SMTP: `smtp://` (STARTTLS when offered) and `smtps://`, with a user and a password where given."""

import asyncio
import ipaddress
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.policy import SMTPUTF8
from email.utils import formatdate, parseaddr
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib
from msgspec import Struct

from wellspring.kernel.settings import Settings
from wellspring.notify.ports import INTERRUPTED, Mail, MailPort, NotTakenError, RefusedError, UncertainError

_STEP_S: Final = 10.0
"""How long one answer of the server may take."""
_DATA_S: Final = 60.0
"""How long the answer to the message itself may take: servers look for spam first."""
WHOLE_S: Final = 100.0
"""How long one message may take, all in all."""
_SEVEN_BIT: Final = SMTP_POLICY.clone(cte_type="7bit")


class SmtpServer(Struct, frozen=True):
    """Where and how mail leaves."""

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = None

    @property
    def is_here(self) -> bool:
        """Tell whether the server is this machine: nobody is on the way, so its certificate need not be known."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse(url: str) -> SmtpServer:
    """Return the server of `smtp[s]://[user:password@]host[:port]`; raises ValueError for anything else.

    Ports default to 587 and 465 (RFC 6409, RFC 8314). Nothing of the URL is in the error: it may hold a password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("the SMTP address cannot be read") from None
    if parts.scheme not in ("smtp", "smtps") or not host or parts.path.strip("/") or parts.query:
        raise ValueError("the SMTP address is of the form smtp[s]://[user:password@]host[:port]")
    tls = parts.scheme == "smtps"
    user = unquote(parts.username) if parts.username else None
    return SmtpServer(host, port or (465 if tls else 587), tls, user, unquote(parts.password or ""))


class SmtpMail:
    """Sends each message over a connection of its own."""

    def __init__(
        self,
        server: SmtpServer,
        sender: str,
        *,
        step_s: float = _STEP_S,
        data_s: float = _DATA_S,
        whole_s: float = WHOLE_S,
    ) -> None:
        """Take the server, the From line (`Wellspring <wellspring@example.org>`), and the most seconds to wait."""
        self._server = server
        self._sender = sender
        self._address = parseaddr(sender)[1]
        if "@" not in self._address:
            raise ValueError("the sender of mail has no address")
        self._domain = self._address.rpartition("@")[2]
        self._step_s, self._data_s, self._whole_s = step_s, data_s, whole_s

    async def send(self, mail: Mail) -> str:
        """Hand a message over and return its Message-ID, by which the server's log names it.

        Raises NotTakenError, RefusedError, or UncertainError: no answer came after the message was offered. Broken off
        by a cancel (the worker stops), it says which of them it is, too: the caller has to write that down.
        """
        message = self._message(mail)
        client = self._client()
        offered = taken = False
        try:
            async with asyncio.timeout(self._whole_s):
                await self._open(client)
                await self._envelope(client, mail.to)
                offered = True
                await self._data(client, message)
                taken = True
            await _goodbye(client)
        except asyncio.CancelledError as error:
            if not taken:
                raise (UncertainError if offered else NotTakenError)(INTERRUPTED) from error
        except TimeoutError as error:
            raise (UncertainError("no_answer") if offered else NotTakenError("timed_out")) from error
        finally:
            client.close()
        return str(message["Message-ID"])

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage(SMTPUTF8 if _needs_utf8(mail.to, self._address) else _SEVEN_BIT)
        message["From"] = self._sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = formatdate()
        message["Message-ID"] = f"<{mail.key}@{self._domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        return message

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls,
            start_tls=False if server.tls else None,
            validate_certs=not server.is_here,
            local_hostname=self._domain if self._domain.isascii() else "localhost",
            timeout=self._step_s,
        )

    async def _open(self, client: aiosmtplib.SMTP) -> None:
        """Connect, encrypt where possible, sign in; a password never crosses a network in the open."""
        server = self._server
        try:
            await client.connect()
            if server.user is None:
                return
            if not server.is_here and client.get_transport_info("sslcontext") is None:
                raise NotTakenError("smtp_not_encrypted")
            await client.login(server.user, server.password or "")
        except aiosmtplib.SMTPResponseException as error:
            raise NotTakenError(f"smtp_{error.code}") from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotTakenError("smtp_unreachable") from error

    async def _envelope(self, client: aiosmtplib.SMTP, to: str) -> None:
        utf8 = _needs_utf8(to, self._address)
        if utf8 and not client.supports_extension("smtputf8"):
            raise RefusedError("smtp_no_utf8")
        encoding = "utf-8" if utf8 else "ascii"
        try:
            await client.mail(self._address, options=["SMTPUTF8"] if utf8 else [], encoding=encoding)
            await client.rcpt(to, encoding=encoding)
        except aiosmtplib.SMTPResponseException as error:
            raise _answered(error) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotTakenError("smtp_broken_off") from error

    async def _data(self, client: aiosmtplib.SMTP, message: EmailMessage) -> None:
        """Offer the message. Without an answer nobody knows whether it was taken."""
        try:
            await client.data(message.as_bytes(), timeout=self._data_s)
        except aiosmtplib.SMTPResponseException as error:
            raise _answered(error) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise UncertainError("no_answer") from error


async def _goodbye(client: aiosmtplib.SMTP) -> None:
    """Leave politely; the message is taken, whatever the server says now."""
    with suppress(aiosmtplib.SMTPException, OSError):
        await client.quit(timeout=1.0)


def _needs_utf8(*addresses: str) -> bool:
    return not all(address.isascii() for address in addresses)


def _answered(error: aiosmtplib.SMTPResponseException) -> NotTakenError | RefusedError:
    """Return what an answer means: 5xx is final, anything else is not (RFC 5321, 4.2.1)."""
    return (RefusedError if 500 <= error.code < 600 else NotTakenError)(f"smtp_{error.code}")


def mail_port(settings: Settings) -> MailPort | None:
    """Return the port that the operator set up, or None; raises ValueError for an address that cannot be used."""
    if settings.smtp_url is None:
        return None
    return SmtpMail(parse(settings.smtp_url.get_secret_value()), settings.mail_from)
