"""Passwords: argon2id, at most two hashes at once, refused offline when they are easy to guess."""

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from wellspring.identity.errors import PasswordRefused
from wellspring.kernel.errors import FieldError

_AT_ONCE: Final = 2
_GUESSES_LOG10: Final = 8.0
"""Below 10^8 guesses a password falls to an online attack that goes on for months (NIST 800-63B rate limits)."""


class Passwords:
    """Hashes and verifies outside any transaction; each hash takes 64 MiB and about 50 ms."""

    def __init__(self, *, cheap: bool = False) -> None:
        """Take the library's defaults (RFC 9106, low memory); `cheap` is for tests."""
        self._hasher = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1) if cheap else PasswordHasher()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """Return the argon2id hash."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Tell whether the password is right; with `None` it works as long and says no."""
        async with self._slots:
            right = await asyncio.to_thread(self._verify, password, stored or self._nobody)
        return right and stored is not None

    def _verify(self, password: str, stored: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    def outdated(self, stored: str) -> bool:
        """Tell whether a hash was made with other parameters and should be made again."""
        return self._hasher.check_needs_rehash(stored)

    async def check(self, password: str, context: tuple[str, ...], *, field: str = "password") -> None:
        """Raise PasswordRefused for a password that lists, patterns or the person's own words make easy to guess."""
        words = [word for word in ("wellspring", *context) if word]
        found = await asyncio.to_thread(zxcvbn, password[:64], user_inputs=words)
        if found["guesses_log10"] < _GUESSES_LOG10:
            raise PasswordRefused(
                errors=(
                    FieldError(
                        field,
                        "password_easy_to_guess",
                        "Choose a few words that do not belong together. Avoid your name, dates and keyboard rows.",
                    ),
                )
            )
