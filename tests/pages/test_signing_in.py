"""Signing up, in and out in a browser: strangers, forged forms, throttling, what stays typed."""

import asyncpg
import httpx
import pyotp
import pytest

from tests.pages.support import Browser, fields, staff, text
from tests.support.people import PASSWORD, Person
from wellspring.identity import zones
from wellspring.kernel.edge import Edge
from wellspring.kernel.policy import Role

pytestmark = pytest.mark.anyio
AGREED = ["terms:1", "privacy:1", "health_data:1"]
PRIVATE = (
    "/home",
    "/check-in",
    "/history",
    "/preferences",
    "/leave-out",
    "/sessions",
    "/contacts",
    "/safety-plan",
    "/desk",
    "/outbox",
)


@pytest.mark.parametrize("path", PRIVATE)
async def test_a_stranger_is_led_to_the_sign_in_page(visitor: Browser, path: str) -> None:
    answer = await visitor.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/sign-in?next={path}"
    assert "Alice" not in answer.text


@pytest.mark.parametrize("path", ["/", "/sign-in", "/sign-up", "/forgot-password", "/help", "/offline", "/texts/terms"])
async def test_open_pages_need_nobody(visitor: Browser, path: str) -> None:
    answer = await visitor.get(path)
    assert answer.status_code == 200
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert 'action="/sign-out"' not in answer.text


@pytest.mark.parametrize("said", ["Basic YWxpY2U6eA==", "Bearer nonsense"])
async def test_a_password_that_a_proxy_asked_for_stands_in_nobody_s_way(
    visitor: Browser, at_home: Browser, said: str
) -> None:
    headers = {"authorization": said}
    for path in ("/", "/sign-in", "/sign-up", "/texts/terms"):
        assert (await visitor.get(path, headers=headers)).status_code == 200, path
    if said.startswith("Basic"):
        assert (await at_home.get("/home", headers=headers)).status_code == 200


@pytest.mark.parametrize("origin", ["http://[", "http://a]b"])
async def test_an_origin_that_is_no_address_is_another_site(visitor: Browser, origin: str) -> None:
    answer = await visitor.post("/sign-in", {"email": "x"}, headers={"origin": origin})
    assert answer.status_code == 403


async def test_signing_up_opens_a_session(visitor: Browser) -> None:
    answer = await visitor.fill(
        "/sign-up",
        "/sign-up",
        email="new@example.org",
        password=PASSWORD,
        display_name="Nour",
        timezone="Europe/Paris",
        consents=AGREED,
    )
    home = await visitor.follow(answer)
    assert "Nour" in text(home.text)
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("ws_session="))
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "Max-Age=2592000" in cookie
    assert (await visitor.get("/sign-up")).headers["location"] == "/home"
    assert (await visitor.get("/")).headers["location"] == "/home"


async def test_signing_up_says_everything_at_once_and_keeps_what_was_typed(visitor: Browser) -> None:
    answer = await visitor.fill(
        "/sign-up",
        "/sign-up",
        email="nonsense",
        password="short",
        display_name="Nour",
        timezone="America/Chicago",
        consents=AGREED[:1],
    )
    assert answer.status_code == 422
    said = text(answer.text)
    assert "name@example.org" in said
    assert "at least 12 characters" in said
    assert "tick each of these" in said
    kept = fields(answer.text, "/sign-up")
    assert (kept["email"], kept["display_name"], kept["consents"]) == ("nonsense", "Nour", AGREED[0])
    assert kept["timezone"] == "America/Chicago"
    assert "data-timezone" not in answer.text, "no script changes what was chosen"
    assert "short" not in answer.text


async def test_a_known_address_and_an_easy_password_are_refused_at_their_fields(
    visitor: Browser, alice: Person
) -> None:
    whole = {"password": PASSWORD, "display_name": "", "timezone": "UTC", "consents": AGREED}
    taken = await visitor.fill("/sign-up", "/sign-up", email=alice.email, **whole)
    assert taken.status_code == 409
    assert "already an account" in text(taken.text)
    for _ in range(4):
        await visitor.fill("/sign-up", "/sign-up", email=alice.email, **whole)
    waits = await visitor.fill("/sign-up", "/sign-up", email=alice.email, **whole)
    assert waits.status_code == 429
    assert "Please sign in instead, or wait 1 minute." in text(waits.text)
    assert int(waits.headers["retry-after"]) > 0
    easy = await visitor.fill("/sign-up", "/sign-up", **whole | {"email": "x@example.org", "password": "password1234"})
    assert easy.status_code == 422
    assert "easy to guess" in text(easy.text)


