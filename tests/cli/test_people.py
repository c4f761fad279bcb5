"""`wellspring people`: a copy of everything about somebody, and erasing them."""

import json
import zipfile
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID, uuid4

import anyio
import httpx
import psycopg
import pytest

from tests.cli.conftest import Run, key_text
from tests.support.people import PASSWORD, Circle, Person
from wellspring.cli import served
from wellspring.cli.errors import (
    AccountClosed,
    DatabaseAway,
    FileRefused,
    FileThere,
    InCrisis,
    LastAdministrator,
    NoFactor,
    NotConfirmed,
    NotRestarted,
    PersonUnknown,
    StillHelping,
)
from wellspring.kernel.edge import Edge
from wellspring.kernel.policy import Role
from wellspring.kernel.settings import Settings
from wellspring.migrations.bootstrap import KeysDoNotFit
from wellspring.privacy import erasure
from wellspring.privacy.ledger import Ledger

pytestmark = pytest.mark.anyio


async def _run(installed: Run, *args: str, typed: str = "") -> tuple[int, str, BaseException | None]:
    answer = await anyio.to_thread.run_sync(lambda: installed("people", *args, input=typed))
    return answer.exit_code, answer.stdout, answer.exception


def _people(database_url: str) -> int:
    with psycopg.connect(database_url) as conn:
        found = conn.execute("SELECT count(*) FROM identity.person").fetchone()
    assert found is not None
    return int(found[0])


async def test_a_copy_is_one_new_file_for_this_account_alone(installed: Run, circle: Circle, tmp_path: Path) -> None:
    alice = await circle.member("alice")
    sent = await alice.post("/v1/checkins", json={"mood_score": 4, "journal_text": "Le jardin était calme, ça va."})
    assert sent.status_code == 201
    out = tmp_path / "alice.json"
    status, said, _ = await _run(installed, "export", alice.email.upper(), "--out", str(out), "--json")
    assert status == 0
    assert out.stat().st_mode & 0o777 == 0o600
    text = out.read_text("utf-8")
    assert "Le jardin était calme, ça va." in text
    assert json.loads(said)["rows"] == sum(map(len, json.loads(text)["tables"].values()))
    status, _, refused = await _run(installed, "export", alice.email, "--out", str(out))
    assert (status, type(refused)) == (1, FileThere)
    assert out.read_text("utf-8") == text
    by_id = await _run(installed, "export", str(alice.id), "--out", str(tmp_path / "alice.zip"))
    assert by_id[0] == 0
    assert "rows of" in by_id[1]
    assert "everything.json" in zipfile.ZipFile(tmp_path / "alice.zip").namelist()


@pytest.mark.parametrize("who", ["nobody@example.org", "no address", ""])
async def test_nobody_has_this_address(installed: Run, tmp_path: Path, who: str) -> None:
    out = tmp_path / "nobody.json"
    for args in (("export", who, "--out", str(out)), ("erase", who, "--yes")):
        assert isinstance((await _run(installed, *args))[2], PersonUnknown)
    assert not out.exists()


async def test_an_id_that_nobody_has(installed: Run, tmp_path: Path) -> None:
    out = tmp_path / "nobody.json"
    for args in (("export", str(uuid4()), "--out", str(out)), ("erase", str(uuid4()), "--yes")):
        assert isinstance((await _run(installed, *args))[2], PersonUnknown)
    assert not out.exists()


async def test_a_file_that_says_not_what_it_is(installed: Run, alice: Person, tmp_path: Path) -> None:
    answer = await _run(installed, "export", alice.email, "--out", str(tmp_path / "alice.txt"))
    assert isinstance(answer[2], FileRefused)
    answer = await _run(installed, "export", alice.email, "--out", str(tmp_path / "away" / "alice.json"))
    assert isinstance(answer[2], FileRefused)


async def test_other_keys_copy_and_erase_nothing(
    installed: Run, clean: pytest.MonkeyPatch, alice: Person, tmp_path: Path, database_url: str
) -> None:
    clean.setenv("WELLSPRING_KEYS", json.dumps({"root": "eHh4" * 10 + "eHg=", "keks": {"1": "eHh4" * 10 + "eHg="}}))
    answer = await _run(installed, "export", str(alice.id), "--out", str(tmp_path / "alice.json"))
    assert isinstance(answer[2], KeysDoNotFit)
    assert isinstance((await _run(installed, "erase", str(alice.id), "--yes"))[2], KeysDoNotFit)
    assert _people(database_url) == 1


