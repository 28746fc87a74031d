"""What a programmer binds in a partial is the programmer's: it counts, is hidden, and no model changes it."""

from __future__ import annotations

import asyncio
import functools
import json
import sqlite3

import pytest

from nbagents import execute_python_code
from nbagents.exceptions import UsageError
from nbagents.tools import (
    ServiceFactory,
    ServiceToolkit,
    Tool,
    Toolkit,
    bing_search,
    effects,
    query_sqlite,
    reserved,
)

BOUND = "bound-by-a-programmer-1234"


def called(toolkit, name, **given):
    block = {"type": "tool_use", "id": "c1", "name": name, "input": given}
    return asyncio.run(toolkit.call_tool_function(block).last())


@pytest.fixture(autouse=True)
def place(monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def files(tmp_path):
    paths = []
    for name in ("a", "b"):
        paths.append(str(tmp_path / f"{name}.db"))
        base = sqlite3.connect(paths[-1])
        with base:
            base.execute("create table t (whose)")
            base.execute("insert into t values (?)", (name,))
        base.close()
    return paths


def count(path):
    base = sqlite3.connect(path)
    try:
        return base.execute("select count(*) from t").fetchone()[0]
    finally:
        base.close()


@pytest.mark.parametrize("approve", [None, {"write": "deny"}])
@pytest.mark.parametrize("bind", [functools.partial, lambda *a, **kw: ServiceFactory.get(*a, **kw)[0]])
def test_what_a_partial_allows_counts_for_the_approval(files, bind, approve):
    toolkit = Toolkit(approve=approve)
    toolkit.register_tool_function(bind(query_sqlite, database=files[0], allow_change_data=True))
    answer = called(toolkit, "query_sqlite", query="delete from t")
    assert "was not allowed" in answer.text
    assert count(files[0]) == 1


def test_effects_of_partials_in_partials_and_by_place():
    network = functools.partial(functools.partial(execute_python_code, network=True), timeout=3)
    assert Tool(network).effects == {"execute", "network"}
    assert Tool(functools.partial(query_sqlite, "a.db", "select 1", True)).effects == {"read", "write"}

    @effects()
    @reserved(wipe="write")
    def first(path: str, /, wipe: bool = False) -> str:
        return path

    with pytest.raises(UsageError, match="by place"):
        Tool(functools.partial(first, "a", True))


def test_a_model_does_not_change_what_a_partial_binds(files):
    toolkit = Toolkit()
    toolkit.register_tool_function(functools.partial(query_sqlite, database=files[0]))
    assert '"a"' in called(toolkit, "query_sqlite", query="select whose from t").text
    answer = called(toolkit, "query_sqlite", query="select whose from t", database=files[1])
    assert answer.is_error
    assert "database is not known" in answer.text


class Bound(functools.partial):
    """A partial that does more."""

    def __call__(self, *args, **kwargs):
        return "more: " + super().__call__(*args, **kwargs)


def told(question: str, where: str = "", api_key: str = "") -> str:
    """Tell."""
    return f"{question} {where}"


def positional(where: str, /, question: str) -> str:
    """Tell."""
    return f"{question} {where}"


@pytest.mark.parametrize(
    "function",
    [
        functools.partial(told, where=BOUND),
        functools.partial(told, "what", BOUND),
        functools.partial(functools.partial(told, where=BOUND), api_key=BOUND),
        functools.partial(positional, BOUND),
        functools.partial(bing_search, api_key=BOUND),
        ServiceFactory.get(bing_search, api_key=BOUND)[0],
        Bound(told, where=BOUND),
    ],
)
def test_no_value_of_a_partial_is_told_to_a_model(function):
    for toolkit in (Toolkit(), ServiceToolkit()):
        toolkit.register_tool_function(function)
        said = json.dumps(toolkit.get_json_schemas()) + repr(toolkit.tools)
        if isinstance(toolkit, ServiceToolkit):
            said += toolkit.tools_instruction + json.dumps(toolkit.json_schemas)
        assert BOUND not in said
        assert '"properties"' in said


def test_partials_are_called_with_what_they_bind():
    toolkit = Toolkit()
    toolkit.register_tool_function(functools.partial(positional, "here"), func_name="one")
    toolkit.register_tool_function(Bound(told, where="there"), func_name="two")
    toolkit.register_tool_function(functools.partial(told, "sun", api_key="k"), func_name="three")
    assert called(toolkit, "one", question="rain").text == "rain here"
    assert called(toolkit, "two", question="rain").text == "more: rain there"
    assert called(toolkit, "three", where="up").text == "sun up"


def test_a_key_in_a_partial_is_masked_in_answers():
    def failing(question: str, api_key: str) -> str:
        raise OSError(f"{api_key} was refused")

    toolkit = Toolkit()
    toolkit.register_tool_function(functools.partial(failing, api_key=BOUND))
    assert BOUND not in called(toolkit, "failing", question="rain").text
