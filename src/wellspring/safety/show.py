"""What people in danger are shown: helplines, the words that fit, their plan."""

from datetime import datetime
from uuid import UUID

from wellspring.kernel import clock
from wellspring.language import Reading
from wellspring.safety.copy import HELPING, channel_label, crisis_copy, emergency_line, helping_copy
from wellspring.safety.errors import CountryUnknown
from wellspring.safety.levels import Level
from wellspring.safety.resources import (
    Channel,
    Resource,
    emergency_number,
    for_country,
    load,
    open_now,
)
from wellspring.safety.schemas import ChannelView, Crisis, Evidence, Helping, Resources, ResourceView, SafetyPlan

IN_A_REPLY = 4


def _hours(channel: Channel) -> str:
    if isinstance(channel.hours, str):
        return channel.hours
    return "; ".join(f"{','.join(map(str, s.days))} {s.open}-{s.close}" for s in channel.hours)


def _channel(channel: Channel, language: str) -> ChannelView:
    return ChannelView(
        kind=channel.kind,
        value=channel.value,
        label=channel_label(channel.kind, channel.value, channel.keyword, language),
        hours=_hours(channel),
        free=channel.free,
    )


def resource(found: Resource, language: str, now: datetime) -> ResourceView:
    """Return the wire form of a helpline."""
    return ResourceView(
        id=found.id,
        country=found.country,
        name=found.name,
        description=found.description(language),
        languages=list(found.languages),
        needs=list(found.needs),
        channels=[_channel(c, language) for c in found.channels],
        open_now=open_now(found, now),
        source=found.source,
        verified=found.verified,
        verified_by=found.verified_by,
    )


def resources(country: str, language: str, now: datetime | None = None) -> Resources:
    """Return the helplines of a country; raises CountryUnknown for what is not two letters."""
    code = country.upper()
    if len(code) != 2 or not code.isalpha() or not code.isascii():
        raise CountryUnknown
    now = now or clock.now()
    emergency = emergency_number(code)
    here = load().countries.get(code)
    name = code if here is None else (here.fr if language == "fr" else here.en)
    return Resources(
        country=code,
        country_name=name,
        emergency_number=emergency.number,
        emergency_line=emergency_line(language, emergency.number, known=emergency.known),
        items=[resource(r, language, now) for r in for_country(code, language, now=now)],
    )


def evidence(reading: Reading | None, text: str | None) -> list[Evidence]:
    """Return what rules and models found, in the writer's own words; a model's counts where it raised the level."""
    if reading is None or text is None:
        return []
    phrases = [
        Evidence(
            category=h.category,
            text=text[h.start : h.end],
            start=h.start,
            end=h.end,
            counted=h.counted,
            reason=h.reason,
        )
        for h in reading.hits
    ]
    raised = reading.level not in ("mentioned", reading.rules_level)
    sentences = [
        Evidence(
            category="model",
            text=text[s.start : s.end],
            start=s.start,
            end=s.end,
            counted=raised,
            reason=None,
            probability=round(s.probability, 3),
        )
        for s in reading.evidence
    ]
    return phrases + sentences


def crisis(
    level: Level,
    *,
    country: str,
    language: str,
    on_duty: bool,
    event_id: UUID | None,
    found: list[Evidence],
    plan: SafetyPlan | None,
    asked: bool = False,
    looks: bool = True,
) -> Crisis:
    """Return what comes first in the reply."""
    emergency = emergency_number(country)
    copy = crisis_copy(level, language, emergency=emergency.number, on_duty=on_duty, asked=asked, looks=looks)
    now = clock.now()
    return Crisis(
        event_id=event_id,
        level=level,
        headline=copy.headline,
        one_thing=copy.one_thing,
        what_next=copy.what_next,
        who_sees=copy.who_sees,
        duty=copy.duty,
        emergency_number=emergency.number,
        resources=[resource(r, language, now) for r in for_country(country, language, now=now)[:IN_A_REPLY]],
        evidence=found,
        safety_plan=plan,
    )


def helping(country: str, language: str) -> Helping:
    """Return what somebody is shown whose words speak of another in danger, or of one who died."""
    number, now = emergency_number(country).number, clock.now()
    return Helping(
        headline=helping_copy("headline", language, number),
        why=helping_copy("why", language, number),
        steps=[helping_copy(step, language, number) for step in HELPING],
        lost=helping_copy("lost", language, number),
        told=helping_copy("told", language, number),
        emergency_number=number,
        resources=[resource(r, language, now) for r in for_country(country, language, now=now)[:IN_A_REPLY]],
    )


__all__ = ["crisis", "evidence", "helping", "resource", "resources"]
