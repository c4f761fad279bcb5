"""Help now, the safety plan, and the crisis desk: truth about who is there, and nothing before claiming."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import httpx
import psycopg
import pyotp
import pytest

from tests.pages.support import Browser, fields, staff, text
from tests.support.people import PASSWORD, Circle, Person
from wellspring.kernel.edge import Edge
from wellspring.kernel.policy import Role

pytestmark = pytest.mark.anyio
DANGER = "I am going to kill myself tonight, goodbye"
NOTE = "We spoke. She is with her sister now."


async def test_help_needs_no_sign_in_and_knows_countries(visitor: Browser) -> None:
    french = await visitor.get("/help?country=fr&lang=fr")
    assert "tel:3114" in french.text
    assert '<html lang="fr"' in french.text
    assert "tel:988" in (await visitor.get("/help?country=US")).text
    unknown = text((await visitor.get("/help?country=TV&lang=en")).text)
    assert "In most countries 112 works" in unknown
    for odd in ("x", "12", "%00%00", "<b>"):
        assert (await visitor.get("/help", params={"country": odd})).status_code == 200
    assert "/help/contact" not in french.text


async def test_the_chosen_language_stays_with_a_visitor(visitor: Browser) -> None:
    await visitor.get("/?lang=fr")
    assert '<html lang="fr"' in (await visitor.get("/sign-in")).text
    assert '<html lang="fr"' in (await visitor.get("/sign-in?lang=xx")).text


async def test_countries_stand_where_they_are_looked_for(visitor: Browser) -> None:
    names = re.findall(r'<option value="[A-Z]{2}"[^>]*>([^<]+)<', (await visitor.get("/help?lang=fr")).text)
    assert names.index("Espagne") < names.index("États-Unis") < names.index("Finlande")


async def test_another_language_keeps_the_country_and_the_way_on(visitor: Browser) -> None:
    page = (await visitor.get("/help?lang=en&country=CA")).text
    link = re.search(r'<a href="([^"]+)" hreflang="fr"', page)
    assert link is not None
    assert "Aide : Canada" in text((await visitor.get(f"/help{unescape(link[1])}")).text)
    asked = (await visitor.get("/sign-in?next=/safety-plan")).text
    assert 'href="?next=%2Fsafety-plan&amp;lang=en"' in asked
    odd = (await visitor.get("/help", params={"country": '"><script>'})).text
    assert "<script>" not in odd


async def test_help_is_shown_while_the_database_is_down(visitor: Browser, at_home: Browser, parts: Edge) -> None:
    await parts.db.close()
    for role in list(parts.db._dsns):
        parts.db._dsns[role] = "postgresql://nobody@127.0.0.1:1/none"
    for browser in (visitor, at_home):
        page = await browser.get("/help")
        assert page.status_code == 200
        assert "tel:988" in page.text
    down = await at_home.get("/home")
    assert down.status_code == 503
    assert "We cannot answer right now" in text(down.text)
    assert 'href="/help"' in down.text
    given = {"mood_score": "4", "journal_text": "kept\nall of it", "csrf": "x"}
    unsent = await at_home.post("/check-in", given)
    assert unsent.status_code == 503
    assert fields(unsent.text, "/check-in")["journal_text"] == "kept\nall of it"
    assert "hreflang" not in unsent.text, "a link to this page in French would lose what it keeps"


async def test_a_plan_is_written_read_and_changed(at_home: Browser, stranger: Browser) -> None:
    empty = (await at_home.get("/safety-plan")).text
    assert 'name="warning_signs"' in empty
    first = fields(empty, "/safety-plan")
    answer = await at_home.fill(
        "/safety-plan", "/safety-plan", warning_signs="I stop answering\r\n\r\n I do not sleep "
    )
    page = (await at_home.follow(answer)).text
    assert "I do not sleep" in text(page)
    assert "data-print" in page
    assert "I do not sleep" not in (await stranger.get("/safety-plan")).text
    stale = await at_home.post("/safety-plan", first | {"coping_strategies": "A walk"})
    assert stale.status_code == 412
    assert fields(stale.text, "/safety-plan")["coping_strategies"] == "A walk"
    absurd = await at_home.post("/safety-plan", first | {"coping_strategies": "A walk", "version": "9" * 5000})
    assert absurd.status_code == 412
    long = await at_home.fill("/safety-plan?edit=1", "/safety-plan", coping_strategies="x" * 301)
    assert long.status_code == 422
    assert fields(long.text, "/safety-plan")["coping_strategies"] == "x" * 301


async def test_the_desk_is_not_for_members(at_home: Browser, visitor: Browser) -> None:
    assert (await at_home.get("/desk")).status_code == 403
    assert (await at_home.get("/desk/list")).status_code == 403
    assert (await at_home.get("/outbox")).status_code == 403
    fragment = await visitor.get("/desk/list")
    assert fragment.status_code == 401
    token = {"csrf": fields((await at_home.get("/contacts")).text, "/contacts")["csrf"]}
    assert (await at_home.post("/desk/duty", token | {"on": "true"})).status_code == 403


async def _event(desk: str) -> str:
    found = re.search(r'action="(/desk/[0-9a-f-]{36}/[0-9a-f-]{36})/claim"', desk)
    assert found is not None, text(desk)
    return found[1]


async def test_from_danger_to_the_last_step(
    at_home: Browser, at_desk: Browser, client: httpx.AsyncClient, parts: Edge
) -> None:
    await at_home.fill(
        "/contacts", "/contacts", name="Sam", relationship="friend", phone="0611", may_be_contacted="true"
    )
    await at_home.fill("/check-in", "/check-in", mood_score="1", journal_text=DANGER)
    off = text((await at_desk.get("/desk")).text)
    assert "Nobody is on duty. Members are told so." in off
    assert "Signs of danger" not in off
    assert "You are on duty until" in text((await at_desk.follow(await at_desk.fill("/desk", "/desk/duty"))).text)
    desk = (await at_desk.get("/desk/list")).text
    assert "Critical" in text(desk)
    assert "Alice" not in desk
    event = await _event(desk)
    before = (await at_desk.get(event)).text
    assert "Alice" not in before
    assert "kill myself" not in before
    assert "Sam" not in before
    other = Browser(client)
    await other.sign_in_staff(*await staff(parts, "fay", Role.RESPONDER))
    await other.fill("/desk", "/desk/duty")
    assert (await at_desk.fill(event, f"{event}/claim")).headers["location"] == event
    late = await other.post(f"{event}/claim", fields((await other.get("/desk")).text, "/desk/duty"))
    assert late.headers["location"] == "/desk"
    assert "Somebody else has just taken this one." in text((await other.get("/desk")).text)
    hidden = (await other.get(event)).text
    assert "A colleague has taken this one" in text(hidden)
    assert "Alice" not in hidden
    mine = (await at_desk.get(event)).text
    assert "kill myself" in text(mine)
    assert "Alice" in text(mine)
    assert "tel:0611" in mine
    assert re.search(r"Write to \S+@\S+", text(mine)), "an address that is only in a link cannot be read or copied"
    assert "Sam · Friend" in text(mine)
    token = {"csrf": fields(mine, f"{event}/steps")["csrf"]}
    refused = await at_desk.post(f"{event}/steps", token | {"step": "close", "note": NOTE})
    assert refused.status_code == 422
    assert NOTE in refused.text
    assert 'href="#outcome-close"' in refused.text
    assert 'id="outcome-close-error"' in refused.text
    wrong = await at_desk.post(f"{event}/steps", token | {"step": "resolve", "outcome": "safe_with_plan"})
    assert wrong.status_code == 409
    assert (await at_desk.post(f"{event}/steps", token | {"step": "contact", "note": NOTE})).headers[
        "location"
    ] == event
    foreign = await other.post(
        f"{event}/steps", fields((await other.get("/desk")).text, "/desk/duty") | {"step": "contact"}
    )
    assert foreign.status_code == 403
    done = await at_desk.post(f"{event}/steps", token | {"step": "resolve", "outcome": "safe_with_plan"})
    assert done.headers["location"] == "/desk"
    assert "Nobody is waiting" in text((await at_desk.get("/desk")).text)


async def test_duty_is_told_truthfully(at_home: Browser, at_desk: Browser, visitor: Browser) -> None:
    assert "Nobody is on duty right now" in text((await at_home.get("/help")).text)
    await at_desk.fill("/desk", "/desk/duty")
    assert "is on duty now and aims to contact you within 2 hours" in text((await at_home.get("/help")).text)
    await at_desk.fill("/desk", "/desk/duty")
    assert "Nobody is on duty right now" in text((await at_home.get("/help")).text)


async def test_the_outbox_shows_states_and_no_content(client: httpx.AsyncClient, parts: Edge) -> None:
    erin = Browser(client)
    await erin.sign_in_staff(*await staff(parts, "erin", Role.ADMIN))
    page = text((await erin.get("/outbox")).text)
    assert "No mail server is set" in page
    assert (await erin.get("/outbox?cursor=made-up")).status_code == 422


def _idle_for(database_url: str, minutes: int) -> None:
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE identity.session SET last_seen_at = now() - make_interval(mins => %s)", (minutes,))


async def test_an_idle_desk_locks_and_goes_on_listening(at_home: Browser, at_desk: Browser, database_url: str) -> None:
    await at_desk.fill("/desk", "/desk/duty")
    await at_home.fill("/check-in", "/check-in", mood_score="1", journal_text=DANGER)
    desk = (await at_desk.get("/desk/list")).text
    event, token = await _event(desk), fields(desk, "/desk/duty")
    _idle_for(database_url, 16)
    locked = await at_desk.get("/desk/list")
    assert locked.status_code == 200
    assert "Locked: nothing was done here for 15 minutes 1 person is waiting." in text(locked.text)
    for hidden in ("Critical", "Signs of danger", event, "<form"):
        assert hidden not in locked.text, hidden
    assert (await at_desk.get("/desk")).headers["location"] == "/sign-in?next=/desk"
    assert (await at_desk.get(event)).headers["location"] == f"/sign-in?next={event}"
    for path in ("/desk/duty", f"{event}/claim", f"{event}/steps"):
        assert (await at_desk.post(path, token | {"step": "contact"})).status_code == 401, path
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT state, claimed_by FROM safety.desk").fetchall() == [("paged", None)]
        conn.execute("UPDATE safety.desk SET response_due_at = now() - interval '1 minute'")
    assert "Overdue: 1" in text((await at_desk.get("/desk/list")).text)
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE identity.session SET ended_at = now() WHERE is_staff")
    assert (await at_desk.get("/desk/list")).status_code == 401


async def test_what_a_page_fetches_by_itself_is_no_activity(at_desk: Browser, database_url: str) -> None:
    _idle_for(database_url, 10)
    assert (await at_desk.get("/desk/list")).status_code == 200
    seen = "SELECT now() - last_seen_at > interval '9 minutes' FROM identity.session WHERE is_staff"
    with psycopg.connect(database_url) as conn:
        assert conn.execute(seen).fetchall() == [(True,)]
    assert (await at_desk.get("/desk")).status_code == 200
    with psycopg.connect(database_url) as conn:
        assert conn.execute(seen).fetchall() == [(False,)]


async def test_the_end_of_a_duty_names_its_day_when_it_is_not_today(at_desk: Browser, database_url: str) -> None:
    await at_desk.fill("/desk", "/desk/duty")
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE safety.duty SET until = (current_date + 1) + time '00:10'")
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    assert f"until {tomorrow:%A} {tomorrow.day} {tomorrow:%B}" in text((await at_desk.get("/desk")).text)
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE safety.duty SET until = greatest(now(), current_date + time '23:59:59')")
    assert re.search(r"You are on duty until \d\d?:59", text((await at_desk.get("/desk/list")).text))


async def test_a_number_and_some_words_come_with_the_request(at_home: Browser, at_desk: Browser) -> None:
    shown = fields((await at_home.get("/help")).text, "/help/contact")
    assert (await at_home.post("/help/contact", shown | {"phone": "06 11 22 33 44", "note": NOTE})).status_code == 303
    assert (await at_home.post("/help/contact", shown | {"phone": "06 11 22 33 44", "note": NOTE})).status_code == 303
    await at_desk.fill("/desk", "/desk/duty")
    desk = (await at_desk.get("/desk/list")).text
    assert desk.count("/claim") == 1, "the same again is the same"
    event = (await at_desk.follow(await at_desk.fill("/desk", f"{await _event(desk)}/claim"))).text
    assert 'href="tel:0611223344"' in event
    assert NOTE in text(event)
    assert "did not ask to be contacted" not in text(event)


async def test_going_back_to_add_words_is_no_error(at_home: Browser, at_desk: Browser) -> None:
    shown = fields((await at_home.get("/help")).text, "/help/contact")
    for more in ({}, {"note": "I forgot to say this."}, {"phone": "ask my sister \0", "note": "x" * 5000}):
        answer = await at_home.post("/help/contact", shown | more)
        assert answer.status_code == 303, text(answer.text)
    await at_desk.fill("/desk", "/desk/duty")
    found = re.findall(r'action="(/desk/[^"]+)/claim"', (await at_desk.get("/desk/list")).text)
    said = [text((await at_desk.follow(await at_desk.fill("/desk", f"{one}/claim"))).text) for one in found]
    assert any("I forgot to say this." in one for one in said)
    assert any("ask my sister" in one for one in said), "what is no number is kept as words"


async def test_my_own_number_is_kept_and_taken_back(at_home: Browser, stranger: Browser) -> None:
    odd = await at_home.fill("/contacts", "/contacts/own", own_phone="call me")
    assert odd.status_code == 422
    assert fields(odd.text, "/contacts/own")["own_phone"] == "call me"
    await at_home.fill("/contacts", "/contacts/own", own_phone="06 11 22 33 44")
    assert fields((await at_home.get("/contacts")).text, "/contacts/own")["own_phone"] == "06 11 22 33 44"
    assert fields((await stranger.get("/contacts")).text, "/contacts/own")["own_phone"] == ""
    await at_home.fill("/contacts", "/contacts/own", own_phone="")
    assert fields((await at_home.get("/contacts")).text, "/contacts/own")["own_phone"] == ""


async def test_a_stranger_keeps_no_number(visitor: Browser) -> None:
    answer = await visitor.post("/contacts/own", {"own_phone": "06 11 22 33 44"})
    assert answer.status_code in (303, 401, 403)
    assert "/contacts/own" not in (await visitor.get("/sign-in?next=/contacts")).text


async def test_who_is_woken_for_the_desk_types_their_password_once(visitor: Browser, parts: Edge) -> None:
    mail = await visitor.get("/desk")
    assert mail.headers["location"] == "/sign-in?next=/desk"
    page = (await visitor.follow(mail)).text
    code = re.search(r"<input[^>]*mfa_code[^>]*>", page)
    assert code is not None
    assert "required" not in code[0], "who has no second factor yet can sign in and set one up"
    assert "mfa_code" not in (await visitor.get("/sign-in?next=/home")).text
    email, secret = await staff(parts, "fay", Role.RESPONDER)
    given = fields(page, "/sign-in") | {"email": email, "password": PASSWORD, "mfa_code": pyotp.TOTP(secret).now()}
    answer = await visitor.post("/sign-in", given)
    assert answer.headers["location"] == "/desk"


async def _closed(at_home: Browser, at_desk: Browser) -> str:
    """From danger to a closed event, by the pages; return its address."""
    await at_home.fill("/check-in", "/check-in", mood_score="1", journal_text=DANGER)
    await at_desk.fill("/desk", "/desk/duty")
    event = await _event((await at_desk.get("/desk/list")).text)
    await at_desk.fill(event, f"{event}/claim")
    token = {"csrf": fields((await at_desk.get(event)).text, f"{event}/steps")["csrf"]}
    await at_desk.post(f"{event}/steps", token | {"step": "contact"})
    done = await at_desk.post(f"{event}/steps", token | {"step": "resolve", "outcome": "safe_with_plan", "note": NOTE})
    assert done.headers["location"] == "/desk"
    return event


def _days_pass(database_url: str, days: float) -> None:
    with psycopg.connect(database_url) as conn:
        for column in ("crisis_event.created_at", "crisis_event.resolved_at", "desk.care_due_at", "page.at"):
            table, name = column.split(".")
            conn.execute(f"UPDATE safety.{table} SET {name} = {name} - make_interval(secs => %s)", (days * 86400,))


async def test_after_care_is_for_whoever_has_it(at_home: Browser, at_desk: Browser, stranger: Browser) -> None:
    event = await _closed(at_home, at_desk)
    token = {"csrf": fields((await stranger.get("/contacts")).text, "/contacts")["csrf"]}
    given = token | {"step": "1", "result": "reached"}
    assert (await stranger.post(f"{event}/after-care", given)).status_code == 404
    assert (await at_home.post(f"{event}/after-care", given)).status_code in (403, 404)


async def test_from_a_closed_event_to_the_end_of_after_care(
    at_home: Browser, at_desk: Browser, database_url: str
) -> None:
    event = await _closed(at_home, at_desk)
    desk = text((await at_desk.get("/desk")).text)
    assert "Nobody is waiting" in desk
    assert "To be contacted again Planned First contact after a crisis" in desk
    assert "Alice" not in desk
    told = text((await at_home.get("/help")).text)
    assert "Somebody from this service aims to contact you by" in told
    assert "aims to contact you by" in text((await at_home.get("/home")).text)
    shown = (await at_desk.get(event)).text
    assert "Contact 1 of 3 after this event was closed" in text(shown)
    assert NOTE in shown, "what was agreed is there for whoever goes on"
    form = fields(shown, f"{event}/after-care")
    nothing = await at_desk.post(f"{event}/after-care", form | {"result": "", "note": "kept"})
    assert nothing.status_code == 422
    assert "kept" in nothing.text
    _days_pass(database_url, 1.5)
    late = (await at_desk.get("/desk")).text
    assert "Overdue First contact after a crisis" in text(late)
    assert "wanted to contact you by" in text((await at_home.get("/help")).text)
    shown = (await at_desk.get(event)).text
    assert "Overdue" in text(shown)
    form = fields(shown, f"{event}/after-care")
    done = await at_desk.post(f"{event}/after-care", form | {"result": "reached", "note": "Spoke with her."})
    assert done.headers["location"] == "/desk"
    assert "Planned Second contact after a crisis" in text((await at_desk.get("/desk")).text)
    again = await at_desk.post(f"{event}/after-care", form | {"result": "reached"})
    assert again.status_code == 409
    shown = (await at_desk.get(event)).text
    assert "Spoke with her." in shown
    form = fields(shown, f"{event}/after-care")
    await at_desk.post(f"{event}/after-care", form | {"result": "declined"})
    assert "To be contacted again" not in text((await at_desk.get("/desk")).text)
    assert "contact you by" not in text((await at_home.get("/help")).text)
    closed = text((await at_desk.get(event)).text)
    assert "Nothing is left to do here. Safe for now, with a plan." in closed
    assert "They want no more contact" in closed
    looks = text((await at_home.get("/looks")).text)
    assert "A person on duty wrote down what they did to help you." in looks


async def test_a_look_that_was_promised_and_missed_is_owned_up_to(at_home: Browser, database_url: str) -> None:
    await at_home.fill("/check-in", "/check-in", mood_score="1", stress_level="10", anxiety_level="10")
    assert "nobody did. We are sorry." not in text((await at_home.get("/help")).text)
    with psycopg.connect(database_url) as conn:
        changed = conn.execute(
            "UPDATE safety.crisis_event SET state = 'lapsed', resolved_at = now(),"
            " created_at = now() - interval '15 days' WHERE state = 'open'"
        ).rowcount
    assert changed == 1
    for path in ("/help", "/home"):
        assert "We said that somebody would look at how you are doing, and nobody did. We are sorry." in text(
            (await at_home.get(path)).text
        )
    assert "Nothing. No reminder" not in text((await at_home.get("/home")).text), (
        "an apology is not followed by “nothing”"
    )


@pytest.mark.parametrize(
    ("lang", "unsure", "choose"),
    [
        ("en", "These numbers are for: United States.", "Choose another country"),
        (
            "fr",
            "Ces numéros sont ceux de ce pays : États-Unis.",
            "Choisir un autre pays",
        ),
    ],
)
async def test_who_named_no_country_is_told_whose_numbers_these_are(
    visitor: Browser, at_home: Browser, alice: Person, lang: str, unsure: str, choose: str
) -> None:
    page = (await visitor.get(f"/help?lang={lang}")).text
    assert page.index("tel:911") < page.index(choose) < page.index('id="resources"')
    assert unsure in text(page)
    assert "112" in text(page).split(unsure)[1][:80]
    assert 'href="#country"' in page
    assert 'data-country=""' in page
    for named in ("US", "FR"):
        chosen = (await visitor.get(f"/help?lang={lang}&country={named}")).text
        assert unsure[:20] not in text(chosen)
        assert f'data-country="{named}"' in chosen
    for odd in ("", "x", "12"):
        assert unsure in text((await visitor.get("/help", params={"country": odd, "lang": lang})).text)
    assert (await alice.patch("/v1/users/me", json={"country": "US"})).status_code == 200
    own = text((await at_home.get("/help")).text)
    assert "These numbers are for: United States." in own
    assert "not chosen" not in own, "perhaps she did: that she chose the country of the service itself is not stored"


async def test_whose_own_country_is_another_has_named_it(client: httpx.AsyncClient, circle: Circle) -> None:
    browser = Browser(client)
    await browser.sign_in(await circle.member("amelie", language="fr", country="FR"))
    page = (await browser.get("/help")).text
    assert "tel:3114" in page
    assert "Ces numéros sont ceux" not in page


async def test_on_the_worst_night_the_nearest_things_come_first(at_home: Browser) -> None:
    """The first line, a person, what to do meanwhile; then the other lines, other countries, and who worries."""
    page = (await at_home.get("/help")).text
    order = ["tel:911", 'id="resources"', 'id="ask"', 'id="meanwhile"', 'href="#worried"', 'id="others"']
    places = [page.index(one) for one in [*order, 'id="country"', 'id="worried"', 'id="grieving"']]
    assert places == sorted(places)


@pytest.mark.parametrize("lang", ["en", "fr"])
async def test_no_words_point_where_nothing_stands(at_home: Browser, visitor: Browser, lang: str) -> None:
    """A line is not below when it stands above; read aloud, it is neither."""
    for path in (f"/help?lang={lang}", f"/help?lang={lang}&country=TV"):
        shown = text((await visitor.get(path)).text)
        assert not re.search(r"\bbelow\b|\babove\b|ci-dess|plus (bas|haut)", shown)
    await at_home.fill("/check-in", "/check-in", mood_score="1", journal_text=DANGER)
    made = await at_home.get("/history")
    found = re.search(r'href="/check-ins/([0-9a-f-]{36})', made.text)
    assert found is not None
    await at_home.get(f"/?lang={lang}")
    result = (await at_home.get(f"/results/{found[1]}")).text
    said = text(result[result.rindex("<article") :])
    assert "nobody from our team is on duty" in said or "personne de notre équipe n’est de garde" in said
    assert not re.search(r"\bbelow\b|ci-dessous", said)
