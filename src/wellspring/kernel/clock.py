"""The program's clock. Deadlines and timers use the database's time; this one only stamps ids and tokens."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)
