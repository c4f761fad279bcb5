"""Every role on every route with another person's ids: nobody sees or changes what is alice's."""

import time
from typing import Any

import httpx
import pyotp
import pytest

from tests.api.owner import Owner
from tests.api.surface import ENDLESS, RULES, Rule, allows, for_programs, names_a_person, walk
from tests.api.world import OTHERS, World, on_duty
from tests.support.people import Person
from wellspring.kernel.policy import GRANTS, Access, Permission, Role

pytestmark = pytest.mark.anyio

ROLE_OF = {
    "her clinician": Role.CLINICIAN,
    "another clinician": Role.CLINICIAN,
    "responder off duty": Role.RESPONDER,
    "responder on duty": Role.RESPONDER,
    "admin": Role.ADMIN,
    "coordinator": Role.COORDINATOR,
    "blood bank": Role.BLOOD_BANK,
}
_SHARED = "GET /v1/people/{person_id:uuid}/checkins"
_EVENT = "/v1/people/{person_id:uuid}/crisis-events/{event_id:uuid}"
_RECOVERY = "POST /v1/users/me/second-factor/recovery-codes"
SPECIAL = {
    ("another clinician", _SHARED): 404,
    **{(name, "POST /v1/users/me/second-factor"): 409 for name in ROLE_OF},
    **{(name, _RECOVERY): 401 for name in ROLE_OF},
    **{(name, _RECOVERY): 409 for name in ("another member", "staff without a second factor")},
    ("admin", "DELETE /v1/people/{person_id:uuid}/second-factor"): 409,
    ("responder off duty", f"POST {_EVENT}/claim"): 403,
    ("responder off duty", f"GET {_EVENT}"): 403,
    ("responder off duty", f"POST {_EVENT}/steps"): 403,
    ("responder off duty", f"POST {_EVENT}/after-care"): 403,
    ("responder on duty", f"POST {_EVENT}/claim"): 200,
    ("responder on duty", f"GET {_EVENT}"): 200,
    ("responder on duty", f"POST {_EVENT}/steps"): 200,
    ("responder on duty", f"POST {_EVENT}/after-care"): 409,
}
"""A clinician needs a grant, the desk asks for duty first, and all staff here have a second factor already.

Her event is not closed, so no contact after it is due.

New recovery codes ask for one's own code, and for a second factor; alice has none that could be taken off."""

_FACTOR_OFF = "DELETE /v1/people/{person_id:uuid}/second-factor"
ENDS_HERS = (
    "PUT /v1/people/{person_id:uuid}/roles",
    "DELETE /v1/people/{person_id:uuid}/sessions",
    _FACTOR_OFF,
)
"""After these she has to sign in again."""

MAY_SEE = {
    ("responder on duty", "GET /v1/crisis/desk"),
    ("responder on duty", f"POST {_EVENT}/claim"),
    ("responder on duty", f"GET {_EVENT}"),
    ("her clinician", "GET /v1/caseload"),
    ("her clinician", _SHARED),
    ("admin", "POST /v1/people/find"),
    ("admin", "GET /v1/people/{person_id:uuid}/account"),
}
MAY_CHANGE = {
    "responder on duty": ("safety.", "kernel.stream"),
    "her clinician": ("privacy.access_grant",),
    "admin": ("identity.", "kernel.stream"),
}
"""Whose duty it is to change some of alice's rows, and which tables those are."""


def test_every_route_is_in_the_table_and_declares_what_the_table_says() -> None:
    found = for_programs()
    assert set(found) == set(RULES), set(found) ^ set(RULES)
    wrong = [route for route, handler in found.items() if not allows(RULES[route], handler.opt["access"], GRANTS)]
    assert not wrong


def test_every_page_declares_its_access() -> None:
    undeclared = [
        f"{method} {path}"
        for method, path, handler in walk()
        if not isinstance(handler.opt.get("access"), Access | Permission)
    ]
    assert not undeclared


