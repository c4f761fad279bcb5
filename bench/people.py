"""People for a benchmark: accounts made by the program's own code, a month of check-ins each."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from bench.server import Running
from wellspring.app import make_edge
from wellspring.checkins import queries, words
from wellspring.checkins.schemas import CheckinCreate, Emotion
from wellspring.checkins.wire import Judged, columns
from wellspring.identity import service
from wellspring.identity.passwords import Passwords
from wellspring.identity.schemas import Register
from wellspring.identity.sessions import Where
from wellspring.kernel import ids
from wellspring.kernel.crypto import Sealer
from wellspring.kernel.db import DbRole, Query
from wellspring.kernel.settings import Settings
from wellspring.kernel.tokens import ACCESS_TTL, TokenKind

PEOPLE = 400
ENTRIES = 40
_KEY: Query[bytes] = Query(
    "SELECT wrapped FROM kernel.person_key WHERE person_id = $1", bytes, DbRole.MEMBER, register=False
)


class Member:
    """Somebody signed in."""

    def __init__(self, person_id: UUID, session: UUID, token: str, sealer: Sealer) -> None:
        self.id = person_id
        self.session = session
        self.token = token
        self.sealer = sealer


def _rows(member: Member, text: str) -> list[tuple[object, ...]]:
    """Return rows like those the program writes: one every 17 hours, the oldest four weeks ago."""
    now, rows = datetime.now(UTC), []
    for n in range(ENTRIES):
        at = now - timedelta(hours=1 + 17 * n)
        row_id = UUID(int=(int(at.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | (ids.new().int & (2**60 - 1)))
        emotions = [Emotion("calm", 3)]
        data = CheckinCreate(
            mood_score=4 + n % 4, energy_level=5, stress_level=4, anxiety_level=4, emotions=emotions, journal_text=text
        )
        judged = Judged(
            level="low",
            score=0.05,
            text_level="low",
            reading_state="read",
            versions={"risk": "0"},
            event_id=None,
            is_quick=False,
        )
        sealed = words.seal(words.of(data, emotions), member.sealer, row_id)
        values = columns(data, at=at, timezone="UTC", sealed=sealed, emotions=emotions, judged=judged)
        rows.append((member.id, row_id, *values))
    return rows


async def make(live: Running, text: str) -> list[Member]:
    """Make the people and their past; return them signed in."""
    parts = make_edge(Settings(environment="development"), live.ring, live.url)
    accounts = service.Accounts(parts.db, live.ring, Passwords(cheap=True), parts.settings)
    members = []
    for n in range(PEOPLE):
        wanted = Register(email=f"p{n}@example.org", password="a quiet lamp by the river")
        opened = await service.register(accounts, wanted, Where(None, None, ""), kind=TokenKind.ACCESS)
        who = opened.who
        async with parts.db.begin(DbRole.MEMBER, actor=who.person_id, read_only=True) as tx:
            sealer = live.ring.sealer(await tx.one(_KEY, who.person_id), who.person_id)
        token = parts.tokens.issue(who, TokenKind.ACCESS, ACCESS_TTL * 4)
        members.append(Member(who.person_id, who.session_id, token, sealer))
    await parts.db.close()
    owner = await asyncpg.connect(live.url)
    await insert(owner, [row for m in members for row in _rows(m, text)])
    await owner.execute(
        "INSERT INTO checkins.day (person_id, day, count, mood_avg, mood_min, mood_max)"
        " SELECT person_id, occurred_at::date, count(*), avg(mood_score), min(mood_score), max(mood_score)"
        " FROM checkins.checkin GROUP BY 1, 2"
    )
    await owner.execute("VACUUM ANALYZE")
    await owner.close()
    return members


async def insert(owner: "asyncpg.Connection", rows: list[tuple[object, ...]]) -> None:
    """Insert check-ins."""
    await owner.set_type_codec("jsonb", encoder=_encode, decoder=str, schema="pg_catalog", format="text")
    marks = ", ".join(f"${n}" for n in range(1, len(rows[0]) + 1))
    await owner.executemany(f"INSERT INTO checkins.checkin (person_id, id, {queries.COLUMNS}) VALUES ({marks})", rows)


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()
