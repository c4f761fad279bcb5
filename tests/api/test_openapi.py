"""The API document: it says what the program does, and what it says holds for requests that nobody thought of."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.api.described import DOCUMENT, operations, plain
from tests.api.served import Served, serving
from tests.api.surface import RULES
from tests.conftest import WORKER
from tests.support import database
from tests.support.people import Person
from wellspring.interventions.shelf import shipped
from wellspring.kernel.policy import Access, Role

CONFIG = schemathesis.Config.from_dict(
    {
        "generation": {
            "max-examples": 20,
            "deterministic": True,
            "no-shrink": True,
            "database": "none",
            "with-security-parameters": False,
        },
        "phases": {"coverage": {"enabled": True}, "stateful": {"enabled": False}},
    }
)
schema = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG).exclude(path="/v1/stream")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]


def test_the_document_describes_every_route_of_the_api() -> None:
    described = {route for route, _, _ in operations()}
    assert described == set(RULES) - {"GET /metrics", "GET /openapi.json"}
    assert sum(len(item) for item in DOCUMENT["paths"].values()) == len(described)


def test_each_operation_says_who_may_use_it() -> None:
    assert DOCUMENT["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for route, handler, operation in operations():
        public = handler.opt["access"] is Access.PUBLIC
        assert operation["security"] == ([] if public else [{"bearer": []}]), route
        assert operation["summary"], route
        assert operation["tags"], route


def _resolved(body: dict[str, Any]) -> dict[str, Any]:
    return DOCUMENT["components"]["schemas"][body["$ref"].rpartition("/")[2]] if "$ref" in body else body


def test_bodies_refuse_unknown_fields_and_have_an_example_that_is_taken() -> None:
    for route, handler, operation in operations():
        if "requestBody" not in operation:
            continue
        content = operation["requestBody"]["content"]["application/json"]
        assert _resolved(content["schema"])["additionalProperties"] is False, route
        for example in content["examples"].values():
            handler.opt["decoder"].decode(json.dumps(example["value"]))


def test_every_error_is_a_problem_in_the_document_too() -> None:
    for _, _, operation in operations():
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"]


@pytest.fixture(scope="module")
def served(server_url: str, template: str) -> Iterator[Served]:
    with database.clone(server_url, template, f"test_{WORKER}_openapi") as url, serving(url) as found:
        yield found


@pytest.fixture(scope="module")
def people(served: Served) -> dict[Access | Role, Person]:
    """Return somebody who may use each kind of route; alice is followed by a new one when she signs out."""
    dana = served.staff(Role.RESPONDER)
    served.run(dana.put("/v1/crisis/duty", json={"on_duty": True}))
    return {
        Access.SELF: served.member(),
        Role.RESPONDER: dana,
        Role.ADMIN: served.staff(Role.ADMIN),
        Role.CLINICIAN: served.staff(Role.CLINICIAN),
    }


@pytest.fixture(scope="module")
def real(served: Served, people: dict[Access | Role, Person]) -> dict[str, str]:
    """Return ids of rows that are there, so that answers other than 404 are seen."""
    alice = people[Access.SELF]

    async def fill() -> dict[str, str]:
        intervention = str(shipped().items[0].id)
        contact = {"name": "Sam", "relationship": "friend", "phone": "+1 555 0100"}
        danger = {"mood_score": 1, "journal_text": "I am going to kill myself tonight, goodbye"}
        checkin = (await alice.post("/v1/checkins", json=danger)).json()
        return {
            "intervention_id": intervention,
            "contact_id": (await alice.post("/v1/users/me/emergency-contacts", json=contact)).json()["id"],
            "session_id": (await alice.post(f"/v1/interventions/{intervention}/start", json={})).json()["id"],
            "checkin_id": checkin["checkin"]["id"],
            "event_id": checkin["crisis"]["event_id"],
            "person_id": str(alice.id),
        }

    return served.run(fill())


def _who(people: dict[Access | Role, Person], label: str) -> Person:
    rule = next(r for name, r in RULES.items() if plain(name) == label)
    wanted = rule.who if isinstance(rule.who, Access) else next(iter(rule.who))
    return people.get(wanted, people[Access.SELF])


def _send(served: Served, who: Person, case: Any) -> httpx.Response:
    kwargs = case.as_transport_kwargs(base_url="http://wellspring.test")
    kwargs.pop("cookies", None)
    headers = httpx.Headers({k: v for k, v in dict(kwargs.pop("headers") or {}).items() if v is not None})
    headers.update(who.headers)
    body = {"content": kwargs.get("data"), "json": kwargs.get("json"), "params": kwargs.get("params")}
    if body["json"] is not None:
        headers.setdefault("content-type", "application/json")
        body = {**body, "content": json.dumps(body["json"]).encode("utf-8", "surrogatepass"), "json": None}
    request = served.client.build_request(kwargs["method"], kwargs["url"], headers=headers, **body)
    return served.run(served.client.send(request))


@schema.parametrize()
@settings(
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
def test_what_the_document_says_holds(
    case: Any, served: Served, people: dict[Access | Role, Person], real: dict[str, str]
) -> None:
    who = _who(people, f"{case.operation.method.upper()} {case.operation.path}")
    if case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE:
        for name in set(real) & set(case.path_parameters or {}):
            case.path_parameters[name] = real[name]
    answer = _send(served, who, case)
    if case.operation.path == "/v1/auth/logout" and answer.status_code == 204:
        people[Access.SELF] = served.member()
    case.validate_response(answer, checks=CHECKS)
