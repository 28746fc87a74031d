"""JSON schemas that are given: what a model gives is held to them, and those of others do no harm."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest

from nbagents.exceptions import ArgumentNotFoundError, ArgumentTypeError
from nbagents.tools import Tool, Toolkit, effects

PATH = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
SLOW = "^(a+)+$"  # takes for ever on many letters and something else
VICTIM = "a" * 60 + "!"


def called(toolkit, name, **given):
    block = {"type": "tool_use", "id": "c1", "name": name, "input": given}
    return asyncio.run(toolkit.call_tool_function(block).last())


@effects()
def wipe(path: str, recursive: bool = False) -> str:
    return f"{path}, recursive={recursive}"


@pytest.mark.parametrize(
    "schema",
    [
        PATH,
        PATH | {"additionalProperties": False},
        PATH | {"$schema": DRAFT_7},
        {"allOf": [{"$ref": "#/$defs/it"}], "$defs": {"it": PATH}},
        {"name": "wipe", "parameters": PATH},
    ],
)
def test_what_stands_in_no_given_schema_does_not_reach_the_function(schema):
    toolkit = Toolkit()
    schema = schema if "parameters" in schema else {"parameters": schema}
    toolkit.register_tool_function(wipe, json_schema=schema)
    answer = called(toolkit, "wipe", path="/srv", recursive=True)
    assert answer.is_error
    assert "recursive" in answer.text
    assert called(toolkit, "wipe", path="/srv").text == "/srv, recursive=False"


@pytest.mark.parametrize("more", [{"additionalProperties": True}, {"patternProperties": {"^re": {}}}])
def test_a_schema_may_allow_more(more):
    toolkit = Toolkit()
    toolkit.register_tool_function(wipe, json_schema={"parameters": PATH | more})
    assert called(toolkit, "wipe", path="/srv", recursive=True).text == "/srv, recursive=True"


def test_a_given_schema_is_checked():
    given = {"properties": {"path": {"pattern": "^/"}}, "required": ["path"]}
    tool = Tool(wipe, json_schema={"parameters": given})
    with pytest.raises(ArgumentTypeError, match="path: 'srv' does not match"):
        tool.check({"path": "srv"})
    with pytest.raises(ArgumentNotFoundError, match="'path' is a required property"):
        tool.check({})


# ---------------------------------------------------------------------------- of other programs


def foreign(schema, **options):
    """A tool as another program tells of it, and how often that is asked again."""
    tool = Tool(
        lambda **given: str(sorted(given)), json_schema={"name": "it", "parameters": schema}, **options
    )
    tool.origin, asked = "elsewhere", []

    async def refresh():
        asked.append(1)

    tool.refresh = refresh
    return tool, asked


@pytest.fixture
def private():
    """The address of a server nobody is to reach; those who have."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        came, over = [], threading.Event()

        def serve():
            while True:
                connection, _ = server.accept()
                with connection:
                    if over.is_set():
                        return
                    came.append(connection.recv(1000))
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/secret", came
        over.set()
        socket.create_connection(server.getsockname()[:2]).close()
        thread.join(10)


@pytest.mark.parametrize("ours", [True, False])
def test_a_schema_fetches_nothing(private, ours):
    address, came = private
    tool, _ = foreign({"$ref": address})
    tool.origin = "" if ours else tool.origin
    with pytest.raises(ArgumentTypeError, match="schema of it cannot be used"):
        tool.check({"a": 1})
    assert came == []


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"pattern": SLOW}}},
        {"properties": {"a": {"$schema": DRAFT_7, "pattern": SLOW}}},
        {"properties": {"a": {"$ref": "#/$defs/it"}}, "$defs": {"it": {"$schema": DRAFT_7, "pattern": SLOW}}},
        {"patternProperties": {SLOW: {}}, "additionalProperties": False},
        {"patternProperties": {SLOW: {}}, "unevaluatedProperties": False},
        {"propertyNames": {"pattern": SLOW}},
        {"$schema": "https://json-schema.org/draft/2019-09/schema", "patternProperties": {SLOW: {}}},
    ],
)
def test_no_regular_expression_of_others_is_run(schema):
    tool, _ = foreign(schema)
    begun = time.monotonic()
    given = {"a": VICTIM, VICTIM: 1}
    assert tool.check(given) == given
    assert time.monotonic() - begun < 20  # the first use imports for seconds


def test_references_that_never_end_are_an_answer():
    steps = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(50)}
    tool, _ = foreign(
        {"$defs": {**steps, "d50": {"type": "null"}}, "properties": {"a": {"$ref": "#/$defs/d0"}}}
    )
    with pytest.raises(ArgumentTypeError, match="its references do not end"):
        tool.check({"a": 1})


def test_what_is_denied_is_neither_looked_at_nor_asked_for(private, tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    address, came = private
    tool, asked = foreign({"$ref": address}, effects=["network"])
    toolkit = Toolkit(approve="deny")
    toolkit.tools["it"] = tool
    answer = called(toolkit, "it", a=1)
    assert "it was not allowed" in answer.text
    assert (came, asked) == ([], [])
    toolkit.policy = Toolkit(approve="auto").policy
    called(toolkit, "it", a=1)
    assert asked == [1]