async def test_erasing_asks_for_the_address(installed: Run, alice: Person, database_url: str) -> None:
    status, said, _ = await _run(installed, "erase", alice.email, "--dry-run")
    assert status == 0
    assert "Would be erased" in said
    assert "identity.person: 1" in said
    for typed in ("", "y\n", "alice@example.com\n"):
        assert isinstance((await _run(installed, "erase", alice.email, typed=typed))[2], NotConfirmed)
    assert _people(database_url) == 1
    status, said, _ = await _run(installed, "erase", alice.email, typed=f" {alice.email.upper()}\n")
    assert status == 0
    assert "Erased:" in said
    assert _people(database_url) == 0


async def test_who_has_to_wait_too_long_for_another_erasure_is_told_to_come_again(
    installed: Run, alice: Person, database_url: str, clean: pytest.MonkeyPatch
) -> None:
    clean.setattr(erasure, "_IN_TURN", erasure._IN_TURN.replace(str(erasure.SETTLE_S), "0.2"))
    with psycopg.connect(database_url) as another:
        another.execute("SELECT pg_advisory_xact_lock(hashtextextended('privacy.erase', 0))")
        refused = (await _run(installed, "erase", alice.email, "--yes"))[2]
    assert isinstance(refused, DatabaseAway), refused
    assert "Run the command again" in str(refused)
    assert _people(database_url) == 1
    assert (await _run(installed, "erase", str(alice.id), "--yes"))[0] == 0
    assert _people(database_url) == 0


async def test_erasing_for_scripts_says_what_it_did_and_may_be_repeated(
    installed: Run, alice: Person, database_url: str
) -> None:
    await alice.put("/v1/consents/shared_ratings", json={"given": True})
    made = await alice.get("/v1/interventions")
    action = made.json()["items"][0]["id"]
    session = await alice.post(f"/v1/interventions/{action}/start", json={})
    done = await alice.post(
        f"/v1/interventions/sessions/{session.json()['id']}/complete", json={"effectiveness_rating": 5}
    )
    assert done.status_code == 200, done.text
    dry = json.loads((await _run(installed, "erase", alice.email, "--dry-run", "--json"))[1])
    status, said, _ = await _run(installed, "erase", alice.email, "--yes", "--json")
    told = json.loads(said)
    assert status == 0
    assert {**dry, "done": True} == told
    assert {"table": "interventions.outcome", "rows": 1, "own": True} in told["deleted"]
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT coalesce(sum(ratings), 0) FROM interventions.block").fetchone() == (0,)
    assert isinstance((await _run(installed, "erase", alice.email, "--yes"))[2], PersonUnknown)
    status, said, _ = await _run(installed, "erase", str(alice.id), "--yes")
    assert status == 0
    assert "nothing to erase" in said


async def test_who_cannot_be_erased_now(installed: Run, circle: Circle, erin: Person) -> None:
    assert isinstance((await _run(installed, "erase", erin.email, "--yes"))[2], LastAdministrator)
    alice = await circle.member("alice")
    dana = await circle.staff("dana", Role.RESPONDER)
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    asked = await alice.post("/v1/crisis/report", json={"wants_contact": True})
    assert asked.status_code == 201, asked.text
    assert isinstance((await _run(installed, "erase", alice.email, "--yes"))[2], InCrisis)
    event = (await dana.get("/v1/crisis/desk")).json()["items"][0]["id"]
    claimed = await dana.post(f"/v1/people/{alice.id}/crisis-events/{event}/claim")
    assert claimed.status_code == 200, claimed.text
    assert isinstance((await _run(installed, "erase", dana.email, "--yes"))[2], StillHelping)


async def _sign_in(person: Person, **more: str) -> httpx.Response:
    body = {"email": person.email, "password": PASSWORD} | more
    return await person.client.post("/v1/auth/login", json=body)


