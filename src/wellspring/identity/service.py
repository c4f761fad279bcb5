"""Decisions of identity: who may sign up, who is signed in."""

import hashlib
import hmac
import secrets
import time
from typing import Final
from uuid import UUID

import asyncpg
import msgspec
from email_validator import EmailNotValidError, validate_email
from msgspec import Struct
from pyotp.totp import TOTP

from wellspring.identity import lockout
from wellspring.identity import queries as q
from wellspring.identity.errors import (
    AccountClosed,
    EmailTaken,
    FactorExists,
    SecondFactorNeeded,
    SecondFactorWrong,
    WrongCredentials,
)
from wellspring.identity.events import PersonRegistered
from wellspring.identity.passwords import Passwords
from wellspring.identity.schemas import TIMEZONES, Login, Register
from wellspring.identity.sessions import Opened, Where, effective, open_session
from wellspring.kernel import audit, events, ids, vault
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import Database, DbRole, Tx
from wellspring.kernel.errors import Invalid, Problem
from wellspring.kernel.policy import STAFF, Role
from wellspring.kernel.settings import Settings
from wellspring.kernel.tokens import TokenKind

_STEP: Final = 30


class Details(Struct, kw_only=True):
    """The sealed part of a person: words about themselves."""

    display_name: str | None = None
    bio: str | None = None
    other_conditions: list[str] = []
    primary_goals: list[str] = []
    current_challenges: list[str] = []
    phone: str | None = None


class Accounts(Struct, frozen=True):
    """What sign-up and sign-in work with."""

    db: Database
    keys: Keyring
    passwords: Passwords
    settings: Settings


def normal_email(text: str) -> str:
    """Return an address as it is looked up: lower case, normal form; raises Invalid."""
    try:
        found = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise Invalid.of("email", "email_invalid", "This does not look like an e-mail address.") from error
    return found.normalized.lower()


def as_registered(text: str) -> str:
    """Return an address in the form it was registered in; one that nobody can have registered stays as it is."""
    try:
        return normal_email(text)
    except Invalid:
        return text.strip().lower()


def check_timezone(name: str) -> str:
    """Return an IANA time zone, or raise Invalid."""
    if name not in TIMEZONES:
        raise Invalid.of("timezone", "timezone_unknown", "This is not a time zone of the IANA list.")
    return name


async def register(
    accounts: Accounts,
    wanted: Register,
    where: Where,
    *,
    kind: TokenKind,
    roles: frozenset[Role] | None = None,
) -> Opened:
    """Make an account and sign it in; raises EmailTaken, PasswordRefused, Invalid, LockedOut.

    That somebody has an account here is health data: addresses that were taken are counted, and who tries many waits.
    """
    email = normal_email(wanted.email)
    scopes = lockout.other_scopes(accounts.keys, "join", email, where.ip)
    async with accounts.db.begin(DbRole.SIGNIN) as tx:
        await lockout.refuse_if_locked(tx, scopes)
    timezone = check_timezone(wanted.timezone or "UTC")
    await accounts.passwords.check(wanted.password, (email, *email.split("@"), wanted.display_name or ""))
    hashed = await accounts.passwords.hash(wanted.password)
    all_roles = sorted(roles or frozenset({Role.MEMBER}))
    try:
        return await _make(accounts, wanted, where, kind, scopes, email, timezone, hashed, all_roles)
    except EmailTaken:
        async with accounts.db.begin(DbRole.SIGNIN) as tx:
            await lockout.failed(tx, scopes)
        raise


