"""The accounts of synthetic people: person, data key, login, preferences, contacts, consents, sharing."""

from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Final
from uuid import UUID

import msgspec
from argon2 import PasswordHasher
from msgspec import Struct

from wellspring.demo import uuids
from wellspring.demo.cast import BORN, Persona, first_day
from wellspring.demo.library import places, rng
from wellspring.demo.sign_ins import PASSWORD, STAFF_HERE, Named, secret
from wellspring.demo.tables import Rows, add, json
from wellspring.identity.schemas import ConsentKind, ContactDetails, Preferences
from wellspring.identity.service import Details
from wellspring.kernel.crypto import Keyring, Sealer
from wellspring.kernel.policy import Role
from wellspring.privacy import texts

_FEW: Final = 2
"""Alice and amélie are signed in as, so their password is hashed at full cost."""
_CHEAP: Final = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
"""200 hashes at full cost take ten seconds; at the first sign-in the program hashes anew at full cost."""
_ALWAYS: Final[tuple[ConsentKind, ...]] = ("terms", "privacy", "health_data")
_SOMETIMES: Final[dict[ConsentKind, float]] = {
    "research": 0.3,
    "analytics": 0.4,
    "shared_ratings": 0.6,
    "companion": 0.35,
    "data_sharing": 0.25,
    "emergency_contact_notification": 0.4,
}
_GRANT: Final = timedelta(days=90)


class Account(Struct, frozen=True):
    """A member and their data key, for whoever plays their year."""

    persona: Persona
    key: bytes


