"""Streams of other frameworks, in the shapes that their agents have, as a client of an app sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace as Shape
from typing import Any

import pytest

from nbagents.app import AgentApp
from nbagents.exceptions import UsageError

from .conftest import Client

Begin = Callable[[AgentApp], Client]


def told_of(served: Begin, framework: str, items: Iterable[Any]) -> tuple[list[str], list[Any]]:
    """Return the pieces that came, and what each whole message is."""
    app = AgentApp()

    @app.query(framework=framework)
    async def answer(self: Any, msgs: Any) -> Any:
        for item in items:
            yield item

    told = served(app).say("sky?")
    pieces = [event["text"] for event in told if event.get("delta")]
    found: list[Any] = []
    for message in told[-1]["output"]:
        part = message["content"][0]
        found.append((message["type"], part.get("text") or part["data"]))
    return pieces, found


USE = ("plugin_call", {"call_id": "1", "name": "look", "arguments": '{"at": "sky"}'})
RESULT = ("plugin_call_output", {"call_id": "1", "name": "look", "output": "grey"})
SAID = ("message", "It is grey.")


def test_autogen(served: Begin) -> None:
    call = Shape(id="1", name="look", arguments='{"at":"sky"}')
    done = Shape(call_id="1", name="look", content="grey", is_error=False)
    chunk = "ModelClientStreamingChunkEvent"
    items = [
        Shape(id="0", type="TextMessage", source="user", content="sky?"),
        Shape(id="1", type="ThoughtEvent", source="friday", content="hm"),
        Shape(id="2", type="ToolCallRequestEvent", source="friday", content=[call]),
        Shape(id="3", type="ToolCallExecutionEvent", source="friday", content=[done]),
        Shape(id="4", type=chunk, source="friday", content="It is "),
        Shape(id="5", type=chunk, source="friday", content="grey."),
        Shape(id="6", type="TextMessage", source="friday", content="It is grey."),
        Shape(messages=["all of them"], stop_reason=None),
        Shape(chat_message=Shape(id="6", type="TextMessage", source="friday", content="It is grey.")),
    ]
    assert told_of(served, "autogen", items) == (
        ["hm", "It is ", "grey."],
        [("reasoning", "hm"), USE, RESULT, SAID],
    )


def chunk(key: str, text: str = "", calls: Any = (), last: bool = False) -> tuple[Any, dict[str, Any]]:
    position = "last" if last else None
    message = Shape(
        type="AIMessageChunk",
        id=key,
        content=text,
        tool_call_chunks=calls,
        chunk_position=position,
        name=None,
    )
    return message, {"langgraph_node": "agent"}


def test_langgraph_in_pieces(served: Begin) -> None:
    first = {"index": 0, "id": "1", "name": "look", "args": '{"at": '}
    rest = {"index": 0, "id": None, "name": None, "args": '"sky"}'}
    result = Shape(type="tool", id="t", name="look", content="grey", tool_call_id="1")
    items = [
        chunk("a", calls=[first]),
        chunk("a", calls=[rest]),
        (result, {"langgraph_node": "tools"}),
        chunk("b", "It is "),
        chunk("c", "Two at"),
        chunk("b", "grey."),
        chunk("c", " once."),
        chunk("b", last=True),
    ]
    pieces, found = told_of(served, "langgraph", items)
    assert "".join(pieces) == "It is Two atgrey. once."
    assert found == [USE, RESULT, SAID, ("message", "Two at once.")]


@pytest.mark.parametrize("mode", ["updates", "values", "several"])
def test_langgraph_as_whole_messages(served: Begin, mode: str) -> None:
    calls = [{"id": "1", "name": "look", "args": {"at": "sky"}}]
    said: list[Any] = [
        Shape(type="human", id="h", content="sky?", name=None),
        Shape(type="ai", id="a", content="", tool_calls=calls, name=None),
        Shape(type="tool", id="t", name="look", content="grey", tool_call_id="1"),
        Shape(type="ai", id="b", content=[{"type": "text", "text": "It is grey."}], tool_calls=[], name=None),
    ]
    if mode == "values":
        items: list[Any] = [{"messages": said[:n]} for n in range(1, 5)]
    else:
        items = [{"node": {"messages": [one]}} for one in said]
    if mode == "several":
        items = [("updates", one) for one in items]
    assert told_of(served, "langgraph", items)[1] == [USE, RESULT, SAID]


def test_agno(served: Begin) -> None:
    def event(kind: str, content: Any = None, tool: Any = None) -> Shape:
        return Shape(event=kind, run_id="r", agent_name="friday", content=content, tool=tool)

    tool = Shape(tool_call_id="1", tool_name="look", tool_args={"at": "sky"}, result="grey")
    items = [
        event("RunStarted"),
        event("ToolCallStarted", tool=tool),
        event("ToolCallCompleted", "done", tool),
        event("RunContent", "It is "),
        event("RunContent", "grey."),
        event("RunCompleted", "It is grey."),
    ]
    assert told_of(served, "agno", items) == (["It is ", "grey."], [USE, RESULT, SAID])
    whole = Shape(run_id="r", agent_name="friday", content="It is grey.")
    assert told_of(served, "agno", [whole])[1] == [SAID]
    assert told_of(served, "agno", [event("RunCompleted", "It is grey.")])[1] == [SAID]


def test_what_fails_over_there_fails_here(served: Begin) -> None:
    app = AgentApp()
    app.query("agno")(lambda self, msgs: Shape(event="RunError", content="no model", tool=None))
    told = served(app).say("sky?")
    assert (told[-1]["status"], told[-1]["error"]["message"]) == (
        "failed",
        "Unknown agent error: RuntimeError: no model",
    )


def test_other_frameworks_are_refused_by_name() -> None:
    with pytest.raises(UsageError, match="there are: agentscope, text, autogen, agno, langgraph"):
        AgentApp().query("crewai")
