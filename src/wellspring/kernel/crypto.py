"""Sealed fields: AES-256-GCM under a data key per person, itself wrapped by a key-encryption key (KEK).

A sealed value is `0x01 | nonce (12) | ciphertext | tag (16)`; the table, column and row are associated data, so a
value moved to another place does not open. A wrapped key is `0x01 | KEK number (1) | nonce (12) | key+tag (48)`.
"""

import hashlib
import hmac
import os
from collections import OrderedDict
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wellspring.kernel.errors import Problem

_VERSION: Final = b"\x01"
_NONCE: Final = 12
_LEAST: Final = 1 + _NONCE + 16
_WRAPPED: Final = 2 + _NONCE + 32 + 16


class Unreadable(Problem):
    """A stored value could not be opened: its key is gone or it was changed outside Wellspring."""

    code = "sealed_value_unreadable"
    status = 500


class Sealer:
    """Seals and opens the fields of one person with one data key."""

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, plain: bytes, field: str, row: UUID) -> bytes:
        """Seal `plain` for `field` (`schema.table.column`) of `row`."""
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._aead.encrypt(nonce, plain, field.encode() + row.bytes)

    def open(self, sealed: bytes, field: str, row: UUID) -> bytes:
        """Return the plain bytes, or raise Unreadable."""
        if sealed[:1] != _VERSION or len(sealed) < _LEAST:
            raise Unreadable("unknown version")
        try:
            return self._aead.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], field.encode() + row.bytes)
        except InvalidTag as error:
            raise Unreadable(field) from error


class Keyring:
    """The operator's keys: KEKs by number (the highest is current unless one is named), and the derived ones."""

    def __init__(self, keks: dict[int, bytes], root: bytes, current: int | None = None) -> None:
        """Take KEKs of 32 bytes each by number 1–255, the 32-byte root for derived keys, and which KEK is current."""
        if not keks or any(len(k) != 32 or not 0 < n < 256 for n, k in keks.items()) or len(root) != 32:
            raise ValueError("key-encryption keys are 32 bytes each, numbered 1 to 255; the root is 32 bytes")
        self._keks = {number: AESGCM(key) for number, key in keks.items()}
        self.newest = max(keks)
        self.current = current if current in keks else self.newest
        self._root = root
        self._system = Sealer(self.derive("system-seal"))
        self._cache: OrderedDict[tuple[bytes, UUID], Sealer] = OrderedDict()

    def derive(self, purpose: str) -> bytes:
        """Return a 32-byte key for one purpose (HMAC-SHA256 of the root)."""
        return hmac.digest(self._root, purpose.encode(), hashlib.sha256)

    def digest(self, purpose: str, value: str) -> bytes:
        """Return the keyed digest under which a value is looked up without being stored."""
        return hmac.digest(self.derive(purpose), value.encode(), hashlib.sha256)

    @property
    def system(self) -> Sealer:
        """Return the sealer for secrets that are needed before a person is known (second-factor seeds)."""
        return self._system

    def wrap(self, key: bytes, person_id: UUID) -> bytes:
        """Wrap a data key of `person_id` under the current KEK."""
        nonce = os.urandom(_NONCE)
        sealed = self._keks[self.current].encrypt(nonce, key, person_id.bytes)
        return _VERSION + bytes([self.current]) + nonce + sealed

    def unwrap(self, wrapped: bytes, person_id: UUID) -> bytes:
        """Return the data key, or raise Unreadable."""
        whole = len(wrapped) == _WRAPPED and wrapped[:1] == _VERSION
        kek = self._keks.get(wrapped[1]) if whole else None
        if kek is None:
            raise Unreadable("key-encryption key not at hand")
        try:
            return kek.decrypt(wrapped[2 : 2 + _NONCE], wrapped[2 + _NONCE :], person_id.bytes)
        except InvalidTag as error:
            raise Unreadable("data key") from error

    def new_key(self, person_id: UUID) -> tuple[Sealer, bytes]:
        """Return a sealer with a fresh data key for `person_id`, and that key wrapped."""
        key = AESGCM.generate_key(256)
        return Sealer(key), self.wrap(key, person_id)

    def sealer(self, wrapped: bytes, person_id: UUID) -> Sealer:
        """Return the sealer of a wrapped key; recent ones are kept in memory, found only by the stored bytes."""
        found = self._cache.get((wrapped, person_id))
        if found is None:
            found = self._cache[wrapped, person_id] = Sealer(self.unwrap(wrapped, person_id))
            if len(self._cache) > 2048:
                self._cache.popitem(last=False)
        return found

    def rewrap(self, wrapped: bytes, person_id: UUID) -> bytes | None:
        """Return the key wrapped under the current KEK, or None when it already is; raises Unreadable."""
        if wrapped[1:2] == bytes([self.current]):
            return None
        return self.wrap(self.unwrap(wrapped, person_id), person_id)