class Accounts:
    """Collects the rows of all accounts."""

    def __init__(self, keys: Keyring, seed: int, now: datetime) -> None:
        self.rows: Rows = {}
        self._keys = keys
        self._seed = seed
        self._now = now
        self._dear = PasswordHasher()
        self._versions = {text.kind: text.version for text in texts.shipped()}
        self._ids = {person.key: person.person_id(seed) for person in STAFF_HERE}

    def _since(self, number: int) -> datetime:
        return datetime.combine(first_day(self._now.date()), time(6), UTC) + timedelta(days=number - 1)

    def _key(self, person_id: UUID, at: datetime) -> tuple[Sealer, bytes]:
        _, wrapped = self._keys.new_key(person_id)
        add(self.rows, "kernel.person_key", person_id, wrapped, at)
        return self._keys.sealer(wrapped, person_id), self._keys.unwrap(wrapped, person_id)

    def _login(self, person_id: UUID, email: str, at: datetime, hashed: str, factor: str | None) -> None:
        sealed = None
        if factor is not None:
            sealed = self._keys.system.seal(factor.encode(), "identity.login.totp_secret", person_id)
        add(self.rows, "identity.login", self._keys.digest("email", email), person_id, hashed, sealed, at)

    def staff(self, person: Named) -> None:
        """Add a staff account with its second factor."""
        person_id, at = self._ids[person.key], BORN
        sealer, _ = self._key(person_id, at)
        details = msgspec.json.encode(Details(display_name=person.name))
        add(
            self.rows,
            "identity.person",
            person_id,
            sorted({person.role, Role.MEMBER}),
            "fr" if person.key == "ines" else "en",
            "FR" if person.key == "ines" else "GB",
            "Europe/Paris" if person.key == "ines" else "Europe/London",
            sealer.seal(person.email.encode(), "identity.person.email", person_id),
            sealer.seal(details, "identity.person.details", person_id),
            "35-44",
            "professional",
            *(False, False, False, False),
            [],
            True,
            "free",
            True,
            180,
            self._now - timedelta(hours=2),
            at,
            self._now,
        )
        self._login(person_id, person.email, at, self._dear.hash(PASSWORD), secret(self._keys, person.email))
        add(self.rows, "identity.preferences", person_id, json(Preferences()), at)
        if person.role is Role.RESPONDER:
            until = self._now + timedelta(days=365)
            add(self.rows, "safety.duty", person_id, True, person.title == "supervisor", self._now, until)

    def member(self, persona: Persona) -> Account:
        """Add a member's account and return what their year needs."""
        r, at = rng(self._seed, "account", persona.index), self._since(persona.habit.joined)
        sealer, key = self._key(persona.person_id, at)
        self._person(persona, sealer, at, r)
        hasher = self._dear if persona.index < _FEW else _CHEAP
        self._login(persona.person_id, persona.email, at, hasher.hash(PASSWORD), None)
        self._preferences(persona, at, r)
        self._contacts(persona, sealer, at, r)
        self._consents(persona, at, r)
        self._sharing(persona, r)
        return Account(persona, key)

    def _person(self, persona: Persona, sealer: Sealer, at: datetime, r: Random) -> None:
        goals = {"en": ["Sleep better", "Worry less"], "fr": ["Mieux dormir", "Moins m'inquiéter"]}
        details = Details(display_name=persona.name, primary_goals=goals[persona.home.language])
        gone = persona.habit.leaves_after
        seen = self._now - timedelta(hours=5) if gone is None else at + timedelta(days=gone)
        add(
            self.rows,
            "identity.person",
            persona.person_id,
            [Role.MEMBER],
            persona.home.language,
            persona.home.country,
            persona.timezone,
            sealer.seal(persona.email.encode(), "identity.person.email", persona.person_id),
            sealer.seal(msgspec.json.encode(details), "identity.person.details", persona.person_id),
            persona.age_range,
            persona.style,
            persona.has_adhd,
            persona.has_autism_spectrum,
            persona.has_anxiety,
            persona.has_depression,
            list(persona.contraindications),
            True,
            persona.tier,
            r.random() < 0.9,
            r.randrange(3, 200),
            min(seen, self._now),
            at,
            min(seen, self._now),
        )

    def _preferences(self, persona: Persona, at: datetime, r: Random) -> None:
        chosen = Preferences(
            theme=r.choice(("light", "dark", "auto", "auto")),
            font_size=r.choice((16, 16, 16, 18, 20)),
            reduce_motion=persona.has_autism_spectrum,
            preferred_language="fr" if persona.home.language == "fr" else "en",
            communication_style=persona.style,  # type: ignore[arg-type]
            time_blindness_support=persona.has_adhd,
            sensory_load_tracking=persona.has_autism_spectrum,
            max_notifications_per_day=r.choice((0, 1, 3, 3, 5)),
        )
        add(self.rows, "identity.preferences", persona.person_id, json(chosen), at)

    def _contacts(self, persona: Persona, sealer: Sealer, at: datetime, r: Random) -> None:
        """About half have somebody to call. Numbers are of ranges reserved for fiction; else only an address."""
        if r.random() < 0.5 and not persona.arc:
            return
        names = places().names[persona.home.names]
        for place in range(r.choice((1, 1, 2))):
            first = r.choice((*names.women, *names.men))
            row_id = uuids.at(at, r)
            phone = persona.home.phone.format(r.randrange(100)) if persona.home.phone else None
            details = ContactDetails(name=first, phone=phone, email=f"contact{r.randrange(10_000)}@example.org")
            sealed = sealer.seal(msgspec.json.encode(details), "identity.emergency_contact.details", row_id)
            kind = r.choice(("partner", "parent", "sibling", "friend"))
            row = (persona.person_id, row_id, sealed, kind, place == 0, r.random() < 0.7, at, at)
            add(self.rows, "identity.emergency_contact", *row)

    def _consents(self, persona: Persona, at: datetime, r: Random) -> None:
        chosen: list[ConsentKind] = [k for k, chance in _SOMETIMES.items() if r.random() < chance]
        for kind in (*_ALWAYS, *chosen):
            self._consent(persona, kind, at, r, given=True)
            if kind not in _ALWAYS and r.random() < 0.15:
                later = min(at + timedelta(days=r.randrange(5, 60)), self._now)
                self._consent(persona, kind, later, r, given=False)

    def _consent(self, persona: Persona, kind: ConsentKind, at: datetime, r: Random, *, given: bool) -> None:
        version = self._versions[kind]
        add(self.rows, "privacy.consent", persona.person_id, uuids.at(at, r), kind, version, given, at)

    def _sharing(self, persona: Persona, r: Random) -> None:
        """Alice shares with bob; so do a few others, and some of those who had a crisis."""
        if persona.index != 0 and r.random() > (0.6 if persona.arc else 0.06):
            return
        bob, since = self._ids["bob"], self._now - timedelta(days=r.randrange(10, 80))
        person = persona.person_id
        add(self.rows, "privacy.care_team", person, uuids.at(since, r), bob, "clinician", since)
        sections = ["checkins", "journals", "summaries"] if persona.index == 0 else ["checkins", "summaries"]
        seen = self._now - timedelta(days=1) if persona.index == 0 else None
        row = (person, uuids.at(since, r), bob, sections, since, since + _GRANT, seen)
        add(self.rows, "privacy.access_grant", *row)
        if seen is not None:
            row_id = uuids.at(seen, uuids.ANEW)
            read = (person, row_id, bob, "checkins:checkin:list", "checkins", "done", 30, None, None, seen)
            add(self.rows, "kernel.audit", *read)
