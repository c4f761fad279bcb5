"""From an empty server to a migrated database: the database, the login roles, the history, the check of the keys."""

import re
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from wellspring.kernel import dsn
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import DbRole
from wellspring.kernel.errors import Problem
from wellspring.kernel.maintenance import AHEAD
from wellspring.migrations.runner import Runner

_OLDEST: Final = 150_000
_MARK: Final = "Wellspring, keys "
"""How the comment of a role begins that tells to which installation it belongs."""


class KeysDoNotFit(Problem):
    """These keys are not those the database was made with; what is stored could not be read."""

    code = "keys_do_not_fit"


class ServerTooOld(Problem):
    """This PostgreSQL server is too old. Version 15 or newer is needed."""

    code = "postgresql_too_old"


class RolesOfAnother(Problem):
    """Another installation, with other keys, uses the login roles of this PostgreSQL server. Its passwords stay.

    Give this installation a server of its own. If the other one is gone, drop the roles `wellspring_…` first.
    """

    code = "roles_of_another"


def with_database(url: str, name: str) -> str:
    """Return `url` with another database name."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, parts.fragment))


def ensure_database(server_url: str, name: str) -> str:
    """Create the database when it is missing; return its address."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
        raise ValueError(name)
    with psycopg.connect(server_url, autocommit=True) as conn:
        if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return with_database(server_url, name)


def _refuse_others_roles(conn: psycopg.Connection, mark: str) -> None:
    """Raise RolesOfAnother: the roles belong to the whole server, and a new password would lock the other one out."""
    marks = conn.execute(
        "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = ANY(%s)",
        ([role.login for role in DbRole],),
    ).fetchall()
    if any(found is not None and found.startswith(_MARK) and found != mark for (found,) in marks):
        raise RolesOfAnother


def ensure_roles(owner_url: str, keys: Keyring) -> None:
    """Create the login roles, give them today's passwords and time-outs, and let nobody else in."""
    mark = f"{_MARK}{keys.derive('roles').hex()[:32]}"
    with psycopg.connect(owner_url, autocommit=True) as conn:
        if conn.info.server_version < _OLDEST:
            raise ServerTooOld
        _refuse_others_roles(conn, mark)
        for role in DbRole:
            name, secret = sql.Identifier(role.login), sql.Literal(dsn.password(keys, role))
            known = conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role.login,)).fetchone()
            verb = sql.SQL("ALTER" if known else "CREATE")
            conn.execute(
                sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD {}").format(
                    verb, name, secret
                )
            )
            conn.execute(sql.SQL("COMMENT ON ROLE {} IS {}").format(name, sql.Literal(mark)))
            limit = "60s" if role in (DbRole.MAINTENANCE, DbRole.WORKER) else "5s"
            conn.execute(sql.SQL("ALTER ROLE {} SET statement_timeout = {}").format(name, sql.Literal(limit)))
            conn.execute(sql.SQL("ALTER ROLE {} SET lock_timeout = '4s'").format(name))
            # Statements look up one person by index: planning each anew cost more than running it.
            conn.execute(sql.SQL("ALTER ROLE {} SET plan_cache_mode = 'force_generic_plan'").format(name))
            # A plan made while a table was empty must not scan it once it has grown: use the index from the start.
            conn.execute(sql.SQL("ALTER ROLE {} SET enable_seqscan = off").format(name))
            conn.execute(sql.SQL("ALTER ROLE {} SET jit = off").format(name))
            conn.execute(sql.SQL("ALTER ROLE {} SET idle_in_transaction_session_timeout = '20s'").format(name))


def refuse_other_keys(owner_url: str, keys: Keyring) -> None:
    """Raise KeysDoNotFit when the database was made with other keys; one that is new has none yet."""
    with psycopg.connect(owner_url, autocommit=True) as conn:
        if conn.execute("SELECT to_regclass('kernel.boot')").fetchone() == (None,):
            return
        row = conn.execute("SELECT value FROM kernel.boot WHERE name = 'key_fingerprint'").fetchone()
    if row is not None and row[0] != keys.derive("fingerprint").hex():
        raise KeysDoNotFit


def check_keys(owner_url: str, keys: Keyring) -> None:
    """Refuse to start with other keys than those the database was made with."""
    print_now = keys.derive("fingerprint").hex()
    with psycopg.connect(owner_url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO kernel.boot (name, value) VALUES ('key_fingerprint', %s) ON CONFLICT DO NOTHING",
            (print_now,),
        )
        row = conn.execute("SELECT value FROM kernel.boot WHERE name = 'key_fingerprint'").fetchone()
    if row is None or row[0] != print_now:
        raise KeysDoNotFit


def ensure_partitions(owner_url: str) -> None:
    """Make the partitions of this quarter and the coming ones: after a long pause no job has done so yet."""
    with psycopg.connect(owner_url, autocommit=True) as conn:
        for table in ("audit", "stream"):
            conn.execute("SELECT kernel.ensure_partitions(%s, %s)", (table, AHEAD))


def prepare(owner_url: str, keys: Keyring) -> int:
    """Make the roles, run the history and check the keys; return how many versions ran.

    Other keys are refused before anything changes: the roles' passwords follow from the keys, and programs that run
    with the right ones must go on reaching the database.
    """
    refuse_other_keys(owner_url, keys)
    ensure_roles(owner_url, keys)
    count = Runner(owner_url).up()
    check_keys(owner_url, keys)
    ensure_partitions(owner_url)
    return count
