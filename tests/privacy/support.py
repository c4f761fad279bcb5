"""The database's owner, for arranging what no route makes yet, and the bodies of requests."""

from typing import Any
from uuid import UUID

import psycopg

from tests.support.people import Person
from wellspring.kernel import ids
from wellspring.kernel.db import Session
from wellspring.kernel.edge import Edge
from wellspring.kernel.principal import Principal
from wellspring.kernel.tokens import TokenKind


class Owner:
    """Sees and writes everything."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self.conn = conn

    def rows(self, sql: str, *args: object) -> list[Any]:
        return self.conn.execute(sql, args).fetchall()

    def do(self, sql: str, *args: object) -> int:
        return self.conn.execute(sql, args).rowcount

    def team(self, member: Person, clinician: Person, since: str = "2026-01-01") -> UUID:
        made = ids.new()
        self.do(
            "INSERT INTO privacy.care_team (person_id, id, clinician_id, since) VALUES (%s, %s, %s, %s)",
            member.id,
            made,
            clinician.id,
            since,
        )
        return made

    def audited(self, person_id: UUID) -> list[tuple[Any, ...]]:
        """Return action, actor, outcome and count of a person's rows, oldest first."""
        return self.rows(
            "SELECT action, actor_id, outcome, count FROM kernel.audit WHERE person_id = %s"
            " AND action NOT LIKE 'identity:%%' ORDER BY id",
            person_id,
        )


def principal_of(parts: Edge, person: Person) -> Principal:
    return parts.tokens.verify(person.tokens["access_token"], TokenKind.ACCESS)


def session_of(who: Principal) -> Session:
    return Session(who.person_id, who.session_id, who.version)


def grant_body(clinician: Person, *sections: str, **extra: Any) -> dict[str, Any]:
    return {"clinician_id": str(clinician.id), "sections": list(sections) or ["checkins"], **extra}
