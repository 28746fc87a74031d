"""Forms that a reply takes, and tools: how they are picked, filled, and told of."""

from __future__ import annotations

import json
import re

from nbagents.demo import reply
from nbagents.demo.rules import Scene, pick


def ask(text: str, *, prompt: str = "You are a helpful assistant.") -> str:
    return reply([{"role": "system", "content": prompt}, {"role": "user", "content": text}])


def test_json_has_the_keys_that_were_asked_for():
    made = json.loads(ask("Reply as JSON with keys answer and reason: what is 2+2?"))
    assert made["answer"] == "2 + 2 = 4"
    assert list(made) == ["answer", "reason"]
    fenced = ask(
        "Who is it?",
        prompt="Respond a JSON dictionary as follows:\n"
        '```json\n{"thought": "...", "speak": "...", "agreement": true}\n```',
    )
    inside = re.fullmatch(r"```json\n(.+)\n```", fenced)
    assert inside is not None
    assert {key: type(value) for key, value in json.loads(inside[1]).items()} == {
        "thought": str,
        "speak": str,
        "agreement": bool,
    }


def tool(name: str, **properties: object) -> dict[str, object]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


def test_a_tool_is_picked_by_its_words_and_its_arguments_are_filled():
    tools = [
        tool("get_weather", city={"type": "string"}, unit={"type": "string", "enum": ["c", "f"]}),
        tool("add", a={"type": "integer"}, b={"type": "number"}),
    ]

    def called(text: str, choice: object = "auto") -> tuple[str, object] | None:
        calls = pick(Scene.of([{"role": "user", "content": text}]), tools, choice)
        return (calls[0].name, json.loads(calls[0].arguments)) if calls else None

    assert called("What is the weather in New York?") == ("get_weather", {"city": "New York", "unit": "c"})
    assert called("Please add 3 and 4.5") == ("add", {"a": 3, "b": 4.5})
    assert called("hello") is None
    assert called("add 1 and 2", "none") is None
    forced = called("hello", {"type": "function", "function": {"name": "add"}})
    assert forced is not None
    assert forced[0] == "add"


def test_what_a_tool_returned_is_told():
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Weather in Oslo?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny, 22"},
    ]
    assert reply(messages) == "get_weather returned “sunny, 22”."


def test_passages_are_looked_up_and_answered_from():
    tools = [tool("retrieve_notes", query={"type": "string"}), tool("add", a={"type": "integer"})]
    asked = [{"role": "user", "content": "Where do the umbrellas hang?"}]
    (call,) = pick(Scene.of(asked), tools)
    assert (call.name, json.loads(call.arguments)) == ("retrieve_notes", {"query": asked[0]["content"]})
    for other in ("What is 2 + 2?", "Who are you?", "Hello.", "Write about rain."):
        assert pick(Scene.of([{"role": "user", "content": other}]), tools) == []

    def answered(text: str) -> str:
        made = {"id": "c", "type": "function", "function": {"name": "retrieve_notes", "arguments": "{}"}}
        turns = [{"role": "assistant", "content": None, "tool_calls": [made]}]
        return reply([*asked, *turns, {"role": "tool", "tool_call_id": "c", "content": text}])

    found = "[1] rain.md, Rain, line 2\nIt falls. Umbrellas hang in the cellar.\n\n[2] b.md\nBread hangs low."
    assert answered(f"Quotations.\n{found}") == "“Umbrellas hang in the cellar”, says rain.md, Rain, line 2."
    assert answered("[1] b.md\nFlour.") == "The passages do not say. I looked in b.md."
    assert answered("No passage fits 'umbrellas'.") == "Nothing was found about that."


def test_steps_that_a_request_writes_out_are_followed_one_by_one():
    tools = [
        tool("show_schema", table={"type": "string"}),
        tool("query_database", query={"type": "string"}, parameters={"type": "object"}),
        tool("run_python", code={"type": "string"}),
    ]
    asked = (
        "Which city sells most?\n\n1. show_schema\n2. query_database: SELECT city FROM sales\n"
        "3. run_python:\n   ```python\n   for n in [1]:\n       print(n)\n   # 4. run_python: not a step\n"
        "   ```\n"
        "4. Then say it."
    )
    talk: list[dict[str, object]] = [{"role": "user", "content": asked}]
    made = []
    for number in range(3):
        (call,) = pick(Scene.of(talk), tools)
        made.append((call.name, json.loads(call.arguments)))
        function = {"name": call.name, "arguments": call.arguments}
        own = [{"id": f"c{number}", "type": "function", "function": function}]
        talk.append({"role": "assistant", "content": None, "tool_calls": own})
        talk.append({"role": "tool", "tool_call_id": f"c{number}", "content": ["", "[]", "drawn"][number]})
    assert made == [
        ("show_schema", {}),
        ("query_database", {"query": "SELECT city FROM sales"}),
        ("run_python", {"code": "for n in [1]:\n    print(n)\n# 4. run_python: not a step"}),
    ]
    plain = {
        "role": "user",
        "content": "1. run_python:\n   for n in [1]:\n       print(n)\n\n   n\n\n2. Say it.",
    }
    (call,) = pick(Scene.of([plain]), tools)
    assert json.loads(call.arguments) == {"code": "for n in [1]:\n    print(n)\n\nn"}
    shown = [{"type": "text", "text": "What run_python returned:"}, {"type": "image_url", "image_url": {}}]
    talk.append({"role": "user", "content": shown})
    assert pick(Scene.of(talk), tools) == []
    assert reply(talk) == (
        "show_schema returned nothing; query_database returned “[]”; "
        "run_python returned “drawn” and a picture."
    )
