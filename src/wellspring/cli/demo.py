"""Synthetic people for `wellspring demo`: made once, their sign-ins printed at each start."""

import asyncio
import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from pyotp.totp import TOTP

from wellspring import slices
from wellspring.cli import accounts, console, parts, synthetic
from wellspring.cli.errors import NotEmpty
from wellspring.identity import service
from wellspring.identity.schemas import Register
from wellspring.identity.sessions import Where
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.edge import Edge
from wellspring.kernel.policy import Role
from wellspring.kernel.settings import Settings
from wellspring.kernel.tokens import TokenKind
from wellspring.migrations import bootstrap
from wellspring.migrations.runner import Runner

_PASSWORD: Final = "a quiet lamp by the river"  # noqa: S105  of synthetic people, on this machine only
_STAFF: Final = {"bob": Role.CLINICIAN, "dana": Role.RESPONDER, "erin": Role.ADMIN}


class SignIn(Struct, frozen=True):
    """How to sign in as one of the synthetic people; staff also need a code of their second factor."""

    role: str
    email: str
    password: str
    totp_secret: str | None = None
    code_now: str | None = None


def sign_ins_path(settings: Settings) -> Path:
    """Return where the sign-ins of this data folder are kept."""
    return settings.data / "demo-sign-ins.json"


def ensure(settings: Settings, ring: Keyring, url: str, people: int) -> list[SignIn]:
    """Fill the database with `people` synthetic people unless an earlier run has; return the sign-ins.

    A run that was stopped half-way is begun again. Raises NotEmpty on a database that holds other people.
    """
    path = sign_ins_path(settings)
    whole = path.exists() and synthetic.is_demo(url)
    if not whole:
        _clear(settings, ring, url)
        synthetic.mark(url)
        _write(path, asyncio.run(_fill(settings, ring, url, people)))
    return [_with_code(one) for one in msgspec.json.decode(path.read_bytes(), type=list[SignIn])]


def _clear(settings: Settings, ring: Keyring, url: str) -> None:
    if synthetic.is_empty(url):
        return
    if not synthetic.is_demo(url):
        raise NotEmpty(f"Choose another data folder than {settings.data}.")
    Runner(url).down(10_000)
    bootstrap.prepare(url, ring)
    slices.seed(url)


async def _fill(settings: Settings, ring: Keyring, url: str, people: int) -> list[SignIn]:
    async with parts.opened(settings, ring, url) as made:
        with console.progress("Making synthetic people") as advance:
            found = [await _member(made, "alice")]
            for name, role in _STAFF.items():
                found.append(await _staff(made, name, role))
                advance(len(found), people)
            return found


async def _staff(parts: Edge, name: str, role: Role) -> SignIn:
    wanted = Register(email=f"{name}@example.org", password=_PASSWORD, display_name=name.title())
    made = await accounts.make_staff(parts, wanted, role)
    return SignIn(role.value, made.email, _PASSWORD, made.totp_secret)


async def _member(parts: Edge, name: str) -> SignIn:
    wanted = Register(email=f"{name}@example.org", password=_PASSWORD, display_name=name.title())
    base = service.Accounts(parts.db, parts.keys, parts.ports["passwords"], parts.settings)
    await service.register(base, wanted, Where(None, "wellspring demo", ""), kind=TokenKind.ACCESS)
    return SignIn(Role.MEMBER.value, wanted.email, _PASSWORD)


def _with_code(one: SignIn) -> SignIn:
    if one.totp_secret is None:
        return one
    return msgspec.structs.replace(one, code_now=TOTP(one.totp_secret).now())


def _write(path: Path, sign_ins: list[SignIn]) -> None:
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(sign_ins))
    part.rename(path)


def show(sign_ins: list[SignIn], *, json: bool) -> None:
    """Print the sign-ins."""
    if json:
        console.as_json(sign_ins)
        return
    console.say("\nSynthetic people to sign in as:\n")
    for person in sign_ins:
        line = f"  {person.role:<12} {person.email:<26} {person.password}"
        second = f"  second factor {person.totp_secret}, code now {person.code_now}" if person.totp_secret else ""
        console.say(line + second)
    console.say("")
