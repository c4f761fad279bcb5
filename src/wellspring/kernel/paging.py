"""Cursor paging: a cursor is the sort key (a time and an id) of the last row seen, opaque to clients."""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

from wellspring.kernel.errors import Invalid

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_TIME: Final = datetime(9999, 1, 1, tzinfo=UTC)
FIRST_ID: Final = UUID(int=2**128 - 1)


class Cursor(Struct, frozen=True):
    """The place after a row, newest first."""

    at: datetime = FIRST_TIME
    id: UUID = FIRST_ID

    def encode(self) -> str:
        """Return the opaque form."""
        micros = (self.at - _EPOCH) // timedelta(microseconds=1)
        return base64.urlsafe_b64encode(micros.to_bytes(8, signed=True) + self.id.bytes).decode()

    @classmethod
    def decode(cls, text: str | None) -> "Cursor":
        """Return the cursor, or the place before everything; raises Invalid for a made-up one."""
        if not text:
            return cls()
        try:
            raw = base64.b64decode(text, altchars=b"-_", validate=True)
            if len(raw) != 24:
                raise ValueError(len(raw))
            at = _EPOCH + timedelta(microseconds=int.from_bytes(raw[:8], signed=True))
            return cls(at, UUID(bytes=raw[8:]))
        except (ValueError, OverflowError, binascii.Error) as error:
            raise Invalid.of("cursor", "cursor_invalid", "This cursor was not made by this list.") from error
