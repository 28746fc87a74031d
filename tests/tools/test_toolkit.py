"""Calling tools as a model asks: what it is answered, whatever it gives and whatever happens."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from nbagents import events, tools
from nbagents.exceptions import UsageError
from nbagents.message import Msg
from nbagents.tools import (
    Database,
    KernelExecutor,
    ServiceExecStatus,
    ServiceResponse,
    ServiceToolkit,
    Tool,
    Toolkit,
    ToolResponse,
)


def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


async def add_later(a: int, b: int = 1) -> int:
    """Add two numbers, later."""
    await asyncio.sleep(0)
    return a + b


def with_tools(*functions, **options):
    toolkit = Toolkit()
    for function in functions:
        toolkit.register_tool_function(function, **options)
    return toolkit


def block(name, **given):
    return {"type": "tool_use", "id": "c1", "name": name, "input": given}


def called(toolkit, name, **given):
    return asyncio.run(toolkit.call_tool_function(block(name, **given)).last())


def snapshots(toolkit, name):
    async def collect():
        stream = await toolkit.call_tool_function(block(name))
        return [(answer.text, answer.is_last) async for answer in stream]

    return asyncio.run(collect())


@pytest.mark.parametrize("function", [add, add_later])
def test_a_tool_answers(function):
    answer = called(with_tools(function), function.__name__, a="2", b=3)
    assert answer.content == [{"type": "text", "text": "5"}]
    assert not answer.is_error


def test_generators_answer_bit_by_bit():
    def lines():
        yield "one"
        yield "two"

    async def growing():
        yield ToolResponse([{"type": "text", "text": "o"}])
        yield ToolResponse([{"type": "text", "text": "one"}])

    def nothing():
        yield from ()

    toolkit = with_tools(lines, growing, nothing)
    assert snapshots(toolkit, "lines") == [("one", False), ("one\ntwo", True)]
    assert snapshots(toolkit, "growing") == [("o", False), ("one", True)]
    assert snapshots(toolkit, "nothing") == [("done; it returned nothing", True)]


@pytest.mark.parametrize(
    ("value", "text", "error"),
    [
        ({"sum": 3}, '{"sum": 3}', False),
        (None, "done; it returned nothing", False),
        (Msg("poet", "Beads"), "Beads", False),
        (ServiceResponse(ServiceExecStatus.ERROR, "no network"), "no network", True),
        ({"type": "image", "source": {"type": "url", "url": "a.png"}}, "[image: a.png]", False),
    ],
)
def test_whatever_a_tool_returns_is_an_answer(value, text, error):
    def tool():
        return value

    answer = called(with_tools(tool), "tool")
    assert (answer.text, answer.is_error) == (text, error)


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("sub", {}, "FunctionNotFoundError: there is no tool named 'sub'; there are: add"),
        ("add", {}, "ArgumentNotFoundError: add takes a, b; a is missing"),
        ("add", {"a": "x"}, "ArgumentTypeError: add takes a, b; a: Input should be a valid integer"),
        ("add", {"a": 1, "c": 2}, "ArgumentTypeError: add takes a, b; c is not known"),
    ],
)
def test_a_call_that_cannot_be_made_is_told_to_the_model(name, given, told):
    answer = called(with_tools(add), name, **given)
    assert answer.is_error
    assert answer.text.startswith(f"Error: {told}")


def test_arguments_that_are_no_json_object_are_told_to_the_model():
    def told(given):
        return asyncio.run(with_tools(add).call_tool_function(block("add") | {"input": given}).last()).text

    assert "the arguments of add are no JSON" in told('{"a": 1,')
    assert "are a list, not a JSON object" in told("[1]")
    assert told('{"a": 1}') == "2"


def test_what_a_tool_raises_is_told_without_traceback_and_keys():
    def fails():
        raise ValueError("the key sk-0123456789abcdef9f2c was refused")

    def ends():
        raise SystemExit

    toolkit = with_tools(fails, ends)
    assert called(toolkit, "fails").text == "Error: ValueError: the key sk-…9f2c was refused"
    assert called(toolkit, "ends").text == "Error: SystemExit"


def test_what_was_said_before_a_failure_is_kept():
    def half():
        yield "the first half"
        raise OSError("disk full")

    answer = called(with_tools(half), "half")
    assert answer.text == "the first half\nError: OSError: disk full"
    assert answer.is_error


def test_a_tool_that_takes_too_long_is_told():
    ended = threading.Event()

    async def slow():
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    answer = called(with_tools(slow, timeout=0.05), "slow")
    assert answer.text == "Error: TimeoutError: slow did not answer within 0.05 s"
    assert ended.is_set()


def test_a_tool_that_does_not_end_when_its_time_is_up_is_left_to_itself():
    go = asyncio.Event()

    async def stubborn():
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                continue

    async def call():
        answer = await with_tools(stubborn, timeout=0.05).call_tool_function(block("stubborn")).last()
        go.set()
        return answer

    assert asyncio.run(call()).text == "Error: TimeoutError: stubborn did not answer within 0.05 s"


def test_a_timeout_of_the_tool_itself_is_not_taken_for_ours():
    def tool():
        raise TimeoutError("the printer is silent")

    assert called(with_tools(tool, timeout=60), "tool").text == "Error: TimeoutError: the printer is silent"


def test_blocking_tools_do_not_stop_the_loop():
    met = threading.Barrier(2, timeout=20)

    def blocks() -> str:
        met.wait()
        return threading.current_thread().name

    async def both():
        toolkit = with_tools(blocks)
        stream = [toolkit.call_tool_function(block("blocks")).last() for _ in range(2)]
        return [answer.text for answer in await asyncio.gather(*stream)]

    assert asyncio.run(both()) == ["nbagents-tool", "nbagents-tool"]


def test_cancelling_ends_an_async_tool_and_does_not_wait_for_a_thread():
    begun, go, ended = threading.Event(), threading.Event(), threading.Event()

    def blocks() -> None:
        begun.set()
        go.wait(60)
        ended.set()

    async def cancelled():
        task = asyncio.ensure_future(with_tools(blocks).call_tool_function(block("blocks")).last())
        await asyncio.to_thread(begun.wait, 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    start = time.monotonic()
    asyncio.run(cancelled())
    assert time.monotonic() - start < 30
    go.set()
    assert ended.wait(20)


def test_events_tell_of_calls_and_results():
    heard = []
    stop = events.subscribe(lambda event: heard.append((event.kind, dict(event.data))))
    try:
        called(with_tools(add), "add", a=1, b=2)
        called(with_tools(add), "add", a="x" * 5000)
    finally:
        stop()
    kinds = [kind for kind, _ in heard]
    assert kinds == ["tool_call", "tool_result"] * 2
    assert heard[0][1] == {"id": "c1", "name": "add", "arguments": {"a": 1, "b": 2}}
    result = heard[1][1]
    assert result.pop("seconds") >= 0
    assert result == {"id": "c1", "name": "add", "output": "3", "state": "done"}
    assert len(heard[2][1]["arguments"]["a"]) < 4100
    assert heard[3][1]["state"] == "error"


# -------------------------------------------------------------------------- the toolkit itself


def test_presets_cannot_be_changed_by_the_model():
    def fetch(url: str, token: str) -> str:
        return f"{url} {token}"

    toolkit = Toolkit()
    toolkit.register_tool_function(fetch, preset_kwargs={"token": "t"})
    assert called(toolkit, "fetch", url="u").text == "u t"
    assert called(toolkit, "fetch", url="u", token="other").is_error


def test_a_name_is_taken_once_unless_told_otherwise():
    def other(a: int) -> int:
        return -a

    toolkit = with_tools(add)
    with pytest.raises(UsageError, match="a tool named add already"):
        toolkit.register_tool_function(add)
    toolkit.register_tool_function(other, func_name="add", namesake_strategy="skip")
    assert called(toolkit, "add", a=1).text == "2"
    toolkit.register_tool_function(other, func_name="add", namesake_strategy="override")
    assert called(toolkit, "add", a=1).text == "-1"
    toolkit.remove_tool_function("add")
    assert toolkit.get_json_schemas() == []


def test_groups_are_shown_while_they_are_active():
    toolkit = with_tools(add)
    with pytest.raises(UsageError, match="no group of tools named 'late'"):
        toolkit.register_tool_function(add_later, "late")
    toolkit.create_tool_group("late", "Later.", notes="Be patient.")
    toolkit.register_tool_function(add_later, "late")
    assert [one["function"]["name"] for one in toolkit.get_json_schemas()] == ["add"]
    assert "group 'late', which is not active" in called(toolkit, "add_later", a=1).text
    before = toolkit.state_dict()
    toolkit.update_tool_groups(["late"], active=True)
    assert called(toolkit, "add_later", a=1).text == "2"
    assert toolkit.get_activated_notes() == "## late\nBe patient."
    after = toolkit.state_dict()
    toolkit.load_state_dict(before)
    assert len(toolkit.get_json_schemas()) == 1
    toolkit.load_state_dict(after)
    assert len(toolkit.get_json_schemas()) == 2
    with pytest.raises(UsageError, match="no group"):
        toolkit.load_state_dict({"active_groups": ["x"]})
    toolkit.remove_tool_groups(["late"])
    assert list(toolkit.tools) == ["add"]


def test_a_model_can_choose_groups_by_a_tool():
    toolkit = Toolkit()
    toolkit.create_tool_group("late", "Later.")
    toolkit.register_tool_function(toolkit.reset_equipped_tools)
    assert called(toolkit, "reset_equipped_tools", late=True).text == "active groups of tools: late"
    assert toolkit.groups["late"].active


def test_answers_can_be_changed_afterwards():
    def shout(call, answer):
        return ToolResponse.of_text(f"{call['name']}: {answer.text}!")

    toolkit = Toolkit()
    toolkit.register_tool_function(add, postprocess_func=shout)
    assert called(toolkit, "add", a=1).text == "add: 2!"


# ------------------------------------------------------------------------- objects that have tools


class Shelf:
    """Has tools, and is none."""

    def __init__(self, *names):
        self.names = names

    def tools(self):
        def made(name):
            def look() -> str:
                return name

            look.__name__ = name
            return look

        return [made(name) for name in self.names]


@pytest.mark.parametrize("kind", [Toolkit, ServiceToolkit])
def test_an_object_with_tools_adds_them_all(kind, tmp_path):
    toolkit = kind()
    add = toolkit.add if kind is ServiceToolkit else toolkit.register_tool_function
    add(Shelf("left", "right"))
    add(Database(f"sqlite:///{tmp_path}/shop.db", allow_change_data=True))
    with KernelExecutor() as kernel:
        add(kernel)
    assert [*toolkit.tools] == ["left", "right", "show_schema", "query_database", "run_python"]
    assert toolkit.tools["query_database"].effects == {"read", "write"}
    assert asyncio.run(toolkit.call_tool_function({"name": "right", "input": {}}).last()).text == "right"


def test_of_an_object_with_tools_all_are_added_or_none():
    toolkit = Toolkit()
    toolkit.register_tool_function(Shelf("b"), func_name="one")
    toolkit.register_tool_function(Shelf("b"))
    with pytest.raises(UsageError, match="named b already"):
        toolkit.register_tool_function(Shelf("a", "b"))
    assert [*toolkit.tools] == ["one", "b"]
    toolkit.register_tool_function(Shelf("a", "b"), namesake_strategy="skip")
    assert [*toolkit.tools] == ["one", "b", "a"]
    with pytest.raises(UsageError, match="several tools") as wrong:
        toolkit.register_tool_function(Shelf("x", "y"), func_name="one")
    assert "one by one" in wrong.value.hint


@pytest.mark.parametrize(("thing", "hint"), [(3, "give a function"), (Shelf("a"), "what its tools")])
def test_what_is_no_tool_is_told_what_to_give_instead(thing, hint):
    with pytest.raises(UsageError, match="a tool is a function, not") as wrong:
        Tool(thing)
    assert hint in wrong.value.hint


def test_only_what_somebody_needs_is_public():
    inside = "arguments_of parts_from tidy_schema text_of rule_for run_policy set_run_policy forget_run"
    assert not {*inside.split(), "reserved_of", "retrieve_from_index"} & {*dir(tools)}
    assert all(hasattr(tools, name) for name in tools.__all__)
