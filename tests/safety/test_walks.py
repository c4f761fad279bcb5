"""Random walks through a night at the desk: whatever people do, nobody in danger is left without anybody.

Members write and ask, responders take, step, fall asleep, go off duty, are suspended and lose their second factor, and
time passes. After each walk: the desk and the events agree, and every event that is not closed has told somebody within
the time that the protocol gives it and can be taken by whoever comes on duty next.
"""

from random import Random
from typing import Any, Final, get_args
from uuid import UUID

import asyncpg
import pytest

from tests.safety.test_desk import context, rows
from tests.safety.test_paging import run_due
from tests.support.people import Circle, Person
from wellspring.kernel.edge import Edge
from wellspring.kernel.policy import Role
from wellspring.safety import paging, unattended
from wellspring.safety.protocol import NO_AFTER_CARE, REACHED, REVIEWED, UNREACHED, CareResult

pytestmark = pytest.mark.anyio
DANGER: Final = "I am going to kill myself tonight, goodbye"
OUTCOMES: Final = sorted({*REACHED, *UNREACHED, *REVIEWED, "duplicate"})
STEPS: Final = ("contact", "resolve", "hand_back", "close", "give_up", "review", "raise")
CLOCKS: Final = (
    "safety.crisis_event.created_at",
    "safety.crisis_event.paged_at",
    "safety.crisis_event.response_due_at",
    "safety.crisis_event.claimed_at",
    "safety.crisis_event.contacted_at",
    "safety.desk.claimed_at",
    "safety.desk.response_due_at",
    "safety.desk.care_due_at",
    "safety.duty.until",
    "safety.page.at",
    "jobs.pgqueuer.execute_after",
)
OPEN: Final = "state NOT IN ('resolved', 'reviewed', 'lapsed')"


class Night:
    """One walk: who is there, and what may happen next."""

    def __init__(self, seed: int, url: str, parts: Edge, members: list[Person], staff: list[Person]) -> None:
        self.random = Random(seed)
        self.url = url
        self.parts = parts
        self.members = members
        self.staff = staff

    async def passes(self, minutes: float) -> None:
        """Let time pass, and let jobs and sweeps do what is due then."""
        conn = await asyncpg.connect(self.url)
        for clock in CLOCKS:
            table, _, column = clock.rpartition(".")
            await conn.execute(f"UPDATE {table} SET {column} = {column} - make_interval(secs => $1)", minutes * 60.0)
        await conn.close()
        if self.random.random() < 0.7:  # the queue is not always there
            await run_due(self.parts, self.url)
        for sweep in (paging.hand_back, paging.sweep, paging.remind, unattended.sweep):
            await sweep(context(self.parts))

    async def someone_writes(self) -> None:
        who = self.random.choice(self.members)
        said: tuple[str, dict[str, Any]] = self.random.choice(
            [
                ("/v1/checkins", {"mood_score": 1, "journal_text": DANGER}),
                ("/v1/checkins", {"mood_score": 1, "stress_level": 10, "anxiety_level": 10}),
                ("/v1/checkins", {"mood_score": 8}),
                ("/v1/crisis/report", {}),
                ("/v1/crisis/report", {"note": "please", "wants_contact": False}),
            ]
        )
        answer = await who.post(said[0], json=said[1])
        assert answer.status_code == 201, answer.text

    async def someone_acts(self) -> None:
        responder = self.random.choice(self.staff)
        if self.random.random() < 0.2:
            await self.someone_cares(responder)
            return
        found = await rows(self.url, f"SELECT person_id, id FROM safety.crisis_event WHERE {OPEN}")
        if not found:
            return
        event = self.random.choice(found)
        path = f"/v1/people/{event['person_id']}/crisis-events/{event['id']}"
        if self.random.random() < 0.5:
            answer = await responder.post(path + "/claim")
        else:
            step = {"step": self.random.choice(STEPS), "outcome": self.random.choice([*OUTCOMES, None])}
            answer = await responder.post(path + "/steps", json=step)
        assert answer.status_code in (200, 401, 403, 404, 409, 422), answer.text

    async def someone_cares(self, responder: Person) -> None:
        """A contact after a closed event is taken over, or made."""
        found = await rows(self.url, "SELECT person_id, id, care_step FROM safety.desk WHERE care_due_at IS NOT NULL")
        if not found:
            return
        event = self.random.choice(found)
        path = f"/v1/people/{event['person_id']}/crisis-events/{event['id']}"
        body = {"step": event["care_step"], "result": self.random.choice(get_args(CareResult))}
        if self.random.random() < 0.5:
            answer = await responder.post(path + "/claim")
        else:
            answer = await responder.post(path + "/after-care", json=body)
        assert answer.status_code in (200, 401, 403, 404, 409), answer.text

    async def someone_comes_or_goes(self) -> None:
        responder = self.random.choice(self.staff)
        change = self.random.choice(
            [
                "UPDATE identity.person SET status = 'suspended' WHERE person_id = $1",
                "UPDATE identity.person SET status = 'active' WHERE person_id = $1",
                "UPDATE identity.login SET totp_secret = NULL WHERE person_id = $1",
                "UPDATE identity.login SET totp_secret = 'x' WHERE person_id = $1",
                "UPDATE safety.duty SET is_supervisor = NOT is_supervisor WHERE person_id = $1",
                "",
                "",
            ]
        )
        if change:
            await rows(self.url, change, responder.id)
        else:
            await responder.put("/v1/crisis/duty", json={"on_duty": self.random.random() < 0.7})

    async def goes_on(self) -> None:
        """Let one thing happen."""
        chance = self.random.random()
        if chance < 0.2:
            await self.someone_writes()
        elif chance < 0.6:
            await self.someone_acts()
        elif chance < 0.75:
            await self.someone_comes_or_goes()
        else:
            await self.passes(self.random.choice([0.5, 3, 12, 35, 70, 130, 500]))

    async def desk_and_events_agree(self) -> None:
        differ = await rows(
            self.url,
            "SELECT e.id FROM safety.crisis_event e LEFT JOIN safety.desk d USING (person_id, id)"
            " WHERE (e.state, e.risk_level, e.claimed_by, e.response_due_at)"
            " IS DISTINCT FROM (d.state, d.risk_level, d.claimed_by, d.response_due_at)",
        )
        assert differ == []


