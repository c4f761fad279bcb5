"""Nothing that a responder typed is lost: whatever happened meanwhile, the page comes back with their words."""

import re

import httpx
import psycopg
import pytest

from tests.pages.support import Browser, fields, staff, text
from tests.pages.test_safety import DANGER, _closed, _days_pass, _event
from wellspring.kernel.edge import Edge
from wellspring.kernel.policy import Role
from wellspring.safety import desk

pytestmark = pytest.mark.anyio
WORDS = "She sleeps again.\nHer sister stays until Monday."
GONE = "This was not written down"


@pytest.fixture
async def fay(client: httpx.AsyncClient, parts: Edge) -> Browser:
    """A colleague at the desk, on duty."""
    made = Browser(client)
    await made.sign_in_staff(*await staff(parts, "fay", Role.RESPONDER))
    await made.fill("/desk", "/desk/duty")
    return made


def kept(page: str) -> str:
    """What stands in the field of words that were not written down, which is sent nowhere."""
    assert GONE in text(page)
    found = re.search(r'<textarea id="kept-note"[^>]* readonly>(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    assert not re.search(r'<textarea id="kept-note"[^>]* name=', page)
    return found[1]


def off_duty(database_url: str) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE safety.duty SET until = now()")


def notes(database_url: str) -> int:
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT count(*) FROM safety.event_step WHERE note IS NOT NULL").fetchone()
    assert row is not None
    return int(row[0])


async def test_a_stranger_gets_no_page_of_an_event_back(at_home: Browser, at_desk: Browser, stranger: Browser) -> None:
    event = await _closed(at_home, at_desk)
    token = {"csrf": fields((await stranger.get("/contacts")).text, "/contacts")["csrf"]}
    for form in ("steps", "after-care"):
        answer = await stranger.post(f"{event}/{form}", token | {"step": "contact", "note": WORDS})
        assert answer.status_code == 404
        assert "Alice" not in answer.text


async def test_a_contact_that_was_noted_in_another_tab(at_home: Browser, at_desk: Browser) -> None:
    event = await _closed(at_home, at_desk)
    form = fields((await at_desk.get(event)).text, f"{event}/after-care")
    await at_desk.post(f"{event}/after-care", form | {"result": "reached", "note": "First."})
    answer = await at_desk.post(f"{event}/after-care", form | {"result": "declined", "note": WORDS})
    assert answer.status_code == 409
    assert kept(answer.text) == WORDS
    assert "Here is how it stands now." in text(answer.text)
    assert "They want no more contact" in text(answer.text), "what they chose is shown too"
    following = fields(answer.text, f"{event}/after-care")
    assert (following["step"], following["note"], "result" in following) == ("2", "", False), "it is about another one"


async def test_a_second_press_of_not_reached_writes_nothing(
    at_home: Browser, at_desk: Browser, database_url: str
) -> None:
    event = await _closed(at_home, at_desk)
    form = fields((await at_desk.get(event)).text, f"{event}/after-care")
    given = form | {"result": "not_reached", "note": WORDS}
    before = notes(database_url)
    assert (await at_desk.post(f"{event}/after-care", given)).status_code == 303
    twice = await at_desk.post(f"{event}/after-care", given)
    assert twice.status_code == 409, "the same contact is due anew, and that one was not tried yet"
    assert kept(twice.text) == WORDS
    assert notes(database_url) == before + 1


async def test_a_contact_that_a_newer_event_took_over(
    at_home: Browser, at_desk: Browser, fay: Browser, database_url: str
) -> None:
    event = await _closed(at_home, at_desk)
    form = fields((await at_desk.get(event)).text, f"{event}/after-care")
    await at_home.fill("/check-in", "/check-in", mood_score="1", journal_text=DANGER)
    newer = await _event((await fay.get("/desk/list")).text)
    await fay.fill(newer, f"{newer}/claim")
    token = {"csrf": fields((await fay.get(newer)).text, f"{newer}/steps")["csrf"]}
    await fay.post(f"{newer}/steps", token | {"step": "contact"})
    await fay.post(f"{newer}/steps", token | {"step": "resolve", "outcome": "safe_with_plan"})
    answer = await at_desk.post(f"{event}/after-care", form | {"result": "reached", "note": WORDS})
    assert answer.status_code == 409
    assert kept(answer.text) == WORDS
    assert "Goes on with a newer event" in text(answer.text), "and it says what happened"


@pytest.mark.parametrize("form", ["steps", "after-care"])
async def test_what_a_colleague_has_taken_over_meanwhile(
    at_home: Browser, at_desk: Browser, fay: Browser, database_url: str, form: str
) -> None:
    if form == "after-care":
        event = await _closed(at_home, at_desk)
        _days_pass(database_url, 2)
        page, given = (await at_desk.get(event)).text, {"result": "reached"}
    else:
        await at_home.fill("/check-in", "/check-in", mood_score="1", journal_text=DANGER)
        await at_desk.fill("/desk", "/desk/duty")
        event = await _event((await at_desk.get("/desk/list")).text)
        await at_desk.fill(event, f"{event}/claim")
        page, given = (await at_desk.get(event)).text, {"step": "hand_back", "outcome": ""}
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE safety.desk SET claimed_at = now() - interval '5 hours'")
    assert (await fay.fill("/desk", f"{event}/claim")).headers["location"] == event
    answer = await at_desk.post(f"{event}/{form}", fields(page, f"{event}/{form}") | given | {"note": WORDS})
    assert answer.status_code == 403
    assert "Somebody else has taken this one" in text(answer.text)
    assert kept(answer.text) == WORDS
    assert "please tell them" in text(answer.text)
    assert "Alice" not in answer.text, "of the person nothing is shown any more"
    assert "kill myself" not in answer.text


async def test_a_step_that_does_not_follow_any_more(at_home: Browser, at_desk: Browser) -> None:
    await at_home.fill("/check-in", "/check-in", mood_score="1", journal_text=DANGER)
    await at_desk.fill("/desk", "/desk/duty")
    event = await _event((await at_desk.get("/desk/list")).text)
    await at_desk.fill(event, f"{event}/claim")
    old = {"csrf": fields((await at_desk.get(event)).text, f"{event}/steps")["csrf"]}
    await at_desk.post(f"{event}/steps", old | {"step": "contact"})
    for step in ("contact", "hand_back"):
        answer = await at_desk.post(f"{event}/steps", old | {"step": step, "note": WORDS})
        assert answer.status_code == 409
        assert kept(answer.text) == WORDS
    closing = old | {"step": "close", "outcome": "duplicate", "note": WORDS}
    answer = await at_desk.post(f"{event}/steps", closing)
    assert kept(answer.text) == WORDS
    assert "Same as another event" in text(answer.text)
    wrong = await at_desk.post(f"{event}/steps", old | {"step": "resolve", "note": WORDS})
    assert wrong.status_code == 422
    assert fields(wrong.text, f"{event}/steps")["note"] == WORDS, "where the form is still there, the words are in it"
    assert GONE not in text(wrong.text)


@pytest.mark.parametrize("words", [WORDS, "She slept."])
async def test_a_duty_that_ends_while_somebody_types(
    at_home: Browser, at_desk: Browser, database_url: str, words: str
) -> None:
    event = await _closed(at_home, at_desk)
    form = fields((await at_desk.get(event)).text, f"{event}/after-care")
    off_duty(database_url)
    answer = await at_desk.post(f"{event}/after-care", form | {"result": "reached", "note": words})
    assert answer.status_code == 403
    assert "You are not on duty any more. What you entered is still on this page." in text(answer.text)
    assert words.partition("\n")[0] in text(answer.text), "it is seen to be safe"
    assert "Alice" not in answer.text
    again = fields(answer.text, f"{event}/after-care")
    assert (again["note"], again["result"]) == (words, "reached")
    await at_desk.fill("/desk", "/desk/duty")
    assert (await at_desk.post(f"{event}/after-care", again)).headers["location"] == "/desk"
    assert words in (await at_desk.get(event)).text


async def test_the_words_stay_when_the_person_has_left(at_home: Browser, at_desk: Browser, database_url: str) -> None:
    event = await _closed(at_home, at_desk)
    form = fields((await at_desk.get(event)).text, f"{event}/after-care")
    with psycopg.connect(database_url) as conn:
        conn.execute("DELETE FROM safety.desk")
    answer = await at_desk.post(f"{event}/after-care", form | {"result": "reached", "note": WORDS})
    assert answer.status_code == 404
    assert fields(answer.text, f"{event}/after-care")["note"] == WORDS
    assert "What this was about is not here any more" in text(answer.text)


async def test_a_locked_desk_does_not_say_that_nobody_waits(
    at_home: Browser, at_desk: Browser, database_url: str
) -> None:
    async def locked() -> str:
        with psycopg.connect(database_url) as conn:
            conn.execute("UPDATE identity.session SET last_seen_at = now() - interval '16 minutes' WHERE is_staff")
        said = text((await at_desk.get("/desk/list")).text)
        with psycopg.connect(database_url) as conn:
            conn.execute("UPDATE identity.session SET last_seen_at = now() WHERE is_staff")
        assert "Locked" in said
        return said

    await at_desk.fill("/desk", "/desk/duty")
    assert "Nobody is waiting" in await locked()
    await at_desk.fill("/desk", "/desk/duty")
    assert "Nobody is waiting" not in await locked()
    assert "You are not on duty, so nobody is counted here." in await locked()
    event = await _closed(at_home, at_desk)
    assert "Nobody is waiting 1 contact is planned for the next day." in await locked()
    _days_pass(database_url, 1.5)
    assert "Nobody new is waiting. 1 planned contact is late." in await locked()
    listed = text((await at_desk.get("/desk")).text)
    assert "Nobody is waiting" not in listed
    assert "Nobody new is waiting. 1 planned contact is late." in listed
    await at_home.fill("/check-in", "/check-in", mood_score="1", journal_text=DANGER)
    newer = await _event((await at_desk.get("/desk/list")).text)
    assert newer != event
    assert "1 person is waiting." in await locked()
    await at_desk.fill(newer, f"{newer}/claim")
    said = await locked()
    assert "Nobody new is waiting. Taken and not closed yet: 1 1 planned contact is late." in said
    assert "Alice" not in said


async def test_a_contact_that_was_given_up_is_owned_up_to(
    at_home: Browser, at_desk: Browser, stranger: Browser, database_url: str
) -> None:
    event = await _closed(at_home, at_desk)
    undone = "We said that somebody would contact you again, and nobody did. We are sorry."
    unreached = "tried to contact you again and did not reach you"
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE safety.desk SET care_step = NULL, care_due_at = NULL, missed_at = now()")
        conn.execute(
            "INSERT INTO safety.event_step (person_id, id, event_id, actor_id, from_state, to_state, care_step,"
            " care_result) SELECT person_id, gen_random_uuid(), id, person_id, 'resolved', 'resolved', 1, 'not_done'"
            " FROM safety.desk"
        )
    for path in ("/help", "/home"):
        page = (await at_home.get(path)).text
        assert undone in text(page)
        assert 'href="/help#resources"' in page, "whom to call"
        assert 'href="/help#ask"' in page, "how to ask again"
        assert undone not in text((await stranger.get(path)).text)
    assert "Nothing. No reminder" not in text((await at_home.get("/home")).text)
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE safety.event_step SET care_result = 'could_not_reach' WHERE care_result IS NOT NULL")
    page = (await at_home.get("/help")).text
    assert unreached in text(page)
    assert "Nobody tries again unless you ask." in text(page)
    assert 'href="/contacts"' in page, "perhaps the number is an old one"
    await at_home.fill("/help", "/help/contact")
    page = (await at_home.get("/help")).text
    assert unreached in text(page)
    assert 'href="/help#ask"' not in page, "they have asked"
    assert "unless you ask" not in text(page)
    newer = await _event((await at_desk.get("/desk/list")).text)
    assert newer != event
    await at_desk.fill(newer, f"{newer}/claim")
    token = {"csrf": fields((await at_desk.get(newer)).text, f"{newer}/steps")["csrf"]}
    await at_desk.post(f"{newer}/steps", token | {"step": "contact"})
    assert unreached not in text((await at_home.get("/help")).text), "somebody reached them"


async def test_it_is_said_for_two_weeks(at_home: Browser, at_desk: Browser, database_url: str) -> None:
    await _closed(at_home, at_desk)
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE safety.desk SET care_step = NULL, care_due_at = NULL, missed_at = now()")
        conn.execute("UPDATE safety.event_step SET at = at - interval '15 days'")
        conn.execute(
            "UPDATE safety.event_step SET care_result = 'not_done', care_step = 1, at = at + interval '2 days'"
            " WHERE to_state = 'resolved'"
        )
    said = "We said that somebody would contact you again"
    assert said in text((await at_home.get("/home")).text)
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE safety.event_step SET at = at - interval '2 days'")
    assert said not in text((await at_home.get("/home")).text)


async def test_our_own_fault_loses_no_words(
    at_home: Browser, at_desk: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await _closed(at_home, at_desk)
    form = fields((await at_desk.get(event)).text, f"{event}/after-care")

    async def breaks(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    with monkeypatch.context() as broken:
        broken.setattr(desk, "contacted", breaks)
        answer = await at_desk.post(f"{event}/after-care", form | {"result": "reached", "note": WORDS})
    assert answer.status_code == 500
    again = fields(answer.text, f"{event}/after-care")
    assert again["note"] == WORDS
    assert (await at_desk.post(f"{event}/after-care", again)).headers["location"] == "/desk"
