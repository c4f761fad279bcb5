"""The OpenAPI document: what Litestar knows of the routes, with the schemas that msgspec makes of the types it decodes.

Litestar's own schemas lose limits inside lists and do not say that unknown fields are refused.
"""

from collections.abc import Iterator
from typing import Any, Final, get_args

import msgspec
from litestar import Litestar, Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from wellspring.kernel.errors import ProblemBody
from wellspring.kernel.policy import Access
from wellspring.kernel.problems import MEDIA

_REF: Final = "#/components/schemas/{name}"
_JSON: Final = "application/json"
Schema = dict[str, Any]


class _NoRoutes(Router):
    """Takes no routes: the document has a route of ours, and Litestar's pages about it load scripts from elsewhere."""

    def register(self, value: Any) -> list[Any]:
        """Leave the route out."""
        return []


def config(version: str) -> OpenAPIConfig:
    """Return what Litestar is to know of the document."""
    bearer = SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")
    return OpenAPIConfig(
        title="Wellspring",
        version=version,
        description="A self-hosted mental-health and care platform. Errors are RFC 9457 problems with a stable code.",
        components=Components(security_schemes={"bearer": bearer}),
        openapi_router=_NoRoutes("/openapi", route_handlers=[]),
    )


def _handlers(app: Litestar) -> Iterator[tuple[str, str, Any]]:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            for method in handler.http_methods:
                yield route.path_format, method.lower(), handler


def _body_of(handler: Any) -> Any:
    decoder = handler.opt.get("decoder")
    return None if decoder is None else decoder.type


def _answer_of(handler: Any) -> Any:
    """Return the Struct that a handler answers with, None for anything else (no content, streams)."""
    found = handler.parsed_fn_signature.return_type.annotation
    inner = get_args(found)
    found = inner[0] if inner else found
    return found if isinstance(found, type) and issubclass(found, msgspec.Struct) else None


def document(app: Litestar) -> bytes:
    """Return the OpenAPI 3.1 document as JSON."""
    made: Schema = msgspec.json.decode(msgspec.json.encode(app.openapi_schema.to_schema()))
    known = [(made["paths"].get(path, {}).get(method), handler) for path, method, handler in _handlers(app)]
    routes = [(operation, handler) for operation, handler in known if operation is not None]
    types = [kind for _, h in routes for kind in (_body_of(h), _answer_of(h)) if kind is not None]
    kinds = list(dict.fromkeys([ProblemBody, *types]))
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    by_type = dict(zip(kinds, schemas, strict=True))
    for operation, handler in routes:
        _complete(operation, handler, by_type, components)
    made["components"]["schemas"] = components
    _speak_javascript(made)
    return msgspec.json.encode(made)


def _speak_javascript(part: Any) -> None:
    """End patterns with `$`, as JSON Schema does; in Python that would let a line break through at the end."""
    if isinstance(part, list):
        for item in part:
            _speak_javascript(item)
    elif isinstance(part, dict):
        if isinstance(pattern := part.get("pattern"), str):
            part["pattern"] = pattern.replace(r"\Z", "$")
        for item in part.values():
            _speak_javascript(item)


def _complete(operation: Schema, handler: Any, by_type: dict[Any, Schema], components: Schema) -> None:
    public = handler.opt.get("access") is Access.PUBLIC
    operation["security"] = [] if public else [{"bearer": []}]
    for answer in operation["responses"].values():
        if MEDIA in answer.get("content", {}):
            answer["content"][MEDIA]["schema"] = by_type[ProblemBody]
    answered, taken = _answer_of(handler), _body_of(handler)
    if answered is not None:
        operation["responses"][str(handler.status_code)]["content"][_JSON]["schema"] = by_type[answered]
    if taken is not None:
        schema = by_type[taken]
        operation["requestBody"]["content"] = {
            _JSON: {"schema": schema, "examples": {"usual": {"value": example(schema, components)}}}
        }


def example(schema: Schema, components: Schema) -> Any:
    """Return a value that a schema takes: its own example, else the simplest one."""
    if "$ref" in schema:
        return example(components[schema["$ref"].rpartition("/")[2]], components)
    for name in ("examples", "enum"):
        if name in schema:
            return schema[name][0]
    if "anyOf" in schema:
        return example(next(s for s in schema["anyOf"] if s.get("type") != "null"), components)
    if schema.get("type") == "object":
        return _object(schema, components)
    if schema.get("type") == "array":
        items: Schema = schema.get("items") or {}
        return [example(items, components)] if "examples" in items or schema.get("minItems") else []
    if schema.get("format") == "uuid":
        return "0193a0c2-5f00-7000-8000-0123456789ab"
    return {"boolean": True, "integer": schema.get("minimum", 1), "number": schema.get("minimum", 1)}.get(
        schema.get("type", ""), "words"
    )


def _object(schema: Schema, components: Schema) -> Schema:
    """Return what is needed and whatever has an example of its own."""
    needed = schema.get("required", ())
    fields: Schema = schema.get("properties", {})
    return {n: example(f, components) for n, f in fields.items() if n in needed or _has_example(f)}


def _has_example(schema: Schema) -> bool:
    inner = [*schema.get("anyOf", ()), schema.get("items") or {}]
    return "examples" in schema or any("examples" in part for part in inner)