async def test_an_old_text_is_not_agreed_to(visitor: Browser) -> None:
    answer = await visitor.fill(
        "/sign-up",
        "/sign-up",
        email="x@example.org",
        password=PASSWORD,
        display_name="",
        timezone="UTC",
        consents=["terms:0", *AGREED[1:]],
    )
    assert answer.status_code == 422


async def test_without_a_script_the_time_zone_is_asked_for(visitor: Browser, database_url: str) -> None:
    whole = {"email": "new@example.org", "password": PASSWORD, "display_name": "Nour", "consents": AGREED}
    answer = await visitor.fill("/sign-up", "/sign-up", **whole)
    assert answer.status_code == 422
    assert "Please fill this in." in text(answer.text)
    assert 'aria-describedby="timezone-hint timezone-error"' in answer.text
    assert answer.text.count('<option value="America/New_York"') == 1, "in its country, and not once more in the list"
    for wrong in ("Mars/Olympus", "../etc"):
        answer = await visitor.fill("/sign-up", "/sign-up", **whole, timezone=wrong)
        assert (answer.status_code, 'href="#timezone"' in answer.text) == (422, True)
        assert "Mars" not in answer.text
    assert (await visitor.fill("/sign-up", "/sign-up", **whole, timezone="Pacific/Auckland")).status_code == 303
    conn = await asyncpg.connect(database_url)
    assert await conn.fetchval("SELECT timezone FROM identity.person") == "Pacific/Auckland"
    await conn.close()


@pytest.mark.parametrize(("country", "zone"), [("FR", "Europe/Paris"), ("DE", "Europe/Berlin")])
async def test_where_all_clocks_agree_nobody_has_to_choose(
    visitor: Browser, parts: Edge, database_url: str, country: str, zone: str
) -> None:
    parts.settings = parts.settings.model_copy(update={"country": country})
    whole = {"email": "new@example.org", "password": PASSWORD, "display_name": "Nour", "consents": AGREED}
    shown = await visitor.get("/sign-up")
    assert fields(shown.text, "/sign-up")["timezone"] == zone
    assert "data-timezone" in shown.text, "a script that knows better may say so"
    assert (await visitor.fill("/sign-up", "/sign-up", **whole)).status_code == 303
    conn = await asyncpg.connect(database_url)
    assert await conn.fetchval("SELECT timezone FROM identity.person") == zone
    await conn.close()


@pytest.mark.parametrize(("country", "zone"), [("US", None), ("ES", None), ("IN", "Asia/Kolkata"), ("ZZ", None)])
def test_the_zone_of_a_country_is_named_only_where_there_is_one_clock(country: str, zone: str | None) -> None:
    assert zones.likely(country) == zone
    assert set(zones.of_country(country)) <= set(zones.ZONES)


async def test_unknown_and_wrong_look_the_same(visitor: Browser, alice: Person) -> None:
    wrong = await visitor.fill("/sign-in", "/sign-in", email=alice.email, password="not it at all")
    unknown = await visitor.fill("/sign-in", "/sign-in", email="nobody@example.org", password="not it at all")
    assert wrong.status_code == unknown.status_code == 401
    assert text(wrong.text) == text(unknown.text)
    assert fields(wrong.text, "/sign-in")["email"] == alice.email
    assert "not it at all" not in wrong.text


async def test_what_is_missing_is_said_at_its_field(visitor: Browser, alice: Person) -> None:
    answer = await visitor.fill("/sign-in", "/sign-in", email=alice.email, password="")
    assert answer.status_code == 422
    assert 'id="password-error">Please fill this in.' in answer.text
    answer = await visitor.fill("/sign-in", "/sign-in", email="", password=PASSWORD)
    assert 'id="email-error">Please write an address' in answer.text
    assert PASSWORD not in answer.text


