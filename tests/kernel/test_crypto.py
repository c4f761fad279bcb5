"""Sealed values open only where they belong, with the key they were sealed with."""

import base64
import os
from pathlib import Path

import msgspec
import pytest

from wellspring.kernel import ids, keys
from wellspring.kernel.crypto import Keyring, Unreadable
from wellspring.kernel.keys import KeysMissing
from wellspring.kernel.settings import Settings

ONE, TWO, ROOT = b"1" * 32, b"2" * 32, b"r" * 32
ALICE, CHARLIE = ids.new(), ids.new()


@pytest.fixture
def ring() -> Keyring:
    return Keyring({1: ONE}, ROOT)


def test_a_value_opens_where_it_was_sealed(ring: Keyring) -> None:
    sealer, wrapped = ring.new_key(ALICE)
    row = ids.new()
    sealed = sealer.seal(b"quiet words", "notes.note.text", row)
    assert b"quiet" not in sealed
    assert ring.sealer(wrapped, ALICE).open(sealed, "notes.note.text", row) == b"quiet words"
    assert sealer.seal(b"quiet words", "notes.note.text", row) != sealed


def test_a_value_moved_to_another_row_column_or_person_does_not_open(ring: Keyring) -> None:
    sealer, _ = ring.new_key(ALICE)
    other, _ = ring.new_key(CHARLIE)
    row = ids.new()
    sealed = sealer.seal(b"x", "notes.note.text", row)
    for reader, field, at in (
        (sealer, "notes.note.text", ids.new()),
        (sealer, "notes.note.title", row),
        (other, "notes.note.text", row),
    ):
        with pytest.raises(Unreadable):
            reader.open(sealed, field, at)


def test_any_changed_byte_is_noticed(ring: Keyring) -> None:
    sealer, wrapped = ring.new_key(ALICE)
    row = ids.new()
    sealed = sealer.seal(b"x", "f", row)
    for place in range(len(sealed)):
        broken = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(Unreadable):
            sealer.open(broken, "f", row)
    for place in range(len(wrapped)):
        broken = wrapped[:place] + bytes([wrapped[place] ^ 1]) + wrapped[place + 1 :]
        with pytest.raises(Unreadable):
            ring.unwrap(broken, ALICE)
    for short in (b"", b"\x01", b"\x01\x01"):
        with pytest.raises(Unreadable):
            ring.unwrap(short, ALICE)
        with pytest.raises(Unreadable):
            sealer.open(short, "f", row)


def test_a_key_belongs_to_one_person_and_one_kek(ring: Keyring) -> None:
    _, wrapped = ring.new_key(ALICE)
    with pytest.raises(Unreadable):
        ring.unwrap(wrapped, CHARLIE)
    with pytest.raises(Unreadable):
        Keyring({2: ONE}, ROOT).unwrap(wrapped, ALICE)
    with pytest.raises(Unreadable):
        Keyring({1: TWO}, ROOT).unwrap(wrapped, ALICE)


def test_the_highest_kek_is_current_and_older_ones_still_open(ring: Keyring) -> None:
    sealer, wrapped = ring.new_key(ALICE)
    both = Keyring({1: ONE, 2: TWO}, ROOT)
    anew = both.rewrap(wrapped, ALICE)
    assert both.current == 2
    assert anew is not None
    assert anew[1] == 2
    assert both.rewrap(anew, ALICE) is None
    sealed = sealer.seal(b"x", "f", ALICE)
    assert Keyring({2: TWO}, ROOT).sealer(anew, ALICE).open(sealed, "f", ALICE) == b"x"


def test_recent_sealers_are_kept_and_old_ones_forgotten(ring: Keyring) -> None:
    _, wrapped = ring.new_key(ALICE)
    first = ring.sealer(wrapped, ALICE)
    assert ring.sealer(wrapped, ALICE) is first
    for _ in range(2048):
        person = ids.new()
        ring.sealer(ring.wrap(ONE, person), person)
    assert ring.sealer(wrapped, ALICE) is not first


def test_derived_keys_differ_by_purpose_and_root(ring: Keyring) -> None:
    assert ring.derive("a") != ring.derive("b")
    assert ring.digest("email", "x") != ring.digest("attempt", "x")
    assert ring.digest("email", "x") != Keyring({1: ONE}, TWO).digest("email", "x")
    assert ring.system.open(ring.system.seal(b"x", "f", ALICE), "f", ALICE) == b"x"