async def _call(who: Person | httpx.AsyncClient, world: World, route: str, rule: Rule) -> httpx.Response:
    method, template = route.split(" ", 1)
    extra: dict[str, Any] = {} if rule.body is None else {"json": rule.body(world)}
    return await who.request(method, world.path(template), **extra)


def _expected(name: str, route: str, rule: Rule) -> set[int]:
    """Return the answers that are right for somebody who is not alice."""
    if (name, route) in SPECIAL:
        return {SPECIAL[name, route]}
    if isinstance(rule.who, frozenset):
        if ROLE_OF.get(name) in rule.who:
            return {rule.status}
        return {404} if "{" in route else {403}
    if names_a_person(route) or rule.body is RULES["POST /v1/interventions/{intervention_id:uuid}/start"].body:
        return {404}
    return {rule.status}


def _not_for_others(route: str) -> bool:
    """Public routes take alice's own password or token here: they are tested with sign-in."""
    return RULES[route].who is Access.PUBLIC or route == "PUT /v1/users/me/second-factor"


async def _ready(world: World) -> World:
    other = await world.circle.staff("ivan", Role.CLINICIAN)
    world.ids["other_clinician"] = str(other.id)
    return world


@pytest.mark.parametrize("name", OTHERS)
async def test_nobody_else_sees_or_changes_what_is_hers(world: World, owner: Owner, name: str) -> None:
    await _ready(world)
    who = await OTHERS[name](world)
    marks = [mark for mark in world.marks() if mark != world.ids["other_clinician"]]
    before, wrong = owner.prints_of(world.alice.id), []
    for route, rule in RULES.items():
        if _not_for_others(route) or route in ENDLESS:
            continue
        answer = await _call(who, world, route, rule)
        if answer.status_code not in _expected(name, route, rule):
            wrong.append((route, answer.status_code, answer.text[:200]))
        if (name, route) not in MAY_SEE and any(mark in answer.text for mark in marks):
            wrong.append((route, answer.status_code, "shows what is hers"))
    assert not wrong
    allowed = MAY_CHANGE.get(name, ("nothing",))
    after = owner.prints_of(world.alice.id)
    assert not [table for table in after if after[table] != before[table] and not table.startswith(allowed)]


async def test_a_stranger_is_asked_to_sign_in_everywhere(world: World, owner: Owner, client: httpx.AsyncClient) -> None:
    await _ready(world)
    before, wrong = owner.prints_of(world.alice.id), []
    for route, rule in RULES.items():
        if rule.who is Access.PUBLIC or _not_for_others(route):
            continue
        answer = await _call(client, world, route, rule)
        if answer.status_code != 401 or answer.headers.get("www-authenticate") != "Bearer":
            wrong.append((route, answer.status_code))
    assert not wrong
    assert owner.prints_of(world.alice.id) == before


async def test_a_stranger_on_pages_is_led_to_sign_in(world: World) -> None:
    await _ready(world)
    wrong = []
    for method, path, handler in walk():
        if handler.opt.get("page") and handler.opt["access"] is not Access.PUBLIC:
            answer = await world.circle.client.request(method, world.path(path))
            if answer.status_code not in (303, 401, 403) or any(m in answer.text for m in world.marks()[:2]):
                wrong.append((method, path, answer.status_code))
    assert not wrong


async def _whoever_may(world: World, rule: Rule) -> Person | None:
    """Return the right person for a route: alice for her own, staff for theirs, None for a visitor."""
    if rule.who is Access.PUBLIC:
        return None
    if rule.who is Access.SELF:
        return world.alice
    role = next(iter(rule.who))
    if role is Role.CLINICIAN:
        return world.bob
    if role not in world.staff:
        made = on_duty(world) if role is Role.RESPONDER else world.circle.staff("erin", role)
        world.staff[role] = await made
    return world.staff[role]


