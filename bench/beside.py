"""pgbench beside: the program's own statements with the same rows, sent by PostgreSQL's own load tool."""

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec

from bench.server import Running
from wellspring.checkins import queries as q
from wellspring.kernel import audit, dsn
from wellspring.kernel.crypto import Sealer
from wellspring.kernel.db import DbRole, Query
from wellspring.kernel.paging import FIRST_ID, FIRST_TIME
from wellspring.postgres import tool_environment
from wellspring.postgres.binaries import binaries

RANDOM_ID = (
    "(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7abc8'"
    " || lpad(to_hex(:n::bigint), 15, '0'))::uuid"
)


WARM_S = 3


class Sql(str):
    """An argument that is an expression."""


def literal(value: object) -> str:
    """Return a value as SQL."""
    if isinstance(value, Sql):
        return str(value)
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'::bytea"
    if isinstance(value, UUID):
        return f"'{value}'::uuid"
    if isinstance(value, datetime):
        return f"'{value:%Y%m%dT%H%M%SZ}'::timestamptz"
    if isinstance(value, dict):
        return quoted(msgspec.json.encode(value).decode()) + "::jsonb"
    if isinstance(value, list):
        if value and isinstance(value[0], dict):
            return quoted(msgspec.json.encode(value).decode()) + "::jsonb"
        return "ARRAY[" + ",".join(map(literal, value)) + "]" if value else "'{}'"
    return quoted(str(value))


def quoted(text: str) -> str:
    """Return a text literal without `:x`, which pgbench would take for a variable."""
    return "'" + text.replace("'", "''").replace(":", ": ") + "'"


def inline(query: Query[object], *args: object) -> str:
    """Return a query with its arguments written in, on one line."""
    text = re.sub(r"\$(\d+)", lambda m: literal(args[int(m[1]) - 1]), query.sql)
    return re.sub(r"\s+", " ", text) + ";"


def opening(person: UUID, session: UUID) -> str:
    """Return what opens a transaction, in one round trip."""
    return (
        "\\startpipeline\nBEGIN;\n"
        f"SET LOCAL app.actor_id = '{person}';\n"
        f"SELECT 1 FROM identity.session WHERE person_id = '{person}' AND id = '{session}' AND version = 1"
        " AND ended_at IS NULL AND expires_at > now()"
        " AND (NOT is_staff OR last_seen_at > now() - interval '15 minutes');\n\\endpipeline\n"
    )


def access(person: UUID, session: UUID, action: str) -> tuple[object, ...]:
    """Return audit arguments with a fresh id."""
    row = audit.Access(
        action=action,
        section="checkins",
        person_id=person,
        actor_id=person,
        session_id=session,
        ip="127.0.0.1",
        request_id="00000000-0000-4000-8000-000000000000",
    ).args()
    return (row[0], Sql("uuidv7()"), *row[2:])


def create_script(person: UUID, session: UUID, text: str | None, interventions: list[UUID]) -> str:
    """Return the create transaction of one person."""
    row_id = Sql(RANDOM_ID)
    sealed = Sealer(b"k" * 32).seal((text or "").encode(), "x", person) if text else None
    context = inline(q.CONTEXT, person, Sql("sha256(:n::text::bytea)"), Sql(":n::bigint"))
    values = (
        datetime.now(UTC),
        "UTC",
        6,
        5,
        4,
        4,
        None,
        None,
        None,
        None,
        ["calm"],
        [3],
        "home",
        "alone",
        Sql("'[]'::jsonb"),
        None,
        "manual",
        None,
        False,
        None,
        sealed,
        bool(text),
        "read" if text else "none",
        "low",
        "low",
        0.05,
        False,
        None,
        {"risk": "2026.11.1", "rules": "2026.11.1"},
        *(("calm", None, 0.6, 0.2, [0.05] * 11 + [0.45], 0.04) if text else (None,) * 6),
    )
    context_json = {"mood": 6, "emotions": {"calm": 3}, "energy": 5, "anxiety": 4, "stress": 4, "place": "home"}
    write = inline(
        q.CREATE,
        person,
        row_id,
        *values,
        *access(person, session, "checkins:checkin:create"),
        Sql("sha256(:n::text::bytea)"),
        b"b" * 32,
        Sql("uuidv7()"),
        "bench.nothing",  # no worker takes it: what pgbench writes must not load the next measurement
        b"x" * 110,
        interventions[:3],
        [0.5, 0.5, 0.5],
        [0.25, 0.25, 0.25],
        [0.8, 0.7, 0.2],
        [{"key": "energy", "energy": "medium"}] * 3,
        context_json,
        "hlts-1.0",
    )
    return f"\\set n random(1, 1000000000000000)\n{opening(person, session)}{context}\n{write}\nCOMMIT;\n"


def list_script(person: UUID, session: UUID) -> str:
    """Return the list transaction of one person; its audit row goes out with the commit."""
    rows = inline(q.LIST, person, FIRST_TIME, FIRST_ID, Sql("NULL"), Sql("NULL"), 31)
    row = inline(audit.RECORD, *access(person, session, "checkins:checkin:list"))
    return f"{opening(person, session)}{rows}\n\\startpipeline\n{row}\nCOMMIT;\n\\endpipeline\n"


def rate(running: Running, scripts: list[str], seconds: int, folder: Path) -> float:
    """Run pgbench with 16 clients over the scripts and return transactions per second."""
    arguments = []
    for number, script in enumerate(scripts):
        file = folder / f"script{number}.sql"
        file.write_text(script)
        arguments += ["-f", str(file)]
    environment = {
        **tool_environment(running.cluster),
        "PGUSER": DbRole.MEMBER.login,
        "PGPASSWORD": dsn.password(running.ring, DbRole.MEMBER),
    }
    command = [str(binaries() / "pgbench"), "-n", "-M", "prepared", "-c", "16", "-P", "1", "-T", str(WARM_S + seconds)]
    done = subprocess.run([*command, *arguments, "wellspring"], env=environment, capture_output=True, text=True)
    rates = [float(rate) for rate in re.findall(r"progress: .*?, ([0-9.]+) tps", done.stderr)]
    if done.returncode or len(rates) < seconds:
        raise RuntimeError(done.stderr[-2000:])
    # Each client plans each statement of each script once: the first seconds are not counted.
    counted = rates[WARM_S:]
    return sum(counted) / len(counted)


__all__ = ["create_script", "list_script", "rate"]
