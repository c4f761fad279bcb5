"""Alice with everything that can be hers, and everybody who might want to look at it."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.api.owner import Owner
from tests.support.models import install
from tests.support.people import PASSWORD, Circle, Person
from wellspring.interventions.shelf import shipped
from wellspring.kernel import ids
from wellspring.kernel.policy import Role

WORD = "quokkaberry"
DANGER = f"{WORD}. I feel stuck. I am going to kill myself tonight, goodbye"
CONTACT = {"name": f"Sam {WORD}", "relationship": "sibling", "phone": "+1 555 0100777", "may_be_contacted": True}


class World:
    """Alice's ids by name, and her words."""

    def __init__(self, circle: Circle, owner: Owner) -> None:
        self.circle = circle
        self.owner = owner
        self.ids: dict[str, str] = {}
        self.factor = {"current_password": PASSWORD, "secret": "A" * 32, "code": "000000"}
        self.mfa_code = "000000"
        self.staff: dict[Role, Person] = {}
        self.alice: Person
        self.bob: Person

    async def fill(self) -> "World":
        """Let alice use everything there is."""
        install(self.circle.parts)
        self.alice = alice = await self.circle.member("alice", country="FR", timezone="Europe/Paris")
        self.bob = bob = await self.circle.staff("bob", Role.CLINICIAN)
        self.ids["person_id"] = str(alice.id)
        self.ids["intervention_id"] = str(shipped().items[0].id)
        await _sent(alice.patch("/v1/users/me", json={"bio": f"My {WORD} bio", "has_adhd": True}))
        await _sent(alice.put("/v1/users/me/preferences", json={"theme": "dark"}))
        await _sent(alice.put("/v1/consents/research", json={"given": True}))
        await _sent(alice.put("/v1/crisis/safety-plan", json={"warning_signs": [f"{WORD} sleep"]}))
        self.ids["contact_id"] = await self._made("/v1/users/me/emergency-contacts", CONTACT)
        shared = {"clinician_id": str(bob.id), "sections": ["checkins", "journals"]}
        self.ids["grant_id"] = await self._made("/v1/access-grants", shared)
        self.ids["team_id"] = self._team()
        start = f"/v1/interventions/{self.ids['intervention_id']}/start"
        self.ids["to_complete"] = await self._made(start, {})
        self.ids["to_skip"] = await self._made(start, {})
        reply = await alice.post("/v1/checkins", json={"mood_score": 1, "journal_text": DANGER})
        assert reply.status_code == 201, reply.text
        self.ids["checkin_id"] = reply.json()["checkin"]["id"]
        self.ids["event_id"] = reply.json()["crisis"]["event_id"]
        self.ids["second_session"] = await self._second_session()
        return self

    async def _made(self, path: str, body: dict[str, Any]) -> str:
        answer = await self.alice.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def _team(self) -> str:
        made = ids.new()
        self.owner.conn.execute(
            "INSERT INTO privacy.care_team (person_id, id, clinician_id, since) VALUES (%s, %s, %s, '2026-01-01')",
            (self.alice.id, made, self.bob.id),
        )
        return str(made)

    async def _second_session(self) -> str:
        answer = await self.circle.client.post("/v1/auth/login", json={"email": self.alice.email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return str(
            self.owner.one(
                "SELECT id FROM identity.session WHERE person_id = %s ORDER BY id DESC LIMIT 1", self.alice.id
            )
        )

    def marks(self) -> list[str]:
        """Return what must never be in an answer to anybody else."""
        own = [value for name, value in self.ids.items() if name != "intervention_id"]
        return [WORD, self.alice.email, *own]

    def path(self, template: str) -> str:
        """Return a route's address with alice's ids in it."""
        wanted = dict(self.ids)
        wanted["kind"] = "research"
        wanted["session_id"] = self.ids["second_session"]
        if template.endswith("/skip"):
            wanted["session_id"] = self.ids["to_skip"]
        elif template.startswith("/v1/interventions/sessions/"):
            wanted["session_id"] = self.ids["to_complete"]
        plain = template
        for name, value in wanted.items():
            for kind in ("uuid", "str"):
                plain = plain.replace(f"{{{name}:{kind}}}", value)
        assert "{" not in plain, template
        return plain


async def _sent(call: Any) -> None:
    answer = await call
    assert answer.status_code in (200, 201), answer.text


async def on_duty(world: World) -> Person:
    """Return a responder on duty."""
    dana = await world.circle.staff("dana", Role.RESPONDER)
    await _sent(dana.put("/v1/crisis/duty", json={"on_duty": True}))
    return dana


async def without_factor(world: World) -> Person:
    """Return somebody whose row names every staff role and who has no second factor yet."""
    frank = await world.circle.member("frank")
    world.owner.conn.execute(
        "UPDATE identity.person SET roles = %s WHERE person_id = %s", (sorted(r.value for r in Role), frank.id)
    )
    answer = await world.circle.client.post("/v1/auth/login", json={"email": frank.email, "password": PASSWORD})
    assert answer.json()["second_factor_needed"] is True, answer.text
    return Person(world.circle.client, frank.id, frank.email, answer.json())


def _staff(name: str, role: Role) -> "Make":
    async def make(world: World) -> Person:
        return await world.circle.staff(name, role)

    return make


async def _member(world: World) -> Person:
    return await world.circle.member("charlie")


async def _her_clinician(world: World) -> Person:
    return world.bob


Make = Callable[[World], Awaitable[Person]]
OTHERS: dict[str, Make] = {
    "another member": _member,
    "her clinician": _her_clinician,
    "another clinician": _staff("carol", Role.CLINICIAN),
    "responder off duty": _staff("dana", Role.RESPONDER),
    "responder on duty": on_duty,
    "admin": _staff("erin", Role.ADMIN),
    "coordinator": _staff("grace", Role.COORDINATOR),
    "blood bank": _staff("heidi", Role.BLOOD_BANK),
    "staff without a second factor": without_factor,
}
