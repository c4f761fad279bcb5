"""A member's pages: checking in and what comes of it, history, preferences, contacts; never other people's things."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import psycopg
import pytest

from tests.pages.support import Browser, fields, text
from tests.support.people import Circle, Person
from wellspring.kernel import ids

pytestmark = pytest.mark.anyio
DANGER = "I am going to kill myself tonight, goodbye"


async def _check_in(browser: Browser, **changes: object) -> str:
    """Check in and return the path of the result."""
    answer = await browser.fill("/check-in", "/check-in", **changes)
    assert answer.status_code == 303, text(answer.text)
    return str(answer.headers["location"])


async def _stored(person: Person) -> list[dict[str, object]]:
    found: list[dict[str, object]] = (await person.get("/v1/checkins")).json()["items"]
    return found


async def test_a_stranger_sees_and_does_nothing_with_other_people_s_things(
    at_home: Browser, stranger: Browser, visitor: Browser, alice: Person
) -> None:
    result = await _check_in(at_home, mood_score="4", journal_text="mine alone")
    entry = result.replace("/results/", "/check-ins/")
    token = {"csrf": fields((await stranger.get("/check-in")).text, "/check-in")["csrf"]}
    for path in (result, entry):
        shown = await stranger.get(path)
        assert shown.status_code == 404
        assert "mine alone" not in shown.text
        assert (await visitor.get(path)).headers["location"].startswith("/sign-in?next=")
    assert (await stranger.post(entry, token | {"mood_score": "1"})).status_code == 404
    assert (await stranger.post(f"{entry}/remove", token)).status_code == 404
    assert (await stranger.post(f"/sessions/{ids.new()}/end", token)).status_code == 404
    assert [one["mood_score"] for one in await _stored(alice)] == [4]


async def test_ten_seconds_one_number(at_home: Browser, alice: Person) -> None:
    page = await at_home.follow(await at_home.fill("/check-in", "/check-in", mood_score="7"))
    said = text(page.text)
    assert "Mood 7 of 10." in said
    assert "Only you can see it." in said
    assert len(re.findall(r'href="/actions/[^"]+\?checkin=', page.text)) == 3
    assert len(await _stored(alice)) == 1


async def test_everything_that_was_entered_is_stored(at_home: Browser, alice: Person) -> None:
    await _check_in(
        at_home,
        mood_score="6",
        energy_level="5",
        anxiety_level="",
        emotions=["calm", "hopeful"],
        intensity_calm="4",
        context_location="outdoors",
        context_social="with_partner",
        context_activity="walking",
        factor_sleep="4",
        triggers="news, rain ,",
        weather_condition="rain",
        body_jaw="0",
        journal_text="First line.\r\nSecond line.",
        time_taken_seconds="12",
    )
    (one,) = await _stored(alice)
    assert one["emotions"] == [{"emotion": "calm", "intensity": 4}, {"emotion": "hopeful", "intensity": 3}]
    assert one["factors"] == [{"type": "sleep", "value": 4, "notes": None}]
    assert one["body_scan_data"] == {"jaw": 0}
    assert one["triggers"] == ["news", "rain"]
    assert one["journal_text"] == "First line.\nSecond line."
    assert (one["energy_level"], one["anxiety_level"], one["duration"]) == (5, None, 12)
    assert one["weather"] == {"condition": "rain", "temperature": None, "humidity": None}
    assert (one["context_location"], one["context_social"]) == ("outdoors", "with_partner")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mood_score": ""}, "a number from 1 to 10"),
        ({"mood_score": "11"}, "a number from 1 to 10"),
        ({"mood_score": "7.5"}, "a number from 1 to 10"),
        ({"mood_score": "5", "logged_at": "2999-01-01T10:00"}, "still to come"),
        ({"mood_score": "5", "logged_at": "nonsense"}, "cannot be kept"),
        ({"mood_score": "5", "context_location": "mars"}, "cannot be kept"),
        ({"mood_score": "5", "context_activity": "x" * 101}, "too long"),
        ({"mood_score": "5", "journal_text": "a\x00b"}, "too long"),
    ],
)
async def test_a_refusal_says_why_and_keeps_what_was_entered(
    at_home: Browser, alice: Person, changes: dict[str, str], said: str
) -> None:
    whole = {"journal_text": "Keep this.", "emotions": ["joy"], "intensity_joy": "2", "context_activity": "tea"}
    answer = await at_home.fill("/check-in", "/check-in", **whole | changes)
    assert answer.status_code == 422
    assert said in text(answer.text)
    kept = fields(answer.text, "/check-in")
    assert kept["journal_text"].replace("\x00", "") in ("Keep this.", "ab")
    assert (kept["emotions"], kept["intensity_joy"]) == ("joy", "2")
    assert await _stored(alice) == []


async def test_a_double_tap_stores_once(at_home: Browser, alice: Person) -> None:
    given = fields((await at_home.get("/check-in")).text, "/check-in") | {"mood_score": "4"}
    first, second = await asyncio.gather(at_home.post("/check-in", given), at_home.post("/check-in", given))
    assert first.headers["location"] == second.headers["location"]
    late = await at_home.post("/check-in", given | {"time_taken_seconds": "99"})
    assert late.headers["location"] == first.headers["location"]
    assert len(await _stored(alice)) == 1


async def test_a_changed_form_sent_again_is_not_lost(at_home: Browser, alice: Person) -> None:
    given = fields((await at_home.get("/check-in")).text, "/check-in")
    await at_home.post("/check-in", given | {"mood_score": "4"})
    refused = await at_home.post("/check-in", given | {"mood_score": "5", "journal_text": "more\nwords"})
    assert "saved already" in text(refused.text)
    again = fields(refused.text, "/check-in")
    assert again["journal_text"] == "more\nwords"
    assert (await at_home.post("/check-in", again)).status_code == 303
    assert sorted(int(str(one["mood_score"])) for one in await _stored(alice)) == [4, 5]


async def test_one_tap_at_home(at_home: Browser, alice: Person) -> None:
    page = await at_home.follow(await at_home.fill("/home", "/check-in/quick", mood_score="8"))
    assert "Mood 8 of 10." in text(page.text)
    (one,) = await _stored(alice)
    assert one["is_quick"] is True
    home = text((await at_home.get("/home")).text)
    assert "You have checked in today." in home
    assert "A check-in on 1 day of seven." in home


async def test_an_earlier_moment_is_taken_by_the_person_s_own_clock(client: httpx.AsyncClient, circle: Circle) -> None:
    aya = await circle.member("aya", timezone="Asia/Tokyo")
    browser = Browser(client)
    await browser.sign_in(aya)
    await _check_in(browser, mood_score="5", logged_at="2026-01-02T08:30")
    (one,) = await _stored(aya)
    assert one["occurred_at"] == "2026-01-01T23:30:00Z"
    page = await browser.get(f"/check-ins/{one['id']}")
    assert "2 January" in text(page.text)
    assert "08:30" in text(page.text)


async def test_danger_shows_help_first(at_home: Browser) -> None:
    page = await at_home.get(await _check_in(at_home, mood_score="1", journal_text=DANGER))
    html = page.text
    assert "<h1>Your life matters to us. Please get help right now.</h1>" in html
    assert html.index("tel:911") < html.index("tel:988") < html.index('action="/help/contact"')
    assert html.index('action="/help/contact"') < html.index("While you wait")
    assert "nobody from our team is on duty" in text(html)
    home = text((await at_home.get("/home")).text)
    assert home.index("You do not have to carry this alone") < home.index("How are you, in one tap?")


async def test_asking_for_a_person_twice_asks_once(at_home: Browser, at_desk: Browser) -> None:
    await at_desk.fill("/desk", "/desk/duty")
    given = fields((await at_home.get("/help")).text, "/help/contact")
    one, two = await asyncio.gather(at_home.post("/help/contact", given), at_home.post("/help/contact", given))
    assert one.headers["location"] == two.headers["location"] == "/help#ask"
    assert "Your request has arrived." in text((await at_home.get("/help")).text)
    desk = (await at_desk.get("/desk")).text
    assert desk.count("Asked for a person") == 1


async def test_an_entry_is_changed_and_deleted(at_home: Browser, alice: Person) -> None:
    entry = (await _check_in(at_home, mood_score="5", journal_text="before")).replace("/results/", "/check-ins/")
    stale = fields((await at_home.get(f"{entry}?edit=1")).text, entry)
    answer = await at_home.fill(f"{entry}?edit=1", entry, mood_score="6", journal_text="after", emotions=["joy"])
    assert answer.headers["location"] == entry
    shown = text((await at_home.get(entry)).text)
    assert "Saved." in shown
    assert "6 / 10" in shown
    assert "after" in shown
    late = await at_home.post(entry, stale | {"journal_text": "too late, but kept"})
    assert late.status_code == 412
    assert fields(late.text, entry)["journal_text"] == "too late, but kept"
    bad = await at_home.fill(f"{entry}?edit=1", entry, mood_score="")
    assert bad.status_code == 422
    worse = await at_home.fill(f"{entry}?edit=1", entry, journal_text=DANGER)
    assert worse.headers["location"] == entry.replace("/check-ins/", "/results/")
    assert (await at_home.fill(entry, f"{entry}/remove")).headers["location"] == "/history"
    assert (await at_home.get(entry)).status_code == 404
    assert await _stored(alice) == []


async def test_a_change_keeps_what_the_form_cannot_show(at_home: Browser, alice: Person) -> None:
    body = {
        "mood_score": 5,
        "emotions": [{"emotion": "wistful", "intensity": 2}, {"emotion": "joy", "intensity": 4}],
        "factors": [{"type": "sleep", "value": 4, "notes": "woke once"}],
        "weather": {"condition": "rain", "temperature": 8.5},
        "activities": ["tea"],
        "journal_text": "words",
    }
    made = (await alice.post("/v1/checkins", json=body)).json()["checkin"]
    entry = f"/check-ins/{made['id']}"
    assert (await at_home.fill(f"{entry}?edit=1", entry, mood_score="6")).status_code == 303
    (one,) = await _stored(alice)
    same = ("factors", "weather", "activities", "journal_text")
    assert {name: one[name] for name in same} == {name: made[name] for name in same}
    assert {(e["emotion"], e["intensity"]) for e in one["emotions"]} == {("wistful", 2), ("joy", 4)}  # type: ignore[attr-defined]
    await at_home.fill(f"{entry}?edit=1", entry, journal_text="", weather_condition="", factor_sleep="")
    (one,) = await _stored(alice)
    assert (one["journal_text"], one["weather"], one["factors"]) == (None, None, [])


async def test_history_pages_follow_each_other(at_home: Browser, alice: Person) -> None:
    now = datetime.now(UTC)
    for n in range(25):
        at = (now - timedelta(hours=5 * n)).isoformat()
        await alice.post("/v1/checkins", json={"mood_score": 1 + n % 10, "occurred_at": at})
    first = (await at_home.get("/history")).text
    older = re.search(r'href="(/history\?[^"]*cursor=[^"]+)"', first)
    assert older is not None
    second = (await at_home.get(older[1].replace("&amp;", "&"))).text
    entries = [re.findall(r'href="(/check-ins/[0-9a-f-]{36})"', html) for html in (first, second)]
    assert [len(one) for one in entries] == [20, 5]
    assert len(set(entries[0] + entries[1])) == 25
    assert "Show the numbers as a table" in first
    assert "Average of seven days" in first


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("start_date=2026-02-01&end_date=2026-01-01", "before the first"),
        ("start_date=2020-01-01&end_date=2026-01-01", "at most a year"),
        ("end_date=0001-01-01", "at most a year"),
        ("start_date=soon", "cannot be kept"),
        ("cursor=made-up", "cannot be kept"),
    ],
)
async def test_days_that_cannot_be_shown_are_refused_kindly(at_home: Browser, query: str, said: str) -> None:
    answer = await at_home.get(f"/history?{query}")
    assert answer.status_code == 422
    assert said in text(answer.text)


async def test_a_strength_that_is_no_number_of_ours_is_refused_and_the_words_stay(at_home: Browser) -> None:
    strength = {"emotions": "joy", "intensity_joy": "9" * 5_000}
    answer = await at_home.fill("/check-in", "/check-in", mood_score="4", journal_text="my own words", **strength)
    assert answer.status_code == 422
    assert "my own words" in text(answer.text)


async def test_searching_leaves_no_trace_in_an_address(at_home: Browser) -> None:
    await _check_in(at_home, mood_score="5", journal_text="Une forêt près de la rivière")
    await _check_in(at_home, mood_score="5", journal_text="nothing much")
    answer = await at_home.fill("/history", "/history/search", text="FORET riviere")
    assert answer.status_code == 200
    said = text(answer.text)
    assert "1 entry with" in said
    assert "Une forêt" in said
    assert "nothing much" not in said
    none = await at_home.fill("/history", "/history/search", text="zebra")
    assert "Nothing found" in text(none.text)
    assert (await at_home.fill("/history", "/history/search", text="z")).status_code == 422


async def test_preferences_take_effect_on_the_next_page(at_home: Browser) -> None:
    shown = fields((await at_home.get("/preferences")).text, "/preferences")
    off = {name: value for name, value in shown.items() if name != "sound_enabled"}
    chosen = {
        "theme": "dark",
        "high_contrast": "true",
        "font_size": "24",
        "font_family": "readable",
        "reduce_motion": "true",
        "preferred_language": "fr",
        "timezone": "Europe/Paris",
        "sensory_load_tracking": "true",
        "emotion_scaffolding_level": "3",
    }
    page = await at_home.follow(await at_home.post("/preferences", off | chosen))
    assert '<html lang="fr" dir="ltr" data-theme="dark" data-contrast="high" data-motion="reduced"' in page.text
    assert 'data-font="readable" data-size="150"' in page.text
    assert "Enregistré." in text(page.text)
    kept = fields(page.text, "/preferences")
    assert kept["timezone"] == "Europe/Paris"
    assert "sound_enabled" not in kept
    form = (await at_home.get("/check-in")).text
    assert 'name="sensory_load_score"' in form
    assert "épaules relâchées" in text(form) or "souffle" in text(form)


async def test_who_lives_elsewhere_says_so_and_is_shown_the_lines_of_that_country(
    client: httpx.AsyncClient, circle: Circle, at_home: Browser, stranger: Browser, visitor: Browser
) -> None:
    assert (await visitor.get("/preferences")).status_code == 303
    assert (await at_home.fill("/preferences", "/preferences", country="FR")).status_code == 303
    assert fields((await at_home.get("/preferences")).text, "/preferences")["country"] == "FR"
    assert 'href="tel:3114"' not in (await stranger.get("/help")).text
    help_page = (await at_home.get("/help")).text
    assert 'href="tel:3114"' in help_page
    assert "These numbers are for" not in text(help_page)
    await at_home.fill("/check-in", "/check-in", mood_score="1", journal_text="I am going to kill myself tonight.")
    entry = re.search(r'href="/check-ins/([0-9a-f-]{36})', (await at_home.get("/history")).text)
    assert entry is not None
    assert 'href="tel:3114"' in (await at_home.get(f"/results/{entry[1]}")).text
    far = Browser(client)
    await far.sign_in(await circle.member("aya", country="BV", language="fr"))
    shown = (await far.get("/preferences")).text
    assert fields(shown, "/preferences")["country"] == "BV"
    assert shown.index(">Égypte<") < shown.index(">Espagne<") < shown.index(">États-Unis<") < shown.index(">Finlande<")


async def test_a_zone_that_a_device_named_and_the_list_does_not_stays(
    client: httpx.AsyncClient, circle: Circle
) -> None:
    aya = await circle.member("aya", timezone="Etc/GMT+5")
    browser = Browser(client)
    await browser.sign_in(aya)
    assert (await browser.fill("/preferences", "/preferences", theme="dark")).status_code == 303
    assert (await aya.get("/v1/users/me")).json()["timezone"] == "Etc/GMT+5"


@pytest.mark.parametrize(
    ("name", "value"), [("timezone", "Mars/Olympus"), ("country", "France"), ("font_size", "9"), ("theme", "pink")]
)
async def test_preferences_that_do_not_exist_change_nothing(at_home: Browser, name: str, value: str) -> None:
    changes = {"font_family": "serif", name: value}
    answer = await at_home.fill("/preferences", "/preferences", **changes)
    assert answer.status_code == 422
    assert fields(answer.text, "/preferences")["font_family"] == "serif"
    assert 'data-font="system"' in (await at_home.get("/preferences")).text


async def test_a_sign_in_that_is_used_says_so(at_home: Browser, database_url: str) -> None:
    """Who looks whether somebody else is signed in goes by it."""
    conn = await asyncpg.connect(database_url)
    await conn.execute(
        "UPDATE identity.session SET created_at = '2026-01-05', last_seen_at = '2026-01-05' WHERE kind = 'web'"
    )
    await at_home.get("/help")
    said = text((await at_home.get("/sessions")).text)
    assert said.count("5 January") == 1, said
    again = "SELECT xmin::text FROM identity.session WHERE kind = 'web'"
    before = await conn.fetchval(again)
    await at_home.get("/home")
    assert await conn.fetchval(again) == before, "looked at, not written, for the next hour"
    await conn.close()


async def test_sessions_are_seen_and_ended(at_home: Browser, alice: Person, client: httpx.AsyncClient) -> None:
    phone = Browser(client)
    phone.client.headers["user-agent"] = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"
    await phone.sign_in(alice)
    shown = (await at_home.get("/sessions")).text
    assert "Firefox, Android" in text(shown)
    assert text(shown).count("this one") == 1
    ends = re.findall(r'action="(/sessions/[0-9a-f-]{36}/end)"', shown)
    assert len(ends) == 2
    await at_home.fill("/sessions", "/sessions/end-others")
    assert (await phone.get("/home")).status_code == 303
    assert (await alice.get("/v1/users/me")).status_code == 401
    assert (await at_home.get("/home")).status_code == 200
    assert "signed in nowhere else" in text((await at_home.get("/sessions")).text)


async def test_contacts_are_added_changed_and_removed(at_home: Browser, stranger: Browser) -> None:
    unreachable = await at_home.fill("/contacts", "/contacts", name="Sam", relationship="friend")
    assert unreachable.status_code == 422
    assert fields(unreachable.text, "/contacts")["name"] == "Sam"
    given = fields((await at_home.get("/contacts")).text, "/contacts")
    given |= {"name": "Sam", "relationship": "sibling", "phone": "+33 6 12 34 56 78", "may_be_contacted": "true"}
    await asyncio.gather(at_home.post("/contacts", given), at_home.post("/contacts", given))
    shown = (await at_home.get("/contacts")).text
    assert text(shown).count("+33 6 12 34 56 78") == 1
    assert "You allow a person on duty" in text(shown)
    one = re.search(r'href="(/contacts/[0-9a-f-]{36})"', shown)
    assert one is not None
    assert (await stranger.get(one[1])).status_code == 404
    token = {"csrf": fields((await stranger.get("/contacts")).text, "/contacts")["csrf"]}
    assert (await stranger.post(f"{one[1]}/remove", token)).status_code == 404
    form = fields((await at_home.get(one[1])).text, one[1])
    assert form["may_be_contacted"] == "true"
    del form["may_be_contacted"]
    assert (await at_home.post(one[1], form)).status_code == 303
    assert "Nobody may contact them." in text((await at_home.get("/contacts")).text)
    assert (await at_home.fill("/contacts", f"{one[1]}/remove")).status_code == 303
    assert "Nobody is listed yet" in text((await at_home.get("/contacts")).text)


async def test_a_micro_action_from_start_to_answer(at_home: Browser, stranger: Browser) -> None:
    result = (await at_home.get(await _check_in(at_home, mood_score="4"))).text
    link = re.findall(r'href="(/actions/[^"]+)"', result)[0]
    action = link.partition("?")[0]
    given = fields((await at_home.get(link)).text, f"{action}/start")
    one, two = [await at_home.post(f"{action}/start", given) for _ in range(2)]
    assert one.headers["location"] == two.headers["location"]
    running = await at_home.follow(one)
    done = re.search(r'action="(/actions/sessions/[0-9a-f-]{36}/complete)"', running.text)
    assert done is not None
    token = {"csrf": fields((await stranger.get("/contacts")).text, "/contacts")["csrf"]}
    assert (await stranger.post(done[1], token)).status_code == 404
    assert (await stranger.get(one.headers["location"])).status_code == 404
    foreign = {"checkin_id": result.partition("/check-ins/")[2][:36], "id": str(ids.new())}
    assert (await stranger.post(f"{action}/start", token | foreign)).status_code == 404
    answer = fields(running.text, done[1]) | {"feedback_tags": ["helped", "calming"], "feedback_text": "good"}
    bad = await at_home.post(done[1], answer | {"effectiveness_rating": "9"})
    assert bad.status_code == 422
    assert fields(bad.text, done[1])["feedback_tags"] == ["helped", "calming"]
    thanks = await at_home.follow(await at_home.post(done[1], answer | {"effectiveness_rating": "4"}))
    assert "Noted" in text(thanks.text)
    assert (await at_home.post(done[1], answer)).status_code == 303


async def test_a_micro_action_may_be_left(at_home: Browser, alice: Person) -> None:
    link = re.findall(r'href="(/actions/[^"]+)"', (await at_home.get(await _check_in(at_home, mood_score="4"))).text)[1]
    action = link.partition("?")[0]
    left = await at_home.follow(await at_home.fill(link, f"{action}/skip"))
    assert "That is fine" in text(left.text)
    (one,) = (await alice.get("/v1/interventions/sessions")).json()["items"]
    assert one["state"] == "skipped"
    running = await at_home.follow(await at_home.fill(link, f"{action}/start"))
    stop = re.search(r'action="(/actions/sessions/[0-9a-f-]{36}/skip)"', running.text)
    assert stop is not None
    assert "That is fine" in text(
        (await at_home.follow(await at_home.post(stop[1], fields(running.text, stop[1])))).text
    )
    assert (await at_home.get(f"/actions/{ids.new()}")).status_code == 404


async def test_every_look_at_health_data_is_written_down(at_home: Browser, alice: Person, database_url: str) -> None:
    result = await _check_in(at_home, mood_score="5", journal_text="words")
    entry = result.replace("/results/", "/check-ins/")
    for path in (result, entry, "/home", "/history", "/contacts", "/safety-plan"):
        assert (await at_home.get(path)).status_code == 200
    with psycopg.connect(database_url) as conn:
        rows = conn.execute("SELECT action, count(*) FROM kernel.audit WHERE person_id = %s GROUP BY 1", (alice.id,))
        seen = dict(rows.fetchall())
    assert seen["checkins:checkin:create"] == 1
    assert seen["checkins:checkin:read"] == 2
    assert seen["checkins:checkin:list"] == 2
    assert seen["identity:contact:read"] == 1
    assert seen["safety:plan:read"] == 1
