"""The consent ledger."""

import asyncio
from typing import Any, get_args
from uuid import UUID

import httpx
import pytest

from tests.privacy.support import Owner
from tests.support.people import PASSWORD, Circle, Person
from wellspring.identity.schemas import ConsentKind
from wellspring.kernel.db import DbRole
from wellspring.kernel.edge import Edge
from wellspring.privacy import texts
from wellspring.privacy.consents import KINDS, answer, has_consent
from wellspring.privacy.errors import TextEdited
from wellspring.privacy.schemas import ConsentWrite

pytestmark = pytest.mark.anyio
LEDGER = "SELECT kind, text_version, given FROM privacy.consent WHERE person_id = %s ORDER BY at, id"


def kind_of(answer: httpx.Response, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in answer.json()["items"] if item["kind"] == kind)
    return found


async def test_a_stranger_sees_and_answers_nothing(client: httpx.AsyncClient, owner: Owner) -> None:
    for method, path, body in (("GET", "/v1/consents", None), ("PUT", "/v1/consents/research", {"given": True})):
        answer = await client.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert owner.rows("SELECT 1 FROM privacy.consent") == []


async def test_a_forged_token_is_refused(client: httpx.AsyncClient, alice: Person) -> None:
    head, body, _ = alice.tokens["access_token"].split(".")
    forged = {"authorization": f"Bearer {head}.{body}.{'A' * 43}"}
    answer = await client.put("/v1/consents/research", json={"given": True}, headers=forged)
    assert answer.status_code == 401


async def test_every_kind_is_asked_in_my_language(circle: Circle) -> None:
    alice, amelie = await circle.member("alice"), await circle.member("amelie", language="fr")
    english, french = await alice.get("/v1/consents"), await amelie.get("/v1/consents")
    assert [item["kind"] for item in english.json()["items"]] == list(KINDS)
    assert kind_of(english, "research")["title"] == "Help research"
    assert kind_of(french, "research")["title"] == "Aider la recherche"
    assert not any(item["given"] or item["answered_at"] for item in english.json()["items"])


async def test_a_consent_is_given_and_withdrawn_by_new_rows(alice: Person, owner: Owner) -> None:
    given = await alice.put("/v1/consents/research", json={"given": True, "version": 1})
    assert given.status_code == 200, given.text
    assert (given.json()["given"], given.json()["answered_version"]) == (True, 1)
    gone = await alice.put("/v1/consents/research", json={"given": False})
    assert gone.json()["given"] is False
    assert owner.rows(LEDGER, alice.id) == [("research", 1, True), ("research", 1, False)]
    assert kind_of(await alice.get("/v1/consents"), "research")["given"] is False


async def test_the_same_answer_again_adds_nothing(alice: Person, owner: Owner) -> None:
    for _ in range(3):
        assert (await alice.put("/v1/consents/voice", json={"given": True})).status_code == 200
    assert owner.rows(LEDGER, alice.id) == [("voice", 1, True)]


async def test_a_first_no_is_an_answer_too(alice: Person, owner: Owner) -> None:
    answer = await alice.put("/v1/consents/marketing", json={"given": False})
    assert (answer.json()["given"], answer.json()["answered_version"]) == (False, 1)
    assert owner.rows(LEDGER, alice.id) == [("marketing", 1, False)]


async def test_charlie_changes_only_his_own(alice: Person, charlie: Person, owner: Owner) -> None:
    await alice.put("/v1/consents/research", json={"given": True})
    await charlie.put("/v1/consents/research", json={"given": False})
    assert kind_of(await alice.get("/v1/consents"), "research")["given"] is True
    assert kind_of(await charlie.get("/v1/consents"), "research")["given"] is False


def publish_second(owner: Owner, language: str = "en") -> None:
    owner.do(
        "INSERT INTO privacy.consent_text (id, kind, version, language, title, body)"
        " VALUES (gen_random_uuid(), 'research', 2, %s, 'Help research more', 'New words.')",
        language,
    )


async def test_a_yes_to_old_words_is_refused_and_a_no_never(alice: Person, owner: Owner) -> None:
    await alice.put("/v1/consents/research", json={"given": True, "version": 1})
    publish_second(owner)
    shown = kind_of(await alice.get("/v1/consents"), "research")
    assert (shown["version"], shown["answered_version"], shown["given"]) == (2, 1, True)
    old = await alice.put("/v1/consents/research", json={"given": True, "version": 1})
    assert (old.status_code, old.json()["code"]) == (409, "consent_text_changed")
    ahead = await alice.put("/v1/consents/research", json={"given": True, "version": 3})
    assert ahead.status_code == 409
    no = await alice.put("/v1/consents/research", json={"given": False, "version": 1})
    assert no.status_code == 200
    assert owner.rows(LEDGER, alice.id) == [("research", 1, True), ("research", 2, False)]


