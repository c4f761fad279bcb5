"""The rows of a year: lifelike, within range, the same again, and what the rules made of them."""

import psycopg
import pytest

from tests.demo.conftest import PEOPLE, TODAY
from tests.support import database
from wellspring.cli.invariants import INVARIANTS
from wellspring.demo import fill
from wellspring.demo.accounts import Account
from wellspring.demo.cast import member
from wellspring.demo.crises import Desk
from wellspring.demo.fill import PEOPLE as USUAL
from wellspring.demo.fill import FillError, Share, _accounts, _now, _together
from wellspring.demo.sign_ins import STAFF_HERE
from wellspring.demo.year import Stage
from wellspring.kernel.ids import NIL


def _one(conn: psycopg.Connection, query: str) -> tuple[object, ...]:
    found = conn.execute(query.encode()).fetchone()
    assert found is not None
    return found


def test_how_much_there_is(conn: psycopg.Connection) -> None:
    total, texts, quick, people = _one(
        conn,
        "SELECT count(*), count(*) FILTER (WHERE has_journal), count(*) FILTER (WHERE is_quick),"
        " count(DISTINCT person_id) FROM checkins.checkin",
    )
    assert isinstance(total, int)
    assert isinstance(texts, int)
    assert isinstance(quick, int)
    assert people == PEOPLE
    assert 100 * PEOPLE < total < 400 * PEOPLE
    assert 0.2 < texts / total < 0.55
    assert 0.1 < quick / total < 0.3


def test_numbers_hang_together(conn: psycopg.Connection) -> None:
    mean, spread, anxious, strained, slept = _one(
        conn,
        "SELECT avg(mood_score)::float8, stddev(mood_score)::float8, corr(mood_score, anxiety_level),"
        " corr(anxiety_level, stress_level), corr(mood_score, sleep) FROM checkins.checkin",
    )
    assert isinstance(mean, float)
    assert isinstance(spread, float)
    assert isinstance(anxious, float)
    assert isinstance(strained, float)
    assert isinstance(slept, float)
    assert 5 < mean < 7
    assert 1 < spread < 2.2
    assert anxious < -0.15
    assert strained > 0.25
    assert slept > 0.1


def test_weeks_have_a_rhythm(conn: psycopg.Connection) -> None:
    monday, saturday = _one(
        conn,
        "SELECT (avg(mood_score) FILTER (WHERE d = 1))::float8, (avg(mood_score) FILTER (WHERE d = 6))::float8"
        " FROM (SELECT mood_score, extract(dow FROM occurred_at AT TIME ZONE timezone) AS d FROM checkins.checkin) c",
    )
    assert monday < saturday - 0.4  # type: ignore[operator]


def test_days_are_what_the_program_rolls_up(conn: psycopg.Connection) -> None:
    days, entries = _one(conn, "SELECT count(*), sum(count) FROM checkins.day")
    assert _one(conn, "SELECT count(*) FROM checkins.checkin") == (entries,)
    wrong = _one(
        conn,
        "SELECT count(*) FROM checkins.day d JOIN (SELECT person_id, (occurred_at AT TIME ZONE timezone)::date AS day,"
        " avg(mood_score) AS mood FROM checkins.checkin GROUP BY 1, 2) c USING (person_id, day)"
        " WHERE abs(c.mood - d.mood_avg) > .01",
    )
    assert days
    assert wrong == (0,)


def test_nothing_lies_in_the_future(conn: psycopg.Connection) -> None:
    for table, column in (
        ("checkins.checkin", "occurred_at"),
        ("interventions.session", "ended_at"),
        ("safety.crisis_event", "updated_at"),
        ("safety.page", "at"),
        ("safety.event_step", "at"),
        ("identity.person", "created_at"),
        ("kernel.audit", "at"),
    ):
        late = _one(conn, f"SELECT count(*) FROM {table} WHERE {column} > '{TODAY} 12:00+00'")
        assert late == (0,), table


def test_nobody_checks_in_before_they_joined(conn: psycopg.Connection) -> None:
    early = _one(
        conn,
        "SELECT count(*) FROM checkins.checkin c JOIN identity.person p USING (person_id)"
        " WHERE c.occurred_at < p.created_at",
    )
    assert early == (0,)


def test_offers_are_three_and_ratings_follow(conn: psycopg.Connection) -> None:
    assert _one(
        conn,
        "SELECT count(*) FROM interventions.recommendation WHERE cardinality(intervention_ids) <> 3",
    ) == (0,)
    done, rated = _one(
        conn, "SELECT count(*), count(effectiveness_rating) FROM interventions.session WHERE state = 'completed'"
    )
    assert isinstance(done, int)
    assert isinstance(rated, int)
    assert done > rated > 0.6 * done > 50


def test_crises_were_found_by_the_rules(conn: psycopg.Connection) -> None:
    levels = dict(conn.execute("SELECT risk_level, count(*) FROM safety.crisis_event GROUP BY 1").fetchall())
    assert levels.keys() == {"moderate", "high", "critical"}
    # Each event of a check-in names that check-in, with the same level, and each dangerous check-in its event.
    assert _one(
        conn,
        "SELECT count(*) FROM safety.crisis_event e LEFT JOIN checkins.checkin c ON c.person_id = e.person_id"
        " AND c.id = e.source_id AND c.crisis_event_id = e.id AND c.risk_level = e.risk_level"
        " WHERE e.source_id IS NOT NULL AND c.id IS NULL",
    ) == (0,)
    assert _one(
        conn,
        "SELECT count(*) FROM checkins.checkin WHERE risk_level IN ('high', 'critical') AND crisis_event_id IS NULL",
    ) == (0,)