async def test_throttling_is_said_kindly(visitor: Browser, alice: Person) -> None:
    for _ in range(5):
        await visitor.fill("/sign-in", "/sign-in", email=alice.email, password="not it at all")
    answer = await visitor.sign_in(alice)
    assert answer.status_code == 429
    assert answer.headers["retry-after"]
    assert "please wait 1 minute" in text(answer.text)
    assert "not closed" in text(answer.text)


async def test_staff_are_asked_for_their_code(client: httpx.AsyncClient, parts: Edge) -> None:
    email, secret = await staff(parts, "dana", Role.RESPONDER)
    browser = Browser(client)
    asked = await browser.fill("/sign-in", "/sign-in", email=email, password=PASSWORD)
    assert asked.status_code == 401
    assert 'name="mfa_code"' in asked.text
    given = fields(asked.text, "/sign-in") | {"password": PASSWORD}
    wrong = await browser.post("/sign-in", given | {"mfa_code": "000000"})
    assert wrong.status_code == 401
    assert 'name="mfa_code"' in wrong.text
    right = await browser.post("/sign-in", given | {"mfa_code": pyotp.TOTP(secret).now()})
    assert right.headers["location"] == "/desk", text(right.text)
    assert "Max-Age=86400" in next(c for c in right.headers.get_list("set-cookie") if c.startswith("ws_session="))


async def test_only_paths_of_this_site_are_followed(visitor: Browser, alice: Person) -> None:
    for bad in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a b"):
        page = await visitor.get("/sign-in", params={"next": bad})
        assert "evil" not in page.text
        assert "javascript:" not in page.text
    answer = await visitor.fill("/sign-in?next=/history", "/sign-in", email=alice.email, password=PASSWORD)
    assert answer.headers["location"] == "/history"
    forged = Browser(visitor.client)
    shown = await forged.get("/sign-in")
    given = fields(shown.text, "/sign-in") | {"email": alice.email, "password": PASSWORD, "next": "//evil.example"}
    assert (await forged.post("/sign-in", given)).headers["location"] == "/home"


async def test_signing_out_ends_the_session_at_once(at_home: Browser) -> None:
    kept = dict(at_home.client.cookies)
    home = await at_home.get("/home")
    answer = await at_home.post("/sign-out", fields(home.text, "/sign-out"))
    assert answer.headers["location"] == "/"
    assert "You are signed out." in text((await at_home.get("/")).text)
    assert "signed out" not in text((await at_home.get("/")).text)
    at_home.client.cookies.update(kept)
    assert (await at_home.get("/home")).status_code == 303


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://wellspring.test"}, 303),
        ({"origin": "null"}, 303),
    ],
)
async def test_forms_of_other_sites_do_nothing(at_home: Browser, headers: dict[str, str], status: int) -> None:
    given = fields((await at_home.get("/home")).text, "/check-in/quick") | {"mood_score": "5"}
    answer = await at_home.post("/check-in/quick", given, headers=headers)
    assert answer.status_code == status
    entries = text((await at_home.get("/history")).text)
    assert ("No check-ins in these days" in entries) is (status == 403)


@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"])
async def test_a_missing_or_forged_token_stores_nothing_and_loses_nothing(at_home: Browser, token: str | None) -> None:
    given = fields((await at_home.get("/check-in")).text, "/check-in")
    given |= {"mood_score": "4", "journal_text": "One line.\nAnother."}
    given = {k: v for k, v in given.items() if k != "csrf"} | ({} if token is None else {"csrf": token})
    answer = await at_home.post("/check-in", given)
    assert answer.status_code == 403
    again = fields(answer.text, "/check-in")
    assert again["journal_text"] == "One line.\nAnother."
    assert again["mood_score"] == "4"
    assert "No check-ins in these days" in text((await at_home.get("/history")).text)
    assert (await at_home.post("/check-in", again)).status_code == 303


async def test_somebody_else_s_token_is_no_token(at_home: Browser, stranger: Browser) -> None:
    theirs = fields((await stranger.get("/home")).text, "/check-in/quick")
    answer = await at_home.post("/check-in/quick", theirs | {"mood_score": "5"})
    assert answer.status_code == 403


