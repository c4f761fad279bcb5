"""Commands that work on a database."""

import json
import re
from functools import partial
from pathlib import Path
from typing import LiteralString
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import anyio
import psycopg
import pyotp
import pytest

from tests.cli.conftest import Run, key_text
from tests.support.database import KEYS
from tests.support.people import PASSWORD, Circle
from wellspring.cli import console, demo, invariants, prepare, synthetic
from wellspring.cli.errors import (
    DatabaseAway,
    DemoData,
    KeysFromEnvironment,
    KeysGone,
    NotEmpty,
    NotRestarted,
    SettingsWrong,
)
from wellspring.cli.rotate import rewrap
from wellspring.identity.errors import EmailTaken, PasswordRefused
from wellspring.kernel import dsn
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import DbRole
from wellspring.kernel.settings import Settings
from wellspring.migrations import bootstrap
from wellspring.migrations.runner import DatabaseNewer, MigrationChanged, MigrationRefused


def test_create_admin_from_a_pipe(installed: Run, database_url: str) -> None:
    answer = installed("create-admin", "Erin@Example.org", "--json", input=PASSWORD + "\n")
    assert answer.exit_code == 0, answer.exception
    made = json.loads(answer.stdout)
    assert made["email"] == "erin@example.org"
    assert "admin" in made["roles"]
    assert len(made["recovery_codes"]) == 10
    assert pyotp.parse_uri(made["otpauth_uri"]).secret == made["totp_secret"]
    with psycopg.connect(database_url) as conn:
        stored = conn.execute("SELECT totp_secret IS NOT NULL FROM identity.login").fetchone()
        still_open = conn.execute("SELECT count(*) FROM identity.session WHERE ended_at IS NULL").fetchone()
    assert stored == (True,)
    assert still_open == (0,)