def test_danger_is_rare(conn: psycopg.Connection) -> None:
    dark, texts = _one(
        conn,
        "SELECT count(*) FILTER (WHERE text_level IN ('high', 'critical')), count(*) FROM checkins.checkin"
        " WHERE has_journal",
    )
    assert isinstance(dark, int)
    assert isinstance(texts, int)
    assert 3 <= dark < 0.02 * texts


def test_three_events_wait_on_the_desk(conn: psycopg.Connection) -> None:
    waiting = conn.execute(
        "SELECT risk_level, state FROM safety.desk WHERE state NOT IN ('resolved', 'reviewed') ORDER BY 1"
    ).fetchall()
    assert waiting[:2] == [("critical", "acknowledged"), ("high", "paged")]
    assert waiting[2:]
    assert {state for _, state in waiting[2:]} == {"open"}
    assert _one(conn, "SELECT count(*) FROM jobs.pgqueuer WHERE entrypoint = 'safety.page'") == (1,)


def test_desk_and_events_agree(conn: psycopg.Connection) -> None:
    assert _one(
        conn,
        "SELECT count(*) FROM safety.crisis_event e FULL JOIN safety.desk d USING (person_id, id)"
        " WHERE (e.state, e.risk_level, e.claimed_by) IS DISTINCT FROM (d.state, d.risk_level, d.claimed_by)",
    ) == (0,)


def test_past_events_went_by_the_protocol(conn: psycopg.Connection) -> None:
    ended = "state IN ('resolved', 'reviewed')"
    assert _one(conn, f"SELECT count(*) FROM safety.crisis_event WHERE {ended} AND outcome IS NULL") == (0,)
    assert _one(
        conn,
        "SELECT count(*) FROM safety.crisis_event e WHERE e.state IN ('contacted', 'resolved')"
        " AND NOT (e.claimed_at > e.created_at AND coalesce(e.contacted_at, e.claimed_at) >= e.claimed_at)",
    ) == (0,)
    assert _one(
        conn,
        f"SELECT count(*) FROM safety.crisis_event e WHERE {ended} AND NOT EXISTS (SELECT 1 FROM safety.event_step s"
        " WHERE s.person_id = e.person_id AND s.event_id = e.id AND s.to_state = e.state)",
    ) == (0,)


def test_whoever_was_in_danger_was_contacted_again(conn: psycopg.Connection) -> None:
    found = _one(
        conn,
        "SELECT count(*) FILTER (WHERE s.made = 0 AND d.care_due_at IS NULL), count(*) FROM safety.crisis_event e"
        " JOIN safety.desk d USING (person_id, id), LATERAL (SELECT count(*) FILTER (WHERE care_result IS NOT NULL)"
        " AS made FROM safety.event_step t WHERE t.person_id = e.person_id AND t.event_id = e.id) s"
        " WHERE e.state = 'resolved' AND e.outcome NOT IN ('declined_contact', 'no_danger_found')",
    )
    assert found[0] == 0
    assert found[1]


@pytest.mark.parametrize("code", ["WI001", "WI003", "WI004", "WI008", "WI014"])
def test_promises_to_people_hold(conn: psycopg.Connection, code: str) -> None:
    found = next(i for i in INVARIANTS if i.code == code)
    assert conn.execute(found.sql.encode()).fetchall() == []


def test_the_same_again(filled: str, database_url: str) -> None:
    """Another run makes the same ids, numbers and judgements; only keys and what is sealed with them differ."""
    fill(database_url, database.KEYS, people=2, today=TODAY, progress=lambda done, total: None)
    query = (
        "SELECT id, occurred_at, mood_score, emotion_tags, factors, risk_level, length(sealed) FROM checkins.checkin"
        " WHERE person_id IN (SELECT person_id FROM identity.person WHERE roles = '{member}' ORDER BY 1 LIMIT 2)"
        " ORDER BY id"
    )
    with psycopg.connect(filled) as first, psycopg.connect(database_url) as second:
        mine, again = first.execute(query).fetchall(), second.execute(query).fetchall()
        assert len(mine) > 300
        assert mine == again
        key = "SELECT array_agg(wrapped ORDER BY person_id) FROM kernel.person_key"
        assert first.execute(key).fetchone() != second.execute(key).fetchone()


def test_two_processes_make_what_one_makes(filled: str, database_url: str) -> None:
    now, ids = _now(TODAY), {p.title: p.person_id(7) for p in STAFF_HERE}
    stage = Stage(7, now, Desk(ids["responder"], ids["supervisor"]))
    with psycopg.connect(database_url) as conn:
        accounts = _accounts(conn, database.KEYS, 2, 7, now)
    done = list(_together([Share(database_url, accounts[n::2], stage) for n in range(2)]))
    assert len(done) == 2
    query = "SELECT count(*), sum(mood_score) FROM checkins.checkin WHERE person_id = ANY(%s)"
    people = [a.persona.person_id for a in accounts]
    with psycopg.connect(filled) as first, psycopg.connect(database_url) as second:
        assert first.execute(query, (people,)).fetchone() == second.execute(query, (people,)).fetchone()


def test_twenty_people_take_seconds(filled: str, seconds: list[float]) -> None:
    assert seconds[0] < 40  # 5 s on two idle cores, 20 s on busy ones
    assert USUAL >= 200


def test_a_process_that_fails_is_told(database_url: str) -> None:
    stage = Stage(7, _now(TODAY), Desk(NIL, NIL))
    nobody = Account(member(7, 0), b"k" * 32)  # without a row of identity.person, so the first COPY fails
    with pytest.raises(FillError):
        list(_together([Share(database_url, [nobody], stage)]))
