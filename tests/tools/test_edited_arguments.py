"""What a person has changed of a call is checked again, and never where it would hold up every agent."""

from __future__ import annotations

from approvers import somebody, yes

from nbagents._loop import background
from nbagents.tools import Toolkit


def test_edited_arguments_are_never_checked_on_the_loop():
    toolkit, seen, on_loop = Toolkit(), [], []
    schema = {"name": "save", "parameters": {"properties": {"texts": {"type": "array", "uniqueItems": True}}}}

    def save(**given):
        seen.append(given["texts"])
        return "saved"

    toolkit.register_tool_function(save, json_schema=schema, effects=["write"])
    tool = toolkit.tools["save"]
    check = tool.check

    def watched(given):
        on_loop.append(background().here())
        return check(given)

    tool.check = watched
    with somebody(lambda opened: yes(opened, arguments='{"texts": ["b", "c"]}')):
        block = {"type": "tool_use", "id": "1", "name": "save", "input": {"texts": ["a"]}}
        assert "saved" in toolkit.call_tool_function(block).result(20).text
    assert seen == [["b", "c"]]
    assert len(on_loop) >= 3  # what the model gave, what the person gave, and what is run
    assert not any(on_loop)
