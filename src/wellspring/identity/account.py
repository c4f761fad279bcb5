"""What people change about how they sign in: password, second factor, recovery codes; each asks for the password."""

from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct
from pyotp.totp import TOTP

from wellspring.identity import lockout, service
from wellspring.identity import queries as q
from wellspring.identity.errors import FactorExists, FactorMissing, PasswordRefused, PasswordWrong, SecondFactorWrong
from wellspring.identity.events import SignInChanged
from wellspring.identity.passwords import Passwords
from wellspring.identity.people import name_in
from wellspring.identity.schemas import ConfirmFactor, PasswordChange, RecoveryCodesAsked
from wellspring.identity.service import Accounts
from wellspring.kernel import audit, events, ids
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import Begin, DbRole, Session, Tx
from wellspring.kernel.errors import NotFound

PASSWORD: Final = "identity:password:change"  # noqa: S105  (the name of an action)
FACTOR: Final = "identity:second_factor:set"
RECOVERY: Final = "identity:recovery_codes:make"
FACTOR_OFF: Final = "identity:second_factor:remove"


class Asking(Struct, frozen=True):
    """Somebody signed in who changes how they sign in, and what their request leaves in the audit trail."""

    person_id: UUID
    session_id: UUID
    session: Session
    row: audit.Access


class Own(Struct, frozen=True):
    """A login as it is now, with what its password must not be made of, and its counters of failures."""

    login: q.OwnLogin
    words: tuple[str, ...]
    scopes: lockout.Scopes


def otpauth(email: str, secret: str) -> str:
    """Return the address that an authenticator app reads from a QR code."""
    return TOTP(secret).provisioning_uri(name=email, issuer_name="Wellspring")


def _begin(accounts: Accounts, asking: Asking) -> Begin:
    return accounts.db.begin(DbRole.SIGNIN, actor=asking.person_id, session=asking.session)


async def _load(accounts: Accounts, asking: Asking) -> Own:
    """Return one's own login; raises LockedOut, SessionEnded."""
    async with _begin(accounts, asking) as tx:
        own = await own_login(tx, accounts.keys, asking.person_id, asking.row.ip)
        await lockout.refuse_if_locked(tx, own.scopes)
    return own


async def own_login(tx: Tx, keys: Keyring, person_id: UUID, ip: str | None) -> Own:
    """Return the login of the actor of a sign-in transaction; raises NotFound."""
    login = await tx.maybe(q.OWN_LOGIN, person_id)
    if login is None:
        raise NotFound
    sealer = keys.sealer(login.wrapped, person_id)
    email = sealer.open(login.email, "identity.person.email", person_id).decode()
    name = name_in(sealer, person_id, login.details) or ""
    return Own(login, (email, *email.split("@"), name), lockout.scopes(keys, email, ip))


async def count_failure(tx: Tx, row: audit.Access, own: Own) -> None:
    """Count and record a failure; the refusal comes after the transaction, or it would be rolled back."""
    await lockout.failed(tx, own.scopes)
    await audit.record(tx, msgspec.structs.replace(row, outcome=audit.Outcome.FAILED))


async def _refuse_password(accounts: Accounts, asking: Asking, own: Own) -> None:
    async with _begin(accounts, asking) as tx:
        await lockout.refuse_if_locked_by_now(tx, own.scopes)
        await count_failure(tx, asking.row, own)
    raise PasswordWrong.of("current_password", "password_wrong", "This is not your current password.")


async def _prove(accounts: Accounts, asking: Asking, password: str) -> Own:
    """Return the login of somebody who knows its password; raises PasswordWrong, LockedOut, SessionEnded."""
    own = await _load(accounts, asking)
    if not await accounts.passwords.verify(password, own.login.password_hash):
        await _refuse_password(accounts, asking, own)
    return own


async def confirm(accounts: Accounts, asking: Asking, password: str) -> None:
    """Make sure that it is the owner who asks for something that cannot be undone; raises PasswordWrong, LockedOut.

    Whoever knows the password alone is not forgiven wrong codes, as in `_settle`.
    """
    own = await _prove(accounts, asking, password)
    async with _begin(accounts, asking) as tx:
        await lockout.refuse_if_locked_by_now(tx, own.scopes)
        if own.login.totp_secret is None:
            await lockout.forgive(tx, own.scopes)


async def _settle(tx: Tx, asking: Asking, own: Own, changed: SignInChanged | None) -> None:
    """End a change that was made: failures are forgiven, the owner is told, and the audit trail says so.

    Who knows the password alone is not forgiven wrong codes: they could guess one after the other for ever.
    """
    if own.login.totp_secret is None or asking.row.action != PASSWORD:
        await lockout.forgive(tx, own.scopes)
    if changed is not None:
        await events.publish(tx, changed)
    await audit.record(tx, asking.row)