async def test_english_stands_in_for_a_missing_language(circle: Circle, owner: Owner) -> None:
    amelie = await circle.member("amelie", language="fr")
    publish_second(owner)
    assert kind_of(await amelie.get("/v1/consents"), "research")["title"] == "Help research more"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/consents/everything", {"given": True}, 422),
        ("/v1/consents/research", {}, 422),
        ("/v1/consents/research", {"given": "yes"}, 422),
        ("/v1/consents/research", {"given": None}, 422),
        ("/v1/consents/research", {"given": True, "version": 0}, 422),
        ("/v1/consents/research", {"given": True, "version": 10**30}, 422),
        ("/v1/consents/research", {"given": True, "text": "mine"}, 422),
        ("/v1/consents/research", [], 422),
    ],
)
async def test_bad_answers_store_nothing(alice: Person, owner: Owner, path: str, body: object, status: int) -> None:
    answer = await alice.put(path, json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert owner.rows(LEDGER, alice.id) == []


async def test_what_is_ticked_at_registration_is_recorded(circle: Circle, owner: Owner) -> None:
    alice = await circle.member("alice", consents=["terms", "privacy", "terms"])
    assert sorted(owner.rows(LEDGER, alice.id)) == [("privacy", 1, True), ("terms", 1, True)]
    assert kind_of(await alice.get("/v1/consents"), "terms")["given"] is True


async def test_without_texts_nobody_consents_and_nobody_is_half_registered(
    client: httpx.AsyncClient, alice: Person, owner: Owner
) -> None:
    owner.do("DELETE FROM privacy.consent_text")
    body = {"email": "new@example.org", "password": PASSWORD, "consents": ["terms"]}
    answer = await client.post("/v1/auth/register", json=body)
    assert (answer.status_code, answer.json()["code"]) == (503, "consent_texts_missing")
    assert owner.rows("SELECT count(*) FROM identity.person") == [(1,)]
    refused = await alice.put("/v1/consents/terms", json={"given": True})
    assert refused.status_code == 503


async def test_has_consent_follows_the_last_answer(alice: Person, charlie: Person, parts: Edge) -> None:
    async def asked(kind: ConsentKind) -> UUID | None:
        async with parts.db.begin(DbRole.WORKER, subject=alice.id) as tx:
            assert await has_consent(tx, charlie.id, kind) is None
            return await has_consent(tx, alice.id, kind)

    assert await asked("voice") is None
    await alice.put("/v1/consents/voice", json={"given": True})
    await charlie.put("/v1/consents/voice", json={"given": True})
    first = await asked("voice")
    assert first is not None
    assert await asked("research") is None
    await alice.put("/v1/consents/voice", json={"given": False})
    assert await asked("voice") is None
    await alice.put("/v1/consents/voice", json={"given": True})
    assert await asked("voice") not in (None, first)


async def test_a_no_right_after_a_yes_is_the_last_word(alice: Person, owner: Owner, parts: Edge) -> None:
    """A tap on yes and one on no are under way at the same time; the no came last."""
    await alice.put("/v1/consents/voice", json={"given": False})
    async with parts.db.begin(DbRole.MEMBER, actor=alice.id) as tx:
        await answer(tx, alice.id, "voice", ConsentWrite(given=True))
        no = asyncio.create_task(alice.put("/v1/consents/voice", json={"given": False}))
        await asyncio.sleep(0.3)
    assert (await no).json()["given"] is False
    assert owner.rows(LEDGER, alice.id)[-1] == ("voice", 1, False)
    assert kind_of(await alice.get("/v1/consents"), "voice")["given"] is False


async def test_the_ledger_cannot_be_rewritten(alice: Person, owner: Owner, parts: Edge) -> None:
    """It only goes with its person, whom a worker erases."""
    await alice.put("/v1/consents/voice", json={"given": True})
    for role in DbRole:
        for verb in ("UPDATE", "DELETE"):
            allowed = owner.rows("SELECT has_table_privilege(%s, 'privacy.consent', %s)", role.login, verb)
            assert allowed == [((role, verb) == (DbRole.WORKER, "DELETE"),)], (role, verb)


async def test_reads_and_answers_are_audited(alice: Person, owner: Owner) -> None:
    await alice.get("/v1/consents")
    await alice.put("/v1/consents/voice", json={"given": True})
    await alice.put("/v1/consents/voice", json={"given": False})
    assert owner.audited(alice.id) == [
        ("privacy:consents:read", alice.id, "done", len(KINDS)),
        ("privacy:consent:give", alice.id, "done", 1),
        ("privacy:consent:withdraw", alice.id, "done", 1),
    ]


def test_loading_again_changes_nothing(owner: Owner) -> None:
    before = owner.rows("SELECT * FROM privacy.consent_text ORDER BY id")
    assert len(before) == 2 * len(KINDS)
    texts.seed(owner.conn)
    assert owner.rows("SELECT * FROM privacy.consent_text ORDER BY id") == before


def test_an_edited_text_is_refused(owner: Owner) -> None:
    owner.do("UPDATE privacy.consent_text SET body = 'Other words.' WHERE kind = 'terms' AND language = 'fr'")
    with pytest.raises(TextEdited):
        texts.seed(owner.conn)


def test_every_kind_has_words_in_every_language() -> None:
    shipped = texts.shipped()
    assert {text.kind for text in shipped} == set(get_args(ConsentKind))
    for text in shipped:
        for words in (text.en, text.fr):
            assert words.title
            assert 80 < len(words.body) < 600, text.kind
            assert "!" not in words.title + words.body
            assert "\n" not in words.body
