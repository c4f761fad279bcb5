"""The wire of safety."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from wellspring.identity.schemas import Phone
from wellspring.safety.protocol import CareResult, Outcome

Note = Annotated[str, Meta(max_length=4000, pattern=r"^[^\x00]*$", examples=["I would like somebody to call me."])]
Step = Annotated[str, Meta(min_length=1, max_length=300, pattern=r"^[^\x00]+$", examples=["A walk to the river"])]


class ChannelView(Struct, kw_only=True):
    """A way to reach a helpline. `hours` is `24/7`, `unknown` or spans in local time."""

    kind: str
    value: str
    label: str
    hours: str
    free: bool | None


class ResourceView(Struct, kw_only=True):
    """A helpline. `verified_by` is `published` (with the day) or `memory`: then the operator has yet to check it."""

    id: str
    country: str
    name: str
    description: str
    languages: list[str]
    needs: list[str]
    channels: list[ChannelView]
    open_now: bool | None
    source: str
    verified: date | None
    verified_by: str


class Resources(Struct, kw_only=True):
    """Helplines of a country in the order people should see them, and its emergency number."""

    country: str
    country_name: str
    emergency_number: str
    emergency_line: str
    items: list[ResourceView]


class Evidence(Struct, kw_only=True):
    """A phrase that counted or why it did not: category, the words, their place in the text.

    The category `model` is a sentence in which a model finds danger, with its `probability`.
    """

    category: str
    text: str
    start: int
    end: int
    counted: bool
    reason: str | None
    probability: float | None = None


class SafetyPlan(Struct, forbid_unknown_fields=True, kw_only=True):
    """A safety plan in one's own words, in the order in which it helps."""

    warning_signs: Annotated[list[Step], Meta(max_length=20)] = []
    coping_strategies: Annotated[list[Step], Meta(max_length=20)] = []
    social_distractions: Annotated[list[Step], Meta(max_length=20)] = []
    people_to_ask: Annotated[list[Step], Meta(max_length=20)] = []
    professionals: Annotated[list[Step], Meta(max_length=20)] = []
    means_safety: Annotated[list[Step], Meta(max_length=20)] = []


class SafetyPlanView(Struct, kw_only=True):
    """A stored plan; `version` 0 means that there is none yet."""

    version: int
    updated_at: datetime | None
    plan: SafetyPlan


class Crisis(Struct, kw_only=True):
    """What comes first in a reply when somebody may be in danger."""

    event_id: UUID | None
    level: Literal["low", "moderate", "high", "critical"]
    headline: str
    one_thing: str
    what_next: str
    who_sees: str
    duty: str
    emergency_number: str
    resources: list[ResourceView]
    evidence: list[Evidence]
    safety_plan: SafetyPlan | None


class Helping(Struct, kw_only=True):
    """What helps somebody who wrote of another who may be in danger, or who died: a program cannot tell which.

    `why` it is shown, `steps` for danger in the order to take them, `lost` for who is grieving. Show the number first,
    and the steps only to who asks for them.
    """

    headline: str
    why: str
    steps: list[str]
    lost: str
    told: str
    emergency_number: str
    resources: list[ResourceView]


class Report(Struct, forbid_unknown_fields=True, kw_only=True):
    """A person says that they are in crisis; note and number are sealed and shown to the responder who takes it."""

    note: Note | None = None
    phone: Phone | None = None
    wants_contact: bool = True


class Reported(Struct, kw_only=True):
    """The event that was opened, and help."""

    event_id: UUID
    crisis: Crisis


class AfterCare(Struct, kw_only=True):
    """The next contact after a closed event, and by when: 1 within a day, 2 within three, 3 within a week."""

    step: int
    of: int
    due_at: datetime


class DeskItem(Struct, kw_only=True):
    """What everybody on duty sees: urgency and times, no name, no words."""

    person_id: UUID
    id: UUID
    risk_level: str
    state: str
    wants_contact: bool
    created_at: datetime
    response_due_at: datetime
    overdue: bool
    claimed_by_me: bool
    claimed: bool
    after_care: AfterCare | None


class Missed(Struct, kw_only=True):
    """Reviews and contacts of events of the last 60 days that nobody did in two weeks, and that are given up."""

    reviews: int
    contacts: int


class Desk(Struct, kw_only=True):
    """Open events, the most urgent first; closed ones whose person is to be contacted again, the next first."""

    items: list[DeskItem]
    after_care: list[DeskItem]
    missed: Missed
    on_duty: bool


class Part(Struct, kw_only=True):
    """One layer of the judgement in a sentence."""

    layer: str
    level: str
    sentence: str


class EventContact(Struct, kw_only=True):
    """An emergency contact; `may_be_contacted` is the member's own choice."""

    name: str
    relationship: str
    phone: str | None
    email: str | None
    may_be_contacted: bool


class Happened(Struct, kw_only=True):
    """What was done: the state it led to, or the result of a contact after closing; neither: it was taken over."""

    at: datetime
    state: str | None
    result: str | None
    by_me: bool
    note: str | None


class EventView(Struct, kw_only=True):
    """An event to the responder who claimed it."""

    person_id: UUID
    id: UUID
    risk_level: str
    risk_score: float
    state: str
    trigger_source: str
    wants_contact: bool
    created_at: datetime
    response_due_at: datetime
    outcome: str | None
    display_name: str | None
    email: str
    age_range: str | None
    country: str
    language: str
    timezone: str
    phone: str | None
    note: str | None
    evidence: list[Evidence]
    explanation: list[Part]
    contacts: list[EventContact]
    safety_plan: SafetyPlan | None
    next_steps: list[str]
    after_care: AfterCare | None
    supervises: bool
    history: list[Happened]


class Move(Struct, forbid_unknown_fields=True, kw_only=True):
    """The next step of an event; closing one needs an outcome."""

    step: Literal["contact", "resolve", "hand_back", "close", "give_up", "review", "raise"]
    outcome: Outcome | None = None
    note: Note | None = None


class Contacted(Struct, forbid_unknown_fields=True, kw_only=True):
    """What came of a contact after a closed event; `step` is the one that was due. Giving up needs a supervisor.

    `due_at`: the time by which it was due. When it is another time now, the contact was written down already: after one
    that reached nobody the same contact is due anew a day later.
    """

    step: Annotated[int, Meta(ge=1, le=3)]
    result: CareResult
    note: Note | None = None
    due_at: Annotated[datetime, Meta(tz=True)] | None = None


class NextContact(Struct, kw_only=True):
    """The contact that follows, or null when after-care has ended."""

    after_care: AfterCare | None


class Moved(Struct, kw_only=True):
    """The state an event is in now."""

    state: str


class DutyWrite(Struct, forbid_unknown_fields=True, kw_only=True):
    """Going on or off duty, for at most a day at a time."""

    on_duty: bool
    hours: Annotated[int, Meta(ge=1, le=24)] = 8


class DutyView(Struct, kw_only=True):
    """Whether I am on duty, and until when."""

    on_duty: bool
    until: datetime | None
    is_supervisor: bool
