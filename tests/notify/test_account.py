"""Mails about changes of how somebody signs in."""

import msgspec
import pytest

from tests.notify.support import Desk, Owner
from tests.support.people import PASSWORD, Person
from wellspring.kernel.jobs import JOBS, JobPayload

pytestmark = pytest.mark.anyio


async def test_the_owner_is_told_once_that_the_password_was_changed(alice: Person, desk: Desk, owner: Owner) -> None:
    body = {"current_password": PASSWORD, "new_password": "seven slow boats at noon"}
    assert (await alice.put("/v1/users/me/password", json=body)).status_code == 204
    jobs = owner.rows("SELECT entrypoint, payload FROM jobs.pgqueuer WHERE entrypoint LIKE 'notify.%%'")
    assert [name for name, _ in jobs] == ["notify.password"]
    job = msgspec.json.decode(jobs[0][1], type=JobPayload)
    for _ in range(2):
        await JOBS["notify.password"](desk.context(None), job)
    rows = owner.rows("SELECT person_id, template, state FROM notify.delivery")
    assert rows == [(alice.id, "password_changed", "queued")]


async def test_a_refused_change_tells_nobody(alice: Person, owner: Owner) -> None:
    body = {"current_password": "not it at all", "new_password": "seven slow boats at noon"}
    assert (await alice.put("/v1/users/me/password", json=body)).status_code == 403
    assert owner.rows("SELECT entrypoint FROM jobs.pgqueuer WHERE entrypoint LIKE 'notify.%%'") == []


@pytest.mark.parametrize("what", ["second_factor", "recovery_codes", "second_factor_removed"])
async def test_the_other_changes_have_mails_too(alice: Person, desk: Desk, owner: Owner, what: str) -> None:
    await JOBS[f"notify.{what}"](desk.context(None), JobPayload(alice.id, alice.id))
    template = {"second_factor": "second_factor_set", "recovery_codes": "recovery_codes_made"}.get(what, what)
    assert owner.rows("SELECT template FROM notify.delivery") == [(template,)]
