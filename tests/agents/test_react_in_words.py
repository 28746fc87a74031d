"""`ReActAgent` with a model that cannot be given tools: it is told of them in words, and calls them so."""

from __future__ import annotations

import json

import pydantic
import pytest
from tool_models import Answer, ScriptedModel

from nbagents.agents import ReActAgent
from nbagents.exceptions import ResponseParsingError
from nbagents.message import Msg
from nbagents.models import ModelWrapperBase, load_model
from nbagents.tools import Toolkit

TYPE = "openai_chat"


class WordsModel(ScriptedModel):
    calls_tools = False


class NoToolsModel(ModelWrapperBase):
    """One whose call takes messages alone, and blocks."""

    def __init__(self, *script):
        super().__init__("no tools")
        self.script, self.sent = list(script), []

    def __call__(self, messages):
        self.sent.append(messages)
        return Answer(self.script.pop(0))


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def react(model, **options):
    toolkit = Toolkit()
    toolkit.register_tool_function(add)
    return ReActAgent("calc", "You calculate.", model, toolkit=toolkit, **options)


def wish(*calls, **said):
    return "```json\n" + json.dumps({**said, "function": list(calls)}) + "\n```"


ADD = {"name": "add", "arguments": {"a": 2, "b": 3}}


@pytest.mark.parametrize("kind", [WordsModel, NoToolsModel])
def test_it_calls_tools_in_words_and_replies(kind):
    model = kind(wish(ADD, thought="Sum.", speak="Let me see."), wish(thought="Done.", speak="It is 5."))
    agent = react(model)
    reply = agent(Msg("user", "2 and 3?"))
    assert (reply.content, reply.role) == ("It is 5.", "assistant")
    kinds = [[block["type"] for block in m.get_content_blocks()] for m in agent.memory.get_memory()]
    assert kinds == [["text"], ["thinking", "text", "tool_use"], ["tool_result"], ["text"]]
    first, second = model.sent
    assert all(set(entry) <= {"role", "name", "content"} for entry in second), "nothing of tools on the wire"
    assert first[0]["role"] == "system"
    assert '"name": "add"' in first[0]["content"]
    assert '"function"' in first[-1]["content"]
    own = next(entry for entry in second if entry["role"] == "assistant")
    assert '"thought": "Sum."' in own["content"]
    assert '"b": 3' in own["content"]
    assert any("add returned: 5" in entry["content"] for entry in second)


DEMO = {"config_name": "words", "model_type": "openai_chat", "model_name": "demo-fast", "endpoint": "demo"}


def test_the_demo_model_calls_tools_in_words_too():
    agent = react(load_model(DEMO | {"calls_tools": False}))
    assert agent("Please add 2 and 3").content == "add returned “5”."
    called = [block for m in agent.memory.get_memory() for block in m.get_content_blocks("tool_use")]
    assert [(block["name"], block["input"]) for block in called] == [("add", {"a": 2, "b": 3})]
    assert agent("What is 2 + 2?").content == "2 + 2 = 4"


def test_no_tool_reaches_the_call_of_such_a_model():
    model = WordsModel("Prose {is} fine.")
    assert react(model)("hi").content == "Prose {is} fine."
    assert model.asked == [{}]


def test_what_cannot_be_read_is_asked_again():
    model = WordsModel('{"function": [["add", 2]]}', '{"function": ', wish(ADD), wish(speak="5."))
    agent = react(model)
    assert agent("2 and 3?").content == "5."
    assert "an object with name and arguments" in model.sent[1][-1]["content"]
    assert len(model.sent) == 4
    assert len(agent.memory.get_memory()) == 4, "what could not be read is not remembered"
    with pytest.raises(ResponseParsingError, match=r"calc: scripted gave no answer .* \(asked 3 times\)"):
        react(WordsModel(*['{"function": '] * 3))("hi").result()


def test_an_unknown_tool_and_one_that_is_not_a_list_are_told_of_or_taken():
    model = WordsModel(json.dumps({"function": {"name": "sub"}}), json.dumps({"function": ADD}), "5.")
    agent = react(model)
    assert agent("?").content == "5."
    assert "no tool named 'sub'" in model.sent[1][-2]["content"]


def test_an_answer_in_the_form_that_was_asked_for():
    class Sum(pydantic.BaseModel):
        total: int

    finish = {"name": "generate_response", "arguments": {"total": 5}}
    model = WordsModel(wish(ADD), wish(finish, speak="There."))
    reply = react(model)("?", Sum)
    assert reply.metadata == {"total": 5}
    assert reply.parsed == Sum(total=5)


def test_which_models_say_so():
    assert not load_model(
        {"config_name": "p", "model_type": "post_api_chat", "api_url": "http://x/"}
    ).calls_tools
    config = {"config_name": "o", "model_type": TYPE, "base_url": "http://127.0.0.1:1/v1", "model_name": "m"}
    assert load_model(config).calls_tools
    told = load_model({**config, "calls_tools": False})
    assert not told.calls_tools
    assert load_model(told.config).calls_tools is False
