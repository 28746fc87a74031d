"""`ReActAgent` with a long-term memory, by its tools, by itself, or both."""

from __future__ import annotations

import threading

import pytest
from tool_models import ScriptedModel, use

from nbagents.agents import ReActAgent
from nbagents.exceptions import UsageError
from nbagents.memory import LongTermMemory
from nbagents.message import Msg
from nbagents.tools import Toolkit

WORDS = ("rain", "sun", "tea")


def vectors(texts):
    return [[text.count(word) + 0.01 for word in WORDS] for text in texts]


def react(model, memory, **options):
    return ReActAgent("ann", "You remember.", model, long_term_memory=memory, **options)


def names(model):
    return [tool["function"]["name"] for tool in model.asked[0].get("tools", [])]


def test_by_itself_it_looks_up_before_a_reply_and_records_after_it():
    memory = LongTermMemory(vectors)
    first = react(ScriptedModel("Noted."), memory, long_term_memory_mode="static_control")
    assert first(Msg("Bob", "I like tea")).content == "Noted."
    model = ScriptedModel("You like tea.")
    second = react(model, memory, long_term_memory_mode="static_control")
    assert second("Which tea?").content == "You like tea."
    assert names(model) == []
    told = second.memory.get_memory()[0]
    assert told.name == "long_term_memory"
    assert "Bob: I like tea" in told.content
    assert any("I like tea" in entry["content"] for entry in model.sent[0])
    assert len(memory.index) == 4


def test_by_tools_only_when_the_model_calls_them():
    memory = LongTermMemory(vectors)
    model = ScriptedModel(
        (use("record_to_memory", thinking="useful", content=["Bob likes tea."]),),
        (use("retrieve_from_memory", keywords=["tea"]),),
        "Bob likes tea.",
    )
    shared = Toolkit()
    agent = react(model, memory, long_term_memory_mode="agent_control", toolkit=shared)
    assert agent("Bob likes tea.").content == "Bob likes tea."
    assert names(model) == ["record_to_memory", "retrieve_from_memory"]
    outputs = [b["output"] for m in agent.memory.get_memory() for b in m.get_content_blocks("tool_result")]
    assert outputs == ["Remembered 1 fact.", "Bob likes tea."]
    assert len(memory.index) == 1
    assert shared.tools == {}, "others may share it, with memories of their own"


def test_both_is_what_it_does_if_nothing_is_said():
    memory, model = LongTermMemory(vectors), ScriptedModel("Noted.")
    agent = react(model, memory)
    assert agent("I like sun").content == "Noted."
    assert names(model) == ["record_to_memory", "retrieve_from_memory"]
    assert len(memory.index) == 2
    assert agent.long_term_memory is memory
    assert "long_term_memory" not in agent.state_dict()


def test_a_memory_of_ones_own_may_block():
    class Notes:
        def __init__(self):
            self.kept = []

        def record(self, msgs):
            assert threading.current_thread().name.startswith("nbagents-blocking")
            self.kept += [msg.content for msg in msgs]

        def retrieve(self, msg):
            return "; ".join(self.kept)

    agent = react(ScriptedModel("Yes.", "No."), Notes(), long_term_memory_mode="static_control")
    assert [agent("a?").content, agent("b?").content] == ["Yes.", "No."]
    assert "a?; Yes." in agent.memory.get_memory()[2].content


def test_what_cannot_be_is_refused():
    with pytest.raises(UsageError, match="is one of agent_control, static_control, both, not 'all'"):
        react(ScriptedModel(), LongTermMemory(vectors), long_term_memory_mode="all")
    with pytest.raises(UsageError, match="a dict lacks record_to_memory, retrieve_"):
        react(ScriptedModel(), {})
