"""What belongs to no slice: files, the installable app, problems as pages or as JSON."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.pages.support import Browser, text
from wellspring.kernel import assets, forms, i18n, ids
from wellspring.kernel.errors import InFlight

pytestmark = pytest.mark.anyio


async def test_files_named_by_their_version_are_kept_for_good(visitor: Browser) -> None:
    url = assets.url("app.css")
    answer = await visitor.get(url)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == assets.shipped()["app.css"].body
    plain = await visitor.get("/static/app.css", headers={"accept-encoding": "identity"})
    assert plain.headers["cache-control"] == "no-cache"
    assert "content-encoding" not in plain.headers
    same = await visitor.get("/static/app.css", headers={"if-none-match": plain.headers["etag"]})
    assert same.status_code == 304


@pytest.mark.parametrize(
    "name", ["nothing.css", "../routes.py", "%2e%2e/routes.py", "vendor/", "/etc/passwd", "sw.js%00"]
)
async def test_no_other_file_is_served(visitor: Browser, name: str) -> None:
    assert (await visitor.get(f"/static/{name}")).status_code == 404


async def test_the_app_installs(visitor: Browser) -> None:
    manifest = (await visitor.get("/manifest.webmanifest")).json()
    for icon in manifest["icons"]:
        assert (await visitor.get(icon["src"])).status_code == 200, icon
    worker = await visitor.get("/sw.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    page = (await visitor.get("/")).text
    for url in {part.split('"')[0] for part in page.split('="')[1:] if part.startswith("/static/")}:
        assert (await visitor.get(url)).headers["cache-control"].endswith("immutable"), url


async def test_problems_are_pages_for_people_and_json_for_programs(visitor: Browser, at_home: Browser) -> None:
    for browser in (visitor, at_home):
        page = await browser.get("/nowhere")
        assert page.status_code == 404
        assert "This page is not here" in text(page.text)
    assert 'action="/sign-out"' in (await at_home.get("/nowhere")).text
    json = await visitor.get("/v1/nowhere")
    assert (json.status_code, json.headers["content-type"]) == (404, "application/problem+json")
    program = await visitor.get("/nowhere", headers={"accept": "*/*"})
    assert program.headers["content-type"] == "application/problem+json"
    assert (await at_home.get(f"/check-ins/{ids.new()}")).status_code == 404
    assert (await at_home.get("/check-ins/nonsense")).status_code == 404
    assert (await visitor.client.put("/home")).status_code == 405
    wrong = await visitor.client.post("/sign-in", json={"email": "x"})
    assert wrong.status_code == 415
    assert "We could not read that" in text(wrong.text)


async def test_the_cookie_opens_pages_and_never_the_api(at_home: Browser) -> None:
    assert (await at_home.get("/home")).status_code == 200
    assert (await at_home.get("/v1/users/me")).status_code == 401
    assert (await at_home.client.post("/v1/checkins", json={"mood_score": 5})).status_code == 401


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("fr", "fr"),
        ("fr-CA,en;q=0.5", "fr"),
        ("de,fr;q=0.7,en;q=0.8", "en"),
        ("de", "en"),
        ("", "en"),
        ("fr;q=x,en", "en"),
        ("*", "en"),
    ],
)
async def test_languages_are_negotiated(header: str, language: str) -> None:
    assert i18n.negotiate(header) == language


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(seconds=-5), "1 second"),
        (timedelta(seconds=30), "30 seconds"),
        (timedelta(seconds=60), "1 minute"),
        (timedelta(minutes=100), "100 minutes"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(days=3), "3 days"),
    ],
)
async def test_durations_are_said_in_the_unit_that_fits(length: timedelta, said: str) -> None:
    assert i18n.Local("en", "UTC").lasting(length) == said


async def test_days_and_times_are_by_the_person_s_clock() -> None:
    here = i18n.Local("fr", "Europe/Paris")
    assert here.moment(datetime(2020, 11, 20, 23, 30, tzinfo=UTC)).text == "samedi 21 novembre 2020, 00:30"
    assert here.stamp(datetime(2020, 11, 20, 23, 30, tzinfo=UTC)).text == "21/11/2020 00:30"
    assert here.language_name("de") == "allemand"


async def test_what_is_no_form_is_a_problem_and_never_an_error(visitor: Browser, at_home: Browser) -> None:
    odd = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
    for body in (b"\xff\xfe", b"a=%ff", b"&".join(b"a=1" for _ in range(400))):
        answer = await at_home.client.post("/check-in", content=body, headers=odd)
        assert answer.status_code == 400, body[:20]
    stranger = await visitor.client.post("/check-in", json={"mood_score": 5})
    assert stranger.status_code == 401
    assert "Nothing is lost" in text(stranger.text)


async def test_a_request_that_never_ends_elsewhere_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "_PAUSE", 0)

    async def always_busy() -> None:
        raise InFlight

    with pytest.raises(InFlight):
        await forms.patiently(always_busy)