async def test_the_only_administrator_who_lost_phone_and_codes_gets_back_in(
    installed: Run, erin: Person, database_url: str
) -> None:
    assert (await _sign_in(erin)).json()["code"] == "mfa_required"
    for typed in ("", "yes\n"):
        refused = await _run(installed, "reset-factor", erin.email, typed=typed)
        assert isinstance(refused[2], NotConfirmed)
    assert (await erin.get("/v1/staff")).status_code == 200
    status, said, _ = await _run(installed, "reset-factor", erin.email, typed=f"{erin.email}\n")
    assert status == 0
    assert "taken off" in said
    assert (await erin.get("/v1/staff")).status_code == 401
    refresh = {"refresh_token": erin.tokens["refresh_token"]}
    assert (await erin.client.post("/v1/auth/refresh", json=refresh)).status_code == 401
    assert (await _sign_in(erin)).json()["second_factor_needed"]
    with psycopg.connect(database_url) as conn:
        left = conn.execute("SELECT person_id, outcome FROM kernel.audit WHERE action LIKE '%factor:remove'").fetchall()
        told = conn.execute("SELECT count(*) FROM jobs.pgqueuer WHERE entrypoint = 'notify.second_factor_removed'")
        assert told.fetchone() == (1,)
    assert left == [(erin.id, "done")]
    again = await _run(installed, "reset-factor", str(erin.id), "--yes", "--json")
    assert isinstance(again[2], NoFactor)
    assert isinstance((await _run(installed, "reset-factor", "nobody@example.org", "--yes"))[2], PersonUnknown)


async def test_a_link_for_a_new_password_where_no_mail_goes_out(
    installed: Run, alice: Person, database_url: str
) -> None:
    status, said, _ = await _run(installed, "password-link", alice.email, "--json")
    assert status == 0
    body = {"link": json.loads(said)["link"].rpartition("/")[2], "new_password": "seven slow boats at noon"}
    assert (await alice.client.post("/v1/auth/reset-password", json=body)).status_code == 204
    assert (await _sign_in(alice, password="seven slow boats at noon")).status_code == 200
    with psycopg.connect(database_url) as conn:
        left = conn.execute("SELECT person_id FROM kernel.audit WHERE action = 'identity:password:link'").fetchall()
        assert left == [(alice.id,)]
        conn.execute("UPDATE identity.person SET status = 'suspended'")
    assert isinstance((await _run(installed, "password-link", alice.email))[2], AccountClosed)
    assert isinstance((await _run(installed, "password-link", "nobody@example.org"))[2], PersonUnknown)


