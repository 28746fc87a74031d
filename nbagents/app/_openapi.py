"""`document`: what an app serves, as OpenAPI, made of its routes: each says of itself what it takes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import PydanticUserError, TypeAdapter
from pydantic.errors import PydanticSchemaGenerationError

from .._version import __version__
from ._gate import PUBLIC

if TYPE_CHECKING:
    from starlette.routing import Route

    from ._agent_app import AgentApp

__all__ = ["JSONRPC", "JSONRPC_ERROR", "About", "Schemas", "about", "document"]

Function = TypeVar("Function", bound=Callable[..., Any])
Schema = dict[str, Any]
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_REFS = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class About:
    """What a route says of itself: in a sentence; what it takes and gives, as types or JSON schemas."""

    summary: str
    body: Any = None
    answer: Any = None
    streams: bool = False
    """May it answer with events?"""
    parameters: tuple[Schema, ...] = ()
    fields: Mapping[str, tuple[Any, bool]] = field(default_factory=dict)
    """What it takes one by one, in the query or in the body: each one's type, and whether it is needed."""
    more: bool = False
    """May there be other fields?"""
    refused: Any = None
    """What a refusal may look like, too, where another protocol has its own."""
    also: Mapping[str, str] = field(default_factory=dict)
    """Other statuses of answers, and what each says."""


def about(summary: str, **said: Any) -> Callable[[Function], Function]:
    """Say what the route behind a function does; see `About`."""

    def note(function: Function) -> Function:
        function.openapi = About(summary, **said)  # type: ignore[attr-defined]
        return function

    return note


def document(app: AgentApp) -> dict[str, Any]:
    """Return the document of an app as it is now."""
    schemas = Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in app.routes:
        said = _said(route)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            operation = _operation(app, route, method, said, schemas)
            paths.setdefault(route.path, {})[method.lower()] = operation
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": app.app_name or "AgentApp",
            "description": app.app_description,
            "version": __version__,
        },
        "paths": paths,
        "components": {"schemas": schemas.named | {"Error": _ERROR}},
    }
    if not app.insecure:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return found


def _said(route: Route) -> About:
    """Return what the function behind a route says; a method of an `Endpoint` asks that."""
    said = getattr(route.endpoint, "openapi", None)
    if said is None:
        said = getattr(getattr(route.endpoint, "__self__", None), "openapi", None)
    return said if isinstance(said, About) else About("")


def _operation(app: AgentApp, route: Route, method: str, said: About, schemas: Schemas) -> dict[str, Any]:
    kinds: dict[str, Any] = {"application/json": {"schema": schemas.of(said.answer)}}
    if said.streams:
        kinds["text/event-stream"] = {"schema": _EVENT}
    refusal: Schema = {"$ref": f"{_REFS}Error"}
    if said.refused is not None:
        refusal = {"anyOf": [refusal, schemas.of(said.refused)]}
    refused = {"content": {"application/json": {"schema": refusal}}}
    found: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{method.lower()}{route.path}").strip("_"),
        "summary": said.summary,
        "responses": {
            "200": {"description": "The answer", "content": kinds},
            **{status: {"description": text} for status, text in said.also.items()},
            "4XX": {"description": "It is refused: who asks can change that", **refused},
            "5XX": {"description": "What the app calls has failed", **refused},
        },
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)", route.path)
    ]
    parameters += said.parameters
    if method not in _WITH_BODY:
        parameters += [
            {"name": name, "in": "query", "required": needed, "schema": schemas.of(kind)}
            for name, (kind, needed) in said.fields.items()
        ]
    elif (body := _body(app, said, schemas)) is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    if parameters:
        found["parameters"] = parameters
    if (method, route.path) in PUBLIC:
        found["security"] = []
    return found


def _body(app: AgentApp, said: About, schemas: Schemas) -> Schema | None:
    body = said.body
    if body == "request":
        body = app.request_model
    if body is not None:
        return schemas.of(body)
    if not said.fields and not said.more:
        return None
    return {
        "type": "object",
        "properties": {name: schemas.of(kind) for name, (kind, _) in said.fields.items()},
        "required": [name for name, (_, needed) in said.fields.items() if needed],
    }


class Schemas:
    """JSON schemas of types, and those that have a name and are referred to."""

    def __init__(self) -> None:
        self.named: dict[str, Schema] = {}

    def of(self, kind: Any) -> Schema:
        """Return the schema of a type, or a schema as it is; of what has none, that of anything."""
        if kind is None:
            return {}
        if isinstance(kind, dict):
            return kind
        try:
            found = TypeAdapter(kind).json_schema(ref_template=_REFS + "{model}")
        except (PydanticSchemaGenerationError, PydanticUserError, NameError, TypeError):
            return {}  # a class of the user's own, which only its author can describe
        renamed: dict[str, str] = {}
        parts: dict[str, Schema] = found.pop("$defs", {})
        for name, part in parts.items():
            free = name
            while self.named.get(free, part) != part:  # another class of that name
                free += "_"
            renamed[name] = free
        for name, part in parts.items():
            self.named[renamed[name]] = _with_names(part, renamed)
        made: Schema = _with_names(found, renamed)
        return made


def _with_names(schema: Any, renamed: dict[str, str]) -> Any:
    changed = {old: new for old, new in renamed.items() if old != new}
    if not changed:
        return schema
    text = json.dumps(schema)
    for old, new in changed.items():
        text = text.replace(f'"{_REFS}{old}"', f'"{_REFS}{new}"')
    return json.loads(text)


JSONRPC: Schema = {
    "type": "object",
    "required": ["jsonrpc", "method"],
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": {"type": ["string", "integer"]},
        "method": {"type": "string"},
        "params": {"type": "object"},
    },
}
"""A request of JSON-RPC."""
JSONRPC_ERROR: Schema = {
    "type": "object",
    "required": ["jsonrpc", "error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
        }
    },
}
"""How JSON-RPC refuses one."""
_EVENT: Schema = {
    "type": "object",
    "required": ["data"],
    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
}
"""One event of a stream; its data is JSON."""
_ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "id": {"type": "string"},
            },
        }
    },
}
