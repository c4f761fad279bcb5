"""Synthetic people for `wellspring demo`: made once, their sign-ins printed at each start."""

from msgspec import Struct
from pyotp.totp import TOTP

from wellspring.cli import console, synthetic
from wellspring.cli.errors import DemoNotFilled, NotEmpty
from wellspring.demo import fill, sign_ins
from wellspring.demo.fill import FillError
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.settings import Settings


class SignIn(Struct, frozen=True):
    """How to sign in as one of the synthetic people; staff need `code_now` of their second factor too."""

    role: str
    name: str
    email: str
    password: str
    totp_secret: str | None
    code_now: str | None


def ensure(settings: Settings, ring: Keyring, url: str, people: int) -> list[SignIn]:
    """Fill the database with `people` synthetic people unless an earlier run has; return the sign-ins.

    A run that was stopped half-way is begun again. Raises NotEmpty on a database that holds other people, and
    DemoNotFilled.
    """
    if not synthetic.is_filled(url):
        if not synthetic.is_demo(url) and not synthetic.is_empty(url):
            raise NotEmpty(f"Choose another data folder than {settings.data}.")
        synthetic.mark(url, filled=False)
        with console.progress(f"Making a year of {people} synthetic people") as advance:
            try:
                fill(url, ring, people=people, progress=advance)
            except FillError as error:
                raise DemoNotFilled(str(error)) from error
        synthetic.mark(url, filled=True)
    return present(ring)


def present(ring: Keyring) -> list[SignIn]:
    """Return the sign-ins with the codes that the second factors show now."""
    return [
        SignIn(one.role, one.name, one.email, one.password, one.totp_secret, _code(one.totp_secret))
        for one in sign_ins(ring)
    ]


def _code(secret: str | None) -> str | None:
    return None if secret is None else TOTP(secret).now()


def show(people: list[SignIn], *, json: bool) -> None:
    """Print the sign-ins."""
    if json:
        console.as_json(people)
        return
    console.say("\nSynthetic people to sign in as. Nobody here exists.\n")
    for one in people:
        second = f"  second factor {one.totp_secret}, code now {one.code_now}" if one.totp_secret else ""
        console.say(f"  {one.role:<12} {one.email:<20} {one.password}{second}")
    console.say("")
