"""Queueing and delivering as the worker does it, and what the database's owner sees of it."""

from typing import Any
from uuid import UUID

import msgspec
import psycopg

from tests.support.people import Person
from wellspring.kernel import ids
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JobContext, JobPayload
from wellspring.notify import service
from wellspring.notify.jobs import deliver, sweep
from wellspring.notify.ports import MailPort
from wellspring.notify.templates import Template


class Owner:
    """Sees and writes everything."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self.conn = conn

    def rows(self, sql: str, *args: object) -> list[Any]:
        return self.conn.execute(sql, args).fetchall()

    def do(self, sql: str, *args: object) -> int:
        return self.conn.execute(sql, args).rowcount


class Desk:
    """Queues messages and plays the worker, with any mail port."""

    def __init__(self, parts: Edge, owner: Owner) -> None:
        self.parts = parts
        self.owner = owner

    async def queue(
        self, to: Person, key: str = "page:1:0", template: Template = "crisis_page", **extra: Any
    ) -> UUID | None:
        async with self.parts.db.begin(DbRole.WORKER, subject=to.id) as tx:
            return await service.queue(tx, to.id, template, key, ids.new(), **extra)

    async def queued(self, to: Person, key: str = "page:1:0", **extra: Any) -> UUID:
        made = await self.queue(to, key, **extra)
        assert made is not None
        return made

    def context(self, port: MailPort | None) -> JobContext:
        return JobContext(self.parts.db, self.parts.settings, self.parts.keys, {"mail": port})

    async def deliver(self, to: Person, delivery_id: UUID, port: MailPort | None) -> None:
        await deliver(self.context(port), JobPayload(to.id, delivery_id))

    async def sweep(self) -> None:
        await sweep(self.context(None))

    def state(self, delivery_id: UUID) -> tuple[str, int, str | None]:
        """Return state, tries and error code."""
        rows = self.owner.rows("SELECT state, tries, error_code FROM notify.delivery WHERE id = %s", delivery_id)
        found: tuple[str, int, str | None] = rows[0]
        return found

    def jobs(self, delivery_id: UUID) -> list[float]:
        """Return the waits of the jobs for a delivery, in seconds, oldest first."""
        rows = self.owner.rows(
            "SELECT payload, round(extract(epoch FROM execute_after - created))::float8 FROM jobs.pgqueuer"
            " WHERE entrypoint = 'notify.deliver' AND status = 'queued' ORDER BY id"
        )
        return [wait for payload, wait in rows if msgspec.json.decode(payload)["ref"] == str(delivery_id)]

    def make_due(self, delivery_id: UUID) -> None:
        self.owner.do("UPDATE notify.delivery SET due_at = now() WHERE id = %s", delivery_id)
