"""Crisis lines and emergency numbers, by country. Pure data with one read of two shipped files.

The files are `data/countries.toml` and `data/resources.toml`; their heads explain each field. Nothing here
needs a database, a network or a signed-in person, so help can be shown when everything else is down.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

ChannelKind = Literal["call", "text", "chat", "web"]
Evidence = Literal["published", "memory"]
Need = Literal[
    "suicide",
    "emotional_support",
    "youth",
    "domestic_violence",
    "lgbtq",
    "veterans",
    "men",
    "women",
    "indigenous",
]
StaleReason = Literal["never_verified", "too_old"]

WORLD: Final = "*"
"""The country of resources that serve everywhere."""

STALE_AFTER: Final = timedelta(days=180)
"""Numbers change: half a year is the longest that one may go unverified before it raises an alarm."""

UNKNOWN_COUNTRY_NUMBER: Final = "112"
"""Reaches an emergency service from mobile phones in most countries (the GSM standard), whatever is local."""

_GENERAL: Final[frozenset[Need]] = frozenset({"suicide", "emotional_support"})
_DIAL: Final = re.compile(r"[+*]?[0-9](?:[0-9 -]*[0-9])?")
_URL: Final = re.compile(r"https://[a-z0-9.-]+(?:/[^\s]*)?")
_CLOCK: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")


class DataError(ValueError):
    """A shipped data file is wrong. The message names the entry and the field."""


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Opening hours on some days, local time, `HH:MM`. `close` at or before `open` means the next morning."""

    days: tuple[int, ...]
    open: str
    close: str


class Channel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to reach a line. `free` is None if the source does not say; `keyword` is the word to text."""

    kind: ChannelKind
    value: str
    hours: Literal["24/7", "unknown"] | tuple[Span, ...]
    free: bool | None = None
    keyword: str | None = None
    verified_by: Evidence | None = None

    @property
    def href(self) -> str:
        """What a link opens: `tel:`, `sms:` or the page itself."""
        if self.kind in ("chat", "web"):
            return self.value
        scheme = "tel" if self.kind == "call" else "sms"
        return f"{scheme}:{self.value.replace(' ', '').replace('-', '')}"


class Resource(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A line or directory. `en` and `fr` describe it; `verified` is None when nobody has looked yet."""

    id: str
    country: str
    languages: tuple[str, ...]
    name: str
    needs: tuple[Need, ...]
    en: str
    fr: str
    channels: tuple[Channel, ...]
    source: str
    verified_by: Evidence
    verified: date | None = None
    source_date: str | None = None
    region: str | None = None

    def description(self, language: str) -> str:
        """The description in French for any French locale, else in English."""
        return self.fr if base_language(language) == "fr" else self.en