async def _make(
    accounts: Accounts,
    wanted: Register,
    where: Where,
    kind: TokenKind,
    scopes: lockout.Scopes,
    email: str,
    timezone: str,
    hashed: str,
    roles: list[Role],
) -> Opened:
    person_id = ids.new()
    async with accounts.db.begin(DbRole.SIGNIN, actor=person_id) as tx:
        await lockout.refuse_if_locked_by_now(tx, scopes)
        sealer = await vault.create(tx, accounts.keys, person_id)
        details = Details(display_name=wanted.display_name or None)
        await tx.do(
            q.ADD_PERSON,
            person_id,
            sealer.seal(email.encode(), "identity.person.email", person_id),
            sealer.seal(msgspec.json.encode(details), "identity.person.details", person_id),
            wanted.language or accounts.settings.language,
            wanted.country or accounts.settings.country,
            timezone,
            roles,
        )
        try:
            await tx.do(q.ADD_LOGIN, accounts.keys.digest("email", email), person_id, hashed)
        except asyncpg.UniqueViolationError as error:
            raise EmailTaken from error
        language = wanted.language or accounts.settings.language
        await events.publish(tx, PersonRegistered(person_id, language, tuple(dict.fromkeys(wanted.consents))))
        await audit.record(tx, _row("identity:account:create", person_id, where))
        return await open_session(tx, person_id, effective([*roles], second_factor=False), kind, where)


def _row(action: str, person_id: UUID, where: Where, outcome: audit.Outcome = audit.Outcome.DONE) -> audit.Access:
    return audit.Access(
        action=action,
        section="account",
        person_id=person_id,
        actor_id=person_id,
        ip=where.ip,
        request_id=where.request_id,
        outcome=outcome,
    )


async def sign_in(accounts: Accounts, given: Login, where: Where, *, kind: TokenKind) -> tuple[Opened, bool]:
    """Sign in; return the session and whether a second factor has yet to be set up before acting as staff.

    Unknown and wrong look and take the same. Raises WrongCredentials, SecondFactorNeeded, SecondFactorWrong,
    LockedOut, AccountClosed.
    """
    email = as_registered(given.email)
    scopes = lockout.scopes(accounts.keys, email, where.ip)
    async with accounts.db.begin(DbRole.SIGNIN) as tx:
        await lockout.refuse_if_locked(tx, scopes)
        found = await tx.maybe(q.FIND_LOGIN, accounts.keys.digest("email", email))
    right = await accounts.passwords.verify(given.password, found.password_hash if found else None)
    if found is None or not right:
        async with accounts.db.begin(DbRole.SIGNIN, actor=ids.NIL) as tx:
            await lockout.refuse_if_locked_by_now(tx, scopes)
            await _note_failure(tx, scopes, where, found.person_id if found else ids.NIL)
        raise WrongCredentials
    refusal = _refusal(found, given)
    if refusal is not None:
        async with accounts.db.begin(DbRole.SIGNIN) as tx:
            await lockout.refuse_if_locked_by_now(tx, scopes)
        raise refusal
    rehashed = (
        await accounts.passwords.hash(given.password) if accounts.passwords.outdated(found.password_hash) else None
    )
    opened: Opened | None = None
    async with accounts.db.begin(DbRole.SIGNIN, actor=found.person_id) as tx:
        await lockout.refuse_if_locked_by_now(tx, scopes)
        still = await tx.maybe(q.STILL, found.person_id, found.password_hash, found.totp_secret)
        if still and await _may_enter(tx, accounts.keys, found, given.mfa_code):
            await lockout.forgive(tx, scopes)
            if rehashed:
                await tx.do(q.REHASH, found.person_id, rehashed)
            current = await tx.maybe(q.SIGNED_IN, found.person_id)
            if current is None:
                raise AccountClosed
            await audit.record(tx, _row("identity:session:create", found.person_id, where))
            roles = effective(current, second_factor=found.totp_secret is not None)
            opened = await open_session(tx, found.person_id, roles, kind, where)
        elif still:
            await _note_failure(tx, scopes, where, found.person_id)
    if not still:  # changed while the password was being checked: what was right is checked against what is so now
        return await sign_in(accounts, given, where, kind=kind)
    if opened is None:
        raise SecondFactorWrong
    waiting = found.totp_secret is None and bool({Role(r) for r in found.roles} & STAFF)
    return opened, waiting


