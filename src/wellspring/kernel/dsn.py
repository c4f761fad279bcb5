"""Connection addresses: the owner's URL becomes one per login role, with passwords derived from the operator's keys.

Each connection also says in its name which key-encryption key is the newest that its process has read: a command that
runs beside it must not seal under a newer one.
"""

import base64
from typing import Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import DbRole

_LOGIN: Final = frozenset({"user", "password", "passfile"})


def without_login(query: str) -> str:
    """Return the query of an address without user and password, which libpq takes from there as well."""
    return "&".join(part for part in query.split("&") if unquote(part.partition("=")[0]) not in _LOGIN)


def password(keys: Keyring, role: DbRole) -> str:
    """Return the password of a login role."""
    return base64.urlsafe_b64encode(keys.derive(f"db-role:{role.value}")).decode().rstrip("=")


def for_role(url: str, keys: Keyring, role: DbRole) -> str:
    """Return `url` with the user and password of a role."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    login = f"{role.login}:{quote(password(keys, role), safe='')}@{address}"
    query = [without_login(parts.query), f"application_name={quote(name(role.value, keys))}"]
    return urlunsplit(("postgresql", login, parts.path, "&".join(filter(None, query)), ""))


def name(what: str, keys: Keyring) -> str:
    """Return the name under which a process's connections are seen by others."""
    return f"wellspring {what} key {keys.newest}"


def key_in(application_name: str) -> int:
    """Return the newest key that the process of a connection has read, the first one where its name tells none."""
    _, _, number = application_name.rpartition(" key ")
    return int(number) if number.isdecimal() else 1


def all_roles(url: str, keys: Keyring) -> dict[DbRole, str]:
    """Return the address for each role."""
    return {role: for_role(url, keys, role) for role in DbRole}