async def test_a_session_that_ended_keeps_what_was_typed(at_home: Browser, alice: Person) -> None:
    given = fields((await at_home.get("/check-in")).text, "/check-in")
    given |= {"mood_score": "3", "journal_text": "A long day.\nStill here."}
    sessions = (await alice.get("/v1/auth/sessions")).json()["items"]
    web = next(one for one in sessions if one["kind"] == "web")
    await alice.delete(f"/v1/auth/sessions/{web['id']}")
    answer = await at_home.post("/check-in", given)
    assert answer.status_code == 401
    assert "Nothing is lost" in text(answer.text)
    assert 'target="_blank"' in answer.text
    kept = fields(answer.text, "/check-in")
    assert kept["journal_text"] == "A long day.\nStill here."
    assert (await at_home.sign_in(alice)).status_code == 303
    stored = await at_home.follow(await at_home.post("/check-in", kept))
    assert "Mood 3 of 10" in text(stored.text)


@pytest.mark.parametrize("ended", [True, False])
async def test_who_was_signed_out_elsewhere_can_still_sign_out(at_home: Browser, alice: Person, ended: bool) -> None:
    home = await at_home.get("/home")
    for one in (await alice.get("/v1/auth/sessions")).json()["items"]:
        if ended and one["kind"] == "web":
            await alice.delete(f"/v1/auth/sessions/{one['id']}")
    answer = await at_home.post("/sign-out", fields(home.text, "/sign-out"))
    assert (answer.status_code, answer.headers.get("location")) == (303, "/"), text(answer.text)
    assert "ws_session" not in at_home.client.cookies


async def test_a_locked_desk_can_be_left_for_good(client: httpx.AsyncClient, parts: Edge, database_url: str) -> None:
    """Its session goes on listening behind the lock: signing out must end it."""
    email, secret = await staff(parts, "dana", Role.RESPONDER)
    browser = Browser(client)
    await browser.sign_in_staff(email, secret)
    desk = await browser.get("/desk")
    conn = await asyncpg.connect(database_url)
    await conn.execute("UPDATE identity.session SET last_seen_at = now() - interval '16 minutes' WHERE kind = 'web'")
    assert (await browser.get("/desk")).status_code == 303
    answer = await browser.post("/sign-out", fields(desk.text, "/sign-out"))
    assert (answer.status_code, answer.headers.get("location")) == (303, "/"), text(answer.text)
    assert await conn.fetchval("SELECT ended_at IS NOT NULL FROM identity.session WHERE kind = 'web'")
    await conn.close()


async def test_a_program_signs_out_of_a_locked_session(dana: Person, database_url: str) -> None:
    conn = await asyncpg.connect(database_url)
    await conn.execute("UPDATE identity.session SET last_seen_at = now() - interval '16 minutes' WHERE is_staff")
    assert (await dana.post("/v1/auth/logout")).status_code == 204
    assert not await conn.fetchval("SELECT count(*) FROM identity.session WHERE is_staff AND ended_at IS NULL")
    await conn.close()


async def test_signing_in_leads_to_the_very_page_that_was_asked_for(visitor: Browser, alice: Person) -> None:
    for odd in ("/history?x=%5C%5Celsewhere", "/history?" + "x" * 600, "/history?a=//elsewhere.example"):
        assert "next=/history" in (await visitor.get(odd)).headers["location"]
    asked = await visitor.get("/history?start_date=2026-03-01&end_date=2026-03-02")
    assert asked.status_code == 303
    form = fields((await visitor.get(asked.headers["location"])).text, "/sign-in")
    answer = await visitor.post("/sign-in", form | {"email": alice.email, "password": PASSWORD})
    assert answer.headers["location"] == "/history?start_date=2026-03-01&end_date=2026-03-02"


async def test_the_language_of_a_visitor_is_kept_as_safely_as_the_rest(visitor: Browser, parts: Edge) -> None:
    await visitor.get("/?lang=fr")
    assert 'lang="fr"' in (await visitor.get("/")).text
    parts.settings = parts.settings.model_copy(update={"public_url": "https://care.example"})
    given = (await visitor.get("/?lang=fr")).headers.get_list("set-cookie")
    [language] = [one for one in given if "ws_language" in one]
    assert language.startswith("__Host-ws_language=fr;")
    assert "secure" in language.lower()
