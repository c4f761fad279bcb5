"""Languages: which one a request gets, the words of the pages, and dates and times as people write them."""

import unicodedata
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import get_global
from babel.dates import format_date, format_datetime, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.units import format_unit
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec import Struct

from wellspring.kernel import assets

NAMES: Final = {"en": "English", "fr": "Français"}
"""The languages of the pages, each by its own name."""
_LOCALES: Final = {"en": "en_GB", "fr": "fr"}
_UNITS: Final = (
    ("day", 86_400, 48 * 3600),
    ("hour", 3600, 2 * 3600),
    ("minute", 60, 60),
    ("second", 1, 0),
)
"""Units of durations: name, seconds in one, and from how many seconds on it is used."""
_ROOT: Final = Path(str(files("wellspring")))


def negotiate(accepted: str | None) -> str:
    """Return the first language of an Accept-Language header that we speak, English when there is none."""
    wanted: list[tuple[float, str]] = []
    for part in (accepted or "")[:200].split(","):
        tag, _, weight = part.partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        wanted.append((-quality, tag.strip().lower().split("-")[0]))
    return next((tag for _, tag in sorted(wanted, key=lambda w: w[0]) if tag in NAMES), "en")


def _translations(language: str) -> NullTranslations:
    path = _ROOT / "web" / "locale" / language / "LC_MESSAGES" / "wellspring.po"
    if not path.is_file():
        return NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def decimals(language: str) -> Callable[..., str]:
    """Return how numbers are written in a language: at most one decimal, or exactly as many as asked for."""

    def decimal(value: float, places: int = 0) -> str:
        return format_decimal(value, f"0.{'0' * places}" if places else "0.#", locale=language)

    return decimal


@cache
def environment(language: str) -> Environment:
    """Return the templates in one language: strict about names, every value escaped."""
    folders = [_ROOT / "web" / "templates", *sorted(_ROOT.glob("*/templates"))]
    made = Environment(
        loader=FileSystemLoader(list(dict.fromkeys(folders))),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    cast("dict[str, Any]", made.globals)["asset"] = assets.url
    made.filters["decimal"] = decimals(language)
    install: Any = made.install_gettext_translations  # type: ignore[attr-defined]  # the i18n extension adds it
    install(_translations(language), newstyle=True)
    return made


def say(language: str, macro: str, *values: object) -> str:
    """Return what a macro of `labels.html` says: the words of the pages for a stored value or a code."""
    found: Any = getattr(environment(language).get_template("labels.html").module, macro)
    return str(found(*values)).strip()


class Moment(Struct, frozen=True):
    """A moment for programs and for people."""

    iso: str
    text: str


def letters(name: str) -> str:
    """Return a name as it is looked up in an alphabet: É stands with E."""
    return "".join(c for c in unicodedata.normalize("NFD", name.casefold()) if not unicodedata.combining(c))


class Local(Struct, frozen=True):
    """A person's language and time zone: how they read dates, times and durations."""

    language: str
    timezone: str

    @property
    def locale(self) -> Locale:
        """Return the conventions of dates and numbers."""
        return Locale.parse(_LOCALES[self.language])

    def at(self, when: datetime) -> datetime:
        """Return a moment on this person's clock."""
        return when.astimezone(ZoneInfo(self.timezone))

    def moment(self, when: datetime) -> Moment:
        """Return a moment with its day: `Friday 20 November, 18:40`; another year is named."""
        own = self.at(when)
        return Moment(own.isoformat(), f"{self.day(own.date())}, {self.clock(own)}")

    def stamp(self, when: datetime) -> Moment:
        """Return a moment for dense lists: date and time, short."""
        own = self.at(when)
        return Moment(own.isoformat(), format_datetime(own, "short", locale=self.locale))

    def clock(self, when: datetime) -> str:
        """Return the time of day of a moment."""
        return format_time(self.at(when), "short", locale=self.locale)

    def day(self, day: date) -> str:
        """Return a day in full; the year only when it is another one."""
        this_year = day.year == self.at(datetime.now(ZoneInfo("UTC"))).year
        return format_date(day, "EEEE d MMMM" if this_year else "EEEE d MMMM y", locale=self.locale)

    def short_day(self, day: date) -> str:
        """Return a day as an axis shows it: `20 Nov`."""
        return format_date(day, "d MMM", locale=self.locale)

    def weekday(self, day: date) -> str:
        """Return the short name of a weekday."""
        return format_date(day, "EEEEEE", locale=self.locale)

    def full_date(self, day: date) -> Moment:
        """Return a date with its year."""
        return Moment(day.isoformat(), format_date(day, "long", locale=self.locale))

    def lasting(self, length: timedelta) -> str:
        """Return a duration in the unit that fits: `30 seconds`, `90 minutes`, `30 hours`, `3 days`."""
        seconds = max(0.0, length.total_seconds())
        unit, size = next(one for one in _UNITS if seconds >= one[2])[:2]
        return format_unit(max(1, round(seconds / size)), f"duration-{unit}", locale=self.locale)

    def countries(self) -> list[tuple[str, str]]:
        """Return the code and name of every country in which clocks are kept, by name."""
        codes = {code for code in get_global("zone_territories").values() if code.isalpha() and code != "ZZ"}
        named = [(code, str(self.locale.territories.get(code, code))) for code in codes]
        return sorted(named, key=lambda one: letters(one[1]))

    def language_name(self, code: str) -> str:
        """Return the name of a language in this person's own."""
        return str(self.locale.languages.get(code, code))
