"""Agents with tools in servers: the tools go along, and run there."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest
from cells import run_cells
from revival import home
from tool_functions import Counting, Shouting, count_words, where_am_i

from nbagents import events
from nbagents.agents import ReActAgent
from nbagents.exceptions import AgentCallError, AgentCreationError, UsageError
from nbagents.memory import InMemoryMemory
from nbagents.message import Msg
from nbagents.rpc import RpcAgentServerLauncher
from nbagents.rpc._dist import settings_of
from nbagents.tools import ServiceToolkit, Toolkit


@pytest.fixture(autouse=True)
def _own_places(runtime: Path):
    """Each test's servers end with it."""


def test_tools_of_a_module_run_in_the_server():
    toolkit = Toolkit()
    toolkit.register_tool_function(count_words, preset_kwargs={"factor": 10}, func_description="Count words.")
    toolkit.create_tool_group("self", "About myself.")
    toolkit.register_tool_function(where_am_i, "self")
    local = ReActAgent("calc", "You count.", "demo-fast", toolkit=toolkit)
    toolkit.update_tool_groups(["self"], active=True)
    local.observe(Msg("user", "Hello."))
    agent = local.to_dist()
    heard = []
    stop = events.subscribe(lambda event: heard.append(event) if event.kind.startswith("tool_") else None)
    try:
        assert "30" in agent(Msg("user", "count words of 'grey beads shine'")).content
        reply = agent(Msg("user", "call where_am_i"))
        assert reply.content
    finally:
        stop()
    results = [event.data for event in heard if event.kind == "tool_result"]
    assert [result["name"] for result in results] == ["count_words", "where_am_i"]
    assert results[0]["output"] == "30"
    assert int(results[1]["output"]) != os.getpid()
    assert all(event.agent == "calc" for event in heard)
    remembered = agent.memory.get_memory()
    assert remembered[0].content == "Hello."
    assert remembered[2].get_content_blocks("tool_use")[0]["name"] == "count_words"
    agent.stop()


def test_the_older_form_and_the_handles_of_a_proxy(capsys):
    service = ServiceToolkit()
    service.add(functools.partial(count_words, factor=2))
    agent = ReActAgent("calc", "demo-fast", service, "You count.", 5, to_dist=True)
    assert "6" in agent(Msg("user", "count words of 'grey beads shine'")).content
    assert "calc: count_words returned" in capsys.readouterr().out
    agent.set_console_output_enabled(False)
    assert "8" in agent(Msg("user", "count words of 'grey beads shine bright'")).content
    assert capsys.readouterr().out == ""
    schema = {"title": "Sum", "properties": {"value": {"type": "integer"}}, "required": ["value"]}
    assert isinstance(agent("Give the value 7", structured_model=schema).metadata["value"], int)
    with pytest.raises(UsageError, match="calc lives in a server, and hooks of the type pre_print do not"):
        agent.register_instance_hook("pre_print", "x", print)
    agent.stop()


def test_a_formatter_goes_along_with_its_settings():
    agent = ReActAgent("calc", "You echo.", "demo-fast", Shouting("!"), to_dist=True)
    assert "WHAT IS 2 + 3" in agent("what is 2 + 3").content.upper()
    agent.stop()


def test_an_agent_whose_server_was_killed_is_back_with_its_tools(runtime: Path):
    toolkit = Toolkit()
    toolkit.register_tool_function(count_words, preset_kwargs={"factor": 3})
    settings = settings_of(ReActAgent, ("calc",), {"model": "demo-fast", "toolkit": toolkit})
    with home() as server:
        server.client.create_agent(settings, "calc")
        assert "6" in server.find("calc")("count words of 'grey beads'").content
        server.revive()
        assert "9" in server.find("calc")("count words of 'grey beads shine'").content
        assert len(server.memory("calc")) == 8


@pytest.mark.parametrize("at_once", [True, False])
def test_a_memory_that_is_awaited_goes_along_with_what_it_holds(at_once):
    memory = InMemoryMemory()
    memory.add(Msg("user", "Hello."))
    place = {"to_dist": True} if at_once else {}
    agent = Counting("calc", "You echo.", "demo-fast", memory=memory, **place)
    there = agent if at_once else agent.to_dist()
    assert there("How many?").content == "2 messages, awaited"
    assert [message.content for message in there.memory] == ["Hello.", "How many?"]
    there.stop()


def test_a_memory_goes_to_a_server_on_tcp():
    memory = InMemoryMemory()
    memory.add(Msg("user", "Hello."))
    with RpcAgentServerLauncher(port=0) as launcher:
        local = ReActAgent("calc", "You echo.", "demo-fast", memory=memory)
        there = local.to_dist("localhost", launcher.port)
        assert there("What is 2 + 3?").content
        assert [message.content for message in there.memory][:2] == ["Hello.", "What is 2 + 3?"]


def test_a_server_on_tcp_takes_no_tools():
    toolkit = Toolkit()
    toolkit.register_tool_function(count_words)
    with RpcAgentServerLauncher(port=0) as launcher, pytest.raises(AgentCallError, match="listens on TCP"):
        ReActAgent("calc", model="demo-fast", toolkit=toolkit).to_dist("localhost", launcher.port)


def test_tools_of_a_cell_go_along():
    *_, said, error = run_cells(
        """
        from nbagents.agents import ReActAgent
        from nbagents.tools import Toolkit
        import math
        BASE = 2

        def shift(n):
            return n + BASE

        def halve(number: int) -> float:
            \"\"\"Halve a number.\"\"\"
            return math.sqrt(shift(number) / 2)
        """,
        """
        toolkit = Toolkit()
        toolkit.register_tool_function(halve)
        agent = ReActAgent("calc", "You halve.", "demo-fast", toolkit=toolkit, to_dist=True)
        agent(Msg("user", "Please halve the number 16")).content
        """,
        """
        rows = []
        def broken(number: int) -> int:
            return len(rows)
        toolkit = Toolkit()
        toolkit.register_tool_function(broken)
        ReActAgent("calc", "You halve.", "demo-fast", toolkit=toolkit).to_dist()
        """,
        fine=False,
    )
    assert said.error == ""
    assert "3.0" in said.result
    assert "broken cannot go to a server: it uses rows, a list, which cannot travel" in error.error


class CountingObject:
    """A function with a past, which stays where it is."""

    def __call__(self, text: str) -> int:
        return len(text.split())


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (CountingObject(), "the tool count_words cannot go to a server: it is a CountingObject"),
        ("x".upper, "the tool upper cannot go to a server"),
        (lambda: 1, "made inside something else"),
    ],
)
def test_what_cannot_travel_is_refused_by_name(function, told):
    toolkit = Toolkit()
    schema = {"name": getattr(function, "__name__", "count_words").strip("<>"), "parameters": {}}
    toolkit.register_tool_function(function, json_schema=schema)
    with pytest.raises(AgentCreationError, match=told):
        ReActAgent("calc", model="demo-fast", toolkit=toolkit).to_dist()