@pytest.mark.parametrize(
    ("keks", "root"),
    [({}, ROOT), ({1: b"short"}, ROOT), ({0: ONE}, ROOT), ({256: ONE}, ROOT), ({1: ONE}, b"short")],
)
def test_keys_of_the_wrong_form_are_refused(keks: dict[int, bytes], root: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Keyring(keks, root)


def settings(tmp_path: object, **extra: object) -> Settings:
    return Settings(data=tmp_path, **{"environment": "test", **extra})  # type: ignore[arg-type]


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: object) -> None:
    mine = settings(tmp_path)
    made = keys.ensure(mine)
    path = keys.path_of(mine)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.glob("*.part")) == []
    assert keys.ensure(mine) == made
    assert keys.load(mine).current == 1


def test_a_new_folder_for_keys_is_closed_to_others(tmp_path: object) -> None:
    mine = settings(f"{tmp_path}/new")
    keys.ensure(mine)
    assert mine.data.stat().st_mode & 0o777 == 0o700


def test_a_kek_is_added_and_becomes_current(tmp_path: object) -> None:
    mine = settings(tmp_path)
    before = keys.ensure(mine)
    assert keys.add_kek(mine) == 2
    after = keys.ensure(mine)
    assert after.root == before.root
    assert after.keks["1"] == before.keks["1"]
    assert keys.load(mine).current == 2
    assert keys.path_of(mine).stat().st_mode & 0o777 == 0o600


def test_a_key_is_on_the_disk_before_anything_is_sealed_under_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, flushed = settings(tmp_path), list[tuple[str, bool]]()

    def noted(descriptor: int) -> None:
        where = Path(f"/proc/self/fd/{descriptor}").readlink()
        flushed.append((where.name, keys.path_of(mine).exists()))

    monkeypatch.setattr(os, "fsync", noted)
    keys.ensure(mine)
    keys.add_kek(mine)
    part = f"keys.{os.getpid()}.part"
    assert flushed == [(part, False), (tmp_path.name, True), (part, True), (tmp_path.name, True)]


def test_two_first_starts_at_once_agree_on_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, others = settings(tmp_path), list[keys.KeyFile | None]()
    link = Path.hardlink_to

    def later(path: Path, part: Path) -> None:
        if not others:
            others.append(None)
            with monkeypatch.context() as another:
                another.setattr(os, "getpid", lambda: 1)
                others[0] = keys.ensure(mine)
        link(path, part)

    monkeypatch.setattr(Path, "hardlink_to", later)
    assert keys.ensure(mine) == others[0] == keys.ensure(mine)
    assert list(tmp_path.glob("*.part")) == []


def test_keys_come_from_the_environment(tmp_path: object) -> None:
    encoded = base64.b64encode(ONE).decode()
    text = msgspec.json.encode({"root": encoded, "keks": {"3": encoded}}).decode()
    mine = settings(tmp_path, keys=text)
    assert keys.load(mine).current == 3
    assert not keys.path_of(mine).exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"root": 1, "keks": {}}', '{"root": "x"}'])
def test_keys_of_another_form_are_refused_without_being_shown(tmp_path: object, text: str) -> None:
    with pytest.raises(KeysMissing):
        keys.load(settings(tmp_path, keys=text))


def test_an_own_database_in_production_needs_keys_of_its_own(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/x")
    with pytest.raises(KeysMissing):
        keys.load(settings(tmp_path, environment="production"))
    assert keys.load(settings(tmp_path, environment="development")).current == 1


def test_a_process_that_starts_again_after_a_rotation_seals_under_the_key_of_its_siblings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data=tmp_path)
    sibling = keys.load(settings)
    monkeypatch.setenv(keys.PINNED, keys.pin(settings)[keys.PINNED])
    keys.add_kek(settings)
    again = keys.load(settings)
    _, wrapped = again.new_key(ALICE)
    sibling.unwrap(wrapped, ALICE)
    monkeypatch.delenv(keys.PINNED)
    restarted = keys.load(settings)
    assert restarted.current == 2
    _, wrapped = restarted.new_key(ALICE)
    again.unwrap(wrapped, ALICE)
    with pytest.raises(Unreadable):
        sibling.unwrap(wrapped, ALICE)