async def change_password(accounts: Accounts, asking: Asking, given: PasswordChange) -> None:
    """Change the password and end every other session; sending the same change twice makes it once.

    Raises PasswordWrong, PasswordRefused, LockedOut.
    """
    own, passwords = await _load(accounts, asking), accounts.passwords
    known = [own.login.password_hash, *own.login.previous_hashes]
    if not await passwords.verify(given.current_password, known[0]):
        if await passwords.verify(given.new_password, known[0]) and await passwords.verify(
            given.current_password, known[1] if len(known) > 1 else None
        ):
            return
        await _refuse_password(accounts, asking, own)
    hashed = await new_hash(passwords, own, given.new_password)
    async with _begin(accounts, asking) as tx:
        await lockout.refuse_if_locked_by_now(tx, own.scopes)
        made = await tx.do(q.SET_PASSWORD, asking.person_id, known[0], hashed) == 1
        if made:
            await tx.do(q.END_OTHERS, asking.person_id, asking.session_id, "password changed")
            await _settle(tx, asking, own, SignInChanged(asking.person_id, "password"))
    if not made:  # changed in the meantime, perhaps by the same form that was sent twice
        await change_password(accounts, asking, given)


async def new_hash(passwords: Passwords, own: Own, wanted: str) -> str:
    """Return the hash of a new password; raises PasswordRefused for one that is easy to guess or was used before."""
    await passwords.check(wanted, own.words, field="new_password")
    for stored in (own.login.password_hash, *own.login.previous_hashes):
        if await passwords.verify(wanted, stored):
            raise PasswordRefused.of("new_password", "password_used_before", "You have used this password before.")
    return await passwords.hash(wanted)


async def set_factor(accounts: Accounts, asking: Asking, given: ConfirmFactor) -> list[str]:
    """Store an authenticator secret of which a code is right; return recovery codes, to be shown once.

    Every other session ends: none of them has given a code. This one stays a member's; staff sign in again. The same
    secret again, from a form that was sent twice, makes new recovery codes: the first ones may never have been seen.
    Raises PasswordWrong, FactorExists, SecondFactorWrong, LockedOut.
    """
    own = await _prove(accounts, asking, given.current_password)
    stored, keys = own.login.totp_secret, accounts.keys
    if stored is not None and service.totp_secret(keys, asking.person_id, stored) != given.secret:
        raise FactorExists
    step = service.matching_step(given.secret, given.code)
    if step is None:
        raise SecondFactorWrong
    try:
        async with _begin(accounts, asking) as tx:
            await lockout.refuse_if_locked_by_now(tx, own.scopes)
            if stored is None:
                codes = await service.set_factor(tx, keys, asking.person_id, given.secret, step)
                await tx.do(q.END_OTHERS, asking.person_id, asking.session_id, "second factor set up")
                await _settle(tx, asking, own, SignInChanged(asking.person_id, "second_factor"))
            else:
                codes = await _new_codes(tx, accounts, asking)
                await _settle(tx, asking, own, None)
    except FactorExists:
        if stored is None:  # set up in the meantime
            return await set_factor(accounts, asking, given)
        raise
    return codes


async def _new_codes(tx: Tx, accounts: Accounts, asking: Asking) -> list[str]:
    codes = service.new_recovery_codes()
    digests = service.recovery_digests(accounts.keys, asking.person_id, codes)
    await tx.do(q.SET_RECOVERY, asking.person_id, digests)
    return codes


async def new_recovery_codes(accounts: Accounts, asking: Asking, given: RecoveryCodesAsked) -> list[str]:
    """Return new recovery codes in place of all earlier ones; the password alone does not get them.

    Raises PasswordWrong, FactorMissing, SecondFactorWrong, LockedOut.
    """
    own = await _prove(accounts, asking, given.current_password)
    stored = own.login.totp_secret
    if stored is None:
        raise FactorMissing
    codes: list[str] = []
    async with _begin(accounts, asking) as tx:
        await lockout.refuse_if_locked_by_now(tx, own.scopes)
        if await service.use_code(tx, accounts.keys, asking.person_id, stored, given.mfa_code):
            codes = await _new_codes(tx, accounts, asking)
            await _settle(tx, asking, own, SignInChanged(asking.person_id, "recovery_codes"))
        else:
            await count_failure(tx, asking.row, own)
    if not codes:
        raise SecondFactorWrong
    return codes


async def take_factor_off(accounts: Accounts, person_id: UUID) -> None:
    """Take off a second factor that was lost, end every session and tell the person. For those who run the service.

    Raises FactorMissing.
    """
    async with accounts.db.begin(DbRole.SIGNIN, actor=person_id) as tx:
        if not await tx.do(q.TAKE_FACTOR_OFF, person_id):
            raise FactorMissing
        await tx.do(q.END_OTHERS, person_id, ids.NIL, "second factor taken off")
        await events.publish(tx, SignInChanged(person_id, "second_factor_removed"))
        await audit.record(tx, audit.Access(action=FACTOR_OFF, section="account", person_id=person_id))