async def test_whoever_may_gets_an_answer_and_it_is_in_the_audit_trail(world: World, owner: Owner) -> None:
    """The control of the tests above: each address and body is right for the right person."""
    await _ready(world)
    secret = (await world.alice.post("/v1/users/me/second-factor")).json()["secret"]
    world.factor["secret"] = secret
    wrong = []
    for route, rule in RULES.items():
        if route in ENDS_HERS or route in ENDLESS:
            continue
        who = await _whoever_may(world, rule)
        if route == "PUT /v1/users/me/second-factor":
            world.factor["code"] = pyotp.TOTP(secret).now()
            world.mfa_code = pyotp.TOTP(secret).generate_otp(int(time.time()) // 30 + 1)
        if route == f"POST {_EVENT}/after-care":  # a contact follows a closed event
            closing = {"step": "resolve", "outcome": "safe_with_plan"}
            assert (await world.staff[Role.RESPONDER].post(world.path(f"{_EVENT}/steps"), json=closing)).is_success
        answer = await _call(who or world.circle.client, world, route, rule)
        if answer.status_code != rule.status:
            wrong.append((route, answer.status_code, answer.text[:200]))
        wrong += _wrong_audit(world, owner, route, rule, answer, who)
    assert not wrong


def _wrong_audit(
    world: World, owner: Owner, route: str, rule: Rule, answer: httpx.Response, who: Person | None
) -> list[tuple[str, Any]]:
    left = owner.audited(answer.headers["x-request-id"])
    if not rule.audit:
        return [(route, left)] if left else []
    actor = who.id if who else left[0][1] if left else None
    about_her = names_a_person(route) or route == "POST /v1/people/find"
    subject = world.alice.id if about_her or who is None else actor
    if route == "POST /v1/auth/register":
        subject = actor
    return [] if left == [(rule.audit, actor, subject, "done")] else [(route, left)]


@pytest.mark.parametrize("route", ENDS_HERS)
async def test_what_ends_her_sessions_is_audited_and_does(world: World, owner: Owner, route: str) -> None:
    await _ready(world)
    erin = await world.circle.staff("erin", Role.ADMIN)
    if route == _FACTOR_OFF:
        secret = (await world.alice.post("/v1/users/me/second-factor")).json()["secret"]
        mine = world.factor | {"secret": secret, "code": pyotp.TOTP(secret).now()}
        assert (await world.alice.put("/v1/users/me/second-factor", json=mine)).status_code == 200
    rule = RULES[route]
    answer = await _call(erin, world, route, rule)
    assert answer.status_code == rule.status, answer.text
    assert owner.audited(answer.headers["x-request-id"]) == [(rule.audit, erin.id, world.alice.id, "done")]
    assert (await world.alice.get("/v1/users/me")).status_code == 401


async def test_a_session_that_has_ended_is_refused_on_every_route(world: World, owner: Owner) -> None:
    await _ready(world)
    dana, erin = await on_duty(world), await world.circle.staff("erin", Role.ADMIN)
    people = [world.alice, world.bob, dana, erin]
    for person in people:
        assert (await person.post("/v1/auth/logout")).status_code == 204
    before, wrong = owner.counts(), []
    for route, rule in RULES.items():
        if _not_for_others(route):
            continue
        for person in people:
            answer = await _call(person, world, route, rule)
            right = {401} if person is world.alice and rule.who is Access.SELF else {401, 403, 404}
            if answer.status_code not in right or any(mark in answer.text for mark in world.marks()):
                wrong.append((route, answer.status_code))
    assert not wrong
    assert owner.counts() == before


async def test_refusals_at_the_desk_are_in_the_audit_trail(world: World, owner: Owner) -> None:
    await _ready(world)
    dana = await OTHERS["responder off duty"](world)
    refused = await _call(dana, world, f"GET {_EVENT}", RULES[f"GET {_EVENT}"])
    assert refused.status_code == 403
    assert owner.audited(refused.headers["x-request-id"]) == [("safety:event:read", dana.id, world.alice.id, "refused")]
