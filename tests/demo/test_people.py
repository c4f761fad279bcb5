"""Who is there, and that the same seed makes the same people."""

import random
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from tests.demo.conftest import PEOPLE, TODAY
from tests.support import database
from wellspring.demo import crises, fill, is_empty, sign_ins
from wellspring.demo.cast import DAYS, first_day, member
from wellspring.demo.library import places, rng
from wellspring.demo.life import SHAPES, days, phase, share
from wellspring.demo.sign_ins import STAFF_HERE
from wellspring.demo.tables import Rows
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.ids import NIL


def test_same_seed_same_person() -> None:
    assert member(7, 12) == member(7, 12)
    assert member(7, 12) != member(8, 12)
    assert days(member(7, 12), 7, TODAY) == days(member(7, 12), 7, TODAY)


def test_two_hundred_differ() -> None:
    people = [member(7, n) for n in range(200)]
    assert len({p.email for p in people}) == len({p.person_id for p in people}) == 200
    assert {p.home.language for p in people} == {"en", "fr"}
    assert len({p.home.country for p in people}) >= 6
    assert len({p.timezone for p in people}) >= 8


def test_emails_are_plain() -> None:
    assert all(member(7, n).email.isascii() and member(7, n).email.endswith("@example.org") for n in range(200))


def test_named_members() -> None:
    alice, amelie = member(7, 0), member(7, 1)
    assert (alice.email, alice.home.country) == ("alice@example.org", "GB")
    assert (amelie.email, amelie.home.language) == ("amelie@example.org", "fr")


@pytest.mark.parametrize("today", [date(2026, 11, 20), date(2027, 1, 5), date(2028, 2, 29), date(2026, 7, 14)])
def test_alice_has_a_hard_winter(today: date) -> None:
    lived = days(member(7, 0), 7, today)
    assert (len(lived), lived[0].date, lived[-1].date) == (DAYS, first_day(today), today)
    low = [d for d in lived if d.episode == "low"]
    warm = [d.mood for d in lived if d.date.month in (6, 7)]
    assert low
    assert sum(d.mood for d in low) / len(low) < sum(warm) / len(warm) - 1


def test_events_rise_and_fade() -> None:
    shape = SHAPES["bereavement"]
    felt = [share(shape, age) for age in range(120)]
    assert share(shape, -1) == 0
    assert max(felt) == 1.0
    assert felt[119] < 0.15 < felt[40] < felt[5] == 1.0
    assert [phase(shape, age) for age in (0, 10, 90)] == ["start", "during", "after"]


def test_phone_numbers_are_fictional() -> None:
    known = ("+1 202 555 01", "+1 613 555 01", "+1 514 555 01", "+44 7700 9000", "+33 1 99 00 00 ", "")
    assert all(home.phone.partition("{")[0] in known for home in places().home)


def test_numbers_repeat_across_machines() -> None:
    assert rng(7, "life", 3).random() == random.Random("7/life/3").random()


def test_sign_ins_are_the_same_again_and_differ_between_installations() -> None:
    mine, again = sign_ins(database.KEYS), sign_ins(Keyring({1: b"x" * 32}, b"r" * 32))
    other = sign_ins(Keyring({1: b"k" * 32}, b"o" * 32))
    assert mine == again
    assert [s.email for s in mine] == [s.email for s in other]
    assert all(a.totp_secret != b.totp_secret for a, b in zip(mine, other, strict=True) if a.totp_secret)
    assert {s.role for s in mine if s.totp_secret} == {p.title for p in STAFF_HERE}
    assert [s.role for s in mine if not s.totp_secret] == ["member", "member"]


def test_everybody_is_there(conn: psycopg.Connection) -> None:
    counted = dict(conn.execute("SELECT cardinality(roles), count(*) FROM identity.person GROUP BY 1").fetchall())
    assert counted == {1: PEOPLE, 2: len(STAFF_HERE)}
    for table in ("kernel.person_key", "identity.login", "identity.preferences"):
        found = conn.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert found == (PEOPLE + len(STAFF_HERE),), table


def test_everybody_consented_in_the_version_of_today(conn: psycopg.Connection) -> None:
    rows = conn.execute(
        "SELECT person_id, array_agg(kind ORDER BY kind) FILTER (WHERE given) FROM privacy.consent GROUP BY 1"
    ).fetchall()
    assert len(rows) == PEOPLE
    assert all({"terms", "privacy", "health_data"} <= set(kinds) for _, kinds in rows)


def test_empty_or_not(database_url: str, filled: str) -> None:
    assert is_empty(database_url)
    assert not is_empty(filled)


def test_an_interrupted_run_can_be_made_again(database_url: str) -> None:
    class Stop(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise Stop

    with pytest.raises(Stop):
        fill(database_url, database.KEYS, people=3, progress=stop)
    told: list[tuple[int, int]] = []
    fill(database_url, database.KEYS, people=3, progress=lambda done, total: told.append((done, total)))
    assert told == [(n, 3) for n in range(4)]
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT count(*) FROM identity.person").fetchone() == (3 + len(STAFF_HERE),)
        whole = conn.execute("SELECT count(DISTINCT person_id) FROM checkins.checkin").fetchone()
        assert whole == (3,)


def test_a_newer_event_goes_on_with_the_contacts_of_an_older_one() -> None:
    persona = member(7, 1)
    event, other, at = UUID(int=1), UUID(int=2), datetime(2026, 11, 20, 9, tzinfo=UTC)
    kept = (UUID(int=3), event, "high", "resolved", False, None, at, at, 1, at)
    rows: Rows = {"safety.desk": [(persona.person_id, other, "high", "resolved", False, None, at, at, 2, at), kept]}
    rows["safety.event_step"] = [(persona.person_id, event, other, NIL, "contacted", "resolved", at, None, None, None)]
    crises._goes_on(rows, persona, at - timedelta(hours=1))
    assert rows["safety.desk"] == [
        (persona.person_id, other, "high", "resolved", False, None, at, at, None, None),
        kept,
    ]
    step = rows["safety.event_step"][-1]
    assert (step[2], step[6], step[-2:]) == (other, at, (2, "newer_event")), "never before it was closed"
