"""`wellspring create-admin`: the first account that may give roles to others."""

import asyncio
import sys
from io import StringIO
from pathlib import Path
from typing import Annotated

import msgspec
import segno
import typer

from wellspring.cli import accounts, console, parts, served
from wellspring.cli.accounts import Made
from wellspring.cli.errors import SettingsWrong
from wellspring.cli.given import settings_from
from wellspring.cli.options import Data, Json
from wellspring.cli.owner import owner_url
from wellspring.identity.schemas import Register
from wellspring.kernel import keys
from wellspring.kernel.policy import Role
from wellspring.kernel.settings import Settings
from wellspring.migrations import bootstrap

app = typer.Typer()


@app.command()
def create_admin(
    email: str,
    password_file: Annotated[Path | None, typer.Option(help="Read the password from this file.")] = None,
    data: Data = None,
    *,
    json: Json = False,
) -> None:
    """Make an administrator with a second factor. The password is asked for, or read from standard input."""
    settings = settings_from(data)
    made = create(settings, email, read_password(password_file))
    if json:
        console.as_json(made)
    else:
        show(made)


def read_password(file: Path | None) -> str:
    """Return the password from a file, else from standard input, else asked for twice on the terminal."""
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise SettingsWrong(f"{file}: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise SettingsWrong(f"{file}: this is no text in UTF-8.") from error
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password (12 characters or more)", hide_input=True, confirmation_prompt=True, err=True))


def create(settings: Settings, email: str, password: str) -> Made:
    """Make the account; starts the embedded database when it does not run."""
    with owner_url(settings, new=True) as url:
        bootstrap.prepare(url, keys.load(settings))
        return asyncio.run(_create(settings, url, email, password))


async def _create(settings: Settings, url: str, email: str, password: str) -> Made:
    async with parts.opened(settings, served.ring(settings, url), url) as made:
        return await accounts.make_staff(made, wanted(email, password), Role.ADMIN)


def wanted(email: str, password: str) -> Register:
    """Return the account to make, with the bounds that hold for everybody. Raises SettingsWrong."""
    try:
        return msgspec.convert({"email": email, "password": password}, Register)
    except msgspec.ValidationError as error:
        raise SettingsWrong(f"{error}.") from error


def show(made: Made) -> None:
    """Print what the new administrator needs, once."""
    picture = StringIO()
    segno.make(made.otpauth_uri).terminal(out=picture, compact=True)
    console.say(f"Administrator {made.email} was created. Add the second factor to an authenticator app:\n")
    console.say(picture.getvalue())
    console.say(f"Secret: {made.totp_secret}\n{made.otpauth_uri}\n")
    console.say("Recovery codes. Each works once. They are not shown again:")
    for code in made.recovery_codes:
        console.say(f"  {code}")
