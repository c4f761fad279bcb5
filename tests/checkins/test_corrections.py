"""What people say of the feelings that were read, and who may learn from it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from tests.support.models import StandIn, install
from tests.support.people import Person

from wellspring.checkins.corrections import Example, examples
from wellspring.kernel import ids
from wellspring.kernel.edge import Edge
from wellspring.language import corpus
from wellspring.language.training.examples import authored

pytestmark = pytest.mark.anyio
STUCK = "I am stuck in a crowded day. Quokkaberry."


@pytest.fixture(autouse=True)
def models(parts: Edge) -> StandIn:
    return install(parts)


@pytest.fixture
def owner(database_url: str) -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(database_url, autocommit=True) as conn:
        yield conn


async def path_of(who: Person, text: str = STUCK) -> str:
    """Check in, and return the address of what was read."""
    answer = await who.post("/v1/checkins", json={"mood_score": 4, "journal_text": text})
    return f"/v1/checkins/{answer.json()['checkin']['id']}/reading"


async def said(who: Person, path: str, **body: Any) -> dict[str, Any]:
    answer = await who.post(f"{path}/correction", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["correction"]
    return found


async def consent(who: Person, kind: str, *, given: bool = True) -> None:
    answer = await who.put(f"/v1/consents/{kind}", json={"given": given})
    assert answer.status_code == 200, answer.text


async def exported(parts: Edge) -> list[Example]:
    return [example async for some in examples(parts.db, parts.keys) for example in some]


async def test_yes_no_and_another_and_the_last_word_counts(alice: Person) -> None:
    path = await path_of(alice)
    assert (await alice.get(path)).json()["correction"] is None
    yes = await said(alice, path, answer="yes")
    assert (yes["answer"], yes["emotion"]) == ("yes", "frustrated")
    no = await said(alice, path, answer="no")
    assert (no["answer"], no["emotion"]) == ("no", None)
    other = await said(alice, path, answer="other", emotion="sadness")
    assert (other["answer"], other["emotion"]) == ("other", "sadness")
    assert (await alice.get(path)).json()["correction"] == other
    assert (await alice.get(path)).json()["ai_emotion_primary"] == "frustrated", "the reading itself stays as it was"
    assert (await alice.delete(f"{path}/correction")).status_code == 204
    assert (await alice.get(path)).json()["correction"] is None
    assert (await alice.delete(f"{path}/correction")).status_code == 404


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "answer", "missing"),
        ({"answer": "maybe"}, "answer", "not_one_of"),
        ({"answer": "other"}, "emotion", "emotion_only_with_other"),
        ({"answer": "yes", "emotion": "joy"}, "emotion", "emotion_only_with_other"),
        ({"answer": "no", "emotion": "joy"}, "emotion", "emotion_only_with_other"),
        ({"answer": "other", "emotion": "hangry"}, "emotion", "not_one_of"),
        ({"answer": "yes", "text": "because"}, "text", "unknown_field"),
    ],
)
async def test_what_is_no_answer_is_refused(
    alice: Person, owner: "psycopg.Connection[Any]", body: dict[str, str], field: str, code: str
) -> None:
    path = await path_of(alice)
    answer = await alice.post(f"{path}/correction", json=body)
    assert answer.status_code == 422
    assert [(e["path"], e["code"]) for e in answer.json()["errors"]] == [(field, code)]
    assert owner.execute("SELECT count(*) FROM checkins.correction").fetchone() == (0,)


async def test_where_no_feeling_was_named_there_is_nothing_to_correct(alice: Person) -> None:
    for text in ("Soup.", ""):
        path = await path_of(alice, text)
        answer = await alice.post(f"{path}/correction", json={"answer": "no"})
        assert (answer.status_code, answer.json()["code"]) == (409, "nothing_read")
    unknown = await alice.post(f"/v1/checkins/{ids.new()}/reading/correction", json={"answer": "no"})
    assert unknown.status_code == 404


async def test_a_correction_goes_with_its_check_in(alice: Person, owner: "psycopg.Connection[Any]") -> None:
    path = await path_of(alice)
    await said(alice, path, answer="yes")
    assert (await alice.delete(path.removesuffix("/reading"))).status_code == 204
    assert owner.execute("SELECT count(*) FROM checkins.correction").fetchone() == (0,)


async def test_devices_learn_of_it(alice: Person) -> None:
    path = await path_of(alice)
    await said(alice, path, answer="yes")
    await alice.delete(f"{path}/correction")
    topics = [item["topic"] for item in (await alice.get("/v1/changes")).json()["items"]]
    assert topics == ["checkin.created", "checkin.changed", "checkin.changed"]


async def test_nothing_is_learned_from_without_consent(parts: Edge, alice: Person) -> None:
    await said(alice, await path_of(alice), answer="other", emotion="sadness")
    assert await exported(parts) == []
    await consent(alice, "correction_texts")
    await consent(alice, "research")
    assert await exported(parts) == []


async def test_the_label_goes_with_one_consent_and_the_text_with_two(
    parts: Edge, alice: Person, charlie: Person, owner: "psycopg.Connection[Any]"
) -> None:
    path = await path_of(alice)
    await said(alice, path, answer="other", emotion="sadness")
    await said(charlie, await path_of(charlie), answer="yes")
    await path_of(alice, "Never corrected. Stuck.")
    await consent(alice, "corrections")
    (one,) = await exported(parts)
    assert (one.answer, one.emotion, one.text, one.language) == ("other", "sadness", None, None)
    assert (one.read_primary, one.read_secondary, one.read_confidence) == ("frustrated", "overwhelm", 0.55)
    assert one.read_emotions["frustrated"] == 0.55
    assert one.read_versions["encoder"] == "e1"
    await consent(alice, "correction_texts")
    (whole,) = await exported(parts)
    assert (whole.id, whole.writer, whole.text, whole.language) == (one.id, one.writer, STUCK, "en")
    assert str(alice.id) not in repr(whole)
    assert path.split("/")[3] not in repr(whole)
    rows = owner.execute(
        "SELECT person_id, actor_id, section, count, consent_id IS NOT NULL FROM kernel.audit"
        " WHERE action = 'checkins:correction:export' ORDER BY id"
    ).fetchall()
    nobody = UUID(int=0)
    assert rows == [(alice.id, nobody, "checkins", 1, True), (alice.id, nobody, "journals", 1, True)]


async def test_who_takes_a_consent_back_is_left_out(parts: Edge, alice: Person, charlie: Person) -> None:
    for person in (alice, charlie):
        await said(person, await path_of(person), answer="no")
        await consent(person, "corrections")
        await consent(person, "correction_texts")
    assert len({example.writer for example in await exported(parts)}) == 2
    await consent(alice, "correction_texts", given=False)
    assert sorted(example.text is None for example in await exported(parts)) == [False, True]
    await consent(alice, "corrections", given=False)
    assert [example.text for example in await exported(parts)] == [STUCK]


async def test_while_health_data_is_taken_back_nothing_goes_to_training(parts: Edge, alice: Person) -> None:
    await said(alice, await path_of(alice), answer="yes")
    await consent(alice, "corrections")
    await consent(alice, "correction_texts")
    await consent(alice, "health_data", given=False)
    assert await exported(parts) == []
    assert (await alice.get("/v1/users/me/looks")).json()["items"] == []
    await consent(alice, "health_data")
    assert len(await exported(parts)) == 1


async def test_what_was_switched_off_later_is_not_forgotten_but_taken_back_it_is(parts: Edge, alice: Person) -> None:
    path = await path_of(alice)
    await said(alice, path, answer="yes")
    await consent(alice, "corrections")
    assert len(await exported(parts)) == 1
    await alice.delete(f"{path}/correction")
    assert await exported(parts) == []


async def test_a_member_sees_the_export_among_the_looks(parts: Edge, alice: Person) -> None:
    await said(alice, await path_of(alice), answer="yes")
    await consent(alice, "corrections")
    await exported(parts)
    looks = (await alice.get("/v1/users/me/looks")).json()["items"]
    assert [(look["action"], look["by_me"]) for look in looks] == [("checkins:correction:export", False)]


async def test_training_reads_what_was_exported(parts: Edge, alice: Person, charlie: Person, tmp_path: Path) -> None:
    """A feeling with its text is an example; whether its writer is in danger nobody knows, so it teaches nothing."""
    for person, answer in ((alice, {"answer": "yes"}), (charlie, {"answer": "other", "emotion": "sadness"})):
        await said(person, await path_of(person), **answer)
        await said(person, await path_of(person, "A lantern. That was no calm day."), answer="no")
        await consent(person, "corrections")
    await consent(alice, "correction_texts")
    file = tmp_path / "corrections.jsonl"
    file.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in await exported(parts)))
    assert len(file.read_bytes().splitlines()) == 4
    (text,) = corpus.load(file)
    assert (text.text, text.lang, text.kind, text.emotion) == (STUCK, "en", "emotion", "frustrated")
    assert text.voice
    assert text.label is None
    (example,) = authored([text])
    assert (example.crisis, example.about, example.emotions is None) == (None, None, False)


async def test_an_answer_is_about_what_was_shown(alice: Person, owner: "psycopg.Connection[Any]") -> None:
    """A job may read anew while a page shows what was read at first: a yes to the old is no yes to the new."""
    path = await path_of(alice)
    assert (await said(alice, path, answer="yes", about="frustrated"))["answer"] == "yes"
    owner.execute("UPDATE checkins.checkin SET ai_emotion_primary = 'anger'")
    kept = await said(alice, path, answer="yes", about="frustrated")
    assert (kept["answer"], kept["emotion"]) == ("other", "frustrated")
    unsaid = await alice.post(f"{path}/correction", json={"answer": "no", "about": "frustrated"})
    assert (unsaid.status_code, unsaid.json()["correction"]) == (200, None)
    kept = await said(alice, path, answer="no", about="anger")
    assert (kept["answer"], kept["emotion"]) == ("no", None)


async def test_what_is_switched_off_is_shown_no_more(alice: Person) -> None:
    path = await path_of(alice)
    await said(alice, path, answer="yes")
    await alice.put("/v1/users/me/preferences", json={"emotion_reading": False})
    found = (await alice.get(path)).json()
    assert (found["ai_emotion_primary"], found["ai_confidence_score"], found["journal_sentiment_score"]) == (None,) * 3
    assert (found["journal_emotion_classification"], found["correction"]["emotion"]) == ({}, "frustrated")
    await alice.put("/v1/users/me/preferences", json={"emotion_reading": True})
    assert (await alice.get(path)).json()["ai_emotion_primary"] == "frustrated"


async def test_no_feeling_is_named_in_a_language_that_no_model_reads(alice: Person) -> None:
    path = await path_of(alice, "Heute war ich den ganzen Tag stuck und es war nicht gut, ich bin so müde und allein.")
    assert (await alice.get(path)).json()["ai_emotion_primary"] is None


async def test_an_answer_about_a_text_that_is_being_changed_is_not_about_the_new_one(
    alice: Person, database_url: str, owner: "psycopg.Connection[Any]"
) -> None:
    path = await path_of(alice)
    row = path.split("/")[-2]
    with psycopg.connect(database_url) as change:
        change.execute("UPDATE checkins.checkin SET ai_emotion_primary = 'joy' WHERE id = %s", (row,))
        change.execute("DELETE FROM checkins.correction WHERE id = %s", (row,))
        answering = asyncio.create_task(alice.post(f"{path}/correction", json={"answer": "no", "about": "frustrated"}))
        await asyncio.sleep(0.5)
    assert (await answering).json()["correction"] is None
    assert owner.execute("SELECT count(*) FROM checkins.correction").fetchone() == (0,)


async def test_an_answer_to_what_was_read_in_the_words_before_a_change_is_refused(
    alice: Person, owner: "psycopg.Connection[Any]"
) -> None:
    path = await path_of(alice)
    entry = path.removesuffix("/reading")
    shown = (await alice.get(entry)).json()["updated_at"]
    assert (await said(alice, path, answer="yes", about="frustrated", updated_at=shown))["answer"] == "yes"
    assert (await alice.patch(entry, json={"journal_text": "A lantern."})).status_code == 200
    old: dict[str, Any] = {"about": "frustrated", "updated_at": shown}
    for answer in ({"answer": "yes"}, {"answer": "no"}, {"answer": "other", "emotion": "sadness"}):
        refused = await alice.post(f"{path}/correction", json=old | answer)
        assert (refused.status_code, refused.json()["code"]) == (409, "words_changed")
    unsure = await alice.post(f"{path}/correction", json={"answer": "yes", "about": "frustrated"})
    assert unsure.json()["code"] == "words_changed", "who does not say when it was shown may have seen the old words"
    assert owner.execute("SELECT count(*) FROM checkins.correction").fetchone() == (0,)
    assert (await alice.post(f"{path}/correction", json={"answer": "yes", "updated_at": "then"})).status_code == 422
    now = (await alice.get(entry)).json()["updated_at"]
    assert (await said(alice, path, answer="yes", about="calm", updated_at=now))["emotion"] == "calm"


async def test_the_same_words_read_anew_keep_the_answer_to_what_was_read_first(
    alice: Person, owner: "psycopg.Connection[Any]"
) -> None:
    path = await path_of(alice)
    entry = path.removesuffix("/reading")
    await alice.patch(entry, json={"mood_score": 5})
    shown = (await alice.get(entry)).json()["updated_at"]
    owner.execute("UPDATE checkins.checkin SET ai_emotion_primary = 'anger'")
    kept = await said(alice, path, answer="yes", about="frustrated", updated_at=shown)
    assert (kept["answer"], kept["emotion"]) == ("other", "frustrated")
