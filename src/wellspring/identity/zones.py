"""Time zones to choose from: those of a country first, and the one that whoever says nothing most likely has."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from babel.core import get_global

from wellspring.identity.schemas import TIMEZONES
from wellspring.kernel import clock

ZONES: Final = [*sorted(zone for zone in TIMEZONES if "/" in zone and not zone.startswith("Etc/")), "UTC"]
_HALF_A_YEAR: Final = timedelta(days=182)


@cache
def of_country(country: str) -> list[str]:
    """Return the zones of a country (two letters), by name; none for a country that is not known."""
    return sorted(zone for zone, where in get_global("zone_territories").items() if where == country and zone in ZONES)


def likely(country: str) -> str | None:
    """Return the zone of a country whose clocks all agree, in summer and in winter; None where one has to choose."""
    found, now = of_country(country), clock.now().astimezone(UTC)
    shown = {tuple(_offset(zone, at) for at in (now, now + _HALF_A_YEAR)) for zone in found}
    return found[0] if len(shown) == 1 else None


def _offset(zone: str, at: datetime) -> timedelta | None:
    return at.astimezone(ZoneInfo(zone)).utcoffset()
