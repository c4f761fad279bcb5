"""Crisis lines: every entry valid and honest about its source; the order people see; staleness."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
from babel import Locale

from wellspring.safety import resources
from wellspring.safety.resources import (
    WORLD,
    Channel,
    DataError,
    Resource,
    Span,
    emergency_number,
    for_country,
    load,
    open_now,
    parse,
    stale,
)

NIGHT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
"""A Saturday, three in the morning in London."""
DATA = Path(resources.__file__).parent / "data"
ENGLISH = Locale("en")
DIRECTORY = load()
OWN = sorted({r.country for r in DIRECTORY.resources if r.country != WORLD})


@pytest.mark.parametrize("resource", DIRECTORY.resources, ids=lambda r: r.id)
def test_every_resource_can_be_used_and_is_honest(resource: Resource) -> None:
    assert resource.country == WORLD or resource.country in ENGLISH.territories
    assert all(tag in ENGLISH.languages for tag in resource.languages)
    assert resource.en != resource.fr
    assert "!" not in resource.en + resource.fr
    assert resource.description("fr-CA") == resource.fr
    assert resource.description("es") == resource.en
    assert (resource.verified_by == "published") == (resource.verified is not None)
    for channel in resource.channels:
        assert re.fullmatch(r"(tel|sms):[+*]?\d{2,15}|https://\S+", channel.href)


@pytest.mark.parametrize("code", sorted(DIRECTORY.countries))
def test_every_country_has_an_emergency_number_and_real_codes(code: str) -> None:
    country = DIRECTORY.countries[code]
    assert code in ENGLISH.territories
    assert all(tag in ENGLISH.languages for tag in country.languages)
    here = emergency_number(code.lower())
    assert here.known
    assert re.fullmatch(r"\d{2,5}", here.number)
    assert resources._zone(country.timezone) is not None
    assert (country.verified_by == "published") == country.source.startswith("http")


def test_there_are_enough_countries_and_a_line_for_everybody_in_each() -> None:
    assert len(OWN) >= 30
    for code in OWN:
        lines = [r for r in for_country(code, "en", now=NIGHT) if r.country == code]
        assert any({"suicide", "emotional_support"} & set(r.needs) for r in lines), code


@pytest.mark.parametrize(
    ("country", "value"),
    [
        ("US", "988"), ("CA", "988"), ("GB", "116 123"), ("IE", "116 123"), ("FR", "3114"), ("NL", "113"),
        ("BE", "1813"), ("BE", "0800 32 123"), ("DE", "0800 1110111"), ("DE", "0800 1110222"), ("AT", "142"),
        ("CH", "143"), ("ES", "024"), ("AU", "13 11 14"), ("NZ", "1737"), ("IN", "14416"), ("BR", "188"),
        ("PT", "1411"), ("KR", "109"), ("CL", "*4141"),
    ],
)  # fmt: skip
def test_the_best_known_numbers_are_right(country: str, value: str) -> None:
    values = {c.value for r in for_country(country, "en", now=NIGHT) for c in r.channels}
    assert value in values


def ids(country: str | None, language: str, **more: object) -> list[str]:
    return [r.id for r in for_country(country, language, now=NIGHT, **more)]  # type: ignore[arg-type]


def test_own_language_comes_first_then_the_countrys_others_then_the_world() -> None:
    dutch, french = ids("BE", "nl"), ids("be", "fr-BE")
    assert dutch[0] == "be-zelfmoordlijn"
    assert french[:2] == ["be-prevention-suicide", "be-tele-accueil"]
    assert french.index("be-zelfmoordlijn") > 1
    assert [i.startswith("intl-") for i in french] == sorted(i.startswith("intl-") for i in french)


@pytest.mark.parametrize("code", [*OWN, None, "XX", ""])
def test_the_world_is_always_there_and_last(code: str | None) -> None:
    listed = for_country(code, "en", now=NIGHT)
    world = [r.country == WORLD for r in listed]
    assert world.count(True) == 3
    assert world == sorted(world)


def test_lines_for_others_stand_below_lines_for_everybody_unless_asked_for() -> None:
    assert ids("US", "en")[0] == "us-988"
    assert ids("US", "en", need="lgbtq")[0] == "us-trevor"
    assert ids("US", "en", need="suicide")[0] == "us-988"
    assert ids("GB", "en", need="domestic_violence")[0] == "gb-domestic-abuse"
    assert ids("DE", "fr")[0] == "de-telefonseelsorge"  # the line for women speaks French, but is not for everybody


def test_a_closed_line_never_stands_above_one_that_may_answer() -> None:
    assert ids("FI", "en")[:3] == ["fi-mieli", "fi-mieli-sv", "fi-mieli-en"]
    friday = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    assert for_country("FI", "en", now=friday)[0].id == "fi-mieli-en"


def test_territories_get_the_lines_that_serve_them() -> None:
    assert ids("RE", "fr")[0] == "fr-3114"
    assert ids("PR", "es")[0] == "us-988"
    assert emergency_number("GG").number == "999"


def test_an_unknown_country_gets_honest_advice() -> None:
    for code in (None, "", "XX"):
        assert emergency_number(code).number == "112"
        assert not emergency_number(code).known
    assert emergency_number("FR").others == ("112",)


def line(hours: object, country: str = "PT", kind: str = "call") -> Resource:
    value = "1411" if kind == "call" else "https://example.org/"
    channel = {"kind": kind, "value": value, "hours": hours}
    raw = {
        "id": "pt-x", "country": country, "languages": ["pt"], "name": "x", "needs": ["suicide"], "en": "a",
        "fr": "b", "channels": [channel], "source": "https://example.org/", "verified_by": "memory",
    }  # fmt: skip
    return msgspec.convert(raw, Resource)


EVENING = [{"days": [1, 2, 3, 4, 5], "open": "15:30", "close": "00:30"}]


@pytest.mark.parametrize(
    ("hours", "when", "state"),
    [
        (EVENING, datetime(2026, 11, 20, 15, 29, tzinfo=UTC), False),
        (EVENING, datetime(2026, 11, 20, 15, 30, tzinfo=UTC), True),
        (EVENING, datetime(2026, 11, 21, 0, 29, tzinfo=UTC), True),
        (EVENING, datetime(2026, 11, 21, 0, 30, tzinfo=UTC), False),
        (EVENING, datetime(2026, 11, 21, 16, 0, tzinfo=UTC), False),
        (EVENING, datetime(2026, 11, 23, 0, 10, tzinfo=UTC), False),
        (
            [{"days": [5], "open": "10:00", "close": "24:00"}],
            datetime(2026, 11, 20, 23, 59, tzinfo=UTC),
            True,
        ),
        ("24/7", NIGHT, True),
        ("unknown", NIGHT, None),
    ],
)
def test_opening_hours_across_midnight(hours: object, when: datetime, state: bool | None) -> None:
    assert open_now(line(hours), when) is state


def test_hours_follow_the_clock_of_the_country() -> None:
    summer = datetime(2026, 7, 1, 14, 45, tzinfo=UTC)  # 15:45 in Lisbon
    assert open_now(line(EVENING), summer) is True


def test_hours_are_not_known_without_a_country_or_a_zone() -> None:
    assert open_now(line(EVENING, country=WORLD), NIGHT) is None
    assert open_now(line("24/7", kind="web"), NIGHT) is None
    assert resources._zone("Nowhere/Land") is None


def test_stale_lists_what_nobody_verified_then_what_is_too_old() -> None:
    fresh = [s for s in stale(NIGHT) if s.reason == "too_old"]
    assert fresh == []
    memory = {s.resource.id for s in stale(NIGHT)}
    assert {r.id for r in DIRECTORY.resources if r.verified_by == "memory"} <= memory
    assert "fr-sos-amitie" in memory
    assert "fr-3114" not in memory
    later = stale(datetime(2027, 7, 1, tzinfo=UTC))
    assert len(later) == len(DIRECTORY.resources)
    reasons = [s.reason for s in later]
    assert reasons == sorted(reasons)  # never_verified before too_old


def test_stale_after_180_days_and_not_a_day_before() -> None:
    one = msgspec.structs.replace(line("24/7"), verified_by="published", verified=date(2026, 1, 1))
    old = msgspec.structs.replace(one, id="pt-old", verified=date(2025, 1, 1))
    assert stale(datetime(2026, 6, 30, tzinfo=UTC), [one]) == []
    found = stale(datetime(2026, 7, 1, tzinfo=UTC), [one, old])
    assert [(s.resource.id, s.age_days) for s in found] == [("pt-old", 546), ("pt-x", 181)]


def test_a_channel_from_memory_is_never_verified() -> None:
    half = next(r for r in DIRECTORY.resources if r.id == "ca-kids-help-phone")
    assert half.verified_by == "published"
    assert [s.reason for s in stale(NIGHT, [half])] == ["never_verified"]


def test_links_dial_what_is_written() -> None:
    assert Channel("call", "+94 11 2 682535", "24/7").href == "tel:+94112682535"
    assert Channel("call", "*4141", "24/7").href == "tel:*4141"
    assert Channel("text", "0477 13 11 14", "24/7").href == "sms:0477131114"
    assert Channel("chat", "https://mind.se/", (Span((1,), "09:00", "10:00"),)).href == "https://mind.se/"


COUNTRIES = (DATA / "countries.toml").read_text()
LINES = (DATA / "resources.toml").read_text()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('value = "3114"', 'value = "31x4"'),
        ('value = "3114"', 'value = "3"'),
        ('value = "3114"', 'value = "3114-"'),
        ('value = "https://988lifeline.org/"', 'value = "http://988lifeline.org/"'),
        ('id = "fr-3114"', 'id = "us-988"'),
        ('id = "fr-3114"', 'id = "FR 3114"'),
        ('country = "LI"', 'country = "RE"'),
        ('country = "LI"', 'country = "ZZ"'),
        ('languages = ["he"', 'languages = ["Hebrew"'),
        ('languages = ["sv"]', "languages = []"),
        ('verified_by = "memory"\n', 'verified_by = "memory"\nverified = 2026-11-21\n'),
        ('verified_by = "memory"\n', 'verified_by = "published"\n'),
        ('verified_by = "memory"\n', 'verified_by = "hearsay"\n'),
        ('source = "https://telljp.com/"', 'source = "a friend"'),
        ('name = "TELL Lifeline"', 'name = ""'),
        ('name = "TELL Lifeline"', 'nane = "TELL Lifeline"'),
        ('hours = "24/7"', "hours = []"),
        ('open = "14:00"', 'open = "2 pm"'),
        ("days = [5]", "days = [8]"),
        ("days = [5]", "days = []"),
        ('value = "988", hours', 'value = "988", keyword = "HI", hours'),
        ('kind = "call"', 'kind = "fax"'),
        ('needs = ["veterans"]', 'needs = ["heroes"]'),
        ("[[resource]]", "[[resource"),
    ],
)
def test_a_wrong_line_is_refused(old: str, new: str) -> None:
    assert old in LINES
    with pytest.raises(DataError):
        parse(LINES.replace(old, new, 1).encode(), COUNTRIES.encode())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('code = "GB"', 'code = "UK "'),
        ('code = "GB"', 'code = "FR"'),
        ('"RE"', '"Réunion"'),
        ('fr = "France"', 'fr = ""'),
        ('numbers = ["000"]', "numbers = []"),
        ('numbers = ["000"]', 'numbers = ["triple zero"]'),
        ('languages = ["fr"]', 'languages = ["French"]'),
    ],
)
def test_a_wrong_country_is_refused(old: str, new: str) -> None:
    assert old in COUNTRIES
    with pytest.raises(DataError):
        parse(LINES.encode(), COUNTRIES.replace(old, new, 1).encode())


def test_the_shipped_files_parse() -> None:
    assert parse(LINES.encode(), COUNTRIES.encode()) == DIRECTORY
