"""Every route that programs use, who may use it, what it leaves in the audit trail, and a body that it takes.

A route that is not in this table fails the tests until somebody has decided who may use it.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

from litestar import Litestar

from tests.api.world import World
from tests.support.database import KEYS
from tests.support.people import PASSWORD
from wellspring.app import make_app, make_edge
from wellspring.kernel.policy import Access, Permission, Role
from wellspring.kernel.settings import Settings

PUBLIC, SELF = Access.PUBLIC, Access.SELF
ADMIN, CLINICIAN, RESPONDER = Role.ADMIN, Role.CLINICIAN, Role.RESPONDER
Body = Callable[[World], dict[str, Any]]
NONE = ""


class Rule(NamedTuple):
    """Who may use a route, the action of its audit row ("" where no health data is touched), a body it takes."""

    who: Access | frozenset[Role]
    audit: str = NONE
    body: Body | None = None
    status: int = 200


OTHER_CONTACT = {"name": "Robin", "relationship": "friend", "phone": "+1 555 0199"}


def _fixed(**body: Any) -> Body:
    return lambda _: body


def _only(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


def _credentials(world: World) -> dict[str, Any]:
    return {"email": world.alice.email, "password": PASSWORD}


def _factor(world: World) -> dict[str, Any]:
    return dict(world.factor)


def _new_person(_: World) -> dict[str, Any]:
    return {"email": "zoe@example.org", "password": PASSWORD}


def _shared(world: World) -> dict[str, Any]:
    return {"clinician_id": world.ids["other_clinician"], "sections": ["checkins"]}


def _with_her_checkin(world: World) -> dict[str, Any]:
    return {"checkin_id": world.ids["checkin_id"]}


_SHARED = "/v1/people/{person_id:uuid}/checkins"
_EVENT = "/v1/people/{person_id:uuid}/crisis-events/{event_id:uuid}"
_CONTACT = "/v1/users/me/emergency-contacts/{contact_id:uuid}"
_CHECKIN = "/v1/checkins/{checkin_id:uuid}"
_DONE = "/v1/interventions/sessions/{session_id:uuid}"
_GRANT = "/v1/access-grants/{grant_id:uuid}"
_PERSON = "/v1/people/{person_id:uuid}"

RULES: dict[str, Rule] = {
    "GET /livez": Rule(PUBLIC),
    "GET /readyz": Rule(PUBLIC),
    "GET /metrics": Rule(PUBLIC),
    "GET /openapi.json": Rule(PUBLIC),
    "GET /v1/crisis/resources": Rule(PUBLIC),
    "POST /v1/auth/register": Rule(PUBLIC, "identity:account:create", _new_person, 201),
    "POST /v1/auth/login": Rule(PUBLIC, "identity:session:create", _credentials),
    "POST /v1/auth/refresh": Rule(PUBLIC, NONE, lambda w: {"refresh_token": w.alice.tokens["refresh_token"]}),
    "POST /v1/auth/forgot-password": Rule(PUBLIC, "identity:password:forget", lambda w: {"email": w.alice.email}, 204),
    "POST /v1/auth/reset-password": Rule(PUBLIC, NONE, _fixed(link="made up", new_password="nine warm stones"), 403),
    f"GET {_SHARED}": Rule(_only(CLINICIAN), "checkins:checkin:list"),
    "GET /v1/auth/sessions": Rule(SELF),
    "GET /v1/users/me/looks": Rule(SELF),
    "GET /v1/changes": Rule(SELF),
    "GET /v1/stream": Rule(SELF),
    "GET /v1/users/me": Rule(SELF, "identity:profile:read"),
    "PATCH /v1/users/me": Rule(SELF, "identity:profile:change", _fixed(bio="Hello")),
    "GET /v1/users/me/preferences": Rule(SELF),
    "PUT /v1/users/me/preferences": Rule(SELF, "identity:preferences:change", _fixed(theme="light")),
    "GET /v1/users/me/emergency-contacts": Rule(SELF, "identity:contact:read"),
    "POST /v1/users/me/emergency-contacts": Rule(SELF, "identity:contact:create", _fixed(**OTHER_CONTACT), 201),
    f"PUT {_CONTACT}": Rule(SELF, "identity:contact:change", _fixed(**OTHER_CONTACT)),
    "GET /v1/users/me/second-factor": Rule(SELF),
    "POST /v1/users/me/second-factor": Rule(SELF),
    "GET /v1/consents": Rule(SELF, "privacy:consents:read"),
    "PUT /v1/consents/{kind:str}": Rule(SELF, "privacy:consent:withdraw", _fixed(given=False)),
    "GET /v1/care-team": Rule(SELF, "privacy:care_team:read"),
    "GET /v1/access-grants": Rule(SELF, "privacy:access_grant:read"),
    "POST /v1/access-grants": Rule(SELF, "privacy:access_grant:create", _shared, 201),
    f"PATCH {_GRANT}": Rule(SELF, "privacy:access_grant:change", _fixed(sections=["summaries"])),
    "POST /v1/crisis/report": Rule(SELF, "safety:event:create", _fixed(note="Please call me."), 201),
    "GET /v1/crisis/safety-plan": Rule(SELF, "safety:plan:read"),
    "PUT /v1/crisis/safety-plan": Rule(SELF, "safety:plan:write", _fixed(professionals=["Doctor"])),
    "GET /v1/interventions": Rule(SELF, "interventions:library:list"),
    "GET /v1/interventions/{intervention_id:uuid}": Rule(SELF, "interventions:library:read"),
    "POST /v1/interventions/recommendations": Rule(SELF, "interventions:recommendation:read", _fixed(mood_score=4)),
    "POST /v1/interventions/{intervention_id:uuid}/start": Rule(
        SELF, "interventions:session:create", _with_her_checkin, 201
    ),
    "GET /v1/interventions/learned": Rule(SELF, "interventions:learned:read"),
    "GET /v1/interventions/sessions": Rule(SELF, "interventions:session:list"),
    f"GET {_DONE}": Rule(SELF, "interventions:session:read"),
    f"POST {_DONE}/complete": Rule(SELF, "interventions:session:complete", _fixed(effectiveness_rating=4)),
    f"PATCH {_DONE}": Rule(SELF, "interventions:session:change", _fixed(effectiveness_rating=3)),
    f"POST {_DONE}/skip": Rule(SELF, "interventions:session:skip", _fixed(feedback_tags=["not_now"])),
    "GET /v1/checkins": Rule(SELF, "checkins:checkin:list"),
    "POST /v1/checkins": Rule(SELF, "checkins:checkin:create", _fixed(mood_score=5, journal_text="A walk."), 201),
    "POST /v1/checkins/quick": Rule(SELF, "checkins:checkin:create", _fixed(mood_score=5), 201),
    "GET /v1/checkins/days": Rule(SELF, "checkins:day:list"),
    "POST /v1/checkins/search": Rule(SELF, "checkins:journal:search", _fixed(text="tonight")),
    f"GET {_CHECKIN}": Rule(SELF, "checkins:checkin:read"),
    f"PATCH {_CHECKIN}": Rule(SELF, "checkins:checkin:change", _fixed(mood_score=6)),
    f"GET {_CHECKIN}/reading": Rule(SELF, "checkins:reading:read"),
    f"POST {_CHECKIN}/reading/correction": Rule(
        SELF, "checkins:correction:write", _fixed(answer="other", emotion="overwhelm")
    ),
    "GET /v1/outbox": Rule(_only(ADMIN), "notify:outbox:read"),
    "GET /v1/caseload": Rule(_only(CLINICIAN), "privacy:caseload:read"),
    "GET /v1/crisis/desk": Rule(_only(RESPONDER), "safety:desk:read"),
    "GET /v1/crisis/duty": Rule(_only(RESPONDER)),
    f"POST {_EVENT}/claim": Rule(_only(RESPONDER), "safety:event:claim"),
    f"GET {_EVENT}": Rule(_only(RESPONDER), "safety:event:read"),
    f"POST {_EVENT}/steps": Rule(_only(RESPONDER), "safety:event:contact", _fixed(step="contact", note="We spoke.")),
    f"POST {_EVENT}/after-care": Rule(
        _only(RESPONDER), "safety:event:after_care", _fixed(step=1, result="reached", note="We spoke again.")
    ),
    "PUT /v1/crisis/duty": Rule(_only(RESPONDER), NONE, _fixed(on_duty=True)),
    "GET /v1/staff": Rule(_only(ADMIN), "identity:staff:list"),
    "POST /v1/people/find": Rule(_only(ADMIN), "identity:account:find", lambda w: {"email": w.alice.email}),
    f"GET {_PERSON}/account": Rule(_only(ADMIN), "identity:account:read"),
    f"PUT {_PERSON}/roles": Rule(_only(ADMIN), "identity:roles:write", _fixed(roles=["blood_bank", "member"])),
    f"PUT {_PERSON}/status": Rule(_only(ADMIN), "identity:status:write", _fixed(status="active")),
    f"PUT {_PERSON}/supervisor": Rule(_only(ADMIN), "safety:supervisor:write", _fixed(is_supervisor=False)),
    f"DELETE {_CHECKIN}/reading/correction": Rule(SELF, "checkins:correction:remove", status=204),
    "DELETE /v1/interventions/learned": Rule(SELF, "interventions:learned:reset", status=204),
    f"DELETE {_DONE}": Rule(SELF, "interventions:session:remove", status=204),
    f"DELETE {_CHECKIN}": Rule(SELF, "checkins:checkin:remove", status=204),
    f"DELETE {_CONTACT}": Rule(SELF, "identity:contact:remove", status=204),
    f"DELETE {_GRANT}": Rule(SELF, "privacy:access_grant:revoke", status=204),
    "DELETE /v1/care-team/{team_id:uuid}": Rule(SELF, "privacy:care_team:end", status=204),
    "DELETE /v1/auth/sessions/{session_id:uuid}": Rule(SELF, "identity:session:end", status=204),
    "PUT /v1/users/me/second-factor": Rule(SELF, "identity:second_factor:set", _factor),
    f"DELETE {_PERSON}/second-factor": Rule(_only(ADMIN), "identity:second_factor:remove", status=204),
    f"DELETE {_PERSON}/sessions": Rule(_only(ADMIN), "identity:sessions:end", status=204),
    "POST /v1/users/me/second-factor/recovery-codes": Rule(
        SELF, "identity:recovery_codes:make", lambda w: {"current_password": PASSWORD, "mfa_code": w.mfa_code}
    ),
    "POST /v1/export": Rule(SELF, "privacy:copy:make", _fixed(current_password=PASSWORD), 202),
    "GET /v1/export": Rule(SELF),
    "GET /v1/export/all": Rule(SELF, status=409),  # nobody makes it here; it is fetched in the tests of copies
    "DELETE /v1/export": Rule(SELF, "privacy:copy:remove", status=204),
    "DELETE /v1/delete-account": Rule(SELF, "privacy:leaving:ask", _fixed(current_password=PASSWORD), 202),
    "GET /v1/delete-account": Rule(SELF),
    "POST /v1/delete-account/take-back": Rule(SELF, "privacy:leaving:take_back", status=204),
    "PUT /v1/users/me/password": Rule(
        SELF,
        "identity:password:change",
        _fixed(current_password=PASSWORD, new_password="seven slow boats at noon"),
        204,
    ),
    "POST /v1/auth/logout": Rule(SELF, "identity:session:end", status=204),
}
"""In an order in which alice can go through all of hers: what removes comes last."""

ENDLESS = {"GET /v1/stream"}
"""Answers that end with the session only: asked for without one here, and in the tests of live changes with one."""

PERSONAL = ("person_id", "event_id", "checkin_id", "contact_id", "grant_id", "team_id", "session_id")


def names_a_person(route: str) -> bool:
    """Tell whether a route's address holds the id of somebody's row."""
    return any(f"{{{name}:" in route for name in PERSONAL)


@cache
def program() -> Litestar:
    """Return the program for looking at, without a database behind it."""
    return make_app(make_edge(Settings(environment="test"), KEYS, "postgresql:///nobody"))


def walk() -> Iterator[tuple[str, str, Any]]:
    """Yield method, path and handler of every route, those of pages included."""
    for route in program().routes:
        for handler in getattr(route, "route_handlers", ()):
            for method in sorted(handler.http_methods):
                if handler.handler_name != "options_handler":
                    yield method, route.path, handler


def for_programs() -> dict[str, Any]:
    """Return the routes that are no pages, by method and path."""
    return {f"{method} {path}": h for method, path, h in walk() if not h.opt.get("page")}


def allows(rule: Rule, access: Access | Permission, granted: dict[Role, frozenset[Permission]]) -> bool:
    """Tell whether a route's declared access lets in exactly whom its rule names."""
    if isinstance(rule.who, Access):
        return access is rule.who
    return isinstance(access, Permission) and {r for r, p in granted.items() if access in p} == rule.who
