"""What administrators do with an account: each act is one transaction with its audit row, a refused one included."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from wellspring.admin.errors import LastAdministrator, NotResponder, NotYourself
from wellspring.admin.jobs import TELL
from wellspring.identity import administer
from wellspring.identity.account import FACTOR_OFF
from wellspring.identity.errors import FactorMissing
from wellspring.identity.events import SignInChanged
from wellspring.kernel import audit, events, ids, jobs
from wellspring.kernel.db import Tx
from wellspring.kernel.edge import Req, access, as_staff
from wellspring.kernel.errors import Forbidden, NotFound, PreconditionFailed, Problem
from wellspring.kernel.policy import Role
from wellspring.safety import supervisors

_DONE: Final = ("changed", "same")
_REFUSALS: Final[dict[str, type[Problem]]] = {
    "forbidden": Forbidden,
    "last": LastAdministrator,
    "no_factor": FactorMissing,
    "not_responder": NotResponder,
    "self": NotYourself,
    "stale": PreconditionFailed,
    "unknown": NotFound,
}


async def _act(request: Req, person_id: UUID, action: str, do: Callable[[Tx], Awaitable[str]]) -> None:
    async with as_staff(request) as tx:
        said = await do(tx)
        done = said in _DONE
        outcome = audit.Outcome.DONE if done else audit.Outcome.REFUSED
        row = access(request, action, "account", person_id=person_id, count=int(done), outcome=outcome)
        await audit.record(tx, row)
    if not done:
        raise _REFUSALS[said]


async def set_roles(request: Req, person_id: UUID, roles: set[Role], seen: set[Role] | None = None) -> None:
    """Set what somebody may do; it holds from their next request, and they are told by mail when it changed.

    `seen` are the roles that the administrator looked at. Raises PreconditionFailed when they are others by now,
    LastAdministrator, NotFound.
    """

    async def do(tx: Tx) -> str:
        before = None if seen is None else sorted(seen)
        said = await tx.one(administer.CHANGE_ROLES, person_id, sorted(roles), before)
        if said == "changed":
            await supervisors.leave(tx, person_id)
            await jobs.enqueue(tx, TELL, person_id, ids.new())
        return said

    await _act(request, person_id, "identity:roles:write", do)


async def set_status(request: Req, person_id: UUID, status: str) -> None:
    """Suspend an account, which ends its sessions and its duty, or open it again; raises NotYourself, NotFound."""

    async def do(tx: Tx) -> str:
        said = await tx.one(administer.CHANGE_STATUS, person_id, status)
        if said == "changed":
            await supervisors.leave(tx, person_id)
        return said

    await _act(request, person_id, "identity:status:write", do)


async def end_sessions(request: Req, person_id: UUID) -> None:
    """Sign somebody out everywhere; raises NotFound."""

    async def do(tx: Tx) -> str:
        return await tx.one(administer.END_SESSIONS, person_id)

    await _act(request, person_id, "identity:sessions:end", do)


async def take_factor_off(request: Req, person_id: UUID) -> None:
    """Take off a second factor that somebody lost, end their sessions and tell them by mail.

    Raises FactorMissing, NotYourself, NotFound.
    """

    async def do(tx: Tx) -> str:
        said = await tx.one(administer.TAKE_FACTOR_OFF, person_id)
        if said == "changed":
            await events.publish(tx, SignInChanged(person_id, "second_factor_removed"))
        return said

    await _act(request, person_id, FACTOR_OFF, do)


async def set_supervisor(request: Req, person_id: UUID, *, supervises: bool) -> None:
    """Say whether a responder supervises; they are told by mail when it changed. Raises NotResponder, NotFound."""

    async def do(tx: Tx) -> str:
        said = await supervisors.change(tx, person_id, supervises=supervises)
        if said == "changed":
            await jobs.enqueue(tx, TELL, person_id, ids.new())
        return said

    await _act(request, person_id, "safety:supervisor:write", do)
