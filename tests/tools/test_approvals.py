"""Which tools a model may have called, who is asked, and what a yes is worth."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time

import pytest

from nbagents import asking, events
from nbagents.agents import AgentBase
from nbagents.exceptions import AnswerRefusedError, UsageError
from nbagents.runs import Run
from nbagents.tools import Policy, ServiceToolkit, Tool, Toolkit, effects
from nbagents.tools import _approve as approve
from nbagents.tools._policy import rule_for

from .approvers import somebody, yes


def shop(**options):
    """A toolkit, and what its tools were called with."""
    done: list[dict[str, object]] = []

    @effects("write")
    def write_note(name: str, text: str = "", copies: int = 1) -> str:
        """Write a note."""
        done.append({"name": name, "text": text, "copies": copies})
        return f"{name} is written"

    @effects("read")
    def read_note(name: str) -> str:
        """Read a note."""
        done.append({"read": name})
        return "a note"

    def plain(name: str) -> str:
        """Do something harmless."""
        done.append({"plain": name})
        return "harmless"

    toolkit = Toolkit(**options)
    for function in (write_note, read_note, plain):
        toolkit.register_tool_function(function)
    return toolkit, done


def call(toolkit, name="write_note", **given):
    block = {"type": "tool_use", "id": "c1", "name": name, "input": {"name": "a", **given}}
    return toolkit.call_tool_function(block).result(20)


RULES = [
    ({"write"}, (), "ask"),
    ({"read"}, (), "auto"),
    (set(), (), "auto"),
    ({"read", "network"}, ({"network": "auto"},), "auto"),
    ({"read", "write"}, ({"read": "deny"},), "deny"),
    ({"execute", "write"}, ({"execute": "auto"},), "ask"),
    ({"write"}, ("auto", {"write": "ask"}), "ask"),
    ({"write"}, ({"execute": "deny"}, "auto"), "auto"),
    (set(), ("ask",), "ask"),
    (set(), ({"write": "deny"},), "auto"),
]


@pytest.mark.parametrize(("kinds", "said", "rule"), RULES)
def test_the_strictest_that_was_said_counts(kinds, said, rule):
    assert rule_for(kinds, bool(kinds), *map(Policy.of, said)) == rule


def test_who_declares_that_a_tool_does_nothing_is_believed():
    @effects()
    def look(name: str) -> str:
        """Look."""
        return "looked"

    toolkit = Toolkit(approve="deny")
    toolkit.register_tool_function(look)
    assert call(toolkit, "look").text == "looked"


@pytest.mark.parametrize("said", ["perhaps", {"write": "maybe"}, {"wrote": "auto"}, 3])
def test_what_is_no_policy_is_refused(said):
    with pytest.raises(UsageError, match="approve"):
        Toolkit(approve=said)


def test_with_nobody_there_it_is_a_no_at_once_and_others_go_on():
    toolkit, done = shop()
    began = time.monotonic()
    answer = call(toolkit)
    assert answer.is_error
    assert answer.text == "Error: write_note was not allowed: nobody is there to be asked"
    assert time.monotonic() - began < 5
    assert call(toolkit, "read_note").text == "a note"
    assert call(toolkit, "plain").text == "harmless"
    assert done == [{"read": "a"}, {"plain": "a"}]


def test_who_calls_the_function_is_not_asked():
    toolkit, done = shop()
    assert toolkit.tools["write_note"].function("b") == "b is written"
    assert done == [{"name": "b", "text": "", "copies": 1}]


@pytest.mark.parametrize(
    ("options", "text"), [({"approve": "auto"}, "a is written"), ({"approve": {"write": "deny"}}, "write")]
)
def test_a_policy_decides_without_a_person(options, text):
    toolkit, done = shop(**options)
    with somebody() as asked:
        assert text in call(toolkit).text
    assert not asked
    assert len(done) == ("written" in text)


def test_effects_at_registration_count_instead_of_what_is_declared():
    def send(name: str) -> str:
        """Send."""
        return "sent"

    toolkit = Toolkit()
    toolkit.register_tool_function(send, effects=["network"])
    assert "not allowed" in call(toolkit, "send").text
    toolkit.register_tool_function(send, effects=[], namesake_strategy="override")
    assert call(toolkit, "send").text == "sent"
    with pytest.raises(UsageError, match="no effect 'magic'"):
        toolkit.register_tool_function(send, func_name="other", effects=["magic"])


def test_a_person_sees_the_exact_call_and_says_yes():
    toolkit, done = shop()
    with somebody(yes) as asked:
        assert call(toolkit, text="two\nlines\u202e", copies="2").text == "a is written"
    (opened,) = asked
    approval = opened.question.approval
    assert json.loads(approval.arguments) == {"name": "a", "text": "two\nlines\u202e", "copies": "2"}
    assert approval.shown == (("name", '"a"'), ("text", '"two\\n\nlines\\u202e"'), ("copies", '"2"'))
    assert approval.effects == ("write",)
    assert "\u202e" not in opened.question.prompt
    assert done == [{"name": "a", "text": "two\nlines\u202e", "copies": 2}]
    assert not opened.give("approve", {"binding": approval.binding})  # once


def test_what_a_person_changes_is_checked_and_runs():
    toolkit, done = shop()
    told = []

    def change(opened):
        for wrong, why in (
            ('{"name": "b", "copies": "many"}', "copies"),
            ('{"name": "b", "size": 1}', "size is not known"),
            ("[1]", "JSON object"),
            ("{", "no JSON"),
        ):
            with pytest.raises(AnswerRefusedError, match=why):
                yes(opened, arguments=wrong)
        told.append(yes(opened, arguments='{"name": "b", "copies": 3}'))

    with somebody(change):
        answer = call(toolkit)
    assert told == [True]
    assert done == [{"name": "b", "text": "", "copies": 3}]
    assert answer.text == (
        'A person has changed the arguments of this call; it was made with {"name": "b", "copies": 3}\n'
        "b is written"
    )


@pytest.mark.parametrize(
    ("said", "fields", "why"),
    [
        ("deny", {"reason": "not on Sundays"}, "not on Sundays"),
        ("deny", {}, "a person has said no"),
        ("maybe later", {}, "maybe later"),
        ("yes", {}, "yes"),
        ("", {}, "a person has said no"),
    ],
)
def test_anything_but_a_yes_is_a_no_with_its_reason(said, fields, why):
    toolkit, done = shop()
    with somebody(lambda opened: opened.give(said, fields)):
        answer = call(toolkit)
    assert answer.text == f"Error: write_note was not allowed: {why}"
    assert answer.is_error
    assert not done


def test_all_counts_for_this_tool_agent_and_run_and_while_the_tool_is_the_same():
    toolkit, _ = shop()
    tool = toolkit.tools["write_note"]
    approve.grant_all("run-1", "poet", tool)
    about = {"run": "run-1", "agent": "poet"}
    assert approve._granted(approve.Passage("write_note", "c1", **about), tool)
    for other in ({"run": "run-2"}, {"agent": "critic"}, {"run": ""}):
        assert not approve._granted(approve.Passage("write_note", "c1", **about | other), tool)
    assert not approve._granted(approve.Passage("plain", "c1", **about), toolkit.tools["plain"])
    tool.retell("Writes a note, and sends it to everybody.", {"type": "object", "properties": {}})
    assert not approve._granted(approve.Passage("write_note", "c1", **about), tool)


def test_a_person_is_told_once_how_to_allow_what_nobody_could_be_asked(caplog):
    toolkit, _ = shop()
    toolkit.tools["write_note"].rename("write_note_alone")
    toolkit.tools["write_note_alone"] = toolkit.tools.pop("write_note")

    class LonelyClerk(AgentBase):
        async def reply(self, x=None):
            block = {"type": "tool_use", "id": "1", "name": "write_note_alone", "input": {"name": "a"}}
            return (await toolkit.call_tool_function(block).last()).text

    with Run("alone") as run:
        for _ in range(2):
            answer = LonelyClerk("clerk")().content
            assert answer == "Error: write_note_alone was not allowed: nobody is there to be asked"
    (told,) = (record.message for record in caplog.records if "write_note_alone" in record.message)
    assert 'Toolkit(approve={"write": "auto"})' in told
    assert "--approve auto" in told
    assert run.notes == (told,)


def test_its_time_passes(monkeypatch):
    monkeypatch.setattr(approve, "SECONDS", 0.2)
    toolkit, done = shop()
    with somebody(None):
        assert "nobody answered within" in call(toolkit).text
    assert not done


def test_a_question_stays_open_for_ten_minutes():
    toolkit, _ = shop()
    with somebody(lambda opened: opened.give("deny")) as asked:
        call(toolkit)
    assert asked[0].question.timeout == 600


def test_a_stopped_call_is_not_asked_any_more():
    toolkit, done = shop()
    block = {"type": "tool_use", "id": "c1", "name": "write_note", "input": {"name": "a"}}

    async def stopped(asked):
        task = asyncio.ensure_future(toolkit.call_tool_function(block).last())
        while not asked:  # noqa: ASYNC110  # it is heard on another thread
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with somebody(None) as asked:
        asyncio.run(stopped(asked))
        assert asked[0].over
        assert not yes(asked[0])
    assert not done


def test_the_events_tell_of_it():
    toolkit, _ = shop()
    heard = []
    stop = events.subscribe(lambda event: heard.append((event.kind, event.data.get("state"))))
    with somebody(
        yes, lambda opened: yes(opened, arguments='{"name": "b"}'), lambda opened: opened.give("no")
    ):
        for _ in range(3):
            call(toolkit)
    stop()
    states = [state for kind, state in heard if kind == "approval"]
    assert states == ["asked", "approved", "asked", "edited", "asked", "denied"]
    assert [state for kind, state in heard if kind == "tool_result"] == ["done", "done", "denied"]


def test_what_a_service_toolkit_reads_in_a_text_is_asked_too():
    service = ServiceToolkit()
    service.add(shop()[0].tools["write_note"].function)
    told = service.parse_and_call_func('[{"name": "write_note", "arguments": {"name": "a"}}]').content
    assert "FAILED" in told
    assert "was not allowed" in told


def test_a_postprocess_that_blocks_stops_nobody():
    def slow(call, answer):
        threading.Event().wait(0.3)
        return "changed"

    toolkit = Toolkit()
    toolkit.register_tool_function(lambda name: name, func_name="say", postprocess_func=slow)
    ticks = []

    async def both():
        block = {"type": "tool_use", "id": "1", "name": "say", "input": {"name": "a"}}
        task = asyncio.ensure_future(toolkit.call_tool_function(block).last())
        while not task.done():
            ticks.append(1)
            await asyncio.sleep(0.01)
        return task.result().text

    assert asyncio.run(both()) == "changed"
    assert len(ticks) > 5


def test_a_terminal_that_is_none_is_nobody(monkeypatch):
    toolkit, done = shop()
    read, write = os.pipe()
    os.write(write, b"yes\nyes\n")
    with os.fdopen(read) as stdin, os.fdopen(write, "w"):
        monkeypatch.setattr("sys.stdin", stdin)
        answer = call(toolkit)
    assert "nobody is there" in answer.text
    assert not done


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["y"], "a is written"),
        (["Yes"], "a is written"),
        (["n"], "a person has said no"),
        (["not now"], "not now"),
        (["e", '{"name": 1}', '{"name": "b"}'], 'with {"name": "b"}\nb is written'),
        (["e", ""], "a person has said no"),
    ],
)
def test_a_person_at_a_terminal_types_it(lines, text):
    toolkit, _ = shop()
    asked = []

    def typed(question):
        asked.append(question.prompt)
        return lines.pop(0)

    with asking.answering(typed, approves=True):
        assert call(toolkit).text.endswith(text)
    assert not lines
    assert 'wants to run write_note (write):\n    name = "a"\nAllow it?' in asked[0]


def test_the_model_may_choose_its_tools():
    toolkit, _ = shop()
    toolkit.create_tool_group("far", "Tools for far places.", notes="Be careful.")
    toolkit.register_tool_function(lambda name: "gone", func_name="go", group_name="far")
    toolkit.register_tool_function(toolkit.reset_equipped_tools)
    schemas = {one["function"]["name"]: one["function"] for one in toolkit.get_json_schemas()}
    assert "go" not in schemas
    assert schemas["reset_equipped_tools"]["parameters"]["properties"] == {
        "far": {"type": "boolean", "default": False, "description": "Tools for far places."}
    }
    block = {"type": "tool_use", "id": "1", "name": "reset_equipped_tools", "input": {"far": True}}
    assert "Be careful." in toolkit.call_tool_function(block).result().text
    assert "go" in {one["function"]["name"] for one in toolkit.get_json_schemas()}


def test_a_namesake_is_renamed():
    toolkit, _ = shop()
    toolkit.register_tool_function(lambda name: "other", func_name="plain", namesake_strategy="rename")
    (new,) = {name for name in toolkit.tools if name.startswith("plain_")}
    assert call(toolkit, new).text == "other"
    assert call(toolkit, "plain").text == "harmless"
    with pytest.raises(UsageError, match="no tool named 'gone'"):
        toolkit.remove_tool_function("gone", allow_not_exist=False)


def test_a_tool_says_what_it_does_and_who_says_so():
    assert Tool(lambda: None, name="a").declared is False
    assert Tool(lambda: None, name="a", effects=()).declared is True
