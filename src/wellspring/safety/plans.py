"""Safety plans: six steps in one's own words, versioned, sealed."""

from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from wellspring.kernel import ids, vault
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import Tx
from wellspring.kernel.errors import PreconditionFailed
from wellspring.safety import queries as q
from wellspring.safety.schemas import SafetyPlan, SafetyPlanView

STEPS: Final = "safety.safety_plan.steps"


async def load(tx: Tx, keys: Keyring, person_id: UUID) -> SafetyPlanView:
    """Return the newest plan of a person whose rows this transaction may see."""
    row = await tx.maybe(q.PLAN, person_id)
    if row is None:
        return SafetyPlanView(version=0, updated_at=None, plan=SafetyPlan())
    raw = keys.sealer(row.wrapped, person_id).open(row.steps, STEPS, row.id)
    return SafetyPlanView(
        version=row.version, updated_at=row.created_at, plan=msgspec.json.decode(raw, type=SafetyPlan)
    )


async def shown(tx: Tx, keys: Keyring, person_id: UUID) -> SafetyPlan | None:
    """Return the plan, or None when there is none."""
    found = await load(tx, keys, person_id)
    return found.plan if found.version else None


async def store(tx: Tx, keys: Keyring, person_id: UUID, plan: SafetyPlan, seen: int | None) -> SafetyPlanView:
    """Store a new version; earlier ones stay. Raises PreconditionFailed when another was stored meanwhile."""
    latest = await load(tx, keys, person_id)
    if seen is not None and seen != latest.version:
        raise PreconditionFailed
    sealer = await vault.sealer(tx, keys, person_id)
    plan_id = ids.new()
    sealed = sealer.seal(msgspec.json.encode(plan), STEPS, plan_id)
    try:
        await tx.do(q.ADD_PLAN, person_id, plan_id, latest.version + 1, sealed)
    except asyncpg.UniqueViolationError as error:
        raise PreconditionFailed from error
    return await load(tx, keys, person_id)
