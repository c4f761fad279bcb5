"""The way out for mail: what a port promises, and a recording one. `smtp.py` is the real one."""

from typing import Final, Protocol

from msgspec import Struct

INTERRUPTED: Final = "interrupted"
"""The code of a message that was broken off by our side."""


class Mail(Struct, frozen=True):
    """One message to one address; `key` (a delivery id) makes its Message-ID, the same however often it is tried."""

    key: str
    to: str
    subject: str
    text: str


class MailError(Exception):
    """A message did not surely arrive; `code` is short, stable and holds no address."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NotTakenError(MailError):
    """The message was surely not taken, and may be tried again."""


class RefusedError(MailError):
    """The message was surely not taken, and trying again will not help."""


class UncertainError(MailError):
    """The message may have been taken: it is never sent again by itself."""


class MailPort(Protocol):
    """Sends mail."""

    async def send(self, mail: Mail) -> str:
        """Hand a message over and return the provider's id of it; raises a MailError."""
        ...


class RecordingMail:
    """Keeps messages in memory; `fail_with` are raised first, one for each message."""

    def __init__(self, *fail_with: MailError) -> None:
        self.sent: list[Mail] = []
        self.fail_with = list(fail_with)

    async def send(self, mail: Mail) -> str:
        """Keep a message."""
        if self.fail_with:
            raise self.fail_with.pop(0)
        self.sent.append(mail)
        return f"recorded-{len(self.sent)}"
