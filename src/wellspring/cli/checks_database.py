"""Checks of the database, as its owner."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import psycopg
from msgspec import Struct

from wellspring.cli import synthetic
from wellspring.cli.checks import OK, Finding, Report, failed, skipped, warning
from wellspring.kernel import keys
from wellspring.kernel.connections import most
from wellspring.kernel.db import DbRole
from wellspring.kernel.jobs import JOBS
from wellspring.kernel.settings import Settings
from wellspring.kernel.tables import TABLES, Kind
from wellspring.migrations.runner import DatabaseNewer, Runner
from wellspring.privacy.ledger import Ledger

_OLDEST: Final = 150000
_SECONDS_APART: Final = 2.0
_ROLES: Final = r"""
SELECT rolname FROM pg_roles WHERE rolname LIKE 'wellspring\_%' AND (rolbypassrls OR rolsuper)
UNION ALL
SELECT DISTINCT r.rolname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname LIKE 'wellspring\_%'
"""
_POWERLESS: Final = """
SELECT n FROM unnest(%s::text[]) AS n LEFT JOIN pg_roles r ON r.rolname = n
WHERE r.oid IS NULL OR NOT has_schema_privilege(r.oid, 'kernel', 'USAGE')
UNION ALL
SELECT n FROM unnest(%s::text[]) AS n WHERE NOT EXISTS (SELECT 1 FROM pg_policy WHERE polrelid = to_regclass(n))
"""
_WRAPPED_UNDER: Final = "SELECT DISTINCT get_byte(wrapped, 1) FROM kernel.person_key WHERE octet_length(wrapped) > 1"
_ABLE: Final = (
    "FROM identity.person p JOIN identity.login l USING (person_id)"
    " WHERE p.status = 'active' AND l.totp_secret IS NOT NULL"
)
"""Those who can act as staff: without a second factor a role does nothing."""


class Database(Struct, frozen=True):
    """What a check of the database may use."""

    settings: Settings
    url: str
    conn: "psycopg.Connection[tuple[object, ...]]"

    def value(self, sql: str) -> object:
        """Return the first cell, or None."""
        row = self.conn.execute(sql.encode()).fetchone()
        return None if row is None else row[0]


def _version(db: Database) -> Finding:
    number = db.conn.info.server_version
    words = f"PostgreSQL {number // 10000}.{number % 10000}"
    return Finding("ok", words) if number >= _OLDEST else failed(f"{words}: 15 or newer is needed.")


def _history(db: Database) -> Finding:
    try:
        states = Runner(db.url).status()
    except DatabaseNewer as newer:
        return failed(newer.words())
    waiting = [state.version for state in states if state.applied_at is None]
    changed = [state.version for state in states if not state.unchanged]
    if changed:
        return failed(f"Changed after they ran: {', '.join(changed)}.")
    if waiting:
        return failed(f"{len(waiting)} have not run: `wellspring migrate up`.")
    return Finding("ok", f"{len(states)} ran")


def _keys_fit(db: Database) -> Finding:
    stored = db.value("SELECT value FROM kernel.boot WHERE name = 'key_fingerprint'")
    if stored is None:
        return skipped("The database has not been used yet.")
    if stored != keys.load(db.settings).derive("fingerprint").hex():
        return failed("These keys are not those the database was made with: nothing sealed could be read.")
    known = {int(number) for number in keys.ensure(db.settings).keks}
    used = {int(str(row[0])) for row in db.conn.execute(_WRAPPED_UNDER.encode()).fetchall()}
    missing = sorted(used - known)
    if missing:
        return failed(f"Key-encryption keys are missing: {missing}. What people sealed under them cannot be read.")
    older = sorted(used - {max(known)})
    if older:
        return warning(
            f"Key {max(known)} is the newest, and data keys are wrapped under {older}: `wellspring keys rewrap`, once"
            " every process seals under the newest."
        )
    return OK


def _roles(db: Database) -> Finding:
    logins = [role.login for role in DbRole]
    guarded = [table.name for table in TABLES.values() if table.kind is Kind.PERSON]
    bare = [str(row[0]) for row in db.conn.execute(_POWERLESS.encode(), (logins, guarded)).fetchall()]
    if bare:
        return failed(f"Rights or policies are missing ({', '.join(bare)}): was a dump restored before the roles were?")
    names = [str(row[0]) for row in db.conn.execute(_ROLES.encode()).fetchall()]
    if names:
        return failed(f"These own tables or pass by row-level security: {', '.join(names)}.")
    return OK


def _admin(db: Database) -> Finding:
    count = db.value(f"SELECT count(*) {_ABLE} AND 'admin' = ANY(roles)")
    return OK if count else warning("Nobody can give roles to others: `wellspring create-admin EMAIL`.")


def _responder(db: Database) -> Finding:
    count = db.value(f"SELECT count(*) {_ABLE} AND 'responder' = ANY(roles)")
    return OK if count else warning("No responder with a second factor: members in danger read that nobody is on duty.")


def _supervisor(db: Database) -> Finding:
    if db.settings.environment != "production":
        return skipped("Only where real people are served.")
    count = db.value(
        f"SELECT count(*) {_ABLE} AND 'responder' = ANY(roles)"
        " AND EXISTS (SELECT 1 FROM safety.duty d WHERE d.person_id = p.person_id AND d.is_supervisor)"
    )
    return OK if count else warning("No supervisor with a second factor: nobody can close what could not be reached.")


def _connections(db: Database) -> Finding:
    """Each process has a pool for each role and one connection beside them: LISTEN, or the queue."""
    processes = db.settings.web_processes + 1
    wanted = processes * (1 + sum(most(role.value, db.settings.pool_size) for role in DbRole))
    allowed = int(str(db.value("SHOW max_connections"))) - int(str(db.value("SHOW superuser_reserved_connections")))
    if wanted > allowed:
        return warning(
            f"Under load {processes} processes open up to {wanted} connections, and PostgreSQL takes {allowed}: raise"
            " max_connections, or lower WELLSPRING_POOL_SIZE. Beyond it people are told to come back in a moment."
        )
    return Finding("ok", f"up to {wanted} of {allowed}")


def _clock(db: Database) -> Finding:
    theirs = db.value("SELECT clock_timestamp()")
    assert isinstance(theirs, datetime)
    apart = abs((datetime.now(UTC) - theirs).total_seconds())
    if apart > _SECONDS_APART:
        return failed(f"This machine and the database are {apart:.0f} s apart: set the clocks.")
    return OK


def _jobs(db: Database) -> Finding:
    late = {
        str(name): int(str(count))
        for name, count in db.conn.execute(
            "SELECT entrypoint, count(*) FROM jobs.pgqueuer WHERE status = 'queued'"
            " AND execute_after < now() - interval '10 minutes' GROUP BY entrypoint"
        )
    }
    if strange := sorted(late.keys() - JOBS.keys()):
        return warning(f"No worker of this version does {', '.join(strange)}: they are set aside after a day.")
    if late:
        return warning(f"{sum(late.values())} have waited for more than ten minutes: is a worker running?")
    held = db.value("SELECT count(*) FROM jobs.pgqueuer WHERE status = 'failed'")
    return warning(f"{held} failed too often and were set aside: `wellspring jobs list`.") if held else OK


def _synthetic(db: Database) -> Finding:
    if not synthetic.is_demo(db.url):
        return OK
    return warning("This database holds synthetic people: only `wellspring demo` serves it.")


def _erased(db: Database) -> Finding:
    named = Ledger.of(db.settings).people()
    if not named:
        return OK
    row = db.conn.execute("SELECT count(*) FROM identity.person WHERE person_id = ANY(%s)", (named,)).fetchone()
    back = 0 if row is None else row[0]
    return failed(f"{back} erased people came back with a backup: `wellspring people replay`.") if back else OK


_FIRST: Final[tuple[tuple[str, str, Callable[[Database], Finding]], ...]] = (
    ("WS020", "PostgreSQL", _version),
    ("WS021", "Migrations", _history),
)
_AFTER: Final[tuple[tuple[str, str, Callable[[Database], Finding]], ...]] = (
    ("WS022", "Keys fit the database", _keys_fit),
    ("WS023", "Database roles", _roles),
    ("WS024", "Administrator", _admin),
    ("WS025", "Responder", _responder),
    ("WS026", "Clocks", _clock),
    ("WS027", "Jobs", _jobs),
    ("WS028", "Real people", _synthetic),
    ("WS029", "Supervisor", _supervisor),
    ("WS030", "Connections", _connections),
    ("WS031", "Erased people", _erased),
)
"""These read tables, so they wait for the migrations."""


def unreachable(words: str) -> list[Report]:
    """Return what to report when the database does not answer."""
    rest = [Report(code, title, "skipped", "") for code, title, _ in (*_FIRST[1:], *_AFTER)]
    return [Report("WS020", "PostgreSQL", "failed", words), *rest]


def look(settings: Settings, url: str) -> list[Report]:
    """Return the findings; raises psycopg.OperationalError when the database does not answer."""
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as conn:
        db = Database(settings, url, conn)
        reports = [_report(db, *check) for check in _FIRST]
        ready = all(report.state == "ok" for report in reports)
        late = [_report(db, *check) if ready else Report(check[0], check[1], "skipped", "") for check in _AFTER]
    return [*reports, *late]


def _report(db: Database, code: str, title: str, check: Callable[[Database], Finding]) -> Report:
    found = check(db)
    return Report(code, title, found.state, found.words)