def _refusal(found: q.FoundLogin, given: Login) -> Problem | None:
    """Return what stands in the way of somebody whose password was right, None when nothing does."""
    if found.status != "active":
        return AccountClosed()
    return SecondFactorNeeded() if found.totp_secret is not None and not given.mfa_code else None


async def _note_failure(tx: Tx, scopes: lockout.Scopes, where: Where, person_id: UUID) -> None:
    """Count and record a failure; the transaction commits before the refusal, or both would roll back with it."""
    await lockout.failed(tx, scopes)
    row = audit.Access(
        action="identity:session:create",
        section="account",
        person_id=person_id,
        ip=where.ip,
        request_id=where.request_id,
        outcome=audit.Outcome.FAILED,
    )
    await audit.record(tx, row)


def totp_secret(keys: Keyring, person_id: UUID, sealed: bytes) -> str:
    """Open a stored authenticator secret."""
    return keys.system.open(sealed, "identity.login.totp_secret", person_id).decode()


async def _may_enter(tx: Tx, keys: Keyring, found: q.FoundLogin, code: str | None) -> bool:
    """Tell whether somebody has no second factor, or has given a right code of it, which is used up by that."""
    return found.totp_secret is None or await use_code(tx, keys, found.person_id, found.totp_secret, code or "")


async def use_code(tx: Tx, keys: Keyring, person_id: UUID, sealed: bytes, code: str) -> bool:
    """Use up a code: six digits of this or a neighbouring half minute, or a recovery code; each once."""
    digits = six_digits(code)
    if digits is None:
        return await tx.do(q.USE_RECOVERY, person_id, recovery_digest(keys, person_id, "".join(code.split()))) == 1
    step = matching_step(totp_secret(keys, person_id, sealed), digits)
    return step is not None and await tx.do(q.USE_STEP, person_id, step) == 1


def fits(keys: Keyring, person_id: UUID, login: q.OwnLogin, code: str) -> bool:
    """Tell whether `use_code` would take this code now."""
    digits = six_digits(code)
    if login.totp_secret is None or digits is None:
        return recovery_digest(keys, person_id, "".join(code.split())) in login.recovery_digests
    step = matching_step(totp_secret(keys, person_id, login.totp_secret), digits)
    return step is not None and step > login.totp_last_step


def six_digits(code: str) -> str | None:
    """Return a code of an authenticator app as it makes them, None for what is none.

    Apps show codes in groups, and keyboards of some languages have digits of their own.
    """
    plain = "".join(code.split()).replace("-", "")
    return f"{int(plain):06d}" if len(plain) == 6 and plain.isdecimal() else None


def matching_step(secret: str, code: str) -> int | None:
    """Return the time step a code belongs to (now, one before, one after), or None."""
    digits, totp, now = six_digits(code), TOTP(secret), int(time.time()) // _STEP
    for step in (now, now - 1, now + 1):
        if digits is not None and hmac.compare_digest(totp.generate_otp(step), digits):
            return step
    return None


def recovery_digest(keys: Keyring, person_id: UUID, code: str) -> bytes:
    """Return what is stored of a recovery code."""
    plain = code.strip().lower().replace("-", "")
    return hashlib.sha256(keys.derive("recovery") + person_id.bytes + plain.encode()).digest()


def new_recovery_codes() -> list[str]:
    """Return ten codes of 50 bits, shown once."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return ["-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(2)) for _ in range(10)]


async def set_factor(tx: Tx, keys: Keyring, person_id: UUID, secret: str, step: int = 0) -> list[str]:
    """Store a confirmed authenticator secret and return fresh recovery codes; raises FactorExists."""
    codes = new_recovery_codes()
    sealed = keys.system.seal(secret.encode(), "identity.login.totp_secret", person_id)
    if await tx.do(q.SET_TOTP, person_id, sealed, step, recovery_digests(keys, person_id, codes)) != 1:
        raise FactorExists
    return codes


def recovery_digests(keys: Keyring, person_id: UUID, codes: list[str]) -> list[bytes]:
    """Return what is stored of recovery codes."""
    return [recovery_digest(keys, person_id, code) for code in codes]
