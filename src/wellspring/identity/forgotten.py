"""A forgotten password: a link by mail, for half an hour and for one change. It never passes by a second factor.

The link is not stored: it names person and time and is signed with a key of the operator's. It also names when the
login last changed, so a new password, by whatever way, or another second factor ends every link made before.
"""

import base64
import binascii
import hmac
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

from wellspring.identity import account, lockout, service
from wellspring.identity import queries as q
from wellspring.identity.account import Own
from wellspring.identity.errors import LinkRefused, SecondFactorNeeded, SecondFactorWrong
from wellspring.identity.events import PasswordForgotten, SignInChanged
from wellspring.identity.schemas import PasswordReset
from wellspring.identity.service import Accounts
from wellspring.identity.sessions import Where
from wellspring.kernel import audit, clock, events, ids
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import DbRole, Tx
from wellspring.kernel.errors import NotFound

PAGE: Final = "/new-password"
TTL: Final = timedelta(minutes=30)
ASK: Final = "identity:password:forget"
RESET: Final = "identity:password:reset"
_TIME: Final = 8
_MAC: Final = 32
_PURPOSE: Final = "password-link"


class Opened(Struct, frozen=True):
    """A link that holds: whose login it is, as it is now."""

    person_id: UUID
    own: Own

    @property
    def needs_code(self) -> bool:
        """Tell whether a code of the second factor is asked for besides."""
        return self.own.login.totp_secret is not None


def _micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _mac(keys: Keyring, body: bytes) -> bytes:
    return keys.digest(_PURPOSE, body.hex())


async def link(tx: Tx, keys: Keyring, person_id: UUID) -> str | None:
    """Return the path of a fresh link, None for somebody who does not sign in here."""
    changed_at = await tx.maybe(q.CHANGED_AT, person_id)
    if changed_at is None:
        return None
    times = (_micros(clock.now() + TTL), _micros(changed_at))
    body = person_id.bytes + b"".join(time.to_bytes(_TIME) for time in times)
    return f"{PAGE}/{base64.urlsafe_b64encode(body + _mac(keys, body)).decode().rstrip('=')}"


def _read(keys: Keyring, text: str) -> tuple[UUID, int]:
    """Return whose link this is and when their login had last changed; raises LinkRefused."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise LinkRefused from error
    body, mac = raw[:-_MAC], raw[-_MAC:]
    if len(body) != 16 + 2 * _TIME or not hmac.compare_digest(_mac(keys, body), mac):
        raise LinkRefused
    ends, changed = (int.from_bytes(body[at : at + _TIME]) for at in (16, 16 + _TIME))
    if ends <= _micros(clock.now()):
        raise LinkRefused
    return UUID(bytes=body[:16]), changed


def _row(action: str, person_id: UUID, actor_id: UUID, where: Where) -> audit.Access:
    return audit.Access(
        action=action,
        section="account",
        person_id=person_id,
        actor_id=actor_id,
        ip=where.ip,
        request_id=where.request_id,
    )


async def ask(accounts: Accounts, email: str, where: Where) -> None:
    """Ask for a link. What is said and done is the same for an address that nobody signs in with: the job sees.

    Each asking counts. Raises LockedOut.
    """
    address = service.as_registered(email)
    scopes = lockout.other_scopes(accounts.keys, "link", address, where.ip)
    async with accounts.db.begin(DbRole.SIGNIN, actor=ids.NIL) as tx:
        await lockout.refuse_if_locked_by_now(tx, scopes)
        await lockout.failed(tx, scopes)
        found = await tx.maybe(q.FIND_LOGIN, accounts.keys.digest("email", address))
        person_id = found.person_id if found else ids.NIL
        await events.publish(tx, PasswordForgotten(person_id))
        await audit.record(tx, _row(ASK, person_id, ids.NIL, where))


async def look(accounts: Accounts, text: str, where: Where) -> Opened:
    """Return what a link leads to; looking does not use it up: mail servers look too. Raises LinkRefused."""
    person_id, changed = _read(accounts.keys, text)
    async with accounts.db.begin(DbRole.SIGNIN, actor=person_id, read_only=True) as tx:
        try:
            own = await account.own_login(tx, accounts.keys, person_id, where.ip)
        except NotFound as error:
            raise LinkRefused from error
    if own.login.status != "active" or _micros(own.login.changed_at) != changed:
        raise LinkRefused
    return Opened(person_id, own)


async def use(accounts: Accounts, given: PasswordReset, where: Where) -> None:
    """Set the new password, which uses up the link and ends every session.

    A wrong code counts as a failed sign-in, and is asked for before the new password is looked at: the link alone must
    not tell whether a password was used before. Raises LinkRefused, SecondFactorNeeded, SecondFactorWrong, LockedOut,
    PasswordRefused.
    """
    opened = await look(accounts, given.link, where)
    person_id, own = opened.person_id, opened.own
    if opened.needs_code:
        row = _row(RESET, person_id, ids.NIL, where)
        await _refuse_wrong_code(accounts, opened, given.mfa_code or "", row)
    hashed = await account.new_hash(accounts.passwords, own, given.new_password)
    login = own.login
    async with accounts.db.begin(DbRole.SIGNIN, actor=person_id) as tx:
        if not await tx.maybe(q.STILL, person_id, login.password_hash, login.totp_secret):
            raise LinkRefused  # changed in the meantime, perhaps by the same form that was sent twice
        if login.totp_secret is not None and not await service.use_code(
            tx, accounts.keys, person_id, login.totp_secret, given.mfa_code or ""
        ):
            raise SecondFactorWrong
        await tx.do(q.SET_PASSWORD, person_id, login.password_hash, hashed)
        await tx.do(q.END_OTHERS, person_id, ids.NIL, "password changed")
        await lockout.forgive(tx, own.scopes)
        await events.publish(tx, SignInChanged(person_id, "password"))
        await audit.record(tx, _row(RESET, person_id, person_id, where))


async def _refuse_wrong_code(accounts: Accounts, opened: Opened, code: str, row: audit.Access) -> None:
    """Raise SecondFactorNeeded, SecondFactorWrong or LockedOut unless this code would be taken now."""
    if not code:
        raise SecondFactorNeeded
    async with accounts.db.begin(DbRole.SIGNIN, actor=opened.person_id) as tx:
        await lockout.refuse_if_locked_by_now(tx, opened.own.scopes)
        right = service.fits(accounts.keys, opened.person_id, opened.own.login, code)
        if not right:
            await account.count_failure(tx, row, opened.own)
    if not right:
        raise SecondFactorWrong
