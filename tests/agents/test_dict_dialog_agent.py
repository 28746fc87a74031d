"""`DictDialogAgent`: asked again when an answer cannot be read, and what becomes of one that can."""

from __future__ import annotations

import json
import threading

import pydantic
import pytest

from nbagents.agents import DialogAgent, DictDialogAgent
from nbagents.exceptions import JsonParsingError, RequiredFieldNotFoundError, ResponseParsingError, UsageError
from nbagents.memory import InMemoryMemory
from nbagents.message import Msg
from nbagents.models import ModelResponse, ModelWrapperBase
from nbagents.parsers import MarkdownCodeBlockParser, MarkdownJsonDictParser

GOOD = '```json\n{"thought": "Bob is quiet.", "speak": "It is Bob.", "vote": "Bob"}\n```'


class Scripted(ModelWrapperBase):
    """Answers from a list; ``prompts`` are what it was asked."""

    def __init__(self, *answers: str) -> None:
        super().__init__("scripted")
        self.answers, self.prompts = list(answers), []

    def __call__(self, messages, **generate_args):
        self.prompts.append(messages)
        return ModelResponse(text=self.answers.pop(0))


def player(*answers: str, **options):
    model = Scripted(*answers)
    return DictDialogAgent("Ann", "You play.", model, **options), model


@pytest.fixture
def parser():
    return MarkdownJsonDictParser(
        {"thought": "what you think", "speak": "what you say", "vote": "a name"},
        required_keys=["speak", "vote"],
        keys_to_memory=["speak", "thought"],
        keys_to_content="speak",
        keys_to_metadata=["vote"],
    )


def test_each_part_goes_where_the_parser_says(parser, capsys):
    agent, model = player(GOOD)
    agent.set_parser(parser)
    asked = Msg("Moderator", "Who is it?")
    reply = agent(asked)
    assert (reply.content, reply.metadata, reply.role) == ("It is Bob.", {"vote": "Bob"}, "assistant")
    assert reply["vote"] == reply.get("vote") == "Bob"
    heard, said = agent.memory.get_memory()
    assert heard is asked
    assert said.content == {"speak": "It is Bob.", "thought": "Bob is quiet."}
    assert capsys.readouterr().out == "Ann: It is Bob.\n"
    (prompt,) = model.prompts
    assert prompt[0] == {"role": "system", "content": "You play."}
    assert parser.format_instruction in prompt[-1]["content"]


def test_it_is_asked_again_and_told_why(parser):
    agent, model = player("I think it is Bob.", '{"speak": "Bob!"}', GOOD)
    agent.set_parser(parser)
    assert agent("Who?").metadata == {"vote": "Bob"}
    first, second, third = model.prompts
    assert len(first) + 2 == len(second) == len(third), "the last mistake alone"
    assert second[-2]["content"] == "I think it is Bob."
    assert second[-2]["role"] == "assistant"
    assert "could not be read" in second[-1]["content"]
    assert "cannot be read as JSON" in second[-1]["content"]
    assert "lacks 'vote'" in third[-1]["content"]
    assert agent.memory.size() == 2, "what could not be read is not remembered"


def test_when_no_answer_can_be_read_the_error_is_raised(parser):
    agent, model = player("no", "no", "still no", GOOD, max_retries=3)
    agent.set_parser(parser)
    with pytest.raises(JsonParsingError) as caught:
        agent("Who?").result(20)
    assert caught.value.raw_response == "still no"
    assert len(model.prompts) == 3
    agent, model = player('{"speak": 1}', max_retries=0)
    agent.set_parser(parser)
    with pytest.raises(RequiredFieldNotFoundError):
        agent("Who?").result(20)
    assert len(model.prompts) == 1


def test_a_fault_handler_says_what_stands_for_an_answer(parser):
    agent, _ = player(
        "Abstain!", max_retries=1, fault_handler=lambda text: {"speak": text, "thought": "", "vote": None}
    )
    agent.set_parser(parser)
    reply = agent("Who?")
    assert (reply.content, reply.metadata) == ("Abstain!", {"vote": None})


def test_without_a_parser_every_key_can_be_had():
    agent, model = player('{"speak": "I agree", "agreement": true}')
    reply = agent("Well?")
    assert reply.content == "I agree"
    assert reply["agreement"] is reply.get("agreement") is True
    assert reply.get("vote", "nobody") == "nobody"
    assert [m.content for m in agent.memory.get_memory()] == ["Well?", "I agree"]
    assert len(model.prompts[0]) == 2, "nothing is added to the prompt"
    agent, _ = player("Just words.", max_retries=1)
    assert agent("Well?").content == "Just words."


def test_functions_of_ones_own_read_and_mend():
    def handle(text):
        return {"speak": f"({text})"}

    agent, model = player("{'a'", "x", parse_func=json.loads, fault_handler=handle, max_retries=2)
    reply = agent("Well?")
    assert reply.content == "(x)"
    assert "JSONDecodeError" in model.prompts[1][-1]["content"]
    agent, _ = player("7", parse_func=int, max_retries=1)
    assert agent("How many?").content == 7
    agent, _ = player("x", parse_func=int, max_retries=1)
    with pytest.raises(ResponseParsingError, match="ValueError: invalid literal"):
        agent("How many?").result(20)


