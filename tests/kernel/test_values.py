"""Ids, cursors, settings, tables, events, roles: small things that everything stands on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from msgspec import Struct
from pydantic import ValidationError

from wellspring.kernel import dsn, events, ids, tables
from wellspring.kernel.audit import insert
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.db import DbRole
from wellspring.kernel.errors import FieldError, Invalid, Problem, TooMany
from wellspring.kernel.paging import FIRST_ID, FIRST_TIME, Cursor
from wellspring.kernel.policy import GRANTS, STAFF, Permission, Role
from wellspring.kernel.principal import Principal
from wellspring.kernel.settings import Settings
from wellspring.kernel.tables import Kind, Table

pytestmark = pytest.mark.anyio


def at(moment: datetime) -> UUID:
    return UUID(int=(int(moment.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | 5)


def test_new_ids_are_version_7_and_grow() -> None:
    made = [ids.new() for _ in range(100)]
    assert {i.version for i in made} == {7}
    assert made == sorted(made)
    assert abs(ids.timestamp(made[0]) - datetime.now(UTC)) < timedelta(seconds=5)


def test_ids_of_clients_are_checked() -> None:
    now = datetime.now(UTC)
    for good in (ids.new(), at(now + timedelta(hours=23)), at(datetime(2020, 1, 1, tzinfo=UTC))):
        assert ids.check(good) == good
    for bad, code in (
        (uuid4(), "id_not_version_7"),
        (ids.NIL, "id_not_version_7"),
        (at(now + timedelta(days=1, minutes=1)), "id_in_future"),
        (at(datetime(2019, 12, 31, tzinfo=UTC)), "id_too_old"),
        (UUID(int=(2**48 - 1) << 80 | 7 << 76 | 2 << 62), "id_in_future"),
    ):
        with pytest.raises(Invalid) as refused:
            ids.check(bad, "checkin.id")
        assert (refused.value.errors[0].path, refused.value.errors[0].code) == ("checkin.id", code)


def test_a_cursor_comes_back_as_it_was() -> None:
    for moment in (datetime(2026, 11, 20, 1, 2, 3, 456789, tzinfo=UTC), datetime(1969, 1, 1, tzinfo=UTC), FIRST_TIME):
        cursor = Cursor(moment, ids.new())
        assert Cursor.decode(cursor.encode()) == cursor
    assert Cursor.decode(None) == Cursor.decode("") == Cursor(FIRST_TIME, FIRST_ID)


@pytest.mark.parametrize("text", ["x", "AAAA", "é", "=" * 32, "A" * 31, "A" * 36, "_" * 10 + "\n", "f" * 32])
def test_a_made_up_cursor_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        Cursor.decode(text)
    assert refused.value.errors[0].code == "cursor_invalid"


def test_settings_come_from_the_environment_and_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WELLSPRING_PORT", "9001")
    monkeypatch.setenv("WELLSPRING_HOST", "elsewhere")
    secret = tmp_path / "smtp"
    secret.write_text("smtp://user:pass@mail:25\n")
    monkeypatch.setenv("WELLSPRING_SMTP_URL_FILE", str(secret))
    host = tmp_path / "host"
    host.write_text("127.0.0.2")
    monkeypatch.setenv("WELLSPRING_HOST_FILE", str(host))
    found = Settings()
    assert (found.port, found.host) == (9001, "127.0.0.2"), "a file goes before the plain variable"
    assert found.smtp_url is not None
    assert found.smtp_url.get_secret_value() == "smtp://user:pass@mail:25"
    assert "pass" not in repr(found)


def test_a_database_address_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = tmp_path / "url"
    address.write_text("postgresql://u:p@host/db\n")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    for name in ("WELLSPRING_DATABASE_URL_FILE", "DATABASE_URL_FILE"):
        monkeypatch.setenv(name, str(address))
        found = Settings().database_url
        assert found is not None
        assert found.get_secret_value() == "postgresql://u:p@host/db"
        monkeypatch.delenv(name)


def test_a_missing_secret_file_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WELLSPRING_KEYS_FILE", "/nowhere/keys")
    with pytest.raises(FileNotFoundError):
        Settings()


def test_settings_out_of_range_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("PORT", "70000"), ("ENVIRONMENT", "x"), ("COUNTRY", "usa"), ("POOL_SIZE", "0")):
        monkeypatch.setenv(f"WELLSPRING_{name}", value)
        with pytest.raises(ValidationError):
            Settings()
        monkeypatch.delenv(f"WELLSPRING_{name}")


def test_the_address_people_use() -> None:
    assert Settings().base_url == "http://127.0.0.1:8000"
    assert not Settings().secure
    assert Settings(tls_cert=Path("x")).base_url == "https://127.0.0.1:8000"
    found = Settings(public_url="https://care.example/")
    assert (found.base_url, found.secure) == ("https://care.example", True)
    assert Settings(host="::1").base_url == "http://[::1]:8000"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "care.example"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://[care"),
        ("SMTP_URL", "mail.example:587"),
        ("SMTP_URL", "http://secret@mail.example"),
        ("SMTP_URL", "smtp://secret@mail.example:many"),
        ("TRUSTED_PROXY", "proxy"),
        ("TRUSTED_PROXY", "10.0.0.0/8"),
    ],
)
def test_addresses_that_are_none_are_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"WELLSPRING_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()) as refused:
        Settings()
    assert "secret" not in str(refused.value)


def test_a_proxy_may_be_named_as_a_server_that_listens_on_both_sees_it() -> None:
    assert Settings(trusted_proxy="::ffff:192.0.2.1").trusted_proxy == "192.0.2.1"
    assert Settings(trusted_proxy="2001:DB8::0:1").trusted_proxy == "2001:db8::1"


def test_each_role_signs_in_with_a_password_of_its_own() -> None:
    ring = Keyring({1: b"k" * 32, 3: b"n" * 32}, b"r" * 32, current=1)
    found = dsn.all_roles("postgresql://owner:secret@/db?host=/run/pg&port=5", ring)
    assert set(found) == set(DbRole)
    assert len({dsn.password(ring, role) for role in DbRole}) == len(DbRole)
    assert all("secret" not in address for address in found.values())
    assert found[DbRole.MEMBER].endswith("@/db?host=/run/pg&port=5&application_name=wellspring%20member%20key%203")
    assert found[DbRole.MEMBER].startswith("postgresql://wellspring_member:")
    inside = dsn.for_role("postgresql://db/x?user=owner&passwor%64=secret&sslmode=require", ring, DbRole.MEMBER)
    assert inside.endswith("@db/x?sslmode=require&application_name=wellspring%20member%20key%203")
    assert [dsn.key_in(name) for name in ("wellspring member key 3", "pooled", "", "key x")] == [3, 1, 1, 1]


def test_a_table_is_declared_once() -> None:
    table = Table(name="test.once", kind=Kind.SYSTEM, retention="never")
    tables.declare(table)
    try:
        with pytest.raises(ValueError, match="twice"):
            tables.declare(table)
    finally:
        del tables.TABLES["test.once"]


class Rained(Struct, frozen=True):
    person_id: UUID


async def test_an_event_runs_its_handlers_in_the_transaction_of_its_writer() -> None:
    heard: list[object] = []

    @events.on(Rained)
    async def hear(tx: object, event: Rained) -> None:
        heard.append((tx, event))

    @events.on(Rained)
    async def fail(_: object, __: Rained) -> None:
        raise LookupError

    tx, event = object(), Rained(ids.new())
    with pytest.raises(LookupError):
        await events.publish(tx, event)  # type: ignore[arg-type]
    assert heard == [(tx, event)]


def test_roles_and_permissions() -> None:
    assert [p.value for p in Permission] == sorted(p.value for p in Permission)
    assert set(GRANTS) == set(Role)
    assert GRANTS[Role.MEMBER] == frozenset()
    everything = frozenset().union(*GRANTS.values())
    assert everything == set(Permission), "a permission nobody has is dead"
    who = Principal(ids.new(), ids.new(), 1, frozenset({Role.MEMBER, Role.RESPONDER}))
    assert who.is_staff
    assert who.may(Permission.SAFETY_DESK_READ)
    assert not who.may(Permission.IDENTITY_ROLES_WRITE)
    assert not Principal(ids.new(), ids.new(), 1, frozenset({Role.MEMBER})).is_staff
    assert Role.MEMBER not in STAFF


def test_a_problem_speaks_by_its_docstring() -> None:
    problem = Invalid.of("mood", "out_of_range", "Between 1 and 10.")
    body = problem.body("r-1")
    assert (body.title, body.code, body.status) == (Invalid.title(), "invalid", 422)
    assert body.errors == [FieldError("mood", "out_of_range", "Between 1 and 10.")]
    assert str(Problem()) == Problem.title()
    assert str(Problem("why")) == "why"
    assert TooMany(0).headers["Retry-After"] == "1"


def test_an_audit_row_has_eleven_parameters() -> None:
    assert "$3::" in insert(3)
    assert "$13::" in insert(3)
    assert "$14" not in insert(3)