class Country(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A country's emergency numbers (call the first first), its languages, and the territories it covers."""

    code: str
    en: str
    fr: str
    languages: tuple[str, ...]
    timezone: str
    numbers: tuple[str, ...]
    source: str
    also: tuple[str, ...] = ()

    @property
    def verified_by(self) -> Evidence:
        """Whether the emergency numbers were read somewhere, or written from memory."""
        return "memory" if self.source == "memory" else "published"


class Emergency(msgspec.Struct, frozen=True):
    """The number to call when life is in danger now. `known` is False when the country is not in our list."""

    number: str
    others: tuple[str, ...]
    known: bool


class Stale(msgspec.Struct, frozen=True):
    """A resource that somebody must verify. `age_days` is None when it never was."""

    resource: Resource
    reason: StaleReason
    age_days: int | None


class Directory(msgspec.Struct, frozen=True):
    """Both files, checked. `countries` also holds the territories, under their own codes."""

    resources: tuple[Resource, ...]
    countries: dict[str, Country]


class _ResourceFile(msgspec.Struct, forbid_unknown_fields=True):
    resource: tuple[Resource, ...]


class _CountryFile(msgspec.Struct, forbid_unknown_fields=True):
    country: tuple[Country, ...]


def base_language(tag: str) -> str:
    """`fr-CA`, `fr_CA` and `FR` are all `fr`."""
    return re.split(r"[-_]", tag.strip(), maxsplit=1)[0].lower()


def parse(resources: bytes, countries: bytes) -> Directory:
    """Decodes and checks both files. Raises DataError at the first entry that is not as the files promise."""
    try:
        listed = msgspec.toml.decode(countries, type=_CountryFile).country
        lines = msgspec.toml.decode(resources, type=_ResourceFile).resource
    except msgspec.DecodeError as error:
        raise DataError(str(error)) from error
    by_code: dict[str, Country] = {}
    for country in listed:
        _check_country(country)
        for code in (country.code, *country.also):
            _require(code not in by_code, country.code, f"{code} is listed twice")
            by_code[code] = country
    _check_unique(lines)
    for line in lines:
        _check_resource(line, by_code)
    return Directory(resources=lines, countries=by_code)


@cache
def load() -> Directory:
    """The shipped directory, read and checked once per process. Raises DataError."""
    folder = files("wellspring.safety") / "data"
    return parse((folder / "resources.toml").read_bytes(), (folder / "countries.toml").read_bytes())


def for_country(country: str | None, language: str, need: Need | None = None, *, now: datetime) -> list[Resource]:
    """What to show, in order: the country's lines in the person's language, its others, then international.

    Two things outrank language, because the first line shown is the one that is tried: a line that is closed
    now never stands above one that may answer, and a line for others (children, veterans) never above one for
    `need`, or, without a need, for everybody. Ties keep the order of the file. An unknown or missing country
    gets the international ones. `now` must be aware. Never empty.
    """
    directory = load()
    here = directory.countries.get((country or "").upper())
    own = [r for r in directory.resources if here is not None and r.country == here.code]
    world = [r for r in directory.resources if r.country == WORLD]
    spoken = base_language(language)

    def key(resource: Resource) -> tuple[bool, bool, int, bool]:
        closed = open_now(resource, now) is False
        return resource.country == WORLD, closed, _need_rank(resource, need), spoken not in resource.languages

    return sorted([*own, *world], key=key)


def emergency_number(country: str | None) -> Emergency:
    """The emergency number of a country or territory (ISO 3166-1 alpha-2, any case), else 112."""
    here = load().countries.get((country or "").upper())
    if here is None:
        return Emergency(number=UNKNOWN_COUNTRY_NUMBER, others=(), known=False)
    return Emergency(number=here.numbers[0], others=here.numbers[1:], known=True)


def stale(now: datetime, resources: Iterable[Resource] | None = None) -> list[Stale]:
    """Resources to verify: those never verified, then those verified over 180 days ago, oldest first.

    A resource with a channel from memory counts as never verified. `now` must be aware.
    """
    found: list[Stale] = []
    for resource in load().resources if resources is None else resources:
        if resource.verified is None or any(c.verified_by == "memory" for c in resource.channels):
            found.append(Stale(resource, "never_verified", None))
            continue
        age = now.date() - resource.verified
        if age > STALE_AFTER:
            found.append(Stale(resource, "too_old", age.days))
    return sorted(found, key=lambda s: (s.age_days is not None, -(s.age_days or 0)))


def open_now(resource: Resource, now: datetime) -> bool | None:
    """Whether a call, text or chat of it is open at `now` (aware). None: it does not say, or it is a page."""
    country = load().countries.get(resource.country)
    zone = None if country is None else _zone(country.timezone)
    states = [_channel_open(c, zone, now) for c in resource.channels if c.kind != "web"]
    if True in states:
        return True
    return None if None in states or not states else False


def _channel_open(channel: Channel, zone: ZoneInfo | None, now: datetime) -> bool | None:
    if isinstance(channel.hours, str):
        return True if channel.hours == "24/7" else None
    if zone is None:
        return None
    local = now.astimezone(zone)
    return any(_within(span, local) for span in channel.hours)


def _within(span: Span, local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    start, end = _minutes(span.open), _minutes(span.close)
    today, yesterday = local.isoweekday(), (local - timedelta(days=1)).isoweekday()
    if start < end:
        return today in span.days and start <= minute < end
    return (today in span.days and minute >= start) or (yesterday in span.days and minute < end)


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:  # a host without this zone: the hours are then simply not known
        return None


def _need_rank(resource: Resource, need: Need | None) -> int:
    special = not _GENERAL.issuperset(resource.needs) and "emotional_support" not in resource.needs
    if need is None or need in _GENERAL:
        return int(special)
    return 0 if need in resource.needs else 1 + int(special)


def _require(held: bool, where: str, what: str) -> None:
    if not held:
        raise DataError(f"{where}: {what}")


def _check_country(country: Country) -> None:
    for code in (country.code, *country.also):
        _require(_COUNTRY.fullmatch(code) is not None, country.code, f"{code!r} is no country code")
    _require(bool(country.en and country.fr and country.source), country.code, "a name or the source is missing")
    _require(bool(country.numbers), country.code, "no emergency number")
    for number in country.numbers:
        _require(_dialable(number), country.code, f"{number!r} cannot be dialled")
    _check_languages(country.languages, country.code)


def _check_unique(lines: tuple[Resource, ...]) -> None:
    seen: set[str] = set()
    for line in lines:
        _require(line.id not in seen, line.id, "the id is used twice")
        seen.add(line.id)


def _check_resource(line: Resource, countries: dict[str, Country]) -> None:
    _require(_SLUG.fullmatch(line.id) is not None, line.id, "the id is no slug")
    known = line.country == WORLD or getattr(countries.get(line.country), "code", None) == line.country
    _require(known, line.id, f"country {line.country!r} is not in countries.toml")
    _require(all((line.name, line.en, line.fr, line.needs, line.channels)), line.id, "a field is empty")
    _require(line.source.startswith(("https://", "http://")), line.id, "the source is no address")
    _require(
        (line.verified_by == "published") == (line.verified is not None),
        line.id,
        "verified and verified_by disagree",
    )
    _check_languages(line.languages, line.id)
    for channel in line.channels:
        _check_channel(channel, line.id)


def _check_languages(languages: tuple[str, ...], where: str) -> None:
    _require(bool(languages), where, "no language")
    for tag in languages:
        _require(_LANGUAGE.fullmatch(tag) is not None, where, f"{tag!r} is no language")


def _check_channel(channel: Channel, where: str) -> None:
    if channel.kind in ("chat", "web"):
        _require(_URL.fullmatch(channel.value) is not None, where, f"{channel.value!r} is no https address")
    else:
        _require(_dialable(channel.value), where, f"{channel.value!r} cannot be dialled")
    _require(channel.keyword is None or channel.kind == "text", where, "only a text has a keyword")
    if isinstance(channel.hours, str):
        return
    _require(bool(channel.hours), where, "hours are empty")
    for span in channel.hours:
        _require(bool(span.days) and set(span.days) <= set(range(1, 8)), where, "a day is not 1 to 7")
        for clock in (span.open, span.close):
            _require(_CLOCK.fullmatch(clock) is not None, where, f"{clock!r} is no time")


def _dialable(value: str) -> bool:
    digits = sum(c.isdigit() for c in value)
    return _DIAL.fullmatch(value) is not None and 2 <= digits <= 15
