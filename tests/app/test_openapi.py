"""The document of an app: of every route, true of what comes; and thousands of requests that it makes up."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.requests import Request

from nbagents import Msg
from nbagents.app import AgentApp

from .conftest import Client

Begin = Callable[[AgentApp], Client]


class Place(BaseModel):
    name: str
    height: float = 0.0


def app_with_everything() -> AgentApp:
    app = AgentApp(app_name="Weather", app_description="Tells the weather.", rate=0, resume_seconds=0.1)

    @app.query()
    async def answer(self: Any, msgs: list[Msg]) -> Any:
        yield Msg("Friday", f"{len(msgs)} messages")

    @app.endpoint("/climb")
    async def climb(place: Place) -> Place:
        """Go up."""
        return place

    @app.endpoint("/add", methods=["GET", "POST"])
    def add(a: int, b: int = 2) -> int:
        return a + b

    @app.endpoint("/count")
    async def count(n: int) -> Any:
        for index in range(min(n, 3)):
            yield index

    @app.endpoint("/echo", methods=["PUT"])
    def echo(request: Request, **given: Any) -> Any:
        return given

    @app.task("/square")
    def square(n: int) -> int:
        return n * n

    return app


def test_every_route_is_in_the_document_and_says_what_it_does(served: Begin) -> None:
    app = app_with_everything()
    client = served(app)
    status, told = client.ask("GET", "/openapi.json")
    assert status == 200
    assert {path: sorted(each) for path, each in told["paths"].items()} == {
        path: sorted(
            {method.lower() for route in app.routes if route.path == path for method in route.methods or ()}
            - {"head"}
        )
        for path in {route.path for route in app.routes}
    }
    assert [
        each["summary"] for path in told["paths"].values() for each in path.values() if not each["summary"]
    ] == []
    assert told["info"]["title"] == "Weather"
    body = told["paths"]["/climb"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["name"]
    assert told["paths"]["/climb"]["post"]["summary"] == "Go up."
    add = told["paths"]["/add"]
    assert [(one["name"], one["required"]) for one in add["get"]["parameters"]] == [("a", True), ("b", False)]
    assert told["paths"]["/square"]["post"]["requestBody"]["content"]["application/json"]["schema"][
        "required"
    ] == ["n"]
    assert [
        path for path, each in told["paths"].items() for one in each.values() if one.get("security") == []
    ] == ["/health"]
    # What comes later is told of later.
    app.endpoint("/late")(lambda: "late")
    assert "/late" in client.ask("GET", "/openapi.json")[1]["paths"]


def test_the_document_is_behind_the_token(served: Begin) -> None:
    client = served(app_with_everything())
    assert client.ask("GET", "/openapi.json", Authorization="")[0] == 401


def test_two_models_of_one_name_are_two_in_the_document(served: Begin) -> None:
    def other() -> type[BaseModel]:
        class Place(BaseModel):
            depth: int

        return Place

    app, second = AgentApp(), other()
    app.endpoint("/up")(lambda x: x)

    def up(at: list[Place], n: int) -> Any: ...
    def down(at: Any, n: int) -> Any: ...

    down.__annotations__["at"] = list[second]  # type: ignore[valid-type]
    app.endpoint("/high")(up)
    app.endpoint("/deep")(down)
    told = served(app).ask("GET", "/openapi.json")[1]

    def fields(path: str) -> list[str]:
        body = told["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        name = body["properties"]["at"]["items"]["$ref"].rpartition("/")[2]
        return sorted(told["components"]["schemas"][name]["properties"])

    assert (fields("/high"), fields("/deep")) == (["height", "name"], ["depth"])


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    ignored_auth,
]
EXAMPLES = 150 if os.environ.get("NBAGENTS_LONG") else 12
"""Requests of each kind to each address."""


@pytest.mark.long
@pytest.mark.timeout(300)
def test_nothing_that_is_made_up_of_the_document_ends_in_an_error_of_the_server(served: Begin) -> None:
    client = served(app_with_everything())
    told = client.ask("GET", "/openapi.json")[1]
    headers = {"Authorization": f"Bearer {client.serving.token}"}
    schema = schemathesis.openapi.from_dict(told)
    schema.config.update(base_url=client.serving.url)
    count = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @seed(1)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(
            case=st.one_of(
                operation.as_strategy(),
                operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE),
            )
        )
        def ask(case: schemathesis.Case) -> None:
            nonlocal count
            count += 1
            case.call_and_validate(headers=headers, checks=CHECKS, timeout=20)

        ask()
    assert count > 100