async def untold(url: str) -> list[UUID]:
    """Return events that are not closed and told nobody for as long as the rarest page may take: a day."""
    found = await rows(
        url,
        f"SELECT id FROM safety.crisis_event e WHERE {OPEN} AND NOT EXISTS (SELECT 1 FROM safety.page p"
        " WHERE p.event_id = e.id AND p.at > now() - interval '25 hours')",
    )
    return [row["id"] for row in found]


async def uncared(url: str) -> list[UUID]:
    """Return what breaks after-care: late and reminded of by nobody, two for one person, or closed and left alone."""
    found = await rows(
        url,
        "SELECT d.id FROM safety.desk d WHERE d.care_due_at < now() AND d.care_reminded = 0"
        " UNION ALL SELECT person_id FROM safety.desk WHERE care_due_at IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
        " UNION ALL SELECT e.id FROM safety.crisis_event e JOIN safety.desk d USING (person_id, id)"
        " WHERE e.state = 'resolved' AND e.outcome <> ALL($1::text[]) AND d.care_step IS NULL AND NOT EXISTS"
        " (SELECT 1 FROM safety.event_step s WHERE s.event_id = e.id AND s.care_result IS NOT NULL)",
        sorted(NO_AFTER_CARE),
    )
    return [row["id"] for row in found]


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_nobody_is_left_without_anybody(
    alice: Person, charlie: Person, circle: Circle, parts: Edge, database_url: str, seed: int
) -> None:
    staff = [await circle.staff(name, Role.RESPONDER) for name in ("dana", "fay", "gil")]
    night = Night(seed, database_url, parts, [alice, charlie], staff)
    for _ in range(60):
        await night.goes_on()
        await night.desk_and_events_agree()
    fresh = await circle.staff("fresh", Role.RESPONDER)
    for _ in range(10):
        await night.passes(181)
    assert await untold(database_url) == []
    assert await uncared(database_url) == []
    await fresh.put("/v1/crisis/duty", json={"on_duty": True})
    left = await rows(database_url, f"SELECT person_id, id FROM safety.crisis_event WHERE {OPEN}")
    assert left, "a walk that ends with nothing open proves nothing"
    for event in left:
        path = f"/v1/people/{event['person_id']}/crisis-events/{event['id']}"
        answer = await fresh.post(path + "/claim")
        assert answer.status_code == 200, answer.text
        assert answer.json()["next_steps"], "whoever has it can go on"
    await night.desk_and_events_agree()