def test_create_admin_shows_everything_once(installed: Run, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    answer = installed("create-admin", "erin@example.org", "--password-file", str(secret))
    assert "otpauth://totp/" in answer.stdout
    assert "█" in answer.stdout
    assert len(re.findall(r"^  \w{5}-\w{5}$", answer.stdout, re.MULTILINE)) == 10
    assert PASSWORD not in answer.stdout


def test_create_admin_refuses(installed: Run) -> None:
    assert isinstance(installed("create-admin", "erin@example.org", input="password1234\n").exception, PasswordRefused)
    short = installed(
        "create-admin", "erin@example.org", input="xq7Tk9mZp2v\n"
    ).exception  # not easy, but 11 characters
    assert isinstance(short, SettingsWrong)
    assert "length >= 12" in str(short)
    installed("create-admin", "erin@example.org", input=PASSWORD + "\n")
    assert isinstance(installed("create-admin", "erin@example.org", input=PASSWORD + "\n").exception, EmailTaken)


@pytest.mark.anyio
async def test_the_new_admin_signs_in_with_the_printed_secret(installed: Run, circle: Circle) -> None:
    call = partial(installed, "create-admin", "erin@example.org", "--json", input=PASSWORD + "\n")
    answer = await anyio.to_thread.run_sync(call)
    body = {"email": "erin@example.org", "password": PASSWORD}
    assert (await circle.client.post("/v1/auth/login", json=body)).status_code == 401
    code = pyotp.TOTP(json.loads(answer.stdout)["totp_secret"]).now()
    signed_in = await circle.client.post("/v1/auth/login", json=body | {"mfa_code": code})
    assert signed_in.status_code == 200


def test_migrate_shows_undoes_and_repeats(installed: Run) -> None:
    states = json.loads(installed("migrate", "status", "--json").stdout)
    assert all(state["applied_at"] and state["unchanged"] for state in states)
    assert json.loads(installed("migrate", "down", "2", "--yes", "--json").stdout) == {"undone": 2}
    after = json.loads(installed("migrate", "status", "--json").stdout)
    assert [state["applied_at"] is None for state in after][-2:] == [True, True]
    assert installed("migrate", "status").exit_code == 0
    assert json.loads(installed("migrate", "up", "--json").stdout) == {"ran": 2}
    assert json.loads(installed("migrate", "up", "--json").stdout) == {"ran": 0}


def test_migrate_down_asks_first(installed: Run) -> None:
    assert installed("migrate", "down", input="n\n").exit_code == 1
    states = json.loads(installed("migrate", "status", "--json").stdout)
    assert all(state["applied_at"] for state in states)


def test_reset_and_refresh_are_for_development(installed: Run, clean: pytest.MonkeyPatch) -> None:
    clean.setenv("WELLSPRING_ENVIRONMENT", "production")
    for command in ("reset", "refresh"):
        assert isinstance(installed("migrate", command).exception, MigrationRefused)
    clean.setenv("WELLSPRING_ENVIRONMENT", "development")
    assert installed("migrate", "refresh").exit_code == 0
    assert installed("migrate", "reset").exit_code == 0


def _states(run: Run) -> dict[str, str]:
    answer = run("doctor", "--json")
    return {line["code"]: line["state"] for line in json.loads(answer.stdout)}


def test_doctor_on_a_sound_installation(installed: Run) -> None:
    installed("create-admin", "erin@example.org", input=PASSWORD + "\n")
    states = _states(installed)
    assert set(states.values()) <= {"ok", "warning", "skipped"}
    for code in ("WS001", "WS003", "WS020", "WS021", "WS022", "WS023", "WS024", "WS026"):
        assert states[code] == "ok", code
    assert installed("doctor").exit_code == 0


def test_doctor_says_when_there_is_no_responder_or_no_supervisor(
    installed: Run, clean: pytest.MonkeyPatch, database_url: str
) -> None:
    clean.setenv("WELLSPRING_ENVIRONMENT", "development")
    assert _states(installed)["WS029"] == "skipped"
    clean.setenv("WELLSPRING_ENVIRONMENT", "production")
    expected = [("warning", "warning")] * 3 + [("ok", "warning"), ("ok", "ok"), ("warning", "warning")]
    with psycopg.connect(database_url, autocommit=True) as conn:
        for change in (
            "SELECT 1",
            "INSERT INTO identity.person (person_id, country, roles)"
            " VALUES ('00000000-0000-4000-8000-000000000001', 'FR', '{responder}')",
            "INSERT INTO identity.login (email_digest, person_id, password_hash)"
            " SELECT 'd', person_id, 'h' FROM identity.person",
            "UPDATE identity.login SET totp_secret = 's'",
            "INSERT INTO safety.duty (person_id, on_duty, is_supervisor, until)"
            " SELECT person_id, false, true, now() FROM identity.person",
            "UPDATE identity.person SET roles = '{member}'",
        ):
            conn.execute(change)
            states = _states(installed)
            assert (states["WS025"], states["WS029"]) == expected.pop(0)


def test_doctor_finds_what_is_wrong(installed: Run, clean: pytest.MonkeyPatch, database_url: str) -> None:
    assert _states(installed)["WS024"] == "warning"
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("UPDATE kernel.boot SET value = 'other' WHERE name = 'key_fingerprint'")
        conn.execute("CREATE TABLE public.stray ()")
        conn.execute("GRANT CREATE ON SCHEMA public TO wellspring_member")
        conn.execute("ALTER TABLE public.stray OWNER TO wellspring_member")
    clean.setenv("WELLSPRING_HOST", "0.0.0.0")
    clean.setenv("WELLSPRING_SMTP_URL", "smtp://127.0.0.1:1")
    states = _states(installed)
    assert {code: states[code] for code in ("WS005", "WS006", "WS022", "WS023")} == dict.fromkeys(
        ("WS005", "WS006", "WS022", "WS023"), "failed"
    )
    assert installed("doctor").exit_code == 1


@pytest.mark.parametrize(
    "lost",
    [
        "REVOKE USAGE ON SCHEMA kernel FROM wellspring_maintenance",
        "DROP POLICY member_select ON privacy.consent; DROP POLICY member_insert ON privacy.consent;"
        "DROP POLICY signin_insert ON privacy.consent; DROP POLICY staff_select ON privacy.consent;"
        "DROP POLICY worker_select ON privacy.consent; DROP POLICY leaving_delete ON privacy.consent",
    ],
)
def test_doctor_notices_a_dump_that_was_restored_without_the_roles(
    installed: Run, database_url: str, lost: LiteralString
) -> None:
    assert _states(installed)["WS023"] == "ok"
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(lost)
    assert _states(installed)["WS023"] == "failed"


def test_doctor_notices_keys_from_before_a_rotation(
    installed: Run, clean: pytest.MonkeyPatch, database_url: str
) -> None:
    clean.setenv("WELLSPRING_KEYS", key_text(1, 2))
    rotated = Keyring({1: b"k" * 32, 2: b"n" * 32}, b"r" * 32)
    with psycopg.connect(database_url) as conn:
        person = uuid4()
        conn.execute("INSERT INTO kernel.person_key VALUES (%s, %s)", (person, rotated.new_key(person)[1]))
    assert _states(installed)["WS022"] == "ok"
    clean.setenv("WELLSPRING_KEYS", key_text(1))
    assert _states(installed)["WS022"] == "failed"


def test_other_keys_are_refused_before_anything_changes(database_url: str) -> None:
    with pytest.raises(bootstrap.KeysDoNotFit):
        bootstrap.prepare(database_url, Keyring({1: b"x" * 32}, b"x" * 32))
    with psycopg.connect(dsn.for_role(database_url, KEYS, DbRole.MEMBER)):
        pass  # who runs with the right keys still gets in


def test_another_installation_keeps_its_roles(server_url: str, database_url: str) -> None:
    """Login roles belong to the whole server: a second one there, with other keys, locked the first out."""
    passwords = "SELECT array_agg(rolpassword ORDER BY rolname) FROM pg_authid WHERE rolname LIKE 'wellspring%'"
    with psycopg.connect(database_url, autocommit=True) as conn:
        before = conn.execute(passwords).fetchone()
        url = bootstrap.ensure_database(server_url, "a_second_installation")
        try:
            with pytest.raises(bootstrap.RolesOfAnother):
                bootstrap.prepare(url, Keyring({1: b"x" * 32}, b"x" * 32))
            assert conn.execute(passwords).fetchone() == before
        finally:
            conn.execute("DROP DATABASE a_second_installation")


def test_an_owner_without_the_rights_is_told_in_words(
    server_url: str, clean: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute("CREATE ROLE little LOGIN PASSWORD 'little'")
        conn.execute("CREATE DATABASE of_little OWNER little")
        parts = urlsplit(bootstrap.with_database(server_url, "of_little"))
        url = parts._replace(netloc=f"little:little@{parts.netloc.rpartition('@')[2]}").geturl()
        clean.setenv("DATABASE_URL", url)
        clean.setenv("WELLSPRING_DATA", str(tmp_path))
        clean.setenv("WELLSPRING_KEYS", key_text(1))
        try:
            with pytest.raises(SystemExit):
                prepare.main()
        finally:
            conn.execute("DROP DATABASE of_little WITH (FORCE)")
            conn.execute("DROP ROLE little")
    said = " ".join(capfd.readouterr().err.split())
    assert "CREATEROLE" in said
    assert "[database_refused]" in said
    assert "Traceback" not in said


def test_an_old_server_is_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "_OLDEST", 990_000)
    with pytest.raises(bootstrap.ServerTooOld):
        bootstrap.prepare(database_url, KEYS)


def test_doctor_notices_a_changed_migration(installed: Run, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("UPDATE public.migration SET checksum = 'x' WHERE version = '20261120000001'")
    states = _states(installed)
    assert states["WS021"] == "failed"
    assert states["WS022"] == "skipped"
    refused = installed("migrate", "up").exception
    assert isinstance(refused, MigrationChanged)
    said = console.words_of(refused)
    assert said == refused.words()
    assert said.startswith("A migration that already ran was changed afterwards. Put the file back: 20261120000001")


def test_doctor_says_when_the_pools_are_larger_than_the_database_allows(
    installed: Run, clean: pytest.MonkeyPatch
) -> None:
    clean.setenv("WELLSPRING_WEB_PROCESSES", "1")
    clean.setenv("WELLSPRING_POOL_SIZE", "2")
    assert _states(installed)["WS030"] == "ok"
    clean.setenv("WELLSPRING_WEB_PROCESSES", "64")
    clean.setenv("WELLSPRING_POOL_SIZE", "10")
    [found] = [report for report in json.loads(installed("doctor", "--json").stdout) if report["code"] == "WS030"]
    assert found["state"] == "warning"
    assert "65 processes open up to 2340 connections" in found["words"]


def test_an_older_program_leaves_the_database_of_a_newer_one_alone(installed: Run, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("INSERT INTO public.migration VALUES ('20991231000000', 'Of later', 'x', 9, now())")
    for command in (("up",), ("down", "--yes"), ("status",)):
        refused = installed("migrate", *command).exception
        assert isinstance(refused, DatabaseNewer)
        assert "20991231000000" in str(refused)
    states = _states(installed)
    assert (states["WS021"], states["WS022"]) == ("failed", "skipped")
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("DELETE FROM public.migration WHERE version = '20991231000000'")
    assert _states(installed)["WS021"] == "ok"


def test_doctor_on_a_key_file_that_others_may_read(run: Run, tmp_path: Path, clean: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    data.chmod(0o755)
    (data / "keys.json").write_text(key_text(1))
    (data / "keys.json").chmod(0o644)
    clean.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    states = _states(run)
    assert states["WS002"] == states["WS003"] == states["WS020"] == "failed"


def test_a_database_that_is_away_is_told_in_words(installed: Run, clean: pytest.MonkeyPatch) -> None:
    clean.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert isinstance(installed("migrate", "status").exception, DatabaseAway)


@pytest.mark.anyio
async def test_keys_rewrap(circle: Circle, installed: Run, clean: pytest.MonkeyPatch, database_url: str) -> None:
    alice = await circle.member("alice")
    assert isinstance(installed("keys", "rotate").exception, KeysFromEnvironment)
    clean.setenv("WELLSPRING_KEYS", key_text(1, 2))
    assert isinstance(installed("keys", "rewrap").exception, NotRestarted), "what runs has not read the new key"
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            r" WHERE datname = current_database() AND usename LIKE 'wellspring\_%'"
        )
    answer = installed("keys", "rewrap", "--json")
    assert json.loads(answer.stdout) == {"current": 2, "rewrapped": 1, "unreadable": []}
    assert json.loads(installed("keys", "rewrap", "--json").stdout)["rewrapped"] == 0
    with psycopg.connect(database_url) as conn:
        row = conn.execute("SELECT wrapped FROM kernel.person_key WHERE person_id = %s", (alice.id,)).fetchone()
    assert row is not None
    only_new = Keyring({2: b"n" * 32}, b"r" * 32)
    assert len(only_new.unwrap(row[0], alice.id)) == 32


@pytest.mark.parametrize("command", [("migrate", "up"), ("create-admin", "erin@example.org"), ("keys", "rotate")])
def test_other_keys_are_refused_before_anything_is_touched(
    installed: Run, clean: pytest.MonkeyPatch, tmp_path: Path, database_url: str, command: tuple[str, ...]
) -> None:
    """The roles' passwords come from the keys: set anew, they shut out the program that runs."""
    clean.delenv("WELLSPRING_KEYS")  # a folder without keys gets new ones
    refused = installed(*command, input=PASSWORD + "\n")
    assert isinstance(refused.exception, bootstrap.KeysDoNotFit)
    made = json.loads((tmp_path / "data" / "keys.json").read_text())
    assert list(made["keks"]) == ["1"]
    with psycopg.connect(dsn.for_role(database_url, KEYS, DbRole.MEMBER)) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("command", [("create-admin", "erin@example.org"), ("keys", "rotate")])
def test_keys_that_are_gone_are_not_made_anew(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "data" / "postgres").mkdir(parents=True)
    assert isinstance(run(*command, input=PASSWORD + "\n").exception, KeysGone)
    assert not (tmp_path / "data" / "keys.json").exists()


def test_rewrap_works_in_batches(database_url: str) -> None:
    new, seen = Keyring({1: b"k" * 32, 2: b"n" * 32}, b"r" * 32), []
    with psycopg.connect(database_url) as conn:
        for _ in range(1001):
            person = uuid4()
            conn.execute("INSERT INTO kernel.person_key VALUES (%s, %s)", (person, KEYS.new_key(person)[1]))
    assert rewrap(database_url, new, lambda done, total: seen.append((done, total))) == (1001, [])
    assert seen == [(500, 1001), (1000, 1001), (1001, 1001)]


@pytest.mark.parametrize("broken", [b"\x01\x01" + b"?" * 60, b"\x01\x09" + b"?" * 60, b"\x01", b""])
def test_a_key_that_does_not_open_keeps_nobody_from_a_new_one(
    installed: Run, clean: pytest.MonkeyPatch, database_url: str, broken: bytes
) -> None:
    hers, ours = UUID(int=1), uuid4()
    with psycopg.connect(database_url) as conn:
        conn.execute("INSERT INTO kernel.person_key VALUES (%s, %s)", (hers, broken))
        conn.execute("INSERT INTO kernel.person_key VALUES (%s, %s)", (ours, KEYS.new_key(ours)[1]))
    clean.setenv("WELLSPRING_KEYS", key_text(1, 2))
    answer = installed("keys", "rewrap", "--json")
    assert json.loads(answer.stdout) == {"current": 2, "rewrapped": 1, "unreadable": [str(hers)]}
    assert answer.exit_code == 1
    assert str(hers) in installed("keys", "rewrap").stdout


def test_audit_verify(installed: Run, database_url: str) -> None:
    installed("create-admin", "erin@example.org", input=PASSWORD + "\n")
    assert installed("audit", "verify").exit_code == 0
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO kernel.audit_link VALUES (1, %s, %s, %s, pg_current_xact_id())",
            (uuid4(), uuid4(), b"\0" * 32),
        )
    answer = installed("audit", "verify", "--json")
    assert answer.exit_code == 1
    assert json.loads(answer.stdout)["first_broken"]


def test_no_promise_is_broken_in_a_new_database(installed: Run) -> None:
    answer = installed("doctor", "--invariants")
    assert answer.exit_code == 0, answer.output
    assert "kept" in answer.output


@pytest.mark.anyio
async def test_broken_promises_are_named(circle: Circle, installed: Run, database_url: str) -> None:
    alice = await circle.member("alice")
    event = uuid4()
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO safety.crisis_event (person_id, id, trigger_source, risk_level, risk_score, state, evidence,"
            " response_due_at, created_at) VALUES (%s, %s, 'user_reported', 'critical', 1, 'paged', '',"
            " now() - interval '1 hour', now() - interval '1 hour')",
            (alice.id, event),
        )
        conn.execute("DELETE FROM kernel.person_key")
        conn.execute(
            "INSERT INTO jobs.pgqueuer (priority, status, entrypoint, execute_after)"
            " VALUES (0, 'queued', 'late', now() - interval '1 hour')"
        )
        conn.execute("ALTER TABLE checkins.checkin DISABLE ROW LEVEL SECURITY")
        conn.execute("UPDATE identity.person SET status = 'suspended'")
        conn.execute("UPDATE identity.session SET ended_at = NULL")  # suspending ends them
        codes = {item.code: item.rows for item in invariants.broken(conn)}
    assert codes["WI001"] == codes["WI002"] == [f"{alice.id} {event}"]
    assert {"WI004", "WI006", "WI008", "WI011"} <= set(codes)
    answer = installed("doctor", "--invariants", "--json")
    assert answer.exit_code == 1


def test_every_promise_has_its_own_number() -> None:
    codes = [item.code for item in invariants.INVARIANTS]
    assert len(set(codes)) == len(codes)


def test_synthetic_people_are_never_taken_for_real(database_url: str) -> None:
    real = Settings(environment="production")
    synthetic.refuse_demo_data(real, database_url)
    synthetic.mark(database_url, filled=False)
    assert not synthetic.is_filled(database_url)
    synthetic.mark(database_url, filled=True)
    assert synthetic.is_filled(database_url)
    with pytest.raises(DemoData):
        synthetic.refuse_demo_data(real, database_url)
    synthetic.refuse_demo_data(Settings(environment="demo"), database_url)
    assert synthetic.is_empty(database_url)


@pytest.mark.anyio
async def test_the_demo_does_not_mix_with_real_people(circle: Circle, installed: Run, database_url: str) -> None:
    await circle.member("alice")
    assert not synthetic.is_empty(database_url)
    with pytest.raises(NotEmpty):
        demo.ensure(Settings(environment="demo"), KEYS, database_url, 5)


def test_psql_reaches_the_database(installed: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert installed("psql", "-Atc", "select count(*) from identity.person").exit_code == 0
    assert capfd.readouterr().out.strip() == "0"
    assert installed("pg", "pg_dump", "--no-such-option").exit_code != 0
