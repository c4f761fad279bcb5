"""Ids of a given moment, the same on every run."""

from datetime import datetime
from random import Random, SystemRandom
from typing import Final
from uuid import UUID

ANEW: Final = SystemRandom()
"""For rows of the audit trail: they outlive an interrupted run, so that a second one must not make the same ids."""


def at(moment: datetime, rng: Random) -> UUID:
    """Return a UUIDv7 (RFC 9562) that carries `moment`."""
    high = int(moment.timestamp() * 1000) << 16 | 0x7000 | rng.getrandbits(12)
    return UUID(int=high << 64 | 0x8000_0000_0000_0000 | rng.getrandbits(62))
