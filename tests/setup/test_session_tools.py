"""Agents with tools in a session: what they are given, how that changes, and who meets which."""

from __future__ import annotations

import inspect
import os
import threading
import time
from pathlib import Path

import pytest

import nbagents.tools
from nbagents.exceptions import UsageError
from nbagents.message import Msg
from nbagents.setup import Session
from nbagents.tools import READY_TOOLS, UNREADY_TOOLS, Toolkit, effects, gathered, view_text_file

HELP = "You help. Use your tools."


@pytest.fixture
def session():
    opened = Session("/w/tools.ipynb", headless=True)
    yield opened
    opened.close()


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def slow_add(a: int, b: int, flag: str) -> int:
    """Add two numbers, once a file is there."""
    Path(f"{flag}.began").touch()
    limit = time.monotonic() + 20
    while not Path(flag).exists() and time.monotonic() < limit:
        time.sleep(0.01)
    return a + b


@effects("write")
def save_note(text: str) -> str:
    """Save a note."""
    return f"saved {len(text)}"


def wait_for(path: Path) -> None:
    limit = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < limit, f"no {path}"
        threading.Event().wait(0.01)


def test_a_call_made_before_meets_the_old_tools_and_one_made_after_it_the_new(session, tmp_path: Path):
    flag = tmp_path / "go"
    kit = Toolkit()
    kit.register_tool_function(slow_add, preset_kwargs={"flag": str(flag)}, func_name="add")
    calc = session.define("calc", HELP, model="demo-fast", tools=[kit]).agent
    first = calc(Msg("user", "Please add 2 and 3"))
    wait_for(Path(f"{flag}.began"))
    kit = Toolkit()
    kit.register_tool_function(add, postprocess_func=mark_new)
    made = session.define("calc", HELP, model="demo-fast", tools=[kit])  # does not wait for that call
    assert made.change == "updated"
    second = calc(Msg("user", "Please add 3 and 4"))
    flag.touch()
    assert "5" in first.result(20).content
    assert "new 7" in second.result(20).content
    assert [m.name for m in session.memory("calc")] == ["user", "calc", "system", "calc"] * 2


def mark_new(call, answer):
    return f"new {answer.text}"


def test_a_chat_gets_tools_and_loses_them_with_all_that_it_remembers(session):
    chat = session.define("calc", HELP, model="demo-fast")
    assert chat.agent("Hello.").content
    with_tools = session.define("calc", HELP, model="demo-fast", tools=[add], approve="auto")
    assert (with_tools.change, with_tools.what, with_tools.kept) == ("updated", "tools", 2)
    assert with_tools.agent is chat.agent
    assert with_tools.tools == ("add",)
    assert "5" in chat.agent("Please add 2 and 3").content
    (info,) = session.agents()
    assert (info.kind, info.tools, set(info.approve.values())) == ("ReActAgent", ("add",), {"auto"})
    without = session.define("calc", "You chat.", model="demo-fast")
    assert (without.what, without.kept, without.tools) == ("prompt and tools", 6, ())
    assert without.agent("Hello again.").content  # also with what it has called in its memory
    assert session.agents()[0].sys_prompt == "You chat."
    assert session.define("calc", "You chat.", model="demo-fast", tools=[add], fresh=True).kept == 0


def test_a_person_and_rules_without_tools_are_refused(session):
    with pytest.raises(UsageError, match="me is a person, who calls no tools"):
        session.define("me", "", kind="user", tools=[add])
    with pytest.raises(UsageError, match="approve=ask is about tools, and calc is given none"):
        session.define("calc", HELP, model="demo-fast", approve="ask")
    with pytest.raises(UsageError, match="a tool is a function, not int"):
        session.define("calc", HELP, model="demo-fast", tools=[3])
    assert session.define("calc", HELP, model="demo-fast", kind="react").agent("Hello.").content


def test_what_one_toolkit_allows_is_not_allowed_to_others():
    mild = Toolkit(approve={"write": "auto", "read": "ask"}, max_output_chars=50)
    mild.register_tool_function(save_note)
    assert gathered([mild]) is mild
    both = gathered([mild, add])
    assert (both.policy.rules, both.max_output_chars) == ({"read": "ask"}, 50)
    strict = Toolkit(approve="deny")
    strict.register_tool_function(view_text_file)
    assert gathered([mild, strict]).policy.rules["write"] == "deny"
    other = Toolkit(approve={"write": "auto"})
    other.register_tool_function(add)
    assert gathered([mild, other]).policy.rules == {"write": "auto", "read": "ask"}


def test_groups_come_along_and_two_of_a_name_do_not():
    kit = Toolkit()
    kit.create_tool_group("notes", "About notes.", active=True)
    kit.register_tool_function(save_note, "notes")
    kit.register_tool_function(kit.reset_equipped_tools)
    both = gathered([add, kit])
    assert sorted(both.tools) == ["add", "reset_equipped_tools", "save_note"]
    assert both.groups["notes"].active
    assert "notes" in str([schema["function"]["parameters"] for schema in both.get_json_schemas()])
    with pytest.raises(UsageError, match="there are two tools named save_note"):
        gathered([save_note, kit])


def test_each_tool_that_comes_along_is_known_as_ready_or_not():
    named = {name: getattr(nbagents.tools, name) for name in nbagents.tools.__all__}
    functions = {
        name
        for name, value in named.items()
        if inspect.isfunction(value) and not value.__module__.startswith("nbagents.tools._")
    }
    assert functions - {"cos_sim"} == {*READY_TOOLS, *UNREADY_TOOLS}
    gathered(getattr(nbagents.tools, name) for name in READY_TOOLS)
    for name, needs in UNREADY_TOOLS.items():
        parameters = inspect.signature(getattr(nbagents.tools, name)).parameters
        assert set(needs.split(" and ")) <= set(parameters), name
    assert os.getcwd() in str(gathered([view_text_file]).tools["view_text_file"].presets())