@pytest.mark.parametrize(
    ("runs", "public", "begins"),
    [
        (False, "", "http://127.0.0.1:8000/"),
        (True, "", "http://127.0.0.1:8123/"),
        (True, "https://care.example.org/", "https://care.example.org/"),
    ],
)
async def test_a_link_leads_to_where_the_program_runs(
    installed: Run,
    clean: pytest.MonkeyPatch,
    alice: Person,
    tmp_path: Path,
    runs: bool,
    public: str,
    begins: str,
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    clean.setenv("WELLSPRING_PUBLIC_URL", public)
    (data / "address").write_text("http://127.0.0.1:9")  # of one that was killed
    with ExitStack() as running:
        if runs:
            running.enter_context(served.noted_site(Settings(data=data, port=8123)))
        answer = await anyio.to_thread.run_sync(lambda: installed("people", "password-link", alice.email))
    assert (data / "address").exists() is not runs
    assert answer.stdout.startswith(f"{begins}new-password/"), answer.stdout
    assert ("set WELLSPRING_PUBLIC_URL" in answer.stderr) is (not public)


async def test_keys_made_beside_a_program_that_has_not_read_the_newest_can_be_opened_by_it(
    installed: Run, clean: pytest.MonkeyPatch, alice: Person, database_url: str
) -> None:
    """The clients of these tests stand for a program that runs since before the second key was made."""
    clean.setenv("WELLSPRING_KEYS", key_text(1, 2))
    made = await anyio.to_thread.run_sync(
        lambda: installed("create-admin", "eve@example.org", "--json", input=f"{PASSWORD}\n")
    )
    told = json.loads(made.stdout)
    body = {"email": "eve@example.org", "password": PASSWORD, "mfa_code": told["recovery_codes"][0]}
    signed_in = await alice.client.post("/v1/auth/login", json=body)
    assert signed_in.status_code == 200, signed_in.text
    eve = Person(alice.client, UUID(told["person_id"]), "eve@example.org", signed_in.json())
    assert (await eve.get("/v1/users/me")).json()["email"] == "eve@example.org"
    refused = await anyio.to_thread.run_sync(lambda: installed("keys", "rewrap"))
    assert isinstance(refused.exception, NotRestarted)
    assert (await alice.get("/v1/users/me")).json()["email"] == alice.email


async def test_what_stays_of_somebody_erased_can_still_be_opened_by_the_program(
    installed: Run, clean: pytest.MonkeyPatch, alice: Person, parts: Edge, database_url: str
) -> None:
    clean.setenv("WELLSPRING_KEYS", key_text(1, 2))
    asked = await alice.post("/v1/crisis/report", json={"note": "Please call me.", "wants_contact": False})
    assert asked.status_code == 201, asked.text
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE safety.crisis_event SET state = 'resolved'")
    status, _, why = await _run(installed, "erase", alice.email, "--yes")
    assert status == 0, why
    with psycopg.connect(database_url) as conn:
        found = conn.execute("SELECT wrapped FROM kernel.person_key WHERE person_id = %s", (alice.id,)).fetchone()
    assert found is not None
    parts.keys.unwrap(found[0], alice.id)


async def test_whoever_came_back_with_a_backup_is_erased_again(
    installed: Run, circle: Circle, tmp_path: Path, database_url: str
) -> None:
    alice, charlie = await circle.member("alice"), await circle.member("charlie")
    asked = await alice.post("/v1/crisis/report", json={"wants_contact": True})  # open at the time of the dump
    assert asked.status_code == 201, asked.text
    refused = (await _run(installed, "replay"))[2]
    assert isinstance(refused, FileRefused), "no ledger is not the same as an empty one"
    saved = Ledger(tmp_path / "saved.jsonl")
    saved.note(alice.id)
    saved.note(uuid4())
    dry = await _run(installed, "replay", str(saved.path), "--dry-run", "--json")
    assert (dry[0], json.loads(dry[1])) == (0, {"named": 2, "erased": [str(alice.id)], "refused": {}})
    assert _people(database_url) == 2
    status, said, _ = await _run(installed, "replay", str(saved.path))
    assert (status, "Erased again: 1" in said) == (0, True)
    assert _people(database_url) == 1
    assert (await charlie.get("/v1/users/me")).status_code == 200
    again = await _run(installed, "replay", str(saved.path), "--json")
    assert json.loads(again[1])["erased"] == []
    assert Ledger(tmp_path / "data" / "erased.jsonl").people() == [alice.id], "it is noted here as well"


async def test_a_responder_who_came_back_holding_an_event_is_named(
    installed: Run, circle: Circle, tmp_path: Path, database_url: str
) -> None:
    alice, dana = await circle.member("alice"), await circle.staff("dana", Role.RESPONDER)
    await dana.put("/v1/crisis/duty", json={"on_duty": True})
    await alice.post("/v1/crisis/report", json={"wants_contact": True})
    event = (await dana.get("/v1/crisis/desk")).json()["items"][0]["id"]
    await dana.post(f"/v1/people/{alice.id}/crisis-events/{event}/claim")
    saved = Ledger(tmp_path / "saved.jsonl")
    saved.note(dana.id)
    status, said, _ = await _run(installed, "replay", str(saved.path))
    assert (status, str(dana.id) in said, "is still here" in said) == (1, True, True)
    assert _people(database_url) == 2
    assert (await dana.get("/v1/users/me")).status_code == 200


async def test_the_doctor_names_who_came_back(installed: Run, alice: Person, tmp_path: Path) -> None:
    async def state() -> str:
        found = await anyio.to_thread.run_sync(lambda: installed("doctor", "--json"))
        return str({one["code"]: one["state"] for one in json.loads(found.stdout)}["WS031"])

    assert await state() == "ok"
    Ledger(tmp_path / "data" / "erased.jsonl").note(alice.id)
    assert await state() == "failed"
    assert (await _run(installed, "replay"))[0] == 0
    assert await state() == "ok"


async def test_an_erasure_by_the_operator_is_noted(installed: Run, alice: Person, tmp_path: Path) -> None:
    assert (await _run(installed, "erase", alice.email, "--yes"))[0] == 0
    assert Ledger(tmp_path / "data" / "erased.jsonl").people() == [alice.id]


async def test_what_is_too_old_is_counted_then_removed(installed: Run, alice: Person, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO safety.crisis_event (person_id, id, trigger_source, risk_level, risk_score, state, evidence,"
            " response_due_at) VALUES (%s, kernel.uuid7_floor(now() - interval '8 years'), 'checkin', 'high', 1,"
            " 'resolved', '', now())",
            (alice.id,),
        )
        for args, left in ((["--dry-run"], 1), ([], 0)):
            status, said, _ = await _run(installed, "retain", *args, "--json")
            assert status == 0
            assert {"table": "safety.crisis_event", "rows": 1} in json.loads(said)
            found = conn.execute("SELECT count(*) FROM safety.crisis_event").fetchone()
            assert found == (left,)