def test_only_a_parser_is_a_parser():
    with pytest.raises(UsageError, match="takes a parser"):
        player()[0].set_parser(json.loads)


def test_a_memory_that_is_awaited_and_none_at_all(parser):
    class Awaited:
        def __init__(self):
            self.inner = InMemoryMemory()

        async def add(self, memories):
            await self.inner.add(memories)

        async def get_memory(self):
            return await self.inner.get_memory()

    agent, model = player(GOOD, GOOD)
    agent.set_parser(parser)
    agent.memory = Awaited()
    agent.observe(Msg("Bob", "Not me.")).result(20)
    assert agent("Who?").content == "It is Bob."
    assert "Not me." in model.prompts[0][1]["content"]
    assert agent.memory.inner.size() == 3
    assert agent.state_dict()["memory"] == []
    agent.memory = None
    assert agent("Who?").content == "It is Bob."


class Loud(MarkdownCodeBlockParser):
    """A parser of one's own."""


def test_its_parser_goes_along_with_what_it_has_become(parser):
    agent, _ = player(GOOD)
    agent.set_parser(parser)
    state = json.loads(json.dumps(agent.state_dict()))
    again, _ = player(GOOD)
    again.load_state_dict(state)
    assert again("Who?").metadata == {"vote": "Bob"}
    again.set_parser(Loud("text"))
    assert "parser" not in again.state_dict()


def test_in_a_server_it_keeps_its_parser():
    agent = DictDialogAgent("Ann", "You are a poet.", "demo-fast")
    agent.set_parser(MarkdownCodeBlockParser("text"))
    there = agent.to_dist()
    try:
        reply = there("Tell me about rain.")
        assert reply.content
        assert reply.metadata is None, "without a parser it would be {'speak': ...}"
        assert [m.content for m in there.memory] == ["Tell me about rain.", reply.content]
        there.set_parser(MarkdownJsonDictParser({"speak": "what you say"}, keys_to_metadata=True))
        assert there("Tell me about snow.").metadata.keys() == {"speak"}
        with pytest.raises(UsageError, match="takes a parser"):
            there.set_parser(json.loads)
        with pytest.raises(UsageError, match="cannot go to a server"):
            there.set_parser(Loud("text"))
        said = pydantic.create_model("Said", speak=str, mood=(str, "calm"))
        there.set_parser(MarkdownJsonDictParser(said, keys_to_metadata=True))
        assert there("Tell me about sun.").metadata.keys() == {"speak", "mood"}
    finally:
        there.stop()


def test_functions_that_take_their_time_hold_up_nobody_else():
    go_on, helper = threading.Event(), Scripted("8")

    def read(text):
        go_on.wait(10)
        return int(text) + int(helper([{"role": "user", "content": "?"}]).text)

    agent, model = player("7", parse_func=read)
    waiting = agent("How many?")
    other, _ = player("x", max_retries=1, fault_handler=lambda text: go_on.wait(10) and "late")
    handled = other("Well?")
    assert player(GOOD)[0]("Who?").content == "It is Bob.", "it runs meanwhile"
    assert not waiting.done()
    go_on.set()
    assert waiting.content == 15
    assert len(model.prompts) == 1, "a model that is asked by a function is no failure to read"
    assert handled.content == "late"


def test_a_model_of_ones_own_that_blocks_holds_up_nobody_else():
    go_on = threading.Event()

    class Blocking(Scripted):
        def __call__(self, messages, **generate_args):
            go_on.wait(10)
            return super().__call__(messages)

    for kind in (DictDialogAgent, DialogAgent):
        go_on.clear()
        waiting = kind("Ann", "You play.", Blocking("{}", "{}"))("Who?")
        assert player(GOOD)[0]("Who?").content == "It is Bob."
        assert not waiting.done()
        go_on.set()
        waiting.result(10)


def test_an_answer_that_cannot_be_read_says_whose_and_how_often_it_was_asked(parser):
    agent, _ = player("no", "no", max_retries=2)
    agent.set_parser(parser)
    with pytest.raises(JsonParsingError, match=r"^Ann: scripted gave no answer .*JSON.*\(asked 2 times\)"):
        agent("Who?").result(20)


def test_who_speaks_first_without_a_prompt_can_speak():
    agent = DictDialogAgent("Ann", None, "demo-fast")
    assert agent().content


def test_a_model_that_returns_text_itself_is_told_what_to_return():
    class Wrong(ModelWrapperBase):
        def __call__(self, messages, **generate_args):
            return "text"

    with pytest.raises(UsageError, match="the model wrong returned a str itself") as caught:
        DictDialogAgent("Ann", None, Wrong("wrong"))("Who?").result(20)
    assert "ModelResponse(text=" in caught.value.hint
