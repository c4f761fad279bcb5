"""Queueing and delivering: one occasion, one message, and the truth about what became of it."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from tests.notify.support import Desk, Owner
from tests.support.people import Circle, Person
from wellspring.kernel import ids
from wellspring.kernel.db import DbRole, Query, Tx
from wellspring.kernel.edge import Edge
from wellspring.kernel.jobs import JOBS, TICKS
from wellspring.notify import service
from wellspring.notify.jobs import GIVE_UP_S, MOST_TRIES
from wellspring.notify.ports import Mail, MailError, NotTakenError, RecordingMail, RefusedError, UncertainError

pytestmark = pytest.mark.anyio


async def test_a_message_is_sent_to_its_person(dana: Person, desk: Desk, owner: Owner) -> None:
    port = RecordingMail()
    made = await desk.queued(dana)
    assert desk.jobs(made) == [0.0]
    await desk.deliver(dana, made, port)
    assert [(mail.to, mail.key) for mail in port.sent] == [(dana.email, str(made))]
    assert desk.state(made) == ("sent", 1, None)
    rows = owner.rows("SELECT provider_id, sent_at IS NOT NULL FROM notify.delivery WHERE id = %s", made)
    assert rows == [("recorded-1", True)]


async def test_words_are_in_the_persons_language(circle: Circle, desk: Desk) -> None:
    desiree, port = await circle.member("desiree", language="fr"), RecordingMail()
    await desk.deliver(desiree, await desk.queued(desiree), port)
    await desk.deliver(desiree, await desk.queued(desiree, "page:2:0", language="en"), port)
    assert "Ouvrez Wellspring" in port.sent[0].text
    assert "Open Wellspring" in port.sent[1].text


async def test_one_occasion_is_one_message(dana: Person, erin: Person, desk: Desk, owner: Owner) -> None:
    assert await desk.queue(dana) is not None
    assert await desk.queue(dana) is None
    assert await desk.queue(erin) is not None
    assert await desk.queue(dana, "page:1:1") is not None
    assert owner.rows("SELECT count(*) FROM notify.delivery") == [(3,)]
    assert owner.rows("SELECT count(*) FROM jobs.pgqueuer WHERE entrypoint = 'notify.deliver'") == [(3,)]


async def test_one_occasion_at_the_same_moment_is_one_message(dana: Person, desk: Desk) -> None:
    made = await asyncio.gather(*(desk.queue(dana) for _ in range(8)))
    assert len([one for one in made if one is not None]) == 1


async def queue_in(tx: Tx, person_id: UUID) -> UUID | None:
    return await service.queue(tx, person_id, "crisis_page", "page:1:0", ids.new())


async def queue_and_fail(desk: Desk, person_id: UUID) -> None:
    async with desk.parts.db.begin(DbRole.WORKER, subject=person_id) as tx:
        assert await queue_in(tx, person_id) is not None
        raise RuntimeError("the caller failed")


async def test_nothing_is_queued_when_the_caller_fails(dana: Person, desk: Desk, owner: Owner) -> None:
    with pytest.raises(RuntimeError):
        await queue_and_fail(desk, dana.id)
    assert owner.rows("SELECT count(*) FROM notify.delivery") == [(0,)]
    assert owner.rows("SELECT count(*) FROM jobs.pgqueuer WHERE entrypoint = 'notify.deliver'") == [(0,)]


async def test_running_twice_sends_once(dana: Person, desk: Desk) -> None:
    port = RecordingMail()
    made = await desk.queued(dana)
    await asyncio.gather(*(desk.deliver(dana, made, port) for _ in range(5)))
    await desk.deliver(dana, made, port)
    assert len(port.sent) == 1
    assert desk.state(made) == ("sent", 1, None)


async def test_without_a_mail_server_it_stays_not_sent(dana: Person, desk: Desk) -> None:
    made = await desk.queued(dana)
    await desk.deliver(dana, made, None)
    assert desk.state(made) == ("not_sent", 1, "mail_not_set_up")
    port = RecordingMail()
    await desk.deliver(dana, made, port)
    assert port.sent == []


async def test_a_refused_address_is_not_tried_again(dana: Person, desk: Desk) -> None:
    made = await desk.queued(dana)
    await desk.deliver(dana, made, RecordingMail(RefusedError("smtp_550")))
    assert desk.state(made) == ("failed", 1, "smtp_550")
    assert desk.jobs(made) == [0.0]


async def test_what_may_have_arrived_is_never_sent_again(dana: Person, desk: Desk) -> None:
    port = RecordingMail(UncertainError("no_answer"))
    made = await desk.queued(dana)
    for _ in range(3):
        await desk.deliver(dana, made, port)
        desk.make_due(made)
    await desk.sweep()
    assert desk.state(made) == ("unknown", 1, "no_answer")
    assert (port.sent, desk.jobs(made)) == ([], [0.0])


async def test_it_is_tried_again_with_growing_waits(dana: Person, desk: Desk) -> None:
    port = RecordingMail(*(NotTakenError("smtp_unreachable") for _ in range(MOST_TRIES)))
    made = await desk.queued(dana)
    for tried in range(1, MOST_TRIES):
        await desk.deliver(dana, made, port)
        assert desk.state(made) == ("queued", tried, "smtp_unreachable")
        desk.make_due(made)
    assert desk.jobs(made) == [0.0, 15.0, 30.0, 60.0, 120.0]
    await desk.deliver(dana, made, port)
    assert desk.state(made) == ("failed", MOST_TRIES, "smtp_unreachable")
    assert len(desk.jobs(made)) == MOST_TRIES


async def test_a_second_try_that_works_ends_well(dana: Person, desk: Desk) -> None:
    port = RecordingMail(NotTakenError("smtp_451"))
    made = await desk.queued(dana)
    await desk.deliver(dana, made, port)
    desk.make_due(made)
    await desk.deliver(dana, made, port)
    assert desk.state(made) == ("sent", 2, None)
    assert len(port.sent) == 1


async def test_a_try_before_its_time_does_nothing(dana: Person, desk: Desk) -> None:
    port = RecordingMail(NotTakenError("smtp_451"))
    made = await desk.queued(dana)
    await desk.deliver(dana, made, port)
    await desk.deliver(dana, made, port)
    assert desk.state(made) == ("queued", 1, "smtp_451")


async def test_a_person_without_an_address(dana: Person, desk: Desk, owner: Owner) -> None:
    made = await desk.queued(dana)
    owner.do("UPDATE identity.person SET email = NULL WHERE person_id = %s", dana.id)
    await desk.deliver(dana, made, RecordingMail())
    assert desk.state(made) == ("failed", 1, "no_address")


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE identity.person SET status = 'suspended' WHERE person_id = %s",
        "UPDATE identity.person SET email = '\\x0102030405060708090a0b0c0d0e0f10111213' WHERE person_id = %s",
        "DELETE FROM kernel.person_key WHERE person_id = %s",
    ],
)
async def test_an_address_that_may_not_or_cannot_be_read(dana: Person, desk: Desk, owner: Owner, harm: str) -> None:
    made, port = await desk.queued(dana), RecordingMail()
    assert owner.do(harm, dana.id) == 1
    await desk.deliver(dana, made, port)
    assert (desk.state(made), port.sent) == (("failed", 1, "no_address"), [])


async def test_an_erased_person_is_not_written_to(dana: Person, desk: Desk, owner: Owner) -> None:
    made, port = await desk.queued(dana), RecordingMail()
    owner.do("DELETE FROM identity.person WHERE person_id = %s", dana.id)
    await desk.deliver(dana, made, port)
    assert port.sent == []


class Dying:
    """A worker that dies while it sends."""

    async def send(self, mail: Mail) -> str:
        raise asyncio.CancelledError


class Slow:
    """Sends, or fails, only once it is told to."""

    def __init__(self, failure: MailError | None = None) -> None:
        self.failure = failure
        self.go = asyncio.Event()
        self.began = asyncio.Event()

    async def send(self, mail: Mail) -> str:
        self.began.set()
        await self.go.wait()
        if self.failure is not None:
            raise self.failure
        return "slow-1"


async def test_a_dead_workers_message_becomes_unknown(dana: Person, desk: Desk, owner: Owner) -> None:
    made = await desk.queued(dana)
    with pytest.raises(asyncio.CancelledError):
        await desk.deliver(dana, made, Dying())
    await desk.sweep()
    assert desk.state(made) == ("sending", 1, None)
    owner.do("UPDATE notify.delivery SET claimed_at = claimed_at - make_interval(secs => %s)", GIVE_UP_S + 1)
    await desk.sweep()
    assert desk.state(made) == ("unknown", 1, "interrupted")
    port = RecordingMail()
    await desk.deliver(dana, made, port)
    assert port.sent == []


async def test_a_slow_worker_still_tells_the_truth(dana: Person, desk: Desk, owner: Owner) -> None:
    made, port = await desk.queued(dana), Slow()
    running = asyncio.create_task(desk.deliver(dana, made, port))
    await port.began.wait()
    owner.do("UPDATE notify.delivery SET claimed_at = claimed_at - make_interval(secs => %s)", GIVE_UP_S + 1)
    await desk.sweep()
    assert desk.state(made)[0] == "unknown"
    port.go.set()
    await running
    assert desk.state(made) == ("sent", 1, None)


async def test_a_worker_that_was_overtaken_changes_nothing(dana: Person, desk: Desk, owner: Owner) -> None:
    made, port = await desk.queued(dana), Slow(NotTakenError("smtp_451"))
    running = asyncio.create_task(desk.deliver(dana, made, port))
    await port.began.wait()
    owner.do("UPDATE notify.delivery SET tries = tries + 1, state = 'sent'")
    port.go.set()
    await running
    assert (desk.state(made), desk.jobs(made)) == (("sent", 2, None), [0.0])


async def test_nothing_is_held_open_while_sending(dana: Person, desk: Desk, owner: Owner) -> None:
    made, port = await desk.queued(dana), Slow()
    running = asyncio.create_task(desk.deliver(dana, made, port))
    await port.began.wait()
    open_now = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%%'"
    assert owner.rows(open_now) == [(0,)]
    port.go.set()
    await running


async def test_the_sweep_finds_a_message_without_a_job_once(dana: Person, desk: Desk, owner: Owner) -> None:
    made = await desk.queued(dana)
    owner.do("DELETE FROM jobs.pgqueuer")
    await desk.sweep()
    assert desk.jobs(made) == []
    owner.do("UPDATE notify.delivery SET due_at = due_at - interval '3 minutes'")
    await desk.sweep()
    await desk.sweep()
    assert desk.jobs(made) == [0.0]


async def test_both_are_known_to_the_worker() -> None:
    assert "notify.deliver" in JOBS
    assert TICKS["notify.sweep"][0] == "* * * * * 0"


@pytest.mark.parametrize("role", [DbRole.MEMBER, DbRole.STAFF, DbRole.SIGNIN, DbRole.MAINTENANCE])
async def test_only_a_worker_queues(dana: Person, parts: Edge, role: DbRole) -> None:
    add = Query(
        "INSERT INTO notify.delivery (person_id, id, channel, template, language, unique_key, ref)"
        " VALUES ($1, $2, 'mail', 'crisis_page', 'en', 'k', $2)",
        int,
        register=False,
    )
    async with parts.db.begin(role, actor=dana.id, subject=dana.id) as tx:
        await tx.savepoint()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.do(add, dana.id, ids.new())
        await tx.undo()


async def test_a_worker_queues_for_its_subject_only(dana: Person, erin: Person, parts: Edge) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with parts.db.begin(DbRole.WORKER, subject=dana.id) as tx:
            await queue_in(tx, erin.id)


async def test_a_message_of_a_newer_version_is_left_to_a_newer_worker(dana: Person, desk: Desk, owner: Owner) -> None:
    port = RecordingMail()
    made = await desk.queued(dana, template="roles_changed")
    owner.do("UPDATE notify.delivery SET template = 'of_tomorrow' WHERE id = %s", made)
    await desk.deliver(dana, made, port)
    assert desk.state(made) == ("queued", 0, None)
    owner.do("UPDATE notify.delivery SET due_at = now() - interval '1 hour' WHERE id = %s", made)
    await desk.sweep()
    assert len(desk.jobs(made)) == 2, "it is handed out again until somebody knows it"
    owner.do("UPDATE notify.delivery SET template = 'roles_changed' WHERE id = %s", made)
    await desk.deliver(dana, made, port)
    assert desk.state(made) == ("sent", 1, None)
