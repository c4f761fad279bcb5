"""Helplines and plans as the templates take them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from wellspring.kernel import clock
from wellspring.kernel.i18n import Local, Moment
from wellspring.safety.care_queries import Standing
from wellspring.safety.copy import HELPING, helping_copy, notice
from wellspring.safety.protocol import PROTOCOLS
from wellspring.safety.resources import Channel, load
from wellspring.safety.schemas import Helping, ResourceView, SafetyPlan

STEPS: Final = tuple(SafetyPlan.__struct_fields__)
"""The six steps of a safety plan, in their order."""


class Way(Struct, frozen=True):
    """One way to reach somebody: `call`, `text`, `chat`, `web` or `email`."""

    kind: str
    text: str
    href: str
    keyword: str = ""


class Card(Struct, frozen=True):
    """A helpline."""

    name: str
    about: str
    ways: list[Way]
    hours: str
    languages: str
    verified: Moment | None


def _way(channel: Channel) -> Way:
    return Way(channel.kind, channel.value, channel.href, channel.keyword or "")


def _hours(found: ResourceView, language: str) -> str:
    if any(c.hours == "24/7" for c in found.channels):
        return notice("open_always", language)
    if found.open_now is False:
        return notice("closed_now", language)
    return notice("hours_unknown", language) if found.open_now is None else ""


def cards(found: Iterable[ResourceView], here: Local) -> list[Card]:
    """Return helplines for a page."""
    by_id = {r.id: r for r in load().resources}
    return [
        Card(
            name=one.name,
            about=one.description,
            ways=[_way(channel) for channel in by_id[one.id].channels],
            hours=_hours(one, here.language),
            languages=", ".join(here.language_name(code) for code in one.languages),
            verified=here.full_date(one.verified) if one.verified else None,
        )
        for one in found
    ]


def helping(found: Helping | None, here: Local) -> dict[str, Any] | None:
    """Return what helps somebody who wrote of another, for a page; the first step is a button there as well."""
    if found is None:
        return None
    return {
        "headline": found.headline,
        "why": found.why,
        "steps": found.steps,
        "lost": found.lost,
        "told": found.told,
        "emergency": found.emergency_number,
        "resources": cards(found.resources, here),
    }


def worried(language: str, emergency: str) -> dict[str, Any]:
    """Return what helps anybody who worries about another or has lost them, without their having written anything."""
    return {
        "headline": helping_copy("worried", language, emergency),
        "steps": [helping_copy(step, language, emergency) for step in HELPING],
        "grieving": helping_copy("grieving", language, emergency),
        "lost": helping_copy("lost", language, emergency),
    }


def contact_ways(phone: str | None, email: str | None) -> list[Way]:
    """Return the ways to reach a person."""
    ways = []
    if phone:
        dialled = "".join(c for c in phone if c.isdigit() or c == "+")
        ways = [Way("call", phone, f"tel:{dialled}"), Way("text", phone, f"sms:{dialled}")]
    return [*ways, Way("email", email, f"mailto:{email}")] if email else ways


class Duty(Struct, frozen=True):
    """Whether somebody is on duty, and within which time they aim to answer who asks."""

    on: bool
    answer_within: str


def duty(on: bool, here: Local) -> Duty:
    """Return what to say about the people on duty."""
    return Duty(on, here.lasting(PROTOCOLS["high"].first_response))


class Contact(Struct, frozen=True):
    """Whether this member has asked for a person, when they are contacted again, whether we failed them.

    `late`: the time of `again_by` is over. `unlooked`: a look was promised, and nobody looked. `unreached`: a contact
    was promised, and given up: nobody made it (`not_done`), or nobody reached them (`could_not_reach`); "" if neither.
    """

    state: str
    asked_at: Moment | None = None
    again_by: Moment | None = None
    late: bool = False
    unlooked: bool = False
    unreached: str = ""


def contact(standing: Standing | None, here: Local) -> Contact:
    """Return what to say about a member's own request, and about what was promised to them."""
    if standing is None:
        return Contact("none")
    asked, again = standing.asked_at, standing.again_by
    return Contact(
        "none" if asked is None else "asked",
        None if asked is None else here.moment(asked),
        None if again is None else here.moment(again),
        again is not None and again < clock.now(),
        standing.unlooked,
        standing.unreached or "",
    )


def plan_steps(plan: SafetyPlan | None) -> list[dict[str, Any]]:
    """Return the steps of a plan that hold something, by their field name."""
    if plan is None:
        return []
    return [{"step": name, "lines": lines} for name in STEPS if (lines := getattr(plan, name))]


def waiting(since: datetime, now: datetime, here: Local) -> str:
    """Return how long something has waited."""
    return here.lasting(max(now - since, timedelta(minutes=1)))
